"""The table of parameters: what it accepts, what it says of the rest, and how a parameters cell is read."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from course.project import literals
from helpers import parameters
from helpers.parameters import TABLE, ParameterError

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.low is not None])
def test_range(name):
    row = TABLE[name]
    assert row.low is not None
    assert row.high is not None
    for value in (row.type(row.low), row.type(row.high)):
        assert parameters.check_value(name, value) == value
    step = 1 if row.type is int else 1e-9
    for value in (row.low - step, row.high + (step if row.type is int else 1e-6)):
        with pytest.raises(ParameterError, match=f"^{name} = .* is out of range; {name} must be a"):
            parameters.check_value(name, row.type(value))


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("seed", True, "bool"),
        ("scale", False, "bool"),
        ("image_path", True, "bool"),
        ("seed", 1000.0, "float"),
        ("seed", "7", "str"),
        ("seed", None, "NoneType"),
        ("seed", [1], "list"),
        ("seed", np.int64(3), "int64"),
        ("scale", "1e3", "str"),
        ("scale", 1j, "complex"),
        ("image_path", 5, "int"),
        ("image_path", b"x.png", "bytes"),
    ],
)
def test_wrong_type(name, value, kind):
    with pytest.raises(ParameterError, match=f"is of type {kind}; {name} must be") as error:
        parameters.check_value(name, value)
    assert "\n" not in str(error.value)


def test_an_int_is_accepted_for_a_float_and_becomes_one():
    assert type(parameters.check_value("scale", 64)) is float
    assert type(parameters.check_value("scale", np.float64(64))) is float
    assert parameters.check_value("scale", 1e3) == 1000.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_not_finite(value):
    with pytest.raises(ParameterError, match=r"is not finite; scale must be a number from 1\.01 to 8192"):
        parameters.check_value("scale", value)


@pytest.mark.parametrize("name", ["seed", "scale"])
def test_a_huge_int_is_out_of_range(name):
    with pytest.raises(ParameterError, match="out of range"):
        parameters.check_value(name, 10**400)


def test_what_is_allowed_outside_of_the_range_is_said_where_it_is():
    assert [parameters.check_value("n_clusters", k) for k in (0, 2, 10)] == [0, 2, 10]
    assert TABLE["n_clusters"].allowed == "a whole number from 2 to 10, or 0"
    message = r"^n_clusters = 1 is out of range; n_clusters must be a whole number from 2 to 10, or 0$"
    with pytest.raises(ParameterError, match=message):
        parameters.check_value("n_clusters", 1)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("sed", "seed"),
        ("scal", "scale"),
        ("n_cluster", "n_clusters"),
        ("Seed", "seed"),
        ("octave", "octaves"),
    ],
)
def test_an_unknown_name_gets_the_nearest(name, near):
    with pytest.raises(ParameterError, match=f"^unknown parameter {name} = 5; did you mean {near}[?]$"):
        parameters.check_value(name, 5)


def test_an_unknown_name_like_none_gets_the_list():
    with pytest.raises(ParameterError, match=r"^unknown parameter xyz = 'a'; known here: size, seed$"):
        parameters.check_values({"size": 64, "xyz": "a"}, known=["size", "seed"])


def test_known_limits_what_is_allowed():
    assert parameters.check_values({"seed": 1}, known=["seed"]) == {"seed": 1}
    with pytest.raises(ParameterError, match="unknown parameter size"):
        parameters.check_values({"size": 64}, known=["seed"])


def test_literals():
    source = "# Parameters\nseed = 3\nscale: float = 2.5\nimage_path = ''\nfirst_n_clusters = 7  # 2 to 10\n"
    assert literals(source) == {
        "seed": 3,
        "scale": 2.5,
        "image_path": "",
        "first_n_clusters": 7,
    }


@pytest.mark.parametrize(
    "source", ["import os", "seed = 1\nprint(seed)", "seed, size = 1, 2", "x.y = 1", "seed = other"]
)
def test_a_parameters_cell_that_does_more(source):
    with pytest.raises(ValueError, match=r"line|malformed"):
        literals(source)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_chapters_cell_equals_the_table(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    assert len(tagged) <= 1
    for cell in tagged:
        source = "".join(cell["source"])
        assert source.startswith("# Parameters of this chapter")
        for name, value in literals(source).items():
            assert name in TABLE
            assert (type(value), value) == (TABLE[name].type, TABLE[name].default), name
