"""Faults of a form as a whole: every figure of a mandatory form nought. Pure; consequences are found by the oracle."""

from __future__ import annotations

from random import Random

from etl.register.entities import FormStatus
from etl.sample.answers import Unreadable, write_count
from etl.sample.draft import Draft, NoRoom, Planted, Spot
from etl.sample.faults_model import FaultKind, choose, value_type
from etl.sample.judge_noughts import CODE

_FORMS = ("F03", "F07")
"""Forms whose figures may all be nought without breaking a sum: F05 has totals that others lean on."""


def _plant_noughts(draft: Draft, rng: Random) -> Planted:
    owed = draft.setting.report.forms_for(draft.setting.unit.type)
    form = choose(rng, [form for form in _FORMS if form in draft.layouts and owed.get(form) is FormStatus.MANDATORY])
    layout = draft.layouts[form]
    keys = [
        key
        for key in draft.answers
        if key.form == form
        and value_type(layout, key).is_number
        and (key.row, key.column) not in layout.not_applicable_cells
    ]
    if not keys or any(isinstance(draft.answers[key].meaning, Unreadable) for key in keys):
        raise NoRoom
    draft.claim(*keys)
    for key in keys:
        draft.write(key, write_count(0, rng))
    return Planted(CODE, Spot(form, None))


NOUGHT_FAULTS: tuple[FaultKind, ...] = (FaultKind("all noughts", CODE, _plant_noughts),)
NOUGHT_WARNINGS = frozenset({CODE})
