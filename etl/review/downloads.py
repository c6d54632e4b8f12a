"""Files that a page gives away. Nothing here reads one."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from fastapi import Response

BYTES: Final = "application/octet-stream"


def attach(name: str, content: bytes, kind: str = BYTES) -> Response:
    """A download that no browser opens by itself, whatever its name and bytes are. `kind`: its media type."""
    safe = "".join(letter if (letter.isalnum() and letter.isascii()) or letter in "-_." else "_" for letter in name)
    header = f"attachment; filename=\"{safe or 'tep'}\"; filename*=UTF-8''{quote(name, safe='')}"
    return Response(content, media_type=kind, headers={"Content-Disposition": header})
