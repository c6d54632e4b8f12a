"""`links show|revoke` on a real warehouse."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

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
        assert main(["links", "revoke", *OWED, "--by", "cán bộ", "--why", "lộ đường dẫn"]) == 0
        with pytest.raises(BadLink, match="revoked"):
            read_link(context, token, before)
    assert main(["links", "show", "--unit", "H14.KHONG", *OWED[2:]]) == 1
    assert main(["links", "revoke", *OWED, "--by", " ", "--why", "x"]) == 2
    monkeypatch.setattr(links, "read_settings", lambda: replace(settings, web_url=None))
    assert main(["links", "show", *OWED]) == 2
    assert "MOVEMENT_REPORTS_WEB_URL" in capsys.readouterr().err
