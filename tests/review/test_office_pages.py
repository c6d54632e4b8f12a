"""The office's other pages: files of nobody, register and calendar, exemptions, pauses, personal links, accounts."""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from reviewed_office import LOGINS, PASSWORD, PERIOD, REPORT, Reviewed, log_in, read_page, read_token

from etl.calendar.deadlines import TIMEZONE
from etl.review.app import create_app
from etl.review.office import Office
from etl.usecases.board import read_board
from etl.usecases.context import open_context
from etl.usecases.exempting import LONGEST_REASON, BadExemption, excuse_unit
from etl.usecases.quarantine import list_quarantine
from etl.usecases.review_queue import read_audit
from etl.usecases.unit_links import BadLink, make_token, read_link

Client = Callable[[str | None], TestClient]
KEY = f"{REPORT}:{PERIOD}"


def _status(office: Office, unit: str) -> str:
    context = office.context()
    lines = read_board(context, REPORT, PERIOD, context.clock()).units
    return next(line.status for line in lines if line.unit == unit)


def _rows(office: Office) -> list[dict[str, str]]:
    with (office.context().settings.register / "exemptions.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_an_exemption_reaches_register_board_audit_and_is_taken_back(own_office: Office) -> None:
    context = own_office.context()
    lines = read_board(context, REPORT, PERIOD, context.clock()).units
    unit = next(line.unit for line in lines if line.status in ("missing", "rejected"))
    before, rows = _status(own_office, unit), _rows(own_office)
    client = log_in(create_app(own_office), "reviewer")
    form = {"csrf": read_token(client), "unit": unit, "key": KEY}
    why = 'Đang sáp nhập, "tạm nghỉ"; theo\nquyết định =1+1'

    answer = client.post("/register/exemptions", data={**form, "why": why})

    assert answer.headers["location"] == "/register"
    assert _status(own_office, unit) == "exempt"
    assert _rows(own_office)[:-1] == rows  # what stood there stands there still
    kept = _rows(own_office)[-1]
    assert (kept["unit"], kept["withdrawn"], kept["reason"]) == (unit, "", " ".join(why.split()))
    assert " ".join(why.split()) in read_page(client.get("/register").text)
    assert 'tag exempt">' in client.get(f"/board/{REPORT}/{PERIOD}/{unit}").text
    deeds = [deed for deed in read_audit(own_office.context()) if deed.kind == "register"]
    assert (deeds[-1].who, deeds[-1].reason) == (LOGINS["reviewer"], " ".join(why.split()))

    again = client.post("/register/exemptions", data={**form, "why": "lần nữa"})
    assert again.status_code == 422 and "đã được miễn" in read_page(again.text)
    taken = client.post("/register/exemptions/withdraw", data={**form, "why": "Đã kiện toàn"})
    assert taken.status_code == 303
    assert _status(own_office, unit) == before
    assert [row["withdrawn"] for row in _rows(own_office)[-2:]] == ["", "yes"]
    nothing = client.post("/register/exemptions/withdraw", data={**form, "why": "Đã kiện toàn"})
    assert nothing.status_code == 422


def test_what_cannot_be_excused_changes_nothing(own_office: Office) -> None:
    rows = _rows(own_office)
    client = log_in(create_app(own_office), "reviewer")
    form = {"csrf": read_token(client), "unit": "H14.SNV", "key": KEY, "why": "lý do"}
    for change in (
        {"unit": "H14.KHONG"}, {"unit": ""}, {"unit": "H14.SNV\nH14.BD"}, {"key": "khong:2026-S1"}, {"key": f"{REPORT}:1999-S9"},
        {"key": ""}, {"why": "  "}, {"why": "x" * (LONGEST_REASON + 1)},
    ):  # fmt: skip
        assert client.post("/register/exemptions", data={**form, **change}).status_code == 422, change
    assert _rows(own_office) == rows


def test_two_who_excuse_at_once_lose_no_row(own_province: Reviewed) -> None:
    with open_context(own_province.settings) as context:
        units = [line.unit for line in read_board(context, REPORT, PERIOD, context.clock()).units][:4]

    def excuse(unit: str) -> str:
        with open_context(own_province.settings) as own:
            try:
                excuse_unit(own, unit, REPORT, PERIOD, by=f"người {unit}", why="Cùng lúc")
            except BadExemption as error:
                return str(error)
        return "done"

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(excuse, [*units, units[0]]))

    with open_context(own_province.settings) as context:
        lines = read_board(context, REPORT, PERIOD, context.clock()).units
    assert {line.unit for line in lines if line.status == "exempt"} >= set(units)
    # Of the two who excused the same unit, one was told.
    assert sorted(answer == "done" for answer in answers) == [False, True, True, True, True]


def test_a_register_that_cannot_be_read_does_not_take_the_pages_down(own_office: Office) -> None:
    client = log_in(create_app(own_office), "reader")
    file = own_office.context().settings.register / "units.csv"
    sound = file.read_bytes()
    assert client.get("/register").status_code == 200

    file.write_bytes(sound + b"H14.HONG,\xff\n")
    (file.parent / ".units.csv.new").write_bytes(b"half")
    during = client.get("/register")
    file.write_bytes(sound.replace("Sở Nội vụ".encode(), "Sở Nội vụ và Lao động".encode()))
    after = client.get("/register")

    assert (during.status_code, after.status_code) == (200, 200)
    assert "Sở Nội vụ" in during.text
    assert "Sở Nội vụ và Lao động" in after.text


def test_the_register_page_shows_units_in_vietnamese_order_and_finds_without_diacritics(
    client_of: Client, office: Office
) -> None:
    client = client_of("reader")
    context = office.context()
    today = context.clock().astimezone(TIMEZONE).date()
    units = list(context.register.units_on(today))

    page = client.get("/register").text
    found = client.get("/register", params={"text": "so noi vu"}).text

    assert f"Đơn vị báo cáo ({len(units)})" in page
    for unit in units:
        assert html.escape(unit.name) in page
    for one in context.register.movements:
        assert html.escape(one.name) in page
    assert "Đơn vị báo cáo (1)" in found and "Sở Nội vụ" in found
    assert "/register/exemptions" not in page  # a reader only reads


def test_a_pause_of_reminders_is_kept_with_its_end(own_office: Office) -> None:
    context = own_office.context()
    client = log_in(create_app(own_office), "reviewer")
    today = context.clock().astimezone(TIMEZONE).date()
    form = {"csrf": read_token(client), "unit": "H14.SNV", "key": KEY, "why": "Đang chuyển trụ sở"}

    good = client.post("/register/mutes", data={**form, "until": (today + timedelta(days=3)).isoformat()})
    past = client.post("/register/mutes", data={**form, "until": (today - timedelta(days=1)).isoformat()})
    nonsense = client.post("/register/mutes", data={**form, "until": "31/12/2026"})
    nobody = client.post("/register/mutes", data={**form, "unit": "H14.KHONG", "until": today.isoformat()})

    assert [one.status_code for one in (good, past, nonsense, nobody)] == [303, 422, 422, 422]
    mutes = [deed for deed in read_audit(context) if deed.kind == "mute"]
    assert [(deed.who, deed.unit, deed.reason) for deed in mutes] == [
        (LOGINS["reviewer"], "H14.SNV", "Đang chuyển trụ sở")
    ]
    assert "Ngừng nhắc" in read_page(client.get("/audit").text)


def test_a_file_of_nobody_is_given_to_its_unit_and_the_second_is_told(own_office: Office) -> None:
    context = own_office.context()
    item = list_quarantine(context)[0]
    unit = next(
        line.unit for line in read_board(context, REPORT, PERIOD, context.clock()).units if line.unit_type == "commune"
    )
    app = create_app(own_office)
    first, second = log_in(app, "reviewer"), log_in(app, "publisher")
    assert html.escape(item.file) in first.get("/quarantine").text
    form = {"unit": unit, "key": KEY, "why": "Gọi điện xác nhận", "seen": str(item.generation)}
    path = f"/quarantine/{item.arrival_id}"

    owed = first.post(f"{path}/attribute", data={**form, "csrf": read_token(first), "unit": "H14.KHONG"})
    silent = first.post(f"{path}/attribute", data={**form, "csrf": read_token(first), "why": " "})
    done = first.post(f"{path}/attribute", data={**form, "csrf": read_token(first)})
    late = second.post(f"{path}/discard", data={"why": "Tệp thử", "seen": form["seen"], "csrf": read_token(second)})

    assert [one.status_code for one in (owed, silent, done, late)] == [422, 422, 303, 409]
    assert LOGINS["reviewer"] in read_page(late.text) and re.search(r"\d\d/\d\d/\d{4} \d\d:\d\d", read_page(late.text))
    assert item.arrival_id not in [one.arrival_id for one in list_quarantine(context)]
    with context.engine.connect() as connection:
        owner = connection.execute(
            sa.text("SELECT unit FROM core.submission WHERE arrival_id = :id"), {"id": item.arrival_id}
        ).scalar_one()
    assert owner == unit
    assert second.post("/quarantine/999999/discard", data={**form, "csrf": read_token(second)}).status_code == 404


def test_a_discarded_file_leaves_the_list_and_is_told_with_who_and_why(own_office: Office) -> None:
    item = list_quarantine(own_office.context())[0]
    app = create_app(own_office)
    first, second = log_in(app, "reviewer"), log_in(app, "publisher")
    form = {"why": "Thư <b>quảng cáo</b>", "seen": str(item.generation)}
    path = f"/quarantine/{item.arrival_id}/discard"

    done = first.post(path, data={**form, "csrf": read_token(first)})
    late = second.post(path, data={**form, "csrf": read_token(second)})

    assert (done.status_code, late.status_code) == (303, 409)
    assert "đã loại" in read_page(late.text) and LOGINS["reviewer"] in read_page(late.text)
    assert html.escape(item.file) not in first.get("/quarantine").text
    everything = first.get("/quarantine", params={"everything": "true"}).text
    assert html.escape(item.file) in everything
    assert "Thư &lt;b&gt;quảng cáo&lt;/b&gt;" in everything
    assert "<b>quảng" not in everything


def test_a_personal_link_is_shown_to_reviewers_and_revoked_with_a_reason(own_province: Reviewed) -> None:
    from dataclasses import replace

    settings = replace(own_province.settings, web_url="http://bao-cao.caobang.example")
    office = Office(lambda: settings)
    context = office.context()
    client = log_in(create_app(office), "reviewer")
    path = f"/links/{REPORT}/{PERIOD}/H14.SNV"
    token = make_token(context, "H14.SNV", REPORT, PERIOD)
    soon = context.register.period(REPORT, PERIOD)

    page = client.get(path)
    silent = client.post(f"{path}/revoke", data={"csrf": read_token(client), "why": " "})
    done = client.post(f"{path}/revoke", data={"csrf": read_token(client), "why": "Gửi nhầm người"})

    assert f"http://bao-cao.caobang.example/u/{token}" in page.text
    assert (silent.status_code, done.status_code) == (422, 303)
    assert token not in client.get(path).text
    with pytest.raises(BadLink) as refused:
        read_link(context, token, context.clock().replace(year=soon.end.year, month=soon.end.month, day=soon.end.day))
    assert refused.value.reason == "revoked"
    assert "Gửi nhầm người" in read_page(client.get("/audit").text)
    assert client.get(f"/links/{REPORT}/{PERIOD}/H14.KHONG").status_code == 404
    office.close()


def test_accounts_are_added_changed_closed_but_not_ones_own(own_office: Office) -> None:
    app = create_app(own_office)
    client = log_in(app, "administrator")
    token = {"csrf": read_token(client)}
    new = {"login": "moi@vp", "name": "Nguyễn Thị <i>Mới</i>", "role": "reader", "password": PASSWORD}

    def can_log_in(password: str) -> bool:
        other = TestClient(app, follow_redirects=False)
        return other.post("/login", data={"login": "moi@vp", "password": password}).status_code == 303

    assert client.post("/accounts", data={**token, **new}).status_code == 303
    assert "<i>Mới" not in client.get("/accounts").text
    assert can_log_in(PASSWORD)
    assert client.post("/accounts", data={**token, **new}).status_code == 422
    assert client.post("/accounts", data={**token, **new, "login": "x", "role": "unit"}).status_code == 422
    assert client.post("/accounts", data={**token, **new, "login": "y", "password": "ngắn"}).status_code == 422
    # The form as it is sent when nothing was chosen changes nothing.
    assert (
        client.post("/accounts/moi@vp", data={**token, "role": "", "password": "", "disabled": ""}).status_code == 303
    )
    assert can_log_in(PASSWORD)
    assert client.post("/accounts/moi@vp", data={**token, "disabled": "true"}).status_code == 303
    assert not can_log_in(PASSWORD)
    assert "Đã khóa" in client.get("/accounts").text
    assert (
        client.post("/accounts/moi@vp", data={**token, "disabled": "false", "password": PASSWORD * 2}).status_code
        == 303
    )
    assert can_log_in(PASSWORD * 2) and not can_log_in(PASSWORD)
    mine = LOGINS["administrator"]
    assert client.post(f"/accounts/{mine}", data={**token, "disabled": "true"}).status_code == 409
    assert client.post(f"/accounts/{mine}", data={**token, "role": "reader"}).status_code == 409
    assert client.get("/accounts").status_code == 200
