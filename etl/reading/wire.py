"""What passes through the pipes between the reader pool and its children: frames, and a workbook or failure as JSON.

Must stay import-light: the reading child loads it. JSON and not pickle, because a child that a hostile file has taken
over must not be able to run anything in its parent; whatever does not decode is a broken child.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

from etl.reading.document import unpack
from etl.reading.failures import FailedReading, ReadingFailure
from etl.reading.grid import Cell, CellKind, CellRange, Sheet, Workbook, WorkbookFormat

FRAME_HEADER = struct.Struct(">Q")
"""Before every frame: the count of its bytes."""

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""What a workbook within its limits of cells and text can come to, escapes included. The parent holds some of these."""

READY = b"ready"
"""The first frame of a child, once it has imported what it needs and set its limits."""

_LETTERS = {kind: kind.value[0] for kind in CellKind}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}
_FORMATS = frozenset({"xlsx", "xlsm", "xls", "ods", "csv"})


class Packed(NamedTuple):
    """A JSON submission as it goes over the wire (`etl.reading.document`)."""

    document: list[Any] | None


class Answer(NamedTuple):
    """The child's answer, and the most memory it has held so far (bytes)."""

    result: Workbook | FailedReading
    peak_bytes: int


class SheetDraft:
    """Collects the cells of one sheet column-wise, as they go over the wire."""

    __slots__ = ("body", "columns", "formats", "kinds", "rows", "texts")

    def __init__(self, name: str, visible: bool, merged: list[CellRange]) -> None:
        self.rows: list[int] = []
        self.columns: list[int] = []
        self.kinds: list[str] = []
        self.texts: list[str] = []
        self.formats: list[str | None] = []
        self.body: dict[str, object] = {"name": name, "visible": visible, "merged": merged}

    def hide(self, rows: Iterable[tuple[int, int]], columns: Iterable[tuple[int, int]]) -> None:
        """Notes which of the rows and columns that hold cells lie in these ranges (first, last) of hidden ones."""
        for name, ranges, used in (("hr", rows, self.rows), ("hc", columns, self.columns)):
            if found := _find_within(sorted(set(used)), sorted(ranges)):
                self.body[name] = found

    def sort(self) -> None:
        """Puts the cells in the order of rows, then columns."""
        order = sorted(range(len(self.rows)), key=lambda at: (self.rows[at], self.columns[at]))
        self.rows = [self.rows[at] for at in order]
        self.columns = [self.columns[at] for at in order]
        self.kinds = [self.kinds[at] for at in order]
        self.texts = [self.texts[at] for at in order]
        self.formats = [self.formats[at] for at in order]

    def add(self, row: int, column: int, kind: CellKind, text: str, number_format: str | None = None) -> None:
        """Adds one cell at a zero-based position."""
        self.rows.append(row)
        self.columns.append(column)
        self.kinds.append(_LETTERS[kind])
        self.texts.append(text)
        self.formats.append(number_format)


def _find_within(places: Iterable[int], ranges: Sequence[tuple[int, int]]) -> list[int]:
    """Those of the places, both sorted, that lie in a range. One walk: a filtered sheet hides 100,000 rows one by one."""
    found = []
    at, reach = 0, -1
    for place in places:
        while at < len(ranges) and ranges[at][0] <= place:
            reach = max(reach, ranges[at][1])
            at += 1
        if place <= reach:
            found.append(place)
    return found


def encode_workbook(workbook_format: str, sheets: list[SheetDraft] | Packed, peak_bytes: int) -> bytes:
    """The answer frame for a workbook, or for a JSON submission."""
    if isinstance(sheets, Packed):
        return _dump({"peak": peak_bytes, "format": workbook_format, "document": sheets.document})
    codes: dict[str | None, int] = {None: 0}
    bodies = []
    for sheet in sheets:
        indexes = [codes.setdefault(code, len(codes)) for code in sheet.formats]
        bodies.append(
            sheet.body
            | {"r": sheet.rows, "c": sheet.columns, "k": "".join(sheet.kinds), "t": sheet.texts, "f": indexes}
        )
    return _dump({"peak": peak_bytes, "format": workbook_format, "codes": list(codes), "sheets": bodies})


def encode_failure(failed: FailedReading, peak_bytes: int) -> bytes:
    """The answer frame for a failure."""
    return _dump({"peak": peak_bytes, "failure": failed.failure.value, "detail": failed.detail})


def _dump(body: dict[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", errors="replace")


def decode_answer(frame: bytes | bytearray) -> Answer:
    """The answer in a frame. Raises ValueError for anything that a sound child does not send."""
    try:
        body = json.loads(frame)
        peak = int(body["peak"])
        if "failure" in body:
            return Answer(FailedReading(ReadingFailure(body["failure"]), str(body["detail"])), peak)
        if body["format"] == "json":
            return Answer(Workbook("json", (), unpack(body["document"])), peak)
        if body["format"] not in _FORMATS:
            raise ValueError("format")
        codes: list[str | None] = body["codes"]
        sheets = tuple(_decode_sheet(sheet, codes) for sheet in body["sheets"])
        return Answer(Workbook(cast(WorkbookFormat, body["format"]), sheets), peak)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise ValueError("the reading child sent something that is not an answer") from error


def _decode_sheet(body: dict[str, Any], codes: list[str | None]) -> Sheet:
    rows, columns = body["r"], body["c"]
    kinds = [_KINDS[letter] for letter in body["k"]]
    formats = [codes[index] for index in body["f"]]
    filled = zip(kinds, body["t"], formats, strict=True)
    cells = dict(zip(zip(rows, columns, strict=True), map(Cell._make, filled), strict=True))
    merged = tuple((int(a), int(b), int(c), int(d)) for a, b, c, d in body["merged"])
    hidden_rows, hidden_columns = (frozenset(map(int, body.get(name, ()))) for name in ("hr", "hc"))
    return Sheet(str(body["name"]), bool(body["visible"]), cells, merged, hidden_rows, hidden_columns)
