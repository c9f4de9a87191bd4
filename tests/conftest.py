"""What several tests share: chapters that were executed, the course run small, its site, a browser."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from course import run as runs
from course.downloads import ZIPPED
from course.errors import CourseError
from course.project import Project, load
from course.run import Run
from tests.projects import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Small, fast, and not the article's: what a chapter says must hold here, too.
SMALL = {"size": 64, "scale": 16.0, "seed": 5}
COPIED = sorted({"notebooks", "exercises", *(name for name in ZIPPED if "/" not in name)})
# A shell of its own for the small run, so that tests/test_repeatable.py has another one to hold it against.
SHELL = {"TZ": "UTC", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
# What was executed in this session, by key: the notebook, and what its run noted of it.
EXECUTED: dict[str, tuple[Path, dict[str, Any]]] = {}
CHROMIUM = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests marked long, too")
    parser.addoption(
        "--site", type=Path, help="a built site for tests/test_pages.py, in place of a small one"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    long = [] if config.getoption("--long") else [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in set(long)]


def copy_course(folder: Path) -> Project:
    """Return a copy of the whole course, so that a test never touches the checkout's own runs and pages."""
    folder.mkdir(parents=True)
    ignore = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignore)
        else:
            shutil.copy(source, folder / name)
    return load(folder)


def remember(run: Run) -> Run:
    """Note what a run executed, for runs that come to the same key; return the run."""
    EXECUTED.update(
        {entry["key"]: (run.notebook(name), entry) for name, entry in run.manifest["chapters"].items()}
    )
    return run


def lend(project: Project, chapters: list[str] | None, values: dict[str, Any], folder: Path) -> None:
    """Lay what is remembered of a run where the run goes on from: beside its folder, as if it had been stopped.

    A chapter's key changes with all that its result depends on; `course.run` compares the hash of what it finds.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    for task in runs.plan(project, runs.select(project, chapters), values).tasks:
        if task.key not in EXECUTED:
            continue
        notebook, entry = EXECUTED[task.key]
        for name in ("notebooks", "chapters"):
            (partial / name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(notebook, partial / "notebooks" / notebook.name)
        (partial / "chapters" / f"{task.name}.json").write_text(json.dumps(entry), encoding="utf-8")


def ensure(project: Project, chapters: list[str] | None, values: dict[str, Any], folder: Path) -> Run:
    """Return the finished run in `folder`, after executing what no test has executed before."""
    lend(project, chapters, values, folder)
    jobs = max(2, runs.processors())
    return remember(runs.ensure(project, chapters, values, folder, jobs=jobs, quiet=True))


@pytest.fixture(scope="session")
def small_course(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Run]:
    """The whole course, run small."""
    project = copy_course(tmp_path_factory.mktemp("course") / "small course")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SHELL.items():
            patch.setenv(name, value)
        return project, ensure(project, None, dict(SMALL), project.root / "runs" / "small")


@pytest.fixture(scope="session")
def default_course(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The course and its expected values, with what is fresh of the checkout's default run: `make site` made it."""
    project = copy_course(tmp_path_factory.mktemp("default") / "course")
    shutil.copytree(ROOT / "tests" / "expected", project.root / "tests" / "expected")
    with suppress(CourseError):
        remember(runs.load_run(ROOT / "runs" / "default"))
    lend(project, None, {}, project.root / "runs" / "default")
    return project


@pytest.fixture(scope="session")
def small_site(small_course: tuple[Project, Run], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the small run, from the embedded renderer."""
    from course.site import build

    project, run = small_course
    return build(project, run, "embedded", tmp_path_factory.mktemp("site") / "site")[0].parent


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one the test is skipped, under CI it fails."""
    if find_chromium() is None:
        message = "no Chromium: the browser tests need one"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with open_browser() as chromium:
        yield chromium


def find_chromium() -> str | None:
    """Return the path of a Chromium, if there is one."""
    return next((path for path in map(shutil.which, CHROMIUM) if path), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Give a headless Chromium to the thread that asks; no other thread may use it."""
    from playwright.sync_api import sync_playwright

    quiet = [
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_chromium(), args=[*quiet, *root, "--no-first-run"]
        )
        yield chromium
        chromium.close()
