"""Structure, fund, proposals, movement results and quality: how they add up, and what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from etl.usecases.consolidate import consolidate_period
from etl.usecases.marts import MartTable, read_mart
from tests.marts.conftest import NOW, deliver
from tests.marts.old_province import (
    FARMS,
    HEALTH,
    OFFICE,
    ONE,
    PARTY,
    REPORT,
    TWO,
    fields,
    open_workbook,
    proposals,
    results,
)
from tests.usecases.deliveries import Post, at

PERIOD = "2021-A1"


def table(post: Post, mart: str) -> MartTable:
    return read_mart(post.context, mart, REPORT, PERIOD)


def by(found: MartTable, column: str) -> dict[object, Mapping[str, object]]:
    return {row[column]: row for row in found.rows}


def test_shares_are_of_sums_and_of_units_that_gave_both_numbers(post: Post) -> None:
    told = {
        FARMS: {"01": 10, "02": 9, "04": 1, "06": 1},
        HEALTH: {"01": 90, "02": 0, "04": 90, "06": 80, "07": 45},
        ONE: {"01": 100, "02": 50, "04": 50},
    }
    deliver(
        post,
        PERIOD,
        {unit: open_workbook(post.context, unit, PERIOD, fields("F07", rows)) for unit, rows in told.items()},
    )
    found = by(table(post, "structure"), "scope")
    whole, departments, communes = found["Toàn tỉnh"], found["Sở, ban, ngành"], found["Xã"]
    assert list(found) == ["Toàn tỉnh", "Xã", "Sở, ban, ngành"]
    assert (whole["tong_ca_nhan"], whole["lanh_dao_quan_ly"]) == (200, 59)
    assert whole["ty_le_lanh_dao"] == Decimal("29.5")  # not the mean of 90, 0 and 50
    # The commune gave no women: its 100 are no part of that share.
    assert (whole["nu"], whole["ty_le_nu"]) == (81, Decimal(81))
    assert whole["ty_le_dan_toc"] == Decimal(50)
    assert (departments["tong_ca_nhan"], departments["ty_le_lanh_dao"]) == (100, Decimal(9))
    assert (communes["ty_le_nu"], communes["nu"]) == (None, None)
    units = by(table(post, "structure_units"), "unit")
    assert (units[FARMS]["ty_le_lanh_dao"], units[ONE]["ty_le_nu"]) == (Decimal(90), None)
    (covered,) = table(post, "structure").coverage
    assert (covered.accepted, covered.expected) == (3, 12)


def test_the_fund_adds_up_and_shows_where_it_does_not(post: Post) -> None:
    sound = {"01": 100, "02": 50, "03": 0, "04": 0, "05": 50, "06": 30, "07": 10, "08": 40, "09": 110}
    broken = {**sound, "09": 115}
    deliver(post, PERIOD, {FARMS: open_workbook(post.context, FARMS, PERIOD, fields("F10", sound))})
    post.deliver(("hong", open_workbook(post.context, ONE, PERIOD, fields("F10", broken)), "2021-12-15T09:00"))
    assert "F10-BALANCE" in [code for code, *_ in post.findings("hong", "F10")]
    post.accept("hong")
    whole = by(table(post, "fund"), "scope")
    total = whole["Toàn tỉnh"]
    assert [total[name] for name in ("du_dau_ky", "tong_thu", "chi_khen_thuong", "du_cuoi_ky")] == [200, 100, 60, 225]
    assert total["chenh_lech"] == -5
    assert (whole["Sở, ban, ngành"]["chenh_lech"], whole["Xã"]["chenh_lech"]) == (0, -5)
    assert [row["chenh_lech"] for row in table(post, "fund_units").rows] == [-5, 0]


def test_what_waits_is_left_over_and_proposed_less_decided(post: Post) -> None:
    first = proposals({"1": {"06": 3}, "3": {"06": 10}, "5": {"06": 8}, "4": {"09": 5}})
    second = proposals({"3": {"06": 4}, "5": {"06": 4}})
    deliver(post, PERIOD, {
        OFFICE: open_workbook(post.context, OFFICE, PERIOD, first), ONE: open_workbook(post.context, ONE, PERIOD, second),
    })  # fmt: skip
    found = by(table(post, "proposed"), "label")
    certificates, badges = found["Bằng khen cấp tỉnh"], found["Huy hiệu, kỷ niệm chương"]
    assert [certificates[name] for name in ("ton_tt", "trinh_tt", "quyet_dinh_tt", "cho_tt")] == [3, 14, 12, 5]
    assert (badges["cho_cn"], badges["quyet_dinh_cn"], badges["cho_tt"]) == (5, 0, None)
    assert certificates["bieu_tt"] is None  # nobody reported F05


def test_movement_lines_say_who_was_asked_and_who_answered(post: Post) -> None:
    deliver(post, PERIOD, {
        ONE: open_workbook(post.context, ONE, PERIOD, results({"CUTRI": (200, 100)})),
        TWO: open_workbook(post.context, TWO, PERIOD, results({"CUTRI": (None, 900)})),
    })  # fmt: skip
    found = by(table(post, "movement_result"), "indicator_name")
    voters = found["Số cử tri đi bầu"]
    assert (voters["plan"], voters["result"], voters["units"], voters["units_asked"]) == (200, 1000, 2, 2)
    assert voters["rate"] == Decimal(50)  # of the unit that gave both
    assert voters["lead_has_reported"] == "không"
    assert (found["Số đại biểu Quốc hội trúng cử"]["result"], found["Số đại biểu Quốc hội trúng cử"]["units"]) == (
        None,
        0,
    )
    units = table(post, "movement_units").rows
    assert [(row["unit_name"], row["result"], row["rate"]) for row in units] == [
        ("Xã Ân Tình", 900, None), ("Xã Đề Thám", 100, Decimal(50)),
    ]  # fmt: skip


def test_quality_shows_every_component(post: Post) -> None:
    context = post.context
    structure = fields("F07", {"01": 10, "02": 5, "04": 5})
    mixed = fields("F07", {"01": 468, "02": 179, "04": 289, "03": 38.2, "05": 61.75})
    deliver(post, PERIOD, {FARMS: open_workbook(context, FARMS, PERIOD, structure)})
    broken = fields("F07", {"01": 10, "02": 5, "04": 4})
    post.deliver(("sai", open_workbook(context, HEALTH, PERIOD, broken), "2021-12-15T09:00"))
    post.deliver(("dung", open_workbook(context, HEALTH, PERIOD, mixed), "2021-12-16T09:00"))
    post.deliver(("muon", open_workbook(context, ONE, PERIOD, structure), "2021-12-20T09:00"))
    post.deliver(("chua-dat", open_workbook(context, TWO, PERIOD, broken), "2021-12-15T09:00"))
    found = by(table(post, "quality"), "unit")
    assert post.verdict("dung") == "accepted_with_warnings"

    def components(unit: str) -> list[object]:
        names = ("status_code", "completeness", "timeliness", "validity", "consistency", "corrections", "score")
        return [found[unit][name] for name in names]

    assert components(FARMS) == ["on_time", 100, 100, 100, 100, 100, 100]
    # Two attempts, one warning: 30 + 25 + 20 * 0,98 + 15 + 10 * 0,8
    assert (found[HEALTH]["warnings"], found[HEALTH]["attempts"]) == (1, 2)
    assert components(HEALTH) == ["on_time", 100, 100, 98, 100, 80, Decimal("97.6")]
    # Due on Friday 17/12: one working day late.
    assert components(ONE) == ["late", 100, 90, 100, 100, 100, Decimal("97.5")]
    assert found[TWO]["errors"] == len([code for code, *_ in post.findings("chua-dat", "")])
    assert components(TWO)[:3] == ["rejected", 0, 0]
    assert components(PARTY) == ["missing", 0, 0, 0, 0, 0, 0]
    assert "trọng số 30" in table(post, "quality").note


def test_quality_counts_what_was_found_between_units(post: Post) -> None:
    text = fields("F07", {"01": 10, "02": 5, "04": 5})
    deliver(post, PERIOD, {unit: open_workbook(post.context, unit, PERIOD, text) for unit in (FARMS, HEALTH)})
    before = by(table(post, "quality"), "unit")[FARMS]
    with post.context.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO core.period_finding (report, period, code, severity, subject, message, fix, recorded_at, unit) "
            f"VALUES ('{REPORT}', '{PERIOD}', 'P-OUTLIER', 'warning', 's', 'm', 'f', '{NOW.isoformat()}', '{FARMS}')"
        )
    after = by(table(post, "quality"), "unit")[FARMS]
    assert (before["consistency"], after["consistency"], after["score"]) == (100, 95, Decimal("99.3"))
    assert by(table(post, "quality"), "unit")[HEALTH]["period_warnings"] == 0


def test_findings_are_those_of_the_newest_and_of_the_counted_submission(post: Post) -> None:
    good = fields("F07", {"01": 468, "02": 179, "04": 289, "03": 38.2, "05": 61.75})
    bad = fields("F07", {"01": 10, "02": 5, "04": 4})
    post.deliver(("mot", open_workbook(post.context, HEALTH, PERIOD, good), "2021-12-15T09:00"))
    post.deliver(("hai", open_workbook(post.context, HEALTH, PERIOD, bad), "2021-12-16T09:00"))
    found = [(row["is_counted"], row["severity"], row["code"]) for row in table(post, "findings").rows]
    assert ("có", "cảnh báo", "F07-PERCENT-SUM") in found
    assert ("không", "lỗi", "F07-TOTAL") in found
    assert found[0][0] == "có"
    early = read_mart(post.context, "findings", REPORT, PERIOD, as_of=at("2021-12-15T12:00"))
    assert {row["is_counted"] for row in early.rows} == {"có"}
    consolidate_period(post.context, REPORT, PERIOD, NOW)
    assert table(post, "period_findings").rows
