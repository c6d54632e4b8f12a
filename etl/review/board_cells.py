"""The cells of the board's matrix as HTML. Four thousand of them stand on a page of 24 periods: through the template, piece by
piece, they took most of its time. They must say what the rows say and nothing else; nothing is read here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from urllib.parse import quote

from markupsafe import Markup

from etl.usecases.follow import Row

_NOT_OWED = '<td><span class="quiet" title="Không phải báo cáo kỳ này">–</span></td>'
_HELD = ' <span class="tag held">chờ mở lại kỳ</span>'


def make_cells(places: Mapping[str, str], labels: Mapping[str, str]) -> Callable[[Row], Markup]:
    """What draws the cells of a row: one a period of `places` (`report:period` → address of its obligations), in that order,
    with the state's label and a link to the obligation.
    """
    heads = [(key, f'<td><a href="{escape(place)}/') for key, place in places.items()]
    tags = {status: f'"><span class="tag {status}">{escape(label)}</span></a>' for status, label in labels.items()}

    def draw(row: Row) -> Markup:
        unit = quote(row.unit, safe="")
        parts = []
        for key, head in heads:
            line = row.lines.get(key)
            if line is None:
                parts.append(_NOT_OWED)
            else:
                parts.append(f"{head}{unit}{tags[line.status]}{_HELD if line.held else ''}</td>")
        return Markup("".join(parts))  # noqa: S704 - labels and addresses are escaped, the unit's code is quoted

    return draw
