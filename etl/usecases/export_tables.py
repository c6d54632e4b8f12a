"""Tables of the official workbook that come from the forms, the coverage and the board: rows of the marts put into layouts.

It computes no figure; rounding of a recomputed rate for print is all the arithmetic there is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from decimal import Context as DecimalContext

import sqlalchemy as sa

from etl.export import model
from etl.export.statutory import is_statutory, statutory_tables
from etl.export.tables import fields_table, list_table, matrix_table
from etl.forms.declaration import LIST_KEY_SEPARATOR, Form, FormVersion, Kind
from etl.register.entities import EVERY, UNIT_TYPE_LABELS, UnitType
from etl.text import capitalise, percent_of, sort_key
from etl.usecases.board import Board, BoardLine
from etl.usecases.consolidate import Figure
from etl.usecases.context import Context

RECEIVER = "Bộ Nội vụ"
"""Whom the province sends the statutory tables to (NĐ 09/2019 Điều 13; TT 2/2023/TT-BNV)."""
_RATE_PLACE = Decimal("0.01")
# Half up, as Vietnamese numbers are printed elsewhere; digits enough for any sum a sender can cause.
_ROUNDING = DecimalContext(prec=100, rounding=ROUND_HALF_UP)
_TYPE_ORDER = {unit_type.value: place for place, unit_type in enumerate(UnitType)}
COVERAGE_SHEET = "Độ phủ số liệu"


@dataclass(slots=True)
class TypeCoverage:
    """One form among units of one type: how many are in its figures, of how many that owe it, and who is not."""

    unit_type: str
    accepted: int
    expected: int
    beyond: int
    estimated: int
    missing: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """ "52/56 xã"."""
        return f"{self.accepted}/{self.expected} {type_label(self.unit_type)}"


def type_label(unit_type: str) -> str:
    """The Vietnamese name of a type of unit; the code where it has none."""
    known = {each.value: label for each, label in UNIT_TYPE_LABELS.items()}
    return known.get(unit_type, unit_type)


def read_form_coverage(connection: sa.Connection, report: str, period: str) -> dict[str, list[TypeCoverage]]:
    """Coverage by form and type of unit, with the names of the units that owe the form and are not in it."""
    names = {"report": report, "period": period}
    found: dict[str, dict[str, TypeCoverage]] = defaultdict(dict)
    for row in connection.execute(
        sa.text("SELECT * FROM mart.coverage_by_type WHERE report = :report AND period = :period"), names
    ):
        found[row.form][row.unit_type] = TypeCoverage(
            row.unit_type, row.units_accepted, row.units_expected, row.units_beyond, row.units_estimated
        )
    missing = connection.execute(
        sa.text(
            "SELECT f.form, o.unit_type, o.unit_name FROM core.known_obligation o "
            "JOIN core.known_report_form f ON f.report = o.report AND f.unit_type = o.unit_type AND f.status <> 'not_owed' "
            "LEFT JOIN mart.accepted a ON a.report = o.report AND a.period = o.period AND a.unit = o.unit "
            "WHERE o.report = :report AND o.period = :period AND o.exempt_reason IS NULL "
            "AND (o.lapsed_reason IS NULL OR a.unit IS NOT NULL) "
            "AND NOT EXISTS (SELECT 1 FROM core.observation v WHERE v.submission_id = a.submission_id "
            "AND v.generation = a.generation AND v.form = f.form)"
        ),
        names,
    )
    for row in missing:
        if row.unit_type in found[row.form]:
            found[row.form][row.unit_type].missing.append(row.unit_name)
    for types in found.values():
        for covered in types.values():
            covered.missing.sort(key=sort_key)
    return {
        form: sorted(types.values(), key=lambda covered: _TYPE_ORDER.get(covered.unit_type, 99))
        for form, types in sorted(found.items())
    }


def coverage_note(covered: list[TypeCoverage]) -> str:
    """Beside a total: of how many units it is, and how many of them estimated."""
    if not covered:
        return ""
    accepted, expected = sum(each.accepted for each in covered), sum(each.expected for each in covered)
    note = f"Tổng hợp từ {accepted}/{expected} đơn vị phải báo cáo biểu này"
    if beyond := sum(each.beyond for each in covered):
        note += f" và {beyond} đơn vị được miễn nhưng vẫn gửi"
    if estimated := sum(each.estimated for each in covered):
        note += f", trong đó {estimated} đơn vị báo số ước"
    return note


def coverage_by_type_note(covered: list[TypeCoverage]) -> tuple[str, ...]:
    """ "Đơn vị có số liệu: 52/56 xã; 3/3 phường; …"."""
    owing = [each.text for each in covered if each.expected]
    return (f"Đơn vị đã có số liệu: {'; '.join(owing)}.",) if owing else ()


def coverage_table(
    context: Context, coverage: dict[str, list[TypeCoverage]], estimated: list[str]
) -> model.OfficialTable:
    """The sheet of who is in the figures and who is not, form by form."""
    rows = []
    for forms, covered in _group_equal(coverage):
        accepted, expected = sum(each.accepted for each in covered), sum(each.expected for each in covered)
        names = [f"{form} – {context.forms[form].name}" if form in context.forms else form for form in forms]
        estimates = sum(each.estimated for each in covered)
        cells = ("; ".join(names), f"{accepted}/{expected}", _percent(accepted, expected), estimates, None)
        rows.append(model.OfficialRow(cells, bold=True))
        rows += [
            model.OfficialRow(
                (capitalise(type_label(each.unit_type)), f"{each.accepted}/{each.expected}",
                 _percent(each.accepted, each.expected), each.estimated, _missing_text(each)),
                level=1,
            )
            for each in covered
            if each.expected or each.beyond
        ]  # fmt: skip
    notes: tuple[str, ...] = ("Đơn vị được miễn không tính vào số phải báo cáo.",)
    if estimated:
        notes += (f"Đơn vị ghi là số ước thực hiện: {'; '.join(estimated)}.",)
    return model.OfficialTable(
        sheet=COVERAGE_SHEET,
        title="ĐỘ PHỦ SỐ LIỆU THEO BIỂU VÀ LOẠI ĐƠN VỊ",
        instrument="",
        unit_note="đơn vị báo cáo",
        columns=(
            model.OfficialColumn("A", "Biểu, loại đơn vị", 46),
            model.OfficialColumn("1", "Đã có số liệu / phải báo cáo", 16, centered=True),
            model.OfficialColumn("2", "Tỷ lệ (%)", 10),
            model.OfficialColumn("3", "Trong đó: báo số ước", 11),
            model.OfficialColumn("4", "Đơn vị chưa có số liệu", 82),
        ),
        rows=tuple(rows),
        notes=notes,
        stubs=2,
        codes=False,
    )


def read_estimated_units(connection: sa.Connection, report: str, period: str) -> list[str]:
    """Names of the accepted units whose report says that its figures are estimates."""
    rows = connection.execute(
        sa.text("SELECT unit_name FROM mart.accepted WHERE report = :report AND period = :period AND estimated"),
        {"report": report, "period": period},
    ).scalars()
    return sorted(rows, key=sort_key)


def read_estimated_figures(connection: sa.Connection, report: str, period: str) -> set[str]:
    """Ids of the figures, of forms and topics, that some estimate went into."""
    return set(
        connection.execute(
            sa.text("SELECT figure FROM mart.consolidated WHERE report = :report AND period = :period AND estimated_units > 0"),
            {"report": report, "period": period},
        ).scalars()
    )  # fmt: skip


def of_layout(form: str, version: FormVersion, figures: Iterable[Figure]) -> list[Figure]:
    """The figures that are cells of this layout. Of a file of another layout, which a reviewer let through, other things stand
    under the same codes."""
    if version.kind is Kind.LIST:
        return list(figures)
    measures = {
        (key.row, key.column): version.measure_of(form, key.row, key.column) for key, _ in version.walk_cells(form)
    }
    return [one for one in figures if measures.get((one.row, one.column)) == one.measure]


def form_tables(
    context: Context,
    form: Form,
    version: FormVersion,
    figures: list[Figure],
    covered: list[TypeCoverage],
    estimated: Collection[str],
) -> list[model.OfficialTable]:
    """The consolidated table of a form; the statutory ones in their official layout (one form may make two)."""
    note = coverage_note(covered)
    figures = of_layout(form.code, version, figures)
    if is_statutory(version):
        return statutory_tables(
            form.code, version, {(f.row, f.column): _printed(f, version, estimated) for f in figures},
            reporter=context.register.province.standing_office.partition(" – ")[0], receiver=RECEIVER, coverage_note=note,
            place=context.register.province.name.removeprefix("tỉnh ").removeprefix("thành phố "),
        )  # fmt: skip
    if version.kind is Kind.MATRIX:
        matrix = {(f.row, f.column): _printed(f, version, estimated) for f in figures}
        return [matrix_table(form.code, version, matrix, note)]
    if version.kind is Kind.FIELDS:
        return [fields_table(form.code, version, {f.row: _printed(f, version, estimated) for f in figures}, note)]
    rows: dict[str, dict[str, model.Printed]] = {}
    for figure in figures:
        row = rows.setdefault(figure.row, dict(_stub_of(context, version, figure.row)))
        row[figure.column] = _printed(figure, version, estimated)
    remarks = [
        column.code for column in version.columns if column.aggregation == "none" and not (column.prefill or column.key)
    ]
    return [list_table(form.code, version, rows.values(), note, leave_out=remarks)]


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


def _printed(figure: Figure, version: FormVersion, estimated: Collection[str]) -> model.Printed:
    value = round_figure(figure, version)
    return model.Marked(value) if figure.id in estimated and value is not None else value


def round_figure(figure: Figure, version: FormVersion) -> Decimal | None:
    """Sums as they are; a recomputed rate at two decimals."""
    if figure.value is None:
        return None
    declared = {f.code: f.aggregation for f in version.fields} or {c.code: c.aggregation for c in version.columns}
    place = figure.row if version.fields else figure.column
    if declared.get(place) == "rate":
        return figure.value.quantize(_RATE_PLACE, context=_ROUNDING)
    return figure.value


def board_coverage(board: Board) -> tuple[model.Coverage, ...]:
    """Of each type of unit, how many have an accepted report."""
    found = []
    for unit_type in UnitType:
        lines = [line for line in board.units if line.unit_type == unit_type.value and line.status != "exempt"]
        if lines:
            accepted = sum(line.status in {"on_time", "late"} for line in lines)
            found.append(model.Coverage(UNIT_TYPE_LABELS[unit_type], accepted, len(lines)))
    return tuple(found)


def board_line(line: BoardLine) -> model.BoardLine:
    """A line of the board as it is printed."""
    return model.BoardLine(
        line.unit, line.unit_name, UNIT_TYPE_LABELS[UnitType(line.unit_type)], line.status, line.due_at,
        line.accepted_at, line.days_late, line.attempts, line.exempt_reason or "",
    )  # fmt: skip


def source_lines(connection: sa.Connection, report: str, period: str) -> Iterator[model.SourceLine]:
    """Every counted cell behind the forms' figures, streamed. Rates and topic tables are made of the same cells."""
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
            row.file_name, row.received_at, row.sha256,
        )  # fmt: skip


def _group_equal(coverage: dict[str, list[TypeCoverage]]) -> list[tuple[list[str], list[TypeCoverage]]]:
    """Forms that the same units gave, together: a dozen equal pages hide the one that differs."""
    groups: list[tuple[list[str], list[TypeCoverage]]] = []
    for form, covered in coverage.items():
        for forms, known in groups:
            if known == covered:
                forms.append(form)
                break
        else:
            groups.append(([form], covered))
    return groups


def _missing_text(covered: TypeCoverage) -> str | None:
    if not covered.missing:
        return None
    if not covered.accepted and len(covered.missing) > 1:
        return f"Tất cả {len(covered.missing)} đơn vị"
    return f"{len(covered.missing)} đơn vị: {'; '.join(covered.missing)}"


def _percent(part: int, whole: int) -> float | str:
    return float(percent_of(part / whole)) if whole else "–"
