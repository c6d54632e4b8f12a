"""`marts list|show`: the tables of the standing office, as of any instant. Decides nothing itself.

Exit codes: 0 done; 1 the table has no rows; 2 wrong usage.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.table import Table

from etl.cli.commands import NO, YES, read_instant
from etl.cli.console import out, print_json
from etl.settings import read_settings
from etl.text import format_date, format_instant, format_number

if TYPE_CHECKING:
    from etl.usecases.mart_model import MartColumn, MartTable


def add_marts(sub: Any, parents: dict[str, argparse.ArgumentParser]) -> None:
    """The command and what belongs to it. `parents`: shared arguments by name (`report`, `json`, `as_of`)."""
    marts = sub.add_parser("marts", help="the tables of the standing office: list, show")
    actions = marts.add_subparsers(dest="action", required=True, metavar="list|show")
    add = actions.add_parser("list", parents=[parents["json"]], help="which tables there are")
    add.add_argument("--report", metavar="R", help="only those that this report can have")
    add.set_defaults(run=run_list)
    add = actions.add_parser(
        "show", parents=[parents["report"], parents["as_of"], parents["json"]],
        help="one table; --json also gives the id of each figure, for `trace`",
    )  # fmt: skip
    add.add_argument("mart", metavar="MART", help="a code of `marts list`, such as structure")
    add.set_defaults(run=run_show)


def run_list(arguments: argparse.Namespace) -> int:
    """`marts list`."""
    from etl.usecases.context import Knowledge
    from etl.usecases.marts import MARTS, list_marts

    found = list(MARTS.values())
    if arguments.report:
        found = list_marts(Knowledge(read_settings()), arguments.report)
    if arguments.json:
        print_json([{"code": m.code, "title": m.title, "note": m.note, "forms": list(m.forms)} for m in found])
        return YES
    table = Table(box=SIMPLE)
    for header in ("Mã", "Bảng", "Biểu"):
        table.add_column(header)
    for mart in found:
        table.add_row(mart.code, mart.title, ", ".join(mart.forms))
    out.print(table)
    return YES


def run_show(arguments: argparse.Namespace) -> int:
    """`marts show`: 1 when the table has no rows."""
    from etl.usecases.context import open_context
    from etl.usecases.marts import read_mart

    as_of = read_instant(arguments.as_of) if arguments.as_of else None
    with open_context(read_settings()) as context:
        found = read_mart(context, arguments.mart, arguments.report, arguments.period, as_of=as_of)
    if arguments.json:
        print_json(found.as_json())
    else:
        _print_table(found)
    return YES if found.rows else NO


def _print_table(found: MartTable) -> None:
    out.print(found.title.upper())
    for line in (found.note, *(f"{c.form}: {c.accepted}/{c.expected} đơn vị" for c in found.coverage)):
        if line:
            out.print(line)
    table = Table(box=SIMPLE)
    for column in found.columns:
        heading = f"{column.group}: {column.label.lower()}" if column.group else column.label
        table.add_column(heading, justify="right" if column.is_number else "left", overflow="fold")
    for place, row in enumerate(found.rows):
        table.add_row(*(_show(column, row, (place, column.code) in found.not_applicable) for column in found.columns))
    out.print(table)


def _show(column: MartColumn, row: Mapping[str, Any], structural_zero: bool) -> str:
    value = row[column.code]
    if value is None:
        return "x" if structural_zero else ""
    if isinstance(value, Decimal | int):
        # A count that a sender gave with decimals is shown as it is: rounding would hide it.
        decimals = column.decimals if column.kind == "percent" else None
        return format_number(value, decimals)
    if isinstance(value, datetime):
        return format_instant(value)
    return format_date(value) if isinstance(value, date) else str(value)
