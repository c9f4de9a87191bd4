"""The figures of chapter 6: scores, spaces of color, pieces of neighbors, and damage turned up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from helpers.drawing import WIDTH, legend, panels, plot, plural, show_image
from helpers.landscape import PALETTE, THRESHOLDS
from helpers.plots import with_boundaries
from helpers.record import join

MARKS = ("o", "s", "^", "D", "v", "X")


@plot
def spoiled(
    maps: Mapping[str, NDArray[np.integer]], scores: Mapping[str, Mapping[str, float]]
) -> tuple[Figure, str]:
    """Draw a window of the true map and of versions with mistakes, in the terrains' colors."""
    figure, [axes] = panels(1, len(maps), WIDTH / len(maps) + 0.3)
    for ax, (name, terrain) in zip(axes, maps.items(), strict=True):
        show_image(ax, PALETTE[terrain], name)
        ax.title.set_fontsize(9.5)
    told = "; ".join(
        f"{name}: " + ", ".join(f"{score} {value:.2f}" for score, value in scores[name].items())
        for name in maps
        if name in scores
    )
    return (
        figure,
        f"{len(maps)} small maps of the terrain, in the terrains' colors: {join(list(maps))}. Scores: {told}.",
    )


@plot
def by_height(
    heights: NDArray[Any], colors: NDArray[np.uint8], strips: Mapping[str, NDArray[np.integer]]
) -> tuple[Figure, str]:
    """Draw the color of every height, and below it the cluster that each way gives that color.

    `strips` holds the cluster of each height; a cluster is drawn in the mean of its colors.
    """
    figure, axes = panels(len(strips) + 1, 1, 0.5 * (len(strips) + 1) + 0.6, sharex=True)
    drawn: dict[str, NDArray[Any]] = {"picture": colors}
    edges = {}
    for name, of in strips.items():
        mean = np.stack(
            [colors[of == c].mean(axis=0) if (of == c).any() else np.zeros(3) for c in range(of.max() + 1)]
        )
        drawn[name] = mean[of].astype(np.uint8)
        edges[name] = [f"{heights[i + 1]:.2f}" for i in np.flatnonzero(np.diff(of))]
    for ax, (name, row) in zip(axes[:, 0], drawn.items(), strict=True):
        ax.imshow(row[np.newaxis], extent=(0, 1, 0, 1), aspect="auto")
        ax.set_yticks([0.5], [name])
        ax.tick_params(length=0)
        for threshold in THRESHOLDS:
            ax.axvline(threshold, color="white", lw=3)
            ax.axvline(threshold, color="black", lw=1.2, ls="--")
    axes[-1, 0].set(xlabel="height; dashed: the true borders", xlim=(0, 1))
    told = "; ".join(f"{name} at heights {join(found) if found else 'none'}" for name, found in edges.items())
    return figure, (
        f"A strip with the color of every height, and {plural(len(strips), 'strip')} below it with the cluster that each color falls in. "
        f"The true borders are at {join([f'{t:g}' for t in THRESHOLDS])}; the clusters change: {told}."
    )


@plot
def maps(images: Mapping[str, NDArray[np.uint8]], agree: Mapping[str, float]) -> tuple[Figure, str]:
    """Draw maps side by side, the agreement with the truth in each title."""
    figure, [axes] = panels(1, len(images), WIDTH / len(images) + 0.3)
    for ax, (name, image) in zip(axes, images.items(), strict=True):
        show_image(ax, image, f"{name}: {agree[name]:.2f}")
        ax.title.set_fontsize(9.5)
    told = join([f"{name} {agree[name]:.2f}" for name in images])
    return (
        figure,
        f"{len(images)} maps side by side. Their adjusted Rand index with the true terrain: {told}.",
    )


@plot
def against_weight(weights: Sequence[float], agree: Sequence[float]) -> tuple[Figure, str]:
    """Draw the agreement with the truth against the weight of place."""
    figure, [[ax]] = panels(1, 1, 2.4)
    ax.plot(range(len(weights)), agree, "o-")
    for x, value in enumerate(agree):
        ax.annotate(f"{value:.2f}", (x, value), (4, 6), textcoords="offset points", fontsize=9)
    ax.set_xticks(range(len(weights)), [f"{w:g}" for w in weights])
    ax.set(xlabel="weight of the place", ylabel="adjusted Rand index", ylim=(min(0, *agree) - 0.05, 1.15))
    told = ", ".join(f"{value:.2f} at {weight:g}" for weight, value in zip(weights, agree, strict=True))
    return figure, f"Line graph of the adjusted Rand index against the weight of the place: {told}."


@plot
def pieces(
    image: NDArray[np.uint8], found: Mapping[str, NDArray[np.integer]], edges: Mapping[str, NDArray[np.bool_]]
) -> tuple[Figure, str]:
    """Draw a window of the picture with the borders of each method's pieces; `found` holds all pieces."""
    figure, [axes] = panels(1, len(found), WIDTH / len(found) + 0.3)
    counts = {}
    for ax, (name, of) in zip(axes, found.items(), strict=True):
        counts[name] = len(np.unique(of))
        show_image(ax, with_boundaries(image, edges[name]), f"{name}: {counts[name]:,}")
        ax.title.set_fontsize(9.5)
    told = join([f"{name} into {plural(n, 'piece')}" for name, n in counts.items()])
    return figure, (
        f"{len(found)} windows of the picture with dark lines around pieces of neighboring pixels. Over the whole picture, the methods cut {told}."
    )


@plot
def damage(
    curves: Mapping[str, Mapping[str, Sequence[float]]],
    strengths: Mapping[str, Sequence[float]],
    limit: float,
) -> tuple[Figure, str]:
    """Draw, for each kind of damage, the agreement of every method against its strength."""
    figure, [axes] = panels(1, len(curves), 3.2, sharey=True, narrow=1, narrow_height=2.1 * len(curves))
    for ax, (kind, lines) in zip(axes, curves.items(), strict=True):
        for number, (name, values) in enumerate(lines.items()):
            ax.plot(
                range(len(values)),
                values,
                marker=MARKS[number],
                color=f"C{number}",
                ms=4.5,
                lw=1.4,
                label=name,
            )
        ax.axhline(limit, color=mpl.rcParams["axes.edgecolor"], ls="--", lw=1)
        ax.set_xticks(range(len(strengths[kind])), [f"{s:g}" for s in strengths[kind]])
        ax.set(title=kind, xlabel="strength", ylim=(-0.08, 1.04))
    axes[0].set_ylabel("adjusted Rand index")
    legend(figure, loc="outside lower center", ncols=3)
    told = []
    for kind, lines in curves.items():
        last = {name: values[-1] for name, values in lines.items()}
        top = max(last, key=lambda name: last[name])
        told.append(
            f"{kind}: at the strongest, {top} is highest with {last[top]:.2f}, and the lowest is {min(last.values()):.2f}"
        )
    return figure, (
        f"{len(curves)} line graphs of the adjusted Rand index of {len(next(iter(curves.values())))} methods against the strength of "
        f"{join(list(curves))}. A dashed line marks {limit:g}. {'. '.join(told)}."
    )


@plot
def damaged(images: Mapping[str, NDArray[np.uint8]]) -> tuple[Figure, str]:
    """Draw the picture at the strongest level of each kind of damage."""
    figure, [axes] = panels(1, len(images), WIDTH / len(images) + 0.3)
    for ax, (name, image) in zip(axes, images.items(), strict=True):
        show_image(ax, image, name)
    told = join(
        [f"{name}, mean {image.mean():.0f}, spread {image.std():.0f}" for name, image in images.items()]
    )
    return (
        figure,
        f"{len(images)} versions of the picture at the strongest level of damage, with the mean of their values and its spread "
        f"(standard deviation): {told}.",
    )
