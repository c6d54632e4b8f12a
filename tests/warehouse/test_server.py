"""The embedded server: first start, sharing, violent ends, refusals, and what it leaves untouched."""

from __future__ import annotations

import contextlib
import fcntl
import multiprocessing
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from etl.settings import PROJECT_ROOT
from etl.warehouse.server import ServerError, ServerInfo, ensure_server, server_status, stop_server
from etl.warehouse.server_binaries import list_folders

MakeHome = Callable[..., Path]
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
STARTER = "import sys; from pathlib import Path; from etl.warehouse.server import ensure_server\n"


def ask(url: str, statement: str) -> object:
    parts = sa.make_url(url)
    with psycopg.connect(
        host=parts.host, port=parts.port, user=parts.username, password=parts.password, dbname=parts.database
    ) as connection:
        answer = connection.execute(statement.encode())
        row = answer.fetchone() if answer.description else None
        return row[0] if row else None


def await_true(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.005)


def start_elsewhere(home: Path, then: str) -> subprocess.Popen[str]:
    """A process that starts the server of `home`, then runs `then`."""
    return subprocess.Popen(
        [sys.executable, "-c", f"{STARTER}info = ensure_server(Path(sys.argv[1]))\n{then}", str(home)],
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def kill_group(starter: subprocess.Popen[str]) -> None:
    """The starter and all that it left in its process group, as a terminal or a supervisor would."""
    os.killpg(starter.pid, signal.SIGKILL)
    starter.communicate()


def find_process(words: list[bytes]) -> int | None:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (folder / "cmdline").read_bytes()
            if all(word in line for word in words):
                return int(folder.name)
    return None


def list_postmasters(home: Path) -> list[int]:
    """Every process whose command line starts a server on this home, however it came to be."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"/postgres") and os.fsencode(home / "postgres" / "data") in words:
            found.append(int(folder.name))
    return found


def snapshot(folder: Path) -> dict[str, tuple[int, int, int, int, int]]:
    found = {}
    for path in (folder, *folder.rglob("*")):
        state = path.lstat()
        found[str(path)] = (state.st_mode, state.st_uid, state.st_gid, state.st_size, state.st_mtime_ns)
    return found


def describe_ancestors(folder: Path) -> list[tuple[int, int, int]]:
    return [(s.st_mode, s.st_uid, s.st_gid) for s in (parent.stat() for parent in (folder, *folder.parents))]


class TestFirstStart:
    def test_two_databases_with_owners_that_keep_out_of_each_other(self, server: ServerInfo) -> None:
        assert ask(server.warehouse_url, "select current_user || '/' || current_database()") == "mr_owner/warehouse"
        assert ask(server.airflow_url, "select current_user || '/' || current_database()") == "airflow/airflow"
        for url, other in ((server.warehouse_url, "airflow"), (server.airflow_url, "warehouse")):
            swapped = sa.make_url(url).set(database=other).render_as_string(hide_password=False)
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                ask(swapped, "select 1")
        assert ask(server.superuser_url, "select rolsuper from pg_roles where rolname = 'mr_owner'") is False
        assert ask(server.superuser_url, "select rolcreaterole from pg_roles where rolname = 'mr_owner'") is True

    def test_speaks_utc_and_utf8_on_loopback_with_durable_writes(self, server: ServerInfo) -> None:
        expected = {
            "timezone": "UTC",
            "server_encoding": "UTF8",
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "on",
            "full_page_writes": "on",
            "max_connections": "100",
            "data_checksums": "on",
            "password_encryption": "scram-sha-256",
        }
        assert {name: ask(server.superuser_url, f"show {name}") for name in expected} == expected
        assert (
            ask(server.superuser_url, "select count(*) from pg_hba_file_rules where auth_method<>'scram-sha-256'") == 0
        )
        assert ask(server.warehouse_url, "select lower('ĐẮK LẮK')") == "đắk lắk"

    def test_a_wrong_password_is_refused(self, server: ServerInfo) -> None:
        wrong = sa.make_url(server.warehouse_url).set(password="x").render_as_string(hide_password=False)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            ask(wrong, "select 1")

    def test_passwords_are_only_in_a_private_file(self, server: ServerInfo) -> None:
        folder = server.log_file.parent
        secrets = [str(sa.make_url(url).password) for url in (server.warehouse_url, server.airflow_url)]
        holders = [file for file in folder.iterdir() if file.is_file() and secrets[0] in file.read_text()]
        assert [file.name for file in holders] == ["passwords.json"]
        assert stat.S_IMODE(holders[0].stat().st_mode) == 0o600
        assert stat.S_IMODE(server.log_file.stat().st_mode) == 0o600
        assert not any(secret in repr(server) + str(server) for secret in secrets)

    def test_the_log_keeps_no_data_of_a_failed_statement(self, server: ServerInfo) -> None:
        with pytest.raises(psycopg.errors.UniqueViolation):
            ask(server.warehouse_url, "create temp table t(a text unique); insert into t values ('BiMat1'), ('BiMat1')")
        log = server.log_file.read_text()
        assert "duplicate key" in log
        assert "BiMat1" not in log

    def test_again_is_the_same_server(self, server: ServerInfo) -> None:
        home = server.log_file.parent.parent
        before = server_status(home)
        assert ensure_server(home) == server
        assert server_status(home) == before
        assert before.state == "running"


class TestViolentEnds:
    def test_starters_at_once_share_one_server(self, make_home: MakeHome) -> None:
        home = make_home()
        starters = [start_elsewhere(home, "print(info.port)") for _ in range(3)]
        ports = {starter.communicate(timeout=60)[0].strip() for starter in starters}
        assert [starter.returncode for starter in starters] == [0, 0, 0]
        status = server_status(home)
        assert ports == {str(status.port)}
        assert list_postmasters(home) == [status.pid]

    def test_starter_killed_while_the_data_are_made(self, make_home: MakeHome) -> None:
        home = make_home()
        starter = start_elsewhere(home, "")
        found: list[int] = []

        def initdb_runs() -> bool:
            pid = find_process([b"/initdb\0", os.fsencode(home / "postgres")])
            found.extend([pid] if pid else [])
            return bool(found)

        await_true(initdb_runs)
        os.kill(found[0], signal.SIGSTOP)
        try:
            starter.kill()
            starter.wait()
            # The orphan still writes there: nobody else may begin.
            with (home / "postgres" / "lock").open("rb") as lock, pytest.raises(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.kill(found[0], signal.SIGCONT)
        assert ask(ensure_server(home).warehouse_url, "select 1") == 1
        assert not list((home / "postgres").glob(".new-*"))

    def test_data_and_server_outlive_starter_postmaster_and_stop(
        self, server: ServerInfo, make_home: MakeHome, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGPORT", "1")
        monkeypatch.setenv("PGDATA", "/nowhere")
        monkeypatch.setenv("PGSSLMODE", "verify-full")
        monkeypatch.setenv("PGOPTIONS", "-c nonsense=1")
        home = make_home()
        assert server_status(home).state == "absent"
        assert stop_server(home) is False
        starter = start_elsewhere(home, "print('up', flush=True); sys.stdin.read()")
        assert starter.stdout is not None
        assert starter.stdout.readline() == "up\n"
        for name in ("PGOPTIONS", "PGSSLMODE"):  # this test's own questions go straight to the driver
            monkeypatch.delenv(name)
        first = ensure_server(home)
        kill_group(starter)
        ask(first.warehouse_url, "create table kept(a int)")
        ask(first.warehouse_url, "insert into kept values (7)")

        pid = server_status(home).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await_true(lambda: server_status(home).state == "stopped")
        second = ensure_server(home)
        assert ask(second.warehouse_url, "select a from kept") == 7
        assert server_status(home).pid != pid

        assert stop_server(home) is True
        assert stop_server(home) is False
        assert server_status(home).state == "stopped"
        # Its number is taken off the disk a moment before the process itself is gone.
        await_true(lambda: list_postmasters(home) == [])

        # After a reboot the old number may belong to anyone, here to the server of another home.
        stranger = server_status(server.log_file.parent.parent).pid
        stale = home / "postgres" / "data" / "postmaster.pid"
        stale.write_text(f"{stranger}\n{stale.parent}\n1\n{second.port}\n\n127.0.0.1\n  1 1\nready\n")
        owner = stale.parent.stat()
        os.chown(stale, owner.st_uid, owner.st_gid)
        third = ensure_server(home)
        assert (third.port, ask(third.warehouse_url, "select a from kept")) == (second.port, 7)
        assert ask(server.warehouse_url, "select 1") == 1

        stop_server(home)
        with socket.socket() as squatter:
            squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            squatter.bind(("127.0.0.1", third.port))
            squatter.listen()
            fourth = ensure_server(home)
        assert fourth.port != third.port
        assert ask(fourth.warehouse_url, "select a from kept") == 7
        stop_server(home)
        assert ensure_server(home).port == fourth.port

    def test_stops_only_its_own(self, server: ServerInfo, make_home: MakeHome) -> None:
        home = make_home()
        ensure_server(home)
        assert stop_server(home) is True
        assert ask(server.warehouse_url, "select 1") == 1


class TestRefusals:
    def test_data_of_another_major_version_are_left_alone(self, make_home: MakeHome) -> None:
        home = make_home()
        data = home / "postgres" / "data"
        data.mkdir(parents=True)
        (data / "PG_VERSION").write_text("9.6\n")
        (data / "base").mkdir()
        if os.geteuid() == 0:
            os.chown(data, 65534, 65534)
        before = snapshot(data)
        with pytest.raises(ServerError, match=r"made by PostgreSQL 9, .*pg_dump"):
            ensure_server(home)
        assert snapshot(data) == before
        assert [file.name for file in (home / "postgres").iterdir() if file.is_file()] == ["lock"]

    def test_a_folder_that_holds_something_else(self, make_home: MakeHome) -> None:
        home = make_home()
        data = home / "postgres" / "data"
        data.mkdir(parents=True)
        if os.geteuid() == 0:
            os.chown(data, 65534, 65534)
        with pytest.raises(ServerError, match="not a PostgreSQL data folder"):
            ensure_server(home)

    def test_explicit_programs_that_are_not_there(self, make_home: MakeHome, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MOVEMENT_REPORTS_PG_BIN", "/nowhere/bin")
        with pytest.raises(ServerError, match="MOVEMENT_REPORTS_PG_BIN: /nowhere/bin"):
            ensure_server(make_home())

    def test_damage_is_told_with_the_end_of_the_log_and_lost_passwords_by_name(self, make_home: MakeHome) -> None:
        home = make_home()
        ensure_server(home)
        stop_server(home)
        settings = home / "postgres" / "data" / "postgresql.conf"
        good = settings.read_text()
        settings.write_text(good + "\nno_such_setting = 1\n")
        with pytest.raises(ServerError, match="no_such_setting"):
            ensure_server(home)
        settings.write_text(good)
        passwords = home / "postgres" / "passwords.json"
        saved = passwords.read_bytes()
        passwords.unlink()
        with pytest.raises(ServerError, match=r"passwords\.json is missing"):
            ensure_server(home)
        passwords.write_bytes(saved.replace(b'": "', b'": "x'))
        with pytest.raises(ServerError, match="does not accept the passwords"):
            ensure_server(home)
        passwords.write_bytes(saved)
        ensure_server(home)


@pytest.fixture
def older_programs() -> Iterator[Path]:
    folders = [folder for folder in list_folders(None) if "pginstall18" not in folder.parts and folder.is_dir()]
    yield folders[0]


def test_data_are_opened_with_programs_of_their_version(make_home: MakeHome, older_programs: Path) -> None:
    home = make_home()
    ensure_server(home, server_bin=older_programs)
    version = server_status(home).version
    assert version is not None
    assert int(version) in range(15, 18)
    stop_server(home)
    info = ensure_server(home)  # the first choice for new data would be 18
    assert str(ask(info.warehouse_url, "show server_version")).startswith(version)


def _start_as(uid: int, home: Path, answer: Connection) -> None:
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    try:
        info = ensure_server(home)
        answer.send((info.port, ask(info.warehouse_url, "select 41 + 1"), stop_server(home)))
    except BaseException as error:
        answer.send(error)


class TestUsers:
    @root_only
    def test_an_ordinary_user(self, server: ServerInfo, make_home: MakeHome, room: Path) -> None:
        # A fork, because another user may not reach this interpreter; `server` has loaded all that is needed.
        own = room / "của tôi"
        own.mkdir(mode=0o700)
        os.chown(own, 65534, 65534)
        home = make_home("home", own)
        ours, theirs = multiprocessing.Pipe()
        child = multiprocessing.get_context("fork").Process(target=_start_as, args=(65534, home, theirs))
        child.start()
        theirs.close()
        assert ours.poll(60)
        port, answer, stopped = ours.recv()
        child.join()
        assert (answer, stopped) == (42, True)
        assert {path.stat().st_uid for path in home.rglob("*")} == {65534}
        assert stat.S_IMODE((home / "postgres").stat().st_mode) == 0o700
        assert not (room / "shared").exists()
        # Root comes by: the server runs as the owner of the data, and the files stay the owner's.
        assert ensure_server(home).port == port
        pid = server_status(home).pid
        assert pid is not None
        assert Path(f"/proc/{pid}").stat().st_uid == 65534
        assert {path.stat().st_uid for path in home.rglob("*")} == {65534}

    @root_only
    def test_another_users_data_are_refused(self, server: ServerInfo, make_home: MakeHome) -> None:
        home = make_home()
        ensure_server(home)
        ours, theirs = multiprocessing.Pipe()
        child = multiprocessing.get_context("fork").Process(target=_start_as, args=(12345, home, theirs))
        child.start()
        assert ours.poll(60)
        error = ours.recv()
        child.join()
        assert isinstance(error, ServerError)
        assert "Run as" in str(error)

    @root_only
    def test_root_with_everything_closed_to_nobody(self, make_home: MakeHome, room: Path) -> None:
        closed = room / "closed"
        closed.mkdir(mode=0o700)
        wheel = next(folder for folder in list_folders(None) if "pginstall18" in folder.parts).parent.parent
        for name in (wheel.name, wheel.name + ".libs"):
            (closed / name).symlink_to(wheel.with_name(name))
        programs = closed / wheel.name / "pginstall18" / "bin"
        homes = [make_home("một", closed), make_home("hai", closed)]
        for home in homes:
            home.mkdir(mode=0o700)
        before = [describe_ancestors(folder) for folder in (*homes, wheel / "pginstall18" / "bin")]

        infos = [ensure_server(home, server_bin=programs) for home in homes]
        assert [ask(info.warehouse_url, "select 1") for info in infos] == [1, 1]
        assert [describe_ancestors(folder) for folder in (*homes, wheel / "pginstall18" / "bin")] == before
        copies = [path.name for path in (room / "shared" / "server").iterdir() if not path.name.startswith(".")]
        assert len(copies) == 1
        assert copies[0].startswith("18.")
        assert len({info.data_folder for info in infos}) == 2
        for home, info in zip(homes, infos, strict=True):
            assert info.data_folder.is_relative_to(room / "shared")
            state = info.data_folder.stat()
            assert (state.st_uid != 0, stat.S_IMODE(state.st_mode)) == (True, 0o700)
            assert server_status(home).state == "running"

        copy = make_home("bản sao", closed)
        shutil.copytree(homes[0], copy)
        with pytest.raises(ServerError, match="belongs to another home"):
            ensure_server(copy, server_bin=programs)
        (copy / "postgres" / "data-folder").unlink()
        stop_server(homes[0])
        assert ensure_server(homes[0], server_bin=programs).data_folder == infos[0].data_folder
        assert ask(infos[1].warehouse_url, "select 1") == 1

    @root_only
    def test_a_shared_folder_that_others_may_write_to(self, make_home: MakeHome, room: Path) -> None:
        (room / "shared").mkdir()
        (room / "shared").chmod(0o777)
        closed = room / "closed"
        closed.mkdir(mode=0o700)
        with pytest.raises(ServerError, match="may be written to by others"):
            ensure_server(make_home("home", closed))
        assert stat.S_IMODE((room / "shared").stat().st_mode) == 0o777
