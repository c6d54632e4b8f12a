"""A workbook's tables to parsed cells with coordinates, and every finding on the way. Pure; nothing is dropped in silence.

Rules on values are not here: they are suites (etl.validation). Here is only what must be known before a value exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from etl.findings.catalogue import Catalogue
from etl.findings.model import Finding
from etl.forms.declaration import FIELD_COLUMN, CellKey, Form, FormVersion, Kind, Value
from etl.parsing.values import BLANK, ParsedValue
from etl.recognition.tables import FoundForms, Table


@dataclass(slots=True)
class ParsedCell:
    """One cell of a form: its meaning, where it stands in the sender's file, what was typed and what it says."""

    key: CellKey
    declared: Value
    label: str
    required: bool
    not_applicable: str | None
    value: ParsedValue = BLANK
    sheet: str | None = None
    cell: str | None = None
    raw: str | None = None

    @property
    def is_usable(self) -> bool:
        """False when a rule cannot rest on it: unreadable, gone, required and empty, or a figure where none can be.

        Each has its own finding. A sum over a misplaced figure would ask for the opposite of what that finding asks.
        """
        missing = self.value.missing
        if self.not_applicable is not None and self.value.number:
            return False
        return missing not in ("bad", "absent") and not (self.required and missing is not None)


@dataclass(slots=True)
class ListRow:
    """A row of a list form: its key, its ordinal in the sheet, whether rules run on it."""

    key: str
    ordinal: int
    checked: bool
    references: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class ParsedSubmission:
    """All forms of one file: cells by meaning, list rows by form, versions, findings so far."""

    versions: dict[str, FormVersion] = field(default_factory=dict)
    cells: dict[CellKey, ParsedCell] = field(default_factory=dict)
    rows: dict[str, list[ListRow]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    incomplete: set[str] = field(default_factory=set)
    """Forms of which rows were left out or stand twice, each with its finding: their sums mean nothing."""

    def add_cell(self, cell: ParsedCell, catalogue: Catalogue, written: str) -> None:
        """Keep a cell, and its CELL-* finding when it could not be read; `written` is what its sender sees there."""
        self.cells[cell.key] = cell
        problem = cell.value.problem
        if problem is not None:
            self.findings.append(
                catalogue.make_finding(
                    problem, form=cell.key.form, sheet=cell.sheet, cell=cell.cell, row=cell.key.row,
                    column=cell.key.column, field=field_name(cell.declared), value=shorten(written),
                    expected=cell.value.expected, label=cell.label,
                )
            )  # fmt: skip


def field_name(declared: Value) -> str | None:
    """The field's name in suites and views; None for a column of a matrix."""
    return getattr(declared, "field", None)


def shorten(text: str, limit: int = 120) -> str:
    """A text short enough for a message."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def report_found_forms(
    found: FoundForms, owed: Mapping[str, bool] | None, names: Mapping[str, str], catalogue: Catalogue
) -> Iterable[Finding]:
    """Findings on which forms the workbook has. `owed`: form code -> mandatory; None when the unit is not known."""
    for table in found.doubled:
        first = found.tables[table.form].sheet.name
        yield catalogue.make_finding(
            "FORM-DUPLICATE", form=table.form, sheet=table.sheet.name, expected=first, value=table.sheet.name
        )
    for form, sheet in found.without_table:
        if form not in found.tables:
            yield catalogue.make_finding("FORM-NO-TABLE", form=form, sheet=sheet.name)
    for sheet in (*found.unknown_sheets, *found.hidden_sheets):
        yield catalogue.make_finding("SHEET-UNKNOWN", sheet=sheet.name, value=sheet.name)
    for form, table in sorted(found.tables.items()):
        if table.by_labels and (owed is None or form in owed):
            yield catalogue.make_finding(
                "FORM-LEGACY-LAYOUT", form=form, sheet=table.sheet.name, value=table.sheet.name
            )
    for form, table in sorted(found.tables.items()):
        if table.sheet.encoding is not None:
            yield catalogue.make_finding(
                "TEXT-LEGACY-ENCODING",
                form=form,
                sheet=table.sheet.name,
                value=table.sheet.encoding,
                expected="Unicode",
            )
    if owed is None:
        return
    without_table = {form for form, _ in found.without_table}
    for form, mandatory in owed.items():
        if form in found.tables or form in without_table:
            continue
        if form in found.hidden_forms:
            sheet = found.hidden_forms[form]
            yield catalogue.make_finding("FORM-HIDDEN", form=form, sheet=sheet.name)
        elif mandatory:
            yield catalogue.make_finding("FORM-MISSING", form=form, label=names.get(form, ""))
    for form, table in found.tables.items():
        if form not in owed:
            yield catalogue.make_finding("FORM-NOT-OWED", form=form, sheet=table.sheet.name)


def report_other_versions(
    parsed: ParsedSubmission, tables: Mapping[str, Table], forms: Mapping[str, Form], on: date, catalogue: Catalogue
) -> Iterable[Finding]:
    """A finding for every form that was read by another layout than the one in force on a day (a period's last)."""
    for form, version in sorted(parsed.versions.items()):
        try:
            asked = forms[form].version_on(on)
        except LookupError:
            continue
        if version.version != asked.version:
            yield catalogue.make_finding(
                "FORM-VERSION", form=form, sheet=tables[form].sheet.name, value=version.instrument,
                expected=asked.instrument, label="cũ" if version.effective_from < asked.effective_from else "mới",
            )  # fmt: skip


def missing_columns(table: Table) -> list[tuple[str, str]]:
    """(code, label) of columns the table lost: declared ones, and the stub that names or holds the rows' values."""
    version = table.version
    declared = {column.code for column in version.columns}
    if table.rows is not None:  # rows are named by their labels: the columns of names and codes are not needed
        return [(code, label) for code, label in version.printed_columns if code in declared - table.columns.keys()]
    needed = declared | ({"A", FIELD_COLUMN} if version.kind is Kind.FIELDS else {"B"} if version.rows else set())
    return [(code, label) for code, label in version.printed_columns if code in needed and code not in table.columns]
