"""The sheet added to an annotated copy: all findings in one table, each with a link to its cell. Pure text in, XML out.

All texts are inline strings: nothing a sender typed can become a formula, and their shared strings stay as they are.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Final

from etl.annotation.package import new_part
from etl.annotation.splice import escape_cell_text, escape_text
from etl.annotation.styles import Styles
from etl.annotation.wording import (
    FILLS,
    RESULT_TITLE,
    SEVERITY_LABELS,
    WHOLE_FILE,
    WHOLE_SHEET,
    Mark,
    count_by_severity,
    rank,
    write_counts,
)
from etl.findings.model import Finding, Severity
from etl.findings.reasons import LONGEST_REASON, key_findings
from etl.reading.grid import cell_name, parse_cell_name
from etl.recognition.reasons import KEY_HEADER, REASON_HEADER
from etl.text import format_number

SHEET_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_LONGEST: Final = 32_767
_CHARACTERS_A_WIDTH: Final = 1.2
_LINE_POINTS: Final = 15
_TALLEST_POINTS: Final = 409
"""No row can be taller."""
_COLUMNS: Final = (
    ("STT", 6), ("Mức độ", 11), ("Trang tính", 20), ("Ô", 9), ("Nội dung", 50), ("Cách khắc phục", 42),
    (REASON_HEADER, 40), ("Mã lỗi", 22),
)  # fmt: skip
_REASON_COLUMN: Final = 6
_KEY_COLUMN: Final = len(_COLUMNS)
"""Hidden: what each finding is about, by which a reason is found again when the file comes back."""
_REASON_PROMPT: Final = (
    f"Nếu số liệu đúng, ghi lý do vào đây (không quá {format_number(LONGEST_REASON)} ký tự), "
    "lưu tệp rồi gửi lại cả tệp."
)
_HEADER_ROW: Final = 4
"""Zero-based."""
MOST_LISTED: Final = 5000
"""Rows of the table; a longer one is read by nobody. What is left out comes with the next answer."""
_LEFT_OUT: Final = "… và {} nội dung nữa, sẽ được nêu khi gửi lại tệp đã sửa."
_EXPLAIN: Final = f"nếu số liệu đúng thì ghi lý do vào cột “{REASON_HEADER}” của bảng dưới đây"
_FIX: Final = "Sửa các ô nền đỏ ngay trên tệp này (đưa chuột vào ô để đọc ghi chú)"
_RESEND: Final = (
    "Xong, lưu tệp và gửi lại cả tệp. Bấm vào cột “Ô” để đến chỗ cần xem. Không cần xóa ghi chú, màu nền hay trang này "
    "trước khi gửi lại."
)
_FIX_AND_RESEND: Final = f"{_FIX}. {_RESEND}"
_FIX_EXPLAIN_AND_RESEND: Final = f"{_FIX}; ô nền vàng thì kiểm tra lại, {_EXPLAIN}. {_RESEND}"
_EXPLAIN_AND_RESEND: Final = (
    f"Không có lỗi phải sửa. Ô nền vàng thì kiểm tra lại: nếu sai thì sửa, {_EXPLAIN}. {_RESEND}"
)
_NOTHING: Final = "Không phát hiện lỗi. Không cần làm gì thêm."


def write_result_sheet(
    findings: Sequence[Finding],
    linkable: Container[str],
    styles: Styles,
    namespace: str,
    *,
    with_view: bool,
    subject: str = "",
) -> bytes:
    """The sheet part. `linkable`: names of sheets a link may lead to; `with_view`: the workbook has a window to show it.

    `subject`: whose file this answers, so that its reasons are not taken for those of another.
    """
    keyed = sorted(zip(findings, key_findings(findings), strict=True), key=lambda pair: rank(pair[0].severity))
    ordered = [finding for finding, _ in keyed]
    looks = _Looks(styles)
    more = len(ordered) - MOST_LISTED
    last = _HEADER_ROW + min(len(ordered), MOST_LISTED) + (more > 0)
    rows = [
        _row(0, [_text(0, 0, RESULT_TITLE, looks.title)], 24),
        _row(1, [_text(1, 0, _write_totals(ordered), looks.counts)], 20),
        _row(2, [_text(2, 0, _write_advice(ordered), looks.advice)], 48),
        _row(
            _HEADER_ROW,
            [
                *(_text(_HEADER_ROW, at, name, looks.header) for at, (name, _) in enumerate(_COLUMNS)),
                _text(_HEADER_ROW, _KEY_COLUMN, f"{KEY_HEADER}: {subject}" if subject else KEY_HEADER, looks.small),
            ],
        ),
    ]
    links = []
    for number, (finding, key) in enumerate(keyed[:MOST_LISTED], start=1):
        row = _HEADER_ROW + number
        target = _target_of(finding, linkable)
        sheet, cell = _place_of(finding)
        texts = (sheet, cell, finding.message, finding.fix, finding.reason or "", finding.code)
        reason_look = looks.reason if finding.severity is Severity.WARNING else looks.typed
        styled = (looks.text, looks.link if target else looks.centred, looks.text, looks.text, reason_look, looks.small)
        cells = [
            f'<c r="{cell_name(row, 0)}" s="{looks.centred}"><v>{number}</v></c>',
            _text(row, 1, SEVERITY_LABELS[finding.severity], looks.severities[finding.severity]),
            *(_text(row, at, text, look) for at, (text, look) in enumerate(zip(texts, styled, strict=True), start=2)),
            _text(row, _KEY_COLUMN, str(key), looks.small),
        ]
        rows.append(_row(row, cells, _fit_height((SEVERITY_LABELS[finding.severity], *texts))))
        if target:
            links.append(f'<hyperlink ref="{cell_name(row, 3)}" location="{escape_text(target)}"/>')
    if more > 0:
        rows.append(_row(last, [_text(last, 0, _LEFT_OUT.format(format_number(more)), looks.counts)]))
    end = len(_COLUMNS) - 1
    merges = "".join(f'<mergeCell ref="{cell_name(row, 0)}:{cell_name(row, end)}"/>' for row in range(3))
    widths = "".join(
        f'<col min="{at}" max="{at}" width="{width}" customWidth="1"/>'
        for at, (_, width) in enumerate(_COLUMNS, start=1)
    )
    widths += f'<col min="{_KEY_COLUMN + 1}" max="{_KEY_COLUMN + 1}" width="10" customWidth="1" hidden="1"/>'
    below = f'ySplit="{_HEADER_ROW + 1}" topLeftCell="{cell_name(_HEADER_ROW + 1, 0)}"'
    pane = f'<pane {below} activePane="bottomLeft" state="frozen"/>'
    view = (
        f'<sheetViews><sheetView showGridLines="0" workbookViewId="0">{pane}</sheetView></sheetViews>'
        if with_view
        else ""
    )
    return new_part(
        f'<worksheet xmlns="{namespace}"><sheetPr><tabColor rgb="FFC00000"/><pageSetUpPr fitToPage="1"/></sheetPr>'
        f'<dimension ref="A1:{cell_name(last, _KEY_COLUMN)}"/>{view}<sheetFormatPr defaultRowHeight="15"/><cols>{widths}</cols>'
        f'<sheetData>{"".join(rows)}</sheetData><mergeCells count="3">{merges}</mergeCells>'
        + _write_prompt(ordered)
        + (f"<hyperlinks>{''.join(links)}</hyperlinks>" if links else "")
        + '<pageMargins left="0.4" right="0.4" top="0.5" bottom="0.6" header="0.3" footer="0.3"/>'
        '<pageSetup paperSize="9" orientation="landscape" fitToHeight="0"/>'
        "<headerFooter><oddFooter>&amp;RTrang &amp;P/&amp;N</oddFooter></headerFooter></worksheet>"
    )


class _Looks:
    """The cell formats of the sheet."""

    def __init__(self, styles: Styles) -> None:
        def make(font: str, align: str, *, colour: str | None = None, bordered: bool = True) -> int:
            return styles.own_format(font=font, colour=colour, bordered=bordered, align=align)

        wrapped = 'vertical="top" wrapText="1"'
        centred = 'horizontal="center" vertical="top" wrapText="1"'
        plain, bold = _font(11), _font(11, bold=True)
        self.title = make(_font(14, bold=True), 'vertical="center"', bordered=False)
        self.counts = make(_font(12, bold=True), 'vertical="center"', bordered=False)
        self.advice = make(plain, wrapped, bordered=False)
        self.header = make(bold, 'horizontal="center" vertical="center" wrapText="1"', colour="FFD9E2EC")
        self.text = make(plain, wrapped)
        # Written as text: "- do sáp nhập" must not be taken for a formula.
        self.typed = styles.own_format(font=plain, bordered=True, align=wrapped, as_text=True)
        self.reason = styles.own_format(font=plain, colour="FFFFF8D6", bordered=True, align=wrapped, as_text=True)
        self.small = make(_font(9, colour="FF595959"), wrapped)
        self.centred = make(plain, centred)
        self.link = make(_font(11, colour="FF0563C1", underlined=True), centred)
        self.severities = {severity: make(bold, centred, colour=FILLS[Mark(severity.value)]) for severity in Severity}


def _font(size: int, *, bold: bool = False, underlined: bool = False, colour: str | None = None) -> str:
    return (
        ("<{p}b/>" if bold else "")
        + ("<{p}u/>" if underlined else "")
        + f'<{{p}}sz val="{size}"/>'
        + (f'<{{p}}color rgb="{colour}"/>' if colour else "")
        + '<{p}name val="Times New Roman"/><{p}family val="1"/>'
    )


def _row(row: int, cells: Sequence[str], height: int | None = None) -> str:
    measure = f' ht="{height}" customHeight="1"' if height else ""
    return f'<row r="{row + 1}"{measure}>{"".join(cells)}</row>'


def _fit_height(texts: Sequence[str]) -> int:
    """Points for a row of the table from its texts, without the number: not every program fits rows to wrapped text."""
    widths = [width for _, width in _COLUMNS[1:]]
    lines = max(
        sum(max(1, -(-len(line) // round(width * _CHARACTERS_A_WIDTH))) for line in text.split("\n"))
        for text, width in zip(texts, widths, strict=True)
    )
    return min(lines * _LINE_POINTS + 3, _TALLEST_POINTS)


def _text(row: int, column: int, text: str, style: int) -> str:
    if not text:
        return f'<c r="{cell_name(row, column)}" s="{style}"/>'
    shown = escape_cell_text(text[:_LONGEST])
    return f'<c r="{cell_name(row, column)}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


def _write_prompt(ordered: Sequence[Finding]) -> str:
    """What the program shows at a cell that waits for a reason."""
    listed = enumerate(ordered[:MOST_LISTED], start=1)
    rows = [_HEADER_ROW + at for at, one in listed if one.severity is Severity.WARNING]
    if not rows:
        return ""
    cells = f"{cell_name(rows[0], _REASON_COLUMN)}:{cell_name(rows[-1], _REASON_COLUMN)}"
    return (
        '<dataValidations count="1"><dataValidation type="textLength" operator="lessThanOrEqual" allowBlank="1" '
        f'showInputMessage="1" showErrorMessage="1" errorTitle="Quá dài" error="{escape_text(_REASON_PROMPT)}" '
        f'promptTitle="{REASON_HEADER}" prompt="{escape_text(_REASON_PROMPT)}" sqref="{cells}">'
        f"<formula1>{LONGEST_REASON}</formula1></dataValidation></dataValidations>"
    )


def _write_totals(findings: Sequence[Finding]) -> str:
    return f"Có {write_counts(findings)}." if findings else _NOTHING


def _write_advice(findings: Sequence[Finding]) -> str:
    counts = count_by_severity(findings)
    if counts[Severity.ERROR]:
        return _FIX_EXPLAIN_AND_RESEND if counts[Severity.WARNING] else _FIX_AND_RESEND
    return _EXPLAIN_AND_RESEND if counts[Severity.WARNING] else ""


def _place_of(finding: Finding) -> tuple[str, str]:
    if finding.sheet is None:
        return (WHOLE_FILE if finding.form is None else f"Biểu {finding.form}"), ""
    return finding.sheet, finding.cell or WHOLE_SHEET


def _target_of(finding: Finding, linkable: Container[str]) -> str | None:
    if finding.sheet is None or finding.sheet not in linkable:
        return None
    try:
        place = cell_name(*parse_cell_name(finding.cell)) if finding.cell else "A1"
    except ValueError:
        return None
    quoted = finding.sheet.replace("'", "''")
    return f"'{quoted}'!{place}"
