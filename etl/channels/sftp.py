"""SFTP as a channel: the host key is verified before anything is said, names are bytes, links are never followed.

It must not ask anybody, nor trust a host key because it is the first one seen.
"""

from __future__ import annotations

import asyncio
import base64
import io
import logging
import stat
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, BinaryIO, Final, TypeVar, cast
from urllib.parse import quote

import asyncssh
from fsspec.asyn import get_loop, sync

from etl.channels.connection import CONNECT_SECONDS, READ_SECONDS, Connection, read_connection
from etl.channels.protocol import ChannelUnavailable
from etl.channels.refusals import RefusalCode
from etl.channels.stores import Entry, StoreChannel, judge
from etl.register.channels import AfterReceipt, ChannelLine
from etl.text import show_name

log = logging.getLogger(__name__)

OPTIONS: Final = ("host_key", "known_hosts", "key_file", "private_key", "passphrase")
"""`host_key`: the server's public key (`ssh-ed25519 AAAA…`), several with commas between; or `known_hosts`: a file of such.
`key_file`, or `private_key` itself, with its `passphrase`: instead of a password."""

_Result = TypeVar("_Result")
_OF_ONE_FILE = (
    asyncssh.SFTPNoSuchFile,
    asyncssh.SFTPNoSuchPath,
    asyncssh.SFTPPermissionDenied,
    asyncssh.SFTPFailure,
    asyncssh.SFTPInvalidHandle,
    asyncssh.SFTPInvalidFilename,
    asyncssh.SFTPFileIsADirectory,
    asyncssh.SFTPLockConflict,
)
"""Answers that concern a file and say nothing of the channel."""


@contextmanager
def open_sftp(line: ChannelLine, url: str, max_bytes: int) -> Iterator[StoreChannel]:
    """The channel of a line, connected. Raises ChannelUnavailable."""
    logging.getLogger("asyncssh").setLevel(logging.WARNING)  # it names accounts
    known = read_connection(line.connection, url, ("sftp",), OPTIONS)
    if known.path.strip("/"):
        raise ChannelUnavailable(f"the connection {known.name} has a path: that stands in channels.yaml, take it away")
    client = _run(known, lambda: _connect(known))
    try:
        sftp = _run(known, lambda: _start(client))
        yield StoreChannel(line, _SftpStore(line, known, sftp), max_bytes)
    finally:
        client.abort()


class _SftpStore:
    fetchers = 4
    coarse_seconds = 2  # the protocol tells times in whole seconds

    def __init__(self, line: ChannelLine, known: Connection, sftp: asyncssh.SFTPClient) -> None:
        self.passed_over = 0
        self._known = known
        self._sftp = sftp
        self._base = (line.path or ".").encode()
        self._done = line.done_folder.encode() if line.after is AfterReceipt.MOVE else None

    def list_entries(self, most: int) -> tuple[list[Entry], bool]:
        """See Store."""
        return _run(self._known, lambda: self._list(most))

    async def _list(self, most: int) -> tuple[list[Entry], bool]:
        self.passed_over = 0
        found: list[Entry] = []
        folders: list[tuple[bytes, ...]] = [()]
        seen = 0
        while folders:
            here = folders.pop()
            try:
                if here and _kind_of(await self._lstat(here)) is not stat.S_ISDIR:
                    found.append(Entry(here, "no folder", None, None, fault=RefusalCode.NOT_REGULAR))
                    continue
                async for name, attributes in self._scan(here):
                    seen += 1
                    if seen > most:
                        return found, False
                    steps = (*here, name)
                    verdict = judge(steps, self._done)
                    if verdict is False:
                        continue
                    fault = verdict if isinstance(verdict, RefusalCode) else None
                    kind = _kind_of(attributes)
                    if kind is stat.S_ISDIR and fault is None:
                        folders.append(steps)
                    else:
                        if kind is not stat.S_ISREG:
                            fault = fault or RefusalCode.NOT_REGULAR
                        modified = None if attributes.mtime is None else float(attributes.mtime)
                        found.append(Entry(steps, _stamp(attributes), attributes.size, modified, fault=fault))
            except _OF_ONE_FILE as error:
                self._tell_unlisted(here, error)
        return found, True

    def _tell_unlisted(self, here: tuple[bytes, ...], error: asyncssh.SFTPError) -> None:
        why = type(error).__name__.removeprefix("SFTP")
        if not here:
            raise ChannelUnavailable(
                f"{self._known.address}: the folder of this channel cannot be listed ({why}): create it there, let the "
                "account read it, or correct `path` in channels.yaml"
            ) from None
        self.passed_over += 1
        log.warning("not listed: %s (%s)", show_name(b"/".join(here).decode("utf-8", "surrogateescape")), why)

    async def _scan(self, here: tuple[bytes, ...]) -> AsyncIterator[tuple[bytes, asyncssh.SFTPAttrs]]:
        async with asyncio.timeout(READ_SECONDS) as limit:
            async for item in self._sftp.scandir(self._path(here)):
                limit.reschedule(asyncio.get_running_loop().time() + READ_SECONDS)
                name = item.filename if isinstance(item.filename, bytes) else item.filename.encode()
                if name not in (b".", b".."):
                    yield name, item.attrs

    @contextmanager
    def open(self, entry: Entry) -> Iterator[BinaryIO]:
        """See Store."""
        file = _run(self._known, lambda: self._open(entry))
        try:
            yield cast("BinaryIO", _RemoteFile(self._known, file))
            _run(self._known, lambda: self._require_same(entry))
        finally:
            _run(self._known, lambda: _close(file))

    async def _open(self, entry: Entry) -> asyncssh.SFTPClientFile:
        await self._require_same(entry)
        file = await self._sftp.open(self._path(entry.steps), "rb")
        # Opening follows links: what was opened must be what was looked at.
        if _stamp(await file.stat()) != entry.stamp:
            await file.close()
            raise OSError("it changed since it was listed")
        return file

    async def _require_same(self, entry: Entry) -> None:
        if not await self._is_same(entry.steps, entry.stamp):
            raise OSError("it changed while it was read")

    async def _is_same(self, steps: tuple[bytes, ...], stamp: str) -> bool:
        found = await self._lstat(steps)
        return _kind_of(found) is stat.S_ISREG and _stamp(found) == stamp

    def move(self, entry: Entry, folder: str) -> None:
        """See Store."""
        try:
            _run(self._known, lambda: self._move(entry, (folder.encode(), *entry.steps)))
        except ChannelUnavailable:
            raise
        except FileNotFoundError:
            return
        except OSError as error:
            raise ChannelUnavailable(
                f"{self._known.address}: files taken cannot be moved to {folder} ({error.strerror or error}): let the account "
                "write there, or set `after: keep` in channels.yaml"
            ) from None

    async def _move(self, entry: Entry, target: tuple[bytes, ...]) -> None:
        if not await self._is_same(entry.steps, entry.stamp):
            return
        await self._make_folders(target[:-1])
        moved = await self._rename(entry.steps, target)
        if not await self._is_same(moved, entry.stamp):
            # Its sender wrote a newer one in the same moment: that has not been collected, so back it goes.
            await self._rename(moved, entry.steps)

    async def _make_folders(self, steps: tuple[bytes, ...]) -> None:
        for length in range(1, len(steps) + 1):
            try:
                found = await self._lstat(steps[:length])
            except asyncssh.SFTPNoSuchFile:
                try:
                    await self._sftp.mkdir(self._path(steps[:length]))
                    continue
                except (asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists):
                    found = await self._lstat(steps[:length])  # another was faster by a moment
            if _kind_of(found) is not stat.S_ISDIR:
                raise OSError("a folder on the way is a link or a file")

    async def _rename(self, source: tuple[bytes, ...], target: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Never over another file: a name with a number is taken instead."""
        stem, dot, extension = target[-1].rpartition(b".")
        free, number = target, 1
        while await self._sftp.lexists(self._path(free)):
            number += 1
            mark = b"~%d" % number
            free = (*target[:-1], stem + mark + dot + extension if dot else extension + mark)
        await self._sftp.rename(self._path(source), self._path(free))
        return free

    async def _lstat(self, steps: tuple[bytes, ...]) -> asyncssh.SFTPAttrs:
        async with asyncio.timeout(READ_SECONDS):
            return await self._sftp.lstat(self._path(steps))

    def _path(self, steps: tuple[bytes, ...]) -> bytes:
        return b"/".join((self._base.rstrip(b"/") or b"/", *steps)) if steps else self._base


class _RemoteFile(io.RawIOBase):
    """A file of the server, read once, in order."""

    def __init__(self, known: Connection, file: asyncssh.SFTPClientFile) -> None:
        self._known = known
        self._file = file

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return _run(self._known, lambda: self._read(size))

    async def _read(self, size: int) -> bytes:
        async with asyncio.timeout(READ_SECONDS):
            return await self._file.read(size)


def _stamp(attributes: asyncssh.SFTPAttrs) -> str:
    return f"{attributes.size}-{attributes.mtime}"


def _kind_of(attributes: asyncssh.SFTPAttrs) -> Callable[[int], bool] | None:
    """stat.S_ISREG, S_ISDIR, or None for links, pipes, and what the server does not tell."""
    if attributes.permissions is not None:
        for kind in (stat.S_ISREG, stat.S_ISDIR):
            if kind(attributes.permissions):
                return kind
    elif attributes.type == asyncssh.FILEXFER_TYPE_REGULAR:
        return stat.S_ISREG
    elif attributes.type == asyncssh.FILEXFER_TYPE_DIRECTORY:
        return stat.S_ISDIR
    return None


async def _connect(known: Connection) -> asyncssh.SSHClientConnection:
    trusted = _read_trusted(known)
    if trusted is None:
        await _refuse_key(known, "names neither host_key nor known_hosts: it is not known who should answer there")
    try:
        return await asyncssh.connect(
            known.host,
            known.port or 22,
            username=known.user or "anonymous",
            password=known.password or None,
            client_keys=_read_keys(known),
            known_hosts=trusted,
            # Nothing of the account that the collector runs in: no configuration, agent, or key that nobody named.
            config=None,
            agent_path=None,
            gss_host=None,
            x509_trusted_certs=None,
            connect_timeout=CONNECT_SECONDS,
            login_timeout=CONNECT_SECONDS,
            keepalive_interval=15,
        )
    except asyncssh.PermissionDenied:
        raise ChannelUnavailable(
            f"{known.address} does not let the account of the connection {known.name} in: correct its user, password or key"
        ) from None
    except (
        asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost, ConnectionResetError,
    ):  # fmt: skip
        # Also where the server breaks off, because it has no key of the kind that is known of it.
        await _refuse_key(known, "does not know that key", trusted)
        raise


async def _refuse_key(known: Connection, why: str, trusted: Any = None) -> None:
    """Raises ChannelUnavailable with the key that the server shows, unless that is a trusted one. Nothing was said to it."""
    port = known.port or 22
    async with asyncio.timeout(CONNECT_SECONDS):
        key = await asyncssh.get_server_host_key(known.host, port, config=None)
    if key is None:
        raise ChannelUnavailable(f"{known.address} shows no host key: it cannot be verified")
    if trusted is not None:
        keys = trusted[0] if isinstance(trusted, tuple) else trusted.match(known.host, "", port)[0]
        if key in keys:
            return
    public = " ".join(key.export_public_key("openssh").decode().split()[:2])
    raise ChannelUnavailable(
        f"{known.address} shows the host key {key.get_fingerprint()} ({key.get_algorithm()}), and the connection "
        f"{known.name} {why}. Ask whoever runs the server for its fingerprint, not over this line; where it is the same, add "
        f"host_key={quote(public, safe='')} to the connection. If another key was known before, find out why it changed first"
    )


def _read_trusted(known: Connection) -> Any:
    """What asyncssh takes as known hosts; None where the connection names none."""
    keys = []
    for text in known.option("host_key").split(","):
        if not text.strip():
            continue
        # "ssh-ed25519 AAAA…", or as Airflow has it: the base64 alone, which begins with the length and name of the kind.
        parts = text.split()
        try:
            if len(parts) == 1:
                raw = base64.b64decode(parts[0], validate=True)
                parts.insert(0, raw[4 : 4 + int.from_bytes(raw[:4], "big")].decode("ascii"))
            keys.append(asyncssh.import_public_key(" ".join(parts)))
        except (asyncssh.KeyImportError, ValueError):
            raise ChannelUnavailable(
                f"host_key of the connection {known.name} is no public key: write it as in known_hosts, such as "
                "ssh-ed25519 AAAA… with the blank as %20"
            ) from None
    if keys:
        return keys, [], []
    path = known.file("known_hosts")
    if path is None:
        return None
    try:
        return asyncssh.read_known_hosts(path)
    except (ValueError, OSError):
        raise ChannelUnavailable(
            f"known_hosts of the connection {known.name} is no such file: check its lines"
        ) from None


def _read_keys(known: Connection) -> list[asyncssh.SSHKey] | None:
    text, path = known.option("private_key"), known.file("key_file")
    passphrase = known.option("passphrase") or None
    try:
        if text:
            return [asyncssh.import_private_key(text, passphrase)]
        return [asyncssh.read_private_key(path, passphrase)] if path else None
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        raise ChannelUnavailable(
            f"the private key of the connection {known.name} cannot be read: check it and its passphrase"
        ) from None


async def _start(client: asyncssh.SSHClientConnection) -> asyncssh.SFTPClient:
    async with asyncio.timeout(READ_SECONDS):
        # Names as bytes: one that is no UTF-8 must not end the listing.
        return await client.start_sftp_client(path_encoding=None)


async def _close(file: asyncssh.SFTPClientFile) -> None:
    async with _ignore_errors(), asyncio.timeout(READ_SECONDS):
        await file.close()


@asynccontextmanager
async def _ignore_errors() -> AsyncIterator[None]:
    try:
        yield
    except (OSError, asyncssh.Error):
        return


def _run(known: Connection, make: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
    """The result of the coroutine, its errors as a channel tells them: of one file an OSError, else ChannelUnavailable.

    The server's own words are not repeated.
    """
    try:
        result: _Result = sync(get_loop(), make)
    except (ChannelUnavailable, FileNotFoundError):
        raise
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
        raise FileNotFoundError("it is gone") from None
    except _OF_ONE_FILE as error:
        raise OSError(f"refused by the server: {type(error).__name__.removeprefix('SFTP')}") from None
    except TimeoutError:
        raise ChannelUnavailable(
            f"{known.address} did not answer in time: see that the server runs and that no firewall stands between"
        ) from None
    except asyncssh.Error as error:
        raise ChannelUnavailable(
            f"{known.address} broke off ({type(error).__name__}): see that the server runs and offers SFTP to this account"
        ) from None
    except OSError as error:
        if error.errno is None and not isinstance(error, ConnectionError):
            raise  # ours, of one file
        raise ChannelUnavailable(
            f"{known.address} cannot be reached ({error.strerror or type(error).__name__}): see that the server runs, and "
            f"that host and port of the connection {known.name} are right"
        ) from None
    return result
