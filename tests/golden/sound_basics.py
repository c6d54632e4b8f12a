"""Sound texts and figures of F01, F02, F09 and F12 for a workbook as a unit would send it.

F02: four movements launched by the Prime Minister and one by the province, as Bắc Kạn had in 2020 (domain brief §1.3), and
one of the unit's own; how they divide by term and method was not published and is invented to add up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.golden.sender import Sending

SOUND_NARRATIVE: Mapping[str, str] = {
    "01": "Ban hành Kế hoạch số 19/KH-HĐTĐKT ngày 24/5/2026 và 3 công văn đôn đốc; ký giao ước thi đua giữa 7 đơn vị.",
    "02": "Bốn phong trào do Thủ tướng phát động được cụ thể hóa bằng chỉ tiêu; huy động 1.200 ngày công làm đường.",
    "03": "Phong trào của tỉnh có 45 tập thể đăng ký, hoàn thành 38 công trình chào mừng ngày thành lập.",
    "05": "Phát hiện 12 nhân tố mới, bồi dưỡng 8 mô hình, giới thiệu 5 gương trên báo tỉnh.",
    "06": "Khen 38 trường hợp theo thẩm quyền, trình tỉnh 31 trường hợp, trong đó 12 người lao động trực tiếp.",
    "08": "Việc phát hiện gương điển hình chưa thường xuyên; nguyên nhân do cán bộ kiêm nhiệm nhiều việc.",
    "09": "Năm sau tập trung vào phong trào đổi mới sáng tạo và chuyển đổi số.",
}
SOUND_MOVEMENTS: Mapping[str, Mapping[str, int]] = {
    "2": {"02": 4, "08": 1, "10": 3, "11": 2, "12": 2},
    "3": {"03": 1, "07": 1, "12": 1},
    "4": {"04": 1, "05": 1, "06": 2, "11": 1, "12": 1},
}
"""F02 column -> row -> figure; row 01 and column 1 follow, everything else is nought."""
SOUND_STAFF: Mapping[str, Mapping[str, int]] = {
    "1": {"01": 2, "04": 1, "05": 1, "06": 7, "08": 3, "09": 3, "11": 1, "13": 4, "14": 3, "18": 2, "20": 4, "22": 1},
    "2": {"06": 4, "08": 2, "09": 2, "13": 3, "14": 1, "18": 1, "20": 3},
}
SOUND_EXEMPLARS: Mapping[str, Mapping[str, int]] = {
    "2": {"02": 2, "04": 1}, "3": {"07": 2}, "4": {"02": 3, "05": 1, "06": 4},
    "6": {"02": 1, "04": 1}, "7": {"07": 1}, "8": {"02": 2, "06": 3},
    "10": {"02": 1}, "12": {"02": 2, "06": 2},
    "14": {"02": 1}, "16": {"06": 2},
}  # fmt: skip
"""F12 column -> row -> figure; row 01 and the totals of the stages follow, everything else is nought."""
_STAGES = {"1": ("2", "3", "4"), "5": ("6", "7", "8"), "9": ("10", "11", "12"), "13": ("14", "15", "16")}
Figures = Mapping[str, Mapping[str, int]]


def movements_at(figures: Figures, row: str, column: str) -> int:
    """One figure of F02, in either layout: row 01 is the sum of the two methods, column 1 that of the other columns."""
    if column == "1":
        return sum(movements_at(figures, row, part) for part in figures)
    own = figures.get(column, {})
    return sum(own.get(part, 0) for part in _METHODS_OF[len(figures)]) if row == "01" else own.get(row, 0)


_METHODS_OF = {3: ("11", "12"), 2: ("08", "09")}
"""Rows of the methods by the number of levels: the layout of 2018 has two levels."""


def exemplars_at(figures: Figures, row: str, column: str) -> int:
    """One figure of F12."""
    if column in _STAGES:
        return sum(exemplars_at(figures, row, part) for part in _STAGES[column])
    own = figures.get(column, {})
    return sum(own.values()) if row == "01" else own.get(row, 0)


def fill_movements(sending: Sending, figures: Figures = SOUND_MOVEMENTS) -> None:
    """F02 from column -> row -> figure, with the totals that follow and noughts elsewhere."""
    _fill(sending, "F02", lambda row, column: movements_at(figures, row, column))


def fill_exemplars(sending: Sending, figures: Figures = SOUND_EXEMPLARS) -> None:
    """F12 from column -> row -> figure, with the totals that follow and noughts elsewhere."""
    _fill(sending, "F12", lambda row, column: exemplars_at(figures, row, column))


def fill_sound_basics(sending: Sending) -> None:
    """The four forms, where the workbook has them."""
    forms = {sheet.form for sheet in sending.plan.sheets}
    if "F01" in forms:
        for row, text in SOUND_NARRATIVE.items():
            sending.field("F01", row, text)
    if "F02" in forms:
        fill_movements(sending)
    if "F09" in forms:
        _fill(sending, "F09", lambda row, column: SOUND_STAFF[column].get(row, 0))
    if "F12" in forms:
        fill_exemplars(sending)


def _fill(sending: Sending, form: str, figure: Callable[[str, str], int]) -> None:
    sheet = sending.plan.sheet_of(form)
    for key in sheet.places:
        if sheet.cells[sheet.places[key]].style != "not_applicable":
            sending.put(form, key.row, key.column, figure(key.row, key.column))
