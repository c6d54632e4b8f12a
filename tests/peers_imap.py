"""A real IMAP server (dovecot) on loopback with one account, as long as a `with` block lasts."""

from __future__ import annotations

import contextlib
import grp
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from certificates import Certificates, make_certificates
from rooms import open_room

USER, PASSWORD = "bao-cao", "mat-khau-thu"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class ImapPeer:
    """The server's plain port (which offers STARTTLS too), its TLS port, and the folder its mails lie in."""

    port: int
    tls_port: int
    mails: Path
    certificates: Certificates

    @property
    def url(self) -> str:
        """Without TLS: loopback only."""
        return f"imap://{USER}:{PASSWORD}@127.0.0.1:{self.port}/?tls=none"

    def url_of(self, scheme: str, authority: Path | None = None) -> str:
        port = self.tls_port if scheme == "imaps" else self.port
        return f"{scheme}://{USER}:{PASSWORD}@127.0.0.1:{port}/" + (f"?ca={authority}" if authority else "")

    def deliver(self, data: bytes, at: float | None = None, announced: int | None = None) -> Path:
        """Put a mail into the inbox as a delivery agent does; received at `at` (seconds since 1970).

        `announced`: the size that the file's name tells the server instead of its own.
        """
        number = next(_numbers)
        size = f",S={announced},W={announced}" if announced is not None else ""
        part = self.mails / "tmp" / f"{int(at or time.time())}.M{number:06d}P{os.getpid()}.peer{size}"
        part.write_bytes(data)
        if at is not None:
            os.utime(part, (at, at))
        _give_away(part)
        return part.rename(self.mails / "new" / part.name)

    def list_mails(self, folder: str = "") -> list[Path]:
        """The mails of the inbox, or of a folder as the server names it on disk (`.` and modified UTF-7)."""
        place = self.mails / folder if folder else self.mails
        return sorted(path for kind in ("new", "cur") for path in (place / kind).glob("*"))

    def rebuild(self) -> None:
        """What a server does after a damage or a move: the mails are the same, their numbers are given anew."""
        for index in self.mails.glob("dovecot*"):
            index.unlink()
        number = int(time.time()) + next(_numbers) * 1000
        list_file = self.mails / "dovecot-uidlist"
        list_file.write_text(f"3 V{number} N1000 G{'ab' * 16}\n")
        _give_away(list_file)


DOVECOT = shutil.which("dovecot") or "/usr/sbin/dovecot"


@contextlib.contextmanager
def run_imap() -> Iterator[ImapPeer]:
    """A fresh server with an empty mailbox. As root it runs as `nobody`, which is how PostgreSQL is run too."""
    if not Path(DOVECOT).exists():
        pytest.skip("no dovecot: tools/install_test_peers.sh installs dovecot-imapd")
    with open_room() as room:
        mails = room / "mails"
        for folder in (mails, *(mails / name for name in ("tmp", "new", "cur"))):
            folder.mkdir()
        certificates = make_certificates(room)
        plain, tls = _free_port(), _free_port()
        account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        config = room / "dovecot.conf"
        config.write_text(_configure(room, mails, certificates, plain, tls, account), "utf-8")
        for path in (room, *room.rglob("*")):
            _give_away(path)
        log = (room / "start.log").open("wb")
        server = subprocess.Popen(
            [DOVECOT, "-F", "-c", str(config)],
            stdout=log, stderr=log, user=account.pw_uid if os.geteuid() == 0 else None,
            group=account.pw_gid if os.geteuid() == 0 else None, extra_groups=[] if os.geteuid() == 0 else None,
        )  # fmt: skip
        try:
            _await_port(server, plain, room)
            yield ImapPeer(plain, tls, mails, certificates)
        finally:
            server.terminate()
            server.wait(20)
            log.close()


def _configure(
    room: Path, mails: Path, certificates: Certificates, plain: int, tls: int, account: pwd.struct_passwd
) -> str:
    group = grp.getgrgid(account.pw_gid).gr_name
    return f"""
protocols = imap
listen = 127.0.0.1
base_dir = {room}/run
state_dir = {room}/run
log_path = {room}/dovecot.log
default_internal_user = {account.pw_name}
default_internal_group = {group}
default_login_user = {account.pw_name}
first_valid_uid = 1
last_valid_uid = 0
first_valid_gid = 1
mail_location = maildir:{mails}
mail_max_userip_connections = 100
mailbox_list_index = no
ssl = yes
ssl_cert = <{certificates.certificate}
ssl_key = <{certificates.key}
disable_plaintext_auth = no
auth_mechanisms = plain
auth_failure_delay = 0
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={account.pw_uid} gid={account.pw_gid} home={room}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


def _give_away(path: Path) -> None:
    if os.geteuid() == 0:
        account = pwd.getpwnam("nobody")
        os.chown(path, account.pw_uid, account.pw_gid)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(server: subprocess.Popen[bytes], port: int, room: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if server.poll() is not None:
            break
        time.sleep(0.02)
    logs = [path.read_text("utf-8", "replace") for path in (room / "start.log", room / "dovecot.log") if path.exists()]
    raise RuntimeError("dovecot did not start:\n" + "\n".join(logs))
