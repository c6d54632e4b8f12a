"""Review states through the pages: every action, a page that has grown old, two who act at once, publications and the audit."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import sqlalchemy as sa
from fastapi.testclient import TestClient
from reviewed_office import LOGINS, PASSWORD, PERIOD, REPORT, log_in, read_page, read_rows, read_token, serve

from etl.review.app import create_app
from etl.review.office import Office
from etl.usecases.audit_trail import read_audit
from etl.usecases.exempting import excuse_unit
from etl.usecases.follow import list_keys
from etl.usecases.publication import list_publications
from etl.usecases.review import read_period_event, read_period_state

Client = Callable[[str | None], TestClient]
PATH = f"/periods/{REPORT}/{PERIOD}"


def _version(client: TestClient) -> int:
    return int(re.findall(r'name="version" value="(\d+)"', client.get(PATH).text)[0])


def _act(client: TestClient, action: str, why: str, version: int) -> httpx.Response:
    return client.post(f"{PATH}/{action}", data={"csrf": read_token(client), "why": why, "version": str(version)})


def test_the_list_of_periods_asks_the_warehouse_no_more_for_more_periods(client_of: Client, office: Office) -> None:
    context = office.context()
    client = client_of("reader")
    client.get("/periods")
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    sa.event.listen(context.engine, "before_cursor_execute", note)
    try:
        page = client.get("/periods").text
    finally:
        sa.event.remove(context.engine, "before_cursor_execute", note)

    assert len(asked) < 6
    for key, name in list_keys(context):
        report, _, period = key.partition(":")
        assert f"/periods/{report}/{period}" in page
        assert name in html.unescape(page)


def test_a_period_goes_through_its_states_and_everyone_sees_it(own_office: Office) -> None:
    context = own_office.context()
    app = create_app(own_office)
    publisher, reader = log_in(app, "publisher"), log_in(app, "reader")
    seen = []
    for action, label in (
        ("start", "Đang duyệt"), ("approve", "Đã duyệt"), ("publish", "Đã công bố"), ("reopen", "Mở lại"),
        ("approve", "Đã duyệt"), ("publish", "Đã công bố"),
    ):  # fmt: skip
        answer = _act(publisher, action, f"Căn cứ {action} <b>đậm</b>", _version(publisher))
        assert answer.headers["location"] == f"{PATH}?told={action}"
        assert "Đã thực hiện" in publisher.get(answer.headers["location"]).text
        page = reader.get(PATH).text
        assert label in page and "<b>đậm" not in page
        assert "/publish" not in page  # a reader has no buttons
        assert label in reader.get("/periods").text
        seen.append(read_period_state(context, REPORT, PERIOD).value)
    assert seen == ["under_review", "approved", "published", "reopened", "approved", "published"]

    numbers = [one.number for one in list_publications(context, REPORT, PERIOD) if one.number]
    assert numbers == [1, 2]
    for one in list_publications(context, REPORT, PERIOD):
        assert one.checksum in reader.get(PATH).text
    diff = reader.get(f"{PATH}/diff", params={"first": 1, "second": 2})
    assert "Không có số liệu nào thay đổi" in diff.text
    assert reader.get(f"{PATH}/diff", params={"first": 1, "second": 9}).status_code == 404
    assert reader.get(f"{PATH}/diff", params={"first": 0, "second": 1}).status_code == 422


def test_a_page_that_grew_old_changes_nothing_and_says_who_when_why(own_office: Office) -> None:
    context = own_office.context()
    app = create_app(own_office)
    fast, slow = log_in(app, "publisher"), log_in(app, "administrator")
    old = _version(slow)
    _act(fast, "start", "Bắt đầu trước", _version(fast))
    _act(fast, "approve", "Duyệt theo biên bản 03", _version(fast))

    for action in ("start", "approve", "publish", "reopen"):
        answer = _act(slow, action, "Lý do đang gõ dở", old)
        text = read_page(answer.text)
        assert answer.status_code == 409, action
        assert LOGINS["publisher"] in text and "Duyệt theo biên bản 03" in text, action
        assert re.search(r"\d\d/\d\d/\d{4} \d\d:\d\d", text)
        assert "`" not in text and REPORT + ":" not in text.partition("Nhật ký")[0]
    assert "Lý do đang gõ dở" in html.unescape(_act(slow, "publish", "Lý do đang gõ dở", old).text)
    event = read_period_event(context, REPORT, PERIOD)
    assert event is not None
    assert (event.action, event.version) == ("approve", 2)


def test_what_is_no_way_from_a_state_is_refused_with_the_reason(own_office: Office) -> None:
    client = log_in(create_app(own_office), "publisher")

    refused = _act(client, "publish", "Công bố ngay", 0)

    assert refused.status_code == 409
    assert "đang nhận báo cáo, không thể công bố" in read_page(refused.text)
    assert _act(client, "start", "  ", 0).status_code == 422
    assert _act(client, "start", "x" * 2001, 0).status_code == 422
    assert (
        client.post(
            "/periods/khong/2026-S1/start", data={"csrf": read_token(client), "why": "a", "version": "0"}
        ).status_code
        == 404
    )
    assert client.get("/periods/khong/2026-S1").status_code == 404
    assert client.get(f"/periods/{REPORT}/1999-S7").status_code == 404


def test_of_two_reviewers_at_once_one_wins_and_the_other_is_told(own_office: Office) -> None:
    context = own_office.context()
    start = Barrier(2)
    with serve(create_app(own_office)) as address:

        def act(role: str) -> httpx.Response:
            with httpx.Client(base_url=address, follow_redirects=False, timeout=60) as client:
                client.post("/login", data={"login": LOGINS[role], "password": PASSWORD})
                page = client.get(PATH).text
                token = page.partition('data-csrf="')[2].partition('"')[0]
                start.wait(60)
                return client.post(f"{PATH}/start", data={"csrf": token, "why": f"Căn cứ của {role}", "version": "0"})

        with ThreadPoolExecutor(2) as pool:
            answers = dict(zip(("reviewer", "publisher"), pool.map(act, ("reviewer", "publisher")), strict=True))

    statuses = {role: answer.status_code for role, answer in answers.items()}
    assert sorted(statuses.values()) == [303, 409]
    winner = next(role for role, status in statuses.items() if status == 303)
    loser = next(role for role, status in statuses.items() if status == 409)
    told = read_page(answers[loser].text)
    assert LOGINS[winner] in told and f"Căn cứ của {winner}" in told
    starts = [deed for deed in read_audit(context, REPORT, PERIOD) if (deed.kind, deed.action) == ("period", "start")]
    assert [deed.who for deed in starts] == [LOGINS[winner]]


def test_reviewers_start_but_only_publishers_publish(own_office: Office) -> None:
    app = create_app(own_office)
    reviewer = log_in(app, "reviewer")

    assert _act(reviewer, "start", "Bắt đầu", 0).status_code == 303
    assert f"{PATH}/approve" not in reviewer.get(PATH).text
    assert _act(reviewer, "approve", "Duyệt", 1).status_code == 403


def test_the_audit_page_names_deeds_people_units_and_reasons(own_office: Office) -> None:
    context = own_office.context()
    app = create_app(own_office)
    client = log_in(app, "publisher")
    excuse_unit(context, "H14.SNV", REPORT, PERIOD, by="nguyen.van.a", why="Tạm nghỉ")
    _act(client, "start", "Căn cứ mở đầu", 0)

    everything = read_rows(client.get("/audit").text)
    of_period = read_rows(client.get("/audit", params={"key": f"{REPORT}:{PERIOD}"}).text)
    other = read_rows(client.get("/audit", params={"key": "statistics-year:2026-A1"}).text)

    assert "Bắt đầu duyệt kỳ" in everything and "Căn cứ mở đầu" in everything and LOGINS["publisher"] in everything
    assert "Đăng nhập" in everything and "Đăng nhập" not in of_period
    assert "Căn cứ mở đầu" in of_period and "Căn cứ mở đầu" not in other
    assert "command line" not in everything
    assert "Miễn báo cáo Sở Nội vụ 6 tháng đầu năm 2026" in everything and "Tạm nghỉ" in everything
    assert client.get("/audit", params={"key": "x:y"}).status_code == 404
