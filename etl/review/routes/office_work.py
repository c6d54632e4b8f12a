"""The office's other pages: files of nobody, register and calendar, exemptions, pauses of reminders, accounts."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response

from etl.alerts.plan import Pause
from etl.calendar.deadlines import TIMEZONE
from etl.calendar.periods import UnknownPeriod
from etl.channels.refusals import describe_refusal, tell_refusal_detail
from etl.labels import OUTCOME_LABELS
from etl.register.entities import UNIT_TYPE_LABELS
from etl.register.model import UnknownReport
from etl.review.pages import render
from etl.review.routes.entry import office_of
from etl.review.routing import Why, go_to, is_within
from etl.review.words import CHANNEL_LABELS, show_instant, show_last_day, show_person
from etl.text import fold, sort_key
from etl.usecases.accounts import (
    ACCOUNT_ROLES,
    BadAccount,
    StaleAccount,
    add_account,
    change_account,
    clean_login,
    list_accounts,
)
from etl.usecases.alert_pauses import MOST_DAYS, BadEnd, NothingMuted, StaleMute, lift_mute, list_mutes, mute_unit
from etl.usecases.context import Context
from etl.usecases.exempting import BadExemption, StaleExemption, excuse_unit, withdraw_exemption
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
from etl.usecases.unit_links import StaleLink, revoke_link
from etl.usecases.unit_links import show_link as show_given_link

router = APIRouter()
Text = Annotated[str, Query(max_length=200)]
Word = Annotated[str, Form(max_length=200)]
Seen = Annotated[int, Form(ge=0)]


@router.get("/quarantine")
def show_quarantine(request: Request, everything: bool = False) -> Response:
    """Files that could not be attributed, what was refused at the door."""
    context = office_of(request).context()
    today = context.clock().astimezone(TIMEZONE).date()
    units = sorted(context.register.units_on(today), key=lambda unit: sort_key(unit.name))
    refused = [
        (one, describe_refusal(one.code), tell_refusal_detail(one.code, one.detail))
        for one in list_refused(context)[:200]
    ]
    return render(
        request, "quarantine.html", items=list_quarantine(context, everything=everything), everything=everything,
        refused=refused, units=units, known=list_keys(context), channels=CHANNEL_LABELS,
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
    mutes, seen = list_mutes(context)
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
        mutes=mutes,
        period_names=_name_scopes(context),
        seen=seen,
        today=today,
        last_day=today + timedelta(days=MOST_DAYS),
        known=list_keys(context),
        day=date.fromisoformat,
        moment=datetime.fromisoformat,
    )


@router.post("/register/exemptions")
def excuse(request: Request, unit: Word, key: Word, why: Why) -> Response:
    """Excuse a unit from a report of a period."""
    context = office_of(request).context()
    report, _, period = key.partition(":")
    try:
        excuse_unit(context, unit.strip(), report, period, by=request.state.person.login, why=why)
    except BadExemption as error:
        raise _refuse_exemption(error) from None
    return go_to(request, "/register#mien")


@router.post("/register/exemptions/withdraw")
def withdraw(request: Request, unit: Word, key: Word, why: Why, seen: Annotated[datetime, Form()]) -> Response:
    """Take an exemption back, as it was seen: the unit owes the report again."""
    context = office_of(request).context()
    report, _, period = key.partition(":")
    try:
        withdraw_exemption(context, unit.strip(), report, period, by=request.state.person.login, why=why, seen=seen)
    except BadExemption as error:
        raise _refuse_exemption(error) from None
    return go_to(request, "/register#mien")


@router.post("/register/mutes")
def mute(
    request: Request,
    unit: Word,
    until: Annotated[date, Form()],
    why: Why,
    seen: Seen,
    key: Word = "",
    back: Word = "",
) -> Response:
    """No reminders about a unit to the end of a day. `seen`: the number of the newest mute when the form was shown."""
    context = office_of(request).context()
    report, _, period = key.partition(":")
    last = datetime.combine(until, time.max, TIMEZONE)
    pause = Pause(unit.strip(), report or None, period or None, last, request.state.person.login, why)
    try:
        mute_unit(context, pause, seen=seen)
    except BadEnd:
        raise HTTPException(
            422, f"Ngày ngừng nhắc phải từ hôm nay trở đi và không quá {MOST_DAYS} ngày. Muốn nhắc lại ngay thì bấm Nhắc trở lại."
        ) from None  # fmt: skip
    except StaleMute as error:
        raise _refuse_mute(error) from None
    except (LookupError, ValueError):
        raise HTTPException(422, "Hãy chọn đúng đơn vị, kỳ báo cáo và ghi lý do.") from None
    return go_to(request, back if is_within(back) else "/register#ngung-nhac")


@router.post("/register/mutes/lift")
def lift(request: Request, unit: Word, why: Why, seen: Seen, key: Word = "", back: Word = "") -> Response:
    """Reminders about a unit go out again."""
    context = office_of(request).context()
    report, _, period = key.partition(":")
    try:
        lift_mute(
            context, unit.strip(), report or None, period or None, by=request.state.person.login, why=why, seen=seen
        )
    except NothingMuted:
        raise HTTPException(422, "Đơn vị này không có lần ngừng nhắc nào đang áp dụng nên không có gì để bỏ.") from None
    except StaleMute as error:
        raise _refuse_mute(error) from None
    except (LookupError, ValueError):
        raise HTTPException(422, "Hãy chọn đúng đơn vị, kỳ báo cáo và ghi lý do.") from None
    return go_to(request, back if is_within(back) else "/register#ngung-nhac")


@router.get("/links/{report}/{period}/{unit}")
def show_link(request: Request, report: str, period: str, unit: str) -> Response:
    """The unit's personal link, to be given by hand; that this person saw it is recorded."""
    return _show_link(request, report, period, unit, 200)


@router.post("/links/{report}/{period}/{unit}/revoke")
def revoke(request: Request, report: str, period: str, unit: str, why: Why, seen: Seen) -> Response:
    """The links given so far open nothing any more. `seen`: how often they had been revoked when the page was opened."""
    person = request.state.person
    try:
        revoke_link(
            office_of(request).context(), unit, report, period, by=person.login, why=why, role=person.role.value,
            seen=seen,
        )  # fmt: skip
    except LookupError:
        raise HTTPException(404, "Đơn vị này không phải nộp báo cáo kỳ này.") from None
    except StaleLink as error:
        return _show_link(request, report, period, unit, 409, refused=_tell_revoked(error), kept=why)
    except ValueError:
        raise HTTPException(422, "Hãy ghi lý do.") from None
    return go_to(request, f"/links/{report}/{period}/{unit}")


def _show_link(
    request: Request, report: str, period: str, unit: str, code: int, *, refused: str = "", kept: str = ""
) -> Response:
    context, person = office_of(request).context(), request.state.person
    try:
        link = show_given_link(context, unit, report, period, context.clock(), by=person.login, role=person.role.value)
    except LookupError:
        raise HTTPException(404, "Đơn vị này không phải nộp báo cáo kỳ này.") from None
    window = context.register.period(report, period)
    return render(
        request, "link.html", code, link=link, report=report, period=period, unit=unit, refused=refused, kept=kept,
        unit_name=context.register.name_unit(unit, window.end), report_name=context.register.report(report).name,
        period_label=window.label,
    )  # fmt: skip


def _tell_revoked(error: StaleLink) -> str:
    if error.latest is None:
        return "Trang này không còn đúng nên chưa thu hồi gì. Hãy xem lại."
    return (
        f"Các đường dẫn đã được {show_person(error.latest.by)} thu hồi lúc {show_instant(error.latest.at)}, sau khi bạn mở "
        "trang, nên lần này không thu hồi thêm. Nếu cần thu hồi cả đường dẫn mới cấp sau đó, hãy thực hiện lại."
    )


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
    except StaleAccount as error:
        raise _refuse_account(error) from None
    except BadAccount:
        raise HTTPException(
            422, "Không tạo được tài khoản: tên đăng nhập có ký tự lạ, quyền không có, hoặc mật khẩu ngắn hơn 12 ký tự."
        ) from None
    return go_to(request, "/accounts")


@router.post("/accounts/{login}")
def set_account(
    request: Request,
    login: str,
    seen: Annotated[datetime, Form()],
    role: Word = "",
    password: Annotated[str, Form(max_length=200)] = "",
    disabled: Annotated[bool | None, Form()] = None,
) -> Response:
    """Change role or password, close or open the account, as it was seen. Nobody closes or lowers their own: somebody must be
    left."""
    person = request.state.person
    try:
        # As the account is looked up: each way of writing a login is the same login.
        if clean_login(login) == clean_login(person.login) and (role or disabled):
            raise HTTPException(409, "Không tự đổi quyền hoặc khóa tài khoản của chính mình.")
        change_account(
            office_of(request).context(), login, person.login, role=role or None, password=password or None,
            disabled=disabled, seen=seen,
        )  # fmt: skip
    except StaleAccount as error:
        raise _refuse_account(error) from None
    except BadAccount:
        raise HTTPException(422, "Không đổi được tài khoản: mật khẩu ngắn hơn 12 ký tự hoặc quyền không có.") from None
    return go_to(request, "/accounts")


def _name_scopes(context: Context) -> dict[str, str]:
    """What a mute may be of, by name: a period (`report:period`), or all periods of a report (its code)."""
    return {
        **dict(list_keys(context)),
        **{one.code: f"Mọi kỳ của {one.name}" for one in context.register.reports},
    }  # fmt: skip


def _refuse_exemption(error: BadExemption) -> HTTPException:
    return HTTPException(409 if isinstance(error, StaleExemption) else 422, str(error))


def _refuse_mute(error: StaleMute) -> HTTPException:
    found, pause = error.newest, error.newest.pause
    act = "cho nhắc trở lại" if found.is_lift else f"ngừng nhắc đơn vị này đến hết ngày {show_last_day(pause.until)}"
    return HTTPException(
        409, f"{show_person(pause.by)} đã {act}, lúc {show_instant(found.recorded_at)}: {pause.reason}. Hãy tải lại trang để xem."
    )  # fmt: skip


def _refuse_account(error: StaleAccount) -> HTTPException:
    who = f"{show_person(error.by)} đã" if error.by else "Có người đã"
    act = "thêm tài khoản có tên đăng nhập này" if error.added else "thay đổi tài khoản này"
    return HTTPException(409, f"{who} {act}, lúc {show_instant(error.at)}. Hãy tải lại trang để xem.")
