"""Turn labels into a map: boundaries, connected regions, one marker for each.

Steps: mark the pixels on a boundary; number the connected regions of every cluster; list them with
their areas and a marker inside each; merge those that are too small to see.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label as label_regions
from skimage.segmentation import find_boundaries

from helpers.landscape import TERRAINS


def boundaries(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return the pixels that touch, by an edge, a pixel of another cluster, on both sides: (h, w) bool."""
    return find_boundaries(labels, connectivity=1, mode="thick", background=-2)


def connected(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the region of each pixel, numbered from 1 in reading order; 0 where masked (label -1).

    A region is as many pixels of one cluster as hang together by their edges (4-connected). Label 0 is a
    cluster like any other: to `skimage.measure.label` it would be background.
    """
    return label_regions(labels, background=-1, connectivity=1).astype(np.int64)


def table(
    labels: NDArray[np.int64], min_area: int = 1, terrain_of: NDArray[np.integer] | None = None
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
        the pixel of the region that is farthest from its edge (the picture's border is an edge too);
        ``centroid_row`` and ``centroid_col``, which may lie outside; ``centroid_inside``.
    """
    region = connected(labels)
    count = int(region.max())
    area = np.bincount(region.ravel(), minlength=count + 1)[1:]
    row, col = _deepest(region, count)
    rows, cols = np.indices(region.shape)
    centroid = [
        np.bincount(region.ravel(), axis.ravel(), count + 1)[1:] / area.clip(min=1) for axis in (rows, cols)
    ]
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


def merge_small(labels: NDArray[np.int64], min_area: int) -> NDArray[np.int64]:
    """Return the labels with every region of fewer than `min_area` pixels given to what surrounds it.

    Each pixel of a small region takes the label of the nearest pixel that is in no small region. Where all
    regions are small, the labels come back as they are; masked pixels stay masked.
    """
    region = connected(labels)
    area = np.bincount(region.ravel())
    small = (area[region] < min_area) & (region > 0)
    keep = ~small & (region > 0)
    if not keep.any():
        return labels.copy()
    nearest = ndimage.distance_transform_edt(~keep, return_distances=False, return_indices=True)
    return np.where(small, labels[tuple(nearest)], labels)


def _deepest(region: NDArray[np.int64], count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return row and column of the pixel of each region that is farthest from the region's edge."""
    depth = _depth(region)
    order = np.lexsort((-depth.ravel(), region.ravel()))  # by region, the deepest first, then reading order
    first = np.searchsorted(region.ravel()[order], np.arange(1, count + 1))
    row, col = np.unravel_index(order[first], region.shape)
    return row, col


def _depth(region: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how far each pixel is from the nearest pixel outside its region.

    Two regions meet at pixel edges, so the distance is measured on a grid twice as fine, from the edges
    between them: one distance transform serves all regions.
    """
    h, w = region.shape
    fine = np.zeros((2 * h + 1, 2 * w + 1), dtype=bool)  # odd, odd: pixels; the rest: edges and corners
    fine[1::2, 1::2] = True
    fine[1::2, 2:-1:2] = region[:, 1:] == region[:, :-1]
    fine[2:-1:2, 1::2] = region[1:] == region[:-1]
    corner = (region[1:, 1:] == region[:-1, :-1]) & (region[1:, 1:] == region[1:, :-1])
    fine[2:-1:2, 2:-1:2] = corner & (region[1:, 1:] == region[:-1, 1:])
    return ndimage.distance_transform_edt(fine)[1::2, 1::2] / 2
