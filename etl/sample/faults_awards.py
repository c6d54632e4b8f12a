"""Faults of F04, F06 and F08: figures that contradict each other, the unit's powers, or F04 and F05. Pure.

Each planter changes one cell, or the few that keep everything else right; consequences are found by the oracle.
"""

from __future__ import annotations

from decimal import Decimal
from random import Random

from etl.forms.declaration import CellKey
from etl.sample.answers import write_count, write_plain
from etl.sample.draft import Draft, NoRoom, Planted
from etl.sample.faults_model import (
    FaultKind,
    Planter,
    choose,
    is_number,
    is_open_figure,
    number_at,
    spoil,
    write_shifted,
)
from etl.sample.judge_awards import (
    F08_COLLECTIVE_ROWS,
    F08_INDIVIDUAL_ROWS,
    LOCAL_TITLES_SINCE,
    LOCAL_UNIT_TYPES,
    STATE_COLUMNS,
    STATE_INDIVIDUALS,
    STATE_METHODS,
    STATE_SUBJECTS,
    TIES,
    f06,
)

# -- F04


def _plant_state_part(code: str, total: str, rows: tuple[str, ...]) -> Planter:
    """One part of a column sum goes up or down."""

    def plant(draft: Draft, rng: Random) -> Planted:
        cells = [
            (part, whole)
            for column in STATE_COLUMNS
            for row in rows
            if is_open_figure(draft, part := CellKey("F04", row, column))
            and is_number(draft, whole := CellKey("F04", total, column))
        ]
        part, whole = choose(rng, cells)
        return spoil(draft, part, write_shifted(number_at(draft, part), rng), code, blame=whole)

    return plant


def _plant_state_enterprises(draft: Draft, rng: Random) -> Planted:
    keys = [CellKey("F04", "07", column) for column in STATE_COLUMNS]
    key = choose(rng, [key for key in keys if is_open_figure(draft, key) and is_number(draft, key._replace(row="06"))])
    more = number_at(draft, key._replace(row="06")) + rng.randint(1, 4)
    return spoil(draft, key, write_count(int(more), rng), "F04-ENTERPRISES")


def _plant_state_row_sum(draft: Draft, rng: Random) -> Planted:
    keys = [key for key in draft.answers if key.form == "F04" and key.column == "1" and is_open_figure(draft, key)]
    key = choose(rng, keys)
    return spoil(draft, key, write_shifted(number_at(draft, key), rng), "F04-ROW-SUM")


# -- F06


def _plant_beyond(part: str, whole: str, code: str) -> Planter:
    def plant(draft: Draft, rng: Random) -> Planted:
        if not is_number(draft, f06(whole)):
            raise NoRoom
        more = number_at(draft, f06(whole)) + rng.randint(1, 5)
        return spoil(draft, f06(part), write_count(int(more), rng), code)

    return plant


def _plant_local_title(name: str, code: str) -> Planter:
    """A title that only communes grant, reported by another unit."""

    def plant(draft: Draft, rng: Random) -> Planted:
        truth = draft.truth
        if truth.unit_type is None or truth.unit_type in LOCAL_UNIT_TYPES:
            raise NoRoom
        if truth.end is None or truth.end < LOCAL_TITLES_SINCE:
            raise NoRoom
        return spoil(draft, f06(name), write_count(rng.randint(1, 40), rng), code)

    return plant


# -- F08


def _plant_granted(code: str, rows: tuple[str, ...], columns: tuple[str, str, str]) -> Planter:
    """More granted than proposed and left over: as when 425 proposed badges are told as granted."""

    def plant(draft: Draft, rng: Random) -> Planted:
        keys = [CellKey("F08", row, columns[2]) for row in rows]
        key = choose(rng, [key for key in keys if is_open_figure(draft, key)])
        room = sum((number_at(draft, key._replace(column=column)) for column in columns[:2]), Decimal(0))
        return spoil(draft, key, write_count(int(room) + rng.randint(1, 9), rng), code)

    return plant


def _plant_tie(code: str) -> Planter:
    """F08 in itself right, but with more decisions than F04 or F05 count."""
    (row, granted), other = TIES[code]
    proposed = "3" if granted == "5" else "4"

    def plant(draft: Draft, rng: Random) -> Planted:
        own = CellKey("F08", row, granted)
        if not (is_open_figure(draft, own) and is_number(draft, CellKey(*other))):
            raise NoRoom
        more = rng.randint(1, 3)
        asked = own._replace(column=proposed)
        spoil(draft, asked, write_plain(number_at(draft, asked) + more), code)
        return spoil(draft, own, write_plain(number_at(draft, own) + more), code)

    return plant


_TIE_NAMES = {
    "X-DECIDED-ORDERS-COLLECTIVES": "orders of collectives against F04",
    "X-DECIDED-ORDERS-INDIVIDUALS": "orders of individuals against F04",
    "X-DECIDED-PM-COLLECTIVES": "Prime Minister's certificates of collectives against F04",
    "X-DECIDED-PM-INDIVIDUALS": "Prime Minister's certificates of individuals against F04",
    "X-DECIDED-STATE-FLAGS": "Government's flags against F04",
    "X-DECIDED-STATE-FIGHTERS": "national emulation fighters against F04",
    "X-DECIDED-FLAGS": "flags of the province against F05",
    "X-DECIDED-COLLECTIVES": "certificates of collectives against F05",
    "X-DECIDED-INDIVIDUALS": "certificates of individuals against F05",
    "X-DECIDED-FIGHTERS": "emulation fighters of the province against F05",
    "X-DECIDED-EXCELLENT": "excellent collectives against F05",
}

AWARD_FAULTS = (
    FaultKind("State: proposed elsewhere", "F04-PROPOSER", _plant_state_part("F04-PROPOSER", "01", ("03",))),
    FaultKind(
        "State: subjects do not add up", "F04-BY-SUBJECT", _plant_state_part("F04-BY-SUBJECT", "01", STATE_SUBJECTS)
    ),
    FaultKind("State: methods do not add up", "F04-BY-METHOD", _plant_state_part("F04-BY-METHOD", "01", STATE_METHODS)),
    FaultKind(
        "State: individuals do not add up",
        "F04-INDIVIDUALS",
        _plant_state_part("F04-INDIVIDUALS", "09", STATE_INDIVIDUALS),
    ),
    FaultKind("State: more enterprises than collectives", "F04-ENTERPRISES", _plant_state_enterprises),
    FaultKind("State: total column wrong", "F04-ROW-SUM", _plant_state_row_sum),
    FaultKind(
        "more fighters than advanced workers", "F06-FIGHTERS", _plant_beyond("fighters", "advanced", "F06-FIGHTERS")
    ),
    FaultKind("more advanced workers than staff", "F06-ADVANCED", _plant_beyond("advanced", "staff", "F06-ADVANCED")),
    FaultKind("villages of no commune", "F06-VILLAGES", _plant_local_title("villages", "F06-VILLAGES")),
    FaultKind("families of no commune", "F06-FAMILIES", _plant_local_title("families", "F06-FAMILIES")),
    FaultKind(
        "more collectives granted than proposed",
        "F08-GRANTED-COLLECTIVES",
        _plant_granted("F08-GRANTED-COLLECTIVES", F08_COLLECTIVE_ROWS, ("1", "3", "5")),
    ),
    FaultKind(
        "more individuals granted than proposed",
        "F08-GRANTED-INDIVIDUALS",
        _plant_granted("F08-GRANTED-INDIVIDUALS", F08_INDIVIDUAL_ROWS, ("2", "4", "6")),
    ),
    *(FaultKind(name, code, _plant_tie(code)) for code, name in _TIE_NAMES.items()),
)
AWARD_WARNINGS = frozenset(TIES)
