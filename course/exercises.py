"""The forms of an exercise notebook, made by the tags of its cells.

Each notebook in `exercises/` holds the exercises of one chapter with their solutions. A cell's tag says who gets it:

    (none), parameters, setup   everybody
    hint                        everybody, folded
    start                       students: what they begin with; a broken step, say
    solution                    the solved notebook, in place of the start
    guide                       whoever marks, and the site, folded: what a good answer says
    key                         `check`, and whoever marks: the right answer, and wrong ones to know

Steps: take a notebook apart into exercises; make of it the form that is executed, and that of a student.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from course import inline
from course.errors import CourseError

TAGS = {"parameters", "setup", "hint", "start", "solution", "guide", "key", "raises-exception"}
TITLE = re.compile(r"# (Exercises: .+)")
HEADING = re.compile(r"^### (\d+\.\d+) (.+)$", re.MULTILINE)
Notebook = dict[str, Any]
Cell = dict[str, Any]


@dataclass(frozen=True)
class Exercise:
    """One exercise: its number, its title, its cells from the heading on."""

    number: str
    title: str
    cells: list[Cell] = field(default_factory=list)

    def tagged(self, tag: str) -> list[Cell]:
        """Return the cells with this tag."""
        return [cell for cell in self.cells if tag in tags_of(cell)]


def is_exercises(name: str) -> bool:
    """Tell whether a name is that of a notebook of exercises: ``04-exercises``."""
    return name.endswith("-exercises")


def tags_of(cell: Cell) -> set[str]:
    """Return the tags of a cell."""
    return set(cell.get("metadata", {}).get("tags", []))


def text_of(cell: Cell) -> str:
    """Return the source of a cell as one text."""
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


def exercises_in(notebook: Notebook) -> list[Exercise]:
    """Return the exercises of a notebook: each begins with a Markdown cell that has a heading ``### 4.2 Title``."""
    found: list[Exercise] = []
    for cell in notebook["cells"]:
        heading = HEADING.search(text_of(cell)) if cell["cell_type"] == "markdown" else None
        if heading:
            found.append(Exercise(heading[1], heading[2].strip()))
        if found:
            found[-1].cells.append(cell)
    return found


BLANK = "…"  # for a number that is each student's own


def guides_of(exercise: Exercise) -> list[str]:
    """Return what a good answer to an exercise says, for every landscape: with `BLANK` for the numbers of a run.

    A block that stands only where a condition holds is kept, with the condition.
    """
    found = []
    for cell in exercise.tagged("guide"):
        lines: list[str] = []
        for line in text_of(cell).splitlines():
            if opened := inline.OPEN_WHEN.match(line):
                lines += [f"If `{opened['condition']}`:", ""]
            elif not re.fullmatch(r":{3,} *", line):
                lines.append(line)
        found.append(inline.INLINE.sub(BLANK, "\n".join(lines)).strip())
    return found


def read_title(notebook: Notebook) -> str:
    """Return the title of exercises: the heading at the top of their first cell.

    Raises
    ------
    CourseError
        If there is none.
    """
    cells = notebook["cells"]
    found = TITLE.match(text_of(cells[0])) if cells and cells[0]["cell_type"] == "markdown" else None
    if found is None:
        raise CourseError("exercises must begin with a Markdown cell of '# Exercises: ...'")
    return found[1].strip()


def solved(notebook: Notebook) -> Notebook:
    """Return the form that is executed: with solutions and guides, without what students begin with and without keys.

    A chapter has no such tags, and stays as it is.
    """
    return {**notebook, "cells": [cell for cell in notebook["cells"] if not tags_of(cell) & {"start", "key"}]}


INTRODUCTION = (
    "Run the cells from top to bottom; the first cells set up what the exercises use. In each exercise put your answer in place of "
    "`...`, and run the cell. `check` says whether the answer is right or, if not, what kind of wrong. Give numbers as Python has them, unrounded. "
    "You may add cells."
)


def for_students(notebook: Notebook, points: dict[str, float] | None = None, more: str = "") -> Notebook:
    """Return the form that a student works in: a title and what to do, no solutions, guides and keys, hints folded.

    Parameters
    ----------
    notebook : dict
        The source.
    points : dict, optional
        What each exercise is worth; it is told under its heading.
    more : str
        What else to tell at the top.
    """
    words = f"# {read_title(notebook)}\n\n{INTRODUCTION} {more}".rstrip()
    cells: list[Cell] = [
        {"cell_type": "markdown", "id": "title", "metadata": {}, "source": words.splitlines(keepends=True)}
    ]
    for cell in notebook["cells"][1:]:
        tags = tags_of(cell)
        if tags & {"solution", "guide", "key"}:
            continue
        cell = {**cell, "metadata": {**cell.get("metadata", {})}}
        text = text_of(cell)
        heading = HEADING.search(text) if cell["cell_type"] == "markdown" else None
        if heading and points and heading[1] in points:
            worth = points[heading[1]]
            text = f"{text.rstrip()} *({worth:g} {'point' if worth == 1 else 'points'})*"
        if "hint" in tags:
            text = f"<details><summary>Hint</summary>\n\n{text}\n\n</details>"
        cell["source"] = text.splitlines(keepends=True)
        cells.append(cell)
    kept = {name: value for name, value in notebook["metadata"].items() if name != "course"}
    return {**notebook, "cells": cells, "metadata": kept}
