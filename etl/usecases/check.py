"""`check`: verdict and findings of files, nothing stored, no warehouse needed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from etl.annotation.annotate import annotate_workbook, name_annotated_copy
from etl.annotation.failures import CannotAnnotate
from etl.annotation.summary import SummaryFacts, write_summary_html, write_summary_text
from etl.examination import NOT_CHECKED_WITHOUT_WAREHOUSE, Delivery, Examined, Unread
from etl.findings.model import Finding
from etl.usecases.context import Knowledge
from etl.usecases.load import make_examiner


def check_files(
    knowledge: Knowledge, files: Sequence[Path], on_progress: Callable[[int], None] | None = None
) -> Iterator[Examined]:
    """Examine files in the order given. Raises OSError for a path that cannot be opened: that is not the sender's fault."""
    deliveries = (Delivery(place, file.name, _bytes_of(file)) for place, file in enumerate(files))
    with make_examiner(knowledge) as examiner:
        yield from examiner.examine(deliveries, on_progress)


def _bytes_of(file: Path) -> Unread:
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return Unread(sha256, file.stat().st_size, file.read_bytes)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was written for a sender. `copy` is None when the file cannot be marked; `refusal` then says why."""

    copy: Path | None
    summary: Path
    refusal: str


def write_answer(knowledge: Knowledge, examined: Examined, file: Path, folder: Path, taken: set[str]) -> Answer:
    """The sender's workbook with its findings marked, and the one-page summary beside it (.html and .txt), into `folder`.

    `taken`: stems of names used already. A file that is no intact .xlsx or .xlsm has its summary alone.
    """
    data = file.read_bytes()
    content, refusal = None, ""
    try:
        content = annotate_workbook(data, examined.findings, examined.subject)
    except CannotAnnotate as error:
        refusal = error.reason
    name = Path(name_annotated_copy(file.name, data))
    numbered = (f"{name.stem}-{number}" for number in count(2))
    stem = name.stem if name.stem not in taken else next(other for other in numbered if other not in taken)
    taken.add(stem)
    folder.mkdir(parents=True, exist_ok=True)
    copy = None if content is None else folder / f"{stem}{name.suffix}"
    if copy is not None and content is not None:
        copy.write_bytes(content)
    facts = describe_check(knowledge, examined, copy.name if copy else None)
    summary = folder / f"{stem}.html"
    summary.write_text(write_summary_html(facts), "utf-8")
    summary.with_suffix(".txt").write_text(write_summary_text(facts), "utf-8")
    return Answer(copy, summary, refusal)


def describe_check(knowledge: Knowledge, examined: Examined, annotated: str | None) -> SummaryFacts:
    """What the summary of a dry run says."""
    register, identity = knowledge.register, examined.identity
    unit, report, period = identity.unit, identity.report, identity.period
    due_at = None
    if unit and report and period:
        due_at = report.due_instants(period, register.working_days()).get(unit.type)
    return SummaryFacts(
        file=examined.name,
        unit=unit.name if unit else None,
        report=report.name if report else None,
        period=period.label if period else None,
        verdict=examined.verdict,
        findings=examined.findings,
        due_at=due_at,
        annotated=annotated,
        standing_office=register.province.standing_office,
        form_names={code: form.name for code, form in knowledge.forms.items()},
        trial=True,
    )


def show_checked(examined: Examined, file: Path) -> dict[str, object]:
    """The contract of `check --json` for one file (design §4)."""
    identity = examined.identity
    return {
        "file": str(file),
        "sha256": examined.sha256,
        "report": identity.report.code if identity.report else None,
        "form_versions": examined.form_versions,
        "unit": identity.unit.code if identity.unit else None,
        "period": identity.period.code if identity.period else None,
        "clock": identity.report.clock.value if identity.report else None,
        "verdict": examined.verdict,
        "not_checked": list(NOT_CHECKED_WITHOUT_WAREHOUSE),
        "findings": [show_finding(finding) for finding in examined.findings],
    }


def show_finding(finding: Finding) -> dict[str, object]:
    """A finding as the contract prints it, in the contract's order; `reason` only where the unit gave one."""
    order = (
        "code", "severity", "form", "sheet", "cell", "row", "column", "field", "value", "expected", "message", "fix",
    )  # fmt: skip
    values = asdict(finding)
    given = {} if finding.reason is None else {"reason": finding.reason}
    return {name: values[name] for name in order} | given
