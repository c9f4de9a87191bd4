import numpy as np

from claims import Claim, Names, agrees, measures

RECORD = ["unsaid", "step", "enclosed", "wcss", "knees", "asked", "k", "centers", "moved"]
RECORD += ["agreement_if_forgotten", "unit", "areas", "on_map", "given_away", "starts_agree", "stability"]
RECORD += ["one_more", "neighbors_alike", "neighbors_by_chance"]


def check(found: Names) -> list[Claim]:
    """Return the claims that only data is clustered, and that the map and its areas add up."""
    k, labels, model, merged = found.k, found.labels, found.model, found.merged
    data, centers, scores = ~found.mask, found.model.cluster_centers_, found.scores
    chosen = np.random.RandomState(0).randint(data.size, size=200_000)
    some = np.unravel_index(chosen[data.ravel()[chosen]], data.shape)  # pixels with data
    farther = measures.beyond_nearest(found.image[some].astype(float), labels[some], centers)
    largest = {name: k for name, k in found.asked.items() if name in ("silhouette", "stability")}
    missed = [scores[name].max() - scores[name][k] for name, k in largest.items()]
    votes = [measures.block_sums(labels == cluster, found.step) for cluster in range(-1, k)]
    outvoted = np.max(votes, axis=0) - np.choose(found.cells + 1, votes)
    regions, after, listed = measures.connected(merged), found.after, found.listed
    table = measures.crossed(regions[merged >= 0], after[merged >= 0])
    counted = [np.count_nonzero(table), *table.shape]
    at_marker = after[listed["row"], listed["col"]]
    area = float(found.row_area @ data.sum(axis=1))
    rises, darker = measures.rise(found.wcss) / found.wcss[0], measures.rise(-centers.sum(axis=1))
    drawn, unlike = found.cell_area[merged >= 0].sum(), np.sum(found.again.mask != found.mask)
    painted, said = found.again.image[some], found.centers[labels[some]]
    return [
        Claim("Missing pixels, and no others, are in no cluster", np.sum((labels < 0) == data), 0, "pixels"),
        *measures.about_clusters(found.pixels, model.labels_, centers, model.inertia_, moving=0.5),
        Claim("Each pixel of the map is in the nearest cluster", farther, 0.01, "color values"),
        Claim("Clusters are numbered from dark to bright", darker, 1e-9, "color values"),
        Claim("The WCSS hardly ever rises with k", rises, 0.001, "of the WCSS"),
        Claim("Silhouette and stability take the k of their largest value", max(missed, default=0)),
        Claim("Each cell has the label that most of its pixels have", outvoted.max(), 0, "pixels"),
        agrees("Each connected part of a cluster is one region", counted, regions.max(), 0, "regions"),
        Claim("Every marker lies in its region", np.sum(at_marker != listed.index), 0, "markers"),
        agrees("The clusters' areas add up to that of the data", found.areas.sum() / area, 1),
        agrees("The areas on the map add up, too", found.on_map.sum() / drawn, 1),
        Claim("The saved map lacks the same pixels", unlike, 0, "pixels"),
        agrees("The saved map has the clusters' colors", painted, said, 0, "color values"),
    ]
