"""The set-up of `.venv`: what it refuses, when it does nothing, and what a stopped one leaves."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from course import setup
from tests.projects import ROOT

# Builds an editable install without any package: what setuptools does for the course.
BACKEND = """
import pathlib, zipfile

def build_editable(folder, settings=None, metadata=None):
    name = "small-1.0.dist-info"
    wheel = pathlib.Path(folder, "small-1.0-py3-none-any.whl")
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("small.pth", str(pathlib.Path.cwd()))
        archive.writestr(f"{name}/METADATA", "Metadata-Version: 2.1\\nName: small\\nVersion: 1.0\\n")
        archive.writestr(f"{name}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(f"{name}/RECORD", "")
    return wheel.name
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "small"
version = "1.0"
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project that needs nothing from anywhere, on a machine without an index of packages."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    root = tmp_path / "a project"
    root.mkdir()
    (root / "backend.py").write_text(BACKEND, "utf-8")
    (root / "pyproject.toml").write_text(PYPROJECT, "utf-8")
    (root / "requirements.lock").write_text("# nothing\n", "utf-8")
    return root


@pytest.mark.parametrize("version", [(3, 8), (3, 10), (3, 14), (4, 0)])
def test_refuses_other_pythons_in_one_line(version: tuple[int, int]) -> None:
    with pytest.raises(
        setup.SetupError, match=rf"^this is Python {version[0]}\.{version[1]}; .*3\.11 to 3\.13"
    ):
        setup.check_python(version)


def test_takes_the_pythons_that_the_project_names() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    assert re.search(r'requires-python = "(.*)"', text)[1] == ">=3.11,<3.14"  # type: ignore[index]
    for minor in (11, 12, 13):
        setup.check_python((3, minor))


def test_sets_up_once(small: Path) -> None:
    venv = small / ".venv"
    assert setup.set_up(small, venv) is True
    python = setup.python_of(venv)
    done = subprocess.run([python, "-c", "import backend"], cwd=small.parent, check=False)
    assert done.returncode == 0
    assert setup.set_up(small, venv) is False

    before = setup.fingerprint(small)
    (small / "pyproject.toml").write_text(PYPROJECT + "\n[tool.ruff]\nline-length = 99\n", "utf-8")
    assert setup.fingerprint(small) == before
    (small / "requirements.lock").write_text("# another\n", "utf-8")
    assert setup.fingerprint(small) != before


def test_stopped_set_up_is_not_taken_for_whole(
    small: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    venv = small / ".venv"
    (small / "requirements.lock").write_text(
        f"no-such-package==1.0 \\\n    --hash=sha256:{'0' * 64}\n", "utf-8"
    )
    monkeypatch.setattr(setup, "ROOT", small)
    monkeypatch.delenv("COURSE_VENV", raising=False)
    assert setup.main() == 1
    out, err = capfd.readouterr()
    assert err.splitlines()[-1] == (
        "course: set-up failed: the packages could not be installed; what went wrong stands above"
    )
    assert "no-such-package" in err
    assert out == f"Making {venv} (some minutes the first time)\n"
    assert setup.python_of(venv).exists()
    assert (venv / setup.STAMP).read_text("utf-8") != setup.fingerprint(small)


def test_stopped_while_it_installs(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "ROOT", small)
    (small / ".venv").mkdir()
    (small / ".venv" / setup.STAMP).write_text(setup.fingerprint(small), "utf-8")  # but there is no Python

    def stop(command: list[str], failure: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(setup, "run", stop)
    assert setup.main() == 130
    assert (small / ".venv" / setup.STAMP).read_text("utf-8") != setup.fingerprint(small)


@pytest.mark.parametrize("name", ["mine", ".venv", ".venv-mine"])
@pytest.mark.parametrize("held", ["letter.txt", "pyvenv.cfg"])
def test_does_not_replace_a_folder_that_it_did_not_make(small: Path, name: str, held: str) -> None:
    (small / name).mkdir()
    (small / name / held).touch()
    with pytest.raises(setup.SetupError, match="is there and was not made by this course; move it away"):
        setup.set_up(small, small / name)
    assert [path.name for path in (small / name).iterdir()] == [held]


def test_an_environment_of_another_lock_is_made_anew(small: Path) -> None:
    venv = small / ".venv"
    setup.set_up(small, venv)
    (venv / "left.txt").touch()
    (small / "requirements.lock").write_text("# another\n", "utf-8")
    assert setup.set_up(small, venv) is True
    assert not (venv / "left.txt").exists()
    assert setup.set_up(small, venv) is False


@pytest.mark.parametrize(
    "said",
    [
        "Building wheel for noise ... error: command 'gcc' failed: No such file or directory",
        "noise: _simplex.c:13:10: fatal error: Python.h: No such file or directory",
        "noise error: Microsoft Visual C++ 14.0 or greater is required",
    ],
)
def test_missing_compiler_is_named(said: str) -> None:
    command = [sys.executable, "-c", f"import sys; print({said!r}, file=sys.stderr); sys.exit(1)"]
    with pytest.raises(setup.SetupError, match="noise is compiled on this machine and needs a C compiler"):
        setup.run(command, "the packages could not be installed")


def test_build_tools_are_in_the_lock() -> None:
    entries = setup.cut((ROOT / "requirements.lock").read_text("utf-8"), setup.BUILD_TOOLS)
    assert re.findall(r"(?m)^([a-z]+)==", entries) == list(setup.BUILD_TOOLS)
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", entries)) >= 3


def test_newest_takes_no_notice_of_the_lock(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(setup, "ROOT", small)
    monkeypatch.delenv("COURSE_VENV", raising=False)
    monkeypatch.setattr(setup, "run", lambda command, failure: commands.append(command))
    assert setup.main(["--newest"]) == 0
    made, installed = commands
    assert made[-1] == str(small / ".venv-newest")
    assert installed[0] == str(setup.python_of(small / ".venv-newest"))
    assert installed[-2:] == ["-e", f"{small}[test]"]
    assert not {"--require-hashes", "-r"} & set(installed)
    assert not (small / ".venv").exists()


def test_an_unknown_argument_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert setup.main(["--newer"]) == 1
    assert capfd.readouterr().err == "course: unknown argument --newer; setup takes --newest, or nothing\n"
