"""Names that others made up (attachments, entries of archives, items of a list): safe to print, store and compare.

Pure. Bytes are stored by hash, so that no name is ever a path here; but names end in letters, pages, logs and in the copies
that people save, and must not say there what they do not say here.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import NamedTuple

from etl.channels.refusals import RefusalCode
from etl.text import show_name

MOST_NAME_BYTES = 240
"""In UTF-8: file systems take 255, and copies of a file carry a mark before its extension."""
MOST_TEXT_CHARACTERS = 200
_LONGEST_KEY = 150
_WITHOUT_NAME = "khong-ten"
# Signs that turn the direction of writing ("xcod.exe" shown as "exe.docx") or cannot be seen at all.
_HIDDEN = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Half characters, of which JSON can write one alone; those in between stand for bytes that are no UTF-8."""
_BLANKS = re.compile(r"\s+")
_FOLDING = re.compile(r"\r\n(?=[ \t])")
_DRIVE = re.compile(r"^[A-Za-z]:")


class SafeName(NamedTuple):
    """A printable name without folders, and why the thing should not be taken under the name it came with (or None)."""

    text: str
    fault: RefusalCode | None = None


def make_safe_name(name: str) -> SafeName:
    """What to call a file that somebody else named. Never raises; `text` has 1 to 240 bytes, no control or hidden character,
    no separator of folders, and is neither "." nor "..".

    A folder before the name is dropped when it leads nowhere else ("BC 2026/F05.xlsx", "C:\\Users\\…\\F05.xlsx" of old mail
    programs). A name that leads outside (a `..`, a leading slash) or has control characters is refused: nobody's program
    makes such a name by itself.
    """
    unfolded = _FOLDING.sub("", name)
    fault = RefusalCode.NAME_UNSAFE if _CONTROLS.search(unfolded) else None
    whole = unfolded.replace("\\", "/")
    steps = whole.split("/")
    if ".." in (step.strip() for step in steps) or whole.startswith("/"):
        fault = RefusalCode.NAME_WITH_PATH
    last = next((step for step in reversed(steps) if step.strip(" .")), "")
    return SafeName(_shorten(_make_printable(_DRIVE.sub("", last))), fault)


def make_printable(text: str, most: int = MOST_TEXT_CHARACTERS) -> str:
    """Any text as one line: control characters escaped, hidden ones dropped, blanks single, at most `most` characters."""
    return _make_printable(text)[:most]


def make_key(text: str) -> str:
    """A printable text for a name or version of somebody else's, that no other name has: what had to be changed or cut
    carries a mark made of the whole."""
    shown = _make_printable(text)
    if shown == text and len(text) <= _LONGEST_KEY:
        return text
    return f"{shown[:_LONGEST_KEY]}~{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def _make_printable(text: str) -> str:
    # Composed last: taking a hidden sign away may bring a letter and its mark together.
    shown = show_name(_HALVES.sub("\ufffd", text))
    return unicodedata.normalize("NFC", _BLANKS.sub(" ", _HIDDEN.sub("", shown))).strip()


def _shorten(name: str) -> str:
    """The name with its extension, as long as any file system takes it."""
    name = name.replace("\\", "%").strip(" .") or _WITHOUT_NAME
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 10:
        stem, dot, extension = name, "", ""
    room = MOST_NAME_BYTES - len(f"{dot}{extension}".encode())
    kept = stem.encode()[:room].decode(errors="ignore").rstrip(" .")
    return f"{kept}{dot}{extension}"
