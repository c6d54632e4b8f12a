"""Which parts of a mail are files that somebody sent, by its structure alone, and how their bytes are written in it.

Pure: the structure as an IMAP server tells it, bytes in, bytes out. Names, sizes and encodings are the sender's word. It
must not take what a mail program adds by itself (bodies, logos, signatures) for a report, nor complain about it.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.utils import collapse_rfc2231_value, decode_params
from itertools import takewhile
from typing import Any, BinaryIO

from etl.channels.names import SafeName, make_safe_name
from etl.channels.refusals import RefusalCode

MOST_DEPTH = 3
"""Mails within mails that are looked into: what a clerk forwards was forwarded once or twice before."""
MOST_LEAVES = 500
MOST_FILES = 50

_TAKEN = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xls": "application/vnd.ms-excel",
    "xlsm": "application/vnd.ms-excel.sheet.macroenabled.12",
    "xlsb": "application/vnd.ms-excel.sheet.binary.macroenabled.12",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "csv": "text/csv",
    "json": "application/json",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "doc": "application/msword",
    "odt": "application/vnd.oasis.opendocument.text",
    "zip": "application/zip",
}
_BY_MEDIA = {media: ending for ending, media in _TAKEN.items()} | {"application/x-zip-compressed": "zip"}
_BY_PROGRAM = frozenset(
    {
        "application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-keys",
        "application/ics", "text/calendar", "text/vcard", "text/x-vcard", "text/rfc822-headers", "message/delivery-status",
        "message/disposition-notification", "message/external-body", "message/partial", "application/applefile",
    }
)  # fmt: skip
"""What mail programs add: signatures, cards, invitations, reports of delivery."""
_ENCRYPTED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"})
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]")
_AFTER_THE_END = re.compile(rb"=[^=]")


class BadStructure(ValueError):
    """What the server tells of a mail is no structure of a mail."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One part without parts: `section` as IMAP counts, `media` in lower case, `octets` as announced, encoded."""

    section: str
    media: str
    name: SafeName | None
    encoding: str
    octets: int
    is_attachment: bool
    is_inline: bool
    too_deep: bool = False


@dataclass(frozen=True, slots=True)
class Attached:
    """A file to fetch; `fault` says why it is not fetched instead."""

    section: str
    file_name: str
    encoding: str
    octets: int
    fault: RefusalCode | None = None


@dataclass(frozen=True, slots=True)
class MailFiles:
    """The files of a mail; `is_report` for a report of delivery, whose parts are our own letter coming back."""

    files: tuple[Attached, ...]
    is_report: bool = False


def find_files(body: Any) -> MailFiles:
    """The files of a mail, in its order, from its BODYSTRUCTURE as imapclient parses it (bytes, integers, tuples, lists).

    Raises BadStructure where that is none, or has more parts than a mail that people write.
    """
    try:
        is_report = _is_many(body) and _word(body[1]) == "report"
        files: list[Attached] = []
        for count, leaf in enumerate(_walk(body, "", 0), start=1):
            if count > MOST_LEAVES:
                raise BadStructure("too many parts")
            if (file := _judge(leaf)) is not None:
                files.append(file)
    except (IndexError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise BadStructure(type(error).__name__) from error
    return MailFiles(tuple(files), is_report)


def _is_many(body: Any) -> bool:
    return isinstance(body[0], (list, tuple))


def _walk(body: Any, section: str, depth: int) -> Iterator[Leaf]:
    if _is_many(body):
        # As imapclient gives the outer mail its parts are one list; those of a mail within it stand beside each other.
        parts = body[0] if isinstance(body[0], list) else list(takewhile(lambda part: isinstance(part, tuple), body))
        if not parts:
            raise BadStructure("a multipart without parts")
        for number, part in enumerate(parts, start=1):
            yield from _walk(part, f"{section}.{number}" if section else str(number), depth)
        return
    here = section or "1"
    media = f"{_word(body[0])}/{_word(body[1])}"
    if media == "/":
        raise BadStructure("a part without a kind")
    if media == "message/rfc822" and len(body) > 8 and isinstance(body[8], tuple):
        if depth + 1 > MOST_DEPTH:
            yield Leaf(here, media, None, "", 0, True, False, too_deep=True)
        else:
            inner = body[8]
            yield from _walk(inner, here if _is_many(inner) else f"{here}.1", depth + 1)
        return
    disposition = next(
        (
            item
            for item in body[7:]
            if isinstance(item, tuple) and len(item) == 2 and _word(item[0]) in ("attachment", "inline")
        ),
        None,
    )
    kind_of = _word(disposition[0]) if disposition else ""
    name = read_file_name(_pairs(disposition[1]) if disposition else {}, _pairs(body[2]))
    octets = body[6] if isinstance(body[6], int) else 0
    yield Leaf(
        here, media, name, _word(body[5]), octets,
        is_attachment=kind_of == "attachment" and not (media.startswith("image/") and body[3]),
        is_inline=kind_of == "inline" or bool(body[3]),
    )  # fmt: skip


def _judge(leaf: Leaf) -> Attached | None:
    """A leaf as a file, or None for what a mail program writes by itself."""
    ending = leaf.name.text.rpartition(".")[2].lower() if leaf.name else ""
    named = leaf.name.text if leaf.name else f"tep-{leaf.section}.{_BY_MEDIA.get(leaf.media, 'bin')}"
    made = Attached(leaf.section, named, leaf.encoding, leaf.octets, leaf.name.fault if leaf.name else None)
    if leaf.too_deep:
        return Attached(leaf.section, "thu-chuyen-tiep.eml", "", 0, RefusalCode.MAIL_NESTED)
    if leaf.media == "application/ms-tnef" or named.lower() == "winmail.dat":
        return Attached(leaf.section, named, "", 0, RefusalCode.MAIL_WINMAIL_DAT)
    if leaf.media in _ENCRYPTED:
        return Attached(leaf.section, named, "", 0, RefusalCode.MAIL_ENCRYPTED)
    if ending in _TAKEN or ending == "tsv":
        return made
    if leaf.media in _BY_PROGRAM:
        return None
    if leaf.media in _BY_MEDIA:
        return made
    if leaf.media.startswith(("text/", "image/", "audio/", "video/")) and not leaf.is_attachment:
        # Bodies, logos under a signature. With a name and no disposition they are shown in the text all the same.
        return None
    if leaf.name is None and not leaf.is_attachment:
        return None
    return Attached(leaf.section, named, "", leaf.octets, made.fault or RefusalCode.KIND_NOT_TAKEN)


def read_file_name(disposition: Mapping[str, str], media: Mapping[str, str]) -> SafeName | None:
    """The name of an attachment from the parameters of Content-Disposition and Content-Type, in the ways that mail programs
    write it: RFC 2231 (also in pieces), RFC 2047 inside quotes, or plain 8-bit bytes. None where it has none."""
    for parameters, key in ((disposition, "filename"), (media, "name")):
        text = _collapse(parameters, key)
        if text:
            return make_safe_name(decode_words(text))
    return None


def _collapse(parameters: Mapping[str, str], key: str) -> str:
    try:
        for name, value in decode_params([("", ""), *parameters.items()])[1:]:
            if name.lower() == key:
                if isinstance(value, tuple):
                    charset, language, text = value
                    return collapse_rfc2231_value((charset, language, text[1:-1]), errors="replace")
                return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    except (ValueError, TypeError, LookupError):
        pass  # pieces with numbers that are none: the plain parameter is the next best
    return parameters.get(key, "")


def decode_words(text: str) -> str:
    """RFC 2047 encoded words as text; what cannot be decoded stays as it was written. Never raises."""
    if "=?" not in text:
        return text
    try:
        parts = decode_header(text)
    except (HeaderParseError, ValueError, binascii.Error):
        return text
    return "".join(_decode_bytes(part, charset) if isinstance(part, bytes) else part for part, charset in parts)


def _decode_bytes(data: bytes, charset: str | None) -> str:
    for name in (charset, "utf-8", "cp1258"):
        try:
            if name:
                return data.decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue
    return data.decode("latin-1")


def _word(value: Any) -> str:
    return value.decode("ascii", "replace").lower() if isinstance(value, bytes) else ""


def _pairs(values: Any) -> dict[str, str]:
    """Parameters as a server lists them: key, value, key, value. The first of a repeated key counts."""
    pairs: dict[str, str] = {}
    for key, value in zip(values[::2], values[1::2], strict=False) if isinstance(values, tuple) else ():
        if isinstance(value, bytes):
            pairs.setdefault(_word(key), _decode_bytes(value, None))
    return pairs


def copy_decoded(
    read: Callable[[int, int], bytes], encoding: str, target: BinaryIO, most: int, chunk: int
) -> RefusalCode | None:
    """Fetch a part piece by piece with `read(offset, size)` (at most size bytes, nothing at its end) and write it decoded.

    Stops at `most` decoded bytes, whatever was announced; why it is not taken, or None. Raises what `read` raises.
    """
    decoder = _DECODERS.get(encoding)
    if decoder is None:
        return RefusalCode.MAIL_ENCODING
    # Spaces and line ends cost a sender nothing and us a download: an honest encoding is no more than thrice its bytes.
    most_encoded = 3 * most + chunk
    rest, offset, size = b"", 0, 0
    while True:
        piece = read(offset, chunk)[:chunk]
        offset += len(piece)
        try:
            data, rest = decoder(rest + piece, not piece)
        except binascii.Error:
            return RefusalCode.MAIL_BROKEN
        size += len(data)
        if size > most or offset > most_encoded:
            return RefusalCode.TOO_LARGE
        target.write(data)
        if not piece:
            return None


_Decoder = Callable[[bytes, bool], tuple[bytes, bytes]]
"""What is encoded and whether it is the end -> what is decoded, and what waits for the next piece."""


def _decode_plain(data: bytes, _: bool) -> tuple[bytes, bytes]:
    return data, b""


def _decode_base64(data: bytes, is_end: bool) -> tuple[bytes, bytes]:
    letters = _NOT_BASE64.sub(b"", data)
    if _AFTER_THE_END.search(letters):
        # The library stops at the padding and says nothing: the rest of the file would be missing.
        raise binascii.Error("letters after the end")
    whole = len(letters) if is_end else len(letters) // 4 * 4
    ready = letters[:whole]
    if is_end and len(ready) % 4:
        # Some programs leave out the padding; a single letter over is a part that was cut.
        ready = ready.rstrip(b"=")
        ready += b"=" * (-len(ready) % 4)
    # Padding waits for what may follow it.
    kept = len(ready) - 4 if not is_end and ready.endswith(b"=") else len(ready)
    return binascii.a2b_base64(ready[:kept]), ready[kept:] + letters[whole:]


def _decode_quoted(data: bytes, is_end: bool) -> tuple[bytes, bytes]:
    cut = len(data) if is_end else data.rfind(b"\n") + 1
    return binascii.a2b_qp(data[:cut]), data[cut:]


_DECODERS: Mapping[str, _Decoder] = {
    "": _decode_plain, "7bit": _decode_plain, "8bit": _decode_plain, "binary": _decode_plain,
    "base64": _decode_base64, "quoted-printable": _decode_quoted,
}  # fmt: skip
