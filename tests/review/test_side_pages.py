"""Pages beside the day's way, looked at on a desk and on a phone: refusals, results of uploads, accounts, the audit's filters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import Visitor, visit
from entrance_files import sound, wrong_total, zipped
from fastapi.testclient import TestClient
from reviewed_office import PERIOD, REPORT, serve
from unit_gate import MAX_BYTES, START, Gate

from etl.review import checker
from etl.usecases.unit_links import read_link
from tests.golden.sender import make_sending

KEY = f"{REPORT}:{PERIOD}"


def look_at(visitor: Visitor, screens: Path, name: str) -> str:
    """Photographed, within its screen, without barriers, one first heading; what is read on it."""
    visitor.shoot(screens, name)
    assert visitor.list_barriers() == [], name
    assert visitor.page.locator("h1").count() == 1, name
    return str(visitor.page.locator("main").inner_text())


@pytest.fixture
def desk(live: str, browser: Any) -> Iterator[Visitor]:
    with visit(browser, live) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def entrance(gate: Gate) -> Iterator[str]:
    with serve(gate.app) as address:
        yield address


@pytest.fixture
def clerk(entrance: str, browser: Any) -> Iterator[Visitor]:
    """A clerk whose browser did not get the script of the upload: every answer is a page. (Axe itself needs scripts.)"""
    with visit(browser, entrance) as visitor:
        visitor.page.route("**/entrance.js", lambda route: route.abort())
        yield visitor


def send(visitor: Visitor, home: str, name: str, content: bytes) -> None:
    page = visitor.open(home)
    page.set_input_files("#file", {"name": name, "mimeType": "application/octet-stream", "buffer": content})
    page.click("form[data-upload] button")
    page.wait_for_load_state()


# ---------------------------------------------------------------------------------------------------- the office


def test_what_a_role_may_not_and_what_is_not_there(desk: Visitor, screens: Path) -> None:
    desk.log_in("reader")
    desk.open("/accounts", refused=403)
    text = look_at(desk, screens, "40-tu-choi-403")
    assert "không có quyền" in text and "Về bảng theo dõi" in text
    desk.open("/khong-co-trang-nay", refused=404)
    assert "Không tìm thấy trang" in look_at(desk, screens, "41-tu-choi-404")
    desk.open("/submissions/999999", refused=404)
    assert "Không có lần nộp này" in look_at(desk, screens, "42-tu-choi-404-lan-nop")
    desk.open("/board?key=khong-co:2026-S1", refused=404)
    assert "Không có kỳ báo cáo này" in look_at(desk, screens, "43-tu-choi-404-ky")
    assert desk.complaints == []


def test_the_audit_with_filters(desk: Visitor, screens: Path) -> None:
    desk.log_in("reviewer")
    page = desk.open("/audit?what=people")
    assert "Đăng nhập" in look_at(desk, screens, "44-nhat-ky-loc-theo-viec")
    page.fill("#unit", "Sở")
    page.fill("#since", "2026-01-01")
    page.click("form.filters button:has-text('Lọc')")
    page.wait_for_url("**since=2026-01-01*")
    assert "Không có việc nào khớp với bộ lọc" in look_at(desk, screens, "45-nhat-ky-khong-thay")
    page.click("text=Bỏ lọc")
    page.wait_for_url("**/audit")
    page.select_option("#what", "page.log-in")  # choosing sends the form
    page.wait_for_url("**what=page.log-in*")
    desk.open("/audit?since=hom-qua", refused=422)
    assert "Hãy chọn lại ngày" in look_at(desk, screens, "46-nhat-ky-ngay-sai")
    assert desk.complaints == []


def test_accounts(desk: Visitor, screens: Path) -> None:
    desk.log_in("administrator")
    page = desk.open("/accounts")
    page.locator("details summary").first.click()
    text = look_at(desk, screens, "47-tai-khoan")
    assert "Đang dùng" in text and "Thêm tài khoản" in text
    assert desk.complaints == []


# ---------------------------------------------------------------------------------------------------- the entrance


def test_links_that_open_nothing(gate: Gate, clerk: Visitor, unit: str, screens: Path) -> None:
    token = gate.token(unit)
    home = f"/u/{token}"
    clerk.open(f"{home[:-3]}xyz", refused=404)
    assert "Đường dẫn này không dùng được" in look_at(clerk, screens, "50-duong-dan-sai")
    try:
        gate.now = read_link(gate.context, token, START).expires_at
        clerk.open(home, refused=410)
        text = look_at(clerk, screens, "51-duong-dan-het-han")
    finally:
        gate.now = START
    assert "hết hiệu lực" in text and "cơ quan thường trực" in text
    assert "Đăng nhập" not in text


def test_results_of_uploads(gate: Gate, clerk: Visitor, unused: Iterator[str], screens: Path) -> None:
    mine, theirs = next(unused), next(unused)
    home = f"/u/{gate.token(mine)}"
    send(clerk, home, "bao-cao.exe", b"MZ\x90\0" + b"\0" * 300)
    text = look_at(clerk, screens, "52-tep-khong-nhan")
    assert "Tệp không được nhận và chưa được tính là đã nộp" in text

    send(clerk, home, "Báo cáo của xã khác.xlsx", make_sending(unit=theirs).to_bytes())
    assert "Tệp chưa được tính là đã nộp" in look_at(clerk, screens, "53-tep-cua-don-vi-khac")

    several = {
        "Báo cáo/lần 1.xlsx": sound(mine, wrong_total),
        "Báo cáo/ghi chú.exe": b"MZ",
        "Báo cáo/lần 2.xlsx": sound(mine),
    }
    send(clerk, home, "Báo cáo 6 tháng.zip", zipped(several))
    text = look_at(clerk, screens, "54-nhieu-tep-trong-zip")
    assert "Xem lần nộp 1" in text and "Xem lần nộp 2" in text

    send(clerk, home, "Báo cáo gửi lại.xlsx", several["Báo cáo/lần 2.xlsx"])
    assert "Đã nhận trước đó" in look_at(clerk, screens, "55-da-nhan-truoc-do")

    send(clerk, home, f"{'Báo cáo tên rất dài ' * 9}.xlsx", b"x" * (MAX_BYTES + 1000))
    assert "lớn hơn giới hạn" in look_at(clerk, screens, "56-tep-qua-lon")
    # Larger than what a request may be: refused before any page sees it.
    send(clerk, home, "rất lớn.xlsx", b"x" * (MAX_BYTES + 200_000))
    text = str(clerk.page.locator("main").inner_text())
    clerk.shoot(screens, "57-yeu-cau-qua-lon")
    assert clerk.list_barriers() == []
    assert "quá lớn" in text and "Tệp chưa được nhận" in text

    # A form that grew old elsewhere: the token is another's.
    page = clerk.open(home)
    page.locator("form[data-upload]").evaluate(
        "form => form.setAttribute('action', form.getAttribute('action').slice(0, -6))"
    )
    page.set_input_files("#file", {"name": "a.xlsx", "mimeType": "application/octet-stream", "buffer": b"x"})
    page.click("form[data-upload] button")
    page.wait_for_load_state()
    look_at(clerk, screens, "58-bieu-mau-cu")


def test_an_upload_that_waits_for_its_verdict(
    gate: Gate, clerk: Visitor, unit: str, screens: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("đĩa đầy")

    monkeypatch.setattr(checker, "load_batch", broken)
    send(clerk, f"/u/{gate.token(unit)}", "báo cáo.xlsx", sound(unit))
    assert "Đã nhận, đang kiểm tra" in look_at(clerk, screens, "59-dang-kiem-tra")


def test_every_refusal_says_what_to_do(client_of: Any) -> None:
    """No refusal is a bare status: a heading in Vietnamese and a way on."""
    client: TestClient = client_of("reader")
    # An address that is no page's is nobody's matter: who asks is not looked up, and the first page knows.
    ways = (
        ("/accounts", 403, "/board"),
        ("/khong-co", 404, "/"),
        ("/submissions/abc", 422, "/board"),
        ("/healthz/x", 404, "/"),
    )
    for path, status, way in ways:
        answer = client.get(path)
        assert answer.status_code == status, path
        assert "<h1>" in answer.text and f"Mã lỗi: {status}" in answer.text
        assert f'href="{way}"' in answer.text, path
