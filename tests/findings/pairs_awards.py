"""The pairs of F04, F06, F08 and their ties: code -> (edits, where it is told, edits of the twin), on the year's report.

Cells are written out by hand: A1 in the template of the department.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.golden.case import put
from tests.golden.sender import Edit, drop_sheet

F04, F06, F08 = "F04 Khen thưởng Nhà nước", "F06 Khen thưởng cơ sở", "F08 Trình và quyết định"
Edits = Sequence[Edit]
Told = tuple[Edits, tuple[str, str], Edits]


def granted(row: str, column: str, number: int) -> list[Edit]:
    """Edits: as many granted as proposed, whatever was left over."""
    proposed = {"5": "3", "6": "4"}[column]
    return [put("F08", row, proposed, number), put("F08", row, column, number)]


AWARD_PAIRS: dict[str, Told] = {
    "F04-ROW-SUM": ([put("F04", "15", "1", 9)], (F04, "C21"), []),
    "F04-PROPOSER": ([put("F04", "03", "8", 1)], (F04, "J9"), [put("F04", "03", "8", None)]),
    "F04-BY-SUBJECT": ([put("F04", "08", "9", 1)], (F04, "K9"), [put("F04", "07", "8", 2)]),
    "F04-BY-METHOD": (
        [put("F04", "16", "9", 3)],
        (F04, "K9"),
        [put("F04", f"{row}", "9", None) for row in range(15, 22)],
    ),
    "F04-INDIVIDUALS": ([put("F04", "13", "3", 1)], (F04, "E15"), [put("F04", "11", "3", 1), put("F04", "13", "3", 1)]),
    "F04-ENTERPRISES": ([put("F04", "07", "2", 7)], (F04, "D13"), [put("F04", "07", "2", 6)]),
    "F06-FIGHTERS": ([put("F06", "05", "1", 81)], (F06, "D13"), [put("F06", "05", "1", 80)]),
    "F06-ADVANCED": ([put("F06", "06", "1", 101)], (F06, "D14"), [put("F06", "06", "1", 100)]),
    "F06-VILLAGES": ([put("F06", "08", "1", 1)], (F06, "D16"), [put("F06", "08", "1", None)]),
    "F06-FAMILIES": ([put("F06", "09", "1", 1)], (F06, "D17"), [put("F06", "09", "1", "-")]),
    "F08-GRANTED-COLLECTIVES": ([put("F08", "06", "3", 6)], (F08, "G14"), [put("F08", "08", "3", 7)]),
    "F08-GRANTED-INDIVIDUALS": (
        [put("F08", "09", "4", None), put("F08", "09", "6", 425)],  # seed 002-k: proposed, told as granted
        (F08, "H17"),
        [put("F08", "09", "4", 425), put("F08", "09", "6", None)],
    ),
    "X-DECIDED-ORDERS-COLLECTIVES": (granted("01", "5", 5), (F08, "G9"), [*granted("01", "5", 5), drop_sheet("F04")]),
    "X-DECIDED-ORDERS-INDIVIDUALS": (granted("01", "6", 7), (F08, "H9"), granted("01", "6", 6)),
    "X-DECIDED-PM-COLLECTIVES": (granted("02", "5", 3), (F08, "G10"), granted("02", "6", 3)),
    "X-DECIDED-PM-INDIVIDUALS": (granted("02", "6", 1), (F08, "H10"), granted("02", "5", 1)),
    "X-DECIDED-STATE-FLAGS": (granted("03", "5", 1), (F08, "G11"), [put("F08", "03", "3", 1)]),
    "X-DECIDED-STATE-FIGHTERS": (granted("04", "6", 1), (F08, "H12"), [put("F08", "04", "6", None)]),
    "X-DECIDED-FLAGS": ([put("F08", "05", "5", None)], (F08, "G13"), [put("F05", "03", "4", 0)]),
    "X-DECIDED-COLLECTIVES": ([put("F08", "06", "5", 9)], (F08, "G14"), [put("F05", "04", "2", 2)]),
    "X-DECIDED-INDIVIDUALS": ([put("F08", "06", "6", 19)], (F08, "H14"), [put("F05", "04", "2", 2)]),
    "X-DECIDED-FIGHTERS": ([put("F05", "05", "3", 5)], (F08, "H15"), [put("F08", "07", "4", 5)]),
    "X-DECIDED-EXCELLENT": ([put("F08", "08", "5", 6)], (F08, "G16"), [put("F05", "02", "6", None)]),
}
