"""Whether a mail, or whoever came by a unit's personal link, may speak for the unit that the file names. Pure.

A workbook that names a unit is easily made; that it comes from an address of that unit's people, which our own mail server did
not find forged, is what lets it in. A personal link is for one unit, report and period: it lets in nothing else. Files of
other channels have no sender: there the account or folder says who may write.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from etl.findings.catalogue import Catalogue
from etl.findings.model import Finding
from etl.register.alerting import UNIT_ROLES, ContactRole
from etl.register.entities import BlocRole, Unit, is_valid_on
from etl.register.heirs import find_succession
from etl.register.model import Register

PROOF, SENDER, ON_DOUBT = "sender_proof", "sender", "unknown_sender"
"""Hints of a mail: what our mail server proved (pass, fail, none), the address, and whether the channel only warns."""
UNITS, BLOCS = "sender_units", "sender_blocs"
"""Added here: codes of the units whose contact the address is, and of the blocs that these lead, with blanks between."""
LINK = "link"
"""Hint of a file that came by a personal link; `unit`, `report` and `period` beside it are what the link is for."""
ANY_UNIT = "*"
_WARN = "warn"


def name_sender(register: Register, hints: Mapping[str, str], on: date) -> dict[str, str]:
    """The hints of an arrival, for a mail with the units of which its address is a contact on a day, and the blocs whose
    leader or deputy these are. ANY_UNIT for the standing office's own people."""
    if PROOF not in hints:
        return dict(hints)
    address = hints.get(SENDER, "").lower()
    people = [row for row in register.contacts if address and row.email.lower() == address and is_valid_on(row, on)]
    if any(row.role is ContactRole.STANDING_OFFICE for row in people):
        return {**hints, UNITS: ANY_UNIT}
    own = {row.unit for row in people if row.role in UNIT_ROLES}
    led = {
        row.bloc
        for row in register.memberships
        if row.unit in own and row.role in (BlocRole.LEADER, BlocRole.DEPUTY) and is_valid_on(row, on)
    }
    found = {UNITS: " ".join(sorted(own)), BLOCS: " ".join(sorted(led))}
    return {**hints, **{name: codes for name, codes in found.items() if codes}}


def read_sender_unit(hints: Mapping[str, str]) -> str | None:
    """The one unit that a believed sender speaks for: whose file it is where the file says nothing."""
    units = hints.get(UNITS, "").split()
    return units[0] if len(units) == 1 and units[0] != ANY_UNIT and hints.get(PROOF) != "fail" else None


def judge_sender(
    hints: Mapping[str, str], unit: Unit | None, register: Register, catalogue: Catalogue
) -> tuple[list[Finding], bool]:
    """What is wrong with the sender, and whether the file must wait in quarantine until a person has said whose it is.

    A sender that our server found forged always waits; one that no contact list holds, or that is another unit's, waits unless
    the channel only warns.
    """
    if PROOF not in hints:
        return [], False
    if hints[PROOF] == "fail":
        return [catalogue.make_finding("ID-SENDER-FORGED")], True
    known = hints.get(UNITS, "").split()
    if known == [ANY_UNIT] or (unit is not None and _speaks_for(known, hints.get(BLOCS, "").split(), unit, register)):
        return [], False
    if known and unit is None:
        return [], False  # it is in quarantine already, and the finding about the unit says why
    if hints.get(ON_DOUBT) == _WARN:
        return [catalogue.make_finding("ID-SENDER-UNVERIFIED")], False
    return [catalogue.make_finding("ID-SENDER-OTHER" if known else "ID-SENDER-UNKNOWN")], True


def judge_link(
    hints: Mapping[str, str], known: Mapping[str, str | None], labels: Mapping[str, str], catalogue: Catalogue
) -> list[Finding]:
    """What a file that came by a personal link says of itself (`known`: unit, report, period) and the link is not for.

    A file with such a finding waits in quarantine: nobody's link may file another unit's report, nor another period's.
    """
    if LINK not in hints:
        return []
    return [
        catalogue.make_finding("ID-LINK-OTHER", value=code, expected=hints[attribute], label=labels[attribute])
        for attribute, code in known.items()
        if code is not None and attribute in hints and code != hints[attribute]
    ]


def _speaks_for(known: list[str], blocs: list[str], unit: Unit, register: Register) -> bool:
    if unit.code in known or unit.code in blocs:
        return True
    # A unit that ended is spoken for by the one that owes its reports since.
    passed = find_succession(register, unit)
    return passed is not None and passed.heir in known
