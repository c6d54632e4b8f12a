"""What several routes need of a request: the way to another page of the app, and which period is meant."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import HTTPException, Request
from fastapi.responses import RedirectResponse

from etl.usecases.context import Context
from etl.usecases.follow import choose_key


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
