"""The sweep: its rows, that nothing is lost or counted twice, and that the table in git is the code's own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest

from course import sweep
from course.errors import CourseError
from helpers import landscape, segmentation, selection
from helpers.parameters import ParameterError
from sweeps import criteria
from tests.projects import ROOT, course, make_project

TABLE = ROOT / "data" / "sweep.csv"
SMALL = {"size": 48, "scale": 12.0}  # a row in a fifth of a second
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


# The table in git


def test_the_table_is_made_by_the_code_of_today() -> None:
    assert sweep.is_current(TABLE), (
        "data/sweep.csv is stale: run `course sweep --seeds 0:200 --out data/sweep.csv` and commit it"
    )


def test_the_table_is_of_200_seeds_at_the_defaults() -> None:
    rows, made = sweep.read(TABLE)
    assert list(rows["seed"]) == list(range(200))
    assert made["parameters"] == sweep.provenance({})["parameters"]
    assert not rows.drop(columns=["gap_statistic"]).isna().any().any()


@pytest.mark.parametrize("seed", [0, 57, 130, 199])
def test_a_row_computed_again_is_the_one_in_the_table(seed: int) -> None:
    rows, made = sweep.read(TABLE)
    noted = rows[rows["seed"] == seed].iloc[0]
    code, row = sweep.compute(seed, made["parameters"])
    assert code == made["code"]
    for name, value in row.items():
        if value is None:
            assert np.isnan(noted[name]), name
        else:
            assert noted[name] == pytest.approx(value, abs=2e-6), name


def test_the_row_of_the_article_has_the_articles_numbers() -> None:
    row = sweep.read(TABLE)[0].iloc[0]
    assert (row["colors"], row["elbow_1_8"], row["elbow_1_10"], row["elbow_2_15"]) == (937, 3, 4, 5)
    assert [round(row[f"agreement_{k}"], 2) for k in (2, 3, 4)] == [0.50, 0.93, 0.98]


def test_every_column_is_explained() -> None:
    text = (ROOT / "data" / "README.md").read_text("utf-8")
    for name in sweep.read(TABLE)[0]:
        shown = "agreement_2" if name.startswith("agreement_") else name
        assert f"`{shown}`" in text, name


# A row


def test_a_row_says_what_the_functions_of_chapter_4_say() -> None:
    row = criteria.of_landscape(9, size=64, scale=16.0)
    h = landscape.heights(64, 16.0, seed=9)
    image, truth = landscape.colorize(h), landscape.terrain(h)
    agree = {
        k: selection.agreement(truth, segmentation.segment(image, k, n_init=10).labels) for k in range(2, 11)
    }
    widths = {
        k: selection.silhouette(image, segmentation.segment(image, k, n_init=10).labels) for k in range(2, 11)
    }
    assert row["elbow_1_8"] == selection.elbow(*selection.wcss_curve(image, range(1, 9)))
    assert row["elbow_2_15"] == selection.elbow(*selection.wcss_curve(image, range(2, 16)))
    assert row["best"] == max(agree, key=lambda k: agree[k])
    assert row["agreement_5"] == pytest.approx(agree[5])
    assert row["silhouette"] == max(widths, key=lambda k: widths[k])
    assert row["gap_statistic"] == selection.gap_statistic(image)[2]
    assert row["chosen"] == selection.choose(image)
    assert row["water"] == pytest.approx((truth == 0).mean())


def test_a_landscape_of_four_colors_has_a_row_too() -> None:
    row = criteria.of_landscape(1, size=64, scale=16.0, transition_width=0.0)
    assert row["colors"] == row["best"] == 4
    assert row["chosen_right"] == row["agreement_4"] == 1
    assert row["elbow_1_8"] is row["elbow_2_15"] is row["agreement_5"] is None


# Seeds and parameters


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0:4", [0, 1, 2, 3]), ("7", [7]), ("1,5,9:11", [1, 5, 9, 10]), ("0:10:5", [0, 5]), ("3,3,2:4", [3, 2])],
)
def test_seeds(text: str, seeds: list[int]) -> None:
    assert sweep.parse_seeds(text) == seeds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:b", "write 0:200 for 0 to 199"),
        ("5:5", "names no seed"),
        ("1:2:3:4", "write 0:200"),
        ("-3", "out of range"),
        ("", "write 0:200"),
        ("0:5:0", "write 0:200"),
    ],
)
def test_wrong_seeds(text: str, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        sweep.parse_seeds(text)


def test_a_parameter_that_no_row_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="unknown parameter min_area"):
        sweep.sweep([1], {"min_area": 3}, tmp_path / "a.csv", quiet=True)
    assert not list(tmp_path.iterdir())


def test_the_hash_sees_code_and_no_comments() -> None:
    before = sweep._code('"""Doc."""\n\ndef f(x):\n    """Return it."""\n    return x + 1  # why\n')
    same = '"""Other."""\n# said\n\n\ndef f(x):\n    """Return\n\n    more."""\n    return x + 1  # for a reason\n'
    assert sweep._code(same) == before
    assert sweep._code(same.replace("x + 1", "x + 2")) != before


@pytest.mark.parametrize(
    ("module", "old", "new", "stale"),
    [
        ("selection", "N_INIT = 10 ", "N_INIT = 11 ", True),
        ("kmeans", "TRIED_ROUNDS = 5 ", "TRIED_ROUNDS = 4 ", True),
        ("criteria", "MOST = 10 ", "MOST = 9 ", True),
        ("landscape", "0.06", "0.05", True),
        ("segmentation", "Return each pixel's color", "Return a pixel's color", False),
        ("segmentation", "np.zeros((1, 3)", "np.ones((1, 3)", False),
        ("raster", "TAIL = 0.001 ", "TAIL = 0.002 ", False),
    ],
)
def test_only_code_that_a_row_needs_makes_the_table_stale(
    tmp_path: Path, module: str, old: str, new: str, stale: bool
) -> None:
    for folder in ("helpers", "sweeps", "course"):
        shutil.copytree(ROOT / folder, tmp_path / folder)

    def hashed() -> str:
        code = "from course import sweep; print(sweep.code_hash())"
        return subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout

    before = hashed()
    path = next(tmp_path.glob(f"*/{module}.py"))
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    assert (hashed() != before) == stale


# Stopped, killed, repeated


def rows_of(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()[1:]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines of an undisturbed sweep over eight seeds."""
    path = tmp_path_factory.mktemp("sweep") / "whole.csv"
    return rows_of(sweep.sweep(range(8), SMALL, path, quiet=True))


@pytest.mark.long
def test_one_process_or_two_make_the_same_table(tmp_path: Path, whole: list[str]) -> None:
    assert rows_of(sweep.sweep(range(8), SMALL, tmp_path / "a.csv", jobs=1, quiet=True)) == whole
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_rows_that_are_there_are_not_computed_again(
    tmp_path: Path, whole: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sweep.sweep(range(6), SMALL, tmp_path / "a.csv", quiet=True)
    asked: list[int] = []
    compute = sweep._on_processes

    def watched(todo: Any, made: dict[str, Any], jobs: int) -> Iterator[dict[str, Any]]:
        asked.extend(todo)
        return compute(todo, made, jobs)

    monkeypatch.setattr(sweep, "_on_processes", watched)
    assert rows_of(sweep.sweep(range(8), SMALL, path, quiet=True)) == whole
    assert asked == list(range(6, 8))
    sweep.sweep(range(3), {**SMALL, "octaves": 2}, path, quiet=True)  # of other parameters: all anew
    assert asked[2:] == [0, 1, 2]


@pytest.mark.long
def test_a_note_cut_off_in_the_middle_is_left_out(tmp_path: Path, whole: list[str]) -> None:
    path = sweep.sweep(range(4), SMALL, tmp_path / "a.csv", quiet=True)
    made, rows = sweep._read_table(path)
    path.unlink()
    notes = "".join(json.dumps(line) + "\n" for line in [made, *rows])
    (tmp_path / ".a.csv.partial").write_text(notes[:-20], "utf-8")
    assert rows_of(sweep.sweep(range(8), SMALL, path, quiet=True)) == whole


def workers(parent: psutil.Process) -> list[psutil.Process]:
    return [p for p in parent.children(recursive=True) if "spawn_main" in " ".join(p.cmdline())]


def start(path: Path, *more: str) -> subprocess.Popen[str]:
    project = path.parent / "course"
    if not project.exists():
        make_project(project, "takes_nothing")
    # A suite that a shell runs in the background ignores Ctrl-C, and so would what it starts.
    words = ["sweep", "--seeds", "0:8", "-p", "size", "48", "-p", "scale", "12", "--out", str(path), *more]
    return subprocess.Popen(
        [sys.executable, "-m", "course", *words], cwd=project, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=None if os.name == "nt" else lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def noted(path: Path) -> int:
    notes = path.with_name(f".{path.name}.partial")
    return len(notes.read_text("utf-8").splitlines()) - 1 if notes.is_file() else 0


def wait_for(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@POSIX
def test_a_killed_sweep_goes_on_and_leaves_no_process(tmp_path: Path, whole: list[str]) -> None:
    path = tmp_path / "a.csv"
    process = start(path)
    wait_for(lambda: noted(path) >= 2)
    left = workers(psutil.Process(process.pid))
    assert left
    process.kill()
    process.communicate()
    kept = noted(path)
    assert 2 <= kept < 8
    assert not path.exists()
    psutil.wait_procs(left, timeout=10)
    assert not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in left)
    assert start(path).wait(120) == 0
    assert rows_of(path) == whole


@POSIX
@pytest.mark.long
def test_ctrl_c_keeps_what_is_there_and_says_so(tmp_path: Path, whole: list[str]) -> None:
    path = tmp_path / "a.csv"
    process = start(path)
    wait_for(lambda: noted(path) >= 2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.strip().splitlines() == [
        f"stopped: {noted(path)} of 8 seeds are finished and kept; the same command goes on"
    ]
    assert start(path).wait(120) == 0
    assert rows_of(path) == whole


@POSIX
def test_a_sweep_whose_worker_dies_finishes_and_counts_nothing_twice(
    tmp_path: Path, whole: list[str]
) -> None:
    path = tmp_path / "a.csv"
    process = start(path)
    for done in (1, 4):
        wait_for(lambda done=done: noted(path) >= done)  # type: ignore[misc]
        wait_for(lambda: workers(psutil.Process(process.pid)))
        workers(psutil.Process(process.pid))[0].kill()
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert rows_of(path) == whole


def die_at_three(seed: int, parameters: dict[str, Any], rows: str) -> tuple[str, dict[str, Any]]:
    if seed == 3:
        os._exit(9)
    return "code", {"seed": seed}


@pytest.mark.long
def test_a_seed_that_kills_every_worker_is_named_and_the_others_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "compute", die_at_three)
    path = tmp_path / "a.csv"
    with pytest.raises(CourseError, match="seed 3: its process died 3 times"):
        sweep.sweep(range(6), SMALL, path, quiet=True)
    assert not path.exists()
    assert noted(path) >= 3


def test_two_sweeps_into_one_file_the_second_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    first = start(path)
    wait_for(lambda: noted(path) >= 1)
    second = start(path)
    _, err = second.communicate(timeout=60)
    assert second.returncode == 1
    assert err == f"course: {path}: another sweep is at work on it; wait for it, or choose --out\n"
    assert first.wait(120) == 0


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match="cannot be written"):
        sweep.sweep([1], SMALL, tmp_path / "file" / "a.csv", quiet=True)


def test_the_command_makes_a_table_where_it_says(tmp_path: Path) -> None:
    project = make_project(tmp_path, "takes_nothing")
    code, out, err = course(project, "sweep", "--seeds", "1:3", "-p", "size", "48", "-p", "scale", "12")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == f"The table lies in {Path('runs/sweep_1-3_scale-12_size-48.csv')}"
    made = pd.read_csv(project.root / "runs/sweep_1-3_scale-12_size-48.csv", comment="#")
    assert list(made["seed"]) == [1, 2]


# Dask


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A Dask scheduler and two workers on loopback, started as the README says."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s"}
    scheduler_file = tmp_path / "scheduler.json"
    started = []

    def begin(*words: str) -> None:
        command = [
            sys.executable,
            "-m",
            "distributed.cli.dask_scheduler" if words[0] == "scheduler" else "distributed.cli.dask_worker",
            *words[1:],
        ]
        started.append(
            subprocess.Popen(
                command, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        )

    begin(
        "scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
        "--scheduler-file",
        str(scheduler_file),
    )
    wait_for(scheduler_file.exists)
    wait_for(lambda: scheduler_file.read_text())
    address = json.loads(scheduler_file.read_text())["address"]
    for _ in range(2):
        begin("worker", address, "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard", "--no-nanny")
    yield address, started
    for process in reversed(started):
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def test_a_dask_cluster_makes_the_same_table_even_when_a_worker_dies(
    tmp_path: Path, whole: list[str], cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    pytest.importorskip("distributed")
    address, processes = cluster
    path = tmp_path / "a.csv"
    sweeping = start(path, "--scheduler", address)
    wait_for(lambda: noted(path) >= 2)
    processes[1].kill()
    _, err = sweeping.communicate(timeout=120)
    assert sweeping.returncode == 0, err
    assert rows_of(path) == whole


def test_a_scheduler_that_does_not_answer_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(sweep, "WORKERS_WAIT", 2)
    with pytest.raises(CourseError, match="no Dask scheduler answers there"):
        sweep.sweep([1], SMALL, tmp_path / "a.csv", scheduler="tcp://127.0.0.1:9", quiet=True)
