"""Review states: what stage each period is at, approving, publishing, reopening, what was published, and who did what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response

from etl.review.pages import render
from etl.review.routes.entry import office_of
from etl.review.routing import Why, go_to, name_codes
from etl.review.words import say_plainly
from etl.usecases.audit_trail import Sought, find_deeds
from etl.usecases.context import Context
from etl.usecases.follow import list_keys, read_matrix
from etl.usecases.publication import UnknownPublication, diff_publications, list_publications
from etl.usecases.review import (
    ReviewRefused,
    approve_period,
    publish_period,
    read_newest_events,
    read_period_event,
    reopen_period,
    start_review,
    state_of,
)
from etl.usecases.review_queue import list_waiting
from etl.usecases.review_states import ACTION_NAMES, STATE_NAMES, Action, list_actions

router = APIRouter()
Text = Annotated[str, Query(max_length=100)]
_MOST_DEEDS: Final = 50
_ACTS: Final[dict[Action, Callable[..., object]]] = {
    Action.START: start_review,
    Action.APPROVE: approve_period,
    Action.PUBLISH: publish_period,
    Action.REOPEN: reopen_period,
}
_EXPLAINED: Final = {
    Action.START: "Chuyển kỳ sang bước duyệt. Báo cáo đến sau vẫn được nhận và tính.",
    Action.APPROVE: "Chốt số liệu tại thời điểm này. Báo cáo đến sau vẫn được nhận; nếu số liệu thay đổi thì phải duyệt lại "
    "trước khi công bố.",
    Action.PUBLISH: "Công bố số liệu đã duyệt. Từ lúc này báo cáo hợp lệ gửi đến được giữ lại, chờ mở lại kỳ.",
    Action.REOPEN: "Mở lại kỳ để sửa. Số liệu đã công bố được giữ nguyên; thay đổi sẽ là lần công bố kế tiếp.",
}


@router.get("/periods")
def list_periods(request: Request) -> Response:
    """All periods with their state."""
    context = office_of(request).context()
    events = read_newest_events(context)
    lines = []
    for key, name in list_keys(context):
        report, _, period = key.partition(":")
        event = events.get((report, period))
        lines.append((report, period, name, STATE_NAMES[state_of(event)], state_of(event).value, event))
    return render(request, "periods.html", lines=lines)


@router.get("/periods/{report}/{period}")
def show_period(request: Request, report: str, period: str, told: Text = "") -> Response:
    """One period: state, what may be done, what is in the way, publications and their differences, the audit trail."""
    return _show(request, report, period, 200, told=told)


Version = Annotated[int, Form(ge=0)]


@router.post("/periods/{report}/{period}/start")
def start(request: Request, report: str, period: str, why: Why, version: Version) -> Response:
    """Begin the review, as seen at `version`: who was slower is told who was faster."""
    return _act(request, report, period, Action.START, why, version)


@router.post("/periods/{report}/{period}/approve")
def approve(request: Request, report: str, period: str, why: Why, version: Version) -> Response:
    """Approve the figures of this instant."""
    return _act(request, report, period, Action.APPROVE, why, version)


@router.post("/periods/{report}/{period}/publish")
def publish(request: Request, report: str, period: str, why: Why, version: Version) -> Response:
    """Publish what was approved."""
    return _act(request, report, period, Action.PUBLISH, why, version)


@router.post("/periods/{report}/{period}/reopen")
def reopen(request: Request, report: str, period: str, why: Why, version: Version) -> Response:
    """Reopen a published period, or withdraw an approval."""
    return _act(request, report, period, Action.REOPEN, why, version)


@router.get("/periods/{report}/{period}/diff")
def show_diff(
    request: Request, report: str, period: str, first: Annotated[int, Query(ge=1)], second: Annotated[int, Query(ge=1)]
) -> Response:
    """What changed from one publication to another, to the cell."""
    context = office_of(request).context()
    window = context.register.period(report, period)
    try:
        diff = diff_publications(context, report, period, (first, second))
    except UnknownPublication:
        raise HTTPException(404, "Không có lần công bố này.") from None
    return render(
        request, "diff.html", diff=diff, report_name=context.register.report(report).name, period_label=window.label
    )


def _act(request: Request, report: str, period: str, action: Action, why: str, version: int) -> Response:
    context = office_of(request).context()
    if not why.strip():
        raise HTTPException(422, "Hãy ghi lý do hoặc căn cứ: nội dung này được lưu trong nhật ký.")
    context.register.period(report, period)
    try:
        _ACTS[action](context, report, period, by=request.state.person.login, why=why, expected_version=version)
    except ReviewRefused as error:
        refused = say_plainly(str(error), dict(list_keys(context)))
        return _show(request, report, period, 409, refused=refused, kept=why)
    return go_to(request, f"/periods/{report}/{period}?told={action.value}")


def _show(
    request: Request, report: str, period: str, code: int, *, told: str = "", refused: str = "", kept: str = ""
) -> Response:
    context = office_of(request).context()
    window = context.register.period(report, period)
    event = read_period_event(context, report, period)
    state = state_of(event)
    publications = [one for one in list_publications(context, report, period) if one.number is not None]
    return render(
        request,
        "period.html",
        code,
        report=report,
        period=period,
        key=f"{report}:{period}",
        report_name=context.register.report(report).name,
        window=window,
        event=event,
        version=event.version if event else 0,
        state=state.value,
        state_name=STATE_NAMES[state],
        actions=[(action.value, ACTION_NAMES[action], _EXPLAINED[action]) for action in list_actions(state)],
        counts=_count(context, f"{report}:{period}"),
        waiting=list_waiting(context, report, period),
        publications=publications,
        trail=find_deeds(context, Sought(report, period), most=_MOST_DEEDS),
        told=told,
        refused=refused,
        kept=kept,
        **name_codes(context),
    )


def _count(context: Context, key: str) -> dict[str, int]:
    return dict(read_matrix(context, [key], context.clock()).columns[0].counts)
