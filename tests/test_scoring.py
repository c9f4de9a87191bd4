"""Names by majority and boundaries within a tolerance, on maps small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import landscape, regions, scoring, segmentation

TRUTH = np.repeat([[0] * 10 + [1] * 10], 6, axis=0)


def test_a_cluster_is_named_after_what_most_of_it_is():
    labels = np.array([[0, 0, 0, 1, 1, -1], [2, 2, 0, 1, 1, -1]])
    truth = np.array([[3, 3, 1, 0, 1, 2], [2, 2, 1, 0, 1, 2]])
    # cluster 0 holds as many of terrain 1 as of 3, and cluster 1 of 0 as of 1: the first is taken
    assert scoring.majority(labels, truth).tolist() == [[1, 1, 1, 0, 0, -1], [2, 2, 1, 0, 0, -1]]


def test_names_make_no_pixel_worse_than_any_other_naming():
    h = landscape.heights(size=64, scale=16.0, seed=3)
    truth, labels = landscape.terrain(h), segmentation.segment(landscape.colorize(h), 6).labels
    right = (scoring.majority(labels, truth) == truth).mean()
    table = np.array([[(truth[labels == c] == t).sum() for t in range(4)] for c in range(6)])
    assert right == pytest.approx(table.max(axis=1).sum() / truth.size)


@pytest.mark.parametrize(
    ("moved", "tolerance", "expected"), [(0, 0, 1), (2, 2, 1), (2, 1, 0.5), (3, 1, 0), (5, 2, 0)]
)
def test_a_boundary_counts_within_the_tolerance(moved, tolerance, expected):
    labels = np.roll(TRUTH, moved, axis=1)
    labels[:, :moved] = 0
    # a boundary is two pixels wide: moved by two, one of the two is still within one pixel
    assert scoring.boundary_f1(TRUTH, labels, tolerance) == pytest.approx((expected,) * 3)


def test_false_boundaries_cost_precision_and_missed_ones_recall():
    striped = np.repeat([[0] * 10 + [1] * 5 + [2] * 5], 6, axis=0)
    assert scoring.boundary_f1(TRUTH, striped, 0) == pytest.approx((0.5, 1, 2 / 3))
    assert scoring.boundary_f1(striped, TRUTH, 0) == pytest.approx((1, 0.5, 2 / 3))


def test_maps_without_boundaries():
    flat = np.zeros_like(TRUTH)
    assert scoring.boundary_f1(flat, flat + 3) == (1, 1, 1)
    assert scoring.boundary_f1(TRUTH, flat) == scoring.boundary_f1(flat, TRUTH) == (0, 0, 0)
    assert regions.boundaries(TRUTH).sum() == 12
