"""The sender's own workbook with every faulty cell coloured and commented, and one more sheet that lists the findings.

Works on the parts inside the file: what is not touched stays byte for byte, values and formulas included, so that the
copy can be corrected and sent back. Must not read values, judge anything, or save through a spreadsheet library.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Final
from xml.parsers import expat

from etl.annotation.book import Book, SheetPart, open_book
from etl.annotation.boxes import VML_TYPE, ShapeNumbers, add_boxes, count_lines, new_drawing, stretch_boxes
from etl.annotation.cells import (
    Position,
    SheetLayout,
    find_anchors,
    find_merged,
    link_drawing,
    mark_cells,
    scan_sheet,
)
from etl.annotation.comments import COMMENTS_TYPE, Comments, new_comments, read_comments, write_comments
from etl.annotation.failures import CannotAnnotate
from etl.annotation.package import Package
from etl.annotation.result_sheet import SHEET_TYPE, write_result_sheet
from etl.annotation.splice import Edit, apply_edits
from etl.annotation.styles import STYLES_TYPE, Styles
from etl.annotation.wording import FILLS, RESULT_TITLE, mark_of, rank, write_comment
from etl.findings.model import Finding
from etl.reading.grid import parse_cell_name
from etl.reading.sniff import FileFormat, check_archive, sniff_format
from etl.recognition.tables import RESULT_SHEET

COPY_SUFFIX: Final = "_gop-y"
"""Ends the name of an annotated copy. No diacritics: mail programs garble them in names of attachments."""
MOST_MARKED_CELLS: Final = 5000
"""Cells marked in a sheet, the gravest findings first: programs open many thousands of comments slowly or not at all."""
_EXTENSIONS: Final = {FileFormat.XLSX: (".xlsx", ".xltx"), FileFormat.XLSM: (".xlsm", ".xltm")}
MARKABLE: Final = frozenset(_EXTENSIONS)
"""Formats of which an annotated copy can be made."""


def annotate_workbook(data: bytes, findings: Sequence[Finding], subject: str = "") -> bytes:
    """The .xlsx or .xlsm in `data` with its findings marked; the same arguments give the same bytes.

    `subject` (`name_subject`): whose file this is; a reason written into the copy then counts for that file alone.
    A finding whose sheet or cell is not in the file stands on the added sheet only. Marks of an earlier answer that
    have no finding any more turn green. Raises CannotAnnotate for other formats and for damaged files.
    """
    kind = sniff_format(data)
    if kind not in _EXTENSIONS:
        raise CannotAnnotate(f"only .xlsx and .xlsm workbooks can be annotated; this file is: {kind.value}")
    try:
        if check_archive(data) is not None:
            raise CannotAnnotate("the file would unpack to too much")
        return _annotate(Package(data), findings, subject)
    except (
        zipfile.BadZipFile, zlib.error, struct.error, expat.ExpatError, EOFError,
        RuntimeError, ValueError, LookupError,
    ) as error:  # fmt: skip
        # RuntimeError: encrypted entries and unknown compression. The cause says where; it may name parts, not people.
        raise CannotAnnotate(f"the inside of the workbook is damaged ({type(error).__name__})") from error


def name_annotated_copy(name: str, data: bytes) -> str:
    """ "<stem>_gop-y.xlsx" for a file called `name`, with the extension its content asks for; a copy's copy has one suffix."""
    path = PurePosixPath(name.replace("\\", "/"))
    right = _EXTENSIONS.get(sniff_format(data), (".xlsx",))
    extension = path.suffix.lower() if path.suffix.lower() in right else right[0]
    known = {suffix for group in _EXTENSIONS.values() for suffix in group} | {".xls", ".ods"}
    stem = path.stem if path.suffix.lower() in known else path.name
    return f"{stem.removesuffix(COPY_SUFFIX)}{COPY_SUFFIX}{extension}"


def _annotate(package: Package, findings: Sequence[Finding], subject: str) -> bytes:
    book = open_book(package)
    styles = Styles(package, book.styles_path, book.namespace)
    marker = _SheetMarker(package, book, styles)
    by_sheet: dict[str | None, list[Finding]] = {}
    for finding in sorted(findings, key=lambda finding: rank(finding.severity)):
        by_sheet.setdefault(finding.sheet, []).append(finding)
    for sheet in book.sheets:
        if sheet.can_be_marked:
            marker.mark(sheet, by_sheet.get(sheet.name, []))
    shown = {sheet.name for sheet in book.sheets if sheet.state == "visible"}
    content = write_result_sheet(findings, shown, styles, book.namespace, with_view=book.has_view, subject=subject)
    styles.save()
    if not book.has_styles:
        book.link("styles", styles.path, STYLES_TYPE)
    ours = book.find_result_sheet(RESULT_SHEET, RESULT_TITLE)
    if ours is not None:
        package.put(ours, content)
    else:
        book.add_sheet(RESULT_SHEET, content, SHEET_TYPE)
    return package.to_bytes()


class _SheetMarker:
    """Marks sheets one after another; what they share (styles, numbers of shapes) is kept here."""

    def __init__(self, package: Package, book: Book, styles: Styles) -> None:
        self._package = package
        self._book = book
        self._styles = styles
        drawings = [package.read(path) for path in package.list_paths() if path.lower().endswith(".vml")]
        self._numbers = ShapeNumbers(drawings)

    def mark(self, sheet: SheetPart, findings: Sequence[Finding]) -> None:
        """Colour and comment the cells of these findings, and turn old marks green. Without either nothing changes."""
        relations = self._package.relations(sheet.path)
        comments_path = next((link.target for link in relations if link.kind.endswith("/comments")), None)
        comments = None
        if comments_path is not None and self._package.has(comments_path):
            comments = read_comments(self._package.read(comments_path))
        if not findings and (comments is None or not comments.stale):
            return
        part = self._package.read(sheet.path)
        placed = [(place, finding) for finding in findings if (place := _position_of(finding)) is not None]
        anchors = find_anchors((place for place, _ in placed), find_merged(part))
        by_cell: dict[Position, list[Finding]] = {place: [] for place in sorted(comments.stale if comments else ())}
        for place, finding in placed:
            if anchors[place] in by_cell or len(by_cell) < MOST_MARKED_CELLS:
                by_cell.setdefault(anchors[place], []).append(finding)
        if not by_cell:
            return
        layout = scan_sheet(part, {row for row, _ in by_cell})
        marks = {
            position: partial(self._styles.fill_format, colour=FILLS[mark_of(found)])
            for position, found in by_cell.items()
        }
        edits = mark_cells(part, layout, marks)
        comments = comments or new_comments(self._book.namespace)
        texts = {place: write_comment(found) for place, found in by_cell.items() if place not in comments.threaded}
        if texts:
            if comments_path is None:
                comments_path = self._package.new_path(f"{self._book.folder}comments{{}}.xml")
                self._package.add_relation(sheet.path, self._book.kind("comments"), comments_path)
            self._package.put(comments_path, write_comments(comments, texts))
            self._package.add_content_type(comments_path, COMMENTS_TYPE)
            edits += self._add_boxes(sheet, layout, comments, texts)
        self._package.put(sheet.path, apply_edits(part, edits))

    def _add_boxes(
        self, sheet: SheetPart, layout: SheetLayout, comments: Comments, texts: dict[Position, str]
    ) -> list[Edit]:
        new = {place: text for place, text in texts.items() if place not in comments.present}
        longer = {
            place: count_lines(text)
            + 3
            - (count_lines(present.text) if (present.ours or present.heading is not None) else 0)
            for place, text in texts.items()
            if (present := comments.present.get(place)) is not None
        }
        link = layout.root.child("legacyDrawing")
        if link is not None:
            targets = {relation.id: relation.target for relation in self._package.relations(sheet.path)}
            path = targets[link.get("id") or ""]
            drawing = stretch_boxes(self._package.read(path), longer)
            self._package.put(path, add_boxes(drawing, new, layout, self._numbers))
            return []
        if not new:
            return []
        path = self._package.new_path(f"{self._book.folder}drawings/vmlDrawing{{}}.vml")
        self._package.put(path, add_boxes(new_drawing(), new, layout, self._numbers))
        self._package.add_default_type("vml", VML_TYPE)
        relation = self._package.add_relation(sheet.path, self._book.kind("vmlDrawing"), path)
        return [link_drawing(layout, relation, self._book.relations_namespace)]


def _position_of(finding: Finding) -> Position | None:
    if finding.cell is None:
        return None
    try:
        return parse_cell_name(finding.cell)
    except ValueError:
        return None
