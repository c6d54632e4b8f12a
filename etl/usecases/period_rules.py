"""Rules on a period after the verdicts: between units, for the reviewer. Reads on the connection of a consolidation.

They are the statements of sql/checks/ with `stage: after`, and what SQL says badly: values that stand apart from their peers,
and texts that were copied. It must not change a verdict, nor write; `consolidate` stores what is found.

A statement gives `subject` (names of units or movements) and, where it speaks of one figure, any of unit, form, row_key,
column_code, value, expected; every column fills the texts, and {label} names the figure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

import sqlalchemy as sa

from etl.calendar.periods import Period, PeriodKind, UnknownPeriod, previous_period
from etl.findings.catalogue import CHECKS_FOLDER, read_check_header
from etl.findings.model import CatalogueEntry, Phase, fill_text
from etl.forms.declaration import Kind
from etl.register.entities import UNIT_TYPE_LABELS, UnitType
from etl.text import format_number
from etl.usecases.context import Context
from etl.validation.narratives import Narrative, Reuse, find_reuse
from etl.validation.outliers import FEWEST_PEERS, find_outliers
from etl.warehouse.history_rules import name_codes, name_figure

OUTLIER_FLOOR: Final = 20
"""Distance from the peers' median below which a value is small, not odd: 3 where others have 1 is no question."""
PLACES_SHOWN: Final = 3
"""Sections that a finding on copied texts names; the others are counted."""

_FIGURES = """
SELECT s.form, s.row_key, s.column_code, s.measure, s.unit_type, s.unit, s.unit_name, s.number FROM mart.figure_source s
WHERE s.report = :report AND s.period = :period AND s.counted AND s.aggregation = 'sum'
  AND EXISTS (SELECT 1 FROM register.form_field k
              WHERE k.form = s.form AND k.measure = s.measure AND k.required AND k.retired_at IS NULL)
ORDER BY s.form, s.row_key, s.column_code, s.measure, s.unit_type, s.unit
"""
_TEXTS = """
SELECT a.unit, a.unit_name, o.form, o.row_key, o.column_code, o.measure, o.text_value FROM mart.accepted a
JOIN core.observation o ON o.submission_id = a.submission_id AND o.generation = a.generation
WHERE a.report = :report AND a.period = :period AND o.measure = ANY(:measures) AND o.text_value IS NOT NULL
  AND NOT o.restricted
ORDER BY a.received_at, a.submission_id, o.row_key, o.column_code, o.ordinal
"""


@dataclass(frozen=True, slots=True)
class PeriodFinding:
    """A point for the reviewer about the whole period; `subject` names units or movements.

    Where it speaks of one figure: its unit, form, row and column codes, what stands there and what it was held against.
    """

    code: str
    severity: str
    subject: str
    message: str
    fix: str
    unit: str | None = None
    form: str | None = None
    row: str | None = None
    column: str | None = None
    value: str | None = None
    expected: str | None = None


def find_period_faults(context: Context, connection: sa.Connection, report: str, period: Period) -> list[PeriodFinding]:
    """All findings on a period, by rule and then in the rule's own order."""
    rules = _PeriodRules(context, connection, report, period)
    return [*rules.run_statements(), *rules.find_outlying_figures(), *rules.find_copied_texts()]


@dataclass
class _PeriodRules:
    context: Context
    connection: sa.Connection
    report: str
    period: Period

    @property
    def _names(self) -> dict[str, str]:
        return {"report": self.report, "period": self.period.code}

    def run_statements(self) -> Iterator[PeriodFinding]:
        for path in sorted(CHECKS_FOLDER.glob("*.sql")):
            entry = read_check_header(path)
            if entry.phase is Phase.CROSS_UNIT and entry.applies_on(self.period.end):
                for row in self.connection.execute(sa.text(path.read_text("utf-8")), self._names).mappings():
                    yield self._make(entry, row)

    def find_outlying_figures(self) -> Iterator[PeriodFinding]:
        """P-OUTLIER a key figure, one its form requires (the parts would say the same again); P-FEW-PEERS once a form and
        type of unit where nothing can be said."""
        outlier, few = self.context.catalogue["P-OUTLIER"], self.context.catalogue["P-FEW-PEERS"]
        groups: defaultdict[tuple[str, str, str, str, str], list[Any]] = defaultdict(list)
        for row in self.connection.execute(sa.text(_FIGURES), self._names):
            groups[row.form, row.row_key, row.column_code, row.measure, row.unit_type].append(row)
        unsaid: defaultdict[tuple[str, str], int] = defaultdict(int)
        for (form, row_key, column, _, unit_type), rows in groups.items():
            found = find_outliers([float(row.number) for row in rows])
            if found is None:
                unsaid[form, unit_type] += 1
                continue
            for one in found if outlier.applies_on(self.period.end) else ():
                if abs(one.value - one.median_of_others) >= OUTLIER_FLOOR:
                    row = rows[one.place]
                    yield self._make(
                        outlier,
                        {
                            "subject": row.unit_name, "unit": row.unit, "form": form, "row_key": row_key,
                            "column_code": column, "value": row.number,
                            "expected": Decimal(str(round(one.median_of_others, 6))), "peers": len(rows) - 1,
                            "type": _type_name(unit_type),
                        },
                    )  # fmt: skip
        for (form, unit_type), number in sorted(unsaid.items()) if few.applies_on(self.period.end) else ():
            subject = f"{form}, {_type_name(unit_type)}"
            yield self._make(few, {"subject": subject, "form": form, "value": number, "expected": FEWEST_PEERS + 1})

    def find_copied_texts(self) -> Iterator[PeriodFinding]:
        """P-NARRATIVE-REUSED a unit and source: another unit this period, or the unit's own report of the period before."""
        entry = self.context.catalogue["P-NARRATIVE-REUSED"]
        measures = [
            version.measure_of(form.code, key.row, key.column)
            for form in self.context.forms.values()
            for version in form.versions
            if version.kind is not Kind.LIST
            for key, declared in version.walk_cells(form.code)
            if getattr(declared, "multiline", False) and not declared.restricted
        ]
        if not measures or not entry.applies_on(self.period.end):
            return
        before = _step_back(self.period)
        rows: list[tuple[Any, Period]] = []
        for period in [before, self.period] if before else [self.period]:
            found = self.connection.execute(
                sa.text(_TEXTS), {"report": self.report, "period": period.code, "measures": measures}
            )
            rows += [(row, period) for row in found]
        texts = [
            Narrative(place, row.unit, row.measure, row.text_value, source_only=period is before)
            for place, (row, period) in enumerate(rows)
        ]
        pairs: defaultdict[tuple[str, str, str], list[Reuse]] = defaultdict(list)
        for reuse in find_reuse(texts):
            (row, _), (source, then) = rows[reuse.key], rows[reuse.source]
            pairs[row.unit, source.unit, then.code].append(reuse)
        for copied in pairs.values():
            copied.sort(key=lambda one: (rows[one.key][0].form, rows[one.key][0].row_key, rows[one.key][0].column_code))
            (row, _), (source, then) = rows[copied[0].key], rows[copied[0].source]
            told = f"chính đơn vị này trong báo cáo {then.label}" if then is before else f"{source.unit_name} cùng kỳ"
            yield self._make(
                entry,
                {
                    "subject": row.unit_name, "unit": row.unit, "form": row.form, "row_key": row.row_key,
                    "column_code": row.column_code, "value": len(copied),
                    "expected": source.unit if then is self.period else then.code, "source": told,
                    "places": _list_places([self._name_copy(rows[one.key][0], one.share) for one in copied]),
                },
            )  # fmt: skip

    def _name_copy(self, row: Any, share: float) -> str:
        return f"{self._name_figure(row.form, row.row_key, row.column_code)} ({format_number(int(100 * share))} %)"

    def _make(self, entry: CatalogueEntry, row: Mapping[Any, Any]) -> PeriodFinding:
        shown = {str(name): _show(value) for name, value in row.items()}
        form, row_key, column = (shown.get(name) for name in ("form", "row_key", "column_code"))
        if form and row_key and column:
            shown["label"] = self._name_figure(form, row_key, column)
        return PeriodFinding(
            entry.code, entry.severity.value, shown["subject"] or "", fill_text(entry.message, shown),
            fill_text(entry.fix, shown), shown.get("unit"), form, row_key, column, shown.get("value"), shown.get("expected"),
        )  # fmt: skip

    def _name_figure(self, form: str, row_key: str, column: str) -> str:
        """A figure in words: form, row and column as they are printed."""
        try:
            version = self.context.forms[form].version_on(self.period.end)
        except (KeyError, LookupError):
            return f"{form}, {row_key}, {column}"
        return f"{form}: {name_figure(version, self._words, row_key, column)}"

    @cached_property
    def _words(self) -> dict[str, str]:
        return name_codes(self.context.register)


def _step_back(period: Period) -> Period | None:
    if period.kind is PeriodKind.ONE_OFF:
        return None
    try:
        return previous_period(period)
    except UnknownPeriod:
        return None


def _list_places(places: list[str]) -> str:
    rest = len(places) - PLACES_SHOWN
    return "; ".join([*places[:PLACES_SHOWN], *([f"và {format_number(rest)} phần khác"] if rest > 0 else [])])


def _type_name(unit_type: str) -> str:
    return UNIT_TYPE_LABELS[UnitType(unit_type)]


def _show(value: object) -> str | None:
    if isinstance(value, Decimal | int):
        return format_number(value)
    return None if value is None else str(value)
