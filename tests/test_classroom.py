"""A class from the roster to the gradebook: what is handed out, what is handed in, and what is made of it."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

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
from helpers.exercises import keys_of
from tests.projects import ROOT

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
        (["--exercises", "13"], "no exercises 13; there are: 01-exercises"),
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


@pytest.mark.parametrize(
    ("path", "student"),
    [
        ("ada_04-exercises.ipynb", "ada"),
        ("ada_04-exercises (1).ipynb", "ada"),
        ("lovelaceada_123_456_ada_04-exercises.ipynb", "ada"),  # Canvas
        ("lovelaceada_LATE_123_456_ada_04-exercises-2.ipynb", "ada"),
        ("Ada Lovelace_98765_assignsubmission_file_/ada_04-exercises.ipynb", "ada"),  # Moodle
        ("Ada Lovelace_98765_assignsubmission_file_/Untitled.ipynb", "ada"),
        ("Ada Lovelace_98765_assignsubmission_file_Untitled.ipynb", "ada"),  # Moodle without folders
        ("Béla Bartók_7_assignsubmission_file_/x.ipynb", "bela"),  # an umlaut in two characters
        ("Eve-Marie X_7_assignsubmission_file_/x.ipynb", None),
        ("eve/homework.ipynb", "eve"),
        ("eve.ipynb", "eve"),
        ("Eve_3_assignsubmission_file_/ada_04-exercises.ipynb", "eve"),  # in her folder it is hers
        ("evelyn_04-exercises.ipynb", None),
        ("Untitled.ipynb", None),
    ],
)
def test_a_file_is_known_by_its_name_or_its_folder(
    key: dict[str, Any], path: str, student: str | None
) -> None:
    folder = Path("/in")
    theirs, nobodys = submissions.owners([folder / path], folder, key["students"], {})
    assert (list(theirs), len(nobodys)) == (([student], 0) if student else ([], 1))


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


def test_another_file_under_a_students_name_does_not_take_its_place(
    tmp_path: Path, class_folder: Path, key: dict[str, Any], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Canvas keeps the name that a file had: eve's own notebook, called ada's and newer, is not marked as ada's."""
    given = tmp_path / "in"
    given.mkdir()
    for student, name in (
        ("ada", "ada_1_2_ada_04-exercises.ipynb"),
        ("eve", "eve_3_4_ada_04-exercises.ipynb"),
    ):
        notebook = handed_in(class_folder, student, lambda *_: None)
        (given / name).write_text(json.dumps(notebook), encoding="utf-8")
    os.utime(given / "ada_1_2_ada_04-exercises.ipynb", (1, 1))
    monkeypatch.setattr(jail, "why_not", lambda *_: "")
    monkeypatch.setattr(jail, "execute", lambda *_, **__: Outcome([{"event": "finished"}]))
    (ada,) = marking.mark(project, given, class_folder, tmp_path / "out", quiet=True)
    assert (ada["student"], ada["file"]) == ("ada", "ada_1_2_ada_04-exercises.ipynb")
    assert ada["notes"] == ["2 files are of this student; not marked: eve_3_4_ada_04-exercises.ipynb"]


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
        {"event": "cell", "number": 0, "ended": "\ud83d", "outputs": [scrap("answer_4_5", "\ud83d " * 20), scrap("answer_4_1", nested(700))]},
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


def scrap(name: str, data: Any) -> dict[str, Any]:
    return {"data": {"application/scrapbook.scrap.json+json": {"name": name, "data": data}}}


@pytest.mark.parametrize(
    ("outputs", "answers"),
    [
        ([scrap("answer_4_1", 2)], {"4.1": 2}),
        ([scrap("answer_4_1", 2), scrap("answer_4_1", 3)], {"4.1": 3}),
        ([scrap("answer_9_9", 2)], {}),
        ([scrap("answer_4_1", float("nan"))], {}),
        ([scrap("answer_4_1", 10**400)], {}),
        ([scrap("answer_4_1", "x" * 30_000)], {}),
        ([scrap("answer_4_1", "ж" * 15_000)], {"4.1": "ж" * 15_000}),
        ([scrap("answer_4_1", [1] * 30_000)], {}),
        ([scrap("answer_4_1", nested(700))], {}),
        ([3, None, {"data": 3}, {"data": {"application/scrapbook.scrap.json+json": []}}], {}),
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
    by_chance = {
        "4.2": next(k["4.2"].answer for k in keys.values() if k["4.2"].answer != keys["ada"]["4.2"].answer)
    }
    assert grade.fits_another("ada", by_chance, keys) == []


def test_answers_of_the_same_words_are_found(key: dict[str, Any]) -> None:
    long = "The elbow depends on where the curve ends, so k is a choice and no result of mine at all."
    results = [
        {"student": "ada", "answers": {"4.5": long, "4.6": "short"}},
        {"student": "bela", "answers": {"4.5": long.upper() + "\n", "4.6": "short"}},
        {"student": "dan", "answers": {"4.5": long + " Really.", "4.1": 3}},
    ]
    assert grade.word_for_word(results) == {"ada": {"4.5": ["bela"]}, "bela": {"4.5": ["ada"]}}


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
    forged["cells"][-1]["outputs"] = [
        {"output_type": "display_data", **scrap("answer_4_1", 1), "metadata": {}}
    ]
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
    assert look_at["ada"].startswith(
        "4.6 is word for word that of copy ("
    )  # all three wrote as the solution has it
    assert ";" not in look_at["ada"]


@needs_jail
def test_a_neighbors_notebook_runs_with_ones_own_parameters(
    marked: tuple[Path, Path], key: dict[str, Any]
) -> None:
    """So it gets the points of its own landscape, and the report says what it is."""
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
    (tmp_path / "out" / "report.html").write_text("", encoding="utf-8")
    (tmp_path / "out" / "ada").write_text("in the folder's place", encoding="utf-8")
    with pytest.raises(
        CourseError, match=r"cannot be written: .*; mend that, and run the same command again"
    ):
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
