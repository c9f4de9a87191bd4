"""The offline bundle: which packages for which machine, what the script chooses and refuses, and a real one without a network."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker

from course.classroom import pack, set_up
from course.classroom.pack import Target
from course.errors import CourseError
from course.project import load
from tests.projects import ROOT

LOCK = pack.read_lock((ROOT / "requirements.lock").read_text("utf-8"))
NEEDED = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
SMALL = """
one==1.0 \\
    --hash=sha256:{a}
    # via unsupervised-segmentation-course (pyproject.toml)
two==2.0 ; sys_platform == 'win32' \\
    --hash=sha256:{b}
    # via
    #   unsupervised-segmentation-course (pyproject.toml)
    #   one
three==3.0 ; python_full_version < '3.12' \\
    --hash=sha256:{b}
    # via two
four==4.0 \\
    --hash=sha256:{b}
    # via pytest
""".format(a="a" * 64, b="b" * 64)


def names(platform: str, python: str) -> set[str]:
    return {package.name for package in pack.choose(LOCK, NEEDED, Target(platform, python))}


@pytest.mark.parametrize("platform", pack.PLATFORMS)
@pytest.mark.parametrize("python", pack.PYTHONS)
def test_students_get_what_chapters_import_and_nothing_for_tests(platform: str, python: str) -> None:
    chosen = names(platform, python)
    assert {"numpy", "scikit-learn", "rasterio", "jupyterlab", "ipykernel", "papermill"} <= chosen
    assert not chosen & {
        "pytest",
        "mypy",
        "dask",
        "distributed",
        "faiss-cpu",
        "pypandoc-binary",
        "setuptools",
    }
    assert not chosen & set(pack.BUILT)


def test_markers_are_those_of_the_students_machine() -> None:
    assert "appnope" in names("macos-arm64", "3.12")
    assert "appnope" not in names("linux-x86_64", "3.12")
    assert {"pywinpty", "colorama"} <= names("windows-x86_64", "3.11")
    assert "pexpect" not in names("windows-x86_64", "3.11")
    assert "overrides" in names("linux-x86_64", "3.11")
    assert "overrides" not in names("linux-x86_64", "3.13")
    # Which patch version a student has is not known.
    assert pack.is_needed(Marker("python_full_version >= '3.12.4'"), Target("linux-x86_64", "3.12"))


def test_a_package_comes_with_what_it_needs() -> None:
    lock = pack.read_lock(SMALL)
    assert lock["two"].via == {"one"}
    windows = pack.choose(lock, ["one>=1"], Target("windows-x86_64", "3.11"))
    assert [package.name for package in windows] == ["one", "three", "two"]
    assert [p.name for p in pack.choose(lock, ["one>=1"], Target("linux-x86_64", "3.12"))] == ["one"]
    assert pack.as_requirement(lock["one"]) == f"one==1.0 \\\n    --hash=sha256:{'a' * 64}\n"
    with pytest.raises(CourseError, match="has no comments '# via'"):
        pack.read_lock(re.sub(r"(?m)^ +#.*\n", "", SMALL))


def test_the_wheel_for_the_oldest_system_comes_first() -> None:
    assert pack.platform_tags("linux-aarch64")[0] == "manylinux_2_5_aarch64"
    assert pack.platform_tags("macos-arm64")[0] == "macosx_11_0_arm64"
    tags = [str(tag) for tag in pack.wheel_tags(Target("macos-arm64", "3.12"))]
    assert tags.index("cp312-cp312-macosx_11_0_arm64") < tags.index("cp312-cp312-macosx_14_0_arm64")
    assert {"cp311-abi3-macosx_11_0_arm64", "py3-none-any"} <= set(tags)


def test_a_wheel_is_used_again_if_it_fits_and_its_hash_does(tmp_path: Path) -> None:
    path = tmp_path / "one-1.0-cp312-cp312-win_amd64.whl"
    path.write_bytes(b"a wheel")
    package = pack.Locked("one", "1.0", None, frozenset({pack._sha256(path)}), frozenset())
    assert pack.missing([package], Target("windows-x86_64", "3.12"), tmp_path) == []
    assert pack.missing([package], Target("windows-x86_64", "3.11"), tmp_path) == [package]
    path.write_bytes(b"damaged")
    assert pack.missing([package], Target("windows-x86_64", "3.12"), tmp_path) == [package]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "ERROR: No matching distribution found for one==1.0",
            "one==1.0: no wheel of it is to be had for linux",
        ),
        (
            "Retrying: NewConnectionError\nERROR: No matching distribution found for one==1.0",
            "there is no network",
        ),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("ERROR: something\n", "pip says: something"),
    ],
)
def test_why_wheels_could_not_be_fetched_is_one_line(tmp_path: Path, said: str, words: str) -> None:
    told = pack.explain(said, tmp_path, Target("linux-x86_64", "3.12"), list(LOCK.values())[:1])
    assert words in told
    assert "\n" not in told


def test_what_cannot_be_packed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"^--python 3.10: not known; there are 3.11, 3.12, 3.13$"):
        pack.choose_targets([], ["3.10"])
    with pytest.raises(CourseError, match=r"^--platform beos: not known"):
        pack.choose_targets(["beos"], [])
    (tmp_path / "letter.txt").touch()
    with pytest.raises(CourseError, match="holds something else"):
        pack.pack(load(ROOT), tmp_path, [])
    with pytest.raises(CourseError, match="`course classroom make` writes them"):
        pack.pack(load(ROOT), tmp_path / "new", [], class_folder=tmp_path)
    assert not (tmp_path / "new").exists()


def test_of_a_class_only_the_students_notebooks_are_packed(tmp_path: Path) -> None:
    for name in ("students/a.ipynb", "students/notes.txt", "teacher/key.json"):
        (tmp_path / "class" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "class" / name).write_text("secret")
    pack.pack(load(ROOT), tmp_path / "out", [], class_folder=tmp_path / "class", say=lambda _: None)
    assert [path.name for path in (tmp_path / "out" / "students").iterdir()] == ["a.ipynb"]
    assert not [path for path in (tmp_path / "out").rglob("*") if path.name in ("teacher", "key.json")]
    held = json.loads((tmp_path / "out/course/exercises/to-do/04-exercises.ipynb").read_text("utf-8"))
    assert not [cell for cell in held["cells"] if "key" in cell["metadata"].get("tags", [])]


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """Return a stick without wheels, for two Pythons."""
    folder = tmp_path / "stick"
    (folder / "course/notebooks").mkdir(parents=True)
    (folder / "course/notebooks/one.ipynb").write_text("as packed")
    (folder / "README.md").touch()
    for python in ("3.11", "3.12"):
        (folder / f"requirements-linux-x86_64-{python}.txt").touch()
    return folder


def test_the_script_chooses_by_platform_and_python(stick: Path) -> None:
    assert set_up.choose_list(stick, "linux-x86_64", (3, 12)).name == "requirements-linux-x86_64-3.12.txt"
    with pytest.raises(set_up.SetUpError, match=r"this is Python 3\.13, .* has Python 3\.11 or 3\.12; run "):
        set_up.choose_list(stick, "linux-x86_64", (3, 13))
    with pytest.raises(set_up.SetUpError, match=r"is macos-arm64, .* for linux-x86_64 with Python 3\.11 or"):
        set_up.choose_list(stick, "macos-arm64", (3, 12))
    with pytest.raises(set_up.SetUpError, match="it is not whole"):
        set_up.choose_list(stick / "course", "linux-x86_64", (3, 12))


def test_copying_again_keeps_what_was_worked_in(stick: Path, tmp_path: Path) -> None:
    to = tmp_path / "mine"
    set_up.copy_course(stick, to)
    (to / "course/notebooks/one.ipynb").write_text("my work")
    set_up.copy_course(stick, to)
    assert (to / "course/notebooks/one.ipynb").read_text() == "my work"
    (tmp_path / "other").mkdir()
    (tmp_path / "other/letter.txt").touch()
    with pytest.raises(set_up.SetUpError, match="holds something else"):
        set_up.copy_course(stick, tmp_path / "other")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("No space left on device", "is full; make room"),
        ("No matching distribution found for one==1.0", "fits one==1.0 and this machine"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "is damaged; copy the stick again"),
        ("No module named ensurepip", "lacks ensurepip"),
    ],
)
def test_the_script_says_what_went_wrong(tmp_path: Path, said: str, words: str) -> None:
    with pytest.raises(set_up.SetUpError, match=words) as caught:
        set_up.run(
            [sys.executable, "-c", f"import sys; sys.exit({said!r})"], tmp_path, "nothing was installed"
        )
    assert "\n" not in str(caught.value)


def test_a_place_that_cannot_be_written_is_refused(
    stick: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*words: object, **named: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(set_up, "platform_name", lambda: "linux-x86_64")
    monkeypatch.setattr(set_up, "choose_list", lambda *words: stick / "requirements-linux-x86_64-3.11.txt")
    monkeypatch.setattr(set_up.tempfile, "TemporaryDirectory", refuse)
    assert set_up.main([], here=stick) == 1
    assert "copy the course elsewhere first: python set-up.py --to FOLDER" in capsys.readouterr().err


@pytest.mark.long
def test_a_bundle_sets_up_without_a_network(tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text("id,name\nada,Ada\n", encoding="utf-8")
    course = [sys.executable, "-m", "course", "classroom"]
    for words in (
        ["make", str(tmp_path / "roster.csv"), "--out", str(tmp_path / "class"), "-p", "size", "64", "-p", "scale", "16"],
        ["pack", "--out", str(tmp_path / "stick"), "--class", str(tmp_path / "class")],
        ["pack", "--out", str(tmp_path / "stick"), "--class", str(tmp_path / "class")],
    ):  # fmt: skip
        done = subprocess.run([*course, *words], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert " 0 to fetch" in done.stdout
    contained = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--"] if shutil.which("bwrap") else []
    environment = {**os.environ, "PIP_NO_INDEX": "1"}
    to = tmp_path / "a student's"
    script = [sys.executable, str(tmp_path / "stick/set-up.py"), "--to", str(to)]
    done = subprocess.run([*contained, *script], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("lab students\n")
    (notebook,) = (to / "students").glob("*.ipynb")
    cells = [cell for cell in json.loads(notebook.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    first = [
        "".join(c["source"]) for c in cells if {"parameters", "setup"} & set(c["metadata"].get("tags", []))
    ]
    code = "\n\n".join([*first, 'check("4.1", 0.0)'])
    python = str(to / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    done = subprocess.run(
        [*contained, python, "-I", "-c", code], capture_output=True, text=True, cwd=to, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "4.1: not yet" in done.stdout
