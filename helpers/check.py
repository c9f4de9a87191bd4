"""Check an answer to an exercise: right, or what kind of wrong, for any parameters, offline.

Steps: read the exercises of a chapter from `exercises/`; run what they set up, and the cells that hold their
keys, with the parameters of the notebook that asks; compare the answer with the key.

A key names the right answer and known wrong ones, each with a message. `course classroom mark` judges a notebook
with the same keys, outside of it, for the parameters that its student was given.
"""

from __future__ import annotations

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
CLOSE = 10  # times the tolerance: an answer within that was rounded too early, or its method differs a little


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
    """The right answer to an exercise, its tolerance, and known wrong answers.

    An `answer` of ``str`` stands for one in the student's own words, which a person reads.
    """

    name: str
    answer: Any
    points: float = 1
    within: float = 0.0
    relative: float = 0.0
    wrong: tuple[Wrong, ...] = ()

    @property
    def in_words(self) -> bool:
        """Return True if the answer is the student's own words."""
        return self.answer is str

    def takes(self, one: Any, other: Any) -> bool:
        """Return True if two answers are the same within this exercise's tolerance."""
        return is_same(one, other, self.within, self.relative)


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, which share of the points it is worth, and a message.

    An answer in words is right if it is there, and worth nothing until a person has read it.
    """

    right: bool
    credit: float
    message: str


_collected: dict[str, Key] = {}
verdicts: dict[str, Verdict] = {}  # the last verdict of `check` on each exercise


def key(
    name: str,
    answer: Any,
    *,
    points: float = 1,
    within: float = 0.0,
    relative: float = 0.0,
    wrong: Mapping[str, Any] | None = None,
) -> None:
    """State the right answer to an exercise; in a cell tagged ``key``.

    Parameters
    ----------
    name : str
        The exercise: ``"4.2"``.
    answer : bool, int, float, str, a list or dict of them, or ``str`` itself
        The right answer. ``str`` stands for an answer in the student's own words.
    points : float
        The points for a right answer.
    within, relative : float
        How far a number may be off, and how far as a share of itself. The wider of the two counts.
    wrong : dict
        Known wrong answers, by their messages. A pair ``(answer, share)`` is worth that share of
        the points. Of two that are equal, the first counts; one that equals the right answer does not.
    """
    known = []
    for message, value in (wrong or {}).items():
        pair = value if isinstance(value, tuple) and len(value) == 2 else (value, 0.0)
        known.append(Wrong(message, plain(pair[0]), float(pair[1])))
    right = answer if answer is str else plain(answer)
    _collected[name] = Key(name, right, points, within, relative, tuple(known))


def check(name: str, answer: Any) -> None:
    """Print whether an answer is right or, if not, what kind of wrong it is, and record it.

    Parameters
    ----------
    name : str
        The exercise: ``"4.2"``.
    answer : bool, int, float, str, or a list, tuple, array or dict of them
        Your answer; ``...`` stands for none yet.
    """
    name = str(name).strip()
    caller = sys._getframe(1).f_globals
    given = {row: caller[row] for row in TABLE if row in caller}
    print(f"{name}: {_checked(name, answer, given)}")


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
        keys, failed = _keys_of(name.partition(".")[0].zfill(2), tuple(sorted(given.items())))
    except FileNotFoundError as error:
        return f"recorded, but not checked: {error}"
    if name in failed:
        raise BrokenKeyError(failed[name])
    if name not in keys:
        return f"there is no such exercise; there are {', '.join(keys)}."
    verdicts[name] = judge(keys[name], answer)
    return verdicts[name].message


def judge(key: Key, answer: Any) -> Verdict:
    """Return the verdict on an answer.

    Parameters
    ----------
    key : Key
        The right answer, and known wrong ones.
    answer : bool, int, float, str, or a list or dict of them
        As `check` recorded it; anything else is no answer.
    """
    try:
        answer = plain(answer)
    except ValueError:
        answer = None
    if answer is None:
        return Verdict(False, 0.0, "no answer.")
    if key.in_words:
        words = len(answer.split()) if isinstance(answer, str) else 0
        if not words:
            return Verdict(False, 0.0, "answer in your own words, as a text in quotes.")
        if words < SHORT:
            few = "1 word is" if words == 1 else f"{words} words are"
            return Verdict(False, 0.0, f"recorded, but {few} hardly an answer. Say why.")
        return Verdict(True, 0.0, "recorded. A person will read it.")
    if key.takes(key.answer, answer):
        return Verdict(True, 1.0, "right.")
    for wrong in key.wrong:
        if not key.takes(key.answer, wrong.answer) and _is_known(key, key.answer, wrong.answer, answer):
            return Verdict(False, wrong.credit, f"not yet: {wrong.message}")
    return Verdict(False, 0.0, f"not yet: {_difference(key, answer)}")


def keys_of(chapter: str | int, given: Mapping[str, Any]) -> dict[str, Key]:
    """Return the keys of a chapter's exercises, by name, for these parameters.

    Parameters
    ----------
    chapter : str or int
        Its number.
    given : dict
        Values of parameters; what the chapter's exercises do not declare is left out.

    Raises
    ------
    FileNotFoundError
        If there are no exercises for this chapter where this module lies.
    BrokenKeyError
        If a key cannot be computed; the message names the exercise.
    """
    keys, failed = _keys_of(str(chapter).zfill(2), tuple(sorted(given.items())))
    for message in failed.values():
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
    path = source_of(chapter)
    namespace: dict[str, Any] = {"__name__": "exercises"}
    failed: dict[str, str] = {}
    exercise = ""
    _collected.clear()
    with threadpool_limits(1):  # the arrays are small: more threads would wait for each other
        for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"], start=1):
            tags, text = set(cell["metadata"].get("tags", [])), "".join(cell["source"])
            heading = re.search(r"^### (\d+\.\d+) ", text, re.MULTILINE)
            if cell["cell_type"] == "markdown" and heading:
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
                message = f"the key of exercise {exercise} ({place}) cannot be computed with these parameters: {why}"
                failed.setdefault(exercise, message)
            if "parameters" in tags:
                namespace.update({name: value for name, value in given if name in namespace})
    return dict(_collected), failed


def plain(value: Any) -> Any:
    """Return a value as JSON has it: ``...`` is None, arrays and tuples are lists.

    Raises
    ------
    ValueError
        For anything else; the message says what cannot be checked.
    """
    if value is ... or value is None:
        return None
    if hasattr(value, "tolist"):  # of NumPy or pandas
        return plain(value.tolist())
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(item) for item in value]
    if isinstance(value, bool | str) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise ValueError(f"the answer holds {value}, which is no number; was something divided by zero?")
    raise ValueError(
        f"an answer of type {type(value).__name__} cannot be checked; give a number, a text, or a list of them."
    )


def _unfinished(answer: Any) -> bool:
    """Return True if a ``...`` is left in an answer, or a text was not begun."""
    if isinstance(answer, str):
        return answer.strip() in ("", "...")
    parts = answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else []
    return answer is None or any(map(_unfinished, parts))


def is_same(right: Any, answer: Any, within: float, relative: float = 0.0) -> bool:
    """Return True if an answer is the right one: texts but for case and spaces, numbers within the wider tolerance."""
    if isinstance(right, bool) or isinstance(answer, bool):
        return right is answer
    if isinstance(right, str) and isinstance(answer, str):
        return " ".join(right.split()).casefold() == " ".join(answer.split()).casefold()
    if is_number(right) and is_number(answer):
        return abs(right - answer) <= max(within, relative * abs(right)) + 1e-9 * max(1.0, abs(right))
    if isinstance(right, list) and isinstance(answer, list):
        return len(right) == len(answer) and all(
            is_same(r, a, within, relative) for r, a in zip(right, answer, strict=True)
        )
    if isinstance(right, dict) and isinstance(answer, dict):
        return right.keys() == answer.keys() and all(
            is_same(r, answer[n], within, relative) for n, r in right.items()
        )
    return False


def _is_known(key: Key, right: Any, wrong: Any, answer: Any) -> bool:
    """Return True if an answer is a known wrong one; the tolerance of a smaller number is smaller, too.

    Where a count is asked for and a share is the mistake, the tolerance of the count would take any share, and zero, too.
    """
    if isinstance(right, list) and isinstance(wrong, list) and isinstance(answer, list):
        return len(wrong) == len(answer) and all(
            _is_known(key, right[i] if i < len(right) else None, w, answer[i]) for i, w in enumerate(wrong)
        )
    if is_number(right) and is_number(wrong) and is_number(answer) and abs(wrong) < abs(right):
        return is_same(wrong, answer, key.within * abs(wrong / right), key.relative)
    return key.takes(wrong, answer)


def _difference(key: Key, answer: Any) -> str:
    """Return how an answer that is not known differs from the right one."""
    right = key.answer
    if _kind(right) != _kind(answer):
        return f"the answer is {_kind(right)}, and this is {_kind(answer)}."
    if isinstance(right, list):
        if len(right) != len(answer):
            return f"the answer has {len(right)} parts, and this has {len(answer)}."
        if len(right) == 2 and key.takes(right, answer[::-1]):
            return "these are the right parts, the wrong way round."
        if key.takes(_in_order(right), _in_order(answer)):
            return "these are the right parts, in another order."
        wrong = [(r, a) for r, a in zip(right, answer, strict=True) if not key.takes(r, a)]
        some = f"{len(wrong)} of the {len(right)} parts {'is' if len(wrong) == 1 else 'are'}"
        return _in_common(key, wrong, f"{some} off") or f"{some} not right."
    unknown = "wrong, and not by a mistake that is known here. Look at the hint, and at each step by itself."
    return _in_common(key, [(right, answer)], "off") or unknown


def _in_common(key: Key, wrong: list[tuple[Any, Any]], some: str) -> str:
    """Return what all wrong numbers, each beside the right one, have in common; nothing if there is no such thing."""
    if not all(is_number(r) and is_number(a) for r, a in wrong):
        return ""
    within, relative = key.within, key.relative
    if all(isinstance(r, float) and 0 < abs(r) <= 1 for r, _ in wrong) and all(
        is_same(r, a / 100, min(within, abs(r) / 10), relative) for r, a in wrong
    ):
        return "this is in percent. A share runs from 0 to 1."
    if all(key.takes(-r, a) for r, a in wrong):
        return "the sign is the other one."
    if (within or relative) and all(is_same(r, a, CLOSE * within, CLOSE * relative) for r, a in wrong):
        near = f"{relative:.3g} of its value" if relative * abs(wrong[0][0]) > within else f"{within:g}"
        return f"close, but {some} by more than {near}. Was something rounded too early?"
    return ""


def _kind(value: Any) -> str:
    """Return what kind of answer a value is, in words."""
    if isinstance(value, bool):
        return "True or False"
    if is_number(value):
        return "a number"
    return "a text" if isinstance(value, str) else "a list" if isinstance(value, list) else "a dict"


def is_number(value: Any) -> bool:
    """Return True if a value is a number, and not True or False."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _in_order(values: list[Any]) -> list[Any]:
    """Return values sorted; of different kinds, as their texts sort."""
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=str)
