"""Charts as SVG made on the server: no script, no inline style, readable in print. Each has its title over it.

Values are drawn, never decided here; a chart stands beside its table, which says the same in figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from html import escape
from typing import Final

from markupsafe import Markup

from etl.text import format_number

Number = int | float | Decimal
_CLASSES: Final = ("bar", "bar second", "bar third")
_LETTER: Final = 7.0
_CAPITAL: Final = 9.0
"""Width of letters at the charts' size in the widest of the usual fonts: with less room than that a name loses its beginning."""
_HEAD: Final = 24
"""Height of a heading over bars."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, or one set of bars under each other. `href`: where a click leads; `note` follows the value.

    `group`: a heading over the bars that follow each other with it, "" for none.
    """

    label: str
    values: Sequence[Number | None]
    href: str = ""
    note: str = ""
    group: str = ""


def draw_bars(title: str, bars: Sequence[Bar], series: Sequence[str] = (), decimals: int | None = None) -> Markup:
    """Horizontal bars with their labels and values; several values a bar are drawn under each other."""
    if not bars:
        return Markup("")
    rows = max(len(bar.values) for bar in bars)
    thick = 18 if rows == 1 else 13
    step = rows * thick + 10
    widest = min(330.0, max(_measure(bar.label) for bar in bars))
    left, right, top = widest + 12, 110, 8 + (20 if series else 0)
    width = 860
    heads = [bar.group and (place == 0 or bars[place - 1].group != bar.group) for place, bar in enumerate(bars)]
    height = top + step * len(bars) + _HEAD * sum(map(bool, heads)) + 6
    most = max((float(value) for bar in bars for value in bar.values if value is not None), default=0.0) or 1.0
    parts = [_open(title, width, height, is_flat=False)]
    for place, name in enumerate(series):
        x = left + place * 190
        parts.append(f'<rect class="{_CLASSES[place % 3]}" x="{x:.0f}" y="2" width="12" height="12"/>')
        parts.append(f'<text x="{x + 17:.0f}" y="12">{escape(name)}</text>')
    y = float(top)
    for bar, has_head in zip(bars, heads, strict=True):
        if has_head:
            parts.append(f'<text class="group" x="2" y="{y + 15:.1f}">{_cut(bar.group, width - 10)}</text>')
            y += _HEAD
        text = f'<text x="{left - 8:.0f}" y="{y + rows * thick / 2 + 4:.1f}" text-anchor="end">{_cut(bar.label, widest)}</text>'
        parts.append(f'<a href="{escape(bar.href)}">{text}</a>' if bar.href else text)
        for place, value in enumerate(bar.values):
            top_of = y + place * thick
            if value is None:
                parts.append(f'<text x="{left:.0f}" y="{top_of + thick - 4:.1f}">–</text>')
                continue
            long = max(0.0, float(value)) / most * (width - left - right)
            parts.append(
                f'<rect class="{_CLASSES[place % 3]}" x="{left:.0f}" y="{top_of:.1f}" width="{long:.1f}" '
                f'height="{thick - 3}"><title>{escape(bar.label)}: {format_number(value, decimals)}</title></rect>'
                f'<text x="{left + long + 5:.1f}" y="{top_of + thick - 5:.1f}">{format_number(value, decimals)}'
                f"{escape(bar.note)}</text>"
            )
        y += step
    return _close(parts)


def draw_days(
    title: str, points: Sequence[tuple[date, int]], most: int, marks: Sequence[tuple[date, str]] = ()
) -> Markup:
    """A stepped line over days, up to `most`; `marks` are days with a word, such as the due day."""
    if not points:
        return Markup("")
    first, last = points[0][0], points[-1][0]
    days = max(1, (last - first).days)
    width, height, left, right, top, bottom = 860, 230, 44, 20, 24, 34
    tall = height - top - bottom

    def x_of(day: date) -> float:
        return left + (day - first).days / days * (width - left - right)

    def y_of(value: float) -> float:
        return top + tall - value / max(1, most) * tall

    path = [f"M{x_of(first):.1f},{y_of(0):.1f}"]
    for day, value in points:
        path.append(f"H{x_of(day):.1f}V{y_of(value):.1f}")
    parts = [_open(title, width, height, is_flat=False)]
    for value in sorted({0, most // 2, most}):
        parts.append(
            f'<line class="axis" x1="{left}" x2="{width - right}" y1="{y_of(value):.1f}" y2="{y_of(value):.1f}"/>'
            f'<text x="{left - 6}" y="{y_of(value) + 4:.1f}" text-anchor="end">{format_number(value)}</text>'
        )
    for day, word in marks:
        if first <= day <= last:
            x = x_of(day)
            anchor = "end" if x > width / 2 else "start"
            parts.append(
                f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{top + tall}"/>'
                f'<text x="{x + (-4 if anchor == "end" else 4):.1f}" y="{top - 8}" text-anchor="{anchor}">{escape(word)}</text>'
            )
    for day in (first, last):
        anchor = "start" if day == first else "end"
        parts.append(f'<text x="{x_of(day):.1f}" y="{height - 12}" text-anchor="{anchor}">{day:%d/%m/%Y}</text>')
    parts.append(f'<path class="line" d="{"".join(path)}"/>')
    return _close(parts)


def draw_shares(title: str, parts: Sequence[tuple[str, str, int]]) -> Markup:
    """One bar cut into parts: (class of its colour, label, count); an empty part is left out."""
    total = sum(count for _, _, count in parts)
    if not total:
        return Markup("")
    width, height = 860, 30
    drawn, x = [_open(title, width, height, is_flat=True)], 0.0
    for kind, label, count in parts:
        wide = count / total * width
        if count:
            drawn.append(
                f'<rect class="part {escape(kind)}" x="{x:.1f}" y="0" width="{max(0.0, wide - 1):.1f}" height="{height}">'
                f"<title>{escape(label)}: {format_number(count)}</title></rect>"
            )
            if wide > 28:
                drawn.append(
                    f'<text class="inside" x="{x + wide / 2:.1f}" y="20" text-anchor="middle">{format_number(count)}</text>'
                )
        x += wide
    return _close(drawn)


def _cut(text: str, width: float) -> str:
    """The text, escaped; where it is too long for the place its beginning, with the whole of it as a tip."""
    if _measure(text) <= width + 1:
        return escape(text)
    kept = text
    while kept and _measure(kept) + _CAPITAL > width:
        kept = kept[:-1]
    return f"{escape(kept.rstrip())}…<title>{escape(text)}</title>"


def _measure(text: str) -> float:
    return sum(_CAPITAL if letter.isupper() else _LETTER for letter in text)


def _open(title: str, width: float, height: float, *, is_flat: bool) -> str:
    """`is_flat`: shrinks with the page; others keep their size on a phone and scroll in their frame."""
    name = escape(title)
    kind, frame = ("chart flat", "") if is_flat else ("chart", f' tabindex="0" role="group" aria-label="{name}"')
    return (
        f'<figure class="drawn"><figcaption>{name}</figcaption><div{frame}>'
        f'<svg class="{kind}" role="img" aria-label="{name}" viewBox="0 0 {width:.0f} {height:.0f}" '
        'xmlns="http://www.w3.org/2000/svg">'
    )


def _close(parts: Sequence[str]) -> Markup:
    return Markup("".join([*parts, "</svg></div></figure>"]))  # noqa: S704 - every text in the parts is escaped
