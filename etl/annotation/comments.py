"""Classic comments: adds ours to a sheet's part of comments, beside those the sender has.

One comment a cell: where the sender has one, our text follows theirs under our heading. On a copy that comes back, our
own text is written anew. Threaded comments stay as they are: the note under them is only their fallback.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Final

from etl.annotation.cells import Position
from etl.annotation.package import find_one, new_part
from etl.annotation.splice import (
    Edit,
    Node,
    append_children,
    apply_edits,
    encode,
    escape_cell_text,
    escape_text,
    read_nodes,
)
from etl.annotation.wording import AUTHOR
from etl.reading.grid import cell_name, parse_cell_name

COMMENTS_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
_HEADING: Final = f"{AUTHOR}:"
_THREADED_AUTHOR: Final = "tc="
"""How programs mark the author of a note that only stands in for a threaded comment."""


@dataclass(slots=True)
class PresentComment:
    """A comment the workbook came with."""

    node: Node
    threaded: bool
    ours: bool
    """Written by us alone: all of its text may go."""
    heading: Node | None
    """The run with our heading; our text goes on to the end of the comment."""
    text: str


@dataclass(slots=True)
class Comments:
    """A part of comments as it came; `stale` are the positions with a text of ours."""

    content: bytes
    root: Node
    present: dict[Position, PresentComment] = field(default_factory=dict)

    @property
    def stale(self) -> set[Position]:
        """Positions that carry a text of ours from an earlier answer."""
        return {place for place, one in self.present.items() if one.ours or one.heading is not None}

    @property
    def threaded(self) -> set[Position]:
        """Positions of threaded comments: no text is added there."""
        return {place for place, one in self.present.items() if one.threaded}


def new_comments(namespace: str) -> Comments:
    """An empty part of comments."""
    content = new_part(f'<comments xmlns="{namespace}"><authors/><commentList/></comments>')
    return Comments(content, read_nodes(content))


def read_comments(content: bytes) -> Comments:
    """A part of comments. Raises expat.ExpatError, CannotAnnotate."""
    root = read_nodes(content)
    authors = [_text_of(content, node) for node in find_one(root, "authors").children if node.name == "author"]
    comments = Comments(content, root)
    for node in find_one(root, "commentList").children:
        if node.name != "comment":
            continue
        try:
            position = parse_cell_name((node.get("ref") or "").partition(":")[0])
        except ValueError:
            continue
        number = node.get("authorId") or ""
        author = authors[int(number)] if number.isdigit() and int(number) < len(authors) else ""
        text = node.child("text")
        runs = [] if text is None else [run for run in text.children if run.name in {"r", "t"}]
        heading = next((run for run in runs if _text_of(content, run).strip().startswith(_HEADING)), None)
        ours = author == AUTHOR
        comments.present[position] = PresentComment(
            node, author.startswith(_THREADED_AUTHOR), ours, heading, "" if text is None else _text_of(content, text)
        )
    return comments


def write_comments(comments: Comments, texts: Mapping[Position, str]) -> bytes:
    """The part with a text of ours at each position. Positions of threaded comments are left out."""
    content, root = comments.content, comments.root
    authors, comment_list = find_one(root, "authors"), find_one(root, "commentList")
    names = [_text_of(content, node) for node in authors.children]
    edits: list[Edit] = []
    new: list[bytes] = []
    if AUTHOR not in names:
        author = encode(f"<{root.prefix}author>{escape_text(AUTHOR)}</{root.prefix}author>")
        edits.append(append_children(content, authors, author))
        names.append(AUTHOR)
    for position, text in sorted(texts.items()):
        runs = _write_runs(root.prefix, text)
        present = comments.present.get(position)
        if present is None:
            name = cell_name(*position)
            new.append(
                encode(f'<{root.prefix}comment ref="{name}" authorId="{names.index(AUTHOR)}"><{root.prefix}text>')
                + runs
                + encode(f"</{root.prefix}text></{root.prefix}comment>")
            )
        elif not present.threaded:
            edits += _extend(content, present, root.prefix, runs)
    if new and comment_list.opened == comment_list.end:
        edits.append(append_children(content, comment_list, b"".join(new)))
    elif new:
        edits.append((comment_list.closing, comment_list.closing, b"".join(new)))
    return apply_edits(content, edits)


def _extend(content: bytes, present: PresentComment, prefix: str, runs: bytes) -> list[Edit]:
    """Edits that put our runs into a comment: in place of our old ones, else after the sender's text."""
    text = present.node.child("text")
    whole = encode(f"<{prefix}text>") + runs + encode(f"</{prefix}text>")
    if text is None:
        return [append_children(content, present.node, whole)]
    if present.ours or text.opened == text.end:
        return [(text.start, text.end, whole)]
    pieces = [node for node in text.children if node.name in {"r", "t"}]
    if present.heading is not None:
        return [(present.heading.start, pieces[-1].end, runs)]
    blank = encode(f'<{prefix}r><{prefix}t xml:space="preserve">\n\n</{prefix}t></{prefix}r>')
    edits: list[Edit] = []
    for node in pieces:
        if node.name == "t":
            # Text outside of a run is read by some programs only where there are no runs.
            edits += [(node.start, node.start, encode(f"<{prefix}r>")), (node.end, node.end, encode(f"</{prefix}r>"))]
    place = pieces[-1].end if pieces else text.opened
    return [*edits, (place, place, blank + runs)]


def _write_runs(prefix: str, text: str) -> bytes:
    look = f'<{prefix}sz val="9"/><{prefix}color indexed="81"/><{prefix}rFont val="Tahoma"/><{prefix}family val="2"/>'
    return encode(
        f'<{prefix}r><{prefix}rPr><{prefix}b/>{look}</{prefix}rPr><{prefix}t xml:space="preserve">{_HEADING}\n'
        f"</{prefix}t></{prefix}r><{prefix}r><{prefix}rPr>{look}</{prefix}rPr>"
        f'<{prefix}t xml:space="preserve">{escape_cell_text(text)}</{prefix}t></{prefix}r>'
    )


def _text_of(content: bytes, node: Node) -> str:
    """The text below an element, without that of pronunciation guides."""
    pieces = [child for child in node.walk() if not child.children and child.name not in {"rPh"}]
    raw = b"".join(content[piece.opened : piece.closing] for piece in pieces)
    return unescape(raw.decode("utf-8", "replace"))
