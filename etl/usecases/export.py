"""`export`: the official workbook of a period, filled from the marts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from decimal import Context as DecimalContext
from pathlib import Path

import sqlalchemy as sa

from etl.export import model
from etl.export.official import write_official_workbook
from etl.export.tables import fields_table, list_table, matrix_table
from etl.forms.declaration import LIST_KEY_SEPARATOR, Form, FormVersion, Kind
from etl.register.entities import EVERY, UNIT_TYPE_LABELS, UnitType
from etl.usecases.board import Board, BoardLine, open_if_begun, read_board
from etl.usecases.consolidate import (
    Coverage,
    Figure,
    open_snapshot,
    read_coverage,
    read_figures,
    read_period_findings,
)
from etl.usecases.context import Context

_RATE_PLACE = Decimal("0.01")
# Half up, as Vietnamese numbers are printed elsewhere; digits enough for any sum a sender can cause.
_ROUNDING = DecimalContext(prec=100, rounding=ROUND_HALF_UP)


def export_workbook(context: Context, report: str, period: str, out: Path, now: datetime) -> Path:
    """Write the official workbook to `out` (made anew in one move) and give its path. Raises UnknownPeriod.

    Board, figures and their sources are of one state of the warehouse and count what was known by `now`, which is what
    the cover says. Remarks are those of the last consolidation; names and labels are the register's of today.
    """
    open_if_begun(context, report, period)
    with open_snapshot(context, now) as connection:
        content = _make_workbook(context, connection, report, period, now)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    part.write_bytes(content)
    part.replace(out)
    return out


def _make_workbook(context: Context, connection: sa.Connection, report: str, period: str, now: datetime) -> bytes:
    board = read_board(context, report, period, now, connection=connection)
    window = context.register.period(report, period)
    declared = context.register.report(report)
    coverage = {item.form: item for item in read_coverage(context, report, period, connection)}
    tables = []
    for code, figures in read_figures(context, report, period, connection).items():
        form = context.forms[code]
        note = _coverage_note(coverage.get(code))
        tables.append(_make_table(context, form, form.version_on(window.end), figures, note))
    counts = board.counts
    cover = model.Cover(
        council=context.register.province.council,
        standing_office=context.register.province.standing_office,
        title=declared.name.upper(),
        report=declared.code,
        report_name=declared.name,
        period=window,
        as_of=now,
        state="Đang mở, chưa phê duyệt",
        counts=model.BoardCounts(**counts),
        completeness=board.rates["completeness"],
        timeliness=board.rates["timeliness"],
        coverage=_coverage_by_type(board),
        remarks=tuple(
            found.message
            for found in read_period_findings(context, report, period, connection)
            if found.severity != "info"
        ),
    )
    return write_official_workbook(
        tables, cover, [_board_line(line) for line in board.units], _source_lines(connection, report, period)
    )


def _coverage_note(covered: Coverage | None) -> str:
    if covered is None:
        return ""
    note = f"Tổng hợp từ {covered.accepted}/{covered.expected} đơn vị phải báo cáo biểu này"
    return f"{note} và {covered.beyond} đơn vị được miễn nhưng vẫn gửi" if covered.beyond else note


def _make_table(
    context: Context, form: Form, version: FormVersion, figures: list[Figure], note: str
) -> model.OfficialTable:
    if version.kind is Kind.MATRIX:
        return matrix_table(form.code, version, {(f.row, f.column): _rounded(f, version) for f in figures}, note)
    if version.kind is Kind.FIELDS:
        return fields_table(form.code, version, {f.row: _rounded(f, version) for f in figures}, note)
    rows: dict[str, dict[str, model.Scalar]] = {}
    for figure in figures:
        rows.setdefault(figure.row, _stub_of(context, version, figure.row))[figure.column] = _rounded(figure, version)
    remarks = [
        column.code for column in version.columns if column.aggregation == "none" and not (column.prefill or column.key)
    ]
    return list_table(form.code, version, rows.values(), note, leave_out=remarks)


def _stub_of(context: Context, version: FormVersion, row_key: str) -> dict[str, model.Scalar]:
    """The words of a list row: its keys, and the codes and names of what they refer to."""
    codes = row_key.split(LIST_KEY_SEPARATOR)
    keys = {column.code: code for column, code in zip(version.key_columns, codes, strict=False)}
    references = {column.reference: keys.get(column.code) for column in version.key_columns}
    register = context.register
    movement = next((m for m in register.movements if m.code == references.get("movement")), None)
    indicator = next(
        (
            i
            for i in register.indicators
            if i.code == references.get("indicator") and i.movement in (EVERY, references.get("movement"))
        ),
        None,
    )
    unit = next(reversed(register.unit_versions(references.get("unit") or "")), None)
    words: dict[str, model.Scalar] = {
        "movement": references.get("movement"),
        "movement_name": movement.name if movement else None,
        "indicator": references.get("indicator"),
        "indicator_name": indicator.name if indicator else None,
        "indicator_unit": indicator.unit_of_measure if indicator else None,
        "member": references.get("unit"),
        "member_name": unit.name if unit else None,
    }
    return keys | {column.code: words.get(column.prefill or "") for column in version.columns if column.prefill}


def _rounded(figure: Figure, version: FormVersion) -> Decimal | None:
    """Sums as they are; a recomputed rate at two decimals."""
    if figure.value is None:
        return None
    declared = {f.code: f.aggregation for f in version.fields} or {c.code: c.aggregation for c in version.columns}
    place = figure.row if version.fields else figure.column
    if declared.get(place) == "rate":
        return figure.value.quantize(_RATE_PLACE, context=_ROUNDING)
    return figure.value


def _coverage_by_type(board: Board) -> tuple[model.Coverage, ...]:
    found = []
    for unit_type in UnitType:
        lines = [line for line in board.units if line.unit_type == unit_type.value and line.status != "exempt"]
        if lines:
            accepted = sum(line.status in {"on_time", "late"} for line in lines)
            found.append(model.Coverage(UNIT_TYPE_LABELS[unit_type], accepted, len(lines)))
    return tuple(found)


def _board_line(line: BoardLine) -> model.BoardLine:
    return model.BoardLine(
        line.unit, line.unit_name, UNIT_TYPE_LABELS[UnitType(line.unit_type)], line.status, line.due_at,
        line.accepted_at, line.days_late, line.attempts, line.exempt_reason or "",
    )  # fmt: skip


def _source_lines(connection: sa.Connection, report: str, period: str) -> Iterator[model.SourceLine]:
    statement = sa.text(
        "SELECT f.*, a.file_name FROM mart.figure_source f JOIN core.submission s ON s.id = f.submission_id "
        "JOIN landing.arrival a ON a.id = s.arrival_id WHERE f.report = :report AND f.period = :period AND f.counted "
        "ORDER BY f.form, f.row_key, f.column_code, f.unit"
    )
    rows = connection.execute(
        statement, {"report": report, "period": period}, execution_options={"stream_results": True}
    )
    for row in rows:
        yield model.SourceLine(
            row.figure, row.unit, row.unit_name, row.sheet or "", row.cell or "", row.raw or "", row.number,
            row.file_name,
        )  # fmt: skip
