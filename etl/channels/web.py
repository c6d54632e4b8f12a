"""Asking one web server and nobody else: its address, its certificate and the size of its answers are checked.

A redirect, or an address in an answer, that leads to another scheme, host or port is refused: whoever writes an answer could
else have this server ask a machine within the province's network, or hand our password to a stranger. It must not read
what an answer holds.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO
from urllib.parse import quote, urljoin, urlsplit

import httpx

from etl.channels.connection import CONNECT_SECONDS, READ_SECONDS, Connection
from etl.channels.names import make_printable
from etl.channels.protocol import ChannelUnavailable
from etl.channels.refusals import RefusalCode

MOST_REDIRECTS = 5
WHOLE_ANSWER_SECONDS = 600.0
"""A peer that sends a byte a minute, of its header or body, must not keep the channel busy for days."""
PATIENCE = 100
"""Answers such as 500 in one look before the whole server is taken to be down; one that is broken off counts for thirty."""
_BROKEN_OFF = 30
_CHUNK_BYTES = 64 * 1024
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotNow(OSError):
    """This one thing cannot be had now; others may. It is asked for again at the next look."""


class NotTaken(Exception):
    """What was asked for is refused: `code` says why, `detail` is printable."""

    def __init__(self, code: RefusalCode, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


class WebServer:
    """One server. `connection` options: `ca` a file with the authority's certificate; `local=true` where the server's name
    leads to an address of the province's own network. A password alone is a bearer token. Plain http on this machine only.

    Raises ChannelUnavailable where that cannot be.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.address = connection.address
        literal = _read_address(connection.host)
        self._is_loopback = connection.host == "localhost" or (literal is not None and literal.is_loopback)
        # Who writes an address of the inner network into the connection means it; a name must not lead there by itself.
        self._is_local_meant = literal is not None or connection.is_on("local", default=False)
        if connection.scheme == "http" and not self._is_loopback:
            raise ChannelUnavailable(
                f"the connection {connection.name} would send its secret in clear: write https://, with ?ca=FILE where the "
                "server's certificate is of an authority of your own"
            )
        headers = {"Accept-Encoding": "gzip", "User-Agent": "movement-reports"}
        auth: httpx.Auth | None = None
        if connection.user:
            auth = httpx.BasicAuth(connection.user, connection.password)
        elif connection.password:
            if not connection.password.isascii():
                raise ChannelUnavailable(f"the token of the connection {connection.name} is not ASCII: correct it")
            headers["Authorization"] = f"Bearer {connection.password}"
        try:
            context = ssl.create_default_context(cafile=connection.file("ca"))
        except ssl.SSLError:
            raise ChannelUnavailable(
                f"the file that `ca` of the connection {connection.name} names holds no certificate: save it as PEM"
            ) from None
        # trust_env off: a proxy or a .netrc of whoever runs this must not see what is asked, nor the checks be for nothing.
        self._client = httpx.Client(
            verify=context, auth=auth, headers=headers, trust_env=False, follow_redirects=False,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        )  # fmt: skip
        self._is_checked = False
        self._stream: Any = None
        self._is_late = False
        self._patience = PATIENCE

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def locate(self, path: str) -> str:
        """The URL of a path (with its query) on this server."""
        return f"{self.address}/{quote(path.lstrip('/'), safe='/?&=%:@,;+~!*()$-._')}"

    def resolve(self, base: str, written: str) -> str:
        """The URL that an answer from `base` means. Raises NotTaken for any other server than this one."""
        try:
            url = urljoin(base, written.strip())
            parts = urlsplit(url)
            same = (parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)) == self._place
            host = parts.hostname or ""
            if same and not parts.username and not parts.password:
                url = url.partition("#")[0]
                # As the client reads it, too: control characters and half characters it does not.
                if httpx.URL(url).host == httpx.URL(self.address).host:
                    return url
        except (ValueError, httpx.InvalidURL):
            raise NotTaken(RefusalCode.HTTP_NOT_UNDERSTOOD, make_printable(written)) from None
        address = _read_address(host)
        is_local = host.rpartition(".")[2] == "localhost" or (address is not None and not address.is_global)
        code = RefusalCode.HTTP_LOCAL_ADDRESS if is_local else RefusalCode.HTTP_OTHER_HOST
        raise NotTaken(code, make_printable(f"{parts.scheme}://{host}"))

    @property
    def _place(self) -> tuple[str, str, int]:
        connection = self._connection
        return connection.scheme, connection.host, connection.port or _PORTS[connection.scheme]

    @contextmanager
    def ask(self, url: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Iterator[httpx.Response]:
        """The answer, its body not read yet: 200, to conditions also 304, to POST and DELETE any success. Redirects are
        followed on this server alone.

        Raises NotTaken (redirect elsewhere, gone, forbidden for this one thing), NotNow for other answers that concern it alone,
        ChannelUnavailable where the server does not let us in, or has answered so too often.
        """
        self._check_address()
        with self._hung_up_late():
            yield from self._ask(url, headers or {}, method)

    def _ask(self, url: str, headers: Mapping[str, str], method: str) -> Iterator[httpx.Response]:
        # Faults are explained here and not around the `yield`: what the caller raises while reading is not the peer's.
        for _ in range(MOST_REDIRECTS + 1):
            response = self._send(method, url, headers)
            try:
                self._check_peer(response)
                if response.status_code in _REDIRECTS and "location" in response.headers:
                    url = self.resolve(url, response.headers["location"])
                    continue
                is_good = 200 <= response.status_code < 300 if method != "GET" else response.status_code == 200
                if not is_good and not (response.status_code == 304 and headers):
                    raise self._judge_status(response.status_code)
                yield response
                return
            finally:
                response.close()
        raise NotTaken(RefusalCode.HTTP_TOO_MANY_REDIRECTS)

    def _send(self, method: str, url: str, headers: Mapping[str, str]) -> httpx.Response:
        try:
            request = self._client.build_request(
                method, url, headers=dict(headers), extensions={"trace": self._note_stream}
            )
            return self._client.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._explain(error) from None

    def _note_stream(self, event: str, info: Mapping[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._stream = info["return_value"]

    @contextmanager
    def _hung_up_late(self) -> Iterator[None]:
        """Ends what is asked for when it takes too long in all: the client's own limit is one for each piece of an answer."""
        timer = threading.Timer(WHOLE_ANSWER_SECONDS, self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _hang_up(self) -> None:
        self._is_late = True
        found = self._stream.get_extra_info("socket") if self._stream is not None else None
        if found is not None:
            with suppress(OSError):
                # Of the plain socket: that of TLS would take its state from the thread that reads.
                socket.socket.shutdown(found, socket.SHUT_RDWR)

    def copy_body(self, response: httpx.Response, target: BinaryIO, most: int) -> None:
        """Write the body, unpacked, to `target`. Raises NotTaken(TOO_LARGE) beyond `most` bytes, whatever was announced."""
        announced = response.headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:20]) > most:
            raise NotTaken(RefusalCode.TOO_LARGE, f"{announced[:20]} > {most}")
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", "x-gzip", ""):
            raise NotTaken(RefusalCode.HTTP_ENCODING, make_printable(encoding, 40))
        unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS) if "gzip" in encoding else None
        size = 0
        try:
            for chunk in response.iter_raw():
                for piece in _unpack(unpacker, chunk):
                    size += len(piece)
                    if size > most:
                        raise NotTaken(RefusalCode.TOO_LARGE, f"> {most}")
                    target.write(piece)
        except httpx.HTTPError as error:
            raise self._explain(error) from None
        except zlib.error:
            raise NotTaken(RefusalCode.HTTP_ENCODING) from None
        if unpacker is not None and not unpacker.eof:
            raise NotTaken(RefusalCode.HTTP_ENCODING)

    def _judge_status(self, status: int) -> Exception:
        if status in (404, 410):
            return NotTaken(RefusalCode.HTTP_GONE, str(status))
        if status == 403:
            return NotTaken(RefusalCode.HTTP_NOT_ALLOWED, str(status))
        if status in (401, 407):
            return ChannelUnavailable(
                f"{self.address} refuses user, password or token ({status}): correct the connection {self._connection.name}"
            )
        # 429 and 503 ask not to be asked so often.
        return self._tell_not_now(f"{self.address} answers {status}", PATIENCE if status in (429, 503) else 1)

    def _tell_not_now(self, what: str, cost: int) -> OSError:
        """For a thing that fails each time all the others must not wait; for a server that is down, not each be tried."""
        self._patience -= cost
        text = f"{what}; it is tried again at the next collection"
        return NotNow(text) if self._patience > 0 else ChannelUnavailable(text)

    def _check_address(self) -> None:
        """Where the name leads now: once a run, before anything is sent."""
        if self._is_checked:
            return
        connection = self._connection
        try:
            found = socket.getaddrinfo(connection.host, self._place[2], type=socket.SOCK_STREAM)
        except OSError:
            raise ChannelUnavailable(
                f"the name {connection.host} of the connection {connection.name} is not known: correct it, or look at the "
                "name service of this machine"
            ) from None
        for *_, place in found:
            self._check_reachable(str(place[0]))
        self._is_checked = True

    def _check_peer(self, response: httpx.Response) -> None:
        """Who answered: a name may lead elsewhere the second time that it is asked for."""
        stream = response.extensions.get("network_stream")
        peer = stream.get_extra_info("server_addr") if stream is not None else None
        if isinstance(peer, tuple):
            self._check_reachable(str(peer[0]))

    def _check_reachable(self, text: str) -> None:
        address = _read_address(text)
        if address is None or address.is_global or (self._is_loopback and address.is_loopback):
            return
        if self._is_local_meant and not (address.is_loopback or address.is_link_local or address.is_multicast):
            return
        raise ChannelUnavailable(
            f"the name {self._connection.host} of the connection {self._connection.name} leads to an address of the local "
            "network: where that is meant, add ?local=true to the connection"
        )

    def _explain(self, error: Exception) -> OSError:
        if self._is_late:
            self._is_late = False
            return self._tell_not_now(f"{self.address} sends too slowly", _BROKEN_OFF)
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return ChannelUnavailable(
                    f"{self.address} has a certificate that is not trusted ({cause.verify_message}): save the certificate "
                    "of the authority that issued it and name the file in the connection (?ca=FILE); nothing was sent"
                )
            if isinstance(cause, ssl.SSLError):
                return ChannelUnavailable(f"{self.address} offers no TLS that can be used ({cause.reason})")
            cause = cause.__cause__ or cause.__context__
        what = f"{self.address} does not answer or broke off ({type(error).__name__})"
        is_down = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        return self._tell_not_now(what, PATIENCE if is_down else _BROKEN_OFF)


def _unpack(unpacker: zlib._Decompress | None, chunk: bytes) -> Iterator[bytes]:
    """At most a chunk at a time: a kilobyte of gzip may hold a megabyte."""
    if unpacker is None:
        yield chunk
        return
    while chunk:
        yield unpacker.decompress(chunk, _CHUNK_BYTES)
        chunk = unpacker.unconsumed_tail


def _read_address(text: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # ::ffff:127.0.0.1 is 127.0.0.1.
    return getattr(address, "ipv4_mapped", None) or address
