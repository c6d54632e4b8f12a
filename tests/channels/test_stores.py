"""SFTP and S3 as channels, against real servers: who answers is verified, hostile names lead nowhere, the large is not read."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncssh
import pytest
from certificates import make_certificates
from offices import open_office
from peers_s3 import S3Peer, open_false_s3, open_s3_peer
from peers_sftp import SftpPeer, open_false_sftp, open_sftp_peer

from etl.channels import stores
from etl.channels.buckets import open_bucket
from etl.channels.connection import read_connection
from etl.channels.protocol import Channel, ChannelUnavailable, Part, Refused
from etl.channels.refusals import RefusalCode
from etl.channels.sftp import open_sftp
from etl.register.channels import AfterReceipt, ChannelKind, ChannelLine
from etl.settings import Settings
from etl.usecases.collect import collect_arrivals
from etl.usecases.context import open_context

SFTP = ChannelLine("sftp-tinh", ChannelKind.SFTP, "sftp_tinh", attribute_by_folder=True)
MOVING = ChannelLine("sftp-tinh", ChannelKind.SFTP, "sftp_tinh", after=AfterReceipt.MOVE)
BUCKET = ChannelLine("kho-tinh", ChannelKind.S3, "kho_tinh", path="gui-den", attribute_by_folder=True)
BOUND = 1024 * 1024
AGED = 1_780_000_000


@pytest.fixture(scope="module")
def sftp_server() -> Iterator[SftpPeer]:
    with open_sftp_peer() as peer:
        yield peer


@pytest.fixture
def sftp(sftp_server: SftpPeer) -> Iterator[SftpPeer]:
    """The server with an empty folder."""
    yield sftp_server
    for path in sorted(sftp_server.files.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def drop(peer: SftpPeer, name: str, data: bytes = b"1", at: float = AGED) -> Path:
    path = peer.files / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (at, at))
    return path


def take(channel: Channel) -> dict[str, bytes | str]:
    """Locator -> its bytes, or the code it is refused with."""
    found: dict[str, bytes | str] = {}
    for offer in channel.list_new():
        with channel.fetch(offer) as parts:
            for part in parts:
                found[offer.locator] = part.stream.read() if isinstance(part, Part) else part.code
        channel.acknowledge(offer)
    return found


def list_files(peer: SftpPeer) -> set[str]:
    return {path.relative_to(peer.files).as_posix() for path in peer.files.rglob("*") if not path.is_dir()}


def test_files_of_folders_are_taken_and_moved(sftp: SftpPeer) -> None:
    drop(sftp, "H14.SNV/báo cáo.xlsx", b"x" * 300_000)
    drop(sftp, "bc.xlsx", b"2")
    for name in (".bc.xlsx", "~$bc.xlsx", "bc.xlsx.filepart"):
        drop(sftp, name)
    drop(sftp, "da-nhan/bc.xlsx", b"of an earlier day")
    with open_sftp(MOVING, sftp.url(), BOUND) as channel:
        assert take(channel) == {"H14.SNV/báo cáo.xlsx": b"x" * 300_000, "bc.xlsx": b"2"}
        assert take(channel) == {}
    assert list_files(sftp) == {
        *("da-nhan/H14.SNV/báo cáo.xlsx", "da-nhan/bc.xlsx", "da-nhan/bc~2.xlsx"),
        *(".bc.xlsx", "~$bc.xlsx", "bc.xlsx.filepart"),
    }
    assert (sftp.files / "da-nhan/bc~2.xlsx").read_bytes() == b"2"


def test_a_file_that_grows_is_left_until_it_is_stable(sftp: SftpPeer) -> None:
    file = drop(sftp, "bc.xlsx", b"half")
    line = ChannelLine("sftp-tinh", ChannelKind.SFTP, "sftp_tinh", stable_after=60, after=AfterReceipt.MOVE)
    with open_sftp(line, sftp.url(), BOUND) as channel:
        channel._now = lambda: AGED + 59.0  # type: ignore[attr-defined]
        assert list(channel.list_new()) == []
        channel._now = lambda: AGED + 60.0  # type: ignore[attr-defined]
        (offer,) = channel.list_new()
        # It is written while it is read: the two looks differ.
        with pytest.raises(OSError, match="changed"), channel.fetch(offer) as parts:
            for part in parts:
                assert isinstance(part, Part)
                part.stream.read()
                file.write_bytes(b"whole")
        channel.acknowledge(offer)
        assert file.read_bytes() == b"whole"  # what was not collected is not moved


def test_links_and_large_files_are_refused_unread(sftp: SftpPeer, tmp_path: Path) -> None:
    secret = tmp_path / "secret.xlsx"
    secret.write_bytes(b"secret")
    for name, target in (("link.xlsx", secret), ("folder", tmp_path)):
        (sftp.files / name).symlink_to(target)
        os.utime(sftp.files / name, (AGED, AGED), follow_symlinks=False)
    with (sftp.files / "large.xlsx").open("wb") as stream:
        stream.truncate(2 * 1024**3)
    os.utime(sftp.files / "large.xlsx", (AGED, AGED))
    drop(sftp, "/".join("abcdefghi") + "/bc.xlsx")
    drop(sftp, "xấu\nxa.xlsx")
    with open_sftp(SFTP, sftp.url(), BOUND) as channel:
        found = take(channel)
    (marked,) = [name for name in found if "xa.xlsx" in name]
    assert found.pop(marked) == RefusalCode.NAME_UNSAFE
    assert marked.isprintable()
    assert found == {
        "link.xlsx": RefusalCode.NOT_REGULAR,
        "folder": RefusalCode.NOT_REGULAR,
        "large.xlsx": RefusalCode.TOO_LARGE,
        "a/b/c/d/e/f/g/h/i/bc.xlsx": RefusalCode.TOO_DEEP,
    }


def test_names_that_lead_out_of_the_folder_are_never_followed() -> None:
    listed = {
        b"../../etc/passwd": 1,
        b"/etc/passwd": 1,
        b"a/b.xlsx": 1,
        b"..": 1,
        b"x\x00y": 1,
        b"b\xe1o.xlsx": 1,
        b"bc.xlsx": 1,
    }
    with open_false_sftp(listed, "mật khẩu") as peer, open_sftp(SFTP, peer.url("mật khẩu"), BOUND) as channel:
        found = take(channel)
        assert {path.removeprefix(b"./") for path in peer.opened} == {b"b\xe1o.xlsx", b"bc.xlsx"}
    assert all(name.isprintable() for name in found)
    assert sorted(str(value) for value in found.values()) == sorted(["NAME-UNSAFE"] * 4 + ["b'1'"] * 2)


def test_a_server_whose_key_is_unknown_is_told_nothing(sftp: SftpPeer) -> None:
    drop(sftp, "bc.xlsx")
    real = asyncssh.import_public_key(sftp.host_key)
    other = " ".join(asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().split()[:2])
    rsa = " ".join(asyncssh.generate_private_key("ssh-rsa").export_public_key().decode().split()[:2])
    for key in ("", other, rsa):
        with pytest.raises(ChannelUnavailable) as error, open_sftp(SFTP, sftp.url(key), BOUND):
            pass
        assert real.get_fingerprint() in str(error.value)
        assert "add host_key=" in str(error.value)
        assert sftp.secret not in str(error.value)
    # Several keys, the body alone as Airflow has it, and a file of known hosts.
    for key in (f"{other},{sftp.host_key}", sftp.host_key.split()[1]):
        with open_sftp(SFTP, sftp.url(key), BOUND) as channel:
            assert take(channel) == {"bc.xlsx": b"1"}


def test_what_comes_again_with_the_size_and_time_of_old_is_read_again(
    sftp: SftpPeer, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Programs that send files keep their times: size and seconds tell an older version that was put there again from nothing."""
    lines = "".join(
        f"  - {{code: {after}, kind: sftp, connection: sftp_tinh, path: {sftp.files}/{after}, after: {after}}}\n"
        for after in ("keep", "move")
    )
    office = open_office(make_settings, tmp_path, lines, {"sftp_tinh": sftp.url()})
    for data, at in ((b"mot", AGED), (b"hai", AGED + 5), (b"mot", AGED), (b"ba!", AGED)):
        for after in ("keep", "move"):
            drop(sftp, f"{after}/bc.xlsx", data, at)
        if (data, at) == (b"ba!", AGED):
            (sftp.files / "keep" / "bc.xlsx").unlink()  # there the time alone would have to tell it
        for _ in range(2):
            with open_context(office.settings) as context:
                assert collect_arrivals(context).unavailable == ()
    query = "SELECT b.size, a.sha256 = encode(sha256('mot'), 'hex') FROM landing.arrival a JOIN landing.blob b USING (sha256) "
    assert [row[1] for row in office.ask(query + "WHERE channel = 'keep' ORDER BY a.id")] == [True, False, True]
    assert [row[1] for row in office.ask(query + "WHERE channel = 'move' ORDER BY a.id")] == [True, False, True, False]
    moved = sftp.files / "move" / "da-nhan"
    assert sorted(path.read_bytes() for path in moved.iterdir()) == [b"ba!", b"hai", b"mot", b"mot"]


def test_what_was_refused_stays_where_its_sender_finds_it(
    sftp: SftpPeer, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../ra-ngoai.xlsx", b"1")
    drop(sftp, "goi.zip", packed.getvalue())
    drop(sftp, "tot.xlsx")
    lines = "  - {code: sftp-tinh, kind: sftp, connection: sftp_tinh, after: move}\n"
    office = open_office(make_settings, tmp_path, lines, {"sftp_tinh": sftp.url()})
    for landed, refused in ((1, 1), (0, 0)):
        with open_context(office.settings) as context:
            summary = collect_arrivals(context)
        assert (summary.landed, summary.refused) == (landed, refused)
        names = sorted(path.relative_to(sftp.files).as_posix() for path in sftp.files.rglob("*") if path.is_file())
        assert names == ["da-nhan/tot.xlsx", "goi.zip"]


def test_a_file_of_known_hosts(sftp: SftpPeer, tmp_path: Path) -> None:
    drop(sftp, "bc.xlsx")
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{sftp.port} {sftp.host_key}\n", "utf-8")
    with open_sftp(SFTP, sftp.url("", known_hosts=str(known)), BOUND) as channel:
        assert take(channel) == {"bc.xlsx": b"1"}
    known.write_text(f"[127.0.0.1]:{sftp.port + 1} {sftp.host_key}\n", "utf-8")
    with (
        pytest.raises(ChannelUnavailable, match="SHA256:"),
        open_sftp(SFTP, sftp.url("", known_hosts=str(known)), BOUND),
    ):
        pass


def test_a_listing_has_an_end(sftp: SftpPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        drop(sftp, f"{number}.xlsx")
    monkeypatch.setattr(stores, "MOST_ENTRIES", 3)
    with open_sftp(SFTP, sftp.url(), BOUND) as channel:
        assert len(take(channel)) == 3
        assert channel.passed_over == 1  # counted with what was unreadable, so that somebody looks
    monkeypatch.setattr(stores, "MOST_ENTRIES", 4)
    with open_sftp(SFTP, sftp.url(), BOUND) as channel:
        assert (len(take(channel)), channel.passed_over) == (4, 0)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Peer]:
    with open_s3_peer() as peer:
        yield peer


def test_objects_are_taken_and_moved(s3: S3Peer) -> None:
    for name in ("H14.SNV/bc.xlsx", "báo cáo.xlsx", "a//b.xlsx", ".an.xlsx"):
        s3.put(f"gui-den/{name}", name.encode())
    s3.put("khac/bc.xlsx", b"not of this channel")
    moving = ChannelLine("kho-tinh", ChannelKind.S3, "kho_tinh", path="gui-den", after=AfterReceipt.MOVE)
    with open_bucket(moving, s3.url(), BOUND) as channel:
        assert take(channel) == {
            "H14.SNV/bc.xlsx": b"H14.SNV/bc.xlsx",
            "báo cáo.xlsx": "báo cáo.xlsx".encode(),
            "a//b.xlsx": RefusalCode.NAME_UNSAFE,
        }
    kept = {"gui-den/a//b.xlsx", "gui-den/.an.xlsx", "khac/bc.xlsx"}
    assert set(s3.list_keys()) == {"gui-den/da-nhan/H14.SNV/bc.xlsx", "gui-den/da-nhan/báo cáo.xlsx", *kept}


def test_an_object_that_changed_is_neither_read_nor_moved(s3: S3Peer) -> None:
    s3.put("doi/bc.xlsx", b"first")
    line = ChannelLine("kho-tinh", ChannelKind.S3, "kho_tinh", path="doi", after=AfterReceipt.MOVE)
    with open_bucket(line, s3.url(), BOUND) as channel:
        (offer,) = channel.list_new()
        s3.put("doi/bc.xlsx", b"second")
        with pytest.raises(FileNotFoundError, match="changed"), channel.fetch(offer):
            pass
        channel.acknowledge(offer)
        assert [key for key in s3.list_keys() if key.startswith("doi")] == ["doi/bc.xlsx"]
        assert take(channel) == {"bc.xlsx": b"second"}
    assert [key for key in s3.list_keys() if key.startswith("doi")] == ["doi/da-nhan/bc.xlsx"]


def test_keys_that_are_no_paths_and_sizes_beyond_the_bound_are_refused_unread() -> None:
    listed = {
        "gui-den/../x": 1,
        "gui-den//etc/passwd": 1,
        "gui-den/a\nb": 1,
        "khac/x": 1,
        "gui-den/large.xlsx": 2 * 1024**3,
    }
    with open_false_s3(listed) as peer, open_bucket(BUCKET, peer.url(), BOUND) as channel:
        found = take(channel)
        assert peer.asked == []
    assert found.pop("large.xlsx") == RefusalCode.TOO_LARGE
    assert set(found.values()) == {RefusalCode.NAME_UNSAFE}
    assert len(found) == 3
    assert all(name.isprintable() for name in found)


def test_the_certificate_of_the_store_is_verified(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    own, other = make_certificates(tmp_path), make_certificates(tmp_path / "other")
    with open_s3_peer(own) as peer:
        peer.put("gui-den/bc.xlsx", b"1")
        for options in ("", f"?ca={other.authority}"):
            with (
                pytest.raises(ChannelUnavailable, match="could not be verified") as error,
                open_bucket(BUCKET, peer.url(options), BOUND) as channel,
            ):
                take(channel)
            assert "bi-mat" not in str(error.value)
        with open_bucket(BUCKET, peer.url(), BOUND) as channel:
            assert take(channel) == {"bc.xlsx": b"1"}


def test_what_is_wrong_with_a_connection_is_told_without_its_secret(s3: S3Peer) -> None:
    cases = {
        s3.url(bucket="khong-co"): "no bucket",
        "s3://khoa:bi-mat@127.0.0.1:1/bao-cao?tls=false": "cannot be reached",
        "s3://khoa:bi-mat@kho.tinh.example/bao-cao?tls=false": "in clear",
        "s3://khoa:bi-mat@127.0.0.1:1/": "names no bucket",
        "s3://127.0.0.1:1/bao-cao": "no access key",
        "s3://khoa:bi-mat@127.0.0.1:1/bao-cao?tsl=false": "not known",
        "s3://khoa:bi-mat@127.0.0.1:1/bao-cao?ca=/bi-mat/ca.pem": "cannot be read",
        "s3://khoa:bi-mat@127.0.0.1:cong/bao-cao": "no URL",
        "khoa:bi-mat": "must be a URL",
    }
    for url, reason in cases.items():
        with pytest.raises(ChannelUnavailable, match=reason) as error, open_bucket(BUCKET, url, BOUND) as channel:
            take(channel)
        assert "bi-mat" not in str(error.value)


def test_a_connection_shows_name_and_address_only() -> None:
    known = read_connection("kho", "s3://khoa:bi%2Fmat@kho.example:9000/thung?tls=true", ("s3",), ("tls",))
    assert (known.user, known.password, known.path, known.address) == (
        "khoa",
        "bi/mat",
        "/thung",
        "s3://kho.example:9000",
    )
    assert repr(known) == "Connection(name='kho', scheme='s3', host='kho.example', port=9000)"


def test_a_refusal_names_what_was_announced(sftp: SftpPeer) -> None:
    drop(sftp, "lớn.xlsx", b"x" * (BOUND + 1))
    with open_sftp(SFTP, sftp.url(), BOUND) as channel:
        (offer,) = channel.list_new()
        with channel.fetch(offer) as parts:
            (part,) = parts
    assert isinstance(part, Refused)
    assert (part.file_name, part.code, part.detail) == (
        "lớn.xlsx", RefusalCode.TOO_LARGE, f"{BOUND + 1} bytes are announced, {BOUND} are allowed",
    )  # fmt: skip
