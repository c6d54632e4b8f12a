"""A warehouse of the sample province with a clock that a test sets, and a mail server of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from smtp_sink import Sink, open_sink

from etl.alerts.mail import Envelope
from etl.alerts.smtp import SmtpChannel, read_smtp_url
from etl.alerts.webhooks import WebhookChannel
from etl.calendar.deadlines import TIMEZONE
from etl.settings import Settings
from etl.usecases.alert_channels import Channels
from etl.usecases.alert_letters import Composer
from etl.usecases.alert_notices import queue_notices
from etl.usecases.alerts import AlertPlan, SendSummary, queue_alerts, send_alerts
from etl.usecases.context import Context, open_context
from etl.warehouse.connect import raw_connection

HALF = ("movements-half", "2026-S1")
ENVELOPE = Envelope("hdtdkt@caobang.example", "Sở Nội vụ", None, "caobang.example")


def at(text: str) -> datetime:
    """An instant of 2026 in Viet Nam, such as "06-22T07:30"."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=TIMEZONE)


def insert_submission(
    connection: Any, owed: tuple[str, str, str], received_at: datetime, now: datetime, good: bool
) -> int:
    """A submission with verdict and decision, as a load writes them, without a workbook."""
    unit, report, period = owed
    sha256 = hashlib.sha256(f"{owed}{received_at}".encode()).hexdigest()
    connection.execute("INSERT INTO landing.blob VALUES (%s, 1, %s)", (sha256, now))
    row = connection.execute(
        "WITH a AS (INSERT INTO landing.arrival (channel, locator, file_name, sha256, received_at, recorded_at) "
        "VALUES ('inbox', %(sha)s, 'bao-cao.xlsx', %(sha)s, %(at)s, %(now)s) RETURNING id), "
        "s AS (INSERT INTO core.submission (arrival_id, unit, report, period, received_at, sha256, form_versions, recorded_at) "
        "SELECT id, %(unit)s, %(report)s, %(period)s, %(at)s, %(sha)s, '{}', %(now)s FROM a RETURNING id), "
        "v AS (INSERT INTO core.verdict (submission_id, verdict, errors, warnings, infos, recorded_at) "
        "SELECT id, %(verdict)s, 0, 0, 0, %(now)s FROM s) "
        "INSERT INTO core.decision (submission_id, decision, decided_by, reason, recorded_at) "
        "SELECT id, %(decision)s, 'system', '', %(now)s FROM s RETURNING submission_id",
        {
            "sha": sha256, "at": received_at, "now": now, "unit": unit, "report": report, "period": period,
            "verdict": "accepted" if good else "rejected", "decision": "accept" if good else "return",
        },
    ).fetchone()  # fmt: skip
    return int(row[0])


def insert_return(connection: Any, owed: tuple[str, str, str], now: datetime, by: str = "cán bộ thẩm định") -> int:
    """A reviewer returns what counts of an obligation; the submission."""
    unit, report, period = owed
    ((number,),) = connection.execute(
        "INSERT INTO core.decision (submission_id, decision, decided_by, reason, recorded_at) "
        "SELECT submission_id, 'return', %s, 'Thiếu chữ ký', %s FROM core.standing_submissions(%s) "
        "WHERE unit = %s AND report = %s AND period = %s RETURNING submission_id",
        (by, now, now, unit, report, period),
    ).fetchall()
    return int(number)


@dataclass
class Office:
    """One province; `now` is what its clock says."""

    context: Context
    sink: Sink
    channels: Channels
    now: datetime
    sent_ids: list[str] = field(default_factory=list)

    def plan(self, now: str | None = None) -> AlertPlan:
        self.now = at(now) if now else self.now
        return queue_alerts(self.context, self.now, self.channels.rooms.rooms)

    def send(
        self, now: str | None = None, lease: timedelta = timedelta(minutes=5), *, with_files: bool = False
    ) -> SendSummary:
        self.now = at(now) if now else self.now
        composer = Composer(self.context, ENVELOPE, with_files=with_files)
        return send_alerts(self.context, self.channels, composer=composer, lease=lease)

    def receive(self, unit: str, received_at: str, *, good: bool = True, owed: tuple[str, str] = HALF) -> int:
        with raw_connection(self.context.engine) as connection:
            number = insert_submission(connection, (unit, *owed), at(received_at), max(self.now, at(received_at)), good)
            queue_notices(self.context, connection, [number])
        return number

    def send_back(self, unit: str, owed: tuple[str, str] = HALF) -> None:
        with raw_connection(self.context.engine) as connection:
            queue_notices(self.context, connection, [insert_return(connection, (unit, *owed), self.now)])

    def accept_all_but(self, *units: str, received_at: str = "06-08T09:00") -> None:
        """Everybody's half-year report is in, told or not, but these."""
        with raw_connection(self.context.engine) as connection:
            others = connection.execute(
                "SELECT unit FROM register.obligation WHERE report = %s AND period = %s AND retired_at IS NULL "
                "AND NOT unit = ANY(%s)",
                (*HALF, list(units)),
            ).fetchall()
            for (unit,) in others:
                insert_submission(connection, (unit, *HALF), at(received_at), at(received_at), True)

    def rows(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        with self.context.engine.begin() as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement), parameters)]

    def run_sql(self, statement: str) -> None:
        with self.context.engine.begin() as connection:
            connection.execute(sa.text(statement))

    def states(self, rung: str = "%") -> dict[str, int]:
        found = self.rows("SELECT state, count(*) FROM ops.delivery WHERE rung LIKE :rung GROUP BY 1", rung=rung)
        return {str(state): int(count) for state, count in found}


@contextmanager
def open_office(settings: Settings, now: str) -> Iterator[Office]:
    """The province of an initialised warehouse at an instant."""
    office: Office | None = None
    with ExitStack() as stack:
        sink = stack.enter_context(open_sink())
        context = stack.enter_context(open_context(settings, clock=lambda: office.now if office else at(now)))
        mail = stack.enter_context(SmtpChannel(read_smtp_url(sink.url), ENVELOPE.address))
        office = Office(context, sink, Channels(mail, WebhookChannel(()), ENVELOPE), at(now))
        yield office
