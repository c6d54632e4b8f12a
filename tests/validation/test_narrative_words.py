"""What counts as words of a narrative, and that error and warning about one text never come together."""

from __future__ import annotations

import math
import unicodedata

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.sample import judge_basics
from etl.text import normalise
from etl.validation.arithmetic import count_words, texts_are_long_enough

TEN = "Một hai ba bốn năm sáu bảy tám chín mười"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TEN, 10),
        ("", 0),
        (None, 0),
        (math.nan, 0),
        ("- … ... x X 0 / 1.415", 0),
        ("không", 1),
        ("Kế hoạch số 12/KH-UBND", 5),
        ("ý, ở, y", 0),  # lone letters cannot be told from marks
        ("người_lao động", 3),
    ],
)
def test_words(text: object, words: int) -> None:
    assert count_words(text) == words


@pytest.mark.parametrize(
    ("texts", "at_least", "unless_below", "right"),
    [
        (["-"], 1, 0, False),
        (["không"], 1, 0, True),
        (["không"], 10, 1, False),
        (["-"], 10, 1, True),  # the other rule's
        ([TEN], 10, 1, True),
        ([None, "-", TEN], 10, 1, True),  # one of several is enough
        ([None, "không", "-"], 10, 1, False),
        ([None, None, None], 1, 0, False),
        ([math.nan, None], 10, 1, True),
    ],
)
def test_long_enough(texts: list[object], at_least: int, unless_below: int, right: bool) -> None:
    frame = pd.DataFrame([texts], dtype=object)
    assert list(texts_are_long_enough(frame, at_least, unless_below)) == [right]


@given(st.lists(st.one_of(st.none(), st.text(max_size=60)), min_size=1, max_size=3))
def test_error_and_warning_never_together(texts: list[str | None]) -> None:
    frame = pd.DataFrame([texts], dtype=object)
    assert texts_are_long_enough(frame, 1, 0).all() or texts_are_long_enough(frame, 10, 1).all()


@given(st.text(alphabet=st.sampled_from("aăđờừỵx-_ .,;09\n\u00a0"), max_size=80))
def test_the_sample_counts_alike(text: str) -> None:
    """The answer key has its own count; in whatever Unicode form, both must see the same words."""
    for form in ("NFC", "NFD"):
        written = unicodedata.normalize(form, text)
        assert judge_basics.count_words(written) == count_words(normalise(written))
