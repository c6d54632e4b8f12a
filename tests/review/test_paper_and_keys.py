"""Paper has every column, charts have whole names, and choosing in a filter with the keyboard does not leave the page."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from browsing import visit
from reviewed_office import PERIOD, REPORT

from etl.review.charts import Bar, draw_bars
from etl.settings import PROJECT_ROOT

KEY = f"{REPORT}:{PERIOD}"


@pytest.mark.parametrize("path", [f"/board?key={KEY}", f"/tables/structure?key={KEY}", "/submissions/{rejected}"])
def test_paper_has_every_column_that_the_screen_has(live: str, browser: Any, path: str, tmp_path: Path) -> None:
    """An upright sheet is as narrow as a phone, and what scrolls on a screen is cut off there."""
    with visit(browser, live) as visitor:
        visitor.log_in("reviewer")
        if "{rejected}" in path:
            visitor.open(f"/submissions?key={KEY}")
            path = str(visitor.page.get_attribute("tr:has(.rejected) a[href*='/submissions/']", "href"))
        page = visitor.open(path)
        headers = page.locator(".scroll:not(.sheet) thead th").all_inner_texts()
        edges = dict.fromkeys(("left", "right", "top", "bottom"), "1cm")
        page.pdf(path=tmp_path / "page.pdf", format="A4", margin=edges, prefer_css_page_size=True)
    printed = subprocess.run(
        ["pdftotext", "-raw", tmp_path / "page.pdf", "-"], capture_output=True, text=True, check=True
    ).stdout
    words = set(printed.split())
    assert len(headers) >= 3
    for header in headers:
        assert set(header.split()) <= words, f"{header!r} is not on the paper"


def test_arrow_keys_in_a_filter_stay_on_the_page_and_the_button_sends(live: str, browser: Any) -> None:
    with visit(browser, live) as visitor:
        visitor.log_in("reader")
        page = visitor.open(f"/board?key={KEY}")
        address = page.url
        page.focus("#status")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        chosen = page.input_value("#status")
        assert chosen
        assert page.evaluate("document.activeElement.id") == "status"
        assert page.url == address
        form = page.locator("form:has(#status)")
        form.locator("button").focus()
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert f"status={chosen}" in page.url
        with page.expect_navigation():
            page.locator("#status").click()
            page.select_option("#status", "")
        assert "status=&" in f"{page.url}&"


@pytest.mark.parametrize(
    "names",
    [
        ["CƠ QUAN ĐẢNG, ĐOÀN ĐBQH", "Xã"],
        ["CÔNG TY CỔ PHẦN KHOÁNG SẢN VÀ XÂY DỰNG CAO BẰNG MẪU SỐ 02"],
        ["Ban Quản lý Công viên địa chất toàn cầu Non nước Cao Bằng", "HĐND"],
    ],
)
def test_names_in_charts_keep_their_beginning(browser: Any, names: list[str]) -> None:
    style = (PROJECT_ROOT / "etl" / "review" / "static" / "office.css").read_text("utf-8")
    drawn = draw_bars("Tỷ lệ", [Bar(name, [3]) for name in names])
    page = browser.new_page()
    page.set_content(f"<style>{style}</style>{drawn}")
    places = page.evaluate("[...document.querySelectorAll('svg.chart text')].map(t => [t.getBBox().x, t.textContent])")
    page.close()
    starts = {text[:5]: start for start, text in places}
    assert all(starts[name[:5]] >= 0 for name in names), places
