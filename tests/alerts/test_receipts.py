"""Every sender is answered once, whatever became of the file, with what can be opened; nobody else is written to."""

from __future__ import annotations

import io
import json
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from alert_office import Office, at
from test_quarantine import OWED, WHO, nobodys, receive

from etl.alerts.mail import name_enclosure
from etl.channels.protocol import Offer
from etl.usecases import alert_letters
from etl.usecases.collect_parts import RefusedPart, Taken
from etl.usecases.json_submissions import make_sample_document
from etl.usecases.offers import record_taken
from etl.usecases.quarantine import attribute_arrival, discard_arrival
from etl.usecases.revalidate import reprocess_quarantine
from tests.golden.sender import DEPARTMENT, HALF_YEAR, PERIOD, make_sending

REPORTER = "baocao@snv.caobang.example"
"""Of DEPARTMENT, in the sample register."""


def bodies(office: Office, to: str = REPORTER) -> list[Any]:
    return [mail.message for mail in office.sink.mails if mail.to == to]


def texts(message: Any) -> list[str]:
    return [message.get_body((kind,)).get_content() for kind in ("plain", "html")]


def land(office: Office, name: str, data: bytes, hints: dict[str, str], locator: str = "<1@x>") -> None:
    """A file out of a mailbox, with what the channel knows of its sender."""
    from etl.usecases.collect_parts import LandedPart

    stored = office.context.landing.put_stream(io.BytesIO(data))
    part = LandedPart("1", name, stored.sha256, stored.size, json.dumps(hints))
    record_taken(office.context, "hop-thu", [Taken(Offer(locator, "1"), (part,), (), office.now)])


def ingest_all(office: Office) -> None:
    from etl.usecases.ingest import ingest

    empty = office.context.settings.home / "rỗng"
    empty.mkdir(parents=True, exist_ok=True)
    ingest(office.context, [empty])


def test_a_receipt_says_when_and_which_and_carries_the_marked_workbook(office: Office, tmp_path: Path) -> None:
    bad = make_sending().put("F05", "02", "2", "mười")
    receive(office, ("lần 1.xlsx", bad.to_bytes()), received="06-10T08:15")
    assert office.send(with_files=True).sent == 1
    receive(office, ("lần 2.xlsx", make_sending().to_bytes()), received="06-10T09:30")
    assert office.send(with_files=True).sent == 1
    first, second = bodies(office)
    for content in texts(first):
        assert "10/06/2026 08:15" in content
        assert "thứ 1" in content
        assert "CHƯA ĐẠT" in content
        assert "lỗi phải sửa" in content
        assert "mười" in content
    for content in texts(second):
        assert "10/06/2026 09:30" in content
        assert "thứ 2" in content
        assert "ĐẠT – báo cáo được chấp nhận" in content
    (copy,) = first.iter_attachments()
    assert copy.get_filename() == "lần 1_gop-y.xlsx"
    book = openpyxl.load_workbook(io.BytesIO(copy.get_content()))
    cell = book[bad.name_of("F05")][bad.cell("F05", "02", "2")]
    assert "LỖI" in cell.comment.text
    assert cell.fill.fgColor.rgb == "FFFFA3A3"
    assert book["Kết quả kiểm tra"] is not None
    (tmp_path / "copy.xlsx").write_bytes(copy.get_content())
    converted = subprocess.run(
        ["soffice", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless", "--convert-to", "pdf",
         "--outdir", str(tmp_path), str(tmp_path / "copy.xlsx")],
        capture_output=True, timeout=240, check=False,
    )  # fmt: skip
    assert (tmp_path / "copy.pdf").stat().st_size > 1000, converted.stderr
    (clean,) = second.iter_attachments()
    assert "Kết quả kiểm tra" in openpyxl.load_workbook(io.BytesIO(clean.get_content())).sheetnames


def test_a_correction_that_is_not_accepted_does_not_read_as_if_nothing_counted(office: Office) -> None:
    receive(office, ("lần 1.xlsx", make_sending().to_bytes()), received="06-10T08:15")
    bad = make_sending().put("F05", "02", "2", "mười")
    receive(office, ("lần 2.xlsx", bad.to_bytes()), received="06-10T09:30")
    office.send(with_files=True)
    (letter,) = [message for message in bodies(office) if "CHƯA ĐẠT" in message["Subject"]]
    for content in texts(letter):
        plain = " ".join(content.split())
        assert "Lần nộp này không được tính; số liệu của lần nộp 1 vẫn đang được tính." in plain
        assert "chưa được ghi nhận là đã nộp" not in plain


def test_a_json_submission_is_answered_with_a_page(office: Office) -> None:
    document = make_sample_document(office.context, HALF_YEAR, PERIOD, DEPARTMENT)
    document["forms"]["F05"]["rows"]["02"]["2"] = "mười"
    document["forms"]["F05"]["extra"] = 1
    receive(office, ("gui tu he thong", json.dumps(document).encode()))
    rows = office.rows(
        "SELECT sheet, cell, raw FROM core.observation WHERE form = 'F05' AND row_key = '02' AND column_code = '2'"
    )
    assert rows == [("F05", "/forms/F05/rows/02/2", "mười")]
    office.send(with_files=True)
    (message,) = bodies(office)
    (page,) = message.iter_attachments()
    assert (page.get_filename(), page.get_content_type()) == ("gui tu he thong_ket-qua.html", "text/html")
    for content in (*texts(message), page.get_content()):
        assert "/forms/F05/rows/02/2" in content
        assert "/forms/F05/extra" in content
        assert ".xlsx" not in content


def test_what_is_too_large_to_enclose_is_said(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_letters, "_MOST_ENCLOSED", 1000)
    receive(office, ("bao-cao.xlsx", make_sending().to_bytes()))
    office.send(with_files=True)
    (message,) = bodies(office)
    (page,) = message.iter_attachments()
    assert page.get_filename() == "bao-cao_ket-qua.html"
    assert all("không gửi kèm được" in content for content in texts(message))


def test_a_repeat_is_told_once_and_is_no_attempt(office: Office) -> None:
    data = make_sending().to_bytes()
    receive(office, ("a.xlsx", data), received="06-10T08:15")
    receive(office, ("b.xlsx", data), received="06-10T09:00")
    office.send()
    ingest_all(office)
    assert office.send().sent == 0
    receipt, repeat = bodies(office)
    assert repeat["Subject"] == "Tệp này đã nhận trước đó, không tính thành lần nộp mới"
    for content in texts(repeat):
        assert "b.xlsx" in content
        assert "10/06/2026 09:00" in content
        assert "thứ 1, nhận lúc 10/06/2026 08:15" in content
        assert "ĐẠT" in content
    assert receipt["Message-ID"] != repeat["Message-ID"]


def test_who_sent_a_file_of_nobody_is_told_why(office: Office) -> None:
    office.now = at("06-10T10:00")
    land(office, "bao cao\u202excod.xlsx", nobodys().to_bytes(), {"sender": REPORTER.upper(), "sender_proof": "pass"})
    land(office, "hong.xlsx", b"PK\x03\x04 cut", {"sender": REPORTER, "sender_proof": "pass"}, "<2@x>")
    ingest_all(office)
    reprocess_quarantine(office.context, by="x", why="y")
    office.send()
    told = [message for message in bodies(office) if "chưa xác định được đơn vị" in message["Subject"]]
    assert any("hong.xlsx" in texts(message)[0] and "hỏng" in texts(message)[0] for message in told)
    for message in told:
        assert all("CHƯA" in content and "10/06/2026 10:00" in content for content in texts(message))
    assert (
        len(told)
        == len({message["Message-ID"] for message in told})
        == office.rows("SELECT count(*) FROM landing.current_outcome WHERE outcome = 'quarantined'")[0][0]
    )


@pytest.mark.parametrize(
    ("hints", "letters"),
    [
        ({"sender": "ke.la@example.org", "sender_proof": "pass"}, 0),
        ({"sender": "ke.la@example.org", "sender_proof": "none", "unit": DEPARTMENT}, 1),
        ({"sender": REPORTER, "sender_proof": "fail"}, 0),
        ({"unit": DEPARTMENT}, 1),
        ({}, 0),
    ],
    ids=str,
)
def test_nobody_is_written_to_whom_the_register_does_not_know(
    office: Office, hints: dict[str, str], letters: int
) -> None:
    office.now = at("06-10T10:00")
    land(office, "hong.xlsx", b"PK\x03\x04 cut", hints)
    ingest_all(office)
    office.send()
    assert [mail.to for mail in office.sink.mails] == [REPORTER] * letters


def test_what_was_settled_meanwhile_is_not_told(office: Office) -> None:
    office.now = at("06-10T10:00")
    for place in ("<1@x>", "<2@x>"):
        land(office, "hong.xlsx", b"PK\x03\x04 cut" + place.encode(), {"sender": REPORTER}, place)
    ingest_all(office)
    first, second = (row[0] for row in office.rows("SELECT id FROM landing.arrival ORDER BY id"))
    attribute_arrival(office.context, first, **OWED, **WHO)
    discard_arrival(office.context, second, **WHO)
    office.send()
    (message,) = bodies(office)
    assert "CHƯA ĐẠT" in message["Subject"]
    assert office.states("unattributed") == {"cancelled": 2}


def refuse(office: Office, *codes: str, hints: dict[str, str], locator: str = "<9@x>") -> None:
    parts = tuple(
        RefusedPart(str(place), f"tệp {place}.zip", code, "", json.dumps(hints)) for place, code in enumerate(codes)
    )
    record_taken(office.context, "hop-thu", [Taken(Offer(locator, "1"), (), parts, office.now)])


def test_a_refusal_is_told_once_an_offer(office: Office) -> None:
    office.now = at("06-10T10:00")
    for _ in range(2):
        refuse(office, "ZIP-BOMB", "ZIP-NESTED", hints={"sender": REPORTER})
    office.send()
    refuse(office, "ZIP-BOMB", hints={"sender": REPORTER}, locator="<10@x>")
    refuse(office, "MAIL-AUTOMATIC", hints={"sender": REPORTER}, locator="<11@x>")
    refuse(office, "ZIP-BOMB", hints={"sender": "ke.la@example.org"}, locator="<12@x>")
    office.send()
    first, second = bodies(office)
    assert first["Subject"] == "Không nhận được tệp, đề nghị gửi lại"
    for content in texts(first):
        assert "tệp 0.zip" in content
        assert "tỷ lệ nén bất thường" in content
        assert "Trong tệp nén có tệp nén khác." in content
        assert "10/06/2026 10:00" in content
    assert "tệp nén khác" not in texts(second)[0]
    assert len(office.sink.mails) == 2


def test_killed_after_the_server_took_it_the_letter_is_the_same(office: Office) -> None:
    office.now = at("06-10T10:00")
    refuse(office, "ZIP-BOMB", hints={"sender": REPORTER})
    land(office, "hong.xlsx", b"PK\x03\x04 cut", {"sender": REPORTER})
    ingest_all(office)

    def die(_: object) -> None:
        raise KeyboardInterrupt

    original = office.channels.mail.send  # type: ignore[union-attr]

    def send_and_die(message: Any, address: str) -> None:
        original(message, address)
        die(message)

    office.channels.mail.send = send_and_die  # type: ignore[union-attr, method-assign]
    with pytest.raises(KeyboardInterrupt):
        office.send(lease=timedelta(0))
    office.channels.mail.send = original  # type: ignore[union-attr, method-assign]
    assert office.send(lease=timedelta(minutes=5)).sent == 2
    identities = [mail.message_id for mail in office.sink.mails]
    assert (len(identities), len(set(identities))) == (3, 2)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd.xlsx", "passwd.xlsx"),
        ("C:\\temp\\báo cáo.xlsx", "báo cáo.xlsx"),
        ("bao\u202excod\u200b.xlsx", "baoxcod.xlsx"),
        ('a"b<c>|d?.xlsx', "a-b-c-d-.xlsx"),
        ("..xlsx", "xlsx"),
        ("", "tep"),
        ("x" * 300 + ".xlsx", "x" * 115 + ".xlsx"),
    ],
)
def test_names_of_enclosures_are_safe(name: str, safe: str) -> None:
    assert name_enclosure(name) == safe
