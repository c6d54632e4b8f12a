"""What a rule does with cells left blank, in one Vietnamese sentence for the catalogue. Pure.

Derived from the rule as it is written, so that the catalogue cannot say something else. It must not import the library of
the rules: reading the catalogue must stay cheap. A rule of a type that is not known here states its own (meta `blank`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

SUMS_BLANKS: Final = "Mọi thành phần đều trống: bỏ qua; nếu có thành phần đã ghi thì ô trống tính là 0, kể cả ô tổng."
ANY_BLANK: Final = "Một trong các ô trống: bỏ qua."
ALL_BLANK: Final = "Mọi ô đều trống: bỏ qua; chỉ một phần trống thì vẫn xét."
NEVER_SKIPPED: Final = "Ô trống vẫn được xét."
OWN_BLANK: Final = "Ô trống: bỏ qua."
BLANK_IS_FAULT: Final = "Ô trống chính là lỗi."
BLANK_CELL: Final = "Ô trống không bị xét ở đây; ô bắt buộc mà trống là lỗi CELL-REQUIRED."
NO_CELL: Final = "Không xét ô trống."
NO_FIGURE: Final = "Ô trống không có số liệu nên không tính vào."

_BY_IGNORE: Final[Mapping[str, str]] = {
    "either_value_is_missing": ANY_BLANK,
    "any_value_is_missing": ANY_BLANK,
    "both_values_are_missing": ALL_BLANK,
    "all_values_are_missing": ALL_BLANK,
    "neither": NEVER_SKIPPED,
    "never": NEVER_SKIPPED,
}
_BY_TYPE: Final[Mapping[str, str]] = {
    "expect_parts_to_sum_to_total": SUMS_BLANKS,
    "expect_percent_to_match_ratio": ANY_BLANK,
    "expect_percents_to_sum_to_hundred": ANY_BLANK,
    "expect_column_values_to_not_be_null": BLANK_IS_FAULT,
    "expect_column_values_to_be_null": OWN_BLANK,
    "expect_compound_columns_to_be_unique": ALL_BLANK,
    "expect_select_column_values_to_be_unique_within_record": ALL_BLANK,
    "expect_multicolumn_sum_to_equal": ALL_BLANK,
}
_BY_CATEGORY: Final[Mapping[str, str]] = {"cell": BLANK_CELL}


def blank_policy(rule: Mapping[str, Any]) -> str:
    """The sentence for one rule of a suite (plain JSON); "" when it cannot be derived and the rule does not state it."""
    stated = rule.get("meta", {}).get("blank")
    if stated:
        return str(stated)
    kind, ignored = rule.get("type", ""), rule.get("kwargs", {}).get("ignore_row_if")
    if ignored is not None and not (kind == "expect_parts_to_sum_to_total" and ignored == "never"):
        return _BY_IGNORE.get(ignored, "")
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    if kind.startswith("expect_column_pair_"):
        return ALL_BLANK
    return OWN_BLANK if kind.startswith("expect_column_values_") else ""


def general_policy(category: str) -> str:
    """The sentence for a general code of `catalogue.yaml` that does not state its own."""
    return _BY_CATEGORY.get(category, NO_CELL)
