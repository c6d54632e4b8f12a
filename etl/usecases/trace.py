"""`trace`: from a consolidated figure to the cells of the workbooks it came from, and what was left out and why.

Reads one state of the warehouse, as of an instant where one is given. Knows every figure of mart.consolidated, whatever mart it
is of. Must not show what is restricted: only what mart.contribution shows, and why a cell of the same form gave no number.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Container, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from etl.forms.declaration import Form, Kind
from etl.register.entities import UnitType
from etl.usecases.consolidate import open_snapshot
from etl.usecases.context import Context

_NEAREST = 3
_EXAMPLE = "movements-half:2026-S1/F05/01/F05.01.1"

STATUS_REASONS: Final[Mapping[str, str]] = {
    "missing": "Chưa nộp báo cáo",
    "rejected": "Chưa có lần nộp nào đạt",
    "pending": "Chưa nộp, chưa đến hạn",
    "exempt": "Được miễn báo cáo",
}
CELL_REASONS: Final[Mapping[str, str]] = {
    "blank": "Ô để trống",
    "not_applicable": "Ghi x: không phát sinh theo quy định của biểu",
    "not_reported": "Ghi không có số liệu",
    "bad": "Nội dung ô không đọc được thành số",
    "absent": "Tệp không có ô này",
    "no_row": "Biểu không có dòng này",
    "no_form": "Tệp không có biểu này",
}
FILE_REASONS: Final[Mapping[str, str]] = {
    "superseded": "Đã được thay bằng lần nộp sau",
    "returned": "Đã trả lại để sửa",
    "rejected": "Chưa đạt khi kiểm tra",
    "held": "Chờ mở lại kỳ",
    "displaced": "Lần nộp sau đã bị trả lại, đơn vị phải nộp bản đã sửa",
}


class UnknownFigure(LookupError):
    """No consolidated figure has that id."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One cell of one unit's file. `counted` False: shown, but not in the figure, and `left_out` says why (a bloc, whose members
    reported it; a rate's part without its whole; an award that another unit tells too). `attempt`: which of the unit's
    submissions of the period, from 1. `estimated`: the unit wrote that its figures are estimates."""

    unit: str
    unit_name: str
    sheet: str | None
    cell: str | None
    raw: str | None
    number: Decimal
    received_at: datetime
    file: str
    sha256: str
    counted: bool
    left_out: str | None = None
    attempt: int = 1
    estimated: bool = False
    submission_id: int = 0
    form: str = ""
    form_row: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A unit that owes the form and is not in the figure.

    `reason`: a state of the board, a missing reason of its cell (`blank`, `not_applicable`, `not_reported`, `bad`, `absent`),
    or `no_row`, `no_form`, `not_counted`; `text` says it in Vietnamese. `sheet`, `cell`, `raw`: what stands there, where known.
    """

    unit: str
    unit_name: str
    reason: str
    text: str = ""
    sheet: str | None = None
    cell: str | None = None
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class OtherFile:
    """A submission of the period that does not count: `reason` superseded, returned, rejected, held or displaced."""

    unit: str
    unit_name: str
    attempt: int
    submission_id: int
    received_at: datetime
    file: str
    sha256: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Trace:
    """A figure with everything behind it. A rate traces to its part and its whole (`contributions`, in that order); what units
    wrote of a thing that is never added up is `shown`."""

    figure: str
    value: Decimal | None
    contributions: dict[str, list[Contribution]]
    left_out: list[LeftOut]
    label: str = ""
    unit_of_measure: str = ""
    aggregation: str = ""
    units: int = 0
    estimated_units: int = 0
    shown: tuple[Contribution, ...] = ()
    other_files: tuple[OtherFile, ...] = ()


def trace_figure(
    context: Context, figure: str, as_of: datetime | None = None, *, connection: sa.Connection | None = None
) -> Trace:
    """Follow `report:period/mart/row/measure`; as of an aware instant when given.

    `connection`: read there, at its own instant, which `as_of` then only names. Raises UnknownFigure with the nearest ids.
    """
    with nullcontext(connection) if connection is not None else open_snapshot(context, as_of) as reading:
        names = _cut(figure)
        figures, sources = _find_views(reading, names["mart"], context.forms)
        row = reading.execute(sa.text(_ONE.format(view=figures)), names).first()
        if row is None:
            raise UnknownFigure(_name_nearest(reading, figure, names))
        found = reading.execute(sa.text(_ONE.format(view=sources)), names).all()
        cells = sorted(found, key=lambda cell: (cell.unit, *_place_of(cell)))
        files = {file.id: file for file in reading.execute(sa.text(_FILES), names)}
        form = context.forms.get(row.mart)
        measures = _list_measures(reading, row)
        contributions: dict[str, list[Contribution]] = {measure: [] for measure in measures.values()}
        shown: list[Contribution] = []
        for cell in cells:
            listed = shown if cell.role == "shown" else contributions[measures[cell.role]]
            listed.append(_show(cell, files[cell.submission_id]))
        names["at"] = as_of or context.clock()
        left_out = _find_left_out(reading, row, cells, form, list(measures.values()), names)
        concerned = {cell.unit for cell in cells} | {left.unit for left in left_out}
        others = [_show_other(file) for file in files.values() if not file.stands and file.unit in concerned]
    return Trace(
        figure, row.value, contributions, left_out, row.label or "", row.unit_of_measure or "", row.aggregation,
        row.units, row.estimated_units or 0, tuple(shown), tuple(others),
    )  # fmt: skip


# The parts say nothing more than the id, but let the server read one mart of one period.
_ONE: Final = """
SELECT * FROM {view}
WHERE report = :report AND period = :period AND mart = :mart AND row_key = :row AND measure = :measure
"""
# One cell that gave no number, of those the figure is made from.
_OWING: Final = """
SELECT b.unit, b.unit_name, b.unit_type, b.status, b.exempt_reason, o.forms, c.missing, c.raw, c.sheet, c.cell,
       EXISTS (SELECT 1 FROM core.observation v WHERE v.submission_id = s.submission_id AND v.form = ANY(:forms)
               AND CASE WHEN v.generation = s.generation THEN true ELSE false END) AS has_form
FROM core.board(:report, :period, :at) b
JOIN core.known_obligation o ON o.report = b.report AND o.period = b.period AND o.unit = b.unit
LEFT JOIN (SELECT * FROM core.standing WHERE report = :report AND period = :period) s ON s.unit = b.unit
LEFT JOIN LATERAL (
    SELECT coalesce(v.missing, 'blank') AS missing, v.raw, v.sheet, v.cell FROM core.observation v
    WHERE v.submission_id = s.submission_id AND v.generation = s.generation AND v.form = :mart AND v.number IS NULL
      AND NOT v.restricted AND v.measure = ANY(:measures) AND (:any_row OR v.row_key = :row) ORDER BY v.ordinal LIMIT 1) c ON true
ORDER BY b.unit
"""
# Apart from the cells: joined to a mart's own query, it makes the planner lose its way.
_FILES: Final = """
WITH sent AS (
    SELECT s.*, row_number() OVER (PARTITION BY s.unit ORDER BY s.received_at, s.id) AS number
    FROM core.submission s WHERE s.report = :report AND s.period = :period
      AND s.recorded_at <= core.as_of() AND s.received_at <= core.as_of()
), standing AS MATERIALIZED (
    SELECT unit, submission_id, received_at FROM core.standing WHERE report = :report AND period = :period
)
SELECT s.id, s.unit, coalesce(o.unit_name, s.unit) AS unit_name, s.number, s.received_at, s.sha256, a.file_name,
       d.decision, d.decided_by, n.submission_id = s.id AS stands, n.received_at >= s.received_at AS is_replaced
FROM sent s JOIN landing.arrival a ON a.id = s.arrival_id
LEFT JOIN standing n ON n.unit = s.unit
LEFT JOIN core.known_obligation o ON o.report = s.report AND o.period = s.period AND o.unit = s.unit
LEFT JOIN LATERAL (SELECT e.decision, e.decided_by FROM core.decision e WHERE e.submission_id = s.id
                   AND e.recorded_at <= core.as_of() ORDER BY e.id DESC LIMIT 1) d ON true
ORDER BY s.unit, s.number
"""


def _find_views(connection: sa.Connection, mart: str, forms: Container[str]) -> tuple[str, str]:
    """The views of one mart's figures and of its cells: by their names, mart.consolidated and mart.contribution are made of them.
    To plan all of those takes longer than to read one.
    """
    if mart in forms:
        return "mart.form_figure", "mart.form_source"
    # Names as the server writes them, quoted where they need it: none of them comes from the address.
    found = connection.execute(
        sa.text(
            "SELECT to_regclass('mart.' || quote_ident(:mart || '_figure'))::text, "
            "to_regclass('mart.' || quote_ident(:mart || '_source'))::text"
        ),
        {"mart": mart},
    ).one()
    return (found[0], found[1]) if all(found) else ("mart.consolidated", "mart.contribution")


def _cut(figure: str) -> dict[str, Any]:
    report, _, rest = figure.partition(":")
    period, _, rest = rest.partition("/")
    mart, _, rest = rest.partition("/")
    row, _, measure = rest.partition("/")
    return {"report": report, "period": period, "mart": mart, "row": row, "measure": measure}


def _place_of(cell: Any) -> tuple[str, str, int, str]:
    """Form, sheet and cell in the order of a column: A9 before A10."""
    return cell.form, cell.sheet or "", len(cell.cell or ""), cell.cell or ""


def _show(cell: Any, file: Any) -> Contribution:
    return Contribution(
        cell.unit, cell.unit_name, cell.sheet, cell.cell, cell.raw, cell.number, cell.received_at, file.file_name,
        cell.sha256, cell.counted, cell.left_out, file.number, bool(cell.estimated), cell.submission_id, cell.form,
        cell.form_row, cell.column_code,
    )  # fmt: skip


def _list_measures(connection: sa.Connection, figure: Any) -> dict[str, str]:
    """Role → what its cells are called: the figure's own measure, or those of a rate's part and whole."""
    if figure.aggregation != "rate":
        return {"term": figure.measure}
    declared = connection.execute(
        sa.text(
            "SELECT rate_of_part, rate_of_whole FROM core.known_form_field WHERE form = :form AND measure = :measure "
            "AND aggregation = 'rate' ORDER BY form_version DESC LIMIT 1"
        ),
        {"form": figure.mart, "measure": figure.measure},
    ).first()
    part, whole = declared or (f"{figure.measure} (tử số)", f"{figure.measure} (mẫu số)")
    return {"part": part, "whole": whole}


def _find_left_out(
    connection: sa.Connection, figure: Any, cells: Sequence[Any], form: Form | None, measures: list[str],
    names: Mapping[str, Any],
) -> list[LeftOut]:  # fmt: skip
    forms = sorted({cell.form for cell in cells}) if form is None else [form.code]
    # Part and whole of a rate stand on rows of their own in a fixed layout, on the same row in a list.
    fixed_rate = figure.aggregation == "rate" and form is not None and form.versions[-1].kind is not Kind.LIST
    asked = {**names, "forms": forms, "measures": measures, "any_row": fixed_rate}
    counted = {cell.unit for cell in cells if cell.counted}
    # A bloc is not missing: its members' values are there.
    blocs = {cell.unit for cell in cells if cell.unit_type == UnitType.BLOC}
    why = {cell.unit: cell.left_out for cell in cells if not cell.counted and cell.left_out and cell.role != "shown"}
    found = []
    for row in connection.execute(sa.text(_OWING), asked):
        owed = set(json.loads(row.forms)) & set(forms)
        if row.unit in counted or row.unit in blocs or not (owed or row.unit in why):
            continue
        reason, text = _explain(row, form, why.get(row.unit))
        place = (row.sheet, row.cell, row.raw) if reason in CELL_REASONS else (None, None, None)
        found.append(LeftOut(row.unit, row.unit_name, reason, text, *place))
    return found


def _explain(row: Any, form: Form | None, why: str | None) -> tuple[str, str]:
    """Code and Vietnamese text of why a unit is not in a figure."""
    if row.status in STATUS_REASONS and row.status != "exempt":
        return row.status, STATUS_REASONS[row.status]
    if row.status == "exempt" and not row.has_form:
        reason = f": {row.exempt_reason}" if row.exempt_reason else ""
        return "exempt", f"{STATUS_REASONS['exempt']}{reason}"
    if row.missing is not None:
        # Of a rate, the cell that is empty is the cause; that the other one is not counted follows from it.
        return row.missing, CELL_REASONS.get(row.missing, CELL_REASONS["blank"])
    if why is not None:
        return "not_counted", why
    if not row.has_form:
        return "no_form", CELL_REASONS["no_form"]
    return "no_row", CELL_REASONS["no_row"] if form is not None else "Không có dòng nào thuộc số này"


def _show_other(file: Any) -> OtherFile:
    if file.decision == "hold":
        reason = "held"
    elif file.decision == "accept":
        reason = "superseded" if file.is_replaced else "displaced"
    else:
        reason = "rejected" if file.decided_by in (None, "system") else "returned"
    return OtherFile(
        file.unit, file.unit_name, file.number, file.id, file.received_at, file.file_name, file.sha256, reason,
        FILE_REASONS[reason],
    )  # fmt: skip


def _name_nearest(connection: sa.Connection, figure: str, names: Mapping[str, Any]) -> str:
    known = list(
        connection.execute(
            sa.text("SELECT figure FROM mart.consolidated WHERE report = :report AND period = :period"), names
        ).scalars()
    )
    # Of the mart that was asked for first: that one word is rarely the mistake.
    same = [one for one in known if one.split("/")[1] == names["mart"]]
    nearest = difflib.get_close_matches(figure, same or known, n=_NEAREST, cutoff=0.5) or (same or known)[:_NEAREST]
    if nearest:
        return f"no figure {figure!r}; nearest: {', '.join(nearest)}"
    periods = connection.execute(sa.text("SELECT DISTINCT report || ':' || period FROM core.known_period")).scalars()
    close = difflib.get_close_matches(f"{names['report']}:{names['period']}", list(periods), n=_NEAREST, cutoff=0.5)
    told = f"; {close[0]} is the nearest period" if close and close[0] != f"{names['report']}:{names['period']}" else ""
    return f"no figure {figure!r}{told}; an id is report:period/mart/row/measure, such as {_EXAMPLE}"
