"""Outliers: found where planted, never among equals, whatever the scale."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.validation.outliers import FEWEST_PEERS, find_outliers, modified_z_scores

numbers = st.integers(-10_000, 10_000).map(float)
crowds = st.lists(numbers, min_size=FEWEST_PEERS + 1, max_size=40)


def places(values: list[float]) -> list[int]:
    found = find_outliers(values)
    assert found is not None
    return [one.place for one in found]


@given(crowds, st.sampled_from([0.25, 2.0, 64.0]), st.integers(-1_000, 1_000))
def test_scale_and_shift_change_nothing(values: list[float], scale: float, shift: int) -> None:
    assert places([value * scale for value in values]) == places(values)
    assert places([value + shift for value in values]) == places(values)


@given(numbers, st.integers(FEWEST_PEERS + 1, 40))
def test_equal_values_never_stand_apart(value: float, count: int) -> None:
    assert places([value] * count) == []
    assert modified_z_scores([value] * count) == [0.0] * count


@given(st.lists(st.integers(100, 120).map(float), min_size=FEWEST_PEERS + 2, max_size=40), st.data())
def test_one_planted_value_is_found(values: list[float], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(values) - 1))
    values[place] = 100_000.0
    assert place in places(values)


@given(crowds)
def test_a_mirror_finds_the_same(values: list[float]) -> None:
    assert places([-value for value in values]) == places(values)


@given(st.lists(numbers, max_size=FEWEST_PEERS))
def test_too_few_say_nothing(values: list[float]) -> None:
    assert find_outliers(values) is None


def test_modified_z_by_hand() -> None:
    # median 3, distances -2 -1 0 1 97, MAD 1
    assert modified_z_scores([1, 2, 3, 4, 100]) == pytest.approx([0.6745 * d for d in (-2, -1, 0, 1, 97)])


def test_more_than_half_equal_falls_back_to_the_mean_deviation() -> None:
    # median 5, MAD 0, mean absolute deviation 20 / 10 = 2
    assert modified_z_scores([5] * 9 + [25])[-1] == pytest.approx(20 / (1.253314 * 2))
    (found,) = find_outliers([5.0] * 9 + [25.0]) or []
    assert (found.place, found.median_of_others, found.z) == (9, 5.0, math.inf)


def test_two_outliers_do_not_hide_each_other_from_the_median() -> None:
    """The leave-one-out z of each is spoiled by the other: both measures must agree, so nothing is claimed lightly."""
    values = [10.0, 11, 9, 10, 12, 10, 9, 11, 500, 520]
    assert all(abs(score) > 3.5 for score in modified_z_scores(values)[-2:])
    assert places([*values[:-1], 10.0]) == [8]
