"""Turn labels into a map: boundaries, connected regions, one marker for each.

Steps: mark the pixels on a boundary; number the connected regions of every cluster; measure how deep in
its region each pixel lies; list the regions with their areas and a marker inside each; merge those that
are too small to matter.
"""

from __future__ import annotations

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
    """Return the region of each pixel, numbered from 1 in reading order; 0 where masked (label -1).

    A region is as many pixels of one cluster as hang together by their edges (4-connected). Label 0 is a
    cluster like any other: to `skimage.measure.label` it would be background.
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
    """List the regions, the largest first, each with a marker inside it.

    Parameters
    ----------
    labels : ndarray of shape (h, w), int
        The cluster of each pixel; -1 where masked.
    min_area : int
        Regions of fewer pixels are left out.
    terrain_of : ndarray of shape (k,), int, optional
        The terrain of each cluster, 0 to 3, as `segmentation.nearest_terrain` gives it. Without it the
        labels themselves are taken for terrains, as `landscape.terrain` gives them.

    Returns
    -------
    DataFrame
        One row per region, indexed by its number in `connected`: ``label``; ``terrain``, its name;
        ``area`` in pixels; ``share`` of all pixels that are not masked; ``row`` and ``col`` of the marker,
        the pixel of the region that is farthest from its edge (the picture's border and masked pixels are
        edges too) and, of several such, the one nearest to the centroid; ``centroid_row`` and
        ``centroid_col``, which may lie outside; ``centroid_inside``, whether the pixel there is the region's.
    """
    region = connected(labels)
    area = np.bincount(region.ravel())[1:]
    count = len(area)
    centroid = _centroids(region, area)
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
    listed = listed[listed["area"] >= min_area]
    return listed.sort_values("area", ascending=False, kind="stable")


def merge_small(labels: NDArray[np.integer], min_area: int) -> NDArray[np.int64]:
    """Return the labels with every region of fewer than `min_area` pixels given to what surrounds it.

    The larger regions grow into the small ones, one step across pixel edges at a time, so that nothing
    small is left over. Small regions that no larger one can reach stay as they are: all of them where
    every region is small, and those that masked pixels shut in. Masked pixels stay masked.
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


def coarsen(labels: NDArray[np.integer], step: int) -> NDArray[np.int32]:
    """Return the labels of cells of `step` × `step` pixels: each has the label that most of its pixels have.

    Parameters
    ----------
    labels : ndarray of shape (h, w), int
        The cluster of each pixel; -1 where masked.
    step : int
        Side of a cell. Cells at the right and the lower border may be smaller.

    Returns
    -------
    ndarray of shape (ceil(h / step), ceil(w / step)), int32
        Of labels that are equally frequent in a cell, the smallest; -1 counts like any other.
    """
    tops, lefts = (np.arange(0, n, step) for n in labels.shape)
    cells = np.full((len(tops), len(lefts)), -1, dtype=np.int32)
    most = np.zeros(cells.shape, dtype=np.int32)
    for label in range(-1, int(labels.max()) + 1):
        in_rows = np.add.reduceat(labels == label, tops, axis=0, dtype=np.int32)
        count = np.add.reduceat(in_rows, lefts, axis=1)
        cells[count > most] = label
        np.maximum(most, count, out=most)
    return cells


def areas(labels: NDArray[np.integer], pixel_area: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area of each label from 0 on, (n,), in the unit of `pixel_area`; masked pixels (-1) are left out.

    Parameters
    ----------
    labels : ndarray of shape (h, w), int
        The cluster of each pixel, or its region.
    pixel_area : ndarray of shape (h,) or (h, w), float
        The area of a pixel in each row, or of each pixel.
    """
    total = np.zeros(int(labels.max()) + 2)
    for row, area in zip(labels, pixel_area, strict=True):
        total += np.bincount(row + 1, np.broadcast_to(area, row.shape), len(total))
    return total[1:]


def _centroids(region: NDArray[np.int64], area: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Return mean row and mean column of the pixels of each region."""
    means = []
    for along in (0, 1):
        place = np.arange(region.shape[along], dtype=float).reshape((-1, 1) if along == 0 else (1, -1))
        total = np.bincount(region.ravel(), np.broadcast_to(place, region.shape).ravel())
        means.append(total[1:] / area)
    return means


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
    fine[2:-1:2, 2:-1:2] = (
        fine[1:-2:2, 2:-1:2] & fine[3::2, 2:-1:2] & fine[2:-1:2, 1:-2:2] & fine[2:-1:2, 3::2]
    )
    # Where the nearest edge is takes half the memory of how far it is.
    rows, cols = ndimage.distance_transform_edt(fine, return_distances=False, return_indices=True)
    across = rows[1::2, 1::2].astype(np.int64) - np.arange(1, 2 * h, 2)[:, np.newaxis]
    along = cols[1::2, 1::2].astype(np.int64) - np.arange(1, 2 * w, 2)
    return across**2 + along**2
