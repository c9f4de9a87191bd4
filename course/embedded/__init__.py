"""The renderer for where there is no Quarto: Pandoc, one Lua filter, one page template.

Steps: read the same `_quarto.yml`, `index.qmd` and staged chapters that Quarto would; turn each page into
Markdown; let Pandoc make it HTML; list its sections for the search; copy what the pages refer to. It
supports the part of Quarto that this course uses, and stops with the place of anything else.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pypandoc
import yaml

from course.errors import CourseError
from course.project import Project, read_notebook, read_yaml, sidebar_files

HERE = Path(__file__).parent
# The keys of _quarto.yml that this renderer follows, or that mean nothing to it.
SUPPORTED = {
    "": {"project", "website", "execute", "format", "lang", "bibliography", "link-citations"},
    "project": {"type", "output-dir", "pre-render", "post-render", "render", "resources"},
    "website": {
        "title", "description", "favicon", "image", "open-graph", "twitter-card", "repo-url", "site-url", "search", "page-navigation",
        "back-to-top-navigation", "page-footer", "sidebar",
    },
    "website.sidebar": {"style", "search", "contents"},
    "execute": {"enabled"},
    "format": {"html"},
    "format.html": {
        "theme", "respect-user-color-scheme", "toc", "toc-title", "code-fold", "code-summary", "code-copy",
        "code-overflow", "html-math-method", "fig-cap-location", "css", "include-in-header", "include-after-body",
    },
}  # fmt: skip
# Keys of which it knows but one value: what it does in any case.
ONLY = {
    "website.search": True,
    "website.open-graph": True,
    "website.twitter-card": True,
    "website.back-to-top-navigation": False,
    "execute.enabled": False,
    "format.html.respect-user-color-scheme": True,
    "format.html.code-copy": True,
    "format.html.code-overflow": "wrap",
    "format.html.html-math-method": "mathml",
    "format.html.fig-cap-location": "bottom",
}
SCRIPTS = ["assets/course.js"]  # which Quarto gets from assets/after-body.html
NEEDED = ["title", "description", "favicon", "sidebar"]


@dataclass
class Page:
    """One page: its name in `_quarto.yml`, where it comes from, its front matter and Markdown."""

    name: str
    source: Path
    about: dict[str, Any]
    text: str

    @property
    def target(self) -> str:
        """Return where the page goes, from the site's root."""
        return self.name.rsplit(".", 1)[0] + ".html"

    @property
    def title(self) -> str:
        """Return what links to this page say."""
        return "Home" if self.target == "index.html" else str(self.about.get("title", self.target))

    @property
    def root(self) -> str:
        """Return the way from this page to the site's root."""
        return "../" * self.target.count("/")


def render(project: Project, out: Path) -> list[Path]:
    """Write the whole site into the empty folder `out`.

    Returns
    -------
    list of Path
        The pages.

    Raises
    ------
    CourseError
        At the first thing that this renderer does not support, with its place.
    """
    check_supported(project)
    pages = [read_page(project, name) for name in sidebar_files(project.config)]
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor() as pool:
        bodies = list(pool.map(lambda i: _pandoc(project, pages, i, Path(scratch)), range(len(pages))))
    for page, html in zip(pages, bodies, strict=True):
        target = out / page.target
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(html, encoding="utf-8")
    _write_assets(project, pages, bodies, out)
    return [out / page.target for page in pages]


def generator() -> str:
    """Return this renderer's name and Pandoc's version, for the manifest and each page's `<meta>`."""
    return f"embedded renderer (Pandoc {pandoc_version()})"


@cache
def pandoc_version() -> str:
    """Return the version of the Pandoc that comes with pypandoc-binary."""
    return str(pypandoc.get_pandoc_version())


def pandoc_environment() -> dict[str, str]:
    """Return an environment in which Pandoc can open a file whose name is not ASCII, whatever the user's locale."""
    return {**os.environ, **({"LC_ALL": "C.UTF-8"} if sys.platform == "linux" else {})}


def check_supported(project: Project) -> None:
    """Raise CourseError at the first key or value of `_quarto.yml` that this renderer does not know."""

    def part(path: str) -> Any:
        found: Any = project.config
        for name in path.split(".") if path else []:
            found = found.get(name) or {}
            if not isinstance(found, dict):
                raise CourseError(
                    f"_quarto.yml: the embedded renderer takes '{path}' only as names and values"
                )
        return found

    for path, known in SUPPORTED.items():
        for key, value in part(path).items():
            place = f"{path}.{key}".removeprefix(".")
            if key not in known:
                raise CourseError(
                    f"_quarto.yml: the embedded renderer does not know '{place}'; use Quarto, or take it out"
                )
            if value != ONLY.get(place, value):
                only = str(ONLY[place]).lower()
                raise CourseError(
                    f"_quarto.yml: the embedded renderer knows only '{place}: {only}'; use Quarto, or set it so"
                )
    for key in NEEDED:
        if not project.website.get(key):
            raise CourseError(f"_quarto.yml: the embedded renderer needs 'website.{key}'")
    html = part("format.html")
    named = [project.config.get("bibliography"), html.get("css"), html.get("include-in-header")]
    for name in [project.website["favicon"], *filter(None, named)]:
        if not (project.root / name).is_file():
            raise CourseError(f"_quarto.yml names {name}, which is not there")


def read_page(project: Project, name: str) -> Page:
    """Return a page from `index.qmd` or a staged notebook."""
    source = project.root / name
    if not source.is_file():
        raise CourseError(f"_quarto.yml lists {name}, but {source} is not there; run `course stage` first")
    if source.suffix == ".ipynb":
        text = notebook_markdown(source)
    else:
        text = read_markdown(source.read_text(encoding="utf-8"), source.name)
    match = re.match(r"\s*---\n(.*?)\n---\s*\n", text, re.DOTALL)
    about = read_yaml(match[1], f"{name}, front matter") if match else {}
    return Page(name, source, about, text[match.end() :] if match else text)


def notebook_markdown(path: Path) -> str:
    """Return a staged notebook as Markdown: each cell counted, its code in blocks of class `cell-code`."""
    parts = []
    for number, cell in enumerate(read_notebook(path)["cells"], start=1):
        place = f"{path.name}, cell {number}"
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        if cell["cell_type"] == "code":
            if cell.get("outputs"):
                raise CourseError(f"{place}: a staged code cell has outputs; run `course stage`")
            if re.search(r"^#\|", source, re.MULTILINE):
                raise CourseError(f"{place}: a cell option (#|) that was not staged")
            fence = "`" * max([3, *(len(ticks) + 1 for ticks in re.findall("`+", source))])
            source = f"{fence} {{.python .cell-code}}\n{source}\n{fence}"
        elif cell["cell_type"] == "markdown":
            source = read_markdown(source, place)
        elif number > 1:
            raise CourseError(f"{place}: a raw cell; only the first may be one, with the front matter")
        parts.append(source if number == 1 else f"<!-- cell {number} -->\n\n{source}")
    return "\n\n".join(parts) + "\n"


def read_markdown(text: str, place: str) -> str:
    """Return `text`; raise CourseError at a line that only Quarto understands."""
    for number, line in enumerate(_without_code(text).splitlines(), start=1):
        shortcode = re.search(r"\{\{<\s*(\S+)", line)
        if shortcode:
            raise CourseError(
                f"{place}, line {number}: the embedded renderer does not know the shortcode '{shortcode[1]}'"
            )
        if re.match(r"\s*```+\s*\{[a-z]+\}", line):
            raise CourseError(
                f"{place}, line {number}: a code cell in a page that is not run: {line.strip()}"
            )
    return text


def _without_code(text: str) -> str:
    """Return the text without the contents of fenced code blocks; its lines keep their numbers."""
    return re.sub(
        r"^(`{3,})(?! *\{[a-z]).*?^\1 *$",
        lambda match: "\n" * match[0].count("\n"),
        text,
        flags=re.DOTALL | re.MULTILINE,
    )


def _pandoc(project: Project, pages: list[Page], index: int, scratch: Path) -> str:
    """Return one page as HTML."""
    page, site = pages[index], project.website
    html = (project.config.get("format") or {}).get("html") or {}
    home = page.target == "index.html"
    variables = {
        "root": page.root,
        "home": home,
        "generator": escape(generator()),
        "site-title": escape(site["title"]),
        "favicon": site["favicon"],
        "description-text": escape(str(page.about.get("description") or site["description"])),
        "lang": project.config.get("lang", "en"),
        "toc-wanted": page.about.get("toc", html.get("toc", False)),
        "css": html.get("css", ""),
        "scripts": SCRIPTS if (project.root / SCRIPTS[0]).is_file() else [],
        "header": (project.root / html["include-in-header"]).read_text(encoding="utf-8")
        if html.get("include-in-header")
        else "",
        "image": _absolute(site, page, str(site["image"])) if site.get("image") else "",
        "image-alt": escape(f"{site['title']}: from noise to a map"),
        "toc-title": escape(html.get("toc-title", "On this page")),
        "navigation": _navigation(site["sidebar"]["contents"], pages, page),
        "pager": "" if home or not site.get("page-navigation") else _pager(pages, index),
        "canonical": _absolute(site, page, page.target) if site.get("site-url") else "",
    }
    written = {  # read as Markdown
        "title": page.about.get("title", site["title"]),
        "subtitle": page.about.get("subtitle", ""),
        "page-footer": site.get("page-footer", ""),
    }
    if "nocite" in page.about:
        written["nocite"] = page.about["nocite"]
    head = yaml.safe_dump(written, allow_unicode=True)
    metadata = {
        "link-citations": bool(project.config.get("link-citations")),
        "code-fold": str(html.get("code-fold", False)).lower(),
        "code-summary": html.get("code-summary", "Code"),
        "source-folder": page.source.parent.as_posix(),
    }
    if project.config.get("bibliography"):
        metadata["bibliography"] = [str(project.root / project.config["bibliography"])]
    defaults = {
        "from": "markdown",
        "to": "html5",
        "standalone": True,
        "template": str(HERE / "template.html"),
        "filters": [*_own_filters(page), str(HERE / "filter.lua"), "citeproc"],
        "html-math-method": {"method": "mathml"},
        "toc": True,
        "toc-depth": page.about.get("toc-depth", 3),
        "wrap": "none",
        "variables": variables,
        "metadata": metadata,
    }
    settings = scratch / f"{index}.yaml"
    settings.write_text(yaml.safe_dump(defaults, allow_unicode=True), encoding="utf-8")
    done = subprocess.run(
        [pypandoc.get_pandoc_path(), "--defaults", str(settings)],
        input=f"---\n{head}---\n\n{page.text}", cwd=page.source.parent, capture_output=True, text=True, encoding="utf-8", check=False,
        env=pandoc_environment(),
    )  # fmt: skip
    if done.returncode or "[WARNING]" in done.stderr:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = next(
            (line for line in lines if line.startswith("course: ")), " ".join(lines) or "no message"
        )
        reason = re.sub(r"^course: (cell \d+): ", r"\1: ", reason).removeprefix("course: ")
        joint = ", " if reason.startswith("cell ") else ": "
        raise CourseError(f"{page.source.name}{joint}{reason}")
    return done.stdout


def _own_filters(page: Page) -> list[str]:
    """Return the Lua filters that a page names, which run before the renderer's own, as in Quarto."""
    filters = [page.source.parent / name for name in page.about.get("filters", [])]
    for path in filters:
        if path.suffix != ".lua" or not path.is_file():
            raise CourseError(f"{page.source.name}, front matter: there is no Lua filter {path.name}")
    return [str(path) for path in filters]


def _absolute(site: dict[str, Any], page: Page, name: str) -> str:
    """Return the address of a file of the site: as other sites need it where ours is known, else from this page."""
    return f"{str(site['site-url']).rstrip('/')}/{name}" if site.get("site-url") else page.root + name


def _navigation(contents: list[Any], pages: list[Page], current: Page) -> str:
    """Return the sidebar's list of pages, its sections as lists within."""
    by_name = {page.name: page for page in pages}

    def item(entry: Any) -> str:
        if isinstance(entry, dict) and "contents" in entry:
            name = f'<span class="part">{escape(str(entry.get("section", "")))}</span>'
            return f"<li>{name}\n{_navigation(entry['contents'], pages, current)}</li>"
        page = by_name[entry["href"] if isinstance(entry, dict) else entry]
        here = ' aria-current="page"' if page is current else ""
        title = entry.get("text", page.title) if isinstance(entry, dict) else page.title
        return f'<li><a href="{current.root}{page.target}"{here}>{escape(title)}</a></li>'

    return "<ul>\n" + "\n".join(map(item, contents)) + "\n</ul>"


def _pager(pages: list[Page], index: int) -> str:
    """Return the links to the page before and the page after."""
    links = []
    for name, word, other in (("previous", "Previous", index - 1), ("next", "Next", index + 1)):
        if 0 <= other < len(pages):
            href = pages[index].root + pages[other].target
            title = escape(pages[other].title)
            links.append(f'<a class="{name}" rel="{name[:4]}" href="{href}"><span>{word}</span> {title}</a>')
    return "\n".join(links)


class _Sections(HTMLParser):
    """Collects the text of a page by section, with the alt texts of its figures."""

    def __init__(self) -> None:
        super().__init__()
        self.sections: list[dict[str, str]] = [{"id": "", "title": "", "text": ""}]
        self._skip = 0
        self._in_title = False
        self._in_text = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "div" and values.get("class") == "text":
            self._in_text = True
        elif tag == "nav" and values.get("class") == "pager":
            self._in_text = False
        if not self._in_text:
            return
        if tag in ("h2", "h3"):
            self.sections.append({"id": values.get("id") or "", "title": "", "text": ""})
            self._in_title = True
        elif tag in ("pre", "annotation"):
            self._skip += 1
        elif tag == "img":
            self.sections[-1]["text"] += f" {values.get('alt') or ''} "
        elif values.get("role") == "img":
            self.sections[-1]["text"] += f" {values.get('aria-label') or ''} "

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h2", "h3"):
            self._in_title = False
        elif tag in ("pre", "annotation") and self._in_text:
            self._skip -= 1
        elif tag == "main":
            self._in_text = False

    def handle_data(self, data: str) -> None:
        if self._in_text and not self._skip:
            self.sections[-1]["title" if self._in_title else "text"] += data


def _search_index(pages: list[Page], bodies: list[str]) -> str:
    """Return the script that holds every section's text; a script, so that it loads from a file, too."""
    entries = []
    for page, html in zip(pages, bodies, strict=True):
        if page.about.get("search") is False:  # as in Quarto
            continue
        parser = _Sections()
        parser.feed(html)
        for section in parser.sections:
            text = " ".join(section["text"].split())
            # Run cards list parameters; they would come before the text that explains a word.
            if (text or section["title"]) and section["id"] != "run":
                anchor = f"#{section['id']}" if section["id"] else ""
                entries.append([page.target + anchor, page.title, " ".join(section["title"].split()), text])
    return "window.COURSE = " + json.dumps(entries, ensure_ascii=False, separators=(",", ":")) + ";\n"


def _write_assets(project: Project, pages: list[Page], bodies: list[str], out: Path) -> None:
    """Write styles, scripts and the search, and copy pictures and resources."""
    assets = out / "assets"
    assets.mkdir(exist_ok=True)
    for name in ("style.css", "site.js"):
        shutil.copyfile(HERE / name, assets / name)
    (assets / "search.js").write_text(_search_index(pages, bodies), encoding="utf-8")
    shutil.copyfile(project.root / project.website["favicon"], out / project.website["favicon"])
    css = ((project.config.get("format") or {}).get("html") or {}).get("css")
    named = [name for name in (css, project.website.get("image"), *SCRIPTS) if name]
    listed = [pattern.removeprefix("/") for pattern in project.config["project"].get("resources", [])]
    for pattern in ["chapters/*_files/*", *named, *listed]:
        for path in sorted(project.root.glob(pattern + "/*" if pattern.endswith("**") else pattern)):
            if path.is_file():
                target = out / path.relative_to(project.root)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
