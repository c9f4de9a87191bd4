"""Make a class's notebooks: for each student one with a landscape of their own, and for the teacher the key.

Steps: refuse what would spoil a class that is there; draw the seeds; compute each student's key, on all processors; write
the key, the notebooks, a table, and a marking guide. The same roster and salt give the same files.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from pathlib import Path
from typing import Any

from course import places
from course.classroom.roster import Student, draw_seeds, new_salt, token
from course.downloads import with_parameters
from course.errors import CourseError
from course.exercises import BLANK, exercises_in, for_students, guides_of, read_title, tags_of
from course.project import Chapter, Project, read_notebook, what_it_needs
from course.run import declared_parameters, processors
from course.sweep import progress, worker_pool
from helpers.check import Key, Wrong, keys_of
from helpers.parameters import check_values
from sweeps.variants import vetted

FORMAT = 2
TEACHER, STUDENTS = "teacher", "students"
KEY = "key.json"
UNFINISHED = ".new"  # how the name of a file ends that is being written
IN_WORDS = {"in_words": True}  # how a key says that an answer is the student's own words


def make(
    project: Project,
    chapter: Chapter,
    students: Sequence[Student],
    folder: Path,
    *,
    parameters: dict[str, Any] | None = None,
    salt: str | None = None,
    salt_from: Path | None = None,
    again: bool = False,
    jobs: int | None = None,
    quiet: bool = False,
) -> Path:
    """Write the notebooks of a class into `folder`, and return the key's path.

    Parameters
    ----------
    project : Project
    chapter : Chapter
        The exercises: one of `project.exercises`.
    students : sequence of Student
        The class, in the roster's order.
    folder : Path
        ``students/`` is to be handed out, ``teacher/`` is not.
    parameters : dict, optional
        Values for the whole class, but for the seed.
    salt : str, optional
        The secret; by default the one that the folder has already, or a new one.
    salt_from : Path, optional
        The folder of another class, whose salt is taken, so that each student gets the same landscape again.
    again : bool
        Change a class that is there to other parameters, or to other students altogether.
    jobs : int, optional
        Processes; by default as many as there are processors.
    quiet : bool
        Say nothing.

    Raises
    ------
    CourseError, helpers.parameters.ParameterError
        If a parameter is not allowed, if no key can be computed with it, if the folder holds something else or another class,
        or if there are too many students.
    """
    given = _class_parameters(chapter, parameters or {})
    folder = places.writable(folder, into=True)
    before = _read_before(folder)
    other = load_key(salt_from, "--salt-from") if salt_from else {}
    salt = _choose_salt(folder, before, salt, other) or new_salt()
    if before:
        _refuse_another_class(folder, before, chapter, given, students, again)
    seeds = draw_seeds(students, vetted(), salt)
    todo = [{**given, "seed": seeds[student.id]} for student in students]
    with worker_pool(min(jobs or processors(), len(todo))) as pool:
        keys = _computed(pool, chapter, todo, quiet)
    entries = {
        student.id: _entry(student, chapter, salt, values, made)
        for student, values, made in zip(students, todo, keys, strict=True)
    }
    files = _files(chapter, salt, entries, keys, what_it_needs(project, "exercises/to-do"))
    if not quiet:
        for line in _changes(folder, before, other, entries, files):
            print(line, flush=True)
    for name, data in files.items():
        write(folder / name, data, private=not name.startswith(f"{STUDENTS}/"))
    written = {entry["file"] for entry in before.get("students", {}).values()}
    _take_out(folder / STUDENTS, written, {entry["file"] for entry in entries.values()})
    return folder / TEACHER / KEY


def _entry(
    student: Student, chapter: Chapter, salt: str, values: dict[str, Any], made: dict[str, Key]
) -> dict[str, Any]:
    """Return what the class's key holds of a student."""
    return {
        "name": student.name,
        "email": student.email,
        "extra": student.extra,
        "file": f"{student.slug}_{chapter.name}.ipynb",
        "token": token(student, salt),
        "parameters": values,
        "key": _as_json(made),
    }


def _files(
    chapter: Chapter, salt: str, entries: dict[str, dict[str, Any]], keys: list[dict[str, Key]], needs: str
) -> dict[str, bytes]:
    """Return all files of a class by name, in the order in which to write them.

    The key comes first. Whatever ends the writing then, the salt is kept, and the same command goes on.
    """
    source = read_notebook(chapter.source)
    points = {name: made.points for name, made in keys[0].items()}
    held = {"format": FORMAT, "chapter": chapter.name, "salt": salt, "points": points, "students": entries}
    files = {f"{TEACHER}/{KEY}": _json(held)}
    for entry in entries.values():
        notebook = student_notebook(source, entry["parameters"], points, entry["token"], needs)
        files[f"{STUDENTS}/{entry['file']}"] = _json(notebook)
    files[f"{TEACHER}/answers.csv"] = _table(entries, points).encode("utf-8-sig")  # Excel needs the mark
    files[f"{TEACHER}/guide.md"] = guide(source, keys).encode()
    return files


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def write(path: Path, data: bytes, *, private: bool = True) -> None:
    """Write beside, then put in place.

    Parameters
    ----------
    path : Path
        The file. Its folder is made if it is not there.
    data : bytes
    private : bool
        Only this user may read the file, and enter a folder that is made for it: it holds keys or marks.

    Raises
    ------
    CourseError
        If the disk is full, say.
    """
    beside = path.with_name(f".{path.name}{UNFINISHED}")
    try:
        path.parent.mkdir(0o700 if private else 0o777, parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        beside.touch(0o600 if private else 0o666)
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        raise CourseError(
            f"{path}: cannot be written: {error.strerror}; mend that, and run the same command again"
        ) from None


def _take_out(folder: Path, written: set[str], kept: set[str]) -> None:
    """Delete the notebooks of who has left the roster, and what a killed run left unfinished."""
    for name in written - kept:
        (folder / name).unlink(missing_ok=True)
    for name in written | kept:
        (folder / f".{name}{UNFINISHED}").unlink(missing_ok=True)


def student_notebook(
    source: dict[str, Any], values: dict[str, Any], points: dict[str, float], whose: str, needs: str = ""
) -> dict[str, Any]:
    """Return a student's notebook: with their values, and a mark in each given cell by which it is known again.

    `needs` is told at the top: what the notebook needs to run.
    """
    notebook = with_parameters(for_students(source, points, f"{YOURS}\n\n{needs}"), values)
    cells = []
    for number, cell in enumerate(notebook["cells"]):
        given = not tags_of(cell) & {"start"}
        cells.append({**cell, "metadata": {**cell["metadata"], "course": {"cell": number, "given": given}}})
    return {**notebook, "cells": cells, "metadata": {**notebook["metadata"], "course": {"token": whose}}}


YOURS = "This landscape is yours alone, so the numbers are, too.\n\nBefore you hand in: restart the kernel, run all cells, and save. Keep the name of the file."


def guide(source: dict[str, Any], keys: Sequence[dict[str, Key]]) -> str:
    """Return the marking guide: each exercise's points, known wrong answers, what a good answer says, whom it tells apart.

    Parameters
    ----------
    source : dict
        The notebook of the exercises.
    keys : sequence of dict
        The keys of each student. Points and wrong answers are described alike in all of them.
    """
    lines = [
        f"# Marking guide: {read_title(source).removeprefix('Exercises: ')}",
        "",
        f"Right answers differ from student to student: see `answers.csv`. Where a number is the student's own, {BLANK} stands for it.",
        "",
    ]
    for exercise in exercises_in(source):
        made = keys[0][exercise.number]
        lines += [
            f"## {exercise.number} {exercise.title}",
            "",
            f"{made.points:g} {'point' if made.points == 1 else 'points'}.",
            "",
        ]
        if made.in_words:
            lines += ["In the student's own words: read it. `mark` gathers these answers side by side.", ""]
        elif made.wrong:
            lines += ["| a wrong answer that is told apart | of the points |", "|:--|--:|"]
            lines += [f"| {wrong.message} | {wrong.credit:.0%} |" for wrong in made.wrong]
            lines += [""]
        if len(keys) > 1 and not made.in_words:
            lines += [_told_apart([held[exercise.number] for held in keys]), ""]
        for text in guides_of(exercise):
            lines += [text, ""]
    return "\n".join(lines)


def _told_apart(keys: list[Key]) -> str:
    """Return how well an exercise tells students apart, of two or more keys."""
    count = len(keys)
    shown = f"{100 * share_alike(keys):.3g}"
    return f"Of the {count}·{count - 1} pairs of students, {shown} % have the same right answer, as near as it is compared."


def share_alike(keys: Sequence[Key]) -> float:
    """Return in what share of the ordered pairs of students the one's right answer would be taken for the other's."""
    pairs = itertools.permutations(keys, 2)  # ordered, as a tolerance may be a share of the right answer
    alike = sum(mine.takes(mine.answer, theirs.answer) for mine, theirs in pairs)
    return alike / (len(keys) * (len(keys) - 1))


def load_key(path: Path, option: str = "--key") -> dict[str, Any]:
    """Return a class's key.

    Parameters
    ----------
    path : Path
        The key, or the class's folder.
    option : str
        What a message calls it.

    Raises
    ------
    CourseError
        If there is none in this file, or in the folder ``teacher`` of this folder, or if something is missing from it.
    """
    place = (
        path / TEACHER / KEY
        if path.is_dir() and (path / TEACHER / KEY).is_file()
        else path / KEY
        if path.is_dir()
        else path
    )
    try:
        held = json.loads(place.read_text(encoding="utf-8"))
    except OSError as error:
        raise CourseError(f"{option} {path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise CourseError(
            f"{option} {path}: not a key; `course classroom make` writes one, as teacher/{KEY}"
        ) from None
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        raise CourseError(
            f"{option} {path}: not a key of this version; `course classroom make` writes one, as teacher/{KEY}"
        )
    if flaw := _flaw(held):
        raise CourseError(
            f"{option} {path}: not a whole key: {flaw}; take a copy of it, or make the class anew with its roster and --salt"
        )
    for entry in held["students"].values():
        entry.setdefault("extra", {})  # an older key has no columns of Canvas
    return held


NUMBER = (int, float)
PARTS: dict[str, dict[str, Any]] = {  # what a key and its parts must hold, and of which kind
    "class": {"chapter": str, "salt": str, "points": dict, "students": dict},
    "student": {"name": str, "email": str, "file": str, "token": str, "parameters": dict, "key": dict},
    "parameters": {"seed": int},
    "exercise": {"answer": object, "points": NUMBER, "within": NUMBER, "relative": NUMBER, "wrong": list},
    "wrong": {"message": str, "answer": object, "credit": NUMBER},
}


def _flaw(held: dict[str, Any]) -> str:
    """Return the first thing that a key lacks, or has of a wrong kind; nothing if it is whole."""
    for where, part, kinds in _parts(held):
        if not isinstance(part, dict):
            return f"what it holds{where} is of a wrong kind"
        for name, kind in kinds.items():
            if name not in part:
                return f"{name!r} is missing{where}"
            if not isinstance(part[name], kind):
                return f"{name!r}{where} is of a wrong kind"
    return "" if held["students"] else "it has no students"


def _parts(held: dict[str, Any]) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Yield each part of a key, with where it is and what it must hold; a part is looked into after it was found whole."""
    yield "", held, PARTS["class"]
    yield " in 'points'", held["points"], dict.fromkeys(held["points"], NUMBER)
    for student, entry in held["students"].items():
        where = f" for {student}"
        yield where, entry, PARTS["student"]
        yield where, entry["parameters"], PARTS["parameters"]
        yield where, entry["key"], dict.fromkeys(held["points"], dict)
        for name, exercise in entry["key"].items():
            yield f" in {name}{where}", exercise, PARTS["exercise"]
            for wrong in exercise["wrong"]:
                yield f" in a wrong answer to {name}{where}", wrong, PARTS["wrong"]


def keys_in(entry: dict[str, Any]) -> dict[str, Key]:
    """Return the keys that a student's entry holds."""
    found = {}
    for name, held in entry["key"].items():
        answer = str if held["answer"] == IN_WORDS else held["answer"]
        wrong = tuple(Wrong(one["message"], one["answer"], one["credit"]) for one in held["wrong"])
        found[name] = Key(name, answer, held["points"], held["within"], held["relative"], wrong)
    return found


def _as_json(keys: dict[str, Key]) -> dict[str, Any]:
    return {
        name: {**asdict(made), "answer": IN_WORDS if made.in_words else made.answer}
        for name, made in keys.items()
    }


def _class_parameters(chapter: Chapter, given: dict[str, Any]) -> dict[str, Any]:
    """Return all values of the exercises' parameters but the seed: the class's, else the defaults."""
    declared = declared_parameters(chapter)
    if "seed" in given:
        raise CourseError(
            "seed: every student gets one of their own; `course run -p seed` runs the course on one seed"
        )
    if "seed" not in declared:
        raise CourseError(f"{chapter.name}: its answers depend on no seed, so there are no variants of it")
    return {
        name: value
        for name, value in {**declared, **check_values(given, list(declared))}.items()
        if name != "seed"
    }


def _computed(
    pool: Executor, chapter: Chapter, todo: list[dict[str, Any]], quiet: bool
) -> list[dict[str, Key]]:
    """Return the keys for each of `todo`, in order; say how far it is."""
    defaults = declared_parameters(chapter)
    futures = [pool.submit(_key_for, chapter.name[:2], values, defaults) for values in todo]
    try:
        with progress(len(todo), 0, quiet, "keys") as tick:
            for future in futures:
                future.result()
                tick()
    except BrokenProcessPool:
        raise CourseError(
            "a process that computes keys was ended from outside, for lack of memory perhaps; try --jobs 1, or a smaller size"
        ) from None
    return [future.result() for future in futures]


def _key_for(number: str, values: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Key]:
    """Return the keys for some parameters; in a process of the pool.

    Raises
    ------
    CourseError
        If the exercises have no answer there: a terrain is missing, say, or a share is one of nothing.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whoever makes a class can do nothing about them
            return keys_of(number, values)
    except Exception as error:  # the cells of a notebook may raise anything
        changed = {
            name: value for name, value in values.items() if name != "seed" and value != defaults[name]
        }
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise CourseError(
            f"with {_shown(changed) or 'its defaults'} no key can be made for seed {values['seed']}: choose other values ({why})"
        ) from None


def _shown(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in values.items())


def _read_before(folder: Path) -> dict[str, Any]:
    """Return the key that is there already; raise an error if the folder holds something else."""
    if (folder / TEACHER / KEY).is_file():
        return load_key(folder, "--out")
    if folder.exists() and not folder.is_dir():
        raise CourseError(f"{folder} is a file; choose another --out")
    # a run that was killed before it had written its key leaves folders, and the key unfinished
    if any(path.is_file() and not path.match(f".*{UNFINISHED}") for path in folder.rglob("*")):
        raise CourseError(f"{folder} is there and holds something else; choose another --out")
    return {}


def _choose_salt(folder: Path, before: dict[str, Any], salt: str | None, other: dict[str, Any]) -> str | None:
    """Return the salt that is given, or that the folder has; raise an error if these are two."""
    if salt and other:
        raise CourseError("--salt and --salt-from: give one of them")
    option = "--salt-from" if other else "--salt"
    salt = other.get("salt") or salt
    if before and salt and salt != before["salt"]:
        raise CourseError(
            f"{folder}: its key has another salt than the one of {option}, so everybody would get another landscape; "
            f"leave {option} out, or choose another --out"
        )
    return salt or before.get("salt")


def _refuse_another_class(
    folder: Path,
    before: dict[str, Any],
    chapter: Chapter,
    given: dict[str, Any],
    students: Sequence[Student],
    again: bool,
) -> None:
    """Raise an error if the folder's key is of another chapter or, unless `again`, of other parameters or students."""
    if before["chapter"] != chapter.name:
        raise CourseError(
            f"{folder}: its key is of {before['chapter']}, not of {chapter.name}; choose another --out, "
            f"and --salt-from {folder} for the same landscapes"
        )
    if again:
        return
    changed = _differences(before, given)
    if changed:
        raise CourseError(
            f"{folder}: its key has other parameters: {changed}; give those of the key (-p, -f), choose another --out, "
            "or add --again to change the notebooks"
        )
    if not any(student.id in before["students"] for student in students):
        raise CourseError(
            f"{folder}: nobody in its key is on this roster ({next(iter(before['students']))} was, {students[0].id} is); "
            "name the column of the ids with --id-column, choose another --out, or add --again to change the class"
        )


def _differences(before: dict[str, Any], given: dict[str, Any]) -> str:
    """Return which class parameters a key has otherwise: from what to what."""
    first = next(iter(before["students"].values()))
    had = {name: value for name, value in first["parameters"].items() if name != "seed"}
    names = [name for name in {**had, **given} if had.get(name) != given.get(name)]
    return ", ".join(f"{name} from {had.get(name)!r} to {given.get(name)!r}" for name in names)


def _changes(
    folder: Path,
    before: dict[str, Any],
    other: dict[str, Any],
    entries: dict[str, dict[str, Any]],
    files: dict[str, bytes],
) -> list[str]:
    """Return what a teacher should know before notebooks are written: who is gone, and whose notebook is another."""
    lines = []
    if gone := [name for name in before.get("students", {}) if name not in entries]:
        lines.append(f"no longer on the roster: {', '.join(gone)}")
    changed = [
        name
        for name, entry in entries.items()
        if (path := folder / STUDENTS / entry["file"]).is_file()
        and path.read_bytes() != files[f"{STUDENTS}/{entry['file']}"]
    ]
    if changed:
        count = "1 notebook changes" if len(changed) == 1 else f"{len(changed)} notebooks change"
        lines.append(f"{count}; hand out anew: {', '.join(changed)}")
    theirs = other.get("students", {})
    strangers = [
        name
        for name, entry in entries.items()
        if name in theirs and theirs[name]["parameters"]["seed"] != entry["parameters"]["seed"]
    ]
    if strangers:
        lines.append(f"another landscape than in --salt-from, as the rosters differ: {', '.join(strangers)}")
    return lines


def _table(entries: dict[str, dict[str, Any]], points: dict[str, float]) -> str:
    """Return the teacher's table: a row per student with the seed and the right answers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "name", "file", "seed", *points])
    for name, entry in entries.items():
        answers = [entry["key"][exercise]["answer"] for exercise in points]
        shown = ["" if answer == IN_WORDS else json.dumps(answer, ensure_ascii=False) for answer in answers]
        told = map(inert, (name, entry["name"], entry["file"]))
        writer.writerow([*told, entry["parameters"]["seed"], *shown])
    return text.getvalue()


def inert(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula, nor a part of it: where ";" separates, it cuts quoted cells, too."""
    parts = cell.split(";")
    return ";".join(f"'{part}" if part[:1] in ("=", "+", "-", "@", "\t") else part for part in parts)
