"""A one-off report (chuyên đề, đột xuất) from the register to the board: its own window, its own due instant."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import openpyxl
from changing_register import at, make_register
from deliveries import edit_csv

from etl.settings import Settings
from etl.usecases.board import read_board
from etl.usecases.context import Knowledge, open_context
from etl.usecases.fill_in import write_templates
from etl.usecases.ingest import ingest
from etl.usecases.periods import due_events, open_periods
from etl.usecases.prepare import init_warehouse
from etl.usecases.reports import list_reports

CODE = "2026-X-bau-cu"
DECLARED = """
  - code: bau-cu
    name: Báo cáo đột xuất phong trào thi đua phục vụ bầu cử
    clock: admin
    frequency: one_off
    legal_basis: Nghị định 09/2019/NĐ-CP, Điều 4
    valid_from: 2026-01-01
    forms:
      F00: {"*": mandatory, bloc: not_owed}
      F07: {"*": mandatory, bloc: not_owed}
    due: [{unit_types: ["*"], kind: cutoff_plus_working_days, days: 1, operator: no_later_than}]
    one_off_periods:
      2026-X-bau-cu: {start: 2026-02-01, end: 2026-03-15, due: 2026-03-17T17:00:00+07:00}
"""


def test_from_the_register_to_the_board(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    folder = make_register(tmp_path / "register", units=6)
    (folder / "reports.yaml").write_text((folder / "reports.yaml").read_text("utf-8") + DECLARED, "utf-8")
    edit_csv(folder / "exemptions.csv", {}, "unit")
    settings = make_settings(folder)
    before = init_warehouse(settings, clock=lambda: at("2026-01-20T08:00"))
    assert f"bau-cu:{CODE}" not in before.periods
    with open_context(settings, clock=lambda: at("2026-02-01T08:00")) as context:
        assert f"bau-cu:{CODE}" in open_periods(context, at("2026-02-01T08:00"))

    knowledge = Knowledge(settings)
    (listed,) = [report for report in list_reports(knowledge, at("2026-02-01T08:00")) if report["report"] == "bau-cu"]
    (period,) = listed["periods"]  # type: ignore[misc]
    assert (period["start"], period["end"]) == ("2026-02-01", "2026-03-15")
    assert set(period["due"].values()) == {"2026-03-17T17:00:00+07:00"}
    events = [
        (event.kind, event.at.isoformat())
        for event in due_events(knowledge, at("2026-03-01T00:00").date(), at("2026-03-31T00:00").date())
        if event.report == "bau-cu"
    ]
    assert events == [("cutoff", "2026-03-16T23:59:59+07:00"), ("due", "2026-03-17T17:00:00+07:00")]

    written = write_templates(knowledge, "bau-cu", CODE, tmp_path / "mẫu")
    assert written
    guide = openpyxl.load_workbook(io.BytesIO(written[0].read_bytes()))
    texts = [str(cell.value) for sheet in guide.worksheets for row in sheet.iter_rows() for cell in row if cell.value]
    assert any("17:00" in text and "17/03/2026" in text for text in texts)
    assert any("từ ngày 01/02/2026 đến ngày 15/03/2026" in text for text in texts)

    first, second = (path.name.split("_")[0] for path in written[:2])
    receipts = tmp_path / "receipts.csv"
    receipts.write_text(
        f"file,received_at\n{written[0].name},2026-03-17T17:00:00+07:00\n{written[1].name},2026-03-17T17:00:01+07:00\n",
        "utf-8",
    )
    for path in written[2:]:
        path.unlink()
    with open_context(settings, clock=lambda: at("2026-03-20T08:00")) as context:
        ingest(context, [tmp_path / "mẫu"], receipts)
        with context.engine.begin() as connection:
            # Left as they were printed the workbooks say nothing; a reviewer takes them all the same.
            connection.exec_driver_sql(
                "INSERT INTO core.decision (submission_id, decision, decided_by, reason, recorded_at) "
                "SELECT id, 'accept', 'nguoi.duyet', 'thử nghiệm', received_at FROM core.submission"
            )
        board = read_board(context, "bau-cu", CODE, at("2026-03-20T08:00"))
    states = {line.unit: line.status for line in board.units}
    assert (states.pop(first), states.pop(second)) == ("on_time", "late")
    assert set(states.values()) == {"missing"}
    assert board.period_label == "từ ngày 01/02/2026 đến ngày 15/03/2026"
