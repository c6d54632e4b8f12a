"""Files to verdicts: order, batches, quarantine, what is looked at when little is known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from etl.examination import BATCH_SIZE, Delivery, Unread, judge, sort_findings
from etl.findings.catalogue import read_catalogue
from etl.findings.model import Finding
from tests.golden.make_cases import put
from tests.golden.sender import (
    BLOC,
    COMMUNE,
    DEPARTMENT,
    Sending,
    add_sheet,
    codes,
    drop_sheet,
    examine,
    make_sending,
    share_examiner,
    without_metadata,
    write,
)


def make(code: str, **particulars: str) -> Finding:
    return read_catalogue().make_finding(code, **particulars)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([], "accepted"),
        (["SHEET-UNKNOWN"], "accepted"),
        (["SHEET-UNKNOWN", "F07-PERCENT-SUM"], "accepted_with_warnings"),
        (["F07-PERCENT-SUM", "F07-TOTAL", "SHEET-UNKNOWN"], "rejected"),
    ],
)
def test_the_verdict(found: list[str], verdict: str) -> None:
    assert judge([make(code) for code in found]) == verdict


def test_findings_stand_in_the_order_of_work() -> None:
    shuffled = [
        make("F05-ROW-SUM", form="F05", sheet="F05", cell="C10"),
        make("CELL-NEGATIVE", form="F05", sheet="F05", cell="C9"),
        make("FORM-MISSING", form="F07"),
        make("F05-ROW-SUM", form="F05", sheet="F05", cell="B10"),
        make("COLUMN-MISSING", form="F05", sheet="F05", column="5"),
        make("FILE-EXTENSION"),
        make("F05-ROW-SUM", form="F05", sheet="F05", cell="C10"),
    ]
    assert [(finding.code, finding.cell) for finding in sort_findings(shuffled)] == [
        ("FILE-EXTENSION", None), ("COLUMN-MISSING", None), ("CELL-NEGATIVE", "C9"), ("F05-ROW-SUM", "B10"),
        ("F05-ROW-SUM", "C10"), ("FORM-MISSING", None),
    ]  # fmt: skip


def test_files_keep_their_order_and_keys() -> None:
    """A file that is none between two that are: nothing moves to its neighbour."""
    good, other = make_sending().to_bytes(), make_sending(put("F07", "06", "1", 99), unit=COMMUNE).to_bytes()
    deliveries = [Delivery(7, "a.xlsx", good), Delivery(3, "b.xlsx", b"rac"), Delivery(5, "c.xlsx", other)]
    seen: list[int] = []
    examined = list(share_examiner().examine(deliveries, seen.append))
    assert [(one.key, one.name, one.verdict) for one in examined] == [
        (7, "a.xlsx", "accepted"), (3, "b.xlsx", "rejected"), (5, "c.xlsx", "rejected"),
    ]  # fmt: skip
    sent = (good, b"rac", other)
    assert [(one.sha256, one.size) for one in examined] == [(hashlib.sha256(d).hexdigest(), len(d)) for d in sent]
    assert [codes(one) for one in examined] == [[], ["FILE-NOT-WORKBOOK"], ["F07-WOMEN"]]
    assert seen == [1, 1, 1]
    assert [one.identity.unit and one.identity.unit.code for one in examined] == [DEPARTMENT, None, COMMUNE]


def test_more_files_than_a_batch() -> None:
    deliveries = (Delivery(place, "a.txt", b"khong phai bang tinh") for place in range(BATCH_SIZE + 3))
    examined = list(share_examiner().examine(deliveries))
    assert [one.key for one in examined] == list(range(BATCH_SIZE + 3))
    assert {tuple(codes(one)) for one in examined} == {("FILE-NOT-WORKBOOK",)}


def test_the_bytes_of_a_batch_are_never_all_in_memory() -> None:
    alive: set[int] = set()
    most = 0

    class Tracked(bytes):
        def __del__(self) -> None:
            alive.discard(id(self))

    def deliver() -> Iterator[Delivery]:
        nonlocal most
        for place in range(60):
            data = Tracked(b"khong phai bang tinh %d" % place)
            alive.add(id(data))
            most = max(most, len(alive))
            delivery = Delivery(place, "a.txt", data)
            del data
            yield delivery
            del delivery

    assert len(list(share_examiner().examine(deliver()))) == 60
    assert most <= 20


def test_a_file_that_is_too_large_is_not_fetched() -> None:
    """It keeps its place among the others, first and last included."""

    def never() -> bytes:
        raise AssertionError("fetched only to be refused")

    good = make_sending().to_bytes()
    here = Unread(hashlib.sha256(good).hexdigest(), len(good), lambda: good)
    far = Unread("0" * 64, 300 * 1024**2, never)
    deliveries = [Delivery(place, "a.xlsx", data) for place, data in enumerate((far, far, here, far, good, far))]
    seen: list[int] = []
    examined = list(share_examiner().examine(deliveries, seen.append))
    large = ["FILE-TOO-LARGE"]
    assert [codes(one) for one in examined] == [large, large, [], large, [], large]
    assert [one.key for one in examined] == list(range(6))
    assert (examined[0].sha256, examined[0].size) == ("0" * 64, 300 * 1024**2)
    assert "300,0 MB" in examined[0].findings[0].message
    assert examined[2].sha256 == examined[4].sha256 == here.sha256
    assert len(seen) == 6


def test_no_files() -> None:
    assert list(share_examiner().examine([])) == []


def test_what_is_unreadable_keeps_what_the_channel_knows() -> None:
    sending = Sending(make_sending().plan, "x.pdf", {"unit": DEPARTMENT}, b"%PDF-1.4")
    (examined,) = examine(sending)
    assert not examined.identity.is_attributed
    assert examined.identity.hints == {"unit": DEPARTMENT}
    assert examined.form_versions == {}


def test_cells_are_checked_also_when_nobody_is_known() -> None:
    """Quarantine is no reason to be silent about the figures; only what depends on the sender is left out."""

    def nameless(sending: Sending) -> None:
        without_metadata(sending)
        for form in ("F00", "F03", "F05", "F07"):
            write(form, 2, 0, "")(sending)
        sending.field("F00", "01", None)

    (examined,) = examine(make_sending(nameless, put("F05", "11", "1", 99), put("F00", "10", "1", "31/02/2026")))
    assert not examined.identity.is_attributed
    assert set(codes(examined)) == {"ID-UNIT-MISSING", "CELL-REQUIRED", "CELL-NOT-DATE", "F05-ROW-SUM", "F05-BY-METHOD"}


def test_a_form_that_is_not_owed_is_not_checked() -> None:
    sending = make_sending(unit=BLOC)
    extra = make_sending(put("F05", "11", "1", 99)).plan.sheet_of("F05")
    extra.cells[2, 0].value = ""
    sending.plan.sheets.append(extra)
    (examined,) = examine(sending)
    assert (codes(examined), examined.verdict) == (["FORM-NOT-OWED"], "accepted")
    assert set(examined.form_versions) == {"F00", "F03"}


def test_versions_of_the_forms_found() -> None:
    (examined,) = examine(make_sending(drop_sheet("F07")))
    assert examined.form_versions == {"F00": "2026.1", "F03": "2026.1", "F05": "2023.1"}


def test_a_second_copy_of_a_form_does_not_change_the_first() -> None:
    (examined,) = examine(make_sending(add_sheet("F05 (2)", like="F05")))
    assert codes(examined) == ["FORM-DUPLICATE"]
    places = {cell.sheet for key, cell in examined.submission.parsed.cells.items() if key.form == "F05"}
    assert places == {"F05 Khen thưởng cấp tỉnh"}


def test_every_cell_is_kept_with_its_place() -> None:
    """Nothing is dropped in silence: every declared cell is there, and its coordinates are those of the file."""
    sending = make_sending(put("F05", "13", "2", "hơn 5"), put("F05", "14", "2", "…"))
    (examined,) = examine(sending)
    cells = examined.submission.parsed.cells
    for sheet in sending.plan.sheets:
        for key in sheet.places:
            if key.row:
                assert (cells[key].sheet, cells[key].cell) == (sheet.name, sending.cell(*key))
    (bad,) = [cell for cell in cells.values() if cell.value.missing == "bad"]
    assert (bad.raw, bad.cell, bad.value.problem) == ("hơn 5", "D21", "CELL-APPROXIMATE")
    assert [cell.raw for cell in cells.values() if cell.value.missing == "not_reported"] == ["…"]
