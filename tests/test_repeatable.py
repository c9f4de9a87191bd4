"""The same run gives the same bytes: elsewhere, at another time, for another user, in another order, by other kernels."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from course.project import Project
from course.run import Run
from tests.conftest import SHELL, SMALL, copy_course

pytestmark = pytest.mark.long  # it makes two more runs and sites; tests/test_run.py samples it
# What may differ: when, where and how fast it ran stands in the manifest, and on the page about the run.
MAY_DIFFER = {"manifest.json", "this-run.qmd", "this-run.html"}
BUILDS = [
    ("plain", ["--jobs", "2"], {**SHELL, "PYTHONHASHSEED": "1"}),
    ("Überall – zwei Wörter", ["--jobs", "1", "--cold"], {"TZ": "Pacific/Kiritimati", "LANG": "C", "LC_ALL": "C", "PYTHONHASHSEED": "2"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def built(small_course: tuple[Project, Run], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The small course, run and published twice; the first run is that of all tests, with chapters side by side."""
    base = tmp_path_factory.mktemp("twice")
    first, *others = [base / name for name, _, _ in BUILDS]
    copy_course(first)
    for other in others:  # of the first copy: the checkout may be edited meanwhile
        shutil.copytree(first, other)
    shutil.copytree(small_course[1].folder, first / "runs" / "small")
    with ThreadPoolExecutor() as pool:  # at once: neither may notice the other
        return list(pool.map(lambda kind: build(base / kind[0], *kind[1:]), BUILDS))


def build(root: Path, options: list[str], environment: dict[str, str]) -> Path:
    """Run a copy of the course and make its site, as a user would in a shell of their own; return its folder."""
    home = root.with_name(f"home of {root.name}")
    home.mkdir()
    for number, path in enumerate(sorted(root.rglob("*"))):  # files of another age, in another order
        os.utime(path, (10**9 + number * len(options),) * 2)
    values = [word for key, value in SMALL.items() for word in ("-p", key, str(value))]
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "COURSE_RUN")}
    for words in (
        ["run", *values, *options, "--out", "runs/small"],
        ["site", "--run", "small", "--renderer", "embedded"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "course", *words], cwd=root, capture_output=True, check=False,
            env={**kept, "HOME": str(home), "USERPROFILE": str(home), **environment},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return root


def files(folder: Path) -> dict[str, bytes]:
    """Return what a folder holds, without what may differ."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in MAY_DIFFER
    }


@pytest.mark.parametrize(
    ("part", "least"), [("runs/small", 7), ("chapters", 60), ("downloads", 8), ("_site", 75)]
)
def test_two_builds_give_the_same_bytes(built: list[Path], part: str, least: int) -> None:
    one, other = (files(root / part) for root in built)
    assert sorted(one) == sorted(other)
    assert len(one) >= least
    assert [name for name in one if one[name] != other[name]] == []


def test_no_file_names_where_it_was_made(built: list[Path], small_course: tuple[Project, Run]) -> None:
    ran = [root.parent for root in (*built, small_course[0].root)]
    places = [*(str(folder).encode() for folder in ran), Path.home().as_posix().encode() + b"/"]
    for root in built:
        for part in ("runs/small", "chapters", "downloads", "_site"):
            held = {p: p.read_bytes() for p in (root / part).rglob("*") if p.is_file()}
            assert [str(p) for p, data in held.items() if any(place in data for place in places)] == []
