"""The figures of chapter 9: what was planted in a landscape, how methods score it, and what they find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse, Patch, Rectangle
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

from helpers.drawing import (
    BLUE,
    CLUSTERS,
    SKY,
    YELLOW,
    by_theme,
    faded,
    halo,
    legend,
    panels,
    percent,
    pick,
    plot,
    plural,
    show_image,
    text_width,
    tiles,
)
from helpers.planted import DEAD, KINDS, LAKE, ROAD, STRAY
from helpers.record import join

# Dark, middle and light, so that they are told apart without color, too: on a light page, and on a dark one.
OUTCOMES = {"found": ("#1B1464", "dark"), "missed": (YELLOW, "light"), "false alarm": ("#D6336C", "middle")}
OUTCOMES_DARK = {
    "found": ("#BFE3FF", "light"),
    "missed": ("#D98E04", "middle"),
    "false alarm": ("#B3225C", "dark"),
}
STEPS = 200  # a curve over all pixels is drawn with as many points


@plot
def planted_map(image: NDArray[np.uint8], kinds: NDArray[np.int8]) -> tuple[Figure, str]:
    """Draw the picture beside a faded one that shows what was planted where."""
    figure, [axes] = panels(1, 2, 3.75)
    show_image(axes[0], image, "the picture")
    shown = _gray(image)
    shown[kinds == ROAD] = _rgb(by_theme(BLUE, SKY))
    shown[kinds == LAKE] = _rgb(by_theme(CLUSTERS[7], CLUSTERS[6]))
    show_image(axes[1], shown, "what was planted")
    for kind in (ROAD, LAKE):
        rows, columns = np.nonzero(kinds == kind)
        if not len(rows):
            continue
        at = len(rows) // 2 if kind == LAKE else int(np.argmin(np.abs(columns - 0.8 * kinds.shape[1])))
        road = np.nonzero(kinds[:, columns[at]] == ROAD)[0]
        up = kind == LAKE and len(road) > 0 and road.mean() > rows[at]  # the lake's name away from the road
        text = axes[1].annotate(
            KINDS[kind], (columns[at], rows[at]), (0, 22 if up or (kind == ROAD and rows[at] > 40) else -22),
            textcoords="offset points", ha="center", va="center", color="black",
        )  # fmt: skip
        halo(text)
    handles = []
    ink = mpl.rcParams["text.color"]
    for kind, mark, color in ((DEAD, "x", ink), (STRAY, "o", "C1")):
        rows, columns = np.nonzero(kinds == kind)
        axes[1].plot(columns, rows, mark, color=color, markersize=3, markeredgewidth=0.8, linestyle="none",
                     markerfacecolor="none")  # fmt: skip
        handles.append(
            Line2D([], [], marker=mark, color=color, markersize=6, linestyle="none", markerfacecolor="none",
                   label=f"{KINDS[kind]}: {len(rows):,}")
        )  # fmt: skip
    axes[1].set(xlim=(-0.5, kinds.shape[1] - 0.5), ylim=(kinds.shape[0] - 0.5, -0.5))
    legend(figure, handles, loc="outside lower right", ncols=2, handletextpad=0.2)
    counts = ", ".join(
        f"{KINDS[kind]} {plural(int((kinds == kind).sum()), 'pixel')}" for kind in range(1, len(KINDS))
    )
    return figure, (
        "The picture with a gray road from its left edge to its right, a purple lake and single pixels of other colors, beside a "
        f"faded copy on which they are marked: {counts}."
    )


@plot
def clouds(
    image: NDArray[np.uint8], labels: NDArray[np.integer], planted: Mapping[str, tuple[int, int, int]]
) -> tuple[Figure, str]:
    """Draw the colors by red and blue, with one cloud for all and with one for each cluster, as ellipses."""
    figure, [axes] = panels(1, 2, 3.6, sharex=True, sharey=True)
    pixels = image.reshape(-1, 3)
    colors = np.unique(pixels, axis=0)
    seen = [0, 2]  # red and blue: the two in which the lake lies farthest off
    reach = 2
    ink = mpl.rcParams["text.color"]
    groups = [pixels[labels.ravel() == cluster] for cluster in np.unique(labels)]
    titles = ("one cloud for all pixels", f"a cloud for each of {plural(len(groups), 'cluster')}")
    for ax, title, parts in zip(axes, titles, ([pixels], groups), strict=True):
        ax.scatter(*colors[:, seen].T, s=7, c=colors / 255, linewidths=0)
        for part in parts:
            mean, spread = part[:, seen].mean(axis=0), np.cov(part[:, seen].T.astype(float), bias=True)
            values, axes_of = np.linalg.eigh(spread)
            width, height = 2 * reach * np.sqrt(np.maximum(values, 1))
            angle = float(np.degrees(np.arctan2(axes_of[1, 0], axes_of[0, 0])))
            ax.add_patch(Ellipse(tuple(mean), width, height, angle=angle, fill=False, edgecolor=ink, lw=1.3))
            ax.plot(*mean, "+", color=ink, markersize=8)
        for name, color in planted.items():
            place = (color[0], color[2])
            ax.plot(*place, "s", color=np.array(color) / 255, markeredgecolor=ink, markersize=7)
            left = color[0] > 200
            ax.annotate(
                name, place, (-7 if left else 7, 0), textcoords="offset points", va="center",
                ha="right" if left else "left", fontsize=9.5,
            )  # fmt: skip
        ax.set(title=title, xlabel="red", aspect="equal", xlim=(-90, 310), ylim=(-90, 310))
        ax.set(xticks=(0, 100, 200), yticks=(0, 100, 200))
    axes[0].set(ylabel="blue")
    return figure, (
        f"Two scatter plots of the picture's {len(colors):,} colors by red and blue, squares at the colors of {join(list(planted))}. "
        f"Left, one ellipse, at {reach} standard deviations, spans them all. Right, {plural(len(groups), 'ellipse')}, one for each cluster."
    )


@plot
def rebuilt(
    patches: Mapping[str, NDArray[Any]], copies: Mapping[str, NDArray[Any]], errors: Mapping[str, float]
) -> tuple[Figure, str]:
    """Draw patches above what the components rebuild of them, with the error of the middle pixel."""
    across = pick(len(patches), -(-len(patches) // 2))
    figure, axes = panels(2, len(patches), 2.75, narrow=across, narrow_height=5.6)
    for column, name in enumerate(patches):
        show_image(axes[0, column], patches[name], name)
        show_image(
            axes[1, column], np.clip(copies[name], 0, 255).astype(np.uint8), f"off by {errors[name]:.0f}"
        )
        if column % across == 0:
            axes[0, column].set_ylabel("patch")
            axes[1, column].set_ylabel("rebuilt")
    for ax in axes.ravel():
        ax.title.set_fontsize(9.5)
    told = "; ".join(f"{name} {errors[name]:.0f}" for name in patches)
    return figure, (
        f"{len(patches)} patches above what was rebuilt of them. The middle pixel is off by, in color values: {told}."
    )


@plot
def precision_recall(
    odd: NDArray[np.bool_], scores: Mapping[str, NDArray[Any]], averages: Mapping[str, float]
) -> tuple[Figure, str]:
    """Draw precision against recall, a panel for each method with the others pale behind it."""
    figure, axes = tiles(len(scores), 4, 2.0, sharex=True, sharey=True)
    curves = {name: _curve(odd, score) for name, score in scores.items()}
    pale = [_steps(*curve) for curve in curves.values()]
    for ax, name in zip(axes, scores, strict=True):
        ax.add_collection(
            LineCollection(pale, colors=mpl.rcParams["axes.edgecolor"], linewidths=0.7, alpha=0.5)
        )
        ax.plot(*_steps(*curves[name]).T, color="C0", linewidth=2)
        ax.axhline(odd.mean(), color="C1", linestyle="--", linewidth=1.2)
        ax.set_title(f"{name}\n{averages[name]:.2f}", fontsize=9.5)
        ax.set(xlim=(0, 1.02), ylim=(0, 1.05), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    across = pick(4, 2)
    for ax in axes[-across:]:
        ax.set_xlabel("recall")
    for ax in axes[::across]:
        ax.set_ylabel("precision")
    told = "; ".join(f"{name} {value:.2f}" for name, value in averages.items())
    return figure, (
        f"{len(scores)} line graphs of precision against recall, one for each method, with a dashed line at the planted share, "
        f"{percent(float(odd.mean()))}. The average precision is: {told}."
    )


@plot
def outcome_maps(
    image: NDArray[np.uint8],
    odd: NDArray[np.bool_],
    flags: Mapping[str, NDArray[np.bool_]],
    window: tuple[slice, slice],
) -> tuple[Figure, str]:
    """Draw, in a window, what each method finds, misses and flags by mistake."""
    columns, gap = pick(3, 2), pick(0.3, 0.55)
    rows = -(-len(flags) // columns)
    height = rows * (text_width() / columns) * (1 + gap) + 0.3
    figure, [[ax]] = panels(1, 1, height, narrow_height=height + 0.5)
    told, maps, titles = [], [], []
    colors = by_theme(OUTCOMES, OUTCOMES_DARK)
    for name, flag in flags.items():
        shown = _gray(image)
        parts = {"found": flag & odd, "missed": ~flag & odd, "false alarm": flag & ~odd}
        for outcome, where in parts.items():
            shown[where] = _rgb(colors[outcome][0])
        maps.append(shown[window])
        found, missed, false = (int(where[window].sum()) for where in parts.values())
        titles.append(
            f"{name}:\nfound {found:,}," + pick(" ", "\n") + f"missed {missed:,},\nfalse alarms {false:,}"
        )
        told.append(f"{name} found {found:,}, missed {missed:,}, {plural(false, 'false alarm')}")
    _tiles(ax, maps, titles, columns, gap)
    legend(
        figure,
        [Patch(facecolor=color, edgecolor=mpl.rcParams["text.color"], label=f"{outcome} ({shade})")
                 for outcome, (color, shade) in colors.items()],
        loc="outside lower center", ncols=3,
    )  # fmt: skip
    return figure, (
        f"{len(flags)} maps of a window, rows {window[0].start} to {window[0].stop - 1} and columns {window[1].start} to "
        f"{window[1].stop - 1}, with the pixels that each method finds, misses and flags by mistake. In it, {'; '.join(told)}."
    )


@plot
def masking(averages: Mapping[int, float], shares: Mapping[int, float], chosen: int) -> tuple[Figure, str]:
    """Draw the average precision against the number of clusters, with the planted share of one cluster."""
    figure, [[ax]] = panels(1, 1, 2.9)
    ks = list(averages)
    lines = (("average precision", averages, "o-"), ("largest planted share of a cluster", shares, "s--"))
    for color, (name, values, style) in enumerate(lines):
        ax.plot(ks, list(values.values()), style, color=f"C{color}", markersize=5, label=name)
    legend(figure, loc="outside upper left", ncols=2)
    if chosen in averages:
        ax.plot(
            chosen,
            averages[chosen],
            "o",
            markersize=12,
            markerfacecolor="none",
            color=mpl.rcParams["text.color"],
        )
    ax.set(xlabel="number of clusters k", ylim=(-0.04, 1.08), xticks=ks, yticks=(0, 0.5, 1))
    told = ", ".join(f"{averages[k]:.2f} for k = {k}" for k in ks)
    most = max(shares, key=lambda k: shares[k])
    ring = f" A ring marks k = {chosen}." if chosen in averages else ""
    return figure, (
        f"Line graph against the number of clusters. Average precision: {told}. The largest planted share of a cluster is "
        f"{percent(shares[most])}, at k = {most}.{ring}"
    )


@plot
def by_share_flagged(
    odd: NDArray[np.bool_],
    score: NDArray[Any],
    name: str,
    marked: Mapping[str, tuple[float, float, float]],
) -> tuple[Figure, str]:
    """Draw precision and recall of one method against the share of pixels flagged.

    Each mark is a share, with the precision and the recall that it gives.
    """
    figure, [[ax]] = panels(1, 1, 3.1)
    distinct, number = np.unique(score.ravel(), return_inverse=True)
    hits = np.bincount(number.ravel(), odd.ravel(), len(distinct))[::-1].cumsum()
    flags = np.bincount(number.ravel(), minlength=len(distinct))[::-1].cumsum()
    shares = np.geomspace(max(1 / odd.size, odd.mean() / 30), 1, STEPS)
    found = np.interp(shares * odd.size, [0, *flags], [0, *hits])  # of equal scores, as chance would have it
    lines = {"precision": found / (shares * odd.size), "recall": found / odd.sum()}
    for color, (label, values) in enumerate(lines.items()):
        ax.plot(shares, values, "--" if color else "-", color=f"C{color}")
        at = STEPS - 1 - STEPS // 12 if color else STEPS // 30
        above = values[at] > lines["recall" if label == "precision" else "precision"][at]
        ax.annotate(
            label, (shares[at], values[at]), (0, 6 if above else -6), textcoords="offset points",
            color=f"C{color}", va="bottom" if above else "top", ha="right" if color else "left",
        )  # fmt: skip
    for height, (label, share) in enumerate((label, mark[0]) for label, mark in marked.items()):
        ax.axvline(share, color=mpl.rcParams["axes.edgecolor"], linewidth=1, linestyle=":")
        ax.text(share, 1.1 + 0.11 * (height % 3), f" {label}", fontsize=9, va="bottom")
    ax.set(xscale="log", xlabel="share of pixels flagged", ylim=(0, 1.45), yticks=(0, 0.5, 1))
    ax.set_xlim(shares[0], 1.05)
    ax.minorticks_off()  # which take long, and say nothing here
    ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
    told = "; ".join(
        f"{label}, {percent(share)} flagged: precision {precision:.2f}, recall {recall:.2f}"
        for label, (share, precision, recall) in marked.items()
    )
    return figure, (
        f"Line graph of precision and recall of the method “{name}” against the share of pixels flagged, on a logarithmic axis. {told}."
    )


def _tiles(ax: Axes, images: Sequence[NDArray[Any]], titles: Sequence[str], columns: int, gap: float) -> None:
    """Draw square pictures of width 1 in rows, titles in the gaps above: axes for each would take long to draw."""
    for number, (image, title) in enumerate(zip(images, titles, strict=True)):
        left, top = 1.06 * (number % columns), (1 + gap) * (number // columns)
        ax.imshow(image, extent=(left, left + 1, top + 1, top))
        ax.add_patch(Rectangle((left, top), 1, 1, fill=False, linewidth=0.8))
        ax.text(left, top - 0.03, title, fontsize=9.5, va="bottom")
    rows = -(-len(images) // columns)
    ax.set(xlim=(-0.01, 1.06 * columns - 0.05), ylim=(rows * (1 + gap) - gap + 0.01, -gap), aspect="equal")
    ax.set_axis_off()


def _curve(odd: NDArray[np.bool_], score: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return recall and precision at few thresholds, as many as are seen in a figure."""
    precision, recall, _ = precision_recall_curve(odd.ravel(), score.ravel())
    precision, recall = precision[::-1], recall[::-1]  # from the strictest threshold on
    keep = np.unique(np.searchsorted(recall, np.linspace(0, 1, STEPS)).clip(max=len(recall) - 1))
    return recall[keep], precision[keep]


def _steps(recall: NDArray[Any], precision: NDArray[Any]) -> NDArray[Any]:
    """Return a curve as steps, (n, 2): up to each recall at the precision that it has there, so that areas are right."""
    return np.stack([np.repeat(recall, 2)[:-1], np.repeat(precision, 2)[1:]], axis=1)


def _gray(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture in grays, faded into the page, to draw on."""
    gray = (image @ np.array([0.299, 0.587, 0.114]))[..., np.newaxis]
    return faded(np.repeat(gray, 3, axis=-1))


def _rgb(color: str) -> NDArray[np.uint8]:
    """Return a color's name as red, green and blue."""
    return (np.array(mpl.colors.to_rgb(color)) * 255).round().astype(np.uint8)
