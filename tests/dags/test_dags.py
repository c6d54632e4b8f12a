"""The DAG files: they load, stay small, and leave the product free of Airflow."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, ExceptionRetryPolicy, RetryAction
from airflow.serialization.serialized_objects import DagSerialization
from sqlalchemy.exc import OperationalError

from etl.register.read import BadRegister
from etl.warehouse.connect import WarehouseUnreachable
from plugins.airflow_settings import RETRY_RULES
from plugins.timetables import ClosingTimetable

ROOT = Path(__file__).resolve().parents[2]
DAG_FILES = sorted((ROOT / "dags").glob("*.py"))
HEAVY = ("pandas", "great_expectations", "etl.usecases", "etl.validation")


@pytest.fixture(scope="module")
def dags() -> dict[str, DAG]:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=ROOT / "dags")
    assert bag.import_errors == {}
    return dict(bag.dags)


def _imports(path: Path, *, top_level: bool) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_four_dags_of_the_design_load(dags: dict[str, DAG]) -> None:
    assert set(dags) == {"collect_submissions", "watch_deadlines", "close_period", "consolidate_period"}


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.name)
def test_a_dag_file_is_wiring_only(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) < 80
    assert not [name for name in _imports(path, top_level=True) if name.startswith("etl")]


def test_reading_the_dags_imports_nothing_heavy() -> None:
    code = (
        "import sys, runpy\n"
        f"for path in {[str(path) for path in DAG_FILES]!r}: runpy.run_path(path)\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_the_product_never_imports_airflow() -> None:
    modules = sorted((ROOT / "etl").rglob("*.py"))
    guilty = [
        str(path.relative_to(ROOT))
        for path in modules
        if any(name.split(".")[0] in ("airflow", "plugins", "tools") for name in _imports(path, top_level=False))
    ]

    assert modules
    assert guilty == []


def test_submissions_load_in_order(dags: dict[str, DAG]) -> None:
    dag = dags["collect_submissions"]

    assert dag.max_active_runs == 1
    assert dag.get_task("load_arrivals").max_active_tis_per_dagrun == 1


def test_the_scheduler_reads_what_the_dag_processor_wrote(dags: dict[str, DAG]) -> None:
    read = {name: DagSerialization.from_dict(DagSerialization.to_dict(dag)) for name, dag in dags.items()}
    closing: Any = read["close_period"].timetable
    consolidation: Any = read["consolidate_period"].timetable
    outlets = read["close_period"].get_task("announce_closed").outlets

    assert closing.closings
    assert closing.closings == ClosingTimetable().closings
    assert [asset.name for asset in outlets] == ["period_closed"]
    # The key is carried as it is, so that every period is consolidated in a run of its own.
    assert consolidation.partitioned
    assert consolidation.get_partition_mapper(name="period_closed").to_downstream("a-half:2026-S1") == "a-half:2026-S1"


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (ValueError("x"), RetryAction.FAIL),
        (BadRegister(Path(), []), RetryAction.FAIL),
        (OSError("x"), RetryAction.RETRY),
        (WarehouseUnreachable("x"), RetryAction.RETRY),
        (OperationalError("select 1", {}, Exception()), RetryAction.RETRY),
        (KeyError("x"), RetryAction.FAIL),
        (RuntimeError("x"), RetryAction.DEFAULT),
    ],
)
def test_only_what_may_pass_is_tried_again(error: Exception, action: RetryAction) -> None:
    decision = RETRY_RULES.evaluate(error, try_number=1, max_tries=3)

    assert decision.action is action


def test_every_task_has_the_retry_rules(dags: dict[str, DAG]) -> None:
    policies = {task.retry_policy for dag in dags.values() for task in dag.tasks}

    assert all(isinstance(policy, ExceptionRetryPolicy) for policy in policies)
