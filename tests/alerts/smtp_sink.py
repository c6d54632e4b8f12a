"""A mail server on loopback that keeps what it is given, and may refuse or be told to do something in the middle."""

from __future__ import annotations

import email
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


@dataclass
class Mail:
    """One message as the server took it."""

    to: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        parsed = email.message_from_bytes(self.raw, policy=SMTP)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def message_id(self) -> str:
        for line in self.raw.split(b"\r\n"):
            if line.lower().startswith(b"message-id:"):
                return line.partition(b":")[2].strip().decode()
        raise AssertionError("no Message-ID")


@dataclass
class Sink:
    """`answer(address)` may refuse a recipient with a line such as "550 no such user"; `on_data` is called after the message
    was kept and before the server says so."""

    mails: list[Mail] = field(default_factory=list)
    answer: Callable[[str], str | None] = lambda _: None
    on_data: Callable[[Mail], str | None] = lambda _: None
    port: int = 0
    arrived: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        refused = self.answer(address)
        if refused:
            return refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        (to,) = envelope.rcpt_tos
        mail = Mail(to, envelope.content)
        with self.arrived:
            self.mails.append(mail)
            self.arrived.notify_all()
        return self.on_data(mail) or "250 OK"


class _Listener(Controller):
    """aiosmtpd asks for port 0 and then tries port 0 itself."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def open_sink(
    tls: ssl.SSLContext | None = None, password: str | None = None, *, host: str = "127.0.0.1"
) -> Iterator[Sink]:
    """A sink on a free port; with `tls` it offers STARTTLS, with `password` it asks for it."""
    sink = Sink()
    options: dict[str, Any] = {}
    if tls is not None:
        options |= {"tls_context": tls, "require_starttls": True}
    if password is not None:

        def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
            right = isinstance(data, LoginPassword) and data.password.decode() == password
            return AuthResult(success=right, handled=False)

        options |= {"authenticator": check, "auth_required": True, "auth_require_tls": tls is not None}
    listener = _Listener(sink, hostname=host, port=0, **options)
    listener.start()
    sink.port = listener.port
    try:
        yield sink
    finally:
        listener.stop()
