"""The pages without a server: every route wants a log-in, and words, numbers and escapes are right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
import sqlalchemy.exc
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from etl.labels import DECISION_LABELS, STATUS_LABELS, VERDICT_LABELS
from etl.settings import read_settings
from etl.text import show_share
from etl.usecases.board import STATUSES, Board, BoardLine, Status
from etl.usecases.context import Knowledge, WarehouseNotReady
from etl.warehouse.server import ServerError
from plugins import office
from plugins.office_views import choose_key, describe_board, show_instant, show_number

REGISTER = Knowledge(read_settings({})).register
DUE = datetime(2026, 6, 16, 16, 59, 59, tzinfo=UTC)


def _line(unit: str, name: str, status: Status) -> BoardLine:
    return BoardLine(unit, name, "commune", status, DUE, None, None, 1, None)


def _board(*lines: BoardLine) -> Board:
    return Board(
        "movements-half", "Báo cáo", "2026-S1", "6 tháng đầu năm 2026", "admin", datetime.now(UTC), list(lines)
    )


def test_no_route_answers_a_stranger() -> None:
    client = TestClient(office.app, raise_server_exceptions=False)
    routes = [route for route in office.app.routes if isinstance(route, APIRoute)]
    paths = {route.path for route in routes}

    assert {"/board", "/findings"} <= paths
    # Nothing but our own routes: FastAPI's documentation pages would be open to all.
    assert len(paths) == len(office.app.routes)
    for path in paths:
        query = {"report": "movements-half", "period": "2026-S1", "unit": "H14.SNV"}
        answer = client.get(path, params=query, follow_redirects=False)
        assert answer.status_code == 401, path
        assert "Cần đăng nhập" in answer.text
        assert "script" not in answer.headers["content-security-policy"]


def test_what_needs_a_hand_comes_first() -> None:
    lines = [_line(f"U{place}", f"Đơn vị {place}", status) for place, status in enumerate(STATUSES)]

    view = describe_board(_board(*lines), REGISTER, ["movements-half:2026-S1"])

    assert [unit.line.status for unit in view.units][:3] == ["missing", "rejected", "late"]
    assert {unit.line.status for unit in view.units} == set(STATUS_LABELS)
    assert {name: count for name, _, count in view.counts} == _board(*lines).counts


def test_a_name_from_a_file_cannot_become_markup() -> None:
    line = _line('U"1', "<script>alert(1)</script>", "on_time")
    view = describe_board(_board(line), REGISTER, ["movements-half:2026-S1"])

    text = bytes(office._render("board.html", 200, board=view, as_of=None).body).decode()

    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "unit=U%221" in text


@pytest.mark.parametrize(
    ("now", "key"),
    [
        (datetime(2026, 12, 10, tzinfo=UTC), "movements-half:2026-S1"),
        (datetime(2026, 12, 15, tzinfo=UTC), "movements-half:2026-S2"),
        (datetime(2026, 2, 1, tzinfo=UTC), "movements-half:2026-S1"),
    ],
)
def test_the_first_page_is_the_period_that_ended_last(now: datetime, key: str) -> None:
    assert choose_key(["movements-half:2026-S1", "movements-half:2026-S2"], REGISTER, now) == key


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0, "0"), (178, "178"), (1234567, "1.234.567"), (1234.5, "1.234,5")]
)
def test_numbers_are_written_as_offices_write_them(value: float | None, text: str) -> None:
    assert show_number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0,0 %"), (0.875, "87,5 %"), (19 / 24, "79,1 %"), (0.9999, "99,9 %"), (1.0, "100,0 %")],
)
def test_a_share_reads_all_only_when_it_is_all(value: float | None, text: str) -> None:
    assert show_share(value) == text


def test_instants_are_those_of_viet_nam() -> None:
    assert show_instant(DUE) == "16/06/2026 23:59"


@pytest.fixture
def member() -> Iterator[TestClient]:
    """A browser whose user is logged in."""
    office.app.dependency_overrides[office.get_user] = lambda: object()
    try:
        yield TestClient(office.app, raise_server_exceptions=False)
    finally:
        office.app.dependency_overrides.clear()


@pytest.mark.parametrize(
    "error",
    [
        ConnectionError("10.0.0.5"),
        WarehouseNotReady("10.0.0.5"),
        ServerError("10.0.0.5"),
        sqlalchemy.exc.OperationalError("SELECT 1", {}, Exception("10.0.0.5")),
        sqlalchemy.exc.ProgrammingError("SELECT 1", {}, Exception("10.0.0.5")),
        psycopg.OperationalError("10.0.0.5"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_warehouse_that_fails_is_a_page(
    member: TestClient, monkeypatch: pytest.MonkeyPatch, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(office, "open_run", fail)
    answer = member.get("/board")
    assert answer.status_code == 503
    assert "Chưa kết nối được kho số liệu" in answer.text
    assert "10.0.0.5" not in answer.text
    assert "10.0.0.5" in caplog.text, "who looks into it needs to know what happened"


@pytest.mark.parametrize(
    ("method", "address", "status", "text"),
    [
        ("GET", "/findings", 422, "không hợp lệ"),
        ("GET", "/board?as_of=hôm qua", 422, "không hợp lệ"),
        ("GET", "/board?as_of=2026-07-10T08:00:00", 422, "múi giờ"),
        ("GET", f"/board?key={'x' * 101}", 422, "không hợp lệ"),
        ("GET", "/nowhere", 404, "Không tìm thấy"),
        ("POST", "/board", 405, "chỉ để xem"),
    ],
)
def test_a_wrong_address_is_a_page_too(member: TestClient, method: str, address: str, status: int, text: str) -> None:
    answer = member.request(method, address)
    assert answer.status_code == status
    assert text in answer.text
    assert answer.headers["content-type"].startswith("text/html")


def test_only_a_person_returns_a_report() -> None:
    said_by_the_system = [*STATUS_LABELS.values(), *VERDICT_LABELS.values()]
    assert STATUS_LABELS["rejected"] == VERDICT_LABELS["rejected"] == "chưa đạt"
    assert not any("trả lại" in label for label in said_by_the_system)
    assert DECISION_LABELS["return"] == "trả lại"
