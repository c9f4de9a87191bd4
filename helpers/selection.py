"""Ask how many clusters: WCSS and its elbow, silhouette, gap statistic, stability.

Steps: cluster for every k; read a number of clusters off each criterion; compare labels with a truth
where one is known; choose by one stated rule.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kneed import KneeLocator
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from helpers import files
from helpers.segmentation import (
    Colors,
    Segmentation,
    best_clusters,
    color_labels,
    distinct_colors,
    kmeans_plusplus,
    roughly,
    segment_colors,
    wcss_of,
)

# What each criterion says of 200 landscapes; `course sweep` makes it.
SWEEP = files.locate(Path(__file__).resolve().parent.parent / "data" / "sweep.csv")
N_INIT = 10  # starts per k where many k are tried and the best of all starts is not needed


def wcss_curve(
    image: NDArray[np.uint8] | Colors,
    ks: Iterable[int] = range(1, 11),
    random_state: int = 0,
    mask: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the WCSS for every number of clusters.

    Parameters
    ----------
    image, mask
        As `segmentation.segment` takes them; or, in place of the image, its distinct colors.
    ks : iterable of int
        Numbers of clusters; the picture's colors are listed once for all of them.
    random_state : int
        Where the starts are drawn from, 10 for each k.

    Returns
    -------
    ks, wcss : ndarray of shape (n,)
        int64 and float64; squared distances in 8-bit color values.
    """
    colors = _listed(image, mask)
    tried = np.array(list(ks), dtype=np.int64)
    found = [best_clusters(colors, int(k), random_state, N_INIT) for k in tried]
    return tried, np.array([wcss_of(colors, f, int(k)) for f, k in zip(found, tried, strict=True)])


def elbow(ks: ArrayLike, wcss: ArrayLike) -> int | None:
    """Return the k at the knee of a falling WCSS curve, as `kneed` finds it; None where it finds none.

    Parameters
    ----------
    ks, wcss : array_like of shape (n,)
        Numbers of clusters, in rising order, and the WCSS of each.

    Notes
    -----
    V. Satopää et al., "Finding a 'kneedle' in a haystack", 2011. The knee of a curve is a matter of its
    shape: a curve over data without clusters has one too.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # kneed warns where it finds none; None says so already
        knee = KneeLocator(np.asarray(ks), np.asarray(wcss), curve="convex", direction="decreasing").knee
    return None if knee is None else int(knee)


def silhouette(
    image: NDArray[np.uint8] | Colors,
    labels: NDArray[np.integer],
    n_samples: int = 5000,
    random_state: int = 0,
) -> float:
    """Return the mean silhouette of the pixels, from -1 to 1.

    Parameters
    ----------
    image : ndarray of uint8, or Colors
        As `segmentation.segment` takes it, or its distinct colors.
    labels : ndarray of shape (h, w), int
        The cluster of each pixel; pixels of label -1 are left out.
    n_samples : int
        Pixels of the same color and cluster have the same silhouette. Where there are no more than
        `n_samples` of these kinds, the mean is exact, over all pixels; else it is that of a sample of
        `n_samples` pixels, drawn without replacement.
    random_state : int
        Where that sample is drawn from.

    Raises
    ------
    ValueError
        If the pixels are of fewer than two clusters.

    Notes
    -----
    P. J. Rousseeuw, 1987. A pixel alone in its cluster counts 0, as there.
    """
    colors = _listed(image)
    seen = np.flatnonzero((labels.ravel() >= 0) & (colors.index.ravel() >= 0))
    n_labels = int(labels.max(initial=0)) + 1
    kind = colors.index.ravel()[seen] * n_labels + labels.ravel()[seen]
    if np.count_nonzero(np.bincount(kind)) > n_samples:
        kind = np.random.RandomState(random_state).choice(kind, n_samples, replace=False)
    counts = np.bincount(kind)
    kinds = np.flatnonzero(counts)
    return float(mean_silhouettes(colors.values[kinds // n_labels], counts[kinds], [kinds % n_labels])[0])


def mean_silhouettes(
    values: NDArray[np.float64], counts: NDArray[np.int64], divisions: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """Return the mean silhouette of each of several divisions of the same points into clusters.

    Parameters
    ----------
    values : ndarray of shape (n, 3), float64
        Colors, and
    counts : ndarray of shape (n,), int64
        how many pixels each stands for.
    divisions : sequence of ndarray of shape (n,), int64
        The cluster of each color. Distances are computed once for all.
    """
    clusters = [np.unique(division, return_inverse=True)[1] for division in divisions]
    n_clusters = np.array([c.max() + 1 for c in clusters])
    if n_clusters.min() < 2:
        raise ValueError("the silhouette needs pixels of at least two clusters")
    weight = np.hstack([np.eye(n)[c] for n, c in zip(n_clusters, clusters, strict=True)])
    weight *= counts[:, np.newaxis]
    scores = np.zeros(len(clusters))
    for part in np.array_split(np.arange(len(values)), -(-len(values) // 1000)):  # a bound on memory
        # Summed distances from each point to the pixels of each cluster of each division.
        apart = np.split(cdist(values[part], values) @ weight, n_clusters.cumsum()[:-1], axis=1)
        for i, (cluster, distances) in enumerate(zip(clusters, apart, strict=True)):
            size = np.bincount(cluster, counts)
            scores[i] += _silhouettes(distances, cluster[part], size) @ counts[part]
    return scores / counts.sum()


def _silhouettes(
    apart: NDArray[np.float64], cluster: NDArray[np.int64], size: NDArray[Any]
) -> NDArray[np.float64]:
    """Return each point's silhouette from its summed distances to the pixels of each cluster."""
    own = (np.arange(len(apart)), cluster)
    alone = size[cluster] == 1  # a pixel alone in its cluster counts 0
    within = apart[own] / np.where(alone, 1, size[cluster] - 1)
    between = apart / size
    between[own] = np.inf
    nearest = between.min(axis=1)
    wider = np.maximum(within, nearest)
    return np.divide(nearest - within, wider, out=np.zeros(len(apart)), where=(wider > 0) & ~alone)


def calinski_harabasz(image: NDArray[np.uint8] | Colors, seg: Segmentation) -> float:
    """Return how far the clusters lie from each other, over how wide they are; from 0, without limit.

    Parameters
    ----------
    image : ndarray of uint8, or Colors
        As `segmentation.segment` takes it, or its distinct colors.
    seg : Segmentation
        Its clusters, at least two.

    Notes
    -----
    T. Caliński and J. Harabasz, 1974. The number of pixels enters as a factor, so only values for the same
    picture compare. Where the clusters have no width at all, 1 is returned, as scikit-learn does.
    """
    colors, k = _listed(image), len(seg.centers)
    mean = np.average(colors.values, axis=0, weights=colors.counts)
    whole = float(((colors.values - mean) ** 2).sum(axis=1) @ colors.counts)
    n = float(colors.counts.sum())
    return 1.0 if seg.wcss == 0 else (whole - seg.wcss) / seg.wcss * (n - k) / (k - 1)


def davies_bouldin(image: NDArray[np.uint8] | Colors, seg: Segmentation) -> float:
    """Return how wide clusters are against the distance to the one that each is most alike; low is good.

    Parameters
    ----------
    image : ndarray of uint8, or Colors
        As `segmentation.segment` takes it, or its distinct colors.
    seg : Segmentation
        Its clusters, at least two.

    Notes
    -----
    D. L. Davies and D. W. Bouldin, 1979, with mean distances.
    """
    colors = _listed(image)
    of_color = color_labels(colors, seg)
    distance = np.sqrt(((colors.values - seg.centers[of_color]) ** 2).sum(axis=1))
    n = np.bincount(of_color, colors.counts)
    width = np.bincount(of_color, colors.counts * distance) / n
    apart = cdist(seg.centers, seg.centers)
    np.fill_diagonal(apart, np.inf)
    return float(((width[:, np.newaxis] + width) / apart).max(axis=1).mean())


def agreement(truth: NDArray[np.integer], labels: NDArray[np.integer]) -> float:
    """Return the adjusted Rand index of two labelings: 1 for the same partition, about 0 for chance.

    Parameters
    ----------
    truth, labels : ndarray of int, of the same shape
        Pixels of label -1 in either are left out.

    Notes
    -----
    L. Hubert and P. Arabie, 1985. From the table of how many pixels share both labels, which takes a tenth of
    the time of scikit-learn's `adjusted_rand_score`; a test holds it against that.
    """
    seen = (truth >= 0) & (labels >= 0)
    a, b = truth[seen], labels[seen]
    n_labels = int(b.max(initial=0)) + 1
    table = np.bincount(a * n_labels + b, minlength=(int(a.max(initial=0)) + 1) * n_labels)
    return _adjusted_rand(table.reshape(-1, n_labels))


def gap_statistic(
    image: NDArray[np.uint8] | Colors,
    ks: Iterable[int] = range(1, 11),
    n_references: int = 10,
    random_state: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float64], int | None]:
    """Compare the WCSS with that of colors strewn evenly, which have no clusters.

    Parameters
    ----------
    image : ndarray of uint8, or Colors
        As `segmentation.segment` takes it, or its distinct colors.
    ks : iterable of int
        Numbers of clusters, rising by 1.
    n_references : int
        Sets of colors drawn evenly from the box that the picture's colors span, along their principal axes.
    random_state : int
        Where those and the starts are drawn from.

    Returns
    -------
    gap, error : ndarray of shape (n,), float64
        How far the logarithm of the mean squared distance lies below the references' mean, and the
        standard error of that.
    k : int or None
        The first k whose gap is no more than one standard error below the next one's; None where each k is
        followed by a clearly larger gap.

    Notes
    -----
    R. Tibshirani, G. Walther and T. Hastie, 2001. Each reference holds as many points as the picture has
    distinct colors, and at least 1,000; dividing by the number of points makes the two comparable.
    """
    ks = list(ks)
    colors, random = _listed(image), np.random.RandomState(random_state)
    mean = np.average(colors.values, axis=0, weights=colors.counts)
    centered = colors.values - mean
    _, axes = np.linalg.eigh((centered * colors.counts[:, np.newaxis]).T @ centered)
    low, high = (centered @ axes).min(axis=0), (centered @ axes).max(axis=0)
    n_points = max(len(centered), 1000)
    references = np.array(
        [
            _log_mean_squares(_as_colors(random.uniform(low, high, size=(n_points, 3))), ks, random)
            for _ in range(n_references)
        ]
    )
    gap = references.mean(axis=0) - _log_mean_squares(colors, ks, random)
    error = references.std(axis=0) * np.sqrt(1 + 1 / n_references)
    enough = np.flatnonzero(gap[:-1] >= gap[1:] - error[1:])
    if not len(enough) and ks[-1] == len(colors.values):
        return gap, error, ks[-1]  # every color has a center of its own: there is no next k
    return gap, error, ks[int(enough[0])] if len(enough) else None


def stability(
    image: NDArray[np.uint8] | Colors,
    n_clusters: int,
    n_resamples: int = 10,
    n_samples: int = 500,
    random_state: int = 0,
) -> float:
    """Return how alike the clusters of several samples of the pixels are, from about 0 to 1.

    Parameters
    ----------
    image : ndarray of uint8, or Colors
        As `segmentation.segment` takes it, or its distinct colors.
    n_clusters : int
        The number of clusters.
    n_resamples : int
        Samples of the pixels; the mean over all pairs of them is returned.
    n_samples : int
        Pixels in each sample, drawn with replacement.
    random_state : int
        Where samples and starts are drawn from.

    Notes
    -----
    Each sample's centers label all pixels, and the adjusted Rand index of two such labelings is taken. After
    A. Ben-Hur, A. Elisseeff and I. Guyon, 2002.
    """
    colors, random = _listed(image), np.random.RandomState(random_state)
    chance = colors.counts / colors.counts.sum()
    if not 1 <= n_clusters <= len(colors.values):
        raise ValueError(
            f"cannot make {n_clusters} clusters of a picture with {len(colors.values)} distinct colors"
        )

    def labels() -> NDArray[np.int64]:
        counts = random.multinomial(n_samples, chance)
        drawn = _as_colors(colors.values[counts > 0], counts[counts > 0])
        few = min(n_clusters, len(drawn.values))  # a sample may miss a rare color
        centers, _ = roughly(drawn, kmeans_plusplus(drawn, few, N_INIT, random))
        return _nearest(colors.values, centers)

    def alike(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
        table = np.bincount(a * n_clusters + b, colors.counts, n_clusters**2)
        return _adjusted_rand(table.reshape(n_clusters, n_clusters))

    found = [labels() for _ in range(n_resamples)]
    return float(np.mean([alike(a, b) for a, b in itertools.combinations(found, 2)]))


def held_out(
    image: NDArray[np.uint8] | Colors, ks: Iterable[int] = range(1, 11), random_state: int = 0
) -> NDArray[np.float64]:
    """Return, for each k, how far pixels lie from centers that were found without them.

    Parameters
    ----------
    image : ndarray of uint8, or Colors
        As `segmentation.segment` takes it, or its distinct colors.
    ks : iterable of int
        Numbers of clusters.
    random_state : int
        Where the halves and the starts are drawn from.

    Returns
    -------
    ndarray of shape (n,), float64
        Each pixel is put in one of two halves by chance. Clusters are found in the first; this is the mean
        squared distance of the second half's pixels to the nearest center.
    """
    colors = _listed(image)
    first = np.random.RandomState(random_state).binomial(colors.counts, 0.5)
    seen = _as_colors(colors.values[first > 0], first[first > 0])
    means = []
    for k in ks:
        centers = segment_colors(seen, min(k, len(seen.values)), random_state, N_INIT).centers
        squared = ((colors.values - centers[_nearest(colors.values, centers)]) ** 2).sum(axis=1)
        means.append(np.average(squared, weights=np.maximum(colors.counts - first, 1e-9)))
    return np.array(means)


def choose(
    image: NDArray[np.uint8] | Colors, random_state: int = 0, mask: NDArray[np.bool_] | None = None
) -> int:
    """Return the number of clusters that the course goes on with: the elbow from 1 to 10.

    Where there is no elbow, the k from 2 to 10 of largest silhouette is taken.

    Parameters
    ----------
    image, mask
        As `segmentation.segment` takes them; or, in place of the image, its distinct colors.
    random_state : int
        Where the starts, and the sample for the silhouette, are drawn from.

    Raises
    ------
    ValueError
        If the picture has a single color.
    """
    colors = _listed(image, mask)
    refuse_single_color(colors)
    most = min(10, len(colors.values))

    def score(k: int) -> float:
        labels = segment_colors(colors, k, random_state, N_INIT).labels
        return silhouette(colors, labels, random_state=random_state)

    return elbow_or_silhouette(*wcss_curve(colors, range(1, most + 1), random_state), score)


def refuse_single_color(colors: Colors) -> None:
    """Raise `ValueError` if a picture, given by its distinct colors, has only one."""
    if len(colors.values) < 2:
        raise ValueError("the picture has a single color: there is nothing to cluster")


def elbow_or_silhouette(ks: ArrayLike, wcss: ArrayLike, silhouette_of: Callable[[int], float]) -> int:
    """Return the k of the elbow; where there is none, of those from 2 on, the k of largest silhouette."""
    knee = elbow(ks, wcss)
    return knee if knee is not None and knee >= 2 else max(np.asarray(ks).tolist()[1:], key=silhouette_of)


def _listed(image: NDArray[np.uint8] | Colors, mask: NDArray[np.bool_] | None = None) -> Colors:
    """Return the distinct colors of a picture; those that were listed before as they are."""
    return image if isinstance(image, Colors) else distinct_colors(image, mask)


def _as_colors(points: NDArray[np.float64], counts: NDArray[np.int64] | None = None) -> Colors:
    """Return loose points as colors, of no picture, that occur once each or `counts` times."""
    counts = np.ones(len(points), dtype=np.int64) if counts is None else counts
    return Colors(points, counts, np.zeros((0, 0), dtype=np.int64))


def _log_mean_squares(colors: Colors, ks: list[int], random: np.random.RandomState) -> NDArray[np.float64]:
    """Return the logarithm of the mean squared distance to the nearest center, for each k."""
    starts = kmeans_plusplus(colors, max(ks), N_INIT, random)
    wcss = [roughly(colors, starts[:, :k])[1] for k in ks]
    # A thousandth of a color step: where every color has a center of its own, there is no logarithm.
    return np.log(np.maximum(np.array(wcss) / colors.counts.sum(), 1e-6))


def _nearest(values: NDArray[np.float64], centers: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the nearest center of each color."""
    return ((centers**2).sum(axis=1) - 2 * values @ centers.T).argmin(axis=1)


def _adjusted_rand(table: NDArray[Any]) -> float:
    """Return the adjusted Rand index from a table of pixels, by the one label and the other."""

    def pairs(n: NDArray[Any]) -> float:
        return float((n.astype(float) * (n - 1.0) / 2).sum())

    rows, columns, together = pairs(table.sum(axis=1)), pairs(table.sum(axis=0)), pairs(table)
    expected = rows * columns / max(pairs(table.sum()), 1.0)
    most = (rows + columns) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)
