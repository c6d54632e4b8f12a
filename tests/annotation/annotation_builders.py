"""Workbooks as senders' programs write them, and ways to look into an annotated copy. Must not know how one is made."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import openpyxl
import xlsxwriter
from openpyxl.comments import Comment

from etl.findings.model import Finding, Severity
from etl.reading.grid import Cell, Workbook
from etl.reading.pool import read_workbook

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
STRICT = "http://purl.oclc.org/ooxml"
RED, YELLOW, BLUE, GREEN = "FFFFA3A3", "FFFFD95A", "FFBDD7EE", "FFC6E0B4"


def make_finding(
    cell: str | None,
    sheet: str | None = "Biểu 1",
    severity: str = "error",
    message: str = "Ô này ghi “mười”, không phải số.",
    fix: str = "Ghi bằng chữ số.",
    code: str = "CELL-NOT-NUMBER",
) -> Finding:
    return Finding(code, Severity(severity), message, fix, form="F03", sheet=sheet, cell=cell)


def unzip(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(names) == len(set(names))
        return {name: archive.read(name) for name in names}


def rezip(parts: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


def rewrite(data: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    return rezip({name: change(name, content) for name, content in unzip(data).items()})


def load(data: bytes) -> Any:
    """The workbook as openpyxl, which shares no code with us, reads it."""
    return openpyxl.load_workbook(io.BytesIO(data))


def fill_of(cell: Any) -> str | None:
    return cell.fill.fgColor.rgb if cell.fill.fill_type == "solid" else None


def read_cells(data: bytes, *, without: str | None = None) -> dict[str, dict[tuple[int, int], Cell]]:
    """Sheet name -> its cells, as our own reading sees them."""
    workbook = read_workbook(data)
    assert isinstance(workbook, Workbook), workbook
    return {sheet.name: dict(sheet.cells) for sheet in workbook.sheets if sheet.name != without}


def make_png(width: int = 4, height: int = 4) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + b"\xff\0\0" * width for _ in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def make_rich_workbook() -> bytes:
    """A unit's own workbook with nearly everything Excel offers; its sheets: Biểu 1, Số liệu, Ẩn, Rất ẩn."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    money = book.add_format({"num_format": '#,##0" đồng"', "locked": False, "italic": True, "border": 1})
    sheet = book.add_worksheet("Biểu 1")
    sheet.set_row(11, 20, book.add_format({"num_format": "0.00%"}))
    sheet.set_column(6, 6, 12, book.add_format({"num_format": "0.000"}))
    sheet.write_string("A1", "Đơn vị: Sở Nội vụ")
    sheet.merge_range("B3:D4", "Tiêu đề gộp", book.add_format({"align": "center"}))
    for row in range(5, 10):
        sheet.write_number(row, 1, row * 1000, money)
        sheet.write_string(row, 2, "mười")
    sheet.write_formula("B11", "=SUM(B6:B10)", money, 35000)
    sheet.write_rich_string("A12", "chữ ", book.add_format({"bold": True}), "đậm")
    sheet.write_comment("B6", "Số này theo công văn 12.", {"author": "Nguyễn Thị Mẫu"})
    sheet.write_comment("C9", "Ghi chú khác", {"author": "Nguyễn Thị Mẫu"})
    sheet.data_validation("B6:B10", {"validate": "integer", "criteria": ">=", "value": 0})
    sheet.conditional_format("B6:B10", {"type": "cell", "criteria": ">", "value": 7000, "format": money})
    sheet.insert_image("J2", "logo.png", {"image_data": io.BytesIO(make_png())})
    chart = book.add_chart({"type": "column"})
    chart.add_series({"values": "='Biểu 1'!$B$6:$B$10"})
    sheet.insert_chart("J10", chart)
    sheet.write_url("A14", "https://example.vn/", string="trang")
    sheet.set_header("&L&G", {"image_left": "logo.png", "image_data_left": io.BytesIO(make_png())})
    sheet.freeze_panes(5, 1)
    sheet.protect("mat-khau", {"format_cells": True})
    data = book.add_worksheet("Số liệu")
    data.add_table("A1:C4", {"data": [[1, 2, 3], [4, 5, 6], [7, 8, 9]], "name": "Bang1"})
    hidden = book.add_worksheet("Ẩn")
    hidden.write_number("A1", 1)
    hidden.hide()
    very = book.add_worksheet("Rất ẩn")
    very.write_number("A1", 1)
    very.very_hidden()
    book.define_name("Tong", "='Biểu 1'!$B$11")
    book.set_properties({"title": "Báo cáo"})
    book.close()
    return target.getvalue()


def make_openpyxl_workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Biểu 1"
    sheet["A1"] = "Đơn vị"
    sheet["B2"] = 12.5
    sheet["B2"].number_format = "0.00"
    sheet["B2"].comment = Comment("của đơn vị", "Kế toán")
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def make_bare_workbook(sheet: str, *, extra: Mapping[str, str] | None = None, prefix: str = "") -> bytes:
    """The least workbook a program may write: one sheet, no styles, no shared strings. `sheet`: inside of the root."""
    space = f'xmlns:{prefix[:-1]}="{MAIN}"' if prefix else f'xmlns="{MAIN}"'
    head = '<?xml version="1.0"?>'
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'{head}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="{types}.worksheet+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{types}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'{head}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="/xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f"{head}<{prefix}workbook {space}><{prefix}sheets>"
        f'<{prefix}sheet xmlns:q="{OFFICE}" name="Biểu 1" sheetId="7" q:id="abc"/>'
        f"</{prefix}sheets></{prefix}workbook>",
        "xl/_rels/workbook.xml.rels": f'{head}<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="abc" Type="{OFFICE}/worksheet" Target="worksheets/bieu.xml"/></Relationships>',
        "xl/worksheets/bieu.xml": f"{head}<{prefix}worksheet {space}>{sheet}</{prefix}worksheet>",
        **(extra or {}),
    }
    return rezip({name: content.encode("utf-8") for name, content in parts.items()})


def make_strict(data: bytes) -> bytes:
    """The same workbook in the strict dialect, as "Strict Open XML Spreadsheet" saves it."""

    def change(name: str, content: bytes) -> bytes:
        if not name.endswith((".xml", ".rels")):
            return content
        return content.replace(MAIN.encode(), f"{STRICT}/spreadsheetml/main".encode()).replace(
            OFFICE.encode(), f"{STRICT}/officeDocument/relationships".encode()
        )

    return rewrite(data, change)


def make_macro_workbook() -> bytes:
    def change(name: str, content: bytes) -> bytes:
        if name == "[Content_Types].xml":
            content = content.replace(
                b"vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
                b"vnd.ms-excel.sheet.macroEnabled.main+xml",
            )
            default = b'<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>'
            content = content.replace(b"</Types>", default + b"</Types>")
        return content

    return rezip({**unzip(rewrite(make_rich_workbook(), change)), "xl/vbaProject.bin": bytes(range(256)) * 8})


def make_threaded_workbook() -> bytes:
    """As Excel 365 stores a conversation on B6: a note that stands in for it, and the conversation beside it."""
    parts = unzip(make_rich_workbook())
    name = next(name for name in parts if "comments" in name)
    parts[name] = parts[name].replace("Nguyễn Thị Mẫu".encode(), b"tc={11111111-2222-3333-4444-555555555555}")
    sheet_rels = "xl/worksheets/_rels/sheet1.xml.rels"
    relation = (
        '<Relationship Id="rId99" Type="http://schemas.microsoft.com/office/2017/10/relationships/threadedComment" '
        'Target="../threadedComments/threadedComment1.xml"/></Relationships>'
    )
    parts[sheet_rels] = parts[sheet_rels].replace(b"</Relationships>", relation.encode())
    parts["xl/threadedComments/threadedComment1.xml"] = b"<ThreadedComments/>"
    return rezip(parts)
