"""A mart of a past instant is what it was then, whatever was learnt since; and what is stored of now is what the rules say."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa
from changing_register import PERIOD, REPORT, Office, add_rows, at, correct, make_register, unit
from test_board_of_the_past import History

from etl.settings import Settings
from etl.usecases.consolidate import consolidate_period, open_snapshot
from etl.usecases.context import Context

STEPS = 12
ROWS = ("VNN+CNTG", "VNN+DVTG")
ALIKE = {f"f{number:02}_wide" for number in range(15)} - {"f03_wide", "f05_wide"}
"""Made by the same lines as the two that are read."""
STORED = (
    "accepted", "figure_source", "rate_source", "figure", "coverage_by_type", "not_counted", "consolidated", "contribution",
    "statutory_cell",
)  # fmt: skip
"""What stands on core.counted_now where no instant is asked for."""

Printed = dict[str, list[str]]


@dataclass
class MartHistory(History):
    """Submissions with figures, a register whose names and rules of adding up change, and consolidations."""

    marts: list[tuple[str, datetime, Printed]] = field(default_factory=list)
    names: int = 0

    def fill(self, connection: sa.Connection, submission: int, generation: int) -> None:
        """A few cells of F00, F03, F05 and F07, and a finding."""
        cells = [("F00", "2026.1", "08", "1", "F00.la_uoc_tinh", None, self.rng.choice(["yes", "no"]), "none")]
        for row in ROWS:
            for code, measure, kind in (("1", "ke_hoach", "sum"), ("2", "thuc_hien", "sum"), ("4", "ty_le", "rate")):
                if self.rng.random() < 0.8:
                    cells.append(("F03", "2026.1", row, code, f"F03.{measure}", self.rng.randint(0, 99), None, kind))
        cells += [
            ("F05", "2023.1", row, code, f"F05.{row}.{code}", self.rng.randint(0, 9), None, "sum")
            for row in ("01", "02", "05")
            for code in ("1", "2")
        ]
        cells += [
            ("F07", "2026.1", row, "1", f"F07.{name}", self.rng.randint(1, 9), None, "sum")
            for row, name in (("01", "tong_ca_nhan"), ("02", "lanh_dao_quan_ly"))
        ]
        names = ("form", "version", "row", "column", "measure", "number", "text", "kind")
        connection.execute(
            sa.text(
                "INSERT INTO core.observation (submission_id, form, form_version, row_key, column_code, ordinal, measure, "
                "number, text_value, aggregation, restricted, generation) VALUES (:id, :form, :version, :row, :column, 0, "
                ":measure, "
                ":number, :text, :kind, false, :generation)"
            ),
            [{"id": submission, "generation": generation, **dict(zip(names, cell, strict=True))} for cell in cells],
        )
        connection.execute(
            sa.text(
                "INSERT INTO core.finding (arrival_id, generation, ordinal, code, severity, form, message, fix, recorded_at) "
                "SELECT arrival_id, :generation, 1, :code, 'warning', 'F05', 'lời', 'cách sửa', :at FROM core.submission "
                "WHERE id = :id"
            ),
            {
                "generation": generation,
                "id": submission,
                "at": self.office.now,
                "code": self.rng.choice(["CELL-ERROR", "ROW-NO-CODE"]),
            },
        )

    def rename(self) -> None:
        self.names += 1
        code = self.rng.choice(self.alive)
        if code in "ABCDEF":
            renamed = {**unit(code), "name": f"Trung tâm {code} {self.names}"}
            add_rows(self.folder, "units.csv", correct(renamed, self.office.now))
            self.office.reload()

    def add_up_otherwise(self) -> None:
        """An indicator gets another name and another rule."""
        self.names += 1
        code = self.rng.choice(ROWS).split("+")[1]
        path = self.folder / "indicators.csv"
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            rows, columns = list(reader), list(reader.fieldnames or ())
        for row in rows:
            if row["code"] == code:
                row["name"] = f"{row['name'].split(' (')[0]} ({self.names})"
                row["aggregation"] = {"sum": "none", "none": "last", "last": "sum"}[row["aggregation"]]
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        self.office.reload()

    def consolidate(self) -> None:
        with self.office.context() as context:
            consolidate_period(context, REPORT, PERIOD, self.office.now)

    def print(self, what: str) -> None:
        with self.office.context() as context:
            at_the_time = read_marts(context, self.office.now)
            stored = read_marts(context, None, STORED)
        assert {name: at_the_time[name] for name in STORED} == stored, what
        self.marts.append((what, self.office.now, at_the_time))


def read_marts(context: Context, as_of: datetime | None, only: Collection[str] = ()) -> Printed:
    """Every mart (or those named) as text, lines in order; of the period where it has one."""
    printed: Printed = {}
    with open_snapshot(context, as_of) as connection:
        views = connection.execute(
            sa.text(
                "SELECT c.relname, bool_or(a.attname = 'period') FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
                "WHERE c.relnamespace = 'mart'::regnamespace AND c.relkind = 'v' GROUP BY 1 ORDER BY 1"
            )
        ).all()
        for name, has_period in views:
            if name in ALIKE or (only and name not in only):
                continue
            where = f"WHERE report = '{REPORT}' AND period = '{PERIOD}'" if has_period else ""
            rows = connection.execute(sa.text(f"SELECT x::text FROM mart.{name} x {where}")).scalars()
            printed[name] = sorted(map(str, rows))
    return printed


def live(history: MartHistory) -> None:
    events: list[Callable[[], None]] = [
        *[history.send] * 6, *[history.decide] * 2, *[history.revalidate] * 2, history.excuse_or_not, history.merge,
        history.abolish, history.rename, *[history.add_up_otherwise] * 2, *[history.consolidate] * 2,
    ]  # fmt: skip
    for code in "ABC":
        history.office.send(code)
    history.print("opened")
    for _ in range(STEPS):
        history.go_on()
        event = history.rng.choice(events)
        event()
        history.print(event.__name__)


@pytest.mark.parametrize("seed", [1, 2])
def test_past_marts_are_read_again_as_they_were(
    seed: int, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    folder = make_register(tmp_path / "register", units=6)
    add_rows(folder, "units.csv", *(unit(code) for code in "ABCDEF"))
    office = Office(make_settings(folder), at("2026-05-20T08:00"))
    office.open()
    history = MartHistory(office, folder, Random(seed))
    office.fill = history.fill
    live(history)
    changed = {
        name for name in history.marts[0][2] if len({str(printed.get(name)) for _, _, printed in history.marts}) > 1
    }
    assert {
        "accepted", "figure", "figure_source", "rate_source", "contribution", "consolidated", "coverage", "coverage_by_type",
        "board", "finding", "not_counted", "statutory_cell", "table_0603", "f03_wide", "movement_result",
    } <= changed  # fmt: skip
    with office.context() as context:
        for what, instant, printed in history.marts:
            again = read_marts(context, instant)
            assert {name for name in printed if again[name] != printed[name]} == set(), (what, instant)
