"""What chapter 3 claims of any run: its clusters, the fall of the WCSS, the order, and the agreement of both ways."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from claims import Claim

RECORD = [
    "k", "shares", "same_labels", "stretched_agreement", "wcss_rounds", "lowest", "raw_differ", "raw_agreement",
    "ordered_differ", "segment_differ", "cluster_shares", "terrains_painted", "root_mean_square",
]  # fmt: skip
TARGETS = np.array([(20, 20, 220), (20, 255, 20), (139, 69, 19), (220, 220, 220)], dtype=float)


def check(found: SimpleNamespace) -> list[Claim]:
    """Return the claims of chapter 3, measured on the names that it left."""
    pixels, seg, k = found.pixels.astype(float), found.seg, found.k
    labels, centers = seg.labels.ravel(), seg.centers
    distances = np.stack([((pixels - center) ** 2).sum(axis=1) for center in centers], axis=1)
    own = distances[np.arange(len(pixels)), labels]
    excess = np.sqrt(own) - np.sqrt(distances.min(axis=1))
    counts = np.bincount(labels, minlength=k)
    means = np.stack(
        [np.bincount(labels, channel, k) / np.maximum(counts, 1) for channel in pixels.T], axis=1
    )
    codes = found.image.reshape(-1, 3) @ [65536, 256, 1]
    _, first, of_pixel = np.unique(codes, return_index=True, return_inverse=True)
    terrain = ((centers[:, np.newaxis] - TARGETS) ** 2).sum(axis=2).argmin(axis=1)
    light = np.round(centers @ [0.299, 0.587, 0.114], 6)
    in_order = (np.diff(terrain) > 0) | ((np.diff(terrain) == 0) & (np.diff(light) >= 0))
    fell, size = np.array(found.wcss_rounds), max(seg.wcss, 1)
    part = found.by_pixel.labels_ != found.by_color.labels_[found.colors.index].ravel()
    if part.any() and _is_ambiguous(*np.unique(pixels, axis=0, return_counts=True), found.start):
        part[:] = False
    sums_off, means_off = np.max([
        _off(pixels, found.by_pixel.labels_, found.by_pixel),
        _off(pixels, found.by_color.labels_[found.colors.index].ravel(), found.by_color),
    ], axis=0)  # fmt: skip
    painted = (found.nearest_terrain.reshape(-1, 3) != TARGETS[terrain][labels]).any(axis=1)
    return [
        Claim("Each pixel is in one of the k clusters, and none is empty", k - np.count_nonzero(counts), 0, "clusters"),
        Claim("Pixels of one color are in one cluster", np.sum(labels != labels[first][of_pixel]), 0, "pixels"),
        Claim("Each center is the mean color of its cluster", np.abs(means - centers).max(), 1e-6, "color values"),
        Claim("No pixel is nearer to another center than to its own", excess.max(), 1e-6, "color values"),
        Claim("The WCSS is the sum of the squared distances", abs(own.sum() - seg.wcss) / size, 1e-9, "of the WCSS"),
        Claim("Clusters are in order", np.sum(~in_order), 0, "clusters"),
        Claim("The WCSS never rises from round to round", max(np.diff(fell).max(initial=0), 0) / size, 1e-9, "of the WCSS"),
        Claim("No start ends more than 0.1 % below the solver", max(seg.wcss - found.lowest, 0) / size, 1e-3, "of the WCSS"),
        Claim("By pixels and by weighted colors, the WCSS is that of all pixels", sums_off, 1e-9, "of the WCSS"),
        Claim("By pixels and by weighted colors, centers are means of pixels", means_off, 1e-6, "color values"),
        Claim("Without ties and empty clusters, pixels and weighted colors end at the same clusters", part.mean(), 0.001, "of the pixels"),
        Claim("The shares of the clusters add up to 1", abs(found.cluster_shares.sum() - 1), 1e-9),
        Claim("Each pixel is painted in the color of the nearest terrain", painted.sum(), 0, "pixels"),
    ]  # fmt: skip


def _off(pixels: np.ndarray, labels: np.ndarray, model: Any) -> tuple[float, float]:
    """Return how far a model's WCSS, as a share, and its centers are from those of its labels of all pixels."""
    size = np.bincount(labels, minlength=len(model.cluster_centers_))[:, np.newaxis]
    sums = [np.bincount(labels, channel, len(size)) for channel in pixels.T]
    means = np.where(size > 0, np.stack(sums, axis=1) / np.maximum(size, 1), model.cluster_centers_)
    wcss = ((pixels - means[labels]) ** 2).sum()
    return abs(model.inertia_ - wcss) / max(wcss, 1), np.abs(model.cluster_centers_ - means).max()


def _is_ambiguous(values: np.ndarray, counts: np.ndarray, centers: np.ndarray) -> bool:
    """Return True if in a round of Lloyd's algorithm a color lies between two centers, or a cluster is empty."""
    labels = np.full(len(values), -1)
    while True:
        squared = ((values[:, np.newaxis] - centers) ** 2).sum(axis=2)
        nearest = np.sort(squared, axis=1)
        joined = squared.argmin(axis=1)
        size = np.bincount(joined, counts, len(centers))
        if (size == 0).any() or np.diff(nearest[:, :2], axis=1).min(initial=np.inf) < 1e-6:
            return True
        if (joined == labels).all():
            return False
        labels = joined
        sums = [np.bincount(labels, counts * channel, len(centers)) for channel in values.T]
        centers = np.stack(sums, axis=1) / size[:, np.newaxis]
