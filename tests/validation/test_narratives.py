"""Copied texts: found through changed names, moved sentences and other spellings; what everybody writes is no copy."""

from __future__ import annotations

import random
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from etl.validation.narratives import FEWEST_SHINGLES, SHINGLE, Narrative, find_reuse

TEXT = "thi đua khen thưởng phong trào đơn vị hòa bình nông thôn mới văn hóa công sở kết quả cán bộ xã phường"
WORDS = TEXT.split()


def write(seed: int, sentences: int = 6, length: int = 20) -> str:
    rng = random.Random(seed)
    return ". ".join(
        " ".join(f"{rng.choice(WORDS)}{rng.randint(0, 99)}" for _ in range(length)) for _ in range(sentences)
    )


def narratives(*texts: str, before: dict[str, str] | None = None) -> list[Narrative]:
    """Of units A, B, C …; `before` are texts of the last period by unit, with keys from 100."""
    old = [Narrative(100 + place, unit, "I", text, True) for place, (unit, text) in enumerate((before or {}).items())]
    return old + [Narrative(place, chr(65 + place), "I", text) for place, text in enumerate(texts)]


def found(*texts: str, before: dict[str, str] | None = None) -> list[tuple[int, int]]:
    return [(reuse.key, reuse.source) for reuse in find_reuse(narratives(*texts, before=before))]


def test_a_copy_from_another_unit_names_the_earlier_one() -> None:
    assert found(write(1), write(2), write(1)) == [(2, 0)]


def test_a_copy_from_the_units_own_last_period() -> None:
    assert found(write(1), write(2), before={"A": write(1), "B": write(9)}) == [(0, 100)]


def test_the_last_period_of_another_unit_is_no_source() -> None:
    assert found(write(1), write(2), before={"B": write(1)}) == []


@given(st.randoms(use_true_random=False))
def test_moved_sentences_other_case_marks_and_forms_do_not_hide_it(rng: random.Random) -> None:
    sentences = write(3).split(". ")
    rng.shuffle(sentences)
    copy = unicodedata.normalize("NFD", "; ".join(sentences).upper()).replace(" ", "  ")
    assert found(write(3), copy) == [(1, 0)]


def test_half_of_ones_own_is_no_copy() -> None:
    assert found(write(1, 6), write(1, 3) + ". " + write(5, 4)) == []


def test_short_texts_are_alike_by_nature() -> None:
    short = " ".join(write(1).split()[: FEWEST_SHINGLES // 2 + SHINGLE])
    assert found(short, short) == []


def test_what_many_write_is_boilerplate() -> None:
    """The same opening in every report, own words after it: nobody copied. Two that share their own words did."""
    texts = [write(0) + ". " + write(10 + place) for place in range(8)]
    assert found(*texts) == []
    assert found(*texts, texts[3]) == [(8, 3)]


@given(st.lists(st.text(max_size=200), max_size=6))
def test_any_text_is_borne(texts: list[str]) -> None:
    assert all(0 < reuse.share <= 1 for reuse in find_reuse(narratives(*texts)))


def test_other_topics_are_not_compared() -> None:
    texts = [Narrative(0, "A", "I", write(1)), Narrative(1, "B", "II", write(1))]
    assert find_reuse(texts) == []
