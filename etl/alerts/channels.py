"""What carries letters: the protocol that the sender speaks, its faults, and a folder in place of a mail server.

It must not decide what is sent, nor put an address or a password into a text.
"""

from __future__ import annotations

import os
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self


class ChannelDown(ConnectionError):
    """The channel takes nothing now, or does not know us: no letter is at fault, all would fail alike."""


class LetterRefused(RuntimeError):
    """The channel did not take this one letter. `for_good`: it never will. `code` says why, without addresses."""

    def __init__(self, code: str, *, for_good: bool) -> None:
        super().__init__(code)
        self.code = code
        self.for_good = for_good


class MailChannel(Protocol):
    """Takes mails. Opened for a run, closed at its end."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def send(self, message: EmailMessage, address: str) -> None:
        """Hand over one message. Raises ChannelDown, LetterRefused."""
        ...


class FolderChannel:
    """Writes each mail as a file named after its Message-ID: for a trial, where nothing may leave the machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def send(self, message: EmailMessage, address: str) -> None:  # noqa: ARG002 - stands in the message
        """One .eml, written whole or not at all; the same letter again replaces itself."""
        name = str(message["Message-ID"]).strip("<>").partition("@")[0]
        partial = self._folder / f".{name}"
        partial.write_bytes(message.as_bytes())
        os.replace(partial, self._folder / f"{name}.eml")  # noqa: PTH105
