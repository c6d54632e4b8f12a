"""A plain HTTP server of another system on loopback, as long as a `with` block lasts: an index in pages, and files."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from certificates import Certificates

USER, PASSWORD = "nguoi-thu", "mat-khau/+"
TOKEN = "ma-truy-cap"  # noqa: S105


class Request(BaseHTTPRequestHandler):
    """What one request asks; answers call `send`."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self.server.peer.answer(self)

    do_POST = do_DELETE = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the console."""

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        """An answer; header names with _ for -."""
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            if value:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    peer: HttpPeer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed, or does not trust us, is no fault of the server."""


@dataclass
class HttpPeer:
    """`files`: path -> bytes, listed at /danh-muc in pages of `page_size`. `pages`: path -> an answer of its own.

    `asked`: (method, path, status) of everything asked for. `deleted` and `told`: what was deleted, and what was posted to.
    """

    port: int
    scheme: str = "http"
    files: dict[str, bytes] = field(default_factory=dict)
    pages: dict[str, Callable[[Request], None]] = field(default_factory=dict)
    page_size: int = 100
    with_versions: bool = True
    with_etags: bool = True
    with_acknowledge: bool = False
    authorization: str | None = None
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)

    def url(self, secret: str = "", options: str = "") -> str:
        """The connection; `secret` such as `user:password@`."""
        return f"{self.scheme}://{secret}127.0.0.1:{self.port}/{options}"

    def answer(self, request: Request) -> None:
        parts = urlsplit(request.path)
        if self.authorization is not None and request.headers["Authorization"] != self.authorization:
            self._send(request, 401)
        elif parts.path in self.pages:
            self.asked.append((request.command, request.path, 0))
            self.pages[parts.path](request)
        elif parts.path == "/danh-muc":
            self._send_index(request, int(parse_qs(parts.query).get("trang", ["1"])[0]))
        elif parts.path.startswith("/da-nhan/") and request.command == "POST":
            self.told.add(parts.path.removeprefix("/da-nhan"))
            self._send(request, 204)
        elif parts.path in self.files and request.command == "DELETE":
            self.deleted.add(parts.path)
            del self.files[parts.path]
            self._send(request, 204)
        elif parts.path in self.files:
            self._send_tagged(request, self.files[parts.path])
        else:
            self._send(request, 404)

    def _send_index(self, request: Request, number: int) -> None:
        names = sorted(self.files)
        start = (number - 1) * self.page_size
        items = [self._describe(name) for name in names[start : start + self.page_size]]
        more = len(names) > start + self.page_size
        index = {"items": items, "next": f"?trang={number + 1}" if more else None}
        self._send_tagged(request, json.dumps(index).encode())

    def _describe(self, name: str) -> dict[str, Any]:
        data = self.files[name]
        item: dict[str, Any] = {"url": name, "name": name.rpartition("/")[2], "id": name, "size": len(data)}
        if self.with_versions:
            item["version"] = hashlib.sha256(data).hexdigest()[:12]
        if self.with_acknowledge:
            item["acknowledge"] = f"/da-nhan{name}"
        return item

    def _send_tagged(self, request: Request, body: bytes) -> None:
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"' if self.with_etags else ""
        if tag and request.headers["If-None-Match"] == tag:
            self._send(request, 304, ETag=tag)
        else:
            self._send(request, 200, body, ETag=tag)

    def _send(self, request: Request, status: int, body: bytes = b"", **headers: str) -> None:
        self.asked.append((request.command, request.path, status))
        request.send(status, body, **headers)


def basic(user: str, password: str) -> str:
    """The Authorization header of a user."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@contextlib.contextmanager
def run_http(certificates: Certificates | None = None) -> Iterator[HttpPeer]:
    """The server without files. With certificates it speaks TLS."""
    server = _Server(("127.0.0.1", 0), Request)
    if certificates is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate, certificates.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.peer = HttpPeer(server.server_address[1], "https" if certificates else "http")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
