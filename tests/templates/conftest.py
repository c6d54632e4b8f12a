"""Plans and facts the template tests share: the sample register, every form, one commune."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from etl.forms.declaration import Form
from etl.forms.library import read_forms
from etl.register.model import Register, Unit, UnitType
from etl.register.read import read_register
from etl.templates.from_register import plan_unit_workbook
from etl.templates.model import WorkbookPlan

REGISTER_FOLDER = Path(__file__).resolve().parents[2] / "register"
DUE_AT = datetime(2026, 6, 16, 16, 59, 59, tzinfo=UTC)


@pytest.fixture(scope="session")
def register() -> Register:
    return read_register(REGISTER_FOLDER)


@pytest.fixture(scope="session")
def forms() -> Mapping[str, Form]:
    return read_forms()


@pytest.fixture(scope="session")
def commune(register: Register) -> Unit:
    return next(unit for unit in register.units_on(date(2026, 6, 14)) if unit.type is UnitType.COMMUNE)


@pytest.fixture
def plan(register: Register, forms: Mapping[str, Form], commune: Unit) -> WorkbookPlan:
    return plan_unit_workbook(
        register, forms, "movements-half", "2026-S1", commune, due_at=DUE_AT, contact="điện thoại 0206 000 000"
    )


@pytest.fixture
def blank_plan(register: Register, forms: Mapping[str, Form]) -> WorkbookPlan:
    return plan_unit_workbook(register, forms, "movements-half", "2026-S1")
