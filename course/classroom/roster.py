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
from dataclasses import dataclass, field, replace
from pathlib import Path

from course.errors import CourseError

# How a roster's columns may be called, as Moodle, Canvas and people have them; case and spaces do not count.
EMAILS = ("email", "email address", "e-mail", "e-mail address", "e-mail-adresse", "adresse de courriel")
IDS = (  # the first that is there and not empty is taken; so Canvas's own ID yields to those that its import knows
    "sis user id", "sis login id", "orgdefinedid", "id number", "idnumber", "id-nummer", "numéro d'identification", "matrikelnummer", "matrikelnr", "matrikelnr.",
    "student id", "student number", "id", "username", "user", "login", "anmeldename", "benutzername", *EMAILS,
)  # fmt: skip
NAMES = ("name", "student", "full name", "student name", "vollständiger name")
FIRST = ("first name", "firstname", "given name", "vorname", "prénom")
LAST = (
    "last name",
    "lastname",
    "surname",
    "family name",
    "nachname",
    "familienname",
    "nom",
    "nom de famille",
)
KNOWN = {*IDS, *NAMES, *FIRST, *LAST}
CANVAS = ("ID", "SIS User ID", "SIS Login ID", "Section")  # what Canvas wants back as it gave it
CANVAS_ROWS = ("points possible", "student, test")  # rows of its export that are no students
LONGEST = 200  # characters of an id: it is part of a file's name
# What spreadsheets and other programs make of an id that has digits alone; the digits that it had are lost.
ROUNDED = re.compile(r"\d+([.,]\d+)?E[+-]\d+", re.IGNORECASE)
WITH_A_POINT = re.compile(r"\d+[.,]0+")
FORMULA = ("=", "+", "-", "@")  # with what a cell begins that a spreadsheet takes for a formula
RESERVED = re.compile(
    r"con|prn|aux|nul|com\d|lpt\d", re.IGNORECASE
)  # no file or folder has such a name on Windows


@dataclass(frozen=True)
class Student:
    """One student: the id that the roster has, a name for people to read, an address, and Canvas's columns, if there are any."""

    id: str
    name: str = ""
    email: str = ""
    extra: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def slug(self) -> str:
        """Return the id as part of a file's name."""
        return re.sub(r"[^A-Za-z0-9.@+-]+", "-", self.id).strip(".-")


@dataclass(frozen=True)
class Roster:
    """The students that a file lists, in its order, and the column that their ids come from; none in a plain list."""

    students: list[Student]
    id_from: str = ""
    warning: str = (
        ""  # what may have gone wrong with the ids before, in a line; nothing where they look sound
    )

    @property
    def summary(self) -> str:
        """Return how the roster was read, in a line by which a teacher sees whether it was read rightly."""
        people = "1 student" if len(self.students) == 1 else f"{len(self.students)} students"
        source = f"'{self.id_from}'" if self.id_from else "each line"
        first = self.students[0]
        return f"{people}; id from {source}; the first is {', '.join(filter(None, (first.id, first.name)))}"


Row = tuple[int, list[str]]  # the line that it begins on, and its cells


def read_roster(path: Path, id_column: str | None = None) -> Roster:
    """Return the students that a file lists: CSV with a header, or an id on each line.

    Parameters
    ----------
    path : Path
    id_column : str, optional
        The column that tells students apart; by default the first of `IDS` that is there and not empty.

    Raises
    ------
    CourseError
        If it cannot be read, has no column of ids, lists nobody, or lists an id twice, one that makes no file name, or one that a
        spreadsheet has changed.
    """
    rows = _rows_of(_text_of(path), path)
    if not rows:
        raise CourseError(f"{path}: the roster lists nobody")
    if id_column is None and _is_plain_list(rows):
        id_from, found = "", [(line, Student(row[0])) for line, row in rows]
    else:
        id_from, found = _by_columns(rows, path, id_column)
    if not found:
        raise CourseError(f"{path}: the roster lists nobody")
    found = _without_number_signs(found)
    _refuse_unfit_ids(found, path, id_from)
    return Roster([student for _, student in found], id_from, _warning(found, path, id_from))


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


def _text_of(path: Path) -> str:
    """Return what a file holds, as text with plain line ends."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path}: the roster cannot be read: {error.strerror}") from None
    if data.startswith(b"PK"):
        raise CourseError(
            f"{path}: the roster is a workbook, not text; save it from the spreadsheet as the type 'CSV UTF-8'"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # UTF-16 without its mark decodes, to a zero beside each letter
        raise CourseError(
            f"{path}: the roster is not text in UTF-8; save it anew, in Excel as the type 'CSV UTF-8', elsewhere as CSV with the "
            "encoding UTF-8"
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _rows_of(text: str, path: Path) -> list[Row]:
    """Return the rows that hold something, their cells without needless spaces."""
    first, _, rest = text.partition("\n")
    told = re.fullmatch(r'"?sep=([,;|\t])"?[,;\s]*', first, re.IGNORECASE)  # a line for Excel alone
    text = f"\n{rest}" if told else text
    reader = csv.reader(io.StringIO(text), delimiter=told[1] if told else delimiter(text), strict=True)
    found: list[Row] = []
    begins = 1
    try:
        for row in reader:
            if any(cells := [_clean(cell) for cell in row]):
                found.append((begins, cells))
            begins = reader.line_num + 1
    except csv.Error:
        raise CourseError(
            f"{path}, line {begins}: a quotation mark is opened here and not closed, or text follows the closing one; "
            "mend it, or save the roster anew from a spreadsheet"
        ) from None
    return found


def delimiter(text: str) -> str:
    """Return what separates the cells of the first line or, if nothing does, those of the others."""
    first = text.lstrip().partition("\n")[0]
    place = first if any(mark in first for mark in ",;\t") else text
    return max(",;\t", key=place.count)


def _clean(cell: str) -> str:
    """Return a cell without control characters, and with one space where there were more."""
    return " ".join(re.sub(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]", "", cell).split())


def _is_plain_list(rows: list[Row]) -> bool:
    """Tell whether there is nothing but one column, which no header names."""
    return not any(any(row[1:]) for _, row in rows) and rows[0][1][0].casefold() not in KNOWN


def _by_columns(rows: list[Row], path: Path, id_column: str | None) -> tuple[str, list[tuple[int, Student]]]:
    """Return the header of the ids, and the students with their lines, of rows whose first names the columns."""
    header, body = rows[0][1], rows[1:]
    names = _names(header)
    body = [(line, [*row, *[""] * (len(header) - len(row))]) for line, row in body]
    kept = _canvas_columns(names)
    if kept:
        body = _without_canvas_rows(body, [*kept.values(), *_name_columns(names)])
    place = _place_of_ids(header, body, path, id_column)
    _refuse_longer_rows(header, body, path)
    named_by, email = _name_columns(names), _column(names, EMAILS)
    found = []
    for line, row in body:
        if not row[place]:
            raise CourseError(
                f"{path}, line {line}: no {header[place]}; fill it, or name another column of ids with --id-column"
            )
        name = " ".join(row[column] for column in named_by if row[column])
        extra = {title: row[column] for title, column in kept.items()}
        found.append((line, Student(row[place], name, "" if email is None else row[email], extra)))
    return header[place], found


def _names(header: list[str]) -> list[str]:
    """Return the names of columns as they are compared."""
    return [cell.casefold().replace("’", "'") for cell in header]


def _refuse_longer_rows(header: list[str], body: list[Row], path: Path) -> None:
    """Raise an error if a row has more cells than columns are named: its cells may stand in the wrong ones."""
    columns = "1 column" if len(header) == 1 else f"{len(header)} columns"
    for line, row in body:
        if any(row[len(header) :]):
            raise CourseError(
                f"{path}, line {line}: {len(row)} cells, but the first line names {columns}; put a cell that holds "
                "a separator into quotation marks"
            )


def _canvas_columns(names: list[str]) -> dict[str, int]:
    """Return where Canvas's columns are; none if the file is not Canvas's, as an "ID" may be anybody's."""
    is_canvas = not {"sis user id", "sis login id"}.isdisjoint(names) or {"student", "id", "section"} <= {
        *names
    }
    return {
        title: names.index(title.casefold()) for title in CANVAS if is_canvas and title.casefold() in names
    }


def _without_canvas_rows(body: list[Row], columns: list[int]) -> list[Row]:
    """Return the rows of students: not the points, not the student that Canvas makes for tests, none without name and ids."""
    told = [(line, row, [row[column].casefold() for column in columns]) for line, row in body]
    return [(line, row) for line, row, cells in told if any(cells) and not {*CANVAS_ROWS} & {*cells}]


def _place_of_ids(header: list[str], body: list[Row], path: Path, id_column: str | None) -> int:
    """Return which column holds the ids."""
    names = _names(header)
    seen = ", ".join(cell for cell in header if cell)
    if id_column is not None:
        if _clean(id_column).casefold() not in names:
            raise CourseError(f"{path}: no column {id_column!r} for --id-column; its first line has: {seen}")
        return names.index(_clean(id_column).casefold())
    known = [names.index(name) for name in IDS if name in names]
    if not known:
        later = next((line for line, row in body if {*_names(row)} & {*IDS}), None)
        if later is not None:
            raise CourseError(
                f"{path}: the columns are named in line {later}, not in the first line, which has: {seen}; take out what stands above"
            )
        raise CourseError(
            f"{path}: which column is the id? Its first line has: {seen}; known are: {', '.join(IDS)}; "
            "name another with --id-column"
        )
    return next((place for place in known if any(row[place] for _, row in body)), known[0])


def _column(names: list[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _name_columns(names: list[str]) -> list[int]:
    """Return the columns that make up a student's name, in order; beside a first name, "Name" is the last one."""
    first, last, whole = (_column(names, wanted) for wanted in (FIRST, LAST, NAMES))
    if last is None and whole is not None and names[whole] == "name":
        last = whole
    parts = [first, last] if whole is None or None not in (first, last) else [whole]
    return [part for part in parts if part is not None]


def _without_number_signs(found: list[tuple[int, Student]]) -> list[tuple[int, Student]]:
    """Return the students without the sign that Brightspace puts before each id."""
    if not all(student.id.startswith("#") for _, student in found):
        return found
    return [(line, replace(student, id=student.id.removeprefix("#"))) for line, student in found]


def _refuse_unfit_ids(found: list[tuple[int, Student]], path: Path, id_from: str) -> None:
    """Raise an error if an id was changed by a spreadsheet, or can name no file, or the same file as another."""
    seen: dict[str, tuple[int, Student]] = {}
    bare: dict[str, tuple[int, str]] = {}
    for line, student in found:
        where, slug = f"{path}, line {line}", student.slug.casefold()
        cell = f"{where}: {student.id} in the column {id_from or 'of ids'}"
        if ROUNDED.fullmatch(student.id) or WITH_A_POINT.fullmatch(student.id):
            raise CourseError(
                f"{cell} is a number as a spreadsheet writes it, and no id; take the roster as it was exported, and import that column "
                "as text"
            )
        if student.id.startswith(FORMULA):
            raise CourseError(
                f"{cell} begins with {student.id[0]}, so a spreadsheet takes it for a formula; take out that sign, or name another "
                "column of ids with --id-column"
            )
        if RESERVED.fullmatch(student.id):
            raise CourseError(f"{cell} can name no folder on Windows; put a letter before it")
        if student.id.isdecimal():
            first_line, first = bare.setdefault(student.id.lstrip("0"), (line, student.id))
            if first != student.id:
                raise CourseError(
                    f"{cell} is {first} in line {first_line}, but for zeros at the beginning, which spreadsheets drop; "
                    "if these are two students, name another column of ids with --id-column"
                )
        if len(student.id) > LONGEST:
            raise CourseError(
                f"{where}: the id has {len(student.id)} characters, and {LONGEST} is the most; is it the right column? "
                "--id-column names another"
            )
        if not student.id.isprintable():
            raise CourseError(
                f"{where}: the id {student.id!a} holds a character that is not seen; type it anew"
            )
        if not slug:
            raise CourseError(f"{where}: the id {student.id!r} has no letter or digit to name a file by")
        if slug in seen:
            before, other = seen[slug]
            if other.id == student.id:
                raise CourseError(
                    f"{where}: the id {student.id} is listed twice, first in line {before}; take one out"
                )
            raise CourseError(
                f"{where}: the id {student.id} differs from {other.id} in line {before} only by case, or by characters that no "
                "file's name gets; change one, or name another column of ids with --id-column"
            )
        seen[slug] = line, student


def _warning(found: list[tuple[int, Student]], path: Path, id_from: str) -> str:
    """Return a warning if ids may have lost zeros at the beginning: numbers that differ in length, and are none of a count."""
    ids = [student.id for _, student in found]
    if not all(one.isdecimal() and not one.startswith("0") for one in ids):
        return ""
    shortest, longest = min(ids, key=len), max(ids, key=len)
    if len(shortest) == len(longest) or max(map(int, ids)) <= 10 * len(ids):
        return ""
    line = next(line for line, student in found if student.id == shortest)
    return (
        f"{path}, line {line}: {shortest} in the column {id_from or 'of ids'} has fewer digits than {longest}; "
        "if a spreadsheet has dropped zeros at the beginning, take the roster as it was exported"
    )


def _digest(salt: str, text: str) -> str:
    return hmac.new(salt.encode(), text.encode(), hashlib.sha256).hexdigest()
