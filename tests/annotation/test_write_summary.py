"""The one-page answer says what it must, in order, and nothing out of a file can break it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from annotation_builders import make_finding

from etl.annotation.summary import MOST_ITEMS, SummaryFacts, Verdict, write_summary_html, write_summary_text
from etl.findings.model import Finding


def facts(verdict: Verdict, findings: list[Finding], annotated: str | None = "bao-cao_gop-y.xlsx") -> SummaryFacts:
    return SummaryFacts(
        file="bao-cao.xlsx",
        unit="Sở Nội vụ",
        report="Báo cáo kết quả phong trào thi đua 6 tháng",
        period="6 tháng đầu năm 2026",
        verdict=verdict,
        findings=findings,
        received_at=datetime(2026, 6, 15, 2, 30, tzinfo=UTC),
        due_at=datetime(2026, 6, 17, 16, 59, 59, tzinfo=UTC),
        annotated=annotated,
        standing_office="Sở Nội vụ tỉnh",
        contact="0206 000 000",
        form_names={"F03": "Kết quả phong trào"},
    )


MIXED = [
    make_finding("C9", severity="info", message="Lưu ý nhỏ.", fix=""),
    make_finding("B7"),
    make_finding("B8", severity="warning", message="Tăng gấp đôi so với kỳ trước.", fix="Nêu lý do."),
    make_finding("B9"),
    make_finding(None, None, message="Thiếu biểu."),
]


class Text(HTMLParser):
    """The text a browser shows; asserts that elements close as they open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.shown: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.shown.append(data.strip())


def test_a_rejected_report_says_what_to_fix_where_and_how_to_resend() -> None:
    text = write_summary_text(facts("rejected", MIXED))
    parts = (
        "CHƯA ĐẠT – báo cáo chưa được chấp nhận",
        "Tổng hợp: 3 lỗi phải sửa, 1 cảnh báo cần giải trình, 1 lưu ý.",
        "Tệp: bao-cao.xlsx",
        "Đơn vị: Sở Nội vụ",
        "Kỳ báo cáo: 6 tháng đầu năm 2026",
        "Nhận lúc: 15/06/2026 09:30",
        "== Phải sửa (3) ==",
        "Trang tính “Biểu 1”",
        "- Ô B7, B9: Ô này ghi “mười”, không phải số.\n  Cách khắc phục: Ghi bằng chữ số.",
        "Biểu F03 – Kết quả phong trào",
        "- Thiếu biểu.",
        "== Cần kiểm tra lại, giải trình (1) ==",
        "- Ô B8: Tăng gấp đôi so với kỳ trước.",
        "== Lưu ý (1) ==",
        "- Ô C9: Lưu ý nhỏ.",
        "== Việc cần làm ==",
        "“bao-cao_gop-y.xlsx”",
        "trước 17/06/2026 23:59",
        "liên hệ Sở Nội vụ tỉnh (0206 000 000).",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert not re.search(r"\n{3,}|[ \t]\n|\{|\}|None", text)


@pytest.mark.parametrize("verdict", ["accepted", "accepted_with_warnings", "rejected"])
def test_page_and_text_say_the_same(verdict: Verdict) -> None:
    given = facts(verdict, MIXED)
    page = Text(write_summary_html(given))
    words = " ".join(page.shown).split()
    for line in write_summary_text(given).splitlines():
        for word in re.sub(r"^(- |== |\d\. )|:| ==$", " ", line).split():
            assert any(word in shown for shown in words), word


def test_an_accepted_report_asks_for_nothing() -> None:
    text = write_summary_text(facts("accepted", []))
    assert "ĐẠT – báo cáo được chấp nhận" in text
    assert "CHƯA" not in text
    assert "Việc cần làm" not in text
    assert "Tổng hợp" not in text


def test_warnings_ask_for_reasons_and_say_where_they_go() -> None:
    text = write_summary_text(facts("accepted_with_warnings", MIXED[2:3]))
    assert "ghi lý do vào cột “Giải trình của đơn vị” của trang tính “Kết quả kiểm tra”" in text
    assert "nền vàng là cần kiểm tra lại." in text
    assert "nền đỏ" not in text
    without = write_summary_text(facts("accepted_with_warnings", MIXED[2:3], annotated=None))
    assert "trả lời thông báo này và nêu lý do của từng cảnh báo" in without


def test_a_warning_that_is_explained_asks_for_nothing_more() -> None:
    explained = [replace(MIXED[2], reason="Do sáp nhập\nba xã.")]
    text = write_summary_text(facts("accepted_with_warnings", explained))
    assert "Đơn vị đã giải trình: Do sáp nhập ba xã." in text
    assert "Tổng hợp: 1 cảnh báo đã giải trình." in text
    assert "Việc cần làm" not in text
    both = write_summary_text(facts("accepted_with_warnings", [*explained, make_finding("B9", severity="warning")]))
    assert "Tổng hợp: 1 cảnh báo cần giải trình, 1 cảnh báo đã giải trình." in both
    assert both.index("Ô B9:") < both.index("Ô B8:"), "what is still to be explained comes first"
    assert "Việc cần làm" in both


def test_a_trial_does_not_say_that_anything_was_received() -> None:
    verdicts: list[Verdict] = ["accepted", "accepted_with_warnings", "rejected"]
    for verdict in verdicts:
        text = write_summary_text(replace(facts(verdict, MIXED if verdict == "rejected" else MIXED[2:3]), trial=True))
        assert "kiểm tra thử: báo cáo chưa được nộp" in text
        assert "được ghi nhận" not in text


def test_without_a_copy_the_list_is_what_to_work_from() -> None:
    text = write_summary_text(facts("rejected", MIXED, annotated=None))
    assert "gop-y" not in text
    assert "sửa theo danh sách trên" in text


LONG = "Số liệu của dòng này lớn hơn tổng của các dòng thành phần cộng lại và khác với biểu trước. " * 8


@pytest.mark.parametrize("number", [0, 3, 300, 5000])
@pytest.mark.parametrize("length", [60, 2000])
def test_the_summary_stays_one_page(number: int, length: int) -> None:
    """An A4 page takes 62 lines of 92 characters in the print style of the page (measured in a browser)."""
    severities = ("error", "warning", "info")
    findings = [
        make_finding(
            f"B{at + 1}", f"Biểu {at % 17} – một tên trang tính dài"[: 31], severities[at % 3],
            message=f"{at}: {(LONG * 3)[:length]}", fix=(LONG * 3)[:length],
        )
        for at in range(number)
    ]  # fmt: skip
    text = write_summary_text(facts("rejected" if number else "accepted", findings))
    lines = sum(-(-len(line) // 92) for line in text.splitlines())
    assert lines <= 62
    assert text.count("- Ô B") == (min(number, 3) if length > 60 else text.count("- Ô B"))
    for title in ("Phải sửa", "Cần kiểm tra lại, giải trình", "Lưu ý") if number else ():
        assert f"== {title} (" in text


def test_a_long_list_is_cut_and_says_so() -> None:
    findings = [make_finding(f"B{row}", message=f"Lỗi số {row}.") for row in range(1, 1301)]
    text = write_summary_text(facts("rejected", findings))
    shown = text.count("Lỗi số ")
    assert 5 < shown < 30
    left = f"{1300 - shown:,}".replace(",", ".")
    assert f"… và {left} nội dung nữa (Trang tính “Biểu 1”: {left}). Xem đủ trong tệp góp ý gửi kèm." in text
    cells = [make_finding(f"B{row}") for row in range(1, 101)]
    assert "B12 và 88 ô khác:" in write_summary_text(facts("rejected", cells))


def test_without_a_copy_the_list_is_long_because_it_is_all_there_is() -> None:
    findings = [make_finding(f"B{row}", message=f"Lỗi số {row}.") for row in range(1, 1301)]
    text = write_summary_text(facts("rejected", findings, annotated=None))
    assert text.count("Lỗi số ") == MOST_ITEMS
    assert "… và 1.100 nội dung nữa (Trang tính “Biểu 1”: 1.100).\n" in text


def test_nothing_out_of_a_file_becomes_markup() -> None:
    evil = "<script>alert(1)</script>\"'&amp;{{ 7*7 }}"
    given = SummaryFacts(evil, evil, None, None, "rejected", [make_finding("B7", evil, message=evil, fix=evil)])
    page = write_summary_html(given)
    assert "<script" not in page
    assert "49" not in page
    assert "".join(Text(page).shown).count("<script>alert(1)</script>") == 5
    assert "chưa xác định được" in page


def test_the_page_stands_alone() -> None:
    page = write_summary_html(facts("rejected", MIXED))
    assert page.startswith('<!DOCTYPE html>\n<html lang="vi">')
    assert "viewport" in page
    assert not re.search(r"https?:|src=|href=|url\(|@import", page)
