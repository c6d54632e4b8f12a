"""Changes the shape of a planned sheet as a clerk does: rows and columns inserted, removed, copied. Pure.

Everything that has a position moves along (cells, places, merges, validations, heights, marks), so that the answer key
always knows where a value stands. It must not change a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from etl.forms.declaration import CellKey
from etl.templates.model import CellPlan, SheetPlan

Position = tuple[int, int]
_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(slots=True)
class MarkedSheet:
    """A sheet plan with named positions the form does not know (a title line, an added code cell)."""

    plan: SheetPlan
    marks: dict[str, Position] = field(default_factory=dict)

    def copy(self) -> MarkedSheet:
        """A copy whose cells can be changed without changing these."""
        cells = {position: copy_cell(cell) for position, cell in self.plan.cells.items()}
        plan = replace(
            self.plan,
            cells=cells,
            places=dict(self.plan.places),
            merges=list(self.plan.merges),
            widths=dict(self.plan.widths),
            heights=dict(self.plan.heights),
            validations=dict(self.plan.validations),
        )
        return MarkedSheet(plan, dict(self.marks))

    def position(self, at: CellKey | str) -> Position:
        """Zero-based (row, column) of a form's cell or a mark. Raises KeyError."""
        return self.plan.places[at] if isinstance(at, CellKey) else self.marks[at]

    def has(self, at: CellKey | str) -> bool:
        """Whether the sheet still has the form's cell or the mark."""
        return at in (self.plan.places if isinstance(at, CellKey) else self.marks)

    def mark(self, name: str, position: Position) -> str:
        """Gives a position a name, made unique on this sheet; returns it."""
        unique, number = name, 2
        while unique in self.marks:
            unique, number = f"{name} {number}", number + 1
        self.marks[unique] = position
        return unique

    @property
    def last_column(self) -> int:
        """The last column of the table: that of its last column code."""
        return max(column for row, column in self.plan.cells if row == self.plan.header_row)


def copy_cell(cell: CellPlan) -> CellPlan:
    """A copy of a cell. Spelt out: `dataclasses.replace` costs ten times as much, and drafts are copied for every fault."""
    return CellPlan(
        cell.value, cell.style, cell.number_format, cell.formula, cell.indent, cell.bold, cell.required
    )  # fmt: skip


def insert_row(sheet: MarkedSheet, at: int) -> None:
    """An empty row before row `at`; a table it touches or splits grows by it."""
    plan = sheet.plan
    _move_rows(sheet, lambda row: row if row < at else row + 1)
    plan.merges = [
        (top + (top >= at), left, bottom + (bottom >= at), right) for top, left, bottom, right in plan.merges
    ]
    if plan.first_row <= at <= plan.last_row + 1:
        plan.last_row += 1
    elif at < plan.first_row:
        plan.header_row, plan.first_row, plan.last_row = plan.header_row + 1, plan.first_row + 1, plan.last_row + 1


def delete_row(sheet: MarkedSheet, at: int) -> None:
    """Row `at` of the table goes, with what stands in it; rows below move up."""
    plan = sheet.plan
    _move_rows(sheet, lambda row: None if row == at else row - (row > at))
    plan.merges = [
        (top - (top > at), left, bottom - (bottom > at), right)
        for top, left, bottom, right in plan.merges
        if not top == bottom == at
    ]
    plan.last_row -= 1


def delete_column(sheet: MarkedSheet, at: int) -> None:
    """Column `at` goes; columns right of it move left. A merged line across the table becomes one column narrower."""
    plan = sheet.plan
    merges = []
    for top, left, bottom, right in plan.merges:
        if left == at < right and (top, left) in plan.cells:
            # The text of a merged block stands in its first cell: Excel keeps it when that column goes.
            plan.cells[top, left + 1] = plan.cells.pop((top, left))
        narrower = (top, left - (left > at), bottom, right - (right >= at))
        if narrower[1] < narrower[3]:
            merges.append(narrower)
    plan.merges = merges

    def move(position: Position) -> Position | None:
        row, column = position
        return None if column == at else (row, column - (column > at))

    _move(sheet, move)
    plan.widths = {column - (column > at): width for column, width in plan.widths.items() if column != at}


def copy_row(sheet: MarkedSheet, source: int, target: int) -> None:
    """Writes the cells of one row over another; places and marks stay where they are."""
    for (row, column), cell in list(sheet.plan.cells.items()):
        if row == source:
            sheet.plan.cells[target, column] = copy_cell(cell)
    if source in sheet.plan.heights:
        sheet.plan.heights[target] = sheet.plan.heights[source]


def _move_rows(sheet: MarkedSheet, move: Callable[[int], int | None]) -> None:
    def move_position(position: Position) -> Position | None:
        row = move(position[0])
        return None if row is None else (row, position[1])

    _move(sheet, move_position)
    sheet.plan.heights = _move_keys(sheet.plan.heights, move)


def _move(sheet: MarkedSheet, move: Callable[[Position], Position | None]) -> None:
    sheet.plan.cells = _move_keys(sheet.plan.cells, move)
    sheet.plan.validations = _move_keys(sheet.plan.validations, move)
    sheet.plan.places = _move_values(sheet.plan.places, move)
    sheet.marks = _move_values(sheet.marks, move)


def _move_keys(old: Mapping[_K, _V], move: Callable[[_K], _K | None]) -> dict[_K, _V]:
    return {new: value for key, value in old.items() if (new := move(key)) is not None}


def _move_values(old: Mapping[_K, _V], move: Callable[[_V], _V | None]) -> dict[_K, _V]:
    return {key: new for key, value in old.items() if (new := move(value)) is not None}
