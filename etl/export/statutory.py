"""The statutory tables 0601–0605 in their official layout, from a form's declaration and the figures. Pure.

Source: domain brief §4.2 (tables of TT 2/2023/TT-BNV as transcribed there; check against the gazette). What a layout adds to
the declaration of its form (headings between rows, which rows of a form make which table) is `statutory.yaml` beside this
file: configuration, since no source read settles it. It must not compute figures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml

from etl.export.model import HeaderCell, OfficialColumn, OfficialRow, OfficialTable, Printed, TitleBlock
from etl.export.tables import show_cell
from etl.forms.declaration import Column, FormVersion, Kind, MatrixRow
from etl.text import capitalise

_NUMBER = re.compile(r"\b(\d{4})(\.N/[A-ZĐ-]+)")
_FORMULA = re.compile(r"^(?P<words>.*?)\s*\((?P<formula>\d+=[^()]*)\)$")
_STUB_WIDTH: Final = 46.0
_CODE_WIDTH: Final = 8.0
_FIGURE_WIDTH: Final = 13.0
_WIDEST: Final = 20.0
_PAGE_WIDTH: Final = 120.0
"""Characters to which a table of few columns is widened, so that its title has room."""


def is_statutory(version: FormVersion) -> bool:
    """Whether this layout is a table that a circular issues under a number, such as 0603.N/BNV-TĐKT."""
    return version.kind is Kind.MATRIX and _NUMBER.search(version.instrument) is not None


def statutory_tables(
    form: str,
    version: FormVersion,
    figures: Mapping[tuple[str, str], Printed],
    *,
    reporter: str,
    receiver: str,
    coverage_note: str = "",
    place: str = "",
) -> list[OfficialTable]:
    """The table or tables (form F09: two) of a layout, with title block, grouped header, codes and signatures.

    `figures` by (row code, column code). Structural zeros print "x"; what nobody gave stays blank.
    Raises ValueError for a layout that is not statutory.
    """
    if not is_statutory(version):
        raise ValueError(f"{form} {version.version} is no statutory table: {version.instrument}")
    layout: Mapping[str, Any] = _layouts().get(form, {})
    issued = version.instrument.rpartition(", ")[2].replace("Thông tư ", "Thông tư số ")
    tables = []
    for number, suffix in _NUMBER.findall(version.instrument):
        part: Mapping[str, Any] = layout.get("tables", {}).get(number, {})
        codes = part.get("rows")
        rows = [row for row in version.rows if codes is None or row.code in codes]
        columns = [c for c in version.columns if c.code not in part.get("without_columns", ())]
        # The code of the total says what it is made of, as in the circular: "1=2+3+4".
        room = min(_WIDEST, (_PAGE_WIDTH - _STUB_WIDTH - _CODE_WIDTH) / len(columns))
        printed = [
            OfficialColumn(_formula_of(c.label) or c.code, _words_of(c.label), max(room, _width_of(c))) for c in columns
        ]
        tables.append(
            OfficialTable(
                sheet=f"{number} {part.get('sheet') or version.sheet.partition(' ')[2]}",
                title=part.get("title") or version.title,
                instrument=version.instrument,
                unit_note=part.get("unit") or version.unit_note,
                columns=(
                    OfficialColumn("A", "", _STUB_WIDTH),
                    OfficialColumn("B", "Mã số", _CODE_WIDTH, centered=True),
                    *printed,
                ),
                rows=tuple(_rows_of(rows, columns, version, figures, layout.get("headings", {}))),
                coverage_note=coverage_note,
                notes=tuple(note for note in part.get("notes", ())),
                footer=f"Biểu {number}{suffix} – từ biểu {form} phiên bản {version.version}",
                stubs=2,
                header=group_header(("", "Mã số"), columns),
                block=TitleBlock(f"{number}{suffix}", issued, reporter, receiver, place),
            )
        )
    return tables


def group_header(stubs: tuple[str, ...], columns: list[Column]) -> tuple[tuple[HeaderCell, ...], ...]:
    """The header with what belongs together under one cell.

    The columns a total is made of stand under "Chia ra"; neighbours of one name ("Bằng khen: tập thể", "Bằng khen: cá nhân")
    under that name. Columns the province added stand outside.
    """
    first = len(stubs)
    # A total of one group among several ("Phát hiện: tổng số") is not made of all that follows.
    total = next(
        (
            place
            for place, c in enumerate(columns)
            if c.total and _formula_of(c.label) and ": " not in _words_of(c.label)
        ),
        None,
    )
    inside = [place for place, c in enumerate(columns) if total is not None and place > total and not c.provincial]
    names = [_words_of(c.label).partition(": ") for c in columns]
    paired = {
        place
        for place in range(len(columns))
        for other in (place - 1, place + 1)
        if 0 <= other < len(columns) and names[place][1] and names[place][0] == names[other][0]
    }
    depth = 1 + bool(inside) + bool(paired)
    rows: list[list[HeaderCell]] = [[] for _ in range(depth)]
    rows[0] += [HeaderCell(label, place, rows=depth) for place, label in enumerate(stubs)]
    if inside:
        rows[0].append(HeaderCell("Chia ra", first + inside[0], columns=len(inside)))
    place = 0
    while place < len(columns):
        top = 1 if place in inside else 0
        if place not in paired:
            rows[top].append(HeaderCell(_words_of(columns[place].label), first + place, rows=depth - top))
            place += 1
            continue
        last = place
        while last + 1 in paired and names[last + 1][0] == names[place][0]:
            last += 1
        rows[top].append(HeaderCell(names[place][0], first + place, columns=last - place + 1, rows=depth - top - 1))
        rows[depth - 1] += [HeaderCell(capitalise(names[each][2]), first + each) for each in range(place, last + 1)]
        place = last + 1
    return tuple(tuple(sorted(row, key=lambda cell: cell.column)) for row in rows)


def _rows_of(
    rows: list[MatrixRow],
    columns: list[Column],
    version: FormVersion,
    figures: Mapping[tuple[str, str], Printed],
    headings: Mapping[str, str],
) -> list[OfficialRow]:
    found = []
    open_prefix = ""
    blank: tuple[Printed, ...] = ("",) * (len(columns) + 1)
    for row in rows:
        prefix, _, rest = row.label.partition(": ")
        # "Trong đó: Doanh nghiệp" belongs to the row above it, not to a group of its own.
        grouped = bool(rest) and row.level == 1 and prefix != "Trong đó"
        if row.code in headings:
            found.append(OfficialRow((headings[row.code], *blank), heading=True))
        elif grouped and prefix != open_prefix:
            found.append(OfficialRow((f"Chia theo {prefix[:1].lower()}{prefix[1:]}", *blank), heading=True))
        open_prefix = prefix if grouped else ""
        values = tuple(
            show_cell(version, row.code, column.code, figures.get((row.code, column.code))) for column in columns
        )
        label = capitalise(rest) if grouped else row.label
        found.append(OfficialRow((label, row.code, *values), row.level, row.level == 0))
    return found


def _formula_of(label: str) -> str:
    found = _FORMULA.match(label)
    return found["formula"] if found else ""


def _words_of(label: str) -> str:
    found = _FORMULA.match(label)
    return found["words"] if found else label


def _width_of(column: Column) -> float:
    formula = _formula_of(column.label)
    return max(_FIGURE_WIDTH, len(formula) + 2.0 if formula else 0.0, float(column.width) if column.provincial else 0.0)


@lru_cache(maxsize=1)
def _layouts() -> Mapping[str, Any]:
    with Path(__file__).with_name("statutory.yaml").open(encoding="utf-8") as source:
        loaded: Mapping[str, Any] = yaml.safe_load(source)
    return loaded
