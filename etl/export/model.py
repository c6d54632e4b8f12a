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
from etl.calendar.periods import Period, PeriodKind
from etl.text import capitalise, format_date, format_instant

Scalar = str | int | float | Decimal | date | datetime | None
"""A value to print. Numbers are shown with the decimals they have; instants are aware."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A figure that is made, wholly or in part, of estimates ("ước thực hiện"): stays a number, prints "1.234 (ước)"."""

    value: Scalar


Printed = Scalar | Marked

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
class Publication:
    """A frozen publication: its number among those of the period, the checksum of its figures, when and by whom."""

    number: int
    checksum: str
    published_at: datetime
    published_by: str = ""


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
    province: str = ""
    estimated_units: int = 0
    publication: Publication | None = None

    @property
    def window(self) -> str:
        """The period in words with its window: "Năm 2026 (từ 15/12/2025 đến 14/12/2026)"."""
        period = self.period
        if period.kind is PeriodKind.ONE_OFF:
            return period.label
        return f"{capitalise(period.label)} (từ {format_date(period.start)} đến {format_date(period.end)})"

    @property
    def as_of_line(self) -> str:
        """Of which instant the figures are."""
        return f"Số liệu tính đến {format_instant(self.as_of)}"

    @property
    def stamp(self) -> str:
        """What the foot of every page says, so that a printed sheet can be told from another version of itself."""
        if self.publication is None:
            return self.as_of_line
        return (
            f"{self.as_of_line} – công bố lần {self.publication.number}, mã kiểm tra {self.publication.checksum[:12]}"
        )


@dataclass(frozen=True, slots=True)
class OfficialColumn:
    """A column of a consolidated table: printed code, header and width in characters; `centered` for row codes."""

    code: str
    label: str
    width: float = 14.0
    centered: bool = False


@dataclass(frozen=True, slots=True)
class HeaderCell:
    """A cell of a header of several rows: from `column` (0 is the first) over so many columns and rows."""

    label: str
    column: int
    columns: int = 1
    rows: int = 1


@dataclass(frozen=True, slots=True)
class TitleBlock:
    """The head of a statutory table: its number, the instrument that issued it, who reports and who receives."""

    number: str
    issued: str
    reporter: str
    receiver: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class OfficialRow:
    """A row: one value a column; `level` indents the first text cell; a `heading` only names the rows under it."""

    cells: tuple[Printed, ...]
    level: int = 0
    bold: bool = False
    heading: bool = False


@dataclass(frozen=True, slots=True)
class OfficialTable:
    """One consolidated table on its own sheet. `stubs` columns from the left are words and codes, the rest figures.

    `header`: rows of a header that groups columns; empty for one row of the columns' labels. `block` prints the head and
    the signatures of a statutory table. `codes` False leaves out the row of column codes.
    """

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
    header: tuple[tuple[HeaderCell, ...], ...] = ()
    block: TitleBlock | None = None
    codes: bool = True

    def __post_init__(self) -> None:
        """Raises ValueError for a row whose cells are not one a column: a figure would stand under another's header."""
        for number, row in enumerate(self.rows, start=1):
            if len(row.cells) != len(self.columns):
                raise ValueError(
                    f"{self.sheet}: row {number} has {len(row.cells)} cells for {len(self.columns)} columns"
                )


@dataclass(frozen=True, slots=True)
class OfficialChart:
    """A chart with the small table it is drawn from: `series` are (name, one value a category). `percent` fixes the axis
    to 0–100. `kind`: column, bar (lying), stacked (lying bars on one another), line, doughnut."""

    title: str
    kind: Literal["column", "bar", "stacked", "line", "doughnut"]
    categories: tuple[str, ...]
    series: tuple[tuple[str, tuple[Scalar, ...]], ...]
    category_label: str = ""
    axis: str = ""
    note: str = ""
    percent: bool = False


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
    received_at: datetime | None = None
    sha256: str = ""
    left_out: str = ""
