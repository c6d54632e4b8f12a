"""A unit's personal link for one report and period: signed, ending by itself, revocable. It knows no HTTP.

The link is made from what it opens, its last day and the installation's secret: nothing has to be stored, links given out on one
day are the same one, and an older one stays good to its own end. Revoking counts up a number that is part of it.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from itsdangerous import BadSignature, URLSafeSerializer

from etl.calendar.deadlines import TIMEZONE, find_end_day
from etl.settings import Settings
from etl.usecases.accounts import record_action
from etl.usecases.context import Context
from etl.usecases.fill_in import UnitDoesNotOwe

OPEN_AFTER_DUE: Final = timedelta(days=90)
"""Late reports are taken, so the link outlives the due day; for how long is ours to say."""
OPEN_AFTER_GIVEN: Final = timedelta(days=30)
"""A letter sent long after the due day, such as one that asks for a correction, must not carry a link that is over already."""
_SALT: Final = "unit-entrance"


class BadLink(PermissionError):
    """A link that opens nothing. `reason`: altered | expired | revoked. Nothing else is told about it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StaleLink(RuntimeError):
    """The links are not as they were when they were looked at. `latest`: who revoked them in between and when; None: nobody
    did, and the number that was seen is of no page of ours."""

    def __init__(self, message: str, latest: Revocation | None) -> None:
        super().__init__(message)
        self.latest = latest


@dataclass(frozen=True, slots=True)
class Revocation:
    """Who took the links of an obligation back, when and why. `number`: 1 for its first revocation."""

    number: int
    by: str
    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class GivenLink:
    """A unit's link as it is given out on a day. `address`: None where the settings name no public address of the pages.

    `last_day`: of Viet Nam; the link opens to its end. `revoked`: the last revocation before it, None where there is none.
    """

    token: str
    address: str | None
    last_day: date
    revoked: Revocation | None

    @property
    def expires_at(self) -> datetime:
        """The instant from which it opens nothing: midnight after the last day."""
        return datetime.combine(self.last_day + timedelta(days=1), time.min, TIMEZONE)

    @property
    def revocations(self) -> int:
        """How often the links of this obligation were revoked so far: what `revoke_link` wants to hear."""
        return self.revoked.number if self.revoked else 0


@dataclass(frozen=True, slots=True)
class Entrance:
    """What a link opens, and until when."""

    unit: str
    report: str
    period: str
    expires_at: datetime

    @property
    def last_day(self) -> date:
        """The day of Viet Nam to the end of which it opens."""
        return find_end_day(self.expires_at)


def read_secret(settings: Settings) -> str:
    """The installation's secret: MOVEMENT_REPORTS_WEB_SECRET, else a file under home that is made once, for its owner only."""
    if settings.web_secret:
        return settings.web_secret
    file = settings.home / "web-secret"
    settings.home.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"web-secret.{secrets.token_hex(4)}.part")
    if not file.exists():
        number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w") as stream:
            stream.write(secrets.token_urlsafe(48))
        try:
            # Two programs that start at once must not end with two secrets: the first to link wins.
            os.link(part, file)
        except FileExistsError:
            pass
        finally:
            part.unlink()
    return Path(file).read_text("utf-8").strip()


def find_last_day(due_at: datetime, given_at: datetime) -> date:
    """The day of Viet Nam to the end of which a link opens that is given out at an instant."""
    due_day, given_day = (instant.astimezone(TIMEZONE).date() for instant in (due_at, given_at))
    return max(due_day + OPEN_AFTER_DUE, given_day + OPEN_AFTER_GIVEN)


def give_link(context: Context, unit: str, report: str, period: str, given_at: datetime) -> GivenLink:
    """The link as it is given out at an instant. Raises UnitDoesNotOwe."""
    with context.engine.connect() as connection:
        return _sign(context.settings, connection, unit, report, period, given_at)


def make_token(context: Context, unit: str, report: str, period: str, given_at: datetime) -> str:
    """The token of that link. Raises UnitDoesNotOwe."""
    return give_link(context, unit, report, period, given_at).token


def show_link(
    context: Context, unit: str, report: str, period: str, given_at: datetime, *, by: str, role: str
) -> GivenLink:
    """`give_link` to a person of the office, who may then file as the unit: recorded, once a person, link and day.

    Nothing is recorded where there is no address to show. Raises UnitDoesNotOwe.
    """
    with context.engine.begin() as connection:
        _hold(connection, unit, report, period)
        link = _sign(context.settings, connection, unit, report, period, given_at)
        if link.address is None:
            return link
        subject = f"{report}:{period}/{unit}"
        outcome = f"link {link.revocations + 1}, until {link.last_day}"
        today = datetime.combine(given_at.astimezone(TIMEZONE).date(), time.min, TIMEZONE)
        known = connection.execute(
            sa.text(
                "SELECT 1 FROM ops.action WHERE at >= :today AND login = :by AND action = 'link.show' "
                "AND subject = :subject AND outcome = :outcome LIMIT 1"
            ),
            {"today": today, "by": by, "subject": subject, "outcome": outcome},
        ).first()
        if known is None:
            record_action(connection, given_at, by, role, "link.show", subject, outcome)
    return link


def read_link(context: Context, token: str, now: datetime) -> Entrance:
    """What the token opens. Raises BadLink."""
    try:
        unit, report, period, expires, generation = _signer(context.settings).loads(token)
    except (BadSignature, ValueError, TypeError):
        raise BadLink("altered") from None
    expires_at = datetime.fromtimestamp(expires, UTC)
    if expires_at <= now:
        raise BadLink("expired")
    with context.engine.connect() as connection:
        try:
            _, revoked = _read_facts(connection, unit, report, period)
        except UnitDoesNotOwe:
            raise BadLink("revoked") from None
    if generation != (revoked.number if revoked else 0):
        raise BadLink("revoked")
    return Entrance(unit, report, period, expires_at)


def revoke_link(
    context: Context, unit: str, report: str, period: str, *, by: str, why: str, role: str, seen: int | None = None
) -> None:
    """Every link given out so far opens nothing any more; the next one is new.

    `seen`: how often they were revoked when the person looked (`GivenLink.revocations`); with another number nothing is done,
    or the second of two people would kill the link that the first one has just given out. None: whatever it is.
    Raises UnitDoesNotOwe, StaleLink, ValueError.
    """
    if not by.strip() or not why.strip():
        raise ValueError("who and why are asked for: without them nobody can answer for it later")
    with context.engine.begin() as connection:
        _hold(connection, unit, report, period)
        _, latest = _read_facts(connection, unit, report, period)
        if seen is not None and seen != (latest.number if latest else 0):
            raise StaleLink(_tell_latest(latest), latest)
        now = context.clock()
        connection.execute(
            sa.text(
                "INSERT INTO ops.link_revocation (unit, report, period, revoked_by, reason, recorded_at) "
                "VALUES (:unit, :report, :period, :by, :why, :now)"
            ),
            {"unit": unit, "report": report, "period": period, "by": by, "why": why, "now": now},
        )
        record_action(connection, now, by, role, "link.revoke", f"{report}:{period}/{unit}", "done")


def _tell_latest(latest: Revocation | None) -> str:
    if latest is None:
        return "the links were never revoked; nothing was done"
    at = latest.at.astimezone(TIMEZONE).isoformat(timespec="seconds")
    return f"the links were revoked {latest.number} times, last by {latest.by} at {at}; nothing was done"


def _hold(connection: sa.Connection, unit: str, report: str, period: str) -> None:
    """One at a time on the links of an obligation, to the end of the transaction: who waited sees what the other wrote."""
    connection.execute(
        sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"link {report}:{period}/{unit}"}
    )


def _sign(
    settings: Settings, connection: sa.Connection, unit: str, report: str, period: str, given_at: datetime
) -> GivenLink:
    due_at, revoked = _read_facts(connection, unit, report, period)
    link = GivenLink("", None, find_last_day(due_at, given_at), revoked)
    token = str(_signer(settings).dumps([unit, report, period, int(link.expires_at.timestamp()), link.revocations]))
    address = f"{settings.web_url.rstrip('/')}/u/{token}" if settings.web_url else None
    return replace(link, token=token, address=address)


def _read_facts(connection: sa.Connection, unit: str, report: str, period: str) -> tuple[datetime, Revocation | None]:
    """When it is due, and the last revocation of its links."""
    row = connection.execute(
        sa.text(
            "SELECT o.due_at, r.number, r.revoked_by, r.recorded_at, r.reason FROM register.obligation o "
            "LEFT JOIN LATERAL (SELECT count(*) OVER () AS number, l.revoked_by, l.recorded_at, l.reason "
            "FROM ops.link_revocation l WHERE l.unit = o.unit AND l.report = o.report AND l.period = o.period "
            "ORDER BY l.id DESC LIMIT 1) r ON true "
            "WHERE o.unit = :unit AND o.report = :report AND o.period = :period AND o.retired_at IS NULL"
        ),
        {"unit": unit, "report": report, "period": period},
    ).first()
    if row is None:
        raise UnitDoesNotOwe(f"{unit} owes no {report} for {period}; see `board`")
    return row[0], Revocation(*row[1:]) if row[1] else None


def _signer(settings: Settings) -> URLSafeSerializer:
    import hashlib

    return URLSafeSerializer(
        read_secret(settings), salt=_SALT, signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    )
