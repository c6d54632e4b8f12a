"""What is hidden inside a table but read all the same: its sender is told. Pure.

Hidden rows and columns are part of the table: to leave them out would lose figures, to read them in silence would let
figures nobody sees into the totals. Must not judge the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from etl.findings.catalogue import Catalogue
from etl.findings.model import Finding
from etl.parsing.submission import ParsedSubmission
from etl.reading.grid import cell_name, column_name, parse_cell_name
from etl.recognition.tables import Table


def find_hidden(table: Table, parsed: ParsedSubmission, catalogue: Catalogue) -> Iterator[Finding]:
    """At most one finding on the hidden rows and one on the hidden columns in which the unit has filled something."""
    sheet = table.sheet
    if not (sheet.hidden_rows or sheet.hidden_columns):
        return
    filled = sorted(
        parse_cell_name(cell.cell)
        for key, cell in parsed.cells.items()
        if key.form == table.form
        and cell.cell is not None
        and cell.declared.prefill is None
        and cell.value.missing not in ("blank", "not_applicable", "absent")
    )
    rows = [place for place in filled if place[0] in sheet.hidden_rows]
    columns = [place for place in filled if place[1] in sheet.hidden_columns]
    if rows:
        yield catalogue.make_finding(
            "ROW-HIDDEN", form=table.form, sheet=sheet.name, cell=cell_name(*rows[0]),
            value=", ".join(_show_runs({row for row, _ in rows}, lambda row: str(row + 1))),
        )  # fmt: skip
    if columns:
        yield catalogue.make_finding(
            "COLUMN-HIDDEN", form=table.form, sheet=sheet.name, cell=cell_name(*columns[0]),
            value=", ".join(_show_runs({column for _, column in columns}, column_name)),
        )  # fmt: skip


def _show_runs(places: Iterable[int], show: Callable[[int], str]) -> list[str]:
    """Places that follow each other as one: 4, 6, 7, 8 is "4", "6–8"."""
    runs: list[list[int]] = []
    for place in sorted(places):
        if runs and place == runs[-1][1] + 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    return [show(first) if first == last else f"{show(first)}–{show(last)}" for first, last in runs]
