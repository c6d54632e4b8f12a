"""Sums and counts over lists: what they add up, and when no rule may rest on them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from etl.parsing.submission import ParsedSubmission
from etl.validation.context import Submission
from etl.validation.frames import build_frame
from etl.validation.sums import BadSum, ListSum, SumMaker, parse_sum
from tests.golden.sender import read_knowledge
from tests.parsing.test_parse_lists import FOOT, Line, parse

LIST = {
    "rows_from": "open",
    "columns": [
        {"code": "A", "field": "stt", "label": "STT", "type": "code", "key": True, "required": True},
        {
            "code": "B", "field": "loai", "label": "Loại", "type": "choice", "required": True,
            "choices": [{"value": "BK", "labels": ["Bằng khen"]}, {"value": "GK", "labels": ["Giấy khen"]}],
        },
        {"code": "C", "field": "noi", "label": "Nơi", "type": "text"},
        {"code": "1", "field": "so", "label": "Số", "required": True},
        {"code": "2", "field": "tien", "label": "Tiền", "type": "money"},
    ],
}  # fmt: skip
LINES: tuple[Line, ...] = (
    ("1", "Bằng khen", "tỉnh", 3, 100),
    ("2", "Giấy khen", "xã", 5),
    ("3", "Bằng khen", None, 2, 50.5),
    ("4",),
)


def make(*lines: Line) -> Submission:
    return Submission(parse(LIST, *lines, *FOOT))


def add_up(submission: Submission, name: str) -> tuple[float | None, bool]:
    wanted = parse_sum(name)
    assert wanted is not None
    return SumMaker().add_up(0, submission, wanted)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("F97.so?", 10),
        ("F97.so?loai=BK", 5),
        ("F97.so?loai=BK&noi=tỉnh", 3),
        ("F97.so?loai=BK|GK", 10),
        ("F97.so?noi=huyện", 0),
        ("F97.tien?loai=BK", 150.5),
        ("F97.tien?loai=GK", 0),
        ("F97.#?", 3),
        ("F97.#?loai=BK", 2),
    ],
)
def test_sums(name: str, value: float) -> None:
    assert add_up(make(*LINES), name) == (value, True)


def test_a_form_that_is_not_there_has_no_sum() -> None:
    assert add_up(Submission(ParsedSubmission()), "F97.so?") == (None, True)
    assert add_up(make(("1",)), "F97.so?") == (0, True)


@pytest.mark.parametrize(
    ("bad", "spoiled", "sound"),
    [
        (("4", "Bằng khen", None, "hai"), ["F97.so?", "F97.so?loai=GK"], ["F97.#?loai=BK", "F97.tien?"]),
        (("4", "Cờ", None, 2), ["F97.so?loai=BK", "F97.#?loai=GK"], ["F97.so?", "F97.#?noi=xã"]),
        (("4", None, None, 2), ["F97.so?loai=BK"], ["F97.so?"]),
        (("4", "Bằng khen", None, None, 1), ["F97.so?"], ["F97.tien?loai=BK"]),
        (("3", "Bằng khen", None, 2), [], ["F97.so?", "F97.#?"]),
        ((None, "Bằng khen", None, 2), [], ["F97.so?", "F97.#?"]),
        (("a", "Bằng khen", None, 2), ["F97.so?", "F97.#?"], []),
    ],
    ids=["bad number", "bad choice", "no choice", "no number", "number twice", "no line number", "no line at all"],
)
def test_what_spoils_a_sum(bad: Line, spoiled: Sequence[str], sound: Sequence[str]) -> None:
    submission = make(*LINES[:3], bad)
    for name in spoiled:
        assert add_up(submission, name) == (None, False)
    for name in sound:
        assert add_up(submission, name)[1] is True


def test_sums_stand_in_the_submission_frame() -> None:
    submissions = [make(*LINES), Submission(ParsedSubmission()), make(("1", "Cờ", None, 1))]
    names = ["F97.so?loai=BK", "F97.#?"]
    frame = build_frame("submission", None, names, submissions, read_knowledge().register)
    assert frame.data["F97.so?loai=BK"].tolist()[0] == 5
    assert frame.data["F97.so?loai=BK"].isna().tolist() == [False, True, True]
    assert frame.data["F97.#?"].tolist()[::2] == [3, 1]
    assert frame.unusable == {(2, "F97.so?loai=BK")}


def test_rows_of_a_list_know_their_submission() -> None:
    frame = build_frame(
        "list", "F97", ["@submission", "so"], [make(*LINES), make(("1",)), make(*LINES[:1])], read_knowledge().register
    )
    assert frame.data["@submission"].tolist() == [0, 0, 0, 2]
    assert list(frame.submissions) == [0, 0, 0, 2]


def test_names() -> None:
    assert parse_sum("F05.01.1") is None
    assert parse_sum("F14.so?b=2&a=1|3") == ListSum("F14", "so", (("a", frozenset("13")), ("b", frozenset("2"))))
    assert parse_sum("F14.#?") == ListSum("F14", None, ())


@pytest.mark.parametrize(
    "name", ["F14?a=1", ".so?a=1", "F14.so?a", "F14.so?a=", "F14.so?=1", "F14.so?a=1&a=2", "F14.so?a=1&"]
)
def test_names_that_mean_nothing(name: str) -> None:
    with pytest.raises(BadSum):
        parse_sum(name)
