"""channels.yaml: the sample's drop folder, what its examples say, and what is refused with file and line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from etl.register.channels import AfterReceipt, ChannelKind, ChannelLine, ServerClock
from etl.register.read import BadRegister, read_register
from etl.sample.province import copy_register
from etl.settings import PROJECT_ROOT

SAMPLE = PROJECT_ROOT / "register"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, tmp_path / "register"))


def test_the_sample_collects_from_the_drop_folder_alone(folder: Path, tmp_path: Path) -> None:
    expected = ChannelLine(
        "folder", ChannelKind.FOLDER, path="inbox", attribute_by_folder=True, server_clock=ServerClock.TRUSTED
    )
    assert read_register(folder).channels == (expected,)
    # A synthetic province never collects from the peers of the province it was made from.
    lines = (folder / "channels.yaml").read_text("utf-8")
    (folder / "channels.yaml").write_text(f"{lines}\n  - {{code: a, kind: sftp, connection: b}}\n", "utf-8")
    assert len(read_register(folder).channels) == 2
    assert copy_register(folder, tmp_path / "copy", None, 1).channels == (expected,)


def test_the_examples_in_comments_are_sound(folder: Path) -> None:
    path = folder / "channels.yaml"
    head, _, examples = path.read_text("utf-8").partition("# What others look like:\n#\n")
    path.write_text(head + re.sub("(?m)^# ", "  ", examples), "utf-8")
    sftp, bucket, mail, pull = read_register(folder).channels[1:]
    assert (sftp.kind, sftp.after, sftp.stable_after) == (ChannelKind.SFTP, AfterReceipt.MOVE, 60)
    assert (bucket.kind, bucket.path, bucket.server_clock) == (ChannelKind.S3, "gui-den", ServerClock.TRUSTED)
    assert (mail.kind, mail.path, mail.server_clock) == (ChannelKind.IMAP, "INBOX", ServerClock.TRUSTED)
    assert (pull.kind, pull.unit, pull.connection) == (ChannelKind.HTTP, "H14.SYT", "so_y_te")


def test_what_is_left_out(folder: Path) -> None:
    """A share of another machine has another clock; files sent by SFTP grow under their last name."""
    (folder / "channels.yaml").write_text(
        "channels:\n  - {code: chung, kind: folder, path: /srv/nop, server_clock: untrusted}\n"
        "  - {code: sftp, kind: sftp, connection: a}\n  - {code: kho, kind: s3, connection: b}\n",
        "utf-8",
    )
    share, sftp, bucket = read_register(folder).channels
    assert [line.server_clock for line in (share, sftp, bucket)] == [ServerClock.UNTRUSTED] * 3
    assert [line.stable_after for line in (share, sftp, bucket)] == [0, 60, 0]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{code: a, kind: ftp, connection: b}", "kind: Input should be 'folder', 'sftp', 's3', 'imap' or 'http'"),
        ("{code: a, kind: sftp}", "a: connection is missing"),
        ("{code: a, kind: folder}", "a: path is missing"),
        ("{code: A b, kind: folder, path: c}", "code: String should match pattern"),
        ("{code: a, kind: s3, connection: 's3://k:s@h/b'}", "connection: String should match pattern"),
        ("{code: a, kind: sftp, connection: b, server_clock: trusted}", "a: server_clock says nothing of a channel of kind sftp"),
        ("{code: a, kind: http, connection: b, after: move}", "a: after says nothing of a channel of kind http"),
        ("{code: a, kind: sftp, connection: b, path: c/../../d}", "a: path 'c/../../d' has .."),
        ("{code: a, kind: sftp, connection: b, done_folder: xong}", "a: done_folder is for `after: move` only"),
        ("{code: a, kind: sftp, connection: b, after: move, done_folder: x/../y}", "done_folder: String should match pattern"),
        ("{code: a, kind: folder, path: b, unit: H14.SNV, attribute_by_folder: true}", "a: either unit or attribute_by_folder"),
        ("{code: a, kind: folder, path: b, unit: H14.KHONG}", "a: unknown unit 'H14.KHONG'"),
        ("{code: folder, kind: sftp, connection: b}", "folder: folder is the code of the drop folder"),
        ("{code: a, kind: folder, path: b, password: c}", "password: Extra inputs are not permitted"),
        ("{code: a, kind: folder, path: b, stable_after: -1}", "stable_after: Input should be greater than or equal to 0"),
    ],
)  # fmt: skip
def test_a_bad_line_is_told_with_its_place(folder: Path, line: str, reason: str) -> None:
    (folder / "channels.yaml").write_text(f"channels:\n  - {{code: tot, kind: folder, path: x}}\n  - {line}\n", "utf-8")
    with pytest.raises(BadRegister) as caught:
        read_register(folder)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == ("channels.yaml", 3)
    assert reason in problem.reason


def test_a_code_stands_once_and_the_file_must_be_there(folder: Path) -> None:
    path = folder / "channels.yaml"
    path.write_text("channels:\n  - {code: a, kind: folder, path: x}\n  - {code: a, kind: folder, path: y}\n", "utf-8")
    with pytest.raises(BadRegister, match=r"channels.yaml:3: a: a stands in line 2 already"):
        read_register(folder)
    path.unlink()
    with pytest.raises(BadRegister, match=r"channels.yaml:1: cannot be read"):
        read_register(folder)
