"""`register diff|apply`: what another register would change; make it the one in use. Decides nothing itself.

`diff` writes nothing. Exit codes: 0 done, or nothing would change; 1 something would change; 2 the folder is no sound register.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl.cli.commands import NO, YES
from etl.cli.console import out, print_json
from etl.settings import read_settings
from etl.text import format_instant

if TYPE_CHECKING:
    from etl.usecases.register_change import PeriodChange, RegisterChange

_MOST_NAMED = 8


def add_register(sub: Any, parents: dict[str, argparse.ArgumentParser]) -> None:
    """The command and what belongs to it. `parents`: shared arguments by name (`json`)."""
    register = sub.add_parser("register", help="a changed register: diff, apply")
    actions = register.add_subparsers(dest="action", required=True, metavar="diff|apply")
    add = actions.add_parser(
        "diff",
        parents=[parents["json"]],
        help="who gains, loses, inherits what, and which due instants move; writes nothing",
    )
    add.add_argument("folder", type=Path, metavar="NEWFOLDER")
    add.set_defaults(run=run_diff)
    add = actions.add_parser("apply", parents=[parents["json"]], help="make it the register in use, in one transaction")
    add.add_argument("folder", type=Path, metavar="NEWFOLDER")
    add.add_argument("--by", required=True, metavar="WHO")
    add.add_argument("--why", required=True, metavar="TEXT", help="kept with the change (Vietnamese)")
    add.set_defaults(run=run_apply)


def run_diff(arguments: argparse.Namespace) -> int:
    """`register diff`: 1 when something would change."""
    from etl.usecases.context import open_context
    from etl.usecases.register_change import preview_change

    with open_context(read_settings()) as context:
        change = preview_change(context, arguments.folder)
    _print_change(change, as_json=arguments.json)
    return YES if change.is_empty else NO


def run_apply(arguments: argparse.Namespace) -> int:
    """`register apply`."""
    from etl.usecases.context import open_context
    from etl.usecases.register_change import apply_change

    with open_context(read_settings()) as context:
        change = apply_change(context, arguments.folder, by=arguments.by, why=arguments.why)
    _print_change(change, as_json=arguments.json)
    return YES


def _print_change(change: RegisterChange, *, as_json: bool) -> None:
    if as_json:
        print_json(change.as_json())
        return
    if change.is_empty:
        out.print("Nothing changes.")
    for table in change.tables:
        out.print(f"{table.table}: {len(table.added)} added, {len(table.ended)} ended, {len(table.changed)} changed")
    for period in change.periods:
        out.print(f"{period.report}:{period.period}")
        for line in _tell_period(period):
            out.print(f"  {line}", soft_wrap=True)
    if change.files:
        out.print(f"Files {'replaced' if change.applied else 'that differ'}: {', '.join(change.files)}", soft_wrap=True)
    for notice in change.notices:
        out.print(f"Notice: {notice}", soft_wrap=True)


def _tell_period(period: PeriodChange) -> list[str]:
    heirs = [f"{unit} → {heir}{' (unfinished)' if open_ else ''}" for unit, heir, open_ in period.inherited]
    due = [f"{unit} {format_instant(was)} → {format_instant(now)}" for unit, was, now in period.due_moved]
    told = {
        "gain the obligation": period.gained,
        "lose it": period.lost,
        "inherited": heirs,
        "due instant moves": due,
        "excused": [f"{unit} ({reason})" for unit, reason in period.excused],
        "no longer excused": period.no_longer_excused,
        "name, type, forms or part of the window change": period.other,
    }
    return [f"{what}: {len(items)} – {_name_some(items)}" for what, items in told.items() if items]


def _name_some(items: list[str]) -> str:
    more = f", … {len(items) - _MOST_NAMED} more" if len(items) > _MOST_NAMED else ""
    return ", ".join(items[:_MOST_NAMED]) + more
