"""The rules on decisions say what the register says of awards; the fund's bonuses; the ranks of a bloc; balances."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.findings.catalogue import read_suite_specs
from etl.forms.library import read_forms
from etl.register.model import Register
from etl.text import comparison_key
from etl.validation.arithmetic import (
    amounts_are_near,
    balances_close,
    ranks_are_complete,
    ranks_follow_scores,
    rows_differ,
)
from etl.validation.bonus import Bonus, BonusLine, compute_bonus
from etl.validation.sums import parse_sum
from tests.golden.case import put
from tests.golden.sender import BLOC, YEAR, YEAR_PERIOD, codes, drop_row, examine, make_sending, read_knowledge
from tests.golden.sound_decisions import fill_fund

NAN = float("nan")
SPRING, AUTUMN = date(2026, 5, 19), date(2026, 11, 20)


@pytest.fixture(scope="module")
def register() -> Register:
    return read_knowledge().register


def rules_of(suite: str) -> dict[str, dict[str, Any]]:
    return {rule["meta"]["code"]: rule for rule in read_suite_specs()[suite]["expectations"]}


# -- form, suites and register agree


def test_choices_of_the_form_are_the_awards_of_the_register(register: Register) -> None:
    columns = {column.field: column for column in read_forms()["F14"].versions[-1].columns}
    assert {choice.value: choice.labels[0] for choice in columns["hinh_thuc"].choices} == {
        award.code: award.name for award in register.awards
    }
    issuers = {issuer.value for award in register.awards for issuer in award.issuers}
    assert {choice.value for choice in columns["cap_quyet_dinh"].choices} == issuers
    kinds = {kind.value for award in register.awards for kind in award.kinds}
    assert {choice.value for choice in columns["doi_tuong"].choices} == kinds
    assert len(columns["phuong_thuc"].choices) == 7


def test_no_word_means_two_answers() -> None:
    for form in read_forms().values():
        for version in form.versions:
            for declared in (*version.fields, *version.columns):
                for choice in declared.choices:
                    for word in (choice.value, *choice.labels):
                        assert declared.answers[comparison_key(word)] == choice.value, f"{form.code}: {word}"


def test_pairs_of_the_rules_are_those_of_the_register(register: Register) -> None:
    rules = rules_of("F14")
    issued = {(issuer.value, award.code) for award in register.awards if not award.is_party for issuer in award.issuers}
    assert {tuple(pair) for pair in rules["F14-ISSUER"]["kwargs"]["pairs"]} == issued
    kinds = {(award.code, kind.value) for award in register.awards for kind in award.kinds}
    assert {tuple(pair) for pair in rules["F14-KIND"]["kwargs"]["pairs"]} == kinds
    party = {award.code for award in register.awards if award.is_party}
    for code in ("F14-PARTY-ISSUER", "F14-PARTY-AWARD"):
        assert set(rules[code]["kwargs"]["value_set"]) == party


def test_every_cell_that_counts_awards_is_held_to_the_list(register: Register) -> None:
    counted: dict[str, set[tuple[str, str]]] = {}
    for award in register.awards:
        for kind, (form, row, column) in award.cells.items():
            version = read_forms()[form].versions[-1]
            field = next((declared.field for declared in version.fields if declared.code == row), None)
            counted.setdefault(f"{form}.{field}" if field else f"{form}.{row}.{column}", set()).add((award.code, kind))
    told: dict[str, set[tuple[str, str]]] = {}
    for rule in rules_of("cross.decisions").values():
        listed, cell = rule["kwargs"]["column_list"]
        wanted = parse_sum(listed)
        assert wanted is not None
        filters = dict(wanted.filters)
        told[cell] = {(award, kind) for award in filters["hinh_thuc"] for kind in filters["doi_tuong"]}
        assert rule["meta"]["blame"] == [cell]
    assert told == counted


# -- bonuses


def lines(*rows: tuple[str, str, int, date]) -> list[BonusLine]:
    return [BonusLine(award, kind, Decimal(count), day) for award, kind, count, day in rows]


def test_bonus_takes_the_base_salary_of_the_day_of_the_decision(register: Register) -> None:
    # Published tables: 702.000 and 1.872.000 at 2.340.000 đồng.
    assert compute_bonus(lines(("LDTT", "ca_nhan", 1, SPRING)), register) == Bonus(Decimal(702_000), Decimal(10_000))
    assert compute_bonus(lines(("TTLD_TT", "tap_the", 1, SPRING)), register) == Bonus(
        Decimal(1_872_000), Decimal(10_000)
    )
    both = compute_bonus(lines(("LDTT", "ca_nhan", 2, SPRING), ("GIAY_KHEN", "ho_gia_dinh", 3, AUTUMN)), register)
    assert both == Bonus(2 * Decimal(702_000) + 3 * Decimal(1_138_500), Decimal(50_000))


def test_awards_of_the_party_cost_this_fund_nothing(register: Register) -> None:
    assert compute_bonus(lines(("HH_DANG", "ca_nhan", 29, SPRING)), register) == Bonus(Decimal(0), Decimal(0))


@pytest.mark.parametrize(
    "row",
    [
        ("HHC", "ca_nhan", 1, SPRING),  # the coefficient depends on the order or medal
        ("BK_TINH", "ca_nhan", 1, date(2025, 6, 30)),  # under another decree
        ("CO_TINH", "ca_nhan", 1, SPRING),  # no flag for persons
        ("BK_HUYEN", "ca_nhan", 1, SPRING),
    ],
)
def test_one_line_without_a_coefficient_leaves_the_whole_open(
    register: Register, row: tuple[str, str, int, date]
) -> None:
    assert compute_bonus(lines(("LDTT", "ca_nhan", 1, SPRING), row), register) is None


@given(st.lists(st.integers(min_value=1, max_value=500), min_size=1, max_size=8))
def test_whoever_rounds_up_each_bonus_is_within_the_tolerance(counts: list[int]) -> None:
    register = read_knowledge().register
    due = compute_bonus(lines(*(("LDTT", "ca_nhan", count, SPRING) for count in counts)), register)
    assert due is not None
    paid = sum(counts) * 710_000
    columns = pd.DataFrame([[float(paid), float(due.due), float(due.tolerance)]])
    assert bool(amounts_are_near(columns)[0])


def test_bonuses_are_not_judged_without_the_list_or_with_a_line_nobody_can_read() -> None:
    edits = [fill_fund, put("F10", "06", "1", 1), put("F10", "08", "1", 12_000_001), put("F10", "09", "1", 727_999_999)]
    sendings = [
        make_sending(*edits, *more, report=YEAR, period=YEAR_PERIOD)
        for more in ([], [put("F14", "5", "1", "vài")], [put("F14", "5", "C", None)], [put("F14", "5", "A", "năm")])
    ]
    found = ["F10-BONUS" in codes(examined) for examined in examine(*sendings)]
    assert found == [True, False, False, False]


def test_bonuses_and_ties_count_lines_whose_number_is_blank_or_stands_twice() -> None:
    """Nothing is found when they all count; with a figure of the fund, or of such a line, wrong the rules speak."""
    renumbered = [put("F14", "2", "A", None), put("F14", "4", "A", "1"), put("F14", "5", "A", "1")]
    wrong_fund = [put("F10", "06", "1", 1), put("F10", "08", "1", 12_000_001), put("F10", "09", "1", 727_999_999)]
    sendings = [
        make_sending(fill_fund, *edits, *more, report=YEAR, period=YEAR_PERIOD)
        for edits in ([], renumbered)
        for more in ([], wrong_fund, [put("F14", "2", "1", 77)], [put("F14", "5", "1", 77)])
    ]
    found = [sorted(codes(examined)) for examined in examine(*sendings)]
    assert found[:4] == found[4:]
    assert found[0] == []
    assert "F10-BONUS" in found[1]
    assert any(code.startswith("X-F14-") for code in found[2])
    assert any(code.startswith("X-F14-") for code in found[3])


# -- balances


@pytest.mark.parametrize(
    ("figures", "floor", "right"),
    [
        ([100, 50, 30, 120], None, True),
        ([100, 50, 30, 121], None, False),
        ([NAN, 50, 30, 20], None, True),
        ([NAN, NAN, NAN, 5], None, True),
        ([5, NAN, NAN, NAN], None, False),
        ([1, 1, 5, 0], None, False),
        ([1, 1, 5, 0], 0, True),
        ([1, 1, 2, 1], 0, False),
    ],
)
def test_balances(figures: list[float], floor: float | None, right: bool) -> None:
    assert bool(balances_close(pd.DataFrame([figures], dtype="float64"), floor)[0]) is right


# -- ranks


def bloc(ranks: Sequence[float], scores: Sequence[float] | None = None, members: int | None = None) -> pd.DataFrame:
    shown = scores if scores is not None else [members if members is not None else len(ranks)] * len(ranks)
    pairs = zip(shown, ranks, strict=True) if scores is not None else zip(ranks, shown, strict=True)
    return pd.DataFrame([[0.0, *pair] for pair in pairs], dtype="float64")


@pytest.mark.parametrize(
    ("ranks", "wrong"),
    [
        ([1, 2, 3, 4], []),
        ([4, 1, 3, 2], []),
        ([1, 2, 2, 4], []),
        ([1, 1, 1, 4], []),
        ([1, 2, 4, 5], [2]),
        ([2, 3, 4, 5], [0]),
        ([1, 2, 2, 3], [3]),
        ([1, 3, 3, 5], [1, 2]),
        ([1, 1, 2, 3], [2]),
        ([1, NAN, 5, 9], []),
    ],
)
def test_gaps_are_told_once(ranks: list[float], wrong: list[int]) -> None:
    right = ranks_are_complete(bloc(ranks))
    assert [place for place, fits in enumerate(right) if not fits] == wrong


def test_a_bloc_that_is_not_complete_has_no_gaps() -> None:
    assert ranks_are_complete(bloc([1, 3, 4], members=3)).tolist() == [True, False, True]
    assert ranks_are_complete(bloc([1, 3, 4], members=4)).all()
    assert ranks_are_complete(pd.DataFrame([[0.0, 1.0, NAN], [0.0, 3.0, NAN]])).all()


@given(st.lists(st.integers(min_value=0, max_value=20), min_size=1, max_size=12))
def test_ranks_by_score_are_always_right(scores: list[int]) -> None:
    ranks = [1 + sum(other > score for other in scores) for score in scores]
    assert ranks_are_complete(bloc([float(rank) for rank in ranks])).all()
    assert ranks_follow_scores(bloc([float(rank) for rank in ranks], [float(score) for score in scores])).all()


@pytest.mark.parametrize(
    ("scores", "ranks", "wrong"),
    [
        ([90, 80, 70], [1, 2, 3], []),
        ([90, 90, 70], [2, 1, 3], []),  # the tie was broken by other means
        ([90, 80, 70], [1, 1, 3], []),
        ([90, 80, 70], [2, 1, 3], [0]),
        ([90, 80, 70], [3, 2, 1], [0, 1]),
        ([90, NAN, 70], [2, 1, 3], []),
        ([90, 80, 70], [NAN, 2, 1], [1]),
    ],
)
def test_the_higher_score_has_no_worse_rank(scores: list[float], ranks: list[float], wrong: list[int]) -> None:
    right = ranks_follow_scores(bloc(ranks, scores))
    assert [place for place, fits in enumerate(right) if not fits] == wrong


def test_two_blocs_of_a_batch_are_two_groups() -> None:
    both = pd.DataFrame([[0.0, 1.0, 2.0], [1.0, 3.0, 2.0], [0.0, 2.0, 2.0], [1.0, 1.0, 2.0]])
    assert ranks_are_complete(both).tolist() == [True, False, True, True]


def test_a_member_missing_is_told_and_nothing_else() -> None:
    first = make_sending(unit=BLOC, report=YEAR, period=YEAR_PERIOD).plan.sheet_of("F11").first_row
    sending = make_sending(drop_row("F11", first), unit=BLOC, report=YEAR, period=YEAR_PERIOD)
    (examined,) = examine(sending)
    found = [(finding.code, finding.row) for finding in examined.findings]
    assert found == [("ROW-NOT-REPORTED", "H14.VPUBND")]
    assert "thành viên “Văn phòng Ủy ban nhân dân tỉnh”" in examined.findings[0].message


def test_a_unit_of_another_bloc_is_no_member() -> None:
    sending = make_sending(put("F11", "H14.TTT", "A", "Sở Xây dựng"), unit=BLOC, report=YEAR, period=YEAR_PERIOD)
    (examined,) = examine(sending)
    assert codes(examined) == ["ROW-NOT-REPORTED", "ROW-NOT-ASKED"]


# -- repeated rows


def test_rows_that_differ_in_spelling_only_are_the_same() -> None:
    rows = [[0, "31/QĐ", "Phòng A"], [0, "31/qđ", "PHÒNG  A"], [1, "31/QĐ", "Phòng A"], [0, "31/QĐ", "Phòng B"]]
    assert rows_differ(pd.DataFrame(rows)).tolist() == [True, False, True, True]
