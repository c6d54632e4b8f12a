"""`ingest`: collect, then load every pending batch. Exit and re-run at any line ends in the same warehouse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from etl.usecases.collect import CollectSummary, collect_arrivals, plan_batches
from etl.usecases.context import Context
from etl.usecases.load import BatchSummary, load_batch, make_examiner
from etl.usecases.outcomes import Outcome, read_outcomes


@dataclass(frozen=True, slots=True)
class IngestSummary:
    """What came and what became of it; `outcomes` in order of receipt."""

    collected: CollectSummary
    loaded: BatchSummary
    outcomes: list[Outcome]


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
    tried: set[int] = set()
    with make_examiner(context) as examiner:
        # An arrival that fails through a fault of ours stays pending: it is tried once a run, not for ever.
        while batches := [left for batch in plan_batches(context) if (left := [a for a in batch if a not in tried])]:
            if on_total is not None:
                on_total(sum(map(len, batches)))
            for batch in batches:
                total += load_batch(context, batch, on_examined, examiner)
                tried.update(batch)
    return IngestSummary(collected, total, read_outcomes(context, sorted(tried)))
