"""A register of few units for the years 2020 and 2021, and workbooks with the counts that three provinces published then.

The counts are those of the articles (domain brief §1.1 to §1.3). How they divide by unit, by rank of the persons and by method
was not published and is invented here to add up; so are the scores of Lạng Sơn's bloc.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import yaml

from etl.forms.declaration import CellKey
from etl.register.read import COLUMNS
from etl.settings import PROJECT_ROOT
from etl.templates.from_register import plan_unit_workbook
from etl.templates.model import Scalar
from etl.usecases.context import Context
from tests.golden.sender import SOUND_ENVELOPE, Sending
from tests.golden.sound_awards import fill_proposals, fill_state_awards
from tests.golden.sound_basics import fill_exemplars
from tests.golden.sound_decisions import Line, put_line

REPORT = "movements-year"
RECORDED = "2019-12-01T08:00:00+07:00"
START = "2018-01-01"
OFFICE, FARMS, HEALTH, PARTY, ONE, TWO = "H99.SNV", "H99.SNN", "H99.SYT", "H99.TU", "H99.X1", "H99.X2"
BLOC = "H99.CUM1"
UNITS = (
    (OFFICE, "Sở Nội vụ", "department"),
    (FARMS, "Sở Nông nghiệp và Phát triển nông thôn", "department"),
    (HEALTH, "Sở Y tế", "department"),
    ("H99.STC", "Sở Tài chính", "department"),
    ("H99.SKHDT", "Sở Kế hoạch và Đầu tư", "department"),
    ("H99.VPUBND", "Văn phòng UBND tỉnh", "department"),
    ("H99.VPHDND", "Văn phòng Đoàn ĐBQH và HĐND tỉnh", "party"),
    ("H99.STP", "Sở Tư pháp", "department"),
    ("H99.SNGV", "Sở Ngoại vụ", "department"),
    (PARTY, "Ban Tổ chức Tỉnh ủy", "party"),
    (ONE, "Xã Đề Thám", "commune"),
    (TWO, "Xã Ân Tình", "commune"),
    (BLOC, "Cụm các cơ quan Tham mưu tổng hợp", "bloc"),
)
MEMBERS = (
    ("H99.STC", "leader"), ("H99.SKHDT", "deputy"), ("H99.VPUBND", "member"), ("H99.VPHDND", "member"), (OFFICE, "member"),
    ("H99.STP", "member"), ("H99.SNGV", "member"),
)  # fmt: skip
"""The seven of the article, leader and deputy first."""
ELECTION = (
    ("CUTRI", "Số cử tri đi bầu", "cử tri", "commune"),
    ("DBQH", "Số đại biểu Quốc hội trúng cử", "đại biểu", "department"),
    ("DBT", "Số đại biểu HĐND tỉnh trúng cử", "đại biểu", "department"),
    ("DBH", "Số đại biểu HĐND huyện trúng cử", "đại biểu", "department"),
    ("DBX", "Số đại biểu HĐND xã trúng cử", "đại biểu", "department"),
)
FORMS = ("F03", "F04", "F05", "F06", "F07", "F08", "F10", "F12", "F14")
Edit = Callable[[Sending], object]


def write_register(folder: Path, **scoring: int) -> Path:
    """The register as a folder; `scoring` changes parameters of the scoring in blocs."""
    folder.mkdir(parents=True)
    tables: dict[str, list[dict[str, str]]] = {name: [] for name in COLUMNS}
    tables["units.csv"] = [
        {"code": code, "name": name, "type": kind, "valid_from": START} for code, name, kind in UNITS
    ]
    tables["blocs.csv"] = [{"bloc": BLOC, "unit": unit, "role": role, "valid_from": START} for unit, role in MEMBERS]
    tables["movements.csv"] = [
        {"code": "BC", "name": "Thi đua lập thành tích chào mừng cuộc bầu cử", "level": "national", "lead_unit": OFFICE,
         "kind": "drive", "valid_from": "2021-01-01", "valid_to": "2021-12-31", "legal_basis": "thử nghiệm"},
    ]  # fmt: skip
    tables["indicators.csv"] = [
        {"movement": "BC", "code": code, "name": name, "unit_of_measure": unit, "aggregation": "sum", "cumulative": "no",
         "asked_of": asked, "valid_from": "2021-01-01"}
        for code, name, unit, asked in ELECTION
    ]  # fmt: skip
    for name in ("awards.csv", "base_salary.csv"):
        with (PROJECT_ROOT / "register" / name).open(encoding="utf-8", newline="") as stream:
            tables[name] = [{**row, "recorded_at": RECORDED} for row in csv.DictReader(stream)]
    # The awards are those of the law of today, as if it had been in force; no money is checked here.
    tables["awards.csv"] = [{**row, "valid_from": START} for row in tables["awards.csv"]]
    tables["base_salary.csv"] = [{**tables["base_salary.csv"][0], "valid_from": START}]
    for name, rows in tables.items():
        with (folder / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS[name], lineterminator="\n")
            writer.writeheader()
            writer.writerows({"recorded_at": RECORDED, **row} for row in rows)
    for name in ("alerts.yaml", "channels.yaml"):
        (folder / name).write_bytes((PROJECT_ROOT / "register" / name).read_bytes())
    head = yaml.safe_load((PROJECT_ROOT / "register" / "register.yaml").read_text("utf-8"))
    head |= {
        "province_name": "tỉnh thử nghiệm",
        "agency_prefix": "H99",
        "standing_office_unit": OFFICE,
        "recorded_at": RECORDED,
    }
    head["bloc_scoring"] = {**head["bloc_scoring"], **scoring}
    (folder / "register.yaml").write_text(yaml.safe_dump(head, allow_unicode=True), "utf-8")
    report = {
        "code": REPORT, "name": "Báo cáo công tác thi đua, khen thưởng năm", "clock": "admin", "frequency": "year",
        "legal_basis": "thử nghiệm", "valid_from": date(2019, 12, 15), "recorded_at": RECORDED,
        "forms": {
            "F00": {"*": "mandatory"}, "F11": {"bloc": "mandatory", "*": "not_owed"},
            **{form: {"*": "optional", "bloc": "optional" if form == "F14" else "not_owed"} for form in FORMS},
        },
        "due": [{"unit_types": ["*"], "kind": "cutoff_plus_working_days", "days": 3, "operator": "no_later_than"}],
    }  # fmt: skip
    (folder / "reports.yaml").write_text(yaml.safe_dump({"reports": [report]}, allow_unicode=True), "utf-8")
    return folder


def open_workbook(context: Context, unit: str, period: str, *edits: Edit) -> Sending:
    """A unit's fill-in workbook with a sound envelope; forms stay empty but for the edits."""
    register = context.register
    window = register.period(REPORT, period)
    sending = Sending(plan_unit_workbook(register, context.forms, REPORT, period, register.unit_versions(unit)[-1]))
    for row, answer in SOUND_ENVELOPE.items():
        sending.field("F00", row, answer)
    sending.field("F00", "10", window.end + timedelta(days=1))
    for edit in edits:
        edit(sending)
    return sending


# -- edits


def awards(figures: Mapping[str, Mapping[str, int]]) -> Edit:
    """F05 from column → row → figure, with its totals."""
    return lambda sending: sending.fill_awards(figures)


def state_awards(figures: Mapping[str, Mapping[str, int]]) -> Edit:
    """F04 in the same way."""
    return lambda sending: fill_state_awards(sending, figures)


def proposals(figures: Mapping[str, Mapping[str, int]]) -> Edit:
    """F08 in the same way."""
    return lambda sending: fill_proposals(sending, figures)


def exemplars(figures: Mapping[str, Mapping[str, int]]) -> Edit:
    """F12 in the same way."""
    return lambda sending: fill_exemplars(
        sending, {str(column): figures.get(str(column), {}) for column in range(1, 17)}
    )


def fields(form: str, figures: Mapping[str, Scalar]) -> Edit:
    """A form of single values: row → value."""

    def edit(sending: Sending) -> None:
        for row, value in figures.items():
            sending.field(form, row, value)

    return edit


def results(figures: Mapping[str, tuple[float | None, float]]) -> Edit:
    """F03: indicator → (plan, result); the running total is the result."""

    def edit(sending: Sending) -> None:
        for code, (plan, result) in figures.items():
            for column, value in (("1", plan), ("2", result), ("3", result)):
                sending.put("F03", f"BC+{code}", column, value)

    return edit


def decisions(*lines: Line, method: str = "Thường xuyên") -> Edit:
    """F14, one line after the other."""

    def edit(sending: Sending) -> None:
        for place, line in enumerate(lines, 1):
            put_line(sending, str(place), line)
            sending.put("F14", str(place), "F", method)

    return edit


def scores(figures: Mapping[str, tuple[float, float, int, str] | None]) -> Edit:
    """F11: member → own score, voted score, rank, proposal; None takes the member's line out."""

    def edit(sending: Sending) -> None:
        sheet = sending.plan.sheet_of("F11")
        for unit, told in figures.items():
            if told is None:
                for column in ("A", "B"):
                    sheet.cells[sheet.places[CellKey("F11", unit, column)]].value = None
                continue
            for column, value in zip(("1", "2", "3", "C"), told, strict=True):
                sending.put("F11", unit, column, value)

    return edit


# -- what was published


def bac_kan_2020() -> dict[str, Sequence[Edit]]:
    """Unit → edits: 245 collectives, 468 persons (179 leaders), 36 flags, 145 and 64 titles, 425 badges proposed; exemplars."""
    parts = {
        FARMS: (100, 180, 70, 110, 14, 60, 30),
        HEALTH: (85, 150, 60, 90, 12, 45, 20),
        OFFICE: (60, 138, 49, 89, 10, 40, 14),
    }
    found: dict[str, Sequence[Edit]] = {}
    for unit, (collectives, persons, leaders, workers, flags, excellent, fighters) in parts.items():
        figures = {
            "2": {"02": collectives, "05": persons, "09": leaders, "10": workers, "11": collectives + persons},
            "3": {"05": fighters, "10": fighters, "11": fighters},
            "4": {"02": flags, "11": flags},
            "6": {"02": excellent, "11": excellent},
        }
        structure = {"01": persons, "02": leaders, "04": workers, "06": persons // 2, "07": persons // 3, "08": 0}
        found[unit] = [awards(figures), fields("F07", structure)]
    found[OFFICE] = [
        *found[OFFICE],
        state_awards({
            "2": {"06": 1, "15": 1}, "3": {"09": 3, "14": 3, "15": 3}, "7": {"06": 4, "15": 4}, "8": {"06": 2, "15": 2},
            "9": {"09": 6, "14": 6, "15": 6},
        }),
        proposals({
            "3": {"01": 1, "02": 2, "03": 4, "05": 10, "06": 60, "08": 40},
            "4": {"01": 3, "02": 6, "06": 138, "07": 14, "09": 425},
            "5": {"01": 1, "02": 2, "03": 4, "05": 10, "06": 60, "08": 40}, "6": {"01": 3, "02": 6, "06": 138, "07": 14},
        }),
        exemplars({"14": {"02": 20, "04": 11}, "15": {"07": 4}, "16": {"02": 40, "05": 13, "06": 30}}),
    ]  # fmt: skip
    return found


SPRING = date(2021, 5, 19)
FLAG_PARTY, CERTIFICATE_PARTY = "Cờ thi đua của Tỉnh ủy", "Bằng khen của cấp ủy"


def cao_bang_2021() -> dict[str, Sequence[Edit]]:
    """Unit → edits: the election, State and provincial awards with their decisions, the Party's own apart."""
    pm, chair = "Thủ tướng", "Chủ tịch UBND tỉnh"
    certificate = "Bằng khen của Chủ tịch UBND tỉnh"
    office = [
        results({"DBQH": (None, 6), "DBT": (None, 50), "DBH": (None, 315), "DBX": (None, 3048)}),
        state_awards({
            "2": {"06": 6, "15": 6}, "3": {"09": 6, "14": 6, "15": 6}, "8": {"06": 2, "16": 2}, "9": {"09": 2, "14": 2, "16": 2},
        }),
        awards({
            "2": {"02": 118, "05": 61, "10": 61, "11": 82, "12": 97}, "4": {"02": 19, "11": 19},
        }),
        decisions(
            Line("11/QĐ-TTg", SPRING, pm, "Bằng khen của Thủ tướng Chính phủ", "Tập thể", "Theo danh sách", 2),
            Line("11/QĐ-TTg", SPRING, pm, "Bằng khen của Thủ tướng Chính phủ", "Cá nhân", "Theo danh sách", 2),
            Line("12/QĐ-CTN", SPRING, "Chủ tịch nước", "Huân chương, huy chương khác", "Tập thể", "Theo danh sách", 6),
            Line("12/QĐ-CTN", SPRING, "Chủ tịch nước", "Huân chương, huy chương khác", "Cá nhân", "Theo danh sách", 6),
            Line("1/QĐ-UBND", SPRING, chair, certificate, "Tập thể", "Danh sách chống dịch kèm theo", 36),
            Line("1/QĐ-UBND", SPRING, chair, certificate, "Cá nhân", "Danh sách chống dịch kèm theo", 61),
            Line("2/QĐ-UBND", SPRING, chair, certificate, "Tập thể", "Theo danh sách", 82),
            Line("3/QĐ-UBND", SPRING, "UBND tỉnh", "Cờ thi đua của UBND tỉnh", "Tập thể", "Theo danh sách", 19),
        ),
        lambda sending: [sending.put("F14", row, "F", "Chuyên đề") for row in ("1", "2", "5", "6")],
    ]  # fmt: skip
    party = [
        decisions(
            Line("7-QĐ/TU", SPRING, "Tỉnh ủy", FLAG_PARTY, "Tập thể", "Theo danh sách", 6),
            Line(
                "8-QĐ/TU", SPRING, "Tỉnh ủy", CERTIFICATE_PARTY, "Tập thể", "Đảng bộ cấp trên cơ sở theo danh sách", 3
            ),
            Line("9-QĐ/TU", SPRING, "Tỉnh ủy", CERTIFICATE_PARTY, "Tập thể", "Chi bộ theo danh sách", 6),
            Line("10-QĐ/TU", SPRING, "Tỉnh ủy", CERTIFICATE_PARTY, "Cá nhân", "Đảng viên theo danh sách", 29),
        )
    ]
    return {
        OFFICE: office, PARTY: party,
        ONE: [results({"CUTRI": (200_409, 199_500)})], TWO: [results({"CUTRI": (170_000, 169_494)})],
    }  # fmt: skip


FLAG, CERTIFICATE, NOTHING = "Cờ thi đua của UBND tỉnh", "Bằng khen của Chủ tịch UBND tỉnh", "Không"
LANG_SON_SCORES: Mapping[str, tuple[float, float, int, str] | None] = {
    "H99.STC": (98.5, 98, 1, FLAG), "H99.VPHDND": (97.5, 97, 2, CERTIFICATE), "H99.SNGV": (97, 96.5, 3, CERTIFICATE),
    "H99.SKHDT": (96, 95, 4, NOTHING), "H99.VPUBND": (95.5, 94, 5, NOTHING), OFFICE: (95, 93.5, 6, NOTHING),
    "H99.STP": (94, 92, 7, NOTHING),
}  # fmt: skip
"""Ranks 1 to 3 and their awards were published; the rest, and every score, is invented."""
