"""The one task that plans and sends letters, for every DAG that does. Wiring only: Airflow's skip for a province without mail."""

from __future__ import annotations

from dataclasses import asdict

from airflow.sdk.exceptions import AirflowSkipException

from plugins.airflow_settings import log_line, open_run


def send_letters(as_of: str | None = None) -> dict[str, int]:
    """Plan what is due and send what the outbox holds; letters by outcome.

    A mail server that does not answer is an OSError, so the task is tried again; letters that it refused wait by themselves.
    """
    from etl.usecases.alert_channels import NoChannel, open_channels
    from etl.usecases.alerts import queue_alerts, send_alerts

    with open_run(as_of) as (context, now):
        try:
            with open_channels(context) as channels:
                planned = queue_alerts(context, now, channels.rooms.rooms)
                counts = {"queued": planned.queued, **asdict(send_alerts(context, channels))}
        except NoChannel as error:
            raise AirflowSkipException(str(error)) from None
    log_line("letters", **counts, unaddressed=len(planned.plan.unaddressed))
    return counts
