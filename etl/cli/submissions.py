"""`schema`: what another system must send in place of a workbook. Decides nothing itself."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from etl.cli.commands import YES
from etl.cli.console import out
from etl.settings import read_settings


def add_schema(sub: Any, parents: dict[str, argparse.ArgumentParser]) -> None:
    """The command. `parents`: shared arguments by name (`report`: --report and --period)."""
    add = sub.add_parser(
        "schema", parents=[parents["report"]], help="the JSON Schema of a submission, for systems that send JSON"
    )
    add.add_argument("--unit", metavar="U", help="only the forms of this unit")
    add.add_argument("--sample", action="store_true", help="a filled example instead of the schema")
    add.add_argument("--out", type=Path, metavar="FILE", help="write it there instead of stdout")
    add.set_defaults(run=run_schema)


def run_schema(arguments: argparse.Namespace) -> int:
    """`schema`."""
    from etl.usecases.context import Knowledge
    from etl.usecases.json_submissions import make_sample_document, publish_schema

    make = make_sample_document if arguments.sample else publish_schema
    found = make(Knowledge(read_settings()), arguments.report, arguments.period, arguments.unit)
    text = json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    if arguments.out is None:
        out.file.write(text)
    else:
        arguments.out.write_text(text, "utf-8")
    return YES
