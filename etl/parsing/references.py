"""What the key columns of lists may name: movements, indicators and units of the register, by code, name or alias. Pure.

Made once for many files: the same few codes are asked for in every one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cached_property

from etl.calendar.periods import Period
from etl.forms.declaration import RowsFrom
from etl.parsing.tables import AskedRow, ListFacts, Resolver
from etl.recognition.tables import read_code
from etl.register.entities import EVERY, UnitType
from etl.register.model import Register, Unit


class References:
    """Look-ups over one register, remembered."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._movements = {movement.code for movement in register.movements}
        self._indicators: dict[tuple[str | None, date | None], frozenset[str]] = {}
        self._asked: dict[tuple[UnitType, date, date], list[AskedRow]] = {}
        self._members: dict[tuple[str, date], list[AskedRow]] = {}
        self._counted = {(row.movement, row.code): row.is_counted for row in register.indicators}

    @cached_property
    def known_names(self) -> dict[str, list[str]]:
        """Reference -> codes and names to suggest from."""
        register = self._register
        return {
            "movement": [*sorted(self._movements), *(movement.name for movement in register.movements)],
            "indicator": sorted({row.code for row in register.indicators}),
            "unit": [
                *sorted(row.code for row in register.lasting_units),
                *(row.name for row in register.lasting_units),
            ],
        }

    def facts_for(self, unit: Unit | None, period: Period | None) -> ListFacts:
        """What is needed to parse the lists of a unit for a period; either may be unknown."""
        asked: dict[RowsFrom, list[AskedRow]] | None = None
        if unit is not None and period is not None:
            asked = {"movement_indicators": self.list_asked(unit.type, period)}
            if unit.type is UnitType.BLOC:
                asked["bloc_members"] = self.list_members(unit.code, period.end)
        day = period.end if period is not None else None
        return ListFacts(self.resolvers_on(day), self.known_names, asked, self._is_counted)

    def list_asked(self, unit_type: UnitType, period: Period) -> list[AskedRow]:
        """The movement and indicator rows that a unit of that type owes for a period, in the register's order."""
        key = (unit_type, period.start, period.end)
        if key not in self._asked:
            self._asked[key] = [
                AskedRow((movement.code, indicator.code), (movement.name, indicator.name))
                for movement in self._register.movements_on(period.start, period.end)
                for indicator in self._register.indicators_for(movement.code, unit_type, period.end)
            ]
        return self._asked[key]

    def list_members(self, bloc: str, day: date) -> list[AskedRow]:
        """A row for each member of a bloc on a day: leader, deputies, members."""
        key = (bloc, day)
        if key not in self._members:
            found = [(row.unit, self._register.unit_at(row.unit, day)) for row in self._register.members_of(bloc, day)]
            self._members[key] = [AskedRow((code,), (unit.name if unit else code,)) for code, unit in found]
        return self._members[key]

    def resolvers_on(self, day: date | None) -> dict[str, Resolver]:
        """Reference -> how a text names it on a day (None: ever); texts that name nothing, or two things, give None."""

        def indicator(text: str, references: Mapping[str, str]) -> str | None:
            code = read_code(text)
            return code if code in self._indicators_of(references.get("movement"), day) else None

        def unit(text: str, _: Mapping[str, str]) -> str | None:
            return self._find_unit(text, day)

        return {"movement": self._find_movement, "indicator": indicator, "unit": unit}

    def _is_counted(self, references: Mapping[str, str]) -> bool:
        movement, indicator = references.get("movement", ""), references.get("indicator", "")
        return self._counted.get((movement, indicator), self._counted.get((EVERY, indicator), False))

    def _find_movement(self, text: str, _: Mapping[str, str]) -> str | None:
        code = read_code(text)
        if code in self._movements:
            return code
        named = self._register.find_movement_by_name(text)
        return named[0].code if len(named) == 1 else None

    def _find_unit(self, text: str, day: date | None) -> str | None:
        code = read_code(text)
        if self._register.unit_versions(code):
            return code
        # Former units share their names with the new ones: those of the day come first.
        named = (self._register.find_unit_by_name(text, day) if day else []) or self._register.find_unit_by_name(text)
        return named[0].code if len(named) == 1 else None

    def _indicators_of(self, movement: str | None, day: date | None) -> frozenset[str]:
        key = (movement, day)
        if key not in self._indicators:
            self._indicators[key] = frozenset(
                row.code
                for row in self._register.indicators
                if row.movement in (EVERY, movement) and (day is None or row.valid_from <= day)
            )
        return self._indicators[key]
