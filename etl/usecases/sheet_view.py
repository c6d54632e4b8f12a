"""A sender's workbook as rows of cells to be shown, faulty ones marked. Read in a child process like every file from outside.

Bounded: what is beyond the bounds is counted and told, never drawn. Texts are as the sender typed them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from etl.annotation.annotate import MARKABLE
from etl.findings.model import Finding
from etl.forms.declaration import Form
from etl.reading.failures import FailedReading
from etl.reading.grid import Cell, CellKind, Sheet, Workbook, column_name, parse_cell_name
from etl.reading.pool import ReaderPool
from etl.recognition.documents import lay_out_forms
from etl.recognition.identity import read_metadata
from etl.recognition.legacy import convert_workbook
from etl.recognition.tables import find_forms
from etl.text import format_number

MOST_ROWS: Final = 300
MOST_COLUMNS: Final = 40
LONGEST: Final = 400
_MOST_MERGED: Final = 4 * MOST_ROWS * MOST_COLUMNS
_WORST: Final = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class ShownCell:
    """One cell. `severity`: of the worst finding there ("" for none); `notes`: what was found, as texts; `name` is its A1."""

    name: str
    text: str
    severity: str = ""
    notes: tuple[str, ...] = ()
    is_number: bool = False
    columns: int = 1
    rows: int = 1


@dataclass(frozen=True, slots=True)
class ShownSheet:
    """One sheet. `rows`: (number of the row, its cells), without those a merged cell covers. `beyond`: cells not shown."""

    name: str
    visible: bool
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[int, tuple[ShownCell, ...]], ...] = ()
    marks: int = 0
    beyond: int = 0


@dataclass(frozen=True, slots=True)
class ShownWorkbook:
    """The sheets in order of their tabs; `refusal` (a code of reading) where the file cannot be read."""

    sheets: tuple[ShownSheet, ...] = ()
    refusal: str = ""
    loose: tuple[Finding, ...] = field(default=())
    """Findings that name no cell of a sheet here."""
    can_be_marked: bool = False
    """Whether a copy with the findings marked can be made of the file."""


def show_workbook(
    pool: ReaderPool,
    data: bytes,
    findings: Sequence[Finding],
    wanted: str = "",
    forms: Mapping[str, Form] | None = None,
) -> ShownWorkbook:
    """The workbook with its findings. Only the sheet `wanted` has its rows (default: the first with a finding, else the first
    that holds a form: before it lies the page that says how to fill in); of the others the name and number of marks are given.
    `forms`: a JSON submission is laid out by them, a sheet a form, its rows and columns named by their codes; without them it
    has no sheets. Raises ReaderFaultError."""
    read = next(pool.read([(0, data)]))[1]
    if isinstance(read, FailedReading):
        return ShownWorkbook(refusal=read.failure.value, loose=tuple(findings))
    heads: dict[str, dict[int, str]] = {}
    if read.format == "json":
        tables = lay_out_forms(read.document, forms or {}, None).tables
        heads = {form: {place: code for code, place in table.columns.items()} for form, table in tables.items()}
        read = Workbook("json", tuple(table.sheet for table in tables.values()))
    marks: dict[str, dict[tuple[int, int], list[Finding]]] = {}
    loose = []
    names = {sheet.name: sheet for sheet in read.sheets}
    for finding in findings:
        place = _place_of(finding, names.get(finding.sheet or ""))
        if place is not None:
            marks.setdefault(finding.sheet or "", {}).setdefault(place, []).append(finding)
        else:
            loose.append(finding)
    chosen = wanted if wanted in names else _choose(read, marks, forms or {})
    return ShownWorkbook(
        tuple(
            _show(sheet, marks.get(sheet.name, {}), heads.get(sheet.name, {}), with_rows=sheet.name == chosen)
            for sheet in read.sheets
        ),
        loose=tuple(loose),
        can_be_marked=read.format in MARKABLE,
    )


def _choose(read: Workbook, marks: Mapping[str, object], forms: Mapping[str, Form]) -> str:
    marked = [sheet.name for sheet in read.sheets if sheet.name in marks]
    if not marked and read.format != "json":
        found = find_forms(convert_workbook(read), forms, read_metadata(read))
        holding = {table.sheet.name for table in found.tables.values()}
        marked = [sheet.name for sheet in read.sheets if sheet.name in holding]
    seen = [sheet.name for sheet in read.sheets if sheet.visible and sheet.cells]
    return (marked or seen or [read.sheets[0].name] if read.sheets else [""])[0]


def _place_of(finding: Finding, sheet: Sheet | None) -> tuple[int, int] | None:
    if sheet is None:
        return None
    if sheet.pointers is not None:
        return next((place for place, pointer in sheet.pointers.items() if pointer == finding.cell), None)
    try:
        return parse_cell_name(finding.cell or "")
    except ValueError:
        return None


def _show(
    sheet: Sheet, marks: Mapping[tuple[int, int], Sequence[Finding]], heads: Mapping[int, str], *, with_rows: bool
) -> ShownSheet:
    if not with_rows:
        return ShownSheet(sheet.name, sheet.visible, marks=len(marks))
    places = {**dict.fromkeys(sheet.cells), **dict.fromkeys(marks)}
    if not places:
        return ShownSheet(sheet.name, sheet.visible)
    # Rows that hold something, not a dense grid: one cell in row 1,048,576 must not draw a million rows.
    rows = sorted({row for row, _ in places})
    last_column = min(max(column for _, column in places), MOST_COLUMNS - 1)
    # A row with a mark is drawn wherever it lies.
    first = set(rows[:MOST_ROWS]) | {row for row, _ in list(marks)[:MOST_ROWS]}
    spans, covered = _find_spans(sheet, last_column, first)
    found = {place: list(own) for place, own in marks.items() if place not in covered}
    for place in marks.keys() & covered.keys():
        # What is found under a merged cell is shown in it.
        found.setdefault(covered[place], []).extend(marks[place])
    shown = []
    for row in sorted(first):
        cells = [
            _show_cell(sheet.cells.get((row, column)), sheet, row, column, found.get((row, column), ()), spans)
            for column in range(last_column + 1)
            if (row, column) not in covered
        ]
        shown.append((row + 1, tuple(cells)))
    beyond = sum(1 for row, column in sheet.cells if row not in first or column > last_column)
    names = tuple(
        column_name(column) if sheet.pointers is None else heads.get(column, "") for column in range(last_column + 1)
    )
    return ShownSheet(sheet.name, sheet.visible, names, tuple(shown), len(marks), beyond)


def _find_spans(
    sheet: Sheet, last_column: int, rows: set[int]
) -> tuple[dict[tuple[int, int], tuple[int, int]], dict[tuple[int, int], tuple[int, int]]]:
    """Merged cells that lie wholly in what is shown: upper left → (columns, rows); and the places they cover → upper left."""
    spans: dict[tuple[int, int], tuple[int, int]] = {}
    covered: dict[tuple[int, int], tuple[int, int]] = {}
    work = 0
    for top, left, bottom, right in sheet.merged:
        if right > last_column or bottom - top > MOST_ROWS or any(row not in rows for row in range(top, bottom + 1)):
            continue
        # Thousands of large merges over each other would keep the server busy: those of an honest sheet lie side by side.
        work += (bottom - top + 1) * (right - left + 1)
        if work > _MOST_MERGED:
            break
        inside = {(row, column) for row in range(top, bottom + 1) for column in range(left, right + 1)}
        if inside & covered.keys() or inside & spans.keys():
            continue
        spans[top, left] = (right - left + 1, bottom - top + 1)
        covered |= dict.fromkeys(inside - {(top, left)}, (top, left))
    return spans, covered


def _show_cell(
    cell: Cell | None,
    sheet: Sheet,
    row: int,
    column: int,
    found: Sequence[Finding],
    spans: Mapping[tuple[int, int], tuple[int, int]],
) -> ShownCell:
    columns, rows = spans.get((row, column), (1, 1))
    severity = min((finding.severity.value for finding in found), key=_WORST.index, default="")
    notes = tuple(f"{finding.message} {finding.fix}".strip() for finding in found)
    text = "" if cell is None else _text_of(cell)
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}…"
    number = cell is not None and cell.kind is CellKind.NUMBER
    # Of a JSON submission a place that the document does not have has no name.
    name = sheet.name_cell(row, column) if sheet.has_place((row, column)) else ""
    return ShownCell(name, text, severity, notes, number, columns, rows)


def _text_of(cell: Cell) -> str:
    """As the sender sees it, near enough: percents as percents, dates as dates, numbers with a decimal comma."""
    if cell.kind is CellKind.NUMBER:
        from decimal import Decimal, InvalidOperation

        try:
            value = Decimal(cell.text)
        except InvalidOperation:
            return cell.text
        if cell.number_format and "%" in cell.number_format:
            return f"{format_number(value * 100)}%"
        return format_number(value) if abs(value) < 10**18 else cell.text
    if cell.kind is CellKind.DATE:
        day, _, time = cell.text.partition("T")
        year, month, date = day.split("-")
        return f"{date}/{month}/{year}" + (f" {time[:5]}" if time else "")
    if cell.kind is CellKind.BOOLEAN:
        return "ĐÚNG" if cell.text == "TRUE" else "SAI"
    return cell.text
