"""The one catalogue of finding codes, joined from its three sources; makes findings out of entries.

General codes stand in `catalogue.yaml`, value rules in their suite (expectations/*.json), period rules in the header of
their statement (sql/checks/*.sql). A code may stand in one place only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from etl.findings.model import CatalogueEntry, Finding, Phase, Severity, fill_text
from etl.settings import PROJECT_ROOT

CATALOGUE_FILE = Path(__file__).with_name("catalogue.yaml")
SUITES_FOLDER = PROJECT_ROOT / "expectations"
CHECKS_FOLDER = PROJECT_ROOT / "sql" / "checks"

_SEVERITY_OF_SUITE = {"critical": Severity.ERROR, "warning": Severity.WARNING, "info": Severity.INFO}
_HEADER = re.compile(r"^--\s*(code|severity|category|message|fix)\s*:\s*(.+)$", re.MULTILINE)


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
        return Finding(
            code=code,
            severity=entry.severity,
            message=fill_text(entry.message, particulars),
            fix=fill_text(entry.fix, particulars),
            **own,
        )


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
                item.get("effective_from"), item.get("effective_to"),
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
                CatalogueEntry(meta["code"], severity, meta["category"], phase, rule["description"], meta["fix"]),
            )


def read_check_header(path: Path) -> CatalogueEntry:
    """The catalogue entry in the comment at the head of a statement. Raises BadCatalogue when a line is missing."""
    found = dict(_HEADER.findall(path.read_text("utf-8")))
    missing = {"code", "severity", "category", "message", "fix"} - found.keys()
    if missing:
        raise BadCatalogue(f"{path.name}: the header lacks {sorted(missing)}")
    return CatalogueEntry(
        found["code"].strip(), Severity(found["severity"].strip()), found["category"].strip(), Phase.CROSS_UNIT,
        found["message"].strip(), found["fix"].strip(),
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
