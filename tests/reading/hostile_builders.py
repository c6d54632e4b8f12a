"""Files made to do harm, each with the finding it must lead to. All are small on disk. Must not import etl."""

from __future__ import annotations

import base64
import io
import random
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from reading_builders import (
    biff_label,
    biff_number,
    biff_record,
    make_lying_archive,
    make_ods,
    make_small_xlsx,
    make_xls,
    replace_rows,
    rewrite_parts,
    wrap_ole,
)

SOUND: Final = make_small_xlsx()
SHEET: Final = "xl/worksheets/sheet1.xml"
ENCRYPTED: Final = Path(__file__).resolve().parents[2] / "etl" / "sample" / "encrypted.xlsx.b64"
READ: Final = "read"
"""In place of a finding code: the file is read, and its few cells are no form."""
_CELL: Final = '<table:table-cell office:value-type="float" office:value="5"{}/>'


def change_part(data: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The workbook with one of its parts changed."""
    return rewrite_parts(data, lambda part, body: change(body) if part == name else body)


def before_end(data: bytes, part: str, end: str, new: bytes) -> bytes:
    """The workbook with `new` before the first `</end>` of a part."""
    return change_part(data, part, lambda body: body.replace(f"</{end}>".encode(), new + f"</{end}>".encode(), 1))


def after_cells(data: bytes, new: bytes, sheet: str = SHEET) -> bytes:
    """The workbook with elements behind the cells of a sheet."""
    return change_part(data, sheet, lambda body: body.replace(b"</sheetData>", b"</sheetData>" + new, 1))


def make_bomb() -> bytes:
    """Says honestly that it unpacks to 300 MiB of blanks."""
    return change_part(SOUND, SHEET, lambda body: body + b" " * (300 * 1024 * 1024))


def make_many_sheets(number: int) -> bytes:
    sheets = "".join(f'<sheet name="s{at}" sheetId="{at + 1}" r:id="rId1"/>' for at in range(number)).encode()
    return change_part(
        SOUND,
        "xl/workbook.xml",
        lambda body: re.sub(rb"<sheets>.*</sheets>", b"<sheets>" + sheets + b"</sheets>", body),
    )


def make_many_texts(random_bytes: int) -> bytes:
    """One shared text of random letters that packs badly, so that no ratio gives it away."""
    text = random.Random(1).randbytes(random_bytes).hex().encode()
    return change_part(
        SOUND, "xl/sharedStrings.xml",
        lambda body: re.sub(rb"<si>.*</si>", b"<si><t>" + text + b"</t></si>", body, flags=re.DOTALL),
    )  # fmt: skip


def make_nested_zip(depth: int) -> bytes:
    inner = SOUND
    for _ in range(depth):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("in.zip", inner)
        inner = target.getvalue()
    return inner


def make_table(rows: str) -> bytes:
    return make_ods(f'<table:table table:name="a">{rows}</table:table>')


def repeat_row(times: int | str, cell: str = _CELL.format("")) -> str:
    return f'<table:table-row table:number-rows-repeated="{times}">{cell}</table:table-row>'


def make_sheets_that_are_the_book(number: int) -> bytes:
    """An .xls each of whose sheets begins at the start of the stream: every one is read as long as all of it."""
    begin = biff_record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 6))
    bounds = (biff_record(0x85, struct.pack("<IBBBB", 0, 0, 0, 3, 0) + b"%03d" % at) for at in range(number))
    return wrap_ole(begin + b"".join(bounds) + biff_record(0x0A))


def spoil_chain(places: range, value: int) -> bytes:
    """An .xls whose table of sectors goes round in circles."""
    data = bytearray(make_xls([biff_number(0, 0, 1.0)]))
    for place in places:
        struct.pack_into("<I", data, 512 + 4 * place, value)
    return bytes(data)


def list_hostile() -> dict[str, tuple[bytes, str]]:
    """Name -> (the file, the code of the finding it must lead to or READ)."""
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="{}1048576"><v>1</v></c></row>'
    random_ids = random.Random(5)
    return {
        "bomb": (make_bomb(), "FILE-TOO-LARGE"),
        "lying bomb": (make_lying_archive(1500), "FILE-TOO-LARGE|FILE-UNREADABLE"),
        "sparse giant": (replace_rows(SOUND, far.format("XFD")), "FILE-TOO-LARGE"),
        "sparse column": (replace_rows(SOUND, far.format("A")), READ),
        "sparse of 26 columns": (replace_rows(SOUND, far.format("Z")), READ),
        "one far cell": (replace_rows(SOUND, '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'), READ),
        "vast dimension": (
            change_part(SOUND, SHEET, lambda body: re.sub(rb"<dim[^>]*>", b'<dimension ref="A1:XFD1048576"/>', body)),
            READ,
        ),
        "vast merge": (after_cells(SOUND, b'<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'), READ),
        "many merges": (
            after_cells(
                SOUND,
                b"<mergeCells>" + b"".join(b'<mergeCell ref="A%d:C%d"/>' % (at, at) for at in range(1, 60_000))
                + b"</mergeCells>",
            ),
            "FILE-TOO-LARGE",
        ),
        "many validations": (
            after_cells(
                SOUND,
                b"<dataValidations>"
                + b"".join(
                    b'<dataValidation type="list" sqref="A%d:XFD1048576"><formula1>"a"</formula1></dataValidation>' % at
                    for at in range(1, 100_000)
                )
                + b"</dataValidations>",
            ),
            READ,
        ),
        "many formats": (
            before_end(
                SOUND, "xl/styles.xml", "cellXfs",
                b"".join(b'<xf numFmtId="%d"/>' % random_ids.getrandbits(20) for _ in range(500_000)),
            ),
            READ,
        ),
        "many sheets": (make_many_sheets(20_000), "FILE-TOO-LARGE"),
        "many names": (
            before_end(
                SOUND, "xl/workbook.xml", "workbook",
                b"<definedNames>"
                + b"".join(b'<definedName name="n%d">$A$1</definedName>' % at for at in range(300_000))
                + b"</definedNames>",
            ),
            READ,
        ),
        "huge shared text": (make_many_texts(9 * 1024 * 1024), "FILE-TOO-LARGE"),
        "deep sheet": (
            change_part(
                SOUND, SHEET,
                lambda body: body.replace(b"<sheetData>", b"<x>" * 300_000 + b"</x>" * 300_000 + b"<sheetData>", 1),
            ),
            READ,
        ),
        "deep workbook part": (
            before_end(SOUND, "xl/workbook.xml", "workbook", b"<x>" * 300_000 + b"</x>" * 300_000), READ
        ),
        "many attributes": (
            change_part(
                SOUND, SHEET,
                lambda body: body.replace(b'<c r="A1"', b'<c r="A1" ' + b" ".join(b'q%d="1"' % at for at in range(100_000)), 1),
            ),
            READ,
        ),
        "row of twenty digits": (replace_rows(SOUND, f'<row r="{"9" * 20}"><c><v>1</v></c></row>'), "FILE-UNREADABLE"),
        "row beyond the last": (replace_rows(SOUND, '<row r="1048577"><c><v>1</v></c></row>'), "FILE-UNREADABLE"),
        "row nought": (replace_rows(SOUND, '<row r="0"><c r="A0"><v>1</v></c></row>'), "FILE-UNREADABLE"),
        "endless cell name": (
            replace_rows(SOUND, f'<row r="1"><c r="{"A" * 100_000}1"><v>1</v></c></row>'), "FILE-UNREADABLE|read"
        ),
        "text index": (replace_rows(SOUND, '<row r="1"><c r="A1" t="s"><v>99999999999</v></c></row>'), "FILE-UNREADABLE"),
        "format index": (replace_rows(SOUND, f'<row r="1"><c r="A1" s="{"9" * 30}"><v>1</v></c></row>'), READ),
        "endless number": (replace_rows(SOUND, f'<row r="1"><c r="A1"><v>{"9" * 2_000_000}</v></c></row>'), READ),
        "shared formula": (
            replace_rows(
                SOUND,
                '<row r="1"><c r="A1"><f t="shared" ref="A1:XFD1048576" si="0">B1+C1</f><v>1</v></c></row>'
                + "".join(f'<row r="{at}"><c r="A{at}"><f t="shared" si="0"/><v>1</v></c></row>' for at in range(2, 20_000)),
            ),
            READ,
        ),
        "array formula": (
            replace_rows(SOUND, '<row r="1"><c r="A1"><f t="array" ref="A1:XFD1048576">B1</f><v>1</v></c></row>'), READ
        ),
        "workbook in place of a sheet": (change_part(SOUND, SHEET, lambda _: SOUND), "FILE-UNREADABLE"),
        "archives in archives": (make_nested_zip(12), "FILE-NOT-WORKBOOK"),
        "ods, a million rows": (make_table(repeat_row(1_000_000)), "FILE-TOO-LARGE"),
        "ods, all cells of a sheet": (
            make_table(repeat_row(1_048_576, _CELL.format(' table:number-columns-repeated="16384"'))),
            "FILE-UNREADABLE|FILE-TOO-LARGE",
        ),
        "ods, endless repeat": (make_table(repeat_row("9" * 20)), "FILE-UNREADABLE"),
        "ods, repeat beyond a sheet": (make_table(repeat_row(4_294_967_295)), "FILE-TOO-LARGE|FILE-UNREADABLE"),
        "ods, a cell after a million blank rows": (
            make_table(
                repeat_row(1_048_575, '<table:table-cell table:number-columns-repeated="16384"/>') + repeat_row(1)
            ),
            READ,
        ),
        "ods, vast span": (
            make_table(
                repeat_row(1, _CELL.format(' table:number-rows-spanned="1000000" table:number-columns-spanned="16384"'))
            ),
            READ,
        ),
        "ods, two thousand million blanks": (
            make_table(
                repeat_row(1, '<table:table-cell office:value-type="string"><text:p>a<text:s text:c="2000000000"/>b'
                "</text:p></table:table-cell>")
            ),
            "FILE-TOO-LARGE",
        ),
        "ods, deep": (
            make_table("<table:table-row-group>" * 50_000 + "</table:table-row-group>" * 50_000), READ
        ),
        "xls, far columns": (
            make_xls([biff_number(0, 0, 1.0), biff_number(65_535, 65_535, 1.0)]), "FILE-TOO-LARGE|FILE-UNREADABLE"
        ),
        "xls, vast dimension": (
            make_xls([biff_record(0x200, struct.pack("<IIHHH", 0, 0xFFFFFFFF, 0, 0xFFFF, 0)), biff_number(0, 0, 1.0)]),
            "FILE-TOO-LARGE|FILE-UNREADABLE|read",
        ),
        "xls, a record longer than the file": (make_xls([struct.pack("<HH", 0x203, 0xFFFF)]), "FILE-UNREADABLE"),
        "xls, merges that are not there (calamine panics)": (
            make_xls([biff_record(0xE5, struct.pack("<H", 0xFFFF) + struct.pack("<HHHH", 0, 65_535, 0, 255) * 1000)]),
            "FILE-UNREADABLE",
        ),
        "xls, texts that are not there": (make_xls([biff_record(0xFC, struct.pack("<II", 2**32 - 1, 2**32 - 1))]), READ),
        "xls, sheets that are the book": (make_sheets_that_are_the_book(2500), "FILE-TOO-LARGE"),
        "xls, empty": (wrap_ole(b""), "FILE-UNREADABLE"),
        "xls, sectors that end nowhere": (spoil_chain(range(2), 0), "FILE-TOO-LARGE|FILE-UNREADABLE"),
        "xls, sectors in a circle": (spoil_chain(range(2, 10), 2), "FILE-UNREADABLE|read"),
        "password": (base64.b64decode(ENCRYPTED.read_text("ascii")), "FILE-ENCRYPTED"),
        "xls, password": (make_xls([biff_label(0, 0, "a")], locked=True), "FILE-ENCRYPTED"),
        "ods, password": (make_ods("", encrypted=True), "FILE-ENCRYPTED"),
    }  # fmt: skip


def list_truncated(step: int) -> dict[str, bytes]:
    """A sound file of each format, cut short at every `step` of its bytes."""
    files = {
        "xlsx": make_small_xlsx(sheets=2),
        "xls": make_xls([biff_label(0, 0, "Đơn vị"), biff_number(1, 1, 0.5, 1)], formats=["0.0%"]),
        "ods": make_table(repeat_row(3)),
    }
    return {
        f"{kind} cut at {at}": data[:at]
        for kind, data in files.items()
        for at in range(1, len(data), len(data) // step)
    }
