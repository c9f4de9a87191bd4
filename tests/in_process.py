"""Run the code of a chapter, or of its exercises, in this process: no kernel starts."""

from __future__ import annotations

import contextlib
import io
import json
import re
import traceback
import warnings
from pathlib import Path
from typing import Any
from unittest import mock

import matplotlib as mpl
import matplotlib.pyplot as plt

import claims
from course import inline
from course.exercises import exercises_in, is_exercises, solved, tags_of, text_of
from course.project import read_notebook
from figures import style
from helpers import check

# What a sentence that was put together from parts must not hold.
BROKEN = re.compile(r"\bnan\b|\binf\b|\bNone\b(?! of)|\b0 of 0\b| [,.](?![\d.])|(?<!\.)\.\.(?!\.)|\{\w+\}")


def problems_of(source: Path, given: dict[str, Any], drawn: bool = False) -> list[str]:
    """Return what is wrong with a notebook's run: an error, a warning, a false claim or a broken sentence.

    Parameters
    ----------
    source : Path
        A chapter, or the exercises of one; each solution is checked by its key.
    given : dict
        Values of parameters; what the notebook does not declare is left out.
    drawn : bool
        Whether figures are laid out and turned into SVG, which takes most of the time.
    """
    notebook = solved(read_notebook(source))
    check.verdicts.clear()
    names: dict[str, Any] = {"__name__": "__main__"}
    found: list[str] = []
    place = ""
    with contextlib.ExitStack() as stack:
        stack.callback(plt.close, "all")
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(mock.patch("IPython.display.display"))
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
    if is_exercises(source.stem):
        unchecked = {exercise.number for exercise in exercises_in(notebook)} - set(check.verdicts)
        found += [f"{number}: its solution is not checked" for number in sorted(unchecked)]
    return found
