"""Cluster the colors of a picture: list its distinct colors, run k-means on them, order the clusters, recolor."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from helpers import kmeans

# What clusters are recolored to: the article's target colors, of which grass differs from the palette.
TARGETS = np.array([(20, 20, 220), (20, 255, 20), (139, 69, 19), (220, 220, 220)], dtype=np.uint8)
STRIP = 2**22  # pixels that are worked on at once, so that a large picture needs little more than itself


@dataclass(frozen=True)
class Colors:
    """The distinct colors of a picture."""

    values: NDArray[np.float64]  # (n, 3), one row per distinct color
    counts: NDArray[np.int64]  # (n,), pixels of that color
    index: NDArray[np.int32]  # (h, w), row of `values` for each pixel, -1 where masked


@dataclass(frozen=True)
class Segmentation:
    """What k-means found."""

    labels: NDArray[np.int32]  # (h, w), the cluster of each pixel, from 0 to k - 1; -1 where masked
    centers: NDArray[np.float64]  # (k, 3), the mean color of each cluster, from 0 to 255
    wcss: float  # within-cluster sum of squares: squared distances of all pixels to their centers, added up


def distinct_colors(image: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None) -> Colors:
    """Return the distinct colors of a picture, how often each occurs, and which one each pixel has.

    ValueError if shapes or types do not fit, or every pixel is masked.

    Parameters
    ----------
    image : ndarray of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), uint8
        Grayscale counts as three equal channels. Of RGBA, alpha is left out, and pixels of alpha 0 are masked.
    mask : ndarray of shape (h, w), bool, optional
        True where a pixel is left out.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in [(), (1,), (3,), (4,)]:
        raise ValueError(
            "the image must be uint8 of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), "
            f"not {image.dtype} of shape {image.shape}"
        )
    mask = np.zeros(image.shape[:2], dtype=bool) if mask is None else np.asarray(mask)
    if mask.dtype != bool or mask.shape != image.shape[:2]:
        raise ValueError(
            f"the mask must be bool of shape {image.shape[:2]}, not {mask.dtype} of shape {mask.shape}"
        )
    keep = ~mask & (image[..., 3] > 0) if image.shape[2:] == (4,) else ~mask
    if not keep.any():
        raise ValueError("every pixel is masked: there is nothing to cluster")
    index = np.full(keep.shape, -1, dtype=np.int32)
    in_strips = []
    for rows in strips(index):
        index[rows][keep[rows]], found = pd.factorize(_codes(image[rows])[keep[rows]], sort=True)
        in_strips.append(found)
    codes = np.unique(np.concatenate(in_strips))
    counts = np.zeros(len(codes) + 1, dtype=np.int64)  # the last for masked pixels, whose index is -1
    for rows, found in zip(strips(index), in_strips, strict=True):
        place = np.append(np.searchsorted(codes, found), -1).astype(np.int32)
        index[rows] = place[index[rows]]
        counts += np.bincount(index[rows].ravel() + 1, minlength=len(counts))
    values = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(float)
    return Colors(values, counts[1:], index)


def strips(image: NDArray[Any]) -> list[slice]:
    """Return slices of rows, of about `STRIP` pixels each, which cover a picture from top to bottom."""
    step = max(1, STRIP // max(image.shape[1], 1))
    return [slice(top, top + step) for top in range(0, len(image), step)]


def _codes(image: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return each pixel's color as one number: comparing those is many times faster than rows of three."""
    channels = image.reshape(*image.shape[:2], -1)
    red, green, blue = (channels[..., c % channels.shape[2]].astype(np.int32) for c in range(3))
    return red << 16 | green << 8 | blue


def segment(
    image: NDArray[np.uint8],
    n_clusters: int = 4,
    random_state: int = 0,
    mask: NDArray[np.bool_] | None = None,
    n_init: int | None = None,
) -> Segmentation:
    """Cluster the colors of a picture with k-means; clusters are in the order of `canonical_order`.

    Parameters
    ----------
    image, mask
        As `distinct_colors` takes them; the label of a masked pixel is -1.
    n_clusters : int
        The number of clusters, k; ValueError if there are fewer distinct colors.
    random_state : int
        Where the starts are drawn from.
    n_init : int, optional
        Number of starts; the best result is kept. By default `kmeans.STARTS`: enough for the same result from any
        `random_state` on the course's landscapes, which is not certified to be the best there is.
    """
    return segment_colors(distinct_colors(image, mask), n_clusters, random_state, n_init)


def segment_colors(
    colors: Colors, n_clusters: int, random_state: int = 0, n_init: int | None = None
) -> Segmentation:
    """Cluster distinct colors that were listed before; see `segment`."""
    weighted = colors.values, colors.counts
    of_color = kmeans.best_clusters(*weighted, n_clusters, random_state, n_init)
    order = canonical_order(kmeans.means(*weighted, of_color, n_clusters)[0])
    of_color = np.argsort(order)[of_color]
    of_index = np.append(of_color, -1).astype(np.int32)  # a masked pixel's index, -1, picks the last
    labels = np.empty(colors.index.shape, dtype=np.int32)
    for rows in strips(labels):
        labels[rows] = of_index[colors.index[rows]]
    centers, _ = kmeans.means(*weighted, of_color, n_clusters)
    return Segmentation(labels, centers, kmeans.wcss(*weighted, of_color, n_clusters))


def canonical_order(centers: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return what sorts centers, (k, 3): by nearest terrain, then from dark to light (Rec. 601 luma), then by channel."""
    luma = centers @ np.array([0.299, 0.587, 0.114])
    red, green, blue = np.round(centers, 6).T
    return np.lexsort((blue, green, red, np.round(luma, 6), nearest_terrain(centers)))


def nearest_terrain(centers: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return, for each center (k, 3), the terrain whose target color is nearest in RGB: (k,) int, 0 to 3."""
    return cdist(centers, TARGETS.astype(float)).argmin(axis=1)


def recolor(seg: Segmentation) -> NDArray[np.uint8]:
    """Return the picture, (h, w, 3) uint8, each cluster in the nearest terrain's target color, masked pixels black."""
    return paint(seg.labels, TARGETS[nearest_terrain(seg.centers)])


def paint(labels: NDArray[np.integer], colors: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return ``colors[labels]``, rounded to uint8, with masked pixels (-1) black."""
    rounded = np.round(np.asarray(colors, dtype=float)).astype(np.uint8)
    return np.vstack([rounded, np.zeros((1, 3), dtype=np.uint8)])[labels]
