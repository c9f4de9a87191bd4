"""Turn executed notebooks into what both renderers read: `chapters/`, `downloads/`.

Steps, for each chapter: put the run's values into its parameters cell; keep code without outputs;
write outputs as Markdown, figures as files; say at the top what the reader will be able to do and at
the foot which run made the page. Then the pieces that other pages take in, and the downloads.

A file is written only if its bytes change: Quarto's preview runs this step twice for one edit.
"""

from __future__ import annotations

import ast
import base64
import io
import json
import re
import sys
import textwrap
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from PIL import Image, ImageDraw, ImageFont

from course import inline, lookup, page, places, seeds, thisrun
from course.check import claims_of, refuse_what_fails
from course.errors import CourseError
from course.exercises import HEADING, exercises_in, for_students, tags_of
from course.project import (
    Chapter,
    Project,
    about_line,
    is_woven,
    read_notebook,
    sidebar_files,
    what_it_needs,
)
from course.run import SCRAP, refuse_if_stale
from helpers import parameters
from helpers.markdown import code

if TYPE_CHECKING:
    from course.run import Run

FIGURE = "application/vnd.course.figure+json"
RECORDED = "answer_"  # what the name of an answer begins with, as helpers.exercises has it
THUMBNAIL = "application/vnd.course.thumbnail+json"
STEPS = "application/vnd.course.steps+json"
# assets/course.js makes it work, on every page alike; without scripts it is not shown.
CODE_SWITCH = '<button type="button" class="code-switch" aria-pressed="false">Show all code</button>'
CALLOUTS = {"Try it": "tip", "Note": "note", "Watch out": "warning"}
# What the zip holds: all that `make site` needs, and nothing generated.
# Of a folder every file goes in, whatever it is called; at the top, where somebody's rosters and keys may lie, only these.
ZIPPED = [
    "README.md", "LICENSE", "CITATION.cff", "Makefile", "_quarto.yml", "index.qmd", "rerun.qmd", "teach.qmd", "lessons.qmd", "classroom.qmd", "worksheet.qmd", "references.qmd", "references.bib", "listings.json", "notebooks/glossary.yml",
    "environment.yml", "pyproject.toml", "requirements.lock", "assets", "claims", "course", "data", "figures", "helpers",
]  # fmt: skip
# What Quarto has beside its sources while it renders, and leaves there if it is stopped.
LEFT_BY_QUARTO = re.compile(r".+\.quarto_ipynb|[^/]+\.html|[^/]+_files/(libs|figure-html)/.+")
# The folders that staging writes; the first holds the list of what it wrote.
STAGED = ("chapters", "downloads")


@dataclass
class Staged:
    """What is to be written: bytes by path, relative to the project's folder."""

    files: dict[str, bytes] = field(default_factory=dict)
    thumbnails: list[tuple[str, str, dict[str, Any]]] = field(
        default_factory=list
    )  # sort name, chapter, data

    def text(self, path: str, text: str) -> None:
        self.files[path] = text.encode("utf-8")

    def notebook(self, path: str, notebook: dict[str, Any]) -> None:
        self.files[path] = as_json(notebook)


def as_json(notebook: dict[str, Any]) -> bytes:
    """Return a notebook as the content of a file; the same notebook gives the same bytes."""
    return (json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def stage(project: Project, run: Run, renderer: str = "", *, judged: bool = True) -> list[Path]:
    """Write `chapters/` and `downloads/` from a finished run.

    Parameters
    ----------
    project, run
        The course, and the run to publish.
    renderer : str
        The name and version of what will render the pages, if that is known.
    judged : bool
        Whether a run that `course check` finds fault with is refused; the preview shows it all the same.

    Returns
    -------
    list of Path
        The files that changed.

    Raises
    ------
    CourseError
        If the run lacks a chapter or fails its checks, if sources changed since, or if a chapter shows what no
        page can hold.
    """
    refuse_foreign_sources(project)
    missing = [chapter.name for chapter in project.parts if chapter.name not in run.manifest["chapters"]]
    if missing:
        raise CourseError(
            f"{run.folder}: the run lacks {', '.join(missing)}; a site needs a run of the whole course"
        )
    # Titles, minutes and downloads are taken from the sources of today, all else from the run.
    refuse_if_stale(project, run)
    if judged and (drifted := refuse_what_fails(project, run)):
        print(
            f"Note: values unlike the expected ones, which other versions of the packages found: {len(drifted)}; "
            "`course check` lists them",
            file=sys.stderr,
        )
    staged = Staged()
    terms = lookup.read_terms(project)
    for chapter in project.chapters:
        _stage_chapter(staged, project, run, chapter, terms)
    _stage_home(staged, project, run)
    _stage_lookup(staged, project, terms)
    _stage_run(staged, run, renderer)
    _stage_zip(staged, project, run)
    return _write(project.root, staged)


def with_parameters(notebook: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook whose parameters cell assigns `values`; papermill's injected cell is left out."""
    cells = []
    for cell in notebook["cells"]:
        tags = cell.get("metadata", {}).get("tags", [])
        if "injected-parameters" in tags:
            continue
        if "parameters" in tags:
            lines = source_of(cell).splitlines()
            cell = {
                **cell,
                "source": "\n".join(_assign(line, values) for line in lines).splitlines(keepends=True),
            }
        cells.append(cell)
    return {**notebook, "cells": cells}


def source_of(cell: dict[str, Any]) -> str:
    """Return a cell's source as one text."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def cell_markdown(cell: dict[str, Any]) -> str:
    """Return a Markdown cell's text, its marked blockquotes made callouts."""
    return with_callouts(source_of(cell))


def with_callouts(text: str) -> str:
    """Return Markdown whose marked blockquotes are callouts."""
    pattern = re.compile(r"^> \*\*(" + "|".join(CALLOUTS) + r")\.\*\* ?((?:.*)(?:\n>.*)*)", re.MULTILINE)

    def callout(match: re.Match[str]) -> str:
        body = re.sub(r"^> ?", "", match[2], flags=re.MULTILINE)
        return f'::: {{.callout-{CALLOUTS[match[1]]} title="{match[1]}"}}\n{body}\n:::'

    return pattern.sub(callout, text)


def _assign(line: str, values: dict[str, Any]) -> str:
    """Return a line of a parameters cell with the run's value in place of the default; as it is, where they are the same."""
    name, _, default = (part.strip() for part in line.partition("="))
    if name not in values:
        return line
    with suppress(ValueError, SyntaxError):
        if ast.literal_eval(default) == values[name]:
            return line
    # What Quarto would take for a shortcode is written in Python's other way.
    return f"{name} = {values[name]!r}".replace("{{<", "{\\x7b<")


def _stage_chapter(staged: Staged, project: Project, run: Run, chapter: Chapter, terms: lookup.Terms) -> None:
    values = published_values(run.manifest["chapters"][chapter.name]["parameters"])
    executed = with_parameters(read_notebook(run.notebook(chapter.name)), values)
    about = chapter.front_matter
    head = {"title": f"{chapter.number}. {about['title']}"} | {
        k: about[k] for k in ("subtitle", "description") if k in about
    }
    # Quarto would take the first figure for the card, and breaks at a per cent sign in its alternative text.
    head["image"] = "home_files/card.png"
    cells = [
        _cell("raw", f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=1000)}---"),
    ]
    if is_woven(executed):
        cells += _woven_cells(staged, chapter, executed)
        _stage_strip(staged, chapter)
    else:
        cells.append(_cell("markdown", _lead(about)))
        for place, cell in enumerate(executed["cells"][1:], start=2):
            if cell["cell_type"] == "markdown":
                cells.append(_cell("markdown", cell_markdown(cell)))
            elif cell["cell_type"] == "code":
                cells += _code_cells(staged, chapter, cell, f"{chapter.source.name}, cell {place}")
    exercises = project.exercises_of(chapter)
    if exercises:
        cells += _exercise_cells(staged, run, exercises)
        needs = what_it_needs(project, "exercises/to-do")
        staged.notebook(f"downloads/{exercises.name}.ipynb", _to_do(run, exercises, needs))
    cells.append(_cell("markdown", _run_card(project, chapter, values)))
    cells = _joined(cells)
    seen: set[str] = set()
    for cell in cells:
        if cell["cell_type"] == "markdown":
            text = terms.link(source_of(cell), chapter.name, chapter.number, seen)
            cell["source"] = text.splitlines(keepends=True)
    for index, cell in enumerate(cells):
        cell["id"] = f"staged-{index:03d}"
    metadata = {
        k: executed["metadata"][k] for k in ("kernelspec", "language_info") if k in executed["metadata"]
    }
    page = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    staged.notebook(f"chapters/{chapter.name}.ipynb", page)
    staged.notebook(f"downloads/{chapter.name}.ipynb", _download(project, chapter, values))


def _woven_cells(staged: Staged, chapter: Chapter, executed: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the cells of a chapter with the run's values in its text, and its outputs as Markdown."""
    cells = []
    for number, cell in enumerate(executed["cells"], start=1):
        place = f"{chapter.source.name}, cell {number}"
        if cell["cell_type"] == "code":
            cells += _woven_code(staged, chapter, cell, place)
            continue
        try:
            text = inline.resolve(source_of(cell), cell)
        except inline.WeaveError as error:
            raise CourseError(f"{place}: {error}") from None
        if number == 1:
            text = _woven_lead(text)
        cells.append(_cell("markdown", with_callouts(text)))
    return cells


def _stage_strip(staged: Staged, chapter: Chapter) -> None:
    """Keep the pictures that the chapter gives to the home page: panels of its figures, made small."""
    for entry in chapter.front_matter.get("strip", []):
        file = f"chapters/{chapter.name}_files/{entry['figure']}-{entry['panel']}-0.webp"
        if file not in staged.files:
            raise CourseError(
                f"{chapter.source.name}: the strip wants panel {entry['panel']} of {entry['figure']}, which holds no picture"
            )
        picture = Image.open(io.BytesIO(staged.files[file])).convert("RGB")
        picture.thumbnail((320, 320), Image.Resampling.BOX)
        buffer = io.BytesIO()
        picture.quantize(128, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
        png = base64.b64encode(buffer.getvalue()).decode("ascii")
        staged.thumbnails.append((entry["name"], chapter.name, {**entry, "png": png}))


def _woven_code(staged: Staged, chapter: Chapter, cell: dict[str, Any], place: str) -> list[dict[str, Any]]:
    """Return a code cell without its options, and its outputs as Markdown cells."""
    try:
        label, caption, alt = page.caption_and_alt(cell, place)
    except inline.WeaveError as error:
        raise CourseError(f"{place}: {error}") from None
    code = page.code_of(source_of(cell))
    cells = [_cell("code", code)] if code else []
    drawings = page.drawings_of(cell)
    for output in cell["outputs"]:
        data = output.get("data", {})
        if "image/svg+xml" in data:
            continue
        if "text/html" in data:
            cells.append(_cell("markdown", page.table("".join(data["text/html"]), label, caption, place)))
        else:
            text = _output_markdown(staged, chapter, output, place)
            cells += [_cell("markdown", text)] if text else []
    if drawings and not label.startswith("fig-"):
        raise CourseError(f"{place}: a figure without a label, a caption and an alt text")
    if label.startswith("fig-") and not drawings:
        raise CourseError(f"{place}: {label}: the cell shows no figure")
    if drawings:
        div, files = page.figure_div(label, caption, alt, drawings, f"{chapter.name}_files", place)
        staged.files |= {f"chapters/{name}": data for name, data in files.items()}
        cells.append(_cell("markdown", div))
    return cells


def _exercise_cells(staged: Staged, run: Run, exercises: Chapter) -> list[dict[str, Any]]:
    """Return the exercises of a chapter: what students get, and folded, the hint and what a good answer says."""
    outputs = {cell["id"]: cell for cell in read_notebook(run.notebook(exercises.name))["cells"]}
    begin = (
        "## Exercises {#exercises}\n\nTake along [these exercises as a notebook]"
        f'(../downloads/{exercises.name}.ipynb){{download=""}}. It needs the folders `helpers` and `exercises`, which are in the zip below. `check` says '
        "whether an answer is right or, if not, what kind of wrong, on any landscape. Give it numbers as Python has them, unrounded."
    )
    source = read_notebook(exercises.source)
    setup = "\n\n".join(
        source_of(cell) for cell in source["cells"] if tags_of(cell) & {"parameters", "setup"}
    )
    cells = [
        _cell("markdown", begin),
        _cell("markdown", _folded("What the exercises begin with", _code_block(setup))),
    ]
    for exercise in exercises_in(source):
        answer: list[str] = []
        for cell in exercise.cells:
            tags, text = tags_of(cell), source_of(cell)
            if "key" in tags:
                continue
            if "hint" in tags:
                cells.append(_cell("markdown", _folded("Hint", text)))
            elif "start" in tags:
                cells.append(_cell("markdown", _code_block(text)))
            elif tags & {"solution", "guide"} and cell["cell_type"] == "markdown":
                answer.append(text)
            elif words := _in_words(outputs.get(cell["id"], {})):
                answer.append("\n".join(f"> {line}" for line in words.strip().splitlines()))
            elif tags & {"solution", "guide"}:
                place = f"{exercises.source.name}, exercise {exercise.number}"
                shown = _code_cells(staged, exercises, outputs[cell["id"]], place)
                answer += [
                    _code_block(source_of(c)) if c["cell_type"] == "code" else source_of(c)
                    for c in shown
                    if c["cell_type"] == "markdown" or "solution" in tags
                ]
            else:
                heading = (
                    f"### {exercise.number} {exercise.title} {{#ex-{exercise.number.replace('.', '-')}}}"
                )
                cells.append(_cell("markdown", _with_heading(heading, cell_markdown(cell))))
        cells.append(_cell("markdown", _folded("A good answer", "\n\n".join(answer))))
    return cells


def _in_words(cell: dict[str, Any]) -> str:
    """Return the answer in words that a cell recorded, with the run's numbers in it; nothing if it is no such cell."""
    recorded = [
        output["data"][SCRAP] for output in cell.get("outputs", []) if SCRAP in output.get("data", {})
    ]
    texts = [scrap["data"] for scrap in recorded if scrap["name"].startswith(RECORDED)]
    return next((text for text in texts if isinstance(text, str) and "\n" in text.strip()), "")


def _with_heading(heading: str, text: str) -> str:
    """Return the text of an exercise with another line for its heading."""
    return HEADING.sub(lambda _: heading, text)


def _folded(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"


def _code_block(code: str) -> str:
    return f"```python\n{code}\n```"


def _to_do(run: Run, exercises: Chapter, needs: str = "") -> dict[str, Any]:
    """Return the exercises as a student begins with them, with this run's values; `needs` is told at the top."""
    values = published_values(run.manifest["chapters"][exercises.name]["parameters"])
    return with_parameters(
        for_students(read_notebook(exercises.source), more=needs and f"\n\n{needs}"), values
    )


def _code_cells(staged: Staged, chapter: Chapter, cell: dict[str, Any], place: str) -> list[dict[str, Any]]:
    """Return a code cell without outputs, and its outputs as Markdown cells."""
    lines = source_of(cell).splitlines()
    options = [line for line in lines if line.startswith("#|")]
    unknown = [line for line in options if line != "#| echo: false"]
    if unknown:
        raise CourseError(
            f"{place}: the only cell option that a page knows is '#| echo: false', not {unknown[0]!r}"
        )
    code = "\n".join(line for line in lines if not line.startswith("#|")).strip("\n")
    cells = [] if options or not code else [_cell("code", code)]
    for output in cell["outputs"]:
        text = _output_markdown(staged, chapter, output, place)
        if text:
            cells.append(_cell("markdown", text))
    return cells


def _output_markdown(staged: Staged, chapter: Chapter, output: dict[str, Any], place: str) -> str:
    """Return one output as Markdown, or nothing for what is not shown."""
    kind, metadata, data = output["output_type"], output.get("metadata", {}), output.get("data", {})
    if kind == "error":
        raise CourseError(f"{place}: ended with {output['ename']}: {output['evalue']}")
    if kind == "stream":
        return _fenced("".join(output["text"])) if output["name"] == "stdout" else ""
    if THUMBNAIL in data:
        staged.thumbnails.append((data[THUMBNAIL]["name"], chapter.name, data[THUMBNAIL]))
        return ""
    if "scrapbook" in metadata or "part_of" in metadata.get("course", {}):
        return ""
    if FIGURE in data:
        return _figure_div(staged, chapter, data[FIGURE])
    if STEPS in data:
        return _steps_div(data)
    if "text/markdown" in data:
        text, about = "".join(data["text/markdown"]), metadata.get("course", {})
        if "label" in about:  # a table, whose caption stands below it as text
            text = text.removesuffix(f"*{about['caption']}*") + f": {about['caption']} {{#{about['label']}}}"
        return text
    if "text/html" in data or not set(data) <= {"text/plain"}:
        raise CourseError(
            f"{place}: shows {', '.join(sorted(data))}; show tables as Markdown and figures by record.figure"
        )
    return _fenced("".join(data["text/plain"]))


def _figure_div(staged: Staged, chapter: Chapter, about: dict[str, Any]) -> str:
    """Return a figure as Quarto's div of its images, one for each theme and width, and stage their files."""
    folder, lines = f"{chapter.name}_files", [f"::: {{#{about['label']}}}"]
    for picture in about["pictures"]:
        name = f"{folder}/{about['label']}-{picture['theme']}-{picture['page']}.webp"
        staged.files[f"chapters/{name}"] = base64.b64decode(picture["webp"])
        # What a theme or a width hides is not loaded, since it is lazy.
        lines += [
            f"![]({name}){{.{picture['theme']}-content .{picture['page']}-content fig-alt={_quoted(about['alt'])} "
            f"width={picture['width']} height={picture['height']} loading=lazy data-text={picture['text']}}}",
            "",
        ]
    return "\n".join([*lines, about["caption"], ":::"])


def _steps_div(data: dict[str, Any]) -> str:
    """Return the box that assets/k-means.js fills; without scripts it holds the output's text."""
    # A script's content must not hold what would end it.
    task = json.dumps(data[STEPS], separators=(",", ":")).replace("</", "<\\/")
    text = "".join(data["text/markdown"])
    return (
        f'::: {{.k-means}}\n{text}\n\n<script type="application/json">{task}</script>\n\n'
        '<script src="../assets/k-means.js" defer></script>\n:::'
    )


def _joined(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the cells with code cells that follow each other made one: the page folds them together."""
    joined: list[dict[str, Any]] = []
    for cell in cells:
        if cell["cell_type"] == "code" and joined and joined[-1]["cell_type"] == "code":
            together = f"{source_of(joined[-1])}\n\n{source_of(cell)}"
            joined[-1] = _cell("code", together)
        else:
            joined.append(cell)
    return joined


def published_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return a run's values as they may be shown: of a picture's path, its name alone."""
    return {
        name: Path(value).name if name == "image_path" and value else value for name, value in values.items()
    }


def published_manifest(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a run's manifest as it may be published: no path of the machine that it ran on."""
    chapters = {
        name: {**chapter, "parameters": published_values(chapter["parameters"])}
        for name, chapter in manifest["chapters"].items()
    }
    inputs = {
        Path(n).name if Path(n).is_absolute() else n: key for n, key in manifest.get("inputs", {}).items()
    }
    return {
        **manifest,
        "parameters": published_values(manifest["parameters"]),
        "chapters": chapters,
        "inputs": inputs,
    }


def published_record(run: Run) -> dict[str, Any]:
    """Return what a run recorded as it may be published: of a picture's path, its name alone."""
    text = json.dumps(run.record)
    for entry in run.manifest["chapters"].values():
        path = entry["parameters"].get("image_path")
        if path:
            text = text.replace(json.dumps(path)[1:-1], json.dumps(Path(path).name)[1:-1])
    return json.loads(text)


def _lead(about: dict[str, Any]) -> str:
    """Return what stands at the top of a chapter: its minutes, and what the reader will be able to do."""
    able = "\n".join(f"- {item}" for item in about.get("learn", []))
    return f"::: {{.lead}}\nAbout {about['minutes']} minutes. {CODE_SWITCH}\n\nAfter this chapter you can\n\n{able}\n:::"


def _woven_lead(text: str) -> str:
    """Return the first cell of a chapter for its page: the goals in a box, and what follows them."""
    match = about_line(text)
    assert match is not None  # `Chapter.front_matter` has read it
    goals = re.match(r"\s*([\s\S]*?(?:^- .*\n?(?:^ +.*\n?)*)+)", text[match.end() :], re.MULTILINE)
    able = goals[1].strip() if goals else ""
    rest = text[match.end() + (goals.end() if goals else 0) :].strip()
    return f"::: {{.lead}}\nAbout {match['minutes']} minutes. {CODE_SWITCH}\n\n{able}\n:::\n\n{rest}"


def _run_card(project: Project, chapter: Chapter, values: dict[str, Any]) -> str:
    """Return what stands at the foot of a chapter: the run's parameters, and what to take along."""
    listed = " ".join(code(f"{name} = {value!r}") for name, value in values.items()) or "none"
    links = [
        f'[this chapter as a notebook](../downloads/{chapter.name}.ipynb){{download=""}} with these values (it needs the folder `helpers`, which is in the zip)',
        '[the whole course as a zip](../downloads/course.zip){download=""}',
    ]
    links += [f"[{text}]({url})" for text, url in _repository_links(project, chapter)]
    return (
        "## The run that made this page {#run}\n\n::: {.run-card}\n"
        f"Every number and figure above comes from one run with these parameters:\n\n{listed}\n\n"
        f"Take along: {'; '.join(links)}.\n\n"
        f"[What ran, how long it took, and what was checked]({thisrun.NAME}.qmd).\n:::"
    )


def _repository_links(project: Project, chapter: Chapter) -> list[tuple[str, str]]:
    """Return the links that need the repository's address; none while `_quarto.yml` does not name it."""
    address = str(project.website.get("repo-url") or "").rstrip("/")
    if not address:
        return []
    links = [("edit the source", f"{address}/edit/main/notebooks/{chapter.name}.ipynb")]
    if address.startswith("https://github.com/"):
        name = address.removeprefix("https://github.com/")
        colab = (
            f"https://colab.research.google.com/github/{name}/blob/gh-pages/downloads/{chapter.name}.ipynb"
        )
        links += [
            ("open in Colab", colab),
            (
                "open in Binder",
                f"https://mybinder.org/v2/gh/{name}/HEAD?labpath=notebooks/{chapter.name}.ipynb",
            ),
        ]
    return links


def _download(project: Project, chapter: Chapter, values: dict[str, Any]) -> dict[str, Any]:
    """Return the source notebook with this run's values and what it needs; with an installing cell where that is possible."""
    notebook = with_parameters(read_notebook(chapter.source), values)
    added = [_cell("markdown", what_it_needs(project, "notebooks"), "needs")]
    address = str(project.website.get("repo-url") or "")
    if address:
        install = (
            "# On Colab: fetch the course, so that its helpers and data are at hand.\n"
            f"!git clone --quiet --depth 1 {address} course\n%cd course\n%pip install --quiet ."
        )
        added.append(_cell("code", install, "install"))
    return {**notebook, "cells": [notebook["cells"][0], *added, *notebook["cells"][1:]]}


def _stage_home(staged: Staged, project: Project, run: Run) -> None:
    """Write what assets/pieces.lua puts into pages: the strip of pictures, the map of the course, the run, the tables."""
    steps = []
    thumbnails = sorted(staged.thumbnails, key=lambda entry: entry[0])
    for _, name_of_chapter, about in thumbnails:
        name = f"chapters/home_files/step-{about['name']}.png"
        staged.files[name] = base64.b64decode(about["png"])
        image = f"![]({name}){{alt={_quoted(about['alt'])} width=320 height=320}}"
        steps.append(f"::: {{.step}}\n[{image}](chapters/{name_of_chapter}.ipynb)\n\n{about['caption']}\n:::")
    staged.text("chapters/_strip.md", "\n\n".join([":::: {.strip}", *steps, "::::"]) + "\n")
    staged.files["chapters/home_files/card.png"] = _card(project, [data["png"] for _, _, data in thumbnails])
    staged.text("chapters/_map.md", _map(project))
    staged.text("chapters/_lessons.md", _lessons(project))
    staged.text("chapters/_seeds.md", seeds.as_markdown())
    staged.text(seeds.OLD_PAGE, seeds.REDIRECT)
    rows = [
        f"| `{row.name}` | `{row.default!r}` | {row.allowed} | {row.meaning} |"
        for row in parameters.TABLE.values()
    ]
    header = ["| parameter | default | allowed | meaning |", "|:---|:---|:---|:---|"]
    staged.text("chapters/_parameters.md", "\n".join(header + rows) + "\n")
    given = published_values(run.manifest["parameters"])
    listed = " ".join(code(f"{name} = {value!r}") for name, value in given.items())
    text = (
        f"This site was made by a run with {listed}; all other parameters at their defaults."
        if given
        else ("This site was made by a run with all parameters at their defaults: the article's landscape.")
    )
    more = f"[What ran, on what, and how long it took]({thisrun.PAGE})."
    staged.text("chapters/_run.md", f"{text} {more}\n")


def _map(project: Project) -> str:
    """Return the map of the course: its parts, and in each a line for every chapter with what it gives and its minutes."""
    chapters = {f"chapters/{chapter.name}.ipynb": chapter for chapter in project.chapters}
    parts, total, first = [], 0, ""
    for entry in project.website["sidebar"]["contents"]:
        listed = [
            name
            for name in sidebar_files({"website": {"sidebar": {"contents": [entry]}}})
            if name in chapters
        ]
        rows, minutes = [], 0
        for name in listed:
            about = chapters[name].front_matter
            minutes += int(about["minutes"])
            rows.append(
                f"::: {{.chapter-card}}\n[{chapters[name].number}]{{.number}} [{about['title']}]({name}) "
                f"[{about['minutes']} min]{{.minutes}}\n\n{about.get('description', about.get('subtitle', ''))}\n:::"
            )
        if rows:
            title = entry.get("section", "") if isinstance(entry, dict) else ""
            heading = [f"### {title} [{minutes} minutes]{{.minutes}}"] if title else []
            parts += [*heading, ":::: {.cards}", *rows, "::::"]
            if not first and len(listed) > 1:
                first = f" Read {_numbers([chapters[name].number for name in listed])} first, in order. Each of the others is complete in itself."
        total += minutes
    many = len(chapters)
    return (
        "\n\n".join(
            [
                f"{many} chapters, about {_hours(total)} in all. Each runs alone.{first} Each ends with exercises.",
                *parts,
            ]
        )
        + "\n"
    )


def _numbers(numbers: list[int]) -> str:
    """Return numbers as people say them: "1 to 5, 11 and 12"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    said = [f"{run[0]} to {run[-1]}" if run[2:] else " and ".join(map(str, run)) for run in runs]
    return ", ".join(said)


# Which chapters make a lesson: a name, and the numbers that the chapters' names begin with.
LESSONS = {
    "A first look, 45 minutes": ["01", "03"],
    "k-means and its limits, 90 minutes": ["01", "03", "04"],
    "From a picture to a map, a morning": ["01", "02", "03", "04", "05"],
    "What k-means cannot see, an afternoon": ["06", "07", "12"],
    "Finding what is odd, 45 minutes": ["09"],
    "A real picture, 45 minutes": ["11"],
}


def _lessons(project: Project) -> str:
    """Return the table of lessons: the chapters of each, and their minutes added up."""
    rows = [
        "| lesson | chapters | minutes of reading |",
        "|:---------------|:---------------------------|------:|",
    ]
    for name, numbers in LESSONS.items():
        chapters = [chapter for chapter in project.chapters if chapter.name[:2] in numbers]
        titles = [f"[{c.front_matter['title']}](chapters/{c.name}.ipynb)" for c in chapters]
        minutes = sum(int(c.front_matter["minutes"]) for c in chapters)
        rows.append(f"| {name} | {', '.join(titles)} | {minutes} |")
    return "\n".join([*rows, "", ": Lessons, and what they are made of."]) + "\n"


def _hours(minutes: int) -> str:
    """Return minutes in words, to half an hour where they are many."""
    halves = round(minutes / 30)
    if halves < 2:
        return f"{minutes} minutes"
    return f"{halves // 2}{' and a half' * (halves % 2)} hour{'s' if halves > 2 else ''}"


def _card(project: Project, pngs: list[str]) -> bytes:
    """Return the picture that other sites show beside a link to this one: the title over the run's own pictures."""
    card = Image.new("RGB", (1200, 630), "#15191e")
    draw = ImageDraw.Draw(card)
    title = textwrap.wrap(str(project.website["title"]), 26)
    draw.text((60, 56), "\n".join(title), fill="#ffffff", font=ImageFont.load_default(64), spacing=12)
    side = 250
    for number, png in enumerate(pngs[-4:]):
        picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB").resize((side, side))
        card.paste(picture, (60 + number * (side + 26), 320))
    buffer = io.BytesIO()
    card.quantize(128, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _stage_lookup(staged: Staged, project: Project, terms: lookup.Terms) -> None:
    """Write the pages of the helpers and of the glossary, and the names that code is linked by."""
    page, names = lookup.helpers_page(project)
    staged.text(lookup.HELPERS_PAGE, page)
    staged.text(lookup.HELPERS_NAMES, names)
    staged.text(lookup.GLOSSARY_PAGE, terms.page())


def _stage_run(staged: Staged, run: Run, renderer: str) -> None:
    """Write the page about the run, and what it links to: the manifest and the whole record."""
    manifest = published_manifest(run.manifest) | ({"renderer": renderer} if renderer else {})
    claims = {
        name: claims_of(read_notebook(run.notebook(name)), recorded) for name, recorded in run.record.items()
    }
    staged.text(thisrun.PAGE, thisrun.page(manifest, claims))
    for name, held in (("manifest", manifest), ("record", published_record(run))):
        staged.text(f"downloads/{name}.json", json.dumps(held, indent=1, ensure_ascii=False) + "\n")


def _stage_zip(staged: Staged, project: Project, run: Run) -> None:
    """Stage the whole course as one zip, its notebooks with this run's values; the same bytes each time."""
    held = course_files(project)
    for chapter in project.chapters:
        values = published_values(run.manifest["chapters"][chapter.name]["parameters"])
        source = read_notebook(chapter.source)
        notebook = with_parameters(source, values)
        if notebook != source:  # else the file is handed out as it is
            held[f"notebooks/{chapter.name}.ipynb"] = as_json(notebook)
    for exercises in project.exercises:
        held[f"exercises/to-do/{exercises.source.name}"] = as_json(_to_do(run, exercises))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(held):
            entry = zipfile.ZipInfo(f"course/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, held[name])
    staged.files["downloads/course.zip"] = buffer.getvalue()


def course_files(project: Project) -> dict[str, bytes]:
    """Return what of the course is handed out as it is, by path."""
    held = {
        part.source.relative_to(project.root).as_posix(): part.source.read_bytes() for part in project.parts
    }
    for name in ZIPPED:
        place = project.root / name
        paths = sorted(place.rglob("*")) if place.is_dir() else [place]
        for path in paths:
            relative = path.relative_to(project.root)
            hidden = any(part.startswith(".") or part == "__pycache__" for part in relative.parts)
            if path.is_file() and not hidden:
                held[relative.as_posix()] = path.read_bytes()
    return held


def _write(root: Path, staged: Staged) -> list[Path]:
    """Write what differs, remove what an earlier staging wrote and no longer belongs, and return the paths that changed."""
    earlier = _staged_before(root) or set()
    changed = []
    for name, data in staged.files.items():
        path = root / name
        if not path.is_file() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}.new")
            beside.write_bytes(data)
            beside.replace(path)
            changed.append(path)
    for name in sorted(earlier - set(staged.files)):
        if (root / name).is_file():
            (root / name).unlink()
            changed.append(root / name)
    places.write_list(root / STAGED[0], "staging", staged.files)
    return changed


def refuse_foreign_sources(project: Project) -> None:
    """Raise an error if a folder that staging writes holds a file that staging did not write."""
    made = _staged_before(project.root)
    for folder in STAGED:
        own = {name.removeprefix(f"{folder}/") for name in made or ()}
        own |= {name for name in places.files_in(project.root / folder) if LEFT_BY_QUARTO.fullmatch(name)}
        places.refuse_foreign(project.root / folder, "staging", own, "delete it")


def _staged_before(root: Path) -> set[str] | None:
    """Return the files that an earlier staging wrote, by their paths from the root; None if there was none."""
    made = places.read_list(root / STAGED[0], "staging")
    if made is None and any((root / name).is_file() for name in (thisrun.PAGE, "downloads/record.json")):
        # The list was deleted with its folder, or is newer than what was staged.
        return {f"{folder}/{name}" for folder in STAGED for name in places.files_in(root / folder)}
    return made


def _cell(kind: str, source: str, name: str = "") -> dict[str, Any]:
    """Return a notebook cell; code cells have no outputs."""
    cell: dict[str, Any] = {
        "cell_type": kind,
        "id": name,
        "metadata": {},
        "source": source.splitlines(keepends=True),
    }
    return cell | {"execution_count": None, "outputs": []} if kind == "code" else cell


def _fenced(text: str) -> str:
    """Return printed text as a block, fenced by more backticks than it holds."""
    fence = "`" * max([3, *(len(ticks) + 1 for ticks in re.findall("`+", text))])
    return f"::: {{.cell-output}}\n{fence}\n{text.rstrip()}\n{fence}\n:::"


def _quoted(text: str) -> str:
    """Return text as the value of a Pandoc attribute."""
    return '"' + " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"') + '"'
