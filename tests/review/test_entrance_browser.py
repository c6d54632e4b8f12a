"""The entrance in a real browser: upload with its progress, the marked sheet, reasons, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from reviewed_office import serve
from unit_gate import MAX_BYTES, Gate, open_gate

from etl.warehouse.server import ServerInfo
from tests.golden.make_cases import bac_kan
from tests.golden.sender import make_sending

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
UNIT = "H14.X01290"


@pytest.fixture(scope="module")
def gate(server: ServerInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    with open_gate(server, tmp_path_factory.mktemp("gate")) as found:
        found.office.checker().warm_up()
        yield found


def find_serious(page: Any) -> list[str]:
    """What axe-core calls serious or critical."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in ("serious", "critical")]


def assert_fits(page: Any) -> None:
    """Nothing but scroll regions is wider than the screen."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")


def test_a_clerk_uploads_corrects_and_explains(gate: Gate, browser: Any, screens: Path, tmp_path: Path) -> None:
    def bad(sending: Any) -> None:
        sending.put("F05", "01", "2", 99)
        sending.field("F00", "13", "<script>document.title='hỏng'</script>")

    files = {"sai": make_sending(bad, unit=UNIT), "dung": make_sending(bac_kan(), unit=UNIT)}
    for name, sending in files.items():
        (tmp_path / f"{name}.xlsx").write_bytes(sending.to_bytes())
    (tmp_path / "qua-lon.xlsx").write_bytes(b"x" * (MAX_BYTES + 1))
    (tmp_path / "anh.exe").write_bytes(b"MZ")
    problems: list[str] = []

    def shoot(page: Any, name: str) -> None:
        assert find_serious(page) == [], name
        page.screenshot(path=screens / f"entrance-{name}.png", full_page=True)
        page.set_viewport_size(PHONE)
        assert_fits(page)
        page.screenshot(path=screens / f"entrance-{name}-phone.png")
        page.set_viewport_size(DESK)

    with serve(gate.app) as address:
        page = browser.new_page(viewport=DESK)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        page.goto(f"{address}/u/{gate.token(UNIT)}")
        shoot(page, "1-owed")
        with page.expect_download() as download:
            page.click("text=Tải biểu mẫu (.xlsx)")
        assert download.value.suggested_filename == f"{UNIT}_movements-half_2026-S1.xlsx"

        # Too large: told before a byte is sent.
        page.set_input_files("#file", tmp_path / "qua-lon.xlsx")
        page.click("button:has-text('Nộp tệp')")
        assert "lớn hơn 2 MB" in page.inner_text("[data-fault]")
        shoot(page, "2-too-large")
        page.set_input_files("#file", tmp_path / "anh.exe")
        page.click("button:has-text('Nộp tệp')")
        page.wait_for_url("**/uploads/*")
        assert "Loại tệp này không được nhận" in page.inner_text("main")
        shoot(page, "3-refused")
        page.click("text=Về trang nộp báo cáo")

        # The line is slow: the progress is there to be seen.
        states: list[str] = []
        page.expose_function("noteState", lambda text: states.append(text))
        page.evaluate(
            "new MutationObserver(() => noteState(document.querySelector('[data-state]').textContent))"
            ".observe(document.querySelector('[data-state]'), {childList: true, characterData: true, subtree: true})"
        )
        page.set_input_files("#file", tmp_path / "sai.xlsx")
        page.click("button:has-text('Nộp tệp')")
        page.wait_for_url("**/submissions/*", timeout=60_000)
        assert any("Đã gửi" in state for state in states), states
        assert "Chưa đạt" in page.inner_text("h1")
        mark = page.locator(".grid td.mark.error").first
        mark.scroll_into_view_if_needed()
        assert mark.is_visible()
        assert page.title() != "hỏng"
        shoot(page, "4-rejected")

        page.click("text=← Báo cáo của đơn vị")
        page.set_input_files("#file", tmp_path / "dung.xlsx")
        page.click("button:has-text('Nộp tệp')")
        page.wait_for_url("**/submissions/*", timeout=60_000)
        assert "Đạt, có cảnh báo" in page.inner_text("h1")
        for field in page.locator("#explain textarea").all():
            field.fill("Số liệu đúng, do làm tròn.")
        page.click("text=Lưu giải trình")
        page.wait_for_url("**told=kept*")
        shoot(page, "5-explained")
        page.click("text=← Báo cáo của đơn vị")
        assert "Đơn vị không cần làm gì thêm" in page.inner_text("main")
        shoot(page, "6-done")
        page.click("text=Các kỳ báo cáo trước của đơn vị")
        shoot(page, "7-history")
        page.goto(f"{address}/u/{gate.token(UNIT)[:-2]}")
        shoot(page, "8-closed")
        page.close()
    assert [one for one in problems if "404" not in one] == []


def test_without_javascript_the_form_does_it_too(gate: Gate, browser: Any, screens: Path, tmp_path: Path) -> None:
    unit = "H14.SNV"
    (tmp_path / "a.xlsx").write_bytes(make_sending(unit=unit).to_bytes())
    with serve(gate.app) as address:
        context = browser.new_context(java_script_enabled=False, viewport=PHONE)
        page = context.new_page()
        page.goto(f"{address}/u/{gate.token(unit)}")
        page.set_input_files("#file", tmp_path / "a.xlsx")
        page.click("button:has-text('Nộp tệp')")
        page.wait_for_url("**/submissions/*", timeout=60_000)
        assert "Đạt" in page.inner_text("h1")
        page.screenshot(path=screens / "entrance-9-without-javascript.png")
        context.close()
