"""On the working day after each cut-off and due day: the late list, and once all are due the asset. Wiring only."""

from __future__ import annotations

from typing import Any

import pendulum
from airflow.sdk import DAG, Asset, task
from airflow.sdk.exceptions import AirflowSkipException

from plugins.airflow_settings import AS_OF, TASK_DEFAULTS, log_line, open_run, split_key
from plugins.timetables import ClosingTimetable

period_closed = Asset("period_closed", uri="movement-reports://period_closed")

with DAG(
    "close_period",
    schedule=ClosingTimetable(),
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Ho_Chi_Minh"),
    catchup=False,
    max_active_runs=4,
    default_args=dict(TASK_DEFAULTS),
    params=dict(AS_OF),
    tags=["báo cáo phong trào"],
    doc_md="Chốt danh sách nộp muộn, chưa nộp của một kỳ (khóa phân vùng `báo-cáo:kỳ`).",
):

    @task
    def list_late(dag_run: Any = None, params: dict[str, str | None] | None = None) -> dict[str, Any]:
        from etl.usecases.periods import close_period

        key = ":".join(split_key(dag_run.partition_key))
        with open_run((params or {}).get("as_of")) as (context, now):
            summary = close_period(context, key, now)
        overdue = [line.unit for line in summary.overdue]
        log_line("closing", key=key, counts=summary.counts, overdue=overdue)
        return {"key": key, "counts": summary.counts, "overdue": overdue}

    @task(outlets=[period_closed])
    def announce_closed(
        summary: Any,
        outlet_events: Any = None,
        params: dict[str, str | None] | None = None,
    ) -> None:
        if pending := summary["counts"]["pending"]:
            raise AirflowSkipException(f"{pending} units are not due yet: a cut-off, or the first of several due days")
        outlet_events[period_closed].extra = {"as_of": (params or {}).get("as_of")}

    announce_closed(list_late())
