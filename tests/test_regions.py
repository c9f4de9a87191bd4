"""Boundaries, regions of every cluster, a marker inside each, and nothing small left over."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import ndimage

from helpers import landscape, regions

Labels = NDArray[np.int64]
MASKED = -1

shapes = st.tuples(st.integers(1, 6), st.integers(1, 6))
coarse_maps = hnp.arrays(np.int64, shapes, elements=st.integers(MASKED, 2), fill=st.nothing())
label_maps = st.builds(  # from single pixels to regions three pixels wide and more
    lambda labels, times: labels.repeat(times, axis=0).repeat(times, axis=1), coarse_maps, st.integers(1, 3)
)
any_map = settings(max_examples=150, deadline=None)


def neighbors(shape: tuple[int, ...], row: int, col: int) -> Iterator[tuple[int, int]]:
    for near in [(row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)]:
        if 0 <= near[0] < shape[0] and 0 <= near[1] < shape[1]:
            yield near


def plain_regions(labels: Labels) -> Labels:
    """Number the regions pixel by pixel: from 1 in reading order, 0 where masked."""
    region = np.zeros(labels.shape, dtype=np.int64)
    for start in np.ndindex(labels.shape):
        if labels[start] == MASKED or region[start]:
            continue
        region[start] = region.max() + 1
        queue = deque([start])
        while queue:
            for near in neighbors(labels.shape, *queue.popleft()):
                if labels[near] == labels[start] and not region[near]:
                    region[near] = region[start]
                    queue.append(near)
    return region


def plain_depth(inside: NDArray[np.bool_]) -> Labels:
    """Return, for one region alone, the squared distance from each pixel's middle to the square pixels outside.

    In half pixels; the picture lies in a frame of pixels that are outside.
    """
    padded = np.pad(inside, 1)
    outside = np.argwhere(~padded)
    squared = np.zeros(padded.shape, dtype=np.int64)
    for row, col in np.argwhere(padded):
        away = (2 * np.abs(outside - (row, col)) - 1).clip(min=0)
        squared[row, col] = (away**2).sum(axis=1).min()
    return squared[1:-1, 1:-1]


def ring(side: int = 31, width: int = 4) -> Labels:
    """Return a ring of label 1 around a disk of label 0, on a ground of label 0."""
    y, x = np.mgrid[:side, :side] - side // 2
    radius = np.hypot(y, x)
    return ((radius <= side // 2 - 2) & (radius > side // 2 - 2 - width)).astype(np.int64)


def spiral(turns: int = 4) -> Labels:
    """Return a square spiral of label 0, three pixels wide, with a wall of label 1 between its turns."""
    side = 8 * turns + 3
    cells = np.ones((side // 4 + 1, side // 4 + 1), dtype=int)  # what has not been walked yet
    row, col, step = 0, 0, (0, 1)
    labels = np.ones((4 * len(cells) + 1, 4 * len(cells) + 1), dtype=np.int64)
    while True:
        cells[row, col] = 0
        labels[4 * row + 1 : 4 * row + 4, 4 * col + 1 : 4 * col + 4] = 0
        for turn in (step, (step[1], -step[0])):
            ahead = row + turn[0], col + turn[1]
            if all(0 <= place < len(cells) for place in ahead) and cells[ahead]:
                low, high = sorted([(row, col), ahead])
                labels[4 * low[0] + 1 : 4 * high[0] + 4, 4 * low[1] + 1 : 4 * high[1] + 4] = 0
                (row, col), step = ahead, turn
                break
        else:
            return labels


# Boundaries and regions


@any_map
@given(label_maps)
def test_boundaries_are_the_pixels_with_another_label_beside_them(labels):
    expected = [
        any(labels[near] != labels[pixel] for near in neighbors(labels.shape, *pixel))
        for pixel in np.ndindex(labels.shape)
    ]
    assert regions.boundaries(labels).ravel().tolist() == expected


@any_map
@given(label_maps)
def test_regions_are_those_found_by_walking_from_pixel_to_pixel(labels):
    np.testing.assert_array_equal(regions.connected(labels), plain_regions(labels))


def test_label_0_is_a_cluster_like_any_other():
    labels = np.zeros((6, 9), dtype=np.int64)
    labels[:, 3:6] = 1
    np.testing.assert_array_equal(regions.connected(labels)[0], [1, 1, 1, 2, 2, 2, 3, 3, 3])
    assert regions.table(labels)["label"].value_counts().to_dict() == {0: 2, 1: 1}


# Depth and markers


@any_map
@given(label_maps)
def test_depth_is_the_distance_to_the_edge_of_each_region_taken_alone(labels):
    region, depth = plain_regions(labels), regions.depth(labels)
    for number in range(1, region.max() + 1):
        inside = region == number
        np.testing.assert_array_equal(depth[inside], np.sqrt(plain_depth(inside)[inside]) / 2)
        # A padded distance transform measures to the middle of the pixel outside: up to half a diagonal more.
        to_middle = ndimage.distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1][inside]
        assert (depth[inside] < to_middle).all()
        assert (to_middle <= depth[inside] + np.sqrt(0.5) + 1e-12).all()
    assert not depth[region == 0].any()


@any_map
@given(label_maps)
def test_the_table_has_a_row_per_region_and_the_marker_is_its_deepest_pixel(labels):
    region, listed = plain_regions(labels), regions.table(labels)
    assert sorted(listed.index) == list(range(1, region.max() + 1))
    assert listed["area"].is_monotonic_decreasing
    for number, row in listed.iterrows():
        inside = region == number
        pixels = np.argwhere(inside)
        marker = row["row"], row["col"]
        assert inside[marker]
        assert row["label"] == labels[marker]
        assert row["area"] == len(pixels)
        assert row["share"] == pytest.approx(len(pixels) / (labels != MASKED).sum())
        centroid = row["centroid_row"], row["centroid_col"]
        assert centroid == pytest.approx(tuple(pixels.mean(axis=0)))
        assert row["centroid_inside"] == inside[tuple(np.round(centroid).astype(int))]
        squared = plain_depth(inside)
        assert squared[marker] == squared.max()
        as_deep = np.argwhere(squared == squared.max())
        off_center = np.hypot(*(as_deep - centroid).T)
        assert np.hypot(*np.subtract(marker, centroid)) == pytest.approx(off_center.min())


@pytest.mark.parametrize(
    "labels",
    [ring(), ring(41, 2), spiral(), 1 - spiral(2)],
    ids=["ring", "thin ring", "spiral", "spiral wall"],
)
def test_markers_lie_inside_rings_and_spirals(labels):
    region = plain_regions(labels)
    for number, row in regions.table(labels).iterrows():
        assert region[row["row"], row["col"]] == number


def test_the_centroid_of_a_ring_lies_outside_it():
    listed = regions.table(ring())
    assert not listed[listed["label"] == 1]["centroid_inside"].item()


def test_a_picture_that_is_masked_all_over_has_no_regions():
    labels = np.full((4, 5), MASKED)
    assert regions.table(labels).empty
    assert not regions.depth(labels).any()
    np.testing.assert_array_equal(regions.merge_small(labels, 3), labels)


# What the table says


def test_regions_below_min_area_are_left_out_and_shares_stay():
    labels = np.array([[0, 1, 1, 2, 2, 2, 2]])
    listed = regions.table(labels, min_area=2)
    assert listed["area"].tolist() == [4, 2]
    assert listed["share"].tolist() == [4 / 7, 2 / 7]
    assert regions.table(labels, min_area=5).empty


def test_equal_areas_are_listed_in_reading_order():
    labels = np.arange(60).reshape(6, 10) % 7
    assert regions.table(labels)["label"].tolist() == labels.ravel().tolist()


def test_regions_are_named_after_terrains():
    labels = np.array([[0, 1, 2, 3]])
    assert regions.table(labels)["terrain"].tolist() == list(landscape.TERRAINS)
    terrain_of = np.array([0, 0, 1, 3])
    assert regions.table(labels, terrain_of=terrain_of)["terrain"].tolist() == [
        "water", "water", "grass", "snow",
    ]  # fmt: skip
    assert regions.table(np.array([[4]]))["terrain"].tolist() == ["cluster 4"]


# Merging


@any_map
@given(label_maps, st.integers(1, 30))
def test_merging_leaves_nothing_small_that_a_larger_region_can_reach(labels, min_area):
    before = labels.copy()
    merged = regions.merge_small(labels, min_area)
    np.testing.assert_array_equal(labels, before)
    np.testing.assert_array_equal(merged == MASKED, labels == MASKED)

    area = np.bincount(plain_regions(labels).ravel())
    area[0] = 0
    large = area[plain_regions(labels)] >= min_area
    np.testing.assert_array_equal(merged[large], labels[large])

    together = plain_regions(np.where(labels == MASKED, MASKED, 0))  # what the mask does not part
    within_reach = np.isin(together, together[large])
    np.testing.assert_array_equal(merged[~within_reach], labels[~within_reach])
    area = np.bincount(plain_regions(merged).ravel())
    assert (area[plain_regions(merged)[within_reach]] >= min_area).all()


def test_a_small_region_between_two_others_is_divided_at_the_middle():
    labels = np.repeat(np.array([[0] * 20 + [1] * 4 + [2] * 20]), 3, axis=0)
    merged = regions.merge_small(labels, 20)
    assert merged.tolist() == [[0] * 22 + [2] * 22] * 3


# On a landscape


@pytest.fixture(scope="module")
def terrain() -> Labels:
    return landscape.terrain(landscape.heights(256, 64.0, seed=2))


def test_merging_a_landscape_leaves_regions_of_min_area(terrain):
    assert regions.table(terrain)["area"].min() < 30
    assert regions.table(regions.merge_small(terrain, 30))["area"].min() >= 30
