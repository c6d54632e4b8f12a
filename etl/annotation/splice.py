"""Edits XML without writing it anew: finds the byte offsets of elements, and replaces or inserts bytes there.

What is not replaced stays byte for byte, whatever prefixes, extensions or white space the sender's program wrote; a
parser that builds a tree and writes it again would lose some of that. It must not know spreadsheets.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from etl.annotation.failures import CannotAnnotate
from etl.reading.sidecar import local_name, new_parser

Attributes = dict[str, str]
Edit = tuple[int, int, bytes]
"""Start, end, and the bytes to stand there instead; start == end inserts."""

MOST_NODES = 400_000
"""Elements of a part held as a tree. Styles with as many formats as a workbook may have come to half of it."""
DEEPEST = 200

_START_TAG = re.compile(rb"""<[^\s/>"']+(?:[^"'>]++|"[^"]*+"|'[^']*+')*+>""")
_ATTRIBUTE = re.compile(rb"""(\s+)([^\s=/>"']+)(\s*=\s*)("[^"]*"|'[^']*')""")
_TAG_NAME = re.compile(rb"<[^\s/>]+")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_HEAD = 200
_DECLARED_ENCODING = re.compile(r"""(<\?xml[^>]*?)\s+encoding\s*=\s*("[^"]*"|'[^']*')""")


@dataclass(slots=True)
class Node:
    """An element by its offsets: `start` of "<", `opened` after the start tag, `closing` of "</", `end` after it all.

    `tag` and the attributes keep their prefixes. A self-closing element has opened == closing == end.
    """

    tag: str
    attributes: Attributes
    start: int
    opened: int
    closing: int = 0
    end: int = 0
    children: list[Node] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The tag without its prefix."""
        return local_name(self.tag)

    @property
    def prefix(self) -> str:
        """The prefix with its colon, "" when there is none."""
        return self.tag[: -len(self.name)]

    def get(self, name: str) -> str | None:
        """The attribute of that name, with or without a prefix; None when absent."""
        value = self.attributes.get(name)
        if value is None:
            value = next((text for key, text in self.attributes.items() if local_name(key) == name), None)
        return value

    def child(self, name: str) -> Node | None:
        """The first child of that local name."""
        return next((node for node in self.children if node.name == name), None)

    def walk(self) -> Iterator[Node]:
        """The element and all below it, in the order of the file."""
        yield self
        for node in self.children:
            yield from node.walk()


def to_utf8(part: bytes) -> bytes:
    """UTF-16 XML as UTF-8, the only other encoding a workbook may have; everything else as it is."""
    if not part.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return part
    text = part.decode("utf-16")
    head = _DECLARED_ENCODING.sub(r'\1 encoding="UTF-8"', text[:_HEAD], count=1)
    return (head + text[_HEAD:]).encode("utf-8")


def read_nodes(part: bytes) -> Node:
    """The root of an XML part that is not UTF-16. Raises expat.ExpatError, SidecarError (document types), CannotAnnotate."""
    parser = new_parser()
    open_nodes: list[Node] = []
    roots: list[Node] = []
    count = 0

    def start(tag: str, attributes: Attributes) -> None:
        nonlocal count
        count += 1
        if count > MOST_NODES or len(open_nodes) >= DEEPEST:
            raise CannotAnnotate("a part of the workbook has too many or too deeply nested elements")
        place = parser.CurrentByteIndex
        node = Node(tag, attributes, place, end_of_start_tag(part, place))
        (open_nodes[-1].children if open_nodes else roots).append(node)
        open_nodes.append(node)

    def end(_: str) -> None:
        node = open_nodes.pop()
        node.closing, node.end = closing_of(part, node.opened, parser.CurrentByteIndex)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.Parse(part, True)
    return roots[0]


def end_of_start_tag(part: bytes, start: int) -> int:
    """The offset after the ">" of the start tag that begins at `start`."""
    match = _START_TAG.match(part, start)
    if match is None:
        # Well-formed XML in an encoding that does not write "<" as one byte.
        raise ValueError("the part is not in an encoding that a workbook may have")
    return match.end()


def closing_of(part: bytes, opened: int, place: int) -> tuple[int, int]:
    """(closing, end) of an element, from the offset of its end event."""
    if part[opened - 2 : opened] == b"/>":
        return opened, opened
    return place, part.index(b">", place) + 1


def apply_edits(part: bytes, edits: Iterable[Edit]) -> bytes:
    """The part with all edits made; insertions at one place keep their order. Raises ValueError when edits overlap."""
    pieces: list[bytes] = []
    done = 0
    for start, end, new in sorted(edits, key=lambda edit: (edit[0], edit[1])):
        if start < done:
            raise ValueError("two edits of one place")
        pieces += (part[done:start], new)
        done = end
    return b"".join((*pieces, part[done:]))


def set_attributes(tag: bytes, values: Mapping[str, str | None]) -> bytes:
    """A start tag with attributes set (None removes); their places stay, new ones come last."""
    left = dict(values)
    name = _TAG_NAME.match(tag)
    if name is None:
        raise ValueError("not a start tag")
    pieces = [name[0]]
    place = name.end()
    while match := _ATTRIBUTE.match(tag, place):
        key = match[2].decode("utf-8", "replace")
        place = match.end()
        if key not in left:
            pieces.append(match[0])
        elif (value := left.pop(key)) is not None:
            pieces.append(match[1] + match[2] + match[3] + quote(value))
    added = [b" " + key.encode() + b"=" + quote(value) for key, value in left.items() if value is not None]
    return b"".join((*pieces, *added, tag[place:]))


def append_children(
    part: bytes, node: Node, content: bytes, attributes: Mapping[str, str | None] | None = None
) -> Edit:
    """An edit that adds `content` at the end of an element, opening it when it is self-closing."""
    tag = set_attributes(part[node.start : node.opened], attributes or {})
    if node.opened == node.end:
        tag = tag[:-2].rstrip() + b">"
        return node.start, node.end, tag + content + b"</" + node.tag.encode() + b">"
    return node.start, node.closing, tag + part[node.opened : node.closing] + content


def place_for(root: Node, before: Sequence[str]) -> int:
    """Where a new child goes: after the last child whose name is in `before`, else first in the element.

    What is not named (extensions, alternate content) comes after, as schemas order it.
    """
    ends = [node.end for node in root.children if node.name in before]
    return max(ends, default=root.opened)


def encode(text: str) -> bytes:
    """Markup for a part of any encoding that contains ASCII: letters beyond it as character references."""
    return text.encode("ascii", "xmlcharrefreplace")


def quote(value: str) -> bytes:
    """An attribute's value in quotes."""
    return encode(f'"{escape_text(value)}"')


def escape_text(text: str) -> str:
    """Text for XML: escaped, and without the characters XML cannot hold (each becomes a blank)."""
    return escape(_NOT_XML.sub(" ", text), quote=True)


def escape_cell_text(text: str) -> str:
    """Text for a cell or comment: "_x0041_" would be shown as "A" there, so its first mark is escaped."""
    return escape_text(_LOOKS_ESCAPED.sub("_x005F_", text))
