"""The one table of parameters, and the check of given values against it."""

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


class ParameterError(ValueError):
    """A parameter that is unknown, of the wrong type or out of range; its text is one line."""


@dataclass(frozen=True)
class Parameter:
    """One row of the table: numbers from `low` to `high` are allowed, and `other`, if there is one."""

    name: str
    type: type
    default: Any
    low: float | None
    high: float | None
    meaning: str
    other: float | None = None

    def takes(self, value: Any) -> bool:
        """Return True if a value of this type is allowed."""
        return self.low is None or self.high is None or self.low <= value <= self.high or value == self.other

    @property
    def allowed(self) -> str:
        """Return what is allowed, in words."""
        kind = {int: "a whole number", float: "a number", str: "text"}[self.type]
        between = "" if self.low is None else f" from {self.low:g} to {self.high:.10g}"
        return kind + between + ("" if self.other is None else f", or {self.other:g}")


PICTURE = "a PNG, JPEG or TIFF for chapter 11; empty: a satellite picture of the Bahamas"
CHOSEN = "clusters from chapter 5 on; 0: the number that chapter 4 chooses"
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
        Parameter("image_path", str, "", None, None, PICTURE),
        Parameter("first_n_clusters", int, 7, 2, 10, "clusters in chapter 3; 7 is the article's"),
        Parameter("n_clusters", int, 0, 2, 10, CHOSEN, other=0),
        Parameter("random_state", int, 0, 0, 2**32 - 1, "where k-means starts"),
        Parameter("min_area", int, 30, 1, 2**32 - 1, "regions of fewer pixels than this get no marker"),
    ]
}


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
    accepted = int | float if row.type is float else row.type
    if isinstance(value, bool) or not isinstance(value, accepted):
        flaw = f"of type {type(value).__name__}"
    elif isinstance(value, float) and not math.isfinite(value):
        flaw = "not finite"
    elif not row.takes(value):
        flaw = "out of range"
    else:
        return row.type(value)
    raise ParameterError(f"{name} = {value!r} is {flaw}; {name} must be {row.allowed}")
