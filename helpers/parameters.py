"""The one table of parameters: name, type, default, range, meaning.

Steps: describe each parameter once in `TABLE`; check values given from outside against it; check,
inside a chapter, what its parameters cell and papermill's injected cell assigned.
"""

from __future__ import annotations

import ast
import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

# How the parameters cell of every chapter begins; papermill's injected cell begins with the word alone.
CELL_MARK = "# Parameters of this chapter"
INJECTED_MARK = "# Parameters"
# What papermill adds to the injected cell with --inject-paths, --inject-input-path or --inject-output-path.
PATHS = ("PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH")


class ParameterError(ValueError):
    """A parameter that is unknown, of the wrong type or out of range; its text is one line."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this in place of a traceback: the line is all that a reader needs.
        return [f"ParameterError: {self}"]


@dataclass(frozen=True)
class Parameter:
    """One row of the table."""

    name: str
    type: type
    default: Any
    low: float | None
    high: float | None
    meaning: str

    @property
    def allowed(self) -> str:
        """Return what is allowed, in words."""
        kind = {int: "a whole number", float: "a number", str: "text"}[self.type]
        return kind if self.low is None else f"{kind} from {self.low:g} to {self.high:.10g}"


TABLE: dict[str, Parameter] = {
    row.name: row
    for row in [
        Parameter("size", int, 512, 32, 8192, "side of the square landscape, in pixels; alone, it crops"),
        # At 1, every pixel of the first layer lies on a point of the lattice, where noise is 0.
        Parameter(
            "scale", float, 128.0, 1.01, 8192, "pixels per cell of the coarsest noise; scale it with size"
        ),
        Parameter("octaves", int, 6, 1, 10, "layers of noise that are added up"),
        Parameter("persistence", float, 0.5, 0.05, 1, "strength of each layer against the one before"),
        Parameter("lacunarity", float, 2.0, 1, 4, "fineness of each layer against the one before"),
        Parameter("seed", int, 0, 0, 2**32 - 1, "which landscape; 0 is the article's"),
        Parameter("transition_width", float, 0.06, 0, 0.1, "half width of the blend between two terrains"),
        Parameter(
            "image_path",
            str,
            "",
            None,
            None,
            "a PNG, JPEG or TIFF for chapter 11; empty: a satellite picture of the Bahamas",
        ),
        Parameter("first_n_clusters", int, 7, 2, 10, "clusters in chapter 3; 7 is the article's"),
        Parameter(
            "n_clusters", int, 0, 0, 10, "clusters from chapter 5 on; 0: the number that chapter 4 chooses"
        ),
        Parameter("random_state", int, 0, 0, 2**32 - 1, "where k-means starts"),
        Parameter("min_area", int, 30, 1, 2**32 - 1, "regions of fewer pixels than this get no marker"),
    ]
}


def check(namespace: Mapping[str, Any]) -> SimpleNamespace:
    """Return a chapter's settings, every one checked against the table.

    Parameters
    ----------
    namespace : mapping
        A notebook's ``globals()``: the names that the latest parameters cell and the latest injected cell assign are
        checked. A whole number given for a ``float`` becomes one.

    Raises
    ------
    ParameterError
        At the first name that is unknown, or value of the wrong type or out of range.
    """
    names = _assigned_names(namespace["In"])
    return SimpleNamespace(**check_values({name: namespace[name] for name in names}))


def check_values(given: Mapping[str, Any], known: Iterable[str] | None = None) -> dict[str, Any]:
    """Return `given` with every value checked, or raise `ParameterError`; `known` names what is allowed here."""
    known = list(TABLE) if known is None else list(known)
    return {name: check_value(name, value, known) for name, value in given.items()}


def check_value(name: str, value: Any, known: Iterable[str] = tuple(TABLE)) -> Any:
    """Return `value` as parameter `name` takes it, or raise `ParameterError`, which says what is allowed."""
    known = list(known)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        raise ParameterError(f"unknown parameter {name} = {value!r}; {hint}")
    row = TABLE[name]
    accepted: tuple[type, ...] = (int, float) if row.type is float else (row.type,)
    if isinstance(value, bool) or not isinstance(value, accepted):
        raise ParameterError(
            f"{name} = {value!r} is of type {type(value).__name__}; {name} must be {row.allowed}"
        )
    number: Any = value  # its type is known to fit by now
    if isinstance(number, float) and not math.isfinite(number):
        raise ParameterError(f"{name} = {value!r} is not finite; {name} must be {row.allowed}")
    if row.low is not None and row.high is not None and not row.low <= number <= row.high:
        raise ParameterError(f"{name} = {value!r} is out of range; {name} must be {row.allowed}")
    if name == "n_clusters" and value == 1:
        raise ParameterError("n_clusters = 1 is out of range; n_clusters must be 0 (chosen) or from 2 to 10")
    return row.type(value)


def literals(source: str) -> dict[str, Any]:
    """Return the names that a parameters cell assigns, with their values.

    Raises
    ------
    ValueError
        If the cell does anything but assign plain values to names.
    """
    found: dict[str, Any] = {}
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(targets[0], ast.Name):
            raise ValueError(f"line {node.lineno}: a parameters cell only assigns values to names")
        if node.value is None:
            raise ValueError(f"line {node.lineno}: a parameters cell gives each name a value")
        found[targets[0].id] = ast.literal_eval(node.value)
    return found


def _assigned_names(history: list[str]) -> list[str]:
    """Return the names that the latest parameters cell and the latest injected cell assign, in order."""
    latest: dict[bool, str] = {}
    for source in history:
        first = source.strip().partition("\n")[0].strip()
        if first == INJECTED_MARK or first.startswith(CELL_MARK):
            latest[first == INJECTED_MARK] = source
    names: dict[str, None] = {}
    for injected in sorted(latest):
        for node in ast.walk(ast.parse(latest[injected])):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id not in PATHS:
                names[node.id] = None
    return list(names)
