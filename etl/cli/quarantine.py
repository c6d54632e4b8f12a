"""`quarantine list|attribute|discard`: files that could not be attributed, and what a person settles of them.

Exit codes: 0 done; 1 somebody else was faster, or the unit owes no such report; 2 wrong usage or our fault.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.table import Table

from etl.calendar.deadlines import TIMEZONE
from etl.cli.commands import NO, YES
from etl.cli.console import err, out, print_json
from etl.settings import read_settings
from etl.text import format_instant

if TYPE_CHECKING:
    from etl.usecases.quarantine import QuarantineItem, RefusedItem


def add_quarantine(sub: Any, parents: dict[str, argparse.ArgumentParser]) -> None:
    """The command; bare it lists. `parents`: shared arguments by name (`json`, `report`: --report and --period)."""
    quarantine = sub.add_parser(
        "quarantine", parents=[parents["json"]], help="files that could not be attributed: list, attribute, discard"
    )
    quarantine.set_defaults(run=run_list, everything=False)
    actions = quarantine.add_subparsers(dest="action", metavar="list|attribute|discard")
    # Not the shared argument: its default would take back a --json given before the action.
    add = actions.add_parser("list", help="what waits, and what was refused (the same as no action)")
    add.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="JSON on stdout, for machines")
    add.add_argument("--all", action="store_true", dest="everything", help="also what was discarded")
    add.set_defaults(run=run_list)
    add = actions.add_parser(
        "attribute", parents=[parents["report"]], help="say whose file it is; it becomes a submission"
    )
    add.add_argument("arrival", type=int, metavar="ARRIVAL")
    add.add_argument("--unit", required=True, metavar="U")
    _add_words(add)
    add.set_defaults(run=run_attribute)
    add = actions.add_parser("discard", help="say that it is nobody's; its bytes stay, `attribute` undoes it")
    add.add_argument("arrival", type=int, metavar="ARRIVAL")
    _add_words(add)
    add.set_defaults(run=run_discard)


def _add_words(add: argparse.ArgumentParser) -> None:
    add.add_argument("--by", required=True, metavar="WHO")
    add.add_argument("--why", required=True, metavar="TEXT", help="kept for good (Vietnamese)")
    add.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="JSON on stdout, for machines")


def run_list(arguments: argparse.Namespace) -> int:
    """`quarantine list`."""
    from etl.usecases.context import open_context
    from etl.usecases.quarantine import list_quarantine, list_refused

    with open_context(read_settings()) as context:
        found = list_quarantine(context, everything=arguments.everything)
        refused = list_refused(context)
    if arguments.json:
        print_json(
            {"quarantine": [show_item(item) for item in found], "refused": [show_refused(one) for one in refused]}
        )
        return YES
    table = Table(box=SIMPLE)
    for header in ("Số", "Nhận lúc", "Tệp", "Gợi ý", "Vì sao"):
        table.add_column(header, overflow="fold")
    for item in found:
        hints = " ".join(hint for hint in (item.unit, item.report, item.period) if hint)
        why = f"đã loại: {item.discarded_why}" if item.state == "discarded" else "\n".join(item.findings[:3])
        table.add_row(str(item.arrival_id), format_instant(item.received_at), item.file, hints, why)
    out.print(table)
    out.print(f"{len([item for item in found if item.state == 'quarantined'])} in quarantine")
    if refused:
        _print_refused(refused)
    return YES


def _print_refused(refused: list[RefusedItem]) -> None:
    from etl.channels.refusals import REASONS, RefusalCode

    table = Table(box=SIMPLE, title="Không nhận")
    for header in ("Nhận lúc", "Nơi nhận", "Tệp", "Mã", "Vì sao"):
        table.add_column(header, overflow="fold")
    for one in refused:
        reason = REASONS[RefusalCode(one.code)] if one.code in set(RefusalCode) else one.code
        table.add_row(format_instant(one.received_at), one.channel, one.file, one.code, reason)
    out.print(table)
    out.print(f"{len(refused)} refused")


def run_attribute(arguments: argparse.Namespace) -> int:
    """`quarantine attribute`."""
    from etl.cli.tables import print_outcomes, show_outcomes
    from etl.usecases.context import open_context
    from etl.usecases.quarantine import NotOwed, StaleQuarantine, attribute_arrival

    with open_context(read_settings()) as context:
        try:
            outcome = attribute_arrival(
                context, arguments.arrival, unit=arguments.unit, report=arguments.report, period=arguments.period,
                by=arguments.by, why=arguments.why,
            )  # fmt: skip
        except (NotOwed, StaleQuarantine) as error:
            err.print(str(error))
            return NO
    if getattr(arguments, "json", False):
        print_json(show_outcomes([outcome]))
    else:
        print_outcomes([outcome])
    return YES


def run_discard(arguments: argparse.Namespace) -> int:
    """`quarantine discard`."""
    from etl.usecases.context import open_context
    from etl.usecases.quarantine import StaleQuarantine, discard_arrival

    with open_context(read_settings()) as context:
        try:
            item = discard_arrival(context, arguments.arrival, by=arguments.by, why=arguments.why)
        except StaleQuarantine as error:
            err.print(str(error))
            return NO
    if getattr(arguments, "json", False):
        print_json(show_item(item))
    else:
        out.print(f"{item.arrival_id} {item.file}: discarded; its bytes stay, `quarantine attribute` undoes it")
    return YES


def show_item(item: QuarantineItem) -> dict[str, object]:
    """A file in quarantine as JSON."""
    discarded = {
        "by": item.discarded_by,
        "why": item.discarded_why,
        "at": item.discarded_at.astimezone(TIMEZONE).isoformat(timespec="seconds") if item.discarded_at else None,
    }
    return {
        "arrival": item.arrival_id,
        "generation": item.generation,
        "state": item.state,
        "channel": item.channel,
        "file": item.file,
        "sha256": item.sha256,
        "received_at": item.received_at.astimezone(TIMEZONE).isoformat(timespec="seconds"),
        "unit": item.unit,
        "report": item.report,
        "period": item.period,
        "findings": item.findings,
        "discarded": discarded if item.state == "discarded" else None,
    }


def show_refused(one: RefusedItem) -> dict[str, object]:
    """Something refused as JSON."""
    return {
        "channel": one.channel,
        "file": one.file,
        "code": one.code,
        "detail": one.detail,
        "unit": one.unit,
        "received_at": one.received_at.astimezone(TIMEZONE).isoformat(timespec="seconds"),
    }
