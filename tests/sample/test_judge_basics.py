"""The answer key's judgement of F01, F02, F09 and F12 against findings worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from etl.forms.declaration import CellKey, FormVersion
from etl.forms.library import read_forms
from etl.sample.answers import BLANK, Answer, Unreadable, write_plain
from etl.sample.judge_basics import judge_basics
from etl.sample.oracle import Truth, Values

NOBODY = Truth(None, None, None, None)
Told = set[tuple[str, str, str]]


def layout(form: str, version: str | None = None) -> FormVersion:
    versions = read_forms()[form].versions
    return next((found for found in versions if found.version == version), versions[-1])


def judged(form: str, figures: Mapping[tuple[str, str], int | Answer], version: str | None = None) -> Told:
    """(code, row, column) told of a matrix with these figures, noughts elsewhere."""
    found = layout(form, version)
    answers = {key: write_plain(0) for key, _ in found.walk_cells(form)}
    for (row, column), value in figures.items():
        answers[CellKey(form, row, column)] = value if isinstance(value, Answer) else write_plain(value)
    told = list(judge_basics(Values(answers, {form: found}), NOBODY))
    assert len(told) == len(set(told))
    return {(code, key.row, key.column) for code, key in told}


def narrated(texts: Mapping[str, str | Answer | None]) -> set[tuple[str, str]]:
    sound = "Một hai ba bốn năm sáu bảy tám chín mười"
    answers = {key: Answer(sound, sound) for key, _ in layout("F01").walk_cells("F01")}
    for row, text in texts.items():
        answers[CellKey("F01", row, "1")] = text if isinstance(text, Answer) else Answer(text, text)
    return {(code, key.row) for code, key in judge_basics(Values(answers, {"F01": layout("F01")}), NOBODY)}


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ({}, set()),
        ({"01": "…"}, {("F01-DIRECTION", "01")}),
        ({"01": "Không"}, {("F01-DIRECTION-SHORT", "01")}),
        ({"01": None}, set()),  # CELL-REQUIRED says it
        ({"02": None, "03": "-"}, set()),
        ({"02": None, "03": "-", "04": "x"}, {("F01-MOVEMENTS", "02")}),
        ({"02": None, "03": "-", "04": "Không có"}, {("F01-MOVEMENTS-SHORT", "02")}),
        ({"02": Answer(Unreadable("CELL-ERROR"), "#N/A"), "03": "-", "04": "-"}, set()),
        ({"05": "-", "07": None, "09": "x", "10": "0"}, set()),
    ],
)
def test_narratives(texts: Mapping[str, str | Answer | None], told: set[tuple[str, str]]) -> None:
    assert narrated(texts) == told


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("2018.1", {("F02-2018-ROW-SUM", "03", "1"), ("F02-2018-BY-SCOPE", "01", "2")}),
        ("2023.1", {("F02-ROW-SUM", "03", "1"), ("F02-BY-SCOPE", "01", "2")}),
    ],
)
def test_movements(version: str, told: Told) -> None:
    assert judged("F02", {("03", "2"): 1}, version) == told


def test_staff() -> None:
    sound = {("06", "1"): 2, ("08", "1"): 2, ("13", "1"): 2, ("18", "1"): 2}
    assert judged("F09", sound) == set()
    assert judged("F09", {**sound, ("13", "1"): BLANK}) == {("F09-BY-EDUCATION", "06", "1")}
    assert judged("F09", {**sound, ("02", "1"): 1}) == {("F09-ORGANISATIONS", "01", "1")}
    women = {("06", "2"): 3, ("08", "2"): 3, ("13", "2"): 3, ("18", "2"): 3}
    assert {code for code, _, _ in judged("F09", {**sound, **women})} == {"F09-WOMEN"}


def test_exemplars() -> None:
    sound = {(row, column): 4 for row in ("01", "05") for column in ("1", "4")}
    assert judged("F12", sound) == set()
    later = {(row, column): 5 for row in ("01", "05") for column in ("5", "8")}
    # Told of the total alone, although the field has it too.
    assert judged("F12", {**sound, **later}) == {("F12-NURTURED-MORE", "01", "5")}
    assert judged("F12", {**sound, ("05", "4"): 3}) == {("F12-FOUND-SUM", "05", "1"), ("F12-FIELDS", "01", "4")}
