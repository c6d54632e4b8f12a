"""Who looks at a page: roles and the person of a request. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a person may do; the table of routes (access.yaml) says which role opens which page."""

    ANONYMOUS = "anonymous"
    UNIT = "unit"
    READER = "reader"
    REVIEWER = "reviewer"
    PUBLISHER = "publisher"
    ADMINISTRATOR = "administrator"


STAFF: Final = (Role.READER, Role.REVIEWER, Role.PUBLISHER, Role.ADMINISTRATOR)
"""Roles that an account of the standing office may have."""

ROLE_LABELS: Final = {
    Role.ANONYMOUS: "Chưa đăng nhập",
    Role.UNIT: "Đơn vị báo cáo",
    Role.READER: "Người xem",
    Role.REVIEWER: "Người thẩm tra",
    Role.PUBLISHER: "Người công bố",
    Role.ADMINISTRATOR: "Quản trị",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. `csrf`: what a form of this person must carry ("" for nobody). `login` is what audit records name."""

    login: str
    name: str
    role: Role
    csrf: str = ""

    @property
    def label(self) -> str:
        """The role in Vietnamese."""
        return ROLE_LABELS[self.role]


NOBODY: Final = Person("", "", Role.ANONYMOUS)


@dataclass(frozen=True, slots=True)
class UnitHolder:
    """Who came by a unit's personal link: that unit, that report and period, and nothing else."""

    unit: str
    report: str
    period: str

    @property
    def login(self) -> str:
        """What audit records name."""
        return f"unit:{self.unit}"
