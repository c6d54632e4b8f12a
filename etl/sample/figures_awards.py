"""True figures of State awards (F04), base-level awards (F06) and of what was proposed and decided (F08). Pure.

Consistent by construction, like `etl.sample.figures`. It must not know cells or workbooks beyond their codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from etl.register.model import UnitType
from etl.sample.figures import INDIVIDUAL_SHARES, METHOD_SHARES, SCALES, Awards, draw_number, split_whole
from etl.sample.judge_awards import (
    F08_COLLECTIVE_ROWS,
    F08_INDIVIDUAL_ROWS,
    LOCAL_UNIT_TYPES,
    STATE_COLUMNS,
    STATE_INDIVIDUALS,
    STATE_METHODS,
)

_COLLECTIVES = {"2": 0.35, "4": 0.01, "6": 0.02, "7": 0.15, "8": 0.45, "11": 0.05}
_INDIVIDUALS = {"3": 0.45, "4": 0.01, "5": 0.02, "6": 0.06, "9": 0.7, "10": 0.12, "11": 0.05}
_HOUSEHOLDS = {"9": 0.06}
_PENDING = {"collectives": 1.2, "individuals": 2.5}


def draw_state_awards(unit_type: UnitType, share_of_year: float, rng: Random) -> Awards:
    """F04 as (row, column) → number: every identity of table 0602 holds, all proposed by the province."""
    scale = SCALES[unit_type] * share_of_year
    awards: Awards = {}
    for column in STATE_COLUMNS:
        collectives = draw_number(rng, _COLLECTIVES.get(column, 0.0) * scale)
        people = draw_number(rng, _INDIVIDUALS.get(column, 0.0) * scale)
        households = draw_number(rng, _HOUSEHOLDS.get(column, 0.0) * scale)
        total = collectives + households + people
        of_enterprises = collectives if unit_type is UnitType.ENTERPRISE else rng.randint(0, collectives)
        by_method = split_whole(total, METHOD_SHARES[1:], rng)
        awards |= {("01", column): total, ("03", column): total, ("06", column): collectives}
        awards |= {("07", column): of_enterprises, ("08", column): households, ("09", column): people}
        split = split_whole(people, INDIVIDUAL_SHARES, rng)
        awards |= {(row, column): number for row, number in zip(STATE_INDIVIDUALS, split, strict=True)}
        methods = zip(STATE_METHODS, (by_method[-1], *by_method[:-1]), strict=True)
        awards |= {(row, column): number for row, number in methods}
    for row in sorted({row for row, _ in awards}):
        awards[row, "1"] = sum(awards[row, column] for column in STATE_COLUMNS)
    return awards


def draw_base_awards(unit_type: UnitType, share_of_year: float, rng: Random) -> dict[str, int]:
    """F06 in numbers by name (`judge_awards.F06_CODES`); what only communes grant is nought for all others."""
    scale = SCALES[unit_type] * share_of_year
    staff = 12 + draw_number(rng, 70 * SCALES[unit_type])
    advanced = staff * rng.randint(70, 98) // 100
    is_local = unit_type.value in LOCAL_UNIT_TYPES
    return {
        "merit_collectives": draw_number(rng, 6 * scale),
        "merit_households": draw_number(rng, 3 * scale) if is_local else 0,
        "merit_individuals": draw_number(rng, 18 * scale),
        "advanced_collectives": draw_number(rng, 5 * scale),
        "fighters": advanced * rng.randint(4, 15) // 100,
        "advanced": advanced,
        "staff": staff,
        "villages": rng.randint(4, 16) if is_local else 0,
        "families": rng.randint(300, 2400) if is_local else 0,
    }


def draw_proposals(granted: Mapping[tuple[str, str], int], rng: Random) -> Awards:
    """F08 as (row, column) → number, from what was granted (columns 5 and 6): never more than proposed and left over."""
    figures: Awards = {}
    for kind, rows, (left_over, proposed, decided) in (
        ("collectives", F08_COLLECTIVE_ROWS, ("1", "3", "5")),
        ("individuals", F08_INDIVIDUAL_ROWS, ("2", "4", "6")),
    ):
        for row in rows:
            number = granted.get((row, decided), 0)
            of_before = draw_number(rng, 0.3 * _PENDING[kind]) if rng.random() < 0.4 else 0
            pending = draw_number(rng, _PENDING[kind]) if rng.random() < 0.5 else 0
            figures[row, left_over] = of_before
            figures[row, proposed] = max(0, number - of_before) + pending
            figures[row, decided] = number
    return figures
