"""What is handed out is whole: the zip, the bundle, the wheel, and a notebook that is taken along alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from html import unescape
from pathlib import Path

import pypandoc
import pytest

from course import downloads, markdown, stage
from course.check import is_default
from course.classroom import make, pack
from course.exercises import text_of
from course.gate import check_site, read_page
from course.project import Project, load, read_notebook, what_it_needs
from course.run import Run
from tests.conftest import SHELL, ensure
from tests.projects import ROOT

# What only those need who change the course.
NOT_HANDED_OUT = re.compile(r"\.|tests/|benchmarks/")
HOSTILE = [
    "my`pic [a](b).png",
    "{{< include secret.md >}}.png",
    "**bold** _it_ $x$ @fig-x ^[note].png",
    '<script>alert("x")</script>.png',
    "a | b ::: {#id}.png",
    "two\nlines -- and\ttabs....png",
    "  ``` .png",
    "&lt;b&gt;.png",
]


def tracked() -> set[str]:
    """Return the files under git that are handed out."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("no git here")
    return {name for name in done.stdout.splitlines() if not NOT_HANDED_OUT.match(name)}


def data_named() -> set[str]:
    """Return the files of data/ that chapters, exercises, helpers and sweeps name, and that they look for."""
    folders = {"notebooks": "ipynb", "exercises": "ipynb", "helpers": "py", "sweeps": "py"}
    sources = [path for folder, kind in folders.items() for path in ROOT.glob(f"{folder}/*.{kind}")]
    text = "".join(path.read_text("utf-8") for path in sources)
    return {f"data/{path.name}" for path in (ROOT / "data").iterdir() if path.name in text}


def names_in(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as held:
        return set(held.namelist())


@pytest.fixture(scope="module")
def unpacked(small_course: tuple[Project, Run], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the zip makes."""
    project, run = small_course
    stage.stage(project, run)
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(project.root / "downloads" / "course.zip") as archive:
        archive.extractall(folder)
    return folder / "course"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel of the course, built without a network from what is handed out."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in tracked():
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / "source" / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    words = [*pip, "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(folder / "source")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


def test_chapters_name_data_that_is_there() -> None:
    assert data_named() >= {"data/landsat_rgb.tif", "data/sweep.csv", "data/variants.csv"}


def test_what_is_handed_out_is_all_that_is_under_git(tmp_path: Path) -> None:
    assert tracked() - set(downloads.course_files(load(ROOT))) == set()
    pack.pack(load(ROOT), tmp_path / "stick", [], say=lambda _: None)
    assert not {name for name in tracked() if not (tmp_path / "stick" / "course" / name).is_file()}
    landsat = "data/landsat_rgb.tif"
    assert (tmp_path / "stick" / "course" / landsat).read_bytes() == (ROOT / landsat).read_bytes()


def test_a_new_file_of_data_is_handed_out_whatever_it_is_called(tmp_path: Path) -> None:
    project = load(ROOT)
    for name in ("data", "assets", "helpers", "course"):
        (tmp_path / name).mkdir()
        for file in ("new.parquet", "no_suffix", "more/of.it"):
            (tmp_path / name / file).parent.mkdir(exist_ok=True)
            (tmp_path / name / file).touch()
    for name in (*downloads.ZIPPED, *(p.source.relative_to(ROOT).as_posix() for p in project.parts)):
        if not (tmp_path / name).exists():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    # what a teacher may have at the top is nobody's business
    for name in ("roster.csv", "class/teacher/key.json", "data/.secret", "helpers/__pycache__/x.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    held = set(downloads.course_files(load(tmp_path)))
    assert {
        f"{n}/{f}" for n in ("data", "assets") for f in ("new.parquet", "no_suffix", "more/of.it")
    } <= held
    assert not {name for name in held if re.search(r"roster|key\.json|secret|pycache", name)}


def test_the_zip_holds_all_that_is_under_git(unpacked: Path) -> None:
    assert {name for name in tracked() if not (unpacked / name).is_file()} == set()
    for name in data_named():
        assert (unpacked / name).read_bytes() == (ROOT / name).read_bytes()


def test_the_unpacked_zip_makes_the_same_zip_again(unpacked: Path, small_course: tuple[Project, Run]) -> None:
    again = load(unpacked)
    assert [chapter.name for chapter in again.parts] == [chapter.name for chapter in small_course[0].parts]
    assert set(downloads.course_files(again)) == set(downloads.course_files(small_course[0]))


def test_a_run_of_a_zip_made_at_other_values_is_no_default_run() -> None:
    for size, default in ((512, True), (64, False)):
        entry = {"parameters": {"size": size}}
        run = Run(ROOT, {"parameters": {}, "chapters": {"02-synthetic-landscape": entry}})
        assert is_default(run) is default


def test_the_zips_notebooks_are_those_in_git_with_the_runs_values(
    unpacked: Path, small_course: tuple[Project, Run]
) -> None:
    project, run = small_course
    website = {**project.website, "repo-url": "https://github.com/someone/course"}
    named = Project(project.root, {**project.config, "website": website})
    zipped = downloads.course_zip(named, run)
    (unpacked.parent / "named.zip").write_bytes(zipped)
    with zipfile.ZipFile(unpacked.parent / "named.zip") as archive:
        for chapter in project.chapters:
            text = archive.read(f"course/notebooks/{chapter.name}.ipynb").decode()
            assert "git clone" not in text  # it would run wherever the zip's chapters are run
            cells, own = json.loads(text)["cells"], read_notebook(chapter.source)["cells"]
            assert [cell["id"] for cell in cells] == [cell["id"] for cell in own]


def test_the_wheel_holds_what_helpers_read_and_no_package_called_data(wheel: Path) -> None:
    held = names_in(wheel)
    assert {
        name for name in tracked() if name.startswith(("helpers/", "figures/", "claims/", "course/"))
    } <= held
    assert {name.replace("data/", "helpers/_data/") for name in data_named()} <= held
    exercises = {name for name in tracked() if name.startswith("exercises/")}
    assert {name.replace("exercises/", "helpers/_exercises/") for name in exercises} <= held
    assert {name.partition("/")[0] for name in held if ".dist-info" not in name} == {
        "helpers",
        "figures",
        "claims",
        "sweeps",
        "course",
    }


CHECKED = """
import sys
sys.path.insert(0, {place!r})
import helpers
assert helpers.__file__.startswith({place!r}), helpers.__file__
from course import sweep
from sweeps import variants
from helpers import check, raster, selection
assert len(sweep.read(selection.SWEEP)[0]) == 200
assert len(variants.vetted()) > 100
assert raster.read().image.ndim == 3
assert check.source_of("04").is_file()
size, scale, seed = 64, 16.0, 3
check.check("4.1", 0.0)
"""


def test_an_installed_wheel_reads_its_data(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:  # what pip does with a wheel of Python alone
        archive.extractall(tmp_path / "site")
    code = CHECKED.format(place=str(tmp_path / "site"))
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "4.1: not yet" in done.stdout


@pytest.mark.long
def test_an_installed_wheel_runs_chapters_that_read_data(wheel: Path, tmp_path: Path) -> None:
    """Chapters 4, 11 and 13, by plain papermill, in an environment that has the wheel and no checkout."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")  # lib64 is a link to it
    outer = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (packages / "outer.pth").write_text(
        "\n".join(outer) + "\n", "utf-8"
    )  # only their packages: no .pth of theirs
    python = str(venv / "bin" / "python")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "--disable-pip-version-check",
        "install",
        "--quiet",
    ]
    words = [*pip, "--no-deps", "--no-index", "--ignore-installed", str(wheel)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    small = ["-p", "size", "64", "-p", "scale", "16"]
    for number, values in (("04", small), ("11", []), ("13", small)):
        (source,) = (ROOT / "notebooks").glob(f"{number}-*.ipynb")
        words = [python, "-m", "papermill", str(source), str(tmp_path / f"{number}.ipynb"), *values]
        words += ["--cwd", str(tmp_path), "--no-progress-bar"]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | SHELL
        environment["JUPYTER_PATH"] = str(_kernel(tmp_path, python))
        done = subprocess.run(
            words, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]


def _kernel(folder: Path, python: str) -> Path:
    """Return a folder for JUPYTER_PATH whose kernel python3 is this Python."""
    spec = folder / "jupyter" / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True, exist_ok=True)
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}), "utf-8")
    return folder / "jupyter"


@pytest.mark.long
def test_the_unpacked_zip_builds_the_site_and_the_same_zip(default_course: Project, tmp_path: Path) -> None:
    """`make site` there, but for the set-up: what the default run executed is reused, as the notebooks are the same."""
    run = ensure(default_course, None, {}, default_course.root / "runs" / "default")
    stage.stage(default_course, run)
    made = default_course.root / "downloads" / "course.zip"
    with zipfile.ZipFile(made) as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "course"
    shutil.copytree(run.folder, folder / "runs" / "default")
    done = subprocess.run(
        [sys.executable, "-m", "course", "site", "--renderer", "embedded"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "started" not in done.stdout
    assert check_site(folder / "_site") == []
    assert (folder / "downloads" / "course.zip").read_bytes() == made.read_bytes()


# A notebook that is taken along alone


def test_a_notebook_taken_along_says_what_it_needs(small_course: tuple[Project, Run], tmp_path: Path) -> None:
    project, run = small_course
    stage.stage(project, run)
    for part in project.parts:
        cells = read_notebook(project.root / "downloads" / f"{part.name}.ipynb")["cells"]
        top = "\n".join(text_of(cell) for cell in cells[:2] if cell["cell_type"] == "markdown")
        assert "`helpers`" in top
        assert "`course.zip`" in top
        assert "http" not in top  # no address is known
        assert ("exercises/to-do" if part in project.exercises else "`notebooks`") in top
    for chapter in project.chapters:
        page = (project.root / "chapters" / f"{chapter.name}.ipynb").read_text("utf-8")
        assert "If Python finds no" not in page


def test_the_address_of_the_zip_is_told_where_it_is_known() -> None:
    project = load(ROOT)
    website = {**project.website, "site-url": "https://someone.github.io/course/"}
    told = what_it_needs(Project(project.root, {**project.config, "website": website}), "notebooks")
    assert "[`course.zip`](https://someone.github.io/course/downloads/course.zip)" in told
    assert told.count(". ") == 0


def test_a_students_notebook_says_what_it_needs() -> None:
    project = load(ROOT)
    source = read_notebook(project.exercises[1].source)
    notebook = make.student_notebook(source, {}, {}, "x", what_it_needs(project, "exercises/to-do"))
    assert "`course.zip`" in text_of(notebook["cells"][0])


# Names that hold markup


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "around", ["The file {}, read.", "| a | b |\n|:--|:--|\n| {} | 2 |\n\n: With {}. {{#tbl-x}}"]
)
def test_a_name_is_shown_as_code_whatever_it_holds(name: str, around: str) -> None:
    html = pypandoc.convert_text(around.format(*[markdown.code(name)] * 2), "html5", format="markdown")
    shown = [re.sub(r"<[^>]*>", "", part) for part in re.findall(r"<code>(.*?)</code>", html, re.DOTALL)]
    printable = "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)
    assert {" ".join(unescape(part).split()) for part in shown} == {" ".join(printable.split())}
    assert "<script" not in html
    assert "<a " not in html
    assert "{{<" not in markdown.code(name)


def test_a_site_of_a_picture_whose_name_holds_markup_is_made(
    small_course: tuple[Project, Run], tmp_path: Path
) -> None:
    """The pages of a run whose manifest names such a picture; the chapters' own sentences are tested above."""
    from course.site import build

    project, run = small_course
    name = "{{< x >}} `a` [b](c) <i> *d*.png"
    chapters = {
        chapter: {**entry, "parameters": {**entry["parameters"], "image_path": f"/home/me/{name}"}}
        if "image_path" in entry["parameters"]
        else entry
        for chapter, entry in run.manifest["chapters"].items()
    }
    given = {**run.manifest["parameters"], "image_path": f"/home/me/{name}"}
    picture = {"name": name, "sha256": "0" * 64}
    own = Run(run.folder, {**run.manifest, "parameters": given, "chapters": chapters, "picture": picture})
    index, _ = build(project, own, "embedded", tmp_path / "site")
    site = index.parent
    escaped = name.replace("<", "&lt;").replace(">", "&gt;")
    for page in ("index.html", "chapters/this-run.html", "chapters/11-satellite-image.html"):
        text = re.sub(r"</?(span|code)[^>]*>", "", (site / page).read_text("utf-8"))
        assert escaped in text.replace("\\x7b", "{"), page
    assert "c" not in read_page(site / "chapters/this-run.html").links
    assert "/home/me" not in (site / "manifest.json").read_text("utf-8")
    stage.stage(project, run)
