"""Consolidated tables: every mart of a period in its layout, a chart where one helps, a file, and from a figure to its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, TypeVar

from fastapi import APIRouter, HTTPException, Query, Request, Response

from etl.review.downloads import attach
from etl.review.pages import render
from etl.review.routes.entry import office_of
from etl.review.routing import choose_period
from etl.review.table_cells import draw_rows
from etl.review.table_charts import draw_table
from etl.text import capitalise, sort_key
from etl.usecases.context import Context
from etl.usecases.follow import list_keys
from etl.usecases.marts import MartColumn, MartTable, UnknownMart, list_marts, read_mart
from etl.usecases.review import read_period_state
from etl.usecases.review_states import STATE_NAMES
from etl.usecases.table_file import write_table_file
from etl.usecases.trace import Contribution, LeftOut, UnknownFigure, trace_figure

router = APIRouter()
_Named = TypeVar("_Named", Contribution, LeftOut)
Key = Annotated[str, Query(max_length=100)]
Order = Annotated[str, Query(max_length=60)]


@router.get("/tables")
def list_tables(request: Request, key: Key = "") -> Response:
    """The tables of one period."""
    context = office_of(request).context()
    known = list_keys(context)
    if not known:
        return render(request, "empty.html")
    chosen = choose_period(context, known, key)
    report, _, period = chosen.partition(":")
    return render(
        request, "tables.html", known=known, key=chosen, tables=list_marts(context, report),
        state=STATE_NAMES[read_period_state(context, report, period)],
    )  # fmt: skip


@router.get("/tables/{mart}")
def show_table(request: Request, mart: str, key: Key = "", sort: Order = "") -> Response:
    """One table. `sort`: a column's code, `-` before it for falling order."""
    context = office_of(request).context()
    every = list_keys(context)
    known = _keep_periods_with(context, mart, every)
    chosen = choose_period(context, every if key else known, key)
    table = _read(context, mart, chosen)
    report, _, period = chosen.partition(":")
    return render(
        request,
        "table.html",
        known=known,
        key=chosen,
        table=table,
        rows=draw_rows(table, _order_rows(table, sort), request.scope.get("root_path", "")),
        groups=_list_groups(table.columns),
        sort=sort,
        chart=draw_table(table),
        others=list_marts(context, report),
        state=STATE_NAMES[read_period_state(context, report, period)],
    )


@router.get("/tables/{mart}/file")
def download_table(request: Request, mart: str, key: Key = "") -> Response:
    """The table as a workbook."""
    context = office_of(request).context()
    chosen = choose_period(context, list_keys(context), key)
    table = _read(context, mart, chosen)
    window = context.register.period(table.report, table.period)
    return attach(f"{table.title} - {capitalise(window.label)}.xlsx", write_table_file(context, table))


@router.get("/figure")
def show_figure(request: Request, id: Annotated[str, Query(max_length=300)]) -> Response:
    """One figure: the units and cells that make it, and what is left out and why."""
    context = office_of(request).context()
    try:
        trace = trace_figure(context, id)
    except UnknownFigure:
        raise HTTPException(404, "Không có số liệu này trong kỳ đã chọn.") from None
    trace = replace(
        trace,
        contributions={measure: _by_name(items) for measure, items in trace.contributions.items()},
        left_out=_by_name(trace.left_out),
    )
    key, _, rest = id.partition("/")
    report, _, period = key.partition(":")
    window = context.register.period(report, period)
    return render(
        request, "figure.html", trace=trace, key=key, period_label=window.label,
        report_name=context.register.report(report).name, mart=rest.partition("/")[0],
    )  # fmt: skip


def _by_name(items: Sequence[_Named]) -> list[_Named]:
    return sorted(items, key=lambda item: (sort_key(item.unit_name), item.unit))


def _keep_periods_with(context: Context, mart: str, known: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The periods of reports that have the table; all of them where none has, so that the refusal says which table it is."""
    reports = {key.partition(":")[0] for key, _ in known}
    having = {report for report in reports if mart in {table.code for table in list_marts(context, report)}}
    return [(key, label) for key, label in known if key.partition(":")[0] in having] or known


def _read(context: Context, mart: str, key: str) -> MartTable:
    report, _, period = key.partition(":")
    if mart not in {known.code for known in list_marts(context, report)}:
        raise HTTPException(404, "Báo cáo này không có bảng số liệu đã chọn.")
    try:
        return read_mart(context, mart, report, period)
    except UnknownMart:
        raise HTTPException(404, "Không có bảng số liệu này.") from None


def _order_rows(table: MartTable, sort: str) -> list[int]:
    """Places of the rows in the asked order; what is not there comes last either way."""
    places = list(range(len(table.rows)))
    code = sort.removeprefix("-")
    if code not in {column.code for column in table.columns}:
        return places
    there = [place for place in places if table.rows[place][code] is not None]

    def key(place: int) -> object:
        value = table.rows[place][code]
        return sort_key(value) if isinstance(value, str) else value

    there.sort(key=key, reverse=sort.startswith("-"))  # type: ignore[arg-type]
    return there + [place for place in places if table.rows[place][code] is None]


def _list_groups(columns: Sequence[MartColumn]) -> list[tuple[str, int]]:
    """(heading, how many columns it spans), in order; none where no column has a group."""
    found: list[tuple[str, int]] = []
    for column in columns:
        if found and found[-1][0] == column.group:
            found[-1] = (column.group, found[-1][1] + 1)
        else:
            found.append((column.group, 1))
    return found if any(name for name, _ in found) else []
