"""The measurements themselves, one function each: raw timings and figures as plain values. It writes no files of results."""

from __future__ import annotations

import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from benchmarks import naive, ours
from benchmarks.corpus import Corpus
from benchmarks.homes import (
    Home,
    empty_warehouse,
    fill_inbox,
    make_database,
    measure_memory,
    open_home,
    time_command,
)
from etl.findings.catalogue import SUITES_FOLDER
from etl.reading.failures import FailedReading
from etl.reading.pool import ReaderPool
from tools.airflow_client import AirflowClient
from tools.airflow_service import run_airflow

Say = Callable[[str, int, int], None]
"""What is being done, how far it is, of how much (0: unknown)."""

ROUNDS: Final = 3
AIRFLOW_ROUNDS: Final = 3
COLLECT: Final = "collect_submissions"
_RUN_SECONDS: Final = 600.0
_EVERY: Final = 600.0
"""`collect_submissions` also starts by itself on every tenth minute."""
_CLEAR_OF_SCHEDULE: Final = 120.0

_ENOUGH: Final = 100
"""Files among which some rule on figures must have failed."""

COMPARED: Final = (
    "F05-ROW-SUM", "F05-BY-SUBJECT", "F05-BY-METHOD", "F05-INDIVIDUALS", "F05-ENTERPRISES", "F07-TOTAL", "F07-WOMEN",
    "F07-MINORITY", "F03-PERCENT", "F03-PERCENT-OFF", "F03-CUMULATIVE", "F07-LEADER-PERCENT", "F07-LEADER-PERCENT-OFF",
    "F07-WORKER-PERCENT", "F07-WORKER-PERCENT-OFF", "F07-PERCENT-SUM", "X-INDIVIDUALS", "X-LEADERS", "X-WORKERS",
    "X-ENTERPRISES",
)  # fmt: skip
"""Rules on figures. Both sides must find the same failures of them, or the comparison would not be of the same work."""


class UnequalWork(AssertionError):
    """The two sides did not find the same: their times must not be compared."""


def compare_per_file(corpus: Corpus, say: Say) -> dict[str, Any]:
    """Ours three times over all files, the naive side once, in thirds between our runs; both into one server."""
    ours.import_libraries()
    naive.import_libraries()
    files, third = corpus.files, -(-len(corpus.files) // ROUNDS)
    runs: list[ours.StageSeconds] = []
    thirds: list[float] = []
    our_cpu: list[float] = []
    naive_cpu = 0.0
    outcome = naive.NaiveOutcome()
    with open_home("per-file", corpus.register) as home:
        url = make_database(home, "naive")
        for round_ in range(ROUNDS):
            part = files[round_ * third : (round_ + 1) * third]
            cpu = _read_cpu()
            thirds.append(_time_naive(url, corpus, part, outcome, f"naive, part {round_ + 1} of {ROUNDS}", say))
            naive_cpu += _read_cpu() - cpu
            what = f"ours, run {round_ + 1} of {ROUNDS}"
            say(what, 0, len(files))
            empty_warehouse(home)
            seen = _Steps(what, len(files), say)
            cpu = _read_cpu()
            seconds, summary = ours.run_ours(home.settings, files, corpus.receipts, seen.advance)
            our_cpu.append(_read_cpu() - cpu)
            runs.append(seconds)
        compared = _compare_findings(ours.count_findings(home.settings), outcome.failures, corpus.well_formed)
        rows = ours.count_rows(home.settings)
    if len(files) >= _ENOUGH and not compared:
        raise UnequalWork("no rule on figures failed in any well-formed file: nothing shows that both sides check")
    middle = sorted(runs, key=lambda run: run.total)[len(runs) // 2]
    return {
        "ratio": sum(thirds) / middle.total,
        "files": len(files),
        "ours_s": [run.total for run in runs],
        "ours_cpu_s": our_cpu,
        "ours_stages_of_median_s": asdict(middle),
        "ours_verdicts": asdict(summary),
        "naive_s": sum(thirds),
        "naive_parts_s": thirds,
        "naive_cpu_s": naive_cpu,
        "naive_validations": outcome.validations,
        "naive_unreadable": len(outcome.unreadable),
        "naive_rules_raised": sum(outcome.broken.values()),
        "well_formed_files": len(corpus.well_formed),
        "compared_failures": compared,
        "load_rows": rows,
        "load_rows_per_s": rows / statistics.median(run.load for run in runs),
    }


def _read_cpu() -> float:
    """Processor seconds of this program and its ended children; what others do on the machine adds little to them."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _time_naive(
    url: str, corpus: Corpus, part: Sequence[Path], outcome: naive.NaiveOutcome, what: str, say: Say
) -> float:
    seen = _Steps(what, len(part), say)
    say(what, 0, len(part))
    began = time.perf_counter()
    pipeline = naive.NaivePipeline(url, corpus.register, SUITES_FOLDER)
    pipeline.run(part, outcome, lambda: seen.advance(1))
    seconds = time.perf_counter() - began
    pipeline.close()
    return seconds


def _compare_findings(
    found: Counter[tuple[str, str]], failures: Counter[tuple[str, str]], well_formed: frozenset[str]
) -> dict[str, int]:
    """Failures by rule, equal on both sides for every well-formed file. Raises UnequalWork."""

    def choose(counted: Counter[tuple[str, str]]) -> dict[tuple[str, str], int]:
        return {key: number for key, number in counted.items() if key[0] in well_formed and key[1] in COMPARED}

    left, right = choose(found), choose(failures)
    different = [
        f"{name} {code}: ours {left.get((name, code), 0)}, naive {right.get((name, code), 0)}"
        for name, code in sorted(left.keys() | right.keys())
        if left.get((name, code)) != right.get((name, code))
    ]
    if different:
        raise UnequalWork("the two sides found different failures: " + "; ".join(different[:10]))
    by_rule: Counter[str] = Counter()
    for (_, code), number in left.items():
        by_rule[code] += number
    return dict(sorted(by_rule.items()))


def measure_airflow(corpus: Corpus, rounds: int, say: Say) -> dict[str, Any]:
    """Trigger to success of the collecting DAG, less what the command line needs for the same files.

    Both start with an empty warehouse and the files in the drop folder. The command line runs while no Airflow does.
    """
    alone: list[float] = []
    triggered: list[float] = []
    with open_home("airflow", corpus.register) as home:
        for round_ in range(rounds):
            say("command line alone", round_, rounds)
            empty_warehouse(home)
            fill_inbox(home, corpus.files, corpus.receipts)
            alone.append(time_command(home, ["ingest", "--json"])[0])
        fill_inbox(home, (), corpus.receipts)
        say("Airflow starts", 0, 0)
        with run_airflow(
            home.settings.home,
            home.server.airflow_url,
            extra=home.variables,
            say=lambda text: say(f"Airflow: {text}", 0, 0),
        ) as service:
            client = service.log_in()
            client.unpause(COLLECT)
            tasks: list[Mapping[str, float]] = []
            for round_ in range(rounds):
                _await_quiet(client, say)
                say("Airflow, trigger to success", round_, rounds)
                empty_warehouse(home)
                fill_inbox(home, corpus.files, corpus.receipts)
                seconds, parts = _time_run(client, len(corpus.files))
                triggered.append(seconds)
                tasks.append(parts)
                fill_inbox(home, (), corpus.receipts)
    return {
        "difference_s": statistics.median(triggered) - statistics.median(alone),
        "files": len(corpus.files),
        "airflow_s": triggered,
        "airflow_tasks_s": tasks,
        "cli_s": alone,
    }


def _await_quiet(client: AirflowClient, say: Say) -> None:
    """Until no run is under way and none will start by its schedule while we measure. The drop folder is empty then."""
    while True:
        runs = client.list_runs(COLLECT)
        waiting = [run for run in runs if run["state"] in ("queued", "running")]
        left = _EVERY - time.time() % _EVERY
        # Unpausing starts the run of the last ten minutes, and no run is there in the very second of its time.
        if runs and not waiting and _CLEAR_OF_SCHEDULE < left < _EVERY - 15:
            return
        say("waiting for the scheduled run to pass", 0, 0)
        time.sleep(1.0)


def _time_run(client: AirflowClient, files: int) -> tuple[float, dict[str, float]]:
    """Seconds from trigger to success as a client sees it, and of each task. Raises RuntimeError when it took other files."""
    began = time.perf_counter()
    run = client.trigger(COLLECT)
    client.await_run(COLLECT, run, seconds=_RUN_SECONDS)
    seconds = time.perf_counter() - began
    summed = client.read_result(COLLECT, run, "sum_up")
    if summed["landed"] != files:
        raise RuntimeError(
            f"the measured run landed {summed['landed']} files instead of {files}: another run took them"
        )
    return seconds, {task["task_id"]: task["duration"] for task in client.list_tasks(COLLECT, run)}


def measure_command_line(corpus: Corpus, rounds: int, say: Say) -> dict[str, Any]:
    """`check` and `ingest` as fresh programs, the memory of `ingest`, and reading alone."""
    files = [str(file) for file in corpus.files]
    with open_home("command-line", corpus.register) as home:
        checks = []
        for round_ in range(rounds):
            say("check", round_, rounds)
            checks.append(time_command(home, ["check", "--json", *files], allowed=(0, 1))[0])
        say("memory of ingest", 0, 0)
        empty_warehouse(home)
        fill_inbox(home, corpus.files, corpus.receipts)
        alone, together = measure_memory(home, ["ingest", "--json"])
        readings = []
        for round_ in range(rounds):
            say("reading", round_, rounds)
            readings.append(_time_reading(home, corpus))
    return {
        "files": len(files),
        "check_s": statistics.median(checks),
        "check_runs_s": checks,
        "reading_ms_per_file": 1000 * statistics.median(readings) / len(files),
        "reading_runs_s": readings,
        "readers": home.settings.readers,
        "ingest_peak_mib": alone / 1024**2,
        "ingest_peak_with_children_mib": together / 1024**2,
    }


def _time_reading(home: Home, corpus: Corpus) -> float:
    """Seconds from no children to all workbooks read."""
    settings = home.settings
    data = [file.read_bytes() for file in corpus.files]
    began = time.perf_counter()
    with ReaderPool(
        settings.readers, settings.reader_memory_bytes, settings.reader_seconds, settings.max_file_bytes
    ) as pool:
        failed = sum(isinstance(result, FailedReading) for _, result in pool.read(enumerate(data)))
    seconds = time.perf_counter() - began
    if failed > len(data) // 10:
        raise RuntimeError(f"{failed} of {len(data)} files could not be read: this is not the sample that was meant")
    return seconds


class _Steps:
    """Counts steps for the terminal, at most a few hundred calls a run."""

    def __init__(self, what: str, total: int, say: Say) -> None:
        self._what, self._total, self._say, self._done = what, total, say, 0

    def advance(self, by: int = 1) -> None:
        self._done += by
        self._say(self._what, self._done, self._total)
