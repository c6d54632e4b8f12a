"""What sums and percentages allow: blanks, the sender's decimals, denominators of nought."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.validation.arithmetic import percents_make_hundred, percents_match, stays_within_share, sums_match

BLANK = math.nan


def one(values: list[float]) -> pd.DataFrame:
    return pd.DataFrame([values], dtype="float64")


@pytest.mark.parametrize(
    ("parts", "total", "right"),
    [
        ([1, 2], 3, True),
        ([1, 2], 4, False),
        ([BLANK, BLANK], 4, True),  # nothing was broken down
        ([BLANK, BLANK], BLANK, True),
        ([0, 0], 4, False),  # nought is an answer
        ([0, BLANK], 4, False),
        ([3, BLANK], 3, True),  # a blank part counts as nought
        ([3, BLANK], BLANK, False),  # and so does a blank total
        ([0, BLANK], BLANK, True),
        ([0.1, 0.2], 0.3, True),
        ([4_999_999, 1], 4_999_999, False),
    ],
)
def test_sums(parts: list[float], total: float, right: bool) -> None:
    assert bool(sums_match(one([*parts, total]))[0]) is right


@given(
    st.lists(st.integers(min_value=0, max_value=10**9), min_size=1, max_size=17),
    st.integers(min_value=1, max_value=10**6),
)
def test_true_sums_pass_and_wrong_ones_do_not(parts: list[int], off: int) -> None:
    right = [float(part) for part in parts]
    assert bool(sums_match(one([*right, float(sum(parts))]))[0])
    assert not bool(sums_match(one([*right, float(sum(parts) + off)]))[0])


@pytest.mark.parametrize(
    ("percent", "decimals", "verdict"),
    [
        (38.2, 1, "right"),  # Bắc Kạn 2020: 179 of 468 is 38,2478… %
        (38.25, 2, "right"),
        (38.248, 3, "right"),
        (38, 0, "right"),
        (38.3, 1, "warning"),
        (38.20, 2, "warning"),
        (39, 0, "error"),
        (38.7, 1, "warning"),
        (38.75, 2, "error"),
        (0.382, 3, "error"),
    ],
)
def test_a_percentage_is_held_to_its_own_decimals(percent: float, decimals: int, verdict: str) -> None:
    frame = one([179, 468, percent, decimals])
    warned = not bool(percents_match(frame, "rounding", 0.5)[0])
    refused = not bool(percents_match(frame, 0.5, None)[0])
    assert (warned, refused) == (verdict == "warning", verdict == "error")


@given(
    st.integers(min_value=0, max_value=10**6),
    st.integers(min_value=1, max_value=10**6),
    st.integers(min_value=0, max_value=4),
)
def test_honest_rounding_never_warns(part: int, whole: int, decimals: int) -> None:
    rounded = (Decimal(100) * part / whole).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    frame = one([part, whole, float(rounded), decimals])
    assert bool(percents_match(frame, "rounding", 0.5)[0])
    assert bool(percents_match(frame, 0.5, None)[0])


@given(st.floats(min_value=0, max_value=1000, allow_nan=False))
def test_warning_and_error_never_together(percent: float) -> None:
    frame = one([179, 468, percent, 1])
    assert bool(percents_match(frame, "rounding", 0.5)[0]) or bool(percents_match(frame, 0.5, None)[0])


def test_a_share_of_nought_has_no_percentage() -> None:
    assert bool(percents_match(one([0, 0, 0, 0]), "rounding", 0.5)[0])
    assert bool(percents_match(one([5, 0, 100, 0]), 0.5, None)[0])


@pytest.mark.parametrize(
    ("percents", "count", "right"),
    [([38.2, 61.8], 468, True), ([38.2, 61.75], 468, False), ([0, 0], 0, True), ([0, 0], 468, False)],
)
def test_percentages_make_hundred(percents: list[float], count: float, right: bool) -> None:
    assert bool(percents_make_hundred(one([*percents, count]))[0]) is right


@pytest.mark.parametrize(
    ("parts", "value", "share", "right"),
    [
        ([3, 4], 7, 1.0, True),
        ([3, 4], 8, 1.0, False),
        ([BLANK, 4], 4, 1.0, True),
        ([BLANK, BLANK], 1, 1.0, False),  # granted, though nothing was ever proposed
        ([BLANK, BLANK], 0, 1.0, True),
        ([BLANK, BLANK], BLANK, 1.0, True),
        ([1, 0], BLANK, 1.0, True),
        ([20], 3, 0.15, True),  # 0.15 × 20 is 3 and not a little less
        ([20], 4, 0.15, False),
        ([4_999_980], 749_997, 0.15, True),
        ([4_999_980], 749_998, 0.15, False),
    ],
)
def test_shares(parts: list[float], value: float, share: float, right: bool) -> None:
    assert bool(stays_within_share(one([*parts, value]), share)[0]) is right
