"""The parts of a workbook file: read, replaced, added, and zipped again with every other part as it was.

Knows parts, relationships and content types, not spreadsheets. Must not write to disk.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
from dataclasses import dataclass
from typing import Final

from etl.annotation.failures import CannotAnnotate
from etl.annotation.splice import Node, append_children, apply_edits, encode, escape_text, read_nodes, to_utf8
from etl.reading.sidecar import links_path, resolve_target

MOST_UNPACKED: Final = 64 * 1024 * 1024
"""Bytes: several times as much is held while a file is marked. A unit's workbook unpacks to less than one."""
CONTENT_TYPES: Final = "[Content_Types].xml"
PACKAGE_RELATIONS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_PIECE: Final = 1024 * 1024
_NEW_ENTRY_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""Fixed: the same workbook and findings give the same bytes."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A link of a part: `kind` is its whole type, `target` the path of a part (as written when external)."""

    id: str
    kind: str
    target: str
    external: bool


class Package:
    """A zip of parts in memory. Paths are matched without regard to case and leading slashes, as programs do."""

    def __init__(self, data: bytes) -> None:
        """Raises zipfile.BadZipFile, CannotAnnotate."""
        self._archive = zipfile.ZipFile(io.BytesIO(data))
        if sum(entry.file_size for entry in self._archive.infolist()) > MOST_UNPACKED:
            raise CannotAnnotate("the file is too large to be marked")
        self._entries = {_key(entry.filename): entry for entry in self._archive.infolist()}
        if len(self._entries) != len(self._archive.infolist()):
            # Which of the two a program shows is its own choice; keeping "everything" has no meaning then.
            raise CannotAnnotate("the file holds two parts of one name")
        self._changed: dict[str, bytes] = {}
        self._added: dict[str, str] = {}

    def has(self, path: str) -> bool:
        """True when there is such a part."""
        return _key(path) in self._entries or _key(path) in self._added

    def read(self, path: str) -> bytes:
        """The part as it now is, UTF-16 turned into UTF-8. Raises KeyError, zipfile.BadZipFile."""
        key = _key(path)
        if key not in self._changed:
            return to_utf8(self._unpack(self._entries[key]))
        return self._changed[key]

    def _unpack(self, entry: zipfile.ZipInfo) -> bytes:
        # In pieces: at once, zipfile unpacks all there is before it looks at the size the archive gives.
        with self._archive.open(entry) as part:
            return b"".join(iter(lambda: part.read(_PIECE), b""))

    def put(self, path: str, content: bytes) -> None:
        """Replace or add a part."""
        key = _key(path)
        self._changed[key] = content
        if key not in self._entries:
            self._added[key] = path

    def list_paths(self) -> list[str]:
        """Every part by its path in the file."""
        return [*(entry.filename for entry in self._entries.values()), *self._added.values()]

    def new_path(self, pattern: str) -> str:
        """`pattern` with the first number from 1 in place of {} that gives no present part."""
        number = 1
        while self.has(pattern.format(number)):
            number += 1
        return pattern.format(number)

    def relations(self, part: str) -> list[Relation]:
        """The links of a part; "" is the whole package."""
        path = links_path(part)
        if not self.has(path):
            return []
        folder = posixpath.dirname(part)
        found = []
        for node in read_nodes(self.read(path)).children:
            if node.name == "Relationship":
                target, external = node.get("Target") or "", node.get("TargetMode") == "External"
                resolved = target if external else resolve_target(folder, target)
                found.append(Relation(node.get("Id") or "", node.get("Type") or "", resolved, external))
        return found

    def add_relation(self, part: str, kind: str, target: str) -> str:
        """Link `part` to the part `target`; the new link's id."""
        path = links_path(part)
        taken = {relation.id.lower() for relation in self.relations(part)}
        number = len(taken) + 1
        while f"rid{number}" in taken:
            number += 1
        relative = posixpath.relpath(target, posixpath.dirname(part) or ".")
        attributes = f'Id="rId{number}" Type="{escape_text(kind)}" Target="{escape_text(relative)}"'
        if self.has(path):
            content = self.read(path)
            root = read_nodes(content)
            new = encode(f"<{root.prefix}Relationship {attributes}/>")
            self.put(path, apply_edits(content, [append_children(content, root, new)]))
        else:
            self.put(
                path, _xml(f'<Relationships xmlns="{PACKAGE_RELATIONS}"><Relationship {attributes}/></Relationships>')
            )
        return f"rId{number}"

    def add_content_type(self, path: str, content_type: str) -> None:
        """Say what the part at `path` is."""
        self._extend_types("Override", "PartName", "/" + path.lstrip("/"), content_type)

    def add_default_type(self, extension: str, content_type: str) -> None:
        """Say what all parts of an extension are."""
        self._extend_types("Default", "Extension", extension, content_type)

    def _extend_types(self, name: str, key: str, value: str, content_type: str) -> None:
        content = self.read(CONTENT_TYPES)
        root = read_nodes(content)
        if any(node.name == name and (node.get(key) or "").lower() == value.lower() for node in root.children):
            return
        new = encode(f'<{root.prefix}{name} {key}="{escape_text(value)}" ContentType="{escape_text(content_type)}"/>')
        self.put(CONTENT_TYPES, apply_edits(content, [append_children(content, root, new)]))

    def to_bytes(self) -> bytes:
        """The file: entries in their order, names, times and compression kept, new ones last."""
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
            for key, entry in self._entries.items():
                content = self._changed.get(key)
                copy.writestr(_copy_entry(entry), self._unpack(entry) if content is None else content)
            for key, path in self._added.items():
                entry = zipfile.ZipInfo(path, _NEW_ENTRY_TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                copy.writestr(entry, self._changed[key])
            copy.comment = self._archive.comment
        return target.getvalue()


def new_part(markup: str) -> bytes:
    """A new XML part in UTF-8."""
    return _xml(markup)


def find_one(root: Node, name: str) -> Node:
    """The child of that name. Raises CannotAnnotate when a part lacks what its format demands."""
    node = root.child(name)
    if node is None:
        raise CannotAnnotate(f"a part of the workbook lacks its element {name}")
    return node


def _xml(markup: str) -> bytes:
    return ('<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + markup).encode("utf-8")


def _key(path: str) -> str:
    return path.replace("\\", "/").lstrip("/").lower()


def _copy_entry(entry: zipfile.ZipInfo) -> zipfile.ZipInfo:
    copy = zipfile.ZipInfo(entry.filename, entry.date_time)
    copy.compress_type = entry.compress_type
    copy.external_attr = entry.external_attr
    copy.create_system = entry.create_system
    copy.comment = entry.comment
    return copy
