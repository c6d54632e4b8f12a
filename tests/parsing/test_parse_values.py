"""One cell to one value: every writing of numbers, dates and answers that clerks use (domain brief §6)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.findings.catalogue import read_catalogue
from etl.forms.declaration import Choice, Value, ValueType
from etl.forms.library import read_forms
from etl.parsing.values import MAX_DECIMALS, ParsedValue, displayed_decimals, parse_value, read_date
from etl.reading.grid import Cell, CellKind
from etl.text import format_date, format_number

CHOICES = (
    Choice(value="admin", labels=("Định kỳ (NĐ 09/2019/NĐ-CP)", "Định kỳ")),
    Choice(value="statistics", labels=("Thống kê",)),
)
NUMBERS = (ValueType.COUNT, ValueType.DECIMAL, ValueType.PERCENT, ValueType.MONEY)


def declare(kind: ValueType) -> Value:
    return Value(code="1", label="Số", type=kind, choices=CHOICES if kind is ValueType.CHOICE else ())


DECLARED = {kind: declare(kind) for kind in ValueType}


def read(text: str, kind: ValueType, cell: CellKind = CellKind.TEXT, number_format: str | None = None) -> ParsedValue:
    return parse_value(Cell(cell, text, number_format), DECLARED[kind])


# -- numbers typed as text


@pytest.mark.parametrize(
    ("text", "kind", "number", "decimals"),
    [
        ("0", ValueType.COUNT, "0", 0),
        ("04", ValueType.COUNT, "4", 0),
        ("1.415", ValueType.COUNT, "1415", 0),
        ("368.994", ValueType.COUNT, "368994", 0),
        ("1.234.567", ValueType.COUNT, "1234567", 0),
        ("1 415", ValueType.COUNT, "1415", 0),
        ("1\u00a0415", ValueType.COUNT, "1415", 0),
        (" 12\u200b ", ValueType.COUNT, "12", 0),
        ("25,0", ValueType.COUNT, "25", 0),
        ("61.75", ValueType.PERCENT, "61.75", 2),
        ("61,75", ValueType.PERCENT, "61.75", 2),
        ("99,6%", ValueType.PERCENT, "99.6", 1),
        ("99.6 %", ValueType.PERCENT, "99.6", 1),
        ("38,20", ValueType.PERCENT, "38.20", 2),
        ("100", ValueType.PERCENT, "100", 0),
        ("0.385", ValueType.PERCENT, "0.385", 3),
        ("1.234,5", ValueType.PERCENT, "1234.5", 1),
        ("1.415", ValueType.DECIMAL, "1415", 0),
        ("1,415", ValueType.DECIMAL, "1.415", 3),
        ("0.415", ValueType.DECIMAL, "0.415", 3),
        ("1.234,5", ValueType.DECIMAL, "1234.5", 1),
        ("-1.500.000", ValueType.MONEY, "-1500000", 0),
        ("(1.500)", ValueType.MONEY, "-1500", 0),
    ],
)
def test_numbers_as_text(text: str, kind: ValueType, number: str, decimals: int) -> None:
    value = read(text, kind)
    assert (value.number, value.decimals, value.problem) == (Decimal(number), decimals, None)


@pytest.mark.parametrize("text", ["-", "–", "—", "không", "KHÔNG", "ko", "không có", "Chưa có", "chưa"])
@pytest.mark.parametrize("kind", NUMBERS)
def test_words_for_nought(text: str, kind: ValueType) -> None:
    assert read(text, kind) == ParsedValue(number=Decimal(0), decimals=0)


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("x", "not_applicable"),
        ("X", "not_applicable"),
        ("…", "not_reported"),
        ("...", "not_reported"),
        (" \u00a0", "blank"),
    ],
)
def test_no_value_and_why(text: str, missing: str) -> None:
    value = read(text, ValueType.COUNT)
    assert (value.number, value.missing, value.problem) == (None, missing, None)


@pytest.mark.parametrize(
    ("text", "kind", "problem"),
    [
        ("hơn 264.000", ValueType.COUNT, "CELL-APPROXIMATE"),
        ("Gần 230.000", ValueType.COUNT, "CELL-APPROXIMATE"),
        ("khoảng 15", ValueType.DECIMAL, "CELL-APPROXIMATE"),
        (">= 20", ValueType.COUNT, "CELL-APPROXIMATE"),
        ("~38,2%", ValueType.PERCENT, "CELL-APPROXIMATE"),
        ("1,415", ValueType.COUNT, "CELL-AMBIGUOUS"),
        ("1,234.5", ValueType.DECIMAL, "CELL-AMBIGUOUS"),
        ("38.248", ValueType.PERCENT, "CELL-AMBIGUOUS"),
        ("61.75", ValueType.COUNT, "CELL-NOT-WHOLE"),
        ("6,5", ValueType.COUNT, "CELL-NOT-WHOLE"),
        ("-5", ValueType.COUNT, "CELL-NEGATIVE"),
        ("−5", ValueType.DECIMAL, "CELL-NEGATIVE"),
        ("(5)", ValueType.COUNT, "CELL-NEGATIVE"),
        ("mười hai", ValueType.COUNT, "CELL-NOT-NUMBER"),
        ("12 người", ValueType.COUNT, "CELL-NOT-NUMBER"),
        ("38%", ValueType.COUNT, "CELL-NOT-NUMBER"),
        ("1.41.5", ValueType.COUNT, "CELL-NOT-NUMBER"),
        ("01.415", ValueType.COUNT, "CELL-AMBIGUOUS"),
        ("²", ValueType.COUNT, "CELL-NOT-NUMBER"),
        ("9" * 400, ValueType.COUNT, "CELL-TOO-LARGE"),
    ],
)
def test_what_is_no_number(text: str, kind: ValueType, problem: str) -> None:
    value = read(text, kind)
    assert (value.number, value.missing, value.problem) == (None, "bad", problem)


@given(st.integers(min_value=0, max_value=10**24))
def test_counts_round_trip(number: int) -> None:
    value = read(format_number(number), ValueType.COUNT)
    assert (value.number, value.decimals) == (Decimal(number), 0)


@given(st.decimals(min_value=0, max_value=10**15, places=4), st.integers(min_value=1, max_value=MAX_DECIMALS))
def test_decimals_round_trip(number: Decimal, places: int) -> None:
    text = format_number(number, places)
    value = read(text, ValueType.DECIMAL)
    assert (value.problem, value.decimals) == (None, places)
    assert value.number is not None
    assert format_number(value.number, places) == text


@given(st.decimals(min_value=0, max_value=999, places=2), st.sampled_from(["", "%", " %"]))
def test_percentages_round_trip(number: Decimal, sign: str) -> None:
    value = read(format_number(number, 2) + sign, ValueType.PERCENT)
    assert (value.number, value.decimals, value.problem) == (number, 2, None)


# -- numbers as numbers


@pytest.mark.parametrize(
    ("text", "number_format", "number", "decimals"),
    [
        ("38.2", None, "38.2", 1),
        ("38.2", "0.00", "38.2", 2),
        ("38", "0.0", "38", 1),
        ("0.382", "0.0%", "38.2", 1),
        ("0.38248", "0%", "38.248", 0),
        ("1", "0%", "100", 0),
        ("38.2", '0.0"%"', "38.2", 1),  # a quoted sign is print only: Excel does not multiply
        ("38.2", "0.0\\%", "38.2", 1),
        ("0.382", '[Red]0.0%;"âm" 0.0%', "38.2", 1),
        ("0", "0.0%", "0", 1),
    ],
)
def test_percentages_as_numbers(text: str, number_format: str | None, number: str, decimals: int) -> None:
    value = read(text, ValueType.PERCENT, CellKind.NUMBER, number_format)
    assert (value.number, value.decimals) == (Decimal(number), decimals)


def test_a_per_cent_format_means_nothing_to_a_count() -> None:
    assert read("1", ValueType.COUNT, CellKind.NUMBER, "0%").number == 1


@pytest.mark.parametrize(
    ("text", "kind", "problem"),
    [
        ("6.5", ValueType.COUNT, "CELL-NOT-WHOLE"),
        ("-1", ValueType.COUNT, "CELL-NEGATIVE"),
        ("1e+300", ValueType.COUNT, "CELL-TOO-LARGE"),
        ("1e+300", ValueType.PERCENT, "CELL-TOO-LARGE"),
        ("NaN", ValueType.DECIMAL, "CELL-NOT-NUMBER"),
        ("sNaN", ValueType.PERCENT, "CELL-NOT-NUMBER"),
        ("inf", ValueType.COUNT, "CELL-NOT-NUMBER"),
    ],
)
def test_numbers_that_are_none_or_wrong(text: str, kind: ValueType, problem: str) -> None:
    assert read(text, kind, CellKind.NUMBER, "0%").problem == problem


@pytest.mark.parametrize(
    ("text", "number_format", "expected"),
    [
        ("38.2", None, 1),
        ("38.25", "General", 2),
        ("38", "General", 0),
        ("38.25", "@", 2),
        ("38.2478212", "0.0", 1),
        ("38.2", "#,##0.00", 2),
        ("38", "#,##0.######", 0),
        ("38.25", "#,##0.######", 2),
        ("38.25", "0.0#", 2),
        ("38", "0.0#", 1),
        ("38.25", "#,##0", 0),
        ("38.25", '0.0" người"', 1),
        ("38.25", "0.00;[Red]-0.0", 2),
        ("38.25", "dd/mm/yyyy", 2),
        ("0.12345678", None, MAX_DECIMALS),
        ("1", "0." + "0" * 20, MAX_DECIMALS),
    ],
)
def test_displayed_decimals(text: str, number_format: str | None, expected: int) -> None:
    assert displayed_decimals(text, number_format) == expected


def test_decimals_are_never_more_than_can_be_kept() -> None:
    assert read("1.000,1234567", ValueType.DECIMAL).decimals == MAX_DECIMALS


# -- dates


@pytest.mark.parametrize(
    "text",
    [
        "16/06/2026", "16/6/2026", "16/6/26", "16.6.2026", "16-06-2026", "16 / 06 / 2026", "2026-06-16", "2026-6-16",
        "2026-06-16T08:30:00", "ngày 16 tháng 6 năm 2026", "16 tháng 6 năm 2026", "ngày 16/6/2026", "Thứ Ba, 16/06/2026",
        "thứ 3, ngày 16/06/2026", "T3,06/16/2026", "Ngày 16 tháng 6, năm 2026.", "16/06/2026, 08:30", "16-6-26",
        "Ngày 16 tháng 06 năm 2026",
        "Cao Bằng, ngày 16 tháng 6 năm 2026", "T3, 16/06/2026", "16/06/2026 08:30", "T3, 06/16/2026 - 23:57",
    ],
)  # fmt: skip
def test_dates_as_typed(text: str) -> None:
    assert read(text, ValueType.DATE).day == date(2026, 6, 16)


def test_the_weekday_tag_tells_the_foreign_stamp() -> None:
    """Domain brief §1.2: the portal stamps month first; its weekday proves it."""
    assert read_date("T6, 01/21/2022 - 23:57") == date(2022, 1, 21)
    # Both readings fall on a Wednesday: then day before month, as everywhere.
    assert read_date("T4, 08/02/2023") == date(2023, 2, 8)
    assert read_date("CN, 05/04/2026") == date(2026, 4, 5)
    assert read_date("T2, 05/04/2026") == date(2026, 5, 4)
    assert read_date("T7, 05/04/2026") is None
    assert read_date("Chủ nhật, 01/02/2026") == date(2026, 2, 1)
    assert read_date("Thứ hai, 01/12/2026") == date(2026, 1, 12)
    assert read_date("01/21/2022") is None


@pytest.mark.parametrize(
    "text",
    ["31/02/2026", "29/02/2025", "00/01/2026", "32/1/2026", "hôm qua", "tháng 6", "6/2026", "16062026", "2026-13-01"],
)
def test_impossible_dates(text: str) -> None:
    value = read(text, ValueType.DATE)
    assert (value.day, value.problem) == (None, "CELL-NOT-DATE")


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2099, 12, 31)))
def test_every_day_in_every_form(day: date) -> None:
    forms = [
        format_date(day),
        f"{day.day}/{day.month}/{day.year % 100:02d}",
        day.isoformat(),
        f"ngày {day.day:02d} tháng {day.month} năm {day.year}",
        f"{['T2', 'T3', 'T4', 'T5', 'T6', 'T7', 'CN'][day.weekday()]}, {format_date(day)}",
    ]
    assert {read(form, ValueType.DATE).day for form in forms} == {day}
    serial = str((day - date(1899, 12, 30)) // timedelta(days=1))
    assert read(serial, ValueType.DATE, CellKind.NUMBER).day == day
    assert read(day.isoformat(), ValueType.DATE, CellKind.DATE).day == day


@pytest.mark.parametrize("serial", ["5", "36525", "73051", "46189.5", "9" * 5000])
def test_serials_outside_this_century_are_no_dates(serial: str) -> None:
    assert read(serial, ValueType.DATE, CellKind.NUMBER).problem == "CELL-NOT-DATE"


# -- answers and codes


@pytest.mark.parametrize(
    ("text", "answer"),
    [("Có", "yes"), ("CÓ", "yes"), ("Không", "no"), ("ko", "no"), ("TRUE", "yes"), ("Chưa rõ", None)],
)
def test_yes_and_no(text: str, answer: str | None) -> None:
    value = read(text, ValueType.YES_NO)
    assert value.text == answer
    assert (value.problem == "CELL-NOT-CHOICE") == (answer is None)


@pytest.mark.parametrize("text", ["Định kỳ", "ĐỊNH KỲ", "định kì", "admin", "Định kỳ (NĐ 09/2019/NĐ-CP)"])
def test_a_choice_in_any_of_its_words(text: str) -> None:
    assert read(text, ValueType.CHOICE).text == "admin"


def test_a_wrong_choice_names_the_right_ones() -> None:
    assert read("Đột xuất", ValueType.CHOICE).expected == "Định kỳ (NĐ 09/2019/NĐ-CP), Thống kê"


def test_of_a_long_list_the_nearest_are_named() -> None:
    awards = next(column for column in read_forms()["F14"].versions[-1].columns if column.field == "hinh_thuc")
    expected = parse_value(Cell(CellKind.TEXT, "bằng khen"), awards).expected
    assert expected is not None
    named = expected.split("; ")
    assert named[:2] == ["Bằng khen của Thủ tướng Chính phủ", "Bằng khen của Chủ tịch UBND tỉnh"]
    assert len(named) < 8 < len(awards.choices)
    assert named[-1] == "hoặc mục khác trong danh sách của ô"
    assert "Giấy khen" in str(parse_value(Cell(CellKind.TEXT, "Giấy khn"), awards).expected).split("; ")


@pytest.mark.parametrize(("kind", "problem"), [(CellKind.ERROR, "CELL-ERROR"), (CellKind.UNCACHED, "CELL-UNCACHED")])
@pytest.mark.parametrize("declared", list(ValueType))
def test_formulas_without_a_result(kind: CellKind, problem: str, declared: ValueType) -> None:
    assert read("#N/A", declared, kind).problem == problem


def test_a_date_where_a_code_belongs() -> None:
    assert read("2026-06-01", ValueType.CODE, CellKind.DATE).problem == "CELL-NOT-TEXT"
    assert read("2026-06-01", ValueType.TEXT, CellKind.DATE).text == "2026-06-01"


def test_no_cell_is_blank() -> None:
    assert parse_value(None, DECLARED[ValueType.COUNT]).missing == "blank"


ODD_TEXT = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="0123456789.,-–()% \u00a0/x…hơngầT2CN:eE+", max_size=25),
    st.floats().map(repr),
    st.dates().map(str),
)
FORMATS = st.one_of(
    st.none(),
    st.sampled_from(["0%", "General", "@", "0.0", "dd/mm/yyyy"]),
    st.text(alphabet='0#?.,;%"[]\\_*@', max_size=10),
)


@given(
    ODD_TEXT,
    st.sampled_from([kind for kind in CellKind if kind is not CellKind.INVALID]),
    st.sampled_from(list(ValueType)),
    FORMATS,
)
def test_any_cell_is_a_value_a_reason_or_a_finding(
    text: str, cell: CellKind, kind: ValueType, number_format: str | None
) -> None:
    value = parse_value(Cell(cell, text, number_format), DECLARED[kind])
    present = [part for part in (value.number, value.text, value.day) if part is not None]
    assert len(present) == (value.missing is None)
    assert (value.missing == "bad") == (value.problem is not None)
    assert value.problem is None or value.problem in read_catalogue().entries
    if value.number is not None:
        assert value.number.is_finite() and abs(value.number) < 10**30
        assert kind is ValueType.MONEY or value.number >= 0
        assert value.decimals is not None and 0 <= value.decimals <= MAX_DECIMALS
        assert kind is not ValueType.COUNT or value.number == int(value.number)
