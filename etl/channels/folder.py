"""A drop folder as a channel: every file in it, named by its path within the folder. Reads only; never moves or deletes."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from etl.calendar.deadlines import TIMEZONE

# Lock files of office programs, hidden files, and names that programs give to a file still being written.
_UNFINISHED_PREFIXES = (".", "~$", ".~")
_UNFINISHED_SUFFIXES = (".part", ".tmp", ".crdownload", ".download", ".filepart")


class BadReceipts(ValueError):
    """A receipts file that cannot be used; names file, line and reason."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file found: `locator` names it within the channel, `folder` is the sub-folder it lay in ("" at the top)."""

    path: Path
    locator: str
    folder: str


def list_files(paths: Sequence[Path]) -> Iterator[Dropped]:
    """Files under the given folders (recursively) and files given themselves, in locator order.

    Raises FileNotFoundError for a path that does not exist: a typing error must not look like an empty folder.
    """
    found: dict[str, Dropped] = {}
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"{path}: no such file or folder")
        candidates = [path] if path.is_file() else sorted(item for item in path.rglob("*") if item.is_file())
        root = path.parent if path.is_file() else path
        for item in candidates:
            inner = item.relative_to(root)
            if any(part.startswith(_UNFINISHED_PREFIXES) for part in inner.parts) or item.name.endswith(
                _UNFINISHED_SUFFIXES
            ):
                continue
            locator = unicodedata.normalize("NFC", inner.as_posix())
            folder = unicodedata.normalize("NFC", inner.parent.as_posix())
            found.setdefault(locator, Dropped(item, locator, "" if folder == "." else folder))
    yield from (found[locator] for locator in sorted(found))


def read_receipts(file: Path) -> dict[str, datetime]:
    """Locator -> receipt instant from a CSV `file,received_at` (ISO with an offset). Simulated provinces only.

    Raises BadReceipts with file, line and reason.
    """
    receipts: dict[str, datetime] = {}
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        if reader.fieldnames is None or not {"file", "received_at"} <= set(reader.fieldnames):
            raise BadReceipts(f"{file}:1: the columns must be file,received_at")
        for row in reader:
            try:
                instant = datetime.fromisoformat(row["received_at"])
            except (ValueError, TypeError) as error:
                raise BadReceipts(f"{file}:{reader.line_num}: received_at is no ISO instant") from error
            if instant.tzinfo is None:
                instant = instant.replace(tzinfo=TIMEZONE)
            receipts[unicodedata.normalize("NFC", row["file"])] = instant
    return receipts
