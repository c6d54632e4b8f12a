"""Consolidated tables equal an independent recomputation: the rules said again in Python, over raw observations and decisions.

178 units, eight half-years. The first half-year and a statistical year are real workbooks through the whole of the pipeline; the
other half-years are copies of the first with other figures, into which corrections, late files, returns, readings made again
and a merger are written as the loader and the reviewers write them.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
import yaml

from benchmarks.many_submissions import STEP, multiply_period
from etl.calendar.deadlines import TIMEZONE
from etl.sample.generate import write_sample
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.context import Context, open_context
from etl.usecases.ingest import ingest
from etl.usecases.prepare import init_warehouse
from etl.warehouse.connect import raw_connection
from etl.warehouse.server import ServerInfo
from tests.marts.conftest import open_database, settings_for

HALF, YEAR = "movements-half", "statistics-year"
HALVES = [f"{year}-S{half}" for year in range(2026, 2030) for half in (1, 2)]
NOW = datetime(2030, 2, 1, 8, tzinfo=TIMEZONE)
MERGED = "2028-01-01"
RATES = {
    "F03.ty_le": ("F03.thuc_hien", "F03.ke_hoach"),
    "F07.ty_le_lanh_dao": ("F07.lanh_dao_quan_ly", "F07.tong_ca_nhan"),
    "F07.ty_le_truc_tiep": ("F07.nguoi_lao_dong_truc_tiep", "F07.tong_ca_nhan"),
}
TABLES = {
    "0601": ("F02", "01", "99"), "0602": ("F04", "01", "99"), "0603": ("F05", "01", "99"), "0604": ("F09", "01", "05"),
    "0605": ("F09", "06", "99"),
}  # fmt: skip


@dataclass
class Raw:
    """What was stored, as frames; nothing of our views."""

    counted: pd.DataFrame
    cells: pd.DataFrame
    owed: pd.DataFrame
    asked: pd.DataFrame


@pytest.fixture(scope="module")
def filled(server: ServerInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    folder = tmp_path_factory.mktemp("recomputed")
    for report, period, units in ((HALF, HALVES[0], 178), (YEAR, "2026-A1", 60)):
        write_sample(PROJECT_ROOT / "register", folder / report, report, [period], units, 11, None)
    register = folder / HALF / "register"
    merge_two_communes(register)
    with open_database(server) as name:
        settings: Settings = settings_for(server, name, folder, register)
        init_warehouse(settings, clock=lambda: NOW)
        with open_context(settings, clock=lambda: NOW) as context:
            for report in (HALF, YEAR):
                ingest(context, [folder / report / "inbox"], folder / report / "receipts.csv")
            with raw_connection(context.engine) as connection:
                multiply_period(connection, HALF, HALVES[0], HALVES[1:], with_ledger=False)
                connection.execute("ANALYZE")
            disturb(context)
            yield context


def merge_two_communes(register: Path) -> None:
    """Two communes become one in the middle of the eight half-years."""
    units = list(csv.DictReader((register / "units.csv").open(encoding="utf-8")))
    members = list(csv.DictReader((register / "blocs.csv").open(encoding="utf-8")))
    plain = {row["unit"] for row in members if row["role"] == "member"}
    gone = [row for row in units if row["type"] == "commune" and not row["valid_to"] and row["code"] in plain][:2]
    with (register / "units.csv").open("a", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(units[0]), lineterminator="\n")
        for row in gone:
            writer.writerow({**row, "valid_to": "2027-12-31", "recorded_at": f"{MERGED}T00:00:00+07:00"})
        heir = {
            **gone[0],
            "code": "H14.XM",
            "name": "Xã Hợp Nhất",
            "valid_from": MERGED,
            "legal_basis": "Nghị quyết thử",
        }
        writer.writerow({**heir, "recorded_at": f"{MERGED}T00:00:00+07:00"})
    with (register / "blocs.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(members[0]), lineterminator="\n")
        writer.writeheader()
        ended = {row["code"] for row in gone}
        writer.writerows({**row, "valid_to": "2027-12-31"} if row["unit"] in ended else row for row in members)
    path = register / "lineage.csv"
    columns = path.read_text("utf-8").splitlines()[0].split(",")
    with path.open("a", encoding="utf-8", newline="") as stream:
        for row in gone:
            line = {"predecessor": row["code"], "successor": "H14.XM", "kind": "merge", "valid_from": MERGED}
            told = {**line, "legal_basis": "Nghị quyết thử", "recorded_at": f"{MERGED}T00:00:00+07:00"}
            csv.DictWriter(stream, columns, lineterminator="\n").writerow(
                {name: told.get(name, "") for name in columns}
            )


def disturb(context: Context) -> None:
    """Corrections, late files, returns, readings made again, and the heir's files, in every copied half-year."""
    rng = Random(20260621)
    with raw_connection(context.engine) as connection:
        gone = [str(row[0]) for row in connection.execute(
            "SELECT predecessor FROM register.lineage WHERE successor = 'H14.XM' ORDER BY 1").fetchall()]  # fmt: skip
        for place, period in enumerate(HALVES[1:], start=1):
            sent = connection.execute(
                "SELECT id, arrival_id, unit FROM core.submission WHERE report = %s AND period = %s ORDER BY id",
                (HALF, period),
            ).fetchall()
            if f"{period[:4]}-01-01" >= MERGED:
                # The heir sends what one of the two would have sent; what stands in its own name for the two was copied.
                one = next((row for row in sent if row[2] == gone[0]), sent[0])
                correct(connection, int(one[0]), int(one[1]), 700_000 + place * STEP, NOW, rng, unit="H14.XM")
            for number, (submission, arrival, _unit) in enumerate(rng.sample(sent, 60)):
                when = NOW - timedelta(days=rng.randint(1, 300))
                if number < 25:
                    correct(connection, int(submission), int(arrival), 500_000 + place * STEP, when, rng)
                elif number < 45:
                    decide(connection, int(submission), "return", when)
                    if rng.random() < 0.4:
                        decide(connection, int(submission), "accept", when)
                else:
                    read_again(connection, int(submission), int(arrival), when, rng)
        connection.execute("ANALYZE")


def correct(
    connection: Any, submission: int, arrival: int, step: int, when: datetime, rng: Random, unit: str | None = None
) -> None:
    """A second file of the obligation, received later; mostly accepted, and of those a few returned again. Of `unit` when given:
    accepted."""
    connection.execute(
        "INSERT INTO landing.arrival (id, channel, locator, part, file_name, sha256, received_at, recorded_at) OVERRIDING SYSTEM "
        "VALUE SELECT id + %s, channel, locator || %s, part, file_name, sha256, %s, %s FROM landing.arrival WHERE id = %s",
        (step, f"-{step}", when, when, arrival),
    )
    connection.execute(
        "INSERT INTO core.submission (id, arrival_id, unit, report, period, received_at, sha256, form_versions, recorded_at) "
        "OVERRIDING SYSTEM VALUE SELECT id + %s, arrival_id + %s, coalesce(%s, unit), report, period, %s, sha256, "
        "form_versions, %s FROM core.submission WHERE id = %s",
        (step, step, unit, when, when, submission),
    )
    copy_cells(connection, submission, submission + step, 1, rng.randint(1, 5))
    connection.execute("INSERT INTO core.examination VALUES (%s, 1, 1, 'system', 'thử', %s)", (arrival + step, when))
    decide(
        connection, submission + step, "accept" if unit else rng.choice(["accept", "accept", "accept", "return"]), when
    )
    if unit is None and rng.random() < 0.15:
        decide(connection, submission + step, "return", when)


def read_again(connection: Any, submission: int, arrival: int, when: datetime, rng: Random) -> None:
    """The file read anew, with other values."""
    copy_cells(connection, submission, submission, 2, rng.randint(1, 5))
    connection.execute("INSERT INTO core.examination VALUES (%s, 2, 2, 'nguoi.duyet', 'thử', %s)", (arrival, when))


def copy_cells(connection: Any, source: int, target: int, generation: int, more: int) -> None:
    columns = [
        str(row[0])
        for row in connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'core' AND table_name = 'observation' "
            "ORDER BY ordinal_position"
        ).fetchall()
    ]
    changed = {"submission_id": str(target), "generation": str(generation), "number": f"number + {more}"}
    values = ", ".join(changed.get(name, name) for name in columns)
    connection.execute(
        f"INSERT INTO core.observation ({', '.join(columns)}) SELECT {values} FROM core.observation "
        f"WHERE submission_id = {source} AND generation = 1"
    )


def decide(connection: Any, submission: int, decision: str, when: datetime) -> None:
    connection.execute(
        "INSERT INTO core.decision (submission_id, decision, decided_by, reason, recorded_at) VALUES (%s, %s, 'nguoi.duyet', "
        "'thử', %s)",
        (submission, decision, when),
    )


@pytest.fixture(scope="module")
def raw(filled: Context) -> Raw:
    with filled.engine.connect() as connection:

        def read(query: str) -> pd.DataFrame:
            return pd.read_sql(sa.text(query), connection)

        submissions = read("SELECT id, arrival_id, unit, report, period, received_at FROM core.submission")
        decisions = read("SELECT id, submission_id, decision FROM core.decision ORDER BY id")
        readings = read("SELECT arrival_id, generation, values_generation FROM core.examination")
        owed = read(
            "SELECT report, period, unit, unit_name, unit_type, exempt_reason, lapsed_reason FROM register.obligation "
            "WHERE retired_at IS NULL"
        )
        asked = read(
            "SELECT report, form, unit_type FROM register.report_form WHERE retired_at IS NULL AND status <> 'not_owed'"
        )
        cells = read(
            "SELECT submission_id, form, form_version, row_key, column_code, ordinal, measure, number, text_value, aggregation, "
            "restricted, generation FROM core.observation"
        )
    newest = readings.sort_values("generation").groupby("arrival_id").tail(1).set_index("arrival_id").values_generation
    submissions["generation"] = submissions.arrival_id.map(newest)
    standing = find_standing(submissions, decisions)
    counted = submissions[submissions.id.isin(standing)].merge(owed, on=["report", "period", "unit"])
    cells = cells.merge(
        counted[["id", "generation", "report", "period", "unit", "unit_type"]],
        left_on=["submission_id", "generation"],
        right_on=["id", "generation"],
    )
    estimates = cells[(cells.measure == "F00.la_uoc_tinh") & (cells.text_value == "yes")].submission_id
    counted["estimated"] = counted.id.isin(estimates)
    cells["estimated"] = cells.submission_id.isin(estimates)
    return Raw(counted, cells, owed, asked)


def find_standing(submissions: pd.DataFrame, decisions: pd.DataFrame) -> set[int]:
    """One submission an obligation, by the words of the rule: decisions are gone through in the order they were written."""
    order = {row.id: (row.received_at, row.arrival_id) for row in submissions.itertuples()}
    of = {row.id: (row.report, row.period, row.unit) for row in submissions.itertuples()}
    by_obligation: dict[Any, list[tuple[int, str]]] = defaultdict(list)
    for row in decisions.itertuples():
        by_obligation[of[row.submission_id]].append((row.submission_id, row.decision))
    standing = set()
    for told in by_obligation.values():
        accepted: set[int] = set()
        ever: set[int] = set()
        for submission, decision in told:
            if decision == "accept":
                accepted.add(submission)
                ever.add(submission)
            elif decision == "return":
                was = submission in ever
                accepted.discard(submission)
                if was:  # whoever was accepted before and is older does not come back to life
                    accepted = {one for one in accepted if order[one] > order[submission]}
        if accepted:
            standing.add(max(accepted, key=lambda one: order[one]))
    return standing


def adding(raw: Raw) -> pd.DataFrame:
    """The numbers that add up over units: rows of an indicator as the register's file says."""
    indicators = pd.read_csv(PROJECT_ROOT / "register" / "indicators.csv").set_index("code").aggregation
    cells = raw.cells[raw.cells.number.notna() & ~raw.cells.restricted & (raw.cells.ordinal == 0)].copy()
    of_row = cells.row_key.str.split("+").str[1].map(indicators)
    adds = (cells.aggregation == "last") | (
        (cells.aggregation == "sum") & (of_row.isna() | of_row.isin(["sum", "last"]))
    )
    cells = cells[adds & (cells.unit_type != "bloc")]
    return cells.assign(number=cells.number.astype(float))


def read_by_period(context: Context, view: str, halves: Sequence[str] = HALVES, columns: str = "*") -> list[Any]:
    """A mart, period after period as its readers ask for it."""
    with context.engine.connect() as connection:
        return [
            row
            for report, period in [*((HALF, half) for half in halves), (YEAR, "2026-A1")]
            for row in connection.execute(
                sa.text(f"SELECT {columns} FROM mart.{view} WHERE report = :r AND period = :p"),
                {"r": report, "p": period},
            )
        ]


def test_the_province_is_as_disturbed_as_it_should_be(raw: Raw) -> None:
    """Else the comparisons below would say little."""
    halves = raw.counted[raw.counted.report == HALF]
    assert set(halves.period) == set(HALVES)
    assert halves.groupby("period").unit.nunique().min() > 120
    assert (halves.generation == 2).sum() > 50
    assert (halves.id % STEP > 500_000).sum() > 80
    assert (halves.unit == "H14.XM").sum() == 4
    assert halves.estimated.sum() > 10


def test_figures_and_rates(filled: Context, raw: Raw) -> None:
    cells = adding(raw)
    key = ["report", "period", "form", "row_key", "measure"]
    sums = cells.groupby(key).agg(
        value=("number", "sum"), units=("number", "size"), estimated_units=("estimated", "sum")
    )
    expected = {tuple(map(str, k)): (float(r.value), int(r.units), int(r.estimated_units)) for k, r in sums.iterrows()}
    for measure, (part, whole) in RATES.items():
        keys = ["report", "period", "submission_id", "estimated", *(["row_key"] if measure.startswith("F03") else [])]
        both = cells[cells.measure.isin([part, whole])].pivot(index=keys, columns="measure", values="number").dropna()
        fixed = {"F07.ty_le_lanh_dao": "03", "F07.ty_le_truc_tiep": "05"}.get(measure)
        groups = both.reset_index()
        groups["row"] = groups.row_key if fixed is None else fixed
        for (report, period, row), rows in groups.groupby(["report", "period", "row"]):
            total = rows[whole].sum()
            value = 100 * rows[part].sum() / total if total else None
            expected[report, period, measure[:3], row, measure] = (value, len(rows), int(rows.estimated.sum()))
    rows = read_by_period(filled, "form_figure")
    ours = {
        (r.report, r.period, r.mart, r.row_key, r.measure): (
            None if r.value is None else float(r.value), r.units, r.estimated_units,
        )
        for r in rows
    }  # fmt: skip
    assert len(ours) == len(rows)
    assert len(ours) > 2000
    assert ours.keys() == expected.keys()
    for figure, (value, units, estimated) in expected.items():
        assert ours[figure] == (None if value is None else pytest.approx(value), units, estimated), figure


def test_coverage(filled: Context, raw: Raw) -> None:
    given = (
        raw.cells.groupby(["report", "period", "unit", "form"])
        .size()
        .reset_index()[["report", "period", "unit", "form"]]
    )
    owing = raw.owed.merge(raw.asked, on=["report", "unit_type"])
    given["given"] = True
    owing = owing.merge(given, how="left", on=["report", "period", "unit", "form"])
    present = raw.counted[["report", "period", "unit", "estimated"]].assign(present=True)
    owing = owing.merge(present, how="left", on=["report", "period", "unit"])
    has, expected_ = owing.given.eq(True), owing.exempt_reason.isna()
    owing = owing.assign(
        expected=expected_ & (owing.lapsed_reason.isna() | owing.present.eq(True)), accepted=expected_ & has,
        beyond=~expected_ & has, estimates=has & owing.estimated.eq(True),
    )  # fmt: skip
    key, numbers = ["report", "period", "form", "unit_type"], ["expected", "accepted", "beyond", "estimates"]
    expected = {k: tuple(map(int, row)) for k, row in owing.groupby(key)[numbers].sum().T.items()}
    with filled.engine.connect() as connection:
        by_type = connection.execute(sa.text("SELECT * FROM mart.coverage_by_type")).all()
        whole = connection.execute(sa.text("SELECT * FROM mart.coverage")).all()
    ours = {(r.report, r.period, r.form, r.unit_type): tuple(r[4:]) for r in by_type}
    assert ours == expected
    communes = [v for k, v in expected.items() if k[:2] == (HALF, HALVES[0]) and k[2:] == ("F05", "commune")]
    assert 0 < communes[0][1] < communes[0][0]
    summed = owing.groupby(key[:3])[numbers].sum()
    assert {(r.report, r.period, r.form): tuple(r[3:]) for r in whole} == {
        k: tuple(map(int, row)) for k, row in summed.T.items()
    }


@pytest.mark.parametrize(
    ("figure_view", "source_view", "halves"),
    [("form_figure", "form_source", HALVES), ("consolidated", "contribution", HALVES[4:5])],
    ids=["forms", "every mart"],
)
def test_every_total_equals_the_sum_of_its_contributions(
    filled: Context, figure_view: str, source_view: str, halves: list[str]
) -> None:
    figures = pd.DataFrame([row._mapping for row in read_by_period(filled, figure_view, halves)]).set_index("figure")
    columns = "figure, unit, role, counted, left_out, number"
    cells = pd.DataFrame(read_by_period(filled, source_view, halves, columns), columns=columns.split(", "))
    assert figures.index.is_unique
    assert (cells.counted == cells.left_out.isna()).all()
    counted = cells[cells.counted].assign(number=cells.number.astype(float))
    assert set(counted.figure) == set(figures.index)
    sums = counted.pivot_table(index="figure", columns="role", values="number", aggfunc="sum")
    for figure in figures.itertuples():
        told = sums.loc[figure.Index]
        if figure.aggregation == "rate":
            value = None if not told["whole"] else 100 * told["part"] / told["whole"]
        else:
            value = told["term"]
        assert value is None if pd.isna(figure.value) else float(figure.value) == pytest.approx(value), figure.Index
    units = counted.groupby("figure").unit.nunique()
    forms = figures[figures.mart.str.match(r"^F\d\d$")]
    assert (forms.units == units.reindex(forms.index)).all()


@pytest.fixture(scope="module")
def layouts() -> dict[str, dict[str, Any]]:
    """Form to its newest layout, as its file says."""
    return {
        form: yaml.safe_load((PROJECT_ROOT / "etl" / "forms" / f"{form}.yaml").read_text("utf-8"))["versions"][-1]
        for form in {table[0] for table in TABLES.values()}
    }


def test_statutory_tables(filled: Context, raw: Raw, layouts: dict[str, dict[str, Any]]) -> None:
    cells = adding(raw)
    sums = cells.groupby(["report", "period", "form", "row_key", "column_code"]).number.sum()
    compared = 0
    for table, (form, first, last) in TABLES.items():
        rows = [row["code"] for row in layouts[form]["rows"] if first <= row["code"] <= last]
        columns = [column["code"] for column in layouts[form]["columns"]]
        with filled.engine.connect() as connection:
            found = connection.execute(
                sa.text(f"SELECT * FROM mart.table_{table} ORDER BY report, period, row_place")
            ).all()
        printed: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for row in found:
            printed[row.report, row.period].append(row)
        for (report, period), shown in printed.items():
            assert [row.row_code for row in shown] == rows, (table, period)
            for row in shown:
                assert row.not_comparable is None
                for column in columns:
                    value, expected = getattr(row, f"c{column}"), sums.get((report, period, form, row.row_code, column))
                    assert (None if value is None else float(value)) == expected, (
                        table,
                        report,
                        period,
                        row.row_code,
                        column,
                    )
                    compared += expected is not None
    assert compared > 1000


def test_printed_equations_hold_or_are_told(filled: Context, layouts: dict[str, dict[str, Any]]) -> None:
    """What the pipeline accepted adds up; the copies, shifted cell by cell, do not, and it is said by how much."""
    with filled.engine.connect() as connection:
        off = connection.execute(sa.text("SELECT * FROM mart.statutory_check")).all()
        total, parts = connection.execute(
            sa.text(
                "SELECT max(c1) FILTER (WHERE row_code = '01'), sum(c1) FILTER (WHERE row_code IN ('02', '04', '05')) "
                "FROM mart.table_0603 WHERE report = :r AND period = :p"
            ),
            {"r": HALF, "p": HALVES[2]},
        ).one()
    assert not [row for row in off if row.period in {HALVES[0], "2026-A1"}]
    told = {
        (row.table_code, row.axis, row.formula, row.at_code): row.difference for row in off if row.period == HALVES[2]
    }
    assert total != parts
    assert told["0603", "row", "01=02+04+05", "1"] == total - parts


def test_a_period_of_two_layouts(filled: Context, raw: Raw) -> None:
    """Units that sent the layout of 2018: cells it has not are told to be not comparable, the others meet by their measure."""
    old, new = yaml.safe_load((PROJECT_ROOT / "etl" / "forms" / "F02.yaml").read_text("utf-8"))["versions"]
    year = raw.counted[(raw.counted.report == YEAR) & (raw.counted.unit_type != "bloc")]
    given = set(raw.cells[(raw.cells.form == "F02") & raw.cells.number.notna()].submission_id)
    chosen = [int(number) for number in year.id if number in given][:5]
    measures = {
        (row["code"], column["code"]): f"F02.{row.get('measure', row['code'])}.{column.get('measure', column['code'])}"
        for row in old["rows"]
        for column in old["columns"]
    }
    in_new = {f"F02.{row['code']}.{column['code']}" for row in new["rows"] for column in new["columns"]}
    with filled.engine.connect() as connection:
        connection.execute(
            sa.text("DELETE FROM core.observation WHERE submission_id = ANY(:ids) AND form = 'F02'"), {"ids": chosen}
        )
        connection.execute(
            sa.text(
                "INSERT INTO core.observation (submission_id, form, form_version, row_key, column_code, ordinal, measure, "
                "number, aggregation, restricted) VALUES (:id, 'F02', '2018.1', :row, :column, 0, :measure, 7, 'sum', false)"
            ),
            [
                {"id": number, "row": row, "column": column, "measure": measure}
                for number in chosen
                for (row, column), measure in measures.items()
            ],
        )
        cells = connection.execute(
            sa.text(
                "SELECT * FROM mart.statutory_cell WHERE table_code = '0601' AND report = :r AND period = '2026-A1'"
            ),
            {"r": YEAR},
        ).all()
        shown = connection.execute(
            sa.text("SELECT * FROM mart.table_0601 WHERE report = :r AND period = '2026-A1'"), {"r": YEAR}
        ).all()
        connection.rollback()
    kept = adding(raw)
    kept = kept[(kept.report == YEAR) & (kept.form == "F02") & ~kept.submission_id.isin(chosen)]
    sums = kept.groupby("measure").number.sum()
    shared = set(measures.values()) & in_new
    assert shared
    assert shared != in_new
    for cell in cells:
        assert cell.comparable == (cell.measure in shared), cell.measure
        expected = sums.get(cell.measure, 0) + (7 * len(chosen) if cell.measure in shared else 0)
        assert float(cell.value or 0) == expected, cell.measure
    assert {row.row_code: row.not_comparable for row in shown}["03"] == "1, 2, 3, 4"


def test_what_does_not_count_is_told(filled: Context, raw: Raw) -> None:
    with filled.engine.connect() as connection:
        told = connection.execute(sa.text("SELECT submission_id, why FROM mart.not_counted")).all()
        known = set(connection.execute(sa.text("SELECT id FROM core.submission")).scalars())
    assert {row.submission_id for row in told} == known - set(raw.counted.id)
    reasons = {row.why for row in told}
    assert {
        "Không đạt quy tắc kiểm tra", "Người duyệt trả lại", "Đã được thay bằng lần nộp đang được tính",
        "Lần nộp sau đã được chấp nhận rồi bị trả lại: đơn vị phải nộp lại", "Đơn vị không thuộc diện phải báo cáo kỳ này",
    } <= reasons  # fmt: skip
