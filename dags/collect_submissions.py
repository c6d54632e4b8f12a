"""Every ten minutes: fetch what arrived, check and load it in batches, in order of receipt, and answer. Wiring only."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import DAG, TriggerRule, task

from plugins.airflow_settings import TASK_DEFAULTS, open_run
from plugins.alerting import send_letters
from plugins.collecting import collect_again, collect_one, count_all, name_channels, name_down

with DAG(
    "collect_submissions",
    schedule="*/10 * * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Ho_Chi_Minh"),
    catchup=False,
    max_active_runs=1,  # two runs would load the attempts of one unit side by side
    dagrun_timeout=timedelta(hours=2),
    default_args=dict(TASK_DEFAULTS),
    tags=["báo cáo phong trào"],
    doc_md="Thu nhận tệp báo cáo từ các kênh, kiểm tra, nạp vào kho số liệu theo thứ tự nhận, gửi kết quả cho đơn vị.",
):

    @task
    def list_channels() -> list[str]:
        return name_channels()

    # A channel that is down is told in the result: the loads do not wait for it.
    @task(map_index_template="{{ task.op_kwargs['channel'] }}")
    def land_arrivals(channel: str) -> dict[str, Any]:
        return collect_one(channel)

    @task
    def find_down(landed: Any) -> list[str]:
        return name_down(landed)

    # Tried again beside the loads; what stays down leaves its own task, and so the run, red.
    @task(map_index_template="{{ task.op_kwargs['channel'] }}")
    def try_again(channel: str) -> dict[str, Any]:
        return collect_again(channel)

    @task
    def plan_load() -> list[list[int]]:
        from etl.usecases.collect import plan_batches

        with open_run() as (context, _):
            return plan_batches(context, max_batches=8, batch_size=250)

    # One at a time: attempts of one obligation load in order of receipt, and a batch already reads on every core.
    @task(max_active_tis_per_dagrun=1)
    def load_arrivals(arrival_ids: list[int]) -> dict[str, int]:
        from etl.usecases.load import load_batch

        with open_run() as (context, _):
            return asdict(load_batch(context, arrival_ids))

    # An empty inbox skips the loads and still sums up; a failed load must leave the run red.
    @task(trigger_rule=TriggerRule.NONE_FAILED)
    def sum_up(landed: Any, loaded: Any) -> dict[str, int]:
        return count_all(landed, loaded)

    # What did load is answered, whatever became of the rest.
    @task(trigger_rule=TriggerRule.ALL_DONE)
    def send_alerts() -> dict[str, int]:
        return send_letters()

    arrived = land_arrivals.expand(channel=list_channels())
    try_again.expand(channel=find_down(arrived))
    batches = plan_load()
    arrived >> batches
    loads = load_arrivals.expand(arrival_ids=batches)
    sum_up(arrived, loads)
    loads >> send_alerts()
