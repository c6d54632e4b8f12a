"""The page of a unit's personal link: until when a link holds, whose it is, who saw it, and two people who revoke at once."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from reviewed_office import log_in, read_page, read_rows, read_token
from unit_gate import PERIOD, REPORT, START, Gate

from etl.calendar.deadlines import TIMEZONE
from etl.review.audit_words import name_deed, tell_detail
from etl.usecases.audit_trail import Deed, Sought, find_deeds
from etl.usecases.unit_links import BadLink, find_last_day, give_link, make_token, read_link, revoke_link, show_link

DUE = datetime(2026, 6, 15, 23, 59, 59, tzinfo=TIMEZONE)
LONG_AFTER = datetime(2026, 11, 2, 9, 0, tzinfo=TIMEZONE)
"""More than 90 days after every due day of the half-year."""


@pytest.fixture
def public(gate: Gate) -> Iterator[Gate]:
    """The same province with a public address of its pages, and a clock of its own."""
    found = Gate(replace(gate.settings, web_url="http://baocao.example/"))
    yield found
    found.office.close()


def page_of(unit: str) -> str:
    return f"/links/{REPORT}/{PERIOD}/{unit}"


def read_field(text: str, name: str) -> str:
    """What a hidden field of the page's form says."""
    return text.partition(f'name="{name}" value="')[2].partition('"')[0]


def list_shown(gate: Gate, unit: str) -> list[Deed]:
    """Who saw the unit's links, oldest first."""
    return [deed for deed in find_deeds(gate.context, Sought(REPORT, PERIOD, ["page.link.show"])).deeds[::-1]
            if deed.unit == unit]  # fmt: skip


def is_good(gate: Gate, token: str, now: datetime) -> bool:
    try:
        read_link(gate.context, token, now)
    except BadLink:
        return False
    return True


def await_waiting(gate: Gate, sessions: int, seconds: float = 30) -> None:
    """Until so many sessions of the warehouse wait for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    end = time.monotonic() + seconds
    while gate.rows(query) != [(sessions,)]:
        assert time.monotonic() < end, f"{sessions} sessions never waited"
        time.sleep(0.02)


# ---------------------------------------------------------------------------------------------------- until when


@pytest.mark.parametrize(
    ("given", "last_day"),
    [
        (datetime(2026, 6, 1, 9, 0, tzinfo=TIMEZONE), date(2026, 9, 13)),
        (datetime(2026, 8, 14, 23, 59, tzinfo=TIMEZONE), date(2026, 9, 13)),  # both rules say the same day
        (datetime(2026, 8, 15, 0, 0, tzinfo=TIMEZONE), date(2026, 9, 14)),
        (datetime.fromisoformat("2026-08-14T17:00:00+00:00"), date(2026, 9, 14)),  # the day of Viet Nam, not of UTC
        (datetime(2026, 11, 21, 9, 0, tzinfo=TIMEZONE), date(2026, 12, 21)),
    ],
)
def test_the_later_of_two_days_ends_a_link(given: datetime, last_day: date) -> None:
    assert find_last_day(DUE, given) == last_day


def test_a_link_given_out_late_opens_and_the_older_keeps_its_own_end(gate: Gate, unit: str) -> None:
    context = gate.context
    first = give_link(context, unit, REPORT, PERIOD, START)
    late = give_link(context, unit, REPORT, PERIOD, LONG_AFTER)
    next_day = LONG_AFTER + timedelta(days=1)

    assert not is_good(gate, first.token, LONG_AFTER)  # the former only link of it
    assert late.last_day == date(2026, 12, 2)
    end = datetime(2026, 12, 3, tzinfo=TIMEZONE)
    assert is_good(gate, late.token, end - timedelta(seconds=1)) and not is_good(gate, late.token, end)
    assert make_token(context, unit, REPORT, PERIOD, LONG_AFTER.replace(hour=0, minute=0)) == late.token
    assert make_token(context, unit, REPORT, PERIOD, LONG_AFTER.replace(hour=23, minute=59)) == late.token
    newer = make_token(context, unit, REPORT, PERIOD, next_day)
    assert newer != late.token
    assert is_good(gate, late.token, next_day) and is_good(gate, newer, next_day)
    assert is_good(gate, first.token, START)

    revoke_link(context, unit, REPORT, PERIOD, by="reviewer@vp", why="lộ đường dẫn", role="reviewer")

    assert not any(is_good(gate, token, START) for token in (first.token, late.token, newer))
    assert is_good(gate, make_token(context, unit, REPORT, PERIOD, LONG_AFTER), LONG_AFTER)


def test_the_page_names_the_unit_and_the_last_day(public: Gate, unit: str) -> None:
    public.now = LONG_AFTER
    client = log_in(public.app, "reviewer")
    name = public.context.register.unit_versions(unit)[-1].name

    text = client.get(page_of(unit)).text
    token = make_token(public.context, unit, REPORT, PERIOD, LONG_AFTER)

    assert f"http://baocao.example/u/{token}" in text
    assert f"<h1>Đường dẫn riêng của {html.escape(name)} <small>{unit}</small></h1>" in text
    assert "có hiệu lực đến hết ngày 02/12/2026" in read_page(text)
    entrance = public.client().get(f"/u/{token}")
    assert entrance.status_code == 200
    assert "có hiệu lực đến hết ngày 02/12/2026" in read_page(entrance.text)


# ---------------------------------------------------------------------------------------------------- two people


def test_the_second_of_two_who_revoke_is_told_who_did(public: Gate, unit: str) -> None:
    first, second = log_in(public.app, "reviewer"), log_in(public.app, "publisher")
    forms = [
        {"csrf": read_token(client), "seen": read_field(client.get(page_of(unit)).text, "seen")}
        for client in (first, second)
    ]
    path = f"{page_of(unit)}/revoke"

    done = first.post(path, data={**forms[0], "why": "Gửi nhầm người"})
    given = make_token(public.context, unit, REPORT, PERIOD, public.now)  # and handed over at once
    public.now += timedelta(minutes=5)
    late = second.post(path, data={**forms[1], "why": "Cán bộ cũ chuyển công tác"})

    assert (done.status_code, late.status_code) == (303, 409)
    assert is_good(public, given, public.now)
    told = read_page(late.text)
    assert "đã được reviewer@vp thu hồi lúc 10/06/2026 09:00" in told
    assert "Gửi nhầm người" in told
    assert 'value="Cán bộ cũ chuyển công tác"' in late.text  # nobody writes it twice
    again = second.post(
        path, data={"csrf": forms[1]["csrf"], "seen": read_field(late.text, "seen"), "why": "Vẫn cần thu hồi"}
    )
    assert again.status_code == 303
    assert not is_good(public, given, public.now)


def test_of_those_at_the_same_instant_one_revokes(gate: Gate, public: Gate, unit: str) -> None:
    clients = [log_in(public.app, role) for role in ("reviewer", "publisher", "reviewer")]
    csrfs = [read_token(client) for client in clients]

    def revoke(number: int) -> int:
        form = {"csrf": csrfs[number], "seen": "0", "why": "Cùng lúc"}
        return clients[number].post(f"{page_of(unit)}/revoke", data=form).status_code

    with ThreadPoolExecutor(3) as pool:
        with gate.context.engine.begin() as held:
            # Nobody can write until all three have come: whoever reads without waiting for the others has read by then.
            held.execute(sa.text("LOCK TABLE ops.link_revocation IN SHARE MODE"))
            answers = [pool.submit(revoke, number) for number in range(3)]
            await_waiting(gate, 3)
        assert sorted(answer.result() for answer in answers) == [303, 409, 409]

    assert public.rows("SELECT count(*) FROM ops.link_revocation WHERE unit = :u", u=unit) == [(1,)]


def test_a_revocation_that_names_no_state_it_saw_is_refused(public: Gate, unit: str) -> None:
    client = log_in(public.app, "reviewer")
    form = {"csrf": read_token(client), "why": "Gửi nhầm người"}

    answers = [client.post(f"{page_of(unit)}/revoke", data=form | more) for more in ({}, {"seen": "-1"}, {"seen": "7"})]

    assert [answer.status_code for answer in answers] == [422, 422, 409]
    assert public.rows("SELECT count(*) FROM ops.link_revocation WHERE unit = :u", u=unit) == [(0,)]


# ---------------------------------------------------------------------------------------------------- who saw it


def test_who_saw_a_link_is_recorded_once_a_day(public: Gate, unit: str) -> None:
    clerk, chief = log_in(public.app, "reviewer"), log_in(public.app, "publisher")
    for _ in range(3):
        assert clerk.get(page_of(unit)).status_code == 200
    chief.get(page_of(unit))

    assert [deed.who for deed in list_shown(public, unit)] == ["reviewer@vp", "publisher@vp"]
    (seen, _) = list_shown(public, unit)
    assert (seen.report, seen.period, seen.unit) == (REPORT, PERIOD, unit)
    assert name_deed(seen) == "xem đường dẫn riêng của đơn vị"
    last_day = give_link(public.context, unit, REPORT, PERIOD, public.now).last_day
    assert tell_detail(seen) == f"đường dẫn thứ 1, có hiệu lực đến hết ngày {last_day:%d/%m/%Y}"
    rows = read_rows(clerk.get("/audit", params={"what": "page.link.show"}).text)
    assert "Xem đường dẫn riêng của đơn vị" in rows
    token = make_token(public.context, unit, REPORT, PERIOD, public.now)
    assert token not in str(public.rows("SELECT * FROM ops.action"))

    # The next link is another one, on the same day too; and a day later it is seen anew.
    form = {"csrf": read_token(clerk), "seen": "0", "why": "Gửi nhầm người"}
    assert clerk.post(f"{page_of(unit)}/revoke", data=form).status_code == 303
    for _ in range(2):
        clerk.get(page_of(unit))
    assert tell_detail(list_shown(public, unit)[-1]).startswith("đường dẫn thứ 2,")
    public.now += timedelta(days=1)
    clerk = log_in(public.app, "reviewer")
    for _ in range(2):
        clerk.get(page_of(unit))
    assert [deed.who for deed in list_shown(public, unit)] == [
        "reviewer@vp", "publisher@vp", "reviewer@vp", "reviewer@vp",
    ]  # fmt: skip


def test_many_reloads_at_once_are_one_line(public: Gate, unit: str) -> None:
    def look(_: int) -> str:
        seen = show_link(public.context, unit, REPORT, PERIOD, public.now, by="reviewer@vp", role="reviewer")
        return seen.token

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(look, range(16)))) == 1

    assert len(list_shown(public, unit)) == 1


def test_nothing_was_seen_where_nothing_is_shown(gate: Gate, public: Gate, unit: str) -> None:
    without: TestClient = log_in(gate.app, "reviewer")
    assert "chưa có đường dẫn" in without.get(page_of(unit)).text
    assert log_in(public.app, None).get(page_of(unit)).status_code == 303  # to the log-in
    assert log_in(public.app, "reviewer").get(page_of("H14.KHONG")).status_code == 404
    assert list_shown(public, unit) == []
    assert list_shown(public, "H14.KHONG") == []
