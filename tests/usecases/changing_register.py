"""A small province whose register changes from day to day, and submissions written as the loader and the reviewers write them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from etl.calendar.deadlines import TIMEZONE
from etl.register.read import COLUMNS, read_register
from etl.sample.province import copy_register
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.board import Board, read_board
from etl.usecases.board_groups import CUTS, group_board, read_structure, restate_board
from etl.usecases.context import Context, open_context
from etl.usecases.prepare import init_warehouse
from etl.usecases.register_change import load_everything
from etl.warehouse.connect import raw_connection

REPORT, PERIOD = "movements-half", "2026-S1"
RECORDED = "2025-12-01T08:00:00+07:00"


def at(text: str) -> datetime:
    """An ISO instant on a clock in Viet Nam."""
    return datetime.fromisoformat(text).replace(tzinfo=TIMEZONE)


def make_register(folder: Path, units: int = 12) -> Path:
    """A province of a few units of the sample."""
    copy_register(PROJECT_ROOT / "register", folder, units, seed=1)
    return folder


def add_rows(folder: Path, name: str, *rows: Mapping[str, str]) -> None:
    """Adds rows; columns that are not given are empty, recorded_at is that of the sample."""
    path = folder / name
    with path.open(encoding="utf-8", newline="") as stream:
        known = list(csv.DictReader(stream))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS[name], lineterminator="\n")
        writer.writeheader()
        writer.writerows([*known, *({"recorded_at": RECORDED, **row} for row in rows)])


def unit(code: str, start: str = "2025-07-01", end: str = "", **more: str) -> dict[str, str]:
    """A row of units.csv: a public service unless told otherwise, named after its code."""
    return {
        "code": f"H14.{code}", "name": f"Trung tâm {code}", "type": "public_service", "valid_from": start,
        "valid_to": end, **more,
    }  # fmt: skip


def line(before: str, after: str, kind: str, day: str, share: str = "", **more: str) -> dict[str, str]:
    """A row of lineage.csv."""
    return {
        "predecessor": f"H14.{before}", "successor": f"H14.{after}" if after else "", "kind": kind, "valid_from": day,
        "share": share, "legal_basis": "QĐ thử nghiệm", **more,
    }  # fmt: skip


def correct(rows: Mapping[str, str], when: datetime) -> dict[str, str]:
    """The same row, recorded on a later day: a correction."""
    return {**rows, "recorded_at": when.isoformat()}


@dataclass
class Office:
    """The standing office at work: its warehouse, its register, and a clock that only goes on."""

    settings: Settings
    now: datetime
    sent: list[int] = field(default_factory=list)
    fill: Callable[[sa.Connection, int, int], None] | None = None
    """Writes the observations of (submission, generation); without it a submission is empty."""

    def open(self) -> None:
        """Sets the warehouse up."""
        init_warehouse(self.settings, clock=lambda: self.now)

    def reload(self) -> None:
        """Brings the register's files into the warehouse, as `init` and the daily run do."""
        register = read_register(self.settings.register)
        with self.context() as context, raw_connection(context.engine) as connection:
            load_everything(connection, register, context.forms, self.now)

    def context(self) -> Any:
        return open_context(self.settings, clock=lambda: self.now)

    def send(self, unit_code: str, decision: str = "accept", when: datetime | None = None) -> int:
        """A submission received (now, unless told otherwise), with its verdict and the system's decision."""
        names: dict[str, Any] = {
            "unit": f"H14.{unit_code}" if "." not in unit_code else unit_code, "report": REPORT, "period": PERIOD,
            "at": when or self.now, "sha256": f"{len(self.sent):064x}", "decision": decision,
            "verdict": "accepted" if decision == "accept" else "rejected",
        }  # fmt: skip
        with self.context() as context, context.engine.begin() as connection:
            connection.execute(sa.text("INSERT INTO landing.blob VALUES (:sha256, 1, :at)"), names)
            names["arrival"] = connection.execute(
                sa.text(
                    "INSERT INTO landing.arrival (channel, locator, file_name, sha256, received_at, recorded_at) "
                    "VALUES ('inbox', :sha256, 'a.xlsx', :sha256, :at, :at) RETURNING id"
                ),
                names,
            ).scalar_one()
            names["id"] = connection.execute(
                sa.text(
                    "INSERT INTO core.submission (arrival_id, unit, report, period, received_at, sha256, form_versions, "
                    "recorded_at) VALUES (:arrival, :unit, :report, :period, :at, :sha256, '{}', :at) RETURNING id"
                ),
                names,
            ).scalar_one()
            connection.execute(
                sa.text("INSERT INTO core.examination VALUES (:arrival, 1, 1, 'system', '', :at)"), names
            )
            if self.fill:
                self.fill(connection, names["id"], 1)
            self._judge(connection, names, 1)
        self.sent.append(names["id"])
        return int(names["id"])

    def decide(self, submission: int, decision: str) -> None:
        """A reviewer decides."""
        with self.context() as context, context.engine.begin() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO core.decision (submission_id, decision, decided_by, reason, recorded_at) "
                    "VALUES (:id, :decision, 'nguoi.duyet', 'lý do', :at)"
                ),
                {"id": submission, "decision": decision, "at": self.now},
            )

    def examine_again(self, submission: int, decision: str) -> None:
        """A revalidation after the rules changed: another generation with its verdict, and the system's decision."""
        names = {
            "id": submission, "decision": decision, "at": self.now,
            "verdict": "accepted" if decision == "accept" else "rejected", "filled": self.fill is not None,
        }  # fmt: skip
        with self.context() as context, context.engine.begin() as connection:
            generation = connection.execute(
                sa.text(
                    "INSERT INTO core.examination SELECT s.arrival_id, max(e.generation) + 1, "
                    "CASE WHEN :filled THEN max(e.generation) + 1 ELSE 1 END, "
                    "'nguoi.duyet', 'đổi quy tắc', :at FROM core.submission s JOIN core.examination e USING (arrival_id) "
                    "WHERE s.id = :id GROUP BY s.arrival_id "
                    "RETURNING generation"
                ),
                names,
            ).scalar_one()
            if self.fill:
                self.fill(connection, submission, generation)
            self._judge(connection, names, generation)

    def _judge(self, connection: sa.Connection, names: Mapping[str, Any], generation: int) -> None:
        connection.execute(
            sa.text(
                "INSERT INTO core.verdict (submission_id, verdict, errors, warnings, infos, recorded_at, generation) "
                "VALUES (:id, :verdict, 0, 0, 0, :at, :generation)"
            ),
            {**names, "generation": generation},
        )
        connection.execute(
            sa.text(
                "INSERT INTO core.decision (submission_id, decision, decided_by, reason, recorded_at) "
                "VALUES (:id, :decision, 'system', 'kết quả kiểm tra', :at)"
            ),
            names,
        )

    def boards(self, as_of: datetime | None = None) -> dict[str, Any]:
        """Everything that can be printed of the period, as of an instant (now): as it was, restated, and in groups."""
        with self.context() as context:
            return print_boards(context, as_of or self.now)

    def board(self, as_of: datetime | None = None, *, restated: bool = False) -> Board:
        with self.context() as context:
            board = read_board(context, REPORT, PERIOD, as_of or self.now)
            if not restated:
                return board
            with context.engine.connect() as connection:
                return restate_board(board, read_structure(connection, board))

    def states(self, *codes: str, restated: bool = False) -> list[str | None]:
        """The states of units, None for a unit that is not on the board."""
        known = {line_.unit: line_.status for line_ in self.board(restated=restated).units}
        return [known.get(f"H14.{code}") for code in codes]

    def heirs(self, *codes: str) -> list[str | None]:
        known = {line_.unit: line_.inherited_by for line_ in self.board().units}
        return [known[f"H14.{code}"] for code in codes]


def print_boards(context: Context, as_of: datetime) -> dict[str, Any]:
    """The board as it was and restated, each whole and by every cut; checks that numerators are parts of denominators."""
    board = read_board(context, REPORT, PERIOD, as_of, with_past=True)
    with context.engine.connect() as connection:
        structure = read_structure(connection, board)
    printed: dict[str, Any] = {}
    for name, shown in (("as was", board), ("restated", restate_board(board, structure))):
        printed[name] = shown.as_json()
        check_subsets(shown.counts, shown.rates)
        for cut in CUTS:
            groups = [group.as_json() for group in group_board(shown, cut, structure)]
            printed[f"{name} by {cut}"] = groups
            for group in groups:
                check_subsets(group["counts"], group["rates"])  # type: ignore[arg-type]
            for count, total in shown.counts.items():
                assert sum(group["counts"][count] for group in groups) == total  # type: ignore[index]
    return printed


def check_subsets(counts: Mapping[str, int], rates: Mapping[str, float | None]) -> None:
    """What counts as accepted or in time is always part of what is expected; nothing is capped."""
    parts = ("on_time", "late", "missing", "rejected", "pending")
    assert counts["expected"] == sum(counts[part] for part in parts)
    assert min(counts.values()) >= 0
    assert all(rate is None or 0 <= rate <= 1 for rate in rates.values())
    if counts["expected"]:
        assert rates["timeliness"] <= rates["completeness"]  # type: ignore[operator]
