"""Where the faults of F10, F11, F13 and F14 must be told, by hand: see `test_sample_faults`."""

from __future__ import annotations

_LINE, _MEMBER = "[0-9]{1,2}", r"H14\.\w+"
_CELLS = ("F04.06.2", "F04.09.3", "F04.01.4", "F04.01.5", "F04.01.6", "F04.06.7", "F04.06.8", "F04.09.9", "F04.09.10",
          "F04.01.11", "F05.02.2", "F05.04.2", "F05.05.2", "F05.05.3", "F05.02.4", "F05.05.5", "F05.02.6",
          "F06.01.1", "F06.02.1", "F06.03.1", "F06.04.1", "F06.05.1", "F06.06.1", "F06.08.1", "F06.09.1")  # fmt: skip

DECISION_PLACES: dict[str, tuple[str, str | None, str | None]] = {
    "fund: income does not add up": ("F10", "05", "1"),
    "fund: spending does not add up": ("F10", "08", "1"),
    "fund: balance does not close": ("F10", "09", "1"),
    "fund: more paid than decided": ("F10", "06", "1"),
    "bloc: own score off the scale": ("F11", _MEMBER, "1"),
    "bloc: score off the scale": ("F11", _MEMBER, "2"),
    "bloc: ranks against scores": ("F11", _MEMBER, "3"),
    "bloc: gap in the ranks": ("F11", _MEMBER, "3"),
    "bloc: flag for a later rank": ("F11", _MEMBER, "C"),
    "bloc: certificate for a later rank": ("F11", _MEMBER, "C"),
    "bloc: certificate for the first": ("F11", _MEMBER, "C"),
    "bloc: member missing": ("F11", None, None),
    "bloc: no member": ("F11", _MEMBER, "A"),
    "more complaints resolved than there were": ("F13", "03", "1"),
    "complaints left over do not add up": ("F13", "04", "1"),
    "certificate granted by the base": ("F14", _LINE, "E"),
    "issuer without the power": ("F14", _LINE, "D"),
    "State award from the Party": ("F14", _LINE, "E"),
    "Party award from the State": ("F14", _LINE, "E"),
    "decision of a commune elsewhere": ("F14", _LINE, "D"),
    "title of a commune elsewhere": ("F14", _LINE, "E"),
    "award for the wrong kind": ("F14", _LINE, "G"),
    "decision before the period": ("F14", _LINE, "C"),
    "decision after the period": ("F14", _LINE, "C"),
    "decision after the report": ("F14", _LINE, "C"),
    "decision listed twice": ("F14", _LINE, "B"),
    "decision about nobody": ("F14", _LINE, "1"),
    **{f"decisions against {cell}": (*cell.split("."),) for cell in _CELLS},  # type: ignore[dict-item]
}
