"""Excusing a unit from a report of a period, and taking that back: a row of the register, applied like any change of it.

The register's files stay the one place where exemptions stand; the change is audited as every change of the register.
"""

from __future__ import annotations

import csv
import fcntl
import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from etl.calendar.deadlines import TIMEZONE
from etl.calendar.periods import UnknownPeriod
from etl.register.model import UnknownReport
from etl.register.read import BadRegister, read_register
from etl.usecases.context import Context
from etl.usecases.register_change import RegisterChange, apply_change
from etl.warehouse.connect import raw_connection
from etl.warehouse.owed_states import read_state

_FILE = "exemptions.csv"
_COLUMNS = ("unit", "report", "period", "reason", "withdrawn", "recorded_at")
LONGEST_REASON = 500


class BadExemption(ValueError):
    """What was asked for cannot be recorded; the text says why, in Vietnamese."""


def excuse_unit(context: Context, unit: str, report: str, period: str, *, by: str, why: str) -> RegisterChange:
    """The unit owes nothing of that report and period; `why` is shown on the board. Raises BadExemption."""
    return _append(context, unit, report, period, by, why, withdrawn=False)


def withdraw_exemption(context: Context, unit: str, report: str, period: str, *, by: str, why: str) -> RegisterChange:
    """The unit owes it again. Raises BadExemption."""
    return _append(context, unit, report, period, by, why, withdrawn=True)


def _append(
    context: Context, unit: str, report: str, period: str, by: str, why: str, *, withdrawn: bool
) -> RegisterChange:
    why = " ".join(why.split())
    if not by.strip() or not why:
        raise BadExemption("Hãy ghi lý do: lý do hiện trên bảng theo dõi và được lưu trong nhật ký.")
    if len(why) > LONGEST_REASON:
        raise BadExemption(f"Lý do dài quá {LONGEST_REASON} ký tự.")
    with _turn(context.settings.home):
        # Read anew: the register may have been changed since the pages loaded theirs.
        register = read_register(context.settings.register, known_forms=set(context.forms))
        try:
            label = register.period(report, period).label
        except (UnknownReport, UnknownPeriod):
            raise BadExemption("Không có báo cáo hoặc kỳ báo cáo này.") from None
        known = register.exemption(unit, report, period)
        if withdrawn and known is None:
            raise BadExemption("Đơn vị này không được miễn kỳ đã chọn nên không có gì để rút lại.")
        if not withdrawn:
            if known is not None:
                raise BadExemption(f"Đơn vị đã được miễn kỳ {label}: {known.reason}.")
            with raw_connection(context.engine) as connection:
                if (unit, report, period) not in read_state(connection, [(unit, report, period)], context.clock()):
                    raise BadExemption("Đơn vị này không phải nộp báo cáo kỳ đã chọn.")
        with tempfile.TemporaryDirectory(prefix="register-") as folder:
            changed = Path(folder) / "register"
            shutil.copytree(context.settings.register, changed)
            recorded = context.clock().astimezone(TIMEZONE).isoformat(timespec="microseconds")
            row = {
                "unit": unit, "report": report, "period": period, "reason": why,
                "withdrawn": "yes" if withdrawn else "", "recorded_at": recorded,
            }  # fmt: skip
            _write_row(changed / _FILE, row)
            try:
                return apply_change(context, changed, by=by, why=why)
            except BadRegister as error:
                raise BadExemption("Không ghi được vào danh mục; cán bộ quản trị cần kiểm tra danh mục.") from error


def _write_row(file: Path, row: dict[str, str]) -> None:
    """Append to the file as it stands; comments and order stay."""
    text = file.read_text("utf-8-sig") if file.is_file() else ""
    rows = list(csv.DictReader(io.StringIO(text)))
    out = io.StringIO()
    writer = csv.DictWriter(out, _COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows({name: old.get(name) or "" for name in _COLUMNS} for old in rows)
    writer.writerow(row)
    file.write_text(out.getvalue(), "utf-8")


@contextmanager
def _turn(home: Path) -> Iterator[None]:
    """One at a time: two who copy the register at once would each lose the other's row."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "register.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
