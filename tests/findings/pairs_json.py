"""JSON submissions that bring about the findings that only they can have, and the sound one beside them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from etl.usecases.json_submissions import make_sample_document
from tests.golden.sender import DEPARTMENT, HALF_YEAR, PERIOD, Edit, Sending, read_knowledge

Document = dict[str, Any]
Where = tuple[str | None, str | None]


@lru_cache(maxsize=1)
def sound() -> Document:
    return make_sample_document(read_knowledge(), HALF_YEAR, PERIOD, DEPARTMENT)


def sends(data: bytes) -> Edit:
    """An edit: this document in place of the workbook."""

    def edit(sending: Sending) -> None:
        sending.data, sending.name = data, "bao-cao.json"

    return edit


def changed(change: Callable[[Document], object]) -> Edit:
    """An edit: the sound document with a change."""
    document = copy.deepcopy(sound())
    change(document)
    return sends(json.dumps(document, ensure_ascii=False).encode())


def awards(document: Document) -> dict[str, Any]:
    rows: dict[str, Any] = document["forms"]["F05"]["rows"]
    return rows


def make_json_pairs() -> dict[str, tuple[Edit, Where, Edit]]:
    """Code -> (what triggers it, (sheet, cell), what does not)."""
    whole = json.dumps(sound(), ensure_ascii=False)
    twin = sends(whole.encode())
    results = sound()["forms"]["F03"]["rows"]
    total = {**results[0], "ma_phong_trao": "Tổng cộng", "ma_chi_so": "Tổng cộng"}
    return {
        "JSON-SYNTAX": (sends(whole[:-9].encode()), (None, None), twin),
        "JSON-ENCODING": (sends(whole.encode("utf-16")), (None, None), sends(b"\xef\xbb\xbf" + whole.encode())),
        "JSON-VERSION": (changed(lambda d: d.update(schema="movement-reports/0")), (None, "/schema"), twin),
        "JSON-KEY-MISSING": (changed(lambda d: awards(d)["02"].pop("2")), ("F05", "/forms/F05/rows/02"), twin),
        "JSON-KEY-UNKNOWN": (changed(lambda d: d["forms"]["F05"].update(ghi=1)), ("F05", "/forms/F05/ghi"), twin),
        "JSON-KEY-DUPLICATE": (
            sends(whole.replace('"period": ', '"period": "2025-S2", "period": ', 1).encode()), (None, "/period"), twin,
        ),
        "JSON-TYPE": (
            changed(lambda d: awards(d)["02"].update({"2": float("nan")})), ("F05", "/forms/F05/rows/02/2"),
            changed(lambda d: awards(d)["02"].update({"2": None})),
        ),
        "JSON-VALUE": (
            changed(lambda d: awards(d)["02"].update({"2": "1.000"})), ("F05", "/forms/F05/rows/02/2"),
            changed(lambda d: awards(d)["02"].update({"2": "1000"})),
        ),
        "JSON-ROW-UNREAD": (
            changed(lambda d: d["forms"]["F03"]["rows"].append(total)), ("F03", f"/forms/F03/rows/{len(results)}"), twin,
        ),
    }  # fmt: skip
