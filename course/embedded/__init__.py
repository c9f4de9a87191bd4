"""The renderer for where there is no Quarto: Pandoc, one Lua filter, one page template.

Steps: read the same `_quarto.yml`, `index.qmd` and staged chapters that Quarto would; turn each page into
Markdown; let Pandoc make it HTML; list its sections for the search; copy what the pages refer to. It
supports the part of Quarto that this course uses, and stops with the place of anything else.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
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
    "project": {"type", "output-dir", "pre-render", "render", "resources"},
    "website": {
        "title", "description", "favicon", "repo-url", "site-url", "search", "page-navigation",
        "back-to-top-navigation", "sidebar",
    },
    "execute": {"enabled"},
    "format": {"html"},
    "html": {
        "theme", "respect-user-color-scheme", "toc", "toc-title", "code-fold", "code-summary", "code-copy",
        "code-overflow", "html-math-method", "fig-cap-location", "include-after-body",
    },
    "top": {"project", "website", "execute", "format", "lang", "bibliography", "link-citations"},
}  # fmt: skip


@dataclass
class Page:
    """One page: where it comes from, where it goes, its front matter and Markdown."""

    source: Path
    target: str
    about: dict[str, Any]
    text: str

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


def check_supported(project: Project) -> None:
    """Raise CourseError at the first key of `_quarto.yml` that this renderer does not know."""
    config = project.config
    parts = {"top": config} | {
        name: config.get(name) or {} for name in ("project", "website", "execute", "format")
    }
    parts["html"] = parts["format"].get("html") or {}
    for name, part in parts.items():
        for key in part:
            if key not in SUPPORTED[name]:
                place = key if name == "top" else f"{'format.html' if name == 'html' else name}.{key}"
                raise CourseError(
                    f"_quarto.yml: the embedded renderer does not know '{place}'; use Quarto, or take it out"
                )


def read_page(project: Project, name: str) -> Page:
    """Return a page from `index.qmd` or a staged notebook."""
    source = project.root / name
    if not source.is_file():
        raise CourseError(f"_quarto.yml lists {name}, but {source} is not there; run `course stage` first")
    text = notebook_markdown(source) if source.suffix == ".ipynb" else source.read_text(encoding="utf-8")
    match = re.match(r"\s*---\n(.*?)\n---\s*\n", text, re.DOTALL)
    about = read_yaml(match[1], f"{name}, front matter") if match else {}
    body = _include(project.root, text[match.end() :] if match else text, name)
    for number, line in enumerate(_without_code(body).splitlines(), start=1):
        shortcode = re.search(r"\{\{<\s*(\S+)", line)
        if shortcode:
            raise CourseError(
                f"{name}: the embedded renderer does not know the shortcode '{shortcode[1]}': {line.strip()}"
            )
        if re.match(r"\s*```+\s*\{[a-z]+\}", line):
            raise CourseError(
                f"{name}: a code cell in a page that is not run: {line.strip()} (line {number})"
            )
    if re.search(r"(?<![\w.])@(?!(?:fig|tbl|eq)-)[A-Za-z]\w+", _without_code(body)):
        body += "\n\n## References\n\n::: {#refs}\n:::\n"  # where citeproc puts what the page cites
    return Page(source, name.rsplit(".", 1)[0] + ".html", about, body)


def notebook_markdown(path: Path) -> str:
    """Return a staged notebook as Markdown, its code in blocks of class `cell-code`."""
    parts = []
    for number, cell in enumerate(read_notebook(path)["cells"], start=1):
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        if cell["cell_type"] == "code":
            if cell.get("outputs"):
                raise CourseError(
                    f"{path.name}, cell {number}: a staged code cell has outputs; run `course stage`"
                )
            if re.search(r"^#\|", source, re.MULTILINE):
                raise CourseError(f"{path.name}, cell {number}: a cell option (#|) that was not staged")
            fence = "`" * max([3, *(len(ticks) + 1 for ticks in re.findall("`+", source))])
            source = f"{fence} {{.python .cell-code}}\n{source}\n{fence}"
        parts.append(source)
    return "\n\n".join(parts) + "\n"


def _include(root: Path, text: str, name: str) -> str:
    """Return the text with each ``{{< include FILE >}}`` replaced by the file."""

    def replace(match: re.Match[str]) -> str:
        path = root / match[1]
        if not path.is_file():
            raise CourseError(f"{name}: includes {match[1]}, which is not there; run `course stage` first")
        return path.read_text(encoding="utf-8").strip()

    return re.sub(r"\{\{<\s*include\s+(\S+)\s*>\}\}", replace, text)


def _without_code(text: str) -> str:
    """Return the text without the contents of fenced code blocks."""
    return re.sub(r"^(`{3,})(?! *\{[a-z]).*?^\1 *$", "", text, flags=re.DOTALL | re.MULTILINE)


def _pandoc(project: Project, pages: list[Page], index: int, scratch: Path) -> str:
    """Return one page as HTML."""
    page, html = pages[index], project.config["format"]["html"]
    home = page.target == "index.html"
    site = project.website
    variables = {
        "root": page.root,
        "home": home,
        "generator": escape(generator()),
        "site-title": escape(site["title"]),
        "favicon": site["favicon"],
        "description-text": escape(str(page.about.get("description") or site["description"])),
        "lang": project.config.get("lang", "en"),
        "toc-wanted": page.about.get("toc", html.get("toc", False)),
        "toc-title": escape(html.get("toc-title", "On this page")),
        "navigation": _navigation(project, pages, page),
        "pager": "" if home or not site.get("page-navigation") else _pager(pages, index),
        "canonical": f"{str(site['site-url']).rstrip('/')}/{page.target}" if site.get("site-url") else "",
    }
    folder = page.source.parent
    defaults = {
        "from": "markdown",
        "to": "html5",
        "standalone": True,
        "template": str(HERE / "template.html"),
        "filters": [str(HERE / "filter.lua"), "citeproc"],
        "html-math-method": {"method": "mathml"},
        "toc": True,
        "toc-depth": 3,
        "wrap": "none",
        "variables": variables,
        "metadata": {
            "title": page.about.get("title", site["title"]),
            "subtitle": page.about.get("subtitle", ""),
            "bibliography": [str(project.root / project.config["bibliography"])],
            "link-citations": bool(project.config.get("link-citations")),
            "code-summary": html.get("code-summary", "Show the code"),
            "source-folder": folder.as_posix(),
        },
    }
    settings = scratch / f"{index}.yaml"
    settings.write_text(yaml.safe_dump(defaults, allow_unicode=True), encoding="utf-8")
    done = subprocess.run(
        [pypandoc.get_pandoc_path(), "--defaults", str(settings)],
        input=page.text, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    if done.returncode or "[WARNING]" in done.stderr:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = next(
            (line for line in lines if line.startswith("course: ")), " ".join(lines) or "no message"
        )
        raise CourseError(f"{page.source.name}: {reason.removeprefix('course: ')}")
    return done.stdout


def _navigation(project: Project, pages: list[Page], current: Page) -> str:
    """Return the sidebar's list of pages."""

    def entry(page: Page) -> str:
        here = ' aria-current="page"' if page is current else ""
        title = "Home" if page.target == "index.html" else str(page.about.get("title", page.target))
        return f'<li><a href="{current.root}{page.target}"{here}>{escape(title)}</a></li>'

    return "<ul>\n" + "\n".join(entry(page) for page in pages) + "\n</ul>"


def _pager(pages: list[Page], index: int) -> str:
    """Return the links to the page before and the page after."""
    links = []
    for name, word, other in (("previous", "Previous", index - 1), ("next", "Next", index + 1)):
        if 0 <= other < len(pages):
            page = pages[other]
            title = "Home" if page.target == "index.html" else str(page.about.get("title", page.target))
            href = pages[index].root + page.target
            links.append(
                f'<a class="{name}" rel="{name[:4]}" href="{href}"><span>{word}</span> {escape(title)}</a>'
            )
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
        if not self._in_text:
            return
        if tag in ("h2", "h3"):
            self.sections.append({"id": values.get("id") or "", "title": "", "text": ""})
            self._in_title = True
        elif tag in ("pre", "annotation"):
            self._skip += 1
        elif tag == "img" and "dark-content" not in (values.get("class") or ""):
            self.sections[-1]["text"] += f" {values.get('alt') or ''} "

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
        parser = _Sections()
        parser.feed(html)
        for section in parser.sections:
            text = " ".join(section["text"].split())
            if text or section["title"]:
                anchor = f"#{section['id']}" if section["id"] else ""
                title = "Home" if page.target == "index.html" else page.about["title"]
                entries.append([page.target + anchor, title, " ".join(section["title"].split()), text])
    return "window.COURSE = " + json.dumps(entries, ensure_ascii=False, separators=(",", ":")) + ";\n"


def _write_assets(project: Project, pages: list[Page], bodies: list[str], out: Path) -> None:
    """Write styles, scripts and the search, and copy pictures and resources."""
    assets = out / "assets"
    assets.mkdir(exist_ok=True)
    for name in ("style.css", "site.js"):
        shutil.copyfile(HERE / name, assets / name)
    (assets / "search.js").write_text(_search_index(pages, bodies), encoding="utf-8")
    shutil.copyfile(project.root / project.website["favicon"], out / project.website["favicon"])
    for pattern in ["chapters/*_files/*.png", *project.config["project"].get("resources", [])]:
        for path in sorted(project.root.glob(pattern + "/*" if pattern.endswith("**") else pattern)):
            if path.is_file():
                target = out / path.relative_to(project.root)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
