"""Sound figures of F04, F06 and F08 for a workbook as a unit would send it, in step with `sender.SOUND_AWARDS`.

F04: Cao Bằng 2021 (domain brief §1.1): the Prime Minister's certificate for 2 collectives and 2 individuals (000-c), orders
for 6 and 6 (000-e). How the individuals and the methods divide was not published and is invented to add up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.golden.sender import Sending

SOUND_STATE_AWARDS: Mapping[str, Mapping[str, int]] = {
    "2": {"06": 6, "07": 1, "15": 4, "19": 2},
    "3": {"09": 6, "11": 2, "12": 1, "14": 3, "15": 6},
    "8": {"06": 2, "16": 2},
    "9": {"09": 2, "14": 2, "16": 2},
}
"""F04 column -> row -> figure; rows 01 and 03 and column 1 follow, everything else is nought."""
SOUND_BASE_AWARDS: Mapping[str, int] = {
    "01": 5, "02": 0, "03": 18, "04": 6, "05": 12, "06": 80, "07": 100, "08": 0, "09": 0,
}  # fmt: skip
SOUND_PROPOSALS: Mapping[str, Mapping[str, int]] = {
    "1": {"06": 3},
    "2": {"06": 2},
    "3": {"01": 6, "02": 2, "05": 3, "06": 7, "08": 8},
    "4": {"01": 7, "02": 2, "04": 1, "06": 18, "07": 4, "09": 9},
    "5": {"01": 6, "02": 2, "05": 3, "06": 10, "08": 7},
    "6": {"01": 6, "02": 2, "06": 20, "07": 4, "09": 5},
}
"""F08 column -> row -> figure: 10 collectives granted the certificate of the province, 7 proposed and 3 left over."""


def state_award_at(awards: Mapping[str, Mapping[str, int]], row: str, column: str) -> int:
    """One figure of F04."""
    if column == "1":
        return sum(state_award_at(awards, row, str(part)) for part in range(2, 12))
    own = awards.get(column, {})
    if row in ("01", "03"):
        return sum(own.get(part, 0) for part in ("06", "08", "09"))
    return own.get(row, 0)


def fill_state_awards(sending: Sending, awards: Mapping[str, Mapping[str, int]] = SOUND_STATE_AWARDS) -> None:
    """F04 from column -> row -> figure, with the totals that follow and noughts elsewhere."""
    _fill(sending, "F04", lambda row, column: state_award_at(awards, row, column))


def fill_proposals(sending: Sending, figures: Mapping[str, Mapping[str, int]] = SOUND_PROPOSALS) -> None:
    """F08 from column -> row -> figure, noughts elsewhere."""
    _fill(sending, "F08", lambda row, column: figures.get(column, {}).get(row, 0))


def fill_sound_awards(sending: Sending) -> None:
    """The three forms, where the workbook has them."""
    forms = {sheet.form for sheet in sending.plan.sheets}
    if "F04" in forms:
        fill_state_awards(sending)
    if "F06" in forms:
        for row, number in SOUND_BASE_AWARDS.items():
            sending.field("F06", row, number)
    if "F08" in forms:
        fill_proposals(sending)


def _fill(sending: Sending, form: str, figure: Callable[[str, str], int]) -> None:
    sheet = sending.plan.sheet_of(form)
    for key in sheet.places:
        if sheet.cells[sheet.places[key]].style != "not_applicable":
            sending.put(form, key.row, key.column, figure(key.row, key.column))
