"""One submission as the rules see it: its parsed cells and what is known about its sender and period. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from etl.calendar.periods import Period
from etl.parsing.submission import ParsedSubmission
from etl.register.model import Register, Report, Unit
from etl.text import comparison_key


@dataclass(slots=True)
class Submission:
    """Parsed cells with their identity, each part None where not known."""

    parsed: ParsedSubmission
    unit: Unit | None = None
    report: Report | None = None
    period: Period | None = None

    def context_values(self, register: Register) -> dict[str, object]:
        """The `@name` columns that suites may compare with; None where not known (the rule is then skipped)."""
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
        }

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
