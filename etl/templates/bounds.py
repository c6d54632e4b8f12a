"""What Excel lets a unit type into a cell: bounds and drop-downs with their Vietnamese explanations.

Pure. These are a help at the keyboard, never the check: a pasted value passes them, the rules of the suites do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from etl.forms.declaration import Value, ValueType
from etl.templates.model import LISTS_SHEET, CellPlan, SheetPlan, Validation

YES_NO: Final = ("Có", "Không")
FIRST_DAY: Final = date(2000, 1, 1)
INLINE_LIMIT: Final = 255
"""Excel refuses a drop-down whose answers, joined by commas, are longer."""

_NUMBER_HELP: Final = "Ghi bằng chữ số, phần lẻ sau dấu phẩy, ví dụ 1234,5. Không gõ đơn vị tính. Không có thì ghi 0."


def bound_for(declared: Value, *, prompt: bool = True) -> Validation | None:
    """The bound or drop-down of a value; None for free text and codes."""
    match declared.type:
        case ValueType.COUNT:
            message = "Ghi số nguyên từ 0 trở lên, không gõ đơn vị tính. Không có thì ghi 0."
            return Validation("whole", minimum=0, title="Số nguyên", message=message, prompt=prompt)
        case ValueType.MONEY:
            return Validation("decimal", minimum=0, title="Số tiền", message=_NUMBER_HELP, prompt=prompt)
        case ValueType.DECIMAL:
            return Validation("decimal", title="Số liệu", message=_NUMBER_HELP, prompt=prompt)
        case ValueType.PERCENT:
            message = "Ghi theo phần trăm, ví dụ 38,2; không gõ dấu %."
            return Validation("decimal", title="Tỷ lệ phần trăm", message=message, prompt=prompt)
        case ValueType.DATE:
            message = "Ghi theo dạng ngày/tháng/năm, ví dụ 16/06/2026."
            return Validation("date", minimum=FIRST_DAY, title="Ngày", message=message, prompt=prompt)
        case ValueType.CHOICE | ValueType.YES_NO:
            answers = tuple(choice.labels[0] for choice in declared.choices) or YES_NO
            message = "Bấm mũi tên ở góc phải của ô rồi chọn một mục trong danh sách."
            return Validation("list", answers, title="Chọn trong danh sách", message=message, prompt=prompt)
    return None


def move_long_lists(sheets: Iterable[SheetPlan]) -> tuple[SheetPlan | None, dict[str, str]]:
    """Moves answers that cannot stand in a drop-down's own text to a hidden sheet; changes those validations.

    Returns that sheet (None when not needed) and its defined names. A comma inside an answer would cut it in two.
    """
    found: dict[tuple[str, ...], str] = {}
    for sheet in sheets:
        for bound in sheet.validations.values():
            answers = bound.source
            if not isinstance(answers, tuple):
                continue
            if len(",".join(answers)) > INLINE_LIMIT or any("," in answer for answer in answers):
                bound.source = found.setdefault(answers, f"danh_muc_{len(found) + 1}")
    if not found:
        return None, {}
    lists = SheetPlan(LISTS_SHEET, hidden=True)
    names: dict[str, str] = {}
    for column, (answers, name) in enumerate(found.items()):
        for row, answer in enumerate(answers):
            lists.cells[row, column] = CellPlan(answer)
        letter = chr(ord("A") + column)
        names[name] = f"='{LISTS_SHEET}'!${letter}$1:${letter}${len(answers)}"
    return lists, names
