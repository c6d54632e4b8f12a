"""Awards and the base salary as the register knows them: who may grant what to whom, what it is worth, where it is counted.

Pure values with their look-ups' keys. It must not read files (`etl.register.award_rows` builds and checks the rows) nor
compute money (`etl.validation.bonus` does). The values of the two enumerations are those of form F14.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class IssuerLevel(StrEnum):
    """Who signs a decision (domain brief §3.4)."""

    PRESIDENT = "chu_tich_nuoc"
    GOVERNMENT = "chinh_phu"
    MINISTRY = "bo_nganh"
    PROVINCE = "ubnd_tinh"
    DEPARTMENT = "so_nganh"
    COMMUNE = "ubnd_xa"
    ENTERPRISE = "doanh_nghiep"
    PARTY = "co_quan_dang"


class SubjectKind(StrEnum):
    """Who is rewarded: tập thể, hộ gia đình, cá nhân."""

    COLLECTIVE = "tap_the"
    HOUSEHOLD = "ho_gia_dinh"
    INDIVIDUAL = "ca_nhan"


@dataclass(frozen=True, slots=True)
class Award:
    """A title or form of commendation during one validity.

    `coefficients`: bonus in base salaries a recipient; a kind without one is paid by no rule known here.
    `cells`: where its number is counted, as (form, row, column); in a `fields` form the column is "1". None: nowhere.
    """

    code: str
    name: str
    issuers: frozenset[IssuerLevel]
    kinds: frozenset[SubjectKind]
    coefficients: Mapping[SubjectKind, Decimal]
    cells: Mapping[SubjectKind, tuple[str, str, str]]
    valid_from: date
    valid_to: date | None
    legal_basis: str
    recorded_at: datetime

    @property
    def is_party(self) -> bool:
        """An award of the Party: never counted among the State's, never paid from this fund."""
        return self.issuers == {IssuerLevel.PARTY}


@dataclass(frozen=True, slots=True)
class BaseSalary:
    """The base salary (lương cơ sở) in đồng a month, in force from a day until the next one."""

    amount: Decimal
    valid_from: date
    legal_basis: str
    recorded_at: datetime
