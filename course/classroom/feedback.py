"""Write what people read after marking: a page for each student, a report, answers in words side by side, gradebooks.

Everything that came from a student is shown as text: it is escaped, pages run no scripts and load nothing, and no
cell of a gradebook is a formula.
"""

from __future__ import annotations

import csv
import io
import json
import re
from html import escape
from typing import Any

from course.classroom.make import inert

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --soft: #4d5761; --line: #8a949e; --good: #1a6b3c; --bad: #8a3b12; }
@media (prefers-color-scheme: dark) { :root { --soft: #aeb8c2; --line: #5b6570; --good: #7ed3a2; --bad: #f0b08c; } }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; font: 1.05rem/1.6 system-ui, sans-serif; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } th, td { padding: .4rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
td:nth-child(2) { white-space: nowrap; } pre { padding: .7rem; white-space: pre-wrap; border: 1px solid var(--line); border-radius: 6px; font-size: .9rem; }
.soft { color: var(--soft); } .right { color: var(--good); font-weight: 600; } .wrong { color: var(--bad); font-weight: 600; }
figure { margin: 1.2rem 0; padding: .4rem 1rem; border-left: 4px solid var(--line); } figcaption { color: var(--soft); font-size: .95rem; }
"""
SHOWN = 1500  # characters of what a cell printed, or of an answer


def page(title: str, body: str) -> str:
    """Return a page that runs nothing and loads nothing."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)}</title><style>{STYLE}</style></head>\n<body>\n<main>\n<h1>{text(title)}</h1>\n{body}\n</main>\n</body></html>\n"
    )


def text(value: Any, most: int = SHOWN) -> str:
    """Return a value as text that a page shows as it is: cut, without control characters, escaped."""
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", shown)
    shown = re.sub(
        r"[^\t\n\x20-\x7e\xa0-\u200a\u2010-\u2029\u2030-\ud7ff\uf900-\uffef\U00010000-\U0010ffff]", "·", shown
    )
    return escape(shown if len(shown) <= most else f"{shown[:most]} … (cut)", quote=True)


def student_page(result: dict[str, Any], title: str, max_points: float) -> str:
    """Return the feedback page of a student."""
    rows = []
    for mark in result["marks"]:
        got = "to be read" if mark["points"] is None else f"{mark['points']:g}"
        kind = "right" if mark["points"] == mark["most"] else "wrong" if mark["points"] == 0 else "soft"
        answer = (
            ""
            if mark["answer"] is None
            else f"<br><span class='soft'>your answer: {text(mark['answer'], 300)}</span>"
        )
        comment = f"<br>{text(mark['comment'])}" if mark.get("comment") else ""
        rows.append(
            f'<tr><td>{text(mark["exercise"])}</td><td><span class="{kind}">{got}</span> of {mark["most"]:g}</td>'
            f"<td>{text(mark['message'])}{answer}{comment}</td></tr>"
        )
    waiting = any(mark["points"] is None for mark in result["marks"])
    total = sum(mark["points"] or 0 for mark in result["marks"])
    parts = [
        f"<p><strong>{total:g} of {max_points:g} points</strong>{', and answers that are still to be read' if waiting else ''}.</p>",
        f"<p class='soft'>{text(result['name'] or result['student'])} · your landscape: seed {text(result['seed'])}</p>",
    ]
    if result["problem"]:
        parts.append(f'<p class="wrong">Your notebook {_sentence(result["problem"])}</p>')
    parts.append(
        f"<table><thead><tr><th>exercise</th><th>points</th><th>what was found</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )
    trouble = [cell for cell in result["cells"] if cell["ended"] != "ok"]
    if trouble:
        parts.append("<h2>Cells that did not end well</h2>")
        parts += [
            f"<p>{text(cell['ended'])}</p><pre>{text(cell['source'])}</pre><pre>{text(cell['shown'])}</pre>"
            for cell in trouble[:20]
        ]
    parts.append(
        f"<p class='soft'>Marked from the file {text(result['file'])} (SHA-256 {text(result['sha256'][:16])}…), run with the parameters that "
        "you were given. What ran lies beside this page, in ran.ipynb.</p>"
    )
    return page(title, "\n".join(parts))


def _sentence(problem: str) -> str:
    return f"could not be marked whole: {text(problem)}."


def report(
    results: list[dict[str, Any]], unknown: list[str], missing: list[str], title: str, words: list[str]
) -> str:
    """Return the teacher's page: a row for each student, what was strange, who is missing."""
    rows = []
    for result in results:
        total = sum(mark["points"] or 0 for mark in result["marks"])
        strange = [*([result["problem"]] if result["problem"] else []), *result["notes"], *result["flags"]]
        rows.append(
            f'<tr><td><a href="{escape(result["folder"], quote=True)}/feedback.html">{text(result["student"])}</a></td><td>{total:g}</td>'
            f"<td>{text(result['name'])}</td><td>{'<br>'.join(map(text, strange))}</td><td>{result['seconds']:.0f} s, {result['peak_memory_mb']:.0f} MB</td></tr>"
        )
    parts = [
        f"<p>{len(results)} marked, {len(missing)} missing, {len(unknown)} files of nobody on the roster.</p>",
        "<table><thead><tr><th>student</th><th>points</th><th>name</th><th>to look at</th><th>took</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>",
    ]
    if words:
        parts.append(
            f'<p><a href="in-words.html">Answers in words, side by side</a>: {text(", ".join(words))}. Put points into reading.csv, and mark again: '
            "nothing runs twice.</p>"
        )
    if missing:
        parts.append(f"<h2>Nothing handed in</h2><p>{text(', '.join(missing), 10**5)}</p>")
    if unknown:
        parts.append(f"<h2>Files of nobody on the roster</h2><p>{text(', '.join(unknown), 10**5)}</p>")
    return page(title, "\n".join(parts))


def in_words(results: list[dict[str, Any]], exercises: list[str], title: str) -> str:
    """Return the answers in words, by exercise, without names: who wrote one stands in the folder's name alone."""
    parts = ["<p>Read all answers to one exercise in one go. The ids are those of reading.csv.</p>"]
    for exercise in exercises:
        parts.append(f"<h2>{text(exercise)}</h2>")
        for result in results:
            mark = next(mark for mark in result["marks"] if mark["exercise"] == exercise)
            if isinstance(mark["answer"], str):
                parts.append(
                    f"<figure><figcaption>{text(result['student'])}</figcaption><pre>{text(mark['answer'], 20_000)}</pre></figure>"
                )
    return page(title, "\n".join(parts))


def gradebook(results: list[dict[str, Any]], points: dict[str, float]) -> str:
    """Return the whole gradebook: a row per student, a column per exercise."""
    rows = [["id", "name", "email", *points, "total", "of", "to read", "to look at"]]
    for result in results:
        by_name = {mark["exercise"]: mark["points"] for mark in result["marks"]}
        waiting = [name for name in points if by_name[name] is None]
        strange = [*([result["problem"]] if result["problem"] else []), *result["notes"], *result["flags"]]
        rows.append(
            [
                result["student"], result["name"], result["email"],
                *("" if by_name[name] is None else f"{by_name[name]:g}" for name in points),
                _total(result), f"{sum(points.values()):g}", " ".join(waiting), "; ".join(strange),
            ]
        )  # fmt: skip
    return _csv(rows)


def for_moodle(results: list[dict[str, Any]], title: str) -> str:
    """Return what Moodle's import of grades reads: choose "ID number" or "Email address" as what to map from."""
    rows = [["ID number", "Email address", title]]
    return _csv([*rows, *([result["student"], result["email"], _total(result)] for result in results)])


def for_canvas(results: list[dict[str, Any]], title: str, most: float) -> str:
    """Return what Canvas's import of grades reads: it knows a student by SIS User ID or SIS Login ID."""
    rows = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", title],
        ["Points Possible", "", "", "", "", f"{most:g}"],
    ]
    for result in results:
        rows.append([result["name"], "", result["student"], result["student"], "", _total(result)])
    return _csv(rows)


def _total(result: dict[str, Any]) -> str:
    return f"{sum(mark['points'] or 0 for mark in result['marks']):g}"


def _csv(rows: list[list[str]]) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerows([[inert(str(cell)) for cell in row] for row in rows])
    return made.getvalue()
