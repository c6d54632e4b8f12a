"""The naive side: file by file and form by form, one validation each, then `DataFrame.to_sql`. The same rules as ours.

Written the way most teams write it, without a handicap: one data context for all files, imports not counted, no Data
Docs, no checkpoints, default row index. Of the product it uses only what makes the rules the same: the suites' JSON and
the three custom expectations.
"""

from __future__ import annotations

import json
import logging
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from benchmarks.naive_workbook import AWARD_COLUMNS, AWARD_ROWS, TidyWorkbook, tidy_workbook

PERIOD_START, PERIOD_END, CLOCK = pd.Timestamp(2025, 12, 15), pd.Timestamp(2026, 6, 14), "admin"
_SUITE_FORMS = {
    "F00": "F00", "F03": "F03", "F05.rows": "F05", "F05.columns": "F05", "F07": "F07", "cells": None, "cross": None,
}  # fmt: skip


@dataclass
class NaiveOutcome:
    """`failures`: (file name, rule code) → failing rows. `unreadable`: files that could not be opened."""

    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)
    validations: int = 0
    broken: Counter[str] = field(default_factory=Counter)
    """Rules that raised inside the library, by code."""


def import_libraries() -> None:
    """What the clock leaves out: importing, on both sides."""
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    import great_expectations  # noqa: F401

    import etl.validation.expectations  # noqa: F401 - the custom rules; an unknown type would be dropped in silence


class NaivePipeline:
    """One data context, the suites, the units' names and an engine, used for all files."""

    def __init__(self, url: str, register: Path, suites: Path) -> None:
        import great_expectations as gx

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        asset = context.data_sources.add_pandas("reports").add_dataframe_asset("form")
        self._batch_definition = asset.add_batch_definition_whole_dataframe("whole")
        specs = {name: json.loads((suites / f"{name}.json").read_text("utf-8")) for name in _SUITE_FORMS}
        # Ties to forms that these files do not have would only raise, file by file.
        specs["cross"]["expectations"] = [one for one in specs["cross"]["expectations"] if _ties_known_forms(one)]
        self._suites = {name: gx.ExpectationSuite(**spec) for name, spec in specs.items()}
        self._engine = sa.create_engine(url)
        units = pd.read_csv(register / "units.csv", dtype=str)
        aliases = pd.read_csv(register / "unit_aliases.csv", dtype=str)
        self._unit_names = dict(zip(units["code"], units["name"], strict=True))
        names = pd.concat([units[["code", "name"]], aliases.set_axis(["code", "name", *aliases.columns[2:]], axis=1)])
        self._known = {(code, _fold(name)) for code, name in zip(names["code"], names["name"], strict=True)}

    def close(self) -> None:
        """Gives the connections back."""
        self._engine.dispose()

    def run(self, files: Sequence[Path], outcome: NaiveOutcome, on_progress: Callable[[], None]) -> None:
        """Reads, validates and loads each file; a file that cannot be opened is noted and left out."""
        for path in files:
            try:
                tidy = tidy_workbook(path)
            except Exception:  # whatever a reader raises for an encrypted or broken file
                outcome.unreadable.append(path.name)
            else:
                self._validate(path.name, tidy, outcome)
                self._load(path.name, tidy)
            on_progress()

    def _validate(self, file: str, tidy: TidyWorkbook, outcome: NaiveOutcome) -> None:
        for name, frame in self._make_frames(tidy).items():
            batch = self._batch_definition.get_batch({"dataframe": frame})
            result = batch.validate(self._suites[name], result_format="COMPLETE")
            outcome.validations += 1
            found = []
            for one in result.results:
                rows = one.result.get("unexpected_index_list") or []
                meta = one.expectation_config.meta
                if not one.success and "unexpected_index_list" not in one.result:
                    outcome.broken[meta["code"]] += 1
                if rows:
                    outcome.failures[file, meta["code"]] += len(rows)
                    found += [(file, name, meta["code"], row, one.expectation_config.description) for row in rows]
            if found:
                findings = pd.DataFrame(found, columns=["file", "suite", "code", "row", "message"])
                findings.to_sql("findings", self._engine, if_exists="append", index=False)

    def _make_frames(self, tidy: TidyWorkbook) -> dict[str, pd.DataFrame]:
        frames = {"cells": tidy.cells} if len(tidy.cells) else {}
        for name, form in _SUITE_FORMS.items():
            if form in tidy.forms and len(tidy.forms[form]):
                frames[name] = tidy.forms[form]
        if "F00" in frames:
            frames["F00"] = self._add_context(frames["F00"])
        if "F05" in tidy.forms:
            frames["F05.columns"] = tidy.forms["F05"].set_index("row")[AWARD_COLUMNS].T.reset_index(drop=True)
        if {"F05", "F07"} <= tidy.forms.keys():
            awards = tidy.forms["F05"].set_index("row")
            row = {f"F05.{code}.{column}": awards.at[code, column] for code in AWARD_ROWS for column in AWARD_COLUMNS}
            row |= {f"F07.{name}": value for name, value in tidy.forms["F07"].iloc[0].items()}
            frames["cross"] = pd.DataFrame([row])
        return frames

    def _add_context(self, envelope: pd.DataFrame) -> pd.DataFrame:
        code, name = envelope["ma_don_vi"].tolist()[0], envelope["ten_don_vi"].tolist()[0]
        known = code in self._unit_names and name is not None
        added: dict[str, Any] = {
            "@clock": CLOCK,
            "@period_start": PERIOD_START,
            "@period_end": PERIOD_END,
            "@unit_name": self._unit_names.get(code),
            "@unit_name_matches": (code, _fold(name)) in self._known if known else None,
        }
        return envelope.assign(**added)

    def _load(self, file: str, tidy: TidyWorkbook) -> None:
        for form, frame in tidy.forms.items():
            frame.assign(file=file).to_sql(form.lower(), self._engine, if_exists="append", index=False)


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split()).casefold()


def _ties_known_forms(expectation: Mapping[str, Any]) -> bool:
    kwargs = expectation["kwargs"]
    names = [
        *kwargs.get("column_list", ()),
        *(kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs),
    ]
    return all(name.startswith(("F05.", "F07.")) for name in names)
