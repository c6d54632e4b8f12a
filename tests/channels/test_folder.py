"""The drop folder: every file has one place that does not depend on how it was given, and nothing is dropped in silence."""

from __future__ import annotations

import logging
import os
import socket
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.channels.folder import Dropped, list_files, open_file
from etl.text import show_name


def drop(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def locators(*paths: Path, inbox: Path | None = None) -> list[str]:
    return [file.locator for file in list_files(paths, inbox).files]


def test_files_of_one_name_in_two_folders_are_both_there(tmp_path: Path) -> None:
    first, second = drop(tmp_path / "a" / "baocao.xlsx", b"1"), drop(tmp_path / "b" / "baocao.xlsx", b"2")
    assert locators(first, second) == ["a/baocao.xlsx", "b/baocao.xlsx"]
    assert locators(second, first) == ["a/baocao.xlsx", "b/baocao.xlsx"]
    assert locators(first) == ["baocao.xlsx"]
    assert locators(tmp_path / "a", tmp_path / "b") == ["a/baocao.xlsx", "b/baocao.xlsx"]


def test_as_many_parents_as_tell_files_apart(tmp_path: Path) -> None:
    given_files = [drop(tmp_path / top / "x" / "bc.xlsx") for top in ("a", "b")]
    assert locators(*given_files) == ["a/x/bc.xlsx", "b/x/bc.xlsx"]


def test_a_file_in_the_inbox_has_one_place_however_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = tmp_path / "home" / "inbox"
    file = drop(inbox / "H14.SNV" / "bc.xlsx")
    monkeypatch.chdir(inbox)
    ways = (inbox, inbox.parent, inbox / "H14.SNV", file, Path(), Path("H14.SNV"), Path("../inbox/H14.SNV/bc.xlsx"))
    for way in ways:
        (found,) = list_files([way], inbox).files
        assert (found.locator, found.folder) == ("H14.SNV/bc.xlsx", "H14.SNV"), way
    assert locators(*ways, inbox=inbox) == ["H14.SNV/bc.xlsx"]


def test_an_inbox_that_is_a_link_to_a_share(tmp_path: Path) -> None:
    drop(tmp_path / "share" / "bc.xlsx")
    (tmp_path / "home").mkdir()
    inbox = tmp_path / "home" / "inbox"
    inbox.symlink_to(tmp_path / "share")
    assert locators(inbox, inbox=inbox) == ["bc.xlsx"]


def test_a_file_given_by_hand_does_not_take_the_place_of_another_in_the_inbox(tmp_path: Path) -> None:
    """Or the next look at the inbox would take the old file there for a newer version of it."""
    inbox = tmp_path / "inbox"
    drop(inbox / "bc.xlsx", b"first")
    corrected = drop(tmp_path / "desk" / "bc.xlsx", b"corrected")
    assert locators(corrected, inbox=inbox) == ["desk/bc.xlsx"]
    assert locators(inbox, corrected, inbox=inbox) == ["bc.xlsx", "desk/bc.xlsx"]
    corrected.write_bytes(b"first")
    assert locators(corrected, inbox=inbox) == ["bc.xlsx"]


def test_names_that_look_the_same_are_two_files(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "báo cáo.xlsx") for form in ("NFC", "NFD"))
    drop(tmp_path / apart, b"2")
    alone = locators(tmp_path)
    drop(tmp_path / composed, b"1")
    found = {file.locator: file for file in list_files([tmp_path]).files}
    assert len(found) == 2
    assert {file.path.read_bytes() for file in found.values()} == {b"1", b"2"}
    assert found[composed].path.read_bytes() == b"1"
    assert alone == [locator for locator in found if locator != composed], "a twin that comes later moves nobody"
    assert all(unicodedata.is_normalized("NFC", locator) for locator in found)
    assert all(composed in file.names for file in found.values()), "receipts find both by the name that people type"


def test_a_name_that_is_no_utf8(tmp_path: Path) -> None:
    for name in (b"\xe1o c\xe1o.xlsx", b"\xe2o c\xe1o.xlsx", "áo cáo.xlsx".encode(), b"\\xe1o c\\xe1o.xlsx"):
        drop(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)))
    files = list_files([tmp_path]).files
    assert len({file.locator for file in files}) == 4
    for file in files:
        (file.locator + file.file_name + file.folder + "".join(file.names)).encode()
    assert sorted(file.file_name for file in files) == [
        "\\xe1o c\\xe1o.xlsx", "\\xe1o c\\xe1o.xlsx", "\\xe2o c\\xe1o.xlsx", "áo cáo.xlsx",
    ]  # fmt: skip


def test_links_are_not_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    secret = drop(tmp_path / "etc" / "secret.xlsx", b"secret")
    inbox = tmp_path / "inbox"
    drop(inbox / "bc.xlsx")
    (inbox / "link.xlsx").symlink_to(secret)
    (inbox / "gone.xlsx").symlink_to(tmp_path / "nowhere")
    (inbox / "folder").symlink_to(secret.parent)
    (inbox / ".#bc.xlsx").symlink_to("an editor's lock")
    with caplog.at_level(logging.WARNING):
        listing = list_files([inbox], inbox)
    assert [file.locator for file in listing.files] == ["bc.xlsx"]
    assert listing.unreadable == [str(inbox / name) for name in ("folder", "gone.xlsx", "link.xlsx")]
    assert all(name in caplog.text for name in listing.unreadable)
    # `ingest inbox/*` gives the links themselves.
    assert list_files([inbox / "link.xlsx", inbox / "folder", inbox / "gone.xlsx"], inbox).files == []
    assert len(list_files([inbox / "link.xlsx", inbox / "folder", inbox / "gone.xlsx"], inbox).unreadable) == 3


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.xlsx")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.xlsx"))
        listing = list_files([tmp_path])
    assert (listing.files, len(listing.unreadable)) == ([], 2)


def test_a_file_swapped_after_it_was_listed_is_not_opened(tmp_path: Path) -> None:
    secret = drop(tmp_path / "secret")
    file = drop(tmp_path / "inbox" / "bc.xlsx")
    (found,) = list_files([tmp_path / "inbox"]).files
    file.unlink()
    file.symlink_to(secret)
    with pytest.raises(OSError, match=r"symbolic|loop"):
        open_file(found.path)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(OSError, match="no regular file"):
        open_file(found.path)


def test_unfinished_files_wait(tmp_path: Path) -> None:
    for name in ("~$bc.xlsx", ".an.xlsx", "bc.xlsx.part", ".git/x.xlsx", "bc.xlsx"):
        drop(tmp_path / name)
    assert locators(tmp_path) == ["bc.xlsx"]
    assert list_files([tmp_path]).unreadable == []


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="không có"):
        list_files([tmp_path / "không có"])


_TREES = st.sets(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.sampled_from(["x", "y"])), min_size=1)


@given(_TREES, st.data())
def test_no_two_files_share_a_place(
    tmp_path_factory: pytest.TempPathFactory, tree: set[tuple[str, str, str]], data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("tree")
    files = [drop(root.joinpath(*parts)) for parts in sorted(tree)]
    chosen = data.draw(st.permutations([*files, *{file.parent for file in files}, root / files[0].parts[-3]]))
    found: list[Dropped] = list_files(chosen, root / "a").files
    assert sorted(file.path for file in found) == sorted(file.resolve() for file in files)
    assert len({file.locator for file in found}) == len(files)
    assert {file.locator for file in list_files(sorted(chosen), root / "a").files} == {file.locator for file in found}


@given(st.binary(min_size=1, max_size=40).filter(lambda raw: b"/" not in raw and b"\0" not in raw))
def test_any_name_can_be_shown_and_stored(raw: bytes) -> None:
    shown = show_name(os.fsdecode(raw))
    assert shown.encode("utf-8").isascii() or shown.isprintable() or any(not c.isascii() for c in shown)
    assert not any(ord(mark) < 32 or ord(mark) == 127 for mark in shown)
