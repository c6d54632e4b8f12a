"""Which parts of a mail are files, what they are called, and what their bytes are. Structures as imapclient gives them."""

from __future__ import annotations

import base64
import io
import quopri
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.channels.mail_parts import MOST_LEAVES, BadStructure, copy_decoded, decode_words, find_files, read_file_name
from etl.channels.refusals import RefusalCode


def leaf(media: bytes, subtype: bytes, name: bytes | None = None, *, kind: bytes | None = b"attachment", id_: Any = None,
         encoding: bytes = b"base64", octets: int = 100) -> tuple[Any, ...]:  # fmt: skip
    parameters = (b"filename", name) if name is not None else None
    disposition = (kind, parameters) if kind else None
    extra = (5,) if media == b"text" else ()
    return media, subtype, None, id_, None, encoding, octets, *extra, None, disposition, None, None


def mixed(*parts: Any, subtype: bytes = b"mixed") -> Any:
    return [list(parts)][0], subtype, None, None, None, None


def forwarded(inner: Any, name: bytes | None = None) -> tuple[Any, ...]:
    disposition = (b"attachment", (b"filename", name)) if name else None
    return b"message", b"rfc822", None, None, None, b"7bit", 900, (None,) * 10, inner, 20, None, disposition, None, None


BODY = leaf(b"text", b"plain", kind=None, encoding=b"8bit")
PAGE = leaf(b"text", b"html", kind=None, encoding=b"quoted-printable")
LOGO = leaf(b"image", b"png", b"logo.png", kind=b"inline", id_=b"<logo@x>")
LOGO_AS_FILE = leaf(b"image", b"png", b"image001.png", id_=b"<image001@x>")
SHEET = leaf(b"application", b"octet-stream", b"F05.xlsx")


def is_shown_safely(name: str) -> bool:
    return "/" not in name and not any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") for sign in name)


def files_of(body: Any) -> list[tuple[str, str, str | None]]:
    return [(file.section, file.file_name, file.fault) for file in find_files(body).files]


def test_a_report_between_body_logo_and_signature() -> None:
    signature = leaf(b"application", b"pkcs7-signature", b"smime.p7s")
    body = mixed(
        mixed(BODY, mixed(PAGE, LOGO, subtype=b"related"), subtype=b"alternative"), SHEET, LOGO_AS_FILE, signature
    )
    assert files_of(body) == [("2", "F05.xlsx", None)]


def test_a_mail_that_is_the_file_itself_and_one_that_is_only_text() -> None:
    assert files_of(SHEET) == [("1", "F05.xlsx", None)]
    assert files_of(BODY) == []
    assert files_of(leaf(b"text", b"csv", kind=None)) == [("1", "tep-1.csv", None)]


@pytest.mark.parametrize("name", ["F05.XLSX", "a.xls", "a.ods", "a.csv", "a.json", "a.pdf", "a.docx", "a.zip"])
def test_kinds_that_are_taken(name: str) -> None:
    assert files_of(mixed(BODY, leaf(b"application", b"octet-stream", name.encode()))) == [("2", name, None)]


def test_a_csv_shown_in_the_text_is_a_file() -> None:
    assert files_of(mixed(BODY, leaf(b"text", b"plain", b"so lieu.csv", kind=b"inline"))) == [
        ("2", "so lieu.csv", None)
    ]


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        (leaf(b"application", b"octet-stream", b"tro-choi.exe"), RefusalCode.KIND_NOT_TAKEN),
        (leaf(b"image", b"jpeg", b"anh chup.jpg"), RefusalCode.KIND_NOT_TAKEN),
        (leaf(b"application", b"ms-tnef", b"winmail.dat"), RefusalCode.MAIL_WINMAIL_DAT),
        (leaf(b"application", b"octet-stream", b"Winmail.DAT"), RefusalCode.MAIL_WINMAIL_DAT),
        (leaf(b"application", b"pkcs7-mime", b"smime.p7m"), RefusalCode.MAIL_ENCRYPTED),
        (leaf(b"application", b"octet-stream", b"../../x.xlsx"), RefusalCode.NAME_WITH_PATH),
        (leaf(b"application", b"octet-stream", b"=?utf-8?b?YQ0KQmNjOiBi?=.xlsx"), RefusalCode.NAME_UNSAFE),
    ],
)
def test_what_is_refused_and_why(part: Any, fault: RefusalCode) -> None:
    assert [found for _, _, found in files_of(mixed(BODY, part))] == [fault]


def test_forwarded_mails_are_looked_into_to_a_depth() -> None:
    assert files_of(mixed(BODY, forwarded((BODY, SHEET, b"mixed", None, None, None, None)))) == [
        ("2.2", "F05.xlsx", None)
    ]
    assert files_of(mixed(BODY, forwarded(SHEET))) == [("2.1", "F05.xlsx", None)]
    deep = SHEET
    for _ in range(4):
        deep = forwarded(deep)
    assert files_of(mixed(BODY, deep)) == [("2.1.1.1", "thu-chuyen-tiep.eml", RefusalCode.MAIL_NESTED)]


def test_a_report_of_delivery_is_told_apart() -> None:
    returned = mixed(BODY, forwarded((BODY, SHEET, b"mixed", None, None, None, None)), subtype=b"report")
    assert find_files(returned).is_report


def test_structures_that_are_none() -> None:
    for body in (None, b"", (), (b"text",), [[]], ([], b"mixed"), (1, 2, 3)):
        with pytest.raises(BadStructure):
            find_files(body)
    with pytest.raises(BadStructure):
        find_files(mixed(*[BODY] * (MOST_LEAVES + 1)))
    deep: Any = SHEET
    for _ in range(5000):
        deep = mixed(deep)
    with pytest.raises(BadStructure):
        find_files(deep)


ATOMS = st.recursive(
    st.none() | st.binary(max_size=12) | st.integers(-5, 2**40) | st.sampled_from([b"text", b"message", b"rfc822"]),
    lambda inner: st.lists(inner, max_size=12).map(tuple) | st.lists(inner, max_size=4),
    max_leaves=40,
)  # fmt: skip


@settings(deadline=None)
@given(ATOMS)
def test_no_structure_breaks_the_reader(body: Any) -> None:
    try:
        found = find_files(body)
    except BadStructure:
        return
    for file in found.files:
        assert is_shown_safely(file.file_name)


@pytest.mark.parametrize(
    ("disposition", "media", "name"),
    [
        ({"filename": "a.xlsx"}, {"name": "b.xlsx"}, "a.xlsx"),
        ({}, {"name": "b.xlsx"}, "b.xlsx"),
        ({"filename*": "UTF-8''B%C3%A1o%20c%C3%A1o.xlsx"}, {}, "Báo cáo.xlsx"),
        ({"filename*0*": "utf-8'vi'B%C3%A1o", "filename*1*": "%20c%C3%A1o", "filename*2": ".xlsx"}, {}, "Báo cáo.xlsx"),
        ({"filename": "=?UTF-8?B?QsOhbyBjw6FvLnhsc3g=?="}, {}, "Báo cáo.xlsx"),
        ({"filename": "=?utf-8?Q?B=C3=A1o?= =?utf-8?Q?_c=C3=A1o.xlsx?="}, {}, "Báo cáo.xlsx"),
        ({"filename": "=?windows-1258?Q?B=E1o_c=E1o.xlsx?="}, {}, "Báo cáo.xlsx"),
        ({"filename": "=?khong-co?Q?a.xlsx?="}, {}, "a.xlsx"),
        ({"filename": "=?utf-8?B?hỏng"}, {}, "=?utf-8?B?hỏng"),
        ({"filename*99999999999999999999*": "a.xlsx"}, {"name": "b.xlsx"}, "a.xlsx"),
        ({"filename*%s*" % ("9" * 5000): "a.xlsx"}, {"name": "b.xlsx"}, "b.xlsx"),
        ({"filename*x": "x", "filename": "a.xlsx"}, {}, "a.xlsx"),
        ({"filename": ""}, {}, None),
    ],
)
def test_names_in_the_ways_that_mail_programs_write_them(
    disposition: dict[str, str], media: dict[str, str], name: str | None
) -> None:
    found = read_file_name(disposition, media)
    assert (found and found.text) == name


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["filename", "filename*", "filename*0*", "filename*1*"]), st.text(max_size=60)))
def test_no_parameters_break_the_reader(parameters: dict[str, str]) -> None:
    found = read_file_name(parameters, {})
    assert found is None or is_shown_safely(found.text)


@settings(deadline=None)
@given(st.text(max_size=100))
def test_no_encoded_word_breaks_the_reader(text: str) -> None:
    decode_words(text)
    decode_words(f"=?utf-8?B?{text}?=")


def decode(data: bytes, encoding: str, most: int = 10_000, chunk: int = 7) -> tuple[bytes, RefusalCode | None]:
    target = io.BytesIO()
    fault = copy_decoded(lambda offset, size: data[offset : offset + size], encoding, target, most, chunk)
    return target.getvalue(), fault


@settings(deadline=None)
@given(st.binary(max_size=600), st.integers(1, 100))
def test_bytes_come_out_whatever_the_pieces(data: bytes, chunk: int) -> None:
    for encoding, encoded in (
        ("base64", base64.encodebytes(data)),
        ("base64", base64.b64encode(data)),
        ("base64", base64.b64encode(data).rstrip(b"=")),
        ("base64", base64.encodebytes(data).replace(b"\n", b"\r\n")),
        ("quoted-printable", quopri.encodestring(data)),
        ("8bit", data),
        ("", data),
    ):
        if encoding == "quoted-printable" and b"\r" in data:
            continue  # mail lines end in CR LF: a lone one is nobody's content
        assert decode(encoded, encoding, chunk=chunk) == (data, None)


def test_more_than_the_bound_stops_the_download() -> None:
    asked: list[int] = []

    def endless(offset: int, size: int) -> bytes:
        asked.append(offset)
        return b"QUJD" * (size // 4)

    target = io.BytesIO()
    assert copy_decoded(endless, "base64", target, 10_000, 4096) == RefusalCode.TOO_LARGE
    assert len(target.getvalue()) <= 10_000
    assert max(asked) < 20_000

    def blanks(offset: int, size: int) -> bytes:
        asked.append(offset)
        return b"\n" * size

    assert copy_decoded(blanks, "base64", io.BytesIO(), 10_000, 4096) == RefusalCode.TOO_LARGE
    assert max(asked) < 50_000


def test_broken_and_unknown_encodings() -> None:
    assert decode(b"QUJDRA", "base64") == (b"ABCD", None)
    assert decode(b"QUJDR", "base64")[1] == RefusalCode.MAIL_BROKEN
    # What stands after the padding must not be missing in silence, wherever a piece ends.
    for chunk in (1, 3, 4, 8, 1000):
        assert decode(b"QQ==QUJDREVG", "base64", chunk=chunk)[1] == RefusalCode.MAIL_BROKEN
        assert decode(b"QUI=\r\n", "base64", chunk=chunk) == (b"AB", None)
    assert decode(b"begin 644 x", "x-uuencode")[1] == RefusalCode.MAIL_ENCODING
