"""What the scatter plots of chapter 7 share: points drawn by their cluster."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

MARKS = "os^DvP*X<>"


def draw_clusters(ax: Axes, points: NDArray[Any], labels: NDArray[np.integer]) -> None:
    """Draw points by their cluster, in color and in shape; those in none, of label -1, as crosses."""
    for label in np.unique(labels):
        x, y = points[labels == label].T
        if label < 0:
            ax.plot(x, y, "x", color=mpl.rcParams["axes.edgecolor"], markersize=3, markeredgewidth=0.8)
        else:
            mark = MARKS[label % len(MARKS)]
            ax.plot(x, y, mark, color=f"C{label % 6}", markersize=3, markeredgewidth=0, rasterized=True)
