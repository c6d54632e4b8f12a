"""What the units' entrance refuses: hostile, large, foreign and missing files; each with a clear word, and nothing changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from entrance_files import sound, text_of, zipped
from reviewed_office import serve
from unit_gate import MAX_BYTES, PERIOD, REPORT, Gate

from tests.golden.sender import Sending, make_sending

EXPLOSIVE = zipped({"a.xlsx": b"0" * (1500 * 1024)})
MANY = zipped({f"{number}.xlsx": b"x" for number in range(10_000)})
HOSTILE = [
    ("bom.zip", EXPLOSIVE, "tỷ lệ nén bất thường"),
    ("nhieu.zip", MANY, "quá nhiều tệp"),
    ("virus.exe", b"MZ\x90\0" + b"\0" * 300, "Loại tệp này không được nhận"),
    ("trang.html", b"<html><body><table><tr><td>1</td></tr></table></body></html>", "Loại tệp này không được nhận"),
    ("web.xls", b"<html><body><table><tr><td>1</td></tr></table></body></html>", "trang web"),
    ("giả.xlsx", b"MZ\x90\0" + b"\0" * 300, "không phải"),
    ("rong.xlsx", b"", "rỗng"),
    ("long.zip", zipped({"trong.zip": EXPLOSIVE}), "có tệp nén khác"),
    ("duong-dan.zip", zipped({"../../etc/passwd.xlsx": b"x"}), "trỏ ra ngoài"),
    ("../../../etc/passwd", b"x", "đường dẫn"),
    ("hong.zip", b"PK\x03\x04hong", "hỏng"),
]


@pytest.mark.parametrize(("name", "data", "told"), HOSTILE, ids=[name for name, _, _ in HOSTILE])
def test_hostile_files_get_a_clear_refusal_and_change_nothing(
    gate: Gate, unused: Iterator[str], name: str, data: bytes, told: str
) -> None:
    unit = gate.rows("SELECT max(unit) FROM register.obligation WHERE unit_type = 'commune'")[0][0]
    visitor = gate.visit(unit)

    page = visitor.upload(name, data)

    assert page.status_code == 200
    assert told in text_of(page)
    assert "chưa được tính là đã nộp" in page.text
    assert "Chưa có lần nộp nào" in visitor.get().text


def test_names_and_cells_with_markup_are_shown_as_text(gate: Gate, unit: str) -> None:
    def nasty(sending: Sending) -> None:
        sending.field("F00", "13", "<script>alert('ô')</script> \u202egnp.exe")
        sending.put("F05", "01", "2", '=HYPERLINK("http://x")<img src=x onerror=alert(1)>')

    visitor = gate.visit(unit)
    page = visitor.upload("<script>alert(1)<script>.xlsx", sound(unit, nasty))
    refused = visitor.upload("<img src=x onerror=alert(1)>.exe", b"MZ")
    broken = visitor.upload("\u202exslx.exe\u200b", b"MZ")

    for shown in (page, refused, broken, visitor.get()):
        assert shown.status_code == 200
        assert "<script>alert" not in shown.text
        assert "<img src=x" not in shown.text
    assert "&lt;script&gt;" in page.text
    assert "\u202e" not in broken.text


def test_a_file_that_is_too_large_is_refused_announced_or_not(gate: Gate, unit: str) -> None:
    import httpx

    visitor = gate.visit(unit)
    large = b"x" * (MAX_BYTES + 200_000)
    refused = visitor.send("lon.xlsx", large)
    assert refused.status_code == 413
    assert "Mã lỗi: 413" in refused.text and 'lang="vi"' in refused.text
    assert "/login" not in refused.text and visitor.path not in refused.text
    assert "script-src 'self'" in refused.headers["content-security-policy"]
    assert refused.headers["cache-control"] == "no-store"
    # Just under the bound of the body, over that of a file.
    page = visitor.upload("hoi-lon.xlsx", b"x" * (MAX_BYTES + 1000))
    assert "lớn hơn giới hạn" in page.text

    def body() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.xlsx"\r\n\r\n'
        while True:
            yield b"x" * 65536

    action = f"{visitor.path}/upload?csrf={visitor.csrf}"
    with serve(gate.app) as address, httpx.Client() as client:
        announced = client.post(address + action, files={"file": ("a.xlsx", large)})
        assert announced.status_code == 413
        assert "quá lớn" in announced.text  # all of it was taken in: the answer is seen, not a broken connection
        try:
            headers = {"content-type": "multipart/form-data; boundary=b"}
            status = client.post(address + action, content=body(), headers=headers).status_code
        except httpx.WriteError:
            status = 413
        assert status == 413
        assert client.get(f"{address}/healthz").text == "ok"
    assert "Chưa có lần nộp nào" in visitor.get().text


def test_a_form_without_a_file_or_with_too_many_is_refused(gate: Gate, unit: str) -> None:
    visitor = gate.visit(unit)
    action = f"{visitor.path}/upload?csrf={visitor.csrf}"

    nothing = visitor.client.post(action, data={"a": "b"}, files={"other": ("x", b"y")})
    several = visitor.client.post(action, files=[("file", ("a.xlsx", b"1")), ("file", ("b.xlsx", b"2"))])

    assert nothing.status_code == 422
    assert "Hãy chọn tệp" in nothing.text
    assert several.status_code == 400
    as_json = visitor.client.post(action, files={"other": ("x", b"y")}, headers={"accept": "application/json"})
    assert "Hãy chọn tệp" in as_json.json()["text"]


@pytest.mark.parametrize("what", ["unit", "period"])
def test_what_is_another_units_or_periods_counts_for_nobody(gate: Gate, unused: Iterator[str], what: str) -> None:
    mine, theirs = next(unused), next(unused)
    visitor = gate.visit(mine)
    foreign = (
        make_sending(unit=theirs).to_bytes() if what == "unit" else make_sending(unit=mine, period="2026-S2").to_bytes()
    )

    page = visitor.upload("nham.xlsx", foreign)

    assert "Tệp chưa được tính là đã nộp" in page.text
    assert "khác với" in page.text and "đường dẫn nộp báo cáo" in page.text
    assert gate.rows("SELECT count(*) FROM core.submission WHERE unit = ANY(:u)", u=[mine, theirs]) == [(0,)]
    ((outcome, locator),) = gate.rows(
        "SELECT o.outcome, a.locator FROM landing.current_outcome o JOIN landing.arrival a ON a.id = o.arrival_id "
        "WHERE a.locator LIKE :l",
        l=f"{mine}:%",
    )
    assert outcome == "quarantined"
    # Told to the people whose link it was, not to those of the unit that the file names.
    told = {row[0] for row in gate.rows("SELECT people_of FROM ops.outbox WHERE unit = ANY(:u)", u=[mine, theirs])}
    assert told <= {mine}
    # The result is this link's alone.
    key = locator.rpartition(":")[2]
    assert visitor.get(f"/uploads/{key}").status_code == 200
    assert gate.visit(theirs).get(f"/uploads/{key}").status_code == 404


def test_what_the_office_gives_to_another_unit_is_no_longer_shown(gate: Gate, unused: Iterator[str]) -> None:
    from etl.usecases.quarantine import attribute_arrival, list_quarantine

    mine, theirs = next(unused), next(unused)
    visitor = gate.visit(mine)
    page = visitor.upload("cua-xa-khac.xlsx", make_sending(unit=theirs).to_bytes())
    item = next(one for one in list_quarantine(gate.context) if one.file == "cua-xa-khac.xlsx")
    attribute_arrival(
        gate.context, item.arrival_id, unit=theirs, report=REPORT, period=PERIOD, by="reviewer@vp", why="nhầm đường dẫn"
    )
    ((number,),) = gate.rows("SELECT id FROM core.submission WHERE unit = :u", u=theirs)

    again = visitor.client.get(page.url.path)

    assert "đã xem xét tệp này" in again.text
    assert theirs not in again.text
    assert visitor.get(f"/submissions/{number}").status_code == 404
    assert gate.visit(theirs).get(f"/submissions/{number}").status_code == 200
