"""The Airflow plugin, found by the entry point group `airflow.plugins`: timetable, pages, warm start of tasks.

Do not point Airflow's plugins folder at this package as well: the plugin would be registered twice. Needs
`[core] lazy_load_plugins = False` for the warm start.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from plugins.timetables import ClosingTimetable

_FORKING = {"scheduler", "worker", "celery"}
_NEEDED = ("collect", "load", "periods", "consolidate", "export", "export_data", "report_draft")
_USE_CASES = tuple(f"etl.usecases.{name}" for name in _NEEDED)


def _preload() -> None:
    """Import what tasks need once, in the program that forks them: it costs 2 to 3 CPU seconds each time.

    The product's own modules too, so a new version counts from the next start of the scheduler.
    """
    for module in ("great_expectations", "pandas", *_USE_CASES):
        importlib.import_module(module)


def _make_apps() -> list[dict[str, Any]]:
    from plugins.office import app

    return [{"app": app, "url_prefix": "/office", "name": "office"}]


if _FORKING & set(sys.argv[1:3]):
    _preload()


class MovementReportsPlugin(AirflowPlugin):
    """Registers the timetable, and the standing office's pages under `/office` behind Airflow's login."""

    name = "movement_reports"
    timetables = [ClosingTimetable]  # noqa: RUF012 - Airflow declares it so
    fastapi_apps = [] if _FORKING & set(sys.argv[1:3]) else _make_apps()
    external_views = [  # noqa: RUF012
        {
            "name": "Bảng theo dõi báo cáo",
            "href": "/office/board",
            "destination": "nav",
            "url_route": "office",
            "nav_top_level": True,
        }
    ]
