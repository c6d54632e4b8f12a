"""The generated documents say what the code says now."""

from __future__ import annotations

import pytest

from tools.write_docs import DOCS, DOCUMENTS


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_document_is_current(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == DOCUMENTS[name](), "run `make docs`"
