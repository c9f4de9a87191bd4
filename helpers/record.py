"""What a chapter found: recorded values, prose made from them, figures and tables that carry their words.

Steps: record a value by name; write a sentence that uses recorded names, never typed numbers; show a
figure with its caption and its alt text; show a table; show a helper's own source.

Everything shown is an ordinary notebook output, so that a chapter reads the same in plain Jupyter.
"""

from __future__ import annotations

import base64
import inspect
import json
import string
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from IPython.display import display
from PIL import Image

if TYPE_CHECKING:
    from helpers.drawing import Plot

SCRAP = "application/scrapbook.scrap.json+json"  # scrapbook's own type, so that it can read records too
FIGURE = "application/vnd.course.figure+json"
THUMBNAIL = "application/vnd.course.thumbnail+json"

_found: dict[str, Any] = {}


def record(name: str, value: Any) -> None:
    """Keep what this chapter found, without showing it.

    Parameters
    ----------
    name : str
        A Python name, so that `prose` can use it.
    value : bool, int, float, str, None, or lists and dicts of them
        NumPy's numbers and arrays become plain ones.

    Raises
    ------
    ValueError
        If the name is not a Python name, or the value cannot be kept as JSON (NaN, infinity, an object).
    """
    if not name.isidentifier():
        raise ValueError(f"record: {name!r} is not a Python name")
    plain = _plain(value)
    try:
        json.dumps(plain, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"record: {name} cannot be kept as JSON: {error}") from None
    _found[name] = value
    scrap = {"name": name, "data": plain, "encoder": "json", "version": 1}
    note = {"scrapbook": {"name": name, "data": True, "display": False}}
    display({SCRAP: scrap}, metadata=note, raw=True)


def prose(text: str) -> None:
    """Show a paragraph of Markdown whose ``{names}`` are filled in from recorded values.

    Parameters
    ----------
    text : str
        As `str.format` takes it: ``{share:.1%}``, ``{pixels:,}``; write ``{{`` for a brace.

    Raises
    ------
    KeyError
        If a name was not recorded.
    """
    _show_markdown(_filled(text))


def figure(label: str, plot: Plot, caption: str) -> None:
    """Show a figure with its caption and alt text, drawn for light and dark pages, wide and narrow.

    Parameters
    ----------
    label : str
        How the page refers to it: ``fig-`` and a name.
    plot : Plot
        What a function of `plots` returned.
    caption : str
        Markdown; recorded names in braces are filled in, as in `prose`.
    """
    if not label.startswith("fig-"):
        raise ValueError(f"figure: the label {label!r} must begin with fig-")
    caption = _filled(caption)
    drawn = {
        (theme, page): plot.picture(theme, page) for theme in ("light", "dark") for page in ("wide", "narrow")
    }
    about = {
        "label": label,
        "caption": caption,
        "alt": plot.alt,
        "pictures": [
            {
                "theme": theme,
                "page": page,
                "webp": _base64(picture.file("WEBP")),
                "width": picture.width,
                "height": picture.height,
                "text": picture.text,
            }
            for (theme, page), picture in drawn.items()
        ],
    }
    shown = drawn["light", "wide"]
    display(
        {"image/png": _base64(shown.file("PNG")), FIGURE: about},
        metadata={"image/png": {"alt": plot.alt, "width": shown.width}},
        raw=True,
    )
    _show_markdown(f"*{caption}*", {"part_of": label})


def thumbnail(name: str, image: np.ndarray, caption: str, alt: str) -> None:
    """Keep a small picture for the home page's strip; shown nowhere else.

    Parameters
    ----------
    name : str
        Its place in the strip: names are sorted.
    image : ndarray of shape (h, w, 3), uint8
        Any size; it is reduced to at most 320 pixels.
    caption, alt : str
        Text below it, and what it shows.
    """
    picture = Image.fromarray(np.asarray(image, dtype=np.uint8))
    picture.thumbnail((320, 320), Image.Resampling.BOX)
    buffer = BytesIO()
    picture.quantize(128, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    data = {"name": name, "caption": caption, "alt": alt, "png": _base64(buffer.getvalue())}
    display({THUMBNAIL: data}, raw=True)


def table(label: str, header: Sequence[str], rows: Iterable[Sequence[Any]], caption: str) -> None:
    """Show a table as Markdown, numbers to the right.

    Parameters
    ----------
    label : str
        How the page refers to it: ``tbl-`` and a name.
    header : sequence of str
        A name per column.
    rows : iterable of sequences
        Cells: text as it is; numbers as they are formatted by the caller or by `str`.
    caption : str
        Markdown; recorded names in braces are filled in, as in `prose`.
    """
    if not label.startswith("tbl-"):
        raise ValueError(f"table: the label {label!r} must begin with tbl-")
    cells = [[str(cell) for cell in row] for row in rows]
    right = [all(_is_number(row[i]) for row in cells) for i in range(len(header))]
    texts = [_row(header), *(_row(row) for row in cells)]
    # Where a line is longer than this, Pandoc takes the columns' widths from their dashes.
    dashes = [
        _room(column) if max(map(len, texts)) > 72 else 3 for column in zip(header, *cells, strict=True)
    ]
    rule = _row([f"{'-' * n}:" if r else f":{'-' * n}" for n, r in zip(dashes, right, strict=True)])
    lines = [texts[0], rule, *texts[1:]]
    caption = _filled(caption)
    # Jupyter shows the caption below; the stage step makes it the table's own.
    _show_markdown("\n".join(lines) + f"\n\n*{caption}*", {"label": label, "caption": caption})


def source(*functions: Callable[..., Any]) -> None:
    """Show the source of helpers as it is, folded under their names."""
    for function in functions:
        name = f"{function.__module__}.{function.__qualname__}"
        code = inspect.getsource(function).rstrip()
        _show_markdown(
            f"<details><summary>Inside <code>{name}</code></summary>\n\n```python\n{code}\n```\n\n</details>"
        )


def join(words: Sequence[str]) -> str:
    """Return words as a list in prose: a; a and b; a, b and c."""
    words = list(words)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _filled(text: str) -> str:
    """Return `text` with recorded values in place of their names in braces."""
    missing = [name for _, name, _, _ in string.Formatter().parse(text) if name and _root(name) not in _found]
    if missing:
        raise KeyError(f"not recorded: {', '.join(missing)}")
    return inspect.cleandoc(text).format(**_found)


def _root(name: str) -> str:
    """Return the name that a format field starts from: ``share[0]`` and ``share.x`` both from ``share``."""
    return name.split(".")[0].split("[")[0]


def _plain(value: Any) -> Any:
    """Return the value with NumPy's types made plain."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _show_markdown(text: str, about: dict[str, str] | None = None) -> None:
    """Show Markdown; `about` says what the stage step needs to know of a caption."""
    display({"text/markdown": text}, metadata={"course": about} if about else {}, raw=True)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _room(column: Sequence[str]) -> int:
    """Return how wide a column needs to be: for its longest word, and for its texts in few lines."""
    name, *texts = column
    words = [len(word) for text in column for word in text.split()]
    return 2 + max(*words, -(-len(name) // 2), *(min(len(text), 30) for text in texts))


def _is_number(cell: str) -> bool:
    return (
        cell.strip() in ("", "–")
        or cell.strip().lstrip("−-+").rstrip("%").replace(",", "").replace(".", "").isdigit()
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
