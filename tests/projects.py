"""Small courses for the tests: a folder with `_quarto.yml`, `helpers` and notebooks out of `tests/fixtures`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from course.project import Project, load, read_notebook

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = Path(__file__).parent / "fixtures"


def make_project(folder: Path, *names: str) -> Project:
    """Return a course whose chapters are these fixture notebooks."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "notebooks").mkdir()
    for name in names:
        shutil.copy(FIXTURES / f"{name}.ipynb", folder / "notebooks")
    shutil.copytree(ROOT / "helpers", folder / "helpers", ignore=shutil.ignore_patterns("__pycache__"))
    entries = "".join(f"\n      - chapters/{name}.ipynb" for name in names)
    text = f"website:\n  title: Small\n  sidebar:\n    contents:{entries}\n"
    (folder / "_quarto.yml").write_text(text, encoding="utf-8")
    return load(folder)


def write_chapter(project: Project, name: str, *cells: str) -> None:
    """Write a chapter with these code cells, and then `found` in its text, in place of one that is there."""
    path = project.root / "notebooks" / f"{name}.ipynb"
    notebook = read_notebook(path)
    code = [
        {"cell_type": "code", "execution_count": None, "id": f"cell-{n}", "metadata": {}, "outputs": [], "source": cell}
        for n, cell in enumerate(cells)
    ]  # fmt: skip
    shown = "`{python} found`" if "found = " in cells[-1] else "The end."
    text = {"cell_type": "markdown", "id": "text", "metadata": {}, "source": shown}
    path.write_text(json.dumps({**notebook, "cells": [notebook["cells"][0], *code, text]}, indent=1), "utf-8")


def kernels(project: Project) -> list[int]:
    """Return the processes of this project's chapters and kernels, and those that they are forked from."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        words = " ".join(process.info["cmdline"] or [])
        if process.info["status"] == psutil.STATUS_ZOMBIE or not any(
            module in words for module in ("course.execute", "course.warm_kernels", "ipykernel_launcher")
        ):
            continue
        try:
            of_project = str(project.root) in words or str(project.root) in str(process.environ())
        except psutil.Error:
            continue
        found += [process.pid] if of_project else []
    return found


def wait_until(condition: Callable[[], object], seconds: float = 20) -> bool:
    """Wait for a condition to become true; tell whether it did."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not condition():
        time.sleep(0.1)
    return bool(condition())


def start_course(project: Project, *words: str, **environment: str) -> subprocess.Popen[str]:
    """Start the command `course` in a project's folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "course", *words],
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What a shell starts in the background ignores Ctrl-C, and hands that on; these tests send it.
        preexec_fn=None if os.name == "nt" else lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def course(project: Project, *words: str, **environment: str) -> tuple[int, str, str]:
    """Run the command `course`; return its exit code, what it printed, and its errors."""
    process = start_course(project, *words, **environment)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err
