"""A file that a unit uploads by its personal link: into the landing store, then recorded as an arrival like any other.

Killed in between, bytes lie under their hash and nothing else is known; the sender saw no answer and sends again. It must not
examine what arrived: `load_batch` does, here or in the next run of the DAG, and an arrival not examined yet is pending.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final
from uuid import UUID, uuid4

import sqlalchemy as sa

from etl.channels.names import make_safe_name
from etl.channels.protocol import Channel, Offer, Part, Refused
from etl.channels.refusals import REFUSALS, RefusalCode
from etl.recognition.senders import LINK
from etl.register.channels import ChannelKind, ChannelLine, ServerClock
from etl.usecases.accounts import record_action
from etl.usecases.collect_parts import take_offer
from etl.usecases.context import Context
from etl.usecases.offers import note_acknowledged, record_taken
from etl.usecases.unit_links import Entrance

CHANNEL: Final = "web"
_LINE: Final = ChannelLine(CHANNEL, ChannelKind.HTTP, server_clock=ServerClock.TRUSTED)
"""Not of the register: the pages themselves are the channel, and the clock is this server's own."""
_ENDINGS: Final = frozenset(
    ("xlsx", "xlsm", "xls", "xlsb", "ods", "csv", "tsv", "json", "zip", "pdf", "docx", "doc", "odt")
)
_PACKED: Final = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""How workbooks begin, whatever they are called."""
_MOST_TEXTS: Final = 8


class UploadNotKept(RuntimeError):
    """The file could not be stored through a fault of ours; nothing of it was recorded."""


@dataclass(frozen=True, slots=True)
class UploadedPart:
    """What became of one file of an upload.

    `outcome`: refused, pending, quarantined, settled (a person looked at it), already_received, submission. `submission` is
    one of the link's own obligation, with its number there, or None. `texts`: (what is wrong, what to do), Vietnamese.
    """

    file: str
    outcome: str
    arrival: int | None
    submission: int | None
    attempt: int | None
    verdict: str | None
    is_held: bool
    texts: tuple[tuple[str, str], ...]


def take_upload(
    context: Context, entrance: Entrance, file_name: str, stream: BinaryIO, received_at: datetime
) -> tuple[str, list[int]]:
    """Store and record what was uploaded; the upload's name (of `read_upload`) and the arrivals to examine.

    `received_at`: aware, when the last byte was here. Raises UploadNotKept, and what the landing store and the warehouse raise.
    """
    key = str(uuid4())
    offer = Offer(_locate(entrance, key), "1", received_at=received_at)
    hints = {"unit": entrance.unit, "report": entrance.report, "period": entrance.period, LINK: "1"}
    taken = take_offer(context, _Uploaded(file_name, stream, hints), _LINE, offer)
    if not taken.whole:
        raise UploadNotKept("the uploaded bytes could not be read again")
    record_taken(context, CHANNEL, [taken])
    # Who uploads is told by the answer itself; there is nobody to be told later.
    note_acknowledged(context, CHANNEL, [offer])
    told = f"{len(taken.arrivals)} taken, {len(taken.refusals)} refused"
    subject = f"{entrance.report}:{entrance.period}/{entrance.unit}"
    with context.engine.begin() as connection:
        record_action(connection, context.clock(), f"unit:{entrance.unit}", "unit", "upload", subject, told)
        arrivals = connection.execute(
            sa.text("SELECT id FROM landing.arrival WHERE channel = :channel AND locator = :locator ORDER BY id"),
            {"channel": CHANNEL, "locator": offer.locator},
        ).scalars()
        return key, list(arrivals)


def read_upload(context: Context, entrance: Entrance, key: str) -> list[UploadedPart]:
    """The files of an upload that came by this very link, in their order; none for any other name."""
    try:
        locator = _locate(entrance, str(UUID(key)))
    except ValueError:
        return []
    asked = {
        "channel": CHANNEL, "locator": locator, "unit": entrance.unit, "report": entrance.report, "period": entrance.period,
    }  # fmt: skip
    with context.engine.connect() as connection:
        taken = connection.execute(sa.text(_PARTS), asked).mappings().all()
        refused = connection.execute(sa.text(_REFUSED), asked).all()
        texts: dict[int, list[tuple[str, str]]] = {}
        shown = [row["arrival"] for row in taken if row["outcome"] == "quarantined"]
        for row in connection.execute(sa.text(_TEXTS), {"arrivals": shown}):
            texts.setdefault(row.arrival_id, []).append((row.message, row.fix))
    found = [UploadedPart(**row, texts=tuple(texts.get(row["arrival"], ())[:_MOST_TEXTS])) for row in taken]
    return found + [
        UploadedPart(row.file_name, "refused", None, None, None, None, False, (_explain(row.code),)) for row in refused
    ]


_PARTS: Final = """
SELECT a.id AS arrival, a.file_name AS file,
       CASE WHEN o.arrival_id IS NULL THEN 'pending' WHEN o.outcome = 'quarantined' THEN o.outcome
            WHEN s.id IS NULL THEN 'settled' ELSE o.outcome END AS outcome,
       s.id AS submission,
       -- In order of receipt, as the attempts are numbered everywhere.
       (SELECT count(*)::integer FROM core.submission e WHERE e.unit = s.unit AND e.report = s.report
        AND e.period = s.period AND (e.received_at, e.id) <= (s.received_at, s.id)) AS attempt,
       (SELECT v.verdict FROM core.verdict v WHERE v.submission_id = s.id ORDER BY v.id DESC LIMIT 1) AS verdict,
       coalesce((SELECT d.decision = 'hold' FROM core.decision d WHERE d.submission_id = s.id ORDER BY d.id DESC LIMIT 1),
                false) AS is_held
FROM landing.arrival a LEFT JOIN landing.current_outcome o ON o.arrival_id = a.id
-- What the office gave to another obligation is no longer this unit's to see.
LEFT JOIN core.submission s ON s.id = o.submission_id AND s.unit = :unit AND s.report = :report AND s.period = :period
WHERE a.channel = :channel AND a.locator = :locator ORDER BY a.id
"""
_REFUSED: Final = """
SELECT file_name, code FROM landing.refusal WHERE channel = :channel AND locator = :locator ORDER BY part
"""
_TEXTS: Final = """
SELECT arrival_id, message, fix FROM core.current_finding WHERE arrival_id = ANY(:arrivals) AND severity = 'error'
ORDER BY arrival_id, code NOT LIKE 'ID-LINK%', form IS NOT NULL, ordinal
"""


def _locate(entrance: Entrance, key: str) -> str:
    return f"{entrance.unit}:{entrance.report}:{entrance.period}:{key}"


def _explain(code: str) -> tuple[str, str]:
    return REFUSALS[RefusalCode(code)]


class _Uploaded(Channel):
    """One uploaded file as a channel with one thing in it."""

    code = CHANNEL

    def __init__(self, file_name: str, stream: BinaryIO, hints: dict[str, str]) -> None:
        self._name = make_safe_name(file_name)
        self._stream = stream
        self._hints = hints

    def list_new(self) -> Iterator[Offer]:
        """Nothing: what is uploaded comes by itself."""
        return iter(())

    @contextmanager
    def fetch(self, offer: Offer) -> Iterator[Iterator[Part | Refused]]:  # noqa: ARG002 - there is only this one
        """The file, or why it is not taken."""
        yield iter([self._judge()])

    def acknowledge(self, offer: Offer) -> None:
        """Nobody waits for it."""

    def _judge(self) -> Part | Refused:
        name, fault = self._name
        self._stream.seek(0, io.SEEK_SET)
        head = self._stream.read(8)
        self._stream.seek(0, io.SEEK_SET)
        ending = name.rpartition(".")[2].lower()
        if fault is None and ending not in _ENDINGS and not head.startswith(_PACKED):
            fault = RefusalCode.KIND_NOT_TAKEN
        if fault is not None:
            return Refused("", name, fault, hints=self._hints)
        return Part("", name, self._stream, self._hints)
