"""A unit's personal link for one report and period: signed, ending by itself, revocable. It knows no HTTP.

The link is made from what it opens and the installation's secret, so that a reminder sent again carries the same one and
nothing has to be stored; revoking counts up a number that is part of it.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from itsdangerous import BadSignature, URLSafeSerializer

from etl.settings import Settings
from etl.usecases.accounts import record_action
from etl.usecases.context import Context
from etl.usecases.fill_in import UnitDoesNotOwe

OPEN_AFTER_DUE: Final = timedelta(days=90)
"""Late reports are taken, so the link outlives the due day; for how long is ours to say."""
_SALT: Final = "unit-entrance"


class BadLink(PermissionError):
    """A link that opens nothing. `reason`: altered | expired | revoked. Nothing else is told about it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Entrance:
    """What a link opens, and until when."""

    unit: str
    report: str
    period: str
    expires_at: datetime


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


def make_token(context: Context, unit: str, report: str, period: str) -> str:
    """The token of the link as it is now. Raises UnitDoesNotOwe."""
    with context.engine.connect() as connection:
        due, generation = _read_facts(connection, unit, report, period)
    expires = int((due + OPEN_AFTER_DUE).timestamp())
    return _signer(context.settings).dumps([unit, report, period, expires, generation])


def make_link(context: Context, unit: str, report: str, period: str) -> str | None:
    """The whole link for a letter; None where the settings name no public address of the pages. Raises UnitDoesNotOwe."""
    if not context.settings.web_url:
        return None
    return f"{context.settings.web_url.rstrip('/')}/u/{make_token(context, unit, report, period)}"


def read_expiry(context: Context, unit: str, report: str, period: str) -> datetime:
    """Until when the link opens. Raises UnitDoesNotOwe."""
    with context.engine.connect() as connection:
        due, _ = _read_facts(connection, unit, report, period)
    return due + OPEN_AFTER_DUE


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
            _, newest = _read_facts(connection, unit, report, period)
        except UnitDoesNotOwe:
            raise BadLink("revoked") from None
    if generation != newest:
        raise BadLink("revoked")
    return Entrance(unit, report, period, expires_at)


def revoke_link(context: Context, unit: str, report: str, period: str, *, by: str, why: str, role: str) -> None:
    """The link made so far opens nothing any more; the next letter carries a new one. Raises UnitDoesNotOwe, ValueError."""
    if not by.strip() or not why.strip():
        raise ValueError("who and why are asked for: without them nobody can answer for it later")
    now = context.clock()
    with context.engine.begin() as connection:
        _read_facts(connection, unit, report, period)
        connection.execute(
            sa.text(
                "INSERT INTO ops.link_revocation (unit, report, period, revoked_by, reason, recorded_at) "
                "VALUES (:unit, :report, :period, :by, :why, :now)"
            ),
            {"unit": unit, "report": report, "period": period, "by": by, "why": why, "now": now},
        )
        record_action(connection, now, by, role, "link.revoke", f"{report}:{period}/{unit}", "done")


def _read_facts(connection: sa.Connection, unit: str, report: str, period: str) -> tuple[datetime, int]:
    """When it is due and how often the link was revoked."""
    row = connection.execute(
        sa.text(
            "SELECT o.due_at, (SELECT count(*) FROM ops.link_revocation r WHERE r.unit = o.unit AND r.report = o.report "
            "AND r.period = o.period) FROM register.obligation o WHERE o.unit = :unit AND o.report = :report "
            "AND o.period = :period AND o.retired_at IS NULL"
        ),
        {"unit": unit, "report": report, "period": period},
    ).first()
    if row is None:
        raise UnitDoesNotOwe(f"{unit} owes no {report} for {period}; see `board`")
    return row[0], int(row[1])


def _signer(settings: Settings) -> URLSafeSerializer:
    import hashlib

    return URLSafeSerializer(
        read_secret(settings), salt=_SALT, signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    )
