"""A year of the province against a real mail server: random submissions, outages, kills between sending and commit.

What should have been sent is worked out here once more from the register's files, with a calendar and dates of this test's own.
"""

from __future__ import annotations

import csv
import random
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from alert_office import ENVELOPE, insert_return, insert_submission
from smtp_sink import Mail, Sink, open_sink

from etl.alerts.plan import Pause
from etl.alerts.smtp import SmtpChannel, read_smtp_url
from etl.alerts.webhooks import WebhookChannel
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.alert_channels import Channels
from etl.usecases.alert_letters import Composer
from etl.usecases.alert_notices import queue_notices
from etl.usecases.alert_pauses import acknowledge, mute_unit
from etl.usecases.alerts import queue_alerts, send_alerts
from etl.usecases.context import Context, open_context
from etl.usecases.periods import open_periods
from etl.usecases.prepare import init_warehouse
from etl.warehouse.connect import raw_connection

VN = ZoneInfo("Asia/Ho_Chi_Minh")
FIRST, LAST = datetime(2026, 1, 19, 7, 30, tzinfo=VN), datetime(2027, 1, 18, 18, 0, tzinfo=VN)
OFF = {
    # Tết Dương lịch with its swap, Tết Bính Ngọ 16-20/02, Giỗ Tổ Sunday 26/04 -> 27/04, 30/4, 1/5, 31/08-02/09, 24/11, 01/01/2027
    *(date(2026, 1, day) for day in (1, 2)), *(date(2026, 2, day) for day in range(16, 21)), date(2026, 4, 27),
    date(2026, 4, 30), date(2026, 5, 1), date(2026, 8, 31), date(2026, 9, 1), date(2026, 9, 2), date(2026, 11, 24),
    date(2027, 1, 1),
}  # fmt: skip
ON = {date(2026, 1, 10), date(2026, 8, 22)}
XA = ("commune", "ward", "special_zone")
# Domain brief §9: (report, period) -> due day of communes, of others.
DUE = {
    ("movements-half", "2026-S1"): (date(2026, 6, 16), date(2026, 6, 17)),
    ("movements-half", "2026-S2"): (date(2026, 12, 16), date(2026, 12, 17)),
    ("movements-year", "2026-A1"): (date(2026, 12, 16), date(2026, 12, 17)),
    ("statistics-year", "2026-A1"): (date(2026, 12, 4), date(2026, 12, 8)),
}
LADDER = ((-5, "reporter"), (-1, "reporter"), (0, "reporter"), (1, "reporter"), (3, "head"), (5, "standing_council"))
HISTORY = 10  # working days after the last rung


def works(day: date) -> bool:
    return day in ON or (day.weekday() < 5 and day not in OFF)


@cache
def away(day: date, count: int) -> date:
    step = timedelta(days=1 if count > 0 else -1)
    for _ in range(abs(count)):
        day += step
        while not works(day):
            day += step
    return day


@dataclass
class Owed:
    """An obligation as this test sees it."""

    unit: str
    report: str
    period: str
    due: date
    exempt: bool
    accepted: list[tuple[datetime, bool]] = field(default_factory=list)
    mutes: list[tuple[datetime, datetime]] = field(default_factory=list)
    promises: list[tuple[datetime, datetime]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.unit} {self.report}:{self.period}"

    def is_accepted(self, now: datetime) -> bool:
        return [False, *(is_it for at, is_it in self.accepted if at <= now)][-1]

    def right_rung(self, now: datetime) -> tuple[str, str] | None:
        """(rung, role) by brute force, or None."""
        if not works(now.date()) or now.time() < time(7, 30) or self.exempt or self.is_accepted(now):
            return None
        if any(since <= now < until for since, until in self.mutes):
            return None
        found = None
        for offset, role in LADDER:
            day = self.due if offset == 0 else away(self.due, offset)
            if datetime.combine(day, time(7, 30), VN) <= now:
                found = (offset, role)
        if found is None or (found[0] <= 0 and now > datetime.combine(self.due, time(23, 59, 59), VN)):
            return None
        if now.date() > away(self.due, LADDER[-1][0] + HISTORY):
            return None
        if found[1] != "standing_council" and any(since <= now < until for since, until in self.promises):
            return None
        return f"T{found[0]:+d}" if found[0] else "T0", found[1]


class Killed(BaseException):
    """The program is gone at this line."""


@dataclass
class FragileChannel:
    """The real channel, whose program dies now and then: before a letter is handed over, or after and before the commit."""

    inner: SmtpChannel
    rng: random.Random
    killed: Counter[str] = field(default_factory=Counter)
    lost_before: int = 0

    def __enter__(self) -> Self:
        self.inner.__enter__()
        return self

    def __exit__(self, *_: Any) -> None:
        self.inner.__exit__()

    def send(self, message: EmailMessage, address: str) -> None:
        chance = self.rng.random()
        if chance < 0.01:
            self.lost_before += 1
            raise Killed
        self.inner.send(message, address)
        if chance > 0.98:
            self.killed[str(message["Message-ID"])] += 1
            raise Killed


@dataclass
class Year:
    """The province, its clock, and what happened."""

    context: Context
    sink: Sink
    now: datetime
    owed: dict[tuple[str, str, str], Owed]
    contacts: list[dict[str, str]]
    leaders: dict[str, str]
    channel: FragileChannel
    expected: set[tuple[str, str, str]] = field(default_factory=set)
    notices: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    digests: set[tuple[str, str]] = field(default_factory=set)
    delivered: list[tuple[datetime, Mail]] = field(default_factory=list)
    unanswered: dict[str, datetime] = field(default_factory=dict)

    def addresses(self, unit: str, role: str) -> list[str]:
        unit = "H14.SNV" if role.startswith("standing") else self.leaders.get(unit, unit)
        day = self.now.date().isoformat()
        return [
            row["email"]
            for row in self.contacts
            if (row["unit"], row["role"]) == (unit, role)
            and row["valid_from"] <= day
            and (not row["valid_to"] or day <= row["valid_to"])
        ]

    def run(self) -> None:
        """One run of the scheduler: plan and send, again after every kill. What it should send is noted first."""
        for owed in self.owed.values():
            right = owed.right_rung(self.now)
            if right is not None:
                for address in self.addresses(owed.unit, right[1]):
                    self.expected.add((owed.name, right[0], address))
        if works(self.now.date()) and self.now.time() >= time(7, 30):
            self.digests |= {
                (address, self.now.date().isoformat()) for address in self.addresses("", "standing_office")
            }
        composer = Composer(self.context, ENVELOPE, with_files=False)
        channels = Channels(self.channel, WebhookChannel(()), ENVELOPE)
        while True:
            try:
                queue_alerts(self.context, self.now)
                send_alerts(self.context, channels, composer=composer, lease=timedelta(0))
                return
            except Killed:
                continue

    def receive(self, batch: list[tuple[datetime, Owed, bool]]) -> None:
        """Files that came since the last run: submissions, decisions and answers, in one transaction."""
        last_accepted = {id(owed): at for at, owed, good in batch if good}
        with raw_connection(self.context.engine) as connection:
            ids = []
            for at, owed, good in batch:
                number = insert_submission(connection, (owed.unit, owed.report, owed.period), at, self.now, good)
                ids.append(number)
                if good:
                    owed.accepted.append((self.now, True))
                    self.unanswered[owed.name] = self.now
                # A rejection that a later accepted file has overtaken before it could be sent is not sent.
                if good or last_accepted.get(id(owed), at) <= at:
                    for address in self.addresses(owed.unit, "reporter"):
                        self.notices[owed.name, "receipt" if good else "rejection", address] += 1
            queue_notices(self.context, connection, ids)

    def send_back(self, owed: Owed) -> None:
        """A reviewer returns what was accepted."""
        with raw_connection(self.context.engine) as connection:
            number = insert_return(connection, (owed.unit, owed.report, owed.period), self.now)
            owed.accepted.append((self.now, False))
            for address in self.addresses(owed.unit, "reporter"):
                self.notices[owed.name, "rejection", address] += 1
                if self.unanswered.get(owed.name) == self.now:
                    # Returned before its receipt went out: that would be wrong by now.
                    self.notices[owed.name, "receipt", address] -= 1
            queue_notices(self.context, connection, [number])


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [dict(row) for row in csv.DictReader(stream)]


def move_reporters(folder: Path, rng: random.Random) -> None:
    """Some units have a new reporter from a day within a ladder."""
    path = folder / "contacts.csv"
    rows = read_rows(path)
    for row in rng.sample([row for row in rows if row["role"] == "reporter"], 20):
        day = rng.choice([date(2026, 6, 11), date(2026, 6, 16), date(2026, 12, 3), date(2026, 12, 15)])
        row["valid_to"] = (day - timedelta(days=1)).isoformat()
        rows.append({**row, "email": f"moi.{row['email']}", "valid_from": day.isoformat(), "valid_to": ""})
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def list_owed(folder: Path) -> dict[tuple[str, str, str], Owed]:
    """Who owes what, from the files: blocs have no statistics; exemptions by name."""
    exempt = {(row["unit"], row["report"], row["period"]) for row in read_rows(folder / "exemptions.csv")}
    found = {}
    units = [row for row in read_rows(folder / "units.csv") if not row["valid_to"] or row["valid_to"] >= "2027"]
    assert sum(row["type"] != "bloc" for row in units) == 158
    for unit in units:
        for (report, period), (communes, others) in DUE.items():
            if unit["type"] == "bloc" and report == "statistics-year":
                continue
            key = (unit["code"], report, period)
            found[key] = Owed(*key, communes if unit["type"] in XA else others, key in exempt)
    return found


@contextmanager
def open_year(make_settings: Callable[..., Settings], folder: Path, seed: int) -> Iterator[Year]:
    register = folder / "register"
    shutil.copytree(PROJECT_ROOT / "register", register)
    move_reporters(register, random.Random(f"{seed} contacts"))
    settings = make_settings(register)
    year: Year | None = None
    start = FIRST - timedelta(days=3)
    init_warehouse(settings, clock=lambda: start)
    leaders = {row["bloc"]: row["unit"] for row in read_rows(register / "blocs.csv") if row["role"] == "leader"}
    with ExitStack() as stack:
        sink = stack.enter_context(open_sink())
        context = stack.enter_context(open_context(settings, clock=lambda: year.now if year else start))
        smtp = SmtpChannel(read_smtp_url(sink.url), ENVELOPE.address)
        channel = stack.enter_context(FragileChannel(smtp, random.Random(f"{seed} kills")))
        year = Year(context, sink, start, list_owed(register), read_rows(register / "contacts.csv"), leaders, channel)
        running = year

        def note(mail: Mail) -> None:
            running.delivered.append((running.now, mail))

        sink.on_data = note
        yield year


def draw_files(owed: Owed, rng: random.Random) -> list[tuple[datetime, bool]]:
    """When a unit sends its files, and whether they are right: early, late, rejected and corrected, or never."""
    if rng.random() < 0.1:
        return []
    first = datetime.combine(owed.due, time(8), VN) + timedelta(minutes=rng.randrange(-12 * 1440, 14 * 1440))
    if rng.random() < 0.6:
        first = min(first, datetime.combine(owed.due, time(16), VN) - timedelta(minutes=rng.randrange(6 * 1440)))
    files = [(first, rng.random() < 0.7)]
    while not files[-1][1] and rng.random() < 0.85:
        files.append((files[-1][0] + timedelta(minutes=rng.randrange(30, 6 * 1440)), rng.random() < 0.6))
    return files


def draw_outages(rng: random.Random) -> list[tuple[datetime, datetime]]:
    """Five, up to four days long, where it hurts: over the ladders of June and December, and one in a quiet month."""
    days = [date(2026, 6, 8), date(2026, 6, 15), date(2026, 9, 1), date(2026, 12, 2), date(2026, 12, 14)]
    found = []
    for day in days:
        begin = datetime.combine(day, time(0), VN) + timedelta(minutes=rng.randrange(1440))
        found.append((begin, begin + timedelta(minutes=rng.randrange(720, 4 * 1440))))
    return found


def live(year: Year, rng: random.Random) -> None:
    """Every run of the year in order: 07:30 each day, processing at 10:00, 14:00 and 17:00, and when an outage ends."""
    outages = draw_outages(rng)
    files = sorted(
        ((at, owed, good) for owed in year.owed.values() for at, good in draw_files(owed, rng)),
        key=lambda item: item[0],
    )
    runs = {end for _, end in outages}
    day = FIRST.date()
    while day <= LAST.date():
        runs |= {datetime.combine(day, time(hour, minute), VN) for hour, minute in ((7, 30), (10, 0), (14, 0), (17, 0))}
        day += timedelta(days=1)
    words = _draw_words(year, rng)
    for now in sorted(runs):
        if any(begin <= now < end for begin, end in outages):
            continue
        batch = []
        while files and files[0][0] <= now:
            batch.append(files.pop(0))
        spoken = []
        while words and words[0][0] <= now:
            spoken.append(words.pop(0))
        if not batch and not spoken and now.time() != time(7, 30) and now not in {end for _, end in outages}:
            continue
        year.now = now
        if now.weekday() == 0 and now.time() == time(7, 30):
            open_periods(year.context, now)
        if batch:
            year.receive(batch)
        for _, speak in spoken:
            speak()
        year.run()


def _draw_words(year: Year, rng: random.Random) -> list[tuple[datetime, Callable[[], None]]]:
    """Mutes, acknowledgements and returns by reviewers, with their instants."""
    words: list[tuple[datetime, Callable[[], None]]] = []
    chosen = rng.sample([owed for owed in year.owed.values() if not owed.exempt], 90)
    for place, owed in enumerate(chosen):
        at = datetime.combine(owed.due, time(9), VN) + timedelta(minutes=rng.randrange(-6 * 1440, 6 * 1440))
        until = at + timedelta(minutes=rng.randrange(1440, 6 * 1440))
        words.append((at, (_mute, _acknowledge, _return)[place % 3](year, owed, until)))
    return sorted(words, key=lambda word: word[0])


def _mute(year: Year, owed: Owed, until: datetime) -> Callable[[], None]:
    def speak() -> None:
        if until > year.now:
            mute_unit(year.context, Pause(owed.unit, owed.report, owed.period, until, "trực", "Đơn vị đang sáp nhập"))
            owed.mutes.append((year.now, until))

    return speak


def _acknowledge(year: Year, owed: Owed, until: datetime) -> Callable[[], None]:
    def speak() -> None:
        if until > year.now:
            acknowledge(
                year.context, Pause(owed.unit, owed.report, owed.period, until, "đầu mối", "Chờ số liệu cấp xã")
            )
            owed.promises.append((year.now, until))

    return speak


def _return(year: Year, owed: Owed, _: datetime) -> Callable[[], None]:
    def speak() -> None:
        if owed.is_accepted(year.now):
            year.send_back(owed)

    return speak


ITEM = re.compile(rb"^X-Report-Item: (\S+) (\S+) (\S+)\r$", re.M)


def read_items(mail: Mail) -> list[tuple[str, str, str]]:
    return [
        (a.decode(), b.decode(), c.decode()) for a, b, c in ITEM.findall(mail.raw.partition(b"\r\n\r\n")[0] + b"\r")
    ]


@pytest.mark.parametrize("seed", [20260101])
def test_a_year_of_alerts(make_settings: Callable[..., Settings], tmp_path: Path, seed: int) -> None:
    with open_year(make_settings, tmp_path, seed) as year:
        live(year, random.Random(seed))
        got: Counter[tuple[str, str, str]] = Counter()
        answers: Counter[tuple[str, str, str]] = Counter()
        digests: Counter[tuple[str, str]] = Counter()
        seen: defaultdict[str, list[tuple[datetime, Mail]]] = defaultdict(list)
        after_acceptance = []
        for at, mail in year.delivered:
            seen[mail.message_id].append((at, mail))
            for unit, second, third in read_items(mail):
                if second == "digest":
                    digests[mail.to, third] += len(seen[mail.message_id]) == 1
                    continue
                name = f"{unit} {second}"
                if third in ("receipt", "rejection"):
                    answers[name, third, mail.to] += len(seen[mail.message_id]) == 1
                    continue
                report, period = second.split(":")
                if year.owed[unit, report, period].is_accepted(at):
                    after_acceptance.append((name, third, at))
                got[name, third, mail.to] += len(seen[mail.message_id]) == 1

        lost, beyond = year.expected - set(got), set(got) - year.expected
        twice = {letter for letter, mails in seen.items() if len(mails) > 1}
        rungs = Counter(rung for _, rung, _ in year.expected)
        assert lost == set()
        assert beyond == set()
        assert {item: count for item, count in got.items() if count != 1} == {}
        assert after_acceptance == []
        assert answers == +year.notices
        assert digests == Counter(year.digests)
        # A letter came twice only where the program died between sending and commit, and it is the same letter.
        assert twice <= set(year.channel.killed)
        assert all(len(seen[letter]) <= 1 + year.channel.killed[letter] for letter in twice)
        assert all(len({mail.to for _, mail in mails}) == 1 for mails in seen.values())
        # Nothing is left lying, and the mix was hard enough to mean something.
        with year.context.engine.connect() as connection:
            states = dict(connection.execute(sa.text("SELECT state, count(*) FROM ops.letter GROUP BY 1")).all())
        assert set(states) <= {"sent", "cancelled"}
        assert min(rungs[code] for code in ("T-5", "T-1", "T0", "T+1", "T+3", "T+5")) > 20
        assert year.channel.killed.total() >= 15
        assert year.channel.lost_before >= 5
