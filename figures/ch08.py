"""Drawings of chapter 8: pictures in a row, principal axes among the colors, and flat maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from sklearn.decomposition import PCA


def pictures(shown: Mapping[str, NDArray[Any]], largest: float | None = None) -> None:
    """Draw pictures in a row, each below its title.

    Parameters
    ----------
    shown : mapping of str to ndarray
        RGB pictures, or two-dimensional arrays, which are colored by their values.
    largest : float, optional
        The value at which the colors of two-dimensional arrays end; without it, their largest value.
    """
    lines = max(name.count("\n") for name in shown)
    size = (7, 7 / len(shown) + 0.2 + 0.2 * lines)
    _, axes = plt.subplots(1, len(shown), figsize=size, layout="constrained", squeeze=False)
    for ax, (name, picture) in zip(axes.flat, shown.items(), strict=True):
        ax.imshow(picture, cmap="gray" if largest is None else "magma", vmin=0, vmax=largest)
        ax.set_title(name + "\n" * (lines - name.count("\n")))
        ax.axis("off")


def axes_among_colors(ax: Axes, colors: NDArray[np.float64], turned: PCA) -> None:
    """Draw colors by their red and their blue, and each principal axis two standard deviations long to either side."""
    ax.scatter(colors[:, 0], colors[:, 2], s=9, c=colors / 255, rasterized=True)
    for n, (variance, axis) in enumerate(
        zip(turned.explained_variance_, turned.components_, strict=True), start=1
    ):
        ends = turned.mean_ + np.outer((-2, 2), axis) * np.sqrt(variance)
        ax.plot(ends[:, 0], ends[:, 2], color=f"C{n}")
        ax.annotate(str(n), ends[1][[0, 2]], xytext=(4, 3), textcoords="offset points", color=f"C{n}")
    ax.set(xlabel="red", ylabel="blue", aspect="equal")


def flat_maps(
    maps: Mapping[str, NDArray[Any]], tints: NDArray[np.float64], others: Mapping[str, NDArray[Any]]
) -> None:
    """Draw flat maps, two in a row: those of patches in the mean colors of these, then others in a single color."""
    panels: list[tuple[str, Any, Any]] = [(name, points, tints) for name, points in maps.items()]
    panels += [(name, points, "C0") for name, points in others.items()]
    rows = -(-len(panels) // 2)
    figure, axes = plt.subplots(rows, 2, figsize=(6, 2.9 * rows), layout="constrained", squeeze=False)
    for ax, (name, points, color) in zip(axes.flat, panels, strict=False):
        edge = plt.rcParams["axes.edgecolor"]
        ax.scatter(*points.T, s=14, edgecolors=edge, linewidths=0.3, c=color)
        ax.set(title=name, xticks=[], yticks=[])
        ax.spines[:].set_visible(True)
    for ax in axes.flat[len(panels) :]:
        figure.delaxes(ax)
