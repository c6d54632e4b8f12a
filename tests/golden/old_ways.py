"""Edits that make of a sound workbook what units send instead: old fonts, text files, strict files, lost codes, hidden rows.

Own tables of the old encodings' letters are made by turning those of `etl.encodings` round; a few words written by hand in
tests/test_encodings.py keep both honest.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Callable, Sequence

from etl.encodings import LETTERS, LegacyEncoding
from etl.templates.model import CellPlan, SheetPlan
from tests.golden.sender import Edit, Sending

TCVN3, VNI = LegacyEncoding.TCVN3, LegacyEncoding.VNI
_CODES: dict[LegacyEncoding, dict[str, str]] = {encoding: {} for encoding in LegacyEncoding}
for _encoding, _letters in LETTERS.items():
    for _code, _letter in _letters.items():
        _CODES[_encoding].setdefault(_letter, _code)
# Capitals take capital marks: the table holds both ways to type them.
_CODES[VNI] |= {letter: code.upper() for letter, code in _CODES[VNI].items() if letter.isupper()}


def encode(text: str, encoding: LegacyEncoding) -> str:
    """A text as it stands in a sheet typed with such a font; capitals with a tone become small ones in TCVN3."""
    codes = _CODES[encoding]
    return "".join(
        codes.get(letter) or codes.get(letter.lower()) or letter for letter in unicodedata.normalize("NFC", text)
    )


def rewrite_texts(change: Callable[[str], str], *forms: str, below: bool = False) -> Edit:
    """An edit: every text of these forms (all, when none is named) changed; `below`: only under the header."""

    def edit(sending: Sending) -> None:
        for sheet in sending.plan.sheets:
            if not forms or sheet.form in forms:
                for (row, _), cell in sheet.cells.items():
                    if isinstance(cell.value, str) and (not below or row > sheet.header_row):
                        cell.value = change(cell.value)

    return edit


def typed_in(encoding: LegacyEncoding, *forms: str) -> Edit:
    """An edit: these forms (or all) typed in an old encoding, headers, labels and answers."""
    return rewrite_texts(lambda text: encode(text, encoding), *forms)


def in_decomposed(text: str) -> str:
    """NFD: every mark apart, as some Macs send."""
    return unicodedata.normalize("NFD", text)


def in_compound(text: str) -> str:
    """Unicode tổ hợp: the letter with its hat is one character, the tone follows it. Neither NFC nor NFD."""
    out = []
    for letter in unicodedata.normalize("NFC", text):
        parts = unicodedata.normalize("NFD", letter)
        tones = [mark for mark in parts if mark in "\u0300\u0309\u0303\u0301\u0323"]
        bare = unicodedata.normalize("NFC", "".join(mark for mark in parts if mark not in tones))
        out.append(bare + "".join(tones))
    return "".join(out)


def without_column_codes(form: str) -> Edit:
    """An edit: the row of column codes deleted, its cells at least."""

    def edit(sending: Sending) -> None:
        sheet = sending.plan.sheet_of(form)
        for place in [place for place in sheet.cells if place[0] == sheet.header_row]:
            del sheet.cells[place]

    return edit


def without_row_codes(form: str) -> Edit:
    """An edit: the column of row codes emptied below its header."""

    def edit(sending: Sending) -> None:
        sheet = sending.plan.sheet_of(form)
        at = code_column(sheet)
        for place in [place for place in sheet.cells if place[0] > sheet.header_row and place[1] == at]:
            del sheet.cells[place]

    return edit


def code_column(sheet: SheetPlan) -> int:
    """The column of row codes of a fields or matrix form as the template has it."""
    return 0 if sheet.cells[sheet.header_row - 1, 0].value == "Mã số" else 1


def without_headings(form: str) -> Edit:
    """An edit: headings and column codes gone."""

    def edit(sending: Sending) -> None:
        sheet = sending.plan.sheet_of(form)
        for place in [place for place in sheet.cells if sheet.header_row - 1 <= place[0] <= sheet.header_row]:
            del sheet.cells[place]

    return edit


_PRINT_HEAD: Sequence[tuple[int, int, str]] = (
    (0, 0, "Biểu số 0603.N/BNV-TĐKT"), (0, 3, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"), (1, 3, "Độc lập - Tự do - Hạnh phúc"),
    (2, 0, "Đơn vị báo cáo: Sở Nội vụ"), (2, 3, "Đơn vị nhận báo cáo: Ban Thi đua - Khen thưởng"),
    (4, 0, "SỐ LƯỢNG KHEN THƯỞNG CẤP BỘ, BAN, NGÀNH, TỈNH"), (5, 0, "6 tháng đầu năm 2026"),
    (6, 0, "Chỉ tiêu"), (6, 1, "Mã số"), (6, 2, "Tổng số"), (6, 3, "Chia ra theo hình thức khen thưởng"),
    (7, 3, "Bằng\nkhen"), (7, 4, "Danh hiệu thi đua"), (8, 4, "Chiến sĩ thi đua cấp tỉnh (1)"), (8, 5, "Cờ thi đua cấp tỉnh"),
    (7, 6, "Huy hiệu, kỷ niệm chương (*)"), (7, 7, "Tập thể Lao động xuất sắc"),
)  # fmt: skip
_PRINT_MERGES = (
    (4, 0, 4, 7), (5, 0, 5, 7), (6, 0, 8, 0), (6, 1, 8, 1), (6, 2, 8, 2), (6, 3, 6, 7), (7, 3, 8, 3), (7, 4, 7, 5), (7, 6, 8, 6),
    (7, 7, 8, 7),
)  # fmt: skip
_PRINT_CODES = ("A", "B", "1=2+3+4+5", "2", "3", "4", "5", "6")
_PRINT_ROWS: Sequence[tuple[str | None, str]] = (
    ("01", "1. Tổng số (01=02+04+05=11+…+17)"), (None, "2. Chia theo đối tượng khen thưởng"), ("02", "- Tập thể"),
    ("03", "Trong đó: Doanh nghiệp"), ("04", "- Hộ gia đình"), ("05", "- Cá nhân (05=06+…+10)"),
    ("06", "+ Lãnh đạo cấp bộ, cấp tỉnh"), ("07", "+ Lãnh đạo cấp vụ,\ncấp sở"), ("08", "+ Doanh nhân"),
    ("09", "+ Lãnh đạo khác từ phó phòng trở lên"), ("10", "+ Người trực tiếp công tác, lao động, học tập, chiến đấu"),
    (None, "3. Chia theo phương thức khen thưởng"), ("11", "- Khen thưởng thường xuyên"), ("12", "- Khen thưởng chuyên đề"),
    ("13", "- Khen thưởng đột xuất"), ("14", "- Khen thưởng đối ngoại"), ("15", "- Khen thưởng cống hiến"),
    ("16", "- Khen thưởng niên hạn"), ("17", "- Khen thưởng kháng chiến"),
)  # fmt: skip


def ministry_print(*, codes: bool) -> Edit:
    """An edit: F05 as the ministry prints 0603: three rows of merged headers, formulas among the codes, headings between the
    rows, signatures below. `codes`: with the row of column codes and the row codes, or without both."""

    def edit(sending: Sending) -> None:
        sheet = sending.plan.sheet_of("F05")
        figures = {(key.row, key.column): sheet.cells[place].value for key, place in sheet.places.items()}
        cells = {(row, column): CellPlan(text) for row, column, text in _PRINT_HEAD}
        first = 9
        if codes:
            cells |= {(first, column): CellPlan(code) for column, code in enumerate(_PRINT_CODES)}
            first += 1
        for at, (code, label) in enumerate(_PRINT_ROWS, first):
            cells[at, 0] = CellPlan(label)
            if code is not None:
                if codes:
                    cells[at, 1] = CellPlan(code)
                cells |= {(at, column + 1): CellPlan(figures[code, str(column)]) for column in range(1, 7)}
        last = first + len(_PRINT_ROWS)
        cells[last, 0] = CellPlan("(*) Không gồm kỷ niệm chương của các tổ chức đoàn thể.")
        cells[last + 2, 0], cells[last + 2, 4] = CellPlan("Người lập biểu"), CellPlan("Thủ trưởng đơn vị")
        sheet.cells, sheet.merges, sheet.places = cells, list(_PRINT_MERGES), {}
        sheet.name, sheet.validations, sheet.widths, sheet.heights, sheet.freeze = "0603", {}, {}, {}, None

    return edit


def rewrite_archive(data: bytes, change: Callable[[str, str], str]) -> bytes:
    """The workbook with the text of every part changed by change(name, text)."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as copy:
        for entry in source.infolist():
            copy.writestr(entry, change(entry.filename, source.read(entry).decode("utf-8")).encode())
    return out.getvalue()


_STRICT = (
    ("http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://purl.oclc.org/ooxml/spreadsheetml/main"),
    (
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
        "http://purl.oclc.org/ooxml/officeDocument/relationships",
    ),
    (
        "http://schemas.openxmlformats.org/officeDocument/2006/extended-properties",
        "http://purl.oclc.org/ooxml/officeDocument/extendedProperties",
    ),
    ("http://schemas.openxmlformats.org/drawingml/2006/main", "http://purl.oclc.org/ooxml/drawingml/main"),
)


def strict(sending: Sending) -> None:
    """An edit: saved as "Strict Open XML Spreadsheet"."""

    def change(name: str, text: str) -> str:
        for usual, other in _STRICT:
            text = text.replace(usual, other)
        return text.replace("<workbook ", '<workbook conformance="strict" ', 1) if name == "xl/workbook.xml" else text

    sending.data = rewrite_archive(sending.to_bytes(), change)


def hide_lines(form: str, rows: Sequence[int] = (), columns: Sequence[int] = ()) -> Edit:
    """An edit: rows and columns (zero-based) of a form's sheet hidden. To be the last edit of a file."""

    def edit(sending: Sending) -> None:
        sheet = sending.plan.sheet_of(form)
        number = sending.plan.sheets.index(sheet) + 1
        # Columns of one width share an element of the file: an odd width gives each of these its own.
        sheet.widths = dict(sheet.widths) | {column: 11.37 + column / 100 for column in columns}

        def change(name: str, text: str) -> str:
            if name != f"xl/worksheets/sheet{number}.xml":
                return text
            for row in rows:
                text = re.sub(rf'<row r="{row + 1}"(?=[ >])', rf'<row r="{row + 1}" hidden="1"', text, count=1)
            for column in columns:
                text = re.sub(rf'<col min="{column + 1}" max="{column + 1}" ', r'\g<0>hidden="1" ', text, count=1)
            return text

        sending.data = rewrite_archive(sending.to_bytes(), change)

    return edit


def as_csv(form: str, encoding: str = "utf-8-sig", separator: str = ";", legacy: LegacyEncoding | None = None) -> Edit:
    """An edit: one form alone as a text file, as a spreadsheet program saves it: what is shown, in as wide rows as the widest."""

    def edit(sending: Sending) -> None:
        sheet = sending.plan.sheet_of(form)
        height = max(row for row, _ in sheet.cells) + 1
        width = max(column for _, column in sheet.cells) + 1
        out = io.StringIO()
        writer = csv.writer(out, delimiter=separator, lineterminator="\r\n")
        for row in range(height):
            writer.writerow([show_cell(sheet.cells.get((row, column))) for column in range(width)])
        text = out.getvalue()
        sending.data = encode(text, legacy).encode("cp1252") if legacy else text.encode(encoding)
        sending.name = f"{sheet.name}.csv"

    return edit


def show_cell(cell: CellPlan | None) -> str:
    """What a Vietnamese spreadsheet program shows in a cell."""
    match cell.value if cell is not None else None:
        case None:
            return ""
        case str(text):
            return text
        case bool(answer):
            return "TRUE" if answer else "FALSE"
        case int(number) | float(number):
            return f"{number:g}".replace(".", ",")
        case day:
            return f"{day:%d/%m/%Y}"
