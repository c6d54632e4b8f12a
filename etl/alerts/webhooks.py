"""Messages to chat rooms of the standing office through Apprise. What goes there: the digest and the list of late units.

URLs hold tokens: they are never shown; a room is known by a hash of its URL.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import Final

from etl.alerts.channels import LetterRefused
from etl.alerts.letters import Body
from etl.alerts.plan import Recipient

VARIABLE = "MOVEMENT_REPORTS_WEBHOOKS"
PREFIX: Final = "webhook:"
ROOM_NAME: Final = "Nhóm trao đổi của cơ quan thường trực"


class WebhookChannel:
    """The rooms of the settings, by their names in the outbox."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = {name_room(url): url for url in urls}

    @property
    def rooms(self) -> list[Recipient]:
        """The rooms as recipients."""
        return [Recipient(name, ROOM_NAME) for name in self._urls]

    def send(self, body: Body, room: str) -> None:
        """Post one message. Raises LetterRefused: for good where the room is not in the settings any more. One room that is down
        must not hold up the others, or the mails."""
        # Half a second to import: only a run that posts something pays.
        import apprise

        # Both write URLs, tokens and all, where --verbose asks for everything.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        logging.getLogger("urllib3").setLevel(logging.WARNING)
        url = self._urls.get(room)
        if url is None:
            raise LetterRefused("room no longer in the settings", for_good=True)
        service = apprise.Apprise()
        if not service.add(url):
            raise LetterRefused("unknown kind of webhook", for_good=True)
        # Tells only whether it worked.
        if not service.notify(body=body.text, title=body.subject, body_format=apprise.NotifyFormat.TEXT):
            raise LetterRefused("webhook did not take it", for_good=False)


def name_room(url: str) -> str:
    """The name of a room in the outbox: tells rooms apart and gives nothing away."""
    return PREFIX + hashlib.sha256(url.encode()).hexdigest()[:16]


def read_webhooks(text: str) -> tuple[str, ...]:
    """The URLs of a setting, separated by blanks or line breaks."""
    return tuple(text.split())
