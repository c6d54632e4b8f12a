"""The pages without a server: every route wants a log-in, and words, numbers and escapes are right."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from etl.settings import read_settings
from etl.usecases.board import STATUS_LABELS, STATUSES, Board, BoardLine, Status
from etl.usecases.context import Knowledge
from plugins import office
from plugins.office_views import choose_key, describe_board, show_instant, show_number, show_share

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
        (datetime(2026, 6, 10, tzinfo=UTC), "movements-half:2025-S2"),
        (datetime(2026, 6, 15, tzinfo=UTC), "movements-half:2026-S1"),
        (datetime(2025, 10, 1, tzinfo=UTC), "movements-half:2025-S2"),
    ],
)
def test_the_first_page_is_the_period_that_ended_last(now: datetime, key: str) -> None:
    assert choose_key(["movements-half:2025-S2", "movements-half:2026-S1"], REGISTER, now) == key


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0, "0"), (178, "178"), (1234567, "1.234.567"), (1234.5, "1.234,5")]
)
def test_numbers_are_written_as_offices_write_them(value: float | None, text: str) -> None:
    assert show_number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0,0 %"), (0.875, "87,5 %"), (19 / 24, "79,2 %"), (0.9999, "99,9 %"), (1.0, "100,0 %")],
)
def test_a_share_reads_all_only_when_it_is_all(value: float | None, text: str) -> None:
    assert show_share(value) == text


def test_instants_are_those_of_viet_nam() -> None:
    assert show_instant(DUE) == "16/06/2026 23:59"
