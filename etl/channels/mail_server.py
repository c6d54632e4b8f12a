"""Which mail server a mailbox is on, and a connection to it that is encrypted and to nobody else.

It must not put an address, a password or a server's words into an error: those end in logs.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal, cast

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

from etl.channels.connection import read_connection
from etl.channels.protocol import ChannelUnavailable

TIMEOUT_SECONDS = 30.0
_PORTS = {"imaps": 993, "imap": 143}

Security = Literal["tls", "starttls", "none"]


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where the mailbox is. `tls`: from the first byte; `starttls`: before anything else; `none`: on this machine only."""

    host: str
    port: int
    security: Security
    user: str = field(repr=False)
    password: str = field(repr=False)
    ca_file: str | None = None

    @property
    def name(self) -> str:
        """For messages: host and port."""
        return f"{self.host}:{self.port}"


def read_mail_url(name: str, url: str) -> MailServer:
    """The connection of that name: `imaps://user:password@host[:port]/` (TLS) or `imap://…` (STARTTLS); `?ca=FILE` for a
    certificate of one's own authority, `tls=none` on this machine only.

    Raises ChannelUnavailable, without repeating the URL, which holds a password.
    """
    connection = read_connection(name, url, tuple(_PORTS), ("ca", "tls"))
    tls = connection.option("tls") or ("tls" if connection.scheme == "imaps" else "starttls")
    wrong = ""
    if connection.path not in ("", "/"):
        wrong = "has a path: the folder is `path` in channels.yaml"
    elif not connection.user or not connection.password:
        wrong = "has no user or no password"
    elif not f"{connection.user}{connection.password}".isascii():
        wrong = "has a user or password with letters that a mail server does not take"
    elif tls not in ("tls", "starttls", "none") or (connection.scheme == "imaps") is not (tls == "tls"):
        wrong = "asks for TLS in one place and not in the other"
    elif tls == "none" and not _is_loopback(connection.host):
        wrong = "would send a password in clear: leave out tls=none"
    if wrong:
        raise ChannelUnavailable(
            f"the connection {name} {wrong}. Write imaps://USER:PASSWORD@HOST/ (TLS) or imap://USER:PASSWORD@HOST/ "
            "(STARTTLS), with special signs in the password as %XX"
        )
    port = connection.port or _PORTS[connection.scheme]
    return MailServer(
        connection.host, port, cast(Security, tls), connection.user, connection.password, connection.file("ca")
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def log_in(server: MailServer, timeout: float, channel: str) -> IMAPClient:
    """A connection that is logged in. Raises ChannelUnavailable with what to do, IMAPClientError and OSError otherwise."""
    client = None
    try:
        context = None if server.security == "none" else ssl.create_default_context(cafile=server.ca_file)
        client = IMAPClient(
            server.host, server.port, ssl=server.security == "tls", ssl_context=context, timeout=timeout
        )
        client.normalise_times = False  # instants with their zone
        if server.security == "starttls":
            client.starttls(context)
        client.login(server.user, server.password)
    except Exception as error:
        if client is not None:
            _close(client)
        if (text := _explain(error, server, channel)) is not None:
            raise ChannelUnavailable(text) from None
        raise
    return client


def _explain(error: Exception, server: MailServer, channel: str) -> str | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"mail server {server.name} has a certificate that is not trusted ({error.verify_message}): save the "
            "certificate of the authority that issued it and name the file in the connection (?ca=FILE); nothing was sent"
        )
    if isinstance(error, FileNotFoundError):
        return f"the file of the certificate authority for mail server {server.name} (?ca=…) is not there"
    if isinstance(error, ssl.SSLError):
        return f"mail server {server.name} offers no TLS that can be used ({error.reason}); nothing was sent"
    if isinstance(error, LoginError):
        return f"mail server {server.name} refuses user or password: correct the connection of channel {channel}"
    return None


def _close(client: IMAPClient) -> None:
    try:
        client.shutdown()
    except (IMAPClientError, OSError):
        return  # it was closed already
