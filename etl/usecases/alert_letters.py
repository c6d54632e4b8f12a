"""Puts together what a letter says and what goes with it: register, warehouse and landing store in, words out. Sends nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Final

from etl.alerts.ladder import live_window
from etl.alerts.letters import (
    Body,
    DecisionFacts,
    DigestFacts,
    DigestPeriod,
    Duty,
    HeldFacts,
    Sender,
    name_summary,
    write_decision,
    write_digest,
    write_held,
    write_late_list,
    write_reminder,
)
from etl.alerts.mail import Enclosure, Envelope, name_enclosure
from etl.alerts.plan import OwedState
from etl.annotation.annotate import annotate_workbook, name_annotated_copy
from etl.annotation.failures import CannotAnnotate
from etl.annotation.summary import PersonalLink, SummaryFacts, write_summary_html, write_summary_text
from etl.calendar.deadlines import TIMEZONE, find_end_day
from etl.findings.model import Finding
from etl.recognition.reasons import name_subject
from etl.register.alerting import LADDER_KINDS, UNIT_ROLES, ContactRole, LetterKind
from etl.register.model import UnitType
from etl.text import format_date, show_name
from etl.usecases.arrival_letters import write_arrival_answer
from etl.usecases.board import Board, read_board
from etl.usecases.context import Context
from etl.usecases.fill_in import UnitDoesNotOwe, make_template
from etl.usecases.unit_links import give_link
from etl.warehouse.outbox import ClaimedLetter, Connection, OutboxRow, read_acknowledgements, read_mutes
from etl.warehouse.owed_states import (
    JudgedFile,
    Obligation,
    count_news,
    list_live_periods,
    read_judged_file,
    read_judged_findings,
)
from etl.warehouse.submission_load import SYSTEM

_TOO_LARGE_TO_ENCLOSE: Final = "tệp góp ý lớn hơn 15 MB nên không gửi kèm được; chỉ có bản tóm tắt này"
_MOST_ENCLOSED: Final = 15 * 1024 * 1024
"""Bytes of a marked copy: a larger one is refused by most mail servers, and the letter with it."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A letter's words and the workbooks that go with it."""

    body: Body
    enclosures: list[Enclosure]


class Composer:
    """Writes letters of one province. `with_files` False leaves out every workbook."""

    def __init__(self, context: Context, envelope: Envelope, *, with_files: bool = True) -> None:
        self._context = context
        self._register = context.register
        self._workdays = context.register.working_days()
        province = context.register.province
        self._sender = Sender(province.standing_office, province.council, envelope.reply_to)
        self._with_files = with_files

    def compose(
        self,
        connection: Connection,
        letter: ClaimedLetter,
        rows: Sequence[OutboxRow],
        states: Mapping[Obligation, OwedState],
        now: datetime,
    ) -> Composed:
        """The letter of these rows as things stand (`states`, of the rows that are reminders) at an aware instant."""
        if letter.kind == "digest":
            body = write_digest(letter.recipient.name, self._gather_digest(connection, now), self._sender)
            return Composed(body, [])
        if letter.kind == "notice":
            return self._write_notice(connection, letter, rows[0], now)
        duties, enclosures = self._gather_duties(connection, rows, states, now)
        if letter.kind == "list":
            return Composed(write_late_list(letter.recipient.name, duties, self._sender), [])
        return Composed(write_reminder(letter.recipient.name, duties, self._sender), enclosures)

    def _gather_duties(
        self, connection: Connection, rows: Sequence[OutboxRow], states: Mapping[Obligation, OwedState], now: datetime
    ) -> tuple[list[Duty], list[Enclosure]]:
        today = now.astimezone(TIMEZONE).date()
        promises = {
            (pause.unit, pause.report, pause.period): pause
            for pause in (read_acknowledgements(connection, now) if rows[0].letter is LetterKind.LATE_LIST else ())
            if pause.until > now
        }
        duties, enclosures = [], []
        for row in rows:
            owed = (row.unit, row.report, row.period)
            due = (row.due_at or now).astimezone(TIMEZONE).date()
            file = self._make_workbook(connection, row)
            if file is not None:
                enclosures.append(file)
            promise = promises.get(owed)
            duties.append(
                Duty(
                    letter=row.letter,
                    unit=self._register.name_unit(row.unit, today) + self._name_heir(row, today),
                    report=self._register.report(row.report).name,
                    period=self._register.period(row.report, row.period).label,
                    due_at=row.due_at or now,
                    days=self._workdays.count_between(today, due) if now <= (row.due_at or now)
                    else self._workdays.count_late(due, today),
                    received=owed in states and states[owed].received,
                    file=file.name if file else None,
                    promised=find_end_day(promise.until) if promise else None,
                    promise=promise.reason if promise else "",
                    link=self._give_link(row, now),
                )
            )  # fmt: skip
        return duties, enclosures

    def _make_workbook(self, connection: Connection, row: OutboxRow) -> Enclosure | None:
        """The fill-in workbook, with the first reminder that a unit's reporters are sent of a report."""
        if not self._with_files or row.role is not ContactRole.REPORTER:
            return None
        before = connection.execute(
            "SELECT 1 FROM ops.delivery WHERE unit = %s AND report = %s AND period = %s AND role = %s AND rung <> %s "
            "AND letter = ANY(%s) AND state = 'sent' LIMIT 1",
            (row.unit, row.report, row.period, row.role.value, row.rung, [kind.value for kind in LADDER_KINDS]),
        ).fetchone()
        if before is not None:
            return None
        name, content = make_template(self._context, row.report, row.period, row.unit)
        return Enclosure(name, content)

    def _give_link(self, row: OutboxRow, now: datetime) -> PersonalLink | None:
        """The personal link of the report as of today, for the people of whoever files it and nobody else."""
        if row.role not in UNIT_ROLES or row.letter is LetterKind.LATE_LIST:
            return None
        try:
            link = give_link(self._context, row.unit, row.report, row.period, now)
        except UnitDoesNotOwe:
            return None  # taken off the ledger since the letter was planned
        return PersonalLink(link.address, link.last_day) if link.address else None

    def _write_notice(self, connection: Connection, letter: ClaimedLetter, row: OutboxRow, now: datetime) -> Composed:
        if row.decision_id is None:
            body = write_arrival_answer(
                connection, self._register, self._register.name_unit, row, letter.recipient.name, self._sender
            )
            return Composed(body, [])
        judged = read_judged_file(connection, row.decision_id)
        findings = read_judged_findings(connection, judged.arrival_id)
        copy, why_not = self._mark_copy(row, judged, findings)
        due_at = judged.due_at
        unit = self._register.name_unit(row.unit, judged.received_at.astimezone(TIMEZONE).date())
        report = self._register.report(row.report).name
        period = self._register.period(row.report, row.period).label
        enclosures = [copy] if copy else []
        name = show_name(judged.file_name)
        if judged.is_held:
            held = HeldFacts(
                unit, report, period, name, judged.received_at, copy.name if copy else None, judged.attempt,
                self._give_link(row, now),
            )  # fmt: skip
            return Composed(write_held(letter.recipient.name, held, self._sender), enclosures)
        if judged.decided_by != SYSTEM:
            facts = DecisionFacts(
                unit, report, period, name, judged.received_at, judged.accepted, judged.reason, due_at,
                copy.name if copy else None, judged.attempt, self._give_link(row, now),
            )  # fmt: skip
            return Composed(write_decision(letter.recipient.name, facts, self._sender), enclosures)
        summary = SummaryFacts(
            file=name,
            unit=unit,
            report=report,
            period=period,
            verdict=judged.verdict,
            findings=findings,
            received_at=judged.received_at,
            due_at=due_at,
            annotated=copy.name if copy else None,
            standing_office=self._sender.office,
            contact=self._sender.address,
            form_names={code: form.name for code, form in self._context.forms.items()},
            attempt=judged.attempt,
            counting=judged.counting,
            note=why_not,
            link=self._give_link(row, now),
        )
        page = write_summary_html(summary)
        if copy is None and self._with_files:
            # In place of the marked copy: a mail program's own view of this letter is not what is kept beside the file.
            enclosures = [Enclosure(_name_page(judged.file_name), page.encode())]
        subject = name_summary(judged.accepted, judged.verdict == "accepted_with_warnings")
        return Composed(Body(subject, write_summary_text(summary), page), enclosures)

    def _mark_copy(
        self, row: OutboxRow, judged: JudgedFile, findings: Sequence[Finding]
    ) -> tuple[Enclosure | None, str | None]:
        """The sender's own workbook with its findings marked and listed; or None, and why in words for the sender."""
        if not self._with_files:
            return None, None
        if self._context.landing.size(judged.sha256) > _MOST_ENCLOSED:
            return None, _TOO_LARGE_TO_ENCLOSE
        data = self._context.landing.get(judged.sha256)
        try:
            content = annotate_workbook(data, findings, name_subject(row.unit, row.report, row.period))
        except CannotAnnotate:
            return None, None
        if len(content) > _MOST_ENCLOSED:
            return None, _TOO_LARGE_TO_ENCLOSE
        return Enclosure(name_enclosure(name_annotated_copy(show_name(judged.file_name), data)), content), None

    def _gather_digest(self, connection: Connection, now: datetime) -> DigestFacts:
        today = now.astimezone(TIMEZONE).date()
        rules = self._register.alerts
        periods = [
            self._describe_period(read_board(self._context, report, period, now, opening=False), now)
            for report, period in list_live_periods(connection, *live_window(rules, self._workdays, now))
        ]
        since = datetime.combine(self._workdays.shift(today, -1), rules.digest_at, TIMEZONE)
        news, failed = count_news(connection, since, now)
        pauses = [
            (self._register.name_unit(pause.unit, today), find_end_day(pause.until), pause.reason)
            for pause in (*read_mutes(connection, now), *read_acknowledgements(connection, now))
            if pause.until > now
        ]
        return DigestFacts(today, periods, news, [*self._list_faults(failed), *self._list_silent(today)], pauses)

    def _describe_period(self, board: Board, now: datetime) -> DigestPeriod:
        today = now.astimezone(TIMEZONE).date()
        late = []
        for line in board.units:
            if line.status in ("missing", "rejected") and line.due_at < now:
                days = self._workdays.count_late(line.due_at.astimezone(TIMEZONE).date(), today)
                state = "chưa gửi" if line.status == "missing" else "đã gửi, chưa đạt"
                late.append((line.unit_name, state, days))
        late.sort(key=lambda item: -item[2])
        days_due = sorted({line.due_at.astimezone(TIMEZONE).date() for line in board.units})
        due = ", ".join(format_date(day) for day in days_due)
        rates = board.rates
        return DigestPeriod(
            board.report_name, board.period_label, due, board.counts, rates["completeness"], rates["timeliness"], late
        )

    def _list_faults(self, failed: int) -> list[str]:
        if not failed:
            return []
        return [f"{failed} thư không gửi được, đề nghị kiểm tra địa chỉ thư của đơn vị trong danh bạ."]

    def _list_silent(self, today: date) -> list[str]:
        """Units nobody can remind."""
        without = [
            unit.name
            for unit in self._register.units_on(today)
            if not self._register.contacts_of(unit.code, ContactRole.REPORTER, today)
            and (unit.type is not UnitType.BLOC or self._register.members_of(unit.code, today))
        ]
        if not without:
            return []
        shown = ", ".join(without[:10]) + (" …" if len(without) > 10 else "")
        return [f"{len(without)} đơn vị chưa có đầu mối báo cáo trong danh bạ, không nhắc được: {shown}."]

    def _name_heir(self, row: OutboxRow, today: date) -> str:
        return (
            f" (đơn vị kế thừa nộp: {self._register.name_unit(row.people_of, today)})"
            if row.people_of != row.unit
            else ""
        )


def _name_page(file_name: str) -> str:
    """ "<name>_ket-qua.html": of the page that goes out where there is no marked copy."""
    path = PurePosixPath(name_enclosure(show_name(file_name)))
    return name_enclosure(f"{path.stem}_ket-qua.html")
