"""Pauses of reminders on the pages: shown with who, since when, until when and why; lifted; bounded; one of two at once wins."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta

import pytest
from fastapi.testclient import TestClient
from reviewed_office import LOGINS, PERIOD, REPORT, log_in, read_page, read_token

from etl.calendar.deadlines import TIMEZONE
from etl.review.app import create_app
from etl.review.office import Office
from etl.text import format_date
from etl.usecases.alert_pauses import MOST_DAYS, list_mutes
from etl.usecases.audit_trail import read_audit

KEY = f"{REPORT}:{PERIOD}"
UNIT = "H14.SNV"
WHY = "Đang chuyển <b>trụ sở</b>"
OBLIGATION = f"/board/{REPORT}/{PERIOD}/{UNIT}"
MOMENT = r"\d\d/\d\d/\d{4} \d\d:\d\d"


@pytest.fixture
def today(own_office: Office) -> date:
    return own_office.context().clock().astimezone(TIMEZONE).date()


@pytest.fixture
def reviewer(own_office: Office) -> TestClient:
    return log_in(create_app(own_office), "reviewer")


def read_seen(client: TestClient) -> str:
    """What the form of the register page carries of the mutes it was shown with."""
    form = client.get("/register").text.partition('action="/register/mutes"')[2].partition("</form>")[0]
    found = re.search(r'name="seen" value="(\d+)"', form)
    assert found, "the form says what it saw"
    return found[1]


def make_form(client: TestClient, **given: str) -> dict[str, str]:
    return {"csrf": read_token(client), "unit": UNIT, "key": KEY, "why": WHY, "seen": read_seen(client), **given}


def test_a_pause_is_shown_where_people_look_and_lifted_there(
    own_office: Office, reviewer: TestClient, today: date
) -> None:
    context, end = own_office.context(), today + timedelta(days=3)
    assert "Đang ngừng nhắc" not in read_page(reviewer.get(OBLIGATION).text)

    done = reviewer.post("/register/mutes", data=make_form(reviewer, until=end.isoformat()))

    assert (done.status_code, done.headers["location"]) == (303, "/register#ngung-nhac")
    reader = log_in(create_app(own_office), "reader")
    for client in (reviewer, reader):
        for path in ("/register", OBLIGATION):
            page = client.get(path).text
            shown = read_page(page).partition("Đang ngừng nhắc")[2]
            assert re.search(rf"{format_date(end)} {re.escape(WHY)} {LOGINS['reviewer']}, {MOMENT}", shown), path
            assert html.escape(WHY) in page
            assert ("/register/mutes/lift" in page) == (client is reviewer)

    form = reviewer.get(OBLIGATION).text.partition('action="/register/mutes/lift"')[2].partition("</form>")[0]
    given = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    silent = reviewer.post("/register/mutes/lift", data={**given, "why": " \u200b"})
    lifted = reviewer.post("/register/mutes/lift", data={**given, "why": "Đã ổn định"})
    twice = reviewer.post("/register/mutes/lift", data={**given, "why": "Lần nữa"})

    assert (silent.status_code, lifted.status_code, twice.status_code) == (422, 303, 409)
    assert lifted.headers["location"] == OBLIGATION
    assert list_mutes(context)[0] == []
    assert "Đang ngừng nhắc" not in read_page(reviewer.get(OBLIGATION).text)
    deeds = [(deed.who, deed.action, deed.unit, deed.reason) for deed in read_audit(context) if deed.kind == "mute"]
    assert deeds == [(LOGINS["reviewer"], "mute", UNIT, WHY), (LOGINS["reviewer"], "lift", UNIT, "Đã ổn định")]


def test_a_pause_of_the_whole_unit_is_shown_on_each_of_its_obligations(
    own_office: Office, reviewer: TestClient, today: date
) -> None:
    for key, words in (("", "Mọi kỳ"), (REPORT, "Mọi kỳ của")):
        form = make_form(reviewer, until=today.isoformat(), key=key)
        assert reviewer.post("/register/mutes", data=form).status_code == 303
        assert words in read_page(reviewer.get("/register").text).partition("Đang ngừng nhắc")[2]
    assert read_page(reviewer.get(OBLIGATION).text).count("Nhắc trở lại") == 3  # the heading of the column, and each
    others = [one.unit for one in own_office.context().register.memberships][:1] or ["H14.STC"]
    assert "Đang ngừng nhắc" not in read_page(reviewer.get(f"/board/{REPORT}/{PERIOD}/{others[0]}").text)


def test_a_pause_ends_between_today_and_a_year_ahead(own_office: Office, reviewer: TestClient, today: date) -> None:
    form = make_form(reviewer)

    def send(until: str, **given: str) -> tuple[int, str]:
        answer = reviewer.post("/register/mutes", data={**form, "until": until, "seen": read_seen(reviewer), **given})
        return answer.status_code, answer.text

    for wrong in (today - timedelta(days=1), today + timedelta(days=MOST_DAYS + 1), date(9999, 12, 31)):
        code, text = send(wrong.isoformat())
        assert code == 422 and "366 ngày" in read_page(text), wrong
    assert send("31/12/2026")[0] == 422
    assert send(today.isoformat(), unit="H14.KHONG")[0] == 422
    assert list_mutes(own_office.context())[0] == []
    assert send(today.isoformat())[0] == 303
    assert send((today + timedelta(days=MOST_DAYS)).isoformat())[0] == 303
    nothing = reviewer.post("/register/mutes/lift", data={**form, "unit": "H14.STC", "seen": read_seen(reviewer)})
    assert nothing.status_code == 422


def test_of_two_who_pause_or_lift_the_second_is_told_who_was_faster(
    own_office: Office, reviewer: TestClient, today: date
) -> None:
    publisher = log_in(create_app(own_office), "publisher")
    until = (today + timedelta(days=5)).isoformat()
    one, two = make_form(reviewer, until=until), make_form(publisher, until=today.isoformat(), why="Nghỉ lễ")

    done, late = reviewer.post("/register/mutes", data=one), publisher.post("/register/mutes", data=two)

    assert (done.status_code, late.status_code) == (303, 409)
    told = read_page(late.text)
    assert re.search(rf"{LOGINS['reviewer']} đã ngừng nhắc .* lúc {MOMENT}: {re.escape(WHY)}", told), told
    assert [mute.pause.by for mute in list_mutes(own_office.context())[0]] == [LOGINS["reviewer"]]

    one, two = make_form(reviewer, why="Đã xong"), make_form(publisher, until=until, why="Kéo dài")
    assert reviewer.post("/register/mutes/lift", data=one).status_code == 303
    late = publisher.post("/register/mutes", data=two)
    assert late.status_code == 409
    assert re.search(rf"{LOGINS['reviewer']} đã cho nhắc trở lại, lúc {MOMENT}: Đã xong", read_page(late.text))
    # Another scope is nobody else's.
    assert publisher.post("/register/mutes", data={**two, "key": ""}).status_code == 303
