"""Workbooks as a unit would send them, and what the rules say of them. Shared by the tests of rules and by the golden cases.

A workbook starts as the fill-in template with sound figures; a test changes the cells it is about. Must not know what a
rule expects: every expected finding is written in the test itself.
"""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path

from etl.examination import Delivery, Examined, Examiner
from etl.forms.declaration import FIELD_COLUMN, CellKey
from etl.reading.grid import Cell, CellKind, Sheet, Workbook, cell_name
from etl.sample.files import store_formula_errors
from etl.settings import PROJECT_ROOT, Settings
from etl.templates.from_register import plan_unit_workbook
from etl.templates.model import META_SHEET, CellPlan, Scalar, SheetPlan, WorkbookPlan
from etl.templates.write import DATE_FORMAT, DECIMAL_FORMAT, WHOLE_FORMAT, write_workbook
from etl.usecases.context import Knowledge
from etl.usecases.load import make_examiner
from tests.golden.sound_awards import fill_sound_awards
from tests.golden.sound_basics import fill_sound_basics
from tests.golden.sound_decisions import fill_sound_decisions

DEPARTMENT = "H14.SNV"
COMMUNE = "H14.X01290"
BLOC = "H14.KHOI01"
HALF_YEAR = "movements-half"
PERIOD = "2026-S1"
YEAR = "movements-year"
STATISTICS = "statistics-year"
YEAR_PERIOD = "2026-A1"
Place = tuple[int, int]

SOUND_AWARDS: Mapping[str, Mapping[str, int]] = {
    "2": {"02": 10, "03": 2, "04": 1, "05": 20, "07": 2, "08": 1, "09": 5, "10": 12, "11": 25, "12": 6},
    "3": {"05": 4, "09": 1, "10": 3, "11": 4},
    "4": {"02": 3, "03": 1, "11": 3},
    "5": {"05": 5, "10": 5, "16": 5},
    "6": {"02": 7, "11": 7},
}
"""F05 column -> row -> figure; rows 01 and column 1 follow, everything else is nought."""
SOUND_STRUCTURE: Mapping[str, float] = {
    "01": 20, "02": 8, "03": 40, "04": 12, "05": 60, "06": 9, "07": 11, "08": 2,
}  # fmt: skip
SOUND_RESULT: Mapping[str, float] = {"1": 200, "2": 50, "3": 60, "4": 25}
SOUND_ENVELOPE: Mapping[str, Scalar] = {
    "08": "Không", "09": "12/BC-SNV", "10": date(2026, 6, 15), "11": "Người ký", "12": "Giám đốc",
    "13": "Người lập biểu", "14": "0206 000 000", "15": "donvi@example.vn",
}  # fmt: skip


@lru_cache(maxsize=1)
def read_knowledge() -> Knowledge:
    """Forms, catalogue and the register of the sample province, with one reading child."""
    home = Path(tempfile.gettempdir()) / "movement-reports-tests"
    return Knowledge(Settings(home=home, register=PROJECT_ROOT / "register", landing=home.as_uri(), readers=1))


@lru_cache(maxsize=1)
def share_examiner() -> Examiner:
    """One examiner for the whole session: the library behind the rules takes seconds to load."""
    examiner = make_examiner(read_knowledge())
    atexit.register(examiner.__exit__)
    return examiner


@dataclass
class Sending:
    """A workbook on its way: its plan, the file's name, what the channel knows, or other bytes instead of a workbook."""

    plan: WorkbookPlan
    name: str = "bao-cao.xlsx"
    channel: Mapping[str, str] = field(default_factory=dict)
    data: bytes | None = None

    def put(
        self, form: str, row: str, column: str, value: Scalar, *, ordinal: int = 0, number_format: str | None = None,
        formula: str | None = None,
    ) -> Sending:  # fmt: skip
        """Write one value where the form has it; a formula whose value is `#…` is stored with that error."""
        sheet = self.plan.sheet_of(form)
        cell = sheet.cells[sheet.places[CellKey(form, row, column, ordinal)]]
        cell.value, cell.formula = value, formula
        if number_format is not None:
            cell.number_format = number_format
        return self

    def field(self, form: str, row: str, value: Scalar, number_format: str | None = None) -> Sending:
        """Write one value of a `fields` form."""
        return self.put(form, row, FIELD_COLUMN, value, number_format=number_format)

    def fill_awards(self, awards: Mapping[str, Mapping[str, int]]) -> Sending:
        """F05 from column -> row -> figure, with the totals that follow and noughts elsewhere."""
        sheet = self.plan.sheet_of("F05")
        for key in sheet.places:
            if sheet.cells[sheet.places[key]].style != "not_applicable":
                self.put(*key[:3], award_at(awards, key.row, key.column))
        return self

    def name_of(self, form: str) -> str:
        """The name of a form's sheet."""
        return self.plan.sheet_of(form).name

    def cell(self, form: str, row: str, column: str = FIELD_COLUMN, ordinal: int = 0) -> str:
        """A1 notation of a value's place."""
        return cell_name(*self.plan.sheet_of(form).places[CellKey(form, row, column, ordinal)])

    def to_bytes(self) -> bytes:
        """What is sent."""
        if self.data is not None:
            return self.data
        return store_formula_errors(write_workbook(self.plan), self.plan)


Edit = Callable[[Sending], object]
SOUND_FILLS: tuple[Edit, ...] = (fill_sound_awards, fill_sound_basics, fill_sound_decisions)
"""Sound figures of the other groups of forms; each is silent on forms that the workbook does not have."""


def award_at(awards: Mapping[str, Mapping[str, int]], row: str, column: str) -> int:
    """One figure of F05."""
    if column == "1":
        return sum(award_at(awards, row, part) for part in "2345")
    own = awards.get(column, {})
    if row == "01":
        return sum(own.get(part, 0) for part in ("02", "04", "05"))
    return own.get(row, 0)


def make_sending(*edits: Edit, unit: str = DEPARTMENT, report: str = HALF_YEAR, period: str = PERIOD) -> Sending:
    """A sound workbook of a unit, changed by the edits in order."""
    sending = Sending(_copy_plan(_plan_sound(unit, report, period)))
    for edit in edits:
        edit(sending)
    return sending


def _copy_plan(plan: WorkbookPlan) -> WorkbookPlan:
    """A plan that can be changed; what no edit changes in place is shared (a deep copy takes longer than a check)."""
    return WorkbookPlan([copy_sheet(sheet) for sheet in plan.sheets], dict(plan.metadata or {}), plan.names)


def copy_sheet(sheet: SheetPlan) -> SheetPlan:
    """A sheet with cells of its own."""
    cells = {place: copy(cell) for place, cell in sheet.cells.items()}
    return replace(
        sheet, cells=cells, places=dict(sheet.places), merges=list(sheet.merges), validations=dict(sheet.validations),
        widths=dict(sheet.widths), heights=dict(sheet.heights),
    )  # fmt: skip


@lru_cache(maxsize=16)
def _plan_sound(unit: str, report: str, period: str) -> WorkbookPlan:
    knowledge = read_knowledge()
    register = knowledge.register
    window = register.period(report, period)
    declared = register.unit_versions(unit)[-1]
    plan = plan_unit_workbook(register, knowledge.forms, report, period, declared)
    sending = Sending(plan)
    for row, answer in SOUND_ENVELOPE.items():
        sending.field("F00", row, answer)
    sending.field("F00", "10", date.fromordinal(window.end.toordinal() + 1))
    forms = {sheet.form for sheet in plan.sheets}
    if "F03" in forms:
        for key in [key for key in plan.sheet_of("F03").places if key.row and key.column in SOUND_RESULT]:
            sending.put(*key[:3], SOUND_RESULT[key.column])
    if "F05" in forms:
        sending.fill_awards(SOUND_AWARDS)
    if "F07" in forms:
        for row, number in SOUND_STRUCTURE.items():
            sending.field("F07", row, number)
    for fill in SOUND_FILLS:
        fill(sending)
    return plan


def rearrange(sheet: SheetPlan, move: Callable[[Place], Place | None]) -> None:
    """Every cell to another place; None drops it. Drop-downs and sizes go, they are only help at the keyboard."""

    def moved(places: Iterable[Place]) -> dict[Place, Place]:
        return {place: target for place in places if (target := move(place)) is not None}

    cells = moved(sheet.cells)
    sheet.cells = {target: sheet.cells[place] for place, target in cells.items()}
    sheet.places = {key: cells[place] for key, place in sheet.places.items() if place in cells}
    corners = [(move(merge[:2]), move(merge[2:])) for merge in sheet.merges]
    sheet.merges = [(*first, *last) for first, last in corners if first is not None and last is not None]
    sheet.validations, sheet.widths, sheet.heights, sheet.freeze = {}, {}, {}, None
    for name in ("header_row", "first_row", "last_row"):
        setattr(sheet, name, (move((getattr(sheet, name), 0)) or (getattr(sheet, name), 0))[0])


def shift(form: str, down: int = 0, right: int = 0) -> Edit:
    """An edit: the whole sheet of a form moved, as by inserting rows above and columns to the left."""
    return lambda sending: rearrange(sending.plan.sheet_of(form), lambda at: (at[0] + down, at[1] + right))


def drop_row(form: str, row: int) -> Edit:
    """An edit: one row of the sheet (zero-based) deleted, those below move up."""
    return lambda sending: rearrange(
        sending.plan.sheet_of(form), lambda at: None if at[0] == row else (at[0] - (at[0] > row), at[1])
    )


def drop_column(form: str, column: int) -> Edit:
    """An edit: one column of the sheet (zero-based) deleted, those right of it move left."""
    return lambda sending: rearrange(
        sending.plan.sheet_of(form), lambda at: None if at[1] == column else (at[0], at[1] - (at[1] > column))
    )


def insert_row(form: str, row: int) -> Edit:
    """An edit: an empty row before a row of the sheet (zero-based)."""
    return lambda sending: rearrange(sending.plan.sheet_of(form), lambda at: (at[0] + (at[0] >= row), at[1]))


def write(form: str, row: int, column: int, value: Scalar) -> Edit:
    """An edit: any cell of a form's sheet (zero-based), one outside of the table too."""

    def edit(sending: Sending) -> None:
        sending.plan.sheet_of(form).cells[row, column] = CellPlan(value)

    return edit


def drop_sheet(form: str) -> Edit:
    """An edit: a form's sheet deleted."""
    return lambda sending: sending.plan.sheets.remove(sending.plan.sheet_of(form))


def add_sheet(name: str, form: str | None = None, like: str | None = None) -> Edit:
    """An edit: one more sheet at the end, a copy of the form `like`, else with a line of text."""

    def edit(sending: Sending) -> None:
        if like is not None:
            copy = replace(copy_sheet(sending.plan.sheet_of(like)), name=name, form=form)
        else:
            copy = SheetPlan(name, cells={(0, 0): CellPlan("Ghi thêm")})
        sending.plan.sheets.append(copy)

    return edit


def hide(sheet: str) -> Edit:
    """An edit: a sheet hidden, named by its form or by its name."""

    def edit(sending: Sending) -> None:
        for plan in sending.plan.sheets:
            plan.hidden = plan.hidden or sheet in (plan.form, plan.name)

    return edit


def without_metadata(sending: Sending) -> None:
    """An edit: the hidden sheet is gone, as after copying the sheets into a new workbook."""
    sending.plan.metadata = None


def as_read(sending: Sending) -> Workbook:
    """The workbook as the reader gives it, without the detour over bytes (a test shows that both are one)."""
    sheets = [
        Sheet(
            sheet.name,
            not sheet.hidden,
            {place: found for place, cell in sheet.cells.items() if (found := _as_read_cell(cell)) is not None},
            tuple(sorted(sheet.merges)),
        )
        for sheet in sending.plan.sheets
    ]
    if sending.plan.metadata is not None:
        cells = {
            (row, column): Cell(CellKind.TEXT, text)
            for row, pair in enumerate(sending.plan.metadata.items())
            for column, text in enumerate(pair)
        }
        sheets.append(Sheet(META_SHEET, False, cells))
    return Workbook("xlsx", tuple(sheets))


def _as_read_cell(cell: CellPlan) -> Cell | None:
    match cell.value:
        case None | "":
            return None
        case str(text):
            return Cell(CellKind.TEXT, text)
        case date() as day:
            return Cell(CellKind.DATE, day.isoformat(), cell.number_format or DATE_FORMAT)
        case number:
            default = {"count": WHOLE_FORMAT, "decimal": DECIMAL_FORMAT}.get(cell.style)
            return Cell(CellKind.NUMBER, f"{number:g}", cell.number_format or default)


def examine(*sendings: Sending, examiner: Examiner | None = None) -> list[Examined]:
    """What the rules say of several files, checked together in one batch."""
    deliveries = [
        Delivery(place, sending.name, sending.to_bytes(), sending.channel) for place, sending in enumerate(sendings)
    ]
    return list((examiner or share_examiner()).examine(deliveries))


def codes(examined: Examined) -> list[str]:
    """The codes found, in the sender's reading order."""
    return [finding.code for finding in examined.findings]
