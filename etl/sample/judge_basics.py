"""What planted values of F01, F02, F09 and F12 must give: written from tables 0601, 0701, 0604, 0605 and the outline. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from etl.forms.declaration import FIELD_COLUMN, CellKey
from etl.sample.answers import Unreadable
from etl.sample.oracle import Judged, Truth, Values, judge_at_most, judge_sum

FEWEST_WORDS = 10
"""A section with fewer words is no narrative; one with none says nothing."""
NARRATIVES = (
    ("F01-DIRECTION", ("01",)),
    ("F01-MOVEMENTS", ("02", "03", "04")),
    ("F01-COMMENDATION", ("06",)),
    ("F01-SHORTCOMINGS", ("08",)),
)
"""Code of a section and its rows, of which one is enough; the first is blamed."""
_MOVEMENTS = {
    "2018.1": ("F02-2018", ("2", "3"), (("02", "03"), ("04", "05", "06", "07"), ("08", "09"))),
    "2023.1": (
        "F02",
        ("2", "3", "4"),
        (("02", "03", "04", "05"), ("06", "07", "08", "09", "10"), ("11", "12")),
    ),
}
_STAFF = (
    ("01", ("02", "03", "04", "05"), "F09-ORGANISATIONS"),
    ("06", ("07", "08", "09", "10", "11"), "F09-BY-AGE"),
    ("06", ("12", "13", "14", "15", "16", "17"), "F09-BY-EDUCATION"),
    ("06", ("18", "19", "20", "21", "22"), "F09-BY-SENIORITY"),
)
_STAGES = ("FOUND", "NURTURED", "REVIEWED", "SPREAD")


def judge_basics(values: Values, truth: Truth) -> Iterable[Judged]:
    """The value findings of F01, F02, F09 and F12 that are present, in no particular order."""
    del truth
    for form, judge_form in (
        ("F01", _judge_narrative),
        ("F02", _judge_movement_counts),
        ("F09", _judge_staff),
        ("F12", _judge_exemplars),
    ):
        if form in values.layouts:
            yield from judge_form(values)


def count_words(text: str) -> int:
    """Runs of at least two letters; a figure, a dash or a lone letter ends a run and is none."""
    words, run = 0, 0
    for letter in (*unicodedata.normalize("NFC", text), " "):
        if letter.isalpha():
            run += 1
            continue
        words += run >= 2
        run = 0
    return words


def _judge_narrative(values: Values) -> Iterable[Judged]:
    for code, rows in NARRATIVES:
        texts = [values.get(CellKey("F01", row, FIELD_COLUMN)) for row in rows]
        if any(isinstance(text, Unreadable) for text in texts):
            continue
        longest = max(count_words(text) if isinstance(text, str) else 0 for text in texts)
        if longest < FEWEST_WORDS:
            yield f"{code}-SHORT" if longest else code, CellKey("F01", rows[0], FIELD_COLUMN)


def _judge_movement_counts(values: Values) -> Iterable[Judged]:
    layout = values.layouts["F02"]
    prefix, levels, blocks = _MOVEMENTS[layout.version]
    for row in layout.rows:
        yield from _judge_row(values, "F02", row.code, "1", levels, f"{prefix}-ROW-SUM")
    for column in ("1", *levels):
        for rows, name in zip(blocks, ("SCOPE", "TERM", "METHOD"), strict=True):
            yield from _judge_column(values, "F02", column, "01", rows, f"{prefix}-BY-{name}")


def _judge_staff(values: Values) -> Iterable[Judged]:
    for row in values.layouts["F09"].rows:
        women = CellKey("F09", row.code, "2")
        yield from judge_at_most(values, women, CellKey("F09", row.code, "1"), "F09-WOMEN", women)
    for column in ("1", "2"):
        for total, rows, code in _STAFF:
            yield from _judge_column(values, "F09", column, total, rows, code)


def _judge_exemplars(values: Values) -> Iterable[Judged]:
    layout = values.layouts["F12"]
    for row in layout.rows:
        for place, stage in enumerate(_STAGES):
            total, *parts = (str(4 * place + step) for step in (1, 2, 3, 4))
            yield from _judge_row(values, "F12", row.code, total, parts, f"F12-{stage}-SUM")
    for place, stage in enumerate(_STAGES[1:], start=1):
        before, later = (CellKey("F12", "01", str(4 * at + 1)) for at in (place - 1, place))
        yield from judge_at_most(values, later, before, f"F12-{stage}-MORE", later)
    fields = [row.code for row in layout.rows if row.code != "01"]
    for column in layout.columns:
        yield from _judge_column(values, "F12", column.code, "01", fields, "F12-FIELDS")


def _judge_row(values: Values, form: str, row: str, total: str, parts: Sequence[str], code: str) -> Iterable[Judged]:
    return judge_sum(values, CellKey(form, row, total), [CellKey(form, row, part) for part in parts], code)


def _judge_column(
    values: Values, form: str, column: str, total: str, rows: Sequence[str], code: str
) -> Iterable[Judged]:
    return judge_sum(values, CellKey(form, total, column), [CellKey(form, row, column) for row in rows], code)
