"""`trace`: from a consolidated figure to the cells of the workbooks it came from, and what was left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from etl.register.entities import UnitType
from etl.usecases.consolidate import open_snapshot
from etl.usecases.context import Context
from etl.warehouse.register_load import ANY_ROW


class UnknownFigure(LookupError):
    """No consolidated figure has that id."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One cell of one unit's file. `counted` False: shown, but not in the figure (a bloc, whose members reported it; or
    a rate's part without its whole)."""

    unit: str
    unit_name: str
    sheet: str | None
    cell: str | None
    raw: str | None
    number: Decimal
    received_at: datetime
    file: str
    sha256: str
    counted: bool


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A unit that owes the form and is not in the figure; `reason` is a state of the board or `blank` (of a rate: part
    or whole not given)."""

    unit: str
    unit_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Trace:
    """A figure with everything behind it. A rate traces to its part and its whole."""

    figure: str
    value: Decimal | None
    contributions: dict[str, list[Contribution]]
    left_out: list[LeftOut]


def trace_figure(context: Context, figure: str) -> Trace:
    """Follow `report:period/form/row/measure`. Raises UnknownFigure with an example of an id."""
    report, _, rest = figure.partition(":")
    period, _, rest = rest.partition("/")
    names = {"figure": figure, "report": report, "period": period, "form": rest.partition("/")[0]}
    with open_snapshot(context) as connection:
        row = connection.execute(
            # The first three say nothing more, but let the server read one form of one period.
            sa.text(
                "SELECT * FROM mart.figure WHERE report = :report AND period = :period AND form = :form "
                "AND figure = :figure"
            ),
            names,
        ).first()
        if row is None:
            raise UnknownFigure(
                f"no figure {figure!r}; an id is report:period/form/row/measure, "
                "such as movements-half:2026-S1/F05/01/F05.01.1 (see `consolidate --json`)"
            )
        parts = connection.execute(
            sa.text(
                "SELECT rate_of_part, rate_of_whole, row_code FROM register.form_field WHERE form = :form AND measure = :measure "
                "AND aggregation = 'rate' AND retired_at IS NULL ORDER BY form_version DESC LIMIT 1"
            ),
            {"form": row.form, "measure": row.measure},
        ).first()
        measures = [parts.rate_of_part, parts.rate_of_whole] if parts else [row.measure]
        paired = set(
            connection.execute(
                sa.text(
                    "SELECT unit FROM mart.rate_source WHERE report = :report AND period = :period AND form = :form "
                    "AND figure = :figure"
                ),
                names,
            ).scalars()
        )
        contributions: dict[str, list[Contribution]] = {}
        present: set[str] = set()
        for measure in measures:
            cells = connection.execute(
                sa.text(
                    "SELECT f.*, a.file_name FROM mart.figure_source f JOIN core.submission s ON s.id = f.submission_id "
                    "JOIN landing.arrival a ON a.id = s.arrival_id WHERE f.report = :report AND f.period = :period "
                    "AND f.form = :form AND f.measure = :measure "
                    "AND (f.row_key = :row OR :fixed_rate) ORDER BY f.unit"
                ),
                {
                    "report": row.report, "period": row.period, "form": row.form, "measure": measure,
                    "row": row.row_key,
                    # Part and whole of a fixed form stand on rows of their own; of a list, on the same row.
                    "fixed_rate": parts is not None and parts.row_code != ANY_ROW,
                },
            ).all()  # fmt: skip
            contributions[measure] = [
                Contribution(
                    c.unit, c.unit_name, c.sheet, c.cell, c.raw, c.number, c.received_at, c.file_name, c.sha256,
                    c.counted and (parts is None or c.unit in paired),
                )
                for c in cells
            ]  # fmt: skip
            # A bloc is not missing: its members' values are there.
            blocs = {c.unit for c in cells if c.unit_type == UnitType.BLOC}
            present |= blocs | {c.unit for c in contributions[measure] if c.counted}
        left_out = _find_left_out(connection, row, present)
    return Trace(figure, row.value, contributions, left_out)


def _find_left_out(connection: sa.Connection, figure: sa.Row[tuple[object, ...]], present: set[str]) -> list[LeftOut]:
    rows = connection.execute(
        sa.text(
            "SELECT b.unit, b.unit_name, b.status FROM mart.board b JOIN register.report_form f ON f.report = b.report "
            "AND f.unit_type = b.unit_type AND f.form = :form AND f.status <> 'not_owed' AND f.retired_at IS NULL "
            "WHERE b.report = :report AND b.period = :period ORDER BY b.unit"
        ),
        {"form": figure.form, "report": figure.report, "period": figure.period},
    ).all()
    return [
        LeftOut(row.unit, row.unit_name, "blank" if row.status in {"on_time", "late"} else row.status)
        for row in rows
        if row.unit not in present
    ]
