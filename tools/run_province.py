"""`make run` and `make run-once`: a sample province through one period on real Airflow, from workbooks to the board.

    python -m tools.run_province [--stay] [--home FOLDER] [--units N] [--seed S] [--port P]

Exit 0: the board is what the sample's answer key says. 1: it is not. 2: it could not be run. It must not reach a real
warehouse: it takes no settings from the caller's shell but the home.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from etl.review.words import COUNT_LABELS, RATE_LABELS, show_instant, show_number
from etl.settings import PROJECT_ROOT, Settings, read_settings
from etl.text import capitalise, show_share
from etl.usecases.board import Board, read_board
from etl.usecases.context import open_context
from etl.usecases.prepare import init_warehouse
from etl.warehouse.server import ServerError, ensure_server, server_status, stop_server
from tools.airflow_client import AirflowClient, AirflowError
from tools.airflow_files import OFFICE, REVIEWER
from tools.airflow_service import DAGS, AirflowService, ServiceError, run_airflow
from tools.sample_home import (
    OtherSample,
    SamplePlan,
    count_states,
    find_differences,
    make_sample,
    read_answer_key,
    read_receipt_times,
)

REPORT, PERIOD = "movements-half", "2026-S1"
STILL_OPEN = ("statistics-year", "2026-A1")
RUN_SECONDS = 1800.0


class Stopped(BaseException):
    """Somebody asked the program to end (Ctrl-C or SIGTERM)."""


def main(arguments: list[str] | None = None) -> int:
    """The command line; see the module's docstring."""
    options = _read_options(arguments)
    console = Console()
    _stop_on_signals()
    try:
        return run_province(options, console)
    except (ServiceError, AirflowError, ServerError, OtherSample, OSError, ValueError) as error:
        console.print(f"[bold red]Stopped:[/] {error}", highlight=False, markup=True)
        return 2
    except Stopped:
        console.print("Ended on request; everything that was started is stopped.")
        return 130


def run_province(options: argparse.Namespace, console: Console) -> int:
    """Prepare, run, compare, and with `--stay` serve until told to end. Whatever was started is stopped."""
    began = time.monotonic()
    home: Path = options.home.expanduser().resolve()
    plan = SamplePlan(REPORT, PERIOD, options.units, options.seed)
    home.mkdir(parents=True, exist_ok=True)
    with _show_progress(console) as progress:
        with _tell(progress, "Embedded PostgreSQL"):
            # Noted in a file: what a killed launcher started is stopped by the next one, what others started is not.
            note = home / ".server-of-launcher"
            if server_status(home).state != "running":
                note.touch()
            server = ensure_server(home)
        try:
            with _tell(progress, f"Sample province, {plan.key}") as task:
                folder = make_sample(home, plan, lambda done, all_: progress.update(task, completed=done, total=all_))
            settings = _read_province_settings(home, folder)
            with _tell(progress, "Warehouse, register, obligations"):
                init_warehouse(settings)
            with contextlib.ExitStack() as running:
                with _tell(progress, "Airflow") as task:
                    service = running.enter_context(
                        run_airflow(
                            home,
                            server.airflow_url,
                            extra=_name_settings(settings),
                            port=options.port,
                            say=lambda text: progress.update(task, description=f"Airflow: {text}"),
                        )
                    )
                as_of = _choose_instant(settings, folder, plan)
                _run_period(service, plan, as_of, progress)
                progress.stop()
                right = _show_boards(settings, folder, plan, as_of, console)
                _show_places(service, settings, home, plan, console, time.monotonic() - began, options.stay)
                if options.stay:
                    _serve(service, console)
        finally:
            if note.exists():
                stop_server(home)
                note.unlink()
    return 0 if right else 1


def _read_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.run_province", description=__doc__.splitlines()[0])
    parser.add_argument("--stay", action="store_true", help="keep Airflow and the pages serving until Ctrl-C")
    parser.add_argument("--home", type=Path, default=PROJECT_ROOT / "home", help="data folder (default: home/)")
    parser.add_argument("--units", type=int, default=None, help="only so many units (default: the whole province)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the sample (default: 7)")
    parser.add_argument("--port", type=int, default=None, help="port of the pages (default: 8080, or a free one)")
    return parser.parse_args(arguments)


def _read_province_settings(home: Path, folder: Path) -> Settings:
    """Settings of the sample, whatever the caller's shell says: simulated files must not reach a real warehouse."""
    settings = read_settings(
        {"MOVEMENT_REPORTS_HOME": str(home), "MOVEMENT_REPORTS_REGISTER": str(folder / "register")}
    )
    return replace(settings, warehouse_url=None)


def _choose_instant(settings: Settings, folder: Path, plan: SamplePlan) -> datetime:
    """The morning at which the period is looked at: all receipts are in and nobody can be in time any more.

    In the province's own time, so that every run shows the same board, whatever year it is.
    """
    with open_context(settings) as context:
        board = read_board(context, plan.report, plan.period, datetime.now(UTC))
    return max([*read_receipt_times(folder, plan), *(line.due_at for line in board.units)]) + timedelta(days=1)


def _name_settings(settings: Settings) -> dict[str, str]:
    return {
        "MOVEMENT_REPORTS_HOME": str(settings.home),
        "MOVEMENT_REPORTS_REGISTER": str(settings.register),
        "MOVEMENT_REPORTS_LANDING": settings.landing,
    }


def _run_period(service: AirflowService, plan: SamplePlan, as_of: datetime, progress: Progress) -> None:
    """Collect, close, consolidate; each run is awaited and shown task by task."""
    client = service.log_in()
    known = {run["dag_run_id"] for run in client.list_runs("consolidate_period")}
    for dag in sorted(DAGS):
        client.unpause(dag)
    _await(client, "collect_submissions", client.trigger("collect_submissions"), progress)
    closing = client.trigger("close_period", partition_key=plan.key, conf={"as_of": as_of.isoformat()})
    _await(client, "close_period", closing, progress)
    consolidation = client.await_partition("consolidate_period", plan.key, known=known, seconds=60.0)
    _await(client, "consolidate_period", consolidation, progress)


def _await(client: AirflowClient, dag: str, run: str, progress: Progress) -> None:
    with _tell(progress, f"DAG {dag}") as task:
        client.await_run(
            dag,
            run,
            seconds=RUN_SECONDS,
            on_progress=lambda done, all_, state: progress.update(
                task, completed=done, total=all_ or None, description=f"DAG {dag}: {state}"
            ),
        )


def _show_boards(settings: Settings, folder: Path, plan: SamplePlan, as_of: datetime, console: Console) -> bool:
    """Print the board of the period and the counts of the open report; whether the board is the answer key's."""
    with open_context(settings, clock=lambda: as_of) as context:
        board = read_board(context, plan.report, plan.period, as_of)
        still_open = read_board(context, *STILL_OPEN, as_of)
    expected = read_answer_key(folder, plan)
    seen: dict[str, str] = {line.unit: line.status for line in board.units}
    console.print(_draw_counts(board, count_states(expected.values())))
    console.print(_draw_attention(board))
    if differences := find_differences(expected, seen):
        table = Table("unit", "answer key", "board", title="[red]The board is not what the answer key says")
        for unit, right, wrong in differences:
            table.add_row(unit, right, wrong)
        console.print(table)
    else:
        console.print(f"[green]The board agrees with the answer key for all {len(expected)} units.")
    waiting = ", ".join(f"{COUNT_LABELS[state]} {show_number(n)}" for state, n in still_open.counts.items() if n)
    console.print(f"{':'.join(STILL_OPEN)} as of {show_instant(as_of)}: {waiting}.", highlight=False)
    return not differences


def _draw_counts(board: Board, expected: dict[str, int]) -> Table:
    heading = f"{board.report_name}, {board.period_label}"
    table = Table(title=f"{heading}\n{board.report}:{board.period}, tính đến {show_instant(board.as_of)}")
    table.add_column("Tình trạng")
    table.add_column("Số đơn vị", justify="right")
    table.add_column("Đáp án của mẫu", justify="right")
    for state, label in COUNT_LABELS.items():
        style = "" if board.counts[state] == expected[state] else "red"
        table.add_row(capitalise(label), show_number(board.counts[state]), show_number(expected[state]), style=style)
    for rate in ("completeness", "timeliness"):
        table.add_row(RATE_LABELS[rate], show_share(board.rates[rate]), "")
    return table


def _draw_attention(board: Board) -> Table:
    wanted = ("missing", "rejected", "late")
    lines = [line for state in wanted for line in board.units if line.status == state]
    table = Table(title=f"Đơn vị cần đôn đốc ({len(lines)}); hiện nhiều nhất 12 dòng")
    for heading in ("Đơn vị", "Tình trạng", "Hạn nộp", "Nhận báo cáo đạt"):
        table.add_column(heading)
    table.add_column("Ngày muộn", justify="right")
    table.add_column("Số lần nộp", justify="right")
    # Some of each state, so that none hides the others.
    shown = [line for state in wanted for line in [one for one in lines if one.status == state][:4]]
    for line in shown:
        row = (line.unit_name, COUNT_LABELS[line.status], show_instant(line.due_at))
        late = show_number(line.days_late or None)
        table.add_row(*row, show_instant(line.accepted_at), late, show_number(line.attempts))
    return table


def _show_places(
    service: AirflowService,
    settings: Settings,
    home: Path,
    plan: SamplePlan,
    console: Console,
    seconds: float,
    stay: bool,
) -> None:
    rows = {
        "pages": f"{service.url}/office/board?key={plan.key} (as of now)",
        "Airflow": service.url,
        "log-ins": f"{OFFICE} (reads), {REVIEWER} (reads and decides), admin; passwords in {service.folder.passwords}",
        "official workbook": str(home / "exports" / f"{plan.report}-{plan.period}.xlsx"),
        "submissions": f"{home / 'inbox'} (made up; their receipt times in {home / 'receipts.csv'} are simulated)",
        "answer key": str(home / "sample" / "faults.json"),
        "files received": settings.landing,
        "logs": f"{service.folder.logs}, tasks in {service.folder.folder / 'logs'}",
    }
    if not stay:
        rows = {name: place for name, place in rows.items() if name not in ("pages", "Airflow", "log-ins")}
    console.print(f"Done in {seconds:.0f} s.")
    for name, place in rows.items():
        console.print(f"  {name:<18} {place}", soft_wrap=True, highlight=False, markup=False)


def _serve(service: AirflowService, console: Console) -> None:
    """Until Ctrl-C or SIGTERM, or until a component of Airflow ends by itself."""
    console.print("Serving. Ctrl-C stops Airflow and the embedded server.")
    with contextlib.suppress(Stopped):
        while not threading.Event().wait(1.0):
            for name, status in service.find_ended().items():
                raise ServiceError(f"Airflow's {name} ended with {status}; its log is in {service.folder.logs}")


def _stop_on_signals() -> None:
    def stop(_: int, __: FrameType | None) -> None:
        # Once: a second Ctrl-C must not break off the stopping and leave programs behind.
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_IGN)
        raise Stopped

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, stop)


@contextlib.contextmanager
def _show_progress(console: Console) -> Iterator[Progress]:
    columns = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), BarColumn(bar_width=24))
    with Progress(*columns, MofNCompleteColumn(), TimeElapsedColumn(), console=console) as progress:
        yield progress


@contextlib.contextmanager
def _tell(progress: Progress, what: str) -> Iterator[TaskID]:
    task = progress.add_task(what, total=None)
    yield task
    total = progress.tasks[task].total
    progress.update(task, completed=total or 1, total=total or 1)


if __name__ == "__main__":
    sys.exit(main())
