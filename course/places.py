"""Refuse a place to write to that cannot be written, or that holds what this course did not make.

Steps: follow links; try to write there; list the files that are there; hold them against the list that the course
left when it wrote them.

A folder that is replaced as a whole has such a list, in the file `LIST`: what is not on it is somebody's own.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from course.errors import CourseError

LIST = ".course-files.json"
# What systems and editors leave in any folder.
LITTER = {".DS_Store", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints", "__pycache__"}


def writable(path: Path, option: str = "--out", *, into: bool = False) -> Path:
    """Return a path without links, once it is known that something can be written there.

    Parameters
    ----------
    path : Path
        A file or folder that may be there already.
    option : str
        What a message calls it.
    into : bool
        Whether files are added to a folder that is there; else the folder or file is replaced by one made beside it.

    Raises
    ------
    CourseError
        If it lies below a file, if its name is too long, or if its folder cannot be written.
    """
    shown = f"{option} {path}".strip()
    real = Path(os.path.realpath(path))
    if not real.name:
        raise CourseError(f"{shown}: the root of a disk; choose another {option}".rstrip())
    if real.is_symlink():
        raise CourseError(f"{shown}: a link that leads to itself; choose another {option}".rstrip())
    try:
        with suppress(FileNotFoundError):
            real.with_name(f".{real.name}.partial").lstat()
        above = real if into and real.is_dir() else next(p for p in real.parents if p.exists())
        with tempfile.TemporaryFile(dir=above):
            pass
    except OSError as error:
        why = error.strerror or error
        raise CourseError(f"{shown}: cannot be written: {why}; choose another {option}".rstrip()) from None
    return real


def files_in(folder: Path) -> Iterator[str]:
    """Yield the files in a folder by their relative paths, without `LIST` and what systems leave anywhere."""
    for above, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in LITTER)
        links = [name for name in folders if Path(above, name).is_symlink()]
        for name in sorted({*files, *links} - LITTER - {LIST}):
            yield Path(above, name).relative_to(folder).as_posix()


def write_list(folder: Path, kind: str, names: Iterable[str]) -> None:
    """Note in a folder which files of it the course made, and what they make up."""
    text = json.dumps({"made by course": kind, "files": sorted(names)}, indent=1, ensure_ascii=False) + "\n"
    (folder / LIST).write_text(text, encoding="utf-8")


def read_list(folder: Path, kind: str) -> set[str] | None:
    """Return the files that the course made in a folder; None if it made nothing of this kind there."""
    try:
        held = json.loads((folder / LIST).read_text(encoding="utf-8"))
        return set(held["files"]) if held["made by course"] == kind else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def refuse_foreign(
    folder: Path, kind: str, made: set[str] | None, advice: str = "choose another --out"
) -> None:
    """Raise an error if a folder that is to be replaced is there and holds a file that the course did not make.

    Parameters
    ----------
    folder : Path
    kind : str
        What the course makes there: "site".
    made : set of str or None
        The files that it made, as `read_list` returns them.
    advice : str
        What else to do than to move the files away.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise CourseError(f"{folder}: there is something else than a {kind} of this course, a file; {advice}")
    if made is None and (names := sorted(path.name for path in folder.iterdir())):
        raise CourseError(
            f"{folder}: there is something else than a {kind} of this course ({some(names)}); move it away, or {advice}"
        )
    foreign = [name for name in files_in(folder) if name not in (made or set())]
    if foreign:
        raise CourseError(
            f"{folder}: holds {some(foreign)}, which the course did not make; move that away, or {advice}"
        )


def some(names: list[str]) -> str:
    """Return the first two of some names, and how many more there are."""
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return (", " if more else " and ").join(names[:2]) + more


def foreign_in_run(folder: Path) -> list[str] | None:
    """Return the files in the folder of a run that no run makes; None if it is not the folder of a run."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        made = {f"notebooks/{name}.ipynb" for name in manifest["chapters"]} | {"manifest.json", "record.json"}
        return [name for name in files_in(folder) if name not in made] if "format" in manifest else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
