"""What Quarto runs before it renders: stage the course, with the Python that has the packages.

Steps: refuse to put single pages into a site of the embedded renderer; find that Python; let it run ``course stage``,
which executes only what is stale.

Quarto starts this as a script, with whatever Python it finds; so it needs nothing but the standard library.
"""

from __future__ import annotations

import os
import sys

# A script's folder comes first where Python looks for modules, and this one holds a `site` and a `run`.
if __name__ == "__main__" and sys.path[0] == os.path.dirname(os.path.abspath(__file__)):  # noqa: PTH100, PTH120
    del sys.path[0]

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run ``course stage`` and return its exit code."""
    if would_mix():
        print(
            "course: the site was made by the embedded renderer, and a page of Quarto's would not fit in; "
            "render all of it once: quarto render",
            file=sys.stderr,
        )
        return 1
    python = find_python()
    if python is None:
        print("course: the packages are not installed; run 'make setup' first", file=sys.stderr)
        return 1
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.call([python, "-m", "course", "stage"], cwd=ROOT, env=environment)


def would_mix() -> bool:
    """Return True if Quarto renders single pages into a site that the embedded renderer made."""
    folder, all_pages = (os.environ.get(f"QUARTO_PROJECT_{name}") for name in ("OUTPUT_DIR", "RENDER_ALL"))
    home = ROOT / folder / "index.html" if folder and not all_pages else None
    return bool(home and home.is_file() and 'content="embedded renderer' in home.read_text(encoding="utf-8"))


def find_python() -> str | None:
    """Return the Python of ``COURSE_PYTHON``, else of ``.venv``, else this one if it has the packages."""
    if os.environ.get("COURSE_PYTHON"):
        return os.environ["COURSE_PYTHON"]
    inside = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    for python in (str(ROOT / ".venv" / inside), sys.executable):
        if Path(python).exists() and has_packages(python):
            return python
    return None


def has_packages(python: str) -> bool:
    """Return True if this Python can run the course."""
    code = (
        "import importlib.util as u, sys; sys.exit(not (u.find_spec('papermill') and u.find_spec('noise')))"
    )
    return subprocess.call([python, "-c", code], stderr=subprocess.DEVNULL) == 0


if __name__ == "__main__":
    sys.exit(main())
