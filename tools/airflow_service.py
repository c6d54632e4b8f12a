"""Starts and stops real Airflow: migration, API server, scheduler and dag-processor as separate programs.

`airflow standalone` leaves its components behind when it is told to stop, so each is started here in a session of its
own and ended by its group. It must not end anything that it, or a killed run of it in the same home, did not start.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import psutil

from tools.airflow_client import AirflowClient, AirflowError
from tools.airflow_files import (
    ADMIN,
    HOST,
    ROOT,
    AirflowFolder,
    choose_port,
    make_environment,
    make_folder,
    read_passwords,
    write_private,
)

MIGRATE_SECONDS: Final = 300.0
READY_SECONDS: Final = 300.0
"""For a cold disk and a busy machine; a component that ends sooner is reported at once."""
STOP_SECONDS: Final = 10.0
COMPONENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "api-server": ("api-server",),
    # Scheduler and API server share a disk: the pages read the logs of tasks there, without a log server.
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
}
DAGS: Final = frozenset({"collect_submissions", "watch_deadlines", "close_period", "consolidate_period"})

Say = Callable[[str], None]


class ServiceError(RuntimeError):
    """Airflow could not be started; the text says which part, and where its log is."""


@dataclass
class AirflowService:
    """One running Airflow. `url` has no slash at its end."""

    folder: AirflowFolder
    port: int
    environment: Mapping[str, str] = field(repr=False)
    components: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def log_in(self, name: str = ADMIN) -> AirflowClient:
        """A client with that log-in."""
        return AirflowClient(self.url, name, read_passwords(self.folder)[name])

    def find_ended(self) -> dict[str, int]:
        """Components that ended by themselves, with their exit status."""
        return {name: status for name, part in self.components.items() if (status := _read_exit(part.pid)) is not None}


@contextlib.contextmanager
def run_airflow(
    home: Path, database_url: str, *, extra: Mapping[str, str], port: int | None = None, say: Say = lambda _: None
) -> Iterator[AirflowService]:
    """Airflow with its folder under `home`, started and healthy; everything is gone afterwards, however the block ends.

    `database_url`: Airflow's own database (SQLAlchemy). `extra`: the MOVEMENT_REPORTS_* variables its tasks shall see.
    Raises ServiceError when it does not start, or when another program runs Airflow in this home.
    """
    folder = make_folder(home)
    with _hold(folder):
        _end_leftovers(folder)
        chosen = choose_port(port)
        service = AirflowService(folder, chosen, make_environment(folder, database_url, chosen, extra))
        try:
            say("migrating Airflow's database")
            _migrate(service)
            say("starting Airflow")
            for name in COMPONENTS:
                _start(service, name)
            _await_ready(service, say)
            yield service
        finally:
            _stop(service)


@contextlib.contextmanager
def _hold(folder: AirflowFolder) -> Iterator[None]:
    with folder.lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceError(
                f"Airflow of {folder.folder} is already run by another program. Stop that one first."
            ) from None
        yield


def _open_log(service: AirflowService, name: str) -> IO[bytes]:
    return (service.folder.logs / f"{name}.log").open("ab")


def _migrate(service: AirflowService) -> None:
    with _open_log(service, "db-migrate") as log:
        component = _launch(service, ("db", "migrate"), log)
    service.components["db-migrate"] = component
    try:
        status = component.wait(MIGRATE_SECONDS)
    except subprocess.TimeoutExpired:
        raise ServiceError(
            f"Airflow's migration takes longer than {MIGRATE_SECONDS:.0f} s.{_tell_log(service, 'db-migrate')}"
        ) from None
    del service.components["db-migrate"]
    if status:
        raise ServiceError(f"Airflow's migration ended with {status}.{_tell_log(service, 'db-migrate')}")


def _start(service: AirflowService, name: str) -> None:
    with _open_log(service, name) as log:
        service.components[name] = _launch(service, COMPONENTS[name], log)
    parts = {
        other: {"pid": component.pid, "created": psutil.Process(component.pid).create_time()}
        for other, component in service.components.items()
    }
    write_private(service.folder.running, {"url": service.url, "components": parts})


def _launch(service: AirflowService, arguments: tuple[str, ...], log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "airflow", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        env=dict(service.environment),
        start_new_session=True,
    )


def _await_ready(service: AirflowService, say: Say) -> None:
    """Until health, all DAGs read and none in error; raises ServiceError at once when a component ends."""
    deadline = time.monotonic() + READY_SECONDS
    waiting_for = "the API server"
    client: AirflowClient | None = None
    while time.monotonic() < deadline:
        for name, status in service.find_ended().items():
            raise ServiceError(f"Airflow's {name} ended with {status}.{_tell_log(service, name)}")
        with contextlib.suppress(AirflowError, OSError):
            client = client or service.log_in()
            health = client.get("/api/v2/monitor/health")
            ill = [
                part for part in ("metadatabase", "scheduler", "dag_processor") if health[part]["status"] != "healthy"
            ]
            if not ill and not (missing := DAGS - client.list_dags()):
                return
            now_for = ", ".join(ill) if ill else f"the DAGs {', '.join(sorted(missing))}"
            if now_for != waiting_for:
                say(f"waiting for {now_for}")
            waiting_for = now_for
            if not ill and (errors := client.list_import_errors()):
                raise ServiceError("Airflow cannot read the DAGs: " + "; ".join(errors))
        time.sleep(0.3)
    raise ServiceError(f"Airflow is not ready after {READY_SECONDS:.0f} s: still waiting for {waiting_for}.")


def _tell_log(service: AirflowService, name: str) -> str:
    path = service.folder.logs / f"{name}.log"
    lines = path.read_text("utf-8", "replace").splitlines()[-15:] if path.exists() else []
    return f" End of {path}:\n" + "\n".join(lines)


def _stop(service: AirflowService) -> None:
    """Ask, wait, end the groups. The API server last: tasks that finish report to it."""
    parts = list(service.components.items())
    for wave in (
        [component for name, component in parts if name != "api-server"],
        [component for name, component in parts if name == "api-server"],
    ):
        for component in wave:
            os.kill(component.pid, signal.SIGTERM)  # not yet reaped, so the id is still its own
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and any(_read_exit(component.pid) is None for component in wave):
            time.sleep(0.05)
    for _, component in parts:
        # Also where it has ended by itself: workers may have stayed, and Airflow 3.3 waits for them without a bound.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(component.pid, signal.SIGKILL)
        component.wait()
    service.components.clear()
    service.folder.running.unlink(missing_ok=True)


def _read_exit(pid: int) -> int | None:
    """Exit status of a child, None while it runs. It stays a zombie: no stranger can get its id or its group."""
    state = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return None if state is None else state.si_status


def _end_leftovers(folder: AirflowFolder) -> None:
    """End what a killed run left: only programs whose id and birth are the noted ones, with their groups."""
    if not folder.running.exists():
        return
    for noted in json.loads(folder.running.read_text("utf-8"))["components"].values():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            found = psutil.Process(noted["pid"])
            if found.create_time() == noted["created"] and os.getpgid(found.pid) == found.pid:
                os.killpg(found.pid, signal.SIGKILL)
                psutil.wait_procs([found], timeout=STOP_SECONDS)
    folder.running.unlink()
