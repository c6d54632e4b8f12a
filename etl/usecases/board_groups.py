"""The board in other cuts: restated on the units of today, and its rates by unit type, bloc or district of old.

Both use the structure of the units as it was known at the board's instant. They must not change what a line says: a restated line
says the worst of what it stands for, so that what counts as accepted is always part of what is expected.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal

import sqlalchemy as sa

from etl.register.entities import UNIT_TYPE_LABELS, UnitType
from etl.usecases.board import Board, BoardLine, Status, count_lines, rate_lines, sort_lines

Cut = Literal["type", "bloc", "district"]
CUTS: Final[tuple[Cut, ...]] = ("type", "bloc", "district")

_WORST: Final[tuple[Status, ...]] = ("missing", "rejected", "pending", "late", "on_time", "exempt")
_LOCAL: Final = frozenset({UnitType.COMMUNE, UnitType.WARD, UnitType.SPECIAL_ZONE, UnitType.TOWNSHIP})
NO_BLOC: Final = "Không thuộc khối, cụm nào"
NO_DISTRICT: Final = "Không theo huyện"
UNKNOWN_DISTRICT: Final = "Không rõ huyện cũ"
SEVERAL_DISTRICTS: Final = "Thuộc nhiều huyện cũ"


@dataclass(frozen=True, slots=True)
class KnownUnit:
    """A unit during one validity, as it was known."""

    code: str
    name: str
    type: str
    parent: str | None
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class Structure:
    """Units, forebears (unit → predecessors), blocs (unit → (bloc, from, to)) as known at an instant; the last day."""

    units: Mapping[str, Sequence[KnownUnit]]
    forebears: Mapping[str, Sequence[str]]
    blocs: Mapping[str, Sequence[tuple[str, date, date | None]]]
    last_day: date

    def name_of(self, code: str) -> str:
        """The latest name of a code; the code itself when it is not known."""
        return self.units[code][-1].name if code in self.units else code


@dataclass(frozen=True, slots=True)
class Group:
    """A part of a board. `key`: unit type, or code of the bloc or district; None for those that are in none."""

    key: str | None
    name: str
    lines: tuple[BoardLine, ...]

    def as_json(self) -> dict[str, object]:
        """One of `groups` of `board --by … --json`."""
        return {
            "group": self.key,
            "name": self.name,
            "counts": count_lines(self.lines),
            "rates": rate_lines(self.lines),
        }


def read_structure(connection: sa.Connection, board: Board) -> Structure:
    """The structure as known at the board's instant."""
    known = "recorded_at <= :at AND (retired_at IS NULL OR retired_at > :at)"
    asked: dict[str, object] = {"at": board.as_of, "report": board.report, "period": board.period}
    units: defaultdict[str, list[KnownUnit]] = defaultdict(list)
    # The condition is a constant above; what is asked for goes in as parameters.
    found = (
        f"SELECT code, name, type, parent, valid_from, valid_to FROM register.unit WHERE {known} ORDER BY valid_from"  # noqa: S608
    )
    for row in connection.execute(sa.text(found), asked):
        units[row.code].append(KnownUnit(*row))
    forebears: defaultdict[str, list[str]] = defaultdict(list)
    found = f"SELECT successor, predecessor FROM register.lineage WHERE successor IS NOT NULL AND {known}"  # noqa: S608
    for row in connection.execute(sa.text(found), asked):
        forebears[row.successor].append(row.predecessor)
    blocs: defaultdict[str, list[tuple[str, date, date | None]]] = defaultdict(list)
    found = f"SELECT unit, bloc, valid_from, valid_to FROM register.bloc_membership WHERE {known}"  # noqa: S608
    for row in connection.execute(sa.text(found), asked):
        blocs[row.unit].append((row.bloc, row.valid_from, row.valid_to))
    found = f"SELECT max(window_end) FROM register.period WHERE report = :report AND period = :period AND {known}"  # noqa: S608
    last = connection.execute(sa.text(found), asked).scalar_one()
    return Structure(units, forebears, blocs, last or date.min)


def restate_board(board: Board, structure: Structure) -> Board:
    """The board on the units that stand at its instant: what a unit inherited counts with its own, as one obligation."""
    parts: defaultdict[str, list[BoardLine]] = defaultdict(list)
    for line in board.units:
        parts[line.inherited_by or line.unit].append(line)
    lines = [
        own[0] if len(own) == 1 and own[0].unit == code else _restate(code, own, structure)
        for code, own in parts.items()
    ]
    return replace(board, units=sort_lines(lines))


def _restate(code: str, parts: Sequence[BoardLine], structure: Structure) -> BoardLine:
    owed = [line for line in parts if line.status != "exempt"] or list(parts)
    status = min((line.status for line in owed), key=_WORST.index)
    is_done = status in ("on_time", "late")
    unit = next((line for line in parts if line.unit == code), None)
    versions = structure.units.get(code, ())
    return BoardLine(
        unit=code,
        unit_name=unit.unit_name if unit else structure.name_of(code),
        unit_type=unit.unit_type if unit else versions[-1].type if versions else parts[0].unit_type,
        status=status,
        due_at=max(line.due_at for line in owed),
        accepted_at=max((line.accepted_at for line in owed if line.accepted_at), default=None) if is_done else None,
        days_late=max(line.days_late or 0 for line in owed) if is_done else None,
        attempts=sum(line.attempts for line in parts),
        held=sum(line.held for line in parts),
        exempt_reason=owed[0].exempt_reason if status == "exempt" else None,
        past=(sum(line.past[0] for line in owed), sum(line.past[1] for line in owed)),
        restated_from=tuple(sorted(line.unit for line in parts)),
    )


def group_board(board: Board, by: Cut, structure: Structure) -> list[Group]:
    """The board's lines in groups that leave none out: unit types in their order, others by name, those in none last."""
    lines: defaultdict[tuple[str | None, str], list[BoardLine]] = defaultdict(list)
    for line in board.units:
        lines[_find_group(line, by, structure)].append(line)
    order = [unit_type.value for unit_type in UnitType]

    def place(key: tuple[str | None, str]) -> tuple[bool, int, str]:
        return key[0] is None, order.index(key[0]) if by == "type" and key[0] else 0, key[1]

    return [Group(key, name, tuple(lines[key, name])) for key, name in sorted(lines, key=place)]


def _find_group(line: BoardLine, by: Cut, structure: Structure) -> tuple[str | None, str]:
    if by == "type":
        return line.unit_type, UNIT_TYPE_LABELS[UnitType(line.unit_type)]
    if by == "bloc":
        code = line.unit if line.unit_type == UnitType.BLOC else _find_bloc(line.unit, structure)
        return (code, structure.name_of(code)) if code else (None, NO_BLOC)
    if line.unit_type not in _LOCAL:
        return None, NO_DISTRICT
    named = _list_districts(line.unit, structure)
    if len(named) == 1:
        (code,) = named
        return code, structure.name_of(code)
    return None, SEVERAL_DISTRICTS if named else UNKNOWN_DISTRICT


def _find_bloc(unit: str, structure: Structure) -> str | None:
    """The bloc on the period's last day; of a unit that had ended, on its own last day."""
    ends = [version.valid_to for version in structure.units.get(unit, ())]
    ended = None if None in ends else max((end for end in ends if end), default=None)
    day = min(structure.last_day, ended) if ended else structure.last_day
    held = (bloc for bloc, start, end in structure.blocs.get(unit, ()) if start <= day and (end is None or day <= end))
    return next(held, None)


def _list_districts(unit: str, structure: Structure) -> set[str]:
    """The districts named for a unit or one it came from. The source names few: one that is named stands for the unit."""
    found: set[str] = set()
    seen: set[str] = set()
    ahead = [unit]
    while ahead:
        code = ahead.pop()
        if code in seen:
            continue
        seen.add(code)
        parents = {version.parent for version in structure.units.get(code, ()) if version.parent}
        found |= {parent for parent in parents if structure.units[parent][-1].type == UnitType.DISTRICT}
        ahead += structure.forebears.get(code, ())
    return found
