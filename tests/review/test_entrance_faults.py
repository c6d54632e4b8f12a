"""Uploads at once, faults of ours in between, and the instant of receipt."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from entrance_files import sound, wrong_total
from reviewed_office import log_in, serve
from unit_gate import PERIOD, REPORT, START, Gate

from etl.review import checker
from etl.usecases import web_upload
from etl.usecases.ingest import ingest
from tests.golden.make_cases import bac_kan


def test_two_uploads_at_once_both_count_in_their_order(gate: Gate, unused: Iterator[str]) -> None:
    units = [next(unused), next(unused)]
    visitors = [gate.visit(unit) for unit in units]
    files = [sound(unit) for unit in units]
    with ThreadPoolExecutor(2) as pool:
        pages = list(pool.map(lambda pair: pair[0].upload("a.xlsx", pair[1]), zip(visitors, files, strict=True)))

    assert ["Lần nộp 1" in page.text for page in pages] == [True, True]
    twice = gate.visit(units[0])
    second = [sound(units[0], bac_kan()), sound(units[0], wrong_total)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda data: twice.upload("b.xlsx", data), second))
    assert gate.rows("SELECT count(*) FROM core.submission WHERE unit = :u", u=units[0]) == [(3,)]


def test_an_upload_waits_for_the_load_before_and_blocks_no_page(
    gate: Gate, unused: Iterator[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = next(unused), next(unused)
    inside, go_on = threading.Event(), threading.Event()
    real, batches = checker.load_batch, []

    def slow(context: Any, arrivals: Any, **rest: Any) -> Any:
        batches.append(list(arrivals))
        if len(batches) == 1:
            inside.set()
            assert go_on.wait(30)
        return real(context, arrivals, **rest)

    monkeypatch.setattr(checker, "load_batch", slow)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(gate.visit(first).upload, "a.xlsx", sound(first))
        assert inside.wait(30)
        two = pool.submit(gate.visit(second).upload, "b.xlsx", sound(second))
        visitor = gate.visit(second)
        while not gate.rows("SELECT 1 FROM landing.arrival WHERE locator LIKE :l", l=f"{second}:%"):
            assert not two.done()
        # While both wait, other pages answer, and theirs say that the file is here.
        assert "đang kiểm tra" in visitor.get().text
        assert log_in(gate.app, "reviewer").get("/board").status_code == 200
        go_on.set()
        assert "Lần nộp 1" in one.result(60).text
        assert "Lần nộp 1" in two.result(60).text
    assert len(batches) == 2


def test_a_fault_of_ours_leaves_the_file_received_and_the_next_run_takes_it(
    gate: Gate, unit: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    visitor = gate.visit(unit)

    def broken(*_: Any, **__: Any) -> None:
        raise OSError("đĩa đầy")

    with monkeypatch.context() as patch:
        patch.setattr(checker, "load_batch", broken)
        page = visitor.upload("a.xlsx", sound(unit))
    assert "Đã nhận, đang kiểm tra" in page.text
    assert visitor.client.get(page.url.path, params={"poll": "1"}).json() == {"pending": True}
    assert "đang kiểm tra" in visitor.get().text

    ingest(gate.context, [tmp_path_factory.mktemp("rỗng")])

    assert visitor.client.get(page.url.path, params={"poll": "1"}).json() == {"pending": False}
    shown = visitor.client.get(page.url.path, follow_redirects=True)
    assert "Lần nộp 1" in shown.text


def test_killed_between_storing_and_recording_nothing_is_half_there(
    gate: Gate, unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = gate.visit(unit)
    data = sound(unit)

    def killed(*_: Any, **__: Any) -> None:
        raise ConnectionError("cut")

    with monkeypatch.context() as patch:
        patch.setattr(web_upload, "record_taken", killed)
        answer = visitor.send("a.xlsx", data)
    assert answer.status_code == 503
    assert "Hệ thống chưa nhận được tệp" in answer.text
    assert "Chưa có lần nộp nào" in visitor.get().text
    for table in ("landing.offer", "landing.arrival"):
        assert gate.rows(f"SELECT count(*) FROM {table} WHERE locator LIKE :l", l=f"{unit}:%") == [(0,)]

    assert "Lần nộp 1" in visitor.upload("a.xlsx", data).text


def test_the_instant_of_receipt_is_that_of_the_last_byte(
    gate: Gate, unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((due,),) = gate.rows(
        "SELECT due_at FROM register.obligation WHERE unit = :u AND report = :r AND period = :p AND retired_at IS NULL",
        u=unit, r=REPORT, p=PERIOD,
    )  # fmt: skip
    visitor = gate.visit(unit)
    data = sound(unit)
    real = web_upload.take_offer

    def slow(*given: Any) -> Any:
        gate.now = due + timedelta(minutes=10)  # the store was slow over midnight
        return real(*given)

    monkeypatch.setattr(web_upload, "take_offer", slow)
    try:
        gate.now = due - timedelta(seconds=1)
        action = f"{visitor.path}/upload?csrf={visitor.csrf}"
        visitor.client.post(action, files={"file": ("a.xlsx", data)})
        assert gate.rows("SELECT received_at FROM core.submission WHERE unit = :u", u=unit) == [
            (due - timedelta(seconds=1),)
        ]
        assert 'class="tag on_time"' in visitor.get().text
    finally:
        gate.now = START


def test_a_line_that_breaks_while_a_file_is_sent_is_no_fault_of_ours(
    gate: Gate, unit: str, caplog: pytest.LogCaptureFixture
) -> None:
    visitor = gate.visit(unit)
    with serve(gate.app) as address:
        host, port = address.removeprefix("http://").split(":")
        with caplog.at_level(logging.INFO), socket.create_connection((host, int(port))) as line:
            line.sendall(
                f"POST {visitor.path}/upload?csrf={visitor.csrf} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100000\r\n"
                "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\nContent-Disposition: form-data; ".encode()
            )
            line.shutdown(socket.SHUT_RDWR)
            line.close()
            deadline = time.monotonic() + 30
            while "went away" not in caplog.text and time.monotonic() < deadline:
                time.sleep(0.02)
        assert "went away" in caplog.text
    assert [entry for entry in caplog.records if entry.levelno >= logging.WARNING] == []
    assert gate.rows("SELECT count(*) FROM landing.arrival WHERE locator LIKE :u", u=f"{unit}:%") == [(0,)]
