"""Puts together letters about files that are no submission. Warehouse and register in, words out; sends nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from etl.alerts.answers import (
    RefusedFacts,
    RepeatFacts,
    UnattributedFacts,
    write_refused,
    write_repeat,
    write_unattributed,
)
from etl.alerts.letters import Body, Sender
from etl.calendar.deadlines import TIMEZONE
from etl.channels.refusals import NEVER_ANSWERED, REFUSALS, RefusalCode
from etl.findings.model import Severity
from etl.register.alerting import LetterKind
from etl.register.model import Register
from etl.text import show_name
from etl.warehouse.arrival_states import find_refused_files, read_told_arrivals
from etl.warehouse.outbox import Connection, OutboxRow
from etl.warehouse.owed_states import read_judged_findings

_UNKNOWN_REASON = "Tệp không được nhận.", "Đề nghị liên hệ cơ quan thường trực."


def write_arrival_answer(
    connection: Connection,
    register: Register,
    name_unit: Callable[[str, date], str],
    row: OutboxRow,
    recipient: str,
    sender: Sender,
) -> Body:
    """The letter of a row of the outbox that answers no submission. Raises LookupError when its file is not there."""
    if row.letter is LetterKind.REFUSED:
        since = row.valid_until - timedelta(days=register.alerts.notice_days + 1)
        # A simulated province's files were refused at their own instants.
        files = find_refused_files(connection, row.occasion, since)
        if not files:
            raise LookupError("what was refused is not there")
        told = [
            (
                show_name(file.file_name),
                *(REFUSALS[RefusalCode(file.code)] if file.code in set(RefusalCode) else _UNKNOWN_REASON),
            )
            for file in files
            if file.code not in NEVER_ANSWERED
        ]
        return write_refused(recipient, RefusedFacts(files[0].received_at, told), sender)
    found = read_told_arrivals(connection, [row.arrival_id or 0])
    if not found:
        raise LookupError(f"no arrival {row.arrival_id}")
    arrival = found[0]
    name = show_name(arrival.file_name)
    if row.letter is LetterKind.ALREADY_RECEIVED:
        day = arrival.received_at.astimezone(TIMEZONE).date()
        facts = RepeatFacts(
            file=name,
            received_at=arrival.received_at,
            unit=name_unit(arrival.unit or "", day),
            report=register.report(row.report).name,
            period=register.period(row.report, row.period).label,
            first_received_at=arrival.repeated_at or arrival.received_at,
            attempt=arrival.attempt or 1,
            verdict=arrival.verdict,
        )
        return write_repeat(recipient, facts, sender)
    findings = read_judged_findings(connection, arrival.id)
    errors = [(f.message, f.fix) for f in findings if f.severity is Severity.ERROR and not f.form]
    errors += [(f.message, f.fix) for f in findings if f.severity is Severity.ERROR and f.form]
    return write_unattributed(recipient, UnattributedFacts(name, arrival.received_at, errors), sender)
