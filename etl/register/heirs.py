"""What became of a unit that ended: who takes over what it owed, and from when. Pure.

It must not judge whether anything is still owed: an obligation that was met stays its predecessor's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from etl.register.entities import Lineage, Unit
from etl.register.model import Register

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Succession:
    """`heir` (a unit code; None: nobody) stands in a unit's place from `on`, the first day without the one before."""

    heir: str | None
    on: date
    legal_basis: str | None


def find_succession(register: Register, unit: Unit, by: date | None = None) -> Succession | None:
    """Who stands in the place of a unit; None while it lasts itself, under whatever name.

    Chains are followed to their end, or to what has happened by the day `by`. Where a unit was divided, the largest known share
    takes over what it owed; among equals, and where no share is known, the one that stands first in lineage.csv.
    """
    found: Succession | None = None
    current: Unit | None = unit
    while current is not None:
        ended = _last_of_code(register, current).valid_to
        if ended is None or ended == date.max or (by is not None and ended + _DAY > by):
            return found
        day = ended + _DAY
        rows = [row for row in register.lineage if row.predecessor == current.code and row.valid_from == day]
        heirs = [row for row in rows if row.successor is not None]
        # max() keeps the first of equals: the order of the file decides.
        heir: Lineage | None = max(heirs, key=lambda row: row.share or 0, default=None)
        basis = next((row.legal_basis for row in [*([heir] if heir else []), *rows] if row.legal_basis), None)
        found = Succession(heir.successor if heir else None, day, basis)
        current = register.unit_at(heir.successor, day) if heir and heir.successor else None
    return found


def _last_of_code(register: Register, unit: Unit) -> Unit:
    """The last validity of the code that follows on this one without a gap: a code may survive a merger."""
    last = unit
    for version in register.unit_versions(unit.code):
        if last.valid_to is not None and last.valid_to < date.max and version.valid_from == last.valid_to + _DAY:
            last = version
    return last
