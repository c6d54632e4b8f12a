"""The pages against what is thrown at a door: planted cookies, foreign sites, guesses, odd addresses, hosts and names."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from reviewed_office import LOGINS, PASSWORD, PERIOD, REPORT, Reviewed, log_in, read_token
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from etl.review.app import create_app
from etl.review.downloads import attach
from etl.review.limits import RateLimit, name_address
from etl.review.office import Office
from etl.usecases.accounts import add_account, change_account
from etl.usecases.context import WarehouseNotReady, open_context
from etl.warehouse.server import ServerError

Client = Callable[[str | None], TestClient]
FORM = {"login": LOGINS["reader"], "password": PASSWORD}
LOCKED = "__Host-mr_session"


def visit(app: FastAPI, address: str = "http://testserver", *, peer: str = "") -> TestClient:
    return TestClient(
        app, base_url=address, follow_redirects=False, raise_server_exceptions=False,
        client=(peer or secrets.token_hex(4), 1),
    )  # fmt: skip


@pytest.fixture
def own_app(reviewed: Reviewed) -> Iterator[FastAPI]:
    """An app with limits of its own."""
    office = Office(lambda: reviewed.settings)
    yield create_app(office)
    office.close()


def test_cookies_over_https(app: FastAPI, client_of: Client) -> None:
    client = visit(app, "https://testserver")
    answer = client.post("/login", data=FORM)

    name, _, rest = answer.headers["set-cookie"].partition("=")
    # The prefix makes browsers insist on: Secure, path /, no domain. A neighbour in the domain cannot plant it.
    assert name == LOCKED
    assert "Secure" in rest and "HttpOnly" in rest and "SameSite=lax" in rest and "Path=/;" in f"{rest};"
    assert "Domain" not in rest
    assert client.get("/board").status_code == 200
    assert client.get("/board").headers["strict-transport-security"]

    planted = visit(app, "https://testserver")
    planted.cookies.set("mr_session", client_of("administrator").cookies["mr_session"])
    assert planted.get("/board").headers["location"].startswith("/login")

    token = read_token(client)
    gone = client.post("/logout", data={"csrf": token}).headers["set-cookie"]
    assert gone.startswith(f'{LOCKED}=""') and "Secure" in gone, (
        "a browser takes it back under the same conditions only"
    )


def test_cookies_are_secure_behind_a_proxy_that_tells_nothing(reviewed: Reviewed) -> None:
    office = Office(lambda: replace(reviewed.settings, web_url="https://bao-cao.tinh.example"))
    answer = visit(create_app(office)).post("/login", data=FORM)
    assert answer.headers["set-cookie"].startswith(LOCKED)
    assert "Secure" in answer.headers["set-cookie"]
    office.close()


def test_cookies_belong_to_the_path_the_pages_are_at(own_app: FastAPI) -> None:
    host = FastAPI()
    host.mount("/thi-dua", own_app)
    client = visit(host)
    answer = client.post("/thi-dua/login", data={**FORM, "next": "/board"})
    assert answer.headers["location"] == "/thi-dua/board"
    assert "Path=/thi-dua;" in f"{answer.headers['set-cookie']};"
    assert client.get("/thi-dua/board").status_code == 200
    away = visit(host).get("/thi-dua/board", params={"text": "a"})
    assert away.headers["location"] == "/thi-dua/login?next=%2Fboard%3Ftext%3Da"


def test_a_session_given_beforehand_is_not_taken(app: FastAPI) -> None:
    known = "đã-biết-trước".encode().hex()
    answer = visit(app).post("/login", data=FORM, headers={"cookie": f"mr_session={known}"})
    assert answer.status_code == 303
    assert known not in answer.headers["set-cookie"]
    assert visit(app).get("/board", headers={"cookie": f"mr_session={known}"}).status_code == 303


def test_a_new_password_ends_every_session(app: FastAPI, reviewed: Reviewed) -> None:
    with open_context(reviewed.settings) as context:
        add_account(context, "nhiều-máy", "Nhiều máy", "reader", PASSWORD, "test")
        clients = [visit(app) for _ in range(3)]
        for client in clients:
            client.post("/login", data={"login": "nhiều-máy", "password": PASSWORD})
            assert client.get("/board").status_code == 200
        change_account(context, "nhiều-máy", "test", password="mật khẩu khác hẳn")
    assert [client.get("/board").status_code for client in clients] == [303] * 3


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://xau.example"},
        {"origin": "http://testserver.xau.example"},
    ],
)
def test_no_other_site_logs_anybody_in(app: FastAPI, headers: dict[str, str]) -> None:
    answer = visit(app).post("/login", data=FORM, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "same-origin"}, {"origin": "null"}, {"origin": "http://testserver"}]
)
def test_our_own_form_does(app: FastAPI, headers: dict[str, str]) -> None:
    assert visit(app).post("/login", data=FORM, headers=headers).status_code == 303


# --- limits ---------------------------------------------------------------------------------------------------------------


def test_a_whole_office_behind_one_address_logs_in(own_app: FastAPI) -> None:
    assert [visit(own_app, peer="10.0.0.7").post("/login", data=FORM).status_code for _ in range(11)] == [303] * 11


def test_guesses_from_elsewhere_do_not_keep_the_owner_out(own_app: FastAPI) -> None:
    wrong = {**FORM, "password": "đoán một mật khẩu"}
    guesses = [visit(own_app, peer=f"10.9.{n // 6}.1").post("/login", data=wrong).status_code for n in range(12)]
    assert set(guesses) == {401}
    assert visit(own_app, peer="10.0.0.8").post("/login", data=FORM).status_code == 303


def test_guesses_from_everywhere_end_too(own_app: FastAPI) -> None:
    limit = own_app.state.limits["log-in of account"]
    for _ in range(limit.most):
        assert limit.allows(LOGINS["reader"])
    assert visit(own_app).post("/login", data=FORM).status_code == 429


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.5", "10.0.0.5"),
        ("10.0.0.5", "10.0.0.5"),
        ("testclient", "testclient"),
    ],
)
def test_one_network_is_one_asker(address: str, key: str) -> None:
    assert name_address(address) == key


def test_only_the_trusted_proxy_says_who_asks(own_app: FastAPI) -> None:
    behind = ProxyHeadersMiddleware(own_app, trusted_hosts="10.0.0.1")  # type: ignore[arg-type]
    wrong = {**FORM, "password": "đoán một mật khẩu"}

    def guess(peer: str, number: int) -> int:
        headers = {"x-forwarded-for": f"203.0.113.{number}", "x-forwarded-proto": "https"}
        client = visit(behind, peer=peer)  # type: ignore[arg-type]
        return client.post("/login", data={**wrong, "login": f"ai-{number}"}, headers=headers).status_code

    # A stranger names another address each time: it is one asker all the same.
    assert [guess("10.0.0.66", number) for number in range(11)] == [401] * 10 + [429]
    assert [guess("10.0.0.1", number) for number in range(11)] == [401] * 11
    told = visit(behind, peer="10.0.0.1").post("/login", data=FORM, headers={"x-forwarded-proto": "https"})  # type: ignore[arg-type]
    assert told.headers["set-cookie"].startswith(LOCKED)
    lied = visit(behind, peer="10.0.0.67").post("/login", data=FORM, headers={"x-forwarded-proto": "https"})  # type: ignore[arg-type]
    assert lied.headers["set-cookie"].startswith("mr_session")


def test_a_limit_forgets_whom_it_need_not_know() -> None:
    now = [0.0]
    limit = RateLimit(1, 60, clock=lambda: now[0], _clean_at=3)
    for number in range(4):
        assert limit.allows(str(number))
    now[0] = 120
    assert limit.allows("mới")
    assert limit._events.keys() == {"mới"}


# --- addresses, hosts, names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "//xau.example/board", "//xau.example/%2e%2e/board", "/static/..%2f..%2faccess.yaml", "/static/%2e%2e%2fapp.py",
        "/static/..%5capp.py", "/static/office.css%00.html", "/board/..%2f..%2faccounts", "/%2e%2e/board", "/board/", "/BOARD",
        "/u/", "/u/..%2fboard", "/login/../board%0d%0aSet-Cookie:a=b",
    ],
)  # fmt: skip
def test_odd_addresses_lead_nowhere(app: FastAPI, path: str) -> None:
    answer = visit(app).get(f"http://testserver{path}")
    assert answer.status_code in (303, 404), path
    # Nothing but our own log-in, by a path of ours.
    assert answer.headers.get("location", "/login?").startswith("/login?"), path
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("host", ["xau.example", "testserver@xau.example", "xau.example/board?"])
def test_the_host_header_is_repeated_nowhere(app: FastAPI, client_of: Client, host: str) -> None:
    headers = {"host": host, "x-forwarded-host": "xau.example"}
    for client, path in ((visit(app), "/"), (visit(app), "/login"), (client_of("reader"), "/board")):
        answer = client.get(path, headers=headers)
        assert "xau.example" not in answer.text
        assert "xau.example" not in str(answer.headers)


@pytest.mark.parametrize(
    "name", ['a"\r\nX-Xau: 1.xlsx', "báo cáo\u202excod.exe", "../../etc/passwd", "", "a" * 400, "a;b='c'.xlsx"]
)
def test_a_file_name_is_only_a_name_in_the_header(name: str) -> None:
    header = attach(name, b"").headers["content-disposition"]
    assert header.startswith('attachment; filename="')
    assert header.isascii() and header.isprintable()
    plain = header.partition('filename="')[2].partition('"')[0]
    assert plain and not set(plain) & set("/\\;=' \"")
    assert header.count('"') == 2


def test_downloads_are_kept_by_no_cache_and_opened_by_no_browser(client_of: Client) -> None:
    client = client_of("reader")
    answer = client.get("/tables/movements/file", params={"key": f"{REPORT}:{PERIOD}"})
    if answer.status_code == 404:
        mart = client.get("/tables").text.partition("/tables/")[2].partition("?")[0]
        answer = client.get(f"/tables/{mart}/file", params={"key": f"{REPORT}:{PERIOD}"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_nobody_frames_the_pages_but_the_host_that_mounts_them(app: FastAPI, office: Office) -> None:
    assert "frame-ancestors 'none'" in visit(app).get("/login").headers["content-security-policy"]


def test_a_nul_and_a_number_too_large_are_the_askers_fault(client_of: Client, caplog: pytest.LogCaptureFixture) -> None:
    client = client_of("reviewer")
    token = read_token(client)
    form = {
        "unit": "H14.SNV",
        "key": f"{REPORT}:{PERIOD}",
        "until": f"{datetime.now(UTC):%Y-%m-%d}",
        "why": "bí mật",
        "seen": "0",
        "csrf": token,
    }
    for nul in ({"unit": "H14.SNV\x00"}, {"key": f"{REPORT}:{PERIOD}\x00"}, {"seen": "9" * 40, "unit": "\x00"}):
        assert client.post("/register/mutes", data={**form, **nul}).status_code == 422, nul
    assert client.get("/audit", params={"who": "a\x00"}).status_code in (200, 404, 422)
    assert client.get("/submissions/" + "9" * 40).status_code in (404, 422)
    assert client.post("/submissions/1/decide", data={"decision": "accept", "why": "a\x00", "csrf": token}).status_code in (
        404, 409, 422,
    )  # fmt: skip
    assert "bí mật" not in caplog.text


def test_a_fault_of_ours_is_a_page_with_all_headers(
    own_app: FastAPI, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = log_in(own_app, "reader")

    def fail(*_: object) -> None:
        raise RuntimeError("mật khẩu của ai đó")

    monkeypatch.setattr("etl.review.routes.board.list_keys", fail)
    answer = client.get("/board")
    assert answer.status_code == 500
    assert "Hệ thống gặp lỗi" in answer.text and "của ai" not in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "page /board failed (RuntimeError)" in caplog.text


@pytest.mark.parametrize("error", [ServerError("10.0.0.5"), WarehouseNotReady("10.0.0.5"), ConnectionError("10.0.0.5")])
def test_a_warehouse_that_fails_is_told_to_the_log_only(
    own_app: FastAPI, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(own_app.state.office, "context", fail)
    caplog.set_level(logging.ERROR)
    answer = visit(own_app).get("/u/mot-duong-dan-bi-mat")
    assert answer.status_code == 503
    assert "10.0.0.5" not in answer.text
    assert "10.0.0.5" in caplog.text
    assert "mot-duong-dan-bi-mat" not in caplog.text + answer.text
    assert visit(own_app).get("/static/office.css").status_code == 200


def test_a_body_too_large_is_refused_with_headers(app: FastAPI) -> None:
    answer = visit(app).post("/login", content=b"x" * 300_000)
    assert answer.status_code == 413
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
