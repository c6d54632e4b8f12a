"""Tables for analysts as CSV or Parquet, with a description beside them. Pure: rows are given, a chunk at a time.

CSV is UTF-8 with a byte-order mark (Excel then reads the letters right), ISO dates, "." as decimal point. A text that a
spreadsheet would take for a formula gets an apostrophe before it; the description says in which columns that can be. Parquet
keeps texts as they are. It must not hold a whole table: a province's cells are hundreds of thousands of rows.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

from etl.calendar.deadlines import TIMEZONE
from etl.export.safe_text import disarm

Kind = Literal["text", "integer", "decimal", "boolean", "date", "instant"]
Format = Literal["csv", "parquet"]
CHUNK: Final = 10_000
DECIMAL_DIGITS: Final = 38
DECIMAL_PLACES: Final = 12
DESCRIPTION: Final = "datapackage.json"
DICTIONARY: Final = "tu-dien-cot.csv"
KIND_WORDS: Final[dict[Kind, str]] = {
    "text": "chữ", "integer": "số nguyên", "decimal": "số thập phân", "boolean": "đúng/sai (true/false)",
    "date": "ngày (ISO 8601)", "instant": "thời điểm (ISO 8601, giờ Việt Nam)",
}  # fmt: skip
_TABLE_SCHEMA: Final[dict[Kind, str]] = {
    "text": "string", "integer": "integer", "decimal": "number", "boolean": "boolean", "date": "date", "instant": "datetime",
}  # fmt: skip
_EXACT = Context(prec=DECIMAL_DIGITS, rounding=ROUND_HALF_EVEN)
_PLACE = Decimal(1).scaleb(-DECIMAL_PLACES)
_APOSTROPHE_NOTE: Final = "Trong tệp CSV, chữ mở đầu bằng = + - @, tab hoặc xuống dòng được thêm dấu ' ở trước."
_PLACES_NOTE: Final = f"Trong tệp Parquet, số thập phân có {DECIMAL_PLACES} chữ số sau dấu phẩy."


class ValueTooLarge(ValueError):
    """A number that has no room in the format."""


@dataclass(frozen=True, slots=True)
class DataColumn:
    """A column: its name, what it means (Vietnamese), and what it holds."""

    name: str
    meaning: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class DataTable:
    """A table to write; the file gets its name."""

    name: str
    title: str
    columns: tuple[DataColumn, ...]


@dataclass(frozen=True, slots=True)
class WrittenTable:
    """A table as it was written."""

    table: DataTable
    path: Path
    rows: int
    sha256: str


def write_table(table: DataTable, rows: Iterable[Sequence[Any]], folder: Path, form: Format) -> WrittenTable:
    """`folder/<name>.csv` or `.parquet`, made anew in one move, a chunk of rows in memory at a time. Values stand in the
    order of the columns; None is an empty cell.

    Raises ValueTooLarge (Parquet) for a number of more than 26 digits before the point.
    """
    path = folder / f"{table.name}.{form}"
    part = path.with_name(path.name + ".part")
    count = (_write_csv if form == "csv" else _write_parquet)(table, rows, part)
    part.replace(path)
    return WrittenTable(table, path, count, _hash(path))


def _write_csv(table: DataTable, rows: Iterable[Sequence[Any]], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as target:
        writer = csv.writer(target)
        writer.writerow([column.name for column in table.columns])
        for row in rows:
            writer.writerow([show_plain(value) for value in row])
            count += 1
    return count


def show_plain(value: Any) -> str:
    """A value as a machine reads it; a text as no spreadsheet calculates it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.astimezone(TIMEZONE).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, int) else disarm(str(value))


def _write_parquet(table: DataTable, rows: Iterable[Sequence[Any]], path: Path) -> int:
    # Slow to import, and only this format needs it.
    import pyarrow as pa
    from pyarrow import parquet

    types: dict[Kind, Any] = {
        "text": pa.string(), "integer": pa.int64(), "decimal": pa.decimal128(DECIMAL_DIGITS, DECIMAL_PLACES),
        "boolean": pa.bool_(), "date": pa.date32(), "instant": pa.timestamp("us", tz=str(TIMEZONE)),
    }  # fmt: skip
    schema = pa.schema(
        [
            pa.field(column.name, types[column.kind], metadata={"comment": column.meaning.encode()})
            for column in table.columns
        ],
        metadata={"title": table.title.encode()},
    )
    count = 0
    pending = iter(rows)
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while chunk := list(islice(pending, CHUNK)):
            arrays = [
                pa.array([_fit(table, column, row[place]) for row in chunk], type=types[column.kind])
                for place, column in enumerate(table.columns)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            count += len(chunk)
    return count


def _fit(table: DataTable, column: DataColumn, value: Any) -> Any:
    if value is None or column.kind != "decimal":
        return value if value is None or column.kind != "text" else str(value)
    try:
        return Decimal(value).quantize(_PLACE, context=_EXACT)
    except InvalidOperation as error:
        raise ValueTooLarge(
            f"{table.name}.{column.name}: a number of more than {DECIMAL_DIGITS - DECIMAL_PLACES} digits has no room in "
            "Parquet; write CSV instead"
        ) from error


def write_description(
    written: Sequence[WrittenTable], folder: Path, *, title: str, as_of: datetime, report: str, period: str
) -> None:
    """`datapackage.json` (Frictionless) for machines and a Vietnamese list of columns for people."""
    package = {
        "name": f"{report}-{period}".lower(),
        "title": title,
        "report": report,
        "period": period,
        "as_of": as_of.astimezone(TIMEZONE).isoformat(),
        "resources": [_resource(each) for each in written],
    }
    (folder / DESCRIPTION).write_text(json.dumps(package, ensure_ascii=False, indent=2) + "\n", "utf-8")
    listed = DataTable(
        DICTIONARY.removesuffix(".csv"), "Ý nghĩa của từng cột",
        tuple(DataColumn(name, name, "text") for name in ("tep", "bang", "cot", "y_nghia", "kieu", "ghi_chu")),
    )  # fmt: skip
    rows = [
        (each.path.name, each.table.title, column.name, column.meaning, KIND_WORDS[column.kind], _note_of(each, column))
        for each in written
        for column in each.table.columns
    ]
    write_table(listed, rows, folder, "csv")


def _resource(written: WrittenTable) -> dict[str, Any]:
    is_csv = written.path.suffix == ".csv"
    fields = []
    for column in written.table.columns:
        described: dict[str, Any] = {
            "name": column.name, "title": column.meaning, "type": _TABLE_SCHEMA[column.kind],
        }  # fmt: skip
        if note := _note_of(written, column):
            described["description"] = note
        if is_csv and column.kind == "text":
            described["formula_guard"] = "apostrophe"
        fields.append(described)
    return {
        "name": written.table.name,
        "title": written.table.title,
        "path": written.path.name,
        "format": written.path.suffix.removeprefix("."),
        **({"encoding": "utf-8", "dialect": {"delimiter": ",", "doubleQuote": True}} if is_csv else {}),
        "hash": f"sha256:{written.sha256}",
        "rows": written.rows,
        "schema": {"fields": fields, "missingValues": [""]},
    }


def _note_of(written: WrittenTable, column: DataColumn) -> str:
    if written.path.suffix == ".csv":
        return _APOSTROPHE_NOTE if column.kind == "text" else ""
    return _PLACES_NOTE if column.kind == "decimal" else ""


def _hash(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
