"""All judges of the answer key together: what a set of planted values must give, over every form. Pure.

A judge knows the rules of some forms, written from the decree and the domain brief; it must not read the product's suites.
A group of forms adds its judge here, its figures in `etl.sample.fill` and its faults in `etl.sample.faults`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from etl.forms.declaration import CellKey, FormVersion
from etl.sample.answers import Answer
from etl.sample.judge_awards import judge_awards
from etl.sample.judge_basics import judge_basics
from etl.sample.judge_decisions import judge_decisions
from etl.sample.oracle import Judged, Truth, Values, judge_first_forms

Judge = Callable[[Values, Truth], Iterable[Judged]]
"""Findings from the values of a submission; it must be silent on forms that `values.layouts` does not have."""

JUDGES: tuple[Judge, ...] = (
    judge_awards,
    judge_basics,
    judge_decisions,
)


def judge(answers: Mapping[CellKey, Answer], layouts: Mapping[str, FormVersion], truth: Truth) -> list[Judged]:
    """Every cell and value finding of a submission, in no particular order (see `judge_first_forms`)."""
    values = Values(answers, layouts)
    return [*judge_first_forms(answers, layouts, truth), *(found for one in JUDGES for found in one(values, truth))]
