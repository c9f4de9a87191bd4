"""Write the pages to look things up in: the helpers with their docstrings, and the glossary.

Steps: read each module of `helpers` without importing it; write its public functions as Markdown; read the
terms; link a chapter's terms to the glossary where it first sets them in bold.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import docstring_parser

from course.errors import CourseError
from course.project import Project, read_yaml

if TYPE_CHECKING:
    from docstring_parser.common import Docstring

HELPERS_PAGE = "chapters/helpers.qmd"
HELPERS_NAMES = "chapters/helpers.js"  # assets/course.js makes links of these names in code
GLOSSARY_PAGE = "chapters/glossary.qmd"
TERMS = "notebooks/glossary.yml"
# In the order in which the course takes them; others follow in the alphabet's.
ORDER = [
    "landscape", "segmentation", "kmeans", "selection", "regions", "planted", "gan", "raster",
    "parameters", "check",
]  # fmt: skip
HEAD = """---
title: "The helpers"
subtitle: "Every function that the chapters import"
description: "The functions of the package helpers, by module, from their docstrings: what they take, return and raise."
image: home_files/card.png
toc-depth: 2
---

The chapters import these modules: `from helpers import landscape`. You can do the same in a program of your own. A name
in a chapter's code leads here.

"""
GLOSSARY_HEAD = """---
title: "Glossary"
subtitle: "The course's terms in a sentence each"
description: "Every term that a chapter sets in bold and explains, in a sentence, and where it comes up first."
image: home_files/card.png
toc: false
---

"""


@dataclass
class Terms:
    """The glossary's terms, and in which chapters they were met.

    Attributes
    ----------
    meaning : dict of str to str
        What each term means, as Markdown.
    forms : dict of str to str
        The term for each of its forms, in small letters.
    first : dict of str to (int, str)
        Number and name of the first chapter that sets a term in bold.
    """

    meaning: dict[str, str]
    forms: dict[str, str]
    first: dict[str, tuple[int, str]] = field(default_factory=dict)

    def link(self, text: str, chapter: str, number: int, seen: set[str]) -> str:
        """Return Markdown in which terms in bold that are not in `seen` are links to the glossary."""

        def linked(match: re.Match[str]) -> str:
            term = self.forms.get(" ".join(match[1].lower().split()))
            if term is None or term in seen:
                return match[0]
            seen.add(term)
            self.first.setdefault(term, (number, chapter))
            return f"[**{match[1]}**]({Path(GLOSSARY_PAGE).name}#{anchor(term)}){{.term}}"

        # A heading's link would be in the table of contents, too.
        return "\n\n".join(
            block if block.startswith("#") else re.sub(r"(?<!\[)\*\*([^*]+)\*\*", linked, block)
            for block in text.split("\n\n")
        )

    def page(self) -> str:
        """Return the glossary's page, once all chapters are linked."""
        entries = []
        for term in sorted(self.meaning, key=str.lower):
            forms = [form for form, of in self.forms.items() if of == term and form != term.lower()]
            name = term[0].upper() + term[1:]
            other = f" ({', '.join(self._as_written(form) for form in forms)})" if forms else ""
            number, chapter = self.first.get(term, (0, ""))
            where = f" [Chapter {number}]({chapter}.ipynb)." if number else ""
            entries.append(f"[{name}]{{#{anchor(term)}}}{other}\n:   {self.meaning[term]}{where}\n")
        return GLOSSARY_HEAD + "\n".join(entries)

    def _as_written(self, form: str) -> str:
        return form.upper() if len(form) <= 4 and form != form.upper() and " " not in form else form


def read_terms(project: Project) -> Terms:
    """Return the glossary's terms; none where there is no glossary.

    Raises
    ------
    CourseError
        If the file is not a mapping of terms to sentences.
    """
    path = project.root / TERMS
    if not path.is_file():
        return Terms({}, {})
    listed = read_yaml(path.read_text(encoding="utf-8"), str(path))
    meaning, forms = {}, {}
    for key, text in listed.items():
        if not isinstance(text, str):
            raise CourseError(f"{path}: {key!r} must be followed by a sentence")
        term, *others = str(key).split(" or ")
        meaning[term] = " ".join(text.split())
        for form in (term, *others):
            forms[form.lower()] = term
    return Terms(meaning, forms)


def anchor(term: str) -> str:
    """Return where on the glossary's page a term stands."""
    return "term-" + re.sub(r"[^a-z0-9]+", "-", term.lower()).strip("-")


def helpers_page(project: Project) -> tuple[str, str]:
    """Return the page of the helpers, and the script that lists their names.

    Raises
    ------
    CourseError
        If a public function has no docstring.
    """
    paths = [path for path in (project.root / "helpers").glob("*.py") if path.stem != "__init__"]
    paths.sort(key=lambda p: (ORDER.index(p.stem) if p.stem in ORDER else len(ORDER), p.stem))
    parts, names = [], []
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        first = (ast.get_docstring(tree) or "").partition("\n\n")
        parts.append(f"## {path.stem} {{#{path.stem}}}\n\n{_text(first[0])}\n\n{_text(first[2])}\n")
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            name = f"{path.stem}.{node.name}"
            docstring = ast.get_docstring(node)
            if not docstring:
                raise CourseError(f"{path}, line {node.lineno}: {name} has no docstring")
            names.append(name)
            parts.append(
                f"### {name} {{#{name}}}\n\n{_signature(node)}{_described(docstring_parser.parse(docstring))}"
            )
    script = f"window.HELPERS = {json.dumps(names, separators=(',', ':'))};\n"
    return HEAD + "\n".join(parts), script


def _signature(node: ast.FunctionDef | ast.ClassDef) -> str:
    """Return how a function is called, as a block of code."""
    if isinstance(node, ast.ClassDef):
        return ""
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    # An annotated default has spaces around its sign, as formatters write it.
    pieces = [
        part.replace("=", " = ", 1) if ": " in part else part for part in _split(ast.unparse(node.args))
    ]
    call = f"{node.name}({', '.join(pieces)}){returns}"
    if len(call) > 88:
        call = f"{node.name}(\n    " + ",\n    ".join(pieces) + f",\n){returns}"
    return f"```python\n{call}\n```\n\n"


def _split(arguments: str) -> list[str]:
    """Return a list of arguments, split at the commas that stand in no bracket."""
    parts, depth = [""], 0
    for letter in arguments:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _described(doc: Docstring) -> str:
    """Return a docstring as Markdown: its sentences, then what the function takes, returns and raises."""
    parts = [_text(doc.short_description or "")]
    parts += [_text(doc.long_description)] if doc.long_description else []
    groups: list[tuple[str, list[tuple[str | None, str | None, str | None]]]] = [
        ("Takes", [(p.arg_name, p.type_name, p.description) for p in doc.params if p.args[0] != "attribute"]),
        ("Has", [(p.arg_name, p.type_name, p.description) for p in doc.params if p.args[0] == "attribute"]),
        ("Returns", [(r.return_name, r.type_name, r.description) for r in doc.many_returns]),
        ("Raises", [(None, r.type_name, r.description) for r in doc.raises]),
    ]
    for title, rows in groups:
        if not rows:
            continue
        parts.append(f"[{title}]{{.part-of-doc}}")
        for name, kind, text in rows:
            head = " ".join(filter(None, [f"`{name}`" if name else "", f"`{kind}`" if kind and not name else "",
                                          f"({_text(kind)})" if kind and name else ""]))  # fmt: skip
            parts.append(f"{head}\n:   {_text(text or '') or '–'}")
    return "\n\n".join(parts) + "\n"


def _text(text: str) -> str:
    """Return a docstring's text as Markdown: names in backticks stay, other marks are escaped."""
    pieces = re.split(r"(``[^`]+``|`[^`]+`)", text)
    return "".join(
        piece if i % 2 else re.sub(r"([\\*_\[\]<>$@#~^|{}])", r"\\\1", piece)
        for i, piece in enumerate(pieces)
    )
