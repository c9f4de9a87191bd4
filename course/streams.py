"""Standard streams that are closed, full or no longer read: the command goes on without them.

It runs on a bare Python, as `course setup` does.
"""

from __future__ import annotations

import errno
import io
import os
import sys


class _Output(io.FileIO):
    """A stream of bytes that nobody has to read: after the first error, what is written to it is dropped."""

    error = None  # the first OSError

    def write(self, data):
        try:
            return super().write(data)
        except OSError as error:
            self.error = error
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())  # programs that the command starts write there, too
            os.close(null)
            return len(data)


def make_safe() -> None:
    """Open the standard streams that are closed, and make failed writes to the others harmless."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:  # the next file to be opened would get this number, and with it all that is printed
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        stream = getattr(sys, name)
        if name == "stdin":
            sys.stdin = stream or open(descriptor, encoding="utf-8", closefd=False)  # noqa: SIM115
        elif os.name == "nt" and stream:  # the console of Windows is no file
            stream.reconfigure(errors="replace")
        else:  # and a character that a console lacks becomes a question mark
            safe = io.BufferedWriter(_Output(descriptor, "w", closefd=False))
            encoding = stream.encoding if stream else "utf-8"
            setattr(sys, name, io.TextIOWrapper(safe, encoding, "replace", line_buffering=True))


def failure() -> str:
    """Return why standard output could not be written; nothing if it could, or if its reader had seen enough."""
    sys.stdout.flush()
    error = getattr(getattr(sys.stdout.buffer, "raw", None), "error", None)
    return os.strerror(error.errno) if error and error.errno != errno.EPIPE else ""
