"""Charts of the official workbook: native ones of Excel, each beside the small table it is drawn from.

It must not choose what is shown: titles, categories and values are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from etl.export.canvas import A4, FONT, Canvas, Look
from etl.export.model import Cover, OfficialChart

CHARTS_SHEET: Final = "Biểu đồ"
WIDTHS: Final = (42.0, 12.0, 12.0, 12.0, 12.0, 2.0, 13.0, 13.0, 13.0, 13.0, 13.0)
_AT: Final = 6
_COLOURS: Final = ("#1F4E79", "#C55A11", "#7F7F7F", "#548235", "#BF9000")
_KINDS: Final[dict[str, dict[str, str]]] = {
    "column": {"type": "column"},
    "bar": {"type": "bar"},
    "stacked": {"type": "bar", "subtype": "stacked"},
    "line": {"type": "line"},
    "doughnut": {"type": "doughnut"},
}
_PIXELS_A_CHARACTER: Final = 7.0
_SCALE: Final = 60
_ROOM: Final = 24
"""Rows a chart takes at least, at 20 pixels each."""


def write_charts(canvas: Canvas, cover: Cover, charts: tuple[OfficialChart, ...]) -> None:
    """All charts below one another, a page each; the numbers stand left of the picture."""
    canvas.write_line("BIỂU ĐỒ", "title", line_height=20.0)
    canvas.write_line(f"Kỳ báo cáo: {cover.window}. {cover.as_of_line}", "center")
    canvas.skip()
    breaks = []
    for place, chart in enumerate(charts):
        if place:
            breaks.append(canvas.row)
        _write_chart(canvas, chart)
    if breaks:
        canvas.sheet.set_h_pagebreaks(breaks)
    canvas.finish(f"{CHARTS_SHEET} – {cover.stamp}")
    # Excel forgets manual page breaks on a sheet that is fitted to a page: a fixed scale, at which the width fits A4.
    canvas.sheet.set_paper(A4)
    canvas.sheet.set_print_scale(_SCALE)


def _write_chart(canvas: Canvas, chart: OfficialChart) -> None:
    top = canvas.row
    canvas.write_segments([(0, _AT - 2, chart.title, "caption", True)])
    header: tuple[str, ...] = (chart.category_label, *(name for name, _ in chart.series))
    _write_left(canvas, header, _all("header", header))
    first = canvas.row
    for place, category in enumerate(chart.categories):
        row = [values[place] for _, values in chart.series]
        _write_left(canvas, (category, *row), ["stub", *_all("figure", row)])
    last = canvas.row - 1
    if chart.note:
        canvas.write_segments([(0, _AT - 2, chart.note, "note", False)])
    drawn = canvas.book.add_chart(dict(_KINDS[chart.kind]))
    name = canvas.sheet.get_name()
    for place, (label, values) in enumerate(chart.series, start=1):
        colour = _COLOURS[(place - 1) % len(_COLOURS)]
        series: dict[str, Any] = {
            "name": label,
            "categories": [name, first, 0, last, 0],
            "values": [name, first, place, last, place],
            # Constant memory keeps no cells to read these from; a viewer that does not calculate shows them.
            "categories_data": list(chart.categories),
            "values_data": [value if value is None else float(value) for value in values],  # type: ignore[arg-type]
        }
        if chart.kind == "doughnut":
            series["points"] = [{"fill": {"color": _COLOURS[i % len(_COLOURS)]}} for i in range(len(chart.categories))]
            series["data_labels"] = {"percentage": True, "font": {"name": FONT, "size": 10, "color": "#FFFFFF"}}
        elif chart.kind == "line":
            series["line"] = {"color": colour, "width": 2.25, **({"dash_type": "dash"} if place > 1 else {})}
        else:
            series["fill"] = {"color": colour}
            series["gap"] = 60
            if chart.kind != "stacked" and len(chart.categories) <= 25:
                series["data_labels"] = {"value": True, "font": {"name": FONT, "size": 9}}
        drawn.add_series(series)
    _dress(drawn, chart)
    height = max(_ROOM * 20, 22 * len(chart.categories) + 120 if chart.kind in {"bar", "stacked"} else 0)
    drawn.set_size({"width": int(sum(WIDTHS[_AT:]) * _PIXELS_A_CHARACTER), "height": height})
    canvas.sheet.insert_chart(top, _AT, drawn, {"object_position": 1, "description": chart.title})
    canvas.row = max(canvas.row + 1, top + height // 20 + 2)


def _write_left(canvas: Canvas, cells: tuple[Any, ...], looks: list[Look]) -> None:
    """A row of the table; the columns right of it belong to the picture."""
    blanks = len(WIDTHS) - len(cells)
    canvas.write_row((*cells, *[None] * blanks), [*looks, *_all("plain", [None] * blanks)])


def _all(look: Look, cells: Sequence[object]) -> list[Look]:
    return [look for _ in cells]


def _dress(drawn: Any, chart: OfficialChart) -> None:
    font = {"name": FONT, "size": 10}
    drawn.set_title({"name": chart.title, "name_font": {"name": FONT, "size": 13, "bold": True}, "overlay": False})
    if chart.kind == "doughnut":
        drawn.set_legend({"position": "right", "font": font})
        return
    if len(chart.series) > 1:
        drawn.set_legend({"position": "bottom", "font": font})
    else:
        drawn.set_legend({"none": True})
    lying = chart.kind in {"bar", "stacked"}
    words: dict[str, Any] = {"num_font": font, "name": chart.category_label, "name_font": font}
    scale: dict[str, Any] = {
        "num_font": font, "name": chart.axis, "name_font": font, "min": 0,
        "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}},
    }  # fmt: skip
    if chart.percent:
        scale["max"] = 100
    if lying:
        # The first category on top, as in the table.
        words["reverse"] = True
        words["interval_unit"] = 1
        words.pop("name")
    if chart.kind == "line":
        words["num_font"] = font | {"rotation": -45}
    # xlsxwriter calls the axis of the words of a lying chart "y".
    drawn.set_x_axis(scale if lying else words)
    drawn.set_y_axis(words if lying else scale)
