"""The plan of a workbook: every cell before it is written. Plain, changeable values; no xlsxwriter here.

`etl.templates.plan` makes a plan, `etl.templates.write` writes it. The synthetic province changes a plan (values,
faults) between the two, and knows from `SheetPlan.places` where each value stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal

from etl.forms.declaration import CellKey

Scalar = str | int | float | date | datetime | None
Style = Literal[
    "plain", "title", "caption", "caption_input", "header", "code", "stub", "row_code", "prefilled", "count", "decimal",
    "percent", "date", "text", "not_applicable", "note", "signature",
]  # fmt: skip

INPUT_STYLES: Final = frozenset({"caption_input", "count", "decimal", "percent", "date", "text"})
"""Styles of the cells a unit fills: the only ones that are not locked."""

META_SHEET: Final = "_meta"
LISTS_SHEET: Final = "_lists"
"""Hidden sheet for answers that do not fit into a drop-down's own text; made only when there are such."""
GUIDE_SHEET: Final = "Hướng dẫn"
SCHEMA: Final = "movement-reports/1"

END_MARK: Final = "Ghi chú:"
"""First cell of the first line under every table: what follows is never data."""
NOT_APPLICABLE: Final = "x"
OPTIONAL_NOTE: Final = "Biểu không bắt buộc: để trống nếu không có số liệu."


@dataclass(slots=True)
class CellPlan:
    """One cell: `number_format` overrides the style's; `formula` is written without a cached result when set.

    `indent` counts levels, `required` tints a cell that must be filled.
    """

    value: Scalar
    style: Style = "plain"
    number_format: str | None = None
    formula: str | None = None
    indent: int = 0
    bold: bool = False
    required: bool = False


@dataclass(slots=True)
class Validation:
    """A drop-down or a bound on a cell: `source` is a list of answers or a defined name; else a number or date bound.

    `minimum` None allows any number. `title` (up to 32 characters) and `message` (up to 255) are Vietnamese; they
    explain a refusal, and show beside the selected cell when `prompt` is set.
    """

    kind: Literal["list", "whole", "decimal", "date"]
    source: tuple[str, ...] | str | None = None
    minimum: float | date | None = None
    title: str = ""
    message: str = ""
    prompt: bool = True


@dataclass(slots=True)
class SheetPlan:
    """One sheet, zero-based (row, column) -> cell. `places` tells where the value of each CellKey stands.

    Spare rows of a list are the places with an empty row key, the ordinal counting them from 0.
    """

    name: str
    form: str | None = None
    hidden: bool = False
    cells: dict[tuple[int, int], CellPlan] = field(default_factory=dict)
    places: dict[CellKey, tuple[int, int]] = field(default_factory=dict)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)
    widths: dict[int, float] = field(default_factory=dict)
    heights: dict[int, float] = field(default_factory=dict)
    validations: dict[tuple[int, int], Validation] = field(default_factory=dict)
    freeze: tuple[int, int] | None = None
    header_row: int = 0
    """Row of the column codes."""
    first_row: int = 0
    last_row: int = 0
    """First and last row of the table's data."""
    footer: str = ""
    landscape: bool = True


@dataclass(slots=True)
class WorkbookPlan:
    """A workbook; `metadata` goes to the very hidden sheet `_meta` as key/value rows (None writes no such sheet).

    `names` are defined names: name -> reference such as `='_lists'!$A$1:$A$9`.
    """

    sheets: list[SheetPlan]
    metadata: dict[str, str] | None = None
    names: dict[str, str] = field(default_factory=dict)

    def sheet_of(self, form: str) -> SheetPlan:
        """The sheet of a form. Raises KeyError when the plan has none."""
        for sheet in self.sheets:
            if sheet.form == form:
                return sheet
        raise KeyError(form)

    def put(self, key: CellKey, value: Scalar) -> None:
        """Write a value where the form has it, keeping the cell's style."""
        sheet = self.sheet_of(key.form)
        sheet.cells[sheet.places[key]].value = value
