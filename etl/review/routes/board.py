"""Following: units against periods, who is behind one cell of it, and a reminder by one click."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query, Request, Response

from etl.calendar.deadlines import TIMEZONE
from etl.register.entities import UNIT_TYPE_LABELS, UnitType
from etl.review.board_cells import make_cells
from etl.review.charts import draw_days, draw_shares
from etl.review.pages import render
from etl.review.routes.entry import office_of
from etl.review.routing import go_to
from etl.review.words import CONTACT_ROLE_LABELS, COUNT_LABELS, LETTER_STATE_LABELS, RATE_LABELS, RUNG_LABELS
from etl.text import capitalise, format_number, sort_key
from etl.usecases.alert_pauses import list_mutes_of
from etl.usecases.board import STATUSES
from etl.usecases.contacting import NothingToRemind, read_contacting, remind_now
from etl.usecases.context import Context
from etl.usecases.fill_in import UnitDoesNotOwe
from etl.usecases.follow import Filter, Matrix, choose_key, count_by_day, list_keys, read_matrix

router = APIRouter()
_MOST_COLUMNS: Final = 24
Text = Annotated[str, Query(max_length=100)]
Keys = Annotated[list[str] | None, Query(max_length=_MOST_COLUMNS)]


@router.get("/board")
def show_board(
    request: Request,
    key: Keys = None,
    unit_type: Text = "",
    bloc: Text = "",
    movement: Text = "",
    status: Text = "",
    text: Text = "",
) -> Response:
    """The matrix. `key`: `report:period`, several for several columns; the first one's counts and days are drawn."""
    context = office_of(request).context()
    known = list_keys(context)
    if not known:
        return render(request, "empty.html")
    names = dict(known)
    now = context.clock()
    keys = [one for one in dict.fromkeys(key or ()) if one in names]
    if key and not keys:
        raise HTTPException(404, "Không có kỳ báo cáo này.")
    keys = keys or [choose_key(context, [code for code, _ in known], now)]
    chosen = Filter(unit_type, bloc, movement, status, text)
    matrix = read_matrix(context, keys, now, chosen)
    head = matrix.columns[0]
    labels: dict[str, str] = {name: capitalise(COUNT_LABELS[name]) for name in STATUSES}
    base = request.scope.get("root_path", "")
    places = {one.key: f"{base}/board/{quote(one.report, '')}/{quote(one.period, '')}" for one in matrix.columns}
    return render(
        request,
        "board.html",
        matrix=matrix,
        groups=_group(matrix),
        head=head,
        cells=make_cells(places, labels),
        known=known,
        keys=keys,
        chosen=chosen,
        counts=[(name, capitalise(label), head.counts[name]) for name, label in COUNT_LABELS.items()],
        rates=[(RATE_LABELS[name], head.rates[name]) for name in ("completeness", "timeliness")],
        shares=draw_shares(
            "Tình trạng nộp của các đơn vị đang xem",
            [(name, label, head.counts[name]) for name, label in labels.items()],
        ),
        days=_draw_days(context, matrix) if not any((unit_type, bloc, movement, status, text)) else "",
        types=[(unit.value, UNIT_TYPE_LABELS[unit]) for unit in UnitType],
        blocs=_list_blocs(context),
        movements=[(one.code, one.name) for one in context.register.movements],
        statuses=list(labels.items()),
    )


@router.get("/board/{report}/{period}/{unit}")
def show_obligation(request: Request, report: str, period: str, unit: str, told: Text = "") -> Response:
    """One obligation: its state, whom to call, what they were sent."""
    context = office_of(request).context()
    matrix = read_matrix(context, [f"{report}:{period}"], context.clock())
    row = next((row for row in matrix.rows if row.unit == unit), None)
    if row is None:
        raise HTTPException(404, "Đơn vị này không phải nộp báo cáo kỳ này.")
    contacting = read_contacting(context, unit, report, period)
    mutes, seen = list_mutes_of(context, unit, report, period, contacting.people_of)
    return render(
        request,
        "obligation.html",
        mutes=mutes,
        unit_names={one.pause.unit: context.register.unit_versions(one.pause.unit)[-1].name for one in mutes},
        seen=seen,
        row=row,
        line=row.lines[f"{report}:{period}"],
        column=matrix.columns[0],
        contacting=contacting,
        rungs=RUNG_LABELS,
        contact_roles=CONTACT_ROLE_LABELS,
        letter_states=LETTER_STATE_LABELS,
        told=told,
    )


@router.post("/board/{report}/{period}/{unit}/remind")
def remind(request: Request, report: str, period: str, unit: str) -> Response:
    """A reminder to the unit's reporters, by whoever clicked."""
    person = request.state.person
    try:
        queued = remind_now(office_of(request).context(), unit, report, period, by=person.login, role=person.role.value)
    except NothingToRemind as error:
        raise HTTPException(409, str(error)) from None
    except UnitDoesNotOwe:
        raise HTTPException(404, "Đơn vị này không phải nộp báo cáo kỳ này.") from None
    told = "queued" if queued else "today"
    return go_to(request, f"/board/{report}/{period}/{unit}?told={told}")


def _group(matrix: Matrix) -> list[tuple[str, int, list[object]]]:
    """(name of the unit type, how many, rows), in the board's order."""
    found: dict[str, list[object]] = {}
    for row in matrix.rows:
        found.setdefault(row.unit_type, []).append(row)
    return [(UNIT_TYPE_LABELS[UnitType(kind)], len(rows), rows) for kind, rows in found.items()]


def _draw_days(context: Context, matrix: Matrix) -> object:
    head = matrix.columns[0]
    points = count_by_day(matrix)
    window = context.register.period(head.report, head.period)
    dues = sorted(
        {row.lines[head.key].due_at.astimezone(TIMEZONE).date() for row in matrix.rows if head.key in row.lines}
    )
    marks = [(window.end, "chốt số liệu"), *((day, "hạn nộp") for day in dues[-1:])]
    expected = head.counts["expected"]
    title = f"Số đơn vị đã có báo cáo được chấp nhận theo ngày, trên {format_number(expected)} đơn vị phải báo cáo"
    return draw_days(title, points, expected, marks)


def _list_blocs(context: Context) -> list[tuple[str, str]]:
    today = context.clock().astimezone(TIMEZONE).date()
    blocs = [(unit.code, unit.name) for unit in context.register.units_on(today) if unit.type is UnitType.BLOC]
    return sorted(blocs, key=lambda bloc: sort_key(bloc[1]))
