"""The channels of the register: what they are, and whether each can be reached and listed now. Takes nothing, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from etl.channels.declared import Surroundings, open_channel
from etl.channels.protocol import ChannelUnavailable
from etl.register.channels import ChannelLine
from etl.usecases.context import Knowledge

_LOOKED_AT = 1


@dataclass(frozen=True, slots=True)
class ChannelCheck:
    """`fault`: what is wrong and what to do, "" where the channel answers."""

    channel: str
    kind: str
    fault: str = ""

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
            yield ChannelCheck(line.code, line.kind.value, str(error))
        else:
            yield ChannelCheck(line.code, line.kind.value)
