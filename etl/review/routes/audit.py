"""The audit trail of everything: who did what, looked for by kind, person, period, unit and day, a page at a time."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response

from etl.review.audit_words import list_kind_choices, read_kind_choice
from etl.review.pages import render
from etl.review.routes.entry import office_of
from etl.review.routing import name_codes
from etl.text import sort_key
from etl.usecases.audit_trail import ANY_UNIT, BadPlace, Sought, find_deeds, list_people
from etl.usecases.follow import list_keys

router = APIRouter()
Text = Annotated[str, Query(max_length=200)]


@router.get("/audit")
def show_audit(
    request: Request,
    key: Text = "",
    what: Text = "",
    who: Text = "",
    unit: Text = "",
    since: Text = "",
    until: Text = "",
    after: Text = "",
) -> Response:
    """Who did what, newest first. What is chosen narrows it; `after` goes on where a page ended."""
    context = office_of(request).context()
    known = list_keys(context)
    if key and key not in dict(known):
        raise HTTPException(404, "Không có kỳ báo cáo này.")
    kinds = read_kind_choice(what) if what else None
    if what and kinds is None:
        raise HTTPException(404, "Không có loại việc này.")
    report, _, period = key.partition(":")
    unit = unit.strip()
    first, last = _read_day(since), _read_day(until)
    sought = Sought(report or None, period or None, kinds, who or None, unit or None, first, last)
    try:
        page = find_deeds(context, sought, after=after or None)
    except BadPlace:
        raise HTTPException(422, "Địa chỉ trang nhật ký không đúng. Hãy mở lại Nhật ký.") from None
    asked = {"key": key, "what": what, "who": who, "unit": unit, "since": since, "until": until}
    names = name_codes(context)
    chosen = {name: value for name, value in asked.items() if value}
    return render(
        request, "audit.html", known=known, asked=asked, chosen=chosen, page=page, is_first=not after,
        is_reversed=bool(first and last and first > last), kinds=list_kind_choices(), people=list_people(context),
        any_unit=ANY_UNIT, units=sorted(names["unit_names"].items(), key=lambda one: sort_key(one[1])), **names,
    )  # fmt: skip


def _read_day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise HTTPException(422, "Ngày không đúng. Hãy chọn lại ngày.") from None
