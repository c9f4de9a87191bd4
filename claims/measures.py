"""What the claims measure, with NumPy and SciPy alone: never with the function that a claim is about."""

from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.spatial.distance import cdist
from scipy.stats.contingency import crosstab

from claims import Claim, Names, agrees

THRESHOLDS = np.array([0.4, 0.6, 0.8])
PALETTE = np.array([(20, 20, 220), (20, 220, 20), (139, 69, 19), (220, 220, 220)])
TARGETS = np.array([(20, 20, 220), (20, 255, 20), (139, 69, 19), (220, 220, 220)], dtype=float)


def about_terrain(found: Names) -> Claim:
    """Return the claim that the terrain called true lies between the thresholds that define it."""
    terrain = (found.heights[..., np.newaxis] >= THRESHOLDS).sum(axis=-1)
    return Claim("The true terrain follows from the thresholds", np.sum(terrain != found.truth), 0, "pixels")


def about_landscape(found: Names) -> list[Claim]:
    """Return what is claimed of the heights, the true terrain and the colors of a whole landscape."""
    heights, width = found.heights, found.transition_width
    # The palette as one line through the ends of all blends, in each channel.
    ends = np.sort(np.concatenate([THRESHOLDS - width, THRESHOLDS + width]))
    lines = [np.interp(heights, ends, PALETTE[[0, 1, 1, 2, 2, 3], channel]) for channel in range(3)]
    off = np.abs(found.image + 0.5 - np.stack(lines, axis=-1)).max() - 0.5
    return [
        agrees("The lowest height is 0 and the highest is 1", [heights.min(), heights.max()], [0, 1], 0),
        about_terrain(found),
        Claim("Colors are interpolated linearly, and rounded down", max(off, 0), 1e-6, "color values"),
    ]


def about_clusters(
    points: Any, labels: Any, centers: Any, wcss: float, counts: Any = None, moving: float = 1e-6
) -> list[Claim]:
    """Return what is claimed of k-means on pixels, or on distinct colors that stand for `counts` pixels each.

    `moving` is how far a center may be from its mean: scikit-learn stops before they agree to the last digit.
    """
    weights = np.ones(len(points)) if counts is None else counts
    present, scale, unit = np.unique(labels), max(wcss, 1e-3), "color values"
    squares = ((points - centers[labels]) ** 2).sum(axis=1) @ weights / scale
    found, excess = means(points, labels, weights), beyond_nearest(points, labels, centers)
    return [
        Claim("Each of the k clusters has pixels", len(centers) - len(present), 0, "clusters"),
        Claim("Pixels of one color share a cluster", divided_colors(points, labels), 0, "colors"),
        agrees("Each center is the mean of its cluster", found, centers[present], moving, unit),
        Claim("No pixel is nearer to another center than to its own", excess, 1e-3, unit),
        agrees("The WCSS is the sum of squared distances", squares, wcss / scale, 1e-6, "of the WCSS"),
    ]


def about_segments(found: Names) -> list[Claim]:
    """Return what is claimed of the segments of the course's own solver: k-means, in a fixed order."""
    centers = found.seg.centers
    terrain = cdist(centers, TARGETS).argmin(axis=1)
    light = np.round(centers @ (0.299, 0.587, 0.114), 6)
    back = (np.diff(terrain) < 0) | ((np.diff(terrain) == 0) & (np.diff(light) < 0))
    labels = found.seg.labels.ravel()
    return [
        *about_clusters(found.image.reshape(-1, 3), labels, centers, found.seg.wcss),
        Claim("Clusters go from water to snow, and from dark to light", np.sum(back), 0, "clusters"),
    ]


def means(points: NDArray[Any], labels: ArrayLike, weights: ArrayLike) -> NDArray[np.float64]:
    """Return the weighted mean of each group of points that occurs, in the order of the labels."""
    _, group = np.unique(labels, return_inverse=True)
    sums = [np.bincount(group, channel * np.asarray(weights)) for channel in points.T]
    return np.stack(sums, axis=1) / np.bincount(group, weights)[:, np.newaxis]


def lloyd_is_ambiguous(points: NDArray[Any], centers: NDArray[Any]) -> bool:
    """Return True if, in a round of Lloyd's algorithm, a color lies midway or a cluster is empty."""
    values, counts = np.unique(points, axis=0, return_counts=True)
    before = np.full(len(values), -1)
    while True:
        squared = cdist(values, centers, "sqeuclidean")
        labels, two = squared.argmin(axis=1), np.sort(squared, axis=1)[:, :2]
        if len(np.unique(labels)) < len(centers) or np.diff(two, axis=1).min(initial=np.inf) < 1e-6:
            return True
        if (labels == before).all():
            return False
        before, centers = labels, means(values, labels, counts)


def beyond_nearest(points: NDArray[Any], labels: NDArray[np.integer], centers: NDArray[Any]) -> Any:
    """Return how much farther a point can be from the center of its own group than from the nearest one."""
    distance = cdist(points, centers)
    return (distance[np.arange(len(points)), labels] - distance.min(axis=1)).max(initial=0)


def codes(image: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return each pixel's color as one number."""
    return image.astype(np.int64) @ (1 << 16, 1 << 8, 1)


def divided_colors(image: NDArray[np.integer], labels: NDArray[np.integer]) -> int:
    """Return how many times a color of a picture is in one cluster more than in one."""
    code = codes(image).ravel()
    return len(np.unique(code * (labels.max() + 1) + labels.ravel())) - len(np.unique(code))


def crossed(one: NDArray[np.integer], other: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return how many pixels have each pair of labels that occur, in the order of both."""
    return crosstab(one.ravel(), other.ravel()).count


def adjusted_rand(one: NDArray[np.integer], other: NDArray[np.integer]) -> float:
    """Return the adjusted Rand index: pairs of pixels that are together in both, in one, and by chance."""
    table = crossed(one, other).astype(float)
    groups = table, table.sum(axis=0), table.sum(axis=1), table.sum()
    both, ours, theirs, pairs = ((n * (n - 1) / 2).sum() for n in groups)
    chance, most = ours * theirs / pairs, (ours + theirs) / 2
    return 1.0 if most == chance else float((both - chance) / (most - chance))


def on_boundary(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return the pixels beside which, above, below, left or right, the label is another."""
    return ndimage.morphological_gradient(labels, footprint=ndimage.generate_binary_structure(2, 1)) > 0


def boundary_f1(truth: NDArray[np.integer], labels: NDArray[np.integer], tolerance: float) -> float:
    """Return the F1 of the boundaries: those within a distance of each other are matched."""
    true, seen = on_boundary(truth), on_boundary(labels)
    shares = []
    for edges, others in ((seen, true), (true, seen)):
        away = ndimage.distance_transform_edt(~others) if others.any() else np.full(edges.shape, np.inf)
        shares.append(np.sum(away[edges] <= tolerance) / max(edges.sum(), 1))
    return 2 * shares[0] * shares[1] / max(sum(shares), 1e-9)


def connected(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the 4-connected regions, numbered from 1, cluster by cluster; 0 is where the label is -1."""
    region = np.zeros(labels.shape, dtype=np.int64)
    for cluster in np.unique(labels[labels >= 0]):
        parts, _ = ndimage.label(labels == cluster)
        region[parts > 0] = parts[parts > 0] + region.max()
    return region


def block_sums(where: NDArray[Any], side: int) -> NDArray[np.integer]:
    """Return the sums over squares of this side; those at the right and at the bottom may be cut off."""
    rows, columns = (np.arange(0, length, side) for length in where.shape)
    return np.add.reduceat(np.add.reduceat(where, rows, 0, np.int32), columns, 1)


def average_precision(truth: NDArray[np.bool_], score: NDArray[Any]) -> float:
    """Return the mean, over all pixels to be found, of the precision at which each is found."""
    _, place = np.unique(score, return_inverse=True)
    hits, flagged = (np.bincount(place.ravel(), weights)[::-1] for weights in (truth.ravel(), None))
    return float((hits * hits.cumsum() / flagged.cumsum()).sum() / truth.sum())


def most_agreeing(labels: NDArray[np.integer], answers: NDArray[np.integer]) -> int:
    """Return how many agree with their answer, for the best way to pair three groups with three answers."""
    return max(int((np.array(order)[labels] == answers).sum()) for order in permutations(range(3)))


def squares_within(values: NDArray[Any], labels: NDArray[np.integer]) -> float:
    """Return the squared distances of numbers or points to the mean of their group, added up."""
    groups = [values[labels == label] for label in np.unique(labels)]
    return sum(((group - group.mean(axis=0)) ** 2).sum() for group in groups)


def rise(numbers: Any) -> Any:
    """Return the largest step up from a number to the next, 0 if there is none."""
    return np.diff(numbers).max(initial=0)


def area_between(one: NDArray[Any], other: NDArray[Any], weights: NDArray[Any]) -> float:
    """Return the area between the cumulative shares of two sets of numbers; the other has weights."""
    ends, order = np.sort(np.concatenate([one, other])), np.argsort(other)
    reached = np.concatenate([[0], np.cumsum(weights[order])]) / weights.sum()
    below = np.searchsorted(np.sort(one), ends[:-1], "right") / len(one)
    below_other = reached[np.searchsorted(other[order], ends[:-1], "right")]
    return float((np.abs(below - below_other) * np.diff(ends)).sum())
