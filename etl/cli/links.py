"""`links show|revoke`: a unit's personal link for one report and period, to be given by hand; and taking back what was given.

`show` prints a secret: whoever has the link files for the unit. Exit codes: 0 done; 1 the unit owes no such report, or the links
are not those that were looked at; 2 wrong usage, or the pages have no public address.
"""

from __future__ import annotations

import argparse
from typing import Any

from etl.cli.commands import NO, YES
from etl.cli.console import err, out, print_json
from etl.settings import read_settings
from etl.text import format_date


def add_links(sub: Any, parents: dict[str, argparse.ArgumentParser]) -> None:
    """The command and what belongs to it. `parents`: shared arguments by name (`json`, `report`)."""
    links = sub.add_parser("links", help="a unit's personal link to its page: show, revoke")
    actions = links.add_subparsers(dest="action", required=True, metavar="show|revoke")
    add = actions.add_parser(
        "show", parents=[parents["report"], parents["json"]], help="the link as it is given out today"
    )
    add.add_argument("--unit", required=True, metavar="U")
    add.set_defaults(run=run_show)
    add = actions.add_parser(
        "revoke", parents=[parents["report"]], help="the links given so far open nothing; the next letter has a new one"
    )
    add.add_argument("--unit", required=True, metavar="U")
    add.add_argument("--by", required=True, metavar="WHO")
    add.add_argument("--why", required=True, metavar="TEXT")
    add.add_argument(
        "--expected-revocations", type=int, metavar="N",
        help="refuse when they were revoked another number of times (`show --json` has it)",
    )  # fmt: skip
    add.set_defaults(run=run_revoke)


def run_show(arguments: argparse.Namespace) -> int:
    """`links show`."""
    from etl.usecases.context import open_context
    from etl.usecases.fill_in import UnitDoesNotOwe
    from etl.usecases.unit_links import give_link

    with open_context(read_settings()) as context:
        try:
            link = give_link(context, arguments.unit, arguments.report, arguments.period, context.clock())
        except UnitDoesNotOwe as error:
            err.print(str(error))
            return NO
        if link.address is None:
            raise ValueError(
                "the pages have no public address: set MOVEMENT_REPORTS_WEB_URL to the address that units reach them by"
            )
    if arguments.json:
        print_json(
            {
                "link": link.address, "last_day": link.last_day.isoformat(), "expires_at": link.expires_at.isoformat(),
                "revocations": link.revocations,
            }
        )  # fmt: skip
    else:
        out.print(link.address, soft_wrap=True)
        # In the words that go to the unit with it.
        err.print(f"{arguments.unit}: có hiệu lực đến hết ngày {format_date(link.last_day)}")
    return YES


def run_revoke(arguments: argparse.Namespace) -> int:
    """`links revoke`."""
    from etl.usecases.context import open_context
    from etl.usecases.fill_in import UnitDoesNotOwe
    from etl.usecases.unit_links import StaleLink, revoke_link

    with open_context(read_settings()) as context:
        try:
            revoke_link(
                context, arguments.unit, arguments.report, arguments.period, by=arguments.by, why=arguments.why,
                role="command line", seen=arguments.expected_revocations,
            )  # fmt: skip
        except (UnitDoesNotOwe, StaleLink) as error:
            err.print(str(error))
            return NO
    out.print(f"{arguments.unit} {arguments.report} {arguments.period}: the links given so far open nothing any more")
    return YES
