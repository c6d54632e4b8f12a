"""Spelling, keys, order, numbers and dates of etl/text.py."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.text import (
    comparison_key,
    fold,
    format_date,
    format_instant,
    format_number,
    normalise,
    percent_of,
    show_name,
    show_share,
    sort_key,
)

VIETNAMESE = st.text(
    alphabet=st.sampled_from(
        "aăâbcdđeêghiklmnoôơpqrstuưvxyàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ"
        "AĐÊÔƠƯÝ ,.-–—()%\u00a0\u200b\u0301\u0300\u0323"
    ),
    max_size=30,
)
ANY = st.one_of(VIETNAMESE, st.text(max_size=30))


@given(ANY)
def test_normalise_is_idempotent_and_composed(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.strip()
    assert "  " not in once


@given(ANY)
def test_normalise_does_not_depend_on_the_unicode_form(text: str) -> None:
    assert normalise(unicodedata.normalize("NFD", text)) == normalise(unicodedata.normalize("NFC", text))


@given(ANY)
def test_keys_are_idempotent(text: str) -> None:
    assert comparison_key(comparison_key(text)) == comparison_key(text)
    assert fold(fold(text)) == fold(text)


@given(VIETNAMESE)
def test_keys_ignore_case_and_form(text: str) -> None:
    assert comparison_key(text.upper()) == comparison_key(text)
    assert comparison_key(unicodedata.normalize("NFD", text)) == comparison_key(text)
    assert fold(comparison_key(text)) == fold(text)


def test_the_three_unicode_spellings_are_one() -> None:
    compound = "ê\u0301"  # Unicode tổ hợp: neither NFC nor NFD
    assert normalise(f"ti{compound}ng") == normalise("tiếng") == normalise(unicodedata.normalize("NFD", "tiếng"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Xã Phục Hoà", "xã  Phục Hòa"),
        ("Xã Đàm Thuỷ", "XÃ ĐÀM THỦY"),
        ("sức khoẻ", "sức khỏe"),
        ("Kỷ luật, tỷ lệ", "Kỉ luật, tỉ lệ"),
        ("Vinh Quý", "Vinh Quí"),
        ("vì người nghèo – Không để ai", "Vì người nghèo - không để ai"),
        ("ĐBQH–HĐND", "ĐBQH - HĐND"),
        ("Ðàm Thuỷ", "Đàm Thuỷ"),  # U+00D0 typed for Đ
        ("Khối\u00a0thi đua số\u200b 5", "Khối thi đua số 5"),
    ],
)
def test_keys_join_spellings_of_the_same_words(one: str, other: str) -> None:
    assert comparison_key(one) == comparison_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Thuý", "Thúi"),
        ("hòa", "hóa"),
        ("Minh Tâm", "Minh Tam"),
        ("đa", "da"),
        ("Tỷ lệ (%)", "Tỷ lệ"),
        ("Cụm 1", "Cụm 11"),
        ("tay", "tai"),
    ],
)
def test_keys_keep_different_words_apart(one: str, other: str) -> None:
    assert comparison_key(one) != comparison_key(other)


def test_fold_drops_diacritics() -> None:
    assert fold("Xã Đàm Thuỷ – huyện Trùng Khánh") == "xa dam thuy huyen trung khanh"


def mix(texts: list[str]) -> list[str]:
    """The same texts in an order that is neither the right one nor its reverse."""
    return texts[1::2] + texts[::2]


def test_sort_key_follows_the_vietnamese_alphabet() -> None:
    ordered = ["An", "Ăn", "Ân", "Bình", "Cao", "Dân", "Đa", "Đàm", "Em", "Ê", "Ô", "Ơ", "Uy", "Ưu", "Vinh", "Xuân"]
    assert sorted(mix(ordered), key=sort_key) == ordered
    tones = ["ma", "mà", "mả", "mã", "má", "mạ"]
    assert sorted(mix(tones), key=sort_key) == tones
    # A shorter first word comes first whatever its tone: "bạ" stands before "ban".
    assert sorted(["ban", "bạ", "bà"], key=sort_key) == ["bà", "bạ", "ban"]
    assert sorted(["Khối 10", "Khối 2", "khối 1"], key=sort_key) == ["khối 1", "Khối 2", "Khối 10"]
    assert sort_key("9" * 5000) < sort_key("1" + "0" * 5000)


@given(st.lists(ANY, max_size=6))
def test_sort_key_gives_one_order(texts: list[str]) -> None:
    ordered = [normalise(text) for text in sorted(texts, key=sort_key)]
    assert [normalise(text) for text in sorted(mix(texts), key=sort_key)] == ordered


@pytest.mark.parametrize(
    ("value", "decimals", "written"),
    [
        (0, None, "0"),
        (1234.5, None, "1.234,5"),
        (368994, None, "368.994"),
        (2530000, 0, "2.530.000"),
        (Decimal("38.2479"), 1, "38,2"),
        (Decimal("61.7521"), 2, "61,75"),
        (Decimal("0.005"), 2, "0,01"),
        (Decimal("-0.004"), 2, "0,00"),
        (Decimal("-1234.50"), None, "-1.234,5"),
        (Decimal("1E+6"), None, "1.000.000"),
        (5, 2, "5,00"),
        (Decimal("9.99"), 1, "10,0"),
        (100, None, "100"),
    ],
)
def test_format_number(value: int | float | Decimal, decimals: int | None, written: str) -> None:
    assert format_number(value, decimals) == written


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3))
def test_a_written_number_reads_back(value: Decimal) -> None:
    assert Decimal(format_number(value).replace(".", "").replace(",", ".")) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4), st.integers(0, 3))
def test_rounding_stays_within_half_a_unit(value: Decimal, decimals: int) -> None:
    read = Decimal(format_number(value, decimals).replace(".", "").replace(",", "."))
    assert abs(read - value) <= Decimal(5).scaleb(-decimals - 1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")])
def test_format_number_refuses_what_is_not_finite(value: float | Decimal) -> None:
    with pytest.raises(ValueError, match="not finite"):
        format_number(value)


def test_dates_and_instants() -> None:
    assert format_date(date(2026, 2, 9)) == "09/02/2026"
    assert format_instant(datetime(2026, 12, 16, 17, 30, tzinfo=UTC)) == "17/12/2026 00:30"
    with pytest.raises(ValueError, match="no time zone"):
        format_instant(datetime(2026, 12, 16, 17, 30))  # noqa: DTZ001 - the naive instant is the point


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "–"), (0.0, "0,0 %"), (1, "100,0 %"), (1.0, "100,0 %"), (0.9996, "99,9 %"), (0.99999999, "99,9 %"),
        (0.875, "87,5 %"), (0.289, "28,9 %"), (0.057, "5,7 %"), (2 / 3, "66,6 %"), (1e-9, "0,0 %"),
    ],
)  # fmt: skip
def test_a_share_is_rounded_down(share: float | None, text: str) -> None:
    assert show_share(share) == text


@given(st.integers(1, 5000), st.data())
def test_only_all_is_a_hundred_percent(whole: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, whole))
    assert (percent_of(part / whole) == 100) == (part == whole)


def test_names_of_files_can_be_printed() -> None:
    assert show_name("Báo cáo 6 tháng (1).xlsx") == "Báo cáo 6 tháng (1).xlsx"
    assert show_name("b\udce1o\n\x1b[2J.xlsx") == "b\\xe1o\\n\\x1b[2J.xlsx"
