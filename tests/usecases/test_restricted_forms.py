"""People's names in the list of decisions, and the whole form of complaints: stored, checked, and never in a mart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from deliveries import Post, at, rows_of

from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.consolidate import consolidate_period
from etl.usecases.context import open_context
from etl.usecases.prepare import init_warehouse
from tests.golden.case import put
from tests.golden.cases_decisions import line
from tests.golden.sender import DEPARTMENT, YEAR, YEAR_PERIOD, Edit, Sending, make_sending, write
from tests.golden.sound_decisions import SPRING, fill_complaints

NOW = at("2027-01-20T08:00")
PERSON, STRANGER, CASE = "Bế Thị Kín Danh", "Đàm Văn Kín Tiếng", "Phòng Kín: đang bị thanh tra"
COUNTS = {"01": 70_001, "02": 30_007, "03": 90_011, "04": 9_997, "05": 60_013, "06": 50_021}
"""Figures of F13 that nothing else can show by chance."""


def complaints(**changes: int) -> list[Edit]:
    """Edits: F13 with those figures and a case by name."""
    figures = COUNTS | {row.removeprefix("row"): number for row, number in changes.items()}
    return [
        fill_complaints,
        *(put("F13", row, "1", number) for row, number in figures.items()),
        put("F13", "07", "1", CASE),
    ]


def of_year(*edits: Edit) -> Sending:
    return make_sending(*edits, report=YEAR, period=YEAR_PERIOD)


def read_marts(post: Post) -> str:
    """Everything that the standing office's tables show, as one text."""
    shown: list[str] = []
    with post.context.engine.connect() as connection:
        views = connection.execute(
            sa.text("SELECT table_name FROM information_schema.views WHERE table_schema = 'mart'")
        ).scalars()
        for view in list(views):
            shown += [str(row) for row in connection.execute(sa.text(f"SELECT * FROM mart.{view}"))]
    return "\n".join(shown)


@pytest.fixture
def post(make_settings: Callable[..., Settings], tmp_path: Path) -> Iterator[Post]:
    settings = make_settings(PROJECT_ROOT / "register")
    init_warehouse(settings, clock=lambda: NOW)
    with open_context(settings, clock=lambda: NOW) as context:
        yield Post(context, tmp_path)


def assert_hidden(post: Post) -> None:
    shown = read_marts(post)
    assert DEPARTMENT in shown
    for secret in (PERSON, STRANGER, CASE, *COUNTS.values(), "70.001", "90.011", "9.997", "Kín"):
        assert str(secret) not in shown


def test_accepted_values_stay_out_of_the_marts(post: Post) -> None:
    post.deliver(
        (
            "SNV",
            of_year(
                *complaints(row04=10_000 - 3),
                put("F14", "5", "H", PERSON),
            ),
            "2026-12-16T09:00",
        )
    )
    assert post.verdict("SNV") == "accepted"
    consolidate_period(post.context, YEAR, YEAR_PERIOD, NOW)
    stored = rows_of(
        post.context,
        "SELECT form, text_value, number FROM core.observation WHERE restricted AND form IN ('F13', 'F14')",
    )
    assert ("F14", PERSON, None) in stored
    assert ("F13", CASE, None) in stored
    assert {int(str(number)) for form, _, number in stored if form == "F13" and number is not None} == set(
        COUNTS.values()
    )
    assert_hidden(post)
    columns = rows_of(
        post.context,
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'mart' "
        "AND table_name IN ('f13_wide', 'f14_wide')",
    )
    names = {name for _, name in columns}
    assert "so_quyet_dinh" in names
    assert not names & {"ten_don_vi", "danh_sach", "don_nhan", "ca_nhan_vi_pham"}


def test_findings_on_them_stay_out_too(post: Post) -> None:
    """A broken balance, more resolved than there were, a name where a number belongs, a line without its number."""
    rows_below = 8 + 30
    post.deliver(
        (
            "SNV",
            of_year(
                *complaints(row04=1),
                put("F13", "05", "1", STRANGER),
                line("17", "17/QĐ", SPRING, "Giám đốc sở", "Giấy khen", "Tập thể", PERSON, 1),
                line("18", "17/QĐ", SPRING, "Giám đốc sở", "Giấy khen", "Tập thể", PERSON, 1),
                write("F14", rows_below, 0, None),
                write("F14", rows_below, 7, STRANGER),
                write("F14", rows_below, 8, 3),
            ),
            "2026-12-16T09:00",
        )
    )
    assert post.verdict("SNV") == "rejected"
    consolidate_period(post.context, YEAR, YEAR_PERIOD, NOW)
    codes = {code for code, *_ in post.findings("SNV", "")}
    assert {"F13-BALANCE", "CELL-NOT-NUMBER", "F14-TWICE", "ROW-NO-CODE"} <= codes
    assert_hidden(post)
    assert rows_of(post.context, "SELECT count(*) FROM mart.finding WHERE code = 'F14-TWICE'") == [(1,)]
