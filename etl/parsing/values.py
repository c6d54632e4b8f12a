"""One raw cell to one value: numbers, dates, choices as Vietnamese clerks type them. Pure; never raises on a cell.

What a text can mean is decided by the field's type (domain brief §6): "1.415" is 1415 in a count, and "61.75" is 61,75 in
a percentage but no number at all in a count. A doubtful text is a finding, never a guess.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal

from etl.forms.declaration import NUMBER_TYPES, Value, ValueType
from etl.reading.grid import Cell, CellKind
from etl.text import comparison_key, normalise

Missing = Literal["blank", "not_applicable", "not_reported", "bad", "absent"]
"""Why there is no value: empty cell; `x`; `…`; unreadable (there is a finding); the row or column is not in the file."""

MAX_DECIMALS = 6
MOST_TYPED_DECIMALS = 30
"""More is no figure but a cell full of digits, which no database stores."""
MOST_CHOICES_SHOWN = 8
_BEYOND_FIGURES = Decimal(10) ** 30
"""No rule can calculate with such a number: as a binary fraction it may be infinite, and one cell would stop a batch."""

_ZEROS = {"-", "–", "—", "không", "ko", "không có", "chưa có", "chưa"}
_NOT_APPLICABLE = {"x"}
_NOT_REPORTED = {"…", "...", "..", "……"}
_APPROXIMATE = re.compile(r"^(hơn|gần|khoảng|trên|dưới|xấp xỉ|chừng|ước|~|≈|>=?|<=?|≥|≤)\s*\d", re.IGNORECASE)
_PLAIN = re.compile(r"^\d+$")
_SERIAL = re.compile(r"^\d{5}$", re.ASCII)
_GROUPED = re.compile(r"^[1-9]\d{0,2}(\.\d{3})+$|^[1-9]\d{0,2}( \d{3})+$")
_GROUPED_DECIMAL = re.compile(r"^([1-9]\d{0,2}(?:\.\d{3})+),(\d+)$")
_COMMA_DECIMAL = re.compile(r"^(\d+),(\d+)$")
_DOT_DECIMAL = re.compile(r"^(\d+)\.(\d+)$")
_FOREIGN_GROUPS = re.compile(r"^\d{1,3}(,\d{3})+(\.\d+)?$")
_SIGN = re.compile(r"^[-−–]\s*(?=\d)|^\((?=\d[\d.,]*\)$)")
_DAYS = ("thứ hai", "thứ ba", "thứ tư", "thứ năm", "thứ sáu", "thứ bảy", "chủ nhật")
_WEEKDAYS = (
    {f"t{number}": number - 2 for number in range(2, 8)}
    | {f"thứ {number}": number - 2 for number in range(2, 8)}
    | {name: day for day, name in enumerate(_DAYS)}
    | {"thứ bẩy": 5, "cn": 6}
)
_DATE = re.compile(
    rf"^(?:({'|'.join(_WEEKDAYS)})\b\s*,?\s*)?(?:ngày\s+)?(\d{{1,2}})\s*[/.\-]\s*(\d{{1,2}})\s*[/.\-]\s*(\d{{4}}|\d{{2}})"
    r"(?:\s*[-,]?\s*\d{1,2}:\d{2}(?::\d{2})?)?$",
    re.IGNORECASE,
)
_ISO_DATE = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?$")
_WORDED_DATE = re.compile(
    r"^(?:[^\d,]+,\s*)?(?:ngày\s+)?(\d{1,2})\s+tháng\s+(\d{1,2})\s*,?\s+năm\s+(\d{4})\.?$", re.IGNORECASE
)
_LITERALS = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
"""What a number format only prints; `0.0"%"` shows a per cent sign but does not multiply by 100."""
_EXCEL_EPOCH = date(1899, 12, 30)
_YES, _NO = "yes", "no"
_YES_NO = dict.fromkeys(("có", "yes", "y", "đúng", "true"), _YES) | dict.fromkeys(
    ("không", "no", "n", "ko", "sai", "false"), _NO
)


@dataclass(frozen=True, slots=True)
class ParsedValue:
    """One of `number`, `text`, `day`, or the reason there is none; `problem` is a CELL-* code when it is bad."""

    number: Decimal | None = None
    text: str | None = None
    day: date | None = None
    decimals: int | None = None
    missing: Missing | None = None
    problem: str | None = None
    expected: str | None = None


BLANK = ParsedValue(missing="blank")


def _bad(problem: str, expected: str | None = None) -> ParsedValue:
    return ParsedValue(missing="bad", problem=problem, expected=expected)


def parse_value(cell: Cell | None, declared: Value) -> ParsedValue:
    """The value of a cell by its declared type. Never raises: what cannot be read is `missing="bad"` with its code."""
    if cell is None:
        return BLANK
    kind = declared.type
    if kind in NUMBER_TYPES:
        return _parse_figure(cell, kind)
    unreadable = _explain_unreadable(cell)
    if unreadable is not None:
        return unreadable
    text = normalise(cell.text)
    if not text:
        return BLANK
    if kind is ValueType.DATE:
        return _parse_date(cell, text)
    if kind is ValueType.YES_NO:
        answer = _YES_NO.get(text.casefold())
        return ParsedValue(text=answer) if answer else _bad("CELL-NOT-CHOICE", "Có, Không")
    if kind is ValueType.CHOICE:
        answer = declared.answers.get(comparison_key(text))
        return ParsedValue(text=answer) if answer else _bad("CELL-NOT-CHOICE", _show_choices(text, declared))
    if cell.kind is CellKind.DATE and kind is ValueType.CODE:
        return _bad("CELL-NOT-TEXT")
    return _as_text(text)


def _explain_unreadable(cell: Cell) -> ParsedValue | None:
    """Why nothing of any type can be read there; None when something can."""
    if cell.kind is CellKind.ERROR:
        return _bad("CELL-ERROR")
    if cell.kind is CellKind.UNCACHED:
        return _bad("CELL-UNCACHED")
    if cell.kind is CellKind.INVALID:
        return _bad(cell.number_format or "JSON-TYPE", "số, chữ, true, false hoặc null")
    return None


@lru_cache(maxsize=65536)
def _parse_figure(cell: Cell, kind: ValueType) -> ParsedValue:
    """Of a cell that should hold a number. The same few thousand numbers stand in most reports, so answers are kept."""
    unreadable = _explain_unreadable(cell)
    if unreadable is not None:
        return unreadable
    text = normalise(cell.text)
    return _parse_number(cell, text, kind) if text else BLANK


@lru_cache(maxsize=65536)
def _as_text(text: str) -> ParsedValue:
    return ParsedValue(text=text)


def displayed_decimals(text: str, number_format: str | None) -> int:
    """Digits after the comma that the sender sees: by the number format where it has places, else as typed."""
    typed = len(text.partition(".")[2]) if "." in text else 0
    places = _format_places(number_format)
    if places is None:
        return min(typed, MAX_DECIMALS)
    fixed, optional = places
    return min(max(fixed, min(typed, fixed + optional)), MAX_DECIMALS)


@lru_cache(maxsize=1024)
def _format_places(number_format: str | None) -> tuple[int, int] | None:
    if not number_format or number_format in {"General", "@"}:
        return None
    body = _LITERALS.sub("", number_format).partition(";")[0]
    if not re.search(r"[0#]", body):
        return None
    after = re.search(r"\.([0#?]+)", body)
    digits = after[1] if after else ""
    return digits.count("0"), digits.count("#") + digits.count("?")


def _parse_number(cell: Cell, text: str, kind: ValueType) -> ParsedValue:
    if cell.kind is CellKind.NUMBER:
        return _check_number(_from_cell_number(cell, kind), kind)
    if cell.kind is not CellKind.TEXT:
        return _bad("CELL-NOT-NUMBER")
    word = text.casefold()
    if word in _ZEROS:
        return ParsedValue(number=Decimal(0), decimals=0)
    if word in _NOT_APPLICABLE:
        return ParsedValue(missing="not_applicable")
    if word in _NOT_REPORTED:
        return ParsedValue(missing="not_reported")
    if _APPROXIMATE.match(text):
        return _bad("CELL-APPROXIMATE")
    if kind is ValueType.PERCENT:
        text = text.removesuffix("%").rstrip()
    sign = _SIGN.match(text)
    digits = text[sign.end() :].removesuffix(")") if sign else text
    found = _from_digits(digits, kind)
    if isinstance(found, str):
        return _bad(found)
    number, decimals = found
    return _check_number((-number if sign else number, decimals), kind)


def _from_cell_number(cell: Cell, kind: ValueType) -> tuple[Decimal, int]:
    try:
        number = Decimal(cell.text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= _BEYOND_FIGURES:
        return number, 0
    if kind is ValueType.PERCENT and "%" in _LITERALS.sub("", cell.number_format or ""):
        number = number.scaleb(2).normalize()
        # A cell formatted as a percentage shows points, whatever a binary fraction adds at the far end.
        return number, displayed_decimals(format(number, "f"), cell.number_format)
    return number, displayed_decimals(cell.text, cell.number_format)


def _from_digits(digits: str, kind: ValueType) -> tuple[Decimal, int] | str:
    """(number, decimals typed), or the CELL-* code of what is wrong with the digits."""
    if _PLAIN.match(digits):
        return Decimal(digits), 0
    if _GROUPED.match(digits) and kind is not ValueType.PERCENT:
        return Decimal(digits.replace(".", "").replace(" ", "")), 0
    if (found := _GROUPED_DECIMAL.match(digits)) and len(found[2]) <= MOST_TYPED_DECIMALS:
        return Decimal(f"{found[1].replace('.', '')}.{found[2]}"), min(len(found[2]), MAX_DECIMALS)
    if _FOREIGN_GROUPS.match(digits) and (kind is ValueType.COUNT or "." in digits):
        return "CELL-AMBIGUOUS"
    found = _COMMA_DECIMAL.match(digits)
    if found is None:
        found = _DOT_DECIMAL.match(digits)
        # "38.248" in a percentage may be 38,248 or 38 thousand: nobody can tell.
        if found and len(found[2]) == 3 and found[1] != "0":
            return "CELL-AMBIGUOUS"
    if found and len(found[2]) <= MOST_TYPED_DECIMALS:
        return Decimal(f"{found[1]}.{found[2]}"), min(len(found[2]), MAX_DECIMALS)
    return "CELL-NOT-NUMBER"


def _check_number(found: tuple[Decimal, int], kind: ValueType) -> ParsedValue:
    number, decimals = found
    if not number.is_finite():
        return _bad("CELL-NOT-NUMBER")
    if number < 0 and kind is not ValueType.MONEY:
        return _bad("CELL-NEGATIVE")
    if abs(number) >= _BEYOND_FIGURES:
        return _bad("CELL-TOO-LARGE")
    if kind is ValueType.COUNT:
        if number != number.to_integral_value():
            return _bad("CELL-NOT-WHOLE")
        return ParsedValue(number=number.to_integral_value() + 0, decimals=0)
    return ParsedValue(number=number, decimals=decimals)


def _show_choices(text: str, declared: Value) -> str:
    """What the cell may say; of a long list the nearest few, since nobody reads thirty."""
    labels = [choice.labels[0] for choice in declared.choices]
    separator = "; " if any("," in label for label in labels) else ", "
    if len(labels) <= MOST_CHOICES_SHOWN:
        return separator.join(labels)
    written = comparison_key(text)
    near = [label for label in labels if written in comparison_key(label)] if written else []
    near = near or difflib.get_close_matches(text, labels, n=MOST_CHOICES_SHOWN, cutoff=0.3)
    return separator.join([*near[:MOST_CHOICES_SHOWN], "hoặc mục khác trong danh sách của ô"])


def _parse_date(cell: Cell, text: str) -> ParsedValue:
    if cell.kind is CellKind.DATE:
        try:
            return ParsedValue(day=datetime.fromisoformat(cell.text).date())
        except ValueError:
            return _bad("CELL-NOT-DATE")
    if cell.kind is CellKind.NUMBER and _SERIAL.match(cell.text) and 36526 <= int(cell.text) <= 73050:
        # A date whose cell lost its date format: Excel's serial number of the years 2000 to 2099.
        return ParsedValue(day=_EXCEL_EPOCH + timedelta(days=int(cell.text)))
    day = read_date(text)
    return ParsedValue(day=day) if day else _bad("CELL-NOT-DATE")


def read_date(text: str) -> date | None:
    """A date as typed: 16/06/2026, 6/1/26, 16.6.2026, 2026-06-16, "ngày 16 tháng 6 năm 2026"; None when it is none.

    Day before month. Month before day is read only where a weekday tag ("T6, 01/21/2022", as some portals stamp) proves it.
    """
    if found := _ISO_DATE.match(text):
        return _make_date(int(found[1]), int(found[2]), int(found[3]))
    if found := _WORDED_DATE.match(text):
        return _make_date(int(found[3]), int(found[2]), int(found[1]))
    found = _DATE.match(text)
    if not found:
        return None
    first, second, year = int(found[2]), int(found[3]), int(found[4])
    year += 2000 if year < 100 else 0
    usual, foreign = _make_date(year, second, first), _make_date(year, first, second)
    if found[1]:
        weekday = _WEEKDAYS.get(found[1].casefold())
        return next((day for day in (usual, foreign) if day and day.weekday() == weekday), None)
    return usual


def _make_date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
