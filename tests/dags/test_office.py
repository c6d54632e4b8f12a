"""The pages as Airflow mounts them, without a server: its log-in on every route, its roles, its frame; errors are pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import sqlalchemy.exc
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from fastapi import FastAPI
from fastapi.testclient import TestClient

from etl.labels import DECISION_LABELS, STATUS_LABELS, VERDICT_LABELS
from etl.review.access import read_access_table
from etl.review.people import Role
from etl.settings import Settings
from etl.usecases.accounts import add_account
from etl.usecases.context import WarehouseNotReady, open_context
from etl.usecases.prepare import init_warehouse
from etl.warehouse.server import ServerError
from plugins import office

Member = Callable[[str | None], TestClient]
OWN_DOOR = ("/login", "/logout", "/u/")


def fill(path: str) -> str:
    """A path of the table with something in each of its places."""
    values = {
        "name": "office.css", "report": "movements-half", "period": "2026-S1", "unit": "H14.SNV", "mart": "movements",
        "action": "approve",
    }  # fmt: skip
    parts = path.split("/")
    return "/".join(values.get(part.strip("{}"), "1") if part.startswith("{") else part for part in parts)


@pytest.fixture
def mounted() -> FastAPI:
    """Airflow's server, as far as it matters: our app under /office."""
    host = FastAPI()
    host.mount("/office", office.app)
    return host


@pytest.fixture
def member(mounted: FastAPI) -> Iterator[Member]:
    """A browser whose user Airflow knows, with a role of SimpleAuthManager's."""

    def make(role: str | None) -> TestClient:
        user = SimpleAuthManagerUser(username="can-bo", role=role)
        office.app.dependency_overrides[office.get_user] = lambda: user
        return TestClient(mounted, raise_server_exceptions=False, follow_redirects=False)

    try:
        yield make
    finally:
        office.app.dependency_overrides.clear()


@pytest.fixture
def settings(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A warehouse that the mounted pages read."""
    found = make_settings()
    init_warehouse(found)
    monkeypatch.setattr(office.office, "read_settings", lambda: found)
    try:
        yield found
    finally:
        office.office.close()


def test_no_route_answers_a_stranger(mounted: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does what a stranger asks or sends open the warehouse."""
    opened: list[str] = []
    monkeypatch.setattr(office.office, "_open", lambda *_: opened.append("opened"))
    client = TestClient(mounted, raise_server_exceptions=False, follow_redirects=False)
    asked = sorted(read_access_table().rights)

    assert ("GET", "/board") in asked and ("GET", "/static/{name}") in asked
    for method, path in asked:
        answer = client.request(method, f"/office{fill(path)}")
        assert answer.status_code == 401, (method, path)
        assert "Cần đăng nhập" in answer.text or method == "HEAD"
        assert "Sở Nội vụ" not in answer.text
        assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
    assert opened == []


@pytest.mark.parametrize(
    ("user", "role"),
    [
        (SimpleAuthManagerUser(username="a", role="viewer"), Role.READER),
        (SimpleAuthManagerUser(username="a", role="user"), Role.REVIEWER),
        (SimpleAuthManagerUser(username="a", role="op"), Role.PUBLISHER),
        (SimpleAuthManagerUser(username="a", role="ADMIN"), Role.ADMINISTRATOR),
        (SimpleAuthManagerUser(username="a", role=None), Role.ANONYMOUS),
        # As the FAB provider has them: any number of roles, by name.
        (SimpleNamespace(roles=[SimpleNamespace(name="Viewer"), SimpleNamespace(name="Op")]), Role.PUBLISHER),
        (SimpleNamespace(roles=[SimpleNamespace(name="Admin")]), Role.ADMINISTRATOR),
        (SimpleNamespace(roles=[SimpleNamespace(name="Public"), SimpleNamespace(name="administrator")]), Role.ANONYMOUS),
        (SimpleNamespace(roles=[]), Role.ANONYMOUS),
        (SimpleNamespace(), Role.ANONYMOUS),
    ],
)  # fmt: skip
def test_airflow_roles_are_ours(user: Any, role: Role) -> None:
    assert office.choose_role(user) is role


def test_roles_of_airflow_open_what_the_table_says(member: Member, settings: Settings) -> None:
    for name, role in office.AIRFLOW_ROLES.items():
        client = member(name)
        for (method, path), roles in read_access_table().rights.items():
            if method != "GET" or path.startswith(OWN_DOOR):
                continue
            status = client.get(f"/office{fill(path)}").status_code
            assert (status == 403) == (role not in roles), (name, path, status)
    nobody = member("Public")
    assert nobody.get("/office/board").status_code == 403
    assert "không có quyền" in nobody.get("/office/board").text


def test_our_own_door_is_not_there(member: Member, settings: Settings) -> None:
    client = member("admin")
    token = client.get("/office/board").text.partition('data-csrf="')[2].partition('"')[0]
    assert token
    for method, path in sorted(read_access_table().rights):
        if path.startswith(OWN_DOOR):
            answer = client.request(method, f"/office{fill(path)}", headers={"x-csrf-token": token})
            assert answer.status_code == 404, path


def test_a_write_wants_the_token_of_its_own_user(member: Member, settings: Settings) -> None:
    client = member("admin")
    page = client.get("/office/board").text
    token = page.partition('data-csrf="')[2].partition('"')[0]
    form = {"login": "người-mới", "name": "Người mới", "role": "reader", "password": "mật khẩu đủ dài"}

    assert 'href="/office/board"' in page
    assert client.post("/office/accounts", data=form).status_code == 403
    assert client.post("/office/accounts", data={**form, "csrf": "x" * 64}).status_code == 403
    foreign = client.post("/office/accounts", data={**form, "csrf": token}, headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    answer = client.post("/office/accounts", data={**form, "csrf": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/office/accounts")
    office.app.dependency_overrides[office.get_user] = lambda: SimpleAuthManagerUser(username="khác", role="admin")
    assert client.post("/office/accounts", data={**form, "login": "b", "csrf": token}).status_code == 403


def test_names_cannot_become_markup(member: Member, settings: Settings) -> None:
    with open_context(settings) as context:
        add_account(context, "<b>ai</b>", "<script>alert(1)</script>", "reader", "mật khẩu đủ dài", "test")

    text = member("admin").get("/office/accounts").text

    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text and "<b>ai" not in text
    sought = member("viewer").get("/office/board", params={"text": '"><script>alert(2)</script>'}).text
    assert "alert(2)" in sought
    assert "<script>alert" not in sought


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
    member: Member, monkeypatch: pytest.MonkeyPatch, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(office.office, "context", fail)
    answer = member("viewer").get("/office/board")
    assert answer.status_code == 503
    assert "Kho số liệu tạm thời không trả lời" in answer.text
    assert "10.0.0.5" not in answer.text
    assert "10.0.0.5" in caplog.text, "who looks into it needs to know what happened"
    assert "in fail" in caplog.text


def test_a_wrong_address_is_a_page_too(member: Member, settings: Settings) -> None:
    client = member("viewer")
    for method, address, status, text in (
        ("GET", "/tables/nothing", 404, "không có bảng"),
        ("GET", "/submissions/x", 422, "không hợp lệ"),
        ("GET", f"/board?text={'x' * 101}", 422, "không hợp lệ"),
        ("GET", "/submissions/99999999999999999999999", 404, "Không có lần nộp"),
        ("GET", "/nowhere", 404, "Không tìm thấy"),
        ("POST", "/board", 405, "không nhận"),
    ):
        answer = client.request(method, f"/office{address}")
        assert answer.status_code == status, address
        assert text in answer.text
        assert answer.headers["content-type"].startswith("text/html")


def test_only_a_person_returns_a_report() -> None:
    said_by_the_system = [*STATUS_LABELS.values(), *VERDICT_LABELS.values()]
    assert STATUS_LABELS["rejected"] == VERDICT_LABELS["rejected"] == "chưa đạt"
    assert not any("trả lại" in label for label in said_by_the_system)
    assert DECISION_LABELS["return"] == "trả lại"
