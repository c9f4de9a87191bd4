"""What a run does when a chapter, a kernel, the user or the disk fails."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from course import run
from course.errors import CourseError
from course.project import Project, read_notebook
from tests.projects import FIXTURES, course, make_project, start_course

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Return a folder for temporary files whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="t-") as folder:
        yield Path(folder)


def kernels(project: Project) -> list[int]:
    """Return the processes of this project's chapters and kernels."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        words = " ".join(process.info["cmdline"] or [])
        if process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        if "course.execute" in words and str(project.root) in words:
            found.append(process.pid)
        elif "ipykernel_launcher" in words:
            try:
                found += [process.pid] if process.cwd() == str(project.root) else []
            except psutil.Error:
                continue
    return found


def wait_until(condition: Callable[[], object], seconds: float = 20) -> bool:
    """Wait for a condition to become true; tell whether it did."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not condition():
        time.sleep(0.1)
    return bool(condition())


def test_failing_chapters_are_named_and_the_others_kept(tmp_path: Path) -> None:
    project = make_project(tmp_path, "takes_nothing", "raises", "hangs", "kernel_dies", "exits_early")
    for name in ("hangs", "kernel_dies", "exits_early", "raises"):  # an earlier, finished run
        shutil.copy(FIXTURES / "takes_nothing.ipynb", tmp_path / "notebooks" / f"{name}.ipynb")
    run.ensure(project, None, {}, tmp_path / "runs/default", quiet=True)
    before = (tmp_path / "runs/default/manifest.json").read_bytes()
    for name in ("hangs", "kernel_dies", "exits_early", "raises"):
        shutil.copy(FIXTURES / f"{name}.ipynb", tmp_path / "notebooks" / f"{name}.ipynb")
    (tmp_path / "notebooks/takes_nothing.ipynb").write_text(
        (FIXTURES / "takes_nothing.ipynb").read_text("utf-8").replace("42", "43"), "utf-8"
    )

    code, out, err = course(project, "run", "--timeout", "3")

    assert code == 1
    reasons = {
        "raises": "cell 5 (x / 0): ZeroDivisionError: division by zero",
        "hangs": "cell 3 (import time): took longer than 3 s, which is what --timeout allows a cell",
        "kernel_dies": "cell 3 (os._exit(3)): the kernel died: it ran out of memory, or the code ended the process",
        "exits_early": "cell 3 (sys.exit()): the chapter ended itself here, before its last cell",
    }
    listed = "; ".join(f"{name}, {reason}" for name, reason in reasons.items())
    where = Path("runs/.default.partial/failed")
    assert err == f"course: {listed} (see {where}; the other chapters are kept)\n"
    table = out[out.index("chapter  ") :]
    for name, reason in reasons.items():
        assert any(line.startswith(name) and f"failed: {reason}" in line for line in table.splitlines())
        assert (tmp_path / where / f"{name}.ipynb").is_file()
    failed = read_notebook(tmp_path / where / "raises.ipynb")
    assert any(o.get("ename") == "ZeroDivisionError" for c in failed["cells"] for o in c.get("outputs", []))
    assert (tmp_path / "runs/default/manifest.json").read_bytes() == before
    assert not kernels(project)

    for name in reasons:  # mended: what had finished is not executed again
        shutil.copy(FIXTURES / "takes_nothing.ipynb", tmp_path / "notebooks" / f"{name}.ipynb")
    code, out, err = course(project, "run")
    assert (code, err) == (0, "")
    assert "takes_nothing: started" not in out
    assert not (tmp_path / where).exists()
    assert not (tmp_path / "runs/default/failed").exists()


@POSIX
def test_ctrl_c_stops_kernels_and_keeps_what_finished(tmp_path: Path, temporary: Path) -> None:
    project = make_project(tmp_path / "course", "takes_nothing", "sleeps")
    process = start_course(project, "run", TMPDIR=str(temporary))
    lines: list[str] = []
    assert process.stdout is not None
    while not any("takes_nothing: ok" in line for line in lines):
        lines.append(process.stdout.readline())
    assert wait_until((project.root / "asleep").exists)
    assert kernels(project)
    assert list(temporary.glob("course-*"))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert (
        out.strip() == "stopped: 1 of 2 chapters are finished and kept; the same command goes on from there"
    )
    assert err.strip() == ""
    assert wait_until(lambda: not kernels(project), 5)
    assert not list(temporary.iterdir())
    assert not (project.root / "runs/default").exists()

    shutil.copy(FIXTURES / "takes_nothing.ipynb", project.root / "notebooks/sleeps.ipynb")
    code, out, _ = course(project, "run")
    assert code == 0
    assert "takes_nothing: started" not in out


@POSIX
@pytest.mark.parametrize("victim", ["course", "chapter"])
def test_kernels_end_when_what_started_them_is_killed(tmp_path: Path, temporary: Path, victim: str) -> None:
    project = make_project(tmp_path / "course", "sleeps")
    process = start_course(project, "run", TMPDIR=str(temporary))
    assert wait_until((project.root / "asleep").exists)
    chapter = psutil.Process(process.pid).children()[0]
    (process if victim == "course" else chapter).kill()
    process.communicate(timeout=20)
    assert process.returncode != 0
    assert wait_until(lambda: not kernels(project) and not list(temporary.iterdir()), 10)


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    project = make_project(tmp_path, "takes_nothing")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").touch()
    (tmp_path / "file").touch()
    for out, message in [
        ("mine", "mine is there and is no run; move it away, or choose another --out"),
        ("file", "file is there and is no run; move it away, or choose another --out"),
        ("file/run", "the run cannot be written: "),
    ]:
        code, said, err = course(project, "run", "--out", out)
        assert code == 1
        assert message in err
        assert err.startswith("course: ")
        assert err.count("\n") == 1
        assert "started" not in said
    assert (tmp_path / "mine/letter.txt").exists()


@POSIX
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_full_disk_while_a_chapter_is_written(tmp_path: Path) -> None:
    project = make_project(tmp_path, "takes_nothing")
    beside = tmp_path / "runs/.default.partial/notebooks/.takes_nothing.ipynb.new"
    beside.parent.mkdir(parents=True)
    beside.symlink_to("/dev/full")
    code, _, err = course(project, "run")
    assert code == 1
    assert "cannot be written: No space left on device" in err
    assert err.count("\n") == 1


def test_nothing_of_the_users_settings_is_used(tmp_path: Path) -> None:
    project = make_project(tmp_path / "course", "shows_its_environment")
    hostile = tmp_path / "home"
    for folder in (".local/share/jupyter", "Library/Jupyter", "jupyter"):
        spec = hostile / folder / "kernels/python3/kernel.json"
        spec.parent.mkdir(parents=True)
        spec.write_text('{"argv": ["false"], "display_name": "No", "language": "python"}', "utf-8")
    for folder in (".config/matplotlib", ".matplotlib"):
        (hostile / folder).mkdir(parents=True)
        (hostile / folder / "matplotlibrc").write_text("lines.linewidth: 99\n", "utf-8")
    startup = hostile / ".ipython/profile_default/startup/00.py"
    startup.parent.mkdir(parents=True)
    startup.write_text("from_startup = True\n", "utf-8")
    code, _, err = course(
        project,
        "run",
        HOME=str(hostile),
        JUPYTER_PATH=str(hostile / "jupyter"),
        IPYTHONDIR=str(hostile / ".ipython"),
        MPLCONFIGDIR=str(hostile / ".matplotlib"),
        MPLBACKEND="no_such_backend",
        OMP_NUM_THREADS="7",
    )
    assert (code, err) == (0, "")
    found = run.load_run(project.root / "runs/default").record["shows_its_environment"]
    assert found["python"] == sys.executable
    assert not found["settings"].startswith(str(hostile))
    assert found["line_width"] == 1.5
    assert found["threads"] == "1"
    assert found["startup"] is False
    assert found["folder"] == str(project.root)
    assert found["transport"] == ("tcp" if os.name == "nt" else "ipc")


def test_plain_papermill_ends_with_the_one_line(tmp_path: Path) -> None:
    project = make_project(tmp_path, "records")
    words = ["notebooks/records.ipynb", "out.ipynb", "-p", "sead", "9", "-k", "python3"]
    done = subprocess.run(
        [sys.executable, "-m", "papermill", *words, "--no-progress-bar"],
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": str(project.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "ParameterError: unknown parameter sead = 9; did you mean seed?" in done.stderr
    errors = [o for c in read_notebook(tmp_path / "out.ipynb")["cells"] for o in c.get("outputs", [])]
    assert [o["traceback"] for o in errors if o["output_type"] == "error"] == [
        ["ParameterError: unknown parameter sead = 9; did you mean seed?"]
    ]


def test_chapter_without_its_helpers_fails_in_one_line(tmp_path: Path) -> None:
    project = make_project(tmp_path, "records")
    (tmp_path / "helpers/record.py").write_text("1 / 0\n", "utf-8")
    with pytest.raises(CourseError) as error:
        run.ensure(project, None, {}, tmp_path / "runs/default", quiet=True)
    assert str(error.value).startswith(
        "records, cell 3 (from helpers import parameters, record): ZeroDivisionError: division by zero"
    )
