"""The register in the warehouse keeps its history: what was shown for a past instant stays as it was."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from small_province import PERIOD, REPORT, Province
from test_ingest import AFTERWARDS, fingerprint

from etl.calendar.periods import UnknownPeriod
from etl.settings import Settings
from etl.usecases.board import read_board
from etl.usecases.context import open_context
from etl.usecases.ingest import ingest
from etl.usecases.periods import close_period, open_periods
from etl.usecases.prepare import init_warehouse
from etl.warehouse.register_load import YEARS_AHEAD


@pytest.fixture
def own_register(province: Province, tmp_path: Path) -> Path:
    """A copy of the register that a test may change."""
    return Path(shutil.copytree(province.register, tmp_path / "register"))


def change_name(register: Path, before: str, after: str) -> None:
    units = register / "units.csv"
    text = units.read_text("utf-8")
    assert before in text
    units.write_text(text.replace(before, after), "utf-8")


def test_a_board_of_the_past_stays_after_the_register_changed(
    own_register: Path, province: Province, make_settings: Callable[..., Settings]
) -> None:
    settings = make_settings(own_register)
    first_day = AFTERWARDS
    init_warehouse(settings, clock=lambda: first_day)
    with open_context(settings) as context:
        ingest(context, [province.inbox], province.receipts)
        before = read_board(context, REPORT, PERIOD, first_day)
    unit = before.units[0]
    change_name(own_register, unit.unit_name, unit.unit_name + " mới")
    init_warehouse(settings, clock=lambda: first_day + timedelta(days=3))
    with open_context(settings) as context:
        as_it_was = read_board(context, REPORT, PERIOD, first_day)
        today = read_board(context, REPORT, PERIOD, first_day + timedelta(days=4))
    assert as_it_was.units == before.units
    assert len(today.units) == len(before.units)
    assert {line.unit_name for line in today.units} - {line.unit_name for line in before.units} == {
        unit.unit_name + " mới"
    }


def test_the_same_register_again_writes_nothing(prepared: Settings) -> None:
    with open_context(prepared) as context:
        before = fingerprint(context)
    again = init_warehouse(prepared, clock=lambda: datetime.now(UTC) + timedelta(days=1))
    with open_context(prepared) as context:
        assert fingerprint(context) == before
    assert again.register_rows_changed == 0


def test_a_period_before_the_report_is_no_period(prepared: Settings) -> None:
    with open_context(prepared) as context:
        opened = open_periods(context, AFTERWARDS)
        assert f"{REPORT}:2025-S2" not in opened
        with pytest.raises(UnknownPeriod):
            read_board(context, REPORT, "2025-S2", AFTERWARDS)
        with pytest.raises(UnknownPeriod):
            close_period(context, f"{REPORT}:2025-S2", AFTERWARDS)


def test_programs_that_open_periods_at_once_agree(prepared: Settings) -> None:
    """The collecting and the watching DAG start together on the first morning of a period."""
    later = datetime(2027, 1, 4, 1, 0, tzinfo=UTC)
    problems: list[BaseException] = []

    def open_them() -> None:
        try:
            with open_context(prepared) as context:
                open_periods(context, later)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=open_them) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with open_context(prepared) as context, context.engine.connect() as connection:
        doubled = connection.execute(
            sa.text(
                "SELECT unit, report, period FROM register.obligation WHERE retired_at IS NULL "
                "GROUP BY 1, 2, 3 HAVING count(*) > 1"
            )
        ).all()
        assert doubled == []
        periods = set(connection.execute(sa.text("SELECT period FROM register.period")).scalars())
        assert "2027-S1" in periods


def test_working_days_reach_years_ahead_of_now(prepared: Settings) -> None:
    init_warehouse(prepared, clock=lambda: datetime(2040, 5, 1, tzinfo=UTC))
    with open_context(prepared) as context, context.engine.connect() as connection:
        last = connection.execute(sa.text("SELECT max(day) FROM register.workday")).scalar_one()
    assert last.year == 2040 + YEARS_AHEAD
