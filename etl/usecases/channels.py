"""The channels of the register: what they are, and whether each can be reached and listed now. Takes nothing, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from etl.channels.declared import Surroundings, open_channel
from etl.channels.protocol import ChannelUnavailable
from etl.register.channels import ChannelKind, ChannelLine
from etl.usecases.context import Knowledge

_LOOKED_AT = 1


@dataclass(frozen=True, slots=True)
class ChannelCheck:
    """`fault`: what is wrong and what to do, "" where the channel answers. `risk`: what the register leaves open about it."""

    channel: str
    kind: str
    fault: str = ""
    risk: str = ""

    @property
    def up(self) -> bool:
        """Whether it can be collected."""
        return not self.fault


def list_channels(knowledge: Knowledge) -> tuple[ChannelLine, ...]:
    """The channels in the register's order."""
    return knowledge.register.channels


def check_channels(knowledge: Knowledge) -> Iterator[ChannelCheck]:
    """Opens each channel and begins to list it."""
    settings = knowledge.settings
    for line in list_channels(knowledge):
        around = Surroundings(settings.home, settings.connections, settings.max_file_bytes)
        try:
            with open_channel(line, around) as channel:
                list(islice(channel.list_new(), _LOOKED_AT))
        except ChannelUnavailable as error:
            yield ChannelCheck(line.code, line.kind.value, str(error), name_risk(line))
        else:
            yield ChannelCheck(line.code, line.kind.value, risk=name_risk(line))


def name_risk(line: ChannelLine) -> str:
    """What somebody could do because of how the line is written, and what to write; "" where nothing is known."""
    if line.kind is ChannelKind.IMAP and line.authserv_id is None:
        return (
            "without authserv_id a mail with a forged sender is not recognised; set it in channels.yaml to the name that your "
            "own mail server writes in Authentication-Results"
        )
    return ""
