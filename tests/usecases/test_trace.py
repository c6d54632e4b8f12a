"""Every figure of every mart is followed to its cells and adds up; what is left out is named, with the reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from deliveries import at

from etl.sample.generate import write_sample
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.consolidate import open_snapshot
from etl.usecases.context import Context, open_context
from etl.usecases.ingest import ingest
from etl.usecases.prepare import init_warehouse
from etl.usecases.series import read_series
from etl.usecases.trace import Trace, UnknownFigure, trace_figure

REPORT, PERIOD = "movements-year", "2026-A1"
KEY = f"{REPORT}:{PERIOD}"
TOTAL = f"{KEY}/F05/01/F05.01.1"
NOW = at("2027-02-20T08:00")


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("year") / "sample"
    write_sample(PROJECT_ROOT / "register", folder, REPORT, [PERIOD], 16, 2026, 12)
    return folder


def write(context: Context, statement: str, **parameters: object) -> None:
    with context.engine.begin() as connection:
        connection.execute(sa.text(statement), parameters)


def add_up(cells: list[Any], aggregation: str) -> Decimal | None:
    """What counted cells make of a figure: (role, number) pairs."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for role, number in cells:
        sums[role] += number
    if aggregation != "rate":
        return sums["term"]
    return 100 * sums["part"] / sums["whole"] if sums["whole"] else None


def same(ours: Decimal | None, theirs: Decimal | None) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return abs(ours - theirs) <= abs(ours) * Decimal("1e-12")


def test_every_figure_is_followed_to_its_cells(year: Path, make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(year / "register")
    init_warehouse(settings)
    with open_context(settings, clock=lambda: NOW) as context:
        ingest(context, [year / "inbox"], year / "receipts.csv")
        with open_snapshot(context) as connection:
            names = {"report": REPORT, "period": PERIOD}
            where = "WHERE report = :report AND period = :period ORDER BY figure"
            figures = connection.execute(sa.text(f"SELECT * FROM mart.consolidated {where}"), names).all()
            cells: defaultdict[str, list[Any]] = defaultdict(list)
            for cell in connection.execute(sa.text(f"SELECT * FROM mart.contribution {where}"), names):
                if cell.counted:
                    cells[cell.figure].append((cell.role, cell.number))
            assert len(figures) == len({figure.figure for figure in figures}) > 500
            assert len({figure.mart for figure in figures}) > 10
            for figure in figures:
                assert same(figure.value, add_up(cells[figure.figure], figure.aggregation)), figure.figure
            # The same through the traces: some of each mart and kind; and one of each as a series of one period.
            kinds: defaultdict[tuple[str, str], list[Any]] = defaultdict(list)
            for figure in figures:
                kinds[figure.mart, figure.aggregation].append(figure)
            for alike in kinds.values():
                for figure in alike[::30]:
                    check_trace(trace_figure(context, figure.figure, connection=connection), figure)
                check_series(context, connection, alike[len(alike) // 2])
        check_nearest(context)
        check_what_is_left_out(context)


def check_trace(trace: Trace, figure: Any) -> None:
    roles = ("part", "whole") if figure.aggregation == "rate" else ("term",)
    assert len(trace.contributions) == len(roles)
    listed = [(role, item) for role, items in zip(roles, trace.contributions.values(), strict=True) for item in items]
    counted = [(role, item.number) for role, item in listed if item.counted]
    assert same(trace.value, add_up(counted, figure.aggregation)), trace.figure
    assert (trace.value, trace.label, trace.units) == (figure.value, figure.label, figure.units)
    for _, item in listed:
        assert item.sheet and item.cell and item.raw is not None and item.file.endswith(".xlsx")
        assert len(item.sha256) == 64 and item.attempt >= 1 and item.submission_id
        assert item.counted is (item.left_out is None), (trace.figure, item)
    assert all(left.text for left in trace.left_out)
    assert not {left.unit for left in trace.left_out} & {item.unit for _, item in listed if item.counted}


def check_series(context: Context, connection: sa.Connection, figure: Any) -> None:
    """One period of a series, for the province, is the figure itself."""
    bare = figure.figure.partition("/")[2]
    (total,) = read_series(context, REPORT, bare, PERIOD, by="total", connection=connection).lines
    (point,) = total.points
    assert same(point.as_was, figure.value), figure.figure
    assert same(point.restated, figure.value), figure.figure


def check_nearest(context: Context) -> None:
    with pytest.raises(UnknownFigure, match=f"nearest: .*{TOTAL}"):
        trace_figure(context, f"{KEY}/F05/01/F05.1.1")
    with pytest.raises(UnknownFigure) as wrong:
        trace_figure(context, f"{KEY}/awards/BK_TINH/so_luong")
    assert str(wrong.value).count(f"{KEY}/awards/") == 4, "the one asked for, and three of the same mart"
    with pytest.raises(UnknownFigure, match="movements-half:2026-S1/F05/01"):
        trace_figure(context, "nothing of the sort")


def check_what_is_left_out(context: Context) -> None:
    before = trace_figure(context, TOTAL)
    (cells,) = before.contributions.values()
    with open_snapshot(context) as connection:
        board = connection.execute(
            sa.text("SELECT unit, status FROM core.board(:r, :p, :at) WHERE unit_type <> 'bloc'"),
            {"r": REPORT, "p": PERIOD, "at": NOW},
        ).all()
    # Whoever owes the form is either in the figure or named with a reason.
    counted = {item.unit for item in cells if item.counted}
    assert counted | {left.unit for left in before.left_out} == {row.unit for row in board}
    for left in before.left_out:
        assert (left.unit, left.reason) in {(row.unit, row.status) for row in board}
    rejected = {other.unit for other in before.other_files if other.reason == "rejected"}
    assert rejected >= {left.unit for left in before.left_out if left.reason == "rejected"}

    unread, returned, blank = [item for item in cells if item.counted][:3]
    spoil = (
        "UPDATE core.observation SET number = NULL, missing = :missing, raw = :raw "
        "WHERE submission_id = :id AND measure = 'F05.01.1'"
    )
    write(context, spoil, id=unread.submission_id, missing="bad", raw="mười hai")
    write(context, spoil, id=blank.submission_id, missing="blank", raw=None)
    write(
        context,
        "INSERT INTO core.decision (submission_id, decision, decided_by, reason, recorded_at) "
        "VALUES (:id, 'return', 'nguoi.duyet', 'sai số liệu', :at)",
        id=returned.submission_id, at=NOW,
    )  # fmt: skip
    after = trace_figure(context, TOTAL)
    reasons = {left.unit: left for left in after.left_out}
    assert after.value == (before.value or 0) - unread.number - returned.number - blank.number
    assert (reasons[unread.unit].reason, reasons[unread.unit].raw) == ("bad", "mười hai")
    assert (reasons[unread.unit].sheet, reasons[unread.unit].cell) == (unread.sheet, unread.cell)
    assert reasons[unread.unit].text == "Nội dung ô không đọc được thành số"
    assert (reasons[blank.unit].reason, reasons[blank.unit].text) == ("blank", "Ô để trống")
    assert reasons[returned.unit].reason == "rejected"
    files = {(other.unit, other.submission_id): other for other in after.other_files}
    assert files[returned.unit, returned.submission_id].text == "Đã trả lại để sửa"
    assert files[returned.unit, returned.submission_id].attempt == returned.attempt
    # As of the day before, the decision was not known.
    then = trace_figure(context, TOTAL, NOW - timedelta(days=1))
    assert returned.unit in {item.unit for items in then.contributions.values() for item in items if item.counted}
    assert then.value == (after.value or 0) + returned.number
    # Blocs report figures that are shown and not added: their members gave them.
    shown = trace_figure(context, next(iter(_list_figures(context, "F03"))))
    blocs = [
        item for items in shown.contributions.values() for item in items if "KHOI" in item.unit or "CUM" in item.unit
    ]
    assert all(not item.counted and "thành viên" in str(item.left_out) for item in blocs)


def _list_figures(context: Context, mart: str) -> list[str]:
    """Figures of a mart that a bloc gave too."""
    with open_snapshot(context) as connection:
        found = connection.execute(
            sa.text(
                "SELECT DISTINCT figure FROM mart.contribution WHERE report = :r AND period = :p AND mart = :m "
                "AND unit_type = 'bloc' AND role = 'term' ORDER BY figure"
            ),
            {"r": REPORT, "p": PERIOD, "m": mart},
        ).scalars()
        return list(found)
