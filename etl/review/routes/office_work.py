"""The office's other pages: files of nobody, register and calendar, exemptions, pauses of reminders, accounts."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response

from etl.alerts.plan import Pause
from etl.calendar.deadlines import TIMEZONE
from etl.calendar.periods import UnknownPeriod
from etl.channels.refusals import describe_refusal
from etl.labels import OUTCOME_LABELS
from etl.register.entities import UNIT_TYPE_LABELS
from etl.register.model import UnknownReport
from etl.review.pages import render
from etl.review.routes.entry import office_of
from etl.review.routing import go_to
from etl.review.words import CHANNEL_LABELS, show_instant, show_person
from etl.text import fold, sort_key
from etl.usecases.accounts import ACCOUNT_ROLES, BadAccount, add_account, change_account, list_accounts
from etl.usecases.alert_pauses import mute_unit
from etl.usecases.exempting import BadExemption, excuse_unit, withdraw_exemption
from etl.usecases.follow import list_keys
from etl.usecases.quarantine import (
    NotOwed,
    StaleQuarantine,
    UnknownArrival,
    attribute_arrival,
    discard_arrival,
    list_quarantine,
    list_refused,
)
from etl.usecases.reports import list_reports
from etl.usecases.unit_links import make_link, revoke_link

router = APIRouter()
Text = Annotated[str, Query(max_length=200)]
Word = Annotated[str, Form(max_length=200)]
Why = Annotated[str, Form(max_length=2000)]


@router.get("/quarantine")
def show_quarantine(request: Request, everything: bool = False) -> Response:
    """Files that could not be attributed, what was refused at the door."""
    context = office_of(request).context()
    today = context.clock().astimezone(TIMEZONE).date()
    units = sorted(context.register.units_on(today), key=lambda unit: sort_key(unit.name))
    return render(
        request, "quarantine.html", items=list_quarantine(context, everything=everything), everything=everything,
        refused=[(one, describe_refusal(one.code)) for one in list_refused(context)[:200]], units=units,
        known=list_keys(context), channels=CHANNEL_LABELS,
    )  # fmt: skip


@router.post("/quarantine/{arrival}/attribute")
def attribute(
    request: Request, arrival: int, unit: Word, key: Word, why: Why, seen: Annotated[int, Form()]
) -> Response:
    """Say whose file it is."""
    context = office_of(request).context()
    report, _, period = key.partition(":")
    try:
        attribute_arrival(
            context, arrival, unit=unit.strip(), report=report, period=period, by=request.state.person.login, why=why,
            seen=seen,
        )  # fmt: skip
    except UnknownArrival:
        raise HTTPException(404, "Không có tệp này.") from None
    except StaleQuarantine as error:
        raise HTTPException(409, _tell_settled(error)) from None
    except NotOwed:
        raise HTTPException(422, "Đơn vị này không phải nộp báo cáo kỳ này.") from None
    except (ValueError, UnknownReport, UnknownPeriod):
        raise HTTPException(422, "Hãy chọn đơn vị, kỳ báo cáo và ghi lý do.") from None
    return go_to(request, "/quarantine")


@router.post("/quarantine/{arrival}/discard")
def discard(request: Request, arrival: int, why: Why, seen: Annotated[int, Form()]) -> Response:
    """Say that the file is no report; its bytes stay."""
    try:
        discard_arrival(office_of(request).context(), arrival, by=request.state.person.login, why=why, seen=seen)
    except UnknownArrival:
        raise HTTPException(404, "Không có tệp này.") from None
    except StaleQuarantine as error:
        raise HTTPException(409, _tell_settled(error)) from None
    except ValueError:
        raise HTTPException(422, "Hãy ghi lý do.") from None
    return go_to(request, "/quarantine")


def _tell_settled(error: StaleQuarantine) -> str:
    if error.at is None:
        return "Tệp này chưa được kiểm tra nên chưa xử lý được. Hãy thử lại sau."
    outcome = OUTCOME_LABELS.get(error.outcome or "", "đã xử lý")
    who = f" qua {show_person(error.by)}" if error.by else ""
    return (
        f"Tệp này không còn như khi bạn mở trang: {outcome}{who}, lúc {show_instant(error.at)}. Hãy xem lại danh sách."
    )


@router.get("/register")
def show_register(request: Request, text: Text = "") -> Response:
    """Units, blocs, movements, reports and the calendar, as they are today."""
    context = office_of(request).context()
    register = context.register
    now = context.clock()
    today = now.astimezone(TIMEZONE).date()
    units = [unit for unit in register.units_on(today) if fold(text) in fold(f"{unit.code} {unit.name}")]
    return render(
        request,
        "register.html",
        province=register.province,
        text=text,
        units=[
            (
                unit,
                UNIT_TYPE_LABELS[unit.type],
                member.bloc if (member := register.membership_of(unit.code, today)) else None,
            )
            for unit in sorted(units, key=lambda unit: (UNIT_TYPE_LABELS[unit.type], sort_key(unit.name)))
        ],
        names={unit.code: unit.name for unit in register.units_on(today)},
        movements=sorted(register.movements, key=lambda one: sort_key(one.name)),
        reports=list_reports(context, now),
        exemptions=[one for one in register.exemptions if not one.withdrawn],
        known=list_keys(context),
        day=date.fromisoformat,
        moment=datetime.fromisoformat,
    )


@router.post("/register/exemptions")
def excuse(request: Request, unit: Word, key: Word, why: Why) -> Response:
    """Excuse a unit from a report of a period."""
    return _change_exemption(request, unit, key, why, withdraw=False)


@router.post("/register/exemptions/withdraw")
def withdraw(request: Request, unit: Word, key: Word, why: Why) -> Response:
    """Take an exemption back: the unit owes the report again."""
    return _change_exemption(request, unit, key, why, withdraw=True)


@router.post("/register/mutes")
def mute(request: Request, unit: Word, until: Annotated[date, Form()], why: Why, key: Word = "") -> Response:
    """No reminders about a unit to the end of a day."""
    context = office_of(request).context()
    report, _, period = key.partition(":")
    last = datetime.combine(until, time.max, TIMEZONE)
    if last <= context.clock():
        raise HTTPException(422, "Ngày ngừng nhắc phải từ hôm nay trở đi.")
    try:
        mute_unit(context, Pause(unit.strip(), report or None, period or None, last, request.state.person.login, why))
    except (LookupError, ValueError):
        raise HTTPException(422, "Hãy chọn đúng đơn vị, kỳ báo cáo và ghi lý do.") from None
    return go_to(request, "/audit")


@router.get("/links/{report}/{period}/{unit}")
def show_link(request: Request, report: str, period: str, unit: str) -> Response:
    """The unit's personal link, to be given by hand."""
    context = office_of(request).context()
    try:
        link = make_link(context, unit, report, period)
    except LookupError:
        raise HTTPException(404, "Đơn vị này không phải nộp báo cáo kỳ này.") from None
    return render(request, "link.html", link=link, report=report, period=period, unit=unit)


@router.post("/links/{report}/{period}/{unit}/revoke")
def revoke(request: Request, report: str, period: str, unit: str, why: Why) -> Response:
    """The links given so far open nothing any more."""
    person = request.state.person
    try:
        revoke_link(
            office_of(request).context(), unit, report, period, by=person.login, why=why, role=person.role.value
        )
    except LookupError:
        raise HTTPException(404, "Đơn vị này không phải nộp báo cáo kỳ này.") from None
    except ValueError:
        raise HTTPException(422, "Hãy ghi lý do.") from None
    return go_to(request, f"/links/{report}/{period}/{unit}")


@router.get("/accounts")
def show_accounts(request: Request) -> Response:
    """Who may log in."""
    return render(request, "accounts.html", accounts=list_accounts(office_of(request).context()), roles=ACCOUNT_ROLES)


@router.post("/accounts")
def make_account(
    request: Request, login: Word, name: Word, role: Word, password: Annotated[str, Form(max_length=200)]
) -> Response:
    """A new account."""
    try:
        add_account(office_of(request).context(), login, name, role, password, request.state.person.login)
    except BadAccount:
        raise HTTPException(
            422, "Không tạo được tài khoản: tên đăng nhập đã có, hoặc mật khẩu ngắn hơn 12 ký tự."
        ) from None
    return go_to(request, "/accounts")


@router.post("/accounts/{login}")
def set_account(
    request: Request,
    login: str,
    role: Word = "",
    password: Annotated[str, Form(max_length=200)] = "",
    disabled: Annotated[bool | None, Form()] = None,
) -> Response:
    """Change role or password, close or open the account. Nobody closes or lowers their own: somebody must be left."""
    if login == request.state.person.login and (role or disabled):
        raise HTTPException(409, "Không tự đổi quyền hoặc khóa tài khoản của chính mình.")
    try:
        change_account(
            office_of(request).context(), login, request.state.person.login, role=role or None,
            password=password or None, disabled=disabled,
        )  # fmt: skip
    except BadAccount:
        raise HTTPException(422, "Không đổi được tài khoản: mật khẩu ngắn hơn 12 ký tự hoặc quyền không có.") from None
    return go_to(request, "/accounts")


def _change_exemption(request: Request, unit: str, key: str, why: str, *, withdraw: bool) -> Response:
    context = office_of(request).context()
    report, _, period = key.partition(":")
    change = withdraw_exemption if withdraw else excuse_unit
    try:
        change(context, unit.strip(), report, period, by=request.state.person.login, why=why)
    except BadExemption as error:
        raise HTTPException(422, str(error)) from None
    return go_to(request, "/register")
