"""Mail over SMTP with the standard library: TLS checked, no password in clear, faults told apart.

It must not put an address, a password or a server's words into an error: those end in logs.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from ipaddress import ip_address
from typing import Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from etl.alerts.channels import ChannelDown, LetterRefused

TIMEOUT_SECONDS = 30.0
VARIABLE = "MOVEMENT_REPORTS_SMTP_URL"
_CLOSING = 421
_PORTS = {"smtp": 587, "smtps": 465}

Security = Literal["tls", "starttls", "none"]


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in. `tls`: from the first byte; `starttls`: before anything else; `none`: never with a password."""

    host: str
    port: int
    security: Security
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None

    @property
    def name(self) -> str:
        """For messages: host and port."""
        return f"{self.host}:{self.port}"


def read_smtp_url(url: str) -> SmtpServer:
    """`smtp://[user:password@]host[:port]` (STARTTLS) or `smtps://…` (TLS), `?tls=none` for a server without TLS, `?ca=FILE`
    for one with a certificate of one's own authority. Without `tls`, loopback goes without.

    Raises ValueError, without repeating the text, which may hold a password.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
        options = parse_qs(parts.query, strict_parsing=bool(parts.query), max_num_fields=4)
    except ValueError:
        raise _wrong("is no URL") from None
    if parts.scheme not in _PORTS or not host or parts.path not in ("", "/"):
        raise _wrong("names no mail server")
    unknown = set(options) - {"tls", "ca"}
    if unknown:
        raise _wrong("has a setting other than tls and ca")
    wanted = options.get("tls", ["tls" if parts.scheme == "smtps" else "none" if _is_loopback(host) else "starttls"])[
        -1
    ]
    if wanted not in ("tls", "starttls", "none"):
        raise _wrong("has a tls setting other than tls, starttls and none")
    security: Security = "tls" if wanted == "tls" else "starttls" if wanted == "starttls" else "none"
    if (parts.scheme == "smtps") is not (security == "tls"):
        raise _wrong("asks for TLS in one place and not in the other")
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    if not f"{user or ''}{password or ''}".isascii():
        raise _wrong("has a user or password with letters that a mail server does not take")
    if user and security == "none" and not _is_loopback(host):
        raise _wrong("would send a password in clear: leave out tls=none")
    return SmtpServer(host, port or _PORTS[parts.scheme], security, user, password, options.get("ca", [None])[-1])


def _wrong(what: str) -> ValueError:
    return ValueError(
        f"{VARIABLE} {what}. Write smtp://USER:PASSWORD@HOST:587 (STARTTLS) or smtps://USER:PASSWORD@HOST:465, with special "
        "signs in the password as %XX."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class SmtpChannel:
    """One connection for a run, opened with the first letter and anew after the server closed it."""

    def __init__(self, server: SmtpServer, sender: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self._server = server
        self._sender = sender
        self._timeout = timeout
        self._connection: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.quit()
            except (smtplib.SMTPException, OSError):
                connection.close()

    def send(self, message: EmailMessage, address: str) -> None:
        """Hand over one message to one address. Raises ChannelDown, LetterRefused."""
        for again in (True, False):
            fresh = self._connection is None
            try:
                connection = self._connection or self._connect()
                # One recipient a mail: refused recipients are an exception, never a silent part of success.
                connection.send_message(message, self._sender, [address])
                return
            except ChannelDown:
                raise
            except smtplib.SMTPServerDisconnected as error:
                self._drop()
                # An idle connection that the server closed meanwhile; a fresh one that closes is a fault. The letter was
                # not acknowledged: sent again it has the same Message-ID.
                if fresh or not again:
                    raise ChannelDown(f"mail server {self._server.name} closed the connection") from error
            except smtplib.SMTPRecipientsRefused as error:
                code = next(iter(error.recipients.values()))[0]
                self._refuse_if_closing(code)
                raise LetterRefused(f"recipient refused {code}", for_good=code >= 500) from None
            except smtplib.SMTPSenderRefused as error:
                self._drop()
                raise ChannelDown(
                    f"mail server {self._server.name} refuses our sender address ({error.smtp_code})"
                ) from None
            except smtplib.SMTPNotSupportedError as error:
                raise LetterRefused("not supported by the server", for_good=True) from error
            except smtplib.SMTPResponseException as error:
                self._refuse_if_closing(error.smtp_code)
                raise LetterRefused(f"message refused {error.smtp_code}", for_good=error.smtp_code >= 500) from None
            except OSError as error:
                self._drop()
                raise ChannelDown(f"mail server {self._server.name}: {type(error).__name__}") from error

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        try:
            connection: smtplib.SMTP
            if server.security == "tls":
                connection = smtplib.SMTP_SSL(server.host, server.port, timeout=self._timeout, context=self._context())
            else:
                connection = smtplib.SMTP(server.host, server.port, timeout=self._timeout)
            self._connection = connection
            if server.security == "starttls":
                connection.starttls(context=self._context())
            if server.user:
                connection.login(server.user, server.password or "")
        except ssl.SSLError as error:
            self._drop()
            raise ChannelDown(f"mail server {server.name}: no trusted TLS ({error.reason})") from None
        except smtplib.SMTPAuthenticationError as error:
            self._drop()
            raise ChannelDown(f"mail server {server.name} refuses user or password ({error.smtp_code})") from None
        except (smtplib.SMTPException, OSError, socket.gaierror) as error:
            self._drop()
            raise ChannelDown(f"mail server {server.name} does not answer ({type(error).__name__})") from None
        return connection

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._server.ca_file)

    def _refuse_if_closing(self, code: int) -> None:
        """421 is about the server, whatever it answers; after any other refusal the connection goes on."""
        if code == _CLOSING:
            self._drop()
            raise ChannelDown(f"mail server {self._server.name} is closing ({code})")
        if self._connection is not None:
            try:
                self._connection.rset()
            except (smtplib.SMTPException, OSError):
                self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
