"""Connecting, migrations, views and rights, on the real server."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from etl.settings import Settings
from etl.warehouse.connect import WarehouseUnreachable, describe_url, open_engine, raw_connection, read_url
from etl.warehouse.grants import ROLES
from etl.warehouse.migrate import (
    MigrationError,
    ensure_roles,
    grant_roles,
    install_views,
    migrate,
    refuse_old_server,
    run_script,
)
from etl.warehouse.server import ServerInfo, ensure_server, stop_server

FIRST = """
CREATE SCHEMA register; CREATE SCHEMA landing; CREATE SCHEMA core; CREATE SCHEMA ops;
CREATE TABLE register.unit (code text PRIMARY KEY);
CREATE TABLE core.decision (id bigint GENERATED ALWAYS AS IDENTITY, old serial, why text);
CREATE TABLE core.period_finding (why text); CREATE TABLE landing.blob (sha256 text);
CREATE TABLE core.observation (unit text, amount numeric, note text DEFAULT '100% :x');
"""
SECOND = "CREATE TABLE ops.outbox (id serial PRIMARY KEY)"


def write_revision(folder: Path, name: str, before: str | None, script: str) -> None:
    folder.mkdir(exist_ok=True)
    # Written anew within a second and of the same length, a revision would be loaded from the bytecode of the one before.
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    (folder / f"{name}_x.py").write_text(
        "from alembic import op\nfrom etl.warehouse.migrate import run_script\n"
        f"revision = {name!r}\ndown_revision = {before!r}\n"
        f"def upgrade():\n    run_script(op.get_bind(), {script!r})\n",
        encoding="utf-8",
    )


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    folder = tmp_path / "các bản 100%: x"
    write_revision(folder, "0001", None, FIRST)
    write_revision(folder, "0002", "0001", SECOND)
    return folder


@pytest.fixture
def views(tmp_path: Path) -> Path:
    folder = tmp_path / "views"
    folder.mkdir()
    (folder / "010_base.sql").write_text(
        "CREATE VIEW mart.base AS SELECT unit, amount FROM core.observation WHERE unit LIKE 'x%';"
        "COMMENT ON COLUMN mart.base.unit IS 'Đơn vị báo cáo';",
        encoding="utf-8",
    )
    (folder / "020_sum.sql").write_text(
        "CREATE MATERIALIZED VIEW mart.held AS SELECT 1 AS one;\n"
        "CREATE VIEW mart.total AS SELECT sum(amount) FROM mart.base;"
    )
    return folder


def list_tables(engine: sa.Engine) -> set[str]:
    inspector = sa.inspect(engine)
    return {
        f"{schema}.{table}" for schema in inspector.get_schema_names() for table in inspector.get_table_names(schema)
    }


@contextmanager
def acting_as(engine: sa.Engine, server: ServerInfo, role: str) -> Iterator[Callable[[str], None]]:
    """Runs statements as a fresh log-in role that is a member of `role`."""
    login, password = f"login_{role}", "thử nghiệm"
    admin = sa.create_engine(server.superuser_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP ROLE IF EXISTS {login}")
        connection.exec_driver_sql(f"CREATE ROLE {login} LOGIN PASSWORD '{password}' IN ROLE {role}")
    member = sa.create_engine(engine.url.set(username=login, password=password), poolclass=sa.NullPool)

    def run(statement: str) -> None:
        with member.begin() as connection:
            connection.exec_driver_sql(statement)

    try:
        yield run
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP ROLE {login}")
        admin.dispose()


class TestConnect:
    def test_sessions_speak_utc_and_carry_our_name(self, engine: sa.Engine) -> None:
        with engine.connect() as connection:
            assert connection.exec_driver_sql("show timezone").scalar() == "UTC"
            assert connection.exec_driver_sql("show application_name").scalar() == "movement-reports"

    def test_errors_hide_the_values_of_the_statement(self, engine: sa.Engine) -> None:
        with engine.connect() as connection, pytest.raises(sa.exc.DBAPIError) as caught:
            connection.execute(sa.text("SELECT 1 WHERE :name = 1 / 0"), {"name": 987654321})
        assert "987654321" not in str(caught.value)

    def test_without_a_url_the_embedded_server_of_the_home(self, make_home: Callable[..., Path]) -> None:
        home = make_home()
        engine = open_engine(Settings(home=home, register=home, landing=""))
        with engine.connect() as connection:
            assert connection.exec_driver_sql("select current_database()").scalar() == "warehouse"
        engine.dispose()
        assert stop_server(home) is True

    @pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"])
    def test_the_driver_is_ours(self, scheme: str) -> None:
        url = read_url(f"{scheme}://u:p%40@h:1/d?sslmode=require&password=z")
        assert url.render_as_string(hide_password=False) == "postgresql+psycopg://u:p%40@h:1/d?sslmode=require"

    @pytest.mark.parametrize(
        "text", ["sqlite:///x", "mysql://u:secret@h/d", "u:secret@h", "postgresql://u:secret@h:x/d"]
    )
    def test_other_urls_are_refused_without_repeating_them(self, text: str, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="MOVEMENT_REPORTS_WAREHOUSE_URL") as caught:
            open_engine(Settings(home=tmp_path, register=tmp_path, landing="", warehouse_url=text))
        assert "secret" not in str(caught.value)

    def test_description_has_no_secret(self) -> None:
        assert describe_url("postgresql://u:secret@h:5/d?password=secret&sslpassword=secret") == "u@h:5/d"
        assert describe_url("postgresql:///d?host=/run/pg&port=7&user=v") == "v@/run/pg:7/d"

    def test_nobody_there_or_not_let_in(self, server: ServerInfo, tmp_path: Path) -> None:
        good = sa.make_url(server.warehouse_url)
        for url in (good.set(port=1, password="secret"), good.set(password="secret"), good.set(database="none")):
            text = url.render_as_string(hide_password=False)
            with pytest.raises(WarehouseUnreachable, match=f"127.0.0.1:{url.port}/{url.database}") as caught:
                open_engine(Settings(home=tmp_path, register=tmp_path, landing="", warehouse_url=text))
            assert "secret" not in str(caught.value)
            assert str(good.password) not in str(caught.value)

    def test_copy_is_one_transaction(self, engine: sa.Engine) -> None:
        with raw_connection(engine) as connection:
            connection.execute("create table copied(a int)")
        with pytest.raises(psycopg.errors.InvalidTextRepresentation), raw_connection(engine) as connection:
            connection.execute("insert into copied values (1)")
            with connection.cursor().copy("copy copied from stdin") as copy:
                copy.write_row(["x"])
        with raw_connection(engine) as connection:
            assert connection.execute("select count(*) from copied").fetchone() == (0,)


class TestMigrate:
    def test_applies_what_is_missing_once(self, engine: sa.Engine, versions: Path) -> None:
        assert migrate(engine, versions) == ["0001", "0002"]
        assert migrate(engine, versions) == []
        write_revision(versions, "0003", "0002", "CREATE TABLE ops.more ()")
        assert migrate(engine, versions) == ["0003"]
        assert {"core.decision", "ops.outbox", "ops.more"} <= list_tables(engine)

    def test_a_failed_revision_leaves_the_ones_before(self, engine: sa.Engine, versions: Path) -> None:
        write_revision(versions, "0002", "0001", "CREATE TABLE ops.half (); SELECT no_such_thing;")
        with pytest.raises(MigrationError, match=r"after 0001 failed .*no_such_thing"):
            migrate(engine, versions)
        assert "core.decision" in list_tables(engine)
        assert "ops.half" not in list_tables(engine)
        write_revision(versions, "0002", "0001", SECOND)
        assert migrate(engine, versions) == ["0002"]

    def test_a_warehouse_that_another_text_of_a_revision_made_is_refused_with_what_to_do(
        self, engine: sa.Engine, versions: Path
    ) -> None:
        script = versions / "0001_x.sql"
        script.write_text(FIRST, encoding="utf-8")
        assert migrate(engine, versions) == ["0001", "0002"]
        assert migrate(engine, versions) == []
        script.write_text(FIRST + "-- and more", encoding="utf-8")
        with pytest.raises(MigrationError, match=r"another text of revision 0001.*Make it anew"):
            migrate(engine, versions)
        script.write_text(FIRST, encoding="utf-8")
        assert migrate(engine, versions) == []
        # As it is for one made before texts were remembered.
        with engine.begin() as connection:
            connection.exec_driver_sql("COMMENT ON TABLE public.alembic_version IS NULL")
        with pytest.raises(MigrationError, match="another text of revision"):
            migrate(engine, versions)

    def test_runs_at_once_take_turns(self, engine: sa.Engine, versions: Path) -> None:
        write_revision(versions, "0002", "0001", "SELECT pg_sleep(0.3); " + SECOND)
        results: list[list[str]] = []
        threads = [threading.Thread(target=lambda: results.append(migrate(engine, versions))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(results) == [[], [], ["0001", "0002"]]
        with engine.connect() as connection:
            assert connection.exec_driver_sql("select count(*) from pg_locks where locktype = 'advisory'").scalar() == 0

    def test_is_quiet(self, engine: sa.Engine, versions: Path, caplog: pytest.LogCaptureFixture, capfd: object) -> None:
        with caplog.at_level(logging.INFO):
            migrate(engine, versions)
        assert [record for record in caplog.records if record.name.startswith("alembic")] == []

    @pytest.mark.parametrize(("version", "major"), [(140011, "14"), (90624, "9")])
    def test_old_servers_are_refused(self, version: int, major: str) -> None:
        with pytest.raises(MigrationError, match=f"PostgreSQL {major}; 15 or newer"):
            refuse_old_server(version)

    def test_the_floor_is_accepted(self) -> None:
        refuse_old_server(150000)

    def test_a_database_that_loses_letters_is_refused(self, server: ServerInfo, versions: Path) -> None:
        admin = sa.create_engine(server.superuser_url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.exec_driver_sql(
                "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0"
            )
        latin = sa.create_engine(admin.url.set(database="latin"))
        try:
            with pytest.raises(MigrationError, match="encoding LATIN1"):
                migrate(latin, versions)
        finally:
            latin.dispose()
            with admin.connect() as connection:
                connection.exec_driver_sql("DROP DATABASE latin")
            admin.dispose()


class TestViews:
    def test_made_anew_in_order_with_comments(self, engine: sa.Engine, versions: Path, views: Path) -> None:
        migrate(engine, versions)
        assert install_views(engine, views) == ["base", "held", "total"]
        (views / "020_sum.sql").write_text(
            "CREATE VIEW mart.total AS SELECT count(*)::int AS n, 'đ' AS d FROM mart.base"
        )
        more = {"F01": "CREATE VIEW mart.wide AS SELECT * FROM mart.total"}
        assert install_views(engine, views, more) == ["base", "total", "wide"]
        assert install_views(engine, views) == ["base", "total"]
        assert sa.inspect(engine).get_columns("base", "mart")[0]["comment"] == "Đơn vị báo cáo"

    def test_an_error_names_the_file_and_changes_nothing(self, engine: sa.Engine, versions: Path, views: Path) -> None:
        migrate(engine, versions)
        install_views(engine, views)
        (views / "030_bad.sql").write_text("CREATE VIEW mart.bad AS SELECT nothing_here")
        with pytest.raises(MigrationError, match=r"030_bad\.sql: .*nothing_here"):
            install_views(engine, views)
        assert sa.inspect(engine).get_view_names("mart") == ["base", "total"]

    def test_a_reader_never_sees_them_missing(self, engine: sa.Engine, versions: Path, views: Path) -> None:
        migrate(engine, versions)
        install_views(engine, views)
        done = threading.Event()
        failures: list[BaseException] = []
        reads = 0

        def read() -> None:
            nonlocal reads
            while not done.is_set() or reads < 5:
                try:
                    with engine.connect() as connection:
                        connection.exec_driver_sql("select * from mart.total").all()
                except sa.exc.DBAPIError as error:
                    failures.append(error)
                reads += 1

        reader = threading.Thread(target=read)
        reader.start()
        for _ in range(10):
            install_views(engine, views)
        done.set()
        reader.join()
        assert failures == []
        assert reads >= 5

    def test_a_long_reader_is_waited_for_and_not_killed(
        self, engine: sa.Engine, versions: Path, views: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        migrate(engine, versions)
        install_views(engine, views)
        monkeypatch.setattr("etl.warehouse.migrate.VIEW_SECONDS", 0.5)
        with engine.connect() as reader:
            reader.exec_driver_sql("select * from mart.base").all()
            with pytest.raises(MigrationError, match="in use for"):
                install_views(engine, views)
            reader.exec_driver_sql("select * from mart.total").all()
            reader.rollback()
            assert install_views(engine, views) == ["base", "held", "total"]

    def test_a_reader_of_several_is_not_the_one_to_fail(self, engine: sa.Engine, versions: Path, views: Path) -> None:
        migrate(engine, versions)
        install_views(engine, views)
        installer = threading.Thread(target=lambda: install_views(engine, views))
        with engine.connect() as reader:
            reader.exec_driver_sql("select * from mart.held").all()
            installer.start()
            # It holds `base` and waits for `held`, longer than the server waits before it looks for deadlocks.
            reader.exec_driver_sql("select pg_sleep(1.3)")
            reader.exec_driver_sql("select * from mart.base").all()
        installer.join()
        assert sa.inspect(engine).get_view_names("mart") == ["base", "total"]

    def test_views_of_others_on_ours_are_not_dropped(self, engine: sa.Engine, versions: Path, views: Path) -> None:
        migrate(engine, versions)
        install_views(engine, views)
        with engine.begin() as connection:
            run_script(connection, "CREATE SCHEMA theirs; CREATE VIEW theirs.report AS SELECT * FROM mart.base")
        with pytest.raises(MigrationError, match=r"theirs\.report"):
            install_views(engine, views)
        assert sa.inspect(engine).get_view_names("theirs") == ["report"]


@pytest.fixture
def warehouse(engine: sa.Engine, versions: Path, views: Path) -> sa.Engine:
    assert ensure_roles(engine) == []
    migrate(engine, versions)
    assert grant_roles(engine) == []
    install_views(engine, views)
    return engine


MAY = {
    "mr_reader": ["SELECT * FROM mart.total", "SELECT * FROM mart.held"],
    "mr_reviewer": [
        "SELECT * FROM mart.total",
        "SELECT * FROM core.observation",
        "INSERT INTO core.decision (why) VALUES ('đúng')",
    ],
    "mr_loader": [
        "INSERT INTO core.observation VALUES ('x', 1)",
        "INSERT INTO core.decision (why) VALUES ('đạt')",
        "INSERT INTO landing.blob VALUES ('x')",
        "INSERT INTO ops.outbox DEFAULT VALUES",
        "UPDATE ops.outbox SET id = id",
        "DELETE FROM ops.outbox",
        "LOCK TABLE ops.outbox IN SHARE ROW EXCLUSIVE MODE",
        "INSERT INTO core.period_finding VALUES ('x')",
        "UPDATE core.period_finding SET why = ''",
        "UPDATE register.unit SET code = code",
        "CREATE TEMP TABLE staged (a int)",
        "SELECT * FROM mart.total",
    ],
}
MAY_NOT = {
    "mr_reader": ["SELECT * FROM core.observation", "SELECT * FROM register.unit", "CREATE VIEW mart.x AS SELECT 1"],
    "mr_reviewer": [
        "INSERT INTO core.observation VALUES ('x', 1)",
        "UPDATE core.decision SET why = ''",
        "DELETE FROM core.decision",
        "SELECT * FROM ops.outbox",
    ],
    "mr_loader": [
        "UPDATE core.observation SET amount = 1",
        "DELETE FROM core.observation",
        "UPDATE core.decision SET why = ''",
        "DELETE FROM core.decision",
        "UPDATE landing.blob SET sha256 = 'y'",
        "DELETE FROM landing.blob",
        "DELETE FROM register.unit",
        "CREATE TABLE core.x ()",
        "DROP TABLE ops.outbox",
        "TRUNCATE ops.outbox",
        "CREATE SCHEMA x",
    ],
}


class TestRoles:
    @pytest.mark.parametrize("role", ROLES)
    def test_each_may_do_its_work_and_no_more(self, warehouse: sa.Engine, server: ServerInfo, role: str) -> None:
        with acting_as(warehouse, server, role) as run:
            for statement in MAY[role]:
                run(statement)
            for statement in MAY_NOT[role]:
                with pytest.raises(sa.exc.ProgrammingError, match=r"permission denied|must be owner"):
                    run(statement)

    def test_a_right_given_by_hand_is_taken_back(self, warehouse: sa.Engine, server: ServerInfo) -> None:
        with warehouse.begin() as connection:
            run_script(connection, "GRANT DELETE ON core.decision TO mr_reviewer")
            run_script(
                connection, "GRANT USAGE ON SCHEMA core TO mr_reader; GRANT SELECT ON core.decision TO mr_reader"
            )
        tries = [("mr_reviewer", "DELETE FROM core.decision"), ("mr_reader", "SELECT * FROM core.decision")]
        with acting_as(warehouse, server, "mr_reviewer") as review, acting_as(warehouse, server, "mr_reader") as read:
            run = {"mr_reviewer": review, "mr_reader": read}
            for role, statement in tries:
                run[role](statement)
            assert grant_roles(warehouse) == []
            for role, statement in tries:
                with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
                    run[role](statement)

    def test_an_empty_database_is_no_obstacle(self, engine: sa.Engine) -> None:
        assert ensure_roles(engine) == []
        assert ensure_roles(engine) == []
        assert grant_roles(engine) == []

    def test_without_the_right_the_sql_for_the_administrator(self, make_home: Callable[..., Path]) -> None:
        home = make_home()
        opened = open_engine(Settings(home=home, register=home, landing=""))
        admin = sa.create_engine(ensure_server(home).superuser_url)
        with admin.begin() as connection:
            run_script(connection, "ALTER ROLE mr_owner NOCREATEROLE")
        admin.dispose()
        refused = ensure_roles(opened)
        assert refused == [f'CREATE ROLE "{role}" NOLOGIN;' for role in ROLES]
        assert grant_roles(opened) == []  # nobody to grant to
        opened.dispose()
