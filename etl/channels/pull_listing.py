"""What another system answers when it is asked what there is: an index with pages, submissions side by side, or one submission.

The index is published in docs/channels.md:
`{"items": [{"url": "bao-cao/17.xlsx", "name": "F05.xlsx", "id": "17", "version": "3", "size": 51200}], "next": "?trang=2"}`
(`url` and `name` are asked for; `id` stays the same when the file is replaced, `version` changes then). A JSON array holds
whole submissions or such items; any other JSON object is one submission.

Pure. Everything in it is the peer's word: nothing is followed here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from etl.channels.names import make_key

MOST_ITEMS = 10_000
_BLANKS = re.compile(r"[ \t\r\n]*")
_IDENTITY = ("unit", "report", "period")


class NotAListing(ValueError):
    """The answer is no JSON of ours. The text says why, without quoting it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of an index. `fault`: why it cannot be followed; then the other fields say what can be said."""

    key: str
    url: str
    name: str
    version: str | None = None
    size: int | None = None
    acknowledge_url: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A submission that stands in the answer itself; `data` are its very bytes."""

    key: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Listing:
    """One answer. `next_url` as written, None on the last page."""

    entries: tuple[Item | Document, ...]
    next_url: str | None = None


def read_listing(data: bytes) -> Listing:
    """What an answer lists. Raises NotAListing; an entry that cannot be used is an Item with a fault."""
    try:
        text = data.decode("utf-8-sig")
        whole = json.loads(text)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise NotAListing(f"it is no JSON in UTF-8 ({type(error).__name__})") from None
    if isinstance(whole, list):
        return Listing(tuple(_read_array(text)))
    if not isinstance(whole, dict):
        raise NotAListing("it is neither an object nor an array")
    items = whole.get("items")
    if not isinstance(items, list):
        return Listing((Document(_identity_of(whole), data),))
    if len(items) > MOST_ITEMS:
        raise NotAListing(f"it has more than {MOST_ITEMS} items on a page")
    following = whole.get("next")
    return Listing(
        tuple(_read_item(item, place) for place, item in enumerate(items)),
        following if isinstance(following, str) and following else None,
    )


def _read_item(item: Any, place: int) -> Item:
    url, name = (item.get("url"), item.get("name")) if isinstance(item, dict) else (None, None)
    shown = make_key(json.dumps(item, ensure_ascii=False, sort_keys=True))
    if not isinstance(url, str) or not url.strip() or not isinstance(name, str | None):
        return Item(f"#{place}:{shown}", "", "", version=shown, fault="url or name")
    key, version, size = item.get("id"), item.get("version"), item.get("size")
    acknowledge = item.get("acknowledge")
    return Item(
        make_key(str(key)) if isinstance(key, str | int) and not isinstance(key, bool) and key != "" else "",
        url.strip(),
        name or url.partition("?")[0].rstrip("/").rpartition("/")[2],
        make_key(str(version)) if isinstance(version, str | int) and version != "" else None,
        size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        acknowledge if isinstance(acknowledge, str) and acknowledge else None,
    )


def _read_array(text: str) -> Iterator[Item | Document]:
    """Each element as it is written: writing numbers anew would change what the sender sent."""
    decoder = json.JSONDecoder()
    at = _BLANKS.match(text).end() + 1  # type: ignore[union-attr]  # the text was read as an array
    for place in range(MOST_ITEMS + 1):
        at = _BLANKS.match(text, at).end()  # type: ignore[union-attr]
        if text[at] == "]":
            return
        if place == MOST_ITEMS:
            raise NotAListing(f"it has more than {MOST_ITEMS} elements")
        element, end = decoder.raw_decode(text, at)
        if isinstance(element, dict) and isinstance(element.get("url"), str) and "report" not in element:
            yield _read_item(element, place)
        else:
            yield Document(_identity_of(element) or f"#{place}", text[at:end].encode())
        at = _BLANKS.match(text, end).end()  # type: ignore[union-attr]
        at += text[at] == ","


def _identity_of(document: Any) -> str:
    """Whose submission it says it is, as its place in the answer may be another one next time; "" where it does not say."""
    values = [document.get(name) for name in _IDENTITY] if isinstance(document, dict) else []
    if values and all(isinstance(value, str) and value for value in values):
        return make_key("/".join(str(value) for value in values))
    return ""
