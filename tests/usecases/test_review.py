"""Review of a period: states, decisions of reviewers, what is held while a period is published."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from deliveries import at
from review_desk import COMMUNE, DEPARTMENT, PERIOD, REPORT, WHO, Desk, make_desk

from etl.settings import Settings
from etl.usecases.review import (
    FiguresChanged,
    ReviewRefused,
    StaleState,
    UnknownSubmission,
    decide_submission,
    read_period_event,
    read_period_state,
)
from etl.usecases.review_states import TRANSITIONS, Action, PeriodState, find_next, list_actions

NOW = at("2026-06-15T08:00")


@pytest.fixture
def desk(make_settings: Callable[..., Settings], tmp_path: Path) -> Desk:
    return make_desk(make_settings, tmp_path, NOW)


@pytest.fixture
def published(desk: Desk) -> Desk:
    """Both units' files are in, the period is published once."""
    desk.send(DEPARTMENT, 10)
    desk.send(COMMUNE, 5)
    desk.start()
    desk.publish_all()
    desk.wait()
    return desk


def state(desk: Desk) -> PeriodState:
    with desk.context() as context:
        return read_period_state(context, REPORT, PERIOD)


def decide(desk: Desk, submission: int, decision: str, **more: object) -> object:
    with desk.context() as context:
        return decide_submission(context, submission, decision, **{**WHO, **more})  # type: ignore[arg-type]


def test_every_way_that_is_not_in_the_table_is_refused() -> None:
    allowed = {(before.value, action.value, after.value) for (before, action), after in TRANSITIONS.items()}
    assert allowed == {
        ("open", "start", "under_review"), ("under_review", "approve", "approved"), ("approved", "approve", "approved"),
        ("approved", "publish", "published"), ("approved", "reopen", "under_review"), ("published", "reopen", "reopened"),
        ("reopened", "approve", "approved"),
    }  # fmt: skip
    for before in PeriodState:
        assert list_actions(before) == [action for action in Action if find_next(before, action)]


def test_a_period_goes_its_way_with_who_and_why(desk: Desk) -> None:
    assert state(desk) is PeriodState.OPEN
    with pytest.raises(ReviewRefused, match="đang nhận báo cáo, không thể duyệt"):
        desk.approve()
    desk.start()
    with pytest.raises(ReviewRefused, match="không thể công bố"):
        desk.publish()
    desk.approve(by=" tran.thi.b ", why="số liệu đủ")
    assert desk.publish().number == 1
    assert desk.reopen(why="đính chính").event.state == "reopened"
    desk.wait()
    desk.approve()
    assert desk.publish().number == 2
    found = desk.rows("SELECT version, action, state, decided_by, reason FROM core.period_event ORDER BY version")
    assert [row[:3] for row in found] == [
        (1, "start", "under_review"), (2, "approve", "approved"), (3, "publish", "published"), (4, "reopen", "reopened"),
        (5, "approve", "approved"), (6, "publish", "published"),
    ]  # fmt: skip
    assert found[1][3:] == ("tran.thi.b", "số liệu đủ")


def test_nothing_is_written_without_a_name_and_a_reason(desk: Desk) -> None:
    for words in ({"by": " "}, {"why": ""}, {"by": "System"}):
        with pytest.raises(ValueError, match="--by"):
            desk.approve(**words)


def test_an_approval_can_be_withdrawn(desk: Desk) -> None:
    desk.start()
    desk.approve()
    desk.reopen()
    assert state(desk) is PeriodState.UNDER_REVIEW
    desk.wait()
    desk.approve()
    assert [row[0] for row in desk.rows("SELECT state FROM core.publication_state ORDER BY publication_id")] == [
        "withdrawn", "approved",
    ]  # fmt: skip


def test_of_two_reviewers_at_once_one_wins_and_the_other_is_told(desk: Desk) -> None:
    desk.start()
    with desk.context() as context:
        seen = read_period_event(context, REPORT, PERIOD)
    assert seen is not None
    ready, told, won = threading.Barrier(2), [], []

    def act(name: str) -> None:
        ready.wait()
        try:
            won.append(desk.approve(by=name, why=f"{name} duyệt", expected_version=seen.version).by)
        except StaleState as stale:
            told.append((name, stale))

    both = [threading.Thread(target=act, args=(name,)) for name in ("lan", "minh")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    ((loser, stale),) = told
    assert sorted([*won, loser]) == ["lan", "minh"]
    assert stale.event is not None and stale.event.by == won[0]
    assert f"{won[0]}, " in str(stale) and f"{won[0]} duyệt" in str(stale) and "2026" in str(stale)
    assert desk.rows("SELECT count(*) FROM core.period_event WHERE action = 'approve'") == [(1,)]


def test_who_saw_an_older_state_is_told_what_happened_since(desk: Desk) -> None:
    desk.start()
    desk.approve(by="lan", why="đủ số liệu")
    with pytest.raises(StaleState, match=r"“đã duyệt” .lan, .*: đủ số liệu"):
        desk.reopen(expected_version=1)
    with pytest.raises(StaleState, match=r"đã được người khác duyệt .*, số liệu không đổi từ đó"):
        desk.approve(by="minh")
    with pytest.raises(StaleState, match="đã được duyệt từ trước"):
        desk.approve(by="lan")
    desk.publish(by="lan")
    desk.reopen(by="lan")
    with pytest.raises(StaleState, match="đã được người khác mở lại") as stale:
        desk.reopen(by="minh")
    assert "số liệu không đổi" not in str(stale.value), "nobody compared them"


def test_a_reviewer_accepts_and_returns_and_the_unit_is_told(desk: Desk) -> None:
    rejected = desk.send(COMMUNE, -3)
    assert rejected is not None
    assert desk.line(COMMUNE).status == "rejected"
    desk.wait()
    done = decide(desk, rejected, "accept", why="số âm do điều chỉnh")
    assert done.counts and done.letters  # type: ignore[attr-defined]
    assert desk.line(COMMUNE).status == "on_time"
    with pytest.raises(ReviewRefused, match="không có gì thay đổi"):
        decide(desk, rejected, "accept")
    desk.wait()
    decide(desk, rejected, "return", why="thiếu chữ ký")
    assert desk.line(COMMUNE).status == "rejected"
    assert desk.decisions(rejected) == ["return", "accept", "return"]
    assert [rung for rung, _ in desk.letters(COMMUNE)] == ["rejection", "receipt", "rejection"]
    assert desk.rows("SELECT reason FROM core.decision ORDER BY id DESC LIMIT 1") == [("thiếu chữ ký",)]


def test_a_decision_on_what_was_decided_since_is_refused(desk: Desk) -> None:
    submission = desk.send(DEPARTMENT, 10)
    assert submission is not None
    ((seen,),) = desk.rows("SELECT max(id) FROM core.decision")
    decide(desk, submission, "return", by="lan", why="sai biểu", expected_decision=seen)
    with pytest.raises(StaleState, match=r"lan, .*: sai biểu"):
        decide(desk, submission, "return", by="minh", expected_decision=seen)


def test_no_decision_on_what_is_approved_unknown_or_owed_by_nobody(desk: Desk) -> None:
    rejected = desk.send(DEPARTMENT, -3)
    assert rejected is not None
    with pytest.raises(UnknownSubmission):
        decide(desk, 999, "accept")
    desk.start()
    desk.approve()
    for _ in range(2):
        with pytest.raises(ReviewRefused, match="Hãy mở lại kỳ"):
            decide(desk, rejected, "accept")
        if state(desk) is PeriodState.APPROVED:
            desk.publish()
    desk.reopen()
    with desk.context() as context, context.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE register.obligation SET retired_at = now() WHERE unit = '{DEPARTMENT}'")
    with pytest.raises(ReviewRefused, match=r"không .còn. phải nộp"):
        decide(desk, rejected, "accept")
    assert desk.decisions(rejected) == ["return"]


def test_what_arrives_at_a_published_period_is_held_until_it_is_reopened(published: Desk) -> None:
    desk = published
    before = desk.figure()
    held = desk.send(DEPARTMENT, 12)
    rejected = desk.send(COMMUNE, -1)
    assert held is not None and rejected is not None
    assert (desk.decisions(held), desk.decisions(rejected)) == (["hold"], ["return"])
    assert desk.rows("SELECT verdict FROM core.verdict WHERE submission_id = :id", id=held) == [("accepted",)]
    assert desk.figure() == before == 15
    line = desk.line(DEPARTMENT)
    assert (line.status, line.attempts, line.held) == ("on_time", 1, 1)
    assert line.as_json()["held"] == 1
    assert desk.letters(DEPARTMENT) == [("receipt", "planned"), ("held", "planned")]
    desk.wait()
    assert desk.reopen().released == [held]
    assert (desk.decisions(held), desk.figure()) == (["hold", "accept"], 17)
    assert [rung for rung, _ in desk.letters(DEPARTMENT)] == ["receipt", "held", "receipt"]
    line = desk.line(DEPARTMENT)
    assert (line.status, line.attempts, line.held) == ("on_time", 2, 0)
    # As it was: the board of the day before still shows what was held then.
    assert desk.line(DEPARTMENT, desk.now - timedelta(minutes=30)).held == 1
    desk.publish_all()
    assert desk.reopen().released == []


def test_the_letter_says_that_the_file_is_valid_and_waits(published: Desk) -> None:
    from etl.alerts.mail import Envelope
    from etl.usecases.alert_letters import Composer
    from etl.warehouse.connect import raw_connection
    from etl.warehouse.outbox import claim_letter, hold_letter

    desk, texts = published, {}
    desk.send(DEPARTMENT, 12)
    with desk.context() as context, raw_connection(context.engine) as connection:
        composer = Composer(context, Envelope("a@example.vn", "Ban Thi đua", None, "example.vn"))
        while letter := claim_letter(connection, "w", timedelta(minutes=5), ["notice"], mail=True, prefix="webhook:"):
            rows = hold_letter(connection, letter, "w") or []
            texts[rows[0].rung] = composer.compose(connection, letter, rows, {}, desk.now)
    body = texts["held"].body
    assert body.subject == "Đã nhận báo cáo, hợp lệ: chờ mở lại kỳ"
    for text in (body.text, body.html):
        assert (
            "đã nhận báo cáo" in text and "hợp lệ" in text and "CHỜ MỞ LẠI KỲ" in text and "không cần gửi lại" in text
        )
    assert [file.name for file in texts["held"].enclosures] == [f"{DEPARTMENT} 12_gop-y.xlsx"]


def test_what_was_held_counts_in_order_of_receipt(published: Desk) -> None:
    desk = published
    newer = desk.send(DEPARTMENT, 30, desk.now)
    older = desk.send(DEPARTMENT, 12, desk.now - timedelta(minutes=30))
    assert desk.reopen().released == [older, newer]
    assert desk.figure() == 35


def test_a_first_file_that_is_held_is_neither_rejected_nor_reminded_of(published: Desk) -> None:
    from etl.warehouse.connect import raw_connection
    from etl.warehouse.owed_states import read_state, read_states

    desk, unit = published, "H14.SGDDT"
    desk.now = at("2026-07-30T08:00")
    assert desk.line(unit).status == "missing"
    desk.send(unit, 10)
    line = desk.line(unit)
    assert (line.status, line.attempts, line.held) == ("missing", 0, 1)
    with desk.context() as context, raw_connection(context.engine) as connection:
        owed = (unit, REPORT, PERIOD)
        assert read_state(connection, [owed], desk.now)[owed].accepted
        assert next(one for one in read_states(connection, REPORT, PERIOD, desk.now) if one.unit == unit).accepted
    desk.reopen()
    assert (desk.line(unit).status, desk.line(unit).accepted_at) == ("late", desk.now)


def test_an_approved_period_takes_files_and_asks_for_another_approval(desk: Desk) -> None:
    desk.send(DEPARTMENT, 10)
    desk.start()
    desk.approve()
    desk.wait()
    late = desk.send(COMMUNE, 5)
    assert late is not None and desk.decisions(late) == ["accept"]
    with pytest.raises(FiguresChanged, match=f"1 đơn vị có lần nộp mới được tính: {COMMUNE}") as changed:
        desk.publish()
    assert changed.value.units == [COMMUNE]
    assert state(desk) is PeriodState.APPROVED
    desk.wait()
    desk.approve()
    assert desk.publish().number == 1
    assert desk.rows("SELECT value FROM mart.published_figure WHERE figure LIKE '%F05/02/F05.02.2'") == [(15,)]


def test_audit(published: Desk) -> None:
    from etl.usecases.audit_trail import read_audit
    from etl.usecases.review_queue import list_waiting

    held = published.send(DEPARTMENT, 12)
    # What was to replace the commune's counted figures was not accepted: they are published, and the unit says they are wrong.
    faulty = published.send(COMMUNE, -1)
    with published.context() as context:
        waiting = list_waiting(context, REPORT, PERIOD)
        deeds = read_audit(context, REPORT, PERIOD)
    assert {(one.submission, one.why) for one in waiting} == {(held, "held"), (faulty, "amendment")}
    assert [(deed.kind, deed.action) for deed in deeds if deed.kind != "exemption"] == [
        ("period", "start"), ("period", "approve"), ("publication", "freeze"), ("period", "publish"),
    ]  # fmt: skip
    assert {deed.who for deed in deeds if deed.kind == "period"} == {WHO["by"]}


def test_consolidating_starts_the_review_once_nothing_is_pending(desk: Desk) -> None:
    from etl.usecases.consolidate import consolidate_period

    desk.send(DEPARTMENT, 10)

    def consolidate() -> PeriodState:
        with desk.context() as context:
            consolidate_period(context, REPORT, PERIOD, desk.now)
        return state(desk)

    assert consolidate() is PeriodState.OPEN, "others still have time"
    desk.now = at("2026-08-15T08:00")
    assert [consolidate(), consolidate()] == [PeriodState.UNDER_REVIEW] * 2
    assert desk.rows("SELECT version, decided_by FROM core.period_event") == [(1, "system")]
    desk.approve()
    desk.reopen()
    assert consolidate() is PeriodState.UNDER_REVIEW
    assert len(desk.rows("SELECT 1 FROM core.period_event")) == 3
