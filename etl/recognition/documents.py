"""A JSON submission as tables: each form laid out as the sheet it would be, every place with its JSON Pointer. Pure.

So that parsing, rules and storing are the same as for a workbook. It must not judge: what does not fit into a table stays in
the document, where `etl.parsing.documents` finds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from etl.calendar.periods import UnknownPeriod
from etl.forms.declaration import FIELD_COLUMN, Form, FormVersion, Kind
from etl.reading.document import Group, Node, Series, escape_key, find_member, walk_members
from etl.reading.grid import Cell, CellKind, Sheet
from etl.recognition.identity import Claim, read_identity
from etl.recognition.tables import FoundForms, Table, is_row_code, read_code
from etl.register.model import Register, UnknownReport
from etl.text import normalise

HEAD_KEYS = ("unit", "report", "period")
_READABLE = frozenset({CellKind.TEXT, CellKind.NUMBER})
_BROKEN = Cell(CellKind.INVALID, "{…}", "JSON-TYPE")


def read_head(document: Node) -> dict[str, Claim]:
    """What the head of a document says of itself: attribute -> claim."""
    claims = {}
    for key in HEAD_KEYS:
        node = find_member(document, key)
        if isinstance(node, Cell) and node.kind in _READABLE and (text := normalise(node.text)):
            claims[key] = Claim("document", (read_identity(key, text),), text, None, f"/{key}")
    return claims


def lay_out_forms(document: Node, forms: Mapping[str, Form], on: date | None) -> FoundForms:
    """The tables of the forms in a document. `on`: a period's last day, which decides where no known version is named."""
    found = FoundForms()
    for code, body in walk_members(find_member(document, "forms")):
        form = forms.get(code)
        if form is None or not isinstance(body, Group):
            continue
        layout = _Layout(code, choose_version(form, body, on))
        layout.fill(body)
        found.tables[code] = layout.make_table()
    return found


def find_period_end(claims: Mapping[str, Claim], register: Register) -> date | None:
    """The last day of the period that a document names; None when it names none that is known."""
    if not {"report", "period"} <= claims.keys():
        return None
    try:
        return register.period(claims["report"].codes[0], claims["period"].codes[0]).end
    except (UnknownReport, UnknownPeriod):
        return None


def choose_version(form: Form, body: Node, on: date | None) -> FormVersion:
    """The version that a form's body names; where it names none that is known, the one in force on a day, or the newest."""
    named = find_member(body, "version")
    if isinstance(named, Cell):
        for version in form.versions:
            if version.version == normalise(named.text):
                return version
    if on is not None:
        try:
            return form.version_on(on)
        except LookupError:
            pass
    return form.versions[-1]


class _Layout:
    """One form as a sheet: row 0 has the headers that the form does not know, the rows below what the document says."""

    def __init__(self, form: str, version: FormVersion) -> None:
        self.form = form
        self.version = version
        self.cells: dict[tuple[int, int], Cell] = {}
        self.pointers: dict[tuple[int, int], str] = {}
        self.columns: dict[str, int] = {}
        self.unknown: dict[str, int] = {}
        own = [FIELD_COLUMN] if version.kind is Kind.FIELDS else [column.code for column in version.columns]
        self._places = {code: place for place, code in enumerate(own, start=1)}

    def make_table(self) -> Table:
        """The table; a column that no row has is not there."""
        sheet = Sheet(self.form, True, self.cells, pointers=self.pointers)
        unknown = tuple((0, place) for place in self.unknown.values())
        return Table(sheet, self.form, self.version, 0, self.columns, unknown_headers=unknown)

    def fill(self, body: Group) -> None:
        """Read the rows of a form's body."""
        if self.version.kind is Kind.FIELDS:
            self._fill_fields(find_member(body, "fields"))
        elif self.version.kind is Kind.MATRIX:
            self.columns["B"] = 0
            rows = find_member(body, "rows")
            known = [(key, item) for key, item in walk_members(rows) if is_row_code(read_code(key, 2))]
            for row, (key, item) in enumerate(known, start=1):
                pointer = f"/forms/{self.form}/rows/{escape_key(key)}"
                self.cells[row, 0] = Cell(CellKind.TEXT, key)
                self.pointers[row, 0] = pointer
                self._fill_row(row, item, pointer, {code: code for code in self._places})
        else:
            rows = find_member(body, "rows")
            names = {str(column.field): column.code for column in self.version.columns}
            # A list without a line still has its columns.
            self.columns.update(self._places if not isinstance(rows, Series) or not rows.items else {})
            for row, item in enumerate(rows.items if isinstance(rows, Series) else (), start=1):
                self._fill_row(row, item, f"/forms/{self.form}/rows/{row - 1}", names)

    def _fill_fields(self, fields: Node) -> None:
        self.columns |= {"A": 0, FIELD_COLUMN: 1}
        codes = {declared.field: declared.code for declared in self.version.fields}
        for row, (key, node) in enumerate(((k, n) for k, n in walk_members(fields) if k in codes), start=1):
            pointer = f"/forms/{self.form}/fields/{escape_key(key)}"
            self.cells[row, 0] = Cell(CellKind.TEXT, codes[key])
            self.pointers[row, 0] = pointer
            self._put(row, 1, node, pointer)

    def _fill_row(self, row: int, item: Node, pointer: str, names: Mapping[str, str]) -> None:
        for key, node in walk_members(item):
            own = f"{pointer}/{escape_key(key)}"
            code = names.get(key)
            if code is not None:
                self.columns[code] = self._places[code]
                self._put(row, self._places[code], node, own)
            elif key not in self.unknown:
                place = self.unknown[key] = 1 + len(self._places) + len(self.unknown)
                self.cells[0, place] = Cell(CellKind.TEXT, key)
                self.pointers[0, place] = own

    def _put(self, row: int, column: int, node: Node, pointer: str) -> None:
        self.pointers[row, column] = pointer
        if isinstance(node, Group | Series):
            self.cells[row, column] = _BROKEN
        elif node is not None:
            self.cells[row, column] = node


def list_rows(found: FoundForms, forms: Iterable[str]) -> dict[str, tuple[str, int]]:
    """JSON Pointer of each line of these lists -> (form, row of the sheet)."""
    lines: dict[str, tuple[str, int]] = {}
    for form in forms:
        table = found.tables.get(form)
        if table is not None and table.version.kind is Kind.LIST:
            rows = {row for row, _ in table.sheet.cells if row > 0}
            lines |= {f"/forms/{form}/rows/{row - 1}": (form, row) for row in rows}
    return lines
