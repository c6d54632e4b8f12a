"""The pairs of F10, F11, F13, F14 and of the decisions against F04 to F06: code -> (edits, where told, edits of the twin).

On the year's report; those of F11 are sent by a bloc. Cells are written out by hand: A1 in the template of the unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tests.golden.case import put
from tests.golden.cases_decisions import line, rank
from tests.golden.sender import Edit, drop_sheet
from tests.golden.sound_decisions import SPRING, fill_complaints, fill_fund

F04, F05, F06 = "F04 Khen thưởng Nhà nước", "F05 Khen thưởng cấp tỉnh", "F06 Khen thưởng cơ sở"
F10, F11, F13 = "F10 Quỹ thi đua khen thưởng", "F11 Bình xét khối cụm", "F13 Vi phạm khiếu nại tố cáo"
F14 = "F14 Danh sách quyết định"
Told = tuple[Sequence[Edit], tuple[str, str], Sequence[Edit]]
FIRST, SECOND = "H14.STC", "H14.VPHDND"
"""The members ranked first and second in the sound F11."""


def fund(*edits: Edit) -> list[Edit]:
    return [fill_fund, *edits]


def complaints(*edits: Edit) -> list[Edit]:
    return [fill_complaints, *edits]


def extra(issuer: str, award: str, kind: str = "Tập thể", day: date = SPRING, count: int = 1) -> list[Edit]:
    """Edits: one more line of decisions, the seventeenth."""
    return [line("17", "17/QĐ", day, issuer, award, kind, "Phòng A", count)]


DECISION_PAIRS: dict[str, Told] = {
    "F10-INCOME": (fund(put("F10", "04", "1", 1)), (F10, "D13"), fund(put("F10", "04", "1", None))),
    "F10-SPENDING": (
        fund(put("F10", "07", "1", 12_000_001)),
        (F10, "D16"),
        fund(put("F10", "07", "1", "12.000.000")),
    ),
    "F10-BALANCE": (fund(put("F10", "09", "1", 102_500_001)), (F10, "D17"), fund()),
    "F10-BONUS": (
        # 624.651.000 with 187 roundings: up to 626.521.000.
        fund(put("F10", "06", "1", 626_521_001)),
        (F10, "D14"),
        fund(put("F10", "06", "1", 626_521_000)),
    ),
    "F13-RESOLVED": (complaints(put("F13", "03", "1", 16)), (F13, "D11"), complaints(put("F13", "03", "1", 15))),
    "F13-BALANCE": (
        complaints(put("F13", "04", "1", 3)),
        (F13, "D12"),
        complaints(put("F13", "04", "1", 3), put("F13", "03", "1", 12)),
    ),
    "F14-CERTIFICATE": (
        extra("Giám đốc sở", "Bằng khen của Chủ tịch UBND tỉnh"), (F14, "E25"), extra("Giám đốc sở", "Giấy khen"),
    ),
    "F14-ISSUER": (
        extra("UBND tỉnh", "Cờ thi đua của Chính phủ"), (F14, "D25"), extra("Chính phủ", "Cờ thi đua của Chính phủ"),
    ),
    "F14-PARTY-ISSUER": (extra("Tỉnh ủy", "Giấy khen"), (F14, "E25"), extra("Tỉnh ủy", "Giấy khen của cấp ủy")),
    "F14-PARTY-AWARD": (
        extra("UBND tỉnh", "Cờ thi đua của Tỉnh ủy"), (F14, "E25"), extra("Cấp ủy", "Cờ thi đua của Tỉnh ủy"),
    ),
    "F14-COMMUNE": (extra("Chủ tịch UBND xã", "Giấy khen"), (F14, "D25"), extra("Giám đốc sở", "Giấy khen")),
    "F14-CULTURE": (
        extra("Chủ tịch UBND xã", "Thôn, tổ dân phố văn hóa"), (F14, "E25"), extra("Chủ tịch UBND xã", "Giấy khen"),
    ),
    "F14-KIND": (
        extra("UBND tỉnh", "Cờ thi đua của UBND tỉnh", "Cá nhân"), (F14, "G25"), extra("UBND tỉnh", "Cờ thi đua của UBND tỉnh"),
    ),
    "F14-EARLY": (
        extra("Giám đốc sở", "Giấy khen", day=date(2025, 12, 14)), (F14, "C25"),
        extra("Giám đốc sở", "Giấy khen", day=date(2025, 12, 15)),
    ),
    "F14-LATE": (
        extra("Giám đốc sở", "Giấy khen", day=date(2026, 12, 15)), (F14, "C25"),
        extra("Giám đốc sở", "Giấy khen", day=date(2026, 12, 14)),
    ),
    "F14-FUTURE": (
        extra("Giám đốc sở", "Giấy khen", day=date(2026, 12, 16)), (F14, "C25"),
        extra("Giám đốc sở", "Giấy khen", day=date(2026, 12, 15)),
    ),
    "F14-TWICE": (
        [line("18", "18/qđ", SPRING, "Giám đốc sở", "Giấy khen", "Tập thể", "PHÒNG A", 1),
         line("17", "18/QĐ", SPRING, "Giám đốc sở", "Giấy khen", "Tập thể", "Phòng A", 1)],
        (F14, "B26"),
        [line("18", "18/QĐ", SPRING, "Giám đốc sở", "Giấy khen", "Tập thể", "Phòng B", 1),
         line("17", "18/QĐ", SPRING, "Giám đốc sở", "Giấy khen", "Tập thể", "Phòng A", 1)],
    ),
    "F14-NONE": (extra("Giám đốc sở", "Giấy khen", count=0), (F14, "I25"), extra("Giám đốc sở", "Giấy khen")),
}  # fmt: skip
BLOC_PAIRS: dict[str, Told] = {
    "F11-SELF-SCORE": ([put("F11", FIRST, "1", 100.1)], (F11, "C11"), [put("F11", FIRST, "1", 100)]),
    "F11-SCORE": ([put("F11", FIRST, "2", 100.1)], (F11, "D11"), [put("F11", FIRST, "2", 100)]),
    "F11-RANK-ORDER": ([rank(5, 4, 1, 6, 3, 7, 2)], (F11, "E9"), [rank(4, 4, 1, 6, 3, 7, 2)]),
    "F11-RANK-GAP": ([rank(4, 5, 1, 6, 3, 8, 2)], (F11, "E14"), [rank(4, 5, 1, 6, 3, 6, 2)]),
    "F11-FLAG-RANK": (
        [put("F11", SECOND, "C", "Cờ thi đua của UBND tỉnh")], (F11, "F15"), [put("F11", SECOND, "C", "Không")],
    ),
    "F11-CERTIFICATE-RANK": (
        [put("F11", "H14.VPUBND", "C", "Bằng khen")], (F11, "F9"), [put("F11", "H14.SNGV", "C", "Bằng khen")],
    ),
    "F11-CERTIFICATE-FIRST": ([put("F11", FIRST, "C", "Bằng khen")], (F11, "F11"), [put("F11", FIRST, "C", "Không")]),
}  # fmt: skip
_LISTED = {
    # form, row, column of the cell that counts them; where it stands; the line of the sound F14
    ("F04", "06", "2"): (F04, "D12", "1"),
    ("F04", "09", "3"): (F04, "E15", "2"),
    ("F04", "06", "8"): (F04, "J12", "3"),
    ("F04", "09", "9"): (F04, "K15", "4"),
    ("F05", "02", "2"): (F05, "D10", "5"),
    ("F05", "04", "2"): (F05, "D12", "6"),
    ("F05", "05", "2"): (F05, "D13", "7"),
    ("F05", "05", "3"): (F05, "E13", "8"),
    ("F05", "02", "4"): (F05, "F10", "9"),
    ("F05", "05", "5"): (F05, "G13", "10"),
    ("F05", "02", "6"): (F05, "H10", "11"),
    ("F06", "01", "1"): (F06, "D9", "12"),
    ("F06", "03", "1"): (F06, "D11", "13"),
    ("F06", "04", "1"): (F06, "D12", "14"),
    ("F06", "05", "1"): (F06, "D13", "15"),
    ("F06", "06", "1"): (F06, "D14", "16"),
}
_NOT_LISTED = {
    ("F04", "01", "4"): (F04, "F9"),
    ("F04", "01", "5"): (F04, "G9"),
    ("F04", "01", "6"): (F04, "H9"),
    ("F04", "06", "7"): (F04, "I12"),
    ("F04", "09", "10"): (F04, "L15"),
    ("F04", "01", "11"): (F04, "M9"),
    ("F06", "02", "1"): (F06, "D10"),
    ("F06", "08", "1"): (F06, "D16"),
    ("F06", "09", "1"): (F06, "D17"),
}


def _code(form: str, row: str, column: str) -> str:
    return f"X-F14-{form}-{row}" if form == "F06" else f"X-F14-{form}-{row}-{column}"


DECISION_PAIRS |= {
    _code(*cell): ([put("F14", listed, "1", 999)], (sheet, place), [put("F14", listed, "1", "chưa rõ")])
    for cell, (sheet, place, listed) in _LISTED.items()
}
DECISION_PAIRS |= {
    _code(*cell): ([put(*cell, 2)], (sheet, place), [put(*cell, 2), drop_sheet("F14")])
    for cell, (sheet, place) in _NOT_LISTED.items()
}
