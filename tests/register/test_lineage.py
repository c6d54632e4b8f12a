"""Which earlier units make up a unit of today, where figures may be compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from etl.calendar.periods import Clock, parse_period
from etl.register.entities import Lineage, LineageKind, Unit, UnitType
from etl.register.lineage import find_comparable_units, group_by_lineage
from etl.register.model import Register
from etl.register.read import read_register
from etl.settings import PROJECT_ROOT

THEN, NOW = (parse_period(code, Clock.ADMIN) for code in ("2026-S1", "2027-S1"))
CHANGE = date(2027, 1, 1)
SEEN = datetime(2025, 12, 1, tzinfo=UTC)


def register(units: dict[str, tuple[date, date | None]], *lineage: Lineage) -> Register:
    listed = tuple(Unit(code, code, UnitType.COMMUNE, None, *days, None, SEEN) for code, days in units.items())
    return Register(read_register(PROJECT_ROOT / "register").province, listed, lineage=lineage)


def row(
    predecessor: str, successor: str | None, kind: str = "merge", on: date = CHANGE, share: str | None = None
) -> Lineage:
    part = None if share is None else Decimal(share)
    return Lineage(predecessor, successor, LineageKind(kind), on, part, None, SEEN)


FIRST = date(2025, 7, 1)
LIVES, ENDED, NEW = (FIRST, None), (FIRST, date(2026, 12, 31)), (CHANGE, None)


@pytest.mark.parametrize(
    ("units", "lineage", "expected"),
    [
        pytest.param({"A": LIVES}, [], {"A"}, id="nothing happened"),
        pytest.param({"A": NEW}, [], None, id="it was not there"),
        pytest.param({"A": ENDED, "B": ENDED, "U": NEW}, [row("A", "U"), row("B", "U")], {"A", "B"}, id="merged"),
        pytest.param({"A": ENDED, "U": LIVES}, [row("A", "U", "absorb")], {"A", "U"}, id="absorbed"),
        pytest.param({"A": ENDED, "U": NEW}, [row("A", "U", "rename")], {"A"}, id="renamed"),
        pytest.param({"A": ENDED, "U": LIVES}, [row("A", "U", share="1")], {"A", "U"}, id="whole share"),
        pytest.param({"A": LIVES, "U": LIVES}, [row("A", "U", share="0.5")], None, id="in part"),
        pytest.param({"A": ENDED, "U": LIVES}, [row("A", "U", "split")], None, id="divided"),
        pytest.param({"A": ENDED, "U": LIVES}, [row("A", "U"), row("A", "V")], None, id="two successors"),
        pytest.param({"A": ENDED, "U": LIVES}, [row("A", "U"), row("A", None, "abolish")], None, id="rest abolished"),
        pytest.param({"U": LIVES, "V": NEW}, [row("U", "V", "split", share="0.2")], None, id="it lost a part"),
        pytest.param({"A": ENDED, "U": NEW}, [row("A", "U"), row("U", "U")], None, id="own code of before is gone"),
        pytest.param({"A": LIVES, "U": LIVES}, [row("A", "U", "absorb", date(2026, 3, 1))], None, id="in the window of then"),
        pytest.param({"A": LIVES, "U": LIVES}, [row("A", "U", "absorb", date(2025, 8, 1))], {"U"}, id="long before"),
        pytest.param({"A": LIVES, "U": LIVES}, [row("A", "U", "absorb", date(2027, 8, 1))], {"U"}, id="after"),
    ],
)  # fmt: skip
def test_comparable_units(units: dict, lineage: list[Lineage], expected: set[str] | None) -> None:
    assert find_comparable_units(register(units, *lineage), "U" if "U" in units else "A", THEN, NOW) == expected


def test_a_chain_is_followed_to_its_beginning() -> None:
    units = {"A": (FIRST, date(2026, 8, 31)), "B": ENDED, "M": (date(2026, 9, 1), date(2026, 12, 31)), "U": NEW}
    chain = [row("A", "M", "rename", date(2026, 9, 1)), row("M", "U"), row("B", "U")]
    assert find_comparable_units(register(units, *chain), "U", THEN, NOW) == {"A", "B"}


def test_a_code_that_went_on_with_more_land() -> None:
    """Statistics codes survive mergers: the unit of before bore the same code."""
    known = register({"A": ENDED, "U": ENDED}, row("A", "U"), row("U", "U"))
    reborn = replace(known, units=(*known.units, replace(known.units[1], valid_from=CHANGE, valid_to=None)))
    assert find_comparable_units(reborn, "U", THEN, NOW) == {"A", "U"}


def test_families() -> None:
    known = register({}, row("A", "U"), row("B", "U", "split"), row("U", "Z"))
    families = group_by_lineage(known, ["A", "B", "Z", "X"])
    assert families["A"] == families["B"] == families["Z"] != families["X"]
