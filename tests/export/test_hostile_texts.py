"""Whatever a unit types leaves the house as text: workbook, document, CSV and Parquet, read back by independent readers."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet
import pytest
from hostile import ALL, FORMULAS, LONG, MARKUP
from test_official_workbook import COVER, SOURCES

from etl.export.analyst import DataColumn, DataTable, ValueTooLarge, show_plain, write_description, write_table
from etl.export.model import BoardLine, OfficialColumn, OfficialRow, OfficialTable, SourceLine
from etl.export.official import write_official_workbook
from etl.export.safe_text import FORMULA_STARTS, disarm, printable

COLUMNS = (
    DataColumn("unit", "Đơn vị", "text"), DataColumn("number", "Giá trị", "decimal"),
    DataColumn("units", "Số đơn vị", "integer"),
    DataColumn("counted", "Có cộng", "boolean"),
    DataColumn("day", "Ngày", "date"), DataColumn("received_at", "Nhận lúc", "instant"),
)  # fmt: skip
TABLE = DataTable("thu", "Bảng thử", COLUMNS)
INSTANT = datetime(2026, 6, 20, 10, 30, 0, 5, tzinfo=UTC)
ROWS: list[tuple[Any, ...]] = [
    *(
        (text.encode("utf-8", "ignore").decode(), Decimal("1234.50"), 3, True, date(2026, 1, 2), INSTANT)
        for text in ALL
    ),
    (None, None, None, None, None, None),
    ("lớn", Decimal("12345678901234567890.123456789012"), -1, False, date(1948, 6, 11), INSTANT),
]


@pytest.fixture(scope="module")
def book() -> openpyxl.Workbook:
    """Every text in every place that a unit's text can come to."""
    rows = tuple(OfficialRow((text, text)) for text in ALL)
    columns = (OfficialColumn("A", "Tên"), OfficialColumn("1", "Lời"))
    tables = [OfficialTable(text, text, text, text, columns, rows[:1], text, (text,), text) for text in ALL]
    tables.append(OfficialTable("Tất cả", "Tất cả", "", "", columns, rows))
    board = [BoardLine(text, text, text, "missing", None, None, None, 0, text) for text in ALL]
    sources = [SourceLine(text, text, text, text, text, text, text, text, text) for text in ALL]
    return openpyxl.load_workbook(BytesIO(write_official_workbook(tables, COVER, board, sources)))


def test_a_workbook_holds_no_formula_and_no_link_of_a_unit(book: openpyxl.Workbook) -> None:
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type in {"s", "n"}, (sheet.title, cell.coordinate)
                assert cell.hyperlink is None or (sheet.title == "Mục lục" and cell.hyperlink.target is None)


@pytest.mark.parametrize("text", [*FORMULAS, *MARKUP])
def test_a_text_stays_itself_in_a_workbook(book: openpyxl.Workbook, text: str) -> None:
    shown = {str(cell.value).strip() for row in book["Tất cả"].iter_rows() for cell in row if cell.value is not None}
    # Excel reads "_x005F_x0041_" as the text "_x0041_"; openpyxl shows what is in the file.
    assert {printable(text).strip(), printable(text).strip().replace("_x0041_", "_x005F_x0041_")} & shown


def test_what_no_file_can_hold_is_seen_to_be_gone() -> None:
    assert printable("a\x01b\ud800c\ufffed\u202ee") == "a\ufffdb\ufffdc\ufffdd\ufffde"
    assert printable("dòng 1\r\ndòng 2\tô") == "dòng 1\ndòng 2\tô"


@pytest.mark.parametrize("text", FORMULAS)
def test_csv_disarms_what_a_spreadsheet_would_calculate(text: str) -> None:
    assert disarm(text) == "'" + text


@pytest.mark.parametrize("text", ["", "a=1", "12", "Xã Bạch Đằng", "1.234,5", "'=1", "a\t=1"])
def test_csv_leaves_other_texts_alone(text: str) -> None:
    assert disarm(text) == text


def test_csv_reads_back_exactly(tmp_path: Path) -> None:
    written = write_table(TABLE, iter(ROWS), tmp_path, "csv")
    content = written.path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    csv.field_size_limit(10**6)
    with written.path.open(encoding="utf-8-sig", newline="") as source:
        header, *rows = csv.reader(source)
    assert header == [column.name for column in COLUMNS]
    assert written.rows == len(rows) == len(ROWS)
    for row, given in zip(rows, ROWS, strict=True):
        assert row == [show_plain(value) for value in given]
        assert not row[0].startswith(FORMULA_STARTS)
    assert rows[0][1:] == ["1234.50", "3", "true", "2026-01-02", "2026-06-20T17:30:00.000005+07:00"]
    assert rows[-2] == [""] * 6
    assert LONG in {row[0] for row in rows}


def test_parquet_keeps_texts_raw_and_decimals_exact(tmp_path: Path) -> None:
    written = write_table(TABLE, iter(ROWS), tmp_path, "parquet")
    read = pyarrow.parquet.read_table(written.path)
    assert read.column("unit").to_pylist() == [row[0] for row in ROWS]
    assert read.column("number").to_pylist() == [row[1] for row in ROWS]
    assert read.column("received_at").to_pylist()[0] == INSTANT
    assert read.schema.field("number").type == pyarrow.decimal128(38, 12)
    assert read.schema.field("unit").metadata == {b"comment": "Đơn vị".encode()}


def test_a_number_without_room_is_refused_by_name(tmp_path: Path) -> None:
    rows = [("x", Decimal(10) ** 30, 1, True, None, None)]
    with pytest.raises(ValueTooLarge, match=r"thu\.number"):
        write_table(TABLE, rows, tmp_path, "parquet")
    assert not (tmp_path / "thu.parquet").exists()


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_description_names_every_column_and_the_guard(tmp_path: Path, form: Any) -> None:
    written = write_table(TABLE, ROWS, tmp_path, form)
    write_description([written], tmp_path, title="Báo cáo", as_of=INSTANT, report="movements-half", period="2026-S1")
    package = json.loads((tmp_path / "datapackage.json").read_text("utf-8"))
    resource = package["resources"][0]
    assert (resource["path"], resource["rows"]) == (f"thu.{form}", len(ROWS))
    fields = {field["name"]: field for field in resource["schema"]["fields"]}
    assert list(fields) == [column.name for column in COLUMNS]
    assert ("formula_guard" in fields["unit"]) == (form == "csv")
    assert "formula_guard" not in fields["number"]
    listed = (tmp_path / "tu-dien-cot.csv").read_text("utf-8-sig")
    assert "Có cộng" in listed
    assert ("dấu '" in listed) == (form == "csv")


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_equal_rows_give_equal_files(tmp_path: Path, form: Any) -> None:
    first = write_table(TABLE, iter(ROWS), tmp_path, form)
    assert write_table(TABLE, iter(ROWS), tmp_path, form).sha256 == first.sha256


def test_xml_of_the_workbook_has_no_mark_up_of_a_unit() -> None:
    """A text that begins and ends like xlsxwriter's own rich text is written as it is by that library."""
    table = OfficialTable("B", "B", "", "", (OfficialColumn("A", "a"),), (OfficialRow(("<r><t>x</t></r>",)),))
    with zipfile.ZipFile(BytesIO(write_official_workbook([table], COVER, (), SOURCES))) as package:
        sheets = [package.read(name).decode() for name in package.namelist() if name.startswith("xl/worksheets/sheet")]
    assert not any(re.search(r"<is>\s*<r>", text) for text in sheets)
