"""What reviewers do: the states of a period, and decisions on submissions. Every act has a name and a reason and is only added.

Two who act at once: one wins, the other is told who was faster. Refusals are in Vietnamese: reviewers read them on their pages.
It must not change what a sender's file says nor what the rules found in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from etl.text import format_instant
from etl.usecases.alert_notices import queue_notices
from etl.usecases.context import Context
from etl.usecases.publication import freeze_event, sum_figures
from etl.usecases.review_states import ACTION_NAMES, DECIDED, STATE_NAMES, Action, PeriodState, find_next
from etl.warehouse import review_rows
from etl.warehouse.connect import raw_connection
from etl.warehouse.review_rows import (
    JudgedSubmission,
    PeriodEvent,
    add_decisions,
    add_event,
    choose_instant,
    count_publications,
    list_held,
    list_standing_changes,
    lock_review,
    read_event,
    read_judged,
)
from etl.warehouse.submission_load import SYSTEM, Connection

Decision = Literal["accept", "return"]
_MOST_NAMED = 12


class ReviewRefused(RuntimeError):
    """What was asked for may not be done as things stand; the text says why and what to do, in Vietnamese."""


class StaleState(ReviewRefused):
    """Somebody else acted in between. `event`: what they did; None when the period was open all along."""

    def __init__(self, message: str, event: PeriodEvent | None) -> None:
        super().__init__(message)
        self.event = event


class FiguresChanged(ReviewRefused):
    """The figures are not those that were approved. `units`: codes of the units whose counted submission is another now."""

    def __init__(self, message: str, units: Sequence[str]) -> None:
        super().__init__(message)
        self.units = list(units)


class UnknownSubmission(LookupError):
    """No submission of that number."""


@dataclass(frozen=True, slots=True)
class Reopened:
    """A period that was reopened. `released`: submissions that had been held and count from now on, in order of receipt."""

    event: PeriodEvent
    released: list[int]


@dataclass(frozen=True, slots=True)
class Decided:
    """A reviewer's decision. `counts`: whether the submission is the one that counts for its unit now; `letters`: queued."""

    submission: JudgedSubmission
    decision: Decision
    counts: bool
    letters: int


def read_period_event(context: Context, report: str, period: str) -> PeriodEvent | None:
    """The newest event of a period (`version` is what a later act is checked against); None: open, version 0."""
    with raw_connection(context.engine) as connection:
        return read_event(connection, report, period)


def read_newest_events(context: Context) -> dict[tuple[str, str], PeriodEvent]:
    """The newest event of every (report, period) that somebody acted on."""
    with raw_connection(context.engine) as connection:
        return review_rows.read_newest_events(connection)


def read_period_state(context: Context, report: str, period: str) -> PeriodState:
    """The state of a period now. Raises UnknownReport, UnknownPeriod."""
    context.register.period(report, period)
    return state_of(read_period_event(context, report, period))


def state_of(event: PeriodEvent | None) -> PeriodState:
    """The state after an event; open before the first."""
    return PeriodState(event.state) if event else PeriodState.OPEN


def start_review(
    context: Context, report: str, period: str, *, by: str, why: str, expected_version: int | None = None
) -> PeriodEvent:
    """open → under review. Raises as `approve_period`."""
    _require_words(by, why)
    context.register.period(report, period)
    with raw_connection(context.engine) as connection:
        lock_review(connection)
        return _move(connection, context.clock(), report, period, Action.START, by, why, expected_version)


def approve_period(
    context: Context,
    report: str,
    period: str,
    *,
    by: str,
    why: str,
    expected_version: int | None = None,
    freeze: bool = True,
) -> PeriodEvent:
    """under review or reopened → approved, and the figures of this instant are frozen. What arrives later counts as ever, and
    publishing then asks for another approval: approved → approved, only when the figures are others than those approved.

    `freeze` False leaves the freezing to `freeze_period` or to publishing. `expected_version`: what the reviewer saw.
    Raises StaleState, ReviewRefused; ValueError without `by` or `why`; UnknownReport, UnknownPeriod.
    """
    _require_words(by, why)
    context.register.period(report, period)
    with raw_connection(context.engine) as connection:
        lock_review(connection)
        now = context.clock()
        before = read_event(connection, report, period)
        as_of = choose_instant(connection, report, period, now)
        if state_of(before) is PeriodState.APPROVED and before is not None:
            _require_version(report, period, before, expected_version)
            if _frozen_sum(connection, before, now) == sum_figures(connection, report, period, as_of):
                raise StaleState(_tell_taken(report, period, Action.APPROVE, before, by), before)
        event = _move(connection, now, report, period, Action.APPROVE, by, why, expected_version, as_of=as_of)
        if freeze:
            freeze_event(connection, event, now)
        return event


def publish_period(
    context: Context, report: str, period: str, *, by: str, why: str, expected_version: int | None = None
) -> PeriodEvent:
    """approved → published, as the next number of the period. Arrivals are held from now on.

    Raises FiguresChanged when the figures are not those approved; else as `approve_period`.
    """
    _require_words(by, why)
    context.register.period(report, period)
    with raw_connection(context.engine) as connection:
        lock_review(connection)
        now = context.clock()
        approval = read_event(connection, report, period)
        if approval is not None and state_of(approval) is PeriodState.APPROVED:
            _require_version(report, period, approval, expected_version)
            _require_same_figures(connection, approval, now)
        number = count_publications(connection, report, period) + 1
        return _move(connection, now, report, period, Action.PUBLISH, by, why, expected_version, number=number)


def reopen_period(
    context: Context, report: str, period: str, *, by: str, why: str, expected_version: int | None = None
) -> Reopened:
    """published → reopened: what was held counts from now on, in order of receipt, and its senders are told; approved → under
    review: the approval is withdrawn. Raises as `approve_period`."""
    _require_words(by, why)
    context.register.period(report, period)
    with raw_connection(context.engine) as connection:
        lock_review(connection)
        now = context.clock()
        event = _move(connection, now, report, period, Action.REOPEN, by, why, expected_version)
        released = list_held(connection, report, period)
        if released:
            add_decisions(
                connection, released, "accept", SYSTEM, "Đạt quy tắc kiểm tra; kỳ báo cáo đã được mở lại", now
            )
            queue_notices(context, connection, released)
        return Reopened(event, released)


def decide_submission(
    context: Context, submission_id: int, decision: Decision, *, by: str, why: str, expected_decision: int | None = None
) -> Decided:
    """Accept a submission that was returned, or return one that was accepted; its sender is told, with `why` in the letter.

    `expected_decision`: id of the last decision that the reviewer saw. Raises UnknownSubmission, StaleState, ReviewRefused (the
    period is approved or published, nothing would change, nobody owes it any more), ValueError without `by` or `why`.
    """
    _require_words(by, why)
    with raw_connection(context.engine) as connection:
        lock_review(connection)
        submission = read_judged(connection, submission_id)
        if submission is None:
            raise UnknownSubmission(f"no submission {submission_id}; see `review list`")
        event = read_event(connection, submission.report, submission.period)
        _require_decidable(submission, decision, event, expected_decision)
        add_decisions(connection, [submission_id], decision, by.strip(), why.strip(), context.clock())
        letters = queue_notices(context, connection, [submission_id])
        counts = connection.execute(
            "SELECT 1 FROM core.standing_submissions('infinity') s WHERE s.report = %s AND s.period = %s AND s.unit = %s "
            "AND s.submission_id = %s",
            (submission.report, submission.period, submission.unit, submission_id),
        ).fetchone()
    return Decided(submission, decision, counts is not None, letters)


def refuse_when_published(connection: Connection, report: str, period: str) -> None:
    """For what would change the figures of a published period. Raises ReviewRefused with who published it and when."""
    event = read_event(connection, report, period)
    if event is not None and state_of(event) is PeriodState.PUBLISHED:
        raise ReviewRefused(
            f"Kỳ {report}:{period} đã công bố ({_tell(event)}). Hãy mở lại kỳ (`reopen`) trước khi kiểm tra lại."
        )


def _require_decidable(
    submission: JudgedSubmission, decision: Decision, event: PeriodEvent | None, expected_decision: int | None
) -> None:
    key = f"{submission.report}:{submission.period}"
    state = state_of(event)
    if event is not None and state in DECIDED:
        raise ReviewRefused(
            f"Kỳ {key} {STATE_NAMES[state]} ({_tell(event)}). Hãy mở lại kỳ (`reopen`) trước khi chấp nhận hoặc trả lại."
        )
    last = f"{submission.decided_by}, {format_instant(submission.decided_at)}" if submission.decided_at else ""
    if expected_decision is not None and expected_decision != submission.decision_id:
        raise StaleState(
            f"Lần nộp {submission.id} đã có quyết định khác trong lúc xem ({last}): {submission.reason}. "
            "Hãy xem lại rồi quyết định.",
            event,
        )
    if submission.decision == decision:
        told = "đã được chấp nhận" if decision == "accept" else "đã bị trả lại"
        raise ReviewRefused(f"Lần nộp {submission.id} {told} từ trước ({last}); không có gì thay đổi.")
    if decision == "accept" and not submission.is_owed:
        raise ReviewRefused(
            f"Lần nộp {submission.id}: đơn vị {submission.unit} không (còn) phải nộp báo cáo {key}, không thể chấp nhận. "
            "Hãy bổ sung nghĩa vụ báo cáo trong danh bạ trước."
        )


def _move(
    connection: Connection,
    now: datetime,
    report: str,
    period: str,
    action: Action,
    by: str,
    why: str,
    expected_version: int | None,
    *,
    as_of: datetime | None = None,
    number: int | None = None,
) -> PeriodEvent:
    before = read_event(connection, report, period)
    _require_version(report, period, before, expected_version)
    state = state_of(before)
    after = find_next(state, action)
    if after is None and before is not None and before.action == action:
        raise StaleState(_tell_taken(report, period, action, before, by), before)
    if after is None:
        since = f" ({_tell(before)})" if before else ""
        raise ReviewRefused(f"Kỳ {report}:{period} {STATE_NAMES[state]}{since}, không thể {ACTION_NAMES[action]}.")
    version = before.version + 1 if before else 1
    at = max(now, as_of) if as_of else now
    return add_event(
        connection, report, period, version, action, after, by.strip(), why.strip(), at, as_of=as_of, number=number
    )


def _require_version(report: str, period: str, event: PeriodEvent | None, expected: int | None) -> None:
    version = event.version if event else 0
    if expected is None or expected == version:
        return
    told = f"đã được chuyển sang “{STATE_NAMES[state_of(event)]}” ({_tell(event)})" if event else "chưa có ai xử lý"
    raise StaleState(f"Kỳ {report}:{period} {told} trong lúc xem. Hãy xem lại rồi làm lại.", event)


def _require_same_figures(connection: Connection, approval: PeriodEvent, now: datetime) -> None:
    report, period = approval.report, approval.period
    approved = _frozen_sum(connection, approval, now)
    if approval.as_of is None or approved == sum_figures(
        connection, report, period, choose_instant(connection, report, period, now)
    ):
        return
    units = [unit for unit, _, _ in list_standing_changes(connection, report, period, approval.as_of)]
    named = ", ".join(units[:_MOST_NAMED]) + (" …" if len(units) > _MOST_NAMED else "")
    why = (
        f"{len(units)} đơn vị có lần nộp mới được tính: {named}" if units else "danh bạ hoặc cách tổng hợp đã thay đổi"
    )
    raise FiguresChanged(
        f"Số liệu kỳ {report}:{period} đã thay đổi sau khi duyệt ({_tell(approval)}): {why}. "
        "Hãy xem lại và duyệt lần nữa (`approve`) trước khi công bố.",
        units,
    )


def _frozen_sum(connection: Connection, approval: PeriodEvent, now: datetime) -> str:
    """The checksum of what was approved; frozen now when nobody did it before."""
    row = connection.execute(
        "SELECT checksum FROM core.publication WHERE id = %s", (freeze_event(connection, approval, now),)
    ).fetchone()
    return str(row[0]) if row else ""


def _tell(event: PeriodEvent) -> str:
    return f"{event.by}, {format_instant(event.at)}: {event.why}"


def _tell_taken(report: str, period: str, action: Action, event: PeriodEvent, by: str) -> str:
    whom = (
        f"được {ACTION_NAMES[action]} từ trước" if event.by == by.strip() else f"được người khác {ACTION_NAMES[action]}"
    )
    # Only an approval is compared with the figures of now; what happened since a reopening was not looked at.
    same = ", số liệu không đổi từ đó" if action is Action.APPROVE else ""
    return f"Kỳ {report}:{period} đã {whom} ({_tell(event)}){same}; không cần làm lại."


def _require_words(by: str, why: str) -> None:
    if not by.strip() or not why.strip():
        raise ValueError("a decision is kept with who took it and why: give both --by and --why")
    if by.strip().casefold() == SYSTEM:
        raise ValueError(f"--by {SYSTEM} is the system's own name: give the name of a person")
