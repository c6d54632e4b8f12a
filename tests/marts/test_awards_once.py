"""A decision that a unit and its bloc, or two units, tell is counted once, and the others are shown with the reason."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.text import document_key, name_key
from etl.usecases.consolidate import consolidate_period
from etl.usecases.marts import read_mart
from tests.golden.sender import Sending
from tests.golden.sound_decisions import Line
from tests.marts.conftest import NOW, deliver
from tests.marts.old_province import (
    BLOC,
    FARMS,
    HEALTH,
    LANG_SON_SCORES,
    OFFICE,
    REPORT,
    decisions,
    open_workbook,
    scores,
)
from tests.usecases.deliveries import Post, rows_of

PERIOD = "2021-A1"
DAY = date(2021, 5, 19)
CERTIFICATE = "Bằng khen của Chủ tịch UBND tỉnh"
ROW = "ubnd_tinh+BK_TINH+ca_nhan+thuong_xuyen"
FIGURE = f"{REPORT}:{PERIOD}/awards/{ROW}/so_luong"


def line(number: str, recipient: str, count: int = 1, day: date = DAY, kind: str = "Cá nhân") -> Line:
    return Line(number, day, "Chủ tịch UBND tỉnh", CERTIFICATE, kind, recipient, count)


def send(post: Post, lines: dict[str, list[Line]]) -> None:
    """Units' lists of decisions, received in this order."""
    sent: dict[str, Sending] = {}
    for unit, listed in lines.items():
        edits = [scores(LANG_SON_SCORES)] if unit == BLOC else []
        sent[unit] = open_workbook(post.context, unit, PERIOD, *edits, decisions(*listed))
    deliver(post, PERIOD, sent)


def counted(post: Post) -> list[tuple[object, ...]]:
    """(unit, number, counted, why not) of every line, by unit."""
    return rows_of(
        post.context, "SELECT unit, number::integer, counted, left_out FROM mart.contribution WHERE report = :r AND period = :p "
        "AND figure = :f ORDER BY unit, form_row", r=REPORT, p=PERIOD, f=FIGURE,
    )  # fmt: skip


def test_one_decision_of_two_units_and_their_bloc_counts_once_with_the_unit_received_first(post: Post) -> None:
    send(
        post,
        {
            BLOC: [line("15/QD-UBND", "BÀ NÔNG THỊ KÍN"), line("17/QĐ-UBND", "Ông Bế Văn Độc")],
            HEALTH: [line("15/QĐ-UBND", "Bà Nông Thị Kín")],
            FARMS: [line("Số 015 / QĐ–UBND", "nông  thị kín", 2), line("16/QĐ-UBND", "Ông Khác")],
        },
    )
    why = "trùng quyết định đã tính ở Sở Y tế"
    assert counted(post) == [
        (BLOC, 1, False, why),
        (BLOC, 1, False, "quyết định chỉ có trong báo cáo của khối, cụm: chờ đơn vị thành viên báo cáo"),
        (FARMS, 2, False, why),
        (FARMS, 1, True, None),
        (HEALTH, 1, True, None),
    ]
    (shown,) = read_mart(post.context, "awards", REPORT, PERIOD).rows
    assert (shown["value"], shown["duplicates"], shown["bloc_only"], shown["units"]) == (2, 3, 1, 2)
    assert rows_of(post.context, "SELECT value::integer, units FROM mart.consolidated WHERE figure = :f", f=FIGURE) == [
        (2, 2)
    ]
    told = str(rows_of(post.context, "SELECT * FROM mart.award_line")) + str(
        rows_of(post.context, "SELECT * FROM mart.awards_source")
    )
    assert "kín" not in told.lower()
    found = [
        item
        for item in consolidate_period(post.context, REPORT, PERIOD, NOW).findings
        if item.code == "P-SAME-DECISION"
    ]
    assert len(found) == 3


def test_what_only_blocs_tell_is_never_said_to_be_counted(post: Post) -> None:
    send(post, {BLOC: [line("15/QĐ-UBND", "Bà Nông Thị Kín"), line("15/QD-UBND", "NÔNG THỊ KÍN")]})
    why = "quyết định chỉ có trong báo cáo của khối, cụm: chờ đơn vị thành viên báo cáo"
    assert counted(post) == [(BLOC, 1, False, why)] * 2
    (shown,) = read_mart(post.context, "awards", REPORT, PERIOD).rows
    assert (shown["value"], shown["duplicates"], shown["bloc_only"]) == (None, 1, 1)


def test_when_the_one_that_counts_is_returned_the_next_one_counts(post: Post) -> None:
    send(post, {HEALTH: [line("15/QĐ-UBND", "Bà Nông Thị Kín")], FARMS: [line("15/QĐ-UBND", "Bà Nông Thị Kín")]})
    assert [row[2] for row in counted(post)] == [False, True]
    with post.context.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO core.decision (submission_id, decision, decided_by, reason, recorded_at) "
            f"SELECT id, 'return', 'nguoi.duyet', 'thử', '2022-01-19T08:00:00+07:00' FROM core.submission WHERE unit = '{HEALTH}'"
        )
    assert counted(post) == [(FARMS, 1, True, None)]
    before = read_mart(post.context, "awards", REPORT, PERIOD, as_of=NOW.replace(day=18))
    assert [row["duplicates"] for row in before.rows] == [1]


def test_other_people_days_or_unnamed_lists_are_other_awards(post: Post) -> None:
    unnamed = "Các cá nhân theo danh sách kèm theo"
    send(
        post,
        {
            HEALTH: [line("15/QĐ-UBND", "Bà Nông Thị Kín"), line("18/QĐ-UBND", unnamed, 3)],
            FARMS: [line("15/QĐ-UBND", "Bà Nông Thị Kin"), line("18/QĐ-UBND", unnamed, 3)],
            OFFICE: [
                line("15/QĐ-UBND", "Bà Nông Thị Kín", day=date(2021, 6, 19)),
                line("151/QĐ-UBND", "Bà Nông Thị Kín"),
            ],
        },
    )
    assert all(row[2] for row in counted(post))
    (shown,) = read_mart(post.context, "awards", REPORT, PERIOD).rows
    assert (shown["value"], shown["duplicates"]) == (10, 0)


@pytest.mark.parametrize(
    "spelling",
    [
        "123/QĐ-UBND",
        "123 / QĐ - UBND",
        "123/qđ-ubnd",
        "123/QD-UBND",
        "0123/QĐ–UBND",
        "Số 123/QĐ-UBND",
        "Quyết định số: 123/QÐ-UBND",
    ],
)
def test_spellings_of_one_decision_have_one_key(spelling: str) -> None:
    assert document_key(spelling) == document_key("123/QĐ-UBND")


@pytest.mark.parametrize("other", ["124/QĐ-UBND", "12/3QĐ-UBND", "1 23/QĐ-UBND", "123/QĐ-TTg", "QĐ-UBND"])
def test_other_numbers_have_other_keys(other: str) -> None:
    assert document_key(other) != document_key("123/QĐ-UBND")


@pytest.mark.parametrize(
    "words", ["05 cá nhân", "Các tập thể theo danh sách kèm theo", "(có danh sách kèm theo)", "–", "12"]
)
def test_words_that_name_nobody_have_no_key(words: str) -> None:
    assert name_key(words) is None


def test_names_compare_by_their_letters_and_tones() -> None:
    assert name_key("Tập thể Sở Tài  chính") == name_key("SỞ TÀI CHÍNH") == name_key("sở tài chính.")
    assert name_key("Nguyễn Văn Ân") != name_key("Nguyễn Văn An")


@given(st.text(max_size=30))
def test_keys_are_stable_under_blanks_and_case_of_the_sender(text: str) -> None:
    assert document_key(f"  {text} ") == document_key(text)
    assert name_key(f"  {text} ") == name_key(text)
