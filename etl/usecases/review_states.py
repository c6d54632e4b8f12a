"""The states of a period under review and the ways between them: one table, pure.

open → under_review → approved → published → reopened → approved …; an approval can be withdrawn. What arrives is held in a
published period alone: in an approved one it counts as ever, and publishing then asks for another approval.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class PeriodState(StrEnum):
    """Of `report:period`; a period that nobody has acted on is open."""

    OPEN = "open"
    UNDER_REVIEW = "under_review"
    APPROVED = "approved"
    PUBLISHED = "published"
    REOPENED = "reopened"


class Action(StrEnum):
    """What a reviewer does with a period."""

    START = "start"
    APPROVE = "approve"
    PUBLISH = "publish"
    REOPEN = "reopen"


TRANSITIONS: Final[Mapping[tuple[PeriodState, Action], PeriodState]] = {
    (PeriodState.OPEN, Action.START): PeriodState.UNDER_REVIEW,
    (PeriodState.UNDER_REVIEW, Action.APPROVE): PeriodState.APPROVED,
    (PeriodState.REOPENED, Action.APPROVE): PeriodState.APPROVED,
    # Again, when the figures have changed since: see etl.usecases.review.approve_period.
    (PeriodState.APPROVED, Action.APPROVE): PeriodState.APPROVED,
    (PeriodState.APPROVED, Action.PUBLISH): PeriodState.PUBLISHED,
    (PeriodState.APPROVED, Action.REOPEN): PeriodState.UNDER_REVIEW,
    (PeriodState.PUBLISHED, Action.REOPEN): PeriodState.REOPENED,
}
"""(state, action) → the state after it; what is not here is not allowed."""

DECIDED: Final = frozenset({PeriodState.APPROVED, PeriodState.PUBLISHED})
"""States in which no submission is accepted or returned by a reviewer: reopen first."""

STATE_NAMES: Final[Mapping[PeriodState, str]] = {
    PeriodState.OPEN: "đang nhận báo cáo",
    PeriodState.UNDER_REVIEW: "đang duyệt",
    PeriodState.APPROVED: "đã duyệt",
    PeriodState.PUBLISHED: "đã công bố",
    PeriodState.REOPENED: "mở lại",
}
ACTION_NAMES: Final[Mapping[Action, str]] = {
    Action.START: "bắt đầu duyệt",
    Action.APPROVE: "duyệt",
    Action.PUBLISH: "công bố",
    Action.REOPEN: "mở lại",
}


def find_next(state: PeriodState, action: Action) -> PeriodState | None:
    """The state after an action; None where it is not allowed."""
    return TRANSITIONS.get((state, action))


def list_actions(state: PeriodState) -> list[Action]:
    """What may be done in a state, in the order of the actions."""
    return [action for action in Action if (state, action) in TRANSITIONS]
