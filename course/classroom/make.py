"""Make a class's notebooks: for each student one with a landscape of their own, and for the teacher the key.

Steps: draw the seeds; compute each student's key, on all processors; write the notebooks, the key, a table, and a marking
guide. The same roster and salt give the same files.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from course.classroom.roster import Student, draw_seeds, new_salt, token
from course.errors import CourseError
from course.exercises import exercises_in, for_students, tags_of, text_of
from course.project import Chapter, Project, front_matter_of, read_notebook
from course.run import declared_parameters, processors
from course.stage import with_parameters
from course.sweep import progress, worker_pool
from helpers.exercises import Key, Wrong, keys_of
from helpers.parameters import check_values
from helpers.variants import vetted

FORMAT = 2
TEACHER, STUDENTS = "teacher", "students"
KEY = "key.json"
IN_WORDS = {"in_words": True}  # how a key says that an answer is the student's own words


def make(
    project: Project,
    chapter: Chapter,
    students: Sequence[Student],
    folder: Path,
    *,
    parameters: dict[str, Any] | None = None,
    salt: str | None = None,
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
    jobs : int, optional
        Processes; by default as many as there are processors.
    quiet : bool
        Say nothing.

    Raises
    ------
    CourseError, helpers.parameters.ParameterError
        If a parameter is not allowed, if the folder holds something else, or if there are too many students.
    """
    given = _class_parameters(chapter, parameters or {})
    place = folder / TEACHER / KEY
    before = _read_before(place, folder)
    salt = salt or before.get("salt") or new_salt()
    seeds = draw_seeds(students, vetted(), salt)
    number = chapter.name[:2]
    todo = [{**given, "seed": seeds[student.id]} for student in students]
    with worker_pool(min(jobs or processors(), len(todo))) as pool:
        keys = _computed(pool, number, todo, quiet)
    entries: dict[str, dict[str, Any]] = {
        student.id: {
            "name": student.name,
            "email": student.email,
            "file": f"{student.slug}_{chapter.name}.ipynb",
            "token": token(student, salt),
            "parameters": values,
            "key": _as_json(made),
        }
        for student, values, made in zip(students, todo, keys, strict=True)
    }
    source = read_notebook(chapter.source)
    points = {name: made.points for name, made in keys[0].items()}
    files: dict[str, str] = {}
    for student in students:
        entry = entries[student.id]
        notebook = student_notebook(source, entry["parameters"], points, entry["token"])
        files[f"{STUDENTS}/{entry['file']}"] = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    held = {"format": FORMAT, "chapter": chapter.name, "salt": salt, "points": points, "students": entries}
    files[f"{TEACHER}/{KEY}"] = json.dumps(held, indent=1, ensure_ascii=False) + "\n"
    files[f"{TEACHER}/answers.csv"] = _table(entries, points)
    files[f"{TEACHER}/guide.md"] = guide(source, keys[0])
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    for path in (folder / STUDENTS).glob(f"*_{chapter.name}.ipynb"):  # of who has left the roster
        if f"{STUDENTS}/{path.name}" not in files:
            path.unlink()
    return place


def student_notebook(
    source: dict[str, Any], values: dict[str, Any], points: dict[str, float], whose: str
) -> dict[str, Any]:
    """Return a student's notebook: with their values, and a mark in each given cell by which it is known again."""
    notebook = with_parameters(for_students(source, points, YOURS), values)
    cells = []
    for number, cell in enumerate(notebook["cells"]):
        given = not tags_of(cell) & {"start"}
        cells.append({**cell, "metadata": {**cell["metadata"], "course": {"cell": number, "given": given}}})
    return {**notebook, "cells": cells, "metadata": {**notebook["metadata"], "course": {"token": whose}}}


YOURS = "This landscape is yours alone, so the numbers are, too.\n\nBefore you hand in: restart the kernel, run all cells, and save. Keep the name of the file."


def read_title(source: dict[str, Any]) -> str:
    """Return the title that a notebook's front matter has."""
    return str(front_matter_of(source, "the exercises")["title"])


def guide(source: dict[str, Any], keys: dict[str, Key]) -> str:
    """Return the marking guide: for each exercise its points, the wrong answers that are known, and what a good answer says."""
    lines = [
        f"# Marking guide: {read_title(source)}",
        "",
        "Right answers differ from student to student: see `answers.csv`.",
        "",
    ]
    for exercise in exercises_in(source):
        made = keys[exercise.number]
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
        for cell in exercise.tagged("guide"):
            if cell["cell_type"] == "markdown":
                lines += [text_of(cell).strip(), ""]
        if any(cell["cell_type"] == "code" for cell in exercise.tagged("guide")) and not made.in_words:
            lines += [
                "What a good answer says stands, with the numbers of a run, below the exercise on the course's site.",
                "",
            ]
    return "\n".join(lines)


def load_key(path: Path) -> dict[str, Any]:
    """Return a class's key.

    Raises
    ------
    CourseError
        If there is none in this file, or in the folder ``teacher`` of this folder.
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
        raise CourseError(f"--key {path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise CourseError(
            f"--key {path}: not a key; `course classroom make` writes one, as teacher/{KEY}"
        ) from None
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        raise CourseError(
            f"--key {path}: not a key of this version; `course classroom make` writes one, as teacher/{KEY}"
        )
    return held


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
    pool: ProcessPoolExecutor, number: str, todo: list[dict[str, Any]], quiet: bool
) -> list[dict[str, Key]]:
    """Return the keys for each of `todo`, in order; say how far it is."""
    futures = [pool.submit(_key_for, number, values) for values in todo]
    with progress(len(todo), 0, quiet, "keys") as tick:
        for future in futures:
            future.result()
            tick()
    return [future.result() for future in futures]


def _key_for(number: str, values: dict[str, Any]) -> dict[str, Key]:
    return keys_of(number, values)


def _read_before(place: Path, folder: Path) -> dict[str, Any]:
    """Return the key that is there already; raise an error if the folder holds something else."""
    if place.is_file():
        return load_key(place)
    if folder.is_dir() and any(folder.iterdir()):
        raise CourseError(f"{folder} is there and holds something else; choose another --out")
    return {}


def _table(entries: dict[str, dict[str, Any]], points: dict[str, float]) -> str:
    """Return the teacher's table: a row per student with the seed and the right answers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "name", "file", "seed", *points])
    for name, entry in entries.items():
        answers = [entry["key"][exercise]["answer"] for exercise in points]
        shown = ["" if answer == IN_WORDS else json.dumps(answer, ensure_ascii=False) for answer in answers]
        writer.writerow(
            [inert(name), inert(entry["name"]), entry["file"], entry["parameters"]["seed"], *shown]
        )
    return text.getvalue()


def inert(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t") else cell
