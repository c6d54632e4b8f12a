"""The answer key's own judgement: which findings a set of planted values must give. Pure.

Written from the forms and the decree's identities, not from the product's suites: it must import neither them nor
anything of validation, parsing or recognition. It judges meanings (see `etl.sample.answers`), never cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from etl.forms.declaration import FIELD_COLUMN, CellKey, FormVersion, Kind
from etl.sample.answers import LARGEST, Answer, Unreadable

F00_CODES = {
    "unit": "01", "unit_name": "02", "report": "03", "clock": "04", "period": "05", "start": "06", "end": "07",
    "estimate": "08", "signed": "10",
}  # fmt: skip
F07_CODES = {
    "total": "01", "leaders": "02", "leader_percent": "03", "workers": "04", "worker_percent": "05", "women": "06",
    "minority": "07", "enterprises": "08",
}  # fmt: skip
SUBJECTS = ("02", "04", "05")
INDIVIDUALS = ("06", "07", "08", "09", "10")
METHODS = ("11", "12", "13", "14", "15", "16", "17")
AWARD_COLUMNS = ("2", "3", "4", "5")

GONE = Unreadable("")
"""A cell no rule can use: not there, unreadable, blank though it must be filled, or a figure where none can be."""

Judged = tuple[str, CellKey]
"""A finding's code and the cell it blames."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What the period and the register say, against which an envelope is judged. None where it cannot be known."""

    clock: str | None
    start: date | None
    end: date | None
    unit_name: str | None
    unit_type: str | None = None
    member_count: int | None = None
    """Of a bloc: how many members it has on the period's last day."""
    highest_score: int = 100
    flag_ranks: int = 1
    certificate_ranks: int = 3
    """Parameters of the province for blocs."""


@dataclass(frozen=True)
class Values:
    """The answers as rules may use them; `get` gives `GONE` for what no rule can use."""

    answers: Mapping[CellKey, Answer]
    layouts: Mapping[str, FormVersion]

    def get(self, key: CellKey) -> Decimal | str | date | Unreadable | None:
        answer = self.answers.get(key)
        if answer is None or isinstance(answer.meaning, Unreadable):
            return GONE
        layout = self.layouts[key.form]
        if answer.meaning is None and is_required(layout, key):
            return GONE
        if (key.row, key.column) in layout.not_applicable_cells and answer.meaning not in (None, Decimal(0)):
            return GONE
        return answer.meaning

    def number(self, key: CellKey) -> Decimal | Unreadable | None:
        value = self.get(key)
        return value if value is None or isinstance(value, Decimal | Unreadable) else GONE


def judge_first_forms(
    answers: Mapping[CellKey, Answer], layouts: Mapping[str, FormVersion], truth: Truth
) -> list[Judged]:
    """The cell findings of all forms and the value findings of F00, F03, F05, F07, in no particular order.

    `answers` holds the cells that rules may see: rows a rule must not touch are left out by the caller. `layouts` are
    the forms of the submission that are present.
    """
    values = Values(answers, layouts)
    found = list(_judge_cells(answers, layouts))
    found += _judge_envelope(values, truth) if "F00" in layouts else []
    found += _judge_movements(values) if "F03" in layouts else []
    found += _judge_awards(values) if "F05" in layouts else []
    found += _judge_structure(values) if "F07" in layouts else []
    found += _judge_ties(values) if {"F05", "F07"} <= set(layouts) else []
    return found


def is_required(layout: FormVersion, key: CellKey) -> bool:
    """Whether that cell must be filled."""
    if layout.kind is Kind.FIELDS:
        return any(row.required for row in layout.fields if row.code == key.row)
    if layout.kind is Kind.MATRIX:
        return (key.row, key.column) in layout.required_pairs
    return any(column.required for column in layout.columns if column.code == key.column)


def _judge_cells(answers: Mapping[CellKey, Answer], layouts: Mapping[str, FormVersion]) -> Iterable[Judged]:
    for key, answer in answers.items():
        if key.form not in layouts:
            continue
        layout, meaning = layouts[key.form], answer.meaning
        if isinstance(meaning, Unreadable):
            yield meaning.code, key
        elif meaning is None and is_required(layout, key):
            yield "CELL-REQUIRED", key
        elif isinstance(meaning, Decimal):
            if meaning != 0 and (key.row, key.column) in layout.not_applicable_cells:
                yield "CELL-NOT-APPLICABLE", key
            if meaning > LARGEST:
                yield "CELL-TOO-LARGE", key


def _judge_envelope(values: Values, truth: Truth) -> Iterable[Judged]:
    def at(name: str) -> CellKey:
        return CellKey("F00", F00_CODES[name], FIELD_COLUMN)

    def differs(name: str, expected: object) -> bool:
        value = values.get(at(name))
        return expected is not None and value is not None and not isinstance(value, Unreadable) and value != expected

    for name, expected, code in (
        ("clock", truth.clock, "F00-CLOCK"),
        ("start", truth.start, "F00-WINDOW-START"),
        ("end", truth.end, "F00-WINDOW-END"),
        ("unit_name", truth.unit_name, "F00-UNIT-NAME"),
    ):
        if differs(name, expected):
            yield code, at(name)
    signed = values.get(at("signed"))
    if isinstance(signed, date):
        if truth.start is not None and signed < truth.start:
            yield "F00-SIGNED-EARLY", at("signed")
        if truth.end is not None and signed < truth.end and values.get(at("estimate")) == "no":
            yield "F00-ESTIMATE", at("signed")


def _judge_movements(values: Values) -> Iterable[Judged]:
    rows = sorted({(key.row, key.ordinal) for key in values.answers if key.form == "F03"})
    for row, ordinal in rows:
        plan, result, running, percent = (CellKey("F03", row, code, ordinal) for code in ("1", "2", "3", "4"))
        yield from judge_percent(values, result, plan, percent, "F03-PERCENT")
        yield from judge_at_most(values, result, running, "F03-CUMULATIVE", blame=running)


def _judge_awards(values: Values) -> Iterable[Judged]:
    def at(row: str, column: str) -> CellKey:
        return CellKey("F05", row, column)

    layout = values.layouts["F05"]
    for row in layout.rows:
        parts = [at(row.code, column) for column in AWARD_COLUMNS]
        yield from judge_sum(values, at(row.code, "1"), parts, "F05-ROW-SUM")
    for declared in layout.columns:
        column = declared.code
        for total, rows, code in (
            ("01", SUBJECTS, "F05-BY-SUBJECT"),
            ("01", METHODS, "F05-BY-METHOD"),
            ("05", INDIVIDUALS, "F05-INDIVIDUALS"),
        ):
            yield from judge_sum(values, at(total, column), [at(row_code, column) for row_code in rows], code)
        yield from judge_at_most(values, at("03", column), at("02", column), "F05-ENTERPRISES", at("03", column))


def _judge_structure(values: Values) -> Iterable[Judged]:
    total, leaders, workers = _f07("total"), _f07("leaders"), _f07("workers")
    leader_percent, worker_percent = _f07("leader_percent"), _f07("worker_percent")
    yield from judge_sum(values, total, [leaders, workers], "F07-TOTAL")
    yield from judge_percent(values, leaders, total, leader_percent, "F07-LEADER-PERCENT")
    yield from judge_percent(values, workers, total, worker_percent, "F07-WORKER-PERCENT")
    for name, code in (("women", "F07-WOMEN"), ("minority", "F07-MINORITY")):
        yield from judge_at_most(values, _f07(name), total, code, _f07(name))
    people, first, second = (values.number(key) for key in (total, leader_percent, worker_percent))
    if not (isinstance(people, Decimal) and isinstance(first, Decimal) and isinstance(second, Decimal)):
        return
    if people > 0 and first + second != 100:
        yield "F07-PERCENT-SUM", worker_percent


def _judge_ties(values: Values) -> Iterable[Judged]:
    for name, row, code in (
        ("total", "05", "X-INDIVIDUALS"),
        ("workers", "10", "X-WORKERS"),
        ("enterprises", "03", "X-ENTERPRISES"),
    ):
        mine, theirs = values.number(_f07(name)), values.number(CellKey("F05", row, "2"))
        if isinstance(mine, Decimal) and isinstance(theirs, Decimal) and mine != theirs:
            yield code, _f07(name)
    parts = [CellKey("F05", row, "2") for row in INDIVIDUALS[:-1]]
    yield from judge_sum(values, _f07("leaders"), parts, "X-LEADERS")


def _f07(name: str) -> CellKey:
    return CellKey("F07", F07_CODES[name], FIELD_COLUMN)


def judge_sum(values: Values, total: CellKey, parts: Sequence[CellKey], code: str) -> Iterable[Judged]:
    """Blames the total when the parts make another number; blank parts are nought unless all are blank."""
    numbers = [values.number(part) for part in parts]
    whole = values.number(total)
    if isinstance(whole, Unreadable) or any(isinstance(number, Unreadable) for number in numbers):
        return
    if all(number is None for number in numbers):
        return
    if (whole or Decimal(0)) != sum(number for number in numbers if isinstance(number, Decimal)):
        yield code, total


def judge_at_most(values: Values, part: CellKey, whole: CellKey, code: str, blame: CellKey) -> Iterable[Judged]:
    """Blames a cell when a part is more than its whole; silent when either is blank."""
    smaller, larger = values.number(part), values.number(whole)
    if isinstance(smaller, Decimal) and isinstance(larger, Decimal) and smaller > larger:
        yield code, blame


def judge_percent(values: Values, part: CellKey, whole: CellKey, percent: CellKey, code: str) -> Iterable[Judged]:
    """Blames a percentage: `code` by its own rounding, `code`-OFF by more than half a point."""
    numerator, denominator, written = (values.number(key) for key in (part, whole, percent))
    if not (isinstance(numerator, Decimal) and isinstance(denominator, Decimal) and isinstance(written, Decimal)):
        return
    if denominator == 0:
        return
    off = abs(100 * Fraction(numerator) / Fraction(denominator) - Fraction(written))
    if off > Fraction(1, 2):
        yield f"{code}-OFF", percent
    elif off > Fraction(1, 2) / 10 ** values.answers[percent].decimals:
        yield code, percent
