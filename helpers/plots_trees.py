"""The figures of chapter 7: clusters that are not round, a tree, density, and soft clouds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.cluster.hierarchy import dendrogram

from helpers.drawing import HEIGHT_MAP, WIDTH, color_bar, panels, percent, pick, plot, plural, show_image
from helpers.record import join

MARKS = ("o", "s", "^", "D", "v", "P", "*", "X", "<", ">")


@plot
def small_data(
    sets: Mapping[str, NDArray[Any]],
    found: Mapping[str, Mapping[str, NDArray[np.integer]]],
    agree: Mapping[str, Mapping[str, float]],
) -> tuple[Figure, str]:
    """Draw what each method finds on each small data set: a row per set, a column per method."""
    methods = list(next(iter(found.values())))
    figure, axes = panels(len(sets), len(methods), 1.35 * len(sets) + 0.2)
    for row, (name, points) in enumerate(sets.items()):
        for column, method in enumerate(methods):
            ax, labels = axes[row, column], found[name][method]
            _clusters(ax, points, labels)
            ax.set(xticks=[], yticks=[])
            ax.set_aspect("equal", adjustable="datalim")
            ax.margins(0.08)
            for side in ax.spines.values():
                side.set_visible(True)
            ax.set_title(
                f"{method}: {_score(agree[name][method])}" if row == 0 else _score(agree[name][method]),
                fontsize=9.5,
            )
        for first in range(0, len(methods), pick(len(methods), -(-len(methods) // 2))):
            axes[row, first].set_ylabel(name, fontsize=9.5)
    told = "; ".join(
        f"{name}: " + ", ".join(f"{method} {_score(value)}" for method, value in agree[name].items())
        for name in sets
    )
    return figure, (
        f"Grid of scatter plots, a row for each of {len(sets)} small data sets and a column for each of {len(methods)} methods; "
        f"color and shape tell the clusters, crosses are points in none. Adjusted Rand index with the true groups: {told}."
    )


def _score(value: float) -> str:
    """Return a score with two decimals, never as minus zero."""
    return f"{round(value, 2) + 0:.2f}"


def _clusters(ax: Axes, points: NDArray[Any], labels: NDArray[np.integer], size: float = 3) -> None:
    """Draw points by their cluster, in color and in shape; those in none as crosses."""
    for label in np.unique(labels):
        at = points[labels == label]
        mark = "x" if label < 0 else MARKS[label % len(MARKS)]
        color = mpl.rcParams["axes.edgecolor"] if label < 0 else f"C{label % 6}"
        width = 1 if label < 0 else 0
        ax.plot(*at.T, mark, color=color, markersize=size, linestyle="none", markeredgewidth=width)


@plot
def tree(joins: NDArray[Any], points: NDArray[Any], cut: int, leaves: int = 24) -> tuple[Figure, str]:
    """Draw the last joins of a tree with the mean color of each branch below it, and a line where it is cut."""
    figure, axes = panels(2, 1, 3.3, height_ratios=[9, 1], sharex=True)
    top, strip = axes[:, 0]
    leaves = min(leaves, len(points))
    drawn = dendrogram(
        joins,
        truncate_mode="lastp",
        p=leaves,
        no_labels=True,
        ax=top,
        link_color_func=lambda _: mpl.rcParams["text.color"],
    )
    heights = joins[:, 2]
    level = (heights[-cut] + heights[-cut + 1]) / 2 if cut > 1 else 1.1 * heights[-1]
    top.axhline(level, color="C1", ls="--", lw=1.4)
    top.annotate(
        f"cut into {cut}",
        (1, level),
        (-4, 4),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        color="C1",
    )
    top.set_ylabel("height of the join")
    top.spines["bottom"].set_visible(False)
    means = np.array([points[_members(joins, node)].mean(axis=0) for node in drawn["leaves"]])
    for i, color in enumerate(means):
        strip.add_patch(mpl.patches.Rectangle((10 * i, 0), 10, 1, color=color / 255, lw=0))
    strip.set(ylim=(0, 1), yticks=[], xlim=(0, 10 * len(means)))
    for side in strip.spines.values():
        side.set_visible(False)
    last = [f"{value:,.0f}" for value in heights[::-1][:3]]
    return figure, (
        f"Tree of {len(points):,} pixels, drawn from its last {leaves - 1} joins on, with the mean color of each branch below it. "
        f"The highest joins are at {join(last)}. A dashed line cuts it into {plural(cut, 'cluster')}."
    )


def _members(joins: NDArray[Any], node: int) -> NDArray[np.intp]:
    """Return the points below a node of the tree."""
    n, waiting, found = len(joins) + 1, [node], []
    while waiting:
        node = waiting.pop()
        if node < n:
            found.append(node)
        else:
            waiting += [int(joins[node - n, 0]), int(joins[node - n, 1])]
    return np.array(found)


@plot
def cuts(
    ks: Sequence[int], agree: Mapping[str, Sequence[float]], extra: Sequence[float]
) -> tuple[Figure, str]:
    """Draw the agreement of several methods against k, and how far the WCSS of the cuts lies above k-means's."""
    figure, [[left, right]] = panels(1, 2, 2.6, width_ratios=[3, 2])
    for number, (name, values) in enumerate(agree.items()):
        left.plot(ks, values, marker=MARKS[number], ms=5, label=name)
    left.set(xlabel="number of clusters k", ylabel="adjusted Rand index", ylim=(0, 1.05))
    left.legend(loc="lower left")
    above = [100 * max(float(share), 0.0) for share in extra]  # two optima may differ in the last digit
    right.bar(ks, above, color="C0")
    right.set(
        xlabel="number of clusters k", ylabel="WCSS above k-means, %", ylim=(0, max([1.0, *above]) * 1.1)
    )
    for ax in (left, right):
        ax.set_xticks(list(ks))
    told = "; ".join(f"{name}: " + ", ".join(map(_score, values)) for name, values in agree.items())
    over = ", ".join(percent(share / 100) for share in above)
    return figure, (
        f"A line graph of the adjusted Rand index against k, from {ks[0]} to {ks[-1]}. {told}. And a bar graph of how far "
        f"the WCSS of each cut lies above that of k-means: {over}."
    )


@plot
def reach(
    distances: NDArray[Any], shares: NDArray[Any], marked: Mapping[str, float], least: str
) -> tuple[Figure, str]:
    """Draw how far each pixel must reach to find enough others, sorted, and the radii that are tried."""
    figure, [[ax]] = panels(1, 1, 2.6)
    ax.plot(shares, distances, drawstyle="steps-post")
    top = max(float(distances.max()), *marked.values()) * 1.15 + 1
    for number, (name, radius) in enumerate(marked.items()):
        ax.axhline(radius, color="C1", ls="--", lw=1.2)
        # Side by side, since two radii may lie close together.
        ax.annotate(
            name,
            (0.01 + 0.2 * number, radius),
            (0, 3),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            color="C1",
        )
    ax.set(
        xlabel="share of the pixels, those with dense surroundings first",
        ylabel="distance, color values",
        xlim=(0, 1),
        ylim=(0, top),
    )
    at = [float(distances[np.searchsorted(shares, q)]) for q in (0.5, 0.9)]
    within = ", ".join(
        f"{percent(float(shares[distances <= radius].max(initial=0)))} within {radius:g}"
        for radius in marked.values()
    )
    return figure, (
        f"Line graph of the distance within which a pixel has {least} around it, sorted. Half of them reach {at[0]:.1f} "
        f"color values or less, nine in ten {at[1]:.1f} or less. Dashed lines mark radii: {within}."
    )


@plot
def densities(images: Mapping[str, NDArray[np.uint8]], told: Mapping[str, str]) -> tuple[Figure, str]:
    """Draw what DBSCAN finds with several radii."""
    figure, [axes] = panels(1, len(images), WIDTH / len(images) + 0.3)
    for ax, (name, image) in zip(axes, images.items(), strict=True):
        show_image(ax, image, name)
        ax.title.set_fontsize(9.5)
    return figure, (
        f"{len(images)} maps of the clusters that DBSCAN finds, each cluster in its mean color, noise in gray stripes. "
        + "; ".join(f"{name}: {what}" for name, what in told.items())
        + "."
    )


@plot
def in_color(
    samples: Mapping[str, NDArray[Any]],
    found: Mapping[str, NDArray[np.integer]],
    agree: Mapping[str, float],
) -> tuple[Figure, str]:
    """Draw samples of pixels by red and green, each point by its cluster."""
    figure, [axes] = panels(1, len(samples), 3.1, sharex=True, sharey=True)
    told = []
    for ax, (name, points) in zip(axes, samples.items(), strict=True):
        labels = found[name]
        n, stray = int(labels.max()) + 1, float((labels < 0).mean())
        _clusters(ax, points[:, :2], labels)
        ax.set(title=f"{name}: {plural(n, 'cluster')}, {_score(agree[name])}", xlabel="red")
        told.append(
            f"{name}, {plural(n, 'cluster')} and {percent(stray)} noise, adjusted Rand index {_score(agree[name])}"
        )
    axes[0].set_ylabel("green")
    return figure, (
        f"{len(samples)} scatter plots of the red and green of {len(next(iter(samples.values()))):,} pixels with a camera's "
        f"noise; color and shape tell the clusters of DBSCAN, crosses are noise. {'; '.join(told)}."
    )


def striped(image: NDArray[Any], labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return the picture with each cluster in its mean color, and pixels in none as gray stripes."""
    y, x = np.indices(labels.shape)
    gray = np.where((x + y) // max(2, max(labels.shape) // 60) % 2, 185, 120)
    shown = np.repeat(gray[..., np.newaxis], 3, axis=2)
    for label in np.unique(labels[labels >= 0]):
        shown[labels == label] = image[labels == label].mean(axis=0)
    return shown.astype(np.uint8)


@plot
def doubt(image: NDArray[np.uint8], unsure: NDArray[Any], wrong: NDArray[np.bool_]) -> tuple[Figure, str]:
    """Draw the clusters of a mixture in their mean colors beside the doubt that it has about each pixel."""
    figure, [axes] = panels(1, 2, 2.9, narrow=2, narrow_height=2.7)
    show_image(axes[0], image, "the clouds' mean colors")
    shown = show_image(axes[1], unsure, "doubt", cmap=HEIGHT_MAP, vmin=0, vmax=max(0.5, float(unsure.max())))
    color_bar(figure, shown, axes, "one minus the largest share")
    return figure, (
        "The picture with each pixel in the mean color of its most probable cloud, beside a map of doubt, one minus its largest share: dark "
        f"violet is sure, yellow in doubt. The mean doubt is {unsure.mean():.3f}, the largest {unsure.max():.2f}; "
        f"{percent(float(wrong.mean()))} of the pixels are in a cloud of another terrain."
    )


@plot
def criterion(
    ks: Sequence[int], lines: Mapping[str, Sequence[float]], marked: Mapping[str, int]
) -> tuple[Figure, str]:
    """Draw the BIC against the number of clouds, in panels of their own scales, the lowest ringed."""
    figure, [axes] = panels(1, len(lines), 2.5)
    for number, (ax, (name, values)) in enumerate(zip(axes, lines.items(), strict=True)):
        ax.plot(ks, np.array(values) / 1000, marker="o", ms=4, color=f"C{number}")
        at = marked[name]
        ring = {"markersize": 12, "markerfacecolor": "none", "markeredgewidth": 2}
        ax.plot(at, values[list(ks).index(at)] / 1000, "o", color=f"C{number}", **ring)
        ax.set(title=f"{name}: {at}", xlabel="clouds", xticks=list(ks)[:: 1 if len(ks) < 6 else 3])
    axes[0].set_ylabel("BIC, thousands")
    told = "; ".join(
        f"{name}: from {values[0]:,.0f} with {plural(ks[0], 'cloud')} to {values[-1]:,.0f} with {ks[-1]}, lowest with {marked[name]}"
        for name, values in lines.items()
    )
    return figure, f"{len(lines)} line graphs of the BIC against the number of clouds. {told}."
