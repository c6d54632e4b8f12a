"""Writes a synthetic province: register, workbooks as units send them, receipts and the answer key.

The use case behind `movement-reports sample`. The same arguments give the same bytes everywhere: no clock, no order of
files or sets decides anything. It must not import validation, parsing, recognition, reading or findings.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

from etl.calendar.deadlines import TIMEZONE
from etl.calendar.periods import PeriodKind, UnknownPeriod, next_period
from etl.calendar.workdays import WorkingDays
from etl.forms.declaration import Form
from etl.forms.library import read_forms
from etl.register.model import Register
from etl.register.obligations import Obligation, build_obligations
from etl.sample.answer_key import Sent, Status, is_rejected, list_findings, write_key, write_receipts
from etl.sample.course import Arrivals, Course, arrivals_of, choose_course
from etl.sample.deal import Deck, plant_faults, plant_kinds
from etl.sample.draft import Draft, Setting
from etl.sample.files import build_file
from etl.sample.fill import choose_signing_day, start_draft
from etl.sample.province import copy_register

Progress = Callable[[int, int], None]
FAULTS_A_FILE = 2.5
"""About how many faults a faulty file has when a number of faults is asked for; more when files run out."""
_OWN = ("register", "inbox", "receipts.csv", "faults.json")


@dataclass(frozen=True, slots=True)
class SampleSummary:
    """What was written. `faults` counts planted faults, `findings` what must be found, consequences included."""

    out: Path
    units: int
    obligations: int
    files: int
    quarantined: int
    faults: int
    findings: int


@dataclass(frozen=True, slots=True)
class _Task:
    """An obligation whose unit sends something."""

    obligation: Obligation
    course: Course
    seed: str

    def rng(self, purpose: str) -> Random:
        owed = self.obligation
        return Random(f"{self.seed}|{owed.report.code}|{owed.period.code}|{owed.unit.code}|{purpose}")


def write_sample(
    register_folder: Path,
    out: Path,
    report: str,
    periods: Sequence[str],
    units: int | None,
    seed: int,
    faults: int | None,
    on_progress: Progress = lambda _done, _total: None,
) -> SampleSummary:
    """Writes the sample into `out` and tells what it holds.

    `units`: size of the province (None: as the register). `faults`: exactly so many planted faults (None: a realistic
    mix). An earlier sample in `out` is replaced. `on_progress` gets (obligations done, of how many).
    Raises FileExistsError when `out` holds anything else; BadRegister, UnknownReport, UnknownPeriod; ValueError when
    so many faults do not fit, or a number makes no sense.
    """
    if faults is not None and faults < 0:
        raise ValueError(f"a number of faults is at least 0, not {faults}")
    _clear(out)
    register = copy_register(register_folder, out / "register", units, seed)
    owed = [row for period in periods for row in build_obligations(register, report, period)]
    inbox = out / "inbox"
    inbox.mkdir()
    sender = _Sender(register, read_forms(), register.working_days(), str(seed), faults, inbox)
    for done, _ in enumerate(sender.send_all(owed), start=1):
        on_progress(done, len(owed))
    (out / "receipts.csv").write_text(write_receipts(sender.sent), "utf-8")
    (out / "faults.json").write_text(write_key(seed, sender.sent, owed), "utf-8")
    return SampleSummary(
        out=out,
        units=len(register.lasting_units),
        obligations=len(owed),
        files=len(sender.sent),
        quarantined=sum(row.status is None for row in sender.sent),
        faults=sender.planted,
        findings=sum(len(row.findings) for row in sender.sent),
    )


def expand_periods(register: Register, report: str, text: str) -> list[str]:
    """The period codes of `P` or `P..Q`, both ends included.

    Raises UnknownReport; UnknownPeriod for a code that is none of the report's, and for a range that never ends.
    """
    first_code, _, last_code = text.partition("..")
    first = register.period(report, first_code)
    if not last_code:
        return [first.code]
    last = register.period(report, last_code)
    if PeriodKind.ONE_OFF in (first.kind, last.kind):
        raise UnknownPeriod(f"{text}: a one-off period begins or ends no range; name periods one by one")
    if last.start < first.start:
        raise UnknownPeriod(f"{text}: the range ends before it begins")
    codes = [first.code]
    while first.start < last.start:
        first = next_period(first)
        codes.append(first.code)
    return codes


def _clear(out: Path) -> None:
    """Removes an earlier sample; refuses a folder that holds anything else, which would be somebody's work."""
    found = sorted(path.name for path in out.iterdir()) if out.exists() else []
    strange = [name for name in found if name not in _OWN]
    if strange:
        raise FileExistsError(f"{out} holds {', '.join(strange[:3])}, which is no sample: name an empty or new folder")
    if "inbox" in found and "faults.json" not in found and any((out / "inbox").iterdir()):
        raise FileExistsError(f"{out} has an inbox without the faults.json of a sample: name an empty or new folder")
    for name in found:
        path = out / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    out.mkdir(parents=True, exist_ok=True)


class _Sender:
    """Sends the files of all obligations, one at a time, and keeps account of them."""

    def __init__(
        self,
        register: Register,
        forms: Mapping[str, Form],
        workdays: WorkingDays,
        seed: str,
        faults: int | None,
        inbox: Path,
    ) -> None:
        self.register, self.forms, self.workdays, self.inbox = register, forms, workdays, inbox
        self.seed, self.faults = seed, faults
        self.deck = Deck(Random(f"{seed}|deck"))
        self.sent: list[Sent] = []
        self.names: set[str] = set()
        self.planted = 0

    def send_all(self, owed: Sequence[Obligation]) -> Iterator[None]:
        """Sends what each obligation's course says; yields once an obligation."""
        tasks: list[_Task] = []
        for obligation in owed:
            task = _Task(obligation, Course.IN_TIME, self.seed)
            course = choose_course(task.rng("course"), with_faults=self.faults is None)
            if obligation.is_excused or course is Course.MISSING:
                yield
            else:
                tasks.append(_Task(obligation, course, self.seed))
        # Files are spoilt in random order, so that faults do not gather among the first unit types.
        Random(f"{self.seed}|order").shuffle(tasks)
        asked = self.faults or 0
        spoilt = max(1, min(len(tasks), round(asked / FAULTS_A_FILE)))
        for position, task in enumerate(tasks):
            left = asked - self.planted
            share = -(-left // max(1, spoilt - position)) if left > 0 else 0
            self._send(task, share, is_last=position == len(tasks) - 1)
            yield
        if self.faults is not None and self.planted < self.faults:
            raise ValueError(
                f"only {self.planted} of {self.faults} faults fit into {len(tasks)} files: "
                "ask for more units or fewer faults"
            )

    def _send(self, task: _Task, share: int, *, is_last: bool) -> None:
        rng, arrivals = task.rng("receipts"), arrivals_of(task.obligation, self.workdays)
        is_late = task.course is Course.LATE or (task.course is Course.FAULTY and rng.random() < 0.15)
        received = arrivals.late(rng) if is_late else arrivals.in_time(rng)
        draft, planted = self._spoil(self._start(task, received), task, share, is_last)
        self.planted += planted
        self._write(draft, task, received, 1)
        if self.sent[-1].status in ("rejected", None) and rng.random() < 0.5:
            self._resend(task, arrivals, received, rng)

    def _spoil(self, draft: Draft, task: _Task, share: int, is_last: bool) -> tuple[Draft, int]:
        if self.faults is not None:
            return plant_faults(draft, share, self.deck, is_last=is_last) if share else (draft, 0)
        if task.course not in {Course.FAULTY, Course.BAD_FILE}:
            return draft, 0
        rng = task.rng("faults")
        whole = task.course is Course.BAD_FILE
        return plant_kinds(draft, 1 if whole else rng.choice((1, 1, 1, 2, 2, 3, 4)), rng, whole=whole)

    def _resend(self, task: _Task, arrivals: Arrivals, first: datetime, rng: Random) -> None:
        received = arrivals.again(first, rng)
        self._write(self._start(task, received), task, received, 2)

    def _start(self, task: _Task, received: datetime) -> Draft:
        owed = task.obligation
        setting = Setting(self.register, owed.report, owed.period, owed.unit)
        day = choose_signing_day(received.astimezone(TIMEZONE).date(), owed.period.end, task.rng("signing"))
        return start_draft(setting, self.forms, day, self.seed)

    def _write(self, draft: Draft, task: _Task, received: datetime, attempt: int) -> None:
        number = attempt
        while (name := draft.file_stem(number) + draft.suffix) in self.names:
            number += 10  # the name of another unit's file may be taken
        self.names.add(name)
        findings = list_findings(draft, name)
        status: Status | None = None
        if not draft.quarantined:
            timely: Status = "on_time" if received <= task.obligation.due_at else "late"
            status = "rejected" if is_rejected(findings) else timely
        (self.inbox / name).write_bytes(build_file(draft))
        self.sent.append(Sent(name, task.obligation, received, status, findings))
