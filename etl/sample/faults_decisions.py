"""Faults of F10, F11, F13 and F14, and of F04 to F06 against the list of decisions. Pure.

Each planter changes one cell, or the few that keep everything else right; consequences are found by the oracle.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from etl.forms.declaration import CellKey
from etl.sample.answers import Answer, write_count, write_date, write_decimal, write_plain
from etl.sample.award_law import (
    AWARDS,
    BASE_ISSUERS,
    CERTIFICATES,
    ISSUERS,
    KINDS,
    LOCAL_TITLES,
    LOCAL_UNIT_TYPES,
    Cell,
    list_cells,
    tie_code,
)
from etl.sample.draft import Draft, NoRoom, Planted, Spot
from etl.sample.faults_model import FaultKind, Planter, choose, claim_row, number_at, spoil, write_shifted
from etl.sample.judge_decisions import F11_COLUMNS, F14_COLUMNS, Line, f10, f13, read_lines
from etl.sample.oracle import Values
from etl.sample.sheets import delete_row

_PARTY = tuple(code for code, law in AWARDS.items() if law.is_party)
_PROPOSALS = {"co_tinh": "Cờ thi đua của UBND tỉnh", "bk_tinh": "Bằng khen của Chủ tịch UBND tỉnh"}


def _has(draft: Draft, form: str) -> None:
    if form not in draft.layouts:
        raise NoRoom


# -- F10 and F13


def _plant_part(code: str, parts: tuple[str, ...], total: str) -> Planter:
    """One part of a sum of the fund goes up or down."""

    def plant(draft: Draft, rng: Random) -> Planted:
        _has(draft, "F10")
        key = f10(rng.choice(parts))
        return spoil(
            draft, key, write_plain(number_at(draft, key) + 10_000 * rng.randint(1, 40)), code, blame=f10(total)
        )

    return plant


def _plant_closing(draft: Draft, rng: Random) -> Planted:
    key = f10("closing")
    return spoil(draft, key, write_plain(number_at(draft, key) + 10_000 * rng.randint(1, 90)), "F10-BALANCE")


def _plant_bonuses(draft: Draft, rng: Random) -> Planted:
    """More paid than the decisions are worth; the fund itself adds up."""
    more = Decimal(10_000_000 * rng.randint(40, 90))
    for name, sign in (("spending", 1), ("opening", 1)):
        spoil(draft, f10(name), write_plain(number_at(draft, f10(name)) + sign * more), "F10-BONUS")
    return spoil(draft, f10("bonuses"), write_plain(number_at(draft, f10("bonuses")) + more), "F10-BONUS")


def _plant_resolved(draft: Draft, rng: Random) -> Planted:
    room = number_at(draft, f13("opening")) + number_at(draft, f13("received"))
    return spoil(draft, f13("resolved"), write_count(int(room) + rng.randint(1, 5), rng), "F13-RESOLVED")


def _plant_left_over(draft: Draft, rng: Random) -> Planted:
    key = f13("closing")
    return spoil(draft, key, write_count(int(number_at(draft, key)) + rng.randint(1, 5), rng), "F13-BALANCE")


# -- F11


def _members(draft: Draft, usable: Callable[[Decimal, str], bool]) -> list[str]:
    """Row keys of members with an untouched rank and proposal of which `usable` (rank, proposal) holds."""
    _has(draft, "F11")
    found = []
    for key, answer in draft.answers.items():
        if key.form != "F11" or key.column != F11_COLUMNS["rank"] or key.ordinal:
            continue
        proposal = draft.answers.get(_f11(key.row, "proposal"))
        told = proposal.meaning if proposal is not None else None
        if any(isinstance(item, CellKey) and item[:2] == key[:2] for item in draft.touched):
            continue
        if isinstance(answer.meaning, Decimal) and isinstance(told, str) and usable(answer.meaning, told):
            found.append(key.row)
    return found


def _f11(row: str, name: str) -> CellKey:
    return CellKey("F11", row, F11_COLUMNS[name])


def _plant_score(name: str, code: str) -> Planter:
    def plant(draft: Draft, rng: Random) -> Planted:
        row = choose(rng, _members(draft, lambda rank, _: name == "own" or rank == 1))
        score = draft.truth.highest_score + Decimal(rng.randint(1, 300)) / 10
        return spoil(draft, _f11(row, name), write_decimal(score, rng), code)

    return plant


def _plant_rank_order(draft: Draft, rng: Random) -> Planted:
    """Two neighbours of the middle field change places; their scores do not."""
    open_rows = _members(draft, lambda rank, _: rank > draft.truth.certificate_ranks)
    ranked = {number_at(draft, _f11(row, "rank")): row for row in open_rows}
    pairs = [
        (ranked[rank], ranked[rank + 1])
        for rank in ranked
        if rank + 1 in ranked
        and number_at(draft, _f11(ranked[rank], "score")) > number_at(draft, _f11(ranked[rank + 1], "score"))
    ]
    better, worse = choose(rng, pairs)
    ranks = [number_at(draft, _f11(row, "rank")) for row in (better, worse)]
    spoil(draft, _f11(worse, "rank"), write_plain(ranks[0]), "F11-RANK-ORDER")
    return spoil(draft, _f11(better, "rank"), write_plain(ranks[1]), "F11-RANK-ORDER")


def _plant_rank_gap(draft: Draft, rng: Random) -> Planted:
    rows = _members(draft, lambda rank, _: rank > 1)
    row = max(rows, key=lambda row: number_at(draft, _f11(row, "rank")), default=None)
    if row is None:
        raise NoRoom
    rank = number_at(draft, _f11(row, "rank")) + rng.randint(1, 2)
    return spoil(draft, _f11(row, "rank"), write_plain(rank), "F11-RANK-GAP")


def _plant_proposal(code: str, proposal: str, usable: Callable[[Draft, Decimal], bool]) -> Planter:
    def plant(draft: Draft, rng: Random) -> Planted:
        row = choose(rng, _members(draft, lambda rank, told: usable(draft, rank) and told != proposal))
        return spoil(draft, _f11(row, "proposal"), Answer(proposal, _PROPOSALS[proposal]), code)

    return plant


def _plant_member_missing(draft: Draft, rng: Random) -> Planted:
    """A member's row deleted."""
    row = choose(rng, _members(draft, lambda *_: True))
    claim_row(draft, "F11", row)
    sheet = draft.sheets["F11"]
    delete_row(sheet, next(place[0] for key, place in sheet.plan.places.items() if key.row == row))
    draft.forget(lambda key: not (key.form == "F11" and key.row == row))
    return draft.plant("ROW-NOT-REPORTED", "F11")


def _plant_stranger(draft: Draft, rng: Random) -> Planted:
    """A unit of another bloc where a member stood: the member is missing, the other is not asked."""
    setting = draft.setting
    end = setting.period.end
    members = {row.unit for row in setting.register.members_of(setting.unit.code, end)}
    row = choose(rng, _members(draft, lambda *_: True))
    strangers = [
        unit for unit in setting.register.units_on(end) if unit.code not in members and unit.code != setting.unit.code
    ]
    other = choose(rng, [unit.code for unit in strangers if ("stranger", unit.code, "F11") not in draft.touched])
    claim_row(draft, "F11", row)
    draft.claim(("stranger", other, "F11"))
    key = CellKey("F11", row, "A")
    draft.cell(key).value = other
    draft.forget(lambda known: not (known.form == "F11" and known.row == row))
    draft.plant("ROW-NOT-REPORTED", "F11")
    return draft.plant("ROW-NOT-ASKED", "F11", key)


# -- F14


def _lines(draft: Draft, usable: Callable[[Line], bool]) -> list[Line]:
    """Whole lines that no fault has touched and of which `usable` holds."""
    _has(draft, "F14")
    touched = {item.row for item in draft.touched if isinstance(item, CellKey) and item.form == "F14"}
    return [
        line
        for line in read_lines(Values(draft.answers, draft.layouts))
        if line.row not in touched
        and None not in (line.number, line.signed, line.issuer, line.award, line.kind, line.recipient, line.count)
        and usable(line)
    ]


def _write(draft: Draft, line: Line, name: str, answer: Answer, code: str, blame: str | None = None) -> Planted:
    draft.claim(*(line.at(other) for other in F14_COLUMNS if other != name and line.at(other) in draft.answers))
    return spoil(draft, line.at(name), answer, code, blame=line.at(blame) if blame else None)


def _law(line: Line) -> tuple[str, ...]:
    return AWARDS[line.award or ""].issuers


def _plant_issuer(
    code: str, lines: Callable[[Line], bool], issuers: Callable[[Draft, Line], list[str]], blame: str
) -> Planter:
    """A line gets another issuer."""

    def plant(draft: Draft, rng: Random) -> Planted:
        line = choose(rng, _lines(draft, lambda one: lines(one) and bool(issuers(draft, one))))
        issuer = choose(rng, issuers(draft, line))
        return _write(draft, line, "issuer", Answer(issuer, ISSUERS[issuer]), code, blame)

    return plant


def _own_base(draft: Draft, _: Line) -> list[str]:
    """The heads of the base that this unit may name without another fault."""
    is_local = draft.truth.unit_type in LOCAL_UNIT_TYPES
    return [issuer for issuer in BASE_ISSUERS if issuer != "ubnd_xa" or is_local]


def _wrong_state_issuers(_: Draft, line: Line) -> list[str]:
    fits = _law(line)
    return [one for one in ("chu_tich_nuoc", "chinh_phu", "bo_nganh", "ubnd_tinh") if one not in fits]


def _communes(draft: Draft, _: Line) -> list[str]:
    return ["ubnd_xa"] if draft.truth.unit_type not in (None, *LOCAL_UNIT_TYPES) else []


def _plant_award(code: str, lines: Callable[[Draft, Line], bool], awards: tuple[str, ...]) -> Planter:
    """A line gets another award; what F04 to F06 count then differs too."""

    def plant(draft: Draft, rng: Random) -> Planted:
        line = choose(rng, _lines(draft, lambda one: lines(draft, one)))
        award = rng.choice(awards)
        return _write(draft, line, "award", Answer(award, AWARDS[award].name), code)

    return plant


def _plant_kind(draft: Draft, rng: Random) -> Planted:
    line = choose(rng, _lines(draft, lambda one: len(AWARDS[one.award or ""].kinds) < len(KINDS)))
    kind = choose(rng, [kind for kind in KINDS if kind not in AWARDS[line.award or ""].kinds])
    return _write(draft, line, "kind", Answer(kind, KINDS[kind]), "F14-KIND")


def _plant_day(code: str, move: Callable[[Draft, Random], date | None]) -> Planter:
    def plant(draft: Draft, rng: Random) -> Planted:
        line, day = choose(rng, _lines(draft, lambda _: True)), move(draft, rng)
        if day is None:
            raise NoRoom
        return _write(draft, line, "signed", write_date(day, rng), code)

    return plant


def _early(draft: Draft, rng: Random) -> date:
    return draft.setting.period.start - timedelta(days=rng.randint(1, 120))


def _late(draft: Draft, _: Random) -> date:
    return draft.setting.period.end + timedelta(days=1)


def _future(draft: Draft, rng: Random) -> date | None:
    signed = draft.answers.get(CellKey("F00", "10", "1"))
    day = signed.meaning if signed is not None else None
    return day + timedelta(days=rng.randint(1, 20)) if isinstance(day, date) else None


def _plant_twice(draft: Draft, rng: Random) -> Planted:
    """Two lines of one award and kind with the same number and recipients."""
    lines = _lines(draft, lambda _: True)
    pairs = [
        (one, other)
        for one in lines
        for other in lines
        if int(one.row) < int(other.row) and (one.award, one.kind) == (other.award, other.kind)
    ]
    one, other = choose(rng, pairs)
    draft.claim(*(one.at(name) for name in F14_COLUMNS))
    for name in ("number", "recipient"):
        spoil(draft, other.at(name), draft.answers[one.at(name)], "F14-TWICE")
    return Planted("F14-TWICE", Spot("F14", other.at("number")))


def _plant_none(draft: Draft, rng: Random) -> Planted:
    line = choose(rng, _lines(draft, lambda _: True))
    return _write(draft, line, "count", write_plain(0), "F14-NONE")


def _plant_tie(cell: Cell, counted: list[tuple[str, str]]) -> Planter:
    """A line counts more or fewer than the form, or the form counts what no line has."""
    code, told = tie_code(cell), CellKey(*cell)

    def plant(draft: Draft, rng: Random) -> Planted:
        _has(draft, "F14")
        _has(draft, cell[0])
        lines = _lines(draft, lambda one: (one.award, one.kind) in counted and (one.count or 0) > 0)
        if not lines:
            return spoil(draft, told, write_shifted(number_at(draft, told), rng), code)
        line = rng.choice(lines)
        return spoil(
            draft, line.at("count"), write_plain((line.count or Decimal(0)) + rng.randint(1, 4)), code, blame=told
        )

    return plant


DECISION_FAULTS = (
    FaultKind(
        "fund: income does not add up",
        "F10-INCOME",
        _plant_part("F10-INCOME", ("state", "gifts", "other_income"), "income"),
    ),
    FaultKind(
        "fund: spending does not add up", "F10-SPENDING", _plant_part("F10-SPENDING", ("other_spending",), "spending")
    ),
    FaultKind("fund: balance does not close", "F10-BALANCE", _plant_closing),
    FaultKind("fund: more paid than decided", "F10-BONUS", _plant_bonuses),
    FaultKind("bloc: own score off the scale", "F11-SELF-SCORE", _plant_score("own", "F11-SELF-SCORE")),
    FaultKind("bloc: score off the scale", "F11-SCORE", _plant_score("score", "F11-SCORE")),
    FaultKind("bloc: ranks against scores", "F11-RANK-ORDER", _plant_rank_order),
    FaultKind("bloc: gap in the ranks", "F11-RANK-GAP", _plant_rank_gap),
    FaultKind(
        "bloc: flag for a later rank",
        "F11-FLAG-RANK",
        _plant_proposal("F11-FLAG-RANK", "co_tinh", lambda draft, rank: rank > draft.truth.flag_ranks),
    ),
    FaultKind(
        "bloc: certificate for a later rank",
        "F11-CERTIFICATE-RANK",
        _plant_proposal("F11-CERTIFICATE-RANK", "bk_tinh", lambda draft, rank: rank > draft.truth.certificate_ranks),
    ),
    FaultKind(
        "bloc: certificate for the first",
        "F11-CERTIFICATE-FIRST",
        _plant_proposal("F11-CERTIFICATE-FIRST", "bk_tinh", lambda draft, rank: rank <= draft.truth.flag_ranks),
    ),
    FaultKind("bloc: member missing", "ROW-NOT-REPORTED", _plant_member_missing),
    FaultKind("bloc: no member", "ROW-NOT-ASKED", _plant_stranger),
    FaultKind("more complaints resolved than there were", "F13-RESOLVED", _plant_resolved),
    FaultKind("complaints left over do not add up", "F13-BALANCE", _plant_left_over),
    FaultKind(
        "certificate granted by the base",
        "F14-CERTIFICATE",
        _plant_issuer("F14-CERTIFICATE", lambda line: line.award in CERTIFICATES, _own_base, "award"),
    ),
    FaultKind(
        "issuer without the power",
        "F14-ISSUER",
        _plant_issuer("F14-ISSUER", lambda line: _law(line) != ("co_quan_dang",), _wrong_state_issuers, "issuer"),
    ),
    FaultKind(
        "State award from the Party",
        "F14-PARTY-ISSUER",
        _plant_issuer("F14-PARTY-ISSUER", lambda line: line.award not in _PARTY, lambda *_: ["co_quan_dang"], "award"),
    ),
    FaultKind(
        "Party award from the State",
        "F14-PARTY-AWARD",
        _plant_award("F14-PARTY-AWARD", lambda _, line: line.issuer != "co_quan_dang", _PARTY),
    ),
    FaultKind(
        "decision of a commune elsewhere",
        "F14-COMMUNE",
        _plant_issuer(
            "F14-COMMUNE", lambda line: "ubnd_xa" in _law(line) and line.award not in LOCAL_TITLES, _communes, "issuer"
        ),
    ),
    FaultKind(
        "title of a commune elsewhere",
        "F14-CULTURE",
        _plant_award(
            "F14-CULTURE", lambda draft, _: draft.truth.unit_type not in (None, *LOCAL_UNIT_TYPES), LOCAL_TITLES
        ),
    ),
    FaultKind("award for the wrong kind", "F14-KIND", _plant_kind),
    FaultKind("decision before the period", "F14-EARLY", _plant_day("F14-EARLY", _early)),
    FaultKind("decision after the period", "F14-LATE", _plant_day("F14-LATE", _late)),
    FaultKind("decision after the report", "F14-FUTURE", _plant_day("F14-FUTURE", _future)),
    FaultKind("decision listed twice", "F14-TWICE", _plant_twice),
    FaultKind("decision about nobody", "F14-NONE", _plant_none),
    *(
        FaultKind(f"decisions against {'.'.join(cell)}", tie_code(cell), _plant_tie(cell, counted))
        for cell, counted in list_cells().items()
    ),
)
DECISION_WARNINGS = frozenset(
    {"F10-BONUS", "F11-RANK-GAP", "F11-CERTIFICATE-RANK", "F11-CERTIFICATE-FIRST", "F14-EARLY", "F14-LATE"}
)
