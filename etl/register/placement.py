"""Where the figures of a unit of then belong among the units of a later day, whole or in parts. Pure.

It must not guess: of a unit that was divided without shares only what it may have become is told, never how much. What that
means for a figure (sums, rates, coverage) is `etl.usecases.series`' business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from etl.register.entities import Lineage, LineageKind, Unit, is_valid_during, is_valid_on
from etl.text import format_date

_DAY = timedelta(days=1)
Parts = dict[str | None, Fraction | None]


@dataclass(frozen=True, slots=True)
class Placement:
    """A unit of then among the units of a day.

    `parts`: unit → the part of the figures of then that is its own now, None where that is not known; the key None stands
    for what nobody took over. All parts together are the whole, so an unknown part is known again where its possible holders
    are taken together. `ended`: it did not live to the end of the window. `causes`: why parts are not known (Vietnamese).
    """

    unit: str
    parts: Mapping[str | None, Fraction | None]
    ended: bool
    causes: tuple[str, ...] = ()

    def touches(self, group: Collection[str | None]) -> bool:
        """Whether some of it is in the group, or may be."""
        return any(code in group for code in self.parts)

    def part_in(self, group: Collection[str | None]) -> Fraction | None:
        """The part that all units of the group have together; None where it is not known."""
        unknown = [code for code, part in self.parts.items() if part is None]
        if all(code in group for code in unknown):
            return 1 - sum((part for code, part in self.parts.items() if part and code not in group), Fraction(0))
        if any(code in group for code in unknown):
            return None
        return sum((part for code, part in self.parts.items() if part and code in group), Fraction(0))


class Succession:
    """The units and their lineage as known, asked for the placements of many windows."""

    def __init__(self, units: Iterable[Unit], lineage: Iterable[Lineage]) -> None:
        self._versions: defaultdict[str, list[Unit]] = defaultdict(list)
        for unit in sorted(units, key=lambda unit: unit.valid_from):
            self._versions[unit.code].append(unit)
        self._rows: defaultdict[tuple[str, date], list[Lineage]] = defaultdict(list)
        days: set[date] = set()
        for row in lineage:
            self._rows[row.predecessor, row.valid_from].append(row)
            days.add(row.valid_from)
        for versions in self._versions.values():
            days |= {unit.valid_to + _DAY for unit in versions if unit.valid_to and unit.valid_to < date.max}
        self._days = sorted(days)

    def unit_on(self, code: str, day: date) -> Unit | None:
        """The unit of that code on a day, or None."""
        return next((unit for unit in self._versions.get(code, ()) if is_valid_on(unit, day)), None)

    def units_on(self, day: date) -> list[Unit]:
        """Every unit of a day, in order of code."""
        found = (self.unit_on(code, day) for code in sorted(self._versions))
        return [unit for unit in found if unit is not None]

    def name_of(self, code: str) -> str:
        """The last name of a code; the code itself when it is not known."""
        versions = self._versions.get(code)
        return versions[-1].name if versions else code

    def units_during(self, start: date, end: date) -> list[Unit]:
        """Every unit of a window, each code once with its last validity in it."""
        found = []
        for code in sorted(self._versions):
            versions = [unit for unit in self._versions[code] if is_valid_during(unit, start, end)]
            found += versions[-1:]
        return found

    def place_units(self, start: date, end: date, day: date) -> dict[str, Placement]:
        """Each unit of the window start…end among the units of `day`, by code."""
        return {unit.code: self._place(unit, start, end, day) for unit in self.units_during(start, end)}

    def _place(self, unit: Unit, start: date, end: date, day: date) -> Placement:
        left = min(end, unit.valid_to or end)
        parts: Parts = {unit.code: Fraction(1)}
        causes: list[str] = []
        for change in self._days:
            if not start < change <= day:
                continue
            own: Parts = {code: part for code, part in parts.items() if code == unit.code and change <= left}
            parts = self._pass_on({code: part for code, part in parts.items() if code not in own}, change, causes)
            if not own:
                continue
            # Its one report covers the time before and after the change.
            rows = self._rows.get((unit.code, change), [])
            if any(row.successor != unit.code for row in rows):
                own = {unit.code: None, **{row.successor: None for row in rows}}
                causes.append(f"{self.name_of(unit.code)} được chia, tách ngày {format_date(change)}, trong kỳ báo cáo")
            parts = {**parts, **own}
        return Placement(unit.code, parts, left < end, tuple(dict.fromkeys(causes)))

    def _pass_on(self, before: Parts, change: date, causes: list[str]) -> Parts:
        after: Parts = {}
        for code, part in before.items():
            for heir, share in self._share_out(code, change, causes).items():
                given = None if part is None or share is None else part * share
                known = after.get(heir, Fraction(0))
                after[heir] = None if known is None or given is None else known + given
        return after

    def _share_out(self, code: str | None, change: date, causes: list[str]) -> Parts:
        """What of a unit goes where on a day: the whole stays where nothing happened."""
        if code is None:
            return {None: Fraction(1)}
        rows = self._rows.get((code, change), [])
        stays = any(unit.valid_from < change and is_valid_on(unit, change) for unit in self._versions[code])
        if not rows:
            goes_on = stays or self.unit_on(code, change) is not None or self.unit_on(code, change - _DAY) is None
            return {code if goes_on else None: Fraction(1)}
        shares = [row.share for row in rows]
        whole = len(rows) == 1 and not stays and rows[0].kind is not LineageKind.SPLIT and shares[0] is None
        if whole:
            return {rows[0].successor: Fraction(1)}
        told = [Fraction(share) for share in shares if share is not None]
        rest = 1 - sum(told, Fraction(0))
        if len(told) == len(shares) and (stays or rest == 0):
            found: Parts = {row.successor: Fraction(row.share) for row in rows if row.share is not None}
            return {**found, code: rest} if stays and rest else found
        shown = f"{self.name_of(code)} được chia, tách ngày {format_date(change)}"
        causes.append(f"{shown}, chưa có tỷ lệ phân chia" if len(told) < len(shares) else f"{shown}, tỷ lệ chưa đủ 1")
        unknown: Parts = dict.fromkeys(row.successor for row in rows)
        # Of one that ended something is left over where its only row tells of a part, or the shares say so.
        if stays or len(rows) == 1 or len(told) == len(shares):
            unknown[code if stays else None] = None
        return unknown


def index_sources(placements: Mapping[str, Placement]) -> dict[str | None, list[Placement]]:
    """Unit of the day → the units of then of which something is in it, or may be; in order of code."""
    found: defaultdict[str | None, list[Placement]] = defaultdict(list)
    for _, placement in sorted(placements.items()):
        for code in placement.parts:
            found[code].append(placement)
    return dict(found)
