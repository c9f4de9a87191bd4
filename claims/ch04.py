from claims import Claim, Names, agrees, measures

RECORD = ["wcss", "knee", "knees", "takes", "scores", "chosen", "best", "agreement"]
SIGNS = {"silhouette": 1, "Calinski–Harabasz": 1, "Davies–Bouldin": -1, "stability": 1, "agreement": 1}


def check(found: Names) -> list[Claim]:
    """Return the claims about the clusters, the criteria, and the k that is chosen."""
    colors, model, scores, takes = found.colors, found.models[found.chosen], found.scores, found.takes
    labels, centers = model.labels_, model.cluster_centers_
    counts, rises = colors.counts, measures.rise(found.wcss) / max(found.wcss[0], 1)
    agreement = measures.adjusted_rand(found.truth, labels[colors.index])
    signed = {name: sign * scores[name] for name, sign in SIGNS.items() if name in takes}
    missed = max(column.max() - column[takes[name]] for name, column in signed.items())
    rule = found.knee if found.knee is not None and found.knee >= 2 else takes["silhouette"]
    return [
        measures.about_terrain(found),
        agrees("Distinct colors stand for all pixels", counts.sum(), len(found.pixels), 0, "pixels"),
        *measures.about_clusters(colors.values, labels, centers, model.inertia_, counts, moving=0.5),
        Claim("The WCSS never rises with k", rises, 1e-9, "of the WCSS"),
        agrees("The agreement follows from counting pairs", agreement, scores["agreement"][found.chosen]),
        Claim("Each criterion takes the k of its best value", missed),
        agrees("k is chosen by the stated rule", rule, found.chosen, 0),
    ]
