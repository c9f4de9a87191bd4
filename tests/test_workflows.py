"""The workflows of continuous integration: pinned, with few rights, and calling only what is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from course.cli import cli
from tests.projects import ROOT

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# Actions that may be pinned by tag, as no commit of theirs is known for certain.
BY_TAG = {"quarto-dev/quarto-actions/setup@v2"}


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
        pinned = re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) and re.fullmatch(
            r"  # v\d+\.\d+\.\d+", comment
        )
        assert pinned or action in BY_TAG, action


def test_one_action_has_one_pin() -> None:
    pins: dict[str, set[str]] = {}
    for path in FILES:
        for action, pin in re.findall(r"uses: ([\w./-]+)@(\S+)", path.read_text("utf-8")):
            pins.setdefault(action, set()).add(pin)
    assert all(len(found) == 1 for found in pins.values())


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
        for word in re.findall(r"[/\\]course (\w+)", command):
            assert word in cli.commands
        if ".ci/" in command:
            assert (ROOT / command).is_file()


def test_the_newest_lane_never_fails_and_shows_what_drifted() -> None:
    job = read(ROOT / ".github/workflows/newest.yml")["jobs"]["drift"]
    assert job["continue-on-error"] is True
    assert any("make newest" in step.get("run", "") for step in job["steps"])
    assert any(
        "GITHUB_STEP_SUMMARY" in step.get("run", "") and step["if"] == "always()" for step in job["steps"]
    )
    assert "check runs/newest --drift" in (ROOT / "Makefile").read_text("utf-8")
