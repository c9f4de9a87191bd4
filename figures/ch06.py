"""The figure of chapter 6 that is too long for a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray


def by_height(
    colors: NDArray[np.uint8], strips: Mapping[str, NDArray[np.integer]], thresholds: Sequence[float]
) -> None:
    """Draw the color of every height from 0 to 1, and below it the clusters, each in the mean of its colors.

    Parameters
    ----------
    colors : ndarray of shape (n, 3), uint8
        The color of each height.
    strips : mapping of str to ndarray of shape (n,), int
        For each way to cluster, the cluster of each height.
    thresholds : sequence of float
        Heights that are marked by dashed lines.
    """
    drawn = {"picture": colors}
    for name, clusters in strips.items():
        of, size = np.unique(clusters, return_inverse=True, return_counts=True)[1:]
        means = np.stack([np.bincount(of, channel) / size for channel in colors.T], axis=1)
        drawn[name] = means[of].astype(np.uint8)
    _, ax = plt.subplots(figsize=(5.4, 0.45 * len(drawn) + 0.6), layout="constrained")
    for row, shown in enumerate(drawn.values()):
        ax.imshow(shown[np.newaxis], extent=(0, 1, row + 0.9, row + 0.1), aspect="auto")
    for threshold in thresholds:
        ax.axvline(threshold, color="white", linewidth=3)
        ax.axvline(threshold, color="black", linewidth=1.2, linestyle="--")
    ax.set(xlabel="height", xlim=(0, 1), ylim=(len(drawn), 0))
    ax.set_yticks(np.arange(len(drawn)) + 0.5, list(drawn))
    ax.tick_params(axis="y", length=0)
    ax.spines[:].set_visible(False)
