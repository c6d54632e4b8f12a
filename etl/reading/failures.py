"""Why a file could not be read: stable names that become finding codes.

Must stay import-light (the reading child loads it) and holds no sentence for the sender: those are in the catalogue.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePosixPath
from typing import NamedTuple

from etl.reading.grid import WorkbookFormat


class ReadingFailure(StrEnum):
    """The reasons. All are about the sender's file; our own faults are exceptions (`ReaderFaultError`)."""

    FILE_EMPTY = "FILE_EMPTY"
    """No bytes, or nothing but white space and NUL bytes."""
    FILE_UNREADABLE = "FILE_UNREADABLE"
    """Damaged, cut short, or refused (entity declarations)."""
    FILE_ENCRYPTED = "FILE_ENCRYPTED"
    """Protected by a password to open."""
    FILE_TOO_LARGE = "FILE_TOO_LARGE"
    """Detail: bytes, archive (would unpack to too much), memory, cells, text, sheets, merged or depth."""
    FILE_TIMEOUT = "FILE_TIMEOUT"
    """Not read within the seconds allowed."""
    FILE_NOT_WORKBOOK = "FILE_NOT_WORKBOOK"
    """Another kind of file. Detail: a `FileFormat` value such as pdf, docx, html, image, unknown."""
    FILE_NO_SHEETS = "FILE_NO_SHEETS"
    """A workbook without a single sheet."""
    JSON_SYNTAX = "JSON_SYNTAX"
    """Looks like JSON and is none. Detail: line and character, in Vietnamese."""
    JSON_ENCODING = "JSON_ENCODING"
    """JSON in another encoding than UTF-8."""


class FailedReading(NamedTuple):
    """A failure and a stable word that says which case of it; never text out of the file."""

    failure: ReadingFailure
    detail: str = ""


class ReaderFaultError(RuntimeError):
    """The reader itself cannot work (the child does not start): our fault, never a finding."""


_EXTENSIONS: dict[WorkbookFormat, tuple[str, ...]] = {
    "xlsx": (".xlsx", ".xltx"),
    "xlsm": (".xlsm", ".xltm"),
    "xls": (".xls", ".xlt"),
    "ods": (".ods", ".ots"),
    "csv": (".csv", ".txt", ".tsv"),
    "json": (".json",),
}


def wrong_extension(name: str, workbook_format: WorkbookFormat) -> str | None:
    """The extension that the content asks for (".xlsx") when the file name has another; None when the name is right."""
    right = _EXTENSIONS[workbook_format]
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower().rstrip()
    return None if suffix in right else right[0]
