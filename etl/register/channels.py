"""channels.yaml: where submissions are collected from, how it is read and checked.

It names connections and never holds one: addresses and passwords come from the environment or from Airflow (`etl.settings`,
`etl.channels.connection`). It must not open anything.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from etl.register.table import Located, Problem, read_yaml

CHANNELS_FILE: Final = "channels.yaml"
DROP_FOLDER: Final = "folder"
"""Code of the channel that files given on the command line belong to."""
DONE_FOLDER: Final = "da-nhan"
SFTP_STABLE_SECONDS: Final = 60
"""Many programs send by SFTP under the last name: a file that changed in the last minute may be half of itself."""


class ChannelKind(StrEnum):
    """What a channel talks to."""

    FOLDER = "folder"
    SFTP = "sftp"
    S3 = "s3"
    IMAP = "imap"
    HTTP = "http"


class ServerClock(StrEnum):
    """Whether the instant that the peer notes for what it received is that of a server of ours."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"


class UnknownSender(StrEnum):
    """What becomes of a mail's file whose sender is nobody's contact, or another unit's: it waits for a person, or is taken with
    a warning. One whose sender was found forged always waits."""

    QUARANTINE = "quarantine"
    WARN = "warn"


class AfterReceipt(StrEnum):
    """What becomes of a thing in the channel once it is safe with us: left there, or moved to `done_folder`."""

    KEEP = "keep"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """One channel of the register.

    `connection` names its address and secret ("" for a folder). `path`: the folder (relative to the home), the remote folder,
    the prefix within the bucket, the mailbox, or the path of the address asked. `attribute_by_folder`: the first folder under
    `path` is the code of the unit. `unit`: all that comes here is of this unit. `done_folder` lies under `path`.
    `stable_after`: seconds for which a thing must have stayed the same before it is taken. `authserv_id`: the name under which
    our own mail server writes Authentication-Results (RFC 8601); without it nothing is known of forged senders.
    """

    code: str
    kind: ChannelKind
    connection: str = ""
    path: str = ""
    attribute_by_folder: bool = False
    unit: str | None = None
    server_clock: ServerClock = ServerClock.UNTRUSTED
    after: AfterReceipt = AfterReceipt.KEEP
    done_folder: str = DONE_FOLDER
    stable_after: int = 0
    unknown_sender: UnknownSender = UnknownSender.QUARANTINE
    authserv_id: str | None = None


_STORE = frozenset({"path", "attribute_by_folder", "unit", "after", "done_folder", "stable_after"})
FIELDS_OF: Final[Mapping[ChannelKind, frozenset[str]]] = {
    ChannelKind.FOLDER: _STORE | {"server_clock"},
    # No server_clock: the protocol has no instant of receipt, only file times, and those the sender sets.
    ChannelKind.SFTP: _STORE | {"connection"},
    ChannelKind.S3: _STORE | {"connection", "server_clock"},
    ChannelKind.IMAP: frozenset(
        {"connection", "path", "server_clock", "after", "done_folder", "unknown_sender", "authserv_id"}
    ),
    ChannelKind.HTTP: frozenset({"connection", "path", "unit"}),
}
"""What a line of each kind may say, beside `code` and `kind`."""

_NAME = r"^[a-z][a-z0-9_]{0,39}$"
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
ConnectionName = Annotated[str, StringConstraints(pattern=_NAME)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
FolderName = Annotated[str, StringConstraints(pattern=r"^[^/\\.][^/\\]{0,79}$")]


class ChannelDeclaration(BaseModel):
    """One channel of `channels.yaml`; what is left out is as in `ChannelLine`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Code
    kind: ChannelKind
    connection: ConnectionName | None = None
    path: Text | None = None
    attribute_by_folder: bool | None = None
    unit: Text | None = None
    server_clock: ServerClock | None = None
    after: AfterReceipt | None = None
    done_folder: FolderName | None = None
    stable_after: Annotated[int, Field(ge=0, le=86_400)] | None = None
    unknown_sender: UnknownSender | None = None
    authserv_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,200}$")] | None = None


class ChannelsDeclaration(BaseModel):
    """`channels.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channels: tuple[ChannelDeclaration, ...]


def read_channels(folder: Path, problems: list[Problem]) -> list[Located[ChannelLine]]:
    """The channels in order of the file; those with a problem are left out and the problem is noted."""
    file = read_yaml(folder, CHANNELS_FILE, ChannelsDeclaration, problems)
    if file is None:
        return []
    lines: list[Located[ChannelLine]] = []
    seen: dict[str, int] = {}
    for place, declared in enumerate(file.value.channels):
        at = file.line_of("channels", place)
        faults = list(_find_faults(declared))
        if declared.code in seen:
            faults.append(("code", f"{declared.code} stands in line {seen[declared.code]} already"))
        seen.setdefault(declared.code, at)
        problems += [
            Problem(CHANNELS_FILE, file.line_of("channels", place, part), f"{declared.code}: {why}")
            for part, why in faults
        ]
        if not faults:
            lines.append(Located(_build(declared), CHANNELS_FILE, at))
    return lines


def check_channels(channels: Sequence[Located[ChannelLine]], units: Container[str]) -> Iterator[Problem]:
    """Channels of units that the register does not know."""
    for line in channels:
        if line.value.unit is not None and line.value.unit not in units:
            yield line.problem(f"{line.value.code}: unknown unit {line.value.unit!r}")


def _build(declared: ChannelDeclaration) -> ChannelLine:
    given = {name: value for name, value in declared if value is not None}
    if declared.kind is ChannelKind.FOLDER:
        # The kernel's change time, on a disk of this server (docs/adr/0007); on a share of another machine it is said here.
        given.setdefault("server_clock", ServerClock.TRUSTED)
    if declared.kind is ChannelKind.SFTP:
        given.setdefault("stable_after", SFTP_STABLE_SECONDS)
    return ChannelLine(**given)


def _find_faults(declared: ChannelDeclaration) -> Iterator[tuple[str, str]]:
    """(Part, what is wrong with it)."""
    allowed = FIELDS_OF[declared.kind]
    for name, value in declared:
        if value is not None and name not in {"code", "kind"} and name not in allowed:
            yield name, f"{name} says nothing of a channel of kind {declared.kind}; leave it out"
    if "connection" in allowed and declared.connection is None:
        yield "kind", "connection is missing: the name of its address and secret, such as kho_tinh"
    if declared.kind is ChannelKind.FOLDER and declared.path is None:
        yield "kind", "path is missing: a folder, relative to the home of movement-reports or absolute"
    if declared.path is not None and (
        ".." in declared.path.split("/") or re.search(r"[\\\x00-\x1f\x7f]", declared.path)
    ):
        yield "path", f"path {declared.path!r} has .. or characters that no folder should have"
    if declared.done_folder is not None and declared.after is not AfterReceipt.MOVE:
        yield "done_folder", "done_folder is for `after: move` only"
    if declared.unit is not None and declared.attribute_by_folder:
        yield "unit", "either unit or attribute_by_folder says whose the files are, not both"
    if declared.code == DROP_FOLDER and declared.kind is not ChannelKind.FOLDER:
        yield "code", f"{DROP_FOLDER} is the code of the drop folder: give this channel another one"
