"""Whose a file is, and which of several files counts, where a person decides it: the table decide.csv.

`mark` lists each file that it cannot assign, and each that does not count because another one of the same student has more
points. Whoever teaches writes into the column "student" an id, or "nobody", and into the column "counts" a "yes" for a file
that is to count whatever else the student handed in. No row with a decision is ever dropped.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from course.classroom import make, reading
from course.errors import CourseError

DECIDE = "decide.csv"
COLUMNS = ["file", "sha256", "student", "counts", "what was found"]
NOBODY, YES = "nobody", "yes"


@dataclass(frozen=True)
class Decision:
    """What a row says: whose the file is (an id, an empty text for nobody's, None if that is left open), and whether it counts."""

    student: str | None = None
    counts: bool = False


Place = tuple[
    str, str
]  # a file's name and the beginning of its hash: another file of the same name is not decided
Decisions = dict[Place, Decision]


def place_of(file: str, sha256: str) -> Place:
    """Return by what a row names a file, as a table can hold it."""
    return " ".join(file.encode("utf-8", "replace").decode().split()), f"x{sha256[:12]}"


def read(path: Path, students: Iterable[str]) -> Decisions:
    """Return what a person decided; nothing if there is no table.

    Raises
    ------
    CourseError
        If the table cannot be read, names a student who is not in the key, or says neither yes nor nothing of what counts.
    """
    if not path.is_file():
        return {}
    known = list(students)
    made: Decisions = {}
    for line, cells in reading.rows(path, COLUMNS[:4]):
        whose, counts = cells["student"], cells["counts"].casefold()
        if not whose and not counts:
            continue
        place = f"{path}, line {line}"
        if counts not in ("", YES):
            raise CourseError(f"{place}: {cells['counts']!r} in the column counts; write {YES}, or nothing")
        nobody = whose.casefold() == NOBODY and NOBODY not in known
        student = None if not whose else "" if nobody else reading.student_of(whose, known, place)
        made[" ".join(cells["file"].split()), cells["sha256"]] = Decision(student, bool(counts))
    return made


def write(path: Path, found: dict[Place, str], made: Decisions) -> None:
    """Write a row for each file to decide, with what was found, and for each that was decided; no table if there is neither."""
    if not found and not made and not path.is_file():
        return
    rows = []
    for (file, sha256), says in {**dict.fromkeys(made, "decided"), **found}.items():
        decision = made.get((file, sha256), Decision())
        student = NOBODY if decision.student == "" else decision.student or ""
        cells = [file, sha256, student, YES if decision.counts else "", says]
        rows.append([make.inert(cell) for cell in cells])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    make.write(path, text.getvalue().encode("utf-8-sig"))
