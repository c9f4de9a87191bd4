"""What chapter 12 claims of any run: its clusters, its scores, and what shuffling does to them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.distance import cdist

from claims import Claim

RECORD = ["k", "clean", "with_noise", "same", "pieces", "shuffled_pieces", "pure"]


def check(found: SimpleNamespace) -> list[Claim]:
    """Return the claims of chapter 12, measured on the names that it left."""
    terrain = (found.heights[..., np.newaxis] >= (0.4, 0.6, 0.8)).sum(axis=-1)
    labels = found.clean_maps["k-means"].ravel()
    pixels = found.image.reshape(-1, 3).astype(float)
    means = pd.DataFrame(pixels).groupby(labels).mean().to_numpy()
    distance = cdist(pixels, means)
    excess = distance[np.arange(len(pixels)), labels] - distance.min(axis=1)
    scored = [
        (maps[name], marks[name])
        for maps, marks in ((found.clean_maps, found.clean), (found.noisy_maps, found.with_noise))
        for name in found.methods
    ]
    others = [
        maps[name] for maps in (found.clean_maps, found.noisy_maps) for name in maps if name != "DBSCAN"
    ]
    regions = sum(ndimage.label(found.clean_maps["k-means"] == cluster)[1] for cluster in np.unique(labels))
    scores = np.array([score for _, score in scored])
    commonest = np.bincount(found.truth.ravel()).max() / found.truth.size
    return [
        Claim("The true terrain follows from the heights' thresholds", np.mean(terrain != found.truth), 0, "of the pixels"),
        Claim("k-means makes k clusters, and each has pixels", abs(len(np.unique(labels)) - found.k), 0, "clusters"),
        Claim("Only DBSCAN leaves pixels in no cluster", sum((m < 0).sum() for m in others), 0, "pixels"),
        Claim("No other method makes more than k clusters", max(max(len(np.unique(m)) for m in others) - found.k, 0), 0, "clusters"),
        Claim("Each pixel is in the k-means cluster whose mean is nearest", excess.max(), 0.5, "color values"),
        Claim("Agreements are those counted over pairs", max(abs(_by_pairs(found.truth, m) - s) for m, s in scored), 1e-9),
        Claim("Agreements lie between −1 and 1", max(np.abs(scores).max() - 1, 0), 1e-9),
        Claim("Shuffling the pixels changes nothing for k-means", 1 - found.same["k-means"], 1e-9),
        Claim("Purity is at least the share of the most common terrain", max(commonest - min(found.pure), 0), 1e-9),
        Claim("Connected regions are those counted cluster by cluster", abs(regions - found.pieces), 0, "regions"),
    ]  # fmt: skip


def _by_pairs(truth: NDArray[np.integer], labels: NDArray[np.integer]) -> float:
    """Return the adjusted Rand index, from the numbers of pairs that are together in both, in one, and by chance."""
    table = pd.crosstab(truth.ravel(), labels.ravel()).to_numpy().astype(float)
    both, ours, theirs, pairs = (
        (n * (n - 1) / 2).sum() for n in (table, table.sum(axis=0), table.sum(axis=1), table.sum())
    )
    chance = ours * theirs / pairs
    return 1.0 if ours + theirs == 2 * chance else float((both - chance) / ((ours + theirs) / 2 - chance))
