"""Drawings of chapter 3: maps of clusters with their numbers, and the steps of Lloyd's algorithm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from scipy import ndimage

from figures.style import INK, SOFT

# Ten colors that differ to color-blind eyes, too (P. Tol's "muted" scheme).
CLUSTERS = (
    "#332288", "#88ccee", "#44aa99", "#117733", "#999933", "#ddcc77", "#cc6677", "#882255", "#aa4499", "#bbbbbb",
)  # fmt: skip
MOST_POINTS = 400
# Numbers are white with a dark edge, which reads on every color.
WRITTEN: dict[str, Any] = {"color": "#ffffff", "ha": "center", "va": "center"}
EDGED = [withStroke(linewidth=3, foreground="#000000")]


def label_map(ax: Axes, labels: NDArray[np.integer], names: Sequence[str] = ()) -> None:
    """Draw labels in a color for each cluster, its number inside its largest part; with `names`, a legend, too.

    From the eleventh cluster on, colors begin again.
    """
    ax.imshow(labels % len(CLUSTERS), cmap=ListedColormap(CLUSTERS), vmin=-0.5, vmax=len(CLUSTERS) - 0.5)
    ax.axis("off")
    for cluster in np.unique(labels):
        parts, _ = ndimage.label(np.pad(labels == cluster, 1))
        largest = parts == np.bincount(parts.ravel())[1:].argmax() + 1
        inside = ndimage.distance_transform_cdt(largest)  # largest where the part is widest
        row, column = np.unravel_index(inside.argmax(), inside.shape)
        ax.text(float(column) - 1, float(row) - 1, str(cluster), path_effects=EDGED, **WRITTEN)
    if names:
        patches = [Patch(color=_color(cluster), label=name) for cluster, name in enumerate(names)]
        ax.legend(handles=patches, loc="upper left", bbox_to_anchor=(1, 1))


def lloyd_steps(
    values: NDArray[np.float64], start: NDArray[np.float64], rounds: Sequence[tuple[Any, Any]]
) -> None:
    """Draw the start, the first steps and the end of Lloyd's algorithm in the plane of red and green."""
    moments: list[tuple[str, Any, Any]] = [("start", None, start)]
    for number, (of_color, centers) in enumerate(rounds, start=1):
        moments += [
            (f"round {number}: assign", of_color, moments[-1][2]),
            (f"round {number}: move", of_color, centers),
        ]
    shown = [*moments[:5], moments[-1]] if len(moments) > 6 else moments
    step = -(-len(values) // MOST_POINTS)
    _, axes = plt.subplots(
        -(-len(shown) // 3), 3, figsize=(6.8, 2.4 * -(-len(shown) // 3)), layout="constrained"
    )
    for ax, (title, of_color, centers) in zip(axes.flat, shown, strict=False):
        _points(ax, values[::step, :2], None if of_color is None else of_color[::step])
        for cluster, (red, green) in enumerate(centers[:, :2]):
            circle = {"boxstyle": "circle,pad=0.2", "facecolor": _color(cluster), "edgecolor": INK}
            ax.text(red, green, str(cluster), fontsize=9, bbox=circle, path_effects=EDGED, **WRITTEN)
        ax.set(title=title, xlabel="red", ylabel="green", xlim=(-20, 275), ylim=(-20, 275), aspect="equal")
        ax.set(xticks=[0, 100, 200], yticks=[0, 100, 200])
    for ax in axes.flat[len(shown) :]:
        ax.axis("off")


def _points(ax: Axes, places: NDArray[np.float64], of_color: NDArray[np.int64] | None) -> None:
    """Draw colors as points in the color of their cluster; before the first assignment all alike."""
    if of_color is None:
        ax.plot(*places.T, ".", color=SOFT, alpha=0.5, markersize=4)
        return
    ax.plot(*places.T, "o", color=SOFT, markersize=5.4, markeredgewidth=0)  # an edge, for either theme
    for cluster in np.unique(of_color):
        own = places[of_color == cluster]
        ax.plot(*own.T, "o", color=_color(cluster), markersize=4.4, markeredgewidth=0)


def _color(cluster: int) -> str:
    return CLUSTERS[cluster % len(CLUSTERS)]
