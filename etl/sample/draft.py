"""One submission in the making: planned workbook, planted answers, and what they must give. Pure.

A draft is filled with true figures (`etl.sample.fill`), changed by faults (`etl.sample.faults_*`), and asked at the end
for its findings. It must not judge values itself: `etl.sample.judges` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from etl.calendar.periods import Period
from etl.forms.declaration import CellKey, FormVersion
from etl.register.entities import FormStatus
from etl.register.model import Register, Report, Unit
from etl.sample.answers import Answer
from etl.sample.judge_noughts import CODE as NOUGHTS
from etl.sample.judge_noughts import judge_noughts
from etl.sample.judges import judge
from etl.sample.oracle import Truth
from etl.sample.sheets import MarkedSheet, Position
from etl.templates.model import CellPlan, WorkbookPlan

FilePayload = Literal["empty", "truncated", "encrypted", "pdf", "html", "no_form"]


class NoRoom(Exception):
    """A fault does not fit into this draft; nothing was changed that the caller keeps."""


class Spot(NamedTuple):
    """Where a finding points: a sheet by its handle (form code or own name) and a cell by key or mark; None = whole."""

    sheet: str | None
    at: CellKey | str | None


class Planted(NamedTuple):
    """A finding a draft must give."""

    code: str
    spot: Spot


@dataclass(frozen=True)
class Setting:
    """What a draft is about; the same for every attempt of a unit."""

    register: Register
    report: Report
    period: Period
    unit: Unit


@dataclass
class Draft:
    """A submission before it is written. `answers` are the cells rules may see, `layouts` the forms that are present.

    `planted` are the findings of the workbook's shape and of who sent it; `quarantined`: nobody's submission.
    """

    setting: Setting
    workbook: WorkbookPlan
    sheets: dict[str, MarkedSheet]
    layouts: dict[str, FormVersion]
    truth: Truth
    answers: dict[CellKey, Answer] = field(default_factory=dict)
    planted: list[Planted] = field(default_factory=list)
    touched: set[object] = field(default_factory=set)
    payload: FilePayload | None = None
    quarantined: bool = False
    named_unit: str | None = None
    named_report: str | None = None
    named_period: str | None = None
    """What the file name says, where it is not the truth."""
    suffix: str = ".xlsx"

    def file_stem(self, attempt: int) -> str:
        """`<unit>_<report>_<period>_<attempt>`."""
        setting = self.setting
        return "_".join(
            (
                self.named_unit or setting.unit.code,
                self.named_report or setting.report.code,
                self.named_period or setting.period.code,
                str(attempt),
            )
        )

    def copy(self) -> Draft:
        """A draft that can be changed without changing this one."""
        sheets = {handle: sheet.copy() for handle, sheet in self.sheets.items()}
        old_handles = {id(sheet.plan): handle for handle, sheet in self.sheets.items()}
        plans = [
            sheets[old_handles[id(plan)]].plan if id(plan) in old_handles else plan for plan in self.workbook.sheets
        ]
        metadata = None if self.workbook.metadata is None else dict(self.workbook.metadata)
        return replace(
            self,
            workbook=replace(self.workbook, sheets=plans, metadata=metadata),
            sheets=sheets,
            layouts=dict(self.layouts),
            answers=dict(self.answers),
            planted=list(self.planted),
            touched=set(self.touched),
        )

    def write(self, key: CellKey, answer: Answer) -> None:
        """Plants an answer in its cell, keeping the cell's style."""
        cell = self.cell(key)
        cell.value, cell.formula = answer.written, answer.formula
        if answer.number_format is not None or cell.style not in ("prefilled", "date"):
            cell.number_format = answer.number_format
        self.answers[key] = answer

    def cell(self, key: CellKey) -> CellPlan:
        """The planned cell of a key. Raises KeyError when the sheet or the cell is gone."""
        sheet = self.sheets[key.form]
        return sheet.plan.cells[sheet.plan.places[key]]

    def plant(self, code: str, sheet: str | None = None, at: CellKey | str | None = None) -> Planted:
        """Records a finding of the shape or the sender."""
        found = Planted(code, Spot(sheet, at))
        self.planted.append(found)
        return found

    def claim(self, *territory: object) -> None:
        """Keeps later faults off these cells, rows or sheets. Raises NoRoom when one is already taken."""
        if any(item in self.touched for item in territory):
            raise NoRoom
        self.touched.update(territory)

    def forget(self, keep: Callable[[CellKey], bool]) -> None:
        """Takes answers out of the rules' sight: those `keep` refuses."""
        self.answers = {key: answer for key, answer in self.answers.items() if keep(key)}

    def drop_sheet(self, code: str) -> None:
        """Removes a sheet with its answers."""
        gone = self.sheets.pop(code)
        self.workbook.sheets = [plan for plan in self.workbook.sheets if plan is not gone.plan]
        self.layouts.pop(code, None)
        self.forget(lambda key: key.form != code)

    def findings(self) -> list[Planted]:
        """Everything the file must give, consequences included; in no particular order."""
        if self.payload is not None:
            return list(self.planted)
        judged = judge(self.answers, self.layouts, self.truth)
        owed = self.setting.report.forms_for(self.setting.unit.type)
        mandatory = frozenset(form for form, status in owed.items() if status is FormStatus.MANDATORY)
        empty = judge_noughts(self.answers, self.layouts, self.truth, mandatory)
        return [
            *self.planted,
            *(Planted(code, Spot(key.form, key)) for code, key in judged),
            *(Planted(NOUGHTS, Spot(form, None)) for form in empty),
        ]

    def has(self, spot: Spot) -> bool:
        """Whether the workbook still has the spot: a removed column takes its cells with it."""
        if spot.sheet is None:
            return True
        return spot.sheet in self.sheets and (spot.at is None or self.sheets[spot.sheet].has(spot.at))

    def locate(self, spot: Spot) -> tuple[str | None, Position | None]:
        """Sheet name and zero-based position of a spot in the workbook as it now stands."""
        if spot.sheet is None:
            return None, None
        sheet = self.sheets[spot.sheet]
        return sheet.plan.name, None if spot.at is None else sheet.position(spot.at)


def holds(draft: Draft, expected: list[Planted]) -> bool:
    """Whether the draft still gives every expected finding, each as often as expected and at a cell that is there."""
    found = draft.findings()
    return Counter(expected) <= Counter(found) and all(draft.has(item.spot) for item in found)
