"""Files that a unit sends by its page, and what an answer says: for the tests of the entrance."""

from __future__ import annotations

import html
import io
import zipfile
from collections.abc import Callable
from typing import Any

from tests.golden.sender import Sending, make_sending


def sound(unit: str, *edits: Callable[[Sending], object]) -> bytes:
    """A unit's workbook; without edits it is accepted without a warning."""
    return make_sending(*edits, unit=unit).to_bytes()


def wrong_total(sending: Sending) -> None:
    """An edit that makes it rejected."""
    sending.put("F05", "01", "2", 99)


def zipped(entries: dict[str, bytes]) -> bytes:
    """A zip of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


def text_of(answer: Any) -> str:
    """A page with its characters as they are read."""
    return html.unescape(answer.text)
