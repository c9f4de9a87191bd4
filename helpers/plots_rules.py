"""The figures of chapter 10: which tiles hold what, what chance does, and a contest of two networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from numpy.typing import NDArray

from helpers.drawing import (
    WIDTH,
    count_in_millions,
    large,
    legend,
    panels,
    percent,
    pick,
    plot,
    plural,
    show_image,
    tiles,
)
from helpers.landscape import PALETTE, TERRAINS
from helpers.record import join
from helpers.segmentation import nearest_terrain

WITHOUT, WITH = (
    (150, 150, 150),
    (170, 68, 153),
)  # a tile without an item, and one with an item that is no terrain
INK = {True: "white", False: "black"}  # of words on a terrain's color, by whether that is dark


@plot
def layers(
    picture: NDArray[np.uint8], grids: Mapping[str, NDArray[np.bool_]], alike: tuple[float, float]
) -> tuple[Figure, str]:
    """Draw the map, and for each item which tiles hold it.

    `alike` is how often tiles side by side agree on an item, on average, and how often shuffled ones would.
    """
    figure, axes = tiles(len(grids) + 1, 4, WIDTH / 4 + 0.22)
    show_image(axes[0], picture, "the map")
    for ax, (name, grid) in zip(axes[1:], grids.items(), strict=True):
        color = PALETTE[TERRAINS.index(name)] if name in TERRAINS else WITH
        show_image(ax, np.where(grid[..., np.newaxis], color, WITHOUT).astype(np.uint8), name)
    told = join([f"{name} in {grid.sum():,}" for name, grid in grids.items()])
    count = next(iter(grids.values())).size
    return figure, (
        f"The map, and {plural(len(grids), 'small grid')} of {count:,} tiles each, one per item, in which a tile that holds the "
        f"item is colored and the others are gray: {told}. Tiles side by side agree "
        f"on an item in {percent(alike[0])} of cases; shuffled ones would in {percent(alike[1])}."
    )


@plot
def chance(
    pairs: Sequence[str],
    lift: NDArray[np.float64],
    shuffled: NDArray[np.float64],
    shifted: NDArray[np.float64],
) -> tuple[Figure, str]:
    """Draw each pair's lift over the range that shuffled tiles give, and that shifted layers give.

    `shuffled` and `shifted` have a row per pair: the ends of the range.
    """
    figure, [[ax]] = panels(1, 1, 0.3 * len(pairs) + 0.95)
    place = np.arange(len(pairs))
    ink = mpl.rcParams["text.color"]
    ax.hlines(place - 0.16, *shuffled.T, color="C0", linewidth=6, alpha=0.75, label="shuffled tiles")
    ax.hlines(place + 0.16, *shifted.T, color="C1", linewidth=6, alpha=0.75, label="shifted layers")
    ax.plot(lift, place, "D", color=ink, markersize=5, label="this map")
    ax.axvline(1, color=mpl.rcParams["axes.edgecolor"], linewidth=0.8, zorder=0)
    ax.set_yticks(place, pairs)
    ax.set(xlabel="lift", ylim=(len(pairs) - 0.4, -0.6))
    ax.set_xlim(left=min(-0.03, -0.01 * float(max(lift.max(), shifted.max()))))
    ax.tick_params(axis="y", length=0)
    legend(figure, loc="outside upper left", ncols=3)
    out = [(lift < ends[:, 0]) | (lift > ends[:, 1]) for ends in (shuffled, shifted)]
    mean = [float(np.diff(ends, axis=1).mean()) for ends in (shuffled, shifted)]
    names = [pair for pair, beyond in zip(pairs, out[1], strict=True) if beyond]
    return figure, (
        f"Dot plot of the lift of {plural(len(pairs), 'pair')} of items, each over two bars: the range of lifts that chance gives "
        f"with shuffled tiles, {mean[0]:.2f} wide on average, and with shifted layers, {mean[1]:.2f} wide. {out[0].sum()} of the "
        f"dots lie outside the first bar, {out[1].sum()} outside the second{': ' + join(names) if names else ''}."
    )


@plot
def contest(noise: int, hidden: int, weights: Sequence[int]) -> tuple[Figure, str]:
    """Draw what goes from noise through the generator to the critic, and what comes back."""
    figure, [[ax]] = panels(1, 1, 2.0, narrow_height=3.4)
    ax.set(
        xticks=[],
        yticks=[],
        **pick({"xlim": (0, 10), "ylim": (-0.75, 2.8)}, {"xlim": (0, 5), "ylim": (-2.4, 4.0)}),
    )
    for side in ax.spines.values():
        side.set_visible(False)
    ink, line = mpl.rcParams["text.color"], mpl.rcParams["axes.edgecolor"]
    words = [
        f"noise\n{noise} numbers", f"generator\n{weights[0]} weights", "made\ncolor", "real\ncolor",
        f"critic\n{weights[1]} weights",
    ]  # fmt: skip
    # From left to right on a wide page; in two rows on a narrow one, the second from right to left.
    boxes = pick(
        [(0.0, 1.5, 1.0), (2.35, 2.0, 1.0), (5.2, 1.15, 0.25), (5.2, 1.15, 1.75), (7.2, 1.9, 1.0)],
        [(0.0, 1.9, 2.7), (2.9, 2.1, 2.7), (3.35, 1.2, 0.9), (3.35, 1.2, -0.8), (0.5, 1.9, 0.05)],
    )
    arrows = pick(
        [
            ((1.5, 1.5), (2.3, 1.5)), ((4.35, 1.5), (5.15, 0.9)), ((6.35, 0.75), (7.15, 1.25)),
            ((6.35, 2.25), (7.15, 1.75)), ((9.1, 1.5), (9.5, 1.5)),
        ],
        [
            ((1.9, 3.2), (2.85, 3.2)), ((3.95, 2.65), (3.95, 1.95)), ((3.3, 1.4), (2.45, 0.8)),
            ((3.3, -0.3), (2.45, 0.3)), ((1.45, 0.0), (1.45, -0.85)),
        ],
    )  # fmt: skip
    back = pick(
        [(8.15, 0.95), (8.15, -0.1), (3.35, -0.1), (3.35, 0.95)],
        [(1.1, 1.1), (1.1, 2.25), (3.2, 2.25), (3.2, 2.65)],
    )
    for (x, wide, y), inside, color in zip(boxes, words, (None, "C1", None, None, "C0"), strict=True):
        box = FancyBboxPatch(
            (x + 0.1, y + 0.1), wide - 0.2, 0.8, boxstyle="round,pad=0.1", lw=1.6 if color else 0.8,
            edgecolor=color or line, facecolor=(*to_rgb(color), 0.15) if color else "none",
        )  # fmt: skip
        ax.add_patch(box)
        ax.text(x + wide / 2, y + 0.5, inside, ha="center", va="center", linespacing=1.2)
    arrow = {"arrowstyle": "-|>", "color": ink, "lw": 1.2, "shrinkA": 0, "shrinkB": 0}
    for start, end in arrows:
        ax.annotate("", end, start, arrowprops=arrow)
    ax.text(*pick((9.56, 1.5), (1.15, -1.15)), "real?", va="center")
    ax.plot(*np.transpose(back[:3]), "--", color=ink, lw=1.2)
    ax.annotate("", back[3], back[2], arrowprops={**arrow, "linestyle": "--"})
    ax.text(
        *pick((5.75, -0.2), (2.5, -1.5)), "slopes, dashed: how to be taken for real", ha="center", va="top"
    )
    return figure, (
        f"Diagram of a contest: {noise} numbers of noise go into a generator of {weights[0]} weights, which makes a color. "
        f"Made colors and real colors go into a critic of {weights[1]} weights, which says whether a color is real. A dashed arrow leads back from the critic to the generator: the slopes that tell it how "
        f"to be taken for real. Each hidden layer has {hidden} units."
    )


@plot
def rounds(
    real: NDArray[np.float64], made: Mapping[int, NDArray[np.float64]], curve: NDArray[np.float64]
) -> tuple[Figure, str]:
    """Draw real colors, and those made after several rounds: as tiles in order, and red against green.

    `curve` holds the picture's distinct colors, drawn faintly behind. Colors run from 0 to 255.
    """
    sets = {"real colors": real, **{f"after {n:,}": colors for n, colors in made.items()}}
    figure, axes = panels(2, len(sets), 3.0)
    told = []
    for (above, below), (title, colors) in zip(axes.T, sets.items(), strict=True):
        terrain = nearest_terrain(colors)
        order = np.lexsort([colors[:, 0], terrain])
        across = 20
        mosaic = colors[order][: len(colors) // across * across].reshape(-1, across, 3)
        show_image(above, mosaic.round().astype(np.uint8), title)
        below.plot(
            *curve[:, :2].T, ".", color=mpl.rcParams["axes.edgecolor"], markersize=2, alpha=0.6, zorder=0
        )
        below.scatter(
            *colors[:, :2].T, c=colors / 255, s=11, linewidths=0.2, edgecolors=mpl.rcParams["axes.edgecolor"]
        )
        below.set(xlim=(-14, 269), ylim=(-14, 269), aspect="equal", xticks=[0, 255], yticks=[], xlabel="red")
        if below is axes[1, 0]:
            below.set(yticks=[0, 255], ylabel="green")
        shares = np.bincount(terrain, minlength=len(TERRAINS)) / len(colors)
        named = [f"{percent(float(s))} {name}" for name, s in zip(TERRAINS, shares, strict=True) if s > 0]
        told.append(f"{title} {join(named)}")
    return figure, (
        f"{len(real)} real colors beside {len(real)} generated ones after several rounds of learning, as tiles sorted by color, and "
        f"below as scatter plots of red against green, over the picture's distinct colors. By nearest terrain: {'; '.join(told)}."
    )


@plot
def progress(
    critic: NDArray[np.float64],
    generator: NDArray[np.float64],
    moments: NDArray[np.int64],
    distance: Sequence[float],
    floor: float,
    wcss: Sequence[float],
) -> tuple[Figure, str]:
    """Draw both losses, the distance to the real colors, and, to compare, the WCSS of k-means."""
    figure, [axes] = panels(1, 3, 2.45, narrow=1, narrow_height=6.3)
    ink = mpl.rcParams["text.color"]
    every = int(moments[1])
    means = [loss.reshape(-1, every).mean(axis=1) for loss in (critic, generator)]
    middle = moments[:-1] + every / 2
    draw = float(np.log(2))
    for loss, color, style in zip(means, ("C0", "C1"), ("-", "--"), strict=True):
        axes[0].plot(middle, loss, style, color=color)
    high, low = (np.argmax([m[-8:].mean() for m in means]), np.argmin([m[-8:].mean() for m in means]))
    for which, up, edge in ((high, 7, "bottom"), (low, -7, "top")):
        name, color = ("critic", "generator")[which], f"C{which}"
        at = means[which][-8:].max() if up > 0 else means[which][-8:].min()
        axes[0].annotate(
            name, (middle[-1], at), (0, up), textcoords="offset points", ha="right", va=edge, color=color
        )
    axes[0].axhline(draw, color=ink, linewidth=0.8, linestyle=":")
    axes[0].margins(y=0.25)
    axes[0].set(title="losses of the GAN", xlabel="round")
    axes[1].plot(moments, distance, color="C2")
    axes[1].axhline(floor, color=ink, linewidth=0.8, linestyle=":")
    axes[1].set(title="distance to the picture", xlabel="round", ylim=(0, None))
    axes[2].plot(range(1, len(wcss) + 1), wcss, "o-", color="C3", markersize=4)
    axes[2].set(title="WCSS of k-means", xlabel="round", ylim=(0, None))
    count_in_millions(axes[2].yaxis)
    axes[2].xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    rises = [int((np.diff(values) > 0).sum()) for values in (*means, distance)]
    return figure, (
        f"Three line graphs. First, the losses of both networks over {len(critic):,} rounds, averaged over {every} at a time: the critic's "
        f"ends at {means[0][-1]:.2f}, the generator's at {means[1][-1]:.2f}, and from one point to the next they rise {rises[0]} and "
        f"{rises[1]} of {len(means[0]) - 1} times; a dotted line marks a draw, {draw:.2f}. Second, the distance of the generated "
        f"colors to the picture, from {distance[0]:.1f} to {distance[-1]:.1f} color values, with {plural(rises[2], 'rise')} on the way. Third, "
        f"the WCSS of k-means, from {large(wcss[0])} to {large(wcss[-1])} in {plural(len(wcss), 'round')}."
    )


@plot
def collapse(
    real: NDArray[np.float64], groups: Mapping[str, Sequence[Mapping[str, Any]]]
) -> tuple[Figure, str]:
    """Draw the shares of the terrains among generated colors, a bar per run, beside the real shares.

    Each run has "shares" by nearest terrain, its "distance" to the picture, and the critic's "loss" at the end.
    """
    n_rows = 1 + sum(len(runs) + 0.7 for runs in groups.values())
    figure, [[ax]] = panels(
        1, 1, 0.24 * n_rows + 0.25, narrow_height=0.26 * (n_rows + 0.9 * len(groups)) + 0.25
    )
    y, told = 0.0, []
    at = pick((1.15, 1.27), (1.42, 1.72))  # where the numbers end
    _bar(ax, 0.0, real)
    ticks: list[tuple[float, str]] = [(0.0, "picture")]
    for name, runs in groups.items():
        y += pick(0.7, 1.6)
        ticks.append((y + pick((len(runs) + 1) / 2, 0.0), name))
        for run in runs:
            y += 1
            _bar(ax, y, run["shares"])
            ax.text(at[0], y, f"{run['distance']:.1f}", ha="right", va="center_baseline", fontsize=9)
            ax.text(at[1], y, f"{run['loss']:.2f}", ha="right", va="center_baseline", fontsize=9)
        told.append(
            f"{name}: "
            + "; ".join(f"{_shares(run['shares'])}, distance {run['distance']:.1f}" for run in runs)
        )
    for x, words in zip(at, ("distance", "loss"), strict=True):
        ax.text(x, 0, words, ha="right", va="center_baseline", fontsize=9)
    ax.set(xlim=(0, at[1] + 0.01), ylim=(y + 0.6, pick(-0.7, -1.6)), xticks=[], yticks=[])
    for where, words in ticks:  # beside the bars, on a narrow page above them
        beside = pick(
            {"x": -0.02, "y": where, "ha": "right"}, {"x": 0, "y": where - (where == 0), "ha": "left"}
        )
        ax.text(**beside, s=words, va="center_baseline", fontsize=9.5)
    for side in ax.spines.values():
        side.set_visible(False)
    return figure, (
        f"Stacked bars of the shares of colors by nearest terrain. The picture: {_shares(real)}. Generated colors, a bar per run, "
        f"{'. '.join(told)}."
    )


def _bar(ax: Any, y: float, shares: NDArray[np.float64]) -> None:
    """Draw a bar of the terrains' shares, named where there is room."""
    left = 0.0
    for name, color, share in zip(TERRAINS, PALETTE / 255, shares, strict=True):
        ax.barh(
            y, share, left=left, height=0.84, color=color, edgecolor=mpl.rcParams["axes.edgecolor"], lw=0.5
        )
        if share > pick(0.0205, 0.05) * len(name):
            dark = bool(color @ (0.299, 0.587, 0.114) < 0.45)
            ax.text(left + share / 2, y, name, ha="center", va="center_baseline", fontsize=9, color=INK[dark])
        left += share


def _shares(shares: NDArray[np.float64]) -> str:
    return join([f"{percent(float(s))} {name}" for name, s in zip(TERRAINS, shares, strict=True) if s > 0])
