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
from helpers.exercises import RECORDED, SHORT, Key, is_number, is_same, judge, plain
from helpers.record import SCRAP

LONGEST = 20_000  # characters of an answer; a longer one is none
FEW = 10  # an answer that fits more than one in so many of the class's landscapes tells nothing of where it is from


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
                with suppress(ValueError, RecursionError):
                    found[wanted[name]] = plain(scrap.get("data"))
    return found


def listed(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _is_short(value: Any) -> bool:
    try:
        return len(json.dumps(value, ensure_ascii=False)) <= LONGEST
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

    A whole number fits many landscapes by chance. So an answer counts only if it fits few of the class's landscapes, and a
    landscape only if an answer with a fraction fits it to the last digit, or two answers fit it. If some fit to the last digit,
    the others are chance, and are left out.
    """
    own = keys[student]
    others = {name: theirs for name, theirs in keys.items() if name != student}
    few = max(1, len(others) // FEW)
    fits: dict[str, list[str]] = {}
    to_the_digit: set[str] = set()
    for name, answer in answers.items():
        if name not in own or own[name].in_words or judge(own[name], answer).right:
            continue
        found = [
            other
            for other, theirs in others.items()
            if theirs[name].takes(theirs[name].answer, answer)
            and not own[name].takes(own[name].answer, theirs[name].answer)
        ]
        if len(found) > few:
            continue
        for other in found:
            fits.setdefault(other, []).append(name)
            if _has_fraction(answer) and is_same(others[other][name].answer, answer, 0.0):
                to_the_digit.add(other)
    if to_the_digit:
        return [(other, fits[other]) for other in fits if other in to_the_digit]
    return [(other, names) for other, names in fits.items() if len(names) > 1]


def word_for_word(results: list[dict[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """Return, for each student and exercise, who else has an answer of the same words; short ones are left out."""
    writers: dict[tuple[str, str], list[str]] = {}
    for result in results:
        for name, answer in result["answers"].items():
            if isinstance(answer, str) and len(answer.split()) >= SHORT:
                writers.setdefault((name, " ".join(answer.casefold().split())), []).append(result["student"])
    found: dict[str, dict[str, list[str]]] = {}
    for (name, _), students in writers.items():
        for student in students if len(students) > 1 else []:
            found.setdefault(student, {})[name] = [other for other in students if other != student]
    return found


def _has_fraction(answer: Any) -> bool:
    """Tell whether an answer holds a number that is not whole."""
    if isinstance(answer, list):
        return any(map(_has_fraction, answer))
    return is_number(answer) and answer != int(answer)
