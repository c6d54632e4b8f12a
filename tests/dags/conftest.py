"""Airflow as the DAG tests need it: a home of its own, and no settings of the caller's shell."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# Airflow reads its settings on first import, which happens when pytest collects the tests of this folder.
_home = tempfile.mkdtemp(prefix="movement-reports-dags-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
for _name in [name for name in os.environ if name.startswith(("AIRFLOW", "MOVEMENT_REPORTS_"))]:
    del os.environ[_name]
os.environ.update(
    AIRFLOW_HOME=_home,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__PLUGINS_FOLDER=str(Path(_home) / "plugins"),
    AIRFLOW__CORE__DAGS_FOLDER=str(Path(__file__).resolve().parents[2] / "dags"),
    AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE=str(Path(_home) / "passwords.json"),
    AIRFLOW__CORE__UNIT_TEST_MODE="False",
    AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR",
)
(Path(_home) / "plugins").mkdir()
