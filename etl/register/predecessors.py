"""Reads the "formed from" texts of the reorganisation of 01/07/2025: "Xã Hưng Đạo (thành phố Cao Bằng), Xóm Tổng Dùn".

Pure. It must not guess: a text it does not understand to the last word is refused, because a predecessor that is left out makes
figures comparable that are not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from etl.register.entities import UnitType
from etl.text import normalise

UNCHANGED: Final = "giữ nguyên"
"""How the source says that a unit was left as it was."""

DISTRICT_WORDS: Final = ("huyện", "quận", "thành phố", "thị xã")

_KINDS: Final = {
    "phường": UnitType.WARD,
    "xã": UnitType.COMMUNE,
    "thị trấn": UnitType.TOWNSHIP,
    "đặc khu": UnitType.SPECIAL_ZONE,
    "xóm": UnitType.HAMLET,
    "thôn": UnitType.HAMLET,
    "bản": UnitType.HAMLET,
    "tổ dân phố": UnitType.HAMLET,
}
_PART: Final = re.compile(
    rf"(?P<kind>{'|'.join(_KINDS)}) (?P<name>[^(),]+?)(?: \((?P<district>(?:{'|'.join(DISTRICT_WORDS)}) [^(),]+)\))?",
    re.IGNORECASE,
)
_COMMAS: Final = re.compile(r",\s*(?![^()]*\))")
# Parts of units, told in words: "một phần diện tích tự nhiên … của các xã A, B". The commas in them do not part units.
_IN_WORDS: Final = re.compile(r"\b(?:phần|diện tích|dân số|sau khi|còn lại|toàn bộ)\b", re.IGNORECASE)


class UnreadablePredecessors(ValueError):
    """The text says more than names of units."""


@dataclass(frozen=True, slots=True)
class Predecessor:
    """A unit of before. `district`: of old, where the source names it. A hamlet is a part of a unit that is not named."""

    name: str
    type: UnitType
    district: str | None

    @property
    def is_whole(self) -> bool:
        """Whether the whole unit went over, so that its figures can be added up."""
        return self.type is not UnitType.HAMLET


def parse_predecessors(text: str) -> tuple[Predecessor, ...]:
    """The units a unit was formed from, in the order of the text; empty for a unit that was left as it was.

    Raises UnreadablePredecessors with the part that is not a name of a unit, or is one twice.
    """
    written = normalise(text)
    if written.casefold().startswith(UNCHANGED):
        return ()
    found: list[Predecessor] = []
    for part in _COMMAS.split(written):
        match = _PART.fullmatch(part)
        if match is None or _IN_WORDS.search(part):
            raise UnreadablePredecessors(f"{part!r} is no name of a unit: write its lineage by hand")
        name, kind = f"{match['kind']} {match['name']}", _KINDS[match["kind"].casefold()]
        # Told apart later by its beginning: "Huyện Bảo Lâm" and "huyện Bảo Lâm" are one.
        district = match["district"][0].lower() + match["district"][1:] if match["district"] else None
        predecessor = Predecessor(name, kind, district)
        if predecessor in found:
            raise UnreadablePredecessors(f"{part!r} stands there twice")
        found.append(predecessor)
    return tuple(found)
