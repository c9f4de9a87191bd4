"""Typed numbers: each kind is found with its place, what may stand passes, and so do the chapters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from course import typed
from tests.projects import ROOT

FRONT = '---\ntitle: "Three ways in 3 steps"\nsubtitle: "{}"\nminutes: 10\nlearn:\n  - read\n  - {}\n---'
HELPER = """
LIMIT = 0.125
TABLE = [{}]
def cut(h, width=0.75):
    return h > 77
""".format(", ".join(str(n) for n in range(900, 940)))


def write(folder: Path, *cells: tuple[str, str]) -> Path:
    """Write a notebook of cells, given as (type, source), beside a folder of helpers."""
    (folder / "helpers").mkdir()
    (folder / "helpers" / "cutting.py").write_text(HELPER, encoding="utf-8")
    (folder / "notebooks").mkdir()
    path = folder / "notebooks" / "01-typed.ipynb"
    listed: list[dict[str, Any]] = [
        {"cell_type": kind, "source": source.splitlines(keepends=True), "metadata": {}}
        for kind, source in cells
    ]
    path.write_text(json.dumps({"cells": listed}), encoding="utf-8")
    return path


def found(folder: Path, *cells: tuple[str, str]) -> list[str]:
    """Return what the check says of a notebook, without the notebook's path and the advice."""
    path = write(folder, *cells)
    lines = typed.problems(path)
    assert all(line.startswith(f"{path}: cell ") and "; take it from the run" in line for line in lines)
    return [line.removeprefix(f"{path}: ").partition("; take")[0] for line in lines]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The share is 28.6 % of it.", "28.6 %"),
        ("The share is 28.6%.", "28.6%"),
        ("There are 4 lakes.", "4"),
        ("There are 1,302 of them.", "1,302"),
        ("They differ by 1e-3 at most.", "1e-3"),
        ("The slope is −0.9 here.", "−0.9"),
        ("The slope is -3, here.", "-3"),
        ("It is .5 of it.", ".5"),
        ("It was the 28th.", "28th"),
        ("About ½ of it.", "½"),
        ("**57** markers are left.", "57"),
        ("With k = 4 it is best.", "4"),
        ("# The 12 lakes", "12"),
        ("| lakes |\n|:---|\n| 17 |", "17"),
        ("[all 139 of them](04-choosing-k.ipynb)", "139"),
        ("See [4.2](04-choosing-k.ipynb#lakes).", "4.2"),
        ("## 90 minutes and more", "90"),
        ("| minutes | lakes |\n|:---|:---|\n| 17 | no |", "17"),
        ("| minutes | activity |\n|:---|:---|\n| ten | count 17 |", "17"),
        ("In chapter 4.5 it says", "4.5"),
        ("It was found in 1985 pixels.", "1985"),
        ("It was found in 1985 of the cases.", "1985"),
        ("The k is\n\n7. It is odd.", "7"),
        ("It found three clusters.", "three clusters"),
        ("It found three\nclusters.", "three clusters"),
        ("It found three wide clusters.", "three wide clusters"),
        ("Twelve regions are left.", "Twelve regions"),
        ("It takes twenty-one rounds.", "twenty-one rounds"),
        ("Half of the pixels are water.", "Half of the pixels"),
        ("Half the pixels are water.", "Half the pixels"),
        ("There are twice as many regions.", "twice as many regions"),
        ("A hundred markers are left.", "hundred markers"),
        ("It holds a third of all pixels.", "a third of all pixels"),
        ("That is ten percent.", "ten percent"),
        ("That is four times as many.", "four times"),
    ],
)
@pytest.mark.parametrize("kind", ["markdown", "prose", "f-string", "caption"])
def test_a_typed_number_is_found_with_its_place(tmp_path: Path, text: str, number: str, kind: str) -> None:
    line = text[: text.index(number.split()[0])].count("\n") + 2
    cell = {
        "markdown": ("markdown", f"A heading\n{text}\n"),
        "prose": ("code", f'record.prose("""\n{text}\nand {{more:.1%}}.\n""")'),
        "f-string": ("code", f'x = 1\nrecord.record("verdict", f{text!r} + "{{n}} more")'),
        "caption": ("code", f'x = 1\nrecord.figure("fig-1", plots.a(x), {text!r})'),
    }[kind]
    if kind == "markdown" and text.startswith("|"):
        cell = ("markdown", f"\n{text}\n")
    said = found(tmp_path, ("markdown", "Nothing typed here."), cell)
    line = line if kind in ("markdown", "prose") else 2
    assert said == [f"cell 2, line {line}: {number}: looks like a result"]


@pytest.mark.parametrize(
    "text",
    [
        "Above `0.4` is grass, and `0.125` is a limit, `0.75` a default.",
        "Beyond `80 %`, and `1,000` of them, and `-2`.",
        "Try `persistence = 0.9` or `image[:512, :512]`.",
        "```sh\ncourse run -p seed 7\n```",
        "With $k = 2$ the sum $\\sum_{i=1}^{17} x_i$ is\n\n$$\ny = 28.6\n$$ {#eq-2}\n",
        "See [chapter 4](04-choosing-k.ipynb), chapters 3 to 5, chapters 2, 3 and 5, Chapter 4's rule.",
        "[3](03-k-means-segmentation.ipynb) to [5](05-from-pixels-to-a-map.ipynb)",
        "## A heading {#sec-17}",
        "As in @fig-views-2 and [@lloyd1982; @ward-1963].",
        "| a | b |\n|:---:|---:|\n| c | d |\n\n: Words. {#tbl-7}",
        "\n1. Assign,\nas told.\n2. Move.\n\n   Then:\n\n3. Stop.\n\nAnd so:\n\n1. Again.",
        "<!-- 12 lakes -->",
        '<div style="width: 30px">Text</div>',
        "https://example.org/2011/12",
        "invented in the 1980s, and improved in 2002.",
        "Python 3.11 to 3.13",
        "4-connected, of 8-bit channels, in 3D, t-SNE, L2",
        "It is told four target colors<!-- set -->, and 17 <!-- set --> more.",
        "Where two clusters meet; no two regions touch; between two layers.",
        "Two steps, in one go; half of them lie below; three traps.",
        "A median has half on each side.",
        "See [4.2](chapters/04-choosing-k.ipynb#ex-4-2).",
        "\n## 90 minutes: choosing k\n\n| minutes | activity |\n|---:|:---|\n| 10 | read |\n| 80 | write |\n",
    ],
)
def test_what_the_method_sets_passes(tmp_path: Path, text: str) -> None:
    code = "from helpers import cutting\nlevels = (0.4, 0.8, 1000)\nshift = -2"
    assert found(tmp_path, ("code", code), ("markdown", text)) == []


def test_a_number_in_backticks_must_be_one_that_the_code_has(tmp_path: Path) -> None:
    text = "Above `0.3`, `77`,\n`905` and `0.125` it is `1` or `True`."
    code = "from helpers import cutting\nlevel, yes = 0.4, True  # not 0.3"
    assert found(tmp_path, ("code", code), ("markdown", text)) == [
        "cell 2, line 1: `0.3`: no number of this chapter's code",
        "cell 2, line 1: `77`: no number of this chapter's code",  # inside a function
        "cell 2, line 2: `905`: no number of this chapter's code",  # in a long table of data
        "cell 2, line 2: `1`: no number of this chapter's code",
    ]


def test_only_helpers_that_the_chapter_imports_count(tmp_path: Path) -> None:
    code = "from helpers import plots\nfrom elsewhere import cutting"
    said = found(tmp_path, ("code", code), ("markdown", "A limit of `0.125`."))
    assert said == ["cell 2, line 1: `0.125`: no number of this chapter's code"]


@pytest.mark.parametrize(
    "code",
    [
        'record.prose("{share:.1%} of {pixels:,} pixels, {names[0]} first")',
        'record.record("told", f"{share:.3f} of {n + 17} pixels" if n > 5 else "none of them")',
        'record.table("tbl-1", ["red", "k1"], [[1, 2], [3, f"{v:.2f}"]], "How much {share:.1%} is.")',
        "def cut(h, width=3):\n    '''Cut at 17 places.'''\n    return h > 5  # of 17",
        'style = {"k=3": "#0072B2"}',
        'record.prose("Lines at `0.4`, and $k = 3$ of them.")\nlevel = 0.4',
    ],
)
def test_code_that_takes_its_numbers_from_values_passes(tmp_path: Path, code: str) -> None:
    assert found(tmp_path, ("code", code)) == []


def test_numbers_in_joined_strings_and_options_have_their_line(tmp_path: Path) -> None:
    code = '#| fig-cap: "The 12 lakes"\nrecord.record(\n    "v",\n    f"{n} lakes, "\n    f"of these 17 with {m} "\n    "islands, 4 of sand",\n)'
    assert found(tmp_path, ("code", code)) == [
        "cell 1, line 5: 17: looks like a result",
        "cell 1, line 6: 4: looks like a result",
        "cell 1, line 1: 12: looks like a result",
    ]


def test_front_matter_may_count_in_its_title_alone(tmp_path: Path) -> None:
    front = FRONT.format("From noise, 28 lakes", "find 57 markers")
    assert found(tmp_path, ("raw", front)) == [
        "cell 1, line 3: 28: looks like a result",
        "cell 1, line 7: 57: looks like a result",
    ]


def test_a_plain_file_names_its_line(tmp_path: Path) -> None:
    page, code = tmp_path / "index.qmd", tmp_path / "plots.py"
    page.write_text(f"{FRONT.format('x', 'y')}\n\nText.\n\nIt has 28 lakes.\n", encoding="utf-8")
    code.write_text(
        '"""All 12 figures."""\n\n\ndef a(n):\n    """Draw 3 lines."""\n    return (\n        f"{n} of "\n        "all 17 lakes"\n    )\n',
        encoding="utf-8",
    )
    assert typed.problems(page) == [f"{page}: line 12: 28: looks like a result; leave it out"]
    assert typed.problems(code) == [
        f"{code}: line 8: 17: looks like a result; make it from a value that the function has"
    ]


def test_the_command_prints_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, ("markdown", "It has 28 lakes."))
    assert typed.main([str(path)]) == 1
    said = capsys.readouterr().err
    assert said == (
        f"{path}: cell 1, line 1: 28: looks like a result; take it from the run with record.prose, or put a "
        "constant of the method in backticks\n"
    )
    path.write_text("{}", encoding="utf-8")
    assert typed.main([str(path)]) == 1
    assert "not a notebook" in capsys.readouterr().err


def test_code_that_is_not_python_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed.main([str(write(tmp_path, ("code", "a = 1\nb = (")))]) == 1
    assert "cell 1, line 2: not Python" in capsys.readouterr().err


@pytest.mark.parametrize("path", typed.everything(ROOT), ids=lambda path: path.name)
def test_the_course_has_no_typed_numbers(path: Path) -> None:
    found = typed.problems(path)
    assert found == []


def test_few_counts_are_marked_as_set() -> None:
    marks = [path.read_text(encoding="utf-8").count("<!-- set -->") for path in typed.everything(ROOT)]
    assert sum(marks) < 10
