"""Time a class: notebooks and keys for 200 students, and marking 40 notebooks contained and not contained.

Steps: make a class; hand in solved notebooks of chapter 4; mark them in the jail, and without it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import measure
from course import project
from course.classroom import make, mark
from course.classroom.roster import Student
from course.exercises import exercises_in, tags_of, text_of
from course.project import read_notebook

STUDENTS, HANDED_IN = 200, 40


def compare(quick: bool) -> Iterator[tuple[str, str, str, str]]:
    """Yield rows about a class: what, ours, beside what, target."""
    students = [Student(f"s{number}") for number in range(8 if quick else STUDENTS)]
    course = project.load(measure.ROOT)
    chapter = next(c for c in course.exercises if c.name == "04-exercises")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        taken = measure.seconds(
            lambda: make.make(course, chapter, students, folder / "class", salt="s", quiet=True)
        )
        yield (
            f"notebooks and keys for {len(students)} students",
            f"{taken:.1f} s",
            "",
            "< 60 s" if not quick else "",
        )
        few = 2 if quick else HANDED_IN
        hand_in(folder / "class", folder / "in", read_notebook(chapter.source), few)
        kept = {}
        for contained in (True, False):
            out = folder / f"out-{contained}"
            kept[contained] = measure.seconds(
                lambda out=out, contained=contained: mark.mark(
                    course, folder / "in", folder / "class", out, contained=contained, quiet=True
                )
            )
        yield (
            f"{few} notebooks of chapter 4 marked: contained / not contained",
            f"{kept[True]:.1f} s",
            f"{kept[False]:.1f} s",
            "< 160 s" if not quick else "",
        )


def hand_in(made: Path, folder: Path, source: dict, count: int) -> None:
    """Write the first notebooks of a class, solved."""
    folder.mkdir()
    solutions = {e.number: text_of(e.tagged("solution")[-1]) for e in exercises_in(source)}
    for path in sorted((made / make.STUDENTS).iterdir())[:count]:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        numbers = iter(solutions)
        for cell in notebook["cells"]:
            if "start" in tags_of(cell):
                cell["source"] = solutions[next(numbers)]
        (folder / path.name).write_text(json.dumps(notebook), encoding="utf-8")
