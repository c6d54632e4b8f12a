"""`register diff|apply` and the cuts of the board on the command line: exit codes and JSON."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from etl.cli.main import main
from etl.sample.province import copy_register
from etl.settings import PROJECT_ROOT, Settings

Run = Callable[..., tuple[int, str, str]]
BOARD = ("board", "--report", "movements-half", "--period", "2026-S1", "--as-of", "2026-06-01")


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    make_settings: Callable[..., Settings],
    tmp_path: Path,
) -> Run:
    """Runs a command in this process on a warehouse of a few units: (exit code, stdout, stderr)."""
    folder = tmp_path / "register"
    copy_register(PROJECT_ROOT / "register", folder, 8, seed=1)
    settings = make_settings(folder)
    monkeypatch.setenv("MOVEMENT_REPORTS_HOME", str(settings.home))
    monkeypatch.setenv("MOVEMENT_REPORTS_REGISTER", str(folder))
    monkeypatch.setenv("MOVEMENT_REPORTS_WAREHOUSE_URL", str(settings.warehouse_url))

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    assert call("init")[0] == 0
    return call


def test_a_new_register_on_the_command_line(run: Run, tmp_path: Path) -> None:
    new = Path(shutil.copytree(tmp_path / "register", tmp_path / "new"))
    code, out, _ = run("register", "diff", new)
    assert (code, out.splitlines()[0]) == (0, "Nothing changes.")
    assert "2026-08-31 is off by the general rules already" in out.replace("\n", " ")
    units = new / "units.csv"
    units.write_text(units.read_text("utf-8") + "H14.MOI,Trung tâm Mới,public_service,,2026-01-01,,,\n", "utf-8")
    code, out, _ = run("register", "diff", new, "--json")
    change = json.loads(out)
    assert code == 1
    assert list(change) == ["applied", "files", "tables", "periods", "notices"]
    assert (change["applied"], change["files"]) == (False, ["units.csv"])
    assert change["tables"]["unit"]["rows"] == [{"row": "H14.MOI 2026-01-01", "change": "added"}]
    (half,) = [period for period in change["periods"] if period["period"] == "2026-S1"]
    assert half["gained"] == ["H14.MOI"]
    code, out, _ = run("register", "diff", new)
    assert code == 1
    assert "unit: 1 added, 0 ended, 0 changed" in out
    assert "gain the obligation: 1 – H14.MOI" in out
    assert run("register", "apply", new, "--by", "nguyen.van.a", "--why", "thành lập mới")[0] == 0
    assert run("register", "diff", new)[0] == 0
    assert "H14.MOI" in run(*BOARD[:5])[1]

    units.write_text(units.read_text("utf-8") + "H14.MOI,Trung tâm,public_service,,2026-02-30,,,\n", "utf-8")
    code, out, err = run("register", "diff", new)
    assert (code, out) == (2, "")
    assert "units.csv:" in err
    assert "valid_from '2026-02-30' is no date" in err.replace("\n", " ")


def test_the_cuts_of_the_board_on_the_command_line(run: Run) -> None:
    code, out, _ = run(*BOARD, "--json")
    plain = json.loads(out)
    assert code == 0
    assert "groups" not in plain
    for cut in ("type", "bloc", "district"):
        board = json.loads(run(*BOARD, "--by", cut, "--json")[1])
        assert {key: value for key, value in board.items() if key != "groups"} == plain
        assert all(list(group) == ["group", "name", "counts", "rates"] for group in board["groups"])
        assert sum(group["counts"]["expected"] for group in board["groups"]) == plain["counts"]["expected"]
    restated = json.loads(run(*BOARD, "--restated", "--json")[1])
    assert restated == plain  # nothing was inherited
    assert "Đúng hạn các kỳ trước" in run(*BOARD, "--by", "type")[1].replace("\n", " ")
