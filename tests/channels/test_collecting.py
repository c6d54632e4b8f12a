"""The collector over real channels: what is told, what is kept, whose clock counts, and that no secret is ever written."""

from __future__ import annotations

import io
import json
import logging
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from killing import collect_together
from offices import Office, check_all_landed, open_office
from peers_s3 import open_s3_peer
from peers_sftp import find_port, open_false_sftp

from etl.channels.archives import ArchiveBounds
from etl.channels.protocol import Part, Refused
from etl.landing.store import LandingStore
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases import collect_parts
from etl.usecases.collect import CollectSummary, UnknownChannel, collect_arrivals
from etl.usecases.context import open_context

MakeSettings = Callable[..., Settings]
FOLDER = "  - {code: folder, kind: folder, path: inbox, attribute_by_folder: true, after: %s}\n"
SFTP = "  - {code: sftp-tinh, kind: sftp, connection: sftp_tinh}\n"
BUCKET = "  - {code: kho-tinh, kind: s3, connection: kho_tinh, server_clock: %s}\n"


def drop(office: Office, name: str, data: bytes = b"1") -> Path:
    path = office.settings.home / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def collect(office: Office, **options: object) -> CollectSummary:
    with open_context(office.settings) as context:
        return collect_arrivals(context, **options)  # type: ignore[arg-type]


def test_a_channel_that_is_down_delays_only_itself(make_settings: MakeSettings, tmp_path: Path) -> None:
    port = find_port()
    lines = f"{SFTP}  - {{code: kho-tinh, kind: s3, connection: chua_dat}}\n{FOLDER % 'keep'}"
    url = f"sftp://thu:mat-khau@127.0.0.1:{port}?host_key=ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    office = open_office(make_settings, tmp_path, lines, {"sftp_tinh": url})
    drop(office, "bc.xlsx")
    found = collect(office)
    assert found.landed == 1
    told = {fault.channel: fault.what for fault in found.unavailable}
    assert set(told) == {"sftp-tinh", "kho-tinh"}
    assert f"127.0.0.1:{port} cannot be reached" in told["sftp-tinh"]
    assert "MOVEMENT_REPORTS_CONNECTION_CHUA_DAT" in told["kho-tinh"]
    assert collect(office, channels=["folder"]) == CollectSummary(0, 1)
    with pytest.raises(UnknownChannel, match="folder"):
        collect(office, channels=["khac"])


def test_what_was_recorded_but_not_told_is_told_without_fetching(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = open_office(make_settings, tmp_path, FOLDER % "move", {})
    inbox = office.settings.home / "inbox"
    sent = {f"{number}.xlsx": b"%d" % number for number in range(3)}
    for name, data in sent.items():
        os.utime(drop(office, name, data), (0, 0))
    (inbox / "da-nhan").symlink_to(tmp_path)  # a sender's link: files must not be moved where it leads
    found = collect(office)
    assert (found.landed, [fault.channel for fault in found.unavailable]) == (3, ["folder"])
    assert "link" in found.unavailable[0].what
    assert office.count("landing.offer WHERE acknowledged_at IS NULL") == 3
    assert sorted(path.name for path in inbox.iterdir()) == [*sent, "da-nhan"]
    (inbox / "da-nhan").unlink()

    def refuse(store: LandingStore, stream: object) -> None:
        raise AssertionError("fetched again")

    # Old enough that the kernel's clock tells versions apart.
    monkeypatch.setattr("etl.channels.drop._COARSE_SECONDS", -1.0)
    office.settings.home.joinpath("inbox", "4.xlsx").write_bytes(b"4")
    collect(office)
    check_all_landed(office, sent | {"4.xlsx": b"4"})
    assert sorted(path.name for path in inbox.iterdir()) == ["da-nhan"]
    monkeypatch.setattr(LandingStore, "put_stream", refuse)
    assert collect(office) == CollectSummary(0, 0)


def test_a_known_version_is_not_read_again_while_its_bytes_are_safe(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = open_office(make_settings, tmp_path, FOLDER % "keep", {})
    drop(office, "bc.xlsx", b"bytes")
    monkeypatch.setattr("etl.channels.drop._COARSE_SECONDS", -1.0)
    read: list[bytes] = []
    put = LandingStore.put_stream

    def count(store: LandingStore, stream: io.BytesIO) -> object:
        read.append(b"")
        return put(store, stream)

    monkeypatch.setattr(LandingStore, "put_stream", count)
    assert [collect(office), collect(office)] == [CollectSummary(1, 0), CollectSummary(0, 1)]
    assert len(read) == 1
    (blob,) = [path for path in (office.settings.home / "landing").rglob("*") if path.is_file()]
    blob.unlink()
    assert collect(office) == CollectSummary(0, 1)
    assert (len(read), blob.read_bytes()) == (2, b"bytes")


def test_a_file_that_cannot_be_moved_does_not_hold_up_the_others(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("etl.usecases.collect.GROUP", 2)
    office = open_office(make_settings, tmp_path, FOLDER % "move", {})
    inbox = office.settings.home / "inbox"
    (inbox / "da-nhan").mkdir(parents=True)
    (inbox / "da-nhan" / "A").write_bytes(b"a file where a folder should be made")
    for name in ("A/0.xlsx", *(f"B/{number}.xlsx" for number in range(7))):
        drop(office, name)
    found = collect(office)
    assert (found.landed, [fault.channel for fault in found.unavailable]) == (8, ["folder"])
    assert office.count("landing.offer WHERE acknowledged_at IS NULL") == 1
    assert [path.relative_to(inbox).as_posix() for path in inbox.rglob("*.xlsx") if "da-nhan" not in path.parts] == [
        "A/0.xlsx"
    ]


def test_a_name_longer_than_an_index_takes_is_cut_and_marked(make_settings: MakeSettings, tmp_path: Path) -> None:
    office = open_office(make_settings, tmp_path, FOLDER % "keep", {})
    # Random, or the warehouse would pack them small enough.
    deep = "/".join(secrets.token_hex(110) for _ in range(14))
    sent = {f"{deep}/bc {number}.xlsx": b"%d" % number for number in range(2)}
    for name, data in sent.items():
        drop(office, name, data)
    assert (collect(office).landed, collect(office).landed) == (2, 0)
    rows = office.ask("SELECT locator, file_name FROM landing.arrival ORDER BY file_name")
    assert [name for _, name in rows] == ["bc 0.xlsx", "bc 1.xlsx"]
    assert all(len(locator) < 1100 and locator.startswith(deep[:900]) for locator, _ in rows)


def test_a_fault_of_ours_in_one_file_does_not_hold_up_the_others(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    office = open_office(make_settings, tmp_path, FOLDER % "keep", {})
    for name in ("hong.zip", "tot.xlsx"):
        drop(office, name, name.encode())
    unpack = collect_parts.unpack_parts

    def stumble(parts: Iterator[Part | Refused], bounds: ArchiveBounds) -> Iterator[Part | Refused]:
        for part in unpack(parts, bounds):
            if part.file_name == "hong.zip":
                raise ArithmeticError("noi dung cua tep")
            yield part

    with monkeypatch.context() as patched:
        patched.setattr(collect_parts, "unpack_parts", stumble)
        assert collect(office) == CollectSummary(1, 0, unreadable=1)
    assert "hong.zip (ArithmeticError)" in caplog.text
    assert "noi dung" not in caplog.text
    assert collect(office).landed == 1


def test_a_file_that_is_open_for_writing_is_left_for_the_next_look(make_settings: MakeSettings, tmp_path: Path) -> None:
    office = open_office(make_settings, tmp_path, FOLDER % "keep", {})
    with drop(office, "bc.xlsx", b"nua dau, ").open("ab") as copying:
        assert collect(office) == CollectSummary(0, 0, unreadable=1)
        copying.write(b"nua sau")
    assert collect(office).landed == 1
    assert office.ask("SELECT size FROM landing.blob") == [(len(b"nua dau, nua sau"),)]


def test_two_collectors_at_once_record_each_file_once(make_settings: MakeSettings, tmp_path: Path) -> None:
    office = open_office(make_settings, tmp_path, FOLDER % "move", {})
    sent = {f"bc {number:03}.xlsx": b"%d" % number for number in range(150)}
    for name, data in sent.items():
        drop(office, name, data)
    summaries = collect_together(office.settings, 2)
    assert sum(summary["landed"] for summary in summaries) == len(sent)
    check_all_landed(office, sent)


def test_more_bytes_than_announced_are_refused_and_not_kept(make_settings: MakeSettings, tmp_path: Path) -> None:
    with open_false_sftp({b"bc.xlsx": 1}, "mat-khau", data=b"x" * 300_000) as peer:
        office = open_office(make_settings, tmp_path, SFTP, {"sftp_tinh": peer.url("mat-khau")}, max_file_bytes=200_000)
        assert collect(office) == CollectSummary(0, 0, refused=1)
        assert collect(office) == CollectSummary(0, 1)
    assert office.ask("SELECT channel, locator, part, file_name, code, detail FROM landing.refusal") == [
        ("sftp-tinh", "bc.xlsx", "", "bc.xlsx", "TOO-LARGE", "more than 200000 bytes")
    ]
    assert [path for path in (office.settings.home / "landing").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("clock", ["trusted", "untrusted"])
def test_whose_clock_counts(make_settings: MakeSettings, tmp_path: Path, clock: str) -> None:
    look = datetime.now(UTC) + timedelta(hours=1)
    with open_s3_peer() as peer:
        peer.put("bc.xlsx", b"1")
        office = open_office(make_settings, tmp_path, BUCKET % clock, {"kho_tinh": peer.url()})
        with open_context(office.settings, clock=lambda: look) as context:
            collect_arrivals(context)
    ((received, recorded),) = office.ask("SELECT received_at, recorded_at FROM landing.arrival")
    assert recorded == look
    assert (received == look) is (clock == "untrusted")
    assert look - received < timedelta(hours=2)


def dump(office: Office) -> str:
    """Every row of every table that a secret could have come to."""
    with open_context(office.settings) as context, context.engine.connect() as connection:
        names = connection.execute(
            sa.text(
                "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('landing', 'ops', 'register')"
            )
        ).scalars()
        rows = [row for name in list(names) for row in connection.execute(sa.text(f"SELECT t::text FROM {name} t"))]
    return "\n".join(map(str, rows))


def test_no_secret_is_written_anywhere(
    make_settings: MakeSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Right and wrong passwords, with every log there is."""
    secrets = ("Mat-Khau-7731", "Sai-Mat-Khau-7732", "Bi-Mat-7733", "Khoa-7734")
    lines = SFTP + SFTP.replace("tinh", "sai") + BUCKET % "trusted" + (BUCKET % "trusted").replace("tinh", "sai")
    with open_false_sftp({b"bc.xlsx": 1, b"x\ny": 1}, secrets[0]) as sftp, open_s3_peer() as s3:
        s3.put("bc.xlsx", b"1")
        connections = {
            "sftp_tinh": sftp.url(secrets[0]),
            "sftp_sai": sftp.url(secrets[1]),
            "kho_tinh": f"s3://{secrets[3]}:{secrets[2]}@127.0.0.1:{s3.port}/bao-cao?tls=false",
            "kho_sai": f"s3://{secrets[3]}:{secrets[2]}@127.0.0.1:{s3.port}/khong-co?tls=false",
        }
        office = open_office(make_settings, tmp_path, lines, connections)
        with caplog.at_level(logging.DEBUG):
            found = collect(office)
        environment = {
            **os.environ,
            "MOVEMENT_REPORTS_HOME": str(office.settings.home),
            "MOVEMENT_REPORTS_REGISTER": str(office.settings.register),
            "MOVEMENT_REPORTS_WAREHOUSE_URL": str(office.settings.warehouse_url),
            **{f"MOVEMENT_REPORTS_CONNECTION_{name.upper()}": url for name, url in connections.items()},
        }
        command = [sys.executable, "-m", "etl", "--verbose", "channels"]
        runs = [
            subprocess.run(
                [*command, *rest], env=environment, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
            )
            for rest in (["check", "--json"], ["list"])
        ]
    assert (found.landed, found.refused) == (2, 1)
    assert {fault.channel for fault in found.unavailable} == {"sftp-sai", "kho-sai"}
    assert [run.returncode for run in runs] == [1, 0], runs
    checked = json.loads(runs[0].stdout)
    assert {row["channel"]: row["up"] for row in checked} == {
        "sftp-tinh": True, "sftp-sai": False, "kho-tinh": True, "kho-sai": False,
    }  # fmt: skip
    assert all(bool(row["fault"]) is not row["up"] for row in checked)
    written = "\n".join(
        [caplog.text, repr(found), repr(office.settings), dump(office), *(run.stdout + run.stderr for run in runs)]
    )
    for path in office.settings.home.rglob("*"):
        if path.is_file():
            written += path.read_text("utf-8", "replace")
    assert "kho-sai" in written
    for secret in secrets:
        assert secret not in written
