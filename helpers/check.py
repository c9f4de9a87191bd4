"""Check an answer to an exercise: right, or what kind of wrong, for any parameters, offline.

Cells of `exercises/` compute the keys, with the parameters of the notebook that asks. Marking a class uses the same keys.
"""

import json
import math
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from helpers import files
from helpers.parameters import TABLE

FOLDER = files.locate(Path(__file__).resolve().parent.parent / "exercises")
MARKING = "COURSE_MARKING"  # set where a notebook is executed to be marked: answers are only recorded
ANSWER = "application/vnd.course.answer+json"  # the type of an output that holds an answer; Jupyter shows none of it
SHORT = 15  # words: an answer in words that has fewer is hardly one
ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
KINDS = {bool: "True or False", int | float: "a number", str: "a text", list: "a list", dict: "a dict"}
UNKNOWN = "wrong, and not by a mistake that is known here. Look at the hint, and at each step by itself."
Wrongs = Mapping[str, Any] | None


class BrokenKeyError(ValueError):
    """A key that cannot be computed; its text is one line."""

    def _render_traceback_(self) -> list[str]:
        # IPython shows this in place of a traceback, which would lead into the key and give it away.
        return [f"BrokenKeyError: {self}"]


@dataclass(frozen=True)
class Wrong:
    """A known wrong answer: its message, the answer, and the share of the points it is worth."""

    message: str
    answer: Any
    credit: float = 0.0


@dataclass(frozen=True)
class Key:
    """The right answer to an exercise, or ``str`` for the student's own words; its tolerance; known wrong answers."""

    name: str
    answer: Any
    points: float = 1
    within: float = 0.0
    relative: float = 0.0
    wrong: tuple[Wrong, ...] = ()

    @property
    def in_words(self) -> bool:
        """Return True if the answer is the student's own words, which a person reads."""
        return self.answer is str

    def takes(self, one: Any, other: Any, like: Any = None) -> bool:
        """Return True if two answers are the same within the tolerance, which is meant for an answer `like` this."""
        return is_same(one, other, self.within, self.relative, like)


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right; in words, whether it is there: a person reads it, and gives the credit."""

    right: bool
    credit: float  # the share of the points
    message: str


_collected: dict[str, Key] = {}
verdicts: dict[str, Verdict] = {}  # the last verdict of `check` on each exercise


def key(
    name: str, answer: Any, *, points: float = 1, within: float = 0, relative: float = 0, wrong: Wrongs = None
) -> None:
    """State the right answer to an exercise, ``"4.2"``; in a cell tagged ``key``.

    Parameters
    ----------
    answer : bool, int, float, str, a list or dict of them, or ``str`` itself
        The right answer, worth `points`. ``str`` stands for an answer in the student's own words.
    within, relative : float
        How far a number may be off, and how far as a share of itself. The wider of the two counts.
    wrong : dict
        Known wrong answers, by their messages. A pair ``(answer, share)`` is worth that share of
        the points. Of two that are equal, the first counts; one that equals the right answer does not.
    """
    known = []
    for message, value in (wrong or {}).items():
        given, credit = value if isinstance(value, tuple) and len(value) == 2 else (value, 0.0)
        known.append(Wrong(message, plain(given), float(credit)))
    right = answer if answer is str else plain(answer)
    _collected[name] = Key(name, right, points, within, relative, tuple(known))


def check(name: str, answer: Any) -> None:
    """Print whether the answer to an exercise, ``"4.2"``, is right or, if not, what kind of wrong it is, and record it.

    It may be a bool, int, float, str, or a list, tuple, array or dict of them; ``...`` stands for none yet.
    """
    name = str(name).strip()
    caller = sys._getframe(1).f_globals
    print(f"{name}: {_checked(name, answer, {row: caller[row] for row in TABLE if row in caller})}")


def _checked(name: str, answer: Any, given: dict[str, Any]) -> str:
    """Record an answer, and return what `check` prints of it."""
    from IPython.display import display  # here, as it takes long to import and `judge` does without

    if not re.fullmatch(r"\d+\.\d+", name):
        return "there is no such exercise."
    try:
        answer = plain(answer)
    except ValueError as error:
        return str(error)
    if _unfinished(answer):
        return "no answer yet."
    display({ANSWER: {"exercise": name, "answer": answer}}, raw=True)
    if os.environ.get(MARKING):
        return "recorded."
    try:
        keys = keys_of(name.partition(".")[0], given, name)
    except FileNotFoundError as error:
        return f"recorded, but not checked: {error}"
    if name not in keys:
        return f"there is no such exercise; there are {', '.join(keys)}."
    verdicts[name] = judge(keys[name], answer)
    return verdicts[name].message


def judge(key: Key, answer: Any) -> Verdict:
    """Return the verdict on an answer, as `check` recorded it, or None."""
    if answer is None:
        return Verdict(False, 0.0, "no answer.")
    if key.in_words:
        words = len(answer.split()) if isinstance(answer, str) else 0
        if words >= SHORT:
            return Verdict(True, 0.0, "recorded. A person will read it.")
        few = f"recorded, but {words} word{' is' if words == 1 else 's are'} hardly an answer. Say why."
        return Verdict(False, 0.0, few if words else "answer in your own words, as a text in quotes.")
    if key.takes(key.answer, answer):
        return Verdict(True, 1.0, "right.")
    for wrong in key.wrong:
        if key.takes(wrong.answer, answer, key.answer) and not key.takes(key.answer, wrong.answer):
            return Verdict(False, wrong.credit, f"not yet: {wrong.message}")
    return Verdict(False, 0.0, f"not yet: {_difference(key, answer)}")


def keys_of(chapter: str | int, given: Mapping[str, Any], asked: str = "") -> dict[str, Key]:
    """Return the keys of a chapter's exercises, by name, for these values of parameters.

    Raise a `BrokenKeyError` if a key cannot be computed: that of the exercise `asked` for, or else any.
    """
    keys, failed = _keys_of(str(chapter).zfill(2), tuple(sorted(given.items())))
    for name, message in failed.items():
        if asked in ("", name):
            raise BrokenKeyError(message)
    return dict(keys)


def source_of(chapter: str) -> Path:
    """Return the notebook that holds the exercises of a chapter, whose number has two digits."""
    found = sorted(FOLDER.glob(f"{chapter}-*.ipynb"))
    if not found:
        raise FileNotFoundError(f"there are no exercises of chapter {chapter} in {FOLDER}")
    return found[0]


@lru_cache(maxsize=4)
def _keys_of(chapter: str, given: tuple[tuple[str, Any], ...]) -> tuple[dict[str, Key], dict[str, str]]:
    """Return the keys of a chapter's exercises, and for each key that cannot be computed a message."""
    path, exercise = source_of(chapter), ""
    namespace: dict[str, Any] = {"__name__": "exercises"}
    failed: dict[str, str] = {}
    _collected.clear()
    with threadpool_limits(1):  # the arrays are small: more threads would wait for each other
        for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"], start=1):
            tags, text = set(cell["metadata"].get("tags", [])), "".join(cell["source"])
            heading = re.search(r"^### (\d+\.\d+) ", text, re.MULTILINE)
            if heading and cell["cell_type"] == "markdown":
                exercise = heading[1]
            if not tags & {"parameters", "setup", "key"}:
                continue
            place = f"{path.name}, cell {number}"
            try:
                exec(compile(text, place, "exec"), namespace)
            except Exception as error:  # the code of a notebook may raise anything
                if not exercise:
                    raise
                why = " ".join(f"{type(error).__name__}: {error}".split())
                what = f"the key of exercise {exercise} ({place}) cannot be computed with these parameters"
                failed.setdefault(exercise, f"{what}: {why}")
            if "parameters" in tags:
                namespace.update((name, value) for name, value in given if name in namespace)
    return dict(_collected), failed


def plain(value: Any) -> Any:
    """Return a value as JSON has it, or raise a ValueError: ``...`` is None, arrays and tuples are lists."""
    if value is ... or value is None:
        return None
    if hasattr(value, "tolist"):  # of NumPy or pandas
        return plain(value.tolist())
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"the answer holds {value}, which is no number; was something divided by zero?")
    if not isinstance(value, bool | str | float | int) or (isinstance(value, int) and abs(value) >= 2**63):
        kind = f"an answer of type {type(value).__name__}"
        raise ValueError(f"{kind} cannot be checked; give a number, a text, or a list of them.")
    return value


def _unfinished(answer: Any) -> bool:
    """Return True if a ``...`` is left in an answer, or a text was not begun."""
    if isinstance(answer, str):
        return answer.strip() in ("", "...")
    return answer is None or any(map(_unfinished, _parts(answer).values()))


def is_number(value: Any) -> bool:
    """Return True if a value is a number, and not True or False."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_same(right: Any, answer: Any, within: float, relative: float = 0.0, like: Any = None) -> bool:
    """Return True if an answer is the right one: texts but for case and spaces, numbers within the wider tolerance.

    If `within` is meant for numbers `like` these, it shrinks with a smaller one: else a count's would take any share.
    """
    if right is None or _kind(right) != _kind(answer):
        return False
    if is_number(right):
        within *= min(1, abs(right / like)) if is_number(like) and like else 1
        return abs(right - answer) <= max(within, relative * abs(right)) + 1e-9 * max(1.0, abs(right))
    if isinstance(right, bool | str):
        return _text(right) == _text(answer)
    ours, theirs, model = _parts(right), _parts(answer), _parts(like)
    return ours.keys() == theirs.keys() and all(
        is_same(part, theirs[place], within, relative, model.get(place)) for place, part in ours.items()
    )


def _text(value: Any) -> str:
    """Return the text that is compared: without case, and with single spaces."""
    return " ".join(str(value).split()).casefold()


def _parts(value: Any) -> dict[Any, Any]:
    """Return the parts of a list by their places, those of a dict by their names, and none of anything else."""
    return dict(enumerate(value)) if isinstance(value, list) else value if isinstance(value, dict) else {}


def _difference(key: Key, answer: Any) -> str:
    """Return what kind of wrong an answer is that is not a known one."""
    right, ours, theirs = key.answer, _parts(key.answer), _parts(answer)
    if _kind(right) != _kind(answer):
        return f"the answer is {_kind(right)}, and this is {_kind(answer)}."
    if not isinstance(right, list | dict):
        return _in_common(key, [(right, answer)], "off") or UNKNOWN
    if isinstance(right, list):
        if len(right) != len(answer):
            return f"the answer has {len(right)} parts, and this has {len(answer)}."
        if key.takes(_in_order(right), _in_order(answer)):
            order = "the wrong way round" if len(right) == 2 else "in another order"
            return f"these are the right parts, {order}."
    pairs = {place: (ours.get(place), theirs.get(place)) for place in ours | theirs}
    wrong = {place: pair for place, pair in pairs.items() if not key.takes(*pair)}
    ordinals = [f"the {word}" for word in ORDINALS] + [f"number {n}" for n in range(11, len(pairs) + 1)]
    *others, last = wrong if isinstance(right, dict) else [ordinals[place] for place in wrong]
    parts = f"{', '.join(others)} and {last}" if others else last
    some = f"{parts} of the {len(pairs)} parts {'are' if others else 'is'}"
    return _in_common(key, [*wrong.values()], f"{some} off") or f"{some} not right."


def _in_common(key: Key, wrong: list[tuple[Any, Any]], some: str) -> str:
    """Return what all wrong numbers, each beside the right one, have in common; nothing if there is no such thing."""
    within, relative = key.within, key.relative
    if not all(is_number(r) and is_number(a) for r, a in wrong):
        return ""
    shares = all(isinstance(r, float) and 0 < abs(r) <= 1 for r, _ in wrong)
    if shares and all(is_same(r, a / 100, min(within, abs(r) / 10), relative) for r, a in wrong):
        return "this is in percent. A share runs from 0 to 1."
    if all(key.takes(-r, a) for r, a in wrong):
        return "the sign is the other one."
    if (within or relative) and all(_is_rounded(r, a) for r, a in wrong):
        near = f"{relative:.3g} of its value" if relative * abs(wrong[0][0]) > within else f"{within:g}"
        return f"close, but {some} by more than {near}. Was something rounded too early?"
    return ""


def _is_rounded(right: float, answer: float) -> bool:
    """Return True if an answer is the right one rounded, to 1 or more decimals or 2 or more significant digits."""
    rounded = [float(f"{right:.{digits}{kind}}") for digits in range(1, 10) for kind in "fe"]
    return any(math.isclose(answer, value, rel_tol=1e-6) for value in rounded)


def _kind(value: Any) -> str:
    """Return what kind of answer a value is, in words."""
    return next((name for kind, name in KINDS.items() if isinstance(value, kind)), "nothing")


def _in_order(values: list[Any]) -> list[Any]:
    """Return values sorted: numbers first, then what is not one, by its text."""
    return sorted(values, key=lambda value: (0, value, "") if is_number(value) else (1, 0, _text(value)))
