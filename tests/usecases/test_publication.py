"""Publications: published, corrected, published again; both can be had again exactly, and the difference names the cell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from deliveries import at, edit_csv
from review_desk import COMMUNE, DEPARTMENT, FIGURE, PERIOD, REPORT, WHO, Desk, make_desk

from etl.cli.main import main
from etl.settings import Settings
from etl.usecases.publication import (
    PublicationDiff,
    UnknownPublication,
    diff_publications,
    find_publication,
    freeze_period,
    list_publications,
    read_published,
    verify_publications,
)
from etl.usecases.revalidate import revalidate_period
from etl.usecases.review import FiguresChanged, ReviewRefused

NOW = at("2026-06-15T08:00")
RESULT = f"{REPORT}:{PERIOD}/F03/VNN+VNN04/F03.thuc_hien"


@pytest.fixture
def desk(make_settings: Callable[..., Settings], tmp_path: Path) -> Desk:
    """Both units' files are in and the period is under review."""
    desk = make_desk(make_settings, tmp_path, NOW)
    desk.send(DEPARTMENT, 10)
    desk.send(COMMUNE, 5)
    desk.start()
    return desk


def diff(desk: Desk, *numbers: int) -> PublicationDiff:
    with desk.context() as context:
        return diff_publications(context, REPORT, PERIOD, (numbers[0], numbers[1]) if numbers else None)


def holds(desk: Desk) -> list[bool]:
    with desk.context() as context:
        return [one.holds for one in verify_publications(context, REPORT)]


def value(desk: Desk, number: int, figure: str = FIGURE) -> str | None:
    with desk.context() as context:
        figures = read_published(context, find_publication(context, REPORT, PERIOD, number))
    return next((one.value for one in figures if one.figure == figure), None)


def test_a_correction_is_a_numbered_restatement_and_the_difference_names_the_cell(desk: Desk) -> None:
    desk.publish_all()
    desk.wait()
    # In a simulated province a file that comes later may carry an earlier receipt: before the approval, before anything.
    corrected = desk.send(DEPARTMENT, 12, NOW + timedelta(minutes=1))
    assert holds(desk) == [True]
    desk.reopen(why="đơn vị đính chính")
    desk.publish_all()
    assert (value(desk, 1), value(desk, 2)) == ("15", "17")
    assert holds(desk) == [True, True]
    found = diff(desk)
    assert (found.first.number, found.second.number) == (1, 2)
    changed = {change.figure: change for change in found.changes}
    change = changed[FIGURE]
    assert (change.old, change.new, change.old_units, change.new_units) == ("15", "17", 2, 2)
    (cell,) = change.cells
    assert (cell.unit, cell.form, cell.row, cell.column) == (DEPARTMENT, "F05", "02", "2")
    assert cell.old is not None and cell.new is not None
    assert (cell.old.raw, cell.new.raw, cell.new.submission) == ("10", "12", corrected)
    assert (cell.new.sheet, cell.new.cell) == (cell.old.sheet, cell.old.cell) and cell.new.cell == "D10"
    assert all(one.cells for one in found.changes), "every change has its cells"
    assert not any("/F07/" in figure for figure in changed), "what did not change is not named"
    with desk.context() as context:
        states = [(one.number, one.state) for one in list_publications(context)]
    assert states == [(1, "superseded"), (2, "published")]


def test_the_checksum_is_of_the_figures_that_the_marts_give(desk: Desk) -> None:
    desk.publish_all()
    with desk.context() as context:
        publication = find_publication(context, REPORT, PERIOD)
        figures = read_published(context, publication)
    rows = desk.rows(
        "SELECT figure, value, units, estimated_units FROM mart.consolidated WHERE report = :r AND period = :p",
        r=REPORT,
        p=PERIOD,
    )
    assert len(rows) == len(figures) == publication.figures > 100
    lines = []
    for figure, number, units, estimated in rows:
        exact = "" if number is None else f"{number:f}"
        exact = exact.rstrip("0").rstrip(".") if "." in exact else exact
        lines.append(
            "\t".join([figure, exact, "" if units is None else str(units), "" if estimated is None else str(estimated)])
        )
    lines.sort(key=lambda line: line.partition("\t")[0].encode())
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == publication.checksum


def test_neither_the_register_nor_a_revalidation_changes_what_was_published(desk: Desk) -> None:
    desk.publish_all()
    first = diff_free(desk)
    desk.wait(days=1)
    register = desk.settings.register
    edit_csv(register / "units.csv", {DEPARTMENT: {"name": "Sở Nội vụ và Lao động"}})
    edit_csv(register / "indicators.csv", {"VNN04": {"aggregation": "none"}})
    desk.open()
    assert desk.figure(figure=RESULT) is None, "today the register says that it does not add up"
    assert holds(desk) == [True] and diff_free(desk) == first
    with desk.context() as context, pytest.raises(ReviewRefused, match="mở lại kỳ"):
        revalidate_period(context, REPORT, PERIOD)
    desk.reopen(why="đổi cách tổng hợp")
    desk.wait()
    new = {
        "movement": "VNN", "code": "VNN99", "name": "Số nhà đại đoàn kết", "unit_of_measure": "nhà", "aggregation": "sum",
        "cumulative": "no", "asked_of": "commune", "valid_from": "2025-07-01", "recorded_at": "2025-12-01T08:00:00+07:00",
    }  # fmt: skip
    edit_csv(register / "indicators.csv", {}, add=[new])
    desk.open()
    with desk.context() as context:
        changes = revalidate_period(context, REPORT, PERIOD, apply=True, **WHO).changes
    assert {change.unit: change.decision for change in changes} == {DEPARTMENT: None, COMMUNE: "return"}
    desk.publish_all()
    assert holds(desk) == [True, True]
    assert (value(desk, 1), value(desk, 2), value(desk, 2, RESULT)) == ("15", "10", None)
    changed = {change.figure: change for change in diff(desk).changes}
    (gone,) = changed[FIGURE].cells
    assert (gone.unit, gone.new) == (COMMUNE, None) and gone.old is not None and gone.old.raw == "5"
    causes = {cell.unit: cell for cell in changed[RESULT].cells}[DEPARTMENT]
    assert causes.old is not None and causes.new is not None
    assert (causes.old.counted, causes.new.counted, causes.old.number) == (True, False, causes.new.number)


def diff_free(desk: Desk) -> list[object]:
    """The frozen figures of the first publication."""
    with desk.context() as context:
        return list(read_published(context, find_publication(context, REPORT, PERIOD, 1)))


def test_publishing_asks_for_another_approval_when_the_register_changed_the_figures(desk: Desk) -> None:
    desk.approve()
    desk.wait()
    edit_csv(desk.settings.register / "indicators.csv", {"VNN04": {"aggregation": "none"}})
    desk.open()
    with pytest.raises(FiguresChanged, match="danh bạ hoặc cách tổng hợp đã thay đổi") as changed:
        desk.publish()
    assert changed.value.units == []


def test_airflow_freezes_what_is_approved_once(desk: Desk) -> None:
    def freeze() -> object:
        with desk.context() as context:
            return freeze_period(context, REPORT, PERIOD)

    assert freeze() is None, "nobody has approved it"
    desk.approve(freeze=False)
    assert desk.rows("SELECT count(*) FROM core.publication") == [(0,)]
    desk.wait()
    desk.send(DEPARTMENT, 30, NOW)
    frozen = freeze()
    desk.wait()
    assert frozen == freeze(), "again: the same, of the instant of the approval"
    assert desk.rows("SELECT value FROM core.published_figure WHERE figure = :f", f=FIGURE) == [("15",)]
    with pytest.raises(FiguresChanged):
        desk.publish()
    desk.approve(freeze=False)
    desk.publish()
    assert freeze() is None, "published"
    assert value(desk, 1) == "35"


def test_a_publication_is_never_changed(desk: Desk) -> None:
    desk.publish_all()
    for statement in (
        "UPDATE core.published_figure SET value = '16'", "DELETE FROM core.published_figure", "TRUNCATE core.published_figure",
        "UPDATE core.publication SET checksum = checksum", "DELETE FROM core.publication",
        "UPDATE core.period_event SET reason = 'x'", "DELETE FROM core.period_event",
    ):  # fmt: skip
        with desk.context() as context, context.engine.connect() as connection:
            with pytest.raises(sa.exc.DBAPIError) as refused:
                connection.execute(sa.text(statement))
            assert isinstance(refused.value.orig, psycopg.errors.RestrictViolation)


def test_verify_finds_figures_that_were_tampered_with(desk: Desk) -> None:
    """By somebody who owns the tables: triggers do not hold him, checksums tell of him."""
    desk.publish_all()
    with desk.context() as context, context.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE core.published_figure DISABLE TRIGGER USER")
        connection.execute(sa.text("UPDATE core.published_figure SET value = '16' WHERE figure = :f"), {"f": FIGURE})
    with desk.context() as context:
        (found,) = verify_publications(context)
    assert (found.recomputed == found.publication.checksum, found.stored == found.publication.checksum) == (True, False)


def test_the_commands(desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    settings = desk.settings
    monkeypatch.setenv("MOVEMENT_REPORTS_HOME", str(settings.home))
    monkeypatch.setenv("MOVEMENT_REPORTS_REGISTER", str(settings.register))
    monkeypatch.setenv("MOVEMENT_REPORTS_WAREHOUSE_URL", str(settings.warehouse_url))
    period, words = ["--report", REPORT, "--period", PERIOD], ["--by", "lan", "--why", "đủ số liệu"]

    def run(*arguments: str) -> tuple[int, object]:
        code = main([*arguments, "--json"])
        printed = capsys.readouterr().out
        return code, json.loads(printed) if printed else None

    assert run("publish", *period, *words) == (1, None), "the answer is no: it is not approved"
    code, told = run("approve", *period, *words, "--expected-version", "1")
    assert (code, told["state"], told["version"]) == (0, "approved", 2)  # type: ignore[index]
    assert run("approve", *period, *words, "--expected-version", "1") == (1, None)
    assert run("publish", *period, *words)[1]["number"] == 1  # type: ignore[index]
    assert main(["publication", "diff", *period]) == 2
    assert "published only once" in capsys.readouterr().err
    assert run("review", "return", "1", *words) == (1, None)
    desk.send(DEPARTMENT, 12)
    ((waits),) = run("review", "list", *period)[1]  # type: ignore[misc]
    assert waits["why"] == "held"
    assert run("reopen", *period, *words)[1]["released"] == [waits["submission"]]  # type: ignore[index]
    assert run("review", "return", str(waits["submission"]), *words)[1]["counts"] is False  # type: ignore[index]
    assert run("review", "accept", str(waits["submission"]), *words)[1]["counts"] is True  # type: ignore[index]
    assert run("approve", *period, *words)[0] == run("publish", *period, *words)[0] == 0
    code, told = run("publication", "diff", *period)
    cells = {change["figure"]: change["cells"] for change in told["changes"]}  # type: ignore[index]
    assert [(cell["unit"], cell["old"]["raw"], cell["new"]["raw"]) for cell in cells[FIGURE]] == [
        (DEPARTMENT, "10", "12")
    ]
    code, told = run("publication", "verify")
    assert code == 0 and [one["holds"] for one in told] == [True, True]  # type: ignore[attr-defined]
    assert run("publication", "show", *period, "--number", "1")[1]["number"] == 1  # type: ignore[index]
    assert main(["publication", "show", *period, "--number", "7"]) == 2
    assert {row["kind"] for row in run("audit", *period)[1]} >= {"period", "publication", "decision"}  # type: ignore[union-attr]
    for command in (
        ["publication", "list"],
        ["publication", "diff", *period],
        ["publication", "show", *period],
        ["audit"],
    ):
        assert main(command) == 0 and capsys.readouterr().out
    with desk.context() as context, pytest.raises(UnknownPublication):
        find_publication(context, REPORT, PERIOD, 9)
