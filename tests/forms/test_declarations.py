"""Form declarations: what contradicts itself is refused, with file and reason; what is derived from them is right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from etl.forms.declaration import CellKey, Kind
from etl.forms.library import BadForm, read_form, read_forms

Spec = dict[str, Any]


def fields_form(**changes: Any) -> Spec:
    """A small sound declaration."""
    version: Spec = {
        "version": "1", "instrument": "Mẫu thử", "effective_from": date(2026, 1, 1), "sheet": "F99", "title": "THỬ",
        "fields": [{"code": "01", "field": "tong", "label": "Tổng"}, {"code": "02", "field": "nu", "label": "Nữ"}],
    }  # fmt: skip
    return {"code": "F99", "name": "Thử", "versions": [version | changes]}


def matrix_form(**changes: Any) -> Spec:
    columns = [{"code": "1", "label": "Tổng"}, {"code": "2", "label": "Bằng khen"}]
    rows = [{"code": "01", "label": "Tổng"}, {"code": "02", "label": "Tập thể"}]
    return fields_form(**{"fields": [], "columns": columns, "rows": rows, **changes})


def key(code: str = "A", field: str = "stt", **more: Any) -> Spec:
    return {"code": code, "field": field, "label": "STT", "type": "code", "key": True, **more}


def list_form(columns: list[Spec] | None = None, **changes: Any) -> Spec:
    return fields_form(**{"fields": [], "columns": [key()] if columns is None else columns, **changes})


def row(code: str = "01", field: str = "a", **more: Any) -> Spec:
    return {"code": code, "field": field, "label": "A", **more}


@pytest.fixture
def write_form(tmp_path: Path) -> Callable[[Spec], Path]:
    def write(spec: Spec, name: str = "F99.yaml") -> Path:
        path = tmp_path / name
        path.write_text(yaml.safe_dump(spec, allow_unicode=True), "utf-8")
        return path

    return write


def test_sound_declarations_are_taken(write_form: Callable[[Spec], Path]) -> None:
    assert read_form(write_form(fields_form())).versions[0].kind is Kind.FIELDS
    assert read_form(write_form(matrix_form())).versions[0].kind is Kind.MATRIX


BAD: dict[str, tuple[Spec, str]] = {
    "a row code twice": (fields_form(fields=[row(), row(field="b")]), "01"),
    "a field name twice": (fields_form(fields=[row(), row("02")]), "field names"),
    "a column code twice": (matrix_form(columns=[{"code": "1", "label": "A"}, {"code": "1", "label": "B"}]), "columns"),
    "fields and columns": (fields_form(columns=[{"code": "1", "label": "A"}]), "either"),
    "neither": (fields_form(fields=[]), "either"),
    "a structural zero of no row": (matrix_form(not_applicable=[{"column": "2", "rows": ["03"], "reason": "Không có"}]), "03"),
    "a required cell of no column": (matrix_form(required_cells=[{"column": "3", "rows": ["01"]}]), "3"),
    "a list without keys": (fields_form(fields=[], columns=[{"code": "1", "field": "so", "label": "Số"}]), "key"),
    "a list column without a name": (fields_form(fields=[], columns=[{"code": "A", "label": "Mã", "key": True}]), "field"),
    "choices without type choice": (
        fields_form(fields=[row(choices=[{"value": "x", "labels": ["X"]}])]), "choice",
    ),
    "type choice without choices": (fields_form(fields=[row(type="choice")]), "choice"),
    "a rate of nothing": (fields_form(fields=[row(aggregation="rate")]), "rate_of"),
    "rate_of without rate": (fields_form(fields=[row(rate_of=["01", "02"])]), "rate_of"),
    "an unknown type": (fields_form(fields=[row(type="number")]), "type"),
    "an unknown key": (fields_form(fields=[row(requried=True)]), "requried"),
    "a code with a blank": (fields_form(fields=[{"code": "0 1", "field": "a", "label": "A"}]), "code"),
    "a field name with tones": (fields_form(fields=[{"code": "01", "field": "tổng", "label": "A"}]), "field"),
    "rows of a matrix from somewhere": (matrix_form(rows_from="open"), "list"),
    "rows of blocs without units": (list_form(rows_from="bloc_members"), "unit"),
    "rows of movements by unit": (list_form([key(reference="unit")], rows_from="movement_indicators"), "indicator"),
    "an open list with two keys": (list_form([key(), key("B", "hai")], rows_from="open"), "None"),
    "an open list by text": (list_form([key(type="text")], rows_from="open"), "running number"),
    "an open list that is added up": (
        list_form([key(), {"code": "1", "field": "so", "label": "Số", "aggregation": "sum"}], rows_from="open"), "added up",
    ),
    "rows from elsewhere": (list_form(rows_from="register"), "rows_from"),
    "a number of several lines": (fields_form(fields=[row(multiline=True)]), "multiline"),
    "a number that names somebody": (fields_form(fields=[row(identifies="name")]), "identifies"),
    "a field that every view has": (fields_form(fields=[row(field="unit")]), "wide view"),
    "rows of one measure": (
        matrix_form(rows=[{"code": "01", "label": "A", "measure": "02"}, {"code": "02", "label": "B"}]), "measure",
    ),
    "columns of one measure": (
        matrix_form(columns=[{"code": "1", "label": "A", "measure": "m"}, {"code": "2", "label": "B", "measure": "m"}]),
        "measure",
    ),
    "no versions": ({"code": "F99", "name": "Thử", "versions": []}, "versions"),
    "a form code of its own making": (fields_form() | {"code": "X1"}, "code"),
    "versions that overlap": (
        {"code": "F99", "name": "Thử", "versions": [
            fields_form()["versions"][0], fields_form(version="2", effective_from=date(2027, 1, 1))["versions"][0],
        ]}, "must end before",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BAD))
def test_contradictions_are_refused(name: str, write_form: Callable[[Spec], Path]) -> None:
    spec, reason = BAD[name]
    with pytest.raises(BadForm, match=r"F99\.yaml") as refused:
        read_form(write_form(spec))
    assert reason in str(refused.value)


def test_broken_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "F99.yaml").write_text("code: [F99", "utf-8")
    with pytest.raises(BadForm, match=r"F99\.yaml"):
        read_form(tmp_path / "F99.yaml")


def test_file_and_form_have_one_name(write_form: Callable[..., Path]) -> None:
    path = write_form(fields_form(), "F98.yaml")
    with pytest.raises(BadForm, match=r"F98.*F99"):
        read_forms(path.parent)


def test_a_folder_without_forms_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadForm, match="no form"):
        read_forms(tmp_path)


def test_versions_follow_the_period() -> None:
    first = fields_form(effective_to=date(2026, 12, 31))["versions"][0]
    second = fields_form(version="2", effective_from=date(2027, 1, 1))["versions"][0]
    from etl.forms.declaration import Form

    form = Form.model_validate({"code": "F99", "name": "Thử", "versions": [first, second]})
    assert form.version_on(date(2026, 12, 31)).version == "1"
    assert form.version_on(date(2027, 1, 1)).version == "2"
    with pytest.raises(LookupError, match="F99"):
        form.version_on(date(2025, 12, 31))


def test_the_forms_of_the_project() -> None:
    forms = read_forms()
    assert {code: form.versions[-1].kind for code, form in forms.items()} == {
        "F00": Kind.FIELDS, "F01": Kind.FIELDS, "F02": Kind.MATRIX, "F03": Kind.LIST, "F04": Kind.MATRIX,
        "F05": Kind.MATRIX, "F06": Kind.FIELDS, "F07": Kind.FIELDS, "F08": Kind.MATRIX, "F09": Kind.MATRIX,
        "F10": Kind.FIELDS, "F11": Kind.LIST, "F12": Kind.MATRIX, "F13": Kind.FIELDS, "F14": Kind.LIST,
    }  # fmt: skip
    for code, form in forms.items():
        for version in form.versions:
            cells = list(version.walk_cells(code))
            measures = [version.measure_of(code, key.row, key.column) for key, _ in cells]
            assert len(set(measures)) == len(measures) == len({key for key, _ in cells})


def test_rows_of_lists(write_form: Callable[[Spec], Path]) -> None:
    version = read_form(write_form(list_form(rows_from="open", open_rows=40))).versions[0]
    assert (version.kind, version.rows_from, version.open_rows) == (Kind.LIST, "open", 40)
    assert read_form(write_form(list_form())).versions[0].rows_from is None
    assert read_forms()["F03"].versions[-1].rows_from == "movement_indicators"


def test_measures_of_a_matrix_join_its_versions(write_form: Callable[[Spec], Path]) -> None:
    """The newer layout split a row and inserted a column; what stayed the same keeps its name."""
    older = matrix_form(effective_to=date(2026, 12, 31))["versions"][0]
    newer = matrix_form(
        version="2", effective_from=date(2027, 1, 1),
        rows=[{"code": "01", "label": "Tổng"}, {"code": "03", "label": "Tập thể", "measure": "02"}],
        columns=[{"code": "1", "label": "Tổng"}, {"code": "2", "label": "Cờ", "measure": "flags"},
                 {"code": "3", "label": "Bằng khen", "measure": "2"}],
    )["versions"][0]  # fmt: skip
    form = read_form(write_form({"code": "F99", "name": "Thử", "versions": [older, newer]}))
    first, second = form.versions
    assert first.measure_of("F99", "02", "2") == second.measure_of("F99", "03", "3") == "F99.02.2"
    assert second.measure_of("F99", "01", "2") == "F99.01.flags"


def test_structural_zeros_and_required_cells_of_f05() -> None:
    version = read_forms()["F05"].versions[-1]
    assert version.not_applicable_cells["02", "3"] == "Chiến sĩ thi đua chỉ tặng cá nhân"
    assert version.not_applicable_cells["05", "4"] == version.not_applicable_cells["04", "4"]
    assert ("02", "6") not in version.not_applicable_cells
    assert version.required_pairs == {("01", "1"), ("02", "1"), ("05", "1")}
    assert version.measure_of("F05", "05", "2") == "F05.05.2"


def test_restricted_fields_of_the_envelope() -> None:
    """Names and contacts of people are marked in the declaration: they never enter the marts."""
    envelope = read_forms()["F00"].versions[-1]
    assert {row.field for row in envelope.fields if row.restricted} == {
        "nguoi_ky",
        "nguoi_lap_bieu",
        "dien_thoai",
        "email",
    }


def test_every_printed_column_code_is_one_of_its_kind() -> None:
    for form in read_forms().values():
        for version in form.versions:
            printed = [code for code, _ in version.printed_columns]
            assert len(set(printed)) == len(printed)
            assert next(version.walk_cells(form.code), (CellKey(form.code, "", ""),))[0].form == form.code
