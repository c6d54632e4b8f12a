"""Writes the true figures of F04, F06 and F08 into a draft, in step with the F05 that is already there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from random import Random

from etl.forms.declaration import FIELD_COLUMN, CellKey
from etl.sample.answers import BLANK, write_count
from etl.sample.draft import Draft
from etl.sample.figures import draw_number, place_in_year
from etl.sample.figures_awards import draw_base_awards, draw_proposals, draw_state_awards
from etl.sample.fill_tables import fill_forms, fill_matrix
from etl.sample.judge_awards import F06_CODES, TIES

_MAY_BE_BLANK = frozenset({"villages", "families"})
_UNTIED = ("09", "6")
"""Badges granted: nothing counts the same decisions, so the figure is drawn."""


def fill_award_forms(draft: Draft, seed: str, _: Random) -> None:
    """Fills the three forms where the draft has them; some units have no State award and send F04 empty or not at all."""
    fill_forms(draft, seed, {"F04": _fill_state_awards, "F06": _fill_base_awards, "F08": _fill_proposals})


def _fill_state_awards(draft: Draft, rng: Random) -> None:
    fill_matrix(draft, "F04", draw_state_awards(draft.setting.unit.type, _share_of_year(draft), rng), rng)


def _fill_proposals(draft: Draft, rng: Random) -> None:
    fill_matrix(draft, "F08", draw_proposals(_granted(draft, rng), rng), rng)


def _share_of_year(draft: Draft) -> float:
    return 1 / place_in_year(draft.setting.period)[1]


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


def _fill_base_awards(draft: Draft, rng: Random) -> None:
    figures = draw_base_awards(draft.setting.unit.type, _share_of_year(draft), rng)
    for name, code in F06_CODES.items():
        number = figures[name]
        is_blank = name in _MAY_BE_BLANK and number == 0 and rng.random() < 0.7
        draft.write(CellKey("F06", code, FIELD_COLUMN), BLANK if is_blank else write_count(number, rng))
