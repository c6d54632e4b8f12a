"""A letter as a mail message. Pure: the instant and the Message-ID are arguments.

It must not send. Headers go through `email.policy.SMTP`, which refuses line breaks in a value, and are checked before, so that
no name out of the register or a file can add a header or a recipient.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from pathlib import PurePosixPath
from typing import Any, Final

from etl.alerts.letters import Body
from etl.alerts.plan import Recipient
from etl.calendar.deadlines import TIMEZONE

_ADDRESS: Final = re.compile(r"[!#-'*+\-./0-9=?A-Z^-~]+@[A-Za-z0-9.-]+")
_LINE: Final = 75  # the blank that continues a line is not counted by email.header
ITEM_HEADER: Final = "X-Report-Item"
_MEDIA: Final[Mapping[str, tuple[str, str]]] = {
    ".xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ".xltx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.template"),
    ".xlsm": ("application", "vnd.ms-excel.sheet.macroEnabled.12"),
    ".xltm": ("application", "vnd.ms-excel.template.macroEnabled.12"),
    ".html": ("text", "html"),
}
_LONGEST_NAME: Final = 120
_NOT_IN_NAMES: Final = re.compile(r'[<>:"/\\|?*]+')


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A workbook, or a page (.html, UTF-8), that goes with a letter; `name` is safe to save under (`name_enclosure`)."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who a mail is from: an address with a name, where answers go (None: there), and the domain of Message-IDs."""

    address: str
    name: str
    reply_to: str | None
    domain: str


def write_message(
    body: Body,
    recipient: Recipient,
    envelope: Envelope,
    message_id: str,
    now: datetime,
    items: Sequence[str] = (),
    enclosures: Sequence[Enclosure] = (),
) -> EmailMessage:
    """The message, plain text and HTML side by side, ready for a mail server. The same arguments give the same headers.

    `items`: what it is about, one header each ("unit report:period rung"), so that an answer or a bounce can be attributed.
    Raises ValueError for an address or a text that would not be one header.
    """
    message = EmailMessage(policy=_POLICY)
    message.set_content(body.text, charset="utf-8", cte="base64")
    message.add_alternative(body.html, subtype="html", charset="utf-8", cte="base64")
    for enclosure in enclosures:
        main, sub = _MEDIA.get(PurePosixPath(enclosure.name).suffix.lower(), ("application", "octet-stream"))
        options = {"params": {"charset": "utf-8"}} if main == "text" else {}
        name = _one_line(enclosure.name)
        message.add_attachment(enclosure.content, maintype=main, subtype=sub, filename=name, **options)  # type: ignore[arg-type]
    message["Subject"] = _one_line(body.subject)
    message["From"] = _address(envelope.address, envelope.name)
    message["To"] = _address(recipient.address, recipient.name)
    if envelope.reply_to:
        message["Reply-To"] = _address(envelope.reply_to, "")
    message["Date"] = now.astimezone(TIMEZONE)
    message["Message-ID"] = f"<{message_id}@{envelope.domain}>"
    # Out-of-office answers to a machine are read by nobody (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    for item in items:
        message[ITEM_HEADER] = _one_line(item)
    return message


def name_enclosure(name: str) -> str:
    """A name of a file as it can be saved anywhere: no path, no invisible or reversing signs, not too long.

    The sender chose it, but whoever opens our mail must see where it ends: ".xlsx" cannot be followed by what is not shown.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = (
        sign for sign in unicodedata.normalize("NFC", last) if unicodedata.category(sign)[0] not in "CZ" or sign == " "
    )
    kept = "".join(shown)
    path = PurePosixPath(_NOT_IN_NAMES.sub("-", kept).strip(" .") or "tep")
    return f"{path.stem[: _LONGEST_NAME - len(path.suffix)].rstrip(' .')}{path.suffix}"


class _VietnamesePolicy(EmailPolicy):
    """SMTP's policy, but long texts that are not ASCII are folded by `email.header`.

    The newer folding loses the blank where it breaks between two encoded words: "Phường NùngTrí Cao" (seen with 3.11).
    """

    def fold(self, name: str, value: Any) -> str:
        text = _encode(name, value)
        return super().fold(name, value) if text is None else f"{name}: {text}{self.linesep}"

    def fold_binary(self, name: str, value: Any) -> bytes:
        text = _encode(name, value)
        return super().fold_binary(name, value) if text is None else f"{name}: {text}{self.linesep}".encode("ascii")


_POLICY: Final = _VietnamesePolicy(linesep="\r\n")


def _encode(name: str, value: Any) -> str | None:
    """A subject, or one address with a name, in encoded words; None for what is ASCII and for other headers."""
    if name.lower() == "subject" and not str(value).isascii():
        return Header(str(value), "utf-8", header_name=name, maxlinelen=_LINE).encode(linesep="\r\n")
    addresses: Any = getattr(value, "addresses", ())
    if len(addresses) == 1 and not addresses[0].display_name.isascii():
        words = Header(addresses[0].display_name, "utf-8", header_name=name, maxlinelen=_LINE).encode(linesep="\r\n")
        return f"{words}\r\n <{addresses[0].addr_spec}>"
    return None


def _address(address: str, name: str) -> Address:
    if not _ADDRESS.fullmatch(address):
        raise ValueError("not one plain mail address")  # not repeated: errors end in logs
    return Address(display_name=_one_line(name), addr_spec=address)


def _one_line(text: str) -> str:
    """Refused, not repaired: names were checked when the register was read, so a line break here is an attack or a fault."""
    if any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in text):
        raise ValueError("a control character in a name or subject: this cannot be a header of a mail")
    return text
