"""A mart as a workbook of its own, with its coverage and instant, for the page's download."""

from __future__ import annotations

from datetime import datetime

from etl.calendar.deadlines import TIMEZONE
from etl.export.one_table import OneColumn, write_one_table
from etl.text import format_instant
from etl.usecases.context import Context
from etl.usecases.marts import MartTable


def write_table_file(context: Context, table: MartTable) -> bytes:
    """The workbook of a table as it was read. Raises UnknownReport, UnknownPeriod."""
    period = context.register.period(table.report, table.period)
    notes = [
        f"{context.register.report(table.report).name}, {period.label}",
        f"Tính đến {format_instant(table.as_of or context.clock())}",
        *(f"Biểu {one.form}: số liệu của {one.accepted}/{one.expected} đơn vị phải báo cáo" for one in table.coverage),
    ]
    if table.note:
        notes.append(table.note)
    columns = [OneColumn(column.label, column.group, column.kind, column.width) for column in table.columns]
    rows = [[_local(row[column.code]) for column in table.columns] for row in table.rows]
    return write_one_table(table.title, notes, columns, rows)


def _local(value: object) -> object:
    return value.astimezone(TIMEZONE).replace(tzinfo=None) if isinstance(value, datetime) else value
