"""Who may speak for a unit by mail: the same workbook from its contact, from others and forged, through a real mailbox."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
import sqlalchemy as sa
from peers_imap import run_imap
from small_province import PERIOD, REPORT, Province

from etl.calendar.deadlines import TIMEZONE
from etl.findings.catalogue import read_catalogue
from etl.recognition.senders import ANY_UNIT, judge_sender, name_sender, read_sender_unit
from etl.register.read import read_register
from etl.settings import Settings
from etl.usecases.collect import collect_arrivals, plan_batches
from etl.usecases.context import Context, open_context
from etl.usecases.load import load_batch
from etl.usecases.prepare import init_warehouse
from etl.usecases.quarantine import attribute_arrival

NOW = datetime(2026, 7, 20, 8, 0, tzinfo=TIMEZONE)
OURS = "thu.tinh.example"
STRANGER = "ai-do@khac.example"


def list_contacts(province: Province, role: str) -> dict[str, str]:
    """Unit -> address of its person in a role."""
    with (province.register / "contacts.csv").open(encoding="utf-8", newline="") as stream:
        return {row["unit"]: row["email"] for row in csv.DictReader(stream) if row["role"] == role}


def write_mail(file: Path, sender: str, results: str) -> bytes:
    mail = EmailMessage()
    if results:
        mail["Authentication-Results"] = f"{OURS}; {results}"
    mail["Received"] = f"by {OURS} id {sender} {results}"
    mail["From"], mail["Subject"] = sender, "Báo cáo"
    mail.set_content("Kính gửi.")
    mail.add_attachment(file.read_bytes(), maintype="application", subtype="octet-stream", filename="bao-cao.xlsx")
    return mail.as_bytes()


def open_office(
    make_settings: Callable[..., Settings], province: Province, folder: Path, url: str, rule: str
) -> Settings:
    register = folder / "register"
    shutil.copytree(province.register, register)
    line = "  - {code: thu, kind: imap, connection: thu, path: INBOX, after: move, "
    line += f"authserv_id: {OURS}, unknown_sender: {rule}}}"
    (register / "channels.yaml").write_text(f"channels:\n{line}\n", "utf-8")
    settings = make_settings(register, connections={"thu": url})
    init_warehouse(settings)
    return settings


def ingest_mails(context: Context) -> None:
    collect_arrivals(context)
    for batch in plan_batches(context):
        load_batch(context, batch)


def read_outcomes(context: Context) -> dict[str, tuple[str, set[str]]]:
    """Sender -> (what became of its mail, the codes about the sender)."""
    query = (
        "SELECT a.hints::json->>'sender', o.outcome, f.code FROM landing.current_outcome o "
        "JOIN landing.arrival a ON a.id = o.arrival_id "
        "LEFT JOIN core.current_finding f ON f.arrival_id = a.id AND f.code LIKE 'ID-SENDER%'"
    )
    found: dict[str, tuple[str, set[str]]] = {}
    with context.engine.connect() as connection:
        for sender, outcome, code in connection.execute(sa.text(query)):
            found.setdefault(str(sender), (str(outcome), set()))[1].update({code} if code else set())
    return found


def choose_submission(province: Province) -> tuple[Path, str]:
    """A sound workbook and its unit, which is no bloc."""
    people = list_contacts(province, "reporter")
    faulty = {item["file"] for item in province.key["findings"]}
    chosen = next(
        item
        for item in province.key["submissions"]
        if item["status"] == "on_time" and item["file"] not in faulty and item["unit"] in people
    )
    return province.inbox / chosen["file"], chosen["unit"]


@pytest.mark.parametrize("rule", ["quarantine", "warn"])
def test_only_who_may_speak_for_the_unit_is_let_in(
    make_settings: Callable[..., Settings], province: Province, tmp_path: Path, rule: str
) -> None:
    file, unit = choose_submission(province)
    people = list_contacts(province, "reporter")
    heads = list_contacts(province, "head")
    office = next(iter(list_contacts(province, "standing_office").values()))
    other = next(email for code, email in sorted(people.items()) if code != unit)
    sent = {
        people[unit]: "dmarc=pass",
        heads[unit]: "dmarc=fail",  # somebody else, under the head's name
        other: "dmarc=pass",
        STRANGER: "dmarc=pass",
        office: "",
    }
    with run_imap() as peer:
        for sender, results in sent.items():
            peer.deliver(write_mail(file, sender, results))
        settings = open_office(make_settings, province, tmp_path, peer.url, rule)
        with open_context(settings, clock=lambda: NOW) as context:
            ingest_mails(context)
            found = read_outcomes(context)
            taken = {"submission", "already_received"}
            assert found[people[unit]][0] in taken
            assert found[office][0] in taken
            assert found[people[unit]][1] == found[office][1] == set()
            assert found[heads[unit]] == ("quarantined", {"ID-SENDER-FORGED"})
            if rule == "quarantine":
                assert found[other] == ("quarantined", {"ID-SENDER-OTHER"})
                assert found[STRANGER] == ("quarantined", {"ID-SENDER-UNKNOWN"})
            else:
                assert found[other][0] in taken
                assert found[STRANGER][0] in taken
                assert found[other][1] == found[STRANGER][1] == {"ID-SENDER-UNVERIFIED"}
                return
            with context.engine.connect() as connection:
                query = "SELECT id FROM landing.arrival WHERE hints::json->>'sender' = :sender"
                arrival = connection.execute(sa.text(query), {"sender": STRANGER}).scalar_one()
            # A person who knows the sender settles it.
            attribute_arrival(context, arrival, unit=unit, report=REPORT, period=PERIOD, by="an", why="Đã gọi điện.")
            assert read_outcomes(context)[STRANGER][0] in taken


def test_rules_by_themselves(province: Province) -> None:
    register, catalogue = read_register(province.register), read_catalogue()
    people = list_contacts(province, "reporter")
    unit_code, address = next(item for item in sorted(people.items()) if register.unit_versions(item[0]))
    unit = register.unit_versions(unit_code)[-1]
    on = NOW.date()

    def judge(proof: str, sender: str, unit_: object = unit, **more: str) -> tuple[list[str], bool]:
        hints = name_sender(register, {"sender_proof": proof, "sender": sender, **more}, on)
        findings, withheld = judge_sender(hints, unit_, register, catalogue)  # type: ignore[arg-type]
        return [finding.code for finding in findings], withheld

    # Other channels have no sender; nothing is said of it.
    assert name_sender(register, {"unit": "H14.SNV"}, on) == {"unit": "H14.SNV"}
    assert judge_sender({"unit": "H14.SNV"}, unit, register, catalogue) == ([], False)
    for proof in ("pass", "none"):
        assert judge(proof, address.upper()) == ([], False)
        assert judge(proof, STRANGER) == (["ID-SENDER-UNKNOWN"], True)
        assert judge(proof, "") == (["ID-SENDER-UNKNOWN"], True)
    assert judge("fail", address) == (["ID-SENDER-FORGED"], True)
    assert judge("fail", address, unknown_sender="warn") == (["ID-SENDER-FORGED"], True)
    assert judge("pass", STRANGER, unknown_sender="warn") == (["ID-SENDER-UNVERIFIED"], False)
    # A file that names no unit is its believed sender's.
    believed = name_sender(register, {"sender_proof": "none", "sender": address}, on)
    assert read_sender_unit(believed) == unit_code
    assert read_sender_unit({**believed, "sender_proof": "fail"}) is None
    assert read_sender_unit({**believed, "sender_units": ANY_UNIT}) is None
    assert judge("pass", address, None) == ([], False)
    # Somebody who was a contact once may not speak for the unit any more.
    assert "sender_units" not in name_sender(
        register, {"sender_proof": "pass", "sender": address}, on.replace(year=2000)
    )
    # The leader of a bloc reports for it.
    led = next(
        (row for row in register.memberships if row.role == "leader" and row.unit in people and row.valid_to is None),
        None,
    )
    if led is not None:
        bloc = register.unit_versions(led.bloc)[-1]
        assert judge("pass", people[led.unit], bloc) == ([], False)
