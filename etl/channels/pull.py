"""Another system's web address as a channel: it is asked what there is, and each thing is fetched when it is new.

Conditional requests keep a look at an unchanged system to one answer without a body a page. What is needed for that (ETag,
Last-Modified) is kept only once everything that stood in the answer is safe, in notes of the warehouse: a warehouse that was
restored to yesterday asks again for what it has lost. It must not follow an address to another server.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import BinaryIO, Self, cast
from urllib.parse import unquote, urlsplit

import httpx

from etl.channels.archives import SPOOL_BYTES
from etl.channels.connection import read_connection
from etl.channels.names import make_key, make_safe_name
from etl.channels.protocol import Channel, ChannelUnavailable, Offer, Part, Refused
from etl.channels.pull_listing import Document, Item, Listing, NotAListing, read_listing
from etl.channels.refusals import REFUSALS, RefusalCode
from etl.channels.web import NotNow, NotTaken, WebServer
from etl.register.channels import ChannelLine

log = logging.getLogger(__name__)

MOST_PAGES = 200
_COARSE_SECONDS = 2
INDEX_BYTES = 8 * 1024 * 1024
OPTIONS = frozenset({"ca", "local", "delete"})


@dataclass(frozen=True, slots=True)
class _Found:
    """Where an offer is: an entry of an answer, and the URL of that answer. `fault` where it cannot be followed."""

    entry: Item | Document
    page: str
    url: str = ""
    fault: NotTaken | None = None


@contextmanager
def open_pull(
    line: ChannelLine, url: str, max_bytes: int, notes: MutableMapping[str, str] | None = None
) -> Iterator[PullChannel]:
    """The channel of a line of the register: `path` of the address of its connection. Raises ChannelUnavailable.

    `notes`: what is remembered from one look to the next, written back by the caller; None: everything is asked for again.
    """
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)  # addresses may hold a key, and headers a session
    connection = read_connection(line.connection, url, ("https", "http"), OPTIONS)
    server = WebServer(connection)
    path = f"{connection.path.rstrip('/')}/{line.path.lstrip('/')}" if line.path else connection.path
    channel = PullChannel(
        line.code, server, path, max_bytes, unit=line.unit, notes=notes,
        deletes=connection.is_on("delete", default=False),
    )  # fmt: skip
    with channel:
        yield channel


class PullChannel(Channel):
    """One look at one server. `deletes`: what is safe with us is deleted there (DELETE on its URL)."""

    def __init__(
        self, code: str, server: WebServer, path: str, max_bytes: int, *, unit: str | None = None,
        notes: MutableMapping[str, str] | None = None, deletes: bool = False,
    ) -> None:  # fmt: skip
        self.code = code
        self._server = server
        self._start = server.locate(path)
        self._max_bytes = max_bytes
        self._hints = {"unit": unit} if unit else {}
        self._notes: MutableMapping[str, str] = {} if notes is None else notes
        self._deletes = deletes
        self._found: dict[str, _Found] = {}
        self._waiting: dict[str, set[str]] = {}
        self._validators: dict[str, dict[str, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def list_new(self) -> Iterator[Offer]:
        """Everything that the pages list, but what stands on a page that is as it was when all of it was safe."""
        self._found, self._waiting, self._validators = {}, {}, {}
        self.passed_over = 0
        url: str | None = self._start
        seen: set[str] = set()
        while url is not None:
            if url in seen:
                raise ChannelUnavailable(f"{self._server.address}: the pages of the index lead round in a circle")
            if len(seen) == MOST_PAGES:
                raise ChannelUnavailable(
                    f"{self._server.address}: the index has more than {MOST_PAGES} pages: let it list what is new only, or "
                    "more on a page"
                )
            seen.add(url)
            listing, url_after = self._read_page(url)
            yield from self._offer_all(listing, url)
            url = url_after
        # Pages and things that are no more are forgotten.
        seen.update(found.url for found in self._found.values())
        for known in [name for name in self._notes if name not in seen]:
            del self._notes[known]

    def _read_page(self, url: str) -> tuple[Listing, str | None]:
        note = self._read_note(url)
        body = BytesIO()
        try:
            with self._server.ask(url, _conditions_of(note)) as response:
                if response.status_code == 304:
                    listing = Listing((), note.get("next") or None)
                else:
                    self._server.copy_body(response, body, max(INDEX_BYTES, self._max_bytes))
                    listing = read_listing(body.getvalue())
                    self._notes.pop(url, None)
                    # Where the index tells no versions, it stays the same while the things behind it change.
                    if not any(isinstance(entry, Item) and not entry.version for entry in listing.entries):
                        self._validators[url] = _validators_of(response) | {"next": listing.next_url or ""}
            return listing, None if listing.next_url is None else self._server.resolve(url, listing.next_url)
        except NotTaken as refused:
            reason = REFUSALS[refused.code].reason
            raise ChannelUnavailable(
                f"{self._server.address}: the index is refused ({refused.code} {refused.detail}): {reason} Correct `path` of "
                f"channel {self.code} in channels.yaml, or have the system's owner correct it"
            ) from None
        except NotNow as error:
            raise ChannelUnavailable(str(error)) from None
        except NotAListing as error:
            raise ChannelUnavailable(
                f"{self._server.address}: the answer is not what docs/channels.md describes: {error}"
            ) from None

    def _read_note(self, url: str) -> dict[str, str]:
        try:
            note = json.loads(self._notes.get(url, "{}"))
        except ValueError:
            return {}
        return {str(key): str(value) for key, value in note.items()} if isinstance(note, dict) else {}

    def _offer_all(self, listing: Listing, page: str) -> Iterator[Offer]:
        waiting = self._waiting.setdefault(page, set())
        offers: list[Offer] = []
        for entry in listing.entries:
            found, offer = self._describe(entry, page)
            same = self._found.get(offer.locator)
            if same is not None and same.entry == entry:
                continue  # the same thing listed twice
            number = 1
            while offer.locator in self._found:  # two things under one name: neither may hide the other
                number += 1
                offer = replace(offer, locator=f"{offer.locator.partition('~~')[0]}~~{number}")
            self._found[offer.locator] = found
            waiting.add(offer.locator)
            offers.append(offer)
        if not offers:
            self._note_if_safe(page)
        for offer in offers:
            try:
                yield self._find_version(offer)
            except NotNow as error:
                # It stays among what the page waits for.
                self.passed_over += 1
                log.warning("not collected: %s %s (%s)", self.code, offer.locator, error)

    def _describe(self, entry: Item | Document, page: str) -> tuple[_Found, Offer]:
        if isinstance(entry, Document):
            place = urlsplit(page)
            locator = make_key(f"{unquote(place.path)}#{entry.key}" if entry.key else unquote(place.path) or "/")
            return _Found(entry, page), Offer(locator, hashlib.sha256(entry.data).hexdigest(), len(entry.data))
        fault, url = None, ""
        try:
            if entry.fault is not None:
                raise NotTaken(RefusalCode.HTTP_NOT_UNDERSTOOD, entry.fault)
            url = self._server.resolve(page, entry.url)
        except NotTaken as refused:
            fault = refused
        parts = urlsplit(url)
        path = unquote(parts.path) + (f"?{parts.query}" if parts.query else "")
        locator = entry.key or make_key(path or entry.url)
        version = entry.version if fault is None else make_key(f"{fault.code} {entry.url}")
        return _Found(entry, page, url, fault), Offer(locator, version or "", entry.size)

    def _find_version(self, offer: Offer) -> Offer:
        """The offer with the version that the server tells, where the index tells none."""
        found = self._found[offer.locator]
        if offer.version:
            return offer
        note = self._read_note(found.url)
        digest = _Digest()
        try:
            with self._server.ask(found.url, _conditions_of(note)) as response:
                validators = note if response.status_code == 304 else _validators_of(response)
                if not validators:
                    self._server.copy_body(response, cast(BinaryIO, digest), self._max_bytes)
        except NotTaken as refused:
            self._found[offer.locator] = replace(found, fault=refused)
            return replace(offer, version=str(refused.code))
        self._validators[found.url] = validators
        version = "|".join(f"{name}={value}" for name, value in sorted(validators.items())) or digest.text
        return replace(offer, version=make_key(version))

    @contextmanager
    def fetch(self, offer: Offer) -> Iterator[Iterator[Part | Refused]]:
        """The one file of an offer."""
        yield self._read(offer)

    def _read(self, offer: Offer) -> Iterator[Part | Refused]:
        found = self._found[offer.locator]
        entry = found.entry
        if isinstance(entry, Document):
            stem = make_safe_name(unquote(urlsplit(found.page).path).rstrip("/").rpartition("/")[2] or "bao-cao").text
            file_name = f"{stem.removesuffix('.json')}.json"
            yield Part("", file_name, BytesIO(entry.data), self._hints)
            return
        name = make_safe_name(entry.name)
        try:
            if found.fault is not None:
                raise found.fault
            if name.fault is not None:
                raise NotTaken(name.fault)
            if entry.size is not None and entry.size > self._max_bytes:
                raise NotTaken(RefusalCode.TOO_LARGE, f"{entry.size} > {self._max_bytes}")
            with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
                target = cast(BinaryIO, spool)
                with self._server.ask(found.url) as response:
                    self._server.copy_body(response, target, self._max_bytes)
                target.seek(0)
                yield Part("", name.text, target, self._hints)
        except NotTaken as refused:
            yield Refused("", name.text, refused.code, refused.detail, self._hints)

    def acknowledge(self, offer: Offer) -> None:
        """Tell the system where it wants to be told, or delete there; the answer's ETag holds once all of it is safe."""
        found = self._found.get(offer.locator)
        if found is not None and isinstance(found.entry, Item) and found.fault is None:
            try:
                self._tell(found.entry, found)
            except NotNow as error:
                raise ChannelUnavailable(str(error)) from None
        self.leave(offer)

    def leave(self, offer: Offer) -> None:
        """The system is not told, and nothing is deleted there: it may have the only copy."""
        found = self._found.get(offer.locator)
        if found is None:
            return
        self._waiting.get(found.page, set()).discard(offer.locator)
        self._note_if_safe(found.page)
        if found.url != found.page:
            self._note_if_safe(found.url)

    def _tell(self, entry: Item, found: _Found) -> None:
        try:
            method, url = "DELETE", found.url
            if entry.acknowledge_url is not None:
                method, url = "POST", self._server.resolve(found.page, entry.acknowledge_url)
            elif not self._deletes:
                return
            with self._server.ask(url, method=method) as response:
                # Read to its end, or the connection could not be used again.
                self._server.copy_body(response, BytesIO(), INDEX_BYTES)
        except NotTaken as refused:
            if refused.code is not RefusalCode.HTTP_GONE:
                log.warning("channel %s could not be told what was taken (%s)", self.code, refused.code)

    def _note_if_safe(self, page: str) -> None:
        validators = self._validators.get(page, {})
        if not self._waiting.get(page) and ("etag" in validators or "modified" in validators):
            self._notes[page] = json.dumps(validators)


class _Digest:
    """A file to write to that keeps the hash of what was written."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self._hash.update(data)

    @property
    def text(self) -> str:
        return self._hash.hexdigest()


def _conditions_of(note: Mapping[str, str]) -> dict[str, str]:
    named = (("If-None-Match", "etag"), ("If-Modified-Since", "modified"))
    return {header: note[name] for header, name in named if name in note}


def _validators_of(response: httpx.Response) -> dict[str, str]:
    """What the server says of the state of a thing, as far as it can be sent back to it and tells every other state apart."""
    headers: Mapping[str, str] = response.headers
    etag, modified = headers.get("etag", ""), headers.get("last-modified", "")
    if etag and etag.isascii() and len(etag) < 500:
        return {"etag": etag}
    try:
        age = (parsedate_to_datetime(headers.get("date", "")) - parsedate_to_datetime(modified)).total_seconds()
    except (ValueError, TypeError):
        return {}
    # Whole seconds: what changed just now may change again under the same instant.
    return {"modified": modified} if age >= _COARSE_SECONDS and len(modified) < 100 else {}
