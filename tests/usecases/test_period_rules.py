"""Rules on a period after the verdicts: peers, blocs and members, one decision told twice, copied texts. For the reviewer."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from deliveries import Post, at, rows_of
from test_history_rules import awards_of
from test_ingest import fingerprint

from etl.register.entities import UnitType
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.consolidate import consolidate_period, read_period_findings
from etl.usecases.context import open_context
from etl.usecases.period_rules import PeriodFinding
from etl.usecases.prepare import init_warehouse
from etl.validation.outliers import FEWEST_PEERS
from tests.golden.sender import HALF_YEAR, PERIOD, Edit, Sending, make_sending, read_knowledge

NOW = at("2027-12-20T08:00")
YEAR, YEAR_PERIOD = "movements-year", "2026-A1"
BLOC = "H14.KHOI04"


@pytest.fixture
def post(make_settings: Callable[..., Settings], tmp_path: Path) -> Iterator[Post]:
    settings = make_settings(Path(shutil.copytree(PROJECT_ROOT / "register", tmp_path / "register")))
    init_warehouse(settings, clock=lambda: NOW)
    with open_context(settings, clock=lambda: NOW) as context:
        yield Post(context, tmp_path)


def consolidate(post: Post, code: str, report: str = HALF_YEAR, period: str = PERIOD) -> list[PeriodFinding]:
    """The findings of one code, the same from the consolidation and from what it stored."""
    verdicts = rows_of(post.context, "SELECT * FROM core.verdict ORDER BY id")
    found = [item for item in consolidate_period(post.context, report, period, NOW).findings if item.code == code]
    assert rows_of(post.context, "SELECT * FROM core.verdict ORDER BY id") == verdicts
    stored = [item for item in read_period_findings(post.context, report, period) if item.code == code]
    assert sorted(found, key=repr) == sorted(stored, key=repr)
    return found


def departments(number: int) -> list[str]:
    register = read_knowledge().register
    found = [unit.code for unit in register.units_on(date(2026, 6, 14)) if unit.type is UnitType.DEPARTMENT]
    return found[:number]


def test_a_value_far_from_its_peers_is_named_with_their_median(post: Post) -> None:
    units = departments(FEWEST_PEERS + 2)
    sent = [
        (unit, make_sending(awards_of(30 + place), unit=unit), "2026-06-15T08:00") for place, unit in enumerate(units)
    ]
    sent[3] = (units[3], make_sending(awards_of(900), unit=units[3]), "2026-06-15T08:00")
    post.deliver(*sent)
    found = consolidate(post, "P-OUTLIER")
    assert {item.unit for item in found} == {units[3]}
    one = next(item for item in found if (item.form, item.row, item.column) == ("F05", "05", "1"))
    assert (one.value, one.expected) == ("900", "35")
    assert "900" in one.message and "trung vị 35" in one.message and "Cá nhân" in one.message
    before = fingerprint(post.context)
    assert consolidate(post, "P-OUTLIER") == found
    assert fingerprint(post.context) == before
    assert {item.expected for item in consolidate(post, "P-FEW-PEERS")} == set()


def test_like_values_and_small_ones_are_no_question(post: Post) -> None:
    units = departments(FEWEST_PEERS + 2)
    post.deliver(
        *(
            (unit, make_sending(awards_of(2 if place else 15, 1), unit=unit), "2026-06-15T08:00")
            for place, unit in enumerate(units)
        )
    )
    assert consolidate(post, "P-OUTLIER") == []


def test_too_few_peers_are_said_aloud_once_a_form_and_type(post: Post) -> None:
    post.deliver(*((unit, make_sending(unit=unit), "2026-06-15T08:00") for unit in departments(3)))
    found = consolidate(post, "P-FEW-PEERS")
    assert {item.form for item in found} == {"F03", "F05", "F07"}
    assert len(found) == 3
    assert {(item.severity, item.expected) for item in found} == {("info", str(FEWEST_PEERS + 1))}
    assert all("Sở, ban, ngành" in item.subject for item in found)


def deliver_bloc(post: Post, units: list[str], told: float) -> None:
    def joined(sending: Sending) -> None:
        sending.put("F03", "VNN+CNTG", "2", told).put("F03", "VNN+CNTG", "1", None)
        sending.put("F03", "VNN+CNTG", "3", told).put("F03", "VNN+CNTG", "4", None)

    sent = [(unit, make_sending(unit=unit), "2026-06-15T08:00") for unit in units]
    post.deliver(*sent, ("khoi", make_sending(joined, unit=BLOC), "2026-06-15T09:00"))


def bloc_figure(post: Post) -> list[tuple[str | None, str | None]]:
    """(told, sum of the members) of the bloc's persons who took part, where the two differ."""
    found = consolidate(post, "P-BLOC-SUM")
    assert {item.unit for item in found} <= {BLOC}
    return [(item.value, item.expected) for item in found if (item.row, item.column) == ("VNN+CNTG", "2")]


@pytest.mark.parametrize(("told", "expected"), [(180, [("180", "200")]), (200, [])])
def test_a_bloc_is_held_against_the_sum_of_its_members(post: Post, told: int, expected: list[tuple[str, str]]) -> None:
    deliver_bloc(post, [row.unit for row in read_knowledge().register.members_of(BLOC, date(2026, 6, 14))], told)
    assert bloc_figure(post) == expected


def test_a_bloc_with_a_silent_member_is_not_held_against_the_rest(post: Post) -> None:
    members = [row.unit for row in read_knowledge().register.members_of(BLOC, date(2026, 6, 14))]
    deliver_bloc(post, members[:-1], 180)
    assert bloc_figure(post) == []


PERSON = "Bà Nông Thị Kín"


def decided(number: str, recipient: str = PERSON, line: str = "1") -> Edit:
    """An edit: a line of F14."""
    texts = {"B": number, "C": date(2026, 5, 20), "D": "UBND tỉnh, Chủ tịch UBND tỉnh", "E": "Bằng khen cấp tỉnh",
             "F": "Thường xuyên", "G": "Cá nhân", "H": recipient, "1": 1}  # fmt: skip

    def edit(sending: Sending) -> None:
        for column, text in texts.items():
            sending.put("F14", line, column, text)

    return edit


def clear_decisions(sending: Sending) -> None:
    """An edit: no line of F14 (every sound workbook has the same ones)."""
    for key in sending.plan.sheet_of("F14").places:
        if key.column != "A":
            sending.put(*key[:3], None, ordinal=key.ordinal)


def deliver_year(post: Post, *edits: Edit) -> None:
    """The year's report of as many departments, accepted by a reviewer: only the forms that matter here are filled."""
    units = departments(len(edits))
    for place, (unit, edit) in enumerate(zip(units, edits, strict=True)):
        sending = make_sending(clear_decisions, edit, unit=unit, report=YEAR, period=YEAR_PERIOD)
        post.deliver((unit, sending, f"2026-12-15T08:0{place}"))
    post.accept(*units)


def test_one_decision_in_two_reports_names_both_units_and_no_person(post: Post) -> None:
    deliver_year(post, decided("1234/QĐ-UBND"), decided("1234 /qđ-ubnd", "bà  nông thị kín"), decided("999/QĐ-UBND"))
    (found,) = same_decision(post, "1234")
    assert same_decision(post, "999") == []
    register = read_knowledge().register
    names = [register.unit_versions(unit)[-1].name for unit in departments(3)]
    assert [name in found.subject for name in names] == [True, True, False]
    assert found.value == "1"
    assert "Quyết định số 1234/QĐ-UBND ngày 20/05/2026 (1 dòng)." in found.message
    told = rows_of(post.context, "SELECT * FROM mart.period_finding")
    assert "kín" not in str(told).lower()


def test_many_shared_lines_are_one_finding_a_pair_with_the_first_decisions(post: Post) -> None:
    def many(sending: Sending) -> None:
        for line, number in enumerate((10, 10, 11, 12, 13, 14), 1):
            decided(f"{number}/QĐ-UBND", f"Ông Thứ {line}", str(line))(sending)

    deliver_year(post, many, many, decided("10/QĐ-UBND", "Ông Thứ 1"))
    found = consolidate(post, "P-SAME-DECISION", YEAR, YEAR_PERIOD)
    register = read_knowledge().register
    first, second, third = (register.unit_versions(unit)[-1].name for unit in departments(3))
    assert {(item.subject, item.value) for item in found} == {
        (f"{first}, {second}", "6"), (f"{first}, {third}", "1"), (f"{second}, {third}", "1"),
    }  # fmt: skip
    told = next(item.message for item in found if item.value == "6")
    day = "ngày 20/05/2026"
    assert f"10/QĐ-UBND {day} (2 dòng); Quyết định số 11/QĐ-UBND {day} (1 dòng); Quyết định số 12/QĐ-UBND" in told
    assert "; và 2 quyết định khác." in told and "13/QĐ" not in told


def test_one_decision_for_two_recipients_is_nothing(post: Post) -> None:
    deliver_year(post, decided("1234/QĐ-UBND"), decided("1234/QĐ-UBND", "Ông Khác"))
    assert same_decision(post, "1234") == []


def same_decision(post: Post, number: str) -> list[PeriodFinding]:
    """The findings that name a decision."""
    return [item for item in consolidate(post, "P-SAME-DECISION", YEAR, YEAR_PERIOD) if f"{number}/" in item.message]


def narrative(seed: int, row: str = "06") -> Edit:
    """An edit: a section of F01, of words of its own."""
    text = ". ".join(" ".join(f"từ{seed}x{line}x{word}" for word in range(15)) for line in range(6))
    return lambda sending: sending.field("F01", row, text)


def test_sections_copied_from_one_source_are_one_finding(post: Post) -> None:
    form = read_knowledge().forms["F01"].version_on(date(2026, 12, 14))
    rows = [row.code for row in form.fields if row.multiline and not row.restricted][:5]
    assert len(rows) == 5

    def told(sending: Sending, seeds: dict[str, int]) -> None:
        for row, seed in seeds.items():
            narrative(seed, row)(sending)

    own = dict(zip(rows, (1, 2, 3, 4, 5), strict=True))
    other = {rows[0]: 6}
    deliver_year(
        post, lambda s: told(s, own), lambda s: told(s, other), lambda s: told(s, own | other)
    )  # the third: one section of the second, four of the first
    first, second, third = departments(3)
    found = consolidate(post, "P-NARRATIVE-REUSED", YEAR, YEAR_PERIOD)
    assert {(item.unit, item.expected, item.value) for item in found} == {(third, first, "4"), (third, second, "1")}
    message = next(item.message for item in found if item.value == "4")
    assert [form.row_labels[row] in message for row in rows[1:]] == [True, True, True, False]
    assert "; và 1 phần khác." in message


def test_a_copied_section_names_its_source(post: Post) -> None:
    deliver_year(post, narrative(1), narrative(2), narrative(1))
    (found,) = consolidate(post, "P-NARRATIVE-REUSED", YEAR, YEAR_PERIOD)
    units = departments(3)
    assert (found.unit, found.expected, found.form, found.row) == (units[2], units[0], "F01", "06")
    assert "cùng kỳ" in found.message and "100 %" in found.message and "từ1x" not in found.message


def test_a_section_of_the_units_own_last_period_names_that_period(post: Post) -> None:
    deliver_year(post, narrative(1), narrative(2))
    (unit, _) = departments(2)
    post.deliver(
        (f"{unit}-sau", make_sending(narrative(1), unit=unit, report=YEAR, period="2027-A1"), "2027-12-15T08:00")
    )
    post.accept(f"{unit}-sau")
    (found,) = consolidate(post, "P-NARRATIVE-REUSED", YEAR, "2027-A1")
    assert (found.unit, found.expected) == (unit, YEAR_PERIOD)
    assert "chính đơn vị này trong báo cáo năm 2026" in found.message
