"""True figures of one unit in one period: awards, who was rewarded, results of movements. Pure.

Consistent by construction: awards are built from the parts up, the structure of the rewarded from the awards, the
running total of a year from its periods. It must not know cells or workbooks: `etl.sample.fill` writes figures down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from etl.calendar.periods import Period, PeriodKind
from etl.register.model import Aggregation, Indicator, UnitType
from etl.sample.oracle import AWARD_COLUMNS, INDIVIDUALS, METHODS

SCALES: Mapping[UnitType, float] = {
    UnitType.COMMUNE: 1.0,
    UnitType.WARD: 1.3,
    UnitType.SPECIAL_ZONE: 1.0,
    UnitType.DEPARTMENT: 4.0,
    UnitType.PARTY: 1.5,
    UnitType.FRONT: 2.0,
    UnitType.ASSOCIATION: 0.8,
    UnitType.CENTRAL: 1.5,
    UnitType.ARMED: 8.0,
    UnitType.PUBLIC_SERVICE: 1.5,
    UnitType.ENTERPRISE: 0.8,
    UnitType.BLOC: 1.0,
}
METHOD_SHARES = (0.55, 0.25, 0.08, 0.01, 0.06, 0.04, 0.01)
INDIVIDUAL_SHARES = (0.005, 0.04, 0.05, 0.28)
PROVINCIAL_COLUMN = "6"

Awards = dict[tuple[str, str], int]
"""(row code, column code) of F05 → number; cells that cannot apply are not in it."""


@dataclass(frozen=True, slots=True)
class Result:
    """One indicator of a movement: `plan` of the year and `running` total None where none is given."""

    plan: Decimal | None
    result: Decimal
    running: Decimal | None


def draw_awards(unit_type: UnitType, share_of_year: float, rng: Random) -> Awards:
    """The awards of a unit: every identity of table 0603 holds, structural zeros are left out."""
    scale = SCALES[unit_type] * share_of_year
    awards: Awards = {}
    for column in (*AWARD_COLUMNS, PROVINCIAL_COLUMN):
        collectives = draw_number(rng, {"2": 4.0, "4": 0.6, PROVINCIAL_COLUMN: 2.0}.get(column, 0.0) * scale)
        households = draw_number(rng, 0.6 * scale) if column == "2" and unit_type is not UnitType.ENTERPRISE else 0
        people = draw_number(rng, {"2": 9.0, "3": 1.5, "5": 7.0}.get(column, 0.0) * scale)
        if column == "5" and rng.random() < 0.04:
            people += rng.randrange(900, 2600)  # a jubilee of a mass organisation
        split = split_whole(people, INDIVIDUAL_SHARES, rng)
        if column in {"2", "4", PROVINCIAL_COLUMN}:
            of_enterprises = collectives if unit_type is UnitType.ENTERPRISE else rng.randint(0, collectives // 2)
            awards["02", column], awards["03", column] = collectives, of_enterprises
        if column == "2":
            awards["04", column] = households
        if column in {"2", "3", "5"}:
            awards["05", column] = people
            awards |= {(row, column): number for row, number in zip(INDIVIDUALS, split, strict=True)}
        total = collectives + households + people
        awards["01", column] = total
        by_method = split_whole(total, METHOD_SHARES[1:], rng)
        awards |= {(row, column): n for row, n in zip(METHODS, (by_method[-1], *by_method[:-1]), strict=True)}
    if not awards["05", "2"]:
        # A unit may well reward nobody; but a form of noughts alone is asked about, and this one is to give no finding.
        for row in ("01", "05", INDIVIDUALS[-1], METHODS[0]):
            awards[row, "2"] += 1
    for row in sorted({row for row, _ in awards}):
        awards[row, "1"] = sum(awards.get((row, column), 0) for column in AWARD_COLUMNS)
    return awards


def draw_structure(awards: Awards, rng: Random) -> dict[str, int]:
    """F07 in numbers by name (`oracle.F07_CODES`), tied to column 2 of the awards."""
    total, workers = awards["05", "2"], awards["10", "2"]
    return {
        "total": total,
        "leaders": total - workers,
        "workers": workers,
        "women": rng.randint(total // 4, total // 2 + total % 2) if total else 0,
        "minority": rng.randint(0, total),
        "enterprises": awards["03", "2"],
    }


def draw_result(indicator: Indicator, unit_type: UnitType, period: Period, seed: str) -> Result:
    """A result in step with the same indicator's results in the other periods of the year.

    `seed` names the unit, report and indicator: all periods of a year draw the same plan and the same partial results.
    """
    rng = Random(f"{seed}|{period.code[:4]}")
    number, of = place_in_year(period)
    has_plan, has_running = rng.random() < 0.9, rng.random() < 0.95
    plan, decimals, highest = _draw_target(indicator, unit_type, rng)
    if indicator.aggregation is Aggregation.SUM:
        results = [round_half_up(plan / of * _percent_of(rng, 55, 130), decimals) for _ in range(of)]
        running = sum(results[:number], Decimal(0))
    else:
        results = [min(highest, round_half_up(plan * _percent_of(rng, 75, 106), decimals)) for _ in range(of)]
        running = max(results[:number])
    return Result(plan if has_plan else None, results[number - 1], running if has_running else None)


def place_in_year(period: Period) -> tuple[int, int]:
    """(number, of how many) of a period in its year; a period that has no fellows is (1, 1)."""
    of = {PeriodKind.HALF: 2, PeriodKind.QUARTER: 4, PeriodKind.MONTH: 12}.get(period.kind, 1)
    return (int(period.code[6:]), of) if of > 1 else (1, 1)


def round_half_up(value: Decimal, decimals: int) -> Decimal:
    """Rounded as people here round: half goes up."""
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def _draw_target(indicator: Indicator, unit_type: UnitType, rng: Random) -> tuple[Decimal, int, Decimal]:
    """A year's plan, the decimals its results are counted to and the most they can be, by the unit of measure."""
    measure = indicator.unit_of_measure.casefold()
    scale = SCALES[unit_type]
    if "điểm" in measure:
        return Decimal(rng.randint(10, 40)) / 10, 2, Decimal(10)
    if "%" in measure:
        return Decimal(rng.randint(70, 100)), 1, Decimal(100)
    if measure == "tiêu chí":
        return Decimal(rng.randint(9, 19)), 0, Decimal(19)
    if measure == "xã" and unit_type is not UnitType.DEPARTMENT:
        return Decimal(1), 0, Decimal(1)
    if "đồng" in measure:
        target, decimals = max(50, int(rng.lognormvariate(6.5, 0.8) * scale)), rng.choice((0, 0, 1))
    elif any(word in measure for word in ("km", "ha", "m²", "m2", "tấn")):
        target, decimals = max(2, int(rng.lognormvariate(2.5, 0.8) * scale)), 1
    elif any(word in measure for word in ("người", "lượt", "hộ", "ngày công")):
        target, decimals = max(10, int(rng.lognormvariate(5.5, 0.9) * scale)), 0
    else:
        target, decimals = max(2, int(rng.lognormvariate(2.5, 0.7) * scale)), 0
    return Decimal(target), decimals, Decimal(10) ** 9


def _percent_of(rng: Random, low: int, high: int) -> Decimal:
    return Decimal(rng.randint(low, high)) / 100


def draw_number(rng: Random, mean: float) -> int:
    """A whole number of at least 0, mostly small, about `mean` on average."""
    return int(rng.expovariate(1 / mean)) if mean > 0 else 0


def split_whole(total: int, shares: tuple[float, ...], rng: Random) -> tuple[int, ...]:
    """Whole parts near the shares, the rest last; they add up to the total."""
    parts: list[int] = []
    left = total
    for share in shares:
        part = min(left, int(total * share + rng.random()))
        parts.append(part)
        left -= part
    return (*parts, left)
