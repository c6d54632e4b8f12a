"""The board: what it shows is what the use case says; filters; a reminder by one click."""

from __future__ import annotations

import re
from collections.abc import Callable

import sqlalchemy as sa
from fastapi.testclient import TestClient
from reviewed_office import PERIOD, REPORT, Reviewed, log_in, read_token

from etl.review.app import create_app
from etl.review.office import Office
from etl.usecases.board import read_board
from etl.usecases.context import open_context

Client = Callable[[str | None], TestClient]
KEY = f"{REPORT}:{PERIOD}"


def _units_shown(text: str) -> set[str]:
    return set(re.findall(rf'/board/{REPORT}/{PERIOD}/([^"]+)"', text))


def test_the_board_shows_every_obligation_with_its_state(client_of: Client, reviewed: Reviewed) -> None:
    with open_context(reviewed.settings) as context:
        board = read_board(context, REPORT, PERIOD, context.clock())

    text = client_of("reader").get("/board", params={"key": KEY}).text

    assert _units_shown(text) == {line.unit for line in board.units}
    for status in ("on_time", "late", "missing", "rejected", "exempt"):
        shown = text.count(f'class="tag {status}"')
        assert shown == board.counts[status], status
    assert "text-align" not in text  # no inline style slips in


def test_filters_narrow_and_combine(client_of: Client, reviewed: Reviewed) -> None:
    client = client_of("reader")
    with open_context(reviewed.settings) as context:
        lines = read_board(context, REPORT, PERIOD, context.clock()).units
        lead = next(m for m in context.register.movements if any(line.unit == m.lead_unit for line in lines))
        bloc = next(line.unit for line in lines if line.unit_type == "bloc")
        day = context.register.period(REPORT, PERIOD).end
        members = {one.unit for one in context.register.members_of(bloc, day)} | {bloc}

    def shown(**chosen: str) -> set[str]:
        return _units_shown(client.get("/board", params={"key": KEY, **chosen}).text)

    assert shown(unit_type="commune") == {line.unit for line in lines if line.unit_type == "commune"}
    assert shown(status="missing") == {line.unit for line in lines if line.status == "missing"}
    assert shown(bloc=bloc) == members & {line.unit for line in lines}
    assert lead.lead_unit in shown(movement=lead.code)
    some = lines[0]
    # Without diacritics and in capitals: what a hurried person types.
    assert some.unit in shown(text=some.unit.upper())
    assert shown(unit_type="commune", status="missing") == shown(unit_type="commune") & shown(status="missing")
    assert shown(text="không có đơn vị nào tên thế này") == set()


def test_a_second_period_stands_beside_the_first(client_of: Client) -> None:
    text = client_of("reader").get("/board", params={"key": [KEY, "statistics-year:2026-A1"]}).text

    assert "/board/statistics-year/2026-A1/" in text
    assert f"/board/{REPORT}/{PERIOD}/" in text


def test_unknown_periods_and_units_are_not_found(client_of: Client) -> None:
    client = client_of("reader")

    assert client.get("/board", params={"key": "khong:co"}).status_code == 404
    assert client.get(f"/board/{REPORT}/{PERIOD}/H14.KHONG").status_code == 404
    assert client.get(f"/board/{REPORT}/1999-S1/H14.SNV").status_code == 404


def test_addresses_of_people_are_for_reviewers(client_of: Client, reviewed: Reviewed) -> None:
    with open_context(reviewed.settings) as context:
        unit = next(
            line.unit for line in read_board(context, REPORT, PERIOD, context.clock()).units if "X0" in line.unit
        )
    path = f"/board/{REPORT}/{PERIOD}/{unit}"

    assert "mailto:" in client_of("reviewer").get(path).text
    reader = client_of("reader").get(path).text
    assert "mailto:" not in reader
    assert "/remind" not in reader


def test_a_reminder_is_queued_once_a_day_and_noted(own_province: Reviewed) -> None:
    office = Office(lambda: own_province.settings)
    client = log_in(create_app(office), "reviewer")
    context = office.context()
    lines = read_board(context, REPORT, PERIOD, context.clock()).units
    waiting = next(line.unit for line in lines if line.status in ("missing", "rejected"))
    done = next(line.unit for line in lines if line.status == "on_time")
    token = {"csrf": read_token(client)}

    answers = [client.post(f"/board/{REPORT}/{PERIOD}/{waiting}/remind", data=token) for _ in range(2)]
    refused = client.post(f"/board/{REPORT}/{PERIOD}/{done}/remind", data=token)

    assert [answer.headers["location"].rpartition("told=")[2] for answer in answers] == ["queued", "today"]
    assert refused.status_code == 409
    assert "đã có báo cáo được chấp nhận" in refused.text
    page = client.get(f"/board/{REPORT}/{PERIOD}/{waiting}").text
    assert "Nhắc theo yêu cầu của cơ quan thường trực" in page
    with context.engine.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT login, subject, outcome FROM ops.action WHERE action = 'remind'")
        ).all()
    assert [tuple(row) for row in rows] == [
        ("reviewer@vp", f"{KEY}/{waiting}", "1"),
        ("reviewer@vp", f"{KEY}/{waiting}", "0"),
    ]
    office.close()
