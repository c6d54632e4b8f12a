"""A JSON submission through the whole way: ingested, counted, and traced from a figure back to the key it came from."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from deliveries import at, rows_of

from etl.settings import Settings
from etl.usecases.consolidate import consolidate_period
from etl.usecases.context import open_context
from etl.usecases.ingest import ingest
from etl.usecases.json_submissions import make_sample_document
from etl.usecases.prepare import init_warehouse
from etl.usecases.trace import trace_figure
from tests.golden.sender import DEPARTMENT, HALF_YEAR, PERIOD


def test_from_a_figure_to_the_key(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    settings = make_settings()
    init_warehouse(settings)
    inbox = tmp_path / "hộp thư"
    inbox.mkdir()
    with open_context(settings, clock=lambda: at("2026-06-20T10:00")) as context:
        document = make_sample_document(context, HALF_YEAR, PERIOD, DEPARTMENT)
        awards = document["forms"]["F05"]["rows"]
        for row in ("01", "02", "11"):
            awards[row]["1"] = awards[row]["2"] = 245
        (inbox / "nop.json").write_text(json.dumps(document, ensure_ascii=False), "utf-8")
        (tmp_path / "receipts.csv").write_text("file,received_at\nnop.json,2026-06-10T08:15:00+07:00", "utf-8")
        summary = ingest(context, [inbox], tmp_path / "receipts.csv")
        assert [(one.outcome, one.findings) for one in summary.outcomes if one.outcome == "rejected"] == []
        assert summary.loaded.rejected == summary.loaded.quarantined == 0
        consolidate_period(context, HALF_YEAR, PERIOD, context.clock())
        trace = trace_figure(context, f"{HALF_YEAR}:{PERIOD}/F05/02/F05.02.2")
        assert trace.value == Decimal(245)
        (cell,) = [cell for cells in trace.contributions.values() for cell in cells if cell.unit == DEPARTMENT]
        assert (cell.sheet, cell.cell, cell.raw, cell.file) == ("F05", "/forms/F05/rows/02/2", "245", "nop.json")
        # The same bytes again are no attempt.
        (inbox / "nop lại.json").write_bytes((inbox / "nop.json").read_bytes())
        (tmp_path / "receipts.csv").write_text("file,received_at\nnop lại.json,2026-06-11T08:15:00+07:00", "utf-8")
        assert ingest(context, [inbox], tmp_path / "receipts.csv").loaded.already_received == 1
        assert rows_of(context, "SELECT count(*) FROM core.submission") == [(1,)]
