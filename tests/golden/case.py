"""What a golden case is, apart from the list of them, so that each group of forms can keep its own cases in its own file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tests.golden.sender import DEPARTMENT, HALF_YEAR, PERIOD, Edit


@dataclass(frozen=True, slots=True)
class Case:
    """A golden case: its folder, what is changed in a sound workbook, whose figures `observations.csv` holds."""

    folder: str
    forms: Sequence[str]
    edits: Sequence[Edit]
    unit: str = DEPARTMENT
    report: str = HALF_YEAR
    period: str = PERIOD
    file: str = "input.xlsx"


def put(form: str, row: str, column: str, value: str | int | float | date | None, formula: str | None = None) -> Edit:
    """An edit: one value."""
    return lambda sending: sending.put(form, row, column, value, formula=formula)
