"""One submission as it is looked at: attempts in their order, what changed, decisions, nobody's names where not due."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from deliveries import Post, at, rows_of

from etl.annotation.failures import CannotAnnotate
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.context import open_context
from etl.usecases.prepare import init_warehouse
from etl.usecases.review import UnknownSubmission, decide_submission
from etl.usecases.submission_view import (
    SubmissionView,
    list_submissions,
    read_original,
    read_submission,
    write_annotated,
)
from tests.golden.sender import DEPARTMENT, HALF_YEAR, PERIOD, YEAR, YEAR_PERIOD, Sending, make_sending
from tests.golden.sound_decisions import fill_complaints

NOW = at("2027-01-20T08:00")
PERSON = "Đàm Văn Kín Tiếng"


@pytest.fixture
def post(make_settings: Callable[..., Settings], tmp_path: Path) -> Iterator[Post]:
    settings = make_settings(PROJECT_ROOT / "register")
    init_warehouse(settings, clock=lambda: NOW)
    with open_context(settings, clock=lambda: NOW) as context:
        yield Post(context, tmp_path)


def view_of(post: Post, name: str) -> SubmissionView:
    ((number,),) = rows_of(
        post.context,
        "SELECT s.id FROM core.submission s JOIN landing.arrival a ON a.id = s.arrival_id WHERE a.file_name = :name",
        name=f"{name}.xlsx",
    )
    return read_submission(post.context, int(str(number)))


def test_attempts_changes_and_decisions(post: Post) -> None:
    wrong = make_sending().put("F05", "01", "2", 99)
    dropped = make_sending().put("F05", "01", "2", "chín mươi")
    right = make_sending()
    post.deliver(
        ("một", wrong, "2026-06-20T08:00"), ("hai", dropped, "2026-06-20T09:00"), ("ba", right, "2026-06-21T08:00")
    )

    first, second, third = (view_of(post, name) for name in ("một", "hai", "ba"))

    assert [(one.attempt, one.attempts, one.verdict, one.counts) for one in (first, second, third)] == [
        (1, 3, "rejected", False), (2, 3, "rejected", False), (3, 3, "accepted", True),
    ]  # fmt: skip
    assert (list(first.changes), first.changes_total) == ([], 0)
    cell = right.cell("F05", "01", "2")
    assert [(one.form, one.row, one.column, one.cell, one.old, one.new) for one in second.changes] == [
        ("F05", "01", "2", cell, "99", "chín mươi")
    ]
    assert [(one.old, one.new) for one in third.changes] == [("chín mươi", "31")]
    assert {finding.cell for finding in first.findings} >= {cell}
    assert [one.id for one in third.siblings] == [first.id, second.id, third.id]
    assert list_submissions(post.context, DEPARTMENT, HALF_YEAR, PERIOD) == third.siblings
    assert read_original(post.context, first) == wrong.to_bytes()
    name, copy = write_annotated(post.context, first)
    assert name == "một_gop-y.xlsx"
    assert "Kết quả kiểm tra" in openpyxl.load_workbook(io.BytesIO(copy)).sheetnames

    decide_submission(
        post.context, third.id, "return", by="cán bộ", why="Thiếu chữ ký", expected_decision=third.decisions[-1].id
    )

    again = view_of(post, "ba")
    assert again.decision is not None
    assert (again.decision.decision, again.decision.decided_by, again.decision.reason) == (
        "return",
        "cán bộ",
        "Thiếu chữ ký",
    )
    assert not again.counts
    assert again.siblings[-1].decision == "return"


def test_changes_read_as_their_sender_sees_the_cells(post: Post) -> None:
    before = make_sending().field("F00", "10", date(2026, 6, 15)).put("F05", "01", "2", 9999)
    after = make_sending().field("F00", "10", date(2026, 6, 5)).put("F05", "01", "2", "12.345")
    after.field("F00", "09", "2026-06-15")
    post.deliver(("một", before, "2026-06-20T08:00"), ("hai", after, "2026-06-20T09:00"))

    changes = {(one.form, one.row): (one.old, one.new) for one in view_of(post, "hai").changes}

    assert changes["F00", "10"] == ("15/06/2026", "05/06/2026")
    assert changes["F05", "01"] == ("9.999", "12.345")  # what was typed as a text stays as it was typed
    assert changes["F00", "09"] == ("12/BC-SNV", "2026-06-15")


def test_the_same_figures_in_other_clothes_are_no_change(post: Post) -> None:
    again = make_sending().field("F00", "13", "Người khác lập biểu")
    post.deliver(("một", make_sending(), "2026-06-20T08:00"), ("hai", again, "2026-06-20T09:00"))

    changes = view_of(post, "hai").changes

    assert {change.form for change in changes} <= {"F00"}
    assert all(change.form != "F05" for change in changes)


def test_restricted_fields_are_given_as_nothing(post: Post) -> None:
    def complaints(number: object) -> Sending:
        sending = make_sending(fill_complaints, report=YEAR, period=YEAR_PERIOD)
        sending.put("F13", "02", "1", number)  # type: ignore[arg-type]
        return sending.put("F13", "07", "1", PERSON)

    post.deliver(
        ("một", complaints("mười " + PERSON), "2026-12-20T08:00"), ("hai", complaints(-70_001), "2026-12-21T08:00")
    )

    for name in ("một", "hai"):
        view = view_of(post, name)
        found = [finding for finding in view.findings if finding.form == "F13"]
        assert found
        assert all(finding.value is None for finding in found if finding.field is not None)
        assert not any(change.form == "F13" for change in view.changes)
        assert PERSON not in str(view.changes)
        assert PERSON not in str(view.findings)
        assert any(sheet.startswith("F13") for sheet in view.restricted_sheets)


def test_what_is_no_workbook_cannot_be_annotated_and_what_is_not_there_is_unknown(post: Post) -> None:
    with pytest.raises(UnknownSubmission):
        read_submission(post.context, 999_999)
    as_text = make_sending()
    post.deliver(("một", as_text, "2026-06-20T08:00"))
    view = view_of(post, "một")
    other = post.context.landing.put(b"khong phai bang tinh")
    with pytest.raises(CannotAnnotate):
        write_annotated(post.context, replace(view, sha256=other))
