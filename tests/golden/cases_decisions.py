"""Golden cases of F10 (fund), F11 (bloc), F13 (complaints) and F14 (decisions)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tests.golden.case import Case, put
from tests.golden.sender import BLOC, COMMUNE, DEPARTMENT, YEAR, YEAR_PERIOD, Edit, Sending
from tests.golden.sound_decisions import SPRING, Line, fill_complaints, fill_fund, put_line


def line(row: str, *told: object) -> Edit:
    """An edit: one line of F14."""
    return lambda sending: put_line(sending, row, Line(*told))  # type: ignore[arg-type]


def rank(*ranks: int) -> Edit:
    """An edit: the ranks of the bloc's members, in the order of the template."""

    def edit(sending: Sending) -> None:
        members = dict.fromkeys(key.row for key in sending.plan.sheet_of("F11").places if key.row)
        for member, number in zip(members, ranks, strict=True):
            sending.put("F11", member, "3", number)

    return edit


def of_year(folder: str, forms: Sequence[str], edits: Sequence[Edit], unit: str = DEPARTMENT) -> Case:
    """A case of the year's report."""
    return Case(folder, forms, edits, unit, YEAR, YEAR_PERIOD)


def make_decision_cases() -> tuple[Case, ...]:
    """The cases."""
    return (
        of_year("F10/sound", ["F10"], [fill_fund]),
        of_year(
            "F10/broken",
            ["F10"],
            [
                fill_fund,
                put("F10", "03", "1", 50_000_000),  # income
                put("F10", "07", "1", "13.000.000"),  # spending
                put("F10", "09", "1", 102_500_001),  # one đồng too much
                put("F10", "06", "1", 450_000_000),  # and not what the decisions are worth
            ],
        ),
        of_year("F11/lang-son-2021", ["F11"], [], BLOC),
        of_year("F11/a-tie", ["F11"], [rank(4, 4, 1, 6, 3, 7, 2)], BLOC),
        of_year(
            "F11/ranks-broken",
            ["F11"],
            [
                rank(5, 6, 1, 7, 3, 8, 2),  # nobody is fourth
                put("F11", "H14.VPHDND", "C", "Cờ thi đua"),  # a flag that is not for the first
                put("F11", "H14.SNGV", "1", 100.5),
            ],
            BLOC,
        ),
        of_year("F13/sound", ["F13"], [fill_complaints, put("F13", "07", "1", "Phòng A: đang bị kiểm tra")]),
        of_year("F13/broken", ["F13"], [fill_complaints, put("F13", "03", "1", 16), put("F13", "02", "1", "12 đơn")]),
        of_year("F13/too-many-resolved", ["F13"], [fill_complaints, put("F13", "03", "1", 16)]),
        of_year("F13/left-over", ["F13"], [fill_complaints, put("F13", "04", "1", 5)]),
        of_year("F14/sound", ["F14"], []),
        of_year("F14/commune", ["F14"], [
            put("F06", "08", "1", 9), put("F06", "09", "1", 415),
            line("30", "90/QĐ", SPRING, "Chủ tịch UBND xã", "Thôn, tổ dân phố văn hóa", "Tập thể", "Các thôn", 9),
            line("31", "91/QĐ", SPRING, "Chủ tịch UBND xã", "Gia đình văn hóa", "Hộ gia đình", "Các hộ", 415),
        ], COMMUNE),
        of_year(
            "F14/lines-broken",
            ["F14"],
            [
                # Cao Bằng 2021, 000-h to 000-l: awards of the Party are no awards of the State.
                line("20", "20/QĐ/TU", SPRING, "Tỉnh ủy", "Cờ thi đua của Tỉnh ủy", "Tập thể", "Đảng bộ", 6),
                line("21", "21/QĐ/TU", SPRING, "Tỉnh ủy", "Bằng khen của Chủ tịch UBND tỉnh", "Tập thể", "Đảng bộ", 3),
                line("22", "22/QĐ", SPRING, "UBND tỉnh", "Bằng khen của Tỉnh ủy", "Cá nhân", "Đảng viên", 29),
                line("23", "23/QĐ", SPRING, "Giám đốc sở", "Bằng khen của Chủ tịch UBND tỉnh", "Cá nhân", "Phòng A", 2),
                line("24", "24/QĐ", SPRING, "UBND tỉnh", "Giấy khen", "Cá nhân", "Phòng A", 2),
                line("25", "25/QĐ", SPRING, "UBND tỉnh", "Chiến sĩ thi đua cấp tỉnh", "Tập thể", "Phòng A", 1),
                line("26", "26/QĐ", SPRING, "Chủ tịch UBND xã", "Giấy khen", "Tập thể", "Phòng B", 1),
                line("27", "27/QĐ", SPRING, "Giám đốc sở", "Gia đình văn hóa", "Hộ gia đình", "Các hộ", 5),
                line("28", "28/QĐ", date(2025, 12, 14), "Giám đốc sở", "Giấy khen", "Tập thể", "Phòng C", 1),
                line("29", "29/QĐ", date(2026, 12, 15), "Giám đốc sở", "Giấy khen", "Tập thể", "Phòng D", 1),
                line("30", "30/QĐ", date(2027, 12, 15), "Giám đốc sở", "Giấy khen", "Tập thể", "Phòng E", 0),
                line("31", "31/QĐ", SPRING, "Giám đốc sở", "Giấy khen", "Tập thể", "Phòng Tổ chức", 1),
                line("34", "31/QĐ", SPRING, "Giám đốc sở", "Giấy khen", "Tập thể", "Phòng  Tổ chức", 1),
            ],
        ),
        of_year(
            "F14/a-line-nobody-can-read",
            ["F14"],
            [put("F14", "16", "1", "khoảng 80"), put("F14", "12", "1", 50), put("F14", "5", "E", "Bằng khen")],
        ),
    )  # fmt: skip
