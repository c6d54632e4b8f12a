"""One submission as the rules see it: its parsed cells and what is known about its sender and period. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from etl.calendar.periods import Period
from etl.forms.declaration import FIELD_COLUMN, CellKey
from etl.parsing.submission import ParsedSubmission
from etl.register.model import Register, Report, Unit, UnitType
from etl.text import comparison_key
from etl.validation.bonus import Bonus, compute_bonus, read_bonus_lines


@dataclass(slots=True)
class Submission:
    """Parsed cells with their identity, each part None where not known."""

    parsed: ParsedSubmission
    unit: Unit | None = None
    report: Report | None = None
    period: Period | None = None
    _bonus: Bonus | Literal["unknown"] | None = None
    """Computed once: every suite asks for the context."""

    def context_values(self, register: Register) -> dict[str, object]:
        """The `@name` columns that suites may compare with; None where not known (the rule is then skipped)."""
        bonus, scoring = self._find_bonus(register), register.province.scoring
        return {
            "@unit": self.unit.code if self.unit else None,
            "@unit_type": self.unit.type.value if self.unit else None,
            "@unit_name": self.unit.name if self.unit else None,
            "@unit_name_matches": self._unit_name_matches(register),
            "@report": self.report.code if self.report else None,
            "@clock": self.report.clock.value if self.report else None,
            "@period": self.period.code if self.period else None,
            "@period_start": self.period.start if self.period else None,
            "@period_end": self.period.end if self.period else None,
            "@signed": self._find_signature(),
            "@member_count": self._count_members(register),
            "@highest_score": scoring.highest_score,
            "@flag_ranks": scoring.flag_ranks,
            "@certificate_ranks": scoring.certificate_ranks,
            "@bonus_due": float(bonus.due) if bonus else None,
            "@bonus_tolerance": float(bonus.tolerance) if bonus else None,
        }

    def _find_bonus(self, register: Register) -> Bonus | None:
        """What the decisions of F14 are worth; None when that cannot be known."""
        if self._bonus is None:
            lines = read_bonus_lines(self.parsed)
            self._bonus = (compute_bonus(lines, register) if lines is not None else None) or "unknown"
        return None if self._bonus == "unknown" else self._bonus

    def _find_signature(self) -> date | None:
        """The day on which the envelope says the report was signed; None before the period, which is a fault of its own."""
        version = self.parsed.versions.get("F00")
        code = next((row.code for row in version.fields if row.field == "ngay_ky"), None) if version else None
        cell = self.parsed.cells.get(CellKey("F00", code, FIELD_COLUMN)) if code else None
        day = cell.value.day if cell is not None else None
        return None if day is not None and self.period is not None and day < self.period.start else day

    def _count_members(self, register: Register) -> int | None:
        """How many members a bloc that reports has on the period's last day; None of any other unit."""
        if self.unit is None or self.period is None or self.unit.type is not UnitType.BLOC:
            return None
        return len(register.members_of(self.unit.code, self.period.end))

    def _unit_name_matches(self, register: Register) -> bool | None:
        """Whether the envelope's unit name is a name or alias of the unit; None when either is missing."""
        if self.unit is None:
            return None
        written = next(
            (
                cell.value.text
                for cell in self.parsed.cells.values()
                if getattr(cell.declared, "field", None) == "ten_don_vi" and cell.value.text
            ),
            None,
        )
        if written is None:
            return None
        if comparison_key(written) == comparison_key(self.unit.name):
            return True
        return self.unit.code in {unit.code for unit in register.find_unit_by_name(written)}
