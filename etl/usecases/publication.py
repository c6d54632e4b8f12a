"""Publications: the figures that an approval froze, what changed between two of them and which cells did it, and whether they
can still be had again.

A publication is never changed. It must not decide who may publish, nor change a period's state (`etl.usecases.review` does).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from etl.usecases.consolidate import open_snapshot
from etl.usecases.context import Context
from etl.warehouse.connect import raw_connection
from etl.warehouse.review_rows import PeriodEvent, lock_review, read_event
from etl.warehouse.submission_load import Connection

_LINES = "string_agg(core.figure_line(figure, {value}, units, estimated_units), E'\\n' ORDER BY figure COLLATE \"C\")"
_CHECKSUM = f"encode(sha256(convert_to(coalesce({_LINES}, ''), 'UTF8')), 'hex')"
_NOW_SUM: Final = (
    f"SELECT count(*), {_CHECKSUM.format(value='core.exact_text(value)')} FROM mart.consolidated "  # noqa: S608
    "WHERE report = {report} AND period = {period}"
)
_STORED_SUM: Final = (
    f"SELECT count(*), {_CHECKSUM.format(value='value')} FROM core.published_figure WHERE publication_id = :id"  # noqa: S608
)
_FREEZE: Final = f"""
WITH source AS MATERIALIZED (
    SELECT figure, mart, row_key, measure, label, unit_of_measure, aggregation, core.exact_text(value) AS value, units,
           estimated_units
    FROM mart.consolidated WHERE report = %(report)s AND period = %(period)s
), head AS (
    INSERT INTO core.publication (event_id, report, period, as_of, checksum, figures, recorded_at)
    SELECT %(event)s, %(report)s, %(period)s, %(as_of)s, {_CHECKSUM.format(value="value")}, count(*), %(now)s
    FROM source RETURNING id
), lines AS (
    INSERT INTO core.published_figure (publication_id, figure, mart, row_key, measure, label, unit_of_measure, aggregation, value,
                                       units, estimated_units)
    SELECT head.id, s.* FROM source s CROSS JOIN head
)
SELECT id FROM head
"""  # noqa: S608 - constants of this file


class UnknownPublication(LookupError):
    """No publication of that number."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What an approval froze. `number` is None until published; `state`: approved, published, superseded (a later one holds) or
    withdrawn. `checksum`: SHA-256 over the figures' lines."""

    id: int
    report: str
    period: str
    number: int | None
    state: str
    as_of: datetime
    checksum: str
    figures: int
    approved_by: str
    approved_why: str
    published_by: str | None
    published_why: str | None
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """One frozen figure; `value` is the exact text."""

    figure: str
    mart: str
    row_key: str
    measure: str
    label: str | None
    unit_of_measure: str | None
    value: str | None
    units: int | None
    estimated_units: int | None


@dataclass(frozen=True, slots=True)
class CellValue:
    """A cell as it went into a figure, or was left out of it and why."""

    submission: int
    sheet: str | None
    cell: str | None
    raw: str | None
    number: Decimal | None
    counted: bool
    left_out: str | None


@dataclass(frozen=True, slots=True)
class CellChange:
    """A cell of one unit that made a figure change. `old` None: it came in; `new` None: it is gone."""

    unit: str
    unit_name: str
    form: str
    row: str
    column: str
    old: CellValue | None
    new: CellValue | None


@dataclass(slots=True)
class FigureChange:
    """A figure that differs between two publications; values as exact texts, None where it is not in that one."""

    figure: str
    label: str | None
    old: str | None
    new: str | None
    old_units: int | None
    new_units: int | None
    cells: list[CellChange] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PublicationDiff:
    """What a restatement changed, figures in order of their ids."""

    report: str
    period: str
    first: Publication
    second: Publication
    changes: list[FigureChange]


@dataclass(frozen=True, slots=True)
class Verified:
    """A publication computed anew. `recomputed`: checksum of the figures as of its instant now; `stored`: of the frozen rows."""

    publication: Publication
    recomputed: str
    stored: str

    @property
    def holds(self) -> bool:
        """Whether both are what was frozen."""
        return self.publication.checksum == self.recomputed == self.stored


def freeze_event(connection: Connection, event: PeriodEvent, now: datetime) -> int:
    """Freeze what an approval approved: every figure of the period as of its instant. The id; doing it again writes nothing.

    The caller holds the review's lock and commits.
    """
    known = connection.execute("SELECT id FROM core.publication WHERE event_id = %s", (event.id,)).fetchone()
    if known is not None:
        return int(known[0])
    if event.as_of is None:
        raise ValueError(f"{event.report}:{event.period}: only an approval has figures to freeze, not {event.action}")
    names = {"report": event.report, "period": event.period, "event": event.id, "as_of": event.as_of, "now": now}
    with reading_as_of(connection, event.as_of):
        row = connection.execute(_FREEZE.encode(), names).fetchone()
    if row is None:
        raise LookupError(f"{event.report}:{event.period} was not frozen")
    return int(row[0])


def freeze_period(context: Context, report: str, period: str) -> Publication | None:
    """Freeze an approved period that is not frozen yet; None when it is not approved. Idempotent: Airflow runs it again."""
    context.register.period(report, period)
    with raw_connection(context.engine) as connection:
        lock_review(connection)
        event = read_event(connection, report, period)
        if event is None or event.state != "approved":
            return None
        frozen = freeze_event(connection, event, context.clock())
    return next(one for one in list_publications(context, report, period) if one.id == frozen)


def sum_figures(connection: Connection, report: str, period: str, as_of: datetime) -> str:
    """The checksum of a period's figures as of an instant, computed from what lies behind them."""
    query = _NOW_SUM.format(report="%s", period="%s")
    with reading_as_of(connection, as_of):
        row = connection.execute(query.encode(), (report, period)).fetchone()
    return str(row[1]) if row else ""


@contextmanager
def reading_as_of(connection: Connection, as_of: datetime) -> Iterator[None]:
    """The marts as of an instant, inside a transaction that goes on afterwards."""
    connection.execute("SELECT set_config('movement_reports.as_of', %s, true)", (as_of.isoformat(),))
    yield
    # After an error the transaction is lost anyway, and with it the setting.
    connection.execute("SELECT set_config('movement_reports.as_of', '', true)")


def list_publications(context: Context, report: str | None = None, period: str | None = None) -> list[Publication]:
    """Everything that was frozen (of a report, of a period), in order of freezing."""
    statement = sa.text(
        "SELECT publication_id AS id, report, period, number, state, as_of, checksum, figures, approved_by, approved_why, "
        "published_by, published_why, published_at FROM core.publication_state "
        "WHERE (cast(:report AS text) IS NULL OR report = :report) AND (cast(:period AS text) IS NULL OR period = :period) "
        "ORDER BY report, period, publication_id"
    )
    with context.engine.connect() as connection:
        rows = connection.execute(statement, {"report": report, "period": period}).mappings().all()
    return [Publication(**row) for row in rows]


def find_publication(context: Context, report: str, period: str, number: int | None = None) -> Publication:
    """The publication of a number, or the newest. Raises UnknownPublication."""
    published = [one for one in list_publications(context, report, period) if one.number is not None]
    for one in reversed(published):
        if number is None or one.number == number:
            return one
    which = "none" if number is None else f"no number {number}"
    raise UnknownPublication(f"{report}:{period} has {which} published; see `publication list`")


def read_published(context: Context, publication: Publication) -> list[PublishedFigure]:
    """The frozen figures of a publication, in order of their ids."""
    statement = sa.text(
        "SELECT figure, mart, row_key, measure, label, unit_of_measure, value, units, estimated_units FROM core.published_figure "
        'WHERE publication_id = :id ORDER BY figure COLLATE "C"'
    )
    with context.engine.connect() as connection:
        rows = connection.execute(statement, {"id": publication.id}).all()
    return [PublishedFigure(*row) for row in rows]


def diff_publications(
    context: Context, report: str, period: str, numbers: tuple[int, int] | None = None
) -> PublicationDiff:
    """What changed from one publication of a period to another (default: the last two), with the cells that did it.

    Raises UnknownPublication.
    """
    if numbers is None:
        last = find_publication(context, report, period).number or 1
        if last == 1:
            raise UnknownPublication(f"{report}:{period} was published only once: there is nothing to compare it with")
        numbers = (last - 1, last)
    first, second = (find_publication(context, report, period, number) for number in numbers)
    old, new = ({one.figure: one for one in read_published(context, which)} for which in (first, second))
    changes = []
    for figure in sorted(old.keys() | new.keys()):
        before, after = old.get(figure), new.get(figure)
        if before is None or after is None or _says(before) != _says(after):
            known = after or before
            changes.append(
                FigureChange(
                    figure, known.label if known else None, before.value if before else None, after.value if after else None,
                    before.units if before else None, after.units if after else None,
                )
            )  # fmt: skip
    _add_cells(context, first, second, changes)
    return PublicationDiff(report, period, first, second, changes)


def verify_publications(context: Context, report: str | None = None, period: str | None = None) -> list[Verified]:
    """Every freeze computed anew as of its instant, and its stored rows summed again."""
    found = []
    for publication in list_publications(context, report, period):
        names = {"report": publication.report, "period": publication.period}
        with open_snapshot(context, publication.as_of) as connection:
            anew = connection.execute(sa.text(_NOW_SUM.format(report=":report", period=":period")), names).one()
            stored = connection.execute(sa.text(_STORED_SUM), {"id": publication.id}).one()
        found.append(Verified(publication, str(anew[1]), str(stored[1])))
    return found


def _says(figure: PublishedFigure) -> tuple[object, ...]:
    return figure.value, figure.units, figure.estimated_units


def _add_cells(context: Context, first: Publication, second: Publication, changes: Sequence[FigureChange]) -> None:
    if not changes:
        return
    wanted = [change.figure for change in changes]
    old, new = (_read_cells(context, which, wanted) for which in (first, second))
    for change in changes:
        before, after = old[change.figure], new[change.figure]
        for place in sorted(before.keys() | after.keys()):
            was, now = before.get(place), after.get(place)
            if was is None or now is None or _gives(was[1]) != _gives(now[1]):
                unit, form, row, column, _ = place
                name = (now or was or ("",))[0]
                change.cells.append(
                    CellChange(unit, name, form, row, column, was[1] if was else None, now[1] if now else None)
                )


def _gives(cell: CellValue) -> tuple[object, ...]:
    """What a figure takes from a cell. The same number out of another file changes nothing."""
    return cell.number, cell.counted


_Cells = dict[tuple[str, str, str, str, int], tuple[str, CellValue]]


def _read_cells(context: Context, publication: Publication, figures: Sequence[str]) -> defaultdict[str, _Cells]:
    """Figure → (unit, form, row, column, ordinal) → the unit's name and the cell, as of the publication's instant."""
    statement = sa.text(
        "SELECT figure, unit, unit_name, form, form_row, column_code, ordinal, submission_id, sheet, cell, raw, number, counted, "
        "left_out FROM mart.contribution WHERE report = :report AND period = :period AND figure = ANY(:figures)"
    )
    found: defaultdict[str, _Cells] = defaultdict(dict)
    names: dict[str, Any] = {"report": publication.report, "period": publication.period, "figures": list(figures)}
    with open_snapshot(context, publication.as_of) as connection:
        for row in connection.execute(statement, names):
            cell = CellValue(row.submission_id, row.sheet, row.cell, row.raw, row.number, row.counted, row.left_out)
            found[row.figure][row.unit, row.form, row.form_row, row.column_code, row.ordinal] = (row.unit_name, cell)
    return found
