"""The site as a reader meets it: in Chromium, light and dark, wide and narrow, by keyboard."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from course import embedded
from tests.test_embedded import FIGURE, code, project

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(small_site: Path) -> Iterator[str]:
    """The small site, served on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(small_site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page with what the chapters do not use yet, or only on some runs: code and math that are too wide."""
    folder = tmp_path_factory.mktemp("sample")
    wide = "$$" + "+".join(f"x_{{{i}}}" for i in range(60)) + "$$"
    table = "|" + "column |" * 15 + "\n|" + "--|" * 15 + "\n|" + "unbreakable |" * 15
    cells = ["See @fig-x.", FIGURE, wide, f"{wide} {{#eq-w}}", table, f"```\n{'wide ' * 60}\n```"]
    out = folder / "out"
    out.mkdir()
    embedded.render(project(folder / "course", *cells, code("x = '" + "long " * 60 + "'")), out)
    return (out / "chapters" / "01-one.html").as_uri()


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_worksheet_fits_on_both_sides_of_a_sheet(browser: Browser, address: str, paper: str) -> None:
    page = open_page(browser, f"{address}/worksheet.html")
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format=paper))) == 2
    # Other fonts are larger: more text on each side must fit, too.
    page.add_style_tag(content="#move, #assign { padding-top: 8mm; }")
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format=paper))) == 2
    page.emulate_media(media="print")
    shown = "nodes => nodes.filter(node => node.checkVisibility()).length"
    assert page.locator("nav, footer, .top").evaluate_all(shown) == 0


def pages_of(site: Path) -> list[str]:
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))


def open_page(browser: Browser, url: str, **context: Any) -> Page:
    return_page = browser.new_context(**context).new_page()
    return_page.goto(url, wait_until="load")
    return return_page


def test_the_theme_switch_changes_figures_and_is_remembered(browser: Browser, address: str) -> None:
    page = open_page(browser, f"{address}/chapters/02-synthetic-landscape.html", color_scheme="light")
    ink = "(part) => getComputedStyle(part).fill"
    text = page.locator('.panels svg [style*="fill: var(--ink)"]').first
    light = text.evaluate(ink)
    page.get_by_role("button", name="Dark theme").click()
    dark = text.evaluate(ink)
    assert light != dark
    page.reload()
    assert text.evaluate(ink) == dark


def test_search_by_keyboard_finds_prose_and_alt_text(browser: Browser, address: str) -> None:
    page = open_page(browser, f"{address}/index.html")
    page.keyboard.press("/")
    page.keyboard.type("lattice point")
    assert page.get_by_role("option").first.is_visible()
    assert page.locator("#search").get_attribute("aria-expanded") == "true"
    page.keyboard.press("Escape")
    assert not page.get_by_role("option").first.is_visible()
    page.locator("#search").fill("scatter plots of")
    page.locator("#search").press("Enter")
    page.wait_for_url("**/chapters/*")
    page.go_back()
    page.locator("#search").fill("zzzz")
    assert page.locator("#found").text_content() == "0 found"


def test_the_skip_link_is_first_and_leads_to_the_text(browser: Browser, address: str) -> None:
    page = open_page(browser, f"{address}/chapters/03-k-means-segmentation.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the text"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_code_folds_and_copies(browser: Browser, address: str) -> None:
    page = open_page(
        browser,
        f"{address}/chapters/02-synthetic-landscape.html",
        permissions=["clipboard-read", "clipboard-write"],
    )
    page.get_by_role("button", name="Copy").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("# Parameters of this chapter")
    page.get_by_text("Code", exact=True).first.focus()
    page.keyboard.press("Enter")
    assert not page.locator("details.code").first.evaluate("(one) => one.open")


@pytest.mark.parametrize("width", [1280, 390])
def test_what_is_too_wide_scrolls_in_its_own_box(browser: Browser, sample: str, width: int) -> None:
    page = open_page(browser, sample, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    boxes = page.get_by_role("region")
    names = [box.get_attribute("aria-label") for box in boxes.all()]
    assert len(names) == len(set(names)) == 4  # two equations, the table, the printed text; code wraps
    assert all(box.get_attribute("tabindex") == "0" for box in boxes.all())
    boxes.first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")


def test_paper_is_light(browser: Browser, sample: str) -> None:
    page = open_page(browser, sample, color_scheme="dark")
    page.get_by_role("button", name="Light theme").click()
    page.get_by_role("button", name="Dark theme").click()
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("figure img").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.get_by_role("navigation", name="Chapters").is_visible()


def test_pages_read_without_scripts(browser: Browser, address: str) -> None:
    page = open_page(browser, f"{address}/chapters/02-synthetic-landscape.html", java_script_enabled=False)
    assert page.locator(".panels svg").first.is_visible()
    assert page.get_by_role("navigation", name="Chapters").is_visible()
    assert not page.locator(".search").is_visible()


def test_the_site_works_from_a_folder(browser: Browser, small_site: Path) -> None:
    page = open_page(browser, (small_site / "index.html").as_uri())
    page.locator("#search").fill("permutation")
    page.locator("#search").fill("noise")
    assert page.get_by_role("option").count() > 0
