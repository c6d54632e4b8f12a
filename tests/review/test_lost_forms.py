"""A form sent after the session ended: what was typed is given back, secrets are not, and the log-in leads back to the form."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from browsing import visit
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from reviewed_office import LOGINS, PASSWORD, PERIOD, REPORT, read_token, serve

from etl.alerts.plan import Pause
from etl.calendar.deadlines import TIMEZONE
from etl.review.access import read_access_table
from etl.review.app import create_app
from etl.review.lost_forms import FIELD_LABELS, UNTOLD
from etl.review.office import Office
from etl.review.people import Role
from etl.text import format_date
from etl.usecases.accounts import end_sessions
from etl.usecases.alert_pauses import list_mutes, mute_unit

Client = Callable[[str | None], TestClient]
TYPED = 'Đã xác minh với <b>"đơn vị"</b>\n</textarea><script>alert(1)</script>'


@pytest.mark.parametrize(
    ("sent", "stood_on"),
    [
        ("/submissions/1/decide", "/submissions/1"),
        (f"/periods/{REPORT}/{PERIOD}/approve", f"/periods/{REPORT}/{PERIOD}"),
        (f"/board/{REPORT}/{PERIOD}/H14.SNV/remind", f"/board/{REPORT}/{PERIOD}/H14.SNV"),
        ("/quarantine/3/attribute", "/quarantine"),
        ("/register/exemptions/withdraw", "/register"),
        ("/register/mutes", "/register"),
        ("/accounts", "/accounts"),
        ("/accounts/lan.nt", "/accounts"),
        (f"/periods/{quote('xã/x', '')}/{PERIOD}/start", None),  # no address of ours
        ("/logout", "/board"),
    ],
)
def test_what_was_typed_is_given_back(client_of: Client, sent: str, stood_on: str | None) -> None:
    client = client_of("administrator")
    form = {
        "csrf": read_token(client),
        "why": TYPED,
        "password": "mật khẩu vừa gõ",
        "seen": "12345",
        "back": "//x.example",
    }
    assert client.post("/logout", data={"csrf": form["csrf"]}).status_code == 303

    answer = client.post(sent, data=form)

    if stood_on is None:
        assert answer.status_code == 404
        return
    assert answer.status_code == 401
    assert html.escape(TYPED, quote=False) in answer.text.replace("&#34;", '"')
    assert "<script>alert" not in answer.text
    for untold in (form["csrf"], form["password"], "12345", "x.example"):
        assert untold not in answer.text
    assert f'href="/login?next={quote(stood_on, "")}"' in answer.text

    again = client.post("/login", data={"login": LOGINS["administrator"], "password": PASSWORD, "next": stood_on})
    assert again.headers["location"] == stood_on


def test_another_site_cannot_have_its_text_shown(client_of: Client) -> None:
    answer = client_of(None).post(
        "/register/mutes", data={"why": "Gọi ngay 0900"}, headers={"sec-fetch-site": "cross-site"}
    )

    assert answer.status_code == 401
    assert "0900" not in answer.text


def test_each_field_of_a_form_of_the_office_is_given_back_or_kept_back(app: FastAPI) -> None:
    table = read_access_table()
    fields = {
        field.alias
        for route in app.routes
        if isinstance(route, APIRoute) and "POST" in route.methods
        and table.allows("POST", route.path, Role.ADMINISTRATOR) and not table.allows("POST", route.path, Role.ANONYMOUS)
        for field in route.dependant.body_params
    }  # fmt: skip

    assert fields >= {"why", "seen", "until"}
    assert fields <= set(FIELD_LABELS) | UNTOLD
    assert not set(FIELD_LABELS) & UNTOLD


def test_in_a_browser_the_text_is_copied_and_the_log_in_leads_back(
    own_office: Office, browser: Any, screens: Path
) -> None:
    context = own_office.context()
    until = context.clock().astimezone(TIMEZONE).date()
    mute_unit(
        context, Pause("H14.SNV", None, None, context.clock() + timedelta(days=9), "nguyen.van.a", "Đang sáp nhập")
    )
    with serve(create_app(own_office)) as address, visit(browser, address) as visitor:
        visitor.log_in("reviewer")
        for name, path in (("pauses", "/register"), ("obligation", f"/board/{REPORT}/{PERIOD}/H14.SNV")):
            page = visitor.open(path)
            assert visitor.list_barriers() == [], path
            page.locator("h2", has_text="Đang ngừng nhắc").scroll_into_view_if_needed()
            page.screenshot(path=screens / f"{name}-paused.png")
        page = visitor.open("/register")
        page.fill("#mu-unit", "H14.SNV")
        page.fill("#mu-until", until.isoformat())
        page.fill("#mu-why", "Một lý do dài mà cán bộ đã gõ cả buổi, không muốn gõ lại lần nữa")
        end_sessions(context, LOGINS["reviewer"], "test")
        page.locator("form[action$='/register/mutes'] button").click()

        assert page.locator("input[readonly]").nth(1).input_value() == format_date(until)
        assert page.locator("textarea").last.input_value().endswith("không muốn gõ lại lần nữa")
        assert visitor.list_barriers() == []
        page.screenshot(path=screens / "lost-form.png")
        page.locator("main a", has_text="Đăng nhập").click()
        page.fill("#login", LOGINS["reviewer"])
        page.fill("#password", PASSWORD)
        page.locator("main button").click()
        page.wait_for_url("**/register")
        assert [one.pause.by for one in list_mutes(context)[0]] == ["nguyen.van.a"]
