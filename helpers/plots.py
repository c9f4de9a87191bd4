"""One function per figure of chapters 1 to 5: each returns the figure and its alt text, both made from the data.

`drawing` says how a figure is made for a light and a dark page, wide and narrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from helpers import regions
from helpers.drawing import (
    CLUSTERS,
    HEIGHT_MAP,
    NARROW,
    WIDTH,
    by_theme,
    color_bar,
    count_in_millions,
    faded,
    halo,
    large,
    legend,
    panels,
    percent,
    pick,
    plot,
    plural,
    show_image,
    striped,
    tiles,
)  # fmt: skip
from helpers.landscape import ISOLINES, PALETTE, TERRAINS, THRESHOLDS
from helpers.record import join
from helpers.segmentation import Segmentation, distinct_colors, paint, recolor

MARKERS = {"water": "o", "grass": "s", "mountain": "^", "snow": "p"}  # the article's
SHAPES = {"o": "circle", "s": "square", "^": "triangle", "p": "pentagon"}
MARKER_COLOR = "salmon"


# --- chapter 2: the landscape ---------------------------------------------------------------------


@plot
def noise_line(place: NDArray[Any], values: NDArray[Any]) -> tuple[Figure, str]:
    """Draw noise along a line, with the slope that each lattice point gives it."""
    figure, [[ax]] = panels(1, 1, 2.4)
    ax.plot(place, values)
    points = np.arange(np.ceil(place[0]), np.floor(place[-1]) + 1)
    step = place[1] - place[0]
    slopes = [
        (np.interp(p + step, place, values) - np.interp(p - step, place, values)) / (2 * step) for p in points
    ]
    for p, slope in zip(points, slopes, strict=True):
        reach = 0.28 / np.hypot(1, slope)
        ax.plot([p - reach, p + reach], [-slope * reach, slope * reach], color="C1", linewidth=3)
    ax.plot(points, 0 * points, "o", color="C1")
    ax.axhline(0, color=mpl.rcParams["axes.edgecolor"], linewidth=0.6, zorder=0)
    ax.set(xlabel="place along the line, in lattice cells", ylabel="noise", xlim=(place[0], place[-1]))
    steepest = int(np.argmax(np.abs(slopes)))
    return figure, (
        f"Line graph of one layer of noise over {len(points) - 1} lattice cells. The curve passes through zero at "
        f"every lattice point, each time with another slope, marked by a short bar; the steepest is "
        f"{slopes[steepest]:+.2f}, at point {points[steepest]:.0f}. Between the points the curve stays "
        f"between {values.min():.2f} and {values.max():.2f}."
    )


@plot
def octave_lines(place: NDArray[Any], layers: NDArray[Any]) -> tuple[Figure, str]:
    """Draw layers of noise along a line one below the other, and their sum."""
    figure, axes = panels(len(layers) + 1, 1, 0.62 * (len(layers) + 1) + 0.8, sharex=True, sharey=True)
    axes = axes[:, 0]
    for number, (ax, layer) in enumerate(zip(axes, layers, strict=False), start=1):
        ax.plot(place, layer, linewidth=1.3)
        ax.set_ylabel(str(number), rotation=0, va="center", labelpad=12)
    axes[-1].plot(place, layers.sum(axis=0), color="C1")
    axes[-1].set_ylabel("sum", rotation=0, va="center", labelpad=16)
    for ax in axes:
        ax.axhline(0, color=mpl.rcParams["axes.edgecolor"], linewidth=0.5, zorder=0)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.spines["bottom"].set_visible(ax is axes[-1])
        ax.tick_params(bottom=ax is axes[-1])
    axes[-1].set(xlabel="place along the line, in cells of the first layer", xlim=(place[0], place[-1]))
    spans = [np.ptp(layer) for layer in layers]
    if len(layers) == 1:
        return figure, (
            "A pair of line graphs, one below the other, on one scale: the single layer of noise, and the sum, which is the "
            f"same curve. It spans {spans[0]:.2f} from lowest to highest."
        )
    return figure, (
        f"{len(layers) + 1} line graphs, one below the other, on one scale: {len(layers)} layers of noise, in order, and, "
        f"last, their sum. The first layer spans {spans[0]:.2f} from lowest to highest, the last {spans[-1]:.3f}, and the sum "
        f"{np.ptp(layers.sum(axis=0)):.2f}."
    )


@plot
def octave_fields(fields: Sequence[NDArray[Any]], counts: Sequence[int]) -> tuple[Figure, str]:
    """Draw the height field made of more and more layers."""
    figure, [axes] = panels(1, len(fields), 1.95)
    rough = []
    for ax, field, count in zip(axes, fields, counts, strict=True):
        show_image(ax, field, plural(count, "layer"), cmap=HEIGHT_MAP)
        rough.append(np.abs(np.diff(field, axis=1)).mean())
    if len(fields) == 1:
        return figure, (
            f"Height field made of {plural(counts[0], 'layer')} of noise. The mean step between neighboring pixels is "
            f"{rough[0]:.4f} of the whole height."
        )
    fewest, most = f"{rough[0]:.4f}", f"{rough[-1]:.4f}"
    step = (
        f"goes from {fewest} of the whole height with the fewest layers to {most} with the most"
        if fewest != most
        else f"is {fewest} of the whole height with the fewest layers and with the most"
    )
    return figure, (
        f"{len(fields)} height fields side by side, made of {join([str(n) for n in counts])} layers of noise. The mean step "
        f"between neighboring pixels {step}."
    )


@plot
def height_map(h: NDArray[np.float64]) -> tuple[Figure, str]:
    """Draw the height field with a color bar."""
    figure, [[ax]] = panels(1, 1, 4.4)
    shown = show_image(ax, h, cmap=HEIGHT_MAP, vmin=0, vmax=1)
    color_bar(figure, shown, ax, "height")
    low, high = np.unravel_index(h.argmin(), h.shape), np.unravel_index(h.argmax(), h.shape)
    return figure, (
        f"Height map of {h.shape[0]} by {h.shape[1]} pixels with a color bar from {h.min():g}, dark violet, to {h.max():g}, "
        f"yellow. The lowest pixel lies {where(low, h.shape)}, the highest {where(high, h.shape)}; the median height is "
        f"{np.median(h):.2f}."
    )


@plot
def isolines(h: NDArray[np.float64], levels: Sequence[float] = ISOLINES) -> tuple[Figure, str]:
    """Draw lines of equal height over the height field, each labeled with its height."""
    figure, [[ax]] = panels(1, 1, 4.4)
    show_image(ax, h, cmap=HEIGHT_MAP, vmin=0, vmax=1, alpha=0.75)
    styles = ["dotted", "dashed", "solid"]
    ink, rim = by_theme(("black", "white"), ("white", "black"))  # a dark page shines through the map
    lines = ax.contour(h, levels=list(levels), colors=ink, linewidths=1.4, linestyles=styles[: len(levels)])
    for text in ax.clabel(lines, fontsize=9.5, fmt="%.1f"):
        halo(text, rim)
        text.set_color(ink)
    below = [percent(float((h < level).mean())) for level in levels]
    return figure, (
        f"The height map with lines of equal height over it, labeled {join([f'{level:g}' for level in levels])}. Below "
        f"these heights lie {join(below)} of the pixels."
    )


@plot
def palette_curves(
    heights: NDArray[Any], colors: NDArray[np.uint8], transition_width: float
) -> tuple[Figure, str]:
    """Draw the color that each height gets: as a strip, and as red, green and blue against height."""
    figure, axes = panels(2, 1, 3.6, sharex=True, height_ratios=[1, 4])
    strip, ax = axes[:, 0]
    strip.imshow(colors[np.newaxis], extent=(0, 1, 0, 1), aspect="auto")
    strip.set_yticks([])
    strip.tick_params(bottom=False)
    edges = [0, *THRESHOLDS, 1]
    for name, low, high in zip(TERRAINS, edges, edges[1:], strict=False):
        up = pick(0.5, 0.28 if name in TERRAINS[1::2] else 0.72)  # side by side they would not fit
        halo(strip.text((low + high) / 2, up, name, ha="center", va="center", color="black", fontsize=9.5))
    for channel, style, color in zip(range(3), ["-", "--", ":"], ["C1", "C2", "C0"], strict=True):
        ax.plot(heights, colors[:, channel], style, color=color, label=("red", "green", "blue")[channel])
    for threshold in THRESHOLDS:
        ax.axvspan(
            threshold - transition_width, threshold + transition_width, color=mpl.rcParams["grid.color"], alpha=0.6,
            linewidth=0,
        )  # fmt: skip
    ax.set(xlabel="height", ylabel="channel value", ylim=(0, 255), xlim=(0, 1), xticks=np.linspace(0, 1, 6))
    legend(figure, ax.get_lines()[:3], loc="outside lower center", ncols=3)
    meet = f"heights {join([f'{t:g}' for t in THRESHOLDS])}"
    flat = [  # terrains of which a part lies in no blend
        name
        for name, low, high in zip(TERRAINS, edges, edges[1:], strict=False)
        if high - low > transition_width * ((low > 0) + (high < 1)) + 1e-9
    ]
    told = (
        f"Around {meet} the lines run straight from one terrain's color to the next, from {transition_width:g} below to "
        f"{transition_width:g} above; in between, the color of {join(flat)} is flat."
        if transition_width
        else f"Flat bands of {join(TERRAINS)} meet at {meet}, where the lines jump."
    )
    return figure, (
        f"A strip with the color of every height, over a line graph of its red, green and blue values. {told}"
    )


@plot
def picture(
    image: NDArray[np.uint8], what: str = "The picture", mask: NDArray[np.bool_] | None = None
) -> tuple[Figure, str]:
    """Draw a color picture; what is masked is striped."""
    figure, [[ax]] = panels(1, 1, 4.6)
    show_image(ax, striped(image, mask))
    distinct = len(distinct_colors(image, mask).values)
    red, green, blue = (image if mask is None else image[~mask]).reshape(-1, 3).mean(axis=0)
    return figure, (
        f"{what}, {image.shape[0]} by {image.shape[1]} pixels in {distinct:,} distinct colors; the mean color is red "
        f"{red:.0f}, green {green:.0f}, blue {blue:.0f}.{_missing(mask)}"
    )


def _missing(mask: NDArray[np.bool_] | None) -> str:
    """Return a sentence about the pixels without data, where there are some."""
    if mask is None or not mask.any():
        return ""
    return f" Stripes stand for the pixels without data, {percent(float(mask.mean()))} of all."


@plot
def terrain_map(truth: NDArray[np.int64]) -> tuple[Figure, str]:
    """Draw what each pixel truly is, with the share of each terrain."""
    figure, [[ax, bars]] = panels(1, 2, 3.4, width_ratios=[1.35, 1], narrow_height=5.4)
    ax.imshow(PALETTE[truth])
    ax.set(xticks=[], yticks=[])
    shares = np.bincount(truth.ravel(), minlength=len(TERRAINS)) / truth.size
    bars.barh(range(len(TERRAINS)), shares, color=PALETTE / 255, edgecolor=mpl.rcParams["axes.edgecolor"])
    for row, share in enumerate(shares):
        bars.text(share, row, f" {percent(float(share))}", va="center")
    bars.set(yticks=range(len(TERRAINS)), yticklabels=TERRAINS, xlim=(0, max(shares) * 1.45), xticks=[])
    bars.spines["bottom"].set_visible(False)
    bars.invert_yaxis()
    told = ", ".join(f"{name} {percent(float(share))}" for name, share in zip(TERRAINS, shares, strict=True))
    return figure, f"Map of the true terrain of every pixel beside a bar chart of the shares: {told}."


@plot
def landscapes(images: Mapping[int, NDArray[np.uint8]]) -> tuple[Figure, str]:
    """Draw the pictures of several seeds side by side."""
    figure, [axes] = panels(1, len(images), 1.95)
    for ax, (seed, image) in zip(axes, images.items(), strict=True):
        show_image(ax, image, f"seed {seed}")
    blue = {
        seed: float((image[..., 2] > 150).mean() - (image.min(axis=-1) > 150).mean())
        for seed, image in images.items()
    }
    told = join([f"{percent(max(share, 0.0))} for seed {seed}" for seed, share in blue.items()])
    return (
        figure,
        f"{len(images)} landscapes side by side, each of its own seed. The share that is blue: {told}.",
    )


def where(place: tuple[Any, ...], shape: tuple[int, ...]) -> str:
    """Return in words where a pixel lies in a picture: at the top left, in the middle, ..."""
    row, column = (int(3 * p / n) for p, n in zip(place, shape, strict=False))
    vertical, horizontal = ("top", "", "bottom")[row], ("left", "", "right")[column]
    if not vertical and not horizontal:
        return "in the middle"
    return f"at the {vertical} {horizontal}".replace("  ", " ").strip()


# --- chapter 3: k-means ---------------------------------------------------------------------------

CHANNELS = ("red", "green", "blue")
MOST_POINTS = 20_000  # of more distinct colors the rarest are left out where all are drawn
MOST_MOVING = 5_000  # and of more than these, where every moment is drawn, one in so many is drawn


def thinning(n_colors: int) -> int:
    """Return of how many colors one is drawn in `lloyd_steps`."""
    return -(-n_colors // MOST_MOVING)


@plot
def rgb_projections(values: NDArray[np.float64], counts: NDArray[np.int64]) -> tuple[Figure, str]:
    """Draw the distinct colors as points in RGB, seen along each of the three axes."""
    figure, [axes] = panels(1, 3, 2.5, narrow_height=4.2)
    by_chance = np.random.RandomState(0).permutation(
        len(counts)
    )  # among equally rare ones: no hue is favored
    order = np.lexsort((by_chance, counts))[-MOST_POINTS:]
    area = 4 + 400 * counts[order] / counts.sum()
    for ax, (a, b) in zip(axes, [(0, 1), (0, 2), (1, 2)], strict=True):
        ax.scatter(values[order, a], values[order, b], s=area, c=values[order] / 255, linewidths=0)
        ax.set(xlabel=CHANNELS[a], ylabel=CHANNELS[b], xlim=(-12, 267), ylim=(-12, 267), aspect="equal")
        ax.set(xticks=[0, 100, 200], yticks=[0, 100, 200])
    commonest = ", ".join(map(str, values[counts.argmax()].astype(int)))
    alike = int((counts == counts.max()).sum())
    drawn = f" Only {len(order):,} are drawn, the rarest left out." if len(order) < len(values) else ""
    return figure, (
        f"Three scatter plots of {len(values):,} distinct colors as points: red against green, red against blue, green "
        f"against blue.{drawn} Each point has its own color, and its area grows with its pixels. "
        f"{'The commonest color' if alike == 1 else f'One of the {alike:,} commonest colors'}, ({commonest}), holds "
        f"{percent(float(counts.max() / counts.sum()))} of the pixels."
    )


@plot
def lloyd_steps(
    values: NDArray[np.float64],
    states: Sequence[tuple[str, NDArray[np.int64] | None, NDArray[np.float64]]],
) -> tuple[Figure, str]:
    """Draw moments of Lloyd's algorithm in the red-green plane: title, cluster of each color, centers."""
    figure, axes = tiles(len(states), 3, 2.3, sharex=True, sharey=True)
    step = thinning(len(values))
    for ax, (title, of_color, centers) in zip(axes, states, strict=True):
        shade = mpl.rcParams["axes.edgecolor"] if of_color is None else np.array(CLUSTERS)[of_color[::step]]
        ax.scatter(values[::step, 0], values[::step, 1], s=7, c=shade, linewidths=0)
        for number, center in enumerate(centers):
            ax.plot(*center[:2], "o", markersize=13, color=CLUSTERS[number], markeredgecolor="white")
            ink = "black" if number in (1, 2, 5, 9) else "white"
            ax.text(*center[:2], str(number), ha="center", va="center", fontsize=9, color=ink)
        ax.set(title=title, xlim=(-14, 269), ylim=(-14, 269), xticks=[0, 100, 200], yticks=[0, 100, 200])
        ax.set_aspect("equal")
    for ax in axes:
        ax.set(xlabel="red", ylabel="green")
        ax.label_outer()
    moved = float(np.linalg.norm(states[-1][2] - states[0][2], axis=1).max())
    travel = f"the center that goes farthest travels {moved:.0f} color values" if moved else "no center moves"
    return figure, (
        f"{len(states)} scatter plots of {'the' if step == 1 else f'one in {step} of the'} distinct colors, red against green, "
        f"with {plural(len(states[0][2]), 'numbered center')}: {'; '.join(title for title, _, _ in states)}. Colors take the shade "
        f"of their cluster. From the first panel to the last, {travel}."
    )


@plot
def falling(wcss: Sequence[float], best: float) -> tuple[Figure, str]:
    """Draw the objective after each round of Lloyd's algorithm, with the best that is known."""
    figure, [[ax]] = panels(1, 1, 2.5)
    ax.plot(range(1, len(wcss) + 1), wcss, "o-", markersize=4)
    ax.axhline(best, color="C1", linestyle="--", linewidth=1.2)
    room_below = best > 0.2 * wcss[0]
    at, up, side, edge = (len(wcss), -4, "right", "top") if room_below else (0.6, 4, "left", "bottom")
    over = wcss[-1] / best - 1 if best else 0.0
    off = percent(abs(over))
    end = f"this start ends {off} above it" if over > 1e-9 else "this start ends there, too"
    end = f"this one ends {off} below it" if over < -1e-9 else end
    told = f"best of many starts;{pick(' ', chr(10))}{end}"
    ax.annotate(told, (at, best), (0, up), textcoords="offset points", ha=side, va=edge)
    ax.set(xlabel="round", ylabel="WCSS", xlim=(0.5, len(wcss) + 0.5), ylim=(0, 1.08 * wcss[0] or 1))
    ax.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    count_in_millions(ax.yaxis)
    if not wcss[0]:
        ax.set_yticks([0])
    rises = (np.diff(wcss) > 1e-9 * wcss[0]).any()  # more than the rounding of sums
    path = (
        f"Line graph of the WCSS after each round, {len(wcss)} in all. It goes from {large(wcss[0])} to {large(wcss[-1])} and "
        f"{'rises on the way' if rises else 'never rises'}."
        if len(wcss) > 1
        else f"Graph of a single point: the WCSS after the only round, {large(wcss[0])}."
    )
    return figure, f"{path} A dashed line marks the best of many starts, {large(best)}."


@plot
def label_map(labels: NDArray[np.integer], names: Sequence[str]) -> tuple[Figure, str]:
    """Draw the cluster of each pixel in a color of its own, its number on its largest region.

    `names` are those of the nearest terrains; empty ones, where clusters have none.
    """
    figure, [[ax]] = panels(1, 1, 4.6, narrow_height=4.6)
    show_labels(ax, labels)
    shares = np.bincount(labels[labels >= 0], minlength=len(names)) / (labels >= 0).sum()
    handles = [
        mpl.patches.Patch(facecolor=CLUSTERS[i], label=f"{i}  {name and name + ', '}{percent(float(share))}")
        for i, (name, share) in enumerate(zip(names, shares, strict=True))
    ]
    legend(figure, handles, loc=pick("outside right upper", "outside lower center"), ncols=pick(1, 2))
    return figure, (
        f"Map of the cluster of every pixel, in {plural(len(names), 'shade')}, each with its number on it. "
        + ". ".join(
            f"Cluster {i}{n and ', nearest to ' + n}: {percent(float(s))}"
            for i, (n, s) in enumerate(zip(names, shares, strict=True))
        )
        + f".{_missing(labels < 0)}"
    )


@plot
def side_by_side(images: Mapping[str, NDArray[Any]], message: str) -> tuple[Figure, str]:
    """Draw pictures side by side under their titles; `message` says in words what they show.

    An array of labels is shown in the clusters' own colors, with their numbers.
    """
    tallest = max(image.shape[0] / image.shape[1] for image in images.values())
    figure, [axes] = panels(1, len(images), max(1.2, min(WIDTH / len(images) * tallest + 0.35, 8)), narrow=2)
    for ax, (title, image) in zip(axes, images.items(), strict=True):
        (show_labels if image.ndim == 2 else show_image)(ax, image, title)
    return figure, f"{len(images)} pictures side by side: {'; '.join(images)}. {message}"


@plot
def titled_tiles(images: Mapping[str, NDArray[Any]], message: str) -> tuple[Figure, str]:
    """Draw square pictures under their titles, four to a row; `message` says in words what they show."""
    figure, axes = tiles(len(images), 4, WIDTH / 4 + 0.45)
    for ax, (title, image) in zip(axes, images.items(), strict=True):
        show_image(ax, image, title)
        ax.title.set_fontsize(9.5)
    told = "; ".join(" ".join(title.split()) for title in images)
    return figure, f"{len(images)} pictures: {told}. {message}"


def show_labels(ax: Axes, labels: NDArray[np.integer], title: str = "") -> None:
    """Show labels in the clusters' own colors, each cluster's number on its largest region."""
    show_image(ax, striped(cluster_colors(labels), labels < 0), title)
    for number, row in regions.table(labels).groupby("label").first().iterrows():
        halo(ax.text(row["col"], row["row"], str(number), ha="center", va="center", color="black"))


def cluster_colors(labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return labels as a picture in the clusters' own colors; masked pixels gray."""
    shades = [mpl.colors.to_rgb(c) for c in CLUSTERS] + [(0.5, 0.5, 0.5)]
    return (np.array(shades) * 255).round().astype(np.uint8)[labels]


# --- chapter 4: how many clusters -----------------------------------------------------------------


@plot
def recolored_grid(
    found: Mapping[int, Segmentation], terrains: Mapping[int, int] | None
) -> tuple[Figure, str]:
    """Draw the recolored picture with its boundaries for each number of clusters, three to a row.

    `terrains` is how many terrains each shows; where it is None, clusters have their mean colors.
    """
    tallest = max(seg.labels.shape[0] / seg.labels.shape[1] for seg in found.values())
    figure, axes = tiles(len(found), 3, max(0.8, 2.1 * min(tallest, 2) + 0.25))
    for ax, (k, seg) in zip(axes, found.items(), strict=True):
        colored = paint(seg.labels, seg.centers) if terrains is None else recolor(seg)
        lined = with_boundaries(colored, regions.boundaries(seg.labels))
        show_image(ax, striped(lined, seg.labels < 0), f"k = {k}")
    if terrains is None:
        last = found[max(found)]
        return figure, (
            f"Grid of {plural(len(found), 'picture')}, each cluster in its mean color, with lines where clusters meet: for "
            f"k = {join([str(k) for k in found])}. For k = {max(found)} the largest cluster has "
            f"{percent(float(np.bincount(last.labels[last.labels >= 0]).max() / (last.labels >= 0).sum()))} of the pixels."
            f"{_missing(last.labels < 0)}"
        )
    listed = ", ".join(f"k = {k} shows {n}" for k, n in terrains.items())
    return (
        figure,
        f"Grid of recolored pictures, {len(found)} in all, with lines where clusters meet. Of the {len(TERRAINS)} terrain colors, {listed}.",
    )


@plot
def wcss_elbow(ks: NDArray[np.int64], wcss: NDArray[np.float64], knee: int | None) -> tuple[Figure, str]:
    """Draw the WCSS against the number of clusters, as a share of its first value, with the knee."""
    figure, [[ax]] = panels(1, 1, 2.9)
    share = wcss / wcss[0]
    ax.plot(ks, share, "o-")
    if knee is not None:
        at = float(share[list(ks).index(knee)])
        ax.plot(knee, at, "o", markersize=13, markerfacecolor="none", markeredgewidth=2, color="C1")
        ax.annotate(f"knee: k = {knee}", (knee, at), (10, 16), textcoords="offset points", color="C1")
    ax.set(xlabel="number of clusters k", ylabel=f"WCSS, share of k = {ks[0]}", ylim=(0, 1.05), xticks=ks)
    found = (
        "no knee is found" if knee is None else f"the knee is found at k = {knee}, with {percent(float(at))}"
    )
    listed = ", ".join(percent(float(s)) for s in share)
    falls = "It falls all the way" if (np.diff(wcss) < 0).all() else "It does not fall everywhere"
    return figure, (
        f"Line graph of the WCSS as a share of that for k = {ks[0]}, for k = {ks[0]} to {ks[-1]}: {listed}. {falls}; {found}."
    )


@plot
def no_clusters(
    images: Mapping[str, NDArray[np.uint8]],
    curves: Mapping[str, NDArray[np.float64]],
    knees: Mapping[str, int | None],
) -> tuple[Figure, str]:
    """Draw pictures whose colors form no clusters, and the WCSS curve of each with its knee."""
    figure, axes = panels(2, len(images), 3.9, height_ratios=[1.1, 1], narrow_height=6.4)
    for ax, (name, image) in zip(axes[0], images.items(), strict=True):
        show_image(ax, image, name)
    for ax, (name, curve) in zip(axes[1], curves.items(), strict=True):
        ks, knee = np.arange(1, len(curve) + 1), knees[name]
        ax.plot(ks, curve / curve[0], "o-", markersize=3)
        if knee is not None:
            at = curve[knee - 1] / curve[0]
            ax.plot(knee, at, "o", markersize=11, markerfacecolor="none", markeredgewidth=2, color="C1")
            ax.annotate(f"k = {knee}", (knee, at), (8, 10), textcoords="offset points", color="C1")
        ax.set(ylim=(0, 1.05), xticks=[1, 4, 7, 10], xlabel="k")
    axes[1, 0].set_ylabel("WCSS, share")
    told = "; ".join(
        f"{name}, {'no knee' if k is None else f'a knee at k = {k}'}" for name, k in knees.items()
    )
    return figure, (
        f"{len(images)} pictures without clusters, and below each the WCSS against k, from {ks[0]} to {ks[-1]}. "
        f"kneed finds: {told}."
    )


@plot
def criteria(lines: Mapping[str, tuple[Mapping[int, float], int | None]]) -> tuple[Figure, str]:
    """Draw each criterion against the number of clusters, two to a row, its choice ringed."""
    figure, axes = tiles(len(lines), 2, 1.67, sharex=True)
    ks = sorted({k for values, _ in lines.values() for k in values})
    for number, (ax, (name, (values, k))) in enumerate(zip(axes, lines.items(), strict=True)):
        ax.plot(list(values), list(values.values()), "o-", color=f"C{number % 6}", markersize=4)
        if k is not None:
            ring = {"markersize": 12, "markerfacecolor": "none", "markeredgewidth": 2}
            ax.plot(k, values[k], "o", color=f"C{number % 6}", **ring)
        ax.set_title(f"{name}: {'no k' if k is None else f'k = {k}'}", fontsize=9.5)
        ax.margins(y=0.25)
        if max(values.values()) >= 1000:
            count_in_millions(ax.yaxis)
        ax.set(xticks=ks)
    for ax in axes[-pick(2, 1) :]:
        ax.set_xlabel("number of clusters k")
    listed = "; ".join(
        f"{name} from {_few_digits(values[min(values)])} at k = {min(values)} to {_few_digits(values[max(values)])} at "
        f"k = {max(values)}, {'takes no k' if k is None else f'takes k = {k}'}"
        for name, (values, k) in lines.items()
    )
    return figure, f"{plural(len(lines), 'line graph')} over k, from {ks[0]} to {ks[-1]}: {listed}."


def _few_digits(value: float) -> str:
    """Return a score with two decimals, a large one in whole numbers."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}"


@plot
def sweep(
    counts: Mapping[str, Mapping[int | None, int]], marked: Mapping[str, int | None]
) -> tuple[Figure, str]:
    """Draw how often each criterion takes each k, as a grid of numbers, the darker the more often.

    `marked` says what each takes here; it is framed. The last row is the truth, in another color.
    """
    columns: list[int | None] = [*sorted({k for row in counts.values() for k in row if k is not None})]
    columns += [None] if any(None in row for row in counts.values()) else []
    # Beside its row a name takes half of a narrow page, so there it stands above.
    step = pick(1.0, 1.75)
    figure, [[ax]] = panels(1, 1, 0.36 * len(counts) + 0.75, narrow_height=0.36 * step * len(counts) + 0.75)
    for number, (name, row) in enumerate(counts.items()):
        y = step * number
        color = "C1" if number == len(counts) - 1 else "C0"
        if pick(False, True):
            ax.text(-0.47, y - 0.7, name, va="center_baseline", fontsize=9.5)
        for x, k in enumerate(columns):
            share = row.get(k, 0) / max(sum(row.values()), 1)
            ax.add_patch(
                Rectangle((x - 0.47, y - 0.42), 0.94, 0.84, color=color, alpha=0.05 + 0.6 * share, lw=0)
            )
            ax.text(x, y, str(row.get(k) or "·"), ha="center", va="center_baseline", fontsize=9)
            if name in marked and marked[name] == k:
                box = Rectangle((x - 0.47, y - 0.42), 0.94, 0.84, fill=False, lw=2)
                box.set_edgecolor(mpl.rcParams["text.color"])
                ax.add_patch(box)
    ax.set(
        xlim=(-0.55, len(columns) - 0.45),
        ylim=(step * (len(counts) - 1) + 0.5, pick(-0.5, -1.2)),
        xlabel="number of clusters k",
    )
    ax.set_xticks(range(len(columns)), ["no k" if k is None else str(k) for k in columns])
    ax.set_yticks(range(len(counts)) if pick(True, False) else [], pick(list(counts), []), fontsize=9)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
    told = "; ".join(
        f"{name}: "
        + ", ".join(
            f"{'no k' if k is None else f'k = {k}'} on {n}"
            for k, n in sorted(row.items(), key=lambda i: i[0] or 99)
        )
        for name, row in counts.items()
    )
    total = max(sum(row.values()) for row in counts.values())
    rings = f" Frames mark this page's landscape: {_told(marked)}." if marked else ""
    return (
        figure,
        f"Grid of counts, a row per criterion and a column per k, over {total} landscapes. {told}.{rings}",
    )


def _told(marked: Mapping[str, int | None]) -> str:
    """Return what is marked, in words."""
    return ", ".join(f"{name} {'no k' if k is None else f'k = {k}'}" for name, k in marked.items())


# --- chapter 5: the map ---------------------------------------------------------------------------

MOST_MARKERS = 300  # more would hide the map
MOST_NUMBERS = 60  # numbers are wider than markers


@plot
def outlined(
    image: NDArray[np.uint8],
    edges: NDArray[np.bool_],
    title: str = "",
    mask: NDArray[np.bool_] | None = None,
) -> tuple[Figure, str]:
    """Draw boundaries, darkened, over a picture; what is masked is striped."""
    figure, [[ax]] = panels(1, 1, 4.6)
    show_image(ax, striped(with_boundaries(image, edges), mask), title)
    return figure, (
        f"The picture with the boundaries between clusters drawn over it as dark lines, a pixel on each side. "
        f"{percent(float((edges if mask is None else edges[~mask]).mean()))} of the pixels lie on one.{_missing(mask)}"
    )


@plot
def background_lost(
    image: NDArray[np.uint8],
    lost: NDArray[np.bool_],
    found: int,
    left: int,
    label: int = 0,
    mask: NDArray[np.bool_] | None = None,
) -> tuple[Figure, str]:
    """Draw the map as it is beside what is left of it when the pixels of a label are taken for background.

    What is masked was background before.
    """
    mask = np.zeros_like(lost) if mask is None else mask
    tallest = image.shape[0] / image.shape[1]
    figure, [axes] = panels(1, 2, max(1.2, min(WIDTH / 2 * tallest + 0.35, 8)), narrow=2)
    show_image(axes[0], striped(image, mask), f"every cluster: {found:,}")
    y, x = np.indices(lost.shape)
    stripe = (x + y) // max(3, max(lost.shape) // 64) % 2
    gray = np.where(stripe, 150, 190).astype(np.uint8)[..., np.newaxis]
    show_image(
        axes[1],
        np.where((lost | mask)[..., np.newaxis], gray, image),
        f"label {label} as background: {left:,}",
    )
    return figure, (
        f"The map twice. Left, with {plural(found, 'region')}. Right, with {left:,}: {percent(float(lost.sum() / (~mask).sum()))} of the picture, "
        f"striped in gray, is taken for background and belongs to no region.{_missing(mask)}"
    )


@plot
def before_after(
    before: NDArray[np.int64], after: NDArray[np.int64], small: NDArray[np.bool_], window: tuple[slice, slice]
) -> tuple[Figure, str]:
    """Draw a part of the label map before and after small regions were merged, these outlined."""
    rows, columns = window
    shape = before[window].shape
    figure, [axes] = panels(1, 2, max(1.2, min(WIDTH / 2 * shape[0] / shape[1] + 0.35, 8)), narrow=2)
    counts = []
    for ax, labels, title in zip(axes, (before, after), ("as found", "merged"), strict=True):
        part = labels[window]
        listed = regions.table(part)
        counts.append(len(listed))
        show_labels(ax, part, f"{title}: {plural(len(listed), 'part')}")
    ring = np.pad(small[window], 1).repeat(4, axis=0).repeat(4, axis=1)
    if ring.any():
        y, x = ((np.arange(n) + 0.5) / 4 - 1.5 for n in ring.shape)
        axes[0].contour(x, y, ring, levels=[0.5], colors=[MARKER_COLOR], linewidths=1.4)
        axes[0].set(xlim=(-0.5, shape[1] - 0.5), ylim=(shape[0] - 0.5, -0.5))
    inside = int(regions.connected(np.where(small, before, -1)[window]).max())
    told = f"{inside:,} of them outlined as too small" if inside else "none too small"
    return figure, (
        f"A window of the label map, rows {rows.start} to {rows.stop - 1} and columns {columns.start} to {columns.stop - 1}, "
        f"twice, with the cluster's number on each color. As found it shows {plural(counts[0], 'connected part')}, {told}; merged "
        f"it shows {counts[1]:,}."
    )


@plot
def centroid_and_marker(
    image: NDArray[np.uint8], labels: NDArray[np.integer], row: Any
) -> tuple[Figure, str]:
    """Draw one region, how far each of its pixels is from the edge, its centroid and its marker."""
    inside = regions.connected(labels) == row.name
    depth = np.ma.masked_where(~inside, regions.depth(labels))
    window = tuple(
        slice(max(0, int(np.flatnonzero(seen)[0]) - 8), int(np.flatnonzero(seen)[-1]) + 9)
        for seen in (inside.any(axis=1), inside.any(axis=0))
    )
    figure, [[ax]] = panels(1, 1, 4.2)
    pale = faded(image[window])
    left, top = window[1].start - 0.5, window[0].start - 0.5
    place = (left, left + pale.shape[1], top + pale.shape[0], top)
    show_image(ax, pale, extent=place)
    shown = show_image(ax, depth[window], cmap="gray", vmin=0, extent=place)
    color_bar(figure, shown, ax, "distance to the edge, pixels")
    for name, x, y, shape, up in [
        ("marker", row["col"], row["row"], "o", 1),
        ("centroid", row["centroid_col"], row["centroid_row"], "X", -1),
    ]:
        ax.plot(x, y, shape, markersize=12, color=MARKER_COLOR, markeredgecolor="black")
        right = x > left + pale.shape[1] / 2
        ax.annotate(
            name, (x, y), (-11 if right else 11, 9 * up), textcoords="offset points", ha="right" if right else "left",
            va="bottom" if up > 0 else "top", color="black",
            bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
        )  # fmt: skip
    within = "inside" if row["centroid_inside"] else "outside"
    return figure, (
        f"One region of {plural(int(row['area']), 'pixel')}, {row['terrain']}, on the faded map, shaded by the distance of each "
        f"pixel to the region's edge, up to {depth.max():.1f} pixels. A cross marks its centroid, at row "
        f"{row['centroid_row']:.1f} and column {row['centroid_col']:.1f}, which lies {within} it; a circle marks the deepest pixel, "
        f"at row {row['row']} and column {row['col']}, which lies inside."
    )


@plot
def final_map(
    image: NDArray[np.uint8], listed: Any, clusters: Mapping[str, Sequence[int]]
) -> tuple[Figure, str]:
    """Draw the map with a marker for each region and a legend below; `clusters` are those of each terrain."""
    figure, [[ax]] = panels(
        1, 1, max(2.0, min(pick(5.2, NARROW) * image.shape[0] / image.shape[1], 8)) + pick(0.7, 1.4)
    )
    show_image(ax, image)
    drawn = listed.head(MOST_MARKERS)
    size = (26 + 130 * np.sqrt(drawn["share"])) * np.clip(100 / max(len(drawn), 1), 0.5, 1)
    told, handles = [], []
    for name, shape in MARKERS.items():
        if not clusters[name]:
            continue
        of = drawn["terrain"] == name
        cluster = f"{name}, cluster{'s' if len(clusters[name]) > 1 else ''} {join([str(c) for c in clusters[name]])}"
        ax.scatter(
            drawn["col"][of], drawn["row"][of], s=size[of], marker=shape, color=MARKER_COLOR, edgecolors="black",
            linewidths=0.8, clip_on=False, zorder=3,
        )  # fmt: skip
        told.append(f"{plural(int(of.sum()), SHAPES[shape])} for {cluster}")
        handles.append(
            Line2D([], [], marker=shape, color=MARKER_COLOR, markeredgecolor="black", markersize=8,
                   linestyle="none", label=f"{cluster}: {of.sum()}")
        )  # fmt: skip
        if len(clusters[name]) > 1:  # which cluster is which, where the color does not say so
            for number, row in drawn[of].groupby("label").first().iterrows():
                text = ax.annotate(str(number), (row["col"], row["row"]), (7, 5), textcoords="offset points")
                halo(text).set_color("black")
    extent = f"{image.shape[0]:,} by {image.shape[1]:,} pixels"
    what = f"Map of the picture, {extent}, in the terrains' colors, with dark boundaries"
    if not len(drawn):
        return figure, f"{what} and no marker, since no region is large enough for one."
    legend(figure, handles, loc="outside lower center", ncols=2, title="markers")
    many = len(drawn) > 1
    return figure, (
        f"{what} and {plural(len(drawn), 'salmon-colored marker')}, {'each inside its' if many else 'inside the only'} region: "
        f"{'; '.join(told)}.{' Larger markers stand for larger regions.' if many else ''}"
    )


@plot
def numbered_map(image: NDArray[np.uint8], labels: NDArray[np.integer], listed: Any) -> tuple[Figure, str]:
    """Draw the map of clusters that have no names, the cluster's number on each region."""
    figure, [[ax]] = panels(1, 1, max(2.0, min(pick(5.2, NARROW) * image.shape[0] / image.shape[1], 8)))
    show_image(ax, striped(image, labels < 0))
    drawn = listed.head(MOST_NUMBERS)
    for row in drawn.itertuples():
        text = ax.text(
            row.col, row.row, str(row.label), ha="center", va="center", fontsize=9.5, color="black"
        )
        halo(text)
    numbers = np.bincount(drawn["label"], minlength=int(labels.max()) + 1)
    told = "; ".join(f"{n} in cluster {c}" for c, n in enumerate(numbers) if n)
    extent = f"{image.shape[0]:,} by {image.shape[1]:,} pixels"
    return figure, (
        f"Map of the picture, {extent}, each cluster in its mean color, with dark boundaries, and "
        + (
            f"{plural(len(drawn), 'number')} on its regions: {told}."
            if len(drawn)
            else "no number, since no region is large enough for one."
        )
        + _missing(labels < 0)
    )


def with_boundaries(image: NDArray[np.uint8], edges: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the picture with the pixels on a boundary made darker by two thirds."""
    return np.where(edges[..., np.newaxis], image // 3, image)


def busiest(rows: Any, columns: Any, shape: tuple[int, ...], side: int = 96) -> tuple[slice, slice]:
    """Return a square window of a picture of this `shape` that holds as many of the given pixels as any other."""
    height, width = min(side, shape[0]), min(side, shape[1])
    count = np.zeros((shape[0] + 1, shape[1] + 1), dtype=np.int64)
    np.add.at(count, (np.asarray(rows) + 1, np.asarray(columns) + 1), 1)
    total = count.cumsum(axis=0).cumsum(axis=1)
    held = (
        total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    )
    most = np.argwhere(held == held.max())
    middle = most[((most - most.mean(axis=0)) ** 2).sum(axis=1).argmin()]  # so that they are not at its rim
    return slice(int(middle[0]), int(middle[0]) + height), slice(int(middle[1]), int(middle[1]) + width)


# --- chapter 1: unsupervised learning -------------------------------------------------------------

GROUP_MARKS = ("o", "s", "^")


@plot
def three_views(
    points: NDArray[Any],
    answers: NDArray[Any],
    means: NDArray[Any],
    found: NDArray[Any],
    centers: NDArray[Any],
) -> tuple[Figure, str]:
    """Draw points with their answers and a rule learned from them, without, and in the groups found."""
    figure, [axes] = panels(1, 3, 2.5, sharex=True, sharey=True, narrow_height=3.9)
    titles = ("with answers", "without answers", "groups found")
    for ax, title, groups in zip(axes, titles, (answers, None, found), strict=True):
        if groups is None:
            ax.plot(*points.T, "o", color=mpl.rcParams["axes.edgecolor"], markersize=4)
        else:
            for group, mark in enumerate(GROUP_MARKS):
                ax.plot(*points[groups == group].T, mark, color=f"C{group}", markersize=4)
        ax.set(title=title, xticks=[], yticks=[], aspect="equal")
        for side in ax.spines.values():
            side.set_visible(True)
    ink, differ = mpl.rcParams["text.color"], points[answers != found]
    axes[2].plot(*differ.T, "o", markersize=9, markerfacecolor="none", color=ink)
    axes[2].plot(*centers.T, "X", markersize=9, color=ink, linestyle="none")
    low, high = points.min(axis=0) - 0.4, points.max(axis=0) + 0.4
    axes[0].set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    for ax, middles in ((axes[0], means), (axes[2], centers)):
        draw_borders(ax, middles)
    ringed = {
        0: "no point's group differs from its answer",
        1: "a ring marks the one point whose group differs from its answer",
    }
    return figure, (
        f"Three scatter plots of the same {len(points)} points. First: each point has one of {len(means)} answers, shown by color "
        "and shape, and dashed lines mark the borders of a rule learned from them. Second: all points alike. Third: the "
        f"{len(centers)} groups that k-means found, a cross at the mean of each; "
        + ringed.get(
            len(differ), f"rings mark the {len(differ)} points whose group differs from their answer"
        )
        + "."
    )


def draw_borders(ax: Axes, middles: NDArray[Any]) -> None:
    """Draw dashed lines where the nearest of the `middles` changes."""
    for one, other in combinations(range(len(middles)), 2):
        between, (x, y) = (middles[one] + middles[other]) / 2, middles[other] - middles[one]
        line = between + np.linspace(-9, 9, 4000)[:, np.newaxis] * np.array([-y, x]) / np.hypot(x, y)
        nearest = cdist(line, middles).argmin(axis=1)
        line = line[np.isin(nearest, (one, other))]  # elsewhere a third one is nearer
        ax.plot(line[:, 0], line[:, 1], "--", color=mpl.rcParams["text.color"], linewidth=1)
