"""Opens the channels that the register declares, each with the connection it names. It must not collect anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from etl.channels.protocol import Channel, ChannelUnavailable
from etl.register.channels import ChannelKind, ChannelLine


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What channels need to be opened beside their line.

    `connections`: URL with its secret by name. `max_bytes`: what is announced as bigger is refused unread. `receipts`:
    simulated receipt instants for the drop folder. `notes`: what this channel remembers from one look to the next; whoever
    opens it keeps them.
    """

    home: Path
    connections: Mapping[str, str] = field(repr=False)
    max_bytes: int
    receipts: Mapping[str, datetime] = field(default_factory=dict)
    notes: MutableMapping[str, str] = field(default_factory=dict)


@contextmanager
def open_channel(line: ChannelLine, around: Surroundings) -> Iterator[Channel]:
    """The channel of a line, closed at the end. Raises ChannelUnavailable, with what to do."""
    # Imported when used: each brings a client library that takes part of a second to import.
    if line.kind is ChannelKind.FOLDER:
        from etl.channels.drop import open_folder

        yield open_folder(line, around.home, around.receipts)
    elif line.kind is ChannelKind.SFTP:
        from etl.channels.sftp import open_sftp

        with open_sftp(line, _find_url(line, around), around.max_bytes) as channel:
            yield channel
    elif line.kind is ChannelKind.S3:
        from etl.channels.buckets import open_bucket

        with open_bucket(line, _find_url(line, around), around.max_bytes) as channel:
            yield channel
    elif line.kind is ChannelKind.IMAP:
        from etl.channels.mailbox import open_mailbox

        with open_mailbox(line, _find_url(line, around), around.max_bytes) as channel:
            yield channel
    else:
        from etl.channels.pull import open_pull

        with open_pull(line, _find_url(line, around), around.max_bytes, around.notes) as channel:
            yield channel


def _find_url(line: ChannelLine, around: Surroundings) -> str:
    url = around.connections.get(line.connection)
    if not url:
        raise ChannelUnavailable(
            f"the connection {line.connection} is not set: give its URL in MOVEMENT_REPORTS_CONNECTION_"
            f"{line.connection.upper()}, or make the Airflow connection movement_reports_{line.connection}"
        )
    return url
