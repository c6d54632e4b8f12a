"""Which chart stands over which table. A table without an entry has none: its figures are for reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from markupsafe import Markup

from etl.review.charts import Bar, draw_bars
from etl.usecases.marts import MartTable

_MOST_BARS: Final = 24
_FEW: Final = 12


def draw_table(table: MartTable) -> Markup:
    """The chart of a table; empty where it has none, or nothing to draw."""
    draw = _CHARTS.get(table.mart.code)
    return draw(table) if draw is not None and table.rows else Markup("")


def _number(value: object) -> Decimal | None:
    return Decimal(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else None


def _draw_movements(table: MartTable) -> Markup:
    bars = [
        # Many movements ask for the same things ("Số đơn vị tham gia"): whose it is stands over them.
        Bar(str(row["indicator_name"]), [_number(row["rate"])], note=" %", group=str(row["movement_name"]))
        for row in table.rows
        if _number(row.get("rate")) is not None
    ]
    return draw_bars("Tỷ lệ thực hiện so với kế hoạch cả năm, theo chỉ tiêu", bars[:_MOST_BARS], decimals=1)


def _draw_statutory(table: MartTable) -> Markup:
    """The parts of the first row's total: by column."""
    total = table.rows[0]
    bars = [
        Bar(column.label, [_number(total[column.code])])
        for column in table.columns[1:]
        if column.is_number and _number(total[column.code]) is not None
    ]
    return draw_bars(f"{total['label']}: theo hình thức", bars[1:_FEW] if len(bars) > 1 else bars, decimals=0)


def _draw_structure(table: MartTable) -> Markup:
    rows = [row for row in table.rows if _number(row.get("ty_le_truc_tiep")) is not None]
    bars = [
        Bar(str(row["scope"]), [_number(row["ty_le_lanh_dao"]), _number(row["ty_le_truc_tiep"])], note=" %")
        for row in rows
    ]
    return draw_bars(
        "Tỷ lệ trong số cá nhân được tặng bằng khen", bars, ("Lãnh đạo, quản lý", "Người lao động trực tiếp"), 1
    )


def _draw_blocs(table: MartTable) -> Markup:
    first = table.rows[0]["bloc_name"]
    rows = [row for row in table.rows if row["bloc_name"] == first and _number(row.get("score")) is not None]
    bars = [Bar(str(row["unit_name"]), [_number(row["score"])]) for row in rows]
    return draw_bars(f"Điểm bình xét, {first}", bars, decimals=1)


def _draw_quality(table: MartTable) -> Markup:
    scored = [row for row in table.rows if _number(row.get("score")) is not None]
    lowest = sorted(scored, key=lambda row: _number(row["score"]) or Decimal(0))[:_FEW]
    bars = [Bar(str(row["unit_name"]), [_number(row["score"])]) for row in lowest]
    return draw_bars("Các đơn vị có điểm chất lượng thấp nhất", bars, decimals=1)


_CHARTS: Final[Mapping[str, Callable[[MartTable], Markup]]] = {
    "movement_result": _draw_movements,
    "0601": _draw_statutory,
    "0602": _draw_statutory,
    "0603": _draw_statutory,
    "structure": _draw_structure,
    "blocs": _draw_blocs,
    "quality": _draw_quality,
}
