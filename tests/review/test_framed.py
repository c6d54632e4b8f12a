"""The pages in the frame of a host, as Airflow shows them: no dialogs there, and nobody else's frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from reviewed_office import PERIOD, REPORT, Reviewed, serve

from etl.review.app import create_app
from etl.review.office import Office
from etl.review.people import Person, Role
from etl.usecases.board import read_board
from etl.usecases.context import open_context

SANDBOX = "allow-scripts allow-same-origin allow-forms allow-downloads"
"""Of the frame of Airflow's page for plugins: dialogs (`allow-modals`) are not in it."""


@pytest.fixture
def host(own_province: Reviewed) -> Iterator[str]:
    """A server whose pages show ours in a frame."""

    async def identify() -> Person:
        return Person("can-bo", "Cán bộ", Role.REVIEWER, "c" * 64)

    office = Office(lambda: own_province.settings)
    app = FastAPI()
    app.mount("/office", create_app(office, identify=identify, own_login=False))
    page = f'<iframe name="inner" sandbox="{SANDBOX}" src="/office/board" width="1200" height="900"></iframe>'
    app.add_api_route("/", lambda: HTMLResponse(page))
    with serve(app) as address:
        yield address
    office.close()


def count_reminders(reviewed: Reviewed) -> int:
    with open_context(reviewed.settings) as context, context.engine.connect() as connection:
        query = "SELECT count(*) FROM ops.audit_trail WHERE action = 'remind'"
        return int(connection.execute(sa.text(query)).scalar_one())


def test_a_question_is_asked_and_answered_in_a_frame_without_dialogs(
    host: str, browser: Any, own_province: Reviewed
) -> None:
    with open_context(own_province.settings) as context:
        lines = read_board(context, REPORT, PERIOD, context.clock()).units
        unit = next(line.unit for line in lines if line.status == "missing")
    page = browser.new_page()
    try:
        page.goto(host)
        frame = page.frame("inner")
        frame.goto(f"{host}/office/board/{REPORT}/{PERIOD}/{unit}")
        button = frame.locator("form[data-ask] button")
        words = button.inner_text()
        button.click()
        button.filter(has_text="Bấm lần nữa để xác nhận").wait_for()
        assert words not in button.inner_text()
        assert count_reminders(own_province) == 0
        button.click()
        frame.wait_for_url("**told=*")
        assert count_reminders(own_province) == 1
    finally:
        page.close()


def test_another_site_may_not_frame_them(host: str, browser: Any) -> None:
    stranger = FastAPI()
    stranger.add_api_route("/", lambda: HTMLResponse(f'<iframe name="inner" src="{host}/office/board"></iframe>'))
    page = browser.new_page()
    try:
        with serve(stranger) as address:
            refused: list[str] = []
            page.on("console", lambda message: refused.append(message.text))
            page.goto(address)
            frame = page.frame("inner")
            frame.wait_for_load_state()
            assert "Theo dõi" not in frame.content()
            assert any("frame-ancestors" in text for text in refused)
    finally:
        page.close()
