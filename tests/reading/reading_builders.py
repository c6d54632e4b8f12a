"""Workbooks for the tests of reading, made from their parts: BIFF8 in an OLE container, ods and xlsx by hand.

Written by hand where no library can make the case (error cells in .xls, lying archives). Must not import etl.
"""

from __future__ import annotations

import io
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import xlsxwriter

MAIN_NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE_NS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def make_small_xlsx(text: str = "Đơn vị", sheets: int = 1) -> bytes:
    """A sound workbook: `text` in A1 and 12 in B2 of every sheet."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    for number in range(sheets):
        sheet = book.add_worksheet(f"Biểu {number + 1}")
        sheet.write_string(0, 0, text)
        sheet.write_number(1, 1, 12)
    book.close()
    return out.getvalue()


def rewrite_parts(
    data: bytes, change: Callable[[str, bytes], bytes | None], names: dict[str, str] | None = None
) -> bytes:
    """The same archive with each part replaced by change(name, content); None drops it. `names` renames parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in source.namelist():
            part = change(name, source.read(name))
            if part is not None:
                copy.writestr((names or {}).get(name, name), part)
    return out.getvalue()


def replace_rows(data: bytes, rows: str, sheet: str = "xl/worksheets/sheet1.xml") -> bytes:
    """The workbook with the sheetData of one sheet replaced by `rows`."""

    def change(name: str, part: bytes) -> bytes:
        if name != sheet:
            return part
        return re.sub(rb"<sheetData>.*</sheetData>", b"<sheetData>" + rows.encode() + b"</sheetData>", part, flags=re.S)

    return rewrite_parts(data, change)


def make_lying_archive(real_mib: int) -> bytes:
    """An xlsx whose first sheet says it unpacks to 1,000 bytes and unpacks to `real_mib` MiB of blanks."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    # A full flush forgets what came before, so one packed mebibyte can be repeated without packing it again.
    block = packer.compress(b" " * 1024 * 1024) + packer.flush(zlib.Z_FULL_FLUSH)
    body = block * real_mib + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    base = make_small_xlsx()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(base)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as copy:
        for name in source.namelist():
            copy.writestr(name, body if name == "xl/worksheets/sheet1.xml" else source.read(name))
    data = bytearray(out.getvalue())
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        header = archive.getinfo("xl/worksheets/sheet1.xml").header_offset
    name = b"xl/worksheets/sheet1.xml"
    directory = data.index(b"PK\x01\x02", header + len(body))
    while data[directory + 46 : directory + 46 + len(name)] != name:
        directory = data.index(b"PK\x01\x02", directory + 4)
    for method_at, size_at in ((header + 8, header + 22), (directory + 10, directory + 24)):
        struct.pack_into("<H", data, method_at, 8)
        struct.pack_into("<I", data, size_at, 1000)
    return bytes(data)


def wrap_ole(stream: bytes, name: str = "Workbook") -> bytes:
    """An OLE container (version 3, sectors of 512 bytes) with one stream of at most about 60 KiB."""
    stream = stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0")
    count = len(stream) // 512
    free, end, none = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF
    table = [0xFFFFFFFD, end, *range(3, count + 2), end]
    table += [free] * (128 - len(table))

    def entry(label: str, kind: int, child: int, start: int, size: int) -> bytes:
        text = label.encode("utf-16-le")
        length = len(text) + 2 if label else 0
        fields = (length, kind, 1, none, none, child, b"", 0, 0, 0, start, size)
        return text.ljust(64, b"\0") + struct.pack("<HBBIII16sIQQIQ", *fields)

    directory = entry("Root Entry", 5, 1, end, 0) + entry(name, 2, none, 2, len(stream)) + entry("", 0, none, 0, 0) * 2
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, end, 0, end, 0) + struct.pack("<109I", 0, *[free] * 108)
    return header + struct.pack("<128I", *table) + directory + stream


def biff_record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _biff_text(text: str, size: str) -> bytes:
    return struct.pack(f"<{size}B", len(text), 1) + text.encode("utf-16-le")


def biff_label(row: int, column: int, text: str) -> bytes:
    return biff_record(0x204, struct.pack("<HHH", row, column, 0) + _biff_text(text, "H"))


def biff_number(row: int, column: int, value: float, style: int = 0) -> bytes:
    return biff_record(0x203, struct.pack("<HHHd", row, column, style, value))


def biff_mul_rk(row: int, column: int, values: Iterable[tuple[int, int]]) -> bytes:
    """values: (style, whole number) side by side."""
    packed = b"".join(struct.pack("<HI", style, (value << 2 | 2) & 0xFFFFFFFF) for style, value in values)
    return biff_record(
        0xBD, struct.pack("<HH", row, column) + packed + struct.pack("<H", column + len(packed) // 6 - 1)
    )


def biff_bool_or_error(row: int, column: int, value: int, is_error: bool) -> bytes:
    return biff_record(0x205, struct.pack("<HHHBB", row, column, 0, value, is_error))


def biff_formula_error(row: int, column: int, code: int) -> bytes:
    result = bytes([2, 0, code, 0, 0, 0, 0xFF, 0xFF])
    return biff_record(6, struct.pack("<HHH", row, column, 0) + result + struct.pack("<HIH", 0, 0, 3) + b"\x1e\x01\0")


def make_xls(cells: Iterable[bytes], sheet: str = "Biểu 1", formats: Iterable[str] = (), locked: bool = False) -> bytes:
    """A BIFF8 workbook of one sheet. Style n + 1 has the n-th format; `locked` adds the RC4 password record."""
    begin = {kind: biff_record(0x809, struct.pack("<HHHHII", 0x600, kind, 0xDBB, 0x7CC, 0, 6)) for kind in (5, 0x10)}
    parts = begin[5]
    if locked:
        parts += biff_record(0x2F, struct.pack("<HHH", 1, 1, 1) + b"\1" * 48)
    parts += biff_record(0x42, struct.pack("<H", 1200))
    codes = dict(enumerate(formats, 164))
    for number, code in codes.items():
        parts += biff_record(0x41E, struct.pack("<H", number) + _biff_text(code, "H"))
    for number in (0, *codes):
        parts += biff_record(0xE0, struct.pack("<HHH14x", 0, number, 0))
    tail = struct.pack("<BB", 0, 0) + _biff_text(sheet, "B")
    offset = len(parts) + 4 + 4 + len(tail) + 4
    parts += biff_record(0x85, struct.pack("<I", offset) + tail) + biff_record(0x0A)
    return wrap_ole(parts + begin[0x10] + b"".join(cells) + biff_record(0x0A))


def make_ods(tables: str, encrypted: bool = False) -> bytes:
    """An ods with these <table:table> elements; the style "hidden" hides a table."""
    names = {
        "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
        "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
        "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
        "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
        "calcext": "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0",
    }
    declared = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in names.items())
    media = "application/vnd.oasis.opendocument.spreadsheet"
    lock = "<manifest:encryption-data/>" if encrypted else ""
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{media}"/>'
        f'<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml">{lock}'
        "</manifest:file-entry></manifest:manifest>"
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {declared}><office:automatic-styles>'
        '<style:style style:name="hidden" style:family="table"><style:table-properties table:display="false"/>'
        f"</style:style></office:automatic-styles><office:body><office:spreadsheet>{tables}</office:spreadsheet>"
        "</office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", media)
        archive.writestr("META-INF/manifest.xml", manifest)
        archive.writestr("content.xml", os.urandom(400) if encrypted else content)
    return out.getvalue()


def list_children(parent: int) -> dict[int, str]:
    """The children of a program, with their state letter (Z is a zombie)."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, owner = stat.read_text().rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if int(owner) == parent:
            found[int(stat.parent.name)] = state
    return found
