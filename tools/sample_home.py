"""The sample province in a home: written once, put where the folder channel looks, compared with the board afterwards.

It must not judge submissions: what the board must show comes from the sample's own answer key, `faults.json`.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

SAMPLE: Final = "sample"
_NOTE: Final = "made.json"
_RANK: Final = ("rejected", "late", "on_time")
"""Of several attempts of one unit the best one stands: the first accepted decides, and an earlier one is no later."""


class OtherSample(RuntimeError):
    """The home holds a sample made with other settings."""


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """What is asked of the sample: one period of one report."""

    report: str
    period: str
    units: int | None
    seed: int

    @property
    def key(self) -> str:
        """`report:period`."""
        return f"{self.report}:{self.period}"


def make_sample(home: Path, plan: SamplePlan, on_progress: Callable[[int, int], None]) -> Path:
    """The folder of the sample, written if it is not there yet, with its files in `home/inbox` and `home/receipts.csv`.

    Raises OtherSample when the home holds another one: its warehouse would mix two provinces.
    """
    folder = home / SAMPLE
    if folder.exists():
        made = json.loads((folder / _NOTE).read_text("utf-8"))
        if made != asdict(plan):
            raise OtherSample(
                f"{home} holds a sample made with {made}, not {asdict(plan)}. Use the same options, another --home, or "
                "remove that folder."
            )
    else:
        _write(home, plan, on_progress)
    # Receipts first: a file collected without its simulated receipt would count as received today.
    shutil.copyfile(folder / "receipts.csv", home / "receipts.csv")
    shutil.copytree(folder / "inbox", home / "inbox", dirs_exist_ok=True, copy_function=_copy_new)
    return folder


def _write(home: Path, plan: SamplePlan, on_progress: Callable[[int, int], None]) -> None:
    from etl.sample.generate import write_sample
    from etl.settings import PROJECT_ROOT

    new = home / f".{SAMPLE}.new"  # an interrupted run leaves only this one, and the next starts over
    shutil.rmtree(new, ignore_errors=True)
    write_sample(
        PROJECT_ROOT / "register",
        new,
        report=plan.report,
        periods=[plan.period],
        units=plan.units,
        seed=plan.seed,
        faults=None,  # a realistic mix of good, late, missing and bad
        on_progress=on_progress,
    )
    (new / _NOTE).write_text(json.dumps(asdict(plan)), "utf-8")
    new.rename(home / SAMPLE)


def _copy_new(source: str, target: str) -> None:
    if not Path(target).exists():
        shutil.copy2(source, target)


def read_answer_key(folder: Path, plan: SamplePlan) -> dict[str, str]:
    """Unit → state that the board must show for the period of the plan."""
    answers = json.loads((folder / "faults.json").read_text("utf-8"))
    states: dict[str, str] = {}

    def asked(row: Mapping[str, Any]) -> bool:
        return (row["report"], row["period"]) == (plan.report, plan.period)

    for row in filter(asked, answers["submissions"]):
        states[row["unit"]] = max(states.get(row["unit"], _RANK[0]), row["status"], key=_RANK.index)
    for state in ("missing", "exempt"):
        states.update({row["unit"]: state for row in filter(asked, answers[state])})
    return states


def read_receipt_times(folder: Path, plan: SamplePlan) -> list[datetime]:
    """When the submissions of the plan's period were received, in the sample's own time."""
    answers = json.loads((folder / "faults.json").read_text("utf-8"))
    return [
        datetime.fromisoformat(row["received_at"])
        for row in answers["submissions"]
        if (row["report"], row["period"]) == (plan.report, plan.period)
    ]


def count_states(states: Iterable[str]) -> dict[str, int]:
    """The counts of a board (design §4) with these states."""
    found = Counter(states)
    names = ("on_time", "late", "missing", "rejected", "pending", "exempt")
    return {"expected": sum(found.values()) - found["exempt"], **{name: found[name] for name in names}}


def find_differences(expected: Mapping[str, str], seen: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Unit, state of the answer key, state on the board, wherever they differ; a dash where one has no such unit."""
    units = sorted(expected.keys() | seen.keys())
    pairs = [(unit, expected.get(unit, "–"), seen.get(unit, "–")) for unit in units]
    return [pair for pair in pairs if pair[1] != pair[2]]
