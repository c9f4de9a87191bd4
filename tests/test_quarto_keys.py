"""What is written for Quarto uses keys that Quarto documents, with values that it takes, and works in a fresh clone.

Quarto itself says nothing about a key that it does not know.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
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
        assert faults("front matter", about, path.parent) == [], path.name
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
        assert list(project.root.glob(pattern.removeprefix("/"))), f"{pattern} finds nothing"
    rendered = {path for pattern in config["render"] for path in project.root.glob(pattern)}
    from course.project import sidebar_files

    listed = {project.root / name for name in sidebar_files(project.config)}
    assert listed == rendered


# What a fresh clone has is what git lists; Quarto reads the whole project before its pre-render step.

NAMED = re.compile(r"/?[\w./-]+\.(?:bib|css|csl|html|ipynb|js|json|lua|md|png|py|qmd|scss|svg)")
PIECE = re.compile(r'^::: \{\.piece file="([^"]+)"\}$', re.MULTILINE)


def git(*words: str, given: str | None = None) -> list[str]:
    """Return the lines that git prints about the checkout; without git the test is skipped."""
    try:
        done = subprocess.run(
            ["git", *words], cwd=ROOT, input=given, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("needs git")
    if done.returncode == 128:
        pytest.skip("not a checkout")
    return done.stdout.splitlines()


def strings(held: Any) -> Iterator[str]:
    """Give every text in a structure of YAML."""
    if isinstance(held, str):
        yield held
    elif isinstance(held, dict | list):
        for value in held.values() if isinstance(held, dict) else held:
            yield from strings(value)


def test_every_file_that_quarto_reads_before_staging_is_in_git() -> None:
    tracked = set(git("ls-files"))
    settings = yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))
    named = {("_quarto.yml", text.removeprefix("/")) for text in strings(settings) if NAMED.fullmatch(text)}
    for path in ROOT.glob("*.qmd"):
        about = front_matter(path)
        named |= {(path.name, text) for text in strings(about) if NAMED.fullmatch(text)}
    assert len(named) > 30
    lost = [
        f"{place}: {name}" for place, name in named if not name.startswith(STAGED) and name not in tracked
    ]
    assert lost == []


def test_an_include_names_what_is_in_git_and_a_piece_what_is_staged(
    small_course: tuple[Project, Run], small_site: Path
) -> None:
    tracked, pieces = set(git("ls-files")), []
    for path in [
        *ROOT.glob("*.qmd"),
        *(ROOT / "notebooks").glob("*.ipynb"),
        *(ROOT / "exercises").glob("*.ipynb"),
    ]:
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"\{\{<\s*include\s+(\S+)", text):
            target = (path.parent / name).resolve().relative_to(ROOT).as_posix()
            assert target in tracked, f"{path.name} includes {name}, which a fresh clone lacks"
        pieces += [(path, name) for name in PIECE.findall(text)]
    assert len(pieces) >= 5
    for path, name in pieces:
        assert (small_course[0].root / name).is_file(), f"{path.name} takes in {name}, which is not staged"
        assert front_matter(path)["filters"] == ["assets/pieces.lua"], path.name
        page = (small_site / path.with_suffix(".html").name).read_text(encoding="utf-8")
        assert 'class="piece"' not in page, f"{path.name}: {name} was not put in"


def test_a_pattern_of_resources_counts_from_the_project() -> None:
    settings = yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))
    assert [pattern for pattern in settings["project"]["resources"] if not pattern.startswith("/")] == []


def test_neither_quarto_nor_staging_changes_what_git_holds(
    small_course: tuple[Project, Run], small_site: Path
) -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/.quarto/", "**/*.quarto_ipynb"} <= set(ignored)  # the lines that Quarto would append
    root, tracked = small_course[0].root, set(git("ls-files"))
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    changed = [name for name in files & tracked if (root / name).read_bytes() != (ROOT / name).read_bytes()]
    assert changed == []
    # What staging wrote is new, and git does not see it.
    written = {name for name in files - tracked if name.startswith(STAGED)}
    assert len(written) > 50
    unseen = git("check-ignore", "--no-index", "--stdin", given="\n".join(sorted(written)))
    assert set(unseen) == written


def test_every_page_names_a_picture_for_its_card(small_course: tuple[Project, Run], small_site: Path) -> None:
    """Without one Quarto takes the first figure, and breaks at a per cent sign in its alternative text."""
    root = small_course[0].root
    pages = [*root.glob("*.qmd"), *(root / "chapters").glob("*.qmd"), *(root / "chapters").glob("*.ipynb")]
    for path in pages:
        card = front_matter(path)["image"]
        assert (path.parent / card).resolve() == root / "chapters/home_files/card.png", path.name
