"""What is planted is where the map says, unlike what was there, and the same on every run."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import ndimage

from helpers import landscape, planted
from helpers.planted import DEAD, LAKE, NOTHING, ROAD, STRAY

by_size = pytest.mark.parametrize("size", [32, 48, 96, 200])
by_seed = pytest.mark.parametrize("seed", range(4))
Made = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def made(size: int = 96, seed: int = 0, width: float = 0.06) -> Made:
    """Return a landscape's picture and terrain, the picture with what was planted, and the map of it."""
    heights = landscape.heights(size, size / 4, seed=seed)
    image, truth = landscape.colorize(heights, width), landscape.terrain(heights)
    return image, truth, *planted.plant(image, truth, seed)


@by_size
@pytest.mark.parametrize("width", [0, 0.06, 0.1])
def test_the_map_says_where_the_picture_was_changed(size: int, width: float) -> None:
    image, truth, after, kinds = made(size, 3, width)
    assert_array_equal((after != image).any(axis=-1), kinds != NOTHING)
    assert_array_equal(image, landscape.colorize(landscape.heights(size, size / 4, seed=3), width))
    assert (after.dtype, kinds.dtype, kinds.shape) == (np.uint8, np.int8, truth.shape)


@by_size
@by_seed
def test_all_four_kinds_are_there_and_few_and_single_pixels_are_single(size: int, seed: int) -> None:
    kinds = made(size, seed)[-1]
    assert set(np.unique(kinds)) == {NOTHING, ROAD, LAKE, DEAD, STRAY}
    assert (kinds > 0).mean() < 0.12
    around = ndimage.convolve((kinds > 0).astype(int), np.ones((3, 3), dtype=int), mode="constant")
    assert (around[kinds >= DEAD] == 1).all()


def test_colors_are_those_that_it_says() -> None:
    *_, after, kinds = made()
    assert (after[kinds == ROAD] == planted.ROAD_COLOR).all()
    assert (after[kinds == LAKE] == planted.LAKE_COLOR).all()
    assert_array_equal(np.unique(after[kinds == DEAD], axis=0), planted.DEAD_COLORS)


@by_seed
def test_a_stray_pixel_is_more_unlike_its_place_than_most_of_other_terrains_are(seed: int) -> None:
    image, truth, after, kinds = made(seed=seed)
    for row, column in np.argwhere(kinds == STRAY):
        here = image[row, column].astype(int)
        usual = np.median(np.abs(image[truth != truth[row, column]] - here).sum(axis=1))
        assert np.abs(after[row, column] - here).sum() >= usual


@pytest.mark.parametrize("size", [32, 48, 96, 200, 512])
def test_the_road_goes_from_edge_to_edge_in_one_piece(size: int) -> None:
    kinds = made(size, 5)[-1]
    parts, n = ndimage.label(kinds == ROAD, np.ones((3, 3)))
    assert n == 1
    assert (parts[:, 0] > 0).any()
    assert (parts[:, -1] > 0).any()


@by_seed
def test_the_lake_lies_on_land_away_from_the_edges(seed: int) -> None:
    _, truth, _, kinds = made(200, seed)
    lake = kinds == LAKE
    assert (truth[lake] > 0).mean() > 0.9
    assert not np.concatenate([lake[0], lake[-1], lake[:, 0], lake[:, -1]]).any()
    assert ndimage.label(lake)[1] == 1


def test_there_is_a_lake_where_there_is_no_land_and_strays_only_where_there_are_other_terrains() -> None:
    image = np.full((64, 64, 3), (20, 20, 220), dtype=np.uint8)
    after, kinds = planted.plant(image, np.zeros((64, 64), dtype=int))
    assert (kinds == LAKE).any()
    assert not (kinds == STRAY).any()
    assert_array_equal((after != image).any(axis=-1), kinds > 0)


def test_a_seed_gives_the_same_each_time_and_another_seed_something_else() -> None:
    image, truth, *first = made(seed=4)
    for one, other in zip(first, planted.plant(image, truth, 4), strict=True):
        assert_array_equal(one, other)
    assert (first[1] != planted.plant(image, truth, 5)[1]).any()


@pytest.mark.parametrize(
    ("shape", "terrain"), [((31, 40, 3), (31, 40)), ((40, 40, 3), (40, 41)), ((40, 40), (40, 40))]
)
def test_what_does_not_fit_is_refused(shape: tuple[int, ...], terrain: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="from 32 x 32 on"):
        planted.plant(np.zeros(shape, dtype=np.uint8), np.zeros(terrain, dtype=int))
