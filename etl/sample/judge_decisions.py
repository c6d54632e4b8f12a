"""The answer key's judgement of F10, F11, F13 and F14, and of F04 to F06 against the list of decisions. Pure.

Written from the domain brief (§3.4, §3.7, §8, §11) and NĐ 152/2025, not from the suites.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from etl.forms.declaration import FIELD_COLUMN, CellKey
from etl.sample.answers import Unreadable
from etl.sample.award_law import (
    AWARDS,
    BASE_ISSUERS,
    CERTIFICATES,
    LOCAL_TITLES,
    LOCAL_UNIT_TYPES,
    ROUNDING,
    bonus_of,
    list_cells,
    tie_code,
)
from etl.sample.oracle import F00_CODES, Judged, Truth, Values, judge_sum

F10_CODES = {
    "opening": "01", "state": "02", "gifts": "03", "other_income": "04", "income": "05", "bonuses": "06",
    "other_spending": "07", "spending": "08", "closing": "09",
}  # fmt: skip
F13_CODES = {"opening": "01", "received": "02", "resolved": "03", "closing": "04"}
F14_COLUMNS = {
    "number": "B", "signed": "C", "issuer": "D", "award": "E", "method": "F", "kind": "G", "recipient": "H", "count": "1",
}  # fmt: skip
F11_COLUMNS = {"name": "B", "own": "1", "score": "2", "rank": "3", "proposal": "C"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of decisions with what a rule may use of it; None for what no rule can."""

    row: str
    ordinal: int
    number: str | None
    signed: date | None
    issuer: str | None
    award: str | None
    kind: str | None
    recipient: str | None
    count: Decimal | None

    def at(self, name: str) -> CellKey:
        """The cell of a named column."""
        return CellKey("F14", self.row, F14_COLUMNS[name], self.ordinal)


def f10(name: str) -> CellKey:
    """The cell of a named figure of F10."""
    return CellKey("F10", F10_CODES[name], FIELD_COLUMN)


def f13(name: str) -> CellKey:
    """The cell of a named figure of F13."""
    return CellKey("F13", F13_CODES[name], FIELD_COLUMN)


def judge_decisions(values: Values, truth: Truth) -> Iterable[Judged]:
    """Value findings of the forms that are present."""
    lines = read_lines(values) if "F14" in values.layouts else None
    if "F10" in values.layouts:
        yield from _judge_fund(values)
        due = find_bonus(lines) if lines is not None else None
        paid = values.number(f10("bonuses"))
        if due is not None and isinstance(paid, Decimal) and abs(paid - due[0]) > due[1]:
            yield "F10-BONUS", f10("bonuses")
    if "F11" in values.layouts:
        yield from _judge_bloc(values, truth)
    if "F13" in values.layouts:
        yield from _judge_complaints(values)
    if lines is not None:
        yield from _judge_lines(lines, values, truth)
        yield from _judge_ties(lines, values)


def read_lines(values: Values) -> list[Line]:
    """The lines of F14 that hold anything, in the order of their numbers."""
    lines = []
    found = {(key.row, key.ordinal) for key in values.answers if key.form == "F14"}
    for row, ordinal in sorted(found, key=lambda item: (int(item[0]), item[1])):
        cells = {name: values.get(CellKey("F14", row, code, ordinal)) for name, code in F14_COLUMNS.items()}
        texts = {name: cell if isinstance(cell, str) else None for name, cell in cells.items()}
        signed, count = cells["signed"], cells["count"]
        lines.append(
            Line(
                row,
                ordinal,
                texts["number"],
                signed if isinstance(signed, date) else None,
                texts["issuer"],
                texts["award"],
                texts["kind"],
                texts["recipient"],
                count if isinstance(count, Decimal) else None,
            )
        )
    return lines


def find_bonus(lines: Sequence[Line]) -> tuple[Decimal, Decimal] | None:
    """(what is due, tolerance) of all lines together; None where a line leaves it open."""
    due, recipients = Decimal(0), Decimal(0)
    for line in lines:
        if line.award is None or line.kind is None or line.count is None or line.signed is None:
            return None
        bonus = bonus_of(line.award, line.kind, line.signed)
        if bonus is None:
            return None
        if not AWARDS[line.award].is_party:
            due, recipients = due + line.count * bonus, recipients + line.count
    return due, recipients * ROUNDING


def _judge_fund(values: Values) -> Iterable[Judged]:
    yield from judge_sum(values, f10("income"), [f10("state"), f10("gifts"), f10("other_income")], "F10-INCOME")
    yield from judge_sum(values, f10("spending"), [f10("bonuses"), f10("other_spending")], "F10-SPENDING")
    yield from _judge_balance(
        values, [f10(name) for name in ("opening", "income", "spending", "closing")], "F10-BALANCE"
    )


def _judge_balance(
    values: Values, keys: Sequence[CellKey], code: str, least: Decimal | None = None
) -> Iterable[Judged]:
    """Opening, income, spending, closing; silent when nothing but the closing is there, or when less than `least` is due."""
    numbers = [values.number(key) for key in keys]
    if any(isinstance(number, Unreadable) for number in numbers) or numbers[:3] == [None, None, None]:
        return
    opening, income, spending, closing = (number if isinstance(number, Decimal) else Decimal(0) for number in numbers)
    due = opening + income - spending
    if due != closing and (least is None or due >= least):
        yield code, keys[3]


def _judge_complaints(values: Values) -> Iterable[Judged]:
    numbers = [values.number(f13(name)) for name in ("opening", "received", "resolved")]
    if not any(isinstance(number, Unreadable) for number in numbers):
        opening, received, resolved = (number if isinstance(number, Decimal) else Decimal(0) for number in numbers)
        if resolved > opening + received:
            yield "F13-RESOLVED", f13("resolved")
    keys = [f13(name) for name in ("opening", "received", "resolved", "closing")]
    yield from _judge_balance(values, keys, "F13-BALANCE", Decimal(0))


def _judge_bloc(values: Values, truth: Truth) -> Iterable[Judged]:
    rows = sorted({(key.row, key.ordinal) for key in values.answers if key.form == "F11"})

    def at(row: tuple[str, int], name: str) -> CellKey:
        return CellKey("F11", row[0], F11_COLUMNS[name], row[1])

    def number(row: tuple[str, int], name: str) -> Decimal | None:
        found = values.number(at(row, name))
        return found if isinstance(found, Decimal) else None

    ranked = [(row, score, rank) for row in rows if (rank := number(row, "rank")) is not None
              for score in [number(row, "score")]]  # fmt: skip
    for row in rows:
        for name, code in (("own", "F11-SELF-SCORE"), ("score", "F11-SCORE")):
            score = number(row, name)
            if score is not None and score > truth.highest_score:
                yield code, at(row, name)
    for row, score, rank in ranked:
        lower = [above for _, other, above in ranked if score is not None and other is not None and other < score]
        if any(above < rank for above in lower):
            yield "F11-RANK-ORDER", at(row, "rank")
        proposal = values.get(at(row, "proposal"))
        if proposal == "co_tinh" and rank > truth.flag_ranks:
            yield "F11-FLAG-RANK", at(row, "proposal")
        if proposal == "bk_tinh" and rank > truth.certificate_ranks:
            yield "F11-CERTIFICATE-RANK", at(row, "proposal")
        if proposal == "bk_tinh" and rank <= truth.flag_ranks:
            yield "F11-CERTIFICATE-FIRST", at(row, "proposal")
    if truth.unit_type == "bloc" and truth.end is not None and len(ranked) == len(rows) == truth.member_count:
        places = Counter(rank for _, _, rank in ranked)
        due = Decimal(1)
        for rank, times in sorted(places.items()):
            if rank != due:
                yield from (("F11-RANK-GAP", at(row, "rank")) for row, _, own in ranked if own == rank)
            due = rank + times


def _judge_lines(lines: Sequence[Line], values: Values, truth: Truth) -> Iterable[Judged]:
    report_signed = values.get(CellKey("F00", F00_CODES["signed"], FIELD_COLUMN)) if "F00" in values.layouts else None
    seen: set[tuple[str | None, ...]] = set()
    for line in lines:
        yield from _judge_authority(line, truth)
        if line.award is not None and line.kind is not None and line.kind not in AWARDS[line.award].kinds:
            yield "F14-KIND", line.at("kind")
        if line.signed is not None:
            if truth.start is not None and line.signed < truth.start:
                yield "F14-EARLY", line.at("signed")
            if truth.end is not None and line.signed > truth.end:
                yield "F14-LATE", line.at("signed")
            # A report signed before its period is a fault of the envelope, told once there.
            last = report_signed if isinstance(report_signed, date) else date.max
            if line.signed > last and (truth.start is None or last >= truth.start):
                yield "F14-FUTURE", line.at("signed")
        identity = (line.number, line.award, line.kind, line.recipient)
        if identity in seen:
            yield "F14-TWICE", line.at("number")
        elif None not in identity:
            seen.add(identity)
        if line.count is not None and line.count < 1:
            yield "F14-NONE", line.at("count")


def _judge_authority(line: Line, truth: Truth) -> Iterable[Judged]:
    is_local = truth.unit_type is None or truth.unit_type in LOCAL_UNIT_TYPES
    if line.award in LOCAL_TITLES and not is_local:
        yield "F14-CULTURE", line.at("award")
    if line.award is None or line.issuer is None:
        return
    law = AWARDS[line.award]
    if line.issuer == "co_quan_dang" and not law.is_party:
        yield "F14-PARTY-ISSUER", line.at("award")
    elif law.is_party and line.issuer != "co_quan_dang":
        yield "F14-PARTY-AWARD", line.at("award")
    elif line.issuer in BASE_ISSUERS and line.award in CERTIFICATES:
        yield "F14-CERTIFICATE", line.at("award")
    elif line.issuer not in law.issuers:
        yield "F14-ISSUER", line.at("issuer")
    if line.issuer == "ubnd_xa" and line.award not in LOCAL_TITLES and not is_local:
        yield "F14-COMMUNE", line.at("issuer")


def _judge_ties(lines: Sequence[Line], values: Values) -> Iterable[Judged]:
    if any(None in (line.award, line.kind, line.count) for line in lines):
        return
    for cell, counted in list_cells().items():
        if cell[0] not in values.layouts:
            continue
        told = values.number(CellKey(*cell))
        listed = sum((line.count or Decimal(0) for line in lines if (line.award, line.kind) in counted), Decimal(0))
        if not isinstance(told, Unreadable) and (told or Decimal(0)) != listed:
            yield tie_code(cell), CellKey(*cell)
