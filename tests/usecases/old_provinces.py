"""A register written by a test from nothing: two provinces that became one, communes that merged and were divided; and their
workbooks, filled in on the templates and sent through the whole pipeline."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import yaml
from deliveries import Post

from etl.register.read import COLUMNS
from etl.settings import PROJECT_ROOT
from etl.templates.from_register import plan_unit_workbook
from etl.usecases.context import Context
from tests.golden.sender import SOUND_ENVELOPE, Sending

RECORDED = "2025-12-01T08:00:00+07:00"
YEARLY = "statistics-year"
TOTAL = "F05/01/F05.01.1"
DAY = "2025-07-01"

Rows = Sequence[Mapping[str, str]]


def unit(code: str, name: str, kind: str, start: str, end: str = "", **more: str) -> dict[str, str]:
    """A row of units.csv."""
    return {"code": code, "name": name, "type": kind, "valid_from": start, "valid_to": end, **more}


def became(before: str, after: str, kind: str, day: str = DAY, share: str = "", **more: str) -> dict[str, str]:
    """A row of lineage.csv."""
    return {"predecessor": before, "successor": after, "kind": kind, "valid_from": day, "share": share, **more}


def report(
    code: str, start: str, owing: Mapping[str, str], end: str = "", optional: Iterable[str] = ()
) -> dict[str, object]:
    """A version of a yearly report on the clock of statistics; `owing` is said of the envelope and of F05."""
    forms: dict[str, object] = {form: dict(owing) for form in ("F00", "F05")}
    forms |= {form: {"*": "optional", "bloc": "not_owed"} for form in optional}
    said: dict[str, object] = {
        "code": code, "name": "Báo cáo thống kê năm", "clock": "statistics", "frequency": "year", "legal_basis": "thử nghiệm",
        "valid_from": date.fromisoformat(start), "forms": forms,
        "due": [{"unit_types": ["*"], "kind": "cutoff_plus_working_days", "days": 5, "operator": "no_later_than"}],
    }  # fmt: skip
    return {**said, "valid_to": date.fromisoformat(end)} if end else said


def write_register(folder: Path, units: Rows, lineage: Rows, reports: Sequence[Mapping[str, object]]) -> Path:
    """A register folder with these rows and the sample's calendar and awards; no blocs, movements or contacts."""
    folder.mkdir(parents=True)
    office = unit("H55.SNV", "Sở Nội vụ", "department", "2018-01-01")
    tables: dict[str, Rows] = {name: [] for name in COLUMNS}
    tables |= {"units.csv": [office, *units], "lineage.csv": lineage}
    for name, rows in tables.items():
        with (folder / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS[name], lineterminator="\n")
            writer.writeheader()
            writer.writerows({"recorded_at": RECORDED, **row} for row in rows)
    for name in ("awards.csv", "base_salary.csv", "calendar.csv", "alerts.yaml", "channels.yaml"):
        if (PROJECT_ROOT / "register" / name).exists():
            shutil.copy(PROJECT_ROOT / "register" / name, folder)
    head = yaml.safe_load((PROJECT_ROOT / "register" / "register.yaml").read_text("utf-8"))
    head |= {"province_name": "tỉnh Thái Nguyên", "agency_prefix": "H55", "standing_office_unit": "H55.SNV"}
    (folder / "register.yaml").write_text(yaml.safe_dump(head, allow_unicode=True), "utf-8")
    (folder / "reports.yaml").write_text(yaml.safe_dump({"reports": list(reports)}, allow_unicode=True), "utf-8")
    return folder


def fill(context: Context, unit_code: str, period: str, awards: int, report_code: str = YEARLY) -> Sending:
    """A unit's workbook: the template, the envelope, and that many collectives rewarded in F05."""
    register = context.register
    window = register.period(report_code, period)
    found = [row for row in register.unit_versions(unit_code) if row.valid_from <= window.end]
    sending = Sending(plan_unit_workbook(register, context.forms, report_code, period, found[-1]))
    for row, answer in SOUND_ENVELOPE.items():
        sending.field("F00", row, answer)
    sending.field("F00", "10", window.end + timedelta(days=1))
    if any(sheet.form == "F05" for sheet in sending.plan.sheets):
        sending.fill_awards({"2": {"02": awards, "11": awards}})
    return sending


def fill_movements(sending: Sending, number: int) -> None:
    """F02 of either layout: that many movements of the province, of one year, all the year round."""
    sheet = sending.plan.sheet_of("F02")
    rows = {key.row for key in sheet.places if key.form == "F02"}
    # The row "thường xuyên hằng năm" and the one "1 năm" have other codes in the layout of 2018.
    filled = {"01", "03", "07", "12"} if "12" in rows else {"01", "03", "05", "09"}
    for key in sheet.places:
        sending.put(*key[:3], number if key.row in filled and key.column in {"1", "3"} else 0)


def send_all(
    context: Context, folder: Path, figures: Mapping[str, Mapping[str, int]], movements: Mapping[str, int] | None = None,
    report_code: str = YEARLY,
) -> None:  # fmt: skip
    """Period → unit → awards: all workbooks of a period are delivered four days after its cut-off, and must be accepted.

    `movements`: period → what the standing office's own workbook says in F02.
    """
    post = Post(context, folder)
    for period, by_unit in figures.items():
        day = context.register.period(report_code, period).end + timedelta(days=4)
        sent = [
            (f"{code}_{period}", fill(context, code, period, awards, report_code), f"{day}T09:00:00")
            for code, awards in by_unit.items()
        ]
        for name, sending, _ in sent:
            if name.startswith("H55.SNV") and period in (movements or {}):
                fill_movements(sending, (movements or {})[period])
        post.deliver(*sent)
        verdicts = {name: post.verdict(name) for name, _, _ in sent}
        assert "rejected" not in verdicts.values(), {name: post.findings(name, "") for name in verdicts}
