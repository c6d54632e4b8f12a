"""Tables for people on a terminal; findings in Vietnamese as the sender reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table

from etl.cli.console import out
from etl.examination import Examined
from etl.text import format_instant, format_number
from etl.usecases.board import STATUS_LABELS, STATUSES, Board
from etl.usecases.consolidate import ConsolidateSummary
from etl.usecases.trace import Trace

_SEVERITY_LABELS = {"error": "LỖI", "warning": "CẢNH BÁO", "info": "THÔNG TIN"}
_VERDICT_LABELS = {
    "accepted": "được chấp nhận",
    "accepted_with_warnings": "được chấp nhận, có cảnh báo",
    "rejected": "bị trả lại",
}
_SHOWN_SOURCES = 20


def print_checked(examined: Examined, file: Path) -> None:
    """Verdict and findings of one file."""
    out.print(f"{file}: {_VERDICT_LABELS[examined.verdict]}", markup=False)
    for finding in examined.findings:
        place = f"{finding.sheet}!{finding.cell}" if finding.cell else finding.sheet or "cả tệp"
        out.print(f"  {_SEVERITY_LABELS[finding.severity]} {finding.code} [{place}]", markup=False)
        out.print(f"    {finding.message} {finding.fix}", markup=False)


def print_board(board: Board) -> None:
    """Counts, rates and every unit."""
    table = Table("Mã", "Đơn vị", "Tình trạng", "Hạn nộp", "Nhận lúc", "Muộn (ngày)", "Lần nộp", title=None)
    for line in board.units:
        table.add_row(
            line.unit, line.unit_name, STATUS_LABELS[line.status], format_instant(line.due_at),
            format_instant(line.accepted_at) if line.accepted_at else "",
            str(line.days_late) if line.days_late else "", str(line.attempts),
        )  # fmt: skip
    out.print(table)
    print_counts(board)


def print_counts(board: Board) -> None:
    """The counts and rates in one paragraph."""
    counts, rates = board.counts, board.rates
    out.print(f"{board.report_name} – {board.period_label} (tính đến {format_instant(board.as_of)})")
    out.print(f"Phải nộp {counts['expected']}: " + ", ".join(f"{STATUS_LABELS[s]} {counts[s]}" for s in STATUSES))
    if rates["completeness"] is not None and rates["timeliness"] is not None:
        out.print(
            f"Đã nộp được chấp nhận {format_number(100 * rates['completeness'], 1)} %, "
            f"đúng hạn {format_number(100 * rates['timeliness'], 1)} %"
        )


def print_reports(reports: list[dict[str, Any]]) -> None:
    """Each report with its periods; one due day a line, unit types after it."""
    for report in reports:
        out.print(
            f"{report['report']}: {report['name']} ({report['clock']}; {' '.join(report['forms'])})", markup=False
        )
        for period in report["periods"]:
            out.print(f"  {period['period']}  {period['start']} – {period['end']}  {period['label']}", markup=False)
            by_day: dict[str, list[str]] = {}
            for unit_type, due in period["due"].items():
                by_day.setdefault(due, []).append(unit_type)
            for due, types in sorted(by_day.items()):
                out.print(f"    {due}  {', '.join(types)}", markup=False)


def print_consolidated(summary: ConsolidateSummary) -> None:
    """Coverage and period findings."""
    out.print(f"{summary.figures} figures")
    for item in summary.coverage:
        out.print(f"  {item.form}: {item.accepted}/{item.expected} đơn vị")
    for found in summary.findings:
        out.print(f"  {_SEVERITY_LABELS[found.severity]} {found.code}: {found.message} {found.fix}", markup=False)


def print_trace(trace: Trace) -> None:
    """The cells behind a figure, and who is not in it."""
    value = format_number(trace.value) if trace.value is not None else "–"
    out.print(f"{trace.figure} = {value}", markup=False)
    for measure, contributions in trace.contributions.items():
        table = Table("Đơn vị", "Trang tính", "Ô", "Nguyên văn", "Số", "Nhận lúc", "Tệp", "Cộng", title=measure)
        for item in contributions:
            table.add_row(
                item.unit_name, item.sheet, item.cell, item.raw, format_number(item.number),
                format_instant(item.received_at), item.file, "có" if item.counted else "không",
            )  # fmt: skip
        out.print(table)
    if trace.left_out:
        out.print(f"Không có trong số liệu: {len(trace.left_out)} đơn vị")
        for left in trace.left_out[:_SHOWN_SOURCES]:
            out.print(f"  {left.unit_name}: {STATUS_LABELS.get(left.reason, 'không ghi số này')}")
