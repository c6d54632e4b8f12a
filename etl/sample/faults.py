"""The table of all kinds of fault, and planting one so that every fault of a file can still be seen. Pure.

Every code that a single file can give has a kind here, but: FILE-TOO-LARGE and FILE-TIMEOUT (files of many megabytes),
CELL-NOT-TEXT, ROW-HIDDEN, COLUMN-HIDDEN and TEXT-LEGACY-ENCODING (ways of writing that a sample's plan cannot have),
ID-NOT-OWED and ID-UNIT-NOT-IN-FORCE (they need units this register does not have), ID-PERIOD-NOT-STARTED (no unit
reports before its period in a sample).
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from etl.sample.draft import Draft, NoRoom, Planted, holds
from etl.sample.faults_awards import AWARD_FAULTS, AWARD_WARNINGS
from etl.sample.faults_basics import BASIC_FAULTS, BASIC_WARNINGS
from etl.sample.faults_cells import CELL_FAULTS
from etl.sample.faults_decisions import DECISION_FAULTS, DECISION_WARNINGS
from etl.sample.faults_model import FaultKind
from etl.sample.faults_movements import MOVEMENT_FAULTS
from etl.sample.faults_noughts import NOUGHT_FAULTS, NOUGHT_WARNINGS
from etl.sample.faults_rules import RULE_FAULTS
from etl.sample.faults_sender import SENDER_FAULTS
from etl.sample.faults_shape import SHAPE_FAULTS

FAULT_KINDS: tuple[FaultKind, ...] = (
    *SENDER_FAULTS,
    *SHAPE_FAULTS,
    *MOVEMENT_FAULTS,
    *CELL_FAULTS,
    *RULE_FAULTS,
    # The other groups of forms.
    *BASIC_FAULTS,
    *AWARD_FAULTS,
    *DECISION_FAULTS,
    *NOUGHT_FAULTS,
)

_WARNINGS = frozenset(
    {"FORM-LEGACY-LAYOUT", "ROW-NO-CODE", "ROW-NOT-ASKED", "F00-ESTIMATE", "F00-UNIT-NAME", "F03-PERCENT", "F07-LEADER-PERCENT",
     "F07-WORKER-PERCENT", "F07-PERCENT-SUM"}
    | AWARD_WARNINGS
    | BASIC_WARNINGS
    | DECISION_WARNINGS
    | NOUGHT_WARNINGS
)  # fmt: skip
_INFOS = frozenset({"FILE-EXTENSION", "ID-FILE-NAME", "FORM-NOT-OWED", "SHEET-UNKNOWN"})
SEVERITIES: Mapping[str, str] = dict.fromkeys(_WARNINGS, "warning") | dict.fromkeys(_INFOS, "info")
"""Severity of the codes that are not errors."""


def severity_of(code: str) -> str:
    """error, warning or info."""
    return SEVERITIES.get(code, "error")


def plant_fault(draft: Draft, kind: FaultKind, expected: list[Planted], rng: Random) -> Draft:
    """The draft with one more fault; `expected` are the findings of those before it, and the new one is added to it.

    Raises NoRoom when the kind has no place, or would hide or repeat what an earlier fault must show; the draft given
    is never changed.
    """
    changed = draft.copy()
    found = kind.plant(changed, rng)
    if not holds(changed, [*expected, found]):
        raise NoRoom
    expected.append(found)
    return changed
