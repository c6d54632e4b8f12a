"""JSON out of a stranger's hand: read within bounds, or refused with a reason; never an exception, never a hang."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.reading.document import MOST_DEPTH, Group, Node, Series, find_doubles, read_document, show_plain, unpack
from etl.reading.failures import FailedReading, ReadingFailure
from etl.reading.grid import Cell, CellKind, Workbook
from etl.reading.pool import ReaderPool
from etl.reading.sniff import FileFormat, sniff_format
from etl.reading.wire import Packed, decode_answer, encode_workbook


def leaves(node: Node) -> list[Cell | None]:
    if isinstance(node, Group):
        return [leaf for _, item in node.members for leaf in leaves(item)]
    return [leaf for item in node.items for leaf in leaves(item)] if isinstance(node, Series) else [node]


def read(text: str) -> Node:
    found = read_document(text.encode("utf-8", "surrogatepass"))
    assert not isinstance(found, FailedReading)
    return unpack(found)


@pytest.mark.parametrize(
    ("literal", "kind", "text"),
    [
        ("5", CellKind.NUMBER, "5"),
        ("38.20", CellKind.NUMBER, "38.20"),
        ("-0.0", CellKind.NUMBER, "0.0"),
        ("1.5e3", CellKind.NUMBER, "1500"),
        ("0e999999999", CellKind.NUMBER, "0"),
        ("0e-999999999", CellKind.NUMBER, "0"),
        ("1e400", CellKind.INVALID, "1e400"),
        ("1e-400", CellKind.INVALID, "1e-400"),
        ("NaN", CellKind.INVALID, "NaN"),
        ("-Infinity", CellKind.INVALID, "-Infinity"),
        ("9" * 5000, CellKind.INVALID, "9" * 59 + "…"),
        ("0." + "1" * 5000, CellKind.INVALID, "0." + "1" * 57 + "…"),
        ("true", CellKind.BOOLEAN, "TRUE"),
        ('"\\ud800 a"', CellKind.INVALID, "\ufffd a"),
        ('"\\u0000"', CellKind.INVALID, "\ufffd"),
        ('"=1+1"', CellKind.TEXT, "=1+1"),
    ],
)
def test_leaves(literal: str, kind: CellKind, text: str) -> None:
    (leaf,) = leaves(read(f'{{"a": {literal}}}'))
    assert leaf is not None
    assert (leaf.kind, leaf.text) == (kind, text)


@pytest.mark.parametrize(
    ("data", "failure", "detail"),
    [
        (b'{"a": [', ReadingFailure.JSON_SYNTAX, "dòng 1, ký tự 8"),
        (b'{"a": 1,\n "b": 2 "c"}', ReadingFailure.JSON_SYNTAX, "dòng 2, ký tự 9"),
        (b'{"a": 01}', ReadingFailure.JSON_SYNTAX, "dòng 1, ký tự 8"),
        ('{"a": "é"}'.encode("latin-1"), ReadingFailure.JSON_ENCODING, ""),
        ('{"a": "é"}'.encode("utf-16"), ReadingFailure.JSON_ENCODING, ""),
        (b'{"a":' * 200_000, ReadingFailure.FILE_TOO_LARGE, "depth"),
        (b'{"a":' + b"[" * (MOST_DEPTH + 1) + b"]" * (MOST_DEPTH + 1) + b"}", ReadingFailure.FILE_TOO_LARGE, "depth"),
        (b'{"a":[' + b"0," * 500_000 + b"0]}", ReadingFailure.FILE_TOO_LARGE, "cells"),
        (b'{"a":"' + b"x" * 9_000_000 + b'"}', ReadingFailure.FILE_TOO_LARGE, "text"),
    ],
    ids=["cut", "comma", "nought", "latin", "utf16", "deep", "nested", "many", "long"],
)
def test_refusals(data: bytes, failure: ReadingFailure, detail: str) -> None:
    assert sniff_format(data) is FileFormat.JSON
    assert read_document(data) == FailedReading(failure, detail)


@pytest.mark.parametrize(
    ("text", "format_"),
    [
        ('{"a": 1}', FileFormat.JSON),
        ('\ufeff\n  {\n "a": "<table>"}', FileFormat.JSON),
        ("[{}]", FileFormat.JSON),
        ("{\\rtf1 {a}}", FileFormat.RTF),
        ("[A];[B]\n1;2", FileFormat.CSV),
        ("{a};{b}\n1;2", FileFormat.CSV),
    ],
)
def test_json_is_known_by_its_content(text: str, format_: FileFormat) -> None:
    assert sniff_format(text.encode()) is format_


def test_doubled_keys_are_kept_and_found() -> None:
    node = read('{"a": {"b/c": 1, "b/c": 2, "b/c": 3}, "a": 4, "d": [{"e": 1, "e": 1}]}')
    assert list(find_doubles(node)) == [("/a/b~1c", "b/c"), ("/a", "a"), ("/d/0/e", "e")]
    assert show_plain(node) == {"a": {"b/c": 1}, "d": [{"e": 1}]}


def test_hostile_documents_cost_only_their_own_reading() -> None:
    hostile = [b'{"a":' * 1_000_000, b'{"a": ' + b"9" * 5_000_000 + b"}", b'{"' + b"\\u0041" * 1_000_000 + b'": 1}']
    with ReaderPool(1) as pool:
        found = [result for _, result in pool.read(enumerate([*hostile, b'{"a": 1}']))]
    assert found[0] == FailedReading(ReadingFailure.FILE_TOO_LARGE, "depth")
    assert isinstance(found[-1], Workbook)
    assert show_plain(found[-1].document) == {"a": 1}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(st.characters(), max_size=5), inner, max_size=5)
    ),
    max_leaves=30,
)


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_any_document_passes_the_wire_as_it_is(value: object) -> None:
    packed = read_document(json.dumps(value).encode())
    if isinstance(packed, FailedReading):
        assert packed.detail == "depth"
        return
    answer = decode_answer(encode_workbook("json", Packed(packed), 0)).result
    assert isinstance(answer, Workbook)
    assert answer.document == unpack(packed)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:0123456789eE+-.\\untrfalse \n', max_size=200).map(str.encode))
def test_any_bytes_give_nodes_or_a_reason(data: bytes) -> None:
    found = read_document(data)
    if not isinstance(found, FailedReading):
        show_plain(unpack(found))
