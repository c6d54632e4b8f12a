"""One form's table to parsed cells: rows by their codes, list rows by their keys. Pure.

Fixed tables (fields, matrix) and lists differ only in how a row is named; both keep coordinates and raw text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from etl.findings.catalogue import Catalogue
from etl.forms.declaration import FIELD_COLUMN, LIST_KEY_SEPARATOR, CellKey, Column, Kind, Value
from etl.parsing.submission import ListRow, ParsedCell, ParsedSubmission, missing_columns, shorten
from etl.parsing.values import ParsedValue, parse_value, read_date
from etl.reading.grid import Cell, CellKind, cell_name
from etl.recognition.tables import Table, find_label, is_row_code, read_code, read_text, suggest
from etl.text import format_date, format_number

_NUMERIC_TEXT = re.compile(r"^[-+(]?\d[\d.,\s%)]*$")
Place = tuple[int, int]
MOST_ROWS = 10_000
"""Rows of a list that are read; more than any unit has, few enough for a worker."""
MOST_SUGGESTIONS = 50
ABSENT = ParsedValue(missing="absent")


@dataclass(frozen=True, slots=True)
class AskedRow:
    """A row that a list form must have: its key column values in order, and their names for the message."""

    codes: tuple[str, ...]
    names: tuple[str, ...]


Resolver = Callable[[str, Mapping[str, str]], str | None]
"""(raw text, references resolved so far) -> canonical code, or None when nothing is known by that text."""


@dataclass(frozen=True, slots=True)
class ListFacts:
    """What the register says about list rows: how keys are named, which rows are owed, which rows count whole things.

    `asked` None means the rows owed are not known (unit or period unknown).
    """

    resolvers: Mapping[str, Resolver]
    known_names: Mapping[str, list[str]]
    asked: list[AskedRow] | None
    is_counted: Callable[[Mapping[str, str]], bool]


def parse_table(table: Table, parsed: ParsedSubmission, catalogue: Catalogue, facts: ListFacts) -> None:
    """Parse one table into `parsed`."""
    parsed.versions[table.form] = table.version
    _report_columns(table, parsed, catalogue)
    if table.version.kind is Kind.LIST:
        _parse_list(table, parsed, catalogue, facts)
    else:
        _parse_fixed(table, parsed, catalogue)


def _report_columns(table: Table, parsed: ParsedSubmission, catalogue: Catalogue) -> None:
    sheet, form = table.sheet, table.form
    for code, label in missing_columns(table):
        parsed.findings.append(
            catalogue.make_finding("COLUMN-MISSING", form=form, sheet=sheet.name, column=code, label=label)
        )
    for code, column in table.doubled:
        parsed.findings.append(
            catalogue.make_finding(
                "COLUMN-DUPLICATE", form=form, sheet=sheet.name, column=code, cell=cell_name(table.code_row, column)
            )
        )
    known = set(table.columns.values()) | {column for _, column in table.doubled}
    labels = [label for _, label in table.version.printed_columns]
    for column in sorted({c for r, c in sheet.cells if r in (table.code_row, table.code_row - 1)} - known):
        place = find_label(sheet, table.code_row, column)
        if place is None and read_text(sheet, table.code_row, column):
            place = (table.code_row, column)
        # A merged header that begins over a known column belongs to that column.
        if place is None or place[1] in known:
            continue
        text = read_text(sheet, *place)
        parsed.findings.append(
            catalogue.make_finding(
                "COLUMN-UNKNOWN", form=form, sheet=sheet.name, cell=cell_name(*place), value=shorten(text),
                suggestion=suggest(text, labels),
            )
        )  # fmt: skip


def _value_columns(table: Table) -> dict[str, Value | None]:
    """Column code -> its declaration; None for the one value column of a `fields` form (declared by row)."""
    if table.version.kind is Kind.FIELDS:
        return {FIELD_COLUMN: None}
    return {column.code: column for column in table.version.columns}


def _parse_fixed(table: Table, parsed: ParsedSubmission, catalogue: Catalogue) -> None:
    version, sheet, form = table.version, table.sheet, table.form
    labels = version.row_labels
    fields = {row.code: row for row in version.fields}
    places = _find_rows(table, labels, parsed, catalogue)
    for code, label in labels.items():
        row = places.get(code)
        if row is None:
            parsed.findings.append(
                catalogue.make_finding("ROW-MISSING", form=form, sheet=sheet.name, row=code, label=label)
            )
        for column_code, column in _value_columns(table).items():
            declared: Value = column or fields[code]
            place = table.columns.get(column_code)
            at = (row, place) if row is not None and place is not None else None
            _add_cell(table, parsed, catalogue, CellKey(form, code, column_code), declared, label, at)


def _find_rows(
    table: Table, labels: Mapping[str, str], parsed: ParsedSubmission, catalogue: Catalogue
) -> dict[str, int]:
    sheet, form = table.sheet, table.form
    code_column = table.row_code_column
    if code_column is None:
        return {}
    places: dict[str, int] = {}
    bare: list[int] = []
    last = -1
    for row in sorted({r for r, _ in sheet.cells if r > table.code_row}):
        text = read_text(sheet, row, code_column)
        code = read_code(text, 2)
        if not text:
            bare.append(row)
            continue
        if is_row_code(code):
            last = row
        if code in places:
            parsed.findings.append(
                catalogue.make_finding(
                    "ROW-DUPLICATE", form=form, sheet=sheet.name, row=code, cell=cell_name(row, code_column),
                    expected=cell_name(places[code], code_column), value=text,
                )
            )  # fmt: skip
        elif code in labels:
            places[code] = row
        elif is_row_code(code):
            parsed.findings.append(
                catalogue.make_finding(
                    "ROW-UNKNOWN", form=form, sheet=sheet.name, cell=cell_name(row, code_column), value=text
                )
            )
    for row in bare:
        # A line added right under the table counts as part of it; notes and signatures further down do not.
        if row < last or (row == last + 1 and _has_figures(table, row)):
            _report_bare_row(table, row, parsed, catalogue)
            last = max(last, row)
    return places


def _report_bare_row(table: Table, row: int, parsed: ParsedSubmission, catalogue: Catalogue) -> None:
    """A row with figures and no code: its values are not used, and the sender is told so."""
    if not _has_figures(table, row):
        return
    filled = {column for column in table.columns.values() if (row, column) in table.sheet.cells}
    columns = sorted(filled, key=lambda column: (not read_text(table.sheet, row, column), column))
    parsed.findings.append(
        catalogue.make_finding(
            "ROW-NO-CODE", form=table.form, sheet=table.sheet.name, cell=cell_name(row, columns[0]),
            value=shorten(read_text(table.sheet, row, columns[0])),
        )
    )  # fmt: skip


def _has_figures(table: Table, row: int) -> bool:
    return any(_is_numeric(table, row, code) for code in _number_columns(table))


def _number_columns(table: Table) -> list[str]:
    return [code for code, column in _value_columns(table).items() if column is None or column.type.is_number]


def _is_numeric(table: Table, row: int, code: str) -> bool:
    column = table.columns.get(code)
    cell = table.sheet.cells.get((row, column)) if column is not None else None
    if cell is None:
        return False
    return cell.kind is CellKind.NUMBER or bool(_NUMERIC_TEXT.match(cell.text.strip()))


def _add_cell(
    table: Table,
    parsed: ParsedSubmission,
    catalogue: Catalogue,
    key: CellKey,
    declared: Value,
    label: str,
    at: tuple[int, int] | None,
) -> None:
    version = table.version
    reason = version.not_applicable_cells.get((key.row, key.column))
    required = declared.required or (key.row, key.column) in version.required_pairs
    cell = ParsedCell(key, declared, label, required, reason, sheet=table.sheet.name)
    raw = table.sheet.cells.get(at) if at is not None else None
    if at is None:
        cell.value = ABSENT
    else:
        cell.cell = cell_name(*at)
        cell.raw = raw.text if raw is not None else None
        cell.value = parse_value(raw, declared)
    # Only a finding quotes what was written; showing every number would cost more than reading it.
    written = _show_written(raw) if cell.value.problem is not None else ""
    parsed.add_cell(cell, catalogue, written)


def _show_written(raw: Cell | None) -> str:
    """What the sender sees in a cell: numbers and days as they read here, not as a file stores them."""
    if raw is not None and raw.kind is CellKind.NUMBER:
        try:
            return format_number(Decimal(raw.text))
        except (InvalidOperation, ValueError):
            return raw.text
    if raw is not None and raw.kind is CellKind.DATE and (day := read_date(raw.text)):
        return format_date(day)
    return raw.text if raw is not None else ""


def _parse_list(table: Table, parsed: ParsedSubmission, catalogue: Catalogue, facts: ListFacts) -> None:
    sheet, form = table.sheet, table.form
    rows = parsed.rows.setdefault(form, [])
    seen: dict[str, int] = {}
    times: Counter[str] = Counter()
    by_key = {join_key(row.codes): row for row in facts.asked} if facts.asked is not None else None
    keys = table.version.key_columns
    covered = _cover_merged(table, keys)
    last = _last_list_row(table, keys, covered)
    if last - table.code_row > MOST_ROWS:
        _report_too_long(table, parsed, catalogue, last)
        last = table.code_row + MOST_ROWS
    unknown_rows = 0
    for row in sorted({r for r, _ in sheet.cells if table.code_row < r <= last}):
        key_places = {column.code: _find_key(table, row, column, covered) for column in keys}
        texts = {code: read_text(sheet, *place) if place else "" for code, place in key_places.items()}
        if not any(read_text(sheet, row, column) for column in table.columns.values()):
            continue
        if not all(texts.values()):
            _report_bare_row(table, row, parsed, catalogue)
            continue
        references: dict[str, str] = {}
        unknown: Column | None = None
        for column in keys:
            code = facts.resolvers[column.reference](texts[column.code], references) if column.reference else None
            code = code if column.reference else read_code(texts[column.code])
            if code is None:
                unknown = column
                break
            references[column.reference or column.code] = code
        if unknown is not None:
            unknown_rows += 1
            # Looking for the nearest of some hundred names is slow; who mistyped so many needs no more hints.
            names = facts.known_names.get(unknown.reference or "", []) if unknown_rows <= MOST_SUGGESTIONS else []
            parsed.findings.append(
                catalogue.make_finding(
                    "ROW-UNKNOWN", form=form, sheet=sheet.name, column=unknown.code,
                    cell=cell_name(row, table.columns[unknown.code]), value=shorten(texts[unknown.code]),
                    suggestion=suggest(texts[unknown.code], names),
                )
            )  # fmt: skip
            continue
        key = join_key(tuple(references.values()))
        first = cell_name(row, table.columns[keys[0].code])
        checked = by_key is None or key in by_key
        if key in seen:
            parsed.findings.append(
                catalogue.make_finding(
                    "ROW-DUPLICATE", form=form, sheet=sheet.name, row=key, cell=first,
                    expected=cell_name(seen[key], table.columns[keys[0].code]), value=key,
                )
            )  # fmt: skip
        elif not checked:
            parsed.findings.append(
                catalogue.make_finding("ROW-NOT-ASKED", form=form, sheet=sheet.name, row=key, cell=first, value=key)
            )
        seen.setdefault(key, row)
        ordinal = times[key]
        times[key] += 1
        rows.append(ListRow(key, ordinal, checked, references))
        whole = table.version.counting_columns if facts.is_counted(references) else {}
        for column in table.version.columns:
            # "1,415" people are a thousand times too few: a row that counts whole things takes no decimals.
            declared = whole.get(column.code, column)
            own = (row, table.columns[column.code]) if column.code in table.columns else None
            at = key_places.get(column.code, own)
            _add_cell(table, parsed, catalogue, CellKey(form, key, column.code, ordinal), declared, column.label, at)
    for key, expected in (by_key or {}).items():
        if key not in seen:
            parsed.findings.append(
                catalogue.make_finding(
                    "ROW-NOT-REPORTED", form=form, sheet=sheet.name, row=key,
                    label=expected.names[0], expected=expected.names[-1],
                )
            )  # fmt: skip


def _report_too_long(table: Table, parsed: ParsedSubmission, catalogue: Catalogue, last: int) -> None:
    parsed.findings.append(
        catalogue.make_finding(
            "FORM-TOO-LONG", form=table.form, sheet=table.sheet.name, value=format_number(last - table.code_row),
            expected=format_number(MOST_ROWS),
        )
    )  # fmt: skip


def join_key(codes: tuple[str, ...]) -> str:
    """The row key of a list: its codes in column order."""
    return LIST_KEY_SEPARATOR.join(codes)


def _find_key(
    table: Table, row: int, column: Column, covered: Mapping[tuple[int, int], tuple[int, int]]
) -> Place | None:
    """Where the text of a key stands, None when nowhere; a cell merged downwards names every row it covers."""
    place = table.columns.get(column.code)
    if place is None:
        return None
    if read_text(table.sheet, row, place):
        return row, place
    above = covered.get((row, place))
    return above if above is not None and read_text(table.sheet, *above) else None


def _cover_merged(table: Table, keys: Sequence[Column]) -> dict[tuple[int, int], tuple[int, int]]:
    """(row, key column) -> first cell of the merged range that covers it, below the header. Made once for a table."""
    places = [table.columns[column.code] for column in keys if column.code in table.columns]
    deepest = min(max((row for row, _ in table.sheet.cells), default=0), table.code_row + MOST_ROWS)
    covered: dict[tuple[int, int], tuple[int, int]] = {}
    for first_row, first_column, last_row, last_column in table.sheet.merged:
        if first_row <= table.code_row:
            continue
        for place in places:
            if first_column <= place <= last_column:
                for row in range(first_row + 1, min(last_row, deepest) + 1):
                    covered[row, place] = (first_row, first_column)
        if len(covered) > 2 * MOST_ROWS * len(places):
            break  # ranges heaped on one another: no sheet that a person made
    return covered


def _last_list_row(table: Table, keys: tuple[Column, ...], covered: Mapping[tuple[int, int], tuple[int, int]]) -> int:
    """The last row with both keys, or with a figure: below it stand notes and signatures."""
    last = table.code_row
    for row in sorted({r for r, _ in table.sheet.cells if r > table.code_row}, reverse=True):
        if all(_find_key(table, row, column, covered) for column in keys) or _has_figures(table, row):
            return row
    return last
