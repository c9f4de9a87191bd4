"""The figures of chapter 11: a picture with missing pixels, its clusters, and a map with areas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from helpers import regions
from helpers.drawing import (
    CLUSTERS,
    NARROW,
    WIDTH,
    halo,
    legend,
    panels,
    percent,
    pick,
    plot,
    plural,
    show_image,
    striped,
    tiles,
)
from helpers.record import join

MOST_NUMBERS = 40  # more would hide the map


@plot
def picture_and_gaps(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> tuple[Figure, str]:
    """Draw the picture as its file has it, and with stripes where the file holds no data."""
    tall = image.shape[0] / image.shape[1]
    figure, [axes] = panels(1, 2, max(1.2, min(WIDTH / 2 * tall + 0.35, 8)), narrow=2)
    show_image(axes[0], image, "as it is stored")
    show_image(axes[1], striped(image, mask), "without data: stripes")
    mean = image[~mask].mean(axis=0) if not mask.all() else np.zeros(3)
    told = (
        f"stripes cover {percent(float(mask.mean()))} of it, where the file holds no data"
        if mask.any()
        else "no pixel is without data, so both are the same"
    )
    return figure, (
        f"The picture twice: as it is stored, and with stripes in place of pixels without data; {told}. The mean color of "
        f"the pixels with data is red {mean[0]:.0f}, green {mean[1]:.0f}, blue {mean[2]:.0f}."
    )


@plot
def forgotten(
    right: NDArray[np.integer], wrong: NDArray[np.integer], mask: NDArray[np.bool_], moved: float
) -> tuple[Figure, str]:
    """Draw the clusters with the missing pixels left out, and with them taken for dark ones."""
    tall = right.shape[0] / right.shape[1]
    figure, [axes] = panels(1, 2, max(1.2, min(WIDTH / 2 * tall + 0.35, 8)), narrow=2)
    for ax, labels, title in zip(
        axes, (right, wrong), ("missing pixels left out", "missing pixels forgotten"), strict=True
    ):
        show_image(ax, striped(_shades(labels), labels < 0), title)
        for number, row in regions.table(labels).groupby("label").first().iterrows():
            halo(ax.text(row["col"], row["row"], str(number), ha="center", va="center", color="black"))
    taken = np.bincount(wrong[mask], minlength=int(wrong.max()) + 1)
    joined = [f"cluster {i}" for i in np.flatnonzero(taken)]
    return figure, (
        f"Two maps of {plural(int(right.max()) + 1, 'numbered cluster')}, each cluster in a color of its own. Left, pixels "
        f"without data are striped and in no cluster. Right, they are clustered like any others and lie in {join(joined)}. "
        f"{percent(moved)} of the pixels with data are in another cluster than on the left."
    )


@plot
def maps_by_k(
    maps: Mapping[int, NDArray[np.uint8]], mask: NDArray[np.bool_], chosen: int
) -> tuple[Figure, str]:
    """Draw the picture with each cluster in its mean color, for several numbers of clusters."""
    tall = mask.shape[0] / mask.shape[1]
    figure, axes = tiles(len(maps), 3, max(0.9, min(WIDTH / 3 * tall + 0.3, 5)))
    for ax, (k, image) in zip(axes, maps.items(), strict=True):
        show_image(ax, striped(image, mask), f"k = {k}{', chosen' if k == chosen else ''}")
    used = {k: len(np.unique(image[~mask], axis=0)) for k, image in maps.items()}
    return figure, (
        f"{plural(len(maps), 'version')} of the picture, with each cluster in its mean color, for k = "
        f"{join([str(k) for k in maps])}; pixels without data are striped. "
        + (f"k = {chosen} is the number chosen. " if len(maps) > 1 else "")
        + f"The last has {plural(used[max(maps)], 'color')}."
    )


@plot
def area_map(labels: NDArray[np.integer], listed: object, told: Sequence[str]) -> tuple[Figure, str]:
    """Draw the clusters with their boundaries, a number in each of the largest regions, and a legend.

    `told` says for each cluster how large it is.
    """
    tall = labels.shape[0] / labels.shape[1]
    figure, [[ax]] = panels(
        1, 1, max(2.0, min(pick(5.6, NARROW) * tall, 8)) + 0.25 * -(-len(told) // pick(2, 1)) + 0.2
    )
    edges = regions.boundaries(labels) & (labels >= 0)
    shades = np.where(edges[..., np.newaxis], _shades(labels) // 2, _shades(labels))
    show_image(ax, striped(shades, labels < 0))
    drawn = listed.head(MOST_NUMBERS)  # type: ignore[attr-defined]
    for row in drawn.itertuples():
        text = ax.text(row.col, row.row, str(row.label), ha="center", va="center", color="black", fontsize=9)
        halo(text)
    handles = [Patch(facecolor=CLUSTERS[i], label=f"{i}: {size}") for i, size in enumerate(told)]
    legend(figure, handles, loc="outside lower center", ncols=2)
    return figure, (
        f"Map of {plural(len(told), 'cluster')}, each in a color of its own, with dark boundaries; "
        + (
            f"a number stands in each of the {len(drawn)} regions"
            if 1 < len(drawn) == len(listed)  # type: ignore[arg-type]
            else f"numbers stand in the {len(drawn)} largest regions"
            if len(drawn) > 1
            else "a number stands in the only region"
            if len(drawn)
            else "no region is large enough for a number"
        )
        + f". Cluster by cluster: {'; '.join(f'{i}: {size}' for i, size in enumerate(told))}."
    )


def _shades(labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return labels as a picture in the clusters' own colors."""
    rgb = [[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in CLUSTERS]
    return np.array(rgb, dtype=np.uint8)[labels]
