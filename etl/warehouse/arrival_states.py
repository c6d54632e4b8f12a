"""What letters about files that are no submission are made of: repeats, files in quarantine, things refused. Reads only.

All functions work inside the caller's transaction. Hints may hold a sender's address: people's data, never in a log.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from etl.warehouse.outbox import Connection

ToldOutcome = Literal["already_received", "quarantined"]
OfferKey = tuple[str, str, str]
"""Channel, locator and version of something a channel offered."""


@dataclass(frozen=True, slots=True)
class ToldArrival:
    """A file that became no submission. Codes are hints, None when unknown. The rest is of the submission it repeats."""

    id: int
    channel: str
    locator: str
    part: str
    file_name: str
    sha256: str
    received_at: datetime
    hints: dict[str, str]
    outcome: str
    unit: str | None
    report: str | None
    period: str | None
    repeated_at: datetime | None
    attempt: int | None
    verdict: str | None

    @property
    def place(self) -> str:
        """Tells deliveries of the same bytes at the same instant apart, in a restored warehouse too."""
        return hash_place(self.channel, self.locator, self.part)


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """Something refused, with its code of etl.channels.refusals."""

    file_name: str
    code: str
    hints: dict[str, str]
    received_at: datetime


_ARRIVALS = """
SELECT a.id, a.channel, a.locator, a.part, a.file_name, a.sha256, a.received_at, a.hints, o.outcome,
       coalesce(s.unit, o.unit_hint), coalesce(s.report, o.report_hint), coalesce(s.period, o.period_hint), s.received_at,
       CASE WHEN s.id IS NOT NULL THEN (SELECT count(*) FROM core.submission e WHERE e.unit = s.unit AND e.report = s.report
            AND e.period = s.period AND (e.received_at, e.id) <= (s.received_at, s.id)) END,
       (SELECT v.verdict FROM core.verdict v WHERE v.submission_id = s.id ORDER BY v.id DESC LIMIT 1)
FROM landing.arrival a JOIN landing.current_outcome o ON o.arrival_id = a.id LEFT JOIN core.submission s ON s.id = o.submission_id
WHERE a.id = ANY(%s) ORDER BY a.received_at, a.locator, a.part, a.id
"""


def hash_place(*parts: str) -> str:
    """A name for a place in a channel, of 32 letters."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def read_told_arrivals(connection: Connection, arrival_ids: Sequence[int]) -> list[ToldArrival]:
    """These arrivals with what became of them, in order of receipt; those not examined yet are left out."""
    rows: list[Any] = connection.execute(_ARRIVALS.encode(), (list(arrival_ids),)).fetchall()
    return [ToldArrival(*[*row[:7], json.loads(row[7]), *row[8:]]) for row in rows]


def read_refused_files(connection: Connection, offers: Collection[OfferKey]) -> dict[OfferKey, list[RefusedFile]]:
    """What was refused of these offers."""
    rows = connection.execute(
        "SELECT r.channel, r.locator, r.version, r.file_name, r.code, r.hints, r.received_at FROM landing.refusal r "
        "JOIN unnest(%s::text[], %s::text[], %s::text[]) w (channel, locator, version) USING (channel, locator, version) "
        "ORDER BY r.channel, r.locator, r.version, r.part",
        [list(column) for column in zip(*sorted(offers), strict=True)] or [[], [], []],
    ).fetchall()
    return _group(rows)


def find_refused_files(connection: Connection, place: str, since: datetime) -> list[RefusedFile]:
    """What was refused of the offer of that place (`hash_place`), received since an instant."""
    rows = connection.execute(
        "SELECT channel, locator, version, file_name, code, hints, received_at FROM landing.refusal "
        "WHERE received_at >= %s AND left(encode(sha256(convert_to(concat_ws(E'\\n', channel, locator, version), "
        "'UTF8')), 'hex'), 32) = %s ORDER BY part",
        (since, place),
    ).fetchall()
    return [file for files in _group(rows).values() for file in files]


def _group(rows: Sequence[Any]) -> dict[OfferKey, list[RefusedFile]]:
    found: dict[OfferKey, list[RefusedFile]] = {}
    for row in rows:
        found.setdefault((row[0], row[1], row[2]), []).append(RefusedFile(row[3], row[4], json.loads(row[5]), row[6]))
    return found


def find_settled(connection: Connection, arrival_ids: Sequence[int]) -> set[int]:
    """Those of these arrivals that lay in quarantine and do no more: nobody needs to be told that they do."""
    rows = connection.execute(
        "SELECT arrival_id FROM landing.current_outcome WHERE arrival_id = ANY(%s) AND outcome IN ('submission', 'discarded')",
        (list(arrival_ids),),
    ).fetchall()
    return {int(row[0]) for row in rows}
