"""`make run` as a stranger sees it: the real scheduler takes a small province through one period and leaves nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from etl.warehouse.server import server_status, stop_server
from tools.airflow_client import AirflowClient, AirflowError
from tools.airflow_files import ADMIN, OFFICE, REVIEWER, AirflowFolder, read_passwords
from tools.sample_home import SamplePlan, count_states, read_answer_key

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(420)]

ROOT = Path(__file__).resolve().parents[2]
UNITS = 24
PLAN = SamplePlan("movements-half", "2026-S1", UNITS, 7)
SERVE_SECONDS = 300.0
STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Province:
    """A province being served."""

    home: Path
    program: subprocess.Popen[str]
    said: str
    url: str
    answer_key: dict[str, str]

    def log_in(self, name: str) -> AirflowClient:
        return AirflowClient(self.url, name, read_passwords(AirflowFolder(self.home / "airflow"))[name])


def _list_programs(province: Province) -> list[psutil.Process]:
    """The launcher, all it started, and the embedded server with its helpers."""
    server = server_status(province.home).pid
    roots = [psutil.Process(pid) for pid in (province.program.pid, server) if pid is not None]
    return [*roots, *(child for root in roots for child in root.children(recursive=True))]


def _read_until(program: subprocess.Popen[str], word: str, seconds: float) -> str:
    """What the program prints up to the line with that word, or all of it when it ends before."""
    lines: list[str] = []
    assert program.stdout is not None
    giving_up = threading.Timer(seconds, program.send_signal, [signal.SIGTERM])
    giving_up.start()
    try:
        for line in program.stdout:
            lines.append(line)
            if word in line:
                break
    finally:
        giving_up.cancel()
    return "".join(lines)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    # Where the server's own account may enter: else its data would go to a shared folder, and stay there.
    folder = Path(tempfile.mkdtemp(prefix="movement-reports-e2e-"))
    folder.chmod(0o755)
    yield folder
    stop_server(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def province(home: Path) -> Iterator[Province]:
    command = [sys.executable, "-m", "tools.run_province", "--stay", "--home", str(home), "--units", str(UNITS)]
    # A shell that already runs an Airflow and a warehouse: neither may be touched.
    strange = {
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW_HOME": str(home / "strange"),
        "MOVEMENT_REPORTS_WAREHOUSE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "COLUMNS": "160",
    }
    program = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **strange},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said = _read_until(program, "Serving.", SERVE_SECONDS)
        assert "Serving." in said, said
        url = json.loads(AirflowFolder(home / "airflow").running.read_text("utf-8"))["url"]
        yield Province(home, program, said, url, read_answer_key(home / "sample", PLAN))
    finally:
        if program.poll() is None:
            program.terminate()
            program.wait(STOP_SECONDS)


def _last_run(client: AirflowClient, dag: str) -> dict[str, Any]:
    return client.list_runs(dag)[0]


def test_the_board_agrees_with_the_answer_key(province: Province) -> None:
    assert f"agrees with the answer key for all {len(province.answer_key)} units" in province.said
    # A mix of everything, or the agreement would say little.
    assert {"on_time", "missing", "rejected"} <= set(province.answer_key.values())
    assert "statistics-year:2026-A1" in province.said
    assert "simulated" in province.said


def test_every_run_succeeded_and_the_key_was_carried(province: Province) -> None:
    client = province.log_in(ADMIN)

    for dag in ("collect_submissions", "close_period", "consolidate_period"):
        assert {run["state"] for run in client.list_runs(dag)} == {"success"}, dag
    assert _last_run(client, "close_period")["partition_key"] == "movements-half:2026-S1"
    consolidation = _last_run(client, "consolidate_period")
    assert consolidation["partition_key"] == "movements-half:2026-S1"
    assert consolidation["run_type"] == "asset_triggered"
    # A bad workbook is a finding, never a failed task; so is nothing tried twice.
    tasks = client.list_tasks("collect_submissions", _last_run(client, "collect_submissions")["dag_run_id"])
    assert {task["state"] for task in tasks} <= {"success", "skipped"}
    assert {task["try_number"] for task in tasks if task["state"] == "success"} == {1}


def test_the_morning_look_at_deadlines_runs(province: Province) -> None:
    client = province.log_in(ADMIN)

    run = client.trigger("watch_deadlines")
    client.await_run("watch_deadlines", run, seconds=60)

    late = Counter(province.answer_key.values())
    overdue = client.read_result("watch_deadlines", run, "list_overdue")
    assert overdue["movements-half:2026-S1"] == late["missing"] + late["rejected"]


def test_a_cut_off_closes_nothing(province: Province) -> None:
    client = province.log_in(ADMIN)
    before = len(client.list_runs("consolidate_period"))

    conf = {"as_of": "2026-06-15T06:30:00+07:00"}
    run = client.trigger("close_period", partition_key="movements-half:2026-S1", conf=conf)
    client.await_run("close_period", run, seconds=60)

    states = {task["task_id"]: task["state"] for task in client.list_tasks("close_period", run)}
    assert states == {"list_late": "success", "announce_closed": "skipped"}
    assert len(client.list_runs("consolidate_period")) == before


def test_a_closing_without_a_period_fails_at_once(province: Province) -> None:
    client = province.log_in(ADMIN)

    with pytest.raises(AirflowError, match="list_late"):
        client.await_run("close_period", client.trigger("close_period"), seconds=60)
    with pytest.raises(AirflowError, match="names no period"):
        client.trigger("close_period", partition_key="2026-S1")


def test_a_correction_is_consolidated_by_hand(province: Province) -> None:
    client = province.log_in(ADMIN)
    workbook = province.home / "exports" / "movements-half-2026-S1.xlsx"
    before = workbook.stat().st_mtime_ns

    run = client.trigger("consolidate_period", partition_key="movements-half:2026-S1")
    client.await_run("consolidate_period", run, seconds=60)

    assert workbook.stat().st_mtime_ns > before


def test_the_official_workbook_is_there(province: Province) -> None:
    workbook = province.home / "exports" / "movements-half-2026-S1.xlsx"

    assert workbook.read_bytes()[:2] == b"PK"
    assert str(workbook) in province.said.replace("\n", "")


@pytest.mark.parametrize("page", ["board", "submissions?key=movements-half:2026-S1&unit=H14.SNV", ""])
def test_pages_are_for_those_who_logged_in(province: Province, page: str) -> None:
    anonymous = AirflowClient(province.url, "nobody", "nothing")

    status, text = anonymous.read_page(f"/office/{page}", log_in=False)
    assert status == 401
    assert "Sở Nội vụ" not in text
    for name in (OFFICE, REVIEWER, ADMIN):
        assert province.log_in(name).read_page(f"/office/{page}")[0] == 200


def test_roles_of_airflow_are_roles_of_the_pages(province: Province) -> None:
    opened = {
        name: [province.log_in(name).read_page(f"/office/{page}")[0] for page in ("board", "quarantine", "accounts")]
        for name in (OFFICE, REVIEWER, ADMIN)
    }
    assert opened == {OFFICE: [200, 403, 403], REVIEWER: [200, 200, 403], ADMIN: [200, 200, 200]}
    # People log in to Airflow: our own log-in is not there, nor the units' entrance.
    for page in ("login", "login/oidc", "u/x"):
        assert province.log_in(ADMIN).read_page(f"/office/{page}")[0] == 404


def test_the_board_page_shows_the_counts(province: Province) -> None:
    status, text = province.log_in(OFFICE).read_page("/office/board?key=movements-half:2026-S1")
    shown = dict(re.findall(r'<div class="(\w+)"><dt>[^<]*</dt><dd>([^<]*)</dd>', text))

    assert status == 200
    assert {name: int(count.replace(".", "")) for name, count in shown.items()} == count_states(
        province.answer_key.values()
    )
    assert set(re.findall(r'/office/board/movements-half/2026-S1/([^"]+)"', text)) == set(province.answer_key)
    assert '<html lang="vi">' in text


def test_the_pages_of_submissions_name_the_cells(province: Province) -> None:
    key = json.loads((province.home / "sample" / "faults.json").read_text("utf-8"))
    senders = {row["file"]: row["unit"] for row in key["submissions"]}
    fault = next(
        row for row in key["findings"] if row["cell"] and row["severity"] == "error" and row["file"] in senders
    )

    client = province.log_in(OFFICE)
    status, attempts = client.read_page(f"/office/submissions?key=movements-half:2026-S1&unit={senders[fault['file']]}")
    assert status == 200
    numbers = set(re.findall(r'"/office/submissions/(\d+)"', attempts))
    assert numbers
    text = "".join(client.read_page(f"/office/submissions/{number}")[1] for number in numbers)

    assert fault["code"] in text
    assert f">{fault['cell']}</a>" in text


@pytest.mark.parametrize(
    "page",
    [
        "board?key=movements-half:2026-S9",
        "board?key=nothing:2026-S1",
        "board?key=nothing",
        "submissions?key=movements-half:2026-S1&unit=NOBODY",
        "submissions/999999999",
    ],
)
def test_what_the_register_does_not_know_is_not_found(province: Province, page: str) -> None:
    assert province.log_in(OFFICE).read_page(f"/office/{page}")[0] == 404


def test_the_office_may_read_and_not_start(province: Province) -> None:
    with pytest.raises(AirflowError, match="403"):
        province.log_in(OFFICE).trigger("collect_submissions")


def test_secrets_are_private_and_not_shown(province: Province) -> None:
    folder = AirflowFolder(province.home / "airflow")
    passwords = read_passwords(folder)
    logs = "".join(path.read_text("utf-8", "replace") for path in folder.logs.glob("*.log"))

    for path in (folder.passwords, folder.secrets, folder.running):
        assert path.stat().st_mode & 0o077 == 0
    for password in passwords.values():
        assert password not in province.said
        assert password not in logs


def test_ending_it_leaves_nothing_behind_and_it_can_run_again(province: Province) -> None:
    """Last in this file: it ends the province of the others."""
    programs = _list_programs(province)
    assert len(programs) > 10

    province.program.send_signal(signal.SIGINT)
    province.program.communicate(timeout=STOP_SECONDS)

    assert province.program.returncode == 0
    assert psutil.wait_procs(programs, timeout=5)[1] == []
    assert server_status(province.home).state == "stopped"

    again = subprocess.run(
        [sys.executable, "-m", "tools.run_province", "--home", str(province.home), "--units", str(UNITS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SERVE_SECONDS,
    )

    assert again.returncode == 0, again.stdout + again.stderr
    assert f"agrees with the answer key for all {len(province.answer_key)} units" in again.stdout
    assert server_status(province.home).state == "stopped"
    assert not AirflowFolder(province.home / "airflow").running.exists()
