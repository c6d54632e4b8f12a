"""How values and expected values read in a finding: Vietnamese numbers, dates and answers. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from etl.forms.declaration import Value, ValueType
from etl.parsing.submission import ParsedCell
from etl.text import format_date, format_number
from etl.validation.arithmetic import SLOP
from etl.validation.frames import DECIMALS
from etl.validation.suites import Rule

_YES_NO_LABELS = {"yes": "Có", "no": "Không"}


def show_cell(cell: ParsedCell) -> str | None:
    """The value of a cell as its sender reads it; the raw text when it could not be read; None when empty."""
    value = cell.value
    if value.missing is not None:
        return cell.raw
    if value.number is not None:
        return format_number(value.number)
    return show_value(value.day if value.day is not None else value.text, cell.declared)


def show_value(value: Any, declared: Value | None = None) -> str | None:
    """A frame value in Vietnamese form; None for a blank."""
    if value is None or value is pd.NaT or (isinstance(value, float) and pd.isna(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return format_date(value.date())
    if isinstance(value, date):
        return format_date(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return format_number(_tidy(float(value)))
    text = str(value)
    if declared is not None and declared.type is ValueType.CHOICE:
        return next((choice.labels[0] for choice in declared.choices if choice.value == text), text)
    if declared is not None and declared.type is ValueType.YES_NO:
        return _YES_NO_LABELS.get(text, text)
    return text


def show_expected(
    rule: Rule, blamed: ParsedCell, values: Mapping[str, Any], cells: Mapping[str, ParsedCell | None]
) -> tuple[str | None, dict[str, str]]:
    """(what the rule would have accepted, further particulars for the message)."""
    kwargs = rule.kwargs
    if rule.expected_column is not None:
        return show_value(values.get(rule.expected_column)), {}
    if rule.type == "expect_parts_to_sum_to_total":
        return show_value(_sum(values, kwargs["column_list"][:-1])), {}
    if rule.type == "expect_value_to_be_at_most_share_of_parts":
        most = _sum(values, kwargs["column_list"][:-1]) * kwargs.get("share", 1.0)
        return show_value(math.floor(most + SLOP)), {}
    if rule.type == "expect_percents_to_sum_to_hundred":
        return "100", {"total": show_value(_sum(values, kwargs["column_list"][:-1])) or ""}
    if rule.type == "expect_percent_to_match_ratio":
        numerator, denominator, _, decimals = kwargs["column_list"]
        places = int(values[decimals]) if decimals.endswith(DECIMALS) else 2
        exact = 100 * float(values[numerator]) / float(values[denominator])
        # "Off by more than half a point" at no decimals would print the same whole number; two places tell more.
        return format_number(round(exact, places or 2)), {}
    if rule.type in ("expect_column_text_to_have_words", "expect_one_text_to_have_words"):
        return (f"từ {kwargs['at_least']} chữ trở lên" if kwargs["at_least"] > 1 else None), {}
    if rule.type == "expect_balance_to_close":
        opening, income, spending, _ = (values[name] for name in kwargs["column_list"])
        return show_value(_sum({"in": opening, "more": income}, ["in", "more"]) - _sum({"out": spending}, ["out"])), {}
    if rule.type == "expect_amount_to_be_near":
        return show_value(values[kwargs["column_list"][1]]), {}
    if rule.type == "expect_pair_to_be_listed":
        return _show_fellows(kwargs, blamed, values, cells)
    if "column_A" in kwargs:
        first, second = kwargs["column_A"], kwargs["column_B"]
        other = second if cells.get(first) is blamed else first
        return show_value(values.get(other), blamed.declared), {}
    if rule.type == "expect_column_values_to_be_between":
        highest = kwargs.get("max_value")
        return (format_number(_tidy(float(highest))) if highest is not None else None), {}
    return None, {}


def _show_fellows(
    kwargs: Mapping[str, Any], blamed: ParsedCell, values: Mapping[str, Any], cells: Mapping[str, ParsedCell | None]
) -> tuple[str | None, dict[str, str]]:
    """What the blamed cell could have said beside the other one of its pair; `other` is what that one says."""
    first, second = kwargs["column_list"]
    own, other = (0, 1) if cells.get(first) is blamed else (1, 0)
    name = (first, second)[other]
    beside = cells.get(name)
    fellows = dict.fromkeys(pair[own] for pair in kwargs["pairs"] if pair[other] == values.get(name))
    shown = [show_value(fellow, blamed.declared) or "" for fellow in fellows]
    said = show_value(values.get(name), beside.declared if beside is not None else None)
    return " hoặc ".join(shown) or None, {"other": said or ""}


def _sum(values: Mapping[str, Any], names: list[str]) -> float:
    return sum(float(values[name]) for name in names if not pd.isna(values[name]))


def _tidy(number: float) -> int | float:
    """A whole float as a whole number, others without the far end of binary fractions."""
    rounded = round(number, 6)
    return int(rounded) if rounded == int(rounded) else rounded
