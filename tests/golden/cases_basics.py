"""Golden cases of F01 (narrative), F02 (number of movements), F09 (organisation and staff) and F12 (exemplars)."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from etl.templates.plan import plan_workbook
from tests.golden.case import Case, put
from tests.golden.sender import BLOC, STATISTICS, YEAR, YEAR_PERIOD, Edit, Sending, read_knowledge
from tests.golden.sound_basics import SOUND_NARRATIVE, fill_exemplars, fill_movements

OLD_MOVEMENTS: Mapping[str, Mapping[str, int]] = {
    "2": {"02": 4, "06": 1, "07": 3, "08": 2, "09": 2},
    "3": {"03": 1, "05": 1, "09": 1},
}
"""F02 in the layout of 2018: the same movements of the two levels it knows."""
BAC_KAN_EXEMPLARS: Mapping[str, Mapping[str, int]] = {
    "2": {"02": 3}, "3": {"07": 2}, "4": {"05": 4},
    "10": {"02": 21, "04": 10}, "11": {"07": 4}, "12": {"02": 40, "05": 13, "06": 30},
}  # fmt: skip
"""F12 of Bắc Kạn 2020 (domain brief §1.3, 002-a): 31 collectives, 4 households, 83 individuals praised for five years at
once, so more than the year had found. What the year found and how they divide by field is invented."""


def bring_old_layout(sending: Sending) -> None:
    """An edit: the sheet of F02 as it was asked until 2023, in the place of the one that is asked now."""
    knowledge = read_knowledge()
    plan, now = sending.plan, sending.plan.sheet_of("F02")
    metadata = plan.metadata or {}
    unit = knowledge.register.unit_versions(metadata["unit"])[-1]
    old = plan_workbook(
        unit=unit,
        report=knowledge.register.report(metadata["report"]),
        period=knowledge.register.period(metadata["report"], metadata["period"]),
        form_versions={"F02": knowledge.forms["F02"].versions[0]},
        issuer=knowledge.register.province,
    ).sheet_of("F02")
    plan.sheets = [old if sheet is now else sheet for sheet in plan.sheets]
    fill_movements(sending, OLD_MOVEMENTS)


def exemplars_of_bac_kan(sending: Sending) -> None:
    """An edit: F12 with the figures of Bắc Kạn 2020."""
    fill_exemplars(sending, {str(column): BAC_KAN_EXEMPLARS.get(str(column), {}) for column in range(1, 17)})


def leave_empty(*forms: str) -> Edit:
    """An edit: sheets as the template has them."""

    def edit(sending: Sending) -> None:
        for form in forms:
            sheet = sending.plan.sheet_of(form)
            for place in sheet.places.values():
                if sheet.cells[place].style != "not_applicable":
                    sheet.cells[place].value = None

    return edit


def make_basic_cases() -> tuple[Case, ...]:
    """The cases, all of a year."""

    def of_year(folder: str, forms: list[str], *edits: Edit) -> Case:
        return Case(folder, forms, edits, report=YEAR, period=YEAR_PERIOD)

    def of_statistics(folder: str, forms: list[str], *edits: Edit) -> Case:
        return Case(folder, forms, edits, report=STATISTICS, period=YEAR_PERIOD)

    return (
        of_year(
            "F01/narrative",
            ["F01"],
            put("F01", "01", "1", unicodedata.normalize("NFD", SOUND_NARRATIVE["01"])),
            put("F01", "02", "1", None),
            put("F01", "03", "1", "-"),
            put("F01", "04", "1", SOUND_NARRATIVE["02"].replace("; ", ";\n")),  # one of the three parts of II is enough
            put("F01", "07", "1", "Không"),  # nobody asks for more in V
        ),
        of_year(
            "F01/says-nothing",
            ["F01"],
            put("F01", "01", "1", "…"),
            put("F01", "02", "1", "x"),
            put("F01", "03", "1", 0),
            put("F01", "06", "1", "Kỳ này không có khen thưởng"),  # six words: it may be true, but is no narrative
            put("F01", "08", "1", None),
        ),
        of_year("F02/bac-kan-2020", ["F02"]),
        of_year(
            "F02/sums-broken",
            ["F02"],
            put("F02", "04", "1", 3),  # row sum; and scope of column 1
            put("F02", "05", "4", 2),  # scope of column 4; and row 05
            put("F02", "07", "3", 2),  # term of column 3; and row 07
            put("F02", "12", "2", 1),  # method of column 2; and row 12
            put("F02", "02", "3", "hơn 3"),  # disables the scope of column 3 and row 02
        ),
        of_year("F02/layout-of-2018", ["F02"], bring_old_layout),
        of_year(
            "F02/layout-of-2018-broken",
            ["F02"],
            bring_old_layout,
            put("F02", "03", "1", 3),  # row sum; and scope of column 1
            put("F02", "07", "2", 4),  # term of column 2; and row 07
            put("F02", "08", "3", 1),  # method of column 3; and row 08
        ),
        of_statistics("F09/office", ["F02", "F09"]),
        of_statistics("F09/not-sent", ["F05", "F09"], leave_empty("F02", "F09"), put("F09", "02", "2", "x")),
        of_statistics(
            "F09/blocks-broken",
            ["F09"],
            put("F09", "03", "1", 1),  # organisations
            put("F09", "02", "2", 1),  # an organisation counted by sex
            put("F09", "10", "1", 2),  # age
            put("F09", "14", "2", 4),  # education of the women; and more women than people
            put("F09", "22", "1", 0),  # seniority
            put("F09", "19", "1", None),  # a blank counts as nought
        ),
        of_year("F12/bac-kan-2020", ["F12"], exemplars_of_bac_kan),
        of_year(
            "F12/sums-broken",
            ["F12"],
            put("F12", "03", "1", 1),  # found: row 03; and fields of column 1
            put("F12", "02", "8", 4),  # nurtured: row 02; and fields of column 8
            put("F12", "05", "9", 2),  # more reviewed than nurtured; row 05 and fields of column 9
            put("F12", "06", "13", None),  # a blank total counts as nought
            put("F12", "01", "13", None),  # but this one must be filled
        ),
        Case("F12/bloc-without", ["F01", "F02", "F12"], [leave_empty("F02", "F12")], BLOC, YEAR, YEAR_PERIOD),
    )
