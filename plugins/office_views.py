"""What the office's pages show, made from boards and findings: Vietnamese words, numbers and dates. Pure; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from etl import labels
from etl.calendar.deadlines import TIMEZONE
from etl.labels import STATUS_LABELS
from etl.register.entities import UNIT_TYPE_LABELS, UnitType
from etl.text import capitalise, format_instant, format_number

if TYPE_CHECKING:
    from etl.register.model import Register
    from etl.usecases.attempts import Attempt
    from etl.usecases.board import Board, BoardLine

COUNT_LABELS: Final[Mapping[str, str]] = {"expected": "phải báo cáo", **STATUS_LABELS}
RATE_LABELS: Final[Mapping[str, str]] = {
    "completeness": "Tỷ lệ đã có báo cáo đạt",
    "timeliness": "Tỷ lệ đúng hạn",
}
CLOCK_LABELS: Final[Mapping[str, str]] = {
    "admin": "chế độ báo cáo hành chính",
    "statistics": "chế độ báo cáo thống kê",
}
VERDICT_LABELS: Final[Mapping[str, str]] = {code: capitalise(label) for code, label in labels.VERDICT_LABELS.items()}
SEVERITY_LABELS: Final[Mapping[str, str]] = {code: capitalise(label) for code, label in labels.SEVERITY_LABELS.items()}
# What needs the office's hand first.
_ORDER: Final = ("missing", "rejected", "late", "pending", "on_time", "exempt")


@dataclass(frozen=True, slots=True)
class UnitView:
    """One line of the board with its words."""

    line: BoardLine
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class BoardView:
    """One board. `choices`: the periods to choose from, key and label."""

    key: str
    report: str
    period: str
    report_name: str
    period_label: str
    clock: str
    as_of: datetime
    counts: Sequence[tuple[str, str, int]]
    rates: Sequence[tuple[str, float | None]]
    units: Sequence[UnitView]
    choices: Sequence[tuple[str, str]]


def describe_board(board: Board, register: Register, keys: Iterable[str]) -> BoardView:
    """The board in words; units that need something done come first, each state in the board's order."""
    lines = sorted(board.units, key=lambda line: _ORDER.index(line.status))
    return BoardView(
        key=f"{board.report}:{board.period}",
        report=board.report,
        period=board.period,
        report_name=board.report_name,
        period_label=board.period_label,
        clock=CLOCK_LABELS[board.clock],
        as_of=board.as_of,
        counts=[(name, capitalise(label), board.counts[name]) for name, label in COUNT_LABELS.items()],
        rates=[(label, board.rates[name]) for name, label in RATE_LABELS.items()],
        units=[
            UnitView(line, UNIT_TYPE_LABELS[UnitType(line.unit_type)], capitalise(STATUS_LABELS[line.status]))
            for line in lines
        ],
        choices=[(key, describe_key(key, register)) for key in keys],
    )


def choose_key(keys: Sequence[str], register: Register, now: datetime) -> str:
    """The period people look at first: the one that ended last, else the first. `keys` in order of their ends."""
    today = now.astimezone(TIMEZONE).date()
    ended = [key for key in keys if register.period(*key.split(":", 1)).end < today]
    return ended[-1] if ended else keys[0]


@dataclass(frozen=True, slots=True)
class FindingsView:
    """The attempts of one unit for one period, newest first, as the use case gives them."""

    key: str
    report: str
    period: str
    report_name: str
    period_label: str
    unit: str
    unit_name: str
    attempts: Sequence[Attempt]


def describe_findings(attempts: Iterable[Attempt], register: Register, key: str, unit: str) -> FindingsView:
    """What was found in the attempts of a unit. Raises UnknownReport or UnknownPeriod."""
    report, _, code = key.partition(":")
    period = register.period(report, code)
    found = register.unit_at(unit, period.end) or next(iter(register.unit_versions(unit)), None)
    return FindingsView(
        key=key,
        report=report,
        period=code,
        report_name=register.report(report).name,
        period_label=period.label,
        unit=unit,
        unit_name=found.name if found else unit,
        attempts=list(attempts),
    )


def describe_key(key: str, register: Register) -> str:
    """`movements-half:2026-S1` → report and period as people say them."""
    report, _, period = key.partition(":")
    return f"{register.report(report).name}, {register.period(report, period).label}"


def show_instant(value: datetime | None) -> str:
    """dd/mm/yyyy HH:MM in Viet Nam; a dash for none."""
    return "–" if value is None else format_instant(value)


def show_number(value: float | None) -> str:
    """1.234,5 as Vietnamese offices write it; a dash for none."""
    return "–" if value is None else format_number(value)
