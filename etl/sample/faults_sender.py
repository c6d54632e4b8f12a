"""Faults of the file itself and of who says to have sent it. Pure; bytes are made by `etl.sample.files`.

A file nobody can read or attribute is quarantined: it is nobody's submission, and what it names stays missing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from random import Random

from etl.calendar.periods import Period, PeriodKind, next_period, previous_period
from etl.forms.declaration import FIELD_COLUMN, CellKey
from etl.register.model import Register, Unit
from etl.sample.answers import BLANK, Answer
from etl.sample.draft import Draft, FilePayload, NoRoom, Planted
from etl.sample.faults_model import FaultKind, Planter, choose, spoil
from etl.sample.fill import PERIOD_LINE, UNIT_LINE, find_other_units
from etl.sample.oracle import F00_CODES
from etl.text import format_date

_UNIT, _UNIT_NAME, _REPORT, _PERIOD = (
    CellKey("F00", F00_CODES[name], FIELD_COLUMN) for name in ("unit", "unit_name", "report", "period")
)
_STRANGE_NAME = "Hợp tác xã ngoài danh sách"


# -- claims that contradict each other


def _plant_claim(key: CellKey, draft: Draft, claimed: str) -> Planted:
    if draft.workbook.metadata is None or key not in draft.answers:
        raise NoRoom
    draft.claim(_conflict(claimed))
    return _as_conflict(draft, spoil(draft, key, Answer(claimed, claimed), "ID-CONFLICT"))


def _conflict(code: str) -> tuple[str, str, None]:
    """Taken when a false claim is planted: what a file says twice is told once, at its first place."""
    return "conflict", code, None


def _as_conflict(draft: Draft, found: Planted) -> Planted:
    draft.planted.append(found)
    return found


def _plant_other_unit(draft: Draft, rng: Random) -> Planted:
    return _plant_claim(_UNIT, draft, choose(rng, find_other_units(*_now(draft))).code)


def _plant_other_report(draft: Draft, rng: Random) -> Planted:
    setting = draft.setting
    codes = sorted({report.code for report in setting.register.reports} - {setting.report.code})
    return _plant_claim(_REPORT, draft, choose(rng, codes))


def _plant_other_period(draft: Draft, rng: Random) -> Planted:
    return _plant_claim(_PERIOD, draft, _choose_other_period(draft, rng).code)


def _plant_title_unit(draft: Draft, rng: Random) -> Planted:
    other = choose(rng, find_other_units(*_now(draft)))
    draft.claim(_conflict(other.code))
    return _plant_title(draft, rng, "title unit", f"{UNIT_LINE} {other.name}")


def _plant_title_period(draft: Draft, rng: Random) -> Planted:
    other = _choose_other_period(draft, rng)
    draft.claim(_conflict(other.code))
    window = f"(từ {format_date(other.start)} đến {format_date(other.end)})"
    return _plant_title(draft, rng, "title period", f"{PERIOD_LINE} {other.label} {window}")


def _plant_title(draft: Draft, rng: Random, mark: str, text: str) -> Planted:
    forms = [form for form in draft.layouts if mark in draft.sheets[form].marks]
    form = choose(rng, [form for form in forms if (mark, form) not in draft.touched])
    draft.claim((mark, form))
    sheet = draft.sheets[form]
    sheet.plan.cells[sheet.marks[mark]].value = text
    return draft.plant("ID-CONFLICT", form, mark)


def _choose_other_period(draft: Draft, rng: Random) -> Period:
    period = draft.setting.period
    if period.kind is PeriodKind.ONE_OFF:
        raise NoRoom
    return rng.choice((previous_period(period), next_period(period)))


def _now(draft: Draft) -> tuple[Register, Unit, date]:
    return draft.setting.register, draft.setting.unit, draft.setting.period.end


# -- files nobody can attribute


def _plant_unit_unknown(draft: Draft, rng: Random) -> Planted:
    """A workbook of the sender's own making with a code that is not in the register."""
    register = draft.setting.register
    known = {unit.code for unit in register.units}
    prefix = register.province.agency_prefix
    code = choose(rng, [code for n in range(90, 100) if (code := f"{prefix}.Y{n}") not in known])
    _lose_metadata(draft, unit_lines=True)
    draft.write(_UNIT_NAME, Answer(_STRANGE_NAME, _STRANGE_NAME))
    draft.write(_UNIT, Answer(code, code))
    draft.named_unit = code
    return draft.plant("ID-UNIT-UNKNOWN", "F00", _UNIT)


def _plant_unit_missing(draft: Draft, rng: Random) -> Planted:
    """No code, no known name: the blank code is told too, since it must be filled."""
    _lose_metadata(draft, unit_lines=True)
    draft.write(_UNIT_NAME, Answer(_STRANGE_NAME, _STRANGE_NAME))
    draft.write(_UNIT, BLANK)
    draft.named_unit = rng.choice(("bao cao", "TDKT", "gui so noi vu"))
    return draft.plant("ID-UNIT-MISSING")


def _plant_report_unknown(draft: Draft, rng: Random) -> Planted:
    _lose_metadata(draft)
    code = rng.choice(("bao-cao-thi-dua", "BC01", "F03"))
    draft.write(_REPORT, Answer(code, code))
    draft.named_report = code
    draft.truth = replace(draft.truth, clock=None, start=None, end=None)
    return draft.plant("ID-REPORT-UNKNOWN", "F00", _REPORT)


def _plant_period_unknown(draft: Draft, rng: Random) -> Planted:
    _lose_metadata(draft, period_lines=True)
    code = rng.choice((f"{draft.setting.period.code[:4]}-Q7", "6 tháng", "ky-1"))
    draft.write(_PERIOD, Answer(code, code))
    draft.named_period = code
    draft.truth = replace(draft.truth, start=None, end=None)
    return draft.plant("ID-PERIOD-UNKNOWN", "F00", _PERIOD)


def _lose_metadata(draft: Draft, *, unit_lines: bool = False, period_lines: bool = False) -> None:
    """A workbook that only its envelope speaks for; the asked lines of the title blocks lose what they said."""
    if "F00" not in draft.layouts:
        raise NoRoom
    draft.workbook.metadata = None
    draft.quarantined = True
    if unit_lines:
        draft.truth = replace(draft.truth, unit_name=None, unit_type=None)
    for sheet in draft.sheets.values():
        if unit_lines and "title unit" in sheet.marks:
            sheet.plan.cells[sheet.marks["title unit"]].value = f"{UNIT_LINE} {_STRANGE_NAME}"
        if period_lines and "title period" in sheet.marks:
            sheet.plan.cells[sheet.marks["title period"]].value = f"{PERIOD_LINE} …"


# -- the file


def _plant_payload(code: str, *payloads: FilePayload) -> Planter:
    def plant(draft: Draft, rng: Random) -> Planted:
        draft.payload = rng.choice(payloads)
        draft.quarantined = True
        return draft.plant(code)

    return plant


def _plant_extension(draft: Draft, _: Random) -> Planted:
    draft.claim("suffix")
    draft.suffix = ".xls"
    return draft.plant("FILE-EXTENSION")


def _plant_file_name(draft: Draft, rng: Random) -> Planted:
    draft.claim("file name")
    draft.named_unit = choose(rng, find_other_units(*_now(draft))).code
    return draft.plant("ID-FILE-NAME")


SENDER_FAULTS = (
    FaultKind("unit of the envelope", "ID-CONFLICT", _plant_other_unit),
    FaultKind("report of the envelope", "ID-CONFLICT", _plant_other_report),
    FaultKind("period of the envelope", "ID-CONFLICT", _plant_other_period),
    FaultKind("unit of a title", "ID-CONFLICT", _plant_title_unit),
    FaultKind("period of a title", "ID-CONFLICT", _plant_title_period),
    FaultKind("unit unknown", "ID-UNIT-UNKNOWN", _plant_unit_unknown, whole=True),
    FaultKind("unit not said", "ID-UNIT-MISSING", _plant_unit_missing, whole=True),
    FaultKind("report unknown", "ID-REPORT-UNKNOWN", _plant_report_unknown, whole=True),
    FaultKind("period unknown", "ID-PERIOD-UNKNOWN", _plant_period_unknown, whole=True),
    FaultKind("name of another unit's file", "ID-FILE-NAME", _plant_file_name),
    FaultKind("wrong extension", "FILE-EXTENSION", _plant_extension),
    FaultKind("empty file", "FILE-EMPTY", _plant_payload("FILE-EMPTY", "empty"), whole=True),
    FaultKind("truncated file", "FILE-UNREADABLE", _plant_payload("FILE-UNREADABLE", "truncated"), whole=True),
    FaultKind("password", "FILE-ENCRYPTED", _plant_payload("FILE-ENCRYPTED", "encrypted"), whole=True),
    FaultKind("not a workbook", "FILE-NOT-WORKBOOK", _plant_payload("FILE-NOT-WORKBOOK", "pdf", "html"), whole=True),
    FaultKind("workbook without a form", "FILE-NO-FORM", _plant_payload("FILE-NO-FORM", "no_form"), whole=True),
)
