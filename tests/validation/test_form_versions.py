"""Two layouts of F02 by legal instrument: which is asked in a period, how it is told apart, which rules and measures it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from etl.examination import Delivery, Examined, Examiner
from etl.forms.declaration import Form
from etl.forms.library import read_forms
from etl.register.model import Register
from etl.templates.from_register import plan_unit_workbook
from etl.templates.plan import plan_workbook
from etl.usecases.context import Knowledge
from etl.usecases.load import make_examiner
from tests.golden.case import put
from tests.golden.cases_basics import OLD_MOVEMENTS
from tests.golden.sender import DEPARTMENT, YEAR, Edit, Sending, drop_column, read_knowledge, shift, without_metadata
from tests.golden.sound_basics import SOUND_MOVEMENTS, fill_movements

OLD, NEW = "2018.1", "2023.1"
BEFORE, AFTER = "2022-A1", "2023-A1"


@pytest.fixture(scope="module")
def register() -> Register:
    """The sample register as if unit and reports had been there since 2015."""
    register = read_knowledge().register
    since = date(2015, 12, 15)
    return replace(
        register,
        units=tuple(replace(unit, valid_from=since) for unit in register.units),
        reports=tuple(replace(report, valid_from=since) for report in register.reports),
    )


@pytest.fixture(scope="module")
def examiner(register: Register) -> Iterator[Examiner]:
    knowledge = Knowledge(read_knowledge().settings)
    knowledge.register = register
    with make_examiner(knowledge) as examiner:
        yield examiner


@pytest.fixture(scope="module")
def form() -> Form:
    return read_forms()["F02"]


def send(register: Register, period: str, layout: str, *edits: Edit) -> Sending:
    """The workbook of a period with F02 rightly filled in, in a layout that may be another than the period's."""
    forms = read_forms()
    unit = register.unit_versions(DEPARTMENT)[-1]
    sending = Sending(plan_unit_workbook(register, forms, YEAR, period, unit))
    version = next(version for version in forms["F02"].versions if version.version == layout)
    sheet = plan_workbook(
        unit=unit,
        report=register.report(YEAR),
        period=register.period(YEAR, period),
        form_versions={"F02": version},
        issuer=register.province,
    ).sheet_of("F02")
    asked = sending.plan.sheet_of("F02")
    sending.plan.sheets = [sheet if known is asked else known for known in sending.plan.sheets]
    fill_movements(sending, OLD_MOVEMENTS if layout == OLD else SOUND_MOVEMENTS)
    for edit in edits:
        edit(sending)
    return sending


def examine(examiner: Examiner, sending: Sending) -> tuple[Examined, list[tuple[str, str | None]]]:
    """The outcome, and what was found of F02."""
    (examined,) = examiner.examine([Delivery(0, sending.name, sending.to_bytes())])
    return examined, [(finding.code, finding.cell) for finding in examined.findings if finding.form == "F02"]


@pytest.mark.parametrize(
    ("day", "version"),
    [(date(2018, 1, 1), OLD), (date(2023, 5, 9), OLD), (date(2023, 5, 10), NEW), (date(2026, 12, 14), NEW)],
)
def test_the_layout_of_a_day(day: date, version: str, form: Form) -> None:
    assert form.version_on(day).version == version


@pytest.mark.parametrize(
    ("period", "columns"), [(BEFORE, ["A", "B", "1", "2", "3"]), (AFTER, ["A", "B", "1", "2", "3", "4"])]
)
def test_the_template_of_a_period(period: str, columns: list[str], register: Register) -> None:
    plan = plan_unit_workbook(register, read_forms(), YEAR, period, register.unit_versions(DEPARTMENT)[-1])
    sheet = plan.sheet_of("F02")
    assert [cell.value for (row, _), cell in sorted(sheet.cells.items()) if row == sheet.header_row] == columns


@pytest.mark.parametrize(("period", "layout"), [(BEFORE, OLD), (AFTER, NEW)])
def test_the_layout_in_force_is_taken(period: str, layout: str, register: Register, examiner: Examiner) -> None:
    examined, found = examine(examiner, send(register, period, layout))
    assert found == []
    assert examined.form_versions["F02"] == layout


@pytest.mark.parametrize(
    ("period", "layout", "words"), [(AFTER, OLD, "mẫu cũ (Biểu 0701"), (BEFORE, NEW, "mẫu mới (Biểu 0601")]
)
@pytest.mark.parametrize(
    "moved", [(), (without_metadata,), (shift("F02", down=3, right=2), without_metadata)], ids=["", "bare", "moved"]
)
def test_another_layout_is_told(
    period: str, layout: str, words: str, moved: tuple[Edit, ...], register: Register, examiner: Examiner
) -> None:
    examined, found = examine(examiner, send(register, period, layout, *moved))
    assert found == [("FORM-VERSION", None)]
    assert examined.form_versions["F02"] == layout
    (finding,) = [finding for finding in examined.findings if finding.code == "FORM-VERSION"]
    assert words in finding.message
    assert finding.sheet == "F02 Số phong trào"
    assert examined.verdict == "rejected"


def test_each_layout_has_its_own_rules(register: Register, examiner: Examiner) -> None:
    """The same faults by meaning: one more of central level, counted nowhere else."""
    _, old = examine(examiner, send(register, BEFORE, OLD, put("F02", "03", "2", 1)))
    _, new = examine(examiner, send(register, AFTER, NEW, put("F02", "03", "2", 1)))
    assert old == [("F02-2018-BY-SCOPE", "D9"), ("F02-2018-ROW-SUM", "C11")]
    assert new == [("F02-BY-SCOPE", "D9"), ("F02-ROW-SUM", "C11")]


def test_a_total_of_2018_leaves_no_room_for_a_fourth_column(register: Register, examiner: Examiner) -> None:
    """Column 4 lost is the layout of 2023 with a column gone, not that of 2018: its rows say so."""
    examined, found = examine(examiner, send(register, AFTER, NEW, drop_column("F02", 5)))
    assert examined.form_versions["F02"] == NEW
    assert found == [("COLUMN-MISSING", None)]


def test_measures_of_the_two_layouts(form: Form) -> None:
    """A series over 2023 has the figures that mean the same in both, and no others."""
    old, new = (
        {version.measure_of("F02", key.row, key.column) for key, _ in version.walk_cells("F02")}
        for version in form.versions
    )
    # Not column 1 (2+3 before, 2+3+4 now), nor what was split: scope of the localities, three years and more.
    assert old & new == {f"F02.{row}.{column}" for row in ("01", "02", "06", "07", "08", "11", "12") for column in "23"}
    by_meaning = {
        key.row: version.measure_of("F02", key.row, "2")
        for version in form.versions[:1]
        for key, _ in version.walk_cells("F02")
    }
    assert by_meaning["04"] == "F02.06.2"
    assert by_meaning["08"] == "F02.11.2"
