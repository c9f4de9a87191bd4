"""Write the page about the run itself: what ran, what was checked, on what, and how long it took.

Steps: take a run's published manifest and its claims; write its parameters, claims, versions, times and input files
as tables.

Times and memory stand on this page and in the manifest alone, so that two builds of one run differ nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from course.exercises import is_exercises
from course.markdown import code

NAME = "this-run"
PAGE = f"chapters/{NAME}.qmd"  # listed in _quarto.yml; both renderers read it
HEAD = """---
title: "The run that made these pages"
subtitle: "What ran, what was checked, and how long it took"
description: "Parameters, claims, versions, times and input files of the run that these pages show."
image: home_files/card.png
search: false
---
"""
INTRO = """
Every number, figure, caption and alternative text of the chapters comes from one run. This page says what it was,
so that you can make the same run again. A program reads the same from [manifest.json](../downloads/manifest.json),
and all that the chapters found from [record.json](../downloads/record.json).
"""
CLAIMS = """## What was checked {#claims}

After the last cell of a chapter its claims are measured on the chapter's own arrays: what must hold of any run, how far
this run is from it, and how far it may be. A run that fails one is not published.
"""


def page(manifest: dict[str, Any], claims: dict[str, list[dict[str, Any]]]) -> str:
    """Return the page about a run.

    Parameters
    ----------
    manifest : dict
        As `course.stage.published_manifest` returns it, with ``renderer``, if that is known.
    claims : dict
        By chapter, as `course.inline.claims_of` returns them.
    """
    tables = [_parameters(manifest), _claims(manifest, claims), _what_ran(manifest), _times(manifest)]
    return "\n".join([HEAD + INTRO, *tables, _inputs(manifest)])


def _parameters(manifest: dict[str, Any]) -> str:
    given, rows = manifest["parameters"], {}
    for chapter in manifest["chapters"].values():
        for name, value in chapter["parameters"].items():
            rows[name] = (code(name), code(repr(value)), "given" if name in given else "default")
    caption = "The parameters: those that the run was given, and the defaults of the others."
    return "## Parameters\n" + _table(
        ["parameter", "value", "given or default"], rows.values(), caption, "tbl-given"
    )


def _claims(manifest: dict[str, Any], claims: dict[str, list[dict[str, Any]]]) -> str:
    """Return each chapter's claims, folded, with how far the run is from each and how far it may be."""
    parts = [CLAIMS]
    for name, found in claims.items():
        rows = [
            f"| {claim['text']} | {_plain(claim['off'])} | {_plain(claim['allowed'])} {claim['unit']}".rstrip()
            + " |"
            for claim in found
        ]
        if rows:
            count = f"{len(rows)} {'claim' if len(rows) == 1 else 'claims'}"
            table = "\n".join(
                ["| what must hold | off by | allowed |", "|:----------------|-----:|:-----|", *rows]
            )
            parts.append(
                f"<details><summary>{name}: {count}</summary>\n\n[To the chapter]({_page_of(name, manifest)})\n\n{table}\n\n</details>\n"
            )
    return "\n".join(parts)


def _plain(number: float) -> str:
    """Return a small number as people write it: 1e−9."""
    text = f"{number + 0:.2g}".replace("e-0", "e-")
    return text.replace("-", "−")  # a minus, at which no line breaks


def _what_ran(manifest: dict[str, Any]) -> str:
    rows = [
        ("Python", manifest["python"]),
        ("platform", code(manifest["platform"])),
        ("commit of the course", _commit(manifest)),
    ]
    if manifest.get("renderer"):
        rows.append(("renderer of these pages", manifest["renderer"]))
    packages = [(f"`{name}`", version) for name, version in manifest["packages"].items()]
    return (
        "## What ran\n"
        + _table(["what", "which"], rows, "What the run and its pages were made with.", "tbl-ran")
        + _table(
            ["package", "version"],
            packages,
            "The packages that a chapter's values may depend on.",
            "tbl-packages",
        )
    )


def _commit(manifest: dict[str, Any]) -> str:
    """Return the commit, and whether the files were edited since."""
    if not manifest.get("commit"):
        return "not known: the run was made outside git"
    return f"`{manifest['commit']}`" + (", with edits since" if manifest.get("dirty") else ", without edits")


def _page_of(name: str, manifest: dict[str, Any]) -> str:
    """Return where a chapter stands, or its exercises, which are at the end of the chapter's page."""
    if not is_exercises(name):
        return f"{name}.ipynb"
    chapter = next(
        other for other in manifest["chapters"] if other[:2] == name[:2] and not is_exercises(other)
    )
    return f"{chapter}.ipynb#exercises"


def _times(manifest: dict[str, Any]) -> str:
    rows = [
        (
            f"[{name}]({_page_of(name, manifest)})",
            f"{entry['seconds']:.1f}",
            f"{entry['peak_memory_mb']:,.0f}",
        )
        for name, entry in manifest["chapters"].items()
    ]
    caption = (
        "Seconds and peak memory of each chapter, measured when it was executed. A chapter whose parameters, code "
        "and packages did not change is not executed again, and keeps its times."
    )
    return "## Time and memory\n" + _table(
        ["chapter", "seconds", "peak memory, MB"], rows, caption, "tbl-times", right={1, 2}
    )


def _inputs(manifest: dict[str, Any]) -> str:
    rows = [(code(name), code(key)) for name, key in manifest["inputs"].items()]
    if "picture" in manifest:
        rows.insert(
            0, (f"your picture, {code(manifest['picture']['name'])}", code(manifest["picture"]["sha256"]))
        )
    caption = "The files that the run read, by their SHA-256: equal sums mean equal files."
    return "## Input files\n" + _table(["file", "SHA-256"], rows, caption, "tbl-inputs", widths=(2, 5))


def _table(
    header: list[str],
    rows: Iterable[tuple[str, ...]],
    caption: str,
    label: str,
    right: Iterable[int] = (),
    widths: tuple[int, ...] = (),
) -> str:
    """Return a Markdown table. Where its lines are long, the dashes are the columns' relative widths."""
    dashes = ["-" * 3 * width for width in widths or [1] * len(header)]
    rule = [f"{line}:" if column in set(right) else f":{line}" for column, line in enumerate(dashes)]
    lines = [f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)]
    return "\n" + "\n".join(lines) + f"\n\n: {caption} {{#{label}}}\n"
