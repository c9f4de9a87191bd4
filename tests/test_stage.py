"""Executed notebooks become pages' sources: what is shown, how, and what is refused."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from course import stage
from course.errors import CourseError
from course.project import Chapter, Project, load, read_notebook
from course.run import Run


def code(source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {},
        "source": source,
        "outputs": list(outputs),
        "execution_count": 1,
    }


def shown(**data: Any) -> dict[str, Any]:
    names = {"markdown": "text/markdown", "html": "text/html", "plain": "text/plain", "png": "image/png"}
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {names.get(k, k): v for k, v in data.items()},
    }


def staged_cells(cell: dict[str, Any]) -> list[str]:
    chapter = Chapter("01-x", Path("notebooks/01-x.ipynb"))
    cells = stage._code_cells(stage.Staged(), chapter, cell, "01-x.ipynb, cell 4")
    return [f"{c['cell_type']}: {stage.source_of(c)}" for c in cells]


def test_prose_cells_show_only_what_they_say() -> None:
    assert staged_cells(code("#| echo: false\nrecord.prose('x')", shown(markdown="Two."))) == [
        "markdown: Two."
    ]


def test_code_is_kept_and_its_text_fenced() -> None:
    printed = {"output_type": "stream", "name": "stdout", "text": ["a ``` b\n"]}
    assert staged_cells(code("print(1)", printed)) == [
        "code: print(1)",
        "markdown: ::: {.cell-output}\n````\na ``` b\n````\n:::",
    ]


def test_html_and_unknown_options_and_errors_are_refused_with_their_place() -> None:
    error = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []}
    for cell, reason in [
        (code("table", shown(html="<table>", plain="table")), "shows text/html, text/plain"),
        (code("#| fig-cap: x\nplot()"), "the only cell option"),
        (code("fail()", error), "ended with ValueError: no"),
    ]:
        with pytest.raises(CourseError, match=reason) as caught:
            staged_cells(cell)
        assert "01-x.ipynb, cell 4" in str(caught.value)


def test_a_figure_becomes_a_div_of_two_images_with_alt_text() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 2)).save(buffer, "PNG")
    png = base64.b64encode(buffer.getvalue()).decode()
    about = {"label": "fig-x", "caption": "A *caption*.", "alt": 'A "line".', "dark": png, "width": 640}
    staged = stage.Staged()
    output = shown(png=png, **{stage.FIGURE: about})
    text = stage._output_markdown(staged, Chapter("01-x", Path("x.ipynb")), output, "")
    assert text == (
        "::: {#fig-x}\n"
        '![](01-x_files/fig-x-light.png){.light-content fig-alt="A \\"line\\"." width=640}\n\n'
        '![](01-x_files/fig-x-dark.png){.dark-content fig-alt="A \\"line\\"." width=640}\n\n'
        "A *caption*.\n:::"
    )
    assert set(staged.files) == {"chapters/01-x_files/fig-x-light.png", "chapters/01-x_files/fig-x-dark.png"}


def test_marked_quotes_become_callouts_and_others_stay() -> None:
    cell = {
        "cell_type": "markdown",
        "source": "Before.\n\n> **Try it.** One\n> two.\n>\n> Three.\n\nAfter.\n\n> A quote.",
    }
    assert stage.cell_markdown(cell) == (
        'Before.\n\n::: {.callout-tip title="Try it"}\nOne\ntwo.\n\nThree.\n:::\n\nAfter.\n\n> A quote.'
    )


def test_the_runs_values_replace_the_defaults() -> None:
    parameters = {
        **code("# Parameters of this chapter\nseed = 0\nscale = 128.0"),
        "metadata": {"tags": ["parameters"]},
    }
    injected = {**code("# Parameters\nseed = 7"), "metadata": {"tags": ["injected-parameters"]}}
    notebook = stage.with_parameters(
        {"cells": [parameters, injected, code("x")]}, {"seed": 7, "scale": 128.0}
    )
    sources = [stage.source_of(cell) for cell in notebook["cells"]]
    assert sources == ["# Parameters of this chapter\nseed = 7\nscale = 128.0", "x"]


def test_staging_again_changes_nothing_and_what_is_gone_is_removed(small_course: tuple[Project, Run]) -> None:
    project, run = small_course
    stage.stage(project, run)
    assert stage.stage(project, run) == []
    stray = project.root / "chapters" / "old.ipynb"
    stray.write_text("{}")
    assert stage.stage(project, run) == [stray]
    assert not stray.exists()


def test_every_page_says_which_run_made_it_and_offers_it(small_course: tuple[Project, Run]) -> None:
    project, run = small_course
    stage.stage(project, run)
    for chapter in project.chapters:
        values = run.manifest["chapters"][chapter.name]["parameters"]
        card = stage.source_of(
            read_notebook(project.root / "chapters" / f"{chapter.name}.ipynb")["cells"][-1]
        )
        assert all(f"`{name} = {value!r}`" in card for name, value in values.items())
        offered = read_notebook(project.root / "downloads" / f"{chapter.name}.ipynb")
        assert f"seed = {values['seed']}" in stage.source_of(offered["cells"][1])
        assert all(not cell.get("outputs") for cell in offered["cells"])


def test_addresses_appear_when_they_are_set_and_only_then(small_course: tuple[Project, Run]) -> None:
    project, _ = small_course
    chapter = project.chapters[0]
    assert "github" not in stage._run_card(project, chapter, {})
    website = {**project.website, "repo-url": "https://github.com/someone/course"}
    named = Project(project.root, {**project.config, "website": website})
    card = stage._run_card(named, chapter, {})
    assert f"https://github.com/someone/course/edit/main/notebooks/{chapter.name}.ipynb" in card
    assert "colab.research.google.com/github/someone/course" in card
    assert "mybinder.org/v2/gh/someone/course" in card
    assert "%pip install" in stage.source_of(stage._download(named, chapter, {})["cells"][1])


def test_a_pictures_path_is_published_by_its_name_alone() -> None:
    assert stage._published({"image_path": "/home/me/lake.png", "seed": 1}) == {
        "image_path": "lake.png",
        "seed": 1,
    }


def test_a_published_manifest_names_no_path_of_the_machine() -> None:
    path = "/home/me/lake.png"
    manifest = {
        "parameters": {"image_path": path},
        "chapters": {"03": {"parameters": {"image_path": path, "seed": 1}}},
    }
    assert "/home" not in json.dumps(stage.published_manifest(manifest))


def test_a_run_without_all_chapters_is_refused(small_course: tuple[Project, Run]) -> None:
    project, run = small_course
    part = Run(run.folder, {**run.manifest, "chapters": {}})
    with pytest.raises(CourseError, match="a site needs a run of the whole course"):
        stage.stage(project, part)


def test_the_zip_runs_in_an_empty_folder(small_course: tuple[Project, Run], tmp_path: Path) -> None:
    project, run = small_course
    stage.stage(project, run)
    with zipfile.ZipFile(project.root / "downloads" / "course.zip") as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "course"
    assert load(folder).chapters
    done = subprocess.run(
        [sys.executable, "-m", "course", "run", project.chapters[0].name, "-p", "size", "64", "-p", "scale", "16"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    manifest = json.loads(next(folder.glob("runs/*/manifest.json")).read_text())
    assert manifest["complete"] is True
