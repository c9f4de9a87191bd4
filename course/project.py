"""Read `_quarto.yml`, the one list of chapters, and what each chapter says of itself.

Steps: find the project's folder, read its settings, list its chapters in the site's order.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from course.errors import CourseError


@dataclass(frozen=True)
class Chapter:
    """One chapter: its name (the notebook's stem) and where its source lies."""

    name: str
    source: Path

    @property
    def number(self) -> int:
        """Return the number that the chapter's name begins with; it stays when the order changes."""
        return int(self.name[:2])

    @cached_property
    def about(self) -> dict[str, Any]:
        """Return what a chapter says of itself: title, subtitle, minutes, description, ..."""
        return about_chapter(read_notebook(self.source), str(self.source))


@dataclass(frozen=True)
class Project:
    """The course's folder and what `_quarto.yml` says of it."""

    root: Path
    config: dict[str, Any] = field(repr=False)

    @cached_property
    def chapters(self) -> list[Chapter]:
        """Return the chapters in the order of the sidebar."""
        names = [
            Path(entry).stem
            for entry in sidebar_files(self.config)
            if entry.startswith("chapters/") and entry.endswith(".ipynb")
        ]
        chapters = [Chapter(name, self.root / "notebooks" / f"{name}.ipynb") for name in names]
        for chapter in chapters:
            if not chapter.source.is_file():
                raise CourseError(
                    f"_quarto.yml lists chapters/{chapter.name}.ipynb, but {chapter.source} is not there"
                )
        return chapters

    @cached_property
    def exercises(self) -> list[Chapter]:
        """Return the notebooks with the exercises, by chapter; a run executes them solved."""
        return [Chapter(path.stem, path) for path in sorted((self.root / "exercises").glob("[0-9]*.ipynb"))]

    def exercises_of(self, chapter: Chapter) -> Chapter | None:
        """Return the exercises of a chapter: both names begin with its number."""
        return next((found for found in self.exercises if found.name[:2] == chapter.name[:2]), None)

    @property
    def parts(self) -> list[Chapter]:
        """Return all that a run of the whole course executes: the chapters, then the exercises."""
        return [*self.chapters, *self.exercises]

    @property
    def website(self) -> dict[str, Any]:
        """Return the `website` part of `_quarto.yml`."""
        return self.config["website"]


def what_it_needs(project: Project, folder: str) -> str:
    """Return a sentence for a notebook that is handed out by itself: what it needs, and into which folder of that it belongs."""
    site = str(project.website.get("site-url") or "").rstrip("/")
    course = (
        f"[`course.zip`]({site}/downloads/course.zip)"
        if site
        else "`course.zip`, which is offered at the foot of every chapter on the course's site"
    )
    return (
        f"If Python finds no `helpers`, this notebook lacks the course: download {course}, unzip it, set it up as its `README.md` says, "
        f"and put this notebook into its folder `{folder}`."
    )


def load(root: Path | None = None) -> Project:
    """Return the project whose folder is `root`, or the nearest one upward from here.

    Raises
    ------
    CourseError
        If there is no `_quarto.yml`, or it cannot be read.
    """
    folder = find_root(root or Path.cwd())
    config = read_yaml((folder / "_quarto.yml").read_text(encoding="utf-8"), str(folder / "_quarto.yml"))
    if "website" not in config:
        raise CourseError(f"{folder / '_quarto.yml'}: there is no 'website' section")
    return Project(folder, config)


def find_root(start: Path) -> Path:
    """Return the nearest folder from `start` upward that holds `_quarto.yml` and `notebooks`."""
    start = start.resolve()
    for folder in [start, *start.parents]:
        if (folder / "_quarto.yml").is_file() and (folder / "notebooks").is_dir():
            return folder
    raise CourseError(
        f"no course here: neither {start} nor a folder above it holds _quarto.yml and notebooks/"
    )


def sidebar_files(config: dict[str, Any]) -> list[str]:
    """Return the files of the sidebar, sections flattened, in order."""

    def walk(contents: list[Any]) -> list[str]:
        found: list[str] = []
        for entry in contents:
            if isinstance(entry, str):
                found.append(entry)
            elif "contents" in entry:
                found += walk(entry["contents"])
            elif "href" in entry:
                found.append(entry["href"])
        return found

    return walk(config.get("website", {}).get("sidebar", {}).get("contents", []))


def read_yaml(text: str, where: str) -> dict[str, Any]:
    """Return the mapping that `text` holds; `where` names the place in an error."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CourseError(f"{where}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(value, dict):
        raise CourseError(f"{where}: must be a mapping of names to values")
    return value


def about_line(text: str) -> re.Match[str] | None:
    """Return the match of the title, the subtitle and the minutes at the top of a chapter's first cell."""
    pattern = r"# (?P<title>.+)\n+\*(?P<subtitle>[^*]+?)\.?\* About (?P<minutes>\d+) minutes\."
    return re.match(pattern, text)


def about_chapter(notebook: dict[str, Any], where: str) -> dict[str, Any]:
    """Return what the metadata and the first cell of a chapter say: title, subtitle, minutes, description.

    The first cell begins with ``# Title`` and a line ``*Subtitle.* About 30 minutes.``

    Raises
    ------
    CourseError
        If the first cell does not begin so, or the metadata lack a description.
    """
    cells = notebook["cells"]
    text = "".join(cells[0]["source"]) if cells and cells[0]["cell_type"] == "markdown" else ""
    found = about_line(text)
    about = notebook["metadata"].get("course")
    if found is None:
        raise CourseError(f"{where}: must begin with a cell of '# Title' and '*Subtitle.* About 30 minutes.'")
    if not isinstance(about, dict) or not about.get("description"):
        raise CourseError(f"{where}: its metadata need a description, under 'course'")
    own = {"title": found["title"], "subtitle": found["subtitle"], "minutes": int(found["minutes"])}
    return {**about, **own}


def read_notebook(path: Path) -> dict[str, Any]:
    """Return the notebook at `path` as plain JSON data."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CourseError(f"{path}: not a readable notebook: {error}") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise CourseError(f"{path}: not a notebook: it has no list of cells")
    return notebook


def literals(source: str) -> dict[str, Any]:
    """Return the names that a parameters cell assigns, with their values.

    Raises
    ------
    ValueError
        If the cell does anything but assign plain values to names.
    """
    found: dict[str, Any] = {}
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(targets[0], ast.Name):
            raise ValueError(f"line {node.lineno}: a parameters cell only assigns values to names")
        if node.value is None:
            raise ValueError(f"line {node.lineno}: a parameters cell gives each name a value")
        found[targets[0].id] = ast.literal_eval(node.value)
    return found
