"""The solver behind `segmentation.segment`: weighted k-means. No learner must read it.

scikit-learn's `KMeans` minimizes the same sum, and chapter 3 shows it first. The course has a solver of its own for
three reasons:

- **The same map for everyone**: on landscapes, for k up to 8, every random state ends at the same clusters.
- **Speed**: `KMeans` takes longer to set up than to run on a thousand colors, and a sweep needs hundreds of thousands
  of fits. Here all starts are rows of one NumPy array.
- **The same numbers in a browser**: each step is written out, so another program can follow it.

Points are distinct colors, `values` of shape (n, 3), each of which stands for `counts` (n,) pixels. Steps: k-means++ starts
(D. Arthur and S. Vassilvitskii, 2007); Lloyd's algorithm (S. P. Lloyd, 1982) from each, until no center moves; then single
colors change cluster for as long as that lowers the sum (J. A. Hartigan, *Clustering Algorithms*, 1975, chapter 4).
"""

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

Values = NDArray[np.float64]  # (n, 3): the distinct colors
Counts = NDArray[np.int64]  # (n,): pixels of each
Clusters = NDArray[np.int64]  # (n,): the cluster of each color; (n_init, n) for several starts

# How many starts find one and the same result from any random state, measured on 40 landscapes.
STARTS = {2: 60, 3: 60, 4: 30}  # and 60 for more clusters, with SHAKEN more from near the best of those
SHAKEN = 40
MANY_COLORS = 5000  # beyond this, starts are run on coarser colors and single colors are not moved
REFINED = 3  # of those starts, how many go on to all colors; the best after ten rounds goes all the way
TRIED_ROUNDS = 5  # after so many rounds `lloyd` leaves only the best starts, where told to


def best_clusters(
    values: Values, counts: Counts, n_clusters: int, random_state: int = 0, n_init: int | None = None
) -> Clusters:
    """Return the cluster of each color, (n,), in no particular order; ValueError if there are fewer than clusters."""
    if not 1 <= n_clusters <= len(values):
        raise ValueError(
            f"cannot make {n_clusters} clusters of a picture with {len(values)} distinct colors; "
            f"choose from 1 to {len(values)}"
        )
    if n_clusters == 1:
        return np.zeros(len(values), dtype=np.int64)
    many = len(values) > MANY_COLORS
    tries = n_init or STARTS.get(n_clusters, 60)
    if many:
        return _coarse_to_fine(values, counts, n_clusters, tries, random_state)
    starts = plus_plus_starts(values, counts, n_clusters, tries, random_state)
    best = _best_moved(values, counts, starts)
    if n_init is None and n_clusters > max(STARTS):
        centers, _ = means(values, counts, best, n_clusters)
        other = _best_moved(values, counts, _shaken(centers, SHAKEN, random_state))
        best = min(best, other, key=lambda found: wcss(values, counts, found, n_clusters))
    return best


def quick(values: Values, counts: Counts, starts: NDArray[np.float64]) -> tuple[Values, float]:
    """Return the centers, (k, 3), and the WCSS of a quick k-means, for where hundreds are compared.

    After `TRIED_ROUNDS` rounds the best three starts are run to convergence; single colors are not moved. From ten
    starts on uniformly distributed colors, the WCSS is on average 0.25 % above the best known.
    """
    n_clusters = starts.shape[1]
    some, weights = (values, counts) if len(values) <= MANY_COLORS else _coarser(values, counts)
    tried = lloyd(some, weights, starts, n_refined=3)
    best = tried[_wcss_of_each(some, weights, tried, n_clusters).argmin()]
    centers, _ = means(some, weights, best, n_clusters)
    return centers, float(cdist(values, centers, "sqeuclidean").min(axis=1) @ counts)


def plus_plus_starts(
    values: Values, counts: Counts, n_clusters: int, n_init: int, random_state: int | np.random.RandomState
) -> NDArray[np.float64]:
    """Return k-means++ starts, (n_init, k, 3): each next center drawn by squared distance to the nearest.

    The first j of the k centers are starts for j clusters.
    """
    if not isinstance(random_state, np.random.RandomState):
        random_state = np.random.RandomState(random_state)
    weight = counts.astype(float)
    picked = np.searchsorted(weight.cumsum(), random_state.random_sample(n_init) * weight.sum(), side="right")
    centers = [values[picked]]
    nearest = np.full((n_init, len(values)), np.inf)
    for _ in range(n_clusters - 1):
        nearest = np.minimum(nearest, cdist(centers[-1], values, "sqeuclidean"))
        chance = (nearest * weight).cumsum(axis=1)
        picked = (chance <= random_state.random_sample((n_init, 1)) * chance[:, -1:]).sum(axis=1)
        centers.append(values[np.minimum(picked, len(values) - 1)])
    return np.stack(centers, axis=1)


def lloyd(
    values: Values, counts: Counts, starts: NDArray[np.float64], n_refined: int | None = None
) -> Clusters:
    """Return the cluster of each color for each start, (n_init, n) int64, by Lloyd's algorithm run to convergence.

    With `n_refined`, only as many of the best starts go on after `TRIED_ROUNDS` rounds.
    """
    weight, centers = counts.astype(float), starts.copy()
    n_init, n_clusters, _ = starts.shape
    points = np.vstack([-2 * values.T, np.ones(len(values))])
    labels = np.full((n_init, len(values)), n_clusters, np.min_scalar_type(n_clusters))  # of no cluster yet
    repeated = [np.tile(value, n_init) for value in (weight, *(weight[:, np.newaxis] * values).T)]
    at_work = np.arange(n_init)
    rounds = 0
    while True:
        # Step 1, assign: each color to the nearest center (the color's own square changes nothing).
        now = centers[at_work].swapaxes(0, 1).reshape(-1, 3)
        distance = np.column_stack([now, (now**2).sum(axis=1)]) @ points
        nearest, squared = _smallest(distance.reshape(n_clusters, len(at_work), len(values)))
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
        for start, empty in np.argwhere(
            size == 0
        ):  # rare: an empty cluster restarts at the worst-placed color
            worst = weight * (squared[going_on][start] + (values**2).sum(axis=1))
            centers[at_work[start], empty] = values[worst.argmax()]


def move_single_colors(values: Values, counts: Counts, of_color: Clusters) -> Clusters:
    """Return the clusters after moving single colors for as long as that lowers the WCSS.

    Lloyd's algorithm stops where every color has the nearest center, though moving one, and two centers, may be better.
    """
    of_color = of_color.copy()
    k, everyone = of_color.max() + 1, np.arange(len(of_color))
    weight = counts[:, np.newaxis].astype(float)
    while True:
        centers, size = means(values, counts, of_color, k)
        squared = cdist(values, centers, "sqeuclidean")
        cost = size * weight / (size + weight) * squared  # what joining another cluster would add
        own, rest = size[of_color], size[of_color] - counts
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = own * counts / rest * squared[everyone, of_color]  # what leaving would save
        gain[rest == 0] = -np.inf  # a cluster keeps its last color
        cost[everyone, of_color] = np.inf
        saved = gain - cost.min(axis=1)
        best = saved.argmax()
        if saved[best] <= 1e-9 * squared[everyone, of_color].mean():
            return of_color
        of_color[best] = cost[best].argmin()


def means(values: Values, counts: Counts, of_color: Clusters, n_clusters: int) -> tuple[Values, Values]:
    """Return each cluster's mean color, (k, 3), and its number of pixels, (k,)."""
    size = np.bincount(of_color, counts, n_clusters).astype(float, copy=False)
    total = [np.bincount(of_color, counts * channel, n_clusters) for channel in values.T]
    return np.stack(total, axis=1) / size[:, np.newaxis], size


def wcss(values: Values, counts: Counts, of_color: Clusters, n_clusters: int) -> float:
    """Return the within-cluster sum of squares: squared distances to the means, added up over the pixels."""
    centers, _ = means(values, counts, of_color, n_clusters)
    return float(((values - centers[of_color]) ** 2).sum(axis=1) @ counts)


def _best_moved(values: Values, counts: Counts, starts: NDArray[np.float64]) -> Clusters:
    """Return the best result of all starts, single colors moved."""
    tried, scores = _distinct_results(values, counts, starts)
    close = tried[scores <= 1.002 * scores[0]]  # moving single colors gains far less than 0.2 %
    moved = [move_single_colors(values, counts, of_color) for of_color in close]
    return min(moved, key=lambda found: wcss(values, counts, found, starts.shape[1]))


def _coarse_to_fine(
    values: Values, counts: Counts, n_clusters: int, n_init: int, random_state: int
) -> Clusters:
    """Return the best result on coarser colors, taken on to convergence on all colors."""
    coarse, weights = _coarser(values, counts)
    starts = plus_plus_starts(coarse, weights, n_clusters, n_init, random_state)
    tried, _ = _distinct_results(coarse, weights, starts)

    def go_on(centers: Values, rounds: int) -> KMeans:
        fitted = KMeans(n_clusters, init=centers, n_init=1, tol=0, max_iter=rounds)
        return fitted.fit(values, sample_weight=counts)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # ten rounds are not meant to be enough
        begun = [go_on(means(coarse, weights, of_cell, n_clusters)[0], 10) for of_cell in tried[:REFINED]]
    best = min(begun, key=lambda fitted: fitted.inertia_)
    return go_on(best.cluster_centers_, 1000).labels_.astype(np.int64)


def _distinct_results(
    values: Values, counts: Counts, starts: NDArray[np.float64]
) -> tuple[Clusters, NDArray[np.float64]]:
    """Return what Lloyd's algorithm ended with from all starts, each result once, and its WCSS, best first."""
    tried = lloyd(values, counts, starts)
    scores = _wcss_of_each(values, counts, tried, starts.shape[1])
    _, once = np.unique(np.round(scores / max(scores.min(), 1e-9), 9), return_index=True)
    return tried[once], scores[once]


def _coarser(values: Values, counts: Counts) -> tuple[Values, Counts]:
    """Return the mean colors of the cells of the coarsest grid that still has 500 cells with colors in them."""
    for width in (32, 16, 8, 4, 2):
        code = (values // width) @ np.array([65536, 256, 1])
        cell, found = pd.factorize(code, sort=True)
        if len(found) >= 500:
            break
    size = np.bincount(cell, counts)
    centers = [np.bincount(cell, counts * channel) / size for channel in values.T]
    return np.stack(centers, axis=1), size.astype(np.int64)


def _shaken(centers: Values, n_init: int, random_state: int) -> NDArray[np.float64]:
    """Return starts near known centers, (n_init, k, 3), shaken by 4 to 32 color values."""
    far = np.geomspace(4, 32, n_init)[:, np.newaxis, np.newaxis]
    return centers + far * np.random.RandomState(random_state).normal(size=(n_init, *centers.shape))


def _smallest(stack: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return ``stack.argmin(axis=0)`` and ``stack.min(axis=0)``, in half of NumPy's time."""
    least, place = stack[0].copy(), np.zeros(stack.shape[1:], dtype=np.min_scalar_type(len(stack)))
    for i, layer in enumerate(stack[1:], start=1):
        np.maximum(place, np.multiply(layer < least, i, dtype=place.dtype), out=place)
        np.minimum(least, layer, out=least)
    return place, least


def _wcss_of_each(values: Values, counts: Counts, tried: Clusters, n_clusters: int) -> NDArray[np.float64]:
    """Return the WCSS of each row of `tried`, all at once: what the centers do not explain of the whole."""
    weight = counts.astype(float)
    x = values - np.average(values, axis=0, weights=weight)
    cell = (tried + n_clusters * np.arange(len(tried))[:, np.newaxis]).ravel()

    def add_up(value: NDArray[np.float64]) -> NDArray[np.float64]:
        found = np.bincount(cell, np.tile(value, len(tried)), n_clusters * len(tried))
        return found.reshape(-1, n_clusters).astype(float, copy=False)

    size = np.maximum(add_up(weight), 1e-300)
    explained = np.sum([add_up(weight * channel) ** 2 / size for channel in x.T], axis=0)
    return np.maximum((weight @ (x**2)).sum() - explained.sum(axis=1), 0.0)
