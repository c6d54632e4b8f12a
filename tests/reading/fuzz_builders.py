"""Workbooks broken at random, each by its number alone: zip, XML and cells of the golden inputs, and of .xls and .ods.

`make_mutant(number)` gives the same bytes in every run, so a number is all that is needed to look at a failure again.
Must not import etl: what is broken here must not depend on what reads it.
"""

from __future__ import annotations

import io
import random
import re
import struct
import warnings
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import openpyxl
from reading_builders import biff_label, biff_number, make_ods, make_xls

SEED: Final = 20_260_614
GOLDEN: Final = Path(__file__).resolve().parents[1] / "golden"
WORDS: Final = (
    "", " ", "x", "-", "–", "1", "01", "A", "B", "99", "1e309", "-1e-400", "9" * 400, "nan", "inf", "1.234,5", "1,234.5",
    "99,6%", "hơn 264.000", "không", "Không có", "31/12/9999", "31/02/2026", "T6, 11/28/2025 - 23:57", "00/00/0000",
    "=1+1", "#REF!", "#SPILL!", "Đơn vị báo cáo: Xã Quảng Lâm", "Kỳ báo cáo: 2026", "2026-S9", "H14.SNV", "F05", "F99",
    "H14.SNV movements-half 2026-S1", "{value}", "{0}", "%s", "%", "(", "[", "\\", "<script>alert(1)</script>", "&amp;",
    "]]>", "\u200f\u202eabc", "\u0110o\u031b\u0323n vi\u0323", "§¬n vÞ b¸o c¸o", "Ñôn vò", "\U0001f600", "_x0041_",
    "dòng\nhai\ttab", "chữ " * 3000, "a|b|c|d|e|0", "Khóa đối chiếu", "Giải trình của đơn vị", "Tổng số", "Cộng",
    "KẾT QUẢ KIỂM TRA BÁO CÁO", "DVTG+CNTG",
)  # fmt: skip
VALUES: Final = (
    "", "0", "-1", "1", "2147483648", "4294967296", "99999999999999999999", "1e400", "NaN", "true", "A1", "A0", "B2:A1",
    "XFD1048576", "ZZZ9999999", "A1:XFD1048576", "rId1", "rId99", "../../../etc/passwd", "/xl/workbook.xml", "e", "s", "b",
    "n", "d", "str", "inlineStr", "veryHidden", "hidden", "visible", "General", "0%", "dd/mm/yyyy", '"', "&#0;",
    "&#x110000;", "&e;", "\u0110", "\x01",
)  # fmt: skip
Parts = dict[str, bytes]
_ATTRIBUTE: Final = re.compile(rb'(\s[\w:.-]+=")([^"]*)(")')
_TEXT: Final = re.compile(rb"(>)([^<>]+)(<)")
_CELL: Final = re.compile(rb'<c r="([A-Z]+)(\d+)"[^>]*?(?:/>|>.*?</c>)', re.DOTALL)
_ROW: Final = re.compile(rb"<row [^>]*?(?:/>|>.*?</row>)", re.DOTALL)
_ELEMENT: Final = re.compile(rb"<[\w:]+(?:\s[^<>]*)?/>|<([\w:]+)(?:\s[^<>]*)?>[^<]*</\1>")


@lru_cache(maxsize=1)
def list_bases() -> tuple[tuple[str, bytes], ...]:
    """(extension, file): every golden input, and some of them as .xls and .ods."""
    inputs = sorted(path for path in GOLDEN.rglob("input.*") if path.is_file())
    bases = [(path.suffix[1:], path.read_bytes()) for path in inputs]
    for path in inputs[:: max(1, len(inputs) // 8)]:
        if path.suffix == ".xlsx":
            bases += _convert(path)
    return tuple(bases)


def make_mutant(number: int) -> tuple[str, bytes]:
    """(file name, bytes) of one broken workbook."""
    chance = random.Random(SEED * 1_000_003 + number)
    kind, data = chance.choice(list_bases())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile speaks up about doubled names, which are meant here
        for _ in range(chance.choice((1, 1, 1, 1, 2, 3))):
            data = chance.choice(_FOR_ARCHIVES if zipfile.is_zipfile(io.BytesIO(data)) else _FOR_BYTES)(data, chance)
    return (
        f"tệp-{number}.{kind if chance.random() < 0.9 else chance.choice(('xls', 'ods', 'pdf', 'XLSX', 'txt'))}",
        data,
    )


def _convert(path: Path) -> list[tuple[str, bytes]]:
    """The values of a golden input as .ods (all sheets) and as .xls (two of its sheets, each of its own)."""
    try:
        book = openpyxl.load_workbook(path, data_only=True)
    except Exception:  # a golden input may be one that openpyxl cannot read
        return []
    tables, found = [], []
    for sheet in book.worksheets:
        rows, cells = [], []
        for row in sheet.iter_rows():
            texts = []
            for cell in row:
                if isinstance(cell.value, (int, float)):
                    texts.append(f'<table:table-cell office:value-type="float" office:value="{cell.value}"/>')
                    cells.append(biff_number(cell.row - 1, cell.column - 1, float(cell.value)))
                elif cell.value is None:
                    texts.append("<table:table-cell/>")
                else:
                    text = str(cell.value)
                    texts.append(
                        f'<table:table-cell office:value-type="string"><text:p>{escape(text)}</text:p></table:table-cell>'
                    )
                    cells.append(biff_label(cell.row - 1, cell.column - 1, text[:200]))
            rows.append(f"<table:table-row>{''.join(texts)}</table:table-row>")
        tables.append(f'<table:table table:name="{escape(sheet.title)}">{"".join(rows)}</table:table>')
        if sum(map(len, cells)) < 55_000:
            found.append(("xls", make_xls(cells, sheet=sheet.title)))
    largest = sorted(found, key=lambda base: len(base[1]), reverse=True)
    return [("ods", make_ods("".join(tables))), *largest[:2]]


# ------------------------------------------------------------------------------------------ bytes


def flip_bytes(data: bytes, chance: random.Random) -> bytes:
    """A few bytes of the file changed, wherever they are."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 3, 30)) if changed else 0):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def cut(data: bytes, chance: random.Random) -> bytes:
    """The file ends early, or a piece of it is gone, or stands twice."""
    start, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return chance.choice((data[:end], data[:start] + data[end:], data[:end] + data[start:]))


def write_number(data: bytes, chance: random.Random) -> bytes:
    """A small or a vast number over some bytes: lengths, offsets and sectors are such numbers."""
    if len(data) < 8:
        return data
    value = struct.pack("<I", chance.choice((0, 1, 2, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)))
    place = chance.randrange(len(data) - 4) // 2 * 2
    return data[:place] + value[: chance.choice((1, 2, 4))] + data[place + len(value) :]


# ------------------------------------------------------------------------------------------ archives


def on_parts(change: Callable[[Parts, random.Random], object]) -> Callable[[bytes, random.Random], bytes]:
    """A change of the parts of an archive; one whose parts cannot be unpacked any more has its bytes changed."""

    def mutate(data: bytes, chance: random.Random) -> bytes:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                parts = {name: archive.read(name) for name in archive.namelist()}
        except Exception:  # broken by an earlier mutation
            return flip_bytes(data, chance)
        if parts:
            change(parts, chance)
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", chance.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED))) as copy:
            for name, content in parts.items():
                copy.writestr(name, content)
                if chance.random() < 0.003:
                    copy.writestr(name, content[: len(content) // 2])
        return target.getvalue()

    return mutate


def spoil_directory(data: bytes, chance: random.Random) -> bytes:
    """A wrong checksum, size, method, flag or offset in one of the headers of an archive."""
    places = [match.start() for match in re.finditer(rb"PK\x01\x02|PK\x03\x04|PK\x05\x06", data)]
    if not places:
        return flip_bytes(data, chance)
    place = chance.choice(places) + chance.choice((6, 8, 10, 14, 16, 18, 20, 22, 24, 26, 28, 42))
    return data[:place] + chance.randbytes(chance.choice((1, 2, 4))) + data[place + 4 :]


def _pick(parts: Parts, chance: random.Random) -> str:
    """A part, those with the cells more often."""
    telling = [
        name for name in parts if "sheet" in name or name.endswith(("styles.xml", "sharedStrings.xml", "content.xml"))
    ]
    return chance.choice(telling if telling and chance.random() < 0.6 else list(parts))


def drop_part(parts: Parts, chance: random.Random) -> None:
    del parts[_pick(parts, chance)]


def swap_parts(parts: Parts, chance: random.Random) -> None:
    one, two = _pick(parts, chance), _pick(parts, chance)
    parts[one], parts[two] = parts[two], parts[one]


def rename_part(parts: Parts, chance: random.Random) -> None:
    name = _pick(parts, chance)
    parts[chance.choice((name.upper(), "/" + name, name.replace("/", "\\"), "../" + name, name + ".bak"))] = parts.pop(
        name
    )


def replace_part(parts: Parts, chance: random.Random) -> None:
    name = _pick(parts, chance)
    body = parts[name]
    utf16 = body.decode("utf-8", "replace").replace("UTF-8", "UTF-16").encode("utf-16")
    deep = b"<a>" * chance.choice((300, 30_000)) + b"</a>" * 300
    parts[name] = chance.choice(
        (b"", b"\0" * 100, body[: len(body) // 2], b"\xef\xbb\xbf" + body, utf16, deep, body + body, body + b"<")
    )


def spoil_part(parts: Parts, chance: random.Random) -> None:
    name = _pick(parts, chance)
    parts[name] = chance.choice((flip_bytes, cut))(parts[name], chance)


def declare_entities(parts: Parts, chance: random.Random) -> None:
    name = _pick(parts, chance)
    dtd = (
        b'<!DOCTYPE x [<!ENTITY e "'
        + b"ha" * chance.choice((1, 1000))
        + b'"><!ENTITY f SYSTEM "file:///etc/hostname">]>'
    )
    parts[name] = re.sub(rb"(\?>|^)", lambda match: match[0] + dtd, parts[name], count=1)


# ------------------------------------------------------------------------------------------ XML


def _replace_some(pattern: re.Pattern[bytes], words: tuple[str, ...]) -> Callable[[Parts, random.Random], None]:
    def change(parts: Parts, chance: random.Random) -> None:
        name = _pick(parts, chance)
        found = list(pattern.finditer(parts[name]))
        chosen = {match.start() for match in chance.sample(found, min(len(found), chance.choice((1, 3, 20))))}

        def replace(match: re.Match[bytes]) -> bytes:
            if match.start() not in chosen:
                return match[0]
            word = chance.choice((*words, match[2].decode("utf-8", "replace") * 2))
            safe = word if chance.random() < 0.1 else escape(word, {'"': "&quot;"})
            return match[1] + safe.encode("utf-8", "replace") + match[3]

        parts[name] = pattern.sub(replace, parts[name])

    return change


def shuffle_elements(parts: Parts, chance: random.Random) -> None:
    """An element gone, doubled, or in the place of another."""
    name = _pick(parts, chance)
    body = parts[name]
    found = [match.span() for match in _ELEMENT.finditer(body)]
    if len(found) > 1:
        (start, end), (other, other_end) = sorted(chance.sample(found, 2))
        one, two, between = body[start:end], body[other:other_end], body[end:other]
        middle = chance.choice((between + two, one + one + between + two, two + between + one))
        parts[name] = body[:start] + middle + body[other_end:]


def swap_links(parts: Parts, chance: random.Random) -> None:
    """Relationships that lead to each other's parts."""
    name = chance.choice([name for name in parts if name.endswith(".rels")] or list(parts))
    targets = re.findall(rb'Target="([^"]*)"', parts[name])
    chance.shuffle(targets)
    waiting = iter(targets)
    parts[name] = re.sub(rb'Target="[^"]*"', lambda _: b'Target="' + next(waiting) + b'"', parts[name])


# ------------------------------------------------------------------------------------------ cells


def _sheet_parts(parts: Parts) -> list[str]:
    return [name for name in parts if re.search(r"worksheets/[^/]*\.xml$", name)]


def on_sheet(change: Callable[[bytes, random.Random], bytes]) -> Callable[[Parts, random.Random], None]:
    def mutate(parts: Parts, chance: random.Random) -> None:
        sheets = _sheet_parts(parts)
        if sheets:
            name = chance.choice(sheets)
            parts[name] = change(parts[name], chance)

    return mutate


def write_cells(body: bytes, chance: random.Random) -> bytes:
    """Cells with other values and types."""
    share = chance.choice((0.01, 0.05, 0.5))

    def replace(match: re.Match[bytes]) -> bytes:
        if chance.random() > share:
            return match[0]
        style = re.search(rb' s="\d+"', match[0])
        start = b'<c r="' + match[1] + match[2] + b'"' + (style[0] if style and chance.random() < 0.7 else b"")
        word = escape(chance.choice(WORDS)).encode("utf-8", "replace")
        number = chance.choice(
            ("0", "-5", "0.382", "38.2", "1e308", "-1E-9", "12345678901234567890", "46188", "2958466", "1.5")
        ).encode()
        return start + chance.choice((
            b"/>", b' t="inlineStr"><is><t xml:space="preserve">' + word + b"</t></is></c>", b' t="str"><v>' + word + b"</v></c>",
            b"><v>" + number + b"</v></c>", b' t="b"><v>1</v></c>', b' t="e"><v>#N/A</v></c>', b' t="e"><v>#SPILL!</v></c>',
            b"><f>SUM(A1:A9)</f></c>", b"><f>1/0</f><v>" + number + b"</v></c>", b' t="d"><v>2026-06-10T08:30:00</v></c>',
        ))  # fmt: skip

    return _CELL.sub(replace, body)


def drop_rows(body: bytes, chance: random.Random) -> bytes:
    rows = [match.span() for match in _ROW.finditer(body)]
    for start, end in sorted(chance.sample(rows, min(len(rows), chance.choice((1, 2, 10)))), reverse=True):
        body = body[:start] + body[end:]
    return body


def drop_column(body: bytes, chance: random.Random) -> bytes:
    column = chance.choice(b"ABCDEFGHIJ".decode()).encode()
    return _CELL.sub(lambda match: b"" if match[1] == column else match[0], body)


def shift_rows(body: bytes, chance: random.Random) -> bytes:
    """Rows below one moved down, as by inserting rows; sometimes onto each other."""
    limit, by = chance.randrange(1, 30), chance.choice((1, 3, -1, 1_048_000))

    def move(number: bytes) -> bytes:
        return str(max(1, int(number) + by)).encode() if int(number) >= limit else number

    body = re.sub(rb'(<row r=")(\d+)', lambda match: match[1] + move(match[2]), body)
    return re.sub(rb'(<c r="[A-Z]+)(\d+)', lambda match: match[1] + move(match[2]), body)


def shift_columns(body: bytes, chance: random.Random) -> bytes:
    by = chance.choice((1, 2))
    return re.sub(rb'(<c r=")([A-Z])(\d)', lambda match: match[1] + bytes([min(90, match[2][0] + by)]) + match[3], body)


def merge(body: bytes, chance: random.Random) -> bytes:
    """Merged ranges over anything, each other too."""

    def corner(columns: int, rows: int) -> tuple[int, int]:
        return 65 + chance.randrange(columns), chance.randrange(1, rows)

    ranges = [
        b'<mergeCell ref="%c%d:%c%d"/>' % (*corner(8, 40), *corner(9, 60)) for _ in range(chance.choice((1, 5, 200)))
    ]
    return re.sub(rb"<mergeCells.*?</mergeCells>", b"", body).replace(
        b"</sheetData>", b"</sheetData><mergeCells>" + b"".join(ranges) + b"</mergeCells>"
    )


def hide(body: bytes, chance: random.Random) -> bytes:
    return re.sub(rb"<row ", lambda match: b'<row hidden="1" ' if chance.random() < 0.3 else match[0], body)


def change_sheets(parts: Parts, chance: random.Random) -> None:
    """Sheets renamed, hidden, reordered, doubled or gone."""
    name = "xl/workbook.xml"
    if name not in parts:
        return
    sheets = re.findall(rb"<sheet [^>]*/>", parts[name])
    for at in range(len(sheets)):
        if chance.random() < 0.3:
            word = escape(
                chance.choice((*WORDS[:60], "F05", "_meta", "Kết quả kiểm tra", "Mẫu 01")), {'"': "&quot;"}
            ).encode()
            sheets[at] = re.sub(rb' name="[^"]*"', lambda _, word=word: b' name="' + word + b'"', sheets[at])
        if chance.random() < 0.1:
            sheets[at] = sheets[at].replace(b"<sheet ", b'<sheet state="hidden" ', 1)
    if chance.random() < 0.3:
        chance.shuffle(sheets)
    if chance.random() < 0.3:
        sheets = sheets[: chance.randrange(len(sheets) + 1)]
    if sheets and chance.random() < 0.2:
        sheets.append(chance.choice(sheets))
    parts[name] = re.sub(
        rb"<sheets>.*</sheets>", lambda _: b"<sheets>" + b"".join(sheets) + b"</sheets>", parts[name], flags=re.DOTALL
    )


_FOR_BYTES: Final = (flip_bytes, cut, write_number, write_number)
_ON_CELLS: Final = (
    write_cells, write_cells, write_cells, drop_rows, drop_column, shift_rows, shift_columns, merge, hide
)  # fmt: skip
_IN_PARTS: Final = (
    drop_part, swap_parts, rename_part, replace_part, spoil_part, declare_entities, shuffle_elements, shuffle_elements,
    swap_links, *(_replace_some(_ATTRIBUTE, VALUES),) * 2, *(_replace_some(_TEXT, WORDS),) * 3, *(change_sheets,) * 3,
    *map(on_sheet, _ON_CELLS * 2),
)  # fmt: skip
_FOR_ARCHIVES: Final = (flip_bytes, cut, spoil_directory, *map(on_parts, _IN_PARTS))
