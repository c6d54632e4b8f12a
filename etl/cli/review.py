"""`review start|list|accept|return`, `approve`, `publish`, `reopen`, `publication list|show|diff|verify`, `audit`.

Decides nothing itself. Exit codes: 0 done; 1 refused as things stand (somebody was faster, figures changed, the period's state is
another), or a publication cannot be had again; 2 wrong usage or our fault.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.table import Table

from etl.calendar.deadlines import TIMEZONE
from etl.cli.commands import NO, YES
from etl.cli.console import err, out, print_json
from etl.cli.publication_texts import STATES, name_publication, show_diff, show_publication, tell_cell
from etl.settings import read_settings
from etl.text import format_instant

if TYPE_CHECKING:
    from datetime import datetime

    from etl.usecases.context import Context
    from etl.warehouse.review_rows import PeriodEvent

Run = Callable[[argparse.Namespace], int]


def add_review(sub: Any, parents: dict[str, argparse.ArgumentParser]) -> None:
    """The commands and what belongs to them. `parents`: shared arguments by name (`json`, `report`)."""
    words = argparse.ArgumentParser(add_help=False)
    words.add_argument("--by", required=True, metavar="WHO")
    words.add_argument(
        "--why", required=True, metavar="TEXT", help="kept with the act; part of a letter to a unit (Vietnamese)"
    )
    seen = argparse.ArgumentParser(add_help=False)
    seen.add_argument(
        "--expected-version", type=int, metavar="N", help="refuse when the period is not at this version any more"
    )
    period, json = parents["report"], parents["json"]

    review = sub.add_parser("review", help="decisions on submissions, and the beginning of a period's review")
    actions = review.add_subparsers(dest="action", required=True, metavar="start|list|accept|return")
    add = actions.add_parser("start", parents=[period, words, seen, json], help="a period goes under review")
    add.set_defaults(run=_answer(run_start))
    add = actions.add_parser("list", parents=[period, json], help="submissions that wait for a reviewer's eye")
    add.set_defaults(run=run_list)
    for name, helps in (
        ("accept", "accept a submission that was returned"),
        ("return", "return a submission that was accepted"),
    ):
        add = actions.add_parser(name, parents=[words, json], help=f"{helps}; its sender is told why")
        add.add_argument("submission", type=int, metavar="SUBMISSION", help="its number, see `review list`")
        add.add_argument("--expected-decision", type=int, metavar="N", help="refuse when it was decided again since")
        add.set_defaults(run=_answer(run_decide), decision=name)

    commands: tuple[tuple[str, Run, str], ...] = (
        ("approve", run_approve, "approve a period's figures of this instant, and freeze them"),
        ("publish", run_publish, "publish what was approved; arrivals are held from now on"),
        ("reopen", run_reopen, "reopen a published period (what was held counts), or withdraw an approval"),
    )
    for name, run, helps in commands:
        add = sub.add_parser(name, parents=[period, words, seen, json], help=helps)
        if name == "approve":
            add.add_argument(
                "--no-freeze", action="store_true", help="leave the freezing to consolidate_period or publish"
            )
        add.set_defaults(run=_answer(run))

    publication = sub.add_parser("publication", help="what was published: list, show, diff, verify")
    actions = publication.add_subparsers(dest="action", required=True, metavar="list|show|diff|verify")
    some = argparse.ArgumentParser(add_help=False)
    some.add_argument("--report", metavar="R")
    some.add_argument("--period", metavar="P")
    add = actions.add_parser("list", parents=[some, json], help="every freeze, with what became of it")
    add.set_defaults(run=run_publications)
    add = actions.add_parser("show", parents=[period, json], help="the figures of one publication")
    add.add_argument("--number", type=int, metavar="N", help="default: the newest")
    add.set_defaults(run=run_show)
    add = actions.add_parser("diff", parents=[period, json], help="what a restatement changed, to the cell")
    add.add_argument("--numbers", nargs=2, type=int, metavar=("A", "B"), help="default: the last two")
    add.set_defaults(run=run_diff)
    add = actions.add_parser("verify", parents=[some, json], help="compute every publication anew as of its instant")
    add.set_defaults(run=run_verify)

    add = sub.add_parser("audit", parents=[some, json], help="who did what")
    add.set_defaults(run=run_audit)


def run_start(arguments: argparse.Namespace) -> int:
    """`review start`."""
    from etl.usecases.review import start_review

    with _open() as context:
        event = start_review(context, *_period(arguments), **_words(arguments))
    return _tell_event(arguments, event)


def run_approve(arguments: argparse.Namespace) -> int:
    """`approve`."""
    from etl.usecases.review import approve_period

    with _open() as context:
        freeze = not arguments.no_freeze
        event = approve_period(context, *_period(arguments), **_words(arguments), freeze=freeze)
    return _tell_event(arguments, event)


def run_publish(arguments: argparse.Namespace) -> int:
    """`publish`."""
    from etl.usecases.review import publish_period

    with _open() as context:
        event = publish_period(context, *_period(arguments), **_words(arguments))
    return _tell_event(arguments, event)


def run_reopen(arguments: argparse.Namespace) -> int:
    """`reopen`."""
    from etl.usecases.review import reopen_period

    with _open() as context:
        done = reopen_period(context, *_period(arguments), **_words(arguments))
    return _tell_event(arguments, done.event, {"released": done.released})


def run_decide(arguments: argparse.Namespace) -> int:
    """`review accept|return`."""
    from etl.usecases.review import decide_submission

    with _open() as context:
        done = decide_submission(
            context, arguments.submission, arguments.decision, by=arguments.by, why=arguments.why,
            expected_decision=arguments.expected_decision,
        )  # fmt: skip
    told = {
        "submission": done.submission.id, "unit": done.submission.unit, "report": done.submission.report,
        "period": done.submission.period, "decision": done.decision, "counts": done.counts, "letters": done.letters,
    }  # fmt: skip
    if arguments.json:
        print_json(told)
        return YES
    what = "đã chấp nhận" if done.decision == "accept" else "đã trả lại"
    counts = "đang được tính" if done.counts else "không được tính"
    out.print(f"Lần nộp {done.submission.id} ({done.submission.unit}): {what}, {counts}; {done.letters} thư báo")
    return YES


def run_list(arguments: argparse.Namespace) -> int:
    """`review list`."""
    from etl.usecases.review_queue import WHY_NAMES, list_waiting

    with _open() as context:
        waiting = list_waiting(context, *_period(arguments))
    if arguments.json:
        print_json([one.as_json() for one in waiting])
        return YES
    table = _table("Lần nộp", "Mã", "Đơn vị", "Nhận lúc", "Tệp", "Vì sao cần xem")
    for one in waiting:
        why = WHY_NAMES[one.why] + (f" ({one.open_warnings})" if one.why == "warnings" else "")
        table.add_row(str(one.submission), one.unit, one.unit_name, format_instant(one.received_at), one.file, why)
    out.print(table)
    return YES


def run_publications(arguments: argparse.Namespace) -> int:
    """`publication list`."""
    from etl.usecases.publication import list_publications

    with _open() as context:
        found = list_publications(context, arguments.report, arguments.period)
    if arguments.json:
        print_json([show_publication(one) for one in found])
        return YES
    table = _table("Kỳ", "Lần", "Trạng thái", "Chốt lúc", "Số liệu", "Người duyệt", "Người công bố", "SHA-256")
    for one in found:
        number = str(one.number) if one.number else ""
        table.add_row(
            f"{one.report}:{one.period}", number, STATES[one.state], format_instant(one.as_of), str(one.figures),
            one.approved_by, one.published_by or "", one.checksum[:16],
        )  # fmt: skip
    out.print(table)
    return YES


def run_show(arguments: argparse.Namespace) -> int:
    """`publication show`."""
    from etl.usecases.publication import find_publication, read_published

    with _open() as context:
        found = find_publication(context, *_period(arguments), arguments.number)
        figures = read_published(context, found)
    if arguments.json:
        rows = [
            {
                "figure": one.figure, "label": one.label, "unit_of_measure": one.unit_of_measure, "value": one.value,
                "units": one.units, "estimated_units": one.estimated_units,
            }
            for one in figures
        ]  # fmt: skip
        print_json({**show_publication(found), "values": rows})
        return YES
    out.print(
        f"{name_publication(found)}, chốt {format_instant(found.as_of)}, SHA-256 {found.checksum}", soft_wrap=True
    )
    table = _table("Mã số liệu", "Tên", "Giá trị", "Đơn vị tính", "Số đơn vị")
    for one in figures:
        table.add_row(one.figure, one.label or "", one.value or "", one.unit_of_measure or "", str(one.units or 0))
    out.print(table)
    return YES


def run_diff(arguments: argparse.Namespace) -> int:
    """`publication diff`: 0 also when figures differ, which is what a restatement is for."""
    from etl.usecases.publication import diff_publications

    with _open() as context:
        numbers = (arguments.numbers[0], arguments.numbers[1]) if arguments.numbers else None
        found = diff_publications(context, *_period(arguments), numbers)
    if arguments.json:
        print_json(show_diff(found))
        return YES
    out.print(f"{name_publication(found.first)} → lần {found.second.number}: {len(found.changes)} số liệu thay đổi")
    for change in found.changes:
        out.print(f"{change.figure}: {change.old or '–'} → {change.new or '–'}  {change.label or ''}", soft_wrap=True)
        for cell in change.cells:
            out.print(f"    {tell_cell(cell)}", soft_wrap=True)
        if not change.cells:
            out.print("    các ô không đổi: danh bạ hoặc cách tổng hợp đã thay đổi")
    return YES


def run_verify(arguments: argparse.Namespace) -> int:
    """`publication verify`: 1 when a publication cannot be had again as it was."""
    from etl.usecases.publication import verify_publications

    with _open() as context:
        found = verify_publications(context, arguments.report, arguments.period)
    broken = [one for one in found if not one.holds]
    if arguments.json:
        print_json(
            [
                {
                    **show_publication(one.publication),
                    "recomputed": one.recomputed,
                    "stored": one.stored,
                    "holds": one.holds,
                }
                for one in found
            ]
        )
    else:
        for one in broken:
            what = "số liệu đã lưu bị thay đổi" if one.stored != one.publication.checksum else "tính lại ra số khác"
            out.print(
                f"{name_publication(one.publication)}, chốt {format_instant(one.publication.as_of)}: {what}",
                soft_wrap=True,
            )
        out.print(f"{len(found)} lần chốt số liệu, {len(found) - len(broken)} khớp mã kiểm tra")
    return NO if broken else YES


def run_audit(arguments: argparse.Namespace) -> int:
    """`audit`."""
    from etl.usecases.audit_trail import read_audit

    with _open() as context:
        deeds = read_audit(context, arguments.report, arguments.period)
    if arguments.json:
        print_json([deed.as_json() for deed in deeds])
        return YES
    table = _table("Lúc", "Ai", "Việc", "Kỳ", "Đơn vị", "Lần nộp", "Chi tiết", "Lý do")
    for deed in deeds:
        key = f"{deed.report}:{deed.period}" if deed.period else deed.report or ""
        table.add_row(
            format_instant(deed.at), deed.who or "", f"{deed.kind} {deed.action}", key, deed.unit or "",
            str(deed.submission or ""), deed.detail or "", deed.reason or "",
        )  # fmt: skip
    out.print(table)
    return YES


def _tell_event(arguments: argparse.Namespace, event: PeriodEvent, more: dict[str, object] | None = None) -> int:
    from etl.usecases.review_states import STATE_NAMES, PeriodState

    told = {
        "report": event.report, "period": event.period, "version": event.version, "state": event.state, "by": event.by,
        "why": event.why, "at": _iso(event.at), "as_of": _iso(event.as_of) if event.as_of else None,
        "number": event.number, **(more or {}),
    }  # fmt: skip
    if arguments.json:
        print_json(told)
        return YES
    number = f", lần công bố {event.number}" if event.number else ""
    out.print(
        f"{event.report}:{event.period}: {STATE_NAMES[PeriodState(event.state)]}{number} ({format_instant(event.at)})"
    )
    if more and more.get("released"):
        out.print(f"{len(more['released'])} lần nộp chờ mở lại kỳ nay được tính")  # type: ignore[arg-type]
    return YES


def _answer(run: Run) -> Run:
    """A command whose refusals are an answer, and told as such."""

    def answer(arguments: argparse.Namespace) -> int:
        from etl.usecases.review import ReviewRefused

        try:
            return run(arguments)
        except ReviewRefused as refused:
            err.print(str(refused), soft_wrap=True)
            return NO

    return answer


@contextmanager
def _open() -> Iterator[Context]:
    from etl.usecases.context import open_context

    with open_context(read_settings()) as context:
        yield context


def _period(arguments: argparse.Namespace) -> tuple[str, str]:
    return arguments.report, arguments.period


def _words(arguments: argparse.Namespace) -> dict[str, Any]:
    return {"by": arguments.by, "why": arguments.why, "expected_version": arguments.expected_version}


def _table(*headers: str) -> Table:
    table = Table(box=SIMPLE)
    for header in headers:
        table.add_column(header, overflow="fold")
    return table


def _iso(instant: datetime) -> str:
    return instant.astimezone(TIMEZONE).isoformat(timespec="seconds")
