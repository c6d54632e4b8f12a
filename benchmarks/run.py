"""`make bench`: runs the measurements and writes `benchmarks/results.json`.

    python -m benchmarks.run [--quick] [--only NAME]

Exit 0: measured; 1: measured, and a goal was missed; 2: could not be measured. Nothing keeps running afterwards.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.corpus import Corpus, make_corpus
from benchmarks.homes import WORK
from benchmarks.machine import read_load, read_machine
from benchmarks.marts import measure_marts
from benchmarks.measure import AIRFLOW_ROUNDS, Say, compare_per_file, measure_airflow, measure_command_line

RESULTS: Final = Path(__file__).resolve().parent / "results.json"
FILES, PROVINCE, QUICK = 300, 178, 30
GOALS: Final[Mapping[str, tuple[str, float]]] = {
    "faster_than_gx_per_file": ("at least", 30.0),
    "airflow_over_cli_s": ("at most", 60.0),
    "slowest_mart_s": ("at most", 1.0),
    "one_change_of_all_figures": ("at most", 0.05),
}
_SOURCES: Final[Mapping[str, tuple[str, str]]] = {
    "faster_than_gx_per_file": ("faster_than_gx_per_file", "ratio"),
    "airflow_over_cli_s": ("airflow_over_cli_s", "difference_s"),
    "slowest_mart_s": ("marts", "slowest_s"),
    "one_change_of_all_figures": ("marts", "change_share"),
}
"""Where a figure with a goal stands: the measurement and its key."""


@dataclass(frozen=True, slots=True)
class Options:
    """`quick`: a tenth of the files and one round; its figures say that everything runs, and little about speed."""

    quick: bool
    only: str | None


def main(arguments: list[str] | None = None) -> int:
    """The command line; see the module's docstring."""
    options = _read_options(arguments)
    console = Console()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        results = run_measurements(options, console)
    except KeyboardInterrupt:
        console.print("Ended on request; everything that was started is stopped.")
        return 2
    except Exception as error:
        console.print(f"[bold red]Stopped:[/] {type(error).__name__}: {error}", highlight=False)
        return 2
    console.print(_draw(results))
    console.print(f"Written: benchmarks/{RESULTS.name}")
    return 0 if options.quick or all(results["goals_reached"].values()) else 1


def run_measurements(options: Options, console: Console) -> dict[str, Any]:
    """Run what was asked for and write the results; figures not measured this time are kept with their own date."""
    WORK.mkdir(parents=True, exist_ok=True)
    results = _read_earlier()
    results["machine"] = read_machine()
    for name in MEASUREMENTS if options.only is None else (options.only,):
        before = read_load()
        with _show(console, name) as say:
            figures = MEASUREMENTS[name](options, say)
        results["measurements"][name] = _round(
            {
                "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "quick": options.quick,
                "load_average_before": before,
                "load_average_after": read_load(),
                **figures,
            }
        )
        # After each one: what is measured is kept when a later one fails.
        results["ratios"] = _read_ratios(results["measurements"])
        results["goals_reached"] = {name: _is_reached(name, value) for name, value in results["ratios"].items()}
        RESULTS.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return results


def _measure_per_file(options: Options, say: Say) -> dict[str, Any]:
    number = QUICK if options.quick else FILES
    return compare_per_file(_make_corpus(number, say), say)


def _measure_airflow(options: Options, say: Say) -> dict[str, Any]:
    corpus = _make_corpus(QUICK if options.quick else PROVINCE, say)
    return measure_airflow(corpus, 1 if options.quick else AIRFLOW_ROUNDS, say)


def _measure_command_line(options: Options, say: Say) -> dict[str, Any]:
    corpus = _make_corpus(QUICK if options.quick else PROVINCE, say)
    return measure_command_line(corpus, 1 if options.quick else 3, say)


def _measure_marts(options: Options, say: Say) -> dict[str, Any]:
    return measure_marts(QUICK if options.quick else PROVINCE, 0.1 if options.quick else 1, say)


MEASUREMENTS: Final[Mapping[str, Callable[[Options, Say], dict[str, Any]]]] = {
    "faster_than_gx_per_file": _measure_per_file,
    "command_line": _measure_command_line,
    "airflow_over_cli_s": _measure_airflow,
    "marts": _measure_marts,
}


def _make_corpus(number: int, say: Say) -> Corpus:
    return make_corpus(
        WORK / f"sample-{number}", number, on_progress=lambda done, total: say("sample province", done, total)
    )


def _read_ratios(measurements: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    return {name: measurements[source][key] for name, (source, key) in _SOURCES.items() if source in measurements}


def _is_reached(name: str, value: float) -> bool:
    word, goal = GOALS[name]
    return value >= goal if word == "at least" else value <= goal


def _read_earlier() -> dict[str, Any]:
    earlier = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    return {"machine": {}, "ratios": {}, "goals_reached": {}, "measurements": earlier.get("measurements", {})}


def _round(value: Any) -> Any:
    """Three decimals: more would only look exact."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: _round(item) for key, item in value.items()}
    return [_round(item) for item in value] if isinstance(value, list) else value


def _draw(results: Mapping[str, Any]) -> Table:
    table = Table("figure", "measured", "goal", title="Measurements")
    for name, value in results["ratios"].items():
        word, goal = GOALS[name]
        style = "green" if results["goals_reached"][name] else "red"
        quick = " (quick)" if results["measurements"][_SOURCES[name][0]]["quick"] else ""
        table.add_row(name, f"[{style}]{value:.3g}[/]{quick}", f"{word} {goal:g}")
    for name, figures in results["measurements"].items():
        for key, value in figures.items():
            if isinstance(value, int | float) and not isinstance(value, bool) and key not in ("ratio", "difference_s"):
                table.add_row(f"{name}: {key}", f"{value:g}", "", style="dim")
    return table


def _read_options(arguments: list[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} files and one round: does everything run?")
    parser.add_argument("--only", choices=list(MEASUREMENTS), help="one measurement; the others keep their figures")
    given = parser.parse_args(arguments)
    return Options(given.quick, given.only)


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _show(console: Console, name: str) -> Iterator[Say]:
    columns = (TextColumn("{task.fields[name]}: {task.description}"), BarColumn(bar_width=24), MofNCompleteColumn())
    # Twice a second: drawing must not take time from what is measured.
    with Progress(*columns, TimeElapsedColumn(), console=console, refresh_per_second=2) as progress:
        task = progress.add_task("", total=None, name=name)

        def say(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total or None)

        yield say


if __name__ == "__main__":
    sys.exit(main())
