"""Every invariant holds on good data, and is seen to fail when the data are broken."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance
from skimage.metrics import peak_signal_noise_ratio
from sklearn.cluster import DBSCAN
from sklearn.covariance import EmpiricalCovariance
from sklearn.decomposition import PCA
from sklearn.metrics import average_precision_score, jaccard_score
from sklearn.mixture import GaussianMixture

from helpers import invariants, landscape, planted, regions, scoring, segmentation, selection
from helpers.exercises import Verdict

H = landscape.heights(size=96, scale=24.0, seed=3)
IMAGE = landscape.colorize(H)
TRUTH = landscape.terrain(H)
K = 5
SEG = segmentation.segment(IMAGE, K)
REGION = regions.connected(SEG.labels)
EDGES = regions.boundaries(SEG.labels)
MERGED = regions.merge_small(SEG.labels, 20)
LISTED = regions.table(MERGED, 20)
MERGED_REGION = regions.connected(MERGED)
SHARES = np.bincount(SEG.labels.ravel()) / SEG.labels.size
POINTS = np.random.RandomState(0).normal(size=(40, 3))
TURNED = PCA().fit(POINTS)
REBUILT = (POINTS - TURNED.mean_) @ TURNED.components_[:2].T @ TURNED.components_[:2] + TURNED.mean_
WINNER = cdist(POINTS, POINTS[:3]).argmin(axis=1)
JOINS = linkage(POINTS, "ward")
CUTS = [fcluster(JOINS, n, "maxclust") - 1 for n in (2, 3, 4)]
CORE = np.isin(np.arange(9), DBSCAN(eps=1.5, min_samples=3).fit(POINTS[:9]).core_sample_indices_)
SHARED = GaussianMixture(2, random_state=0).fit(POINTS).predict_proba(POINTS)
NAMED_MAP = scoring.majority(SEG.labels, TRUTH)
OVERLAP = jaccard_score(TRUTH.ravel(), NAMED_MAP.ravel(), average=None)
MASK = np.zeros(TRUTH.shape, dtype=bool)
MASK[10:30, 40:] = True
MASKED = segmentation.segment(IMAGE, K, mask=MASK)
CURVE = [float(v) for v in selection.wcss_curve(IMAGE, range(1, 8))[1]]

TILES = [TRUTH[row : row + 8, col : col + 8] for row in range(0, 96, 8) for col in range(0, 96, 8)]
BASKETS = {t: np.array([(tile == t).mean() >= 0.1 for tile in TILES]) for t in range(4)}
BOUGHT = {"a": np.array([1, 1, 0, 0], dtype=bool), "b": np.array([1, 1, 1, 0], dtype=bool)}
RULES = [(frozenset({"a"}), frozenset({"b"}), 0.5, 1.0, 4 / 3), (("b",), ("a",), 0.5, 2 / 3, 4 / 3)]
SHIFTED = np.array(
    [8 * (A @ np.roll(A, s)) / A.sum() ** 2 for A in [(np.arange(8) % 3 > 0) * 1.0] for s in range(8)]
)
SHIFTED = SHIFTED[:, np.newaxis]
DRAWN, CLOUD = (np.random.RandomState(s).uniform(0, 255, (20, 3)) for s in (0, 1))
WEIGHTS, LINES = np.arange(1, 21), np.eye(3)
DISTANCE = float(np.mean([wasserstein_distance(DRAWN @ x, CLOUD @ x, v_weights=WEIGHTS) for x in LINES]))

PLANTED, KINDS = planted.plant(IMAGE, TRUTH, 3)
ODD = KINDS > 0
BY_COLOR = PLANTED.astype(float) @ np.array([1.0, 2.0, 3.0])
SCORES = [BY_COLOR, np.arange(ODD.size).reshape(ODD.shape)]
FLAGS = [score >= np.sort(score.ravel())[-7] for score in SCORES[1:]]
AVERAGES = [average_precision_score(ODD.ravel(), score.ravel()) for score in SCORES]
SQUARED = EmpiricalCovariance().fit(IMAGE.reshape(-1, 3)).mahalanobis(IMAGE.reshape(-1, 3))
PCA_OF = PCA(2).fit(DRAWN)
FROM_TWO = PCA_OF.inverse_transform(PCA_OF.transform(DRAWN))

# For each invariant: the arguments on which it holds.
GOOD: dict[str, tuple[Any, ...]] = {
    "solutions_right": ({"4.1": Verdict(True, 1.0, "right."), "4.5": Verdict(True, 0.0, "recorded.")},),
    "heights_span": (H,),
    "terrain_by_thresholds": (H, TRUTH),
    "palette_outside_blends": (H, IMAGE, 0.06),
    "shares_sum": (SHARES,),
    "labels_cover": (SEG.labels, K),
    "one_cluster_per_color": (IMAGE, SEG.labels),
    "centers_are_means": (IMAGE, SEG.labels, SEG.centers),
    "wcss_adds_up": (IMAGE, SEG.labels, SEG.centers, SEG.wcss),
    "nearest_center": (IMAGE, SEG.labels, SEG.centers),
    "clusters_in_order": (SEG.centers, segmentation.TARGETS),
    "wcss_falls": (CURVE,),
    "no_start_beats_the_best": (100.0, [100.0, 101.0]),
    "two_ways_agree": (5.0, 5.0),
    "scores_in_range": ([0.5, -0.2], [1.0, -0.01]),
    "agreement_by_pairs": (TRUTH, SEG.labels, selection.agreement(TRUTH, SEG.labels)),
    "the_best_is_taken": ([{2: 0.1, 3: 0.7, 4: 0.7}, {}], [3, None]),
    "chosen_by_the_rule": (4, [0.1, 0.2, 0.9]),
    "as_in_the_sweep": ({"elbow": 4, "gap": None}, {"elbow": 4, "gap": None, "more": 1}),
    "regions_tile": (REGION, SEG.labels),
    "regions_hang_together": (REGION, SEG.labels),
    "boundaries_between_clusters": (EDGES, SEG.labels),
    "markers_inside": (MERGED_REGION, LISTED.index, LISTED["row"], LISTED["col"]),
    "areas_count_pixels": (MERGED_REGION, LISTED.index, LISTED["area"]),
    "nothing_small_is_left": (MERGED_REGION, 20),
    "shuffling_changes_nothing": (SEG.centers, SEG.centers.copy()),
    "cuts_are_nested": (CUTS,),
    "joins_cost_what_they_add": (POINTS, CUTS, JOINS[:, 2]),
    "core_points_by_counting": (POINTS[:9], np.ones(9, dtype=int), 1.5, 3, CORE),
    "memberships_add_up": (SHARED,),
    "axes_at_right_angles": (TURNED.components_,),
    "loss_is_what_is_left": (POINTS, REBUILT, TURNED.explained_variance_[:2]),
    "quality_by_squares": (IMAGE, IMAGE // 2, peak_signal_noise_ratio(IMAGE, IMAGE // 2)),
    "tiles_fit_together": (IMAGE, IMAGE.copy()),
    "bytes_as_counted": (IMAGE, len(zlib.compress(IMAGE.tobytes(), 9))),
    "winners_are_nearest": (POINTS, POINTS[:3], WINNER),
    "names_by_majority": (TRUTH, SEG.labels, NAMED_MAP),
    "overlap_by_counting": (TRUTH, NAMED_MAP, OVERLAP),
    "boundaries_by_growing": (TRUTH, SEG.labels, 2, scoring.boundary_f1(TRUTH, SEG.labels, 2)),
    "pieces_cover": ([REGION - 1, MERGED_REGION - 1],),
    "only_data_is_clustered": (MASK, MASKED.labels),
    "areas_add_up": ([1.5, 2.5], 4.0),
    "cells_by_majority": (MASKED.labels, regions.coarsen(MASKED.labels, 5), 5),
    "baskets_by_counting": (TRUTH, BASKETS, 8, 0.1),
    "rules_by_counting": (BOUGHT, RULES),
    "shifts_leave_no_lift": (SHIFTED,),
    "colors_in_the_cube": (np.array([[-1.0, 0.2, 1.0]]),),
    "loss_by_answers": ([3.0, -1.0], [-2.0], float(np.logaddexp(0, [-3.0, 1.0, -2.0]).mean())),
    "distance_by_areas": (DRAWN, CLOUD, WEIGHTS, LINES, DISTANCE),
    "planted_where_marked": (IMAGE, PLANTED, KINDS),
    "one_score_per_color": (PLANTED, SCORES[:1]),
    "squared_distances_average": (SQUARED,),
    "the_rest_is_at_right_angles": (DRAWN, PCA_OF.mean_, FROM_TWO),
    "the_most_odd_are_flagged": (SCORES[1:], FLAGS, 7),
    "average_precision_by_counting": (ODD, SCORES, AVERAGES),
}
NAMED: dict[str, dict[str, Any]] = {"chosen_by_the_rule": {"elbow": None}}


def changed(array: Any, place: Any, value: Any) -> np.ndarray:
    """Return a copy of an array with one entry changed."""
    copy = np.array(array)
    copy[place] = value
    return copy


def one_pixel_elsewhere() -> np.ndarray:
    """Return the labels with the first pixel in another cluster, where its color is shared by others."""
    return changed(SEG.labels, (0, 0), (SEG.labels[0, 0] + 1) % K)


# For each invariant: ways to break its data, and each must be seen.
BROKEN: dict[str, list[Callable[[], tuple[Any, ...]]]] = {
    "solutions_right": [
        lambda: ({"4.1": Verdict(True, 1.0, "right."), "4.2": Verdict(False, 0.5, "not yet")},),
    ],
    "heights_span": [lambda: (H * 0.99,), lambda: (H + 0.01,)],
    "terrain_by_thresholds": [
        lambda: (H, changed(TRUTH, (5, 5), (TRUTH[5, 5] + 1) % 4)),
        lambda: (H, (H > 0.4).astype(int) + (H > 0.6) + (H >= 0.81)),
    ],
    "palette_outside_blends": [lambda: (H, changed(IMAGE, np.unravel_index(H.argmin(), H.shape), 7), 0.06)],
    "shares_sum": [lambda: (SHARES * 1.001,), lambda: ([1.2, -0.2],)],
    "labels_cover": [
        lambda: (changed(SEG.labels, (0, 0), -1), K),
        lambda: (changed(SEG.labels, (0, 0), K), K),
        lambda: (np.where(SEG.labels == 2, 1, SEG.labels), K),
    ],
    "one_cluster_per_color": [lambda: (IMAGE, one_pixel_elsewhere())],
    "centers_are_means": [
        lambda: (IMAGE, SEG.labels, SEG.centers + 0.001),
        lambda: (IMAGE, one_pixel_elsewhere(), SEG.centers),
    ],
    "wcss_adds_up": [lambda: (IMAGE, SEG.labels, SEG.centers, SEG.wcss * 1.000001)],
    "nearest_center": [lambda: (IMAGE, one_pixel_elsewhere(), SEG.centers)],
    "clusters_in_order": [lambda: (SEG.centers[::-1], segmentation.TARGETS)],
    "wcss_falls": [lambda: ([*CURVE[:3], CURVE[2] * 1.01],)],
    "no_start_beats_the_best": [lambda: (100.0, [101.0, 99.9])],
    "two_ways_agree": [lambda: (5.0, 5.001)],
    "scores_in_range": [
        lambda: ([1.01], []),
        lambda: ([-1.01], []),
        lambda: ([0.5], [1.01]),
        lambda: ([0.0], [-0.6]),
    ],
    "agreement_by_pairs": [lambda: (TRUTH, SEG.labels, selection.agreement(TRUTH, SEG.labels) + 1e-6)],
    "the_best_is_taken": [lambda: ([{2: 0.1, 3: 0.7, 4: 0.7}], [4]), lambda: ([{2: 0.1, 3: 0.7}], [None])],
    "chosen_by_the_rule": [lambda: (3, [0.1, 0.2, 0.9])],
    "as_in_the_sweep": [
        lambda: ({"elbow": 4, "gap": None}, {"elbow": 3, "gap": None}),
        lambda: ({"elbow": 4, "gap": None}, {"elbow": 4, "gap": 1}),
    ],
    "regions_tile": [
        lambda: (changed(REGION, (0, 0), 0), SEG.labels),
        lambda: (changed(REGION, (0, 0), REGION.max() + 1), SEG.labels),
        lambda: (np.ones_like(REGION), SEG.labels),
    ],
    "regions_hang_together": [lambda: (SEG.labels + 1, SEG.labels), lambda: (REGION[:50], SEG.labels[:60])],
    "boundaries_between_clusters": [
        lambda: (changed(EDGES, (4, 4), ~EDGES[4, 4]), SEG.labels),
        lambda: (np.zeros_like(EDGES), SEG.labels),
    ],
    "markers_inside": [
        lambda: (MERGED_REGION, LISTED.index, LISTED["row"].to_numpy()[::-1], LISTED["col"].to_numpy()[::-1])
    ],
    "areas_count_pixels": [lambda: (MERGED_REGION, LISTED.index, changed(LISTED["area"], 0, 3))],
    "nothing_small_is_left": [lambda: (REGION, 20)],
    "shuffling_changes_nothing": [lambda: (SEG.centers, SEG.centers + 1e-9)],
    "cuts_are_nested": [
        lambda: ([CUTS[0], changed(CUTS[1], np.flatnonzero(CUTS[0] != CUTS[0][0])[:1], CUTS[1][0])],)
    ],
    "joins_cost_what_they_add": [
        lambda: (POINTS, CUTS, JOINS[:, 2] * 1.01),
        lambda: (POINTS, [CUTS[0], CUTS[1][::-1]], JOINS[:, 2]),
    ],
    "core_points_by_counting": [
        lambda: (POINTS[:9], np.ones(9, dtype=int), 1.5, 3, ~CORE),
        lambda: (POINTS[:9], np.ones(9, dtype=int), 1.5, 3, changed(CORE, 4, not CORE[4])),
    ],
    "memberships_add_up": [lambda: (SHARED * 1.001,), lambda: (np.array([[1.1, -0.1]]),)],
    "axes_at_right_angles": [lambda: (TURNED.components_ * 1.001,), lambda: (TURNED.components_[[0, 0]],)],
    "loss_is_what_is_left": [
        lambda: (POINTS, REBUILT, TURNED.explained_variance_[1:]),
        lambda: (POINTS, POINTS, TURNED.explained_variance_[:2]),
    ],
    "quality_by_squares": [lambda: (IMAGE, IMAGE // 2, 20.0), lambda: (IMAGE, IMAGE, 59.0)],
    "tiles_fit_together": [lambda: (IMAGE, IMAGE[::-1])],
    "bytes_as_counted": [lambda: (IMAGE, len(zlib.compress(IMAGE.tobytes(), 9)) - 1)],
    "winners_are_nearest": [lambda: (POINTS, POINTS[:3], (WINNER + 1) % 3)],
    "names_by_majority": [
        lambda: (TRUTH, SEG.labels, (NAMED_MAP + 1) % 4),
        lambda: (TRUTH, SEG.labels, changed(NAMED_MAP, (0, 0), (NAMED_MAP[0, 0] + 1) % 4)),
    ],
    "overlap_by_counting": [lambda: (TRUTH, NAMED_MAP, OVERLAP + 0.001)],
    "boundaries_by_growing": [
        lambda: (TRUTH, SEG.labels, 2, scoring.boundary_f1(TRUTH, SEG.labels, 1)),
        lambda: (TRUTH, SEG.labels, 2, (1.0, 1.0, 1.0)),
    ],
    "pieces_cover": [
        lambda: ([changed(REGION - 1, (0, 0), -1)],),
        lambda: ([SEG.labels],),  # clusters fall into many parts
    ],
    "only_data_is_clustered": [
        lambda: (MASK, SEG.labels),
        lambda: (MASK, changed(MASKED.labels, (0, 0), -1)),
    ],
    "areas_add_up": [lambda: ([1.5, 2.5], 4.001)],
    "cells_by_majority": [
        lambda: (MASKED.labels, changed(regions.coarsen(MASKED.labels, 5), (3, 3), 7), 5),
        lambda: (MASKED.labels, regions.coarsen(MASKED.labels, 5).T, 5),
    ],
    "baskets_by_counting": [
        lambda: (TRUTH, {**BASKETS, 1: changed(BASKETS[1], 5, ~BASKETS[1][5])}, 8, 0.1),
        lambda: (TRUTH, BASKETS, 8, 0.5),
        lambda: (TRUTH.T, BASKETS, 8, 0.1),
    ],
    "rules_by_counting": [
        lambda: (BOUGHT, [(*RULES[0][:2], 0.5, 1.0, 1.34)]),
        lambda: (BOUGHT, [(*RULES[0][:2], 0.5, 0.9, 4 / 3)]),
        lambda: (BOUGHT, [(*RULES[0][:2], 0.25, 1.0, 4 / 3)]),
    ],
    "shifts_leave_no_lift": [lambda: (changed(SHIFTED, (0, 0), SHIFTED[0, 0] + 1e-5),)],
    "colors_in_the_cube": [lambda: (np.array([[-1.0, 0.2, 1.0001]]),), lambda: (np.array([[0, -1.1, 0]]),)],
    "loss_by_answers": [
        lambda: ([3.0, -1.0], [-2.0], float(np.logaddexp(0, [-3.0, 1.0, 2.0]).mean())),
        lambda: ([0.0], [0.0], 0.6931),
    ],
    "distance_by_areas": [
        lambda: (DRAWN, CLOUD, WEIGHTS, LINES, DISTANCE + 1e-6),
        lambda: (DRAWN, CLOUD, WEIGHTS[::-1], LINES, DISTANCE),
    ],
    "planted_where_marked": [
        lambda: (IMAGE, IMAGE, KINDS),
        lambda: (IMAGE, PLANTED, changed(KINDS, tuple(np.argwhere(KINDS == 0)[0]), 1)),
    ],
    "one_score_per_color": [
        lambda: (PLANTED, SCORES),
        lambda: (PLANTED, [changed(BY_COLOR, tuple(np.argwhere(KINDS == planted.LAKE)[0]), 0.5)]),
    ],
    "squared_distances_average": [lambda: (SQUARED * 1.001,), lambda: (np.sqrt(SQUARED),)],
    "the_rest_is_at_right_angles": [
        lambda: (DRAWN, PCA_OF.mean_ + 1, FROM_TWO),
        lambda: (DRAWN, PCA_OF.mean_, changed(FROM_TWO, (0, 0), FROM_TWO[0, 0] + 1)),
    ],
    "the_most_odd_are_flagged": [
        lambda: (SCORES[1:], FLAGS, 8),
        lambda: ([SCORES[1][::-1]], FLAGS, 7),
    ],
    "average_precision_by_counting": [
        lambda: (ODD, SCORES, [AVERAGES[0], AVERAGES[1] + 1e-6]),
        lambda: (~ODD, SCORES, AVERAGES),
    ],
}


def test_every_invariant_is_tried_both_ways() -> None:
    assert set(GOOD) == set(BROKEN) == set(invariants.CLAIMS)


@pytest.mark.parametrize("name", GOOD)
def test_it_holds_on_good_data(name: str) -> None:
    measured, off = getattr(invariants, name)(*GOOD[name], **NAMED.get(name, {}))
    assert measured == name
    assert 0 <= off <= invariants.CLAIMS[name].allowed


@pytest.mark.parametrize(("name", "number"), [(name, i) for name in BROKEN for i in range(len(BROKEN[name]))])
def test_it_is_seen_to_fail_on_broken_data(name: str, number: int) -> None:
    _, off = getattr(invariants, name)(*BROKEN[name][number](), **NAMED.get(name, {}))
    assert off > invariants.CLAIMS[name].allowed


def test_the_elbow_comes_before_the_silhouette() -> None:
    assert invariants.chosen_by_the_rule(3, [0.1, 0.2, 0.9], elbow=3)[1] == 0
    assert invariants.chosen_by_the_rule(4, [0.1, 0.2, 0.9], elbow=1)[1] == 0
    assert invariants.chosen_by_the_rule(4, [0.1, 0.2, 0.9], elbow=3)[1] == 1


def test_a_ring_cut_in_two_but_numbered_as_one_region_is_seen() -> None:
    labels = np.array([[0, 1, 0]])
    assert invariants.regions_tile(np.array([[1, 2, 1]]), labels)[1] == 0  # no two neighbors tell
    assert invariants.regions_hang_together(np.array([[1, 2, 1]]), labels)[1] == 1


def test_what_has_nothing_to_ask_says_so() -> None:
    assert invariants.terrain_by_thresholds(None, None) == ("terrain_by_thresholds", invariants.NOT_ASKED)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("scores_in_range", ([0.5, float("nan")], [])),
        ("wcss_falls", ([1.0, float("nan"), 2.0],)),
        ("no_start_beats_the_best", (float("nan"), [1.0])),
        ("centers_are_means", (IMAGE, SEG.labels, SEG.centers * np.nan)),
        ("the_best_is_taken", ([{2: float("nan"), 3: 0.1}], [3])),
    ],
)
def test_what_is_not_a_number_never_passes(name: str, arguments: tuple[Any, ...]) -> None:
    _, off = getattr(invariants, name)(*arguments)
    assert not 0 <= off <= invariants.CLAIMS[name].allowed


def test_masked_pixels_are_left_out_of_what_is_measured_on_clusters() -> None:
    arguments = (IMAGE, MASKED.labels, MASKED.centers)
    assert invariants.centers_are_means(*arguments)[1] < 1e-9
    assert invariants.nearest_center(*arguments)[1] == 0
    assert invariants.one_cluster_per_color(*arguments[:2])[1] == 0
    assert invariants.wcss_adds_up(*arguments, MASKED.wcss)[1] < 1e-12


def test_its_own_constants_are_the_landscapes() -> None:
    assert invariants.THRESHOLDS == landscape.THRESHOLDS
    assert (invariants.PALETTE == landscape.PALETTE).all()


@pytest.mark.parametrize("name", invariants.CLAIMS)
def test_a_claim_is_a_sentence_with_a_limit(name: str) -> None:
    claim = invariants.CLAIMS[name]
    assert claim.text.endswith(".")
    assert 0 <= claim.allowed <= 1e-6
