"""From files to the ledger: what the answer key implies, twice, interrupted, and with files that cannot be read."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msoffcrypto.format.ooxml
import psycopg
import pytest
import sqlalchemy as sa
from small_province import PERIOD, REPORT, Province

from etl.calendar.deadlines import TIMEZONE, count_days_late
from etl.settings import Settings
from etl.usecases.board import read_board
from etl.usecases.collect import ReceiptsNotAllowed, collect_arrivals, plan_batches
from etl.usecases.consolidate import consolidate_period
from etl.usecases.context import Context, open_context
from etl.usecases.ingest import ingest
from etl.usecases.load import load_batch
from etl.usecases.prepare import init_warehouse
from etl.warehouse.connect import raw_connection
from etl.warehouse.fingerprint import compute_fingerprint

AFTERWARDS = datetime(2026, 11, 21, 8, 0, tzinfo=TIMEZONE)
"""When the board is read: past the due instant of 2026-S1."""


def fingerprint(context: Context) -> dict[str, str]:
    with raw_connection(context.engine) as connection:
        return compute_fingerprint(connection)


def implied_counts(key: dict) -> dict[str, int]:
    """Counts of the board that an answer key implies: the best thing that happened to each unit counts."""
    by_unit: dict[str, set[str]] = {}
    for submission in key["submissions"]:
        by_unit.setdefault(submission["unit"], set()).add(submission["status"])
    exempt = {item["unit"] for item in key["exempt"]}
    counts = Counter(
        next(status for status in ("on_time", "late", "rejected") if status in statuses)
        for unit, statuses in by_unit.items()
        if unit not in exempt
    )
    counts["missing"] = len(key["missing"])
    counts["exempt"] = len(exempt)
    return {status: counts[status] for status in ("on_time", "late", "missing", "rejected", "exempt")}


def test_board_says_what_the_answer_key_implies(prepared: Settings, province: Province) -> None:
    with open_context(prepared) as context:
        summary = ingest(context, [province.inbox], province.receipts)
        board = read_board(context, REPORT, PERIOD, AFTERWARDS)
    files = list(province.inbox.iterdir())
    assert summary.collected.landed == len(files)
    assert {name: board.counts[name] for name in implied_counts(province.key)} == implied_counts(province.key)
    assert board.counts["pending"] == 0
    assert board.counts["expected"] + board.counts["exempt"] == len(board.units)
    assert {line.unit for line in board.units if line.status == "missing"} == {
        item["unit"] for item in province.key["missing"]
    }


def test_board_counts_working_days_as_the_calendar_does(prepared: Settings, province: Province) -> None:
    with open_context(prepared) as context:
        ingest(context, [province.inbox], province.receipts)
        board = read_board(context, REPORT, PERIOD, AFTERWARDS)
        workdays = context.register.working_days()
    late = [line for line in board.units if line.status == "late"]
    assert late
    for line in late:
        assert line.accepted_at is not None
        assert line.days_late == count_days_late(line.accepted_at, line.due_at, workdays)


def test_stored_findings_are_those_of_the_answer_key(prepared: Settings, province: Province) -> None:
    with open_context(prepared) as context:
        ingest(context, [province.inbox], province.receipts)
        with context.engine.connect() as connection:
            rows = connection.execute(
                sa.text(
                    "SELECT a.file_name, f.code, f.severity, f.sheet, f.cell FROM core.finding f "
                    "JOIN landing.arrival a ON a.id = f.arrival_id"
                )
            ).all()
    wanted = Counter((f["file"], f["code"], f["severity"], f["sheet"], f["cell"]) for f in province.key["findings"])
    assert Counter(tuple(row) for row in rows) == wanted


def test_every_step_twice_changes_nothing(prepared: Settings, province: Province) -> None:
    def run_all() -> dict[str, str]:
        init_warehouse(prepared)
        with open_context(prepared) as context:
            ingest(context, [province.inbox], province.receipts)
            consolidate_period(context, REPORT, PERIOD, AFTERWARDS)
            return fingerprint(context)

    first = run_all()
    assert run_all() == first


@pytest.mark.parametrize("moment", ["landing", "between", "loading"])
def test_killed_in_the_middle_ends_in_the_same_warehouse(
    moment: str,
    make_settings: Callable[..., Settings],
    server: object,
    province: Province,
    tmp_path: Path,
) -> None:
    """kill -9 once some arrivals have landed, once all have, and while a load's transaction is open; then again."""
    settings = make_settings(province.register)
    init_warehouse(settings)
    with open_context(settings) as context:
        process = start_ingest(settings, province)
        try:
            wait_for_moment(context, moment, process, len(list(province.inbox.iterdir())))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        ingest(context, [province.inbox], province.receipts)
        interrupted = fingerprint(context)
    assert interrupted == undisturbed_fingerprint(server, province, tmp_path)


_UNDISTURBED: dict[str, dict[str, str]] = {}


def undisturbed_fingerprint(server: object, province: Province, tmp_path: Path) -> dict[str, str]:
    """The fingerprint of a run that nobody touched, in a database of its own; made once."""
    if not _UNDISTURBED:
        url = sa.make_url(server.superuser_url)  # type: ignore[attr-defined]
        admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.exec_driver_sql("DROP DATABASE IF EXISTS undisturbed WITH (FORCE)")
            connection.exec_driver_sql("CREATE DATABASE undisturbed OWNER mr_owner")
        admin.dispose()
        warehouse = sa.make_url(server.warehouse_url).set(database="undisturbed")  # type: ignore[attr-defined]
        home = tmp_path / "undisturbed"
        settings = Settings(
            home, province.register, (home / "landing").as_uri(), warehouse.render_as_string(hide_password=False)
        )
        init_warehouse(settings)
        with open_context(settings) as context:
            ingest(context, [province.inbox], province.receipts)
            _UNDISTURBED.update(fingerprint(context))
    return _UNDISTURBED


def start_ingest(settings: Settings, province: Province) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "MOVEMENT_REPORTS_HOME": str(settings.home),
        "MOVEMENT_REPORTS_REGISTER": str(settings.register),
        "MOVEMENT_REPORTS_WAREHOUSE_URL": str(settings.warehouse_url),
    }
    command = [sys.executable, "-m", "etl", "ingest", str(province.inbox), "--receipts", str(province.receipts)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for_moment(context: Context, moment: str, process: subprocess.Popen[bytes], files: int) -> None:
    """Until the other process is where we want it; in the test of loading, hold it inside its open transaction."""

    def count(query: str) -> int:
        with context.engine.connect() as connection:
            return int(connection.execute(sa.text(query)).scalar_one())

    if moment == "loading":
        # Another transaction holds a row that the load needs at its end: the load waits with everything written.
        with psycopg.connect(str(context.engine.url.render_as_string(False)).replace("+psycopg", "")) as blocker:
            blocker.execute("LOCK TABLE core.finding IN SHARE MODE")
            await_condition(
                lambda: count(
                    "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'core.finding'::regclass"
                ),
                process,
            )
            process.send_signal(signal.SIGKILL)
            process.wait()
            blocker.rollback()
        assert count("SELECT count(*) FROM core.submission") == 0
    elif moment == "between":
        await_condition(lambda: count("SELECT count(*) FROM landing.arrival") >= files, process)
    else:
        await_condition(lambda: count("SELECT count(*) FROM landing.arrival") >= 3, process)


def await_condition(condition: Callable[[], object], process: subprocess.Popen[bytes], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the other process ended before it could be killed"
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def test_bad_files_are_findings_and_the_rest_goes_through(
    make_settings: Callable[..., Settings], province: Province, tmp_path: Path
) -> None:
    known = {f["file"] for f in province.key["findings"]}
    good = next(s for s in province.key["submissions"] if s["status"] == "on_time" and s["file"] not in known)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    data = (province.inbox / good["file"]).read_bytes()
    (inbox / "tot.xlsx").write_bytes(data)
    (inbox / "sai-duoi.xls").write_bytes(data + b"")
    (inbox / "rong.xlsx").write_bytes(b"")
    (inbox / "hong.xlsx").write_bytes(data[: len(data) // 2])
    (inbox / "to.xlsx").write_bytes(data + os.urandom(3 * 1024 * 1024))
    (inbox / "van-ban.xlsx").write_bytes(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n")
    with (inbox / "mat-khau.xlsx").open("wb") as stream:
        msoffcrypto.format.ooxml.OOXMLFile((province.inbox / good["file"]).open("rb")).encrypt("bí mật", stream)
    settings = make_settings(province.register, max_file_bytes=2 * 1024 * 1024)
    init_warehouse(settings)
    with open_context(settings) as context:
        summary = ingest(context, [inbox])
        with context.engine.connect() as connection:
            found = {
                row.file_name: (row.code, row.message, row.sha256)
                for row in connection.execute(
                    sa.text(
                        "SELECT a.file_name, a.sha256, f.code, f.message FROM landing.arrival a "
                        "LEFT JOIN core.finding f ON f.arrival_id = a.id ORDER BY a.file_name"
                    )
                )
            }
        kept = {name: context.landing.get(sha256) for name, (_, _, sha256) in found.items()}
    assert {name: code for name, (code, _, _) in found.items()} == {
        "tot.xlsx": None,
        "sai-duoi.xls": "FILE-EXTENSION",
        "rong.xlsx": "FILE-EMPTY",
        "hong.xlsx": "FILE-UNREADABLE",
        "to.xlsx": "FILE-TOO-LARGE",
        "van-ban.xlsx": "FILE-NOT-WORKBOOK",
        "mat-khau.xlsx": "FILE-ENCRYPTED",
    }
    assert kept == {file.name: file.read_bytes() for file in inbox.iterdir()}
    assert summary.loaded.quarantined == 5
    assert summary.loaded.accepted + summary.loaded.accepted_with_warnings == 1
    assert summary.loaded.already_received == 1
    assert all(message.endswith(".") for code, message, _ in found.values() if code)


def test_resends_are_told_from_repeats(prepared: Settings, province: Province, tmp_path: Path) -> None:
    """v1, v2 and v1 again in one place are three submissions; the same bytes in a row are one."""
    good = next(s["file"] for s in province.key["submissions"] if s["status"] == "on_time")
    first, second = tmp_path / "v1.xlsx", tmp_path / "v2.xlsx"
    for version in (first, second):
        shutil.copyfile(province.inbox / good, version)
    with zipfile.ZipFile(second, "a") as archive:
        archive.comment = b"saved once more"
    drop = tmp_path / "drop"
    drop.mkdir()
    with open_context(prepared) as context:
        for step, (source, name) in enumerate(
            [(first, "bao-cao.xlsx"), (second, "bao-cao.xlsx"), (first, "bao-cao.xlsx"), (first, "ban-sao.xlsx")]
        ):
            shutil.copyfile(source, drop / name)
            receipts = tmp_path / "receipts.csv"
            receipts.write_text(f"file,received_at\n{name},2026-06-1{step}T08:00:00+07:00\n", "utf-8")
            ingest(context, [drop / name], receipts)
        with context.engine.connect() as connection:
            outcomes = connection.execute(sa.text("SELECT outcome FROM landing.outcome ORDER BY arrival_id")).scalars()
            assert list(outcomes) == ["submission", "submission", "submission", "already_received"]


def test_a_file_for_a_period_to_come_is_held_with_a_reason(
    prepared: Settings, province: Province, tmp_path: Path
) -> None:
    good = next(s for s in province.key["submissions"] if s["status"] == "on_time")
    receipts = tmp_path / "early.csv"
    receipts.write_text(f"file,received_at\n{good['file']},2025-11-01T08:00:00+07:00\n", "utf-8")
    with open_context(prepared) as context:
        summary = ingest(context, [province.inbox / good["file"]], receipts)
        with context.engine.connect() as connection:
            codes = list(connection.execute(sa.text("SELECT code FROM core.finding")).scalars())
    assert summary.loaded.quarantined == 1
    assert "ID-PERIOD-NOT-STARTED" in codes


def test_simulated_receipts_are_refused_in_a_real_province(
    make_settings: Callable[..., Settings], province: Province, tmp_path: Path
) -> None:
    register = tmp_path / "register"
    shutil.copytree(province.register, register)
    head = register / "register.yaml"
    head.write_text(head.read_text("utf-8").replace("simulated: true", "simulated: false"), "utf-8")
    settings = make_settings(register)
    init_warehouse(settings)
    with open_context(settings) as context:
        with pytest.raises(ReceiptsNotAllowed):
            collect_arrivals(context, [province.inbox], province.receipts)
        assert plan_batches(context) == []


def test_the_server_has_counted_the_cells_when_a_load_is_over(prepared: Settings, province: Province) -> None:
    """Whoever reads the figures at once is planned for what is there: for an unknown number of cells it took minutes."""
    with open_context(prepared) as context:
        ingest(context, [province.folder / "inbox"], province.folder / "receipts.csv")
        with raw_connection(context.engine) as connection:
            row = connection.execute(
                "SELECT reltuples, (SELECT count(*) FROM core.observation) FROM pg_class "
                "WHERE oid = 'core.observation'::regclass"
            ).fetchone()
    assert row is not None
    assert row[0] == pytest.approx(row[1], rel=0.2)


def test_batches_follow_the_order_of_receipt(prepared: Settings, province: Province) -> None:
    with open_context(prepared) as context:
        collect_arrivals(context, [province.inbox], province.receipts)
        batches = plan_batches(context, max_batches=3, batch_size=10)
        assert [len(batch) for batch in batches] == [10, 10, 10]
        listed = [arrival for batch in batches for arrival in batch]
        with context.engine.connect() as connection:
            ordered = list(
                connection.execute(
                    sa.text("SELECT id FROM landing.arrival ORDER BY received_at, locator LIMIT 30")
                ).scalars()
            )
        assert listed == ordered
        assert load_batch(context, batches[0]) + load_batch(context, batches[0]) == load_batch(context, []) + (
            summary_of(context, batches[0])
        )


def summary_of(context: Context, batch: list[int]) -> object:
    """The batch's summary read back from the warehouse."""
    from etl.usecases.load import BatchSummary

    with context.engine.connect() as connection:
        verdicts = Counter(
            connection.execute(
                sa.text(
                    "SELECT v.verdict FROM core.verdict v JOIN core.submission s ON s.id = v.submission_id "
                    "WHERE s.arrival_id = ANY(:ids)"
                ),
                {"ids": batch},
            ).scalars()
        )
        outcomes = Counter(
            connection.execute(
                sa.text("SELECT outcome FROM landing.outcome WHERE arrival_id = ANY(:ids)"), {"ids": batch}
            ).scalars()
        )
    return BatchSummary(
        accepted=verdicts["accepted"],
        accepted_with_warnings=verdicts["accepted_with_warnings"],
        rejected=verdicts["rejected"],
        quarantined=outcomes["quarantined"],
        already_received=outcomes["already_received"],
    )
