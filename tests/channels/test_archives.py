"""Zip archives: their files come out, and what is hostile is refused before it is unpacked."""

from __future__ import annotations

import io
import struct
import time
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.channels.archives import ArchiveBounds, is_archive, read_archive, unpack_parts
from etl.channels.protocol import Part, Refused
from etl.channels.refusals import RefusalCode

BOUNDS = ArchiveBounds(file_bytes=1_000_000)


def pack(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def unpack(data: bytes, bounds: ArchiveBounds = BOUNDS) -> list[tuple[str, str, bytes]]:
    """(part, file name, bytes), or (part, code, what it says) of what is refused."""
    found = []
    for part in read_archive(io.BytesIO(data), "", "gửi.zip", {"unit": "H14.SNV"}, bounds):
        assert dict(part.hints) == {"unit": "H14.SNV"}
        if isinstance(part, Part):
            found.append((part.part, part.file_name, part.stream.read()))
        else:
            found.append((part.part, part.code, part.detail.encode()))
    return found


def refusal(data: bytes, bounds: ArchiveBounds = BOUNDS) -> str:
    """The code of the one refusal of the whole archive."""
    (found,) = read_archive(io.BytesIO(data), "", "gửi.zip", {}, bounds)
    assert isinstance(found, Refused)
    assert found.part == ""
    return found.code


def test_files_come_out_with_their_names_and_without_what_programs_add() -> None:
    data = pack(
        {
            "Báo cáo/F05 quý I.xlsx": b"PK-not really",
            "F07.csv": b"a;b",
            "__MACOSX/Báo cáo/._F05.xlsx": b"x",
            ".DS_Store": b"x",
            "Báo cáo/Thumbs.db": b"x",
        }
    )
    assert unpack(data) == [
        ("gửi.zip!Báo cáo/F05 quý I.xlsx", "F05 quý I.xlsx", b"PK-not really"),
        ("gửi.zip!F07.csv", "F07.csv", b"a;b"),
    ]


def test_two_files_of_one_name_are_two_files() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("a.csv", b"1")
            archive.writestr("a.csv", b"2")
    assert unpack(target.getvalue()) == [("gửi.zip!a.csv", "a.csv", b"1"), ("gửi.zip!a.csv#2", "a.csv", b"2")]


@pytest.mark.parametrize("encoding", ["cp1258", "utf-8"])
@pytest.mark.parametrize("name", ["Đơn.csv", "Báo cáo.csv"])
def test_names_without_a_mark_are_read_as_windows_or_utf8(encoding: str, name: str) -> None:
    raw = name.encode(encoding)
    data = pack({"x" * len(raw): b"1"}).replace(b"x" * len(raw), raw)
    assert [file for _, file, _ in unpack(data)] == [name]


def test_ten_thousand_entries_are_refused_before_the_directory_is_read() -> None:
    data = pack({f"{number}.csv": b"" for number in range(10_000)}, zipfile.ZIP_STORED)
    begin = time.process_time()
    assert refusal(data) == RefusalCode.ZIP_TOO_MANY_FILES
    assert time.process_time() - begin < 0.05
    # A directory that says it has one entry is as long as it is.
    place = len(data) - 22
    lying = data[: place + 8] + struct.pack("<HH", 1, 1) + data[place + 12 :]
    assert refusal(lying) == RefusalCode.ZIP_TOO_MANY_FILES


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"a.csv": b"1", "trong.zip": pack({"b.csv": b"2"})}, RefusalCode.ZIP_NESTED),
        ({"a.csv": b"1", "trong.RAR": b"x"}, RefusalCode.ZIP_NESTED),
        ({"../ra-ngoai.xlsx": b"1"}, RefusalCode.ZIP_PATH),
        ({"a/../../ra-ngoai.xlsx": b"1"}, RefusalCode.ZIP_PATH),
        ({"/etc/cron.d/x": b"1"}, RefusalCode.ZIP_PATH),
        ({"C:/Windows/x.xlsx": b"1"}, RefusalCode.ZIP_PATH),
        ({"a\r\nX-Header: 1.csv": b"1"}, RefusalCode.ZIP_PATH),
        ({"0.csv": bytes(5_000_000)}, RefusalCode.ZIP_BOMB),
        ({f"{n}.csv": bytes(900_000) for n in range(20)}, RefusalCode.ZIP_BOMB),
        ({}, RefusalCode.ZIP_EMPTY),
        ({".DS_Store": b"1"}, RefusalCode.ZIP_EMPTY),
    ],
)
def test_hostile_archives_are_refused_whole(files: dict[str, bytes], code: RefusalCode) -> None:
    assert refusal(pack(files)) == code


def test_more_than_may_be_unpacked_in_all_is_refused() -> None:
    data = pack({f"{n}.bin": bytes(range(256)) * 40 for n in range(10)}, zipfile.ZIP_STORED)
    assert refusal(data, ArchiveBounds(file_bytes=1_000_000, total_bytes=50_000)) == RefusalCode.ZIP_TOO_LARGE


def test_links_passwords_and_rare_methods_are_refused() -> None:
    link = zipfile.ZipInfo("loi-tat.xlsx")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(link, b"/etc/passwd")
    assert refusal(target.getvalue()) == RefusalCode.ZIP_LINK
    plain = pack({"a.csv": b"1"}, zipfile.ZIP_STORED)
    locked = bytearray(plain)
    locked[6] |= 1
    locked[plain.index(b"PK\x01\x02") + 8] |= 1
    assert refusal(bytes(locked)) == RefusalCode.ZIP_ENCRYPTED
    assert refusal(pack({"a.csv": b"1" * 100}, zipfile.ZIP_LZMA)) == RefusalCode.ZIP_METHOD


def test_an_archive_under_another_name_is_refused_alone() -> None:
    inner = pack({"b.csv": b"2"})
    found = unpack(pack({"a.csv": b"1", "F05.xlsx": inner, "F07.xlsx": b"\x1f\x8b\x08rest"}))
    assert [(part, what) for part, what, _ in found] == [
        ("gửi.zip!a.csv", "a.csv"),
        ("gửi.zip!F05.xlsx", RefusalCode.ZIP_NESTED),
        ("gửi.zip!F07.xlsx", RefusalCode.ZIP_NESTED),
    ]


@pytest.mark.parametrize("place", [2**31, 2**62, 2**63, 2**64 - 1])
def test_a_directory_that_is_said_to_lie_beyond_all_numbers_is_a_broken_one(place: int) -> None:
    data = pack({"a.csv": b"1"})
    end = data.rindex(b"PK\x05\x06")
    lying = data[:end] + struct.pack("<4sLQL", b"PK\x06\x07", 0, place, 1) + data[end:]
    assert [what for _, what, _ in unpack(lying)] == [RefusalCode.ZIP_BROKEN]
    assert not is_archive(io.BytesIO(lying))


def test_one_file_too_large_does_not_stop_the_others() -> None:
    data = pack({"lon.bin": bytes(range(256)) * 8000, "a.csv": b"1"}, zipfile.ZIP_STORED)
    assert [what for _, what, _ in unpack(data)] == [RefusalCode.TOO_LARGE, "a.csv"]


def test_a_size_that_lies_gives_no_more_than_it_says() -> None:
    """The directory says 10 bytes and holds 100,000: nothing of it is believed."""
    data = pack({"a.csv": b"0123456789" * 10_000})
    place = data.index(b"PK\x01\x02")
    lying = data[: place + 24] + struct.pack("<L", 10) + data[place + 28 :]
    assert [what for _, what, _ in unpack(lying)] == [RefusalCode.ZIP_BROKEN]


def test_workbooks_and_documents_are_no_archives() -> None:
    workbook = pack({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b""})
    document = pack({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b""})
    assert not is_archive(io.BytesIO(workbook))
    assert not is_archive(io.BytesIO(document))
    assert not is_archive(io.BytesIO(b"PK\x03\x04 cut off"))
    assert is_archive(io.BytesIO(pack({"a.csv": b"1"})))
    assert [what for _, what, _ in unpack(pack({"F05.xlsx": workbook}))] == ["F05.xlsx"]


class ReadOnce(io.RawIOBase):
    """A stream of a network: it cannot be put back to its start."""

    def __init__(self, data: bytes) -> None:
        self._source = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._source.read(min(size, 777) if size > 0 else size)


@pytest.mark.parametrize("kind", [io.BytesIO, ReadOnce])
@pytest.mark.parametrize("extra", [0, 2_000_000])
def test_parts_that_are_no_archive_are_passed_on_byte_for_byte(kind: type, extra: int) -> None:
    datas = [b"", b"PK", b"abc", b"PK\x03\x04" + bytes(extra), pack({"[Content_Types].xml": bytes(100 + extra)})]
    parts: Iterator[Part | Refused] = iter(Part(str(n), f"{n}.xlsx", kind(data)) for n, data in enumerate(datas))
    found = []
    for part in unpack_parts(parts, BOUNDS):
        assert isinstance(part, Part)
        found.append(read_all(part.stream))
    assert found == datas


def read_all(stream: BinaryIO) -> bytes:
    pieces = []
    while piece := stream.read(100_000):
        pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize("kind", [io.BytesIO, ReadOnce])
def test_archives_among_parts_are_unpacked_in_their_place(kind: type) -> None:
    parts = [
        Part("1", "a.xlsx", io.BytesIO(b"1")),
        Part("2:g.zip", "g.zip", kind(pack({"b.csv": b"2", "c.csv": b"3"}))),
        Refused("3", "x", RefusalCode.TOO_LARGE),
    ]
    assert [part.part for part in unpack_parts(iter(parts), BOUNDS)] == ["1", "2:g.zip!b.csv", "2:g.zip!c.csv", "3"]


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\:.~"), min_size=1, max_size=20)


@settings(deadline=None)
@given(
    st.dictionaries(
        NAMES.map(lambda name: name + ".csv"),
        st.binary(max_size=2000).map(lambda data: b"so lieu " + data),
        min_size=1,
        max_size=8,
    )
)
def test_what_was_packed_comes_out(files: dict[str, bytes]) -> None:
    assert [data for _, _, data in unpack(pack(files))] == list(files.values())


@settings(deadline=None)
@given(st.data())
def test_damaged_archives_are_refused_and_never_raise(data: st.DataObject) -> None:
    whole = pack({"a/b.csv": b"so lieu " * 50, "c.csv": bytes(range(256))})
    broken = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(broken[: data.draw(st.integers(0, len(broken)))])
    for attempt in (bytes(broken), cut):
        is_archive(io.BytesIO(attempt))
        for part, _, content in unpack(attempt):
            assert "\0" not in part
            assert len(content) <= BOUNDS.file_bytes
