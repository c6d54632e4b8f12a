"""Loading: a batch of pending arrivals is examined and becomes submissions, in one transaction.

A sender's faults are findings and never stop a batch. If the transaction itself fails, each file is tried alone: the
one that fails stays pending with a note in `ops.fault`, the others go through.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import psycopg

from etl.calendar.deadlines import TIMEZONE
from etl.examination import Delivery, Examined, Examiner, judge
from etl.text import format_date
from etl.usecases.context import Context, Knowledge
from etl.warehouse.connect import raw_connection
from etl.warehouse.register_load import load_obligations
from etl.warehouse.submission_load import (
    LOAD_LOCK,
    Arrival,
    Connection,
    copy_findings,
    copy_observations,
    find_newest,
    read_pending,
    write_outcome,
    write_submission,
)

log = logging.getLogger(__name__)


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

    return Examiner(
        knowledge.settings,
        knowledge.register,
        knowledge.forms,
        knowledge.catalogue,
        lambda: Validator(knowledge.catalogue, knowledge.register),
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
    deliveries = (
        Delivery(arrival.id, arrival.file_name, context.landing.get(arrival.sha256), arrival.hints)
        for arrival in pending
    )
    if examiner is not None:
        examined = list(examiner.examine(deliveries, on_progress))
    else:
        with make_examiner(context) as own:
            examined = list(own.examine(deliveries, on_progress))
    pairs = list(zip(pending, examined, strict=True))
    try:
        return _load_together(context, pairs)
    except psycopg.DataError as error:
        log.warning("batch of %d arrivals refused (%s); trying each alone", len(pairs), type(error).__name__)
        return sum((_load_alone(context, pair) for pair in pairs), BatchSummary())


def _load_alone(context: Context, pair: tuple[Arrival, Examined]) -> BatchSummary:
    try:
        return _load_together(context, [pair])
    except psycopg.DataError as error:
        # Coordinates only: the driver's message may quote what a person wrote.
        log.error("arrival %d could not be stored (%s); it stays pending", pair[0].id, type(error).__name__)
        with raw_connection(context.engine) as connection:
            connection.execute(
                "INSERT INTO ops.fault VALUES (%s, %s, %s)", (pair[0].id, type(error).__name__, context.clock())
            )
        return BatchSummary(failed=1)


def _load_together(context: Context, pairs: Sequence[tuple[Arrival, Examined]]) -> BatchSummary:
    with raw_connection(context.engine) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOAD_LOCK,))
        still_pending = {arrival.id for arrival in read_pending(connection, [arrival.id for arrival, _ in pairs])}
        loaded: list[tuple[int, Examined]] = []
        findings = []
        summary = BatchSummary()
        for arrival, examined in pairs:
            if arrival.id in still_pending:
                submission_id, became = _settle(context, connection, arrival, examined)
                if submission_id is not None and became != "already_received":
                    loaded.append((submission_id, examined))
                findings.append((arrival.id, examined.findings, context.recorded_at(arrival.received_at)))
                summary += BatchSummary(**{became: 1})
        copy_observations(connection, loaded)
        copy_findings(connection, findings)
        return summary


def _settle(context: Context, connection: Connection, arrival: Arrival, examined: Examined) -> tuple[int | None, str]:
    """Decide what an arrival becomes, and record it: (submission id, name of the count it adds to)."""
    recorded_at = context.recorded_at(arrival.received_at)
    identity = examined.identity
    hints = dict(identity.hints)
    for name, known in (("unit", identity.unit), ("report", identity.report), ("period", identity.period)):
        if known is not None:
            hints[name] = known.code
    if not _can_be_attributed(context, connection, arrival, examined):
        write_outcome(connection, arrival, "quarantined", recorded_at, None, hints)
        return None, "quarantined"
    assert identity.unit and identity.report and identity.period  # noqa: S101 - just checked
    newest = find_newest(connection, identity.unit.code, identity.report.code, identity.period.code)
    if newest is not None and newest[1] == arrival.sha256 and newest[2] <= arrival.received_at:
        write_outcome(connection, arrival, "already_received", recorded_at, newest[0], hints)
        return newest[0], "already_received"
    submission_id = write_submission(connection, arrival, examined, recorded_at)
    write_outcome(connection, arrival, "submission", recorded_at, submission_id, hints)
    return submission_id, examined.verdict


def _can_be_attributed(context: Context, connection: Connection, arrival: Arrival, examined: Examined) -> bool:
    """Whether there is an obligation for it; a period that has begun is opened, one that has not is a finding."""
    identity = examined.identity
    if not (identity.unit and identity.report and identity.period):
        return False
    if not identity.report.is_owed_by(identity.unit.type):
        return False
    received = arrival.received_at.astimezone(TIMEZONE).date()
    if identity.period.start > received:
        finding = context.catalogue.make_finding(
            "ID-PERIOD-NOT-STARTED", value=identity.period.label, expected=format_date(received)
        )
        examined.findings = [finding, *examined.findings]
        examined.verdict = judge(examined.findings)
        return False
    known = connection.execute(
        "SELECT 1 FROM register.obligation WHERE unit = %s AND report = %s AND period = %s AND retired_at IS NULL",
        (identity.unit.code, identity.report.code, identity.period.code),
    ).fetchone()
    if known is None:
        load_obligations(connection, context.register, identity.report, identity.period, context.clock())
    return True
