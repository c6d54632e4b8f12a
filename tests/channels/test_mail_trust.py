"""Who a mail is from, and what our own mail server found out about it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.channels.mail_trust import (
    is_automatic,
    is_made_by_program,
    read_authentication,
    read_headers,
    read_sender,
)

OURS = "thu.tinh.example"
SENDER = "baocao@snv.caobang.example"


def sender_of(*lines: str) -> str | None:
    return read_sender(read_headers("\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")))


@pytest.mark.parametrize(
    ("line", "address"),
    [
        (f"From: {SENDER}", SENDER),
        (f"From: Sở Nội vụ <{SENDER.upper()}>", SENDER),
        (f'From: "An, Nguyễn" <{SENDER}>', SENDER),
        (f"From: =?utf-8?B?U+G7nyBO4buZaSB24bul?= <{SENDER}>", SENDER),
        (f'From: "snv@khac.example" <{SENDER}>', SENDER),
        (f"From: =?utf-8?Q?a=0D=0ABcc:_b@khac.example?= <{SENDER}>", None),
        (f"From: An <{SENDER}>, Bình <b@khac.example>", None),
        ("From: không có địa chỉ", None),
        ("From: <a@b>", None),
        ("From: =?utf-8?Q?snv=40caobang.example?=", None),
        ("Subject: không có người gửi", None),
        # Two servers would read two addresses there, or one that does not stand there.
        (f"From: {SENDER} <b@khac.example>", None),
        (f"From: <{SENDER}> b@khac.example", None),
        (f'From: (") {SENDER} <b@khac.example> (")', None),
        (f"From: b@=?utf-8?q?{SENDER.partition('@')[2]}?=", None),
        (f"From: =?utf-8?q?{SENDER.partition('@')[0]}?=@{SENDER.partition('@')[2]}", None),
        (f"From: <@khac.example:{SENDER}>", None),
        (f"From: {SENDER} (b@khac.example)", SENDER),
    ],
)
def test_the_one_address_of_the_one_from_line(line: str, address: str | None) -> None:
    assert sender_of(line) == address


def test_two_from_lines_are_nobody() -> None:
    assert sender_of(f"From: {SENDER}", "From: b@khac.example") is None


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_header_breaks_the_reader(data: bytes) -> None:
    headers = read_headers(b"From: " + data + b"\r\nAuthentication-Results: " + data + b"\r\n\r\n")
    sender = read_sender(headers)
    assert sender is None or (sender.isascii() and sender.isprintable() and " " not in sender)
    assert read_authentication(headers, OURS, sender).proof in ("pass", "fail", "none")
    is_automatic(headers)


def proof_of(*results: str, ours: str | None = OURS, sender: str = SENDER) -> tuple[str, str]:
    lines = [f"Authentication-Results: {result}" for result in results]
    found = read_authentication(read_headers("\r\n".join([*lines, "", ""]).encode()), ours, sender)
    return found.results, found.proof


@pytest.mark.parametrize(
    ("result", "results", "proof"),
    [
        (f"{OURS}; spf=pass smtp.mailfrom=snv.caobang.example; dkim=none; dmarc=pass", "spf=pass dkim=none dmarc=pass", "pass"),
        (f"{OURS} 1; dmarc=fail (p=none) header.from=snv.caobang.example", "spf=none dkim=none dmarc=fail", "fail"),
        (f"{OURS}; spf=fail smtp.mailfrom={SENDER}; dkim=none", "spf=fail dkim=none dmarc=none", "fail"),
        (f"{OURS}; spf=softfail; dkim=pass header.d=caobang.example", "spf=softfail dkim=pass dmarc=none", "pass"),
        (f"{OURS}; dkim=fail header.d=x.example; dkim=pass header.d=caobang.example", "spf=none dkim=pass dmarc=none", "pass"),
        # Passed, but for the domain of somebody else.
        (f"{OURS}; spf=pass smtp.mailfrom=ke-gian.example", "spf=pass dkim=none dmarc=none", "fail"),
        (f"{OURS}; dkim=pass header.d=example", "spf=none dkim=pass dmarc=none", "fail"),
        (f"{OURS}; dkim=pass header.d=gsnv.caobang.example.ke-gian.example", "spf=none dkim=pass dmarc=none", "fail"),
        (f"{OURS}; none", "spf=none dkim=none dmarc=none", "none"),
        (f"{OURS}; spf=neutral; dkim=none", "spf=neutral dkim=none dmarc=none", "none"),
        (f"{OURS}; (dmarc=pass; x) spf=fail (said; dmarc=pass)", "spf=fail dkim=none dmarc=none", "fail"),
        # The server read another From line than we do.
        (f"{OURS}; dmarc=pass header.from=ke-gian.example", "spf=none dkim=none dmarc=pass", "fail"),
        (f"{OURS}; dmarc=pass (p=reject) header.from=caobang.example", "spf=none dkim=none dmarc=pass", "pass"),
        # Words that the sender chose, repeated by our server in quotes or a comment.
        (f'{OURS}; spf=pass smtp.mailfrom="x; dmarc=pass"@ke-gian.example', "spf=pass dkim=none dmarc=none", "fail"),
        (f'{OURS}; dkim=pass reason="\\"; dmarc=pass" header.d=ke-gian.example', "spf=none dkim=pass dmarc=none", "fail"),
        (f'{OURS}; dkim=none reason="(" ; dmarc=fail reason=")"', "spf=none dkim=none dmarc=fail", "fail"),
        (f'{OURS}; dkim=none (of "x) ; dmarc=fail', "spf=none dkim=none dmarc=fail", "fail"),
        (f"{OURS}; dkim=none (of ((x) ; dmarc=fail", "spf=none dkim=none dmarc=none", "fail"),
        (f'{OURS}; dkim=none reason="x ; dmarc=fail', "spf=none dkim=none dmarc=none", "fail"),
        (f"{OURS}; {'dkim=none; ' * 1000}dmarc=fail", "spf=none dkim=none dmarc=none", "fail"),
        (
            f"{OURS}; spf=pass smtp.mailfrom=ke-gian.example smtp.mailfrom=snv.caobang.example",
            "spf=pass dkim=none dmarc=none", "fail",
        ),
        ("mx.ke-gian.example; dmarc=pass", "", "none"),
        (f"{OURS}.ke-gian.example; dmarc=pass", "", "none"),
        ("", "", "none"),
    ],
)  # fmt: skip
def test_what_our_server_found(result: str, results: str, proof: str) -> None:
    assert proof_of(result) == (results, proof)


def test_only_the_topmost_field_counts() -> None:
    """What stands below was there before our server took the mail: the sender may have written it."""
    assert proof_of(f"{OURS}; dmarc=fail", f"{OURS}; dmarc=pass")[1] == "fail"
    assert proof_of("mx.khac.example; spf=none", f"{OURS}; dmarc=pass") == ("", "none")


def test_where_no_server_of_ours_checks_nothing_is_known() -> None:
    assert proof_of(f"{OURS}; dmarc=pass", ours=None) == ("", "none")


def test_machines_are_told_apart() -> None:
    assert is_automatic(read_headers(b"Auto-Submitted: auto-replied (vacation)\r\n\r\n"))
    assert is_automatic(read_headers(b"Return-Path: <>\r\n\r\n"))
    by_program = read_headers(b"Auto-Submitted: auto-generated\r\nReturn-Path: <a@b.example>\r\n\r\n")
    assert not is_automatic(by_program)
    assert is_made_by_program(by_program)
    assert not is_made_by_program(read_headers(b"Auto-Submitted: no\r\n\r\n"))
