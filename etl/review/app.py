"""The app: routes, guard, headers, errors as pages. For `serve` (own log-in), or for a host that knows its people."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlencode

import psycopg
import sqlalchemy.exc
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException as AnyHttpError
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from etl.calendar.periods import UnknownPeriod
from etl.landing.store import MissingBytes
from etl.register.model import UnknownReport
from etl.review import routes
from etl.review.access import Identify, guard_app, make_guard, read_access_table, refuse_other_sites
from etl.review.limits import BodyLimit, RateLimit
from etl.review.lost_forms import find_form_page, pick_typed
from etl.review.office import Office
from etl.review.pages import render, security_headers
from etl.review.people import NOBODY, Person, Role
from etl.review.sessions import identify as identify_by_cookie
from etl.settings import DEFAULT_MAX_FILE_MB
from etl.usecases.context import WarehouseNotReady
from etl.warehouse.server import ServerError

log = logging.getLogger(__name__)

TITLE: Final = "Báo cáo phong trào thi đua"
_FORM_BYTES: Final = 256 * 1024
_UPLOAD_SLACK: Final = 64 * 1024


def create_app(office: Office, *, identify: Identify = identify_by_cookie, own_login: bool = True) -> FastAPI:
    """The pages over `office`. `identify` says who asks; `own_login` False where a host logs people in and frames us.

    Raises BadAccessTable when a route is missing in access.yaml.
    """
    table = read_access_table()

    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        yield
        office.close()

    app = FastAPI(
        title=TITLE, docs_url=None, redoc_url=None, openapi_url=None, lifespan=live, redirect_slashes=False,
        dependencies=[Depends(make_guard(table, identify, own_login=own_login))],
    )  # fmt: skip
    app.state.office = office
    app.state.access = table
    app.state.own_login = own_login
    app.state.framed = not own_login
    app.state.limits = {
        "log-in": RateLimit(10, 300),
        "log-in of account here": RateLimit(10, 900),
        "log-in of account": RateLimit(60, 900),
        "oidc": RateLimit(40, 300),
        "upload": RateLimit(30, 600),
        "entrance": RateLimit(300, 60),
    }
    for router in routes.ROUTERS:
        app.include_router(router)
    guard_app(app, table)
    app.middleware("http")(_add_headers)
    app.add_middleware(
        BodyLimit, most=_FORM_BYTES, upload_suffix="/upload", most_upload=_bound_uploads(office), refusal=_refuse_body
    )
    _answer_errors(app)
    return app


def _bound_uploads(office: Office) -> Callable[[], int]:
    # Asked when something is sent: a host may load the app before the settings can be read.
    def bound() -> int:
        try:
            most = office.settings().max_file_bytes
        except Exception:  # whatever it is: the page that was asked for meets it too, and answers
            most = DEFAULT_MAX_FILE_MB * 1024 * 1024
        return most + _UPLOAD_SLACK

    return bound


def _refuse_body(scope: Scope) -> Response:
    # Before any route: who asks is not known, so the page offers no log-in and leads nowhere but back.
    request = Request(scope)
    request.state.person = Person("", "", Role.UNIT)
    answer = show_refusal(request, 413, _TOO_LARGE)
    answer.headers.update({**security_headers(request, is_page=True), "Connection": "close"})
    return answer


async def _add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    answer = await call_next(request)
    is_file = request.url.path.startswith(f"{request.scope.get('root_path', '')}/static/")
    is_page = not is_file or answer.status_code >= 400
    for name, value in security_headers(request, is_page).items():
        answer.headers.setdefault(name, value)
    return answer


def _answer_errors(app: FastAPI) -> None:
    async def refuse(request: Request, error: Exception) -> Response:
        if not isinstance(error, AnyHttpError):
            raise error
        person = getattr(request.state, "person", NOBODY)
        if error.status_code == 401 and request.app.state.own_login and request.method == "GET" and person is NOBODY:
            back = request.url.path.removeprefix(request.scope.get("root_path", ""))
            query = urlencode({"next": f"{back}?{request.url.query}" if request.url.query else back})
            target = f"{request.scope.get('root_path', '')}/login?{query}"
            if request.headers.get("hx-request"):  # htmx would put the log-in page into a corner of the page
                return Response(status_code=401, headers={"HX-Redirect": target})
            return RedirectResponse(target, status_code=303)
        if error.status_code == 401 and person is NOBODY and request.method == "POST":
            return await _show_lost_form(request)
        return show_refusal(request, error.status_code, error.detail)

    async def unknown(request: Request, _: Exception) -> Response:
        # What the error says is for whoever types commands: English, with a list of codes.
        return show_refusal(request, 404, "Không có báo cáo hoặc kỳ báo cáo này.")

    async def unreadable(request: Request, _: Exception) -> Response:
        return show_refusal(request, 422, "Địa chỉ hoặc biểu mẫu thiếu thông tin hoặc có giá trị không hợp lệ.")

    async def unreachable(request: Request, error: Exception) -> Response:
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("page %s: the warehouse failed: %s\n%s", _name_route(request), _describe_failure(error), where)
        return show_refusal(request, 503)

    async def broken(request: Request, error: Exception) -> Response:
        # Outside our middleware: the headers are added here. The server logs the error itself.
        log.error("page %s failed (%s)", _name_route(request), type(error).__name__)
        answer = show_refusal(request, 500)
        answer.headers.update(security_headers(request, is_page=True))
        return answer

    async def gone(request: Request, _: Exception) -> Response:
        # A line that broke on the way is nobody's fault: nothing was kept, and nobody reads the answer.
        log.info("page %s: the sender went away before all was sent", _name_route(request))
        return Response(status_code=400)

    async def lost(request: Request, error: Exception) -> Response:
        log.error("page %s: %s", _name_route(request), error)
        return show_refusal(request, 503, "Kho lưu tệp gốc không có tệp này. Hãy báo cán bộ quản trị.")

    app.add_exception_handler(AnyHttpError, refuse)
    app.add_exception_handler(MissingBytes, lost)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(UnknownReport, unknown)
    app.add_exception_handler(UnknownPeriod, unknown)
    app.add_exception_handler(RequestValidationError, unreadable)
    for kind in _UNREACHABLE:
        app.add_exception_handler(kind, unreachable)
    # A number too large for any row, a NUL character in a text: the asker's fault, not the warehouse's.
    for kind in (sqlalchemy.exc.DataError, psycopg.DataError):
        app.add_exception_handler(kind, unreadable)
    app.add_exception_handler(Exception, broken)


def _name_route(request: Request) -> str:
    """The path as the route declares it: the address itself may hold a unit's personal link."""
    return str(getattr(request.scope.get("route"), "path", "?"))


def _describe_failure(error: Exception) -> str:
    """What happened, for the log. A refused statement is named by its state only: its text can hold what a form held."""
    cause = getattr(error, "orig", None) or error
    state = getattr(cause, "sqlstate", None)
    if state and not str(state).startswith(("08", "28", "3D", "53", "57", "58")):
        return f"{type(cause).__name__} {state}"
    return f"{type(cause).__name__}: {cause}"


async def _show_lost_form(request: Request) -> Response:
    """The answer to a form whose session ended meanwhile: what was typed, to be copied, and the way back by the log-in."""
    try:
        refuse_other_sites(request)  # else any page could have ours show a text of its own
        form = await request.form()
    except Exception:  # whatever it was, it was no form of ours: there is nothing to give back
        sent: list[tuple[str, str]] = []
    else:
        sent = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    query = urlencode({"next": find_form_page(request)})
    return render(
        request, "lost_form.html", 401, fields=pick_typed(sent), login=f"{request.scope.get('root_path', '')}/login?{query}"
    )  # fmt: skip


_UNREACHABLE: Final[tuple[type[Exception], ...]] = (
    ConnectionError, WarehouseNotReady, ServerError, sqlalchemy.exc.SQLAlchemyError, psycopg.Error,
)  # fmt: skip
_TOO_LARGE: Final = (
    "Tệp hoặc nội dung gửi lên quá lớn. Tệp chưa được nhận. Hãy xóa ảnh, trang tính và định dạng thừa rồi gửi lại. Bấm nút quay "
    "lại của trình duyệt để về trang trước."
)
_SENTENCES: Final = {
    400: "Yêu cầu không hợp lệ.",
    401: "Cần đăng nhập để xem trang này.",
    403: "Tài khoản của bạn không có quyền thực hiện việc này.",
    404: "Không tìm thấy trang.",
    405: "Trang này không nhận yêu cầu như vậy.",
    409: "Có người khác vừa thay đổi. Hãy tải lại trang.",
    413: "Tệp quá lớn.",
    422: "Thông tin chưa hợp lệ.",
    429: "Thao tác quá nhiều lần trong thời gian ngắn. Hãy chờ ít phút rồi thử lại.",
    503: "Kho số liệu tạm thời không trả lời. Hãy thử lại sau ít phút.",
}


def show_refusal(request: Request, status: int, text: str | None = None) -> Response:
    """An error as a page in Vietnamese. Starlette's own English phrases are replaced."""
    known = _SENTENCES.get(
        status, "Hệ thống gặp lỗi. Lỗi đã được ghi lại để cán bộ quản trị xem xét. Hãy thử lại sau ít phút."
    )
    plain = text if text and not text.isascii() else known
    # Of a unit whose link is open: the way back to its own page.
    home = getattr(request.state, "home", "")
    return render(request, "refusal.html", status, status=status, text=plain, home=home)
