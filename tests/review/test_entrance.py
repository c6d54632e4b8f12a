"""The units' entrance through the form as it is without JavaScript: upload, verdict, correction, reasons, refusals."""

from __future__ import annotations

import html
import io
import logging
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from fastapi.testclient import TestClient
from reviewed_office import log_in, read_token, serve
from unit_gate import MAX_BYTES, PERIOD, REPORT, START, Gate, Visitor, open_gate

from etl.review import checker
from etl.review.limits import RateLimit
from etl.usecases import web_upload
from etl.usecases.ingest import ingest
from etl.usecases.prepare import init_warehouse
from etl.usecases.review import approve_period, publish_period, start_review
from etl.usecases.unit_links import OPEN_AFTER_DUE, revoke_link
from etl.warehouse.server import ServerInfo
from tests.golden.make_cases import bac_kan
from tests.golden.sender import Sending, make_sending


@pytest.fixture(scope="module")
def gate(server: ServerInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    with open_gate(server, tmp_path_factory.mktemp("gate")) as found:
        yield found


@pytest.fixture(scope="module")
def unused(gate: Gate) -> Iterator[str]:
    """Communes that owe the half-year and that no test has used."""
    return iter(
        [
            str(row[0])
            for row in gate.rows(
                "SELECT unit FROM register.obligation WHERE report = :r AND period = :p AND unit_type = 'commune' "
                "AND retired_at IS NULL AND exempt_reason IS NULL ORDER BY unit",
                r=REPORT,
                p=PERIOD,
            )
        ]
    )


@pytest.fixture
def unit(unused: Iterator[str]) -> str:
    return next(unused)


def sound(unit: str, *edits: Callable[[Sending], object]) -> bytes:
    return make_sending(*edits, unit=unit).to_bytes()


def wrong_total(sending: Sending) -> None:
    sending.put("F05", "01", "2", 99)


def zipped(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


def text_of(answer: Any) -> str:
    return html.unescape(answer.text)


# ---------------------------------------------------------------------------------------------------- a clerk's way


def test_a_clerk_fills_in_is_rejected_corrects_and_is_accepted(gate: Gate, unit: str) -> None:
    visitor = gate.visit(unit)
    first = visitor.get()
    assert first.status_code == 200
    assert "Chưa nhận được báo cáo" in first.text
    template = visitor.get("/template")
    assert f'filename="{unit}_{REPORT}_{PERIOD}.xlsx"' in template.headers["content-disposition"]
    assert openpyxl.load_workbook(io.BytesIO(template.content)).sheetnames

    bad = make_sending(wrong_total, unit=unit)
    page = visitor.upload("báo cáo.xlsx", bad.to_bytes())

    assert page.status_code == 200
    assert "Lần nộp 1: Chưa đạt" in text_of(page)
    cell = bad.cell("F05", "01", "2")
    assert f'mark error" id="o-{cell}"' in page.text
    place = page.url.path
    copy = visitor.client.get(f"{place}/annotated")
    assert copy.status_code == 200
    assert "Kết quả kiểm tra" in openpyxl.load_workbook(io.BytesIO(copy.content)).sheetnames
    assert visitor.client.get(f"{place}/original").content == bad.to_bytes()
    assert "Lần nộp gần nhất chưa đạt" in visitor.get().text

    fixed = visitor.upload("báo cáo sửa.xlsx", sound(unit))

    assert "Lần nộp 2" in fixed.text
    assert "Đạt" in fixed.text.partition("<h1>")[2].partition("</h1>")[0]
    changes = fixed.text.partition("Thay đổi so với lần nộp trước")[2]
    assert ">99<" in changes and ">31<" in changes
    assert "được chấp nhận" in visitor.get().text
    ((verdicts, receipts),) = gate.rows(
        "SELECT count(*), (SELECT count(*) FROM ops.outbox o WHERE o.unit = :u AND o.decision_id IS NOT NULL) "
        "FROM core.submission s JOIN core.verdict v ON v.submission_id = s.id WHERE s.unit = :u",
        u=unit,
    )
    assert verdicts == 2
    assert receipts == 2 * len(gate.context.register.contacts_of(unit, "reporter", START.date()))  # type: ignore[arg-type]


def test_a_warning_is_explained_on_the_page_and_the_reviewer_reads_it(gate: Gate, unit: str) -> None:
    visitor = gate.visit(unit)
    page = visitor.upload("a.xlsx", sound(unit, bac_kan()))
    assert "Đạt, có cảnh báo" in page.text
    assert "cảnh báo chưa giải trình" in visitor.get().text
    fields = [part.partition('"')[0] for part in page.text.split('<textarea id="reason-')[1:]]
    assert fields
    reason = "Số liệu đúng;\n<b>do làm tròn</b> <script>alert(1)</script>"
    place = page.url.path

    data = {f"reason-{key}": reason for key in fields} | {"csrf": visitor.csrf, "reason-khac": "x"}
    assert visitor.client.post(f"{place}/reasons", data={**data, "csrf": "0"}).status_code == 403
    told = visitor.client.post(f"{place}/reasons", data=data)

    assert told.status_code == 303
    again = visitor.client.get(told.headers["location"])
    assert "Đã lưu giải trình" in again.text
    assert "<script>alert(1)" not in again.text
    assert text_of(again).count("do làm tròn") >= 2  # in the list and in its field
    number = place.rpartition("/")[2]
    office = log_in(gate.app, "reviewer").get(f"/submissions/{number}")
    assert "do làm tròn" in office.text
    assert "<b>do làm tròn" not in office.text
    # The verdict stands, the queue knows, the marked copy carries it, the same words again are no news.
    assert gate.rows("SELECT verdict FROM core.verdict WHERE submission_id = :n", n=int(number)) == [
        ("accepted_with_warnings",)
    ]
    assert "Đơn vị không cần làm gì thêm" in visitor.get().text
    copy = openpyxl.load_workbook(io.BytesIO(visitor.client.get(f"{place}/annotated").content))
    assert any("do làm tròn" in str(cell.value) for row in copy["Kết quả kiểm tra"].iter_rows() for cell in row)
    same = visitor.client.post(f"{place}/reasons", data=data)
    assert "told=same" in same.headers["location"]
    ((count, who),) = gate.rows("SELECT count(*), min(given_by) FROM core.finding_reason")
    assert (count, who) == (len(fields), f"unit:{unit}")
    # Taken back, it is open again.
    visitor.client.post(f"{place}/reasons", data={**data, **{f"reason-{key}": " " for key in fields}})
    assert "cảnh báo chưa giải trình" in visitor.get().text


def test_reasons_survive_a_second_look_and_are_no_change_of_it(gate: Gate, unit: str) -> None:
    from etl.usecases.revalidate import revalidate_period

    visitor = gate.visit(unit)
    page = visitor.upload("a.xlsx", sound(unit, bac_kan()))
    key = page.text.split('<textarea id="reason-')[1].partition('"')[0]
    visitor.client.post(f"{page.url.path}/reasons", data={f"reason-{key}": "đúng rồi", "csrf": visitor.csrf})

    found = revalidate_period(gate.context, REPORT, PERIOD, apply=True, by="cán bộ", why="thử")

    assert [change for change in found.changes if change.unit == unit] == []
    assert "đúng rồi" in visitor.client.get(page.url.path).text


def test_the_same_bytes_again_were_received_before(gate: Gate, unit: str) -> None:
    visitor = gate.visit(unit)
    data = sound(unit)
    visitor.upload("a.xlsx", data)

    again = visitor.upload("a.xlsx", data)

    assert "Đã nhận trước đó" in again.text
    assert gate.rows("SELECT count(*) FROM core.submission WHERE unit = :u", u=unit) == [(1,)]


def test_on_a_published_period_a_file_is_held_and_the_next_period_tells_of_it(
    server: ServerInfo, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with open_gate(server, tmp_path_factory.mktemp("published")) as gate:
        gate.now = START + timedelta(days=30)
        for step in (start_review, approve_period, publish_period):
            step(gate.context, REPORT, PERIOD, by="lanh.dao", why="thử")  # type: ignore[operator]
        gate.now += timedelta(hours=1)
        visitor = gate.visit("H14.SNV")
        assert "đã công bố" in visitor.get().text

        page = visitor.upload("a.xlsx", sound("H14.SNV"))

        assert "Đã nhận, hợp lệ, chờ mở lại kỳ" in page.text
        assert "chờ mở lại kỳ" in visitor.get().text
        # The next period's page knows of it, and of nobody else's.
        init_warehouse(gate.settings, clock=lambda: gate.now)
        later = Visitor(gate.client(), f"/u/{gate.token('H14.SNV', period='2026-S2')}")
        history = later.get("/history")
        assert gate.context.register.period(REPORT, PERIOD).label in text_of(history)
        assert "Đạt" in history.text
        assert "Chưa có kỳ nào" in text_of(visitor.get("/history"))
        assert later.get(f"/submissions/{page.url.path.rpartition('/')[2]}").status_code == 404


# ---------------------------------------------------------------------------------------------------- what is refused

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
    assert visitor.send("lon.xlsx", large).status_code == 413
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


# ---------------------------------------------------------------------------------------------------- links

PAGES = (
    "",
    "/template",
    "/history",
    "/uploads/x",
    "/submissions/1",
    "/submissions/1/original",
    "/submissions/1/annotated",
)


def assert_closed(client: TestClient, path: str, status: int, unit: str) -> None:
    for page in PAGES:
        answer = client.get(path + page)
        assert answer.status_code == status, page
        assert "Đường dẫn này không dùng được" in answer.text
        assert unit not in answer.text
        assert path not in answer.text
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
    for page in ("/upload", "/submissions/1/reasons"):
        answer = client.post(path + page, files={"file": ("a.xlsx", b"x")})
        assert answer.status_code == status, page


def test_altered_and_foreign_links_open_nothing(gate: Gate, unused: Iterator[str]) -> None:
    from itsdangerous import URLSafeSerializer

    unit, other = next(unused), next(unused)
    token = gate.token(unit)
    forged = URLSafeSerializer("bí mật khác", salt="unit-entrance").dumps([other, REPORT, PERIOD, 9_999_999_999, 0])
    swapped = gate.token(other).partition(".")[0] + "." + token.partition(".")[2]
    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), token[:-3], forged, swapped, "x", "a.b"):
        assert_closed(gate.client(), f"/u/{wrong}", 404, unit)


def test_a_link_ends_by_itself_and_at_a_word(gate: Gate, unit: str) -> None:
    visitor = gate.visit(unit)
    number = visitor.upload("a.xlsx", sound(unit)).url.path.rpartition("/")[2]
    ((due,),) = gate.rows(
        "SELECT due_at FROM register.obligation WHERE unit = :u AND report = :r AND period = :p AND retired_at IS NULL",
        u=unit, r=REPORT, p=PERIOD,
    )  # fmt: skip
    try:
        gate.now = due + OPEN_AFTER_DUE - timedelta(minutes=1)
        assert visitor.get().status_code == 200
        gate.now = due + OPEN_AFTER_DUE
        assert_closed(visitor.client, visitor.path, 410, unit)
    finally:
        gate.now = START
    assert visitor.get(f"/submissions/{number}").status_code == 200
    csrf = visitor.csrf

    revoke_link(gate.context, unit, REPORT, PERIOD, by="reviewer@vp", why="người cũ chuyển công tác", role="reviewer")

    assert_closed(visitor.client, visitor.path, 410, unit)
    late = visitor.client.post(f"{visitor.path}/upload?csrf={csrf}", files={"file": ("a.xlsx", b"x")})
    assert late.status_code == 410
    assert gate.visit(unit).get(f"/submissions/{number}").status_code == 200


def test_a_unit_sees_only_its_own(gate: Gate, unused: Iterator[str]) -> None:
    mine, theirs = next(unused), next(unused)
    number = gate.visit(theirs).upload("a.xlsx", sound(theirs, wrong_total)).url.path.rpartition("/")[2]
    visitor = gate.visit(mine)

    for page in ("", "/original", "/annotated"):
        assert visitor.get(f"/submissions/{number}{page}").status_code == 404
    refused = visitor.client.post(f"{visitor.path}/submissions/{number}/reasons", data={"csrf": visitor.csrf})
    assert refused.status_code == 404
    assert theirs not in refused.text
    # Whoever is logged in is nobody more by that, and the link is no log-in.
    staff = log_in(gate.app, "reviewer")
    assert staff.get(f"{visitor.path}/submissions/{number}").status_code == 404
    assert visitor.client.get(f"/submissions/{number}").status_code == 303
    assert visitor.client.get("/board").headers["location"].startswith("/login")


def test_a_write_needs_the_token_of_its_own_link(gate: Gate, unused: Iterator[str]) -> None:
    unit, other = next(unused), next(unused)
    visitor, stranger = gate.visit(unit), gate.visit(other)
    files = {"file": ("a.xlsx", b"x")}
    staff = log_in(gate.app, "reviewer")

    for csrf in ("", "0" * 64, stranger.csrf, read_token(staff)):
        answer = visitor.client.post(f"{visitor.path}/upload?csrf={csrf}", files=files)
        assert answer.status_code == 403
    cross = visitor.client.post(
        f"{visitor.path}/upload?csrf={visitor.csrf}", files=files, headers={"sec-fetch-site": "cross-site"}
    )
    assert cross.status_code == 403
    assert gate.rows("SELECT count(*) FROM landing.offer WHERE locator LIKE :l", l=f"{unit}:%") == [(0,)]


def test_links_are_in_no_log(gate: Gate, unit: str, caplog: pytest.LogCaptureFixture) -> None:
    visitor = gate.visit(unit)
    caplog.set_level(logging.DEBUG)
    for logger in ("etl", "uvicorn", "sqlalchemy", "fastapi", "starlette"):
        caplog.set_level(logging.DEBUG, logger)
    visitor.upload("a.xlsx", sound(unit))
    visitor.get("/khong-co")
    visitor.client.get(visitor.path[:-2])
    token = visitor.path.rpartition("/")[2]
    ours = [record for record in caplog.records if not record.name.startswith("httpx")]

    assert token not in "\n".join(record.getMessage() for record in ours)
    stored = str(gate.rows("SELECT * FROM ops.action")) + str(gate.rows("SELECT locator, hints FROM landing.arrival"))
    assert token not in stored


def test_too_many_tries_wait(gate: Gate, unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(gate.app.state.limits, "entrance", RateLimit(5, 60))
    monkeypatch.setitem(gate.app.state.limits, "upload", RateLimit(2, 60))
    guesser = gate.client()
    assert [guesser.get(f"/u/doan-{n}").status_code for n in range(7)] == [404] * 5 + [429] * 2
    visitor = Visitor(guesser, f"/u/{gate.token(unit)}")
    assert visitor.get().status_code == 200  # the link itself still opens from there
    monkeypatch.setitem(gate.app.state.limits, "entrance", RateLimit(500, 60))
    action = f"{visitor.path}/upload?csrf={visitor.csrf}"
    assert [visitor.client.post(action, files={"file": ("a.exe", b"MZ")}).status_code for _ in range(4)] == [
        303, 303, 429, 429,
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------------------- at once, and faults


def test_two_uploads_at_once_both_count_in_their_order(gate: Gate, unused: Iterator[str]) -> None:
    units = [next(unused), next(unused)]
    visitors = [gate.visit(unit) for unit in units]
    files = [sound(unit) for unit in units]
    with ThreadPoolExecutor(2) as pool:
        pages = list(pool.map(lambda pair: pair[0].upload("a.xlsx", pair[1]), zip(visitors, files, strict=True)))

    assert ["Lần nộp 1" in page.text for page in pages] == [True, True]
    twice = gate.visit(units[0])
    second = [sound(units[0], bac_kan()), sound(units[0], wrong_total)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda data: twice.upload("b.xlsx", data), second))
    assert gate.rows("SELECT count(*) FROM core.submission WHERE unit = :u", u=units[0]) == [(3,)]


def test_an_upload_waits_for_the_load_before_and_blocks_no_page(
    gate: Gate, unused: Iterator[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = next(unused), next(unused)
    inside, go_on = threading.Event(), threading.Event()
    real, batches = checker.load_batch, []

    def slow(context: Any, arrivals: Any, **rest: Any) -> Any:
        batches.append(list(arrivals))
        if len(batches) == 1:
            inside.set()
            assert go_on.wait(30)
        return real(context, arrivals, **rest)

    monkeypatch.setattr(checker, "load_batch", slow)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(gate.visit(first).upload, "a.xlsx", sound(first))
        assert inside.wait(30)
        two = pool.submit(gate.visit(second).upload, "b.xlsx", sound(second))
        visitor = gate.visit(second)
        while not gate.rows("SELECT 1 FROM landing.arrival WHERE locator LIKE :l", l=f"{second}:%"):
            assert not two.done()
        # While both wait, other pages answer, and theirs say that the file is here.
        assert "đang kiểm tra" in visitor.get().text
        assert log_in(gate.app, "reviewer").get("/board").status_code == 200
        go_on.set()
        assert "Lần nộp 1" in one.result(60).text
        assert "Lần nộp 1" in two.result(60).text
    assert len(batches) == 2


def test_a_fault_of_ours_leaves_the_file_received_and_the_next_run_takes_it(
    gate: Gate, unit: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    visitor = gate.visit(unit)

    def broken(*_: Any, **__: Any) -> None:
        raise OSError("đĩa đầy")

    with monkeypatch.context() as patch:
        patch.setattr(checker, "load_batch", broken)
        page = visitor.upload("a.xlsx", sound(unit))
    assert "Đã nhận, đang kiểm tra" in page.text
    assert visitor.client.get(page.url.path, params={"poll": "1"}).json() == {"pending": True}
    assert "đang kiểm tra" in visitor.get().text

    ingest(gate.context, [tmp_path_factory.mktemp("rỗng")])

    assert visitor.client.get(page.url.path, params={"poll": "1"}).json() == {"pending": False}
    shown = visitor.client.get(page.url.path, follow_redirects=True)
    assert "Lần nộp 1" in shown.text


def test_killed_between_storing_and_recording_nothing_is_half_there(
    gate: Gate, unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = gate.visit(unit)
    data = sound(unit)

    def killed(*_: Any, **__: Any) -> None:
        raise ConnectionError("cut")

    with monkeypatch.context() as patch:
        patch.setattr(web_upload, "record_taken", killed)
        answer = visitor.send("a.xlsx", data)
    assert answer.status_code == 503
    assert "Hệ thống chưa nhận được tệp" in answer.text
    assert "Chưa có lần nộp nào" in visitor.get().text
    for table in ("landing.offer", "landing.arrival"):
        assert gate.rows(f"SELECT count(*) FROM {table} WHERE locator LIKE :l", l=f"{unit}:%") == [(0,)]

    assert "Lần nộp 1" in visitor.upload("a.xlsx", data).text


def test_the_instant_of_receipt_is_that_of_the_last_byte(
    gate: Gate, unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((due,),) = gate.rows(
        "SELECT due_at FROM register.obligation WHERE unit = :u AND report = :r AND period = :p AND retired_at IS NULL",
        u=unit, r=REPORT, p=PERIOD,
    )  # fmt: skip
    visitor = gate.visit(unit)
    data = sound(unit)
    real = web_upload.take_offer

    def slow(*given: Any) -> Any:
        gate.now = due + timedelta(minutes=10)  # the store was slow over midnight
        return real(*given)

    monkeypatch.setattr(web_upload, "take_offer", slow)
    try:
        gate.now = due - timedelta(seconds=1)
        action = f"{visitor.path}/upload?csrf={visitor.csrf}"
        visitor.client.post(action, files={"file": ("a.xlsx", data)})
        assert gate.rows("SELECT received_at FROM core.submission WHERE unit = :u", u=unit) == [
            (due - timedelta(seconds=1),)
        ]
        assert 'class="tag on_time"' in visitor.get().text
    finally:
        gate.now = START


def test_several_workbooks_in_a_zip_each_get_their_answer(gate: Gate, unit: str) -> None:
    packed = zipped({"BC/lan-1.xlsx": sound(unit, wrong_total), "BC/ghi-chu.exe": b"MZ", "BC/lan-2.xlsx": sound(unit)})

    page = gate.visit(unit).upload("bao-cao.zip", packed)

    assert "lan-1.xlsx" in page.text and "lan-2.xlsx" in page.text and "ghi-chu.exe" in page.text
    assert gate.rows("SELECT count(*) FROM core.submission WHERE unit = :u", u=unit) == [(2,)]
