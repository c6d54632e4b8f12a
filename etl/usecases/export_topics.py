"""Topic marts as tables of the official workbook: movements, structure, awards, blocs, exemplars, fund, quality, findings.

It must not compute: rows come from `read_mart`; percents are rounded for print.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import ROUND_HALF_UP, Decimal
from decimal import Context as DecimalContext

from etl.export.model import HeaderCell, Marked, OfficialChart, OfficialColumn, OfficialRow, OfficialTable, Scalar
from etl.usecases.mart_model import MartColumn, MartTable, Value

TOPICS: Mapping[str, str] = {
    "movement_result": "Kết quả phong trào", "structure": "Cơ cấu theo loại đơn vị", "awards": "Khen thưởng theo quyết định",
    "award_check": "Đối chiếu khen thưởng", "proposed": "Trình và quyết định", "blocs": "Bình xét khối, cụm",
    "exemplars": "Điển hình tiên tiến", "fund": "Quỹ thi đua khen thưởng", "period_findings": "Điểm cần xem xét",
    "quality": "Chất lượng số liệu",
}  # fmt: skip
"""Mart → name of its sheet, in print order. Marts with a row a unit and figure are for the screen and for `export --data`."""
INSTEAD: Mapping[str, str] = {"F03": "movement_result", "F08": "proposed", "F10": "fund", "F12": "exemplars"}
"""Forms whose figures a topic shows in full: printed twice, two sheets would have to be compared."""
FINDINGS = "period_findings"
_MOST_BARS = 30
_PERCENT = Decimal("0.01")
_ROUNDING = DecimalContext(prec=100, rounding=ROUND_HALF_UP)


def topic_table(read: MartTable, note: str, estimated: Collection[str]) -> OfficialTable:
    """A mart as a sheet; figures that estimates went into are marked."""
    stubs = next((place for place, column in enumerate(read.columns) if column.is_number), len(read.columns))
    rows = []
    for row, figures in zip(read.rows, read.figures, strict=True):
        cells = []
        for column in read.columns:
            value = _print(column, row[column.code])
            cells.append(Marked(value) if value is not None and figures.get(column.code) in estimated else value)
        rows.append(OfficialRow(tuple(cells)))
    return OfficialTable(
        sheet=TOPICS.get(read.mart.code, read.mart.title),
        title=read.title.upper(),
        instrument="",
        unit_note="",
        columns=tuple(OfficialColumn(c.code, c.label, float(c.width)) for c in read.columns),
        rows=tuple(rows),
        coverage_note=note,
        notes=(read.note,) if read.note else (),
        footer=read.title,
        stubs=stubs,
        header=_header_of(read.columns),
        codes=False,
    )


def bloc_chart(read: MartTable) -> OfficialChart | None:
    """The score of the first of each bloc; None when no bloc was ranked or the mart tells no score."""
    known = {column.code for column in read.columns}
    if not {"bloc_name", "unit_name", "rank", "score"} <= known:
        return None
    first = [row for row in read.rows if row["rank"] == 1 and isinstance(row["score"], int | Decimal)]
    if not first:
        return None
    labels = tuple(f"{row['bloc_name']}: {row['unit_name']}"[:80] for row in first[:_MOST_BARS])
    values = tuple(row["score"] for row in first[:_MOST_BARS])
    return OfficialChart(
        "Đơn vị dẫn đầu của các khối, cụm thi đua", "bar", labels, (("Điểm", values),), "Khối, cụm: đơn vị xếp thứ nhất", "Điểm"
    )  # fmt: skip


def _print(column: MartColumn, value: Value) -> Scalar:
    if isinstance(value, bool):
        return "có" if value else "không"
    if isinstance(value, Decimal) and value.is_finite():
        if column.kind == "percent":
            return value.quantize(_PERCENT, context=_ROUNDING)
        # The zeros of a division say nothing. A count that is no whole number is shown as it is: it has to be seen.
        return value.to_integral_value() if value == value.to_integral_value() else value
    return value


def _header_of(columns: tuple[MartColumn, ...]) -> tuple[tuple[HeaderCell, ...], ...]:
    """Two rows where columns belong to groups; none where there are no groups."""
    if not any(column.group for column in columns):
        return ()
    upper: list[HeaderCell] = []
    lower: list[HeaderCell] = []
    for place, column in enumerate(columns):
        if not column.group:
            upper.append(HeaderCell(column.label, place, rows=2))
            continue
        lower.append(HeaderCell(column.label, place))
        if place and columns[place - 1].group == column.group:
            before = upper.pop()
            upper.append(HeaderCell(before.label, before.column, columns=before.columns + 1))
        else:
            upper.append(HeaderCell(column.group, place))
    return tuple(upper), tuple(lower)
