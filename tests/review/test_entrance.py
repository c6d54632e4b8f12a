"""The units' entrance through the form as it is without JavaScript: upload, verdict, correction, reasons, a period published."""

from __future__ import annotations

import io
from datetime import timedelta

import openpyxl
import pytest
from entrance_files import sound, text_of, wrong_total, zipped
from reviewed_office import log_in
from unit_gate import PERIOD, REPORT, START, Gate, Visitor, open_gate

from etl.usecases.prepare import init_warehouse
from etl.usecases.review import approve_period, decide_submission, publish_period, start_review
from etl.usecases.review_queue import list_waiting
from etl.warehouse.server import ServerInfo
from tests.golden.as_json import as_document, to_json
from tests.golden.make_cases import bac_kan
from tests.golden.sender import examine, make_sending


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
    # Nothing to mend: the first form is open, not the page that says how to fill in.
    opened = fixed.text.partition('aria-current="true">')[2].partition("<")[0]
    assert opened == make_sending(unit=unit).name_of("F00")
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


def test_a_correction_that_is_rejected_leaves_what_counts_and_everybody_is_told(gate: Gate, unit: str) -> None:
    visitor = gate.visit(unit)
    first = visitor.upload("báo cáo.xlsx", sound(unit))
    second = visitor.upload("báo cáo sửa.xlsx", make_sending(wrong_total, unit=unit).to_bytes())

    assert "Lần nộp này chưa đạt nên không được tính; số liệu của lần nộp 1 vẫn đang được tính." in text_of(second)
    assert "chưa được tính là đã nộp" not in text_of(second)
    home = text_of(visitor.get())
    assert "Bản nộp sửa (lần 2) chưa được chấp nhận" in home
    assert "Số liệu đang được tính vẫn là của lần nộp 1" in home
    assert "không cần làm gì thêm" not in home
    counted = text_of(visitor.client.get(first.url.path))
    assert "Số liệu của lần nộp này đang được tính; lần nộp sau chưa được chấp nhận" in counted
    assert [one.why for one in list_waiting(gate.context, REPORT, PERIOD) if one.unit == unit] == ["amendment"]

    third = visitor.upload(
        "báo cáo sửa lại.xlsx", sound(unit, lambda sending: sending.put("F00", "11", "1", "Trần Thị B"))
    )

    assert "Báo cáo đạt và đã được chấp nhận" in text_of(third)
    assert "số liệu đang được tính là của lần nộp 3" in text_of(visitor.client.get(second.url.path))
    assert "Báo cáo đã được chấp nhận" in text_of(visitor.get())
    assert [one for one in list_waiting(gate.context, REPORT, PERIOD) if one.unit == unit] == []


def test_what_a_person_returned_says_where_the_reason_stands(gate: Gate, unit: str) -> None:
    visitor = gate.visit(unit)
    page = visitor.upload("báo cáo.xlsx", sound(unit))
    number = int(page.url.path.rpartition("/")[2])
    decide_submission(gate.context, number, "return", by="lan.nt", why="Thiếu chữ ký của thủ trưởng")
    home = visitor.get()
    assert "Cơ quan thường trực đã trả lại lần nộp gần nhất" in text_of(home)
    assert f'href="{visitor.path}/submissions/{number}"' in home.text
    assert "những ô cần sửa" not in text_of(home)


def test_a_file_that_cannot_be_marked_has_no_link_to_a_marked_copy(gate: Gate, unit: str) -> None:
    visitor = gate.visit(unit)
    page = visitor.upload("báo cáo.xlsx", sound(unit))
    assert f"{page.url.path}/annotated" in page.text
    system = to_json(as_document(examine(make_sending(wrong_total, unit=unit))[0], unit, REPORT, PERIOD))
    other = visitor.upload("báo cáo.json", system)
    assert "Lần nộp 2" in other.text
    assert "/annotated" not in other.text
    assert "Tải tệp gốc" in other.text


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
    ((count, who),) = gate.rows(
        "SELECT count(*), min(given_by) FROM core.finding_reason WHERE arrival_id = "
        "(SELECT arrival_id FROM core.submission WHERE id = :n)",
        n=int(number),
    )
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


def test_several_workbooks_in_a_zip_each_get_their_answer(gate: Gate, unit: str) -> None:
    packed = zipped({"BC/lan-1.xlsx": sound(unit, wrong_total), "BC/ghi-chu.exe": b"MZ", "BC/lan-2.xlsx": sound(unit)})

    page = gate.visit(unit).upload("bao-cao.zip", packed)

    assert "lan-1.xlsx" in page.text and "lan-2.xlsx" in page.text and "ghi-chu.exe" in page.text
    assert gate.rows("SELECT count(*) FROM core.submission WHERE unit = :u", u=unit) == [(2,)]
