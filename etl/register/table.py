"""One file of the register, row by row or node by node, with the line of everything that is wrong in it.

Reads files; it must not know what the rows mean (`etl.register.read` does) nor stop at the first problem: whoever edits
a register wants the whole list at once.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from pathlib import Path
from typing import Generic, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from etl.register.entities import EVERY, NAMED_ONLY, UnitType
from etl.text import normalise

_T = TypeVar("_T")
_E = TypeVar("_E", bound=Enum)
_M = TypeVar("_M", bound=BaseModel)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong in a register: file name, line from 1 (the whole file: 1), and the reason in English."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Located(Generic[_T]):
    """A value and the line it was read from; `parts` gives the lines of its parts where it spans several."""

    value: _T
    file: str
    line: int
    parts: Mapping[str, int] = field(default_factory=dict)

    def problem(self, reason: str, part: str = "") -> Problem:
        """A problem of this value, told at the line of the part where that is known."""
        return Problem(self.file, self.parts.get(part, self.line), reason)


class Row:
    """The cells of one CSV row. What cannot be read is noted as a problem and given a stand-in; `bad` tells."""

    def __init__(self, cells: dict[str, str], file: str, line: int, problems: list[Problem]) -> None:
        self._cells = cells
        self._file = file
        self._line = line
        self._problems = problems
        self.bad = False

    def refuse(self, reason: str) -> None:
        """Notes what is wrong with the row and marks it bad."""
        self.bad = True
        self._problems.append(Problem(self._file, self._line, reason))

    def text(self, column: str) -> str:
        """A cell that must not be empty."""
        value = self._cells[column]
        if not value:
            self.refuse(f"{column} is empty")
        return value

    def optional(self, column: str) -> str | None:
        """A cell, None when empty."""
        return self._cells[column] or None

    def day(self, column: str) -> date:
        """A date written yyyy-mm-dd."""
        value = self.text(column)
        try:
            # fromisoformat alone also takes 20260101 and 2026-W01-1: two ways to write one key.
            if len(value) == 10:
                return date.fromisoformat(value)
        except ValueError:
            pass
        if value:
            self.refuse(f"{column} {value!r} is no date: write a day that exists as yyyy-mm-dd")
        return date.min

    def validity(self) -> tuple[date, date | None]:
        """`valid_from` and `valid_to` (empty = until further notice), in order."""
        start = self.day("valid_from")
        end = self.day("valid_to") if self._cells["valid_to"] else None
        if end is not None and end < start:
            self.refuse(f"valid_to {end} is before valid_from {start}")
        return start, end

    def recorded_at(self, default: datetime) -> datetime:
        """`recorded_at` with its UTC offset; `default` when empty."""
        value = self._cells["recorded_at"]
        if not value:
            return default
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            instant = datetime.min  # noqa: DTZ901 - naive, so refused below
        if instant.tzinfo is None:
            self.refuse(f"recorded_at {value!r} is no instant: write e.g. 2026-01-05T08:00:00+07:00")
            return default
        return instant

    def choice(self, column: str, options: type[_E]) -> _E:
        """One of an enumeration's values."""
        value = self.text(column)
        try:
            return options(value)
        except ValueError:
            if value:
                self.refuse(f"unknown {column} {value!r}: expected {_listed(options)}")
            return next(iter(options))

    def yes_no(self, column: str, otherwise: bool | None = None) -> bool:
        """`yes` or `no`; an empty cell is `otherwise`, where that is given."""
        if otherwise is not None and not self._cells[column]:
            return otherwise
        value = self.text(column)
        if value and value not in ("yes", "no"):
            self.refuse(f"{column} {value!r}: write yes or no")
        return value == "yes"

    def choices(self, column: str, options: type[_E]) -> frozenset[_E]:
        """One or more of an enumeration's values, separated by `|`."""
        value = self.text(column)
        known = {str(option.value): option for option in options}
        parts = value.split("|") if value else []
        for part in parts:
            if part not in known:
                self.refuse(f"unknown {part!r} in {column}: expected one or more of {_listed(options)} with | between")
        return frozenset(known[part] for part in parts if part in known)

    def unit_types(self, column: str) -> frozenset[UnitType]:
        """Unit types separated by `|`, or `*` for all."""
        value = self.text(column)
        if value == EVERY:
            return frozenset(UnitType) - NAMED_ONLY
        known = {str(unit_type) for unit_type in UnitType}
        parts = value.split("|") if value else []
        for part in parts:
            if part not in known:
                self.refuse(f"unknown unit type {part!r} in {column}: expected {EVERY} or {_listed(UnitType)}")
        return frozenset(UnitType(part) for part in parts if part in known)

    def share(self, column: str) -> Decimal | None:
        """A part over 0 and up to 1 with a decimal point, None when empty."""
        value = self._cells[column]
        if not value:
            return None
        try:
            share = Decimal(value)
        except InvalidOperation:
            share = Decimal(0)
        if not share.is_finite() or not 0 < share <= 1:
            self.refuse(f"{column} {value!r} is no part: write a number over 0 and up to 1, such as 0.25")
            return None
        return share


def read_table(
    folder: Path,
    name: str,
    columns: Sequence[str],
    build: Callable[[Row], _T],
    problems: list[Problem],
    optional: Sequence[str] = (),
    *,
    private: bool = False,
) -> list[Located[_T]]:
    """The rows of `folder/name`, built by `build`; rows with a problem are left out and the problem is noted.

    Columns that are `optional` may be missing; their cells are then empty.
    `private`: the cells are people's data, which a list of problems, and the log it ends in, must not repeat.
    """
    text = _read_text(folder, name, problems)
    if text is None:
        return []
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: list[Located[_T]] = []
    try:
        header = next(lines, [])
        if not _check_header(name, header, columns, optional, problems):
            return []
        for cells in lines:
            if not cells:
                continue
            if len(cells) != len(header):
                problems.append(Problem(name, lines.line_num, f"{len(cells)} cells where the header has {len(header)}"))
                continue
            row = Row(
                dict.fromkeys(optional, "") | dict(zip(header, cells, strict=True)), name, lines.line_num, problems
            )
            for column, cell in zip(header, cells, strict=True):
                reason = _untidy(cell)
                if reason:
                    row.refuse(f"{column} {reason}" if private else f"{column} {cell!r} {reason}")
            value = build(row)
            if not row.bad:
                found.append(Located(value, name, lines.line_num))
    except csv.Error as error:
        problems.append(Problem(name, lines.line_num, f"this line is no CSV: {error}"))
    return found


@dataclass(frozen=True, slots=True)
class YamlFile(Generic[_M]):
    """A YAML file checked against its model, which remembers on which line each part stands."""

    value: _M
    name: str
    node: yaml.Node

    def line_of(self, *path: int | str) -> int:
        """The line of the part a path of keys and indexes leads to."""
        return _line_of(self.node, path)


def read_yaml(folder: Path, name: str, model: type[_M], problems: list[Problem]) -> YamlFile[_M] | None:
    """`folder/name` as a model; None when it has problems, which are noted."""
    text = _read_text(folder, name, problems)
    if text is None:
        return None
    # BaseLoader leaves every scalar a text, so that the model judges it: "04" stays a code, 2026-02-30 gets a line.
    loader = yaml.BaseLoader(text)
    try:
        node = loader.get_single_node()
        content = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problems.append(Problem(name, line, f"this is no YAML: {error.problem or error.context}"))
        return None
    except yaml.YAMLError as error:
        problems.append(Problem(name, 1, f"this is no YAML: {error}"))
        return None
    finally:
        loader.dispose()
    if node is None:
        problems.append(Problem(name, 1, "the file is empty"))
        return None
    before = len(problems)
    _check_node(node, name, problems)
    try:
        value = model.model_validate(content)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            where = ".".join(str(part) for part in item["loc"])
            problems.append(Problem(name, _line_of(node, item["loc"]), f"{where}: {item['msg']}"))
        return None
    return YamlFile(value, name, node) if len(problems) == before else None


def _read_text(folder: Path, name: str, problems: list[Problem]) -> str | None:
    path = folder / name
    try:
        raw = path.read_bytes()
    except OSError as error:
        problems.append(Problem(name, 1, f"cannot be read: {error.strerror}"))
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.append(Problem(name, raw[: error.start].count(b"\n") + 1, "is not UTF-8: save the file as UTF-8"))
        return None


def _check_header(
    name: str, header: list[str], columns: Sequence[str], optional: Sequence[str], problems: list[Problem]
) -> bool:
    reasons = [f"missing column {column}" for column in columns if column not in (*header, *optional)]
    reasons += [f"unknown column {column!r}" for column in dict.fromkeys(header) if column not in columns]
    reasons += [f"column {column} twice" for column in dict.fromkeys(header) if header.count(column) > 1]
    problems.extend(Problem(name, 1, reason) for reason in reasons)
    return not reasons


def _untidy(text: str) -> str | None:
    if not unicodedata.is_normalized("NFC", text):
        return "is not NFC: type the text again or normalise the file"
    return "has stray blanks or invisible characters" if normalise(text) != text else None


def _check_node(node: yaml.Node, name: str, problems: list[Problem]) -> None:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        reason = _untidy(node.value)
        if reason:
            problems.append(Problem(name, line, f"{node.value!r} {reason}"))
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_node(item, name, problems)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                # YAML readers keep the last of two equal keys in silence: a rule would be lost unseen.
                problems.append(Problem(name, key.start_mark.line + 1, f"key {key.value!r} twice"))
            seen.add(str(key.value))
            _check_node(key, name, problems)
            _check_node(value, name, problems)


def _line_of(node: yaml.Node, path: Sequence[int | str]) -> int:
    line = node.start_mark.line + 1
    for part in path:
        step: yaml.Node | None = None
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            step = node.value[part]
            line = step.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == part:
                    step = value
                    line = key.start_mark.line + 1
        if step is None:
            break
        node = step
    return line


def _listed(options: type[Enum]) -> str:
    return ", ".join(str(option.value) for option in options)
