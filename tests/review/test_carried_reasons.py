"""Reasons given on the unit's page for one file, at the next one: the same warning keeps them and says where they come from."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import openpyxl
from entrance_files import sound, text_of
from reviewed_office import log_in, read_page
from unit_gate import PERIOD, REPORT, Gate, Visitor

from etl.recognition.reasons import REASON_HEADER
from etl.recognition.tables import RESULT_SHEET
from etl.usecases.explaining import list_explained
from etl.usecases.review_queue import list_waiting
from etl.usecases.submission_view import read_submission
from tests.golden.make_cases import bac_kan
from tests.golden.sender import Sending

REASON = "Làm tròn theo số của xã"
ORIGIN = re.compile(r"Lấy lại từ lần nộp (\d+)")


def noted(text: str) -> Callable[[Sending], object]:
    """An edit that changes the bytes and no figure."""
    return lambda sending: sending.field("F00", "13", text)


def send(visitor: Visitor, data: bytes) -> int:
    """The number of the submission that became of it."""
    page = visitor.upload("bao-cao.xlsx", data)
    found = re.search(r"/submissions/(\d+)", page.url.path)
    assert found is not None, text_of(page)
    return int(found[1])


def explain(visitor: Visitor, number: int, text: str = REASON) -> int:
    """Say this of every warning; how many there were."""
    page = visitor.get(f"/submissions/{number}").text
    fields = re.findall(r'<textarea id="(reason-[0-9a-f]+)"', page)
    told = visitor.client.post(
        f"{visitor.path}/submissions/{number}/reasons", data={**dict.fromkeys(fields, text), "csrf": visitor.csrf}
    )
    assert told.status_code == 303
    return len(fields)


def reasons_of(gate: Gate, number: int) -> list[tuple[str, int | None]]:
    """What is said of each warning, and from which attempt."""
    return [(one.reason, one.taken_from) for one in list_explained(read_submission(gate.context, number))]


def stored(gate: Gate, number: int) -> list[tuple[object, ...]]:
    return gate.rows(
        "SELECT r.* FROM core.finding_reason r JOIN core.submission s USING (arrival_id) WHERE s.id = :n ORDER BY r.id",
        n=number,
    )


def is_waiting(gate: Gate, number: int) -> bool:
    return number in [one.submission for one in list_waiting(gate.context, REPORT, PERIOD)]


def test_the_same_warning_in_the_next_file_keeps_its_reason(gate: Gate, unit: str) -> None:
    visitor = gate.visit(unit)
    first = send(visitor, sound(unit, bac_kan()))
    warnings = explain(visitor, first)
    assert warnings
    before = stored(gate, first)

    second = send(visitor, sound(unit, bac_kan(), noted("Nguyễn Thị Lan")))

    assert reasons_of(gate, second) == [(REASON, 1)] * warnings
    assert reasons_of(gate, first) == [(REASON, None)] * warnings
    assert stored(gate, first) == before
    # The unit reads whose words these are, and has nothing more to do; so does the office.
    page = text_of(visitor.get(f"/submissions/{second}"))
    assert page.count("Lấy lại từ giải trình ở lần nộp 1") == warnings
    assert "Đơn vị không cần làm gì thêm" in visitor.get().text
    shown = read_page(log_in(gate.app, "reviewer").get(f"/submissions/{second}").text)
    assert ORIGIN.findall(shown) == ["1"] * len(ORIGIN.findall(shown)) and ORIGIN.search(shown)
    assert not is_waiting(gate, second)

    # Taken over again, it still names the attempt it was written for.
    third = send(visitor, sound(unit, bac_kan(), noted("Trần Văn Ba")))
    assert reasons_of(gate, third) == [(REASON, 1)] * warnings
    # Changed there, it is that attempt's own, and the earlier ones stay.
    explain(visitor, third, "Đã đối chiếu lại")
    assert reasons_of(gate, third) == [("Đã đối chiếu lại", None)] * warnings
    assert reasons_of(gate, second) == [(REASON, 1)] * warnings
    page = text_of(visitor.get(f"/submissions/{third}"))
    assert "Lấy lại từ" not in page


def test_another_figure_is_not_explained_by_it(gate: Gate, unit: str) -> None:
    visitor = gate.visit(unit)
    explain(visitor, send(visitor, sound(unit, bac_kan(leaders=(38.3, None)))))

    second = send(visitor, sound(unit, bac_kan(leaders=(38.1, None))))

    found = {one.findings[0].code: one.reason for one in list_explained(read_submission(gate.context, second))}
    assert found == {"F07-LEADER-PERCENT": "", "F07-PERCENT-SUM": REASON}
    assert is_waiting(gate, second)


def test_what_was_taken_back_is_not_taken_over(gate: Gate, unit: str) -> None:
    visitor = gate.visit(unit)
    first = send(visitor, sound(unit, bac_kan()))
    explain(visitor, first)
    warnings = explain(visitor, first, " ")

    second = send(visitor, sound(unit, bac_kan(), noted("Nguyễn Thị Lan")))

    assert reasons_of(gate, second) == [("", None)] * warnings
    assert stored(gate, second) == []


def test_a_reason_in_the_new_workbook_goes_first(gate: Gate, unit: str) -> None:
    visitor = gate.visit(unit)
    first = send(visitor, sound(unit, bac_kan()))
    explain(visitor, first)
    book = openpyxl.load_workbook(io.BytesIO(visitor.get(f"/submissions/{first}/annotated").content))
    sheet = book[RESULT_SHEET]
    header = next(row for row in sheet.iter_rows() if any(cell.value == REASON_HEADER for cell in row))
    column = next(cell.column for cell in header if cell.value == REASON_HEADER)
    for row in range(header[0].row + 1, sheet.max_row + 1):
        if sheet.cell(row, column).value:
            sheet.cell(row, column).value = "Ghi trong tệp"
    out = io.BytesIO()
    book.save(out)

    second = send(visitor, out.getvalue())

    assert {reason for reason, _ in reasons_of(gate, second)} == {"Ghi trong tệp"}
    assert stored(gate, second) == []


def test_nobody_elses_reason_is_taken_over(gate: Gate, unused: object) -> None:
    mine, theirs = next(unused), next(unused)  # type: ignore[call-overload]
    explain(gate.visit(theirs), send(gate.visit(theirs), sound(theirs, bac_kan())))

    number = send(gate.visit(mine), sound(mine, bac_kan()))

    assert {reason for reason, _ in reasons_of(gate, number)} == {""}
