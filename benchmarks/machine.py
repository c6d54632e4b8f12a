"""Facts about the machine and the libraries that a figure depends on. It names no paths and no hosts."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

_LIBRARIES = ("pandas", "great_expectations", "openpyxl", "python-calamine", "sqlalchemy", "psycopg", "apache-airflow")


def read_machine() -> dict[str, Any]:
    """Cores, memory (GiB), processor, system, Python and library versions."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 1024**3, 1),
        "processor": _read_processor(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
    }


def read_load() -> list[float]:
    """Load average of the last 1, 5 and 15 minutes."""
    return [round(value, 2) for value in os.getloadavg()]


def _read_processor() -> str:
    """The model as Linux names it; platform.processor() is empty on many systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
