"""Figures: equal to an independent sum, traced to every cell, written to a workbook that an office program opens."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import sqlalchemy as sa
from small_province import PERIOD, REPORT, Province
from test_ingest import AFTERWARDS

from etl.settings import Settings
from etl.usecases.consolidate import consolidate_period, read_figures
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


def counted_observations(context: Context) -> pd.DataFrame:
    """Numbers of the last accepted submission of each unit but blocs, found without our views."""
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
    accepted = submissions[(submissions.decision == "accept") & (submissions.unit_type != "bloc")]
    newest = accepted.sort_values("received_at").groupby("unit").tail(1)
    return observations[observations.submission_id.isin(newest.id) & observations.number.notna()]


def test_sums_equal_an_independent_recomputation(filled: Settings) -> None:
    with open_context(filled) as context:
        raw = counted_observations(context)
        figures = [figure for form in read_figures(context, REPORT, PERIOD).values() for figure in form]
    summed = raw[raw.aggregation == "sum"].groupby(["form", "row_key", "measure"]).number.agg(["sum", "count"])
    ours = {(f.form, f.row, f.measure): (float(f.value or 0), f.units) for f in figures if not is_rate(f.measure)}
    assert len(ours) > 100
    assert ours.keys() == set(summed.index)
    for key, (value, units) in ours.items():
        assert value == pytest.approx(float(summed.loc[key, "sum"])), key
        assert units == summed.loc[key, "count"], key


def is_rate(measure: str) -> bool:
    return measure in {"F03.ty_le", "F07.ty_le_lanh_dao", "F07.ty_le_truc_tiep"}


def test_rates_are_made_from_sums(filled: Settings) -> None:
    with open_context(filled) as context:
        figures = {(f.row, f.measure): f for f in read_figures(context, REPORT, PERIOD)["F07"]}
    part, whole = figures["02", "F07.lanh_dao_quan_ly"].value, figures["01", "F07.tong_ca_nhan"].value
    assert part is not None and whole
    assert figures["03", "F07.ty_le_lanh_dao"].value == pytest.approx(100 * part / whole)


def test_every_figure_equals_the_sum_of_its_trace(filled: Settings, province: Province) -> None:
    with open_context(filled) as context:
        figures = [figure for form in read_figures(context, REPORT, PERIOD).values() for figure in form]
        for figure in figures[::7]:
            trace = trace_figure(context, figure.id)
            sums = [sum((c.number for c in listed if c.counted), Decimal(0)) for listed in trace.contributions.values()]
            if is_rate(figure.measure):
                assert figure.value is None or figure.value == pytest.approx(100 * sums[0] / sums[1]), figure.id
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
    sheet = next(sheet for sheet in workbook if sheet.title.startswith("F05"))
    first_row = next(row for row in sheet.iter_rows() if row[1].value == "01")
    assert first_row[2].value == total
    formulas = [
        cell.coordinate for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.data_type == "f"
    ]
    assert formulas == []


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
