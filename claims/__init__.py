"""What must hold of every run of a chapter: one module per chapter, asked after its last cell.

These modules import nothing of the course, so as not to repeat its mistakes. Each has ``RECORD``, the names
whose values the record of a run keeps beside the values in the chapter's text, and ``check(found)``, which
takes the names as the chapter left them and returns a list of `Claim`. What several of them measure is in
`claims.measures`. `tests/test_claims.py` breaks the data of each claim.
"""

import importlib
import json
import math
from collections.abc import Mapping
from types import SimpleNamespace as Names
from typing import Any, NamedTuple

import numpy as np


class Claim(NamedTuple):
    """What must hold of a run, and how far the run is from it."""

    text: str  # a sentence without its period
    off: Any  # a Python or NumPy number; 0 is exact, and NaN never holds
    allowed: float = 0.0  # the largest deviation at which the claim still holds
    unit: str = ""  # of both numbers


def agrees(text: str, counted: Any, said: Any, allowed: float = 1e-9, unit: str = "") -> Claim:
    """Return the claim that numbers which were found anew are those that the chapter says."""
    apart = np.abs(np.subtract(np.asarray(counted), np.asarray(said), dtype=float))
    return Claim(text, apart.max(initial=0), allowed, unit)


def ask(module: str, names: Mapping[str, Any]) -> str:
    """Return a chapter's claims and recorded values as JSON: of ``"ch04"``, say, given its ``globals()``."""
    asked = importlib.import_module(f"claims.{module}")
    missing = [name for name in asked.RECORD if name not in names]
    if missing:
        raise NameError(f"the record keeps {', '.join(missing)}, which the chapter does not define")
    claims = [claim._asdict() for claim in asked.check(Names(**names))]
    for claim in claims:  # what is not finite counts as larger than any limit
        claim["off"] = float(np.nan_to_num(claim["off"], nan=1e308))
    record = {name: plain(names[name]) for name in asked.RECORD}
    try:
        return json.dumps({"claims": claims, "record": record}, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a recorded value of {', '.join(record)} cannot be kept as JSON: {error}") from None


def plain(value: Any) -> Any:
    """Return a value with NumPy's and pandas's types made plain; NaN becomes None."""
    for name in ("to_dict", "tolist"):
        value = getattr(value, name)() if hasattr(value, name) else value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
