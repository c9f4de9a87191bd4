"""Whatever the table of parameters allows runs through: every chapter, every exercise and its key, every claim.

The code of the notebooks is executed in this process, so that hundreds of settings can be tried.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from helpers import parameters
from tests.in_process import problems_of
from tests.projects import ROOT

LARGEST = 2**32 - 1
# 13 takes no parameters, and 11 none of the landscape's.
CHAPTERS = [
    path for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")) if path.name[:2] not in ("11", "13")
]
SATELLITE = next((ROOT / "notebooks").glob("11-*.ipynb"))
EXERCISES = sorted((ROOT / "exercises").glob("[0-9]*.ipynb"))
CORNERS: dict[str, dict[str, Any]] = {
    "far larger hills than the picture": {"size": 32, "scale": 8192.0, "octaves": 1, "persistence": 0.05},
    "as fine as the pixels, no blends": {
        "size": 64, "scale": 2.0, "transition_width": 0.0, "first_n_clusters": 10, "n_clusters": 10,
        "seed": LARGEST, "random_state": LARGEST, "min_area": LARGEST,
    },
    "the least scale": {"size": 33, "scale": 1.01, "octaves": 10, "lacunarity": 4.0, "persistence": 1.0},
    "wide blends, few clusters": {
        "size": 96, "scale": 96.0, "transition_width": 0.1, "first_n_clusters": 2, "n_clusters": 2,
        "min_area": 1, "seed": 12345,
    },
    "one layer as often as another": {"size": 80, "scale": 31.7, "lacunarity": 1.0, "persistence": 1.0, "seed": 1},
    "two cells": {"size": 64, "scale": 32.0, "octaves": 2, "transition_width": 0.0005, "seed": 99},
}  # fmt: skip
# Landscapes where ten starts of k-means end at other clusters than many starts, and where few pixels hold rounded blends.
HARD_FOR_KEYS: list[dict[str, Any]] = [
    {"size": 41, "scale": 8192.0, "seed": LARGEST, "random_state": 294},
    {"size": 60, "scale": 8192.0, "seed": 354005896, "random_state": 354005896},
    {"size": 55, "scale": 128.0, "seed": LARGEST},
]
# Colors lie exactly between two centers, and chapter 3's two ways of k-means part.
COLORS_BETWEEN_CENTERS = {
    "size": 37, "scale": 8191.0, "octaves": 6, "persistence": 0.08438219891957707, "lacunarity": 2.0, "seed": 5531939,
    "transition_width": 0.07519742383880297, "first_n_clusters": 10, "n_clusters": 0, "random_state": 0, "min_area": 480550,
}  # fmt: skip
IN_SHORT = ["far larger hills than the picture", "as fine as the pixels, no blends"]
corners = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in IN_SHORT else [pytest.mark.long]) for name in CORNERS]
)


def drawn_from(row: parameters.Parameter) -> st.SearchStrategy[Any]:
    """Return a strategy for a parameter's whole range, its ends often; of sizes only the small."""
    if row.name == "size":
        return st.integers(32, 96)
    ends = st.sampled_from([row.low, row.high, row.default])
    if row.type is float:
        usual = [2.0, 3.0, 8.0, 16.0, 33.3, 64.0] if row.name == "scale" else [row.default]
        return st.one_of(ends.map(float), st.sampled_from(usual), st.floats(row.low, row.high))
    within = st.integers(int(row.low or 0), int(row.high or 0))
    return st.one_of(ends, within)


any_parameters = st.fixed_dictionaries(
    {name: drawn_from(row) for name, row in parameters.TABLE.items() if row.type is not str}
)
# To shrink an example would run the course a hundred times more.
tried = settings(
    max_examples=15, deadline=None, derandomize=True, database=None,
    phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip


def problems(sources: list[Path], values: dict[str, Any]) -> list[str]:
    values = parameters.check_values(values)
    return [problem for source in sources for problem in problems_of(source, values)]


@corners
def test_chapters_run_through_in_the_corners(name: str) -> None:
    assert problems(CHAPTERS, CORNERS[name]) == []


@corners
def test_exercises_run_through_in_the_corners(name: str) -> None:
    assert problems(EXERCISES, CORNERS[name]) == []


@pytest.mark.long
@tried
@given(values=any_parameters)
@example(values=COLORS_BETWEEN_CENTERS)
def test_chapters_run_through_with_any_parameters(values: dict[str, Any]) -> None:
    assert problems(CHAPTERS, values) == []


@pytest.mark.long
@settings(tried, max_examples=25)
@example(values=HARD_FOR_KEYS[0])
@example(values=HARD_FOR_KEYS[1])
@example(values=HARD_FOR_KEYS[2])
@given(values=any_parameters)
def test_exercises_run_through_with_any_parameters(values: dict[str, Any]) -> None:
    assert problems(EXERCISES, values) == []


@pytest.mark.long
@pytest.mark.parametrize(
    "values", [{"n_clusters": k, "min_area": a, "random_state": LARGEST} for k, a in ((2, 1), (10, LARGEST))]
)
def test_the_satellite_picture_runs_through(values: dict[str, Any]) -> None:
    assert problems([SATELLITE], values) == []


@pytest.mark.long
def test_figures_are_drawn_in_a_corner() -> None:
    values = parameters.check_values(CORNERS["as fine as the pixels, no blends"])
    assert [problem for source in CHAPTERS for problem in problems_of(source, values, drawn=True)] == []


def test_a_landscape_without_any_height_is_refused() -> None:
    with pytest.raises(
        parameters.ParameterError, match=r"^scale = 1.0 is out of range; scale must be a number from 1\.01 "
    ):
        parameters.check_values({"scale": 1.0})


@pytest.mark.parametrize("visible", ["all", "one pixel"])
def test_a_picture_of_one_color_is_refused(visible: str, tmp_path: Path) -> None:
    pixels = np.full((40, 50, 4), 90, dtype=np.uint8)
    pixels[..., 3] = 255 * np.eye(40, 50, dtype=np.uint8)[::-1] * (np.arange(40) == 0)[:, None]
    if visible == "all":
        pixels[..., 3] = 255
    path = tmp_path / "single.png"
    Image.fromarray(pixels).save(path)
    (problem,) = problems_of(SATELLITE, {"image_path": str(path)})
    assert "ValueError: the picture has a single color: there is nothing to cluster (" in problem
