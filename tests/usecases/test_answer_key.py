"""`check` against the answer keys of seeded samples: every finding at its sheet and cell, none missing, none more."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from etl.examination import Delivery, Examiner
from etl.sample.generate import write_sample
from etl.settings import PROJECT_ROOT, Settings
from etl.usecases.context import Knowledge
from etl.validation.run import Validator
from etl.validation.suites import load_suites

Place = tuple[str, str, str, str | None, str | None]


def find_all(folder: Path, without: frozenset[str] = frozenset()) -> Counter[Place]:
    """(file, code, severity, sheet, cell) of every finding in a sample's inbox, with some rules switched off."""
    settings = Settings(folder, folder / "register", "", readers=2)
    knowledge = Knowledge(settings)

    def make_validator() -> Validator:
        return Validator(knowledge.catalogue, knowledge.register, load_suites(without=without))

    files = sorted((folder / "inbox").iterdir())
    deliveries = (Delivery(place, file.name, file.read_bytes()) for place, file in enumerate(files))
    found: Counter[Place] = Counter()
    with Examiner(settings, knowledge.register, knowledge.forms, knowledge.catalogue, make_validator) as examiner:
        for examined in examiner.examine(deliveries):
            for finding in examined.findings:
                found[examined.name, finding.code, finding.severity.value, finding.sheet, finding.cell] += 1
    return found


def answer_key(folder: Path) -> Counter[Place]:
    key = json.loads((folder / "faults.json").read_text("utf-8"))
    return Counter((f["file"], f["code"], f["severity"], f["sheet"], f["cell"]) for f in key["findings"])


@pytest.mark.parametrize(
    ("report", "period", "units", "seed", "faults"),
    [
        ("movements-half", "2026-S1", 60, 1, None),
        ("movements-half", "2026-S1", 90, 90210, 250),
        ("movements-half", "2027-S2", 40, 777, 120),
        ("statistics-year", "2026-A1", 60, 5, 100),
        ("movements-year", "2026-A1", 60, 9, 150),
        ("movements-half", "2026-S2", 30, 4, 0),
    ],
)
def test_findings_equal_the_answer_key(
    report: str, period: str, units: int, seed: int, faults: int | None, tmp_path: Path
) -> None:
    folder = tmp_path / "sample"
    write_sample(PROJECT_ROOT / "register", folder, report, [period], units, seed, faults)
    found, wanted = find_all(folder), answer_key(folder)
    assert found - wanted == Counter(), "findings that the key does not have"
    assert wanted - found == Counter(), "findings of the key that were not found"
    if faults:
        assert sum(wanted.values()) >= faults // 2


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faulty") / "sample"
    write_sample(PROJECT_ROOT / "register", folder, "movements-half", ["2026-S1"], 60, 31, 300)
    return folder


@pytest.mark.parametrize("code", ["F05-ROW-SUM", "F07-TOTAL", "X-INDIVIDUALS", "CELL-REQUIRED", "F03-PERCENT-OFF"])
def test_a_rule_switched_off_is_noticed(faulty: Path, code: str, make_settings: Callable[..., Settings]) -> None:
    """Negative control: the comparison fails without the rule, and by that rule's findings alone."""
    wanted = answer_key(faulty)
    missing = wanted - find_all(faulty, frozenset({code}))
    assert {place[1] for place in missing} == {code}
