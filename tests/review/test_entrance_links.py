"""Personal links: what they open, when they end, that they are nobody else's and stand in no log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from entrance_files import sound, wrong_total
from fastapi.testclient import TestClient
from reviewed_office import log_in, read_token
from unit_gate import PERIOD, REPORT, START, Gate, Visitor

from etl.review.limits import RateLimit
from etl.usecases.unit_links import read_link, revoke_link

PAGES = (
    "",
    "/template",
    "/history",
    "/uploads/x",
    "/submissions/1",
    "/submissions/1/original",
    "/submissions/1/annotated",
)


def assert_closed(client: TestClient, path: str, status: int, unit: str) -> None:
    for page in PAGES:
        answer = client.get(path + page)
        assert answer.status_code == status, page
        assert "Đường dẫn này không dùng được" in answer.text
        assert unit not in answer.text
        assert path not in answer.text
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
    for page in ("/upload", "/submissions/1/reasons"):
        answer = client.post(path + page, files={"file": ("a.xlsx", b"x")})
        assert answer.status_code == status, page


def test_altered_and_foreign_links_open_nothing(gate: Gate, unused: Iterator[str]) -> None:
    from itsdangerous import URLSafeSerializer

    unit, other = next(unused), next(unused)
    token = gate.token(unit)
    forged = URLSafeSerializer("bí mật khác", salt="unit-entrance").dumps([other, REPORT, PERIOD, 9_999_999_999, 0])
    swapped = gate.token(other).partition(".")[0] + "." + token.partition(".")[2]
    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), token[:-3], forged, swapped, "x", "a.b"):
        assert_closed(gate.client(), f"/u/{wrong}", 404, unit)


def test_a_link_ends_by_itself_and_at_a_word(gate: Gate, unit: str) -> None:
    visitor = gate.visit(unit)
    number = visitor.upload("a.xlsx", sound(unit)).url.path.rpartition("/")[2]
    try:
        ends = read_link(gate.context, visitor.path.removeprefix("/u/"), START).expires_at
        gate.now = ends - timedelta(seconds=1)
        assert visitor.get().status_code == 200
        gate.now = ends
        assert_closed(visitor.client, visitor.path, 410, unit)
    finally:
        gate.now = START
    assert visitor.get(f"/submissions/{number}").status_code == 200
    csrf = visitor.csrf

    revoke_link(gate.context, unit, REPORT, PERIOD, by="reviewer@vp", why="người cũ chuyển công tác", role="reviewer")

    assert_closed(visitor.client, visitor.path, 410, unit)
    late = visitor.client.post(f"{visitor.path}/upload?csrf={csrf}", files={"file": ("a.xlsx", b"x")})
    assert late.status_code == 410
    assert gate.visit(unit).get(f"/submissions/{number}").status_code == 200


def test_a_unit_sees_only_its_own(gate: Gate, unused: Iterator[str]) -> None:
    mine, theirs = next(unused), next(unused)
    number = gate.visit(theirs).upload("a.xlsx", sound(theirs, wrong_total)).url.path.rpartition("/")[2]
    visitor = gate.visit(mine)

    for page in ("", "/original", "/annotated"):
        assert visitor.get(f"/submissions/{number}{page}").status_code == 404
    refused = visitor.client.post(f"{visitor.path}/submissions/{number}/reasons", data={"csrf": visitor.csrf})
    assert refused.status_code == 404
    assert theirs not in refused.text
    assert f'href="{visitor.path}">Về trang nộp báo cáo' in refused.text  # nobody is left without a way on
    # Whoever is logged in is nobody more by that, and the link is no log-in.
    staff = log_in(gate.app, "reviewer")
    assert staff.get(f"{visitor.path}/submissions/{number}").status_code == 404
    assert visitor.client.get(f"/submissions/{number}").status_code == 303
    assert visitor.client.get("/board").headers["location"].startswith("/login")


def test_a_write_needs_the_token_of_its_own_link(gate: Gate, unused: Iterator[str]) -> None:
    unit, other = next(unused), next(unused)
    visitor, stranger = gate.visit(unit), gate.visit(other)
    files = {"file": ("a.xlsx", b"x")}
    staff = log_in(gate.app, "reviewer")

    for csrf in ("", "0" * 64, stranger.csrf, read_token(staff)):
        answer = visitor.client.post(f"{visitor.path}/upload?csrf={csrf}", files=files)
        assert answer.status_code == 403
    cross = visitor.client.post(
        f"{visitor.path}/upload?csrf={visitor.csrf}", files=files, headers={"sec-fetch-site": "cross-site"}
    )
    assert cross.status_code == 403
    assert gate.rows("SELECT count(*) FROM landing.offer WHERE locator LIKE :l", l=f"{unit}:%") == [(0,)]


def test_links_are_in_no_log(gate: Gate, unit: str, caplog: pytest.LogCaptureFixture) -> None:
    visitor = gate.visit(unit)
    caplog.set_level(logging.DEBUG)
    for logger in ("etl", "uvicorn", "sqlalchemy", "fastapi", "starlette"):
        caplog.set_level(logging.DEBUG, logger)
    visitor.upload("a.xlsx", sound(unit))
    visitor.get("/khong-co")
    visitor.client.get(visitor.path[:-2])
    token = visitor.path.rpartition("/")[2]
    ours = [record for record in caplog.records if not record.name.startswith("httpx")]

    assert token not in "\n".join(record.getMessage() for record in ours)
    stored = str(gate.rows("SELECT * FROM ops.action")) + str(gate.rows("SELECT locator, hints FROM landing.arrival"))
    assert token not in stored


def test_too_many_tries_wait(gate: Gate, unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(gate.app.state.limits, "entrance", RateLimit(5, 60))
    monkeypatch.setitem(gate.app.state.limits, "upload", RateLimit(2, 60))
    guesser = gate.client()
    assert [guesser.get(f"/u/doan-{n}").status_code for n in range(7)] == [404] * 5 + [429] * 2
    visitor = Visitor(guesser, f"/u/{gate.token(unit)}")
    assert visitor.get().status_code == 200  # the link itself still opens from there
    monkeypatch.setitem(gate.app.state.limits, "entrance", RateLimit(500, 60))
    action = f"{visitor.path}/upload?csrf={visitor.csrf}"
    assert [visitor.client.post(action, files={"file": ("a.exe", b"MZ")}).status_code for _ in range(4)] == [
        303, 303, 429, 429,
    ]  # fmt: skip
