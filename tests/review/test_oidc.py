"""Log-in by OpenID Connect, whole, against a provider on loopback; and every answer that must let nobody in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from httpx import Response
from oidc_provider import CLIENT, SECRET, Provider, run_provider
from reviewed_office import LOGINS, Reviewed, log_in, read_token

from etl.review import oidc
from etl.review.app import create_app
from etl.review.limits import RateLimit
from etl.review.office import Office
from etl.settings import OidcSettings, read_settings
from etl.usecases.accounts import IDLE, LONGEST, end_sessions

GROUPS = {"tdkt-xem": "reader", "tdkt-duyet": "reviewer", "tdkt-cong-bo": "publisher"}


@dataclass
class Door:
    """The pages with a provider, and how somebody goes through."""

    provider: Provider
    office: Office
    now: list[datetime]
    reviewed: Reviewed

    def __post_init__(self) -> None:
        self.app = create_app(self.office)

    def client(self) -> TestClient:
        return log_in(self.app, None)

    def go(self, client: TestClient, wanted: str = "/board?text=a") -> tuple[str, str]:
        """To the provider and through it: the address it sends the browser back to, within the pages."""
        sent = client.get("/login/oidc", params={"next": wanted})
        assert sent.status_code == 303, sent.text
        back = httpx.get(sent.headers["location"], follow_redirects=False).headers["location"]
        parts = urlsplit(back)
        return parts.path, parts.query

    def log_in(self, client: TestClient) -> Response:
        path, query = self.go(client)
        return client.get(f"{path}?{query}")


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    provider = Provider()
    with run_provider(provider):
        yield provider


@pytest.fixture
def door(running: Provider, reviewed: Reviewed) -> Iterator[Door]:
    fresh = Provider(issuer=running.issuer, key=running.key)
    running.__dict__.update(fresh.__dict__)
    running.claims["groups"] = ["tdkt-duyet"]
    settings = replace(
        reviewed.settings,
        oidc=OidcSettings(running.issuer, CLIENT, SECRET, "groups", GROUPS),
        web_url="http://testserver",
    )
    now = [datetime.now(UTC)]
    office = Office(lambda: settings, clock=lambda: now[0])
    yield Door(running, office, now, reviewed)
    office.close()


def test_a_person_of_the_province_logs_in(door: Door) -> None:
    client = door.client()
    assert "/login/oidc?next=" in client.get("/login").text

    answer = door.log_in(client)

    assert (answer.status_code, answer.headers["location"]) == (303, "/board?text=a")
    assert "HttpOnly" in answer.headers["set-cookie"]
    page = client.get("/board").text
    assert "Lan" in page and "Người thẩm tra" in page
    with door.office.context().engine.connect() as connection:
        query = "SELECT login, role, via FROM ops.session ORDER BY begun_at DESC LIMIT 1"
        assert tuple(connection.execute(sa.text(query)).one()) == ("lan.nt", "reviewer", "oidc")
        who = connection.execute(sa.text("SELECT who FROM ops.audit_trail ORDER BY at DESC LIMIT 1")).scalar_one()
    assert who == "lan.nt"


def test_the_session_ends(door: Door) -> None:
    client = door.client()
    door.log_in(client)
    token = read_token(client)
    assert client.post("/logout", data={"csrf": token}).status_code == 303
    assert client.get("/board").status_code == 303

    door.log_in(client)
    assert client.get("/board").status_code == 200
    door.now[0] += IDLE
    assert client.get("/board").status_code == 303

    door.log_in(client)
    end = door.now[0] + LONGEST
    while door.now[0] + IDLE / 2 < end:
        door.now[0] += IDLE / 2
        assert client.get("/board").status_code == 200
    door.now[0] = end
    assert client.get("/board").status_code == 303, "used all day, and over all the same"

    door.log_in(client)
    assert end_sessions(door.office.context(), "Lan.NT", "test") >= 1
    assert client.get("/board").status_code == 303


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["tdkt-xem", "tdkt-cong-bo", "khác"], "Người công bố"),
        (["tdkt-duyet", "tdkt-xem"], "Người thẩm tra"),
        ("tdkt-xem", "Người xem"),
    ],
)
def test_the_highest_role_wins(door: Door, groups: object, role: str) -> None:
    door.provider.claims["groups"] = groups
    client = door.client()
    door.log_in(client)
    assert role in client.get("/board").text


def _set(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda claims: claims.__setitem__(name, value)


def _drop(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda claims: claims.__delitem__(name)


REFUSED: dict[str, dict[str, Any]] = {
    "wrong nonce": {"spoil": _set("nonce", "x")},
    "no nonce": {"spoil": _drop("nonce")},
    "wrong audience": {"spoil": _set("aud", "another-app")},
    "two audiences and no party": {"spoil": _set("aud", [CLIENT, "another-app"])},
    "of another party": {"spoil": _set("azp", "another-app")},
    "wrong issuer": {"spoil": _set("iss", "http://127.0.0.1:1/realm")},
    "expired": {"spoil": _set("exp", int(time.time()) - 3600)},
    "no end": {"spoil": _drop("exp")},
    "of tomorrow": {"spoil": _set("iat", int(time.time()) + 86400)},
    "no subject": {"spoil": _drop("sub")},
    "alg none": {"sign": "none"},
    "HS256 with the public key": {"sign": "HS256"},
    "another key": {"sign": "foreign"},
    "broken signature": {"sign": "broken"},
    "no group": {"spoil": _drop("groups")},
    "only foreign groups": {"spoil": _set("groups", ["khách", "administrator"])},
    "an answer of another provider": {"answers_with_iss": "http://127.0.0.1:1/realm"},
    "the login of an account here": {"spoil": _set("preferred_username", LOGINS["administrator"].upper())},
    "an empty login": {"spoil": _set("preferred_username", "\x00")},
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_answer_that_is_not_right_lets_nobody_in(door: Door, case: str, caplog: pytest.LogCaptureFixture) -> None:
    client = door.client()
    for name, value in REFUSED[case].items():
        setattr(door.provider, name, value)

    answer = door.log_in(client)

    assert answer.status_code == 403, case
    assert "không đăng nhập được" in answer.text
    assert client.get("/board").status_code == 303
    assert "mr_session" not in answer.headers.get("set-cookie", "")
    assert "OpenID Connect" in caplog.text
    assert SECRET not in caplog.text and "lan.nt" not in caplog.text.lower()


def test_a_provider_that_names_itself_is_fine(door: Door) -> None:
    door.provider.answers_with_iss = door.provider.issuer
    assert door.log_in(door.client()).status_code == 303


def test_an_answer_to_somebody_else_is_refused(door: Door) -> None:
    mine, theirs = door.client(), door.client()
    door.go(mine)
    path, query = door.go(theirs)

    assert mine.get(f"{path}?{query}").status_code == 403, "the state of another log-in"
    assert door.client().get(f"{path}?{query}").status_code == 403, "no first step at all"
    assert "token" not in door.provider.asked, "the code was not even used"
    assert theirs.get(f"{path}?{query}").status_code == 303
    assert theirs.get("/board").status_code == 200


def test_an_answer_works_once(door: Door) -> None:
    client = door.client()
    path, query = door.go(client)
    cookie = client.cookies[oidc.COOKIE]
    assert client.get(f"{path}?{query}").status_code == 303
    again = door.client()
    again.cookies.set(oidc.COOKIE, cookie)
    assert again.get(f"{path}?{query}").status_code == 403, "the provider takes a code once"


def test_a_first_step_too_long_ago_is_refused(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    client = door.client()
    path, query = door.go(client)
    later = time.time() + oidc.STEP_SECONDS + 2
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
    assert client.get(f"{path}?{query}").status_code == 403
    monkeypatch.undo()
    assert client.get(f"{path}?{query}").status_code == 303, "it was only the time"


@pytest.mark.parametrize("query", ["", "state=x", "error=access_denied&state=x", "code=x", "state=é&code=x"])
def test_a_call_out_of_the_blue_is_refused(door: Door, query: str) -> None:
    client = door.client()
    client.get("/login/oidc")
    assert client.get(f"/login/oidc/back?{query}").status_code == 403


@pytest.mark.parametrize("wanted", ["https://xau.example", "//xau.example", "/\\xau.example", "board", "/a\r\nb"])
def test_it_leads_to_no_other_site(door: Door, wanted: str) -> None:
    client = door.client()
    path, query = door.go(client, wanted)
    assert client.get(f"{path}?{query}").headers["location"] == "/board"


def test_what_is_sent_to_the_provider(door: Door) -> None:
    client = door.client()
    sent = client.get("/login/oidc", headers={"host": "xau.example"})
    asked = parse_qs(urlsplit(sent.headers["location"]).query)

    # Where to come back to is our setting, not what the caller says we are called.
    assert asked["redirect_uri"] == ["http://testserver/login/oidc/back"]
    assert asked["code_challenge_method"] == ["S256"]
    assert SECRET not in sent.headers["location"]
    assert "HttpOnly" in sent.headers["set-cookie"] and "SameSite=lax" in sent.headers["set-cookie"]
    verifier = asked["code_challenge"][0]
    assert verifier not in sent.headers["set-cookie"]


@pytest.mark.parametrize("fault", ["down", "named_issuer"])
def test_a_provider_that_is_not_there_is_a_page(door: Door, fault: str) -> None:
    setattr(door.provider, fault, True if fault == "down" else "https://khac.example")
    answer = door.client().get("/login/oidc")
    assert answer.status_code == 503
    assert "không trả lời" in answer.text


def test_nobody_makes_us_ask_the_provider_without_end(door: Door) -> None:
    door.app.state.limits["oidc"] = RateLimit(3, 300)
    client = door.client()
    assert [client.get("/login/oidc").status_code for _ in range(4)] == [303, 303, 303, 429]
    assert client.get("/login/oidc/back?code=x&state=x").status_code == 429
    assert door.client().get("/login/oidc").status_code == 303, "another address goes on"


def test_a_session_before_ends_with_the_new_one(door: Door) -> None:
    client = door.client()
    door.log_in(client)
    before = client.cookies["mr_session"]
    door.log_in(client)
    assert client.cookies["mr_session"] != before
    old = door.client()
    old.cookies.set("mr_session", before)
    assert old.get("/board").status_code == 303


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"MOVEMENT_REPORTS_OIDC_ISSUER": "http://dang-nhap.tinh.example"}, "https"),
        ({"MOVEMENT_REPORTS_OIDC_CLIENT_SECRET": ""}, "MOVEMENT_REPORTS_OIDC_CLIENT_SECRET"),
        ({"MOVEMENT_REPORTS_OIDC_ROLES": "nhóm=boss"}, "boss"),
        ({"MOVEMENT_REPORTS_OIDC_ROLES": "nhóm"}, "group=role"),
        ({"MOVEMENT_REPORTS_WEB_URL": ""}, "MOVEMENT_REPORTS_WEB_URL"),
    ],
)
def test_settings_that_cannot_work_are_told_at_the_start(changed: dict[str, str], text: str) -> None:
    right = {
        "MOVEMENT_REPORTS_OIDC_ISSUER": "https://dang-nhap.tinh.example/",
        "MOVEMENT_REPORTS_OIDC_CLIENT_ID": "a",
        "MOVEMENT_REPORTS_OIDC_CLIENT_SECRET": "b",
        "MOVEMENT_REPORTS_OIDC_ROLES": "nhóm = reader, CN=Duyệt=reviewer",
        "MOVEMENT_REPORTS_WEB_URL": "https://bao-cao.tinh.example",
    }
    found = read_settings(right).oidc
    assert found is not None and found.issuer == "https://dang-nhap.tinh.example"
    with pytest.raises(ValueError, match=text):
        read_settings({**right, **changed})
