"""Say which source notebooks hold outputs: ``python -m course.outputs [NOTEBOOK ...]``.

Sources are kept without outputs, so that a change to a chapter is readable and nothing that a page shows
is older than the run that made it. Without arguments all notebooks in ``notebooks/`` are looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from course.errors import CourseError
from course.project import find_root, read_notebook


def problems(path: Path) -> list[str]:
    """Return a line for each cell of the notebook that holds outputs or an execution count."""
    found = []
    for number, cell in enumerate(read_notebook(path)["cells"], start=1):
        held = [
            name
            for name, is_there in [
                ("outputs", bool(cell.get("outputs"))),
                ("an execution count", cell.get("execution_count") is not None),
            ]
            if is_there
        ]
        if held:
            found.append(
                f"{path}: cell {number} holds {' and '.join(held)}; clear all outputs and save again"
            )
    return found


def main(arguments: Sequence[str]) -> int:
    """Print the problems of the notebooks named; return 1 if there are any."""
    try:
        paths = [Path(argument) for argument in arguments]
        paths = paths or sorted((find_root(Path.cwd()) / "notebooks").glob("*.ipynb"))
        found = [line for path in paths for line in problems(path)]
    except CourseError as error:
        found = [str(error)]
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
