"""Inline expressions and conditions: found in text and options, resolved from what a run kept, recorded as numbers."""

from __future__ import annotations

import re
from typing import Any

import pypandoc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course import inline
from course.inline import WeaveError


def markdown(source: str, **values: Any) -> dict[str, Any]:
    """Return an executed Markdown cell: `values` by expression, as a kernel shows them."""
    found = [{"expression": code, "result": shown(value)} for code, value in values.items()]
    return {"cell_type": "markdown", "source": source, "metadata": {"user_expressions": found}}


def shown(value: Any) -> dict[str, Any]:
    return {"status": "ok", "data": {"text/plain": value if isinstance(value, Raw) else repr(value)}}


class Raw(str):
    """What a kernel shows, as it is."""


def asked(source: str, kind: str = "markdown") -> list[str]:
    cell = {"cell_type": kind, "source": source, "metadata": {}}
    return [str(expression) for expression in inline.expressions(cell, "cell 1")]


def as_quarto_does(text: str, results: dict[str, str]) -> str:
    """Return text with the values that Quarto puts in: quotes off and special characters escaped, or as shown."""

    def value(match: re.Match[str]) -> str:
        plain = results[match[1].strip()]
        quoted = len(plain) > 1 and plain[0] == plain[-1] and plain[0] in "'\""
        return re.sub(r"([\\`*_{}\[\]()>#+,\-.!])", r"\\\1", plain[1:-1]) if quoted else plain

    return re.sub(r"(?<!`)`\{python\}[ \t]([^`]+)`", value, text)


def test_expressions_of_text_and_options() -> None:
    assert asked("k = `{python} knee`, ``{python} not this``, and `{python} f'{a:.1%}'`.") == [
        "`{python} knee`",
        "`{python} f'{a:.1%}'`",
    ]
    assert asked('::: {when="knee is None"}\nNone.\n:::') == ['when="knee is None"']
    code = '#| label: fig-a\n#| fig-alt: "A knee at `{python} knee`, \\"so\\"."\nprint("`{python} no`")'
    assert asked(code, "code") == ["`{python} knee`"]


@pytest.mark.parametrize("source", ["k = `{python} knee\n+ 1`", "k = `{python} knee"])
def test_an_expression_ends_on_its_line(source: str) -> None:
    with pytest.raises(WeaveError, match="on one line"):
        asked(source)


def test_a_mistyped_expression_is_refused() -> None:
    for text in ("k is `{pyhton} k`.", "k is `{Python} k`."):
        with pytest.raises(inline.WeaveError, match=r"^cell 3: .* begins with \{python\}, not "):
            list(inline.expressions({"cell_type": "markdown", "source": text}, "cell 3"))
    assert not list(inline.expressions({"cell_type": "markdown", "source": "`{name} k`"}, "cell 3"))


def test_options_that_are_not_yaml() -> None:
    with pytest.raises(WeaveError, match="cell 1: its options are not valid YAML"):
        asked('#| fig-alt: "no end\nx = 1', "code")


def test_values_stand_in_the_text() -> None:
    cell = markdown("", knee=4, share="12.5%", none=None)
    text = inline.resolve("k = `{python} knee`, `{python} share`; `{python} none`.", cell)
    assert pypandoc.convert_text(text, "plain", "markdown").strip() == "k = 4, 12.5%; None."


def test_markdown_of_a_value_is_not_markup() -> None:
    text = inline.resolve("`{python} name`", markdown("", name="a_b*c*_ [x](y) <b> `d` # $e$ | ~f~ @g"))
    html = pypandoc.convert_text(text, "html", "markdown")
    assert not re.search(r"<(em|a|b|code|h1|span|sub)", html)
    assert "a_b*c*_ [x](y)" in html


def test_an_alt_text_is_plain() -> None:
    cell = markdown("", name="a_b*")
    assert inline.resolve("of `{python} name`", cell, inline.as_plain_text) == "of a_b*"


@settings(deadline=None)  # a busy machine is slow at times
@given(
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=12),
    st.integers(),
    st.floats(-9, 9),
)
def test_text_is_that_of_quarto(word: str, whole: int, real: float) -> None:
    # Quarto takes off quotes without reading escapes, and escapes fewer characters: those are left out.
    word = re.sub(r"[\\'\"<|~^$@]", "", word).strip() or "word"
    source = "A `{python} word`, then `{python} whole` and `{python} real`."
    results = {"word": repr(word), "whole": repr(whole), "real": repr(real)}
    ours = inline.resolve(source, markdown(source, word=word, whole=whole, real=real))
    assert html_of(ours) == html_of(as_quarto_does(source, results))


def html_of(text: str) -> str:
    return str(pypandoc.convert_text(text, "html", "markdown-smart"))


@pytest.mark.parametrize("value", [Raw("np.float64(0.71)"), Raw("array([1, 2])"), Raw("<object at 0x7f>")])
def test_a_value_that_does_not_read_as_text(value: Raw) -> None:
    with pytest.raises(WeaveError, match="write it as an f-string"):
        inline.values_of(markdown("", share=value))


def test_blocks_are_kept_by_their_condition() -> None:
    text = 'a\n::: {when="yes"}\nb\n\n::: {.lead}\nc\n:::\n:::\n::: {when=\'no == "x"\'}\nd\n::: {.lead}\ne\n:::\n:::\nf\n'
    kept = inline.keep_blocks(text, {"yes": True, 'no == "x"': False})
    assert kept == "a\nb\n\n::: {.lead}\nc\n:::\nf\n"


@pytest.mark.parametrize("text", ['::: {when="yes"}\na\n', "a\n:::\n"])
def test_blocks_that_do_not_close(text: str) -> None:
    with pytest.raises(WeaveError, match=":::"):
        inline.keep_blocks(text, {"yes": True})


@pytest.mark.parametrize(
    ("value", "number"),
    [(4, 4), ("12.5%", 0.125), ("2,048", 2048), ("−3.5", -3.5), ("1.2e+03", 1200.0), ([1, 2.5], [1, 2.5])],
)
def test_numbers_are_recorded(value: Any, number: Any) -> None:
    assert inline.as_number(value) == number


@pytest.mark.parametrize("value", ["3, 4, 5", "none", True, None, [], [1, "a"], "4 (uniform)"])
def test_sentences_are_not_recorded(value: Any) -> None:
    assert inline.as_number(value) is None


def test_the_record_has_inline_numbers_and_the_names_of_the_claims() -> None:
    cells = [markdown("", knee=4, word="so"), markdown("", share="5%")]
    notebook = {"cells": cells, "metadata": {"course_run": {"record": {"scores": [1, 2]}, "claims": []}}}
    assert inline.record_of(notebook) == {"knee": 4, "share": 0.05, "scores": [1, 2]}
