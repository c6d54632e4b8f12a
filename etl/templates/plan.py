"""Plans a fill-in workbook from form declarations: what stands in which cell, for one unit or for nobody in particular.

Pure. It must not know any form by its code, nor look anything up: `etl.templates.from_register` gathers the facts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final, Protocol

from etl.calendar.periods import Period, PeriodKind
from etl.forms.declaration import FIELD_COLUMN, LIST_KEY_SEPARATOR, CellKey, Column, FormVersion, Kind, Value, ValueType
from etl.templates.bounds import bound_for, move_long_lists
from etl.templates.guide import GuideFacts, plan_guide
from etl.templates.layout import LINE_HEIGHT, fit_height
from etl.templates.model import (
    END_MARK,
    NOT_APPLICABLE,
    OPTIONAL_NOTE,
    SCHEMA,
    CellPlan,
    Scalar,
    SheetPlan,
    Style,
    WorkbookPlan,
)
from etl.text import format_date

DATE_FORMAT: Final = "dd/mm/yyyy"
FIELD_WIDTHS: Final = (8.0, 52.0, 14.0, 46.0)
NARRATIVE_WIDTHS: Final = (8.0, 40.0, 10.0, 90.0)
"""Of a form that asks for whole paragraphs."""
PORTRAIT_WIDTH: Final = 110.0
"""Widths of columns, in characters, that a page can hold upright without its letters becoming small."""
MATRIX_STUB_WIDTHS: Final = (50.0, 8.0)
NARRATIVE_HEIGHT: Final = 8 * LINE_HEIGHT
_STYLES: Final[Mapping[ValueType, Style]] = {
    ValueType.COUNT: "count",
    ValueType.DECIMAL: "decimal",
    ValueType.MONEY: "decimal",
    ValueType.PERCENT: "percent",
    ValueType.DATE: "date",
}
_DEFAULTS: Final = frozenset({"not_estimate"})
"""Prefills that are a first guess: the unit may change them, so they are not locked."""


class Named(Protocol):
    """A unit or report of the register."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...


class Issuer(Protocol):
    """Who issues the workbook: the register's province."""

    @property
    def council(self) -> str: ...
    @property
    def standing_office(self) -> str: ...


@dataclass(frozen=True, slots=True)
class MovementRow:
    """A row to prefill in lists: one indicator of one movement. Field names are the names `prefill` may use."""

    movement: str
    movement_name: str
    indicator: str
    indicator_name: str
    indicator_unit: str


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A row to prefill in the lists of a bloc: one of its members. Field names are the names `prefill` may use."""

    member: str
    member_name: str


_MOVEMENT_PREFILLS: Final = frozenset(item.name for item in fields(MovementRow))
_MEMBER_PREFILLS: Final = frozenset(item.name for item in fields(MemberRow))
_ROW_PREFILLS: Final = _MOVEMENT_PREFILLS | _MEMBER_PREFILLS


def plan_workbook(
    *,
    unit: Named | None,
    report: Named,
    period: Period,
    form_versions: Mapping[str, FormVersion],
    issuer: Issuer,
    movement_rows: Sequence[MovementRow] = (),
    member_rows: Sequence[MemberRow] = (),
    optional: Collection[str] = (),
    due_at: datetime | None = None,
    contact: str = "",
) -> WorkbookPlan:
    """The workbook of one report and period: instructions, one sheet a form in the given order, hidden metadata.

    `optional` are the forms that may stay empty; their notes say so.

    `unit` None plans a blank template whose unit cells are empty and open. `due_at` is an aware instant; `contact`
    is a line such as "điện thoại …" for the instructions. Raises ValueError for a `prefill` nobody knows.
    """
    prefills: dict[str, Scalar] = {
        "unit": unit.code if unit else None,
        "unit_name": unit.name if unit else None,
        "report": report.code,
        "clock": period.clock.value,
        "period": period.code,
        "period_start": period.start,
        "period_end": period.end,
        "not_estimate": "Không",
    }
    facts = GuideFacts(report.name, unit.name if unit else None, period, issuer.standing_office, contact, due_at)
    metadata = {"schema": SCHEMA, "report": report.code, "period": period.code}
    if unit is not None:
        metadata["unit"] = unit.code
    plan = WorkbookPlan([plan_guide(facts, form_versions)], metadata)
    for code, version in form_versions.items():
        table = _Table(code, version, prefills, movement_rows, member_rows, code in optional)
        plan.sheets.append(table.plan(issuer.council, unit.name if unit else "", period))
        metadata[f"form:{code}"] = f"{version.sheet}|{version.version}"
    lists, plan.names = move_long_lists(plan.sheets)
    if lists is not None:
        plan.sheets.append(lists)
    return plan


class _Table:
    """Plans the sheet of one form from top to bottom."""

    def __init__(
        self,
        code: str,
        version: FormVersion,
        prefills: Mapping[str, Scalar],
        movement_rows: Sequence[MovementRow],
        member_rows: Sequence[MemberRow],
        optional: bool,
    ) -> None:
        self.code = code
        self.version = version
        self.prefills = prefills
        self.movement_rows = movement_rows
        self.member_rows = member_rows
        self.optional = optional
        self.sheet = SheetPlan(version.sheet, code, footer=f"Biểu {code} – phiên bản {version.version}")
        self.row = 0
        own = tuple(float(column.width) for column in version.columns)
        narrative = any(declared.multiline for declared in version.fields)
        stubs = {
            Kind.FIELDS: NARRATIVE_WIDTHS if narrative else FIELD_WIDTHS,
            Kind.MATRIX: MATRIX_STUB_WIDTHS,
            Kind.LIST: (),
        }
        self.widths = (*stubs[version.kind], *own)
        self.sheet.widths = dict(enumerate(self.widths))
        # A narrow table on a wide sheet runs over to a second page.
        self.sheet.landscape = version.kind is not Kind.FIELDS and sum(self.widths) > PORTRAIT_WIDTH
        self.last_column = len(self.widths) - 1

    def plan(self, council: str, unit_name: str, period: Period) -> SheetPlan:
        self._head(council, unit_name, period)
        self._header_rows()
        self.sheet.first_row = self.row
        match self.version.kind:
            case Kind.FIELDS:
                self._fields()
            case Kind.MATRIX:
                self._matrix()
            case Kind.LIST:
                self._list()
        self.sheet.last_row = self.row - 1
        self.row += 1
        self._foot()
        return self.sheet

    # -- above the table

    def _head(self, council: str, unit_name: str, period: Period) -> None:
        window = f"{period.label} (từ {format_date(period.start)} đến {format_date(period.end)})"
        self._line(council.upper(), "caption", bold=True)
        self._line(f"BIỂU {self.code} – {self.version.title}", "title", line_height=20.0)
        self._line(f"Đơn vị báo cáo: {unit_name}".rstrip(), "caption" if unit_name else "caption_input")
        # The label of a one-off period already is its window.
        self._line(f"Kỳ báo cáo: {period.label if period.kind is PeriodKind.ONE_OFF else window}", "caption")
        unit_note = f". Đơn vị tính: {_lower_first(self.version.unit_note)}" if self.version.unit_note else ""
        self._line(f"Căn cứ: {self.version.instrument}{unit_note}", "caption")
        self.row += 1

    def _header_rows(self) -> None:
        printed = self.version.printed_columns
        for column, (code, label) in enumerate(printed):
            self._put(self.row, column, CellPlan(label, "header"))
            self._put(self.row + 1, column, CellPlan(code, "code"))
        self.sheet.heights[self.row] = fit_height(
            (label, self.widths[column], True) for column, (_, label) in enumerate(printed)
        )
        self.sheet.header_row = self.row + 1
        self.sheet.freeze = (self.row + 2, 0)
        self.row += 2

    # -- the three shapes

    def _fields(self) -> None:
        for declared in self.version.fields:
            self._put(self.row, 0, CellPlan(declared.code, "row_code"))
            self._put(self.row, 1, CellPlan(declared.label, "stub"))
            self._put(self.row, 2, CellPlan(declared.unit, "stub"))
            value = self._value(declared, declared.required)
            self._place(CellKey(self.code, declared.code, FIELD_COLUMN), 3, value, declared)
            self._fit_row(NARRATIVE_HEIGHT if declared.multiline else 0.0)

    def _matrix(self) -> None:
        stub = len(MATRIX_STUB_WIDTHS)
        levelled = any(row.level for row in self.version.rows)
        for row in self.version.rows:
            bold = levelled and row.level == 0
            self._put(self.row, 0, CellPlan(row.label, "stub", indent=row.level, bold=bold))
            self._put(self.row, 1, CellPlan(row.code, "row_code", bold=bold))
            for column, declared in enumerate(self.version.columns, start=stub):
                pair = (row.code, declared.code)
                if pair in self.version.not_applicable_cells:
                    cell = CellPlan(NOT_APPLICABLE, "not_applicable")
                else:
                    required = row.required or declared.required or pair in self.version.required_pairs
                    cell = self._value(declared, required)
                    cell.bold = bold or declared.total
                self._place(CellKey(self.code, *pair), column, cell, declared, prompt=False)
            self._fit_row()

    def _list(self) -> None:
        counted: Counter[str] = Counter()
        open_list = self.version.rows_from == "open"
        least = NARRATIVE_HEIGHT if any(declared.multiline for declared in self.version.columns) else 0.0
        for values in self._list_rows():
            # Nor is a line of an open list required: how many there are is for the unit to say.
            keys = [str(values.get(column.code) or "") for column in self.version.key_columns]
            row_key = LIST_KEY_SEPARATOR.join(keys) if any(keys) else ""
            for column, declared in enumerate(self.version.columns):
                value, style = values.get(declared.code), _STYLES.get(declared.type, "text")
                # Spare rows may stay empty, so nothing in them is marked as required.
                blank = CellPlan(None, style, required=bool(values) and declared.required and not open_list)
                cell = blank if value is None else _prefilled(value)
                self._place(CellKey(self.code, row_key, declared.code, counted[row_key]), column, cell, declared)
            counted[row_key] += 1
            self._fit_row(least)

    def _list_rows(self) -> list[dict[str, Scalar]]:
        """Column code -> value of every row: the prefilled rows, each once, then the spare ones (empty)."""
        if self.version.rows_from == "open":
            number = self.version.key_columns[0].code
            return [{number: str(line)} for line in range(1, self.version.open_rows + 1)]
        by_row = [c for c in self.version.columns if c.prefill in _ROW_PREFILLS]
        of_members = any(c.prefill in _MEMBER_PREFILLS for c in by_row)
        sources: Sequence[MovementRow | MemberRow] = self.member_rows if of_members else self.movement_rows
        always = {c.code: self._prefill(c) for c in self.version.columns if c.prefill and c not in by_row}
        rows: dict[tuple[Scalar, ...], dict[str, Scalar]] = {}
        if by_row:
            for source in sources:
                own = {c.code: getattr(source, str(c.prefill)) for c in by_row}
                # A list of movements alone would repeat a movement for each of its indicators.
                rows.setdefault(tuple(own.values()), own | always)
        return [*rows.values(), *({} for _ in range(self.version.open_rows))]

    # -- under the table

    def _foot(self) -> None:
        notes = self.version.notes or ("Chỉ nhập vào ô nền trắng và ô nền vàng nhạt.",)
        if self.optional:
            notes = (OPTIONAL_NOTE, *notes)
        self._line(END_MARK, "note", bold=True)
        for note in notes:
            self._line(f"– {note}", "note")
        self.row += 1
        half, split = sum(self.widths) / 2, 1
        while split < self.last_column and sum(self.widths[:split]) < half:
            split += 1
        for left, right, bold in (
            ("", "…………, ngày …… tháng …… năm ………", False),
            ("NGƯỜI LẬP BIỂU", "THỦ TRƯỞNG ĐƠN VỊ", True),
            ("(Ký, ghi rõ họ tên)", "(Ký, đóng dấu, ghi rõ họ tên)", False),
        ):
            self._block(left, 0, split - 1, bold)
            self._block(right, split, self.last_column, bold)
            self.row += 1

    # -- cells

    def _value(self, declared: Value, required: bool) -> CellPlan:
        style = _STYLES.get(declared.type, "text")
        if declared.prefill is None or declared.prefill in _ROW_PREFILLS:
            return CellPlan(None, style, required=required)
        value = self._prefill(declared)
        if value is None or declared.prefill in _DEFAULTS:
            return CellPlan(value, style, required=required)
        return _prefilled(value)

    def _prefill(self, declared: Value) -> Scalar:
        if declared.prefill is None or declared.prefill not in self.prefills:
            raise ValueError(f"{self.code} {declared.code}: no prefill is named {declared.prefill!r}")
        value = self.prefills[declared.prefill]
        # A choice is stored as a code and printed in words.
        return next((choice.labels[0] for choice in declared.choices if choice.value == value), value)

    def _place(
        self, key: CellKey, column: int, cell: CellPlan, declared: Value | Column, *, prompt: bool = True
    ) -> None:
        self._put(self.row, column, cell)
        self.sheet.places[key] = (self.row, column)
        # A prompt beside every cell of a matrix would hide its neighbours.
        bound = bound_for(declared, prompt=prompt) if cell.style not in ("prefilled", "not_applicable") else None
        if bound is not None:
            self.sheet.validations[self.row, column] = bound

    def _put(self, row: int, column: int, cell: CellPlan) -> None:
        self.sheet.cells[row, column] = cell

    def _line(self, text: str, style: Style, *, bold: bool = False, line_height: float = 15.5) -> None:
        """A line across the whole table, in its own row."""
        self._put(self.row, 0, CellPlan(text, style, bold=bold))
        if self.last_column:
            self.sheet.merges.append((self.row, 0, self.row, self.last_column))
        self.sheet.heights[self.row] = fit_height([(text, sum(self.widths), bold)], line_height=line_height)
        self.row += 1

    def _block(self, text: str, first: int, last: int, bold: bool) -> None:
        if not text:
            return
        self._put(self.row, first, CellPlan(text, "signature", bold=bold))
        if last > first:
            self.sheet.merges.append((self.row, first, self.row, last))

    def _fit_row(self, least: float = 0.0) -> None:
        """Sets the height of the current row by its texts, at least so many points, and goes on to the next."""
        cells = ((column, self.sheet.cells[self.row, column]) for column in range(self.last_column + 1))
        height = fit_height(
            (cell.value, self.widths[column] - 2 * cell.indent, cell.bold)
            for column, cell in cells
            if isinstance(cell.value, str)
        )
        self.sheet.heights[self.row] = max(height, least)
        self.row += 1


def _prefilled(value: Scalar) -> CellPlan:
    return CellPlan(value, "prefilled", None if isinstance(value, str | int | float) else DATE_FORMAT)


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
