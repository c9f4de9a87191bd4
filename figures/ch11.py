"""Drawings of chapter 11: pictures with missing pixels as stripes, and a map with areas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

# Ten colors that differ for color-blind readers, too (Paul Tol's "muted" and a gray).
CLUSTERS = [
    "#332288", "#88CCEE", "#44AA99", "#117733", "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499", "#BBBBBB",
]  # fmt: skip
SHADES = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in CLUSTERS], dtype=np.uint8)


def striped(picture: NDArray[np.uint8], gaps: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return a picture with gray stripes where pixels are missing, which no picture of the ground shows."""
    rows, columns = np.indices(gaps.shape)
    stripes = (rows + columns) // max(2, max(gaps.shape) // 60) % 2
    gray = np.where(stripes, 210, 120).astype(np.uint8)[..., np.newaxis]
    return np.where(gaps[..., np.newaxis], gray, picture)


def pictures(shown: Mapping[str, NDArray[np.uint8]], columns: int) -> None:
    """Draw pictures of one shape in rows of so many columns, each under its title."""
    columns = min(columns, len(shown))
    rows, width = -(-len(shown) // columns), 6.9 / max(columns, 2)
    first = next(iter(shown.values()))
    tall = np.clip(first.shape[0] / first.shape[1], 0.15, 1.8)
    _, axes = plt.subplots(
        rows,
        columns,
        figsize=(width * columns, rows * (width * tall + 0.35)),
        squeeze=False,
        layout="constrained",
    )
    for ax in axes.flat:
        ax.axis("off")
    for ax, (title, picture) in zip(axes.flat, shown.items(), strict=False):
        ax.imshow(picture)
        ax.set_title(title)


def shaded(labels: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    """Return labels as a picture in the clusters' colors, with gray stripes where the label is -1."""
    return striped(SHADES[labels], labels < 0)


def area_map(
    labels: NDArray[np.integer[Any]], edges: NDArray[np.bool_], numbered: pd.DataFrame, said: Sequence[str]
) -> None:
    """Draw a map with its boundaries, a number in each of some regions, and a legend that says something of each cluster."""
    tall = np.clip(labels.shape[0] / labels.shape[1], 0.15, 1.5)
    rows = -(-len(said) // 2)
    _, ax = plt.subplots(figsize=(5.2, 5.2 * tall + 0.25 * rows + 0.2), layout="constrained")
    picture = shaded(labels)
    picture[edges & (labels >= 0)] //= 2
    ax.imshow(picture)
    ax.axis("off")
    for label, row, column in numbered[["label", "row", "col"]].to_numpy():
        number = ax.text(column, row, str(label), ha="center", va="center", color="black")
        number.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
    patches = [
        Patch(facecolor=color, label=f"{i}: {text}")
        for i, (color, text) in enumerate(zip(CLUSTERS, said, strict=False))
    ]
    ax.legend(handles=patches, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=2)
