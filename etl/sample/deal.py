"""Deals faults to files: how many each gets, and which kinds. Pure.

Kinds come from a shuffled deck so that all of them turn up; a kind that does not fit a file waits for the next one.
"""

from __future__ import annotations

from random import Random

from etl.sample.draft import Draft, NoRoom, Planted
from etl.sample.faults import FAULT_KINDS, plant_fault
from etl.sample.faults_model import FaultKind

WHOLE_DECK_EVERY = 4
"""Kinds that take a whole file come with every fourth deck only: most files can be read."""

MOST_BESIDE_WHOLE = 5
"""A file that must take more faults than this is not spent on a single one: they would not fit elsewhere."""


class Deck:
    """Kinds of fault in random order, without end."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._waiting: list[FaultKind] = []
        self._decks = 0

    def deal(self, draft: Draft, planted: list[Planted], *, whole: bool) -> tuple[Draft, FaultKind] | None:
        """The draft with one more fault of the first waiting kind that fits (`whole`: even one that takes the file)."""
        if not self._waiting:
            self._shuffle()
        dealt = self._deal_waiting(draft, planted, whole)
        if dealt is None:
            self._shuffle()
            dealt = self._deal_waiting(draft, planted, whole)
        return dealt

    def _deal_waiting(self, draft: Draft, planted: list[Planted], whole: bool) -> tuple[Draft, FaultKind] | None:
        for position, kind in enumerate(self._waiting):
            if kind.whole and (planted or not whole):
                continue
            try:
                changed = plant_fault(draft, kind, planted, self._rng)
            except NoRoom:
                continue
            del self._waiting[position]
            return changed, kind
        return None

    def _shuffle(self) -> None:
        # Kinds still waiting fit nowhere so far; one of each is enough to wait.
        fresh = [kind for kind in FAULT_KINDS if not kind.whole or self._decks % WHOLE_DECK_EVERY == 0]
        self._rng.shuffle(fresh)
        self._waiting = [*self._waiting, *(kind for kind in fresh if kind not in self._waiting)]
        self._decks += 1


def plant_faults(draft: Draft, number: int, deck: Deck, *, is_last: bool = False) -> tuple[Draft, int]:
    """The draft with up to `number` faults, and how many there are; fewer when the file is full or taken whole.

    The last file is not spent on a single fault: there is no other for the rest.
    """
    planted: list[Planted] = []
    may_take_whole = number == 1 or (number <= MOST_BESIDE_WHOLE and not is_last)
    while len(planted) < number:
        dealt = deck.deal(draft, planted, whole=may_take_whole)
        if dealt is None:
            break
        draft, kind = dealt
        if kind.whole:
            break
    return draft, len(planted)


def plant_kinds(draft: Draft, number: int, rng: Random, *, whole: bool) -> tuple[Draft, int]:
    """The draft with `number` faults of random kinds (of those that take the whole file when `whole`)."""
    planted: list[Planted] = []
    kinds = [kind for kind in FAULT_KINDS if kind.whole is whole]
    for _ in range(20 * number):
        if len(planted) == number:
            break
        try:
            draft = plant_fault(draft, rng.choice(kinds), planted, rng)
        except NoRoom:
            continue
    return draft, len(planted)
