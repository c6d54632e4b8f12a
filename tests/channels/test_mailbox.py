"""A mailbox on a real IMAP server: what comes out, what is refused, who is let in, and whose certificate is believed."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
from imapclient import IMAPClient
from offices import Office, open_office
from peers_imap import PASSWORD, USER, ImapPeer, run_imap

from etl.channels.mail_server import read_mail_url
from etl.channels.mailbox import MailboxChannel, open_mailbox
from etl.channels.protocol import ChannelUnavailable, Part, Refused
from etl.channels.refusals import RefusalCode
from etl.register.channels import AfterReceipt, ChannelKind, ChannelLine
from etl.settings import Settings
from etl.usecases.channels import name_risk
from etl.usecases.collect import collect_arrivals
from etl.usecases.context import open_context

BOUND = 300_000
LINE = ChannelLine("thu", ChannelKind.IMAP, "thu", "INBOX", after=AfterReceipt.MOVE, done_folder="Đã nhận")
SHEET = b"PK not really a workbook"


@pytest.fixture(scope="module")
def mail_server() -> Iterator[ImapPeer]:
    with run_imap() as peer:
        yield peer


@pytest.fixture
def peer(mail_server: ImapPeer) -> ImapPeer:
    """The one server, its mailbox emptied."""
    with IMAPClient("127.0.0.1", mail_server.port, ssl=False) as client:
        client.login(USER, PASSWORD)
        for _, _, folder in client.list_folders():
            if folder != "INBOX":
                client.delete_folder(folder)
        client.select_folder("INBOX")
        if uids := client.search("ALL"):
            client.delete_messages(uids)
            client.expunge()
    return mail_server


def write(*files: tuple[str, bytes], sender: str = "baocao@x01273.caobang.example", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = sender
    mail["Subject"] = "Báo cáo"
    mail["Received"] = f"by thu.tinh.example id {time.monotonic_ns()}"
    mail["Message-ID"] = "<mot@caobang.example>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("Kính gửi.")
    for name, data in files:
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return mail


def fetch_all(channel: MailboxChannel) -> list[tuple[str, bytes | str]]:
    """(file name, bytes or the code of the refusal) of everything in the mailbox."""
    found: list[tuple[str, bytes | str]] = []
    for offer in list(channel.list_new()):
        with channel.fetch(offer) as parts:
            for part in parts:
                found.append((part.file_name, part.stream.read() if isinstance(part, Part) else str(part.code)))
    return found


def refused(peer: ImapPeer) -> list[str]:
    with open_mailbox(LINE, peer.url, BOUND) as channel:
        return [str(what) for _, what in fetch_all(channel) if not isinstance(what, bytes)]


def test_attachments_come_out_oldest_first_with_the_time_of_receipt(peer: ImapPeer) -> None:
    begin = int(time.time()) - 1000
    for number in (2, 0, 1):
        data = bytes(range(256)) * 1000 if number == 1 else SHEET
        peer.deliver(
            write((f"Báo cáo quý {number}.xlsx", data), ("công văn.pdf", b"%PDF-")).as_bytes(), at=begin + number
        )
    with open_mailbox(LINE, peer.url, BOUND) as channel:
        offers = list(channel.list_new())
        assert [offer.received_at and offer.received_at.timestamp() for offer in offers] == [
            begin,
            begin + 1,
            begin + 2,
        ]
        assert [name for name, _ in fetch_all(channel)] == [
            name for number in range(3) for name in (f"Báo cáo quý {number}.xlsx", "công văn.pdf")
        ]
        assert dict(fetch_all(channel))["Báo cáo quý 1.xlsx"] == bytes(range(256)) * 1000
        # Looking changes nothing for the people who read the mailbox too.
        assert not any("S" in path.name.rpartition(",")[2] for path in peer.list_mails())


@pytest.mark.parametrize("after", list(AfterReceipt))
def test_what_is_acknowledged_is_listed_no_more_and_may_be_acknowledged_again(
    peer: ImapPeer, after: AfterReceipt
) -> None:
    line = replace(LINE, after=after)
    for number in range(3):
        peer.deliver(write((f"{number}.xlsx", SHEET)).as_bytes())
    with open_mailbox(line, peer.url, BOUND) as channel:
        first, *rest = list(channel.list_new())
        channel.acknowledge(first)
        channel.acknowledge(first)
        assert list(channel.list_new()) == rest
    with open_mailbox(line, peer.url, BOUND) as channel:
        # After a crash: known by its name alone, before anything was listed.
        channel.acknowledge(replace(rest[0], size=None, received_at=None))
        channel.acknowledge(first)
        assert list(channel.list_new()) == rest[1:]
    assert len(peer.list_mails()) == (1 if after is AfterReceipt.MOVE else 3)


def test_a_mailbox_that_is_rebuilt_or_moved_holds_the_same_mails(peer: ImapPeer) -> None:
    """UIDs are given anew; what was recorded is told by the same locator and version, so that nothing is taken twice."""
    for number in range(3):
        peer.deliver(write((f"{number}.xlsx", SHEET)).as_bytes())
    with open_mailbox(LINE, peer.url, BOUND) as channel:
        before = {(offer.locator, offer.version) for offer in channel.list_new()}
    peer.rebuild()
    with open_mailbox(LINE, peer.url, BOUND) as channel:
        after = {(offer.locator, offer.version) for offer in channel.list_new()}
    assert len(before) == 3
    assert after == before


def test_what_is_no_report_is_refused_with_a_reason(peer: ImapPeer) -> None:
    peer.deliver(write().as_bytes())
    assert refused(peer) == [RefusalCode.MAIL_WITHOUT_FILE]


@pytest.mark.parametrize(
    "headers", [{"Auto_Submitted": "auto-replied"}, {"Return_Path": "<>"}, {"Auto_Submitted": "auto-generated"}]
)
def test_machines_are_told_apart_so_that_nobody_answers_them(peer: ImapPeer, headers: dict[str, str]) -> None:
    peer.deliver(write(**headers).as_bytes())
    assert refused(peer) == [RefusalCode.MAIL_AUTOMATIC]


def test_our_own_letter_that_comes_back_is_no_submission(peer: ImapPeer) -> None:
    letter = write(("kết quả.xlsx", SHEET), sender="khong-tra-loi@tinh.example")
    report = EmailMessage()
    report["From"] = "MAILER-DAEMON@thu.tinh.example"
    report["Content-Type"] = 'multipart/report; report-type=delivery-status; boundary="x"'
    body = b"\r\n--x\r\nContent-Type: text/plain\r\n\r\nkhong gui duoc\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n"
    head = report.as_bytes().split(b"\n\n")[0]
    peer.deliver(head + b"\n\n" + body + letter.as_bytes() + b"\r\n--x--\r\n")
    assert refused(peer) == [RefusalCode.MAIL_AUTOMATIC]


@pytest.mark.parametrize("parameter", [
    b'filename="../../../../tmp/ra-ngoai.xlsx"',
    b"filename*=utf-8''..%2F..%2Ftmp%2Fra-ngoai.xlsx",
    b"filename*0*=utf-8''%2E%2E%5C; filename*1=ra-ngoai.xlsx",
    b'filename="=?utf-8?Q?a=00b.xlsx?="',
    b"filename*=utf-8''a%0D%0ABcc:%20ke-gian@khac.example%0D%0A.xlsx",
    b'filename="=?utf-8?B?YQ0KU3ViamVjdDogeA0K?=.xlsx"',
    b"filename*=utf-8''%1B%5B2J.xlsx",
])  # fmt: skip
def test_names_that_lead_outside_or_inject_are_refused(peer: ImapPeer, parameter: bytes) -> None:
    mail = write(("x.xlsx", SHEET)).as_bytes()
    peer.deliver(mail.replace(b'filename="x.xlsx"', parameter))
    with open_mailbox(LINE, peer.url, BOUND) as channel:
        ((name, code),) = fetch_all(channel)
    assert code in (RefusalCode.NAME_WITH_PATH, RefusalCode.NAME_UNSAFE)
    assert name.isprintable()
    assert not {"/", "\\"} & set(name)


def test_a_mail_that_no_library_can_take_apart_does_not_stop_the_others(peer: ImapPeer) -> None:
    head = b"From: a@b.example\r\nSubject: %s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    part = b'--x\r\nContent-Type: application/pdf; name="%s.pdf"\r\n\r\na\r\n' % (b"n" * 100)
    peer.deliver(head % b"nhieu" + part * 9_000 + b"--x--\r\n", at=1_780_000_000)
    deep = b"".join(b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1) for n in range(2_000))
    peer.deliver(head.replace(b"=x", b"=b0") % b"sau" + deep, at=1_780_000_001)
    peer.deliver(write(("tốt.xlsx", SHEET)).as_bytes())
    with open_mailbox(replace(LINE), peer.url, 50_000_000) as channel:
        found = fetch_all(channel)
    assert found[0] == ("", RefusalCode.MAIL_BROKEN)
    assert found[1][1] in (RefusalCode.MAIL_BROKEN, RefusalCode.MAIL_WITHOUT_FILE)
    assert found[2:] == [("tốt.xlsx", SHEET)]


def test_a_mail_that_its_server_cannot_read_does_not_stop_the_others(
    peer: ImapPeer, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5):
        peer.deliver(write((f"{number}.xlsx", SHEET)).as_bytes())
    peer.deliver(write(("hong.xlsx", bytes(9000))).as_bytes(), announced=10)
    for number in range(5, 8):
        peer.deliver(write((f"{number}.xlsx", SHEET)).as_bytes())
    with open_mailbox(LINE, peer.url, BOUND) as channel:
        for _ in range(2):
            assert sorted(name for name, _ in fetch_all(channel)) == [f"{number}.xlsx" for number in range(8)]
            assert channel.passed_over == 1
        for offer in list(channel.list_new()):
            channel.acknowledge(offer)
    assert "mail server's log" in caplog.text
    assert len(peer.list_mails()) == 1


def test_a_mail_that_another_collector_moved_is_acknowledged(peer: ImapPeer) -> None:
    for number in range(3):
        peer.deliver(write((f"{number}.xlsx", SHEET)).as_bytes())
    with open_mailbox(LINE, peer.url, BOUND) as one, open_mailbox(LINE, peer.url, BOUND) as other:
        offers = list(one.list_new())
        assert list(other.list_new()) == offers
        for offer in offers:
            one.acknowledge(offer)
            other.acknowledge(offer)
    assert (peer.list_mails(), len(peer.list_mails(".&ARAA4w- nh&Hq0-n"))) == ([], 3)


def test_no_log_tells_what_mails_hold(peer: ImapPeer, caplog: pytest.LogCaptureFixture) -> None:
    peer.deliver(write(("bc.xlsx", SHEET), sender="Nguyễn Thị Kín <kin@x01273.caobang.example>").as_bytes())
    with caplog.at_level(logging.DEBUG), open_mailbox(LINE, peer.url, BOUND) as channel:
        assert [name for name, _ in fetch_all(channel)] == ["bc.xlsx"]
    assert "kin@" not in caplog.text
    assert PASSWORD not in caplog.text


def test_a_mail_that_says_it_has_two_gibibytes_is_refused_unread(peer: ImapPeer) -> None:
    path = peer.deliver(write(("x.xlsx", SHEET)).as_bytes(), announced=2 * 1024**3)
    with open_mailbox(LINE, peer.url, BOUND) as channel:
        (offer,) = channel.list_new()
        assert offer.size == 2 * 1024**3
        with channel.fetch(offer) as parts:
            (part,) = parts
    assert isinstance(part, Refused)
    assert part.code == RefusalCode.MAIL_TOO_LARGE
    assert part.detail == "2.147.483.648 > 1.200.000"
    assert path.name.partition(":")[0] in {found.name.partition(":")[0] for found in peer.list_mails()}


def test_an_attachment_over_the_bound_does_not_stop_the_others(peer: ImapPeer) -> None:
    peer.deliver(write(("lon.xlsx", bytes(BOUND + 1)), ("nhỏ.xlsx", SHEET)).as_bytes())
    peer.deliver(write(("vừa.xlsx", bytes(BOUND))).as_bytes())
    with open_mailbox(LINE, peer.url, BOUND) as channel:
        assert sorted(fetch_all(channel), key=str) == sorted(
            [("lon.xlsx", "TOO-LARGE"), ("nhỏ.xlsx", SHEET), ("vừa.xlsx", bytes(BOUND))], key=str
        )


def test_the_server_is_who_it_should_be(peer: ImapPeer, tmp_path: Path) -> None:
    for scheme in ("imaps", "imap"):
        with open_mailbox(LINE, peer.url_of(scheme), BOUND) as channel, pytest.raises(ChannelUnavailable) as fault:
            list(channel.list_new())
        assert "certificate that is not trusted" in str(fault.value)
        assert "?ca=FILE" in str(fault.value)
        assert PASSWORD not in str(fault.value)
        with open_mailbox(LINE, peer.url_of(scheme, peer.certificates.authority), BOUND) as channel:
            assert list(channel.list_new()) == []
    other = peer.url_of("imaps", peer.certificates.authority).replace("127.0.0.1", "localhost")
    with open_mailbox(LINE, other, BOUND) as channel, pytest.raises(ChannelUnavailable, match="not trusted"):
        list(channel.list_new())
    with pytest.raises(ChannelUnavailable, match="cannot be read"):
        read_mail_url("thu", peer.url_of("imaps", tmp_path / "khong-co.pem"))


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("imap://u:bi-mat@thu.tinh.example/?tls=none", "in clear"),
        ("imaps://u:bi-mat@thu.tinh.example/?tls=starttls", "in one place and not in the other"),
        ("imaps://u:bi-mat@thu.tinh.example/INBOX", "has a path"),
        ("imaps://thu.tinh.example/", "no user"),
        ("imaps://u:bi-mậ@thu.tinh.example/", "letters"),
        ("imaps://u:bi-mat@thu.tinh.example/?verify=no", "option that is not known"),
        ("pop3://u:bi-mat@thu.tinh.example/", "must be a URL"),
    ],
)
def test_connections_that_are_wrong_are_refused_without_their_secret(url: str, what: str) -> None:
    with pytest.raises(ChannelUnavailable, match=what) as fault:
        read_mail_url("thu", url)
    assert "bi-m" not in str(fault.value)


def test_a_mailbox_in_which_a_forged_sender_cannot_be_told_is_named_by_the_check() -> None:
    assert "authserv_id" in name_risk(LINE)
    assert name_risk(replace(LINE, authserv_id="thu.tinh.example")) == ""
    assert name_risk(replace(LINE, kind=ChannelKind.FOLDER, connection="")) == ""


def test_faults_of_the_account_say_what_to_do(peer: ImapPeer) -> None:
    wrong = open_mailbox(LINE, peer.url.replace(PASSWORD, "sai-mat-khau"), BOUND)
    with wrong as channel, pytest.raises(ChannelUnavailable, match="refuses user or password") as fault:
        list(channel.list_new())
    assert "sai-mat-khau" not in str(fault.value)
    missing = open_mailbox(replace(LINE, path="Không có"), peer.url, BOUND)
    with missing as channel, pytest.raises(ChannelUnavailable, match="check that its folders are there"):
        list(channel.list_new())
    down = open_mailbox(LINE, "imap://u:p@127.0.0.1:1/?tls=none", BOUND)
    with down as channel, pytest.raises(ChannelUnavailable, match="does not answer"):
        list(channel.list_new())


def open_mail_office(make_settings: Callable[..., Settings], folder: Path, peer: ImapPeer) -> Office:
    lines = "  - {code: thu, kind: imap, connection: thu, path: INBOX, after: move, done_folder: Đã nhận}\n"
    return open_office(make_settings, folder, lines, {"thu": peer.url}, max_file_bytes=BOUND)


def pack(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def test_hostile_mails_leave_nothing_but_their_refusal(
    peer: ImapPeer, make_settings: Callable[..., Settings], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hostile = {
        "nhieu.zip": (pack({f"{n}.csv": b"" for n in range(10_000)}), "ZIP-TOO-MANY-FILES"),
        "long.zip": (pack({"trong.zip": pack({"a.csv": b"1"})}), "ZIP-NESTED"),
        "duong-dan.zip": (pack({"../../ra-ngoai.xlsx": b"1"}), "ZIP-PATH"),
        "bom.zip": (pack({"0.csv": bytes(50_000_000)}), "ZIP-BOMB"),
        "chay.exe": (b"MZ", "KIND-NOT-TAKEN"),
    }
    for name, (data, _) in hostile.items():
        peer.deliver(write((name, data)).as_bytes())
    peer.deliver(write(("../../ra-ngoai.xlsx", SHEET)).as_bytes().replace(b"ra-ngoai.xlsx", b"../ra-ngoai.xlsx"))
    peer.deliver(write(("tốt.zip", pack({"BC/F05.xlsx": SHEET, "F07.csv": b"a;b"}))).as_bytes())
    office = replace_bound(open_mail_office(make_settings, tmp_path, peer), 5_000_000)
    before = list_files(tmp_path)
    with open_context(office.settings) as context:
        summary = collect_arrivals(context)
    assert (summary.landed, summary.refused, summary.unavailable) == (2, len(hostile) + 1, ())
    codes = sorted(str(row[0]) for row in office.ask("SELECT code FROM landing.refusal"))
    assert codes == sorted([*(code for _, code in hostile.values()), "NAME-WITH-PATH"])
    # In the store: the two good files. In the tables: no path, no control character. Elsewhere: nothing new.
    stored = {path.name for path in (office.settings.home / "landing").rglob("*") if path.is_file()}
    assert stored == {hashlib.sha256(data).hexdigest() for data in (SHEET, b"a;b")}
    assert {path for path in list_files(tmp_path) - before if "landing" not in path} == set()
    names = office.ask("SELECT file_name FROM landing.arrival UNION SELECT file_name FROM landing.refusal")
    assert all(str(row[0]).isprintable() and "/" not in str(row[0]) for row in names)
    assert peer.list_mails() == []
    # People's addresses are in no log.
    assert "caobang.example" not in caplog.text


def replace_bound(office: Office, bound: int) -> Office:
    return Office(replace(office.settings, max_file_bytes=bound))


def list_files(folder: Path) -> set[str]:
    return {os.path.join(place, name) for place, _, names in os.walk(folder) for name in names}  # noqa: PTH118
