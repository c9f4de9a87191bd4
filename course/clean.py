"""Remove what the course generated, and nothing else: ``python -m course.clean``.

Steps: look at each place where the course writes by itself; remove the files that it noted there, runs, tables of sweeps,
and what it left unfinished; name what stays.

Only the standard library is used, so that any Python can do it.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from course import places, setup

# Made beside a file or folder while that is written; and what is kept from run to run.
UNFINISHED = re.compile(r"\..+\.(partial|lock|new|old)|\.cache")


def main() -> int:
    """Clean the course's folder, say what stays, and return the exit code."""
    try:
        kept = clean(setup.ROOT)
    except OSError as error:
        print(f"course: {error.filename}: cannot be removed: {error.strerror}", file=sys.stderr)
        return 1
    for path in kept:
        print(f"{path.relative_to(setup.ROOT)} stays: the course did not make it", file=sys.stderr)
    return 0


def clean(root: Path) -> list[Path]:
    """Remove what was generated in a course's folder, and return what stays where things are generated."""
    staged = places.read_list(root / "chapters", "staging") or set()
    for name in staged | {f"chapters/{places.LIST}"}:
        (root / name).unlink(missing_ok=True)
    _remove_noted(root / "_site", "site")
    for name in ("_site.quarto", "._site.new", "._site.old", ".quarto"):
        shutil.rmtree(root / name, ignore_errors=True)
    if (root / ".venv-newest" / setup.STAMP).is_file():
        shutil.rmtree(root / ".venv-newest")
    for path in sorted((root / "runs").glob("*")):
        _remove_from_runs(path)
    folders = [root / name for name in ("runs", "chapters", "downloads", "_site")]
    for folder in folders:
        _remove_empty(folder)
    return [path for folder in folders for path in sorted(folder.glob("*"))]


def _remove_noted(folder: Path, kind: str) -> None:
    """Remove the files that the course noted in a folder."""
    made = places.read_list(folder, kind)
    for name in made | {places.LIST} if made is not None else ():
        (folder / name).unlink(missing_ok=True)
    _remove_empty(folder)


def _remove_from_runs(path: Path) -> None:
    """Remove a run, a comparison, a table of a sweep, or what was left of one unfinished."""
    if UNFINISHED.fullmatch(path.name):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    elif path.is_file():
        with path.open("rb") as file:
            if file.readline().startswith(b'# {"rows": '):
                path.unlink()
    elif places.foreign_in_run(path) == []:
        shutil.rmtree(path)
    else:
        for kind in ("site", "comparison"):
            _remove_noted(path, kind)


def _remove_empty(folder: Path) -> None:
    """Remove a folder that holds no files, but what systems leave anywhere."""
    for inner in sorted((path for path in folder.glob("**/") if path != folder), reverse=True):
        if inner.is_dir() and next(places.files_in(inner), None) is None:
            shutil.rmtree(inner)
    if (
        folder.is_dir()
        and next(places.files_in(folder), None) is None
        and not (folder / places.LIST).exists()
    ):
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
