"""A reason in a workbook that came back is stored with its finding, and the reviewer sees it; nobody else's log does."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from etl.annotation.annotate import annotate_workbook
from etl.calendar.deadlines import TIMEZONE
from etl.recognition.reasons import REASON_HEADER
from etl.recognition.tables import RESULT_SHEET
from etl.review.app import create_app
from etl.review.office import Office
from etl.settings import Settings
from etl.usecases.accounts import add_account
from etl.usecases.context import open_context
from etl.usecases.ingest import ingest
from etl.usecases.prepare import init_warehouse
from etl.usecases.submission_view import list_submissions, read_submission
from tests.golden.make_cases import bac_kan
from tests.golden.sender import DEPARTMENT, HALF_YEAR, PERIOD, Sending, examine, make_sending

REASON = "Do làm tròn;\n<b>tổng</b> đúng là 100 %, tính theo số liệu của xã."
WARNING = "F07-PERCENT-SUM"


def answer(sending: Sending) -> bytes:
    """The workbook as the unit sends it again: annotated, with its reason beside the one warning."""
    (examined,) = examine(sending)
    book = openpyxl.load_workbook(
        io.BytesIO(annotate_workbook(sending.to_bytes(), examined.findings, examined.subject))
    )
    sheet = book[RESULT_SHEET]
    names = {cell.value: cell.column for cell in sheet[5]}
    for row in range(6, sheet.max_row + 1):
        if sheet.cell(row, names["Mã lỗi"]).value == WARNING:
            sheet.cell(row, names[REASON_HEADER]).value = REASON
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_the_reviewer_sees_what_the_unit_said(
    make_settings: Callable[..., Settings], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = make_settings()
    init_warehouse(settings)
    sending = make_sending(bac_kan())
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    (tmp_path / "1" / "bao-cao.xlsx").write_bytes(sending.to_bytes())
    (tmp_path / "2" / "bao-cao_gop-y.xlsx").write_bytes(answer(sending))
    days = iter(range(1, 28))
    caplog.set_level(logging.DEBUG)
    with open_context(settings, clock=lambda: datetime(2026, 6, next(days), 8, tzinfo=TIMEZONE)) as context:
        for folder in ("1", "2"):
            ingest(context, [tmp_path / folder], None)
        attempts = [
            read_submission(context, one.id) for one in list_submissions(context, DEPARTMENT, HALF_YEAR, PERIOD)
        ]
        newest = attempts[-1].id
        add_account(context, "xem", "Người xem", "reader", "mật khẩu đủ dài", "test")
        with context.engine.connect() as connection:
            query = "SELECT reason FROM mart.finding WHERE code = :code ORDER BY submission_id"
            shown = connection.execute(sa.text(query), {"code": WARNING}).scalars().all()
    assert shown == [None, REASON]
    reasons = [[finding.reason for finding in attempt.findings if finding.code == WARNING] for attempt in attempts]
    assert reasons == [[None], [REASON]]
    office = Office(lambda: settings)
    client = TestClient(create_app(office))
    client.post("/login", data={"login": "xem", "password": "mật khẩu đủ dài"})
    page = client.get(f"/submissions/{newest}").text
    office.close()
    assert "Giải trình của đơn vị" in page
    assert "&lt;b&gt;tổng&lt;/b&gt; đúng là 100 %" in page
    assert "<b>" not in page
    assert "làm tròn" not in caplog.text
