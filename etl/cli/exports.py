"""`export` and `report-draft`: what leaves the house. Decides nothing itself."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from etl.cli.commands import YES, read_instant
from etl.cli.console import out, print_json
from etl.settings import read_settings


def add_exports(sub: Any, parents: dict[str, argparse.ArgumentParser]) -> None:
    """The commands. `parents`: shared arguments by name (`report`, `as_of`, `json`)."""
    shared = [parents["report"], parents["as_of"], parents["json"]]
    add = sub.add_parser("export", parents=shared, help="the official workbook of a period, the draft report, the data")
    add.add_argument("--out", type=Path, metavar="F.xlsx", help="the official workbook")
    add.add_argument("--docx", type=Path, metavar="F.docx", help="the draft of the narrative report")
    add.add_argument("--data", type=Path, metavar="DIR", help="every mart as a file, with a description of the columns")
    add.add_argument("--format", choices=("csv", "parquet"), default="csv", help="of --data")
    add.add_argument(
        "--trace-file", type=Path, metavar="F.xlsx", help="the source of every figure in a workbook of its own"
    )
    add.add_argument(
        "--publication", type=int, metavar="N", help="as publication N froze it (with --out; not with --as-of)"
    )
    add.set_defaults(run=run_export)
    add = sub.add_parser("report-draft", parents=shared, help="the draft of the narrative report as .docx")
    add.add_argument("--out", required=True, type=Path, metavar="F.docx")
    add.add_argument("--excerpts", type=int, default=6, metavar="N", help="texts of units offered under a heading")
    add.set_defaults(run=run_report_draft)


def run_export(arguments: argparse.Namespace) -> int:
    """`export`. Raises ValueError where nothing or what cannot go together was asked for."""
    from etl.usecases.context import open_context
    from etl.usecases.export import export_workbook
    from etl.usecases.export_data import clear_data, export_data
    from etl.usecases.publication import find_publication
    from etl.usecases.report_draft import draft_report

    wanted = arguments.out or arguments.docx or arguments.data
    if not wanted:
        raise ValueError("say what to write: --out F.xlsx, --docx F.docx, --data DIR")
    if arguments.trace_file and not arguments.out:
        raise ValueError("--trace-file goes with --out")
    if arguments.publication is not None and arguments.as_of is not None:
        raise ValueError("--publication has its own instant: leave out --as-of")
    written: list[Path] = []
    with open_context(read_settings()) as context:
        report, period, number = arguments.report, arguments.period, arguments.publication
        now = read_instant(arguments.as_of) if arguments.as_of else context.clock()
        if number is not None:
            now = find_publication(context, report, period, number).as_of
        if arguments.out:
            written.append(
                export_workbook(
                    context, report, period, arguments.out, now, publication=number, trace_file=arguments.trace_file
                )
            )
        if arguments.trace_file:
            written.append(arguments.trace_file)
        if arguments.docx:
            written.append(draft_report(context, report, period, arguments.docx, now))
        if arguments.data:
            clear_data(arguments.data)
            tables = export_data(context, report, period, arguments.data, now, form=arguments.format)
            written += [table.path for table in tables]
    _tell(arguments, written)
    return YES


def run_report_draft(arguments: argparse.Namespace) -> int:
    """`report-draft`."""
    from etl.usecases.context import open_context
    from etl.usecases.report_draft import draft_report

    with open_context(read_settings()) as context:
        now = read_instant(arguments.as_of) if arguments.as_of else context.clock()
        path = draft_report(
            context, arguments.report, arguments.period, arguments.out, now, excerpts=arguments.excerpts
        )
    _tell(arguments, [path])
    return YES


def _tell(arguments: argparse.Namespace, written: list[Path]) -> None:
    if arguments.json:
        print_json({"files": [str(path) for path in written]})
    else:
        for path in written:
            out.print(str(path), soft_wrap=True)
