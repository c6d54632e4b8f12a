"""The workbook part: which sheets there are, where their parts are, and how a sheet is added. Knows no cells."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from html import unescape

from etl.annotation.failures import CannotAnnotate
from etl.annotation.package import Package, Relation, find_one
from etl.annotation.splice import Node, append_children, apply_edits, encode, escape_text, read_nodes

_FEWEST_SHEET_ID = 1


@dataclass(frozen=True, slots=True)
class SheetPart:
    """A sheet: its name, the path of its part, its state ("visible", "hidden", "veryHidden"), and whether it has cells."""

    name: str
    path: str
    state: str
    has_cells: bool

    @property
    def can_be_marked(self) -> bool:
        """False for chart and macro sheets, and for very hidden ones: those are not the sender's to correct."""
        return self.has_cells and self.state != "veryHidden"


class Book:
    """The workbook part of a package."""

    def __init__(self, package: Package, path: str, kind_base: str) -> None:
        self._package = package
        self._path = path
        self._kind_base = kind_base
        self._relations = package.relations(path)
        root = read_nodes(package.read(path))
        self.namespace = namespace_of(root)
        """Of the sheets and all that belongs to them: transitional or strict."""
        self.has_view = root.child("bookViews") is not None
        by_id = {relation.id: relation for relation in self._relations}
        self.sheets = [
            self._read_sheet(node, by_id) for node in find_one(root, "sheets").children if node.name == "sheet"
        ]

    @property
    def relations_namespace(self) -> str:
        """The namespace of the r:id attributes, transitional or strict."""
        return self._kind_base

    @property
    def folder(self) -> str:
        """The folder of the workbook part, with a slash at its end ("xl/"), or ""."""
        folder = posixpath.dirname(self._path)
        return f"{folder}/" if folder else ""

    @property
    def has_styles(self) -> bool:
        """True when the workbook links to a part of styles."""
        return any(relation.kind.endswith("/styles") for relation in self._relations)

    @property
    def styles_path(self) -> str:
        """The part of styles, or where a new one may go."""
        linked = next((relation.target for relation in self._relations if relation.kind.endswith("/styles")), None)
        usual = f"{self.folder}styles.xml"
        return linked or (self._package.new_path(f"{self.folder}styles{{}}.xml") if self._package.has(usual) else usual)

    def kind(self, name: str) -> str:
        """The type of a link, such as "comments", in this workbook's dialect."""
        return f"{self._kind_base}/{name}"

    def link(self, name: str, path: str, content_type: str) -> str:
        """Link the workbook to a new part; the link's id."""
        self._package.add_content_type(path, content_type)
        return self._package.add_relation(self._path, self.kind(name), path)

    def add_sheet(self, name: str, part: bytes, content_type: str) -> str:
        """Add a visible sheet after all others; where the name is taken it gets a number. The name it has."""
        taken = {sheet.name.casefold() for sheet in self.sheets}
        chosen, number = name, 1
        while chosen.casefold() in taken:
            number += 1
            chosen = f"{name} ({number})"
        path = self._package.new_path(f"{self.folder}worksheets/sheet{{}}.xml")
        self._package.put(path, part)
        relation = self.link("worksheet", path, content_type)
        content = self._package.read(self._path)
        root = read_nodes(content)
        sheets = find_one(root, "sheets")
        numbers = [int(text) for node in sheets.children if (text := node.get("sheetId")) and text.isdigit()]
        prefix = next(
            (
                key[6:]
                for key, value in root.attributes.items()
                if key.startswith("xmlns:") and value == self._kind_base
            ),
            None,
        )
        link = f'{prefix}:id="{relation}"' if prefix else f'xmlns:ghichu="{self._kind_base}" ghichu:id="{relation}"'
        new = (
            f'<{sheets.prefix}sheet name="{escape_text(chosen)}" '
            f'sheetId="{max(numbers, default=_FEWEST_SHEET_ID - 1) + 1}" {link}/>'
        )
        self._package.put(self._path, apply_edits(content, [append_children(content, sheets, encode(new))]))
        return chosen

    def find_result_sheet(self, name: str, title: str) -> str | None:
        """The part of a sheet that an earlier answer added: called `name`, perhaps numbered, with `title` in A1."""
        for sheet in self.sheets:
            if sheet.has_cells and sheet.name.startswith(name) and self._read_first_text(sheet.path) == title:
                return sheet.path
        return None

    def _read_sheet(self, node: Node, by_id: dict[str, Relation]) -> SheetPart:
        relation = by_id.get(node.get("id") or "")
        path = relation.target if relation else ""
        has_cells = relation is not None and relation.kind.endswith("/worksheet") and self._package.has(path)
        return SheetPart(node.get("name") or "", path, node.get("state") or "visible", has_cells)

    def _read_first_text(self, path: str) -> str | None:
        """The text of cell A1: inline as we write it, or shared as it is after a program saved it."""
        content = self._package.read(path)
        cell = next((node for node in read_nodes(content).walk() if node.name == "c"), None)
        if cell is None or cell.get("r") not in {"A1", None}:
            return None
        if cell.get("t") != "s":
            return _text_of(content, cell)
        value = _text_of(content, cell).strip()
        shared = next((link.target for link in self._relations if link.kind.endswith("/sharedStrings")), None)
        if shared is None or not value.isdigit():
            return None
        content = self._package.read(shared)
        texts = [node for node in read_nodes(content).children if node.name == "si"]
        return _text_of(content, texts[int(value)]) if int(value) < len(texts) else None


def open_book(package: Package) -> Book:
    """The workbook of a package. Raises CannotAnnotate when it has none."""
    for relation in package.relations(""):
        base, _, name = relation.kind.rpartition("/")
        if name == "officeDocument" and package.has(relation.target):
            return Book(package, relation.target, base)
    raise CannotAnnotate("the file has no workbook part")


def namespace_of(root: Node) -> str:
    """The namespace of a part's root element. Raises CannotAnnotate when it declares none."""
    key = f"xmlns:{root.prefix[:-1]}" if root.prefix else "xmlns"
    namespace = root.attributes.get(key)
    if namespace is None:
        raise CannotAnnotate("a part of the workbook has no namespace")
    return namespace


def _text_of(content: bytes, node: Node) -> str:
    leaves = [leaf for leaf in node.walk() if leaf.name in {"t", "v"}]
    return unescape(b"".join(content[leaf.opened : leaf.closing] for leaf in leaves).decode("utf-8", "replace"))
