"""The figures of chapter 8: fewer numbers per color and per patch, flat maps, bytes and noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from helpers.drawing import HEIGHT_MAP, WIDTH, color_bar, legend, panels, plot, plural, show_image
from helpers.landscape import THRESHOLDS
from helpers.record import join

MARKS = ("o", "s", "^", "D", "v", "P")


@plot
def rebuilt(images: Mapping[str, NDArray[np.uint8]], quality: Mapping[str, float]) -> tuple[Figure, str]:
    """Draw versions of a picture side by side, each with its PSNR."""
    figure, [axes] = panels(1, len(images), WIDTH / len(images) + 0.5)
    for ax, (name, image) in zip(axes, images.items(), strict=True):
        show_image(ax, image, f"{name}\n{quality[name]:.1f} dB" if name in quality else name)
        ax.title.set_fontsize(9.5)
    told = join([f"{name} {quality[name]:.1f} dB" for name in images if name in quality])
    return (
        figure,
        f"{len(images)} pictures side by side: {join(list(images))}. PSNR, the higher the nearer to the picture: {told}.",
    )


@plot
def along_height(
    heights: NDArray[Any], codes: Mapping[str, NDArray[Any]], colors: NDArray[np.uint8]
) -> tuple[Figure, str]:
    """Draw the one number that each way keeps of a color, against the height that the color came from."""
    figure, axes = panels(
        len(codes) + 1, 1, 1.3 * len(codes) + 1.0, sharex=True, height_ratios=[*[4] * len(codes), 1]
    )
    turns = {}
    for number, (ax, (name, code)) in enumerate(zip(axes[:, 0], codes.items(), strict=False)):
        ax.plot(heights, code, color=f"C{number}")
        ax.set_title(name, fontsize=9.5)
        for threshold in THRESHOLDS:
            ax.axvline(threshold, color=mpl.rcParams["grid.color"], lw=1, zorder=0)
        turns[name] = _turns(code)
    strip = axes[-1, 0]
    strip.imshow(colors[np.newaxis], extent=(0, 1, 0, 1), aspect="auto")
    strip.set(yticks=[], xlabel="height", xlim=(0, 1))
    told = join([f"{name} turns back {plural(n, 'time')}" for name, n in turns.items()])
    return figure, (
        f"{plural(len(codes), 'line graph')} over a strip with the color of every height: the one number that is kept of each color. "
        f"From the lowest height to the highest, {told}."
    )


def _turns(code: NDArray[Any]) -> int:
    """Return how often a line turns back by more than a twentieth of its span."""
    span, turns, way, last = 0.05 * np.ptp(code), 0, 0, code[0]
    for value in code:
        if way * (value - last) >= 0 and way:
            last = value
        elif abs(value - last) > span:
            turns, way, last = turns + (way != 0), int(np.sign(value - last)), value
    return turns


@plot
def patches(basis: NDArray[Any], side: int, shares: Sequence[float]) -> tuple[Figure, str]:
    """Draw principal patches as small pictures, gray where they change nothing."""
    figure, [axes] = panels(1, len(basis), WIDTH / len(basis) + 0.3)
    for number, (ax, patch) in enumerate(zip(axes, basis, strict=True)):
        image = 0.5 + 0.5 * patch.reshape(side, side, 3) / max(np.abs(patch).max(), 1e-12)
        show_image(ax, image, f"{shares[number]:.1%}")
        ax.title.set_fontsize(9)
    told = join([f"{share:.1%}" for share in shares])
    return figure, (
        f"The first {len(basis)} principal patches, {side} by {side} pixels each, gray where they change nothing. The share of the variance "
        f"that each carries: {told}."
    )


@plot
def quality_by_number(lines: Mapping[str, Mapping[int, float]], xlabel: str) -> tuple[Figure, str]:
    """Draw the PSNR against how many numbers are kept."""
    figure, [[ax]] = panels(1, 1, 2.6)
    for number, (name, values) in enumerate(lines.items()):
        ax.plot(list(values), list(values.values()), marker=MARKS[number], label=name)
    ticks = sorted({n for values in lines.values() for n in values})
    ax.set_xscale("log", base=2)
    ax.set_xticks(ticks, [str(n) for n in ticks])
    ax.minorticks_off()
    ax.set(xlabel=xlabel, ylabel="PSNR, dB")
    ax.legend(loc="upper left")
    told = "; ".join(
        f"{name}: " + ", ".join(f"{value:.1f} with {n}" for n, value in values.items())
        for name, values in lines.items()
    )
    return figure, f"Line graph of the PSNR, in decibels, against the numbers kept of each patch. {told}."


@plot
def laid_flat(
    maps: Mapping[str, NDArray[Any]], colors: NDArray[Any], kept: Mapping[str, float]
) -> tuple[Figure, str]:
    """Draw flat maps of patches as points in their mean colors."""
    figure, [axes] = panels(1, len(maps), 3.4, narrow=2)
    for ax, (name, points) in zip(axes, maps.items(), strict=True):
        ax.scatter(*points.T, c=colors / 255, s=14, edgecolors=mpl.rcParams["axes.edgecolor"], linewidths=0.3)
        ax.set(title=name, xticks=[], yticks=[])
        for side in ax.spines.values():
            side.set_visible(True)
    told = join([f"{name} {value:.2f}" for name, value in kept.items()])
    return figure, (
        f"{len(maps)} scatter plots of the same {len(colors):,} patches laid flat, each in its mean color. Trustworthiness, "
        f"highest if no stranger came near: {told}."
    )


@plot
def sheet(colors: NDArray[Any], hits: NDArray[np.integer]) -> tuple[Figure, str]:
    """Draw the sheet of a self-organizing map in its own colors, beside how many pixels each cell won."""
    figure, [axes] = panels(1, 2, 3.3, narrow=2, narrow_height=2.4)
    show_image(axes[0], np.clip(colors, 0, 255).astype(np.uint8), "the sheet")
    shown = show_image(axes[1], hits, "pixels per cell", cmap=HEIGHT_MAP, norm=mpl.colors.PowerNorm(0.4))
    color_bar(figure, shown, axes[1])
    empty = int((hits == 0).sum())
    return figure, (
        f"The sheet of {colors.shape[0]} by {colors.shape[1]} cells in their own colors, beside a map of how many pixels each cell won: "
        f"{hits.max():,} at most, none in {plural(empty, 'cell')}."
    )


@plot
def bytes_and_quality(
    ways: Mapping[str, Sequence[tuple[int, float]]], lossless: Mapping[str, int], best: float
) -> tuple[Figure, str]:
    """Draw the PSNR of each way to store the picture against its bytes; `best` is where errors end."""
    figure, [[ax]] = panels(1, 1, 3.6)
    for number, (name, points) in enumerate(ways.items()):
        sizes, values = zip(*sorted(points), strict=True)
        ax.plot(sizes, values, marker=MARKS[number], ms=5, label=name)
    for name, size in lossless.items():
        ax.axvline(size, color=mpl.rcParams["axes.edgecolor"], ls=":", lw=1.2)
        ax.annotate(
            name,
            (size, 0.02),
            (3, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            fontsize=9,
            rotation=90,
            va="bottom",
        )
    ax.set_xscale("log")
    ax.set(xlabel="bytes, everything counted", ylabel="PSNR, dB", ylim=(None, best + 3))
    legend(figure, loc="outside lower center", ncols=2)
    told = "; ".join(
        f"{name}: " + ", ".join(f"{value:.0f} dB in {size:,}" for size, value in sorted(points))
        for name, points in ways.items()
    )
    whole = join([f"{name} {size:,} bytes" for name, size in lossless.items()])
    return (
        figure,
        f"Graph of PSNR against bytes for {plural(len(ways), 'way')} to store the picture. {told}. Without loss: {whole}.",
    )
