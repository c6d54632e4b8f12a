"""What leaves the house, from a filled warehouse: workbook, draft report, data; as of an instant, as published, as text."""

from __future__ import annotations

import csv
import json
import re
import secrets
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pyarrow.parquet
import pytest
import sqlalchemy as sa
from deliveries import at

from etl.export.narrative import read_placed
from etl.sample.generate import write_sample
from etl.settings import PROJECT_ROOT, Settings
from etl.text import format_number
from etl.usecases.board import read_board
from etl.usecases.consolidate import consolidate_period, open_snapshot, read_figures
from etl.usecases.context import Context, open_context
from etl.usecases.export import PublicationChanged, export_workbook
from etl.usecases.export_data import clear_data, export_data
from etl.usecases.export_tables import of_layout
from etl.usecases.ingest import ingest
from etl.usecases.marts import list_marts, read_mart
from etl.usecases.prepare import init_warehouse
from etl.usecases.publication import find_publication
from etl.usecases.report_draft import DraftMismatch, check_draft, draft_report
from etl.usecases.review import approve_period, publish_period
from etl.warehouse.server import ServerInfo
from tests.export.hostile import ALL, FORMULAS, MARKUP

SOFFICE = shutil.which("soffice")
REPORT, PERIOD = "movements-year", "2026-A1"
NOW = at("2027-02-20T08:00")
WHO = {"by": "nguyen.van.a", "why": "đã xem xét"}


@pytest.fixture(scope="module")
def filled(server: ServerInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A year's report of a small province, loaded and consolidated. Tests only read it, or put back what they change."""
    folder = tmp_path_factory.mktemp("exports")
    write_sample(PROJECT_ROOT / "register", folder / "sample", REPORT, [PERIOD], 16, 2026, 12)
    name = "t" + secrets.token_hex(4)
    admin = sa.create_engine(server.superuser_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" OWNER mr_owner')
    url = sa.make_url(server.warehouse_url).set(database=name).render_as_string(hide_password=False)
    settings = Settings(
        home=folder / "home",
        register=folder / "sample" / "register",
        landing=(folder / "landing").as_uri(),
        warehouse_url=url,
    )
    init_warehouse(settings)
    with open_context(settings, clock=lambda: NOW) as context:
        ingest(context, [folder / "sample" / "inbox"], folder / "sample" / "receipts.csv")
        consolidate_period(context, REPORT, PERIOD, NOW)
    yield settings
    with admin.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    admin.dispose()


@pytest.fixture
def context(filled: Settings) -> Iterator[Context]:
    with open_context(filled, clock=lambda: NOW) as opened:
        yield opened


@pytest.fixture(scope="module")
def workbook(filled: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with open_context(filled, clock=lambda: NOW) as opened:
        return export_workbook(opened, REPORT, PERIOD, tmp_path_factory.mktemp("out") / "chính thức.xlsx", NOW)


@pytest.fixture(scope="module")
def draft(filled: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with open_context(filled, clock=lambda: NOW) as opened:
        return draft_report(opened, REPORT, PERIOD, tmp_path_factory.mktemp("out") / "dự thảo.docx", NOW)


def open_book(path: Path) -> openpyxl.Workbook:
    return openpyxl.load_workbook(BytesIO(path.read_bytes()))


def cells_of(book: openpyxl.Workbook) -> Iterator[Any]:
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            yield from row


def print_pages(path: Path, folder: Path) -> str:
    """The text of the file as LibreOffice prints it."""
    command = ["soffice", f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--convert-to", "pdf"]
    subprocess.run([*command, "--outdir", str(folder), str(path)], check=True, capture_output=True, timeout=240)
    printed = path.with_suffix(".pdf")
    return subprocess.run(
        ["pdftotext", "-layout", str(printed), "-"], check=True, capture_output=True, text=True
    ).stdout


def test_the_workbook_has_every_part(workbook: Path) -> None:
    book = open_book(workbook)
    names = book.sheetnames
    assert names[:4] == ["Tổng quan", "Mục lục", "Biểu đồ", "Độ phủ số liệu"]
    assert names[-2:] == ["Tình hình nộp", "Nguồn số liệu"]
    assert {
        "0601 Số phong trào", "0602 Khen thưởng Nhà nước", "0603 Khen thưởng cấp tỉnh", "Kết quả phong trào",
        "Cơ cấu theo loại đơn vị", "Khen thưởng theo quyết định", "Bình xét khối, cụm", "Điển hình tiên tiến",
        "Quỹ thi đua khen thưởng", "Chất lượng số liệu", "Điểm cần xem xét",
    } <= set(names)  # fmt: skip
    with zipfile.ZipFile(workbook) as package:
        assert sum(name.startswith("xl/charts/chart") for name in package.namelist()) == 5


def test_statutory_tables_are_the_marts(context: Context, workbook: Path) -> None:
    book = open_book(workbook)
    for code, name in (
        ("0601", "0601 Số phong trào"),
        ("0602", "0602 Khen thưởng Nhà nước"),
        ("0603", "0603 Khen thưởng cấp tỉnh"),
    ):
        read = read_mart(context, code, REPORT, PERIOD, as_of=NOW)
        rows = {row[1].value: row for row in book[name].iter_rows() if re.fullmatch(r"\d\d", str(row[1].value))}
        assert len(rows) == len(read.rows)
        for wanted in read.rows:
            row = rows[wanted["code"]]
            for place, column in enumerate(read.columns[2:], start=2):
                value = row[place].value
                if value == "x":
                    assert not wanted[column.code], (code, wanted["code"], column.code)
                else:
                    assert value == wanted[column.code], (code, wanted["code"], column.code)


def test_another_layouts_cell_never_stands_in_a_statutory_table(context: Context) -> None:
    """Row 04 of the layout of 2018 is row 06 of 2023: a file that a reviewer let through puts nothing into 04."""
    names = {"r": REPORT, "p": PERIOD}
    with context.engine.connect() as connection:
        connection.execute(
            sa.text(
                "UPDATE core.observation SET form_version = '2018.1', measure = 'F02.06.1', number = 100000 WHERE form = 'F02' "
                "AND row_key = '04' AND column_code = '1' AND number IS NOT NULL AND submission_id = (SELECT max(submission_id) "
                "FROM mart.figure_source s WHERE s.form = 'F02' AND s.row_key = '04' AND s.column_code = '1' AND s.counted "
                "AND s.report = :r AND s.period = :p)"
            ),
            names,
        )
        values = {
            row.measure: row.value
            for row in connection.execute(
                sa.text(
                    "SELECT measure, value FROM mart.figure WHERE report = :r AND period = :p AND form = 'F02' AND row_key = '04'"
                ),
                names,
            )
        }
        table = read_mart(context, "0601", REPORT, PERIOD, connection=connection)
        listed = read_figures(context, REPORT, PERIOD, connection)["F02"]
        connection.rollback()
    assert {"F02.04.1", "F02.06.1"} <= values.keys()
    (shown,) = [row["c1"] for row in table.rows if row["code"] == "04"]
    assert shown == values["F02.04.1"] != values["F02.06.1"]
    version = context.forms["F02"].version_on(context.register.period(REPORT, PERIOD).end)
    printed = [one.value for one in of_layout("F02", version, listed) if (one.row, one.column) == ("04", "1")]
    assert printed == [values["F02.04.1"]]


def test_the_coverage_sheet_names_who_is_missing(context: Context, workbook: Path) -> None:
    board = read_board(context, REPORT, PERIOD, NOW)
    silent = {line.unit_name for line in board.units if line.status in {"missing", "rejected"}}
    sheet = open_book(workbook)["Độ phủ số liệu"]
    first = next(row for row in sheet.iter_rows(values_only=True) if str(row[0]).startswith("F00 "))
    accepted = board.counts["on_time"] + board.counts["late"]
    assert first[1] == f"{accepted}/{board.counts['expected']}"
    block = []
    for row in sheet.iter_rows(values_only=True):
        if block or row == first:
            if block and str(row[0]).startswith("F0"):
                break
            block.append(row)
    named = {name for row in block[1:] if row[4] for name in str(row[4]).partition(": ")[2].split("; ")}
    whole = [row for row in block[1:] if str(row[4]).startswith("Tất cả")]
    assert silent
    assert named <= silent
    assert named == silent or whole


def test_equal_instants_give_equal_bytes(context: Context, workbook: Path, draft: Path, tmp_path: Path) -> None:
    again = export_workbook(context, REPORT, PERIOD, tmp_path / "a.xlsx", NOW)
    assert again.read_bytes() == workbook.read_bytes()
    again = draft_report(context, REPORT, PERIOD, tmp_path / "a.docx", NOW)
    assert again.read_bytes() == draft.read_bytes()


def test_sources_can_go_to_a_file_of_their_own(context: Context, tmp_path: Path) -> None:
    export_workbook(context, REPORT, PERIOD, tmp_path / "a.xlsx", NOW, trace_file=tmp_path / "nguồn.xlsx")
    assert "Nguồn số liệu" not in open_book(tmp_path / "a.xlsx").sheetnames
    assert open_book(tmp_path / "nguồn.xlsx").sheetnames == ["Nguồn số liệu"]


def test_every_figure_of_the_draft_is_a_consolidated_figure(context: Context, draft: Path) -> None:
    content = draft.read_bytes()
    figures = {f.id: f for listed in read_figures(context, REPORT, PERIOD).values() for f in listed}
    placed = read_placed(content)
    assert len(placed) > 100
    for one in placed:
        value = figures[one.figure].value if one.figure in figures else None
        if value is None:
            assert re.fullmatch(r"chưa có số liệu \((\d+/\d+ đơn vị|báo cáo này không có biểu đó)\)", one.text), one
        else:
            assert one.text in {format_number(value), format_number(value, 2)}, one
    text = "\n".join(paragraph.text for paragraph in docx.Document(BytesIO(content)).paragraphs)
    assert "VI. TỒN TẠI, HẠN CHẾ, NGUYÊN NHÂN" in text
    assert "{{" not in text and "{%" not in text


def test_a_draft_that_differs_from_the_marts_is_not_given_out(context: Context, draft: Path) -> None:
    content = draft.read_bytes()
    with open_snapshot(context, NOW) as connection:
        assert check_draft(content, connection, REPORT, PERIOD) > 0
    target = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as source, zipfile.ZipFile(target, "w") as made:
        for name in source.namelist():
            data = source.read(name)
            if name == "word/document.xml":
                data = re.sub(
                    rb"(<w:sdtContent><w:r><w:rPr><w:sz[^>]*></w:rPr><w:t[^>]*>)(\d)", rb"\g<1>9\2", data, count=1
                )
            made.writestr(name, data)
    with open_snapshot(context, NOW) as connection, pytest.raises(DraftMismatch, match="1 of"):
        check_draft(target.getvalue(), connection, REPORT, PERIOD)


def test_data_are_every_mart_and_read_back_exactly(context: Context, tmp_path: Path) -> None:
    plain = export_data(context, REPORT, PERIOD, tmp_path / "csv", NOW)
    packed = export_data(context, REPORT, PERIOD, tmp_path / "pq", NOW, form="parquet")
    names = {each.table.name for each in plain}
    assert {mart.view for mart in list_marts(context, REPORT) if mart.view} <= names
    assert {"consolidated", "contribution"} <= names
    assert [each.rows for each in plain] == [each.rows for each in packed]
    csv.field_size_limit(10**6)
    with (tmp_path / "csv" / "consolidated.csv").open(encoding="utf-8-sig", newline="") as source:
        read = {row["figure"]: row["value"] for row in csv.DictReader(source)}
    with open_snapshot(context, NOW) as connection:
        known = {
            row.figure: row.value
            for row in connection.execute(
                sa.text("SELECT figure, value FROM mart.consolidated WHERE report = :r AND period = :p"),
                {"r": REPORT, "p": PERIOD},
            )
        }
    assert len(read) > 500
    assert {figure: Decimal(value) if value else None for figure, value in read.items()} == known
    table = pyarrow.parquet.read_table(tmp_path / "pq" / "consolidated.parquet").to_pydict()
    for figure, value in zip(table["figure"], table["value"], strict=True):
        wanted = known[figure]
        assert value == (None if wanted is None else wanted.quantize(Decimal("1e-12"))), figure
    package = json.loads((tmp_path / "csv" / "datapackage.json").read_text("utf-8"))
    described = {resource["name"]: resource for resource in package["resources"]}
    assert described.keys() == names
    assert all(field["title"] != field["name"] for r in described.values() for field in r["schema"]["fields"])
    (tmp_path / "csv" / "của tôi.txt").write_text("giữ lại", "utf-8")
    clear_data(tmp_path / "csv")
    assert [path.name for path in (tmp_path / "csv").iterdir()] == ["của tôi.txt"]


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice (soffice) is not installed")
def test_libreoffice_prints_workbook_on_few_pages(workbook: Path, tmp_path: Path) -> None:
    shutil.copy(workbook, tmp_path / "a.xlsx")
    printed = print_pages(tmp_path / "a.xlsx", tmp_path)
    pages = printed.count("\f")
    lines = open_book(tmp_path / "a.xlsx")["Nguồn số liệu"].max_row
    assert lines > 2000
    assert 10 < pages <= 40
    assert "Biểu số: 0603.N/BNV-TĐKT" in printed


def test_a_publication_is_exported_as_it_was_frozen(filled: Settings, tmp_path: Path) -> None:
    moment = [NOW]
    with open_context(filled, clock=lambda: moment[0]) as context:
        # The consolidation has begun the review: nobody's report is outstanding.
        moment[0] += timedelta(hours=1)
        approve_period(context, REPORT, PERIOD, **WHO)
        moment[0] += timedelta(hours=1)
        publish_period(context, REPORT, PERIOD, **WHO)
        later = moment[0] + timedelta(days=30)
        path = export_workbook(context, REPORT, PERIOD, tmp_path / "a.xlsx", later, publication=1)
        found = find_publication(context, REPORT, PERIOD, 1)
        texts = {str(cell.value) for row in open_book(path)["Tổng quan"].iter_rows() for cell in row}
        assert found.checksum in texts
        assert any(text.startswith("Số liệu tính đến 20/02/2027 09:00. Trạng thái: Đã công bố lần 1") for text in texts)
        now = export_workbook(context, REPORT, PERIOD, tmp_path / "b.xlsx", later)
        assert "Đã công bố lần 1" in {str(row[1]) for row in open_book(now)["Tổng quan"].iter_rows(values_only=True)}
        with context.engine.begin() as connection:
            connection.execute(sa.text("UPDATE core.observation SET number = number + 1 WHERE measure = 'F05.01.1'"))
        with pytest.raises(PublicationChanged, match="publication 1 of movements-year:2026-A1"):
            export_workbook(context, REPORT, PERIOD, tmp_path / "c.xlsx", later, publication=1)
        with context.engine.begin() as connection:
            connection.execute(sa.text("UPDATE core.observation SET number = number - 1 WHERE measure = 'F05.01.1'"))
        assert not (tmp_path / "c.xlsx").exists()


@pytest.fixture
def hostile(context: Context) -> Context:
    """As if units had typed it: narratives, raw texts of numbers, names of units and files. Last in this file, since it stays."""
    # The warehouse takes no half of a surrogate pair, and no NUL.
    texts = [text for text in ALL if text.encode("utf-8", "ignore").decode() == text]
    with context.engine.begin() as connection:
        count = {"texts": texts, "n": len(texts)}
        connection.execute(
            sa.text(
                "UPDATE core.observation SET raw = (cast(:texts AS text[]))[1 + submission_id % :n], "
                "text_value = CASE WHEN form = 'F01' THEN "
                "(cast(:texts AS text[]))[1 + (submission_id * 7 + row_key::integer) % :n] ELSE text_value END"
            ),
            count,
        )
        connection.execute(
            sa.text("UPDATE landing.arrival SET file_name = (cast(:texts AS text[]))[1 + id % :n]"), count
        )
        connection.execute(
            sa.text(
                "UPDATE register.obligation SET unit_name = (cast(:texts AS text[]))[1 + abs(hashtext(unit)) % :n]"
            ),
            count,
        )
    return context


def test_what_units_typed_leaves_as_text(hostile: Context, tmp_path: Path) -> None:
    book = open_book(export_workbook(hostile, REPORT, PERIOD, tmp_path / "a.xlsx", NOW))
    seen = set()
    for cell in cells_of(book):
        assert cell.data_type in {"s", "n", "d"}, (cell.parent.title, cell.coordinate, cell.value)
        assert cell.hyperlink is None or (cell.parent.title == "Mục lục" and cell.hyperlink.target is None)
        seen.add(str(cell.value).strip())
    assert len({text.strip() for text in (*FORMULAS, *MARKUP)} & seen) > 10

    content = draft_report(hostile, REPORT, PERIOD, tmp_path / "a.docx", NOW, excerpts=50).read_bytes()
    with zipfile.ZipFile(BytesIO(content)) as package:
        document = package.read("word/document.xml")
        relations = package.read("word/_rels/document.xml.rels")
    assert not re.search(rb"<w:(?:fldSimple|instrText|fldChar|hyperlink|altChunk|object)", document)
    assert b"http://a.example" not in relations
    assert b"&lt;script&gt;" in document
    assert b"{{ 7*7 }}" in document

    csv.field_size_limit(10**6)
    texts = set()
    for written in export_data(hostile, REPORT, PERIOD, tmp_path / "csv", NOW):
        numbers = {column.name for column in written.table.columns if column.kind in {"integer", "decimal"}}
        with written.path.open(encoding="utf-8-sig", newline="") as source:
            for row in csv.DictReader(source):
                for name, value in row.items():
                    texts.add(value)
                    assert name in numbers or not value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")), (
                        written.path,
                        name,
                    )
    assert len({f"'{text}" for text in FORMULAS} & texts) > 5
