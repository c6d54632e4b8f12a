"""Which units of an earlier day make up a unit of today, where figures may be compared. Pure.

It must not guess: where only part of a unit went over, nothing of then can be set beside the figures of now
(domain brief §5.2: restate only where whole predecessors merged, otherwise "không so sánh được").
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import groupby

from etl.calendar.periods import Period
from etl.register.entities import Lineage, LineageKind
from etl.register.model import Register


def find_comparable_units(register: Register, unit: str, then: Period, now: Period) -> frozenset[str] | None:
    """The codes whose figures of the period `then`, added up, cover what `unit` covers in the period `now`.

    The unit itself where nothing happened to it; its predecessors (and itself, if it was there already) where whole units
    merged into it or it was renamed. None where it cannot be compared: it or a predecessor was divided, went over in part
    (share under 1) or has no successor for the rest; a change fell into the window of `then`, so that its figures are
    parted among old and new units; or one of the units did not exist at that window's end.
    """
    changes = [row for row in register.lineage if then.start < row.valid_from <= now.end]
    codes = {unit}
    for day, rows in groupby(sorted(changes, key=lambda row: row.valid_from, reverse=True), lambda row: row.valid_from):
        touching = [row for row in rows if row.successor in codes or row.predecessor in codes]
        if not touching:
            continue
        if day <= then.end or not all(_went_over_whole(row, changes) for row in touching):
            return None
        if any(row.successor not in codes for row in touching):
            return None
        codes = _codes_before(register, codes, touching, day)
    return frozenset(codes) if all(register.unit_at(code, then.end) for code in codes) else None


def _went_over_whole(row: Lineage, changes: Iterable[Lineage]) -> bool:
    if row.kind is LineageKind.SPLIT or row.successor is None or (row.share is not None and row.share < 1):
        return False
    return all(
        other.successor == row.successor
        for other in changes
        if other.predecessor == row.predecessor and other.valid_from == row.valid_from
    )


def _codes_before(register: Register, codes: set[str], rows: list[Lineage], day: date) -> set[str]:
    eve = day - timedelta(days=1)
    stayed = {code for code in codes if register.unit_at(code, eve) is not None}
    return stayed | {row.predecessor for row in rows}


def group_by_lineage(register: Register, units: Iterable[str]) -> dict[str, str]:
    """Unit → a name shared by all units that a chain of lineage joins to it, whatever its kind and date."""
    leader: dict[str, str] = {}

    def find(code: str) -> str:
        while leader.setdefault(code, code) != code:
            code = leader[code]
        return code

    for row in register.lineage:
        if row.successor is not None:
            leader[find(row.predecessor)] = find(row.successor)
    return {unit: find(unit) for unit in units}
