"""Sums and counts over the rows of a list, as columns of the submission frame: `F14.so_luong?hinh_thuc=BK_TINH&cap=tinh`.

`<form>.<field>?<field>=<value>&…` is the sum of a number column over the rows whose choice or text columns equal these values;
`<form>.#?…` is the number of such rows; `a|b` names alternatives; nothing after the `?` takes every row. Values are those that
are stored (of a choice its `value`). None when the submission has no such form. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from etl.forms.declaration import CellKey
from etl.validation.context import Submission

COUNT = "#"
"""In place of a field: how many rows there are."""
Totals = Mapping[tuple[str | None, ...], float]


class BadSum(ValueError):
    """A column name with a `?` that is no sum; names it."""


@dataclass(frozen=True, slots=True)
class ListSum:
    """What to add up: a number column (None: count the rows) where the filter columns hold one of these values."""

    form: str
    field: str | None
    filters: tuple[tuple[str, frozenset[str]], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The fields it reads."""
        return (*(name for name, _ in self.filters), *([self.field] if self.field else []))


@lru_cache(maxsize=4096)
def parse_sum(name: str) -> ListSum | None:
    """The sum that a column name asks for; None when it asks for none. Raises BadSum."""
    head, mark, rest = name.partition("?")
    if not mark:
        return None
    form, _, field = head.partition(".")
    filters: dict[str, frozenset[str]] = {}
    for part in rest.split("&") if rest else ():
        column, equals, values = part.partition("=")
        if not column or not equals or not values or column in filters:
            raise BadSum(
                f"{name!r}: after the ? stand conditions such as hinh_thuc=BK_TINH, joined by &, a column once"
            )
        filters[column] = frozenset(values.split("|"))
    if not form or not field:
        raise BadSum(f"{name!r}: before the ? stands a form and a field, or a form and {COUNT}")
    return ListSum(form, None if field == COUNT else field, tuple(sorted(filters.items())))


class SumMaker:
    """Adds up the lists of a batch; the rows of a list are walked once for all sums over the same columns."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, str, tuple[str, ...], str | None], tuple[Totals, bool]] = {}

    def add_up(self, index: int, submission: Submission, wanted: ListSum) -> tuple[float | None, bool]:
        """(the sum, whether a rule may rest on it) of the submission that stands at `index` of the batch.

        It may not when a row was left out or stands twice, or a cell that the sum reads is unreadable, gone, or required
        and empty: each of those has a finding of its own, and the rule would only repeat it.
        """
        if wanted.form not in submission.parsed.versions:
            return None, True
        by = tuple(name for name, _ in wanted.filters)
        key = (index, wanted.form, by, wanted.field)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = _total(submission, wanted.form, by, wanted.field)
        totals, usable = made
        if not usable:
            return None, False
        chosen = [values for _, values in wanted.filters]
        found = sum(
            total
            for texts, total in totals.items()
            if all(text in values for text, values in zip(texts, chosen, strict=True))
        )
        return float(found), True


def _total(submission: Submission, form: str, by: tuple[str, ...], field: str | None) -> tuple[Totals, bool]:
    """(values of the filter columns -> sum, whether every cell read can be used)."""
    parsed = submission.parsed
    codes = {column.field: column.code for column in parsed.versions[form].columns}
    if form in parsed.incomplete:
        return {}, False
    totals: defaultdict[tuple[str | None, ...], float] = defaultdict(float)
    for row in parsed.rows.get(form, ()):
        if not row.checked:
            continue
        texts: list[str | None] = []
        for name in by:
            cell = parsed.cells.get(CellKey(form, row.key, codes.get(name, ""), row.ordinal))
            if cell is None or not cell.is_usable:
                return {}, False
            texts.append(cell.value.text)
        amount = 1.0
        if field is not None:
            cell = parsed.cells.get(CellKey(form, row.key, codes.get(field, ""), row.ordinal))
            if cell is None or not cell.is_usable:
                return {}, False
            amount = float(cell.value.number or 0)
        totals[tuple(texts)] += amount
    return totals, True
