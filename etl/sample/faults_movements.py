"""Faults of the rows of F03, which are named by movement and indicator. Pure."""

from __future__ import annotations

from random import Random

from etl.forms.declaration import CellKey
from etl.register.model import EVERY, Indicator, Movement, is_valid_on
from etl.sample.draft import Draft, NoRoom, Planted
from etl.sample.faults_model import FaultKind, choose, claim_row
from etl.sample.sheets import MarkedSheet, copy_cell, delete_row
from etl.templates.from_register import list_movement_rows
from etl.templates.model import Scalar

FORM = "F03"
_UNKNOWN_MOVEMENTS = ("PT99", "PTTĐ mới", "NTM2035", "XDNTM")
_UNKNOWN_INDICATORS = ("CT99", "KHAC", "01.a", "DMSTX1")


def _choose_row(draft: Draft, rng: Random) -> str:
    """Row key of an asked row that no fault has touched; taken for the caller."""
    touched = {(key.row, key.ordinal) for key in draft.touched if isinstance(key, CellKey) and key.form == FORM}
    doubled = {key.row for key in draft.answers if key.form == FORM and key.ordinal}
    keys = {key.row for key in draft.answers if key.form == FORM} - doubled - {row for row, _ in touched}
    row = choose(rng, sorted(keys))
    claim_row(draft, FORM, row)
    return row


def _forget_row(draft: Draft, row: str) -> None:
    draft.forget(lambda key: not (key.form == FORM and key.row == row))


def _take_spare_row(draft: Draft) -> tuple[MarkedSheet, dict[str, CellKey]]:
    """The sheet and the empty place of each column in the first spare row. Raises NoRoom."""
    if FORM not in draft.layouts:
        raise NoRoom
    sheet = draft.sheets[FORM]
    free = {key.ordinal for key in sheet.plan.places if key.form == FORM and not key.row}
    taken = {item[1] for item in draft.touched if isinstance(item, tuple) and item[0] == "spare"}
    if not free - taken:
        raise NoRoom
    ordinal = min(free - taken)
    draft.claim(("spare", ordinal, FORM))
    return sheet, {key.column: key for key in sheet.plan.places if not key.row and key.ordinal == ordinal}


def _plant_row_removed(draft: Draft, rng: Random) -> Planted:
    row = _choose_row(draft, rng)
    sheet = draft.sheets[FORM]
    delete_row(sheet, next(place[0] for key, place in sheet.plan.places.items() if key.row == row))
    _forget_row(draft, row)
    return draft.plant("ROW-NOT-REPORTED", FORM)


def _plant_row_twice(draft: Draft, rng: Random) -> Planted:
    """The same movement and indicator once more in a spare row; the rules run on both."""
    row = _choose_row(draft, rng)
    sheet, spare = _take_spare_row(draft)
    for column, place in spare.items():
        old, new = CellKey(FORM, row, column), CellKey(FORM, row, column, 1)
        position = sheet.plan.places.pop(place)
        sheet.plan.places[new] = position
        sheet.plan.cells[position] = copy_cell(draft.cell(old))
        if old in draft.answers:
            draft.answers[new] = draft.answers[old]
            draft.claim(new)
    return draft.plant("ROW-DUPLICATE", FORM, CellKey(FORM, row, "A", 1))


def _plant_movement_unknown(draft: Draft, rng: Random) -> Planted:
    return _plant_unknown(draft, "A", choose(rng, _UNKNOWN_MOVEMENTS), rng)


def _plant_indicator_unknown(draft: Draft, rng: Random) -> Planted:
    return _plant_unknown(draft, "C", choose(rng, _UNKNOWN_INDICATORS), rng)


def _plant_unknown(draft: Draft, column: str, code: str, rng: Random) -> Planted:
    row = _choose_row(draft, rng)
    key = CellKey(FORM, row, column)
    draft.cell(key).value = code
    _forget_row(draft, row)
    draft.plant("ROW-NOT-REPORTED", FORM)
    return draft.plant("ROW-UNKNOWN", FORM, key)


def _plant_row_not_asked(draft: Draft, rng: Random) -> Planted:
    """A movement's indicator that is asked of others, reported by this unit too."""
    movement, indicator = choose(rng, _list_not_asked(draft))
    sheet, spare = _take_spare_row(draft)
    draft.claim(("not asked", movement.code, indicator.code, FORM))
    number = rng.randint(1, 40)
    _write_row(
        sheet,
        spare,
        {
            "A": movement.code,
            "B": movement.name,
            "C": indicator.code,
            "D": indicator.name,
            "E": indicator.unit_of_measure,
            "1": number + 5,
            "2": number,
            "3": number,
        },
    )
    return draft.plant("ROW-NOT-ASKED", FORM, spare["A"])


def _list_not_asked(draft: Draft) -> list[tuple[Movement, Indicator]]:
    register, period, unit = draft.setting.register, draft.setting.period, draft.setting.unit
    asked = {(row.movement, row.indicator) for row in list_movement_rows(register, unit.type, period)}
    return [
        (movement, indicator)
        for movement in register.movements_on(period.start, period.end)
        for indicator in register.indicators
        if indicator.movement in (movement.code, EVERY)
        and is_valid_on(indicator, period.end)
        and (movement.code, indicator.code) not in asked
        and ("not asked", movement.code, indicator.code, FORM) not in draft.touched
    ]


def _plant_total_row(draft: Draft, rng: Random) -> Planted:
    """A line of an own sum inside the table: figures without a code, their first filled cell is told."""
    sheet, spare = _take_spare_row(draft)
    label = choose(rng, [column for column in spare if column in "BD"])
    values: dict[str, Scalar] = {column: rng.randint(50, 900) for column in ("1", "2", "3")}
    values[label] = rng.choice(("Cộng các chi hội", "Số khác", "Cộng thêm ngoài kế hoạch"))
    _write_row(sheet, spare, values)
    return draft.plant("ROW-NO-CODE", FORM, spare[label])


def _write_row(sheet: MarkedSheet, places: dict[str, CellKey], values: dict[str, Scalar]) -> None:
    for column, value in values.items():
        if column in places:  # a removed column takes its figures with it
            sheet.plan.cells[sheet.plan.places[places[column]]].value = value


MOVEMENT_FAULTS = (
    FaultKind("indicator not reported", "ROW-NOT-REPORTED", _plant_row_removed),
    FaultKind("indicator twice", "ROW-DUPLICATE", _plant_row_twice),
    FaultKind("unknown movement", "ROW-UNKNOWN", _plant_movement_unknown),
    FaultKind("unknown indicator", "ROW-UNKNOWN", _plant_indicator_unknown),
    FaultKind("indicator not asked", "ROW-NOT-ASKED", _plant_row_not_asked),
    FaultKind("total line", "ROW-NO-CODE", _plant_total_row),
)
