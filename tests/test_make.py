"""A class's folder: what spoils it is refused, what is written is whole, and the guide says what a teacher needs."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from course.classroom import make
from course.classroom.roster import Student
from course.cli import main
from course.errors import CourseError
from course.project import Chapter, Project, load, read_notebook
from course.sweep import worker_pool
from helpers.check import Key
from tests.projects import ROOT

SMALL = {"size": 64, "scale": 16.0}
CLASS = [Student("ada", "Ada;=1+1"), Student("bela", "Béla Bartók"), Student("cleo"), Student("dan")]


@pytest.fixture(scope="module")
def project() -> Project:
    return load(ROOT)


def chapter_of(project: Project, number: str) -> Chapter:
    return next(chapter for chapter in project.exercises if chapter.name.startswith(number))


@pytest.fixture(autouse=True, scope="module")
def _here() -> Iterator[None]:
    """Compute keys in this process, which is quicker for a few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make, "worker_pool", lambda jobs: ThreadPoolExecutor(1))
        yield


@pytest.fixture(scope="module")
def write(project: Project) -> Callable[..., dict[str, Any]]:
    """Return what makes a class in a folder, and returns its key."""

    def written(folder: Path, students: list[Student] = CLASS, number: str = "02", **given: Any) -> Any:
        given = {"parameters": dict(SMALL), "quiet": True} | given
        make.make(project, chapter_of(project, number), students, folder, **given)
        return make.load_key(folder)

    return written


@pytest.fixture(scope="module")
def made(write: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "class"
    write(folder, salt="salt")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def seeds_of(key: dict[str, Any]) -> dict[str, int]:
    return {name: entry["parameters"]["seed"] for name, entry in key["students"].items()}


# A folder that has a key


@pytest.mark.parametrize(
    ("number", "given", "says"),
    [
        ("04", {}, "its key is of 02-exercises, not of 04-exercises; choose another --out, and --salt-from"),
        ("02", {"salt": "pepper"}, "its key has another salt than the one of --salt, so everybody"),
        ("02", {"parameters": {**SMALL, "size": 128}}, "its key has other parameters: size from 64 to 128; give"),
        ("02", {"parameters": {}}, "size from 64 to 512, scale from 16.0 to 128.0; give those of the key"),
        ("02", {"students": [Student("9000")]}, "nobody in its key is on this roster (ada was, 9000 is)"),
    ],
)  # fmt: skip
def test_another_class_is_refused_and_changes_nothing(
    write: Callable[..., Any], made: Path, number: str, given: dict[str, Any], says: str
) -> None:
    before = contents(made)
    with pytest.raises(CourseError) as error:
        write(made, number=number, **given)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert contents(made) == before


def test_again_changes_the_parameters_keeps_the_salt_and_says_whose_notebooks(
    write: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = write(tmp_path / "class", CLASS[:2], salt="salt")
    after = write(tmp_path / "class", CLASS[:2], parameters={**SMALL, "size": 96}, again=True, quiet=False)
    assert "2 notebooks change; hand out anew: ada, bela" in capsys.readouterr().out
    assert after["salt"] == "salt"
    assert seeds_of(after) == seeds_of(before)
    assert after["students"]["ada"]["parameters"]["size"] == 96


def test_who_has_left_is_named_and_who_stays_keeps_the_notebook(
    write: Callable[..., Any], made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "class"
    write(folder, salt="salt")
    key = write(folder, CLASS[1:3], quiet=False)
    said = capsys.readouterr().out
    assert "no longer on the roster: ada, dan\n" in said
    assert "hand out anew" not in said
    assert list(key["students"]) == ["bela", "cleo"]
    names = sorted(path.name for path in (folder / "students").iterdir())
    assert names == ["bela_02-exercises.ipynb", "cleo_02-exercises.ipynb"]
    for name in names:
        assert (folder / "students" / name).read_bytes() == (made / "students" / name).read_bytes()


# The same landscapes for another set


def test_the_salt_of_another_class_gives_everybody_the_same_seed(
    write: Callable[..., Any], made: Path, tmp_path: Path
) -> None:
    key = write(tmp_path / "next", number="10", salt_from=made, parameters={})
    assert key["chapter"] == "10-exercises"
    assert seeds_of(key) == seeds_of(make.load_key(made))
    assert write(tmp_path / "next", number="10", salt_from=made, parameters={}) == key
    with pytest.raises(CourseError, match="another salt than the one of --salt-from, so everybody"):
        write(made, salt_from=_with_salt(made, tmp_path / "other", "pepper"))
    with pytest.raises(CourseError, match="--salt and --salt-from: give one of them"):
        write(tmp_path / "third", salt="salt", salt_from=made)


def test_a_landscape_that_is_another_than_in_the_other_class_is_named(
    write: Callable[..., Any], made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = make.load_key(made)
    held["students"]["cleo"]["parameters"]["seed"] = 5
    other = tmp_path / "key.json"
    other.write_text(json.dumps(held), encoding="utf-8")
    write(tmp_path / "next", salt_from=other, quiet=False)
    assert "another landscape than in --salt-from, as the rosters differ: cleo\n" in capsys.readouterr().out


def _with_salt(folder: Path, place: Path, salt: str) -> Path:
    held = make.load_key(folder)
    place.write_text(json.dumps({**held, "salt": salt}), encoding="utf-8")
    return place


# What is written, and when


@pytest.mark.parametrize("killed_at", [1, 2, 3, 6])
def test_a_run_that_was_killed_goes_on(
    write: Callable[..., Any],
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    killed_at: int,
) -> None:
    folder, replaced = tmp_path / "class", []
    replace = Path.replace

    def killed(beside: Path, path: Path) -> Path:
        replaced.append(path.name)
        if len(replaced) == killed_at:
            raise KeyboardInterrupt
        return replace(beside, path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write(folder, salt="salt")
    assert replaced[0] == "key.json"  # so the salt is there before any notebook
    for path in folder.rglob("*.ipynb"):
        json.loads(path.read_text(encoding="utf-8"))  # none is half there
    write(folder, salt="salt" if killed_at == 1 else None)
    assert contents(folder) == contents(made)


def test_what_cannot_be_written_is_one_line(
    write: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CourseError, match="file is a file; choose another --out"):
        write(tmp_path / "file")
    with pytest.raises(
        CourseError, match=r"file/class: cannot be written: Not a directory; choose another --out"
    ):
        write(tmp_path / "file" / "class", CLASS[:1])


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_what_the_teacher_keeps_is_for_the_teacher_alone(write: Callable[..., Any], tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write(tmp_path / "class")
        (tmp_path / "class/teacher/key.json").chmod(0o644)
        write(tmp_path / "class")  # a class of an earlier version
    finally:
        os.umask(before)
    modes = {path.parent.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("class/*/*")}
    assert modes == {"teacher": 0o600, "students": 0o644}
    assert (tmp_path / "class/teacher").stat().st_mode & 0o777 == 0o700


def test_canvas_columns_stand_in_the_key(write: Callable[..., Any], tmp_path: Path) -> None:
    extra = {"ID": "9000", "SIS User ID": "u1", "SIS Login ID": "ada", "Section": "A"}
    key = write(tmp_path / "class", [Student("u1", "Lovelace, Ada", "", extra), Student("u2")])
    assert key["students"]["u1"]["extra"] == extra
    assert key["students"]["u2"]["extra"] == {}


def test_a_spreadsheet_reads_the_table_whole(made: Path) -> None:
    data = (made / "teacher" / "answers.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    for row in data.decode("utf-8-sig").splitlines():
        assert row.startswith('"')
        assert row.endswith('"')
    text = data.decode("utf-8-sig")
    assert next(csv.DictReader(io.StringIO(text)))["name"] == "Ada;'=1+1"
    for row in csv.reader(io.StringIO(text), delimiter=";"):  # as Excel has it in German
        assert not any(cell.startswith("=") for cell in row)


# Parameters that make no key


def test_parameters_without_an_answer_are_one_line_and_nothing_is_written(
    write: Callable[..., Any],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_answer(*_: Any) -> None:
        raise ZeroDivisionError("a share\nof nothing")

    monkeypatch.setattr(make, "keys_of", no_answer)
    with pytest.raises(CourseError) as error:
        write(tmp_path / "class", CLASS[:1], parameters={"size": 64, "scale": 512.0})
    assert str(error.value).startswith("with size = 64, scale = 512.0 no key can be made for seed ")
    assert "\n" not in str(error.value)
    assert capfd.readouterr().err == ""
    assert not (tmp_path / "class").exists()


def test_what_goes_wrong_in_a_process_of_the_pool_is_one_line(project: Project) -> None:
    todo = [{"size": 64, "scale": 512.0, "seed": -1}]  # which NumPy refuses
    with worker_pool(1) as pool, pytest.raises(CourseError, match="no key can be made for seed -1"):
        make._computed(pool, chapter_of(project, "02"), todo, True)


def test_a_process_of_the_pool_that_is_killed_is_one_line(project: Project) -> None:
    class Dead(ThreadPoolExecutor):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_exception(BrokenProcessPool())
            return future

    with pytest.raises(CourseError, match="ended from outside, for lack of memory perhaps; try --jobs 1"):
        make._computed(Dead(1), chapter_of(project, "02"), [{"seed": 1003}], True)


def test_a_key_of_before_has_no_columns_of_canvas(made: Path, tmp_path: Path) -> None:
    held = json.loads((made / "teacher" / "key.json").read_text(encoding="utf-8"))
    held["students"]["ada"].pop("extra")
    (tmp_path / "key.json").write_text(json.dumps(held), encoding="utf-8")
    assert make.load_key(tmp_path)["students"]["ada"]["extra"] == {}


# A key that is not whole


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda held: held.pop("salt"), "'salt' is missing; take a copy"),
        (lambda held: held.pop("students"), "'students' is missing"),
        (lambda held: held.update(points=3), "'points' is of a wrong kind"),
        (lambda held: held["points"].update({"2.1": "x"}), "'2.1' in 'points' is of a wrong kind"),
        (lambda held: held.update(students={}), "it has no students"),
        (lambda held: held["students"].update(ada=3), "what it holds for ada is of a wrong kind"),
        (lambda held: held["students"]["ada"].pop("token"), "'token' is missing for ada"),
        (lambda held: held["students"]["ada"]["parameters"].pop("seed"), "'seed' is missing for ada"),
        (lambda held: held["students"]["ada"]["key"].pop("2.1"), "'2.1' is missing for ada"),
        (lambda held: held["students"]["ada"]["key"]["2.1"].pop("wrong"), "'wrong' is missing in 2.1 for ada"),
        (lambda held: held["students"]["ada"]["key"]["2.1"].update(wrong=[{}]), "'message' is missing in a wrong answer to 2.1 for ada"),
    ],
)  # fmt: skip
def test_a_key_that_lacks_something_is_one_line(
    made: Path, tmp_path: Path, change: Callable[[dict[str, Any]], Any], says: str
) -> None:
    held = json.loads((made / "teacher" / "key.json").read_text(encoding="utf-8"))
    change(held)
    place = tmp_path / "key.json"
    place.write_text(json.dumps(held), encoding="utf-8")
    with pytest.raises(CourseError) as error:
        make.load_key(place)
    assert f"--key {place}: not a whole key: " in str(error.value)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_key_that_is_not_whole_is_not_written_over(write: Callable[..., Any], tmp_path: Path) -> None:
    place = tmp_path / "class" / "teacher" / "key.json"
    place.parent.mkdir(parents=True)
    place.write_text('{"format": 2, "salt": "salt"}', encoding="utf-8")
    with pytest.raises(CourseError, match=r"--out .*: not a whole key: 'chapter' is missing"):
        write(tmp_path / "class")
    assert "salt" in place.read_text(encoding="utf-8")


# The guide


def test_the_guide_says_which_exercises_tell_students_apart(
    project: Project, write: Callable[..., Any], made: Path, tmp_path: Path
) -> None:
    text = (made / "teacher" / "guide.md").read_text(encoding="utf-8")
    assert text.startswith("# Marking guide: a synthetic landscape\n")
    computed = [
        key for key in make.keys_in(make.load_key(made)["students"]["ada"]).values() if not key.in_words
    ]
    assert text.count("Of the 4·3 pairs of students, ") == len(computed)
    write(tmp_path / "one", CLASS[:1])
    assert "pairs of students" not in (tmp_path / "one" / "teacher" / "guide.md").read_text(encoding="utf-8")
    key = make.keys_in(make.load_key(made)["students"]["ada"])
    same = make.guide(read_notebook(chapter_of(project, "02").source), [key, key])
    assert same.count("Of the 2·1 pairs of students, 100 % have the same right answer, as near as it is compared.") == len(computed)  # fmt: skip


def test_pairs_are_ordered_as_a_tolerance_may_be_a_share() -> None:
    keys = [Key("2.1", answer, relative=0.1) for answer in (100.0, 90.5, 1.0)]
    assert make.share_alike(keys) == 1 / 6  # 90.5 passes for 100, and 100 not for 90.5
    assert make.share_alike([Key("2.1", 3), Key("2.1", 3), Key("2.1", 4)]) == 2 / 6


# The command


def test_make_says_how_the_roster_was_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text(
        'Student,ID,SIS User ID,SIS Login ID,Section\n"Müller, Jürgen",9000,0100234,jm,A\n', encoding="utf-8"
    )
    words = ["classroom", "make", str(roster), "--exercises", "02", "-p", "size", "64", "-p", "scale", "16"]
    assert main([*words, "--out", str(tmp_path / "one")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("1 student; id from 'SIS User ID'; the first is 0100234, Müller, Jürgen\n")
    assert "Hand out what lies in" in said
    assert main([*words, "--out", str(tmp_path / "two"), "--id-column", "sis login id"]) == 0
    assert "id from 'SIS Login ID'; the first is jm," in capsys.readouterr().out
    assert main([*words, "--out", str(tmp_path / "one"), "-p", "size", "128"]) == 1
    assert "size from 64 to 128" in capsys.readouterr().err
    assert main([*words, "--out", str(tmp_path / "one"), "-p", "size", "128", "--again"]) == 0
    assert "1 notebook changes; hand out anew: 0100234\n" in capsys.readouterr().out
    assert main([*words, "--out", str(tmp_path / "three"), "--salt-from", str(tmp_path / "one")]) == 0
    one, three = (seeds_of(make.load_key(tmp_path / name)) for name in ("one", "three"))
    assert one == three
    assert main([*words, "--out", str(tmp_path / "four"), "--salt-from", str(tmp_path / "none")]) == 1
    assert "--salt-from" in capsys.readouterr().err
