"""How a figure is drawn for four kinds of page."""

from __future__ import annotations

from io import BytesIO

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from helpers import drawing
from helpers.landscape import PALETTE

# Machado, Oliveira and Fernandes 2009, at full severity, on linear RGB.
DEFICIENCIES = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


@drawing.plot
def row(count: int, title: str = "title") -> tuple[Figure, str]:
    figure, [axes] = drawing.panels(1, count, 2.0)
    for number, ax in enumerate(axes):
        ax.plot([0, 1], [number, number])
        ax.set_title(f"{title} {number}")
    return figure, "Line graphs."


def seen_by(rgb: np.ndarray, deficiency: str) -> np.ndarray:
    """Return how colors, 0 to 1, look to someone with a color-vision deficiency."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(DEFICIENCIES[deficiency]).T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize(
    ("what", "colors", "least"),
    [
        ("terrains", [tuple(c / 255) for c in PALETTE], 10),
        ("lines, light", drawing.THEMES["light"]["axes.prop_cycle"].by_key()["color"], 10),
        ("lines, dark", drawing.THEMES["dark"]["axes.prop_cycle"].by_key()["color"], 10),
        ("clusters", drawing.CLUSTERS[:7], 5),
    ],
)
def test_categories_stay_apart_under_color_vision_deficiencies(deficiency, what, colors, least) -> None:
    lab = rgb2lab(seen_by(np.array([mpl.colors.to_rgb(c) for c in colors]), deficiency))
    for one in range(len(lab)):
        for other in range(one):
            apart = float(deltaE_ciede2000(lab[one], lab[other]))
            assert apart >= least, f"{what}: {colors[one]} and {colors[other]} are {apart:.1f} apart"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("page", "width"), [("wide", 704), ("narrow", 358)])
def test_a_picture_says_its_size_and_that_of_its_text(theme: str, page: str, width: int) -> None:
    picture = row(3).picture(theme, page)
    assert picture.width == width
    assert picture.pixels.size == (2 * picture.width, 2 * picture.height)
    assert picture.text == pytest.approx(9.5 * 110 / 72, abs=0.01)  # the tick labels
    for kind in ("PNG", "WEBP"):
        again = Image.open(BytesIO(picture.file(kind)))
        assert again.format == kind
        assert again.size == picture.pixels.size


def test_a_narrow_page_has_fewer_columns_and_the_same_axes() -> None:
    shapes = {}
    for page in drawing.PAGES:
        token = drawing._page.set(page)
        try:
            figure, axes = drawing.panels(2, 5, 3.0, narrow=2)
            shapes[page] = axes.shape
            places = {(r, c): axes[r, c].get_subplotspec() for r in range(2) for c in range(5)}
        finally:
            drawing._page.reset(token)
    assert shapes == {"wide": (2, 5), "narrow": (2, 5)}
    # Narrow: blocks of two columns, each block with both rows.
    grid = {key: (spec.rowspan.start, spec.colspan.start) for key, spec in places.items()}
    assert grid[0, 0] == (0, 0)
    assert grid[1, 0] == (1, 0)
    assert grid[0, 1] == (0, 1)
    assert grid[0, 2] == (2, 0)
    assert grid[1, 4] == (5, 0)
    assert figure.get_figwidth() == drawing.NARROW
    assert sum(not ax.get_visible() for ax in figure.axes) == 2


@pytest.mark.parametrize(("page", "across"), [("wide", 3), ("narrow", 2)])
def test_tiles_stand_in_reading_order(page: str, across: int) -> None:
    token = drawing._page.set(page)
    try:
        _, axes = drawing.tiles(5, 3, 1.5)
    finally:
        drawing._page.reset(token)
    places = [(ax.get_subplotspec().rowspan.start, ax.get_subplotspec().colspan.start) for ax in axes]
    assert places == [divmod(number, across) for number in range(5)]


def test_titles_that_would_collide_are_broken_and_others_are_not() -> None:
    short, long = row(4), row(4, "a title of many words")
    assert {ax.get_title(loc="left") for ax in short.figure.axes} == {f"title {n}" for n in range(4)}
    assert any("\n" in ax.get_title(loc="left") for ax in long.figure.axes)
    assert drawing.broken("one two three") in ("one\ntwo three", "one two\nthree")
    assert drawing.broken("unbreakable") == "unbreakable"


def test_a_legend_takes_as_many_columns_as_there_is_room_for() -> None:
    figure, _ = drawing.panels(1, 1, 2.0)
    handles = [Line2D([], [], label="a rather long name of a method") for _ in range(4)]
    drawing.legend(figure, handles, loc="outside lower center", ncols=4)
    [made] = figure.legends
    assert 1 <= made._ncols < 4
    assert made.get_window_extent().width < figure.bbox.width


def test_percent_never_says_none_or_all_of_what_is_only_nearly_so() -> None:
    assert drawing.percent(0) == "0.0%"
    assert drawing.percent(0.00001) == "under 0.1%"
    assert drawing.percent(0.99999) == "over 99.9%"
    assert drawing.percent(1) == "100.0%"


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colors, as WCAG defines it."""

    def luminance(color: str) -> float:
        rgb = np.array(mpl.colors.to_rgb(color))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("theme", "paper"), [("light", "#ffffff"), ("dark", "#15191e")])
def test_text_and_lines_stand_out_from_the_page(theme: str, paper: str) -> None:
    style = drawing.THEMES[theme]
    assert contrast(style["text.color"], paper) >= 7
    assert contrast(style["axes.edgecolor"], paper) >= 3
    colors = style["axes.prop_cycle"].by_key()["color"]
    assert all(contrast(color, paper) >= 2 for color in colors), [contrast(c, paper) for c in colors]
    assert all(contrast(color, paper) >= 4.5 for color in colors[:2])  # these color words, too
