"""Run the code of a chapter or of its exercises in this process: a thousandth of the price of a kernel's start."""

from __future__ import annotations

import contextlib
import io
import math
import re
import traceback
import warnings
from pathlib import Path
from typing import Any
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np

from course.check import judge_claims, listed_claims
from course.exercises import exercises_in, solved, tags_of, text_of
from course.project import read_notebook
from helpers import exercises, record


def problems_of(source: Path, given: dict[str, Any]) -> list[str]:
    """Return what goes wrong in a notebook with these parameters: errors, warnings, false claims, broken sentences.

    Parameters
    ----------
    source : Path
        A chapter, or the exercises of one, whose keys run, too.
    given : dict
        Values of parameters; what the notebook does not declare is left out.
    """
    notebook = solved(read_notebook(source))
    names: dict[str, Any] = {"__name__": "__main__", "In": [""]}
    shown: list[dict[str, Any]] = []
    record._found.clear()
    exercises.verdicts.clear()
    where = "before its first cell"
    try:
        with (
            warnings.catch_warnings(),
            mock.patch("helpers.record.display", lambda data, **_: shown.append(data)),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            warnings.simplefilter("error")
            for number, cell in enumerate(notebook["cells"], start=1):
                if cell["cell_type"] != "code":
                    continue
                where = f"cell {number}"
                names["In"].append(text_of(cell))
                exec(compile(text_of(cell), f"{source.name}, {where}", "exec"), names)
                if "parameters" in tags_of(cell):
                    names.update({name: value for name, value in given.items() if name in names})
    except Exception as error:
        frames = "; ".join(
            f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)[-3:]
        )
        return [f"{source.stem}, {where}: {type(error).__name__}: {str(error)[:200]} [{frames}]"]
    finally:
        plt.close("all")
    found = [f"{source.stem}: {problem}" for problem in _broken(shown)]
    measured = {
        data[record.SCRAP]["name"]: data[record.SCRAP]["data"] for data in shown if record.SCRAP in data
    }
    found += [str(p) for p in judge_claims(source.stem, listed_claims(notebook), measured.get("invariants", {}), all_apply=False)]
    found += [
        f"{source.stem}: the solution of {name}: {verdict.message}"
        for name, verdict in exercises.verdicts.items()
        if not verdict.right
    ]
    keyed = {e.number for e in exercises_in(notebook)} if source.parent.name == "exercises" else set()
    found += [f"{source.stem}: {number} got no verdict" for number in sorted(keyed - set(exercises.verdicts))]
    return found


def _broken(shown: list[dict[str, Any]]) -> list[str]:
    found = []
    for data in shown:
        for text in data.get("text/markdown", ""), data.get(record.FIGURE, {}).get("alt", ""), data.get(record.FIGURE, {}).get("caption", ""):
            text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
            bad = re.search(r".{0,30}(\bnan\b|\binf\b|\bNone\b(?! of)|\b-?0 of 0\b|, ,| ,|(?<!\.)\.\.(?!\.)).{0,30}", text)
            if bad and not text.lstrip().startswith(("|", "-", "<")):
                found.append(f"a sentence: {bad[0]!r}")
        scrap = data.get(record.SCRAP)
        if scrap and not _finite(scrap["data"]):
            found.append(f"{scrap['name']} is not finite")
    return found


def _finite(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(map(_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)
