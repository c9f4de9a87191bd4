"""The vetting of landscapes: what is measured, which pass, and that the table is today's."""

from __future__ import annotations

import numpy as np
import pytest

from course.sweep import is_current, read
from helpers import landscape, regions, segmentation, selection
from sweeps import variants


def test_there_are_enough_landscapes_and_the_table_is_of_todays_code() -> None:
    assert len(variants.vetted()) >= 2000
    assert is_current(variants.TABLE), "make it anew: course classroom vet"


def test_those_that_pass_lie_in_every_band_and_others_do_not() -> None:
    rows, _ = read(variants.TABLE)
    passing = set(variants.vetted())
    for _, row in rows.iterrows():
        inside = all(band.low <= row[name] <= band.high for name, band in variants.BANDS.items())
        assert (int(row["seed"]) in passing) == inside


def test_none_of_them_is_in_the_sweep_whose_answers_everybody_has() -> None:
    rows, _ = read(selection.SWEEP)
    assert not set(variants.vetted()) & set(rows["seed"])


def test_a_row_is_what_its_words_say() -> None:
    seed = variants.vetted()[7]
    rows, _ = read(variants.TABLE)
    row = rows.set_index("seed").loc[seed]
    h = landscape.heights(seed=seed)
    image, truth = landscape.colorize(h), landscape.terrain(h)
    shares = [(truth == t).mean() for t in range(4)]
    assert row["rarest"] == pytest.approx(min(shares), abs=1e-6)
    ks, wcss = selection.wcss_curve(image, range(1, 11))
    assert row["elbow"] == selection.elbow(ks, wcss)
    seg = segmentation.segment(image, int(row["elbow"]))
    named = segmentation.nearest_terrain(seg.centers)[seg.labels]
    assert row["chosen_right"] == pytest.approx((named == truth).mean(), abs=0.002)
    areas = regions.table(seg.labels, min_area=variants.MIN_AREA)
    assert row["regions"] == pytest.approx(len(areas), abs=2)


def test_a_clear_elbow_is_clearer_than_a_faint_one() -> None:
    sharp, faint = [10, 2, 1.5, 1, 0.5, 0], [10, 7, 4.9, 3.1, 1.5, 0]
    assert variants.clarity(sharp) > variants.clarity(faint) > 0
    line = np.linspace(1, 0, 6)
    assert variants.clarity(line) == pytest.approx(0)
    assert variants.clarity([3, 3, 3]) == 0  # no curve at all
