"""Our side: collect the arrivals, then examine and load them batch by batch, with the seconds of each stage.

The same calls as the use case `ingest`, written out only so that stages can be timed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from etl.examination import Delivery, Examined, Examiner
from etl.settings import Settings
from etl.usecases.collect import collect_arrivals, plan_batches
from etl.usecases.context import Context, open_context
from etl.usecases.load import BatchSummary, load_batch, make_examiner


@dataclass(frozen=True, slots=True)
class StageSeconds:
    """Wall seconds. `examine` holds reading, parsing and rules; `load` the transaction of the batch alone."""

    set_up: float
    collect: float
    examine: float
    load: float
    total: float


class _TimedExaminer(Examiner):
    """Adds up the seconds spent examining."""

    def __init__(self, inner: Examiner) -> None:  # not the parent's: it would make a second pool of readers
        self._inner = inner
        self.seconds = 0.0

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._inner.__exit__(*error)

    def examine(
        self, deliveries: Iterable[Delivery], on_progress: Callable[[int], None] | None = None
    ) -> Iterator[Examined]:
        began = time.perf_counter()
        examined = list(self._inner.examine(deliveries, on_progress))
        self.seconds += time.perf_counter() - began
        yield from examined


def import_libraries() -> None:
    """What the clock leaves out: importing, on both sides."""
    import great_expectations  # noqa: F401

    import etl.validation.expectations
    import etl.validation.run  # noqa: F401


def run_ours(
    settings: Settings, files: Sequence[Path], receipts: Path, on_progress: Callable[[int], None] | None = None
) -> tuple[StageSeconds, BatchSummary]:
    """Files to an empty warehouse that has its tables. The clock runs from opening the warehouse to the last commit."""
    began = time.perf_counter()
    with open_context(settings) as context, _TimedExaminer(make_examiner(context)) as examiner:
        ready = time.perf_counter()
        collect_arrivals(context, files, receipts)
        collected = time.perf_counter()
        summary = BatchSummary()
        while batches := plan_batches(context):
            for batch in batches:
                summary += load_batch(context, batch, on_progress, examiner)
            if summary.failed:
                raise RuntimeError(f"{summary.failed} files could not be stored: the measurement is void")
        loaded = time.perf_counter()
    ended = time.perf_counter()
    load = loaded - collected - examiner.seconds
    return StageSeconds(ready - began, collected - ready, examiner.seconds, load, ended - began), summary


def count_findings(settings: Settings) -> Counter[tuple[str, str]]:
    """(file name, finding code) → findings, from the warehouse."""
    with open_context(settings) as context:
        return Counter({(row[0], row[1]): int(row[2]) for row in _select(context, _FINDINGS)})


def count_rows(settings: Settings) -> int:
    """Observations and findings in the warehouse."""
    with open_context(settings) as context:
        return int(_select(context, _ROWS)[0][0])


_FINDINGS = """SELECT a.file_name, f.code, count(*) FROM core.finding f JOIN landing.arrival a ON a.id = f.arrival_id
GROUP BY 1, 2"""
_ROWS = "SELECT (SELECT count(*) FROM core.observation) + (SELECT count(*) FROM core.finding)"


def _select(context: Context, statement: str) -> Sequence[Any]:
    with context.engine.connect() as connection:
        return connection.execute(sa.text(statement)).fetchall()
