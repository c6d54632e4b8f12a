"""The project's own Expectations: sums with blanks, percentages at the sender's decimals. Importing registers them.

Great Expectations drops a rule of an unknown type with a log line only, so this module is imported before any suite.
Columns are floats; NaN is a blank. Which blanks come from unreadable cells is known to `etl.validation.run` alone.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import pandas as pd
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import MulticolumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import (
    MulticolumnMapMetricProvider,
    multicolumn_condition_partial,
)

from etl.validation.arithmetic import percents_make_hundred, percents_match, sums_match

_DOMAIN = ("batch_id", "table", "column_list", "row_condition", "condition_parser", "ignore_row_if")


class PartsSumToTotal(MulticolumnMapMetricProvider):
    """Metric behind `expect_parts_to_sum_to_total`."""

    condition_metric_name = "multicolumn_values.parts_sum_to_total"
    condition_domain_keys = _DOMAIN
    condition_value_keys = ()

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, **_: Any) -> pd.Series[bool]:  # noqa: N805
        return sums_match(column_list)


class ExpectPartsToSumToTotal(MulticolumnMapExpectation):
    """The last column equals the sum of the others; blanks count as nought when any part is given."""

    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "never"
    map_metric: ClassVar[str] = "multicolumn_values.parts_sum_to_total"
    args_keys = ("column_list",)
    success_keys = ("mostly",)


class PercentMatchesRatio(MulticolumnMapMetricProvider):
    """Metric behind `expect_percent_to_match_ratio`."""

    condition_metric_name = "multicolumn_values.percent_matches_ratio"
    condition_domain_keys = _DOMAIN
    condition_value_keys = ("over", "up_to")

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805
        column_list: pd.DataFrame,
        over: str | float = "rounding",
        up_to: float | None = None,
        **_: Any,
    ) -> pd.Series[bool]:
        return percents_match(column_list, over, up_to)


class ExpectPercentToMatchRatio(MulticolumnMapExpectation):
    """Columns numerator, denominator, percent, decimals: fails where the percentage is off by more than `over`

    ("rounding": half a unit of the cell's last decimal; else points) and, when given, at most `up_to` points.
    """

    over: str | float = "rounding"
    up_to: float | None = None
    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "any_value_is_missing"
    map_metric: ClassVar[str] = "multicolumn_values.percent_matches_ratio"
    args_keys = ("column_list", "over", "up_to")
    success_keys = ("over", "up_to", "mostly")


class PercentsSumToHundred(MulticolumnMapMetricProvider):
    """Metric behind `expect_percents_to_sum_to_hundred`."""

    condition_metric_name = "multicolumn_values.percents_sum_to_hundred"
    condition_domain_keys = _DOMAIN
    condition_value_keys = ()

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, **_: Any) -> pd.Series[bool]:  # noqa: N805
        return percents_make_hundred(column_list)


class ExpectPercentsToSumToHundred(MulticolumnMapExpectation):
    """Percent columns, then the count they are shares of: they make 100 wherever that count is not nought."""

    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "any_value_is_missing"
    map_metric: ClassVar[str] = "multicolumn_values.percents_sum_to_hundred"
    args_keys = ("column_list",)
    success_keys = ("mostly",)
