"""The personal link in letters: of the report that the letter is about, to the people who file it, and to nobody else."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest
from alert_office import HALF, Office, at
from test_alert_outbox import ONE, T1, TWO
from test_quarantine import receive

from etl.register.alerting import ContactRole
from etl.usecases.unit_links import Entrance, read_link, revoke_link
from tests.golden.sender import DEPARTMENT, make_sending

LINK = re.compile(r"https://baocao\.example/u/([A-Za-z0-9._-]+)")
T3 = "06-19T07:30"


@pytest.fixture
def linked(office: Office) -> Office:
    """The same province with a public address of its pages."""
    office.context.settings = replace(
        office.context.settings,
        web_url="https://baocao.example/",
        web_secret="bí mật dài hơn ba mươi hai ký tự, để thử",
    )
    return office


def links_in(office: Office, message: Any) -> list[Entrance]:
    """What the links of a letter open; both halves have the same."""
    plain, page = (LINK.findall(message.get_body((kind,)).get_content()) for kind in ("plain", "html"))
    assert plain == page
    return [read_link(office.context, token, office.now.astimezone(UTC)) for token in plain]


def letters(office: Office) -> list[tuple[str, list[Entrance]]]:
    return [(mail.to, links_in(office, mail.message)) for mail in office.sink.mails]


def addresses(office: Office, unit: str, *roles: ContactRole) -> set[str]:
    day = office.now.date()
    return {contact.email for role in roles for contact in office.context.register.contacts_of(unit, role, day)}


def test_reminders_carry_the_link_of_what_they_are_about(linked: Office) -> None:
    linked.accept_all_but(ONE, TWO)
    linked.plan(T1)
    linked.send()

    told = letters(linked)

    for unit in (ONE, TWO):
        own = [links for to, links in told if to in addresses(linked, unit, ContactRole.REPORTER)]
        assert own
        assert {(link.unit, link.report, link.period) for links in own for link in links} == {(unit, *HALF)}
    office_people = {
        row.email for row in linked.context.register.contacts_in(ContactRole.STANDING_OFFICE, linked.now.date())
    }
    assert all(not links for to, links in told if to in office_people)


def test_heads_have_it_and_lists_and_digests_do_not(linked: Office) -> None:
    linked.accept_all_but(ONE)
    heads = addresses(linked, ONE, ContactRole.HEAD)
    for now in ("06-17T07:30", T3, "06-23T07:30"):
        linked.plan(now)
        linked.send()

    told = letters(linked)

    own = addresses(linked, ONE, ContactRole.REPORTER, ContactRole.HEAD)
    assert heads & {to for to, links in told if links}
    assert {to for to, links in told if links} <= own
    assert {to for to, _ in told} - own  # the council's list and the digest went out, without


def test_the_heir_has_the_link_of_what_it_inherited(linked: Office) -> None:
    linked.accept_all_but(ONE, TWO)
    linked.run_sql(
        f"UPDATE register.obligation SET inherited_by = '{TWO}', passed_on = '2026-06-10' "
        f"WHERE unit = '{ONE}' AND report = '{HALF[0]}' AND period = '{HALF[1]}'"
    )
    linked.plan(T1)
    linked.send()

    found = {
        link.unit
        for to, links in letters(linked)
        if to in addresses(linked, TWO, ContactRole.REPORTER)
        for link in links
    }
    assert found == {ONE, TWO}
    assert not any(to in addresses(linked, ONE, ContactRole.REPORTER) for to, _ in letters(linked))


def test_receipts_carry_it_and_after_revoking_the_new_one(linked: Office) -> None:
    receive(linked, ("lần 1.xlsx", make_sending().put("F05", "02", "2", "mười").to_bytes()))
    linked.send()
    (first,) = [mail.message for mail in linked.sink.mails]
    assert [(link.unit, link.report, link.period) for link in links_in(linked, first)] == [(DEPARTMENT, *HALF)]
    old = LINK.findall(first.get_body(("plain",)).get_content())[0]

    revoke_link(linked.context, DEPARTMENT, *HALF, by="cán bộ", why="lộ đường dẫn", role="reviewer")
    linked.now = at("06-11T09:00")
    receive(linked, ("lần 2.xlsx", make_sending().to_bytes()), received="06-11T08:30")
    linked.send()

    last = linked.sink.mails[-1].message
    assert links_in(linked, last)
    assert old not in last.get_body(("plain",)).get_content()


def test_letters_say_until_when_and_a_late_one_carries_a_link_that_opens(linked: Office) -> None:
    said = re.compile(r"có hiệu lực đến hết ngày (\d\d/\d\d/\d{4})")
    receive(linked, ("lần 1.xlsx", make_sending().put("F05", "02", "2", "mười").to_bytes()))
    linked.send()
    # Long after the due day a reviewer returns what had been accepted, and the unit sends another file that fails.
    receive(linked, ("lần 2.xlsx", make_sending().to_bytes()), received="06-11T08:30")
    linked.now = at("11-02T09:00")
    linked.send_back(DEPARTMENT)
    receive(linked, ("lần 3.xlsx", make_sending().put("F05", "02", "2", "mười").to_bytes()), received="11-02T08:30")
    linked.send()

    first, *_, returned, refused = [mail.message for mail in linked.sink.mails]

    for message in (first, returned, refused):
        for part in ("plain", "html"):
            (day,) = said.findall(message.get_body((part,)).get_content())
            assert (day == "02/12/2026") == (message is not first)
    assert "TRẢ LẠI" in returned.get_body(("plain",)).get_content()
    for message in (returned, refused):
        assert [(link.unit, f"{link.last_day}") for link in links_in(linked, message)] == [(DEPARTMENT, "2026-12-02")]


def test_reminders_say_until_when(linked: Office) -> None:
    linked.accept_all_but(ONE)
    linked.plan(T1)
    linked.send()
    (message,) = {mail.message for mail in linked.sink.mails if links_in(linked, mail.message)}
    (link,) = links_in(linked, message)
    for part in ("plain", "html"):
        assert f"có hiệu lực đến hết ngày {link.last_day:%d/%m/%Y}" in message.get_body((part,)).get_content()


def test_without_a_public_address_nothing_is_said(office: Office) -> None:
    receive(office, ("a.xlsx", make_sending().put("F05", "02", "2", "mười").to_bytes()))
    office.accept_all_but(ONE)
    office.plan(T1)
    office.send()

    assert office.sink.mails
    for mail in office.sink.mails:
        assert "đường dẫn riêng" not in mail.message.get_body(("plain",)).get_content()
        assert "/u/" not in mail.message.get_body(("html",)).get_content()
