"""The drawings of chapter 7 that are too long for a cell: points by their cluster, maps of dense places and of doubt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
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


def draw_dense(image: NDArray[np.uint8], maps: Mapping[str, NDArray[np.integer]]) -> None:
    """Draw maps of clusters by their titles, each cluster in the mean color of its pixels, label -1 in black."""
    _, axes = plt.subplots(1, len(maps), figsize=(6.9, 2.7), layout="constrained", squeeze=False)
    for (title, labels), ax in zip(maps.items(), axes.flat, strict=True):
        picture = np.zeros_like(image)
        for cluster in range(labels.max() + 1):
            picture[labels == cluster] = image[labels == cluster].mean(axis=0)
        ax.imshow(picture)
        ax.set_title(title)
        ax.axis("off")


def draw_doubt(picture: NDArray[np.uint8], doubt: NDArray[np.floating]) -> None:
    """Draw the picture in the colors of its clouds, and the doubt about each pixel beside it."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.8, 3), layout="constrained")
    left.imshow(picture)
    left.set_title("most probable cloud")
    drawn = right.imshow(doubt, vmin=0, vmax=max(0.5, float(doubt.max())))
    right.set_title("doubt")
    figure.colorbar(drawn, ax=right, shrink=0.8)
    for ax in (left, right):
        ax.axis("off")


def in_words(table: pd.DataFrame) -> str:
    """Return the numbers of a table row by row, for an alt text: ``moons: k-means 0.27, Ward 0.30; ring: ...``."""
    rows = {
        name: ", ".join(f"{column} {_number(value)}" for column, value in row.items())
        for name, row in table.iterrows()
    }
    return "; ".join(f"{name}: {row}" for name, row in rows.items())


def _number(value: float) -> str:
    return f"{value:z,.2f}".removesuffix(".00")
