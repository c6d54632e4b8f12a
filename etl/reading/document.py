"""A JSON submission as plain nodes: numbers as they are written, keys as often as they stand. Runs in the reading child.

Must stay import-light and must not interpret: which key belongs where is for the schema. What no cell can hold (NaN, a broken
character, a number of thousands of digits) becomes an INVALID leaf, so that the rest of the document is still read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, TypeAlias

from etl.reading.failures import FailedReading, ReadingFailure
from etl.reading.grid import Cell, CellKind

MOST_DEPTH = 12
"""Levels of a document; a submission has five."""
MOST_VALUES = 400_000
MOST_TEXT = 8 * 1024 * 1024
LONGEST_KEY = 200
_LONGEST_NUMBER = 60
_BEYOND = Decimal(10) ** 30
_SMALLEST = Decimal(10) ** -30
_BROKEN = re.compile("[\x00\ud800-\udfff]")
"""Half characters, and NUL: no database stores them."""
_BOM = b"\xef\xbb\xbf"


class Group(NamedTuple):
    """An object: its keys in order, one that stands twice included."""

    members: tuple[tuple[str, Node], ...]


class Series(NamedTuple):
    """An array."""

    items: tuple[Node, ...]


Node: TypeAlias = "Group | Series | Cell | None"
"""None is `null`. A leaf is a cell; of an INVALID one `number_format` is the finding code and `text` what stands there."""


class _Number(str):
    """A number as it is written."""


class _Constant(str):
    """NaN, Infinity, -Infinity: no JSON, though many programs write it."""


class _Pairs(list[tuple[str, Any]]):
    """The members of an object, doubles included."""


def read_document(data: bytes) -> FailedReading | list[Any] | None:
    """The document in `data` as packed nodes (`unpack`), or why not. `detail` of a failure: place in the text, or the limit."""
    try:
        text = data.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError:
        return FailedReading(ReadingFailure.JSON_ENCODING)
    try:
        found = json.loads(
            text, object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number, parse_constant=_Constant
        )
    except json.JSONDecodeError as error:
        return FailedReading(ReadingFailure.JSON_SYNTAX, f"dòng {error.lineno}, ký tự {error.colno}")
    except RecursionError:
        return FailedReading(ReadingFailure.FILE_TOO_LARGE, "depth")
    budget = _Budget()
    try:
        return _pack(found, 0, budget)
    except _TooMuchError as error:
        return FailedReading(ReadingFailure.FILE_TOO_LARGE, str(error))


class _TooMuchError(Exception):
    """More levels, values or characters than allowed."""


class _Budget:
    __slots__ = ("text", "values")

    def __init__(self) -> None:
        self.values = 0
        self.text = 0

    def spend(self, text: int) -> None:
        self.values += 1
        self.text += text
        if self.values > MOST_VALUES:
            raise _TooMuchError("cells")
        if self.text > MOST_TEXT:
            raise _TooMuchError("text")


def _pack(value: Any, depth: int, budget: _Budget) -> list[Any] | None:
    if depth > MOST_DEPTH:
        raise _TooMuchError("depth")
    if isinstance(value, _Pairs):
        budget.spend(0)
        return ["o", [[_pack_key(key, budget), _pack(item, depth + 1, budget)] for key, item in value]]
    if isinstance(value, list):
        budget.spend(0)
        return ["a", [_pack(item, depth + 1, budget) for item in value]]
    budget.spend(len(value) if isinstance(value, str) else 0)
    if value is None:
        return None
    if isinstance(value, bool):
        return ["b", "TRUE" if value else "FALSE"]
    if isinstance(value, _Constant):
        return ["i", str(value), "JSON-TYPE"]
    if isinstance(value, _Number):
        return _pack_number(value)
    if _BROKEN.search(value):
        return ["i", _BROKEN.sub("\ufffd", value), "JSON-TYPE"]
    return ["t", value]


def _pack_key(key: str, budget: _Budget) -> str:
    budget.spend(len(key))
    return _BROKEN.sub("\ufffd", key)[:LONGEST_KEY]


def _pack_number(literal: str) -> list[Any]:
    """A number in plain digits; one beyond all figures, or written longer than any, keeps its first characters only."""
    shown = literal if len(literal) <= _LONGEST_NUMBER else literal[: _LONGEST_NUMBER - 1] + "…"
    try:
        number = Decimal(literal) if len(literal) <= 10 * _LONGEST_NUMBER else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number) >= _BEYOND:
        return ["i", shown, "CELL-TOO-LARGE"]
    if number and abs(number) < _SMALLEST:
        return ["i", shown, "CELL-NOT-NUMBER"]
    if "e" in literal or "E" in literal:
        # "0e-999999999" would be written with a thousand million noughts.
        literal = f"{number:f}" if number else "0"
    elif not number:
        literal = literal.lstrip("-")
    return ["i", shown, "CELL-NOT-NUMBER"] if len(literal) > _LONGEST_NUMBER else ["n", literal]


def unpack(packed: Any) -> Node:
    """The nodes of a packed document. Raises ValueError, TypeError, RecursionError for what `read_document` does not give."""
    if packed is None:
        return None
    kind = packed[0]
    if kind == "o":
        return Group(tuple((str(key), unpack(item)) for key, item in packed[1]))
    if kind == "a":
        return Series(tuple(unpack(item) for item in packed[1]))
    return Cell(CellKind(_KINDS[kind]), str(packed[1]), str(packed[2]) if kind == "i" else None)


_KINDS = {"n": CellKind.NUMBER, "t": CellKind.TEXT, "b": CellKind.BOOLEAN, "i": CellKind.INVALID}


def escape_key(key: str) -> str:
    """A key as a part of a JSON Pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def walk_members(node: Node) -> Iterator[tuple[str, Node]]:
    """The members of an object, each key's first; nothing for any other node."""
    if isinstance(node, Group):
        seen: set[str] = set()
        for key, item in node.members:
            if key not in seen:
                seen.add(key)
                yield key, item


def find_member(node: Node, key: str) -> Node:
    """The first member of a key; None where there is none, or it is null."""
    return next((item for name, item in walk_members(node) if name == key), None)


def find_doubles(node: Node, pointer: str = "") -> Iterator[tuple[str, str]]:
    """(JSON Pointer, key) of every key that stands more than once in its object, each once."""
    if isinstance(node, Series):
        for place, item in enumerate(node.items):
            yield from find_doubles(item, f"{pointer}/{place}")
    if isinstance(node, Group):
        told: dict[str, int] = {}
        for key, item in node.members:
            told[key] = told.get(key, 0) + 1
            own = f"{pointer}/{escape_key(key)}"
            if told[key] == 2:
                yield own, key
            elif told[key] == 1:
                yield from find_doubles(item, own)


def show_plain(node: Node) -> Any:
    """The document as plain Python values, for a schema: whole numbers as int, others as float, doubled keys by their first."""
    if isinstance(node, Group):
        return {key: show_plain(item) for key, item in walk_members(node)}
    if isinstance(node, Series):
        return [show_plain(item) for item in node.items]
    if node is None:
        return None
    if node.kind is CellKind.NUMBER:
        return int(node.text) if node.text.lstrip("-").isdigit() else float(node.text)
    if node.kind is CellKind.BOOLEAN:
        return node.text == "TRUE"
    if node.kind is CellKind.INVALID:
        return Invalid(node.text)
    return node.text


class Invalid:
    """Stands for what no cell can hold: no type that a schema knows."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text
