"""What a mart is to whoever reads one: its declaration, and its rows as they were read. Plain values; no SQL here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from etl.calendar.deadlines import TIMEZONE
from etl.usecases.consolidate import Coverage

Kind = Literal["text", "count", "decimal", "percent", "money", "date", "instant"]
Value = str | int | Decimal | bool | date | datetime | None
"""A value of a row. Percents are in points (38.2 is 38,2 %), money in đồng, instants aware; yes and no are words."""

DECIMALS: Final[Mapping[str, int | None]] = {"count": 0, "percent": 2, "money": 0, "decimal": None}
"""Decimals to show by kind; None: those of the value."""


@dataclass(frozen=True, slots=True)
class MartColumn:
    """A column: `code` names it in rows, CSV and JSON; `label` is what people read; `width` in characters.

    `figure`: how the id of the figure in it is made after `report:period/`, with {columns} of the row, or `@column` for an
    id that the view has; None: it is no figure of its own. `words`: what stored codes are called; the row keeps the code under
    `<code>_code`. `group`: a heading over several columns that belong together, "" for none.
    """

    code: str
    label: str
    kind: Kind = "text"
    width: int = 14
    figure: str | None = None
    words: Mapping[str, str] | None = None
    group: str = ""

    @property
    def is_number(self) -> bool:
        """True for kinds that are shown as numbers."""
        return self.kind in DECIMALS

    @property
    def decimals(self) -> int | None:
        """How many decimals to show; None: those of the value."""
        return DECIMALS.get(self.kind)


@dataclass(frozen=True, slots=True)
class Mart:
    """A table that the standing office reads. `view` is the view of schema mart behind it.

    `sort`: columns of the view, `-` before one for falling order; texts in Vietnamese order. `forms`: the forms whose coverage
    stands beside it; a report without any of them has no such mart. `form`: of a statutory table the form whose rows and columns
    it prints (its columns come from the declaration in force), `first_row` to `last_row` of it.
    """

    code: str
    title: str
    note: str
    view: str = ""
    columns: tuple[MartColumn, ...] = ()
    sort: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    form: str | None = None
    first_row: str = ""
    last_row: str = "~"


@dataclass(frozen=True, slots=True)
class MartTable:
    """A mart of one report and period, as of an instant (None: all that is known).

    `rows`: by column code, values as stored (numbers exact). `figures`: one mapping a row, column code → id of the figure there,
    for `trace`; a cell without a value has none. `not_applicable`: (place of the row, column code) of the structural zeros.
    `columns` may be more than the mart declares: those of a statutory table are its form's.
    """

    mart: Mart
    report: str
    period: str
    as_of: datetime | None
    title: str
    note: str
    columns: tuple[MartColumn, ...]
    rows: tuple[Mapping[str, Value], ...]
    figures: tuple[Mapping[str, str], ...]
    coverage: tuple[Coverage, ...] = ()
    not_applicable: frozenset[tuple[int, str]] = field(default_factory=frozenset)

    def as_json(self) -> dict[str, object]:
        """For machines: numbers as numbers, days and instants in ISO, the figure ids beside each row."""
        return {
            "mart": self.mart.code, "title": self.title, "note": self.note, "report": self.report, "period": self.period,
            "as_of": _plain(self.as_of),
            "columns": [{"code": c.code, "label": c.label, "kind": c.kind, "group": c.group} for c in self.columns],
            "coverage": [
                {"form": c.form, "accepted": c.accepted, "expected": c.expected, "beyond": c.beyond} for c in self.coverage
            ],
            "rows": [
                {**{c.code: _plain(row[c.code]) for c in self.columns}, "figures": dict(figures)}
                for row, figures in zip(self.rows, self.figures, strict=True)
            ],
        }  # fmt: skip


def _plain(value: Value) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.astimezone(TIMEZONE).isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else value
