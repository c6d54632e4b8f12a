"""One planted value: what it means and how the clerk wrote it. Pure.

The meaning is decided first and the writing made from it, never the other way: the generator reads nothing back, so a
mistake of the product's parser cannot slip into the answer key. It must not import parsing or validation.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from etl.templates.model import Scalar

NO_BREAK_SPACE = "\u00a0"
ZERO_WORDS = ("-", "–", "không", "ko", "không có", "chưa có")
LARGEST = Decimal(10) ** 15


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The meaning of a cell nobody can read: the finding it must give."""

    code: str


Meaning = Decimal | str | date | Unreadable | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A value as planted. `meaning` None is blank; percents are in points; `decimals` are those of the writing."""

    meaning: Meaning
    written: Scalar
    number_format: str | None = None
    formula: str | None = None
    decimals: int = 0


BLANK = Answer(None, None)


def write_plain(value: int | Decimal) -> Answer:
    """A number typed as a number."""
    exact = Decimal(value)
    return Answer(exact, _as_scalar(exact), decimals=_shown_decimals(exact))


def write_count(value: int, rng: Random) -> Answer:
    """A whole number: mostly a number, sometimes `04`, `1.415`, ` 12 ` or a word for nought."""
    chance = rng.random()
    if value == 0 and chance < 0.25:
        return Answer(Decimal(0), rng.choice(ZERO_WORDS))
    if value >= 1000 and chance < 0.25:
        return Answer(Decimal(value), group_thousands(value))
    if value < 10 and chance < 0.08:
        return Answer(Decimal(value), f"{value:02d}")
    if chance < 0.10:
        return Answer(Decimal(value), f"{NO_BREAK_SPACE}{value} ")
    return write_plain(value)


def write_decimal(value: Decimal, rng: Random) -> Answer:
    """A number that may have decimals: mostly a number, sometimes `1.234,5` as text."""
    chance = rng.random()
    if value == 0 and chance < 0.15:
        return Answer(value, rng.choice(ZERO_WORDS))
    if value != value.to_integral_value() and chance < 0.15:
        whole, _, fraction = f"{value:f}".partition(".")
        return Answer(value, f"{group_thousands(int(whole))},{fraction}", decimals=len(fraction))
    return write_plain(value)


def write_percent(value: Decimal, decimals: int, rng: Random) -> Answer:
    """A percentage in points with that many decimals: a number, `38,2`, `38,2%`, or a cell formatted as percent."""
    value = value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    chance = rng.random()
    if chance < 0.5:
        return write_plain(value)
    if chance < 0.7:
        return Answer(value, f"{value:f}".replace(".", ","), decimals=decimals)
    if chance < 0.8:
        return Answer(value, f"{value:f}".replace(".", ",") + rng.choice(("%", " %")), decimals=decimals)
    number_format = "0%" if decimals == 0 else f"0.{'0' * decimals}%"
    return Answer(value, float(value.scaleb(-2)), number_format=number_format, decimals=decimals)


def write_date(day: date, rng: Random) -> Answer:
    """A date: mostly a real one, sometimes `16/06/2026` or `ngày 16 tháng 6 năm 2026`."""
    chance = rng.random()
    if chance < 0.7:
        return Answer(day, day)
    if chance < 0.9:
        return Answer(day, f"{day:%d/%m/%Y}")
    return Answer(day, f"ngày {day.day:02d} tháng {day.month} năm {day.year}")


def write_text(text: str, rng: Random) -> Answer:
    """A text, sometimes decomposed (NFD) or with no-break blanks, as pasted from a web page or typed on a Mac."""
    chance = rng.random()
    if chance < 0.06:
        return Answer(text, unicodedata.normalize("NFD", text))
    if chance < 0.10:
        return Answer(text, text.replace(" ", NO_BREAK_SPACE))
    return Answer(text, text)


def write_blank(rng: Random) -> Answer:
    """Nothing: an empty cell, rarely the dots that say "not reported"."""
    return Answer(None, rng.choice(("…", "..."))) if rng.random() < 0.04 else BLANK


def write_not_applicable(rng: Random) -> Answer:
    """A cell that cannot have a figure: mostly the form's own `x`, sometimes a nought."""
    chance = rng.random()
    if chance < 0.9:
        return Answer(None, "x")
    if chance < 0.94:
        return write_plain(0)
    return Answer(None, "X") if chance < 0.97 else Answer(Decimal(0), "-")


def group_thousands(value: int) -> str:
    """`1415` → `1.415`."""
    return f"{value:,}".replace(",", ".")


def _as_scalar(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _shown_decimals(value: Decimal) -> int:
    """Decimals of the shortest writing of a number: a number cell keeps no trailing noughts."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
