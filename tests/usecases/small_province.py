"""The synthetic province that these tests read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPORT, PERIOD = "movements-half", "2026-S1"


@dataclass(frozen=True)
class Province:
    """A sample on disk with its answer key."""

    folder: Path
    key: dict[str, Any]

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    @property
    def receipts(self) -> Path:
        return self.folder / "receipts.csv"

    @property
    def register(self) -> Path:
        return self.folder / "register"
