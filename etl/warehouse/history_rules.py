"""Rules before the verdict that need the warehouse: a submission against what its unit, or its predecessors, reported before.

The rules are the statements of sql/checks/ with `stage: before`; here are the relations they read and the way from their rows
to cells of the sender's file. Runs inside the caller's transaction and writes nothing but temporary tables. A submission
without an earlier accepted one costs two look-ups a batch.

Relations: `candidate` (submission_id, generation, unit, report, period, window_start, window_end): submissions not yet judged.
`earlier` (submission_id, role, source_id, source_generation, units, source, source_start, source_end): an accepted submission to
compare a candidate with. Roles: `year` (same unit, year and clock, window ending no later, and what the same period was
reported as before), `last` (same report, the period before), `base` (same report, the same period of last year, of each of
`units` units).
`figure` (submission_id, form, row_key, column_code, ordinal, measure, dimension, number, aggregation, is_bad, is_key): what adds
up of all of these submissions; `dimension` is the row of a list, empty where the measure says all; `is_key`: the form requires
it.
A statement gives submission_id, form, row_key, column_code, ordinal, value, expected, source; a row without row_key speaks of
the whole form. {label} names the figure.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from etl.calendar.deadlines import TIMEZONE
from etl.calendar.periods import Period, PeriodKind, UnknownPeriod, parse_period, periods_between, previous_period
from etl.findings.catalogue import CHECKS_FOLDER, Catalogue, read_check_header
from etl.findings.model import Finding, Phase
from etl.forms.declaration import LIST_KEY_SEPARATOR, CellKey, FormVersion, Kind
from etl.parsing.submission import ParsedSubmission, field_name
from etl.register.lineage import find_comparable_units
from etl.register.model import Register, Report
from etl.text import format_date, format_number
from etl.warehouse.submission_load import Connection

_OWN = """
SELECT DISTINCT ON (c.id) c.id, s.id, s.received_at, coalesce((
    SELECT e.values_generation FROM core.examination e WHERE e.arrival_id = s.arrival_id ORDER BY e.generation DESC LIMIT 1
), 1::smallint)
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
     c (id, arrival_id, unit, report, period, received_at)
JOIN core.submission s ON s.unit = c.unit AND s.report = c.report AND s.period = c.period
    AND (s.received_at, s.arrival_id) < (c.received_at, c.arrival_id)
WHERE (SELECT d.decision FROM core.decision d WHERE d.submission_id = s.id ORDER BY d.id DESC LIMIT 1) = 'accept'
ORDER BY c.id, s.received_at DESC, s.arrival_id DESC
"""
_STANDING = """
SELECT a.unit, a.report, a.period, a.submission_id, a.generation FROM core.standing_submissions('infinity') a
WHERE a.report = ANY(%s) AND a.period = ANY(%s) AND a.unit = ANY(%s)
"""
_TABLES = (
    """CREATE TEMP TABLE IF NOT EXISTS candidate (
    submission_id bigint PRIMARY KEY, generation smallint, unit text, report text, period text,
    window_start date, window_end date
) ON COMMIT DROP""",
    """CREATE TEMP TABLE IF NOT EXISTS earlier (
    submission_id bigint, role text, source_id bigint, source_generation smallint, units integer, source text,
    source_start date, source_end date
) ON COMMIT DROP""",
    """CREATE TEMP TABLE IF NOT EXISTS figure (
    submission_id bigint, form text, row_key text, column_code text, ordinal integer, measure text, dimension text,
    number numeric, aggregation text, is_bad boolean, is_key boolean
) ON COMMIT DROP""",
    "TRUNCATE candidate, earlier, figure",
)
# A table of its own, although all of it stands in core.observation: with its statistics the planner joins tens of thousands of
# figures in a second; without, it takes each step for a few rows and nests the loops.
_FIGURES = """
INSERT INTO figure
SELECT o.submission_id, o.form, o.row_key, o.column_code, o.ordinal, o.measure,
       CASE WHEN coalesce(cell.kind, line.kind) = 'list' THEN o.row_key ELSE '' END, o.number, o.aggregation,
       coalesce(o.missing = 'bad', false), coalesce(cell.required, line.required, false)
FROM (SELECT submission_id, generation FROM candidate UNION SELECT source_id, source_generation FROM earlier) s
JOIN core.observation o ON o.submission_id = s.submission_id AND o.generation = s.generation
    AND o.aggregation <> 'none' AND (o.number IS NOT NULL OR o.missing = 'bad')
LEFT JOIN register.form_field cell ON cell.form = o.form AND cell.form_version = o.form_version
    AND cell.column_code = o.column_code AND cell.row_code = o.row_key AND cell.retired_at IS NULL
LEFT JOIN register.form_field line ON line.form = o.form AND line.form_version = o.form_version
    AND line.column_code = o.column_code AND line.row_code = '*' AND line.retired_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A submission whose observations of `generation` are stored and whose verdict is not."""

    submission_id: int
    generation: int
    arrival_id: int
    unit: str
    report: Report
    period: Period
    received_at: datetime
    parsed: ParsedSubmission


@dataclass(frozen=True, slots=True)
class _Wanted:
    role: str
    unit: str
    report: str
    period: Period
    units: int = 1


def find_history_faults(
    connection: Connection, candidates: Sequence[Candidate], register: Register, catalogue: Catalogue
) -> dict[int, list[Finding]]:
    """Findings by submission id; nothing for those without an earlier accepted submission."""
    earlier = _find_earlier(connection, candidates, register)
    if not earlier:
        return {}
    compared = {row[0] for row in earlier}
    known = {one.submission_id: one for one in candidates if one.submission_id in compared}
    words = name_codes(register)
    _fill_tables(connection, known.values(), earlier)
    found: defaultdict[int, list[Finding]] = defaultdict(list)
    for code, statement in _read_statements():
        for row in _read_rows(connection, statement):
            candidate = known[row.pop("submission_id")]
            if catalogue[code].applies_on(candidate.period.end):
                found[candidate.submission_id].append(_make_finding(catalogue, code, candidate, row, words))
    return found


@lru_cache(maxsize=1)
def _read_statements() -> list[tuple[str, str]]:
    """(code, SQL) of every rule that runs before the verdict."""
    entries = [(read_check_header(path), path) for path in sorted(CHECKS_FOLDER.glob("*.sql"))]
    return [(entry.code, path.read_text("utf-8")) for entry, path in entries if entry.phase is Phase.CROSS_PERIOD]


def _read_rows(connection: Connection, statement: str) -> Iterator[dict[str, Any]]:
    # Bytes and no parameters: the driver sends them as they are, with any % and any colon.
    cursor = connection.execute(statement.encode())
    names = [column.name for column in cursor.description or ()]
    return (dict(zip(names, row, strict=True)) for row in cursor.fetchall())


def _fill_tables(connection: Connection, candidates: Iterable[Candidate], earlier: Iterable[tuple[Any, ...]]) -> None:
    for statement in _TABLES:
        connection.execute(statement)
    with connection.cursor().copy("COPY candidate FROM STDIN") as copy:
        for one in candidates:
            copy.write_row(
                (
                    one.submission_id, one.generation, one.unit, one.report.code, one.period.code,
                    one.period.start, one.period.end,
                )
            )  # fmt: skip
    with connection.cursor().copy("COPY earlier FROM STDIN") as copy:
        for row in earlier:
            copy.write_row(row)
    connection.execute("ANALYZE candidate, earlier")
    connection.execute(_FIGURES)
    connection.execute("CREATE INDEX IF NOT EXISTS figure_place ON pg_temp.figure (submission_id, measure, dimension)")
    connection.execute("ANALYZE figure")


def _find_earlier(connection: Connection, candidates: Sequence[Candidate], register: Register) -> list[tuple[Any, ...]]:
    """Rows of `earlier`."""
    rows: list[tuple[Any, ...]] = []
    if not candidates:
        return rows
    by_id = {one.submission_id: one for one in candidates}
    columns = [
        [one.submission_id for one in candidates], [one.arrival_id for one in candidates], [one.unit for one in candidates],
        [one.report.code for one in candidates], [one.period.code for one in candidates],
        [one.received_at for one in candidates],
    ]  # fmt: skip
    for submission_id, source, received_at, generation in connection.execute(_OWN, columns).fetchall():
        received = format_date(received_at.astimezone(TIMEZONE).date())
        told = f"lần nộp trước của kỳ này, nhận ngày {received}"
        own = by_id[submission_id].period
        rows.append((submission_id, "year", source, generation, 1, told, own.start, own.end))
    wanted = {one.submission_id: list(_list_wanted(one, register)) for one in candidates}
    asked = {(item.unit, item.report, item.period.code) for items in wanted.values() for item in items}
    if not asked:
        return rows
    units, reports, periods = (sorted({key[place] for key in asked}) for place in range(3))
    standing = {
        (row[0], row[1], row[2]): (row[3], row[4])
        for row in connection.execute(_STANDING, (reports, periods, units)).fetchall()
    }
    for submission_id, items in wanted.items():
        for item in items:
            source = standing.get((item.unit, item.report, item.period.code))
            if source is not None:
                label = (
                    item.period.label
                    if item.units == 1
                    else f"{item.period.label}, cộng {item.units} đơn vị trước sáp nhập"
                )
                rows.append((submission_id, item.role, *source, item.units, label, item.period.start, item.period.end))
    return rows


def _list_wanted(candidate: Candidate, register: Register) -> Iterator[_Wanted]:
    """The earlier submissions that the rules would look at, whether or not they exist."""
    unit, report, period = candidate.unit, candidate.report, candidate.period
    if period.kind is PeriodKind.ONE_OFF:
        return
    yield from _list_same_year(candidate, register)
    if (before := _step_back(period)) is not None:
        yield _Wanted("last", unit, report.code, before)
    if (last_year := _a_year_ago(period)) is not None:
        units = find_comparable_units(register, unit, last_year, period)
        for code in sorted(units or ()):
            yield _Wanted("base", code, report.code, last_year, len(units or ()))


def _list_same_year(candidate: Candidate, register: Register) -> Iterator[_Wanted]:
    period = candidate.period
    try:
        year = parse_period(f"{period.code[:4]}-A1", period.clock)
    except UnknownPeriod:
        return
    for code, kind in {(other.code, other.frequency) for other in register.reports if other.clock is period.clock}:
        if kind is PeriodKind.ONE_OFF:
            continue
        for other in periods_between(kind, period.clock, year.start, period.end):
            same = code == candidate.report.code and other.code == period.code
            if other.code[:4] == period.code[:4] and other.end <= period.end and not same:
                yield _Wanted("year", candidate.unit, code, other)


def _step_back(period: Period) -> Period | None:
    try:
        return previous_period(period)
    except UnknownPeriod:
        return None


def _a_year_ago(period: Period) -> Period | None:
    try:
        return parse_period(f"{int(period.code[:4]) - 1}{period.code[4:]}", period.clock)
    except UnknownPeriod:
        return None


def name_codes(register: Register) -> dict[str, str]:
    """What the keys of lists are in words: names of units, indicators and movements by code."""
    return (
        {unit.code: unit.name for unit in register.units}
        | {indicator.code: indicator.name for indicator in register.indicators}
        | {movement.code: movement.name for movement in register.movements}
    )


_FORMULA: Final = re.compile(r"\s*\([^()]*=[^()]*\)")
"""How a total is made, as it is printed after its name."""


def name_figure(version: FormVersion, words: Mapping[str, str], row_key: str, column: str) -> str:
    """A figure as its form prints it: row (of a list: what its keys mean) and column, without the formulas of totals."""
    if version.kind is Kind.LIST:
        row = " – ".join(words.get(code, code) for code in row_key.split(LIST_KEY_SEPARATOR))
    else:
        row = _FORMULA.sub("", version.row_labels.get(row_key, row_key))
    if version.kind is Kind.FIELDS:
        return row
    label = next((declared.label for declared in version.columns if declared.code == column), column)
    return f"{row}, cột “{_FORMULA.sub('', label)}”"


def _make_finding(
    catalogue: Catalogue, code: str, candidate: Candidate, row: dict[str, Any], words: Mapping[str, str]
) -> Finding:
    form, row_key, column, ordinal = (row.pop(name) for name in ("form", "row_key", "column_code", "ordinal"))
    shown = {name: _show(value) for name, value in row.items()}
    cells = candidate.parsed.cells
    if row_key is None:
        sheet = next((cell.sheet for key, cell in cells.items() if key.form == form and cell.sheet), None)
        return catalogue.make_finding(code, form=form, sheet=sheet, **shown)
    cell = cells[CellKey(form, row_key, column, ordinal)]
    return catalogue.make_finding(
        code, form=form, sheet=cell.sheet, cell=cell.cell, row=row_key, column=column, field=field_name(cell.declared),
        label=name_figure(candidate.parsed.versions[form], words, row_key, column), **shown,
    )  # fmt: skip


def _show(value: object) -> str | None:
    if isinstance(value, Decimal | int):
        return format_number(value)
    if isinstance(value, date):
        return format_date(value)
    return None if value is None else str(value)
