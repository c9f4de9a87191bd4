"""Compare what a notebook recorded with the key, in the teacher's process.

Steps: take the answers from what was told; judge each against the student's key; look for answers that fit another
student's landscape, or come from the site; add up the points.
"""

from __future__ import annotations

import difflib
import io
import itertools
import json
import math
import re
import tokenize
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from course.classroom.jail import Outcome
from course.exercises import Exercise, text_of
from course.inline import INLINE
from helpers.check import ANSWER, SHORT, Key, is_number, is_same, judge, plain

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
    found: dict[str, Any] = {}
    for event in outcome.events:
        for output in listed(event.get("outputs")):
            data = output.get("data")
            given = data.get(ANSWER) if isinstance(data, dict) else None
            if not isinstance(given, dict):
                continue
            name = given.get("exercise")
            if isinstance(name, str) and name in names and _is_short(given.get("answer")):
                with suppress(ValueError, RecursionError):
                    found[name] = plain(given.get("answer"))
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
    """Return True if an answer holds a number that is not whole."""
    if isinstance(answer, list):
        return any(map(_has_fraction, answer))
    return is_number(answer) and answer != int(answer)


RUN = 3  # words in a row that two texts share: fewer come together by chance
COPIED = 0.5  # the share of an answer's words in such runs from which it is reported
OWN_CODE = (
    20  # tokens that a solution adds to what students begin with: with fewer, everybody writes the same
)
SAME_CODE = 3  # exercises: that one or two have the site's code is chance, as some have hardly another
DIGITS = 6  # of a number that nobody has from a figure


class Published:
    """What the site shows of each exercise: the words of a good answer, and the code of the solution."""

    def __init__(self, exercises: Sequence[Exercise]) -> None:
        self.asked, self.answers, self.code = {}, {}, {}
        for exercise in exercises:
            shown = [*exercise.tagged("solution"), *exercise.tagged("guide")]
            self.asked[exercise.number] = _runs(text_of(exercise.cells[0]))
            self.answers[exercise.number] = set().union(*(_runs(text_of(cell)) for cell in shown))
            started, solved = (
                _tokens("\n".join(text_of(cell) for cell in exercise.tagged(tag)))
                for tag in ("start", "solution")
            )
            same = difflib.SequenceMatcher(None, started, solved, autojunk=False).get_matching_blocks()
            if len(solved) - sum(block.size for block in same) >= OWN_CODE:
                self.code[exercise.number] = "".join(solved)

    def flags(self, result: dict[str, Any]) -> list[str]:
        """Return what of a student's work stands on the site, or was not computed in the notebook, in words."""
        flags = []
        for name, answer in result["answers"].items():
            if _is_long(answer) and (share := self.share(name, answer)) >= COPIED:
                flags.append(f"{name}: {share:.0%} of its words are those of the answer on the site")
        tokens = [token for cell in result["cells"] for token in _tokens(cell["source"])]
        joined = "".join(tokens)
        numbers = [mark for mark in result["marks"] if not isinstance(mark["answer"], str)]
        coded = [mark["exercise"] for mark in numbers if mark["exercise"] in self.code]
        same = [name for name in coded if self.code[name] in joined]
        if len(same) >= min(SAME_CODE, len(coded)) > 1:
            flags.append(f"the code of {', '.join(same)} is that of the site's solutions")
        typed_in = {
            float(token)
            for token in tokens
            if re.fullmatch(r"[\d_.]+(e[+-]?\d+)?", token, re.I) and _is_float(token)
        }
        typed = [
            mark["exercise"]
            for mark in numbers
            if mark["points"] and any(abs(number) in typed_in for number in _long_numbers(mark["answer"]))
        ]
        if typed:
            flags.append(f"typed in, not computed in this notebook: {', '.join(typed)}")
        if "keys_of" in tokens:
            flags.append("it asks for the key (keys_of)")
        return flags

    def share(self, exercise: str, answer: str) -> float:
        """Return the share of an answer's words that stand in runs of the published one; the question's own do not count."""
        return _covered(answer, self.answers.get(exercise, set()) - self.asked.get(exercise, set()))


def nearly_word_for_word(
    results: list[dict[str, Any]], published: Published
) -> dict[str, dict[str, list[str]]]:
    """Return, for each student and exercise, who else has nearly the same answer; what the site has of it does not count."""
    found: dict[str, dict[str, list[str]]] = {}
    for exercise, site in published.answers.items():
        left_out = site | published.asked[exercise]
        texts = {r["student"]: a for r in results if _is_long(a := r["answers"].get(exercise))}
        runs = {student: _runs(text) - left_out for student, text in texts.items()}
        for one, other in itertools.combinations(texts, 2):
            if texts[one].casefold().split() == texts[other].casefold().split():
                continue  # `word_for_word` has these
            if len(common := runs[one] & runs[other]) < SHORT - RUN:
                continue
            if max(_covered(texts[one], common), _covered(texts[other], common)) >= COPIED:
                found.setdefault(one, {}).setdefault(exercise, []).append(other)
                found.setdefault(other, {}).setdefault(exercise, []).append(one)
    return found


def _is_long(answer: Any) -> bool:
    return isinstance(answer, str) and len(answer.split()) >= SHORT


def _words(text: str) -> list[str]:
    """Return the words of a text; numbers are left out, as they are each landscape's own."""
    text = re.sub(r"\{[^{}]*\}", " ", INLINE.sub(" ", text))  # where a text of the course takes in a number
    return re.findall(r"[^\W\d_]+", text.casefold())


def _runs(text: str) -> set[tuple[str, ...]]:
    """Return the runs of words in a text."""
    words = _words(text)
    return {tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}


def _covered(text: str, runs: set[tuple[str, ...]]) -> float:
    """Return the share of a text's words that stand in some runs."""
    words = _words(text)
    inside: set[int] = set()
    for i in range(len(words) - RUN + 1):
        if tuple(words[i : i + RUN]) in runs:
            inside.update(range(i, i + RUN))
    return len(inside) / len(words) if words else 0.0


def _tokens(code: str) -> list[str]:
    """Return the tokens of code, without comments and space; as far as it can be read."""
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    found: list[str] = []
    with suppress(tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type not in skipped and token.string.strip():
                found.append(token.string)
    return found


def _is_float(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _long_numbers(answer: Any) -> list[float]:
    """Return the numbers of an answer that have many digits."""
    if isinstance(answer, list):
        return [number for part in answer for number in _long_numbers(part)]
    if isinstance(answer, dict):
        return _long_numbers(list(answer.values()))
    if not is_number(answer):
        return []
    digits = re.sub(r"e.*|\D", "", f"{answer!r}".lower()).strip("0")
    return [float(answer)] if len(digits) >= DIGITS else []
