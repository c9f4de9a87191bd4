"""Run the code of a chapter, or of its exercises, in this process: no kernel starts."""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
import traceback
import warnings
from pathlib import Path
from typing import Any
from unittest import mock

import matplotlib as mpl
import matplotlib.pyplot as plt
from PIL import Image

import claims
from course import inline
from course.check import judge_claims, listed_claims
from course.exercises import exercises_in, is_exercises, solved, tags_of, text_of
from course.project import is_woven, read_notebook
from figures import style
from helpers import drawing, exercises, record

# What a sentence that was put together from parts must not hold.
BROKEN = re.compile(r"\bnan\b|\binf\b|\bNone\b(?! of)|\b0 of 0\b| [,.](?![\d.])|(?<!\.)\.\.(?!\.)|\{\w+\}")
NOT_DRAWN = drawing.Picture(Image.new("RGBA", (4, 4)).quantize(), 4, 4, 14.0)


def problems_of(source: Path, given: dict[str, Any], drawn: bool = False) -> list[str]:
    """Return what is wrong with a notebook's run: an error, a warning, a false claim or a broken sentence.

    Parameters
    ----------
    source : Path
        A chapter, or the exercises of one; each solution is checked by its key.
    given : dict
        Values of parameters; what the notebook does not declare is left out.
    drawn : bool
        Whether figures are laid out and turned into pixels, which takes most of the time.
    """
    notebook = solved(read_notebook(source))
    if is_woven(notebook):
        return problems_of_woven(source, notebook, given, drawn)
    names: dict[str, Any] = {"__name__": "__main__", "In": [""]}
    shown: list[dict[str, Any]] = []
    record._found.clear()
    exercises.verdicts.clear()
    cell = ""
    with contextlib.ExitStack() as stack:
        stack.callback(plt.close, "all")
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(mock.patch("helpers.record.display", lambda data, **_: shown.append(data)))
        if not drawn:
            stack.enter_context(mock.patch("helpers.drawing.fit"))
            stack.enter_context(mock.patch("helpers.drawing.Plot.picture", return_value=NOT_DRAWN))
        warnings.simplefilter("error")
        try:
            for number, part in enumerate(notebook["cells"], start=1):
                if part["cell_type"] != "code":
                    continue
                cell = f"cell {number}"
                names["In"].append(text_of(part))
                exec(compile(text_of(part), f"{source.name}, {cell}", "exec"), names)
                if "parameters" in tags_of(part):
                    names.update({name: value for name, value in given.items() if name in names})
        except Exception as error:
            places = [
                f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)
            ]
            return [f"{source.stem}, {cell}: {type(error).__name__}: {error} ({', '.join(places[1:])})"]
    recorded = {
        data[record.SCRAP]["name"]: data[record.SCRAP]["data"] for data in shown if record.SCRAP in data
    }
    return [
        *(
            f"{source.stem}: {name} is not finite"
            for name, value in recorded.items()
            if not _is_finite(value)
        ),
        *(f"{source.stem}: broken sentence: {text}" for text in map(_broken, shown) if text),
        *map(
            str,
            judge_claims(
                source.stem, listed_claims(notebook), recorded.get("invariants", {}), all_apply=False
            ),
        ),
        *(_not_right(notebook) if is_exercises(source.stem) else []),
    ]


def problems_of_woven(
    source: Path, notebook: dict[str, Any], given: dict[str, Any], drawn: bool
) -> list[str]:
    """Return what is wrong with a chapter, or exercises, whose text has inline expressions, as `problems_of` does."""
    names: dict[str, Any] = {"__name__": "__main__"}
    found: list[str] = []
    exercises.verdicts.clear()
    place = ""
    with contextlib.ExitStack() as stack:
        stack.callback(plt.close, "all")
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(mock.patch("IPython.display.display"))
        stack.enter_context(mock.patch("helpers.record.display"))
        if drawn:
            stack.enter_context(mpl.rc_context(style.STYLE))
        warnings.simplefilter("error")
        try:
            for number, cell in enumerate(notebook["cells"], start=1):
                place = f"cell {number}"
                if cell["cell_type"] == "code":
                    exec(compile(text_of(cell), f"{source.name}, {place}", "exec"), names)
                    if "parameters" in tags_of(cell):
                        names.update({name: value for name, value in given.items() if name in names})
                    for figure in map(plt.figure, plt.get_fignums() if drawn else []):
                        style.drawn(figure)
                    plt.close("all")
                texts = [text_of(cell)]
                if cell["cell_type"] == "code":
                    texts = [str(text) for text in inline.options_of(cell, place).values()]
                cell["metadata"]["user_expressions"] = [
                    {
                        "expression": asked.code,
                        "result": {"data": {"text/plain": repr(eval(asked.code, names))}},
                    }
                    for asked in inline.expressions(cell, place)
                ]
                for text in texts:
                    plain = re.sub(
                        r"```.*?```|(`+).*?\1|\$\$.*?\$\$|\$[^$\n]*\$|\]\([^)]*\)",
                        "CODE",
                        inline.resolve(text, cell),
                        flags=re.DOTALL,
                    )
                    hit = BROKEN.search(re.sub(r"\bNone\b", "CODE", plain))
                    if hit:
                        found.append(
                            f"{source.stem}, {place}: {plain[max(0, hit.start() - 40) : hit.end() + 40]}"
                        )
            place = "claims"
            asked = json.loads(claims.ask(notebook["metadata"]["course"]["claims"], names))
        except Exception as error:
            places = [
                f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)
            ]
            return [f"{source.stem}, {place}: {type(error).__name__}: {error} ({', '.join(places[1:])})"]
    untrue = [claim for claim in asked["claims"] if not 0 <= claim["off"] <= claim["allowed"]]
    found += [f"{source.stem}: {c['text']}: {c['off']} > {c['allowed']}" for c in untrue]
    return found + (_not_right(notebook) if is_exercises(source.stem) else [])


def _not_right(notebook: dict[str, Any]) -> list[str]:
    """Return which solutions their keys do not take."""
    found = {name: verdict.message for name, verdict in exercises.verdicts.items() if not verdict.right}
    unchecked = {exercise.number for exercise in exercises_in(notebook)} - set(exercises.verdicts)
    return [f"{name}: {said}" for name, said in {**found, **dict.fromkeys(unchecked, "not checked")}.items()]


def _broken(data: dict[str, Any]) -> str:
    """Return what is broken in a text, a caption or an alt text, with the words around it."""
    figure = data.get(record.FIGURE, {})
    for text in (data.get("text/markdown", ""), figure.get("caption", ""), figure.get("alt", "")):
        plain = re.sub(r"```.*?```|`[^`]*`", "CODE", text, flags=re.DOTALL)
        hit = BROKEN.search(plain)
        if hit:
            return plain[max(0, hit.start() - 40) : hit.end() + 40]
    return ""


def _is_finite(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(map(_is_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)
