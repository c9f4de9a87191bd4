"""What a run does when a chapter, a kernel, the user or the disk fails."""

from __future__ import annotations

import functools
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from course import inline, run
from course.errors import CourseError
from course.project import Project, read_notebook
from course.run import Run
from tests.conftest import SMALL, copy_course, lend
from tests.projects import (
    FIXTURES,
    ROOT,
    course,
    kernels,
    make_project,
    start_course,
    wait_until,
    write_chapter,
)  # fmt: skip

POSIX = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Return a folder for temporary files whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="t-") as folder:
        yield Path(folder)


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

    code, out, err = course(project, "run", "--timeout", "2.5")

    assert code == 1
    reasons = {
        "raises": "cell 5 (x / 0): ZeroDivisionError: division by zero",
        "hangs": "cell 3 (import time): took longer than 2.5 s, which is what --timeout allows a cell",
        "kernel_dies": "cell 3 (os._exit(3)): the kernel died: it ran out of memory, or the code ended the process",
        "exits_early": "cell 3 (sys.exit()): the chapter ended itself here, before its last cell",
    }
    listed = "; ".join(f"{name}, {reason}" for name, reason in reasons.items())
    where = Path("runs/.default.partial/failed")
    assert (
        err
        == f"course: {listed} (see {where}; the other chapters are kept, and the same command goes on from there)\n"
    )
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


def test_a_kernel_that_does_not_start_is_reported_with_its_last_line(tmp_path: Path) -> None:
    project = make_project(tmp_path, "takes_nothing")
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\nif 'ipykernel_launcher' in str(sys.orig_argv):\n"
        "    os.write(2, b'Traceback ...\\nOSError: [Errno 28] No space left on device\\n')\n    os._exit(1)\n",
        "utf-8",
    )
    code, _, err = course(project, "run")
    assert code == 1
    assert err.startswith("course: takes_nothing, the kernel did not start (")
    assert "; its last line: OSError: [Errno 28] No space left on device (see " in err
    assert err.count("\n") == 1


@POSIX
@pytest.mark.parametrize("limit", ["-Hn", "-Sn"])
def test_few_open_files_are_refused_or_made_more(tmp_path: Path, limit: str) -> None:
    project = make_project(tmp_path, "takes_nothing")
    command = f"ulimit -Sn 40; ulimit {limit} 40; exec {shlex.quote(sys.executable)} -m course run"
    done = subprocess.run(
        ["sh", "-c", command], cwd=project.root, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if limit == "-Sn":
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(
            "course: too many open files: a program may open 40 here, and a run needs "
        )
        assert done.stderr.count("\n") == 1


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
@pytest.mark.parametrize("others", [[], ["takes_nothing"]], ids=["alone", "forked"])
@pytest.mark.parametrize("victim", ["course", "chapter"])
def test_kernels_end_when_what_started_them_is_killed(
    tmp_path: Path, temporary: Path, victim: str, others: list[str]
) -> None:
    project = make_project(tmp_path / "course", "sleeps", *others)
    process = start_course(project, "run", TMPDIR=str(temporary))
    assert wait_until((project.root / "asleep").exists)
    kernel = psutil.Process(int((project.root / "pid").read_text("utf-8")))
    (process if victim == "course" else kernel.parent()).kill()
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
        ("file/run", "--out file/run: cannot be written: Not a directory; choose another --out"),
    ]:
        code, said, err = course(project, "run", "--out", out)
        assert code == 1
        assert message in err
        assert err.startswith("course: ")
        assert err.count("\n") == 1
        assert "started" not in said
    assert (tmp_path / "mine/letter.txt").exists()


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
    made = read_notebook(project.root / "runs/default/notebooks/shows_its_environment.ipynb")
    found = inline.values_of(made["cells"][-1])
    assert found["python"] == sys.executable
    assert not found["settings"].startswith(str(hostile))
    assert found["line_width"] == 1.5
    assert found["threads"] == "1"
    assert found["startup"] is False
    assert found["folder"] == str(project.root)
    assert found["transport"] == ("tcp" if os.name == "nt" else "ipc")


def test_chapter_without_its_helpers_fails_in_one_line(tmp_path: Path) -> None:
    project = make_project(tmp_path, "records")
    (tmp_path / "helpers/parameters.py").write_text("1 / 0\n", "utf-8")
    with pytest.raises(CourseError) as error:
        run.ensure(project, None, {}, tmp_path / "runs/default", quiet=True)
    assert str(error.value).startswith(
        "records, cell 3 (from helpers import parameters): ZeroDivisionError: division by zero"
    )


# kill -9


def kill(process: subprocess.Popen[str], *, tree: bool) -> str:
    """Kill a run with -9, with all that it started or alone; return what it had said."""
    victims = psutil.Process(process.pid).children(recursive=True) if tree else []
    for victim in [psutil.Process(process.pid), *victims]:
        try:
            victim.kill()
        except psutil.NoSuchProcess:
            continue
    return process.communicate(timeout=20)[0]


def held(folder: Path) -> dict[str, Any]:
    """Return all that a run's folder holds, but for its times and memory."""
    found: dict[str, Any] = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*")}
    found = {name: p.read_bytes() for name, p in found.items() if p.is_file()}
    manifest = json.loads(found["manifest.json"])
    for entry in manifest["chapters"].values():
        del entry["seconds"], entry["peak_memory_mb"]
    return {**found, "manifest.json": manifest}


def said_of(out: str, word: str) -> set[str]:
    """Return the chapters of which a run said this."""
    return {line.partition(":")[0] for line in out.splitlines() if f": {word}" in line}


def try_killing(
    project: Project, temporary: Path, moments: int, longest: float, words: list[str], jobs: int = 2
) -> None:
    """Kill a run at random moments, half of the times with all its processes, and run it again."""
    whole = ["run", *words, "--jobs", str(jobs)]
    reference = project.root / "runs/reference"
    assert course(project, *whole, "--out", str(reference))[0] == 0
    expected = held(reference)
    folder = project.root / "runs/tried"
    seed = random.SystemRandom().randrange(10**6)
    chance = random.Random(seed)
    for number in range(moments):
        tree, after = number % 2 == 1, chance.uniform(0, longest)
        told = f"seed {seed}, number {number}: killed {'all' if tree else 'the run'} after {after:.3f} s"
        print(told)  # pytest shows it if this fails
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(folder.with_name(".tried.partial"), ignore_errors=True)
        process = start_course(project, *whole, "--out", str(folder), TMPDIR=str(temporary))
        time.sleep(after)
        finished = said_of(kill(process, tree=tree), "ok, ")
        if tree:  # a kernel that was just being started sees for itself, within a second
            assert wait_until(lambda: not kernels(project), 10), told
        code, out, err = course(project, *whole, "--out", str(folder), TMPDIR=str(temporary))
        assert (code, err) == (0, ""), told
        assert not finished & said_of(out, "started"), told
        assert held(folder) == expected, told
        assert wait_until(lambda: not kernels(project), 10), told
        assert wait_until(lambda: not list(temporary.iterdir()), 5), told
        beside = {path.name for path in folder.parent.glob("*tried*")}
        assert beside == {"tried", ".tried.lock"}, told


@POSIX
@pytest.mark.parametrize("moments", [2, pytest.param(12, marks=pytest.mark.long)])
def test_run_killed_at_any_moment_goes_on(tmp_path: Path, temporary: Path, moments: int) -> None:
    project = make_project(tmp_path / "course", "records", "takes_nothing", "warns_and_randomizes")
    try_killing(project, temporary, moments, 4, ["-p", "seed", "3"])


@POSIX
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_course_killed_at_any_moment_goes_on(
    small_course: tuple[Project, Run], tmp_path: Path, temporary: Path
) -> None:
    project = copy_course(tmp_path / "course")
    # On two processors, later ones have not begun when the last blow falls.
    names = [chapter.name for chapter in project.chapters[:5]]
    small = [word for name, value in SMALL.items() for word in ("-p", name, str(value))]
    lend(project, names, dict(SMALL), project.root / "runs" / "reference")
    try_killing(project, temporary, 4, 9, [*names, *small])


# Ends itself, as if by kill -9, when it is about to change the disk for the n-th time.
DIES = """
import os, pathlib, shutil, signal, sys, tempfile
tempfile.gettempdir()  # which writes and removes a file, to try
left = int(sys.argv.pop(1))
def dying(change):
    def changed(*arguments, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return change(*arguments, **named)
    return changed
for name in ("rename", "replace", "unlink", "rmdir", "mkdir"):
    setattr(os, name, dying(getattr(os, name)))
shutil.copyfile = dying(shutil.copyfile)
pathlib.Path.write_text = dying(pathlib.Path.write_text)
from course.__main__ import main
sys.exit(main())
"""


@POSIX
@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.long)])
def test_run_killed_before_any_change_to_the_disk_goes_on(tmp_path: Path, temporary: Path, step: int) -> None:
    project = make_project(tmp_path / "course", "records")
    assert course(project, "run", "-p", "seed", "3", "--out", "runs/reference")[0] == 0
    expected = held(project.root / "runs/reference")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    changes = 0
    while True:
        changes += step
        shutil.rmtree(project.root / "runs/default", ignore_errors=True)
        shutil.copytree(project.root / "runs/reference", project.root / "runs/default")
        for path in (project.root / "runs/default/record.json", project.root / "runs/default/manifest.json"):
            path.write_text(path.read_text("utf-8").replace('"key": "', '"key": "other'), "utf-8")
        words = ["run", "-p", "seed", "3", "--out", "runs/default"]
        done = subprocess.run(
            [sys.executable, "-c", DIES, str(changes), *words], cwd=project.root, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        code, _, err = course(project, *words, TMPDIR=str(temporary))
        assert (code, err) == (0, ""), changes
        assert held(project.root / "runs/default") == expected, changes
        assert wait_until(lambda: not kernels(project) and not list(temporary.iterdir()), 10), changes
        left = {path.name for path in (project.root / "runs").glob("*default*")}
        assert left == {"default", ".default.lock"}, changes
        if done.returncode == 0:
            break
    assert changes > 15


# Two runs at once


@POSIX
def test_run_goes_on_when_the_one_it_waits_for_is_killed(tmp_path: Path, temporary: Path) -> None:
    project = make_project(tmp_path / "course", "takes_nothing", "sleeps")
    first = start_course(project, "run", TMPDIR=str(temporary))
    assert wait_until((project.root / "asleep").exists)
    assert wait_until((project.root / "runs/.default.partial/chapters/takes_nothing.json").exists)
    shutil.copy(FIXTURES / "takes_nothing.ipynb", project.root / "notebooks/sleeps.ipynb")
    second = start_course(project, "run", TMPDIR=str(temporary))
    assert second.stdout is not None
    assert "another run is at work here; waiting" in second.stdout.readline()
    assert second.poll() is None
    kill(first, tree=False)
    out, err = second.communicate(timeout=30)
    assert (second.returncode, err) == (0, "")
    assert said_of(out, "started") == {"sleeps"}
    assert wait_until(lambda: not kernels(project) and not list(temporary.iterdir()), 10)


@POSIX
def test_runs_with_other_values_into_one_folder_each_end_whole(tmp_path: Path) -> None:
    project = make_project(tmp_path, "records", "takes_nothing")
    seeds = [1, 2, 3]
    runs = [start_course(project, "run", "-p", "seed", str(seed), "--out", "runs/one") for seed in seeds]
    for process in runs:
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
    found = run.load_run(tmp_path / "runs/one")
    last = found.manifest["parameters"]["seed"]
    assert last in seeds
    assert found.record["records"]["double"] == 2 * last
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [".cache", ".one.lock", "one"]


# An edit while a chapter is executed


@pytest.mark.parametrize(
    "edited", ["notebooks/takes_nothing.ipynb", "helpers/landscape.py", "data/a.csv", "undone"]
)
def test_edit_while_a_chapter_is_executed_is_noticed(tmp_path: Path, edited: str) -> None:
    project = make_project(tmp_path, "takes_nothing", "takes_image")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.csv").write_text("1", "utf-8")
    waits = "from pathlib import Path\nimport time\nPath('asleep').touch()\nwhile not Path('go').exists():\n    time.sleep(0.05)"
    works = (
        "from helpers import landscape\nfound = [landscape.ISOLINES[0], int(Path('data/a.csv').read_text())]"
    )
    write_chapter(project, "takes_nothing", waits, works)
    process = start_course(project, "run")
    assert wait_until((tmp_path / "asleep").exists)
    path = tmp_path / ("data/a.csv" if edited == "undone" else edited)
    original = path.read_text("utf-8")
    replaced = {
        "data/a.csv": "2",
        "undone": "2",
        "helpers/landscape.py": original.replace("ISOLINES = (0.3", "ISOLINES = (0.35"),
    }
    path.write_text(replaced.get(edited, original.replace("[landscape", "[1 + landscape")), "utf-8")
    assert path.read_text("utf-8") != original
    if edited == "undone":
        path.write_text(original, "utf-8")
    (tmp_path / "go").touch()
    out, err = process.communicate(timeout=30)
    what = path.relative_to(tmp_path).as_posix()
    assert process.returncode == 1
    assert err == (
        f"course: takes_nothing, {what} changed while it was executed; the same command executes it again "
        "(see runs/.default.partial/failed; the other chapters are kept, and the same command goes on from there)\n"
    )
    assert not (tmp_path / "runs/default").exists()

    code, out, _ = course(project, "run")
    assert code == 0
    assert said_of(out, "started") == {"takes_nothing"}
    found = run.load_run(tmp_path / "runs/default").record["takes_nothing"]["found"]
    assert found == {"data/a.csv": [0.3, 2], "undone": [0.3, 1], "helpers/landscape.py": [0.35, 1]}.get(
        edited, [1.3, 1]
    )


def test_package_of_another_version_executes_what_imports_it(tmp_path: Path) -> None:
    project = make_project(tmp_path / "course", "takes_nothing", "records")
    write_chapter(project, "takes_nothing", "import noise")
    assert course(project, "run")[0] == 0
    about = tmp_path / "fake/noise-99.0.dist-info/METADATA"
    about.parent.mkdir(parents=True)
    about.write_text("Metadata-Version: 2.1\nName: noise\nVersion: 99.0\n", "utf-8")
    path = os.pathsep.join([str(tmp_path / "fake"), str(ROOT)])
    code, out, _ = course(project, "run", PYTHONPATH=path)
    assert code == 0
    assert said_of(out, "started") == {"takes_nothing"}
    # it alone does not keep a run from being published
    run.refuse_if_stale(project, run.load_run(project.root / "runs/default"))


def test_two_edits_in_one_second_are_both_seen(tmp_path: Path) -> None:
    """Python takes its bytecode for fresh if a source has the length and, in whole seconds, the time it had."""
    project = make_project(tmp_path, "takes_nothing")
    write_chapter(project, "takes_nothing", "from helpers import mine\nfound = mine.X")
    mine = tmp_path / "helpers/mine.py"
    for value in (1, 2):
        mine.write_text(f"X = {value}\n", "utf-8")
        os.utime(mine, (1_700_000_000, 1_700_000_000))
        assert course(project, "run", PYTHONDONTWRITEBYTECODE="")[0] == 0
        assert run.load_run(tmp_path / "runs/default").record["takes_nothing"]["found"] == value


# What is published is what was run


def test_run_of_other_sources_is_not_published(tmp_path: Path) -> None:
    project = make_project(tmp_path, "records", "takes_nothing", "takes_image")
    picture = tmp_path / "my picture.png"
    picture.write_bytes(b"one")
    values = {"seed": 3, "image_path": str(picture)}
    found = run.ensure(project, None, dict(values), tmp_path / "runs/mine", quiet=True)
    picture.unlink()
    run.refuse_if_stale(project, found)  # the picture is no source of the course
    (tmp_path / "helpers/more.py").write_text("", "utf-8")
    run.refuse_if_stale(project, found)  # no chapter reaches it

    with (tmp_path / "helpers/parameters.py").open("a", encoding="utf-8") as helper:
        helper.write("MORE = 1\n")
    again = f"course run -p seed 3 -p image_path {shlex.quote(str(picture))} --out {tmp_path / 'runs/mine'}"
    with pytest.raises(CourseError) as error:
        run.refuse_if_stale(project, found)
    assert str(error.value) == (
        f"runs/mine: helpers/parameters.py changed since records was run; run it again with: {again}"
    )
    for name in ("records", "takes_nothing"):
        write_chapter(project, name, "1")
    with pytest.raises(CourseError, match=r"records\.ipynb and \d more changed since records was run"):
        run.refuse_if_stale(project, found)
    assert run.command(
        project, run.Run(run.run_folder(project, None, {"seed": 3}), {"parameters": {"seed": 3}})
    ) == ("course run -p seed 3")


@pytest.mark.parametrize("name", ["notebooks/records.ipynb", "record.json"])
def test_run_that_was_edited_by_hand_is_not_published_and_made_again(tmp_path: Path, name: str) -> None:
    project = make_project(tmp_path, "records", "takes_nothing")
    found = run.ensure(project, None, {"seed": 3}, tmp_path / "runs/seed-3", quiet=True)
    before = held(found.folder)
    path = found.folder / name
    path.write_text(path.read_text("utf-8").replace("6", "7"), "utf-8")
    with pytest.raises(CourseError) as error:
        run.refuse_if_stale(project, run.load_run(found.folder))
    assert str(error.value) == (
        f"runs/seed-3: {name} is not as the run left it; run it again with: course run -p seed 3"
    )
    code, out, _ = course(project, "run", "-p", "seed", "3")
    assert code == 0
    assert said_of(out, "started") == ({"records"} if "records" in name else set())
    assert held(found.folder) == before


def test_site_of_other_sources_is_refused_in_one_line(
    small_course: tuple[Project, Run], tmp_path: Path
) -> None:
    project, _ = small_course
    shutil.copytree(project.root, tmp_path / "course", ignore=shutil.ignore_patterns("__pycache__"))
    copy = Project(tmp_path / "course", project.config)
    claims = copy.root / "claims/ch04.py"
    claims.write_text(claims.read_text("utf-8") + "# edited\n", "utf-8")
    for words in (["site", "--renderer", "embedded"], ["stage"]):
        code, _, err = course(copy, *words, "--run", "small")
        assert code == 1
        assert err == (
            "course: runs/small: claims/ch04.py changed since 04-choosing-k was run; run it again with: "
            "course run -p size 64 -p scale 16.0 -p seed 5 --out runs/small\n"
        )


# Places that cannot be written, and full disks


@functools.cache
def can_sandbox() -> bool:
    """Tell whether there is a bubblewrap that works here."""
    bwrap = shutil.which("bwrap")
    return bwrap is not None and subprocess.call([bwrap, "--dev-bind", "/", "/", "true"], stderr=-3) == 0


def sandboxed(project: Project, options: list[str], script: str, **environment: str) -> tuple[int, str, str]:
    """Run a shell script in a project's folder, in a bubblewrap with these options; ``course`` is the command.

    Where there is no bubblewrap, the test is skipped.
    """
    if not can_sandbox():
        pytest.skip(
            "no bubblewrap that works: it makes the full disks and the folders that cannot be written"
        )
    function = f'course() {{ {shlex.quote(sys.executable)} -m course "$@"; }}'
    done = subprocess.run(
        ["bwrap", "--dev-bind", "/", "/", *options, "--die-with-parent", "sh", "-c", f"{function}\n{script}"],
        cwd=project.root, env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, capture_output=True, text=True,
        check=False, timeout=200,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def fill(folder: str) -> str:
    """Return a shell command that leaves a few hundred bytes of a small disk free."""
    return f"(cat /dev/zero > {folder}/filler) 2> /dev/null; truncate -s -$((4096 * PAGES)) {folder}/filler"


@pytest.mark.parametrize("pages", [1, 4, *(pytest.param(n, marks=pytest.mark.long) for n in (0, 2, 3, 5))])
def test_full_disk_leaves_what_was_there_and_a_run_goes_on(tmp_path: Path, pages: int) -> None:
    project = make_project(tmp_path / "course", "takes_nothing", "records")
    (project.root / "runs").mkdir()
    script = f"""
        course run -p seed 1 --out runs/one || exit 9
        cp -r runs/one ../before
        PAGES={pages}; {fill("runs")}
        course run -p seed 2 --out runs/one > ../out 2> ../err; echo $?
        diff -r runs/one ../before || exit 8
        rm runs/filler
        course run -p seed 2 --out runs/one
    """
    small = ["--size", str(2**20), "--tmpfs", str(project.root / "runs")]
    code, out, err = sandboxed(project, small, script)
    first, _, then = out.partition("\n1\n")  # what the shell said of the full disk
    assert (code, err) == (0, ""), out + err
    assert then, first
    said = (tmp_path / "err").read_text("utf-8")
    print(said)
    assert said.startswith("course: ")
    assert "No space left on device" in said
    assert said.count("\n") == 1
    assert said_of(then, "started") | said_of((tmp_path / "out").read_text("utf-8"), "ok, ") == {"records"}


@POSIX
@pytest.mark.parametrize("limit", [1, 1000, 2000])
def test_files_that_may_not_grow_end_a_run_in_one_line(tmp_path: Path, limit: int) -> None:
    project = make_project(tmp_path, "takes_nothing", "records")
    words = shlex.join([sys.executable, "-m", "course", "run"])
    limited = f"import resource, os, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); os.execv({sys.executable!r}, [{sys.executable!r}, '-m', 'course', 'run'])"
    done = subprocess.run(
        [sys.executable, "-c", limited], cwd=project.root, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, words
    assert "File too large" in done.stderr
    assert done.stderr.count("\n") == 1
    assert course(project, "run")[0] == 0


def test_full_disk_leaves_the_old_site(small_course: tuple[Project, Run], tmp_path: Path) -> None:
    project, _ = small_course
    shutil.copytree(project.root, tmp_path / "course", ignore=shutil.ignore_patterns("__pycache__"))
    copy = Project(tmp_path / "course", project.config)
    for folder in ("full", "chapters"):
        (copy.root / folder).mkdir(exist_ok=True)
        small = ["--size", str(2**18), "--tmpfs", str(copy.root / folder)]
        script = """
            mkdir -p full/site; echo old > full/site/index.html
            echo '{"made by course": "site", "files": ["index.html"]}' > full/site/.course-files.json
            course site --run small --renderer embedded --out full/site; echo $?
            ls full full/site; cat full/site/index.html
        """
        code, out, err = sandboxed(copy, small, script)
        assert out == "1\nfull:\nsite\n\nfull/site:\nindex.html\nold\n", err
        assert code == 0
        assert err.startswith("course: the site cannot be written: No space left on device")
        assert err.count("\n") == 1


FIGURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the run of a chapter with a figure holds where nothing is wrong."""
    project = make_project(tmp_path_factory.mktemp("drawn"), "takes_nothing")
    write_chapter(project, "takes_nothing", FIGURE)
    assert course(project, "run")[0] == 0
    return held(project.root / "runs/default")


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        pytest.param([], {"HOME": "/nonexistent/home"}, id="home-missing"),
        pytest.param(["--ro-bind", "HERE/empty", "HERE/empty"], {"HOME": "HERE/empty"}, id="home-not-writable"),
        pytest.param([], {"TMPDIR": "HERE/nosuch"}, id="temporary-folder-missing"),
        pytest.param(["--size", "4096", "--tmpfs", "HERE/empty"], {"TMPDIR": "HERE/empty"}, id="temporary-folder-full"),
        pytest.param([], {"TMPDIR": "HERE/" + 20 * "long/"}, id="temporary-folder-with-a-long-path"),
        pytest.param([], {"DISPLAY": "", "MPLBACKEND": "tkagg"}, id="no-display"),
        pytest.param([], {"LC_ALL": "C", "PYTHONUTF8": "0"}, id="plain-locale"),
        pytest.param(["--unshare-net"], {}, id="no-network"),
        pytest.param(["--ro-bind", "HERE/Kurs – für Ñandúes", "HERE/Kurs – für Ñandúes"], {}, id="clone-not-writable"),
    ],
)  # fmt: skip
def test_run_where_something_is_missing(
    tmp_path: Path, drawn: dict[str, Any], options: list[str], environment: dict[str, str]
) -> None:
    project = make_project(tmp_path / "Kurs – für Ñandúes", "takes_nothing")
    write_chapter(project, "takes_nothing", FIGURE)
    (tmp_path / "empty").mkdir()
    (tmp_path / (20 * "long/")).mkdir(parents=True)
    here = {name: value.replace("HERE", str(tmp_path)) for name, value in environment.items()}
    options = [option.replace("HERE", str(tmp_path)) for option in options]
    script = "course run --out '../aus gang'"
    if options:
        code, out, err = sandboxed(project, options, script, **here)
    else:
        code, out, err = course(project, *shlex.split(script)[1:], **here)
    assert (code, err) == (0, ""), out
    found = held(tmp_path / "aus gang")
    for name in ("notebooks/takes_nothing.ipynb", "record.json"):
        assert found[name] == drawn[name]
    assert not list((tmp_path / "empty").iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {
        project.root.name, "aus gang", ".aus gang.lock", "empty", "long"
    }  # fmt: skip


def test_folder_with_a_file_of_ones_own_is_left_alone(tmp_path: Path) -> None:
    project = make_project(tmp_path, "takes_nothing")
    assert course(project, "run")[0] == 0
    (tmp_path / "runs/default/notes.txt").write_text("mine", "utf-8")
    assert course(project, "run")[0] == 0  # nothing to do, nothing in danger
    write_chapter(project, "takes_nothing", "1")
    code, _, err = course(project, "run")
    assert code == 1
    assert err == (
        "course: runs/default holds notes.txt, which is no part of a run; move it away, or choose another --out\n"
    )
    assert (tmp_path / "runs/default/notes.txt").exists()


def test_manifest_that_says_nothing_of_a_run_is_refused(tmp_path: Path) -> None:
    project = make_project(tmp_path, "takes_nothing")
    (tmp_path / "page").mkdir()
    (tmp_path / "page/index.html").write_text("mine", "utf-8")  # a site holds a manifest.json, too
    for text in ("[]", "{}", '{"format": 1, "complete": true}', "x"):
        (tmp_path / "page/manifest.json").write_text(text, "utf-8")
        with pytest.raises(CourseError):
            run.load_run(tmp_path / "page")
        code, _, err = course(project, "run", "--out", "page")
        assert code == 1
        assert err.startswith("course: page is there and is no run")


@POSIX
def test_picture_that_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    project = make_project(tmp_path, "takes_image")
    for path in ("/dev/zero", str(tmp_path)):
        code, _, err = course(project, "run", "-p", "image_path", path)
        assert (code, err) == (1, f"course: image_path = '{path}': not a file\n")


@POSIX
def test_run_goes_on_when_nobody_reads_what_it_says(tmp_path: Path) -> None:
    project = make_project(tmp_path, "takes_nothing", "records")
    process = start_course(project, "run")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == 0
    assert run.load_run(tmp_path / "runs/default").record["records"]


@POSIX
def test_run_goes_on_without_a_standard_output(tmp_path: Path) -> None:
    project = make_project(tmp_path, "takes_nothing")
    done = subprocess.run(
        f"{shlex.quote(sys.executable)} -m course run >&-", shell=True, cwd=project.root, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
