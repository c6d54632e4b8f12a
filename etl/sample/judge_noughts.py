"""The answer key's judgement of forms as a whole: a mandatory form in which every figure is nought or blank. Pure.

Written from the domain brief §11.15 ("all zeros"); it must not import the product's rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from etl.forms.declaration import CellKey, FormVersion
from etl.sample.answers import Answer
from etl.sample.oracle import Truth, is_required

CODE = "H-ALL-ZEROS"


def judge_noughts(
    answers: Mapping[CellKey, Answer], layouts: Mapping[str, FormVersion], truth: Truth, mandatory: frozenset[str]
) -> Iterator[str]:
    """The forms to be found so. None where the envelope leaves open who reports what."""
    if truth.unit_type is None or truth.clock is None or truth.start is None:
        return
    for form, layout in layouts.items():
        if form not in mandatory or layout.rows_from == "open":
            continue
        figures = {
            key: answer.meaning
            for key, answer in answers.items()
            if key.form == form and _is_figure(layout, key) and (key.row, key.column) not in layout.not_applicable_cells
        }
        if figures and all(
            meaning == Decimal(0) or (meaning is None and not is_required(layout, key))
            for key, meaning in figures.items()
        ):
            yield form


def _is_figure(layout: FormVersion, key: CellKey) -> bool:
    if layout.fields:
        return any(row.type.is_number for row in layout.fields if row.code == key.row)
    return any(column.type.is_number for column in layout.columns if column.code == key.column)
