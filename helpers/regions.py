"""Turn labels, (h, w) int with -1 where a pixel is masked, into a map: boundaries, connected regions, a marker for each."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label as label_regions
from skimage.segmentation import find_boundaries, watershed

from helpers.landscape import TERRAINS


def boundaries(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return the pixels that touch, by an edge, a pixel of another cluster, on both sides: (h, w) bool."""
    return find_boundaries(labels, connectivity=1, mode="thick", background=-2)


def connected(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the 4-connected region of each pixel, numbered from 1 in reading order; 0 where masked.

    Label 0 is a cluster like any other: to `skimage.measure.label` it would be background.
    """
    return label_regions(labels, background=-1, connectivity=1).astype(np.int64)


def depth(labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return how far the middle of each pixel is from the edge of its region, in pixels: (h, w) float.

    A pixel beside the edge is half a pixel from it. The picture's border is an edge too; masked pixels get 0.
    """
    region = connected(labels)
    return np.where(region > 0, np.sqrt(_squared_depth(region)) / 2, 0.0)


def table(
    labels: NDArray[np.integer], min_area: int = 1, terrain_of: NDArray[np.integer] | None = None
) -> pd.DataFrame:
    """List the regions of at least `min_area` pixels, the largest first, each with a marker inside it.

    The terrain of a cluster is its label, or its place in `terrain_of`, (k,) int.

    Returns
    -------
    DataFrame
        One row per region, indexed by its number in `connected`: ``label``; ``terrain``, its name; ``area`` in pixels;
        ``share`` of all pixels that are not masked; ``row`` and ``col`` of the marker, the pixel that is farthest from
        the region's edge (see `depth`) and, of several such, the one nearest to the centroid; ``centroid_row`` and
        ``centroid_col``; ``centroid_inside``, True if the pixel there is the region's.
    """
    region = connected(labels)
    area = np.bincount(region.ravel())[1:]
    count = len(area)
    axes = np.ogrid[: region.shape[0], : region.shape[1]]
    places = (np.broadcast_to(axis, region.shape).ravel() for axis in axes)
    centroid = [np.bincount(region.ravel(), place)[1:] / area for place in places]
    row, col = _deepest(region, centroid)
    of_region = labels[row, col]
    terrains = of_region if terrain_of is None else np.asarray(terrain_of)[of_region]
    nearest_pixel = tuple(np.round(axis).astype(int) for axis in centroid)
    listed = pd.DataFrame(
        {
            "label": of_region,
            "terrain": [TERRAINS[t] if t < len(TERRAINS) else f"cluster {t}" for t in terrains],
            "area": area,
            "share": area / max(area.sum(), 1),
            "row": row,
            "col": col,
            "centroid_row": centroid[0],
            "centroid_col": centroid[1],
            "centroid_inside": region[nearest_pixel] == np.arange(1, count + 1),
        },
        index=pd.RangeIndex(1, count + 1, name="region"),
    )
    return listed[listed["area"] >= min_area].sort_values("area", ascending=False, kind="stable")


def merge_small(labels: NDArray[np.integer], min_area: int) -> NDArray[np.int64]:
    """Return the labels with every region of fewer than `min_area` pixels given to what surrounds it.

    The larger regions grow into the small ones, one step across pixel edges at a time. Small regions that no larger one can
    reach stay as they are, and masked pixels stay masked.
    """
    region = connected(labels)
    kept = np.bincount(region.ravel()) >= min_area
    kept[0] = False
    keep = kept[region]
    small = ~keep & (region > 0)
    rim = ndimage.binary_dilation(small) & keep  # the pixels that the larger regions grow from
    flat = np.zeros(labels.shape)  # on a plane, a watershed floods at the same speed everywhere
    grown = watershed(flat, np.where(rim, labels + 1, 0), mask=small | rim, connectivity=1)
    return np.where(small & (grown > 0), grown - 1, labels)


def _deepest(
    region: NDArray[np.int64], centroid: list[NDArray[np.float64]]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return row and column of each region's deepest pixel; of several, of the one nearest to the centroid."""
    depth = _squared_depth(region)
    most = np.zeros(len(centroid[0]) + 1, dtype=depth.dtype)
    np.maximum.at(most, region.ravel(), depth.ravel())
    row, col = np.nonzero((depth == most[region]) & (region > 0))
    of = region[row, col]
    off_center = (row - centroid[0][of - 1]) ** 2 + (col - centroid[1][of - 1]) ** 2
    order = np.lexsort((col, row, off_center, of))
    first = order[np.searchsorted(of[order], np.arange(1, len(most)))]
    return row[first], col[first]


def _squared_depth(region: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the squared distance from each pixel's middle to the edge of its region, in half pixels.

    Two regions meet at pixel edges, so the distance is measured on a grid twice as fine, from the edges
    and corners between them: one distance transform serves all regions, and gives whole numbers.
    """
    h, w = region.shape
    fine = np.zeros((2 * h + 1, 2 * w + 1), dtype=bool)  # odd, odd: pixels; the rest: edges and corners
    fine[1::2, 1::2] = True
    fine[1::2, 2:-1:2] = region[:, 1:] == region[:, :-1]
    fine[2:-1:2, 1::2] = region[1:] == region[:-1]
    rows, cols = fine[:, 2:-1:2], fine[2:-1:2]  # a corner is inside where all four edges that end there are
    fine[2:-1:2, 2:-1:2] = rows[1:-2:2] & rows[3::2] & cols[:, 1:-2:2] & cols[:, 3::2]
    # Where the nearest edge is takes half the memory of how far it is.
    rows, cols = ndimage.distance_transform_edt(fine, return_distances=False, return_indices=True)
    across = rows[1::2, 1::2].astype(np.int64) - np.arange(1, 2 * h, 2)[:, np.newaxis]
    along = cols[1::2, 1::2].astype(np.int64) - np.arange(1, 2 * w, 2)
    return across**2 + along**2
