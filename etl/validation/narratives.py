"""Whether a text was copied from another. Pure; it must not know forms, units or the warehouse, nor keep any text.

Texts are compared by their shingles (runs of words, by `comparison_key`: case, punctuation and the school of writing tones do
not matter), so that a paragraph moved or a name changed does not hide a copy. What many write alike is boilerplate (headings,
the titles of laws) and counts for nobody.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from etl.text import comparison_key

SHINGLE: Final = 6
"""Words in a run: shorter ones are phrases that anybody uses."""
FEWEST_SHINGLES: Final = 30
"""Own runs a text needs to be compared at all, about 35 words: two short texts on one movement are alike by nature."""
COPIED_SHARE: Final = 0.6
"""Share of a text's own runs that stand in the other."""
BOILERPLATE_SHARE: Final = 0.2
BOILERPLATE_WRITERS: Final = 4
"""A run that more than this share of the writers, and at least so many, have is boilerplate."""


@dataclass(frozen=True, slots=True)
class Narrative:
    """A text of a writer. `key` is the caller's; texts of one `topic` are compared; `source_only` ones are never accused."""

    key: int
    writer: str
    topic: str
    text: str
    source_only: bool = False


@dataclass(frozen=True, slots=True)
class Reuse:
    """A text that is largely another's: both keys, and the share (0 to 1) of its own runs found there."""

    key: int
    source: int
    share: float


def find_reuse(narratives: Sequence[Narrative]) -> list[Reuse]:
    """Each text that was copied, with the source it shares most with; in the order given.

    Of two alike the one that stands later in `narratives` is the copy. A `source_only` text (of an earlier period) is a source
    for its own writer alone, another for everybody else.
    """
    shingles = [_make_shingles(item.text) for item in narratives]
    common = _find_boilerplate(narratives, shingles)
    own = [found - common[item.topic] for item, found in zip(narratives, shingles, strict=True)]
    holders: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    found: list[Reuse] = []
    for place, item in enumerate(narratives):
        if len(own[place]) < FEWEST_SHINGLES:
            continue
        shared: Counter[int] = Counter()
        if not item.source_only:
            for shingle in own[place]:
                shared.update(holders[item.topic, shingle])
        sources = [
            other for other in shared if narratives[other].source_only == (narratives[other].writer == item.writer)
        ]
        if sources:
            best = max(sources, key=lambda other: (shared[other], -other))
            share = shared[best] / len(own[place])
            if share >= COPIED_SHARE:
                found.append(Reuse(item.key, narratives[best].key, share))
        for shingle in own[place]:
            holders[item.topic, shingle].append(place)
    return found


def _find_boilerplate(narratives: Sequence[Narrative], shingles: Sequence[set[int]]) -> dict[str, set[int]]:
    """Topic → runs that too many writers have. What a writer says again does not make it common."""
    writers: defaultdict[str, set[str]] = defaultdict(set)
    said: defaultdict[str, dict[tuple[int, str], None]] = defaultdict(dict)
    for item, found in zip(narratives, shingles, strict=True):
        writers[item.topic].add(item.writer)
        said[item.topic].update(dict.fromkeys((shingle, item.writer) for shingle in found))
    return {
        topic: {
            shingle
            for shingle, number in Counter(shingle for shingle, _ in said[topic]).items()
            if number >= BOILERPLATE_WRITERS and number > BOILERPLATE_SHARE * len(names)
        }
        for topic, names in writers.items()
    }


def _make_shingles(text: str) -> set[int]:
    # By sentence and line: the key of a whole page is made once, and a run never crosses from one thought to the next.
    words = [comparison_key(part).split() for part in re.split(r"[.;\n]+", text)]
    return {
        int.from_bytes(hashlib.blake2b(" ".join(run[at : at + SHINGLE]).encode(), digest_size=8).digest(), "big")
        for run in words
        for at in range(len(run) - SHINGLE + 1)
    }
