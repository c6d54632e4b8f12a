"""Writes the true texts and figures of F01, F02, F09 and F12 into a draft. Pure; whatever it writes gives no finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from etl.forms.declaration import FIELD_COLUMN, CellKey
from etl.register.model import FormStatus
from etl.sample.answers import BLANK, Answer, write_blank, write_count, write_not_applicable, write_text
from etl.sample.draft import Draft
from etl.sample.figures import place_in_year
from etl.sample.figures_basics import (
    SECTIONS,
    Counts,
    draw_exemplars,
    draw_movement_counts,
    draw_staff,
    draw_text,
)
from etl.sample.oracle import is_required

_MOVEMENT_SECTIONS = ("02", "03", "04")


def fill_basic_forms(draft: Draft, seed: str, _: Random) -> None:
    """Fills the four forms where the draft has them; a form that is optional is often left empty, or taken out."""
    setting = draft.setting
    name = f"{seed}|{setting.unit.code}|{setting.report.code}|{setting.period.code}"
    statuses = setting.report.forms_for(setting.unit.type)
    fills: Mapping[str, Callable[[Draft, Random], None]] = {
        "F01": _fill_narrative,
        "F02": fill_movement_counts,
        "F09": _fill_staff,
        "F12": _fill_exemplars,
    }
    for form, fill in fills.items():
        if form not in draft.layouts:
            continue
        rng = Random(f"{name}|{form}")
        chance = rng.random() if statuses.get(form) is FormStatus.OPTIONAL else 0.0
        if chance < 0.6:
            fill(draft, rng)
        elif chance < 0.85:
            # Left as the template has it: nobody's answers, so neither rules nor faults may count on the sheet.
            draft.layouts.pop(form)
        else:
            draft.drop_sheet(form)


def fill_movement_counts(draft: Draft, rng: Random) -> None:
    """Fills F02 in whichever layout the draft has it."""
    setting = draft.setting
    share = 1 / place_in_year(setting.period)[1]
    fill_matrix(draft, "F02", draw_movement_counts(draft.layouts["F02"].version, setting.unit.type, share, rng), rng)


def fill_matrix(draft: Draft, form: str, counts: Counts, rng: Random) -> None:
    """Writes the counts into a matrix, noughts elsewhere; some noughts that need not be written are left blank."""
    layout = draft.layouts[form]
    for row in layout.rows:
        for column in layout.columns:
            key = CellKey(form, row.code, column.code)
            if (row.code, column.code) in layout.not_applicable_cells:
                draft.write(key, write_not_applicable(rng))
                continue
            number = counts[row.code, column.code]
            may_be_blank = number == 0 and not is_required(layout, key) and rng.random() < 0.1
            draft.write(key, write_blank(rng) if may_be_blank else write_count(number, rng))


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
