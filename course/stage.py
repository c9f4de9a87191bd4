"""Turn executed notebooks into what both renderers read: `chapters/`, `downloads/`.

Steps, for each chapter: put the run's values into its parameters cell; keep code without outputs;
write outputs as Markdown, figures as files; say at the top what the reader will be able to do and at
the foot which run made the page. Then the pieces that other pages take in, and the downloads.

A file is written only if its bytes change: Quarto's preview runs this step twice for one edit.
"""

from __future__ import annotations

import io
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from PIL import Image

from course import home, inline, lookup, page, places, thisrun
from course.check import refuse_what_fails
from course.downloads import (
    as_json,
    chapter_notebook,
    course_zip,
    new_cell,
    published_manifest,
    published_record,
    published_values,
    to_do,
    with_parameters,
)
from course.errors import CourseError
from course.exercises import HEADING, exercises_in, tags_of, text_of
from course.home import Thumbnail, png_of
from course.markdown import code
from course.project import (
    Chapter,
    Project,
    about_line,
    read_notebook,
    what_it_needs,
)
from course.run import refuse_if_stale
from helpers.check import ANSWER

if TYPE_CHECKING:
    from course.run import Run

STEPS = "application/vnd.course.steps+json"
# assets/course.js makes it work, on every page alike; without scripts it is not shown.
CODE_SWITCH = '<button type="button" class="code-switch" aria-pressed="false">Hide all code</button>'
CALLOUTS = {"Try it": "tip", "Note": "note", "Watch out": "warning"}
# What Quarto has beside its sources while it renders, and leaves there if it is stopped.
LEFT_BY_QUARTO = re.compile(r".+\.quarto_ipynb|[^/]+\.html|[^/]+_files/(libs|figure-html)/.+")
# The folders that staging writes; the first holds the list of what it wrote.
STAGED = ("chapters", "downloads")


@dataclass
class Staged:
    """What is to be written: bytes by path, relative to the project's folder."""

    files: dict[str, bytes] = field(default_factory=dict)
    thumbnails: list[Thumbnail] = field(default_factory=list)

    def text(self, path: str, text: str) -> None:
        self.files[path] = text.encode("utf-8")

    def notebook(self, path: str, notebook: dict[str, Any]) -> None:
        self.files[path] = as_json(notebook)


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
    staged.files |= home.pieces(project, run, staged.thumbnails)
    _stage_lookup(staged, project, terms)
    _stage_run(staged, run, renderer)
    staged.files["downloads/course.zip"] = course_zip(project, run)
    return _write(project.root, staged)


def with_callouts(text: str) -> str:
    """Return Markdown whose marked blockquotes are callouts."""
    pattern = re.compile(r"^> \*\*(" + "|".join(CALLOUTS) + r")\.\*\* ?((?:.*)(?:\n>.*)*)", re.MULTILINE)

    def callout(match: re.Match[str]) -> str:
        body = re.sub(r"^> ?", "", match[2], flags=re.MULTILINE)
        return f'::: {{.callout-{CALLOUTS[match[1]]} title="{match[1]}"}}\n{body}\n:::'

    return pattern.sub(callout, text)


def _stage_chapter(staged: Staged, project: Project, run: Run, chapter: Chapter, terms: lookup.Terms) -> None:
    values = published_values(run.manifest["chapters"][chapter.name]["parameters"])
    executed = with_parameters(read_notebook(run.notebook(chapter.name)), values)
    about = chapter.about
    head = {"title": f"{chapter.number}. {about['title']}"} | {
        k: about[k] for k in ("subtitle", "description") if k in about
    }
    # Quarto would take the first figure for the card, and breaks at a per cent sign in its alternative text.
    head["image"] = "home_files/card.png"
    cells = [
        new_cell("raw", f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=1000)}---"),
    ]
    for number, cell in enumerate(executed["cells"], start=1):
        place = f"{chapter.source.name}, cell {number}"
        if cell["cell_type"] == "code":
            cells += _code_cells(staged, chapter, cell, place)
        else:
            text = _resolved(cell, place)
            cells.append(new_cell("markdown", with_callouts(_lead(text) if number == 1 else text)))
    _stage_strip(staged, chapter)
    exercises = project.exercises_of(chapter)
    if exercises:
        solved = read_notebook(run.notebook(exercises.name))
        cells += _exercise_cells(staged, exercises, solved)
        needs = what_it_needs(project, "exercises/to-do")
        staged.notebook(f"downloads/{exercises.name}.ipynb", to_do(run, exercises, needs))
    cells.append(new_cell("markdown", _run_card(project, chapter, values)))
    seen: set[str] = set()
    for index, cell in enumerate(cells):
        cell["id"] = f"staged-{index:03d}"
        if cell["cell_type"] == "markdown":
            text = terms.link(text_of(cell), chapter.name, chapter.number, seen)
            cell["source"] = text.splitlines(keepends=True)
    metadata = {
        k: executed["metadata"][k] for k in ("kernelspec", "language_info") if k in executed["metadata"]
    }
    page = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    staged.notebook(f"chapters/{chapter.name}.ipynb", page)
    staged.notebook(f"downloads/{chapter.name}.ipynb", chapter_notebook(project, chapter, values))


def _resolved(cell: dict[str, Any], place: str) -> str:
    """Return the text of a Markdown cell with the run's values in it."""
    try:
        return inline.resolve(text_of(cell), cell)
    except inline.WeaveError as error:
        raise CourseError(f"{place}: {error}") from None


def _stage_strip(staged: Staged, chapter: Chapter) -> None:
    """Keep the pictures that the chapter gives to the home page: panels of its figures, made small."""
    for entry in chapter.about.get("strip", []):
        file = f"chapters/{chapter.name}_files/{entry['figure']}-{entry['panel']}-0.webp"
        if file not in staged.files:
            raise CourseError(
                f"{chapter.source.name}: the strip wants panel {entry['panel']} of {entry['figure']}, which holds no picture"
            )
        picture = Image.open(io.BytesIO(staged.files[file])).convert("RGB")
        picture.thumbnail((320, 320), Image.Resampling.BOX)
        staged.thumbnails.append((chapter.name, {**entry, "png": png_of(picture)}))


def _code_cells(staged: Staged, chapter: Chapter, cell: dict[str, Any], place: str) -> list[dict[str, Any]]:
    """Return a code cell without its options, and its outputs as Markdown cells."""
    try:
        label, caption, alt = page.caption_and_alt(cell, place)
    except inline.WeaveError as error:
        raise CourseError(f"{place}: {error}") from None
    code = page.code_of(text_of(cell))
    cells = [new_cell("code", code)] if code else []
    for output in cell["outputs"]:
        text = _output_markdown(output, label, caption, place)
        cells += [new_cell("markdown", text)] if text else []
    drawings = page.drawings_of(cell)
    if drawings and not label.startswith("fig-"):
        raise CourseError(f"{place}: a figure without a label, a caption and an alt text")
    if label.startswith("fig-") and not drawings:
        raise CourseError(f"{place}: {label}: the cell shows no figure")
    if drawings:
        div, files = page.figure_div(label, caption, alt, drawings, f"{chapter.name}_files", place)
        staged.files |= {f"chapters/{name}": data for name, data in files.items()}
        cells.append(new_cell("markdown", div))
    return cells


def _exercise_cells(staged: Staged, exercises: Chapter, solved: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the exercises of a chapter: the students' form, and folded, the hint and a good answer with the run's values."""
    executed = {cell["id"]: cell for cell in solved["cells"]}
    begin = (
        "## Exercises {#exercises}\n\nTake along [these exercises as a notebook]"
        f'(../downloads/{exercises.name}.ipynb){{download=""}}. It needs the folders `helpers` and `exercises`, which are in the zip below. `check` says '
        "whether an answer is right or, if not, what kind of wrong, on any landscape. Give it numbers as Python has them, unrounded."
    )
    source = read_notebook(exercises.source)
    setup = "\n\n".join(text_of(cell) for cell in source["cells"] if tags_of(cell) & {"parameters", "setup"})
    cells = [
        new_cell("markdown", begin),
        new_cell("markdown", _folded("What the exercises begin with", _code_block(setup))),
    ]
    for exercise in exercises_in(source):
        place = f"{exercises.source.name}, exercise {exercise.number}"
        answer: list[str] = []
        for cell in exercise.cells:
            tags, text = tags_of(cell), text_of(cell)
            if "key" in tags:
                continue
            if "hint" in tags:
                cells.append(new_cell("markdown", _folded("Hint", text)))
            elif "start" in tags:
                cells.append(new_cell("markdown", _code_block(text)))
            elif "guide" in tags:
                answer.append(_resolved(executed[cell["id"]], place))
            elif words := _in_words(executed.get(cell["id"], {})):
                answer.append("\n".join(f"> {line}" for line in words.strip().splitlines()))
            elif "solution" in tags:
                shown = _code_cells(staged, exercises, executed[cell["id"]], place)
                answer += [_code_block(text_of(c)) if c["cell_type"] == "code" else text_of(c) for c in shown]
            else:
                heading = (
                    f"### {exercise.number} {exercise.title} {{#ex-{exercise.number.replace('.', '-')}}}"
                )
                cells.append(new_cell("markdown", with_callouts(_with_heading(heading, text))))
        cells.append(new_cell("markdown", _folded("A good answer", "\n\n".join(answer))))
    return cells


def _in_words(cell: dict[str, Any]) -> str:
    """Return the answer in words that a cell gave, with the run's numbers in it; nothing if it gave none."""
    answers = inline.answers_of({"cells": [cell]}).values()
    return next((text for text in answers if isinstance(text, str) and "\n" in text.strip()), "")


def _with_heading(heading: str, text: str) -> str:
    """Return the text of an exercise with another line for its heading."""
    return HEADING.sub(lambda _: heading, text)


def _folded(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{text}\n\n</details>"


def _code_block(code: str) -> str:
    return f"```python\n{code}\n```"


def _output_markdown(output: dict[str, Any], label: str, caption: str, place: str) -> str:
    """Return one output as Markdown; nothing for a drawing, which the figure holds, and for what is not shown."""
    kind, data = output["output_type"], output.get("data", {})
    if kind == "error":
        raise CourseError(f"{place}: ended with {output['ename']}: {output['evalue']}")
    if kind == "stream":
        return _fenced("".join(output["text"])) if output["name"] == "stdout" else ""
    if "image/svg+xml" in data or ANSWER in data:
        return ""
    if STEPS in data:
        return _steps_div(data)
    if "text/html" in data:
        return page.table("".join(data["text/html"]), label, caption, place)
    if "text/markdown" in data:
        return "".join(data["text/markdown"])
    if not set(data) <= {"text/plain"}:
        raise CourseError(f"{place}: shows {', '.join(sorted(data))}, which a page cannot hold")
    return _fenced("".join(data["text/plain"]))


def _steps_div(data: dict[str, Any]) -> str:
    """Return the box that assets/k-means.js fills; without scripts it holds the output's text."""
    # A script's content must not hold what would end it.
    task = json.dumps(data[STEPS], separators=(",", ":")).replace("</", "<\\/")
    text = "".join(data["text/markdown"])
    return (
        f'::: {{.k-means}}\n{text}\n\n<script type="application/json">{task}</script>\n\n'
        '<script src="../assets/k-means.js" defer></script>\n:::'
    )


def _lead(text: str) -> str:
    """Return the first cell of a chapter for its page: the goals in a box, and what follows them."""
    match = about_line(text)
    assert match is not None  # `Chapter.about` has read it
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
        f"What this chapter computed comes from one run with these parameters:\n\n{listed}\n\n"
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


def _stage_lookup(staged: Staged, project: Project, terms: lookup.Terms) -> None:
    """Write the pages of the helpers and of the glossary, and the names that code is linked by."""
    page, names = lookup.helpers_page(project)
    staged.text(lookup.HELPERS_PAGE, page)
    staged.text(lookup.HELPERS_NAMES, names)
    staged.text(lookup.GLOSSARY_PAGE, terms.page())


def _stage_run(staged: Staged, run: Run, renderer: str) -> None:
    """Write the page about the run, and what it links to: the manifest and the whole record."""
    manifest = published_manifest(run.manifest) | ({"renderer": renderer} if renderer else {})
    claims = {name: inline.claims_of(read_notebook(run.notebook(name))) for name in run.record}
    staged.text(thisrun.PAGE, thisrun.page(manifest, claims))
    for name, held in (("manifest", manifest), ("record", published_record(run))):
        staged.text(f"downloads/{name}.json", json.dumps(held, indent=1, ensure_ascii=False) + "\n")


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


def _fenced(text: str) -> str:
    """Return printed text as a block, fenced by more backticks than it holds."""
    fence = "`" * max([3, *(len(ticks) + 1 for ticks in re.findall("`+", text))])
    return f"::: {{.cell-output}}\n{fence}\n{text.rstrip()}\n{fence}\n:::"
