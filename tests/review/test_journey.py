"""The whole journey in a real browser: a clerk's file is refused and mended, a reviewer follows a figure to its cell, the
period is approved, published, reopened and published anew. Every page on the way is photographed on a desk and on a phone."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from browsing import Visitor, visit
from openpyxl import load_workbook
from reviewed_office import PERIOD, REPORT, Reviewed, serve

from etl.review.app import create_app
from etl.review.office import Office
from etl.usecases.board import read_board
from etl.usecases.submission_view import read_submission
from etl.usecases.trace import trace_figure
from etl.usecases.unit_links import make_token
from tests.golden.sender import SOUND_AWARDS, Sending, make_sending

KEY = f"{REPORT}:{PERIOD}"
FIGURE = f"{KEY}/F05/02/F05.02.2"


def _fill(template: bytes, sending: Sending) -> bytes:
    """The downloaded form filled in by hand: every value of the sending where the form is empty or has another."""
    book, wanted = load_workbook(BytesIO(template)), load_workbook(BytesIO(sending.to_bytes()))
    for plan in sending.plan.sheets:
        if plan.form is None:
            continue
        for row, column in plan.places.values():
            value = wanted[plan.name].cell(row + 1, column + 1).value
            if value is not None:
                book[plan.name].cell(row + 1, column + 1).value = value
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _awards(number: int) -> dict[str, dict[str, int]]:
    """Sound awards with another number of certificates of collectives, and what follows from it."""
    more = number - SOUND_AWARDS["2"]["02"]
    return {**SOUND_AWARDS, "2": {**SOUND_AWARDS["2"], "02": number, "11": SOUND_AWARDS["2"]["11"] + more}}


def _upload(clerk: Visitor, home: str, name: str, content: bytes) -> None:
    """Send a file by the page; `noted` of the page is told what the progress says meanwhile."""
    page = clerk.open(home)
    page.set_input_files("#file", {"name": name, "mimeType": "application/octet-stream", "buffer": content})
    page.evaluate(
        "new MutationObserver(() => window.noted(document.querySelector('[data-state]').textContent))"
        ".observe(document.querySelector('[data-state]'), {childList: true, characterData: true, subtree: true})"
    )
    page.click("form[data-upload] button")
    page.wait_for_url("**/submissions/*", timeout=90_000)


def _act(visitor: Visitor, action: str, why: str) -> None:
    page = visitor.open(f"/periods/{REPORT}/{PERIOD}")
    page.once("dialog", lambda dialog: dialog.accept())
    page.fill(f"#why-{action}", why)
    page.click(f"form[action$='/{action}'] button")
    page.wait_for_url(f"**told={action}")


def test_from_a_refused_upload_to_a_second_publication(own_province: Reviewed, browser: Any, screens: Path) -> None:
    # The evening after the last file came: a personal link ends some months after its due day.
    ago = datetime.now(UTC) - datetime(2026, 6, 25, 13, 0, tzinfo=UTC)
    office = Office(lambda: own_province.settings, clock=lambda: datetime.now(UTC) - ago)
    context = office.context()
    lines = read_board(context, REPORT, PERIOD, context.clock()).units
    unit = next(line.unit for line in lines if line.status == "missing" and line.unit_type != "bloc")
    name = next(line.unit_name for line in lines if line.unit == unit)
    home = f"/u/{make_token(context, unit, REPORT, PERIOD, context.clock())}"
    sound = make_sending(lambda sending: sending.fill_awards(_awards(17)), unit=unit)
    sheet, cell = sound.name_of("F05"), sound.cell("F05", "02", "2")
    before = trace_figure(context, FIGURE).value or 0

    with serve(create_app(office)) as address, visit(browser, address) as clerk, visit(browser, address) as desk:
        # The clerk opens the personal link, takes the form, fills it in with a sum that is wrong.
        page = clerk.open(home)
        assert page.locator("h1").inner_text() == name
        clerk.shoot(screens, "01-don-vi-trang-nop")
        with page.expect_download() as taken:
            page.click("text=Tải biểu mẫu (.xlsx)")
        template = Path(taken.value.path()).read_bytes()
        wrong = make_sending(lambda sending: sending.fill_awards(_awards(17)), unit=unit)
        wrong.put("F05", "01", "2", 999)
        said: list[str] = []
        page.expose_function("noted", lambda text: said.append(text))
        _upload(clerk, home, "Báo cáo sai tổng.xlsx", _fill(template, wrong))
        assert any("kiểm tra" in text or "Đã gửi" in text for text in said), said
        assert "Chưa đạt" in page.locator("h1").inner_text()
        marked = page.locator("td.mark.error")
        assert wrong.cell("F05", "01", "2") in [one.get_attribute("id").removeprefix("o-") for one in marked.all()]
        assert any("999" in one.inner_text() for one in marked.all())
        clerk.shoot(screens, "02-don-vi-chua-dat")

        # Mended, it is accepted, and counts at once.
        _upload(clerk, home, "Báo cáo đã sửa.xlsx", _fill(template, sound))
        assert "Đạt" in page.locator("h1").inner_text()
        assert page.locator("td.mark.error").count() == 0
        clerk.shoot(screens, "03-don-vi-dat")
        clerk.open(f"{home}/history")
        clerk.shoot(screens, "04-don-vi-cac-ky")

        # A reviewer: board, the unit, its submission.
        desk.open("/login")
        desk.shoot(screens, "05-dang-nhap")
        page = desk.log_in("publisher").page
        desk.open(f"/board?key={KEY}")
        desk.shoot(screens, "06-bang-theo-doi")
        page.fill("#text", unit)
        page.click("form.filters button:has-text('Lọc')")
        page.click("table.matrix tbody td a")
        assert page.locator("h1").inner_text() == name
        desk.shoot(screens, "07-nghia-vu")
        page.click("text=Các lần nộp")
        desk.shoot(screens, "08-cac-lan-nop")
        page.click("text=Lần 2")
        assert "lần nộp 2/2" in page.locator("h1").inner_text()
        assert "Đang được tính" in page.locator("main").inner_text()
        view = read_submission(context, int(page.url.rpartition("/")[2]))
        assert view.changes_total > 0
        assert page.locator(f"h2:text-is('Thay đổi so với lần nộp trước ({view.changes_total} ô)')").count() == 1
        desk.shoot(screens, "09-lan-nop")
        desk.open(f"/submissions?key={KEY}")
        desk.shoot(screens, "10-lan-nop-can-xem")

        # The consolidated table, a figure, its units, the very cell of the sender's sheet.
        desk.open(f"/tables?key={KEY}")
        desk.shoot(screens, "11-cac-bang")
        desk.open(f"/tables/movement_result?key={KEY}")
        desk.shoot(screens, "12-bang-phong-trao")
        desk.open(f"/tables/0603?key={KEY}")
        desk.shoot(screens, "13-bang-0603")
        page.click(f"a[href*='{FIGURE.replace(':', '%3A').replace('/', '%2F')}']")
        assert f"{int(before) + 17:,}".replace(",", ".") in page.locator("h1").inner_text()
        desk.shoot(screens, "14-nguon-so-lieu")
        row = page.locator(f"tr:has(th:text-is('{name}'))").first
        assert row.locator("td.number").inner_text() == "17"
        row.locator("a").click()
        found = page.locator("#cell")
        assert found.inner_text().startswith("17")
        assert "here" in (found.get_attribute("class") or "")
        assert page.locator(".tabs a[aria-current]").inner_text().startswith(sheet)
        assert cell in page.url
        assert found.is_visible()
        desk.shoot(screens, "15-o-trong-tep")

        # Review, approve, publish.
        desk.open("/periods")
        desk.shoot(screens, "16-cac-ky")
        _act(desk, "start", "Đủ báo cáo để thẩm tra")
        desk.shoot(screens, "17-dang-duyet")
        _act(desk, "approve", "Đã thẩm tra xong")
        _act(desk, "publish", "Quyết định công bố số 12")
        assert "Đã công bố" in page.locator("main").inner_text()
        desk.shoot(screens, "18-da-cong-bo")

        # A later file is held; the unit is told so; the figure stays.
        later = make_sending(lambda sending: sending.fill_awards(_awards(21)), unit=unit)
        _upload(clerk, home, "Bổ sung.xlsx", _fill(template, later))
        assert "chờ mở lại kỳ" in clerk.page.locator("main").inner_text()
        clerk.shoot(screens, "19-don-vi-cho-mo-lai")
        desk.open(f"/submissions?key={KEY}")
        assert "Hợp lệ, chờ mở lại kỳ" in page.locator("main").inner_text()
        page.click(f"a:text-is('{name}')")
        assert "mở lại kỳ" in page.locator("section:has(h2:text-is('Quyết định'))").inner_text()
        assert trace_figure(context, FIGURE).value == before + 17

        # Reopened, it counts; a second publication names the cell that changed.
        _act(desk, "reopen", "Đơn vị bổ sung số liệu")
        assert trace_figure(context, FIGURE).value == before + 21
        _act(desk, "approve", "Đã thẩm tra số bổ sung")
        _act(desk, "publish", "Quyết định công bố lại số 15")
        page.click("text=Xem thay đổi")
        text = page.locator(f"section:has(small:text-is('{FIGURE}'))").inner_text()
        assert name in text
        assert cell in text and "17" in text and "21" in text
        desk.shoot(screens, "20-thay-doi-hai-lan-cong-bo")

        # The other pages, each once.
        for number, (label, path) in enumerate(
            (
                ("tep-chua-ro-don-vi", "/quarantine"),
                ("danh-muc-lich", "/register"),
                ("nhat-ky", "/audit"),
                ("nhat-ky-cua-ky", f"/audit?key={KEY}"),
                ("duong-dan-rieng", f"/links/{REPORT}/{PERIOD}/{unit}"),
                ("bang-co-cau", f"/tables/structure?key={KEY}"),
                ("bang-chat-luong", f"/tables/quality?key={KEY}"),
                ("bang-hai-ky", f"/board?key={KEY}&key=statistics-year:2026-A1"),
            ),
            start=21,
        ):
            desk.open(path)
            desk.shoot(screens, f"{number}-{label}")
        desk.open(f"/periods/{REPORT}/{PERIOD}")
        page.pdf(path=screens / "30-in-trang-ky.pdf", format="A4")
        desk.open(f"/tables/0603?key={KEY}")
        page.pdf(path=screens / "31-in-bang-0603.pdf", format="A4", landscape=True)
        assert clerk.complaints == []
        assert desk.complaints == []
    office.close()
