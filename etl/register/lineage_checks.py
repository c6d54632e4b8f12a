"""Whether the lineage of units fits their validity: a row tells of a unit there was the day before, and of one there is now.

Pure. It must not repair or drop anything: it only says what is wrong, and on which line, one reason a row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from etl.register.entities import Lineage, LineageKind, Unit, UnitType, is_valid_on
from etl.register.table import Located, Problem

_DAY = timedelta(days=1)
Units = Mapping[str, Sequence[Unit]]


def check_lineage(lineage: Sequence[Located[Lineage]], units: Units) -> Iterator[Problem]:
    """Unknown units, cycles, dates outside of a validity, shares over the whole, kinds that do not fit what happened."""
    successors: defaultdict[tuple[str, date], list[str]] = defaultdict(list)
    for located in lineage:
        row = located.value
        # A code may succeed itself (codes survive mergers): identity is (code, valid_from).
        if row.successor is not None and row.successor != row.predecessor:
            successors[row.predecessor, row.valid_from].append(row.successor)
    seen: set[Hashable] = set()
    shares: defaultdict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for located in lineage:
        row = located.value
        key = (row.predecessor, row.successor, row.valid_from)
        shares[row.predecessor, row.valid_from] += row.share or 0
        reason = _find_reason(row, units, successors)
        if key in seen:
            reason = f"{row.predecessor} to {row.successor} on {row.valid_from} twice"
        elif reason is None and shares[row.predecessor, row.valid_from] > 1:
            reason = f"the shares of {row.predecessor} on {row.valid_from} add up to over 1"
        elif reason is None and row.kind is LineageKind.RENAME:
            reason = _find_rename_reason(row, lineage)
        seen.add(key)
        if reason is not None:
            yield located.problem(reason)


def _find_reason(row: Lineage, units: Units, successors: Mapping[tuple[str, date], list[str]]) -> str | None:
    """The first thing that is wrong with a row by itself: whom it names, then when, then how."""
    if row.predecessor not in units:
        return f"unknown unit {row.predecessor!r}"
    if row.successor is None:
        if row.kind is not LineageKind.ABOLISH:
            return f"a {row.kind} needs a successor"
    elif row.kind is LineageKind.ABOLISH:
        return f"an abolish has no successor: write what became of {row.predecessor} (merge, absorb, rename, split)"
    elif row.successor not in units:
        return f"unknown unit {row.successor!r}"
    elif not _exists(units[row.successor], row.valid_from):
        return f"successor {row.successor} does not exist on {row.valid_from}"
    elif row.predecessor in _reach(row.successor, row.valid_from, successors):
        return f"the successors of {row.predecessor} lead back to it on {row.valid_from}"
    elif _is_province(units[row.predecessor]) is not _is_province(units[row.successor]):
        return f"{row.predecessor} to {row.successor}: a province as a whole follows provinces, and units follow units"
    return _find_misdated(row, units)


def _find_misdated(row: Lineage, units: Units) -> str | None:
    if row.valid_from == date.min or not _exists(units[row.predecessor], row.valid_from - _DAY):
        return f"{row.predecessor} does not exist on the day before {row.valid_from}"
    if row.kind is LineageKind.SPLIT or (row.share is not None and row.share < 1):
        return None
    if row.successor == row.predecessor:
        begins = any(unit.valid_from == row.valid_from for unit in units[row.predecessor])
        return None if begins else f"{row.predecessor} has no validity that begins on {row.valid_from}"
    if any(is_valid_on(unit, row.valid_from) and unit.valid_from < row.valid_from for unit in units[row.predecessor]):
        return (
            f"{row.predecessor} still exists on {row.valid_from}: end it on the day before, or write split for a part"
        )
    if row.successor is None:
        return None
    stood = any(unit.valid_from < row.valid_from and is_valid_on(unit, row.valid_from) for unit in units[row.successor])
    if stood is not (row.kind is LineageKind.ABSORB):
        what = "stood before: write absorb" if stood else "is new: write merge or rename"
        return f"{row.successor} {what}, not {row.kind}"
    return None


def _find_rename_reason(row: Lineage, lineage: Sequence[Located[Lineage]]) -> str | None:
    """One unit goes on under another name: nobody else goes there, and nothing of it elsewhere."""
    for other in (located.value for located in lineage):
        if other == row or other.valid_from != row.valid_from:
            continue
        if other.predecessor == row.predecessor or other.successor == row.successor:
            return f"a rename joins one unit to one: see {other.predecessor} to {other.successor} on {row.valid_from}"
    return None


def _is_province(versions: Sequence[Unit]) -> bool:
    return any(unit.type is UnitType.PROVINCE for unit in versions)


def _exists(versions: Sequence[Unit], day: date) -> bool:
    return any(is_valid_on(unit, day) for unit in versions)


def _reach(start: str, on: date, successors: Mapping[tuple[str, date], list[str]]) -> set[str]:
    found: set[str] = set()
    ahead = list(successors.get((start, on), ()))
    while ahead:
        code = ahead.pop()
        if code not in found:
            found.add(code)
            ahead += successors.get((code, on), ())
    return found
