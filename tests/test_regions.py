"""Regions of every cluster, and a marker inside each, whatever its shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy import ndimage

from helpers import landscape, regions, segmentation

maps = arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(-1, 3))


def ring(side: int = 21) -> NDArray[np.int64]:
    """Return a ring of label 1 around a disk of label 0, in label 2."""
    y, x = np.mgrid[:side, :side] - side // 2
    distance = np.hypot(y, x)
    return np.where(distance < side / 5, 0, np.where(distance < side / 2.5, 1, 2)).astype(np.int64)


def spiral() -> NDArray[np.int64]:
    """Return a spiral of label 0, one pixel wide, in label 1."""
    rows = [
        "111111111",
        "100000001",
        "101111101",
        "101000101",
        "101010101",
        "101011101",
        "101000001",
        "101111111",
        "111111111",
    ]
    return np.array([[int(c) for c in row] for row in rows])


@given(maps)
@settings(max_examples=150, deadline=None)
def test_every_region_is_listed_and_its_marker_lies_inside(labels: NDArray[np.int64]) -> None:
    region = regions.connected(labels)
    listed = regions.table(labels)
    assert sorted(listed.index) == list(range(1, region.max() + 1))
    assert (region[listed["row"], listed["col"]] == listed.index).all()
    assert (labels[listed["row"], listed["col"]] == listed["label"]).all()
    assert listed["area"].sum() == (labels >= 0).sum()
    assert listed["area"].is_monotonic_decreasing
    if len(listed):
        assert listed["share"].sum() == pytest.approx(1)
    assert ((region > 0) == (labels >= 0)).all()


@given(maps)
@settings(max_examples=150, deadline=None)
def test_the_marker_is_the_deepest_pixel(labels: NDArray[np.int64]) -> None:
    """Against one distance transform per region, on a grid twice as fine, the border an edge."""
    region = regions.connected(labels)
    for number, row in regions.table(labels).iterrows():
        alone = np.pad(np.where(region == number, number, 0), 1)
        depth = regions._depth(alone)[1:-1, 1:-1]
        assert depth[row["row"], row["col"]] == depth[region == number].max()


@given(maps)
@settings(max_examples=100, deadline=None)
def test_regions_hang_together_by_edges_alone(labels: NDArray[np.int64]) -> None:
    region = regions.connected(labels)
    for number in range(1, region.max() + 1):
        inside = region == number
        assert len(set(labels[inside])) == 1
        assert ndimage.label(inside)[1] == 1
    touching = [(region[1:], region[:-1], labels[1:], labels[:-1])]
    touching += [(region[:, 1:], region[:, :-1], labels[:, 1:], labels[:, :-1])]
    for a, b, label_a, label_b in touching:
        assert ((a == b) == (label_a == label_b)).all()


def test_label_0_is_a_cluster_like_any_other() -> None:
    assert sorted(regions.table(ring())["label"]) == [0, 1, 2]


def test_the_markers_of_a_ring_and_a_spiral_lie_inside_where_the_centroid_does_not() -> None:
    listed = regions.table(ring()).set_index("label")
    assert not listed.loc[1, "centroid_inside"]
    assert ring()[listed.loc[1, "row"], listed.loc[1, "col"]] == 1
    wound = regions.table(spiral()).set_index("label")
    assert spiral()[wound.loc[0, "row"], wound.loc[0, "col"]] == 0


def test_small_regions_can_be_left_out_and_a_single_pixel_is_a_region() -> None:
    labels = np.zeros((9, 9), dtype=np.int64)
    labels[4, 4] = 1
    listed = regions.table(labels)
    assert list(listed["area"]) == [80, 1]
    assert tuple(listed.iloc[1][["row", "col"]]) == (4, 4)
    assert list(regions.table(labels, min_area=2)["area"]) == [80]
    assert len(regions.table(labels, min_area=81)) == 0


def test_masked_pixels_belong_to_no_region() -> None:
    labels = np.full((5, 5), -1)
    assert len(regions.table(labels)) == 0
    labels[1, 1:3] = 0
    assert list(regions.table(labels)["area"]) == [2]
    assert regions.table(labels)["share"].sum() == pytest.approx(1)


def test_terrains_are_named_by_the_labels_or_by_what_they_stand_for() -> None:
    labels = np.array([[0, 1], [1, 5]])
    assert set(regions.table(labels)["terrain"]) == {"water", "grass", "cluster 5"}
    assert set(regions.table(np.array([[0, 1]]), 1, np.array([3, 3]))["terrain"]) == {"snow"}


@given(maps, st.integers(1, 8))
@settings(max_examples=150, deadline=None)
def test_merging_leaves_no_small_region_and_no_large_one_smaller(
    labels: NDArray[np.int64], min_area: int
) -> None:
    merged = regions.merge_small(labels, min_area)
    before = regions.table(labels)
    assert ((merged == -1) == (labels == -1)).all()
    if (before["area"] >= min_area).any():
        region = regions.connected(labels)
        large = np.isin(region, before.index[before["area"] >= min_area])
        assert (merged[large] == labels[large]).all()
    else:
        assert (merged == labels).all()


def test_merging_on_a_real_label_map() -> None:
    labels = segmentation.segment(landscape.colorize(landscape.heights(256, 64.0, seed=4)), 4).labels
    merged = regions.merge_small(labels, 30)
    assert regions.table(labels)["area"].min() < 30
    assert regions.table(merged)["area"].min() >= 30


def test_boundaries_are_where_neighbors_differ() -> None:
    labels = np.zeros((4, 6), dtype=np.int64)
    labels[:, 3:] = 1
    assert (regions.boundaries(labels) == [[False, False, True, True, False, False]] * 4).all()
    assert not regions.boundaries(np.zeros((3, 3), dtype=np.int64)).any()


def test_a_masked_pixel_makes_a_boundary_too() -> None:
    labels = np.zeros((3, 3), dtype=np.int64)
    labels[1, 1] = -1
    assert regions.boundaries(labels)[0, 1]
    assert not regions.boundaries(labels)[0, 0]
