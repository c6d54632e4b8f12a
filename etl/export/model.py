"""What the official workbook is made from, as small frozen values that a use case fills.

It must know neither xlsxwriter nor the warehouse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from etl import labels
from etl.calendar.periods import Period
from etl.text import capitalise

Scalar = str | int | float | Decimal | date | datetime | None
"""A value to print. Numbers are shown with the decimals they have; instants are aware."""

Status = Literal["on_time", "late", "missing", "rejected", "pending", "exempt"]

STATUS_LABELS: Final[Mapping[str, str]] = {status: capitalise(label) for status, label in labels.STATUS_LABELS.items()}
"""States of an obligation (design §4) in the words of the standing office."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the units of a kind are in the figures."""

    label: str
    accepted: int
    expected: int

    @property
    def text(self) -> str:
        """ "52/56 xã, phường"."""
        return f"{self.accepted}/{self.expected} {self.label}"


@dataclass(frozen=True, slots=True)
class BoardCounts:
    """Units by state; `expected` leaves the exempt out."""

    expected: int
    on_time: int
    late: int
    missing: int
    rejected: int
    pending: int
    exempt: int


@dataclass(frozen=True, slots=True)
class Cover:
    """The first sheet. `as_of` is an aware instant; `completeness` and `timeliness` are fractions of 1, None where
    nothing is expected; `state` is the period's state in Vietnamese ("Đã phê duyệt")."""

    council: str
    standing_office: str
    title: str
    report: str
    report_name: str
    period: Period
    as_of: datetime
    state: str
    counts: BoardCounts
    completeness: float | None
    timeliness: float | None
    coverage: tuple[Coverage, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OfficialColumn:
    """A column of a consolidated table: printed code, header and width in characters; `centered` for row codes."""

    code: str
    label: str
    width: float = 14.0
    centered: bool = False


@dataclass(frozen=True, slots=True)
class OfficialRow:
    """A row: one value a column; `level` indents the first text cell."""

    cells: tuple[Scalar, ...]
    level: int = 0
    bold: bool = False


@dataclass(frozen=True, slots=True)
class OfficialTable:
    """One consolidated table on its own sheet. `stubs` columns from the left are words and codes, the rest figures."""

    sheet: str
    title: str
    instrument: str
    unit_note: str
    columns: tuple[OfficialColumn, ...]
    rows: tuple[OfficialRow, ...]
    coverage_note: str = ""
    notes: tuple[str, ...] = ()
    footer: str = ""
    stubs: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for a row whose cells are not one a column: a figure would stand under another's header."""
        for number, row in enumerate(self.rows, start=1):
            if len(row.cells) != len(self.columns):
                raise ValueError(
                    f"{self.sheet}: row {number} has {len(row.cells)} cells for {len(self.columns)} columns"
                )


@dataclass(frozen=True, slots=True)
class BoardLine:
    """One obligation on the sheet of who sent what. `due_at` and `accepted_at` are aware instants, `days_late` working
    days, `remark` for instance the reason of an exemption."""

    unit: str
    name: str
    unit_type: str
    status: Status
    due_at: datetime | None
    accepted_at: datetime | None
    days_late: int | None
    attempts: int
    remark: str = ""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One contribution to one figure: the cell of the sender's file, what stood there (`raw`) and what was counted."""

    figure: str
    unit: str
    unit_name: str
    sheet: str
    cell: str
    raw: str
    value: Scalar
    file: str = ""
