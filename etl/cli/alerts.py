"""`alerts plan|send|mute|unmute|ack`: what is due to be sent; send it; pauses. Decides nothing itself.

`plan` shows and writes nothing. `send` plans into the outbox and sends what lies there. Exit codes: 0 done; 1 letters are left
that were refused; 2 wrong usage, or no mail server answers.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.table import Table

from etl.calendar.deadlines import TIMEZONE
from etl.cli.commands import NO, YES, read_instant
from etl.cli.console import err, out, print_json
from etl.settings import read_settings
from etl.text import format_instant

if TYPE_CHECKING:
    from etl.alerts.plan import Due, Pause
    from etl.usecases.alerts import AlertPlan


def add_alerts(sub: Any, parents: dict[str, argparse.ArgumentParser]) -> None:
    """The command and what belongs to it. `parents`: shared arguments by name (`json`, `as_of`)."""
    alerts = sub.add_parser("alerts", help="reminders, answers, the day's account: plan, send, mute, unmute, ack")
    actions = alerts.add_subparsers(dest="action", required=True, metavar="plan|send|mute|unmute|ack")
    add = actions.add_parser("plan", parents=[parents["as_of"], parents["json"]], help="what is due; writes nothing")
    add.set_defaults(run=run_plan)
    add = actions.add_parser(
        "send", parents=[parents["as_of"], parents["json"]],
        help="plan into the outbox and send what lies there (--as-of: simulated provinces only)",
    )  # fmt: skip
    add.set_defaults(run=run_send)
    for name, helps, one in (
        ("mute", "no reminders about a unit before a day, to anybody", False),
        ("ack", "a unit gives a day: its own people are not reminded before; the council's list goes on", True),
    ):
        add = actions.add_parser(name, help=helps)
        add.add_argument("--unit", required=True, metavar="U")
        add.add_argument("--report", required=one, metavar="R")
        add.add_argument("--period", required=one, metavar="P")
        add.add_argument(
            "--until", required=True, metavar="T", help="a day (to its end) or an ISO instant; Viet Nam time"
        )
        add.add_argument("--by", required=True, metavar="WHO")
        add.add_argument("--why", required=True, metavar="TEXT")
        add.set_defaults(run=run_mute if name == "mute" else run_ack)
    add = actions.add_parser("unmute", help="lift a mute: reminders about the unit go out again")
    add.add_argument("--unit", required=True, metavar="U")
    add.add_argument("--report", metavar="R", help="as the mute was given; without it, the mute of all the unit owes")
    add.add_argument("--period", metavar="P")
    add.add_argument("--by", required=True, metavar="WHO")
    add.add_argument("--why", required=True, metavar="TEXT")
    add.set_defaults(run=run_unmute)


def run_plan(arguments: argparse.Namespace) -> int:
    """`alerts plan`."""
    from etl.alerts.webhooks import WebhookChannel, read_webhooks
    from etl.usecases.alerts import read_alerts
    from etl.usecases.context import open_context

    with open_context(read_settings()) as context:
        now = read_instant(arguments.as_of) if arguments.as_of else context.clock()
        found = read_alerts(context, now, WebhookChannel(read_webhooks(context.settings.webhooks)).rooms)
    if arguments.json:
        print_json(show_plan(found))
    else:
        _print_plan(found)
    return YES


def run_send(arguments: argparse.Namespace) -> int:
    """`alerts send`: 1 when letters were refused."""
    from etl.usecases.alert_channels import open_channels
    from etl.usecases.alerts import queue_alerts, send_alerts
    from etl.usecases.context import open_context, real_clock

    given = read_instant(arguments.as_of) if arguments.as_of else None
    with open_context(read_settings(), clock=(lambda: given) if given else real_clock) as context:
        if given and not context.register.province.simulated:
            raise ValueError(
                "--as-of sends in a simulated province only: letters of another day would go to real people"
            )
        with open_channels(context) as channels:
            planned = queue_alerts(context, context.clock(), channels.rooms.rooms)
            summary = send_alerts(context, channels)
    values = {"queued": planned.queued, **asdict(summary)}
    if arguments.json:
        print_json(values)
    else:
        out.print(", ".join(f"{name} {value}" for name, value in values.items()))
    _tell_unaddressed(planned)
    return NO if summary.failed or summary.waiting else YES


def run_mute(arguments: argparse.Namespace) -> int:
    """`alerts mute`."""
    from etl.usecases.alert_pauses import mute_unit
    from etl.usecases.context import open_context

    pause = _read_pause(arguments)
    with open_context(read_settings()) as context:
        mute_unit(context, pause)
    out.print(f"{pause.unit}: no reminders before {format_instant(pause.until)}")
    return YES


def run_unmute(arguments: argparse.Namespace) -> int:
    """`alerts unmute`: 1 when no mute of that scope stands."""
    from etl.usecases.alert_pauses import NothingMuted, StaleMute, lift_mute
    from etl.usecases.context import open_context

    with open_context(read_settings()) as context:
        try:
            lift_mute(
                context, arguments.unit, arguments.report, arguments.period, by=arguments.by, why=arguments.why
            )  # fmt: skip
        except (NothingMuted, StaleMute) as error:
            err.print(str(error), markup=False)
            return NO
    out.print(f"{arguments.unit}: reminders go out again")
    return YES


def run_ack(arguments: argparse.Namespace) -> int:
    """`alerts ack`."""
    from etl.usecases.alert_pauses import acknowledge
    from etl.usecases.context import open_context

    pause = _read_pause(arguments)
    with open_context(read_settings()) as context:
        acknowledge(context, pause)
    out.print(f"{pause.unit} {pause.report}:{pause.period}: not reminded before {format_instant(pause.until)}")
    return YES


def read_until(text: str) -> datetime:
    """A day, to its end, or an instant; without an offset, Viet Nam time. Raises ValueError with an example."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"--until {text!r} is no day such as 2026-06-30 and no ISO instant") from error
    if len(text) == len("2026-06-30"):
        return datetime.combine(instant.date() + timedelta(days=1), time.min, TIMEZONE)
    return instant if instant.tzinfo else instant.replace(tzinfo=TIMEZONE)


def show_plan(found: AlertPlan) -> dict[str, object]:
    """What `alerts plan --json` prints."""
    return {
        "as_of": found.as_of.astimezone(TIMEZONE).isoformat(timespec="seconds"),
        "quiet": found.quiet,
        "letters": [
            {
                "recipient": rows[0].recipient.address,
                "rows": [_show_row(row) for row in rows],
            }
            for rows in found.plan.letters
        ],
        "digest": [recipient.address for recipient in found.digest],
        "waiting": [_show_row(row) for row in found.plan.waiting],
        "unaddressed": [asdict(item) for item in found.plan.unaddressed],
    }


def _show_row(row: Due) -> dict[str, object]:
    return {
        "unit": row.unit,
        "report": row.report,
        "period": row.period,
        "rung": row.rung,
        "letter": row.letter.value,
        "role": row.role.value,
        "due_at": row.due_at.astimezone(TIMEZONE).isoformat(timespec="seconds"),
        "until": row.until.astimezone(TIMEZONE).isoformat(timespec="seconds"),
    }


def _print_plan(found: AlertPlan) -> None:
    table = Table(box=SIMPLE)
    for header in ("Nấc", "Mã", "Báo cáo", "Hạn nộp", "Người nhận"):
        table.add_column(header, no_wrap=True, overflow="fold")
    for row in found.plan.due:
        table.add_row(
            row.rung, row.unit, f"{row.report}:{row.period}", format_instant(row.due_at), row.recipient.address
        )
    out.print(table)
    told = f"{len(found.plan.letters)} thư nhắc, {len(found.digest)} thư tình hình trong ngày"
    out.print(f"{told}{'; đang là thời gian không nhắc' if found.quiet else ''} ({format_instant(found.as_of)})")
    if found.plan.waiting:
        out.print(f"{len(found.plan.waiting)} lượt nhắc chờ ngày làm việc sau (đủ số thư trong ngày)")
    _tell_unaddressed(found)


def _tell_unaddressed(found: AlertPlan) -> None:
    for item in found.plan.unaddressed:
        err.print(f"{item.unit} {item.report}:{item.period} {item.rung}: the register names no {item.role} to write to")


def _read_pause(arguments: argparse.Namespace) -> Pause:
    from etl.alerts.plan import Pause

    return Pause(
        arguments.unit, arguments.report, arguments.period, read_until(arguments.until), arguments.by, arguments.why
    )
