"""Exercises: each solution is right, each wrong answer is told what it is, whatever the seed."""

from __future__ import annotations

import ast
import contextlib
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from course import exercises as forms
from course.errors import CourseError
from course.exercises import Exercise, exercises_in, tags_of, text_of
from course.project import load, read_notebook
from helpers import check as exercises
from helpers.check import Key, judge, key, keys_of
from tests.projects import ROOT

SOURCES = sorted((ROOT / "exercises").glob("[0-9]*.ipynb"))
SMALL = {"size": 128, "scale": 32.0}
SEEDS = [5, 77]
MORE_SEEDS = [0, 3, 33, 130, 4711, 31337]
by_notebook = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def given(source: Path, seed: int, **values: Any) -> dict[str, Any]:
    """Return the values of SMALL and a seed that the notebook takes."""
    declared = next(c for c in read_notebook(source)["cells"] if "parameters" in tags_of(c))
    wanted = {**SMALL, "seed": seed, **values}
    return {name: value for name, value in wanted.items() if f"\n{name} = " in text_of(declared)}


def run_cells(
    source: Path, cells: list[dict[str, Any]], values: dict[str, Any], names: dict[str, Any]
) -> str:
    """Run the code of cells as a notebook would, in this process; return what they printed."""
    names.setdefault("__name__", "notebook")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for cell in cells:
            if cell["cell_type"] != "code":
                continue
            exec(compile(text_of(cell), source.name, "exec"), names)
            if "parameters" in tags_of(cell):
                names.update(values)
    return printed.getvalue()


def verdicts_of(source: Path, values: dict[str, Any]) -> dict[str, exercises.Verdict]:
    """Return what `check` says of the solutions."""
    exercises.verdicts.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("IPython.display.display", lambda *_, **__: None)
        run_cells(source, forms.solved(read_notebook(source))["cells"], values, {})
    return dict(exercises.verdicts)


@cache
def listed(source: Path) -> list[Exercise]:
    return exercises_in(read_notebook(source))


def test_every_chapter_has_exercises_of_its_own() -> None:
    project = load(ROOT)
    without = [chapter.name for chapter in project.chapters if project.exercises_of(chapter) is None]
    assert without == []
    own = [project.exercises_of(chapter) for chapter in project.chapters]
    assert sorted(found.name for found in own if found) == [source.stem for source in SOURCES]


@by_notebook
def test_an_exercise_has_all_its_parts(source: Path) -> None:
    notebook = read_notebook(source)
    unknown = set().union(*map(tags_of, notebook["cells"])) - forms.TAGS
    assert not unknown
    number = int(source.stem[:2])
    found = listed(source)
    assert [exercise.number for exercise in found] == [f"{number}.{i}" for i in range(1, len(found) + 1)]
    assert len(found) >= 3, f"{source.name}: {len(found)} exercises; a chapter has 3 or more"
    for exercise in found:
        for tag in ("hint", "start", "solution", "key", "guide"):
            assert exercise.tagged(tag), f"{exercise.number} has no {tag}"
        for tag in ("start", "solution"):
            assert f'check("{exercise.number}", ' in text_of(exercise.tagged(tag)[-1]), (
                f"{exercise.number}, {tag}"
            )
        assert all(
            cell["cell_type"] == "code" for cell in exercise.tagged("solution") + exercise.tagged("key")
        )
        assert all(cell["cell_type"] == "markdown" for cell in exercise.tagged("guide"))
    # Students' notebooks have no run whose values could stand in their text.
    asking = [c for c in notebook["cells"] if "{python}" in text_of(c) or "when=" in text_of(c)]
    assert all("guide" in tags_of(cell) for cell in asking)


def test_a_guide_for_every_landscape_has_blanks_and_conditions() -> None:
    guide = 'It has `{python} f"{share:.1%}"` of `all`.\n\n::: {when="share > 0.5"}\nMost: `{python} n`.\n:::\n\nEnd.'
    cell = {"cell_type": "markdown", "metadata": {"tags": ["guide"]}, "source": guide}
    (text,) = forms.guides_of(Exercise("1.1", "One", [cell]))
    assert text == "It has … of `all`.\n\nIf `share > 0.5`:\n\nMost: ….\n\nEnd."


def test_exercises_without_a_title_are_refused() -> None:
    with pytest.raises(CourseError, match="must begin with a Markdown cell of '# Exercises: "):
        forms.read_title({"cells": [{"cell_type": "code", "metadata": {}, "source": "1"}]})


@by_notebook
@pytest.mark.parametrize(
    "seed", [*SEEDS, *(pytest.param(seed, marks=pytest.mark.long) for seed in MORE_SEEDS)]
)
def test_solutions_are_right(source: Path, seed: int) -> None:
    found = verdicts_of(source, given(source, seed))
    assert list(found) == [exercise.number for exercise in listed(source)]
    assert {name: verdict.message for name, verdict in found.items() if not verdict.right} == {}


@by_notebook
def test_wrong_answers_are_told_what_they_are(source: Path) -> None:
    """Each wrong answer that a key names gets its own message on some landscape; most on the first."""
    told: set[tuple[str, str]] = set()
    named: set[tuple[str, str]] = set()
    for seed in [*SEEDS, *MORE_SEEDS]:
        if named and named == told:
            break
        for name, known in keys_of(int(source.stem[:2]), given(source, seed)).items():
            taken: list[Any] = [known.answer]
            for wrong in known.wrong:
                named.add((name, wrong.message))
                if any(exercises.is_same(one, wrong.answer, known.within) for one in taken):
                    continue
                taken.append(wrong.answer)
                verdict = judge(known, wrong.answer)
                assert not verdict.right
                if verdict.message == f"not yet: {wrong.message}":
                    told.add((name, wrong.message))
                assert verdict.credit == wrong.credit or verdict.message != f"not yet: {wrong.message}"
    assert named - told == set()


def test_a_forgotten_k_is_noticed_on_the_default_landscape() -> None:
    """In 4.2, an elbow over a range that begins with k = 1 in place of 2 is another answer."""
    asked = keys_of(4, {})["4.2"]
    (forgotten,) = (wrong for wrong in asked.wrong if "Leave out the first k" in wrong.message)
    assert not asked.takes(asked.answer, forgotten.answer)


@by_notebook
def test_starts_are_no_answers_or_known_mistakes(source: Path) -> None:
    """What students begin with runs, and `check` says that there is no answer yet, or what is wrong."""
    said: dict[str, set[str]] = {}
    for seed in SEEDS:
        values = given(source, seed)
        names: dict[str, Any] = {}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("IPython.display.display", lambda *_, **__: None)
            cells = read_notebook(source)["cells"]
            run_cells(source, [c for c in cells if tags_of(c) & {"parameters", "setup"}], values, names)
            for exercise in listed(source):
                for start in exercise.tagged("start"):
                    may_raise = "raises-exception" in tags_of(start)
                    printed = f"{exercise.number}: raises"
                    with contextlib.suppress(*([Exception] if may_raise else [])):
                        printed = run_cells(source, [start], values, names)
                    said.setdefault(exercise.number, set()).add(printed.strip())
    foreseen = "not by a mistake that is known"
    for number, lines in said.items():
        assert not any(line.endswith(": right.") for line in lines), f"{number}: its start is right already"
        assert not any(foreseen in line for line in lines), f"{number}: {lines}"


@by_notebook
def test_a_solution_needs_no_more_than_a_student_has(source: Path) -> None:
    """A name that only the keys or the guides import would be missing in a student's notebook."""
    theirs: set[str] = set()
    other: set[str] = set()
    for cell in read_notebook(source)["cells"]:
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse(text_of(cell))
        imported = {
            (alias.asname or alias.name).partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        if tags_of(cell) & {"key", "guide"}:
            other |= imported
        else:
            theirs |= imported
        if "solution" in tags_of(cell):
            used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            assert not used & (other - theirs)


@by_notebook
def test_a_student_gets_no_solution(source: Path) -> None:
    notebook = read_notebook(source)
    text = json.dumps(forms.for_students(notebook))
    for exercise in listed(source):
        for tag in ("solution", "guide", "key"):
            for cell in exercise.tagged(tag):
                assert json.dumps(text_of(cell)) not in text
        assert exercise.title in text
    assert "key(" not in text


def known(answer: Any, **more: Any) -> Key:
    """Return a key as a cell would make it."""
    exercises._collected.clear()
    key("1.1", answer, **more)
    return exercises._collected["1.1"]


@pytest.mark.parametrize(
    ("right", "answer", "says"),
    [
        (4, 4, "right."),
        (4, 4.0, "right."),
        (4, True, "the answer is a number, and this is True or False."),
        (4, "4", "the answer is a number, and this is a text."),
        (0.25, 25.0, "this is in percent."),
        (0.25, -0.25, "the sign is the other one."),
        (0.00250, 0.02, "not by a mistake that is known here"),  # and no percent
        (0.2534, 0.3, "close, but off by more than 0.01. Was something rounded too early?"),
        (0.0234, 0.0, "close, but off by more than 0.01."),
        (120.5678, 100.0, "not by a mistake that is known here"),
        (120.5678, 121, "close, but off by more than 0.01."),
        (0.25, 0.28, "not by a mistake that is known here"),
        (0.25, 0.9, "not by a mistake that is known here"),
        ([120, 30], [30, 120], "the wrong way round"),
        ([1, 2, 3], [3, 1, 2], "in another order"),
        ([1, 2, 3], [1, 2, 4], ": the third of the 3 parts is not right."),
        ([1, 2, 3], [2, 2, 4], ": the first and the third of the 3 parts are not right."),
        ([*range(12)], [*range(11), 0], "number 12 of the 12 parts is not right."),
        (["a", [1, 2]], ["a", [1, 3]], ": the second of the 2 parts is not right."),
        ([1, 2, 3], [1, 2], "the answer has 3 parts, and this has 2."),
        ([0.25, 0.5], [25.0, 50.0], "this is in percent."),
        ([0.25, 3], [-0.25, 3], "the sign is the other one."),
        ([0.2534, 0.5], [0.3, 0.5], "close, but the first of the 2 parts is off by more than 0.01."),
        ("water", " Water ", "right."),
        ("water", "grass", "not by a mistake that is known"),
        (True, True, "right."),
        (True, 1, "the answer is True or False, and this is a number."),
        ({"a": 1}, {"a": 1.0}, "right."),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, ": b of the 2 parts is not right."),
        ({"a": 1, "b": 2}, {"a": 1}, ": b of the 2 parts is not right."),
        ({"a": 1}, {"a": 1, "c": 3}, ": c of the 2 parts is not right."),
        ({"a": 0.2534, "b": 2}, {"a": 25.34, "b": 2}, "this is in percent."),
        (1, [], "the answer is a number, and this is a list."),
        (4, None, "no answer."),
    ],
)
def test_an_answer_is_told_what_kind_of_wrong_it_is(right: Any, answer: Any, says: str) -> None:
    assert says in judge(known(right, within=0.01 if "0." in str(right) else 0), answer).message


def test_a_tolerance_may_be_a_share_of_the_number() -> None:
    made = known([1000.0, 2.0], relative=0.01, wrong={"halves": ([500.0, 1.0], 0.5)})
    assert judge(made, [1009.0, 2.01]).right
    assert judge(made, [504.0, 1.0]).message == "not yet: halves"
    assert judge(made, [1009.0, 2.3]).message == "not yet: the second of the 2 parts is not right."
    assert (
        "off by more than 0.01 of its value"
        in judge(known([1034.0, 2.0], relative=0.01), [1000.0, 2.0]).message
    )


def test_of_two_equal_wrong_answers_the_first_counts_and_the_right_one_wins() -> None:
    made = known(4, wrong={"the right one": (4, 0.5), "first": (7, 0.5), "second": 7})
    assert judge(made, 4).right
    assert judge(made, 7).message == "not yet: first"
    assert judge(made, 7).credit == 0.5


def test_words_are_left_to_a_person() -> None:
    made = known(str, points=3)
    assert "hardly an answer" in judge(made, "Because it is so.").message
    assert judge(made, "word " * 20).message == "recorded. A person will read it."
    assert judge(made, "word " * 20).credit == 0
    assert "own words" in judge(made, 4).message


def test_check_takes_the_parameters_of_who_asks(capsys: pytest.CaptureFixture[str]) -> None:
    values = {"size": 64, "scale": 16.0, "seed": 9}
    right = keys_of(4, values)["4.1"].answer
    said = {
        f"'4.1', {right!r}": "4.1: right.",
        "'4.9', 1": "4.9: there is no such exercise; there are 4.1, ",
        "'99.1', 1": "99.1: recorded, but not checked: there are no exercises of chapter 99",
        "'4.1', ...": "4.1: no answer yet.",
        "'4.1', object()": "4.1: an answer of type object cannot be checked",
        "4.1, float('nan')": "4.1: the answer holds nan, which is no number",
        "'4.5', '\\n...\\n'": "4.5: no answer yet.",
        "'4.2 ', ...": "4.2: no answer yet.",
        "'four', 1": "four: there is no such exercise.",
    }
    names: dict[str, Any] = {**values, "check": exercises.check}
    for asked, line in said.items():
        exec(f"check({asked})", names)
        assert capsys.readouterr().out.splitlines()[-1].startswith(line)


def test_a_key_that_fails_is_named_and_the_others_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def cell(source: str, kind: str = "code", tag: str = "key") -> dict[str, Any]:
        return {"cell_type": kind, "metadata": {"tags": [tag] if kind == "code" else []}, "source": source}

    cells = [
        cell("seed = 0", tag="parameters"),
        cell("from helpers.check import key", tag="setup"),
        cell("### 77.1 One", "markdown"),
        cell("key('77.1', seed)"),
        cell("### 77.2 Two", "markdown"),
        cell("key('77.2', [][seed])"),
        cell("### 77.3 Three", "markdown"),
        cell("key('77.3', 3)"),
    ]
    (tmp_path / "77-exercises.ipynb").write_text(json.dumps({"cells": cells}), "utf-8")
    monkeypatch.setattr(exercises, "FOLDER", tmp_path)
    monkeypatch.setattr("IPython.display.display", lambda *_, **__: None)
    names: dict[str, Any] = {"seed": 5}
    exec("from helpers.check import check\ncheck('77.1', 5)\ncheck('77.3', 3)", names)
    assert capsys.readouterr().out == "77.1: right.\n77.3: right.\n"
    message = (
        r"^the key of exercise 77\.2 \(77-exercises\.ipynb, cell 6\) cannot be computed with these parameters: "
        r"IndexError: list index out of range$"
    )
    with pytest.raises(ValueError, match=message):
        exec("check('77.2', 1)", names)
    with pytest.raises(ValueError, match=message):
        keys_of(77, {"seed": 5})
