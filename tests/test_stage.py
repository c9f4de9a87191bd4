"""Executed notebooks become pages' sources: what is shown, how, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from course import downloads, inline, places, stage, thisrun
from course.errors import CourseError
from course.exercises import tags_of, text_of
from course.project import Chapter, Project, literals, load, read_notebook
from course.run import Run
from helpers.check import ANSWER


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
    return [f"{c['cell_type']}: {text_of(c)}" for c in cells]


def test_code_is_kept_and_its_text_fenced() -> None:
    printed = {"output_type": "stream", "name": "stdout", "text": ["a ``` b\n"]}
    assert staged_cells(code("print(1)", printed)) == [
        "code: print(1)",
        "markdown: ::: {.cell-output}\n````\na ``` b\n````\n:::",
    ]


def test_foreign_outputs_unknown_options_and_errors_are_refused_with_their_place() -> None:
    error = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []}
    for cell, reason in [
        (code("table", shown(png="iVBOR", plain="figure")), "shows image/png, text/plain"),
        (code("#| echo: false\nplot()"), "unknown option echo"),
        (code("#| label: fig-x\n#| fig-cap: x\nplot()"), "fig-x has no fig-alt"),
        (code("fail()", error), "ended with ValueError: no"),
    ]:
        with pytest.raises(CourseError, match=reason) as caught:
            staged_cells(cell)
        assert "01-x.ipynb, cell 4" in str(caught.value)


def test_an_answer_is_not_shown_and_a_table_becomes_markdown() -> None:
    answer = shown(**{ANSWER: {"exercise": "1.1", "answer": 3}})
    html = "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>"
    options = '#| label: tbl-x\n#| tbl-cap: "One *thing*."\n'
    assert staged_cells(code(f"{options}table", answer, shown(html=html, plain="a"))) == [
        "code: table",
        "markdown: | a |\n| --: |\n| 1 |\n\n: One *thing*. {#tbl-x}",
    ]


def test_guides_are_shown_with_the_values_of_the_run_and_keys_are_not(
    small_course: tuple[Project, Run],
) -> None:
    project, run = small_course
    stage.stage(project, run)
    for exercises in project.exercises:
        chapter = next(c for c in project.chapters if project.exercises_of(c) == exercises)
        page = "\n".join(
            map(text_of, read_notebook(project.root / f"chapters/{chapter.name}.ipynb")["cells"])
        )
        executed = {cell["id"]: cell for cell in read_notebook(run.notebook(exercises.name))["cells"]}
        source = read_notebook(exercises.source)
        guides = [cell["id"] for cell in source["cells"] if "guide" in tags_of(cell)]
        assert guides, exercises.name
        for cell in (executed[name] for name in guides):
            assert inline.resolve(text_of(cell), cell) in page
        offered = json.dumps(read_notebook(project.root / f"downloads/{exercises.name}.ipynb"))
        for cell in source["cells"]:
            if "key" in tags_of(cell):
                assert text_of(cell) not in page
            if tags_of(cell) & {"key", "guide", "solution"}:
                assert json.dumps(text_of(cell))[1:-1] not in offered
        assert "{python}" not in offered


def test_marked_quotes_become_callouts_and_others_stay() -> None:
    cell = "Before.\n\n> **Try it.** One\n> two.\n>\n> Three.\n\nAfter.\n\n> A quote."
    assert stage.with_callouts(cell) == (
        'Before.\n\n::: {.callout-tip title="Try it"}\nOne\ntwo.\n\nThree.\n:::\n\nAfter.\n\n> A quote.'
    )


def test_the_runs_values_replace_the_defaults_and_nothing_else_in_the_cell() -> None:
    source = (
        "# Parameters of this chapter\nseed: int = 0  # any\nscale = 128.0\nfirst_n_clusters = 7  # 2 to 10"
    )
    cells = [
        {**code(source), "metadata": {"tags": ["parameters"]}},
        {**code("# Parameters\nseed = 7"), "metadata": {"tags": ["injected-parameters"]}},
        code("x"),
    ]
    values = {"seed": 5, "scale": 128.0, "first_n_clusters": 4}
    replaced, last = map(text_of, downloads.with_parameters({"cells": cells}, values)["cells"])
    assert replaced == source.replace("= 0 ", "= 5 ").replace("= 7 ", "= 4 ")
    assert last == "x"


def test_staging_again_changes_nothing_and_what_is_gone_is_removed(small_course: tuple[Project, Run]) -> None:
    project, run = small_course
    stage.stage(project, run)
    assert stage.stage(project, run) == []
    gone = project.root / "chapters" / "old.ipynb"  # of a chapter that had another name when it was staged
    gone.write_text("{}")
    made = places.read_list(project.root / "chapters", "staging")
    assert made
    places.write_list(project.root / "chapters", "staging", {*made, "chapters/old.ipynb"})
    assert stage.stage(project, run) == [gone]
    assert not gone.exists()


def test_a_file_of_ones_own_among_the_staged_ones_is_refused_and_kept(
    small_course: tuple[Project, Run],
) -> None:
    project, run = small_course
    stage.stage(project, run)
    for name in ("chapters/draft.ipynb", "downloads/deep/roster.csv"):
        mine = project.root / name
        mine.parent.mkdir(exist_ok=True)
        mine.write_text("mine")
        with pytest.raises(CourseError, match=f"holds {name.partition('/')[2]}, which the course did not"):
            stage.stage(project, run)
        assert mine.read_text() == "mine"
        mine.unlink()
    assert stage.stage(project, run) == []


def test_every_page_says_which_run_made_it_and_offers_it(small_course: tuple[Project, Run]) -> None:
    project, run = small_course
    stage.stage(project, run)
    for chapter in project.chapters:
        values = run.manifest["chapters"][chapter.name]["parameters"]
        card = text_of(read_notebook(project.root / "chapters" / f"{chapter.name}.ipynb")["cells"][-1])
        assert all(f"`{name} = {value!r}`" in card for name, value in values.items())
        offered = read_notebook(project.root / "downloads" / f"{chapter.name}.ipynb")
        (declared,) = [c for c in offered["cells"] if "parameters" in c["metadata"].get("tags", [])]
        assert literals(text_of(declared)) == values
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
    downloaded = downloads.chapter_notebook(named, chapter, {})["cells"]
    assert any("%pip install" in text_of(cell) for cell in downloaded[:3])


def test_a_pictures_path_is_published_by_its_name_alone() -> None:
    assert downloads.published_values({"image_path": "/home/me/lake.png", "seed": 1}) == {
        "image_path": "lake.png",
        "seed": 1,
    }


def test_a_published_manifest_names_no_path_of_the_machine() -> None:
    path = "/home/me/lake.png"
    manifest = {
        "parameters": {"image_path": path},
        "chapters": {"03": {"parameters": {"image_path": path, "seed": 1}}},
    }
    assert "/home" not in json.dumps(downloads.published_manifest(manifest))


def test_a_published_record_names_no_path_of_the_machine(tmp_path: Path) -> None:
    for path in ("/home/me/lake.png", "C:\\me\\lake.png"):
        record = {"03": {"source": f"the picture {path}", "names": [{"path": path}]}}
        (tmp_path / "record.json").write_text(json.dumps(record))
        run = Run(
            tmp_path, {"chapters": {"03": {"parameters": {"image_path": path}}, "02": {"parameters": {}}}}
        )
        name = Path(path).name
        assert downloads.published_record(run) == {
            "03": {"source": f"the picture {name}", "names": [{"path": name}]}
        }


def test_the_page_about_the_run_says_what_ran(small_course: tuple[Project, Run]) -> None:
    project, run = small_course
    stage.stage(project, run, "Quarto 1.99")
    text = (project.root / "chapters" / "this-run.qmd").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    manifest = run.manifest
    assert ["`seed`", "`5`", "given"] in rows
    assert ["`octaves`", "`6`", "default"] in rows
    assert ["Python", manifest["python"]] in rows
    assert ["platform", f"`{manifest['platform']}`"] in rows
    assert ["commit of the course", "not known: the run was made outside git"] in rows
    assert ["renderer of these pages", "Quarto 1.99"] in rows
    assert all([f"`{name}`", version] in rows for name, version in manifest["packages"].items())
    assert all([f"`{name}`", f"`{key}`"] in rows for name, key in manifest["inputs"].items())
    for name, entry in manifest["chapters"].items():
        memory = f"{entry['peak_memory_mb']:,.0f}"
        chapter = next(c.name for c in project.chapters if c.name[:2] == name[:2])
        page = f"{chapter}.ipynb#exercises" if name.endswith("-exercises") else f"{name}.ipynb"
        assert [f"[{name}]({page})", f"{entry['seconds']:.1f}", memory] in rows
    assert "search: false" in text.split("---")[1]
    for name, held in (("manifest", {**manifest, "renderer": "Quarto 1.99"}), ("record", run.record)):
        assert f"](../downloads/{name}.json)" in text
        assert json.loads((project.root / "downloads" / f"{name}.json").read_text("utf-8")) == held
    stage.stage(project, run)
    assert "renderer of these pages" not in (project.root / "chapters" / "this-run.qmd").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize(
    ("commit", "dirty", "said"),
    [("abc", True, "`abc`, with edits since"), ("abc", False, "`abc`, without edits")],
)
def test_the_page_about_the_run_says_whether_the_code_was_edited(
    small_course: tuple[Project, Run], commit: str, dirty: bool, said: str
) -> None:
    manifest = {**small_course[1].manifest, "commit": commit, "dirty": dirty}
    assert f"| commit of the course | {said} |" in thisrun.page(manifest, {})


def test_every_page_links_to_the_page_about_the_run(small_course: tuple[Project, Run]) -> None:
    project, run = small_course
    stage.stage(project, run)
    for chapter in project.chapters:
        page = read_notebook(project.root / "chapters" / f"{chapter.name}.ipynb")
        assert "](this-run.qmd)" in text_of(page["cells"][-1])
    assert "](chapters/this-run.qmd)" in (project.root / "chapters" / "_run.md").read_text(encoding="utf-8")


def test_times_are_told_nowhere_but_in_the_manifest_and_its_page(small_course: tuple[Project, Run]) -> None:
    project, run = small_course
    stage.stage(project, run)
    chapters = {
        name: {**entry, "seconds": 12345.6, "peak_memory_mb": 7654.3}
        for name, entry in run.manifest["chapters"].items()
    }
    slower = Run(run.folder, {**run.manifest, "chapters": chapters})
    changed = [path.relative_to(project.root).as_posix() for path in stage.stage(project, slower)]
    assert sorted(changed) == ["chapters/this-run.qmd", "downloads/manifest.json"]
    stage.stage(project, run)


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


def test_the_page_about_the_run_shows_what_was_checked(small_course: tuple[Project, Run]) -> None:
    project, run = small_course
    stage.stage(project, run)
    page = (project.root / thisrun.PAGE).read_text("utf-8")
    for name in run.manifest["chapters"]:
        asked = inline.claims_of(read_notebook(run.notebook(name)))
        assert all(f"| {claim['text']} |" in page for claim in asked)
        assert (f"<summary>{name}: {len(asked)} claim" in page) == bool(asked)
    assert "| k is chosen by the stated rule | 0 | 0 |" in page
    assert "| Each center is the mean of its cluster |" in page
    foot = (project.root / "chapters" / "04-choosing-k.ipynb").read_text("utf-8")
    assert "k is chosen by the stated rule" not in foot
    assert "[What ran, how long it took, and what was checked](this-run.qmd)" in foot
