"""The pairs of F01, F02, F09 and F12: code -> (edits, where it is told, edits of the twin).

Cells are written out by hand: A1 in the template of the department.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.golden.case import put
from tests.golden.cases_basics import bring_old_layout
from tests.golden.make_cases import rename
from tests.golden.sender import Edit

F01, F02, F09, F12 = "F01 Lời văn", "F02 Số phong trào", "F09 Tổ chức, nhân sự", "F12 Điển hình tiên tiến"
Edits = Sequence[Edit]
Told = tuple[Edits, tuple[str, str | None], Edits]

NINE = "Chỉ có chín chữ nên vẫn chưa đủ thành"
TEN = f"{NINE} câu"


def section(row: str, text: str | None) -> list[Edit]:
    return [put("F01", row, "1", text)]


def movements(text: str | None) -> list[Edit]:
    """Edits: section II of F01 has this text in its third part alone."""
    return [put("F01", "02", "1", None), put("F01", "03", "1", None), put("F01", "04", "1", text)]


def old(*edits: Edit) -> list[Edit]:
    return [bring_old_layout, *edits]


BASIC_PAIRS: dict[str, Told] = {
    "F01-DIRECTION": (section("01", "…"), (F01, "D9"), section("01", "Không")),
    "F01-MOVEMENTS": (movements(None), (F01, "D10"), movements(TEN)),
    "F01-COMMENDATION": (section("06", " - "), (F01, "D14"), section("06", None)),
    "F01-SHORTCOMINGS": (section("08", "0"), (F01, "D16"), section("08", "không có")),
    "F01-DIRECTION-SHORT": (section("01", NINE), (F01, "D9"), section("01", TEN)),
    "F01-MOVEMENTS-SHORT": (movements("Không có"), (F01, "D10"), movements("-")),
    "F01-COMMENDATION-SHORT": (section("06", "Không có"), (F01, "D14"), section("06", TEN)),
    "F01-SHORTCOMINGS-SHORT": (section("08", "Không"), (F01, "D16"), section("08", "x")),
    "FORM-VERSION": (old(), (F02, None), [rename("F02", "0701")]),
    "F02-ROW-SUM": ([put("F02", "08", "1", 2)], (F02, "C16"), [put("F02", "06", "1", 2)]),
    "F02-BY-SCOPE": (
        [put("F02", "03", "4", 1)],
        (F02, "F9"),
        [put("F02", f"0{row}", "4", None) for row in (2, 3, 4, 5)],
    ),
    "F02-BY-TERM": ([put("F02", "10", "2", 2)], (F02, "D9"), [put("F02", "10", "2", 2), put("F02", "09", "2", 1)]),
    "F02-BY-METHOD": ([put("F02", "11", "3", 1)], (F02, "E9"), [put("F02", "11", "3", 1), put("F02", "12", "3", None)]),
    "F02-2018-ROW-SUM": (old(put("F02", "05", "1", 2)), (F02, "C13"), old(put("F02", "05", "1", 1))),
    "F02-2018-BY-SCOPE": (old(put("F02", "03", "2", 1)), (F02, "D9"), [put("F02", "03", "2", 1)]),
    "F02-2018-BY-TERM": (old(put("F02", "04", "3", 1)), (F02, "E9"), old(put("F02", "05", "3", "01"))),
    "F02-2018-BY-METHOD": (
        old(put("F02", "08", "2", 1)),
        (F02, "D9"),
        old(put("F02", "08", "2", 1), put("F02", "09", "2", 3)),
    ),
    "F12-FOUND-SUM": ([put("F12", "02", "1", 6)], (F12, "C10"), [put("F12", "03", "1", 0)]),
    "F12-NURTURED-SUM": ([put("F12", "04", "6", 2)], (F12, "G12"), [put("F12", "04", "6", 1)]),
    "F12-REVIEWED-SUM": ([put("F12", "06", "12", None)], (F12, "K14"), [put("F12", "06", "11", None)]),
    "F12-SPREAD-SUM": ([put("F12", "06", "13", 1)], (F12, "O14"), [put("F12", "06", "13", 2)]),
    "F12-FIELDS": (
        [put("F12", "09", "4", 1)],
        (F12, "F9"),
        [put("F12", f"0{row}", "4", None) for row in range(2, 10)],
    ),
    "F12-NURTURED-MORE": ([put("F12", "01", "5", 14)], (F12, "G9"), [put("F12", "01", "5", 13)]),
    "F12-REVIEWED-MORE": ([put("F12", "01", "9", 9)], (F12, "K9"), [put("F12", "03", "9", 9)]),
    "F12-SPREAD-MORE": ([put("F12", "01", "13", 6)], (F12, "O9"), [put("F12", "01", "13", 5)]),
}
"""On the year's report."""

STAFF_PAIRS: dict[str, Told] = {
    "F09-ORGANISATIONS": (
        [put("F09", "03", "1", 1)],
        (F09, "C9"),
        [put("F09", f"0{row}", "1", None) for row in (2, 3, 4, 5)],
    ),
    "F09-BY-AGE": ([put("F09", "07", "2", 1)], (F09, "D14"), [put("F09", "11", "2", None)]),
    "F09-BY-EDUCATION": ([put("F09", "14", "1", 4)], (F09, "C14"), [put("F09", "14", "2", 1)]),
    "F09-BY-SENIORITY": ([put("F09", "22", "1", None)], (F09, "C14"), [put("F09", "22", "2", None)]),
    "F09-WOMEN": ([put("F09", "11", "2", 2)], (F09, "D19"), [put("F09", "11", "2", 1)]),
}
"""On the yearly statistics, which alone have F09."""
