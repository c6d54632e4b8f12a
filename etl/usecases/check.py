"""`check`: verdict and findings of files, nothing stored, no warehouse needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from etl.examination import NOT_CHECKED_WITHOUT_WAREHOUSE, Delivery, Examined
from etl.findings.model import Finding
from etl.usecases.context import Knowledge
from etl.usecases.load import make_examiner


def check_files(
    knowledge: Knowledge, files: Sequence[Path], on_progress: Callable[[int], None] | None = None
) -> Iterator[Examined]:
    """Examine files in the order given. Raises OSError for a path that cannot be opened: that is not the sender's fault."""
    deliveries = (Delivery(place, file.name, file.read_bytes()) for place, file in enumerate(files))
    with make_examiner(knowledge) as examiner:
        yield from examiner.examine(deliveries, on_progress)


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
    """A finding as the contract prints it, in the contract's order."""
    order = (
        "code", "severity", "form", "sheet", "cell", "row", "column", "field", "value", "expected", "message", "fix",
    )  # fmt: skip
    values = asdict(finding)
    return {name: values[name] for name in order}
