"""Writes the true texts and figures of F01, F02, F09 and F12 into a draft. Pure; whatever it writes gives no finding."""

from __future__ import annotations

from random import Random

from etl.forms.declaration import FIELD_COLUMN, CellKey
from etl.sample.answers import BLANK, Answer, write_text
from etl.sample.draft import Draft
from etl.sample.figures import place_in_year
from etl.sample.figures_basics import (
    SECTIONS,
    draw_exemplars,
    draw_movement_counts,
    draw_staff,
    draw_text,
)
from etl.sample.fill_tables import fill_forms, fill_matrix
from etl.sample.oracle import is_required

_MOVEMENT_SECTIONS = ("02", "03", "04")


def fill_basic_forms(draft: Draft, seed: str, _: Random) -> None:
    """Fills the four forms where the draft has them; a form that is optional is often left empty, or taken out."""
    fill_forms(
        draft,
        seed,
        {"F01": _fill_narrative, "F02": fill_movement_counts, "F09": _fill_staff, "F12": _fill_exemplars},
    )


def fill_movement_counts(draft: Draft, rng: Random) -> None:
    """Fills F02 in whichever layout the draft has it."""
    setting = draft.setting
    share = 1 / place_in_year(setting.period)[1]
    fill_matrix(draft, "F02", draw_movement_counts(draft.layouts["F02"].version, setting.unit.type, share, rng), rng)


def _fill_narrative(draft: Draft, rng: Random) -> None:
    layout, setting = draft.layouts["F01"], draft.setting
    name, year = setting.unit.name, setting.period.code[:4]
    told = rng.choice(_MOVEMENT_SECTIONS)
    for section in SECTIONS:
        key = CellKey("F01", section, FIELD_COLUMN)
        may_be_blank = not is_required(layout, key) and section != told
        is_blank = may_be_blank and rng.random() < 0.2
        draft.write(key, BLANK if is_blank else _write_section(draw_text(section, name, year, rng), rng))


def _write_section(text: str, rng: Random) -> Answer:
    """A text as clerks write it: some with a line for each sentence, which says the same."""
    answer = write_text(text, rng)
    if isinstance(answer.written, str) and rng.random() < 0.3:
        return Answer(answer.meaning, answer.written.replace(". ", ".\n"))
    return answer


def _fill_staff(draft: Draft, rng: Random) -> None:
    setting = draft.setting
    is_office = setting.unit.code == setting.register.province.standing_office_unit
    fill_matrix(draft, "F09", draw_staff(setting.unit.type, is_office, rng), rng)


def _fill_exemplars(draft: Draft, rng: Random) -> None:
    setting = draft.setting
    share = 1 / place_in_year(setting.period)[1]
    fill_matrix(draft, "F12", draw_exemplars(setting.unit.type, share, rng), rng)
