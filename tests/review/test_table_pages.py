"""Consolidated tables: the figures of the marts, in Vietnamese order, as files, and from a figure to its cells."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from urllib.parse import unquote

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from reviewed_office import PERIOD, REPORT

from etl.review.office import Office
from etl.review.words import show_value
from etl.text import format_number, sort_key
from etl.usecases.marts import MartTable, list_marts, read_mart
from etl.usecases.trace import trace_figure

Client = Callable[[str | None], TestClient]
KEY = f"{REPORT}:{PERIOD}"


def _cells(page: str) -> list[list[str]]:
    """The texts of the table's body; a mark of a structural zero is `x`."""
    body = page.rpartition("<tbody>")[2].partition("</tbody>")[0]
    return [
        [html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)]
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.S)
    ]


def _expected(table: MartTable) -> list[list[str]]:
    return [
        [
            "x" if (place, c.code) in table.not_applicable else show_value(row[c.code], c.kind, c.decimals).strip()
            for c in table.columns
        ]
        for place, row in enumerate(table.rows)
    ]


def test_every_table_of_the_report_shows_its_mart(client_of: Client, office: Office) -> None:
    context = office.context()
    client = client_of("reader")
    marts = list_marts(context, REPORT)
    listed = client.get("/tables", params={"key": KEY}).text
    assert len(marts) > 5

    for mart in marts:
        assert f"/tables/{mart.code}?" in listed
        page = client.get(f"/tables/{mart.code}", params={"key": KEY})
        table = read_mart(context, mart.code, REPORT, PERIOD)
        assert page.status_code == 200, mart.code
        shown = _cells(page.text)
        if table.rows:
            assert shown == _expected(table), mart.code
        for one in table.coverage:
            assert f"Biểu {one.form}: {format_number(one.accepted)}/{format_number(one.expected)} đơn vị" in page.text


@pytest.mark.parametrize("column", ["unit_name", "attempts", "accepted_at", "status"])
def test_columns_sort_both_ways_and_what_is_missing_comes_last(client_of: Client, office: Office, column: str) -> None:
    table = read_mart(office.context(), "board", REPORT, PERIOD)
    client = client_of("reader")
    place = [c.code for c in table.columns].index(column)
    kind = table.columns[place]

    def read(sort: str) -> list[str]:
        return [row[place] for row in _cells(client.get("/tables/board", params={"key": KEY, "sort": sort}).text)]

    there = [row[column] for row in table.rows if row[column] is not None]
    missing = [""] * (len(table.rows) - len(there))
    order = sorted(there, key=lambda value: sort_key(value) if isinstance(value, str) else value)  # type: ignore[arg-type,return-value]

    def text(values: list[object]) -> list[str]:
        return [show_value(value, kind.kind, kind.decimals).strip() for value in values]

    assert read(column) == text(order) + missing
    falling = text(sorted(there, key=lambda v: sort_key(v) if isinstance(v, str) else v, reverse=True))  # type: ignore[arg-type,return-value]
    assert read(f"-{column}") == falling + missing
    head = client.get("/tables/board", params={"key": KEY, "sort": column}).text
    assert 'aria-sort="ascending"' in head
    assert f"sort=-{column}" in head


def test_vietnamese_order_is_not_the_order_of_bytes(client_of: Client, office: Office) -> None:
    client = client_of("reader")
    page = client.get("/tables/board", params={"key": KEY, "sort": "unit_name"}).text
    table = read_mart(office.context(), "board", REPORT, PERIOD)
    place = [c.code for c in table.columns].index("unit_name")
    names = [row[place] for row in _cells(page)]

    assert names == sorted(names, key=sort_key)
    assert names != sorted(names)


def test_an_unknown_sort_table_or_period_is_no_error_of_ours(client_of: Client) -> None:
    client = client_of("reader")

    assert client.get("/tables/board", params={"key": KEY, "sort": "'; DROP"}).status_code == 200
    assert client.get("/tables/khong", params={"key": KEY}).status_code == 404
    assert client.get("/tables/blocs", params={"key": KEY}).status_code == 404  # of another report
    assert client.get("/tables/board", params={"key": "x:y"}).status_code == 404
    assert client.get("/tables/khong/file", params={"key": KEY}).status_code == 404
    assert client.get("/figure", params={"id": f"{KEY}/F05/02/F05.99"}).status_code == 404
    assert client.get("/figure", params={"id": "abc"}).status_code == 404
    assert client.get("/figure").status_code == 422


@pytest.mark.parametrize("mart", ["movement_result", "0603", "board"])
def test_a_downloaded_table_has_the_same_figures_and_no_formulas(client_of: Client, office: Office, mart: str) -> None:
    table = read_mart(office.context(), mart, REPORT, PERIOD)

    answer = client_of("reader").get(f"/tables/{mart}/file", params={"key": KEY})

    header = answer.headers["content-disposition"]
    assert header.startswith("attachment;")
    name = unquote(header.partition("filename*=UTF-8''")[2])
    assert name.endswith(".xlsx") and table.title in name and "6 tháng đầu năm 2026" in name
    sheet = load_workbook(BytesIO(answer.content)).worksheets[0]
    assert not [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    heads = [cell.row for cell in sheet["A"] if cell.value == table.columns[0].label]
    rows = list(sheet.iter_rows(min_row=heads[-1] + 1, values_only=True))
    assert len(rows) == len(table.rows)
    for shown, row in zip(rows, table.rows, strict=True):
        for value, column in zip(shown, table.columns, strict=True):
            if column.is_number:
                wanted = row[column.code]
                assert (None if value is None else Decimal(str(value))) == (
                    None if wanted is None else pytest.approx(Decimal(str(wanted)), rel=Decimal("1e-12"))
                )


def test_every_figure_of_a_table_leads_to_cells_that_add_up_to_it(client_of: Client, office: Office) -> None:
    context = office.context()
    client = client_of("reader")
    table = read_mart(context, "0603", REPORT, PERIOD)
    figures = [
        (figure, table.rows[place][code]) for place, row in enumerate(table.figures) for code, figure in row.items()
    ]
    assert len(figures) > 20

    for figure, value in figures[:: max(1, len(figures) // 8)]:
        page = client.get("/figure", params={"id": figure})
        trace = trace_figure(context, figure)
        shown = format_number(Decimal(str(value)))
        assert page.status_code == 200
        assert f": {shown} " in re.sub(r"<[^>]+>", " ", page.text.partition("<h1>")[2].partition("</h1>")[0]) + " "
        counted = page.text.partition("Các ô được cộng (")[2].partition("<h2>")[0].partition("<h3>")[0]
        numbers = re.findall(r'<td class="number">([\d.,]+)', counted)
        assert sum(Decimal(one.replace(".", "").replace(",", ".")) for one in numbers) == value
        (items,) = trace.contributions.values()
        links = re.findall(r'/submissions/(\d+)\?sheet=[^"]*cell=([A-Z]+\d+)#cell', counted)
        assert sorted(links) == sorted((str(one.submission_id), one.cell) for one in items if one.counted)


def test_estimates_and_units_that_are_missing_are_told(client_of: Client, office: Office) -> None:
    context = office.context()
    table = read_mart(context, "0603", REPORT, PERIOD)
    traces = [trace_figure(context, figure) for row in table.figures[:3] for figure in list(row.values())[:2]]
    estimated = next(one for one in traces if one.estimated_units)
    gaps = next(one for one in traces if one.left_out)
    client = client_of("reader")

    page = client.get("/figure", params={"id": estimated.figure}).text
    assert "ước thực hiện" in page
    assert page.count("(ước)") == estimated.estimated_units
    missing = client.get("/figure", params={"id": gaps.figure}).text
    assert f"Đơn vị chưa có trong số này ({len(gaps.left_out)})" in missing
    for one in gaps.left_out:
        assert html.escape(one.unit_name) in missing and html.escape(one.text) in missing


def test_a_rate_shows_both_its_sums_and_two_decimals(client_of: Client, office: Office) -> None:
    context = office.context()
    table = read_mart(context, "movement_result", REPORT, PERIOD)
    figure = next(row["rate"] for row in table.figures if row.get("rate"))

    page = client_of("reader").get("/figure", params={"id": figure}).text

    assert "Tử số" in page and "Mẫu số" in page
    head = page.partition("<h1>")[2].partition("</h1>")[0]
    assert re.search(r": \d+,\d{1,2} %", html.unescape(head)), head


def test_charts_carry_their_title_and_whose_indicator_a_bar_is(client_of: Client, office: Office) -> None:
    table = read_mart(office.context(), "movement_result", REPORT, PERIOD)

    page = client_of("reader").get("/tables/movement_result", params={"key": KEY}).text

    assert "<figcaption>Tỷ lệ thực hiện so với kế hoạch cả năm" in page
    chart = html.unescape(page.partition("<figcaption>")[2].partition("</figure>")[0])
    drawn = [row for row in table.rows if row["rate"] is not None][:24]
    for movement in {str(row["movement_name"]) for row in drawn}:
        assert movement in chart
    for row in drawn:
        assert str(row["indicator_name"]) in chart  # whole, where only its beginning fits


def test_every_period_that_a_table_offers_has_it(client_of: Client) -> None:
    client = client_of("reader")
    for mart in ("structure", "movement_result", "board", "0603"):
        page = client.get(f"/tables/{mart}")
        assert page.status_code == 200
        offered = re.findall(r'<option value="([^"]+)"', page.text.partition('id="key"')[2].partition("</select>")[0])
        assert KEY in offered
        for key in offered:
            assert client.get(f"/tables/{mart}", params={"key": key}).status_code == 200, (mart, key)
    refused = client.get("/tables/structure", params={"key": "statistics-year:2026-A1"})
    assert refused.status_code == 404
    assert "Báo cáo này không có bảng số liệu đã chọn" in html.unescape(refused.text)
