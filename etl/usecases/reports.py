"""`reports`: what is owed, on which clock, when. Answers from the register alone."""

from __future__ import annotations

from datetime import datetime

from etl.calendar.deadlines import TIMEZONE
from etl.calendar.periods import PeriodKind, next_period, period_at
from etl.usecases.context import Knowledge


def list_reports(knowledge: Knowledge, now: datetime) -> list[dict[str, object]]:
    """Every report with its forms and the periods around now: the one before, the current one and the next."""
    register = knowledge.register
    workdays = register.working_days()
    listed: list[dict[str, object]] = []
    for report in register.reports:
        periods = [register.period(report.code, code) for code in report.one_off_periods]
        if report.frequency is not PeriodKind.ONE_OFF:
            today = now.astimezone(TIMEZONE).date()
            current = period_at(report.frequency, report.clock, today)
            before = period_at(report.frequency, report.clock, current.start.fromordinal(current.start.toordinal() - 1))
            periods += [before, current, next_period(current)]
        listed.append(
            {
                "report": report.code,
                "name": report.name,
                "clock": report.clock.value,
                "frequency": report.frequency.value,
                "legal_basis": report.legal_basis,
                "forms": {
                    form.code: {unit_type.value: status.value for unit_type, status in form.status.items()}
                    for form in report.forms
                },
                "periods": [
                    {
                        "period": period.code,
                        "label": period.label,
                        "start": period.start.isoformat(),
                        "end": period.end.isoformat(),
                        "due": {
                            unit_type.value: instant.isoformat()
                            for unit_type, instant in report.due_instants(period, workdays).items()
                        },
                    }
                    for period in periods
                ],
            }
        )
    return listed
