"""Read what students handed in, as data of unknown origin: files of any size, form and content.

Steps: find the files; tell whose each is; read a notebook's code, and nothing else of it; put the given cells back
as they were given, with the parameters of the key.
"""

from __future__ import annotations

import json
import re
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
    paths: Iterable[Path], folder: Path, students: dict[str, dict[str, Any]]
) -> tuple[dict[str, list[Path]], list[Path]]:
    """Return the files of each student, and those of nobody known.

    A file is a student's if its name, as Moodle and Canvas leave it, holds the name that their file was given, or if a
    folder that it lies in begins with their id or name.
    """
    stems = {name: Path(entry["file"]).stem.casefold() for name, entry in students.items()}
    theirs: dict[str, list[Path]] = {}
    nobodys = []
    for path in paths:
        stem = path.name.casefold()
        hits = [name for name in students if _within(stems[name], stem)]
        if not hits:
            above = [part.casefold() for part in path.relative_to(folder).parts[:-1]]
            hits = [
                name
                for name, entry in students.items()
                if any(_begins(part, word) for part in above for word in (name, entry["name"]) if word)
            ]
        if not hits:
            slugs = {name: stems[name].rpartition("_")[0] for name in students}
            hits = [name for name in students if _within(slugs[name], stem)]
        longest = max(hits, key=lambda name: len(stems[name]), default=None)  # s10's file is not s1's
        if longest is None:
            nobodys.append(path)
        else:
            theirs.setdefault(longest, []).append(path)
    return theirs, nobodys


def _within(wanted: str, name: str) -> bool:
    """Tell whether a name holds another one, not as a part of a longer word."""
    return re.search(rf"(?<![a-z0-9]){re.escape(wanted)}(?![a-z0-9])", name) is not None


def _begins(folder: str, wanted: str) -> bool:
    wanted = wanted.casefold()
    return folder == wanted or folder.startswith((f"{wanted}_", f"{wanted} ", f"{wanted}-"))


def read(path: Path) -> dict[str, Any]:
    """Return the notebook in a file, with cells that are what they should be.

    Raises
    ------
    UnreadableError
        If it is a link, too large, not JSON, or not a notebook.
    """
    if path.is_symlink() or not path.is_file():
        raise UnreadableError("it is a link, not a file; hand in the notebook itself")
    size = path.stat().st_size
    if size > LARGEST:
        raise UnreadableError(
            f"it has {size / 2**20:.0f} MB, and {LARGEST / 2**20:.0f} MB is the most; clear the outputs and save again"
        )
    try:
        notebook = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise UnreadableError(
            "it is not a notebook: not JSON; hand in the .ipynb file that Jupyter saves"
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


def _cell(cell: Any) -> dict[str, Any] | None:
    """Return the source of a cell and whether it is a given one; None for what is no cell."""
    if not isinstance(cell, dict) or cell.get("cell_type") != "code":
        return None
    source = cell.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        return None
    metadata = cell.get("metadata")
    mark = metadata.get("course") if isinstance(metadata, dict) else None
    return {"source": source, "given": isinstance(mark, dict) and mark.get("given") is True}


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
        if cell["given"]:
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
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
