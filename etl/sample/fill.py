"""Fills a planned workbook with true figures, in the many harmless ways clerks write them. Pure.

Whatever is written here must give no finding; faults come after, from `etl.sample.faults`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from etl.forms.declaration import FIELD_COLUMN, LIST_KEY_SEPARATOR, CellKey, Form
from etl.register.model import FormStatus, Register, Report, Unit, UnitType
from etl.sample.answers import (
    BLANK,
    Answer,
    write_count,
    write_date,
    write_decimal,
    write_percent,
    write_text,
)
from etl.sample.draft import Draft, Setting
from etl.sample.figures import draw_awards, draw_result, draw_structure, place_in_year, round_half_up
from etl.sample.fill_awards import fill_award_forms
from etl.sample.fill_basics import fill_basic_forms
from etl.sample.fill_decisions import fill_decision_forms
from etl.sample.fill_tables import fill_matrix
from etl.sample.oracle import F00_CODES, F07_CODES, Truth
from etl.sample.sheets import MarkedSheet
from etl.templates.from_register import list_movement_rows, plan_unit_workbook

UNIT_LINE = "Đơn vị báo cáo:"
PERIOD_LINE = "Kỳ báo cáo:"
TITLE_MARKS = {UNIT_LINE: "title unit", PERIOD_LINE: "title period"}

_FAMILIES = ("Nông", "Hoàng", "Lý", "Triệu", "Đàm", "Bế", "Nguyễn", "Hà", "Đinh", "Mã", "Lục", "Chu")
_MIDDLES = ("Văn", "Thị", "Minh", "Thanh", "Quốc", "Hồng", "Đức", "Ngọc")
_GIVEN = ("An", "Bình", "Chi", "Dũng", "Hạnh", "Huệ", "Khánh", "Lan", "Nam", "Phúc", "Thảo", "Tuyên", "Yến")
_NOTES = ("Số liệu đã đối chiếu", "Theo báo cáo của cơ quan chủ trì", "Bao gồm cả các chi hội trực thuộc")


FILLS: tuple[Callable[[Draft, str, Random], None], ...] = (
    fill_award_forms,
    fill_basic_forms,
    fill_decision_forms,
)
"""Of the other groups of forms: each writes the true figures of its forms, given (draft, seed, random numbers). In this
order, after F00, F03, F05 and F07, so that a later one may read the answers of an earlier."""


def start_draft(setting: Setting, forms: Mapping[str, Form], signed: date, seed: str) -> Draft:
    """A clean draft of a unit: `signed` is the day of signature, `seed` decides figures and writings."""
    period = setting.period
    plan = plan_unit_workbook(setting.register, forms, setting.report.code, period.code, setting.unit)
    owed = setting.report.forms_for(setting.unit.type)
    draft = Draft(
        setting=setting,
        workbook=plan,
        sheets={sheet.form: mark_titles(MarkedSheet(sheet)) for sheet in plan.sheets if sheet.form is not None},
        layouts={code: forms[code].version_on(period.end) for code in owed},
        truth=Truth(period.clock.value, period.start, period.end, setting.unit.name, setting.unit.type.value),
    )
    rng = Random(f"{seed}|{setting.report.code}|{period.code}|{setting.unit.code}")
    if "F00" in draft.layouts:
        _fill_envelope(draft, signed, rng)
    if "F03" in draft.layouts:
        _fill_movements(draft, seed, rng)
    fill_awards(draft, rng)
    for fill in FILLS:
        fill(draft, seed, rng)
    return draft


def mark_titles(sheet: MarkedSheet) -> MarkedSheet:
    """Names the lines of the title block that say who reports and for which period."""
    for (row, column), cell in sheet.plan.cells.items():
        if row < sheet.plan.header_row and isinstance(cell.value, str):
            for line, name in TITLE_MARKS.items():
                if cell.value.startswith(line):
                    sheet.marks[name] = (row, column)
    return sheet


def is_mandatory(report: Report, unit_type: UnitType, form: str) -> bool:
    """Whether a unit of that type must send the form."""
    return report.forms_for(unit_type).get(form) is FormStatus.MANDATORY


def fill_awards(draft: Draft, rng: Random) -> None:
    """Fills F05 and F07 where the draft has them, from one set of awards."""
    setting = draft.setting
    share = 1 / place_in_year(setting.period)[1]
    awards = draw_awards(setting.unit.type, share, rng)
    if "F05" in draft.layouts:
        fill_matrix(draft, "F05", Counter(awards), rng)
    if "F07" in draft.layouts:
        _fill_structure(draft, draw_structure(awards, rng), rng)


def _fill_envelope(draft: Draft, signed: date, rng: Random) -> None:
    setting = draft.setting
    report, unit, period = setting.report, setting.unit, setting.period
    clock = next(row for row in draft.layouts["F00"].fields if row.code == F00_CODES["clock"])
    labels = next(choice.labels for choice in clock.choices if choice.value == period.clock.value)
    is_estimate = rng.random() < 0.04
    short = unit.code.rpartition(".")[2]
    sign = "UBND" if unit.type in {UnitType.COMMUNE, UnitType.WARD, UnitType.SPECIAL_ZONE} else short
    texts = {
        "01": Answer(unit.code, unit.code),
        "02": write_text(unit.name, rng),
        "03": Answer(report.code, report.code),
        "04": Answer(period.clock.value, rng.choice(labels) if rng.random() < 0.1 else labels[0]),
        "05": Answer(period.code, period.code),
        "06": write_date(period.start, rng),
        "07": write_date(period.end, rng),
        "08": Answer("yes", "Có") if is_estimate else Answer("no", "Không"),
        "09": write_text(f"{rng.randint(12, 480)}/BC-{sign}", rng),
        "10": write_date(signed, rng),
        "11": write_text(_draw_name(rng), rng),
        "12": write_text(_draw_post(unit, rng), rng),
        "13": write_text(_draw_name(rng), rng) if rng.random() < 0.9 else BLANK,
        "14": Answer(phone := f"0206 000 {rng.randint(0, 999):03d}", phone) if rng.random() < 0.8 else BLANK,
        "15": Answer(mail := f"{short.lower()}@caobang.example", mail) if rng.random() < 0.8 else BLANK,
    }
    for declared in draft.layouts["F00"].fields:
        if declared.code in texts:
            draft.write(CellKey("F00", declared.code, FIELD_COLUMN), texts[declared.code])


def _fill_movements(draft: Draft, seed: str, rng: Random) -> None:
    setting = draft.setting
    register, unit, period = setting.register, setting.unit, setting.period
    indicators = {
        (row.movement, indicator.code): indicator
        for row in list_movement_rows(register, unit.type, period)
        for indicator in register.indicators_for(row.movement, unit.type, period.end)
    }
    for (movement, code), indicator in indicators.items():
        row = LIST_KEY_SEPARATOR.join((movement, code))
        own_seed = f"{seed}|{setting.report.code}|{unit.code}|{row}"
        found = draw_result(indicator, unit.type, period, own_seed)
        cells = {
            "1": BLANK if found.plan is None else write_decimal(found.plan, rng),
            "2": write_decimal(found.result, rng),
            "3": BLANK if found.running is None else write_decimal(found.running, rng),
            "4": BLANK,
            "F": write_text(rng.choice(_NOTES), rng) if rng.random() < 0.05 else BLANK,
        }
        if found.plan and rng.random() < 0.92:
            cells["4"] = write_percent(100 * found.result / found.plan, rng.choice((0, 1, 1, 1, 2)), rng)
        for column, answer in cells.items():
            draft.write(CellKey("F03", row, column), answer)
        if rng.random() < 0.01:
            _write_alias(draft, movement, CellKey("F03", row, "A"), rng)


def _write_alias(draft: Draft, movement: str, key: CellKey, rng: Random) -> None:
    """The movement's name under which the province knows it, typed where its code belongs."""
    register, on = draft.setting.register, draft.setting.period.end
    names = [row.alias for row in register.movement_aliases if row.movement == movement]
    plain = [name for name in names if [found.code for found in register.find_movement_by_name(name, on)] == [movement]]
    if plain:
        draft.cell(key).value = rng.choice(plain)


def _fill_structure(draft: Draft, numbers: Mapping[str, int], rng: Random) -> None:
    total, leaders = numbers["total"], numbers["leaders"]
    answers = {name: write_count(number, rng) for name, number in numbers.items()}
    if total:
        decimals = rng.choice((0, 1, 1, 2))
        leader_percent = round_half_up(100 * Decimal(leaders) / total, decimals)
        chance = rng.random()
        if chance < 0.92:
            answers["leader_percent"] = write_percent(leader_percent, decimals, rng)
        if chance < 0.86:
            answers["worker_percent"] = write_percent(100 - leader_percent, decimals, rng)
    for name, code in F07_CODES.items():
        answer = answers.get(name, BLANK)
        optional = name in {"women", "minority", "enterprises"}
        draft.write(CellKey("F07", code, FIELD_COLUMN), BLANK if optional and rng.random() < 0.05 else answer)


def _draw_name(rng: Random) -> str:
    return f"{rng.choice(_FAMILIES)} {rng.choice(_MIDDLES)} {rng.choice(_GIVEN)}"


def _draw_post(unit: Unit, rng: Random) -> str:
    if unit.type in {UnitType.COMMUNE, UnitType.WARD, UnitType.SPECIAL_ZONE}:
        return rng.choice(("Chủ tịch", "Phó Chủ tịch"))
    if unit.type is UnitType.ENTERPRISE:
        return rng.choice(("Giám đốc", "Phó Giám đốc"))
    return rng.choice(("Thủ trưởng đơn vị", "Phó Thủ trưởng đơn vị"))


def choose_signing_day(received: date, cutoff: date, rng: Random) -> date:
    """A day after the cut-off and not after receipt; the cut-off itself when there is no other."""
    room = (received - cutoff).days
    return cutoff + timedelta(days=rng.randint(1, room)) if room >= 1 else cutoff


def find_other_units(register: Register, unit: Unit, on: date) -> list[Unit]:
    """Units in force whose name means nobody else, for claims that contradict."""
    return [
        other
        for other in register.units_on(on)
        if other.code != unit.code
        and [found.code for found in register.find_unit_by_name(other.name, on)] == [other.code]
    ]
