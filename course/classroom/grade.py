"""Compare what a notebook recorded with the key, in the teacher's process.

Steps: take the answers from what was told; judge each against the student's key; look for answers that fit another
student's landscape; add up the points.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from course.classroom.jail import Outcome
from helpers.exercises import RECORDED, Key, is_number, is_same, judge, plain
from helpers.record import SCRAP

LONGEST = 20_000  # characters of an answer; a longer one is none


@dataclass(frozen=True)
class Mark:
    """What one exercise got: points of how many, and why. None points: a person has to read it."""

    exercise: str
    points: float | None
    most: float
    message: str
    answer: Any


def answers_in(outcome: Outcome, names: list[str]) -> dict[str, Any]:
    """Return the answers that were recorded, by exercise; of several, the last.

    Whoever writes the code can write such a record by hand. It then holds an answer, which is worth what that answer is.
    """
    wanted = {RECORDED + name.replace(".", "_"): name for name in names}
    found: dict[str, Any] = {}
    for event in outcome.events:
        for output in listed(event.get("outputs")):
            data = output.get("data")
            scrap = data.get(SCRAP) if isinstance(data, dict) else None
            if not isinstance(scrap, dict):
                continue
            name = scrap.get("name")
            if isinstance(name, str) and name in wanted and _is_short(scrap.get("data")):
                with suppress(ValueError):
                    found[wanted[name]] = plain(scrap.get("data"))
    return found


def listed(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _is_short(value: Any) -> bool:
    try:
        return len(json.dumps(value)) <= LONGEST
    except (ValueError, RecursionError):
        return False


def marks_of(keys: dict[str, Key], answers: dict[str, Any]) -> list[Mark]:
    """Return a mark for each exercise."""
    marks = []
    for name, key in keys.items():
        answer = answers.get(name)
        verdict = judge(key, answer)
        waits = key.in_words and verdict.right
        points = None if waits else round(key.points * verdict.credit, 2)
        marks.append(Mark(name, points, key.points, verdict.message, answer))
    return marks


def fits_another(
    student: str, answers: dict[str, Any], keys: dict[str, dict[str, Key]]
) -> list[tuple[str, list[str]]]:
    """Return the students whose landscape a student's wrong answers fit, with the exercises.

    A whole number fits many landscapes by chance. So a fit counts if it is the same to the last digit and has a fraction, or
    if answers to two exercises or more fit the same landscape and not the student's own.
    """
    own = keys[student]
    found = []
    for other, theirs in keys.items():
        if other == student:
            continue
        fits, to_the_digit = [], False
        for name, answer in answers.items():
            if name not in own or own[name].in_words or judge(own[name], answer).right:
                continue
            right = theirs[name]
            if own[name].takes(own[name].answer, right.answer) or not right.takes(right.answer, answer):
                continue
            fits.append(name)
            to_the_digit |= _has_fraction(answer) and is_same(right.answer, answer, 0.0)
        if to_the_digit or len(fits) > 1:
            found.append((other, fits))
    return found


def _has_fraction(answer: Any) -> bool:
    """Tell whether an answer holds a number that is not whole."""
    if isinstance(answer, list):
        return any(map(_has_fraction, answer))
    return is_number(answer) and answer != int(answer)
