"""Judge a finished run: what its chapters claim, and for the default run what they found before.

Steps: hold `record.json` against what the executed notebooks recorded; judge each claim that a chapter lists
by the deviation that it measured; hold a run at the defaults against `tests/expected/`, with the tolerances
stated there.

Values are compared by name. What they mean is the chapters' matter.
"""

from __future__ import annotations

import fnmatch
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course import inline, places
from course.errors import CourseError
from course.project import Project, front_matter_of, is_woven, read_notebook, read_yaml
from course.run import Run, recorded_in
from helpers.invariants import CLAIMS, NOT_ASKED
from helpers.parameters import TABLE

INVARIANTS = "invariants"  # the name under which a chapter records what it measured


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
    """What was looked at in a run, and what is wrong: with its claims and record, or with its values."""

    untrue: list[Problem]
    unexpected: list[Problem]
    claims: int
    values: int  # held against expected ones; 0 if the run is not at the defaults

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
    recorded = run.record
    for chapter in run.manifest["chapters"]:
        notebook = read_notebook(run.notebook(chapter))
        untrue += _differences(chapter, recorded_in(notebook), recorded.get(chapter, {}), _exactly)
        untrue += judge(chapter, notebook, recorded.get(chapter, {}), all_apply=is_default(run))
        claims += len(claims_of(notebook, recorded.get(chapter, {})))
    folder = expected_folder(project)
    if is_default(run) and folder.is_dir():
        expected = read_expected(folder)
        tolerance = read_tolerances(folder)
        for chapter in run.manifest["chapters"]:
            found = _judged_apart(recorded.get(chapter, {}))
            unexpected += _differences(chapter, expected.get(chapter, {}), found, tolerance)
            values += sum(1 for _ in _flat(expected.get(chapter, {})))
    return Verdict(untrue, unexpected, claims, values)


def untrue_claims(run: Run) -> list[Problem]:
    """Return the claims of a run that do not hold."""
    found: list[Problem] = []
    for chapter, recorded in run.record.items():
        notebook = read_notebook(run.notebook(chapter))
        found += judge(chapter, notebook, recorded, all_apply=is_default(run))
    return found


def claims_of(notebook: dict[str, Any], recorded: dict[str, Any]) -> list[tuple[str, Any, float, str]]:
    """Return the claims that were asked of a chapter: sentence, measured deviation, limit, unit."""
    if is_woven(notebook):
        return [(c["text"], c["off"], c["allowed"], c["unit"]) for c in inline.claims_of(notebook)]
    measured = recorded.get(INVARIANTS, {})
    known = [(CLAIMS[name], measured.get(name)) for name in listed_claims(notebook) if name in CLAIMS]
    return [(claim.text, off, claim.allowed, claim.unit) for claim, off in known]


def judge(chapter: str, notebook: dict[str, Any], recorded: dict[str, Any], all_apply: bool) -> list[Problem]:
    """Return what is wrong with the claims of an executed chapter."""
    if not is_woven(notebook):
        return judge_claims(chapter, listed_claims(notebook), recorded.get(INVARIANTS, {}), all_apply)
    if "claims" in notebook["metadata"]["course"] and "course_run" not in notebook["metadata"]:
        return [Problem(chapter, "claims", "measured claims", "nothing measured")]
    return [
        Problem(chapter, text, f"at most {allowed:g} {unit}".rstrip(), off, off)
        for text, off, allowed, unit in claims_of(notebook, recorded)
        if not 0 <= off <= allowed
    ]


def listed_claims(notebook: dict[str, Any]) -> list[str]:
    """Return the claims that a chapter's front matter lists; none if it has no front matter."""
    cells = notebook["cells"]
    has_front_matter = bool(cells) and cells[0]["cell_type"] == "raw"
    return list(front_matter_of(notebook, "the run").get("claims", [])) if has_front_matter else []


def judge_claims(chapter: str, listed: list[str], measured: dict[str, Any], all_apply: bool) -> list[Problem]:
    """Return what is wrong with a chapter's claims: not measured, not listed, unknown, or off by too much.

    A claim may be recorded as `NOT_ASKED`, but not where `all_apply`: at the defaults.
    """
    problems = []
    for name in listed:
        claim, off = CLAIMS.get(name), measured.get(name)
        if claim is None:
            problems.append(Problem(chapter, name, "a claim of helpers.invariants", "an unknown name"))
        elif off == NOT_ASKED and not all_apply:
            continue
        elif not isinstance(off, int | float) or isinstance(off, bool):
            found = "nothing measured" if off is None else off
            problems.append(Problem(chapter, name, f"a measured deviation ({claim.text})", found))
        elif not 0 <= off <= claim.allowed:
            limit = f"at most {claim.allowed:g} {claim.unit}".rstrip()
            problems.append(Problem(chapter, f"{name} ({claim.text})", limit, off, off))
    extra = [name for name in measured if name not in listed]
    return problems + [Problem(chapter, n, "a name listed in the front matter", "not listed") for n in extra]


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
        raise CourseError(f"{run.folder}: not fit to be published: {problems[0]}{more}")
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


def read_tolerances(folder: Path) -> Any:
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
    places_of = [f"{chapter}/{name}" for chapter, record in recorded for name, _ in _flat(record)]
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
    for chapter, record in run.record.items():
        wrong = judge(chapter, read_notebook(run.notebook(chapter)), record, all_apply=True)
        if wrong:
            raise CourseError(f"{run.folder}: not accepted: {wrong[0]}")
    folder = places.writable(expected_folder(project), "--accept", into=True)
    folder.mkdir(parents=True, exist_ok=True)
    kept = {chapter: _judged_apart(record) for chapter, record in run.record.items()}
    for name, content in (("record.json", kept), ("packages.json", run.manifest["packages"])):
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
            found += _differences(chapter, expected[chapter], _judged_apart(run.record[chapter]), _exactly)
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


def _judged_apart(record: dict[str, Any]) -> dict[str, Any]:
    """Return a chapter's record without the measured deviations, which have limits of their own."""
    return {name: value for name, value in record.items() if name != INVARIANTS}


def _exactly(place: str) -> Tolerance:
    return Tolerance()


def _differences(chapter: str, expected: Any, found: Any, tolerance: Any) -> list[Problem]:
    """Return the names whose values differ, nested ones by the place that differs."""
    flat_expected, flat_found = dict(_flat(expected)), dict(_flat(found))
    problems = []
    for name in {**flat_expected, **flat_found}:
        limit = tolerance(f"{chapter}/{name}")
        if limit.anything:
            continue
        if name not in flat_found or name not in flat_expected:
            a, b = (values.get(name, "nothing") for values in (flat_expected, flat_found))
            problems.append(Problem(chapter, name, a, b))
            continue
        a, b = flat_expected[name], flat_found[name]
        if _is_number(a) and _is_number(b):
            if not limit.allows(a, b):
                problems.append(Problem(chapter, name, a, b, abs(a - b)))
        elif a != b or type(a) is not type(b):
            problems.append(Problem(chapter, name, a, b))
    return problems


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the single values of nested ones: ``criteria.silhouette[3]``."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _flat(item, f"{name}[{index}]")
    else:
        yield name, value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _shown(value: Any) -> str:
    """Return a value for a message: text in quotes and cut short."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
    return text if len(text) <= 160 else f"{text[:157]}..."
