"""The bytes of a sample file: the planned workbook, or what else arrives under the name of one. Pure: bytes out.

The same draft gives the same bytes everywhere. It must not write to disk.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from xlsxwriter.utility import xl_rowcol_to_cell

from etl.sample.draft import Draft
from etl.templates.model import CellPlan, SheetPlan, WorkbookPlan
from etl.templates.write import write_workbook

ENCRYPTED_FIXTURE = Path(__file__).with_name("encrypted.xlsx.b64")
"""A small workbook behind a password. Kept as a file because encryption draws random salts: no two runs would agree."""


def build_file(draft: Draft) -> bytes:
    """The bytes that are sent."""
    match draft.payload:
        case "empty":
            return b""
        case "encrypted":
            return _read_encrypted()
        case "pdf":
            return _write_pdf(draft.file_stem(1))
        case "html":
            return _write_html(draft.setting.unit.name)
        case "no_form":
            return write_workbook(_plan_meeting_list())
        case "truncated":
            whole = write_workbook(draft.workbook)
            return whole[: len(whole) * 3 // 5]
    return store_formula_errors(write_workbook(draft.workbook), draft.workbook)


def store_formula_errors(content: bytes, plan: WorkbookPlan) -> bytes:
    """The workbook with the error (`#N/A`) stored beside each formula whose planned value it is, as Excel does."""
    changes = {
        f"xl/worksheets/sheet{number}.xml": errors
        for number, sheet in enumerate(plan.sheets, start=1)
        if (errors := _list_errors(sheet))
    }
    if not changes:
        return content
    target = BytesIO()
    with ZipFile(BytesIO(content)) as source, ZipFile(target, "w", ZIP_DEFLATED) as changed:
        for name in source.namelist():
            part = source.read(name)
            for cell, error in changes.get(name, ()):
                part = _store_error(part, cell, error)
            entry = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = ZIP_DEFLATED
            changed.writestr(entry, part)
    return target.getvalue()


def _list_errors(sheet: SheetPlan) -> list[tuple[str, str]]:
    return [
        (xl_rowcol_to_cell(*position), cell.value)
        for position, cell in sheet.cells.items()
        if cell.formula is not None and isinstance(cell.value, str) and cell.value.startswith("#")
    ]


def _store_error(part: bytes, cell: str, error: str) -> bytes:
    pattern = rb'<c r="%s"([^>]*?)(?: t="\w+")?><f>(.*?)</f>(?:<v>.*?</v>)?</c>' % cell.encode()
    changed, count = re.subn(
        pattern, rb'<c r="%s"\1 t="e"><f>\2</f><v>%s</v></c>' % (cell.encode(), error.encode()), part
    )
    if count != 1:
        raise ValueError(f"cell {cell} was not written as one formula: its error cannot be stored")
    return changed


@lru_cache(maxsize=1)
def _read_encrypted() -> bytes:
    return base64.b64decode(ENCRYPTED_FIXTURE.read_text("ascii"))


def _plan_meeting_list() -> WorkbookPlan:
    """A workbook that is no report: the guests of a meeting."""
    rows = (
        ("STT", "Họ và tên", "Đơn vị"),
        ("1", "Đại biểu thứ nhất", "Văn phòng"),
        ("2", "Đại biểu thứ hai", "Tổ chức"),
    )
    cells = {(row, column): CellPlan(text) for row, texts in enumerate(rows) for column, text in enumerate(texts)}
    return WorkbookPlan([SheetPlan("Đại biểu", cells=cells)])


def _write_pdf(title: str) -> bytes:
    """A one-page PDF with a line of text, as a scanned report that someone renamed."""
    text = f"BT /F1 14 Tf 72 760 Td ({title}) Tj ET".encode("ascii", "replace")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>",
    )
    content = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(content))
    return content + b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table) + trailer


def _write_html(unit_name: str) -> bytes:
    """A web page with a table: what some document systems export as "Excel"."""
    return (
        '<html><head><meta charset="utf-8"><title>Báo cáo</title></head><body><table border="1">'
        f"<tr><th>Đơn vị</th><th>Số liệu</th></tr><tr><td>{unit_name}</td><td>12</td></tr></table></body></html>\n"
    ).encode()
