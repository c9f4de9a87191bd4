"""What several tests share: the course run small, its site, a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from course import run as runs
from course.project import Project, load
from course.run import Run
from course.stage import ZIPPED
from tests.projects import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Small, fast, and not the article's: what a chapter says must hold here, too.
SMALL = {"size": 64, "scale": 16.0, "seed": 5}
COPIED = sorted({"notebooks", *(name for name in ZIPPED if "/" not in name)})
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


@pytest.fixture(scope="session")
def small_course(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Run]:
    """The whole course, run small."""
    project = copy_course(tmp_path_factory.mktemp("course") / "small course")
    return project, runs.ensure(project, None, dict(SMALL), project.root / "runs" / "small", quiet=True)


@pytest.fixture(scope="session")
def small_site(small_course: tuple[Project, Run], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the small run, from the embedded renderer."""
    from course.site import build

    project, run = small_course
    return build(project, run, "embedded", tmp_path_factory.mktemp("site") / "site")[0].parent


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one the test is skipped, under CI it fails."""
    found = next((path for path in map(shutil.which, CHROMIUM) if path), None)
    if found is None:
        message = "no Chromium: the browser tests need one"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    quiet = [
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=[*quiet, *root, "--no-first-run"])
        yield chromium
        chromium.close()
