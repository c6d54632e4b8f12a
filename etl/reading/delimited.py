"""A text file of separated values (.csv, .txt, .tsv) as one sheet: encoding and separator are found, every cell is text.

Runs in the reading child. Must not interpret: "1.415" stays a text here as it does in a workbook; only the errors that a
program writes for a formula ("#N/A") are told apart, so that none passes for a text.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator

from etl.encodings import decode_bytes
from etl.reading.grid import LAST_COLUMN, LAST_ROW, CellKind

SEPARATORS = (";", "\t", ",", "|")
ERRORS = frozenset(
    (
        "#N/A",
        "#DIV/0!",
        "#REF!",
        "#VALUE!",
        "#NAME?",
        "#NUM!",
        "#NULL!",
        "#SPILL!",
        "#CALC!",
        "Err:502",
        "Err:508",
        "Err:522",
    )
)
_SAMPLE_RECORDS = 60
_SAMPLE_TEXT = 256 * 1024
_MOST_TEXT_IN_CELL = 16 * 1024 * 1024


class TooWideError(ValueError):
    """More rows or columns than a sheet has."""


def read_cells(data: bytes) -> Iterator[tuple[int, int, CellKind, str]]:
    """(row, column, kind, text) of every cell that is not empty, row by row.

    Raises TooWideError; csv.Error for what is no table (a quotation of many megabytes).
    """
    text = decode_bytes(data)
    first, _, rest = text.partition("\n")
    separator = None
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:
        # Excel's own way to say which separator follows; it does not show that line, nor count it as a row.
        separator, text = first.strip()[4], rest
    previous = csv.field_size_limit(_MOST_TEXT_IN_CELL)
    try:
        for row, record in enumerate(_records(text, separator or find_separator(text))):
            if row > LAST_ROW or len(record) > LAST_COLUMN + 1:
                raise TooWideError
            for column, value in enumerate(record):
                if value:
                    yield row, column, CellKind.ERROR if value.strip() in ERRORS else CellKind.TEXT, value
    finally:
        csv.field_size_limit(previous)


def find_separator(text: str) -> str:
    """The separator that cuts the lines into the most even rows; a comma inside a sentence cuts them unevenly."""
    sample = text[:_SAMPLE_TEXT]
    best, best_score = SEPARATORS[0], (0.0, 0)
    for separator in SEPARATORS:
        if separator not in sample:
            continue
        widths = []
        for record in _records(sample, separator):
            if any(record):
                widths.append(len(record))
            if len(widths) >= _SAMPLE_RECORDS:
                break
        wide = Counter(width for width in widths if width > 1)
        if not wide:
            continue
        usual, times = wide.most_common(1)[0]
        share = times / len(widths)
        # Excel pads every row to the same width; a table typed by hand at least repeats its own.
        score = (round(share, 1), usual)
        if score > best_score:
            best, best_score = separator, score
    return best


def _records(text: str, separator: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator)
