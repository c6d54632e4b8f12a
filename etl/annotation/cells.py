"""Marks cells in the XML of one sheet: sets their format, adds cells and rows that the file does not have.

Values, formulas and everything else in the sheet stay byte for byte. Must not know what the marks mean.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from etl.annotation.failures import CannotAnnotate
from etl.annotation.splice import (
    Attributes,
    Edit,
    Node,
    closing_of,
    encode,
    end_of_start_tag,
    place_for,
    set_attributes,
)
from etl.reading.grid import CellRange, cell_name, parse_cell_name
from etl.reading.sidecar import local_name, new_parser

Position = tuple[int, int]
_MERGED: Final = re.compile(rb"""<(?:[\w.-]+:)?mergeCell\s[^<>]*?\bref\s*=\s*["']([A-Za-z0-9:$]+)["']""")
_BEFORE_LEGACY_DRAWING: Final = (
    "sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetCalcPr", "sheetProtection",
    "protectedRanges", "scenarios", "autoFilter", "sortState", "dataConsolidate", "customSheetViews", "mergeCells",
    "phoneticPr", "conditionalFormatting", "dataValidations", "hyperlinks", "printOptions", "pageMargins", "pageSetup",
    "headerFooter", "rowBreaks", "colBreaks", "customProperties", "cellWatches", "ignoredErrors", "smartTags", "drawing",
)  # fmt: skip
"""ECMA-376 part 1, 18.3.1.99: what stands before the link to the comment boxes."""
_MOST_MERGED: Final = 50_000
"""As many as are read; a file that has more gets no answer about its cells anyway."""
_DEFAULT_WIDTH: Final = 9.14
_DEFAULT_HEIGHT: Final = 15.0


@dataclass(slots=True)
class _Row:
    """A row that has marks: its tag and, of each cell, (column, start, format)."""

    tag: str
    attributes: Attributes
    start: int
    opened: int
    closing: int = 0
    end: int = 0
    cells: list[tuple[int, int, int]] = field(default_factory=list)


@dataclass(slots=True)
class SheetLayout:
    """What was found in a sheet part, zero-based: the wanted rows, the root with its children, widths and heights."""

    root: Node
    rows: dict[int, list[_Row]] = field(default_factory=dict)
    insert_at: dict[int, int] = field(default_factory=dict)
    columns: list[tuple[int, int, float, int]] = field(default_factory=list)
    """First and last column, width in characters, format."""
    heights: dict[int, float] = field(default_factory=dict)
    default_height: float = _DEFAULT_HEIGHT
    default_width: float = _DEFAULT_WIDTH

    def width_of(self, column: int) -> float:
        """Width in characters; 0 for a hidden column."""
        return next((width for first, last, width, _ in self.columns if first <= column <= last), self.default_width)

    def height_of(self, row: int) -> float:
        """Height in points; 0 for a hidden row."""
        return self.heights.get(row, self.default_height)

    def column_format(self, column: int) -> int:
        """The format a blank cell of the column has."""
        return next((style for first, last, _, style in self.columns if first <= column <= last), 0)


def find_merged(part: bytes) -> list[CellRange]:
    """The merged ranges of a sheet part."""
    found: list[CellRange] = []
    after_cells = max(part.rfind(b"sheetData>"), part.rfind(b"sheetData/>"), 0)
    for match in islice(_MERGED.finditer(part, after_cells), _MOST_MERGED):
        first, _, last = match[1].decode().partition(":")
        try:
            found.append((*parse_cell_name(first), *parse_cell_name(last or first)))
        except ValueError:
            continue
    return found


def anchor_of(position: Position, merged: Iterable[CellRange]) -> Position:
    """The top left cell of the merged range the position is in, else the position: the one that is shown."""
    return find_anchors([position], merged)[position]


def find_anchors(positions: Iterable[Position], merged: Iterable[CellRange]) -> dict[Position, Position]:
    """Each position with its anchor (`anchor_of`). One walk over the ranges, each looking only at its own rows."""
    left = sorted(set(positions))
    anchors = {position: position for position in left}
    for first_row, first_column, last_row, last_column in merged:
        start, end = bisect_left(left, (first_row, 0)), bisect_left(left, (last_row + 1, 0))
        inside = [place for place in left[start:end] if first_column <= place[1] <= last_column]
        if inside:
            anchors.update(dict.fromkeys(inside, (first_row, first_column)))
            # The first range counts: what has its anchor need not be looked at again.
            left[start:end] = [place for place in left[start:end] if not first_column <= place[1] <= last_column]
    return anchors


def scan_sheet(part: bytes, wanted_rows: Iterable[int]) -> SheetLayout:
    """Find the rows (zero-based) in a sheet part. Raises expat.ExpatError, SidecarError, CannotAnnotate."""
    scanner = _Scanner(part, sorted(set(wanted_rows)))
    scanner.parser.Parse(part, True)
    if scanner.layout is None or scanner.layout.root.child("sheetData") is None:
        raise CannotAnnotate("a sheet has no table of cells")
    return scanner.layout


def mark_cells(part: bytes, layout: SheetLayout, marks: Mapping[Position, Callable[[int], int]]) -> list[Edit]:
    """The edits that give each position a new format: `marks` makes it from the index of the cell's present format."""
    edits: list[Edit] = []
    by_row: dict[int, list[int]] = {}
    for row, column in sorted(marks):
        by_row.setdefault(row, []).append(column)
    sheet_data = layout.root.child("sheetData")
    if sheet_data is None:
        raise CannotAnnotate("a sheet has no table of cells")
    added_rows: dict[int, list[bytes]] = {}
    for row, columns in by_row.items():
        if row in layout.rows:
            edits += _mark_row(part, layout, row, {column: marks[row, column] for column in columns})
            continue
        prefix = sheet_data.prefix
        cells = "".join(
            _write_cell(prefix, row, column, marks[row, column](layout.column_format(column))) for column in columns
        )
        new = encode(f'<{prefix}row r="{row + 1}">{cells}</{prefix}row>')
        added_rows.setdefault(layout.insert_at.get(row, sheet_data.closing), []).append(new)
    for place, rows in added_rows.items():
        if sheet_data.opened == sheet_data.end:
            tag = part[sheet_data.start : sheet_data.opened - 2].rstrip() + b">"
            edits.append((sheet_data.start, sheet_data.end, tag + b"".join(rows) + encode(f"</{sheet_data.tag}>")))
        else:
            edits.append((place, place, b"".join(rows)))
    return edits


def link_drawing(layout: SheetLayout, relation: str, namespace: str) -> Edit:
    """The edit that links the sheet to its part of comment boxes."""
    place = place_for(layout.root, _BEFORE_LEGACY_DRAWING)
    tag = f'<{layout.root.prefix}legacyDrawing xmlns:ghichu="{namespace}" ghichu:id="{relation}"/>'
    known = next(
        (key[6:] for key, value in layout.root.attributes.items() if key.startswith("xmlns:") and value == namespace),
        None,
    )
    if known is not None:
        tag = f'<{layout.root.prefix}legacyDrawing {known}:id="{relation}"/>'
    return place, place, encode(tag)


def _mark_row(part: bytes, layout: SheetLayout, row: int, marks: Mapping[int, Callable[[int], int]]) -> list[Edit]:
    edits: list[Edit] = []
    left = dict(marks)
    found = layout.rows[row]
    for element in found:
        for column, start, style in element.cells:
            if column in marks:
                opened = end_of_start_tag(part, start)
                tag = set_attributes(part[start:opened], {"s": str(marks[column](style))})
                edits.append((start, opened, tag))
                left.pop(column, None)
    if not left:
        return edits
    element = found[0]
    row_style = (
        _number(element.attributes.get("s")) if element.attributes.get("customFormat") in {"1", "true"} else None
    )
    prefix = element.tag[: -len("row")]
    tag = part[element.start : element.opened]
    if "spans" in element.attributes:
        # A hint of the columns in use; one that leaves out a cell is called damage.
        tag = set_attributes(tag, {"spans": None})
    inserted: dict[int, list[str]] = {}
    for column in sorted(left):
        base = layout.column_format(column) if row_style is None else row_style
        place = next((start for other, start, _ in element.cells if other > column), element.closing)
        inserted.setdefault(place, []).append(_write_cell(prefix, row, column, left[column](base)))
    if element.opened == element.end:
        cells = "".join(cell for group in inserted.values() for cell in group)
        return [*edits, (element.start, element.end, tag[:-2].rstrip() + b">" + encode(f"{cells}</{element.tag}>"))]
    if tag != part[element.start : element.opened]:
        edits.append((element.start, element.opened, tag))
    return [*edits, *((place, place, encode("".join(cells))) for place, cells in inserted.items())]


def _write_cell(prefix: str, row: int, column: int, style: int) -> str:
    return f'<{prefix}c r="{cell_name(row, column)}" s="{style}"/>'


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() else 0


def _measure(text: str | None, otherwise: float) -> float:
    try:
        return float(text) if text is not None else otherwise
    except ValueError:
        return otherwise


class _Scanner:
    """Expat callbacks for a sheet part: its cells may be a million, so only wanted rows are kept."""

    def __init__(self, part: bytes, wanted: list[int]) -> None:
        self._part = part
        self._wanted = wanted
        self._known = frozenset(wanted)
        self._passed = 0
        self._depth = 0
        self._row_number = -1
        self._row: _Row | None = None
        self._column = -1
        self._names: dict[str, str] = {}
        self._open: list[Node] = []
        self.layout: SheetLayout | None = None
        self.parser = new_parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _start(self, tag: str, attributes: Attributes) -> None:
        name = self._names.get(tag)
        if name is None:
            name = self._names[tag] = local_name(tag)
        if self._depth < 2:
            self._keep_element(tag, attributes)
        elif name == "c":
            if self._row is not None:
                self._keep_cell(attributes)
        elif name == "row" and self._depth == 2:
            self._start_row(tag, attributes)
        elif name == "col" and self._depth == 2 and self.layout is not None:
            first, last = _number(attributes.get("min")) - 1, _number(attributes.get("max")) - 1
            width = _measure(attributes.get("width"), self.layout.default_width)
            hidden = attributes.get("hidden") in {"1", "true"}
            self.layout.columns.append((first, last, 0.0 if hidden else width, _number(attributes.get("style"))))
        self._depth += 1

    def _end(self, _: str) -> None:
        self._depth -= 1
        if self._depth < 2:
            element = self._open.pop()
            element.closing, element.end = closing_of(self._part, element.opened, self.parser.CurrentByteIndex)
            if element.name == "sheetData" and self.layout is not None:
                for row in self._wanted[self._passed :]:
                    self.layout.insert_at[row] = element.closing
        elif self._depth == 2 and self._row is not None:
            self._row.closing, self._row.end = closing_of(self._part, self._row.opened, self.parser.CurrentByteIndex)
            self._row = None

    def _keep_element(self, tag: str, attributes: Attributes) -> None:
        place = self.parser.CurrentByteIndex
        element = Node(tag, attributes, place, end_of_start_tag(self._part, place))
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.layout = SheetLayout(element)
        self._open.append(element)
        if element.name == "sheetFormatPr" and self.layout is not None:
            self.layout.default_height = _measure(attributes.get("defaultRowHeight"), _DEFAULT_HEIGHT)
            self.layout.default_width = _measure(attributes.get("defaultColWidth"), _DEFAULT_WIDTH)

    def _start_row(self, tag: str, attributes: Attributes) -> None:
        layout = self.layout
        if layout is None:
            return
        number = attributes.get("r")
        self._row_number = _number(number) - 1 if number is not None else self._row_number + 1
        row, place = self._row_number, self.parser.CurrentByteIndex
        if attributes.get("hidden") in {"1", "true"}:
            layout.heights[row] = 0.0
        elif "ht" in attributes:
            layout.heights[row] = _measure(attributes["ht"], layout.default_height)
        while self._passed < len(self._wanted) and self._wanted[self._passed] < row:
            layout.insert_at[self._wanted[self._passed]] = place
            self._passed += 1
        if self._passed < len(self._wanted) and self._wanted[self._passed] == row:
            self._passed += 1
        elif row not in self._known:
            return
        self._row = _Row(tag, attributes, place, end_of_start_tag(self._part, place))
        self._column = -1
        layout.rows.setdefault(row, []).append(self._row)

    def _keep_cell(self, attributes: Attributes) -> None:
        reference = attributes.get("r")
        self._column = self._column + 1 if reference is None else parse_cell_name(reference)[1]
        if self._row is not None:
            self._row.cells.append((self._column, self.parser.CurrentByteIndex, _number(attributes.get("s"))))
