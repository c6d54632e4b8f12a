"""What calamine does not tell about the cells of an .xls (BIFF5, BIFF8): errors, number formats, hidden rows.

Reads only the few record types it needs, record by record ([MS-XLS] 2.4); everything else is skipped by its length.
Must stay import-light: the reading child loads it. Must not read values: those are calamine's.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from etl.reading.number_formats import BUILTIN_FORMATS
from etl.reading.sidecar import SheetExtras, SidecarError

BOF, EOF = 0x0809, 0x000A
BOUND_SHEET, FORMAT, XF = 0x0085, 0x041E, 0x00E0
FORMULA, NUMBER, RK, MUL_RK, BOOL_ERR = 0x0006, 0x0203, 0x027E, 0x00BD, 0x0205
ROW, COL_INFO = 0x0208, 0x007D

ERROR_TEXTS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}


def read_xls_extras(data: bytes) -> list[SheetExtras]:
    """One entry a sheet, in the order of the tabs. `uncached` and `merged` stay empty: .xls always holds results.

    Raises SidecarError when the stream ends within a record, or what olefile raises for a damaged container.
    """
    import olefile

    with olefile.OleFileIO(io.BytesIO(data)) as ole:
        name = "Workbook" if ole.exists("Workbook") else "Book"
        stream = ole.openstream(name).read()
    try:
        return _read_stream(stream)
    except (struct.error, IndexError) as error:
        raise SidecarError("xls_record") from error


def _records(stream: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    """(type, body) of the records of the substream at `offset`, without those of charts nested in it."""
    depth = 0
    while offset + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, offset)
        body = stream[offset + 4 : offset + 4 + length]
        if len(body) < length:
            raise SidecarError("xls_record")
        offset += 4 + length
        if kind == BOF:
            depth += 1
        elif kind == EOF:
            depth -= 1
            if depth <= 0:
                return
        if depth == 1:
            yield kind, body
    raise SidecarError("xls_end")


def _read_stream(stream: bytes) -> list[SheetExtras]:
    wide = True
    codes: dict[int, str] = dict(BUILTIN_FORMATS)
    numbers: list[int] = []
    bounds: list[tuple[int, str]] = []
    for kind, body in _records(stream, 0):
        if kind == BOF:
            wide = struct.unpack_from("<H", body)[0] >= 0x0600
        elif kind == FORMAT:
            codes[struct.unpack_from("<H", body)[0]] = _read_text(body[2:], wide, 2 if wide else 1)
        elif kind == XF:
            numbers.append(struct.unpack_from("<H", body, 2)[0])
        elif kind == BOUND_SHEET:
            bounds.append((struct.unpack_from("<I", body)[0], _read_text(body[6:], wide, 1)))
    formats = {
        index: code
        for index, number in enumerate(numbers)
        if (code := codes.get(number, "")) and code.lower() != "general"
    }
    sheets = []
    for offset, name in bounds:
        sheet = SheetExtras(name)
        for kind, body in _records(stream, offset):
            _keep_record(kind, body, formats, sheet)
        sheets.append(sheet)
    return sheets


def _read_text(body: bytes, wide: bool, size: int) -> str:
    """A short string: `size` bytes of length, then in BIFF8 a flag byte (1 = UTF-16) and the characters."""
    length = int.from_bytes(body[:size], "little")
    if not wide:
        return body[size : size + length].decode("latin-1")
    if body[size] & 1:
        return body[size + 1 : size + 1 + 2 * length].decode("utf-16-le", errors="replace")
    return body[size + 1 : size + 1 + length].decode("latin-1")


def _keep_record(kind: int, body: bytes, formats: dict[int, str], sheet: SheetExtras) -> None:
    if kind == ROW and struct.unpack_from("<H", body, 12)[0] & 0x20:
        row = struct.unpack_from("<H", body)[0]
        sheet.hidden_rows.append((row, row))
    elif kind == COL_INFO and struct.unpack_from("<H", body, 8)[0] & 1:
        sheet.hidden_columns.append(struct.unpack_from("<HH", body))
    if kind not in {FORMULA, NUMBER, RK, MUL_RK, BOOL_ERR}:
        return
    row, column = struct.unpack_from("<HH", body)
    if kind == BOOL_ERR:
        if body[7]:
            sheet.errors[row, column] = ERROR_TEXTS.get(body[6], "#ERROR!")
    elif kind == MUL_RK:
        for place in range((len(body) - 6) // 6):
            style, packed = struct.unpack_from("<HI", body, 4 + 6 * place)
            _keep_number(row, column + place, style, _unpack_rk(packed), formats, sheet)
    else:
        style = struct.unpack_from("<H", body, 4)[0]
        if kind == RK:
            value = _unpack_rk(struct.unpack_from("<I", body, 6)[0])
        elif kind == FORMULA and body[12:14] == b"\xff\xff":
            # Not a number: a text, a boolean or an error, told by the first byte of the result.
            if body[6] == 2:
                sheet.errors[row, column] = ERROR_TEXTS.get(body[8], "#ERROR!")
            return
        else:
            value = struct.unpack_from("<d", body, 6)[0]
        _keep_number(row, column, style, value, formats, sheet)


def _unpack_rk(packed: int) -> float:
    """[MS-XLS] 2.5.122: 30 bits of an integer or of a double, bit 0 = divided by 100, bit 1 = integer."""
    if packed & 2:
        number = float((packed >> 2) - ((packed >> 31) << 30))
    else:
        number = struct.unpack("<d", b"\0\0\0\0" + struct.pack("<I", packed & 0xFFFFFFFC))[0]
    return number / 100 if packed & 1 else number


def _keep_number(row: int, column: int, style: int, value: float, formats: dict[int, str], sheet: SheetExtras) -> None:
    code = formats.get(style)
    if code is not None:
        sheet.formats[row, column] = code
        if value <= 0:
            sheet.serials[row, column] = repr(value)
