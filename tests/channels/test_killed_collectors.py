"""500 files through each kind of store while the collector is killed ten times: all landed once, none lost, all acknowledged."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from killing import kill_and_finish
from offices import Office, check_all_landed, open_office
from peers_s3 import open_s3_peer
from peers_sftp import open_sftp_peer

from etl.settings import Settings

FILES = 500
AGED = 1_780_000_000
MakeSettings = Callable[..., Settings]


def name_files() -> dict[str, bytes]:
    return {f"H14.SNV/báo cáo {number:03}.xlsx": b"%d " % number * 50 for number in range(FILES)}


def put_files(folder: Path, sent: dict[str, bytes]) -> None:
    for name, data in sent.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (AGED, AGED))


def kill(office: Office, most_steps: int) -> None:
    """Killed ten times, most of them after a part of the work was recorded and before all of it was.

    Each file is two steps; what is kept in its place is a step of every later run too.
    """
    found = kill_and_finish(office.settings, most_steps=most_steps, probe=lambda: office.count("landing.offer"))
    assert found.killed == 10, found
    assert len({seen for seen in found.seen if 0 < seen < FILES}) >= 3, found
    assert found.summary["unavailable"] == (), found


@pytest.mark.parametrize("after", ["keep", "move"])
def test_drop_folder(make_settings: MakeSettings, tmp_path: Path, after: str) -> None:
    sent = name_files()
    lines = f"  - {{code: folder, kind: folder, path: inbox, attribute_by_folder: true, after: {after}}}\n"
    office = open_office(make_settings, tmp_path, lines, {})
    inbox = office.settings.home / "inbox"
    put_files(inbox, sent)
    kill(office, 250 if after == "keep" else 120)
    check_all_landed(office, sent)
    left = {path.relative_to(inbox).as_posix() for path in inbox.rglob("*.xlsx")}
    assert left == (set(sent) if after == "keep" else {f"da-nhan/{name}" for name in sent})


def test_sftp(make_settings: MakeSettings, tmp_path: Path) -> None:
    sent = name_files()
    with open_sftp_peer() as peer:
        put_files(peer.files, sent)
        lines = "  - {code: sftp-tinh, kind: sftp, connection: sftp_tinh, attribute_by_folder: true, after: move}\n"
        office = open_office(make_settings, tmp_path, lines, {"sftp_tinh": peer.url()})
        kill(office, 120)
        check_all_landed(office, sent)
        moved = {path.relative_to(peer.files).as_posix() for path in peer.files.rglob("*.xlsx")}
        assert moved == {f"da-nhan/{name}" for name in sent}
    assert office.ask("SELECT DISTINCT hints FROM landing.arrival") == [('{"unit": "H14.SNV"}',)]


def test_bucket(make_settings: MakeSettings, tmp_path: Path) -> None:
    sent = name_files()
    with open_s3_peer() as peer:
        for name, data in sent.items():
            peer.put(f"gui-den/{name}", data)
        lines = "  - {code: kho-tinh, kind: s3, connection: kho_tinh, path: gui-den, attribute_by_folder: true}\n"
        office = open_office(make_settings, tmp_path, lines, {"kho_tinh": peer.url()})
        kill(office, 250)
        check_all_landed(office, sent)
        assert set(peer.list_keys()) == {f"gui-den/{name}" for name in sent}
