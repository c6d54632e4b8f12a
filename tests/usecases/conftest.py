"""One small synthetic province, made once and only read; warehouses filled from it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from small_province import PERIOD, REPORT, Province

from etl.sample.generate import write_sample
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.prepare import init_warehouse


@pytest.fixture(scope="session")
def province(tmp_path_factory: pytest.TempPathFactory) -> Province:
    folder = tmp_path_factory.mktemp("province") / "sample"
    write_sample(PROJECT_ROOT / "register", folder, REPORT, [PERIOD], 40, 20260616, None)
    return Province(folder, json.loads((folder / "faults.json").read_text("utf-8")))


@pytest.fixture
def prepared(make_settings: Callable[..., Settings], province: Province) -> Settings:
    """Settings of an initialised, empty warehouse of the province."""
    settings = make_settings(province.register)
    init_warehouse(settings)
    return settings
