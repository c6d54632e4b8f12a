"""The address and secret of a peer: a URL out of the environment or of an Airflow connection, read strictly.

No text made here repeats any part of it that may be a secret: not the user, the password, the options, nor an unreadable URL.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from etl.channels.protocol import ChannelUnavailable

CONNECT_SECONDS = 20.0
"""A peer that has not answered by then is down: nobody waits longer for it."""
READ_SECONDS = 60.0
"""A peer that has said nothing for so long while it is asked or read from has gone."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A URL taken apart. `name` and `address` (scheme, host, port) may be shown, nothing else."""

    name: str
    scheme: str
    host: str
    port: int | None = None
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    path: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def address(self) -> str:
        """For messages: `sftp://host:port`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port else "")

    def option(self, name: str) -> str:
        """The value of an option, "" where it is not given."""
        return self.options.get(name, "")

    def file(self, name: str) -> str | None:
        """The option as the path of a file that can be read. Raises ChannelUnavailable."""
        path = self.option(name)
        if not path:
            return None
        try:
            Path(path).open("rb").close()
        except OSError as error:
            raise ChannelUnavailable(
                f"the file that `{name}` of the connection {self.name} names cannot be read ({error.strerror}): correct the "
                "path or let the collector's account read it"
            ) from None
        return path

    def is_on(self, name: str, *, default: bool) -> bool:
        """The option as yes or no. Raises ChannelUnavailable for anything else."""
        value = self.option(name).lower()
        if value not in ("", "true", "yes", "1", "false", "no", "0"):
            raise ChannelUnavailable(f"`{name}` of the connection {self.name} is neither true nor false")
        return value in ("true", "yes", "1") if value else default


def read_connection(name: str, url: str, schemes: Collection[str], options: Collection[str]) -> Connection:
    """The URL taken apart, %XX decoded. Raises ChannelUnavailable where it is not of one of the schemes, or says more than
    `options` (`?name=value`): a misspelt option must not be a check left out."""
    example = f"{next(iter(schemes))}://USER:PASSWORD@HOST:PORT/"
    try:
        parts = urlsplit(url.strip())
        port = parts.port
        host = parts.hostname or ""
        given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise ChannelUnavailable(
            f"the connection {name} is no URL: write {example}, special signs in it as %XX"
        ) from None
    if parts.scheme not in schemes or not host or parts.fragment:
        raise ChannelUnavailable(f"the connection {name} must be a URL such as {example}, special signs in it as %XX")
    names = [option for option, _ in given]
    if set(names) - set(options) or len(set(names)) != len(names):
        raise ChannelUnavailable(
            f"the connection {name} has an option that is not known or stands twice; known are {', '.join(sorted(options))}"
        )
    return Connection(
        name,
        parts.scheme,
        host,
        port,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        unquote(parts.path),
        dict(given),
    )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: only there nobody can listen to what goes unencrypted."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
