"""The gate names what is wrong with a page, and passes what is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from course.gate import check_site

PAGE = (
    '<!DOCTYPE html><html lang="en"><head><title>T</title><meta name="generator" content="x">{head}</head>'
    '<body><h1 id="top">T</h1>{body}</body></html>'
)


def site(folder: Path, body: str = "", head: str = "") -> list[str]:
    (folder / "a.png").write_bytes(b"x")
    (folder / "index.html").write_text(PAGE.format(body=body, head=head), encoding="utf-8")
    return check_site(folder)


@pytest.mark.parametrize(
    "body",
    [
        "<p>Fine</p>",
        "<pre>::: {.x} #| @fig-x $$</pre>",
        '<p><code>{{&lt; include &gt;}} {#x}</code></p><a href="#top">x</a>',
        '<div role="img" aria-label="A map"><div><img src="a.png" alt=""></div><img src="a.png" alt=""></div>',
        '<img src="a.png" alt="A line"><a href="https://example.org">out</a><a href="mailto:a@b.c">m</a>',
    ],
)
def test_what_is_right_passes(tmp_path: Path, body: str) -> None:
    assert site(tmp_path, body) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("<p>::: {.callout}</p>", "raw markup ':::'"),
        ("<p>#| echo</p>", "raw markup '#|'"),
        ("<p>see @fig-x</p>", "raw markup '@fig-'"),
        ("<p>?@tbl</p>", "raw markup '?@'"),
        ("<h2>H {#id}</h2>", "raw markup '{#'"),
        ("<p>{{&lt; video &gt;}}</p>", "raw markup '{{<'"),
        ("<p>$$x$$</p>", "raw markup '$$'"),
        ("<p>Unable to display output for mime type</p>", "Unable to display output"),
        ('<img src="a.png">', "a.png has no alt text"),
        ('<img src="a.png" alt=" ">', "a.png has no alt text"),
        ('<img src="a.png" alt="">', "a.png has no alt text"),
        ('<div role="img" aria-label="A map"><img src="a.png"></div>', "a.png has no alt text"),
        (
            '<div role="img" aria-label="A map"><div></div></div><img src="a.png" alt="">',
            "a.png has no alt text",
        ),
        ('<div role="img"></div>', "the picture with role img (div) has no alt text"),
        ('<img src="b.png" alt="x">', "fetches b.png, which is not there"),
        ('<img src="https://example.org/b.png" alt="x">', "from another host"),
        ('<script src="//example.org/x.js"></script>', "from another host"),
        ('<a href="other.html">x</a>', "links to other.html, which is not there"),
        ('<a href="#nowhere">x</a>', "no such place"),
        ('<a href="../beside.html">x</a>', "lies outside the site"),
        ('<img src="a.png" alt="as @fig-x shows">', "raw markup '@fig-'"),
        ('<p style="background: url(https://example.org/b.png)">x</p>', "from another host"),
        ("<style>@import '//example.org/x.css';</style>", "from another host"),
        ('<video poster="https://example.org/b.png"></video>', "from another host"),
        ('<object data="https://example.org/b.svg"></object>', "from another host"),
        ('<a href="/index.html">x</a>', "depends on where the site lies"),
        ('<p id="top">x</p>', "the id 'top' is used 2 times"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, body: str, problem: str) -> None:
    (tmp_path / "beside.html").write_text("x")
    (tmp_path / "site").mkdir()
    problems = site(tmp_path / "site", body)
    assert len(problems) == 1
    assert problems[0].startswith("index.html: ")
    assert problem in problems[0]


def test_styles_that_fetch_from_elsewhere_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.css").write_text('@import "https://fonts.example.org/css";')
    assert site(tmp_path) == ["x.css: would fetch https://fonts.example.org/css from another host"]
    (tmp_path / "x.css").write_text("")
    assert (
        "from another host"
        in site(tmp_path, head='<link rel="stylesheet" href="https://cdn.example.org/x.css">')[0]
    )


def test_a_page_needs_a_title_and_a_language(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<html><body></body></html>")
    assert check_site(tmp_path) == ["index.html: no title", "index.html: no language in <html lang>"]


def test_a_folder_without_a_home_page_is_no_site(tmp_path: Path) -> None:
    assert "no index.html" in check_site(tmp_path)[0]


def test_quartos_repeated_ids_are_let_pass(tmp_path: Path) -> None:
    text = PAGE.format(body='<p id="top"></p>', head="").replace('content="x"', 'content="quarto-1.7.1"')
    (tmp_path / "index.html").write_text(text)
    assert check_site(tmp_path) == []
