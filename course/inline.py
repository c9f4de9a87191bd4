"""What a chapter's text asks of its run: inline expressions, conditions, and the values that were found.

An inline expression is Quarto's: backtick, ``{python} knee``, backtick, in Markdown and in the options of a code cell. A block
``::: {when="knee is None"}`` ... ``:::`` is kept where its condition is true. `course.engine` evaluates both while
a chapter is executed, and keeps the values in ``cell.metadata.user_expressions``, where Quarto and jupyterlab-myst have theirs;
`resolve` writes them into the text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from helpers.check import ANSWER

INLINE = re.compile(r"(?<!`)`\{python\}[ \t]+([^`\n]+)`")
BROKEN = re.compile(r"(?<!`)`\{python\}[^`\n]*(?:\n|$)")  # an expression that does not end on its line
MISTYPED = re.compile(r"(?<!`)`(\{(?!python\})[pythonPYTHON]{4,8}\})[ \t][^`\n]+`")
OPEN_WHEN = re.compile(r"^(:{3,}) *\{when=(?P<quote>[\"'])(?P<condition>.+?)(?P=quote)\} *$")
FENCE = re.compile(r"^(:{3,})(.*)$")
MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~^$@])")


class WeaveError(ValueError):
    """Text, an option or a claim of a chapter that cannot be evaluated; its message is one line."""


@dataclass(frozen=True)
class Expression:
    """What a cell asks the kernel for: Python code, and whether it is the condition of a ``when`` block."""

    code: str
    condition: bool = False

    def __str__(self) -> str:
        return f'when="{self.code}"' if self.condition else f"`{{python}} {self.code}`"


def expressions(cell: Any, place: str) -> Iterator[Expression]:
    """Yield what a cell asks for: the conditions and inline expressions of its text, or of its options."""
    if cell["cell_type"] == "markdown":
        texts = [_source(cell)]
    else:
        texts = [text for text in options_of(cell, place).values() if isinstance(text, str)]
    for text in texts:
        if BROKEN.search(INLINE.sub("", text)):
            raise WeaveError(f"{place}: an inline expression must begin and end on one line")
        if mistyped := MISTYPED.search(text):
            raise WeaveError(
                f"{place}: {mistyped[0]}: an inline expression begins with {{python}}, not {mistyped[1]}"
            )
        for line in text.splitlines():
            opened = OPEN_WHEN.match(line)
            if opened:
                yield Expression(opened["condition"], condition=True)
        for code in INLINE.findall(text):
            yield Expression(code.strip())


def options_of(cell: Any, place: str) -> dict[str, Any]:
    """Return the options of a code cell: the lines at its top that begin with ``#|``, as YAML."""
    lines = []
    for line in _source(cell).splitlines():
        if not line.startswith("#|"):
            break
        lines.append(line[2:].removeprefix(" "))
    try:
        options = yaml.safe_load("\n".join(lines)) or {}
    except yaml.YAMLError as error:
        raise WeaveError(f"{place}: its options are not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(options, dict):
        raise WeaveError(f"{place}: its options must be lines of NAME: VALUE")
    return options


def value_of(result: dict[str, Any], place: str) -> Any:
    """Return the value of a result: text, a number, True, False or None; or a list of them.

    Raises
    ------
    WeaveError
        If it is something else, which Quarto would show as Python writes it: ``np.float64(0.71)``.
    """
    if "text/markdown" in result["data"]:
        return result["data"]["text/markdown"]
    text = result["data"]["text/plain"]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        raise WeaveError(
            f"{place}: gives {' '.join(shown.split())}, which does not read as text; write it as an f-string"
        ) from None


def values_of(cell: Any) -> dict[str, Any]:
    """Return the values that a run found for a cell, by expression."""
    found = cell["metadata"].get("user_expressions", [])
    return {entry["expression"]: value_of(entry["result"], entry["expression"]) for entry in found}


def resolve(text: str, cell: Any, show: Callable[[Any, Any], str] | None = None) -> str:
    """Return text of a cell with the run's values in place of expressions, and only the blocks that apply.

    Parameters
    ----------
    text : str
        The cell's Markdown, or one of its options.
    cell : dict
        The executed cell.
    show : callable, optional
        Returns the text of a value, given the value and its result; `as_markdown` by default.
    """
    results = {entry["expression"]: entry["result"] for entry in cell["metadata"].get("user_expressions", [])}
    values = values_of(cell)
    shown = show or as_markdown

    def inline(match: re.Match[str]) -> str:
        code = match[1].strip()
        return shown(values[code], results[code])

    return INLINE.sub(inline, keep_blocks(text, values))


def as_markdown(value: Any, result: dict[str, Any]) -> str:
    """Return a value as Markdown: text with its special characters escaped, as Quarto does it."""
    if "text/markdown" in result["data"]:
        return str(value)
    return (
        MARKDOWN_SPECIAL.sub(r"\\\1", value) if isinstance(value, str) else str(result["data"]["text/plain"])
    )


def as_plain_text(value: Any, result: dict[str, Any]) -> str:
    """Return a value as it stands in an alt text."""
    return str(value)


def keep_blocks(text: str, values: dict[str, Any]) -> str:
    """Return Markdown without the ``when`` blocks whose condition is false, and without the fences of the others."""
    kept: list[str] = []
    stack: list[
        bool | None
    ] = []  # for each open div whether its text is kept; None for a div that is no `when`
    for line in text.splitlines(keepends=True):
        fence = FENCE.match(line.rstrip("\n"))
        opened = OPEN_WHEN.match(line.rstrip("\n"))
        if opened:
            stack.append(bool(values[opened["condition"]]))
            continue
        if fence and not fence[2].strip():
            if not stack:
                raise WeaveError(f"a ::: closes nothing: {line.strip()}")
            if stack.pop() is not None:
                continue
        elif fence:
            stack.append(None)
        if all(keep is not False for keep in stack):
            kept.append(line)
    if stack:
        raise WeaveError("a ::: block is not closed")
    return "".join(kept)


def record_of(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return what a run found in a chapter: its inline values that are numbers, the answers given to `check`, and the
    names that its claims list.

    Answers in words are left out: they are sentences.
    """
    record: dict[str, Any] = {}
    for cell in notebook["cells"]:
        for code, value in values_of(cell).items():
            number = as_number(value)
            if number is not None:
                record[code] = number
    for name, answer in answers_of(notebook).items():
        if not isinstance(answer, str):
            record[f"answer {name}"] = answer
    return record | notebook["metadata"].get("course_run", {}).get("record", {})


def answers_of(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return the answers that the cells of an executed notebook gave to `check`, by exercise."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    given = [output["data"][ANSWER] for output in outputs if ANSWER in output.get("data", {})]
    return {entry["exercise"]: entry["answer"] for entry in given}


def as_number(value: Any) -> Any:
    """Return a value that is a number, a list of numbers, or text that shows one (``12.5%``, ``2,048``); else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, list | tuple):
        numbers = [as_number(item) for item in value]
        return numbers if numbers and None not in numbers else None
    if isinstance(value, str) and re.fullmatch(r"[-−+]?[\d,]+(\.\d+)?(e[-+]?\d+)?%?", value.strip()):
        plain = value.strip().replace(",", "").replace("−", "-")
        return (
            float(plain[:-1]) / 100
            if plain.endswith("%")
            else float(plain)
            if "." in plain
            else int(float(plain))
        )
    return None


def claims_of(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the claims that were asked of a chapter: ``text``, ``off``, ``allowed``, ``unit``."""
    return list(notebook["metadata"].get("course_run", {}).get("claims", []))


def _source(cell: Any) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)
