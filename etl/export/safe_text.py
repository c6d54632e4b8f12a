"""Texts of units on their way out of the house: what no file format can carry, and what would start a program, is disarmed.

Pure; it must not change what a reader sees otherwise: words stay as the unit wrote them.
"""

from __future__ import annotations

import re
from typing import Final

LONGEST_CELL: Final = 32_767
UNPRINTABLE: Final = "\ufffd"
# XML 1.0 cannot carry these at all. Marks that turn the direction of writing are allowed there, but a figure or a name would
# then be read back to front.
_ILLEGAL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_SKIPPED = re.compile("^[ \u00a0\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08]+")
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def printable(text: str) -> str:
    """The text with "\ufffd" for each character that a document cannot hold or that turns the direction of writing."""
    return _ILLEGAL.sub(UNPRINTABLE, text.replace("\r\n", "\n").replace("\r", "\n"))


def cell_text(text: str) -> str:
    """For a cell written with xlsxwriter: `printable`, at most 32.767 characters, ending in "…" where it was longer."""
    clean = printable(text)
    # xlsxwriter leaves a cell empty whose text is too long.
    clean = clean if len(clean) <= LONGEST_CELL else clean[: LONGEST_CELL - 1] + "…"
    # xlsxwriter writes such a text into the file as it is, taking it for its own mark-up.
    return f"{clean} " if clean.startswith("<r>") and clean.endswith("</r>") else clean


def disarm(text: str) -> str:
    """For a CSV file: a text that a spreadsheet would take for a formula gets an apostrophe before it; others unchanged.

    Blanks and invisible marks before the sign do not help it: spreadsheets skip some of them.
    """
    first = _SKIPPED.sub("", text)[:1]
    if text.startswith(FORMULA_STARTS) or first in FORMULA_STARTS:
        return "'" + text
    return text
