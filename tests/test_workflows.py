"""The workflows of continuous integration: pinned, with few rights, and calling only what is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from course.cli import cli
from tests.projects import ROOT

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
OWNERS = {"actions", "quarto-dev"}  # whose actions are used; all else is a line of shell
COMMANDS = {"setup", *cli.commands}


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text("utf-8"))


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


def test_there_are_two_lanes_and_publishing() -> None:
    assert [path.stem for path in FILES] == ["newest", "publish", "tests"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_action_is_pinned(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", path.read_text("utf-8"))
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r"  # v\d+\.\d+\.\d+", comment), action
        assert action.partition("/")[0] in OWNERS


def test_one_action_has_one_pin() -> None:
    pins: dict[str, set[str]] = {}
    for path in FILES:
        for action, pin in re.findall(r"uses: ([\w./-]+)@(\S+)", path.read_text("utf-8")):
            pins.setdefault(action, set()).add(pin)
    assert all(len(found) == 1 for found in pins.values())


def test_pins_are_kept_up_to_date() -> None:
    updates = read(ROOT / ".github/dependabot.yml")["updates"]
    assert [update["package-ecosystem"] for update in updates] == ["github-actions"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_rights_are_few_and_every_job_ends(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert 0 < job["timeout-minutes"] <= 60
        allowed = {"pages": "write", "id-token": "write"} if name == "deploy" else None
        assert job.get("permissions") == allowed
    text = path.read_text("utf-8")
    assert "secrets." not in text
    assert "pull_request_target" not in text
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")


def test_every_system_and_every_python_that_the_course_takes() -> None:
    matrix = read(ROOT / ".github/workflows/tests.yml")["jobs"]["locked"]["strategy"]["matrix"]
    assert {system.partition("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}
    low, high = re.search(
        r'requires-python = ">=3\.(\d+),<3\.(\d+)"', (ROOT / "pyproject.toml").read_text("utf-8")
    ).groups()  # type: ignore[union-attr]
    assert matrix["python"] == [f"3.{minor}" for minor in range(int(low), int(high))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_commands_are_there(path: Path) -> None:
    targets = re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"))
    commands = [step["run"] for step in steps(path) if "run" in step]
    for command in commands:
        assert len(command.splitlines()) <= 3
        for target in re.findall(r"\bmake (\w+)", command):
            assert target in targets
        for word in re.findall(r"(?:[/\\]|-m )course (\w+)", command):
            assert word in COMMANDS
        if ".ci/" in command:
            assert (ROOT / command).is_file()


def test_windows_needs_no_make_and_the_others_no_windows_paths() -> None:
    for step in steps(ROOT / ".github/workflows/tests.yml"):
        on_windows = "runner.os == 'Windows'" in step.get("if", "")
        unfit = r"\bmake\b|\bsudo\b|\.venv/" if on_windows else r"\\"
        assert not re.search(unfit, step.get("run", "")), step


def test_a_site_with_faults_is_not_published() -> None:
    listed = steps(ROOT / ".github/workflows/publish.yml")
    assert not any("continue-on-error" in step or "if" in step for step in listed)
    looks = [
        i for i, step in enumerate(listed) if "tests/test_pages.py --long --site=_site" in step.get("run", "")
    ]
    uploads = [i for i, step in enumerate(listed) if "upload-pages-artifact" in step.get("uses", "")]
    assert len(looks) == len(uploads) == 1
    assert looks < uploads


def test_every_branch_of_the_matrix_is_run_to_its_end() -> None:
    strategy = read(ROOT / ".github/workflows/tests.yml")["jobs"]["locked"]["strategy"]
    assert strategy["fail-fast"] is False


@pytest.fixture
def newest_lane(tmp_path: Path) -> Callable[[str], tuple[list[int], str, str]]:
    """Return a function that runs the newest lane's shell with a stand-in for Python.

    The stand-in prints what it is asked to do, but fails with a line if asked for the given word. Returned are
    the exit code of each step, the summary, and the log.
    """
    if os.name != "posix" or shutil.which("make") is None or shutil.which("bash") is None:
        pytest.skip("needs make and bash")
    shutil.copy(ROOT / "Makefile", tmp_path)
    python = tmp_path / ".venv-newest/bin/python"
    python.parent.mkdir(parents=True)

    def run(failing: str) -> tuple[list[int], str, str]:
        python.write_text(
            f'#!/bin/sh\ncase " $* " in *" {failing} "*) echo "course: no luck" >&2; exit 1;; esac\necho "$*"\n',
            "utf-8",
        )
        python.chmod(0o755)
        # `make test` tells the make below it what it was told itself.
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        environment = {**ours, "GITHUB_STEP_SUMMARY": "summary.md", "PYTHON": str(python)}
        shell = ["bash", "-e", "-c"]  # as GitHub calls it
        codes = [
            subprocess.run([*shell, step["run"]], cwd=tmp_path, env=environment, check=False).returncode
            for step in steps(ROOT / ".github/workflows/newest.yml")
            if "run" in step
        ]
        return (
            codes,
            (tmp_path / "summary.md").read_text("utf-8"),
            (tmp_path / "newest.log").read_text("utf-8"),
        )

    return run


def test_the_newest_lane_shows_the_table_and_nothing_else(
    newest_lane: Callable[[str], tuple[list[int], str, str]],
) -> None:
    codes, summary, log = newest_lane("nothing")
    assert codes == [0, 0]
    assert summary == "-m course check runs/newest --drift\n"
    assert log.splitlines() == ["-m course setup --newest", "-m course run --out runs/newest"]


@pytest.mark.parametrize("failing", ["setup", "run", "check"])
def test_the_newest_lane_shows_what_failed(
    newest_lane: Callable[[str], tuple[list[int], str, str]], failing: str
) -> None:
    codes, summary, _ = newest_lane(failing)
    assert codes == [2, 0]
    assert summary == "Failed: no luck\n"


def test_the_newest_lane_never_fails() -> None:
    job = read(ROOT / ".github/workflows/newest.yml")["jobs"]["drift"]
    assert job["continue-on-error"] is True
    run = next(index for index, step in enumerate(job["steps"]) if "make newest" in step.get("run", ""))
    assert all(step["if"] == "always()" for step in job["steps"][run + 1 :])
