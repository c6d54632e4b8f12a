"""Faults of F01, F02, F09 and F12: empty words, sums that do not add up, a layout that is no longer in force. Pure.

Each planter changes one cell, or the few that keep everything else right; consequences are found by the oracle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

from etl.forms.declaration import FIELD_COLUMN, CellKey
from etl.forms.library import read_forms
from etl.sample.answers import BLANK, Answer, write_count, write_plain
from etl.sample.draft import Draft, NoRoom, Planted
from etl.sample.faults_model import (
    FaultKind,
    Planter,
    choose,
    is_number,
    is_open_figure,
    number_at,
    spoil,
    write_shifted,
)
from etl.sample.faults_shape import is_touched
from etl.sample.figures_basics import (
    EXEMPLAR_FIELDS,
    MOVEMENT_BLOCKS,
    MOVEMENT_LEVELS,
    ORGANISATIONS,
    STAFF_BLOCKS,
    STAGES,
)
from etl.sample.fill import mark_titles
from etl.sample.fill_basics import fill_movement_counts
from etl.sample.judge_basics import NARRATIVES
from etl.sample.sheets import MarkedSheet
from etl.templates.plan import plan_workbook

OLD, NEW = "2018.1", "2023.1"
_MARKS = ("-", "…", "...", "x", "0", ".", "–")
_SHORT = ("Không có", "Như kỳ trước", "Có báo cáo kèm theo", "Đã thực hiện tốt", "không", "Xem văn bản số 12/BC")
Sum = tuple[CellKey, CellKey]
"""A part and its total."""


# -- F01


def _plant_no_narrative(code: str, rows: Sequence[str], writings: Sequence[str]) -> Planter:
    """A section that must say something has marks, or hardly a word, in all of its rows."""

    def plant(draft: Draft, rng: Random) -> Planted:
        keys = [CellKey("F01", row, FIELD_COLUMN) for row in rows]
        text = rng.choice(writings)
        spoken = rng.randrange(len(keys))
        for place, key in enumerate(keys):
            answer = Answer(text, text) if place == spoken else BLANK
            found = spoil(draft, key, answer, code, blame=keys[0])
        return found

    return plant


# -- sums


def _plant_part(code: str, sums: Iterable[Sum], layout: str | None = None) -> Planter:
    """One part of a sum goes up or down; `layout` names the version of F02 that must be there."""
    pairs = list(sums)

    def plant(draft: Draft, rng: Random) -> Planted:
        if layout == OLD:
            _bring_old_layout(draft, rng)
        form = pairs[0][0].form
        if form not in draft.layouts or layout not in (None, draft.layouts[form].version):
            raise NoRoom
        part, total = choose(
            rng, [pair for pair in pairs if is_open_figure(draft, pair[0]) and is_number(draft, pair[1])]
        )
        return spoil(draft, part, write_shifted(number_at(draft, part), rng), code, blame=total)

    return plant


def _list_column_sums(form: str, total: str, rows: Sequence[str], columns: Sequence[str]) -> list[Sum]:
    return [(CellKey(form, row, column), CellKey(form, total, column)) for row in rows for column in columns]


def _list_row_sums(form: str, total: str, columns: Sequence[str], rows: Sequence[str]) -> list[Sum]:
    return [(CellKey(form, row, column), CellKey(form, row, total)) for row in rows for column in columns]


def _list_movement_rows(layout: str) -> list[str]:
    return ["01", *(row for block in MOVEMENT_BLOCKS[layout] for row in block)]


# -- F02 in a layout that is no longer in force


def _plant_old_layout(draft: Draft, rng: Random) -> Planted:
    return _bring_old_layout(draft, rng)


def _bring_old_layout(draft: Draft, rng: Random) -> Planted:
    """F02 as it was asked until 2023, rightly filled in; it takes the place of the sheet that is asked now."""
    setting = draft.setting
    if "F02" not in draft.layouts or draft.layouts["F02"].version != NEW or is_touched(draft, "F02"):
        raise NoRoom
    draft.claim(("sheet", "F02"))
    old = next(version for version in read_forms()["F02"].versions if version.version == OLD)
    plan = plan_workbook(
        unit=setting.unit,
        report=setting.report,
        period=setting.period,
        form_versions={"F02": old},
        issuer=setting.register.province,
    )
    sheet = mark_titles(MarkedSheet(plan.sheet_of("F02")))
    now = draft.sheets["F02"].plan
    draft.workbook.sheets = [sheet.plan if known is now else known for known in draft.workbook.sheets]
    draft.sheets["F02"], draft.layouts["F02"] = sheet, old
    draft.forget(lambda key: key.form != "F02")
    fill_movement_counts(draft, rng)
    return draft.plant("FORM-VERSION", "F02")


# -- F09 and F12


def _plant_women(draft: Draft, rng: Random) -> Planted:
    rows = ["06", *(row for block in STAFF_BLOCKS for row in block)]
    keys = [CellKey("F09", row, "2") for row in rows]
    key = choose(
        rng, [key for key in keys if is_open_figure(draft, key) and is_number(draft, key._replace(column="1"))]
    )
    more = number_at(draft, key._replace(column="1")) + rng.randint(1, 3)
    return spoil(draft, key, write_count(int(more), rng), "F09-WOMEN")


def _plant_later_stage(code: str, place: int) -> Planter:
    """More exemplars at a stage than at the one before, all of them individuals of one field; every sum agrees."""
    (before, _), (total, parts) = STAGES[place - 1], STAGES[place]

    def plant(draft: Draft, rng: Random) -> Planted:
        whole = CellKey("F12", "01", total)
        more = number_at(draft, CellKey("F12", "01", before)) - number_at(draft, whole) + rng.randint(1, 3)
        rows = [
            row
            for row in EXEMPLAR_FIELDS
            if all(is_open_figure(draft, CellKey("F12", row, column)) for column in (total, parts[-1]))
        ]
        if more <= 0:
            raise NoRoom
        for row in (choose(rng, rows), "01"):
            for column in (parts[-1], total):
                key = CellKey("F12", row, column)
                found = spoil(draft, key, write_plain(number_at(draft, key) + more), code, blame=whole)
        return found

    return plant


# -- choosing and writing


def _list_movement_faults() -> Iterable[FaultKind]:
    for layout, prefix, when in ((NEW, "F02", ""), (OLD, "F02-2018", " (2018)")):
        levels = MOVEMENT_LEVELS[layout]
        row_sums = _list_row_sums("F02", "1", levels, _list_movement_rows(layout))
        code = f"{prefix}-ROW-SUM"
        yield FaultKind(f"levels of movements do not add up{when}", code, _plant_part(code, row_sums, layout))
        for name, rows in zip(("SCOPE", "TERM", "METHOD"), MOVEMENT_BLOCKS[layout], strict=True):
            code = f"{prefix}-BY-{name}"
            sums = _list_column_sums("F02", "01", rows, levels)
            yield FaultKind(f"{name.lower()}s of movements do not add up{when}", code, _plant_part(code, sums, layout))


def _list_exemplar_faults() -> Iterable[FaultKind]:
    columns = [column for _, parts in STAGES for column in parts]
    sums = _list_column_sums("F12", "01", EXEMPLAR_FIELDS, columns)
    yield FaultKind("fields of exemplars do not add up", "F12-FIELDS", _plant_part("F12-FIELDS", sums))
    for place, (stage, (total, parts)) in enumerate(
        zip(("FOUND", "NURTURED", "REVIEWED", "SPREAD"), STAGES, strict=True)
    ):
        code = f"F12-{stage}-SUM"
        sums = _list_row_sums("F12", total, parts, ("01", *EXEMPLAR_FIELDS))
        yield FaultKind(f"exemplars {stage.lower()} do not add up", code, _plant_part(code, sums))
        if place:
            code = f"F12-{stage}-MORE"
            yield FaultKind(f"more exemplars {stage.lower()} than before", code, _plant_later_stage(code, place))


BASIC_FAULTS = (
    *(
        FaultKind(f"{code.removeprefix('F01-').lower()} says nothing", code, _plant_no_narrative(code, rows, _MARKS))
        for code, rows in NARRATIVES
    ),
    *(
        FaultKind(
            f"{code.removeprefix('F01-').lower()} hardly a word",
            f"{code}-SHORT",
            _plant_no_narrative(f"{code}-SHORT", rows, _SHORT),
        )
        for code, rows in NARRATIVES
    ),
    FaultKind("layout of 2018", "FORM-VERSION", _plant_old_layout),
    *_list_movement_faults(),
    FaultKind(
        "organisations do not add up",
        "F09-ORGANISATIONS",
        _plant_part("F09-ORGANISATIONS", _list_column_sums("F09", "01", ORGANISATIONS, ("1",))),
    ),
    *(
        FaultKind(
            f"{name.lower()} of staff does not add up",
            f"F09-BY-{name}",
            _plant_part(f"F09-BY-{name}", _list_column_sums("F09", "06", rows, ("1", "2"))),
        )
        for name, rows in zip(("AGE", "EDUCATION", "SENIORITY"), STAFF_BLOCKS, strict=True)
    ),
    FaultKind("more women than staff", "F09-WOMEN", _plant_women),
    *_list_exemplar_faults(),
)
BASIC_WARNINGS = frozenset(
    {*(f"{code}-SHORT" for code, _ in NARRATIVES), "F12-NURTURED-MORE", "F12-REVIEWED-MORE", "F12-SPREAD-MORE"}
)
