"""Score a map against a known truth beyond single pixels: names by majority, and where the boundaries lie.

Steps: name each cluster after the terrain that most of its pixels are; compare boundaries within a few pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from helpers.regions import boundaries


def majority(labels: NDArray[np.integer], truth: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the map with each cluster named after the terrain that most of its pixels truly are.

    Parameters
    ----------
    labels : ndarray of shape (h, w), int
        The cluster of each pixel, from 0; -1 where there is none.
    truth : ndarray of shape (h, w), int
        The terrain of each pixel, from 0.

    Returns
    -------
    ndarray of shape (h, w), int64
        A terrain for each pixel, of equally frequent ones the first; -1 where there is no cluster.

    Notes
    -----
    The names use the truth, so the map is as right as these clusters can be made by naming.
    """
    n_terrains = int(truth.max()) + 1
    table = np.bincount(
        (labels + 1).ravel() * n_terrains + truth.ravel(), minlength=(labels.max() + 2) * n_terrains
    )
    name = table.reshape(-1, n_terrains).argmax(axis=1)
    name[0] = -1
    return name[labels + 1]


def boundary_f1(
    truth: NDArray[np.integer], labels: NDArray[np.integer], tolerance: float = 2.0
) -> tuple[float, float, float]:
    """Return how well the boundaries of two maps lie on each other: precision, recall and F1, from 0 to 1.

    Parameters
    ----------
    truth, labels : ndarray of shape (h, w), int
        Two maps; only where their values change counts.
    tolerance : float
        Distance in pixels within which a boundary counts as found.

    Returns
    -------
    precision, recall, f1 : float
        The share of the boundary pixels of `labels` near one of `truth`, the share of those of `truth` near
        one of `labels`, and the harmonic mean of both. Where neither map has a boundary, all are 1.

    Notes
    -----
    After D. Martin, C. Fowlkes and J. Malik, 2004, but each pixel may be matched more than once.
    """
    true, found = boundaries(truth), boundaries(labels)
    if not true.any() or not found.any():
        same = float(true.any() == found.any())
        return same, same, same
    near_true, near_found = (ndimage.distance_transform_edt(~edges) <= tolerance for edges in (true, found))
    precision, recall = float(near_true[found].mean()), float(near_found[true].mean())
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-12)
