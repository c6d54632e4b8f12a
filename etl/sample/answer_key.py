"""The answer key of a sample: `receipts.csv` and `faults.json`, a contract of the command `sample`. Pure: texts out."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from io import StringIO
from typing import Literal

from xlsxwriter.utility import xl_rowcol_to_cell

from etl.calendar.deadlines import TIMEZONE
from etl.register.obligations import Obligation
from etl.sample.draft import Draft
from etl.sample.faults import severity_of

Status = Literal["on_time", "late", "rejected"]


@dataclass(frozen=True, slots=True)
class KeyFinding:
    """A finding a file must give; `sheet` and `cell` (A1) None for one about the whole file or sheet."""

    file: str
    code: str
    severity: str
    sheet: str | None
    cell: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """A file with the instant of its receipt; `status` None when it is quarantined, so nobody's submission."""

    file: str
    obligation: Obligation
    received_at: datetime
    status: Status | None
    findings: tuple[KeyFinding, ...]


def list_findings(draft: Draft, file: str) -> tuple[KeyFinding, ...]:
    """The draft's findings as the key holds them, in order of sheet, row, column and code."""
    located = [(draft.locate(found.spot), found.code) for found in draft.findings()]
    located.sort(key=lambda item: (item[0][0] or "", item[0][1] or (-1, -1), item[1]))
    return tuple(
        KeyFinding(file, code, severity_of(code), sheet, None if at is None else xl_rowcol_to_cell(*at))
        for (sheet, at), code in located
    )


def is_rejected(findings: Iterable[KeyFinding]) -> bool:
    """Whether any finding is an error."""
    return any(found.severity == "error" for found in findings)


def write_receipts(sent: Iterable[Sent]) -> str:
    """`receipts.csv`: file, receipt instant with its offset; in order of receipt."""
    stream = StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("file", "received_at"))
    writer.writerows(
        (row.file, _show(row.received_at)) for row in sorted(sent, key=lambda row: (row.received_at, row.file))
    )
    return stream.getvalue()


def write_key(seed: int, sent: Iterable[Sent], obligations: Iterable[Obligation]) -> str:
    """`faults.json`: submissions, who is missing or exempt, and all findings by file."""
    files = sorted(sent, key=lambda row: row.file)
    owed = list(obligations)
    reported = {_name(row.obligation) for row in files if row.status is not None}
    key = {
        "seed": seed,
        "submissions": [
            {
                "file": row.file,
                **_as_object(row.obligation),
                "received_at": _show(row.received_at),
                "status": row.status,
            }
            for row in files
            if row.status is not None
        ],
        "missing": [_as_object(row) for row in owed if not row.is_excused and _name(row) not in reported],
        "exempt": [_as_object(row) for row in owed if row.is_excused],
        "findings": [asdict(found) for row in files for found in row.findings],
    }
    return json.dumps(key, ensure_ascii=False, indent=1) + "\n"


def _name(obligation: Obligation) -> tuple[str, str, str]:
    return obligation.unit.code, obligation.report.code, obligation.period.code


def _as_object(obligation: Obligation) -> dict[str, str]:
    unit, report, period = _name(obligation)
    return {"unit": unit, "report": report, "period": period}


def _show(instant: datetime) -> str:
    return instant.astimezone(TIMEZONE).isoformat(timespec="seconds")
