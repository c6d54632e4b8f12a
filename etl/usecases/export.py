"""`export`: the official workbook of a period, filled from the marts, as of an instant or as it was published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa

from etl.export import model
from etl.export.official import write_official_workbook, write_sources_workbook
from etl.text import capitalise
from etl.usecases.board import Board, open_if_begun, read_board
from etl.usecases.consolidate import Figure, open_snapshot, read_figures, read_period_findings
from etl.usecases.context import Context
from etl.usecases.export_charts import awards_chart, completion_chart, movement_chart, structure_chart
from etl.usecases.export_tables import (
    board_coverage,
    board_line,
    coverage_by_type_note,
    coverage_note,
    coverage_table,
    form_tables,
    read_estimated_figures,
    read_estimated_units,
    read_form_coverage,
    source_lines,
)
from etl.usecases.export_topics import FINDINGS, INSTEAD, TOPICS, bloc_chart, topic_table
from etl.usecases.marts import MARTS, MartTable, list_marts, read_mart
from etl.usecases.publication import Publication, find_publication, read_published, verify_publications
from etl.usecases.review_states import STATE_NAMES, PeriodState


class PublicationChanged(RuntimeError):
    """The figures of a publication cannot be had again as they were published."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A publication and the values it froze, by figure id."""

    publication: Publication
    values: Mapping[str, Decimal | None]


def export_workbook(
    context: Context,
    report: str,
    period: str,
    out: Path,
    now: datetime,
    *,
    publication: int | None = None,
    trace_file: Path | None = None,
) -> Path:
    """Write the official workbook to `out` (made anew in one move) and give its path.

    Board, figures and their sources are of one state of the warehouse and count what was known by `now` (aware), which is
    what the cover says; remarks are those of the last consolidation. The same instant gives the same bytes.
    `publication`: the figures as that publication froze them; `now` is then its instant. `trace_file`: the sources of the
    figures go into a workbook of their own.
    Raises UnknownReport, UnknownPeriod, UnknownPublication, PublicationChanged.
    """
    open_if_begun(context, report, period)
    frozen = None if publication is None else _find_frozen(context, report, period, publication)
    as_of = frozen.publication.as_of if frozen else now
    with open_snapshot(context, as_of) as connection:
        board = read_board(context, report, period, as_of, connection=connection)
        cover = _make_cover(context, connection, board, as_of, frozen)
        content = _make_workbook(context, connection, board, cover, frozen, with_sources=trace_file is None)
        if trace_file is not None:
            write_whole(trace_file, write_sources_workbook(cover, source_lines(connection, report, period)))
    return write_whole(out, content)


def write_whole(out: Path, content: bytes) -> Path:
    """The file, made anew in one move: nobody opens half of it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    part.write_bytes(content)
    part.replace(out)
    return out


def read_state(connection: sa.Connection, report: str, period: str) -> str:
    """The state of the period as of the connection's instant, in words: "đã công bố lần 2"."""
    row = connection.execute(
        sa.text("SELECT state, publication_number FROM core.period_state WHERE report = :report AND period = :period"),
        {"report": report, "period": period},
    ).first()
    words = STATE_NAMES[PeriodState(row.state) if row else PeriodState.OPEN]
    return f"{words} lần {row.publication_number}" if row and row.publication_number else words


def _find_frozen(context: Context, report: str, period: str, number: int) -> Frozen:
    found = find_publication(context, report, period, number)
    verified = next(one for one in verify_publications(context, report, period) if one.publication.id == found.id)
    if not verified.holds:
        raise PublicationChanged(
            f"publication {number} of {report}:{period} has the checksum {found.checksum[:12]}…, but its figures give "
            f"{verified.recomputed[:12]}… now: what they were made from was changed in the warehouse, not by a correction"
        )
    values = {one.figure: None if one.value is None else Decimal(one.value) for one in read_published(context, found)}
    return Frozen(found, values)


def _make_cover(
    context: Context, connection: sa.Connection, board: Board, as_of: datetime, frozen: Frozen | None
) -> model.Cover:
    report, period = board.report, board.period
    declared, province = context.register.report(report), context.register.province
    publication = frozen.publication if frozen else None
    return model.Cover(
        council=province.council,
        standing_office=province.standing_office,
        title=declared.name.upper(),
        report=declared.code,
        report_name=declared.name,
        period=context.register.period(report, period),
        as_of=as_of,
        state=capitalise(
            f"đã công bố lần {publication.number}" if publication else read_state(connection, report, period)
        ),
        counts=model.BoardCounts(**board.counts),
        completeness=board.rates["completeness"],
        timeliness=board.rates["timeliness"],
        coverage=board_coverage(board),
        remarks=_count_remarks(context, connection, report, period),
        province=province.name,
        estimated_units=len(read_estimated_units(connection, report, period)),
        publication=None
        if publication is None or publication.number is None or publication.published_at is None
        else model.Publication(
            publication.number, publication.checksum, publication.published_at, publication.published_by or ""
        ),
    )


def _make_workbook(
    context: Context,
    connection: sa.Connection,
    board: Board,
    cover: model.Cover,
    frozen: Frozen | None,
    *,
    with_sources: bool,
) -> bytes:
    report, period = board.report, board.period
    figures = read_figures(context, report, period, connection)
    if frozen is not None:
        figures = {form: [_as_frozen(one, frozen) for one in listed] for form, listed in figures.items()}
    coverage = read_form_coverage(connection, report, period)
    estimated = read_estimated_figures(connection, report, period)
    topics = _read_topics(context, connection, board)
    tables = [coverage_table(context, coverage, read_estimated_units(connection, report, period))]
    for code, listed in figures.items():
        if INSTEAD.get(code) in topics:
            continue
        form, covered = context.forms[code], coverage.get(code, [])
        made = form_tables(context, form, form.version_on(cover.period.end), listed, covered, estimated)
        tables += [replace(table, notes=(*coverage_by_type_note(covered), *table.notes)) for table in made]
    for code, read in topics.items():
        covered = [each for form in MARTS[code].forms for each in coverage.get(form, [])]
        note = coverage_note(covered) if len(MARTS[code].forms) == 1 else ""
        tables.append(topic_table(read, note, estimated))
    charts = [
        completion_chart(board),
        movement_chart(context, figures.get("F03", [])),
        awards_chart(figures.get("F05", [])),
        structure_chart(figures.get("F07", [])),
        bloc_chart(topics["blocs"]) if "blocs" in topics else None,
    ]
    return write_official_workbook(
        tables,
        cover,
        [board_line(line) for line in board.units],
        source_lines(connection, report, period) if with_sources else None,
        charts=[chart for chart in charts if chart is not None],
    )


def _read_topics(context: Context, connection: sa.Connection, board: Board) -> dict[str, MartTable]:
    """The topic marts of the report that have rows, in print order."""
    known = {mart.code for mart in list_marts(context, board.report)}
    read = {
        code: read_mart(context, code, board.report, board.period, as_of=board.as_of, connection=connection)
        for code in TOPICS
        if code in known
    }
    return {code: table for code, table in read.items() if table.rows}


def _count_remarks(context: Context, connection: sa.Connection, report: str, period: str) -> tuple[str, ...]:
    found = [one for one in read_period_findings(context, report, period, connection) if one.severity != "info"]
    if not found:
        return ()
    return (f"Có {len(found)} điểm cần xem xét trước khi dùng số liệu: xem trang tính “{TOPICS[FINDINGS]}”.",)


def _as_frozen(figure: Figure, frozen: Frozen) -> Figure:
    return replace(figure, value=frozen.values[figure.id]) if figure.id in frozen.values else figure
