"""The door: log-in, sessions, tokens, limits, headers; and that the table of routes is complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from reviewed_office import LOGINS, PASSWORD, Reviewed, log_in, read_token

from etl.review.access import BadAccessTable, read_access_table
from etl.review.app import create_app
from etl.review.limits import RateLimit
from etl.review.office import Office
from etl.usecases import accounts
from etl.usecases.accounts import IDLE, BadAccount, add_account, change_account, read_session
from etl.usecases.accounts import log_in as open_by_password
from etl.usecases.context import open_context

Client = Callable[[str | None], TestClient]


def test_a_stranger_is_sent_to_the_login_and_comes_back(client_of: Client) -> None:
    client = client_of(None)

    sent = client.get("/", params={"a": "1"})

    assert sent.status_code == 303
    assert sent.headers["location"].startswith("/login?next=")
    answer = client.post("/login", data={"login": LOGINS["reader"].upper(), "password": PASSWORD, "next": "/?a=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?a=1")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie


@pytest.mark.parametrize(
    "wanted", ["https://nơi.khác", "//khac.example", "/\\khac.example", "javascript:alert(1)", "/a\nb"]
)
def test_a_login_leads_to_no_other_site(client_of: Client, wanted: str) -> None:
    answer = client_of(None).post("/login", data={"login": LOGINS["reader"], "password": PASSWORD, "next": wanted})

    assert answer.headers["location"] == "/board"


def test_wrong_login_and_wrong_password_look_alike(client_of: Client) -> None:
    texts = {
        client_of(None).post("/login", data={"login": login, "password": "sai mật khẩu rồi"}).text.replace(login, "")
        for login in (LOGINS["reader"], "khong-co")
    }

    assert len(texts) == 1
    assert "không đúng" in texts.pop()


def test_guessing_passwords_is_stopped(reviewed: Reviewed) -> None:
    office = Office(lambda: reviewed.settings)
    client = log_in(create_app(office), None)
    answers = [client.post("/login", data={"login": "doan", "password": str(n)}).status_code for n in range(12)]

    assert answers[:10] == [401] * 10
    assert answers[10:] == [429, 429]
    office.close()


@pytest.mark.parametrize(
    "written", ["ｐublisher@vp", "PUBLISHER@VP", "  publisher@vp\u3000", "publisher＠vp", "ｐＵblisher@vp"]
)
def test_another_way_of_writing_a_login_is_no_way_around_its_limit(office: Office, written: str) -> None:
    app = create_app(office)
    app.state.limits["log-in"] = RateLimit(1000, 300)  # by address: it would stop the eleventh try whatever its login
    client = log_in(app, None)
    wrong = {"login": LOGINS["publisher"], "password": "sai mật khẩu rồi"}
    assert [client.post("/login", data=wrong).status_code for _ in range(10)] == [401] * 10

    assert client.post("/login", data={"login": written, "password": PASSWORD}).status_code == 429


def test_a_login_that_nobody_can_have_is_a_wrong_one(client_of: Client) -> None:
    for odd in ("\u3000", "\u200b", "a\u0007b"):
        answer = client_of(None).post("/login", data={"login": odd, "password": "sai mật khẩu rồi"})
        assert answer.status_code == 401 and "không đúng" in answer.text, repr(odd)


@pytest.mark.parametrize("path", ["/healthz", "/static/office.css"])
def test_monitoring_may_ask_for_the_head_alone(client_of: Client, live: str, path: str) -> None:
    whole, head = httpx.get(live + path), httpx.head(live + path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert ("HEAD", path) in read_access_table().rights or path.startswith("/static/")
    assert httpx.head(f"{live}/board").status_code == 405
    assert httpx.head(f"{live}/static/no-such.css").status_code == 404


def test_a_period_that_is_not_there_is_said_in_vietnamese(client_of: Client) -> None:
    for path in ("/periods/xã/x", "/periods/movements-half/1999-S9"):
        page = client_of("reader").get(path)
        assert page.status_code == 404
        assert "Không có báo cáo hoặc kỳ báo cáo này." in page.text.replace("</h1>", ".")
        assert "register" not in page.text.partition("<main")[2] and "known" not in page.text


def test_a_write_without_its_token_is_refused(client_of: Client) -> None:
    client = client_of("reader")
    token = read_token(client, "/login")

    assert client.post("/logout").status_code == 403
    assert client.post("/logout", data={"csrf": "x" * 64}).status_code == 403
    other = read_token(client_of("reviewer"), "/login")
    assert client.post("/logout", data={"csrf": other}).status_code == 403
    assert client.post("/logout", data={"csrf": token}, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert client.post("/logout", data={"csrf": token}).status_code == 303
    assert client.get("/").headers["location"].startswith("/login")


def test_a_session_ends_by_itself_and_with_its_account(reviewed: Reviewed) -> None:
    now = datetime(2026, 7, 1, 1, 0, tzinfo=UTC)
    moment = [now]
    with open_context(reviewed.settings, clock=lambda: moment[0]) as context:
        add_account(context, "tạm", "Cán bộ tạm", "reader", PASSWORD, "test")
        session = open_by_password(context, "tạm", PASSWORD)
        assert session is not None
        moment[0] = now + IDLE - timedelta(minutes=5)
        assert read_session(context, session.token) is not None
        moment[0] += IDLE - timedelta(minutes=5)  # it was used in between
        assert read_session(context, session.token) is not None
        moment[0] += IDLE + timedelta(seconds=1)
        assert read_session(context, session.token) is None

        again = open_by_password(context, "tạm", PASSWORD)
        assert again is not None
        change_account(context, "tạm", "test", role="reviewer")
        assert read_session(context, again.token) is None
        third = open_by_password(context, "tạm", PASSWORD)
        assert third is not None
        change_account(context, "tạm", "test", disabled=True)
        assert read_session(context, third.token) is None
        assert open_by_password(context, "tạm", PASSWORD) is None


def test_passwords_and_cookies_are_not_in_the_warehouse(reviewed: Reviewed) -> None:
    with open_context(reviewed.settings) as context:
        session = open_by_password(context, LOGINS["reader"], PASSWORD)
        assert session is not None
        with context.engine.connect() as connection:
            stored = "".join(
                str(tuple(row))
                for table in ("ops.account", "ops.session", "ops.action")
                for row in connection.execute(sa.text(f"SELECT * FROM {table}"))
            )
    assert session.token not in stored
    assert PASSWORD not in stored
    assert "argon2id" in stored


def test_short_passwords_unknown_roles_and_taken_logins_are_refused(reviewed: Reviewed) -> None:
    with open_context(reviewed.settings) as context:
        for values in (("moi", "ngắn", "reader"), ("moi", PASSWORD, "unit"), (LOGINS["reader"], PASSWORD, "reader")):
            with pytest.raises(BadAccount):
                add_account(context, values[0], "", values[2], values[1], "test")


def test_every_answer_carries_the_policy(client_of: Client) -> None:
    client = client_of(None)
    for path in ("/login", "/static/office.css", "/healthz", "/không-có"):
        headers = client.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
    assert client.get("/login").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["../app.py", "..%2fapp.py", "htmx.LICENSE", "layout.html"])
def test_only_our_static_files_are_served(client_of: Client, name: str) -> None:
    assert client_of(None).get(f"/static/{name}").status_code == 404


def test_a_large_body_is_refused_before_it_is_read(client_of: Client, live: str) -> None:
    assert client_of(None).post("/login", content=b"x" * 300_000).status_code == 413

    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    headers = {"content-type": "application/x-www-form-urlencoded"}
    # The test client would read it to its end; over a socket the server stops reading.
    with httpx.Client() as client:
        try:
            status = client.post(f"{live}/login", content=endless(), headers=headers).status_code
        except httpx.WriteError:  # it closed the connection while we were still sending
            status = 413
    assert status == 413
    assert httpx.get(f"{live}/healthz").text == "ok"


def test_a_route_that_the_table_does_not_name_stops_the_start(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from etl.review import routes

    forgotten = APIRouter()
    forgotten.add_api_route("/quên", lambda: {"a": 1})
    monkeypatch.setattr(routes, "ROUTERS", (*routes.ROUTERS, forgotten))

    with pytest.raises(BadAccessTable, match="/quên"):
        create_app(office)


def test_the_table_names_only_routes_that_exist(app: FastAPI) -> None:
    real = {(method, route.path) for route in app.routes for method in route.methods}  # type: ignore[attr-defined]

    assert set(read_access_table().rights) == real


def test_rate_limits_let_go_with_time() -> None:
    now = [0.0]
    limit = RateLimit(2, 60, clock=lambda: now[0])

    assert [limit.allows("a") for _ in range(3)] == [True, True, False]
    assert limit.allows("b")
    now[0] = 61
    assert limit.allows("a")


def test_the_audit_names_who_logged_in_and_no_unknown_names(reviewed: Reviewed) -> None:
    with open_context(reviewed.settings) as context:
        open_by_password(context, "mật khẩu gõ nhầm ô", "x")
        with context.engine.connect() as connection:
            logins = set(connection.execute(sa.text("SELECT login FROM ops.action WHERE action = 'log-in'")).scalars())
    assert "?" in logins
    assert "mật khẩu gõ nhầm ô" not in logins
    assert accounts.clean_login("  Ａbc ") == "abc"
