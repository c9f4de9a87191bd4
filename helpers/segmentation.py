"""Cluster the colors of a picture: image, distinct colors, clusters, recolored image.

Steps: read a picture; list its distinct colors and how often each occurs; run k-means on those,
weighted by their counts; put the clusters in a fixed order; recolor the picture.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

# What clusters are recolored to: the article's target colors, of which grass differs from the palette.
TARGETS = np.array([(20, 20, 220), (20, 255, 20), (139, 69, 19), (220, 220, 220)], dtype=np.uint8)
# How many starts find one and the same result from any random state, measured on 40 landscapes.
STARTS = {2: 60, 3: 60, 4: 30}  # and 60 for more clusters, with SHAKEN more from near the best of those
SHAKEN = 40
MANY_COLORS = 5000  # beyond this, starts are run on coarser colors and single colors are not moved
REFINED = 3  # of those starts, how many go on to all colors; the best after ten rounds goes all the way
TRIED_ROUNDS = 5  # after so many rounds `lloyd` leaves only the best starts, where told to
STRIP = 2**22  # pixels that are worked on at once, so that a large picture needs little more than itself
MAX_PIXELS = 64_000_000  # a larger picture is refused: it needs more memory than a laptop has


@dataclass(frozen=True)
class Colors:
    """The distinct colors of a picture."""

    values: NDArray[np.float64]  # (n, channels), one row per distinct color
    counts: NDArray[np.int64]  # (n,), pixels of that color
    index: NDArray[np.int32]  # (h, w), row of `values` for each pixel, -1 where masked


@dataclass(frozen=True)
class Segmentation:
    """What k-means found.

    Attributes
    ----------
    labels : ndarray of shape (h, w), int32
        The cluster of each pixel, from 0 to k - 1; -1 where masked.
    centers : ndarray of shape (k, 3), float64
        The mean color of each cluster, from 0 to 255, in the order of the labels.
    wcss : float
        Within-cluster sum of squares: squared distances of all pixels to their centers, added up.
    """

    labels: NDArray[np.int32]
    centers: NDArray[np.float64]
    wcss: float


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """Return the picture in a PNG, JPEG or TIFF file as RGB.

    Returns
    -------
    ndarray of shape (h, w, 3), uint8
        Grayscale becomes three equal channels; transparency, and pixels without data, are laid over white; a
        photograph that says how the camera was held is turned upright. See `raster.read`.

    Raises
    ------
    ValueError
        If the file is missing or no such picture, is damaged, or has more than `MAX_PIXELS` pixels.
    """
    from helpers import raster  # here, since only a picture of one's own needs what reads such files

    read = raster.read(path, MAX_PIXELS)
    return np.where(read.mask[..., np.newaxis], np.uint8(255), read.image)


def distinct_colors(image: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None) -> Colors:
    """Return the distinct colors of a picture, how often each occurs, and which one each pixel has.

    Parameters
    ----------
    image : ndarray of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), uint8
        Grayscale counts as three equal channels. Of RGBA, alpha is left out, and pixels of alpha 0 are
        masked: nothing is seen there.
    mask : ndarray of shape (h, w), bool, optional
        True where a pixel is to be left out.

    Raises
    ------
    ValueError
        If shapes or types do not fit, or every pixel is masked.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in [(), (1,), (3,), (4,)]:
        raise ValueError(
            "the image must be uint8 of shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), "
            f"not {image.dtype} of shape {image.shape}"
        )
    keep = np.ones(image.shape[:2], dtype=bool)
    if mask is not None:
        mask = np.asarray(mask)
        if mask.dtype != bool or mask.shape != image.shape[:2]:
            raise ValueError(
                f"the mask must be bool of shape {image.shape[:2]}, not {mask.dtype} of shape {mask.shape}"
            )
        keep &= ~mask
    if image.shape[2:] == (4,):
        keep &= image[..., 3] > 0
    if not keep.any():
        raise ValueError("every pixel is masked: there is nothing to cluster")
    index = np.full(keep.shape, -1, dtype=np.int32)
    for rows in strips(image):
        index[rows] = np.where(keep[rows], _codes(image[rows]), -1)
    found: NDArray[Any]
    counts: NDArray[Any]
    if index.size <= STRIP:
        inverse, found = pd.factorize(index[keep], sort=True)
        index[keep] = inverse
        counts = np.bincount(inverse)
    else:
        found, counts = _rank(index)
    values = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1).astype(float)
    return Colors(values, counts.astype(np.int64), index)


def strips(image: NDArray[Any]) -> list[slice]:
    """Return slices of rows, of about `STRIP` pixels each, which cover a picture from top to bottom."""
    step = max(1, STRIP // max(image.shape[1], 1))
    return [slice(top, top + step) for top in range(0, len(image), step)]


def _codes(image: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return each pixel's color as one number: telling those apart is many times faster than rows of three."""
    channels = image.reshape(*image.shape[:2], -1)
    red, green, blue = (channels[..., c % channels.shape[2]].astype(np.int32) for c in range(3))
    return red << 16 | green << 8 | blue


def _rank(index: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Put the rank of each color in place of its code; return the codes in order, and how often each occurs.

    With a place for every color there is, the last for masked pixels: a large picture needs no search.
    """
    seen = np.zeros(2**24 + 1, dtype=bool)
    for rows in strips(index):
        seen[index[rows]] = True
    found = np.flatnonzero(seen[:-1])
    rank = np.full(len(seen), -1, dtype=np.int32)
    rank[found] = np.arange(len(found))
    counts = np.zeros(len(found) + 1, dtype=np.int64)
    for rows in strips(index):
        index[rows] = rank[index[rows]]
        counts += np.bincount(index[rows].ravel() + 1, minlength=len(counts))
    return found, counts[1:]


def segment(
    image: NDArray[np.uint8],
    n_clusters: int = 4,
    random_state: int = 0,
    mask: NDArray[np.bool_] | None = None,
    n_init: int | None = None,
) -> Segmentation:
    """Cluster the colors of a picture with k-means.

    Parameters
    ----------
    image : ndarray of uint8
        As `distinct_colors` takes it: RGB, grayscale or RGBA.
    n_clusters : int
        The number of clusters, k.
    random_state : int
        Where the starts are drawn from.
    mask : ndarray of shape (h, w), bool, optional
        True where a pixel is to be left out; its label is -1.
    n_init : int, optional
        Number of starts; the best result is kept. By default `STARTS`, which is enough to find the same
        result from any `random_state` on the course's landscapes.

    Returns
    -------
    Segmentation
        Clusters in the order of `canonical_order`.

    Raises
    ------
    ValueError
        If there are fewer distinct colors than clusters, or the image or mask does not fit.

    Notes
    -----
    Lloyd's algorithm (S. P. Lloyd, 1982), started by k-means++ (D. Arthur and S. Vassilvitskii, 2007) and
    run until no center moves, on the distinct colors weighted by their counts: the same objective as on
    all pixels. Beyond `MANY_COLORS` the starts are run on coarser colors, and the best of them go on to
    all colors. The best of several starts is not certified to be the best there is.
    """
    return segment_colors(distinct_colors(image, mask), n_clusters, random_state, n_init)


def segment_colors(
    colors: Colors, n_clusters: int, random_state: int = 0, n_init: int | None = None
) -> Segmentation:
    """Cluster distinct colors that were listed before; see `segment`."""
    return _in_order(colors, best_clusters(colors, n_clusters, random_state, n_init), n_clusters)


def best_clusters(
    colors: Colors, n_clusters: int, random_state: int = 0, n_init: int | None = None
) -> NDArray[np.int64]:
    """Return the cluster of each distinct color, (n,), in no particular order; see `segment`."""
    if not 1 <= n_clusters <= len(colors.values):
        raise ValueError(
            f"cannot make {n_clusters} clusters of a picture with {len(colors.values)} distinct colors; "
            f"choose from 1 to {len(colors.values)}"
        )
    if n_clusters == 1:
        return np.zeros(len(colors.values), dtype=np.int64)
    many = len(colors.values) > MANY_COLORS
    tries = n_init or STARTS.get(n_clusters, 60)
    if many:
        tried = _coarse_to_fine(colors, n_clusters, tries, random_state)
    else:
        tried = _all_starts(colors, kmeans_plusplus(colors, n_clusters, tries, random_state))

    def score(of_color: NDArray[np.int64]) -> float:
        return wcss_of(colors, of_color, n_clusters)

    best = min(tried, key=score)
    if n_init is None and n_clusters > max(STARTS) and not many:
        centers, _ = _means(colors, best, n_clusters)
        best = min([best, *_all_starts(colors, _shaken(centers, SHAKEN, random_state))], key=score)
    return best


def roughly(colors: Colors, starts: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return the centers and the WCSS of a quick k-means, for where hundreds are run and compared.

    After `TRIED_ROUNDS` rounds the best three starts are run to convergence; single colors are not moved.

    Parameters
    ----------
    colors : Colors
        The n distinct colors.
    starts : ndarray of shape (n_init, k, 3), float
        As `kmeans_plusplus` returns them.

    Returns
    -------
    centers, wcss : ndarray of shape (k, 3) and float
        With ten starts on evenly strewn colors, the WCSS is on average 0.25 % above the best known.
    """
    coarse = colors if len(colors.values) <= MANY_COLORS else _coarser(colors)
    tried = lloyd(coarse, starts, n_refined=3)
    best = tried[_wcss_of_each(coarse, tried, starts.shape[1]).argmin()]
    centers, _ = _means(coarse, best, starts.shape[1])
    return centers, float(cdist(colors.values, centers, "sqeuclidean").min(axis=1) @ colors.counts)


def _all_starts(colors: Colors, starts: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Return the distinct results of all starts that came close to the best, single colors moved."""
    tried, scores = _distinct_results(colors, starts)
    # Moving single colors gains far less than 0.2 %, so only starts that came so close can win.
    return [
        move_single_colors(colors, t)
        for t, score in zip(tried, scores, strict=True)
        if score <= 1.002 * scores[0]
    ]


def _coarse_to_fine(
    colors: Colors, n_clusters: int, n_init: int, random_state: int
) -> list[NDArray[np.int64]]:
    """Return the best result on coarser colors, taken on to convergence on all colors.

    Colors that fall in one cell of a coarse grid are replaced by their mean; on those few all starts are run.
    """
    coarse = _coarser(colors)
    tried, _ = _distinct_results(coarse, kmeans_plusplus(coarse, n_clusters, n_init, random_state))

    def go_on(centers: NDArray[np.float64], rounds: int) -> KMeans:
        fitted = KMeans(n_clusters, init=centers, n_init=1, tol=0, max_iter=rounds)
        return fitted.fit(colors.values, sample_weight=colors.counts)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # ten rounds are not meant to be enough
        begun = [go_on(_means(coarse, of_cell, n_clusters)[0], 10) for of_cell in tried[:REFINED]]
    best = min(begun, key=lambda fitted: fitted.inertia_)
    return [go_on(best.cluster_centers_, 1000).labels_.astype(np.int64)]


def _distinct_results(
    colors: Colors, starts: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return what Lloyd's algorithm ended with from all starts, each result once, and its WCSS, best first."""
    tried = lloyd(colors, starts)
    scores = _wcss_of_each(colors, tried, starts.shape[1])
    _, once = np.unique(np.round(scores / max(scores.min(), 1e-9), 9), return_index=True)
    return tried[once], scores[once]


def _coarser(colors: Colors) -> Colors:
    """Return the mean colors of the cells of the coarsest grid that still has 500 cells with colors in them."""
    for width in (32, 16, 8, 4, 2):
        code = (colors.values // width) @ np.array([65536, 256, 1])
        cell, found = pd.factorize(code, sort=True)
        if len(found) >= 500:
            break
    counts = np.bincount(cell, colors.counts)
    values = [np.bincount(cell, colors.counts * channel) / counts for channel in colors.values.T]
    return Colors(np.stack(values, axis=1), counts.astype(np.int64), np.zeros((0, 0), dtype=np.int64))


def lloyd(colors: Colors, starts: NDArray[np.float64], n_refined: int | None = None) -> NDArray[np.int64]:
    """Run Lloyd's algorithm from several starts, side by side, until no color changes cluster.

    Parameters
    ----------
    colors : Colors
        The n distinct colors.
    starts : ndarray of shape (n_init, k, 3), float
        The centers of each start.
    n_refined : int, optional
        After `TRIED_ROUNDS` rounds, only as many of the best starts go on. By default all do.

    Returns
    -------
    ndarray of shape (n_init, n), int64
        The cluster of each color, for each start.

    Notes
    -----
    All starts in one NumPy array: with a thousand colors, scikit-learn's set-up of a fit takes longer than
    the fit. ``tests/test_segmentation.py`` holds the result against scikit-learn's.
    """
    x, weight, centers = colors.values, colors.counts.astype(float), starts.copy()
    n_init, n_clusters, _ = starts.shape
    points = np.vstack([-2 * x.T, np.ones(len(x))])
    labels = np.full((n_init, len(x)), n_clusters, np.min_scalar_type(n_clusters))  # of no cluster yet
    repeated = [np.tile(value, n_init) for value in (weight, *(weight[:, np.newaxis] * x).T)]
    at_work = np.arange(n_init)
    rounds = 0
    while True:
        # Step 1, assign: each color to the nearest center (the color's own square changes nothing).
        now = centers[at_work].swapaxes(0, 1).reshape(-1, 3)
        distance = np.column_stack([now, (now**2).sum(axis=1)]) @ points
        nearest, squared = _smallest(distance.reshape(n_clusters, len(at_work), len(x)))
        going_on = (nearest != labels[at_work]).any(axis=1)
        if n_refined and rounds == TRIED_ROUNDS:
            going_on[np.argsort(squared @ weight)[n_refined:]] = False
        rounds += 1
        if not going_on.any():
            return labels.astype(np.int64)
        at_work, nearest = at_work[going_on], nearest[going_on]
        labels[at_work] = nearest
        # Step 2, move: each center to the mean of its colors.
        cell = (nearest + n_clusters * np.arange(len(at_work))[:, np.newaxis]).ravel()
        sums = [np.bincount(cell, value[: len(cell)], n_clusters * len(at_work)) for value in repeated]
        size, total = sums[0].reshape(-1, n_clusters), np.stack(sums[1:], axis=1).reshape(-1, n_clusters, 3)
        centers[at_work] = total / np.maximum(size, 1e-300)[:, :, np.newaxis]
        if not size.all():  # rare: an empty cluster restarts at the worst-placed color
            for start, empty in np.argwhere(size == 0):
                worst = weight * (squared[going_on][start] + (x**2).sum(axis=1))
                centers[at_work[start], empty] = x[worst.argmax()]


def _smallest(stack: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return ``stack.argmin(axis=0)`` and ``stack.min(axis=0)``, in half of NumPy's time."""
    least, place = stack[0].copy(), np.zeros(stack.shape[1:], dtype=np.min_scalar_type(len(stack)))
    for i, layer in enumerate(stack[1:], start=1):
        np.maximum(place, np.multiply(layer < least, i, dtype=place.dtype), out=place)
        np.minimum(least, layer, out=least)
    return place, least


def kmeans_plusplus(
    colors: Colors, n_clusters: int, n_init: int, random_state: int | np.random.RandomState
) -> NDArray[np.float64]:
    """Return k-means++ starts, (n_init, k, 3): each next center drawn by squared distance to the nearest.

    The first j of the k centers are starts for j clusters.
    """
    if not isinstance(random_state, np.random.RandomState):
        random_state = np.random.RandomState(random_state)
    x, weight = colors.values, colors.counts.astype(float)
    picked = np.searchsorted(weight.cumsum(), random_state.random_sample(n_init) * weight.sum(), side="right")
    centers = [x[picked]]
    nearest = np.full((n_init, len(x)), np.inf)
    for _ in range(n_clusters - 1):
        nearest = np.minimum(nearest, cdist(centers[-1], x, "sqeuclidean"))
        chance = (nearest * weight).cumsum(axis=1)
        picked = (chance <= random_state.random_sample((n_init, 1)) * chance[:, -1:]).sum(axis=1)
        centers.append(x[np.minimum(picked, len(x) - 1)])
    return np.stack(centers, axis=1)


def _shaken(centers: NDArray[np.float64], n_init: int, random_state: int) -> NDArray[np.float64]:
    """Return starts near known centers, (n_init, k, 3), shaken by 4 to 32 color values."""
    far = np.geomspace(4, 32, n_init)[:, np.newaxis, np.newaxis]
    return centers + far * np.random.RandomState(random_state).normal(size=(n_init, *centers.shape))


def move_single_colors(colors: Colors, of_color: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the clusters after moving single colors for as long as that lowers the WCSS.

    Parameters
    ----------
    colors : Colors
        The n distinct colors.
    of_color : ndarray of shape (n,), int64
        The cluster of each color, as Lloyd's algorithm left it.

    Notes
    -----
    Lloyd's algorithm stops where every color is in the cluster of the nearest center, though moving one,
    and both centers with it, may still be better: it stops at a different place from nearly every start.
    Method: J. A. Hartigan, *Clustering Algorithms*, 1975, chapter 4.
    """
    of_color = of_color.copy()
    k, everyone = of_color.max() + 1, np.arange(len(of_color))
    weight = colors.counts[:, np.newaxis].astype(float)
    while True:
        centers, size = _means(colors, of_color, k)
        squared = cdist(colors.values, centers, "sqeuclidean")
        cost = size * weight / (size + weight) * squared  # what joining another cluster would add
        own, rest = size[of_color], size[of_color] - colors.counts
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = own * colors.counts / rest * squared[everyone, of_color]  # what leaving would save
        gain[rest == 0] = -np.inf  # a cluster keeps its last color
        cost[everyone, of_color] = np.inf
        saved = gain - cost.min(axis=1)
        best = saved.argmax()
        if saved[best] <= 1e-9 * squared[everyone, of_color].mean():
            return of_color
        of_color[best] = cost[best].argmin()


def canonical_order(centers: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the order of the clusters: by nearest terrain, water to snow, then from dark to light.

    Parameters
    ----------
    centers : ndarray of shape (k, 3), float
        Red, green, blue of each center.

    Returns
    -------
    ndarray of shape (k,), int
        Indices that sort `centers`. Lightness is Rec. 601 luma; equal ones are ordered by red, green, blue.
    """
    luma = centers @ np.array([0.299, 0.587, 0.114])
    red, green, blue = np.round(centers, 6).T
    return np.lexsort((blue, green, red, np.round(luma, 6), nearest_terrain(centers)))


def nearest_terrain(centers: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return, for each center (k, 3), the terrain whose target color is nearest in RGB: (k,) int, 0 to 3."""
    return cdist(centers, TARGETS.astype(float)).argmin(axis=1)


def recolor(seg: Segmentation) -> NDArray[np.uint8]:
    """Return the picture with each cluster in the nearest terrain's target color.

    Returns
    -------
    ndarray of shape (h, w, 3), uint8
        Clusters nearest to the same terrain get the same color; masked pixels are black.
    """
    return paint(seg.labels, TARGETS[nearest_terrain(seg.centers)])


def paint(labels: NDArray[np.integer], colors: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return ``colors[labels]``, rounded to uint8, with masked pixels (-1) black."""
    rounded = np.round(np.asarray(colors, dtype=float)).astype(np.uint8)
    return np.vstack([rounded, np.zeros((1, 3), dtype=np.uint8)])[labels]


def color_labels(colors: Colors, seg: Segmentation) -> NDArray[np.int64]:
    """Return the cluster of each distinct color, (n,): k-means gives all pixels of one color the same."""
    of_color = np.full(len(colors.values) + 1, -1)
    for rows in strips(seg.labels):
        of_color[colors.index[rows]] = seg.labels[rows]  # a masked pixel's -1 lands in the last place
    return of_color[:-1]


def _means(
    colors: Colors, of_color: NDArray[np.int64], n_clusters: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each cluster's mean color, (k, 3), and its number of pixels, (k,)."""
    size = np.bincount(of_color, colors.counts, n_clusters).astype(float, copy=False)
    total = [np.bincount(of_color, colors.counts * channel, n_clusters) for channel in colors.values.T]
    return np.stack(total, axis=1) / size[:, np.newaxis], size


def wcss_of(colors: Colors, of_color: NDArray[np.int64], n_clusters: int) -> float:
    """Return the within-cluster sum of squares: squared distances to the means, added up over the pixels."""
    centers, _ = _means(colors, of_color, n_clusters)
    return float(((colors.values - centers[of_color]) ** 2).sum(axis=1) @ colors.counts)


def _wcss_of_each(colors: Colors, tried: NDArray[np.int64], n_clusters: int) -> NDArray[np.float64]:
    """Return the WCSS of each row of `tried`, all at once: what the centers do not explain of the whole."""
    weight = colors.counts.astype(float)
    x = colors.values - np.average(colors.values, axis=0, weights=weight)
    cell = (tried + n_clusters * np.arange(len(tried))[:, np.newaxis]).ravel()

    def add_up(value: NDArray[np.float64]) -> NDArray[np.float64]:
        found = np.bincount(cell, np.tile(value, len(tried)), n_clusters * len(tried))
        return found.reshape(-1, n_clusters).astype(float, copy=False)

    size = np.maximum(add_up(weight), 1e-300)
    explained = np.sum([add_up(weight * channel) ** 2 / size for channel in x.T], axis=0)
    return np.maximum((weight @ (x**2)).sum() - explained.sum(axis=1), 0.0)


def _in_order(colors: Colors, of_color: NDArray[np.int64], n_clusters: int) -> Segmentation:
    """Return a partition of the colors as a `Segmentation`, its clusters in canonical order."""
    order = canonical_order(_means(colors, of_color, n_clusters)[0])
    rank = np.empty(n_clusters, dtype=np.int64)
    rank[order] = np.arange(n_clusters)
    of_color = rank[of_color]
    # The last entry, -1, is what a masked pixel's index of -1 picks.
    of_place = np.append(of_color, -1).astype(np.int32)
    labels = np.empty(colors.index.shape, dtype=np.int32)
    for rows in strips(labels):
        labels[rows] = of_place[colors.index[rows]]
    return Segmentation(
        labels, _means(colors, of_color, n_clusters)[0], wcss_of(colors, of_color, n_clusters)
    )
