"""A finding and a catalogue entry as values; filling a message with its particulars. No I/O."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs: an error rejects the submission, a warning asks for a reason, an info only tells."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Phase(StrEnum):
    """When a rule runs. Everything up to CROSS_PERIOD comes before the verdict; CROSS_UNIT after it, never changing it."""

    FILE = "file"
    IDENTITY = "identity"
    FORM = "form"
    CELL = "cell"
    VALUE = "value"
    CROSS_FORM = "cross_form"
    CROSS_PERIOD = "cross_period"
    CROSS_UNIT = "cross_unit"


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """What a code means. `message` and `fix` are Vietnamese with {names} filled per finding."""

    code: str
    severity: Severity
    category: str
    phase: Phase
    message: str
    fix: str
    effective_from: date | None = None
    effective_to: date | None = None
    blank: str = ""
    """What the rule does with blank cells, a Vietnamese sentence."""

    def applies_on(self, day: date | None) -> bool:
        """Whether the rule is in force on a period's last day. A dated rule never applies to an unknown period."""
        if self.effective_from is None and self.effective_to is None:
            return True
        if day is None:
            return False
        return (self.effective_from or day) <= day <= (self.effective_to or day)


Place = tuple[str, str | None, str | None, str | None, str | None, str | None]
"""Code, form, sheet, cell, row and column of a finding: what reasons given on the page are kept by."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault or remark about a sender's file, as `check --json` prints it.

    `sheet` and `cell` are None for a finding about the whole file; `cell` is A1 notation in the sender's own file;
    `row` and `column` are the form's codes; `value` and `expected` are texts in Vietnamese number form. `reason` is what
    the unit says of it, written into an annotated copy; it never changes a verdict.
    """

    code: str
    severity: Severity
    message: str
    fix: str
    form: str | None = None
    sheet: str | None = None
    cell: str | None = None
    row: str | None = None
    column: str | None = None
    field: str | None = None
    value: str | None = None
    expected: str | None = None
    reason: str | None = None

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.code, self.form, self.sheet, self.cell, self.row, self.column


class _Blanks(dict[str, object]):
    """A name a rule did not pass on prints as nothing: a clerk must never read {label}."""

    def __missing__(self, key: str) -> str:
        return ""


def fill_text(template: str, particulars: Mapping[str, object]) -> str:
    """The template with its {names} filled; None and unknown names become nothing."""
    known = {name: value for name, value in particulars.items() if value is not None}
    return string.Formatter().vformat(template, (), _Blanks(known)).strip()
