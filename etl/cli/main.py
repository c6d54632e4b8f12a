"""`movement-reports`: parses arguments, runs one command, turns its outcome into an exit code.

0 done; 1 the answer is "no" (rejected, overdue); 2 wrong usage or our fault. Results go to stdout, the rest to stderr.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from etl.cli import commands
from etl.cli.alerts import add_alerts
from etl.cli.channels import add_channels
from etl.cli.console import err
from etl.cli.exports import add_exports
from etl.cli.links import add_links
from etl.cli.marts import add_marts
from etl.cli.pages import add_pages
from etl.cli.quarantine import add_quarantine
from etl.cli.register import add_register
from etl.cli.review import add_review
from etl.cli.series import add_series
from etl.cli.submissions import add_schema

_REPORT = argparse.ArgumentParser(add_help=False)
_REPORT.add_argument("--report", required=True, metavar="R", help="code of the report, such as movements-half")
_REPORT.add_argument("--period", required=True, metavar="P", help="code of the period, such as 2026-S1")
_JSON = argparse.ArgumentParser(add_help=False)
_JSON.add_argument("--json", action="store_true", help="JSON on stdout, for machines")
_AS_OF = argparse.ArgumentParser(add_help=False)
_AS_OF.add_argument("--as-of", metavar="T", help="ISO instant; without an offset it is Viet Nam time (default: now)")


def build_parser() -> argparse.ArgumentParser:
    """All commands with their arguments."""
    parser = argparse.ArgumentParser(
        prog="movement-reports",
        description="Gathers, checks and consolidates the periodic reports on emulation movements of a province.",
    )
    parser.add_argument("--verbose", action="store_true", help="more of what happens, on stderr")
    sub = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    add = sub.add_parser("init", parents=[_JSON], help="migrate the warehouse, load the register, build obligations")
    add.set_defaults(run=commands.run_init)
    add = sub.add_parser(
        "reports", parents=[_JSON], help="reports, forms, clocks, periods with windows and due instants"
    )
    add.set_defaults(run=commands.run_reports)

    add = sub.add_parser("templates", parents=[_REPORT], help="fill-in workbooks for the units that owe a report")
    add.add_argument("--unit", metavar="U", help="only this unit")
    add.add_argument("--out", required=True, type=Path, metavar="DIR")
    add.set_defaults(run=commands.run_templates)

    add_schema(sub, {"report": _REPORT})
    add = sub.add_parser("sample", parents=[_JSON], help="a synthetic province: register, inbox, receipts, answer key")
    add.add_argument("--report", required=True, metavar="R")
    add.add_argument("--period", required=True, metavar="P[..Q]", help="a period, or the first and last of several")
    add.add_argument("--out", required=True, type=Path, metavar="DIR")
    add.add_argument("--units", type=_whole, metavar="N", help="reporting units (default: the register's)")
    add.add_argument("--seed", type=int, default=1, metavar="S")
    add.add_argument("--faults", type=_whole_or_nought, metavar="F", help="planted faults (default: a realistic mix)")
    add.set_defaults(run=commands.run_sample)

    add = sub.add_parser("check", parents=[_JSON], help="dry run: verdict and findings; nothing is stored")
    add.add_argument("files", nargs="+", type=Path, metavar="FILE")
    add.add_argument(
        "--annotate",
        type=Path,
        metavar="DIR",
        help="write each file's copy with its findings marked there, and a summary",
    )
    add.set_defaults(run=commands.run_check)

    add = sub.add_parser("ingest", parents=[_JSON], help="collect from the channels (or PATHs) and process all pending")
    add.add_argument("paths", nargs="*", type=Path, metavar="PATH")
    add.add_argument(
        "--receipts", type=Path, metavar="FILE", help="simulated receipt instants; simulated registers only"
    )
    add.add_argument(
        "--reprocess",
        action="store_true",
        help="also read the files in quarantine again, after the register was corrected",
    )
    add.set_defaults(run=commands.run_ingest)
    add = sub.add_parser(
        "revalidate",
        parents=[_REPORT, _JSON],
        help="examine stored files again with today's rules and register: what would change",
    )
    add.add_argument("--apply", action="store_true", help="store the changes; needs --by and --why")
    add.add_argument("--by", default="", metavar="WHO")
    add.add_argument("--why", default="", metavar="TEXT", help="kept with each new verdict (Vietnamese)")
    add.set_defaults(run=commands.run_revalidate)

    add_quarantine(sub, {"json": _JSON, "report": _REPORT})
    add = sub.add_parser("board", parents=[_REPORT, _AS_OF, _JSON], help="the state of every obligation, and the rates")
    add.add_argument(
        "--restated", action="store_true", help="on the units of today: what was inherited counts with the heir"
    )
    add.add_argument(
        "--by", choices=("type", "bloc", "district"), help="rates also by unit type, bloc or district of old"
    )
    add.set_defaults(run=commands.run_board)
    add = sub.add_parser("consolidate", parents=[_REPORT, _JSON], help="rules between units, coverage and figures")
    add.set_defaults(run=commands.run_consolidate)
    add_exports(sub, {"json": _JSON, "as_of": _AS_OF, "report": _REPORT})
    add = sub.add_parser(
        "trace", parents=[_AS_OF, _JSON], help="the submissions and cells behind one consolidated figure"
    )
    add.add_argument("figure", metavar="FIGURE", help="report:period/mart/row/measure")
    add.set_defaults(run=commands.run_trace)
    add = sub.add_parser("fingerprint", parents=[_JSON], help="SHA-256 per table, without ids and recording times")
    add.set_defaults(run=commands.run_fingerprint)

    add_alerts(sub, {"json": _JSON, "as_of": _AS_OF})
    add_channels(sub, {"json": _JSON})
    add_register(sub, {"json": _JSON})
    add_marts(sub, {"json": _JSON, "as_of": _AS_OF, "report": _REPORT})
    add_review(sub, {"json": _JSON, "report": _REPORT})
    add_series(sub, {"json": _JSON, "as_of": _AS_OF})
    add_pages(sub, {"json": _JSON})
    add_links(sub, {"json": _JSON, "report": _REPORT})

    add = sub.add_parser("server", help="the embedded PostgreSQL: start, stop, status")
    add.add_argument("action", choices=("start", "stop", "status"))
    add.set_defaults(run=commands.run_server)
    return parser


def _whole(text: str) -> int:
    number = _whole_or_nought(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _whole_or_nought(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. A fault of ours is one plain sentence unless --verbose asks for the trace."""
    arguments = build_parser().parse_args(argv)
    logging.basicConfig(
        level=logging.DEBUG if arguments.verbose else logging.WARNING,
        stream=sys.stderr,
        format="%(levelname)s %(message)s",
    )
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    try:
        code: int = arguments.run(arguments)
        return code
    except KeyboardInterrupt:
        err.print("Interrupted; run the same command again to go on.")
        return 2
    except BrokenPipeError:
        return 2
    except Exception as error:
        if arguments.verbose:
            raise
        text = str(error) or type(error).__name__
        err.print(f"{arguments.command}: {text}", soft_wrap=True)
        return 2
