"""Mark what a class handed in: run each notebook contained, compare its answers here, write feedback and gradebooks.

Steps: find whose each file is; take the results of an earlier try that still hold; run the others, several at once,
here or on the workers of a Dask scheduler; compare the answers with the key; look for answers of other landscapes;
write.

Each student's result is written as soon as it is there, so marking that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from course import places
from course.classroom import decisions, feedback, grade, jail, reading
from course.classroom.make import keys_in, load_key, write
from course.classroom.roster import Student
from course.classroom.submissions import (
    LARGEST,
    Submission,
    Undecided,
    UnreadableError,
    find,
    owners,
    prepare,
    token_in,
)
from course.errors import CourseError
from course.exercises import exercises_in, read_title
from course.project import Project, read_notebook
from course.run import processors
from course.sweep import on_dask, progress

RESULT, RAN = "result.json", "ran.ipynb"
OTHERS = "others"  # the folder of what a student handed in beside, and does not count
MOST_FILES = 5  # of a student that run
NAMES = (  # what a result holds
    "student", "file", "sha256", "made_from", "notes", "problem", "stopped", "ran", "of", "extra", "name", "email", "folder", "seed",
    "answers", "marks", "cells", "seconds", "peak_memory_mb",
)  # fmt: skip
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
    again: bool = False,
    answers: bool = False,
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
    again : bool
        Run again what was stopped before: a busy machine may have made it slow.
    answers : bool
        Tell students the right answers.

    Returns
    -------
    list of dict
        A result for each student, in the key's order: of those in `folder`, and of those that were marked into `out` before, by the
        same key.

    Raises
    ------
    CourseError
        If there is nothing to mark, if the key, reading.csv or the folder cannot be used, or if this machine cannot contain a program.
    """
    held, limits = load_key(key), limits or jail.Limits()
    source = _source(project, held)
    if not folder.is_dir():
        raise CourseError(f"{folder}: no folder of submissions")
    _refuse_what_is_no_marking(out, folder)
    students = held["students"]
    _refuse_other_exercises(out, held)
    # What is wrong with the points that a person gave is told before anything runs.
    reading.read(out / reading.READING, held["points"], students)
    decided = decisions.read(out / decisions.DECIDE, students)
    tokens = {entry["token"]: name for name, entry in students.items()}

    def place_of(path: Path) -> decisions.Place:
        return decisions.place_of(path.relative_to(folder).as_posix(), _sha256(path))

    def whose(path: Path) -> str | None:
        return decided.get(place_of(path), decisions.Decision()).student if decided else None

    theirs, nobodys, undecided = owners(find(folder), folder, students, tokens, whose)
    if not theirs and not undecided:
        raise CourseError(
            f"{folder}: no file here is of a student in {key}; names of files hold the name that they were given, or the id"
        )
    reason = jail.why_not(limits) if contained and not scheduler else ""
    if reason:
        raise CourseError(f"{reason}; {UNCONTAINED}")
    found = {
        work["id"]: work
        for name, paths in theirs.items()
        for work in _begin(name, paths, folder, source, students[name], tokens, limits, contained)
    }
    results = {key: kept for key, work in found.items() if (kept := _kept(out, work, again)) is not None}
    todo = {key: work for key, work in found.items() if key not in results}
    run = (
        _on_dask(todo, scheduler, limits, contained)
        if scheduler
        else _here(todo, jobs or processors(), limits, contained)
    )
    try:
        with progress(len(found), len(results), quiet, "notebooks") as tick:
            for one, outcome in run:
                work = found[one]
                results[one] = _finished(out, work, students[work["student"]], outcome)
                tick()
    except KeyboardInterrupt:
        print(
            f"stopped: {len(results)} of {len(found)} notebooks are marked and kept; the same command goes on",
            file=sys.stderr,
        )
        raise
    settled = {}
    to_decide = {place_of(one.path): _told(one, students) for one in undecided}
    for name, entry in students.items():
        works = [work for work in found.values() if work["student"] == name]
        if settling := _settle(out, name, entry, [(results[w["id"]], w["beside"]) for w in works], decided):
            settled[name], more = settling
            to_decide |= more
    ordered = [
        {**result, **{part: students[name][part] for part in ("name", "email", "extra")}}
        for name, result in settled.items()
    ]
    _compare_with_others(ordered, students, source)
    given = reading.read(out / reading.READING, held["points"], students)  # somebody may have read meanwhile
    reading.apply(given, ordered)
    waiting = {name for one in undecided for hits in one.says.values() for name in hits}
    missing = [
        " ".join(filter(None, [name, entry["name"], entry["email"]]))
        + (", but a file is to be decided" if name in waiting else "")
        for name, entry in students.items()
        if name not in settled
    ]
    unknown = [path.relative_to(folder).as_posix() for path in nobodys]
    unclear = [f"{one.path.relative_to(folder).as_posix()}: {_told(one, students)}" for one in undecided]
    _write(out, ordered, held, missing, unknown, unclear, source, answers)
    words = feedback.exercises_in_words(held)
    reading.write(out / reading.READING, ordered, words, given)
    decisions.write(out / decisions.DECIDE, to_decide, decided)
    if unclear and not quiet:
        files = "1 file is" if len(unclear) == 1 else f"{len(unclear)} files are"
        print(f"{files} not marked and to be decided by a person: {out / decisions.DECIDE}", flush=True)
    return ordered


def _told(one: Undecided, students: dict[str, Any]) -> str:
    """Return what a file is known by, and whom that names."""
    parts = [
        f"{source} names {' or '.join(_called(name, students) for name in hits[:3])}"
        for source, hits in one.says.items()
    ]
    return ", ".join(parts) + ("" if len(parts) > 1 else ", and nothing else names one")


def _source(project: Project, held: dict[str, Any]) -> dict[str, Any]:
    """Return the notebook that the class's ones were made from."""
    for chapter in project.exercises:
        if chapter.name == held["chapter"]:
            return read_notebook(chapter.source)
    raise CourseError(f"the key is of {held['chapter']}, and this course has no such exercises")


def _refuse_other_exercises(out: Path, held: dict[str, Any]) -> None:
    """Raise an error if `out` holds marks of another chapter."""
    for name in held["students"]:
        result = _read_result(out / _folder(name), name)
        if result and [mark["exercise"] for mark in result["marks"]] != list(held["points"]):
            raise CourseError(f"--out {out}: holds marks of other exercises; choose another")


def _refuse_what_is_no_marking(out: Path, folder: Path) -> None:
    if out.exists() and not out.is_dir():
        raise CourseError(f"--out {out} is a file; choose another")
    places.writable(out, into=True)
    if out.resolve() == folder.resolve() or out.resolve().is_relative_to(folder.resolve()):
        raise CourseError(f"--out {out}: lies in the folder of submissions; choose another")
    if out.is_dir() and any(out.iterdir()) and not any(map(_is_result, out.glob(f"*/{RESULT}"))):
        raise CourseError(f"--out {out} is there and holds something else; choose another")


def _is_result(path: Path) -> bool:
    """Return True if a file is a result of marking, of this version or an earlier one."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(held, dict) and {"student", "made_from", "marks"} <= held.keys()


def _begin(
    name: str,
    paths: list[Path],
    folder: Path,
    source: dict[str, Any],
    entry: dict[str, Any],
    tokens: dict[str, str],
    limits: jail.Limits,
    contained: bool,
) -> list[dict[str, Any]]:
    """Return what is known of a student's files before they run: their code, their hashes, what is strange, what hinders.

    All notebooks run that differ, so that the best one counts; if there is none, the file that comes nearest to one stands for all.
    """
    paths = sorted(paths, key=lambda path: _preference(path, name, tokens), reverse=True)
    works = [
        _work(name, path, folder, source, entry, tokens, limits, contained) for path in paths[:MOST_FILES]
    ]
    differing = {work["sha256"]: work for work in reversed(works) if not work["problem"]}
    works = list(reversed(differing.values())) or works[:1]
    run = {work["file"] for work in works}
    beside = [place for path in paths if (place := path.relative_to(folder).as_posix()) not in run]
    return [{**work, "beside": beside} for work in works]


def _work(
    name: str,
    path: Path,
    folder: Path,
    source: dict[str, Any],
    entry: dict[str, Any],
    tokens: dict[str, str],
    limits: jail.Limits,
    contained: bool,
) -> dict[str, Any]:
    """Return what is known of a file before it runs."""
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
        work["problem"] = f"it cannot be read: {error.strerror or error}"
    except Exception as error:  # one file that nobody foresaw must not keep the class from its marks
        work["problem"] = f"it could not be marked: {_in_short(error)}"
    work["sha256"] = _sha256(path)
    depends = [code_hash(), work, entry["key"], entry["parameters"], asdict(limits), contained]
    work["made_from"] = hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()
    return {**work, "id": work["made_from"][:16]}


def _preference(path: Path, name: str, tokens: dict[str, str]) -> tuple[bool, bool, float, str]:
    """Return by what a student's files are sorted: with the student's mark, a notebook, and the newest last."""
    return (
        tokens.get(token_in(path)) == name,
        path.suffix == ".ipynb",
        0.0 if path.is_symlink() else path.stat().st_mtime,
        path.as_posix(),
    )


def _sha256(path: Path) -> str:
    if path.is_symlink():
        return "a link"
    try:
        if path.stat().st_size > LARGEST:
            return "too large"
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
            for future in as_completed(list(waiting)):
                yield waiting.pop(future), future.result()  # it holds figures: with a class, too many to keep
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # first, or another would begin
            jail.stop()
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


def _read_result(folder: Path, student: str) -> dict[str, Any] | None:
    """Return the result that a folder holds; None where there is nothing whole."""
    try:
        result = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(result, dict) and set(NAMES) <= set(result) and result["student"] == student
    return result if whole else None


def _stored(out: Path, student: str) -> list[tuple[Path, dict[str, Any]]]:
    """Return what was written of a student before, with its folders: first what counted, then what did not."""
    folder = out / _folder(student)
    places = [folder, *sorted((folder / OTHERS).glob("*"))]
    return [(place, result) for place in places if (result := _read_result(place, student)) is not None]


def _kept(out: Path, work: dict[str, Any], again: bool) -> dict[str, Any] | None:
    """Return the result that an earlier try wrote, if it still holds."""
    for _, result in _stored(out, work["student"]):
        if result["made_from"] == work["made_from"]:
            return None if again and result["stopped"] else result
    return None


def _settle(
    out: Path,
    student: str,
    entry: dict[str, Any],
    current: list[tuple[dict[str, Any], list[str]]],
    decided: decisions.Decisions,
) -> tuple[dict[str, Any], dict[decisions.Place, str]] | None:
    """Return the result that counts for a student, with notes on the others, and what a person may decide; None if there is none.

    It is the one of which a person decided that it counts, or else the one with the most points: of those in this folder, and of those that were marked
    by this key into `out` before. So neither an older nor an emptier file takes the place of a better one.
    """

    def decision(result: dict[str, Any]) -> decisions.Decision:
        place = decisions.place_of(result["file"], result["sha256"])
        return decided.get(place, decisions.Decision())

    now = [result for result, _ in current]
    hashes = {result["sha256"] for result in now}
    stored = _stored(out, student)
    before = [r for _, r in stored if r["of"] == _of(entry) and r["sha256"] not in hashes]
    candidates = [result for result in [*now, *before] if decision(result).student in (None, student)]
    if not candidates:
        return None
    best = max(candidates, key=lambda r: (decision(r).counts, r["ran"], _worth(r)))
    _put_in_place(out / _folder(student), best, candidates, stored)
    notes, rows = [*best["notes"]], {}
    beside = [place for _, places in current[:1] for place in places]
    if beside:
        notes.append(f"{len(now) + len(beside)} files are of this student; not marked: {', '.join(beside)}")
    if best in before:
        notes.append(f"marked before, from {best['file']}, which is not in this folder")
    for other in candidates:
        if other is best:
            continue
        when = ", marked before," if other in before else ""
        says = (
            f"{other['file']}{when} has {_in_points(other)}; {best['file']} has {_in_points(best)} and counts"
        )
        notes.append(f"{says}; {decisions.DECIDE} can change that")
        rows[decisions.place_of(other["file"], other["sha256"])] = f"of {_named(student, entry)}: {says}"
    return {**best, "notes": notes}, rows


def _worth(result: dict[str, Any]) -> float:
    """Return the points of a result; an answer that is to be read may get all of its points."""
    return sum(mark["most"] if mark["points"] is None else mark["points"] for mark in result["marks"])


def _in_points(result: dict[str, Any]) -> str:
    """Return what a result has, in words."""
    total = sum(mark["points"] or 0 for mark in result["marks"])
    points = f"{total:g} point{'' if total == 1 else 's'}"
    waiting = sum(mark["points"] is None for mark in result["marks"])
    return f"{points} and {waiting} to be read" if waiting else points


def _put_in_place(
    folder: Path,
    best: dict[str, Any],
    candidates: list[dict[str, Any]],
    stored: list[tuple[Path, dict[str, Any]]],
) -> None:
    """Put what counts into a student's folder, all else that may come to count into a folder below, and delete what is out of date."""
    try:
        for place, result in stored:  # the one that counted comes first, and makes room
            if result not in candidates:
                _delete(place)
            elif place == folder and result != best:
                _move(place, folder / OTHERS / (result["made_from"][:16] or "unmarked"))
        for place, result in stored:
            if place != folder and result == best:
                _move(place, folder)
    except OSError as error:
        raise CourseError(
            f"{folder}: cannot be written: {error.strerror}; mend that, and run the same command again"
        ) from None


def _move(place: Path, to: Path) -> None:
    to.mkdir(parents=True, exist_ok=True)
    for name in (RAN, RESULT):
        (place / name).replace(to / name)
    _delete(place)


def _delete(place: Path) -> None:
    """Delete a result and, where that leaves nothing, the folders that were made for it."""
    for name in (RESULT, RAN):
        (place / name).unlink(missing_ok=True)
    with suppress(OSError):  # they hold something else
        if place.parent.name == OTHERS:
            place.rmdir()
            place.parent.rmdir()


def _of(entry: dict[str, Any]) -> str:
    """Return some characters by which a student's landscape and key are known again."""
    return reading.hash_of([entry["key"], entry["parameters"]])


def _finished(
    out: Path, work: dict[str, Any], entry: dict[str, Any], outcome: jail.Outcome | None
) -> dict[str, Any]:
    """Mark a notebook; where that goes wrong in a way that nobody foresaw, say so, and go on with the others."""
    try:
        return _finish(out, work, entry, outcome)
    except CourseError:
        raise  # a full disk is everybody's problem
    except Exception as error:
        problem = f"it could not be marked: {_in_short(error)}"
        return _finish(out, {**work, "problem": problem, "made_from": ""}, entry, None)


def _in_short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


def _finish(
    out: Path, work: dict[str, Any], entry: dict[str, Any], outcome: jail.Outcome | None
) -> dict[str, Any]:
    """Mark what came of a notebook, and write it: the result, and what ran."""
    keys = keys_in(entry)
    answers = grade.answers_in(outcome, list(keys)) if outcome else {}
    result = {
        **{name: work[name] for name in ("student", "file", "sha256", "made_from")},
        "notes": [*work["notes"], *_dropped(outcome)],
        "problem": work["problem"] or (outcome.ended if outcome else ""),
        "stopped": bool(outcome and outcome.ended),
        "ran": outcome is not None,
        "of": _of(entry),
        "extra": entry.get("extra", {}),
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
    if (
        _read_result(folder, work["student"]) is not None
    ):  # which of the two counts is settled once all have run
        folder = folder / OTHERS / work["id"]
    _write_text(
        folder / RAN,
        json.dumps(_ran(work["cells"], result["cells"]), indent=1, ensure_ascii=False) + "\n",
    )
    _write_text(folder / RESULT, json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    return _read_result(folder, work["student"]) or result  # as the next run will read it


def _dropped(outcome: jail.Outcome | None) -> list[str]:
    """Return a note on what cells showed beyond the limit."""
    dropped = [event.get("dropped") for event in outcome.events] if outcome else []
    cells = sum(isinstance(count, int) and count > 1000 for count in dropped)
    if not cells:
        return []
    which = "1 cell shows" if cells == 1 else f"{cells} cells show"
    return [f"{which} more text than is kept; the rest was left out, and the answers count"]


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


def _compare_with_others(
    results: list[dict[str, Any]], students: dict[str, Any], source: dict[str, Any]
) -> None:
    """Note which wrong answers fit another student's landscape, which words are those of another, and what is the site's."""
    keys = {name: keys_in(entry) for name, entry in students.items()}
    alike = grade.word_for_word(results)
    published = grade.Published(exercises_in(source))
    near = grade.nearly_word_for_word(results, published)
    for result in results:
        fits = grade.fits_another(result["student"], result["answers"], keys)
        result["flags"] = [
            f"answers fit the landscape of {_called(other, students)}: {', '.join(names)}"
            for other, names in fits[:5]
        ]
        result["flags"] += [
            f"{exercise} is word for word that of {', '.join(_called(other, students) for other in others[:5])}"
            for exercise, others in alike.get(result["student"], {}).items()
        ]
        result["flags"] += [
            f"{exercise} is nearly that of {', '.join(_called(other, students) for other in others[:5])}"
            for exercise, others in near.get(result["student"], {}).items()
        ]
        result["flags"] += published.flags(result)


def _called(student: str, students: dict[str, Any]) -> str:
    return _named(student, students[student])


def _named(student: str, entry: dict[str, Any]) -> str:
    """Return an id with the name that goes with it."""
    return f"{student} ({entry['name']})" if entry["name"] else student


def _write(
    out: Path,
    results: list[dict[str, Any]],
    held: dict[str, Any],
    missing: list[str],
    unknown: list[str],
    unclear: list[str],
    source: dict[str, Any],
    answers: bool,
) -> None:
    """Write pages and gradebooks."""
    points, title = held["points"], read_title(source)
    most = sum(points.values())
    words = feedback.exercises_in_words(held)
    for result in results:
        right = held["students"][result["student"]]["key"] if answers else {}
        shown = feedback.student_page(result, title, most, {n: k["answer"] for n, k in right.items()})
        _write_text(out / result["folder"] / "feedback.html", shown)
    _write_text(out / "report.html", feedback.report(results, unknown, missing, title, points, unclear))
    _write_text(out / "in-words.html", feedback.in_words(results, words, title, exercises_in(source)))
    _write_text(out / "gradebook.csv", "\ufeff" + feedback.gradebook(results, points))
    _write_text(out / "moodle.csv", feedback.for_moodle(results, title))
    _write_text(out / "canvas.csv", feedback.for_canvas(results, title, most))


def _write_text(path: Path, text: str) -> None:
    """Write a text; characters that no file can hold, such as half a pair of UTF-16, become ?."""
    write(path, text.encode("utf-8", "replace"))
