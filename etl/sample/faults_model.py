"""What a kind of fault is, and the choices its planter makes. Pure; it must not judge what follows from a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import TypeVar

from etl.forms.declaration import CellKey, FormVersion, Kind, ValueType
from etl.sample.answers import Answer, write_count
from etl.sample.draft import Draft, NoRoom, Planted, Spot

_T = TypeVar("_T")
Planter = Callable[[Draft, Random], Planted]


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One way to spoil a submission. `plant` changes the draft and returns the finding it is meant to give.

    `plant` raises NoRoom where the draft has no place for it. A `whole` kind needs a clean draft and stays its only
    fault: nobody can read, or attribute, what else the file holds.
    """

    name: str
    code: str
    plant: Planter
    whole: bool = False


def choose(rng: Random, items: Iterable[_T]) -> _T:
    """One of the items. Raises NoRoom when there is none."""
    found = list(items)
    if not found:
        raise NoRoom
    return rng.choice(found)


def value_type(layout: FormVersion, key: CellKey) -> ValueType:
    """What kind of value a cell holds."""
    declared: Iterable[tuple[str, ValueType]]
    if layout.kind is Kind.FIELDS:
        declared, code = ((row.code, row.type) for row in layout.fields), key.row
    else:
        declared, code = ((column.code, column.type) for column in layout.columns), key.column
    return next(kind for known, kind in declared if known == code)


def open_cells(draft: Draft, *types: ValueType) -> list[CellKey]:
    """Cells of these types that no fault has touched and that may hold a value, in form order."""
    return [
        key
        for key in draft.answers
        if key not in draft.touched
        and value_type(draft.layouts[key.form], key) in types
        and (key.row, key.column) not in draft.layouts[key.form].not_applicable_cells
    ]


def is_open_figure(draft: Draft, key: CellKey) -> bool:
    """Whether the cell may hold a figure, holds none that is unreadable, and no fault has touched it."""
    if key not in draft.answers or key in draft.touched:
        return False
    meaning = draft.answers[key].meaning
    applicable = (key.row, key.column) not in draft.layouts[key.form].not_applicable_cells
    return applicable and (meaning is None or isinstance(meaning, Decimal))


def is_number(draft: Draft, key: CellKey) -> bool:
    """Whether the cell holds a figure; blank is none."""
    answer = draft.answers.get(key)
    return answer is not None and isinstance(answer.meaning, Decimal)


def write_shifted(number: Decimal, rng: Random, most: int = 4) -> Answer:
    """Another count than the true one, up to `most` above it or below, never below 1."""
    step = rng.randint(1, most)
    return write_count(int(number - step if number > step and rng.random() < 0.5 else number + step), rng)


def number_at(draft: Draft, key: CellKey) -> Decimal:
    """The number a cell holds, blank counting as nought. Raises NoRoom when it holds none that a rule could use."""
    answer = draft.answers.get(key)
    if answer is None or not (answer.meaning is None or isinstance(answer.meaning, Decimal)):
        raise NoRoom
    return answer.meaning or Decimal(0)


def spoil(draft: Draft, key: CellKey, answer: Answer, code: str, blame: CellKey | None = None) -> Planted:
    """Plants an answer in an untouched cell; the finding is expected there, or at `blame`. Raises NoRoom."""
    if key not in draft.answers:
        raise NoRoom
    draft.claim(key)
    draft.write(key, answer)
    at = blame or key
    return Planted(code, Spot(at.form, at))


def claim_row(draft: Draft, form: str, row: str, ordinal: int = 0) -> None:
    """Takes all cells of a row for one fault. Raises NoRoom when one is touched."""
    keys = [key for key in draft.answers if (key.form, key.row, key.ordinal) == (form, row, ordinal)]
    if not keys:
        raise NoRoom
    draft.claim(*keys)
