"""The command `course`; its `setup` works on a bare Python, with nothing installed."""

from __future__ import annotations

import sys

from course import streams


def main() -> int:
    """Run the command line and return the exit code."""
    streams.make_safe()
    try:
        code = _run()
    except KeyboardInterrupt:  # while modules are imported
        return 130
    why = streams.failure()
    if why:
        print(f"course: standard output: {why}", file=sys.stderr)
    return 1 if why and not code else code


def _run() -> int:
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
