"""Two runs side by side: a page, and a table on the terminal.

Steps: pair the parameters, the recorded values, the figures and what ran of both runs by name; write the
page and its pictures beside the old ones and swap; print what differs.

Values are compared as JSON and by their names alone: nothing here knows what a chapter computes.
"""

from __future__ import annotations

import difflib
import math
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from course import page, places, records
from course.downloads import published_values
from course.errors import CourseError
from course.gate import LEAKS, read_page
from course.project import Project, read_notebook
from course.records import ABSENT, keys
from course.site import swap
from helpers.check import is_number

if TYPE_CHECKING:
    from rich.console import Console

    from course.run import Run

# What a reader asks first of two runs: which k the criteria of chapter 4 name and which one was taken, and how
# well the map of chapter 5 that was made with it agrees with the truth, and which terrains it shows; then the real picture's file and its k. They
# are shown whether or not they differ.
HEADLINES = {
    "04-choosing-k": ["knee", "chosen", "takes"],
    "05-from-pixels-to-a-map": ["k", "cluster_terrains", "pixels_right", "n_regions"],
    "11-satellite-image": ["k", "areas", "unit"],
}
GENERATOR = "course compare"  # what tells a comparison from any other folder
ROUNDING = 1e-9  # floats that differ by a smaller share differ in how sums were rounded
SENTENCE = 40  # a longer text is shown as prose, not in a table
EMBEDDED = Path(__file__).parent / "embedded"


@dataclass(frozen=True)
class Pair:
    """A value of both runs; of two lists of different lengths, the lists themselves."""

    name: str
    a: Any
    b: Any

    @property
    def verdict(self) -> str:
        """Return "same", "rounding" or "differs"."""
        if not (is_number(self.a) and is_number(self.b)):
            return "same" if type(self.a) is type(self.b) and self.a == self.b else "differs"
        if self.a == self.b:
            return "same"
        floats = isinstance(self.a, float) or isinstance(self.b, float)
        near = abs(self.a - self.b) < ROUNDING * max(abs(self.a), abs(self.b))
        return "rounding" if floats and near else "differs"

    @property
    def is_sentence(self) -> bool:
        """Tell whether a text is too long for a table."""
        texts = [value for value in (self.a, self.b) if isinstance(value, str)]
        return bool(texts) and max(map(len, texts)) > SENTENCE

    @property
    def texts(self) -> tuple[str, str]:
        """Return how both values are shown: numbers with as many digits as it takes to see the difference."""
        if is_number(self.a) and is_number(self.b):
            a, b, _ = _numbers(self.a, self.b)
            return a, b
        if isinstance(self.a, list) and isinstance(self.b, list):
            return _list_text(self.a, len(self.b)), _list_text(self.b, len(self.a))
        return _text(self.a), _text(self.b)

    @property
    def change(self) -> str:
        """Return what leads from the first value to the second, as far as that can be said."""
        a, b = self.a, self.b
        if a is ABSENT or b is ABSENT:
            return "only in B" if a is ABSENT else "only in A"
        if self.verdict == "same":
            return "the same"
        if is_number(a) and is_number(b):
            return _numbers(a, b)[2] + _relative(a, b)
        if isinstance(a, list) and isinstance(b, list):
            return f"{abs(len(b) - len(a))} {'more' if len(b) > len(a) else 'fewer'}"
        return "" if _kind(a) == _kind(b) else f"{_kind(a)}, {_kind(b)}"


@dataclass(frozen=True)
class Figure:
    """A figure of a run: its drawings, its alt text and its caption."""

    drawings: list[tuple[str, dict[str, Any]]]  # each SVG, and what `figures.style.drawn` says of it
    alt: str
    caption: str


@dataclass(frozen=True)
class Comparison:
    """Two runs, paired by name."""

    a: Run
    b: Run

    @cached_property
    def chapters(self) -> list[str]:
        """Return the chapters that either run has."""
        return keys(self.a.manifest["chapters"], self.b.manifest["chapters"])

    @cached_property
    def parameters(self) -> list[Pair]:
        """Return the parameters that differ."""
        a, b = _parameters(self.a), _parameters(self.b)
        return [_as_written(pair) for pair in _walk_names(a, b) if pair.verdict != "same"]

    @cached_property
    def values(self) -> dict[str, list[Pair]]:
        """Return all recorded values of the chapters that both runs have."""
        return {name: list(pairs(self.a.record[name], self.b.record[name])) for name in self.shared}

    @property
    def shared(self) -> list[str]:
        """Return the chapters that both runs have."""
        return [name for name in self.chapters if name in self.a.record and name in self.b.record]

    def lone(self) -> list[tuple[str, str, int]]:
        """Return the chapters that only one run has: the chapter, A or B, and how many values it holds."""
        sides = [("A", self.a.record, self.b.record), ("B", self.b.record, self.a.record)]
        return [
            (name, side, sum(1 for _ in pairs(own[name], {})))
            for name in self.chapters
            for side, own, other in sides
            if name in own and name not in other
        ]

    def headlines(self) -> list[Pair]:
        """Return the values of `HEADLINES` that either run has, also those that are the same."""
        found: list[Pair] = []
        for chapter, names in HEADLINES.items():
            a, b = self.a.record.get(chapter, {}), self.b.record.get(chapter, {})
            for name in names:
                if name in a or name in b:
                    number = chapter.partition("-")[0]
                    values = (a.get(name, ABSENT), b.get(name, ABSENT))
                    found += [Pair(*each) for each in records.pair(f"{number}: {name}", *values)]
        return found

    def of(self, verdict: str, chapter: str | None = None) -> list[Pair]:
        """Return the values of one verdict: of all chapters, or of one."""
        listed = [self.values[chapter]] if chapter else self.values.values()
        return [pair for values in listed for pair in values if pair.verdict == verdict]

    def total(self) -> int:
        """Return how many values were compared, or found in one run alone."""
        return sum(map(len, self.values.values())) + sum(count for _, _, count in self.lone())

    def summary(self) -> str:
        """Return in one line how many values differ."""
        lone = sum(count for _, _, count in self.lone())
        differing = self.of("differs")
        single = lone + sum(pair.a is ABSENT or pair.b is ABSENT for pair in differing)
        more = [f"{single:,} of them only in one run"] if single else []
        rounded = len(self.of("rounding"))
        more += (
            [f"{rounded:,} more {'are' if rounded > 1 else 'is'} the same but for rounding"]
            if rounded
            else []
        )
        end = f" ({'; '.join(more)})" if more else ""
        return f"{len(differing) + lone:,} of {self.total():,} recorded values differ{end}."

    def surroundings(self) -> list[Pair]:
        """Return what else differs: Python, packages, platform, commit, and the files that were read."""
        a, b = _surroundings(self.a), _surroundings(self.b)
        return [pair for pair in _walk_names(a, b) if pair.verdict != "same"]


def compare(a: Run, b: Run, out: Path) -> tuple[Comparison, Path]:
    """Write the page that shows two runs side by side.

    Parameters
    ----------
    a, b : Run
        Two finished runs.
    out : Path
        The page's folder. An earlier comparison in it is replaced.

    Returns
    -------
    comparison, page : Comparison and Path
        What was found, and the page.

    Raises
    ------
    CourseError
        If both are one run, if `out` holds something else than a comparison, or if it cannot be written.
    """
    if a.folder.resolve() == b.folder.resolve():
        raise CourseError(f"{a.folder}: this is one run, named twice; name two different runs to compare")
    out = check_place(out)
    comparison = Comparison(a, b)
    fresh = out.with_name(f".{out.name}.new")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        (fresh / "index.html").write_text(_page(comparison, fresh), encoding="utf-8", newline="\n")
        places.write_list(fresh, "comparison", places.files_in(fresh))
        swap(fresh, out)
    except OSError as error:
        where = error.filename or out
        raise CourseError(f"{where}: the comparison cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return comparison, out / "index.html"


def check_place(out: Path) -> Path:
    """Return the folder of a comparison; raise an error if something else than the course's own files would be replaced."""
    out = places.writable(out)
    made = places.read_list(out, "comparison")
    index = out / "index.html"
    if made is None and index.is_file() and read_page(index).generator == GENERATOR:
        # From before there were such lists.
        made = {name for name in places.files_in(out) if name == index.name or name.startswith("pictures/")}
    places.refuse_foreign(out, "comparison", made)
    return out


def default_folder(project: Project, a: Run, b: Run) -> Path:
    """Return where a comparison goes if nothing else is said: ``runs/compare_A_B``."""
    name = f"compare_{a.folder.resolve().name}_{b.folder.resolve().name}"
    if len(name) > 120:  # file systems end a name at 255 bytes, and the names of two runs may be long
        import hashlib

        name = f"{name[:110]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return project.root / "runs" / name


def pairs(a: dict[str, Any], b: dict[str, Any]) -> Iterator[Pair]:
    """Yield every value of two records side by side; see `course.records.pairs`."""
    return (Pair(*values) for values in records.pairs(a, b))


def _walk_names(a: dict[str, Any], b: dict[str, Any]) -> list[Pair]:
    """Return flat values side by side."""
    return [Pair(name, a.get(name, ABSENT), b.get(name, ABSENT)) for name in keys(a, b)]


def _parameters(run: Run) -> dict[str, Any]:
    """Return all values that a run's chapters had, given and default."""
    found: dict[str, Any] = {}
    for chapter, entry in run.manifest["chapters"].items():
        for name, value in entry["parameters"].items():
            found[name if found.get(name, value) == value else f"{name} ({chapter})"] = value
    return found


def _as_written(pair: Pair) -> Pair:
    """Return a pair of parameters as they are given; of a picture's path, its name alone."""
    a, b = (v if v is ABSENT else repr(published_values({pair.name: v})[pair.name]) for v in (pair.a, pair.b))
    return Pair(pair.name, a, f"{b}, in another folder" if a == b else b)


def _surroundings(run: Run) -> dict[str, str]:
    """Return what a run's values may depend on beyond its parameters, as text by name."""
    manifest = run.manifest
    commit = manifest.get("commit")
    files = {
        f"file {Path(n).name if Path(n).is_absolute() else n}": key[:12]
        for n, key in manifest.get("inputs", {}).items()
    }
    return {
        "Python": manifest["python"],
        "platform": manifest["platform"],
        "commit": f"{commit[:12]}{', with edits' if manifest.get('dirty') else ''}"
        if commit
        else "not in git",
        **{f"package {name}": version for name, version in manifest["packages"].items()},
        **dict(sorted(files.items())),
    }


# How values are written


def _kind(value: Any) -> str:
    """Return a word for the type of a value."""
    kinds = {type(None): "nothing", bool: "yes or no", str: "text", list: "list", dict: "named values"}
    return kinds.get(type(value), "number")


def _text(value: Any) -> str:
    """Return a value that stands alone."""
    if value is ABSENT:
        return "not there"
    if is_number(value):
        return _numbers(value, value)[0]
    if isinstance(value, list | dict):
        inner = (
            [_text(v) for v in value]
            if isinstance(value, list)
            else [f"{k}: {_text(v)}" for k, v in value.items()]
        )
        return f"{_count(value)}: {', '.join(inner)}" if inner else _count(value)
    return {None: "none", True: "true", False: "false", "": "(empty)"}.get(value, value)


def _list_text(values: list[Any], other: int) -> str:
    """Return the length of a list, and what it holds beyond the length of the other."""
    rest = values[other:]
    if not rest:
        return _count(values)
    last = "the last" if len(rest) == 1 else f"the last {len(rest)}"
    return f"{_count(values)}, {last}: {', '.join(map(_text, rest))}"


def _count(values: list[Any] | dict[str, Any]) -> str:
    return f"{len(values)} value{'' if len(values) == 1 else 's'}"


def _numbers(a: float, b: float) -> tuple[str, str, str]:
    """Return two numbers and their difference, all with the same number of decimals."""
    if isinstance(a, int) and isinstance(b, int):
        return f"{a:,}".replace("-", "−"), f"{b:,}".replace("-", "−"), _signed(f"{b - a:+,}")
    largest, gap = max(abs(a), abs(b)), abs(b - a)
    exponent = math.floor(math.log10(largest)) if largest else 0
    # Four digits of the larger number, or more if it takes more to show two digits of the difference.
    places = max(3 - exponent, 1 - math.floor(math.log10(gap)) if gap else 3 - exponent)
    if largest and not -5 < exponent < 15:
        digits = min(max(places + exponent, 3), 15)
        return _signed(f"{a:.{digits}e}"), _signed(f"{b:.{digits}e}"), _signed(f"{b - a:+.2e}")
    places = max(places, 0)
    return _fixed(a, places), _fixed(b, places), _signed(f"{b - a:+,.{places}f}")


def _fixed(value: float, places: int) -> str:
    """Return a number with so many decimals; a small one that would become 0 in its own way."""
    if value == 0 or isinstance(value, int):
        return _signed(f"{value:,.0f}")
    text = f"{value:,.{places}f}"
    return _signed(text if re.search("[1-9]", text) else f"{value:.2e}")


def _signed(text: str) -> str:
    """Return a number's text with a true minus sign in front."""
    return f"−{text[1:]}" if text.startswith("-") else text


def _relative(a: float, b: float) -> str:
    """Return the difference as a share of the first number, where that means something."""
    counts = isinstance(a, int) and isinstance(b, int)
    if a == 0 or (a > 0) != (b > 0) or b == 0 or (counts and max(abs(a), abs(b)) < 100):
        return ""  # of 0, across 0, or of small counts a share says nothing
    share = (b - a) / abs(a)
    if b / a > 10:
        return f", {b / a:.3g} times as much"
    return ", " + _signed(f"{100 * share:+.1f}%" if abs(share) >= 0.001 else f"{100 * share:+.2g}%")


# The page


def _page(found: Comparison, folder: Path) -> str:
    """Return the page, and write its pictures into the folder."""
    sections = [
        ("parameters", "Parameters", _parameters_section(found)),
        ("headlines", "At a glance", _headline_section(found)),
        ("pictures", "Pictures", _pictures_section(found, folder)),
        ("values", "Recorded values", _values_section(found)),
        ("what-ran", "What ran", _surroundings_section(found)),
    ]
    links = "".join(f'<li><a href="#{key}">{title}</a></li>' for key, title, _ in sections)
    body = "".join(f'<h2 id="{key}">{title}</h2>\n{html}\n' for key, title, html in sections)
    names = [escape(run.folder.resolve().name) for run in (found.a, found.b)]
    return Template((EMBEDDED / "compare.html").read_text(encoding="utf-8")).substitute(
        generator=GENERATOR,
        a=names[0],
        b=names[1],
        given_a=_given(found.a),
        given_b=_given(found.b),
        summary=escape(found.summary()),
        links=links,
        body=body,
        style=(EMBEDDED / "style.css").read_text(encoding="utf-8"),
        script=(EMBEDDED / "site.js").read_text(encoding="utf-8"),
    )


def _given(run: Run) -> str:
    """Return the parameters that a run was given."""
    values = published_values(run.manifest["parameters"])
    return (
        ", ".join(f"<code>{escape(f'{n} = {v!r}')}</code>" for n, v in values.items())
        or "all parameters at their defaults"
    )


def _parameters_section(found: Comparison) -> str:
    if not found.parameters:
        return "<p>Both runs had the same parameters.</p>"
    rows = [(_name(pair.name), *map(_html, pair.texts)) for pair in found.parameters]
    return _table("The parameters that differ.", ["parameter", "A", "B"], rows)


def _headline_section(found: Comparison) -> str:
    headlines = found.headlines()
    if not headlines:
        return "<p>Neither run has the chapters with these values.</p>"
    rows = [(_name(pair.name), *map(_html, pair.texts), _html(pair.change)) for pair in headlines]
    return _table("What is asked first, also where it is the same.", ["value", "A", "B", "from A to B"], rows)


def _values_section(found: Comparison) -> str:
    parts = [f"<p>{escape(found.summary())} Values are paired by their names.</p>"]
    for name, side, count in found.lone():
        parts.append(f"<p>Chapter <code>{escape(name)}</code> is only in {side}, with {_values(count)}.</p>")
    for name in found.shared:
        parts.append(f'<h3 id="values-{_slug(name)}">{escape(name)}</h3>')
        parts.append(_chapter_values(found, name))
    rounded = found.of("rounding")
    if rounded:
        rows = [(_name(pair.name), *map(_html, pair.texts), _html(pair.change)) for pair in rounded]
        table = _table("Values that are the same but for rounding.", ["value", "A", "B", "from A to B"], rows)
        parts.append(
            f"<details><summary>{len(rounded):,} the same but for rounding</summary>\n{table}</details>"
        )
    return "\n".join(parts)


def _chapter_values(found: Comparison, name: str) -> str:
    """Return what differs in one chapter: a table, then the sentences in full."""
    differing, same = found.of("differs", name), len(found.of("same", name))
    if not differing:
        return f"<p>Nothing differs; {_values(same)} {'is' if same == 1 else 'are'} the same.</p>"
    short = [pair for pair in differing if not pair.is_sentence]
    parts = [f"<p>{len(differing):,} differ, {same:,} are the same.</p>"]
    if short:
        rows = [(_name(pair.name), *map(_html, pair.texts), _html(pair.change)) for pair in short]
        parts.append(_table(f"What differs in {name}.", ["value", "A", "B", "from A to B"], rows))
    sentences = [_sentences(pair) for pair in differing if pair.is_sentence]
    if sentences:
        parts.append(f'<dl class="said">{"".join(sentences)}</dl>')
    return "\n".join(parts)


def _sentences(pair: Pair) -> str:
    """Return a text of both runs in full, the words marked that the other lacks."""
    a, b = pair.texts
    if not (isinstance(pair.a, str) and isinstance(pair.b, str)) or _leaks(a + b):
        shown = (_html(a), _html(b))
    else:
        words = a.split(), b.split()
        steps = difflib.SequenceMatcher(None, *words, autojunk=False).get_opcodes()
        shown = (
            " ".join(_marked(words[0][i:j], kind) for kind, i, j, _, _ in steps),
            " ".join(_marked(words[1][i:j], kind) for kind, _, _, i, j in steps),
        )
    values = "".join(
        f'<dd><span class="label">{side}</span> {html}</dd>' for side, html in zip("AB", shown, strict=True)
    )
    return f"<div><dt>{_name(pair.name)}</dt>{values}</div>"


def _marked(words: list[str], kind: str) -> str:
    text = escape(" ".join(words))
    return text if kind == "equal" or not words else f"<mark>{text}</mark>"


def _surroundings_section(found: Comparison) -> str:
    differing = found.surroundings()
    if not differing:
        return "<p>Both runs had the same Python, packages, platform, commit and files.</p>"
    rows = [(_html(pair.name), *map(_html, pair.texts)) for pair in differing]
    return _table(
        "What ran, where it is not the same; files by the start of their SHA-256.", ["what", "A", "B"], rows
    )


def _pictures_section(found: Comparison, folder: Path) -> str:
    """Return all figures, those of both runs side by side, and write their pictures."""
    parts, captions = [], []
    for chapter in found.chapters:
        a, b = (_figures(run, chapter) for run in (found.a, found.b))
        labels = keys(a, b)
        if not labels:
            continue
        parts.append(f'<h3 id="pictures-{_slug(chapter)}">{escape(chapter)}</h3>')
        for label in labels:
            shown = _shown(a.get(label), b.get(label))
            figures = []
            for word, figure in shown:
                key = _slug(f"{chapter}-{label}-{word}")
                figures.append(_figure_html(folder, key, f"{label}, {word}", figure))
                captions.append(figure.caption)
            kind = "pair" if len(shown) > 1 else "one"
            parts.append(f'<div class="{kind}">{"".join(figures)}</div>')
    html = "\n".join(parts) or "<p>Neither run has figures.</p>"
    for caption in _rendered(captions):
        html = html.replace(CAPTION, caption, 1)
    return html


CAPTION = "<!-- caption -->"


def _shown(a: Figure | None, b: Figure | None) -> list[tuple[str, Figure]]:
    """Return which figures are shown, each with a word on whose it is; equal ones are shown once."""
    if a is None or b is None:
        return [("only in A", a)] if a else [("only in B", b)] if b else []
    if a == b:
        return [("the same in both", a)]
    if a.drawings == b.drawings:  # then only its words differ
        return [("A, the same picture", a), ("B, the same picture", b)]
    return [("A", a), ("B", b)]


def _figures(run: Run, chapter: str) -> dict[str, Figure]:
    """Return the figures of a run's chapter by label; none if the run does not have the chapter."""
    if chapter not in run.manifest["chapters"]:
        return {}
    found = {}
    for number, cell in enumerate(read_notebook(run.notebook(chapter))["cells"], start=1):
        drawings = page.drawings_of(cell)
        if drawings:
            label, caption, alt = page.caption_and_alt(cell, f"{chapter}, cell {number}")
            found[label] = Figure(drawings, alt, caption)
    return found


def _figure_html(folder: Path, name: str, title: str, figure: Figure) -> str:
    """Return a figure, and write its pictures."""
    panels, files = page.panels_html(name, figure.alt, figure.drawings, "pictures", title)
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for file, data in files.items():
        (folder / file).write_bytes(data)
    caption = f'<figcaption><p class="label">{escape(title)}</p>{CAPTION}</figcaption>'
    return f"<figure>{panels}{caption}</figure>"


def _rendered(captions: list[str]) -> list[str]:
    """Return captions, which are Markdown, as HTML."""
    if not captions:
        return []
    import pypandoc

    # References lead to numbers that only a chapter's own page has.
    texts = [re.sub(r"@(fig|tbl|eq)-([\w-]+)", r"\2", caption) for caption in captions]
    html = pypandoc.convert_text(
        f"\n\n{CAPTION}\n\n".join(texts), "html5", format="markdown", extra_args=["--mathml", "--wrap=none"]
    )
    return [part.strip() for part in html.replace("\r\n", "\n").split(CAPTION)]


def _table(caption: str, header: list[str], rows: list[tuple[str, ...]]) -> str:
    """Return a table of cells that are HTML; the first of each row names it."""
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in header)
    body = "\n".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    return (
        f'<div class="scroll" data-name="Table"><table><caption>{escape(caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _name(name: str) -> str:
    return f"<code>{escape(name)}</code>"


def _html(text: str) -> str:
    """Return text for the page; as code if it holds what a page without code may not."""
    return f"<code>{escape(text)}</code>" if _leaks(text) else escape(text)


def _leaks(text: str) -> bool:
    return any(leak in text for leak in LEAKS)


def _values(count: int) -> str:
    return f"{count:,} value{'' if count == 1 else 's'}"


def _slug(name: str) -> str:
    """Return a name as part of an address."""
    return re.sub(r"[^\w.-]+", "-", name)


# The terminal


def report(found: Comparison) -> None:
    """Print both runs side by side; long texts are shortened, the page has them in full."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    for side, run in (("A", found.a), ("B", found.b)):
        console.print(f"{side} is {run.folder.resolve().name}", markup=False)
    _print_table(console, "parameters that differ", found.parameters, changes=False)
    _print_table(console, "at a glance", found.headlines())
    for name, side, count in found.lone():
        console.print(f"\n{name}: only in {side}, with {_values(count)}", markup=False)
    for name in found.shared:
        _print_table(console, name, found.of("differs", name))
    _print_table(console, "what ran", found.surroundings(), changes=False)
    console.print()


def _print_table(console: Console, title: str, rows: list[Pair], changes: bool = True) -> None:
    """Print a table under its title; nothing if it has no rows."""
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for head in [title, "A", "B", *(["from A to B"] if changes else [])]:
        table.add_column(Text(head), overflow="ellipsis", no_wrap=True)
    for pair in rows:
        cells = [pair.name, *(_shortened(text) for text in pair.texts), *([pair.change] if changes else [])]
        table.add_row(*map(Text, cells))
    console.print()
    console.print(table)


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SENTENCE else f"{text[: SENTENCE - 1]}…"
