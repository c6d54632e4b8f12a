"""The one catalogue of finding codes, joined from its three sources; makes findings out of entries.

General codes stand in `catalogue.yaml`, value rules in their suite (expectations/*.json), period rules in the header of
their statement (sql/checks/*.sql). A code may stand in one place only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from etl.findings.blanks import NO_FIGURE, blank_policy, general_policy
from etl.findings.model import CatalogueEntry, Finding, Phase, Severity, fill_text
from etl.settings import PROJECT_ROOT

CATALOGUE_FILE = Path(__file__).with_name("catalogue.yaml")
SUITES_FOLDER = PROJECT_ROOT / "expectations"
CHECKS_FOLDER = PROJECT_ROOT / "sql" / "checks"

_SEVERITY_OF_SUITE = {"critical": Severity.ERROR, "warning": Severity.WARNING, "info": Severity.INFO}
_HEADER = re.compile(
    r"^--\s*(code|stage|severity|category|message|fix|effective_from|effective_to|blank)\s*:\s*(.+)$", re.MULTILINE
)
_PHASE_OF_STAGE = {"before": Phase.CROSS_PERIOD, "after": Phase.CROSS_UNIT}


class BadCatalogue(ValueError):
    """A code without a text, with an unknown severity, or standing twice; names file and code."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All entries by code."""

    entries: Mapping[str, CatalogueEntry]

    def __getitem__(self, code: str) -> CatalogueEntry:
        return self.entries[code]

    def make_finding(self, code: str, **particulars: Any) -> Finding:
        """A finding of a code: particulars named like fields of Finding are its fields, all of them fill the texts."""
        entry = self.entries[code]
        own = {name: particulars.get(name) for name in _FINDING_FIELDS}
        # A blank total is nought to a sum: "ghi , nhưng" would tell nobody what is wrong.
        texts = particulars | {"value": _BLANK_VALUE} if particulars.get("value", "") is None else particulars
        return Finding(
            code=code,
            severity=entry.severity,
            message=fill_text(entry.message, texts),
            fix=fill_text(entry.fix, texts),
            **own,
        )


_BLANK_VALUE = "(bỏ trống)"
_FINDING_FIELDS = ("form", "sheet", "cell", "row", "column", "field", "value", "expected")


def read_suite_specs(folder: Path = SUITES_FOLDER) -> dict[str, dict[str, Any]]:
    """Every suite file of a folder as plain JSON by name, in name order. Raises BadCatalogue when name and file differ."""
    specs: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.json")):
        spec = json.loads(path.read_text("utf-8"))
        if spec.get("name") != path.stem:
            raise BadCatalogue(f"{path.name}: is named {spec.get('name')!r}; suite and file must have one name")
        specs[path.stem] = spec
    return specs


def _general_entries() -> Iterator[tuple[str, CatalogueEntry]]:
    for item in yaml.safe_load(CATALOGUE_FILE.read_text("utf-8")):
        category = item["category"]
        phase = Phase(category) if category in set(Phase) else Phase.FORM
        yield (
            CATALOGUE_FILE.name,
            CatalogueEntry(
                item["code"], Severity(item["severity"]), category, phase, item["message"], item["fix"],
                *_read_days(CATALOGUE_FILE.name, item["code"], item), item.get("blank") or general_policy(category),
            ),
        )  # fmt: skip


def _suite_entries(folder: Path) -> Iterator[tuple[str, CatalogueEntry]]:
    for name, spec in read_suite_specs(folder).items():
        phase = Phase.CROSS_FORM if spec["meta"]["frame"] == "submission" else Phase.VALUE
        for rule in spec["expectations"]:
            meta = rule["meta"]
            severity = _SEVERITY_OF_SUITE.get(rule["severity"])
            if severity is None:
                raise BadCatalogue(f"{name}.json: {meta['code']} has the unknown severity {rule['severity']!r}")
            yield (
                f"{name}.json",
                CatalogueEntry(
                    meta["code"], severity, meta["category"], phase, rule["description"], meta["fix"],
                    *_read_days(f"{name}.json", meta["code"], meta), blank_policy(rule),
                ),
            )  # fmt: skip


def _read_days(source: str, code: str, given: Mapping[str, Any]) -> tuple[date | None, date | None]:
    """`effective_from` and `effective_to` of an entry: ISO dates, both optional. Raises BadCatalogue."""
    days: list[date | None] = []
    for name in ("effective_from", "effective_to"):
        value = given.get(name)
        try:
            days.append(value if value is None or isinstance(value, date) else date.fromisoformat(str(value).strip()))
        except ValueError as problem:
            raise BadCatalogue(f"{source}: {code}: {name} {value!r} is no date such as 2026-01-01") from problem
    first, last = days
    if first is not None and last is not None and last < first:
        raise BadCatalogue(f"{source}: {code}: effective_to {last} is before effective_from {first}")
    return first, last


def read_check_header(path: Path) -> CatalogueEntry:
    """The catalogue entry in the comment at the head of a statement. Raises BadCatalogue when a line is missing."""
    found = dict(_HEADER.findall(path.read_text("utf-8")))
    missing = {"code", "severity", "category", "message", "fix"} - found.keys()
    if missing:
        raise BadCatalogue(f"{path.name}: the header lacks {sorted(missing)}")
    phase = _PHASE_OF_STAGE.get(found.get("stage", "after").strip())
    if phase is None:
        raise BadCatalogue(
            f"{path.name}: the stage is {found['stage'].strip()!r}; it is `before` or `after` the verdict"
        )
    return CatalogueEntry(
        found["code"].strip(), Severity(found["severity"].strip()), found["category"].strip(), phase,
        found["message"].strip(), found["fix"].strip(), *_read_days(path.name, found["code"].strip(), found),
        found.get("blank", NO_FIGURE).strip(),
    )  # fmt: skip


@lru_cache(maxsize=4)
def read_catalogue(suites: Path = SUITES_FOLDER, checks: Path = CHECKS_FOLDER) -> Catalogue:
    """The whole catalogue. Raises BadCatalogue on a doubled code or an empty text."""
    entries: dict[str, CatalogueEntry] = {}
    check_entries = ((path.name, read_check_header(path)) for path in sorted(checks.glob("*.sql")))
    for source, entry in (*_general_entries(), *_suite_entries(suites), *check_entries):
        if entry.code in entries:
            raise BadCatalogue(f"{source}: code {entry.code} stands twice")
        if not entry.message.strip() or not entry.fix.strip():
            raise BadCatalogue(f"{source}: code {entry.code} lacks its message or its fix")
        entries[entry.code] = entry
    return Catalogue(entries)
