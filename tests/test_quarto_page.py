"""A page with Quarto's markup, on the themes that Quarto builds on: what assets/ mends there, in a browser.

Quarto compiles assets/light.scss and assets/dark.scss into Bootswatch's cosmo and darkly. Here the compiled themes come
from npm (`npm ci --prefix tests/node`), the colors of the scss files' first part become Bootstrap's variables, and their
second part is appended as it is: so that part has to be plain CSS. tests/fixtures/quarto/quarto.css stands for Quarto's
own rules, and tests/fixtures/quarto/index.html has the markup of Quarto 1.11.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests import test_pages
from tests.projects import FIXTURES, ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

THEMES = {"light": "cosmo", "dark": "darkly"}
# What of the scss files' first part Bootstrap has as variables.
VARIABLES = {
    "body-color": ["--bs-body-color", "--bs-emphasis-color", "--bs-heading-color"],
    "body-bg": ["--bs-body-bg"],
    "primary": ["--bs-primary"],
    "link-color": ["--bs-link-color", "--bs-link-hover-color"],
    "font-family-sans-serif": ["--bs-font-sans-serif"],
}
NAVIGATION = """document.addEventListener("DOMContentLoaded", () => {
  const offset = () => { document.body.style.paddingTop = document.querySelector("header.fixed-top").clientHeight + "px"; };
  setTimeout(offset, 50);
  setTimeout(offset, 250);
});
"""


def theme(name: str) -> str:
    """Return the style sheet of one theme: Bootstrap's, Quarto's own rules, the course's."""
    npm = ROOT / "tests/node/node_modules/bootswatch/dist" / THEMES[name] / "bootstrap.min.css"
    if not npm.is_file():
        message = "no themes: `npm ci --prefix tests/node` fetches them"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    # The import of a font from another host, which the scss files turn off.
    bootstrap = re.sub(r"@import\s*url\([^)]*\);", "", npm.read_text(encoding="utf-8"))
    defaults, rules = (ROOT / f"assets/{name}.scss").read_text(encoding="utf-8").split("/*-- scss:rules --*/")
    own = [
        f"{variable}: {value};"
        for key, value in re.findall(r"^\$([\w-]+): (.*);$", defaults, re.MULTILINE)
        for variable in VARIABLES.get(key, [])
    ]
    link = re.search(r"^\$link-color: #(..)(..)(..);$", defaults, re.MULTILINE)
    assert link
    own.append(f"--bs-link-color-rgb: {', '.join(str(int(part, 16)) for part in link.groups())};")
    quarto = (FIXTURES / "quarto/quarto.css").read_text(encoding="utf-8")
    return f"{bootstrap}\n:root {{ {' '.join(own)} }}\n{quarto}\n{rules}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of one page."""
    folder = tmp_path_factory.mktemp("quarto") / "site"
    shutil.copytree(ROOT / "assets", folder / "assets")
    (folder / "site_libs/bootstrap").mkdir(parents=True)
    (folder / "site_libs/quarto-nav").mkdir()
    (folder / "chapters").mkdir()
    for name in THEMES:
        (folder / f"site_libs/bootstrap/{name}.css").write_text(theme(name), encoding="utf-8")
    (folder / "site_libs/quarto-nav/quarto-nav.js").write_text(NAVIGATION, encoding="utf-8")
    (folder / "chapters/helpers.js").write_text(
        'window.HELPERS = ["segmentation.segment"];', encoding="utf-8"
    )
    Image.new("RGB", (720, 360), "#4477aa").save(folder / "x.png")
    picture = (
        '<p><img src="x.png" class="img-fluid figure-img" alt="A blue picture" width="720" height="360"></p>'
    )
    html = (FIXTURES / "quarto/index.html").read_text(encoding="utf-8")
    for mark, text in (
        ("IN-HEADER", (ROOT / "assets/in-header.html").read_text(encoding="utf-8")),
        ("AFTER-BODY", (ROOT / "assets/after-body.html").read_text(encoding="utf-8")),
        ("PICTURES", picture),
    ):
        html = html.replace(f"{mark}\n", f"{text}\n")
    (folder / "index.html").write_text(html, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The site, served on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(test_pages._Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("width", "theme"), test_pages.FACES)
def test_a_page_of_quartos_on_all_of_its_faces(
    browser: Browser, address: str, site: Path, width: int, theme: str
) -> None:
    wrong = test_pages.look_at(browser, address, site, "index.html", width, theme)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    browser: Browser, address: str, site: Path, width: int
) -> None:
    test_pages.test_the_keyboard_reaches_everything_and_shows_where_it_is(browser, address, site, width)


def test_at_twice_the_size_nothing_is_cut_off(browser: Browser, address: str, site: Path) -> None:
    test_pages.test_at_twice_the_size_nothing_is_cut_off(browser, address, site)


def test_what_scrolls_is_a_stop_of_the_keyboard_and_what_fits_is_none(browser: Browser, address: str) -> None:
    page = browser.new_context(viewport={"width": 390, "height": 800}).new_page()
    page.goto(address, wait_until="networkidle")
    stops = page.locator("main :is(table, pre)").evaluate_all(
        "(all) => all.filter((box) => box.checkVisibility()).map((box) => [box.tabIndex, box.scrollWidth > box.clientWidth + 1])"
    )
    assert len(stops) == 3
    assert all((index == 0) is wide for index, wide in stops)
    assert [wide for _, wide in stops] == [True, True, True]
    page.set_viewport_size({"width": 2400, "height": 800})
    page.wait_for_function("[...document.querySelectorAll('main table')].every((box) => box.tabIndex === -1)")


def test_the_top_of_a_page(browser: Browser, address: str) -> None:
    """The subtitle is no card; on a phone, breadcrumbs are one line of targets of 24 pixels, and a heading ends with its text."""
    page = browser.new_context(viewport={"width": 390, "height": 800}).new_page()
    page.goto(address, wait_until="networkidle")
    ground = "(box) => getComputedStyle(box).backgroundColor"
    assert page.locator("p.subtitle").evaluate(ground) == "rgba(0, 0, 0, 0)"
    assert page.locator("div.lead").evaluate(ground) != "rgba(0, 0, 0, 0)"
    links = page.locator("#quarto-header .breadcrumb-item a").evaluate_all(
        "(all) => all.map((link) => [link.getBoundingClientRect().top, link.getBoundingClientRect().height])"
    )
    assert len(links) == 2
    assert len({top for top, _ in links}) == 1
    assert all(height >= 24 for _, height in links)
    # Of a width at which the text fills its line, so that what follows it would wrap.
    heights = page.locator("h2.anchored").first.evaluate(
        """(head) => {
          const text = document.createRange();
          text.selectNode(head.firstChild);
          head.style.whiteSpace = "nowrap";
          const needed = text.getBoundingClientRect().width;
          head.style.whiteSpace = "";
          head.style.width = `${Math.ceil(needed) + 1}px`;
          const line = head.clientHeight;
          head.style.width = `${Math.ceil(needed) + 200}px`;
          return [line, head.clientHeight];
        }"""
    )
    assert heights[0] == heights[1]


def test_what_is_printed_from_the_dark_theme_is_black_on_white(browser: Browser, address: str) -> None:
    page = browser.new_context(viewport={"width": 800, "height": 800}, color_scheme="dark").new_page()
    page.goto(address, wait_until="networkidle")
    page.emulate_media(media="print", color_scheme="dark")
    pale = page.evaluate(
        """() => [...document.querySelectorAll("body, main *")].filter((box) => {
          const { color, backgroundColor } = getComputedStyle(box);
          const light = (text) => text.match(/\\d+(\\.\\d+)?/g).slice(0, 3).every((part) => part > 200);
          return light(color) || !(light(backgroundColor) || backgroundColor === "rgba(0, 0, 0, 0)");
        }).map((box) => box.outerHTML.slice(0, 80))"""
    )
    assert pale == []
