"""Files to verdicts: reading, recognition, parsing, rules, verdict. What `check` and `ingest` both do; stores nothing.

One batch at a time: files are read and parsed one by one, the rules run once over all of them.
"""

from __future__ import annotations

import gc
import hashlib
import re
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from etl.findings.catalogue import Catalogue
from etl.findings.model import Finding, Severity
from etl.findings.reasons import FindingKey, attach_reasons
from etl.forms.declaration import Form
from etl.parsing.documents import DocumentChecker
from etl.parsing.references import References
from etl.parsing.rows import is_untouched
from etl.parsing.submission import ParsedSubmission, report_found_forms, report_other_versions
from etl.parsing.tables import parse_table
from etl.reading.failures import FailedReading, ReadingFailure, wrong_extension
from etl.reading.grid import Workbook, parse_cell_name
from etl.reading.pool import ReaderPool
from etl.recognition.documents import find_period_end, lay_out_forms, read_head
from etl.recognition.identity import Identity, identify, read_metadata
from etl.recognition.legacy import convert_workbook, name_text_sheet
from etl.recognition.reasons import name_subject, read_reasons
from etl.recognition.tables import FoundForms, find_forms
from etl.register.entities import FormStatus
from etl.register.model import Register
from etl.settings import Settings
from etl.validation.context import Submission
from etl.validation.noughts import find_forms_of_noughts

if TYPE_CHECKING:
    from etl.validation.run import Validator

Verdict = Literal["accepted", "accepted_with_warnings", "rejected"]
BATCH_SIZE = 400
"""Files validated together: the rules cost the same for one as for hundreds. The DAG takes fewer a task."""
BATCH_CELLS = 500_000
"""Parsed cells after which a batch is closed early. Four hundred usual files have less than half of it, a few long lists more."""
NOT_CHECKED_WITHOUT_WAREHOUSE = ("cross_period", "cross_unit")

FILE_KINDS: Mapping[str, str] = {
    "pdf": "tệp PDF",
    "docx": "văn bản Word",
    "doc": "văn bản Word",
    "odt": "văn bản LibreOffice",
    "rtf": "văn bản RTF",
    "pptx": "trình chiếu PowerPoint",
    "xlsb": "bảng tính nhị phân .xlsb, cần lưu lại thành .xlsx",
    "xls_old": "bảng tính Excel đời quá cũ, cần lưu lại thành .xlsx",
    "7z": "tệp nén 7z",
    "html": "trang web lưu lại",
    "text": "tệp văn bản",
    "spreadsheetml": "bảng XML kiểu cũ",
    "mht": "trang web MHT",
    "zip": "tệp nén ZIP",
    "rar": "tệp nén RAR",
    "image": "ảnh chụp, bản quét",
}


TOO_LARGE: Mapping[str, tuple[str, str]] = {
    "archive": ("nội dung khi giải nén quá nhiều", "200 MB"),
    "cells": ("quá nhiều ô có nội dung", "400.000 ô"),
    "text": ("quá nhiều chữ", "8 triệu ký tự"),
    "sheets": ("quá nhiều trang tính", "500 trang tính"),
    "merged": ("quá nhiều vùng ô gộp", "50.000 vùng"),
    "memory": ("cần quá nhiều bộ nhớ để mở", "1 GB"),
    "depth": ("quá nhiều tầng lồng nhau", "12 tầng"),
}
"""Case of FILE-TOO-LARGE -> (what is too much, the limit); other cases speak of the file's own size."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Bytes that lie elsewhere: read when their turn comes, and never when they are more than a file may have."""

    sha256: str
    size: int
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A file to examine: its name, its bytes, what the channel knows of its sender, and the caller's key."""

    key: int
    name: str
    data: bytes | Unread
    channel: Mapping[str, str] = field(default_factory=dict)
    attributed: Mapping[str, str] = field(default_factory=dict)
    """Unit, report and period as a person has settled them; empty where nobody had to."""


@dataclass(frozen=True, slots=True, eq=False)
class _File:
    """What is kept of a delivery once its bytes are with a reader."""

    key: int
    name: str
    sha256: str
    size: int
    channel: Mapping[str, str]
    attributed: Mapping[str, str]


_Readings = Generator[tuple[_File, Workbook | FailedReading], None, None]


def _note_file(delivery: Delivery) -> _File:
    data = delivery.data
    sha256, size = (
        (data.sha256, data.size) if isinstance(data, Unread) else (hashlib.sha256(data).hexdigest(), len(data))
    )
    return _File(delivery.key, delivery.name, sha256, size, delivery.channel, delivery.attributed)


@dataclass(slots=True)
class Examined:
    """What is known of one file after the rules. `identity.is_attributed` False means quarantine."""

    key: int
    name: str
    sha256: str
    size: int
    identity: Identity
    submission: Submission
    verdict: Verdict
    findings: list[Finding]
    reasons: Mapping[FindingKey, str] = field(default_factory=dict)
    """What the unit wrote beside the findings of an earlier answer, those without a finding now included."""

    @property
    def subject(self) -> str:
        """Whose file this is, as an annotated copy of it says; "" when that is not known."""
        return _name_subject(self.identity) or ""

    def explain(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings, each with the reason that the unit gave for it."""
        versions = self.submission.parsed.versions
        numbered = {form for form, version in versions.items() if version.rows_from == "open"}
        return attach_reasons(findings, self.reasons, numbered)

    @property
    def form_versions(self) -> dict[str, str]:
        """Form code -> layout version found in the file."""
        return {form: version.version for form, version in sorted(self.submission.parsed.versions.items())}


def _name_subject(identity: Identity) -> str | None:
    if not (identity.unit and identity.report and identity.period):
        return None
    return name_subject(identity.unit.code, identity.report.code, identity.period.code)


def judge(findings: Iterable[Finding]) -> Verdict:
    """The verdict that findings give: an error rejects, a warning is accepted with it, an info weighs nothing."""
    severities = {finding.severity for finding in findings}
    if Severity.ERROR in severities:
        return "rejected"
    return "accepted_with_warnings" if Severity.WARNING in severities else "accepted"


@contextmanager
def pause_collection() -> Iterator[None]:
    """No garbage collection while a batch is in hand: its cells are many, live and without cycles.

    Walking through them again and again took a third of the time. A batch is bounded, so what cycles the rules make is too.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Examiner:
    """Everything needed to examine files, loaded once. Use as a context manager: it owns the reading children."""

    def __init__(
        self,
        settings: Settings,
        register: Register,
        forms: Mapping[str, Form],
        catalogue: Catalogue,
        validator: Callable[[], Validator],
    ) -> None:
        self._settings = settings
        self._register = register
        self._forms = forms
        self._catalogue = catalogue
        self._make_validator = validator
        self._references = References(register)
        self._documents = DocumentChecker(forms, catalogue)
        self._validator: Validator | None = None
        self._pool = ReaderPool(
            settings.readers, settings.reader_memory_bytes, settings.reader_seconds, settings.max_file_bytes
        )

    def __enter__(self) -> Examiner:
        self._pool.warm_up()
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    def prepare(self) -> None:
        """Load the rules now: with the first file, whoever sent it would wait seconds for them."""
        if self._validator is None:
            self._validator = self._make_validator()

    def examine(
        self, deliveries: Iterable[Delivery], on_progress: Callable[[int], None] | None = None
    ) -> Iterator[Examined]:
        """Every file's findings and verdict, in the order given: parsed cells of at most BATCH_SIZE files in memory.

        Deliveries are taken, and their bytes read, a few ahead of the one being parsed; the bytes are then let go.
        """
        with closing(self._read_in_order(deliveries)) as readings:
            while examined := self._examine_batch(readings, on_progress):
                yield from examined

    def _examine_batch(self, readings: _Readings, on_progress: Callable[[int], None] | None) -> list[Examined]:
        with pause_collection():
            return self._examine_together(readings, on_progress)

    def _read_in_order(self, deliveries: Iterable[Delivery]) -> _Readings:
        """Each file with what was read of it. Files that are too large are not even fetched."""
        taken: deque[_File] = deque()
        refused = FailedReading(ReadingFailure.FILE_TOO_LARGE, "bytes")

        def fetch() -> Iterator[tuple[_File, bytes]]:
            for delivery in deliveries:
                file = _note_file(delivery)
                taken.append(file)
                if file.size <= self._settings.max_file_bytes:
                    data = delivery.data
                    yield file, data.read() if isinstance(data, Unread) else data

        for file, reading in self._pool.read(fetch()):
            while taken[0] is not file:
                yield taken.popleft(), refused
            yield taken.popleft(), reading
        for file in taken:
            yield file, refused

    def _examine_together(self, readings: _Readings, on_progress: Callable[[int], None] | None) -> list[Examined]:
        examined: list[Examined] = []
        cells = 0
        for file, reading in readings:
            examined.append(self._parse(file, reading))
            cells += len(examined[-1].submission.parsed.cells)
            if on_progress is not None:
                on_progress(1)
            if len(examined) >= BATCH_SIZE or cells >= BATCH_CELLS:
                break
        if not examined:
            return []
        if self._validator is None:
            self._validator = self._make_validator()
        faults = self._validator.find_value_faults([one.submission for one in examined])
        for one, found in zip(examined, faults, strict=True):
            of_forms = find_forms_of_noughts(one.submission, self._catalogue)
            one.findings = one.explain(sort_findings([*one.findings, *found, *of_forms]))
            one.verdict = judge(one.findings)
        return examined

    def _parse(self, file: _File, reading: Workbook | FailedReading) -> Examined:
        parsed = ParsedSubmission()
        reasons: Mapping[FindingKey, str] = {}
        if isinstance(reading, FailedReading):
            about_file = [self._explain_failure(reading, file.size)]
            identity = self._identify_unread(file)
        elif reading.format == "json":
            extension = wrong_extension(file.name, reading.format)
            about_file = [self._catalogue.make_finding("FILE-EXTENSION", expected=extension)] if extension else []
            identity = self._parse_document(file, reading, parsed)
        else:
            extension = wrong_extension(file.name, reading.format)
            about_file = [self._catalogue.make_finding("FILE-EXTENSION", expected=extension)] if extension else []
            identity = self._parse_workbook(file, convert_workbook(name_text_sheet(reading, file.name)), parsed)
            reasons = read_reasons(reading, _name_subject(identity))
        day = identity.period.end if identity.period else None
        findings = [
            finding
            for finding in (*about_file, *identity.findings, *parsed.findings)
            if self._catalogue[finding.code].applies_on(day)
        ]
        submission = Submission(parsed, identity.unit, identity.report, identity.period)
        return Examined(
            file.key, file.name, file.sha256, file.size, identity, submission, "rejected", findings, reasons
        )

    def _parse_workbook(self, file: _File, workbook: Workbook, parsed: ParsedSubmission) -> Identity:
        metadata = read_metadata(workbook)
        found = find_forms(workbook, self._forms, metadata)
        if not found.tables and not found.without_table:
            parsed.findings.append(self._catalogue.make_finding("FILE-NO-FORM"))
            return self._identify_unread(file)
        identity = identify(
            metadata, found, self._register, self._catalogue, file.name, file.channel, attributed=file.attributed
        )
        self._parse_forms(found, identity, parsed)
        return identity

    def _parse_document(self, file: _File, reading: Workbook, parsed: ParsedSubmission) -> Identity:
        head = read_head(reading.document)
        found = lay_out_forms(reading.document, self._forms, find_period_end(head, self._register))
        identity = identify({}, found, self._register, self._catalogue, file.name, file.channel, head, file.attributed)
        self._parse_forms(found, identity, parsed)
        known = {"unit": identity.unit, "report": identity.report, "period": identity.period}
        settled = {key: item.code for key, item in known.items() if item is not None}
        parsed.findings.extend(self._documents.find_faults(reading.document, found, parsed, settled))
        return identity

    def _identify_unread(self, file: _File) -> Identity:
        """Of a file without a form to read: nobody's, unless a person has said whose it is."""
        if not file.attributed:
            return Identity(hints=dict(file.channel))
        return identify(
            {}, FoundForms(), self._register, self._catalogue, file.name, file.channel, attributed=file.attributed
        )

    def _parse_forms(self, found: FoundForms, identity: Identity, parsed: ParsedSubmission) -> None:
        owed = None
        if identity.is_attributed and identity.unit and identity.report:
            statuses = identity.report.forms_for(identity.unit.type)
            owed = {form: status is FormStatus.MANDATORY for form, status in statuses.items()} or None
        names = {code: form.name for code, form in self._forms.items()}
        parsed.findings.extend(report_found_forms(found, owed, names, self._catalogue))
        known = identity.is_attributed
        facts = self._references.facts_for(identity.unit if known else None, identity.period)
        for form in sorted(found.tables):
            # Nobody knows what an unattributed file owes, so none of its empty sheets is held against it.
            may_be_empty = owed is None or owed.get(form) is False
            if may_be_empty and is_untouched(found.tables[form]):
                continue  # an optional form that nobody filled in was not sent
            if owed is None or form in owed:
                parse_table(found.tables[form], parsed, self._catalogue, facts)
        if identity.period is not None:
            parsed.findings.extend(
                report_other_versions(parsed, found.tables, self._forms, identity.period.end, self._catalogue)
            )

    def _explain_failure(self, failed: FailedReading, size: int) -> Finding:
        code = failed.failure.value.replace("_", "-")
        if failed.failure is ReadingFailure.FILE_NOT_WORKBOOK:
            return self._catalogue.make_finding(code, value=FILE_KINDS.get(failed.detail, "không rõ loại"))
        if failed.failure is ReadingFailure.FILE_TOO_LARGE:
            limit = f"{self._settings.max_file_bytes // 1024**2} MB"
            shown = f"{size / 1024**2:.1f} MB".replace(".", ",")
            shown, limit = TOO_LARGE.get(failed.detail, (shown, limit))
            return self._catalogue.make_finding(code, value=shown, expected=limit)
        if failed.failure is ReadingFailure.FILE_NO_SHEETS:
            return self._catalogue.make_finding("FILE-NO-FORM")
        if failed.failure is ReadingFailure.JSON_SYNTAX:
            return self._catalogue.make_finding(code, value=failed.detail)
        return self._catalogue.make_finding(code)


_DIGITS = re.compile(r"\d+")


def _order_place(cell: str | None) -> tuple[int, int, str]:
    """Where a place comes in a sheet, or a JSON Pointer in its document: line 10 after line 9."""
    if not cell:
        return -1, -1, ""
    if cell.startswith("/"):
        return 0, 0, _DIGITS.sub(lambda digits: digits[0].zfill(9), cell)
    return *parse_cell_name(cell), ""


_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def sort_findings(findings: Iterable[Finding]) -> list[Finding]:
    """File first, then form by form from the top left: the order in which a clerk works. Doubles are left out."""

    def order(finding: Finding) -> tuple[object, ...]:
        place = _order_place(finding.cell)
        return (
            finding.form or "",
            finding.sheet or "",
            place,
            _ORDER[finding.severity],
            finding.code,
            finding.row or "",
        )

    return sorted(dict.fromkeys(findings), key=order)
