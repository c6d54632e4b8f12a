"""A workbook typed with old fonts: found by its sheet names, labels and words, its own text kept."""

from __future__ import annotations

import pytest

from etl.forms.declaration import CellKey
from etl.reading.grid import Cell, CellKind, Sheet, Workbook
from etl.recognition.legacy import convert_workbook, name_text_sheet
from etl.recognition.tables import find_forms
from tests.golden.case import put
from tests.golden.make_cases import rename
from tests.golden.old_ways import (
    TCVN3,
    VNI,
    LegacyEncoding,
    encode,
    in_compound,
    in_decomposed,
    rewrite_texts,
    typed_in,
)
from tests.golden.sender import (
    Edit,
    Sending,
    as_read,
    codes,
    drop_sheet,
    examine,
    make_sending,
    read_knowledge,
    without_metadata,
    write,
)

ENCODINGS = pytest.mark.parametrize("encoding", list(LegacyEncoding))
ALIAS = "Đổi mới sáng tạo, phát triển khoa học công nghệ, chuyển đổi số và chuyển đổi xanh"


def make_sheet(*texts: str, name: str = "Trang 1") -> Sheet:
    return Sheet(name, True, {(row, 0): Cell(CellKind.TEXT, text) for row, text in enumerate(texts)})


def convert(*sheets: Sheet) -> tuple[Sheet, ...]:
    return convert_workbook(Workbook("xlsx", sheets)).sheets


@pytest.mark.parametrize("write_in", [str, in_decomposed, in_compound], ids=["composed", "decomposed", "compound"])
def test_a_workbook_in_unicode_comes_back_itself(write_in: type[str]) -> None:
    workbook = as_read(make_sending(rewrite_texts(write_in)))
    assert convert_workbook(workbook) is workbook


@ENCODINGS
def test_every_text_of_a_template_comes_back(encoding: LegacyEncoding) -> None:
    plain = as_read(make_sending(without_metadata))
    coded = as_read(make_sending(without_metadata, typed_in(encoding)))
    for before, typed, after in zip(plain.sheets, coded.sheets, convert_workbook(coded).sheets, strict=True):
        assert after.encoding == encoding.value
        assert {at: cell.text.lower() for at, cell in after.cells.items()} == {
            at: cell.text.lower() for at, cell in before.cells.items()
        }
        kept = {at: cell.text for at, cell in typed.cells.items() if cell.text != after.cells[at].text}
        assert after.originals == kept


@ENCODINGS
def test_sheet_names_in_old_letters(encoding: LegacyEncoding) -> None:
    def edit(sending: Sending) -> None:
        sending.plan.sheet_of("F05").name = encode("Khen thưởng cấp tỉnh", encoding)

    workbook = convert_workbook(as_read(make_sending(without_metadata, drop_sheet("F07"), typed_in(encoding), edit)))
    sheet = workbook.sheets[-1]
    assert (sheet.name, sheet.known_as) == (encode("Khen thưởng cấp tỉnh", encoding), "Khen thưởng cấp tỉnh")
    table = find_forms(workbook, read_knowledge().forms, {}).tables["F05"]
    assert table.sheet is sheet


def test_one_cell_in_a_sheet_of_unicode() -> None:
    (sheet,) = convert(make_sheet("Đơn vị báo cáo", "Số quyết định", "Qu¸ch §ång Th¾ng", "công", "mét"))
    assert sheet.cells[2, 0].text == "Quách Đồng Thắng"
    assert sheet.originals == {(2, 0): "Qu¸ch §ång Th¾ng"}


def test_what_two_sheets_show_together() -> None:
    """Each sheet has too little by itself; a sheet without old letters stays as it is."""
    first, second, third = convert(
        make_sheet("Th¾ng", "Hoµng"), make_sheet("NguyÔn", name="Hai"), make_sheet("Đơn vị", "công", name="Ba")
    )
    assert (first.cells[0, 0].text, second.cells[0, 0].text) == ("Thắng", "Nguyễn")
    assert third.encoding is None


def test_numbers_dates_and_errors_stay() -> None:
    cells = {
        (0, 0): Cell(CellKind.TEXT, "Qu¸ch §ång Th¾ng"),
        (0, 1): Cell(CellKind.NUMBER, "5"),
        (0, 2): Cell(CellKind.UNCACHED, "=µ"),
    }
    (sheet,) = convert(Sheet("A", True, cells))
    assert {at: cell for at, cell in sheet.cells.items() if at[1]} == {at: cells[at] for at in ((0, 1), (0, 2))}


@ENCODINGS
def test_units_movements_and_choices_are_known_by_their_names(encoding: LegacyEncoding) -> None:
    """Nothing but words names unit, period and movement, in other spellings than the register's."""
    named: list[Edit] = [
        without_metadata,
        put("F00", "01", "1", None),
        put("F00", "05", "1", None),
        put("F00", "04", "1", "định kì"),
        put("F03", "DMST+DVTG", "A", ALIAS),
        rename("F05", "so lieu"),
    ]
    (told,) = examine(make_sending(*named, typed_in(encoding)))
    assert told.identity.unit is not None and told.identity.unit.name == "Sở Nội vụ"
    assert told.identity.period is not None and told.identity.period.code == "2026-S1"
    assert {"ROW-UNKNOWN", "CELL-NOT-CHOICE", "ROW-NOT-REPORTED"}.isdisjoint(codes(told))
    key = next(key for key in told.submission.parsed.cells if key[:3] == ("F03", "DMST+DVTG", "A"))
    cell = told.submission.parsed.cells[key]
    assert (cell.value.text, cell.raw) == (ALIAS, encode(ALIAS, encoding))


@pytest.mark.parametrize(
    ("spelling", "known"),
    [("Sở nội vụ", True), ("SỞ NỘI VỤ", True), ("Sở Nội vụ tỉnh Cao Bằng", True), ("Sở Nội vụ tỉnh Lào Cai", False)],
)
def test_spellings_of_a_unit(spelling: str, known: bool) -> None:
    (told,) = examine(make_sending(put("F00", "02", "1", spelling)))
    assert ("F00-UNIT-NAME" in codes(told)) is not known


@pytest.mark.parametrize(
    ("one", "other"), [("Hòa An", "Hoà An"), ("Kỷ luật", "Kỉ luật"), ("Thúy", "Thuý"), ("tỷ lệ", "tỉ lệ")]
)
def test_tone_places_and_final_i_are_matched_and_never_rewritten(one: str, other: str) -> None:
    (told,) = examine(make_sending(put("F00", "11", "1", other), write("F05", 8, 0, f"Tổng số {one}")))
    assert told.submission.parsed.cells[CellKey("F00", "11", "1")].value.text == other


def test_a_text_file_bears_the_name_of_its_file() -> None:
    workbook = Workbook("csv", (make_sheet("a", name=""),))
    assert name_text_sheet(workbook, "C:\\thư mục\\F05 Khen thưởng.csv").sheets[0].name == "F05 Khen thưởng"
    other = Workbook("xlsx", (make_sheet("a"),))
    assert name_text_sheet(other, "F05.xlsx") is other


def test_the_finding_is_told_once_a_sheet() -> None:
    (told,) = examine(make_sending(typed_in(VNI, "F05"), typed_in(TCVN3, "F07")))
    found = [(f.code, f.sheet, f.severity.value, f.value, f.expected) for f in told.findings]
    assert found == [
        ("TEXT-LEGACY-ENCODING", "F05 Khen thưởng cấp tỉnh", "info", "VNI", "Unicode"),
        ("TEXT-LEGACY-ENCODING", "F07 Cơ cấu đối tượng", "info", "TCVN3 (ABC)", "Unicode"),
    ]
    assert told.verdict == "accepted"
