"""The arithmetic of the rules on columns of floats, NaN for blank. Pure; the policy for blanks is stated here once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import pandas as pd

from etl.text import comparison_key

_WORD = re.compile(r"[^\W\d_]{2,}")
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


def texts_are_long_enough(columns: pd.DataFrame, at_least: int, unless_below: int) -> pd.Series[bool]:
    """True where one of the texts has at least so many words; also where the longest has fewer than `unless_below`.

    A word is two letters or more, so that dashes, dots, figures and a lone "x" are none. A blank has no words.
    """
    longest: pd.Series[int] = columns.apply(lambda texts: texts.map(count_words)).max(axis=1)
    return (longest >= at_least) | (longest < unless_below)


def count_words(text: object) -> int:
    """Words of a text; 0 for a blank."""
    return len(_WORD.findall(text)) if isinstance(text, str) else 0


def stays_within_share(columns: pd.DataFrame, share: float) -> pd.Series[bool]:
    """True where the last column is at most that share of the sum of the others, or blank; blank parts are nought.

    So a figure that nothing stands against is too much: granted awards beside an empty cell of proposed ones.
    """
    parts, value = columns.iloc[:, :-1], columns.iloc[:, -1]
    return value.isna() | (value <= parts.sum(axis=1) * share + SLOP)


def balances_close(columns: pd.DataFrame, floor: float | None = None) -> pd.Series[bool]:
    """True where closing = opening + income - spending (columns in the order opening, income, spending, closing).

    Opening, income and spending all blank: nothing to hold against. Otherwise a blank is nought. A balance that would end
    under `floor` is left to the rule on what was spent.
    """
    opening, income, spending, closing = (columns.iloc[:, place].fillna(0) for place in range(4))
    due = opening + income - spending
    right = columns.iloc[:, :3].isna().all(axis=1) | ((due - closing).abs() <= SLOP)
    return right if floor is None else right | (due < floor - SLOP)


def amounts_are_near(columns: pd.DataFrame) -> pd.Series[bool]:
    """True where the amount is within the tolerance of what is due (columns amount, due, tolerance), or one is unknown."""
    amount, due, tolerance = (columns.iloc[:, place] for place in range(3))
    return ~((amount - due).abs() > tolerance + SLOP)


def pairs_are_listed(columns: pd.DataFrame, pairs: Iterable[Sequence[object]]) -> pd.Series[bool]:
    """True where the two columns hold one of the pairs."""
    listed = {tuple(pair) for pair in pairs}
    found = [pair in listed for pair in zip(columns.iloc[:, 0], columns.iloc[:, 1], strict=True)]
    return pd.Series(found, index=columns.index, dtype=bool)


def rows_differ(columns: pd.DataFrame) -> pd.Series[bool]:
    """False for a row that says the same as one before it; texts that are only spelt otherwise are the same."""
    return ~columns.map(lambda value: comparison_key(value) if isinstance(value, str) else value).duplicated(
        keep="first"
    )


def ranks_follow_scores(columns: pd.DataFrame) -> pd.Series[bool]:
    """False for a rank worse than that of a lower score in the same group (columns group, score, rank); blanks are left out."""
    right = pd.Series(True, index=columns.index)
    for _, rows in columns.groupby(columns.columns[0], sort=False):
        ranked = [(score, rank) for score, rank in zip(rows.iloc[:, 1], rows.iloc[:, 2], strict=True) if rank == rank]
        for at, score, rank in zip(rows.index, rows.iloc[:, 1], rows.iloc[:, 2], strict=True):
            right[at] = not any(other < score and above < rank for other, above in ranked)
    return right


def ranks_are_complete(columns: pd.DataFrame) -> pd.Series[bool]:
    """False for a rank that does not follow the one before it: 1, 2, 2, 4 (columns group, rank, size of the group).

    Only a whole group can be judged: every rank there, and as many rows as the group has members.
    """
    right = pd.Series(True, index=columns.index)
    for _, rows in columns.groupby(columns.columns[0], sort=False):
        ranks = rows.iloc[:, 1]
        if ranks.isna().any() or not (rows.iloc[:, 2] == len(rows)).all():
            continue
        due = 1.0
        for rank, times in ranks.value_counts().sort_index().items():
            right[rows.index[ranks == rank]] = rank == due
            due = float(str(rank)) + int(times)
    return right
