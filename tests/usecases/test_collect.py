"""Collecting: nothing that lies in the folder stops it or is lost without a word; when a file counts as received."""

from __future__ import annotations

import logging
import os
import shutil
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from rooms import open_room
from small_province import Province

from etl.settings import Settings
from etl.usecases.collect import GROUP, CollectSummary, collect_arrivals, find_receipt
from etl.usecases.context import Context, open_context
from etl.usecases.prepare import init_warehouse

NOBODY = 65534


@pytest.fixture
def inbox(prepared: Settings) -> Path:
    folder = prepared.home / "inbox"
    folder.mkdir(parents=True)
    return folder


def read_arrivals(context: Context, columns: str = "locator, file_name") -> list[tuple[object, ...]]:
    with context.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(f"SELECT {columns} FROM landing.arrival ORDER BY 1"))]


def test_files_of_one_name_all_land(prepared: Settings, tmp_path: Path) -> None:
    files = [tmp_path / folder / "baocao.xlsx" for folder in ("a", "b")]
    for file in files:
        file.parent.mkdir()
        file.write_bytes(file.parent.name.encode())
    with open_context(prepared) as context:
        assert collect_arrivals(context, files) == CollectSummary(2, 0)
        assert read_arrivals(context) == [("a/baocao.xlsx", "baocao.xlsx"), ("b/baocao.xlsx", "baocao.xlsx")]
        assert collect_arrivals(context, files) == CollectSummary(0, 2)


def test_names_that_look_the_same_all_land(prepared: Settings, inbox: Path) -> None:
    for form in ("NFC", "NFD"):
        (inbox / unicodedata.normalize(form, "báo cáo.xlsx")).write_bytes(form.encode())
    with open_context(prepared) as context:
        assert collect_arrivals(context) == CollectSummary(2, 0)
        assert collect_arrivals(context) == CollectSummary(0, 2)


def test_the_inbox_given_in_other_words_lands_nothing_again(prepared: Settings, inbox: Path) -> None:
    (inbox / "H14.SNV").mkdir()
    (inbox / "H14.SNV" / "bc.xlsx").write_bytes(b"1")
    with open_context(prepared) as context:
        assert collect_arrivals(context) == CollectSummary(1, 0)
        for path in (inbox, inbox / "H14.SNV", inbox / "H14.SNV" / "bc.xlsx"):
            assert collect_arrivals(context, [path]) == CollectSummary(0, 1)
        hints = read_arrivals(context, "hints")
    assert hints == [('{"unit": "H14.SNV"}',)]


def test_receipts_may_name_a_file_by_any_of_its_names(prepared: Settings, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    (drop / "sub").mkdir(parents=True)
    for number, name in enumerate(("a.xlsx", "sub/b.xlsx", "sub/c.xlsx")):
        (drop / name).write_bytes(b"%d" % number)
    receipts = tmp_path / "receipts.csv"
    receipts.write_text(
        "file,received_at\na.xlsx,2026-06-01T08:00:00+07:00\nsub/b.xlsx,2026-06-02T08:00:00+07:00\n"
        "c.xlsx,2026-06-03T08:00:00+07:00\n",
        "utf-8",
    )
    with open_context(prepared) as context:
        collect_arrivals(context, [drop], receipts)
        received = read_arrivals(context, "locator, received_at")
    assert [(name, at.day) for name, at in received] == [("a.xlsx", 1), ("sub/b.xlsx", 2), ("sub/c.xlsx", 3)]  # type: ignore[attr-defined]


def test_what_cannot_be_read_stops_nothing_and_is_told(
    prepared: Settings, inbox: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "secret.xlsx"
    secret.write_bytes(b"secret")
    (inbox / "link.xlsx").symlink_to(secret)
    os.mkfifo(inbox / "pipe.xlsx")
    Path(os.fsdecode(os.fsencode(inbox) + b"/b\xe1o.xlsx")).write_bytes(b"1")
    (inbox / "bc.xlsx").write_bytes(b"2")
    with open_context(prepared) as context, caplog.at_level(logging.WARNING):
        assert collect_arrivals(context) == CollectSummary(2, 0, 2)
        assert {name for _, name in read_arrivals(context)} == {"bc.xlsx", "b\\xe1o.xlsx"}
        assert collect_arrivals(context) == CollectSummary(0, 2, 2)
        assert b"secret" not in {context.landing.get(str(sha)) for (sha,) in read_arrivals(context, "sha256")}
    assert "link.xlsx" in caplog.text
    assert "pipe.xlsx" in caplog.text


def test_a_file_gone_before_it_was_read(prepared: Settings, inbox: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = [inbox / f"{number:03}.xlsx" for number in range(GROUP + 3)]
    for file in files:
        file.write_bytes(file.name.encode())
    with open_context(prepared) as context, caplog.at_level(logging.WARNING):
        found = collect_arrivals(context, on_progress=lambda _: files[GROUP + 1].unlink(missing_ok=True))
    assert found == CollectSummary(GROUP + 2, 0, 1)
    assert files[GROUP + 1].name in caplog.text


@contextmanager
def without_privileges() -> Iterator[None]:
    """As an account to which permissions apply."""
    privileged = os.geteuid() == 0
    if privileged:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if privileged:
            os.seteuid(0)


def test_files_without_permission(prepared: Settings, province: Province) -> None:
    with open_room() as room:
        inbox = room / "inbox"
        inbox.mkdir()
        for name in ("closed.xlsx", "open.xlsx"):
            (inbox / name).write_bytes(name.encode())
        (inbox / "folder").mkdir()
        (inbox / "folder" / "x.xlsx").write_bytes(b"x")
        for path in (inbox / "closed.xlsx", inbox / "folder"):
            path.chmod(0)
        landing = room / "landing"
        landing.mkdir()
        landing.chmod(0o777)
        settings = Settings(room, province.register, landing.as_uri(), prepared.warehouse_url)
        with open_context(settings) as context:
            _ = context.register, context.engine.connect().close()
            with without_privileges():
                assert collect_arrivals(context, [inbox]) == CollectSummary(1, 0, 2)
            (inbox / "closed.xlsx").chmod(0o644)
            with without_privileges():
                assert collect_arrivals(context, [inbox]) == CollectSummary(1, 1, 1)
        (inbox / "folder").chmod(0o755)


def test_a_blob_lost_from_the_store_is_put_again(prepared: Settings, inbox: Path) -> None:
    (inbox / "bc.xlsx").write_bytes(b"bytes")
    with open_context(prepared) as context:
        collect_arrivals(context)
        ((sha256,),) = read_arrivals(context, "sha256")
        (blob,) = [path for path in (prepared.home / "landing").rglob("*") if path.is_file()]
        blob.unlink()
        assert collect_arrivals(context) == CollectSummary(0, 1)
        assert context.landing.get(str(sha256)) == b"bytes"


NOW = datetime(2026, 6, 16, 17, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changed", "simulated", "received"),
    [(-485, False, -485), (-485, True, 0), (3600, False, 0), (0, False, 0)],
)
def test_the_receipt_instant(changed: int, simulated: bool, received: int) -> None:
    at = find_receipt(NOW, NOW + timedelta(seconds=changed), simulated=simulated)
    assert at == NOW + timedelta(seconds=received)


def test_a_file_dropped_before_the_look_is_received_when_it_was_dropped(
    make_settings: Callable[..., Settings], province: Province, tmp_path: Path
) -> None:
    """In a real province. What the sender says of its age (the modification time) counts for nothing."""
    register = tmp_path / "register"
    shutil.copytree(province.register, register)
    head = register / "register.yaml"
    head.write_text(head.read_text("utf-8").replace("simulated: true", "simulated: false"), "utf-8")
    settings = make_settings(register)
    init_warehouse(settings)
    file = tmp_path / "bc.xlsx"
    before = time.time()
    file.write_bytes(b"1")
    os.utime(file, (0, 0))
    after = time.time()
    look = datetime.now(UTC) + timedelta(minutes=10)
    with open_context(settings, clock=lambda: look) as context:
        collect_arrivals(context, [file])
        ((received, recorded),) = read_arrivals(context, "received_at, recorded_at")
    # The kernel stamps files by a coarse clock, some milliseconds behind.
    assert before - 1 <= received.timestamp() <= after  # type: ignore[attr-defined]
    assert recorded == look
