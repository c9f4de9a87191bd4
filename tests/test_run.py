"""What a run executes, reuses, records and refuses."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from course import run, thisrun
from course.errors import CourseError
from course.project import Project, load, read_notebook
from helpers.parameters import ParameterError
from tests.projects import course, make_project, start_course


def made(project: Project, *names: str, **parameters: Any) -> run.Run:
    """Run chapters into the project's default folder."""
    return run.ensure(project, list(names) or None, parameters, project.root / "runs" / "default")


def started(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the chapters that were executed since the last call."""
    lines = capsys.readouterr().out.splitlines()
    return sorted(line.removesuffix(": started") for line in lines if line.endswith(": started"))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sead": 9}, "unknown parameter sead = 9; did you mean seed?"),
        ({"zzz": 9}, "unknown parameter zzz = 9; known here: size, seed"),
        ({"seed": "7"}, "seed = '7' is of type str; seed must be a whole number from 0 to 4294967295"),
        ({"seed": True}, "seed = True is of type bool; seed must be"),
        ({"seed": 1000.0}, "seed = 1000.0 is of type float; seed must be a whole number"),
        ({"seed": None}, "seed = None is of type NoneType; seed must be"),
        ({"size": 31}, "size = 31 is out of range; size must be a whole number from 32 to 8192"),
        ({"octaves": 3}, "octaves = 3: not a parameter of records, takes_nothing; no chapter takes it"),
    ],
)
def test_refuses_parameters_before_any_work(tmp_path: Path, parameters: dict[str, Any], message: str) -> None:
    project = make_project(tmp_path, "records", "takes_nothing")
    with pytest.raises((CourseError, ParameterError)) as error:
        made(project, **parameters)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "runs").exists()


def test_refuses_what_no_selected_chapter_declares(tmp_path: Path) -> None:
    project = make_project(tmp_path, "records", "takes_nothing")
    with pytest.raises(
        CourseError, match=r"^seed = 7: not a parameter of takes_nothing; it is one of records$"
    ):
        made(project, "takes_nothing", seed=7)


def test_refuses_unknown_chapter(tmp_path: Path) -> None:
    project = make_project(tmp_path, "records", "takes_nothing")
    with pytest.raises(CourseError, match=r"^unknown chapter record; did you mean records\?$"):
        made(project, "record")
    with pytest.raises(CourseError, match=r"^unknown chapter 99; there are: records, takes_nothing$"):
        made(project, "99")


def test_run_records_what_it_made(tmp_path: Path) -> None:
    project = make_project(tmp_path, "records", "takes_nothing")
    found = made(project, seed=3)
    assert found.record == {"records": {"double": 6, "side": 64}, "takes_nothing": {}}
    assert found.manifest["complete"] is True
    assert found.manifest["parameters"] == {"seed": 3}
    chapters = found.manifest["chapters"]
    assert chapters["records"]["parameters"] == {"seed": 3, "size": 64}
    assert chapters["takes_nothing"]["parameters"] == {}
    assert chapters["records"]["seconds"] > 0
    assert 20 < chapters["records"]["peak_memory_mb"] < 2000
    injected = [
        c for c in read_notebook(found.notebook("records"))["cells"] if c["id"] == "injected-parameters"
    ]
    assert ["".join(cell["source"]) for cell in injected] == ["# Parameters\nseed = 3\n"]
    assert all(
        c["id"] != "injected-parameters" for c in read_notebook(found.notebook("takes_nothing"))["cells"]
    )
    assert run.load_run(found.folder).manifest == found.manifest
    assert sorted(path.name for path in found.folder.iterdir()) == [
        "manifest.json",
        "notebooks",
        "record.json",
    ]


def test_executes_just_what_is_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project(tmp_path, "records", "takes_nothing")
    made(project)
    assert started(capsys) == ["records", "takes_nothing"]
    made(project)
    made(project, seed=0)  # the default, said aloud
    assert started(capsys) == []
    made(project, seed=5)
    assert started(capsys) == ["records"]
    notebook = tmp_path / "notebooks" / "takes_nothing.ipynb"
    notebook.write_text(notebook.read_text("utf-8").replace("answer = 42", "answer = 43"), "utf-8")
    made(project, seed=5)
    assert started(capsys) == ["takes_nothing"]
    with (tmp_path / "helpers" / "parameters.py").open("a") as helper:
        helper.write("# edited\n")
    found = made(project, seed=5)
    assert started(capsys) == ["records"]  # the other one imports nothing
    assert found.record["records"]["double"] == 10


def test_nothing_stale_takes_under_a_second(tmp_path: Path) -> None:
    project = make_project(tmp_path, "takes_nothing")
    made(project)
    before = (tmp_path / "runs/default/manifest.json").stat()
    began = time.perf_counter()
    assert course(project, "run") == (
        0,
        "runs/default: nothing changed, nothing to execute\nThe run lies in runs/default\n",
        "",
    )
    assert time.perf_counter() - began < 1
    assert (tmp_path / "runs/default/manifest.json").stat() == before


def test_picture_counts_by_what_it_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project(tmp_path / "course", "takes_image")
    picture = tmp_path / "my picture.png"
    with pytest.raises(CourseError, match=r"image_path = .*my picture\.png': No such file"):
        made(project, image_path=str(picture))
    picture.write_bytes(b"one")
    made(project, image_path=str(picture))
    made(project, image_path=str(picture))
    assert started(capsys) == ["takes_image"]
    picture.write_bytes(b"two")
    found = made(project, image_path=str(picture))
    assert started(capsys) == ["takes_image"]
    told = {"name": "my picture.png", "sha256": hashlib.sha256(b"two").hexdigest()}
    assert found.manifest["picture"] == told
    assert f"| your picture, `my picture.png` | `{told['sha256']}` |" in thisrun._inputs(found.manifest)


def test_folder_is_named_by_values_and_chapters(tmp_path: Path) -> None:
    project = make_project(tmp_path, "records", "takes_nothing")

    def name(chapters: list[str] | None, **parameters: Any) -> str:
        return run.run_folder(project, chapters, parameters).relative_to(tmp_path / "runs").as_posix()

    assert name(None) == "default"
    assert name(None, seed=0) == "default"
    assert name(None, size=256, seed=7) == "seed-7_size-256"
    assert name(["takes_nothing", "records"]) == "default"
    assert name(["notebooks/records.ipynb"], seed=7) == "seed-7_records"
    one, two = name(None, image_path="/a/x y.png"), name(None, image_path="/b/x y.png")
    assert one != two
    assert one.startswith("image_path-x-y_")
    assert len(name(None, image_path="x" * 500)) < 110


def test_same_inputs_give_same_bytes(tmp_path: Path) -> None:
    project = make_project(tmp_path, "records", "warns_and_randomizes")
    one, two = (run.ensure(project, None, {"seed": 2}, tmp_path / "runs" / name) for name in ("one", "two"))
    for name in ("records", "warns_and_randomizes"):
        assert one.notebook(name).read_bytes() == two.notebook(name).read_bytes()
        assert str(tmp_path) not in one.notebook(name).read_text("utf-8")
    outputs = [
        c["outputs"] for c in read_notebook(one.notebook("warns_and_randomizes"))["cells"] if "outputs" in c
    ]
    assert "UserWarning: here" in "".join(outputs[1][0]["text"])


def test_two_runs_into_one_folder_take_turns(tmp_path: Path) -> None:
    project = make_project(tmp_path, "records", "takes_nothing")
    first = start_course(project, "run", "--jobs", "1")
    assert first.stdout is not None
    assert first.stdout.readline() == "records: started\n"
    code, out, err = course(project, "run")
    assert first.wait(60) == 0
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "runs/default: another run is at work here; waiting for it to end",
        "The run lies in runs/default",
    ]


def test_run_that_was_whole_but_not_yet_in_place_is_put_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make_project(tmp_path, "takes_nothing")
    made(project)
    (tmp_path / "runs/default").rename(tmp_path / "runs/.default.partial")
    capsys.readouterr()
    made(project)
    assert started(capsys) == []
    assert sorted(path.name for path in (tmp_path / "runs").glob("*default*")) == [".default.lock", "default"]


def test_unfinished_run_is_refused(tmp_path: Path) -> None:
    project = make_project(tmp_path, "takes_nothing")
    with pytest.raises(CourseError, match="no finished run here"):
        run.load_run(tmp_path / "runs/default")
    found = made(project)
    manifest = found.folder / "manifest.json"
    manifest.write_text(json.dumps({**found.manifest, "complete": False}), "utf-8")
    with pytest.raises(CourseError, match="not a finished run"):
        run.load_run(found.folder)
    manifest.write_text(json.dumps(found.manifest), "utf-8")
    found.notebook("takes_nothing").unlink()
    with pytest.raises(CourseError, match="the run lacks takes_nothing"):
        run.load_run(found.folder)


def test_bad_notebooks_are_named(tmp_path: Path) -> None:
    project = make_project(tmp_path, "records")
    notebook = tmp_path / "notebooks" / "records.ipynb"
    good = notebook.read_text("utf-8")
    notebook.write_text(good.replace("seed = 0", "seed = input()"), "utf-8")
    with pytest.raises(CourseError, match=r"records\.ipynb, parameters cell: "):
        made(project)
    notebook.write_text(good[:100], "utf-8")
    with pytest.raises(CourseError, match=r"records\.ipynb: not a readable notebook"):
        made(project)
    notebook.unlink()
    with pytest.raises(CourseError, match=r"lists chapters/records\.ipynb, but"):
        made(load(tmp_path))
    shutil.rmtree(tmp_path / "notebooks")
    with pytest.raises(CourseError, match="no course here"):
        load(tmp_path)


def test_claims_that_are_not_there_are_refused_before_any_work(tmp_path: Path) -> None:
    project = make_project(tmp_path, "records")
    path = tmp_path / "notebooks" / "records.ipynb"
    notebook = read_notebook(path)
    notebook["metadata"]["course"] = {"claims": "ch99"}
    path.write_text(json.dumps(notebook), "utf-8")
    with pytest.raises(
        CourseError, match=r"records\.ipynb: its metadata name claims/ch99\.py, which is not there"
    ):
        made(project)
    assert not (tmp_path / "runs").exists()
