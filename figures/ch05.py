"""Choose what chapter 5 draws: the part of the map where small regions are crowded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter


def crowded(region: NDArray[np.integer], small: NDArray[np.bool_], side: int) -> tuple[slice, slice]:
    """Return the rows and columns of the square, of at most `side` pixels a side, that holds most small regions.

    Parameters
    ----------
    region : ndarray of shape (h, w), int
        The region of each pixel.
    small : ndarray of shape (h, w), bool
        True where a pixel's region is small.
    """
    side = min(side, *region.shape)
    each_counts_once: NDArray[Any] = small / np.bincount(region.ravel())[region]
    crowd = uniform_filter(each_counts_once, side, mode="constant")
    middle = np.unravel_index(crowd.argmax(), crowd.shape)
    rows, columns = (
        slice(start := int(np.clip(place - side // 2, 0, length - side)), start + side)
        for place, length in zip(middle, region.shape, strict=True)
    )
    return rows, columns
