"""The rows of the register as values: units, blocs, movements, reports and what hangs on them.

Pure. It must not look anything up: `etl.register.model.Register` does, and hands these names on.
Every dated thing is valid from `valid_from` to `valid_to`, both ends included (`valid_to` None = until further notice),
and carries `recorded_at`, the instant from which the product knew it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

from etl.calendar.deadlines import DueRule, due_instant
from etl.calendar.periods import Clock, Period, PeriodKind
from etl.calendar.workdays import WorkingDays

EVERY: Final = "*"
"""In files: every unit type, or every movement."""


class UnitType(StrEnum):
    """Kinds of unit (domain brief §10). Townships and districts ended on 30/06/2025; see `TERRITORIES`."""

    COMMUNE = "commune"
    WARD = "ward"
    SPECIAL_ZONE = "special_zone"
    TOWNSHIP = "township"
    DEPARTMENT = "department"
    PARTY = "party"
    FRONT = "front"
    ASSOCIATION = "association"
    CENTRAL = "central"
    ARMED = "armed"
    PUBLIC_SERVICE = "public_service"
    ENTERPRISE = "enterprise"
    BLOC = "bloc"
    DISTRICT = "district"
    HAMLET = "hamlet"
    PROVINCE = "province"


TERRITORIES: Final = frozenset({UnitType.DISTRICT, UnitType.HAMLET})
"""Types that stand in the register for the lineage of others and report nothing here: `*` does not mean them."""

NAMED_ONLY: Final = TERRITORIES | {UnitType.PROVINCE}
"""Types that `*` does not mean. A province as a whole reports where it is named: it brings in figures of before its merger, which
its units never sent here. What its own units report is added up, not reported again."""

UNIT_TYPE_LABELS: Final[Mapping[UnitType, str]] = {
    UnitType.COMMUNE: "Xã",
    UnitType.WARD: "Phường",
    UnitType.SPECIAL_ZONE: "Đặc khu",
    UnitType.TOWNSHIP: "Thị trấn (đến 30/06/2025)",
    UnitType.DEPARTMENT: "Sở, ban, ngành",
    UnitType.PARTY: "Cơ quan Đảng, Văn phòng Đoàn ĐBQH và HĐND",
    UnitType.FRONT: "Mặt trận Tổ quốc và tổ chức chính trị - xã hội",
    UnitType.ASSOCIATION: "Hội quần chúng",
    UnitType.CENTRAL: "Cơ quan Trung ương trên địa bàn",
    UnitType.ARMED: "Lực lượng vũ trang",
    UnitType.PUBLIC_SERVICE: "Đơn vị sự nghiệp thuộc tỉnh",
    UnitType.ENTERPRISE: "Doanh nghiệp, hợp tác xã",
    UnitType.BLOC: "Khối, cụm thi đua",
    UnitType.DISTRICT: "Huyện, thành phố thuộc tỉnh (đến 30/06/2025)",
    UnitType.HAMLET: "Xóm, thôn, tổ dân phố",
    UnitType.PROVINCE: "Toàn tỉnh",
}


class BlocRole(StrEnum):
    """A member's part in a bloc: trưởng, phó, thành viên."""

    LEADER = "leader"
    DEPUTY = "deputy"
    MEMBER = "member"


class LineageKind(StrEnum):
    """What became of a unit."""

    MERGE = "merge"
    SPLIT = "split"
    RENAME = "rename"
    ABOLISH = "abolish"
    ABSORB = "absorb"


class MovementLevel(StrEnum):
    """Who launched a movement (cấp phát động)."""

    NATIONAL = "national"
    MINISTRY = "ministry"
    PROVINCE = "province"
    BLOC = "bloc"


class MovementKind(StrEnum):
    """How a movement runs: thường xuyên, theo đợt, chuyên đề."""

    REGULAR = "regular"
    DRIVE = "drive"
    THEMATIC = "thematic"


class Aggregation(StrEnum):
    """How values of an indicator add up.

    `sum`: over units and over periods. `last`: over units, but over periods the latest stands. `none`: never (rates,
    averages).
    """

    SUM = "sum"
    LAST = "last"
    NONE = "none"


class FormStatus(StrEnum):
    """Whether a unit type owes a form of a report."""

    MANDATORY = "mandatory"
    OPTIONAL = "optional"
    NOT_OWED = "not_owed"


class Dated(Protocol):
    """Anything with a validity."""

    @property
    def valid_from(self) -> date: ...
    @property
    def valid_to(self) -> date | None: ...


def is_valid_on(row: Dated, on: date) -> bool:
    """Whether the row holds on that day."""
    return row.valid_from <= on and (row.valid_to is None or on <= row.valid_to)


def is_valid_during(row: Dated, start: date, end: date) -> bool:
    """Whether the row holds on some day of start…end."""
    return row.valid_from <= end and (row.valid_to is None or start <= row.valid_to)


@dataclass(frozen=True, slots=True)
class Unit:
    """A reporting unit during one validity. `code` after QĐ 20/2020/QĐ-TTg; `(code, valid_from)` is its identity."""

    code: str
    name: str
    type: UnitType
    parent: str | None
    valid_from: date
    valid_to: date | None
    legal_basis: str | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class UnitAlias:
    """Another name under which a unit writes."""

    unit: str
    alias: str
    valid_from: date
    valid_to: date | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Lineage:
    """A unit's successor from `valid_from` on; None for a unit abolished without one.

    `merge`: whole units become a new one. `absorb`: a whole unit goes into one that goes on. `rename`: one unit, another name
    (or code). `split`: a part of the unit goes over, so that figures of then cannot be compared. `share` (over 0, up to 1) is
    that part, None where it is not known.
    """

    predecessor: str
    successor: str | None
    kind: LineageKind
    valid_from: date
    share: Decimal | None
    legal_basis: str | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class BlocMembership:
    """A unit in a bloc."""

    bloc: str
    unit: str
    role: BlocRole
    valid_from: date
    valid_to: date | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Movement:
    """An emulation movement; in force while valid."""

    code: str
    name: str
    level: MovementLevel
    lead_unit: str
    kind: MovementKind
    valid_from: date
    valid_to: date | None
    legal_basis: str | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class MovementAlias:
    """Another name of a movement: a province's own, an older one, a common misprint."""

    movement: str
    alias: str
    valid_from: date
    valid_to: date | None
    recorded_at: datetime


MEASURED_WORDS = frozenset(
    {"%", "điểm", "đồng", "km", "m", "m²", "m2", "m³", "m3", "ha", "kg", "tạ", "tấn", "lít", "giờ"}
)
"""Words of a unit of measure whose figures may have decimals."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """A measurable result of a movement (of every movement where `movement` is `*`).

    `asked_of` holds the unit types that report it. `cumulative`: its running total never falls within a year.
    """

    movement: str
    code: str
    name: str
    unit_of_measure: str
    aggregation: Aggregation
    cumulative: bool
    asked_of: frozenset[UnitType]
    valid_from: date
    valid_to: date | None
    recorded_at: datetime

    @property
    def is_counted(self) -> bool:
        """Whether it counts whole things (người, đơn vị, sáng kiến); money, lengths, areas and shares have decimals."""
        return not MEASURED_WORDS & set(self.unit_of_measure.casefold().split())


@dataclass(frozen=True, slots=True)
class ReportForm:
    """A form of a report, with what each unit type owes; types that never report are left out."""

    code: str
    status: Mapping[UnitType, FormStatus]


@dataclass(frozen=True, slots=True)
class Report:
    """A set of forms owed together. `due` holds one rule a unit type that owes; `external_due` binds the province.

    `one_off_due` holds the due instants that one-off periods set themselves, whatever the unit type.
    """

    code: str
    name: str
    clock: Clock
    frequency: PeriodKind
    forms: tuple[ReportForm, ...]
    due: Mapping[UnitType, DueRule]
    external_due: DueRule | None
    one_off_periods: Mapping[str, tuple[date, date]]
    legal_basis: str
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    one_off_due: Mapping[str, datetime] = field(default_factory=dict)

    def due_instants(self, period: Period, workdays: WorkingDays) -> dict[UnitType, datetime]:
        """When each unit type that owes the report must have sent it; aware, in Viet Nam."""
        own = self.one_off_due.get(period.code)
        return {kind: own or due_instant(period, rule, workdays) for kind, rule in self.due.items()}

    def rules(self, period: Period) -> bool:
        """Whether a period is this report's: its cut-off lies in the report's validity."""
        return is_valid_on(self, period.end)

    def forms_for(self, unit_type: UnitType) -> dict[str, FormStatus]:
        """Form code → mandatory or optional, in the report's order; empty when the type does not owe the report."""
        owed = {form.code: form.status.get(unit_type, FormStatus.NOT_OWED) for form in self.forms}
        return {code: status for code, status in owed.items() if status is not FormStatus.NOT_OWED}

    def is_owed_by(self, unit_type: UnitType) -> bool:
        """Whether that type owes the report: it has a mandatory form. Optional forms alone oblige nobody."""
        return FormStatus.MANDATORY in self.forms_for(unit_type).values()


@dataclass(frozen=True, slots=True)
class CalendarOverride:
    """A day worked or not worked against the general rule (hoán đổi ngày làm việc)."""

    day: date
    working: bool
    reason: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Exemption:
    """A unit excused from one report of one period; `withdrawn`: it was, and is so no longer."""

    unit: str
    report: str
    period: str
    reason: str
    recorded_at: datetime
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class BlocScoring:
    """Parameters of the province for blocs: the scale of scores, and the last rank for a flag and for a certificate."""

    highest_score: int = 100
    flag_ranks: int = 1
    certificate_ranks: int = 3


@dataclass(frozen=True, slots=True)
class Province:
    """The head of the register. `agency_prefix` opens the unit codes; unverified until the province confirms it."""

    code: str
    name: str
    council: str
    standing_office: str
    standing_office_unit: str
    agency_prefix: str
    agency_prefix_verified: bool
    simulated: bool
    recorded_at: datetime
    scoring: BlocScoring = BlocScoring()
