"""Lists: which rows are asked, which lines are rows at all, what a number of a line may look like."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.findings.model import Finding
from etl.forms.declaration import CellKey, Form, FormVersion
from etl.parsing.references import References
from etl.parsing.rows import is_total_word, is_untouched, read_free_key, read_running_number
from etl.parsing.submission import ParsedSubmission
from etl.parsing.tables import parse_table
from etl.reading.grid import Cell, CellKind, Sheet
from etl.recognition.tables import Table, find_table
from etl.register.model import Register, Unit
from tests.golden.sender import BLOC, DEPARTMENT, PERIOD, read_knowledge

Line = Sequence[object]
OPEN_COLUMNS: list[dict[str, object]] = [
    {"code": "A", "field": "stt", "label": "STT", "type": "code", "key": True, "required": True},
    {"code": "B", "field": "ten", "label": "Tên", "type": "text", "required": True},
    {"code": "1", "field": "so_luong", "label": "Số lượng", "required": True},
    {"code": "C", "field": "ngay", "label": "Ngày", "type": "date"},
]
OPEN: dict[str, object] = {"rows_from": "open", "open_rows": 5, "columns": OPEN_COLUMNS}
MEMBERS = {
    "rows_from": "bloc_members",
    "columns": [
        {
            "code": "A",
            "field": "ma",
            "label": "Mã",
            "type": "code",
            "key": True,
            "reference": "unit",
            "prefill": "member",
        },
        {"code": "B", "field": "ten", "label": "Tên", "type": "text", "prefill": "member_name"},
        {"code": "1", "field": "diem", "label": "Điểm", "type": "decimal", "required": True},
    ],
}
FREE = {
    "columns": [
        {"code": "A", "field": "ma", "label": "Mã", "type": "code", "key": True},
        {"code": "B", "field": "ten", "label": "Tên", "type": "text"},
        {"code": "1", "field": "so", "label": "Số"},
    ],
}
FOOT: tuple[Line, ...] = (
    (),
    ("Ghi chú:",),
    ("– Không có thì ghi 0.",),
    (None, "…………, ngày …… tháng …… năm ………"),
    ("NGƯỜI LẬP BIỂU", "THỦ TRƯỞNG ĐƠN VỊ"),
    ("(Ký, ghi rõ họ tên)", "(Ký, đóng dấu, ghi rõ họ tên)"),
)


def make_form(layout: dict[str, object]) -> Form:
    version = {
        "version": "1", "instrument": "Mẫu thử", "effective_from": date(2020, 1, 1), "sheet": "F97", "title": "THỬ", **layout,
    }  # fmt: skip
    return Form.model_validate({"code": "F97", "name": "Thử", "versions": [version]})


def make_cell(value: object) -> Cell:
    if isinstance(value, Cell):
        return value
    return Cell(CellKind.TEXT, value) if isinstance(value, str) else Cell(CellKind.NUMBER, str(value))


def make_table(layout: dict[str, object], *lines: Line) -> Table:
    """A sheet with header labels, column codes and these lines, as the reader gives it."""
    form = make_form(layout)
    version: FormVersion = form.versions[0]
    printed = version.printed_columns
    grid = [[label for _, label in printed], [code for code, _ in printed], *lines]
    cells = {
        (row, column): make_cell(value)
        for row, line in enumerate(grid)
        for column, value in enumerate(line)
        if value is not None
    }
    table = find_table(Sheet("F97", True, cells), form, version)
    assert table is not None
    return table


@lru_cache(maxsize=1)
def share_references() -> References:
    return References(register())


def register() -> Register:
    return read_knowledge().register


def unit(code: str) -> Unit:
    return register().unit_versions(code)[-1]


def parse(layout: dict[str, object], *lines: Line, sender: str = DEPARTMENT) -> ParsedSubmission:
    parsed = ParsedSubmission()
    facts = share_references().facts_for(unit(sender), register().period("movements-half", PERIOD))
    parse_table(make_table(layout, *lines), parsed, read_knowledge().catalogue, facts)
    return parsed


def told(parsed: ParsedSubmission) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.cell) for finding in parsed.findings]


def keys(parsed: ParsedSubmission) -> list[str]:
    return [row.key for row in parsed.rows["F97"]]


# -- open lists


def test_a_line_that_holds_only_its_number_is_no_row() -> None:
    parsed = parse(OPEN, ("1", "Sở A", 3), ("2",), ("3",), ("4", "Sở B", 1), ("5",), *FOOT)
    assert (keys(parsed), told(parsed)) == (["1", "4"], [])
    assert parsed.incomplete == set()


def test_nothing_but_numbers_is_an_empty_list() -> None:
    parsed = parse(OPEN, ("1",), ("2",), *FOOT)
    assert (keys(parsed), told(parsed), dict(parsed.cells)) == ([], [], {})


@pytest.mark.parametrize("number", ["1", "01", "1.", "(1)", 1])
def test_numbers_of_lines(number: object) -> None:
    assert keys(parse(OPEN, (number, "Sở A", 3), *FOOT)) == ["1"]


@pytest.mark.parametrize("total", ["Tổng cộng", "TỔNG CỘNG", "Cộng:", "Tổng số"])
def test_totals_are_passed_over_in_silence(total: str) -> None:
    for line in ((total, None, 4), (None, total, 4), ("3", total, 4)):
        parsed = parse(OPEN, ("1", "Sở A", 3), ("2", "Sở B", 1), line, *FOOT)
        assert (keys(parsed), told(parsed)) == (["1", "2"], [])
        assert not parsed.incomplete


def test_a_heading_is_no_row_but_a_line_with_figures_is() -> None:
    parsed = parse(OPEN, ("I", "Tập thể"), ("1", "Sở A", 3), ("II", "Cá nhân"), ("a", "Ông B", 1), *FOOT)
    assert (keys(parsed), told(parsed)) == (["1"], [("ROW-UNKNOWN", "A6")])
    assert "Đánh số thứ tự" in parsed.findings[0].fix
    assert parsed.incomplete == {"F97"}


def test_a_filled_line_without_its_number_is_a_row() -> None:
    lines = ("1", "Sở A", 3), (None, "Sở B", 1), ("3", "Sở C", 2), (None, "Sở D", 5)
    parsed = parse(OPEN, *lines, *FOOT)
    assert (keys(parsed), told(parsed)) == (["1", "_2", "3", "_4"], [])
    assert parsed.incomplete == set()
    cells = {key.row: cell for key, cell in parsed.cells.items() if key.column == "1"}
    assert {row: cell.value.number for row, cell in cells.items()} == {"1": 3, "_2": 1, "3": 2, "_4": 5}
    number = parsed.cells[CellKey("F97", "_2", "A")]
    assert (number.value.missing, number.required, number.cell) == ("blank", False, "A4")


def test_no_line_is_numbered() -> None:
    parsed = parse(OPEN, (None, "Sở A", 3), (None, "Sở B", 1), *FOOT)
    assert (keys(parsed), told(parsed)) == (["_1", "_2"], [])


def test_a_line_without_number_and_figure_is_known_by_its_day() -> None:
    day = Cell(CellKind.DATE, "2026-05-19")
    parsed = parse(OPEN, ("1", "Sở A", 3), (None, "Sở B", None, day), *FOOT)
    assert (keys(parsed), told(parsed)) == (["1", "_2"], [])
    assert parsed.cells[CellKey("F97", "_2", "1")].value.missing == "blank"
    assert parsed.cells[CellKey("F97", "_2", "1")].required


def test_numbering_that_starts_again_under_a_heading() -> None:
    tap_the = ("I", "Tập thể"), ("1", "Sở A", 3), ("2", "Sở B", 1)
    ca_nhan = (None, "Cá nhân"), ("1", "Bà C", 4), ("01", "Bà C", 4), ("2", "Ông D", 1)
    parsed = parse(OPEN, *tap_the, *ca_nhan, *FOOT)
    assert (keys(parsed), told(parsed)) == (["1", "2", "1.2", "1.3", "2.2"], [])
    assert parsed.incomplete == set()
    assert len({(row.key, row.ordinal) for row in parsed.rows["F97"]}) == 5
    assert {row.ordinal for row in parsed.rows["F97"]} == {0}  # the wide views show no other
    assert all(row.checked for row in parsed.rows["F97"])


def test_a_sum_of_the_senders_own_without_number_is_no_row() -> None:
    layout: dict[str, object] = {**OPEN, "columns": [{**column, "required": True} for column in OPEN_COLUMNS]}
    for line in ((None, None, 4), (None, "Cộng các phòng", None), (None, "Tổng cộng", 4)):
        parsed = parse(layout, ("1", "Sở A", 3, "19/05/2026"), ("2", "Sở B", 1, "19/05/2026"), line, *FOOT)
        assert keys(parsed) == ["1", "2"]
        assert told(parsed) == ([("ROW-NO-CODE", "C5")] if line[1] is None else [])


def test_repeated_keys_of_other_lists_are_still_told() -> None:
    parsed = parse(FREE, ("a", "Sở A", 3), ("a", "Sở B", 1), (None, "Sở C", 2), *FOOT)
    assert told(parsed) == [("ROW-DUPLICATE", "A4"), ("ROW-NO-CODE", "B5")]
    assert parsed.incomplete == {"F97"}


@given(st.lists(st.none() | st.integers(1, 5), max_size=12))
def test_every_filled_line_has_a_key_of_its_own(numbers: list[int | None]) -> None:
    parsed = parse(OPEN, *((number, f"Sở {line}", line) for line, number in enumerate(numbers)), *FOOT)
    assert told(parsed) == []
    assert len(set(keys(parsed))) == len(numbers)
    firsts = dict.fromkeys(str(number) for number in numbers if number is not None)
    assert set(firsts) <= set(keys(parsed))
    written = [cell.value.number for key, cell in parsed.cells.items() if key.column == "1"]
    assert written == list(range(len(numbers)))


# -- members of a bloc


def member_lines() -> list[tuple[str, str, int]]:
    end = register().period("movements-half", PERIOD).end
    return [(row.unit, unit(row.unit).name, 90) for row in register().members_of(BLOC, end)]


def test_all_members_and_nobody_else() -> None:
    lines = member_lines()
    parsed = parse(MEMBERS, *lines, *FOOT, sender=BLOC)
    assert (keys(parsed), told(parsed)) == ([code for code, _, _ in lines], [])
    assert len(lines) > 2


def test_a_member_may_be_named_by_its_name() -> None:
    first, *others = member_lines()
    parsed = parse(MEMBERS, (first[1], "", 90), *others, *FOOT, sender=BLOC)
    assert (keys(parsed)[0], told(parsed)) == (first[0], [])


def test_a_missing_member_is_named() -> None:
    *others, last = member_lines()
    parsed = parse(MEMBERS, *others, *FOOT, sender=BLOC)
    (finding,) = parsed.findings
    assert (finding.code, finding.row, finding.expected) == ("ROW-NOT-REPORTED", last[0], last[1])
    assert finding.message == f"Chưa báo cáo thành viên “{last[1]}”."
    assert "thành viên này" in finding.fix


def test_a_stranger_is_not_asked_and_an_unknown_unit_is_unknown() -> None:
    members = [code for code, _, _ in member_lines()]
    stranger = next(row.unit for row in register().memberships if row.unit not in members and row.bloc != BLOC)
    parsed = parse(MEMBERS, *member_lines(), (stranger, "", 80), ("Sở Không Có", "", 70), *FOOT, sender=BLOC)
    found: list[Finding] = parsed.findings
    assert [finding.code for finding in found] == ["ROW-NOT-ASKED", "ROW-UNKNOWN"]
    assert found[0].message == f"Đơn vị “{stranger}” không phải thành viên của khối, cụm trong kỳ này."
    assert [row.checked for row in parsed.rows["F97"]] == [True] * len(members) + [False]


def test_who_is_no_bloc_owes_no_members() -> None:
    assert told(parse(MEMBERS, *member_lines()[:1], *FOOT, sender=DEPARTMENT)) == []


# -- keys that refer to nothing


def test_free_keys_name_their_rows() -> None:
    parsed = parse(FREE, ("12/QĐ", "Sở A", 3), ("b", "Sở B", 1), ("Tổng cộng", None, 4), *FOOT)
    assert (keys(parsed), told(parsed)) == (["12-QĐ", "B"], [])


def test_a_key_can_be_part_of_an_id() -> None:
    assert read_free_key("a/b+c\\d") == "A-B-C-D"
    assert len(read_free_key("x" * 5000)) == 100


@pytest.mark.parametrize(
    ("text", "number"), [("007", "7"), ("12.", "12"), ("1a", None), ("I", None), ("-1", None), ("", None)]
)
def test_running_numbers(text: str, number: str | None) -> None:
    assert read_running_number(text) == number


@pytest.mark.parametrize("text", ["Tổng cộng 5 người", "Công ty Cộng Hòa", "", "Cộng tác viên"])
def test_words_that_are_no_total(text: str) -> None:
    assert not is_total_word(text)


# -- whether a form was sent at all


@pytest.mark.parametrize(
    ("layout", "lines", "untouched"),
    [
        (OPEN, [("1",), ("2",)], True),
        (OPEN, [("1",), ("2", None, None, "x")], False),
        (OPEN, [("1", None, 0)], False),
        (MEMBERS, [("H14.SNV", "Sở Nội vụ")], True),
        (MEMBERS, [("H14.SNV", "Sở Nội vụ", "-")], False),
        (FREE, [], True),
        (FREE, [("a",)], False),
    ],
)
def test_untouched_lists(layout: dict[str, object], lines: list[Line], untouched: bool) -> None:
    assert is_untouched(make_table(layout, *lines, *FOOT)) is untouched


MATRIX = {
    "rows": [{"code": "01", "label": "Tổng"}, {"code": "02", "label": "Tập thể"}],
    "columns": [{"code": "1", "label": "Cờ"}, {"code": "2", "label": "Bằng khen"}],
    "not_applicable": [{"column": "1", "rows": ["02"], "reason": "Không có"}],
}


@pytest.mark.parametrize(
    ("lines", "untouched"),
    [
        ([("Tổng", "01"), ("Tập thể", "02", "x")], True),
        ([("Tổng", "01"), ("Tập thể", "02", "X")], True),
        ([("Tổng", "01", "x"), ("Tập thể", "02", "x")], False),
        ([("Tổng", "01"), ("Tập thể", "02", 0)], False),
        ([("Tổng", "01", None, 0), ("Tập thể", "02", "x")], False),
        ([("Tổng", "01"), ("Tập thể", "02", "x"), ("Cộng thêm", None, 3)], False),
    ],
)
def test_untouched_matrices(lines: list[Line], untouched: bool) -> None:
    assert is_untouched(make_table(MATRIX, *lines, *FOOT)) is untouched
