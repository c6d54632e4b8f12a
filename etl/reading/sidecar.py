"""What calamine does not tell about the cells of an xlsx or xlsm: errors, formulas without a result, number formats.

calamine gives a blank for "#N/A" and for an uncached formula, and the time 00:00 for a negative number shown as a date:
each would be lost in silence. Reads the XML with expat; declarations of document types and entities are refused.
Must stay import-light: the reading child loads it. Must not read values: those are calamine's.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import IO
from xml.parsers import expat

from etl.reading.grid import CellRange, cell_name, parse_cell_name
from etl.reading.number_formats import BUILTIN_FORMATS

Attributes = dict[str, str]
Position = tuple[int, int]


@dataclass(slots=True)
class SheetExtras:
    """By zero-based (row, column). `serials` holds the raw number where calamine would show a time instead of it."""

    name: str
    errors: dict[Position, str] = field(default_factory=dict)
    uncached: dict[Position, str] = field(default_factory=dict)
    formats: dict[Position, str] = field(default_factory=dict)
    serials: dict[Position, str] = field(default_factory=dict)
    merged: list[CellRange] = field(default_factory=list)
    hidden_rows: list[tuple[int, int]] = field(default_factory=list)
    """First and last row of each run of hidden ones; the same of columns."""
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)


class SidecarError(ValueError):
    """The file is not what its format demands; the message is a stable word, never text of the file."""


_CHUNK = 1024 * 1024
_PRETEST_BYTES = 8 * 1024 * 1024
_REMEMBERED_BYTES = 256 * 1024
_INTERESTING = re.compile(rb"<(?:[\w.-]+:)?f[\s/>]|\bt\s*=\s*[\"']e[\"']")


def read_xlsx_extras(data: bytes) -> list[SheetExtras]:
    """One entry a sheet, in the order of the tabs; empty for sheets without cells (charts).

    Raises SidecarError, expat.ExpatError or what zipfile raises for a damaged archive.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {entry.filename.replace("\\", "/").lstrip("/").lower(): entry for entry in archive.infolist()}
        book = _find_book(archive, parts)
        links = _read_links(archive, parts, links_path(book))
        folder = posixpath.dirname(book)
        formats = _read_formats(archive, parts, _find_styles(links, folder))
        extras = []
        for name, link in _read_sheets(archive, parts, book):
            sheet = SheetExtras(name)
            kind, target = links.get(link, ("", ""))
            entry = parts.get(resolve_target(folder, target).lower())
            if entry is not None and kind.rpartition("/")[2] in {"worksheet", "dialogsheet", "xlMacrosheet"}:
                _scan_sheet(archive, entry, formats, sheet)
            extras.append(sheet)
    return extras


_ERROR_VALUE = re.compile(
    rb"""(<(?:[\w.-]+:)?c\s[^>]*?\bt\s*=\s*["']e["'][^>]*(?<!/)>(?:(?!</(?:[\w.-]+:)?c>).)*?<(?:[\w.-]+:)?v>)[^<]*""",
    re.DOTALL,
)


def replace_error_values(data: bytes) -> bytes:
    """The same workbook with every error cell saying "#N/A", for a reader that does not know all errors."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copy,
    ):
        for entry in source.infolist():
            part = source.read(entry)
            copy.writestr(entry.filename, _ERROR_VALUE.sub(rb"\1#N/A", part) if b"sheetData" in part else part)
    return out.getvalue()


def local_name(name: str) -> str:
    """The name of an element or attribute without its prefix. Prefixes and namespaces (strict, transitional) vary."""
    return name.rpartition(":")[2]


def new_parser() -> expat.XMLParserType:
    """An expat parser that refuses document types, hence entities: no expansion bomb, nothing fetched."""
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise SidecarError("doctype")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    return parser


def _chunks(part: IO[bytes]) -> Iterator[bytes]:
    while chunk := part.read(_CHUNK):
        yield chunk


def _walk(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, visit: Callable[[str, Attributes], None]) -> None:
    """Calls visit(local name, attributes by local name) for every element of a small part."""
    with archive.open(entry) as part:
        _feed(_chunks(part), visit)


def _feed(chunks: Iterable[bytes], visit: Callable[[str, Attributes], None]) -> None:
    parser = new_parser()
    parser.StartElementHandler = lambda name, attributes: visit(
        local_name(name), {local_name(key): value for key, value in attributes.items()}
    )
    for chunk in chunks:
        parser.Parse(chunk, False)
    parser.Parse(b"", True)


def links_path(part: str) -> str:
    """Where the archive keeps the relationships of a part."""
    return f"{posixpath.dirname(part)}/_rels/{posixpath.basename(part)}.rels".lstrip("/")


def resolve_target(folder: str, target: str) -> str:
    """The path in the archive of a relationship's target: "/xl/a.xml" from the root, "a.xml" from the part's folder."""
    clean = target.replace("\\", "/")
    path = clean.lstrip("/") if clean.startswith("/") else posixpath.join(folder, clean)
    return posixpath.normpath(path)


def _read_links(archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo], path: str) -> dict[str, tuple[str, str]]:
    """Relationship id to (type, target)."""
    links: dict[str, tuple[str, str]] = {}

    def visit(name: str, attributes: Attributes) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            links[attributes.get("Id", "")] = (attributes.get("Type", ""), attributes.get("Target", ""))

    entry = parts.get(path.lower())
    if entry is not None:
        _walk(archive, entry, visit)
    return links


def _find_book(archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo]) -> str:
    for kind, target in _read_links(archive, parts, "_rels/.rels").values():
        path = resolve_target("", target)
        if kind.endswith("/officeDocument") and path.lower() in parts:
            return path
    if "xl/workbook.xml" not in parts:
        raise SidecarError("no_workbook_part")
    return "xl/workbook.xml"


def _find_styles(links: dict[str, tuple[str, str]], folder: str) -> str:
    for kind, target in links.values():
        if kind.endswith("/styles"):
            return resolve_target(folder, target)
    return posixpath.join(folder, "styles.xml")


def _read_sheets(archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo], book: str) -> list[tuple[str, str]]:
    """(name, relationship id) of each sheet in the order of the tabs."""
    sheets: list[tuple[str, str]] = []

    def visit(name: str, attributes: Attributes) -> None:
        if name == "sheet":
            sheets.append((attributes.get("name", ""), attributes.get("id", "")))

    _walk(archive, parts[book.lower()], visit)
    return sheets


def _read_formats(archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo], path: str) -> dict[str, str]:
    """Style index, as the cells write it, to number format code; General ones are absent."""
    entry = parts.get(path.lower())
    if entry is None:
        return {}
    whole = archive.read(entry)
    return _parse_formats(whole) if len(whole) <= _REMEMBERED_BYTES else _parse_formats.__wrapped__(whole)


@lru_cache(maxsize=16)
def _parse_formats(whole: bytes) -> dict[str, str]:
    """The formats in a styles part. Remembered: the workbooks of one template share theirs, byte for byte."""
    codes: dict[int, str] = dict(BUILTIN_FORMATS)
    styles: list[str] = []
    section = ""

    def visit(name: str, attributes: Attributes) -> None:
        nonlocal section
        if name in {"numFmts", "cellXfs", "cellStyleXfs", "dxfs", "cellStyles"}:
            section = name
        elif name == "numFmt" and section == "numFmts":
            number = attributes.get("numFmtId", "")
            if number.isascii() and number.isdigit():
                codes[int(number)] = attributes.get("formatCode", "")
        elif name == "xf" and section == "cellXfs":
            styles.append(attributes.get("numFmtId", "0"))

    _feed([whole], visit)
    found: dict[str, str] = {}
    for index, number in enumerate(styles):
        code = codes.get(int(number), "") if number.isascii() and number.isdigit() else ""
        if code and code.lower() != "general":
            found[str(index)] = code
    return found


_ANY_CELL = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?c[\s/>]")
_PLAIN_CELL = re.compile(
    rb'<c r="([A-Z]{1,3}[1-9][0-9]{0,6})"(?: s="([0-9]+)")?(?: t="([A-Za-z]+)")?(?:/>|></c>|>(?:<v>([^<&\s]*)</v></c>|<is>))'
)
_NAME_ENDS = (b" ", b">", b"/", b"\t", b"\n", b"\r", b"\x0b", b"\x0c")
_CELL_STARTS = tuple(b"<c" + end for end in _NAME_ENDS)
_MARKS_OF_INTEREST = (b'"e"', b"'e'", b":f", *(b"<f" + end for end in _NAME_ENDS))
_FOREIGN = re.compile(rb"encoding=[\"'](?!utf-8[\"'])", re.IGNORECASE)


def _scan_sheet(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, formats: dict[str, str], sheet: SheetExtras) -> None:
    scanner = _SheetScanner(formats, sheet)
    with archive.open(entry) as part:
        if entry.file_size <= _PRETEST_BYTES:
            whole = part.read()
            # Without errors and formulas only number formats are left, and none in a book of General cells.
            plain = not _may_interest(whole)
            if not (plain and (not formats or _scan_plain(whole, formats, sheet))):
                scanner.parser.Parse(whole, True)
            elif b"hidden" in whole:
                _scan_hidden(whole, sheet)
            return
        for chunk in _chunks(part):
            scanner.parser.Parse(chunk, False)
        scanner.parser.Parse(b"", True)


_HIDDEN = re.compile(rb"""<(?:[\w.-]+:)?(row|col)\s(?=[^>]*\shidden\s*=\s*["'](?:1|true)["'])([^>]*)>""")
_NUMBERS = re.compile(rb"""\b(r|min|max)\s*=\s*["']([0-9]{1,7})["']""")


def _scan_hidden(whole: bytes, sheet: SheetExtras) -> None:
    for kind, tag in _HIDDEN.findall(whole):
        _keep_hidden(kind.decode(), {name.decode(): value.decode() for name, value in _NUMBERS.findall(tag)}, sheet)


def _keep_hidden(kind: str, attributes: Attributes, sheet: SheetExtras) -> None:
    names, kept = (("r", "r"), sheet.hidden_rows) if kind == "row" else (("min", "max"), sheet.hidden_columns)
    first, last = (attributes.get(name, "") for name in names)
    if first.isascii() and first.isdigit() and last.isascii() and last.isdigit():
        kept.append((int(first) - 1, int(last) - 1))


def _may_interest(whole: bytes) -> bool:
    """Whether a sheet may hold a formula or an error. Plain searches first: they are ten times as fast as the pattern."""
    return any(mark in whole for mark in _MARKS_OF_INTEREST) and _INTERESTING.search(whole) is not None


def _count_cells(whole: bytes) -> int:
    """Cells in a sheet part, however their elements are written."""
    if b":c" in whole:
        return len(_ANY_CELL.findall(whole))
    return sum(map(whole.count, _CELL_STARTS))


def _scan_plain(whole: bytes, formats: dict[str, str], sheet: SheetExtras) -> bool:
    """Number formats of a sheet written as Excel, LibreOffice and xlsxwriter write it; five times as fast as a parser.

    False, with nothing kept, as soon as one cell is written otherwise: then the parser has to look.
    """
    if not whole.startswith((b"<?xml", b"<worksheet")) or b"\x00" in whole or b"<!" in whole:
        return False
    if _FOREIGN.search(whole, 0, max(0, whole.find(b"?>"))):
        return False
    cells = _PLAIN_CELL.findall(whole)
    if len(cells) != _count_cells(whole) or not whole.rstrip().endswith(b"</worksheet>"):
        return False
    for reference, style, kind, value in cells:
        code = formats.get(style.decode()) if value and kind in {b"", b"n", b"d"} else None
        if code is not None:
            position = parse_cell_name(reference.decode())
            sheet.formats[position] = code
            if value[:1] in b"-0":
                sheet.serials[position] = value.decode()
    return True


class _SheetScanner:
    """Expat callbacks for one sheet part. One small call for each element: a sheet may have millions."""

    def __init__(self, formats: dict[str, str], sheet: SheetExtras) -> None:
        self._formats = formats
        self._sheet = sheet
        self._names: dict[str, str] = {}
        self._row = 0
        self._reference: str | None = None
        self._kind: str | None = None
        self._style = ""
        self._value = ""
        self._formula: str | None = None
        self._texts: list[str] = []
        self.parser = new_parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _local(self, name: str) -> str:
        local = self._names.get(name)
        if local is None:
            local = self._names[name] = local_name(name)
        return local

    def _start(self, name: str, attributes: Attributes) -> None:
        tag = name if ":" not in name else self._local(name)
        if tag == "c":
            reference = attributes.get("r")
            self._reference = reference if reference is not None else self._next_reference()
            self._kind = attributes.get("t")
            self._style = attributes.get("s", "")
            self._value = ""
            self._formula = None
        elif tag in {"v", "f"}:
            self._texts = []
            self.parser.CharacterDataHandler = self._texts.append
        elif tag == "row":
            number = attributes.get("r", "")
            self._row = int(number) if number.isascii() and number.isdigit() else self._row + 1
            self._reference = None
        if tag in {"row", "col"} and attributes.get("hidden") in {"1", "true"}:
            _keep_hidden(tag, {"r": str(self._row)} | attributes, self._sheet)

    def _end(self, name: str) -> None:
        tag = name if ":" not in name else self._local(name)
        if tag == "v":
            self._value = "".join(self._texts).strip()
            self.parser.CharacterDataHandler = None
        elif tag == "f":
            self._formula = "".join(self._texts)
            self.parser.CharacterDataHandler = None
        elif tag == "c":
            self._keep()

    def _keep(self) -> None:
        kind, reference = self._kind, self._reference or ""
        if kind == "e":
            self._sheet.errors[parse_cell_name(reference)] = self._value or "#ERROR!"
        elif not self._value:
            # Excel marks a formula whose result is the empty text with t="str"; without it the result was never saved.
            if self._formula is not None and kind not in {"str", "s", "inlineStr"}:
                self._sheet.uncached[parse_cell_name(reference)] = "=" + self._formula
        elif (kind is None or kind in {"n", "d"}) and (code := self._formats.get(self._style)) is not None:
            position = parse_cell_name(reference)
            self._sheet.formats[position] = code
            if self._value[0] in "-0":
                self._sheet.serials[position] = self._value

    def _next_reference(self) -> str:
        """Cells may come without a reference: each is then right of the one before it."""
        if self._reference is None:
            return cell_name(self._row - 1, 0)
        row, column = parse_cell_name(self._reference)
        return cell_name(row, column + 1)
