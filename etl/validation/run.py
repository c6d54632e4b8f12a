"""Runs all suites over a batch of submissions: one validation per suite, findings back to submission and cell.

Never a validation per submission: the fixed cost of the library is per run, not per row (facts: x130).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from etl.findings.catalogue import Catalogue
from etl.findings.model import Finding
from etl.parsing.submission import ParsedCell, field_name, shorten
from etl.register.model import Register
from etl.validation.context import Submission
from etl.validation.display import show_cell, show_expected
from etl.validation.faults import RuleFault
from etl.validation.frames import Frame, build_frame
from etl.validation.suites import LoadedSuite, Rule, keep_answerable, load_suites

# No index columns: naming them costs about 100 µs per failing row, and the row index already leads back.
_RESULT_FORMAT = {
    "result_format": "COMPLETE",
    "partial_unexpected_count": 0,
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
}


class Validator:
    """The suites loaded once, with one library context; not to be shared between threads."""

    def __init__(self, catalogue: Catalogue, register: Register, suites: Sequence[LoadedSuite] | None = None) -> None:
        import great_expectations as gx

        self._suites = list(load_suites() if suites is None else suites)
        self._answerable: dict[frozenset[str], list[LoadedSuite]] = {}
        self._catalogue = catalogue
        self._register = register
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        asset = context.data_sources.add_pandas("submissions").add_dataframe_asset("frame")
        self._batch_definition = asset.add_batch_definition_whole_dataframe("batch")

    def find_value_faults(
        self, submissions: Sequence[Submission], on_progress: Callable[[str], None] | None = None
    ) -> list[list[Finding]]:
        """Findings of every suite, one list a submission, in the submissions' order. Raises RuleFault."""
        found: list[list[Finding]] = [[] for _ in submissions]
        forms = frozenset(form for submission in submissions for form in submission.parsed.versions)
        for suite in self._suites_for(forms):
            frame = build_frame(suite.frame, suite.form, suite.columns, submissions, self._register, suite.versions)
            if not frame.data.empty:
                self._run_suite(suite, frame, submissions, found)
            if on_progress is not None:
                on_progress(suite.name)
        return found

    def _suites_for(self, forms: frozenset[str]) -> list[LoadedSuite]:
        if forms not in self._answerable:
            kept = (keep_answerable(suite, forms) for suite in self._suites)
            self._answerable[forms] = [suite for suite in kept if suite is not None]
        return self._answerable[forms]

    def _run_suite(
        self, suite: LoadedSuite, frame: Frame, submissions: Sequence[Submission], found: list[list[Finding]]
    ) -> None:
        batch = self._batch_definition.get_batch({"dataframe": frame.data})
        outcome = batch.validate(suite.suite, result_format=_RESULT_FORMAT)
        if len(outcome.results) != len(suite.rules):
            raise RuleFault(f"suite {suite.name}: {len(outcome.results)} results for {len(suite.rules)} rules")
        for result in outcome.results:
            rule = suite.rules[result.expectation_config.meta["code"]]
            problem = _exception_text(result.exception_info)
            if problem:
                raise RuleFault(f"suite {suite.name}, rule {rule.code}: {problem}")
            rows = result.result.get("unexpected_index_list")
            if not rows and not result.success:
                # A rule without rows to blame would fail unseen, and the file be accepted.
                raise RuleFault(f"suite {suite.name}, rule {rule.code}: failed without naming a row")
            entry = self._catalogue[rule.code]
            for row in rows or ():
                index = frame.submissions[row]
                period = submissions[index].period
                if entry.applies_on(period.end if period else None):
                    found[index].extend(self._explain_row(rule, frame, row))

    def _explain_row(self, rule: Rule, frame: Frame, row: int) -> list[Finding]:
        cells = {name: frame.locate(row, name) for name in (*rule.needs, *rule.blame)}
        if not rule.on_unusable and any(cell is not None and not cell.is_usable for cell in cells.values()):
            return []
        if frame.unusable and any((row, name) in frame.unusable for name in cells):
            return []
        values = {str(name): value for name, value in frame.data.loc[row].items()}
        findings = []
        for name in rule.blame:
            cell = cells[name]
            if cell is not None:
                findings.append(self._make_finding(rule, cell, values, cells))
        return findings

    def _make_finding(
        self, rule: Rule, cell: ParsedCell, values: Mapping[str, Any], cells: Mapping[str, ParsedCell | None]
    ) -> Finding:
        expected, extra = show_expected(rule, cell, values, cells)
        shown = show_cell(cell)
        return self._catalogue.make_finding(
            rule.code,
            form=cell.key.form,
            sheet=cell.sheet,
            cell=cell.cell,
            row=cell.key.row,
            column=cell.key.column,
            field=field_name(cell.declared),
            value=shorten(shown) if shown is not None else None,
            expected=expected,
            label=cell.label,
            reason=cell.not_applicable,
            **extra,
        )


def _exception_text(info: Mapping[str, Any] | None) -> str:
    """The library has two shapes of exception_info: one flat, one per metric."""
    if not info:
        return ""
    parts = [info] if "raised_exception" in info else [part for part in info.values() if isinstance(part, Mapping)]
    return "; ".join(str(part.get("exception_message")) for part in parts if part.get("raised_exception"))
