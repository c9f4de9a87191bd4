"""The points that a person gives, in reading.csv: read as spreadsheets leave it, applied, and never lost.

A row gives points for one exercise of one student: for an answer in words, or in place of what the key gave. Rows that
do not apply are an error, or are kept as they are; nothing that a person wrote is dropped.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course.classroom.make import inert
from course.errors import CourseError

READING = "reading.csv"
COLUMNS = ["id", "exercise", "of", "points", "comment", "answer"]


@dataclass(frozen=True)
class Given:
    """What a row says: points, if it gives any, a comment, and the hash of the answer that was read."""

    points: float | None
    comment: str
    answer: str


Points = dict[tuple[str, str], Given]


def read(path: Path, points: dict[str, float], students: Iterable[str]) -> Points:
    """Return the rows of a reading.csv that have points or a comment, by student and exercise; none if there is no file.

    Parameters
    ----------
    path : Path
        The file, with commas, semicolons or tabs.
    points : dict
        What each exercise is worth.
    students : iterable of str
        The ids of the key.

    Raises
    ------
    CourseError
        If it cannot be read, or if a row with points or a comment is of no student, of no exercise, or gives no points that
        the exercise can have.
    """
    if not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise CourseError(f"{path}: not text in UTF-8; save it as “CSV UTF-8”") from None
    except OSError as error:
        raise CourseError(f"{path}: cannot be read: {error.strerror}") from None
    first = text.lstrip().partition("\n")[0]
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count)))
    except csv.Error as error:
        raise CourseError(f"{path}: cannot be read: {error}") from None
    names = [cell.strip().casefold() for cell in rows[0]] if rows else []
    for name in ("id", "exercise", "points"):
        if name not in names:
            raise CourseError(f"{path}: has no column {name}; the first line is {', '.join(COLUMNS)}")
    known = list(students)
    found: Points = {}
    for number, row in enumerate(rows[1:], start=2):
        cells = dict(zip(names, (cell.strip() for cell in row), strict=False))
        worth, comment = cells.get("points", ""), cells.get("comment", "").removeprefix("'")
        if not worth and not comment:
            continue
        place = f"{path}, line {number}"
        student = _student(cells.get("id", "").removeprefix("'"), known, place)
        exercise = cells.get("exercise", "").replace(",", ".")
        if exercise not in points:
            raise CourseError(
                f"{place}: {exercise!r} is no exercise of this key; there are {', '.join(points)}"
            )
        found[student, exercise] = Given(
            _points(worth, points[exercise], f"{place}: {worth!r} for {exercise}"),
            comment,
            cells.get("answer", ""),
        )
    return found


def _student(written: str, known: list[str], place: str) -> str:
    """Return the id that is meant: a spreadsheet may have changed its case, or dropped zeros at its beginning."""
    if written in known:
        return written
    alike = [name for name in known if _bare(name) == _bare(written)]
    if len(alike) != 1:
        raise CourseError(f"{place}: no student {written!r} in the key; spreadsheets change ids such as 007")
    return alike[0]


def _bare(name: str) -> str:
    return name.casefold().lstrip("0")


def _points(worth: str, most: float, place: str) -> float | None:
    if not worth:
        return None
    try:
        value = float(worth.replace(",", "."))
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise CourseError(f"{place}; points are a number from 0 to {most:g}")
    return value


def apply(given: Points, results: list[dict[str, Any]]) -> None:
    """Put the points and comments that a person gave in place of what the key gave.

    Points that were given for an answer that has since changed do not count; the report says so.
    """
    for result in results:
        for made in result["marks"]:
            row = given.get((result["student"], made["exercise"]))
            if row is None:
                continue
            if row.answer and row.answer != hash_of(made["answer"]):
                result["notes"] = [
                    *result["notes"],
                    f"{made['exercise']}: the answer has changed since it was read; read it again",
                ]
                continue
            if row.comment:
                made["comment"] = row.comment
            if row.points is not None:
                read_only = made["points"] is None
                made["points"] = row.points
                made["message"] = (
                    "read by a person." if read_only else f"{made['message']} A person gave these points."
                )
                made["by_person"] = True


def hash_of(answer: Any) -> str:
    """Return some characters by which an answer is known again."""
    return hashlib.sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest()[:8]


def write(path: Path, results: list[dict[str, Any]], words: list[str], given: Points) -> None:
    """Write a row for each answer in words, with what was given for it, and all other rows as they were.

    What the file held before is kept beside it, in reading.csv.bak.
    """
    rows: list[list[str]] = []
    left = dict(given)
    for result in results:
        for made in result["marks"]:
            if made["exercise"] not in words or not isinstance(made["answer"], str):
                continue
            answer = hash_of(made["answer"])
            row = left.get((result["student"], made["exercise"]))
            if row is not None and row.answer and row.answer != answer:
                row = None  # for another answer: it stays below, as it was
            else:
                left.pop((result["student"], made["exercise"]), None)
            rows.append(_row(result["student"], made["exercise"], f"{made['most']:g}", row, answer))
    rows += [_row(*place, "", row, row.answer) for place, row in left.items()]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    if path.is_file() and given:
        path.with_name(f"{path.name}.bak").write_bytes(path.read_bytes())
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text.getvalue(), encoding="utf-8-sig", newline="")
    beside.replace(path)


def _row(student: str, exercise: str, most: str, row: Given | None, answer: str) -> list[str]:
    points = "" if row is None or row.points is None else f"{row.points:g}"
    return [inert(student), exercise, most, points, inert(row.comment) if row else "", answer]
