"""What holds on every page of the site, in a browser: light and dark, wide and on a phone, by keyboard.

The pages are those of a small run, or of the site that `--site FOLDER` names, whichever renderer made it:

    python -m pytest tests/test_pages.py --long --site=_site

On a site of Quarto's, faults of its own template are known by tests/quarto-faults.yml, and its `site_libs` do not
count as weight.
"""

from __future__ import annotations

import gzip
import itertools
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe

from course import gate
from tests.conftest import open_browser
from tests.projects import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Response

pytestmark = pytest.mark.browser

FIRST_VIEW, WHOLE_PAGE = 400_000, 900_000  # bytes, each file compressed by gzip at level 6
MOVED = 0.02  # cumulative layout shift; 0.1 is what is called good
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Rules of axe whose outcome depends on the theme; the others are asked once for each width.
COLOR_RULES = ["color-contrast", "link-in-text-block"]
FACES = [(width, (theme,)) for width in (1280, 390) for theme in ("light", "dark")]
COMPRESSED = {".webp", ".png", ".zip", ".woff2"}
SHIFTS = """
window.moved = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
FIGURES = """() => [...document.querySelectorAll("figure img, .quarto-float img")]
  .filter((image) => image.checkVisibility())
  .map((image) => ({
    source: image.getAttribute("src"), loaded: image.complete && image.naturalWidth > 0,
    // A picture inside a drawing has an empty alt text, as the drawing's label describes all of it.
    alt: (image.getAttribute("alt") === "" && image.closest("[role=img]")?.getAttribute("aria-label")) || image.alt,
    text: Number(image.dataset.text || 0) * image.clientWidth / Number(image.getAttribute("width")),
  })).concat([...document.querySelectorAll(".panels svg")].map((panel) => ({
    source: panel.closest("figure").id, loaded: true, alt: panel.closest("[role=img]").getAttribute("aria-label"),
    drawn: Number(panel.dataset.text || 0) * panel.clientWidth / Number(panel.getAttribute("width")),
  })))"""
SMALLEST_DRAWN = 9  # CSS pixels: text in a drawing, which follows the page's width
SMALL_PRINT = """() => {
  const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  let least = Infinity;
  while (walk.nextNode()) {
    const box = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !box.checkVisibility() || box.closest("sup, sub, math, .hidden, script")) continue;
    least = Math.min(least, parseFloat(getComputedStyle(box).fontSize));
  }
  return least;
}"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest) -> Path:
    given = request.config.getoption("--site")
    return given.resolve() if given else request.getfixturevalue("small_site")


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The site, served on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def listed_pages(site: Path) -> list[str]:
    """Return the pages of a site; an old address that leads on at once is none."""
    return sorted(
        path.relative_to(site).as_posix()
        for path in site.rglob("*.html")
        if 'http-equiv="refresh"' not in path.read_text(encoding="utf-8")
    )


def by_quarto(site: Path) -> bool:
    return gate.read_page(site / "index.html").generator.lower().startswith("quarto")


def known_faults(check: str) -> list[dict[str, str]]:
    listed = yaml.safe_load((ROOT / "tests" / "quarto-faults.yml").read_text(encoding="utf-8"))
    return [fault for fault in listed if fault["check"] == check]


def weight(response: Response) -> int:
    """Return how much a response weighs on its way: compressed, unless it is so already."""
    path = response.url.split("#")[0].split("?")[0]
    body = response.body()
    return len(body) if Path(path).suffix in COMPRESSED else len(gzip.compress(body, 6))


def look_at(
    browser: Browser, address: str, site: Path, name: str, width: int, themes: tuple[Any, ...]
) -> list[str]:
    """Return what is wrong with a page: it is opened in the first theme, read to its end, and examined in each."""
    quarto = by_quarto(site)
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=themes[0])
    page, wrong, responses = context.new_page(), [], []
    page.on("console", lambda message: wrong.append(f"{message.type} in the console: {message.text}"))
    page.on("pageerror", lambda error: wrong.append(f"an error in a script: {error}"))
    page.on("requestfailed", lambda request: wrong.append(f"a request failed: {request.url}"))
    page.on("response", lambda response: responses.append(response))
    page.add_init_script(SHIFTS)
    page.goto(f"{address}/{name}", wait_until="networkidle")
    wrong += [f"{r.status} of {r.url}" for r in responses if r.status >= 400]
    wrong += [f"a request to another host: {r.url}" for r in responses if not r.url.startswith(address)]
    counted = [r for r in responses if not (quarto and "/site_libs/" in r.url)]
    first = sum(map(weight, counted))
    if first > FIRST_VIEW:
        wrong.append(f"the first view weighs {first:,} bytes, more than {FIRST_VIEW:,}")
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if over > 0:
        wrong.append(f"scrolls sideways by {over} pixels")
    height = page.evaluate("document.documentElement.scrollHeight")
    for place in range(0, height, 700):
        page.evaluate(f"scrollTo({{ top: {place}, behavior: 'instant' }})")
        page.evaluate(DRAWN)  # what waits to come into view begins to load when a frame is drawn
    page.wait_for_load_state("networkidle")
    page.wait_for_function("[...document.images].filter((i) => i.checkVisibility()).every((i) => i.complete)")
    whole = sum(weight(r) for r in responses if not (quarto and "/site_libs/" in r.url))
    if whole > WHOLE_PAGE:
        wrong.append(f"the page weighs {whole:,} bytes, more than {WHOLE_PAGE:,}")
    moved = page.evaluate("window.moved")
    if moved > MOVED:
        wrong.append(f"things moved by {moved:.3f} while it loaded")
    # Back to the top, where the bar that stays in sight covers half of nothing: what it covers, a reader scrolls out of it.
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    for theme in themes:
        if theme != themes[0]:
            page.emulate_media(color_scheme=theme)
            page.wait_for_timeout(300)  # colors may take a moment to change
        rules = (
            {"type": "tag", "values": TAGS} if theme == themes[0] else {"type": "rule", "values": COLOR_RULES}
        )
        wrong += [
            f"{theme}: {fault}" for fault in faults_of_figures(page) + faults_of_axe(page, rules, quarto)
        ]
    context.close()
    return wrong


def faults_of_figures(page: Page) -> list[str]:
    """Return what is wrong with the figures of an open page."""
    page.wait_for_function("[...document.images].filter((i) => i.checkVisibility()).every((i) => i.complete)")
    wrong, small_print = [], page.evaluate(SMALL_PRINT)
    for figure in page.evaluate(FIGURES):
        if not figure["loaded"]:
            wrong.append(f"{figure['source']} did not load")
        if not figure["alt"].strip():
            wrong.append(f"{figure['source']} has no alt text")
        if figure.get("drawn", SMALLEST_DRAWN) < SMALLEST_DRAWN - 0.05:
            wrong.append(f"text in {figure['source']} is {figure['drawn']:.1f} pixels high")
        if figure.get("text") and figure["text"] < small_print - 0.05:
            wrong.append(
                f"text in {figure['source']} is {figure['text']:.1f} pixels high, the small print {small_print}"
            )
    return wrong


def faults_of_axe(page: Page, rules: dict[str, Any], quarto: bool) -> list[str]:
    """Return what axe finds on an open page with these rules, without the known faults of Quarto's template."""
    found = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]}).response
    wrong = []
    for violation in found["violations"]:
        for node in violation["nodes"]:
            if quarto and any(
                fault["rule"] == violation["id"] and page.locator(fault["selector"]).evaluate_all(
                    "(all, target) => all.some((one) => one.matches(target))", node["target"][0]
                )
                for fault in known_faults("axe")
            ):  # fmt: skip
                continue
            wrong.append(
                f"axe: {violation['id']}: {' '.join(node['failureSummary'].split())}: {node['html'][:120]}"
            )
    return wrong


Look = tuple[str, int, tuple[str, ...]]  # a page, the width of the window, the themes


def look_at_all(browser: Browser, address: str, site: Path, looks: list[Look]) -> dict[Look, list[str]]:
    """Return what is wrong with each of these faces."""
    return {look: look_at(browser, address, site, *look) for look in looks}


def look_meanwhile(address: str, site: Path, looks: list[Look]) -> dict[Look, list[str]]:
    """Look at faces from another thread, which needs a browser of its own."""
    with open_browser() as another:
        return look_at_all(another, address, site, looks)


def check_pages(browser: Browser, address: str, site: Path, looks: list[Look]) -> None:
    """Look at half of these faces here and, meanwhile, at the other half: most of a look is waiting."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        others = pool.submit(look_meanwhile, address, site, looks[1::2])
        found = look_at_all(browser, address, site, looks[::2]) | others.result()
    assert list(found) == looks[::2] + looks[1::2]
    wrong = [
        f"{name} at {width} pixels, opened {themes[0]}: {fault}"
        for (name, width, themes), faults in found.items()
        for fault in faults
    ]
    assert not wrong, "\n".join(wrong)


def test_every_page_on_one_of_its_faces(
    browser: Browser, address: str, site: Path, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--long"):
        pytest.skip("the next test looks at all of them")
    looks = [(name, *face) for name, face in zip(listed_pages(site), itertools.cycle(FACES), strict=False)]
    check_pages(browser, address, site, looks)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_every_page_on_all_of_its_faces(browser: Browser, address: str, site: Path) -> None:
    both = itertools.cycle([("light", "dark"), ("dark", "light"), ("dark", "light"), ("light", "dark")])
    check_pages(
        browser,
        address,
        site,
        [(name, width, next(both)) for name in listed_pages(site) for width in (1280, 390)],
    )


def test_the_examination_finds_faults(browser: Browser, tmp_path: Path) -> None:
    """A page with one of each: the checks above would be worth nothing if they saw none."""
    (tmp_path / "bad.html").write_text(
        """<!DOCTYPE html><html lang="en"><head><title>Bad</title><meta name="viewport" content="width=device-width">
        <style>img.narrow { width: 90px; height: auto } p { color: #ccc } #late { height: 0 }</style></head><body><main><h1>Bad</h1>
        <p>pale</p><figure><img class="narrow" src="x.svg" width="400" height="200" data-text="14"></figure>
        <div id="late"></div><p style="width: 3000px">wide</p><script>console.log("said");
        setTimeout(() => { late.style.height = "500px" }, 50)</script><script src="gone.js"></script></main></body></html>"""
    )
    (tmp_path / "x.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="400" height="200"/>')
    (tmp_path / "index.html").write_text("<!DOCTYPE html><html lang='en'><title>x</title></html>")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = "\n".join(
        look_at(
            browser, f"http://127.0.0.1:{server.server_port}", tmp_path, "bad.html", 390, ("light", "dark")
        )
    )
    server.shutdown()
    server.server_close()
    for fault in [
        "log in the console: said", "404 of", "scrolls sideways", "has no alt text",
        "while it loaded", "text in x.svg is 3", "axe: color-contrast", "axe: image-alt",
    ]:  # fmt: skip
        assert fault in found, f"{fault!r} is not among:\n{found}"


FOCUS = """() => {
  const box = document.activeElement;
  if (!box || box === document.body) return null;
  const style = getComputedStyle(box), place = box.getClientRects()[0] || box.getBoundingClientRect();  // of a broken link, its first line
  const x = Math.min(Math.max(place.left + place.width / 2, 1), innerWidth - 2);
  const y = Math.min(Math.max(place.top + Math.min(place.height / 2, 12), 1), innerHeight - 2);
  const there = document.elementFromPoint(x, y);
  return {
    what: box.outerHTML.slice(0, 100),
    visible: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== "none",
    inView: place.bottom > 0 && place.top < innerHeight && place.width > 0,
    hidden: !(there && (box.contains(there) || there.contains(box) || box.ownerSVGElement?.contains(there))),
  };
}"""
STOPS = """() => [...document.querySelectorAll(
  'a[href], button, input, summary, [tabindex="0"], select, textarea')]
  .filter((box) => box.tabIndex >= 0 && !box.disabled && box.checkVisibility({ visibilityProperty: true })).length"""


@pytest.mark.parametrize("width", [1280, 390])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    browser: Browser, address: str, site: Path, width: int
) -> None:
    names = [
        "index.html",
        *(name for name in listed_pages(site) if re.search(r"chapters/0[34]|glossary", name)),
    ]
    for name in names:
        context = browser.new_context(viewport={"width": width, "height": 800}, reduced_motion="reduce")
        page = context.new_page()
        page.goto(f"{address}/{name}", wait_until="networkidle")
        stops, seen = page.evaluate(STOPS), 0
        for _ in range(stops + 5):
            page.keyboard.press("Tab")
            focus = page.evaluate(FOCUS)
            if focus is None:
                break
            seen += 1
            assert focus["visible"], f"{name}: no mark of the focus on {focus['what']}"
            assert focus["inView"], f"{name}: out of view: {focus['what']}"
            assert not focus["hidden"], f"{name}: covered: {focus['what']}"
        assert seen >= stops - 1, f"{name}: {seen} of {stops} stops reached"
        context.close()


def test_at_twice_the_size_nothing_is_cut_off(browser: Browser, address: str, site: Path) -> None:
    # A window of 1280 × 800 in which the reader has zoomed to 200 %.
    page = browser.new_context(viewport={"width": 640, "height": 400}, device_scale_factor=2).new_page()
    for name in listed_pages(site):
        page.goto(f"{address}/{name}", wait_until="load")
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, f"{name} scrolls sideways by {over} pixels"
        cut = page.evaluate(
            """() => [...document.querySelectorAll("main p, main h1, main h2, main h3, main li, button")].filter((box) => box.checkVisibility() &&
            !box.closest(".scroll, pre, .hidden") && box.scrollWidth > box.clientWidth + 2 && getComputedStyle(box).overflowX !== "visible")
            .map((box) => box.textContent.slice(0, 60))"""
        )
        assert cut == [], f"{name}: cut off: {cut}"


def test_who_wants_no_motion_gets_none(browser: Browser, address: str, site: Path) -> None:
    page = browser.new_context(reduced_motion="reduce").new_page()
    for name in ["index.html", "chapters/03-k-means-segmentation.html"]:
        page.goto(f"{address}/{name}", wait_until="networkidle")
        moving = page.evaluate(
            """() => [...document.querySelectorAll("main *, header *")].filter((box) => {
              const style = getComputedStyle(box);
              return style.scrollBehavior === "smooth" || [style.transitionDuration, style.animationDuration]
                .some((all) => all.split(",").some((one) => parseFloat(one) > 0.01));
            }).map((box) => box.outerHTML.slice(0, 80))"""
        )
        assert moving == [], name
        assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_every_page_says_what_it_is_and_has_a_card(site: Path) -> None:
    said = {}
    for name in listed_pages(site):
        html = (site / name).read_text(encoding="utf-8")
        found = {
            key: re.search(pattern, html)
            for key, pattern in {
                "title": r"<title>([^<]{5,})</title>",
                "description": r'<meta name="description" content="([^"]{30,})"',
                "card": r'<meta (?:property|name)="(?:og|twitter):image" content="([^"]+)"',
            }.items()
        }
        missing = [key for key, match in found.items() if not match]
        assert not missing, f"{name} has no {missing[0]}"
        said[name] = (found["title"][1], found["description"][1])  # type: ignore[index]
        card = found["card"][1]  # type: ignore[index]
        path = site / card.split("/", 3)[3] if card.startswith("http") else (site / name).parent / card
        assert path.is_file(), f"{name}: no card at {card}"
    assert len({title for title, _ in said.values()}) == len(said), "two pages have one title"
    from PIL import Image

    with Image.open(path) as picture:
        assert picture.size == (1200, 630)
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 20


def test_the_search_finds_a_term_of_every_chapter_in_prose_and_in_alt_texts(
    browser: Browser, address: str, site: Path
) -> None:
    if by_quarto(site):
        index = json.loads((site / "search.json").read_text(encoding="utf-8"))
        assert {Path(entry["href"].split("#")[0]).name for entry in index} >= {
            Path(name).name for name in listed_pages(site) if re.search(r"chapters/\d", name)
        }
        return
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    for name in [name for name in listed_pages(site) if re.search(r"chapters/\d", name)]:
        page.goto(f"{address}/{name}", wait_until="load")
        prose, alt = page.evaluate(
            """() => [
              [...document.querySelectorAll(".text > p")].map((p) => p.innerText).filter((t) => t.length > 120).at(-1),
              document.querySelector("figure [role=img]").getAttribute("aria-label"),
            ]"""
        )
        for text in (prose, alt):
            words = re.findall(r"[A-Za-z]{4,}", text)
            wanted = " ".join(
                max((words[i : i + 5] for i in range(len(words) - 4)), key=lambda w: len("".join(w)))
            )
            page.locator("#search").fill("")
            page.locator("#search").fill(wanted)
            page.wait_for_function("document.querySelector('#found').textContent !== ''")
            hits = page.locator("#results li").evaluate_all("all => all.map((one) => one.dataset.url)")
            assert any(Path(name).name in hit for hit in hits), f"{name}: {wanted!r} leads to {hits}"


def test_the_code_switch_is_remembered_on_other_pages(browser: Browser, address: str, site: Path) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.add_init_script(SHIFTS)
    page.goto(f"{address}/chapters/02-synthetic-landscape.html", wait_until="networkidle")
    cells = page.locator("details.code, details.code-fold")
    assert cells.evaluate_all("(all) => all.every((one) => one.open)")
    page.get_by_role("button", name="Hide all code").focus()
    page.keyboard.press("Enter")
    assert not cells.evaluate_all("(all) => all.some((one) => one.open)")
    page.goto(f"{address}/chapters/03-k-means-segmentation.html", wait_until="networkidle")
    assert not cells.evaluate_all("(all) => all.some((one) => one.open)")
    assert page.get_by_role("button", name="Hide all code").get_attribute("aria-pressed") == "true"
    assert page.evaluate("window.moved") <= MOVED
    page.get_by_role("button", name="Hide all code").click()
    page.goto(f"{address}/chapters/04-choosing-k.html", wait_until="networkidle")
    assert cells.evaluate_all("(all) => all.every((one) => one.open)")


def test_helpers_in_code_and_terms_lead_to_what_explains_them(browser: Browser, address: str) -> None:
    page: Page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.goto(f"{address}/chapters/02-synthetic-landscape.html", wait_until="networkidle")
    link = page.locator("pre a.helper").filter(has_text="landscape.heights").first
    link.click()
    page.wait_for_url("**/chapters/helpers.html#landscape.heights")
    assert page.locator("[id='landscape.heights']").is_visible()
    page.goto(f"{address}/chapters/04-choosing-k.html", wait_until="networkidle")
    page.locator("a.term").filter(has_text="silhouette").first.click()
    page.wait_for_url("**/chapters/glossary.html#term-silhouette")
    # And the glossary leads back.
    assert page.locator("dd a[href*='04-choosing-k']").count() > 0


def test_the_home_page_knows_where_the_reader_was(browser: Browser, address: str) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce").new_page()
    page.add_init_script(SHIFTS)
    page.goto(f"{address}/index.html", wait_until="networkidle")
    assert page.locator(".continue").inner_text() == ""
    page.goto(f"{address}/chapters/03-k-means-segmentation.html", wait_until="networkidle")
    heading = page.locator("h2").nth(2)
    heading.scroll_into_view_if_needed()
    page.mouse.wheel(0, 600)
    page.wait_for_function("localStorage.getItem('course-place')")
    page.wait_for_timeout(200)
    page.goto(f"{address}/index.html", wait_until="networkidle")
    link = page.locator(".continue a")
    assert "3. Segmentation with k-means" in link.inner_text()
    assert page.evaluate("window.moved") <= MOVED
    link.click()
    page.wait_for_url("**/chapters/03-k-means-segmentation.html#*")


def test_html_is_valid(site: Path) -> None:
    """The Nu HTML checker finds nothing; it comes from npm and needs Java, so a laptop may go without it."""
    checker, java = ROOT / "tests/node/node_modules/vnu-jar/build/dist/vnu.jar", shutil.which("java")
    if not checker.is_file() or java is None:
        message = "no Nu checker: `npm ci --prefix tests/node` fetches it, and it needs Java"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    told = subprocess.run(
        [str(java), "-Xss16m", "-jar", str(checker), "--skip-non-html", "--format", "json", str(site)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = json.loads(told.stderr)["messages"]
    known = [fault["rule"] for fault in known_faults("nu")] if by_quarto(site) else []
    # Pandoc closes empty elements with a slash, which the checker remarks on and allows.
    wrong = [
        f"{Path(one['url']).name}, line {one.get('lastLine')}: {one['message']}"
        for one in found
        if not one["message"].startswith("Trailing slash")
        and not any(re.search(rule, one["message"]) for rule in known)
    ]
    assert not wrong, "\n".join(wrong[:40])


def test_known_faults_of_quarto_are_stated_in_full() -> None:
    for fault in yaml.safe_load((ROOT / "tests" / "quarto-faults.yml").read_text(encoding="utf-8")):
        assert set(fault) == {"check", "rule", "selector", "why"}
        assert fault["check"] in ("axe", "nu")
