"""Who takes part, and which landscape each of them gets.

Steps: read the roster; make a secret salt, once; draw for each student a seed from the vetted ones, by id and salt.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course.errors import CourseError

# How a roster's columns may be called, as Moodle, Canvas and people have them; case and spaces do not count.
IDS = (
    "id",
    "id number",
    "idnumber",
    "student id",
    "sis user id",
    "sis login id",
    "username",
    "user",
    "email",
    "email address",
)
NAMES = ("name", "student", "full name", "student name")
FIRST, LAST = ("first name", "firstname", "given name"), ("last name", "lastname", "surname", "family name")
EMAILS = ("email", "email address", "e-mail")


@dataclass(frozen=True)
class Student:
    """One student: the id that the roster has, a name for people to read, an address if there is one."""

    id: str
    name: str = ""
    email: str = ""

    @property
    def slug(self) -> str:
        """Return the id as part of a file's name."""
        return re.sub(r"[^A-Za-z0-9.@+-]+", "-", self.id).strip(".-")


def read_roster(path: Path) -> list[Student]:
    """Return the students that a file lists: CSV with a header, or an id on each line.

    Raises
    ------
    CourseError
        If it cannot be read, lists nobody, or lists an id twice or one that makes no file name.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not text in UTF-8"
        raise CourseError(f"{path}: the roster cannot be read: {why}") from None
    rows = [
        row
        for row in csv.reader(io.StringIO(text), delimiter=_delimiter(text))
        if any(cell.strip() for cell in row)
    ]
    students = _with_header(rows, path) if rows and _is_header(rows[0]) else _without_header(rows, path)
    if not students:
        raise CourseError(f"{path}: the roster lists nobody")
    seen: dict[str, Student] = {}
    for student in students:
        slug = student.slug.casefold()
        if not slug:
            raise CourseError(f"{path}: the id {student.id!r} has no letter or digit to name a file by")
        if slug in seen:
            raise CourseError(f"{path}: {student.id} is listed twice, or is too much like {seen[slug].id}")
        seen[slug] = student
    return students


def new_salt() -> str:
    """Return a secret that nobody can guess."""
    return secrets.token_hex(16)


def token(student: Student, salt: str) -> str:
    """Return what a student's notebook carries: it tells whose it is to whoever has the salt, and to nobody else."""
    return _digest(salt, f"token:{student.id}")[:16]


def draw_seeds(students: Sequence[Student], candidates: Sequence[int], salt: str) -> dict[str, int]:
    """Return a seed for each student, by id; no two get the same.

    Each student takes the candidate that id and salt point at; if somebody above them on the roster has it, the next try. So a
    student who is added at the end changes nobody's seed.

    Raises
    ------
    CourseError
        If there are more students than candidates.
    """
    if len(students) > len(candidates):
        raise CourseError(
            f"{len(students)} students, but only {len(candidates)} vetted landscapes: make two classes, with a salt each"
        )
    taken: dict[str, int] = {}
    used: set[int] = set()
    for student in students:
        attempt = 0
        while (
            seed := candidates[int(_digest(salt, f"{attempt}:{student.id}"), 16) % len(candidates)]
        ) in used:
            attempt += 1
        used.add(seed)
        taken[student.id] = seed
    return taken


def _digest(salt: str, text: str) -> str:
    return hmac.new(salt.encode(), text.encode(), hashlib.sha256).hexdigest()


def _delimiter(text: str) -> str:
    """Return what separates the cells of the first line."""
    first = text.lstrip().partition("\n")[0]
    return max(",;\t", key=first.count)


def _named(row: Sequence[str]) -> list[str]:
    return [" ".join(cell.split()).casefold() for cell in row]


def _is_header(row: Sequence[str]) -> bool:
    return any(cell in IDS for cell in _named(row))


def _with_header(rows: list[list[str]], path: Path) -> list[Student]:
    names = _named(rows[0])

    def column(wanted: Sequence[str]) -> int | None:
        return next((names.index(name) for name in wanted if name in names), None)

    found = []
    place = column(IDS)
    assert place is not None
    for number, row in enumerate(rows[1:], start=2):

        def cell(index: int | None, row: list[str] = row) -> str:
            return " ".join(row[index].split()) if index is not None and index < len(row) else ""

        if cell(place).casefold() in ("", "points possible"):
            if cell(column(NAMES)).strip().casefold() == "points possible":  # a line of Canvas's own
                continue
            raise CourseError(f"{path}, line {number}: no {names[place]}")
        both = f"{cell(column(FIRST))} {cell(column(LAST))}".strip()
        found.append(Student(cell(place), cell(column(NAMES)) or both, cell(column(EMAILS))))
    return found


def _without_header(rows: list[list[str]], path: Path) -> list[Student]:
    """Return students of lines that hold an id, or an id and a name."""
    if any(len(row) > 3 for row in rows):
        raise CourseError(
            f"{path}: which column is the id? Name the columns in a first line: {', '.join(IDS[:3])}, name, email"
        )
    return [Student(*(" ".join(cell.split()) for cell in row)) for row in rows]
