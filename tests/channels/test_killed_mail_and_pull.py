"""500 mails and 500 files of a web server while the collector is killed ten times: all landed once, all acknowledged."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

from killing import Killing, kill_and_finish
from offices import Office, open_office
from peers_http import run_http
from peers_imap import run_imap

from etl.settings import Settings

COUNT = 500
MakeSettings = Callable[..., Settings]


def kill(office: Office, most_steps: int) -> Killing:
    found = kill_and_finish(office.settings, most_steps=most_steps, probe=lambda: office.count("landing.offer"))
    assert found.killed == 10, found
    assert len({seen for seen in found.seen if 0 < seen < COUNT}) >= 3, found
    assert found.summary["unavailable"] == (), found
    return found


def list_bytes(office: Office) -> list[str]:
    """SHA-256 of every arrival, each of whose blobs is in the store with those bytes."""
    landing = Path(office.settings.landing.removeprefix("file://"))
    stored = {path.name for path in landing.rglob("*") if path.is_file()}
    found = [str(row[0]) for row in office.ask("SELECT sha256 FROM landing.arrival")]
    assert (
        {hashlib.sha256((landing / name[:2] / name).read_bytes()).hexdigest() for name in found} == set(found) <= stored
    )
    return sorted(found)


def write_mail(number: int) -> tuple[bytes, bytes]:
    """A mail and the bytes of its attachment."""
    data = b"bao cao %d " % number * 40
    mail = EmailMessage()
    mail["From"] = f"Đầu mối <baocao@x{number:05}.caobang.example>"
    mail["Subject"] = f"Báo cáo số {number}"
    mail["Message-ID"] = f"<{number}@caobang.example>"
    mail.set_content("Kính gửi cơ quan thường trực.")
    mail.add_attachment(data, maintype="application", subtype="vnd.ms-excel", filename=f"Báo cáo {number}.xls")
    return mail.as_bytes(), data


def test_mailbox(make_settings: MakeSettings, tmp_path: Path) -> None:
    begin = time.time() - 3600
    with run_imap() as peer:
        sent = []
        for number in range(COUNT):
            mail, data = write_mail(number)
            peer.deliver(mail, at=begin + number)
            sent.append(hashlib.sha256(data).hexdigest())
        lines = "  - {code: thu, kind: imap, connection: thu, path: INBOX, after: move, done_folder: Đã nhận}\n"
        office = open_office(make_settings, tmp_path, lines, {"thu": peer.url})
        kill(office, 100)
        assert list_bytes(office) == sorted(sent)
        assert office.ask("SELECT count(DISTINCT locator) FROM landing.arrival") == [(COUNT,)]
        assert office.ask("SELECT count(*) FROM landing.offer WHERE acknowledged_at IS NULL") == [(0,)]
        assert peer.list_mails() == []
        moved = [path for path in peer.mails.glob(".*/*/*") if path.parent.name in ("new", "cur")]
        assert len(moved) == COUNT


def test_pull(make_settings: MakeSettings, tmp_path: Path) -> None:
    with run_http() as peer:
        peer.files = {f"/tep/{number:03}.xls": b"bao cao %d " % number * 40 for number in range(COUNT)}
        peer.with_acknowledge = True
        sent = dict(peer.files)
        lines = "  - {code: he-thong, kind: http, connection: he_thong, path: /danh-muc}\n"
        office = open_office(make_settings, tmp_path, lines, {"he_thong": peer.url()})
        # What is listed again is told again: a step each, before anything new.
        kill(office, 600)
        assert list_bytes(office) == sorted(hashlib.sha256(data).hexdigest() for data in sent.values())
        assert {str(row[0]) for row in office.ask("SELECT locator FROM landing.arrival")} == set(sent)
        assert office.count("landing.arrival") == COUNT
        assert office.ask("SELECT count(*) FROM landing.offer WHERE acknowledged_at IS NULL") == [(0,)]
        assert peer.told == set(sent)
