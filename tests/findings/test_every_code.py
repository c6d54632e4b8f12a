"""Every finding code has a file that brings it about, at its cell, and a twin as near as possible that does not.

`CASES` is the contract: a code added to the catalogue without a pair fails `test_every_code_has_a_pair`.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import msoffcrypto.format.ooxml
import pytest
import xlsxwriter

from etl.examination import Examined, Examiner
from etl.findings.catalogue import read_catalogue
from etl.settings import DEFAULT_MAX_FILE_MB
from etl.usecases.load import make_examiner
from tests.findings.pairs_awards import AWARD_PAIRS
from tests.findings.pairs_basics import BASIC_PAIRS, STAFF_PAIRS
from tests.findings.pairs_decisions import BLOC_PAIRS, DECISION_PAIRS
from tests.findings.pairs_json import make_json_pairs
from tests.golden.make_cases import copy_row, merge_movements, put, rename
from tests.golden.old_ways import (
    TCVN3,
    hide_lines,
    in_compound,
    rewrite_texts,
    typed_in,
    without_column_codes,
    without_headings,
)
from tests.golden.sender import (
    BLOC,
    COMMUNE,
    DEPARTMENT,
    STATISTICS,
    YEAR,
    YEAR_PERIOD,
    Edit,
    Sending,
    add_sheet,
    codes,
    drop_column,
    drop_row,
    drop_sheet,
    examine,
    hide,
    make_sending,
    read_knowledge,
    shift,
    without_metadata,
    write,
)

ELSEWHERE: Mapping[str, str] = {
    "ID-UNIT-NOT-IN-FORCE": "needs a register with an abolished unit: tests/recognition/test_identify.py",
    "ID-PERIOD-NOT-STARTED": "needs the receipt instant: tests/usecases",
    "ID-SENDER-UNKNOWN": "needs a mail: tests/usecases/test_mail_senders.py",
    "ID-SENDER-OTHER": "needs a mail: tests/usecases/test_mail_senders.py",
    "ID-SENDER-FORGED": "needs a mail: tests/usecases/test_mail_senders.py",
    "ID-SENDER-UNVERIFIED": "needs a mail: tests/usecases/test_mail_senders.py",
    "ID-LINK-OTHER": "needs a personal link: tests/review/test_entrance.py",
    "ID-ATTRIBUTED": "needs somebody who attributes: tests/alerts/test_quarantine.py",
    "F06-FIGHTERS-QUOTA": "in force until 2023 only: tests/validation/test_award_rules.py",
    "H-CUMULATIVE-FALLS": "needs the warehouse: tests/usecases/test_history_rules.py",
    "H-SAME-AS-LAST": "needs the warehouse: tests/usecases/test_history_rules.py",
    "H-WINDOW-FALLS": "needs the warehouse: tests/usecases/test_history_rules.py",
    "H-CHANGE-50": "needs the warehouse: tests/usecases/test_history_rules.py",
    "P-BLOC-SUM": "needs the warehouse: tests/usecases/test_period_rules.py",
    "P-BLOC-MEMBERS": "needs the warehouse: tests/marts/test_blocs.py",
    "P-BLOC-PROPOSAL": "needs the warehouse: tests/marts/test_blocs.py",
    "P-FEW-PEERS": "needs the warehouse: tests/usecases/test_period_rules.py",
    "P-NARRATIVE-REUSED": "needs the warehouse: tests/usecases/test_period_rules.py",
    "P-OUTLIER": "needs the warehouse: tests/usecases/test_period_rules.py",
    "P-SAME-DECISION": "needs the warehouse: tests/usecases/test_period_rules.py",
    "P-LEAD-SILENT": "needs the warehouse: tests/usecases",
    "P-SAME-FIGURES": "needs the warehouse: tests/usecases",
    "P-SAME-FILE": "needs the warehouse: tests/usecases",
}
"""Codes that `check` cannot give, with where they are covered."""

F00, F03, F05, F07 = "F00 Phiếu gửi", "F03 Kết quả phong trào", "F05 Khen thưởng cấp tỉnh", "F07 Cơ cấu đối tượng"
NOUGHTS = [put("F07", f"{row:02}", "1", 0) for row in range(1, 9)]
Where = tuple[str | None, str | None]
WHOLE_FILE: Where = (None, None)


@dataclass(frozen=True, slots=True)
class Pair:
    """The file that triggers a code and at which (sheet, cell), and the twin that does not."""

    trigger: Sending
    where: Where
    twin: Sending


def pair(edits: Edit | list[Edit], where: Where, twin: Edit | list[Edit] = (), unit: str = DEPARTMENT) -> Pair:  # type: ignore[assignment]
    """Both files from edits of a sound workbook of one unit; without a twin the sound workbook is the twin."""
    first, second = (list(item) if isinstance(item, list | tuple) else [item] for item in (edits, twin))
    return Pair(make_sending(*first, unit=unit), where, make_sending(*second, unit=unit))


def year_pair(
    edits: Sequence[Edit], where: Where, twin: Sequence[Edit] = (), report: str = YEAR, unit: str = DEPARTMENT
) -> Pair:
    """Both files of the year's report, which has the forms that the half-year's has not."""
    first, second = (make_sending(*items, unit=unit, report=report, period=YEAR_PERIOD) for items in (edits, twin))
    return Pair(first, where, second)


def sends(data: bytes, name: str = "bao-cao.xlsx") -> Edit:
    """An edit: other bytes under the name of the report."""

    def edit(sending: Sending) -> None:
        sending.data, sending.name = data, name

    return edit


def named(name: str, channel: str | None = None) -> Edit:
    """An edit: another file name, and what the channel knows of the sender."""

    def edit(sending: Sending) -> None:
        sending.name = name
        sending.channel = {"unit": channel} if channel else {}

    return edit


def title(form: str, text: str) -> Edit:
    """An edit: the line of the title block that names the unit."""
    return write(form, 2, 0, text)


def meta(**changes: str | None) -> Edit:
    """An edit: entries of the hidden sheet; None removes one."""

    def edit(sending: Sending) -> None:
        known = sending.plan.metadata or {}
        sending.plan.metadata = {
            key: value for key, value in (known | changes).items() if value is not None
        }  # fmt: skip

    return edit


def no_unit_anywhere(sending: Sending) -> None:
    """An edit: nothing in the file names the unit."""
    for edit in (
        meta(unit=None),
        put("F00", "01", "1", None),
        *(title(form, "") for form in ("F00", "F03", "F05", "F07")),
    ):
        edit(sending)


def no_titles(sending: Sending) -> None:
    """An edit: the title blocks are emptied."""
    for form in ("F00", "F03", "F05", "F07"):
        for row in (2, 3):
            write(form, row, 0, "")(sending)


def code_column_text(form: str, row_code: str, text: str, column: int) -> Edit:
    """An edit: another text in the code column of a coded row."""

    def edit(sending: Sending) -> None:
        sheet = sending.plan.sheet_of(form)
        line = next(place[0] for key, place in sheet.places.items() if key.row == row_code)
        sheet.cells[line, column].value = text

    return edit


def encrypt(data: bytes) -> bytes:
    """The workbook behind a password."""
    target = io.BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(data)).encrypt("mật khẩu", target)
    return target.getvalue()


def guest_list(sheet: str = "Đại biểu") -> bytes:
    """A workbook that is no report."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        page = book.add_worksheet(sheet)
        page.write_row(0, 0, ["STT", "Họ và tên", "Đơn vị"])
        page.write_row(1, 0, [1, "Đại biểu", "Văn phòng"])
    return target.getvalue()


def long_workbook() -> bytes:
    """Honest and sound, but more than a moment's work."""
    target, digits = io.BytesIO(), random.Random(1)
    with xlsxwriter.Workbook(target, {"constant_memory": True}) as book:
        page = book.add_worksheet("Số")
        for row in range(4_000):
            page.write_row(row, 0, [digits.getrandbits(50) for _ in range(10)])
    return target.getvalue()


def all_of(*edits: Edit) -> list[Edit]:
    return list(edits)


def make_cases() -> dict[str, Pair]:
    """Code -> its pair. Cells are written out by hand: A1 in the template of the department, unless a case moves them."""
    whole = make_sending().to_bytes()
    cell: Callable[[str], Where] = lambda name: (F05, name)  # noqa: E731
    return {
        # the file
        "FILE-EMPTY": pair(sends(b""), WHOLE_FILE),
        "FILE-UNREADABLE": pair(sends(whole[: len(whole) * 3 // 5]), WHOLE_FILE),
        "FILE-ENCRYPTED": pair(sends(encrypt(whole)), WHOLE_FILE),
        "FILE-TOO-LARGE": pair(sends(whole + b"\0" * (DEFAULT_MAX_FILE_MB * 1024**2)), WHOLE_FILE),
        "FILE-NOT-WORKBOOK": pair(sends(b"%PDF-1.7\n1 0 obj\n"), WHOLE_FILE),
        "FILE-NO-FORM": pair(sends(guest_list()), WHOLE_FILE),
        "FILE-EXTENSION": pair(named("bao-cao.xls"), WHOLE_FILE, named("BAO-CAO.XLSX")),
        # who sent what
        "ID-UNIT-MISSING": pair(no_unit_anywhere, WHOLE_FILE, [no_unit_anywhere, title("F05", "Đơn vị: SỞ NỘI VỤ")]),
        "ID-UNIT-UNKNOWN": pair(
            [without_metadata, put("F00", "01", "1", "H14.SNX")], (F00, "D9"),
            [without_metadata, put("F00", "01", "1", " h14.snv ")],
        ),
        "ID-REPORT-UNKNOWN": pair(
            [meta(report=None), put("F00", "03", "1", "bao-cao-quy")], (F00, "D11"), meta(report=None)
        ),
        "ID-PERIOD-UNKNOWN": pair(
            [without_metadata, no_titles, put("F00", "05", "1", "quý 1")], (F00, "D13"), [without_metadata, no_titles]
        ),
        "ID-CONFLICT": pair(put("F00", "01", "1", COMMUNE), (F00, "D9"), title("F05", "Đơn vị: Sở Nội vụ tỉnh Cao Bằng")),
        "ID-NOT-OWED": Pair(not_owed(), WHOLE_FILE, make_sending(report="statistics-year", period="2026-A1")),
        "ID-FILE-NAME": pair(
            named(f"{COMMUNE}_movements-half_2026-S1.xlsx"), WHOLE_FILE, named(f"{DEPARTMENT}_movements-half_2026-S1.xlsx")
        ),
        # the forms
        "FORM-MISSING": pair(drop_sheet("F07"), WHOLE_FILE, rename("F07", "Trang tính 1")),
        "FORM-NO-TABLE": pair(without_headings("F05"), (F05, None), without_column_codes("F05")),
        "FORM-LEGACY-LAYOUT": pair(without_column_codes("F05"), (F05, None), shift("F05", down=2)),
        "TEXT-LEGACY-ENCODING": pair(typed_in(TCVN3, "F05"), (F05, None), rewrite_texts(in_compound, "F05")),
        "FORM-HIDDEN": pair(hide("F05"), (F05, None), [add_sheet("bản nháp", like="F05"), hide("bản nháp")]),
        "FORM-TOO-LONG": pair(write("F03", 10_100, 6, 1), (F03, None), write("F03", 9_000, 6, 1)),
        "FORM-DUPLICATE": pair(add_sheet("bản nháp", like="F05"), ("bản nháp", None), add_sheet("bản nháp")),
        "FORM-NOT-OWED": Pair(
            with_form_of("F05", BLOC), (F05, None), make_sending(unit=BLOC)
        ),
        "SHEET-UNKNOWN": pair(add_sheet("ghi thêm"), ("ghi thêm", None)),
        "COLUMN-MISSING": pair(drop_column("F05", 6), (F05, None), shift("F05", right=1)),
        "COLUMN-UNKNOWN": pair(
            [write("F05", 6, 8, "Giấy khen"), write("F05", 7, 8, "7")], (F05, "I7"), write("F05", 10, 9, "ghi thêm")
        ),
        "COLUMN-DUPLICATE": pair([write("F05", 7, 8, "2")], (F05, "I8"), write("F05", 7, 8, "")),
        "ROW-MISSING": pair(drop_row("F05", 20), (F05, None), code_column_text("F05", "05", "5", 1)),
        "ROW-UNKNOWN": pair(code_column_text("F05", "17", "18", 1), (F05, "B25"), code_column_text("F05", "17", "(17)", 1)),
        "ROW-DUPLICATE": pair(copy_row("F05", "17", 25), (F05, "B26")),
        "ROW-NO-CODE": pair(
            [write("F05", 25, 0, "Cộng thêm"), write("F05", 25, 2, 7)], (F05, "A26"), write("F05", 25, 0, "Cộng thêm")
        ),
        "ROW-HIDDEN": pair(hide_lines("F05", rows=[10]), (F05, "C11"), hide_lines("F05", rows=[3, 27])),
        "COLUMN-HIDDEN": pair(hide_lines("F05", columns=[3]), (F05, "D9"), hide_lines("F05", columns=[1])),
        "ROW-NOT-ASKED": pair(spare_row("DNTN", "DNTN02"), (F03, "A45"), spare_row("VNN", "CNTG")),
        "ROW-NOT-REPORTED": pair(f03_row_gone, (F03, None), merge_movements),
        # the cells
        "CELL-NOT-NUMBER": pair(put("F05", "13", "2", "mười hai"), cell("D21"), put("F05", "13", "2", "không có")),
        "CELL-APPROXIMATE": pair(put("F05", "11", "2", "gần 25"), cell("D19"), put("F05", "11", "2", "25")),
        "CELL-NOT-WHOLE": pair(put("F05", "11", "2", 25.5), cell("D19"), put("F05", "11", "2", "25,0")),
        "CELL-NEGATIVE": pair(put("F05", "11", "2", "-25"), cell("D19"), put("F05", "13", "2", "-")),
        "CELL-AMBIGUOUS": pair(put("F05", "13", "6", "1,415"), cell("H21"), put("F05", "13", "6", "1.415")),
        "CELL-NOT-DATE": pair(put("F00", "10", "1", "31/06/2026"), (F00, "D18"), put("F00", "10", "1", "30.6.2026")),
        "CELL-NOT-CHOICE": pair(put("F00", "04", "1", "Đột xuất"), (F00, "D12"), put("F00", "04", "1", "ĐỊNH KỲ")),
        "CELL-NOT-TEXT": pair(put("F00", "05", "1", date(2026, 6, 1)), (F00, "D13"), put("F00", "05", "1", " 2026-s1")),
        "CELL-X-REQUIRED": pair(put("F05", "02", "1", "X"), cell("C10"), put("F05", "13", "2", "x")),
        "CELL-ERROR": pair(put("F05", "11", "2", "#N/A", "=NA()"), cell("D19"), put("F05", "11", "2", "25")),
        "CELL-UNCACHED": pair(put("F05", "11", "2", None, "=20+5"), cell("D19"), put("F05", "11", "2", 25)),
        "CELL-REQUIRED": pair(put("F05", "02", "1", None), cell("C10"), put("F05", "13", "1", None)),
        "CELL-NOT-APPLICABLE": pair(put("F05", "05", "6", 1), cell("H13"), put("F05", "05", "6", 0)),
        "CELL-TOO-LARGE": pair(put("F05", "13", "6", 1.1e15), cell("H21"), put("F05", "13", "6", 999_999_999_999)),
        # F00
        "F00-CLOCK": pair(put("F00", "04", "1", "Thống kê"), (F00, "D12")),
        "F00-WINDOW-START": pair(put("F00", "06", "1", "14/12/2025"), (F00, "D14"), put("F00", "06", "1", "15/12/2025")),
        "F00-WINDOW-END": pair(put("F00", "07", "1", "15/06/2026"), (F00, "D15"), put("F00", "07", "1", 46187)),
        "F00-SIGNED-EARLY": pair(put("F00", "10", "1", "14/12/2025"), (F00, "D18"), put("F00", "10", "1", "15/12/2025")),
        "F00-ESTIMATE": pair(
            put("F00", "10", "1", "13/06/2026"), (F00, "D18"),
            [put("F00", "10", "1", "13/06/2026"), put("F00", "08", "1", "Có")],
        ),
        "F00-UNIT-NAME": pair(put("F00", "02", "1", "Sở Tài chính"), (F00, "D10"), put("F00", "02", "1", "SỞ  NỘI VỤ")),
        # F03
        "F03-PERCENT": pair(put("F03", "DMST+DVTG", "4", 25.4), (F03, "I9"), put("F03", "DMST+DVTG", "4", "25,0%")),
        "F03-PERCENT-OFF": pair(put("F03", "DMST+DVTG", "4", 0.25), (F03, "I9"), put("F03", "DMST+DVTG", "4", 25.5)),
        "F03-CUMULATIVE": pair(put("F03", "DMST+DVTG", "3", 49), (F03, "H9"), put("F03", "DMST+DVTG", "3", 50)),
        # F05
        "F05-ROW-SUM": pair(put("F05", "11", "1", 33), cell("C19"), put("F05", "11", "6", 99)),
        "F05-BY-SUBJECT": pair(put("F05", "04", "2", 2), cell("D9"), put("F05", "03", "2", 10)),
        "F05-BY-METHOD": pair(put("F05", "12", "2", 5), cell("D9"), [put("F05", str(row), "2", None) for row in range(11, 18)]),
        "F05-INDIVIDUALS": pair(
            put("F05", "06", "3", 1), cell("E13"), [put("F05", f"{row:02}", "3", None) for row in range(6, 11)]
        ),
        "F05-ENTERPRISES": pair(put("F05", "03", "4", 4), cell("F11"), put("F05", "03", "4", 3)),
        # F07
        "F07-TOTAL": pair(put("F07", "04", "1", 13), (F07, "D9")),
        "F07-LEADER-PERCENT": pair(put("F07", "03", "1", 40.5), (F07, "D11"), put("F07", "03", "1", 40)),
        "F07-LEADER-PERCENT-OFF": pair(put("F07", "03", "1", 40.6), (F07, "D11"), put("F07", "03", "1", 40.5)),
        "F07-WORKER-PERCENT": pair(put("F07", "05", "1", 59.5), (F07, "D13"), put("F07", "05", "1", 60)),
        "F07-WORKER-PERCENT-OFF": pair(put("F07", "05", "1", 59.4), (F07, "D13"), put("F07", "05", "1", 59.5)),
        "F07-PERCENT-SUM": pair(put("F07", "05", "1", 60.1), (F07, "D13"), put("F07", "05", "1", None)),
        "F07-WOMEN": pair(put("F07", "06", "1", 21), (F07, "D14"), put("F07", "06", "1", 20)),
        "F07-MINORITY": pair(put("F07", "07", "1", 21), (F07, "D15"), put("F07", "07", "1", 20)),
        # between the forms
        "X-INDIVIDUALS": pair(put("F05", "05", "2", 21), (F07, "D9"), put("F07", "01", "1", None)),
        "X-LEADERS": pair(put("F05", "09", "2", 6), (F07, "D10"), [put("F05", "09", "2", 4), put("F05", "06", "2", 1)]),
        "X-WORKERS": pair(put("F05", "10", "2", 13), (F07, "D12"), put("F05", "10", "3", 13)),
        "X-ENTERPRISES": pair(put("F05", "03", "2", 3), (F07, "D16"), put("F05", "03", "4", 2)),
        # a form as a whole
        "H-ALL-ZEROS": pair(NOUGHTS, (F07, None), [*NOUGHTS, put("F07", "07", "1", 1)]),
    }  # fmt: skip


def not_owed() -> Sending:
    """A bloc sends the yearly statistics, which blocs do not owe: the workbook of a department under its name."""
    sending = make_sending(without_metadata, report="statistics-year", period="2026-A1")
    for form in ("F00", "F05"):
        write(form, 2, 0, "")(sending)
    drop_sheet("F04")(sending)
    bloc = read_knowledge().register.unit_versions(BLOC)[-1]
    return sending.field("F00", "01", bloc.code).field("F00", "02", bloc.name)


def with_form_of(form: str, unit: str) -> Sending:
    """The workbook of a unit with one more sheet: a form that only departments owe."""
    sending = make_sending(unit=unit)
    extra = make_sending().plan.sheet_of(form)
    extra.cells[2, 0].value = ""
    sending.plan.sheets.append(extra)
    return sending


def spare_row(movement: str, indicator: str) -> Edit:
    """An edit: a spare row of F03 filled with an indicator."""

    def edit(sending: Sending) -> None:
        for column, value in (("A", movement), ("C", indicator), ("2", 3)):
            sending.put("F03", "", column, value)

    return edit


def f03_row_gone(sending: Sending) -> None:
    """An edit: the first row of F03 deleted."""
    drop_row("F03", sending.plan.sheet_of("F03").first_row)(sending)


CASES = make_cases() | {code: year_pair(*told) for code, told in AWARD_PAIRS.items()}
CASES |= {code: year_pair(*told) for code, told in BASIC_PAIRS.items()}
CASES |= {code: year_pair(*told, report=STATISTICS) for code, told in STAFF_PAIRS.items()}
CASES |= {code: year_pair(*told) for code, told in DECISION_PAIRS.items()}
CASES |= {code: year_pair(*told, unit=BLOC) for code, told in BLOC_PAIRS.items()}
CASES |= {code: pair(*told) for code, told in make_json_pairs().items()}


@pytest.fixture(scope="module")
def outcomes() -> dict[tuple[str, bool], Examined]:
    """Every pair examined in one batch: (code, whether it is the trigger) -> outcome."""
    keys = [(code, triggers) for code in CASES for triggers in (True, False)]
    sendings = [CASES[code].trigger if triggers else CASES[code].twin for code, triggers in keys]
    return dict(zip(keys, examine(*sendings), strict=True))


@pytest.mark.parametrize("code", list(CASES))
def test_trigger(code: str, outcomes: dict[tuple[str, bool], Examined]) -> None:
    found = [finding for finding in outcomes[code, True].findings if finding.code == code]
    assert [(finding.sheet, finding.cell) for finding in found] == [CASES[code].where], codes(outcomes[code, True])
    (finding,) = found
    assert finding.severity is read_catalogue()[code].severity
    for text in (finding.message, finding.fix):
        assert text and "{" not in text and "}" not in text and "None" not in text and "nan" not in text.split()
        assert "“”" not in text and "  " not in text and "()" not in text


@pytest.mark.parametrize("code", list(CASES))
def test_twin(code: str, outcomes: dict[tuple[str, bool], Examined]) -> None:
    assert code not in codes(outcomes[code, False])


def test_verdicts_follow_severities(outcomes: dict[tuple[str, bool], Examined]) -> None:
    for examined in outcomes.values():
        weights = {finding.severity.value for finding in examined.findings}
        expected = (
            "rejected" if "error" in weights else "accepted_with_warnings" if "warning" in weights else "accepted"
        )
        assert examined.verdict == expected


def test_every_code_has_a_pair() -> None:
    assert set(CASES) | set(ELSEWHERE) | {"FILE-TIMEOUT"} == set(read_catalogue().entries)
    assert not set(CASES) & set(ELSEWHERE)


def test_timeout_and_its_twin() -> None:
    """FILE-TIMEOUT: the same file, once with no time and once with enough."""
    slow = replace(make_sending(), data=long_workbook())
    knowledge = read_knowledge()
    hurried = replace(knowledge.settings, reader_seconds=0.05)
    examiner: Examiner
    with make_examiner(type(knowledge)(hurried)) as examiner:
        (late,) = examine(slow, examiner=examiner)
    assert codes(late) == ["FILE-TIMEOUT"]
    assert codes(examine(slow)[0]) == ["FILE-NO-FORM"]


def test_a_duplicate_in_f03_names_both_rows() -> None:
    (examined,) = examine(make_sending(spare_row("VNN", "CNTG")))
    found = [(finding.code, finding.cell, finding.expected) for finding in examined.findings if "DUPL" in finding.code]
    assert found == [("ROW-DUPLICATE", "A45", "A25")]


def test_dates_of_the_file_are_read_as_here() -> None:
    """A day in a number cell is shown as its sender sees it."""
    (examined,) = examine(make_sending(put("F05", "11", "2", date(2026, 6, 10))))
    found = [finding for finding in examined.findings if finding.code == "CELL-NOT-NUMBER"]
    assert [finding.value for finding in found] == ["10/06/2026"]
