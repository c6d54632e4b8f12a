"""How a publication is shown: as JSON for machines, as lines for people. For `etl.cli.review`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from etl.calendar.deadlines import TIMEZONE

if TYPE_CHECKING:
    from etl.usecases.publication import CellChange, CellValue, Publication, PublicationDiff

STATES = {
    "approved": "đã duyệt",
    "published": "đã công bố",
    "superseded": "đã được thay thế",
    "withdrawn": "đã rút duyệt",
}


def show_publication(one: Publication) -> dict[str, object]:
    """One line of `publication list --json`."""
    return {
        "report": one.report, "period": one.period, "number": one.number, "state": one.state, "as_of": _iso(one.as_of),
        "checksum": one.checksum, "figures": one.figures, "approved_by": one.approved_by, "approved_why": one.approved_why,
        "published_by": one.published_by, "published_why": one.published_why,
        "published_at": _iso(one.published_at) if one.published_at else None,
    }  # fmt: skip


def show_diff(found: PublicationDiff) -> dict[str, object]:
    """What `publication diff --json` prints; values as exact texts."""
    return {
        "report": found.report,
        "period": found.period,
        "numbers": [found.first.number, found.second.number],
        "changes": [
            {
                "figure": change.figure, "label": change.label, "old": change.old, "new": change.new,
                "old_units": change.old_units, "new_units": change.new_units,
                "cells": [
                    {
                        "unit": cell.unit, "unit_name": cell.unit_name, "form": cell.form, "row": cell.row,
                        "column": cell.column, "old": _show_cell(cell.old), "new": _show_cell(cell.new),
                    }
                    for cell in change.cells
                ],
            }
            for change in found.changes
        ],
    }  # fmt: skip


def _show_cell(cell: CellValue | None) -> dict[str, object] | None:
    if cell is None:
        return None
    number = None if cell.number is None else str(cell.number)
    return {
        "submission": cell.submission, "sheet": cell.sheet, "cell": cell.cell, "raw": cell.raw, "number": number,
        "counted": cell.counted, "left_out": cell.left_out,
    }  # fmt: skip


def tell_cell(change: CellChange) -> str:
    def tell(cell: CellValue | None) -> str:
        if cell is None:
            return "không có"
        counted = "" if cell.counted else f" (không tính: {cell.left_out or 'chỉ để xem'})"
        return f"“{cell.raw or ''}” tại {cell.sheet or ''}!{cell.cell or ''}, lần nộp {cell.submission}{counted}"

    return f"{change.unit} {change.unit_name}: {tell(change.old)} → {tell(change.new)}"


def name_publication(one: Publication) -> str:
    return f"{one.report}:{one.period} lần công bố {one.number}" if one.number else f"{one.report}:{one.period}"


def _iso(instant: datetime) -> str:
    return instant.astimezone(TIMEZONE).isoformat(timespec="seconds")
