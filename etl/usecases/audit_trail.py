"""Who did what: the audit trail of a period, and looking for deeds in all of it, a page at a time. Reads only.

What is looked for stays with the question: it never decides what was recorded. Codes here are ours; the pages have the words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

import sqlalchemy as sa

from etl.calendar.deadlines import TIMEZONE
from etl.text import fold
from etl.usecases.context import Context

ANY_UNIT: Final = "unit:"
"""As a person to look for: whichever unit, by its personal link."""
DEEDS_A_PAGE: Final = 100

_COLUMNS: Final = """
SELECT t.at, t.who, t.kind, t.action, t.report, t.period, t.unit, t.submission_id, t.detail, t.reason, t.subject, t.outcome, t.key
FROM ops.audit_trail t
"""
_OF_PERIOD: Final = """
(cast(:report AS text) IS NULL OR t.report = :report OR t.report IS NULL AND t.kind <> 'page')
AND (cast(:period AS text) IS NULL OR t.period = :period OR t.period IS NULL AND t.kind <> 'page')
"""
_SOUGHT: Final = """
AND (cast(:kinds AS text[]) IS NULL OR t.kind || '.' || t.action = ANY(:kinds))
AND (cast(:who AS text) IS NULL OR t.who = :who OR :who = 'unit:' AND starts_with(t.who, 'unit:'))
AND (cast(:units AS text[]) IS NULL OR t.unit = ANY(:units))
AND (cast(:since AS timestamptz) IS NULL OR t.at >= :since) AND (cast(:until AS timestamptz) IS NULL OR t.at < :until)
"""
_OLDER: Final = "AND (cast(:at AS timestamptz) IS NULL OR (t.at, t.key) < (:at, cast(:key AS text)))"
_PEOPLE: Final = """
SELECT DISTINCT t.who FROM ops.audit_trail t WHERE t.who IS NOT NULL AND NOT starts_with(t.who, 'unit:') ORDER BY t.who
"""


class BadPlace(ValueError):
    """A text that no page of the audit trail gave as the place to go on from."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One line of the audit trail. `kind`: period, publication, decision, examination, quarantine, link, mute, exemption,
    register, page; `who` is None where the register alone says it. `subject` and `outcome` are codes and numbers of ours,
    `detail` both; `key` tells lines of one instant apart."""

    at: datetime
    who: str | None
    kind: str
    action: str
    report: str | None
    period: str | None
    unit: str | None
    submission: int | None
    detail: str | None
    reason: str | None
    subject: str | None
    outcome: str | None
    key: str

    def as_json(self) -> dict[str, object]:
        """One line of `audit --json`."""
        return {
            "at": self.at.astimezone(TIMEZONE).isoformat(timespec="seconds"), "who": self.who, "kind": self.kind,
            "action": self.action, "report": self.report, "period": self.period, "unit": self.unit,
            "submission": self.submission, "detail": self.detail, "reason": self.reason,
        }  # fmt: skip

    @property
    def place(self) -> str:
        """Where this line stands, for `find_deeds(after=…)`."""
        return f"{self.at.isoformat()} {self.key}"


@dataclass(frozen=True, slots=True)
class Sought:
    """What to look for; nothing given finds everything.

    `report`, `period`: as `read_audit` has it. `kinds`: `kind.action` of a Deed. `who`: a login, or ANY_UNIT. `unit`: a code, or
    part of a code or name. `first`, `last`: days of Viet Nam, both included.
    """

    report: str | None = None
    period: str | None = None
    kinds: Sequence[str] | None = None
    who: str | None = None
    unit: str | None = None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class DeedPage:
    """Deeds, newest first; `older`: the place from which the next page goes on, None on the last one."""

    deeds: Sequence[Deed]
    older: str | None


def read_audit(context: Context, report: str | None = None, period: str | None = None) -> list[Deed]:
    """Who did what, oldest first: of a period, together with what concerns no period (the register, general pauses), but
    without log-ins: they would bury it."""
    query = f"{_COLUMNS} WHERE {_OF_PERIOD} ORDER BY t.at, t.kind, t.submission_id, t.key"
    with context.engine.connect() as connection:
        rows = connection.execute(sa.text(query), {"report": report, "period": period}).all()
    return [Deed(*row) for row in rows]


def find_deeds(context: Context, sought: Sought, *, after: str | None = None, most: int = DEEDS_A_PAGE) -> DeedPage:
    """A page of what is looked for. `after`: the place of the last deed of the page before.

    What is recorded meanwhile moves nothing from one page to another. Raises BadPlace.
    """
    at, key = _read_place(after)
    asked = {
        "report": sought.report, "period": sought.period, "who": sought.who, "at": at, "key": key, "most": most + 1,
        "kinds": list(sought.kinds) if sought.kinds is not None else None,
        "units": _find_units(context, sought.unit) if sought.unit is not None else None,
        "since": _begin(sought.first) if sought.first else None,
        "until": _begin(sought.last + timedelta(days=1)) if sought.last and sought.last < date.max else None,
    }  # fmt: skip
    query = f"{_COLUMNS} WHERE {_OF_PERIOD} {_SOUGHT} {_OLDER} ORDER BY t.at DESC, t.key DESC LIMIT :most"
    with context.engine.connect() as connection:
        deeds = [Deed(*row) for row in connection.execute(sa.text(query), asked)]
    return DeedPage(deeds[:most], deeds[most - 1].place if len(deeds) > most else None)


def list_people(context: Context) -> list[str]:
    """Who stands in the audit trail, by login; without the units."""
    with context.engine.connect() as connection:
        return list(connection.execute(sa.text(_PEOPLE)).scalars())


def _find_units(context: Context, text: str) -> list[str]:
    """Codes of the units, of today and before, that the text names: one code exactly, else a part of codes or names."""
    wanted = fold(text)
    units = context.register.units
    exact = {unit.code for unit in units if fold(unit.code) == wanted}
    return sorted(exact or {unit.code for unit in units if wanted in fold(f"{unit.code} {unit.name}")})


def _read_place(text: str | None) -> tuple[datetime | None, str | None]:
    if text is None:
        return None, None
    instant, _, key = text.partition(" ")
    try:
        at = datetime.fromisoformat(instant)
    except ValueError:
        raise BadPlace("not a place in the audit trail") from None
    if at.tzinfo is None or not key:
        raise BadPlace("not a place in the audit trail")
    return at, key


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, TIMEZONE)
