"""Series across mergers, on figures of the tests' own: as it was, restated on the units of today, or not comparable."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from deliveries import at
from old_provinces import DAY, TOTAL, YEARLY, became, report, send_all, unit, write_register

from etl.calendar.periods import UnknownPeriod
from etl.cli.main import main
from etl.settings import Settings
from etl.usecases.board import read_board
from etl.usecases.consolidate import open_snapshot
from etl.usecases.context import Context, open_context
from etl.usecases.prepare import init_warehouse
from etl.usecases.series import Line, Series, UnknownSeries, read_series
from etl.usecases.series_points import NO_FOREBEAR, NO_MEASURE, NO_SPLIT, Point

NOW = at("2027-02-20T08:00")
NEW, OLD = "H55", "H03"
EVE = "2025-06-30"
UNITS = {"*": "mandatory", "bloc": "not_owed"}
WHOLE = {"*": "not_owed", "province": "mandatory"}
BEFORE_TODAY = {"*": "mandatory", "bloc": "not_owed"}


def line(series: Series, key: str | None) -> Line:
    (found,) = [row for row in series.lines if row.key == key]
    return found


def points(series: Series, key: str | None) -> dict[str, Point]:
    return {point.period: point for point in line(series, key).points}


def told(point: Point) -> tuple[object, object, str]:
    return point.as_was, point.restated, point.state


def test_a_merged_province_is_restated_from_lineage_alone(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Thái Nguyên 2020 = Thái Nguyên 2020 + Bắc Kạn 2020; later years are what its own units report."""
    register = write_register(
        tmp_path / "register",
        [
            unit(NEW, "Tỉnh Thái Nguyên", "province", "2018-01-01", EVE),
            unit(NEW, "Tỉnh Thái Nguyên", "province", DAY),
            unit(OLD, "Tỉnh Bắc Kạn", "province", "2018-01-01", EVE),
            unit("H55.X1", "Xã Một", "commune", DAY), unit("H55.X2", "Xã Hai", "commune", DAY),
        ],
        [became(NEW, NEW, "merge"), became(OLD, NEW, "merge")],
        [report(YEARLY, "2018-01-01", WHOLE, "2025-11-01"), report(YEARLY, "2025-11-02", UNITS)],
    )  # fmt: skip
    settings = make_settings(register)
    init_warehouse(settings, clock=lambda: NOW)
    with open_context(settings, clock=lambda: NOW) as context:
        figures = {
            "2019-A1": {NEW: 700},
            "2020-A1": {NEW: 810, OLD: 190},
            "2026-A1": {"H55.SNV": 30, "H55.X1": 20, "H55.X2": 5},
        }
        send_all(context, tmp_path, figures)
        series = read_series(context, YEARLY, TOTAL, "2019-A1..2026-A1")
        whole = points(read_series(context, YEARLY, TOTAL, "2019-A1..2026-A1", by="total"), None)
        today = {row.unit for row in read_board(context, YEARLY, "2026-A1", NOW).units}
        then = {row.unit: row.status for row in read_board(context, YEARLY, "2020-A1", NOW).units}
    province, merged = points(series, NEW), points(series, OLD)
    assert told(province["2020-A1"]) == (810, 1000, "comparable")
    assert told(merged["2020-A1"]) == (190, None, "moved")
    assert line(series, OLD).ended and "Tỉnh Thái Nguyên" in str(merged["2020-A1"].reason)
    # One of the two gave nothing: the sum is shown, and that it is not the whole.
    assert (told(province["2019-A1"]), province["2019-A1"].coverage) == ((700, 700, "incomplete"), "1/2 đơn vị")
    # Now it is the sum of its units; in the year of the merger nobody can say whose they were.
    assert told(province["2026-A1"]) == (55, 55, "comparable")
    assert province["2025-A1"].note == NO_SPLIT
    assert told(whole["2020-A1"]) == (1000, 1000, "comparable")
    assert told(whole["2026-A1"]) == (55, 55, "comparable")
    assert told(points(series, "H55.X1")["2026-A1"]) == (20, 20, "comparable")
    # The provinces owe the past they were there for, and nothing now.
    assert then == {NEW: "on_time", OLD: "on_time"}
    assert not today & {NEW, OLD}


def communes(folder: Path) -> Path:
    """Four into one, one between two without shares, one with shares told later, a renamed and an abolished one."""
    before = [
        unit(f"H55.{c}", f"Xã {c}", "commune", "2018-01-01", EVE) for c in ("A1", "A2", "A3", "A4", "B", "D", "E", "F")
    ]
    after = [unit(f"H55.{code}", f"Xã {code}", "commune", DAY) for code in ("M", "N", "O", "P", "Q", "E2")]
    merged = [became(f"H55.{code}", "H55.M", "merge") for code in ("A1", "A2", "A3", "A4")]
    later = {"recorded_at": "2026-06-01T08:00:00+07:00"}
    lineage = [
        *merged, became("H55.B", "H55.N", "split"), became("H55.B", "H55.O", "split"), became("H55.E", "H55.E2", "rename"),
        became("H55.D", "H55.P", "split", share="0.6", **later), became("H55.D", "H55.Q", "split", share="0.4", **later),
        {**became("H55.F", "", "abolish"), "legal_basis": "QĐ thử nghiệm"},
    ]  # fmt: skip
    return write_register(
        folder, [*before, *after], lineage, [report(YEARLY, "2018-01-01", BEFORE_TODAY, optional=["F02"])]
    )


def test_communes_that_merged_and_were_divided(
    make_settings: Callable[..., Settings],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = make_settings(communes(tmp_path / "register"))
    init_warehouse(settings, clock=lambda: NOW)
    with open_context(settings, clock=lambda: NOW) as context:
        old = {"A1": 1, "A2": 2, "A3": 3, "B": 40, "D": 100, "E": 7, "F": 9, "SNV": 50}
        new = {"M": 20, "N": 5, "O": 6, "P": 70, "Q": 33, "E2": 8, "SNV": 51}
        figures = {
            "2022-A1": {"H55.SNV": 49},
            "2024-A1": {f"H55.{code}": number for code, number in old.items()},
            "2026-A1": {f"H55.{code}": number for code, number in new.items()},
        }
        send_all(context, tmp_path, figures, {"2022-A1": 4, "2024-A1": 6})
        check_units(context)
        check_groups(context)
        check_layouts(context)
        check_instants(context)
        check_refusals(context)
        check_view(context)
    check_command(settings, capsys, monkeypatch)


def check_units(context: Context) -> None:
    series = read_series(context, YEARLY, TOTAL, "2024-A1..2026-A1")
    then = {
        code: points(series, f"H55.{code}")["2024-A1"] for code in ("M", "N", "O", "P", "Q", "E2", "SNV", "F", "A1")
    }
    assert (told(then["M"]), then["M"].coverage) == ((None, 6, "incomplete"), "3/4 đơn vị")
    assert {told(then[code]) for code in "NO"} == {(None, None, "not_comparable")}
    assert then["N"].reason == "Xã B được chia, tách ngày 01/07/2025, chưa có tỷ lệ phân chia"
    assert (told(then["P"]), told(then["Q"])) == ((None, 60, "estimated"), (None, 40, "estimated"))
    assert told(then["E2"]) == (None, 7, "comparable")
    assert told(then["SNV"]) == (50, 50, "comparable")
    assert (told(then["A1"]), told(then["F"])) == ((1, None, "moved"), (9, None, "moved"))
    assert told(points(series, "H55.M")["2026-A1"]) == (20, 20, "comparable")
    (alone,) = read_series(context, YEARLY, TOTAL, "2024-A1..2026-A1", unit="H55.M").lines
    assert alone == line(series, "H55.M")


def check_groups(context: Context) -> None:
    """What became of communes stays with the communes: only what was abolished leaves them, and it stays the province's."""
    by_type = read_series(context, YEARLY, TOTAL, "2024-A1..2026-A1", by="type")
    total = points(read_series(context, YEARLY, TOTAL, "2024-A1..2026-A1", by="total"), None)
    assert [(p.as_was, p.restated) for p in line(by_type, "commune").points if p.period != "2025-A1"] == [
        (162, 153),
        (142, 142),
    ]
    assert told(points(by_type, "department")["2024-A1"]) == (50, 50, "comparable")
    assert (told(total["2024-A1"]), total["2024-A1"].coverage) == ((212, 212, "incomplete"), "8/9 đơn vị")
    assert told(total["2026-A1"]) == (193, 193, "comparable")


def check_layouts(context: Context) -> None:
    """A row that only changed its code goes on; a total that means another thing does not."""
    (row,) = read_series(context, YEARLY, "F02/12/F02.12.3", "2022-A1..2024-A1", by="total").lines
    assert [point.restated for point in row.points] == [4, None, 6]
    (row,) = read_series(context, YEARLY, "F02/12/F02.12.1", "2022-A1..2024-A1", by="total").lines
    assert [(point.restated, point.reason) for point in row.points[::2]] == [(None, NO_MEASURE), (6, None)]


def check_instants(context: Context) -> None:
    """Shares that were recorded in June are not known in May."""
    early = read_series(context, YEARLY, TOTAL, "2024-A1", as_of=at("2026-05-01T08:00"))
    assert told(points(early, "H55.P")["2024-A1"]) == (None, None, "not_comparable")
    assert points(early, "H55.P")["2024-A1"].reason == NO_FOREBEAR
    assert told(points(early, "H55.D")["2024-A1"]) == (100, None, "moved")
    late = read_series(context, YEARLY, TOTAL, "2024-A1", as_of=at("2026-07-01T08:00"))
    assert told(points(late, "H55.P")["2024-A1"]) == (None, 60, "estimated")
    # Before the merger the units of then are those of the day.
    before = read_series(context, YEARLY, TOTAL, "2024-A1", as_of=at("2025-03-01T08:00"))
    assert told(points(before, "H55.A1")["2024-A1"]) == (1, 1, "comparable")


def check_refusals(context: Context) -> None:
    with pytest.raises(UnknownSeries, match=r"nearest: F05/01/F05\.01\.1"):
        read_series(context, YEARLY, "F05/01/F05.01.11", "2024-A1")
    with pytest.raises(UnknownSeries, match="form/row/measure"):
        read_series(context, YEARLY, "F05", "2024-A1")
    with pytest.raises(UnknownSeries, match=r"units\.csv"):
        read_series(context, YEARLY, TOTAL, "2024-A1", unit="H55.ZZ")
    with pytest.raises(UnknownPeriod, match="ends before"):
        read_series(context, YEARLY, TOTAL, "2025-A1..2024-A1")


def check_view(context: Context) -> None:
    """mart.series is the reading as it was; mart.unit_lineage what the other is made with."""
    with open_snapshot(context) as connection:
        rows = connection.execute(
            sa.text("SELECT period, sum(value) FROM mart.series WHERE measure = 'F05.01.1' AND counted GROUP BY period")
        )
        assert {period: int(value) for period, value in rows} == {"2022-A1": 49, "2024-A1": 212, "2026-A1": 193}
        named = connection.execute(
            sa.text("SELECT predecessor_name, successor_name, share FROM mart.unit_lineage WHERE successor = 'H55.P'")
        ).all()
    assert [(before, after, float(share)) for before, after, share in named] == [("Xã D", "Xã P", 0.6)]


def check_command(settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etl.cli.series.read_settings", lambda: settings)
    asked = ["series", "--report", YEARLY, "--figure", TOTAL, "--period"]
    capsys.readouterr()
    assert main([*asked, "2024-A1..2026-A1", "--unit", "H55.M", "--as-of", "2027-02-20", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    (shown,) = printed["lines"]
    assert (printed["day"], printed["by"], shown["key"]) == ("2027-02-20", "unit", "H55.M")
    assert [(p["as_was"], p["restated"], p["state"]) for p in shown["points"]][::2] == [
        (None, "6", "incomplete"), ("20", "20", "comparable"),
    ]  # fmt: skip
    assert main([*asked, "2024-A1", "--unit", "H55.N", "--as-of", "2027-02-20"]) == 1
    text = " ".join(capsys.readouterr().out.split())
    assert "không so sánh được" in text
    assert main([*asked, "2024-A1", "--unit", "H55.ZZ"]) == 2
    assert main([*asked, "2024-A1", "--by", "total", "--as-of", "2027-02-20"]) == 0
    assert "212" in capsys.readouterr().out
