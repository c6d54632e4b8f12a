"""The command line's contract: exit codes, JSON on stdout, plain sentences on stderr."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from etl.cli import tables
from etl.cli.console import show_progress
from etl.cli.main import main
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.trace import Contribution, LeftOut, Trace

CONTRACT_OF_CHECK = [
    "file", "sha256", "report", "form_versions", "unit", "period", "clock", "verdict", "not_checked", "findings",
]  # fmt: skip
CONTRACT_OF_FINDING = [
    "code", "severity", "form", "sheet", "cell", "row", "column", "field", "value", "expected", "message", "fix",
]  # fmt: skip
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    """Runs a command in this process: (exit code, stdout, stderr)."""
    monkeypatch.setenv("MOVEMENT_REPORTS_HOME", str(tmp_path / "home"))

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    yield call


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "sample"
    arguments = ["sample", "--report", "movements-half", "--period", "2026-S1", "--out", str(folder)]
    assert main([*arguments, "--units", "30", "--seed", "8"]) == 0
    return folder


def test_check_prints_one_object_a_file_in_the_order_given(run: Run, sample: Path) -> None:
    key = json.loads((sample / "faults.json").read_text("utf-8"))
    faulty = {finding["file"] for finding in key["findings"]}
    rejected = [s["file"] for s in key["submissions"] if s["status"] == "rejected"][:2]
    good = [s["file"] for s in key["submissions"] if s["file"] not in faulty][:2]
    files = [sample / "inbox" / name for name in (rejected[0], *good, *rejected[1:])]
    code, out, _ = run("check", "--json", *files)
    printed = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [item["file"] for item in printed] == [str(file) for file in files]
    assert all(list(item) == CONTRACT_OF_CHECK for item in printed)
    assert all(list(finding) == CONTRACT_OF_FINDING for item in printed for finding in item["findings"])
    assert printed[0]["verdict"] == "rejected"
    assert printed[1]["verdict"] == "accepted"
    assert (printed[1]["report"], printed[1]["period"], printed[1]["clock"]) == ("movements-half", "2026-S1", "admin")
    assert printed[1]["form_versions"].keys() >= {"F00", "F03"}
    assert "cross_period" in printed[1]["not_checked"]


def test_check_needs_no_warehouse_and_stores_nothing(run: Run, sample: Path, tmp_path: Path) -> None:
    key = json.loads((sample / "faults.json").read_text("utf-8"))
    faulty = {finding["file"] for finding in key["findings"]}
    good = next(s["file"] for s in key["submissions"] if s["file"] not in faulty)
    code, out, _ = run("check", sample / "inbox" / good)
    assert code == 0
    assert out == f"{sample / 'inbox' / good}: đạt\n"
    assert not (tmp_path / "home").exists()


def test_brackets_and_odd_bytes_in_a_file_name_are_text(run: Run, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("báo cáo [/cuoi] [red]:warning:.xlsx", "b\udce1o \x1b[31mcáo\n.xlsx")]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"rac")
    code, out, _ = run("check", *files)
    assert code == 1
    assert f"{tmp_path}/báo cáo [/cuoi] [red]:warning:.xlsx: chưa đạt\n" in out
    assert f"{tmp_path}/b\\xe1o \\x1b[31mcáo\\n.xlsx: chưa đạt\n" in out
    code, out, _ = run("check", "--json", *files)
    assert [json.loads(line)["file"] for line in out.splitlines()] == [str(file) for file in files]
    code, out, err = run("check", tmp_path / "[/không có] \udce1.xlsx")
    assert (code, out) == (2, "")
    assert "[/không có] \\xe1.xlsx: no such file" in err


def test_brackets_in_what_a_trace_shows(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    odd = "[/cuoi][red]x"
    item = Contribution(
        odd, odd, odd, "C1", odd, Decimal(5), datetime(2026, 6, 1, tzinfo=UTC), f"{odd}.xlsx", "0" * 64, True
    )
    monkeypatch.setattr(tables.out, "width", 200)
    tables.print_trace(Trace(odd, Decimal(5), {odd: [item]}, [LeftOut(odd, odd, "rejected")]))
    shown = capsys.readouterr().out
    assert shown.count(odd) == 7
    assert f"{odd}.xlsx" in shown
    assert f"{odd}: chưa đạt" in shown


def test_the_bar_of_a_stage_counts_from_nought_and_grows() -> None:
    with show_progress("collect") as bar:
        bar.advance(50)
        bar.start("check and load")
        bar.extend(2000)
        bar.extend(500)
        bar.advance(3)
        (task,) = bar._progress.tasks
        assert (task.description, task.total, task.completed) == ("check and load", 2500, 3)


def test_check_of_an_unknown_file_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    code, out, err = run("check", tmp_path / "không có.xlsx")
    assert (code, out) == (2, "")
    assert "no such file" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "arguments", [(), ("nonsense",), ("board", "--report", "movements-half"), ("sample", "--units", "0")]
)
def test_wrong_usage_is_two(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2


def test_templates_are_checked_clean_of_faults_of_ours(run: Run, tmp_path: Path) -> None:
    """An untouched template only lacks what the unit must fill in: nothing else may be wrong with it."""
    out = tmp_path / "templates"
    where = ("--report", "movements-half", "--period", "2026-S1", "--unit", "H14.SNV")
    assert run("templates", *where, "--out", out)[0] == 0
    (file,) = out.iterdir()
    code, printed, _ = run("check", "--json", file)
    answer = json.loads(printed)
    assert code == 1
    assert (answer["unit"], answer["report"], answer["period"]) == ("H14.SNV", "movements-half", "2026-S1")
    assert {finding["code"] for finding in answer["findings"]} == {"CELL-REQUIRED"}


def test_templates_for_a_unit_that_owes_nothing(run: Run, tmp_path: Path) -> None:
    code, _, err = run(
        "templates", "--report", "movements-half", "--period", "2026-S1", "--unit", "H14.NONE", "--out", tmp_path / "t"
    )
    assert code == 2
    assert "H14.NONE" in err


def test_reports_lists_clocks_and_due_days(run: Run) -> None:
    code, out, _ = run("reports", "--json")
    listed = {item["report"]: item for item in json.loads(out)}
    assert code == 0
    assert listed["movements-half"]["clock"] == "admin"
    assert list(listed["statistics-year"]["forms"]) == ["F00", "F02", "F04", "F05", "F09"]


def test_a_bad_register_is_refused_with_file_and_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    register = tmp_path / "register"
    shutil.copytree(PROJECT_ROOT / "register", register)
    units = register / "units.csv"
    lines = units.read_text("utf-8").splitlines()
    lines.insert(3, lines[2])
    units.write_text("\n".join(lines) + "\n", "utf-8")
    monkeypatch.setenv("MOVEMENT_REPORTS_REGISTER", str(register))
    code, _, err = run("reports")
    assert code == 2
    assert "units.csv:4" in err.replace("\n", "")


def test_the_whole_path_on_the_command_line(
    run: Run, sample: Path, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = make_settings(sample / "register")
    monkeypatch.setenv("MOVEMENT_REPORTS_REGISTER", str(settings.register))
    monkeypatch.setenv("MOVEMENT_REPORTS_WAREHOUSE_URL", str(settings.warehouse_url))
    where = ("--report", "movements-half", "--period", "2026-S1")

    code, _, err = run("board", *where)
    assert (code, "movement-reports init" in err.replace("\n", " ")) == (2, True)
    assert run("init")[0] == 0
    code, out, _ = run("ingest", "--json", sample / "inbox", "--receipts", sample / "receipts.csv")
    assert (code, json.loads(out)["landed"]) == (0, len(list((sample / "inbox").iterdir())))
    assert (json.loads(out)["already_seen"], json.loads(out)["unreadable"]) == (0, 0)
    code, out, _ = run("board", *where, "--as-of", "2026-11-21T08:00:00+07:00", "--json")
    board = json.loads(out)
    assert code == 1
    assert list(board) == ["report", "period", "clock", "as_of", "counts", "rates", "units"]
    assert list(board["counts"]) == ["expected", "on_time", "late", "missing", "rejected", "pending", "exempt"]
    assert list(board["units"][0]) == [
        *("unit", "status", "due_at", "accepted_at", "days_late", "attempts", "held", "consistency", "inherited_by"),
    ]
    code, out, _ = run("board", *where, "--as-of", "2026-06-01", "--json")
    assert json.loads(out)["counts"]["missing"] == 0
    code, out, _ = run("consolidate", *where, "--json")
    figures = json.loads(out)["values"]
    assert code == 0
    assert run("trace", figures[0]["id"])[0] == 0
    assert run("trace", "movements-half:2026-S1/F05/99/none")[0] == 2
    first = run("fingerprint")
    assert run("ingest", sample / "inbox", "--receipts", sample / "receipts.csv")[0] == 0
    assert run("fingerprint") == first
    assert run("export", *where, "--out", tmp_path / "f.xlsx")[0] == 0
    code, _, err = run("board", "--report", "statistics-year", "--period", "2026-A1")
    assert code == 0, "the statistics year is still open: nothing is missing yet"


def test_no_secret_in_messages(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOVEMENT_REPORTS_WAREHOUSE_URL", "postgresql://someone:very-secret@127.0.0.1:1/nothing")
    code, out, err = run("board", "--report", "movements-half", "--period", "2026-S1")
    assert code == 2
    assert "very-secret" not in out + err
    assert "127.0.0.1" in err


def test_check_writes_marked_copies(run: Run, sample: Path, tmp_path: Path) -> None:
    import openpyxl

    key = json.loads((sample / "faults.json").read_text("utf-8"))
    finding = next(f for f in key["findings"] if f["cell"] and f["severity"] == "error")
    file = sample / "inbox" / finding["file"]
    broken = tmp_path / "hỏng.xlsx"
    broken.write_bytes(file.read_bytes()[:500])
    code, _, err = run("check", file, broken, "--annotate", tmp_path / "marked")
    assert code == 1
    written = {path.name: path for path in (tmp_path / "marked").iterdir()}
    stem = f"{file.stem}_gop-y"
    assert set(written) == {f"{stem}.xlsx", f"{stem}.html", f"{stem}.txt", "hỏng_gop-y.html", "hỏng_gop-y.txt"}
    cell = openpyxl.load_workbook(written[f"{stem}.xlsx"])[finding["sheet"]][finding["cell"]]
    assert cell.comment is not None
    assert f"“{stem}.xlsx”" in written[f"{stem}.txt"].read_text("utf-8")
    assert finding["cell"] in written[f"{stem}.html"].read_text("utf-8")
    assert "CHƯA ĐẠT" in written["hỏng_gop-y.txt"].read_text("utf-8")
    assert "hỏng.xlsx: no marked copy" in err


def test_ingest_tells_which_files_were_not_accepted_and_why(
    run: Run, sample: Path, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = make_settings(sample / "register")
    monkeypatch.setenv("MOVEMENT_REPORTS_REGISTER", str(settings.register))
    monkeypatch.setenv("MOVEMENT_REPORTS_WAREHOUSE_URL", str(settings.warehouse_url))
    key = json.loads((sample / "faults.json").read_text("utf-8"))
    rejected = next(s for s in key["submissions"] if s["status"] == "rejected")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / rejected["file"]).write_bytes((sample / "inbox" / rejected["file"]).read_bytes())
    (inbox / "rỗng.xlsx").write_bytes(b"")
    assert run("init")[0] == 0
    code, out, _ = run("ingest", inbox, "--receipts", sample / "receipts.csv", "--json")
    told = {item["file"]: item for item in json.loads(out)["not_accepted"]}
    assert code == 0
    assert told[rejected["file"]]["outcome"] == "rejected"
    assert told[rejected["file"]]["unit"] == rejected["unit"]
    assert told["rỗng.xlsx"]["findings"][0].startswith("FILE-EMPTY: Tệp rỗng")
    code, out, _ = run("quarantine", "--json")
    assert (code, [item["file"] for item in json.loads(out)["quarantine"]]) == (0, ["rỗng.xlsx"])
    code, out, _ = run("quarantine")
    assert "rỗng.xlsx" in out


def test_revalidate_shows_and_then_applies(
    run: Run, sample: Path, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = make_settings(Path(shutil.copytree(sample / "register", tmp_path / "register")))
    monkeypatch.setenv("MOVEMENT_REPORTS_REGISTER", str(settings.register))
    monkeypatch.setenv("MOVEMENT_REPORTS_WAREHOUSE_URL", str(settings.warehouse_url))
    key = json.loads((sample / "faults.json").read_text("utf-8"))
    faulty = {finding["file"] for finding in key["findings"]}
    good = next(
        s for s in key["submissions"] if s["file"] not in faulty and not s["unit"].startswith(("H14.KHOI", "H14.CUM"))
    )
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / good["file"]).write_bytes((sample / "inbox" / good["file"]).read_bytes())
    again = ("revalidate", "--report", "movements-half", "--period", "2026-S1")
    assert run("init")[0] == run("ingest", inbox, "--receipts", sample / "receipts.csv")[0] == 0
    code, out, _ = run(*again, "--json")
    assert (code, json.loads(out)["changes"], json.loads(out)["examined"]) == (0, [], 1)
    types = "commune|ward|special_zone|department|party|front|central|armed|public_service|association|enterprise"
    with (settings.register / "indicators.csv").open("a", encoding="utf-8") as stream:
        stream.write(f"VNN,VNN99,Số nhà đại đoàn kết,nhà,sum,no,{types},2025-07-01,,2025-12-01T08:00:00+07:00\n")
    assert run("init")[0] == 0
    code, out, _ = run(*again, "--json")
    (change,) = json.loads(out)["changes"]
    assert (code, change["unit"], change["gained"], change["decision"]) == (
        1, good["unit"], {"ROW-NOT-REPORTED": 1}, "return",
    )  # fmt: skip
    assert run(*again, "--apply", "--by", "nguoi.duyet")[0] == 2
    code, out, _ = run(*again, "--apply", "--by", "nguoi.duyet", "--why", "bổ sung chỉ tiêu")
    assert code == 0 and "+1 ROW-NOT-REPORTED" in out
    assert run(*again)[0] == 0


def test_a_folder_is_no_file_to_check(run: Run, tmp_path: Path) -> None:
    code, _, err = run("check", tmp_path)
    assert code == 2
    assert "is a folder" in err
