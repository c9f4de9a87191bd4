"""Drawings of chapter 9: clouds of colors as ellipses, and what a method finds, misses and flags by mistake."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Ellipse, Patch
from numpy.typing import NDArray

# Dark, light and middle, so that they are told apart without color, too.
OUTCOMES = {"found": "#1B1464", "missed": "#F0C929", "false alarm": "#D6336C"}
# The color of each, and where its name stands: points to the right and up.
PLANTED = {
    "road": ((128, 128, 128), (-8, -4), "right"), "lake": ((150, 30, 150), (-8, 2), "right"),
    "black": ((0, 0, 0), (0, -18), "center"), "white": ((255, 255, 255), (0, 9), "center"),
}  # fmt: skip
REACH = 2  # standard deviations
SEEN = [0, 2]  # red and blue: the two in which the lake lies farthest off


def clouds(ax: Axes, colors: Any, labels: NDArray[np.integer]) -> None:
    """Draw distinct colors by red and blue, an ellipse around each cluster's pixels, and what was planted."""
    red, blue = colors.values[:, SEEN].T
    ax.scatter(red, blue, s=8, c=colors.values / 255, linewidths=0, rasterized=True)
    for cluster in np.unique(labels):
        own = labels == cluster
        values, counts = colors.values[own][:, SEEN], colors.counts[own]
        mean = np.average(values, axis=0, weights=counts)
        variances, directions = np.linalg.eigh(np.cov(values.T, fweights=counts, bias=True))
        width, height = 2 * REACH * np.sqrt(np.maximum(variances, 1))
        angle = float(np.degrees(np.arctan2(directions[1, 0], directions[0, 0])))
        ax.add_patch(
            Ellipse(tuple(mean), width, height, angle=angle, fill=False, edgecolor="C1", linewidth=1.5)
        )
        ax.plot(*mean, "+", color="C1", markersize=9)
    ax.set(xlabel="red", ylabel="blue", aspect="equal", xlim=(-90, 310), ylim=(-90, 310))
    ax.set(xticks=(0, 100, 200), yticks=(0, 100, 200))
    for name, (color, shift, side) in PLANTED.items():
        place = (color[SEEN[0]], color[SEEN[1]])
        ax.plot(*place, "s", color=np.array(color) / 255, markeredgecolor="C1", markersize=7)
        ax.annotate(name, place, shift, textcoords="offset points", ha=side)


def outcomes(ax: Axes, image: NDArray[np.uint8], odd: NDArray[np.bool_], flagged: NDArray[np.bool_]) -> None:
    """Draw a pale picture on which what was found, missed and flagged by mistake is marked."""
    shown = np.repeat(image.mean(axis=-1, keepdims=True), 3, axis=-1) * 0.4 + 153
    parts = {"found": flagged & odd, "missed": ~flagged & odd, "false alarm": flagged & ~odd}
    for name, where in parts.items():
        shown[where] = np.array(to_rgb(OUTCOMES[name])) * 255
    ax.imshow(shown.astype(np.uint8))
    ax.axis("off")


def outcomes_legend(ax: Axes) -> None:
    """Draw what the colors of `outcomes` mean, in axes of their own."""
    ax.axis("off")
    edge = mpl.rcParams["axes.edgecolor"]
    handles = [Patch(facecolor=color, edgecolor=edge, label=name) for name, color in OUTCOMES.items()]
    ax.legend(handles=handles, loc="center left")
