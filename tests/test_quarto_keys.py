"""What is written for Quarto uses keys that Quarto documents, with values that it takes; it would not say so itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from course.project import Project
from course.run import Run
from tests.projects import ROOT

KEYS: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "tests/quarto-keys.yml").read_text(encoding="utf-8"))
KINDS: dict[str, type | tuple[type, ...]] = {"text": str, "flag": bool, "list": list, "number": (int, float)}
STAGED = ("chapters/", "downloads/")  # what the pre-render step writes


def faults(place: str, held: dict[str, Any], root: Path = ROOT) -> list[str]:
    """Return what Quarto would not understand in a mapping, each with its place."""
    found = []
    for key, value in held.items():
        where, kind = f"{place}.{key}".removeprefix("."), KEYS[place].get(key)
        if kind is None:
            found.append(f"{where} is no key of Quarto's")
        elif isinstance(kind, list):
            if value not in kind:
                found.append(f"{where}: {value!r} is none of {kind}")
        elif kind == "file":
            if not str(value).startswith(STAGED) and not (root / str(value)).is_file():
                found.append(f"{where}: there is no {value}")
        elif kind != "any" and not (
            isinstance(value, KINDS[kind]) and (kind != "number" or not isinstance(value, bool))
        ):
            found.append(f"{where}: {value!r} is no {kind}")
        if where in KEYS and isinstance(value, dict):
            found += faults(where, value, root)
    return found


def front_matter(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        text = "".join(json.loads(text)["cells"][0]["source"])
    match = re.match(r"---\n(.*?)\n---", text, re.DOTALL)
    assert match, f"{path} has no front matter"
    return yaml.safe_load(match[1])


def test_quarto_yml_uses_documented_keys() -> None:
    assert faults("", yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))) == []


def test_pages_and_staged_chapters_use_documented_keys(
    small_course: tuple[Project, Run], small_site: Path
) -> None:
    root = small_course[0].root
    pages = [*root.glob("*.qmd"), *(root / "chapters").glob("*.qmd"), *(root / "chapters").glob("*.ipynb")]
    assert len(pages) > 15
    for path in pages:
        about = front_matter(path)
        assert faults("front matter", about, root) == [], path.name
        assert {"title", "description"} <= set(about), path.name


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("website: {tittle: x}", "website.tittle is no key"),
        ("website: {favicon: gone.svg}", "website.favicon: there is no gone.svg"),
        ("project: {type: site}", "project.type: 'site' is none of"),
        ("format: {html: {toc-depth: two}}", "format.html.toc-depth: 'two' is no number"),
        ("format: {html: {toc: 1}}", "format.html.toc: 1 is no flag"),
        ("website: {sidebar: {style: dock}}", "website.sidebar.style: 'dock' is none of"),
    ],
)
def test_a_key_or_value_that_is_not_documented_is_named(text: str, fault: str) -> None:
    assert any(one.startswith(fault) for one in faults("", yaml.safe_load(text)))


def test_what_is_rendered_and_shipped_is_there(small_course: tuple[Project, Run], small_site: Path) -> None:
    """Every page of the sidebar is rendered, and every pattern of `render` and `resources` finds something."""
    project = small_course[0]
    config = project.config["project"]
    for pattern in [*config["render"], *config["resources"]]:
        assert list(project.root.glob(pattern)), f"{pattern} finds nothing"
    rendered = {path for pattern in config["render"] for path in project.root.glob(pattern)}
    from course.project import sidebar_files

    listed = {project.root / name for name in sidebar_files(project.config)}
    assert listed == rendered
