"""`marts list` and `marts show` on the terminal and for machines."""

from __future__ import annotations

import json

import pytest

from etl.cli.main import main
from tests.marts.old_province import REPORT
from tests.usecases.deliveries import Post


@pytest.fixture
def environment(articles: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = articles.context.settings
    monkeypatch.setenv("MOVEMENT_REPORTS_HOME", str(settings.home))
    monkeypatch.setenv("MOVEMENT_REPORTS_REGISTER", str(settings.register))
    monkeypatch.setenv("MOVEMENT_REPORTS_WAREHOUSE_URL", str(settings.warehouse_url))


def test_list_names_the_marts_of_a_report(environment: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["marts", "list", "--report", REPORT, "--json"]) == 0
    codes = [row["code"] for row in json.loads(capsys.readouterr().out)]
    assert codes[0] == "board" and "structure" in codes and "0601" not in codes


def test_show_prints_a_table_in_vietnamese_numbers(environment: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["marts", "show", "movement_result", "--report", REPORT, "--period", "2021-A1"]) == 0
    told = capsys.readouterr().out
    assert "368.994" in told and "99,62" in told and "Số cử tri đi bầu" in told


def test_show_as_json_carries_the_ids_and_says_no_when_empty(
    environment: None, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["marts", "show", "structure", "--report", REPORT, "--period", "2020-A1", "--json"]
    assert main(asked) == 0
    whole = json.loads(capsys.readouterr().out)["rows"][0]
    assert whole["figures"]["ty_le_truc_tiep"] == f"{REPORT}:2020-A1/structure/tinh/ty_le_truc_tiep"
    assert round(whole["ty_le_truc_tiep"], 2) == 61.75
    assert main([*asked, "--as-of", "2020-01-01T08:00"]) == 1
    assert main(["marts", "show", "nothing", "--report", REPORT, "--period", "2020-A1"]) == 2
