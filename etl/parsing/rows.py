"""The rows of a table: which hold figures, where the keys of a list stand, and what is no row though it looks like one. Pure.

Totals, headings, notes and signatures are told from rows here. It must not read values: `etl.parsing.tables` does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from etl.forms.declaration import FIELD_COLUMN, LIST_KEY_SEPARATOR, Column, Kind, RowsFrom, Value, ValueType
from etl.reading.grid import CellKind
from etl.recognition.tables import Table, is_row_code, read_code, read_text
from etl.text import comparison_key

Place = tuple[int, int]

_TOTALS: Final = frozenset(
    comparison_key(words)
    for words in ("cộng", "tổng", "tổng số", "tổng cộng", "cộng chung", "tổng cộng chung", "cộng tổng")
)
_SIGNATURES: Final = tuple(
    comparison_key(words)
    for words in (
    "ghi chú", "nơi nhận", "người lập", "lập biểu", "thủ trưởng", "giám đốc", "chủ tịch", "trưởng khối", "trưởng cụm",
    "ký ghi rõ", "ký tên",
    )
)  # fmt: skip
MOST_ROWS: Final = 10_000
"""Rows of a list that are read; more than any unit has, few enough for a worker."""
_NUMERIC_TEXT: Final = re.compile(r"^[-+(]?\d[\d.,\s%)]*$")
_RUNNING_NUMBER: Final = re.compile(r"\d{1,5}")
_CUTS_ID: Final = re.compile(rf"[/\\{LIST_KEY_SEPARATOR}]+")
"""Signs that would cut the id of a figure, or a key, in two."""
LONGEST_KEY: Final = 100
"""Longer is no key but a sentence, and too long for an index of the database."""


class RowWords(NamedTuple):
    """How findings speak of the rows of a list: `missing` takes {name} and {parent}, `strange` takes {key}."""

    noun: str
    missing: str
    strange: str
    unless: str


ROW_WORDS: Final[Mapping[RowsFrom, RowWords]] = {
    "movement_indicators": RowWords(
        "chỉ tiêu",
        "chỉ tiêu “{name}” của phong trào “{parent}”",
        "Phong trào, chỉ tiêu “{key}” không giao cho đơn vị",
        "đơn vị có thực hiện",
    ),
    "bloc_members": RowWords(
        "thành viên",
        "thành viên “{name}”",
        "Đơn vị “{key}” không phải thành viên của khối, cụm",
        "danh sách thành viên đã thay đổi",
    ),
}


def is_total_word(text: str) -> bool:
    """True for "Tổng cộng", "Cộng:", "TỔNG SỐ" and the like, standing alone."""
    return len(text) <= 30 and comparison_key(text) in _TOTALS


def is_total_row(table: Table, row: int, texts: Mapping[str, str]) -> bool:
    """Whether a row is a total somebody added: its word stands alone in a key (`texts`) or a text column.

    Such a row repeats what the rows above say; nothing is lost by passing over it.
    """
    if any(is_total_word(text) for text in texts.values()):
        return True
    for column in table.version.columns:
        if column.type is ValueType.TEXT and column.code not in texts and column.code in table.columns:
            text = read_text(table.sheet, row, table.columns[column.code])
            if text and is_total_word(text):
                return True
    return False


def is_no_row(table: Table, row: int, texts: Mapping[str, str], known: bool) -> bool:
    """Whether a row with all its keys filled is none: a total, a heading, a note or a signature, an empty numbered line.

    Not to be asked of a row whose keys name something of the register. `known`: its keys have the right form. Such rows are
    told by their words and by holding nothing but words, so that a row with figures is never passed over in silence.
    """
    version = table.version
    if is_total_row(table, row, texts):
        return True
    if len(texts) > 1:
        return False
    filled = count_filled(table, row, frozenset(texts))
    if filled == 0:
        return True
    if version.rows_from is None and known:
        return comparison_key(next(iter(texts.values()))).startswith(_SIGNATURES)
    return not known and not has_figures(table, row) and (bool(number_columns(table)) or filled < 3)


def read_running_number(text: str) -> str | None:
    """The number of a line ("01", "1." and "(1)" are 1); None when it is none."""
    code = read_code(text)
    return str(int(code)) if _RUNNING_NUMBER.fullmatch(code) else None


def name_line(number: str, position: int, times: int) -> str:
    """The row key of a line of an open list: its running number, made unique where it is blank or stands again.

    The number is no identity: numbering may start again under a heading, and a line is a line without it. What people leave
    as printed keeps the number they see; "1.2" is the second line numbered 1, "_3" the third line, which has no number.
    `number`: "" when there is none. `position`: of the line in its list, from 1. `times`: lines before it with that number.
    """
    if not number:
        return f"_{position}"
    return f"{number}.{times + 1}" if times else number


def read_free_key(text: str) -> str:
    """A key that refers to nothing, as a text that can be part of a figure's id."""
    return _CUTS_ID.sub("-", read_code(text))[:LONGEST_KEY]


def count_filled(table: Table, row: int, without: frozenset[str]) -> int:
    """How many cells of a row hold text, those of some columns left out."""
    return sum(bool(read_text(table.sheet, row, place)) for code, place in table.columns.items() if code not in without)


def value_columns(table: Table) -> dict[str, Value | None]:
    """Column code -> its declaration; None for the one value column of a `fields` form (declared by row)."""
    if table.version.kind is Kind.FIELDS:
        return {FIELD_COLUMN: None}
    return {column.code: column for column in table.version.columns}


def has_figures(table: Table, row: int) -> bool:
    """Whether a row holds a number in a column of numbers."""
    return any(_is_numeric(table, row, code) for code in number_columns(table))


def number_columns(table: Table) -> list[str]:
    """The codes of the columns of numbers; of a `fields` form that of its value column, whatever its rows hold."""
    return [code for code, column in value_columns(table).items() if column is None or column.type.is_number]


def _is_numeric(table: Table, row: int, code: str) -> bool:
    column = table.columns.get(code)
    cell = table.sheet.cells.get((row, column)) if column is not None else None
    if cell is None:
        return False
    return cell.kind is CellKind.NUMBER or bool(_NUMERIC_TEXT.match(cell.text.strip()))


def is_unnumbered_line(table: Table, row: int, texts: Mapping[str, str]) -> bool:
    """Whether a row of an open list is one of its lines though it has no running number. `texts`: those of its keys.

    At least half of what a line must say is there, and not only in words: so sums of the sender's own, headings, notes and
    signatures are none.
    """
    version = table.version
    if version.rows_from != "open" or any(texts.values()) or is_total_row(table, row, texts):
        return False
    due = [column for column in version.columns if column.required and not column.key]
    due = due or [column for column in version.columns if not column.key]
    filled = [column for column in due if _read_column(table, row, column)]
    return 2 * len(filled) >= len(due) and any(_is_no_mere_word(table, row, column) for column in version.columns)


def _read_column(table: Table, row: int, column: Column) -> str:
    return read_text(table.sheet, row, table.columns[column.code]) if column.code in table.columns else ""


def _is_no_mere_word(table: Table, row: int, column: Column) -> bool:
    """Whether a cell holds a number or a day in a column of such, or one of the choices of its column."""
    text = _read_column(table, row, column)
    if not text or column.key:
        return False
    if column.type is ValueType.CHOICE:
        return comparison_key(text) in column.answers
    return (column.type.is_number or column.type is ValueType.DATE) and text[0].isdigit()


def find_key(
    table: Table, row: int, column: Column, covered: Mapping[tuple[int, int], tuple[int, int]]
) -> Place | None:
    """Where the text of a key stands, None when nowhere; a cell merged downwards names every row it covers."""
    place = table.columns.get(column.code)
    if place is None:
        return None
    if read_text(table.sheet, row, place):
        return row, place
    above = covered.get((row, place))
    return above if above is not None and read_text(table.sheet, *above) else None


def cover_merged(table: Table, keys: Sequence[Column]) -> dict[tuple[int, int], tuple[int, int]]:
    """(row, key column) -> first cell of the merged range that covers it, below the header. Made once for a table."""
    places = [table.columns[column.code] for column in keys if column.code in table.columns]
    deepest = min(max((row for row, _ in table.sheet.cells), default=0), table.code_row + MOST_ROWS)
    covered: dict[tuple[int, int], tuple[int, int]] = {}
    for first_row, first_column, last_row, last_column in table.sheet.merged:
        if first_row <= table.code_row:
            continue
        for place in places:
            if first_column <= place <= last_column:
                for row in range(first_row + 1, min(last_row, deepest) + 1):
                    covered[row, place] = (first_row, first_column)
        if len(covered) > 2 * MOST_ROWS * len(places):
            break  # ranges heaped on one another: no sheet that a person made
    return covered


def find_last_row(table: Table, keys: tuple[Column, ...], covered: Mapping[tuple[int, int], tuple[int, int]]) -> int:
    """The last row with all its keys, or with a figure, or a line without its number: below it stand notes and signatures."""
    last = table.code_row
    for row in sorted({r for r, _ in table.sheet.cells if r > table.code_row}, reverse=True):
        named = [find_key(table, row, column, covered) for column in keys]
        if all(named) or has_figures(table, row) or (not any(named) and is_unnumbered_line(table, row, {})):
            return row
    return last


def is_untouched(table: Table) -> bool:
    """Whether a sheet is as the template printed it: nothing stands where a unit writes. Such an optional form was not sent.

    Titles, notes and signatures do not count; a nought, a dash or a word in a cell of the unit's own does.
    """
    version = table.version
    prefilled = {field.code for field in version.fields if field.prefill is not None}
    own = {
        table.columns[code]: code
        for code, column in value_columns(table).items()
        if code in table.columns and (column is None or column.prefill is None)
    }
    if version.rows_from == "open":
        own.pop(table.columns.get(version.key_columns[0].code, -1), None)
    for row, code in (_list_rows(table) if version.kind is Kind.LIST else _coded_rows(table)).items():
        for place, column in own.items():
            printed = (code, column) in version.not_applicable_cells and _is_mark(table, row, place)
            if code not in prefilled and _is_filled(table, row, place) and not printed:
                return False
    return True


def _is_filled(table: Table, row: int, column: int) -> bool:
    cell = table.sheet.cells.get((row, column))
    return cell is not None and (
        cell.kind in (CellKind.ERROR, CellKind.UNCACHED, CellKind.INVALID) or bool(read_text(table.sheet, row, column))
    )


def _is_mark(table: Table, row: int, column: int) -> bool:
    return read_text(table.sheet, row, column).casefold() == "x"


def _list_rows(table: Table) -> dict[int, str]:
    """The rows of a list down to its notes and signatures, each with the code ""."""
    keys = table.version.key_columns
    covered = cover_merged(table, keys)
    last = find_last_row(table, keys, covered)
    found: dict[int, str] = {}
    for row in sorted({r for r, _ in table.sheet.cells if table.code_row < r <= last}):
        places = (find_key(table, row, column, covered) for column in keys)
        if any(place and comparison_key(read_text(table.sheet, *place)).startswith(_SIGNATURES) for place in places):
            break
        found[row] = ""
    return found


def _coded_rows(table: Table) -> dict[int, str]:
    """Row -> its code, of the rows that have one or hold figures."""
    if table.rows is not None:
        return {row: code for code, row in table.rows.items()}
    if table.rows is not None:
        return {row: code for code, row in table.rows.items()}
    at = table.row_code_column
    found: dict[int, str] = {}
    for row in sorted({r for r, _ in table.sheet.cells if r > table.code_row}):
        code = read_code(read_text(table.sheet, row, at), 2) if at is not None else ""
        if is_row_code(code) or has_figures(table, row):
            found[row] = code
    return found
