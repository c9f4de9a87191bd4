"""A class from the roster to the gradebook: what is handed out, what is handed in, and what is made of it."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from course.classroom import feedback, grade, jail, make, reading, submissions
from course.classroom import mark as marking
from course.classroom.jail import Outcome
from course.classroom.roster import Student
from course.classroom.submissions import UnreadableError
from course.cli import main
from course.errors import CourseError
from course.exercises import exercises_in, tags_of, text_of
from course.project import Project, load, read_notebook
from helpers.check import ANSWER, keys_of
from tests.projects import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MISSING = jail.why_not()
needs_jail = pytest.mark.skipif(
    bool(MISSING) and not os.environ.get("CI"), reason=f"no containment here: {MISSING}"
)
SMALL = {"size": 128, "scale": 32.0}
CLASS = [
    Student("ada", "Ada Lovelace", "ada@x.org"), Student("bela", "Béla Bartók"), Student("copy", "=cmd|'x'"), Student("dan", "Dan <b>"),
    Student("eve"), Student("fay"), Student("gil"), Student("hal"),
]  # fmt: skip
SOURCE = ROOT / "exercises" / "04-exercises.ipynb"
Notebook = dict[str, Any]


@pytest.fixture(scope="module")
def project() -> Project:
    return load(ROOT)


@pytest.fixture(scope="module")
def class_folder(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("class")
    chapter = next(c for c in project.exercises if c.name == "04-exercises")
    make.make(project, chapter, CLASS, folder, parameters=dict(SMALL), salt="salt", jobs=2, quiet=True)
    return folder


@pytest.fixture(scope="module")
def key(class_folder: Path) -> dict[str, Any]:
    return make.load_key(class_folder)


def solutions() -> dict[str, str]:
    """Return the code of each solution."""
    return {e.number: text_of(e.tagged("solution")[-1]) for e in exercises_in(read_notebook(SOURCE))}


def handed_in(class_folder: Path, student: str, code: Callable[[str, str], str | None]) -> Notebook:
    """Return a student's notebook with something in place of each start: what `code` makes of exercise and solution."""
    notebook = json.loads(
        (class_folder / "students" / f"{student}_04-exercises.ipynb").read_text(encoding="utf-8")
    )
    solved = solutions()
    for cell in notebook["cells"]:
        number = re.search(r'check\("([\d.]+)"', text_of(cell)) if "start" in tags_of(cell) else None
        made = code(number[1], solved[number[1]]) if number else None
        if made is not None:
            cell["source"] = made
    return notebook


# What is handed out


def test_the_same_roster_and_salt_give_the_same_files(
    project: Project, class_folder: Path, tmp_path: Path
) -> None:
    chapter = next(c for c in project.exercises if c.name == "04-exercises")
    make.make(
        project, chapter, CLASS, tmp_path / "again", parameters=dict(SMALL), salt="salt", jobs=1, quiet=True
    )
    files = sorted(path.relative_to(class_folder) for path in class_folder.rglob("*") if path.is_file())
    assert len(files) == len(CLASS) + 3
    for name in files:
        assert (class_folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_a_student_gets_a_landscape_of_their_own_and_no_answers(
    class_folder: Path, key: dict[str, Any]
) -> None:
    seeds = {entry["parameters"]["seed"] for entry in key["students"].values()}
    assert len(seeds) == len(CLASS)
    for entry in key["students"].values():
        text = (class_folder / "students" / entry["file"]).read_text(encoding="utf-8")
        assert f"seed = {entry['parameters']['seed']}\\n" in text
        assert "size = 128\\n" in text
        assert key["salt"] not in text
        tags = set().union(*(tags_of(cell) for cell in json.loads(text)["cells"]))
        assert not tags & {"solution", "key", "guide"}
        assert not any(cell.get("outputs") for cell in json.loads(text)["cells"])


def test_the_key_holds_what_check_says_for_each_seed(key: dict[str, Any]) -> None:
    entry = key["students"]["bela"]
    assert make.keys_in(entry) == keys_of(4, entry["parameters"])
    assert key["points"]["4.3"] == 3


def test_the_teachers_table_and_guide(class_folder: Path, key: dict[str, Any]) -> None:
    rows = list(
        csv.DictReader(
            (class_folder / "teacher" / "answers.csv").read_text(encoding="utf-8-sig").splitlines()
        )
    )
    assert [row["id"] for row in rows] == [student.id for student in CLASS]
    assert json.loads(rows[0]["4.2"]) == key["students"]["ada"]["key"]["4.2"]["answer"]
    assert rows[2]["name"].startswith("'=")  # no spreadsheet takes it for a formula
    guide = (class_folder / "teacher" / "guide.md").read_text(encoding="utf-8")
    assert "## 4.3 Equal numbers" in guide
    assert "numbers of clusters with numbers of terrains" in guide


def test_who_is_added_keeps_the_others_notebooks(
    project: Project, class_folder: Path, tmp_path: Path
) -> None:
    chapter = next(c for c in project.exercises if c.name == "04-exercises")
    place = tmp_path / "class"
    make.make(project, chapter, CLASS[:2], place, parameters=dict(SMALL), salt="salt", jobs=1, quiet=True)
    make.make(project, chapter, [CLASS[1], Student("zoe")], place, parameters=dict(SMALL), jobs=1, quiet=True)
    assert sorted(path.name for path in (place / "students").iterdir()) == [
        "bela_04-exercises.ipynb",
        "zoe_04-exercises.ipynb",
    ]
    name = "students/bela_04-exercises.ipynb"
    assert (place / name).read_bytes() == (class_folder / name).read_bytes()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-p", "seed", "3"], "seed: every student gets one of their own"),
        (["-p", "sise", "128"], "unknown parameter sise = 128; did you mean size?"),
        (["-p", "size", "5"], "size = 5 is out of range"),
        (["--exercises", "14"], "no exercises 14; there are: 01-exercises"),
    ],
)
def test_what_is_not_allowed_is_one_line_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    (tmp_path / "roster.csv").write_text("ada\n", encoding="utf-8")
    assert (
        main(["classroom", "make", str(tmp_path / "roster.csv"), "--out", str(tmp_path / "out"), *words]) == 1
    )
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_else_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "roster.csv").write_text("ada\n", encoding="utf-8")
    assert main(["classroom", "make", str(tmp_path / "roster.csv"), "--out", str(tmp_path)]) == 1
    assert "holds something else" in capsys.readouterr().err


# What is handed in


DECIDE = "a person decides"
PEOPLE = {
    "ada": "Ada Lovelace", "bela": "Béla Bartók", "eve": "", "sean": "Seán O'Connor", "king": "Ada Lovelace-King", "max1": "Max Müller",
    "max2": "Max Müller", "0012": "Lovis, Jean-Luc", "arabi": "محمد العربي", "wide": "Ｆｕｌｌ Ｗｉｄｔｈ",
}  # fmt: skip
OF_CANVAS = {"sean": "1235"}


@pytest.mark.parametrize(
    ("path", "mark", "student"),
    [
        # no mark in it: the platform decides, else the name of the file
        ("ada_04-exercises.ipynb", None, "ada"),
        ("ada_04-exercises (1).ipynb", None, "ada"),
        ("lovelaceada_123_456_ada_04-exercises.ipynb", None, "ada"),  # Canvas
        ("lovelaceada_LATE_123_456_ada_04-exercises-2.ipynb", None, "ada"),
        ("Ada Lovelace_98765_assignsubmission_file_/ada_04-exercises.ipynb", None, "ada"),  # Moodle
        ("Ada Lovelace_98765_assignsubmission_file_/Untitled.ipynb", None, "ada"),
        ("Ada Lovelace_98765_assignsubmission_file_Untitled.ipynb", None, "ada"),  # Moodle without folders
        ("Béla Bartók_7_assignsubmission_file_/x.ipynb", None, "bela"),  # an umlaut in two characters
        ("Eve-Marie X_7_assignsubmission_file_/x.ipynb", None, None),
        ("eve/homework.ipynb", None, "eve"),
        ("eve.ipynb", None, "eve"),
        ("Eve_3_assignsubmission_file_/ada_04-exercises.ipynb", None, "eve"),  # in her folder it is hers
        ("evelyn_04-exercises.ipynb", None, None),
        ("Untitled.ipynb", None, None),
        ("Ada Lovelace-King_7_assignsubmission_file_/x.ipynb", None, "king"),
        ("Max Müller_7_assignsubmission_file_/x.ipynb", None, DECIDE),
        ("oconnorsean_1_2_x.ipynb", None, "sean"),
        ("someoneelse_1235_2_x.ipynb", None, "sean"),  # the number that Canvas's export has
        ("Seán OConnor_7_assignsubmission_file_/x.ipynb", None, "sean"),  # Moodle drops apostrophes
        ("Sean O’Connor_7_assignsubmission_file_/x.ipynb", None, "sean"),
        ("O'Connor Seán_7_assignsubmission_file_/x.ipynb", None, "sean"),  # surname first
        ("Group A-Ada Lovelace_7_assignsubmission_file_/x.ipynb", None, "ada"),  # groups of Moodle
        ("98765-43210 - Béla Bartók - Oct 3, 2024 1011 AM/final (2).ipynb", None, "bela"),  # Brightspace
        ("98765-43210 - Béla Bartók - Oct 3, 2024 1011 AM - final.ipynb", None, "bela"),
        ("Bartok_Bela_login2_12345/exercise.ipynb", None, "bela"),  # ILIAS
        ("Lovis_Jean-Luc_0012_12345/exercise.ipynb", None, "0012"),
        ("Exercise 4_sean_attempt_2024-10-03-10-11-12_x.ipynb", None, "sean"),  # Blackboard
        ("محمد العربي_7_assignsubmission_file_/x.ipynb", None, "arabi"),
        ("Full Width_7_assignsubmission_file_/x.ipynb", None, "wide"),
        # a mark: where no name matches, it decides
        ("Untitled.ipynb", "ada", "ada"),
        ("Participant_98765_assignsubmission_file_/Untitled.ipynb", "bela", "bela"),
        ("Sean Conor_7_assignsubmission_file_/x.ipynb", "sean", "sean"),
        ("98765-43210 - Nobody Known - Oct 3, 2024 1011 AM/x.ipynb", "bela", "bela"),
        # it agrees
        ("Ada Lovelace_7_assignsubmission_file_/x.ipynb", "ada", "ada"),
        ("Max Müller_7_assignsubmission_file_/x.ipynb", "max2", "max2"),
        (
            "lovelaceada_1_2_bela_04-exercises.ipynb",
            "ada",
            "ada",
        ),  # a classmate's name, which Canvas leaves to the student
        # it does not
        ("Ada Lovelace_7_assignsubmission_file_/x.ipynb", "bela", DECIDE),
        ("Ada Lovelace_7_assignsubmission_file_/Béla Bartók_/x.ipynb", "bela", DECIDE),
        ("lovelaceada_1_2_bela_04-exercises.ipynb", "bela", DECIDE),
        ("ada_04-exercises.ipynb", "bela", DECIDE),
        ("Participant_98765_assignsubmission_file_/ada_04-exercises.ipynb", "bela", DECIDE),
    ],
)
def test_a_file_is_assigned_where_platform_mark_and_name_agree(
    tmp_path: Path, path: str, mark: str | None, student: str | None
) -> None:
    students = {
        name: {"name": full, "file": f"{name}_04-exercises.ipynb", "extra": {"ID": OF_CANVAS.get(name, "")}}
        for name, full in PEOPLE.items()
    }
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        json.dumps({"cells": [], "metadata": {"course": {"token": f"of {mark}"}}}), encoding="utf-8"
    )
    tokens = {f"of {name}": name for name in students}
    theirs, nobodys, undecided = submissions.owners([file], tmp_path, students, tokens)
    found = [*theirs, *[None for _ in nobodys], *[DECIDE for _ in undecided]]
    assert found == [student]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a notebook; hand in"),
        (b"hello", "not a notebook; hand in"),
        (b"\xff\xfe\x00\x01", "not a notebook; hand in"),
        (b"[" * 100_000, "not a notebook; hand in"),
        (b"[]", "no list of cells"),
        (b'{"cells": 3}', "no list of cells"),
        (json.dumps({"cells": [{}] * 501}).encode(), "501 cells"),
        (json.dumps({"cells": [{"cell_type": "code", "source": "x" * 10**6 + "y"}]}).encode(), "characters"),
    ],
    ids=["empty", "text", "binary", "nested", "list", "number", "many", "long"],
)
def test_what_is_no_notebook_is_said_in_words(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "ada.ipynb"
    path.write_bytes(data)
    with pytest.raises(UnreadableError, match=re.escape(says)):
        submissions.read(path)


def test_a_hundred_megabytes_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "ada.ipynb"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
    with pytest.raises(UnreadableError, match="it has 100 MB, and 20 MB is the most"):
        submissions.read(path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text("{}", encoding="utf-8")
    (tmp_path / "ada.ipynb").symlink_to(tmp_path / "key.json")
    with pytest.raises(UnreadableError, match="a link"):
        submissions.read(tmp_path / "ada.ipynb")


@pytest.mark.parametrize(
    "cell",
    [
        3,
        None,
        [],
        {"cell_type": "code"},
        {"cell_type": "code", "source": [3]},
        {"cell_type": "raw", "source": "x"},
    ],
)
def test_cells_that_are_none_are_left_out(tmp_path: Path, cell: Any) -> None:
    path = tmp_path / "ada.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": [7]}), encoding="utf-8")
    assert submissions.read(path) == {"cells": [], "token": None}


def prepared(
    tmp_path: Path, key: dict[str, Any], notebook: Notebook, student: str = "ada"
) -> submissions.Submission:
    path = tmp_path / f"{student}.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    tokens = {entry["token"]: name for name, entry in key["students"].items()}
    return submissions.prepare(student, path, read_notebook(SOURCE), key["students"][student], tokens)


def test_given_cells_run_as_they_were_given(tmp_path: Path, class_folder: Path, key: dict[str, Any]) -> None:
    notebook = handed_in(class_folder, "ada", lambda _, solution: solution)
    untouched = prepared(tmp_path, key, notebook)
    assert untouched.notes == []
    for cell in notebook["cells"]:
        if "parameters" in tags_of(cell):
            cell["source"] = text_of(cell).replace("seed = ", "seed = 1")
        if "setup" in tags_of(cell):
            cell["source"] = text_of(cell) + "\nimage = None"
    forged = prepared(tmp_path, key, notebook)
    assert forged.cells == untouched.cells
    assert forged.notes == [
        "its parameters are not those it was given; it was marked with those of the key",
        "a given cell was changed; it was marked with the cell as it was given",
    ]


def test_a_second_parameters_cell_is_taken_out(
    tmp_path: Path, class_folder: Path, key: dict[str, Any]
) -> None:
    notebook = handed_in(class_folder, "ada", lambda *_: None)
    notebook["cells"].append(
        {"cell_type": "code", "source": "# Parameters of this chapter\nseed = 5", "metadata": {}}
    )
    made = prepared(tmp_path, key, notebook)
    assert not any("seed = 5" in cell for cell in made.cells)
    assert "parameters" in made.notes[0]


def test_code_in_a_copy_of_a_given_cell_runs(tmp_path: Path, class_folder: Path, key: dict[str, Any]) -> None:
    """Editors copy a cell's marks with it."""
    notebook = handed_in(class_folder, "ada", lambda *_: None)
    setup = next(cell for cell in notebook["cells"] if "setup" in tags_of(cell))
    notebook["cells"].append({**setup, "source": "mine = 5"})
    made = prepared(tmp_path, key, notebook)
    assert made.cells[-1] == "mine = 5"
    assert made.notes == []


def test_marks_lost_on_the_way_are_no_harm(tmp_path: Path, class_folder: Path, key: dict[str, Any]) -> None:
    """Some tools drop the metadata of cells; given cells are known by their text, then."""
    notebook = handed_in(class_folder, "ada", lambda _, solution: solution)
    whole = prepared(tmp_path, key, notebook)
    bare = {"cells": [{**cell, "metadata": {}} for cell in notebook["cells"]], "metadata": {}}
    made = prepared(tmp_path, key, bare)
    assert made.cells == whole.cells
    assert made.notes == ["this notebook does not carry the mark that it was given"]


def test_a_neighbors_notebook_under_ones_own_name_is_told(
    tmp_path: Path, class_folder: Path, key: dict[str, Any]
) -> None:
    made = prepared(tmp_path, key, handed_in(class_folder, "bela", lambda *_: None), "ada")
    assert "this notebook was made for bela" in made.notes
    assert f"seed = {key['students']['ada']['parameters']['seed']}" in made.cells[0]


# Which hand-in counts


def answers_of(cells: list[str], *_: Any, **__: Any) -> Outcome:
    """Stand in for the jail: take the number of right answers from a comment in the code."""
    right = re.search(r"# right: (\d)", "\n".join(cells))
    shown = [answered(f"4.{n}", RIGHT[f"4.{n}"]) for n in range(1, 1 + int(right[1]))] if right else []
    return Outcome([{"event": "cell", "number": 0, "outputs": shown}, {"event": "finished"}])


RIGHT: dict[str, Any] = {}  # to ada's exercises


@pytest.fixture
def hand_in(
    class_folder: Path, key: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Return a function that writes a notebook with some right answers of ada's into a folder."""
    monkeypatch.setattr(jail, "why_not", lambda *_: "")
    monkeypatch.setattr(jail, "execute", answers_of)
    monkeypatch.setattr(
        "tests.test_classroom.RIGHT", {n: k["answer"] for n, k in key["students"]["ada"]["key"].items()}
    )

    def write(name: str, right: int, student: str = "ada", folder: str = "in", age: int = 0) -> Path:
        notebook = handed_in(class_folder, student, lambda *_: None)
        notebook["cells"].append({"cell_type": "code", "source": f"# right: {right}", "metadata": {}})
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook), encoding="utf-8")
        os.utime(path, (10**9 - age, 10**9 - age))
        return path.parent

    return write


def total(result: dict[str, Any]) -> float:
    return sum(mark["points"] or 0 for mark in result["marks"])


def decide(out: Path, file: str, **values: str) -> None:
    """Fill in a row of decide.csv."""
    path = out / "decide.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert [row["file"] for row in rows].count(file) == 1
    with path.open("w", encoding="utf-8", newline="") as file_:
        writer = csv.DictWriter(file_, list(rows[0]))
        writer.writeheader()
        writer.writerows([{**row, **values} if row["file"] == file else row for row in rows])


def test_a_file_named_after_a_classmate_changes_nobodys_mark(
    hand_in: Callable[..., Path], class_folder: Path, project: Project, tmp_path: Path
) -> None:
    """bela hands in an empty notebook that carries ada's mark and name."""
    hand_in("lovelaceada_1_2_ada_04-exercises.ipynb", 3, age=100)
    given = hand_in("bartokbela_3_4_ada_04-exercises.ipynb", 0)
    out = tmp_path / "out"
    (ada,) = marking.mark(project, given, class_folder, out, quiet=True)
    assert (ada["student"], total(ada), ada["notes"]) == ("ada", 6, [])
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "To be decided by a person" in report
    for words in (
        "bartokbela_3_4_ada_04-exercises.ipynb",
        "prefix names bela (Béla Bartók)",
        "the mark in the notebook names ada (Ada Lovelace)",
        "bela Béla Bartók, but a file is to be decided",
    ):
        assert words in report
    inert(report)
    # a person says whose it is; it has fewer points than what ada has, so hers stay
    decide(out, "bartokbela_3_4_ada_04-exercises.ipynb", student="ada")
    (ada,) = marking.mark(project, given, class_folder, out, quiet=True)
    assert total(ada) == 6
    assert "bartokbela_3_4_ada_04-exercises.ipynb has 0 points" in ada["notes"][0]
    decide(out, "bartokbela_3_4_ada_04-exercises.ipynb", student="bela")
    results = marking.mark(project, given, class_folder, out, quiet=True)
    assert [(r["student"], r["file"][:8]) for r in results] == [("ada", "lovelace"), ("bela", "bartokbe")]
    decide(out, "bartokbela_3_4_ada_04-exercises.ipynb", student="nobody")
    assert len(marking.mark(project, given, class_folder, out, quiet=True)) == 1


def test_an_emptier_hand_in_does_not_take_the_place_of_a_better_one(
    hand_in: Callable[..., Path],
    class_folder: Path,
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, name = tmp_path / "out", "ada_04-exercises.ipynb"
    in_time, late = hand_in(name, 3), hand_in(name, 1, folder="late")
    (ada,) = marking.mark(project, in_time, class_folder, out, quiet=True)
    assert (total(ada), ada["notes"]) == (6, [])
    for _ in range(2):  # the second time nothing runs
        (ada,) = marking.mark(project, late, class_folder, out, quiet=True)
        assert total(ada) == 6
        assert json.loads((out / "ada" / "result.json").read_text(encoding="utf-8"))["marks"] == ada["marks"]
        assert (
            f"{name} has 1 point; {name} has 6 points and counts; decide.csv can change that" in ada["notes"]
        )
        monkeypatch.setattr(jail, "execute", lambda *_, **__: pytest.fail("it ran again"))
    decide(out, name, counts="yes")
    (ada,) = marking.mark(project, late, class_folder, out, quiet=True)
    assert total(ada) == 1
    assert "# right: 1" in (out / "ada" / "ran.ipynb").read_text(encoding="utf-8")
    decide_back = (out / "decide.csv").read_text(encoding="utf-8-sig").replace(",yes,", ",,")
    (out / "decide.csv").write_text(decide_back, encoding="utf-8")
    (ada,) = marking.mark(project, late, class_folder, out, quiet=True)
    assert total(ada) == 6
    assert "# right: 3" in (out / "ada" / "ran.ipynb").read_text(encoding="utf-8")


def test_of_several_files_the_best_counts(
    hand_in: Callable[..., Path], class_folder: Path, project: Project, tmp_path: Path
) -> None:
    hand_in("ada_04-exercises.ipynb", 3, age=100)
    given = hand_in("ada_04-exercises (1).ipynb", 1)
    (given / "ada_notes.pdf").write_bytes(b"no notebook")
    (ada,) = marking.mark(project, given, class_folder, tmp_path / "out", quiet=True)
    assert (ada["file"], total(ada)) == ("ada_04-exercises.ipynb", 6)
    assert ada["notes"] == [
        "3 files are of this student; not marked: ada_notes.pdf",
        "ada_04-exercises (1).ipynb has 1 point; ada_04-exercises.ipynb has 6 points and counts; decide.csv can change that",
    ]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("x.ipynb,x1,zoe,", "line 2: no student 'zoe' in the key"),
        ("x.ipynb,x1,ada,no", "line 2: 'no' in the column counts; write yes, or nothing"),
    ],
)
def test_a_decision_that_is_not_understood_is_one_line(
    hand_in: Callable[..., Path], class_folder: Path, project: Project, tmp_path: Path, row: str, says: str
) -> None:
    given, out = hand_in("ada_04-exercises.ipynb", 3), tmp_path / "out"
    marking.mark(project, given, class_folder, out, quiet=True)
    (out / "decide.csv").write_text(f"file,sha256,student,counts\n{row}\n", encoding="utf-8")
    with pytest.raises(CourseError, match=re.escape(says)):
        marking.mark(project, given, class_folder, out, quiet=True)
    assert row in (out / "decide.csv").read_text(encoding="utf-8")


def test_what_a_cell_shows_beyond_the_limit_is_reported(
    hand_in: Callable[..., Path],
    class_folder: Path,
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = [{"event": "cell", "number": 0, "outputs": [], "dropped": 5000}, {"event": "finished"}]
    monkeypatch.setattr(jail, "execute", lambda *_, **__: Outcome(told))
    given = hand_in("ada_04-exercises.ipynb", 0)
    (ada,) = marking.mark(project, given, class_folder, tmp_path / "out", quiet=True)
    assert ada["notes"] == [
        "1 cell shows more text than is kept; the rest was left out, and the answers count"
    ]


def test_a_notebook_in_a_zip_file_is_read(tmp_path: Path) -> None:
    for name, members, says in (
        ("one.zip", ["a/x.ipynb", "__MACOSX/a/x.ipynb"], ""),
        ("none.zip", ["x.txt"], "a zip file that holds 0 notebooks"),
        ("two.zip", ["x.ipynb", "y.ipynb"], "a zip file that holds 2 notebooks"),
    ):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for member in members:
                archive.writestr(member, '{"cells": []}')
        if says:
            with pytest.raises(UnreadableError, match=says):
                submissions.read(tmp_path / name)
        else:
            assert submissions.read(tmp_path / name) == {"cells": [], "token": None}
    for kind in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(tmp_path / "broken.zip", "w", kind) as archive:
            archive.writestr("x.ipynb", os.urandom(2000))
        data = bytearray((tmp_path / "broken.zip").read_bytes())
        data[200:260] = bytes(60)
        (tmp_path / "broken.zip").write_bytes(data)
        assert submissions.token_in(tmp_path / "broken.zip") == ""
        with pytest.raises(UnreadableError, match=r"cannot be opened|not a notebook"):
            submissions.read(tmp_path / "broken.zip")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.ipynb", b" " * (submissions.LARGEST + 1))
    with pytest.raises(UnreadableError, match="is the most"):
        submissions.read(tmp_path / "bomb.zip")


STRANGE = {
    "half a character": {"cell_type": "code", "source": "x = '\ud83d'"},
    "a parameter without a value": {"cell_type": "code", "source": "# Parameters of this chapter\nseed: int"},
    "a parameter that is no value": {
        "cell_type": "code",
        "source": "# Parameters of this chapter\nseed={[1]}",
    },
}


def test_what_nobody_foresaw_in_one_file_leaves_the_others(
    tmp_path: Path, class_folder: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "in"
    given.mkdir()
    for student, cell in zip(["ada", "bela", "dan"], STRANGE.values(), strict=True):
        notebook = handed_in(class_folder, student, lambda *_: None)
        notebook["cells"].append(cell)
        (given / f"{student}_04-exercises.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (given / os.fsdecode(b"M\xfcller_1_2_eve_04-exercises.ipynb")).write_text("{}", encoding="utf-8")
    (given / "fay_04-exercises.ipynb").write_text('{"cells": []}', encoding="utf-8")
    told = [
        {"event": "cell", "number": 0, "ended": "\ud83d", "outputs": [answered("4.5", "\ud83d " * 20), answered("4.1", nested(700))]},
        {"event": "finished"},
    ]  # fmt: skip
    monkeypatch.setattr(jail, "why_not", lambda *_: "")
    monkeypatch.setattr(jail, "execute", lambda *_, **__: Outcome(told))
    judged = grade.marks_of

    def fails_for_one(keys: Any, answers: Any) -> Any:
        if keys == make.keys_in(make.load_key(class_folder)["students"]["fay"]) and answers:
            raise KeyError("unforeseen")
        return judged(keys, answers)

    monkeypatch.setattr(grade, "marks_of", fails_for_one)
    results = {
        r["student"]: r for r in marking.mark(project, given, class_folder, tmp_path / "out", quiet=True)
    }
    assert list(results) == ["ada", "bela", "dan", "eve", "fay"]
    assert results["fay"]["problem"] == "it could not be marked: KeyError: 'unforeseen'"
    assert results["ada"]["problem"] == ""
    assert "no list of cells" in results["eve"]["problem"]
    for name in ("report.html", "gradebook.csv", "moodle.csv", "in-words.html"):
        assert (tmp_path / "out" / name).is_file()


# What a person gives


def one_result(answer: Any, points_: float | None = None) -> dict[str, Any]:
    mark = {"exercise": "4.5", "points": points_, "most": 3, "message": "recorded.", "answer": answer}
    return {"student": "007", "notes": [], "marks": [mark]}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            "id,exercise,of,points,comment\n007,4.5,3,7,\n",
            "line 2: '7' for 4.5; points are a number from 0 to 3",
        ),
        ("id,exercise,of,points,comment\n007,4.5,3,nan,\n", "line 2: 'nan' for 4.5; points are a number"),
        (
            "id,exercise,of,points,comment\nzoe,4.5,3,2,\n",
            "line 2: no student 'zoe' in the key; take the row out if they have left",
        ),
        (
            "id,exercise,of,points,comment\n007,9.9,3,2,\n",
            "line 2: '9.9' is no exercise of this key; there are 4.5",
        ),
        ("id,exercise,comment\n007,4.5,good\n", "has no column points; the first line is id, exercise, of"),
        ("id,exercise,points\n007,4.5,1\n7,4.5,2\n", "line 3: a second row for 4.5 of 007; keep one"),
        (
            'id,exercise,points,comment\n007,4.5,1,"open\nada,4.5,2,\n',
            "a quotation mark is opened and not closed",
        ),
        (
            "id,exercise,points,comment\n007,4.5,1,Good, but short\n",
            "line 2: more cells than columns; put a comment",
        ),
        ("", "has no column id"),
    ],
)
def test_a_row_that_gives_nothing_is_one_line(tmp_path: Path, rows: str, says: str) -> None:
    path = tmp_path / "reading.csv"
    path.write_text(rows, encoding="utf-8")
    with pytest.raises(CourseError, match=re.escape(says)):
        reading.read(path, {"4.5": 3}, ["007", "ada"])


def test_a_reading_table_in_another_encoding_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "reading.csv").write_bytes("id;exercise;points;comment\n007;4.5;2;schön\n".encode("cp1252"))
    with pytest.raises(CourseError, match="not text in UTF-8; save it as “CSV UTF-8”"):
        reading.read(tmp_path / "reading.csv", {"4.5": 3}, ["007"])


def test_points_are_read_as_spreadsheets_leave_them_and_are_never_lost(tmp_path: Path) -> None:
    path = tmp_path / "reading.csv"
    reading.write(path, [one_result("a long answer")], ["4.5"], {})
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0] == reading.COLUMNS
    changed = "\n".join(";".join(["7", *row[1:3], "2,5", "Gut.", row[5]]) for row in rows[1:])
    path.write_text("ID;Exercise;of;Points;Comment;answer\n" + changed, encoding="utf-8-sig")
    given = reading.read(path, {"4.5": 3, "4.1": 1}, ["007"])
    result = one_result("a long answer")
    reading.apply(given, [result])
    assert (result["marks"][0]["points"], result["marks"][0]["comment"]) == (2.5, "Gut.")
    assert result["marks"][0]["message"] == "read by a person."
    # another answer: what was given for the first one does not count, is told, and stays in the file
    other = one_result("another answer")
    reading.apply(given, [other])
    assert other["marks"][0]["points"] is None
    assert other["notes"] == ["4.5: the answer has changed since it was read; read it again"]
    reading.write(path, [other], ["4.5"], given)
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))[1:]
    assert [row[:5] for row in rows] == [["007", "4.5", "3", "", ""], ["007", "4.5", "", "2.5", "Gut."]]
    # read again: the new points count, and those for the first answer stay aside
    rows[0][3] = "3"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([reading.COLUMNS, *rows])
    given = reading.read(path, {"4.5": 3, "4.1": 1}, ["007"])
    again = one_result("another answer")
    reading.apply(given, [again])
    assert (again["marks"][0]["points"], again["notes"]) == (3, [])
    reading.write(path, [again], ["4.5"], given)
    assert reading.read(path, {"4.5": 3, "4.1": 1}, ["007"]) == given


def test_a_person_may_overrule_the_key(tmp_path: Path) -> None:
    (tmp_path / "reading.csv").write_text("id,exercise,points,comment\n007,4.5,1,A slip.\n", encoding="utf-8")
    result = one_result([1, 2], points_=0.0)
    reading.apply(reading.read(tmp_path / "reading.csv", {"4.5": 3}, ["007"]), [result])
    made = result["marks"][0]
    assert (made["points"], made["comment"], made["by_person"]) == (1, "A slip.", True)
    assert made["message"] == "recorded. A person gave these points."
    # the row gets the hash of the answer that it overruled: another answer is marked anew
    given = reading.read(tmp_path / "reading.csv", {"4.5": 3}, ["007"])
    reading.write(tmp_path / "reading.csv", [result], [], given)
    (row,) = reading.read(tmp_path / "reading.csv", {"4.5": 3}, ["007"])
    assert row == ("007", "4.5", reading.hash_of([1, 2]))
    assert (tmp_path / "reading.csv.bak").read_text(encoding="utf-8").endswith("A slip.\n")


@pytest.mark.parametrize("comment", ["=1+1", "Good;-)", "-1, or so", "Zwei\nZeilen", "'quoted'", "a; b"])
def test_a_comment_comes_back_as_it_was_written(tmp_path: Path, comment: str) -> None:
    path = tmp_path / "reading.csv"
    given = {("007", "4.5", ""): reading.Given(1.0, comment)}
    reading.write(path, [one_result("words")], ["4.5"], given)
    assert list(reading.read(path, {"4.5": 3}, ["007"]).values()) == [reading.Given(1.0, comment)]


# What it is worth


def nested(depth: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made


def answered(exercise: str, answer: Any) -> dict[str, Any]:
    """Return the output by which `check` records an answer."""
    return {"data": {ANSWER: {"exercise": exercise, "answer": answer}}}


@pytest.mark.parametrize(
    ("outputs", "answers"),
    [
        ([answered("4.1", 2)], {"4.1": 2}),
        ([answered("4.1", 2), answered("4.1", 3)], {"4.1": 3}),
        ([answered("9.9", 2)], {}),
        ([answered("4.1", float("nan"))], {}),
        ([answered("4.1", 10**400)], {}),
        ([answered("4.1", "x" * 30_000)], {}),
        ([answered("4.1", "ж" * 15_000)], {"4.1": "ж" * 15_000}),
        ([answered("4.1", [1] * 30_000)], {}),
        ([answered("4.1", nested(700))], {}),
        ([3, None, {"data": 3}, {"data": {ANSWER: []}}], {}),
        ("text", {}),
    ],
)
def test_records_of_unknown_origin_give_answers_at_most(outputs: Any, answers: dict[str, Any]) -> None:
    outcome = Outcome([{"event": "cell", "outputs": outputs}, {"event": "cell"}])
    assert grade.answers_in(outcome, ["4.1", "4.2"]) == answers


def test_partial_credit_is_that_of_the_key(key: dict[str, Any]) -> None:
    keys = make.keys_in(key["students"]["ada"])
    wrong = next(wrong for wrong in keys["4.1"].wrong if wrong.credit)
    marks = {m.exercise: m for m in grade.marks_of(keys, {"4.1": wrong.answer, "4.5": "word " * 30})}
    assert marks["4.1"].points == keys["4.1"].points * wrong.credit
    assert wrong.message in marks["4.1"].message
    assert marks["4.5"].points is None  # a person reads it
    assert marks["4.2"].points == 0
    assert "no answer" in marks["4.2"].message


def test_answers_of_another_landscape_are_found_and_chance_is_not(key: dict[str, Any]) -> None:
    keys = {name: make.keys_in(entry) for name, entry in key["students"].items()}
    own = {name: made.answer for name, made in keys["ada"].items() if not made.in_words}
    assert grade.fits_another("ada", own, keys) == []
    theirs = {name: made.answer for name, made in keys["bela"].items() if not made.in_words}
    found = dict(grade.fits_another("ada", theirs, keys))
    assert "4.1" in found["bela"]
    assert list(found) == ["bela"]  # what fits the others as well is chance
    # Elbows are small whole numbers: ada's is made one that no other has, so her wrong answer fits several.
    keys["ada"] = {**keys["ada"], "4.2": replace(keys["ada"]["4.2"], answer=[9, 9])}
    by_chance = {"4.2": keys["bela"]["4.2"].answer}
    assert grade.fits_another("ada", by_chance, keys) == []


def test_answers_of_the_same_words_are_found(key: dict[str, Any]) -> None:
    long = "The elbow depends on where the curve ends, so k is a choice and no result of mine at all."
    results = [
        {"student": "ada", "answers": {"4.5": long, "4.6": "short"}},
        {"student": "bela", "answers": {"4.5": long.upper() + "\n", "4.6": "short"}},
        {"student": "dan", "answers": {"4.5": long + " Really.", "4.1": 3}},
    ]
    assert grade.word_for_word(results) == {"ada": {"4.5": ["bela"]}, "bela": {"4.5": ["ada"]}}


# What comes from the site


def result_with(
    cells: list[str], answers: dict[str, Any], right: bool = True, student: str = "ada"
) -> dict[str, Any]:
    """Return a result as marking makes it, of some code and the answers that it gave."""
    marks = [{"exercise": n, "answer": a, "points": float(right), "most": 1.0} for n, a in answers.items()]
    told = [{"source": cell, "ended": "ok", "shown": ""} for cell in cells]
    return {"student": student, "answers": answers, "marks": marks, "cells": told}


def published_answer(exercise: str) -> str:
    """Return the answer in words that the site shows, with numbers in it."""
    code = solutions()[exercise]
    return re.sub(r"\{[^{}]*\}", "3", code.split('"""')[1])


OWN_WORDS = (
    "My curve bends at three when I look at the first six values, but if I leave out one cluster the bend moves to four. "
    "So the rule gives no single number for my map. I would say that four terrains are in it since I made it so, and the elbow "
    "happens to agree only for one of the ranges; with another seed it might not."
)


def test_words_from_the_site_are_flagged_also_after_small_edits_and_own_ones_are_not() -> None:
    published = grade.Published(exercises_in(read_notebook(SOURCE)))
    site = published_answer("4.5")
    edited = site.replace("picture", "map").replace("One may say", "You could say").replace("kind", "sort")
    for answer in (site, site.upper(), edited, f"I think that. {edited} So it is."):
        (flag,) = published.flags(result_with([], {"4.5": answer}))
        assert re.match(r"4\.5: \d+% of its words are those of the answer on the site", flag)
    asked = text_of(exercises_in(read_notebook(SOURCE))[4].cells[0])
    for answer in (OWN_WORDS, f"{asked} {OWN_WORDS}", "word " * 30):
        assert published.flags(result_with([], {"4.5": answer})) == []


def test_words_that_nearly_are_a_classmates_are_flagged() -> None:
    published = grade.Published(exercises_in(read_notebook(SOURCE)))
    texts = {
        "ada": OWN_WORDS,
        "bela": OWN_WORDS.replace("My", "The").replace("number", "value").replace("seed", "picture"),
        "dan": "The elbow is where the curve bends most, and I found it at four with both ranges, so I am confident in four here.",
    }
    results = [result_with([], {"4.5": text}, student=name) for name, text in texts.items()]
    found = grade.nearly_word_for_word(results, published)
    assert found == {"ada": {"4.5": ["bela"]}, "bela": {"4.5": ["ada"]}}


def test_the_sites_code_and_numbers_that_are_typed_in_are_flagged() -> None:
    published = grade.Published(exercises_in(read_notebook(SOURCE)))
    answers = {
        "4.1": 262954537.40899658,
        "4.2": [2, 5],
        "4.3": [4, 0.980560366734964],
        "4.4": [0.9732, 0.9306],
    }
    code = [f"# mine\n{solutions()[n]}" for n in answers]
    assert published.flags(result_with(code, answers)) == [
        "the code of 4.1, 4.2, 4.4 is that of the site's solutions"
    ]
    assert published.flags(result_with(code[1:3], answers)) == []  # two may be chance
    typed = [f'%matplotlib inline\ncheck("{n}", {a!r})' for n, a in answers.items()]
    assert published.flags(result_with(typed, answers)) == [
        "typed in, not computed in this notebook: 4.1, 4.3"
    ]
    noted = ["x = f()  # 262954537.40899658", "'0.980560366734964'", "check('4.4', x)"]
    assert published.flags(result_with(noted, answers)) == []
    assert published.flags(result_with(typed, answers, right=False)) == []
    assert published.flags(result_with(["from helpers.check import keys_of\nk = keys_of(4, {})"], {})) == [
        "it asks for the key (keys_of)"
    ]


# What is shown


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><a href=javascript:alert(1)>\x1b[31m\u202e"
)


def inert(html: str) -> None:
    """Assert that a page has no script, no handler, no address, and a policy that allows none."""
    parser = Tags()
    parser.feed(html)
    names = {tag for tag, _ in parser.seen}
    assert not names & {"script", "img", "iframe", "object", "embed", "form", "svg", "base"}
    for tag, attributes in parser.seen:
        assert not any(name.startswith("on") for name in attributes)
        assert not (attributes.get("href") or "").lower().startswith(("javascript", "data", "http"))
        if tag == "meta" and attributes.get("http-equiv"):
            assert attributes["content"] == feedback.POLICY
    assert "Content-Security-Policy" in html
    assert "\u202e" not in html


def hostile_result() -> dict[str, Any]:
    mark = {
        "exercise": "4.5",
        "points": None,
        "most": 3,
        "message": HOSTILE,
        "answer": HOSTILE,
        "comment": HOSTILE,
    }
    cell = {"source": HOSTILE, "ended": "error", "shown": HOSTILE}
    return {
        "student": HOSTILE, "name": HOSTILE, "email": HOSTILE, "seed": 5, "file": HOSTILE, "sha256": "0" * 64, "folder": "x", "problem": HOSTILE,
        "notes": [HOSTILE], "flags": [HOSTILE], "marks": [mark], "cells": [cell], "seconds": 1.0, "peak_memory_mb": 1,
        "stopped": False, "ran": True, "extra": {}, "answers": {}, "made_from": "",
    }  # fmt: skip


def test_pages_show_what_students_wrote_as_text() -> None:
    result = hostile_result()
    inert(feedback.student_page(result, "Exercises", 3, {"4.5": HOSTILE}))
    inert(feedback.report([result], [HOSTILE], [HOSTILE], "Exercises", {"4.5": 3}))
    inert(feedback.in_words([result], ["4.5"], "Exercises", exercises_in(read_notebook(SOURCE))))


ADDRESS = "bartholomew.featherstonehaugh@students.university-of-somewhere.example.org"


def test_answers_are_read_without_addresses_and_points_find_their_student(tmp_path: Path) -> None:
    result = {**hostile_result(), "student": ADDRESS, "notes": [], "flags": []}
    result["marks"] = [{**result["marks"][0], "answer": "word " * 20}]
    page = feedback.in_words([result], ["4.5"], "Exercises", exercises_in(read_notebook(SOURCE)))
    path = tmp_path / "reading.csv"
    reading.write(path, [result], ["4.5"], {})
    table = path.read_text(encoding="utf-8-sig")
    assert "@students" not in page + table
    code = table.splitlines()[1].partition(",")[0]
    assert code in page
    assert code in feedback.report([result], [], [], "Exercises", {"4.5": 3})
    path.write_text(table.replace("4.5,3,,", "4.5,3,2,"), encoding="utf-8")
    reading.apply(reading.read(path, {"4.5": 3}, ["other@x.org", ADDRESS]), [result])
    assert result["marks"][0]["points"] == 2
    path.write_text(f"id,exercise,points\n{ADDRESS},4.5,1\n", encoding="utf-8")  # as a person writes it
    assert [place[0] for place in reading.read(path, {"4.5": 3}, [ADDRESS])] == [ADDRESS]


def test_long_ids_hide_no_column_of_the_report(tmp_path: Path, browser: Browser) -> None:
    result = {**hostile_result(), "student": ADDRESS, "name": "Bartholomew Featherstonehaugh"}
    result |= {"notes": [f"this notebook was made for {ADDRESS}"], "flags": [], "problem": ""}
    names = [f"4.{n}" for n in range(1, 7)]
    result["marks"] = [{**result["marks"][0], "exercise": name, "points": 2.5} for name in names]
    (tmp_path / "report.html").write_text(
        feedback.report([result], [], [], "Exercises", dict.fromkeys(names, 3.0)), encoding="utf-8"
    )
    page = browser.new_page(viewport={"width": 1000, "height": 700})
    page.goto((tmp_path / "report.html").as_uri())
    hidden = page.evaluate(
        "[...document.querySelectorAll('.scroll')].map(box => box.scrollWidth - box.clientWidth)"
    )
    page.close()
    assert max(hidden) <= 0


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_cell_of_a_gradebook_is_a_formula(cell: str) -> None:
    result = {**hostile_result(), "name": cell, "email": cell, "student": cell, "problem": cell}
    for text in (
        feedback.gradebook([result], {"4.5": 3}),
        feedback.for_moodle([result], "E"),
        feedback.for_canvas([result], "E", 3),
    ):
        assert not any(field == cell for row in csv.reader(text.splitlines()) for field in row)


def test_gradebooks_have_the_columns_that_moodle_and_canvas_read() -> None:
    result = {**hostile_result(), "student": "u1", "name": "Ada", "email": "a@x.org"}
    result["marks"] = [{**result["marks"][0], "points": 2.5}]
    assert feedback.for_moodle([result], "Title").splitlines() == [
        "ID number,Email address,Title",
        "u1,a@x.org,2.5",
    ]
    assert feedback.for_canvas([result], "Title", 3).splitlines() == [
        "Student,ID,SIS User ID,SIS Login ID,Section,Title", "Points Possible,,,,,3", "Ada,,u1,u1,,2.5",
    ]  # fmt: skip
    own = {**result, "extra": {"ID": "9000", "SIS User ID": "u1", "Section": "B"}}
    assert feedback.for_canvas([own], "Title", 3).splitlines()[2] == "Ada,9000,u1,,B,2.5"
    unread = {**result, "ran": False, "marks": [{**result["marks"][0], "points": 0}]}
    assert len(feedback.for_moodle([unread], "Title").splitlines()) == 1
    assert len(feedback.for_canvas([unread], "Title", 3).splitlines()) == 2


# All of it


@pytest.fixture(scope="module")
def marked(
    project: Project, class_folder: Path, key: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Return what was handed in, and what was made of it."""
    given, out = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")

    def save(student: str, notebook: Notebook, name: str = "") -> None:
        (given / (name or f"{student}_04-exercises.ipynb")).write_text(json.dumps(notebook), encoding="utf-8")

    answers = key["students"]["ada"]["key"]
    save("ada", handed_in(class_folder, "ada", lambda _, solution: solution))
    # bela typed ada's answers in, beside a record in the file that claims them all
    forged = handed_in(
        class_folder, "bela", lambda n, s: f'check("{n}", {answers[n]["answer"]!r})' if n < "4.5" else None
    )
    forged["cells"][-1]["outputs"] = [{"output_type": "display_data", **answered("4.1", 1), "metadata": {}}]
    save("bela", forged)
    # copy handed in ada's notebook with the name changed
    save("copy", handed_in(class_folder, "ada", lambda _, solution: solution))
    # dan's has an error, scripts, and another seed
    hostile = f"from IPython.display import HTML\nprint({HOSTILE!r})\ndisplay(HTML({HOSTILE!r}))\n1 / 0"
    wrong_seed = "seed = 7\nimage = landscape.colorize(landscape.heights(size, scale, seed=seed))\ncolors = segmentation.distinct_colors(image)\n"
    save(
        "dan",
        handed_in(
            class_folder, "dan", lambda n, s: hostile if n == "4.2" else wrong_seed + s if n == "4.1" else s
        ),
    )
    (given / "eve_04-exercises.ipynb").write_text("no notebook", encoding="utf-8")
    # fay replaces helpers and kills what runs her after 4.1
    murder = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"
    save("fay", handed_in(class_folder, "fay", lambda n, s: s if n == "4.1" else murder))
    (given / "Untitled.ipynb").write_text("{}", encoding="utf-8")
    marking.mark(project, given, class_folder, out / "marked", jobs=2, quiet=True)
    decide(out / "marked", "copy_04-exercises.ipynb", student="copy")
    marking.mark(project, given, class_folder, out / "marked", jobs=2, quiet=True)
    return given, out / "marked"


def result_of(marked: tuple[Path, Path], student: str) -> dict[str, Any]:
    return json.loads((marked[1] / student / "result.json").read_text(encoding="utf-8"))


def points(result: dict[str, Any]) -> dict[str, float | None]:
    return {mark["exercise"]: mark["points"] for mark in result["marks"]}


@needs_jail
def test_the_solved_notebook_gets_all_points_that_no_person_gives(
    marked: tuple[Path, Path], key: dict[str, Any]
) -> None:
    result = result_of(marked, "ada")
    assert points(result) == {"4.1": 1, "4.2": 2, "4.3": 3, "4.4": 3, "4.5": None, "4.6": None}
    assert (result["problem"], result["notes"]) == ("", [])
    assert result["seed"] == key["students"]["ada"]["parameters"]["seed"]
    ran = json.loads((marked[1] / "ada" / "ran.ipynb").read_text(encoding="utf-8"))
    assert f"seed = {result['seed']}" in "".join(ran["cells"][0]["source"])


@needs_jail
def test_answers_of_a_neighbor_give_nothing_and_are_flagged(marked: tuple[Path, Path]) -> None:
    bela = result_of(marked, "bela")
    assert points(bela)["4.1"] == 0
    with (marked[1] / "gradebook.csv").open(encoding="utf-8-sig") as file:
        look_at = {row["id"]: row["to look at"] for row in csv.DictReader(file)}
    assert "answers fit the landscape of ada (Ada Lovelace): 4.1" in look_at["bela"]
    assert "this notebook was made for ada" in look_at["copy"]
    assert "4.6 is word for word that of copy (" in look_at["ada"]  # all three wrote as the solution has it
    assert "landscape of" not in look_at["ada"]


@needs_jail
def test_a_neighbors_notebook_runs_with_ones_own_parameters(
    marked: tuple[Path, Path], key: dict[str, Any]
) -> None:
    """Once a person has said that it is handed in as one's own; the report says what it is."""
    copy = result_of(marked, "copy")
    assert points(copy)["4.1"] == 1
    assert copy["seed"] == key["students"]["copy"]["parameters"]["seed"]


@needs_jail
def test_what_goes_wrong_in_one_exercise_leaves_the_others(marked: tuple[Path, Path]) -> None:
    dan = result_of(marked, "dan")
    assert points(dan)["4.1"] == 0  # of another landscape
    assert points(dan)["4.2"] == 0
    assert [cell["ended"] for cell in dan["cells"]].count("error") >= 1
    inert((marked[1] / "dan" / "feedback.html").read_text(encoding="utf-8"))
    ran = (marked[1] / "dan" / "ran.ipynb").read_text(encoding="utf-8")
    assert '"text/html"' not in ran


@needs_jail
def test_the_attack_is_named_and_the_others_are_marked(marked: tuple[Path, Path]) -> None:
    fay = result_of(marked, "fay")
    assert points(fay)["4.1"] == 1
    assert fay["problem"] == "it ended what executed it"
    assert "not a notebook" in result_of(marked, "eve")["problem"]
    report = (marked[1] / "report.html").read_text(encoding="utf-8")
    for words in (
        "it ended what executed it",
        "not a notebook",
        "6 marked, 2 missing, 1 file of nobody",
        "<li>gil</li><li>hal</li>",
        "Untitled.ipynb",
    ):
        assert words in report
    inert(report)


@needs_jail
def test_marking_again_runs_nothing_twice_and_takes_what_a_person_gave(
    marked: tuple[Path, Path], class_folder: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, out = marked
    monkeypatch.setattr(jail, "execute", lambda *_, **__: pytest.fail("it ran again"))
    rows = list(csv.reader((out / "reading.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert ["ada", "4.5", "3", "", ""] in [row[:5] for row in rows]
    filled = [[*row[:3], "2,5", "Well said.", row[5]] if row[:2] == ["ada", "4.5"] else row for row in rows]
    with (out / "reading.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows([*filled, ["DAN", "4.2", "", "1", "A slip.", ""]])
    results = {r["student"]: r for r in marking.mark(project, given, class_folder, out, quiet=True)}
    assert points(results["ada"])["4.5"] == 2.5
    assert "Well said." in (out / "ada" / "feedback.html").read_text(encoding="utf-8")
    with (out / "moodle.csv").open(encoding="utf-8") as file:
        assert next(row for row in csv.reader(file) if row[0] == "ada")[2] == "11.5"
    assert points(results["dan"])["4.2"] == 1
    written = (out / "reading.csv").read_text(encoding="utf-8-sig")
    assert "2.5,Well said." in written
    assert "dan,4.2,2,1,A slip.,x" in written
    assert ";" in (out / "reading.csv.bak").read_text(encoding="utf-8")


def test_marks_that_cannot_be_written_are_one_line(
    class_folder: Path, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jail, "why_not", lambda *_: "")
    monkeypatch.setattr(jail, "execute", lambda *_, **__: Outcome([{"event": "finished"}]))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ada_04-exercises.ipynb").write_text("{}", encoding="utf-8")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "ada").write_text("in the folder's place", encoding="utf-8")
    with pytest.raises(CourseError, match="holds something else; choose another"):
        marking.mark(project, tmp_path / "in", class_folder, tmp_path / "out", quiet=True)


def test_marks_of_other_exercises_are_left_alone(
    class_folder: Path, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jail, "why_not", lambda *_: "")
    monkeypatch.setattr(jail, "execute", lambda *_, **__: Outcome([{"event": "finished"}]))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ada_04-exercises.ipynb").write_text("{}", encoding="utf-8")
    other = tmp_path / "other"
    chapter = next(c for c in project.exercises if c.name == "01-exercises")
    make.make(project, chapter, CLASS[:2], other, salt="salt", jobs=1, quiet=True)
    (tmp_path / "in" / "ada_01-exercises.ipynb").write_text("{}", encoding="utf-8")
    marking.mark(project, tmp_path / "in", class_folder, tmp_path / "out", quiet=True)
    before = (tmp_path / "out" / "ada" / "result.json").read_bytes()
    with pytest.raises(CourseError, match="holds marks of other exercises; choose another"):
        marking.mark(project, tmp_path / "in", other, tmp_path / "out", quiet=True)
    assert (tmp_path / "out" / "ada" / "result.json").read_bytes() == before
    (tmp_path / "a file").write_text("", encoding="utf-8")
    with pytest.raises(CourseError, match="a file is a file; choose another"):
        marking.mark(project, tmp_path / "in", other, tmp_path / "a file", quiet=True)


@needs_jail
def test_a_folder_of_late_work_adds_to_what_was_marked(
    marked: tuple[Path, Path], class_folder: Path, project: Project, tmp_path: Path
) -> None:
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "hal_04-exercises.ipynb").write_text("{}", encoding="utf-8")
    shutil.copytree(marked[1], tmp_path / "out")
    results = marking.mark(project, tmp_path / "late", class_folder, tmp_path / "out", quiet=True)
    assert [result["student"] for result in results] == ["ada", "bela", "copy", "dan", "eve", "fay", "hal"]
    assert points(results[0])["4.1"] == 1
    assert "marked before, from ada_04-exercises.ipynb, which is not in this folder" in results[0]["notes"]
    assert "gil" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@needs_jail
def test_nothing_outside_the_scratch_folder_changes(
    project: Project, class_folder: Path, tmp_path: Path, key: dict[str, Any]
) -> None:
    given = tmp_path / "in"
    given.mkdir()
    places = [str(given), str(class_folder), str(ROOT / "helpers"), str(tmp_path)]
    wipe = f"import os, shutil\nfor place in {places!r}:\n    shutil.rmtree(place, ignore_errors=True)\n    open(os.path.join(place, 'x'), 'w')"
    notebook = handed_in(class_folder, "gil", lambda n, s: wipe if n == "4.2" else s if n == "4.1" else None)
    (given / "gil_04-exercises.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    watched = [*given.rglob("*"), *class_folder.rglob("*"), *(ROOT / "helpers").glob("*.py")]
    before = {path: path.read_bytes() for path in watched if path.is_file()}
    results = marking.mark(project, given, class_folder, tmp_path / "out", quiet=True)
    assert points(results[0])["4.1"] == 1
    assert {path: path.read_bytes() for path in before} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["{in}", "--key", "{none}", "--out", "{out}"], "cannot be read: No such file"),
        (["{in}", "--key", "{in}/a.txt", "--out", "{out}"], "not a key; `course classroom make` writes one"),
        (["{none}", "--key", "{class}", "--out", "{out}"], "no folder of submissions"),
        (["{empty}", "--key", "{class}", "--out", "{out}"], "no file here is of a student"),
        (["{in}", "--key", "{class}", "--out", "{in}"], "lies in the folder of submissions"),
        (["{in}", "--key", "{class}", "--out", "{class}"], "holds something else"),
    ],
)
def test_what_cannot_be_marked_is_one_line(
    tmp_path: Path, class_folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    places = {name: tmp_path / name for name in ("in", "out", "none", "empty")} | {"class": class_folder}
    places["in"].mkdir()
    places["empty"].mkdir()
    (places["in"] / "a.txt").write_text("hello", encoding="utf-8")
    assert main(["classroom", "mark", *(word.format(**places) for word in words)]) == 1
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_without_containment_marking_refuses_and_says_what_is_at_stake(
    tmp_path: Path, class_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    given = tmp_path / "in"
    given.mkdir()
    (given / "eve.ipynb").write_text("no notebook", encoding="utf-8")
    words = ["classroom", "mark", str(given), "--key", str(class_folder), "--out", str(tmp_path / "out")]
    assert main(words) == 1
    error = capsys.readouterr().err
    assert "bubblewrap is not installed" in error or "needs Linux" in error
    assert "can read and delete what you can, the key and your files among it" in error
    assert main([*words, "--uncontained"]) == 0
    assert "Not contained" in capsys.readouterr().err


@pytest.mark.long
@needs_jail
def test_the_workers_of_a_dask_scheduler_mark_the_same(
    marked: tuple[Path, Path], class_folder: Path, project: Project, tmp_path: Path
) -> None:
    distributed = pytest.importorskip("distributed")
    given = tmp_path / "in"
    given.mkdir()
    for name in ("ada", "fay"):
        (given / f"{name}_04-exercises.ipynb").write_bytes(
            (marked[0] / f"{name}_04-exercises.ipynb").read_bytes()
        )
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        results = marking.mark(
            project, given, class_folder, tmp_path / "out", scheduler=cluster.scheduler_address, quiet=True
        )
    for result in results:
        assert points(result) == points(result_of(marked, result["student"]))
        assert result["problem"] == result_of(marked, result["student"])["problem"]
