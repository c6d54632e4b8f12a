"""Golden cases of F04 (State awards), F06 (base-level awards) and F08 (proposed and decided)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from tests.golden.case import Case, put
from tests.golden.sender import COMMUNE, STATISTICS, YEAR, YEAR_PERIOD, Edit, Sending, drop_sheet
from tests.golden.sound_awards import fill_proposals, fill_state_awards
from tests.golden.sound_decisions import Line, list_decisions, put_line

BAC_KAN_STATE: Mapping[str, Mapping[str, int]] = {
    "2": {"06": 1, "15": 1},
    "3": {"09": 3, "11": 2, "14": 1, "15": 3},
    "7": {"06": 4, "15": 4},
    "8": {"06": 2, "15": 2},
    "9": {"09": 6, "11": 2, "13": 1, "14": 3, "15": 6},
}
"""F04 of Bắc Kạn 2020 (domain brief §1.3, 002-b to 002-e); persons and methods are divided by invention."""
BAC_KAN_PROPOSALS: Mapping[str, Mapping[str, int]] = {
    "3": {"01": 1, "02": 2, "03": 4, "05": 36, "06": 245, "08": 145},
    "4": {"01": 3, "02": 6, "06": 468, "07": 64, "09": 425},
    "5": {"01": 1, "02": 2, "03": 4, "05": 36, "06": 245, "08": 145},
    "6": {"01": 3, "02": 6, "06": 468, "07": 64},
}
"""F08 of Bắc Kạn 2020: 425 badges are proposed ("trình tặng", 002-k), none granted. How many of the others were proposed
was not published; here as many as were granted."""


def state_of_bac_kan(sending: Sending) -> None:
    """An edit: F04 and F08 with the figures of Bắc Kạn 2020."""
    fill_state_awards(sending, BAC_KAN_STATE)
    fill_proposals(sending, BAC_KAN_PROPOSALS)


def list_local_titles(sending: Sending) -> None:
    """An edit: the decisions of a commune on 9 cultural villages and 1.415 families, at the end of F14."""
    day = date(2026, 11, 20)
    for row, award, kind, count in (
        ("39", "Thôn, tổ dân phố văn hóa", "Tập thể", 9),
        ("40", "Gia đình văn hóa", "Hộ gia đình", 1415),
    ):
        line = Line(f"{row}/QĐ-UBND", day, "Chủ tịch UBND xã", award, kind, "Danh sách kèm theo", count)
        put_line(sending, row, line)


def make_award_cases(bac_kan: Edit) -> tuple[Case, ...]:
    """The cases; `bac_kan` fills F05 and F07 with the figures that F08 must agree with."""
    return (
        Case("F04/cao-bang-2021", ["F04"], [], report=STATISTICS, period=YEAR_PERIOD),
        Case("F04/not-sent", ["F04", "F05"], [drop_sheet("F04")], report=STATISTICS, period=YEAR_PERIOD),
        Case(
            "F04/sums-broken",
            ["F04"],
            [
                put("F04", "03", "8", 1),  # proposed by the province: one of two; and row 03
                put("F04", "08", "9", 1),  # a household more; and row 08
                put("F04", "16", "9", 3),  # methods; and row 16
                put("F04", "13", "3", 1),  # individuals; and row 13
                put("F04", "07", "2", 7),  # more enterprises than collectives; and row 07
                put("F04", "21", "1", 4),  # row sum; and methods of column 1
            ],
            report=STATISTICS,
            period=YEAR_PERIOD,
        ),
        Case(
            "F04/not-applicable",
            ["F04"],
            [
                put("F04", "02", "3", 6),  # proposed by a ministry
                put("F04", "09", "7", 1),  # the Government's flag for a person
                put("F04", "06", "10", 1),  # a collective as emulation fighter
                put("F04", "09", "8", 2),  # persons in the column of collectives
                put("F04", "06", "9", 2),  # and the reverse
                put("F04", "08", "9", 0),
                put("F04", "02", "1", 0),  # a nought is no figure
            ],
            report=STATISTICS,
            period=YEAR_PERIOD,
        ),
        Case(
            "F06/commune",
            ["F06"],
            [
                put("F06", "06", "1", 12),
                put("F06", "08", "1", 9),
                put("F06", "09", "1", 1415),
                list_decisions,
                list_local_titles,
                put("F06", "09", "1", "1.415"),
            ],
            COMMUNE,
            YEAR,
            YEAR_PERIOD,
        ),
        Case(
            "F06/department-broken",
            ["F06"],
            [
                put("F06", "05", "1", 81),
                put("F06", "07", "1", 79),
                list_decisions,  # not of what follows: the two titles miss there
                put("F06", "08", "1", 2),
                put("F06", "09", "1", 300),
                put("F06", "01", "1", None),
            ],
            report=YEAR,
            period=YEAR_PERIOD,
        ),
        Case(
            "F08/bac-kan-2020",
            ["F04", "F08"],
            [bac_kan, state_of_bac_kan, list_decisions],
            report=YEAR,
            period=YEAR_PERIOD,
        ),
        Case(
            "F08/granted-not-proposed",
            ["F08"],
            [
                bac_kan,
                state_of_bac_kan,
                list_decisions,
                put("F08", "09", "4", None),
                put("F08", "09", "6", 425),  # the proposed told as granted
                put("F08", "05", "1", 1),
                put("F08", "05", "3", 34),  # 36 flags granted, 34 proposed and one left over
                put("F08", "07", "5", 2),  # a collective as emulation fighter
                put("F08", "06", "4", "hơn 400"),  # disables the comparison of its row alone
            ],
            report=YEAR,
            period=YEAR_PERIOD,
        ),
        Case(
            "cross/decided-ties-broken",
            ["F08"],
            [put("F08", row, column, 1) for row, column in _TIED],
            report=YEAR,
            period=YEAR_PERIOD,
        ),
        Case(
            "cross/decided-without-state-awards",
            ["F08"],
            [drop_sheet("F04"), list_decisions],
            report=YEAR,
            period=YEAR_PERIOD,
        ),
    )


_TIED = (
    ("01", "5"), ("01", "6"), ("02", "5"), ("02", "6"), ("05", "5"), ("06", "5"), ("06", "6"), ("07", "6"), ("08", "5"),
)  # fmt: skip
