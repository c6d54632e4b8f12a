"""`links show|revoke` on a real warehouse."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from etl.calendar.deadlines import TIMEZONE
from etl.cli import links
from etl.cli.main import main
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.context import open_context
from etl.usecases.prepare import init_warehouse
from etl.usecases.unit_links import BadLink, read_link

OWED = ("--unit", "H14.SNV", "--report", "movements-half", "--period", "2026-S1")


def test_a_link_is_shown_and_taken_back(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = replace(make_settings(PROJECT_ROOT / "register"), web_url="https://baocao.example", web_secret="x" * 40)
    init_warehouse(settings)
    monkeypatch.setattr(links, "read_settings", lambda: settings)

    assert main(["links", "show", *OWED, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    token = told["link"].removeprefix("https://baocao.example/u/")
    with open_context(settings) as context:
        before = datetime.fromisoformat(told["expires_at"]) - timedelta(days=1)
        assert read_link(context, token, before).unit == "H14.SNV"
        entrance = read_link(context, token, before)
        assert (told["last_day"], told["revocations"]) == (entrance.last_day.isoformat(), 0)
        assert entrance.expires_at == datetime.fromisoformat(told["expires_at"])
        # Good for a month from today, whenever this runs.
        assert entrance.last_day >= context.clock().astimezone(TIMEZONE).date() + timedelta(days=29)
        assert main(["links", "show", *OWED]) == 0
        shown = capsys.readouterr()
        assert told["link"] in shown.out.replace("\n", "")
        assert f"có hiệu lực đến hết ngày {entrance.last_day:%d/%m/%Y}" in shown.err
        revoke = ["links", "revoke", *OWED, "--by", "cán bộ", "--why", "lộ đường dẫn"]
        assert main([*revoke, "--expected-revocations", "0"]) == 0
        assert main([*revoke, "--expected-revocations", "0"]) == 1
        assert "cán bộ" in capsys.readouterr().err
        with pytest.raises(BadLink, match="revoked"):
            read_link(context, token, before)
    assert main(["links", "show", "--unit", "H14.KHONG", *OWED[2:]]) == 1
    assert main(["links", "revoke", *OWED, "--by", " ", "--why", "x"]) == 2
    monkeypatch.setattr(links, "read_settings", lambda: replace(settings, web_url=None))
    assert main(["links", "show", *OWED]) == 2
    assert "MOVEMENT_REPORTS_WEB_URL" in capsys.readouterr().err
