"""The mail server out of Airflow's connection, before the environment; letters are a task of their own after every load."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from etl.alerts.smtp import SmtpServer, read_smtp_url
from plugins.airflow_settings import read_airflow_settings

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"MOVEMENT_REPORTS_SMTP_URL": "smtp://127.0.0.1:1", "MOVEMENT_REPORTS_MAIL_FROM": "a@b.example"}
Connect = Callable[..., None]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    def connect(**fields: Any) -> None:
        value = json.dumps({"conn_type": "smtp", "host": "thu.tinh.example", **fields})
        monkeypatch.setenv("AIRFLOW_CONN_MOVEMENT_REPORTS_SMTP", value)

    return connect


def test_without_a_connection_the_environment_counts() -> None:
    settings = read_airflow_settings(ENVIRONMENT)

    assert (settings.smtp_url, settings.mail_from) == ("smtp://127.0.0.1:1", "a@b.example")


@pytest.mark.parametrize(
    ("extra", "port", "server"),
    [
        ({}, 465, ("thu.tinh.example", 465, "tls")),
        ({}, None, ("thu.tinh.example", 465, "tls")),
        ({"disable_ssl": True}, 587, ("thu.tinh.example", 587, "starttls")),
        ({"disable_ssl": "true", "disable_tls": "false"}, None, ("thu.tinh.example", 587, "starttls")),
    ],
)
def test_the_connection_comes_first(
    connect: Connect, extra: dict[str, Any], port: int | None, server: tuple[str, int, str]
) -> None:
    connect(login="bao cao@x", password="p@ss/w:rd?", port=port, extra={"from_email": "td@tinh.example", **extra})
    settings = read_airflow_settings(ENVIRONMENT)

    found = read_smtp_url(settings.smtp_url or "")
    assert (found.host, found.port, found.security) == server
    assert (found.user, found.password, settings.mail_from) == ("bao cao@x", "p@ss/w:rd?", "td@tinh.example")
    assert "p@ss" not in repr(settings)
    assert "p@ss" not in repr(found)


def test_a_server_without_tls_and_without_a_password(connect: Connect) -> None:
    connect(port=25, extra={"disable_ssl": True, "disable_tls": True})
    settings = read_airflow_settings(ENVIRONMENT)

    assert read_smtp_url(settings.smtp_url or "") == SmtpServer("thu.tinh.example", 25, "none")


def test_letters_follow_the_loads_and_the_morning() -> None:
    from airflow.dag_processing.dagbag import DagBag

    dags: dict[str, DAG] = dict(DagBag(dag_folder=ROOT / "dags").dags)
    after_load = dags["collect_submissions"].get_task("send_alerts")

    assert after_load.upstream_task_ids == {"load_arrivals"}
    assert after_load.trigger_rule == "all_done"
    assert dags["watch_deadlines"].get_task("send_alerts").upstream_task_ids == {"open_due_periods"}
    assert all(dags[name].get_task("send_alerts").retries for name in ("collect_submissions", "watch_deadlines"))
