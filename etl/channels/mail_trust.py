"""Who a mail says it is from, and what our own mail server found out about that (SPF, DKIM, DMARC).

Pure: header bytes in, plain values out. A From line proves nothing by itself. Results are believed only when they stand in
the topmost Authentication-Results field and that carries our own server's name (RFC 8601): the sender can write the rest.
It must not know the register: whose address it is, the load says. An address is people's data: never in a log or an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32, default
from typing import Literal

Proof = Literal["pass", "fail", "none"]
METHODS = ("spf", "dkim", "dmarc")
_RESULTS = frozenset(
    {"pass", "fail", "softfail", "neutral", "none", "policy", "temperror", "permerror", "hardfail", "bestguesspass"}
)
_ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+")
_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"\s*(spf|dkim|dmarc)\s*=\s*([a-z]+)\b", re.IGNORECASE)
_PROPERTY = re.compile(r"\b(smtp\.mailfrom|header\.d|header\.i|header\.from)\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)
_MOST_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True)
class Authentication:
    """`results`: "spf=pass dkim=none dmarc=fail", or "" where our server says nothing. `proof` weighs them for the From line:
    pass: the domain written there is proven; fail: it is not, and something claims otherwise; none: nothing is known."""

    results: str
    proof: Proof


def read_headers(data: bytes) -> Message:
    """The header of a mail, as it came. Never raises."""
    return BytesHeaderParser(policy=compat32).parsebytes(data)


def read_sender(headers: Message) -> str | None:
    """The one address of the one From line in lower case; None where it has none, several, or one no register could hold."""
    lines = headers.get_all("From") or []
    if len(lines) != 1:
        return None
    text = _unfold(str(lines[0]))
    try:
        # The parser of the newer policy tells the address from a display name that looks like one.
        addresses = default.header_factory("From", text).addresses
        written = [f"{address.username}@{address.domain}".lower() for address in addresses]
    except Exception:  # the parser answers hostile lines with several kinds of exception
        return None
    return written[0] if len(written) == 1 and _ADDRESS.fullmatch(written[0]) else None


def is_automatic(headers: Message) -> bool:
    """Whether a machine answers or reports: an out-of-office reply, a failed delivery. It is never answered."""
    submitted = _unfold(str(headers.get("Auto-Submitted", "no"))).strip().lower()
    return submitted.startswith("auto-replied") or _unfold(str(headers.get("Return-Path", ""))).strip() == "<>"


def is_made_by_program(headers: Message) -> bool:
    """Whether a program sent it by itself. Another system may report so; without a file it is nobody to answer."""
    return _unfold(str(headers.get("Auto-Submitted", "no"))).strip().lower().startswith("auto-")


def read_authentication(headers: Message, authserv_id: str | None, sender: str | None) -> Authentication:
    """What our own server (its name in `authserv_id`, None where it does not check) found out about a mail."""
    lines = headers.get_all("Authentication-Results") or []
    if authserv_id is None or not lines:
        return Authentication("", "none")
    text = _without_comments(_unfold(str(lines[0]))[:_MOST_CHARACTERS])
    name, _, rest = text.partition(";")
    if name.split()[:1] != [authserv_id] and name.strip().lower().split()[:1] != [authserv_id.lower()]:
        return Authentication("", "none")
    found: dict[str, list[tuple[str, Mapping[str, str]]]] = {method: [] for method in METHODS}
    for item in rest.split(";"):
        match = _RESULT.match(item)
        if match and match[2].lower() in _RESULTS:
            properties = {key.lower(): value.lower() for key, value in _PROPERTY.findall(item)}
            found[match[1].lower()].append((match[2].lower(), properties))
    best = {method: _pick(results) for method, results in found.items()}
    return Authentication(" ".join(f"{method}={best[method]}" for method in METHODS), _weigh(found, best, sender))


def _pick(results: list[tuple[str, Mapping[str, str]]]) -> str:
    """A mail may carry several signatures: one that holds is enough."""
    names = [name for name, _ in results]
    return "pass" if "pass" in names else names[0] if names else "none"


def _weigh(
    found: Mapping[str, list[tuple[str, Mapping[str, str]]]], best: Mapping[str, str], sender: str | None
) -> Proof:
    if best["dmarc"] in ("pass", "fail"):
        return "pass" if best["dmarc"] == "pass" else "fail"
    domain = (sender or "").rpartition("@")[2]
    aligned = domain and any(
        name == "pass" and _is_same_domain(properties.get(key, ""), domain)
        for method, keys in (("spf", ("smtp.mailfrom",)), ("dkim", ("header.d", "header.i")))
        for name, properties in found[method]
        for key in keys
    )
    if aligned:
        return "pass"
    # SPF that passes for another domain says who handed the mail in, and that it was somebody else.
    said = {best["spf"], best["dkim"]}
    return "fail" if said & {"pass", "fail", "softfail", "hardfail", "policy", "permerror"} else "none"


def _is_same_domain(proven: str, domain: str) -> bool:
    """The same domain, or one above it: `caobang.example` speaks for `x01273.caobang.example`, never `example` for it."""
    other = proven.rpartition("@")[2].strip(".")
    return other == domain or ("." in other and domain.endswith("." + other))


def _unfold(text: str) -> str:
    return re.sub(r"\r?\n(?=[ \t])", "", text)


def _without_comments(text: str) -> str:
    """RFC 5322 comments may hold semicolons and results that nobody found; the innermost go first."""
    while (shorter := _COMMENT.sub(" ", text)) != text:
        text = shorter
    return text
