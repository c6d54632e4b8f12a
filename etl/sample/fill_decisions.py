"""Writes F14 from the figures of F04 to F06 that are already in the draft, F10 from F14, and F11 and F13. Pure.

Whatever is written here gives no finding; it runs after the fills of the forms that it reads.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from random import Random

from etl.forms.declaration import FIELD_COLUMN, CellKey
from etl.register.model import BlocRole, UnitType
from etl.sample.answers import BLANK, Answer, write_count, write_date, write_decimal, write_plain, write_text
from etl.sample.award_law import (
    AWARDS,
    ISSUERS,
    KINDS,
    LOCAL_UNIT_TYPES,
    METHOD_NAMES,
    ROUNDING,
    TO_COLLECTIVE,
    TO_HOUSEHOLD,
    bonus_of,
    list_cells,
)
from etl.sample.draft import Draft
from etl.sample.figures import draw_number
from etl.sample.fill_tables import fill_forms
from etl.sample.judge_decisions import F10_CODES, F11_COLUMNS, F13_CODES, F14_COLUMNS, find_bonus, read_lines
from etl.sample.oracle import Values

MOST_LINES = 36
"""The template prints 40; a few stay empty, as in real life."""
_SIGNS = {
    "chu_tich_nuoc": "QĐ-CTN", "chinh_phu": "QĐ-TTg", "bo_nganh": "QĐ-BNV", "ubnd_tinh": "QĐ-UBND", "so_nganh": "QĐ-SNV",
    "ubnd_xa": "QĐ-UBND", "doanh_nghiep": "QĐ-GĐ", "co_quan_dang": "QĐ/TU",
}  # fmt: skip
_COLLECTIVES = (
    "Tập thể phòng Tổng hợp",
    "Tập thể phòng Nghiệp vụ",
    "Các tập thể theo danh sách kèm theo",
    "Tập thể tổ số 2",
)
_PEOPLE = (
    "Các cá nhân theo danh sách kèm theo",
    "Cá nhân thuộc phòng Nghiệp vụ",
    "Cán bộ, nhân viên các tổ trực thuộc",
)
_FAMILIES = ("Các hộ gia đình theo danh sách kèm theo", "Các hộ ở thôn, tổ dân phố")
_METHODS = ("thuong_xuyen", "thuong_xuyen", "thuong_xuyen", "chuyen_de", "chuyen_de", "dot_xuat", "cong_hien")
_PROPOSALS = {"co_tinh": "Cờ thi đua của UBND tỉnh", "bk_tinh": "Bằng khen của Chủ tịch UBND tỉnh", "khong": "Không"}


def fill_decision_forms(draft: Draft, seed: str, _: Random) -> None:
    """Fills the four forms where the draft has them; a form that is optional is often left empty, or taken out."""
    setting = draft.setting
    scoring = setting.register.province.scoring
    members = setting.register.members_of(setting.unit.code, setting.period.end)
    draft.truth = replace(
        draft.truth,
        member_count=len(members),
        highest_score=scoring.highest_score,
        flag_ranks=scoring.flag_ranks,
        certificate_ranks=scoring.certificate_ranks,
    )
    fill_forms(draft, seed, {"F14": _fill_decisions, "F10": _fill_fund, "F11": _fill_bloc, "F13": _fill_complaints})


# -- F14


def _fill_decisions(draft: Draft, rng: Random) -> None:
    numbers: list[tuple[list[tuple[str, str]], int]] = []
    for cell, counted in list_cells().items():
        answer = draft.answers.get(CellKey(*cell)) if cell[0] in draft.layouts else None
        if answer is not None and isinstance(answer.meaning, Decimal) and answer.meaning > 0:
            numbers.append((counted, int(answer.meaning)))
    if draft.setting.unit.type is UnitType.PARTY and rng.random() < 0.7:
        numbers += [([("BK_DANG", TO_COLLECTIVE)], rng.randint(1, 3)), ([("HH_DANG", "ca_nhan")], rng.randint(1, 30))]
    if draft.setting.unit.type.value in LOCAL_UNIT_TYPES and rng.random() < 0.1:
        numbers.append(([("XA_TIEU_BIEU", TO_COLLECTIVE)], 1))
    if not numbers and draft.setting.unit.type is UnitType.BLOC:
        # Optional there, and with nothing on it a sheet counts as not sent, which is for the caller to say.
        numbers.append(([("KNC", "ca_nhan")], rng.randint(1, 4)))
    room, lines = MOST_LINES - len(numbers), []
    for counted, number in numbers:
        # Mostly of the first award that is counted there, sometimes of two.
        award = counted[0] if rng.random() < 0.7 else rng.choice(counted)
        if number > 1 and room > 0 and rng.random() < 0.25:
            part, room = rng.randint(1, number - 1), room - 1
            lines.append((*rng.choice(counted), part))
            number -= part
        lines.append((*award, number))
    rng.shuffle(lines)
    for place, (award_code, kind, count) in enumerate(lines, start=1):
        _write_line(draft, str(place), award_code, kind, count, rng)


def _write_line(draft: Draft, row: str, award: str, kind: str, count: int, rng: Random) -> None:
    issuer, period = _choose_issuer(draft, award, rng), draft.setting.period
    day = period.start + timedelta(days=rng.randint(0, (period.end - period.start).days))
    names = _COLLECTIVES if kind == TO_COLLECTIVE else _FAMILIES if kind == TO_HOUSEHOLD else _PEOPLE
    method = rng.choice(_METHODS)
    # No two lines share a number: the same decision twice for the same recipients is a fault.
    number = f"{100 * int(row) + rng.randint(0, 99)}/{_SIGNS[issuer]}"
    answers = {
        "number": write_text(number, rng),
        "signed": write_date(day, rng),
        "issuer": Answer(issuer, ISSUERS[issuer]),
        "award": Answer(award, AWARDS[award].name),
        "method": Answer(method, METHOD_NAMES[method]),
        "kind": Answer(kind, KINDS[kind]),
        "recipient": write_text(rng.choice(names), rng),
        "count": write_count(count, rng),
    }
    for name, answer in answers.items():
        draft.write(CellKey("F14", row, F14_COLUMNS[name]), answer)


def _choose_issuer(draft: Draft, award: str, rng: Random) -> str:
    """Who grants it to this unit: its own head where the award is one of the base."""
    unit_type = draft.setting.unit.type.value
    own = "ubnd_xa" if unit_type in LOCAL_UNIT_TYPES else "doanh_nghiep" if unit_type == "enterprise" else "so_nganh"
    issuers = AWARDS[award].issuers
    if own in issuers:
        return own
    return issuers[0] if rng.random() < 0.9 else rng.choice([one for one in issuers if one != "ubnd_xa"])


# -- F10


def _fill_fund(draft: Draft, rng: Random) -> None:
    income = {
        name: draw_number(rng, mean) * 10_000 for name, mean in (("state", 4000), ("gifts", 800), ("other_income", 60))
    }
    paid = _draw_bonuses(draft, rng)
    other = draw_number(rng, 300) * 10_000
    total = sum(income.values())
    opening = max(0, paid + other - total) + draw_number(rng, 2000) * 10_000
    figures = {
        "opening": opening,
        **income,
        "income": total,
        "bonuses": paid,
        "other_spending": other,
        "spending": paid + other,
        "closing": opening + total - paid - other,
    }
    for name, code in F10_CODES.items():
        may_be_blank = figures[name] == 0 and name in ("gifts", "other_income", "other_spending")
        answer = BLANK if may_be_blank and rng.random() < 0.5 else write_count(figures[name], rng)
        draft.write(CellKey("F10", code, FIELD_COLUMN), answer)


def _draw_bonuses(draft: Draft, rng: Random) -> int:
    """What the decisions cost, each bonus rounded up to ten thousand as the decree says, or not, as tables show."""
    if "F14" not in draft.layouts:
        return draw_number(rng, 3000) * 10_000
    lines = read_lines(Values(draft.answers, draft.layouts))
    if find_bonus(lines) is None:
        return draw_number(rng, 3000) * 10_000
    rounds, total = rng.random() < 0.7, Decimal(0)
    for line in lines:
        assert line.award and line.kind and line.count is not None and isinstance(line.signed, date)  # noqa: S101
        bonus = bonus_of(line.award, line.kind, line.signed) or Decimal(0)
        if rounds:
            bonus = (bonus / ROUNDING).to_integral_value(ROUND_CEILING) * ROUNDING
        total += line.count * bonus
    return int(total)


# -- F11


def _fill_bloc(draft: Draft, rng: Random) -> None:
    setting = draft.setting
    members = setting.register.members_of(setting.unit.code, setting.period.end)
    codes = [row.unit for row in sorted(members, key=lambda row: list(BlocRole).index(row.role))]
    highest = 10 * draft.truth.highest_score
    scores = [Decimal(rng.randint(highest * 7 // 10, highest)) / 10 for _ in codes]
    if len(scores) > 3 and rng.random() < 0.3:
        scores[1] = scores[2]
    for code, score in zip(codes, scores, strict=True):
        rank = 1 + sum(other > score for other in scores)
        proposal = "khong"
        if rank <= draft.truth.flag_ranks and rng.random() < 0.9:
            proposal = "co_tinh"
        elif draft.truth.flag_ranks < rank <= draft.truth.certificate_ranks and rng.random() < 0.9:
            proposal = "bk_tinh"
        own = min(Decimal(draft.truth.highest_score), score + Decimal(rng.randint(0, 30)) / 10)
        answers = {
            "own": write_decimal(own, rng) if rng.random() < 0.95 else BLANK,
            "score": write_decimal(score, rng),
            "rank": write_plain(rank),
            "proposal": Answer(proposal, _PROPOSALS[proposal]),
        }
        for name, answer in answers.items():
            draft.write(CellKey("F11", code, F11_COLUMNS[name]), answer)


# -- F13


def _fill_complaints(draft: Draft, rng: Random) -> None:
    opening, received = draw_number(rng, 3.0), draw_number(rng, 8.0)
    resolved = rng.randint(0, opening + received)
    figures = {
        "opening": opening,
        "received": received,
        "resolved": resolved,
        "closing": opening + received - resolved,
    }
    for name, code in F13_CODES.items():
        draft.write(CellKey("F13", code, FIELD_COLUMN), write_count(figures[name], rng))
    for code in ("05", "06"):
        number = draw_number(rng, 1.0)
        draft.write(
            CellKey("F13", code, FIELD_COLUMN),
            BLANK if number == 0 and rng.random() < 0.3 else write_count(number, rng),
        )
    text = "Danh sách gửi kèm theo văn bản mật của đơn vị"
    draft.write(CellKey("F13", "07", FIELD_COLUMN), write_text(text, rng) if rng.random() < 0.4 else BLANK)
