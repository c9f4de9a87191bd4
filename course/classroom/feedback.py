"""Write what people read after marking: a page for each student, a report, answers in words side by side, gradebooks.

Everything that came from a student is shown as text: it is escaped, pages run no scripts and load nothing, and no
cell of a gradebook is a formula.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any

from course.classroom.make import IN_WORDS, inert
from course.classroom.reading import label
from course.classroom.roster import CANVAS
from course.exercises import Exercise, guides_of, text_of

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --soft: #4d5761; --line: #8a949e; --good: #1a6b3c; --bad: #8a3b12; }
@media (prefers-color-scheme: dark) { :root { --soft: #aeb8c2; --line: #5b6570; --good: #7ed3a2; --bad: #f0b08c; } }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; font: 1.05rem/1.6 system-ui, sans-serif; overflow-wrap: break-word; }
table { border-collapse: collapse; width: 100%; } th, td { padding: .4rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
.brief { white-space: nowrap; } th[scope=row], .report td { overflow-wrap: anywhere; } th[scope=row] { min-width: 7rem; } .report { max-width: 80rem; } .report td:last-child { min-width: 14rem; } .scroll { overflow-x: auto; } pre { padding: .7rem; white-space: pre-wrap; border: 1px solid var(--line); border-radius: 6px; font-size: .9rem; }
.words { white-space: pre-line; } .soft { color: var(--soft); } .right { color: var(--good); font-weight: 600; } .wrong { color: var(--bad); font-weight: 600; }
figure { margin: 1.2rem 0; padding: .4rem 1rem; border-left: 4px solid var(--line); } figcaption { color: var(--soft); font-size: .95rem; }
"""
SHOWN = 1500  # characters of what a cell printed, or of an answer


def page(title: str, body: str, kind: str = "page") -> str:
    """Return a page that runs nothing and loads nothing."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{text(title)}</title><style>{STYLE}</style></head>\n<body class="{kind}">\n<main>\n<h1>{text(title)}</h1>\n{body}\n</main>\n</body></html>\n'
    )


def text(value: Any, most: int = SHOWN) -> str:
    """Return a value as text that a page shows as it is: cut, without control characters, escaped."""
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", shown)
    shown = re.sub(
        r"[^\t\n\x20-\x7e\xa0-\u061b\u061d-\u200a\u2010-\u2029\u202f-\u205f\u2070-\ud7ff\uf900-\uffef\U00010000-\U0010ffff]",
        "·",
        shown,
    )
    return escape(shown if len(shown) <= most else f"{shown[:most]} … (cut)", quote=True)


def exercises_in_words(held: dict[str, Any]) -> list[str]:
    """Return the exercises of a key whose answers are in the student's own words."""
    entry = next(iter(held["students"].values()))
    return [name for name in held["points"] if entry["key"][name]["answer"] == IN_WORDS]


def student_page(
    result: dict[str, Any], title: str, max_points: float, right: dict[str, Any] | None = None
) -> str:
    """Return the feedback page of a student; `right` has the right answers, if they are to be told."""
    rows = []
    for mark in result["marks"]:
        got = "to be read" if mark["points"] is None else f"{mark['points']:g}"
        of = "" if mark["points"] is None else f" of {mark['most']:g}"
        kind = "right" if mark["points"] == mark["most"] else "wrong" if mark["points"] == 0 else "soft"
        said = [text(mark["message"].removeprefix("not yet: "))]
        if mark["answer"] is not None:
            said.append(f"<span class='soft'>your answer: {text(in_short(mark['answer']), 300)}</span>")
        tell = (right or {}).get(mark["exercise"])
        if tell is not None and tell != IN_WORDS and mark["points"] != mark["most"]:
            said.append(f"<span class='soft'>the right answer: {text(in_short(tell), 300)}</span>")
        if mark.get("comment"):
            said.append(f"<span class='words'>{text(mark['comment'], 20_000)}</span>")
        rows.append(
            f'<tr><th scope="row">{text(mark["exercise"])}</th><td class="brief"><span class="{kind}">{got}</span>{of}</td>'
            f"<td>{'<br>'.join(said)}</td></tr>"
        )
    waiting = any(mark["points"] is None for mark in result["marks"])
    total = sum(mark["points"] or 0 for mark in result["marks"])
    so_far = (
        f"{total:g} of {max_points:g} points{', and answers that are still to be read' if waiting else ''}"
    )
    parts = [
        f"<p><strong>{so_far}</strong>.</p>" if is_marked(result) else "",
        f"<p class='soft'>{text(result['name'] or result['student'])} · your landscape: seed {text(result['seed'])}</p>",
    ]
    if result["problem"]:
        parts.append(
            f'<p class="wrong">Your notebook could not be marked whole: {text(result["problem"])}.</p>'
        )
    if is_marked(result):
        parts.append(_table(["exercise", "points", "what was found"], rows))
        parts.append(
            "<p>What a good answer says stands below each exercise on the course’s site, with the numbers of another landscape.</p>"
        )
    trouble = [cell for cell in result["cells"] if cell["ended"] != "ok"]
    if trouble:
        parts.append("<h2>Cells that did not end well</h2>")
        parts += [
            f"<p>{text(cell['ended'])}</p><pre>{text(cell['source'])}</pre><pre>{text(cell['shown'])}</pre>"
            for cell in trouble[:20]
        ]
    ran = ", run with the parameters that you were given. What ran lies beside this page, in ran.ipynb"
    parts.append(
        f"<p class='soft'>Made from the file {text(result['file'])} (SHA-256 {text(result['sha256'][:16])}…){ran if result['ran'] else ''}.</p>"
    )
    return page(title, "\n".join(parts))


def is_marked(result: dict[str, Any]) -> bool:
    """Tell whether a notebook was run, or a person gave points; one that could not be read has no mark, which is not zero."""
    return result["ran"] or any(mark.get("by_person") for mark in result["marks"])


def in_short(answer: Any) -> Any:
    """Return an answer for people to read: numbers with six digits."""
    if isinstance(answer, float):
        short = float(f"{answer:.6g}")
        return int(short) if abs(short) >= 1e6 else short
    return [in_short(part) for part in answer] if isinstance(answer, list) else answer


def _table(heads: list[str], rows: list[str]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{heads[0]}"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def report(
    results: list[dict[str, Any]],
    unknown: list[str],
    missing: list[str],
    title: str,
    points: dict[str, float],
    unclear: Sequence[str] = (),
) -> str:
    """Return the teacher's page: a row for each student, what to decide, what the class got wrong, what was strange, who is missing."""
    rows = []
    for result in results:
        by_name = {mark["exercise"]: mark["points"] for mark in result["marks"]}
        known = is_marked(result)
        got = [f"{by_name[name]:g}" if known and by_name[name] is not None else "" for name in points]
        cells = [*got, _total(result)]
        code = label(result["student"])
        read_as = "" if code == result["student"] else f"<br><span class='soft'>{text(code)}</span>"
        rows.append(
            f'<tr><th scope="row"><a href="{escape(result["folder"], quote=True)}/feedback.html">{text(result["student"])}</a>{read_as}</th><td>{text(result["name"])}</td>'
            f"{''.join(f'<td>{cell}</td>' for cell in cells)}<td>{'<br>'.join(map(text, _strange(result)))}</td></tr>"
        )
    waiting = sum(mark["points"] is None for result in results for mark in result["marks"])
    files = f"{len(unknown)} {'file' if len(unknown) == 1 else 'files'} of nobody on the roster"
    if unclear:
        files += f", {len(unclear)} to be decided"
    parts = [
        f"<p>{len(results)} marked, {len(missing)} missing, {files}. Points are of {sum(points.values()):g}.</p>",
        _table(["student", "name", *points, "points", "to look at"], rows),
    ]
    if waiting:
        parts.append(
            f'<p>{waiting} <a href="in-words.html">answers in words</a> are to be read. Put points into reading.csv, and mark again: '
            "nothing runs twice.</p>"
        )
    if unclear:
        parts.append(
            "<h2>To be decided by a person</h2><p>These files were not marked, and change nobody's mark. Write an id, or nobody, into the column "
            f"“student” of decide.csv, and mark again.</p><ul>{''.join(f'<li>{text(one)}</li>' for one in unclear)}</ul>"
        )
    parts += ["<h2>What the class got wrong</h2>", _mistakes(results, points)]
    if missing:
        parts.append(
            f"<h2>Nothing handed in</h2><ul>{''.join(f'<li>{text(one)}</li>' for one in missing)}</ul>"
        )
    if unknown:
        parts.append(
            f"<h2>Files of nobody on the roster</h2><ul>{''.join(f'<li>{text(one)}</li>' for one in unknown)}</ul>"
        )
    return page(f"Report: {_of(title)}", "\n".join(parts), "report")


def _strange(result: dict[str, Any]) -> list[str]:
    return [*([result["problem"]] if result["problem"] else []), *result["notes"], *result["flags"]]


def _mistakes(results: list[dict[str, Any]], points: dict[str, float]) -> str:
    """Return a table of what was said of wrong answers, the most frequent first within an exercise."""
    rows = []
    for name in points:
        marks = [
            mark
            for result in results
            for mark in result["marks"]
            if mark["exercise"] == name and is_marked(result)
        ]
        said = Counter(
            mark["message"].removeprefix("not yet: ")
            for mark in marks
            if mark["points"] not in (None, mark["most"]) and not mark.get("by_person")
        )
        rows += [
            f'<tr><th scope="row">{text(name)}</th><td class="brief">{n} of {len(marks)}</td><td>{text(message)}</td></tr>'
            for message, n in said.most_common(5)
        ]
    return _table(["exercise", "students", "what was found"], rows)


def in_words(
    results: list[dict[str, Any]], words: list[str], title: str, exercises: Sequence[Exercise]
) -> str:
    """Return the answers in words, by exercise, with the question, what to look for, and the student's other answers.

    There are no names and addresses on it, but ids, or what stands for them in reading.csv.
    """
    parts = ["<p>Read all answers to one exercise in one go. The ids are those of reading.csv.</p>"]
    for exercise in exercises:
        if exercise.number not in words:
            continue
        asked = text_of(exercise.cells[0])
        parts.append(f"<h2>{text(exercise.number)} {text(exercise.title)}</h2>")
        parts += [_paragraphs(one) for one in [asked, *guides_of(exercise)]]
        for result in results:
            marks = {mark["exercise"]: mark for mark in result["marks"]}
            answer = marks[exercise.number]["answer"]
            if not isinstance(answer, str):
                continue
            others = [
                f"{name}: {in_short(mark['answer'])} ({'right' if mark['points'] == mark['most'] else 'wrong'})"
                for name, mark in marks.items()
                if name not in words and mark["answer"] is not None
            ]
            parts.append(
                f"<figure><figcaption>{text(label(result['student']))}<br>{text('; '.join(others))}</figcaption><p class='words'>{text(answer.strip(), 20_000)}</p></figure>"
            )
    return page(f"Answers in words: {_of(title)}", "\n".join(parts))


def _of(title: str) -> str:
    return title.removeprefix("Exercises: ")


def _paragraphs(markdown: str) -> str:
    """Return what a cell of the course says, its heading left out, for reading alone: markup becomes plain text."""
    lines = [line for line in markdown.splitlines() if not line.startswith("#")]
    plain = "\n".join(lines).replace("**", "").replace("`", "")
    return "".join(f"<p class='soft'>{text(part, 5000)}</p>" for part in plain.split("\n\n") if part.strip())


def gradebook(results: list[dict[str, Any]], points: dict[str, float]) -> str:
    """Return the whole gradebook: a row per student, a column per exercise."""
    rows = [["id", "name", "email", *points, "total", "of", "to read", "to look at"]]
    for result in results:
        by_name = {mark["exercise"]: mark["points"] for mark in result["marks"]}
        known = is_marked(result)
        waiting = [f"exercise {name}" for name in points if known and by_name[name] is None]
        rows.append(
            [
                result["student"], result["name"], result["email"],
                *(f"{by_name[name]:g}" if known and by_name[name] is not None else "" for name in points),
                _total(result), f"{sum(points.values()):g}", ", ".join(waiting), "; ".join(_strange(result)),
            ]
        )  # fmt: skip
    return _csv(rows)


def for_moodle(results: list[dict[str, Any]], title: str) -> str:
    """Return what Moodle's import of grades reads: choose "ID number" or "Email address" as what to map from.

    Who has no mark is left out.
    """
    rows = [["ID number", "Email address", title]]
    rows += [[result["student"], result["email"], _total(result)] for result in results if is_marked(result)]
    return _csv(rows)


def for_canvas(results: list[dict[str, Any]], title: str, most: float) -> str:
    """Return what Canvas's import of grades reads: it knows a student by ID, SIS User ID or SIS Login ID.

    These are the roster's own where it was an export from Canvas; else its id stands for the last two. Who has no mark is
    left out.
    """
    rows = [["Student", *CANVAS, title], ["Points Possible", "", "", "", "", f"{most:g}"]]
    for result in filter(is_marked, results):
        own = result["extra"] or dict.fromkeys(["SIS User ID", "SIS Login ID"], result["student"])
        rows.append([result["name"], *(own.get(name, "") for name in CANVAS), _total(result)])
    return _csv(rows)


def _total(result: dict[str, Any]) -> str:
    """Return the points so far; nothing for who has no mark."""
    return f"{sum(mark['points'] or 0 for mark in result['marks']):g}" if is_marked(result) else ""


def _csv(rows: list[list[str]]) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerows([[inert(str(cell)) for cell in row] for row in rows])
    return made.getvalue()
