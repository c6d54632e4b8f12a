"""The kind of a file by its content, whatever it is called."""

from __future__ import annotations

import io
import zipfile

import msoffcrypto.format.ooxml
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_builders import (
    biff_number,
    make_lying_archive,
    make_ods,
    make_small_xlsx,
    make_xls,
    rewrite_parts,
    wrap_ole,
)

from etl.reading.sniff import FileFormat, check_archive, sniff_format


def encrypt_xlsx(data: bytes) -> bytes:
    out = io.BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(data)).encrypt("mật khẩu", out)
    return out.getvalue()


def make_zip(**parts: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


SPREADSHEETML = (
    '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
    '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>'
)
DOCX_TYPES = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


def as_macro_book(data: bytes) -> bytes:
    old, new = b"vnd.openxmlformats-officedocument.spreadsheetml.sheet.main", b"vnd.ms-excel.sheet.macroEnabled.main"
    return rewrite_parts(data, lambda name, part: part.replace(old, new))


CASES: list[tuple[bytes, FileFormat]] = [
    (make_small_xlsx(), FileFormat.XLSX),
    (as_macro_book(make_small_xlsx()), FileFormat.XLSM),
    (make_ods(""), FileFormat.ODS),
    (make_xls([biff_number(0, 0, 1)]), FileFormat.XLS),
    (make_xls([], locked=True), FileFormat.ENCRYPTED),
    (make_ods("", encrypted=True), FileFormat.ENCRYPTED),
    (encrypt_xlsx(make_small_xlsx()), FileFormat.ENCRYPTED),
    (make_small_xlsx()[:3000], FileFormat.DAMAGED_ZIP),
    (make_xls([])[:700], FileFormat.DAMAGED_OLE),
    (wrap_ole(b"", "WordDocument"), FileFormat.DOC),
    (make_zip(**{"[Content_Types].xml": DOCX_TYPES, "word/document.xml": ""}), FileFormat.DOCX),
    (make_zip(**{"a.xlsx": "x"}), FileFormat.ZIP),
    (b"%PDF-1.7\n%\xe2\xe3", FileFormat.PDF),
    (b"\r\n%PDF-1.4", FileFormat.PDF),
    (b"Rar!\x1a\x07\x01\x00", FileFormat.RAR),
    (b"7z\xbc\xaf\x27\x1c\x00", FileFormat.SEVEN_ZIP),
    (b"\x89PNG\r\n\x1a\n", FileFormat.IMAGE),
    (b"\xff\xd8\xff\xe0", FileFormat.IMAGE),
    ("<html><body><table><tr><td>Đơn vị</td></tr></table>".encode(), FileFormat.HTML),
    ("\ufeff  <!DOCTYPE html><p>".encode(), FileFormat.HTML),
    ("<table border=1><tr><td>1</td></tr></table>".encode("utf-16"), FileFormat.HTML),
    (SPREADSHEETML.encode(), FileFormat.SPREADSHEETML),
    (b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n<html>", FileFormat.MHT),
    ("Đơn vị;Số liệu\r\nXã A;5\r\n".encode(), FileFormat.CSV),
    ("Đơn vị\tSố liệu\r\n".encode("utf-16"), FileFormat.CSV),
    ("Ðon vi,So lieu\n".encode("cp1252"), FileFormat.CSV),
    (b"{\\rtf1\\ansi", FileFormat.RTF),
    (b"", FileFormat.EMPTY),
    (b"\0" * 5000, FileFormat.EMPTY),
    (b" \r\n", FileFormat.EMPTY),
    (b"\x09\x02\x06\x00\x00\x00\x10\x00", FileFormat.XLS_OLD),
    (bytes(range(256)) * 10, FileFormat.UNKNOWN),
]


@pytest.mark.parametrize(("data", "expected"), CASES, ids=[f"{n}-{case[1].value}" for n, case in enumerate(CASES)])
def test_formats(data: bytes, expected: FileFormat) -> None:
    assert sniff_format(data) is expected


MAGICS = [b"", b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"<", b"\xff\xfe", b"%PDF"]


@given(st.sampled_from(MAGICS), st.binary(max_size=2000))
def test_no_bytes_make_it_raise(magic: bytes, rest: bytes) -> None:
    assert sniff_format(magic + rest) in FileFormat


@given(st.text(max_size=300))
def test_no_text_makes_it_raise(text: str) -> None:
    assert sniff_format(text.encode("utf-8", errors="surrogatepass")) in FileFormat


def test_a_csv_cut_within_a_letter_is_still_text() -> None:
    assert sniff_format(("ấ;" * 5000).encode()) is FileFormat.CSV


def test_sound_archives_pass() -> None:
    assert check_archive(make_small_xlsx()) is None
    assert check_archive(make_ods("")) is None


def test_a_high_ratio_is_refused() -> None:
    bomb = rewrite_parts(make_small_xlsx(), lambda name, part: part + b" " * (24 << 20) if "sheet1" in name else part)
    assert len(bomb) < 60_000
    assert check_archive(bomb) == "archive"


def test_a_high_ratio_of_little_is_allowed() -> None:
    data = rewrite_parts(make_small_xlsx(), lambda name, part: part + b" " * (8 << 20) if "sheet1" in name else part)
    assert check_archive(data) is None


def test_too_many_entries_are_refused() -> None:
    assert check_archive(make_zip(**{f"p{n}": "" for n in range(10_001)})) == "archive"


def test_a_lying_directory_passes_the_check() -> None:
    """The check cannot see it; the memory limit of the child must (test_reading_hostile)."""
    assert check_archive(make_lying_archive(64)) is None
