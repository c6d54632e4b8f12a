"""`links show|revoke`: a unit's personal link for one report and period, to be given by hand; and taking back what was given.

`show` prints a secret: whoever has the link files for the unit. Exit codes: 0 done; 1 the unit owes no such report; 2 wrong
usage, or the pages have no public address.
"""

from __future__ import annotations

import argparse
from typing import Any

from etl.cli.commands import NO, YES
from etl.cli.console import err, out, print_json
from etl.settings import read_settings
from etl.text import format_instant


def add_links(sub: Any, parents: dict[str, argparse.ArgumentParser]) -> None:
    """The command and what belongs to it. `parents`: shared arguments by name (`json`, `report`)."""
    links = sub.add_parser("links", help="a unit's personal link to its page: show, revoke")
    actions = links.add_subparsers(dest="action", required=True, metavar="show|revoke")
    add = actions.add_parser("show", parents=[parents["report"], parents["json"]], help="the link as it is now")
    add.add_argument("--unit", required=True, metavar="U")
    add.set_defaults(run=run_show)
    add = actions.add_parser(
        "revoke", parents=[parents["report"]], help="the links given so far open nothing; the next letter has a new one"
    )
    add.add_argument("--unit", required=True, metavar="U")
    add.add_argument("--by", required=True, metavar="WHO")
    add.add_argument("--why", required=True, metavar="TEXT")
    add.set_defaults(run=run_revoke)


def run_show(arguments: argparse.Namespace) -> int:
    """`links show`."""
    from etl.usecases.context import open_context
    from etl.usecases.fill_in import UnitDoesNotOwe
    from etl.usecases.unit_links import make_link, read_expiry

    with open_context(read_settings()) as context:
        try:
            link = make_link(context, arguments.unit, arguments.report, arguments.period)
        except UnitDoesNotOwe as error:
            err.print(str(error))
            return NO
        if link is None:
            raise ValueError(
                "the pages have no public address: set MOVEMENT_REPORTS_WEB_URL to the address that units reach them by"
            )
        expires = read_expiry(context, arguments.unit, arguments.report, arguments.period)
    if arguments.json:
        print_json({"link": link, "expires_at": expires.isoformat()})
    else:
        out.print(link, soft_wrap=True)
        err.print(f"opens the page of {arguments.unit} until {format_instant(expires)}")
    return YES


def run_revoke(arguments: argparse.Namespace) -> int:
    """`links revoke`."""
    from etl.usecases.context import open_context
    from etl.usecases.fill_in import UnitDoesNotOwe
    from etl.usecases.unit_links import revoke_link

    with open_context(read_settings()) as context:
        try:
            revoke_link(
                context, arguments.unit, arguments.report, arguments.period, by=arguments.by, why=arguments.why,
                role="command line",
            )  # fmt: skip
        except UnitDoesNotOwe as error:
            err.print(str(error))
            return NO
    out.print(f"{arguments.unit} {arguments.report} {arguments.period}: the links given so far open nothing any more")
    return YES
