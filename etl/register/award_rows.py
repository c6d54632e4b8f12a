"""The rows of awards.csv and base_salary.csv: how one is read, and whether they fit together.

Pure, over `Row` and `Located`. It must not repair anything: it says what is wrong, and on which line.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

from etl.register.awards import Award, BaseSalary, IssuerLevel, SubjectKind
from etl.register.table import Located, Problem, Row

AWARDS_FILE, SALARY_FILE = "awards.csv", "base_salary.csv"
KIND_COLUMNS: Mapping[SubjectKind, str] = {
    SubjectKind.COLLECTIVE: "collective",
    SubjectKind.HOUSEHOLD: "household",
    SubjectKind.INDIVIDUAL: "individual",
}
AWARD_COLUMNS = (
    *("code", "name", "issuers", "kinds"),
    *(f"coefficient_{name}" for name in KIND_COLUMNS.values()),
    *(f"cell_{name}" for name in KIND_COLUMNS.values()),
    *("valid_from", "valid_to", "legal_basis", "recorded_at"),
)
SALARY_COLUMNS = ("amount", "valid_from", "legal_basis", "recorded_at")

_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,19}")
_CELL = re.compile(r"(F[0-9]{2})\.([A-Za-z0-9_]{1,20})\.([A-Za-z0-9_]{1,20})")
_MOST_COEFFICIENT = Decimal(100)


def build_award(row: Row, default: datetime) -> Award:
    """One row of awards.csv."""
    kinds = row.choices("kinds", SubjectKind)
    coefficients: dict[SubjectKind, Decimal] = {}
    cells: dict[SubjectKind, tuple[str, str, str]] = {}
    for kind, name in KIND_COLUMNS.items():
        coefficient, cell = _read_coefficient(row, f"coefficient_{name}"), _read_cell(row, f"cell_{name}")
        for column, found in (("coefficient", coefficient), ("cell", cell)):
            if found is not None and kind not in kinds:
                row.refuse(f"{column}_{name} is given, but {kind} is not among the kinds")
        if coefficient is not None:
            coefficients[kind] = coefficient
        if cell is not None:
            cells[kind] = cell
    valid_from, valid_to = row.validity()
    return Award(
        code=row.text("code"),
        name=row.text("name"),
        issuers=row.choices("issuers", IssuerLevel),
        kinds=kinds,
        coefficients=coefficients,
        cells=cells,
        valid_from=valid_from,
        valid_to=valid_to,
        legal_basis=row.text("legal_basis"),
        recorded_at=row.recorded_at(default),
    )


def build_base_salary(row: Row, default: datetime) -> BaseSalary:
    """One row of base_salary.csv."""
    value = row.text("amount")
    amount = _as_decimal(value)
    if amount is None or amount <= 0 or amount != amount.to_integral_value():
        if value:
            row.refuse(f"amount {value!r} is no sum in đồng: write a whole number over 0, without marks")
        amount = Decimal(1)
    return BaseSalary(amount, row.day("valid_from"), row.text("legal_basis"), row.recorded_at(default))


def check_awards(awards: Sequence[Located[Award]], known_forms: Collection[str] | None) -> Iterator[Problem]:
    """What does not fit in rows that could be read; overlapping validities are found with those of the other tables."""
    for located in awards:
        award = located.value
        if not _CODE.fullmatch(award.code):
            yield located.problem(f"award code {award.code!r}: 2 to 20 of A-Z, 0-9 and _, a letter first")
        if IssuerLevel.PARTY in award.issuers:
            if not award.is_party:
                yield located.problem(f"award {award.code}: the Party grants no awards of the State, nor the reverse")
            if award.cells or award.coefficients:
                # They must stay out of the State's figures (domain brief §1.1, trap i).
                yield located.problem(f"award {award.code}: an award of the Party is counted and paid nowhere here")
        for form, _, _ in award.cells.values():
            if known_forms is not None and form not in known_forms:
                yield located.problem(f"award {award.code}: unknown form {form}")


def _read_coefficient(row: Row, column: str) -> Decimal | None:
    value = row.optional(column)
    if value is None:
        return None
    found = _as_decimal(value)
    if found is None or not 0 < found <= _MOST_COEFFICIENT:
        row.refuse(f"{column} {value!r} is no coefficient: write a number over 0 and up to 100, such as 1.5")
        return None
    return found


def _read_cell(row: Row, column: str) -> tuple[str, str, str] | None:
    value = row.optional(column)
    if value is None:
        return None
    found = _CELL.fullmatch(value)
    if found is None:
        row.refuse(f"{column} {value!r} is no cell: write form, row and column code, such as F05.02.2")
        return None
    return found[1], found[2], found[3]


def _as_decimal(value: str) -> Decimal | None:
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
