"""The gate that every site passes, whatever rendered it.

Steps: read each page; look for markup that leaked, links and anchors that lead nowhere, pictures
without alt text or file, anything that would be fetched from another host, ids used twice.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LEAKS = [":::", "#|", "@fig-", "@tbl-", "@eq-", "{#", "{{<", "?@", "$$", "Unable to display output"]
UNREAD = {"pre", "code", "script", "style", "annotation", "textarea"}
VOID = {"img", "br", "hr", "input", "meta", "link", "source", "area", "base", "col", "embed", "wbr"}
# Where a tag fetches something by itself: the attribute that holds the address.
FETCHES = {
    "object": "data",
    "img": "src",
    "script": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
}
FETCHING_LINKS = {
    "stylesheet",
    "icon",
    "preload",
    "modulepreload",
    "prefetch",
    "preconnect",
    "dns-prefetch",
    "manifest",
}


@dataclass
class PageFacts:
    """What the gate needs to know of one page."""

    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    images: list[dict[str, str | None]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    generator: str = ""
    lang: str = ""
    title: str = ""


class _Reader(HTMLParser):
    """Collects a page's facts."""

    def __init__(self) -> None:
        super().__init__()
        self.facts = PageFacts()
        self._unread = 0
        self._in_title = False
        self._in_style = False
        self._drawing = (
            ""  # the tag of the element with role img that is open, and how many of its tag are open
        )
        self._nested = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values, facts = dict(attrs), self.facts
        if values.get("id"):
            facts.ids.append(str(values["id"]))
        if tag == "html":
            facts.lang = values.get("lang") or ""
        if tag == "title" and not facts.title:
            self._in_title = True
        if tag == "meta" and values.get("name") == "generator":
            facts.generator = values.get("content") or ""
        if tag == "a" and values.get("href") is not None:
            facts.links.append(str(values["href"]))
        # Inside a drawing, whose label describes all of it, a picture's own alt text may be empty.
        if tag == "img" and not (self._drawing and values.get("alt") == ""):
            facts.images.append(values)
        if self._drawing == tag:
            self._nested += 1
        elif values.get("role") == "img":
            facts.images.append({"src": f"with role img ({tag})", "alt": values.get("aria-label")})
            if (values.get("aria-label") or "").strip() and tag not in VOID:
                self._drawing, self._nested = tag, 1
        if tag in ("image", "use"):  # of a drawing
            facts.fetched.append(values.get("href") or values.get("xlink:href") or "")
        if tag in FETCHES and values.get(FETCHES[tag]):
            facts.fetched.append(str(values[FETCHES[tag]]))
        if tag == "link" and set((values.get("rel") or "").split()) & FETCHING_LINKS:
            facts.fetched.append(values.get("href") or "")
        for part in (values.get("srcset") or "").split(","):
            facts.fetched += part.split()[:1]
        facts.fetched += [values["poster"] or ""] if "poster" in values else []
        facts.fetched += styles_fetch(values.get("style") or "")
        facts.text.append(f" {values.get('alt') or ''} {values.get('aria-label') or ''} ")
        self._in_style = tag == "style"
        if tag in UNREAD and tag not in VOID:
            self._unread += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        if tag == self._drawing:
            self._nested -= 1
            self._drawing = tag if self._nested else ""
        if tag in UNREAD and self._unread:
            self._unread -= 1
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.facts.title += data
        if self._in_style:
            self.facts.fetched += styles_fetch(data)
        if not self._unread:
            self.facts.text.append(data)


def check_site(site: Path) -> list[str]:
    """Return what is wrong with a built site, each as ``page: what``; an empty list if nothing is.

    Parameters
    ----------
    site : Path
        The folder that holds `index.html`.
    """
    pages = {path.relative_to(site).as_posix(): read_page(path) for path in sorted(site.rglob("*.html"))}
    if "index.html" not in pages:
        return [f"{site}: there is no index.html"]
    problems = []
    for name, facts in pages.items():
        problems += [f"{name}: {problem}" for problem in _check_page(site, name, facts, pages)]
    for path in sorted(site.rglob("*.css")):
        for address in styles_fetch(path.read_text(encoding="utf-8")):
            if _is_foreign(address):
                problems.append(
                    f"{path.relative_to(site).as_posix()}: would fetch {address} from another host"
                )
    return problems


def styles_fetch(css: str) -> list[str]:
    """Return the addresses that a style sheet would fetch."""
    return re.findall(r"(?:url\(|@import\s+(?!url))\s*['\"]?([^'\")\s;]+)", css)


def read_page(path: Path) -> PageFacts:
    """Return the facts of one page."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    return reader.facts


def _check_page(site: Path, name: str, facts: PageFacts, pages: dict[str, PageFacts]) -> list[str]:
    problems = []
    text = "".join(facts.text)
    for leak in LEAKS:
        if leak in text:
            at = text.index(leak)
            problems.append(f"raw markup {leak!r} in: {' '.join(text[max(0, at - 30) : at + 40].split())!r}")
    if not facts.title.strip():
        problems.append("no title")
    if not facts.lang:
        problems.append("no language in <html lang>")
    for image in facts.images:
        if not (image.get("alt") or "").strip():
            problems.append(f"the picture {image.get('src')} has no alt text")
    for address in facts.fetched:
        if _is_foreign(address):
            problems.append(f"would fetch {address} from another host")
        elif address and not address.startswith("data:"):
            problems += _check_target(site, name, address, pages, "fetches")
    for address in facts.links:
        if not urlsplit(address).scheme and not address.startswith("//"):
            problems += _check_target(site, name, address, pages, "links to")
    if not facts.generator.lower().startswith("quarto"):  # Quarto's own pages repeat ids
        problems += [f"the id {key!r} is used {n} times" for key, n in Counter(facts.ids).items() if n > 1]
    return problems


def _check_target(site: Path, name: str, address: str, pages: dict[str, PageFacts], verb: str) -> list[str]:
    """Return what is wrong with an address within the site: no such file, or no such anchor."""
    parts = urlsplit(address)
    target = (site / name).parent / unquote(parts.path) if parts.path else site / name
    if parts.path.startswith("/"):
        return [f"{verb} {address}, which depends on where the site lies"]
    if target.is_dir():
        target = target / "index.html"
    if not target.is_file():
        return [f"{verb} {address}, which is not there"]
    if not target.resolve().is_relative_to(site.resolve()):
        return [f"{verb} {address}, which lies outside the site"]
    key = target.resolve().relative_to(site.resolve()).as_posix()
    if parts.fragment and key in pages and unquote(parts.fragment) not in pages[key].ids:
        return [f"{verb} {address}, but there is no such place on that page"]
    return []


def _is_foreign(address: str) -> bool:
    """Return whether an address is on another host."""
    return address.startswith("//") or urlsplit(address).scheme in ("http", "https", "ws", "wss", "ftp")
