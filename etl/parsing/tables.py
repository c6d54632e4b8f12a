"""One form's table to parsed cells: rows by their codes, list rows by their keys. Pure.

Fixed tables (fields, matrix) and lists differ only in how a row is named; both keep coordinates and raw text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from etl.findings.catalogue import Catalogue
from etl.forms.declaration import LIST_KEY_SEPARATOR, CellKey, Column, Kind, RowsFrom, Value
from etl.parsing.hidden import find_hidden
from etl.parsing.rows import (
    MOST_ROWS,
    ROW_WORDS,
    cover_merged,
    find_key,
    find_last_row,
    has_figures,
    is_no_row,
    is_total_row,
    is_unnumbered_line,
    name_line,
    read_free_key,
    read_running_number,
    value_columns,
)
from etl.parsing.submission import ListRow, ParsedCell, ParsedSubmission, missing_columns, shorten
from etl.parsing.values import ParsedValue, parse_value, read_date
from etl.reading.grid import Cell, CellKind
from etl.recognition.tables import (
    Table,
    is_row_code,
    list_column_names,
    list_unknown_headers,
    read_code,
    read_text,
    suggest,
)
from etl.text import format_date, format_number

MOST_SUGGESTIONS = 50
HIDDEN = "…"
NUMBER_THE_LINES = " Đánh số thứ tự các dòng: 1, 2, 3…"
ABSENT = ParsedValue(missing="absent")
_NOTHING_WRITTEN = ""
_NO_COLUMNS: Mapping[str, Column] = {}


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

    `asked` has the rows owed by where they come from; None means they are not known (unit or period unknown).
    """

    resolvers: Mapping[str, Resolver]
    known_names: Mapping[str, list[str]]
    asked: Mapping[RowsFrom, list[AskedRow]] | None
    is_counted: Callable[[Mapping[str, str]], bool]


def parse_table(table: Table, parsed: ParsedSubmission, catalogue: Catalogue, facts: ListFacts) -> None:
    """Parse one table into `parsed`."""
    parsed.versions[table.form] = table.version
    _report_columns(table, parsed, catalogue)
    if table.version.kind is Kind.LIST:
        _parse_list(table, parsed, catalogue, facts)
    else:
        _parse_fixed(table, parsed, catalogue)
    parsed.findings.extend(find_hidden(table, parsed, catalogue))


def _report_columns(table: Table, parsed: ParsedSubmission, catalogue: Catalogue) -> None:
    sheet, form = table.sheet, table.form
    for code, label in missing_columns(table):
        parsed.findings.append(
            catalogue.make_finding("COLUMN-MISSING", form=form, sheet=sheet.name, column=code, label=label)
        )
    for code, column in table.doubled:
        parsed.findings.append(
            catalogue.make_finding(
                "COLUMN-DUPLICATE",
                form=form,
                sheet=sheet.name,
                column=code,
                cell=sheet.name_cell(table.code_row, column),
            )
        )
    names = list_column_names(table.version)
    for place in list_unknown_headers(table):
        text = read_text(sheet, *place)
        parsed.findings.append(
            catalogue.make_finding(
                "COLUMN-UNKNOWN", form=form, sheet=sheet.name, cell=sheet.name_cell(*place), value=shorten(text),
                suggestion=suggest(text, names),
            )
        )  # fmt: skip


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
        for column_code, column in value_columns(table).items():
            declared: Value = column or fields[code]
            place = table.columns.get(column_code)
            at = (row, place) if row is not None and place is not None else None
            _add_cell(table, parsed, catalogue, CellKey(form, code, column_code), declared, label, at)


def _find_rows(
    table: Table, labels: Mapping[str, str], parsed: ParsedSubmission, catalogue: Catalogue
) -> dict[str, int]:
    sheet, form = table.sheet, table.form
    code_column = table.row_code_column
    if table.rows is not None:
        _report_unnamed_rows(table, table.rows, parsed, catalogue)
        return dict(table.rows)
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
                    "ROW-DUPLICATE", form=form, sheet=sheet.name, row=code, cell=sheet.name_cell(row, code_column),
                    expected=sheet.name_cell(places[code], code_column), value=text,
                )
            )  # fmt: skip
        elif code in labels:
            places[code] = row
        elif is_row_code(code):
            parsed.findings.append(
                catalogue.make_finding(
                    "ROW-UNKNOWN", form=form, sheet=sheet.name, cell=sheet.name_cell(row, code_column), value=text
                )
            )
    for row in bare:
        # A line added right under the table counts as part of it; notes and signatures further down do not.
        if row < last or (row == last + 1 and has_figures(table, row)):
            _report_bare_row(table, row, parsed, catalogue)
            last = max(last, row)
    return places


def _report_unnamed_rows(
    table: Table, named: Mapping[str, int], parsed: ParsedSubmission, catalogue: Catalogue
) -> None:
    """Rows with figures among, or right under, rows that were found by their labels."""
    last = max(named.values())
    between = {row for row, _ in table.sheet.cells if table.code_row < row <= last + 1}
    for row in sorted(between - set(named.values())):
        _report_bare_row(table, row, parsed, catalogue)


def _report_bare_row(table: Table, row: int, parsed: ParsedSubmission, catalogue: Catalogue) -> None:
    """A row with figures and no code: its values are not used, and the sender is told so."""
    if not has_figures(table, row):
        return
    parsed.incomplete.add(table.form)
    filled = {column for column in table.columns.values() if (row, column) in table.sheet.cells}
    columns = sorted(filled, key=lambda column: (not read_text(table.sheet, row, column), column))
    parsed.findings.append(
        catalogue.make_finding(
            "ROW-NO-CODE", form=table.form, sheet=table.sheet.name, cell=table.sheet.name_cell(row, columns[0]),
            value=_quote_row(table, row, columns),
        )
    )  # fmt: skip


def _quote_row(table: Table, row: int, columns: Sequence[int]) -> str:
    """What a row without a code says of itself, in the order of columns; never out of a restricted column or form.

    The finding is about no field, so nothing later would keep a person's name in it out of the marts.
    """
    version = table.version
    if version.fields and all(declared.restricted for declared in version.fields):
        return HIDDEN
    hidden = {table.columns.get(declared.code) for declared in version.columns if declared.restricted}
    texts = [read_text(table.sheet, row, column) for column in columns if column not in hidden]
    return shorten(next((text for text in texts if text), HIDDEN))


def _add_cell(
    table: Table,
    parsed: ParsedSubmission,
    catalogue: Catalogue,
    key: CellKey,
    declared: Value,
    label: str,
    at: tuple[int, int] | None,
) -> None:
    version, sheet, pair = table.version, table.sheet, (key.row, key.column)
    reason = version.not_applicable_cells.get(pair)
    required = declared.required or pair in version.required_pairs
    if at is None or not sheet.has_place(at):
        parsed.add_cell(
            ParsedCell(key, declared, label, required, reason, ABSENT, sheet.name), catalogue, _NOTHING_WRITTEN
        )
        return
    raw = sheet.cells.get(at)
    value = parse_value(raw, declared)
    if required and reason is None and value.missing == "not_applicable":
        value = ParsedValue(missing="bad", problem="CELL-X-REQUIRED")
    original = (sheet.originals.get(at, raw.text) if sheet.originals else raw.text) if raw is not None else None
    cell = ParsedCell(key, declared, label, required, reason, value, sheet.name, sheet.name_cell(*at), original)
    # Only a finding quotes what was written; showing every number would cost more than reading it.
    parsed.add_cell(cell, catalogue, _show_written(raw) if value.problem is not None else _NOTHING_WRITTEN)


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
    numbers: Counter[str] = Counter()
    source = table.version.rows_from
    asked = facts.asked.get(source) if facts.asked is not None and source is not None else None
    by_key = {join_key(row.codes): row for row in asked} if asked is not None else None
    words = ROW_WORDS.get(source or "open", ROW_WORDS["movement_indicators"])
    keys = table.version.key_columns
    covered = cover_merged(table, keys)
    last = find_last_row(table, keys, covered)
    if last - table.code_row > MOST_ROWS:
        _report_too_long(table, parsed, catalogue, last)
        last = table.code_row + MOST_ROWS
    # Keys of the register that name something leave no doubt; other rows may be totals, notes or signatures.
    numbered = source == "open"
    # A running number may stay blank whatever its declaration says: it names a line, and the line is there without it.
    columns = table.version.columns
    if numbered:
        columns = tuple(c.model_copy(update={"required": False}) if c.key else c for c in columns)
    refer = not numbered and all(column.reference for column in keys)
    places = [(column, table.columns.get(column.code)) for column in columns]
    unknown_rows = 0
    for row in sorted({r for r, _ in sheet.cells if table.code_row < r <= last}):
        key_places = {column.code: find_key(table, row, column, covered) for column in keys}
        texts = {code: read_text(sheet, *place) if place else "" for code, place in key_places.items()}
        if not any(read_text(sheet, row, column) for column in table.columns.values()):
            continue
        unnumbered = is_unnumbered_line(table, row, texts)
        if not all(texts.values()) and not unnumbered:
            if not is_total_row(table, row, texts):
                _report_bare_row(table, row, parsed, catalogue)
            continue
        references, unknown = ({}, None) if unnumbered else _name_row(table, texts, facts)
        if not (unnumbered or (refer and unknown is None)) and is_no_row(table, row, texts, known=unknown is None):
            continue
        if unknown is not None:
            unknown_rows += 1
            parsed.incomplete.add(form)
            # Looking for the nearest of some hundred names is slow; who mistyped so many needs no more hints.
            names = facts.known_names.get(unknown.reference or "", []) if unknown_rows <= MOST_SUGGESTIONS else []
            parsed.findings.append(
                catalogue.make_finding(
                    "ROW-UNKNOWN", form=form, sheet=sheet.name, column=unknown.code,
                    cell=sheet.name_cell(row, table.columns[unknown.code]), value=shorten(texts[unknown.code]),
                    suggestion=suggest(texts[unknown.code], names) if unknown.reference else NUMBER_THE_LINES,
                )
            )  # fmt: skip
            continue
        key = join_key(tuple(references.values()))
        if numbered:
            number, key = key, name_line(key, len(rows) + 1, numbers[key])
            numbers[number] += 1
        first = sheet.name_cell(row, table.columns.get(keys[0].code, 0))
        checked = by_key is None or key in by_key
        if key in seen:
            parsed.incomplete.add(form)
            parsed.findings.append(
                catalogue.make_finding(
                    "ROW-DUPLICATE", form=form, sheet=sheet.name, row=key, cell=first,
                    expected=sheet.name_cell(seen[key], table.columns[keys[0].code]), value=key,
                )
            )  # fmt: skip
        elif not checked:
            parsed.findings.append(
                catalogue.make_finding(
                    "ROW-NOT-ASKED", form=form, sheet=sheet.name, row=key, cell=first, value=key,
                    label=words.strange.format(key=key), reason=words.unless,
                )
            )  # fmt: skip
        seen.setdefault(key, row)
        ordinal = times[key]
        times[key] += 1
        rows.append(ListRow(key, ordinal, checked, references))
        whole = table.version.counting_columns if facts.is_counted(references) else _NO_COLUMNS
        for column, place in places:
            # "1,415" people are a thousand times too few: a row that counts whole things takes no decimals.
            declared = whole.get(column.code, column)
            at = key_places.get(column.code) or ((row, place) if place is not None else None)
            _add_cell(table, parsed, catalogue, CellKey(form, key, column.code, ordinal), declared, column.label, at)
    for key, expected in (by_key or {}).items():
        if key not in seen:
            parsed.findings.append(
                catalogue.make_finding(
                    "ROW-NOT-REPORTED", form=form, sheet=sheet.name, row=key,
                    label=words.missing.format(name=expected.names[-1], parent=expected.names[0]),
                    expected=expected.names[-1], noun=words.noun,
                )
            )  # fmt: skip


def _name_row(table: Table, texts: Mapping[str, str], facts: ListFacts) -> tuple[dict[str, str], Column | None]:
    """(the codes of a row's keys by what they refer to, the first key column that names nothing)."""
    references: dict[str, str] = {}
    for column in table.version.key_columns:
        text = texts[column.code]
        if column.reference:
            code = facts.resolvers[column.reference](text, references)
        else:
            code = read_running_number(text) if table.version.rows_from == "open" else read_free_key(text)
        if not code:
            return references, column
        references[column.reference or column.code] = code
    return references, None


def _report_too_long(table: Table, parsed: ParsedSubmission, catalogue: Catalogue, last: int) -> None:
    parsed.incomplete.add(table.form)
    parsed.findings.append(
        catalogue.make_finding(
            "FORM-TOO-LONG", form=table.form, sheet=table.sheet.name, value=format_number(last - table.code_row),
            expected=format_number(MOST_ROWS),
        )
    )  # fmt: skip


def join_key(codes: tuple[str, ...]) -> str:
    """The row key of a list: its codes in column order."""
    return LIST_KEY_SEPARATOR.join(codes)
