"""The project's own Expectations: sums with blanks, percentages at the sender's decimals. Importing registers them.

Great Expectations drops a rule of an unknown type with a log line only, so this module is imported before any suite.
Columns are floats; NaN is a blank. Which blanks come from unreadable cells is known to `etl.validation.run` alone.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import pandas as pd
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation, MulticolumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import (
    ColumnMapMetricProvider,
    MulticolumnMapMetricProvider,
    column_condition_partial,
    multicolumn_condition_partial,
)

from etl.validation.arithmetic import (
    amounts_are_near,
    balances_close,
    pairs_are_listed,
    percents_make_hundred,
    percents_match,
    ranks_are_complete,
    ranks_follow_scores,
    rows_differ,
    stays_within_share,
    sums_match,
    texts_are_long_enough,
)

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


class TextHasWords(ColumnMapMetricProvider):
    """Metric behind `expect_column_text_to_have_words`."""

    condition_metric_name = "column_values.text_has_words"
    condition_value_keys = ("at_least", "unless_below")

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805
        column: pd.Series[Any],
        at_least: int = 1,
        unless_below: int = 0,
        **_: Any,
    ) -> pd.Series[bool]:
        return texts_are_long_enough(column.to_frame(), at_least, unless_below)


class ExpectColumnTextToHaveWords(ColumnMapExpectation):
    """The text has at least so many words; with `unless_below`, fewer words than that are left to another rule."""

    at_least: int = 1
    unless_below: int = 0
    map_metric: ClassVar[str] = "column_values.text_has_words"
    args_keys = ("column", "at_least", "unless_below")
    success_keys = ("at_least", "unless_below", "mostly")


class TextsHaveWords(MulticolumnMapMetricProvider):
    """Metric behind `expect_one_text_to_have_words`."""

    condition_metric_name = "multicolumn_values.one_text_has_words"
    condition_domain_keys = _DOMAIN
    condition_value_keys = ("at_least", "unless_below")

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805
        column_list: pd.DataFrame,
        at_least: int = 1,
        unless_below: int = 0,
        **_: Any,
    ) -> pd.Series[bool]:
        return texts_are_long_enough(column_list, at_least, unless_below)


class ExpectOneTextToHaveWords(MulticolumnMapExpectation):
    """The longest of several texts, as `expect_column_text_to_have_words`; all of them blank is no word at all."""

    at_least: int = 1
    unless_below: int = 0
    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "never"
    map_metric: ClassVar[str] = "multicolumn_values.one_text_has_words"
    args_keys = ("column_list", "at_least", "unless_below")
    success_keys = ("at_least", "unless_below", "mostly")


class ValueAtMostShareOfParts(MulticolumnMapMetricProvider):
    """Metric behind `expect_value_to_be_at_most_share_of_parts`."""

    condition_metric_name = "multicolumn_values.value_at_most_share_of_parts"
    condition_domain_keys = _DOMAIN
    condition_value_keys = ("share",)

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, share: float = 1.0, **_: Any) -> pd.Series[bool]:  # noqa: N805
        return stays_within_share(column_list, share)


class ExpectValueToBeAtMostShareOfParts(MulticolumnMapExpectation):
    """The last column is at most `share` of the sum of the others; silent where it is blank."""

    share: float = 1.0
    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "never"
    map_metric: ClassVar[str] = "multicolumn_values.value_at_most_share_of_parts"
    args_keys = ("column_list", "share")
    success_keys = ("share", "mostly")


class BalanceCloses(MulticolumnMapMetricProvider):
    """Metric behind `expect_balance_to_close`."""

    condition_metric_name = "multicolumn_values.balance_closes"
    condition_domain_keys = _DOMAIN
    condition_value_keys = ("floor",)

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, floor: float | None = None, **_: Any) -> pd.Series[bool]:  # noqa: N805
        return balances_close(column_list, floor)


class ExpectBalanceToClose(MulticolumnMapExpectation):
    """Columns opening, income, spending, closing: the last is the first plus the second less the third."""

    floor: float | None = None
    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "never"
    map_metric: ClassVar[str] = "multicolumn_values.balance_closes"
    args_keys = ("column_list", "floor")
    success_keys = ("floor", "mostly")


class AmountIsNear(MulticolumnMapMetricProvider):
    """Metric behind `expect_amount_to_be_near`."""

    condition_metric_name = "multicolumn_values.amount_is_near"
    condition_domain_keys = _DOMAIN
    condition_value_keys = ()

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, **_: Any) -> pd.Series[bool]:  # noqa: N805
        return amounts_are_near(column_list)


class ExpectAmountToBeNear(MulticolumnMapExpectation):
    """Columns amount, what is due, tolerance: silent where one of them is not known."""

    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "any_value_is_missing"
    map_metric: ClassVar[str] = "multicolumn_values.amount_is_near"
    args_keys = ("column_list",)
    success_keys = ("mostly",)


class PairIsListed(MulticolumnMapMetricProvider):
    """Metric behind `expect_pair_to_be_listed`."""

    condition_metric_name = "multicolumn_values.pair_is_listed"
    condition_domain_keys = _DOMAIN
    condition_value_keys = ("pairs",)

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, pairs: list[list[str]], **_: Any) -> pd.Series[bool]:  # noqa: N805
        return pairs_are_listed(column_list, pairs)


class ExpectPairToBeListed(MulticolumnMapExpectation):
    """Two columns hold one of `pairs`. The library's own type of this kind passes over `row_condition`, and row by row."""

    pairs: list[list[str]]
    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "any_value_is_missing"
    map_metric: ClassVar[str] = "multicolumn_values.pair_is_listed"
    args_keys = ("column_list", "pairs")
    success_keys = ("pairs", "mostly")


class RowsDiffer(MulticolumnMapMetricProvider):
    """Metric behind `expect_rows_to_differ`."""

    condition_metric_name = "multicolumn_values.rows_differ"
    condition_domain_keys = _DOMAIN
    condition_value_keys = ()

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, **_: Any) -> pd.Series[bool]:  # noqa: N805
        return rows_differ(column_list)


class ExpectRowsToDiffer(MulticolumnMapExpectation):
    """No row repeats an earlier one in all columns. The library's own type blames the first one too, and each spelling."""

    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "any_value_is_missing"
    map_metric: ClassVar[str] = "multicolumn_values.rows_differ"
    args_keys = ("column_list",)
    success_keys = ("mostly",)


class RanksFollowScores(MulticolumnMapMetricProvider):
    """Metric behind `expect_ranks_to_follow_scores`."""

    condition_metric_name = "multicolumn_values.ranks_follow_scores"
    condition_domain_keys = _DOMAIN
    condition_value_keys = ()

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, **_: Any) -> pd.Series[bool]:  # noqa: N805
        return ranks_follow_scores(column_list)


class ExpectRanksToFollowScores(MulticolumnMapExpectation):
    """Columns group, score, rank: within a group no higher score has a worse rank than a lower one."""

    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "never"
    map_metric: ClassVar[str] = "multicolumn_values.ranks_follow_scores"
    args_keys = ("column_list",)
    success_keys = ("mostly",)


class RanksAreComplete(MulticolumnMapMetricProvider):
    """Metric behind `expect_ranks_to_be_complete`."""

    condition_metric_name = "multicolumn_values.ranks_are_complete"
    condition_domain_keys = _DOMAIN
    condition_value_keys = ()

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, **_: Any) -> pd.Series[bool]:  # noqa: N805
        return ranks_are_complete(column_list)


class ExpectRanksToBeComplete(MulticolumnMapExpectation):
    """Columns group, rank, size of the group: ranks run from 1 without gaps, but for places taken by a tie."""

    ignore_row_if: Literal["all_values_are_missing", "any_value_is_missing", "never"] = "never"
    map_metric: ClassVar[str] = "multicolumn_values.ranks_are_complete"
    args_keys = ("column_list",)
    success_keys = ("mostly",)
