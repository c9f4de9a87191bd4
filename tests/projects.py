"""Small courses for the tests: a folder with `_quarto.yml`, `helpers` and notebooks out of `tests/fixtures`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from course.project import Project, load

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
