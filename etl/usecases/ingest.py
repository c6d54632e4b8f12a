"""`ingest`: collect, then load every pending batch. Exit and re-run at any line ends in the same warehouse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from etl.usecases.collect import CollectSummary, collect_arrivals, plan_batches
from etl.usecases.context import Context
from etl.usecases.load import BatchSummary, load_batch, make_examiner
from etl.usecases.outcomes import Outcome, read_outcomes
from etl.usecases.revalidate import reprocess_quarantine
from etl.warehouse.submission_load import SYSTEM

REPROCESSED = "Đọc lại tệp chưa rõ đơn vị sau khi sửa danh mục"


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
    *,
    reprocess: bool = False,
) -> IngestSummary:
    """Collect from the paths (default: the drop folder) and process all that is pending, also from before.

    `reprocess`: the files in quarantine are read again after that, because the register was corrected.
    """
    total = BatchSummary()
    tried: set[int] = set()
    # Opened first: its readers come up while the files are stored.
    with make_examiner(context) as examiner:
        collected = collect_arrivals(context, paths, receipts, on_collected)
        # An arrival that fails through a fault of ours stays pending: it is tried once a run, not for ever.
        while batches := [left for batch in plan_batches(context) if (left := [a for a in batch if a not in tried])]:
            if on_total is not None:
                on_total(sum(map(len, batches)))
            for batch in batches:
                total += load_batch(context, batch, on_examined, examiner)
                tried.update(batch)
    if reprocess:
        again, changed = reprocess_quarantine(context, by=SYSTEM, why=REPROCESSED, on_progress=on_examined)
        total += again
        tried.update(changed)
    return IngestSummary(collected, total, read_outcomes(context, sorted(tried)))
