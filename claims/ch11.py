"""What chapter 11 claims of any run: only data is clustered, and the map and its areas add up."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from scipy.ndimage import label
from scipy.spatial.distance import cdist

from claims import Claim

RECORD = [
    "unsaid", "step", "enclosed", "wcss", "knees", "asked", "k", "centers", "moved", "agreement_if_forgotten", "unit",
    "areas", "on_map", "given_away", "starts_agree", "stability", "one_more", "neighbors_alike", "neighbors_by_chance",
]  # fmt: skip


def check(found: SimpleNamespace) -> list[Claim]:
    """Return the claims of chapter 11, measured on the names that it left."""
    f, k, labels, centers = found, found.k, found.labels, found.model.cluster_centers_
    data = ~f.mask
    chosen = np.random.RandomState(0).randint(data.size, size=200_000)
    some = np.unravel_index(chosen[data.ravel()[chosen]], data.shape)  # pixels with data
    apart = cdist(f.image[some].astype(float), centers)
    farther = apart[np.arange(len(apart)), labels[some]] - apart.min(axis=1)
    own = [f.pixels[f.model.labels_ == cluster] for cluster in range(k)]
    off = max(np.abs(part.mean(axis=0) - center).max() for part, center in zip(own, centers, strict=True))
    wcss = sum(((part - center) ** 2).sum() for part, center in zip(own, centers, strict=True))
    largest = [name for name in ("silhouette", "stability") if name in f.asked]
    missed = [f.scores[name].max() - f.scores.loc[f.asked[name], name] for name in largest]
    rows, columns = (np.arange(0, n, f.step) for n in labels.shape)
    votes = [
        np.add.reduceat(np.add.reduceat(labels == c, rows, 0, np.int32), columns, 1) for c in range(-1, k)
    ]
    lost = np.max(votes, axis=0) - np.choose(f.cells + 1, votes)
    regions = sum(label(f.merged == cluster)[1] for cluster in range(k))
    mixed = [np.ptp(f.merged[f.after == region]) for region in f.listed.index[:20]]
    astray = f.after[f.listed["row"], f.listed["col"]] != f.listed.index
    painted = f.centers[labels[some]] - f.again.image[some]
    share = f.areas.sum() / float(f.row_area @ data.sum(axis=1))
    on_map = f.on_map.sum() / f.cell_area[f.merged >= 0].sum()
    falls, darker = np.diff(f.wcss).max(initial=0) / f.wcss[0], -np.diff(centers.sum(axis=1)).min(initial=0)
    return [
        Claim("Missing pixels, and no others, are in no cluster", np.mean((labels < 0) == data), 0),
        Claim("Every cluster has pixels", k - len(np.unique(labels[data])), 0, "clusters"),
        Claim("Each center is the mean of its cluster", off, 0.5, "color values"),
        Claim(
            "Each pixel is in the cluster of its nearest center", farther.max(initial=0), 0.01, "color values"
        ),
        Claim("The WCSS adds up", abs(wcss - f.model.inertia_) / max(wcss, 1), 1e-6),
        Claim("Clusters are numbered from dark to bright", max(darker, 0), 1e-9, "color values"),
        Claim("The WCSS hardly ever rises with k", max(falls, 0), 0.001),
        Claim("Silhouette and stability take the k of their largest value", max(missed, default=0), 0),
        Claim("Each cell has the label that most of its pixels have", lost.max(), 0, "pixels"),
        Claim("Regions are what hangs together over edges", abs(regions - f.after.max()), 0, "regions"),
        Claim("A region is of one cluster", max(mixed), 0, "labels"),
        Claim("Every marker lies in its region", np.sum(astray), 0, "markers"),
        Claim("The clusters' areas add up to that of the data", abs(share - 1), 1e-9),
        Claim("The areas on the map add up, too", abs(on_map - 1), 1e-9),
        Claim("The saved map lacks the same pixels", np.mean(f.again.mask != f.mask), 0, "of the pixels"),
        Claim("The saved map has the clusters' colors", np.abs(painted).max(initial=0), 0, "color values"),
    ]
