"""Stored files examined again with today's rules and register: what would change, and the change itself.

Append-only: a new reading, verdict and findings (and observations where the values changed) stand beside the old ones, so
that a board or a figure as of an earlier instant stays what it was. A reviewer's decision is never overridden. Running it
twice changes nothing the second time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from etl.examination import BATCH_SIZE, Examined, Examiner, Verdict, pause_collection
from etl.usecases.alert_notices import queue_notices
from etl.usecases.context import Context
from etl.usecases.load import (
    BatchSummary,
    add_findings,
    list_owed,
    make_candidate,
    make_delivery,
    make_examiner,
    obligation_of,
    split_into_waves,
    store_examined,
)
from etl.usecases.review import refuse_when_published
from etl.warehouse.connect import raw_connection
from etl.warehouse.history_rules import find_history_faults
from etl.warehouse.stored_readings import (
    StoredSubmission,
    read_findings,
    read_quarantined,
    read_submissions,
    read_values,
)
from etl.warehouse.submission_load import (
    LOAD_LOCK,
    Arrival,
    Connection,
    LoadRows,
    Reading,
    copy_findings,
    copy_observations,
    finding_values,
    observation_rows,
)

Progress = Callable[[int], None]
_PLACE = slice(1, 6)
"""Of a row of core.observation: form, version, row, column, ordinal."""


@dataclass(frozen=True, slots=True)
class Revalidated:
    """A submission of which something would change, or has changed.

    `gained` and `lost`: code → how many findings more or fewer. `values_changed`: cells that read differently.
    `decision`: what the system decides (accept, return) because the verdict turned; None where it did not, or where a
    reviewer's decision stands (`is_reviewed`).
    """

    submission: int
    unit: str
    file: str
    received_at: datetime
    old_verdict: str
    new_verdict: Verdict
    gained: dict[str, int]
    lost: dict[str, int]
    values_changed: int
    decision: str | None
    is_reviewed: bool


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A submission whose file today speaks of another obligation: it is left as it is, a person has to look at it."""

    submission: int
    unit: str
    file: str
    now_of: str


@dataclass(slots=True)
class RevalidationSummary:
    """What was examined again, in order of receipt. `applied`: the changes are stored."""

    report: str
    period: str
    applied: bool
    examined: int = 0
    changes: list[Revalidated] = field(default_factory=list)
    elsewhere: list[Elsewhere] = field(default_factory=list)


def revalidate_period(
    context: Context,
    report: str,
    period: str,
    *,
    apply: bool = False,
    by: str = "",
    why: str = "",
    on_total: Progress | None = None,
    on_progress: Progress | None = None,
) -> RevalidationSummary:
    """Examine the submissions that count, and the newest, of a period again; store what changes when told to `apply`.

    `by` and `why` are kept with every changed reading. What would change is found by making the change and taking it back.
    Raises UnknownReport, UnknownPeriod, ValueError when `apply` comes without `by` and `why`, ReviewRefused when the period is
    published: it would change figures that were.
    """
    if apply and not (by.strip() and why.strip()):
        raise ValueError("a change of verdicts is recorded with who wanted it and why: give both --by and --why")
    context.register.period(report, period)
    summary = RevalidationSummary(report, period, apply)
    with raw_connection(context.engine) as connection:
        # Before minutes of reading, and once more below, where nobody can publish any more.
        refuse_when_published(connection, report, period)
        waiting = iter(stored := read_submissions(connection, report, period))
    if on_total is not None:
        on_total(len(stored))
    with make_examiner(context) as examiner, raw_connection(context.engine) as connection:
        # One transaction for the whole period: a later file is judged by what an earlier one has become.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOAD_LOCK,))
        refuse_when_published(connection, report, period)
        known = {one.id: one for one in read_submissions(connection, report, period)}
        while batch := list(islice(waiting, BATCH_SIZE)):
            with pause_collection():
                examined = _examine(context, [one.arrival for one in batch], examiner, on_progress)
                pairs = [(one, found) for one, found in zip(batch, examined, strict=True) if known.get(one.id) == one]
                _judge_again(context, connection, pairs, Reading(0, by, why), summary)
        if not apply:
            connection.rollback()
    return summary


def reprocess_quarantine(
    context: Context, *, by: str, why: str, on_progress: Progress | None = None
) -> tuple[BatchSummary, list[int]]:
    """Read every file in quarantine again: what is owed by somebody today becomes a submission, received when it was.

    What became of those for which something changed, and their arrival ids. A file still nobody's keeps lying there, with
    today's findings.
    """
    with raw_connection(context.engine) as connection:
        waiting = iter(read_quarantined(connection))
    total, changed = BatchSummary(), []
    with make_examiner(context) as examiner:
        while batch := list(islice(waiting, BATCH_SIZE)):
            with pause_collection():
                examined = _examine(context, [arrival for arrival, _ in batch], examiner, on_progress)
                with raw_connection(context.engine) as connection:
                    connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOAD_LOCK,))
                    still = {arrival.id: generation for arrival, generation in read_quarantined(connection)}
                    pairs = [
                        (arrival, found)
                        for (arrival, generation), found in zip(batch, examined, strict=True)
                        if still.get(arrival.id) == generation
                    ]
                    told = _keep_changed(context, connection, pairs)
                    items = [(arrival, found, Reading(still[arrival.id] + 1, by, why)) for arrival, found in told]
                    total += store_examined(context, connection, items)
                    changed += [arrival.id for arrival, _ in told]
    return total, changed


def _examine(
    context: Context, arrivals: Sequence[Arrival], examiner: Examiner, on_progress: Progress | None
) -> list[Examined]:
    deliveries = (make_delivery(context, arrival) for arrival in arrivals)
    return list(examiner.examine(deliveries, on_progress))


def _keep_changed(
    context: Context, connection: Connection, pairs: Sequence[tuple[Arrival, Examined]]
) -> list[tuple[Arrival, Examined]]:
    owed = list_owed(context, connection, pairs)
    stored = read_findings(connection, [arrival.id for arrival, _ in pairs])
    return [
        (arrival, examined)
        for arrival, examined in pairs
        if obligation_of(examined) in owed
        or Counter(map(finding_values, examined.findings)) != Counter(stored.get(arrival.id, ()))
    ]


def _judge_again(
    context: Context,
    connection: Connection,
    pairs: Sequence[tuple[StoredSubmission, Examined]],
    reading: Reading,
    summary: RevalidationSummary,
) -> None:
    """Judge anew and write what changed. `reading` says by whom and why."""
    summary.examined += len(pairs)
    own = []
    for stored, examined in pairs:
        now_of = obligation_of(examined)
        if now_of is not None and now_of != stored.obligation:
            summary.elsewhere.append(
                Elsewhere(stored.id, stored.obligation[0], stored.arrival.file_name, " ".join(now_of))
            )
        else:
            own.append((stored, examined))
    findings = read_findings(connection, [stored.arrival.id for stored, _ in own])
    values = read_values(connection, [stored for stored, _ in own])
    for wave in split_into_waves(context, own):
        changed_values = {
            stored.id: len({row[_PLACE] for row in values[stored.id] ^ _values_of(stored, examined)})
            for stored, examined in wave
        }
        generations = {
            stored.id: stored.generation + 1 if changed_values[stored.id] else stored.values_generation
            for stored, _ in wave
        }
        copy_observations(
            connection,
            [(stored.id, examined, generations[stored.id]) for stored, examined in wave if changed_values[stored.id]],
        )
        candidates = [
            candidate
            for stored, examined in wave
            if (candidate := make_candidate(stored.id, stored.arrival, examined, generations[stored.id])) is not None
        ]
        history = find_history_faults(connection, candidates, context.register, context.catalogue)
        rows, told = LoadRows(), []
        for stored, examined in wave:
            add_findings(examined, history.get(stored.id, ()))
            before = findings.get(stored.arrival.id, [])
            now = [finding_values(finding) for finding in examined.findings]
            if not changed_values[stored.id] and stored.verdict == examined.verdict and Counter(now) == Counter(before):
                continue
            recorded_at = max(context.clock(), context.recorded_at(stored.arrival.received_at))
            turned = (stored.verdict == "rejected") != (examined.verdict == "rejected")
            decides = turned and not stored.is_reviewed
            new = Reading(stored.generation + 1, reading.by, reading.why)
            rows.add_examination(stored.arrival.id, new, recorded_at, generations[stored.id])
            rows.add_verdict(stored.id, examined, recorded_at, new.generation, decides, f"Kiểm tra lại: {reading.why}")
            told.append((stored.arrival.id, new.generation, examined.findings, recorded_at))
            gained, lost = _compare_codes(before, now)
            decision = ("return" if examined.verdict == "rejected" else "accept") if decides else None
            summary.changes.append(
                Revalidated(
                    stored.id, stored.obligation[0], stored.arrival.file_name, stored.arrival.received_at, stored.verdict,
                    examined.verdict, gained, lost, changed_values[stored.id], decision, stored.is_reviewed,
                )
            )  # fmt: skip
        rows.write_judgements(connection)
        # In this transaction: whoever was told one thing and now counts as the other is owed an answer.
        queue_notices(context, connection, [row[0] for row in rows.decisions])
        copy_findings(connection, told)


def _values_of(stored: StoredSubmission, examined: Examined) -> set[tuple[object, ...]]:
    return {row[:-1] for row in observation_rows(stored.id, examined)}


def _compare_codes(
    before: Iterable[tuple[object, ...]], now: Iterable[tuple[object, ...]]
) -> tuple[dict[str, int], dict[str, int]]:
    """(gained, lost): code → number."""
    old, new = (Counter(str(row[0]) for row in rows) for rows in (before, now))
    return dict(sorted((new - old).items())), dict(sorted((old - new).items()))
