"""`export --data`: every mart of a period as one file each, for analysts, with a description of the columns.

Streamed from the server a chunk at a time. It must not read anything but the schema `mart`: restricted values are not there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from etl.export.analyst import (
    CHUNK,
    DESCRIPTION,
    DICTIONARY,
    DataColumn,
    DataTable,
    Format,
    Kind,
    WrittenTable,
    write_description,
    write_table,
)
from etl.usecases.board import open_if_begun
from etl.usecases.consolidate import open_snapshot
from etl.usecases.context import Context
from etl.usecases.marts import MARTS

COMMON_VIEWS = ("mart.consolidated", "mart.contribution")
"""Beside the marts: every figure, and every cell behind every figure."""
_ORDER = {
    "mart.consolidated": ("figure",),
    "mart.contribution": ("figure", "unit", "submission_id", "form", "form_row", "column_code", "ordinal", "role"),
}
_KINDS: dict[str, Kind] = {
    "int2": "integer", "int4": "integer", "int8": "integer", "numeric": "decimal", "float4": "decimal", "float8": "decimal",
    "bool": "boolean", "date": "date", "timestamptz": "instant",
}  # fmt: skip


def export_data(
    context: Context, report: str, period: str, folder: Path, now: datetime, *, form: Format = "csv"
) -> list[WrittenTable]:
    """Write the tables into `folder` (made if missing; files of the same names are replaced), as of `now` (aware).

    Raises UnknownReport, UnknownPeriod; ValueTooLarge (see `etl.export.analyst`).
    """
    context.register.period(report, period)
    title = context.register.report(report).name
    open_if_begun(context, report, period)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with open_snapshot(context, now) as connection:
        for view, words in _list_views(connection).items():
            table = _describe(connection, view, words)
            order = _ORDER.get(view) or tuple(column.name for column in table.columns)
            written.append(write_table(table, _stream(connection, view, table, order, report, period), folder, form))
    write_description(written, folder, title=title, as_of=now, report=report, period=period)
    return written


def clear_data(folder: Path) -> None:
    """Remove what an earlier export wrote there, so that a table that is no more does not lie among the new ones. Other files
    stay."""
    description = folder / DESCRIPTION
    if not description.is_file():
        return
    listed = [resource["path"] for resource in json.loads(description.read_text("utf-8")).get("resources", [])]
    for name in (*listed, DICTIONARY, DESCRIPTION):
        # Names of files in this folder alone, whatever the description says.
        (folder / Path(name).name).unlink(missing_ok=True)


def _list_views(connection: sa.Connection) -> dict[str, str]:
    """View → what it is; those without a report and a period (lists of words) are left out."""
    # Statutory tables have no view of their own: their figures are in mart.consolidated.
    views = {_qualified(mart.view): mart.title for mart in MARTS.values() if mart.view}
    wanted = {**views, **dict.fromkeys(COMMON_VIEWS, "")}
    found = {}
    for view, title in wanted.items():
        names = {row.name for row in _read_columns(connection, view)}
        if {"report", "period"} <= names:
            found[view] = title or str(
                connection.execute(
                    sa.text("SELECT obj_description(cast(:view AS regclass))"), {"view": view}
                ).scalar_one()
            )
    return found


def _qualified(view: str) -> str:
    return view if view.startswith("mart.") else f"mart.{view}"


def _read_columns(connection: sa.Connection, view: str) -> Sequence[sa.Row[Any]]:
    return connection.execute(
        sa.text(
            "SELECT a.attname AS name, t.typname AS type, col_description(a.attrelid, a.attnum) AS meaning "
            "FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
            "WHERE a.attrelid = cast(:view AS regclass) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        ),
        {"view": view},
    ).all()


def _describe(connection: sa.Connection, view: str, title: str) -> DataTable:
    columns = tuple(
        DataColumn(row.name, row.meaning or row.name, _KINDS.get(row.type, "text"))
        for row in _read_columns(connection, view)
    )
    return DataTable(view.removeprefix("mart."), title, columns)


def _stream(
    connection: sa.Connection, view: str, table: DataTable, order: Sequence[str], report: str, period: str
) -> Iterator[Sequence[Any]]:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    by = ", ".join(f'"{name}"' for name in order)
    # Names of views and columns are the catalogue's own.
    statement = f"SELECT {names} FROM {view} WHERE report = :report AND period = :period ORDER BY {by}"  # noqa: S608
    rows = connection.execute(
        sa.text(statement),
        {"report": report, "period": period},
        execution_options={"stream_results": True, "yield_per": CHUNK},
    )
    yield from rows
