"""`ingest`: collect, then load every pending batch. Exit and re-run at any line ends in the same warehouse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from etl.usecases.collect import CollectSummary, collect_arrivals, plan_batches
from etl.usecases.context import Context
from etl.usecases.load import BatchSummary, load_batch, make_examiner


@dataclass(frozen=True, slots=True)
class IngestSummary:
    """What came and what became of it."""

    collected: CollectSummary
    loaded: BatchSummary


def ingest(
    context: Context,
    paths: Sequence[Path] | None = None,
    receipts: Path | None = None,
    on_collected: Callable[[int], None] | None = None,
    on_total: Callable[[int], None] | None = None,
    on_examined: Callable[[int], None] | None = None,
) -> IngestSummary:
    """Collect from the paths (default: the drop folder) and process all that is pending, also from before."""
    collected = collect_arrivals(context, paths, receipts, on_collected)
    total = BatchSummary()
    with make_examiner(context) as examiner:
        while batches := plan_batches(context):
            if on_total is not None:
                on_total(sum(map(len, batches)))
            round_total = BatchSummary()
            for batch in batches:
                round_total += load_batch(context, batch, on_examined, examiner)
            total += round_total
            # Arrivals that cannot be stored stay pending: going round again would never end.
            if round_total.failed:
                break
    return IngestSummary(collected, total)
