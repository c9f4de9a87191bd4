"""Drawings of chapter 1: points with answers, without, and in groups."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

Array = NDArray[Any]
SHAPES = "os^"


def three_views(points: Array, answers: Array, means: Array, found: Array, centers: Array) -> None:
    """Draw points with their answers and a rule learned from them, all alike, and in the groups found.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
    answers, found : ndarray of shape (n,), int
        Each point's answer, and the answer that its group is paired with.
    means, centers : ndarray of shape (3, 2)
        The mean of each answer's points in the rule, and of each group.
    """
    _, axes = plt.subplots(1, 3, figsize=(7, 2.6), sharex=True, sharey=True, layout="constrained")
    titles = ("with answers", "without answers", "groups found")
    for ax, title, groups in zip(axes, titles, (answers, None, found), strict=True):
        if groups is None:
            ax.plot(*points.T, "o", color="C5", markersize=4)
        else:
            for group, shape in enumerate(SHAPES):
                ax.plot(*points[groups == group].T, shape, color=f"C{group}", markersize=4)
        ax.set(title=title, xticks=[], yticks=[], aspect="equal")
    ink = plt.rcParams["text.color"]
    axes[2].plot(*points[answers != found].T, "o", markersize=9, markerfacecolor="none", color=ink)
    axes[2].plot(*centers.T, "X", markersize=9, color=ink, linestyle="none")
    low, high = points.min(axis=0) - 0.4, points.max(axis=0) + 0.4
    axes[0].set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    draw_borders(axes[0], means)
    draw_borders(axes[2], centers)


def draw_borders(ax: Axes, middles: Array) -> None:
    """Draw dashed lines where the nearest of the `middles`, (n, 2), changes."""
    for one, other in combinations(range(len(middles)), 2):
        between, (x, y) = (middles[one] + middles[other]) / 2, middles[other] - middles[one]
        line = between + np.linspace(-9, 9, 4000)[:, np.newaxis] * np.array([-y, x]) / np.hypot(x, y)
        nearest = cdist(line, middles).argmin(axis=1)
        line = line[np.isin(nearest, (one, other))]  # elsewhere a third one is nearer
        ax.plot(line[:, 0], line[:, 1], "--", color=plt.rcParams["text.color"], linewidth=1)
