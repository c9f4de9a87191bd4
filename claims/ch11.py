"""What chapter 11 claims of any run: that only data is clustered, and that its map and its areas add up."""

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
    f, k = found, found.k
    labels, model = f.labels, f.model
    data = ~f.mask
    row, column = (axis[:: max(1, data.size // 200_000)] for axis in np.nonzero(data))
    distance = cdist(f.image[row, column].astype(float), f.centers)
    excess = distance[np.arange(len(row)), labels[row, column]] - distance.min(axis=1)
    own = [f.pixels[model.labels_ == cluster] for cluster in range(k)]
    means = np.array([part.mean(axis=0) for part in own])
    wcss = sum(((part - mean) ** 2).sum() for part, mean in zip(own, means, strict=True))
    best = [
        f.scores[name].max() - f.scores.loc[f.asked[name], name]
        for name in ("silhouette", "stability")
        if name in f.asked
    ]
    grid = [np.arange(0, n, f.step) for n in labels.shape]
    votes = np.array(
        [np.add.reduceat(np.add.reduceat(labels == c, grid[0], 0, int), grid[1], 1) for c in range(-1, k)]
    )
    outvoted = votes.max(axis=0) - np.take_along_axis(votes, f.cells[np.newaxis].astype(int) + 1, 0)[0]
    regions = sum(label(f.merged == cluster)[1] for cluster in range(k))
    listed = f.listed
    spread = [np.ptp(f.merged[f.after == r]) for r in listed.index[:50]]
    outside = f.after[listed["row"], listed["col"]] != listed.index
    painted = np.where(data[..., np.newaxis], f.centers.round()[labels], 0)
    area = float(f.row_area @ data.sum(axis=1))
    return [
        Claim(
            "Missing pixels, and no others, are in no cluster",
            np.mean((labels < 0) == data),
            0,
            "of the pixels",
        ),
        Claim("Every cluster has pixels", k - len(np.unique(labels[data])), 0, "clusters"),
        Claim(
            "Each center is the mean of its cluster",
            np.abs(np.sort(means, 0) - np.sort(f.centers, 0)).max(),
            0.5,
            "color values",
        ),
        Claim("Each pixel is in the cluster of its nearest center", excess.max(), 0.01, "color values"),
        Claim("The WCSS adds up", abs(wcss - model.inertia_) / max(wcss, 1), 1e-6),
        Claim(
            "Clusters are numbered from dark to bright",
            max(0, -np.diff(f.centers.sum(axis=1)).min(initial=0)),
            1e-9,
        ),
        Claim(
            "The WCSS never rises with k", max(np.diff(f.wcss).max(initial=0), 0) / max(f.wcss[0], 1), 0.001
        ),
        Claim("Silhouette and stability take the k of their largest value", max(best, default=0), 0),
        Claim("Each cell has the label that most of its pixels have", outvoted.max(), 0, "pixels"),
        Claim("Regions are what hangs together over edges", abs(regions - f.after.max()), 0, "regions"),
        Claim("Each region is of one cluster", max(spread), 0, "labels"),
        Claim("Every marker lies in its region", outside.sum(), 0, "markers"),
        Claim("The clusters' areas add up to that of the data", abs(f.areas.sum() / area - 1), 1e-9),
        Claim(
            "The areas on the map add up, too",
            abs(f.on_map.sum() / f.cell_area[f.merged >= 0].sum() - 1),
            1e-9,
        ),
        Claim(
            "The map that was saved has the same missing pixels",
            np.mean(f.again.mask != f.mask),
            0,
            "of the pixels",
        ),
        Claim(
            "The map that was saved has the clusters' colors",
            np.abs(np.where(data[..., np.newaxis], f.again.image, 0) - painted).max(),
            0,
        ),
    ]
