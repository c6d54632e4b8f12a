"""The outbox on a real warehouse: workers side by side, kills, what became wrong meanwhile, refusals, pauses, answers."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from alert_office import HALF, Office, at, insert_submission
from smtp_sink import Mail

from etl.alerts.channels import ChannelDown
from etl.alerts.plan import Pause
from etl.alerts.webhooks import PREFIX
from etl.register.alerting import ContactRole
from etl.settings import PROJECT_ROOT
from etl.usecases.alert_pauses import acknowledge, lift_mute, mute_unit
from etl.usecases.fill_in import UnitDoesNotOwe
from etl.warehouse.connect import raw_connection
from etl.warehouse.submission_load import LOAD_LOCK

ONE, TWO, THREE = "H14.X01290", "H14.X01288", "H14.SNV"
T1, T3 = "06-17T07:30", "06-22T07:30"
"""T+1 of the communes; the day on which T+3 is right for everybody."""


def start_worker(office: Office, now: str) -> subprocess.Popen[str]:
    """`alerts send` as a program of its own."""
    settings = office.context.settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOVEMENT_REPORTS_")} | {
        "MOVEMENT_REPORTS_WAREHOUSE_URL": str(settings.warehouse_url),
        "MOVEMENT_REPORTS_REGISTER": str(settings.register),
        "MOVEMENT_REPORTS_HOME": str(settings.home),
        "MOVEMENT_REPORTS_SMTP_URL": office.sink.url,
        "MOVEMENT_REPORTS_MAIL_FROM": "hdtdkt@caobang.example",
    }
    command = [sys.executable, "-m", "etl", "alerts", "send", "--as-of", at(now).isoformat(), "--json"]
    return subprocess.Popen(
        command, cwd=PROJECT_ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_two_workers_share_the_letters(office: Office) -> None:
    planned = office.plan(T3)
    workers = [start_worker(office, T3) for _ in range(2)]
    counts = []
    for worker in workers:
        said, complained = worker.communicate(timeout=120)
        assert worker.returncode == 0, complained
        assert "@" not in complained
        counts.append(json.loads(said)["sent"])
    letters = Counter(mail.message_id for mail in office.sink.mails)
    assert set(letters.values()) == {1}
    assert len(letters) == sum(counts) == planned.queued > 150
    assert min(counts) > 0, counts
    assert office.states() == {"sent": len(planned.plan.due) + len(planned.digest)}


def test_a_worker_killed_between_sending_and_commit(office: Office) -> None:
    office.plan(T3)
    worker: list[subprocess.Popen[str]] = []

    def kill_at_fifth(mail: Mail) -> None:
        if len(office.sink.mails) == 5:
            os.kill(worker[0].pid, signal.SIGKILL)

    office.sink.on_data = kill_at_fifth
    worker.append(start_worker(office, T3))
    worker[0].communicate(timeout=60)
    assert worker[0].returncode == -signal.SIGKILL
    assert office.rows(
        "SELECT state, count(*) FROM ops.letter WHERE state IN ('sent', 'claimed') GROUP BY 1 ORDER BY 1"
    ) == [
        ("claimed", 1),
        ("sent", 4),
    ]
    # While its lease runs nobody takes the letter; everything else goes.
    office.sink.on_data = lambda _: None
    office.send()
    killed = office.sink.mails[4].message_id
    assert Counter(mail.message_id for mail in office.sink.mails)[killed] == 1
    assert office.rows("SELECT count(*) FROM ops.letter WHERE state <> 'sent'") == [(1,)]
    office.run_sql("UPDATE ops.letter SET lease_until = clock_timestamp() WHERE state = 'claimed'")
    assert office.send().sent == 1
    assert {
        letter: count for letter, count in Counter(m.message_id for m in office.sink.mails).items() if count > 1
    } == {killed: 2}
    first, second = (mail for mail in office.sink.mails if mail.message_id == killed)
    assert first.to == second.to


def test_what_was_accepted_after_planning_is_not_sent(office: Office) -> None:
    office.accept_all_but(ONE, TWO)
    office.plan(T1)
    office.receive(ONE, T1)
    summary = office.send()
    assert (summary.cancelled, office.states("T+1")) == (1, {"cancelled": 1, "sent": 1})
    assert office.rows("SELECT unit, cancelled_why FROM ops.delivery WHERE state = 'cancelled'") == [(ONE, "accepted")]
    reminders = [mail for mail in office.sink.mails if b" T+1\r\n" in mail.raw]
    assert [mail.to for mail in reminders] == ["baocao@x01288.caobang.example"]
    # Returned by a reviewer while T+1 is still right: now it goes, once.
    office.now = at("06-17T15:00")
    office.send_back(ONE)
    office.plan()
    office.send()
    office.plan()
    office.send()
    reminders = [mail for mail in office.sink.mails if b" T+1\r\n" in mail.raw]
    assert [mail.to for mail in reminders][1:] == ["baocao@x01290.caobang.example"]
    assert office.states("T+1") == {"sent": 2}


def test_only_what_is_left_of_a_letter_is_sent(office: Office) -> None:
    """The reporter of a bloc's leader is told of both; the bloc's report comes in before the letter goes."""
    leader = next(
        row.unit for row in office.context.register.members_of("H14.KHOI05", at(T1).date()) if row.role == "leader"
    )
    office.accept_all_but(leader, "H14.KHOI05")
    (letter,) = office.plan("06-18T07:30").plan.letters
    assert [row.unit for row in letter] == [leader, "H14.KHOI05"]
    office.receive("H14.KHOI05", "06-18T07:31")
    office.send("06-18T07:32")
    (mail,) = [mail for mail in office.sink.mails if b" T+1\r\n" in mail.raw]
    assert mail.message.get_all("X-Report-Item") == [f"{leader} movements-half:2026-S1 T+1"]
    text = mail.message.get_body(("plain",))
    assert text is not None
    assert "Khối thi đua số 5" not in text.get_content()


def test_nothing_passes_a_load_that_is_about_to_accept(office: Office) -> None:
    office.accept_all_but(ONE)
    office.plan(T1)
    done: list[int] = []
    with raw_connection(office.context.engine) as load:
        load.execute("SELECT pg_advisory_xact_lock(%s)", (LOAD_LOCK,))
        insert_submission(load, (ONE, *HALF), at(T1), at(T1), True)
        sender = threading.Thread(target=lambda: done.append(office.send().cancelled))
        sender.start()
        deadline = time.monotonic() + 60
        waiting = (
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        while office.rows(waiting) == [(0,)]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert not [mail for mail in office.sink.mails if b" T+1\r\n" in mail.raw]
    sender.join(60)
    assert done == [1]
    assert not [mail for mail in office.sink.mails if b" T+1\r\n" in mail.raw]


def test_a_unit_that_ended_after_planning_leaves_its_report_to_the_heir(office: Office) -> None:
    office.accept_all_but(ONE)
    office.plan(T1)
    office.run_sql(
        f"UPDATE register.obligation SET inherited_by = '{TWO}', passed_on = '2026-06-17' "
        f"WHERE unit = '{ONE}' AND period = '2026-S1'"
    )
    office.send()
    assert office.states("T+1") == {"cancelled": 1}
    office.plan("06-17T09:00")
    office.send()
    (mail,) = [mail for mail in office.sink.mails if b" T+1\r\n" in mail.raw]
    assert mail.to == "baocao@x01288.caobang.example"
    text = mail.message.get_body(("plain",))
    assert text is not None
    assert "Xã Bảo Lâm (đơn vị kế thừa nộp: Phường Tân Giang)" in text.get_content()
    office.receive(ONE, "06-17T10:00")
    office.send("06-17T10:01")
    assert office.sink.mails[-1].to == "baocao@x01288.caobang.example"
    office.run_sql(
        f"UPDATE register.obligation SET inherited_by = NULL, lapsed_reason = 'Giải thể' WHERE unit = '{ONE}' "
        "AND period = '2026-S1'"
    )
    assert office.plan("06-23T07:30").plan.due == []


def test_planning_twice_writes_nothing(office: Office) -> None:
    assert office.plan(T1).queued > 50
    assert office.plan(T1).queued == 0
    office.send()
    assert office.plan("06-18T06:00").queued == 0  # before 07:30
    assert office.plan("06-20T09:00").queued == 0  # Saturday, the digest too


def test_two_planners_at_once_write_each_row_once(office: Office) -> None:
    office.now = at(T3)
    found: list[int] = []
    planners = [threading.Thread(target=lambda: found.append(office.plan().queued)) for _ in range(3)]
    for planner in planners:
        planner.start()
    for planner in planners:
        planner.join(60)
    assert sorted(found)[:2] == [0, 0]
    assert max(found) > 150


def test_a_letter_left_over_is_cancelled_when_another_rung_is_right(office: Office) -> None:
    """The mail server was down for two days: one letter of today, none of the days before."""
    office.accept_all_but(ONE)
    office.plan("06-15T07:30")
    office.plan("06-16T07:30")
    office.plan("06-17T07:30")
    office.send()
    rungs = [mail.message["X-Report-Item"].split()[-1] for mail in office.sink.mails if mail.to.startswith("baocao@")]
    assert rungs == ["T+1"]
    assert office.states("T%") == {"cancelled": 2, "sent": 1}
    assert [
        key for (key,) in office.rows("SELECT occasion FROM ops.delivery WHERE rung = 'digest' AND state = 'sent'")
    ] == ["2026-06-17"]


def test_reminders_wait_for_the_end_of_quiet_hours_and_answers_do_not(office: Office) -> None:
    office.accept_all_but(ONE, TWO)
    office.plan("06-15T07:30")
    office.receive(TWO, "06-15T22:00")
    office.run_sql("UPDATE ops.letter SET state = 'cancelled' WHERE kind = 'digest'")
    office.send("06-16T05:00")
    assert [mail.to for mail in office.sink.mails] == ["baocao@x01288.caobang.example"]
    assert office.rows("SELECT count(*) FROM ops.letter WHERE state = 'planned'") == [(2,)]


def test_refused_for_good_is_given_up_and_told(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.accept_all_but(ONE, TWO)
    office.sink.answer = {"baocao@x01290.caobang.example": "550 5.1.1 <baocao@x01290.caobang.example> unknown"}.get
    office.plan(T1)
    with caplog.at_level(logging.DEBUG):
        summary = office.send()
    assert (summary.failed, summary.sent) == (1, 2)
    assert office.rows("SELECT last_error FROM ops.letter WHERE state = 'failed'") == [("recipient refused 550",)]
    assert not [record for record in caplog.records if record.name.startswith("etl") and "@" in record.getMessage()]
    assert office.plan("06-18T07:30").plan.due == []  # not tried again and again
    office.send()
    digest = office.sink.mails[-1].message.get_body(("plain",))
    assert digest is not None
    assert "1 thư không gửi được" in digest.get_content()


def test_refused_for_now_is_tried_later_as_the_same_letter(office: Office) -> None:
    office.accept_all_but(ONE)
    busy = {"baocao@x01290.caobang.example": "451 greylisted, try again"}
    office.sink.answer = busy.get
    office.plan(T1)
    assert office.send().waiting == 1
    assert office.send().sent == 0  # not before its time
    ((message_id, attempts),) = office.rows("SELECT message_id, attempts FROM ops.letter WHERE state = 'planned'")
    assert attempts == 1
    busy.clear()
    office.run_sql("UPDATE ops.letter SET not_before = NULL")
    assert office.send().sent == 1
    assert office.sink.mails[-1].message_id == f"<{message_id}@caobang.example>"


def test_a_server_that_is_down_costs_no_letter_an_attempt(office: Office) -> None:
    office.accept_all_but(ONE, TWO)
    office.plan(T1)
    office.sink.answer = lambda _: "421 closing"
    with pytest.raises(ChannelDown):
        office.send()
    assert office.rows("SELECT DISTINCT state, attempts FROM ops.letter") == [("planned", 0)]
    office.sink.answer = lambda _: None
    assert office.send().sent == 3


def test_one_letter_that_cannot_be_written_does_not_hold_up_the_others(office: Office) -> None:
    office.accept_all_but(ONE, TWO)
    office.plan(T1)
    office.run_sql("UPDATE ops.letter SET recipient_name = E'x\\ny' WHERE recipient = 'baocao@x01290.caobang.example'")
    summary = office.send()
    assert (summary.sent, summary.waiting) == (2, 1)
    assert office.rows("SELECT last_error FROM ops.letter WHERE state = 'planned'") == [("ValueError",)]


# ------------------------------------------------------------------------------------------------ pauses


def test_a_mute_planned_over_and_lifted(office: Office) -> None:
    office.accept_all_but(ONE)
    office.plan(T1)
    office.now = at("06-17T07:31")
    mute_unit(office.context, Pause(ONE, None, None, at("06-30T00:00"), "trực ban", "Đang sáp nhập"))
    assert office.send().cancelled == 1
    assert office.plan("06-18T07:30").plan.due == []
    office.send()
    told = office.sink.mails[-1].message.get_body(("plain",))
    assert told is not None
    assert "Xã Bảo Lâm, đến hết ngày 29/06/2026: Đang sáp nhập" in told.get_content()
    # T+1 was cancelled, never sent, and is still right.
    lift_mute(office.context, ONE, None, None, by="trực ban", why="Đã xong")
    assert [row.rung for row in office.plan("06-18T08:00").plan.due] == ["T+1"]


def test_an_acknowledgement_is_told_to_the_council(office: Office) -> None:
    office.accept_all_but(ONE)
    office.now = at("06-16T10:00")
    acknowledge(office.context, Pause(ONE, *HALF, at("06-26T00:00"), "đầu mối", "Chờ số liệu cấp xã"))
    for day in ("06-17T07:30", "06-18T07:30", "06-19T07:30", "06-22T07:30"):
        assert office.plan(day).plan.due == []
    (row,) = office.plan("06-23T07:30").plan.due
    assert (row.rung, row.role) == ("T+5", ContactRole.STANDING_COUNCIL)
    office.send()
    (mail,) = [mail for mail in office.sink.mails if mail.to.startswith("thuongtruc@")]
    text = mail.message.get_body(("plain",))
    assert text is not None
    assert "đơn vị hẹn ngày 25/06/2026: Chờ số liệu cấp xã" in text.get_content()


def test_pauses_are_only_added_to(office: Office) -> None:
    mute_unit(office.context, Pause(ONE, None, None, at("06-30T00:00"), "a", "b"))
    for statement in ("UPDATE ops.mute SET reason = 'x'", "DELETE FROM ops.mute", "TRUNCATE ops.acknowledgement"):
        with pytest.raises(sa.exc.DBAPIError, match="only added to"):
            office.run_sql(statement)


@pytest.mark.parametrize(
    ("pause", "error"),
    [
        (Pause("H14.ZZ", None, None, at("06-30T00:00"), "a", "b"), LookupError),
        (Pause(ONE, "khác", None, at("06-30T00:00"), "a", "b"), LookupError),
        (Pause(ONE, "movements-half", "2026-A1", at("06-30T00:00"), "a", "b"), ValueError),
        (Pause(ONE, None, "2026-S1", at("06-30T00:00"), "a", "b"), ValueError),
        (Pause(ONE, None, None, at("06-30T00:00"), " ", "b"), ValueError),
        (Pause(ONE, None, None, at("06-30T00:00"), "a", ""), ValueError),
    ],
)
def test_a_pause_of_nothing_is_refused(office: Office, pause: Pause, error: type[Exception]) -> None:
    with pytest.raises(error):
        mute_unit(office.context, pause)


def test_an_acknowledgement_is_of_something_owed_and_of_a_day_to_come(office: Office) -> None:
    with pytest.raises(ValueError, match="over already"):
        acknowledge(office.context, Pause(ONE, *HALF, at("06-04T00:00"), "a", "b"))
    with pytest.raises(UnitDoesNotOwe):
        acknowledge(office.context, Pause("H14.KHOI01", "statistics-year", "2026-A1", at("12-30T00:00"), "a", "b"))


# ------------------------------------------------------------------------------------------------ answers, contacts, rooms


def test_an_answer_a_decision_and_none_twice(office: Office) -> None:
    office.now = at("06-10T10:00")
    office.receive(ONE, "06-10T09:00", good=False)
    office.send()
    office.receive(ONE, "06-10T11:00", good=False)
    office.receive(ONE, "06-10T12:00")
    office.send("06-10T12:10")
    office.send_back(ONE)
    office.send("06-10T13:00")
    mails = [mail for mail in office.sink.mails if mail.to.startswith("baocao@")]
    # The second file was overtaken by the third before its answer went out.
    assert [mail.message["Subject"] for mail in mails] == [
        "Báo cáo CHƯA ĐẠT, đề nghị sửa và gửi lại",
        "Đã nhận báo cáo: ĐẠT",
        "Báo cáo được trả lại, đề nghị sửa và gửi lại",
    ]
    returned = mails[2].message.get_body(("plain",))
    assert returned is not None
    assert "Lý do: Thiếu chữ ký" in returned.get_content()
    assert len({mail.message_id for mail in mails}) == 3


def test_an_answer_that_waited_too_long_is_not_sent(office: Office) -> None:
    office.receive(ONE, "06-05T09:00")
    assert office.send("06-12T08:01").cancelled == 1
    assert office.sink.mails == []


def test_a_reporter_who_left_gets_nothing(office: Office) -> None:
    """Planned for one, the register changed, then sent: not to the old one; the new one is planned for."""
    office.accept_all_but(ONE)
    office.plan(T1)
    register = office.context.register
    index = next(place for place, row in enumerate(register.contacts) if row.email == "baocao@x01290.caobang.example")
    moved = list(register.contacts)
    moved[index] = type(moved[index])(
        ONE, ContactRole.REPORTER, "Người mới", "moi@x01290.caobang.example", at(T1).date(), None, at("06-01T00:00")
    )
    object.__setattr__(register, "contacts", tuple(moved))
    register.__dict__.pop("_contacts", None)
    office.send()
    assert office.states("T+1") == {"cancelled": 1}
    office.plan("06-17T09:00")
    office.send()
    assert [mail.to for mail in office.sink.mails if b" T+1\r\n" in mail.raw] == ["moi@x01290.caobang.example"]


def test_a_restored_obligation_without_contacts_is_told(office: Office) -> None:
    found = office.plan(T1)
    assert found.plan.unaddressed == []
    register = office.context.register
    object.__setattr__(register, "contacts", tuple(row for row in register.contacts if row.unit != ONE))
    register.__dict__.pop("_contacts", None)
    office.run_sql("UPDATE ops.outbox SET cancelled_why = 'x'")
    # The commune, and the bloc that it leads.
    assert [item.unit for item in office.plan("06-18T07:30").plan.unaddressed] == [ONE, "H14.CUM01"]


def test_a_chat_room_gets_the_account_and_the_list(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from etl.alerts.webhooks import WebhookChannel

    said: list[str] = []
    rooms = WebhookChannel(["json://127.0.0.1:9/bi-mat"])
    monkeypatch.setattr(rooms, "send", lambda body, room: said.append(body.subject))
    office.channels = type(office.channels)(office.channels.mail, rooms, office.channels.envelope)
    office.accept_all_but(ONE)
    office.plan("06-23T07:30")
    office.send()
    assert sorted(said) == [
        "Danh sách đơn vị quá hạn nộp báo cáo (1 đơn vị)",
        "Tình hình nộp báo cáo ngày 23/06/2026: 1 báo cáo quá hạn",
    ]
    assert not [mail for mail in office.sink.mails if mail.to.startswith(PREFIX)]
    assert "bi-mat" not in str(office.rows("SELECT * FROM ops.letter"))


# ------------------------------------------------------------------------------------------------ workbooks


def test_the_first_reminder_brings_the_workbook_and_later_ones_do_not(office: Office) -> None:
    office.accept_all_but(ONE)
    for day in ("06-09T07:30", "06-15T07:30"):
        office.plan(day)
        office.send(with_files=True)
    first, second = [mail.message for mail in office.sink.mails if mail.to.startswith("baocao@")]
    (workbook,) = first.iter_attachments()
    assert workbook.get_filename() == f"{ONE}_movements-half_2026-S1.xlsx"
    assert "xl/workbook.xml" in zipfile.ZipFile(io.BytesIO(workbook.get_content())).namelist()
    assert list(second.iter_attachments()) == []


def test_real_files_are_answered_with_their_faults(office: Office, tmp_path: Path) -> None:
    from etl.usecases.ingest import ingest
    from tests.golden.sender import DEPARTMENT, make_sending

    inbox = tmp_path / "hộp thư"
    inbox.mkdir()
    good = make_sending()
    bad = make_sending()
    bad.put("F05", "02", "2", "mười").put("F05", "03", "2", -1)
    receipts = ["file,received_at"]
    for name, sending, received in (("lần 1", bad, "06-10T09:00"), ("lần 2", good, "06-10T09:30")):
        (inbox / f"{name}.xlsx").write_bytes(sending.to_bytes())
        receipts.append(f"{name}.xlsx,{at(received).isoformat()}")
        (tmp_path / "receipts.csv").write_text("\n".join(receipts), "utf-8")
        office.now = at("06-10T10:00")
        ingest(office.context, [inbox], tmp_path / "receipts.csv")
        office.send(with_files=True)
    rejected, received = [mail.message for mail in office.sink.mails if mail.to == "baocao@snv.caobang.example"]
    assert DEPARTMENT == THREE
    (copy,) = rejected.iter_attachments()
    assert copy.get_filename() == "lần 1_gop-y.xlsx"
    assert "xl/workbook.xml" in zipfile.ZipFile(io.BytesIO(copy.get_content())).namelist()
    text, html = rejected.get_body(("plain",)), rejected.get_body(("html",))
    assert text is not None
    assert html is not None
    for content in (text.get_content(), html.get_content()):
        assert "CHƯA ĐẠT" in content
        assert "lần 1_gop-y.xlsx" in content
        assert "16/06/2026" in content or "17/06/2026" in content
    assert received["Subject"].startswith("Đã nhận báo cáo: ĐẠT")


def test_people_never_enter_the_marts(office: Office) -> None:
    used = office.rows(
        "SELECT DISTINCT view_name FROM information_schema.view_table_usage WHERE view_schema = 'mart' "
        "AND (table_schema, table_name) IN (('register', 'contact'), ('ops', 'outbox'), ('ops', 'letter'), ('ops', 'delivery'))"
    )
    assert used == []
    assert office.rows("SELECT count(*) FROM register.contact WHERE retired_at IS NULL") == [
        (len(office.context.register.contacts),)
    ]
