"""Names that others made up: whatever they are, what is shown is one printable name without folders."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.channels.names import MOST_NAME_BYTES, make_key, make_printable, make_safe_name
from etl.channels.refusals import REASONS, REFUSALS, RefusalCode, tell_refusal_detail

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=300)


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("Báo cáo quý I.xlsx", "Báo cáo quý I.xlsx", None),
        ("Ba\u0301o ca\u0301o.xlsx", "Báo cáo.xlsx", None),
        ("BC 2026/F05.xlsx", "F05.xlsx", None),
        (r"C:\Users\An\Desktop\F05.xlsx", "F05.xlsx", None),
        ("dài\r\n dòng.xlsx", "dài dòng.xlsx", None),
        ("../../etc/cron.d/x.xlsx", "x.xlsx", RefusalCode.NAME_WITH_PATH),
        (r"..\..\x.xlsx", "x.xlsx", RefusalCode.NAME_WITH_PATH),
        ("a/ .. /x.xlsx", "x.xlsx", RefusalCode.NAME_WITH_PATH),
        ("/etc/passwd", "passwd", RefusalCode.NAME_WITH_PATH),
        ("x.xlsx\x00.png", "x.xlsx%x00.png", RefusalCode.NAME_UNSAFE),
        ("x\r\nBcc: a@b.example\r\n.xlsx", None, RefusalCode.NAME_UNSAFE),
        ("x\x1b[2J.xlsx", None, RefusalCode.NAME_UNSAFE),
        ("báo\u202excod.exe", "báoxcod.exe", None),
        ("", "khong-ten", None),
        ("..", "khong-ten", RefusalCode.NAME_WITH_PATH),
        ("   ", "khong-ten", None),
    ],
)
def test_names_as_they_are_meant(name: str, text: str | None, fault: RefusalCode | None) -> None:
    safe = make_safe_name(name)
    assert safe.fault == fault
    if text is not None:
        assert safe.text == text


@settings(deadline=None)
@given(ANY_TEXT)
def test_any_name_is_safe_to_show_and_to_save(name: str) -> None:
    safe = make_safe_name(name)
    assert 1 <= len(safe.text.encode()) <= MOST_NAME_BYTES
    assert safe.text not in (".", "..")
    assert not set(safe.text) & set("/\\\0")
    assert not any(unicodedata.category(sign) in ("Cc", "Zl", "Zp", "Cs") for sign in safe.text)
    assert not set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200b") & set(safe.text)
    assert safe.text == unicodedata.normalize("NFC", safe.text)
    # Cleaning what is clean changes nothing, so that a name shown may be sent back.
    assert make_safe_name(safe.text).text == safe.text


@settings(deadline=None)
@given(st.text("xyz./\\ \r\n\t\0:áđ", max_size=40))
def test_a_name_that_leads_outside_is_never_taken(name: str) -> None:
    steps = [step.strip() for step in name.replace("\r\n ", " ").replace("\\", "/").split("/")]
    if ".." in steps or "\0" in name:
        assert make_safe_name(name).fault is not None


@settings(deadline=None)
@given(ANY_TEXT, ANY_TEXT)
def test_keys_of_different_texts_differ(one: str, other: str) -> None:
    assert (make_key(one) == make_key(other)) == (one == other)
    assert make_printable(make_key(one)) == make_key(one)


def test_a_long_name_keeps_its_extension() -> None:
    safe = make_safe_name("Báo cáo kết quả phong trào " * 20 + ".xlsx")
    assert safe.text.endswith(".xlsx")
    assert len(safe.text.encode()) <= MOST_NAME_BYTES


@pytest.mark.parametrize(
    ("code", "detail", "shown"),
    [
        ("TOO-LARGE", "more than 5242880 bytes", "lớn hơn 5 MB"),
        ("TOO-LARGE", "5500000 bytes are announced, 5242880 are allowed", "5,2 MB, giới hạn 5 MB"),
        ("TOO-LARGE", "5.500.000 > 5.242.880", "5,2 MB, giới hạn 5 MB"),
        ("TOO-LARGE", "> 5.242.880", "lớn hơn 5 MB"),
        ("ZIP-TOO-LARGE", "2.000 > 1.024", "2 KB, giới hạn 1 KB"),
        ("TOO-MANY-FILES", "1.201 > 200", "1.201 tệp, giới hạn 200 tệp"),
        ("ZIP-PATH", "../../số liệu.xlsx", "../../số liệu.xlsx"),
        ("HTTP-NOT-UNDERSTOOD", "url is missing", ""),
        ("TOO-LARGE", "", ""),
        ("NO-LONGER-KNOWN", "whatever it was", ""),
    ],
)
def test_details_of_a_refusal_are_told_in_vietnamese(code: str, detail: str, shown: str) -> None:
    assert tell_refusal_detail(code, detail) == shown


def test_every_refusal_says_why_and_what_to_do() -> None:
    assert set(REFUSALS) == set(RefusalCode) == set(REASONS)
    for text in REFUSALS.values():
        for sentence in text:
            assert sentence == unicodedata.normalize("NFC", sentence)
            assert sentence.endswith(".")
            assert sentence[0].isupper()
