"""Submissions: what waits, one submission beside its sheet, downloads, decisions; who may not see people's data."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from io import BytesIO

import sqlalchemy as sa
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from reviewed_office import LOGINS, PERIOD, REPORT, log_in, read_page, read_token

from etl.review.app import create_app
from etl.review.office import Office
from etl.usecases.board import read_board
from etl.usecases.context import Context
from etl.usecases.review import approve_period, start_review
from etl.usecases.review_queue import list_waiting
from etl.usecases.submission_view import read_original, read_submission

Client = Callable[[str | None], TestClient]
KEY = f"{REPORT}:{PERIOD}"
WHY = "Đã đối chiếu với hồ sơ giấy"


def _find(context: Context, verdict: str) -> int:
    """The first submission that is its unit's newest and has that verdict."""
    with context.engine.connect() as connection:
        found = connection.execute(
            sa.text(
                "SELECT s.id FROM core.submission s WHERE :verdict = (SELECT v.verdict FROM core.verdict v "
                "WHERE v.submission_id = s.id ORDER BY v.id DESC LIMIT 1) AND NOT EXISTS (SELECT 1 FROM core.submission n "
                "WHERE n.unit = s.unit AND n.received_at > s.received_at) ORDER BY s.id LIMIT 1"
            ),
            {"verdict": verdict},
        ).scalar_one()
    return int(found)


def test_what_waits_is_what_the_queue_says(client_of: Client, office: Office) -> None:
    waiting = list_waiting(office.context(), REPORT, PERIOD)

    page = client_of("reader").get("/submissions", params={"key": KEY}).text

    assert waiting
    assert [int(one) for one in re.findall(r'/submissions/(\d+)"', page)] == [one.submission for one in waiting]


def test_without_findings_the_first_form_is_open(client_of: Client, office: Office) -> None:
    context = office.context()
    with context.engine.connect() as connection:
        numbers = connection.execute(
            sa.text(
                "SELECT s.id FROM core.submission s WHERE NOT EXISTS (SELECT 1 FROM core.finding f "
                "WHERE f.arrival_id = s.arrival_id) ORDER BY s.id"
            )
        ).scalars()
        found = [read_submission(context, number) for number in numbers.all()[:5]]
    view = next(one for one in found if one.file.endswith(".xlsx"))
    names = load_workbook(BytesIO(read_original(context, view))).sheetnames
    assert names[0] == "Hướng dẫn"

    page = client_of("reviewer").get(f"/submissions/{view.id}").text

    opened = html.unescape(page.partition('aria-current="true">')[2].partition("<")[0])
    assert opened in names[1:]
    assert "Thông tin" in opened or opened.startswith("F00")


def test_a_submission_shows_its_findings_beside_its_cells(client_of: Client, office: Office) -> None:
    number = _find(office.context(), "rejected")
    view = read_submission(office.context(), number)
    placed = [one for one in view.findings if one.sheet and one.cell]
    assert placed
    first = placed[0]

    page = client_of("reviewer").get(f"/submissions/{number}", params={"sheet": first.sheet, "cell": first.cell}).text

    for one in view.findings:
        assert html.escape(one.message, quote=False).replace("'", "&#39;") in page.replace("&#34;", '"')
    cell = page.partition('id="cell">')
    assert "here" in cell[0].rpartition("<td")[2]
    assert f"mark {first.severity.value}" in cell[0].rpartition("<td")[2]
    assert html.escape(first.message)[:30] in cell[2].partition("</td>")[0]
    assert f"lần nộp {view.attempt}/{view.attempts}" in read_page(page)


def test_unknown_submissions_sheets_and_units_are_no_error_of_ours(client_of: Client, office: Office) -> None:
    client = client_of("reviewer")
    number = _find(office.context(), "rejected")

    assert client.get("/submissions/987654").status_code == 404
    assert client.get("/submissions/khong").status_code == 422
    assert client.get("/submissions/99999999999999999999").status_code in (404, 422)
    assert client.get(f"/submissions/{number}?sheet=Không+có&cell=ZZ99").status_code == 200
    assert client.get("/submissions", params={"key": KEY, "unit": "H14.KHONG"}).status_code == 404
    assert client.get("/submissions", params={"key": "x:y"}).status_code == 404


def test_originals_come_byte_for_byte_and_never_open_by_themselves(client_of: Client, office: Office) -> None:
    context = office.context()
    number = _find(context, "rejected")
    view = read_submission(context, number)
    client = client_of("reviewer")

    original = client.get(f"/submissions/{number}/original")
    annotated = client.get(f"/submissions/{number}/annotated")

    assert original.content == read_original(context, view)
    for answer in (original, annotated):
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["x-content-type-options"] == "nosniff"
    book = load_workbook(BytesIO(annotated.content))
    assert len(book.sheetnames) > len(load_workbook(BytesIO(original.content)).sheetnames)


def test_readers_see_no_peoples_data(client_of: Client, office: Office) -> None:
    context = office.context()
    number = _find(context, "accepted")
    with context.engine.connect() as connection:
        people = list(
            connection.execute(
                sa.text(
                    "SELECT DISTINCT coalesce(raw, text_value) FROM core.observation WHERE submission_id = :id AND restricted "
                    "AND length(coalesce(raw, text_value)) > 5"
                ),
                {"id": number},
            ).scalars()
        )
    assert people  # names and telephone numbers of those who signed
    reader, reviewer = client_of("reader"), client_of("reviewer")

    pages = [
        reader.get(f"/submissions/{number}", params={"sheet": sheet}).text
        for sheet in ("", *read_submission(context, number).restricted_sheets)
    ]
    shown = reviewer.get(
        f"/submissions/{number}", params={"sheet": next(iter(read_submission(context, number).restricted_sheets))}
    ).text

    assert not [one for one in people for page in pages if one in html.unescape(page)]
    assert all('class="grid"' not in page for page in pages)
    assert any(one in html.unescape(shown) for one in people)
    assert reader.get(f"/submissions/{number}/original").status_code == 403
    assert reader.get(f"/submissions/{number}/annotated").status_code == 403


def test_a_submission_is_returned_with_a_note_and_accepted_again(own_office: Office) -> None:
    context = own_office.context()
    number = _find(context, "accepted")
    view = read_submission(context, number)
    client = log_in(create_app(own_office), "reviewer")
    token = read_token(client)

    def decide(decision: str, why: str, seen: int | None) -> int:
        form = {"csrf": token, "decision": decision, "why": why, **({} if seen is None else {"seen": str(seen)})}
        return client.post(f"/submissions/{number}/decide", data=form).status_code

    assert view.decision is not None
    assert decide("return", "   ", view.decision.id) == 422
    assert decide("delete", WHY, view.decision.id) == 422
    assert decide("return", WHY, view.decision.id) == 303
    page = read_page(client.get(f"/submissions/{number}").text)
    assert "Không được tính" in page and "Trả lại" in page and WHY in page and LOGINS["reviewer"] in page
    after = read_submission(context, number)
    assert not after.counts
    assert after.decision is not None
    line = next(one for one in read_board(context, REPORT, PERIOD, context.clock()).units if one.unit == view.unit)
    assert line.status == "rejected"
    assert decide("accept", WHY, after.decision.id) == 303
    assert read_submission(context, number).counts


def test_of_two_who_decide_the_slower_is_told_who_was_faster(own_office: Office) -> None:
    context = own_office.context()
    number = _find(context, "accepted")
    seen = read_submission(context, number).decision
    assert seen is not None
    app = create_app(own_office)
    first, second = log_in(app, "reviewer"), log_in(app, "publisher")
    form = {"decision": "return", "seen": str(seen.id)}

    won = first.post(
        f"/submissions/{number}/decide", data={**form, "why": "Sai đơn vị tính", "csrf": read_token(first)}
    )
    lost = second.post(
        f"/submissions/{number}/decide", data={**form, "why": "Thiếu chữ ký", "csrf": read_token(second)}
    )

    assert won.status_code == 303
    assert lost.status_code == 409
    text = read_page(lost.text)
    assert LOGINS["reviewer"] in text and "Sai đơn vị tính" in text
    assert "Thiếu chữ ký" in html.unescape(lost.text)  # what was written is not lost
    assert "`" not in text
    assert len(read_submission(context, number).decisions) == 2


def test_in_a_closed_period_nothing_is_decided(own_office: Office) -> None:
    context = own_office.context()
    number = _find(context, "accepted")
    seen = read_submission(context, number).decision
    assert seen is not None
    start_review(context, REPORT, PERIOD, by="a", why="b")
    approve_period(context, REPORT, PERIOD, by="nguyen.van.duyet", why="đủ số liệu")
    client = log_in(create_app(own_office), "reviewer")

    page = client.get(f"/submissions/{number}").text
    answer = client.post(
        f"/submissions/{number}/decide",
        data={"decision": "return", "why": WHY, "seen": str(seen.id), "csrf": read_token(client)},
    )

    assert "/decide" not in page
    assert f"/periods/{REPORT}/{PERIOD}" in page
    assert answer.status_code == 409
    assert "nguyen.van.duyet" in answer.text and "6 tháng đầu năm 2026" in read_page(answer.text)
    assert len(read_submission(context, number).decisions) == 1
