"""`export` and `report-draft` on the command line: what cannot go together is refused before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.cli.main import main

WHERE = ["--report", "movements-half", "--period", "2026-S1"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say what to write"),
        (["--docx", "a.docx", "--trace-file", "b.xlsx"], "--trace-file goes with --out"),
        (["--out", "a.xlsx", "--publication", "1", "--as-of", "2026-07-01"], "leave out --as-of"),
    ],
)
def test_wrong_usage_is_said_and_writes_nothing(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", *WHERE, *arguments]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_draft_needs_a_file() -> None:
    with pytest.raises(SystemExit):
        main(["report-draft", *WHERE])
