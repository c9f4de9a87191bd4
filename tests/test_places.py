"""No command removes or replaces what the course did not make, and it says so before it computes."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from course import places
from course.classroom import make, pack, set_up
from course.clean import clean
from course.cli import main
from course.errors import CourseError
from course.project import Project, load
from course.run import Run
from tests.projects import ROOT, make_project

ROSTER = "ID number,Name\ns1,Ada\ns2,Alan\n"


def course(project: Project, *words: str) -> tuple[int, str, str]:
    """Give the words to the command line, in this process; return its exit code, what it printed, and its errors."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(project.root), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(words))
    return code, out.getvalue(), err.getvalue()


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Return a folder with things that somebody made: a page, a roster, a report, a manifest of another program."""
    folder = tmp_path / "mine"
    (folder / "papers").mkdir(parents=True)
    for name in ("index.html", "report.html", "set-up.py", "papers/draft.txt", "CNAME"):
        (folder / name).write_text("<title>years of work</title>", encoding="utf-8")
    (folder / "manifest.json").write_text('{"name": "an app", "icons": []}', encoding="utf-8")
    (folder / "class.csv").write_text(ROSTER, encoding="utf-8")
    (folder / "link").symlink_to("papers")
    (folder / "loop").symlink_to("loop")
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Project:
    return make_project(tmp_path / "course", "takes_nothing")


WRITES = {
    "run": ["run", "--out"],
    "site": ["site", "--out"],
    "sweep": ["sweep", "--seeds", "0:2", "-p", "size", "32", "-p", "scale", "8", "--out"],
    "compare": ["compare", "default", "default", "--out"],
}


@pytest.mark.parametrize("command", WRITES)
@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("", "there"),
        ("papers", "there"),
        ("class.csv", "there"),
        ("index.html", "there"),
        ("link", "there"),
        ("loop", "a link that leads to itself"),
        ("class.csv/below/it", "cannot be written: Not a directory"),
        ("a" * 250, "cannot be written: File name too long"),
    ],
)
def test_what_somebody_made_is_refused_in_one_line_before_anything_is_computed(
    small: Project, mine: Path, command: str, place: str, says: str
) -> None:
    before = contents(mine)
    code, out, err = course(small, *WRITES[command], str(mine / place))
    assert code == 1
    assert err.startswith("course: ")
    assert err.count("\n") == 1
    assert says in err
    assert "started" not in out
    assert not (small.root / "runs").exists()
    assert contents(mine) == before
    assert sorted(path.name for path in mine.parent.iterdir()) == ["course", "mine"]


def test_the_root_of_the_disk_is_no_place(small: Project) -> None:
    for command in WRITES.values():
        code, _, err = course(small, *command, "/")
        assert (code, err.count("\n")) == (1, 1)


def test_a_link_to_a_free_place_is_followed(small: Project, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk" / "run")
    for _ in range(2):
        assert course(small, "run", "--out", str(tmp_path / "out"))[0] == 0
        shutil.copy(small.root / "notebooks" / "takes_nothing.ipynb", tmp_path)
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "disk" / "run" / "manifest.json").is_file()


def test_a_table_of_a_sweep_is_replaced_and_one_of_other_rows_is_not(small: Project, tmp_path: Path) -> None:
    table = tmp_path / "class.csv"
    table.touch()  # an empty file holds nothing
    for _ in range(2):
        assert course(small, *WRITES["sweep"], str(table))[0] == 0
        assert table.read_text("utf-8").startswith('# {"rows": "criteria"')
    variants = tmp_path / "variants.csv"
    shutil.copy(ROOT / "data" / "variants.csv", variants)
    code, _, err = course(small, *WRITES["sweep"], str(variants))
    assert (code, "is a table of variants" in err) == (1, True)
    assert variants.read_bytes() == (ROOT / "data" / "variants.csv").read_bytes()


def test_a_notebook_that_somebody_laid_into_a_run_is_kept(small: Project) -> None:
    assert course(small, "run")[0] == 0
    own = small.root / "runs/default/notebooks/mine.ipynb"
    own.write_text("mine", encoding="utf-8")
    source = small.root / "notebooks/takes_nothing.ipynb"
    notebook = json.loads(source.read_text("utf-8"))
    notebook["cells"][-1]["source"] = "1"
    source.write_text(json.dumps(notebook), encoding="utf-8")
    code, out, err = course(small, "run")
    assert code == 1
    assert "holds notebooks/mine.ipynb, which is no part of a run" in err
    assert "started" not in out
    assert own.read_text("utf-8") == "mine"


def test_staging_refuses_folders_that_somebody_made(small: Project) -> None:
    for name in ("downloads/thesis.pdf", "chapters/one.txt"):
        own = small.root / name
        own.parent.mkdir()
        own.write_text("mine", encoding="utf-8")
        for command in ("stage", "site"):
            code, out, err = course(small, command)
            assert code == 1
            assert f"{own.parent}: holds {own.name}, which the course did not make" in err
            assert "started" not in out
        assert own.read_text("utf-8") == "mine"
        shutil.rmtree(own.parent)


def test_a_site_is_replaced_unless_it_holds_a_file_of_ones_own(
    small_course: tuple[Project, Run], small_site: Path, tmp_path: Path
) -> None:
    project, run = small_course
    site = shutil.copytree(small_site, tmp_path / "site")
    words = ["site", "--run", str(run.folder), "--renderer", "embedded", "--out", str(site)]
    (site / "CNAME").write_text("course.example.org", encoding="utf-8")
    (site / "chapters" / "draft.html").write_text("mine", encoding="utf-8")
    code, _, err = course(project, *words)
    assert code == 1
    assert "holds CNAME and chapters/draft.html, which the course did not make" in err
    assert (site / "CNAME").is_file()
    (site / "CNAME").unlink()
    (site / "chapters" / "draft.html").unlink()
    before = contents(site)
    assert course(project, *words)[0] == 0
    assert contents(site) == before


def test_the_list_of_one_kind_does_not_free_a_folder_for_another(tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    places.write_list(tmp_path, "comparison", ["index.html"])
    places.refuse_foreign(tmp_path, "comparison", places.read_list(tmp_path, "comparison"))
    with pytest.raises(CourseError, match=r"something else than a site of this course \(.*index\.html"):
        places.refuse_foreign(tmp_path, "site", places.read_list(tmp_path, "site"))


# The classroom


CLASSROOM: dict[str, list[str]] = {
    "make": ["classroom", "make", "ROSTER", "-p", "size", "64", "-p", "scale", "16", "--out"],
    "pack": ["classroom", "pack", "--out"],
}


@pytest.mark.parametrize("command", CLASSROOM)
@pytest.mark.parametrize("place", ["", "papers", "class.csv", "class.csv/below", "link", "loop"])
def test_a_class_and_a_bundle_go_to_no_place_that_is_taken(
    mine: Path, tmp_path: Path, command: str, place: str
) -> None:
    before = contents(mine)
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    words = [str(tmp_path / "roster.csv") if w == "ROSTER" else w for w in CLASSROOM[command]]
    code, out, err = course(load(ROOT), *words, str(mine / place))
    assert code == 1
    assert err.startswith("course: --out ") or "choose another --out" in err
    assert err.count("\n") == 1
    assert " to fetch" not in out
    assert contents(mine) == before


def test_marks_go_to_no_folder_with_somebodys_report(mine: Path, tmp_path: Path) -> None:
    from course.classroom.mark import _refuse_what_is_no_marking

    with pytest.raises(CourseError, match="holds something else; choose another"):
        _refuse_what_is_no_marking(mine, tmp_path / "handed in")
    (tmp_path / "marked" / "s1").mkdir(parents=True)
    result = {"student": "s1", "made_from": "x", "marks": []}
    (tmp_path / "marked" / "s1" / "result.json").write_text(json.dumps(result), encoding="utf-8")
    _refuse_what_is_no_marking(tmp_path / "marked", tmp_path / "handed in")
    with pytest.raises(CourseError, match="Not a directory"):
        _refuse_what_is_no_marking(mine / "class.csv" / "marked", tmp_path / "handed in")


def test_a_notebook_of_ones_own_among_the_students_stays(tmp_path: Path) -> None:
    project = load(ROOT)
    chapter = next(chapter for chapter in project.exercises if chapter.name.startswith("02"))
    given: dict[str, Any] = {"parameters": {"size": 64, "scale": 16.0}, "quiet": True, "jobs": 1}
    make.make(project, chapter, [make.Student("ada"), make.Student("bob")], tmp_path / "class", **given)
    students = tmp_path / "class" / "students"
    own = students / f"solutions_{chapter.name}.ipynb"
    own.write_text("mine", encoding="utf-8")
    make.make(project, chapter, [make.Student("ada")], tmp_path / "class", **given)
    assert sorted(path.name for path in students.iterdir()) == sorted([f"ada_{chapter.name}.ipynb", own.name])


def test_a_bundle_keeps_what_was_laid_beside_and_refuses_what_was_laid_into_it(tmp_path: Path) -> None:
    project, stick = load(ROOT), tmp_path / "stick"
    (tmp_path / "class" / "students").mkdir(parents=True)
    for name in ("a", "b"):
        (tmp_path / "class" / "students" / f"{name}.ipynb").write_text("{}", encoding="utf-8")

    def packed() -> None:
        pack.pack(project, stick, [], class_folder=tmp_path / "class", say=lambda _: None)

    packed()
    for name in ("notes.txt", "requirements-mine.txt", "wheels/mine-1.0-py3-none-any.whl"):
        (stick / name).write_text("mine", encoding="utf-8")
    (tmp_path / "class" / "students" / "b.ipynb").unlink()
    packed()
    assert [path.name for path in (stick / "students").iterdir()] == ["a.ipynb"]
    assert (stick / "wheels/mine-1.0-py3-none-any.whl").read_text("utf-8") == "mine"
    assert (stick / "requirements-mine.txt").is_file()
    for name in ("students/b.ipynb", "course/notebooks/draft.ipynb"):
        (stick / name).write_text("mine", encoding="utf-8")
        with pytest.raises(CourseError, match=f"holds {name}, which was not packed"):
            packed()
        (stick / name).unlink()
    packed()


def test_a_stick_is_not_copied_into_a_folder_that_has_a_course_of_its_own(tmp_path: Path) -> None:
    stick, documents = tmp_path / "stick", tmp_path / "documents"
    for folder in (stick, documents):
        (folder / "course").mkdir(parents=True)
        (folder / "README.md").write_text(folder.name, encoding="utf-8")
    with pytest.raises(set_up.SetUpError, match="holds something else"):
        set_up.copy_course(stick, documents)
    assert (documents / "README.md").read_text("utf-8") == "documents"


# Cleaning


def test_cleaning_removes_what_was_generated_and_names_the_rest(
    small_course: tuple[Project, Run], small_site: Path, tmp_path: Path
) -> None:
    from course.stage import stage

    root = tmp_path / "course"
    project, run = small_course
    stage(project, run)
    for name in ("chapters", "downloads"):
        shutil.copytree(project.root / name, root / name)
    shutil.copytree(small_site, root / "_site")
    shutil.copytree(run.folder, root / "runs" / "default")
    shutil.copytree(ROOT / "helpers", root / "helpers")
    (root / "runs" / ".cache").mkdir()
    (root / "runs" / ".default.lock").touch()
    shutil.copy(ROOT / "data" / "sweep.csv", root / "runs" / "sweep.csv")
    shutil.copytree(root, tmp_path / "copy")
    assert clean(root) == []
    assert [path.name for path in root.iterdir()] == ["helpers"]

    root = tmp_path / "copy"
    mine = ["_site/CNAME", "_site.backup/index.html", "chapters/draft.txt", "downloads/thesis.pdf"]
    mine += ["runs/default/notebooks/mine.ipynb", "runs/class.csv", ".venv-newest/pyvenv.cfg"]
    for name in mine:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("mine", encoding="utf-8")
    kept = {path.relative_to(root).as_posix() for path in clean(root)}
    assert kept == {
        "_site/CNAME",
        "chapters/draft.txt",
        "downloads/thesis.pdf",
        "runs/default",
        "runs/class.csv",
    }
    assert all((root / name).read_text("utf-8") == "mine" for name in mine)
    assert not (root / "_site" / "index.html").exists()
