"""What is wrong with the shape of a JSON submission: everything that its published schema refuses, told once. Pure.

A value that was read and found bad has its own finding already, as it would in a workbook; here is told what is left: keys that
are missing, unknown or doubled, values of the wrong kind, lines that were not read. All of it in one pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from etl.findings.catalogue import Catalogue
from etl.findings.model import Finding
from etl.forms.declaration import Form, Kind
from etl.forms.json_schema import DOCUMENT_VERSION, FormDemand, make_form_schema
from etl.parsing.rows import MOST_ROWS
from etl.parsing.submission import ParsedCell, ParsedSubmission, shorten
from etl.reading.document import Node, escape_key, find_doubles, show_plain
from etl.recognition.documents import list_rows
from etl.recognition.tables import FoundForms, suggest

MOST_TOLD: Final = 2000
"""Findings on the shape of one document: a program that gets every line wrong needs no more."""
_TYPES: Final[Mapping[str, str]] = {
    "object": "đối tượng {…}", "array": "mảng […]", "string": "chữ", "number": "số", "integer": "số nguyên",
    "boolean": "true hoặc false", "null": "null",
}  # fmt: skip
_HEAD: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "schema": {"const": DOCUMENT_VERSION},
        "report": {"type": "string", "minLength": 1},
        "period": {"type": "string", "minLength": 1},
        "unit": {"type": "string", "minLength": 1},
        "forms": {"type": "object"},
    },
    "required": ["schema", "report", "period", "unit", "forms"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a finding points: its pointer, and the form it is about."""

    pointer: str
    form: str | None

    @property
    def particulars(self) -> dict[str, str | None]:
        return {"cell": self.pointer or None, "form": self.form, "sheet": self.form}


class DocumentChecker:
    """Checks documents against the declared forms; keeps a validator for each version of a form."""

    def __init__(self, forms: Mapping[str, Form], catalogue: Catalogue) -> None:
        self._forms = forms
        self._catalogue = catalogue
        self._head = Draft202012Validator(_HEAD)
        self._validators: dict[tuple[str, str], Draft202012Validator] = {}

    def find_faults(
        self, document: Node, found: FoundForms, parsed: ParsedSubmission, settled: Mapping[str, str]
    ) -> Iterator[Finding]:
        """Findings on the document's shape that `parsed`, made from it, does not have yet; at most MOST_TOLD.

        `settled`: what the keys of its head were taken for, such as unit -> code.
        """
        seen = _Seen(parsed, found)
        plain = show_plain(document)
        for key, code in settled.items():
            told = plain.get(key) if isinstance(plain, dict) else None
            if isinstance(told, str) and told != code and told.strip().casefold() == code.casefold():
                yield self._make("JSON-VALUE", _Place(f"/{key}", None), value=shorten(told), expected=code)
        yield from islice(self._walk(document, found, seen), MOST_TOLD)

    def _walk(self, document: Node, found: FoundForms, seen: _Seen) -> Iterator[Finding]:
        for pointer, key in find_doubles(document):
            form = _form_of(pointer, self._forms)
            if form is not None and pointer.count("/") <= 4:
                seen.parsed.incomplete.add(form)
            yield self._make("JSON-KEY-DUPLICATE", _Place(pointer, form), value=shorten(key))
        plain = show_plain(document)
        yield from self._explain(self._head.iter_errors(plain), "", None, seen)
        bodies = plain.get("forms") if isinstance(plain, dict) else None
        for code, body in (bodies if isinstance(bodies, dict) else {}).items():
            yield from self._check_form(code, body, found, seen)
        yield from self._find_unread(found, seen)

    def _check_form(self, code: str, body: Any, found: FoundForms, seen: _Seen) -> Iterator[Finding]:
        pointer = f"/forms/{escape_key(code)}"
        if code not in self._forms:
            near = suggest(code, list(self._forms))
            yield self._make("JSON-KEY-UNKNOWN", _Place(pointer, None), value=shorten(code), suggestion=near)
            return
        table = found.tables.get(code)
        if seen.is_not_owed(code):
            return
        version = table.version if table is not None else self._forms[code].versions[-1]
        known = self._validators.get((code, version.version))
        if known is None:
            schema = make_form_schema(code, FormDemand(version, self._forms[code].name))
            known = self._validators[code, version.version] = Draft202012Validator(schema)
        errors: Iterable[ValidationError] = known.iter_errors(body)
        if table is not None and code not in seen.parsed.versions:
            # An optional form without a figure was not sent; what it holds beside its own places is told all the same.
            errors = (error for error in errors if error.validator != "required" and error.instance is not None)
        yield from self._explain(errors, pointer, code, seen)

    def _explain(
        self, errors: Iterable[ValidationError], root: str, form: str | None, seen: _Seen
    ) -> Iterator[Finding]:
        for error in errors:
            place = _Place(root + "".join(f"/{escape_key(str(part))}" for part in error.absolute_path), form)
            if error.validator == "additionalProperties":
                yield from self._tell_unknown(error, place, seen)
            elif error.validator == "required":
                yield from self._tell_missing(error, place, seen)
            elif not seen.is_told(place.pointer):
                yield self._tell_value(error, place, seen)

    def _tell_unknown(self, error: ValidationError, place: _Place, seen: _Seen) -> Iterator[Finding]:
        known = list(error.schema["properties"])
        for key in error.instance:
            own = _Place(f"{place.pointer}/{escape_key(key)}", place.form)
            if key not in known and not seen.is_told(own.pointer) and not seen.is_known_column(own):
                near = suggest(key, known)
                yield self._make("JSON-KEY-UNKNOWN", own, value=shorten(key), suggestion=near)

    def _tell_missing(self, error: ValidationError, place: _Place, seen: _Seen) -> Iterator[Finding]:
        key = _missing_key(error)
        if key is not None and not seen.is_missed(place, key):
            title = error.schema["properties"].get(key, {}).get("title") or key
            yield self._make("JSON-KEY-MISSING", place, value=key, expected=key, label=title)

    def _tell_value(self, error: ValidationError, place: _Place, seen: _Seen) -> Finding:
        shown = _show_value(error.instance)
        if error.validator == "const":
            return self._make("JSON-VERSION", place, value=shown, expected=str(error.validator_value))
        cell = seen.cells.get(place.pointer)
        if cell is not None and cell.value.missing != "bad":
            return self._make(
                "JSON-VALUE", place, value=shown, expected=_name_expected(error), row=cell.key.row,
                column=cell.key.column, label=cell.label,
            )  # fmt: skip
        if place.form is not None:
            seen.parsed.incomplete.add(place.form)
        return self._make("JSON-TYPE", place, value=shown, expected=_name_expected(error))

    def _find_unread(self, found: FoundForms, seen: _Seen) -> Iterator[Finding]:
        """Lines of lists that no observation comes from and no finding speaks of: totals, headings, empty lines."""
        for pointer, (form, row) in sorted(list_rows(found, seen.parsed.versions).items(), key=lambda item: item[1]):
            if row <= MOST_ROWS and not seen.is_row_told(pointer):
                yield self._make("JSON-ROW-UNREAD", _Place(pointer, form))

    def _make(self, code: str, place: _Place, **particulars: Any) -> Finding:
        return self._catalogue.make_finding(code, **place.particulars, **particulars)


class _Seen:
    """What the parsing of a document has told already."""

    def __init__(self, parsed: ParsedSubmission, found: FoundForms) -> None:
        self.parsed = parsed
        self.cells: dict[str, ParsedCell] = {cell.cell: cell for cell in parsed.cells.values() if cell.cell}
        self._told = {finding.cell for finding in parsed.findings if finding.cell}
        self._rows = {_row_of(pointer) for pointer in (*self.cells, *self._told)}
        self._gone = {(f.form, f.row) for f in parsed.findings if f.code == "ROW-MISSING"}
        self._columns = {(f.form, f.column) for f in parsed.findings if f.code == "COLUMN-MISSING"}
        self._new = {(f.form, f.value) for f in parsed.findings if f.code == "COLUMN-UNKNOWN"}
        self._not_owed = {f.form for f in parsed.findings if f.code == "FORM-NOT-OWED"}
        self._tables = found.tables

    def is_told(self, pointer: str) -> bool:
        """Whether a place has a finding, or is a required cell without a figure, which the rules tell."""
        if pointer in self._told:
            return True
        cell = self.cells.get(pointer)
        return cell is not None and cell.required and cell.value.missing in ("blank", "not_applicable", "not_reported")

    def is_not_owed(self, form: str) -> bool:
        """Whether a form was told as one that is nothing to this report."""
        return form in self._not_owed

    def is_row_told(self, pointer: str) -> bool:
        return pointer in self._rows

    def is_known_column(self, place: _Place) -> bool:
        """Whether an unknown column was told at another of its places."""
        return (place.form, shorten(place.pointer.rpartition("/")[2])) in self._new

    def is_missed(self, place: _Place, key: str) -> bool:
        """Whether a key that is not there was told as a row or column that is not there."""
        table = self._tables.get(place.form or "")
        if table is None:
            return False
        version = table.version
        if version.kind is Kind.FIELDS:
            code = next((row.code for row in version.fields if row.field == key), None)
            return (place.form, code) in self._gone
        if version.kind is Kind.MATRIX and place.pointer.endswith("/rows"):
            return (place.form, key) in self._gone
        code = next((column.code for column in version.columns if key in (column.code, column.field)), None)
        return (place.form, code) in self._columns


def _row_of(pointer: str) -> str:
    """ "/forms/F03/rows/0" of "/forms/F03/rows/0/ke_hoach"."""
    return "/".join(pointer.split("/")[:5])


def _form_of(pointer: str, forms: Mapping[str, Form]) -> str | None:
    parts = pointer.split("/")
    return parts[2] if len(parts) > 2 and parts[1] == "forms" and parts[2] in forms else None


def _missing_key(error: ValidationError) -> str | None:
    """Each missing key is an error of its own, but it only stands in the message: 'a' is a required property."""
    required: Sequence[str] = error.validator_value
    return next((key for key in required if key not in error.instance and error.message.startswith(repr(key))), None)


def _show_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{…}"
    if isinstance(value, list):
        return "[…]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return shorten(str(value))


def _name_expected(error: ValidationError) -> str:
    """What the schema takes, in words."""
    parts = error.schema.get("anyOf", [error.schema])
    words: list[str] = []
    for part in parts:
        if "enum" in part:
            words += [f"“{word}”" for word in part["enum"][:8]]
        elif part.get("format") == "date":
            words.append("ngày dạng 2026-06-15")
        elif "pattern" in part:
            words.append("chữ số, dấu phẩy thập phân")
        elif "type" in part:
            words.append(_TYPES.get(str(part["type"]), str(part["type"])))
    return ", ".join(dict.fromkeys(words))
