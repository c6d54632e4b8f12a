"""Sound lines of F14 and F11 for a workbook as a unit would send it; F10 and F13 stay empty unless a test fills them in.

F14 is written from the figures that the workbook has in F04, F05 and F06 when it is asked for, so that the sums agree.
F11: the seven members of a bloc, ranked and proposed as Lạng Sơn's cluster of advisory bodies was for 2021 (domain brief
§1.2): the first for the flag, the second and third for the certificate. Scores were not published and are invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from etl.forms.declaration import FIELD_COLUMN, CellKey

if TYPE_CHECKING:
    from tests.golden.sender import Sending

SPRING, AUTUMN = date(2026, 5, 19), date(2026, 11, 20)
"""The base salary is 2.340.000 đồng on the first day and 2.530.000 on the second."""
HIGHER_AWARDS = (
    ("Chủ tịch nước", "Huân chương Lao động hạng Ba", "Tập thể", ("F04", "06", "2")),
    ("Chủ tịch nước", "Huân chương Lao động hạng Ba", "Cá nhân", ("F04", "09", "3")),
    ("Thủ tướng", "Bằng khen của Thủ tướng Chính phủ", "Tập thể", ("F04", "06", "8")),
    ("Thủ tướng", "Bằng khen của Thủ tướng Chính phủ", "Cá nhân", ("F04", "09", "9")),
    ("Chủ tịch UBND tỉnh", "Bằng khen của Chủ tịch UBND tỉnh", "Tập thể", ("F05", "02", "2")),
    ("Chủ tịch UBND tỉnh", "Bằng khen của Chủ tịch UBND tỉnh", "Hộ gia đình", ("F05", "04", "2")),
    ("Chủ tịch UBND tỉnh", "Bằng khen của Chủ tịch UBND tỉnh", "Cá nhân", ("F05", "05", "2")),
    ("UBND tỉnh", "Chiến sĩ thi đua cấp tỉnh", "Cá nhân", ("F05", "05", "3")),
    ("UBND tỉnh", "Cờ thi đua của UBND tỉnh", "Tập thể", ("F05", "02", "4")),
    ("UBND tỉnh", "Huy hiệu, kỷ niệm chương", "Cá nhân", ("F05", "05", "5")),
    ("UBND tỉnh", "Tập thể Lao động xuất sắc", "Tập thể", ("F05", "02", "6")),
    ("Thủ tướng", "Cờ thi đua của Chính phủ", "Tập thể", ("F04", "06", "7")),
)
BASE_AWARDS = (
    ("Giấy khen", "Tập thể", ("F06", "01", FIELD_COLUMN)),
    ("Giấy khen", "Cá nhân", ("F06", "03", FIELD_COLUMN)),
    ("Tập thể Lao động tiên tiến", "Tập thể", ("F06", "04", FIELD_COLUMN)),
    ("Chiến sĩ thi đua cơ sở", "Cá nhân", ("F06", "05", FIELD_COLUMN)),
    ("Lao động tiên tiến", "Cá nhân", ("F06", "06", FIELD_COLUMN)),
)
SOUND_SCORES: tuple[tuple[float, float, int, str], ...] = (
    (95.0, 94.0, 4, "Không"),
    (96.0, 93.5, 5, "Không"),
    (98.5, 98.0, 1, "Cờ thi đua của UBND tỉnh"),
    (92.0, 91.0, 6, "Không"),
    (97.0, 96.0, 3, "Bằng khen của Chủ tịch UBND tỉnh"),
    (90.0, 88.5, 7, "Không"),
    (98.0, 97.5, 2, "Bằng khen của Chủ tịch UBND tỉnh"),
)
"""Own score, voted score, rank and proposal of each member, in the order of the template: the offices of the province's
committee and of its council, and the departments of home affairs, finance, justice and foreign affairs, as in Lạng Sơn; the
inspectorate stands for planning and investment, which is no more. Published: ranks 1 to 3 and what they were proposed for."""
SOUND_FUND: Mapping[str, int] = {
    "01": 200_000_000, "02": 500_000_000, "03": 40_000_000, "04": 0, "05": 540_000_000,
    "06": 625_500_000, "07": 12_000_000, "08": 637_500_000, "09": 102_500_000,
}  # fmt: skip
"""F10 beside the sound F14: its decisions are worth 624.651.000 đồng, by at most 187 roundings of 10.000 more."""
SOUND_COMPLAINTS: Mapping[str, int] = {"01": 3, "02": 12, "03": 11, "04": 4, "05": 1, "06": 2}


class Line(NamedTuple):
    """A line of F14 as its sender writes it."""

    number: str
    day: date
    issuer: str
    award: str
    kind: str
    recipient: str
    count: int


def put_line(sending: Sending, row: str, line: Line) -> None:
    """Writes one line of F14."""
    number, day, issuer, award, kind, recipient, count = line
    texts = {"B": number, "D": issuer, "E": award, "F": "Thường xuyên", "G": kind, "H": recipient}
    for column, value in ({**texts, "C": day, "1": count}).items():
        sending.put("F14", row, column, value)


def list_decisions(sending: Sending) -> None:
    """An edit: F14 with a line for every figure that F04, F05 and F06 have now; those of a line cleared beforehand."""
    sheet = sending.plan.sheet_of("F14")
    for key, place in sheet.places.items():
        if key.column != "A":
            sheet.cells[place].value = None
    unit = (sending.plan.metadata or {}).get("unit", "")
    head = "Chủ tịch UBND xã" if ".X" in unit else "Giám đốc sở"
    awards = [(SPRING, *award) for award in HIGHER_AWARDS]
    awards += [(AUTUMN, head, *award) for award in BASE_AWARDS]
    row = 0
    for day, issuer, award, kind, cell in awards:
        count = _figure_at(sending, *cell)
        if count:
            row += 1
            put_line(sending, str(row), Line(f"{row}/QĐ", day, issuer, award, kind, "Danh sách kèm theo", count))


def _figure_at(sending: Sending, form: str, row: str, column: str) -> int:
    sheet = next((sheet for sheet in sending.plan.sheets if sheet.form == form), None)
    value = sheet.cells[sheet.places[CellKey(form, row, column)]].value if sheet is not None else None
    return value if isinstance(value, int) else 0


def fill_scores(sending: Sending, scores: tuple[tuple[float, float, int, str], ...] = SOUND_SCORES) -> None:
    """F11: scores, ranks and proposals of the members, in the order of the template."""
    members = dict.fromkeys(key.row for key in sending.plan.sheet_of("F11").places if key.row)
    for member, (own, score, rank, proposal) in zip(members, scores, strict=True):
        for column, value in (("1", own), ("2", score), ("3", rank), ("C", proposal)):
            sending.put("F11", member, column, value)


def fill_fund(sending: Sending) -> None:
    """An edit: F10 filled in."""
    for row, amount in SOUND_FUND.items():
        sending.field("F10", row, amount)


def fill_complaints(sending: Sending) -> None:
    """An edit: F13 filled in."""
    for row, number in SOUND_COMPLAINTS.items():
        sending.field("F13", row, number)


def fill_sound_decisions(sending: Sending) -> None:
    """F14 and F11, where the workbook has them; a bloc's F14 is optional and stays empty."""
    forms = {sheet.form for sheet in sending.plan.sheets}
    if "F11" in forms:
        fill_scores(sending)
    elif "F14" in forms:
        list_decisions(sending)
