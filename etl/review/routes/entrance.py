"""The units' entrance: what is owed, the workbook to fill in, the upload, and what the rules say of the unit's own files.

Whoever holds the link is the unit, logged in or not. Every request reads the link anew, so that revoking works at once; a link
that opens nothing gets the same page whatever is wrong with it, and no page or log ever repeats one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from etl.annotation.failures import CannotAnnotate
from etl.review.access import require_token
from etl.review.downloads import attach
from etl.review.limits import name_address
from etl.review.pages import render
from etl.review.people import Person, Role
from etl.review.routes.entry import office_of
from etl.review.sessions import make_csrf
from etl.text import show_name
from etl.usecases.context import Context
from etl.usecases.entrance import list_history, read_owed_report
from etl.usecases.explaining import explain_warnings, list_explained
from etl.usecases.fill_in import UnitDoesNotOwe, make_template
from etl.usecases.sheet_view import show_workbook
from etl.usecases.submission_view import (
    SubmissionView,
    list_submissions,
    read_original,
    read_submission,
    write_annotated,
)
from etl.usecases.unit_links import BadLink, Entrance, read_link, read_secret
from etl.usecases.web_upload import UploadNotKept, read_upload, take_upload

log = logging.getLogger(__name__)
router = APIRouter()
_WAIT_SECONDS: Final = 25.0
"""How long an upload waits for its verdict; after that its page asks again."""
_MOST_EXPLAINED: Final = 100
_FIELD: Final = "reason-"
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NOT_KEPT: Final = "Hệ thống chưa nhận được tệp do lỗi phía máy chủ. Hãy thử lại sau ít phút."
Text = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class _Visit:
    """An open link: what it opens, and where its pages are."""

    context: Context
    entrance: Entrance
    address: str


@router.get("/u/{token}")
def show_owed(request: Request, token: str) -> Response:
    """What the unit owes, how it stands, what to do next."""
    visit = _open(request, token)
    try:
        owed = read_owed_report(visit.context, visit.entrance, visit.context.clock())
    except LookupError:
        raise _close(request, 410) from None
    return render(
        request, "entrance.html", owed=owed, address=visit.address, last_day=visit.entrance.last_day,
        most_bytes=visit.context.settings.max_file_bytes, office=visit.context.register.province.standing_office,
    )  # fmt: skip


@router.get("/u/{token}/template")
def download_template(request: Request, token: str) -> Response:
    """The fill-in workbook, named for the unit."""
    visit = _open(request, token)
    mine = visit.entrance
    try:
        name, content = make_template(visit.context, mine.report, mine.period, mine.unit)
    except UnitDoesNotOwe:
        raise HTTPException(404, "Không có biểu mẫu cho báo cáo này.") from None
    return attach(name, content, _XLSX)


@router.post("/u/{token}/upload")
async def upload(request: Request, token: str) -> Response:
    """One file (several in a zip). The link, the token and the limit are asked before the body is read."""
    visit = await run_in_threadpool(_open, request, token)
    mine = visit.entrance
    await require_token(request, request.state.person.csrf)
    if not request.app.state.limits["upload"].allows(f"{mine.unit}:{mine.report}:{mine.period}"):
        raise HTTPException(429, "Đường dẫn này vừa nộp quá nhiều tệp. Hãy chờ mươi phút rồi nộp lại.")
    async with request.form(max_files=1, max_fields=4) as form:
        # Now the last byte is here: this instant decides whether it is in time, not the one when somebody looks at it.
        received_at = visit.context.clock()
        sent = form.get("file")
        if not isinstance(sent, UploadFile) or not sent.filename:
            return _answer(request, 422, "Hãy chọn tệp báo cáo rồi bấm Nộp tệp.")
        try:
            key, arrivals = await run_in_threadpool(
                take_upload, visit.context, mine, sent.filename, sent.file, received_at
            )
        except (UploadNotKept, OSError) as error:
            log.error("an upload could not be stored (%s)", type(error).__name__)
            return _answer(request, 503, _NOT_KEPT)
    if arrivals:
        await _wait(office_of(request).checker().load(arrivals))
    return _answer(request, 303, location=f"{visit.address}/uploads/{key}")


@router.get("/u/{token}/uploads/{key}")
def show_upload(request: Request, token: str, key: str, poll: bool = False) -> Response:
    """What became of an upload. One file that became a submission is shown at once; `poll` only says whether to wait."""
    visit = _open(request, token)
    parts = read_upload(visit.context, visit.entrance, key)
    if not parts:
        raise HTTPException(404, "Không có lần gửi này.")
    is_pending = any(part.outcome == "pending" for part in parts)
    if poll:
        return JSONResponse({"pending": is_pending})
    if len(parts) == 1 and parts[0].outcome == "submission":
        return RedirectResponse(f"{visit.address}/submissions/{parts[0].submission}?sent=1", status_code=303)
    mine = visit.entrance
    return render(
        request, "entrance_upload.html", parts=parts, is_pending=is_pending, address=visit.address,
        office=visit.context.register.province.standing_office, unit_name=_name_of(visit), key=key,
        report_name=visit.context.register.report(mine.report).name,
        period_label=visit.context.register.period(mine.report, mine.period).label,
    )  # fmt: skip


@router.get("/u/{token}/submissions/{number}")
def show_own_submission(
    request: Request, token: str, number: int, sheet: Text = "", cell: Text = "", sent: bool = False, told: Text = ""
) -> Response:
    """One own file: the verdict, what to correct beside the sheet as it was sent, what changed since the one before."""
    visit = _open(request, token)
    view = _read_own(visit, number)
    data = read_original(visit.context, view)
    book = show_workbook(office_of(request).readers(), data, view.findings, sheet, visit.context.forms)
    explained = list_explained(view)
    owed = read_owed_report(visit.context, visit.entrance, visit.context.clock())
    return render(
        request, "entrance_submission.html", view=view, book=book, cell=cell, sent=sent, told=told, owed=owed,
        opened=next((one for one in book.sheets if one.rows or one.columns), None),
        base_address=visit.address, address=f"{visit.address}/submissions/{number}",
        explained=explained[:_MOST_EXPLAINED], more_explained=max(0, len(explained) - _MOST_EXPLAINED),
        form_names={code: form.name for code, form in visit.context.forms.items()}, field=_FIELD,
    )  # fmt: skip


@router.get("/u/{token}/submissions/{number}/original")
def download_own_original(request: Request, token: str, number: int) -> Response:
    """The file as the unit sent it."""
    visit = _open(request, token)
    view = _read_own(visit, number)
    return attach(show_name(view.file), read_original(visit.context, view))


@router.get("/u/{token}/submissions/{number}/annotated")
def download_own_annotated(request: Request, token: str, number: int) -> Response:
    """The unit's own workbook with what was found marked."""
    visit = _open(request, token)
    view = _read_own(visit, number)
    try:
        name, content = write_annotated(visit.context, view)
    except CannotAnnotate:
        text = "Không đánh dấu được trên loại tệp này. Hãy xem danh sách lỗi trên trang, hoặc lưu tệp thành .xlsx."
        raise HTTPException(404, text) from None
    return attach(name, content)


@router.post("/u/{token}/submissions/{number}/reasons")
async def explain(request: Request, token: str, number: int) -> Response:
    """The unit's reasons for its warnings; they change no verdict."""
    visit = await run_in_threadpool(_open, request, token)
    await require_token(request, request.state.person.csrf)
    form = await request.form(max_fields=2 * _MOST_EXPLAINED)
    texts = {
        name.removeprefix(_FIELD): value
        for name, value in form.multi_items()
        if name.startswith(_FIELD) and isinstance(value, str)
    }
    kept = await run_in_threadpool(_explain, visit, number, texts)
    told = "kept" if kept else "same"
    return RedirectResponse(f"{visit.address}/submissions/{number}?told={told}#explain", status_code=303)


@router.get("/u/{token}/history")
def show_history(request: Request, token: str) -> Response:
    """The unit's earlier periods: state and verdict, no more."""
    visit = _open(request, token)
    return render(
        request, "entrance_history.html", address=visit.address, unit_name=_name_of(visit),
        periods=list_history(visit.context, visit.entrance, visit.context.clock()),
    )  # fmt: skip


def _explain(visit: _Visit, number: int, texts: Mapping[str, str]) -> int:
    view = _read_own(visit, number)
    login = f"unit:{visit.entrance.unit}"
    return explain_warnings(visit.context, view, texts, by=login, role=Role.UNIT.value)


def _open(request: Request, token: str) -> _Visit:
    """The link as it is now. Raises HTTPException: 404 or 410 where it opens nothing, 429 where it is asked too often."""
    office = office_of(request)
    context = office.context()
    limit = request.app.state.limits["entrance"]
    try:
        entrance = read_link(context, token, context.clock())
    except BadLink as error:
        # By address only for those who guess: a whole province may share one address on the last evening.
        address = name_address(request.client.host if request.client else "")
        if not limit.allows(f"guess:{address}"):
            raise HTTPException(429) from None
        raise _close(request, 404 if error.reason == "altered" else 410) from None
    if not limit.allows(f"{entrance.unit}:{entrance.report}:{entrance.period}"):
        raise HTTPException(429)
    csrf = make_csrf(read_secret(context.settings), token)
    request.state.person = Person("", "", Role.UNIT, csrf)
    address = f"{request.scope.get('root_path', '')}/u/{token}"
    request.state.home = address
    return _Visit(context, entrance, address)


def _close(request: Request, status: int) -> HTTPException:
    request.state.person = Person("", "", Role.UNIT)
    return HTTPException(
        status,
        "Đường dẫn này không dùng được. Có thể đường dẫn đã hết hiệu lực, đã bị thu hồi, hoặc bị chép thiếu. Hãy mở đường dẫn "
        "trong thư mới nhất của cơ quan thường trực, hoặc liên hệ cơ quan thường trực để được cấp đường dẫn mới.",
    )


def _read_own(visit: _Visit, number: int) -> SubmissionView:
    """A submission of the link's own obligation. Raises HTTPException 404 for any other, alike whether it is there."""
    mine = visit.entrance
    own = {one.id for one in list_submissions(visit.context, mine.unit, mine.report, mine.period)}
    if number not in own:
        raise HTTPException(404, "Không có lần nộp này.")
    return read_submission(visit.context, number)


def _name_of(visit: _Visit) -> str:
    mine = visit.entrance
    register = visit.context.register
    return register.name_unit(mine.unit, register.period(mine.report, mine.period).end)


async def _wait(future: Future[None]) -> None:
    """Until the load is done, for a while: no thread of the other pages is held meanwhile."""
    await asyncio.wait([asyncio.wrap_future(future)], timeout=_WAIT_SECONDS)


def _answer(request: Request, status: int, text: str = "", location: str = "") -> Response:
    """For a browser with our script a few words as JSON, for one without it a page."""
    if "application/json" in request.headers.get("accept", ""):
        if status == 303:
            return JSONResponse({"location": location})
        return JSONResponse({"text": text}, status_code=status)
    if status == 303:
        return RedirectResponse(location, status_code=303)
    raise HTTPException(status, text)
