"""Turn the cells of an executed chapter into what both renderers read: text with the run's values, figures, tables.

Steps: put the values into the text; keep code without its options; write outputs as Markdown, and figures as SVG
whose inks are CSS variables, in panels that the page can lay out anew.
"""

from __future__ import annotations

import base64
import html
import io
import math
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

from PIL import Image

from course import inline
from course.errors import CourseError
from figures.inks import GROUND, INKS

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
OPTIONS = {"label", "fig-cap", "fig-alt", "tbl-cap"}
PHONE = 358  # CSS pixels: the width of the text on a phone of 390
SMALLEST_TEXT = 9.0  # CSS pixels, on a phone
PIXELS_PER_POINT = 96 / 72
SPECIAL_IN_TABLES = re.compile(r"([\\`*_\[\]<>|#@$~^])")

ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)


def code_of(source: str) -> str:
    """Return the code of a cell without the options at its top."""
    lines = source.splitlines()
    while lines and lines[0].startswith("#|"):
        lines.pop(0)
    return "\n".join(lines).strip("\n")


def caption_and_alt(cell: dict[str, Any], place: str) -> tuple[str, str, str]:
    """Return the label, the caption and the alt text of a cell, with the run's values in them.

    Raises
    ------
    CourseError
        If an option is unknown, or a figure or a table lacks one.
    """
    options = inline.options_of(cell, place)
    unknown = [name for name in options if name not in OPTIONS]
    if unknown:
        raise CourseError(
            f"{place}: unknown option {unknown[0]}; a cell may have {', '.join(sorted(OPTIONS))}"
        )
    label = str(options.get("label", ""))
    kind = label.partition("-")[0]
    needed = {"fig": ["fig-cap", "fig-alt"], "tbl": ["tbl-cap"], "": []}.get(kind)
    if needed is None:
        raise CourseError(f"{place}: the label {label!r} must begin with fig- or tbl-")
    missing = [name for name in needed if not str(options.get(name) or "").strip()]
    if missing:
        raise CourseError(f"{place}: {label} has no {missing[0]}")
    extra = [name for name in options if name != "label" and name not in needed]
    if extra:
        raise CourseError(f"{place}: {extra[0]} needs a label that begins with {extra[0].partition('-')[0]}-")
    caption = inline.resolve(str(options.get(f"{kind}-cap", "")), cell)
    alt = inline.resolve(str(options.get("fig-alt", "")), cell, inline.as_plain_text)
    return label, caption, " ".join(alt.split())


def figure_div(
    label: str, caption: str, alt: str, drawings: list[tuple[str, dict[str, Any]]], folder: str, place: str
) -> tuple[str, dict[str, bytes]]:
    """Return a figure as Markdown, and the files of its pictures by name.

    Parameters
    ----------
    label, caption, alt : str
        ``fig-`` and a name; Markdown; text.
    drawings : list of (str, dict)
        Each SVG, and what `figures.style.drawn` says of it.
    folder : str
        Where its pictures lie, as the page names it.
    place : str
        Names the cell in an error.

    Raises
    ------
    CourseError
        If its text would be too small on a phone.
    """
    panels, files = panels_html(label, alt, drawings, folder, place)
    return f"::: {{#{label}}}\n```{{=html}}\n{panels}\n```\n\n{caption}\n:::", files


def panels_html(
    label: str, alt: str, drawings: list[tuple[str, dict[str, Any]]], folder: str, place: str
) -> tuple[str, dict[str, bytes]]:
    """Return the panels of a figure as HTML, and the files of their pictures; see `figure_div`."""
    panels: list[tuple[str, float]] = []
    files: dict[str, bytes] = {}
    columns = 1
    smallest = min(float(about["text"]) for _, about in drawings) * PIXELS_PER_POINT
    for number, (svg, about) in enumerate(drawings):
        prefix = f"{label}-{number}" if len(drawings) > 1 else label
        found = _panels(svg, about, prefix)
        for drawing, width in found:
            drawing, pictures = _extract_pictures(drawing, f"{folder}/{prefix}-{len(panels)}")
            text = float(about["text"]) * PIXELS_PER_POINT
            drawing = drawing.replace(
                "<svg ", f'<svg data-text="{text:.1f}" ', 1
            )  # for whoever checks the page
            panels.append((drawing, width))
            files |= pictures
        columns = max(columns, int(about["columns"]) if len(found) > 1 else min(len(drawings), 3))
    widest = max(width for _, width in panels)
    shown = smallest * min(1.0, PHONE / widest)
    if shown < SMALLEST_TEXT:
        raise CourseError(
            f"{place}: {label}: on a phone its text is {shown:.1f} pixels high, less than {SMALLEST_TEXT:g}; "
            f"make the figure at most {PHONE * smallest / SMALLEST_TEXT / 96:.1f} inches wide"
        )
    # As many panels side by side on a phone as leave their text large enough.
    least = widest * SMALLEST_TEXT / smallest
    narrow = min(columns, max(1, math.floor((PHONE + 8) / (least + 8))))
    grid = f' style="--columns: {columns}; --narrow: {narrow}"' if len(panels) > 1 else ""
    body = "\n".join(drawing for drawing, _ in panels)
    return f'<div class="panels" role="img" aria-label="{html.escape(alt)}"{grid}>\n{body}\n</div>', files


def _panels(svg: str, about: dict[str, Any], prefix: str) -> list[tuple[str, float]]:
    """Return the panels of a drawing as SVG, and the width of each in CSS pixels."""
    root = ElementTree.fromstring(re.sub(r"<\?xml.*?\?>|<!DOCTYPE.*?>", "", svg, flags=re.DOTALL))
    for unwanted in root.findall(f"{{{SVG}}}metadata"):
        root.remove(unwanted)
    figure = root.find(f"{{{SVG}}}g")
    assert figure is not None  # matplotlib puts everything into one group
    shared = [part for part in root if part is not figure]
    groups: dict[str, list[ElementTree.Element]] = {}
    for part in figure:
        groups.setdefault(part.get("id", "").partition(".")[0], []).append(part)
    x, y, width, height = (float(value) for value in root.get("viewBox", "0 0 1 1").split())
    boxes = about["panels"]
    if not boxes:
        parts = [part for part in figure if part.get("id") != "patch_1"]
        return [(_svg([*shared, *parts], (x, y, width, height), prefix), width * PIXELS_PER_POINT)]
    found = []
    for number, box in enumerate(boxes):
        parts = [*(shared if number == 0 else []), *groups[f"panel-{number}"]]
        found.append((_svg(parts, box, prefix), box[2] * PIXELS_PER_POINT))
    return found


def _svg(parts: list[ElementTree.Element], box: Any, prefix: str) -> str:
    """Return elements as an SVG that a page holds: inks as variables, ids that no other figure has."""
    body = "".join(ElementTree.tostring(part, encoding="unicode") for part in parts)
    body = re.sub(r' xmlns(:xlink)?="[^"]*"', "", body)
    body = re.sub(r'\bid="', f'id="{prefix}-', body)
    body = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}-", body)
    for ink, variable in INKS.items():
        body = re.sub(
            rf"(fill|stroke|stop-color): ?{ink}", rf"\1: var({variable})", body, flags=re.IGNORECASE
        )
    body = re.sub(rf"fill: ?{GROUND}", "fill: none", body, flags=re.IGNORECASE)
    body = re.sub(r"\s*\n\s*", "\n", body)
    x, y, width, height = (float(value) for value in box)
    pixels = width * PIXELS_PER_POINT
    return (
        f'<svg viewBox="{x:g} {y:g} {width:g} {height:g}" width="{pixels:.0f}" height="{height * PIXELS_PER_POINT:.0f}" '
        f'aria-hidden="true" style="max-width: {pixels:.0f}px">{body}</svg>'
    )


def drawings_of(cell: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the drawings that a code cell shows: each SVG, and what `figures.style.drawn` says of it."""
    shown = [output for output in cell.get("outputs", []) if "image/svg+xml" in output.get("data", {})]
    return [("".join(o["data"]["image/svg+xml"]), o["metadata"].get("image/svg+xml") or {}) for o in shown]


def _extract_pictures(svg: str, name: str) -> tuple[str, dict[str, bytes]]:
    """Return a drawing whose pictures are files of their own, and these files: lossless WebP."""
    files: dict[str, bytes] = {}

    def extracted(match: re.Match[str]) -> str:
        tag = match[0]
        data = re.search(r'xlink:href="data:image/png;base64,([^"]+)"', tag)
        if data is None:
            return tag
        picture = Image.open(io.BytesIO(base64.b64decode(data[1])))
        opaque = picture.convert("RGBA").getchannel("A").getextrema()[0] == 255
        width, scale = (re.search(pattern, tag) for pattern in (r'\bwidth="([\d.]+)', r"matrix\(([-\d.]+)"))
        shown = float(width[1]) * abs(float(scale[1]) if scale else 1.0) * PIXELS_PER_POINT if width else 0.0
        enlarged = picture.width < shown
        kept: Image.Image = picture.convert("RGB" if opaque else "RGBA")
        if shown and kept.width > 2 * shown:  # more pixels than a fine screen shows
            sides = (round(2 * shown), round(2 * shown * kept.height / kept.width))
            kept = kept.resize((max(1, sides[0]), max(1, sides[1])), Image.Resampling.BOX)
        # Pictures of few colors are smallest without loss, those of many with a loss that nobody sees.
        packed = []
        for lossless, quality in ((True, 50), (False, 90)):
            buffer = io.BytesIO()
            kept.save(buffer, "WEBP", lossless=lossless, quality=quality, method=3)
            packed.append(buffer.getvalue())
        exact, close = packed
        file = f"{name}-{len(files)}.webp"
        files[file] = close if len(exact) > 50_000 and len(close) < len(exact) else exact
        # A picture of the page, not of the drawing: that alone is loaded only when it comes into view.
        place = " ".join(re.findall(r'\b(?:x|y|width|height|transform)="[^"]*"', tag))
        style = "width: 100%; height: 100%" + ("; image-rendering: pixelated" if enlarged else "")
        style += "".join(f"; opacity: {faded}" for faded in re.findall(r'\bopacity="([\d.]+)"', tag))
        return (
            f'<foreignObject {place}><img src="{file}" alt="" loading="lazy" style="{style}"></foreignObject>'
        )

    return re.sub(r"<image\b[^>]*>", extracted, svg), files


class _Table(HTMLParser):
    """Reads the rows of a table that pandas wrote as HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.head: list[list[str]] = []
        self.body: list[list[str]] = []
        self.rows = self.head
        self.spans = False
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("thead", "tbody"):
            self.rows = self.head if tag == "thead" else self.body
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.inside = True
            self.rows[-1].append("")
            self.spans = self.spans or any(name in ("colspan", "rowspan") for name, _ in attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td"):
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


def table(text: str, label: str, caption: str, place: str) -> str:
    """Return a table that pandas wrote as HTML as Markdown, with its caption.

    Raises
    ------
    CourseError
        If a column has no name, or several rows of names.
    """
    parser = _Table()
    parser.feed(text)
    head = _one_head(parser.head)
    if head is None or parser.spans:
        raise CourseError(
            f"{place}: a page shows tables with one row of names; reset_index() makes one of several"
        )
    if not all(head):
        raise CourseError(f"{place}: a column of the table has no name; rename_axis() names the index")
    cells = [
        [SPECIAL_IN_TABLES.sub(r"\\\1", " ".join(cell.split())) for cell in row]
        for row in [head, *parser.body]
    ]
    right = [all(_is_number(row[i]) for row in cells[1:]) for i in range(len(head))]
    widths = [max(3, min(30, max(len(row[i]) for row in cells))) for i in range(len(head))]
    rule = [f"{'-' * (w - 1)}:" if r else f":{'-' * (w - 1)}" for w, r in zip(widths, right, strict=True)]
    lines = ["| " + " | ".join(row) + " |" for row in [cells[0], rule, *cells[1:]]]
    return "\n".join(lines) + (f"\n\n: {caption} {{#{label}}}" if label else "")


def _one_head(rows: list[list[str]]) -> list[str] | None:
    """Return the names of all columns; a second row holds the name of the index, where there is one."""
    if len(rows) == 1:
        return rows[0]
    if len(rows) == 2 and all(bool(a) != bool(b) or not (a or b) for a, b in zip(*rows, strict=True)):
        return [a or b for a, b in zip(*rows, strict=True)]
    if (
        len(rows) == 2 and rows[1][0] and not any(rows[1][1:])
    ):  # the columns have a name, too, which is left out
        return [rows[1][0], *rows[0][1:]]
    return None


def _is_number(cell: str) -> bool:
    text = cell.replace("\\", "").strip()
    return text in ("", "–", "NaN", "None") or bool(
        re.fullmatch(r"[-−+]?[\d,]*\.?\d+(e[-+]?\d+)?\s?%?", text)
    )
