"""The year's report with its open lists and blocs goes the whole way: sample, warehouse, figures, official workbook."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from deliveries import at, edit_csv, rows_of

from etl.sample.generate import write_sample
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.consolidate import consolidate_period
from etl.usecases.context import open_context
from etl.usecases.export import export_workbook
from etl.usecases.ingest import ingest
from etl.usecases.prepare import init_warehouse

REPORT, PERIOD = "movements-year", "2026-A1"
NOW = at("2027-02-20T08:00")


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("year") / "sample"
    write_sample(PROJECT_ROOT / "register", folder, REPORT, [PERIOD], 40, 2026, 25)
    return folder


def test_the_years_report_goes_the_whole_way(
    year: Path, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = make_settings(year / "register")
    init_warehouse(settings)
    with open_context(settings, clock=lambda: NOW) as context:
        ingest(context, [year / "inbox"], year / "receipts.csv")
        consolidate_period(context, REPORT, PERIOD, NOW)
        path = export_workbook(context, REPORT, PERIOD, tmp_path / "năm.xlsx", NOW)
        found = Counter(rows_of(context, "SELECT code, severity FROM core.current_finding WHERE code NOT LIKE 'H-%'"))
        lines = rows_of(context, "SELECT count(*) FROM core.observation WHERE form = 'F14' AND column_code = '1'")
        counted = rows_of(context, "SELECT DISTINCT form FROM mart.figure_source WHERE counted ORDER BY form")
    key = json.loads((year / "faults.json").read_text("utf-8"))["findings"]
    # What history says depends on more than the file; the rest is the answer key's.
    wanted = [(row["code"], row["severity"]) for row in key if not row["code"].startswith("H-")]
    assert found == Counter(wanted)
    assert int(str(lines[0][0])) > 200
    forms = {form for (form,) in counted}
    assert {"F05", "F10"} <= forms
    # Line 3 of one unit and line 3 of another are not to be added up, nor the scores of blocs; complaints are restricted.
    assert not forms & {"F11", "F13", "F14"}
    sheets = openpyxl.load_workbook(path).sheetnames
    assert any(name.startswith("0603") for name in sheets)


def test_a_corrected_coefficient_retires_the_row_before_it(
    year: Path, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    register = tmp_path / "register"
    register.mkdir()
    for file in (year / "register").iterdir():
        (register / file.name).write_bytes(file.read_bytes())
    settings = make_settings(register)
    assert init_warehouse(settings)
    edit_csv(register / "awards.csv", {"KNC": {"coefficient_individual": "0.5"}})
    init_warehouse(settings)
    with open_context(settings) as context:
        rows = rows_of(
            context,
            "SELECT coefficient_individual, issuers, kinds, cell_individual, retired_at IS NULL FROM register.award "
            "WHERE code = 'KNC' ORDER BY recorded_at, retired_at NULLS LAST",
        )
        amounts = rows_of(context, "SELECT amount, valid_from FROM register.base_salary ORDER BY valid_from")
    assert [(float(str(row[0])), *row[1:]) for row in rows] == [
        (0.6, "bo_nganh|ubnd_tinh", "ca_nhan", "F05.05.5", False),
        (0.5, "bo_nganh|ubnd_tinh", "ca_nhan", "F05.05.5", True),
    ]
    assert [(int(str(amount)), str(day)) for amount, day in amounts] == [
        (2_340_000, "2024-07-01"),
        (2_530_000, "2026-07-01"),
    ]
