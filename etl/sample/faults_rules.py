"""Faults of readable values that contradict each other, the period or the register. Pure.

Each planter changes one or two cells; everything that follows from the change is found by the oracle afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from etl.forms.declaration import FIELD_COLUMN, CellKey
from etl.sample.answers import Answer, Meaning, write_count, write_date, write_decimal, write_percent, write_plain
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
from etl.sample.figures import PROVINCIAL_COLUMN, round_half_up
from etl.sample.fill import find_other_units
from etl.sample.oracle import AWARD_COLUMNS, F00_CODES, F07_CODES, INDIVIDUALS, METHODS

_ALL_COLUMNS = (*AWARD_COLUMNS, PROVINCIAL_COLUMN)


def _f00(name: str) -> CellKey:
    return CellKey("F00", F00_CODES[name], FIELD_COLUMN)


def _f05(row: str, column: str) -> CellKey:
    return CellKey("F05", row, column)


def _f07(name: str) -> CellKey:
    return CellKey("F07", F07_CODES[name], FIELD_COLUMN)


# -- the envelope


def _plant_clock(draft: Draft, rng: Random) -> Planted:
    if "F00" not in draft.layouts:
        raise NoRoom
    declared = next(row for row in draft.layouts["F00"].fields if row.code == F00_CODES["clock"])
    other = choose(rng, [choice for choice in declared.choices if choice.value != draft.truth.clock])
    return spoil(draft, _known(draft, "clock"), Answer(other.value, other.labels[0]), "F00-CLOCK")


def _plant_date(name: str, code: str, move: Callable[[Draft, Random], date]) -> Planter:
    def plant(draft: Draft, rng: Random) -> Planted:
        return spoil(draft, _known(draft, name), write_date(move(draft, rng), rng), code)

    return plant


def _wrong_start(draft: Draft, rng: Random) -> date:
    start = draft.setting.period.start
    return rng.choice((start.replace(day=1) + timedelta(days=31), start + timedelta(days=1), start - timedelta(days=1)))


def _wrong_end(draft: Draft, rng: Random) -> date:
    return draft.setting.period.end + timedelta(days=rng.choice((-1, 1, 16)))


def _day_before_start(draft: Draft, rng: Random) -> date:
    return draft.setting.period.start - timedelta(days=rng.randint(1, 300))


def _day_before_end(draft: Draft, rng: Random) -> date:
    period = draft.setting.period
    return period.end - timedelta(days=rng.randint(1, min(12, (period.end - period.start).days)))


def _plant_unit_name(draft: Draft, rng: Random) -> Planted:
    setting = draft.setting
    other = choose(rng, find_other_units(setting.register, setting.unit, setting.period.end))
    return spoil(draft, _known(draft, "unit_name"), Answer(other.name, other.name), "F00-UNIT-NAME")


def _known(draft: Draft, name: str) -> CellKey:
    key = _f00(name)
    if key not in draft.answers:
        raise NoRoom
    return key


# -- the movements


def _choose_movement_row(draft: Draft, rng: Random, usable: Callable[[Decimal, Decimal], bool]) -> tuple[str, int]:
    """(row key, ordinal) of a movement row whose plan and result are usable and untouched."""
    found = []
    for key in draft.answers:
        if key.form != "F03" or key.column != "2":
            continue
        numbers = [draft.answers.get(key._replace(column=column)) for column in ("1", "2")]
        plan, result = (answer.meaning if answer else None for answer in numbers)
        touched = any(key._replace(column=column) in draft.touched for column in "1234")
        if (
            not touched
            and isinstance(result, Decimal)
            and usable(plan if isinstance(plan, Decimal) else Decimal(0), result)
        ):
            found.append((key.row, key.ordinal))
    return choose(rng, found)


def _plant_movement_percent(off: bool) -> Planter:
    code = "F03-PERCENT-OFF" if off else "F03-PERCENT"

    def plant(draft: Draft, rng: Random) -> Planted:
        row, ordinal = _choose_movement_row(draft, rng, lambda plan, result: plan > 0 and result > 0)
        plan, result = (number_at(draft, CellKey("F03", row, column, ordinal)) for column in ("1", "2"))
        true = 100 * result / plan
        key = CellKey("F03", row, "4", ordinal)
        return spoil(draft, key, _write_wrong_percent(true, off, rng), code)

    return plant


def _plant_cumulative(draft: Draft, rng: Random) -> Planted:
    row, ordinal = _choose_movement_row(draft, rng, lambda _, result: result >= 2)
    result = number_at(draft, CellKey("F03", row, "2", ordinal))
    less = result - rng.randint(1, int(result))
    return spoil(draft, CellKey("F03", row, "3", ordinal), write_decimal(less, rng), "F03-CUMULATIVE")


# -- the awards


def _plant_award_part(code: str, total: str, rows: tuple[str, ...], columns: tuple[str, ...]) -> Planter:
    """One part of a column sum goes up or down."""

    def plant(draft: Draft, rng: Random) -> Planted:
        cells = [
            (row, column)
            for row in rows
            for column in columns
            if is_open_figure(draft, _f05(row, column)) and is_number(draft, _f05(total, column))
        ]
        row, column = choose(rng, cells)
        key = _f05(row, column)
        return spoil(draft, key, write_shifted(number_at(draft, key), rng, most=9), code, blame=_f05(total, column))

    return plant


def _plant_enterprises(draft: Draft, rng: Random) -> Planted:
    columns = [
        c
        for c in ("2", "4", PROVINCIAL_COLUMN)
        if is_open_figure(draft, _f05("03", c)) and is_number(draft, _f05("02", c))
    ]
    column = choose(rng, columns)
    more = number_at(draft, _f05("02", column)) + rng.randint(1, 4)
    return spoil(draft, _f05("03", column), write_count(int(more), rng), "F05-ENTERPRISES")


def _plant_row_sum(draft: Draft, rng: Random) -> Planted:
    rows = [key.row for key in draft.answers if key.form == "F05" and key.column == "1" and is_open_figure(draft, key)]
    key = _f05(choose(rng, rows), "1")
    return spoil(draft, key, write_shifted(number_at(draft, key), rng, most=9), "F05-ROW-SUM")


# -- the structure of the rewarded, and its ties to the awards


def _plant_structure_total(draft: Draft, rng: Random) -> Planted:
    key = _f07("leaders")
    return spoil(draft, key, write_shifted(number_at(draft, key), rng, most=9), "F07-TOTAL", blame=_f07("total"))


def _plant_structure_percent(part: str, off: bool) -> Planter:
    name = "leader_percent" if part == "leaders" else "worker_percent"
    code = f"F07-{'LEADER' if part == 'leaders' else 'WORKER'}-PERCENT{'-OFF' if off else ''}"

    def plant(draft: Draft, rng: Random) -> Planted:
        total = number_at(draft, _f07("total"))
        if total == 0:
            raise NoRoom
        true = 100 * number_at(draft, _f07(part)) / total
        return spoil(draft, _f07(name), _write_wrong_percent(true, off, rng), code)

    return plant


def _plant_percent_sum(draft: Draft, rng: Random) -> Planted:
    """Both percentages right, each at its own decimals, as published in 2020: 38,2 and 61,75."""
    total, leaders = number_at(draft, _f07("total")), number_at(draft, _f07("leaders"))
    if total == 0 or leaders > total:  # an earlier fault may have made the leaders more than all
        raise NoRoom
    first, second = 100 * leaders / total, 100 * (total - leaders) / total
    pairs = [(a, b) for a in (0, 1, 2) for b in (0, 1, 2) if round_half_up(first, a) + round_half_up(second, b) != 100]
    a, b = choose(rng, pairs)
    spoil(draft, _f07("leader_percent"), write_percent(first, a, rng), "F07-PERCENT-SUM")
    return spoil(draft, _f07("worker_percent"), write_percent(second, b, rng), "F07-PERCENT-SUM")


def _plant_beyond_total(name: str, code: str) -> Planter:
    def plant(draft: Draft, rng: Random) -> Planted:
        more = number_at(draft, _f07("total")) + rng.randint(1, 5)
        return spoil(draft, _f07(name), write_count(int(more), rng), code)

    return plant


def _plant_more_people(draft: Draft, rng: Random) -> Planted:
    """F07 in itself right, but with more people than F05."""
    more = rng.randint(1, 5)
    for name in ("workers", "total"):
        planted = spoil(draft, _f07(name), write_plain(number_at(draft, _f07(name)) + more), "X-INDIVIDUALS")
    return planted


def _plant_swapped_people(code: str, blame: str) -> Planter:
    """One person counted among the workers instead of the leaders, or the reverse: the total stays right."""

    def plant(draft: Draft, rng: Random) -> Planted:
        leaders, workers = number_at(draft, _f07("leaders")), number_at(draft, _f07("workers"))
        step = choose(rng, [step for step in (-1, 1) if leaders + step >= 0 and workers - step >= 0])
        spoil(draft, _f07("leaders"), write_plain(leaders + step), code)
        return spoil(draft, _f07("workers"), write_plain(workers - step), code, blame=_f07(blame))

    return plant


def _plant_other_enterprises(draft: Draft, rng: Random) -> Planted:
    if not is_number(draft, _f05("03", "2")):
        raise NoRoom
    more = number_at(draft, _f05("03", "2")) + rng.randint(1, 3)
    return spoil(draft, _f07("enterprises"), write_count(int(more), rng), "X-ENTERPRISES")


# -- writing


def _write_wrong_percent(true: Decimal, off: bool, rng: Random) -> Answer:
    """A percentage wrong by more than half a point, or by less but more than its decimals allow."""
    sign = rng.choice((-1, 1)) if true > 20 else 1
    if not off:
        # At one decimal the rounding is within 0.05: 0.2 to 0.4 away from it stays within half a point.
        value = round_half_up(true, 1) + sign * Decimal(rng.choice(("0.2", "0.3", "0.4")))
        return Answer(value, f"{value:f}".replace(".", ","), decimals=1)
    if true > 5 and rng.random() < 0.3:
        return write_plain(round_half_up(true / 100, 3))  # 0.382 typed for 38,2 %
    return write_percent(true + sign * Decimal(rng.randint(2, 15)), 1, rng)


def _meaning(draft: Draft, key: CellKey) -> Meaning:
    answer = draft.answers.get(key)
    return answer.meaning if answer and isinstance(answer.meaning, Decimal) else None


RULE_FAULTS = (
    FaultKind("other clock", "F00-CLOCK", _plant_clock),
    FaultKind("wrong first day", "F00-WINDOW-START", _plant_date("start", "F00-WINDOW-START", _wrong_start)),
    FaultKind("wrong last day", "F00-WINDOW-END", _plant_date("end", "F00-WINDOW-END", _wrong_end)),
    FaultKind("signed too early", "F00-SIGNED-EARLY", _plant_date("signed", "F00-SIGNED-EARLY", _day_before_start)),
    FaultKind("estimate not said", "F00-ESTIMATE", _plant_date("signed", "F00-ESTIMATE", _day_before_end)),
    FaultKind("name of another unit", "F00-UNIT-NAME", _plant_unit_name),
    FaultKind("percentage slightly wrong", "F03-PERCENT", _plant_movement_percent(off=False)),
    FaultKind("percentage wrong", "F03-PERCENT-OFF", _plant_movement_percent(off=True)),
    FaultKind("running total too small", "F03-CUMULATIVE", _plant_cumulative),
    FaultKind(
        "subjects do not add up",
        "F05-BY-SUBJECT",
        _plant_award_part("F05-BY-SUBJECT", "01", ("02", "04", "05"), _ALL_COLUMNS),
    ),
    FaultKind(
        "methods do not add up", "F05-BY-METHOD", _plant_award_part("F05-BY-METHOD", "01", METHODS, _ALL_COLUMNS)
    ),
    FaultKind(
        "individuals do not add up",
        "F05-INDIVIDUALS",
        _plant_award_part("F05-INDIVIDUALS", "05", INDIVIDUALS, ("2", "3", "5")),
    ),
    FaultKind("more enterprises than collectives", "F05-ENTERPRISES", _plant_enterprises),
    FaultKind("total column wrong", "F05-ROW-SUM", _plant_row_sum),
    FaultKind("leaders and workers do not add up", "F07-TOTAL", _plant_structure_total),
    FaultKind("leaders' percentage slightly wrong", "F07-LEADER-PERCENT", _plant_structure_percent("leaders", False)),
    FaultKind("leaders' percentage wrong", "F07-LEADER-PERCENT-OFF", _plant_structure_percent("leaders", True)),
    FaultKind("workers' percentage slightly wrong", "F07-WORKER-PERCENT", _plant_structure_percent("workers", False)),
    FaultKind("workers' percentage wrong", "F07-WORKER-PERCENT-OFF", _plant_structure_percent("workers", True)),
    FaultKind("percentages of two precisions", "F07-PERCENT-SUM", _plant_percent_sum),
    FaultKind("more women than people", "F07-WOMEN", _plant_beyond_total("women", "F07-WOMEN")),
    FaultKind("more of minorities than people", "F07-MINORITY", _plant_beyond_total("minority", "F07-MINORITY")),
    FaultKind("more people than awards", "X-INDIVIDUALS", _plant_more_people),
    FaultKind("leaders against awards", "X-LEADERS", _plant_swapped_people("X-LEADERS", "leaders")),
    FaultKind("workers against awards", "X-WORKERS", _plant_swapped_people("X-WORKERS", "workers")),
    FaultKind("enterprises against awards", "X-ENTERPRISES", _plant_other_enterprises),
)
