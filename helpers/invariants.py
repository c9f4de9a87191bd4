"""What must hold on every run, measured on the arrays that a chapter has: 0 means that it holds exactly.

Steps: each function measures how far one claim is off, and returns its name with that; a chapter records
those that it lists in its front matter; `course check` holds them against `CLAIMS`.

Nothing that the chapters use is used here: a check must not share their mistakes.
"""

from __future__ import annotations

import functools
import itertools
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

THRESHOLDS = (0.4, 0.6, 0.8)
PALETTE = np.array([(20, 20, 220), (20, 220, 20), (139, 69, 19), (220, 220, 220)])


@dataclass(frozen=True)
class Claim:
    """What a function measures: the claim in words, the largest deviation allowed, and its unit."""

    text: str
    allowed: float
    unit: str


CLAIMS: dict[str, Claim] = {}
NOT_ASKED = "not asked: there is nothing here to ask it of"
Measuring = Callable[..., tuple[str, float | str]]


def claim(allowed: float, unit: str) -> Callable[[Callable[..., Any]], Measuring]:
    """Register a function under its name; it then returns the name beside the deviation.

    Where an argument is None, as the truth of a picture of one's own is, it returns `NOT_ASKED`.
    """

    def register(measure: Callable[..., Any]) -> Measuring:
        name = measure.__name__
        CLAIMS[name] = Claim((measure.__doc__ or "").strip().partition("\n")[0], allowed, unit)

        @functools.wraps(measure)
        def measured(*arguments: Any, **named: Any) -> tuple[str, float | str]:
            if any(argument is None for argument in arguments):
                return name, NOT_ASKED
            if any(_has_nan(argument) for argument in arguments):
                return name, math.nan  # which no limit allows; a maximum would pass it over
            return name, float(measure(*arguments, **named))

        return measured

    return register


# The exercises


@claim(0, "solutions")
def solutions_right(verdicts: dict[str, Any]) -> float:
    """The solution of each exercise is right by its key, made apart from it."""
    return sum(not verdict.right for verdict in verdicts.values()) if verdicts else math.nan


# The landscape


@claim(0, "of height")
def heights_span(h: NDArray[np.float64]) -> float:
    """The lowest height is 0 and the highest is 1."""
    return max(abs(h.min()), abs(h.max() - 1))


@claim(0, "pixels")
def terrain_by_thresholds(h: NDArray[np.float64], truth: NDArray[np.integer]) -> float:
    """The true terrain of each pixel is the one whose thresholds its height lies between."""
    bands = np.zeros(h.shape, dtype=int)
    for threshold in THRESHOLDS:
        bands = bands + (h >= threshold)
    return _count(bands != truth)


@claim(0, "pixels")
def palette_outside_blends(h: NDArray[np.float64], image: NDArray[np.uint8], width: float) -> float:
    """Each pixel that lies in no blend has the palette's color for its height."""
    near = np.min([np.abs(h - threshold) for threshold in THRESHOLDS], axis=0) < width
    band = np.sum([h >= threshold for threshold in THRESHOLDS], axis=0)
    return _count((image != PALETTE[band]).any(axis=-1) & ~near)


@claim(1e-9, "")
def shares_sum(shares: ArrayLike) -> float:
    """The shares of the parts add up to 1, and none is negative."""
    given = np.asarray(shares, dtype=float)
    return max(abs(given.sum() - 1), -given.min())


# Clusters


@claim(0, "pixels or clusters")
def labels_cover(labels: NDArray[np.integer], n_clusters: int) -> float:
    """Every pixel is in one of the k clusters, and no cluster is empty."""
    inside = (labels >= 0) & (labels < n_clusters)
    return _count(~inside) + n_clusters - len(np.unique(labels[inside]))


@claim(0, "colors")
def one_cluster_per_color(image: NDArray[np.uint8], labels: NDArray[np.integer]) -> float:
    """Pixels of the same color are in the same cluster."""
    of_code = _label_of_each_code(image, labels)
    return sum(
        _count((of_code[_codes(image[rows])] != labels[rows]) & (labels[rows] >= 0))
        for rows in _strips(labels)
    )


@claim(1e-6, "color values")
def centers_are_means(
    image: NDArray[np.uint8], labels: NDArray[np.integer], centers: NDArray[np.float64]
) -> float:
    """Each center is the mean color of its cluster's pixels."""
    return np.abs(_means(image, labels, len(centers)) - centers).max()


@claim(1e-9, "of the WCSS")
def wcss_adds_up(
    image: NDArray[np.uint8], labels: NDArray[np.integer], centers: NDArray[np.float64], wcss: float
) -> float:
    """The WCSS is the squared distances of all pixels to their centers, added up."""
    total = 0.0
    for rows in _strips(labels):
        inside = labels[rows] >= 0
        off = image[rows][inside].astype(float) - centers[labels[rows][inside]]
        total += float((off**2).sum())
    return abs(total - wcss) / max(total, 1e-3)


@claim(1e-6, "color values")
def nearest_center(
    image: NDArray[np.uint8], labels: NDArray[np.integer], centers: NDArray[np.float64]
) -> float:
    """No pixel is nearer to the center of another cluster than to that of its own."""
    of_code = _label_of_each_code(image, labels)
    code = np.flatnonzero(of_code >= 0)
    colors = np.stack([code >> 16, code >> 8 & 255, code & 255], axis=1).astype(float)
    apart = np.stack([np.sqrt(((colors - center) ** 2).sum(axis=1)) for center in centers])
    own = apart[of_code[code], np.arange(len(colors))]
    return (own - apart.min(axis=0)).max()


@claim(0, "clusters")
def clusters_in_order(centers: NDArray[np.float64], targets: NDArray[np.generic]) -> float:
    """Clusters are numbered by nearest terrain, and from dark to light within one."""
    terrain = ((centers[:, np.newaxis] - np.asarray(targets, dtype=float)) ** 2).sum(axis=2).argmin(axis=1)
    luma = np.round(centers @ np.array([0.299, 0.587, 0.114]), 6)
    rises = (np.diff(terrain) > 0) | ((np.diff(terrain) == 0) & (np.diff(luma) >= 0))
    return _count(~rises)


@claim(1e-9, "of the first")
def wcss_falls(wcss: Sequence[float]) -> float:
    """The WCSS never rises from one value to the next."""
    given = np.asarray(wcss, dtype=float)
    return max(0.0, np.diff(given, prepend=given[0]).max() / max(given[0], 1e-3))


@claim(1e-9, "of the best")
def no_start_beats_the_best(best: float, others: Sequence[float]) -> float:
    """No single start ends below the best of many starts."""
    return max(0.0, (best - min(others)) / max(best, 1e-3))


@claim(1e-9, "of the WCSS")
def two_ways_agree(first: float, second: float) -> float:
    """Clustering pixels and clustering counted colors, from the same start, end at the same WCSS."""
    return abs(first - second) / max(first, 1e-3)


# The number of clusters


@claim(1e-9, "")
def scores_in_range(silhouette: Sequence[float], agreement: Sequence[float] = ()) -> Any:
    """Every silhouette lies from -1 to 1, and every adjusted Rand index from -0.5 to 1."""
    beyond = [*(abs(s) - 1 for s in silhouette), *(max(a - 1, -0.5 - a) for a in agreement)]
    return max([0.0, *beyond])


@claim(1e-9, "")
def agreement_by_pairs(truth: NDArray[np.integer], labels: NDArray[np.integer], said: float) -> Any:
    """The adjusted Rand index is the one that counting pairs of pixels gives."""
    table = np.zeros((int(truth.max()) + 1, int(labels.max()) + 1))
    np.add.at(table, (truth.ravel(), labels.ravel()), 1)
    both, rows, columns = ((t * (t - 1) / 2).sum() for t in (table, table.sum(axis=1), table.sum(axis=0)))
    by_chance = rows * columns / (table.sum() * (table.sum() - 1) / 2)
    most = (rows + columns) / 2
    return abs(said - (1.0 if most == by_chance else (both - by_chance) / (most - by_chance)))


@claim(0, "criteria")
def the_best_is_taken(values: Sequence[dict[int, float]], taken: Sequence[int | None]) -> Any:
    """Each criterion takes the k of its best value, and of equal ones the smallest."""
    best = [next((k for k in sorted(v) if v[k] == max(v.values())), None) for v in values]
    return sum(a != b for a, b in zip(best, taken, strict=True))


@claim(0, "clusters")
def chosen_by_the_rule(chosen: int, silhouette: Sequence[float], *, elbow: int | None) -> float:
    """The chosen k is the elbow's, or, where there is none, that of the largest silhouette."""
    return abs(chosen - (elbow if elbow is not None and elbow > 1 else 2 + int(np.argmax(silhouette))))


@claim(0, "criteria")
def as_in_the_sweep(said: dict[str, Any], row: dict[str, Any]) -> float:
    """What each criterion says of this landscape is what the sweep over many seeds noted for it.

    Both come from the same code: this finds a table that is stale, not a mistake.
    """
    return sum(said[name] != row[name] for name in said)


# Regions


@claim(0, "pixels")
def regions_tile(region: NDArray[np.int64], labels: NDArray[np.integer]) -> float:
    """Every pixel is in a region, and regions part exactly where clusters do."""
    wrong = np.zeros(region.shape, dtype=bool)
    wrong[:, 1:] |= (region[:, 1:] == region[:, :-1]) != (labels[:, 1:] == labels[:, :-1])
    wrong[1:] |= (region[1:] == region[:-1]) != (labels[1:] == labels[:-1])
    return _count(wrong | (region < 1))


@claim(0, "regions")
def regions_hang_together(region: NDArray[np.int64], labels: NDArray[np.integer]) -> float:
    """There are as many regions as parts of clusters that hang together by their edges."""
    parts = sum(ndimage.label(labels == cluster)[1] for cluster in np.unique(labels[labels >= 0]))
    return abs(len(np.unique(region[region > 0])) - parts)


@claim(0, "pixels")
def boundaries_between_clusters(edges: NDArray[np.bool_], labels: NDArray[np.integer]) -> float:
    """A pixel is on a boundary exactly if a pixel beside it is in another cluster."""
    padded = np.pad(labels, 1, mode="edge")
    beside = [padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
    return _count(np.any([labels != other for other in beside], axis=0) != edges)


@claim(0, "regions")
def markers_inside(region: NDArray[np.int64], number: ArrayLike, row: ArrayLike, col: ArrayLike) -> float:
    """The marker of every region is a pixel of that region."""
    return _count(region[np.asarray(row, dtype=int), np.asarray(col, dtype=int)] != number)


@claim(0, "pixels")
def areas_count_pixels(region: NDArray[np.int64], number: ArrayLike, area: ArrayLike) -> float:
    """The area of every region is its number of pixels."""
    counted = np.bincount(region.ravel(), minlength=int(np.asarray(number).max(initial=0)) + 1)
    return np.abs(counted[np.asarray(number, dtype=int)] - np.asarray(area)).max(initial=0)


@claim(0, "regions")
def nothing_small_is_left(region: NDArray[np.int64], min_area: int) -> float:
    """After merging, no region of a picture without masked pixels is too small, unless all are."""
    areas = np.bincount(region.ravel())[1:]
    small = _count(areas < min_area)
    return small if small < len(areas) else 0


# Space and color (chapter 6)


@claim(0, "clusters")
def names_by_majority(
    truth: NDArray[np.integer], labels: NDArray[np.integer], named: NDArray[np.integer]
) -> float:
    """Each cluster has one name, and no other terrain is more frequent in it."""
    wrong = 0
    for cluster in np.unique(labels[labels >= 0]):
        inside = truth[labels == cluster]
        names = np.unique(named[labels == cluster])
        most = max(np.count_nonzero(inside == terrain) for terrain in np.unique(inside))
        wrong += int(len(names) != 1 or np.count_nonzero(inside == names[0]) < most)
    return wrong


@claim(1e-9, "")
def overlap_by_counting(
    truth: NDArray[np.integer], named: NDArray[np.integer], said: Sequence[float]
) -> float:
    """The overlap of each terrain is its pixels on both maps over its pixels on either, 1 where it is on neither."""
    off = 0.0
    for terrain, value in enumerate(said):
        both = _count((truth == terrain) & (named == terrain))
        either = _count((truth == terrain) | (named == terrain))
        off = max(off, abs(value - (both / either if either else 1.0)))
    return off


@claim(1e-9, "")
def boundaries_by_growing(
    truth: NDArray[np.integer], labels: NDArray[np.integer], tolerance: int, said: Sequence[float]
) -> float:
    """Precision, recall and F1 of the boundaries are those that growing them by a disc gives."""
    true, found = (_edges(part) for part in (truth, labels))
    y, x = np.mgrid[-tolerance : tolerance + 1, -tolerance : tolerance + 1]
    disc = x**2 + y**2 <= tolerance**2
    precision = (ndimage.binary_dilation(true, disc) & found).sum() / max(found.sum(), 1)
    recall = (ndimage.binary_dilation(found, disc) & true).sum() / max(true.sum(), 1)
    if not true.any() and not found.any():
        precision = recall = 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return max(abs(a - b) for a, b in zip(said, (precision, recall, f1), strict=True))


@claim(0, "pixels")
def pieces_cover(pieces: Sequence[NDArray[np.integer]]) -> float:
    """Every pixel is in a piece, and each piece of neighbors hangs together, by edges or by corners."""
    wrong = 0
    for piece in pieces:
        wrong += _count(piece < 0)
        # Where pieces hang together there are as many parts as pieces.
        parts = sum(
            ndimage.label(piece[where] == number, np.ones((3, 3)))[1]
            for number, where in enumerate(ndimage.find_objects(piece + 1))
            if where is not None
        )
        wrong += abs(parts - len(np.unique(piece[piece >= 0])))
    return wrong


# Other clusterings (chapter 7)


@claim(0, "clusters")
def cuts_are_nested(cuts: Sequence[NDArray[np.integer]]) -> float:
    """Of each two cuts of the tree, every cluster of the finer lies in one cluster of the coarser."""
    split = 0
    for coarser, finer in itertools.pairwise(cuts):
        pairs = set(zip(finer.tolist(), coarser.tolist(), strict=True))
        split += len(pairs) - len(set(finer.tolist()))
    return split


@claim(1e-6, "of the WCSS")
def joins_cost_what_they_add(
    points: NDArray[np.float64], cuts: Sequence[NDArray[np.integer]], heights: NDArray[np.float64]
) -> float:
    """The height of each join is the root of twice the squares that it adds to the WCSS."""
    squares = [
        sum(
            float(((part - part.mean(axis=0)) ** 2).sum())
            for part in (points[cut == c] for c in np.unique(cut))
        )
        for cut in cuts
    ]
    added = -np.diff(squares)
    said = [heights[-len(np.unique(cut))] ** 2 / 2 for cut in cuts[:-1]]
    off = [abs(a - b) for a, b in zip(added, said, strict=True)]
    return max(off, default=0.0) / max(squares[0], 1e-3) if squares else 0.0


@claim(0, "colors")
def core_points_by_counting(
    values: NDArray[np.float64], counts: NDArray[np.int64], radius: float, least: int, core: NDArray[np.bool_]
) -> float:
    """A color is a core point exactly if enough pixels have colors within the radius."""
    wrong = 0
    for value, said in zip(values, core, strict=True):
        near = ((values - value) ** 2).sum(axis=1) <= radius**2
        wrong += int((counts[near].sum() >= least) != said)
    return wrong


@claim(1e-9, "")
def memberships_add_up(membership: NDArray[np.float64]) -> Any:
    """The memberships of each color in all clouds add up to 1, and none is negative."""
    return max(float(np.abs(membership.sum(axis=1) - 1).max()), -float(membership.min()))


# Fewer dimensions (chapter 8)


@claim(1e-9, "")
def axes_at_right_angles(axes: NDArray[np.float64]) -> Any:
    """Principal axes are at right angles, and each is one unit long."""
    return np.abs(axes @ axes.T - np.eye(len(axes))).max()


@claim(1e-9, "of the variance")
def loss_is_what_is_left(
    points: NDArray[np.float64], rebuilt: NDArray[np.float64], kept: NDArray[np.float64]
) -> float:
    """What is lost on the points that axes were found from is the variance along the axes that were dropped."""
    whole = float(((points - points.mean(axis=0)) ** 2).sum())
    lost = float(((points - rebuilt) ** 2).sum())
    return abs(lost - (whole - float(kept.sum()) * (len(points) - 1))) / max(whole, 1e-12)


@claim(1e-6, "dB")
def quality_by_squares(image: NDArray[np.uint8], other: NDArray[np.uint8], said: float) -> float:
    """The PSNR is ten times the logarithm of the largest possible squared error over the mean one."""
    squares = sum(
        int(((a.astype(int) - b) ** 2).sum()) for a, b in zip(image, other.astype(int), strict=True)
    )
    most = 60.0
    return abs(said - min(most, 10 * math.log10(255**2 * image.size / squares) if squares else most))


@claim(0, "values")
def tiles_fit_together(image: NDArray[np.uint8], again: NDArray[np.uint8]) -> float:
    """Cut into patches and put together again, the picture is the same."""
    return _count(image != again)


@claim(0, "bytes")
def bytes_as_counted(numbers: NDArray[np.uint8], said: int) -> float:
    """What was packed takes as many bytes as were counted, and unpacks to what it was."""
    packed = zlib.compress(np.ascontiguousarray(numbers).tobytes(), 9)
    lost = _count(np.frombuffer(zlib.decompress(packed), dtype=np.uint8) != numbers.ravel())
    return abs(len(packed) - said) + lost


@claim(1e-9, "")
def winners_are_nearest(
    points: NDArray[np.float64], cells: NDArray[np.float64], winner: NDArray[np.integer]
) -> Any:
    """The cell that wins a pixel is the one whose color is nearest."""
    off = ((points - cells[winner]) ** 2).sum(axis=1)
    return max(float((off - ((points - cell) ** 2).sum(axis=1)).max()) for cell in cells)


# The odd ones out (chapter 9)


@claim(0, "pixels")
def planted_where_marked(
    before: NDArray[np.uint8], after: NDArray[np.uint8], kinds: NDArray[np.integer]
) -> float:
    """The picture was changed exactly where something was planted."""
    return _count((before != after).any(axis=-1) != (kinds > 0))


@claim(0, "colors")
def one_score_per_color(image: NDArray[np.uint8], scores: Sequence[NDArray[Any]]) -> float:
    """A method that sees only colors gives all pixels of a color the same score."""
    _, number = np.unique(_codes(image), return_inverse=True)
    number = number.reshape(image.shape[:2])
    each = np.arange(number.max() + 1)
    highest = [np.asarray(ndimage.maximum(score, number, each)) for score in scores]
    lowest = [np.asarray(ndimage.minimum(score, number, each)) for score in scores]
    return _count(np.array(highest) != np.array(lowest))


@claim(1e-6, "")
def squared_distances_average(squared: NDArray[np.float64]) -> float:
    """With one cloud for all pixels, their squared Mahalanobis distances average to 3, the number of channels."""
    return abs(squared.sum() / squared.size - 3)


@claim(1e-9, "of the squared length")
def the_rest_is_at_right_angles(
    data: NDArray[np.float64], mean: NDArray[np.float64], rebuilt: NDArray[np.float64]
) -> Any:
    """What is rebuilt of a patch and what is left over are at right angles: their squared lengths add up."""
    whole, part, left = (
        ((a - b) ** 2).sum(axis=1) for a, b in ((data, mean), (rebuilt, mean), (data, rebuilt))
    )
    return np.abs(whole - part - left).max() / max(whole.max(), 1e-3)


@claim(0, "pixels")
def the_most_odd_are_flagged(
    scores: Sequence[NDArray[Any]], flagged: Sequence[NDArray[np.bool_]], n_flagged: int
) -> float:
    """Each method flags as many pixels as were planted, and none that it leaves has a higher score."""
    wrong = 0
    for score, flag in zip(scores, flagged, strict=True):
        wrong += abs(_count(flag) - n_flagged) + _count(score[~flag] > score[flag].min())
    return wrong


@claim(1e-9, "")
def average_precision_by_counting(
    odd: NDArray[np.bool_], scores: Sequence[NDArray[Any]], said: Sequence[float]
) -> float:
    """The average precision is the mean, over all planted pixels, of the precision at which each is found."""
    off = 0.0
    for score, value in zip(scores, said, strict=True):
        distinct, number = np.unique(score.ravel(), return_inverse=True)
        hits = np.bincount(number.ravel(), odd.ravel(), len(distinct))[::-1]
        flags = np.bincount(number.ravel(), minlength=len(distinct))[::-1]
        off = max(off, abs(value - float((hits * hits.cumsum() / flags.cumsum()).sum() / hits.sum())))
    return off


# Rules and generation (chapter 10)


@claim(0, "tiles")
def baskets_by_counting(
    terrain: NDArray[np.integer], baskets: dict[int, NDArray[np.bool_]], side: int, share: float
) -> float:
    """A terrain is in a tile's basket exactly if it covers the stated share of the tile's pixels."""
    wrong, across = 0, terrain.shape[1] // side
    for number, held in baskets.items():
        for tile in range(len(held)):
            top, left = side * (tile // across), side * (tile % across)
            covered = _count(terrain[top : top + side, left : left + side] == number)
            wrong += bool(held[tile]) != (covered >= share * side**2)
    return wrong


@claim(1e-9, "")
def rules_by_counting(baskets: dict[str, NDArray[np.bool_]], rules: Sequence[tuple[Any, ...]]) -> float:
    """The support, confidence and lift of each rule are those that counting tiles gives."""
    off = [0.0]
    for given, then, *said in rules:
        first = [all(tile) for tile in zip(*(baskets[item] for item in given), strict=True)]
        second = [all(tile) for tile in zip(*(baskets[item] for item in then), strict=True)]
        both = sum(a and b for a, b in zip(first, second, strict=True))
        support, confidence = both / len(first), both / sum(first)
        told = (support, confidence, confidence / (sum(second) / len(second)))
        off += [abs(a - b) for a, b in zip(told, said, strict=True)]
    return max(off)


@claim(1e-9, "of lift")
def shifts_leave_no_lift(lifts: NDArray[np.float64]) -> float:
    """Averaged over all shifts of one layer against the other, the lift of each pair of items is 1."""
    return np.abs(lifts.mean(axis=0) - 1).max()


@claim(0, "colors")
def colors_in_the_cube(points: NDArray[np.float64]) -> float:
    """Every generated color has its red, green and blue between the least and the most there is."""
    beyond: NDArray[np.bool_] = np.abs(points).max(axis=-1) > 1
    return _count(beyond)


@claim(1e-9, "")
def loss_by_answers(real: NDArray[np.float64], made: NDArray[np.float64], said: float) -> float:
    """The critic's loss is the mean of minus the logarithm of the probability that it gave to the right answer."""
    right = [1 / (1 + math.exp(-score)) for score in np.ravel(real)]
    right += [1 / (1 + math.exp(score)) for score in np.ravel(made)]
    return abs(-sum(map(math.log, right)) / len(right) - said)


@claim(1e-9, "color values")
def distance_by_areas(
    drawn: NDArray[np.float64],
    colors: NDArray[np.float64],
    counts: NDArray[np.integer],
    lines: NDArray[np.float64],
    said: float,
) -> float:
    """The distance to the picture is, averaged over lines, the area between the shares of colors up to each place."""
    areas = []
    for line in lines:
        one, other = np.sort(drawn @ line), np.argsort(colors @ line)
        place = np.unique(np.concatenate([one, colors @ line]))
        below = np.searchsorted(one, place, side="right") / len(one)
        added = np.concatenate([[0], np.cumsum(counts[other]) / counts.sum()])
        of_picture = added[np.searchsorted((colors @ line)[other], place, side="right")]
        areas.append(float((np.abs(below - of_picture)[:-1] * np.diff(place)).sum()))
    return abs(sum(areas) / len(areas) - said)


# A satellite image (chapter 11)


@claim(0, "pixels")
def only_data_is_clustered(mask: NDArray[np.bool_], labels: NDArray[np.integer]) -> float:
    """Pixels without data are in no cluster, and all others are in one."""
    return _count((labels < 0) != mask)


@claim(1e-9, "of the whole")
def areas_add_up(parts: ArrayLike, whole: float) -> float:
    """The areas of the parts add up to the area of all pixels that hold data."""
    return abs(float(np.sum(parts)) - whole) / max(abs(whole), 1e-300)


@claim(0, "cells")
def cells_by_majority(labels: NDArray[np.integer], cells: NDArray[np.integer], step: int) -> float:
    """Each cell of the reduced map has the label that most of its pixels have."""
    wrong = 0
    for row, col in np.ndindex(cells.shape):
        inside = labels[row * step : (row + 1) * step, col * step : (col + 1) * step]
        count = np.bincount(inside.ravel() + 1)
        wrong += int(cells[row, col] + 1 >= len(count) or count[cells[row, col] + 1] < count.max())
    return wrong


# What the last chapter says


@claim(0, "color values")
def shuffling_changes_nothing(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """Dealing out the pixels' places again leaves every center where it was."""
    return np.abs(before - after).max()


def _strips(labels: NDArray[np.integer]) -> list[slice]:
    """Return slices of rows that cover a picture: a large one is looked at a few million pixels at a time."""
    step = max(1, 4_000_000 // labels.shape[1])
    return [slice(top, top + step) for top in range(0, len(labels), step)]


def _codes(image: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return each pixel's color as a number, red first."""
    return image.astype(np.int64) @ np.array([65536, 256, 1])


def _label_of_each_code(image: NDArray[np.uint8], labels: NDArray[np.integer]) -> NDArray[np.int16]:
    """Return the cluster of each color's first pixel, (2**24,); -1 for colors that no pixel in a cluster has."""
    of_code = np.full(2**24, -1, dtype=np.int16)
    for rows in reversed(_strips(labels)):  # backwards, so that the first pixel has the last word
        inside = labels[rows] >= 0
        of_code[_codes(image[rows])[inside][::-1]] = labels[rows][inside][::-1]
    return of_code


def _means(image: NDArray[np.uint8], labels: NDArray[np.integer], n_clusters: int) -> NDArray[np.float64]:
    """Return the mean color of each cluster's pixels, (k, 3); masked pixels are left out."""
    size, total = np.zeros(n_clusters), np.zeros((n_clusters, image.shape[-1]))
    for rows in _strips(labels):
        inside = labels[rows] >= 0
        of, colors = labels[rows][inside], image[rows][inside]
        size += np.bincount(of, minlength=n_clusters)
        for c in range(image.shape[-1]):
            total[:, c] += np.bincount(of, colors[:, c].astype(float), n_clusters)
    return total / np.maximum(size, 1)[:, np.newaxis]


def _edges(labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return the pixels beside which, above, below, left or right, the label is another."""
    edges = np.zeros(labels.shape, dtype=bool)
    across, down = labels[:, 1:] != labels[:, :-1], labels[1:] != labels[:-1]
    edges[:, 1:] |= across
    edges[:, :-1] |= across
    edges[1:] |= down
    edges[:-1] |= down
    return edges


def _has_nan(value: Any) -> bool:
    """Tell whether a number, or one in a list, dict or array, is not a number."""
    if isinstance(value, dict):
        return any(map(_has_nan, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_nan, value))
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "f" and bool(np.isnan(value).any())
    return isinstance(value, float) and math.isnan(value)


def _count(where: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(where))
