"""The boxes in which comments are shown: VML drawings, which Excel demands beside the comments themselves.

Excel writes HTML into them that is not always well-formed XML, so they are extended as bytes, never parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from etl.annotation.cells import Position, SheetLayout
from etl.annotation.failures import CannotAnnotate
from etl.annotation.splice import encode
from etl.reading.grid import LAST_COLUMN, LAST_ROW

VML_TYPE: Final = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_NAMESPACES: Final[Mapping[str, str]] = {
    "v": "urn:schemas-microsoft-com:vml",
    "o": "urn:schemas-microsoft-com:office:office",
    "x": "urn:schemas-microsoft-com:office:excel",
}
_SHAPE_TYPE: Final = (
    '<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
_SHAPES_IN_BLOCK: Final = 1023
_END: Final = re.compile(rb"</(?:\w+:)?xml\s*>\s*\Z")
_ROOT: Final = re.compile(rb"<(?:\w+:)?xml\b[^>]*>")
_ID_MAP: Final = re.compile(rb"""(<o:idmap\b[^>]*?\bdata\s*=\s*["'])([0-9, ]*)""")
_SHAPE: Final = re.compile(rb"<v:shape\b(?:(?!<v:shape\b).)*?</v:shape>", re.DOTALL)
_ANCHOR: Final = re.compile(rb"(<x:Anchor>\s*(?:\d+\s*,\s*){6})(\d+)")
_BOX_WIDTH: Final = 330
"""Pixels: a line of about 50 characters."""
_LINE_CHARACTERS: Final = 46
_LINE_PIXELS: Final = 15
_FARTHEST: Final = 60
"""Columns or rows a box may span: hidden ones have no size, and a sheet may hide a million."""
_PIXELS_A_CHARACTER: Final = 7
_PIXELS_A_POINT: Final = 96 / 72


class ShapeNumbers:
    """Hands out shape numbers that no drawing of the workbook has. They come in blocks of 1,024."""

    def __init__(self, drawings: Iterable[bytes]) -> None:
        used = {0}
        for drawing in drawings:
            used.update(int(number) // 1024 for number in re.findall(rb"_x0000_s(\d{1,9})\b", drawing))
            for _, data in _ID_MAP.findall(drawing):
                used.update(int(block) for block in data.split(b",") if block.strip().isdigit())
        self._next = max(used) + 1

    def take(self, count: int) -> tuple[list[int], list[int]]:
        """(blocks, numbers) for `count` shapes of one drawing."""
        blocks = list(range(self._next, self._next + -(-count // _SHAPES_IN_BLOCK)))
        self._next += len(blocks)
        numbers = [block * 1024 + place for block in blocks for place in range(1, _SHAPES_IN_BLOCK + 1)]
        return blocks, numbers[:count]


def new_drawing() -> bytes:
    """A drawing without shapes."""
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _NAMESPACES.items())
    return encode(
        f'<xml {spaces}><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data=""/></o:shapelayout>{_SHAPE_TYPE}</xml>'
    )


def add_boxes(drawing: bytes, texts: Mapping[Position, str], layout: SheetLayout, numbers: ShapeNumbers) -> bytes:
    """The drawing with a hidden comment box for each position. Raises CannotAnnotate when it is no VML drawing."""
    if not texts:
        return drawing
    root, end = _ROOT.search(drawing), _END.search(drawing)
    if root is None or end is None or drawing.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CannotAnnotate("the drawing that holds the comment boxes is damaged")
    blocks, shape_numbers = numbers.take(len(texts))
    missing = " ".join(
        f'xmlns:{prefix}="{uri}"'
        for prefix, uri in _NAMESPACES.items()
        if not re.search(rb"xmlns:%b\s*=\s*[\"']%b[\"']" % (prefix.encode(), re.escape(uri.encode())), root[0])
    )
    shapes = [
        _write_box(position, text, layout, number, missing)
        for (position, text), number in zip(sorted(texts.items()), shape_numbers, strict=True)
    ]
    if b"_x0000_t202" not in drawing:
        shapes.insert(0, _SHAPE_TYPE.replace("<v:shapetype", f"<v:shapetype {missing}", 1))
    extended = drawing[: end.start()] + encode("".join(shapes)) + drawing[end.start() :]
    taken = ",".join(str(block) for block in blocks).encode()
    return _ID_MAP.sub(lambda map_: map_[1] + (map_[2] + b"," if map_[2].strip() else b"") + taken, extended, count=1)


def stretch_boxes(drawing: bytes, lines: Mapping[Position, int]) -> bytes:
    """The drawing with present boxes made longer by so many lines, so that the text added to them is seen."""
    more = {position: -(-count * _LINE_PIXELS // 20) for position, count in lines.items() if count > 0}
    if not more:
        return drawing

    def stretch(match: re.Match[bytes]) -> bytes:
        shape = match[0]
        row, column = re.search(rb"<x:Row>(\d{1,7})<", shape), re.search(rb"<x:Column>(\d{1,5})<", shape)
        rows = more.get((int(row[1]), int(column[1]))) if row and column and b'"Note"' in shape else None
        if rows is None:
            return shape
        return _ANCHOR.sub(
            lambda anchor: anchor[1] + str(min(int(anchor[2]) + rows, LAST_ROW)).encode(), shape, count=1
        )

    return _SHAPE.sub(stretch, drawing)


def _write_box(position: Position, text: str, layout: SheetLayout, number: int, namespaces: str) -> str:
    row, column = position
    anchor, height = _place_box(row, column, count_lines(text) + 2, layout)
    opening = f"<v:shape {namespaces}" if namespaces else "<v:shape"
    return (
        f'{opening} id="_x0000_s{number}" type="#_x0000_t202" style="position:absolute;margin-left:60pt;margin-top:2pt;'
        f"width:{_BOX_WIDTH / _PIXELS_A_POINT:.2f}pt;height:{height / _PIXELS_A_POINT:.2f}pt;z-index:{number % 1024};"
        'visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/>'
        '<v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/>'
        '<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox>'
        '<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
        f"<x:Anchor>{', '.join(str(number) for number in anchor)}</x:Anchor><x:AutoFill>False</x:AutoFill>"
        f"<x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
    )


def _place_box(row: int, column: int, lines: int, layout: SheetLayout) -> tuple[tuple[int, ...], int]:
    """Where the box stands, as (column, pixels, row, pixels) of both corners, and its height in pixels."""
    height = min(lines * _LINE_PIXELS + 8, 600)
    left = min(column + 1, LAST_COLUMN)
    right, right_offset, rest = left, 15, _BOX_WIDTH + 15
    while right < min(left + _FARTHEST, LAST_COLUMN):
        width = round(layout.width_of(right) * _PIXELS_A_CHARACTER) + (5 if layout.width_of(right) else 0)
        if rest <= width:
            right_offset = rest
            break
        rest -= width
        right += 1
    top = max(row - 1, 0)
    bottom, bottom_offset, rest = top, 4, height + 10
    while bottom < min(top + _FARTHEST, LAST_ROW):
        tall = round(layout.height_of(bottom) * _PIXELS_A_POINT)
        if rest <= tall:
            bottom_offset = rest
            break
        rest -= tall
        bottom += 1
    return (left, 15, top, 10, right, right_offset, bottom, bottom_offset), height


def count_lines(text: str) -> int:
    """Lines a text takes in a box of ours."""
    return sum(max(1, -(-len(line) // _LINE_CHARACTERS)) for line in text.split("\n"))
