"""The body of a consolidated table as HTML. The longest has forty thousand cells, which took the template most of a second.

Values are shown as everywhere (`show_value`), never decided here; every text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from urllib.parse import urlencode

from markupsafe import Markup

from etl.review.words import show_value
from etl.usecases.mart_model import MartTable, Value

_EMPTY = '<span class="quiet" title="Biểu không có ô này">x</span>'


def draw_rows(table: MartTable, places: Iterable[int], base: str) -> Markup:
    """The rows at these places, in this order; a figure leads to where it comes from. `base`: where the app is mounted."""
    columns = [
        (c.code, c.kind, c.decimals, '<td class="number">' if c.is_number else "<td>", dict[Value, str]())
        for c in table.columns
    ]
    address = escape(f"{base}/figure?")
    parts: list[str] = []
    for place in places:
        row, figures = table.rows[place], table.figures[place]
        parts.append("<tr>")
        for code, kind, decimals, opening, shown in columns:
            value = row[code]
            # The values of a column are of one type, and most stand there many times.
            text = shown.get(value)
            if text is None:
                text = shown[value] = escape(show_value(value, kind, decimals))
            if (place, code) in table.not_applicable:
                text = _EMPTY
            elif figure := figures.get(code):
                text = f'<a href="{address}{escape(urlencode({"id": figure}))}">{text}</a>'
            parts.append(f"{opening}{text}</td>")
        parts.append("</tr>\n")
    return Markup("".join(parts))  # noqa: S704 - texts and addresses are escaped
