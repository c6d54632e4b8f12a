"""Whose report a workbook is, and of which period: weighs what the file claims about itself. Pure.

Claims in order of trust (design §4): our hidden metadata, the F00 envelope, the title blocks, the channel, the file
name. The first present wins; disagreement among the first three is an error; a file name alone attributes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from etl.calendar.periods import Period, PeriodKind, UnknownPeriod, periods_between
from etl.findings.catalogue import Catalogue
from etl.findings.model import Finding
from etl.forms.declaration import FIELD_COLUMN
from etl.reading.grid import CellKind, Workbook, cell_name
from etl.recognition.senders import judge_link, judge_sender, read_sender_unit
from etl.recognition.tables import METADATA_SHEET, FoundForms, Table, read_code, read_text, suggest
from etl.register.heirs import find_succession
from etl.register.model import Register, Report, Unit, UnknownReport, is_valid_during
from etl.text import comparison_key, normalise

Source = Literal["person", "metadata", "document", "envelope", "title", "channel", "file_name"]
SOURCE_LABELS: Mapping[Source, str] = {
    "person": "cơ quan thường trực",
    "metadata": "biểu mẫu được cấp",
    "document": "phần đầu tài liệu JSON",
    "envelope": "Phiếu gửi F00",
    "title": "dòng tiêu đề biểu",
    "channel": "nơi nhận",
    "file_name": "tên tệp",
}
_BEFORE_TITLES: frozenset[Source] = frozenset({"person", "metadata", "document", "envelope"})
SENDER_HINTS: Mapping[Source, str] = {"channel": "Nơi nhận", "file_name": "Tên tệp"}
ATTRIBUTE_LABELS = {"unit": "Đơn vị", "report": "Báo cáo", "period": "Kỳ báo cáo"}
ENVELOPE_FIELDS = {"unit": "ma_don_vi", "report": "ma_bao_cao", "period": "ky_bao_cao"}
ENVELOPE_FORM = "F00"
CONTENT_SOURCES: frozenset[Source] = frozenset({"metadata", "document", "envelope", "title"})
_TITLE_UNIT = re.compile(r"^đơn vị(?: báo cáo)?\s*:\s*(.*)$", re.IGNORECASE)
_TITLE_PERIOD = re.compile(r"^kỳ(?: báo cáo)?\s*:\s*([^(]*)(?:\(.*)?$", re.IGNORECASE)
_NOTHING_WRITTEN = "(bỏ trống)"
_MOST_PLACES = 4


class _Title(NamedTuple):
    """A text above a table."""

    table: Table
    place: tuple[int, int]
    text: str


class Claim(NamedTuple):
    """One place saying what the file is; `raw` as typed. A title may name several units of one name: `codes`."""

    source: Source
    codes: tuple[str, ...]
    raw: str
    sheet: str | None = None
    cell: str | None = None
    form: str | None = None
    row: str | None = None


@dataclass(slots=True)
class Identity:
    """What the file is. `unit`, `report`, `period` are None where unknown; then it belongs to quarantine."""

    unit: Unit | None = None
    report: Report | None = None
    period: Period | None = None
    findings: list[Finding] = field(default_factory=list)
    hints: dict[str, str] = field(default_factory=dict)
    """What channel or file name suggest, for the standing office when nothing better is known."""
    is_withheld: bool = False
    """Whoever sent it may not speak for the unit: it waits in quarantine for a person, whatever it says of itself."""

    @property
    def is_attributed(self) -> bool:
        """True when unit, report and period are all known, and whoever sent it may say so."""
        return not self.is_withheld and self.unit is not None and self.report is not None and self.period is not None


def read_metadata(workbook: Workbook) -> dict[str, str]:
    """Key -> value of our hidden sheet, empty when there is none."""
    for sheet in workbook.sheets:
        if comparison_key(sheet.name) == comparison_key(METADATA_SHEET):
            return {key: read_text(sheet, row, 1) for row in _rows_of(sheet.cells) if (key := read_text(sheet, row, 0))}
    return {}


def identify(
    metadata: Mapping[str, str],
    found: FoundForms,
    register: Register,
    catalogue: Catalogue,
    file_name: str,
    channel: Mapping[str, str] | None = None,
    head: Mapping[str, Claim] | None = None,
    attributed: Mapping[str, str] | None = None,
) -> Identity:
    """Whose file it is, with every finding about that. `channel` may name `unit` (a registered sender, a folder).

    `head`: what a JSON submission says of itself. `attributed`: unit, report and period as a person has settled them; what the
    file says otherwise is told, and weighs nothing.
    """
    identity = Identity()
    claims: dict[str, list[Claim]] = {"unit": [], "report": [], "period": []}
    for attribute, listed in claims.items():
        if attributed and (settled := attributed.get(attribute)):
            listed.append(Claim("person", (settled,), settled))
        if head and (stated := head.get(attribute)):
            listed.append(stated)
        if value := metadata.get(attribute):
            listed.append(Claim("metadata", (read_identity(attribute, value),), value))
        listed.extend(_envelope_claims(found.tables.get(ENVELOPE_FORM), attribute))
    lines = _list_titles(found)
    claims["unit"].extend(_title_claims(lines, _TITLE_UNIT, lambda text: _unit_codes(register, text)))
    named = _file_name_claims(file_name, register)
    for source, values in (("channel", channel or {}), ("file_name", named)):
        for attribute, value in values.items():
            identity.hints.setdefault(attribute, value)
            if attribute in claims:
                claims[attribute].append(Claim("channel" if source == "channel" else "file_name", (value,), value))

    if (sent_for := read_sender_unit(channel or {})) and not any(
        claim.source != "file_name" for claim in claims["unit"]
    ):
        identity.hints.setdefault("unit", sent_for)
        claims["unit"].insert(0, Claim("channel", (sent_for,), sent_for))
    identity.report = _settle_report(claims["report"], register, catalogue, identity)
    titles = list(_title_claims(lines, _TITLE_PERIOD, lambda text: _period_codes(register, identity.report, text)))
    at = len([claim for claim in claims["period"] if claim.source in _BEFORE_TITLES])
    claims["period"][at:at] = titles
    identity.period = _settle_period(claims["period"], register, catalogue, identity)
    if identity.report is not None and identity.period is not None:
        # The version that rules the period: another one may ask other units.
        identity.report = register.report(identity.report.code, identity.period.end)
    identity.unit = _settle_unit(claims["unit"], register, catalogue, identity)
    known = {
        "unit": identity.unit.code if identity.unit else None,
        "report": identity.report.code if identity.report else None,
        "period": identity.period.code if identity.period else None,
    }
    for attribute, listed in claims.items():
        sent = [
            claim for claim in listed if not (attribute == "unit" and _is_from_heir(claim, identity.unit, register))
        ]
        identity.findings.extend(_compare_claims(attribute, sent, known[attribute], catalogue))
    if identity.unit and identity.report and identity.period and not identity.report.is_owed_by(identity.unit.type):
        identity.findings.append(catalogue.make_finding("ID-NOT-OWED", value=identity.period.label))
    if not (attributed and attributed.get("unit")):
        about_sender, identity.is_withheld = judge_sender(channel or {}, identity.unit, register, catalogue)
        about_link = judge_link(channel or {}, known, ATTRIBUTE_LABELS, catalogue)
        identity.findings.extend([*about_sender, *about_link])
        identity.is_withheld = identity.is_withheld or bool(about_link)
    return identity


def _winner(claims: list[Claim]) -> Claim | None:
    """The most trusted claim of the content or channel; a file name alone never wins."""
    return next((claim for claim in claims if claim.source != "file_name"), None)


def _place(claims: list[Claim], winner: Claim) -> Claim:
    """Where to point the sender: a place in the visible sheets that says the same as the winner."""
    return next((claim for claim in claims if claim.cell and set(claim.codes) & set(winner.codes)), winner)


def _settle_report(claims: list[Claim], register: Register, catalogue: Catalogue, identity: Identity) -> Report | None:
    winner = _winner(claims)
    if winner is not None:
        try:
            return register.report(winner.codes[0])
        except UnknownReport:
            pass
    place = _place(claims, winner) if winner else None
    known = ", ".join(sorted({report.code for report in register.reports}))
    identity.findings.append(
        _finding(
            catalogue, "ID-REPORT-UNKNOWN", place, value=winner.raw if winner else _NOTHING_WRITTEN, expected=known
        )
    )
    return None


def _settle_period(claims: list[Claim], register: Register, catalogue: Catalogue, identity: Identity) -> Period | None:
    if identity.report is None:
        return None
    winner = _winner(claims)
    if winner is not None:
        try:
            return register.period(identity.report.code, winner.codes[0])
        except UnknownPeriod:
            pass
    place = _place(claims, winner) if winner else None
    written = winner.raw if winner else _NOTHING_WRITTEN
    example = _example_period(identity.report)
    identity.findings.append(_finding(catalogue, "ID-PERIOD-UNKNOWN", place, value=written, expected=example))
    return None


def _settle_unit(claims: list[Claim], register: Register, catalogue: Catalogue, identity: Identity) -> Unit | None:
    winner = _winner(claims)
    if winner is None:
        identity.findings.append(catalogue.make_finding("ID-UNIT-MISSING"))
        return None
    period = identity.period
    versions = [version for code in winner.codes for version in register.unit_versions(code)]
    place = _place(claims, winner)
    if not versions:
        known = sorted({unit.code for unit in register.lasting_units})
        identity.findings.append(
            _finding(catalogue, "ID-UNIT-UNKNOWN", place, value=winner.raw, suggestion=suggest(winner.raw, known))
        )
        return None
    if period is None:
        # Former units share their names with the new ones: without a period the one that lasts is meant.
        return max(versions, key=lambda version: version.valid_from)
    in_force = {version.code: version for version in versions if is_valid_during(version, period.start, period.end)}
    if len(in_force) == 1:
        return next(iter(in_force.values()))
    if in_force:
        # Two units of one name: a guess would give one of them the other's figures.
        identity.findings.append(_finding(catalogue, "ID-UNIT-MISSING", place))
        return None
    heirs = [row.successor for row in register.lineage if row.predecessor == versions[-1].code and row.successor]
    names = ", ".join(heir.name for code in heirs for heir in register.unit_versions(code)[-1:])
    identity.findings.append(
        _finding(
            catalogue, "ID-UNIT-NOT-IN-FORCE", place, value=versions[-1].name,
            suggestion=f" Đơn vị kế thừa: {names}." if names else "",
        )
    )  # fmt: skip
    return None


def _is_from_heir(claim: Claim, unit: Unit | None, register: Register) -> bool:
    """Whether a unit that ended is spoken for by the one that owes its reports since: that is no contradiction."""
    if unit is None or claim.source in CONTENT_SOURCES:
        return False
    passed = find_succession(register, unit)
    return passed is not None and passed.heir in claim.codes


def _compare_claims(attribute: str, claims: list[Claim], known: str | None, catalogue: Catalogue) -> Iterator[Finding]:
    winner = _winner(claims)
    if winner is None or winner.source not in (*CONTENT_SOURCES, "person"):
        return
    told: set[tuple[str, ...]] = set()
    for claim in claims:
        if claim is winner or set(claim.codes) & set(winner.codes):
            continue
        label = ATTRIBUTE_LABELS[attribute]
        if claim.source in CONTENT_SOURCES:
            # A copied file says the same wrong thing over every table: one finding, at its first place.
            if claim.codes in told:
                continue
            told.add(claim.codes)
            again = [other for other in claims if other is not claim and other.codes == claim.codes and other.cell]
            code = "ID-ATTRIBUTED" if winner.source == "person" else "ID-CONFLICT"
            yield _finding(
                catalogue, code, claim, value=claim.raw, expected=winner.raw, label=label,
                source=SOURCE_LABELS[winner.source], others=_list_places(again),
            )  # fmt: skip
        elif known is not None and winner.source != "person":
            yield catalogue.make_finding(
                "ID-FILE-NAME", value=claim.raw, expected=known, label=label[0].lower() + label[1:],
                source=SENDER_HINTS[claim.source],
            )  # fmt: skip


def _list_places(claims: list[Claim]) -> str:
    """ " (ghi như vậy cả ở “F05 …” ô A3)" for the other places that say the same, "" for none."""
    if not claims:
        return ""
    shown = ", ".join(f"“{claim.sheet}” ô {claim.cell}" for claim in claims[:_MOST_PLACES])
    more = f" và {len(claims) - _MOST_PLACES} chỗ khác" if len(claims) > _MOST_PLACES else ""
    return f" (ghi như vậy cả ở {shown}{more})"


def _finding(catalogue: Catalogue, code: str, place: Claim | None, **particulars: object) -> Finding:
    if place is not None:
        particulars |= {"sheet": place.sheet, "cell": place.cell, "form": place.form, "row": place.row}
    return catalogue.make_finding(code, **particulars)


def _envelope_claims(table: Table | None, attribute: str) -> Iterator[Claim]:
    if table is None:
        return
    code_column, value_column = table.row_code_column, table.columns.get(FIELD_COLUMN)
    declared = next((row for row in table.version.fields if row.field == ENVELOPE_FIELDS[attribute]), None)
    if value_column is None or declared is None:
        return
    for row in _rows_of(table.sheet.cells):
        if table.rows is not None:
            is_asked = table.rows.get(declared.code) == row
        else:
            text = read_text(table.sheet, row, code_column) if code_column is not None else ""
            is_asked = row > table.code_row and read_code(text, 2) == declared.code
        if is_asked:
            cell = table.sheet.cells.get((row, value_column))
            text = read_text(table.sheet, row, value_column)
            if text and cell is not None and cell.kind in {CellKind.TEXT, CellKind.NUMBER}:
                code = read_identity(attribute, text)
                name = table.sheet.name_cell(row, value_column)
                yield Claim("envelope", (code,), text, table.sheet.name, name, table.form, declared.code)
            return


_SHORT_PERIOD = re.compile(r"\d{4}-(?:[asqm]\d{1,2}|9m)", re.IGNORECASE)


def read_identity(attribute: str, text: str) -> str:
    """A code as it is meant: unit and period codes in capitals, however typed (a one-off period keeps its slug)."""
    if attribute == "unit":
        return read_code(text)
    return text.upper() if attribute == "period" and _SHORT_PERIOD.fullmatch(text) else text


def _list_titles(found: FoundForms) -> list[_Title]:
    """The texts above each table, normalised, in the order of rows and columns."""
    return [
        _Title(table, place, normalise(cell.text))
        for table in found.tables.values()
        for place, cell in sorted(
            item for item in table.sheet.cells.items() if item[0][0] < table.code_row and item[1].kind is CellKind.TEXT
        )
    ]


def _title_claims(
    titles: Iterable[_Title], pattern: re.Pattern[str], resolve: Callable[[str], tuple[str, ...]]
) -> Iterator[Claim]:
    """Lines above a table such as "Đơn vị báo cáo: …"; a name that resolves to nothing claims nothing."""
    for table, (row, column), line in titles:
        match = pattern.match(line)
        if match is None:
            continue
        text = match[1].strip() or read_text(table.sheet, row, column + 1)
        codes = resolve(text) if text else ()
        if codes:
            yield Claim("title", codes, text, table.sheet.name, cell_name(row, column), table.form)


def _unit_codes(register: Register, text: str) -> tuple[str, ...]:
    named = tuple(unit.code for unit in register.find_unit_by_name(text))
    return named or tuple(unit.code for unit in register.unit_versions(read_code(text))[-1:])


def _period_codes(register: Register, report: Report | None, text: str) -> tuple[str, ...]:
    if report is None:
        return ()
    try:
        return (register.period(report.code, text).code,)
    except UnknownPeriod:
        pass
    key = comparison_key(text)
    known = [register.period(report.code, code) for code in report.one_off_periods]
    if report.frequency is not PeriodKind.ONE_OFF:
        for year in sorted(set(re.findall(r"\b20\d\d\b", text, re.ASCII))):
            first, last = date(int(year), 1, 1), date(int(year), 12, 31)
            known += periods_between(report.frequency, report.clock, first, last)
    return next(((period.code,) for period in known if comparison_key(period.label) == key), ())


def _example_period(report: Report) -> str:
    """A code to show: the report's first period, so that the text is the same on every day."""
    if report.frequency is PeriodKind.ONE_OFF:
        return next(iter(report.one_off_periods), "")
    return periods_between(report.frequency, report.clock, report.valid_from, report.valid_from)[0].code


def _file_name_claims(name: str, register: Register) -> dict[str, str]:
    claims: dict[str, str] = {}
    reports = {report.code for report in register.reports}
    for token in re.split(r"[_\s]+", PurePosixPath(name).stem):
        if register.unit_versions(token.upper()):
            claims.setdefault("unit", token.upper())
        elif token in reports:
            claims.setdefault("report", token)
        elif re.fullmatch(r"\d{4}-([ASQM]\d{1,2}|9M|X-[a-z0-9-]+)", token):
            claims.setdefault("period", token)
    return claims


def _rows_of(cells: Mapping[tuple[int, int], object]) -> list[int]:
    return sorted({row for row, _ in cells})
