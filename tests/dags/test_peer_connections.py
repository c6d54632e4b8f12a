"""Airflow's connections of channels as the URLs that the channels read; collecting is a task a channel."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from etl.channels.connection import Connection, read_connection
from plugins.airflow_settings import read_airflow_settings

ROOT = Path(__file__).resolve().parents[2]
LINES = "channels:\n  - {code: folder, kind: folder, path: inbox}\n  - {code: a, kind: %s, connection: kho_tinh}\n"
Connect = Callable[..., Connection]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Connect:
    """What the channel's connection is when Airflow has the given one."""

    def connect(kind: str, options: tuple[str, ...], **fields: Any) -> Connection:
        (tmp_path / "channels.yaml").write_text(LINES % kind, "utf-8")
        monkeypatch.setenv("AIRFLOW_CONN_MOVEMENT_REPORTS_KHO_TINH", json.dumps(fields))
        settings = read_airflow_settings(
            {"MOVEMENT_REPORTS_REGISTER": str(tmp_path), "MOVEMENT_REPORTS_CONNECTION_KHO_TINH": "s3://cu:cu@cu/cu"}
        )
        assert fields["password"] not in repr(settings)
        schemes = (settings.connections["kho_tinh"].partition(":")[0],)
        return read_connection("kho_tinh", settings.connections["kho_tinh"], schemes, options)

    return connect


def test_sftp(connect: Connect) -> None:
    from etl.channels.sftp import OPTIONS

    key = asyncssh.generate_private_key("ssh-ed25519")
    private, public = key.export_private_key().decode(), key.export_public_key().decode().split()[1]
    found = connect(
        "sftp", OPTIONS, conn_type="sftp", host="sftp.tinh.example", port=2222, login="thu@tinh", password="p@ss/w:rd?",
        extra={"host_key": public, "private_key": private, "no_host_key_check": True},
    )  # fmt: skip
    assert (found.address, found.user, found.password) == ("sftp://sftp.tinh.example:2222", "thu@tinh", "p@ss/w:rd?")
    assert dict(found.options) == {"host_key": public, "private_key": private}


def test_a_bucket(connect: Connect) -> None:
    from etl.channels.buckets import OPTIONS

    found = connect(
        "s3", OPTIONS, conn_type="aws", login="KHOA", password="bí+mật/", schema="bao-cao",
        extra={"endpoint_url": "https://kho.tinh.example:9000", "region_name": "vn-1", "verify": "/etc/ssl/tinh.pem"},
    )  # fmt: skip
    assert (found.address, found.user, found.password) == ("s3://kho.tinh.example:9000", "KHOA", "bí+mật/")
    assert (found.path, dict(found.options)) == ("/bao-cao", {"region": "vn-1", "ca": "/etc/ssl/tinh.pem"})
    unverified = connect(
        "s3", OPTIONS, conn_type="aws", login="K", password="bí mật",
        extra={"endpoint_url": "https://kho", "verify": False, "service_config": {"s3": {"bucket_name": "thung"}}},
    )  # fmt: skip
    assert (unverified.path, dict(unverified.options)) == ("/thung", {})


def test_a_mailbox_and_an_address(connect: Connect) -> None:
    mail = connect("imap", ("ca", "tls"), conn_type="imap", host="thu.tinh.example", login="bao-cao", password="bí mật")
    assert (mail.address, mail.password) == ("imaps://thu.tinh.example", "bí mật")
    clear = connect(
        "imap", ("ca", "tls"), conn_type="imap", host="thu", login="b", password="bí mật", extra={"use_ssl": False}
    )
    assert clear.address == "imap://thu"
    web = connect(
        "http",
        (),
        conn_type="http",
        host="https://soyte.example/goc/",
        login="",
        password="mã-truy-cập",
        extra={"X-Other": "1"},
    )
    assert (web.address, web.path, web.user, web.password) == ("https://soyte.example", "/goc/", "", "mã-truy-cập")


def test_without_a_connection_the_environment_counts(tmp_path: Path) -> None:
    (tmp_path / "channels.yaml").write_text(LINES % "s3", "utf-8")
    settings = read_airflow_settings(
        {"MOVEMENT_REPORTS_REGISTER": str(tmp_path), "MOVEMENT_REPORTS_CONNECTION_KHO_TINH": "s3://k:s@h/b"}
    )
    assert settings.connections == {"kho_tinh": "s3://k:s@h/b"}


def test_a_channel_that_is_down_is_tried_again_beside_the_loads() -> None:
    from airflow.dag_processing.dagbag import DagBag

    dag = DagBag(dag_folder=ROOT / "dags").dags["collect_submissions"]
    assert dag.get_task("plan_load").upstream_task_ids == {"land_arrivals"}
    assert dag.get_task("try_again").upstream_task_ids == {"find_down"}
    assert dag.get_task("try_again").downstream_task_ids == set()
    assert "try_again" not in dag.get_task("load_arrivals").get_flat_relative_ids(upstream=True)


def test_what_is_down_is_named() -> None:
    from plugins.collecting import count_all, name_down

    landed = [
        {"landed": 2, "already_seen": 1, "unavailable": []},
        {"landed": 0, "already_seen": 0, "unavailable": [{"channel": "sftp-tinh", "what": "x"}]},
    ]
    assert name_down(landed) == ["sftp-tinh"]
    assert count_all(landed, [{"accepted": 2, "failed": 0}]) == {
        "landed": 2,
        "already_seen": 1,
        "accepted": 2,
        "failed": 0,
    }
