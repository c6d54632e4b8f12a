"""Finds a form's table by the words of its headers and rows, where the codes are gone: the fingerprint of a layout. Pure.

For ministries' own prints, and copies whose row of column codes or column of row codes was deleted. Nothing is guessed:
a label that fits two places fits none, and a layout that is not nearly complete is not found.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from etl.forms.declaration import FIELD_COLUMN, FormVersion, Kind
from etl.reading.grid import CellKind, Sheet
from etl.text import comparison_key, normalise

Place = tuple[int, int]
ENOUGH = 0.8
"""Share of the rows, and of the columns, that must be found."""
_HEADER_ROWS = 8
_SEARCH_ROWS = 60
_SEARCH_COLUMNS = 60
_LAST_LABEL_ROW = 400
_LONGEST_LABEL = 300
_MOST_COVERED = 50_000
"""Bounds of what is looked at: a sheet may hold a million cells, and every form is tried on it."""
_CODES_SHARE = 0.6

_PREFIX = re.compile(r"^(?:(?:\d{1,2}(?:\.\d{1,2})*|[IVX]{1,5}|[a-zđ])\s*[.)/]\s*|[-–—+*•·]\s*)(?=\S)")
_LEAD = re.compile(r"^(?:trong đó|trong tổng số|chia ra|bao gồm|gồm)\s*[:,-]?\s*(?=\w)", re.IGNORECASE)
_FORMULA = re.compile(r"\((?=[^()]*=)[^()]*\)")
_FOOTNOTE = re.compile(r"(?:\s*(?:\(\s*(?:\d{1,2}|\*{1,3})\s*\)|\*|[¹²³⁴⁵⁶⁷⁸⁹]))+$")
_ASIDE = re.compile(r"\s*\([^()]*\)\s*$")
# Two letters are a short heading (BK, GK), not a code; roman numbers are codes.
_CODE_LIKE = re.compile(r"^\(?(?:[A-Z]?\d|\d?[A-Z]|\d\d|[IVX]{2,4})\)?(?:\s*=[\d\s+\-–:/x*().,=%]+)?$")

_CODE_HEADERS = frozenset(map(comparison_key, ("Mã số", "Mã", "MS", "Mã dòng", "Mã chỉ tiêu")))
_VALUE_HEADERS = frozenset(map(comparison_key, ("Giá trị", "Số lượng", "Số liệu", "Kết quả", "Nội dung")))
_SILENT_HEADERS = _CODE_HEADERS | frozenset(
    map(comparison_key, ("STT", "TT", "Số TT", "Số thứ tự", "Ghi chú", "Đơn vị tính", "ĐVT", "Đơn vị", "Chỉ tiêu"))
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a table stands: its last header row, the column of each code, the row of each code (None: codes are there).

    `unknown` are headers of columns with figures that the form does not have (None: the column codes tell them);
    `score` is the share found, 0 to 1.
    """

    header_row: int
    columns: dict[str, int]
    rows: dict[str, int] | None
    unknown: tuple[Place, ...] | None
    score: float


@lru_cache(maxsize=16384)
def label_keys(text: str) -> tuple[str, ...]:
    """What a printed label is compared by, most exact first: without numbering, lead-ins ("Trong đó:"), footnote marks and
    formulas; then also without a remark in brackets at its end. Empty for a text that is no label."""
    if len(text) > _LONGEST_LABEL:
        return ()
    text = _FORMULA.sub(" ", normalise(text))
    while (shorter := _PREFIX.sub("", _FOOTNOTE.sub("", text.strip()))) != text:
        text = shorter
    text = _LEAD.sub("", text)
    text = _PREFIX.sub("", text)
    keys = (comparison_key(text), comparison_key(_ASIDE.sub("", text)))
    return tuple(dict.fromkeys(key for key in keys if any(letter.isalpha() for letter in key)))


@dataclass(frozen=True, slots=True)
class _Labels:
    """Exact key -> codes with that label, in print order; and the same for keys without the remark in brackets."""

    exact: Mapping[str, tuple[str, ...]]
    loose: Mapping[str, tuple[str, ...]]

    def codes(self, text: str) -> tuple[str, ...]:
        keys = label_keys(text)
        return next((codes for key in keys if (codes := self.exact.get(key) or self.loose.get(key))), ())


def _index_labels(labels: Iterable[tuple[str, Iterable[str]]]) -> _Labels:
    exact, loose = defaultdict(list), defaultdict(list)
    for code, texts in labels:
        for text in dict.fromkeys(texts):
            keys = label_keys(text)
            for key in keys[:1]:
                exact[key].append(code)
            for key in keys[1:]:
                loose[key].append(code)
    return _Labels(*({key: tuple(dict.fromkeys(codes)) for key, codes in index.items()} for index in (exact, loose)))


_known: dict[int, tuple[FormVersion, _Labels, _Labels]] = {}


def _labels_of(version: FormVersion) -> tuple[_Labels, _Labels]:
    """(labels of the rows, labels of the columns). Declarations are few and live as long as the program."""
    found = _known.get(id(version))
    if found is None or found[0] is not version:
        printed = [(field.code, (field.label, *field.aliases)) for field in version.fields]
        rows = _index_labels([*printed, *((row.code, (row.label, *row.aliases)) for row in version.rows)])
        columns = _index_labels((column.code, (column.label, *column.aliases)) for column in version.columns)
        found = _known[id(version)] = (version, rows, columns)
    return found[1], found[2]


class LabelGrid:
    """The texts of a sheet's upper left part, and which cell speaks for a merged place. Made once for all layouts."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.texts: dict[Place, str] = {}
        for place, cell in sheet.cells.items():
            if (
                cell.kind in (CellKind.TEXT, CellKind.NUMBER)
                and place[0] < _LAST_LABEL_ROW
                and place[1] < _SEARCH_COLUMNS
            ):
                self.texts[place] = normalise(cell.text[: _LONGEST_LABEL + 1])
        self.columns = sorted({column for _, column in self.texts})
        self.keys = {key for text in self.texts.values() for key in label_keys(text)}
        self._covered: dict[Place, Place] = {}
        spent = 0
        for first_row, first_column, last_row, last_column in sheet.merged:
            height = max(0, min(last_row + 1, _LAST_LABEL_ROW) - first_row)
            spent += height * max(0, min(last_column + 1, _SEARCH_COLUMNS) - first_column)
            if spent > _MOST_COVERED:
                break  # ranges heaped on one another: no sheet that a person made
            for row in range(first_row, min(last_row + 1, _LAST_LABEL_ROW)):
                for column in range(first_column, min(last_column + 1, _SEARCH_COLUMNS)):
                    self._covered.setdefault((row, column), (first_row, first_column))

    def owner(self, row: int, column: int) -> Place:
        """The cell whose text is shown at a place."""
        place = row, column
        return place if place in self.texts else self._covered.get(place, place)

    def list_headers(self, below: int, column: int, label_column: int | None) -> list[Place]:
        """The header cells over a column, lowest first; titles merged over the labels too are none."""
        found: list[Place] = []
        for row in range(below - 1, max(-1, below - 1 - _HEADER_ROWS), -1):
            place = self.owner(row, column)
            text = self.texts.get(place, "")
            if not text or place in found or _CODE_LIKE.match(text):
                continue
            if label_column is not None and place != (row, column) and self.owner(row, label_column) == place:
                break
            found.append(place)
        return found


def match_layout(
    grid: LabelGrid, version: FormVersion, coded: tuple[int, Mapping[str, int]] | None = None
) -> Layout | None:
    """The layout's table in a sheet by its labels; None when it is not nearly complete, or not certain.

    `coded`: the row of column codes and their columns, where these are still there and only the row codes are gone.
    """
    rows, columns = _labels_of(version)
    # Codes are counted, not spellings: a label with ten abbreviations is found by one of them.
    labels = rows if version.kind is not Kind.LIST else columns
    seen = {code for key in labels.exact.keys() & grid.keys for code in labels.exact[key]}
    if len(seen) < len({code for codes in labels.exact.values() for code in codes}) / 2:
        return None
    return _match_list(grid, version, columns) if version.kind is Kind.LIST else _match_fixed(grid, version, coded)


def measure_title_and_rows(grid: LabelGrid, code: str, version: FormVersion) -> tuple[bool, float]:
    """(the layout's title stands in the sheet, share of its row labels found in one column): whose sheet this is meant
    to be when no table is found. A list has no row labels: 0."""
    # Our templates print "BIỂU F05 – …", other prints the title alone.
    titles = (version.title, f"Biểu {code} – {version.title}")
    has_title = any(not grid.keys.isdisjoint(label_keys(title)[:1]) for title in titles)
    if version.kind is Kind.LIST:
        return has_title, 0.0
    return has_title, len(_match_rows(grid, _labels_of(version)[0])[1]) / len(version.row_labels)


def _assign(found: Mapping[tuple[str, ...], list[int]]) -> dict[str, int]:
    """Code -> place. Codes that share a label take their places in order, if there are as many places; else none does."""
    return {
        code: place
        for codes, places in found.items()
        if len(codes) == len(places)
        for code, place in zip(codes, sorted(places), strict=True)
    }


def _match_rows(grid: LabelGrid, labels: _Labels, below: int = -1) -> tuple[int, dict[str, int]]:
    """(label column, row code -> row): the column in which most labels of the form stand."""
    by_column: dict[int, dict[tuple[str, ...], list[int]]] = defaultdict(lambda: defaultdict(list))
    for (row, column), text in grid.texts.items():
        if row > below and (codes := labels.codes(text)):
            by_column[column][codes].append(row)
    assigned = {column: _assign(found) for column, found in by_column.items()}
    best = max(assigned, key=lambda column: (len(assigned[column]), -column), default=0)
    return best, assigned.get(best, {})


def _match_fixed(grid: LabelGrid, version: FormVersion, coded: tuple[int, Mapping[str, int]] | None) -> Layout | None:
    row_labels, column_labels = _labels_of(version)
    label_column, rows = _match_rows(grid, row_labels, coded[0] if coded else -1)
    if len(rows) < ENOUGH * len(version.row_labels):
        return None
    first = min(rows.values())
    label_code, code_code = ("B", "A") if version.kind is Kind.FIELDS else ("A", "B")
    headers = {
        column: places
        for column in grid.columns
        if column != label_column and (places := grid.list_headers(first, column, label_column))
    }
    heading_rows: set[int] = set()
    if coded is not None:
        header_row, columns = coded[0], dict(coded[1])
    else:
        header_row = first - 1
        columns, heading_rows = _match_columns(grid, headers, version, column_labels)
    asked = [FIELD_COLUMN] if version.kind is Kind.FIELDS else [c.code for c in version.columns if not c.provincial]
    matched = sum(code in columns for code in asked)
    if not columns or matched < ENOUGH * len(asked):
        return None
    by_code = _find_code_column(grid, headers, set(version.row_labels), header_row)
    unknown = None
    if coded is None:
        known = {label_column, by_code, *columns.values()}
        unknown = tuple(_list_unknown(grid, headers, known, set(rows.values()), heading_rows))
    columns = {label_code: label_column} | columns
    if by_code is not None:
        columns[code_code] = by_code
    score = (len(rows) + matched) / (len(version.row_labels) + len(asked))
    return Layout(header_row, columns, None if by_code is not None else rows, unknown, score)


def _match_columns(
    grid: LabelGrid, headers: Mapping[int, list[Place]], version: FormVersion, labels: _Labels
) -> tuple[dict[str, int], set[int]]:
    """(column of each code, rows of the headings that told them)."""
    if version.kind is Kind.FIELDS:
        values = [c for c, places in headers.items() if _VALUE_HEADERS & set(label_keys(grid.texts[places[0]]))]
        return ({FIELD_COLUMN: values[0]}, {headers[values[0]][0][0]}) if len(values) == 1 else ({}, set())
    return _match_headings(grid, headers, labels, alone=True)


def _match_headings(
    grid: LabelGrid, headers: Mapping[int, list[Place]], labels: _Labels, *, alone: bool
) -> tuple[dict[str, int], set[int]]:
    """(column of each code, rows of the headings that told them). `alone`: a group's heading may tell by itself."""
    found: dict[tuple[str, ...], list[int]] = defaultdict(list)
    used: dict[int, list[Place]] = {}
    for column, places in headers.items():
        parts = [places[:depth] for depth in range(len(places), 0, -1)]
        if alone:
            parts += [[place] for place in places[1:]]
        for part in parts:
            if codes := labels.codes(" ".join(grid.texts[place] for place in reversed(part))):
                found[codes].append(column)
                used[column] = part
                break
    columns = _assign(found)
    return columns, {row for column in columns.values() for row, _ in used[column]}


def _find_code_column(
    grid: LabelGrid, headers: Mapping[int, list[Place]], codes: set[str], header_row: int
) -> int | None:
    """The column of row codes when it is still there and filled: codes are surer than labels."""
    for column, places in headers.items():
        if _CODE_HEADERS & set(label_keys(grid.texts[places[0]])):
            found = {
                text.strip("()[]. ").removesuffix(".0").zfill(2)
                for (row, at), text in grid.texts.items()
                if at == column and row > header_row
            }
            if len(found & codes) >= _CODES_SHARE * len(codes):
                return column
    return None


def _list_unknown(
    grid: LabelGrid,
    headers: Mapping[int, list[Place]],
    known: set[int | None],
    rows: set[int],
    heading_rows: set[int],
) -> Iterable[Place]:
    """Headers of columns that the form does not have and that hold something in its rows.

    Only from the topmost of `heading_rows` down: the motto and title above a table are nobody's heading.
    """
    top = min(heading_rows, default=0)
    for column in grid.columns:
        if column in known or not any((row, column) in grid.sheet.cells for row in rows):
            continue
        places = [at for at in headers.get(column, ()) if at[0] >= top or grid.owner(top, column) == at]
        # A heading that looks like a code ("Z") is one when it stands in line with the others.
        in_line = ((row, column) for row in sorted(heading_rows, reverse=True) if grid.texts.get((row, column)))
        place = places[0] if places else next(in_line, None)
        if place is not None and not _SILENT_HEADERS & set(label_keys(grid.texts[place])):
            yield place


def _match_list(grid: LabelGrid, version: FormVersion, labels: _Labels) -> Layout | None:
    best: tuple[int, dict[str, int], dict[int, list[Place]], set[int]] | None = None
    for row in range(min(_SEARCH_ROWS, max((row for row, _ in grid.texts), default=0) + 1)):
        headers = {column: places for column in grid.columns if (places := grid.list_headers(row + 1, column, None))}
        columns, heading_rows = _match_headings(grid, headers, labels, alone=False)
        if best is None or len(columns) > len(best[1]):
            best = row, columns, headers, heading_rows
    if best is None:
        return None
    row, columns, headers, heading_rows = best
    keys = {column.code for column in version.key_columns}
    if not keys <= columns.keys() or len(columns) < ENOUGH * len(version.columns):
        return None
    data = {at for at, _ in grid.sheet.cells if at > row}
    unknown = tuple(_list_unknown(grid, headers, set(columns.values()), data, heading_rows))
    return Layout(row, columns, None, unknown, len(columns) / len(version.columns))
