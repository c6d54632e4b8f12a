"""Who owes which report of a period, by when, and with which forms.

Pure. It must not know what has arrived: whether an obligation is met is the board's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from etl.calendar.periods import Period
from etl.register.entities import FormStatus, Report, Unit, is_valid_during
from etl.register.heirs import Succession, find_succession
from etl.register.model import Register
from etl.text import format_date, sort_key


@dataclass(frozen=True, slots=True)
class Obligation:
    """One unit's duty to send one report of one period.

    `unit` is the unit's latest validity within the window. `due_at` is aware, in Viet Nam. `exempt_reason` is
    Vietnamese, None when the report is expected. `owed_from`…`owed_to` is the part of the window in which the unit
    existed. `forms` maps a form to mandatory or optional; forms not owed are left out.

    A unit that ended is followed by `inherited_by` from the day `passed_on`: what is unfinished is that unit's to send, as the
    predecessor's report and by the same due instant. One that ended before it was due, with nobody to follow, has a
    `lapsed_reason` (Vietnamese): it is excused while nothing of it was accepted.
    """

    unit: Unit
    report: Report
    period: Period
    due_at: datetime
    exempt_reason: str | None
    owed_from: date
    owed_to: date
    forms: Mapping[str, FormStatus]
    inherited_by: str | None = None
    passed_on: date | None = None
    lapsed_reason: str | None = None

    @property
    def is_excused(self) -> bool:
        """Whether nothing is expected: exempt, or nobody is left to send it."""
        return self.exempt_reason is not None or self.lapsed_reason is not None


def build_obligations(
    register: Register, report_code: str, period: Period | str, by: date | None = None
) -> list[Obligation]:
    """The obligations of a report for a period (a `Period` of the report, or its code), in order of type and name.

    A unit owes when it exists on some day of the window and its type has a mandatory form; a unit abolished within the
    window still owes for its part. A report rules the periods whose cut-off lies in the report's validity.
    `by`: only successions that have happened by that day count (None: all that the register knows).
    Raises UnknownReport, and UnknownPeriod when the period is none of the report's.
    """
    # The code decides, so that a period of the other clock cannot slip in under the same name.
    window = register.period(report_code, period if isinstance(period, str) else period.code)
    report = register.report(report_code, window.end)
    due = report.due_instants(window, register.working_days())
    found: list[Obligation] = []
    for code in dict.fromkeys(unit.code for unit in register.units):
        versions = [unit for unit in register.unit_versions(code) if is_valid_during(unit, window.start, window.end)]
        if not versions or not report.is_owed_by(versions[-1].type):
            continue
        unit = versions[-1]
        exemption = register.exemption(code, report_code, window.code)
        passed = find_succession(register, unit, by)
        found.append(
            Obligation(
                unit=unit,
                report=report,
                period=window,
                due_at=due[unit.type],
                exempt_reason=exemption.reason if exemption else None,
                owed_from=max(window.start, versions[0].valid_from),
                owed_to=min(window.end, unit.valid_to or window.end),
                forms=report.forms_for(unit.type),
                inherited_by=passed.heir if passed else None,
                passed_on=passed.on if passed else None,
                lapsed_reason=_find_lapse(passed, due[unit.type]) if passed else None,
            )
        )
    types = list(report.due)
    return sorted(found, key=lambda row: (types.index(row.unit.type), sort_key(row.unit.name), row.unit.code))


def _find_lapse(passed: Succession, due_at: datetime) -> str | None:
    """Nobody is there any more on the due day; who was there on that day and sent nothing has failed to report."""
    if passed.heir is not None or passed.on > due_at.date():
        return None
    basis = f" ({passed.legal_basis})" if passed.legal_basis else ""
    return f"Đơn vị kết thúc hoạt động từ ngày {format_date(passed.on)}, không có đơn vị kế thừa{basis}"
