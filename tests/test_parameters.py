"""The table of parameters: what it accepts, what it says of the rest, and what a chapter reads of it."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from helpers import parameters
from helpers.parameters import TABLE, ParameterError

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


# The table


# One value


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


def test_one_cluster_is_no_choice():
    assert [parameters.check_value("n_clusters", k) for k in (0, 2, 10)] == [0, 2, 10]
    with pytest.raises(ParameterError, match=r"n_clusters must be 0 \(chosen\) or from 2 to 10"):
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


# A chapter's namespace


CELL = "# Parameters of this chapter (`course params` says what each means)\n"
INJECTED = "# Parameters\n"
CHECK = "from helpers import parameters\nsettings = parameters.check(globals())"


class Session:
    """A notebook's kernel, without the kernel: cells are run, re-run and corrected."""

    def __init__(self) -> None:
        config = Config()
        config.HistoryManager.enabled = False
        self.shell = InteractiveShell(config=config)

    def run(self, *cells: str) -> Any:
        for cell in cells:
            result = self.shell.run_cell(cell, store_history=True, silent=False)
        return result

    def settings(self, *cells: str) -> dict[str, Any]:
        """Run cells and the check; return the settings, or raise what the check raised."""
        self.run(*cells)
        self.run(CHECK).raise_error()
        return dict(vars(self.shell.user_ns["settings"]))


@pytest.fixture
def session(tmp_path, monkeypatch, capsys) -> Session:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # the shell sets its own
    return Session()


def test_a_chapter_reads_its_parameters_cell(session):
    found = session.settings("import math\nother = 5", CELL + "size = 64\nseed = 3\nscale = 16")
    assert found == {"size": 64, "seed": 3, "scale": 16.0}


def test_the_injected_cell_is_read_after_it(session):
    assert session.settings(CELL + "seed = 3\nsize = 64", INJECTED + "seed = 9\n") == {"seed": 9, "size": 64}


def test_the_paths_that_papermill_injects_are_no_parameters(session):
    injected = INJECTED + 'seed = 9\nPAPERMILL_INPUT_PATH = "a.ipynb"\nPAPERMILL_OUTPUT_PATH = "b.ipynb"\n'
    assert session.settings(CELL + "seed = 3", injected) == {"seed": 9}


def test_an_unknown_name_in_the_injected_cell(session):
    with pytest.raises(ParameterError, match="unknown parameter sede = 9; did you mean seed"):
        session.settings(CELL + "seed = 3", INJECTED + "sede = 9")


def test_what_later_cells_assign_is_no_parameter(session):
    cells = [CELL + "seed = 3", CHECK, "h = 1\nsed = 4\nscale = 'text'"]
    assert session.settings(*cells, CELL + "seed = 4", "more = 2") == {"seed": 4}


def test_a_cell_that_is_run_again_with_other_values(session):
    assert session.settings(CELL + "seed = 3") == {"seed": 3}
    assert session.settings(CELL + "seed = 4") == {"seed": 4}
    with pytest.raises(ParameterError, match="seed = -1 is out of range"):
        session.settings(CELL + "seed = -1")


def test_a_misspelling_that_was_corrected_is_forgotten(session):
    with pytest.raises(ParameterError, match="unknown parameter sede"):
        session.settings(CELL + "sede = 3")
    assert session.settings(CELL + "seed = 3") == {"seed": 3}
    with pytest.raises(ParameterError, match="unknown parameter siez"):
        session.settings(INJECTED + "siez = 64")
    assert session.settings(INJECTED + "size = 64") == {"seed": 3, "size": 64}


def test_the_error_renders_as_one_line(session, capsys):
    session.run(CELL + "seed = 1.5", CHECK)
    shown = capsys.readouterr()
    assert (shown.out + shown.err).strip() == (
        "ParameterError: seed = 1.5 is of type float; seed must be a whole number from 0 to 4294967295"
    )


def test_annotated_and_typed_assignments_are_read(session):
    assert session.settings(CELL + "seed: int = 3  # type: int\nsize = 64  # pixels") == {
        "seed": 3,
        "size": 64,
    }


# A parameters cell as text


def test_literals():
    source = CELL + 'seed = 3\nscale: float = 2.5\nimage_path = ""\nshift = -1\n'
    assert parameters.literals(source) == {"seed": 3, "scale": 2.5, "image_path": "", "shift": -1}


@pytest.mark.parametrize(
    "source", ["import os", "seed = 1\nprint(seed)", "seed, size = 1, 2", "x.y = 1", "seed = other"]
)
def test_a_parameters_cell_that_does_more(source):
    with pytest.raises(ValueError, match=r"line|malformed"):
        parameters.literals(source)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_chapters_cell_equals_the_table(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    assert len(tagged) <= 1
    for cell in tagged:
        source = "".join(cell["source"])
        assert source.startswith(parameters.CELL_MARK)
        for name, value in parameters.literals(source).items():
            assert name in TABLE
            assert (type(value), value) == (TABLE[name].type, TABLE[name].default), name
