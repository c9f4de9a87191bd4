"""The ways to install agree: pyproject.toml, requirements.lock, environment.yml. And sources hold no outputs."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from course import outputs

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
# What conda-forge calls a package of PyPI otherwise.
CONDA_NAMES = {"matplotlib-base": "matplotlib"}
NOT_FROM_THE_LOCK = {"python", "pip", "quarto"}


def locked_entries() -> list[tuple[Requirement, list[str]]]:
    """Return each requirement of the lock with its hashes."""
    whole_lines = LOCK.replace("\\\n", " ").splitlines()
    found = []
    for line in whole_lines:
        if line.strip() and not line.lstrip().startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=", line.strip())
            found.append((Requirement(requirement), hashes))
    return found


def locked_versions() -> dict[str, str]:
    versions: dict[str, str] = {}
    for requirement, _ in locked_entries():
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", requirement
        versions[canonicalize_name(requirement.name)] = specifier.version
    return versions


def declared() -> list[Requirement]:
    """Return all dependencies that pyproject.toml names, of every extra and of the build too."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = data["project"]["optional-dependencies"].values()
    lines = [
        *data["project"]["dependencies"],
        *data["build-system"]["requires"],
        *(line for extra in extras for line in extra),
    ]
    return [Requirement(line) for line in lines]


def environment() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    return data


def environment_versions() -> dict[str, str]:
    """Return name and version of all that environment.yml pins, by the names of PyPI."""
    conda = [line for line in environment()["dependencies"] if isinstance(line, str)]
    (pip,) = (entry["pip"] for entry in environment()["dependencies"] if isinstance(entry, dict))
    pairs = [re.split(r"(?<![<>=])=(?!=)", line) for line in conda]
    pairs = [pair for pair in pairs if re.split(r"[<>=]", pair[0])[0] not in NOT_FROM_THE_LOCK]
    pairs += [line.split("==") for line in pip if line != "-e ."]
    return {canonicalize_name(CONDA_NAMES.get(name, name)): version for name, version in pairs}


def test_every_dependency_is_locked_at_an_allowed_version():
    versions = locked_versions()
    for requirement in declared():
        name = canonicalize_name(requirement.name)
        assert name in versions, f"{name} is in pyproject.toml but not in requirements.lock"
        assert requirement.specifier.contains(versions[name]), f"{requirement} against {versions[name]}"


def test_the_lock_has_one_version_per_package():
    names = [canonicalize_name(requirement.name) for requirement, _ in locked_entries()]
    assert sorted(names) == sorted(set(names))


def test_every_entry_of_the_lock_has_hashes():
    entries = locked_entries()
    assert len(entries) > 50
    for requirement, hashes in entries:
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), requirement


def test_the_lock_names_no_host():
    assert not re.search(r"https?:|file:|//|--(extra-)?index-url|--find-links|@ ", LOCK)


def test_the_environment_agrees_with_the_lock():
    versions = locked_versions()
    assert {name: versions.get(name) for name in environment_versions()} == environment_versions()


def test_the_environment_has_every_dependency():
    assert {canonicalize_name(requirement.name) for requirement in declared()} == set(environment_versions())


def test_the_environment_is_of_conda_forge_and_installs_the_course():
    assert environment()["channels"] == ["conda-forge", "nodefaults"]
    lines = [line for line in environment()["dependencies"] if isinstance(line, str)]
    assert any(line.startswith("quarto>=1.") and line.endswith("<2") for line in lines)
    (python,) = (line.removeprefix("python=") for line in lines if line.startswith("python="))
    supported = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert SpecifierSet(supported["requires-python"]).contains(Version(f"{python}.0"))
    (pip,) = (entry["pip"] for entry in environment()["dependencies"] if isinstance(entry, dict))
    assert "-e ." in pip


def test_pre_commit_fetches_nothing():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert {repo["repo"] for repo in hooks} == {"local"}
    assert {hook["language"] for repo in hooks for hook in repo["hooks"]} == {"system"}


# Sources hold no outputs


def test_the_chapters_hold_no_outputs(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert outputs.main([]) == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"outputs": [{"output_type": "stream"}], "execution_count": None}, "outputs"),
        ({"outputs": [], "execution_count": 3}, "an execution count"),
        ({"outputs": [{}], "execution_count": 3}, "outputs and an execution count"),
    ],
)
def test_outputs_are_named_by_notebook_and_cell(tmp_path, capsys, held, words):
    path = tmp_path / "executed.ipynb"
    cells = [{"cell_type": "markdown", "source": ""}, {"cell_type": "code", "source": "1", **held}]
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    assert outputs.main([str(path)]) == 1
    shown = capsys.readouterr()
    assert shown.err == f"{path}: cell 2 holds {words}; clear all outputs and save again\n"


def test_a_file_that_is_no_notebook(tmp_path, capsys):
    path = tmp_path / "broken.ipynb"
    path.write_text("not JSON")
    assert outputs.main([str(path)]) == 1
    assert "not a readable notebook" in capsys.readouterr().err
