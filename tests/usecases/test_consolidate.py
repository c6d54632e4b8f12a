"""Figures: equal to an independent sum, traced to every cell, written to a workbook that an office program opens."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import threading
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import sqlalchemy as sa
from small_province import PERIOD, REPORT, Province
from test_ingest import AFTERWARDS

from etl.calendar.deadlines import TIMEZONE
from etl.settings import Settings
from etl.usecases.board import read_board
from etl.usecases.consolidate import ConsolidateSummary, Figure, consolidate_period, read_figures
from etl.usecases.context import Context, open_context
from etl.usecases.export import export_workbook
from etl.usecases.ingest import ingest
from etl.usecases.trace import UnknownFigure, trace_figure
from etl.warehouse.server import ServerInfo


@pytest.fixture
def filled(prepared: Settings, province: Province) -> Settings:
    with open_context(prepared) as context:
        ingest(context, [province.inbox], province.receipts)
        consolidate_period(context, REPORT, PERIOD, AFTERWARDS)
    return prepared


def counted_observations(context: Context, province: Province) -> pd.DataFrame:
    """Numbers of the last accepted submission of each unit but blocs, found without our views; `adds` tells which add up
    over units, rows of an indicator as the register's file says."""
    with context.engine.connect() as connection:
        submissions = pd.read_sql(
            sa.text(
                "SELECT s.id, s.unit, s.received_at, d.decision, o.unit_type FROM core.submission s "
                "JOIN core.decision d ON d.submission_id = s.id JOIN register.obligation o "
                "ON o.unit = s.unit AND o.report = s.report AND o.period = s.period"
            ),
            connection,
        )
        observations = pd.read_sql(
            sa.text("SELECT submission_id, form, row_key, measure, number, aggregation FROM core.observation"),
            connection,
        )
    indicators = pd.read_csv(province.register / "indicators.csv").set_index("code").aggregation
    of_row = observations.row_key.str.split("+").str[1].map(indicators)
    observations["adds"] = (observations.aggregation == "sum") & (of_row.isna() | of_row.isin(["sum", "last"]))
    accepted = submissions[(submissions.decision == "accept") & (submissions.unit_type != "bloc")]
    newest = accepted.sort_values("received_at").groupby("unit").tail(1)
    return observations[observations.submission_id.isin(newest.id) & observations.number.notna()]


def test_sums_equal_an_independent_recomputation(filled: Settings, province: Province) -> None:
    with open_context(filled) as context:
        raw = counted_observations(context, province)
        figures = [figure for form in read_figures(context, REPORT, PERIOD).values() for figure in form]
    summed = raw[raw.adds].groupby(["form", "row_key", "measure"]).number.agg(["sum", "count"])
    ours = {(f.form, f.row, f.measure): (float(f.value or 0), f.units) for f in figures if not is_rate(f.measure)}
    assert len(ours) > 100
    assert ours.keys() == set(summed.index)
    for key, (value, units) in ours.items():
        assert value == pytest.approx(float(summed.loc[key, "sum"])), key
        assert units == summed.loc[key, "count"], key


RATES = {
    "F03.ty_le": ("F03.thuc_hien", "F03.ke_hoach"),
    "F07.ty_le_lanh_dao": ("F07.lanh_dao_quan_ly", "F07.tong_ca_nhan"),
    "F07.ty_le_truc_tiep": ("F07.nguoi_lao_dong_truc_tiep", "F07.tong_ca_nhan"),
}


def is_rate(measure: str) -> bool:
    return measure in RATES


def forget_number(context: Context, measure: str) -> str:
    """Blank that measure for one unit that gave it, as if its file had left the cell empty; the unit."""
    with context.engine.begin() as connection:
        one = connection.execute(
            sa.text(
                "SELECT unit, submission_id FROM mart.figure_source WHERE measure = :m AND counted AND number > 0 LIMIT 1"
            ),
            {"m": measure},
        ).one()
        connection.execute(
            sa.text("UPDATE core.observation SET number = NULL WHERE submission_id = :id AND measure = :m"),
            {"id": one.submission_id, "m": measure},
        )
    return str(one.unit)


def test_indicators_that_do_not_add_up_are_no_figures(filled: Settings, province: Province) -> None:
    indicators = pd.read_csv(province.register / "indicators.csv").set_index("code").aggregation
    percents = set(indicators[indicators == "none"].index)
    with open_context(filled) as context:
        rows = {figure.row.split("+")[1] for figure in read_figures(context, REPORT, PERIOD)["F03"]}
        with context.engine.connect() as connection:
            sources = connection.execute(
                sa.text("SELECT row_key, counted FROM mart.figure_source WHERE form = 'F03' AND number IS NOT NULL")
            ).all()
    assert rows
    assert not rows & percents
    given = [counted for key, counted in sources if key.split("+")[1] in percents]
    assert given
    assert not any(given)


def test_rates_are_of_units_that_gave_part_and_whole(filled: Settings, province: Province) -> None:
    """Recomputed with pandas: a unit that gave one of the two is in neither."""
    with open_context(filled) as context:
        forget_number(context, "F07.tong_ca_nhan")
        forget_number(context, "F07.nguoi_lao_dong_truc_tiep")
        raw = counted_observations(context, province)
        figures = [f for form in read_figures(context, REPORT, PERIOD).values() for f in form if is_rate(f.measure)]
    raw = raw[raw.adds]
    expected: dict[tuple[str, str], tuple[float | None, int]] = {}
    incomplete = 0
    for measure, (part, whole) in RATES.items():
        # Rows of a list stand for themselves; a form with fixed rows has part and whole on rows of their own.
        keys = ["submission_id", "row_key"] if measure.startswith("F03") else ["submission_id"]
        both = raw[raw.measure.isin([part, whole])].pivot(index=keys, columns="measure", values="number").astype(float)
        incomplete += int(both.isna().any(axis=1).sum())
        both = both.dropna()
        groups = both.groupby("row_key") if measure.startswith("F03") else [("", both)]
        for row, rows in groups:
            total = rows[whole].sum()
            expected[measure, str(row)] = (100 * rows[part].sum() / total if total else None, len(rows))
    assert incomplete > 2
    ours = {
        (f.measure, f.row if f.form == "F03" else ""): (None if f.value is None else float(f.value), f.units)
        for f in figures
    }
    assert ours.keys() == expected.keys()
    for key, (value, units) in expected.items():
        assert ours[key] == (None if value is None else pytest.approx(value), units), key


def test_every_figure_equals_the_sum_of_its_trace(filled: Settings, province: Province) -> None:
    with open_context(filled) as context:
        incomplete = forget_number(context, "F07.tong_ca_nhan")
        figures = [figure for form in read_figures(context, REPORT, PERIOD).values() for figure in form]
        rates = [figure for figure in figures if is_rate(figure.measure)]
        for figure in [*figures[::7], *rates[::3], *(rate for rate in rates if rate.form == "F07")]:
            trace = trace_figure(context, figure.id)
            sums = [sum((c.number for c in listed if c.counted), Decimal(0)) for listed in trace.contributions.values()]
            if is_rate(figure.measure):
                assert figure.value is None or figure.value == pytest.approx(100 * sums[0] / sums[1]), figure.id
                parts, wholes = ({c.unit for c in listed if c.counted} for listed in trace.contributions.values())
                assert parts == wholes, figure.id
                assert len(parts) == figure.units, figure.id
                if figure.form == "F07":
                    assert (incomplete, "blank") in {(left.unit, left.reason) for left in trace.left_out}
            else:
                assert [figure.value] == sums, figure.id
        with pytest.raises(UnknownFigure):
            trace_figure(context, f"{REPORT}:{PERIOD}/F05/99/F05.99.1")


def test_a_trace_leads_to_the_cell_of_the_senders_file(filled: Settings, province: Province) -> None:
    with open_context(filled) as context:
        trace = trace_figure(context, f"{REPORT}:{PERIOD}/F05/02/F05.02.2")
    (contributions,) = trace.contributions.values()
    assert contributions
    for item in contributions[:5]:
        sheet = openpyxl.load_workbook(province.inbox / item.file, data_only=True)[item.sheet or ""]
        assert str(sheet[item.cell or ""].value) == item.raw
    silent = {item["unit"] for item in province.key["missing"]}
    assert silent & {left.unit for left in trace.left_out if left.reason == "missing"} == {
        unit for unit in silent if ".KHOI" not in unit and ".CUM" not in unit
    }


def test_reader_sees_marts_and_nothing_else(filled: Settings, server: ServerInfo) -> None:
    with open_context(filled) as context:
        with context.engine.connect() as connection:
            views = list(
                connection.execute(
                    sa.text("SELECT table_name FROM information_schema.views WHERE table_schema = 'mart'")
                ).scalars()
            )
            uncommented = list(
                connection.execute(
                    sa.text(
                        "SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
                        "WHERE n.nspname = 'mart' AND col_description(c.oid, a.attnum) IS NULL"
                    )
                ).scalars()
            )
        assert uncommented == []
        assert {"board", "figure", "figure_source", "f05_wide", "f07_wide"} <= set(views)
        database = sa.make_url(str(filled.warehouse_url)).database
        as_superuser = sa.create_engine(sa.make_url(server.superuser_url).set(database=database))
        with as_superuser.connect() as connection:
            connection.execute(sa.text("SET ROLE mr_reader"))
            for view in views:
                connection.execute(sa.text(f"SELECT * FROM mart.{view} LIMIT 1"))
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
                connection.execute(sa.text("SELECT * FROM core.observation LIMIT 1"))
        as_superuser.dispose()


def test_restricted_values_never_enter_the_marts(filled: Settings, province: Province) -> None:
    with open_context(filled) as context, context.engine.connect() as connection:
        secrets = set(
            connection.execute(
                sa.text("SELECT text_value FROM core.observation WHERE restricted AND text_value IS NOT NULL")
            ).scalars()
        )
        assert secrets
        shown = set()
        for view in connection.execute(
            sa.text("SELECT table_name FROM information_schema.views WHERE table_schema = 'mart'")
        ).scalars():
            for row in connection.execute(sa.text(f"SELECT * FROM mart.{view}")):
                shown |= {str(value) for value in row}
    assert not secrets & shown


def test_official_workbook_shows_the_figures(filled: Settings, province: Province, tmp_path: Path) -> None:
    with open_context(filled) as context:
        path = export_workbook(context, REPORT, PERIOD, tmp_path / "chính thức.xlsx", AFTERWARDS)
        total = trace_figure(context, f"{REPORT}:{PERIOD}/F05/01/F05.01.1").value
    workbook = openpyxl.load_workbook(io.BytesIO(path.read_bytes()))
    sheet = next(sheet for sheet in workbook if sheet.title.startswith("0603"))
    first_row = next(row for row in sheet.iter_rows() if row[1].value == "01")
    assert first_row[2].value == total
    formulas = [
        cell.coordinate for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.data_type == "f"
    ]
    assert formulas == []


def read_sources(path: Path) -> dict[str, Decimal]:
    """The source sheet of an official workbook: figure to the sum of its lines."""
    sheet = openpyxl.load_workbook(path)["Nguồn số liệu"]
    sums: dict[str, Decimal] = {}
    for row in sheet.iter_rows(values_only=True):
        if str(row[0]).startswith(f"{REPORT}:"):
            sums[str(row[0])] = sums.get(str(row[0]), Decimal(0)) + Decimal(str(row[7]))
    return sums


def test_an_export_is_of_one_moment(filled: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is loaded or decided while an export is made is in the next one: a figure equals its own source lines."""
    seen: dict[str, Decimal | None] = {}
    changed: list[str] = []

    def read_and_let_others_write(context: Context, *arguments: Any) -> dict[str, list[Figure]]:
        found = read_figures(context, *arguments)
        seen.update((f.id, f.value) for form in found.values() for f in form if not is_rate(f.measure))
        changed.append(forget_number(context, "F05.01.1"))
        return found

    monkeypatch.setattr("etl.usecases.export.read_figures", read_and_let_others_write)
    with open_context(filled) as context:
        path = export_workbook(context, REPORT, PERIOD, tmp_path / "official.xlsx", AFTERWARDS)
        now = trace_figure(context, f"{REPORT}:{PERIOD}/F05/01/F05.01.1").value
    assert changed
    assert now != seen[f"{REPORT}:{PERIOD}/F05/01/F05.01.1"]
    assert read_sources(path) == seen


def test_an_export_of_the_past_has_the_figures_of_then(filled: Settings, tmp_path: Path) -> None:
    """Board, figures and the line "Số liệu tính đến" are of the same instant."""
    then = datetime(2026, 6, 16, 12, tzinfo=TIMEZONE)
    with open_context(filled) as context:
        path = export_workbook(context, REPORT, PERIOD, tmp_path / "official.xlsx", then)
        accepted = {
            line.unit
            for line in read_board(context, REPORT, PERIOD, then).units
            if line.status in {"on_time", "late"} and line.unit_type != "bloc"
        }
        everybody = trace_figure(context, f"{REPORT}:{PERIOD}/F05/01/F05.01.1")
    workbook = openpyxl.load_workbook(path)
    units = {
        row[1] for row in workbook["Nguồn số liệu"].iter_rows(values_only=True) if str(row[0]).startswith(f"{REPORT}:")
    }
    assert units == accepted
    assert len(units) < len({c.unit for listed in everybody.contributions.values() for c in listed})
    cover = [str(cell.value) for row in workbook.worksheets[0].iter_rows() for cell in row]
    assert any(text.startswith("Số liệu tính đến 16/06/2026 12:00") for text in cover)


def test_rates_are_rounded_half_up(filled: Settings, tmp_path: Path) -> None:
    """1 of 800 is 0,125 %: 0,13 as on every other screen, not the banker's 0,12."""
    with open_context(filled) as context:
        with context.engine.begin() as connection:
            chosen = connection.execute(
                sa.text("SELECT min(submission_id) FROM mart.accepted WHERE unit_type <> 'bloc'")
            )
            connection.execute(
                sa.text(
                    "UPDATE core.observation SET number = CASE WHEN submission_id <> :one THEN 0 "
                    "WHEN measure = 'F07.tong_ca_nhan' THEN 800 ELSE 1 END "
                    "WHERE measure IN ('F07.tong_ca_nhan', 'F07.lanh_dao_quan_ly')"
                ),
                {"one": chosen.scalar_one()},
            )
        path = export_workbook(context, REPORT, PERIOD, tmp_path / "official.xlsx", AFTERWARDS)
    sheet = next(sheet for sheet in openpyxl.load_workbook(path) if sheet.title.startswith("F07"))
    row = next(row for row in sheet.iter_rows(values_only=True) if "03" in row[:2])
    assert 0.13 in row


def test_consolidations_at_once_take_turns(filled: Settings) -> None:
    results: list[ConsolidateSummary] = []

    def consolidate() -> None:
        with open_context(filled) as context:
            results.append(consolidate_period(context, REPORT, PERIOD, AFTERWARDS))

    threads = [threading.Thread(target=consolidate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    assert results[0] == results[1] == results[2]


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice (soffice) is not installed")
def test_libreoffice_opens_the_official_workbook(filled: Settings, tmp_path: Path) -> None:
    with open_context(filled) as context:
        path = export_workbook(context, REPORT, PERIOD, tmp_path / "official.xlsx", AFTERWARDS)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    subprocess.run(
        ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(path)],
        check=True,
        capture_output=True,
        timeout=180,
    )
    assert (tmp_path / "official.pdf").read_bytes().startswith(b"%PDF")


def test_rules_between_units_name_copied_files(
    prepared: Settings, province: Province, make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Two units whose stored bytes are one file: a point for the reviewer, and no verdict changes."""
    with open_context(prepared) as context:
        ingest(context, [province.inbox], province.receipts)
        before = json.dumps(consolidate_period(context, REPORT, PERIOD, AFTERWARDS).counts)
        with context.engine.begin() as connection:
            ids = list(
                connection.execute(sa.text("SELECT submission_id FROM mart.accepted ORDER BY unit LIMIT 2")).scalars()
            )
            connection.execute(
                sa.text(
                    "UPDATE core.submission SET sha256 = (SELECT sha256 FROM core.submission WHERE id = :a) WHERE id = :b"
                ),
                {"a": ids[0], "b": ids[1]},
            )
        summary = consolidate_period(context, REPORT, PERIOD, AFTERWARDS)
    assert "P-SAME-FILE" in {found.code for found in summary.findings}
    assert json.dumps(summary.counts) == before
