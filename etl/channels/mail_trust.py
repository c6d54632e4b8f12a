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
_RESULT = re.compile(r"\s*(spf|dkim|dmarc)\s*=\s*([a-z]+)\b", re.IGNORECASE)
_PROPERTY = re.compile(r"\b(smtp\.mailfrom|header\.d|header\.i|header\.from)\s*=\s*([^\s;\"]+)", re.IGNORECASE)
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
    # `unit@… <other@…>` is no From line: this parser takes the first address, the one that checks DMARC perhaps the other.
    if _leave_out_asides(text)[0].count("@") != 1:
        return None
    try:
        # The parser of the newer policy tells the address from a display name that looks like one.
        addresses = default.header_factory("From", text).addresses
        written = [f"{address.username}@{address.domain}".lower() for address in addresses]
    except Exception:  # the parser answers hostile lines with several kinds of exception
        return None
    # As it stands there: what had to be decoded or put together is read differently by others.
    is_plain = len(written) == 1 and _ADDRESS.fullmatch(written[0]) and written[0] in text.lower()
    return written[0] if is_plain else None


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
    # Comments and quoted words may hold what the sender chose, semicolons and results among it.
    line = _unfold(str(lines[0]))
    text, is_whole = _leave_out_asides(line[:_MOST_CHARACTERS])
    is_whole = is_whole and len(line) <= _MOST_CHARACTERS
    name, _, rest = text.partition(";")
    if name.split()[:1] != [authserv_id] and name.strip().lower().split()[:1] != [authserv_id.lower()]:
        return Authentication("", "none")
    found: dict[str, list[tuple[str, Mapping[str, str]]]] = {method: [] for method in METHODS}
    for item in rest.split(";"):
        match = _RESULT.match(item)
        if match and match[2].lower() in _RESULTS:
            properties: dict[str, str] = {}
            for key, value in _PROPERTY.findall(item):
                # The first counts; our server writes none twice.
                properties.setdefault(key.lower(), value.lower())
            found[match[1].lower()].append((match[2].lower(), properties))
    best = {method: _pick(results) for method, results in found.items()}
    results = " ".join(f"{method}={best[method]}" for method in METHODS)
    # What is missing may be the very result that finds the sender forged.
    return Authentication(results, _weigh(found, best, sender) if is_whole else "fail")


def _pick(results: list[tuple[str, Mapping[str, str]]]) -> str:
    """A mail may carry several signatures: one that holds is enough."""
    names = [name for name, _ in results]
    return "pass" if "pass" in names else names[0] if names else "none"


def _weigh(
    found: Mapping[str, list[tuple[str, Mapping[str, str]]]], best: Mapping[str, str], sender: str | None
) -> Proof:
    domain = (sender or "").rpartition("@")[2]
    if best["dmarc"] in ("pass", "fail"):
        # A pass is for the domain that the server read in the From line, which must be the one that we read.
        read = [properties.get("header.from", domain) for name, properties in found["dmarc"] if name == "pass"]
        return "pass" if any(_is_same_domain(name, domain) for name in read) else "fail"
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


def _leave_out_asides(text: str) -> tuple[str, bool]:
    """The text without its comments (RFC 5322, also nested) and with `""` for each quoted string, and whether all were closed."""
    kept: list[str] = []
    depth, is_quoted, is_escaped = 0, False, False
    for sign in text:
        if is_escaped:
            is_escaped = False
        elif sign == "\\" and (depth or is_quoted):
            is_escaped = True
        elif is_quoted:
            is_quoted = sign != '"'
        elif depth or sign == "(":
            depth += (sign == "(") - (sign == ")")
            kept.append("" if depth else " ")
        elif sign == '"':
            is_quoted = True
            kept.append('""')
        else:
            kept.append(sign)
    return "".join(kept), depth == 0 and not is_quoted
