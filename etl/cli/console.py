"""Terminal output: progress bars on a terminal, plain lines elsewhere, JSON on stdout."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

# No markup: brackets in a file name or a cell are text of the sender, not orders to this terminal.
out = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
if not out.is_terminal and "COLUMNS" not in os.environ:
    # Whoever pipes a table wants all of it, not what fits a terminal that is not there.
    out.width = 240
err = Console(stderr=True, highlight=False, markup=False, emoji=False)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """One JSON value on stdout, Vietnamese letters as letters; bytes of file names that are no UTF-8 as JSON escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")
    sys.stdout.flush()


class Bar:
    """A progress bar that can learn its total late."""

    def __init__(self, progress: Progress, text: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(text, total=total)

    def start(self, text: str) -> None:
        """Another stage of the work: counts from nought, its total not known yet."""
        self._progress.remove_task(self._task)
        self._task = self._progress.add_task(text, total=None)

    def extend(self, by: int) -> None:
        """So many more to do than known before."""
        (task,) = self._progress.tasks
        self._progress.update(self._task, total=(task.total or 0) + by)

    def advance(self, by: int = 1) -> None:
        """Further by so many."""
        self._progress.advance(self._task, by)

    def set_done(self, done: int, total: int) -> None:
        """So many of so many."""
        self._progress.update(self._task, completed=done, total=total)


@contextmanager
def show_progress(text: str, total: int | None = None) -> Iterator[Bar]:
    """A bar on stderr while the block runs; nothing when stderr is not a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        yield Bar(progress, text, total)
