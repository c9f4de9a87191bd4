"""The engine: what it evaluates, in which state, what it keeps, and what stops it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from papermill.execute import execute_notebook

from course import inline
from course.engine import check_parameters
from course.inline import WeaveError
from helpers.parameters import ParameterError
from tests.projects import ROOT

PARAMETERS = "seed = 0\nsize = 64"


def notebook(*cells: tuple[str, str], parameters: str = PARAMETERS, **about: Any) -> nbformat.NotebookNode:
    """Return a chapter: `cells` as ("md" or "code", source), after its parameters."""
    made = [nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    for kind, source in cells:
        new = nbformat.v4.new_markdown_cell if kind == "md" else nbformat.v4.new_code_cell
        made.append(new(source))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=made, metadata={"course": about, "kernelspec": kernel})


def run(made: nbformat.NotebookNode, tmp_path: Path, **parameters: Any) -> dict[str, Any]:
    """Execute a notebook with the engine, and return it as it was written."""
    out = tmp_path / "out.ipynb"
    execute_notebook(made, out, parameters, engine_name="course", progress_bar=False, cwd=str(ROOT))
    return json.loads(out.read_text(encoding="utf-8"))


@pytest.fixture
def with_claims(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let kernels find the claims of `chtest` below."""
    folder = tmp_path / "path"
    folder.mkdir()
    lines = [
        "import sys, types, claims",
        "from claims import Claim",
        "module = types.ModuleType('claims.chtest')",
        "module.RECORD = ['knee', 'scores']",
        "module.check = lambda found: [Claim('the knee is 4', abs(found.knee - 4), 0, 'k')]",
        "sys.modules['claims.chtest'] = module",
    ]
    (folder / "sitecustomize.py").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{ROOT}")


def test_a_chapter_is_woven(tmp_path: Path, with_claims: None) -> None:
    made = notebook(
        ("md", "Before: `{python} seed`."),
        ("code", "knee = 4\nscores = {'a': float('nan'), 'b': 1}"),
        (
            "md",
            '::: {when="knee is None"}\nNone.\n:::\n\nAfter: k = `{python} knee`, `{python} f"{knee / 8:.1%}"`.',
        ),
        ("code", "knee = 5"),
        (
            "code",
            '#| label: fig-line\n#| fig-cap: "A line to `{python} top`."\n#| fig-alt: "Line to `{python} top`, \\"so\\"."\n'
            "import matplotlib.pyplot as plt\nfigure, axes = plt.subplots(1, 2, figsize=(6, 2))\n"
            "axes[0].plot([0, 1])\naxes[1].imshow([[0, 1], [2, 3]])\ntop = 1",
        ),
        ("code", "knee = 4"),
        claims="chtest",
    )
    found = run(made, tmp_path, seed=7)
    cells = found["cells"]
    assert inline.resolve("`{python} seed`", cells[2]) == "7"
    assert inline.resolve(source(cells[4]), cells[4]) == "\nAfter: k = 4, 50\\.0\\%\\.".replace(
        "\\%\\.", "%."
    )
    assert inline.values_of(cells[6]) == {"top": 1}
    output = cells[6]["outputs"][0]
    assert "#010203" in "".join(output["data"]["image/svg+xml"])
    assert len(output["metadata"]["image/svg+xml"]["panels"]) == 2
    assert found["metadata"]["course_run"] == {
        "claims": [{"text": "the knee is 4", "off": 0.0, "allowed": 0, "unit": "k"}],
        "record": {"knee": 4, "scores": {"a": None, "b": 1}},
    }
    assert inline.record_of(found)["seed"] == 7


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (
            ("md", "k = `{python} nowhere`"),
            r"cell 2: `\{python\} nowhere`: NameError: name 'nowhere' is not defined",
        ),
        (("md", "k = `{python} (1 +`"), r"cell 2: `\{python\} \(1 \+`: SyntaxError"),
        (
            ("md", '::: {when="seed"}\nx\n:::'),
            'cell 2: when="seed": gives 0; a condition must be True or False',
        ),
        (
            ("code", '#| fig-alt: "`{python} seed / 0`"\n1'),
            r"cell 2: `\{python\} seed / 0`: ZeroDivisionError",
        ),
        (("md", "`{python} print`"), "does not read as text; write it as an f-string"),
    ],
)
def test_an_expression_that_fails_stops_the_run(cell: tuple[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(WeaveError, match=message):
        run(notebook(cell), tmp_path, seed=0)


def test_a_name_to_record_that_is_not_there(tmp_path: Path, with_claims: None) -> None:
    with pytest.raises(WeaveError, match=r"claims.chtest: NameError: the record keeps scores, which"):
        run(notebook(("code", "knee = 4"), claims="chtest"), tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("sead = 9", "did you mean seed"),
        ("seed = 'x'", "whole number"),
        ("size = 1", "out of range"),
        ("octaves = 2", "unknown"),
    ],
)
def test_wrong_parameters_stop_before_a_kernel_starts(given: str, message: str) -> None:
    made = notebook(("code", "1"))
    made.cells.insert(1, nbformat.v4.new_code_cell(given, metadata={"tags": ["injected-parameters"]}))
    with pytest.raises(ParameterError, match=message):
        check_parameters(made)


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])
