"""The oracle against findings worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from etl.forms.declaration import FIELD_COLUMN, CellKey
from etl.sample.answers import BLANK, Answer, Unreadable, write_plain
from etl.sample.draft import Draft


def f00(row: str) -> CellKey:
    return CellKey("F00", row, FIELD_COLUMN)


def f05(row: str, column: str) -> CellKey:
    return CellKey("F05", row, column)


def f07(row: str) -> CellKey:
    return CellKey("F07", row, FIELD_COLUMN)


def judged(draft: Draft) -> set[tuple[str, str, str]]:
    """(code, row, column) of every finding."""
    found = draft.findings()
    keys = [(item.code, item.spot.at) for item in found]
    assert len(keys) == len(set(keys)), "no finding twice"
    return {(code, key.row, key.column) for code, key in keys if isinstance(key, CellKey)}


def text_percent(text: str) -> Answer:
    decimals = len(text.partition(",")[2])
    return Answer(Decimal(text.replace(",", ".")), text, decimals=decimals)


def test_mixed_precision_of_2020_is_a_warning_on_the_second_percentage(commune_draft: Draft) -> None:
    commune_draft.write(f07("05"), text_percent("61,75"))
    assert judged(commune_draft) == {("F07-PERCENT-SUM", "05", "1")}


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("38", None),  # 38.2479 is within half a point of 38
        ("38,2", None),
        ("38,3", "F07-LEADER-PERCENT"),
        ("38,25", None),
        ("38,26", "F07-LEADER-PERCENT"),
        ("38,74", "F07-LEADER-PERCENT"),  # 0.492 off
        ("38,8", "F07-LEADER-PERCENT-OFF"),
        ("39", "F07-LEADER-PERCENT-OFF"),
        ("0,382", "F07-LEADER-PERCENT-OFF"),
    ],
)
def test_percentage_is_judged_at_its_own_decimals(commune_draft: Draft, written: str, code: str | None) -> None:
    commune_draft.write(f07("03"), text_percent(written))
    commune_draft.write(f07("05"), BLANK)
    assert judged(commune_draft) == ({(code, "03", "1")} if code else set())


def test_half_a_unit_off_is_still_right(commune_draft: Draft) -> None:
    row = next(key.row for key in commune_draft.answers if key.form == "F03")
    for column, number in (("1", 800), ("2", 1), ("3", 1)):
        commune_draft.write(CellKey("F03", row, column), write_plain(number))
    for text in ("0,12", "0,13"):  # 0.125 exactly
        commune_draft.write(CellKey("F03", row, "4"), text_percent(text))
        assert judged(commune_draft) == set()


def test_part_of_a_column_breaks_column_and_row(commune_draft: Draft) -> None:
    commune_draft.write(f05("12", "2"), write_plain(218))
    assert judged(commune_draft) == {("F05-BY-METHOD", "01", "2"), ("F05-ROW-SUM", "12", "1")}


def test_individuals_of_the_awards_are_tied_to_the_structure(commune_draft: Draft) -> None:
    commune_draft.write(f05("10", "2"), write_plain(290))
    assert judged(commune_draft) == {
        ("F05-INDIVIDUALS", "05", "2"),
        ("F05-ROW-SUM", "10", "1"),
        ("X-WORKERS", "04", "1"),
    }


def test_leaders_one_more_breaks_three_things(commune_draft: Draft) -> None:
    commune_draft.write(f07("02"), write_plain(180))
    # 180 of 468 are 38.4615 %: 38,2 is 0.26 off.
    assert judged(commune_draft) == {
        ("F07-TOTAL", "01", "1"),
        ("X-LEADERS", "02", "1"),
        ("F07-LEADER-PERCENT", "03", "1"),
    }


def test_unreadable_cell_silences_the_rules_that_need_it(commune_draft: Draft) -> None:
    commune_draft.write(f05("10", "2"), Answer(Unreadable("CELL-APPROXIMATE"), "hơn 280"))
    commune_draft.write(f05("05", "2"), write_plain(999))
    # The sum over individuals and the row need the unreadable cell; subjects, row 05 and the tie do not.
    assert judged(commune_draft) == {
        ("CELL-APPROXIMATE", "10", "2"),
        ("F05-BY-SUBJECT", "01", "2"),
        ("F05-ROW-SUM", "05", "1"),
        ("X-INDIVIDUALS", "01", "1"),
    }


def test_blank_total_counts_as_nought_unless_it_must_be_filled(commune_draft: Draft) -> None:
    commune_draft.write(f05("01", "2"), BLANK)
    assert judged(commune_draft) == {
        ("F05-BY-SUBJECT", "01", "2"),
        ("F05-BY-METHOD", "01", "2"),
        ("F05-ROW-SUM", "01", "1"),
    }
    commune_draft.write(f05("01", "1"), BLANK)
    assert judged(commune_draft) == {
        ("F05-BY-SUBJECT", "01", "2"),
        ("F05-BY-METHOD", "01", "2"),
        ("CELL-REQUIRED", "01", "1"),
    }


def test_blank_parts_skip_the_sum(commune_draft: Draft) -> None:
    for row in ("11", "12", "13", "14", "15", "16", "17"):
        commune_draft.write(f05(row, "6"), BLANK)
    assert judged(commune_draft) == set()


def test_column_of_the_province_stays_out_of_the_rows(commune_draft: Draft) -> None:
    commune_draft.write(f05("03", "6"), write_plain(6))
    assert judged(commune_draft) == set()
    commune_draft.write(f05("03", "6"), write_plain(146))
    assert judged(commune_draft) == {("F05-ENTERPRISES", "03", "6")}


def test_figure_in_a_structural_zero_silences_its_sums(commune_draft: Draft) -> None:
    """The sender is to delete it; a sum over it would ask to count it."""
    commune_draft.write(f05("02", "3"), write_plain(2))
    assert judged(commune_draft) == {("CELL-NOT-APPLICABLE", "02", "3")}


@pytest.mark.parametrize(
    ("signed", "estimate", "codes"),
    [
        (date(2026, 6, 14), "no", set()),
        (date(2026, 6, 13), "no", {"F00-ESTIMATE"}),
        (date(2026, 6, 13), "yes", set()),
        (date(2025, 12, 14), "yes", {"F00-SIGNED-EARLY"}),
        (date(2025, 12, 14), "no", {"F00-SIGNED-EARLY", "F00-ESTIMATE"}),
    ],
)
def test_day_of_signature(commune_draft: Draft, signed: date, estimate: str, codes: set[str]) -> None:
    commune_draft.write(f00("10"), Answer(signed, signed))
    commune_draft.write(f00("08"), Answer(estimate, "Có" if estimate == "yes" else "Không"))
    assert judged(commune_draft) == {(code, "10", "1") for code in codes}


def test_running_total_below_the_result(commune_draft: Draft) -> None:
    key = next(key for key in commune_draft.answers if key.form == "F03" and key.column == "3")
    commune_draft.write(key, write_plain(49))
    assert judged(commune_draft) == {("F03-CUMULATIVE", key.row, "3")}
    commune_draft.write(key, BLANK)
    assert judged(commune_draft) == set()
