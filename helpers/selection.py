"""Ask how many clusters: WCSS and its elbow, silhouette, gap statistic, stability; choose by one stated rule.

Wherever a function takes an image, it takes the image's distinct colors, too.
"""

import itertools
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from kneed import KneeLocator
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from helpers import files, kmeans
from helpers.segmentation import Colors, distinct_colors, segment_colors

Image = NDArray[np.uint8] | Colors  # as `segmentation.segment` takes it, or its distinct colors

# What each criterion says of 200 landscapes; `course sweep` makes it.
SWEEP = files.locate(Path(__file__).resolve().parent.parent / "data" / "sweep.csv")
N_INIT = 10  # starts per k where many k are tried and the best of all starts is not needed


def wcss_curve(
    image: Image,
    ks: Iterable[int] = range(1, 11),
    random_state: int = 0,
    mask: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the numbers of clusters, (n,) int64, and the WCSS for each, (n,) float64, from 10 starts."""
    colors = _listed(image, mask)
    weighted, tried = (colors.values, colors.counts), [int(k) for k in ks]
    found = [kmeans.best_clusters(*weighted, k, random_state, N_INIT) for k in tried]
    wcss = [kmeans.wcss(*weighted, of_color, k) for k, of_color in zip(tried, found, strict=True)]
    return np.array(tried, dtype=np.int64), np.array(wcss)


def elbow(ks: ArrayLike, wcss: ArrayLike) -> int | None:
    """Return the k at the knee of a falling WCSS curve, as `kneed` finds it; None where it finds none.

    V. Satopää et al., "Finding a 'kneedle' in a haystack", 2011. A curve over data without clusters has a knee, too.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # kneed warns where it finds none; None says so already
        knee = KneeLocator(np.asarray(ks), np.asarray(wcss), curve="convex", direction="decreasing").knee
    return None if knee is None else int(knee)


def silhouette(
    image: Image, labels: NDArray[np.integer], n_samples: int = 5000, random_state: int = 0
) -> float:
    """Return the mean silhouette (P. J. Rousseeuw, 1987) of the pixels, from -1 to 1; label -1 is left out.

    Pixels of one color and cluster have one silhouette. Where there are no more than `n_samples` of these kinds, the mean
    over all pixels is exact; else it is that of `n_samples` pixels. ValueError for fewer than two clusters.
    """
    colors = _listed(image)
    seen = np.flatnonzero((labels.ravel() >= 0) & (colors.index.ravel() >= 0))
    n_labels = int(labels.max(initial=0)) + 1
    kind = colors.index.ravel()[seen] * n_labels + labels.ravel()[seen]
    if np.count_nonzero(np.bincount(kind)) > n_samples:
        kind = np.random.RandomState(random_state).choice(kind, n_samples, replace=False)
    counts = np.bincount(kind)
    kinds = np.flatnonzero(counts)
    values, counts = colors.values[kinds // n_labels], counts[kinds]
    clusters, cluster = np.unique(kinds % n_labels, return_inverse=True)
    if len(clusters) < 2:
        raise ValueError("the silhouette needs pixels of at least two clusters")
    size = np.bincount(cluster, counts)
    weight = np.eye(len(clusters))[cluster] * counts[:, np.newaxis]
    total = 0.0
    for part in np.array_split(np.arange(len(values)), -(-len(values) // 1000)):  # a bound on memory
        distances = cdist(values[part], values) @ weight  # summed over the pixels of each cluster
        own = np.arange(len(part)), cluster[part]
        alone = size[own[1]] == 1  # a pixel alone in its cluster counts 0
        within = distances[own] / np.where(alone, 1, size[own[1]] - 1)
        distances /= size
        distances[own] = np.inf
        nearest = distances.min(axis=1)
        wider = np.maximum(within, nearest)
        widths = np.divide(nearest - within, wider, out=np.zeros(len(part)), where=(wider > 0) & ~alone)
        total += widths @ counts[part]
    return float(total / counts.sum())


def agreement(truth: NDArray[np.integer], labels: NDArray[np.integer]) -> float:
    """Return the adjusted Rand index of two labelings: 1 for the same partition, about 0 for chance.

    Pixels of label -1 in either are left out. L. Hubert and P. Arabie, 1985. A tenth of the time of scikit-learn's.
    """
    seen = (truth >= 0) & (labels >= 0)
    a, b = truth[seen], labels[seen]
    n_labels = int(b.max(initial=0)) + 1
    table = np.bincount(a * n_labels + b, minlength=(int(a.max(initial=0)) + 1) * n_labels)
    return _adjusted_rand(table.reshape(-1, n_labels))


def gap_statistic(
    image: Image, ks: Iterable[int] = range(1, 11), n_references: int = 10, random_state: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64], int | None]:
    """Compare the WCSS with that of uniformly distributed colors, which have no clusters.

    R. Tibshirani, G. Walther and T. Hastie, 2001. References are drawn from the box that the picture's colors span along
    their principal axes: as many points as there are distinct colors, and at least 1,000. `ks` rise by 1.

    Returns
    -------
    gap, error : ndarray of shape (n,), float64
        How far the logarithm of the mean squared distance lies below the references' mean, and the standard error.
    k : int or None
        The first k whose gap is no more than one standard error below the next one's; None where there is none.
    """
    ks = list(ks)
    colors, random = _listed(image), np.random.RandomState(random_state)
    mean = np.average(colors.values, axis=0, weights=colors.counts)
    centered = colors.values - mean
    _, axes = np.linalg.eigh((centered * colors.counts[:, np.newaxis]).T @ centered)
    low, high = (centered @ axes).min(axis=0), (centered @ axes).max(axis=0)
    n_points = max(len(centered), 1000)

    def log_mean_squares(values: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
        starts = kmeans.plus_plus_starts(values, counts, max(ks), N_INIT, random)
        wcss = [kmeans.quick(values, counts, starts[:, :k])[1] for k in ks]
        # A thousandth of a color value: where every color has a center of its own, there is no logarithm.
        return np.log(np.maximum(np.array(wcss) / counts.sum(), 1e-6))

    once = np.ones(n_points, dtype=np.int64)
    references = np.array(
        [log_mean_squares(random.uniform(low, high, size=(n_points, 3)), once) for _ in range(n_references)]
    )
    gap = references.mean(axis=0) - log_mean_squares(colors.values, colors.counts)
    error = references.std(axis=0) * np.sqrt(1 + 1 / n_references)
    enough = np.flatnonzero(gap[:-1] >= gap[1:] - error[1:])
    if not len(enough) and ks[-1] == len(colors.values):
        return gap, error, ks[-1]  # every color has a center of its own: there is no next k
    return gap, error, ks[int(enough[0])] if len(enough) else None


def stability(
    image: Image, n_clusters: int, n_resamples: int = 10, n_samples: int = 500, random_state: int = 0
) -> float:
    """Return how alike the clusters of several samples of the pixels are, from about 0 to 1.

    `n_resamples` times, `n_samples` pixels are drawn with replacement and clustered, and their centers label all pixels:
    the mean adjusted Rand index of all pairs. After A. Ben-Hur, A. Elisseeff and I. Guyon, 2002. ValueError if there are
    fewer distinct colors than clusters.
    """
    colors, random = _listed(image), np.random.RandomState(random_state)
    chance = colors.counts / colors.counts.sum()
    if not 1 <= n_clusters <= len(colors.values):
        raise ValueError(
            f"cannot make {n_clusters} clusters of a picture with {len(colors.values)} distinct colors"
        )

    def labels() -> NDArray[np.int64]:
        counts = random.multinomial(n_samples, chance)
        drawn = colors.values[counts > 0], counts[counts > 0]
        few = min(n_clusters, len(drawn[0]))  # a sample may miss a rare color
        centers, _ = kmeans.quick(*drawn, kmeans.plus_plus_starts(*drawn, few, N_INIT, random))
        return ((centers**2).sum(axis=1) - 2 * colors.values @ centers.T).argmin(axis=1)

    def alike(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
        table = np.bincount(a * n_clusters + b, colors.counts, n_clusters**2)
        return _adjusted_rand(table.reshape(n_clusters, n_clusters))

    found = [labels() for _ in range(n_resamples)]
    return float(np.mean([alike(a, b) for a, b in itertools.combinations(found, 2)]))


def choose(image: Image, random_state: int = 0, mask: NDArray[np.bool_] | None = None) -> int:
    """Return the k of the elbow from 1 to 10, else of the largest silhouette; a single color is a ValueError."""
    colors = _listed(image, mask)
    refuse_single_color(colors)

    def score(k: int) -> float:
        labels = segment_colors(colors, k, random_state, N_INIT).labels
        return silhouette(colors, labels, random_state=random_state)

    return elbow_or_silhouette(
        *wcss_curve(colors, range(1, min(10, len(colors.values)) + 1), random_state), score
    )


def refuse_single_color(colors: Colors) -> None:
    """Raise `ValueError` if a picture, given by its distinct colors, has only one."""
    if len(colors.values) < 2:
        raise ValueError("the picture has a single color: there is nothing to cluster")


def elbow_or_silhouette(ks: ArrayLike, wcss: ArrayLike, silhouette_of: Callable[[int], float]) -> int:
    """Return the k of the elbow; where there is none, of those from 2 on, the k of largest silhouette."""
    knee = elbow(ks, wcss)
    return knee if knee is not None and knee >= 2 else max(np.asarray(ks).tolist()[1:], key=silhouette_of)


def _listed(image: Image, mask: NDArray[np.bool_] | None = None) -> Colors:
    return image if isinstance(image, Colors) else distinct_colors(image, mask)


def _adjusted_rand(table: NDArray[Any]) -> float:
    """Return the adjusted Rand index from a table of pixels, by the one label and the other."""

    def pairs(n: NDArray[Any]) -> float:
        return float((n.astype(float) * (n - 1.0) / 2).sum())

    rows, columns, together = pairs(table.sum(axis=1)), pairs(table.sum(axis=0)), pairs(table)
    expected = rows * columns / max(pairs(table.sum()), 1.0)
    most = (rows + columns) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)
