"""What the DAGs and pages share of Airflow: settings from its Connections and Variables, the clock, the retry rules.

The edge between Airflow and `etl`; it must not know what the use cases do.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import Connection, ExceptionRetryPolicy, Param, RetryAction, RetryRule, Variable
from airflow.sdk.exceptions import AirflowNotFoundException

if TYPE_CHECKING:
    from etl.settings import Settings
    from etl.usecases.context import Context

WAREHOUSE_CONNECTION: Final = "movement_reports_warehouse"
SMTP_CONNECTION: Final = "movement_reports_smtp"
VARIABLES: Final[Mapping[str, str]] = {
    "movement_reports_home": "MOVEMENT_REPORTS_HOME",
    "movement_reports_register": "MOVEMENT_REPORTS_REGISTER",
    "movement_reports_landing": "MOVEMENT_REPORTS_LANDING",
    "movement_reports_mail_from": "MOVEMENT_REPORTS_MAIL_FROM",
    # Of the pages: reminders that Airflow sends carry links that `serve` opens, so both need the same secret.
    "movement_reports_web_url": "MOVEMENT_REPORTS_WEB_URL",
    "movement_reports_web_secret": "MOVEMENT_REPORTS_WEB_SECRET",
    "movement_reports_webhooks_secret": "MOVEMENT_REPORTS_WEBHOOKS",  # "secret": Airflow masks it
}

RETRY_RULES: Final = ExceptionRetryPolicy(
    rules=[
        # A wrong file, setting or program is wrong the second time too: fail at once, where somebody sees it.
        RetryRule(
            exception=[
                "etl.register.read.BadRegister",
                *(f"builtins.{name}" for name in ("ValueError", "TypeError", "LookupError", "AttributeError")),
                *(f"builtins.{name}" for name in ("ImportError", "NameError", "AssertionError")),
            ],
            action=RetryAction.FAIL,
            reason="wrong data, settings or program",
        ),
        RetryRule(
            exception=[
                "builtins.OSError",  # WarehouseUnreachable is one
                "sqlalchemy.exc.OperationalError",
                "psycopg.OperationalError",
            ],
            action=RetryAction.RETRY,
            retry_delay=timedelta(seconds=30),
            reason="disk, network or warehouse not reachable",
        ),
    ]
)

TASK_DEFAULTS: Final[Mapping[str, Any]] = {
    "owner": "standing-office",
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
    "retry_policy": RETRY_RULES,
}

AS_OF: Final[Mapping[str, Param]] = {
    "as_of": Param(
        None,
        type=["null", "string"],
        format="date-time",
        title="Thời điểm giả lập",
        description="Chỉ dùng cho tỉnh mẫu (register.yaml ghi simulated: true). Bỏ trống: thời điểm hiện tại.",
    )
}


def read_airflow_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from Airflow's Connection and Variables where they exist, else from the environment (design §4)."""
    from etl.settings import read_settings

    found = dict(os.environ if environment is None else environment)
    for name, contract in VARIABLES.items():
        if value := Variable.get(name, default=None):
            found[contract] = str(value)
    if url := _read_warehouse_url():
        found["MOVEMENT_REPORTS_WAREHOUSE_URL"] = url
    found.update(_read_mail_server())
    found.update(_read_channels(read_settings(found)))
    return read_settings(found)


def _read_channels(settings: Settings) -> dict[str, str]:
    """The peers of the channels that the register declares, as far as Airflow has connections of their names."""
    from etl.register.channels import read_channels
    from plugins.peer_connections import read_peer_urls

    # A fault of the file is told, with its line, by whoever reads the whole register.
    lines = read_channels(settings.register, [])
    return read_peer_urls(sorted({line.value.connection for line in lines if line.value.connection}))


def _read_mail_server() -> dict[str, str]:
    """The mail server of an SMTP connection as Airflow's provider writes it: TLS unless it says otherwise."""
    from urllib.parse import quote

    try:
        connection = Connection.get(SMTP_CONNECTION)
    except AirflowNotFoundException:
        return {}
    extra = connection.extra_dejson
    tls, starttls = (not _is_true(extra.get(name, False)) for name in ("disable_ssl", "disable_tls"))
    scheme, asked = ("smtps", "tls") if tls else ("smtp", "starttls" if starttls else "none")
    user = (
        f"{quote(connection.login, safe='')}:{quote(connection.password or '', safe='')}@" if connection.login else ""
    )
    port = f":{connection.port}" if connection.port else ""
    found = {"MOVEMENT_REPORTS_SMTP_URL": f"{scheme}://{user}{connection.host}{port}?tls={asked}"}
    if extra.get("from_email"):
        found["MOVEMENT_REPORTS_MAIL_FROM"] = str(extra["from_email"])
    return found


def _is_true(value: object) -> bool:
    return str(value).strip().lower() in ("true", "1", "yes")


def _read_warehouse_url() -> str | None:
    from sqlalchemy import URL

    try:
        connection = Connection.get(WAREHOUSE_CONNECTION)
    except AirflowNotFoundException:
        return None
    return URL.create(
        "postgresql+psycopg",
        username=connection.login,
        password=connection.password,
        host=connection.host,
        port=connection.port,
        database=connection.schema,
        query={name: str(value) for name, value in connection.extra_dejson.items()},
    ).render_as_string(hide_password=False)


@contextmanager
def open_run(as_of: str | datetime | None = None) -> Iterator[tuple[Context, datetime]]:
    """The use cases' context and the instant this run works at, in UTC.

    `as_of` (ISO 8601 with a time zone) replaces the clock for a simulated province; raises ValueError for a real one.
    """
    from etl.usecases.context import open_context

    given = _parse_instant(as_of) if as_of else None
    with open_context(read_airflow_settings(), clock=(lambda: given) if given else _read_clock) as context:
        if given and not context.register.province.simulated:
            raise ValueError("as_of is for a simulated province only; the register does not say `simulated: true`")
        yield context, given or _read_clock()


def _read_clock() -> datetime:
    return datetime.now(UTC)


def _parse_instant(text: str | datetime) -> datetime:
    instant = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(
            f"as_of {text} has no time zone: it is no instant. Write for example 2026-07-10T08:00:00+07:00"
        )
    return instant.astimezone(UTC)


def choose_as_of(airflow: Mapping[str, Any]) -> str | None:
    """The simulated instant of a run: its own parameter, else that of the run which closed the period."""
    own = (airflow.get("params") or {}).get("as_of")
    if own:
        return str(own)
    for events in (airflow.get("triggering_asset_events") or {}).values():
        for event in events:
            if given := (event.extra or {}).get("as_of"):
                return str(given)
    return None


def split_key(partition_key: str | None) -> tuple[str, str]:
    """Report and period of a run's partition key. Raises ValueError where it has none, as after a plain trigger."""
    report, _, period = (partition_key or "").partition(":")
    if not report or not period:
        raise ValueError(
            f"this DAG runs for one period, not for {partition_key!r}: trigger it with a partition key such as "
            "movements-half:2026-S1"
        )
    return report, period


def plain(value: Any) -> Any:
    """The value with every instant, path and tuple as JSON has it: what one task hands to the next."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)


def log_line(what: str, **facts: Any) -> None:
    """One line in the task's log: counts, codes and dates only, never people's data."""
    logging.getLogger("movement_reports").info("%s: %s", what, plain(facts))
