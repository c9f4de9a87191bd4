"""Two runs side by side: what is paired, what is called a difference, what the page shows."""

from __future__ import annotations

import base64
import io
import itertools
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from course import compare
from course.compare import Pair, pairs
from course.errors import CourseError
from course.gate import check_site, read_page
from course.records import ABSENT
from course.run import Run, load_run
from tests.projects import course, make_project

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def figure(
    label: str, color: str, alt: str = "A plain square", caption: str = "A *square*."
) -> dict[str, Any]:
    """Return the executed cell of a figure: a drawing that holds a picture of one color."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 4), color).save(buffer, "PNG")
    png = base64.b64encode(buffer.getvalue()).decode()
    image = f'<image width="100" height="50" xlink:href="data:image/png;base64,{png}"/>'
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 100 50">'
        f'<g id="figure_1">{image}</g></svg>'
    )
    output = {
        "output_type": "display_data",
        "metadata": {"image/svg+xml": {"panels": [], "columns": 1, "text": 10}},
        "data": {"image/svg+xml": svg},
    }
    options = f"#| label: {label}\n#| fig-cap: {json.dumps(caption)}\n#| fig-alt: {json.dumps(alt)}\n"
    return {"cell_type": "code", "source": f"{options}draw()", "metadata": {}, "outputs": [output]}


def make_run(
    folder: Path,
    record: dict[str, dict[str, Any]],
    *,
    parameters: dict[str, Any] | None = None,
    figures: dict[str, list[dict[str, Any]]] | None = None,
    **more: Any,
) -> Run:
    """Return a finished run that recorded this."""
    (folder / "notebooks").mkdir(parents=True)
    for name in record:
        cells = (figures or {}).get(name, [])
        (folder / "notebooks" / f"{name}.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}}))
    manifest = {
        "format": 1,
        "complete": True,
        "parameters": parameters or {},
        "chapters": {name: {"parameters": {"seed": 0, **(parameters or {})}} for name in record},
        "packages": {"numpy": "2.4.6"},
        "python": "3.11.7",
        "platform": "Linux",
        "commit": None,
        "dirty": None,
        "inputs": {"helpers/regions.py": "ab" * 32},
        **more,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "record.json").write_text(json.dumps(record))
    return load_run(folder)


def compared(tmp_path: Path, a: dict[str, Any], b: dict[str, Any]) -> tuple[compare.Comparison, str]:
    """Return the comparison of two runs of one chapter, and its page, which must pass the gate."""
    runs = make_run(tmp_path / "a", {"01-x": a}), make_run(tmp_path / "b", {"01-x": b})
    found, page = compare.compare(*runs, tmp_path / "out")
    assert check_site(page.parent) == []
    return found, page.read_text(encoding="utf-8")


def rows(a: dict[str, Any], b: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    """Return what is shown of each value that differs."""
    return {p.name: (*p.texts, p.change) for p in pairs(a, b) if p.verdict == "differs"}


def test_nested_values_have_dotted_and_indexed_names() -> None:
    a = {"criteria": {"silhouette": [0.5, 0.6], "gap statistic": [1, 2]}, "deep": [[1, 2], [3, 4]]}
    b = {"criteria": {"silhouette": [0.5, 0.7], "gap statistic": [1, 3]}, "deep": [[1, 2], [3, 5]]}
    assert list(rows(a, b)) == ["criteria.silhouette[1]", "criteria['gap statistic'][1]", "deep[1][1]"]


def test_a_key_with_a_dot_is_not_taken_for_a_nested_one() -> None:
    assert len({p.name for p in pairs({"x": {"a.b": 1, "a": {"b": 2}}}, {})}) == 1
    assert (
        len({p.name for p in pairs({"x": {"a.b": 1, "a": {"b": 2}}}, {"x": {"a.b": 3, "a": {"b": 4}}})}) == 2
    )


def test_what_only_one_run_has_and_other_lengths_and_types_are_said() -> None:
    a = {"gone": {"x": [1, 2]}, "list": [1, 2, 3], "k": 4, "flag": True, "mixed": [1], "none": None}
    b = {"new": "x", "list": [1, 2, 3, 4, 5], "k": "four", "flag": 1, "mixed": {"a": 1}, "none": []}
    assert rows(a, b) == {
        "gone": ("1 value: x: 2 values: 1, 2", "not there", "only in A"),
        "list": ("3 values", "5 values, the last 2: 4, 5", "2 more"),
        "k": ("4", "four", "number, text"),
        "flag": ("true", "1", "yes or no, number"),
        "mixed": ("1 value: 1", "1 value: a: 1", "list, named values"),
        "none": ("none", "0 values", "nothing, list"),
        "new": ("not there", "x", "only in B"),
    }


@pytest.mark.parametrize(
    ("a", "b", "shown"),
    [
        (4, 5, ("4", "5", "+1")),
        (262144, 16384, ("262,144", "16,384", "−245,760, −93.8%")),
        (0.980234, 0.941, ("0.9802", "0.9410", "−0.0392, −4.0%")),
        (0.5, 0.5000123, ("0.500000", "0.500012", "+0.000012, +0.0025%")),
        (-0.25, 0.25, ("−0.2500", "0.2500", "+0.5000")),
        (0.0, 0.0285, ("0", "0.02850", "+0.02850")),
        (1.5, 150.0, ("1.5", "150.0", "+148.5, 100 times as much")),
        (2e-13, 8e-13, ("2.000e-13", "8.000e-13", "+6.00e-13, +300.0%")),
        (1.0, 2e-9, ("1.000", "2.00e-09", "−1.000, −100.0%")),
        (3, 3.5, ("3", "3.500", "+0.500, +16.7%")),
        (1e20, 3e20, ("1.000e+20", "3.000e+20", "+2.00e+20, +200.0%")),
    ],
)
def test_numbers_have_the_digits_that_show_their_difference(
    a: float, b: float, shown: tuple[str, str, str]
) -> None:
    pair = Pair("x", a, b)
    assert (*pair.texts, pair.change) == shown


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        (0.1 + 0.2, 0.3, "rounding"),
        (1.0, 1.0 + 0.9e-9, "rounding"),
        (1.0, 1.0 + 1.1e-9, "differs"),
        (0.0, 1e-300, "differs"),
        (10**12, 10**12 + 1, "differs"),  # whole numbers are never the same but for rounding
        (4, 4.0, "same"),
        (True, 1, "differs"),
        (None, 0, "differs"),
        ("1", 1, "differs"),
        ([], {}, "differs"),
        ([], [], "same"),
        (ABSENT, None, "differs"),
    ],
)
def test_what_is_the_same_but_for_rounding(a: Any, b: Any, verdict: str) -> None:
    assert Pair("x", a, b).verdict == Pair("x", b, a).verdict == verdict


def test_every_value_is_counted_once(tmp_path: Path) -> None:
    a = {"same": 1, "curve": [1.0, 2.0], "near": 0.1 + 0.2, "only": {"x": 1}}
    found, page = compared(tmp_path, a, {"same": 1, "curve": [1.0, 3.0, 4.0], "near": 0.3})
    said = "3 of 6 recorded values differ (1 of them only in one run; 1 more is the same but for rounding)."
    assert found.summary() == said
    assert said in page
    assert "1 the same but for rounding</summary>" in page


def test_chapters_of_one_run_alone_are_said_and_counted(tmp_path: Path) -> None:
    a = make_run(tmp_path / "a", {"01-x": {"v": 1}, "02-y": {"v": [1, 2], "w": {}}})
    b = make_run(tmp_path / "b", {"01-x": {"v": 1}})
    found, page = compare.compare(a, b, tmp_path / "out")
    assert found.summary() == "2 of 3 recorded values differ (2 of them only in one run)."
    assert "Chapter <code>02-y</code> is only in A, with 2 values." in page.read_text()


def test_the_headlines_come_first_and_also_where_they_are_the_same(tmp_path: Path) -> None:
    records = [
        {
            "04-choosing-k": {"other": v, "chosen": 4, "takes": {"gap statistic": None}},
            "05-from-pixels-to-a-map": {"k": v},
        }
        for v in (4, 5)
    ]
    runs = [make_run(tmp_path / name, record) for name, record in zip("ab", records, strict=True)]
    found, page = compare.compare(runs[0], runs[1], tmp_path / "out")
    assert [(p.name, p.change) for p in found.headlines()] == [
        ("04: chosen", "the same"),
        ("04: takes['gap statistic']", "the same"),
        ("05: k", "+1"),
    ]
    text = page.read_text()
    assert text.index("05: k") < text.index("<code>other</code>")


def test_sentences_are_shown_in_full_their_other_words_marked(tmp_path: Path) -> None:
    a, b = (f"The elbow names {k} clusters, & that is <all> that can be said of this picture" for k in "45")
    _, page = compared(tmp_path, {"verdict": a}, {"verdict": b})
    start = "The elbow names <mark>"
    assert f"{start}4</mark> clusters, &amp; that is &lt;all&gt; that can be said of this picture" in page
    assert f"{start}5</mark> clusters" in page


def test_recorded_markup_never_leaks(tmp_path: Path) -> None:
    long = "See @fig-x and {#id} and $$x$$ in what is a rather long sentence"
    _, page = compared(tmp_path, {"short": "::: {.x}", "long": long}, {"short": "b", "long": "c"})
    assert "<code>::: {.x}</code>" in page
    assert f"<code>{long}</code>" in page


def test_parameters_are_shown_as_they_are_given_and_pictures_by_their_name(tmp_path: Path) -> None:
    paths = [f"/home/{name}/lake.png" for name in ("me", "you")]
    a = make_run(
        tmp_path / "a", {"01-x": {}}, parameters={"seed": 1234, "scale": 16.0, "image_path": paths[0]}
    )
    b = make_run(tmp_path / "b", {"01-x": {}}, parameters={"seed": 5, "image_path": paths[1]})
    found, page = compare.compare(a, b, tmp_path / "out")
    assert [(p.name, *p.texts) for p in found.parameters] == [
        ("seed", "1234", "5"),
        ("scale", "16.0", "not there"),
        ("image_path", "'lake.png'", "'lake.png', in another folder"),
    ]
    text = page.read_text()
    assert "/home" not in text
    assert str(tmp_path) not in text


def test_what_ran_is_compared(tmp_path: Path) -> None:
    a = make_run(tmp_path / "a", {"01-x": {}}, commit="0123456789abcdef", dirty=True)
    b = make_run(
        tmp_path / "b", {"01-x": {}}, packages={"numpy": "2.3.0"}, inputs={"helpers/regions.py": "cd" * 32}
    )
    assert [(p.name, *p.texts) for p in compare.Comparison(a, b).surroundings()] == [
        ("commit", "0123456789ab, with edits", "not in git"),
        ("package numpy", "2.4.6", "2.3.0"),
        ("file helpers/regions.py", "abababababab", "cdcdcdcdcdcd"),
    ]
    same = make_run(tmp_path / "c", {"01-x": {}}), make_run(tmp_path / "d", {"01-x": {}})
    _, page = compare.compare(*same, tmp_path / "out")
    assert "Both runs had the same Python, packages, platform, commit and files." in page.read_text()


def test_equal_figures_are_shown_once_and_others_side_by_side(tmp_path: Path) -> None:
    a = {"01-x": [figure("fig-same", "red"), figure("fig-other", "red"), figure("fig-gone", "red")]}
    b = {"01-x": [figure("fig-same", "red"), figure("fig-other", "blue", alt="A blue square")]}
    runs = [make_run(tmp_path / name, {"01-x": {}}, figures=f) for name, f in (("a", a), ("b", b))]
    _, page = compare.compare(runs[0], runs[1], tmp_path / "out")
    assert check_site(page.parent) == []
    assert [image["alt"] for image in read_page(page).images] == [
        "A plain square",
        "A plain square",
        "A blue square",
        "A plain square",
    ]
    names = ("fig-same-the-same-in-both", "fig-other-A", "fig-other-B", "fig-gone-only-in-A")
    pictures = sorted(path.name for path in (page.parent / "pictures").iterdir())
    assert pictures == sorted(f"01-x-{name}-0-0.webp" for name in names)
    text = page.read_text()
    assert text.count("<p>A <em>square</em>.</p>") == 4
    assert '<p class="label">fig-same, the same in both</p>' in text


def test_the_same_picture_with_other_words_keeps_both_captions(tmp_path: Path) -> None:
    figures = [{"01-x": [figure("fig-x", "red", caption=f"See @fig-y, {word}.")]} for word in ("one", "two")]
    runs = [make_run(tmp_path / n, {"01-x": {}}, figures=f) for n, f in zip("ab", figures, strict=True)]
    _, page = compare.compare(runs[0], runs[1], tmp_path / "out")
    assert check_site(page.parent) == []
    assert "<p>See y, one.</p>" in page.read_text()
    assert "<p>See y, two.</p>" in page.read_text()


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for place in ("here", "there"):
        folder = tmp_path / place
        runs = [
            make_run(folder / n, {"01-x": {"v": n}}, figures={"01-x": [figure("fig-x", color)]})
            for n, color in (("a", "red"), ("b", "blue"))
        ]
        out = compare.compare(runs[0], runs[1], folder / "out")[1].parent
        made.append({p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()})
    assert made[0] == made[1]
    assert len(made[0]) == 4  # the page, two pictures, and the list of these


def test_a_comparison_is_replaced_and_nothing_else_is(tmp_path: Path) -> None:
    a, b = make_run(tmp_path / "a", {"01-x": {"v": 1}}), make_run(tmp_path / "b", {"01-x": {"v": 2}})
    out = tmp_path / "out"
    compare.compare(a, b, out)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(CourseError, match=r"holds notes\.txt, which the course did not make"):
        compare.compare(b, a, out)
    (out / "notes.txt").unlink()
    before = (out / "index.html").read_bytes()
    compare.compare(b, a, out)
    assert (out / "index.html").read_bytes() != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "out"]
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    compare.compare(a, b, thesis)  # an empty folder is free
    shutil.rmtree(thesis)
    thesis.mkdir()
    (thesis / "index.html").write_text("<title>years of work</title>")
    for occupied in (thesis, thesis / "index.html", a.folder):
        with pytest.raises(CourseError, match="something else than a comparison"):
            compare.compare(a, b, occupied)
    assert (thesis / "index.html").read_text() == "<title>years of work</title>"
    with pytest.raises(CourseError, match="cannot be written"):
        compare.compare(a, b, thesis / "index.html" / "below")


def test_one_run_named_twice_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", {"01-x": {}})
    (tmp_path / "again").symlink_to(tmp_path / "a")
    with pytest.raises(CourseError, match="this is one run, named twice"):
        compare.compare(run, load_run(tmp_path / "again"), tmp_path / "out")


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_is_quiet_and_fits(tmp_path: Path, browser: Browser, width: int, theme: Any) -> None:
    records = [
        {"a_name_of_some_length": {"x y z": [v / 7, v / 9]}, "said": "many words " * 9 + str(v)}
        for v in (1, 2)
    ]
    runs = [
        make_run(
            tmp_path / f"{name}{'_long' * 16}", {"01-x": record}, figures={"01-x": [figure("fig-x", name)]}
        )
        for name, record in zip(("red", "blue"), records, strict=True)
    ]
    _, made = compare.compare(runs[0], runs[1], tmp_path / "out")
    page = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme).new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("requestfailed", lambda request: trouble.append(request.url))
    page.goto(made.as_uri(), wait_until="networkidle")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    ink = "getComputedStyle(document.documentElement).getPropertyValue('--ink')"
    before = page.evaluate(ink)
    other = "light" if theme == "dark" else "dark"
    page.get_by_role("button", name=f"{other.capitalize()} theme").click()
    assert page.evaluate(ink) != before  # drawings take their inks from the page
    assert page.locator("figure svg img").count() == 2
    levels = page.locator("h1, h2, h3").evaluate_all("all => all.map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    assert trouble == []


def test_the_command_prints_what_differs_and_where_the_page_lies(tmp_path: Path) -> None:
    project = make_project(tmp_path, "takes_nothing")
    long = "a sentence that is much too long for a line of a table on a terminal"
    make_run(tmp_path / "runs/default", {"01-x": {"v": 1, "said": long}})
    make_run(tmp_path / "runs/seed-7", {"01-x": {"v": 2.5, "said": f"{long} too"}}, parameters={"seed": 7})
    code, out, err = course(project, "compare", "default", "runs/seed-7")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:2] == ["A is default", "B is seed-7"]
    cells = [line.split() for line in lines]
    assert ["seed", "0", "7"] in cells
    assert ["v", "1", "2.500", "+1.500,", "+150.0%"] in cells
    assert not any(long in line for line in lines)
    page = tmp_path / "runs/compare_default_seed-7/index.html"
    assert long in page.read_text()
    shown = str(page.relative_to(tmp_path))
    assert lines[-3:] == [
        f"The page lies in {shown}",
        f"Open {page.as_uri()}",
        "2 of 2 recorded values differ.",
    ]
    (tmp_path / "runs/half").mkdir()
    for words in (("default", "half"), ("default", "none"), ("default", "default")):
        code, _, err = course(project, "compare", *words)
        assert (code, err.count("\n"), err[:8]) == (1, 1, "course: ")
