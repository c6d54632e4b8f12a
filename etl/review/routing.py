"""What several routes need of a request: the way to another page of the app, and which period is meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Form, HTTPException, Request
from fastapi.responses import RedirectResponse
from pydantic import AfterValidator

from etl.text import normalise_lines
from etl.usecases.context import Context
from etl.usecases.follow import choose_key, list_keys

Why = Annotated[str, AfterValidator(normalise_lines), Form(max_length=2000)]
"""A reason, as a form sends it: without what nobody can see, so that one of such characters alone is none."""


def is_within(path: str) -> bool:
    """Whether it is a place of ours: an address of another site is not followed."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path


def go_to(request: Request, path: str) -> RedirectResponse:
    """To a page of ours, wherever the app is mounted; a browser that comes back does not send its form again."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}{path}", status_code=303)


def choose_period(context: Context, known: Sequence[tuple[str, str]], key: str) -> str:
    """The asked `report:period`, else the one people look at first. Raises HTTPException 404 for one that is not open."""
    codes = [code for code, _ in known]
    if key and key not in codes:
        raise HTTPException(404, "Không có kỳ báo cáo này.")
    if not codes:
        raise HTTPException(404, "Chưa có kỳ báo cáo nào được mở.")
    return key or choose_key(context, codes, context.clock())


def name_codes(context: Context) -> dict[str, dict[str, str]]:
    """Names for the codes in the audit trail, as its templates want them: of periods, and of units of today and before."""
    return {
        "period_names": dict(list_keys(context)),
        "unit_names": {unit.code: unit.name for unit in context.register.units},
    }
