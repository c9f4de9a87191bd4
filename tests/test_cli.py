"""What the command line reads, prints and answers; and what Quarto's pre-render step runs."""

from __future__ import annotations

import ast
import json
import os
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from course import cli
from course.errors import CourseError
from course.setup import python_of
from tests.projects import FIXTURES, ROOT, course, make_project

TEXTS = [
    *["7", "-7", "+7", "07", "1_000", "7.0", ".5", "1e3", "1e400", "nan", "inf", "0x10", "1,000", "٣", "1j"],
    *[
        "True",
        "False",
        "None",
        "true",
        "null",
        "no",
        "2026-01-01",
        "text",
        "a=b",
        "[]",
        "",
        " 7 ",
        "two words",
    ],
]


@pytest.mark.parametrize("text", TEXTS)
def test_p_is_read_as_papermill_reads_it(text: str) -> None:
    from papermill.cli import _resolve_type

    ours, theirs = cli.read_value(text), _resolve_type(text)
    assert (type(ours), repr(ours)) == (type(theirs), repr(theirs))


def test_f_is_read_as_papermill_reads_it(tmp_path: Path) -> None:
    from papermill.iorw import read_yaml_file

    path = tmp_path / "params.yml"
    path.write_text(
        "seed: 7\nscale: 1e3\nsize: 1.0e+3\nday: 2026-01-01\nyes_: yes\nnothing:\nlist: [1, a]\n", "utf-8"
    )
    assert cli.read_parameters((), (path,)) == read_yaml_file(str(path))
    path.write_text("", "utf-8")
    assert cli.read_parameters((), (path,)) == {}


def test_p_wins_over_f_and_a_picture_is_found_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "params.yml").write_text("seed: 7\nsize: 64\nimage_path: a.png\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    found = cli.read_parameters((("seed", "8"),), (Path("params.yml"),))
    assert found == {"seed": 8, "size": 64, "image_path": str(tmp_path / "a.png")}


@pytest.mark.parametrize(
    "text", ["- 1\n", "text", "a: [", "1: 2\n", "\udcff", "seed: " + "9" * 5000, "[" * 3000]
)
def test_f_that_holds_no_values(tmp_path: Path, text: str) -> None:
    path = tmp_path / "params.yml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CourseError, match=r"^[^\n]*params\.yml: [^\n]+$"):
        cli.read_parameters((), (path,))
    with pytest.raises(CourseError, match="cannot be read: No such file"):
        cli.read_parameters((), (tmp_path / "none.yml",))


def test_exit_codes_and_single_lines(tmp_path: Path) -> None:
    project = make_project(tmp_path / "course", "records")
    (tmp_path / "course/empty").mkdir()
    for words, code, message in [
        (("run", "-p", "sead", "9"), 1, "course: unknown parameter sead = 9; did you mean seed?\n"),
        (
            ("run", "-p", "size", "1e3"),
            1,
            "course: size = 1000.0 is of type float; size must be a whole number",
        ),
        (
            ("run", "-p", "image_path", "5"),
            1,
            "course: image_path = 5: not a parameter of records; no chapter",
        ),
        (("run", "recrods"), 1, "course: unknown chapter recrods; did you mean records?\n"),
        (("stage", "--run", "none"), 1, "course: "),
        (("site", "--run", "empty"), 1, "course: "),
        (("check", "x" * 5000), 1, "course: "),
        (
            ("sweep", "--seeds", f"0:{10**30}"),
            1,
            f"course: --seeds 0:{10**30}: seed = {10**30 - 1} is out of",
        ),
        (("sweep", "--seeds", "0:4000000000"), 1, "course: --seeds 0:4000000000: names more than 1000000"),
        *(
            []
            if os.name == "nt"
            else [(("run", "-p", "seed", "\udcff"), 1, "course: seed = '\\udcff': not text")]
        ),
    ]:
        answer = course(project, *words)
        assert (answer[0], answer[2][: len(message)]) == (code, message)
        assert answer[2].count("\n") == 1
    for words in (
        ("nonsense",),
        ("run", "--jobs", "0"),
        ("site", "--renderer", "word"),
        ("run", "-p", "seed"),
        *(("run", "--timeout", seconds) for seconds in ("nan", "inf", "0", "1e9", "soon", "")),
        ("classroom", "mark", ".", "--key", "k", "--out", "o", "--timeout", "nan"),
    ):
        answer = course(project, *words)
        assert answer[0] == 2
        assert "Traceback" not in answer[2]
    code, out, err = course(project, "--help")
    assert (code, err) == (0, "")
    assert all(name in out for name in ("run", "params", "stage", "site", "preview", "gate"))


@pytest.mark.skipif(os.name != "posix", reason="a shell of POSIX")
@pytest.mark.parametrize("words", ["params", "--help", "gate empty", "setup --nonsense"])
def test_streams_that_are_closed_full_or_not_read(tmp_path: Path, words: str) -> None:
    project = make_project(tmp_path, "takes_nothing")
    (tmp_path / "empty").mkdir()

    def shell(how: str) -> tuple[int, str, str]:
        line = f"set -o pipefail; {shlex.quote(sys.executable)} -m course {words} {how}"
        done = subprocess.run(
            ["bash", "-c", line], cwd=project.root, env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    code, out, err = shell("")
    assert code == (0 if words in ("params", "--help") else 1)
    for how in ("<&-", "<&- | cat"):
        assert shell(how) == (code, out, err)
    assert shell(">&-") == (code, "", err)
    assert shell("| true") == (code, "", err)
    assert shell("2>&-") == shell("2>/dev/full") == (code, out, "")
    assert shell(">&- 2>&- <&-") == (code, "", "")
    if out and Path("/dev/full").exists():
        why = "course: standard output: No space left on device\n"
        assert shell("> /dev/full") == (1, "", err + why)


def test_outside_a_course(tmp_path: Path) -> None:
    project = make_project(tmp_path, "records")
    (tmp_path / "_quarto.yml").unlink()
    code, _, err = course(project, "run")
    assert code == 1
    assert err.startswith("course: no course here: ")
    assert err.count("\n") == 1


def test_params_prints_the_table(tmp_path: Path) -> None:
    code, out, err = course(make_project(tmp_path, "records", "takes_nothing"), "params")
    assert (code, err) == (0, "")
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert rows["seed"].split()[:3] == ["seed", "int", "0"]
    assert "a whole number from 0 to 4294967295" in rows["seed"]
    assert rows["seed"].rstrip().endswith("records")
    assert rows["octaves"].rstrip().endswith("layers of noise that are added up")


def test_run_is_found_by_folder_or_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(tmp_path, "takes_nothing")
    assert course(project, "run", "--out", "elsewhere/mine")[0] == 0
    shutil.copytree(tmp_path / "elsewhere/mine", tmp_path / "runs/named")
    monkeypatch.chdir(tmp_path)
    assert cli.find_run(project, "elsewhere/mine").folder == tmp_path / "elsewhere/mine"
    assert cli.find_run(project, "named").folder == tmp_path / "runs/named"
    with pytest.raises(CourseError, match="there is no such run; in runs/ there are: named"):
        cli.find_run(project, "other")


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Python in which nothing is installed."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False)
    return python_of(folder)


def test_without_the_packages_one_line_says_what_to_do(bare_python: Path) -> None:
    for words in (["-m", "course", "run"], ["-m", "course"]):
        done = subprocess.run([bare_python, *words], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.endswith("is not installed here; run 'python -m course setup'\n")
        assert done.stderr.count("\n") == 1


def test_what_runs_on_a_bare_python_can_be_read_by_old_ones() -> None:
    for name in ("__init__", "__main__", "streams", "setup", "prerender", "postrender"):
        ast.parse((ROOT / "course" / f"{name}.py").read_text("utf-8"), feature_version=(3, 7))


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for Python is a shell script")
def test_prerender_stages_with_the_python_that_has_the_packages(tmp_path: Path, bare_python: Path) -> None:
    project = make_project(tmp_path, "takes_nothing")
    shutil.copytree(ROOT / "course", tmp_path / "course", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("site", "subprocess", "pathlib", "os"):  # names of the standard library
        (tmp_path / "course" / f"{name}.py").write_text("raise SystemExit('the wrong module')\n", "utf-8")

    def prerender(**environment: str) -> subprocess.CompletedProcess[str]:
        kept = {
            name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "COURSE_PYTHON")
        }
        return subprocess.run(
            [bare_python, "course/prerender.py"],
            cwd=project.root,
            env={**kept, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    done = prerender()
    assert (done.returncode, done.stderr) == (
        1,
        "course: the packages are not installed; run 'make setup' first\n",
    )

    stand_in = tmp_path / ".venv/bin/python"
    stand_in.parent.mkdir(parents=True)
    stand_in.write_text('#!/bin/sh\n[ "$1" = -c ] && exit 0\necho "$0 $* in $PWD"\nexit 5\n', "utf-8")
    stand_in.chmod(0o755)
    done = prerender()
    assert (done.returncode, done.stdout) == (5, f"{stand_in} -m course stage in {tmp_path}\n")
    done = prerender(COURSE_PYTHON=str(stand_in.rename(tmp_path / "mine")))
    assert (done.returncode, done.stdout) == (5, f"{tmp_path / 'mine'} -m course stage in {tmp_path}\n")


def quarto_step(root: Path, python: Path, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a step as Quarto does, with variables of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUARTO_")}
    return subprocess.run(
        [python, f"course/{name}.py"], cwd=root, env={**kept, **environment}, capture_output=True, text=True, check=False
    )  # fmt: skip


def test_quarto_puts_no_single_page_into_a_site_of_the_embedded_renderer(
    tmp_path: Path, bare_python: Path
) -> None:
    shutil.copytree(ROOT / "course", tmp_path / "course", ignore=shutil.ignore_patterns("__pycache__"))
    home = tmp_path / "_site" / "index.html"
    home.parent.mkdir()

    def step(**environment: str) -> str:
        return quarto_step(tmp_path, bare_python, "prerender", COURSE_PYTHON="false", **environment).stderr

    home.write_text('<meta name="generator" content="embedded renderer (Pandoc 3)">')
    assert "render all of it once: quarto render" in step(QUARTO_PROJECT_OUTPUT_DIR="_site")
    assert step(QUARTO_PROJECT_OUTPUT_DIR="_site", QUARTO_PROJECT_RENDER_ALL="1") == ""
    assert step(QUARTO_PROJECT_OUTPUT_DIR="_site.quarto") == ""
    assert step() == ""
    home.write_text('<meta name="generator" content="quarto-1.11.0">')
    assert step(QUARTO_PROJECT_OUTPUT_DIR="_site") == ""


def test_a_site_of_plain_quarto_has_manifest_and_record_and_no_run_cards_in_its_search(
    tmp_path: Path, bare_python: Path
) -> None:
    shutil.copytree(ROOT / "course", tmp_path / "course", ignore=shutil.ignore_patterns("__pycache__"))
    site = tmp_path / "out"
    site.mkdir()
    (tmp_path / "downloads").mkdir()
    for name in ("manifest.json", "record.json"):
        (tmp_path / "downloads" / name).write_text(name)
    entries = [
        {"href": f"chapters/04.html{anchor}", "text": "silhouette → k"} for anchor in ("#run", "#knee", "")
    ]
    (site / "search.json").write_text(json.dumps(entries))
    done = quarto_step(tmp_path, bare_python, "postrender", QUARTO_PROJECT_OUTPUT_DIR="out")
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in site.iterdir()} == {"manifest.json", "record.json", "search.json"}
    assert (site / "record.json").read_text() == "record.json"
    assert json.loads((site / "search.json").read_text("utf-8")) == entries[1:]


def test_fixtures_are_notebooks_without_outputs() -> None:
    from course.project import read_notebook

    for path in FIXTURES.glob("*.ipynb"):
        assert not any(cell.get("outputs") for cell in read_notebook(path)["cells"]), path
