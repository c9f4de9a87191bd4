"""What the figures share: the look, a figure drawn for four kinds of page, and the pieces that return.

A figure is drawn for a light and for a dark page, each once as wide as the text and once for a phone,
where its panels stand in fewer columns. So a drawing function takes its text and line colors from
matplotlib's settings, which `THEMES` sets, and never names black or white; it takes its axes from
`panels` or `tiles`; and where a wide page needs something else than a narrow one, it asks `pick`.

Colors of lines and clusters are of color-blind-safe sets (M. Okabe and K. Ito, 2008; P. Tol, 2021; those of
lines on a dark page are like the first, brighter), and what color tells is told by a label, a number or a marker too.
A test holds them apart under three simulated deficiencies.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from io import BytesIO
from itertools import permutations
from typing import Any, TypeVar

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray
from PIL import Image

T = TypeVar("T")

WIDTH = 6.4  # inches: the width of the text
NARROW = 358 / 110  # inches: the width of the text on a phone of 390 pixels
PIXELS_PER_INCH = 110  # on the page; the file holds twice as many
BLUE, ORANGE, GREEN, PINK, YELLOW, SKY = "#0072B2", "#C05000", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
CLUSTERS = (
    "#332288", "#88CCEE", "#44AA99", "#117733", "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499", "#BBBBBB",
)  # fmt: skip
HEIGHT_MAP = "viridis"
PAGES = ("wide", "narrow")

_SHARED = {
    "font.family": "DejaVu Sans", "font.size": 10.5, "axes.titlesize": 10.5, "axes.labelsize": 10.5,
    "xtick.labelsize": 9.5, "ytick.labelsize": 9.5, "legend.fontsize": 9.5, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.8, "lines.linewidth": 1.8,
    "figure.constrained_layout.use": True, "figure.facecolor": "none", "axes.facecolor": "none",
    "savefig.facecolor": "none", "image.interpolation": "nearest", "axes.titlelocation": "left",
}  # fmt: skip
THEMES: dict[str, Any] = {
    name: {
        **_SHARED,
        "text.color": ink, "axes.labelcolor": ink, "axes.titlecolor": ink, "axes.edgecolor": line,
        "xtick.color": ink, "ytick.color": ink, "grid.color": faint, "patch.edgecolor": line,
        "axes.prop_cycle": cycler(color=colors),
    }
    for name, ink, line, faint, colors in [
        ("light", "#1f2328", "#59636e", "#d8dee4", (BLUE, ORANGE, GREEN, PINK, YELLOW, SKY)),
        ("dark", "#e6e9ec", "#9aa4ae", "#39424c", ("#7CC8F5", "#E8622F", "#3AA574", "#F286B8", "#F5E27A", "#9A7DDB")),
    ]
}  # fmt: skip

_page: ContextVar[str] = ContextVar("page", default="wide")
_theme: ContextVar[str] = ContextVar("theme", default="light")


@dataclass(frozen=True)
class Picture:
    """One drawing of a figure, as a page shows it.

    Attributes
    ----------
    pixels : PIL.Image.Image
        Twice as many pixels as the page shows, of few colors.
    width, height : int
        On the page, in CSS pixels.
    text : float
        The size of the smallest text in it, in CSS pixels.
    """

    pixels: Image.Image
    width: int
    height: int
    text: float

    def file(self, kind: str) -> bytes:
        """Return the file's bytes.

        Parameters
        ----------
        kind : str
            "PNG", on white, so that it reads on a page of any theme; or "WEBP", on the page's own ground, equally
            sharp and a quarter smaller.
        """
        buffer = BytesIO()
        if kind == "PNG":
            self._on_white().save(buffer, "PNG")
        else:
            self.pixels.convert("RGBA").save(buffer, "WEBP", lossless=True, quality=50, method=2)
        return buffer.getvalue()

    def _on_white(self) -> Image.Image:
        """Return the pixels without transparency."""
        colors = np.reshape(self.pixels.getpalette("RGBA") or [], (-1, 4)).astype(float)
        opacity = colors[:, 3:] / 255
        opaque = self.pixels.copy()
        opaque.putpalette(np.round(colors[:, :3] * opacity + 255 * (1 - opacity)).astype(np.uint8).tobytes())
        return opaque


class Plot:
    """A figure and its alt text; ``figure, alt = plot`` unpacks it.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        As drawn for a wide, light page.
    alt : str
        What kind of figure, of what, and what it shows, with this run's numbers.
    """

    def __init__(self, draw: Callable[[], tuple[Figure, str]]) -> None:
        self._draw = draw
        self.figure, self.alt = self._drawn("light", "wide")

    def __iter__(self) -> Any:
        return iter((self.figure, self.alt))

    def picture(self, theme: str = "light", page: str = "wide") -> Picture:
        """Return the figure as drawn for a "light" or a "dark" page that is "wide" or "narrow"."""
        first = (theme, page) == ("light", "wide")
        figure = self.figure if first else self._drawn(theme, page)[0]
        with mpl.rc_context(THEMES[theme]):
            canvas = FigureCanvasAgg(figure)
            figure.set_dpi(2 * PIXELS_PER_INCH)
            canvas.draw()
        drawn = np.asarray(canvas.buffer_rgba())
        # What a picture of fixed shape leaves empty above and below it is not shown.
        rows = np.flatnonzero(drawn[..., 3].any(axis=1))
        top, bottom = 2 * (max(rows[0] - 2, 0) // 2), min(2 * ((rows[-1] + 4) // 2), len(drawn))
        whole = Image.fromarray(drawn[top:bottom])
        few = whole.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        sizes = [
            float(t.get_fontsize()) for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()
        ]
        text = min(sizes, default=10.0) * PIXELS_PER_INCH / 72
        return Picture(few, few.width // 2, few.height // 2, round(float(text), 2))

    def _drawn(self, theme: str, page: str) -> tuple[Figure, str]:
        before = _page.set(page), _theme.set(theme)
        try:
            with mpl.rc_context(THEMES[theme]):
                figure, alt = self._draw()
                fit(figure)
        finally:
            _page.reset(before[0])
            _theme.reset(before[1])
        return figure, alt


def plot(function: Callable[..., tuple[Figure, str]]) -> Callable[..., Plot]:
    """Make a drawing function return a `Plot`, which can draw it again for another page."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Plot:
        return Plot(lambda: function(*args, **kwargs))

    return wrapped


def pick(wide: T, narrow: T) -> T:
    """Return what the page that is drawn for needs: the first if it is wide, the second if it is narrow."""
    return wide if _page.get() == "wide" else narrow


def by_theme(light: T, dark: T) -> T:
    """Return the first on a light page, the second on a dark one."""
    return light if _theme.get() == "light" else dark


def faded(image: NDArray[Any], keep: float = 0.3) -> NDArray[np.uint8]:
    """Return a picture faded into the page, to draw on: pale on a light page, dim on a dark one, where pale would glare."""
    paper = by_theme(255, 40)
    return (np.asarray(image) * keep + paper * (1 - keep)).astype(np.uint8)


def text_width() -> float:
    """Return the width of the text in inches."""
    return pick(WIDTH, NARROW)


def panels(
    rows: int,
    columns: int,
    height: float,
    *,
    narrow: int = 0,
    narrow_height: float = 0,
    width_ratios: list[float] | None = None,
    height_ratios: list[float] | None = None,
    **kwargs: Any,
) -> tuple[Figure, NDArray[Any]]:
    """Return a figure as wide as the text, and its axes as an array of shape (rows, columns).

    On a narrow page the columns stand in blocks of `narrow`, each block with all its rows, one block below the
    other; the array is the same.

    Parameters
    ----------
    rows, columns : int
        The panels.
    height : float
        Of the whole figure on a wide page, in inches.
    narrow : int
        Columns on a narrow page; half of them by default.
    narrow_height : float
        Of the whole figure on a narrow page, in inches; by default a panel keeps its height, if that is not far
        more than its width.
    width_ratios, height_ratios, **kwargs
        As `matplotlib.figure.Figure.subplots` takes them; width ratios hold where all columns stand side by side.
    """
    if pick(True, False):
        return _grid(
            rows, columns, (WIDTH, height), width_ratios=width_ratios, height_ratios=height_ratios, **kwargs
        )
    across = narrow or -(-columns // 2)
    blocks = -(-columns // across)
    of_panel = height / rows if height_ratios else min(height / rows, 1.1 * NARROW / across + 0.2)
    figure, grid = _grid(
        rows * blocks, across, (NARROW, narrow_height or of_panel * rows * blocks),
        width_ratios=width_ratios if across == columns else None,
        height_ratios=height_ratios * blocks if height_ratios else None, **kwargs,
    )  # fmt: skip
    ordered = grid.reshape(blocks, rows, across).transpose(1, 0, 2).reshape(rows, blocks * across)
    _hide(ordered[:, columns:].ravel(), grid)
    return figure, ordered[:, :columns]


def tiles(
    count: int, across: int, height: float, *, narrow: int = 0, **kwargs: Any
) -> tuple[Figure, NDArray[Any]]:
    """Return a figure as wide as the text, and `count` axes in reading order.

    Parameters
    ----------
    count : int
        How many panels.
    across : int
        How many stand in a row on a wide page.
    height : float
        Of one row, in inches.
    narrow : int
        How many stand in a row on a narrow page; half of `across` by default.
    **kwargs
        As `matplotlib.figure.Figure.subplots` takes them.
    """
    fewer = narrow or -(-across // 2)
    row = pick(height, min(height, 1.1 * NARROW / fewer + 0.2))
    across = pick(across, fewer)
    down = -(-count // across)
    figure, grid = _grid(down, across, (text_width(), down * row), **kwargs)
    _hide(grid.ravel()[count:], grid)
    return figure, grid.ravel()[:count]


def _grid(rows: int, columns: int, size: tuple[float, float], **kwargs: Any) -> tuple[Figure, NDArray[Any]]:
    """Return a figure and its axes, unknown to pyplot, whose settings and current figure stay the reader's own."""
    figure = Figure(figsize=size)
    return figure, figure.subplots(rows, columns, squeeze=False, **kwargs)


def _hide(unused: NDArray[Any], grid: NDArray[Any]) -> None:
    """Hide axes at the end of a grid; the ones above them take over the labels of a shared axis."""
    for ax in unused:
        ax.set_visible(False)
    if len(unused) and len(grid) > 1:
        for ax in grid[-2, -len(unused) :]:
            ax.xaxis.set_tick_params(labelbottom=True)


def fit(figure: Figure) -> None:
    """Lay the figure out once and for all; break titles and labels that would leave it or run into each other."""
    canvas, layout = FigureCanvasAgg(figure), figure.get_layout_engine()
    figure.set_dpi(2 * PIXELS_PER_INCH)
    renderer = canvas.get_renderer()
    for _ in range(4):  # each round breaks a line once
        if layout is not None:
            layout.execute(figure)
        shown = [ax for ax in figure.axes if ax.get_visible()]
        titles = [t for ax in shown for t in (ax._left_title, ax.title) if t.get_text()]  # type: ignore[attr-defined]
        boxes = {t: t.get_window_extent(renderer) for t in titles}
        across = {ax.xaxis.label: ax.xaxis.label.get_window_extent(renderer) for ax in shown} | boxes
        upward = {ax.yaxis.label: ax.yaxis.label.get_window_extent(renderer) for ax in shown}
        long = {t for t, box in across.items() if box.x0 < 0 or box.x1 > figure.bbox.width}
        long |= {t for t, box in upward.items() if box.y0 < 0 or box.y1 > figure.bbox.height}
        long |= {
            a for a, b in permutations(titles, 2) if boxes[a].overlaps(boxes[b]) and boxes[a].x0 < boxes[b].x0
        }
        if not long:
            break
        for text in long:
            text.set_text(broken(text.get_text()))
    figure.set_layout_engine("none")  # to lay out again, while drawing, would double the time


def broken(text: str) -> str:
    """Return the text with its longest line broken at the space nearest to its middle, if it has one."""
    lines = text.split("\n")
    longest = max(lines, key=len)
    spaces = [i for i, letter in enumerate(longest) if letter == " "]
    if not spaces:
        return text
    at = min(spaces, key=lambda i: abs(i - len(longest) / 2))
    lines[lines.index(longest)] = f"{longest[:at]}\n{longest[at + 1 :]}"
    return "\n".join(lines)


def show_image(ax: Axes, image: NDArray[Any], title: str = "", **kwargs: Any) -> Any:
    """Show an array as a picture without ticks, in a thin frame."""
    shown = ax.imshow(image, **kwargs)
    ax.set(xticks=[], yticks=[], title=title)
    for side in ax.spines.values():
        side.set_visible(True)
    return shown


LIGHT, DARK = 185, 155  # the grays of the stripes that stand for missing pixels


def striped(image: NDArray[np.uint8], mask: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    """Return the picture with masked pixels as gray stripes, which no picture of the ground shows."""
    if mask is None or not mask.any():
        return image
    y, x = np.indices(mask.shape)
    stripe = (x + y) // max(2, max(mask.shape) // 60) % 2
    gray = np.where(stripe, LIGHT, DARK).astype(np.uint8)
    return np.where(mask[..., np.newaxis], gray[..., np.newaxis], image)


def legend(figure: Figure, handles: Any = None, *, loc: Any, ncols: int, **kwargs: Any) -> None:
    """Add a legend outside the panels, in as many as `ncols` columns as the figure has room for."""
    handles = handles or [h for ax in figure.axes[:1] for h in ax.get_legend_handles_labels()[0]]
    for columns in range(ncols, 0, -1):
        made = figure.legend(handles=handles, loc=loc, ncols=columns, **kwargs)
        wide = made.get_window_extent(FigureCanvasAgg(figure).get_renderer()).width
        if columns == 1 or wide < 0.98 * figure.bbox.width:
            return
        made.remove()


def color_bar(figure: Figure, shown: Any, ax: Any, label: str = "") -> None:
    """Add a scale of colors: at the right of a wide page's panels, below those of a narrow one."""
    figure.colorbar(shown, ax=ax, label=label, shrink=0.9, location=pick("right", "bottom"))


def halo(text: Any, color: str = "white", width: float = 2.5) -> Any:
    """Put a rim around a text so that it reads on any picture."""
    text.set_path_effects([withStroke(linewidth=width, foreground=color)])
    return text


def missing_told(mask: NDArray[np.bool_]) -> str:
    """Return a sentence, with a space before it, on how many pixels are missing; nothing where none is."""
    count = int(mask.sum())
    if not count:
        return ""
    some = "1 pixel holds no data. It is" if count == 1 else f"{count:,} pixels hold no data. They are"
    return f" Of the picture, {percent(float(mask.mean()))} is missing: {some} left out, and striped in the figures."


def plural(count: int, thing: str) -> str:
    """Return how many of a thing there are: 1 region, 12 regions."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def count_in_millions(axis: Axis) -> None:
    """Write an axis's large numbers in millions: 1,500M."""
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v / 1e6:,g}M" if abs(v) >= 1e6 else f"{v:,g}"))


def large(value: float) -> str:
    """Return a number in three digits, a large one in millions."""
    few = float(f"{value:.3g}")
    return f"{few / 1e6:,g} million" if few >= 1e6 else f"{few:,g}"


def percent(share: float) -> str:
    """Return a share as a percentage that never says 0% or 100% of what is only nearly so."""
    least = 0.001  # what one decimal can show
    if 0 < share < least / 2:
        return f"under {least:.1%}"
    if 1 - least / 2 < share < 1:
        return f"over {1 - least:.1%}"
    return f"{100 * share:.1f}%"
