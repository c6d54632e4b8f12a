"""What a unit says of a finding, and which finding of its next file that belongs to. Pure.

A reason follows the meaning of a finding (code, form, row, column), never its cell: rows may have moved in between.
Must not judge a reason: the reviewer reads it. The texts are of people and belong in no log.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from etl.findings.model import Finding

LONGEST_REASON: Final = 1000
"""Characters kept of a reason. A page of text belongs in the report, not in a cell."""
CUT_NOTE: Final = " … (đã cắt bớt vì dài quá 1.000 ký tự)"

_SEPARATOR: Final = "|"
_LONGEST_PART: Final = 80
_NOT_IN_KEY: Final = re.compile(r"[^\w.+*/#@:-]")


class FindingKey(NamedTuple):
    """What a finding is about, as text that survives any spreadsheet program.

    `digest` is that of what was found (value, expected); `ordinal` counts findings that are alike in all of it, from 0.
    """

    code: str
    form: str
    row: str
    column: str
    digest: str
    ordinal: int

    @property
    def place(self) -> tuple[str, str, str, str]:
        """What rows that moved and values that changed leave as it was."""
        return self.code, self.form, self.row, self.column

    def __str__(self) -> str:
        return _SEPARATOR.join(str(part) for part in self)


def parse_key(text: str) -> FindingKey | None:
    """The key that `str` made; None for any other text."""
    parts = text.strip().split(_SEPARATOR)
    if len(parts) != len(FindingKey._fields) or not (parts[-1].isascii() and parts[-1].isdigit()) or not parts[0]:
        return None
    code, form, row, column, digest, ordinal = parts
    return FindingKey(code, form, row, column, digest, int(ordinal[:9]))


def key_findings(findings: Sequence[Finding]) -> list[FindingKey]:
    """The key of each finding, in their order; no two are equal."""
    seen: Counter[FindingKey] = Counter()
    keys = []
    for finding in findings:
        # Without a form the sheet says which of several alike it is ("an unknown sheet").
        form = _clean(finding.form or f"@{finding.sheet or ''}")
        found = f"{finding.value}\x1f{finding.expected}".encode("utf-8", "replace")
        digest = hashlib.sha256(found).hexdigest()[:8]
        key = FindingKey(_clean(finding.code), form, _clean(finding.row or ""), _clean(finding.column or ""), digest, 0)
        keys.append(key._replace(ordinal=seen[key]))
        seen[key] += 1
    return keys


def attach_reasons(
    findings: Iterable[Finding], reasons: Mapping[FindingKey, str], numbered: Container[str] = ()
) -> list[Finding]:
    """The findings, in their order, each with the reason given for it. Reasons whose finding is gone are left out.

    `reasons` has every finding of the earlier answer, with "" where the unit wrote nothing. What was found must be equal.
    Where it is not, the value changed: the reason follows the place, when only one finding, then and now, is about that.
    `numbered`: forms whose rows are running numbers; there the value is followed first, as lines get other numbers.
    A finding that has a reason keeps it.
    """
    listed = list(findings)
    if not any(reasons.values()):
        return listed
    chosen = [reasons[source] if source is not None else "" for source in match_reasons(listed, reasons, numbered)]
    return [
        replace(finding, reason=text) if text and finding.reason is None else finding
        for finding, text in zip(listed, chosen, strict=True)
    ]


def match_reasons(
    listed: Sequence[Finding], reasons: Mapping[FindingKey, str], numbered: Container[str] = (), *, changed: bool = True
) -> list[FindingKey | None]:
    """For each finding the key of the earlier one that means the same, as `attach_reasons` has it; None for a new one.

    `changed`: whether a reason also follows a place whose value is another now.
    """
    keys = key_findings(listed)
    present = set(keys)
    old = [key for key in reasons if key not in present]
    new = [key for key in keys if key not in reasons]
    by_value = _pair_unique(
        [key for key in old if key.form in numbered],
        [key for key, finding in zip(keys, listed, strict=True) if finding.value and key not in reasons],
        reasons,
        keys,
        lambda key: (key.code, key.form, key.column, key.digest),
    )
    moved = set(by_value.values())
    by_place = (
        _pair_unique([key for key in old if key not in moved], new, reasons, keys, lambda key: key.place)
        if changed
        else {}
    )
    return [key if key in reasons else by_value.get(key) or by_place.get(key) for key in keys]


def _pair_unique(
    old: Iterable[FindingKey],
    new: Iterable[FindingKey],
    then: Iterable[FindingKey],
    now: Iterable[FindingKey],
    about: Callable[[FindingKey], tuple[str, ...]],
) -> dict[FindingKey, FindingKey]:
    """New key -> the old one about the same, where of all then and of all now only one is about that."""
    counts_then, counts_now = Counter(map(about, then)), Counter(map(about, now))
    known = {about(key): key for key in old if counts_then[about(key)] == 1}
    return {key: known[about(key)] for key in new if counts_now[about(key)] == 1 and about(key) in known}


def cut_reason(text: str) -> str:
    """A reason of bearable length; one that is cut says so."""
    if len(text) <= LONGEST_REASON:
        return text
    return text[: LONGEST_REASON - len(CUT_NOTE)].rstrip() + CUT_NOTE


def _clean(text: str) -> str:
    return _NOT_IN_KEY.sub("_", text)[:_LONGEST_PART]
