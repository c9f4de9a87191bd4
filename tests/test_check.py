"""`course check`: what it finds in a run that was broken on purpose, and that nothing broken is published."""

from __future__ import annotations

import importlib
import json
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import helpers.check
from claims import exercises
from course import check
from course.check import Problem, Tolerance
from course.errors import CourseError
from course.project import Project, load, read_notebook
from course.run import Run, _sha256, load_run
from course.stage import stage
from helpers.check import Verdict
from helpers.parameters import TABLE
from tests.projects import ROOT, course

CHAPTER = "05-from-pixels-to-a-map"
CLAIM = "Each of the k clusters has pixels"


@pytest.fixture
def copied(small_course: tuple[Project, Run], tmp_path: Path) -> tuple[Project, Run]:
    """The small run in a folder that a test may break."""
    project, run = small_course
    shutil.copytree(run.folder, tmp_path / "run")
    return project, load_run(tmp_path / "run")


def edit_json(path: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")


def edit_claim(run: Run, chapter: str, off: Any) -> None:
    """Change the deviation of the first claim of a chapter, as a wrong computation would."""
    edit_json(
        run.notebook(chapter),
        lambda notebook: notebook["metadata"]["course_run"]["claims"][0].update(off=off),
    )
    seal_run(run, chapter)


def edit_value(run: Run, chapter: str, name: str, change: Callable[[Any], Any]) -> None:
    """Change a recorded value in the executed notebook and in the record."""
    edit_json(
        run.notebook(chapter),
        lambda notebook: notebook["metadata"]["course_run"]["record"].update(
            {name: change(notebook["metadata"]["course_run"]["record"][name])}
        ),
    )
    edit_json(
        run.folder / "record.json",
        lambda record: record[chapter].update({name: change(record[chapter][name])}),
    )
    seal_run(run, chapter)


def seal_run(run: Run, chapter: str) -> None:
    """Let the manifest hold what the run itself found: it is not a run that was edited afterwards."""

    def seal(manifest: Any) -> None:
        manifest["chapters"][chapter]["output"] = _sha256(run.notebook(chapter))
        manifest["record"] = _sha256(run.folder / "record.json")

    edit_json(run.folder / "manifest.json", seal)


def problems(project: Project, run: Run) -> list[str]:
    return [str(problem) for problem in check.check(project, load_run(run.folder)).problems]


def test_the_small_run_holds(small_course: tuple[Project, Run]) -> None:
    verdict = check.check(*small_course)
    assert verdict.problems == []
    assert verdict.claims >= 40
    assert verdict.values == 0  # it is not at the defaults


def test_a_deviation_above_its_limit_is_found(copied: tuple[Project, Run]) -> None:
    project, run = copied
    edit_claim(run, CHAPTER, 2.0)
    assert problems(project, run) == [f'{CHAPTER}: {CLAIM}: expected "at most 0 clusters", found 2.0']


def test_a_false_solution_is_found(copied: tuple[Project, Run]) -> None:
    project, run = copied
    edit_claim(run, "05-exercises", 2.0)
    text = "The solution of each exercise is right by its key, made apart from it"
    assert problems(project, run) == [f'05-exercises: {text}: expected "at most 0 solutions", found 2.0']


def test_the_claim_of_exercises_names_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    found = SimpleNamespace()
    monkeypatch.setattr(helpers.check, "verdicts", {})
    (claim,) = exercises.check(found)
    assert math.isnan(claim.off)  # without a verdict nothing was right
    right, wrong = Verdict(True, 1.0, "right."), Verdict(False, 0.5, "not yet: this is in percent.")
    monkeypatch.setattr(helpers.check, "verdicts", {"4.1": right, "4.2": wrong})
    (claim,) = exercises.check(found)
    assert (claim.off, claim.allowed) == (1, 0)
    assert claim.text.endswith("; not so: 4.2 (not yet: this is in percent.)")
    monkeypatch.setattr(helpers.check, "verdicts", {"4.1": right})
    assert exercises.check(found)[0].off == 0


def test_a_chapter_whose_claims_were_not_asked_is_found(copied: tuple[Project, Run]) -> None:
    project, run = copied
    record = run.record[CHAPTER]
    edit_json(run.notebook(CHAPTER), lambda notebook: notebook["metadata"].pop("course_run"))
    edit_json(run.folder / "record.json", lambda found: found.update({CHAPTER: {}}))
    seal_run(run, CHAPTER)
    assert record
    assert any("claims" in problem and "nothing measured" in problem for problem in problems(project, run))


@pytest.mark.parametrize("value", [True, -1.0, "yes", None, [0.0], float("nan")])
def test_a_bare_true_or_anything_but_a_deviation_is_a_problem(value: Any) -> None:
    claim = {"text": "It holds", "off": value, "allowed": 1, "unit": ""}
    about = {"course": {"claims": "ch01"}, "course_run": {"claims": [claim], "record": {}}}
    assert len(check.untrue_claims("c", {"cells": [], "metadata": about})) == 1


def test_a_record_edited_by_hand_is_found(copied: tuple[Project, Run]) -> None:
    project, run = copied
    chosen = run.record["04-choosing-k"]["chosen"]
    edit_json(run.folder / "record.json", lambda record: record["04-choosing-k"].update(chosen=chosen + 1))
    assert problems(project, run) == [f"04-choosing-k: chosen: expected {chosen}, found {chosen + 1}"]
    edit_json(run.folder / "record.json", lambda record: record["04-choosing-k"].pop("chosen"))
    assert problems(project, run) == [f"04-choosing-k: chosen: expected {chosen}, found nothing"]
    edit_json(run.folder / "record.json", lambda record: record.pop("04-choosing-k"))
    assert f"04-choosing-k: chosen: expected {chosen}, found nothing" in problems(project, run)


# A run at the defaults against the expected values: a small one is passed off as such.


@pytest.fixture
def expected(copied: tuple[Project, Run]) -> tuple[Project, Run]:
    """A run that says it is at the defaults, in a course that expects just what it found."""
    project, run = copied

    def at_defaults(manifest: Any) -> None:
        manifest["parameters"] = {}
        for entry in manifest["chapters"].values():
            entry["parameters"] = {name: TABLE[name].default for name in entry["parameters"]}

    edit_json(run.folder / "manifest.json", at_defaults)
    run = load_run(run.folder)
    folder = project.root / "tests" / "expected"
    shutil.copytree(ROOT / "tests" / "expected", folder, dirs_exist_ok=True)
    check.accept(project, run)
    yield project, run
    shutil.rmtree(project.root / "tests")


def test_what_is_as_expected_passes(expected: tuple[Project, Run]) -> None:
    verdict = check.check(*expected)
    assert verdict.problems == []
    assert verdict.values > 200
    assert check.drift(*expected) == []


@pytest.mark.parametrize(
    ("chapter", "name", "change", "expected_problems"),
    [
        ("04-choosing-k", "chosen", lambda v: v + 1, 1),
        ("04-choosing-k", "wcss", lambda v: [x * (1 + 1e-8) for x in v], 0),
        ("04-choosing-k", "wcss", lambda v: [x * (1 + 1e-4) for x in v], 10),
        ("04-choosing-k", "wcss", lambda v: v[:-1], 1),
        ("02-synthetic-landscape", "largest_difference", lambda v: v + 1e-7, 0),
    ],
)  # fmt: skip
def test_a_value_is_held_within_its_tolerance(
    expected: tuple[Project, Run],
    chapter: str,
    name: str,
    change: Callable[[Any], Any],
    expected_problems: int,
) -> None:
    project, run = expected
    edit_value(run, chapter, name, change)
    found = problems(project, run)
    assert len(found) == expected_problems
    assert all(line.startswith(f"{chapter}: {name}") for line in found)
    if name == "wcss_shares" and expected_problems == 0:
        drifted = check.drift(project, load_run(run.folder))
        assert len(drifted) == 10
        assert 0 < max(p.off or 0 for p in drifted) < 1e-7


def test_a_name_that_appears_or_vanishes_is_found(expected: tuple[Project, Run]) -> None:
    project, _ = expected
    path = check.expected_folder(project) / "record.json"
    edit_json(path, lambda record: record["04-choosing-k"].update(more=1))
    edit_json(path, lambda record: record["04-choosing-k"].pop("chosen"))
    found = problems(*expected)
    assert [line.partition(": expected")[0] for line in found] == [
        "04-choosing-k: more",
        "04-choosing-k: chosen",
    ]


def test_a_value_that_drifted_with_other_versions_does_not_stop_the_site(
    expected: tuple[Project, Run], capsys: pytest.CaptureFixture[str]
) -> None:
    project, run = expected
    edit_value(run, "04-choosing-k", "chosen", lambda value: value + 1)
    with pytest.raises(CourseError, match="not fit to be published: 04-choosing-k: chosen"):
        check.refuse_what_fails(project, load_run(run.folder))
    edit_json(check.expected_folder(project) / "packages.json", lambda packages: packages.update(numpy="1.0"))
    assert [p.name for p in check.refuse_what_fails(project, load_run(run.folder))] == ["chosen"]
    stage(project, load_run(run.folder))
    assert capsys.readouterr().err.endswith("found: 1; `course check` lists them\n")
    edit_claim(run, CHAPTER, 2.0)
    with pytest.raises(CourseError, match=CLAIM):
        check.refuse_what_fails(project, load_run(run.folder))


def test_the_expected_values_were_found_with_the_locked_versions() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    for name, version in json.loads((ROOT / "tests/expected/packages.json").read_text("utf-8")).items():
        assert re.search(rf"(?m)^{name}=={re.escape(version)} ", lock), name


def test_drift_is_a_table_in_markdown() -> None:
    table = check.as_markdown([Problem("c", "a|b", 1.5, 1.75, 0.25), Problem("c", "d", "x", "y")])
    assert table.splitlines()[2:] == [
        "| c | `a\\|b` | 1.5 | 1.75 | 0.25 |",
        '| c | `d` | "x" | "y" |  |',
    ]


def test_tolerances_must_say_why(tmp_path: Path) -> None:
    (tmp_path / "tolerances.yml").write_text("'*':\n  relative: 1e-6\n", "utf-8")
    with pytest.raises(CourseError, match="needs a 'why'"):
        check.read_tolerances(tmp_path)


def test_a_tolerance_that_no_value_has_is_refused(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text('{"04-choosing-k": {"wcss": [3.0, 2.0], "knee": 4}}', "utf-8")
    rules = {f"04-choosing-k/{name}": {"absolute": 0.1, "why": "it varies"} for name in ("wcss*", "elbow")}
    (tmp_path / "tolerances.yml").write_text(json.dumps(rules), "utf-8")
    with pytest.raises(CourseError, match="04-choosing-k/elbow: fits no value of"):
        check.read_tolerances(tmp_path)
    del rules["04-choosing-k/elbow"]
    rules["04-choosing-k/wcss[[]1[]]"] = rules["04-choosing-k/wcss*"]  # the pattern above has taken it
    (tmp_path / "tolerances.yml").write_text(json.dumps(rules), "utf-8")
    with pytest.raises(CourseError, match="that is not above"):
        check.read_tolerances(tmp_path)


def test_the_first_tolerance_that_fits_counts() -> None:
    tolerance = check.read_tolerances(ROOT / "tests" / "expected")
    assert tolerance("02-synthetic-landscape/largest_difference") == Tolerance(absolute=2e-7)
    assert tolerance("04-choosing-k/chosen") == Tolerance(1e-6, 1e-9)


def test_only_a_whole_default_run_is_accepted(small_course: tuple[Project, Run]) -> None:
    with pytest.raises(CourseError, match="only a run of the whole course at its defaults"):
        check.accept(*small_course)


def test_the_expected_values_are_of_todays_chapters() -> None:
    expected = check.read_expected(ROOT / "tests" / "expected")
    assert sorted(expected) == sorted(part.name for part in load(ROOT).parts)


@pytest.mark.long
def test_a_default_run_is_as_expected(default_course: Project) -> None:
    code, out, err = course(default_course, "check")
    assert (code, err) == (0, ""), out
    assert "values are as expected" in out.splitlines()[-1]


# The command, and publishing


def test_the_command_names_what_fails_and_ends_with_1(copied: tuple[Project, Run]) -> None:
    project, run = copied
    assert course(project, "check", str(run.folder))[0] == 0
    edit_claim(run, CHAPTER, 2.0)
    code, out, err = course(project, "check", str(run.folder))
    assert code == 1
    assert out.startswith(f"{CHAPTER}: {CLAIM}")
    assert err == f"course: {run.folder}: 1 of its claims and values does not hold\n"


def test_a_run_that_fails_is_not_published(copied: tuple[Project, Run], tmp_path: Path) -> None:
    from course.site import build

    project, run = copied
    out = tmp_path / "site"
    edit_claim(run, CHAPTER, 2.0)
    with pytest.raises(CourseError, match=f"not fit to be published: {CHAPTER}: {CLAIM}"):
        build(project, load_run(run.folder), "embedded", out)
    assert not out.exists()
    build(project, load_run(run.folder), "embedded", out, judged=False)  # as the preview does
    assert (out / "index.html").is_file()


def test_it_is_quick_and_does_without_scikit_learn(small_course: tuple[Project, Run]) -> None:
    project, run = small_course
    code = "import sys, course.cli; e = course.cli.main(); print([m for m in ('sklearn', 'skimage', 'matplotlib', 'pandas') if m in sys.modules], e)"
    done = subprocess.run(
        [sys.executable, "-c", code, "check", str(run.folder)], cwd=project.root, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[] 0"


def test_every_chapter_lists_its_claims() -> None:
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        module = importlib.import_module(f"claims.{read_notebook(path)['metadata']['course']['claims']}")
        assert module.RECORD
        assert callable(module.check)


def test_claims_import_neither_the_helpers_nor_the_tool() -> None:
    for path in sorted((ROOT / "claims").glob("*.py")):
        assert not re.search(r"^(from|import) (helpers|course)\b", path.read_text("utf-8"), re.MULTILINE), (
            path
        )
