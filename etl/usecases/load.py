"""Loading: a batch of pending arrivals is examined and becomes submissions, in one transaction.

A sender's faults are findings and never stop a batch. If a file cannot be examined or stored through a fault of ours, each is
tried alone: the one that fails stays pending with a note in `ops.fault`, the others go through.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import psycopg

from etl.calendar.deadlines import TIMEZONE
from etl.examination import Delivery, Examined, Examiner, Unread, judge, pause_collection, sort_findings
from etl.findings.model import Finding
from etl.reading.failures import ReaderFaultError
from etl.recognition.senders import name_sender
from etl.register.lineage import group_by_lineage
from etl.text import format_date
from etl.usecases.alert_notices import queue_notices
from etl.usecases.arrival_notices import queue_arrival_notices
from etl.usecases.carried_reasons import carry_reasons
from etl.usecases.context import Context, Knowledge
from etl.validation.faults import RuleFault
from etl.warehouse.connect import raw_connection
from etl.warehouse.history_rules import Candidate, find_history_faults
from etl.warehouse.register_load import load_obligations
from etl.warehouse.review_rows import read_published
from etl.warehouse.submission_load import (
    LOAD_LOCK,
    Arrival,
    Connection,
    LoadRows,
    Newest,
    Obligation,
    Reading,
    copy_findings,
    copy_observations,
    read_newest,
    read_owed,
    read_pending,
    refresh_statistics,
    reserve_submission_ids,
)

log = logging.getLogger(__name__)

_Item = TypeVar("_Item", bound="tuple[Any, Examined] | tuple[Any, Examined, Any]")

NOT_ABOUT_ONE_FILE = (psycopg.OperationalError, OSError, ReaderFaultError, RuleFault)
"""The warehouse, the disk, the readers or a rule are at fault: every file would fail alike, so the batch is tried again."""


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """What became of a batch. `failed` are our own faults: those arrivals stay pending."""

    accepted: int = 0
    accepted_with_warnings: int = 0
    rejected: int = 0
    quarantined: int = 0
    already_received: int = 0
    failed: int = 0

    def __add__(self, other: BatchSummary) -> BatchSummary:
        return BatchSummary(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def make_examiner(knowledge: Knowledge) -> Examiner:
    """The examiner on a context's register, forms and catalogue; rules load when the first batch is validated."""
    # Great Expectations costs seconds to import: only who examines pays.
    from etl.validation.run import Validator
    from etl.validation.suites import load_suites

    return Examiner(
        knowledge.settings,
        knowledge.register,
        knowledge.forms,
        knowledge.catalogue,
        lambda: Validator(knowledge.catalogue, knowledge.register, load_suites(knowledge.settings.expectations)),
    )


def load_batch(
    context: Context,
    arrival_ids: Sequence[int],
    on_progress: Callable[[int], None] | None = None,
    examiner: Examiner | None = None,
) -> BatchSummary:
    """Examine and load arrivals; those already processed are skipped, so a batch may be run again.

    Raises what the warehouse or the landing store raise (retry then). Uses `examiner` when given (many batches).
    """
    with raw_connection(context.engine) as connection:
        pending = read_pending(connection, arrival_ids)
    if not pending:
        return BatchSummary()
    with pause_collection():
        if examiner is not None:
            return _examine_and_load(context, pending, on_progress, examiner)
        with make_examiner(context) as own:
            return _examine_and_load(context, pending, on_progress, own)


def _examine_and_load(
    context: Context,
    pending: Sequence[Arrival],
    on_progress: Callable[[int], None] | None,
    examiner: Examiner,
) -> BatchSummary:
    try:
        return _load_together(context, _examine(context, pending, on_progress, examiner))
    except NOT_ABOUT_ONE_FILE:
        raise
    except Exception as error:
        # One file that nobody foresaw must not hold up the others, today or on every later run.
        log.warning("batch of %d arrivals failed (%s); trying each alone", len(pending), type(error).__name__)
        return sum((_load_alone(context, arrival, examiner) for arrival in pending), BatchSummary())


def _examine(
    context: Context, arrivals: Sequence[Arrival], on_progress: Callable[[int], None] | None, examiner: Examiner
) -> list[tuple[Arrival, Examined]]:
    deliveries = (make_delivery(context, arrival) for arrival in arrivals)
    return list(zip(arrivals, examiner.examine(deliveries, on_progress), strict=True))


def name_senders(context: Context, arrival: Arrival) -> dict[str, str]:
    """What the channel said of an arrival; for a mail also whose contact its sender was on the day of receipt."""
    return name_sender(context.register, arrival.hints, arrival.received_at.astimezone(TIMEZONE).date())


def make_delivery(context: Context, arrival: Arrival) -> Delivery:
    """An arrival for the examiner. Its bytes are fetched when their turn comes: those of a batch of large files must not lie in
    memory all at once."""
    size = arrival.size if arrival.size is not None else context.landing.size(arrival.sha256)
    data = Unread(arrival.sha256, size, partial(context.landing.get, arrival.sha256))
    return Delivery(arrival.id, arrival.file_name, data, name_senders(context, arrival), arrival.attributed)


def _load_alone(context: Context, arrival: Arrival, examiner: Examiner) -> BatchSummary:
    try:
        return _load_together(context, _examine(context, [arrival], None, examiner))
    except NOT_ABOUT_ONE_FILE:
        raise
    except Exception as error:
        # Coordinates only: the message may quote what a person wrote.
        log.error("arrival %d could not be loaded (%s); it stays pending", arrival.id, type(error).__name__)
        with raw_connection(context.engine) as connection:
            connection.execute(
                "INSERT INTO ops.fault VALUES (%s, %s, %s)", (arrival.id, type(error).__name__, context.clock())
            )
        return BatchSummary(failed=1)


def _load_together(context: Context, pairs: Sequence[tuple[Arrival, Examined]]) -> BatchSummary:
    with raw_connection(context.engine) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOAD_LOCK,))
        still_pending = {arrival.id for arrival in read_pending(connection, [arrival.id for arrival, _ in pairs])}
        waiting = [(arrival, examined, Reading()) for arrival, examined in pairs if arrival.id in still_pending]
        return store_examined(context, connection, waiting)


def store_examined(
    context: Context, connection: Connection, waiting: Sequence[tuple[Arrival, Examined, Reading]]
) -> BatchSummary:
    """Give arrivals their outcome, in order of receipt, inside the caller's transaction, which holds LOAD_LOCK.

    Changes the `findings` and `verdict` of what was examined where the rules that need the warehouse find something.
    """
    owed = list_owed(context, connection, [(arrival, examined) for arrival, examined, _ in waiting])
    newest = read_newest(connection, owed)
    published = read_published(connection, {obligation[1:] for obligation in owed})
    ids = reserve_submission_ids(connection, len(waiting))
    summary = BatchSummary()
    for wave in split_into_waves(context, waiting):
        rows, loaded = LoadRows(), []
        for arrival, examined, reading in wave:
            recorded_at = _recorded_at(context, arrival, reading)
            obligation = obligation_of(examined)
            hints = {**examined.identity.hints, **_known_codes(examined)}
            rows.add_examination(arrival.id, reading, recorded_at, reading.generation)
            if obligation is None or obligation not in owed:
                rows.add_outcome(arrival, "quarantined", recorded_at, None, hints, reading.generation)
                summary += BatchSummary(quarantined=1)
            elif _is_repeat(newest.get(obligation), arrival):
                known = newest[obligation].submission_id
                rows.add_outcome(arrival, "already_received", recorded_at, known, hints, reading.generation)
                summary += BatchSummary(already_received=1)
            else:
                submission_id = next(ids)
                rows.add_submission(submission_id, arrival, obligation, examined, recorded_at)
                rows.add_outcome(arrival, "submission", recorded_at, submission_id, hints, reading.generation)
                loaded.append((submission_id, arrival, examined, reading))
                newest[obligation] = Newest(submission_id, arrival.sha256, arrival.received_at)
        rows.write_submissions(connection)
        copy_observations(
            connection, [(number, examined, reading.generation) for number, _, examined, reading in loaded]
        )
        candidates = [
            candidate
            for number, arrival, examined, reading in loaded
            if (candidate := make_candidate(number, arrival, examined, reading.generation)) is not None
        ]
        history = find_history_faults(connection, candidates, context.register, context.catalogue)
        for submission_id, arrival, examined, reading in loaded:
            add_findings(examined, history.get(submission_id, ()))
            recorded_at = _recorded_at(context, arrival, reading)
            obligation = obligation_of(examined)
            is_held = obligation is not None and obligation[1:] in published
            rows.add_verdict(submission_id, examined, recorded_at, reading.generation, is_held=is_held)
            summary += BatchSummary(**{examined.verdict: 1})
        rows.write_judgements(connection)
        # In this transaction: an answer is owed for exactly what was stored.
        queue_notices(context, connection, [number for number, _, _, _ in loaded])
        submitted = {arrival.id for _, arrival, _, _ in loaded}
        queue_arrival_notices(context, connection, [one[0].id for one in wave if one[0].id not in submitted])
        copy_findings(
            connection,
            [
                (arrival.id, reading.generation, examined.findings, _recorded_at(context, arrival, reading))
                for arrival, examined, reading in wave
            ],
        )
        carry_reasons(
            connection,
            [
                (number, examined, _recorded_at(context, arrival, reading))
                for number, arrival, examined, reading in loaded
            ],
        )
    if summary != BatchSummary():
        refresh_statistics(connection)
    return summary


def _recorded_at(context: Context, arrival: Arrival, reading: Reading) -> datetime:
    """When this is known: what is read again is known from now on, never from then."""
    known = context.recorded_at(arrival.received_at)
    return known if reading.generation == 1 else max(known, context.clock())


def split_into_waves(context: Context, waiting: Sequence[_Item]) -> list[list[_Item]]:
    """Parts to be judged one after the other: a unit's second file, or its successor's, is compared with its first.

    An item is a tuple whose second part was examined.
    """
    units = {item[1].identity.unit.code for item in waiting if item[1].identity.unit is not None}
    families = group_by_lineage(context.register, units)
    seen: Counter[str] = Counter()
    waves: list[list[_Item]] = [[]]
    for item in waiting:
        unit = item[1].identity.unit
        place = 0
        if unit is not None:
            place = seen[families[unit.code]]
            seen[families[unit.code]] += 1
        if place == len(waves):
            waves.append([])
        waves[place].append(item)
    return waves


def make_candidate(submission_id: int, arrival: Arrival, examined: Examined, generation: int) -> Candidate | None:
    """A submission for the rules that compare it with earlier ones; None when it is not attributed."""
    identity = examined.identity
    if not (identity.unit and identity.report and identity.period):
        return None
    return Candidate(
        submission_id, generation, arrival.id, identity.unit.code, identity.report, identity.period, arrival.received_at,
        examined.submission.parsed,
    )  # fmt: skip


def add_findings(examined: Examined, found: Iterable[Finding]) -> None:
    """Put what the warehouse's rules found to the other findings, and judge again."""
    if added := list(found):
        examined.findings = sort_findings([*examined.findings, *added])
        examined.verdict = judge(examined.findings)
    # Once more: rules that ask the warehouse add findings after the file was examined.
    examined.findings = examined.explain(examined.findings)


def _known_codes(examined: Examined) -> dict[str, str]:
    identity = examined.identity
    known = {"unit": identity.unit, "report": identity.report, "period": identity.period}
    return {name: item.code for name, item in known.items() if item is not None}


def obligation_of(examined: Examined) -> Obligation | None:
    """Whose obligation the content speaks of; None when it cannot be attributed, its sender may not speak for the unit, or it is
    not owed by such a unit."""
    identity = examined.identity
    if identity.is_withheld or not (identity.unit and identity.report and identity.period):
        return None
    if not identity.report.is_owed_by(identity.unit.type):
        return None
    return identity.unit.code, identity.report.code, identity.period.code


def _is_repeat(newest: Newest | None, arrival: Arrival) -> bool:
    """Bytes equal to the obligation's newest submission: received already. The same bytes after others are a resend."""
    return newest is not None and newest.sha256 == arrival.sha256 and newest.received_at <= arrival.received_at


def list_owed(context: Context, connection: Connection, pairs: Sequence[tuple[Arrival, Examined]]) -> set[Obligation]:
    """The obligations of these files that are on the ledger. A period that has begun is opened; one that has not is a finding."""
    wanted: dict[Obligation, Examined] = {}
    for arrival, examined in pairs:
        obligation, period = obligation_of(examined), examined.identity.period
        if obligation is None or period is None:
            continue
        received = arrival.received_at.astimezone(TIMEZONE).date()
        if period.start <= received:
            wanted[obligation] = examined
        else:
            finding = context.catalogue.make_finding(
                "ID-PERIOD-NOT-STARTED", value=period.label, expected=format_date(received)
            )
            examined.findings = list(dict.fromkeys([finding, *examined.findings]))
            examined.verdict = judge(examined.findings)
    owed = read_owed(connection, wanted)
    unopened = {obligation[1:]: examined.identity for obligation, examined in wanted.items() if obligation not in owed}
    for identity in unopened.values():
        if identity.report and identity.period:
            load_obligations(connection, context.register, identity.report, identity.period, context.clock())
    return read_owed(connection, wanted) if unopened else owed
