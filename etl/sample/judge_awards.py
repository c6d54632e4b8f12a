"""The answer key's judgement of F04, F06 and F08, and of F08 against F04 and F05. Pure.

Written from table 0602 (domain brief §4.2), Luật 06/2022 Điều 23.1, NĐ 129/2025 Điều 59 and §11, not from the suites.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from etl.forms.declaration import FIELD_COLUMN, CellKey
from etl.sample.answers import Unreadable
from etl.sample.oracle import Judged, Truth, Values, judge_at_most, judge_sum

STATE_COLUMNS = ("2", "3", "4", "5", "6", "7", "8", "9", "10", "11")
STATE_SUBJECTS = ("06", "08", "09")
STATE_INDIVIDUALS = ("10", "11", "12", "13", "14")
STATE_METHODS = ("15", "16", "17", "18", "19", "20", "21")
F06_CODES = {
    "merit_collectives": "01", "merit_households": "02", "merit_individuals": "03", "advanced_collectives": "04",
    "fighters": "05", "advanced": "06", "staff": "07", "villages": "08", "families": "09",
}  # fmt: skip
LOCAL_UNIT_TYPES = ("commune", "ward", "special_zone")
LOCAL_TITLES_SINCE = date(2025, 7, 1)
"""Since then communes grant "thôn văn hóa" and "Gia đình văn hóa" (before, the districts did)."""
F08_COLLECTIVE_ROWS = ("01", "02", "03", "05", "06", "08")
F08_INDIVIDUAL_ROWS = ("01", "02", "04", "06", "07", "09")

TIES = {
    "X-DECIDED-ORDERS-COLLECTIVES": (("01", "5"), ("F04", "06", "2")),
    "X-DECIDED-ORDERS-INDIVIDUALS": (("01", "6"), ("F04", "09", "3")),
    "X-DECIDED-PM-COLLECTIVES": (("02", "5"), ("F04", "06", "8")),
    "X-DECIDED-PM-INDIVIDUALS": (("02", "6"), ("F04", "09", "9")),
    "X-DECIDED-STATE-FLAGS": (("03", "5"), ("F04", "06", "7")),
    "X-DECIDED-STATE-FIGHTERS": (("04", "6"), ("F04", "09", "10")),
    "X-DECIDED-FLAGS": (("05", "5"), ("F05", "02", "4")),
    "X-DECIDED-COLLECTIVES": (("06", "5"), ("F05", "02", "2")),
    "X-DECIDED-INDIVIDUALS": (("06", "6"), ("F05", "05", "2")),
    "X-DECIDED-FIGHTERS": (("07", "6"), ("F05", "05", "3")),
    "X-DECIDED-EXCELLENT": (("08", "5"), ("F05", "02", "6")),
}
"""Code → (row, column) of F08 granted, and the cell of F04 or F05 that counts the same decisions."""


def f06(name: str) -> CellKey:
    """The cell of a named figure of F06."""
    return CellKey("F06", F06_CODES[name], FIELD_COLUMN)


def judge_awards(values: Values, truth: Truth) -> Iterable[Judged]:
    """Value findings of the forms that are present."""
    if "F04" in values.layouts:
        yield from _judge_state_awards(values)
    if "F06" in values.layouts:
        yield from _judge_base_awards(values, truth)
    if "F08" in values.layouts:
        yield from _judge_proposals(values)
        for code, (own, other) in TIES.items():
            if other[0] in values.layouts:
                yield from judge_sum(values, CellKey("F08", *own), [CellKey(*other)], code)


def _judge_state_awards(values: Values) -> Iterable[Judged]:
    def at(row: str, column: str) -> CellKey:
        return CellKey("F04", row, column)

    layout = values.layouts["F04"]
    for row in layout.rows:
        parts = [at(row.code, column) for column in STATE_COLUMNS]
        yield from judge_sum(values, at(row.code, "1"), parts, "F04-ROW-SUM")
    for column in ("1", *STATE_COLUMNS):
        for total, rows, code in (
            ("01", ("03",), "F04-PROPOSER"),
            ("01", STATE_SUBJECTS, "F04-BY-SUBJECT"),
            ("01", STATE_METHODS, "F04-BY-METHOD"),
            ("09", STATE_INDIVIDUALS, "F04-INDIVIDUALS"),
        ):
            yield from judge_sum(values, at(total, column), [at(part, column) for part in rows], code)
        yield from judge_at_most(values, at("07", column), at("06", column), "F04-ENTERPRISES", at("07", column))


def _judge_base_awards(values: Values, truth: Truth) -> Iterable[Judged]:
    yield from judge_at_most(values, f06("fighters"), f06("advanced"), "F06-FIGHTERS", f06("fighters"))
    yield from judge_at_most(values, f06("advanced"), f06("staff"), "F06-ADVANCED", f06("advanced"))
    if truth.unit_type is None or truth.unit_type in LOCAL_UNIT_TYPES:
        return
    if truth.end is None or truth.end < LOCAL_TITLES_SINCE:
        return
    for name, code in (("villages", "F06-VILLAGES"), ("families", "F06-FAMILIES")):
        number = values.number(f06(name))
        if isinstance(number, Decimal) and number != 0:
            yield code, f06(name)


def _judge_proposals(values: Values) -> Iterable[Judged]:
    """Granted at most proposed and left over; an empty cell of these is nought, an empty granted says nothing."""
    for rows, columns, code in (
        (F08_COLLECTIVE_ROWS, ("1", "3", "5"), "F08-GRANTED-COLLECTIVES"),
        (F08_INDIVIDUAL_ROWS, ("2", "4", "6"), "F08-GRANTED-INDIVIDUALS"),
    ):
        for row in rows:
            left_over, proposed, granted = (values.number(CellKey("F08", row, column)) for column in columns)
            if isinstance(left_over, Unreadable) or isinstance(proposed, Unreadable):
                continue
            room = (left_over or Decimal(0)) + (proposed or Decimal(0))
            if isinstance(granted, Decimal) and granted > room:
                yield code, CellKey("F08", row, columns[-1])
