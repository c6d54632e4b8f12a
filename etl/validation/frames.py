"""Parsed submissions to data frames, one row per thing a suite speaks of, with the way back from a row to its cells.

Frame kinds (suite meta `frame`):

- `fields`: a row per submission; columns are field names of one form;
- `list`: a row per list row; columns are field names of one form;
- `rows` / `columns`: a row per submission and row code / column code of one matrix; columns are the other codes;
- `submission`: a row per submission; columns `F05.05.2` (matrix), `F07.tong_ca_nhan` (fields), sums and counts over
  the rows of a list such as `F14.so_luong?hinh_thuc=BK_TINH` (`etl.validation.sums`): for ties between forms;
- `cells`: a row per cell of every form; columns value, number, required, not_applicable.

`<column>@decimals` is the number of decimals of a cell; `@name` columns come from the submission's context, `@submission`
numbers it within the batch. Only the columns that the suite names are built. Missing and unreadable numbers are NaN alike:
`ParsedCell.is_usable` tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from etl.forms.declaration import FIELD_COLUMN, CellKey, Kind, ValueType
from etl.parsing.submission import ParsedCell
from etl.register.model import Register
from etl.validation.context import Submission
from etl.validation.sums import SumMaker, parse_sum

DECIMALS = "@decimals"
SUBMISSION = "@submission"
"""The number of a row's submission in the batch: what must be unique is unique within it."""
_NOWHERE = CellKey("", "", "")
DATE_CONTEXT = frozenset({"@period_start", "@period_end", "@signed"})
NUMBER_CONTEXT = frozenset(
    {
        "@member_count", "@highest_score", "@flag_ranks", "@certificate_ranks", "@bonus_due", "@bonus_tolerance",
    }
)  # fmt: skip
RowMakers = Iterable[tuple[Callable[[str], CellKey | None], dict[str, object]]]
Row = tuple[int, Callable[[str], CellKey | None], dict[str, object]]
"""Index of the submission, column name -> cell, and constant columns of the row."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame with its way back: `locate(row, column)` is the parsed cell, None for context columns."""

    data: pd.DataFrame
    submissions: Sequence[int]
    locate: Callable[[int, str], ParsedCell | None]
    unusable: frozenset[tuple[int, str]] = frozenset()
    """(row, column) of sums on which no rule may rest."""


def build_frame(
    kind: str,
    form: str | None,
    columns: Iterable[str],
    submissions: Sequence[Submission],
    register: Register,
    versions: frozenset[str] | None = None,
) -> Frame:
    """The frame a suite asks for, of the submissions in one of these layouts of the form (None: any).

    Raises ValueError on an unknown kind.
    """
    if kind == "cells":
        return _build_cells(submissions)
    builders: Mapping[str, Callable[[Submission, str], RowMakers]] = {
        "fields": _fields_rows,
        "list": _list_rows,
        "rows": _matrix_rows,
        "columns": _matrix_columns,
    }
    rows: list[Row] = []
    for index, submission in enumerate(submissions):
        if versions is not None and not _is_of(submission, form, versions):
            continue
        if kind == "submission":
            rows.append((index, _tie_finder(submission), {}))
        elif kind not in builders:
            raise ValueError(f"unknown frame kind {kind!r}")
        elif form is not None and form in submission.parsed.versions:
            rows.extend((index, find, constants) for find, constants in builders[kind](submission, form))
    return _fill(rows, sorted(set(columns)), submissions, register)


def _is_of(submission: Submission, form: str | None, versions: frozenset[str]) -> bool:
    layout = submission.parsed.versions.get(form) if form is not None else None
    return layout is not None and layout.version in versions


def _fields_rows(submission: Submission, form: str) -> RowMakers:
    by_name = {row.field: CellKey(form, row.code, FIELD_COLUMN) for row in submission.parsed.versions[form].fields}
    yield by_name.get, {}


def _list_rows(submission: Submission, form: str) -> RowMakers:
    codes = {column.field: column.code for column in submission.parsed.versions[form].columns}
    for row in submission.parsed.rows.get(form, ()):
        if row.checked:
            by_name = {str(name): CellKey(form, row.key, code, row.ordinal) for name, code in codes.items()}
            yield by_name.get, {"row": row.key}


def _matrix_rows(submission: Submission, form: str) -> RowMakers:
    version = submission.parsed.versions[form]
    for row in version.rows:
        yield {column.code: CellKey(form, row.code, column.code) for column in version.columns}.get, {"row": row.code}


def _matrix_columns(submission: Submission, form: str) -> RowMakers:
    version = submission.parsed.versions[form]
    for column in version.columns:
        yield {row.code: CellKey(form, row.code, column.code) for row in version.rows}.get, {"column": column.code}


def _tie_finder(submission: Submission) -> Callable[[str], CellKey | None]:
    def find(name: str) -> CellKey | None:
        form, _, rest = name.partition(".")
        version = submission.parsed.versions.get(form)
        if version is None:
            return None
        if version.kind is Kind.FIELDS:
            return next((CellKey(form, row.code, FIELD_COLUMN) for row in version.fields if row.field == rest), None)
        row, _, column = rest.partition(".")
        return CellKey(form, row, column)

    return find


def _fill(rows: Sequence[Row], columns: Sequence[str], submissions: Sequence[Submission], register: Register) -> Frame:
    contexts = [submission.context_values(register) for submission in submissions]

    def locate(row: int, name: str) -> ParsedCell | None:
        index, find, _ = rows[row]
        key = find(name.removesuffix(DECIMALS))
        return submissions[index].parsed.cells.get(key) if key is not None else None

    data: dict[str, pd.Series[Any]] = {}
    sums, unusable = SumMaker(), set[tuple[int, str]]()
    for name in columns:
        if (wanted := parse_sum(name)) is not None:
            found = [sums.add_up(index, submissions[index], wanted) for index, _, _ in rows]
            unusable.update((row, name) for row, (_, usable) in enumerate(found) if not usable)
            data[name] = _make_series([value for value, _ in found], "number")
            continue
        if name == SUBMISSION:
            values: list[Any] = [index for index, _, _ in rows]
        elif name.startswith("@"):
            values = [contexts[index].get(name) for index, _, _ in rows]
        elif rows and name in rows[0][2]:
            # A code such as "07" stays a text: as a number it would equal no code that a condition names.
            data[name] = pd.Series([constants[name] for _, _, constants in rows], dtype=object)
            continue
        else:
            of_decimals, plain = name.endswith(DECIMALS), name.removesuffix(DECIMALS)
            values = [
                _cell_value(submissions[index].parsed.cells.get(find(plain) or _NOWHERE), of_decimals)
                for index, find, _ in rows
            ]
        first = next((cell for row in range(len(rows)) if (cell := locate(row, name)) is not None), None)
        data[name] = _make_series(values, _storage_of(name, first))

    frame = pd.DataFrame(data, index=pd.RangeIndex(len(rows)))
    return Frame(frame, [index for index, _, _ in rows], locate, frozenset(unusable))


def _cell_value(cell: ParsedCell | None, of_decimals: bool) -> Any:
    if cell is None:
        return None
    value = cell.value
    if of_decimals:
        return value.decimals
    if value.number is not None:
        return float(value.number)
    return value.day if value.day is not None else value.text


def _storage_of(name: str, cell: ParsedCell | None) -> Literal["date", "number", "object"]:
    """How a column is stored, by what is declared and never by what came.

    A column in which every unit left its date blank would else be one of numbers, and the rule would raise.
    """
    if name.startswith("@"):
        return "date" if name in DATE_CONTEXT else "number" if name in NUMBER_CONTEXT else "object"
    if cell is None or name.endswith(DECIMALS) or cell.declared.type.is_number:
        return "number"
    return "date" if cell.declared.type is ValueType.DATE else "object"


def _make_series(values: list[Any], storage: Literal["date", "number", "object"]) -> pd.Series[Any]:
    if storage == "date":
        # By seconds: nanoseconds end in 2262, and a typing error may well be the year 9999.
        return pd.Series(pd.array(values, dtype="datetime64[s]"))
    if storage == "number":
        return pd.Series([float("nan") if value is None else float(value) for value in values], dtype="float64")
    return pd.Series(values, dtype=object)


def _build_cells(submissions: Sequence[Submission]) -> Frame:
    indexes: list[int] = []
    cells: list[ParsedCell] = []
    for index, submission in enumerate(submissions):
        skipped = {
            (form, row.key, row.ordinal)
            for form, rows in submission.parsed.rows.items()
            for row in rows
            if not row.checked
        }
        for key, cell in submission.parsed.cells.items():
            if cell.value.missing != "absent" and (key.form, key.row, key.ordinal) not in skipped:
                indexes.append(index)
                cells.append(cell)
    data = pd.DataFrame(
        {
            "value": pd.Series([_shown(cell) for cell in cells], dtype=object),
            "number": pd.Series(
                [float("nan") if cell.value.number is None else float(cell.value.number) for cell in cells],
                dtype="float64",
            ),
            "required": pd.Series([cell.required for cell in cells], dtype=bool),
            "not_applicable": pd.Series([cell.not_applicable is not None for cell in cells], dtype=bool),
        },
        index=pd.RangeIndex(len(cells)),
    )
    return Frame(data, indexes, lambda row, _: cells[row])


def _shown(cell: ParsedCell) -> str | None:
    """Something unless the cell is empty; an unreadable cell is not empty."""
    if cell.value.missing == "bad":
        return cell.raw or "?"
    return None if cell.value.missing is not None else "1"
