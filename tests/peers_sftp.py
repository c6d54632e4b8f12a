"""A real SFTP server (OpenSSH) on loopback, as long as a `with` block lasts. It runs as the account that runs the tests."""

from __future__ import annotations

import getpass
import io
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncssh
import pytest
from fsspec.asyn import get_loop, sync
from rooms import open_room

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
PRIVILEGED = os.geteuid() == 0


@dataclass
class SftpPeer:
    """`files` is the folder that the server shows; `host_key` its public key as known_hosts has it."""

    port: int
    files: Path
    host_key: str
    user_key: Path
    process: subprocess.Popen[bytes]

    @property
    def secret(self) -> str:
        """What must never be seen: the body of the user's private key."""
        return self.user_key.read_text("ascii").splitlines()[2]

    def url(self, host_key: str | None = None, **options: str) -> str:
        """The connection; `host_key=""` leaves the server's key out."""
        given = {
            "host_key": self.host_key if host_key is None else host_key,
            "private_key": self.user_key.read_text("ascii"),
        }
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in (given | options).items() if value)
        return f"sftp://{quote(getpass.getuser())}@127.0.0.1:{self.port}?{query}"


def find_port() -> int:
    """A free port of loopback."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def require_sshd() -> None:
    """Skips the test, and says what is missing, where there is no sshd that could be started."""
    if not Path(SSHD).exists():
        pytest.skip("no sshd: tools/install_test_peers.sh installs openssh-server")
    if PRIVILEGED:
        Path("/run/sshd").mkdir(exist_ok=True)  # where root's sshd puts itself apart


@contextmanager
def open_sftp_peer() -> Iterator[SftpPeer]:
    """The server with one account and one folder; skips without sshd."""
    require_sshd()
    with open_room() as room:
        host, user = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
        host_file, user_file = room / "host_key", room / "user_key"
        for key, file in ((host, host_file), (user, user_file)):
            file.write_bytes(key.export_private_key())
            file.chmod(0o600)
        (room / "authorized").write_bytes(user.export_public_key())
        files = room / "files"
        files.mkdir()
        port = find_port()
        (room / "config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {host_file}\nAuthorizedKeysFile {room / 'authorized'}\n"
            "PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n"
            f"StrictModes no\nPidFile none\nMaxStartups 50\nSubsystem sftp internal-sftp -d {files}\n",
            "utf-8",
        )
        process = start_process([SSHD, "-D", "-e", "-f", str(room / "config")], port, room / "log")
        try:
            yield SftpPeer(
                port, files, " ".join(host.export_public_key().decode().split()[:2]), user_file, process
            )  # fmt: skip
        finally:
            process.terminate()
            process.wait()


def start_process(
    command: list[str], port: int, log: Path, environment: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """A server that answers on its port, or a failure with what it said."""
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env=environment)
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return process
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                pytest.fail(f"{command[0]} does not answer: {log.read_text('utf-8', 'replace')[-2000:]}")
            time.sleep(0.02)


@dataclass
class FalseSftp:
    """A server that lists what it likes and lets a password in. `opened`: what was asked for."""

    port: int
    host_key: str
    opened: list[bytes]

    def url(self, password: str) -> str:
        return f"sftp://nguoi-thu:{quote(password, safe='')}@127.0.0.1:{self.port}?host_key={quote(self.host_key, safe='')}"


@contextmanager
def open_false_sftp(listed: Mapping[bytes, int], password: str, data: bytes = b"1") -> Iterator[FalseSftp]:
    """Lists names with sizes, whatever they are, in every folder; each file holds `data`, whatever is said of it."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    opened: list[bytes] = []

    def attributes(size: int) -> asyncssh.SFTPAttrs:
        return asyncssh.SFTPAttrs(
            size=size, permissions=0o100644, uid=0, gid=0, atime=1_000_000_000, mtime=1_000_000_000
        )

    class Files(asyncssh.SFTPServer):
        async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
            for name, size in listed.items():
                yield asyncssh.SFTPName(name, b"", attributes(size))

        def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
            return attributes(listed.get(path.rpartition(b"/")[2], 1))

        stat = lstat

        def fstat(self, file: object) -> asyncssh.SFTPAttrs:
            return attributes(1)

        def open(self, path: bytes, flags: int, attrs: asyncssh.SFTPAttrs) -> object:
            opened.append(path)
            return io.BytesIO(data)

    class Login(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, given: str) -> bool:
            return given == password

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.create_server(
            Login, "127.0.0.1", 0, server_host_keys=[key], sftp_factory=Files, encoding=None, config=None
        )

    listener = sync(get_loop(), listen)
    try:
        public = " ".join(key.export_public_key().decode().split()[:2])
        yield FalseSftp(listener.sockets[0].getsockname()[1], public, opened)
    finally:
        get_loop().call_soon_threadsafe(listener.close)
