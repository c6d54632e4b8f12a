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
from datetime import datetime
from pathlib import Path

from etl.calendar.deadlines import TIMEZONE
from etl.calendar.periods import UnknownPeriod
from etl.register.entities import Exemption
from etl.register.model import UnknownReport
from etl.register.read import BadRegister, read_register
from etl.text import format_instant, normalise
from etl.usecases.context import Context
from etl.usecases.register_change import RegisterChange, apply_change
from etl.warehouse.connect import raw_connection
from etl.warehouse.owed_states import read_state

_FILE = "exemptions.csv"
_COLUMNS = ("unit", "report", "period", "reason", "withdrawn", "recorded_at")
LONGEST_REASON = 500


class BadExemption(ValueError):
    """What was asked for cannot be recorded; the text says why, in Vietnamese."""


class StaleExemption(BadExemption):
    """Somebody else excused the unit, or withdrew that, in between: `is_withdrawn`, `by` (None: the register's files alone say
    it), `at`, and their reason."""

    def __init__(self, exemption: Exemption, label: str, by: str | None) -> None:
        act = "rút lại việc miễn báo cáo" if exemption.withdrawn else "được miễn"
        who = f" bởi {by}" if by else ""
        super().__init__(
            f"Đơn vị đã {act} kỳ {label}{who}, lúc {format_instant(exemption.recorded_at)}: {exemption.reason}."
        )
        self.is_withdrawn, self.by, self.at, self.reason = (
            exemption.withdrawn, by, exemption.recorded_at, exemption.reason,
        )  # fmt: skip
        self.period_label = label


def excuse_unit(context: Context, unit: str, report: str, period: str, *, by: str, why: str) -> RegisterChange:
    """The unit owes nothing of that report and period; `why` is shown on the board. Raises BadExemption, StaleExemption."""
    return _append(context, unit, report, period, by, why, withdrawn=False)


def withdraw_exemption(
    context: Context, unit: str, report: str, period: str, *, by: str, why: str, seen: datetime | None = None
) -> RegisterChange:
    """The unit owes it again. `seen`: `recorded_at` of the exemption that the caller looked at.

    Raises BadExemption; StaleExemption when it was withdrawn or is another one by now.
    """
    return _append(context, unit, report, period, by, why, withdrawn=True, seen=seen)


def _append(
    context: Context,
    unit: str,
    report: str,
    period: str,
    by: str,
    why: str,
    *,
    withdrawn: bool,
    seen: datetime | None = None,
) -> RegisterChange:
    why = normalise(why)  # first, so that what nobody can see is no reason; the register refuses such characters too
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
        rows = [one for one in register.exemptions if (one.unit, one.report, one.period) == (unit, report, period)]
        newest = max(rows, key=lambda one: one.recorded_at, default=None)
        if withdrawn:
            if newest is None:
                raise BadExemption("Đơn vị này không được miễn kỳ đã chọn nên không có gì để rút lại.")
            if newest.withdrawn or (seen is not None and newest.recorded_at != seen):
                raise StaleExemption(newest, label, _find_author(context, newest))
        else:
            if newest is not None and not newest.withdrawn:
                raise StaleExemption(newest, label, _find_author(context, newest))
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


def _find_author(context: Context, exemption: Exemption) -> str | None:
    """Who changed the register so; None where the files came with it. The row is dated a moment before its change."""
    row_key = f'"row": "{exemption.unit} {exemption.report} {exemption.period}"'
    with raw_connection(context.engine) as connection:
        row = connection.execute(
            "SELECT changed_by FROM ops.register_change WHERE recorded_at >= %s AND position(%s IN summary) > 0 "
            "ORDER BY recorded_at, id LIMIT 1",
            (exemption.recorded_at, row_key),
        ).fetchone()
    return str(row[0]) if row else None


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
