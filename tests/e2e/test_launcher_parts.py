"""Parts of the launcher that must not wait for a whole Airflow: leftovers, private files, ports, the answer key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tools import airflow_service
from tools.airflow_files import choose_port, make_environment, make_folder, write_private
from tools.airflow_service import ServiceError, run_airflow
from tools.sample_home import OtherSample, SamplePlan, count_states, find_differences, make_sample, read_answer_key

PLAN = SamplePlan("movements-half", "2026-S1", 8, 3)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    yield program
    program.kill()
    program.wait()


def _note(home: Path, pid: int, created: float) -> None:
    parts = {"scheduler": {"pid": pid, "created": created}}
    write_private(make_folder(home).running, {"url": "", "components": parts})


def test_what_a_killed_launcher_left_is_ended(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    program = psutil.Process(sleeper.pid)
    _note(tmp_path, sleeper.pid, program.create_time())

    airflow_service._end_leftovers(make_folder(tmp_path))

    assert not program.is_running()
    assert not make_folder(tmp_path).running.exists()


def test_a_stranger_with_the_same_id_is_left_alone(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    _note(tmp_path, sleeper.pid, psutil.Process(sleeper.pid).create_time() - 60)

    airflow_service._end_leftovers(make_folder(tmp_path))

    assert sleeper.poll() is None


def test_a_home_is_run_by_one_launcher_at_a_time(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)

    with (
        airflow_service._hold(folder),
        pytest.raises(ServiceError, match="already run by another program"),
        run_airflow(tmp_path, "sqlite://", extra={}),
    ):
        pass


def test_a_component_that_cannot_start_is_named_with_its_log(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'no-such-folder' / 'airflow.db'}"

    with pytest.raises(ServiceError, match=r"migration ended with \d") as told, run_airflow(tmp_path, url, extra={}):
        pass

    assert "db-migrate.log" in str(told.value)


def test_secrets_are_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    first = make_folder(tmp_path)
    before = first.secrets.read_text("utf-8"), first.passwords.read_text("utf-8")

    again = make_folder(tmp_path)

    assert (again.secrets.read_text("utf-8"), again.passwords.read_text("utf-8")) == before
    assert first.secrets.stat().st_mode & 0o777 == first.passwords.stat().st_mode & 0o777 == 0o600
    assert len(json.loads(before[0])["jwt_secret"]) >= 64


def test_the_callers_airflow_does_not_leak_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW_CONN_MOVEMENT_REPORTS_WAREHOUSE", "postgresql://real/warehouse")
    monkeypatch.setenv("MOVEMENT_REPORTS_WAREHOUSE_URL", "postgresql://real/warehouse")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    made = make_environment(make_folder(tmp_path), "sqlite://", 8080, {"MOVEMENT_REPORTS_HOME": "here"})

    assert made["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert made["MOVEMENT_REPORTS_HOME"] == "here"
    assert not [name for name, value in made.items() if "real" in value]
    assert "PYTHONDONTWRITEBYTECODE" not in made
    assert made["PATH"] == os.environ["PATH"]


def test_a_taken_port_is_not_chosen() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert choose_port(port) != port


def test_the_sample_lies_where_the_folder_channel_looks(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    folder = make_sample(tmp_path, PLAN, lambda done, total: seen.append((done, total)))
    files = {path.name for path in (tmp_path / "inbox").iterdir()}

    assert files == {path.name for path in (folder / "inbox").iterdir()}
    assert (tmp_path / "receipts.csv").read_bytes() == (folder / "receipts.csv").read_bytes()
    assert seen[-1][0] == seen[-1][1] == len(read_answer_key(folder, PLAN))

    again = make_sample(tmp_path, PLAN, lambda *_: pytest.fail("it was there already"))
    assert again == folder
    with pytest.raises(OtherSample, match="another --home"):
        make_sample(tmp_path, SamplePlan("movements-half", "2026-S1", 9, 3), lambda *_: None)


def test_the_answer_key_takes_the_best_attempt(tmp_path: Path) -> None:
    row = {"report": "movements-half", "period": "2026-S1"}
    key = {
        "submissions": [
            {**row, "unit": "A", "status": "rejected"},
            {**row, "unit": "A", "status": "late"},
            {**row, "unit": "B", "status": "on_time"},
            {**row, "unit": "B", "status": "rejected"},
            {**row, "unit": "C", "status": "rejected"},
            {**row, "unit": "A", "status": "on_time", "period": "2026-S2"},
        ],
        "missing": [{**row, "unit": "D"}],
        "exempt": [{**row, "unit": "E"}],
    }
    (tmp_path / "faults.json").write_text(json.dumps(key), "utf-8")

    states = read_answer_key(tmp_path, PLAN)

    assert states == {"A": "late", "B": "on_time", "C": "rejected", "D": "missing", "E": "exempt"}
    counts = count_states(states.values())
    assert counts == {
        "expected": 4,
        "on_time": 1,
        "late": 1,
        "missing": 1,
        "rejected": 1,
        "pending": 0,
        "exempt": 1,
    }


def test_differences_name_the_unit_and_both_sides() -> None:
    expected, seen = {"A": "late", "B": "on_time"}, {"A": "late", "B": "rejected", "C": "missing"}

    assert find_differences(expected, seen) == [("B", "on_time", "rejected"), ("C", "–", "missing")]
