"""Reads the marts: rows with the ids of their figures, coverage, as of any instant. The one way in for exports and pages.

It must not compute: whatever is a number comes from the views, which `trace` can follow. `MARTS` names them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from etl.findings.model import Severity
from etl.forms.declaration import FIELD_COLUMN, FormVersion, Kind
from etl.labels import STATUS_LABELS
from etl.register.entities import UnitType
from etl.text import format_number, sort_key
from etl.usecases.consolidate import open_snapshot, read_coverage
from etl.usecases.context import Context, Knowledge
from etl.usecases.mart_list import MARTS
from etl.usecases.mart_model import Mart, MartColumn, MartTable, Value

__all__ = ["MARTS", "Mart", "MartColumn", "MartTable", "UnknownMart", "find_mart", "list_marts", "read_mart"]

_ORDER: Mapping[str, Mapping[str, int]] = {
    "unit_type": {kind.value: place for place, kind in enumerate(UnitType)},
    "scope": {"tinh": -1, **{kind.value: place for place, kind in enumerate(UnitType)}},
    "status": {status: place for place, status in enumerate(STATUS_LABELS)},
    "severity": {severity.value: place for place, severity in enumerate(Severity)},
}
"""Columns of codes that have an order of their own."""


class UnknownMart(LookupError):
    """There is no mart of that code."""


def find_mart(code: str) -> Mart:
    """The mart of a code. Raises UnknownMart naming those there are."""
    if code not in MARTS:
        raise UnknownMart(f"there is no mart {code!r}; there are: {', '.join(MARTS)}")
    return MARTS[code]


def list_marts(knowledge: Knowledge, report: str) -> list[Mart]:
    """The marts that a report can have: those of the forms that someone owes there, and those of no form.

    Raises UnknownReport.
    """
    forms = {form.code for form in knowledge.register.report(report).forms}
    return [mart for mart in MARTS.values() if not mart.forms or mart.forms[0] in forms]


def read_mart(
    context: Context,
    mart: str,
    report: str,
    period: str,
    *,
    as_of: datetime | None = None,
    connection: sa.Connection | None = None,
) -> MartTable:
    """One mart of a report and period, as of an aware instant (None: all that is known).

    `connection`: read there instead, on the snapshot and as of the instant that its transaction has set; `as_of` then only says
    which that was. A report that has no such form gives no rows. Raises UnknownMart, UnknownReport, UnknownPeriod, ValueError
    for an instant without a time zone.
    """
    declared = find_mart(mart)
    window = context.register.period(report, period)
    if as_of is not None and as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    reading: AbstractContextManager[sa.Connection] = (
        nullcontext(connection) if connection is not None else open_snapshot(context, as_of)
    )
    with reading as open_connection:
        reader = _Reader(declared, report, period, as_of, open_connection)
        coverage = read_coverage(context, report, period, open_connection, forms=declared.forms)
        if declared.form is not None:
            return reader.read_form(context.forms[declared.form].version_on(window.end), coverage)
        note = declared.note
        if declared.code == "quality":
            note = reader.describe_quality()
        return reader.read_view(note, coverage)


class _Reader:
    def __init__(self, mart: Mart, report: str, period: str, as_of: datetime | None, connection: sa.Connection) -> None:
        self._mart, self._report, self._period, self._as_of = mart, report, period, as_of
        self._connection = connection

    def _query(self, view: str, more: str = "", **parameters: object) -> list[Mapping[Any, Any]]:
        # Names of views come from the declarations above, never from outside.
        statement = sa.text(f"SELECT * FROM mart.{view} WHERE report = :report AND period = :period {more}")  # noqa: S608
        names = {"report": self._report, "period": self._period, **parameters}
        found = self._connection.execute(statement, names)
        columns = list(found.keys())
        return [dict(zip(columns, row, strict=True)) for row in found]

    def _table(self, note: str, columns: Iterable[MartColumn], **rest: Any) -> MartTable:
        return MartTable(
            self._mart, self._report, self._period, self._as_of, self._mart.title, note, tuple(columns), **rest
        )

    def read_view(self, note: str, coverage: Iterable[Any]) -> MartTable:
        mart = self._mart
        found = _sort_rows(self._query(mart.view), mart.sort)
        followed = [column for column in mart.columns if column.figure is not None]
        rows, figures = [], []
        for row in found:
            shown: dict[str, Value] = {}
            for declared in mart.columns:
                value = row[declared.code]
                if declared.words is not None:
                    stored = str(value).lower() if isinstance(value, bool) else value
                    shown[f"{declared.code}_code"] = stored
                    value = declared.words.get(stored, stored)
                shown[declared.code] = value
            rows.append(shown)
            figures.append(self._name_figures(row, followed))
        return self._table(note, mart.columns, rows=tuple(rows), figures=tuple(figures), coverage=tuple(coverage))

    def _name_figures(self, row: Mapping[Any, Any], columns: Iterable[MartColumn]) -> dict[str, str]:
        named = {}
        for column in columns:
            if column.figure is None or row[column.code] is None:
                continue
            if column.figure.startswith("@"):
                named[column.code] = row[column.figure[1:]]
            else:
                named[column.code] = f"{self._report}:{self._period}/{column.figure.format_map(row)}"
        return {code: figure for code, figure in named.items() if figure}

    def read_form(self, version: FormVersion, coverage: Iterable[Any]) -> MartTable:
        """A statutory table in its layout: rows and columns of the declaration, structural zeros named."""
        form, mart = str(self._mart.form), self._mart
        # By measure too: of a file of another layout, which a reviewer let through, other things stand under the same codes.
        measures = {
            (key.row, key.column): version.measure_of(form, key.row, key.column) for key, _ in version.walk_cells(form)
        }
        found = {
            (row["row_key"], row["column_code"]): row
            for row in self._query("figure", "AND form = :form", form=form)
            if measures.get((row["row_key"], row["column_code"])) == row["measure"]
        }
        label = MartColumn("label", "Chỉ tiêu", "text", 50)
        code = MartColumn("code", "Mã số", "text", 8)
        if version.kind is Kind.FIELDS:
            unit = MartColumn("unit_of_measure", "Đơn vị tính", "text", 14)
            columns = [code, label, unit, MartColumn(f"c{FIELD_COLUMN}", "Giá trị", "count", 18)]
            units = {field.code: field.unit for field in version.fields}
        else:
            columns = [label, code, *(MartColumn(f"c{c.code}", c.label, "count", c.width) for c in version.columns)]
            units = {}
        rows: list[dict[str, Value]] = []
        figures: list[dict[str, str]] = []
        blank: set[tuple[int, str]] = set()
        listed = [c for c in version.row_labels if mart.first_row <= c <= mart.last_row]
        for place, row_code in enumerate(listed):
            shown: dict[str, Value] = {"label": version.row_labels[row_code], "code": row_code}
            if units:
                shown["unit_of_measure"] = units[row_code]
            named: dict[str, str] = {}
            for column in columns:
                if column.kind == "text":
                    continue
                value = found.get((row_code, column.code[1:]))
                shown[column.code] = value["value"] if value else None
                if value and value["value"] is not None:
                    named[column.code] = value["figure"]
                if (row_code, column.code[1:]) in version.not_applicable_cells:
                    blank.add((place, column.code))
            rows.append(shown)
            figures.append(named)
        return self._table(
            self._mart.note, columns, rows=tuple(rows), figures=tuple(figures), coverage=tuple(coverage),
            not_applicable=frozenset(blank),
        )  # fmt: skip

    def describe_quality(self) -> str:
        """The formula in words, from the parameters that were used."""
        rows = self._connection.execute(
            sa.text("SELECT weight, meaning FROM mart.quality_parameter ORDER BY weight DESC, component")
        ).all()
        parts = "; ".join(f"{row.meaning} (trọng số {format_number(row.weight)})" for row in rows)
        return f"Điểm chung là trung bình có trọng số của năm thành phần, mỗi thành phần từ 0 đến 100. {parts}."


def _sort_rows(rows: list[Mapping[Any, Any]], columns: Sequence[str]) -> list[Mapping[Any, Any]]:
    """The rows by these columns, `-` before one for falling order. Each value is placed once, however many rows have it."""
    places = []
    for column in columns:
        name = column.removeprefix("-")
        keys = {value: _order(name, value) for value in {row[name] for row in rows}}
        ranks = {key: place for place, key in enumerate(sorted(set(keys.values())))}
        sign = -1 if column.startswith("-") else 1
        places.append((name, {value: sign * ranks[key] for value, key in keys.items()}))
    return sorted(rows, key=lambda row: [place[row[name]] for name, place in places])


def _order(column: str, value: Any) -> tuple[Any, ...]:
    """What is not there comes last; codes that have an order in it; texts in Vietnamese order."""
    if value is None:
        return (1,)
    if column in _ORDER:
        return 0, _ORDER[column].get(str(value), len(_ORDER[column])), str(value)
    return (0, sort_key(value)) if isinstance(value, str) else (0, value)
