"""Tables for people on a terminal; findings in Vietnamese as the sender reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from etl.calendar.deadlines import TIMEZONE
from etl.cli.console import out
from etl.examination import Examined
from etl.labels import OUTCOME_LABELS, SEVERITY_LABELS, STATUS_LABELS, VERDICT_LABELS
from etl.text import format_instant, format_number, show_name, show_share
from etl.usecases.board import STATUSES, Board, count_lines, rate_lines
from etl.usecases.board_groups import Group
from etl.usecases.consolidate import ConsolidateSummary
from etl.usecases.outcomes import Outcome
from etl.usecases.revalidate import RevalidationSummary
from etl.usecases.trace import Trace

_SHOWN_SOURCES = 20


def print_checked(examined: Examined, file: Path) -> None:
    """Verdict and findings of one file."""
    out.print(f"{show_name(str(file))}: {VERDICT_LABELS[examined.verdict]}")
    for finding in examined.findings:
        place = f"{finding.sheet}!{finding.cell}" if finding.cell else finding.sheet or "cả tệp"
        out.print(f"  {SEVERITY_LABELS[finding.severity].upper()} {finding.code} [{place}]")
        out.print(f"    {finding.message} {finding.fix}")


def print_board(board: Board, groups: Sequence[Group] = ()) -> None:
    """Counts, rates and every unit; then the groups of units, where they are asked for."""
    table = Table(box=SIMPLE)
    for header, narrow in (
        ("Mã", True),
        ("Đơn vị", False),
        ("Tình trạng", True),
        ("Hạn nộp", True),
        ("Nhận lúc", True),
    ):
        table.add_column(header, no_wrap=narrow, overflow="fold")
    for header in ("Muộn (ngày)", "Lần nộp"):
        table.add_column(header, justify="right")
    for line in board.units:
        table.add_row(
            line.unit, line.unit_name, STATUS_LABELS[line.status], format_instant(line.due_at),
            format_instant(line.accepted_at) if line.accepted_at else "",
            str(line.days_late) if line.days_late else "", str(line.attempts),
        )  # fmt: skip
    out.print(table)
    if groups:
        _print_groups(groups)
    print_counts(board)


def _print_groups(groups: Sequence[Group]) -> None:
    table = Table(box=SIMPLE)
    table.add_column("Nhóm", overflow="fold")
    for header in ("Phải nộp", "Đã nộp đạt", "Đúng hạn", "Đúng hạn các kỳ trước"):
        table.add_column(header, justify="right")
    for group in groups:
        rates = rate_lines(group.lines)
        table.add_row(
            group.name, str(count_lines(group.lines)["expected"]),
            *(show_share(rates[name]) for name in ("completeness", "timeliness", "consistency")),
        )  # fmt: skip
    out.print(table)


def print_counts(board: Board) -> None:
    """The counts and rates in one paragraph."""
    counts, rates = board.counts, board.rates
    out.print(f"{board.report_name} – {board.period_label} (tính đến {format_instant(board.as_of)})")
    out.print(f"Phải nộp {counts['expected']}: " + ", ".join(f"{STATUS_LABELS[s]} {counts[s]}" for s in STATUSES))
    out.print(f"Đã nộp đạt {show_share(rates['completeness'])}, đúng hạn {show_share(rates['timeliness'])}")
    if rates["consistency"] is not None:
        out.print(f"Đúng hạn trong các kỳ trước {show_share(rates['consistency'])}")


def print_reports(reports: list[dict[str, Any]]) -> None:
    """Each report with its periods; one due day a line, unit types after it."""
    for report in reports:
        out.print(f"{report['report']}: {report['name']} ({report['clock']}; {' '.join(report['forms'])})")
        for period in report["periods"]:
            out.print(f"  {period['period']}  {period['start']} – {period['end']}  {period['label']}")
            by_day: dict[str, list[str]] = {}
            for unit_type, due in period["due"].items():
                by_day.setdefault(due, []).append(unit_type)
            for due, types in sorted(by_day.items()):
                out.print(f"    {due}  {', '.join(types)}")


def print_consolidated(summary: ConsolidateSummary) -> None:
    """Coverage and period findings."""
    out.print(f"{summary.figures} figures")
    for item in summary.coverage:
        out.print(f"  {item.form}: {item.accepted}/{item.expected} đơn vị")
    for found in summary.findings:
        out.print(f"  {SEVERITY_LABELS[found.severity].upper()} {found.code}: {found.message} {found.fix}")


def print_trace(trace: Trace) -> None:
    """The cells behind a figure, and who is not in it."""
    value = format_number(trace.value) if trace.value is not None else "–"
    out.print(f"{trace.figure} = {value}")
    for measure, contributions in trace.contributions.items():
        table = Table(
            "Đơn vị", "Trang tính", "Ô", "Nguyên văn", "Số", "Lần nộp", "Nhận lúc", "Tệp", "Cộng", title=measure
        )
        for item in contributions:
            table.add_row(
                item.unit_name, item.sheet, item.cell, item.raw,
                format_number(item.number) + (" (ước tính)" if item.estimated else ""), str(item.attempt),
                format_instant(item.received_at), item.file,
                "có" if item.counted else f"không: {item.left_out}" if item.left_out else "không",
            )  # fmt: skip
        out.print(table)
    if trace.left_out:
        out.print(f"Không có trong số liệu: {len(trace.left_out)} đơn vị")
        for left in trace.left_out[:_SHOWN_SOURCES]:
            out.print(f"  {left.unit_name}: {left.text or STATUS_LABELS.get(left.reason, 'không ghi số này')}")
    if trace.other_files:
        out.print(f"Lần nộp không được tính: {len(trace.other_files)}")
        for other in trace.other_files[:_SHOWN_SOURCES]:
            received = format_instant(other.received_at)
            out.print(
                f"  {other.unit_name}, lần {other.attempt}, nhận {received}, {show_name(other.file)}: {other.text}"
            )


_SHOWN_FINDINGS = 3


def show_revalidation(summary: RevalidationSummary) -> dict[str, object]:
    """A revalidation for `--json`."""
    values = asdict(summary)
    for change in values["changes"]:
        change["received_at"] = change["received_at"].astimezone(TIMEZONE).isoformat(timespec="seconds")
    return values


def print_revalidation(summary: RevalidationSummary) -> None:
    """What would change, or has changed, one file after the other."""
    for change in summary.changes:
        verdicts = [VERDICT_LABELS[verdict] for verdict in (change.old_verdict, change.new_verdict)]
        told = " -> ".join(dict.fromkeys(verdicts))
        marks = [f"+{number} {code}" for code, number in change.gained.items()]
        marks += [f"-{number} {code}" for code, number in change.lost.items()]
        marks += [f"{change.values_changed} ô đọc khác trước"] if change.values_changed else []
        out.print(f"{change.unit} {show_name(change.file)}: {told}" + (f" ({', '.join(marks)})" if marks else ""))
        if change.is_reviewed:
            out.print("  giữ nguyên quyết định của người xét duyệt")
    for other in summary.elsewhere:
        out.print(f"{other.unit} {show_name(other.file)}: nay thuộc về {other.now_of}, cần xem trực tiếp")
    done = "đã ghi" if summary.applied else "sẽ đổi, chưa ghi gì"
    out.print(f"{summary.examined} lần nộp, {len(summary.changes)} {done}")


def show_outcomes(outcomes: list[Outcome]) -> list[dict[str, object]]:
    """Outcomes for `--json`."""
    return [
        {**asdict(outcome), "received_at": outcome.received_at.astimezone(TIMEZONE).isoformat(timespec="seconds")}
        for outcome in outcomes
    ]


def print_outcomes(outcomes: list[Outcome]) -> None:
    """Each file with what became of it and its first findings."""
    for outcome in outcomes:
        word = OUTCOME_LABELS.get(outcome.outcome, outcome.outcome)
        out.print(f"{show_name(outcome.file)}: {word}" + (f" ({outcome.unit})" if outcome.unit else ""))
        for finding in outcome.findings[:_SHOWN_FINDINGS]:
            out.print(f"  {finding}")
        if len(outcome.findings) > _SHOWN_FINDINGS:
            out.print(f"  … và {len(outcome.findings) - _SHOWN_FINDINGS} lỗi, cảnh báo khác")
