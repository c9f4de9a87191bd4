"""The chapters themselves: each runs with settings that differ, and shows what a page can hold."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image

from course import inline, page
from course.check import check
from course.exercises import text_of
from course.project import Project, load, read_notebook
from course.run import Run, declared_parameters
from tests.conftest import copy_course, ensure
from tests.projects import ROOT

CHAPTERS = load(ROOT).chapters
# Runs that differ: what is given, and what makes each of them worth a run. `make site` checks the claims of the
# default run, whose elbow is at 4.
RUNS: dict[str, tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = {
    "elbow at 3": (
        {"size": 128, "scale": 32.0, "seed": 1},
        lambda r: r["04-choosing-k"]["knee"] == r["04-choosing-k"]["chosen"] == 3,
    ),
    "hardly any snow, and two clusters chosen": (
        {"size": 128, "scale": 32.0, "seed": 130},
        lambda r: (
            0 < r["02-synthetic-landscape"]["shares"]["snow"] < 0.01
            and r["05-from-pixels-to-a-map"]["k"] == 2
        ),
    ),
    "small": (
        {"size": 40, "scale": 10.0, "seed": 2**32 - 1},
        lambda r: r["02-synthetic-landscape"]["colors_used"] < 1600,
    ),
    "six clusters chosen": (
        {"size": 96, "scale": 24.0, "n_clusters": 6, "seed": 7},
        lambda r: r["05-from-pixels-to-a-map"]["k"] == r["12-where-next"]["k"] == 6,
    ),
}
LONG = {"hardly any snow, and two clusters chosen", "small", "six clusters chosen"}
# What may go wrong at the edges: no blends (four colors), one layer, few pixels, wide blends, other k.
VARIANTS: dict[str, dict[str, Any]] = {
    "no blends": {"size": 64, "scale": 16.0, "transition_width": 0.0},
    "tiny, of one layer, wide blends": {
        "size": 32,
        "scale": 16.0,
        "octaves": 1,
        "transition_width": 0.1,
        "seed": 3,
    },
    "two clusters, nothing merged": {
        "size": 96,
        "scale": 24.0,
        "n_clusters": 2,
        "first_n_clusters": 2,
        "min_area": 1,
        "seed": 11,
    },
    "ten clusters, nothing large": {
        "size": 64,
        "scale": 16.0,
        "n_clusters": 10,
        "first_n_clusters": 10,
        "min_area": 5000,
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return copy_course(tmp_path_factory.mktemp("variants") / "course")


def touched(values: dict[str, Any]) -> list[str] | None:
    """Return the chapters that take a value which is not one of every landscape's; None for all."""
    special = set(values) - {"size", "scale", "seed"}
    if special & {"transition_width", "octaves"}:
        return None
    return [chapter.name for chapter in CHAPTERS if special & set(declared_parameters(chapter))]


def run(project: Project, name: str, values: dict[str, Any], chapters: list[str] | None = None) -> Run:
    names = chapters or [chapter.name for chapter in project.chapters]
    known = {p for chapter in project.chapters if chapter.name in names for p in declared_parameters(chapter)}
    given = {key: value for key, value in values.items() if key in known}
    return ensure(project, names, given, project.root / "runs" / name.replace(" ", "-").replace(",", ""))


# What kind of figure an alt text may say that it is of.
KINDS = r"graph|map|pictures?|plots?|diagram|grid|strip|tree|patch|field|bars|landscape|sheet|tiles|window|histogram|dendrogram"


def check_outputs(run: Run) -> None:
    """Hold what chapters show against the rules: no warnings, captions and alt texts, whole sentences, finite numbers."""
    for name in run.manifest["chapters"]:
        for number, cell in enumerate(read_notebook(run.notebook(name))["cells"], start=1):
            place = f"{name}, cell {number}"
            assert not any(output.get("name") == "stderr" for output in cell.get("outputs", [])), place
            if cell["cell_type"] == "markdown":
                text = inline.resolve(text_of(cell), cell)
                assert not re.search(r"\bnan\b|\binf\b|`\{python\}", text), (place, text)
                continue
            shown = [output.get("text") or output["data"].get("text/plain", "") for output in cell["outputs"]]
            text = "".join("".join(part) for part in shown)
            assert not re.search(r"\bnp\.\w+\(|<Axes|<matplotlib", text), (
                place,
                "Python's own form of a value",
            )
            label, caption, alt = page.caption_and_alt(cell, place)
            assert not re.search(r"\bnan\b|\binf\b", alt + caption), place
            if label.startswith("fig-"):
                assert len(alt) > 60, place
                assert re.search(KINDS, alt.partition(".")[0], re.IGNORECASE), (place, alt)
                assert re.search(r"\d", alt), (place, "no number of this run")
                assert len(caption) > 10, place
                page.figure_div(label, caption, alt, page.drawings_of(cell), "x", place)

    def finite(value: Any) -> bool:
        if isinstance(value, dict | list):
            return all(finite(v) for v in (value.values() if isinstance(value, dict) else value))
        return not isinstance(value, float) or math.isfinite(value)

    assert all(finite(values) for values in run.record.values())


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.long] * (name in LONG)) for name in RUNS],
)
def test_every_claim_of_every_chapter_holds_on_runs_that_differ(project: Project, name: str) -> None:
    given, differs = RUNS[name]
    made = run(project, name, given)
    assert differs(made.record)
    check_outputs(made)
    verdict = check(project, made)
    assert verdict.problems == []
    assert verdict.claims > 50


def test_the_small_course_follows_the_rules(small_course: tuple[Project, Run]) -> None:
    check_outputs(small_course[1])


@pytest.mark.parametrize("name", ["no blends"])
def test_chapters_hold_at_the_edges(project: Project, name: str) -> None:
    check_outputs(run(project, name, VARIANTS[name]))


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "no blends"])
def test_chapters_hold_at_more_edges(project: Project, name: str) -> None:
    check_outputs(run(project, name, VARIANTS[name], touched(VARIANTS[name])))


@pytest.mark.parametrize(
    "kind",
    [
        "two colors",
        pytest.param("photo", marks=pytest.mark.long),
        pytest.param("gray", marks=pytest.mark.long),
        pytest.param("GeoTIFF", marks=pytest.mark.long),
    ],
)
def test_chapters_take_a_picture_of_ones_own(project: Project, tmp_path: Path, kind: str) -> None:
    y, x = np.mgrid[:90, :120]
    pixels = {
        "two colors": np.where(x < 60, 20, 230)[..., None] * np.ones(3),
        "photo": np.stack([x * 2, y * 2.5, x + y], axis=-1)
        + np.random.RandomState(0).normal(0, 9, (90, 120, 3)),
        "gray": np.repeat((x + y)[..., None], 3, axis=2),
        "GeoTIFF": np.where(x + y < 50, 0, 900 + 20 * x + np.random.RandomState(0).randint(0, 99, x.shape))[
            ..., None
        ]
        * np.array([1, 2, 3]),
    }[kind]
    path = tmp_path / "mine.png"
    if kind == "GeoTIFF":
        path = path.with_suffix(".tif")
        about = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 5e5, 0, -10, 5e6), "nodata": 0}
        with rasterio.open(
            path, "w", driver="GTiff", height=90, width=120, count=3, dtype="uint16", **about
        ) as file:
            file.write(np.moveaxis(pixels.astype(np.uint16), -1, 0))
    else:
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    chapters = [chapter.name for chapter in CHAPTERS if "image_path" in declared_parameters(chapter)]
    assert chapters == ["11-satellite-image"]
    made = run(project, kind, {"image_path": str(path)}, chapters)
    check_outputs(made)
    text = json.dumps(read_notebook(made.notebook(chapters[0])), ensure_ascii=False)
    assert path.name in text
    assert (made.record[chapters[0]]["unit"] == "km²") == (kind == "GeoTIFF")


@pytest.mark.long
def test_the_articles_numbers_at_the_articles_settings(default_course: Project) -> None:
    record = run(default_course, "default", {}).record
    landscape, choice = record["02-synthetic-landscape"], record["04-choosing-k"]
    assert landscape["colors_used"] == 937
    assert landscape["largest_difference"] < 2e-7
    assert {name: round(share, 4) for name, share in landscape["shares"].items()} == {
        "water": 0.2864,
        "grass": 0.4630,
        "mountain": 0.1993,
        "snow": 0.0513,
    }
    assert choice["knee"] == choice["chosen"] == 4
    wcss = choice["wcss"]
    assert [round(v / wcss[0], 4) for v in wcss[:6]] == [1, 0.4349, 0.2197, 0.1096, 0.0631, 0.0446]
    assert [round(choice["agreement"][k], 2) for k in "234"] == [0.50, 0.93, 0.98]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_a_chapter_describes_itself_and_has_its_parts(chapter: Any) -> None:
    about = chapter.about
    notebook = read_notebook(chapter.source)
    assert {"title", "subtitle", "description", "minutes", "claims"} <= set(about)
    assert 3 <= text_of(notebook["cells"][0]).count("\n- ") <= 6
    assert 5 <= about["minutes"] <= 30
    cells = notebook["cells"]
    assert cells[1]["metadata"]["tags"] == ["parameters"]
    text = "\n".join(text_of(cell) for cell in cells if cell["cell_type"] == "markdown")
    assert "**Try it.**" in text
    assert "## What to remember" in text
