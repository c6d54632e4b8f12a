"""Keeps bytes under their SHA-256 in a folder or object store (any fsspec URL). Never overwrites, never deletes."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import fsspec


class MissingBytes(RuntimeError):
    """Bytes that the warehouse knows are not in the store, or are not what their name says: our fault."""


class LandingStore:
    """`put` and `get` by hash. Safe for several writers: a blob appears whole or not at all."""

    def __init__(self, url: str) -> None:
        self._files: Any
        self._files, self._root = fsspec.core.url_to_fs(url)

    def put(self, data: bytes) -> str:
        """Store bytes and give their SHA-256 (hex); bytes already there are left alone."""
        sha256 = hashlib.sha256(data).hexdigest()
        target = self._path(sha256)
        if self._files.exists(target) and self._files.size(target) == len(data):
            return sha256
        self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
        # A killed writer leaves a part under another name, never half a blob under its hash.
        part = f"{target}.{uuid.uuid4().hex}.part"
        self._files.pipe_file(part, data)
        self._files.mv(part, target)
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes of a hash. Raises MissingBytes when they are gone or changed."""
        try:
            data: bytes = self._files.cat_file(self._path(sha256))
        except FileNotFoundError as error:
            raise MissingBytes(f"blob {sha256} is not in the landing store {self._root}; restore it") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise MissingBytes(f"blob {sha256} in the landing store {self._root} has other bytes; restore it")
        return data

    def _path(self, sha256: str) -> str:
        return f"{self._root}/{sha256[:2]}/{sha256}"
