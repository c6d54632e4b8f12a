"""Golden cases of reading: files that are not our template as we sent it, and what is told of them."""

from __future__ import annotations

from datetime import date

from etl.templates.model import CellPlan
from tests.golden.case import Case, put
from tests.golden.old_ways import (
    TCVN3,
    VNI,
    as_csv,
    encode,
    hide_lines,
    in_compound,
    in_decomposed,
    ministry_print,
    rewrite_texts,
    strict,
    typed_in,
    without_column_codes,
    without_headings,
    without_row_codes,
)
from tests.golden.sender import Edit, Sending, without_metadata, write

LEGACY_NAMES = ("Quách Đồng Thắng", "Nông Thị Hường", "Lý Văn Kỷ")


def name_by_words(form: str, *rows: tuple[int, str]) -> Edit:
    """An edit: the movement of some rows of a list named by its words instead of its code."""

    def edit(sending: Sending) -> None:
        sheet = sending.plan.sheet_of(form)
        for row, words in rows:
            sheet.cells[row, 0] = CellPlan(words)

    return edit


def make_reading_cases() -> tuple[Case, ...]:
    """All of them; the names written by hand are of nobody."""
    people = [put("F00", row, "1", name) for row, name in zip(("11", "13"), LEGACY_NAMES, strict=False)]
    people.append(put("F00", "12", "1", "GIÁM ĐỐC"))
    return (
        Case("reading/tcvn3", ["F00", "F03", "F05"], [*people, typed_in(TCVN3), without_metadata]),
        Case("reading/vni", ["F00", "F07"], [*people, typed_in(VNI)]),
        Case(
            "reading/tcvn3-answers-only", ["F00", "F03"],
            [
                put("F00", "11", "1", encode(LEGACY_NAMES[0], TCVN3)), put("F00", "13", "1", encode(LEGACY_NAMES[1], TCVN3)),
                put("F00", "12", "1", encode("Phó Giám đốc", TCVN3)), put("F00", "08", "1", encode("Không", TCVN3)),
                *(put("F03", row, "F", encode("đã kiểm tra, số liệu của các phòng", TCVN3)) for row in ("VNN+CNTG", "VNN+DVTG")),
            ],
        ),
        Case("reading/decomposed", ["F00", "F03"], [rewrite_texts(in_decomposed), without_metadata]),
        Case("reading/compound", ["F00", "F07"], [rewrite_texts(in_compound), without_metadata]),
        Case("reading/ministry-print", ["F05"], [ministry_print(codes=True)]),
        Case("reading/ministry-print-without-codes", ["F05"], [ministry_print(codes=False)]),
        Case(
            "reading/codes-lost", ["F00", "F03", "F05", "F07"],
            [
                without_column_codes("F00"), without_column_codes("F03"), without_column_codes("F05"), without_row_codes("F05"),
                without_row_codes("F07"), write("F05", 25, 0, "Cộng thêm"), write("F05", 25, 2, 7),
                write("F05", 6, 8, "Bằng khem"), write("F05", 10, 8, 3), write("F05", 6, 9, "Ghi chú"), write("F05", 10, 9, "đủ"),
            ],
        ),
        Case("reading/headings-lost", ["F00"], [without_headings("F05"), without_headings("F03")]),
        Case("reading/hidden", ["F05"], [hide_lines("F05", rows=[3, 10, 11, 14], columns=[1, 6])]),
        Case(
            "reading/strict", ["F00", "F05"],
            [put("F05", "11", "2", "#N/A", "=NA()"), put("F05", "12", "2", None, "=2+4"), strict],
        ),
        Case("reading/csv-envelope", ["F00"], [as_csv("F00")], file="input.csv"),
        Case("reading/csv-tcvn3", ["F00"], [*people, as_csv("F00", separator="\t", legacy=TCVN3)], file="input.txt"),
        Case(
            "reading/cells", ["F00", "F05"],
            [
                put("F00", "01", "1", date(2026, 6, 1)), put("F00", "06", "1", "ngày 15 tháng 12 năm 2025"),
                put("F00", "07", "1", "14/6/26"), put("F00", "10", "1", "T2, 06/15/2026 - 08:05"), put("F05", "02", "1", "x"),
                put("F05", "05", "1", "X"), put("F05", "13", "2", "04"), put("F05", "14", "2", "-"),
                put("F05", "15", "2", "không"), put("F05", "16", "2", "x"),
                put("F05", "13", "6", "hơn 264.000"), put("F05", "12", "6", "368.994"),
            ],
        ),
        Case(
            "reading/words", ["F03"],
            [
                put("F00", "02", "1", "SỞ NỘI VỤ"), put("F00", "04", "1", "Định kì"),
                name_by_words("F03", (8, "Đổi mới sáng tạo, phát triển khoa học công nghệ, chuyển đổi số và chuyển đổi xanh")),
            ],
        ),
    )  # fmt: skip
