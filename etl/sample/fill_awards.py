"""Writes the true figures of F04, F06 and F08 into a draft, in step with the F05 that is already there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from random import Random

from etl.forms.declaration import FIELD_COLUMN, CellKey
from etl.sample.answers import BLANK, write_blank, write_count, write_not_applicable
from etl.sample.draft import Draft
from etl.sample.figures import draw_number, place_in_year
from etl.sample.figures_awards import draw_base_awards, draw_proposals, draw_state_awards
from etl.sample.judge_awards import F06_CODES, TIES
from etl.sample.oracle import is_required

_MAY_BE_BLANK = frozenset({"villages", "families"})
_UNTIED = ("09", "6")
"""Badges granted: nothing counts the same decisions, so the figure is drawn."""


def fill_award_forms(draft: Draft, seed: str, _: Random) -> None:
    """Fills the three forms where the draft has them; some units have no State award and send F04 empty or not at all."""
    setting = draft.setting
    name = f"{seed}|{setting.unit.code}|{setting.report.code}|{setting.period.code}"
    share = 1 / place_in_year(setting.period)[1]
    if "F04" in draft.layouts:
        rng = Random(f"{name}|F04")
        chance = rng.random()
        if chance < 0.6:
            _fill_matrix(draft, "F04", draw_state_awards(setting.unit.type, share, rng), rng)
        elif chance < 0.85:
            # Left as the template has it: nobody's answers, so neither rules nor faults may count on the sheet.
            draft.layouts.pop("F04")
        else:
            draft.drop_sheet("F04")
    if "F06" in draft.layouts:
        rng = Random(f"{name}|F06")
        _fill_base_awards(draft, draw_base_awards(setting.unit.type, share, rng), rng)
    if "F08" in draft.layouts:
        rng = Random(f"{name}|F08")
        _fill_matrix(draft, "F08", draw_proposals(_granted(draft, rng), rng), rng)


def _granted(draft: Draft, rng: Random) -> Mapping[tuple[str, str], int]:
    """(row, column) of F08 → awards decided in the period, as F04 and F05 have them; drawn where they are not sent."""
    found = {_UNTIED: draw_number(rng, 4.0)}
    for own, other in TIES.values():
        if other[0] in draft.layouts:
            answer = draft.answers.get(CellKey(*other))
            found[own] = int(answer.meaning) if answer and isinstance(answer.meaning, Decimal) else 0
        else:
            found[own] = draw_number(rng, 0.2)
    return found


def _fill_matrix(draft: Draft, form: str, figures: Mapping[tuple[str, str], int], rng: Random) -> None:
    layout = draft.layouts[form]
    for row in layout.rows:
        for column in layout.columns:
            key = CellKey(form, row.code, column.code)
            if (row.code, column.code) in layout.not_applicable_cells:
                draft.write(key, write_not_applicable(rng))
                continue
            number = figures[row.code, column.code]
            may_be_blank = number == 0 and not is_required(layout, key) and rng.random() < 0.1
            draft.write(key, write_blank(rng) if may_be_blank else write_count(number, rng))


def _fill_base_awards(draft: Draft, figures: Mapping[str, int], rng: Random) -> None:
    for name, code in F06_CODES.items():
        number = figures[name]
        is_blank = name in _MAY_BE_BLANK and number == 0 and rng.random() < 0.7
        draft.write(CellKey("F06", code, FIELD_COLUMN), BLANK if is_blank else write_count(number, rng))
