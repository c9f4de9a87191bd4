"""The embedded renderer: each thing that it knows, and the place of each that it does not."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from course import embedded
from course.errors import CourseError
from course.gate import check_site
from course.project import Project, load
from tests.projects import ROOT

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
CONFIG = """
project: {type: website, output-dir: _site, resources: ["/downloads/**"]}
website:
  title: Small
  description: A small site
  favicon: favicon.svg
  page-navigation: true
  sidebar:
    contents: [index.qmd, {section: All, contents: [chapters/01-one.ipynb]}]
execute: {enabled: false}
lang: en
bibliography: references.bib
link-citations: true
format: {html: {toc: true, toc-title: On this page, code-fold: true, code-summary: Show the code}}
"""
FIGURE = """
::: {#fig-x}
![](01-one_files/x.png){fig-alt="A dot" width=640}

A caption with *stress*.
:::
"""


def project(
    folder: Path, *cells: str | dict[str, Any], home: str = "Welcome.", config: str = CONFIG
) -> Project:
    (folder / "notebooks").mkdir(parents=True)
    (folder / "chapters" / "01-one_files").mkdir(parents=True)
    (folder / "downloads").mkdir()
    (folder / "downloads" / "course.zip").write_bytes(b"zip")
    (folder / "chapters" / "01-one_files" / "x.png").write_bytes(PIXEL)
    (folder / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "references.bib").write_text(
        "@book{lloyd, author={Lloyd, Stuart}, title={Quantization}, year={1982}}"
    )
    (folder / "_quarto.yml").write_text(config)
    (folder / "index.qmd").write_text(f"---\ntitle: Home page\n---\n\n{home}\n")
    head = {"cell_type": "raw", "metadata": {}, "source": "---\ntitle: 1. One\nsubtitle: The first\n---"}
    listed = [
        {"cell_type": "markdown", "metadata": {}, "source": c} if isinstance(c, str) else c for c in cells
    ]
    notebook = {"cells": [head, *listed], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "chapters" / "01-one.ipynb").write_text(json.dumps(notebook))
    return load(folder)


def rendered(folder: Path, *cells: str | dict[str, Any], **more: Any) -> str:
    """Return the chapter's page; the whole site must pass the gate."""
    out = folder / "out"
    out.mkdir(parents=True)
    embedded.render(project(folder / "course", *cells, **more), out)
    assert check_site(out) == []
    return (out / "chapters" / "01-one.html").read_text(encoding="utf-8")


def code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}


def test_a_figure_is_numbered_and_referred_to(tmp_path: Path) -> None:
    html = rendered(tmp_path, "See @fig-x.", FIGURE)
    assert '<figure id="fig-x">' in html
    assert '<span class="label">Figure 1:</span> A caption with <em>stress</em>.' in html
    assert '<a href="#fig-x" class="reference">Figure\u00a01</a>' in html
    assert 'alt="A dot"' in html
    assert 'width="640" height="640"' in html


def test_tables_and_equations_are_numbered_and_referred_to(tmp_path: Path) -> None:
    html = rendered(
        tmp_path,
        "| a | b |\n|--|--|\n| 1 | 2 |\n\n: Its caption {#tbl-y}",
        "$$\na = b\n$$ {#eq-w}",
        "@tbl-y, @eq-w",
    )
    assert '<span class="label">Table 1:</span> Its caption' in html
    assert '<div class="scroll" data-name="Table 1">' in html
    assert '<div id="eq-w" class="equation">' in html
    assert "<math" in html
    assert 'href="#eq-w" class="reference">Equation\u00a01' in html


def test_several_things_are_referred_to_in_one_bracket(tmp_path: Path) -> None:
    html = rendered(
        tmp_path, "[see @fig-x; @fig-z, left] and [-@fig-z]", FIGURE, FIGURE.replace("fig-x", "fig-z")
    )
    first, second = (
        '<a href="#fig-x" class="reference">Figure\u00a01</a>',
        '<a href="#fig-z" class="reference">',
    )
    assert f"see {first}, {second}Figure\u00a02</a>, left and {second}2</a>" in html


def test_only_what_is_cited_makes_references(tmp_path: Path) -> None:
    assert "References" not in rendered(tmp_path, "The `@cache` decorator, a@example.org.")


def test_callouts_folded_and_not(tmp_path: Path) -> None:
    html = rendered(
        tmp_path,
        '::: {.callout-tip title="Try it"}\nDo.\n:::',
        '::: {.callout-note title="More" collapse="true"}\nIt.\n:::',
    )
    assert '<div class="callout callout-tip" role="note" aria-label="Try it">' in html
    assert '<details class="callout callout-note"><summary>More</summary>' in html


def test_a_callout_takes_its_title_from_a_heading_and_holds_others(tmp_path: Path) -> None:
    html = rendered(tmp_path, ":::: {.callout-note}\n## Named\n\n::: {.callout-tip}\nIn.\n:::\n::::")
    assert 'aria-label="Named"' in html
    assert '<div class="callout callout-tip" role="note" aria-label="Tip">' in html


def test_code_is_folded_and_colored(tmp_path: Path) -> None:
    html = rendered(tmp_path, code("x = '```'  # three"))
    assert '<details class="code"><summary>Show the code</summary>' in html
    assert 'class="sourceCode' in html


@pytest.mark.parametrize(("fold", "start"), [("false", None), ("show", '<details class="code" open>')])
def test_code_is_folded_as_the_settings_say(tmp_path: Path, fold: str, start: str | None) -> None:
    html = rendered(tmp_path, code("x = 1"), config=CONFIG.replace("code-fold: true", f"code-fold: {fold}"))
    assert (start in html) if start else ("<details class" not in html)


def test_links_between_chapters_citations_and_toc(tmp_path: Path) -> None:
    html = rendered(
        tmp_path,
        '## A heading {#here}\n\n[self](01-one.ipynb#here), [zip](../downloads/course.zip){download=""}, [@lloyd]',
    )
    assert 'href="01-one.html#here"' in html
    assert 'href="../downloads/course.zip" download=""' in html
    assert 'id="ref-lloyd"' in html
    assert '<h2 id="references">References</h2>' in html
    assert '<a href="#here"' in html.split("<main")[1]


def takes_in(course: Project, name: str) -> Project:
    """Return the course, its home page one that takes in a file."""
    shutil.copytree(ROOT / "assets", course.root / "assets")
    head = "---\ntitle: Home page\nfilters: [assets/pieces.lua]\n---\n"
    (course.root / "index.qmd").write_text(f'{head}\n::: {{.piece file="{name}"}}\n:::\n')
    return course


def test_the_home_page_takes_in_what_was_staged_and_the_pages_follow_each_other(tmp_path: Path) -> None:
    course = takes_in(project(tmp_path / "course"), "chapters/_map.md")
    (course.root / "chapters" / "_map.md").write_text("The *map*.")
    out = tmp_path / "out"
    out.mkdir()
    pages = embedded.render(course, out)
    assert [page.name for page in pages] == ["index.html", "01-one.html"]
    assert "The <em>map</em>." in pages[0].read_text()
    assert 'rel="prev" href="../index.html"' in pages[1].read_text()
    assert 'aria-current="page">1. One' in pages[1].read_text()
    assert '<span class="part">All</span>' in pages[1].read_text()
    assert "canonical" not in pages[1].read_text()


def test_an_address_and_a_footer_appear_when_they_are_set(tmp_path: Path) -> None:
    config = CONFIG.replace(
        "title: Small", "title: Small\n  site-url: https://a.example/b/\n  page-footer: CC *BY*"
    )
    html = rendered(tmp_path, "x", config=config)
    assert '<link rel="canonical" href="https://a.example/b/chapters/01-one.html">' in html
    assert '<meta property="og:title" content="1. One">' in html
    assert "<footer>CC <em>BY</em></footer>" in html


def test_no_mark_of_the_cells_is_left(tmp_path: Path) -> None:
    assert "<!--" not in rendered(
        tmp_path, "- a", "<details><summary>s</summary>", "| a |\n|---|\n| b |", "</details>"
    )


def test_the_search_holds_text_and_alt_text_by_section(tmp_path: Path) -> None:
    rendered(tmp_path, "## Deep {#deep}\n\nOf *quartz*.", FIGURE)
    script = (tmp_path / "out" / "assets" / "search.js").read_text(encoding="utf-8")
    entries = json.loads(script.removeprefix("window.COURSE = ").removesuffix(";\n"))
    found = next(entry for entry in entries if entry[0] == "chapters/01-one.html#deep")
    assert found[1:3] == ["1. One", "Deep"]
    assert "Of quartz." in found[3]
    assert "A dot" in found[3]


def test_a_page_can_stay_out_of_the_search(tmp_path: Path) -> None:
    config = CONFIG.replace(
        "chapters/01-one.ipynb]", "chapters/01-one.ipynb, chapters/two.qmd, chapters/three.qmd]"
    )
    course = project(tmp_path / "course", "Findable.", config=config)
    for name, said in (("two", "search: false"), ("three", "search: true")):
        text = f"---\ntitle: Page {name}\n{said}\n---\n\n## Words of {name}\n\nText of {name}, [home](../index.qmd).\n"
        (course.root / "chapters" / f"{name}.qmd").write_text(text)
    out = tmp_path / "out"
    out.mkdir()
    embedded.render(course, out)
    assert check_site(out) == []
    assert "Text of two" in (out / "chapters" / "two.html").read_text()
    script = (out / "assets" / "search.js").read_text()
    assert "Findable" in script
    assert "Text of three" in script
    assert "two" not in script  # nor in what the pages beside it say


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        rendered(tmp_path / name, "## H\n\nText [@lloyd].", FIGURE, code("x = 1"))
    files = {
        path.relative_to(tmp_path / "a" / "out")
        for path in (tmp_path / "a" / "out").rglob("*")
        if path.is_file()
    }
    assert len(files) > 5
    for name in files:
        assert (tmp_path / "a" / "out" / name).read_bytes() == (tmp_path / "b" / "out" / name).read_bytes(), (
            name
        )


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("{{< video x.mp4 >}}", "does not know the shortcode 'video'"),
        ("::: {.callout-danger}\nx\n:::", "unknown kind of callout: danger"),
        ("::: {.panel-tabset}\nx\n:::", "does not know ::: {.panel-tabset}"),
        ("::: {#fig-x}\n::: {#fig-y}\nx\n:::\n\nx\n:::", "fig-x has parts"),
        ("::: {.aside}\nx\n:::", "does not know ::: {.aside}"),
        ("::: {#fig-x}\n![](01-one_files/x.png){fig-alt='x'}\n:::", "fig-x has no caption"),
        ("::: {#tbl-x}\nx\n:::", "a table's label belongs into its caption line"),
        ("| | b |\n|--|--|\n| 1 | 2 |", "a column without a name"),
        ("[@lloyd; @fig-x]" + FIGURE, "in one bracket with"),
        ("![](01-one_files/x.svg){fig-alt='x'}", "is not a PNG"),
        ("See @fig-missing.", "a reference to @fig-missing, which is not on this page"),
        ("[@nobody]", "@nobody, which is not in the bibliography"),
        ("x\n\n{{< include _gone.md >}}", "does not know the shortcode 'include'"),
        ({"cell_type": "raw", "metadata": {}, "source": "<b>"}, "a raw cell"),
        ("![](01-one_files/gone.png){fig-alt='x'}", "gone.png is missing"),
        ("![](01-one_files/x.png)", "has no alt text"),
        (FIGURE + FIGURE, "two things are labeled fig-x"),
        ("```{python}\n1\n```", "a code cell in a page that is not run"),
        (code("#| echo: true\nx"), "a cell option"),
        ({**code("x"), "outputs": [{"output_type": "stream", "name": "stdout", "text": "x"}]}, "has outputs"),
    ],
)
def test_what_it_does_not_know_is_named_with_its_place(tmp_path: Path, cell: Any, reason: str) -> None:
    course = project(tmp_path / "course", "fine", cell)
    (course.root / "chapters" / "01-one_files" / "x.svg").write_text(
        "<svg xmlns='http://www.w3.org/2000/svg'/>"
    )
    with pytest.raises(CourseError) as caught:
        embedded.render(course, tmp_path)
    assert str(caught.value).startswith("01-one.ipynb, cell 3")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_key_that_it_does_not_know_is_named(tmp_path: Path) -> None:
    config = CONFIG.replace("toc: true", "toc: true, theme-toggle: fancy")
    with pytest.raises(CourseError, match=r"does not know 'format\.html\.theme-toggle'"):
        embedded.render(project(tmp_path / "course", config=config), tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("toc: true", "toc: true, code-copy: false", "knows only 'format.html.code-copy: true'"),
        ("  sidebar:", "  sidebar:\n    tools: [x]", "does not know 'website.sidebar.tools'"),
        ("format: {html: {", "format: {pdf: {}, html: {", "does not know 'format.pdf'"),
        ("  favicon: favicon.svg\n", "", "needs 'website.favicon'"),
        ("favicon.svg", "gone.svg", "names gone.svg, which is not there"),
    ],
)
def test_settings_that_it_cannot_follow_are_named(tmp_path: Path, old: str, new: str, reason: str) -> None:
    assert old in CONFIG
    with pytest.raises(CourseError, match=reason):
        embedded.render(project(tmp_path / "course", config=CONFIG.replace(old, new)), tmp_path)


def test_a_line_of_the_home_page_is_named(tmp_path: Path) -> None:
    home = "```\n{{< fine >}}\n```\n\n{{< video x >}}"
    with pytest.raises(CourseError, match=r"index\.qmd, line 9: .*'video'"):
        embedded.render(project(tmp_path / "course", home=home), tmp_path)


def test_a_course_without_a_bibliography(tmp_path: Path) -> None:
    assert "Text" in rendered(tmp_path, "Text", config=CONFIG.replace("bibliography: references.bib\n", ""))


def test_what_is_not_staged_is_named(tmp_path: Path) -> None:
    course = takes_in(project(tmp_path / "course"), "chapters/_gone.md")
    with pytest.raises(CourseError, match=r"index\.qmd: takes in chapters/_gone\.md, which is not there"):
        embedded.render(course, tmp_path)


def test_a_filter_that_a_page_names_is_there(tmp_path: Path) -> None:
    course = takes_in(project(tmp_path / "course"), "chapters/_map.md")
    (course.root / "assets" / "pieces.lua").unlink()
    with pytest.raises(CourseError, match=r"index\.qmd, front matter: there is no Lua filter pieces\.lua"):
        embedded.render(course, tmp_path)
