"""Read what students handed in, as data of unknown origin: files of any size, form and content.

Steps: find the files; assign each to a student, where all that names one agrees; read a notebook's code, and nothing else of it; put the given cells back
as they were given, with the parameters of the key.
"""

from __future__ import annotations

import json
import lzma
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.classroom.make import student_notebook
from course.exercises import tags_of, text_of
from course.project import literals

LARGEST = 20 * 2**20  # bytes of a file: a notebook with its figures has a tenth of that
CELL_MARK = "# Parameters of this chapter"  # how the parameters cell of every notebook begins
MOST_CELLS = 500
MOST_CODE = 10**6  # characters


class UnreadableError(Exception):
    """Why a file cannot be marked, in words for the student."""


@dataclass
class Submission:
    """What is marked: whose it is, the code that will run, and what was strange about the file."""

    student: str
    path: Path
    cells: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find(folder: Path) -> list[Path]:
    """Return the files of a folder and of those below it, in order; links are not followed."""
    found = []
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
        if not hidden and (path.is_symlink() or path.is_file()):
            found.append(path)
    return found


@dataclass(frozen=True)
class Undecided:
    """A file that a person has to assign: its mark, the learning platform and its name do not agree."""

    path: Path
    says: dict[str, list[str]]  # what it is known by, and the students whom that names


# How learning platforms name what they download: whom they mean, and what the student called the file.
PLATFORMS = [
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"(?P<who>.+?)_\d+_assignsubmission_(?:file|onlinetext)_?(?P<rest>.*)",  # Moodle
        r"\d+-\d+ - (?P<who>.+?) - [^-]*\d{4}[^-]*(?: - (?P<rest>.+))?",  # Brightspace
        r".*?_?(?P<who>[^_]+)_attempt_\d{4}(?:-\d\d){5}_?(?P<rest>.*)",  # Blackboard
        r"(?P<who>[^_]+)_(?:LATE_)?(?P<id>\d+)_\d+_(?P<rest>.+)",  # Canvas
    )
]
MOST_WORDS = 40  # of a folder's name that are compared


def owners(
    paths: Iterable[Path],
    folder: Path,
    students: dict[str, dict[str, Any]],
    tokens: dict[str, str],
    decided: Callable[[Path], str | None] = lambda _: None,
) -> tuple[dict[str, list[Path]], list[Path], list[Undecided]]:
    """Return the files of each student, those of nobody known, and those that a person has to assign.

    The learning platform names a student in a folder or before the file's own name. The mark in the notebook names the student
    that it was made for. Both must agree; where only one of them names somebody, it decides. The file's own name, which
    the student chose, counts where no platform names anybody: it must agree with the mark, and decides where there is none.

    Parameters
    ----------
    paths : iterable of Path
    folder : Path
        Where the names of the platform's folders begin.
    students : dict
        The students of the key.
    tokens : dict
        Whose notebook carries which token.
    decided : callable, optional
        What a person decided of a file: an id, an empty text for nobody's, or None.
    """
    theirs: dict[str, list[Path]] = {}
    nobodys, undecided = [], []
    forms = _forms_of_names(students)
    for path in paths:
        platform, name = _by_platform(path.relative_to(folder).parts, students, forms)
        marked = tokens.get(token_in(path))
        chosen = _by_name(name, students, forms) if not platform else []
        says = {
            "the platform's folder or prefix": platform,
            "the mark in the notebook": [marked] if marked else [],
            "the file's name": chosen,
        }
        named = [*map(set, filter(None, says.values()))]
        agreed = set.intersection(*named) if named else set()
        whose = decided(path)
        if whose is None and len(agreed) == 1:
            (whose,) = agreed
        if whose:
            theirs.setdefault(whose, []).append(path)
        elif whose is None and named:
            undecided.append(Undecided(path, {source: hits for source, hits in says.items() if hits}))
        else:
            nobodys.append(path)
    return theirs, nobodys, undecided


def _by_platform(
    parts: tuple[str, ...], students: dict[str, dict[str, Any]], forms: dict[str, list[str]]
) -> tuple[list[str], str]:
    """Return whom the outermost folder that names anybody names, or else what a platform put before a file's name; and that name."""
    *folders, file = parts
    for part in folders:
        found = _platform_of(part)
        hits = _named(found["who"] if found else part, (found or {}).get("id"), students, forms)
        if hits:
            return hits, file
    found = _platform_of(file)
    if found is None:
        return [], file
    return _named(found["who"], found.get("id"), students, forms), found["rest"] or ""


def _platform_of(part: str) -> dict[str, str] | None:
    return next((found.groupdict() for pattern in PLATFORMS if (found := pattern.fullmatch(part))), None)


def _named(
    who: str, number: str | None, students: dict[str, dict[str, Any]], forms: dict[str, list[str]]
) -> list[str]:
    """Return the students whom a platform's words name: by its own number, by an id, by a name; of names, by the longest."""
    numbered = [n for n, entry in students.items() if number and entry["extra"].get("ID") == number]
    fields = ["".join(words_of(part)) for part in (who, *re.split(r"_| - ", who))]
    by_id = [
        name
        for name in students
        if (plain := "".join(words_of(name)))
        and (plain in fields[:2] or (plain in fields and len(plain) >= 3 and not plain.isdigit()))
    ]
    words = words_of(who)[:MOST_WORDS]
    found: dict[str, int] = {}
    for i in range(len(words)):
        for j in range(i + 1, len(words) + 1):
            text = "".join(words[i:j])
            for name in forms.get(text, []):
                if len(words_of(students[name]["name"])) > 1 or text in fields[:2]:
                    found[name] = max(found.get(name, 0), len(text))
    by_name = [name for name, length in found.items() if length == max(found.values())]
    return numbered + [n for n in (by_id or by_name) if n not in numbered]


def _forms_of_names(students: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Return the students by their names, without spaces: as the roster has them, and with the surname first."""
    forms: dict[str, list[str]] = {}
    for student, entry in students.items():
        words = words_of(entry["name"])
        for turned in {"".join(words[i:] + words[:i]) for i in range(len(words))}:
            forms.setdefault(turned, []).append(student)
    return forms


def words_of(text: str) -> list[str]:
    """Return the words of a name as platforms leave them: no accents, no apostrophes, no case; other signs part words."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    text = "".join(sign for sign in text if unicodedata.category(sign) not in ("Mn", "Cf"))
    return re.findall(r"[^\W_]+", re.sub(r"['’‘ʼʹ′`´]", "", text))


def _by_name(file: str, students: dict[str, dict[str, Any]], forms: dict[str, list[str]]) -> list[str]:
    """Return the students whose file's name, or else whose name or id, is in the name of a file; s10's file is not s1's."""
    file = unicodedata.normalize("NFC", file).casefold()
    stems = {name: Path(entry["file"]).stem.casefold() for name, entry in students.items()}
    found = {name: len(stem) for name, stem in stems.items() if _within(stem, file)}
    if not found:
        if named := _named(Path(file).stem, None, students, forms):
            return named
        slugs = {name: stem.rpartition("_")[0] for name, stem in stems.items()}
        found = {name: len(slug) for name, slug in slugs.items() if _is_telling(slug) and _within(slug, file)}
    return [name for name, length in found.items() if length == max(found.values())]


def _is_telling(slug: str) -> bool:
    """Return True if an id alone says whose a file is: "1" and "12" stand in many names."""
    return len(slug) >= (5 if slug.isdigit() else 3)


def token_in(path: Path) -> str:
    """Return the mark that a notebook carries; nothing if there is none."""
    try:
        return read(path)["token"] or ""
    except (UnreadableError, OSError):
        return ""


def _within(wanted: str, name: str) -> bool:
    """Return True if a name holds another one, not as a part of a longer word."""
    return re.search(rf"(?<![a-z0-9]){re.escape(wanted)}(?![a-z0-9])", name) is not None


def read(path: Path) -> dict[str, Any]:
    """Return the notebook in a file, with cells that are what they should be.

    Raises
    ------
    UnreadableError
        If it is a link, too large, not JSON, or not a notebook.
    """
    if path.is_symlink() or not path.is_file():
        raise UnreadableError("it is a link, not a file; hand in the notebook itself")
    _refuse_if_large(path.stat().st_size)
    try:
        notebook = json.loads(_unzipped(path) if zipfile.is_zipfile(path) else path.read_bytes())
    except (ValueError, RecursionError):
        raise UnreadableError(
            "it is not a notebook; hand in the .ipynb file that Jupyter saves, and no PDF or copy of its text"
        ) from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise UnreadableError("it is not a notebook: it has no list of cells")
    if len(notebook["cells"]) > MOST_CELLS:
        raise UnreadableError(f"it has {len(notebook['cells'])} cells, and {MOST_CELLS} is the most")
    cells = [cell for cell in map(_cell, notebook["cells"]) if cell is not None]
    if sum(len(cell["source"]) for cell in cells) > MOST_CODE:
        raise UnreadableError(f"its cells have more than {MOST_CODE:,} characters")
    about = notebook.get("metadata")
    course = about.get("course") if isinstance(about, dict) else None
    token = course.get("token") if isinstance(course, dict) else None
    return {"cells": cells, "token": token if isinstance(token, str) else None}


def _refuse_if_large(size: int) -> None:
    if size > LARGEST:
        raise UnreadableError(
            f"it has {size / 2**20:.0f} MB, and {LARGEST / 2**20:.0f} MB is the most; clear the outputs and save again"
        )


def _unzipped(path: Path) -> bytes:
    """Return the one notebook that a zip file holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            notebooks = [
                one
                for one in archive.infolist()
                if one.filename.endswith(".ipynb") and not one.filename.startswith("__MACOSX/")
            ]
            if len(notebooks) != 1:
                raise UnreadableError(
                    f"it is a zip file that holds {len(notebooks)} notebooks; hand in one .ipynb file"
                )
            with archive.open(notebooks[0]) as file:
                data = file.read(LARGEST + 1)  # whatever the archive says of its size
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
        zlib.error,
        lzma.LZMAError,
    ):
        raise UnreadableError("it is a zip file that cannot be opened; hand in the .ipynb file") from None
    _refuse_if_large(len(data))
    return data


def _cell(cell: Any) -> dict[str, Any] | None:
    """Return the source of a cell, whether it is a given one, and its number; None for what is no cell."""
    if not isinstance(cell, dict) or cell.get("cell_type") != "code":
        return None
    source = cell.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        return None
    source = source.encode("utf-8", "replace").decode()  # JSON can hold half a character
    metadata = cell.get("metadata")
    mark = metadata.get("course") if isinstance(metadata, dict) else None
    given = isinstance(mark, dict) and mark.get("given") is True
    return {"source": source, "given": given, "number": mark.get("cell") if isinstance(mark, dict) else None}


def prepare(
    student: str, path: Path, source: dict[str, Any], key: dict[str, Any], tokens: dict[str, str]
) -> Submission:
    """Return what of a student's file is to be executed: the given cells as they were given, then all other code.

    Parameters
    ----------
    student : str
        Whose it is, by its name.
    path : Path
        The file.
    source : dict
        The notebook of exercises.
    key : dict
        The student's entry in the key.
    tokens : dict
        Whose notebook carries which token.

    Raises
    ------
    UnreadableError
        If there is no notebook in the file.
    """
    notebook = read(path)
    made = Submission(student, path)
    given = student_notebook(source, key["parameters"], {}, key["token"])["cells"]
    given = [text_of(c) for c in given if c["cell_type"] == "code" and tags_of(c) & {"parameters", "setup"}]
    plain = {"".join(text.split()) for text in given}
    whole = [cell["number"] for cell in notebook["cells"] if "".join(cell["source"].split()) in plain]
    for cell in notebook["cells"]:
        text = cell["source"]
        first = text.strip().partition("\n")[0].strip()
        if first.startswith(CELL_MARK):
            if _values(text) != key["parameters"]:
                made.notes.append(
                    "its parameters are not those it was given; it was marked with those of the key"
                )
            continue
        if "".join(text.split()) in plain:
            continue
        # Where the given cell is there, too, this is a copy of it, which editors mark like the original.
        if cell["given"] and cell["number"] not in whole:
            made.notes.append("a given cell was changed; it was marked with the cell as it was given")
            continue
        made.cells.append(text)
    made.cells = [*given, *made.cells]
    whose = tokens.get(notebook["token"] or "")
    if whose is not None and whose != student:
        made.notes.append(f"this notebook was made for {whose}")
    elif whose is None:
        made.notes.append("this notebook does not carry the mark that it was given")
    made.notes = list(dict.fromkeys(made.notes))
    return made


def _values(text: str) -> dict[str, Any] | None:
    """Return what a parameters cell assigns; None if it does anything else."""
    try:
        return literals(text)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None
