"""Finds the table of a form in a sheet by its codes, and which sheet holds which form. Pure; gives places, not values.

A table is found by its row of column codes and its column of row codes, not by positions: a unit that inserts a row
above or moves a column must not move a figure to another meaning.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from etl.forms.declaration import Form, FormVersion, Kind
from etl.reading.grid import CellKind, Sheet, Workbook
from etl.recognition.layouts import LabelGrid, Layout, label_keys, match_layout, measure_title_and_rows
from etl.text import comparison_key, normalise

METADATA_SHEET = "_meta"
_HEADER_SEARCH_ROWS = 80
_FEWEST_CODES = 0.6
_SAME_TABLE = 0.6
_MOST_ROWS = 0.6
"""Share of a form's row labels from which a sheet without a table is meant to be that form."""
_SHORT_ALIAS = 6
"""Letters below which an abbreviation is near to every other one: "GKC" is no "KNC"."""
RESULT_SHEET = "Kết quả kiểm tra"
"""The sheet that an annotated copy carries, numbered when the sender has one of that name."""

_IGNORED_SHEETS = {
    comparison_key(name)
    for name in ("Hướng dẫn", METADATA_SHEET, "_lists", RESULT_SHEET, *(f"{RESULT_SHEET} ({n})" for n in range(2, 10)))
}
_NO_TEXT = frozenset({CellKind.ERROR, CellKind.INVALID})
_FORMULA_CODE = re.compile(r"^\(?([0-9A-Z]{1,2})\)?\s*=[\d\s+\-–:/x*().,=%]+$", re.IGNORECASE)
_ROW_CODE = re.compile(r"^\d{1,3}$")


@dataclass(slots=True)
class Table:
    """Where a form's table stands in a sheet: zero-based row of the column codes, and the column of each code."""

    sheet: Sheet
    form: str
    version: FormVersion
    code_row: int
    columns: dict[str, int]
    doubled: list[tuple[str, int]] = field(default_factory=list)
    """Column codes that come again, with the second's column."""
    by_labels: bool = False
    """Codes were gone: found by the words of headers and rows. `code_row` is then the last header row."""
    rows: Mapping[str, int] | None = None
    """Row code -> row of the sheet, where rows were found by their labels too; None: by their codes."""
    unknown_headers: tuple[tuple[int, int], ...] | None = None
    """Headers of columns that the form does not have; None: the row of column codes tells (`list_unknown_headers`)."""

    @property
    def row_code_column(self) -> int | None:
        """The sheet column of the row codes of a `fields` or `matrix` table; None when it is gone."""
        return self.columns.get("A" if self.version.kind is Kind.FIELDS else "B")


@dataclass(slots=True)
class FoundForms:
    """The tables by form code, and what else was in the workbook."""

    tables: dict[str, Table] = field(default_factory=dict)
    doubled: list[Table] = field(default_factory=list)
    without_table: list[tuple[str, Sheet]] = field(default_factory=list)
    unknown_sheets: list[Sheet] = field(default_factory=list)
    hidden_sheets: list[Sheet] = field(default_factory=list)
    hidden_forms: dict[str, Sheet] = field(default_factory=dict)
    """Forms that stand in a hidden sheet: not read, since a sender does not see what is there."""


def read_text(sheet: Sheet, row: int, column: int) -> str:
    """The normalised text of a cell, "" when blank."""
    cell = sheet.cells.get((row, column))
    return normalise(cell.text) if cell is not None and cell.kind not in _NO_TEXT else ""


@lru_cache(maxsize=65536)
def read_code(text: str, width: int = 0) -> str:
    """A code as typed, made comparable: "(A)" and "A" are one; a number that lost its noughts gets them back."""
    code = text.strip("()[]. ").removesuffix(".0")
    return code.zfill(width) if code.isdigit() else code.upper()


def find_forms(workbook: Workbook, forms: Mapping[str, Form], metadata: Mapping[str, str]) -> FoundForms:
    """Which sheet holds which form. Metadata of our template first, then the sheet's name, then what its table says."""
    found = FoundForms()
    named = _forms_by_sheet_name(metadata)
    for sheet in workbook.sheets:
        if comparison_key(sheet.known_as) in _IGNORED_SHEETS or not sheet.cells:
            continue
        if not sheet.visible:
            hidden = _find_in(sheet, forms, named)[0]
            if hidden is not None:
                found.hidden_forms.setdefault(hidden.form, sheet)
            else:
                found.hidden_sheets.append(sheet)
            continue
        table, code = _find_in(sheet, forms, named)
        if table is not None and table.form in found.tables:
            found.doubled.append(table)
        elif table is not None:
            found.tables[table.form] = table
        elif code in forms:
            found.without_table.append((code, sheet))
        else:
            found.unknown_sheets.append(sheet)
    for sheet in list(found.unknown_sheets):
        meant = _guess_form(sheet, forms.values())
        if meant is not None and meant not in found.tables:
            found.unknown_sheets.remove(sheet)
            found.without_table.append((meant, sheet))
    return found


def _guess_form(sheet: Sheet, forms: Iterable[Form]) -> str | None:
    """The one form that a sheet without a table is meant to be: its title stands there, else most of its row labels.

    Its sender must be told to mend it; taken for a sheet of their own, its figures would be lost without a word.
    """
    grid = LabelGrid(sheet)
    titled: list[str] = []
    shares: dict[str, float] = {}
    for form in forms:
        measured = [measure_title_and_rows(grid, form.code, version) for version in form.versions]
        if any(has_title for has_title, _ in measured):
            titled.append(form.code)
        shares[form.code] = max(share for _, share in measured)
    if len(titled) == 1:
        return titled[0]
    most = max(shares.values(), default=0.0)
    best = [code for code, share in shares.items() if share == most]
    return best[0] if most >= _MOST_ROWS and len(best) == 1 else None


def _find_in(sheet: Sheet, forms: Mapping[str, Form], named: Mapping[str, str]) -> tuple[Table | None, str]:
    """(the table in a sheet, the form that its name or our metadata says)."""
    code = named.get(comparison_key(sheet.name)) or _form_by_name(sheet.known_as, forms) or ""
    named_form = forms.get(code)
    table = _best_table(sheet, [named_form], sure=True) if named_form else None
    if table is None or measure_likeness(table) < _SAME_TABLE:
        # A sheet may carry one form's name and hold another; labels tell, a name and a few codes do not.
        table = (
            _best_table(sheet, list(forms.values()), sure=False)
            or _find_by_labels(sheet, named_form, forms.values(), table)
            or table
        )
    return table, code


def _find_by_labels(sheet: Sheet, named: Form | None, forms: Iterable[Form], coded: Table | None) -> Table | None:
    """The table of a form whose codes are gone, by its labels. The sheet's name decides between forms; without one, only
    a single form may fit. `coded`: what was found of the named form by column codes alone."""
    grid = LabelGrid(sheet)
    if named is not None:
        if coded is not None and (layout := match_layout(grid, coded.version, (coded.code_row, coded.columns))):
            return _make_table(sheet, named, coded.version, layout, coded.doubled)
        if (table := _best_layout(grid, named)) is not None:
            return table
    fitting = [table for form in forms if (table := _best_layout(grid, form)) is not None]
    return fitting[0] if len(fitting) == 1 else None


def _best_layout(grid: LabelGrid, form: Form) -> Table | None:
    """The layout of a form that fits best, the newest of equals."""
    fitting = [(layout, version) for version in form.versions if (layout := match_layout(grid, version)) is not None]
    if not fitting:
        return None
    layout, version = max(reversed(fitting), key=lambda found: found[0].score)
    return _make_table(grid.sheet, form, version, layout, [])


def _make_table(
    sheet: Sheet, form: Form, version: FormVersion, layout: Layout, doubled: list[tuple[str, int]]
) -> Table:
    return Table(
        sheet, form.code, version, layout.header_row, layout.columns, doubled, True, layout.rows, layout.unknown
    )


def find_table(sheet: Sheet, form: Form, version: FormVersion) -> Table | None:
    """The table of one layout in a sheet, by the row that carries most of its column codes; None when no row does."""
    wanted = [code for code, _ in version.printed_columns]
    best: Table | None = None
    rows = sorted({row for row, _ in sheet.cells if row < _HEADER_SEARCH_ROWS})
    by_row: dict[int, list[int]] = {row: [] for row in rows}
    for row, column in sheet.cells:
        if row in by_row:
            by_row[row].append(column)
    enough = min(max(3, round(len(wanted) * _FEWEST_CODES)), len(wanted))
    letters = [code for code in wanted if code.isalpha()]
    for row in rows:
        columns: dict[str, int] = {}
        doubled: list[tuple[str, int]] = []
        for column in sorted(by_row[row]):
            code = read_code(read_text(sheet, row, column))
            if "=" in code and (formula := _FORMULA_CODE.match(code)):
                code = formula[1]  # "1=2+3+4+5": how the column is made up is printed with its code
            if code in wanted:
                if code in columns:
                    doubled.append((code, column))
                else:
                    columns[code] = column
        if len(columns) < enough or not any(code in columns for code in letters):
            continue
        if best is None or len(columns) > len(best.columns):
            best = Table(sheet, form.code, version, row, columns, doubled)
        if len(best.columns) == len(wanted):
            break  # no row below can carry more
    return best


def measure_likeness(table: Table) -> float:
    """Share of the printed labels that stand where the codes say, 0 to 1: tells tables with the same codes apart."""
    sheet, version = table.sheet, table.version
    hits = total = 0
    if version.kind is Kind.LIST:
        for code, label in version.printed_columns:
            total += 1
            column = table.columns.get(code)
            if column is None:
                continue
            text = read_label(sheet, table.code_row, column)
            aliases = (word for declared in version.columns if declared.code == code for word in declared.aliases)
            hits += _is_alike(label, text) or any(_is_same(word, text) for word in aliases)
        return hits / max(total, 1)
    labels = version.row_labels
    label_column = table.columns.get("B" if version.kind is Kind.FIELDS else "A")
    code_column = table.row_code_column
    if label_column is None or code_column is None:
        return 0.0
    for row in sorted({row for row, _ in sheet.cells if row > table.code_row}):
        printed = labels.get(read_code(read_text(sheet, row, code_column), 2))
        if printed is not None:
            code, text = read_code(read_text(sheet, row, code_column), 2), read_text(sheet, row, label_column)
            hits += _is_alike(printed, text) or any(_is_same(word, text) for word in _row_aliases(version, code))
    return hits / len(labels)


def read_label(sheet: Sheet, code_row: int, column: int) -> str:
    """The header text over a code: the nearest text above it, through merged header rows."""
    place = find_label(sheet, code_row, column)
    return read_text(sheet, *place) if place else ""


def find_label(sheet: Sheet, code_row: int, column: int) -> tuple[int, int] | None:
    """Where the header text over a column stands; None when the cell above is blank and not part of a merged header."""
    above = code_row - 1
    if read_text(sheet, above, column):
        return above, column
    for first_row, first_column, last_row, last_column in sheet.merged:
        if first_row <= above <= last_row and first_column <= column <= last_column:
            return (first_row, first_column) if read_text(sheet, first_row, first_column) else None
    return None


def list_unknown_headers(table: Table) -> list[tuple[int, int]]:
    """Where the headers stand of columns that are none of the form's, from the left."""
    if table.unknown_headers is not None:
        return sorted(table.unknown_headers)
    sheet, code_row = table.sheet, table.code_row
    known = set(table.columns.values()) | {column for _, column in table.doubled}
    places = []
    for column in sorted({c for r, c in sheet.cells if r in (code_row, code_row - 1)} - known):
        place = find_label(sheet, code_row, column)
        if place is None and read_text(sheet, code_row, column):
            place = (code_row, column)
        # A merged header that begins over a known column belongs to that column.
        if place is not None and place[1] not in known:
            places.append(place)
    return places


def list_column_names(version: FormVersion) -> dict[str, str]:
    """Every word for a column of a layout -> its printed label: the labels themselves first, then the aliases."""
    names = {label: label for _, label in version.printed_columns}
    for column in version.columns:
        names |= {word: column.label for word in column.aliases if word not in names}
    return names


def suggest(text: str, known: Sequence[str] | Mapping[str, str]) -> str:
    """ " Có phải là “…”?" with the nearest known spelling, or "" when none is near.

    `known` as a mapping: other words for a thing -> the name to suggest. Short ones count only as they are.
    """
    names = known if isinstance(known, Mapping) else {word: word for word in known}
    key = comparison_key(text)
    keys: dict[str, str] = {}
    for word, name in names.items():
        spelling = comparison_key(word)
        if word == name or spelling == key or len(spelling) >= _SHORT_ALIAS:
            keys.setdefault(spelling, name)
    near = difflib.get_close_matches(key, list(keys), n=1, cutoff=0.6)
    return f" Có phải là “{keys[near[0]]}”?" if near else ""


def is_row_code(text: str) -> bool:
    """True for a text that looks like a row code of a statutory table."""
    return bool(_ROW_CODE.match(text))


def _best_table(sheet: Sheet, forms: Sequence[Form], *, sure: bool) -> Table | None:
    best, best_score = None, 0.0
    for form in forms:
        for version in reversed(form.versions):
            table = find_table(sheet, form, version)
            if table is None:
                continue
            score = measure_likeness(table)
            if (sure or score >= _SAME_TABLE) and (best is None or score > best_score):
                best, best_score = table, score
    return best


def _forms_by_sheet_name(metadata: Mapping[str, str]) -> dict[str, str]:
    named = {}
    for key, value in metadata.items():
        if key.startswith("form:"):
            named[comparison_key(value.rpartition("|")[0] or value)] = key.removeprefix("form:")
    return named


def _form_by_name(name: str, forms: Mapping[str, Form]) -> str | None:
    key = comparison_key(name)
    for code, form in forms.items():
        for version in form.versions:
            if key in {comparison_key(word) for word in (version.sheet, *version.sheet_aliases)}:
                return code
    first = key.split(" ")[0].upper()
    return first if first in forms else None


def _row_aliases(version: FormVersion, code: str) -> tuple[str, ...]:
    aliases = {row.code: row.aliases for row in version.fields} | {row.code: row.aliases for row in version.rows}
    return aliases.get(code, ())


def _is_same(alias: str, found: str) -> bool:
    """Aliases may be as short as "Cờ": they count whole only, or they would be the beginning of everything."""
    return not set(label_keys(alias)).isdisjoint(label_keys(found))


def _is_alike(label: str, found: str) -> bool:
    if not found:
        return False
    wanted, given = comparison_key(label), comparison_key(found)
    if wanted == given or wanted.startswith(given) or given.startswith(wanted):
        return True
    # "+ Cá nhân", "2. Tập thể (1)", "Trong đó: …": the numbering and marks of other prints.
    return not set(label_keys(label)).isdisjoint(label_keys(found))
