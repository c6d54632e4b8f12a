"""One function a command: opens what it needs, calls the use case, prints. Returns the exit code.

Use cases are imported where they are used: `--help` must not wait for pandas and Great Expectations.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from etl.calendar.deadlines import TIMEZONE
from etl.cli.console import err, out, print_json, show_progress
from etl.settings import read_settings
from etl.text import show_name

YES, NO = 0, 1


def run_init(arguments: argparse.Namespace) -> int:
    """`init`."""
    from etl.usecases.prepare import init_warehouse

    summary = init_warehouse(read_settings())
    if arguments.json:
        print_json(asdict(summary))
    else:
        out.print(f"Warehouse {summary.warehouse}: {len(summary.migrations)} migrations applied.")
        out.print(f"Register: {summary.units} units, {summary.register_rows_changed} rows written or retired.")
        out.print(f"Periods open: {', '.join(summary.periods)}.")
    if summary.sql_for_administrator:
        err.print("Not permitted to do this; ask the administrator of the server to run:")
        for statement in summary.sql_for_administrator:
            err.print(f"  {statement};", soft_wrap=True)
    return YES


def run_reports(arguments: argparse.Namespace) -> int:
    """`reports`."""
    from etl.cli.tables import print_reports
    from etl.usecases.context import Knowledge, real_clock
    from etl.usecases.reports import list_reports

    reports = list_reports(Knowledge(read_settings()), real_clock())
    if arguments.json:
        print_json(reports)
    else:
        print_reports(reports)
    return YES


def run_templates(arguments: argparse.Namespace) -> int:
    """`templates`."""
    from etl.usecases.context import Knowledge
    from etl.usecases.fill_in import write_templates

    with show_progress("templates") as bar:
        written = write_templates(
            Knowledge(read_settings()), arguments.report, arguments.period, arguments.out, arguments.unit, bar.advance
        )
    out.print(f"{len(written)} workbooks in {arguments.out}")
    return YES


def run_sample(arguments: argparse.Namespace) -> int:
    """`sample`."""
    from etl.sample.generate import expand_periods, write_sample
    from etl.usecases.context import Knowledge

    settings = read_settings()
    periods = expand_periods(Knowledge(settings).register, arguments.report, arguments.period)
    with show_progress("sample") as bar:
        summary = write_sample(
            settings.register, arguments.out, arguments.report, periods, arguments.units, arguments.seed,
            arguments.faults, bar.set_done,
        )  # fmt: skip
    if arguments.json:
        print_json(asdict(summary), indent=2)
    else:
        out.print(f"Sample in {arguments.out}: {', '.join(f'{k} {v}' for k, v in asdict(summary).items())}")
    return YES


def run_check(arguments: argparse.Namespace) -> int:
    """`check`: 1 when any file is rejected."""
    from etl.cli.tables import print_checked
    from etl.usecases.check import check_files, show_checked, write_answer
    from etl.usecases.context import Knowledge

    for given in arguments.files:
        if given.is_dir():
            raise IsADirectoryError(f"{show_name(str(given))}: is a folder; name the files in it")
        if not given.is_file():
            raise FileNotFoundError(f"{show_name(str(given))}: no such file")
    rejected = 0
    taken: set[str] = set()
    with show_progress("check", len(arguments.files)) as bar:
        knowledge = Knowledge(read_settings())
        for examined in check_files(knowledge, arguments.files, bar.advance):
            rejected += examined.verdict == "rejected"
            file: Path = arguments.files[examined.key]
            if arguments.json:
                print_json(show_checked(examined, file), indent=None)
            else:
                print_checked(examined, file)
            if arguments.annotate is not None:
                answer = write_answer(knowledge, examined, file, arguments.annotate, taken)
                copy = (
                    f"marked in {show_name(str(answer.copy))}" if answer.copy else f"no marked copy, {answer.refusal}"
                )
                summary = show_name(str(answer.summary))
                err.print(f"{show_name(file.name)}: {copy}; summary in {summary}", soft_wrap=True)
    return NO if rejected else YES


def run_ingest(arguments: argparse.Namespace) -> int:
    """`ingest`: 0 when processed, whatever the verdicts; 2 when something of ours failed."""
    from etl.cli.tables import print_outcomes, show_outcomes
    from etl.usecases.context import open_context
    from etl.usecases.ingest import ingest

    with open_context(read_settings()) as context:
        if arguments.receipts is None and not arguments.paths and context.register.province.simulated:
            err.print("Simulated register: receipts are taken from receipts.csv beside the inbox where it stands.")
        with show_progress("collect") as bar:
            checking = False

            def extend(by: int) -> None:
                nonlocal checking
                if not checking:
                    bar.start("check and load")
                checking = True
                bar.extend(by)

            summary = ingest(
                context, arguments.paths or None, arguments.receipts,
                on_collected=bar.advance, on_total=extend, on_examined=bar.advance, reprocess=arguments.reprocess,
            )  # fmt: skip
    values = {**asdict(summary.collected), **asdict(summary.loaded)}
    down = values.pop("unavailable")
    told = [outcome for outcome in summary.outcomes if outcome.outcome in {"rejected", "quarantined", "pending"}]
    if arguments.json:
        print_json({**values, "unavailable": down, "not_accepted": show_outcomes(told)})
    else:
        print_outcomes(told)
        out.print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items()))
    for fault in summary.collected.unavailable:
        err.print(f"Channel {fault.channel} is down, the others were collected: {fault.what}.", soft_wrap=True)
    return 2 if summary.loaded.failed or down else YES


def run_revalidate(arguments: argparse.Namespace) -> int:
    """`revalidate`: 1 when something would change and was not told to `--apply`."""
    from etl.cli.tables import print_revalidation, show_revalidation
    from etl.usecases.context import open_context
    from etl.usecases.revalidate import revalidate_period

    with open_context(read_settings()) as context, show_progress("revalidate") as bar:
        summary = revalidate_period(
            context, arguments.report, arguments.period, apply=arguments.apply, by=arguments.by, why=arguments.why,
            on_total=bar.extend, on_progress=bar.advance,
        )  # fmt: skip
    if arguments.json:
        print_json(show_revalidation(summary))
    else:
        print_revalidation(summary)
    return NO if summary.changes and not summary.applied else YES


def run_board(arguments: argparse.Namespace) -> int:
    """`board`: 1 when any obligation is missing or rejected."""
    from etl.cli.tables import print_board
    from etl.usecases.board import read_board
    from etl.usecases.board_groups import group_board, read_structure, restate_board
    from etl.usecases.context import open_context

    with open_context(read_settings()) as context:
        as_of = read_instant(arguments.as_of) if arguments.as_of else context.clock()
        board = read_board(context, arguments.report, arguments.period, as_of, with_past=True)
        with context.engine.connect() as connection:
            structure = read_structure(connection, board)
    if arguments.restated:
        board = restate_board(board, structure)
    groups = group_board(board, arguments.by, structure) if arguments.by else []
    if arguments.json:
        print_json({**board.as_json(), **({"groups": [group.as_json() for group in groups]} if arguments.by else {})})
    else:
        print_board(board, groups)
    return NO if board.counts["missing"] or board.counts["rejected"] else YES


def run_consolidate(arguments: argparse.Namespace) -> int:
    """`consolidate`."""
    from etl.cli.tables import print_consolidated
    from etl.usecases.consolidate import consolidate_period, read_figures
    from etl.usecases.context import open_context

    with open_context(read_settings()) as context:
        summary = consolidate_period(context, arguments.report, arguments.period, context.clock())
        if arguments.json:
            figures = read_figures(context, arguments.report, arguments.period)
            listed = [asdict(figure) for form in figures.values() for figure in form]
            for figure in listed:
                figure["value"] = None if figure["value"] is None else str(figure["value"])
            print_json({**asdict(summary), "values": listed})
        else:
            print_consolidated(summary)
    return YES


def run_trace(arguments: argparse.Namespace) -> int:
    """`trace`."""
    from etl.cli.tables import print_trace
    from etl.usecases.context import open_context
    from etl.usecases.trace import trace_figure

    with open_context(read_settings()) as context:
        trace = trace_figure(context, arguments.figure, read_instant(arguments.as_of) if arguments.as_of else None)
    if arguments.json:
        value = asdict(trace)
        listed = [*(item for cells in value["contributions"].values() for item in cells), *value["shown"]]
        for item in [*listed, *value["other_files"]]:
            item["received_at"] = item["received_at"].astimezone(TIMEZONE).isoformat()
        for item in listed:
            item["number"] = str(item["number"])
        value["value"] = None if trace.value is None else str(trace.value)
        print_json(value)
    else:
        print_trace(trace)
    return YES


def run_fingerprint(arguments: argparse.Namespace) -> int:
    """`fingerprint`."""
    from etl.usecases.context import open_context
    from etl.warehouse.connect import raw_connection
    from etl.warehouse.fingerprint import compute_fingerprint

    with open_context(read_settings()) as context, raw_connection(context.engine) as connection:
        found = compute_fingerprint(connection)
    if arguments.json:
        print_json(found)
    else:
        for table, value in found.items():
            out.print(f"{value}  {table}")
    return YES


def run_server(arguments: argparse.Namespace) -> int:
    """`server start|stop|status`: 1 when the answer to `status` is no."""
    from etl.warehouse.server import ensure_server, server_status, stop_server

    home = read_settings().home
    if arguments.action == "start":
        info = ensure_server(home)
        out.print(f"PostgreSQL is running on port {info.port}, data in {info.data_folder}")
        return YES
    if arguments.action == "stop":
        out.print("stopped" if stop_server(home) else "was not running")
        return YES
    status = server_status(home)
    out.print(status.state)
    return YES if status.state == "running" else NO


def read_instant(text: str) -> datetime:
    """An ISO instant or day; without an offset, Viet Nam time. Raises ValueError with an example."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"--as-of {text!r} is no ISO instant such as 2026-06-17T08:00:00+07:00") from error
    return instant if instant.tzinfo else instant.replace(tzinfo=TIMEZONE)
