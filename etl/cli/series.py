"""`series`: a figure over the periods, as it was and restated on the units of today.

Exit codes: 0 done; 1 nothing of it could be restated ("không so sánh được" throughout); 2 wrong usage or our fault.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.table import Table

from etl.cli.commands import NO, YES, read_instant
from etl.cli.console import out, print_json
from etl.settings import read_settings
from etl.text import format_date, format_number

if TYPE_CHECKING:
    from etl.usecases.series import Series
    from etl.usecases.series_points import Point


def add_series(sub: Any, parents: dict[str, argparse.ArgumentParser]) -> None:
    """The command and its arguments. `parents`: shared arguments by name (`json`, `as_of`)."""
    add = sub.add_parser(
        "series", parents=[parents["as_of"], parents["json"]],
        help="a figure over the periods: as it was, and restated on the units of today",
    )  # fmt: skip
    add.add_argument("--report", required=True, metavar="R", help="code of the report, such as movements-half")
    add.add_argument("--figure", required=True, metavar="FORM/ROW/MEASURE", help="a figure without its period")
    add.add_argument("--period", required=True, metavar="P[..Q]", help="a period, or the first and last of several")
    chosen = add.add_mutually_exclusive_group()
    chosen.add_argument("--unit", metavar="U", help="only this unit")
    chosen.add_argument("--by", choices=("unit", "type", "total"), default="unit", help="a line each (default: unit)")
    add.set_defaults(run=run_series)


def run_series(arguments: argparse.Namespace) -> int:
    """`series`: 1 when nothing of it could be restated."""
    from etl.usecases.context import open_context
    from etl.usecases.series import read_series

    as_of = read_instant(arguments.as_of) if arguments.as_of else None
    with open_context(read_settings()) as context:
        series = read_series(
            context, arguments.report, arguments.figure, arguments.period, by=arguments.by, unit=arguments.unit,
            as_of=as_of,
        )  # fmt: skip
    if arguments.json:
        print_json(series.as_json())
    else:
        print_series(series)
    return YES if series.has_restated else NO


def print_series(series: Series) -> None:
    """A table a line: period, as it was, restated, coverage, and what is to be known of it."""
    unit = f" ({series.unit_of_measure})" if series.unit_of_measure else ""
    out.print(f"{series.label}{unit}, theo đơn vị tại ngày {format_date(series.day)}", soft_wrap=True)
    for line in series.lines:
        table = Table(box=SIMPLE, title=f"{line.name}{' (đã kết thúc)' if line.ended else ''}", title_justify="left")
        for header in ("Kỳ", "Theo thực tế kỳ đó", "Quy đổi", "Độ phủ", "Ghi chú"):
            table.add_column(header)
        for point in line.points:
            table.add_row(*_show_point(point, 2 if series.aggregation == "rate" else None))
        out.print(table)


def _show_point(point: Point, decimals: int | None) -> tuple[str, str, str, str, str]:
    restated = format_number(point.restated, decimals) if point.restated is not None else "–"
    if point.state == "not_comparable":
        restated = "không so sánh được"
    elif point.state == "incomplete" and point.restated is not None:
        restated += " (chưa đủ)"
    elif point.state == "estimated":
        restated += " (ước tính)"
    as_was = format_number(point.as_was, decimals) if point.as_was is not None else "–"
    notes = dict.fromkeys(text for text in (point.note, point.reason) if text)
    return point.label, as_was, restated, point.coverage if point.expected else "", "; ".join(notes)
