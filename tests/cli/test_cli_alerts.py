"""`alerts` on the command line: the plan writes nothing, sending is done once, exit codes, no address on stderr."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from etl.cli.main import main
from etl.settings import PROJECT_ROOT

Run = Callable[..., tuple[int, str, str]]
T5 = "2026-06-09T07:30"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str) -> Run:
    """Runs a command on a warehouse of six units: (exit code, stdout, stderr)."""
    monkeypatch.setenv("MOVEMENT_REPORTS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MOVEMENT_REPORTS_WAREHOUSE_URL", database_url)

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    from etl.sample.province import copy_register

    copy_register(PROJECT_ROOT / "register", tmp_path / "register", 6, 3)
    monkeypatch.setenv("MOVEMENT_REPORTS_REGISTER", str(tmp_path / "register"))
    assert call("init")[0] == 0
    return call


def test_plan_then_send_into_a_folder(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _ = run("alerts", "plan", "--as-of", T5, "--json")
    plan = json.loads(out)
    assert code == 0
    assert (plan["as_of"], plan["quiet"]) == ("2026-06-09T07:30:00+07:00", False)
    rows = [row for letter in plan["letters"] for row in letter["rows"]]
    assert rows
    assert {(row["rung"], row["letter"], row["role"]) for row in rows} == {("T-5", "upcoming", "reporter")}
    assert plan["digest"] == ["coquanthuongtruc@hdtdkt.caobang.example"]
    assert json.loads(run("alerts", "plan", "--as-of", T5, "--json")[1]) == plan

    folder = tmp_path / "thư đã gửi"
    monkeypatch.setenv("MOVEMENT_REPORTS_SMTP_URL", folder.as_uri())
    code, out, err = run("alerts", "send", "--as-of", T5, "--json")
    sent = json.loads(out)
    assert (code, sent["failed"], sent["waiting"]) == (0, 0, 0)
    assert sent["sent"] == sent["queued"] == len(plan["letters"]) + 1 == len(list(folder.glob("*.eml")))
    assert "@" not in err
    assert json.loads(run("alerts", "send", "--as-of", T5, "--json")[1])["sent"] == 0
    assert json.loads(run("alerts", "plan", "--as-of", T5, "--json")[1])["letters"] == []
    reminder = next(
        mail
        for path in folder.glob("*.eml")
        if "T-5" in str((mail := message_from_bytes(path.read_bytes(), policy=policy.SMTP))["X-Report-Item"])
    )
    # The first reminder brings the workbook to fill in.
    assert [part.get_filename()[-5:] for part in reminder.iter_attachments()] == [".xlsx"]


def test_the_table_for_people(run: Run) -> None:
    code, out, _ = run("alerts", "plan", "--as-of", "2026-06-13T09:00")
    assert code == 0
    assert "0 thư nhắc" in out
    assert "đang là thời gian không nhắc" in out
    assert re.search(r"T-5\s+H14\.\S+\s+movements-half:2026-S1", run("alerts", "plan", "--as-of", T5)[1])


def test_without_a_mail_server_nothing_is_sent_and_it_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = run("alerts", "send", "--as-of", T5)
    assert code == 2
    assert "MOVEMENT_REPORTS_SMTP_URL" in err
    monkeypatch.setenv("MOVEMENT_REPORTS_SMTP_URL", "smtp://u:bi-mat@127.0.0.1:1")
    code, _, err = run("alerts", "send", "--as-of", T5)
    assert code == 2
    assert "127.0.0.1:1 does not answer" in err
    assert "bi-mat" not in err


def test_another_day_is_for_simulated_provinces(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOVEMENT_REPORTS_SMTP_URL", (tmp_path / "thư").as_uri())
    path = tmp_path / "register" / "register.yaml"
    path.write_text(path.read_text("utf-8").replace("simulated: true", "simulated: false"), "utf-8")
    code, _, err = run("alerts", "send", "--as-of", T5)
    assert code == 2
    assert "simulated" in err


def test_mute_and_acknowledge(run: Run) -> None:
    rows = json.loads(run("alerts", "plan", "--as-of", "2027-06-09T07:30", "--json")[1])["letters"]
    assert rows == []  # 2027-S1 is not open yet
    soon = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
    assert run("alerts", "mute", "--unit", "H14.SNV", "--until", soon, "--by", "trực", "--why", "Nghỉ")[0] == 0
    planned = json.loads(run("alerts", "plan", "--as-of", "2026-06-10T07:30", "--json")[1])["letters"]
    # A plan of the past does not know what was said today.
    assert "H14.SNV" in {row["unit"] for letter in planned for row in letter["rows"]}
    assert run("alerts", "mute", "--unit", "H14.ZZ", "--until", soon, "--by", "a", "--why", "b")[0] == 2
    assert run("alerts", "mute", "--unit", "H14.SNV", "--until", "mai", "--by", "a", "--why", "b")[0] == 2
    code, out, _ = run(
        "alerts", "ack", "--unit", "H14.SNV", "--report", "movements-half", "--period", "2026-S2", "--until", "2099-01-31",
        "--by", "đầu mối", "--why", "Chờ số liệu",
    )  # fmt: skip
    assert code == 0
    assert "01/02/2099 00:00" in out
    assert run("alerts", "ack", "--unit", "H14.SNV", "--until", "2099-01-31", "--by", "a", "--why", "b")[0] == 2


def test_a_mute_is_lifted_by_its_own_command_and_never_by_a_past_day(run: Run) -> None:
    now = datetime.now(UTC)
    days = [f"{now + timedelta(days=days):%Y-%m-%d}" for days in (-2, 30, 400)]
    past, soon, far = (
        run("alerts", "mute", "--unit", "H14.SNV", "--until", day, "--by", "trực", "--why", "Nghỉ") for day in days
    )
    assert [code for code, _, _ in (past, soon, far)] == [2, 0, 2]
    assert "alerts unmute" in past[2]
    assert "366 days" in far[2]

    lift = ("alerts", "unmute", "--unit", "H14.SNV", "--by", "trực")
    assert run(*lift, "--why", " \u200b")[0] == 2
    assert run(*lift, "--report", "movements-half", "--period", "2026-S2", "--why", "Khác")[0] == 1
    code, out, _ = run(*lift, "--why", "Xong")
    assert (code, out) == (0, "H14.SNV: reminders go out again\n")
    code, _, said = run(*lift, "--why", "Lần nữa")
    assert code == 1 and "lifted by trực" in said.replace("\n", " ")
