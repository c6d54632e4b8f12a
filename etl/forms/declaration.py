"""What a form declaration says, as checked, frozen values. Reading the YAML files is `etl.forms.library`.

One form is one table of one of three kinds:

- `fields`: one value a row (envelope, structure of the rewarded); printed columns A code, B label, C unit, 1 value;
- `matrix`: statutory cross table; printed columns A label, B row code, then the coded columns;
- `list`: repeated rows under coded columns, each row named by its key columns; `rows_from` says which rows are asked.

Every printed table carries a row of column codes under its headers: the reader finds a table by codes, so a
moved column or an inserted row does not move a figure to another meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from etl.text import comparison_key

FIELD_COLUMN = "1"
"""The column code of the value in a form of kind `fields`."""

LIST_KEY_SEPARATOR = "+"
"""Joins the key columns of a list row; a slash would cut the id of a figure."""

FIELD_STUB = (("A", "Mã số"), ("B", "Chỉ tiêu"), ("C", "Đơn vị tính"), (FIELD_COLUMN, "Giá trị"))
MATRIX_STUB = (("A", "Chỉ tiêu"), ("B", "Mã số"))


class Kind(StrEnum):
    """The three table shapes."""

    FIELDS = "fields"
    MATRIX = "matrix"
    LIST = "list"


class ValueType(StrEnum):
    """What a cell holds. `count` is a whole number of at least 0; `percent` is in points (38.2 means 38,2 %)."""

    COUNT = "count"
    DECIMAL = "decimal"
    PERCENT = "percent"
    MONEY = "money"
    TEXT = "text"
    DATE = "date"
    CHOICE = "choice"
    YES_NO = "yes_no"
    CODE = "code"

    @property
    def is_number(self) -> bool:
        """True for types whose observation is a number."""
        return self in NUMBER_TYPES


NUMBER_TYPES = frozenset({ValueType.COUNT, ValueType.DECIMAL, ValueType.PERCENT, ValueType.MONEY})


class CellKey(NamedTuple):
    """The meaning of one value: form, row code (list: the row's key), column code, ordinal of a repeated list row."""

    form: str
    row: str
    column: str
    ordinal: int = 0


RESERVED_FIELDS = frozenset({"report", "period", "unit", "unit_name", "unit_type", "row_key"})
"""Columns that every wide view has of its own: a field of that name would stand twice."""
SPARE_ROWS = 15
RowsFrom = Literal["movement_indicators", "bloc_members", "open"]
"""Where the rows of a list come from (FormVersion.rows_from)."""
Aggregation = Literal["sum", "last", "rate", "none"]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,20}$")]


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Choice(_Declared):
    """One allowed answer: what is stored, and the Vietnamese words that mean it (first is printed)."""

    value: str
    labels: tuple[str, ...] = Field(min_length=1)


class Value(_Declared):
    """What is common to a row of a `fields` form and a column of the other kinds."""

    code: Code
    label: str
    type: ValueType = ValueType.COUNT
    unit: str = ""
    required: bool = False
    restricted: bool = False
    aggregation: Aggregation = "none"
    choices: tuple[Choice, ...] = ()
    aliases: tuple[str, ...] = ()
    measure: str | None = None
    """Name of the figure across versions: of a field or a list column the whole of it, of a matrix column its part."""
    rate_of: tuple[Code, Code] | None = None
    """Of an aggregation `rate`: the codes of part and whole (rows of a `fields` form, columns of a list), both summed."""
    width: int = 14
    prefill: str | None = None
    """Name of what the template writes here (see `etl.templates`); None leaves the cell to the unit."""
    multiline: bool = False
    """A text of several lines, such as a narrative: the template gives it room."""
    identifies: Literal["document", "name"] | None = None
    """Of a text that says which decision or who: stored with a key that is equal for its spellings (`document_key`, `name_key`
    of etl.text), so that one thing told by two units can be counted once."""

    @cached_property
    def answers(self) -> dict[str, str]:
        """Of a choice: comparison key of every word that means an answer -> the answer as it is stored."""
        found: dict[str, str] = {}
        for choice in self.choices:
            for word in (choice.value, *choice.labels):
                found.setdefault(comparison_key(word), choice.value)
        return found

    @model_validator(mode="after")
    def _choices_belong_to_choice(self) -> Value:
        if (self.type is ValueType.CHOICE) != bool(self.choices):
            raise ValueError(f"{self.code}: `choices` go with type choice, and only with it")
        if (self.aggregation == "rate") != (self.rate_of is not None):
            raise ValueError(f"{self.code}: `rate_of` goes with aggregation rate, and only with it")
        if self.multiline and self.type is not ValueType.TEXT:
            raise ValueError(f"{self.code}: `multiline` goes with type text only")
        if self.identifies and self.type is not ValueType.TEXT:
            raise ValueError(f"{self.code}: `identifies` goes with type text only")
        return self


class FieldRow(Value):
    """A row of a `fields` form; `field` is its name in suites and views."""

    field: str = Field(pattern=r"^[a-z][a-z0-9_]*$")


class MatrixRow(_Declared):
    """A coded row of a matrix; `level` is its indentation in print, `measure` its part of the figures' name across versions."""

    code: Code
    label: str
    level: int = 0
    required: bool = False
    aliases: tuple[str, ...] = ()
    measure: Code | None = None


class Column(Value):
    """A coded column of a matrix or list; `key` columns name the row of a list."""

    field: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]*$")
    key: bool = False
    reference: Literal["movement", "indicator", "unit"] | None = None
    total: bool = False
    provincial: bool = False
    """A column the province added to a statutory table: outside the statutory sums."""


class NotApplicable(_Declared):
    """Cells of a matrix that can only be nought or `x` (structural zeros), with the reason in Vietnamese."""

    column: Code
    rows: tuple[Code, ...]
    reason: str


class RequiredCells(_Declared):
    """Cells of a matrix that must be filled."""

    column: Code
    rows: tuple[Code, ...]


class FormVersion(_Declared):
    """One layout of a form in force from a date, under a legal instrument."""

    version: str
    instrument: str
    effective_from: date
    effective_to: date | None = None
    sheet: str
    sheet_aliases: tuple[str, ...] = ()
    title: str
    unit_note: str = ""
    fields: tuple[FieldRow, ...] = ()
    rows: tuple[MatrixRow, ...] = ()
    columns: tuple[Column, ...] = ()
    not_applicable: tuple[NotApplicable, ...] = ()
    required_cells: tuple[RequiredCells, ...] = ()
    notes: tuple[str, ...] = ()
    rows_from: RowsFrom | None = None
    """Of a list: `movement_indicators` (a row for each indicator that the register asks), `bloc_members` (a row for each
    member of the bloc that reports), `open` (numbered lines, the single key column is the running number). None: any rows."""
    open_rows: int = Field(default=SPARE_ROWS, ge=1, le=1000)
    """Empty lines that the template prints in a list: numbered in an open one, else after the prefilled rows."""

    @cached_property
    def kind(self) -> Kind:
        """Which of the three shapes this layout has."""
        if self.fields:
            return Kind.FIELDS
        return Kind.MATRIX if self.rows else Kind.LIST

    @model_validator(mode="after")
    def _codes_are_unique_and_known(self) -> FormVersion:
        if bool(self.fields) == bool(self.columns):
            raise ValueError("a layout has either `fields`, or `columns` (with `rows` for a matrix)")
        for name, codes in (
            ("fields", [f.code for f in self.fields]),
            ("field names", [f.field for f in self.fields]),
            ("rows", [r.code for r in self.rows]),
            ("columns", [c.code for c in self.columns]),
        ):
            doubled = sorted({c for c in codes if codes.count(c) > 1})
            if doubled:
                raise ValueError(f"{name}: {doubled} stand twice")
        rows, columns = {r.code for r in self.rows}, {c.code for c in self.columns}
        blocks = [(block.column, block.rows) for block in self.not_applicable]
        blocks += [(block.column, block.rows) for block in self.required_cells]
        for column, block_rows in blocks:
            unknown = ({column} - columns) | (set(block_rows) - rows)
            if unknown:
                raise ValueError(f"unknown row or column codes {sorted(unknown)}")
        if self.columns and not self.rows and not any(c.key for c in self.columns):
            raise ValueError("a list needs at least one `key` column")
        if any(c.field is None for c in self.columns) and not self.rows:
            raise ValueError("columns of a list need a `field` name")
        reserved = RESERVED_FIELDS & {*(f.field for f in self.fields), *(c.field for c in self.columns)}
        if reserved:
            raise ValueError(f"field names {sorted(map(str, reserved))} are columns of every wide view")
        return self

    @model_validator(mode="after")
    def _rows_of_a_list_fit(self) -> FormVersion:
        if self.rows_from is None:
            return self
        if self.kind is not Kind.LIST:
            raise ValueError("`rows_from` goes with a list only")
        references = tuple(c.reference for c in self.key_columns)
        wanted = {
            "movement_indicators": ("movement", "indicator"),
            "bloc_members": ("unit",),
            "open": (None,),
        }[self.rows_from]
        if references != wanted:
            raise ValueError(f"rows from {self.rows_from}: the key columns refer to {wanted}, not {references}")
        if self.rows_from == "open":
            if self.key_columns[0].type is not ValueType.CODE:
                raise ValueError("the running number of an open list is of type code")
            added = sorted(c.code for c in self.columns if c.aggregation != "none")
            if added:
                # Line 3 of one unit and line 3 of another have nothing in common but their number.
                raise ValueError(f"columns {added}: lines of an open list are not added up between units")
        return self

    @model_validator(mode="after")
    def _measures_of_a_matrix_differ(self) -> FormVersion:
        if self.kind is not Kind.MATRIX:
            return self
        for name, parts in (
            ("rows", [r.measure or r.code for r in self.rows]),
            ("columns", [c.measure or c.code for c in self.columns]),
        ):
            doubled = sorted({part for part in parts if parts.count(part) > 1})
            if doubled:
                raise ValueError(f"{name}: two of them have the measure {doubled}")
        return self

    @cached_property
    def key_columns(self) -> tuple[Column, ...]:
        """The columns that together name a row of a list."""
        return tuple(c for c in self.columns if c.key)

    @cached_property
    def row_labels(self) -> dict[str, str]:
        """Row code -> printed label of a `fields` or `matrix` layout, in print order."""
        return {row.code: row.label for row in self.fields} | {row.code: row.label for row in self.rows}

    @cached_property
    def counting_columns(self) -> dict[str, Column]:
        """The decimal columns of a list as they are in a row that counts whole things."""
        return {
            column.code: column.model_copy(update={"type": ValueType.COUNT})
            for column in self.columns
            if column.type is ValueType.DECIMAL
        }

    @cached_property
    def not_applicable_cells(self) -> dict[tuple[str, str], str]:
        """(row code, column code) -> reason, of the structural zeros."""
        return {(row, block.column): block.reason for block in self.not_applicable for row in block.rows}

    @cached_property
    def required_pairs(self) -> frozenset[tuple[str, str]]:
        """(row code, column code) of the matrix cells that must be filled."""
        return frozenset((row, block.column) for block in self.required_cells for row in block.rows)

    @cached_property
    def printed_columns(self) -> tuple[tuple[str, str], ...]:
        """(code, header label) of every printed column, in print order."""
        own = tuple((c.code, c.label) for c in self.columns)
        if self.kind is Kind.FIELDS:
            return FIELD_STUB
        return (*MATRIX_STUB, *own) if self.kind is Kind.MATRIX else own

    def measure_of(self, form: str, row: str, column: str) -> str:
        """Stable measure code of a cell. List rows share the measure of their column; the row key is a dimension."""
        if self.kind is Kind.FIELDS:
            declared = next(f for f in self.fields if f.code == row)
            return declared.measure or f"{form}.{declared.field}"
        found = next(c for c in self.columns if c.code == column)
        if self.kind is Kind.LIST:
            return found.measure or f"{form}.{found.field}"
        return f"{form}.{self._row_measures[row]}.{found.measure or column}"

    @cached_property
    def _row_measures(self) -> dict[str, str]:
        return {row.code: row.measure or row.code for row in self.rows}

    def walk_cells(self, form: str) -> Iterator[tuple[CellKey, Value]]:
        """Every fixed cell of a `fields` or `matrix` layout with its declaration, in print order."""
        for declared in self.fields:
            yield CellKey(form, declared.code, FIELD_COLUMN), declared
        for row in self.rows:
            for column in self.columns:
                yield CellKey(form, row.code, column.code), column


class Form(_Declared):
    """A form of the catalogue with all its versions, oldest first."""

    code: str = Field(pattern=r"^F\d{2}$")
    name: str
    versions: tuple[FormVersion, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _versions_follow_each_other(self) -> Form:
        for older, newer in zip(self.versions, self.versions[1:], strict=False):
            if older.effective_to is None or older.effective_to >= newer.effective_from:
                raise ValueError(f"{self.code}: version {older.version} must end before {newer.version} begins")
        return self

    def version_on(self, day: date) -> FormVersion:
        """The layout in force on a day (a period's last day). Raises LookupError when there is none."""
        for version in self.versions:
            if version.effective_from <= day and (version.effective_to is None or day <= version.effective_to):
                return version
        raise LookupError(f"no version of form {self.code} is in force on {day.isoformat()}")
