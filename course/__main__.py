"""The command `course`; its `setup` works on a bare Python, with nothing installed."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return the exit code."""
    if sys.argv[1:2] == ["setup"]:
        from course.setup import main as setup

        return setup(sys.argv[2:])
    try:
        from course.cli import main as cli
    except ModuleNotFoundError as error:
        print(f"course: {error.name} is not installed here; run 'python -m course setup'", file=sys.stderr)
        return 1
    return cli()


if __name__ == "__main__":
    sys.exit(main())
