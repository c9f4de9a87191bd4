"""Tell how a run goes: a bar per chapter at work on a terminal, plain lines elsewhere, a table at the end.

Steps: chapters are reported as reused, started, at a cell, finished or failed; `at_work` shows them as
they go; `close` prints the table.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Report:
    """What a run tells; `quiet` tells nothing. Safe to call from several threads."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.rows: dict[str, tuple[str, str, str]] = {}
        self.progress: Progress | None = None
        self.bars: dict[str, TaskID] = {}
        self.lock = threading.Lock()

    def say(self, line: str) -> None:
        """Print one line."""
        if self.quiet:
            return
        with self.lock:
            if self.progress:
                self.progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
            else:
                print(line, flush=True)

    def reused(self, name: str, entry: dict[str, Any]) -> None:
        """Note that an earlier result of a chapter is still true."""
        self.rows[name] = (f"{entry['seconds']:.1f}", f"{entry['peak_memory_mb']:.0f}", "reused")

    def started(self, name: str) -> None:
        """Note that a chapter's process starts."""
        if self.progress:
            self.bars[name] = self.progress.add_task(name, total=None, at="starting")
        else:
            self.say(f"{name}: started")

    def cell(self, name: str, number: int, of: int, at: str) -> None:
        """Note which cell a chapter is at, and what stands there."""
        if self.progress:
            self.progress.update(
                self.bars[name], completed=number - 1, total=of, at=f"cell {number} of {of}: {at}"
            )

    def finished(self, name: str, entry: dict[str, Any]) -> None:
        """Note that a chapter finished."""
        self._end(name)
        self.rows[name] = (f"{entry['seconds']:.1f}", f"{entry['peak_memory_mb']:.0f}", "ok")
        if not self.progress:
            self.say(f"{name}: ok, {entry['seconds']:.1f} s")

    def failed(self, name: str, reason: str) -> None:
        """Note that a chapter failed, and where."""
        self._end(name)
        self.rows[name] = ("", "", f"failed: {reason}")
        if not self.progress:
            self.say(f"{name}: failed: {reason}")

    def _end(self, name: str) -> None:
        """Take a chapter's bar away, and move the bar of all chapters."""
        if self.progress:
            self.progress.remove_task(self.bars.pop(name))
            self.progress.advance(self.bars[""])

    @contextmanager
    def at_work(self, names: list[str]) -> Iterator[None]:
        """Show bars while these chapters are executed, if there is a terminal to show them on."""
        if self.quiet or not names or not sys.stdout.isatty():
            yield
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.table import Column

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            TextColumn(
                "{task.fields[at]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")
            ),
        )
        with Progress(*columns, transient=True) as self.progress:
            self.bars[""] = self.progress.add_task(
                "chapters", total=len(names), at=f"{len(names)} to execute"
            )
            try:
                yield
            finally:
                self.progress = None

    def close(self) -> None:
        """Print the table: a row per chapter."""
        if self.quiet:
            return
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        for title, justify in (("chapter", "left"), ("seconds", "right"), ("peak MB", "right"), ("", "left")):
            table.add_column(title, justify=justify, no_wrap=bool(title))  # type: ignore[arg-type]
        for name, row in sorted(self.rows.items()):
            table.add_row(name, *(Text(text) for text in row))
        Console(width=None if sys.stdout.isatty() else 160).print(table)
