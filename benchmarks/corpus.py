"""The workbooks that are measured: a sample of the product, cut to a number of files. It judges nothing.

The answer key of the sample tells which files have the layout that was handed out: only on those can a reader that knows
the template alone be compared with ours.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from etl.sample.generate import write_sample
from etl.settings import PROJECT_ROOT

REPORT, PERIOD = "movements-half", "2026-S1"
SEED = 7
_LAYOUT_FAULTS = ("FILE-", "FORM-", "SHEET-", "COLUMN-", "ROW-", "LABEL-", "CELL-", "ID-")


@dataclass(frozen=True, slots=True)
class Corpus:
    """`files` in order of receipt; `well_formed`: names of those without a fault of layout, identity or cell."""

    register: Path
    receipts: Path
    files: tuple[Path, ...]
    well_formed: frozenset[str]


def make_corpus(
    folder: Path, number: int, *, units: int | None = None, on_progress: Callable[[int, int], None] = lambda *_: None
) -> Corpus:
    """A sample in `folder` (kept between runs) and its first `number` files by receipt.

    `units`: size of the province, by default a little more than `number`, since some units send nothing.
    Raises ValueError when the province sends fewer files.
    """
    if not (folder / "made").exists():
        shutil.rmtree(folder, ignore_errors=True)
        write_sample(
            PROJECT_ROOT / "register",
            folder,
            report=REPORT,
            periods=[PERIOD],
            units=units or number + 10,
            seed=SEED,
            faults=None,  # a realistic mix
            on_progress=on_progress,
        )
        (folder / "made").touch()
    with (folder / "receipts.csv").open(encoding="utf-8", newline="") as text:
        rows = list(csv.reader(text))[1:]
    names = [row[0] for row in sorted(rows, key=lambda row: (row[1], row[0]))]
    if len(names) < number:
        raise ValueError(f"the sample in {folder.name} has {len(names)} files, {number} were asked for")
    key = json.loads((folder / "faults.json").read_text("utf-8"))
    badly_formed = {found["file"] for found in key["findings"] if found["code"].startswith(_LAYOUT_FAULTS)}
    chosen = names[:number]
    return Corpus(
        folder / "register",
        folder / "receipts.csv",
        tuple(folder / "inbox" / name for name in chosen),
        frozenset(chosen) - badly_formed,
    )
