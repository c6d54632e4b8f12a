"""`report-draft`: the draft of the narrative report, its figures from the marts, its excerpts from what units wrote (F01).

A figure that is not there says so. The finished document is read back and each of its figures compared with the marts: a draft
that differs is not given out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa

from etl.export.narrative import (
    TEMPLATE,
    Excerpts,
    NarrativeFigure,
    ReportDraft,
    StandIn,
    read_placed,
    read_places,
    render_draft,
    shorten,
)
from etl.export.tables import NOT_APPLICABLE
from etl.forms.declaration import LIST_KEY_SEPARATOR
from etl.register.entities import UnitType
from etl.text import comparison_key, format_date, format_instant, sort_key
from etl.usecases.board import Board, open_if_begun, read_board
from etl.usecases.consolidate import Figure, open_snapshot, read_figures
from etl.usecases.context import Context
from etl.usecases.export import read_state, write_whole
from etl.usecases.export_tables import TypeCoverage, of_layout, read_estimated_figures, read_form_coverage
from etl.usecases.marts import list_marts, read_mart

EXCERPTS_A_HEADING = 6
NARRATIVE_FORM = "F01"
_HEADINGS: Mapping[str, str] = {
    "trich_i": "01", "trich_ii_1": "02", "trich_ii_2": "03", "trich_ii_3": "04", "trich_iii": "05", "trich_iv": "06",
    "trich_v": "07", "trich_vi": "08", "trich_vii": "09", "trich_viii": "10",
}  # fmt: skip
"""Name in the template → row of F01 whose texts are offered there."""
_AWARD_COLUMNS: Mapping[str, str] = {"tong": "1", "bang_khen": "2", "cstd": "3", "co": "4", "huy_hieu": "5"}
_COMMUNES = {UnitType.COMMUNE, UnitType.WARD, UnitType.SPECIAL_ZONE, UnitType.TOWNSHIP}
# Departments lead the movements: what they wrote comes before what a single commune did.
_TYPE_ORDER = {kind.value: place + 100 * (kind in _COMMUNES) for place, kind in enumerate(UnitType)}


class DraftMismatch(RuntimeError):
    """A figure of the finished document is not the consolidated figure."""


def draft_report(
    context: Context,
    report: str,
    period: str,
    out: Path,
    now: datetime,
    *,
    excerpts: int = EXCERPTS_A_HEADING,
    template: Path = TEMPLATE,
) -> Path:
    """Write the draft to `out` (made anew in one move), as of `now` (aware), and give its path.

    `excerpts`: texts of units offered under a heading. The same instant gives the same bytes.
    Raises UnknownReport, UnknownPeriod, DraftMismatch; jinja2 errors for a template that was edited wrongly.
    """
    open_if_begun(context, report, period)
    with open_snapshot(context, now) as connection:
        board = read_board(context, report, period, now, connection=connection)
        gathered = _Gathered(context, connection, board)
        content = render_draft(gathered.make_draft(excerpts), template)
        check_draft(content, connection, report, period)
    return write_whole(out, content)


def check_draft(content: bytes, connection: sa.Connection, report: str, period: str) -> int:
    """Compare every figure of a finished document with the consolidated one; how many there are. Raises DraftMismatch."""
    placed = read_placed(content)
    # Said beside the ids: the server then reads the forms named here, not every mart.
    marts = sorted({one.figure.split("/")[1] for one in placed})
    rows = connection.execute(
        sa.text(
            "SELECT figure, value, aggregation FROM mart.consolidated WHERE report = :report AND period = :period "
            "AND mart = ANY(:marts)"
        ),
        {"report": report, "period": period, "marts": marts},
    )
    known: dict[str, tuple[Decimal | None, str]] = {row.figure: (row.value, row.aggregation) for row in rows}
    wrong = []
    for one in placed:
        value, aggregation = known.get(one.figure, (None, ""))
        expected = NarrativeFigure(one.figure, "", value, 0, 0, _decimals_of(aggregation)).text
        agrees = one.text.startswith("chưa có số liệu") if value is None else one.text == expected
        if not agrees:
            wrong.append(f"{one.figure}: {one.text!r} in the document, {expected!r} in the marts")
    if wrong:
        raise DraftMismatch(f"{len(wrong)} of {len(placed)} figures differ: {'; '.join(wrong[:5])}")
    return len(placed)


def _decimals_of(aggregation: str) -> int | None:
    """Recomputed rates are printed with two decimals, sums with those they have."""
    return 2 if aggregation == "rate" else None


class _Gathered:
    """What a draft is made of, read on one connection."""

    def __init__(self, context: Context, connection: sa.Connection, board: Board) -> None:
        self.context, self.connection, self.board = context, connection, board
        self.report, self.period = board.report, board.period
        self.window = context.register.period(self.report, self.period)
        self.figures: dict[tuple[str, str, str], Figure] = {
            (form, figure.row, figure.column): figure
            for form, listed in read_figures(context, self.report, self.period, connection).items()
            for figure in of_layout(form, context.forms[form].version_on(self.window.end), listed)
        }
        self.coverage = read_form_coverage(connection, self.report, self.period)
        self.estimated = read_estimated_figures(connection, self.report, self.period)

    def make_draft(self, excerpts: int) -> ReportDraft:
        province, counts = self.context.register.province, self.board.counts
        return ReportDraft(
            title=self.board.report_name,
            author=province.standing_office,
            as_of=self.board.as_of,
            words={
                "don_vi_chu_quan": f"ỦY BAN NHÂN DÂN {province.name.upper()}",
                "co_quan": province.council.upper(),
                "dia_danh": province.name.removeprefix("tỉnh ").removeprefix("thành phố "),
                "tieu_de": f"{self.board.report_name.removeprefix('Báo cáo ').capitalize()} – {self.window.label.lower()}",
                "ky": f"số liệu từ {format_date(self.window.start)} đến {format_date(self.window.end)}",
                "thoi_diem": f"số liệu tính đến {format_instant(self.board.as_of)}",
                "pham_vi": f"{counts['on_time'] + counts['late']}/{counts['expected']} đơn vị đã nộp báo cáo đạt yêu cầu",
                "trang_thai": f"Trạng thái của kỳ: {read_state(self.connection, self.report, self.period)}.",
                "nop": {
                    "du": counts["on_time"] + counts["late"], "phai": counts["expected"], "dung_han": counts["on_time"],
                    "muon": counts["late"], "chua": counts["missing"], "chua_dat": counts["rejected"],
                },
            },
            figures={each.name: self._figure(each.form, each.row, each.column, each.label) for each in read_places()},
            tables={"chi_tieu": self._list_indicators(), "khen_thuong": self._list_awards()},
            excerpts=self._read_excerpts(excerpts),
        )  # fmt: skip

    def _figure(self, form: str, row: str, column: str, label: str) -> NarrativeFigure:
        covered: list[TypeCoverage] = self.coverage.get(form, [])
        accepted, expected = sum(each.accepted for each in covered), sum(each.expected for each in covered)
        version = self.context.forms[form].version_on(self.window.end)
        found, measure = self.figures.get((form, row, column)), version.measure_of(form, row, column)
        if found is None:
            return NarrativeFigure(
                f"{self.report}:{self.period}/{form}/{row}/{measure}", label, None, accepted, expected
            )
        declared = {each.code: each.aggregation for each in (*version.fields, *version.columns)}
        decimals = _decimals_of(declared.get(row if version.fields else column, ""))
        return NarrativeFigure(found.id, label, found.value, accepted, expected, decimals, found.id in self.estimated)

    def _list_indicators(self) -> list[dict[str, str | NarrativeFigure]]:
        if "movement_result" not in {mart.code for mart in list_marts(self.context, self.report)}:
            return []
        read = read_mart(
            self.context,
            "movement_result",
            self.report,
            self.period,
            as_of=self.board.as_of,
            connection=self.connection,
        )
        rows: list[dict[str, str | NarrativeFigure]] = []
        for row, figures in zip(read.rows, read.figures, strict=True):
            key = next((figure.split("/")[2] for figure in figures.values()), None)
            if key is None or LIST_KEY_SEPARATOR not in key:
                continue
            name = f"{row['movement_name']} – {row['indicator_name']}"
            short = f"{row['indicator_name']} ({key.partition(LIST_KEY_SEPARATOR)[0]})"
            rows.append(
                {
                    "ten": name,
                    "don_vi_tinh": str(row["unit_of_measure"] or ""),
                    "ke_hoach": self._figure("F03", key, "1", f"{short}: kế hoạch"),
                    "thuc_hien": self._figure("F03", key, "2", f"{short}: thực hiện"),
                    "ty_le": self._figure("F03", key, "4", f"{short}: tỷ lệ (%)"),
                }
            )
        return rows

    def _list_awards(self) -> list[dict[str, str | NarrativeFigure | StandIn]]:
        version = self.context.forms["F05"].version_on(self.window.end)
        rows: list[dict[str, str | NarrativeFigure | StandIn]] = []
        for row in version.rows:
            line: dict[str, str | NarrativeFigure | StandIn] = {"ten": row.label.partition(" (")[0], "ma": row.code}
            for name, column in _AWARD_COLUMNS.items():
                figure = self._figure("F05", row.code, column, f"F05 dòng {row.code}, cột {column}: {row.label[:40]}")
                closed = (row.code, column) in version.not_applicable_cells
                # A number that a reviewer accepted there is in the totals: it must not hide behind an x.
                line[name] = StandIn(NOT_APPLICABLE) if closed and not figure.value else figure
            rows.append(line)
        return rows

    def _read_excerpts(self, most: int) -> dict[str, Excerpts]:
        """What units wrote under each heading; departments first, the longer before the shorter, a repeated text once."""
        rows = self.connection.execute(
            sa.text(
                "SELECT a.unit_name, a.unit_type, o.row_key, o.text_value FROM mart.accepted a JOIN core.observation o "
                "ON o.submission_id = a.submission_id AND o.generation = a.generation WHERE a.report = :report "
                "AND a.period = :period AND o.form = :form AND NOT o.restricted AND o.text_value <> '' AND o.ordinal = 0"
            ),
            {"report": self.report, "period": self.period, "form": NARRATIVE_FORM},
        ).all()
        texts: dict[str, list[tuple[tuple[object, ...], str, str]]] = defaultdict(list)
        for row in rows:
            order = (_TYPE_ORDER.get(row.unit_type, 999), -len(row.text_value), sort_key(row.unit_name))
            texts[row.row_key].append((order, row.unit_name, row.text_value))
        found = {}
        for name, heading in _HEADINGS.items():
            seen: set[str] = set()
            items = []
            for _, unit, text in sorted(texts[heading]):
                key = comparison_key(text)
                if key not in seen:
                    seen.add(key)
                    items.append((unit, shorten(text)))
            found[name] = Excerpts(tuple(items[:most]), max(0, len(items) - most))
        return found
