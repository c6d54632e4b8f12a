"""Adds cell formats to the styles of a workbook: copies of present ones with another fill, and a few of our own.

Formats are only added, at the end: the index of every present format stays what it was.
"""

from __future__ import annotations

from typing import Final

from etl.annotation.failures import CannotAnnotate
from etl.annotation.package import Package, new_part
from etl.annotation.splice import (
    Edit,
    append_children,
    apply_edits,
    encode,
    place_for,
    read_nodes,
    set_attributes,
)

MOST_FORMATS: Final = 64_000
"""Cell formats a workbook may have; with more Excel calls the file damaged."""
_TEXT_FORMAT: Final = 49
"""ECMA-376 part 1, 18.8.30: "@"."""
STYLES_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
_ORDER: Final = ("numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs")
_FIRST: Final = {
    "fonts": ('<{p}font><{p}sz val="11"/><{p}name val="Calibri"/><{p}family val="2"/></{p}font>',),
    "fills": (
        '<{p}fill><{p}patternFill patternType="none"/></{p}fill>',
        '<{p}fill><{p}patternFill patternType="gray125"/></{p}fill>',
    ),
    "borders": ("<{p}border><{p}left/><{p}right/><{p}top/><{p}bottom/><{p}diagonal/></{p}border>",),
    "cellXfs": ('<{p}xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>',),
}
"""What each list must begin with; programs take the first entries for granted."""


class Styles:
    """The styles part of a workbook, and what is to be added to it."""

    def __init__(self, package: Package, path: str, namespace: str) -> None:
        """`path` may be that of a part still to be made. Raises expat.ExpatError."""
        self._package = package
        self.path = path
        self._content = package.read(path) if package.has(path) else _new_styles(namespace)
        self._root = read_nodes(self._content)
        self._lists = {name: self._root.child(name) for name in _FIRST}
        self._new: dict[str, list[bytes]] = {name: [] for name in _FIRST}
        self._present = {name: len(node.children) if node else 0 for name, node in self._lists.items()}
        for name, entries in _FIRST.items():
            if not self._present[name]:
                for entry in entries:
                    self._add(name, entry)
        self._fills: dict[str, int] = {}
        self._marked: dict[tuple[int, str], int] = {}

    def fill_format(self, base: int, colour: str) -> int:
        """The index of format `base` with a solid fill of the ARGB colour; all else of it stays."""
        key = (base, colour)
        if key not in self._marked:
            tag = set_attributes(self._format_tag(base), {"fillId": str(self._fill(colour)), "applyFill": "1"})
            self._marked[key] = self._add_format(tag + self._format_rest(base))
        return self._marked[key]

    def own_format(
        self,
        *,
        font: str = "",
        colour: str | None = None,
        bordered: bool = False,
        align: str = "",
        as_text: bool = False,
    ) -> int:
        """The index of a format of ours. `font`: child elements of a font in Times New Roman; `align`: attributes.

        `as_text`: what is typed in such a cell stays text, whatever it looks like.
        """
        font_id = self._add("fonts", f"<{{p}}font>{font}</{{p}}font>")
        sides = "".join(
            f'<{{p}}{side} style="thin"><{{p}}color rgb="FF7F7F7F"/></{{p}}{side}>'
            for side in ("left", "right", "top", "bottom")
        )
        border_id = self._add("borders", f"<{{p}}border>{sides}<{{p}}diagonal/></{{p}}border>") if bordered else 0
        fill_id = self._fill(colour) if colour else 0
        alignment = f"<{{p}}alignment {align}/>" if align else ""
        return self._add_format(
            self._markup(
                f'<{{p}}xf numFmtId="{_TEXT_FORMAT if as_text else 0}" fontId="{font_id}" fillId="{fill_id}" '
                f'borderId="{border_id}" xfId="0" applyNumberFormat="1" applyFont="1" '
                f'applyFill="1" applyBorder="1" applyAlignment="1">{alignment}</{{p}}xf>'
            )
        )

    def save(self) -> None:
        """Put the part with the additions into the package."""
        edits: list[Edit] = []
        for name, new in self._new.items():
            if not new:
                continue
            count = {"count": str(self._present[name] + len(new))}
            content = b"".join(new)
            node = self._lists[name]
            if node is not None:
                edits.append(append_children(self._content, node, content, count))
                continue
            tag = self._markup(f'<{{p}}{name} count="{count["count"]}">')
            place = place_for(self._root, _ORDER[: _ORDER.index(name)])
            edits.append((place, place, tag + content + self._markup(f"</{{p}}{name}>")))
        if self._root.opened == self._root.end:
            inner = b"".join(new for _, _, new in edits)
            edits = [append_children(self._content, self._root, inner)]
        self._package.put(self.path, apply_edits(self._content, edits))

    def _markup(self, text: str) -> bytes:
        return encode(text.replace("{p}", self._root.prefix))

    def _add(self, name: str, text: str) -> int:
        return self._append(name, self._markup(text))

    def _append(self, name: str, markup: bytes) -> int:
        known = self._new[name]
        if markup in known and name != "cellXfs":
            return self._present[name] + known.index(markup)
        known.append(markup)
        return self._present[name] + len(known) - 1

    def _add_format(self, markup: bytes) -> int:
        index = self._append("cellXfs", markup)
        if index >= MOST_FORMATS:
            raise CannotAnnotate("the workbook has as many cell formats as a workbook may have")
        return index

    def _fill(self, colour: str) -> int:
        if colour not in self._fills:
            self._fills[colour] = self._add(
                "fills",
                f'<{{p}}fill><{{p}}patternFill patternType="solid"><{{p}}fgColor rgb="{colour}"/>'
                '<{p}bgColor indexed="64"/></{p}patternFill></{p}fill>',
            )
        return self._fills[colour]

    def _format_tag(self, index: int) -> bytes:
        node = self._format_node(index)
        return self._new["cellXfs"][0] if node is None else self._content[node[0] : node[1]]

    def _format_rest(self, index: int) -> bytes:
        node = self._format_node(index)
        return b"" if node is None else self._content[node[1] : node[2]]

    def _format_node(self, index: int) -> tuple[int, int, int] | None:
        """(start, opened, end) of a present format; the first one stands for an index that does not exist."""
        formats = self._lists["cellXfs"]
        if formats is None or not formats.children:
            return None
        node = formats.children[index if 0 <= index < len(formats.children) else 0]
        return node.start, node.opened, node.end


def _new_styles(namespace: str) -> bytes:
    """A part with the one named style that every workbook has, and nothing else."""
    return new_part(
        f'<styleSheet xmlns="{namespace}"><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
        '</cellStyleXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )
