"""Mark what a class handed in: run each notebook contained, compare its answers here, write feedback and gradebooks.

Steps: find whose each file is; take the results of an earlier try that still hold; run the others, several at once,
here or on the workers of a Dask scheduler; compare the answers with the key; look for answers of other landscapes;
write.

Each student's result is written as soon as it is there, so marking that was stopped goes on where it was.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from course.classroom import feedback, grade, jail
from course.classroom.make import IN_WORDS, inert, keys_in, load_key, read_title
from course.classroom.roster import Student
from course.classroom.submissions import Submission, UnreadableError, find, owners, prepare
from course.errors import CourseError
from course.project import Project, read_notebook
from course.run import processors
from course.sweep import on_dask, progress

READING = "reading.csv"
RESULT = "result.json"
UNCONTAINED = (
    "without containment a student's code can read and delete what you can, the key and your files among it, and use the "
    "network; --uncontained runs it all the same"
)


def mark(
    project: Project,
    folder: Path,
    key: Path,
    out: Path,
    *,
    limits: jail.Limits | None = None,
    contained: bool = True,
    jobs: int | None = None,
    scheduler: str | None = None,
    quiet: bool = False,
) -> list[dict[str, Any]]:
    """Mark the files in `folder`, write into `out`, and return the results.

    Parameters
    ----------
    project : Project
    folder : Path
        What was handed in, as it was downloaded from Moodle or Canvas, say.
    key : Path
        The class's key, or the folder that `make` wrote.
    out : Path
        Where feedback, report and gradebooks go.
    limits : jail.Limits, optional
        What a notebook may take.
    contained : bool
        False runs the notebooks without containment.
    jobs : int, optional
        Notebooks at a time; by default as many as there are processors.
    scheduler : str, optional
        The address of a Dask scheduler, whose workers run the notebooks.
    quiet : bool
        Show no progress.

    Raises
    ------
    CourseError
        If there is nothing to mark, if the key or the folder cannot be used, or if this machine cannot contain a program.
    """
    held, limits = load_key(key), limits or jail.Limits()
    source = _source(project, held)
    if not folder.is_dir():
        raise CourseError(f"{folder}: no folder of submissions")
    _refuse_what_is_no_marking(out, folder)
    students = held["students"]
    theirs, nobodys = owners(find(folder), folder, students)
    if not theirs:
        raise CourseError(
            f"{folder}: no file here is of a student in {key}; names of files hold the name that they were given, or the id"
        )
    reason = jail.why_not(limits) if contained and not scheduler else ""
    if reason:
        raise CourseError(f"{reason}; {UNCONTAINED}")
    out.mkdir(parents=True, exist_ok=True)
    tokens = {entry["token"]: name for name, entry in students.items()}
    found = {
        name: _begin(name, paths, folder, source, students[name], tokens, limits, contained)
        for name, paths in theirs.items()
    }
    results = {name: kept for name, work in found.items() if (kept := _kept(out, work)) is not None}
    todo = {name: work for name, work in found.items() if name not in results}
    run = (
        _on_dask(todo, scheduler, limits, contained)
        if scheduler
        else _here(todo, jobs or processors(), limits, contained)
    )
    try:
        with progress(len(found), len(results), quiet, "notebooks") as tick:
            for name, outcome in run:
                results[name] = _finish(out, found[name], students[name], outcome)
                tick()
    except KeyboardInterrupt:
        print(
            f"stopped: {len(results)} of {len(found)} notebooks are marked and kept; the same command goes on",
            file=sys.stderr,
        )
        raise
    ordered = [results[name] for name in students if name in results]
    _compare_with_others(ordered, {name: keys_in(entry) for name, entry in students.items()})
    _read(out, ordered, held["points"])
    missing = [name for name in students if name not in results]
    unknown = [path.relative_to(folder).as_posix() for path in nobodys]
    _write(out, ordered, held["points"], missing, unknown, read_title(source), students)
    return ordered


def _source(project: Project, held: dict[str, Any]) -> dict[str, Any]:
    """Return the notebook that the class's ones were made from."""
    for chapter in project.exercises:
        if chapter.name == held["chapter"]:
            return read_notebook(chapter.source)
    raise CourseError(f"the key is of {held['chapter']}, and this course has no such exercises")


def _refuse_what_is_no_marking(out: Path, folder: Path) -> None:
    if out.resolve() == folder.resolve() or out.resolve().is_relative_to(folder.resolve()):
        raise CourseError(f"--out {out}: lies in the folder of submissions; choose another")
    if (
        out.is_dir()
        and any(out.iterdir())
        and not (out / "report.html").is_file()
        and not list(out.glob(f"*/{RESULT}"))
    ):
        raise CourseError(f"--out {out} is there and holds something else; choose another")


def _begin(
    name: str,
    paths: list[Path],
    folder: Path,
    source: dict[str, Any],
    entry: dict[str, Any],
    tokens: dict[str, str],
    limits: jail.Limits,
    contained: bool,
) -> dict[str, Any]:
    """Return what is known of a student's work before it runs: its code, its hash, what is strange, what hinders."""
    path = max(
        paths,
        key=lambda p: (p.suffix == ".ipynb", 0.0 if p.is_symlink() else p.stat().st_mtime, p.as_posix()),
    )
    work: dict[str, Any] = {
        "student": name,
        "file": path.relative_to(folder).as_posix(),
        "problem": "",
        "cells": [],
        "notes": [],
    }
    try:
        made: Submission = prepare(name, path, source, entry, tokens)
        work |= {"cells": made.cells, "notes": made.notes}
    except UnreadableError as error:
        work["problem"] = str(error)
    except OSError as error:
        work["problem"] = f"it cannot be read: {error.strerror}"
    if len(paths) > 1:
        work["notes"] = [*work["notes"], f"{len(paths)} files were handed in; this is the newest notebook"]
    work["sha256"] = _sha256(path)
    depends = [code_hash(), work, entry["key"], entry["parameters"], asdict(limits), contained]
    work["made_from"] = hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()
    return work


def _sha256(path: Path) -> str:
    if path.is_symlink():
        return "a link"
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "unreadable"


@cache
def code_hash() -> str:
    """Return the SHA-256 of what marks: this package, and the helpers that judge."""
    root = Path(__file__).resolve().parent
    files = [*sorted(root.glob("*.py")), *sorted((root.parent.parent / "helpers").glob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _here(
    todo: dict[str, dict[str, Any]], jobs: int, limits: jail.Limits, contained: bool
) -> Iterator[tuple[str, jail.Outcome | None]]:
    """Yield what came of each notebook as it ends; None for one that cannot be run."""
    with ThreadPoolExecutor(jobs) as pool:
        waiting = {
            pool.submit(jail.execute, work["cells"], limits, contained=contained): name
            for name, work in todo.items()
            if not work["problem"]
        }
        yield from ((name, None) for name, work in todo.items() if work["problem"])
        try:
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BaseException:
            jail.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def run_on_worker(cells: list[str], limits: jail.Limits, contained: bool) -> tuple[str, jail.Outcome]:
    """Return the hash of the code at work, and what came of a notebook; for the workers of Dask."""
    reason = jail.why_not(limits) if contained else ""
    if reason:
        return code_hash(), jail.Outcome(ended=f"a worker could not contain it: {reason}", refused=True)
    return code_hash(), jail.execute(cells, limits, contained=contained)


def _on_dask(
    todo: dict[str, dict[str, Any]], address: str, limits: jail.Limits, contained: bool
) -> Iterator[tuple[str, jail.Outcome | None]]:
    yield from ((name, None) for name, work in todo.items() if work["problem"])
    calls = {
        name: (run_on_worker, work["cells"], limits, contained)
        for name, work in todo.items()
        if not work["problem"]
    }
    for name, (code, outcome) in on_dask(address, calls, (code_hash,), code_hash()):
        if code != code_hash():
            raise CourseError(f"--scheduler {address}: a worker runs other code than this checkout")
        if outcome.refused:
            raise CourseError(f"--scheduler {address}: {outcome.ended}; {UNCONTAINED}")
        yield name, outcome


def _folder(student: str) -> str:
    return Student(student).slug


def _kept(out: Path, work: dict[str, Any]) -> dict[str, Any] | None:
    """Return the result that an earlier try wrote, if it still holds."""
    try:
        result = json.loads((out / _folder(work["student"]) / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return result if isinstance(result, dict) and result.get("made_from") == work["made_from"] else None


def _finish(
    out: Path, work: dict[str, Any], entry: dict[str, Any], outcome: jail.Outcome | None
) -> dict[str, Any]:
    """Mark what came of a notebook, and write it: the result, and what ran."""
    keys = keys_in(entry)
    answers = grade.answers_in(outcome, list(keys)) if outcome else {}
    result = {
        **{name: work[name] for name in ("student", "file", "sha256", "made_from", "notes")},
        "problem": work["problem"] or (outcome.ended if outcome else ""),
        "name": entry["name"],
        "email": entry["email"],
        "folder": _folder(work["student"]),
        "seed": entry["parameters"]["seed"],
        "answers": answers,
        "marks": [asdict(mark) for mark in grade.marks_of(keys, answers)],
        "cells": told_cells(outcome, work["cells"]) if outcome else [],
        "seconds": round(outcome.seconds, 1) if outcome else 0.0,
        "peak_memory_mb": round(outcome.peak_memory / 2**20) if outcome else 0,
    }
    folder = out / result["folder"]
    folder.mkdir(exist_ok=True)
    _write_text(
        folder / "ran.ipynb",
        json.dumps(_ran(work["cells"], result["cells"]), indent=1, ensure_ascii=False) + "\n",
    )
    _write_text(folder / RESULT, json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    return result


def told_cells(outcome: jail.Outcome, sources: list[str]) -> list[dict[str, Any]]:
    """Return, for each cell that began, how it ended and what it showed, as text."""
    cells: dict[int, dict[str, Any]] = {}
    for event in outcome.events:
        number = event.get("number")
        if not isinstance(number, int) or not 0 <= number < len(sources):
            continue
        if event.get("event") == "started" and number not in cells:
            cells[number] = {"source": sources[number], "ended": "it was stopped here", "shown": ""}
        if event.get("event") == "cell":
            ended = str(event.get("ended"))[:40]
            cells[number] = {"source": sources[number], "ended": ended, "shown": _shown(event.get("outputs"))}
    return [cells[number] for number in sorted(cells)]


def _shown(outputs: Any, most: int = 5000) -> str:
    """Return what outputs show as plain text."""
    parts = []
    for output in grade.listed(outputs):
        data = output.get("data")
        error = [output.get("ename"), output.get("evalue")] if output.get("output_type") == "error" else []
        pieces = [output.get("text"), data.get("text/plain") if isinstance(data, dict) else None, *error]
        parts.append(": ".join(piece for piece in pieces if isinstance(piece, str)))
    return "\n".join(part for part in parts if part)[:most]


def _ran(sources: list[str], cells: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the notebook that ran, with what it showed as text: nothing in it is HTML or a script."""
    shown = dict(enumerate(cells))
    made: list[dict[str, Any]] = []
    for number, source in enumerate(sources):
        told = shown.get(number, {"ended": "it did not run", "shown": ""})
        said = told["shown"] if told["ended"] == "ok" else f"{told['shown']}\n({told['ended']})".lstrip()
        outputs = (
            [{"output_type": "stream", "name": "stdout", "text": said.splitlines(keepends=True)}]
            if said
            else []
        )
        made.append(
            {
                "cell_type": "code", "id": f"cell-{number:03d}", "metadata": {}, "execution_count": None,
                "source": source.splitlines(keepends=True), "outputs": outputs,
            }
        )  # fmt: skip
    return {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _compare_with_others(results: list[dict[str, Any]], keys: dict[str, Any]) -> None:
    """Note which wrong answers fit another student's landscape."""
    for result in results:
        fits = grade.fits_another(result["student"], result["answers"], keys)
        result["flags"] = [
            f"answers fit the landscape of {other}: {', '.join(names)}" for other, names in fits[:5]
        ]


def _read(out: Path, results: list[dict[str, Any]], points: dict[str, float]) -> None:
    """Give the points that a person put into reading.csv."""
    path = out / READING
    if not path.is_file():
        return
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CourseError(f"{path}: cannot be read: {error}") from None
    given: dict[tuple[str, str], tuple[float, str]] = {}
    for number, row in enumerate(rows, start=2):
        worth = (row.get("points") or "").strip().replace(",", ".")
        if not worth:
            continue
        exercise = (row.get("exercise") or "").strip()
        try:
            value = float(worth)
        except ValueError:
            value = -1.0
        if not 0 <= value <= points.get(exercise, -1.0):
            most = (
                f"from 0 to {points[exercise]:g}" if exercise in points else f"for one of {', '.join(points)}"
            )
            raise CourseError(
                f"{path}, line {number}: {worth!r} for {exercise or 'no exercise'}; points are a number {most}"
            )
        given[(row.get("id") or "").strip().lstrip("'"), exercise] = (
            value,
            (row.get("comment") or "").strip(),
        )
    for result in results:
        for made in result["marks"]:
            if made["points"] is None and (result["student"], made["exercise"]) in given:
                made["points"], made["comment"] = given[result["student"], made["exercise"]]
                made["message"] = "read by a person."


def _write(
    out: Path,
    results: list[dict[str, Any]],
    points: dict[str, float],
    missing: list[str],
    unknown: list[str],
    title: str,
    students: dict[str, Any],
) -> None:
    """Write pages and gradebooks; a reading.csv that is there keeps its points."""
    most = sum(points.values())
    for result in results:
        _write_text(out / result["folder"] / "feedback.html", feedback.student_page(result, title, most))
    any_entry = next(iter(students.values()))
    words = [name for name in points if any_entry["key"][name]["answer"] == IN_WORDS]
    _write_text(out / "report.html", feedback.report(results, unknown, missing, title, words))
    _write_text(out / "in-words.html", feedback.in_words(results, words, title))
    _write_text(out / "gradebook.csv", feedback.gradebook(results, points))
    _write_text(out / "moodle.csv", feedback.for_moodle(results, title))
    _write_text(out / "canvas.csv", feedback.for_canvas(results, title, most))
    rows = ["id,exercise,of,points,comment"]
    for result in results:
        for made in result["marks"]:
            if made["exercise"] in words and isinstance(made["answer"], str):
                got = "" if made["points"] is None or "comment" not in made else f"{made['points']:g}"
                cells = [
                    inert(result["student"]),
                    made["exercise"],
                    f"{made['most']:g}",
                    got,
                    inert(made.get("comment", "")),
                ]
                rows.append(
                    ",".join(
                        f'"{cell.replace(chr(34), chr(34) * 2)}"' if "," in cell or '"' in cell else cell
                        for cell in cells
                    )
                )
    _write_text(out / READING, "\n".join(rows) + "\n")


def _write_text(path: Path, text: str) -> None:
    """Write beside, then put in place."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8", newline="\n")
    beside.replace(path)
