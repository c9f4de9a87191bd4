"""The figures of chapter 12: several methods on one picture."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from helpers.drawing import WIDTH, legend, panels, percent, plot, show_image, tiles


@plot
def maps_of_methods(
    image: NDArray[np.uint8], maps: Mapping[str, NDArray[np.integer]], agree: Mapping[str, float]
) -> tuple[Figure, str]:
    """Draw what each method found, each cluster in its mean color and what is in none in gray stripes."""
    figure, axes = tiles(len(maps), 3, WIDTH / 3 + 0.25)
    for ax, (name, labels) in zip(axes, maps.items(), strict=True):
        show_image(ax, _in_mean_colors(image, labels), f"{name}: {agree[name]:.2f}")
        ax.title.set_fontsize(9.5)
    told = []
    for name, labels in maps.items():
        left_out = float((labels < 0).mean())
        clusters = len(np.unique(labels[labels >= 0]))
        told.append(
            f"{name} {clusters} {'cluster' if clusters == 1 else 'clusters'}, adjusted Rand index {agree[name]:.2f}"
            + (f", {percent(left_out)} of the pixels in none" if left_out else "")
        )
    return figure, f"{len(maps)} maps of the picture, each cluster in its mean color: {'; '.join(told)}."


@plot
def before_and_after(scores: Mapping[str, Mapping[str, float]]) -> tuple[Figure, str]:
    """Draw, for each method, its score on two pictures as two marks on a line."""
    (first, before), (second, after) = scores.items()
    figure, [[ax]] = panels(1, 1, 0.36 * len(before) + 0.9)
    for row, name in enumerate(before):
        ax.plot([before[name], after[name]], [row, row], color=mpl.rcParams["axes.edgecolor"], lw=1, zorder=1)
    rows = range(len(before))
    ax.plot([before[name] for name in before], rows, "o", color="C0", markersize=7, label=first)
    hollow = {"markerfacecolor": "none", "markeredgewidth": 2, "linestyle": "none"}  # hides no mark below it
    ax.plot([after[name] for name in before], rows, "s", color="C1", markersize=9, label=second, **hollow)
    ax.set_yticks(list(rows), list(before))
    ax.invert_yaxis()
    ax.grid(axis="x")
    ax.set(
        xlabel="adjusted Rand index with the true terrain",
        xlim=(min(0, *before.values(), *after.values()) - 0.04, 1.04),
    )
    legend(figure, loc="outside lower center", ncols=2)
    told = "; ".join(f"{name} {before[name]:.2f} and {after[name]:.2f}" for name in before)
    return (
        figure,
        f"Dot plot of the adjusted Rand index of {len(before)} methods on the picture {first} and {second}: {told}.",
    )


def _in_mean_colors(image: NDArray[np.uint8], labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return the picture with each label's pixels in their mean color; those of label -1 in stripes."""
    y, x = np.indices(labels.shape)
    shown = np.repeat(
        np.where((x + y) // max(2, max(labels.shape) // 60) % 2, 185, 120)[..., np.newaxis], 3, axis=2
    )
    for label in np.unique(labels[labels >= 0]):
        shown[labels == label] = image[labels == label].mean(axis=0)
    return shown.astype(np.uint8)
