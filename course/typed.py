"""Say which numbers a chapter's text has typed: ``python -m course.typed [FILE ...]``.

What a run finds reaches the text from the run, so a number that stands in the text is a mistake, unless it is
a constant of the method. Such a number stands in backticks, and must be one that the chapter's code has:
changed in the code and left in the text, it is found, too. Without arguments all notebooks are looked at, the
home page, and the texts of `helpers/plots*.py`.

Steps: take a file apart into texts; blank out what may hold numbers; find numbers, and counts in words, in
what is left.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from course.errors import CourseError
from course.project import find_root, read_notebook

ADVICE = {
    ".ipynb": "take it from the run with record.prose, or put a constant of the method in backticks",
    ".py": "make it from a value that the function has",
}
NUMBER = re.compile(r"(?<!\w)[-−+±]?\.?\d(?:[\d.,]*\d)?(?:e[-+]?\d+)?\w*(?:\s?%)?|[½⅓⅔¼¾]", re.IGNORECASE)
BARE = re.compile(r"[-−+±]?[\d,]*\.?\d+(?:e[-+]?\d+)?\s?%?", re.IGNORECASE)
THINGS = (
    r"(?:clusters?|regions?|terrains?|pixels?|colors?|rounds?|seeds?|markers?|starts?|centers?|landscapes?|"
    r"percent|times|points?|layers?|groups?|clouds?)\b"
)
# A count in words is one only before what a run makes, with at most a word between: "four target colors".
COUNT = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)"
    r"teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:-\w+)?|hundreds?|thousands?|millions?|billions?|dozens?|"
    rf"half|halves|twice|a third|thirds|a quarter|quarters)\s+(?:of\s+)?(?:(?:the|all|as)\s+)?(?:[\w-]+\s+)?{THINGS}",
    re.IGNORECASE,
)
SET = re.compile(r"\s*<!-- set -->")  # right after a count: the text itself sets it
# What may hold digits, in the order in which it is blanked out.
FREE = [
    r"^```.*?^```",  # code
    r"`[^`]+`",
    r"\$\$.*?\$\$",  # math
    r"(?<![\\$])\$(?=\S)[^$]*?(?<=\S)\$(?!\d)",
    r"<!--.*?-->",
    r"<[a-z/][^<>]*>",  # HTML
    r"\{[#.][^{}]*\}",  # the id of a heading, table or formula
    r"\[\d+\]\([^()\s]*\)",  # a link that shows a chapter's number
    r"\[\d+\.\d+\]\([^()\s]*#ex-\d+-\d+\)",  # a link that shows an exercise's
    r"(?<=^## )\d+ minutes(?=[:,])",  # a lesson plan's heading
    r"(?<=\])\([^()\s]*\)",  # where any other link goes
    r"https?://\S+",
    r"^#+ \d+\.(?:\d+)? ",  # the number of a section or an exercise
    r"@[\w:-]+",  # a citation or a cross reference
    r"\b(?:chapters?|parts?)\s+\d+(?:(?:\s+to\s+|\s+and\s+|,\s+|–)\d+)*\b(?!\.\d)",
    r"\bPython\s+\d\.\d+(?:\s+to\s+\d\.\d+)?",
    r"\b\d+-(?:connected|bit)\b|\b[23]D\b|\bLandsat \d\b|\bSentinel-\d\b",  # names of things
    r"\b(?:no|any|where|when|if|between)\s+two\b",  # a pair in general: "where two colors meet"
    # a year, or a decade, unless what follows makes it a count
    rf"(?<=\bin )(?:the\s+)?(?:1[5-9]|20)\d\ds?\b(?!\s*%|\s+of\b|\s+(?:[\w-]+\s+)?{THINGS})",
]
FIELD = r"\{[^{}]*\}"  # in the code's texts: a recorded value, with its format
MOST = 20  # a longer list of numbers is a table of data, not constants that a text would name
FRONT_MATTER = ("subtitle", "description", "learn")


class Text(NamedTuple):
    """A piece of text and where it stands: its cell (0 in a plain file), and its first and last line."""

    text: str
    cell: int
    line: int
    last: int | None  # None where the lines of the text are those of the file


def problems(path: Path) -> list[str]:
    """Return a line for each typed number in a notebook, a Markdown file or a Python file."""
    texts = list(_texts(path))
    known = numbers_of_code(path) if path.suffix == ".ipynb" else set()
    advice = ADVICE.get(path.suffix, "leave it out")
    found = []
    for piece in texts:
        for offset, typed, why in typed_numbers(piece.text, known):
            place = f"cell {piece.cell}, " * bool(piece.cell) + f"line {_line(path, piece, offset, typed)}"
            found.append(f"{path}: {place}: {' '.join(typed.split())}: {why}; {advice}")
    return found


def typed_numbers(text: str, known: set[float]) -> Iterator[tuple[int, str, str]]:
    """Yield the numbers that a text has typed: where in it, as it stands, and why it is not allowed.

    Parameters
    ----------
    text : str
        Markdown.
    known : set of float
        The numbers that may stand in backticks.
    """
    for match in re.finditer(r"(?<!`)`([^`\n]+)`(?!`)", _blank(text, FREE[:1])):
        if BARE.fullmatch(match[1]) and not _values(match[1]) & known:
            yield match.start(), match[0], "no number of this chapter's code"
    left = _blank_list_markers(_blank_plans(_blank(text, FREE)))
    for pattern in (COUNT, NUMBER):
        for match in pattern.finditer(left):
            if not SET.match(text, match.end()):
                yield match.start(), match[0], "looks like a result"


def numbers_of_code(path: Path) -> set[float]:
    """Return the numbers in a notebook's code, and the constants and defaults of the helpers it imports."""
    trees = [tree for _, _, tree in _code(path)]
    found = {value for tree in trees for value in _numbers(tree)}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "helpers":
                for name in node.names:
                    helper = path.parent.parent / "helpers" / f"{name.name}.py"
                    if helper.is_file():
                        found |= _constants(ast.parse(helper.read_text(encoding="utf-8")))
    return found


def main(arguments: Sequence[str]) -> int:
    """Print the problems of the files named; return 1 if there are any."""
    try:
        paths = [Path(argument) for argument in arguments] or everything(find_root(Path.cwd()))
        found = [line for path in paths for line in problems(path)]
    except CourseError as error:
        found = [str(error)]
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


def everything(root: Path) -> list[Path]:
    """Return the files whose text a reader sees."""
    plots = sorted((root / "helpers").glob("plots*.py"))
    return [
        *(path for name in ("notebooks", "exercises") for path in sorted((root / name).glob("*.ipynb"))),
        *sorted(root.glob("*.qmd")),
        *plots,
    ]


def _texts(path: Path) -> Iterator[Text]:
    """Yield the pieces of text in a file."""
    if path.suffix == ".py":
        yield from _strings(ast.parse(path.read_text(encoding="utf-8")), 0)
    elif path.suffix == ".ipynb":
        for number, cell in enumerate(read_notebook(path)["cells"], start=1):
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                yield Text(source, number, 1, None)
            elif cell["cell_type"] == "raw":
                yield from _front_matter(source, number)
        for number, source, tree in _code(path):
            yield from _strings(tree, number)
            for line, option in enumerate(source.splitlines(), start=1):
                if option.startswith("#|"):
                    yield Text(option, number, line, None)
    else:
        _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
        yield from _front_matter("---\n" + front, 0)
        yield Text(body, 0, 3 + front.count("\n"), None)


def _code(path: Path) -> Iterator[tuple[int, str, ast.Module]]:
    """Yield number, source and syntax tree of each code cell."""
    for number, cell in enumerate(read_notebook(path)["cells"], start=1):
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            try:
                yield number, source, ast.parse(source)
            except SyntaxError as error:
                raise CourseError(
                    f"{path}: cell {number}, line {error.lineno}: not Python: {error.msg}"
                ) from None


def _front_matter(source: str, cell: int) -> Iterator[Text]:
    """Yield the texts of the front matter that tell of the chapter."""
    mapping = next(iter(yaml.compose_all(source, Loader=yaml.SafeLoader)), None)
    for key, value in mapping.value if isinstance(mapping, yaml.MappingNode) else []:
        if key.value in FRONT_MATTER:
            for node in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                yield Text(node.value, cell, node.start_mark.line + 1, node.end_mark.line + 1)


def _strings(tree: ast.Module, cell: int) -> Iterator[Text]:
    """Yield the strings of code that read as prose: those with a space, values in braces blanked out."""
    inside = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
    } | {id(docstring) for docstring in _docstrings(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "#" for part in node.values]
            text = "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            text = node.value
        else:
            continue
        if re.search(r"\s", text.strip()):
            yield Text(_blank(text, [FIELD]), cell, node.lineno, node.end_lineno)


def _docstrings(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the docstrings of a module, of its classes and functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                yield first.value


def _constants(tree: ast.Module) -> set[float]:
    """Return the numbers that a module assigns to names, and its functions' defaults."""
    found: set[float] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            values = list(_numbers(node.value))
            found.update(values if len(values) <= MOST else [])
        elif isinstance(node, ast.FunctionDef):
            for default in [*node.args.defaults, *node.args.kw_defaults]:
                found.update(_numbers(default) if default else [])
    return found


def _numbers(tree: ast.AST) -> Iterator[float]:
    """Yield the numbers that stand in code, without their signs."""
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield float(value)


def _values(typed: str) -> set[float]:
    """Return what a typed number may mean: of a percentage, the share, too."""
    value = float(typed.strip("-−+±% ").replace(",", ""))
    return {value, round(value / 100, 12)} if "%" in typed else {value}


def _blank(text: str, patterns: Iterable[str]) -> str:
    """Return the text with what matches blanked out, so that every line and place stays."""
    for pattern in patterns:
        flags = re.MULTILINE | re.DOTALL | re.IGNORECASE
        text = re.sub(pattern, lambda match: re.sub(r"[^\n]", "#", match[0]), text, flags=flags)
    return text


def _blank_plans(text: str) -> str:
    """Return the text without the minutes of lesson plans, which are set: tables that begin with minutes and activity."""

    def blanked(plan: re.Match[str]) -> str:
        return re.sub(r"^\| *\d+(?= *\|)", lambda cell: "#" * len(cell[0]), plan[0], flags=re.MULTILINE)

    return re.sub(r"^\| minutes \| activity \|.*\n(?:\|.*\n)*", blanked, text, flags=re.MULTILINE)


def _blank_list_markers(text: str) -> str:
    """Return the text without the numbers of ordered lists: each begins after an empty line, and counts on."""
    expected = 1

    def blanked(match: re.Match[str]) -> str:
        nonlocal expected
        number = int(match[2])
        begins = number == 1 and not text[: match.start()].rpartition("\n")[0].rpartition("\n")[2].strip()
        if not begins and number != expected:
            return match[0]
        expected = number + 1
        return match[1] + "#" * (len(match[0]) - len(match[1]))

    return re.sub(r"^([ \t]*)(\d+)[.)](?=\s)", blanked, text, flags=re.MULTILINE)


def _line(path: Path, piece: Text, offset: int, typed: str) -> int:
    """Return the line of a typed number; in code, where strings may be joined, one that shows it."""
    line = piece.line + piece.text[:offset].count("\n")
    if piece.last is None:
        return line
    if piece.cell:
        source = "".join(read_notebook(path)["cells"][piece.cell - 1]["source"])
    else:
        source = path.read_text(encoding="utf-8")
    lines = source.splitlines()[: piece.last]
    likely = [line, *range(piece.line, piece.last + 1)]
    return next((n for n in likely if n <= len(lines) and typed.split()[0] in lines[n - 1]), piece.line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
