"""Consolidated tables in their official layouts, from a form's declaration and the figures. Pure; computes nothing.

Sums and recomputed percentages come from the warehouse, which can trace them; arithmetic here would be a second truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from etl.export.model import Marked, OfficialColumn, OfficialRow, OfficialTable, Printed
from etl.forms.declaration import FIELD_STUB, MATRIX_STUB, FormVersion

NOT_APPLICABLE = "x"
_FIELD_WIDTHS = (8.0, 60.0, 14.0, 18.0)
_MATRIX_WIDTHS = (50.0, 8.0)


def matrix_table(
    form: str, version: FormVersion, figures: Mapping[tuple[str, str], Printed], coverage_note: str = ""
) -> OfficialTable:
    """A matrix form: `figures` by (row code, column code). Structural zeros print "x"; what nobody gave stays blank."""
    stub = tuple(
        OfficialColumn(code, label, width, centered=code == "B")
        for (code, label), width in zip(MATRIX_STUB, _MATRIX_WIDTHS, strict=True)
    )
    columns = tuple(OfficialColumn(c.code, c.label, float(c.width)) for c in version.columns)
    levelled = any(row.level for row in version.rows)
    rows = []
    for row in version.rows:
        values = tuple(
            show_cell(version, row.code, column.code, figures.get((row.code, column.code)))
            for column in version.columns
        )
        rows.append(OfficialRow((row.label, row.code, *values), row.level, levelled and row.level == 0))
    return _table(form, version, (*stub, *columns), rows, coverage_note, len(stub))


def show_cell(version: FormVersion, row: str, column: str, figure: Printed) -> Printed:
    """The figure, or "x" in a cell that the form closes: also where units wrote a nought there, estimated or not. Another
    number, which only a reviewer can have let through, is shown, since the totals hold it."""
    number = figure.value if isinstance(figure, Marked) else figure
    return NOT_APPLICABLE if (row, column) in version.not_applicable_cells and not number else figure


def fields_table(
    form: str, version: FormVersion, figures: Mapping[str, Printed], coverage_note: str = ""
) -> OfficialTable:
    """A form of single values: `figures` by row code. Restricted rows are left out, whatever `figures` holds."""
    columns = tuple(
        OfficialColumn(code, label, width, centered=code == "A")
        for (code, label), width in zip(FIELD_STUB, _FIELD_WIDTHS, strict=True)
    )
    rows = [
        OfficialRow((declared.code, declared.label, declared.unit, figures.get(declared.code)))
        for declared in version.fields
        if not declared.restricted
    ]
    return _table(form, version, columns, rows, coverage_note, 3)


def list_table(
    form: str,
    version: FormVersion,
    rows: Iterable[Mapping[str, Printed]],
    coverage_note: str = "",
    *,
    leave_out: Iterable[str] = (),
) -> OfficialTable:
    """A list form, for instance movements by indicator: each row by column code, in the order given.

    Restricted columns and those in `leave_out` (such as remarks that add up to nothing) are not printed.
    """
    omitted = set(leave_out)
    shown = [column for column in version.columns if not column.restricted and column.code not in omitted]
    columns = tuple(OfficialColumn(column.code, column.label, float(column.width)) for column in shown)
    lines = [OfficialRow(tuple(row.get(column.code) for column in shown)) for row in rows]
    stubs = next((place for place, column in enumerate(shown) if column.type.is_number), len(shown))
    return _table(form, version, columns, lines, coverage_note, stubs)


def _table(
    form: str,
    version: FormVersion,
    columns: tuple[OfficialColumn, ...],
    rows: Iterable[OfficialRow],
    coverage_note: str,
    stubs: int,
) -> OfficialTable:
    return OfficialTable(
        sheet=version.sheet,
        title=version.title,
        instrument=version.instrument,
        unit_note=version.unit_note,
        columns=columns,
        rows=tuple(rows),
        coverage_note=coverage_note,
        footer=f"Biểu {form} – phiên bản {version.version}",
        stubs=stubs,
    )
