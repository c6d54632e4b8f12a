"""A folder of one's own for servers that run as another account."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def open_room() -> Iterator[Path]:
    """An empty folder that everyone may enter: pytest's own are closed to `nobody`."""
    room = Path(tempfile.mkdtemp(prefix="mr-test-"))
    room.chmod(0o755)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)
