"""Judge a finished run: what its chapters claim, and for the default run what they found before.

Steps: hold `record.json` against the values in the executed notebooks; judge each claim by its measured deviation;
hold a run at the defaults against `tests/expected/`, with the tolerances stated there.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course import inline, places
from course.errors import CourseError
from course.project import Project, read_notebook, read_yaml
from course.records import pairs
from course.run import Run
from helpers.check import is_number
from helpers.parameters import TABLE


@dataclass(frozen=True)
class Problem:
    """Something that is not as it must be; `off` is how far, where it is a number."""

    chapter: str
    name: str
    expected: Any
    found: Any
    off: float | None = None

    def __str__(self) -> str:
        return f"{self.chapter}: {self.name}: expected {_shown(self.expected)}, found {_shown(self.found)}"


@dataclass(frozen=True)
class Tolerance:
    """How far a number may lie from the expected one: either limit is enough."""

    relative: float = 0.0
    absolute: float = 0.0
    anything: bool = False

    def allows(self, expected: float, found: float) -> bool:
        return abs(expected - found) <= max(self.absolute, self.relative * abs(expected))


@dataclass(frozen=True)
class Verdict:
    """The problems of a run: with its claims and record, or with its values; and how many of each were judged."""

    untrue: list[Problem]
    unexpected: list[Problem]
    claims: int
    values: int  # 0 if the run is not at the defaults

    @property
    def problems(self) -> list[Problem]:
        return self.untrue + self.unexpected


def check(project: Project, run: Run) -> Verdict:
    """Judge a run.

    Raises
    ------
    CourseError
        If the files of expected values cannot be read.
    """
    untrue: list[Problem] = []
    unexpected: list[Problem] = []
    claims = values = 0
    found = {chapter: run.record.get(chapter, {}) for chapter in run.manifest["chapters"]}
    for chapter, recorded in found.items():
        notebook = read_notebook(run.notebook(chapter))
        untrue += _differences(chapter, inline.record_of(notebook), recorded)
        untrue += untrue_claims(chapter, notebook)
        claims += len(inline.claims_of(notebook))
    folder = expected_folder(project)
    if is_default(run) and folder.is_dir():
        expected, tolerance = read_expected(folder), read_tolerances(folder)
        for chapter, recorded in found.items():
            wanted = expected.get(chapter, {})
            unexpected += _differences(chapter, wanted, recorded, tolerance)
            values += len(list(pairs(wanted, wanted)))
    return Verdict(untrue, unexpected, claims, values)


def untrue_claims(chapter: str, notebook: dict[str, Any]) -> list[Problem]:
    """Return the claims of an executed chapter that do not hold; a problem, too, if they were not asked."""
    if "claims" in notebook["metadata"].get("course", {}) and "course_run" not in notebook["metadata"]:
        return [Problem(chapter, "claims", "measured claims", "nothing measured")]
    return [
        Problem(
            chapter, claim["text"], f"at most {claim['allowed']:g} {claim['unit']}".rstrip(), claim["off"]
        )
        for claim in inline.claims_of(notebook)
        if not (is_number(claim["off"]) and 0 <= claim["off"] <= claim["allowed"])
    ]


def refuse_what_fails(project: Project, run: Run) -> list[Problem]:
    """Raise an error if a run is not fit to be published.

    Returns
    -------
    list of Problem
        Values that are not the expected ones, where that is no fault: with other versions of the packages
        than the expected values were found with, a value may drift.

    Raises
    ------
    CourseError
        If a claim does not hold, the record is not what the notebooks recorded, or a value is not the expected
        one though the versions are the same.
    """
    verdict = check(project, run)
    drifts = bool(verdict.unexpected) and _packages(project) != run.manifest["packages"]
    problems = verdict.untrue if drifts else verdict.problems
    if problems:
        more = (
            f" (and {len(problems) - 1} more: `course check {run.folder}` lists them)" if problems[1:] else ""
        )
        meant = "" if verdict.untrue else f"; if you meant that change, `course check {run.folder} --accept`"
        raise CourseError(f"{run.folder}: not fit to be published: {problems[0]}{more}{meant}")
    return verdict.unexpected


def _packages(project: Project) -> dict[str, str]:
    """Return the versions that the expected values were found with."""
    path = expected_folder(project) / "packages.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CourseError(
            f"{path}: cannot be read ({error}); `course check RUN --accept` writes it"
        ) from None


def is_default(run: Run) -> bool:
    """Return True if a run was made with all parameters at the course's defaults.

    The notebooks of a zip have the values of the run that it was made from, which need not be these.
    """
    values = [
        value for entry in run.manifest["chapters"].values() for value in entry.get("parameters", {}).items()
    ]
    own = any(name in TABLE and value != TABLE[name].default for name, value in values)
    return not run.manifest["parameters"] and not own


def expected_folder(project: Project) -> Path:
    """Return where the expected values lie; a copy of the course without its tests has none."""
    return project.root / "tests" / "expected"


def read_expected(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the expected record: chapter, name, value."""
    try:
        return json.loads((folder / "record.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CourseError(
            f"{folder / 'record.json'}: cannot be read ({error}); `course check RUN --accept` writes it"
        ) from None


def read_tolerances(folder: Path) -> Callable[[str], Tolerance]:
    """Return a function that gives the tolerance of a value by ``chapter/name``, from `tolerances.yml`.

    The first pattern that fits counts; every entry says why.

    Raises
    ------
    CourseError
        If the file cannot be read, an entry is not well formed, or no expected value has a tolerance from it.
    """
    path = folder / "tolerances.yml"
    try:
        rules = read_yaml(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise CourseError(f"{path}: cannot be read: {error.strerror}") from None
    known = {"relative", "absolute", "anything", "why"}
    for pattern, rule in rules.items():
        if not isinstance(rule, dict) or not set(rule) <= known or not rule.get("why"):
            raise CourseError(f"{path}: {pattern}: needs a 'why', and may have {', '.join(sorted(known))}")
    recorded = read_expected(folder).items()
    places_of = [f"{chapter}/{name}" for chapter, record in recorded for name, _, _ in pairs(record, record)]
    used = {next((p for p in rules if fnmatch.fnmatchcase(place, p)), None) for place in places_of}
    for pattern in rules:
        if pattern not in used:
            raise CourseError(f"{path}: {pattern}: fits no value of record.json that is not above; delete it")

    def tolerance(place: str) -> Tolerance:
        for pattern, rule in rules.items():
            if fnmatch.fnmatchcase(place, pattern):
                limits = {name: float(rule[name]) for name in ("relative", "absolute") if name in rule}
                return Tolerance(**limits, anything=bool(rule.get("anything", False)))
        return Tolerance()

    return tolerance


def accept(project: Project, run: Run) -> Path:
    """Make the record of a default run of the whole course the expected one, and return the folder.

    Raises
    ------
    CourseError
        If the run is not one of the whole course at its defaults, or its own claims do not hold.
    """
    if not is_default(run) or [c.name for c in project.parts] != list(run.manifest["chapters"]):
        raise CourseError(f"{run.folder}: only a run of the whole course at its defaults can be accepted")
    for chapter in run.record:
        if wrong := untrue_claims(chapter, read_notebook(run.notebook(chapter))):
            raise CourseError(f"{run.folder}: not accepted: {wrong[0]}")
    folder = places.writable(expected_folder(project), "--accept", into=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("record.json", run.record), ("packages.json", run.manifest["packages"])):
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def drift(project: Project, run: Run) -> list[Problem]:
    """Return every value of a default run that is not exactly the expected one, with how far it is off."""
    if not is_default(run):
        raise CourseError(f"{run.folder}: drift is measured on a run at the defaults")
    expected = read_expected(expected_folder(project))
    found = []
    for chapter in expected:
        if chapter not in run.manifest["chapters"]:
            found.append(Problem(chapter, "(the chapter)", "a finished chapter", "not in this run"))
        else:
            found += _differences(chapter, expected[chapter], run.record[chapter])
    return found


def as_markdown(problems: list[Problem]) -> str:
    """Return drifted values as a Markdown table."""
    lines = ["| chapter | name | expected | found | difference |", "|:--|:--|--:|--:|--:|"]
    for p in problems:
        cells = [
            p.chapter,
            f"`{p.name}`",
            _shown(p.expected),
            _shown(p.found),
            f"{p.off:.2g}" if p.off else "",
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def _exactly(place: str) -> Tolerance:
    return Tolerance()


def _differences(
    chapter: str, expected: Any, found: Any, tolerance: Callable[[str], Tolerance] = _exactly
) -> list[Problem]:
    """Return the names whose values differ, nested ones by the place that differs."""
    problems = []
    for name, a, b in pairs(expected, found):
        limit = tolerance(f"{chapter}/{name}")
        if limit.anything:
            continue
        if is_number(a) and is_number(b):
            if not limit.allows(a, b):
                problems.append(Problem(chapter, name, a, b, abs(a - b)))
        elif a != b or type(a) is not type(b):
            problems.append(Problem(chapter, name, a, b))
    return problems


def _shown(value: Any) -> str:
    """Return a value for a message: text in quotes and cut short."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
    return text if len(text) <= 160 else f"{text[:157]}..."
