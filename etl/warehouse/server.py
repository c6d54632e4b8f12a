"""Starts, finds and stops the embedded PostgreSQL of one home. It must not touch a server it did not make.

The server outlives whoever started it, listens on loopback only, and asks everyone for a password.
As root it runs under `nobody` (or the owner of existing data); no user is made, no existing folder is opened.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psycopg

from etl.warehouse.server_binaries import Binaries, choose_binaries
from etl.warehouse.server_databases import HOST, answers, connect, make_databases, make_url
from etl.warehouse.server_files import (
    SHARED_FOLDER,
    Account,
    Place,
    Postmaster,
    ServerError,
    child_environment,
    choose_account,
    find_place,
    hold_lock,
    is_alive,
    make_folders,
    make_passwords,
    open_log,
    place_new_data,
    read_log_end,
    read_passwords,
    read_postmaster,
    write_private,
)

__all__ = ["ServerError", "ServerInfo", "ServerStatus", "ensure_server", "server_status", "stop_server"]

START_SECONDS = 180.0
"""Long enough to replay the write-ahead log after a crash; a server that ends sooner is reported at once."""
STOP_SECONDS = 120.0
START_ATTEMPTS = 5

SERVER_OPTIONS: Mapping[str, str] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "logging_collector": "off",
    "log_destination": "stderr",
    # Statements and key values are people's data; they stay out of the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    # In /dev/shm it would vanish with the last login of an ordinary user, or not fit in a container's 64 MB.
    "dynamic_shared_memory_type": "mmap",
}


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """A running server. The URLs carry passwords, so they are left out of `repr`."""

    port: int
    data_folder: Path
    log_file: Path
    warehouse_url: str = field(repr=False)
    airflow_url: str = field(repr=False)
    superuser_url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """`absent`: no data yet. `version` is the major version of the data, as PostgreSQL writes it."""

    state: Literal["absent", "stopped", "running"]
    data_folder: Path
    log_file: Path
    version: str | None = None
    pid: int | None = None
    port: int | None = None


def ensure_server(home: Path, *, server_bin: Path | None = None, shared_folder: Path | None = None) -> ServerInfo:
    """The running server of this home, started, and on first use made, if need be. Several processes may call at once.

    `server_bin` and `shared_folder` default to MOVEMENT_REPORTS_PG_BIN and MOVEMENT_REPORTS_SHARED.
    Raises ServerError with what to do.
    """
    place = find_place(home)
    running = _read_running(place)
    passwords = read_passwords(place)
    if running and running.port and passwords:
        info = _describe(place, running.port, passwords)
        # mr_owner may log in only when everything was made, so its answer vouches for the rest.
        if answers(info.warehouse_url):
            return info
    explicit = server_bin or _path_from_environment("MOVEMENT_REPORTS_PG_BIN")
    shared = shared_folder or _path_from_environment("MOVEMENT_REPORTS_SHARED") or SHARED_FOLDER
    try:
        with hold_lock(make_folders(home).lock) as lock:
            # Looked up again: another run may have made the data while we waited.
            return _start(find_place(home), explicit, shared, lock)
    except (OSError, subprocess.SubprocessError) as error:
        raise ServerError(f"The embedded server of {home} cannot be started: {error}.") from error


def stop_server(home: Path) -> bool:
    """Stop the server of this home and no other: clients are cut off, open transactions rolled back.

    True when it was running, False when there was nothing to stop.
    """
    place = find_place(home)
    if not place.folder.is_dir():
        return False
    with hold_lock(place.lock):
        running = _read_running(place)
        if running is None:
            return False
        try:
            os.kill(running.pid, signal.SIGINT)  # what `pg_ctl stop -m fast` sends; it needs no programs
        except ProcessLookupError:
            return True
        except PermissionError as error:
            raise ServerError(f"The server of {home} belongs to another user. Stop it as that user.") from error
        if not _await(lambda: _read_running(place) is None, STOP_SECONDS):
            raise ServerError(
                f"The server of {home} (process {running.pid}) has not ended after {STOP_SECONDS:.0f} s. "
                f"It is writing its data to disk; wait and look again. Its log: {place.log}"
            )
        return True


def server_status(home: Path) -> ServerStatus:
    """What is there, without starting or changing anything."""
    place = find_place(home)
    running = _read_running(place)
    version = _read_data_version(place) if place.data.exists() else None
    if running:
        return ServerStatus("running", place.data, place.log, version, running.pid, running.port)
    return ServerStatus("stopped" if version else "absent", place.data, place.log, version)


def _start(place: Place, explicit: Path | None, shared: Path, lock: int) -> ServerInfo:
    account = choose_account(place.data)
    passwords = read_passwords(place)
    running = _read_running(place)
    if running is None:
        exists = place.data.exists()
        if not exists:
            place = place_new_data(place, account, shared)
        major = int(_read_data_version(place).partition(".")[0]) if exists else None
        binaries = choose_binaries(account, major=major, data=place.data, explicit=explicit, shared=shared)
        if exists and passwords is None:
            raise ServerError(
                f"{place.passwords} is missing, so nobody can log in to {place.data}. Restore it from a backup."
            )
        passwords = passwords or make_passwords(place)
        if not exists:
            _make_data(place, account, binaries, passwords, lock)
        running = _launch(place, account, binaries, passwords)
    elif passwords is None:
        raise ServerError(
            f"{place.passwords} is missing, so nobody can log in to the server. Restore it from a backup."
        )
    elif not _await_ready(place, running, passwords):
        raise ServerError(
            f"PostgreSQL ended while starting on {place.data}. End of {place.log}:\n{read_log_end(place.log)}"
        )
    info = _describe(place, running.port or 0, passwords)
    make_databases(info.superuser_url, passwords)
    return info


def _make_data(place: Place, account: Account, binaries: Binaries, passwords: Mapping[str, str], lock: int) -> None:
    """Make the data folder whole or not at all: a killed run leaves only a `.new-*` folder, removed by the next."""
    for left in place.cluster.glob(".new-*"):
        shutil.rmtree(left)
    new = place.cluster / f".new-{secrets.token_hex(4)}"
    new.mkdir(mode=0o700)
    data, password_file = new / "data", new / "password"
    data.mkdir(mode=0o700)
    write_private(password_file, passwords["postgres"] + "\n")
    if not account.is_self():
        for made in (password_file, data, new):
            os.chown(made, account.uid, account.gid)
    locale = (
        ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if binaries.major >= 17
        else ["--locale=C.UTF-8"]
    )
    command: list[str | Path] = [binaries.folder / "initdb", "-D", data, "--username=postgres", "--auth=scram-sha-256"]
    answer = account.run(
        [*command, f"--pwfile={password_file}", "--encoding=UTF8", "--data-checksums", "--no-instructions", *locale],
        keep_open=[lock],  # if we are killed, the next run waits until initdb has let go of the folder
    )
    if answer.returncode:
        shutil.rmtree(new)
        said = "\n".join((answer.stderr or answer.stdout).splitlines()[-8:])
        raise ServerError(f"PostgreSQL {binaries.version} could not make {place.data}. It said:\n{said}")
    data.rename(place.data)
    shutil.rmtree(new)


def _launch(place: Place, account: Account, binaries: Binaries, passwords: Mapping[str, str]) -> Postmaster:
    """Start the postmaster on the port of last time, on another one if that is taken."""
    deadline = time.monotonic() + START_SECONDS
    taken: list[int] = []
    while True:
        running = _read_running(place)  # a run that was killed right after its start of the server
        if running and running.port and _await_ready(place, running, passwords):
            return running
        _remove_stale_pid(place)
        port = _choose_port(place, taken)
        log_start = place.log.stat().st_size if place.log.exists() else 0
        started = Postmaster(_spawn(place, account, binaries, port), port, "ours")
        if _await_ready(place, started, passwords):
            return started
        said = read_log_end(place.log, start=log_start)
        if "Address already in use" in said and len(taken) < START_ATTEMPTS:
            taken.append(port)  # someone took it between our look and the start
        elif (
            "pre-existing shared memory block" in said or 'postmaster.pid" already' in said
        ) and time.monotonic() < deadline:
            time.sleep(0.1)  # children of a postmaster that was killed let go of its memory within moments
        else:
            raise ServerError(
                f"PostgreSQL {binaries.version} did not start on {place.data}. End of {place.log}:\n{said}"
            )


def _spawn(place: Place, account: Account, binaries: Binaries, port: int) -> int:
    """Start it in a session of its own, as a child of nobody here, so that it survives the caller; its process id."""
    command = [str(binaries.folder / "postgres"), "-D", str(place.data)]
    for name, value in {**SERVER_OPTIONS, "port": str(port)}.items():
        command += ["-c", f"{name}={value}"]
    with open_log(place.log) as log:
        answer = subprocess.run(
            ["/bin/sh", "-c", '"$@" >&2 </dev/null & echo $!', "sh", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            check=True,
            text=True,
            cwd="/",
            env=child_environment(),
            umask=0o077,
            start_new_session=True,
            user=None if account.is_self() else account.uid,
            group=None if account.is_self() else account.gid,
            extra_groups=None if account.is_self() else [],
        )
    return int(answer.stdout)


def _await_ready(place: Place, started: Postmaster, passwords: Mapping[str, str]) -> bool:
    """Wait until it lets us in: True; False when it ended. Raises ServerError when neither happens in time."""
    deadline = time.monotonic() + START_SECONDS
    url = make_url(started.port or 0, "postgres", passwords["postgres"], "postgres")
    while is_alive(started.pid):
        try:
            connect(url).close()
            return True
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                if _await(lambda: not is_alive(started.pid), 1.0):
                    return False  # that was a stranger on our port
                raise ServerError(
                    f"The server on {place.data} does not accept the passwords in {place.passwords}. "
                    "Restore the file that belongs to these data from a backup."
                ) from None
            if time.monotonic() > deadline:
                raise ServerError(
                    f"The server on {place.data} has not answered on {HOST}:{started.port} for {START_SECONDS:.0f} s. "
                    f"It may be recovering; try again. End of {place.log}:\n{read_log_end(place.log)}"
                ) from None
        time.sleep(0.02)
    return False


def _describe(place: Place, port: int, passwords: Mapping[str, str]) -> ServerInfo:
    return ServerInfo(
        port=port,
        data_folder=place.data,
        log_file=place.log,
        warehouse_url=make_url(port, "mr_owner", passwords["mr_owner"], "warehouse"),
        airflow_url=make_url(port, "airflow", passwords["airflow"], "airflow", driver="psycopg2"),
        superuser_url=make_url(port, "postgres", passwords["postgres"], "postgres"),
    )


def _read_running(place: Place) -> Postmaster | None:
    found = read_postmaster(place.data)
    return found if found and found.state == "ours" else None


def _remove_stale_pid(place: Place) -> None:
    """Remove a `postmaster.pid` whose number now belongs to someone else; PostgreSQL itself would give up.

    Two servers on one folder stay impossible: it also looks for the folder's shared memory.
    """
    found = read_postmaster(place.data)
    if found is None or found.state == "gone":
        return
    if found.state == "unclear":
        raise ServerError(
            f"Process {found.pid}, named in {place.data}/postmaster.pid, is a PostgreSQL started under another path. "
            f"Was the folder moved? Stop that process (kill -INT {found.pid}) and try again."
        )
    (place.data / "postmaster.pid").unlink(missing_ok=True)


def _read_data_version(place: Place) -> str:
    try:
        version = (place.data / "PG_VERSION").read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        version = ""
    except PermissionError as error:
        raise ServerError(f"{place.data} cannot be read by this user. Run as the user that made it.") from error
    if not version.partition(".")[0].isdigit():
        raise ServerError(
            f"{place.data} is not a PostgreSQL data folder (no PG_VERSION). Move it away, or name another home."
        )
    return version


def _choose_port(place: Place, taken: Sequence[int]) -> int:
    """The port of last time if it is free; otherwise a new one, which is written down."""
    try:
        last = int(place.port.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        last = 0
    # Below the range that the kernel gives to outgoing connections, which could take it while we are stopped.
    wishes = [last, *(21000 + secrets.randbelow(11000) for _ in range(50))]
    port = next((wish for wish in wishes if wish and wish not in taken and _is_free(wish)), 0) or _find_any_port()
    if port != last:
        write_private(place.port, f"{port}\n")
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does: closing ones are no obstacle
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def _find_any_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _await(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _path_from_environment(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value).expanduser().absolute() if value else None
