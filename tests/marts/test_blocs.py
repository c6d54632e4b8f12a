"""Blocs: what the ranks entitle to, ties, missing members and gaps, and the parameters that were in force."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from etl.settings import Settings
from etl.usecases.consolidate import consolidate_period
from etl.usecases.context import open_context
from etl.usecases.marts import read_mart
from etl.usecases.period_rules import PeriodFinding
from etl.usecases.prepare import init_warehouse
from tests.marts.conftest import NOW, deliver
from tests.marts.old_province import (
    BLOC,
    CERTIFICATE,
    FLAG,
    LANG_SON_SCORES,
    NOTHING,
    OFFICE,
    REPORT,
    open_workbook,
    scores,
    write_register,
)
from tests.usecases.deliveries import Post, at

PERIOD = "2021-A1"
Line = Mapping[str, object]


def report(
    post: Post, changes: Mapping[str, tuple[float, float, int, str] | None], *, accept: bool = False
) -> list[str]:
    """The bloc's report with other lines; codes of its findings. `accept`: a reviewer accepts it whatever they are."""
    sending = open_workbook(post.context, BLOC, PERIOD, scores({**LANG_SON_SCORES, **changes}))
    if accept:
        post.deliver((BLOC, sending, "2021-12-15T08:00"))
        post.accept(BLOC)
    else:
        deliver(post, PERIOD, {BLOC: sending})
    return [row[0] for row in post.findings(BLOC if accept else f"{BLOC}_{PERIOD}", "")]


def lines(post: Post, **asked: object) -> dict[str, Line]:
    found = read_mart(post.context, "blocs", REPORT, PERIOD, **asked)  # type: ignore[arg-type]
    return {str(row["unit"]): row for row in found.rows}


def findings(post: Post, code: str) -> list[PeriodFinding]:
    return [item for item in consolidate_period(post.context, REPORT, PERIOD, NOW).findings if item.code == code]


def test_a_sound_report_gives_no_finding(post: Post) -> None:
    assert report(post, {}) == []
    assert findings(post, "P-BLOC-MEMBERS") == findings(post, "P-BLOC-PROPOSAL") == []


def test_a_missing_member_is_a_finding_and_is_shown(post: Post) -> None:
    assert "ROW-NOT-REPORTED" in report(post, {"H99.SNGV": None}, accept=True)
    found = lines(post)
    assert len(found) == 7
    assert found["H99.SNGV"]["remark"] == "thành viên thiếu trong báo cáo của khối, cụm"
    assert (found["H99.SNGV"]["derived"], found["H99.SNGV"]["proposal"]) == (None, None)
    (said,) = findings(post, "P-BLOC-MEMBERS")
    assert said.unit == BLOC and "Sở Ngoại vụ (thiếu, hoặc chưa có thứ hạng)" in said.message


def test_a_rank_gap_is_a_finding_and_is_shown(post: Post) -> None:
    assert "F11-RANK-GAP" in report(post, {"H99.STP": (94, 92, 9, NOTHING)})
    assert (
        lines(post)["H99.STP"]["remark"] == "thứ hạng không nối tiếp (hạng 7 còn trống); theo điểm bình xét là hạng 7"
    )
    (said,) = findings(post, "P-BLOC-MEMBERS")
    assert "Sở Tư pháp (hạng 9 không nối tiếp)" in said.message


def test_a_tie_and_a_proposal_that_the_rank_does_not_give_are_shown(post: Post) -> None:
    report(post, {"H99.SNGV": (97, 97, 2, NOTHING)})
    found = lines(post)
    tied = "đồng hạng 2 với 1 đơn vị khác"
    assert found["H99.VPHDND"]["remark"] == tied
    assert found["H99.SNGV"]["remark"] == f"{tied}; đề nghị của khối, cụm khác với suy từ thứ hạng"
    assert (found["H99.SNGV"]["derived"], found["H99.SNGV"]["proposal"]) == (CERTIFICATE, "Không đề nghị")
    (said,) = findings(post, "P-BLOC-PROPOSAL")
    assert "Sở Ngoại vụ (hạng 2: đề nghị không khen, theo thứ hạng là Bằng khen)" in said.message
    assert findings(post, "P-BLOC-MEMBERS") == []


def test_two_first_ranks_are_two_flags_and_a_member_without_a_score_is_named(post: Post) -> None:
    blank: tuple[float, float | None, int, str] = (94, None, 7, NOTHING)
    report(post, {"H99.VPHDND": (98, 98, 1, FLAG), "H99.STP": blank}, accept=True)  # type: ignore[dict-item]
    found = lines(post)
    assert [found[unit]["derived"] for unit in ("H99.STC", "H99.VPHDND", "H99.SNGV", "H99.SKHDT")] == [
        FLAG, FLAG, CERTIFICATE, "Không đề nghị",
    ]  # fmt: skip
    assert found["H99.STC"]["remark"] == "đồng hạng 1 với 1 đơn vị khác"
    assert found["H99.STP"]["remark"] == "chưa có điểm bình xét"
    assert (found["H99.STP"]["rank"], found["H99.STP"]["rank_by_score"]) == (7, None)


def test_a_silent_bloc_has_its_members_without_scores(post: Post) -> None:
    found = lines(post)
    assert len(found) == 7
    assert {row["remark"] for row in found.values()} == {"khối, cụm chưa có báo cáo được chấp nhận"}
    assert findings(post, "P-BLOC-MEMBERS") == findings(post, "P-BLOC-PROPOSAL") == []


def test_the_ranks_follow_the_parameters_in_force_when_the_period_was_due(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Two flags in 2021; from 2022 on one flag again: what was proposed for 2021 does not turn over."""
    settings = make_settings(write_register(tmp_path / "register", flag_ranks=2))
    init_warehouse(settings, clock=lambda: NOW)
    with open_context(settings, clock=lambda: NOW) as context:
        post = Post(context, tmp_path)
        report(post, {"H99.VPHDND": (97.5, 97, 2, FLAG)})
    shutil.rmtree(tmp_path / "register")
    write_register(tmp_path / "register", flag_ranks=1)
    later = at("2022-03-01T08:00")
    init_warehouse(settings, clock=lambda: later)
    with open_context(settings, clock=lambda: later) as context:
        post = Post(context, tmp_path)
        assert [row["derived"] for row in list(lines(post).values())[:3]] == [FLAG, FLAG, CERTIFICATE]
        assert lines(post)[OFFICE]["derived"] == "Không đề nghị"
        next_year = read_mart(context, "blocs", REPORT, "2022-A1")
        assert len(next_year.rows) == 7 and {row["derived"] for row in next_year.rows} == {None}
