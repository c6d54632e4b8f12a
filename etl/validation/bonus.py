"""What the decisions of a submission are worth in bonuses: number × coefficient × base salary on the decision's day. Pure.

NĐ 152/2025/NĐ-CP Điều 49–54: the base salary in force when the decision is signed counts, not that of the period's end,
and each bonus is rounded up to ten thousand đồng. Published tables leave 702.000 and 1.872.000 unrounded all the same, so
the sum is exact and the tolerance a rounding a recipient. Awards of the Party are paid by the Party and are left out.
It must not read files or judge anything: the suite of F10 does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from etl.forms.declaration import CellKey
from etl.parsing.submission import ParsedSubmission
from etl.register.model import Register, SubjectKind

ROUNDING = Decimal(10_000)
"""Đồng by which a bonus may be rounded up."""
LIST, FUND = "F14", "F10"
_FIELDS = ("hinh_thuc", "doi_tuong", "so_luong", "ngay_ky")


@dataclass(frozen=True, slots=True)
class BonusLine:
    """One line of decisions: award and kind by their codes, how many recipients, the day of the decision."""

    award: str
    kind: str
    count: Decimal
    day: date


@dataclass(frozen=True, slots=True)
class Bonus:
    """What is due, in đồng, and by how much roundings may raise or lower it."""

    due: Decimal
    tolerance: Decimal


def compute_bonus(lines: Iterable[BonusLine], register: Register) -> Bonus | None:
    """The bonuses of all lines together; None when one of them has no coefficient or base salary known here."""
    due, recipients = Decimal(0), Decimal(0)
    for line in lines:
        award, salary = register.award_on(line.award, line.day), register.base_salary_on(line.day)
        if award is None or line.kind not in set(SubjectKind):
            return None
        if award.is_party:
            continue
        coefficient = award.coefficients.get(SubjectKind(line.kind))
        if coefficient is None or salary is None:
            return None
        due += line.count * coefficient * salary.amount
        recipients += line.count
    return Bonus(due, recipients * ROUNDING)


def read_bonus_lines(parsed: ParsedSubmission) -> list[BonusLine] | None:
    """The lines of F14 in a submission that has F10 too; None when either is absent, or not all of it can be used."""
    if LIST not in parsed.versions or FUND not in parsed.versions or LIST in parsed.incomplete:
        return None
    codes = {column.field: column.code for column in parsed.versions[LIST].columns}
    lines = []
    for row in parsed.rows.get(LIST, ()):
        cells = [parsed.cells.get(CellKey(LIST, row.key, codes[name], row.ordinal)) for name in _FIELDS]
        values = [cell.value for cell in cells if cell is not None and cell.is_usable]
        if len(values) < len(_FIELDS):
            return None
        award, kind, count, day = values
        if award.text is None or kind.text is None or count.number is None or day.day is None:
            return None
        lines.append(BonusLine(award.text, kind.text, count.number, day.day))
    return lines
