"""Every morning: opens the periods whose time has come, lists who is overdue, reminds and gives account. Wiring only."""

from __future__ import annotations

from collections import Counter

import pendulum
from airflow.sdk import DAG, task

from plugins.airflow_settings import AS_OF, TASK_DEFAULTS, log_line, open_run
from plugins.alerting import send_letters

with DAG(
    "watch_deadlines",
    schedule="30 7 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Ho_Chi_Minh"),
    catchup=False,
    max_active_runs=1,
    default_args=dict(TASK_DEFAULTS),
    params=dict(AS_OF),
    tags=["báo cáo phong trào"],
    doc_md="Mở kỳ báo cáo đến hạn và lập danh sách đơn vị quá hạn chưa có báo cáo hợp lệ, gửi thư nhắc.",
):

    @task
    def open_due_periods(params: dict[str, str | None] | None = None) -> list[str]:
        from etl.usecases.periods import open_periods

        with open_run((params or {}).get("as_of")) as (context, now):
            keys = open_periods(context, now)
        log_line("open periods", keys=keys)
        return keys

    @task
    def list_overdue(params: dict[str, str | None] | None = None) -> dict[str, int]:
        from etl.usecases.periods import find_overdue

        with open_run((params or {}).get("as_of")) as (context, now):
            lines = find_overdue(context, now)
        for line in lines:
            log_line("overdue", period=f"{line.report}:{line.period}", unit=line.unit, status=line.status)
        return dict(Counter(f"{line.report}:{line.period}" for line in lines))

    @task
    def send_alerts(params: dict[str, str | None] | None = None) -> dict[str, int]:
        return send_letters((params or {}).get("as_of"))

    open_due_periods() >> [list_overdue(), send_alerts()]
