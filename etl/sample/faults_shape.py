"""Faults of sheets, rows and columns: what goes missing, is doubled, is added or loses its code. Pure.

Rows that no rule may see lose their answers; what the checker must say of them instead is planted here.
"""

from __future__ import annotations

from random import Random

from etl.forms.declaration import CellKey, FormVersion, Kind
from etl.forms.library import read_forms
from etl.sample.draft import Draft, NoRoom, Planted
from etl.sample.faults_model import FaultKind, choose, claim_row
from etl.sample.fill import fill_awards, is_mandatory, mark_titles
from etl.sample.sheets import MarkedSheet, copy_cell, copy_row, delete_column, delete_row, insert_row
from etl.templates.model import CellPlan, SheetPlan
from etl.templates.plan import plan_workbook

_EXTRA_SHEETS = ("Sheet1", "Phụ lục", "Ghi chép", "Danh sách gửi")
_EXTRA_COLUMNS = ("Ước cả năm", "Người theo dõi", "So với cùng kỳ", "Đánh giá")
_CODED = (Kind.FIELDS, Kind.MATRIX)


# -- sheets


def _plant_form_missing(draft: Draft, rng: Random) -> Planted:
    setting = draft.setting
    forms = [form for form in draft.layouts if is_mandatory(setting.report, setting.unit.type, form)]
    form = choose(rng, [form for form in forms if not is_touched(draft, form)])
    draft.claim(("sheet", form))
    draft.drop_sheet(form)
    return draft.plant("FORM-MISSING")


def _plant_form_twice(draft: Draft, rng: Random) -> Planted:
    """A copy of a clean sheet, as Excel names copies."""
    form = choose(rng, [form for form in draft.layouts if form != "F00" and not is_touched(draft, form)])
    draft.claim(("sheet", form))
    copy = draft.sheets[form].copy()
    copy.plan.name = f"{copy.plan.name[:27]} (2)"
    _add_sheet(draft, copy)
    return draft.plant("FORM-DUPLICATE", copy.plan.name)


def _plant_codes_lost(draft: Draft, rng: Random) -> Planted:
    """The row of column codes cleared: headings and row labels still tell what each cell is."""
    form = choose(rng, [form for form in draft.layouts if form != "F00" and not is_touched(draft, form)])
    # Whatever else went missing there, the labels might no longer be enough.
    draft.claim(("sheet", form), ("beside", form), *(key for key in draft.answers if key.form == form))
    plan = draft.sheets[form].plan
    for (row, _), cell in plan.cells.items():
        if row == plan.header_row:
            cell.value = None
    return draft.plant("FORM-LEGACY-LAYOUT", form)


def _plant_headings_lost(draft: Draft, rng: Random) -> Planted:
    """Column codes and headings cleared: the sheet keeps its name, but nobody can tell its columns apart."""
    form = choose(rng, [form for form in draft.layouts if form != "F00" and not is_touched(draft, form)])
    draft.claim(("sheet", form))
    plan = draft.sheets[form].plan
    for (row, _), cell in plan.cells.items():
        if plan.header_row - 1 <= row <= plan.header_row:
            cell.value = None
    draft.layouts.pop(form)
    draft.forget(lambda key: key.form != form)
    return draft.plant("FORM-NO-TABLE", form)


def _plant_sheet_unknown(draft: Draft, rng: Random) -> Planted:
    taken = {plan.name for plan in draft.workbook.sheets}
    name = choose(rng, [name for name in _EXTRA_SHEETS if name not in taken])
    texts = ("Việc cần làm", "Gọi lại các chi hội", "Đối chiếu với phòng Kế toán")
    _add_sheet(draft, MarkedSheet(SheetPlan(name, cells={(row, 0): CellPlan(text) for row, text in enumerate(texts)})))
    return draft.plant("SHEET-UNKNOWN", name)


def _plant_form_not_owed(draft: Draft, rng: Random) -> Planted:
    """A form of the library that this report does not ask of this unit, filled in all the same."""
    setting = draft.setting
    owed = setting.report.forms_for(setting.unit.type)
    forms = read_forms()
    form = choose(rng, [code for code in ("F05", "F07") if code not in owed and code in forms])
    draft.claim(("sheet", form))
    layout = forms[form].version_on(setting.period.end)
    plan = plan_workbook(
        unit=setting.unit,
        report=setting.report,
        period=setting.period,
        form_versions={form: layout},
        issuer=setting.register.province,
    )
    sheet = mark_titles(MarkedSheet(plan.sheet_of(form)))
    # Filled through a draft of its own: its figures must not meet the rules of the others.
    own = Draft(setting, plan, {form: sheet}, {form: layout}, draft.truth)
    fill_awards(own, rng)
    _add_sheet(draft, sheet)
    return draft.plant("FORM-NOT-OWED", sheet.plan.name)


def _add_sheet(draft: Draft, sheet: MarkedSheet) -> None:
    draft.sheets[sheet.plan.name] = sheet
    draft.workbook.sheets = [*draft.workbook.sheets, sheet.plan]


# -- columns


def _plant_column_missing(draft: Draft, rng: Random) -> Planted:
    # Without its values the envelope would say nothing of the sender: that is a fault of its own.
    columns = [(form, code) for form in _tables(draft) for code in _removable(draft.layouts[form])]
    form, code = choose(rng, columns)
    gone = sum(isinstance(item, tuple) and item[0] == "column" and item[-1] == form for item in draft.touched)
    if 4 * (gone + 1) > len(draft.layouts[form].printed_columns):  # what is left could not be told for that table
        raise NoRoom
    # Columns of names and notes hold no answers: the column itself is claimed too.
    cells = [key for key in draft.answers if key.form == form and key.column == code]
    draft.claim(("column", code, form), *cells)
    sheet = draft.sheets[form]
    if _count_columns(sheet, code) > 1:  # its double would take its place, and nothing would be missing
        raise NoRoom
    delete_column(sheet, _find_column(sheet, code))
    draft.forget(lambda key: not (key.form == form and key.column == code))
    return draft.plant("COLUMN-MISSING", form)


def _tables(draft: Draft) -> list[str]:
    """The forms that are present, but the envelope, in order of their codes."""
    return sorted(form for form in draft.layouts if form != "F00")


def _removable(layout: FormVersion) -> list[str]:
    """Columns that hold answers; without a key column a list would have no rows at all."""
    return ["1"] if layout.kind is Kind.FIELDS else [column.code for column in layout.columns if not column.key]


def _plant_column_unknown(draft: Draft, rng: Random) -> Planted:
    form = choose(rng, sorted(draft.layouts))
    draft.claim(("beside", form))
    sheet = draft.sheets[form]
    column = sheet.last_column + 1
    header = (sheet.plan.header_row - 1, column)
    sheet.plan.cells[header] = CellPlan(rng.choice(_EXTRA_COLUMNS), "header")
    for row in range(sheet.plan.first_row, sheet.plan.first_row + 3):
        sheet.plan.cells[row, column] = CellPlan(rng.choice(("có", "chưa", None)), "text")
    return draft.plant("COLUMN-UNKNOWN", form, sheet.mark("unknown column", header))


def _plant_column_twice(draft: Draft, rng: Random) -> Planted:
    form = choose(rng, [form for form in _tables(draft) if draft.layouts[form].kind is not Kind.FIELDS])
    draft.claim(("beside", form))
    sheet = draft.sheets[form]
    present = [code for code in _removable(draft.layouts[form]) if _count_columns(sheet, code)]
    source, target = _find_column(sheet, choose(rng, present)), sheet.last_column + 1
    for (row, column), cell in list(sheet.plan.cells.items()):
        if column == source and sheet.plan.header_row - 1 <= row <= sheet.plan.last_row:
            copied = copy_cell(cell)
            copied.formula = None
            sheet.plan.cells[row, target] = copied
    return draft.plant("COLUMN-DUPLICATE", form, sheet.mark("second column", (sheet.plan.header_row, target)))


def _find_column(sheet: MarkedSheet, code: str) -> int:
    plan = sheet.plan
    found = [column for (row, column), cell in plan.cells.items() if row == plan.header_row and cell.value == code]
    if not found:
        raise NoRoom
    return min(found)


def _count_columns(sheet: MarkedSheet, code: str) -> int:
    header = sheet.plan.header_row
    return sum(row == header and cell.value == code for (row, _), cell in sheet.plan.cells.items())


# -- coded rows


def _choose_coded_row(draft: Draft, rng: Random) -> tuple[str, str, tuple[int, int]]:
    """(form, row code, position of the code cell) of a row no fault has touched; taken for the caller."""
    rows = sorted(
        {
            (key.form, key.row)
            for key in draft.answers
            if draft.layouts[key.form].kind in _CODED and not _is_row_touched(draft, key)
        }
    )
    form, row = choose(rng, rows)
    sheet = draft.sheets[form]
    place = next(place for key, place in sheet.plan.places.items() if key.row == row)
    claim_row(draft, form, row)
    return form, row, (place[0], _code_column(draft, form))


def _code_column(draft: Draft, form: str) -> int:
    return 0 if draft.layouts[form].kind is Kind.FIELDS else 1


def _plant_row_missing(draft: Draft, rng: Random) -> Planted:
    form, row, (at, _) = _choose_coded_row(draft, rng)
    delete_row(draft.sheets[form], at)
    draft.forget(lambda key: not (key.form == form and key.row == row))
    return draft.plant("ROW-MISSING", form)


def _plant_row_twice(draft: Draft, rng: Random) -> Planted:
    form, row, (at, column) = _choose_coded_row(draft, rng)
    sheet = draft.sheets[form]
    target = rng.choice((at + 1, sheet.plan.last_row + 1))
    insert_row(sheet, target)
    copy_row(sheet, at, target)
    return draft.plant("ROW-DUPLICATE", form, sheet.mark(f"second {row}", (target, column)))


def _plant_row_unknown(draft: Draft, rng: Random) -> Planted:
    """A row the sender invented, with a code the form does not have."""
    form, _, (at, column) = _choose_coded_row(draft, rng)
    sheet, code = draft.sheets[form], _invent_code(draft, form, rng)
    target = rng.choice((at + 1, sheet.plan.last_row + 1))
    insert_row(sheet, target)
    copy_row(sheet, at, target)
    sheet.plan.cells[target, column].value = code
    label = 1 if column == 0 else 0
    sheet.plan.cells[target, label].value = rng.choice(("Khác", "Nội dung khác", "Đối tượng khác"))
    return draft.plant("ROW-UNKNOWN", form, sheet.mark(f"row {code}", (target, column)))


def _plant_row_mistyped(draft: Draft, rng: Random) -> Planted:
    """The code of a row of the form mistyped: unknown there, and missing from the form."""
    form, row, place = _choose_coded_row(draft, rng)
    sheet = draft.sheets[form]
    sheet.plan.cells[place].value = _invent_code(draft, form, rng)
    draft.forget(lambda key: not (key.form == form and key.row == row))
    draft.plant("ROW-MISSING", form)
    return draft.plant("ROW-UNKNOWN", form, sheet.mark(f"was {row}", place))


def _invent_code(draft: Draft, form: str, rng: Random) -> str:
    layout, column = draft.layouts[form], _code_column(draft, form)
    known = {row.code for row in layout.fields} | {row.code for row in layout.rows}
    known |= {str(cell.value) for (_, at), cell in draft.sheets[form].plan.cells.items() if at == column}
    return choose(rng, [code for code in map(str, range(18, 60)) if code not in known])


def is_touched(draft: Draft, form: str) -> bool:
    """Whether a fault has touched the form's sheet. Claims are cells, or tuples that end with the form."""
    claims = {item.form if isinstance(item, CellKey) else item[-1] for item in draft.touched if isinstance(item, tuple)}
    return form in claims or any(planted.spot.sheet == form for planted in draft.planted)


def _is_row_touched(draft: Draft, key: CellKey) -> bool:
    return any(
        isinstance(item, CellKey) and (item.form, item.row, item.ordinal) == (key.form, key.row, key.ordinal)
        for item in draft.touched
    )


SHAPE_FAULTS = (
    FaultKind("form missing", "FORM-MISSING", _plant_form_missing),
    FaultKind("form twice", "FORM-DUPLICATE", _plant_form_twice),
    FaultKind("column codes lost", "FORM-LEGACY-LAYOUT", _plant_codes_lost),
    FaultKind("headings lost", "FORM-NO-TABLE", _plant_headings_lost),
    FaultKind("sheet of the sender's own", "SHEET-UNKNOWN", _plant_sheet_unknown),
    FaultKind("form not owed", "FORM-NOT-OWED", _plant_form_not_owed),
    FaultKind("column removed", "COLUMN-MISSING", _plant_column_missing),
    FaultKind("column of the sender's own", "COLUMN-UNKNOWN", _plant_column_unknown),
    FaultKind("column twice", "COLUMN-DUPLICATE", _plant_column_twice),
    FaultKind("coded row removed", "ROW-MISSING", _plant_row_missing),
    FaultKind("coded row twice", "ROW-DUPLICATE", _plant_row_twice),
    FaultKind("row of the sender's own", "ROW-UNKNOWN", _plant_row_unknown),
    FaultKind("row code mistyped", "ROW-UNKNOWN", _plant_row_mistyped),
)
