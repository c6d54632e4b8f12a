"""Submissions: what waits for a look, one submission beside its sheet, the originals, and a reviewer's decision."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response

from etl.annotation.failures import CannotAnnotate
from etl.review.downloads import attach
from etl.review.pages import render
from etl.review.people import Role
from etl.review.routes.entry import office_of
from etl.review.routing import Why, choose_period, go_to
from etl.review.words import CHANNEL_LABELS, say_plainly
from etl.text import show_name
from etl.usecases.context import Context
from etl.usecases.follow import list_keys
from etl.usecases.review import (
    ReviewRefused,
    UnknownSubmission,
    decide_submission,
    read_period_event,
    state_of,
)
from etl.usecases.review_queue import WHY_NAMES, list_waiting
from etl.usecases.review_states import DECIDED, STATE_NAMES
from etl.usecases.sheet_view import ShownWorkbook, show_workbook
from etl.usecases.submission_view import (
    SubmissionView,
    list_submissions,
    read_original,
    read_submission,
    write_annotated,
)

router = APIRouter()
_SEES_PEOPLE: Final = frozenset({Role.REVIEWER, Role.PUBLISHER, Role.ADMINISTRATOR})
Text = Annotated[str, Query(max_length=200)]


@router.get("/submissions")
def list_pages(request: Request, key: Text = "", unit: Text = "") -> Response:
    """What waits for a look in a period; with `unit` all attempts of that unit."""
    context = office_of(request).context()
    known = list_keys(context)
    if not known:
        return render(request, "empty.html")
    key = choose_period(context, known, key)
    report, _, period = key.partition(":")
    versions = context.register.unit_versions(unit) if unit else ()
    if unit and not versions:
        raise HTTPException(404, "Không có đơn vị này.")
    return render(
        request, "submissions.html", known=known, key=key, unit=versions[-1] if versions else None,
        attempts=list_submissions(context, unit, report, period) if unit else [],
        waiting=[] if unit else list_waiting(context, report, period), whys=WHY_NAMES,
    )  # fmt: skip


@router.get("/submissions/{number}")
def show_submission(request: Request, number: int, sheet: Text = "", cell: Text = "") -> Response:
    """One submission: verdict, findings beside the sheet as it was sent, decisions, what changed since the attempt before."""
    return _show(request, number, 200, sheet, cell)


def _show(
    request: Request, number: int, code: int, sheet: str = "", cell: str = "", *, refused: str = "", kept: str = ""
) -> Response:
    context = office_of(request).context()
    view = _read(context, number)
    sees_people = request.state.person.role in _SEES_PEOPLE
    book = _show_book(request, context, view, sheet)
    event = read_period_event(context, view.report, view.period)
    window = context.register.period(view.report, view.period)
    return render(
        request,
        "submission.html",
        code,
        refused=refused,
        kept=kept,
        view=view,
        book=book,
        opened=next((one for one in book.sheets if one.rows or one.columns), None),
        cell=cell,
        sees_people=sees_people,
        hidden=not sees_people,
        key=f"{view.report}:{view.period}",
        report_name=context.register.report(view.report).name,
        period_label=window.label,
        channel=CHANNEL_LABELS.get(view.channel, view.channel),
        state=STATE_NAMES[state_of(event)],
        is_closed=state_of(event) in DECIDED,
        form_names={form.code: form.name for form in context.forms.values()},
    )


@router.get("/submissions/{number}/original")
def download_original(request: Request, number: int) -> Response:
    """The file as it arrived, byte for byte."""
    context = office_of(request).context()
    view = _read(context, number)
    return attach(show_name(view.file), read_original(context, view))


@router.get("/submissions/{number}/annotated")
def download_annotated(request: Request, number: int) -> Response:
    """The sender's workbook with its findings marked."""
    context = office_of(request).context()
    view = _read(context, number)
    try:
        name, content = write_annotated(context, view)
    except CannotAnnotate:
        raise HTTPException(404, "Không đánh dấu được trên loại tệp này. Hãy xem danh sách lỗi trên trang.") from None
    return attach(name, content)


@router.post("/submissions/{number}/decide")
def decide(
    request: Request,
    number: int,
    decision: Annotated[str, Form(pattern="^(accept|return)$")],
    why: Why,
    seen: Annotated[int | None, Form()] = None,
) -> Response:
    """Accept with a reason, or return with a note that goes into the letter to the unit."""
    context = office_of(request).context()
    if not why.strip():
        raise HTTPException(422, "Hãy ghi lý do: lý do được lưu cùng quyết định và gửi cho đơn vị.")
    try:
        decide_submission(
            context, number, "accept" if decision == "accept" else "return", by=request.state.person.login, why=why,
            expected_decision=seen,
        )  # fmt: skip
    except UnknownSubmission:
        raise HTTPException(404, "Không có lần nộp này.") from None
    except ReviewRefused as error:
        refused = say_plainly(str(error), dict(list_keys(context)))
        return _show(request, number, 409, refused=refused, kept=why)
    return go_to(request, f"/submissions/{number}")


def _read(context: Context, number: int) -> SubmissionView:
    try:
        return read_submission(context, number)
    except UnknownSubmission:
        raise HTTPException(404, "Không có lần nộp này.") from None


def _show_book(request: Request, context: Context, view: SubmissionView, sheet: str) -> ShownWorkbook:
    if request.state.person.role not in _SEES_PEOPLE:
        # Names and telephone numbers stand in the sheets: figures are followed to their cell by its name and raw text.
        return ShownWorkbook(loose=tuple(view.findings))
    data = read_original(context, view)
    return show_workbook(office_of(request).readers(), data, view.findings, sheet, context.forms)
