"""Vietnamese text: one spelling to keep, keys to compare and sort by, numbers and dates as people here read them.

Pure functions of their arguments. It must not repair what a sender wrote: `normalise` only removes what nobody can see;
the keys are for matching and are never shown or stored as the text itself.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import lru_cache

from etl.calendar.deadlines import TIMEZONE

SortKey = tuple[tuple[tuple[int, tuple[int, ...], int], ...], str]
"""What `sort_key` gives: one item a word, then the text itself so that the order is total."""

_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0e-\x1b\x7f]")
_BLANKS = re.compile(r"\s+")
_LOOK_ALIKES = str.maketrans({"\u00f0": "đ", "\u0256": "đ", "\u00d0": "Đ", "\u0189": "Đ"})
_TONES = {"": 0, "\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0301": 4, "\u0323": 5}
"""Tones in dictionary order: none, huyền, hỏi, ngã, sắc, nặng."""
_ALPHABET = {letter: place for place, letter in enumerate("aăâbcdđeêfghijklmnoôơpqrstuưvwxyz", start=1)}
_TONE_MARKS = "\u0300\u0309\u0303\u0301\u0323"
_BEFORE_NUMBER = re.compile(r"^(?:(?:quyet dinh|qd|so)\s+)+(?=\d)")
_JOINING_BLANK = re.compile(r"(?<!\d)\s|\s(?!\d)")
_BEFORE_NAME = re.compile(r"^(?:(?:tập thể|cá nhân|hộ gia đình|gia đình|hộ|ông|bà|đồng chí)\s+)+")
_LEADING_NOUGHTS = re.compile(r"^0+(?=\d)")


def _compose(letter: str, tone: str) -> str:
    return unicodedata.normalize("NFC", letter + tone)


# "hoà" and "hòa", "thuý" and "thúy", "khoẻ" and "khỏe" are one word in two schools of writing the tone.
_TONE_PLACES = [
    (first + _compose(second, tone), _compose(first, tone) + second)
    for first, second in (("o", "a"), ("o", "e"), ("u", "y"))
    for tone in _TONE_MARKS
]
_Y_TO_I = {_compose("y", tone): _compose("i", tone) for tone in ("", *_TONE_MARKS)}
# "kỷ luật" and "kỉ luật", "tỷ lệ" and "tỉ lệ"; not "thúy" and "thúi", which are different words.
_FINAL_Y = re.compile(rf"(?<!\w)([hklmst])([{''.join(_Y_TO_I)}])(?!\w)")
_U_TO_I = {_compose("u", tone): _compose("i", tone) for tone in ("", *_TONE_MARKS)}
_FINAL_QUY = re.compile(rf"(?<!\w)q([{''.join(_U_TO_I)}])y(?!\w)")


@lru_cache(maxsize=65536)
def normalise(text: str) -> str:
    """The text without what cannot be seen: NFC, no zero-width or control characters, single blanks, no outer blanks.

    No-break and other special blanks become ordinary ones. Letters, case and punctuation stay as written.
    """
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", _INVISIBLE.sub("", text))).strip()


def normalise_lines(text: str) -> str:
    """`normalise` line by line, for what somebody typed into a box of several lines: lines stay, those without a text go."""
    return "\n".join(line for line in map(normalise, text.splitlines()) if line)


@lru_cache(maxsize=8192)
def comparison_key(text: str) -> str:
    """A key equal for spellings of the same Vietnamese words; diacritics count.

    Equal: case, Unicode form, blanks, any dash or other punctuation, the place of the tone (hòa, hoà), final i and y
    (kỷ, kỉ), the Icelandic eth typed for đ. Kept apart: a ă â, d đ, tones, digits, and the signs % + = < >.
    """
    key = unicodedata.normalize("NFC", normalise(text).translate(_LOOK_ALIKES).casefold()).translate(_LOOK_ALIKES)
    key = "".join(mark if _counts(mark) else " " for mark in key)
    # A mark left alone by a dropped sign may join the letter before it; compose again so that the key is stable.
    key = unicodedata.normalize("NFC", _BLANKS.sub(" ", key).strip())
    for new_place, old_place in _TONE_PLACES:
        key = key.replace(new_place, old_place)
    key = _FINAL_QUY.sub(lambda match: "qu" + _U_TO_I[match[1]], key)
    return _FINAL_Y.sub(lambda match: match[1] + _Y_TO_I[match[2]], key)


def _counts(mark: str) -> bool:
    category = unicodedata.category(mark)
    return category[0] in "LNM" or category in ("Sm", "Sc", "So") or mark == "%"


def fold(text: str) -> str:
    """`comparison_key` without diacritics and with d for đ: the last resort for text typed without them."""
    parts = unicodedata.normalize("NFD", comparison_key(text)).replace("đ", "d")
    return comparison_key("".join(mark for mark in parts if unicodedata.category(mark) != "Mn"))


def document_key(text: str) -> str:
    """A key equal for spellings of one document's number: "123/QĐ-UBND", "Số 0123 / QD–UBND", "123/qđ-ubnd".

    Case, diacritics, blanks, signs between letters, leading noughts and the words before the number do not count.
    Signs between digits do: 12/3 is not 123. "" when there is nothing but words like "số".
    """
    key = _BEFORE_NUMBER.sub("", fold(text))
    return _LEADING_NOUGHTS.sub("", _JOINING_BLANK.sub("", key))


def name_key(text: str) -> str | None:
    """A key equal for spellings of one name (`comparison_key`, without "ông", "tập thể" and the like before it); None for
    words that name nobody.

    "05 cá nhân", "Các tập thể theo danh sách kèm theo" stand in the reports of many units and are not the same people.
    """
    key = _BEFORE_NAME.sub("", comparison_key(text))
    return None if all(word.isdigit() or word in _NAMELESS for word in key.split()) else key


_NAMELESS = frozenset(
    comparison_key(
        "các những số có gồm và là thuộc của trong theo kèm danh sách quyết định tập thể cá nhân hộ gia đình người đơn vị "
        "cán bộ công chức viên chức nhân viên lao động công nhân nông dân chiến sĩ đồng chí ông bà phòng ban tổ đội khối "
        "nghiệp vụ tổng hợp trực thuộc thôn xóm dân phố cơ quan này nêu trên đính phụ lục"
    ).split()
)
"""Words that tell how many and of what kind, not who."""


@lru_cache(maxsize=16384)
def sort_key(text: str) -> SortKey:
    """Key for Vietnamese alphabetical order, word by word: letters first, the tone second; whole numbers by value.

    Order of letters: a ă â b c d đ e ê … o ô ơ … u ư …; of tones: none, huyền, hỏi, ngã, sắc, nặng.
    """
    clean = normalise(text)
    words = re.findall(r"\d+|[^\W\d_]+", unicodedata.normalize("NFC", clean.translate(_LOOK_ALIKES).casefold()))
    return tuple(_word_key(word) for word in words), clean


def _word_key(word: str) -> tuple[int, tuple[int, ...], int]:
    if word.isdecimal():
        # Length first, then digits, orders by value without making a number of what may be thousands of digits.
        digits = word.lstrip("0")
        return 0, (len(digits), *(int(digit) for digit in digits)), 0
    letters: list[int] = []
    tone = 0
    for letter in word:
        # Tone and letter are taken apart: the tone orders only words whose letters are equal.
        marks = unicodedata.normalize("NFD", letter)
        tone = max([tone, *(_TONES[mark] for mark in marks if mark in _TONES)])
        bare = unicodedata.normalize("NFC", "".join(mark for mark in marks if mark not in _TONES))
        letters.extend(_ALPHABET.get(part, 100 + ord(part)) for part in bare)
    return 1, tuple(letters), tone


def format_number(value: int | float | Decimal, decimals: int | None = None) -> str:
    """The number in Vietnamese writing, `1.234,5`.

    With `decimals` it is rounded half up to exactly that many; without, the value's own decimals, less trailing zeros.
    Raises ValueError for a number that is not finite.
    """
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(f"{value!r} cannot be written as a number: it is not finite")
    if decimals is not None and -exponent > decimals:
        # Decimal.quantize refuses results of more than 28 digits; rounding a shifted whole number does not.
        scaled = Decimal((sign, digits, exponent + decimals)).to_integral_value(ROUND_HALF_UP)
        number = Decimal((sign, scaled.as_tuple().digits, -decimals))
    plain = f"{number:,f}"
    sign_text = "-" if plain.startswith("-") else ""
    whole, _, fraction = plain.lstrip("-").partition(".")
    fraction = fraction.rstrip("0") if decimals is None else fraction.ljust(decimals, "0")
    grouped = whole.replace(",", ".")
    if not (whole + fraction).strip("0"):
        sign_text = ""
    return sign_text + grouped + (f",{fraction}" if fraction else "")


def format_date(day: date) -> str:
    """`dd/mm/yyyy`."""
    return f"{day.day:02d}/{day.month:02d}/{day.year:04d}"


def format_instant(instant: datetime) -> str:
    """`dd/mm/yyyy HH:MM` on a clock in Viet Nam. Raises ValueError for an instant without a time zone."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant!r} has no time zone: it is no instant")
    local = instant.astimezone(TIMEZONE)
    return f"{format_date(local)} {local.hour:02d}:{local.minute:02d}"


def percent_of(share: float) -> Decimal:
    """A share of 0 to 1 in percent with one decimal, rounded down: only all is 100,0; 99,96 % is not everybody."""
    # repr, not the binary value: 0.289 is 28,9 % although 0.289 as a binary fraction is a little less.
    return (Decimal(repr(share)) * 100).quantize(Decimal("0.1"), ROUND_DOWN)


def show_share(share: float | None) -> str:
    """`percent_of` in Vietnamese writing, `79,1 %`; a dash for none."""
    return "–" if share is None else f"{format_number(percent_of(share), 1)} %"


def capitalise(text: str) -> str:
    """The text with its first letter as a capital, the others as they are."""
    return text[:1].upper() + text[1:]


_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def show_name(name: str) -> str:
    """A file name that can be printed and stored: bytes that are no UTF-8, and control characters, as `\\xff`.

    Other names come back unchanged.
    """
    readable = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), readable)
