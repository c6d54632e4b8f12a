"""The planner: which rung is right, for whom, in which letter. Pure; instants are those of Viet Nam in June 2026."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.alerts.ladder import find_standing, is_quiet, list_standing, next_morning, rung_instant
from etl.alerts.plan import OwedState, Pause, Plan, Recipient, derive_message_id, plan_alerts
from etl.calendar.deadlines import TIMEZONE
from etl.calendar.workdays import WorkingDays
from etl.register.alerting import AlertRules, ContactRole, LetterKind, Rung
from etl.register.read import read_register
from etl.settings import PROJECT_ROOT

RULES = read_register(PROJECT_ROOT / "register").alerts
WORKDAYS = WorkingDays({})
DUE = datetime(2026, 6, 16, 23, 59, 59, tzinfo=TIMEZONE)  # a Tuesday


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}+07:00")


def owed(unit: str = "U1", report: str = "r", **changes: object) -> OwedState:
    return OwedState(**{"unit": unit, "report": report, "period": "2026-S1", "due_at": DUE, **changes})  # type: ignore[arg-type]


def everybody(unit: str, role: ContactRole) -> Sequence[Recipient]:
    return [Recipient(f"{role}@{unit}.example".lower(), f"Người {unit}")]


def plan(now: datetime, *states: OwedState, rules: AlertRules = RULES, **more: object) -> Plan:
    return plan_alerts(states or [owed()], rules, WORKDAYS, now, everybody, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "rung", "to"),
    [
        ("06-08T07:30", None, None),
        ("06-09T07:29", None, None),
        ("06-09T07:30", "T-5", "reporter@u1.example"),  # Tue; 5 working days before Tue 16
        ("06-12T16:00", "T-5", "reporter@u1.example"),  # a day of outage, or three, later
        ("06-13T08:00", None, None),  # Saturday
        ("06-15T07:00", None, None),  # before 07:30
        ("06-15T07:30", "T-1", "reporter@u1.example"),
        ("06-16T07:30", "T0", "reporter@u1.example"),
        ("06-16T23:59", "T0", "reporter@u1.example"),
        ("06-17T07:29", None, None),  # over, and not yet late by a day
        ("06-17T07:30", "T+1", "reporter@u1.example"),
        ("06-18T07:30", "T+1", "reporter@u1.example"),
        ("06-19T07:30", "T+3", "head@u1.example"),
        ("06-23T07:30", "T+5", "standing_council@u1.example"),
        ("07-07T23:00", "T+5", "standing_council@u1.example"),
        ("07-08T07:30", None, None),  # history
    ],
)
def test_one_rung_is_right_at_a_time(now: str, rung: str | None, to: str | None) -> None:
    rows = plan(at(now)).due
    assert [(row.rung, row.recipient.address) for row in rows] == ([(rung, to)] if rung else [])


@pytest.mark.parametrize("state", [owed(accepted=True), owed(exempt=True)])
def test_nothing_after_acceptance_and_for_the_exempt(state: OwedState) -> None:
    for day in range(1, 30):
        assert plan(at(f"06-{day:02}T09:00"), state) == Plan()


def test_what_lies_in_the_outbox_is_not_planned_again() -> None:
    rows = plan(at("06-15T07:30")).due
    assert plan(at("06-15T10:00"), known={row.key for row in rows}) == Plan()
    # Another rung is another row; a new reporter is another recipient.
    assert [row.rung for row in plan(at("06-16T07:30"), known={row.key for row in rows}).due] == ["T0"]
    moved = {(*row.key[:5], "cu@u1.example") for row in rows}
    assert [row.recipient.address for row in plan(at("06-15T10:00"), known=moved).due] == ["reporter@u1.example"]


@pytest.mark.parametrize(("report", "period"), [(None, None), ("r", None), ("r", "2026-S1")])
def test_a_mute_stops_everything_until_it_ends(report: str | None, period: str | None) -> None:
    mute = Pause("U1", report, period, at("06-24T00:00"), "trực", "Đang sáp nhập")
    assert plan(at("06-23T07:30"), mutes=[mute]) == Plan()
    assert [row.rung for row in plan(at("06-24T07:30"), mutes=[mute]).due] == ["T+5"]
    other = Pause("U1", "khác", None, at("06-24T00:00"), "trực", "Lý do")
    assert plan(at("06-23T07:30"), mutes=[other, Pause("U2", None, None, mute.until, "trực", "Lý do")]).due


def test_an_acknowledgement_spares_the_unit_but_not_the_list() -> None:
    words = Pause("U1", "r", "2026-S1", at("06-26T00:00"), "đầu mối", "Chờ số liệu")
    for day in ("06-15", "06-17", "06-19"):
        assert plan(at(f"{day}T07:30"), acknowledgements=[words]) == Plan()
    rows = plan(at("06-23T07:30"), acknowledgements=[words]).due
    assert [(row.rung, row.role) for row in rows] == [("T+5", ContactRole.STANDING_COUNCIL)]
    over = Pause("U1", "r", "2026-S1", at("06-18T12:00"), "đầu mối", "Chờ số liệu")
    assert [row.rung for row in plan(at("06-19T07:30"), acknowledgements=[over]).due] == ["T+3"]


def test_what_was_inherited_goes_to_the_heirs_people() -> None:
    """With the heir's own report in one letter; a mute of the whole heir covers both, one of its report its own."""
    states = [owed(), owed(unit="U0", heir="U1")]
    (letter,) = plan(at("06-15T07:30"), *states).letters
    assert [(row.unit, row.people_of, row.recipient.address) for row in letter] == [
        ("U1", "U1", "reporter@u1.example"),
        ("U0", "U1", "reporter@u1.example"),
    ]
    whole, one = (Pause("U1", report, None, at("06-24T00:00"), "trực", "Lý do") for report in (None, "r"))
    assert plan(at("06-15T07:30"), *states, mutes=[whole]) == Plan()
    assert [row.unit for row in plan(at("06-15T07:30"), *states, mutes=[one]).due] == ["U0"]


def test_one_letter_a_recipient_and_lists_apart() -> None:
    states = [owed(), owed(report="r2"), owed(unit="U2")]
    letters = plan(at("06-15T07:30"), *states).letters
    assert sorted([row.report for row in letter] for letter in letters) == [["r"], ["r", "r2"]]

    def one_for_all(unit: str, role: ContactRole) -> list[Recipient]:
        return [Recipient("mot@hop.example", "Người")]

    due = [owed(), owed(unit="U2", due_at=DUE + timedelta(days=8))]  # T+5 of one, T-1 of the other
    found = plan_alerts(due, RULES, WORKDAYS, at("06-23T07:30"), one_for_all).letters
    assert sorted([row.letter for row in letter] for letter in found) == [[LetterKind.LATE_LIST], [LetterKind.TOMORROW]]


def test_the_cap_defers_and_loses_nothing() -> None:
    full = {"reporter@u1.example": RULES.cap}
    deferred = plan(at("06-09T09:00"), letters_today=full)
    assert deferred.due == []
    assert [row.rung for row in deferred.waiting] == ["T-5"]
    assert [row.rung for row in plan(at("06-10T07:30")).due] == ["T-5"]
    # Tomorrow it would be wrong, so it goes today in spite of the cap.
    assert [row.rung for row in plan(at("06-15T09:00"), letters_today=full).due] == ["T-1"]
    assert [row.rung for row in plan(at("06-16T09:00"), letters_today=full).due] == ["T0"]


def test_a_role_without_anybody_is_told() -> None:
    found = plan_alerts([owed()], RULES, WORKDAYS, at("06-19T07:30"), lambda unit, role: [])
    assert found.due == []
    assert [(item.unit, item.rung, item.role) for item in found.unaddressed] == [("U1", "T+3", ContactRole.HEAD)]


def test_quiet_days_are_days_without_reminders() -> None:
    rules = AlertRules(ladder=RULES.ladder, quiet_days={date(2026, 6, 15): "Lễ"})
    assert plan(at("06-15T07:30"), rules=rules) == Plan()
    assert next_morning(rules, WORKDAYS, at("06-12T10:00")) == at("06-16T07:30")
    assert [row.rung for row in plan(at("06-16T07:30"), rules=rules).due] == ["T0"]


def test_a_due_day_of_rest_is_reminded_of_before_it() -> None:
    due = date(2027, 7, 10)  # Saturday: "trước ngày 10/7" and such are taken literally
    days = {rung.code: rung_instant(rung, due, WORKDAYS).date() for rung in RULES.ladder}
    assert days["T0"] == date(2027, 7, 9)
    assert days["T-1"] == date(2027, 7, 8)
    assert days["T+1"] == date(2027, 7, 12)


def test_message_ids_follow_from_the_rows_alone() -> None:
    keys = [row.key for row in plan(at("06-15T07:30"), owed(), owed(report="r2")).due]
    assert derive_message_id(keys) == derive_message_id(reversed(keys)) != derive_message_id(keys[:1])
    # Stored rows of a year ago must give the id of a year ago.
    assert (
        derive_message_id([("U1", "r", "2026-S1", "T-1", "", "a@b.example")]) == "e91968bd-94fc-5faf-8449-5a377bf94787"
    )


FIRST = datetime(2026, 1, 1, tzinfo=TIMEZONE)
instants = st.integers(0, 425 * 1440).map(lambda minutes: FIRST + timedelta(minutes=minutes))
dues = st.dates(date(2026, 1, 15), date(2027, 2, 1)).map(lambda day: datetime.combine(day, time(23, 59, 59), TIMEZONE))


@given(due=dues)
def test_rungs_follow_one_another_without_overlap(due: datetime) -> None:
    standing = list_standing(due, RULES, WORKDAYS)
    assert [item.rung for item in standing] == list(RULES.ladder)
    for earlier, later in pairwise(standing):
        assert earlier.since < earlier.until <= later.since
    for item in standing:
        assert WORKDAYS.is_working(item.since.date())
        assert (item.since > due) is (item.rung.offset > 0)
        assert item.rung.offset > 0 or item.until <= due
        if item.rung.offset:
            first, last = sorted((item.since.date(), due.date()))
            between = WORKDAYS.count_between(first, last)
            assert between in {abs(item.rung.offset), abs(item.rung.offset) - (not WORKDAYS.is_working(due.date()))}


@given(due=dues, runs=st.lists(instants, min_size=1, max_size=60))
def test_whenever_it_runs_every_rung_is_sent_once_and_only_while_right(due: datetime, runs: list[datetime]) -> None:
    known: set[tuple[str, ...]] = set()
    rungs: list[int] = []
    for now in sorted(runs):
        rows = plan(now, owed(due_at=due), known=known).due
        assert len(rows) <= 1
        right = find_standing(list_standing(due, RULES, WORKDAYS), now)
        if is_quiet(RULES, WORKDAYS, now) or right is None:
            assert rows == []
            continue
        for row in rows:
            assert row.rung == right.rung.code
            assert now < row.until
            rungs.append(right.rung.offset)
            known.add(row.key)
        # Whatever was right at a run has been sent by its end.
        assert ("U1", "r", "2026-S1", right.rung.code, "", f"{right.rung.to[0]}@u1.example") in known
    assert rungs == sorted(set(rungs))


@given(st.data())
def test_the_cap_never_costs_a_rung(data: st.DataObject) -> None:
    """One person for many reports, one letter a day at most, several runs a day: each rung that had its morning was sent."""
    rules = AlertRules(ladder=RULES.ladder, cap=1)
    days = [date(2026, 6, 1) + timedelta(days=n) for n in range(45)]
    states = [
        owed(
            report=f"r{n}", due_at=datetime.combine(data.draw(st.sampled_from(days[10:25])), time(23, 59, 59), TIMEZONE)
        )
        for n in range(data.draw(st.integers(1, 5)))
    ]
    one = [Recipient("mot@hop.example", "Người")]
    known: set[tuple[str, ...]] = set()
    for day in days:
        letters = 0
        for hour in [*sorted(data.draw(st.sets(st.integers(8, 20), max_size=2))), 21]:
            now = datetime.combine(day, time(hour), TIMEZONE)
            found = plan_alerts(
                states, rules, WORKDAYS, now, lambda unit, role: one, known, letters_today={"mot@hop.example": letters}
            )
            letters += len(found.letters)
            known |= {row.key for row in found.due}
            for row in found.waiting:
                assert row.until > next_morning(rules, WORKDAYS, now)
    wanted = {(state.report, rung.code) for state in states for rung in rules.ladder}
    assert {(key[1], key[3]) for key in known} == wanted


def test_a_rung_of_another_hour() -> None:
    """T in the afternoon: from then on that day; a later day opens at the first hour of the ladder."""
    rules = AlertRules(
        ladder=(
            Rung("T0", 0, time(14), LetterKind.TODAY, (ContactRole.REPORTER,)),
            Rung("T+1", 1, time(7, 30), LetterKind.LATE, (ContactRole.REPORTER,)),
        )
    )
    assert [row.rung for row in plan(at("06-16T13:59"), rules=rules).due] == []
    assert [row.rung for row in plan(at("06-16T14:00"), rules=rules).due] == ["T0"]
