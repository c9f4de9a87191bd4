"""The points that a person gives, in reading.csv: read as spreadsheets leave it, applied, and never lost.

A row gives points for one exercise of one student: for an answer in words, or in place of what the key gave. Its last
column tells which answer it is for. A row that is not understood is an error, before anything runs; one that does not
apply is kept as it is.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course.classroom import make
from course.classroom.roster import delimiter
from course.errors import CourseError

READING = "reading.csv"
COLUMNS = ["id", "exercise", "of", "points", "comment", "answer"]


@dataclass(frozen=True)
class Given:
    """What a row says: points, if it gives any, and a comment."""

    points: float | None
    comment: str


Place = tuple[str, str, str]  # a student, an exercise, and the hash of the answer; nothing for any answer
Points = dict[Place, Given]


def read(path: Path, points: dict[str, float], students: Iterable[str]) -> Points:
    """Return the rows of a reading.csv that have points or a comment; none if there is no file.

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
        If it cannot be read, or if a row with points or a comment is of no student or no exercise, is there twice, or gives no
        points that the exercise can have.
    """
    if not path.is_file():
        return {}
    known = list(students)
    found: Points = {}
    for line, cells in rows(path, ["id", "exercise", "points"], COLUMNS):
        if not cells["points"] and not cells.get("comment"):
            continue
        place = f"{path}, line {line}"
        student = student_of(cells["id"], known, place)
        exercise = cells["exercise"].replace(",", ".")
        if exercise not in points:
            raise CourseError(
                f"{place}: {exercise!r} is no exercise of this key; there are {', '.join(points)}"
            )
        row = (student, exercise, cells.get("answer", ""))
        if row in found:
            raise CourseError(f"{place}: a second row for {exercise} of {student}; keep one")
        worth = _points(cells["points"], points[exercise], f"{place}: {cells['points']!r} for {exercise}")
        found[row] = Given(worth, cells.get("comment", ""))
    return found


def rows(
    path: Path, needed: list[str], columns: list[str] | None = None
) -> Iterable[tuple[int, dict[str, str]]]:
    """Yield the line that a row of a table ends on, and its cells by the names of the columns.

    Raises
    ------
    CourseError
        If the table cannot be read, or lacks a column of `needed`; `columns` are all that it should have.
    """
    first = f"the first line is {', '.join(columns or needed)}"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise CourseError(f"{path}: not text in UTF-8; save it as “CSV UTF-8”") from None
    except OSError as error:
        raise CourseError(f"{path}: cannot be read: {error.strerror}") from None
    reader = csv.reader(io.StringIO(text), delimiter=delimiter(text), strict=True)
    names: list[str] = []
    try:
        for row in reader:
            cells = [_as_written(cell) for cell in row]
            if not names:
                names = [cell.casefold() for cell in cells]
                for name in needed:
                    if name not in names:
                        raise CourseError(f"{path}: has no column {name}; {first}")
            elif any(cells[len(names) :]):
                raise CourseError(
                    f"{path}, line {reader.line_num}: more cells than columns; put a comment that holds a separator into quotation marks"
                )
            else:
                cells += [""] * (len(names) - len(cells))
                yield reader.line_num, dict(zip(names, cells, strict=False))
    except csv.Error:
        raise CourseError(
            f"{path}, line {reader.line_num}: a quotation mark is opened and not closed, or text follows the closing one"
        ) from None
    if not names:
        raise CourseError(f"{path}: has no column {needed[0]}; {first}")


def _as_written(cell: str) -> str:
    """Return a cell without what `inert` put before a formula."""
    return re.sub(r"(^|;)'(?=[=+\-@\t])", r"\1", cell.strip())


def student_of(written: str, known: list[str], place: str) -> str:
    """Return the id that is meant: a spreadsheet may have changed its case, or dropped zeros at its beginning.

    Raises
    ------
    CourseError
        If no id of the key, or more than one, can be meant.
    """
    if written in known:
        return written
    alike = [name for name in known if _bare(name) == _bare(written) or label(name) == written]
    if len(alike) != 1:
        raise CourseError(
            f"{place}: no student {written!r} in the key; take the row out if they have left, or mend the id: spreadsheets change such as 007"
        )
    return alike[0]


def label(student: str) -> str:
    """Return what a reader of answers sees of an id: itself or, in place of an email address, some characters."""
    return hash_of(student) if "@" in student else student


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
            whose = result["student"], made["exercise"]
            row = given.get((*whose, "")) or given.get((*whose, hash_of(made["answer"])))
            if row is None:
                if any(place[:2] == whose for place in given):
                    result["notes"] = [
                        *result["notes"],
                        f"{made['exercise']}: the answer has changed since it was read; read it again",
                    ]
                continue
            if row.comment:
                made["comment"] = row.comment
            if row.points is not None:
                in_words = made["points"] is None
                made["message"] = (
                    "read by a person." if in_words else f"{made['message']} A person gave these points."
                )
                made["points"] = row.points
                made["by_person"] = True


def hash_of(value: Any) -> str:
    """Return some characters by which an answer is known again; a letter first, so that no spreadsheet sees a number."""
    return "x" + hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]


def write(path: Path, results: list[dict[str, Any]], words: list[str], given: Points) -> None:
    """Write a row for each answer in words, with what was given for it, and all other rows as they were.

    A row that a person wrote without the hash of an answer gets that of the answer that it was applied to. What the file
    held before is kept beside it, in reading.csv.bak.
    """
    left = dict(given)
    rows: list[list[str]] = []
    for result in results:
        for made in result["marks"]:
            whose, answer = (result["student"], made["exercise"]), hash_of(made["answer"])
            row = left.pop((*whose, ""), None) or left.pop((*whose, answer), None)
            if row is not None or (made["exercise"] in words and isinstance(made["answer"], str)):
                rows.append(_row((*whose, answer), f"{made['most']:g}", row))
    rows += [_row(place, "", row) for place, row in left.items()]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    if path.is_file():
        make.write(path.with_name(f"{path.name}.bak"), path.read_bytes())
    make.write(path, text.getvalue().encode("utf-8-sig"))


def _row(place: Place, most: str, row: Given | None) -> list[str]:
    student, exercise, answer = place
    points = "" if row is None or row.points is None else f"{row.points:g}"
    return [
        make.inert(label(student)),
        exercise,
        most,
        points,
        make.inert(row.comment) if row else "",
        answer,
    ]
