"""The arithmetic of the rules on columns of floats, NaN for blank. Pure; the policy for blanks is stated here once."""

from __future__ import annotations

import pandas as pd

SLOP = 1e-9
"""What binary fractions may add; far below the least real difference of counts under five million."""


def sums_match(columns: pd.DataFrame) -> pd.Series[bool]:
    """True where the last column is the sum of the others.

    All parts blank: nothing was broken down, so nothing can be wrong. Otherwise a blank part, and a blank total, is nought.
    """
    parts, total = columns.iloc[:, :-1], columns.iloc[:, -1]
    return parts.isna().all(axis=1) | ((parts.sum(axis=1) - total.fillna(0)).abs() <= SLOP)


def percents_match(columns: pd.DataFrame, over: str | float, up_to: float | None) -> pd.Series[bool]:
    """True unless the percentage is off by more than `over` and at most `up_to` points.

    Columns: numerator, denominator, percent in points, decimals. A denominator of nought has no percentage.
    """
    numerator, denominator, percent, decimals = (columns.iloc[:, place] for place in range(4))
    difference = (100 * numerator / denominator.where(denominator != 0) - percent).abs()
    rounding = 0.5 * 10.0 ** (-decimals) + SLOP
    least = rounding if over == "rounding" else float(over) + SLOP
    wrong = difference > least
    if up_to is not None:
        wrong &= difference <= up_to + SLOP
    return ~wrong


def percents_make_hundred(columns: pd.DataFrame) -> pd.Series[bool]:
    """True where the percentages (all columns but the last) sum to 100, or the count (last column) is nought."""
    return (columns.iloc[:, -1] == 0) | ((columns.iloc[:, :-1].sum(axis=1) - 100).abs() <= SLOP)
