"""What the fillers of all groups of forms share: a matrix of figures, and forms that a unit may leave out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from etl.forms.declaration import CellKey
from etl.register.model import FormStatus
from etl.sample.answers import write_blank, write_count, write_not_applicable
from etl.sample.draft import Draft
from etl.sample.oracle import is_required


def fill_forms(draft: Draft, seed: str, fills: Mapping[str, Callable[[Draft, Random], None]]) -> None:
    """Fills those of the forms that the draft has, in the order given, each with random numbers of its own.

    A form that is optional for the unit is often left empty, or taken out.
    """
    setting = draft.setting
    name = f"{seed}|{setting.unit.code}|{setting.report.code}|{setting.period.code}"
    statuses = setting.report.forms_for(setting.unit.type)
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


def fill_matrix(draft: Draft, form: str, figures: Mapping[tuple[str, str], int], rng: Random) -> None:
    """Writes figures by (row code, column code) into a matrix; some noughts that need not be written are left blank.

    Raises KeyError for an applicable cell without a figure, unless `figures` is a Counter: then it is nought.
    """
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
