"""Suites are loaded as written or not at all, and speak only of what the forms have."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from etl.findings.catalogue import SUITES_FOLDER, read_catalogue, read_suite_specs
from etl.forms.declaration import Form, FormVersion, Kind
from etl.forms.library import read_forms
from etl.parsing.submission import ParsedSubmission
from etl.validation.context import Submission
from etl.validation.frames import DECIMALS, SUBMISSION
from etl.validation.suites import BadSuite, LoadedSuite, load_suites
from etl.validation.sums import ListSum, parse_sum
from tests.golden.sender import read_knowledge

CONTEXT = {SUBMISSION, *Submission(ParsedSubmission()).context_values(read_knowledge().register)}
NO_SUITE = {("F08", "columns")}
"""A column of F08 counts awards of different kinds: they are not added up, so no rule runs down it."""
CELL_COLUMNS = {"value", "number", "required", "not_applicable"}
Spec = dict[str, Any]


def columns_of(version: FormVersion, frame: str) -> set[str]:
    """The names a suite of that frame may use of a layout."""
    if frame == "fields":
        return {row.field for row in version.fields}
    if frame == "list":
        return {str(column.field) for column in version.columns}
    if frame == "rows":
        return {column.code for column in version.columns} | {"row"}
    return {row.code for row in version.rows} | {"column"}


def tie_columns(forms: Mapping[str, Form]) -> set[str]:
    """The names a suite between forms may use."""
    names = set()
    for form in forms.values():
        for version in form.versions:
            if version.kind is Kind.FIELDS:
                names |= {f"{form.code}.{row.field}" for row in version.fields}
            names |= {f"{form.code}.{row.code}.{column.code}" for row in version.rows for column in version.columns}
    return names


def is_possible_sum(wanted: ListSum, forms: Mapping[str, Form]) -> bool:
    """Whether every layout of the form is a list with these columns, a number to add up and answers that may be chosen."""
    for version in forms[wanted.form].versions:
        columns = {column.field: column for column in version.columns if version.kind is Kind.LIST}
        if set(wanted.columns) - columns.keys():
            return False
        if wanted.field is not None and not columns[wanted.field].type.is_number:
            return False
        for name, values in wanted.filters:
            choices = {choice.value for choice in columns[name].choices}
            if columns[name].type.is_number or (choices and values - choices):
                return False
    return True


def find_unknown_columns(suites: list[LoadedSuite], forms: Mapping[str, Form]) -> set[tuple[str, str]]:
    """(suite, column) for every column that no form has; a rule on such a column would never find anything."""
    unknown = set()
    for suite in suites:
        if suite.frame == "cells":
            known = CELL_COLUMNS
        elif suite.frame == "submission":
            known = tie_columns(forms)
        else:
            known = set.intersection(
                *(
                    columns_of(version, suite.frame)
                    for version in forms[suite.form or ""].versions
                    if suite.versions is None or version.version in suite.versions
                )
            )
        for name in suite.columns:
            wanted = parse_sum(name) if suite.frame == "submission" else None
            if wanted is not None:
                if not is_possible_sum(wanted, forms):
                    unknown.add((suite.name, name))
            elif name.removesuffix(DECIMALS) not in known | CONTEXT:
                unknown.add((suite.name, name))
    return unknown


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[str, Callable[[Spec], object]], Path]:
    """A copy of the suites with one of them changed."""

    def make(name: str, change: Callable[[Spec], object]) -> Path:
        folder = tmp_path / "expectations"
        shutil.copytree(SUITES_FOLDER, folder)
        spec = json.loads((folder / f"{name}.json").read_text("utf-8"))
        change(spec)
        (folder / f"{name}.json").write_text(json.dumps(spec), "utf-8")
        return folder

    return make


def first(spec: Spec) -> Spec:
    rule: Spec = spec["expectations"][0]
    return rule


def library_keeps(rules: list[Spec]) -> int:
    """How many rules the library alone takes, without a word of complaint."""
    import great_expectations as gx

    return len(gx.ExpectationSuite(name="alone", expectations=rules).expectations)


def test_the_suites_load() -> None:
    suites = load_suites()
    specs = read_suite_specs()
    assert [suite.name for suite in suites] == list(specs)
    assert set(specs) == {path.stem for path in SUITES_FOLDER.iterdir()}
    assert {"F00", "F03", "F05.columns", "F05.rows", "F07", "cells", "cross"} <= set(specs)
    for suite in suites:
        assert list(suite.rules) == [rule["meta"]["code"] for rule in specs[suite.name]["expectations"]]
        assert len(suite.suite.expectations) == len(suite.rules)


def test_an_unknown_type_is_refused_where_the_library_drops_it(changed: Callable[..., Path]) -> None:
    folder = changed("F05.rows", lambda spec: first(spec).update(type="expect_parts_to_sum_to_totals"))
    assert library_keeps(read_suite_specs(folder)["F05.rows"]["expectations"]) == 0
    with pytest.raises(BadSuite, match=r"F05\.rows\.json.*F05-ROW-SUM"):
        load_suites(folder)


@pytest.mark.parametrize("word", ["error", "Critical", "fatal"])
def test_a_wrong_severity_is_refused_where_the_library_drops_it(word: str, changed: Callable[..., Path]) -> None:
    folder = changed("F05.rows", lambda spec: first(spec).update(severity=word))
    assert library_keeps(read_suite_specs(folder)["F05.rows"]["expectations"]) == 0
    with pytest.raises(BadSuite, match="F05-ROW-SUM"):
        load_suites(folder)


def test_a_code_twice_is_refused(changed: Callable[..., Path]) -> None:
    def double(spec: Spec) -> None:
        spec["expectations"][1]["meta"]["code"] = spec["expectations"][0]["meta"]["code"]

    with pytest.raises(BadSuite, match=r"F07\.json.*doubled"):
        load_suites(changed("F07", double))


def test_the_same_rule_twice_is_refused(changed: Callable[..., Path]) -> None:
    with pytest.raises(BadSuite, match="doubled"):
        load_suites(changed("F07", lambda spec: spec["expectations"].append(first(spec))))


@pytest.mark.parametrize("key", ["code", "fix", "blame", "category"])
def test_a_rule_without_its_particulars_is_refused(key: str, changed: Callable[..., Path]) -> None:
    with pytest.raises(BadSuite, match=rf"F07\.json.*{key}"):
        load_suites(changed("F07", lambda spec: first(spec)["meta"].pop(key)))


def test_a_misspelt_particular_is_refused(changed: Callable[..., Path]) -> None:
    with pytest.raises(BadSuite, match="blames"):
        load_suites(changed("F07", lambda spec: first(spec)["meta"].update(blames=["nu"])))


def test_an_unknown_frame_is_refused(changed: Callable[..., Path]) -> None:
    with pytest.raises(BadSuite, match="frame kind 'field'"):
        load_suites(changed("F07", lambda spec: spec["meta"].update(frame="field")))


def test_versions_of_a_suite(changed: Callable[..., Path]) -> None:
    suites = load_suites(changed("F07", lambda spec: spec["meta"].update(versions=["2026.1", "2027.1"])))
    assert {suite.name: suite.versions for suite in suites if suite.name in {"F05.rows", "F07"}} == {
        "F05.rows": None,
        "F07": {"2026.1", "2027.1"},
    }


@pytest.mark.parametrize(
    ("suite", "meta"),
    [("F07", {"versions": "2026.1"}), ("cross", {"versions": ["2026.1"]}), ("F07", {"version": ["2026.1"]})],
)
def test_versions_that_cannot_be_meant_are_refused(suite: str, meta: Spec, changed: Callable[..., Path]) -> None:
    with pytest.raises(BadSuite, match=rf"{suite}\.json.*version"):
        load_suites(changed(suite, lambda spec: spec["meta"].update(meta)))


@pytest.mark.parametrize(
    ("suite", "change"),
    [
        ("cross", lambda spec: first(spec)["kwargs"].update(column_B="F14.so_luong?hinh_thuc")),
        ("cross", lambda spec: first(spec)["meta"].update(blame=["F14.so_luong?"])),
        ("F07", lambda spec: first(spec)["meta"].update(needs=["F14.so_luong?"])),
    ],
    ids=["no value", "blamed", "in a form's own suite"],
)
def test_a_sum_that_cannot_be_made_is_refused(
    suite: str, change: Callable[[Spec], object], changed: Callable[..., Path]
) -> None:
    with pytest.raises(BadSuite, match=rf"{suite}\.json.*F14\.so_luong"):
        load_suites(changed(suite, change))


def test_every_column_is_in_its_form() -> None:
    assert find_unknown_columns(load_suites(), read_forms()) == set()


@pytest.mark.parametrize(
    ("suite", "change", "wrong"),
    [
        ("F07", lambda spec: first(spec)["kwargs"]["column_list"].__setitem__(0, "lanh_dao"), "lanh_dao"),
        ("F05.rows", lambda spec: first(spec)["kwargs"]["column_list"].__setitem__(0, "8"), "8"),
        ("F05.columns", lambda spec: first(spec)["meta"].update(blame=["1"]), "1"),
        ("F00", lambda spec: first(spec)["kwargs"].update(column_B="@clocks"), "@clocks"),
        ("cross", lambda spec: first(spec)["kwargs"].update(column_B="F05.05.9"), "F05.05.9"),
        ("cross", lambda spec: first(spec)["kwargs"].update(column_B="F14.so_luong?hinh_thuc=BK"), "F14.so_luong?hinh_thuc=BK"),
        ("cross", lambda spec: first(spec)["kwargs"].update(column_B="F14.hinh_thuc?"), "F14.hinh_thuc?"),
        ("cross", lambda spec: first(spec)["kwargs"].update(column_B="F05.so?"), "F05.so?"),
        (
            "F00", lambda spec: spec["expectations"][4]["kwargs"]["row_condition"]["column"].update(name="la_uoc"), "la_uoc",
        ),
    ],
)  # fmt: skip
def test_a_misspelt_column_is_noticed(
    suite: str, change: Callable[[Spec], object], wrong: str, changed: Callable[..., Path]
) -> None:
    assert find_unknown_columns(load_suites(changed(suite, change)), read_forms()) == {(suite, wrong)}


def test_forms_suites_and_catalogue_agree() -> None:
    """Every suite is of a form and of its shape, every matrix has both suites, every rule stands in the catalogue alike."""
    forms, suites, catalogue = read_forms(), load_suites(), read_catalogue()
    shapes = {"fields": Kind.FIELDS, "list": Kind.LIST, "rows": Kind.MATRIX, "columns": Kind.MATRIX}
    severities = {"critical": "error", "warning": "warning", "info": "info"}
    for suite in suites:
        if suite.form is None:
            assert suite.frame in {"cells", "submission"}
        else:
            assert suite.name.partition(".")[0] == suite.form
            assert {version.kind for version in forms[suite.form].versions} == {shapes[suite.frame]}
        for rule in read_suite_specs()[suite.name]["expectations"]:
            entry = catalogue[rule["meta"]["code"]]
            assert entry.severity.value == severities[rule["severity"]]
            assert (entry.message, entry.fix) == (rule["description"], rule["meta"]["fix"])
    covered = {(suite.form, suite.frame) for suite in suites}
    for form in forms.values():
        kinds = {version.kind for version in form.versions}
        wanted = {frame for frame, kind in shapes.items() if kind in kinds}
        assert {(form.code, frame) for frame in wanted} <= covered | NO_SUITE, f"{form.code} lacks a suite"
