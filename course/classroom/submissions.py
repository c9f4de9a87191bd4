"""Read what students handed in, as data of unknown origin: files of any size, form and content.

Steps: find the files; tell whose each is; read a notebook's code, and nothing else of it; put the given cells back
as they were given, with the parameters of the key.
"""

from __future__ import annotations

import json
import lzma
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.classroom.make import student_notebook
from course.exercises import tags_of, text_of
from helpers.parameters import CELL_MARK, literals

LARGEST = 20 * 2**20  # bytes of a file: a notebook with its figures has a tenth of that
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


def owners(
    paths: Iterable[Path], folder: Path, students: dict[str, dict[str, Any]], tokens: dict[str, str]
) -> tuple[dict[str, list[Path]], list[Path]]:
    """Return the files of each student, and those of nobody known.

    A folder that begins with a student's id or name, as Moodle makes them, says whose a file in it is, whatever the file is
    called. Without one it is the name of the file, as Moodle and Canvas leave it: the name that the student's file was given,
    or else the id. Where these leave a choice, the mark in the notebook decides.
    """
    theirs: dict[str, list[Path]] = {}
    nobodys = []
    for path in paths:
        hits = _by_folder(path.relative_to(folder).parts[:-1], students) or _by_name(path.name, students)
        marked = tokens.get(token_in(path) if len(hits) > 1 else "")
        whose = hits[0] if len(hits) == 1 else marked if marked in hits else None
        if whose is None:
            nobodys.append(path)
        else:
            theirs.setdefault(whose, []).append(path)
    return theirs, nobodys


def _by_folder(parts: tuple[str, ...], students: dict[str, dict[str, Any]]) -> list[str]:
    """Return the students whose id or name a folder begins with; of several, those with the longest."""
    found: dict[str, int] = {}
    for name, entry in students.items():
        for part in parts:
            for word in filter(None, (name, entry["name"])):
                if _begins(part.casefold(), word):
                    found[name] = max(found.get(name, 0), len(word))
    return [name for name, length in found.items() if length == max(found.values())]


def _by_name(file: str, students: dict[str, dict[str, Any]]) -> list[str]:
    """Return the students whose file's name, or else whose id, is in the name of a file; s10's file is not s1's."""
    file = file.casefold()
    stems = {name: Path(entry["file"]).stem.casefold() for name, entry in students.items()}
    found = {name: len(stem) for name, stem in stems.items() if _within(stem, file)}
    if not found:
        # Moodle without folders puts the student's name in front.
        if named := _by_folder((file,), students):
            return named
        slugs = {name: stem.rpartition("_")[0] for name, stem in stems.items()}
        found = {name: len(slug) for name, slug in slugs.items() if _tells(slug) and _within(slug, file)}
    return [name for name, length in found.items() if length == max(found.values())]


def _tells(slug: str) -> bool:
    """Tell whether an id alone tells whose a file is: "1" and "12" stand in many names."""
    return len(slug) >= (5 if slug.isdigit() else 3)


def token_in(path: Path) -> str:
    """Return the mark that a notebook carries; nothing if there is none."""
    try:
        return read(path)["token"] or ""
    except (UnreadableError, OSError):
        return ""


def _within(wanted: str, name: str) -> bool:
    """Tell whether a name holds another one, not as a part of a longer word."""
    return re.search(rf"(?<![a-z0-9]){re.escape(wanted)}(?![a-z0-9])", name) is not None


def _begins(folder: str, wanted: str) -> bool:
    folder, wanted = (unicodedata.normalize("NFC", text).casefold() for text in (folder, wanted))
    return folder == wanted or folder.startswith(f"{wanted}_")


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
