"""How a run draws figures: as SVG, in inks that the page sets, with a box for each panel.

In plain Jupyter nothing of this applies: figures are matplotlib's own. A run calls `use_inks` before the first
cell, so that one drawing serves a light and a dark page, a wide and a narrow one:

- text, lines and the six colors of series are stand-ins that staging replaces by CSS variables (`INKS`);
- each panel, an axes with its color bars and insets, is a group of the SVG with a box of its own, so that a page can lay the
  panels out anew.
"""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from figures.inks import GROUND, INKS

INK, SOFT, LINE, PAPER, *SERIES = INKS
STYLE: dict[str, Any] = {
    "figure.figsize": (5.6, 3.4), "figure.facecolor": GROUND, "axes.facecolor": "none", "savefig.facecolor": GROUND,
    "font.family": "DejaVu Sans", "font.size": 11, "axes.titlesize": 11, "axes.labelsize": 11, "xtick.labelsize": 10,
    "ytick.labelsize": 10, "legend.fontsize": 10, "legend.frameon": False, "axes.titlelocation": "left",
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.8, "lines.linewidth": 1.8,
    "text.color": INK, "axes.labelcolor": INK, "axes.titlecolor": INK, "axes.edgecolor": SOFT, "xtick.color": SOFT,
    "ytick.color": SOFT, "xtick.labelcolor": INK, "ytick.labelcolor": INK, "grid.color": LINE, "patch.edgecolor": SOFT,
    "axes.prop_cycle": cycler(color=SERIES), "image.interpolation": "none", "figure.constrained_layout.use": True,
    "svg.fonttype": "path", "svg.hashsalt": "course",
}  # fmt: skip
UNDATED = {"Date": None, "Creator": None, "Format": None, "Type": None}


def use_inks() -> None:
    """Draw this kernel's figures in inks, and show them as SVG with their panels."""
    from IPython import get_ipython
    from matplotlib_inline.backend_inline import configure_inline_support

    shell = get_ipython()
    mpl.use("module://matplotlib_inline.backend_inline")
    configure_inline_support(shell, "module://matplotlib_inline.backend_inline")
    mpl.rcParams.update(STYLE)  # type: ignore[arg-type]
    formatters = shell.display_formatter.formatters
    for kind in ("image/png", "image/jpeg", "application/pdf"):
        formatters[kind].pop(Figure, None)
    formatters["image/svg+xml"].for_type(Figure, drawn)


def drawn(figure: Figure) -> tuple[str, dict[str, Any]]:
    """Return a figure as SVG, and what a page needs to lay it out.

    Returns
    -------
    svg : str
        The axes of a panel are groups with the ids ``panel-0.0``, ``panel-0.1`` ...
    about : dict
        ``panels``: for each panel x, y, width and height of its box in the drawing; ``columns``: how many stand side by
        side; ``text``: the size of the smallest text; all in points.
    """
    panels = [] if _has_shared_text(figure) else _panels(figure)
    for number, axes in enumerate(panels):
        for index, part in enumerate(axes):
            part.set_gid(f"panel-{number}.{index}")
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata=UNDATED)
    sizes = [
        float(t.get_fontsize()) for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()
    ]
    boxes = [_box(figure, axes) for axes in panels]
    about = {
        "panels": [[round(float(value), 2) for value in box] for box in boxes],
        "columns": _columns(boxes),
        "text": min(sizes, default=11.0),
    }
    return out.getvalue(), about


def _has_shared_text(figure: Figure) -> bool:
    """Return True if a title or a legend belongs to the figure as a whole, so that it must stay in one piece."""
    shared = [*figure.texts, *figure.legends, *figure.subfigs]
    return any(not isinstance(part, Text) or part.get_text().strip() for part in shared)


def _panels(figure: Figure) -> list[list[Axes]]:
    """Return the visible axes in groups: a color bar with its axes, and axes that lie upon each other together."""
    groups: list[list[Axes]] = []
    for axes in figure.axes:
        if not axes.get_visible():
            continue
        parents = getattr(axes, "_colorbar_info", {}).get("parents", [])
        joined = [g for g in groups if set(g) & set(parents) or any(_overlap(axes, other) for other in g)]
        groups = [g for g in groups if g not in joined]
        groups.append([*(other for g in joined for other in g), axes])
    order = {axes: number for number, axes in enumerate(figure.axes)}
    groups.sort(key=lambda group: min(order[axes] for axes in group))
    return groups if len(groups) > 1 else []


def _overlap(a: Axes, b: Axes) -> bool:
    first, second = a.get_position(), b.get_position()
    shared = Bbox.intersection(first, second)
    return shared is not None and shared.width * shared.height > 1e-6


def _box(figure: Figure, axes: list[Axes]) -> tuple[float, float, float, float]:
    """Return x, y, width and height, in points from the upper left, of what some axes cover with their labels."""
    dpi = figure.dpi
    figure.set_dpi(72)
    renderer = FigureCanvasAgg(figure).get_renderer()
    box = Bbox.union([found for part in axes if (found := part.get_tightbbox(renderer)) is not None])
    figure.set_dpi(dpi)
    height = figure.get_figheight() * 72
    margin = 3
    return box.x0 - margin, height - box.y1 - margin, box.width + 2 * margin, box.height + 2 * margin


def _columns(boxes: list[tuple[float, float, float, float]]) -> int:
    """Return how many panels stand side by side in the first row."""
    if not boxes:
        return 1
    _, y, _, height = boxes[0]
    return sum(abs(other[1] + other[3] / 2 - y - height / 2) < height / 2 for other in boxes)
