"""A JSON submission says what the workbook says, and what is wrong with its shape is told at its JSON Pointer, all at once."""

from __future__ import annotations

import atexit
import copy
import json
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from etl.examination import Delivery, Examined, Examiner
from etl.usecases.json_submissions import make_sample_document, publish_schema
from tests.golden.as_json import as_document, known_forms, to_json
from tests.golden.make_cases import CASES, FOLDER
from tests.golden.sender import (
    BLOC,
    COMMUNE,
    DEPARTMENT,
    HALF_YEAR,
    PERIOD,
    STATISTICS,
    YEAR,
    YEAR_PERIOD,
    make_sending,
    read_knowledge,
    share_examiner,
)

OF_A_SHEET_ONLY = frozenset(("FORM-NO-TABLE", "SHEET-UNKNOWN", "FORM-LEGACY-LAYOUT", "TEXT-LEGACY-ENCODING"))
"""What only a workbook can have wrong with it."""
Document = dict[str, Any]


def examine_all(files: list[tuple[str, bytes]]) -> list[Examined]:
    deliveries = (Delivery(place, name, data) for place, (name, data) in enumerate(files))
    return list(share_examiner().examine(deliveries))


class NoRules:
    """In place of the suites: these tests are about the shape, and the suites take seconds."""

    def find_value_faults(self, submissions: list[Any]) -> list[list[Any]]:
        return [[] for _ in submissions]


@lru_cache(maxsize=1)
def share_shape_examiner() -> Examiner:
    known = read_knowledge()
    examiner = Examiner(known.settings, known.register, known.forms, known.catalogue, lambda: NoRules())  # type: ignore[arg-type, return-value]
    atexit.register(examiner.__exit__)
    return examiner


def examine_shape(document: Any) -> Examined:
    data = document if isinstance(document, bytes) else to_json(document)
    return next(iter(share_shape_examiner().examine([Delivery(0, "a.json", data)])))


def examine_document(document: Any, name: str = "bao-cao.json") -> Examined:
    return examine_all([(name, to_json(document))])[0]


def values(examined: Examined) -> dict[object, object]:
    return {
        key: (cell.value.number, cell.value.text, cell.value.day, cell.value.missing)
        for key, cell in examined.submission.parsed.cells.items()
    }


def codes(examined: Examined) -> Counter[tuple[object, ...]]:
    return Counter((f.code, f.severity, f.form, f.row, f.column, f.value) for f in examined.findings)


@pytest.fixture(scope="module")
def sound() -> Document:
    workbook = examine_all([("a.xlsx", make_sending().to_bytes())])[0]
    return as_document(workbook, DEPARTMENT, HALF_YEAR, PERIOD)


def test_the_same_report_as_workbook_and_as_json_is_the_same() -> None:
    """Every golden workbook of a form, faults included: same observations, same findings, same verdict."""
    cases = [case for case in CASES if case.folder.startswith(("F", "cross")) and case.file.endswith(".xlsx")]
    books = examine_all([("a.xlsx", (FOLDER / case.folder / case.file).read_bytes()) for case in cases])
    whole = [
        (case.folder, book)
        for case, book in zip(cases, books, strict=True)
        if not OF_A_SHEET_ONLY & {f.code for f in book.findings}
        # A formula without a result, or one that fails, is nothing that JSON has.
        and not any(f.code in ("CELL-ERROR", "CELL-UNCACHED", "CELL-NOT-TEXT") for f in book.findings)
        and not any(f.code.startswith(("ROW-", "COLUMN-", "FORM-DUPLICATE", "ID-")) for f in book.findings)
    ]
    documents = [
        as_document(book, book.identity.unit.code, book.identity.report.code, book.identity.period.code)  # type: ignore[union-attr]
        for _, book in whole
    ]
    seen: set[str] = set()
    for (folder, book), found in zip(whole, examine_all([("a.json", to_json(d)) for d in documents]), strict=True):
        assert values(found) == values(book), folder
        assert codes(found) == codes(book), folder
        assert found.verdict == book.verdict, folder
        seen |= set(book.submission.parsed.versions)
    assert seen == set(known_forms())
    assert any(book.verdict == "rejected" for _, book in whole)


@pytest.mark.parametrize("unit", [DEPARTMENT, COMMUNE, BLOC])
def test_sound_reports_are_accepted_and_point_into_the_document(unit: str) -> None:
    book = examine_all([("a.xlsx", make_sending(unit=unit, report=YEAR, period=YEAR_PERIOD).to_bytes())])[0]
    document = as_document(book, unit, YEAR, YEAR_PERIOD)
    found = examine_document(document)
    assert (found.verdict, found.findings) == ("accepted", [])
    for cell in found.submission.parsed.cells.values():
        node: Any = document
        for part in (cell.cell or "").split("/")[1:]:
            node = node[int(part)] if isinstance(node, list) else node[part]
        assert cell.sheet == cell.key.form
        assert node is None or cell.raw is not None


def edit(path: str, value: Any) -> Callable[[Document], None]:
    """Sets what a pointer names; `...` takes the key away."""

    def change(document: Document) -> None:
        *parts, last = path.split("/")[1:]
        node: Any = document
        for part in parts:
            node = node[int(part)] if isinstance(node, list) else node[part]
        if value is ...:
            del node[last]
        else:
            node[int(last) if isinstance(node, list) else last] = value

    return change


CELL = "/forms/F05/rows/02/2"
FAULTS = [
    ("/schema", "movement-reports/9", "JSON-VERSION", "/schema"),
    ("/forms/F05/version", "1999.1", "JSON-VERSION", "/forms/F05/version"),
    ("/forms/F05/version", ..., "JSON-KEY-MISSING", "/forms/F05"),
    ("/sent_by", "x", "JSON-KEY-UNKNOWN", "/sent_by"),
    ("/forms/F99", {}, "JSON-KEY-UNKNOWN", "/forms/F99"),
    ("/forms/F05/note", 1, "JSON-KEY-UNKNOWN", "/forms/F05/note"),
    ("/forms/F00/fields/nguoi", "A", "JSON-KEY-UNKNOWN", "/forms/F00/fields/nguoi"),
    ("/forms/F05/rows/ba", {}, "JSON-KEY-UNKNOWN", "/forms/F05/rows/ba"),
    ("/forms/F05/rows/99", {"1": 4}, "ROW-UNKNOWN", "/forms/F05/rows/99"),
    ("/forms/F05/rows/02/9", 4, "COLUMN-UNKNOWN", "/forms/F05/rows/02/9"),
    ("/forms/F03/rows/0/nam_truoc", 4, "COLUMN-UNKNOWN", "/forms/F03/rows/0/nam_truoc"),
    (CELL, ..., "JSON-KEY-MISSING", "/forms/F05/rows/02"),
    ("/forms/F05/rows/02", ..., "ROW-MISSING", None),
    ("/forms/F05/rows", [], "JSON-TYPE", "/forms/F05/rows"),
    ("/forms/F03/rows", {}, "JSON-TYPE", "/forms/F03/rows"),
    ("/forms/F03/rows/0", 7, "JSON-TYPE", "/forms/F03/rows/0"),
    ("/forms", [], "JSON-TYPE", "/forms"),
    (CELL, {"a": 1}, "JSON-TYPE", CELL),
    (CELL, [1], "JSON-TYPE", CELL),
    (CELL, True, "CELL-NOT-NUMBER", CELL),
    (CELL, "mười", "CELL-NOT-NUMBER", CELL),
    (CELL, -1, "CELL-NEGATIVE", CELL),
    (CELL, 1.5, "CELL-NOT-WHOLE", CELL),
    (CELL, 10**31, "CELL-TOO-LARGE", CELL),
    (CELL, float("nan"), "JSON-TYPE", CELL),
    (CELL, "\ud800", "JSON-TYPE", CELL),
    ("/forms/F05/rows/01/1", None, "CELL-REQUIRED", "/forms/F05/rows/01/1"),
    ("/forms/F00/fields/ngay_ky", "2026-02-30", "CELL-NOT-DATE", "/forms/F00/fields/ngay_ky"),
    ("/forms/F00/fields/che_do", "hằng năm", "CELL-NOT-CHOICE", "/forms/F00/fields/che_do"),
    ("/forms/F03/rows/0/ma_chi_so", "KHONGCO", "ROW-UNKNOWN", "/forms/F03/rows/0/ma_chi_so"),
    ("/unit", "H14.SYT", "ID-CONFLICT", "/forms/F00/fields/ma_don_vi"),
    ("/unit", "H14.KHONGCO", "ID-UNIT-UNKNOWN", "/unit"),
    ("/report", "khong-co", "ID-REPORT-UNKNOWN", "/report"),
    ("/period", "2025-S2", "ID-PERIOD-UNKNOWN", "/period"),
    ("/period", 20261, "JSON-TYPE", "/period"),
]


@pytest.fixture(scope="module")
def examined_faults(sound: Document) -> list[Examined]:
    files = []
    for path, value, _, _ in FAULTS:
        document = copy.deepcopy(sound)
        edit(path, value)(document)
        files.append(("bao-cao.json", json.dumps(document).encode()))
    return examine_all(files)


@pytest.mark.parametrize("place", range(len(FAULTS)), ids=[f"{code} {path}" for path, _, code, _ in FAULTS])
def test_a_fault_of_shape_is_told_at_its_pointer(examined_faults: list[Examined], place: int) -> None:
    _, _, code, pointer = FAULTS[place]
    found = examined_faults[place]
    assert found.verdict == "rejected"
    assert (code, pointer) in {(finding.code, finding.cell) for finding in found.findings}
    assert all("{" not in finding.message.replace("{…}", "") for finding in found.findings)


def test_all_faults_are_told_in_one_pass_and_spare_the_other_rules(sound: Document) -> None:
    document = copy.deepcopy(sound)
    for path, value in (
        ("/sent_by", 1),
        (CELL, "x y"),
        ("/forms/F07/fields/extra", 1),
        ("/forms/F03/rows/0/luy_ke", []),
    ):
        edit(path, value)(document)
    edit("/forms/F05/rows/01/3", 999)(document)
    found = {(finding.code, finding.cell) for finding in examine_document(document).findings}
    assert {
        ("JSON-KEY-UNKNOWN", "/sent_by"),
        ("CELL-NOT-NUMBER", CELL),
        ("JSON-KEY-UNKNOWN", "/forms/F07/fields/extra"),
        ("JSON-TYPE", "/forms/F03/rows/0/luy_ke"),
    } <= found
    # The sum of another column is still judged.
    assert any(cell == "/forms/F05/rows/01/3" and code.startswith("F05-") for code, cell in found)


def test_a_doubled_key_is_told_and_the_first_is_read(sound: Document) -> None:
    text = to_json(sound).decode().replace('"02": {"1": ', '"02": {"2": 77, "1": ', 1)
    found = examine_shape(text.encode())
    assert ("JSON-KEY-DUPLICATE", CELL) in {(f.code, f.cell) for f in found.findings}
    assert [c.raw for c in found.submission.parsed.cells.values() if c.cell == CELL] == ["77"]


def test_a_line_that_is_passed_over_is_told(sound: Document) -> None:
    document = copy.deepcopy(sound)
    total = {**document["forms"]["F03"]["rows"][0], "ma_phong_trao": "Tổng cộng", "ma_chi_so": "Tổng cộng"}
    document["forms"]["F03"]["rows"].append(total)
    last = len(document["forms"]["F03"]["rows"]) - 1
    found = examine_document(document)
    assert found.verdict == "accepted_with_warnings"
    assert [(f.code, f.cell) for f in found.findings] == [("JSON-ROW-UNREAD", f"/forms/F03/rows/{last}")]


def test_a_figure_as_text_is_read_as_in_a_workbook(sound: Document) -> None:
    document = copy.deepcopy(sound)
    figure = document["forms"]["F05"]["rows"]["02"]["2"]
    edit(CELL, f"{figure}")(document)
    assert examine_shape(document).findings == []
    edit(CELL, f" {figure} ")(document)
    assert [(f.code, f.cell) for f in examine_shape(document).findings] == [("JSON-VALUE", CELL)]


@pytest.mark.parametrize(
    "document",
    [[], {}, {"schema": 1}, {"forms": {"F05": None}}, {"forms": {"F05": {"rows": {"01": None, "02": 5}}}}, [{"a": 1}]],
    ids=str,
)
def test_other_json_is_nobodys_and_says_why(document: Any) -> None:
    found = examine_shape(document)
    assert not found.identity.is_attributed
    assert found.verdict == "rejected"
    assert found.findings


def test_any_name_and_a_byte_order_mark(sound: Document) -> None:
    found = examine_all([("bao cao.xlsx", b"\xef\xbb\xbf\r\n " + to_json(sound)), ("x", to_json(sound)[:-5])])
    assert [finding.code for finding in found[0].findings] == ["FILE-EXTENSION"]
    assert found[0].verdict == "accepted"
    assert [finding.code for finding in found[1].findings] == ["JSON-SYNTAX"]
    assert "dòng 1" in found[1].findings[0].message


@pytest.mark.parametrize(
    ("report", "period"), [(HALF_YEAR, PERIOD), (YEAR, YEAR_PERIOD), (STATISTICS, YEAR_PERIOD), (YEAR, "2027-A1")]
)
def test_the_published_schema_takes_its_sample_and_so_do_the_readers(report: str, period: str) -> None:
    knowledge = read_knowledge()
    schema = publish_schema(knowledge, report, period)
    Draft202012Validator.check_schema(schema)
    sample = make_sample_document(knowledge, report, period)
    assert list(Draft202012Validator(schema).iter_errors(sample)) == []
    told = {f.code for f in examine_shape(sample).findings}
    assert not {code for code in told if code.startswith(("JSON-", "CELL-", "ROW-", "COLUMN-", "FORM-", "ID-"))}
    own = publish_schema(knowledge, report, period, sample["unit"])
    assert own["properties"]["unit"]["enum"] == [sample["unit"]]
    assert list(Draft202012Validator(own).iter_errors(sample)) == []


def test_the_schema_is_strict_and_speaks_vietnamese() -> None:
    schema = publish_schema(read_knowledge(), YEAR, YEAR_PERIOD)
    objects = 0

    def walk(node: Any) -> None:
        nonlocal objects
        if isinstance(node, dict):
            if node.get("type") == "object":
                objects += 1
                assert node["additionalProperties"] is False
                assert all("title" in value or key in ("items",) for key, value in node["properties"].items())
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(schema)
    assert objects > 50
    envelope = schema["properties"]["forms"]["properties"]["F00"]["properties"]["fields"]["properties"]
    assert "Định kỳ (NĐ 09/2019/NĐ-CP)" in envelope["che_do"]["enum"]
    assert envelope["ngay_ky"]["title"] == "10. Ngày ký"


POINTERS = [path for path, _, _, _ in FAULTS]
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.just({}), st.just([]),
    st.sampled_from(["x", "…", "-", "1.415", "12,5", "…", "Tổng cộng", "2026-06-15"]),
)  # fmt: skip


@lru_cache(maxsize=1)
def of_department() -> Draft202012Validator:
    return Draft202012Validator(publish_schema(read_knowledge(), HALF_YEAR, PERIOD, DEPARTMENT))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.sampled_from(POINTERS), ODD), min_size=1, max_size=4))
def test_what_the_schema_refuses_has_a_finding(sound: Document, changes: list[tuple[str, Any]]) -> None:
    document = copy.deepcopy(sound)
    for path, value in changes:
        try:
            edit(path, value)(document)
        except (KeyError, TypeError, IndexError, ValueError):
            continue  # an earlier change took the place away
    document = json.loads(json.dumps(document))
    refused = list(of_department().iter_errors(document))
    if refused:
        found = examine_shape(document)
        # That a required place is blank is told by the suites.
        blank = any(cell.required and cell.value.missing for cell in found.submission.parsed.cells.values())
        assert found.findings or blank, [error.message for error in refused]


def test_the_head_in_other_letters_is_told(sound: Document) -> None:
    found = examine_shape({**sound, "period": PERIOD.lower(), "unit": DEPARTMENT.lower()})
    assert found.identity.is_attributed
    assert [(f.code, f.cell) for f in found.findings] == [("JSON-VALUE", "/period"), ("JSON-VALUE", "/unit")]


def test_keys_and_texts_that_no_database_stores(sound: Document) -> None:
    document = copy.deepcopy(sound)
    document["forms"]["F05\x00"] = {"\ud800": 1}
    document["forms"]["F03"]["rows"][0]["ghi_chu"] = "a\x00b"
    found = examine_shape(json.dumps(document).encode())
    told = [(f.code, f.cell) for f in found.findings]
    assert told == [("JSON-KEY-UNKNOWN", "/forms/F05\ufffd"), ("JSON-TYPE", "/forms/F03/rows/0/ghi_chu")]
    assert all("\x00" not in str(f) for f in found.findings)


def test_an_optional_form_without_a_figure_was_not_sent(sound: Document) -> None:
    """As in a workbook; but what it holds beside its own places is told, and one that nobody asks is an info."""
    year = make_sample_document(read_knowledge(), YEAR, YEAR_PERIOD, DEPARTMENT)

    def tell(document: Document, form: Any) -> list[tuple[str, str | None]]:
        changed = {**document, "forms": {**document["forms"], "F10": form}}
        return [(f.code, f.cell) for f in examine_shape(changed).findings if f.code != "H-ALL-ZEROS"]

    version = read_knowledge().forms["F10"].versions[-1].version
    assert tell(year, {"version": version, "fields": {}}) == []
    assert tell(year, {"version": version, "fields": 5}) == [("JSON-TYPE", "/forms/F10/fields")]
    assert tell(year, {"version": version, "fields": {}, "more": 1}) == [("JSON-KEY-UNKNOWN", "/forms/F10/more")]
    assert tell(year, 5) == [("JSON-TYPE", "/forms/F10")]
    assert tell(sound, {"version": version, "fields": {}}) == [("FORM-NOT-OWED", None)]
