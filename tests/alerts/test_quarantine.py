"""What a person settles of a file in quarantine: whose it is, or that it is nobody's. Stored for good; one wins."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import psycopg
import pytest
from alert_office import Office, at

from etl.calendar.periods import UnknownPeriod
from etl.cli.main import main
from etl.usecases import quarantine
from etl.usecases.ingest import ingest
from etl.usecases.quarantine import (
    NotOwed,
    QuarantineItem,
    StaleQuarantine,
    UnknownArrival,
    attribute_arrival,
    discard_arrival,
    list_quarantine,
    list_refused,
)
from etl.usecases.revalidate import reprocess_quarantine, revalidate_period
from etl.warehouse.connect import raw_connection
from tests.golden.sender import COMMUNE, DEPARTMENT, HALF_YEAR, PERIOD, Sending, make_sending

OWED = {"unit": DEPARTMENT, "report": HALF_YEAR, "period": PERIOD}
WHO = {"by": "nguyen.van.a", "why": "Đơn vị xác nhận qua điện thoại"}
RECEIVED = "06-10T09:00"


def nobodys() -> Sending:
    """A sound workbook that does not say whose it is."""
    sending = make_sending()
    sending.plan.metadata = None
    sending.field("F00", "01", None)
    for sheet in sending.plan.sheets:
        for cell in sheet.cells.values():
            if isinstance(cell.value, str) and cell.value.startswith("Đơn vị"):
                cell.value = None
    return sending


def receive(office: Office, *files: tuple[str, bytes], received: str = RECEIVED) -> list[QuarantineItem]:
    """Ingest files received at an instant; what waits then."""
    inbox = office.context.settings.home / f"hộp thư {received.replace(':', '')}"
    inbox.mkdir(parents=True, exist_ok=True)
    lines = ["file,received_at"]
    for name, data in files:
        (inbox / name).write_bytes(data)
        lines.append(f"{name},{at(received).isoformat()}")
    table = inbox.parent / "receipts.csv"
    table.write_text("\n".join(lines), "utf-8")
    office.now = max(office.now, at("06-10T10:00"))
    ingest(office.context, [inbox], table)
    return list_quarantine(office.context)


def count(office: Office, table: str) -> int:
    return int(office.rows(f"SELECT count(*) FROM {table}")[0][0])


def test_a_file_is_attributed_and_counts_from_its_own_receipt(office: Office) -> None:
    (item,) = receive(office, ("bao cao.xlsx", nobodys().to_bytes()))
    assert (item.state, item.unit, item.file) == ("quarantined", None, "bao cao.xlsx")
    assert any(text.startswith("ID-UNIT-MISSING") for text in item.findings)
    office.now = at("06-20T08:00")
    outcome = attribute_arrival(office.context, item.arrival_id, **OWED, **WHO, seen=item.generation)
    assert (outcome.unit, outcome.report, outcome.period) == tuple(OWED.values())
    assert outcome.received_at == at(RECEIVED)
    assert list_quarantine(office.context, everything=True) == []
    assert office.rows("SELECT unit, report, period, attributed_by, reason, recorded_at FROM landing.attribution") == [
        (*OWED.values(), *WHO.values(), office.now)
    ]
    assert office.rows(
        "SELECT examined_by, reason FROM core.examination WHERE arrival_id = :a ORDER BY generation DESC LIMIT 1",
        a=item.arrival_id,
    ) == [tuple(WHO.values())]
    # Timeliness is that of the receipt, before the due day; and the unit is answered.
    status = office.rows(
        "SELECT status FROM core.board(:r, :p, :t) WHERE unit = :u", r=HALF_YEAR, p=PERIOD, t=office.now, u=DEPARTMENT
    )
    told = office.rows("SELECT letter FROM ops.outbox WHERE unit = :u AND decision_id IS NOT NULL", u=DEPARTMENT)
    expected = ("rejected", "rejection") if outcome.outcome == "rejected" else ("on_time", "receipt")
    assert (status, set(told)) == ([(expected[0],)], {(expected[1],)})


def test_what_the_file_says_otherwise_is_a_warning(office: Office) -> None:
    """A copied workbook: its sheets name two units, and the standing office has settled which it is."""
    sending = make_sending().field("F00", "01", "H14.KHONGCO")
    sending.plan.metadata = None
    (item,) = receive(office, ("bao-cao.xlsx", sending.to_bytes()))
    attribute_arrival(office.context, item.arrival_id, **OWED, **WHO)
    rows = office.rows("SELECT code, severity, value, expected FROM core.current_finding WHERE code LIKE 'ID-%'")
    assert ("ID-ATTRIBUTED", "warning", "H14.KHONGCO", DEPARTMENT) in rows
    assert {row[0] for row in rows} == {"ID-ATTRIBUTED"}


def test_read_again_it_stays_whose_it_is(office: Office) -> None:
    (item,) = receive(office, ("bao-cao.xlsx", nobodys().to_bytes()))
    attribute_arrival(office.context, item.arrival_id, **OWED, **WHO)
    summary = revalidate_period(office.context, HALF_YEAR, PERIOD)
    assert (summary.examined, summary.changes, summary.elsewhere) == (1, [], [])


def test_an_unreadable_file_becomes_a_rejected_submission(office: Office) -> None:
    (item,) = receive(office, ("hong.xlsx", b"PK\x03\x04 cut short"))
    outcome = attribute_arrival(office.context, item.arrival_id, **OWED, **WHO)
    assert outcome.outcome == "rejected"
    assert any(text.startswith("FILE-UNREADABLE") for text in outcome.findings)


def test_a_file_equal_to_the_newest_submission_is_received_already(office: Office) -> None:
    data = nobodys().to_bytes()
    (first, second) = receive(office, ("a.xlsx", data), ("b.xlsx", data))
    attribute_arrival(office.context, first.arrival_id, **OWED, **WHO)
    assert attribute_arrival(office.context, second.arrival_id, **OWED, **WHO).outcome == "already_received"
    assert count(office, "core.submission") == 1


def test_discarded_is_listed_no_more_and_can_be_undone(office: Office) -> None:
    (item,) = receive(office, ("quang cao.xlsx", nobodys().to_bytes()))
    discarded = discard_arrival(office.context, item.arrival_id, by="b", why="Thư rác", seen=item.generation)
    assert list_quarantine(office.context) == []
    assert list_quarantine(office.context, everything=True) == [discarded]
    assert (discarded.state, discarded.discarded_by, discarded.discarded_why) == ("discarded", "b", "Thư rác")
    assert discarded.findings == item.findings
    assert office.context.landing.size(item.sha256) > 0
    assert reprocess_quarantine(office.context, by="x", why="y")[1] == []
    assert attribute_arrival(office.context, item.arrival_id, **OWED, **WHO).outcome != "quarantined"
    assert list_quarantine(office.context, everything=True) == []
    assert count(office, "landing.discard") == count(office, "landing.attribution") == 1


def test_two_people_at_once_one_wins_and_the_other_is_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    (item,) = receive(office, ("bao-cao.xlsx", nobodys().to_bytes()))
    both = threading.Barrier(2)
    examine = quarantine._examine

    def together(*arguments: Any) -> Any:
        examined = examine(*arguments)
        both.wait(60)  # both have read the file and believe that it waits
        return examined

    monkeypatch.setattr(quarantine, "_examine", together)

    def settle(by: str) -> str:
        try:
            attribute_arrival(office.context, item.arrival_id, **OWED, by=by, why="w")
        except StaleQuarantine as error:
            return str(error)
        return by

    with ThreadPoolExecutor(2) as people:
        told = sorted(people.map(settle, ("an", "binh")), key=len)
    assert told[0] in ("an", "binh")
    assert f"settled by {told[0]}" in told[1]
    assert count(office, "landing.attribution") == count(office, "core.submission") == 1


def test_what_was_not_seen_is_not_overridden(office: Office) -> None:
    (item,) = receive(office, ("bao-cao.xlsx", nobodys().to_bytes()))
    discard_arrival(office.context, item.arrival_id, **WHO)
    with pytest.raises(StaleQuarantine, match=r"settled by nguyen\.van\.a"):
        attribute_arrival(office.context, item.arrival_id, **OWED, **WHO, seen=item.generation)
    with pytest.raises(StaleQuarantine):
        discard_arrival(office.context, item.arrival_id, **WHO)
    assert count(office, "landing.discard") == 1


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"unit": "H14.KHONGCO"}, NotOwed),
        ({"period": "2099-S1"}, NotOwed),
        ({"period": "2026-Q1"}, UnknownPeriod),
        ({"report": "khong-co"}, LookupError),
        ({"by": " "}, ValueError),
        ({"why": ""}, ValueError),
    ],
    ids=str,
)
def test_only_to_an_obligation_by_a_name_with_a_reason(office: Office, changed: dict[str, str], error: type) -> None:
    (item,) = receive(office, ("bao-cao.xlsx", nobodys().to_bytes()))
    with pytest.raises(error):
        attribute_arrival(office.context, item.arrival_id, **{**OWED, **WHO, **changed})
    assert list_quarantine(office.context) == [item]
    assert count(office, "landing.attribution") == 0


def test_other_arrivals_are_left_alone(office: Office) -> None:
    receive(office, ("bao-cao.xlsx", make_sending().to_bytes()))
    ((number,),) = office.rows("SELECT id FROM landing.arrival")
    with pytest.raises(StaleQuarantine, match="submission"):
        discard_arrival(office.context, number, **WHO)
    with pytest.raises(UnknownArrival):
        discard_arrival(office.context, number + 1, **WHO)


@pytest.mark.parametrize("table", ["attribution", "discard"])
def test_what_was_settled_is_never_changed(office: Office, table: str) -> None:
    (item,) = receive(office, ("bao-cao.xlsx", nobodys().to_bytes()))
    discard_arrival(office.context, item.arrival_id, **WHO)
    attribute_arrival(office.context, item.arrival_id, **OWED, **WHO)
    for statement in (f"UPDATE landing.{table} SET reason = 'x'", f"DELETE FROM landing.{table}"):
        with raw_connection(office.context.engine) as connection, pytest.raises(psycopg.errors.RestrictViolation):
            connection.execute(statement.encode())


def test_a_kill_before_the_commit_leaves_it_waiting(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    (item,) = receive(office, ("bao-cao.xlsx", nobodys().to_bytes()))
    store = quarantine.store_examined

    def killed(*arguments: Any) -> Any:
        store(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(quarantine, "store_examined", killed)
    with pytest.raises(KeyboardInterrupt):
        attribute_arrival(office.context, item.arrival_id, **OWED, **WHO)
    assert list_quarantine(office.context) == [item]
    assert (count(office, "landing.attribution"), count(office, "core.submission")) == (0, 0)


def test_on_the_command_line(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    items = receive(office, ("a.xlsx", nobodys().to_bytes()), ("b.xlsx", b"%PDF-1.7 scan"))
    settings = office.context.settings
    for name, value in (
        ("HOME", settings.home), ("REGISTER", settings.register), ("LANDING", settings.landing),
        ("WAREHOUSE_URL", settings.warehouse_url),
    ):  # fmt: skip
        monkeypatch.setenv(f"MOVEMENT_REPORTS_{name}", str(value))
    office.run_sql("INSERT INTO landing.offer VALUES ('hop-thu', '<1@x>', '1', now(), NULL)")
    office.run_sql(
        "INSERT INTO landing.refusal VALUES ('hop-thu', '<1@x>', '1', '', 'a.zip', 'ZIP-BOMB', '1 > 2', '{}', now(), now())"
    )

    def run(*arguments: str) -> tuple[int, Any]:
        code = main(["quarantine", *arguments])
        text, told = capsys.readouterr()
        assert code != 2, told
        return code, json.loads(text) if text.startswith(("{", "[")) else text

    for arguments in (("--json",), ("list", "--json"), ("--json", "list")):
        code, found = run(*arguments)
        assert code == 0
        assert [item["arrival"] for item in found["quarantine"]] == [item.arrival_id for item in items]
        assert [(one["file"], one["code"]) for one in found["refused"]] == [("a.zip", "ZIP-BOMB")]
        datetime.fromisoformat(found["quarantine"][0]["received_at"])
    assert "tỷ lệ nén bất thường" in run()[1]
    words = ["--by", "an", "--why", "Đã hỏi đơn vị"]
    place = ["--unit", COMMUNE, "--report", HALF_YEAR, "--period", PERIOD]
    numbers = [str(item.arrival_id) for item in items]
    assert run("discard", numbers[1], *words)[0] == 0
    assert run("discard", numbers[1], *words)[0] == 1
    assert len(run("list", "--all", "--json")[1]["quarantine"]) == 2
    code, outcome = run("attribute", numbers[0], *place, *words, "--json")
    assert (code, outcome[0]["unit"]) == (0, COMMUNE)
    assert run("attribute", numbers[0], *place, *words)[0] == 1
    assert run("list", "--json")[1]["quarantine"] == []
    assert [one.file for one in list_refused(office.context)] == ["a.zip"]
