"""Rules that compare a submission with what its unit, or its predecessors, reported before: before the verdict."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from deliveries import Post, at, edit_csv, rows_of
from test_ingest import fingerprint

from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.context import Context, open_context
from etl.usecases.prepare import init_warehouse
from tests.golden.sender import DEPARTMENT, SOUND_AWARDS, YEAR, YEAR_PERIOD, Edit, Sending, make_sending

NOW = at("2028-01-20T08:00")
WARD, COMMUNE = "H14.X01273", "H14.X01297"
BEFORE, AFTER = "2026-S1", "2026-S2"
"""Two periods of one year."""
DONATED = "Cả nước chung tay vì người nghèo – Không để ai bị bỏ lại phía sau – Số tiền ủng hộ Quỹ Vì người nghèo"


def cumulative(value: float, row: str = "VNN+VNN04") -> Edit:
    """An edit: a running total of F03, with a result in the period that fits it."""

    def edit(sending: Sending) -> None:
        sending.put("F03", row, "1", 200).put("F03", row, "2", 10).put("F03", row, "3", value).put("F03", row, "4", 5)

    return edit


def other_figures(sending: Sending) -> None:
    """An edit: F03, F05 and F07 differ from the sound ones by a little."""
    for row in ("DMST+DVTG", "VNN+CNTG"):
        sending.put("F03", row, "2", 52).put("F03", row, "4", 26)
    awards = {column: dict(rows) for column, rows in SOUND_AWARDS.items()}
    awards["2"]["02"], awards["2"]["11"] = 11, 26
    sending.fill_awards(awards)
    sending.field("F07", "06", 8)


@contextmanager
def open_post(
    make_settings: Callable[..., Settings], tmp_path: Path, lineage: list[dict[str, str]], gone: dict[str, str]
) -> Iterator[Post]:
    """A warehouse of the sample province; units `gone` (code → last day) and a lineage of its own."""
    register = Path(shutil.copytree(PROJECT_ROOT / "register", tmp_path / "register"))
    edit_csv(register / "units.csv", {code: {"valid_to": day} for code, day in gone.items()})
    for name in ("blocs.csv", "exemptions.csv"):
        edit_csv(
            register / name,
            {code: {"valid_to": day} for code, day in gone.items()} if name == "blocs.csv" else {},
            "unit",
        )
    edit_csv(
        register / "lineage.csv", {}, "predecessor",
        [{"recorded_at": "2025-12-01T08:00:00+07:00", "legal_basis": "thử nghiệm", **row} for row in lineage],
    )  # fmt: skip
    settings = make_settings(register)
    init_warehouse(settings, clock=lambda: NOW)
    with open_context(settings, clock=lambda: NOW) as context:
        yield Post(context, tmp_path)


@pytest.fixture
def post(make_settings: Callable[..., Settings], tmp_path: Path) -> Iterator[Post]:
    with open_post(make_settings, tmp_path, [], {}) as opened:
        yield opened


def test_a_first_period_has_nothing_to_compare_with(post: Post) -> None:
    post.deliver(("a", make_sending(period=BEFORE), "2026-06-15T08:00"))
    assert post.findings("a", "") == []
    assert post.verdict("a") == "accepted"


def test_a_running_total_that_falls_is_a_warning_at_its_cell(post: Post) -> None:
    fell = make_sending(other_figures, cumulative(99), period=AFTER)
    post.deliver(("a", make_sending(cumulative(100), period=BEFORE), "2026-06-15T08:00"))
    post.deliver(("b", fell, "2026-12-15T08:00"))
    assert post.findings("b") == [("H-CUMULATIVE-FALLS", fell.cell("F03", "VNN+VNN04", "3"), "99", "100")]
    assert post.verdict("b") == "accepted_with_warnings"
    assert messages(post, "H-CUMULATIVE-FALLS") == [
        f"{DONATED}, cột “Lũy kế từ đầu năm”: số lũy kế 99 thấp hơn 100 đã báo cáo ở 6 tháng đầu năm 2026."
    ]


def messages(post: Post, code: str) -> list[str]:
    """What the findings of a code say, without repetition."""
    told = rows_of(post.context, "SELECT DISTINCT message FROM core.finding WHERE code = :code ORDER BY 1", code=code)
    return [str(message) for (message,) in told]


def results(**values: float) -> Edit:
    """An edit: results of F03 in the period by indicator of VNN, with a running total and a plan that fit them."""

    def edit(sending: Sending) -> None:
        for indicator, value in values.items():
            for column, figure in (("1", 200), ("2", value), ("3", value), ("4", value / 2)):
                sending.put("F03", f"VNN+{indicator}", column, figure)

    return edit


def test_a_year_with_less_than_its_half_is_a_warning_at_each_key_figure(post: Post) -> None:
    """The participants (no running total) may be fewer; the window of the other half does not hold the first."""
    half = make_sending(results(VNN04=60, CNTG=90), awards_of(40), period=BEFORE)
    year = make_sending(results(VNN04=40, CNTG=20), awards_of(30), report=YEAR, period=YEAR_PERIOD)
    post.deliver(("half", half, "2026-06-15T08:00"))
    post.deliver(("later", make_sending(results(VNN04=10), awards_of(26), period=AFTER), "2026-12-15T07:00"))
    post.deliver(("year", year, "2026-12-15T08:00"))
    assert fallen(post, "later") == []
    found = {(cell, value, expected) for cell, value, expected in fallen(post, "year")}
    assert (year.cell("F03", "VNN+VNN04", "2"), "40", "60") in found
    assert (year.cell("F05", "05", "1"), "30", "40") in found
    assert (year.cell("F07", "01"), "30", "40") in found
    told = messages(post, "H-WINDOW-FALLS")
    assert (
        f"{DONATED}, cột “Thực hiện trong kỳ”: 40, "
        "thấp hơn 60 đã báo cáo ở 6 tháng đầu năm 2026, dù kỳ này gồm cả kỳ đó."
    ) in told
    assert not any("Số cá nhân tham gia" in message or "(0" in message for message in told)


def test_a_year_that_reaches_its_half_is_no_warning(post: Post) -> None:
    post.deliver(("half", make_sending(results(VNN04=60), awards_of(40), period=BEFORE), "2026-06-15T08:00"))
    same = make_sending(results(VNN04=60), awards_of(40), report=YEAR, period=YEAR_PERIOD)
    post.deliver(("year", same, "2026-12-15T08:00"))
    assert fallen(post, "year") == []


def test_a_rejected_half_and_another_units_half_are_no_standard(post: Post) -> None:
    wrong = make_sending(awards_of(90), lambda s: s.put("F05", "11", "2", "hai mươi"), period=BEFORE)
    other = make_sending(awards_of(90), period=BEFORE, unit=COMMUNE)
    post.deliver(("wrong", wrong, "2026-06-15T08:00"), ("other", other, "2026-06-15T08:00"))
    post.deliver(("year", make_sending(awards_of(30), report=YEAR, period=YEAR_PERIOD), "2026-12-15T08:00"))
    assert post.verdict("wrong") == "rejected"
    assert fallen(post, "year") == []


def test_a_restatement_with_fewer_awards_is_no_longer_window(post: Post) -> None:
    post.deliver(
        ("a", make_sending(awards_of(40), period=BEFORE), "2026-06-15T08:00"),
        ("b", make_sending(awards_of(30), period=BEFORE), "2026-06-16T08:00"),
    )
    assert fallen(post, "b") == []


def fallen(post: Post, name: str) -> list[tuple[str | None, ...]]:
    """(cell, value, expected) of the figures below those of a window within."""
    return [found[1:] for found in post.findings(name) if found[0] == "H-WINDOW-FALLS"]


@pytest.mark.parametrize(
    ("before", "after", "unit_before", "period"),
    [
        pytest.param(cumulative(100), cumulative(100), DEPARTMENT, AFTER, id="stayed"),
        pytest.param(cumulative(100), cumulative(99), DEPARTMENT, "2027-S1", id="another year"),
        pytest.param(cumulative(100), cumulative(99), COMMUNE, AFTER, id="another unit"),
        pytest.param(
            cumulative(100, "DMST+DMST02"), cumulative(99, "DMST+DMST02"), DEPARTMENT, AFTER, id="not cumulative"
        ),
    ],
)
def test_a_running_total_may(post: Post, before: Edit, after: Edit, unit_before: str, period: str) -> None:
    post.deliver(("a", make_sending(before, period=BEFORE, unit=unit_before), "2026-06-15T08:00"))
    post.deliver(("b", make_sending(other_figures, after, period=period), "2027-12-15T08:00"))
    assert "H-CUMULATIVE-FALLS" not in {found[0] for found in post.findings("b")}


def test_a_restatement_below_what_was_accepted_asks_for_a_reason(post: Post) -> None:
    post.deliver(
        ("a", make_sending(cumulative(100), period=BEFORE), "2026-06-15T08:00"),
        ("b", make_sending(cumulative(80), period=BEFORE), "2026-06-16T08:00"),
    )
    assert [(found[0], found[2], found[3]) for found in post.findings("b")] == [("H-CUMULATIVE-FALLS", "80", "100")]
    (message,) = rows_of(post.context, "SELECT message FROM core.finding WHERE code = 'H-CUMULATIVE-FALLS'")[0]
    assert "lần nộp trước của kỳ này, nhận ngày 15/06/2026" in str(message)


def test_a_rejected_file_is_no_standard(post: Post) -> None:
    wrong = make_sending(cumulative(500), lambda s: s.put("F05", "11", "2", "hai mươi"), period=BEFORE)
    post.deliver(
        ("a", wrong, "2026-06-15T08:00"), ("b", make_sending(cumulative(80), period=BEFORE), "2026-06-16T08:00")
    )
    assert post.verdict("a") == "rejected"
    assert post.findings("b") == []


@pytest.mark.parametrize("together", [True, False])
def test_one_batch_or_three_find_the_same(post: Post, together: bool) -> None:
    """A unit's second file is compared with its first, also where both arrived before anybody looked."""
    files = [
        ("a", make_sending(cumulative(100), period=BEFORE), "2026-06-15T08:00"),
        ("b", make_sending(other_figures, cumulative(60), period=AFTER), "2026-12-15T08:00"),
        ("c", make_sending(other_figures, cumulative(40), period=AFTER), "2026-12-16T08:00"),
    ]
    for group in [files] if together else [[file] for file in files]:
        post.deliver(*group)
    assert [found[2:] for name in "bc" for found in post.findings(name)] == [("60", "100"), ("40", "100")]


def test_the_same_figures_again_are_a_warning_of_the_form(post: Post) -> None:
    """F05 alone is what it was: F03 and F07 have changed."""
    again = make_sending(other_figures, lambda s: s.fill_awards(SOUND_AWARDS), period=AFTER)
    post.deliver(("a", make_sending(period=BEFORE), "2026-06-15T08:00"), ("b", again, "2026-12-15T08:00"))
    assert rows_of(post.context, "SELECT form, sheet, cell FROM core.finding WHERE code = 'H-SAME-AS-LAST'") == [
        ("F05", "F05 Khen thưởng cấp tỉnh", None)
    ]
    (message,) = rows_of(post.context, "SELECT message FROM core.finding WHERE code = 'H-SAME-AS-LAST'")[0]
    assert "(6 tháng đầu năm 2026)" in str(message)


def test_one_other_figure_is_enough(post: Post) -> None:
    again = make_sending(other_figures, period=AFTER)
    post.deliver(("a", make_sending(period=BEFORE), "2026-06-15T08:00"), ("b", again, "2026-12-15T08:00"))
    assert post.findings("b") == []


def awards_of(total: int, rest: int = 5) -> Edit:
    """An edit: F05 with that many certificates for individuals doing the work, and collectives; F07 to match."""

    def edit(sending: Sending) -> None:
        sending.fill_awards({"2": {"02": rest, "05": total, "10": total, "11": total + rest}})
        structure = {"01": total, "02": 0, "03": 0, "04": total, "05": 100, "06": 0, "07": 0, "08": 0}
        for row, value in structure.items():
            sending.field("F07", row, value)

    return edit


def changes(post: Post, name: str) -> set[tuple[str | None, str | None]]:
    """(value, expected) of the changes by more than half."""
    return {found[2:] for found in post.findings(name) if found[0] == "H-CHANGE-50"}


def test_more_than_half_against_the_same_period_of_last_year(post: Post) -> None:
    post.deliver(("a", make_sending(awards_of(40), period=BEFORE), "2026-06-15T08:00"))
    post.deliver(("b", make_sending(awards_of(61, 6), period="2027-S1"), "2027-06-15T08:00"))
    # 45 → 67 is under half, 40 → 61 over it; 5 → 6 is small and under half anyway.
    assert changes(post, "b") == {("61", "40")}
    told = messages(post, "H-CHANGE-50")
    assert ("Cá nhân, cột “Tổng số”: 61, khác quá 50 % so với 40 của cùng kỳ năm trước (6 tháng đầu năm 2026).") in told
    assert any(message.startswith("Tổng số cá nhân được tặng bằng khen: 61, ") for message in told)
    assert not any("=" in message for message in told)


def test_small_figures_may_change_by_any_share(post: Post) -> None:
    post.deliver(("a", make_sending(awards_of(9, 1), period=BEFORE), "2026-06-15T08:00"))
    post.deliver(("b", make_sending(awards_of(17, 2), period="2027-S1"), "2027-06-15T08:00"))
    assert changes(post, "b") == set()


MERGED = {"predecessor": COMMUNE, "successor": WARD, "kind": "absorb", "valid_from": "2027-01-01"}


def deliver_two_and_one(post: Post, total: int) -> None:
    post.deliver(
        ("a", make_sending(awards_of(40), period=BEFORE, unit=COMMUNE), "2026-06-15T08:00"),
        ("b", make_sending(awards_of(60), period=BEFORE, unit=WARD), "2026-06-15T09:00"),
    )
    post.deliver(("c", make_sending(awards_of(total, 10), period="2027-S1", unit=WARD), "2027-06-15T08:00"))


def test_a_merged_unit_is_compared_with_the_sum_of_its_predecessors(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    with open_post(make_settings, tmp_path, [MERGED], {COMMUNE: "2026-12-31"}) as post:
        deliver_two_and_one(post, 100)
        assert changes(post, "c") == set()


def test_a_merged_unit_that_changed_is_told_both_values(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    with open_post(make_settings, tmp_path, [MERGED], {COMMUNE: "2026-12-31"}) as post:
        deliver_two_and_one(post, 200)
        assert changes(post, "c") == {("200", "100"), ("210", "110")}
        (message,) = rows_of(post.context, "SELECT min(message) FROM core.finding WHERE code = 'H-CHANGE-50'")[0]
        assert "cộng 2 đơn vị trước sáp nhập" in str(message)


def test_without_one_predecessor_there_is_no_sum(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    with open_post(make_settings, tmp_path, [MERGED], {COMMUNE: "2026-12-31"}) as post:
        post.deliver(("b", make_sending(awards_of(60), period=BEFORE, unit=WARD), "2026-06-15T09:00"))
        post.deliver(("c", make_sending(awards_of(200, 10), period="2027-S1", unit=WARD), "2027-06-15T08:00"))
        assert changes(post, "c") == set()


def test_a_part_that_went_over_makes_both_incomparable(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    divided = [{**MERGED, "kind": "split", "share": "0.4"}]
    with open_post(make_settings, tmp_path, divided, {}) as post:
        deliver_two_and_one(post, 200)
        post.deliver(("d", make_sending(awards_of(400, 10), period="2027-S1", unit=COMMUNE), "2027-06-15T08:00"))
        assert changes(post, "c") == changes(post, "d") == set()


def test_ingesting_again_changes_nothing(post: Post) -> None:
    post.deliver(("a", make_sending(cumulative(100), period=BEFORE), "2026-06-15T08:00"))
    post.deliver(("b", make_sending(other_figures, cumulative(99), period=AFTER), "2026-12-15T08:00"))
    before = fingerprint(post.context)
    post.deliver()
    assert fingerprint(post.context) == before


def count_tables(context: Context) -> int:
    """Temporary tables left behind."""
    return len(rows_of(context, "SELECT 1 FROM pg_class WHERE relname IN ('candidate', 'earlier')"))


def test_nothing_temporary_stays(post: Post) -> None:
    post.deliver(
        ("a", make_sending(period=BEFORE), "2026-06-15T08:00"), ("b", make_sending(period=AFTER), "2026-12-15T08:00")
    )
    assert post.findings("b") != []
    assert count_tables(post.context) == 0
