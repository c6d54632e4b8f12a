"""When a period is closed, or by hand after corrections: cross-unit checks, figures, workbook, draft, data. Wiring only."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pendulum
from airflow.sdk import DAG, Asset, IdentityMapper, PartitionedAssetTimetable, task

from plugins.airflow_settings import AS_OF, TASK_DEFAULTS, choose_as_of, log_line, open_run, split_key

period_closed = Asset("period_closed", uri="movement-reports://period_closed")

with DAG(
    "consolidate_period",
    schedule=PartitionedAssetTimetable(assets=period_closed, default_partition_mapper=IdentityMapper()),
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Ho_Chi_Minh"),
    catchup=False,
    max_active_runs=1,  # two runs of one period would write the same workbook
    default_args=dict(TASK_DEFAULTS),
    params=dict(AS_OF),
    tags=["báo cáo phong trào"],
    doc_md="Tổng hợp số liệu của một kỳ đã chốt và xuất tệp tổng hợp chính thức.",
):

    @task
    def consolidate(dag_run: Any = None, **airflow: Any) -> dict[str, Any]:
        from etl.usecases.consolidate import consolidate_period

        report, period = split_key(dag_run.partition_key)
        with open_run(choose_as_of(airflow)) as (context, now):
            summary = consolidate_period(context, report, period, now)
        found = Counter(finding.code for finding in summary.findings)
        log_line("consolidated", figures=summary.figures, counts=summary.counts, findings=dict(found))
        return {"figures": summary.figures, "counts": summary.counts, "findings": dict(found)}

    @task
    def export(dag_run: Any = None, **airflow: Any) -> str:
        from etl.usecases.export import export_workbook
        from etl.usecases.export_data import export_data
        from etl.usecases.report_draft import draft_report

        report, period = split_key(dag_run.partition_key)
        with open_run(choose_as_of(airflow)) as (context, now):
            out = context.settings.home / "exports" / f"{report}-{period}.xlsx"
            path = export_workbook(context, report, period, out, now)
            draft_report(context, report, period, out.with_suffix(".docx"), now)
            tables = export_data(context, report, period, out.with_suffix(""), now)
        log_line("exported", tables=len(tables), rows=sum(table.rows for table in tables))
        return str(path)

    @task
    def freeze_approved(dag_run: Any = None, **airflow: Any) -> dict[str, Any] | None:
        from etl.usecases.publication import freeze_period

        report, period = split_key(dag_run.partition_key)
        with open_run(choose_as_of(airflow)) as (context, _):
            frozen = freeze_period(context, report, period)
        if frozen is None:
            return None  # nobody has approved it yet, or it is published already
        log_line("frozen", figures=frozen.figures, checksum=frozen.checksum)
        return {"figures": frozen.figures, "checksum": frozen.checksum}

    consolidate() >> [export(), freeze_approved()]
