"""What readers take along: notebooks with the run's values, the whole course as a zip, the run's record.

Steps: put the run's values into the parameters cell of a source; gather the course's files; leave out what names a path of
this machine.
"""

from __future__ import annotations

import ast
import io
import json
import zipfile
from itertools import accumulate
from pathlib import Path
from typing import Any

from course.exercises import for_students, text_of
from course.project import Chapter, Project, read_notebook, what_it_needs
from course.run import Run

# What the zip holds: all that `make site` needs, and nothing generated.
# Of a folder every file goes in, whatever it is called; at the top, where somebody's rosters and keys may lie, only these.
ZIPPED = [
    "README.md", "CONTRIBUTING.md", "LICENSE", "CITATION.cff", "Makefile", "_quarto.yml", "index.qmd", "rerun.qmd", "teach.qmd", "lessons.qmd", "classroom.qmd", "worksheet.qmd", "references.qmd", "references.bib", "listings.json", "notebooks/glossary.yml",
    "environment.yml", "pyproject.toml", "requirements.lock", "assets", "claims", "course", "data", "figures", "helpers", "sweeps",
]  # fmt: skip


def as_json(notebook: dict[str, Any]) -> bytes:
    """Return a notebook as the content of a file; the same notebook gives the same bytes."""
    return (json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def with_parameters(notebook: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook whose parameters cell assigns `values`; papermill's injected cell is left out."""
    cells = []
    for cell in notebook["cells"]:
        tags = cell.get("metadata", {}).get("tags", [])
        if "injected-parameters" in tags:
            continue
        if "parameters" in tags:
            cell = {**cell, "source": _assign(text_of(cell), values).splitlines(keepends=True)}
        cells.append(cell)
    return {**notebook, "cells": cells}


def _assign(source: str, values: dict[str, Any]) -> str:
    """Return a parameters cell with the run's values in place of other ones; comments and all else in it stay."""
    raw = source.encode()  # as the places in it are counted in bytes
    starts = [0, *accumulate(len(line) for line in raw.splitlines(keepends=True))]
    for node in reversed(ast.parse(source).body):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if not isinstance(target, ast.Name) or target.id not in values or value is None:
            continue
        if ast.literal_eval(value) != values[target.id]:
            # What Quarto would take for a shortcode is written in Python's other way.
            new = repr(values[target.id]).replace("{{<", "{\\x7b<").encode()
            end = starts[value.end_lineno - 1] + value.end_col_offset
            raw = raw[: starts[value.lineno - 1] + value.col_offset] + new + raw[end:]
    return raw.decode()


def to_do(run: Run, exercises: Chapter, needs: str = "") -> dict[str, Any]:
    """Return the exercises as a student begins with them, with this run's values; `needs` is told at the top."""
    values = published_values(run.manifest["chapters"][exercises.name]["parameters"])
    return with_parameters(
        for_students(read_notebook(exercises.source), more=needs and f"\n\n{needs}"), values
    )


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


def chapter_notebook(project: Project, chapter: Chapter, values: dict[str, Any]) -> dict[str, Any]:
    """Return the source notebook with this run's values and what it needs; with an installing cell where that is possible."""
    notebook = with_parameters(read_notebook(chapter.source), values)
    added = [new_cell("markdown", what_it_needs(project, "notebooks"), "needs")]
    address = str(project.website.get("repo-url") or "")
    if address:
        install = (
            "# On Colab: fetch the course, so that its helpers and data are at hand.\n"
            f"!git clone --quiet --depth 1 {address} course\n%cd course\n%pip install --quiet ."
        )
        added.append(new_cell("code", install, "install"))
    return {**notebook, "cells": [notebook["cells"][0], *added, *notebook["cells"][1:]]}


def course_zip(project: Project, run: Run) -> bytes:
    """Return the whole course as one zip, its notebooks with this run's values; the same bytes each time."""
    held = course_files(project)
    for chapter in project.chapters:
        values = published_values(run.manifest["chapters"][chapter.name]["parameters"])
        source = read_notebook(chapter.source)
        notebook = with_parameters(source, values)
        if notebook != source:  # else the file is handed out as it is
            held[f"notebooks/{chapter.name}.ipynb"] = as_json(notebook)
    for exercises in project.exercises:
        held[f"exercises/to-do/{exercises.source.name}"] = as_json(to_do(run, exercises))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(held):
            entry = zipfile.ZipInfo(f"course/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, held[name])
    return buffer.getvalue()


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


def new_cell(kind: str, source: str, name: str = "") -> dict[str, Any]:
    """Return a notebook cell; code cells have no outputs."""
    cell: dict[str, Any] = {
        "cell_type": kind,
        "id": name,
        "metadata": {},
        "source": source.splitlines(keepends=True),
    }
    return cell | {"execution_count": None, "outputs": []} if kind == "code" else cell
