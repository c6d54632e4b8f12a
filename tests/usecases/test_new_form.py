"""A new form is a YAML, a suite and a line in the register: no Python, no DDL, from the template to the wide view."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from etl.calendar.deadlines import TIMEZONE
from etl.findings.catalogue import SUITES_FOLDER
from etl.forms.declaration import CellKey
from etl.forms.library import FORMS_FOLDER
from etl.settings import PROJECT_ROOT, Settings, read_settings
from etl.templates.from_register import plan_unit_workbook
from etl.templates.model import Scalar, WorkbookPlan
from etl.templates.write import write_workbook
from etl.usecases.check import check_files
from etl.usecases.consolidate import consolidate_period, read_figures
from etl.usecases.context import Knowledge, open_context
from etl.usecases.export import export_workbook
from etl.usecases.ingest import ingest
from etl.usecases.prepare import init_warehouse
from tests.golden.sender import BLOC, DEPARTMENT, make_sending

REPORT, PERIOD = "movements-half", "2026-S1"
AFTERWARDS = datetime(2026, 11, 21, 8, 0, tzinfo=TIMEZONE)
HEAD = {"instrument": "Mẫu thử", "effective_from": date(2020, 1, 1)}

SPONSORS = {
    "code": "F97",
    "name": "Tài trợ",
    "versions": [
        {
            **HEAD, "version": "2026.1", "sheet": "F97 Tài trợ", "title": "DANH SÁCH TÀI TRỢ", "rows_from": "open",
            "open_rows": 6,
            "columns": [
                {"code": "A", "field": "stt", "label": "STT", "type": "code", "key": True, "required": True},
                {"code": "B", "field": "nha_tai_tro", "label": "Nhà tài trợ", "type": "text", "required": True},
                {"code": "C", "field": "ngay", "label": "Ngày", "type": "date", "required": True},
                {
                    "code": "D", "field": "hinh_thuc", "label": "Hình thức", "type": "choice", "required": True,
                    "choices": [{"value": "tien", "labels": ["Tiền mặt"]}, {"value": "vat", "labels": ["Hiện vật"]}],
                },
                {"code": "1", "field": "so_tien", "label": "Số tiền", "type": "money", "unit": "đồng", "required": True},
                {"code": "E", "field": "ghi_chu", "label": "Diễn giải", "type": "text", "multiline": True},
            ],
        }
    ],
}  # fmt: skip
CLUBS = {
    "code": "F98",
    "name": "Câu lạc bộ",
    "versions": [
        {
            **HEAD, "version": "2026.1", "sheet": "F98 Câu lạc bộ", "title": "SỐ CÂU LẠC BỘ",
            "rows": [
                {"code": "01", "label": "Tổng số"}, {"code": "02", "label": "Ở xã", "level": 1},
                {"code": "03", "label": "Ở thôn", "level": 1, "measure": "hamlet"},
            ],
            "columns": [
                {"code": "1", "label": "Câu lạc bộ", "aggregation": "sum"},
                {"code": "2", "label": "Lượt tài trợ", "aggregation": "sum", "measure": "gifts"},
            ],
        }
    ],
}  # fmt: skip
COMMITTEES = {
    "code": "F99",
    "name": "Ban vận động",
    "versions": [
        {
            **HEAD, "version": "2026.1", "sheet": "F99 Ban vận động", "title": "BAN VẬN ĐỘNG",
            "rows_from": "bloc_members", "open_rows": 2,
            "columns": [
                {
                    "code": "A", "field": "ma", "label": "Mã đơn vị", "type": "code", "key": True, "reference": "unit",
                    "required": True, "prefill": "member",
                },
                {"code": "B", "field": "ten", "label": "Tên đơn vị", "type": "text", "prefill": "member_name"},
                {"code": "1", "field": "so_nguoi", "label": "Số người", "required": True, "aggregation": "sum"},
            ],
        }
    ],
}  # fmt: skip


def rule(code: str, kind: str, kwargs: dict[str, object], blame: str, message: str) -> dict[str, object]:
    return {
        "type": kind, "kwargs": kwargs, "severity": "critical", "description": message,
        "meta": {"code": code, "category": "thu", "fix": "Kiểm tra lại.", "blame": [blame]},
    }  # fmt: skip


SUITES = {
    "F97": {
        "frame": "list", "form": "F97", "title": "Tài trợ", "versions": ["2026.1"],
        "rules": [
            rule("F97-AMOUNT", "expect_column_values_to_be_between", {"column": "so_tien", "min_value": 100_000}, "so_tien",
                 "Số tiền {value} ít hơn một trăm nghìn đồng."),
            rule("F97-TWICE", "expect_compound_columns_to_be_unique",
                 {"column_list": ["@submission", "nha_tai_tro", "ngay"]}, "nha_tai_tro",
                 "Nhà tài trợ “{value}” ghi hai lần cùng ngày."),
        ],
    },
    "F98.columns": {
        "frame": "columns", "form": "F98", "title": "Câu lạc bộ",
        "rules": [
            rule("F98-SUM", "expect_parts_to_sum_to_total", {"column_list": ["02", "03", "01"]}, "01",
                 "Cột {column}: dòng 01 ghi {value}, cộng lại là {expected}."),
        ],
    },
    "F99": {
        "frame": "list", "form": "F99", "title": "Ban vận động",
        "rules": [
            rule("F99-MANY", "expect_column_values_to_be_between", {"column": "so_nguoi", "max_value": 50}, "so_nguoi",
                 "{value} người là quá nhiều."),
        ],
    },
    "gifts": {
        "frame": "submission", "form": None, "title": "Đối chiếu tài trợ",
        "rules": [
            rule("X-GIFTS", "expect_column_pair_values_to_be_equal",
                 {"column_A": "F98.01.2", "column_B": "F97.#?hinh_thuc=tien", "ignore_row_if": "either_value_is_missing"},
                 "F98.01.2", "F98 ghi {value} lượt tài trợ tiền, danh sách có {expected}."),
        ],
    },
}  # fmt: skip


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Forms, suites and register of the project with the new ones added."""
    found = {name: tmp_path / name for name in ("forms", "expectations", "register")}
    found["forms"].mkdir()
    for path in FORMS_FOLDER.glob("*.yaml"):
        shutil.copy(path, found["forms"])
    for form in (SPONSORS, CLUBS, COMMITTEES):
        (found["forms"] / f"{form['code']}.yaml").write_text(yaml.safe_dump(form, allow_unicode=True), "utf-8")
    shutil.copytree(SUITES_FOLDER, found["expectations"])
    for name, suite in SUITES.items():
        meta = {key: value for key, value in suite.items() if key != "rules"}
        text = json.dumps({"name": name, "meta": meta, "expectations": suite["rules"]}, ensure_ascii=False)
        (found["expectations"] / f"{name}.json").write_text(text, "utf-8")
    shutil.copytree(PROJECT_ROOT / "register", found["register"])
    reports = found["register"] / "reports.yaml"
    declared = yaml.safe_load(reports.read_text("utf-8"))
    owed = next(report["forms"] for report in declared["reports"] if report["code"] == REPORT)
    owed["F97"] = {"*": "mandatory", "bloc": "not_owed"}
    owed["F98"] = {"*": "optional", "bloc": "not_owed"}
    owed["F99"] = {"*": "not_owed", "bloc": "mandatory"}
    reports.write_text(yaml.safe_dump(declared, allow_unicode=True, sort_keys=False), "utf-8")
    return found


def plan_sound(knowledge: Knowledge, unit: str) -> WorkbookPlan:
    """The unit's template with the sound figures of the project's own forms."""
    register = knowledge.register
    plan = plan_unit_workbook(register, knowledge.forms, REPORT, PERIOD, register.unit_versions(unit)[-1])
    for sheet in make_sending(unit=unit).plan.sheets:
        for key, place in sheet.places.items():
            plan.put(key, sheet.cells[place].value)
    return plan


def put(plan: WorkbookPlan, form: str, row: str, values: dict[str, Scalar]) -> None:
    for column, value in values.items():
        plan.put(CellKey(form, row, column), value)


def gift(name: str, day: date, kind: str, amount: Scalar) -> dict[str, Scalar]:
    return {"B": name, "C": day, "D": kind, "1": amount}


def fill_gifts(plan: WorkbookPlan, amount: Scalar = 5_000_000) -> None:
    put(plan, "F97", "1", gift("Công ty A", date(2026, 3, 1), "Tiền mặt", amount))
    put(plan, "F97", "2", gift("Công ty B", date(2026, 3, 2), "Hiện vật", 250_000))
    put(plan, "F97", "4", {**gift("Công ty A", date(2026, 5, 1), "Tiền mặt", "1.000.000"), "E": "Đợt hai\ncho thôn"})


def fill_clubs(plan: WorkbookPlan, gifts: int) -> None:
    for row, values in {"01": (7, gifts), "02": (4, gifts), "03": (3, 0)}.items():
        put(plan, "F98", row, {"1": values[0], "2": values[1]})


def test_from_yaml_to_the_wide_view(
    folders: dict[str, Path], make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = make_settings(**folders)
    knowledge = Knowledge(settings)
    inbox = tmp_path / "files"
    inbox.mkdir()

    good = plan_sound(knowledge, DEPARTMENT)
    fill_gifts(good)
    fill_clubs(good, gifts=2)
    bad = plan_sound(knowledge, DEPARTMENT)
    fill_gifts(bad, amount=99_999)
    put(bad, "F97", "3", gift("Công ty B", date(2026, 3, 2), "Hiện vật", 300_000))
    fill_clubs(bad, gifts=3)
    put(bad, "F98", "01", {"1": 8})
    untouched = plan_sound(knowledge, DEPARTMENT)
    fill_gifts(untouched)
    bloc = plan_sound(knowledge, BLOC)
    members = [key.row for key in bloc.sheet_of("F99").places if key.column == "1" and key.row]
    for member in members:
        put(bloc, "F99", member, {"1": 5})
    plans = {"bad": bad, "bloc": bloc, "good": good, "untouched": untouched}
    for name, plan in plans.items():
        (inbox / f"{name}.xlsx").write_bytes(write_workbook(plan))

    checked = dict(zip(plans, check_files(knowledge, [inbox / f"{name}.xlsx" for name in plans]), strict=True))
    told = {name: [(f.code, f.row, f.value, f.expected) for f in one.findings] for name, one in checked.items()}
    assert told == {
        "bad": [
            ("F97-AMOUNT", "1", "99.999", None),
            ("F97-TWICE", "2", "Công ty B", None),
            ("F97-TWICE", "3", "Công ty B", None),
            ("F98-SUM", "01", "8", "7"),
            ("X-GIFTS", "01", "3", "2"),
        ],
        "bloc": [],
        "good": [],
        "untouched": [],
    }
    assert "F98" in checked["good"].form_versions
    assert "F98" not in checked["untouched"].form_versions
    assert {"F97", "F98"} & set(checked["bloc"].form_versions) == set()

    init_warehouse(settings)
    with open_context(settings) as context:
        ingest(context, [inbox / "good.xlsx", inbox / "bloc.xlsx"])
        consolidate_period(context, REPORT, PERIOD, AFTERWARDS)
        figures = read_figures(context, REPORT, PERIOD)
        out = export_workbook(context, REPORT, PERIOD, tmp_path / "out.xlsx", AFTERWARDS)
        with context.engine.connect() as connection:
            gifts = connection.execute(
                sa.text(
                    "SELECT row_key, nha_tai_tro, ngay, hinh_thuc, so_tien, ghi_chu FROM mart.f97_wide ORDER BY row_key"
                )
            ).all()
            clubs = connection.execute(sa.text("SELECT row_key, c1, c2 FROM mart.f98_wide ORDER BY row_key")).all()
            committees = connection.execute(sa.text("SELECT ma, so_nguoi FROM mart.f99_wide")).all()
            measures = connection.execute(
                sa.text(
                    "SELECT DISTINCT measure FROM core.observation WHERE form = 'F98' AND row_key = '03' ORDER BY 1"
                )
            ).scalars()
            assert list(measures) == ["F98.hamlet.1", "F98.hamlet.gifts"]
            coverage = connection.execute(
                sa.text(
                    "SELECT form, units_accepted FROM mart.coverage WHERE form >= 'F97' AND report = :report "
                    "AND period = :period ORDER BY form"
                ),
                {"report": REPORT, "period": PERIOD},
            ).all()
    assert [tuple(row) for row in gifts] == [
        ("1", "Công ty A", date(2026, 3, 1), "tien", Decimal(5_000_000), None),
        ("2", "Công ty B", date(2026, 3, 2), "vat", Decimal(250_000), None),
        ("4", "Công ty A", date(2026, 5, 1), "tien", Decimal(1_000_000), "Đợt hai cho thôn"),
    ]
    assert [tuple(row) for row in clubs] == [("01", 7, 2), ("02", 4, 2), ("03", 3, 0)]
    assert sorted(tuple(row) for row in committees) == sorted((member, 5) for member in members)
    assert [tuple(row) for row in coverage] == [("F97", 1), ("F98", 1), ("F99", 1)]
    # Lines of an open list and figures of a bloc are nobody's total; a matrix is.
    assert "F97" not in figures and "F99" not in figures
    assert {figure.measure: figure.value for figure in figures["F98"]}["F98.hamlet.1"] == 3
    assert out.stat().st_size > 0


def test_the_folders_come_from_the_environment(folders: dict[str, Path]) -> None:
    settings = read_settings(
        {
            "MOVEMENT_REPORTS_FORMS": str(folders["forms"]),
            "MOVEMENT_REPORTS_EXPECTATIONS": str(folders["expectations"]),
            "MOVEMENT_REPORTS_REGISTER": str(folders["register"]),
        }
    )
    knowledge = Knowledge(settings)
    assert {"F97", "F98", "F99"} <= set(knowledge.forms)
    assert "X-GIFTS" in knowledge.catalogue.entries
    assert "F97" not in Knowledge(replace(read_settings({}))).forms
