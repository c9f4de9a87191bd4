"""What must hold of every run of a chapter: one module per chapter, asked after its last cell.

The notebooks do not know of these modules, and these modules import nothing of the course: what the helpers do wrong,
a claim must not do wrong in the same way. A module has

- ``RECORD``, the names whose values the record of a run keeps, beside the values in the chapter's text;
- ``check(found)``, which takes the names as the chapter left them and returns a list of `Claim`.
"""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple


class Claim(NamedTuple):
    """One claim, measured on a run.

    Attributes
    ----------
    text : str
        What must hold, as a sentence without its period.
    off : number
        How far the run is from it, a Python or NumPy number; 0 is exact. NaN never holds.
    allowed : float
        The largest deviation at which the claim still holds.
    unit : str
        The unit of both numbers.
    """

    text: str
    off: Any
    allowed: float = 0.0
    unit: str = ""


def ask(module: str, names: Mapping[str, Any]) -> str:
    """Return the claims and the recorded values of a chapter as JSON.

    Parameters
    ----------
    module : str
        The module of this package: ``"ch04"``.
    names : mapping
        The chapter's ``globals()``.

    Raises
    ------
    NameError
        If the chapter lacks a name that the record keeps.
    ValueError
        If a deviation is no number, or a value cannot be kept as JSON.
    """
    asked = importlib.import_module(f"claims.{module}")
    missing = [name for name in asked.RECORD if name not in names]
    if missing:
        raise NameError(f"the record keeps {', '.join(missing)}, which the chapter does not define")
    claims = [
        claim._replace(off=_deviation(claim))._asdict() for claim in asked.check(SimpleNamespace(**names))
    ]
    record = {name: plain(names[name]) for name in asked.RECORD}
    try:
        return json.dumps({"claims": claims, "record": record}, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a recorded value of {', '.join(record)} cannot be kept as JSON: {error}") from None


def plain(value: Any) -> Any:
    """Return a value with NumPy's and pandas's types made plain: lists, dicts, numbers, text, None for NaN."""
    if hasattr(value, "to_dict"):
        value = value.to_dict()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def _deviation(claim: Claim) -> float:
    """Return a claim's deviation as a plain number; one that is not finite counts as larger than any limit."""
    off = float(claim.off)
    return off if math.isfinite(off) else 1e308
