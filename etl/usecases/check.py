"""`check`: verdict and findings of files, nothing stored, no warehouse needed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import count
from pathlib import Path

from etl.annotation.annotate import annotate_workbook, name_annotated_copy
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


def write_annotated(examined: Examined, file: Path, folder: Path, taken: set[str]) -> Path:
    """The sender's workbook with its findings marked, into `folder`; its path. `taken` are names used already.

    Raises CannotAnnotate for a file that is no intact .xlsx or .xlsm.
    """
    data = file.read_bytes()
    content = annotate_workbook(data, examined.findings)
    name = Path(name_annotated_copy(file.name, data))
    numbered = (f"{name.stem}-{number}{name.suffix}" for number in count(2))
    chosen = name.name if name.name not in taken else next(other for other in numbered if other not in taken)
    taken.add(chosen)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / chosen).write_bytes(content)
    return folder / chosen


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
