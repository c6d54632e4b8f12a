"""Loads the suites strictly: a rule that Great Expectations would drop in silence stops the load instead.

A misspelt type or severity costs only a log line there, and the suite then "succeeds" without the rule.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from etl.findings.catalogue import SUITES_FOLDER, read_suite_specs
from etl.validation.sums import BadSum, parse_sum

FRAME_KINDS = frozenset({"fields", "list", "rows", "columns", "submission", "cells"})
_META_KEYS = frozenset(
    {
        "code", "category", "fix", "blame", "needs", "expected_column", "on_unusable", "effective_from", "effective_to",
        "blank",
    }
)  # fmt: skip
_SUITE_KEYS = frozenset({"frame", "form", "title", "versions", "source"})
_NEEDED_META = frozenset({"code", "category", "fix", "blame"})


class BadSuite(ValueError):
    """A suite that would not be run as written; names the suite and the codes."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a suite says of one rule, by its code: how to blame and explain a failing row."""

    code: str
    type: str
    kwargs: Mapping[str, Any]
    blame: tuple[str, ...]
    needs: tuple[str, ...]
    expected_column: str | None
    on_unusable: bool = False
    """The rule is about cells that others cannot rest on (empty though required), so it speaks of them."""

    @property
    def forms(self) -> frozenset[str]:
        """The forms that a rule over a whole submission ties."""
        return frozenset(name.partition(".")[0] for name in (*self.needs, *self.blame) if not name.startswith("@"))


@dataclass(frozen=True, slots=True)
class LoadedSuite:
    """A suite with its rules by code; `suite` is the library's object."""

    name: str
    frame: str
    form: str | None
    rules: Mapping[str, Rule]
    suite: Any
    versions: frozenset[str] | None = None
    """The layouts of the form that the rules speak of; None: all of them."""

    @property
    def columns(self) -> frozenset[str]:
        """Every frame column the rules read."""
        own = {name for rule in self.rules.values() for name in (*rule.needs, *rule.blame)}
        conditions = {
            name for rule in self.rules.values() for name in _condition_columns(rule.kwargs.get("row_condition"))
        }
        extra = {rule.expected_column for rule in self.rules.values() if rule.expected_column}
        return frozenset(own | conditions | extra)


def keep_answerable(suite: LoadedSuite, forms: frozenset[str]) -> LoadedSuite | None:
    """The suite without its ties to forms that no submission at hand has; None when nothing is left.

    A tie to an absent form says nothing, and every rule costs the library as much as a hundred rows.
    """
    if suite.frame != "submission":
        return suite
    kept = {code: rule for code, rule in suite.rules.items() if rule.forms <= forms}
    if len(kept) in (0, len(suite.rules)):
        return suite if kept else None
    import great_expectations as gx

    wanted = [one for one in suite.suite.expectations if (one.meta or {})["code"] in kept]
    return replace(suite, rules=kept, suite=gx.ExpectationSuite(name=suite.name, expectations=wanted))


def load_suites(folder: Path = SUITES_FOLDER, without: frozenset[str] = frozenset()) -> list[LoadedSuite]:
    """All suites, in name order; rules whose code is in `without` are left out (to show that a comparison notices).

    Raises BadSuite when a rule would be lost, a code is missing or stands twice, or meta has an unknown key.
    """
    # Before the import: at INFO the library writes hundreds of lines.
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    # One of its loggers sets itself to INFO on import, so a level would not hold.
    logging.getLogger("great_expectations.data_context.types.base").addFilter(
        lambda record: record.levelno >= logging.WARNING
    )
    import great_expectations as gx

    import etl.validation.expectations  # noqa: F401 - registers our types

    loaded = []
    for name, spec in read_suite_specs(folder).items():
        for rule in spec["expectations"]:
            if missing := _NEEDED_META - rule.get("meta", {}).keys():
                raise BadSuite(f"{name}.json: a rule of type {rule.get('type')!r} lacks {sorted(missing)} in its meta")
        wanted = [rule for rule in spec["expectations"] if rule["meta"]["code"] not in without]
        rules = {rule["meta"]["code"]: _read_rule(name, rule) for rule in wanted}
        frame = spec["meta"]["frame"]
        if frame not in FRAME_KINDS:
            raise BadSuite(f"{name}.json: unknown frame kind {frame!r}")
        versions = _read_versions(name, spec["meta"])
        suite = gx.ExpectationSuite(name=name, meta=spec["meta"], expectations=wanted)
        kept = [(expectation.meta or {})["code"] for expectation in suite.expectations]
        if len(rules) != len(wanted) or kept != list(rules):
            lost = sorted(set(rules) - set(kept)) or kept
            raise BadSuite(f"{name}.json: rules lost or doubled: {lost} (unknown type or severity, or a repeated code)")
        for expectation, rule in zip(suite.expectations, wanted, strict=True):
            if expectation.severity.value != rule["severity"]:
                raise BadSuite(f"{name}.json: {rule['meta']['code']}: severity {rule['severity']!r} was not taken")
        _check_sums(name, frame, rules)
        loaded.append(LoadedSuite(name, frame, spec["meta"].get("form"), rules, suite, versions))
    return loaded


def _read_versions(suite: str, meta: Mapping[str, Any]) -> frozenset[str] | None:
    """The layouts a suite is for. A misspelt key would let it run on every layout, so unknown keys are refused."""
    if unknown := meta.keys() - _SUITE_KEYS:
        raise BadSuite(f"{suite}.json: unknown suite meta keys {sorted(unknown)}")
    versions = meta.get("versions")
    if versions is None:
        return None
    if not meta.get("form") or not isinstance(versions, list) or not all(isinstance(v, str) for v in versions):
        raise BadSuite(f"{suite}.json: `versions` is a list of layout names of the suite's `form`, not {versions!r}")
    return frozenset(versions)


def _check_sums(suite: str, frame: str, rules: Mapping[str, Rule]) -> None:
    for rule in rules.values():
        for column in (*rule.needs, *rule.blame):
            try:
                wanted = parse_sum(column)
            except BadSum as problem:
                raise BadSuite(f"{suite}.json: {rule.code}: {problem}") from problem
            if wanted is not None and (frame != "submission" or column in rule.blame):
                raise BadSuite(
                    f"{suite}.json: {rule.code}: the sum {column!r} has no cell to blame and no row of a form"
                )


def _read_rule(suite: str, rule: Mapping[str, Any]) -> Rule:
    meta, kwargs = rule["meta"], rule["kwargs"]
    unknown = meta.keys() - _META_KEYS
    if unknown:
        raise BadSuite(f"{suite}.json: {meta.get('code')}: unknown meta keys {sorted(unknown)}")
    named = [kwargs.get(name) for name in ("column", "column_A", "column_B")]
    columns = tuple(dict.fromkeys([*kwargs.get("column_list", ()), *(name for name in named if name)]))
    return Rule(
        meta["code"],
        rule["type"],
        kwargs,
        tuple(meta["blame"]),
        tuple(dict.fromkeys([*meta.get("needs", ()), *columns])),
        meta.get("expected_column"),
        bool(meta.get("on_unusable")),
    )


def _condition_columns(condition: Any) -> set[str]:
    """Column names in a row condition, however nested."""
    if isinstance(condition, Mapping):
        if "name" in condition and len(condition) == 1:
            return {condition["name"]}
        return {name for value in condition.values() for name in _condition_columns(value)}
    if isinstance(condition, list):
        return {name for value in condition for name in _condition_columns(value)}
    return set()
