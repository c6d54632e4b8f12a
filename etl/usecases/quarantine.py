"""Quarantine: what could not be attributed, and what people settle of it: whose a file is, or that it is nobody's.

Append-only: who settled what, when and why stays known, and no byte is deleted. Of two people who settle the same file at
once one wins; the other is told. The receipt instant of a file is never changed by this.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from etl.examination import Examined, pause_collection
from etl.register.obligations import build_obligations
from etl.usecases.context import Context
from etl.usecases.load import make_delivery, make_examiner, store_examined
from etl.usecases.outcomes import Outcome, read_outcomes
from etl.warehouse.connect import raw_connection
from etl.warehouse.submission_load import LOAD_LOCK, Arrival, Connection, LoadRows, Reading

LONGEST_WORDS: Final = 2000

_ITEMS: Final = """
SELECT a.id, greatest(o.generation, (SELECT max(e.generation) FROM core.examination e WHERE e.arrival_id = a.id)),
       o.outcome, a.channel, a.file_name, a.sha256, a.received_at, o.unit_hint, o.report_hint, o.period_hint,
       coalesce((SELECT array_agg(f.code || ': ' || f.message || ' ' || f.fix
                                  ORDER BY array_position(ARRAY['error', 'warning'], f.severity), f.ordinal)
                 FROM core.current_finding f WHERE f.arrival_id = a.id AND f.severity <> 'info'), '{}'),
       d.discarded_by, d.reason, d.recorded_at
FROM landing.current_outcome o JOIN landing.arrival a ON a.id = o.arrival_id
LEFT JOIN landing.discard d ON d.arrival_id = o.arrival_id AND d.generation = o.generation
WHERE o.outcome = ANY(%s::text[]) AND (%s::bigint IS NULL OR a.id = %s::bigint) ORDER BY a.received_at, a.locator, a.id
"""
_SETTLED: Final = """
SELECT o.outcome, e.examined_by, o.recorded_at, d.discarded_by FROM landing.current_outcome o
LEFT JOIN core.examination e ON e.arrival_id = o.arrival_id AND e.generation = o.generation
LEFT JOIN landing.discard d ON d.arrival_id = o.arrival_id AND d.generation = o.generation WHERE o.arrival_id = %s
"""


class UnknownArrival(LookupError):
    """No arrival has that number."""


class StaleQuarantine(RuntimeError):
    """The file is not as it was when it was looked at: somebody settled it, or a correction of the register did.

    `outcome`, `by`, `at`: what it is now, through whom (None or "system": no person) and since when; None when nothing is known.
    """

    def __init__(
        self, message: str, outcome: str | None = None, by: str | None = None, at: datetime | None = None
    ) -> None:
        super().__init__(message)
        self.outcome, self.by, self.at = outcome, by, at


class NotOwed(ValueError):
    """No unit owes that: a file can be attributed only to an obligation."""


@dataclass(frozen=True, slots=True)
class QuarantineItem:
    """A file in quarantine. `generation`: what was seen of it, to be passed back when settling it (`seen`).

    `state`: quarantined or discarded, then with who, why and when. Codes are hints of channel, name or content, or None.
    `findings` are texts such as "ID-UNIT-MISSING: …", errors first.
    """

    arrival_id: int
    generation: int
    state: str
    channel: str
    file: str
    sha256: str
    received_at: datetime
    unit: str | None
    report: str | None
    period: str | None
    findings: list[str]
    discarded_by: str | None = None
    discarded_why: str | None = None
    discarded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """Something a channel offered that was not taken: no byte of it is here. `code`: one of etl.channels.refusals."""

    channel: str
    file: str
    code: str
    detail: str
    unit: str | None
    received_at: datetime


def list_quarantine(context: Context, *, everything: bool = False) -> list[QuarantineItem]:
    """What waits to be attributed, in order of receipt; with `everything` also what was discarded."""
    with raw_connection(context.engine) as connection:
        return _read_items(connection, ["quarantined", "discarded"] if everything else ["quarantined"])


def list_refused(context: Context, since: datetime | None = None) -> list[RefusedItem]:
    """What channels offered and was refused, the newest first; `since` an aware instant."""
    with raw_connection(context.engine) as connection:
        rows = connection.execute(
            "SELECT channel, file_name, code, detail, hints, received_at FROM landing.refusal "
            "WHERE received_at >= coalesce(%s::timestamptz, '-infinity') ORDER BY received_at DESC, channel, locator, part",
            (since,),
        ).fetchall()
    return [RefusedItem(row[0], row[1], row[2], row[3], json.loads(row[4]).get("unit"), row[5]) for row in rows]


def attribute_arrival(
    context: Context,
    arrival_id: int,
    *,
    unit: str,
    report: str,
    period: str,
    by: str,
    why: str,
    seen: int | None = None,
) -> Outcome:
    """A person says whose file it is: it is examined as that unit's and becomes a submission, received when it was.

    Also of a discarded file, which is then discarded no more. What became of it: a verdict, or `already_received`.
    `seen`: the generation of the item that the person looked at. Raises UnknownArrival, StaleQuarantine, NotOwed, ValueError
    for a blank `by` or `why`, UnknownReport, UnknownPeriod.
    """
    by, why = _require_words(by, why)
    _require_owed(context, unit, report, period)
    attributed = {"unit": unit, "report": report, "period": period}
    with raw_connection(context.engine) as connection:
        item, arrival = _read_waiting(connection, arrival_id, seen)
    arrival = replace(arrival, attributed=attributed)
    examined = _examine(context, arrival)
    with raw_connection(context.engine) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOAD_LOCK,))
        _read_waiting(connection, arrival_id, item.generation)
        generation = item.generation + 1
        connection.execute(
            "INSERT INTO landing.attribution VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (arrival_id, generation, unit, report, period, by, why, context.clock()),
        )
        summary = store_examined(context, connection, [(arrival, examined, Reading(generation, by, why))])
        if summary.quarantined:
            connection.rollback()
            told = next((f.message for f in examined.findings if f.code.startswith("ID-")), "")
            raise NotOwed(f"{unit} owes no {report} for {period} that has begun. {told}".strip())
    return read_outcomes(context, [arrival_id])[0]


def discard_arrival(context: Context, arrival_id: int, *, by: str, why: str, seen: int | None = None) -> QuarantineItem:
    """A person says that the file is nobody's: it is no longer listed. Its bytes stay, and it can still be attributed.

    Raises UnknownArrival, StaleQuarantine, ValueError for a blank `by` or `why`.
    """
    by, why = _require_words(by, why)
    with raw_connection(context.engine) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOAD_LOCK,))
        item, arrival = _read_waiting(connection, arrival_id, seen)
        if item.state == "discarded":
            raise _tell_stale(connection, arrival_id)
        now = max(context.clock(), context.recorded_at(arrival.received_at))
        rows, generation = LoadRows(), item.generation + 1
        hints = {"unit": item.unit or "", "report": item.report or "", "period": item.period or ""}
        rows.add_outcome(arrival, "discarded", now, None, {k: v for k, v in hints.items() if v}, generation)
        rows.write_judgements(connection)
        connection.execute(
            "INSERT INTO landing.discard VALUES (%s, %s, %s, %s, %s)", (arrival_id, generation, by, why, now)
        )
        return _read_items(connection, ["discarded"], arrival_id)[0]


def _require_words(by: str, why: str) -> tuple[str, str]:
    by, why = by.strip(), why.strip()
    if not by or not why:
        raise ValueError("what is settled is recorded with who settled it and why: give both")
    if len(by) > LONGEST_WORDS or len(why) > LONGEST_WORDS:
        raise ValueError(f"a name and a reason have at most {LONGEST_WORDS} characters each")
    return by, why


def _require_owed(context: Context, unit: str, report: str, period: str) -> None:
    register = context.register
    window = register.period(report, period)
    if not any(duty.unit.code == unit for duty in build_obligations(register, report, window)):
        raise NotOwed(f"{unit} owes no {report} for {period}; see the units of the register")


def _read_items(connection: Connection, states: list[str], arrival_id: int | None = None) -> list[QuarantineItem]:
    rows = connection.execute(_ITEMS.encode(), (states, arrival_id, arrival_id)).fetchall()
    return [QuarantineItem(*row) for row in rows]


def _read_waiting(connection: Connection, arrival_id: int, seen: int | None) -> tuple[QuarantineItem, Arrival]:
    """A file that may be settled, as it was seen. Raises UnknownArrival, StaleQuarantine."""
    row: Any = connection.execute(
        "SELECT id, file_name, sha256, received_at, hints FROM landing.arrival WHERE id = %s", (arrival_id,)
    ).fetchone()
    if row is None:
        raise UnknownArrival(f"there is no arrival {arrival_id}; `quarantine list` shows the numbers")
    found = _read_items(connection, ["quarantined", "discarded"], arrival_id)
    if not found or (seen is not None and found[0].generation != seen):
        raise _tell_stale(connection, arrival_id)
    return found[0], Arrival(row[0], row[1], row[2], row[3], json.loads(row[4]))


def _tell_stale(connection: Connection, arrival_id: int) -> StaleQuarantine:
    row: Any = connection.execute(_SETTLED, (arrival_id,)).fetchone()
    if row is None:
        return StaleQuarantine(f"arrival {arrival_id} has not been examined yet: run `ingest` first")
    outcome, examined_by, recorded_at, discarded_by = row
    who = discarded_by or examined_by
    when = recorded_at.isoformat(timespec="seconds")
    return StaleQuarantine(
        f"arrival {arrival_id} is now {outcome}, settled by {who} at {when}: look at it again",
        outcome,
        who,
        recorded_at,
    )


def _examine(context: Context, arrival: Arrival) -> Examined:
    with pause_collection(), make_examiner(context) as examiner:
        return next(iter(examiner.examine([make_delivery(context, arrival)])))
