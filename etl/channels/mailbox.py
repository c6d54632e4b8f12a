"""A mailbox as a channel: mails of one folder of an IMAP server, their attachments as files.

A mail is named by a hash of its header and its size, not by its UID: UIDs are given anew when a mailbox is rebuilt or moved to
another server (UIDVALIDITY changes), and every mail would be a new one. The header holds what the receiving servers wrote
into it, so that a mail sent again, also under the same Message-ID, is another mail; the very same mail twice is taken once.

What was taken is moved to a folder, or marked with a keyword of our own; \\Seen is left to people who look into the mailbox.
It must not know the register: whose the address is, and what follows from it, the load says.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, BinaryIO, Self, cast

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from etl.channels.archives import SPOOL_BYTES
from etl.channels.mail_parts import MOST_FILES, Attached, BadStructure, copy_decoded, find_files
from etl.channels.mail_server import TIMEOUT_SECONDS, MailServer, log_in, read_mail_url
from etl.channels.mail_trust import (
    is_automatic,
    is_made_by_program,
    read_authentication,
    read_headers,
    read_sender,
)
from etl.channels.names import make_printable
from etl.channels.protocol import Channel, ChannelUnavailable, Offer, Part, Refused
from etl.channels.refusals import RefusalCode
from etl.register.channels import AfterReceipt, ChannelLine
from etl.text import format_number

log = logging.getLogger(__name__)

CHUNK_BYTES = 1024 * 1024
HEADER_BYTES = 64 * 1024
"""More of a header is not read: no mail server takes more, and it is the sender's text."""
_FACTS = ("RFC822.SIZE", "INTERNALDATE", f"BODY.PEEK[HEADER]<0.{HEADER_BYTES}>")
MAIL_TIMES_FILE = 4
"""A mail may be this many times as large as one file: several attachments, a third more for their encoding."""
KEYWORD = b"MovementReportsTaken"
_LISTED_AT_ONCE = 100
_MOST_SICK = 10
"""Mails that their server cannot read, in one look; with more of them it is the server that is ill."""
_LATEST = datetime.max.replace(tzinfo=UTC)


@contextmanager
def open_mailbox(line: ChannelLine, url: str, max_bytes: int) -> Iterator[MailboxChannel]:
    """The channel of a line of the register; connects when it is first used. Raises ChannelUnavailable for a wrong URL."""
    logging.getLogger("imapclient").setLevel(
        logging.WARNING
    )  # below that it writes down what mails hold, and from whom
    server = read_mail_url(line.connection, url)
    done = line.done_folder if line.after is AfterReceipt.MOVE else None
    channel = MailboxChannel(
        line.code, server, line.path or "INBOX", done, max_bytes, authserv_id=line.authserv_id,
        hints={"unknown_sender": line.unknown_sender.value},
    )  # fmt: skip
    with channel:
        yield channel


class MailboxChannel(Channel):
    """One connection, made when it is first needed and anew after a fault. Commands wait for each other: threads may share it.

    `done_folder`: mails taken go there, it is made when it is not there; None: they stay and get a keyword. `hints` go with each
    file. `authserv_id`: see `etl.channels.mail_trust`.
    """

    def __init__(
        self, code: str, server: MailServer, folder: str, done_folder: str | None, max_bytes: int,
        *, authserv_id: str | None = None, hints: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:  # fmt: skip
        self.code = code
        self._server = server
        self._folder = folder
        self._done = done_folder
        self._max_bytes = max_bytes
        self._authserv_id = authserv_id
        self._hints = dict(hints or {})
        self._timeout = timeout
        self._client: IMAPClient | None = None
        self._is_listed = False
        self._validity: int | None = None
        self._uids: dict[str, list[int]] = {}
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()

    def list_new(self) -> Iterator[Offer]:
        """Every mail not taken yet, oldest first; the very same mail twice is one offer."""
        found: dict[str, Offer] = {}
        listed: dict[str, list[int]] = {}
        self.passed_over = 0
        with self._connected() as client:
            validity = self._validity
            client.noop()  # a server tells of new mails when it is spoken to
            not_taken = "NOT DELETED" if self._done else f"NOT DELETED UNKEYWORD {KEYWORD.decode()}"
            uids = sorted(client.search(not_taken.split()))
        for start in range(0, len(uids), _LISTED_AT_ONCE):
            for uid, facts in sorted(self._read_facts(uids[start : start + _LISTED_AT_ONCE]).items()):
                offer = self._describe(facts)
                listed.setdefault(offer.locator, []).append(uid)
                found.setdefault(offer.locator, offer)
        with self._connected():
            if self._validity != validity:
                raise ChannelUnavailable(f"mail server {self._server.name} rebuilt the mailbox while it was listed")
            self._uids, self._is_listed = listed, True
        order = sorted(found.values(), key=lambda offer: (offer.received_at or _LATEST, offer.locator))
        yield from order

    def _read_facts(self, uids: list[int]) -> dict[int, Any]:
        """What is listed of these mails, without those that their own server cannot read: the others must not wait for them."""
        try:
            with self._connected() as client:
                return dict(client.fetch(uids, _FACTS))
        except ChannelUnavailable:
            self._require_server()
            if len(uids) > 1:
                half = len(uids) // 2
                return self._read_facts(uids[:half]) | self._read_facts(uids[half:])
            self.passed_over += 1
            if self.passed_over > _MOST_SICK:
                raise
            log.warning(
                "not listed: mail %d of channel %s; see in the mail server's log what is wrong with it",
                uids[0],
                self.code,
            )
            return {}

    def _require_server(self) -> None:
        """Raises ChannelUnavailable where it is the server that fails, and not one mail."""
        with self._connected() as client:
            client.noop()

    def _describe(self, facts: Mapping[bytes, Any]) -> Offer:
        size = int(facts.get(b"RFC822.SIZE", 0))
        mark = hashlib.sha256(b"%d\n%s" % (size, _header_of(facts))).hexdigest()
        return Offer(f"{make_printable(self._folder)};mail={mark[:40]}", mark, size, facts.get(b"INTERNALDATE"))

    @contextmanager
    def fetch(self, offer: Offer) -> Iterator[Iterator[Part | Refused]]:
        """The files of a mail; one refusal instead where it has none. OSError when it is not there any more."""
        yield self._spare_others(self._read_mail(offer))

    def _spare_others(self, parts: Iterator[Part | Refused]) -> Iterator[Part | Refused]:
        try:
            yield from parts
        except ChannelUnavailable:
            self._require_server()
            raise OSError("the mail server does not give this mail out, see its log") from None

    def _read_mail(self, offer: Offer) -> Iterator[Part | Refused]:
        most = MAIL_TIMES_FILE * self._max_bytes
        uid = self._find_uids(offer.locator)[0]
        with self._connected() as client:
            facts = client.fetch([uid], _FACTS).get(uid)
        if facts is None or self._describe(facts).locator != offer.locator:
            raise OSError("the mail is not there any more")
        hints, answerable = self._read_sender(_header_of(facts))
        size = int(facts.get(b"RFC822.SIZE", 0))
        if not answerable:
            yield Refused("", "", RefusalCode.MAIL_AUTOMATIC, "", hints)
            return
        if size > most:
            # Before its structure is asked for: to tell it the server reads the whole mail.
            yield Refused("", "", RefusalCode.MAIL_TOO_LARGE, f"{format_number(size)} > {format_number(most)}", hints)
            return
        try:
            mail = find_files(self._read_structure(uid))
        except BadStructure:
            yield Refused("", "", RefusalCode.MAIL_BROKEN, "", hints)
            return
        if mail.is_report:
            yield Refused("", "", RefusalCode.MAIL_AUTOMATIC, "", hints)
        elif not mail.files:
            code = RefusalCode.MAIL_AUTOMATIC if "made_by" in hints else RefusalCode.MAIL_WITHOUT_FILE
            yield Refused("", "", code, "", hints)
        elif len(mail.files) > MOST_FILES:
            detail = f"{len(mail.files)} > {MOST_FILES}"
            yield Refused("", "", RefusalCode.TOO_MANY_FILES, detail, hints)
        else:
            for file in mail.files:
                yield from self._read_file(uid, file, hints)

    def _read_structure(self, uid: int) -> Any:
        """Raises BadStructure where the answer cannot be read: one such mail must not stop the channel at every look.

        Ten thousand parts make an answer longer than the library reads, and the connection of no use after it.
        """
        for attempt in (1, 2):
            with self._lock:
                with self._connected():
                    pass  # a fault of the connection is told from here, not from the mail
                client = self._client
                try:
                    if client is not None:
                        return client.fetch([uid], [b"BODYSTRUCTURE"])[uid][b"BODYSTRUCTURE"]
                except (IMAPClient.AbortError, OSError) as error:
                    self._drop()
                    if attempt == 2:
                        raise self._explain(error) from None
                except (IMAPClientError, LookupError, ValueError, RecursionError) as error:
                    self._drop()
                    if attempt == 2:
                        raise BadStructure(type(error).__name__) from None
        raise BadStructure("no answer")

    def _read_file(self, uid: int, file: Attached, hints: Mapping[str, str]) -> Iterator[Part | Refused]:
        part = f"{file.section}:{file.file_name}"
        # Announced: encoded, at least as large as its content. Quoted-printable may be thrice as large.
        times = 3 if file.encoding == "quoted-printable" else 1.4
        if file.fault is None and file.octets > times * self._max_bytes + 1024:
            yield Refused(part, file.file_name, RefusalCode.TOO_LARGE, _compare(file.octets, self._max_bytes), hints)
            return
        if file.fault is not None:
            yield Refused(part, file.file_name, file.fault, "", hints)
            return
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
            target = cast(BinaryIO, spool)
            fault = copy_decoded(
                lambda offset, size: self._read_piece(uid, file.section, offset, size),
                file.encoding, target, self._max_bytes, CHUNK_BYTES,
            )  # fmt: skip
            if fault is not None:
                detail = f"> {format_number(self._max_bytes)}" if fault is RefusalCode.TOO_LARGE else ""
                yield Refused(part, file.file_name, fault, detail, hints)
                return
            target.seek(0)
            yield Part(part, file.file_name, target, hints)

    def _read_piece(self, uid: int, section: str, offset: int, size: int) -> bytes:
        with self._connected() as client:
            facts = client.fetch([uid], [f"BODY.PEEK[{section}]<{offset}.{size}>".encode()]).get(uid)
        if facts is None:
            raise OSError("the mail is not there any more")
        return next((value for key, value in facts.items() if key.startswith(b"BODY[") and value), b"")

    def _read_sender(self, header: bytes) -> tuple[dict[str, str], bool]:
        """Hints about the sender, and whether a person may have sent it."""
        headers = read_headers(header)
        sender = read_sender(headers)
        trust = read_authentication(headers, self._authserv_id, sender)
        hints = self._hints | {
            "sender": sender or "",
            "sender_proof": trust.proof,
            "authentication": trust.results,
            "message_id": make_printable(str(headers.get("Message-ID", ""))),
        }
        if is_made_by_program(headers):
            hints["made_by"] = "program"
        return {key: value for key, value in hints.items() if value}, not is_automatic(headers)

    def acknowledge(self, offer: Offer) -> None:
        """Move or mark the mail, also where its UID is another by now; nothing where it is gone."""
        with self._lock:
            try:
                uids = self._find_uids(offer.locator)
            except FileNotFoundError:
                return
            with self._connected() as client:
                try:
                    if self._done is None:
                        client.add_flags(uids, [KEYWORD], silent=True)
                    else:
                        self._move(client, uids, self._done)
                except IMAPClient.AbortError:
                    raise
                except IMAPClientError:
                    client.noop()
                    if client.search(["UID", ",".join(map(str, uids))]):
                        raise
                    # Another collector was faster by a moment: it is gone from here, as it should be.
            self._uids.pop(offer.locator, None)

    def _move(self, client: IMAPClient, uids: list[int], done: str) -> None:
        target = self._done_folder(client, done)
        if not client.folder_exists(target):
            try:
                client.create_folder(target)
            except IMAPClientError:
                # Another collector made it a moment ago; if not, the move says so.
                log.info("the folder for mails taken could not be made in the mailbox of channel %s", self.code)
        if client.has_capability("MOVE"):
            client.move(uids, target)
            return
        # Killed in between, the mail is copied twice; it is never gone without a copy.
        client.copy(uids, target)
        client.delete_messages(uids, silent=True)
        if client.has_capability("UIDPLUS"):
            client.uid_expunge(uids)

    def _done_folder(self, client: IMAPClient, done: str) -> str:
        """The folder as the server counts: some keep everything under `INBOX.`."""
        if not client.has_capability("NAMESPACE"):
            return done
        personal = client.namespace().personal
        prefix = personal[0][0] if personal else ""
        return done if not prefix or done.startswith(prefix) else f"{prefix}{done}"

    def _find_uids(self, locator: str) -> list[int]:
        """Raises FileNotFoundError when no mail of the folder has this name (any more)."""
        with self._connected():
            is_listed = self._is_listed
        if locator not in self._uids and not is_listed:
            for _ in self.list_new():
                pass
        try:
            return self._uids[locator]
        except KeyError:
            raise FileNotFoundError("the mail is not there any more") from None

    @contextmanager
    def _connected(self) -> Iterator[IMAPClient]:
        """The connection for one command. Raises ChannelUnavailable; the next command connects anew."""
        with self._lock:
            try:
                yield self._client or self._connect()
            except ChannelUnavailable:
                self._drop()
                raise
            except (IMAPClientError, OSError, ValueError) as error:
                self._drop()
                raise self._explain(error) from None

    def _explain(self, error: Exception) -> ChannelUnavailable:
        if isinstance(error, IMAPClientError) and not isinstance(error, IMAPClient.AbortError):
            return ChannelUnavailable(
                f"mail server {self._server.name} refuses a command on the mailbox: check that its folders are "
                f"there and that the account may read, write and move mails ({type(error).__name__})"
            )
        return ChannelUnavailable(
            f"mail server {self._server.name} does not answer or closed the connection ({type(error).__name__}); "
            "it is tried again at the next collection"
        )

    def _connect(self) -> IMAPClient:
        client = log_in(self._server, self._timeout, self.code)
        # Known from here on, so that a fault below closes it.
        self._client = client
        chosen = client.select_folder(self._folder)
        # Numbers of an earlier connection may be those of other mails by now.
        self._uids, self._is_listed = {}, False
        self._validity = chosen.get(b"UIDVALIDITY")
        if self._done is None and not {b"\\*", KEYWORD}.intersection(chosen.get(b"PERMANENTFLAGS", ())):
            raise ChannelUnavailable(
                f"mail server {self._server.name} keeps no keywords: set `after: move` for channel {self.code} in channels.yaml"
            )
        return client

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            try:
                client.shutdown()
            except (IMAPClientError, OSError):
                log.debug("the connection to mail server %s was closed already", self._server.name)


def _header_of(facts: Mapping[bytes, Any]) -> bytes:
    return next((value for key, value in facts.items() if key.startswith(b"BODY[HEADER]") and value), b"")


def _compare(found: int, most: int) -> str:
    return f"{format_number(found)} > {format_number(most)}"
