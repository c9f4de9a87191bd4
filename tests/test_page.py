"""What a page shows of a cell: a figure in panels and inks, a table, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from course import page
from course.errors import CourseError
from figures import style


@pytest.fixture
def inks() -> Any:
    with mpl.rc_context(style.STYLE):
        yield
    plt.close("all")


def figure_of(figure: Any, label: str = "fig-a", alt: str = "Two panels.") -> tuple[str, dict[str, bytes]]:
    return page.figure_div(label, "A caption.", alt, [style.drawn(figure)], "04_files", "cell 3")


def cell(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {}}


def test_a_figure_in_panels(inks: None) -> None:
    figure, axes = plt.subplots(1, 3, figsize=(6, 2))
    axes[0].plot([0, 1], label="line")
    axes[1].imshow(np.zeros((64, 64, 3), dtype=np.uint8))
    shown = axes[2].imshow(np.arange(4).reshape(2, 2))
    figure.colorbar(shown)
    text, files = figure_of(figure, alt='Of "a" & b.')
    assert text.startswith("::: {#fig-a}\n```{=html}\n")
    assert text.endswith("```\n\nA caption.\n:::")
    assert text.count("<svg ") == 3, "a color bar stands with its axes"
    assert 'role="img" aria-label="Of &quot;a&quot; &amp; b."' in text
    assert 'style="--columns: 3; --narrow: 2"' in text
    assert not re.search("#0[1-3]0[2-4]0[3-5]|data:image", text)
    assert {"--ink", "--soft", "--c0"} <= set(re.findall(r"var\((--\w+)\)", text))
    assert set(files) == {f"04_files/{name}" for name in re.findall(r'src="04_files/([^"]+)"', text)}
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert all(name.startswith("fig-a-") for name in ids)
    used = re.findall(r'(?:href="#|url\(#)([^")]+)', text)
    assert used
    assert set(used) <= set(ids)


def test_a_faded_picture_stays_faded(inks: None) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(4, 2))
    axes[0].imshow(np.zeros((64, 64, 3), dtype=np.uint8), alpha=0.35)
    axes[1].imshow(np.zeros((64, 64, 3), dtype=np.uint8))
    faded, whole = re.findall("<img [^>]*>", figure_of(figure)[0])
    assert "opacity: 0.35" in faded
    assert "opacity" not in whole


def test_one_drawing_gives_the_same_bytes(inks: None) -> None:
    def draw() -> str:
        figure, axes = plt.subplots(1, 2)
        axes[0].plot([0, 1])
        return figure_of(figure)[0]

    assert draw() == draw()


def test_a_figure_with_a_title_of_its_own_stays_in_one_piece(inks: None) -> None:
    figure, _ = plt.subplots(1, 2, figsize=(5, 2))
    figure.suptitle("both")
    assert figure_of(figure)[0].count("<svg ") == 1


def test_text_that_a_phone_cannot_show(inks: None) -> None:
    figure, ax = plt.subplots(figsize=(9, 3))
    ax.set_title("wide")
    with pytest.raises(CourseError, match=r"cell 3: fig-a: on a phone its text is .* inches wide"):
        figure_of(figure)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('#| label: fig-a\n#| fig-cap: "x"\n1', "fig-a has no fig-alt"),
        ('#| label: fig-a\n#| fig-alt: "x"\n1', "fig-a has no fig-cap"),
        ("#| label: tbl-a\n1", "tbl-a has no tbl-cap"),
        ('#| label: a\n#| fig-cap: "x"\n1', "must begin with fig- or tbl-"),
        ("#| echo: false\n1", "unknown option echo"),
        ('#| fig-alt: "x"\n1', "fig-alt needs a label"),
    ],
)
def test_options_that_are_refused(source: str, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        page.caption_and_alt(cell(source), "cell 3")


def test_a_table() -> None:
    frame = pd.DataFrame(
        {"knee": [4, 5], "share": ["1.5%", "20%"], "name": ["a|b", "*c*"]}, index=pd.Index([1, 10], name="k")
    )
    text = page.table(frame.to_html(), "tbl-a", "Knees.", "cell 3")
    lines = text.splitlines()
    assert lines[0] == "| k | knee | share | name |"
    assert [part.strip().endswith(":") for part in lines[1].strip("|").split("|")] == [
        True,
        True,
        True,
        False,
    ]
    assert lines[2] == "| 1 | 4 | 1.5% | a\\|b |"
    assert lines[3] == "| 10 | 5 | 20% | \\*c\\* |"
    assert lines[-1] == ": Knees. {#tbl-a}"


def test_a_table_with_a_column_without_a_name() -> None:
    with pytest.raises(CourseError, match=r"cell 3: a column of the table has no name; rename_axis\(\)"):
        page.table(pd.DataFrame({"a": [1]}).to_html(), "tbl-a", "x", "cell 3")


def test_a_table_with_two_rows_of_names() -> None:
    frame = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_product([["a"], ["b", "c"]]))
    with pytest.raises(CourseError, match="one row of names"):
        page.table(frame.to_html(), "tbl-a", "x", "cell 3")
