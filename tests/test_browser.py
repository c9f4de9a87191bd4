"""The site as a reader meets it: in Chromium, light and dark, wide and narrow, by keyboard."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

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


def pages_of(site: Path) -> list[str]:
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))


def open_page(browser: Browser, url: str, **context: Any) -> Page:
    return_page = browser.new_context(**context).new_page()
    return_page.goto(url, wait_until="load")
    return return_page


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_quiet_and_fits(
    browser: Browser, address: str, small_site: Path, width: int, theme: Any
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)
    page = context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
    page.on("requestfailed", lambda request: trouble.append(f"failed: {request.url}, {request.failure}"))
    page.on(
        "response",
        lambda response: (
            trouble.append(f"{response.status}: {response.url}") if response.status >= 400 else None
        ),
    )
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith(address) else trouble.append(f"foreign: {request.url}")
        ),
    )
    for name in pages_of(small_site):
        page.goto(f"{address}/{name}", wait_until="networkidle")  # leaving sooner would cut requests off
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over == 0, f"{name} scrolls sideways by {over} pixels at {width}"
        shown = page.evaluate("[...document.images].filter(i => i.offsetParent).map(i => i.className)")
        other = "dark-content" if theme == "light" else "light-content"
        assert other not in shown, f"{name} shows a figure of the other theme"
    assert trouble == []
    context.close()


def test_the_theme_switch_changes_figures_and_is_remembered(browser: Browser, address: str) -> None:
    page = open_page(browser, f"{address}/chapters/02-synthetic-landscape.html", color_scheme="light")
    assert page.locator("img.light-content").first.is_visible()
    page.get_by_role("button", name="Dark theme").click()
    assert page.locator("img.dark-content").first.is_visible()
    assert not page.locator("img.light-content").first.is_visible()
    page.reload()
    assert page.locator("img.dark-content").first.is_visible()


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


def test_code_unfolds_and_copies(browser: Browser, address: str) -> None:
    page = open_page(
        browser,
        f"{address}/chapters/02-synthetic-landscape.html",
        permissions=["clipboard-read", "clipboard-write"],
    )
    summary = page.get_by_text("Show the code").first
    summary.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Copy").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("# Parameters of this chapter")


def test_figures_keep_their_place_while_they_load(browser: Browser, address: str, small_site: Path) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => { for (const e of list.getEntries()) window.shift += e.value })"
        ".observe({type: 'layout-shift', buffered: true})"
    )
    for name in pages_of(small_site):
        page.goto(f"{address}/{name}", wait_until="networkidle")
        assert page.evaluate("window.shift") < 0.02, name


def test_pages_read_without_scripts(browser: Browser, address: str) -> None:
    page = open_page(browser, f"{address}/chapters/02-synthetic-landscape.html", java_script_enabled=False)
    assert page.locator("img.light-content").first.is_visible()
    assert page.get_by_role("navigation", name="Chapters").is_visible()
    assert not page.locator(".search").is_visible()


def test_the_site_works_from_a_folder(browser: Browser, small_site: Path) -> None:
    page = open_page(browser, (small_site / "index.html").as_uri())
    page.locator("#search").fill("permutation")
    page.locator("#search").fill("noise")
    assert page.get_by_role("option").count() > 0
