"""The values of two records side by side, each by its name; nothing here knows what a chapter computes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any


class Absent(Enum):
    """The value that one of two records does not have."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "nothing"


ABSENT = Absent.ABSENT
Values = tuple[str, Any, Any]  # a name, and its value in each record


def pairs(a: dict[str, Any], b: dict[str, Any], within: str = "") -> Iterator[Values]:
    """Yield every single value of two records, nested ones as ``name.key`` and ``name[0]``.

    What only one record has is not taken apart. Two lists of different lengths come as they are, then their common items.
    """
    for key in keys(a, b):
        # A nested key that is not a Python name is quoted, so that its dots and brackets are not read as ours.
        name = key if not within else f"{within}.{key}" if key.isidentifier() else f"{within}[{key!r}]"
        yield from pair(name, a.get(key, ABSENT), b.get(key, ABSENT))


def pair(name: str, a: Any, b: Any) -> Iterator[Values]:
    """Yield the single values below one name."""
    if isinstance(a, dict) and isinstance(b, dict) and (a or b):
        yield from pairs(a, b, name)
    elif isinstance(a, list) and isinstance(b, list) and (a or b):
        if len(a) != len(b):
            yield name, a, b
        for index, (x, y) in enumerate(zip(a, b, strict=False)):
            yield from pair(f"{name}[{index}]", x, y)
    else:
        yield name, a, b


def keys(a: Iterable[str], b: Iterable[str]) -> list[str]:
    """Return the names of either, each once: the first's in its order, then what the second adds."""
    return list(dict.fromkeys([*a, *b]))
