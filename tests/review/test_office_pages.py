"""The office's other pages: files of nobody, register and calendar, exemptions, pauses, personal links, accounts."""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from reviewed_office import LOGINS, PASSWORD, PERIOD, REPORT, Reviewed, log_in, read_page, read_rows, read_token

from etl.calendar.deadlines import TIMEZONE
from etl.review.app import create_app
from etl.review.office import Office
from etl.usecases.accounts import StaleAccount, add_account, list_accounts
from etl.usecases.audit_trail import read_audit
from etl.usecases.board import read_board
from etl.usecases.context import open_context
from etl.usecases.exempting import LONGEST_REASON, BadExemption, excuse_unit
from etl.usecases.quarantine import list_quarantine
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

    assert answer.headers["location"] == "/register#mien"
    assert _status(own_office, unit) == "exempt"
    assert _rows(own_office)[:-1] == rows  # what stood there stands there still
    kept = _rows(own_office)[-1]
    assert (kept["unit"], kept["withdrawn"], kept["reason"]) == (unit, "", " ".join(why.split()))
    assert " ".join(why.split()) in read_page(client.get("/register").text)
    assert 'tag exempt">' in client.get(f"/board/{REPORT}/{PERIOD}/{unit}").text
    deeds = [deed for deed in read_audit(own_office.context()) if deed.kind == "register"]
    assert (deeds[-1].who, deeds[-1].reason) == (LOGINS["reviewer"], " ".join(why.split()))

    seen = re.search(r'name="seen" value="([^"T]+T[^"]+)"', client.get("/register").text)
    assert seen
    given = {**form, "seen": seen[1], "why": "Đã kiện toàn"}
    taken = client.post("/register/exemptions/withdraw", data=given)
    assert taken.status_code == 303
    assert _status(own_office, unit) == before
    assert [row["withdrawn"] for row in _rows(own_office)[-2:]] == ["", "yes"]
    never = client.post("/register/exemptions/withdraw", data={**given, "unit": "H14.SNV"})
    assert never.status_code == 422


def test_of_two_who_excuse_or_withdraw_the_second_is_told_who_was_faster(own_office: Office) -> None:
    app = create_app(own_office)
    first, second = log_in(app, "reviewer"), log_in(app, "publisher")
    form = {"unit": "H14.SNV", "key": KEY}

    def send(client: TestClient, path: str, why: str, seen: str = "") -> tuple[int, str]:
        data = {**form, "csrf": read_token(client), "why": why, **({"seen": seen} if seen else {})}
        answer = client.post(f"/register/exemptions{path}", data=data)
        return answer.status_code, read_page(answer.text) if answer.status_code != 303 else ""

    def read_recorded() -> str:
        (row,) = (one for one in own_office.context().register.exemptions if one.unit == "H14.SNV")
        return row.recorded_at.isoformat()

    moment = r"lúc \d\d/\d\d/\d{4} \d\d:\d\d"
    assert send(first, "", "Đang sáp nhập")[0] == 303
    excused = read_recorded()
    code, told = send(second, "", "Đang tổ chức lại")
    assert code == 409
    assert re.search(rf"đã được miễn .* bởi {LOGINS['reviewer']}, {moment}: Đang sáp nhập", told), told

    assert send(second, "/withdraw", "Đã kiện toàn", excused)[0] == 303
    code, told = send(first, "/withdraw", "Đã xong", excused)
    assert code == 409
    assert re.search(rf"đã rút lại .* bởi {LOGINS['publisher']}, {moment}: Đã kiện toàn", told), told

    # Withdrawn and excused anew: not what the first has on the screen.
    assert send(second, "", "Lại sáp nhập")[0] == 303
    code, told = send(first, "/withdraw", "Đã xong", excused)
    assert code == 409 and LOGINS["publisher"] in told and "Lại sáp nhập" in told
    assert _status(own_office, "H14.SNV") == "exempt"


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


def test_what_was_refused_at_the_door_is_told_in_vietnamese(own_office: Office) -> None:
    with own_office.context().engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO landing.offer VALUES ('imap', 'l', 'v', now(), now())"))
        connection.execute(
            sa.text(
                "INSERT INTO landing.refusal VALUES ('imap', 'l', 'v', '1', 'to.xlsx', 'TOO-LARGE', "
                "'more than 5242880 bytes', '{}', now(), now())"
            )
        )

    page = read_page(log_in(create_app(own_office), "reviewer").get("/quarantine").text)

    assert "lớn hơn 5 MB" in page
    assert "bytes" not in page


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
    token = make_token(context, "H14.SNV", REPORT, PERIOD, context.clock())
    soon = context.register.period(REPORT, PERIOD)

    page = client.get(path)
    silent = client.post(f"{path}/revoke", data={"csrf": read_token(client), "why": " ", "seen": "0"})
    done = client.post(f"{path}/revoke", data={"csrf": read_token(client), "why": "Gửi nhầm người", "seen": "0"})

    assert f"http://bao-cao.caobang.example/u/{token}" in page.text
    assert (silent.status_code, done.status_code) == (422, 303)
    assert token not in client.get(path).text
    with pytest.raises(BadLink) as refused:
        read_link(context, token, context.clock().replace(year=soon.end.year, month=soon.end.month, day=soon.end.day))
    assert refused.value.reason == "revoked"
    assert "Gửi nhầm người" in read_rows(client.get("/audit").text)
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

    def change(login: str, **form: str) -> int:
        seen = read_seen(client, "moi@vp")
        return client.post(f"/accounts/{login}", data={**token, "seen": seen, **form}).status_code

    assert client.post("/accounts", data={**token, **new}).status_code == 303
    assert "<i>Mới" not in client.get("/accounts").text
    assert can_log_in(PASSWORD)
    taken = client.post("/accounts", data={**token, **new, "login": "  ＭOI@vp "})
    assert taken.status_code == 409
    assert re.search(rf"{LOGINS['administrator']} đã thêm tài khoản .* lúc \d\d/\d\d/\d{{4}}", read_page(taken.text))
    assert client.post("/accounts", data={**token, **new, "login": "x", "role": "unit"}).status_code == 422
    assert client.post("/accounts", data={**token, **new, "login": "y", "password": "ngắn"}).status_code == 422
    assert change("moi@vp", disabled="true") == 303
    assert not can_log_in(PASSWORD)
    assert "Đã khóa" in client.get("/accounts").text
    assert change("moi@vp", disabled="false", password=PASSWORD * 2) == 303
    assert can_log_in(PASSWORD * 2) and not can_log_in(PASSWORD)
    mine = LOGINS["administrator"]
    for written in (mine, f"Ａ{mine[1:]}", mine.upper(), f" {mine} ", f"{mine}%E2%80%89"):
        assert change(written, disabled="true") == 409, written
        assert change(written, role="reader") == 409, written
    assert client.get("/accounts").status_code == 200


def read_seen(client: TestClient, login: str) -> str:
    """What the form of an account carries of the state it was shown in."""
    form = client.get("/accounts").text.partition(f'/accounts/{quote(login, "")}"')[2].partition("</form>")[0]
    found = re.search(r'name="seen" value="([^"]+)"', form)
    assert found, "the form says what it saw"
    return found[1]


def test_saving_an_account_with_nothing_changed_changes_nothing(own_office: Office) -> None:
    app = create_app(own_office)
    client, reader = log_in(app, "administrator"), log_in(app, "reader")
    login = LOGINS["reader"]
    form = {"csrf": read_token(client), "seen": read_seen(client, login), "password": ""}
    before = len(read_audit(own_office.context()))

    for same in ({"role": "", "disabled": ""}, {"role": "reader", "disabled": ""}, {"role": "", "disabled": "false"}):
        assert client.post(f"/accounts/{login}", data={**form, **same}).status_code == 303, same
        assert reader.get("/board").status_code == 200, "the session goes on"

    assert read_seen(client, login) == form["seen"]
    assert len(read_audit(own_office.context())) == before


def test_of_two_who_change_an_account_the_second_is_told_who_was_faster(own_office: Office) -> None:
    context = own_office.context()
    add_account(context, "quan.tri", "Quản trị hai", "administrator", PASSWORD, "test")
    app = create_app(own_office)
    first, second = log_in(app, "administrator"), TestClient(app, follow_redirects=False)
    second.post("/login", data={"login": "quan.tri", "password": PASSWORD})
    path, login = f"/accounts/{LOGINS['reader']}", LOGINS["reader"]
    form, other = ({"csrf": read_token(one), "seen": read_seen(one, login)} for one in (first, second))

    done = first.post(path, data={**form, "disabled": "true"})
    late = second.post(path, data={**other, "role": "publisher"})

    assert (done.status_code, late.status_code) == (303, 409)
    told = read_page(late.text)
    assert LOGINS["administrator"] in told and re.search(r"lúc \d\d/\d\d/\d{4} \d\d:\d\d", told)
    (account,) = (one for one in list_accounts(context) if one.login == login)
    assert (account.role, account.disabled_at is not None) == ("reader", True)
    # Who looked again may.
    assert second.post(path, data={**other, "seen": read_seen(second, login), "role": "publisher"}).status_code == 303


def test_two_who_add_the_same_account_at_once(own_office: Office) -> None:
    context = own_office.context()

    def add(by: str) -> str:
        try:
            add_account(context, "cung-luc", "", "reader", PASSWORD, by)
        except StaleAccount as error:
            return f"told {error.by}"
        return f"added {by}"

    with ThreadPoolExecutor(2) as pool:
        answers = set(pool.map(add, ("một", "hai")))

    assert answers in ({"added một", "told một"}, {"added hai", "told hai"})


UNSEEN = "\u200b\ufeff\u00ad\u200f"


def test_what_nobody_can_see_is_no_reason_and_is_not_kept(own_office: Office) -> None:
    context = own_office.context()
    client = log_in(create_app(own_office), "publisher")
    token = {"csrf": read_token(client)}
    today = context.clock().astimezone(TIMEZONE).date()
    form = {**token, "unit": "H14.SNV", "key": KEY, "seen": "0", "until": today.isoformat(), "version": "0"}
    item = list_quarantine(context)[0]
    paths = {
        "/register/exemptions": "exemption", "/register/mutes": "mute", f"/periods/{REPORT}/{PERIOD}/start": "period",
        f"/quarantine/{item.arrival_id}/discard": "quarantine",
    }  # fmt: skip
    for path, kind in paths.items():
        given = {**form, "seen": str(item.generation)} if kind == "quarantine" else form
        assert client.post(path, data={**given, "why": f" {UNSEEN}\u00a0"}).status_code == 422, path
        answer = client.post(path, data={**given, "why": f"{UNSEEN}Sáp\u200b nhập{UNSEEN}"})
        assert answer.status_code == 303, (path, read_page(answer.text))
        assert [deed.reason for deed in read_audit(context) if deed.kind == kind][-1] == "Sáp nhập", path
