"""What chapter 5 claims of any run: its clusters, its boundaries, its regions and their markers, and its areas."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from scipy import ndimage
from scipy.spatial.distance import cdist

from claims import Claim

RECORD = [
    "k", "cluster_terrains", "n_regions", "n_left", "boundary_share", "counts", "deepest", "misnamed", "shares_mapped",
    "shares_true", "confusion", "pixels_right",
]  # fmt: skip
TARGETS = np.array([(20, 20, 220), (20, 255, 20), (139, 69, 19), (220, 220, 220)])


def check(found: SimpleNamespace) -> list[Claim]:
    """Return the claims of chapter 5, measured on the names that it left."""
    labels, centers, pixels = found.seg.labels, found.seg.centers, found.image.reshape(-1, 3).astype(float)
    flat = labels.ravel()
    sizes = np.bincount(flat, minlength=found.k)
    means = np.stack([np.bincount(flat, channel, found.k) for channel in pixels.T], axis=1) / sizes[:, None]
    squared = ((pixels - centers[flat]) ** 2).sum(axis=1)
    nearest = cdist(pixels, centers, "sqeuclidean").min(axis=1)
    code = pixels.astype(int) @ (1 << 16, 1 << 8, 1)
    divided = len(np.unique(code * found.k + flat)) - len(np.unique(code))
    terrain = cdist(centers, TARGETS).argmin(axis=1)
    luma = np.round(centers @ (0.299, 0.587, 0.114), 6)
    ordered = (np.diff(terrain) > 0) | ((np.diff(terrain) == 0) & (np.diff(luma) >= 0))
    true = (found.heights[..., np.newaxis] >= (0.4, 0.6, 0.8)).sum(axis=-1)
    padded = np.pad(labels, 1, mode="edge")
    beside = [padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
    on_boundary = np.any([labels != other for other in beside], axis=0)
    parts = sum(ndimage.label(labels == cluster)[1] for cluster in range(found.k))
    torn = sum(
        np.count_nonzero((a[1:] == a[:-1]) != (b[1:] == b[:-1]))
        for a, b in [(found.region, labels), (found.region.T, labels.T)]
    )
    merged, areas = found.merged, np.bincount(found.merged_region.ravel())[1:]
    small = np.count_nonzero(areas < found.min_area)
    moved = (found.labels != labels) & ~found.small
    strayed = found.merged_region[merged["marker row"], merged["marker column"]] != merged.index
    miscounted = areas[merged.index - 1] - merged["area"]
    pairs = np.bincount(true.ravel() * 4 + terrain[found.labels].ravel(), minlength=16).reshape(4, 4)
    mean_off, excess = np.abs(means - centers).max(), (np.sqrt(squared) - np.sqrt(nearest)).max()
    wcss_off = abs(squared.sum() - found.seg.wcss) / max(squared.sum(), 1e-3)
    left_small = small if small < len(areas) else 0
    return [
        Claim("Each of the k clusters has pixels", found.k - len(np.unique(flat)), 0, "clusters"),
        Claim("Pixels of one color share a cluster", divided, 0, "colors"),
        Claim("Each center is the mean of its pixels", mean_off, 1e-6, "color values"),
        Claim("The WCSS adds up", wcss_off, 1e-9),
        Claim("No pixel is nearer to another center", excess, 1e-6, "color values"),
        Claim("Clusters go from water to snow, and from dark to light", np.sum(~ordered), 0, "clusters"),
        Claim("The true terrain follows from the heights", np.sum(true != found.truth), 0, "pixels"),
        Claim("Boundaries part clusters", np.sum(on_boundary != found.edges), 0, "pixels"),
        Claim("Regions part exactly where clusters do", float(torn + np.sum(found.region < 1)), 0, "pixels"),
        Claim("Each connected part is one region", abs(found.n_regions - parts), 0, "regions"),
        Claim("Merging leaves nothing too small, unless everything is", left_small, 0, "regions"),
        Claim("Merging changes small regions alone", np.sum(moved), 0, "pixels"),
        Claim("Each marker lies inside its region", np.sum(strayed), 0, "regions"),
        Claim("Each area is the number of its pixels", np.abs(miscounted).max(), 0, "pixels"),
        Claim("The confusion matrix counts each pair", np.abs(pairs - found.confusion).sum(), 0, "pixels"),
        Claim("The shares on the map add up to 1", abs(sum(found.shares_mapped) - 1), 1e-9),
    ]
