"""Terminal output: progress bars on a terminal, plain lines elsewhere, JSON on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, highlight=False)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """One JSON value on stdout, Vietnamese letters as letters."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=indent) + "\n")
    sys.stdout.flush()


class Bar:
    """A progress bar that can learn its total late."""

    def __init__(self, progress: Progress, text: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(text, total=total)

    def advance(self, by: int = 1) -> None:
        """Further by so many."""
        self._progress.advance(self._task, by)

    def set_total(self, total: int) -> None:
        """The whole is known now (or grew)."""
        self._progress.update(self._task, total=total)

    def set_done(self, done: int, total: int) -> None:
        """So many of so many."""
        self._progress.update(self._task, completed=done, total=total)


@contextmanager
def show_progress(text: str, total: int | None = None) -> Iterator[Bar]:
    """A bar on stderr while the block runs; nothing when stderr is not a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        yield Bar(progress, text, total)
