"""Limits on how often and how much somebody may ask. Counts live in this program: one server process, as `serve` starts it."""

from __future__ import annotations

import ipaddress
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MOST_KEYS = 20_000
_SWALLOWED = 5


def name_address(host: str) -> str:
    """The key of whoever asks from this address. Of IPv6 the network: its owner has as many addresses as they like."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)


@dataclass
class RateLimit:
    """At most `most` events in `seconds` for one key (an address, an account, a link)."""

    most: int
    seconds: float
    clock: Callable[[], float] = monotonic
    _events: dict[str, deque[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _clean_at: int = _MOST_KEYS

    def allows(self, key: str) -> bool:
        """Count one event; False when there were too many."""
        now = self.clock()
        with self._lock:
            if len(self._events) > self._clean_at:
                self._events = {k: e for k, e in self._events.items() if e and e[-1] > now - self.seconds}
                # Not again before there are twice as many: cleaning at each request would be a way to stop us.
                self._clean_at = max(_MOST_KEYS, 2 * len(self._events))
            events = self._events.setdefault(key, deque())
            while events and events[0] <= now - self.seconds:
                events.popleft()
            if len(events) >= self.most:
                return False
            events.append(now)
            return True

    def give_back(self, key: str) -> None:
        """Take the last event back: it was no guess. Many people behind one address may log in at the same hour."""
        with self._lock:
            if self._events.get(key):
                self._events[key].pop()

    def forget(self, key: str) -> None:
        """Start anew, after a success."""
        with self._lock:
            self._events.pop(key, None)


class TooLarge(ValueError):
    """The body is larger than a page of ours may send."""


class BodyLimit:
    """Refuses request bodies over `most` bytes, announced or not, before a page sees them. Uploads have their own bound.

    `refusal` makes the answer for a scope; the connection is closed after it, since the rest of the body is never read.
    """

    def __init__(
        self,
        app: ASGIApp,
        most: int,
        upload_suffix: str,
        most_upload: Callable[[], int],
        refusal: Callable[[Scope], ASGIApp],
    ) -> None:
        self.app, self.most, self.upload_suffix, self.most_upload = app, most, upload_suffix, most_upload
        self.refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        upload = scope["method"] == "POST" and scope["path"].endswith(self.upload_suffix)
        most = self.most_upload() if upload else self.most
        announced = dict(scope["headers"]).get(b"content-length", b"")
        if announced.isdigit() and int(announced) > most:
            if upload and int(announced) <= _SWALLOWED * most:
                await _swallow(receive)
            await self.refusal(scope)(scope, receive, send)
            return
        seen = 0
        over = started = False

        async def bounded() -> Message:
            nonlocal seen, over
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                over = True
                raise TooLarge
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            if over and not started:
                return  # whoever caught TooLarge answers with something else; ours is said below
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, bounded, watched)
        except Exception:
            # What is between us and the page may have wrapped it (a group of exceptions of its tasks).
            if started or not over:
                raise
        if over and not started:
            await self.refusal(scope)(scope, receive, send)


async def _swallow(receive: Receive) -> None:
    """Let a somewhat too large file come in and forget it: a browser that is cut off while sending shows no answer of ours."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
