"""What kind of file some bytes are, by content alone, and whether an archive is safe to unpack.

Pure: bytes in, a word out. Runs in the reading child, because even the directory of a hostile archive or OLE file can
take time and memory. File names are never looked at: units rename .xls to .xlsx and send web pages called .xls.
"""

from __future__ import annotations

import io
import re
import zipfile
from enum import StrEnum

MAX_UNPACKED_BYTES = 200 * 1024 * 1024
MAX_UNPACKED_RATIO = 200
MAX_ARCHIVE_ENTRIES = 10_000
RATIO_FREE_BYTES = 16 * 1024 * 1024
"""Below this a high ratio harms nobody; large blank bordered tables of honest units do reach high ratios."""


class FileFormat(StrEnum):
    """The content of a file. The first four can be read; the rest have a plain reason each."""

    XLSX = "xlsx"
    XLSM = "xlsm"
    XLS = "xls"
    ODS = "ods"
    ENCRYPTED = "encrypted"
    XLSB = "xlsb"
    XLS_OLD = "xls_old"
    SPREADSHEETML = "spreadsheetml"
    HTML = "html"
    MHT = "mht"
    CSV = "csv"
    JSON = "json"
    DOCX = "docx"
    DOC = "doc"
    ODT = "odt"
    RTF = "rtf"
    PPTX = "pptx"
    PDF = "pdf"
    IMAGE = "image"
    ZIP = "zip"
    RAR = "rar"
    SEVEN_ZIP = "7z"
    DAMAGED_ZIP = "damaged_zip"
    DAMAGED_OLE = "damaged_ole"
    EMPTY = "empty"
    UNKNOWN = "unknown"


OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEAD = 8192
_IMAGES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")
_BLANK = bytes(range(33))
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_JSON = re.compile(r"\{\s*(?:[\"}]|$)|\[\s*\{")
"""The start of a JSON object, or of an array of objects; a table of codes in brackets is neither."""
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|table|meta|style)\b", re.IGNORECASE)


def sniff_format(data: bytes) -> FileFormat:
    """The format of `data`; never raises for any bytes. A damaged archive or OLE file has a format of its own."""
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _sniff_zip(data)
    if data.startswith(OLE_MAGIC):
        return _sniff_ole(data)
    # Scanners and mail gateways put a few bytes before a PDF; its readers accept the mark within the first kilobyte.
    if b"%PDF-" in data[:1024]:
        return FileFormat.PDF
    if data.startswith(b"Rar!\x1a\x07"):
        return FileFormat.RAR
    if data.startswith(b"7z\xbc\xaf\x27\x1c"):
        return FileFormat.SEVEN_ZIP
    if data.startswith(_IMAGES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP") or _is_heic(data):
        return FileFormat.IMAGE
    if data[:4] in {b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00", b"\x09\x08\x10\x00"}:
        return FileFormat.XLS_OLD
    if not data[:_HEAD].strip(_BLANK) and not data.strip(_BLANK):
        return FileFormat.EMPTY
    return _sniff_text(data[:_HEAD])


def check_archive(data: bytes) -> str | None:
    """None when a zip workbook is safe to unpack, else the rule it breaks ("archive"), from its directory alone.

    Limits: 200 MiB unpacked, 200 times its own size, 10,000 entries. 3,429 real workbooks kept all three.
    Raises zipfile.BadZipFile when there is no directory.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_ARCHIVE_ENTRIES or unpacked > MAX_UNPACKED_BYTES:
        return "archive"
    if unpacked > RATIO_FREE_BYTES and unpacked > MAX_UNPACKED_RATIO * len(data):
        return "archive"
    return None


def _is_heic(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in {b"heic", b"heix", b"mif1", b"msf1", b"avif"}


def _sniff_zip(data: bytes) -> FileFormat:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = {entry.filename.replace("\\", "/").lstrip("/").lower(): entry for entry in archive.infolist()}
            media = _read_start(archive, names.get("mimetype"))
            types = _read_start(archive, names.get("[content_types].xml"), limit=4 * 1024 * 1024)
            manifest = _read_start(archive, names.get("meta-inf/manifest.xml"), limit=4 * 1024 * 1024)
    except Exception:  # zipfile answers damaged archives with half a dozen kinds of exception
        return FileFormat.DAMAGED_ZIP
    if media.startswith(b"application/vnd.oasis.opendocument.") or (not types and b"opendocument." in manifest):
        if b"encryption-data" in manifest:
            return FileFormat.ENCRYPTED
        kind = media if media else manifest
        if b"opendocument.spreadsheet" in kind:
            return FileFormat.ODS
        return FileFormat.ODT if b"opendocument.text" in kind else FileFormat.UNKNOWN
    if not types:
        return FileFormat.ZIP
    if b"sheet.binary.macroEnabled.main" in types or "xl/workbook.bin" in names:
        return FileFormat.XLSB
    if b"spreadsheetml" in types or "xl/workbook.xml" in names:
        macro = b"sheet.macroEnabled.main+xml" in types or b"template.macroEnabled.main+xml" in types
        return FileFormat.XLSM if macro else FileFormat.XLSX
    if b"wordprocessingml" in types:
        return FileFormat.DOCX
    return FileFormat.PPTX if b"presentationml" in types else FileFormat.ZIP


def _read_start(archive: zipfile.ZipFile, entry: zipfile.ZipInfo | None, limit: int = 4096) -> bytes:
    if entry is None:
        return b""
    with archive.open(entry) as part:
        return part.read(limit)


def _sniff_ole(data: bytes) -> FileFormat:
    import msoffcrypto
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as ole:
            if ole.exists("EncryptionInfo"):
                return FileFormat.ENCRYPTED
            if ole.exists("Workbook"):
                encrypted = msoffcrypto.OfficeFile(io.BytesIO(data)).is_encrypted()
                return FileFormat.ENCRYPTED if encrypted else FileFormat.XLS
            if ole.exists("Book"):
                return FileFormat.XLS
            return FileFormat.DOC if ole.exists("WordDocument") else FileFormat.UNKNOWN
    except MemoryError:
        raise
    except Exception:  # both libraries answer damaged files with any kind of exception
        return FileFormat.DAMAGED_OLE


def _sniff_text(head: bytes) -> FileFormat:
    text = _decode_head(head)
    if text is None:
        return FileFormat.UNKNOWN
    start = text.lstrip("\ufeff \t\r\n\x0c")
    if start.startswith("{\\rtf"):
        return FileFormat.RTF
    if re.match(r"[a-z-]+:", start, re.IGNORECASE) and "mime-version:" in start.lower():
        return FileFormat.MHT
    if start.startswith("<") and ("office:spreadsheet" in start or 'progid="Excel.Sheet"' in start):
        return FileFormat.SPREADSHEETML
    if _JSON.match(start):
        return FileFormat.JSON
    if _HTML.search(start):
        return FileFormat.HTML
    if start.startswith("<") or _CONTROLS.search(text):
        return FileFormat.UNKNOWN
    lines = start.splitlines()[:20]
    return FileFormat.CSV if any(mark in line for line in lines for mark in ",;\t") else FileFormat.UNKNOWN


def _decode_head(head: bytes) -> str | None:
    """The start of a text file, or None. Vietnamese exports are UTF-8, UTF-16 or one of the old 8-bit sets."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", errors="replace")
    try:
        return head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start >= len(head) - 4:
            return head[: error.start].decode("utf-8-sig")
    # 8-bit Vietnamese text (TCVN3, VNI, windows-1258): mostly printable, no NUL.
    printable = sum(byte >= 32 or byte in b"\t\r\n" for byte in head)
    ascii_share = sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in head) / len(head)
    return head.decode("latin-1") if printable == len(head) and ascii_share > 0.6 else None
