"""The pages for teachers: plans whose minutes add up, exercises and wrong answers that exist, commands that parse."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from course.cli import cli
from course.exercises import exercises_in
from course.project import load, read_notebook
from helpers.check import keys_of
from tests.projects import ROOT

PAGES = ["teach", "rerun", "lessons", "classroom", "worksheet", "index"]
LESSONS = (ROOT / "lessons.qmd").read_text(encoding="utf-8")
PLANS = re.findall(r"^## (\d+) minutes.*?\n(.*?)(?=^## |\Z)", LESSONS, re.MULTILINE | re.DOTALL)
POINTS = {
    "A": (1, 4),
    "B": (1, 9),
    "C": (2, 5),
    "D": (6, 6),
    "E": (7, 1),
    "F": (7, 2),
    "G": (9, 1),
    "H": (9, 2),
}


def commands() -> list[tuple[str, str]]:
    """Return every command of the course that a page shows in a block of code."""
    found = []
    for page in PAGES:
        text = (ROOT / f"{page}.qmd").read_text(encoding="utf-8")
        for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            found += [(page, line) for line in block.splitlines() if line.startswith(".venv/bin/course ")]
    return found


@pytest.mark.parametrize(("minutes", "plan"), PLANS, ids=[minutes for minutes, _ in PLANS])
def test_the_minutes_of_a_plan_add_up(minutes: str, plan: str) -> None:
    rows = re.findall(r"^\| (\d+) \|", plan, re.MULTILINE)
    assert sum(map(int, rows)) == int(minutes)
    for part in ("**Aims.**", "**Have ready.**", "**Wrong answers to expect**", "**To discuss**"):
        assert part in plan


def test_there_are_the_three_plans() -> None:
    assert [minutes for minutes, _ in PLANS] == ["45", "90", "360"]


def test_every_exercise_that_is_named_exists() -> None:
    there = {e.number for c in load(ROOT).exercises for e in exercises_in(read_notebook(c.source))}
    named = set(re.findall(r"#ex-(\d+)-(\d+)\)", LESSONS))
    assert named
    assert {f"{chapter}.{number}" for chapter, number in named} <= there


def test_every_wrong_answer_that_is_quoted_is_told_apart_by_check() -> None:
    quoted = re.findall(r"^\| \[(\d+\.\d+)\]\([^)]*\) \| \"([^\"]+)\" \|", LESSONS, re.MULTILINE)
    assert len(quoted) > 12
    values = {"size": 128, "scale": 32.0, "seed": 5}
    for number, message in quoted:
        known = keys_of(number.partition(".")[0], values)[number].wrong
        as_said = message.replace("$", "`")  # a page may type a number as math alone
        assert as_said in [wrong.message for wrong in known], f"{number}: {message}"


@pytest.mark.parametrize(("page", "line"), commands(), ids=lambda text: text[:60])
def test_a_command_that_a_page_shows_is_one(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    context: click.Context = click.Context(cli)
    command: click.Command = cli
    while isinstance(command, click.Group):
        name, command_, words = command.resolve_command(context, words)
        assert command_ is not None, f"{page}: {name}"
        command = command_
    command.make_context(command.name, words)


def test_the_worksheets_solution_is_that_of_k_means() -> None:
    """The table of the plan, by hand once more: from the worksheet's start, and from the one in its last question."""

    def squared(a: tuple[float, float], b: tuple[float, float]) -> float:
        return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2

    def run(p: tuple[float, float], q: tuple[float, float]) -> list[tuple[Any, ...]]:
        rounds: list[tuple[Any, ...]] = []
        before = ""
        while True:
            of_p = "".join(name for name, place in POINTS.items() if squared(place, p) <= squared(place, q))
            if of_p == before:
                return rounds
            before = of_p
            assigned = sum(min(squared(place, p), squared(place, q)) for place in POINTS.values())
            groups = [[POINTS[n] for n in POINTS if (n in of_p) == inside] for inside in (True, False)]
            p, q = ((sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups)
            moved = sum(squared(POINTS[n], p if n in of_p else q) for n in POINTS)
            rounds.append((of_p, assigned, moved, p, q))

    assert run((7, 2), (9, 1)) == [
        ("ABCDEF", 178, 86, (4, 4.5), (9, 1.5)),
        ("ABCD", 58, 36, (2.5, 6), (8, 1.5)),
    ]
    (of_p, _, moved, p, q), *rest = run((1, 9), (9, 2))
    assert (of_p, round(moved, 1), rest) == ("ABC", 39.1, [])
    assert (p, q) == (pytest.approx((4 / 3, 6)), pytest.approx((7.6, 2.4)))
    worksheet = (ROOT / "worksheet.qmd").read_text(encoding="utf-8")
    assert {name: (int(x), int(y)) for name, x, y in re.findall(r"^\| ([A-H]) \| \$\((\d), (\d)\)\$", worksheet, re.MULTILINE)} == POINTS  # fmt: skip
    for number in ("178", "86", "58", "36", "39.1", "(4/3, 6)", "(7.6, 2.4)", "(4, 4.5)", "(2.5, 6)"):
        assert f"${number}$" in LESSONS
    # The sheet asks for each of the table's sums: after every step but the last, which moves nothing.
    table = LESSONS.partition("| round |")[2].partition("\n\n")[0]
    sums = [cells[i] for cells in (row.split("|") for row in table.splitlines()[2:]) for i in (4, 7)]
    assert [text.strip(" $") for text in sums] == ["178", "86", "58", "36", "36", "36"]
    asked = re.findall(r"(?:WCSS is now|is the \*\*WCSS\*\*): \[\]\{\.write \.short\}", worksheet)
    assert len(asked) == len(sums) - 1


def test_the_mistakes_on_paper_come_to_the_numbers_that_the_plan_names() -> None:
    across, up = (b - p for b, p in zip(POINTS["B"], (7, 2), strict=True))
    rows = re.findall(r"^\| From B to P (.+?), not \$(\d+)\$ \|", LESSONS, re.MULTILINE)
    assert [(re.findall(r"\d+", wrong), right) for wrong, right in rows] == [
        ([str(abs(across) + abs(up))], str(across**2 + up**2)),
        ([str((abs(across) + abs(up)) ** 2), str((across + up) ** 2)], str(across**2 + up**2)),
    ]
    nearer = [min((x - a) ** 2 + (y - b) ** 2 for a, b in ((7, 2), (9, 1))) for x, y in POINTS.values()]
    assert f"| ${sum(nearer)}$ once more, in part 2 |" in LESSONS  # the old places of the centers


@pytest.mark.long
def test_the_hubs_command_gives_a_kernel_that_has_the_course(tmp_path: Path) -> None:
    """What classroom.qmd has students type in a terminal of a hub, and a notebook in another folder that uses it."""
    page = (ROOT / "classroom.qmd").read_text(encoding="utf-8")
    line = next(text for text in page.splitlines() if "ipykernel install" in text)
    words = [sys.executable, *shlex.split(line)[1:]]
    home = {
        **os.environ,
        "HOME": str(tmp_path),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "USERPROFILE": str(tmp_path),
    }
    subprocess.run(words, check=True, env=home, capture_output=True)
    code = (
        "import json, sys, nbformat\nfrom nbclient import NotebookClient\nfrom nbformat.v4 import new_code_cell, new_notebook\n"
        "source = 'from helpers import landscape; print(landscape.heights(8).shape)'\n"
        "notebook = new_notebook(cells=[new_code_cell(source)])\n"
        "NotebookClient(notebook, kernel_name='segmentation-course', timeout=60).execute()\n"
        "print(json.dumps(notebook.cells[0].outputs))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=home, capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1])[0]["text"] == "(8, 8)\n"
