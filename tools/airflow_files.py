"""Airflow's folder in a home: its secrets, log-ins and settings. It must not start anything.

Everything secret lies in files of mode 0600 in a folder of mode 0700, is made once and never printed.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
HOST: Final = "127.0.0.1"
ADMIN: Final = "admin"
OFFICE: Final = "office"
"""The standing office's log-in: Airflow's role `viewer`, who reads everything and starts nothing."""
REVIEWER: Final = "reviewer"
"""Who decides on the pages: Airflow's role `user`, our reviewer. Airflow lets that role start DAGs too, so it is a log-in of
its own, and who only looks keeps the other."""
_FIRST_PORT: Final = 8080


@dataclass(frozen=True, slots=True)
class AirflowFolder:
    """Where one Airflow keeps its things under a home."""

    folder: Path

    @property
    def logs(self) -> Path:
        """Output of the components."""
        return self.folder / "logs-components"

    @property
    def passwords(self) -> Path:
        """JSON, log-in → password."""
        return self.folder / "passwords.json"

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets.json"

    @property
    def running(self) -> Path:
        """JSON of what was started, so that the next start finds what a killed one left behind."""
        return self.folder / "running.json"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"


def make_folder(home: Path) -> AirflowFolder:
    """The folder `home/airflow`, made if need be with its secrets and log-ins; what exists is kept."""
    found = AirflowFolder(home / "airflow")
    found.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found.logs.mkdir(exist_ok=True)
    # The plugin is registered by its entry point; a plugins folder that held it too would register it twice.
    (found.folder / "plugins").mkdir(exist_ok=True)
    if not found.secrets.exists():
        write_private(
            found.secrets,
            {
                # One shorter than 64 bytes is too weak for HS512, and Airflow says so on every start.
                "jwt_secret": secrets.token_urlsafe(64),
                "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
                "api_secret_key": secrets.token_urlsafe(32),
            },
        )
    known = read_passwords(found) if found.passwords.exists() else {}
    if missing := [name for name in (ADMIN, OFFICE, REVIEWER) if name not in known]:
        # Airflow prints the passwords it makes itself, so it finds them all made.
        write_private(found.passwords, {**known, **{name: secrets.token_urlsafe(12) for name in missing}})
    return found


def read_passwords(folder: AirflowFolder) -> dict[str, str]:
    """Log-in → password."""
    return dict(json.loads(folder.passwords.read_text("utf-8")))


def write_private(path: Path, content: Mapping[str, object]) -> None:
    """Write JSON readable by its owner only, whole or not at all."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
    new.replace(path)


def choose_port(preferred: int | None = None) -> int:
    """The preferred port if it is free, else one that the system finds."""
    for candidate in (preferred or _FIRST_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port on {HOST}")


def make_environment(
    folder: AirflowFolder, database_url: str, api_port: int, extra: Mapping[str, str]
) -> dict[str, str]:
    """The whole environment of every component: ours, without any Airflow settings of the caller's shell."""
    keys: dict[str, str] = json.loads(folder.secrets.read_text("utf-8"))
    base_url = f"http://{HOST}:{api_port}"
    settings = {
        ("core", "dags_folder"): str(ROOT / "dags"),
        ("core", "plugins_folder"): str(folder.folder / "plugins"),
        ("core", "load_examples"): "False",
        ("core", "executor"): "LocalExecutor",
        ("core", "parallelism"): "4",
        ("core", "default_timezone"): "Asia/Ho_Chi_Minh",
        ("core", "dags_are_paused_at_creation"): "True",  # the launcher unpauses, when everything is in place
        ("core", "lazy_load_plugins"): "False",  # else pandas and Great Expectations load anew in every task
        ("core", "fernet_key"): keys["fernet_key"],
        ("core", "simple_auth_manager_users"): f"{ADMIN}:admin,{OFFICE}:viewer,{REVIEWER}:user",
        ("core", "simple_auth_manager_passwords_file"): str(folder.passwords),
        ("core", "execution_api_server_url"): f"{base_url}/execution/",
        ("api", "host"): HOST,
        ("api", "port"): str(api_port),
        ("api", "base_url"): base_url,  # without it tasks report to whatever listens on 8080
        ("api", "workers"): "1",
        ("api", "secret_key"): keys["api_secret_key"],
        ("api_auth", "jwt_secret"): keys["jwt_secret"],
        ("database", "sql_alchemy_conn"): database_url,
        ("dag_processor", "refresh_interval"): "30",
        ("logging", "base_log_folder"): str(folder.folder / "logs"),
        ("logging", "worker_log_server_port"): str(choose_port(8793)),
        ("scheduler", "mp_start_method"): "fork",  # forkserver would not inherit what the plugin preloads
        ("scheduler", "scheduler_idle_sleep_time"): "0.2",
        ("usage_data_collection", "enabled"): "False",
        ("workers", "min_heartbeat_interval"): "1",  # 5 by default: a finished task may hold its slot for that long
    }
    # A loopback request through a proxy, or another Airflow's settings, would end somewhere else.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "_AIRFLOW", "MOVEMENT_REPORTS_")) and name != "PYTHONDONTWRITEBYTECODE"
    }
    return {
        **inherited,
        "NO_PROXY": f"{HOST},localhost",
        "no_proxy": f"{HOST},localhost",
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
        "AIRFLOW_HOME": str(folder.folder),
        **{f"AIRFLOW__{section.upper()}__{name.upper()}": value for (section, name), value in settings.items()},
        **extra,
    }
