"""Vietnamese text typed with the old 8-bit fonts: recognises TCVN3 (ABC) and VNI, and says in Unicode what is meant.

A sheet typed with such a font holds Latin letters and signs ("Qu¸ch §ång Th¾ng", "Coäng hoøa") that only look right in
that font. Nothing in the file names the encoding, so words decide: no Vietnamese syllables before, Vietnamese syllables
after. One word proves nothing; a sheet does. Pure and import-light (the reading child loads it for CSV files); must not
touch a text that holds one letter of Unicode's own Vietnamese. The decomposed forms of Unicode are `etl.text.normalise`'s.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from typing import NamedTuple


class LegacyEncoding(StrEnum):
    """The old encodings; the value is the name that clerks know."""

    TCVN3 = "TCVN3 (ABC)"
    VNI = "VNI"


TONES = "\u0300\u0309\u0303\u0301\u0323"
"""huyền, hỏi, ngã, sắc, nặng: the order of both tables below."""
_VOWELS = "aăâeêioôơuưy"
FEWEST_WORDS = 3
"""Distinct words that only an old encoding explains, before a sheet is believed to be in it."""
_CLEAR_SHARE = 0.7
_MOST_WORDS = 400
"""Distinct odd words that are looked at: more would not change the answer."""


def _compose(letter: str, tone: str) -> str:
    return unicodedata.normalize("NFC", letter + tone)


def _make_tcvn3() -> dict[str, str]:
    """TCVN 5712:1993, VN3: one character a letter. Letters with a tone have no capitals: a second font draws those."""
    rows = {
        "a": "µ¶·¸¹", "ă": "»¼½¾Æ", "â": "ÇÈÉÊË", "e": "ÌÎÏÐÑ", "ê": "ÒÓÔÕÖ", "i": "×ØÜÝÞ",
        "o": "ßáâãä", "ô": "åæçèé", "ơ": "êëìíî", "u": "ïñòóô", "ư": "õö÷øù", "y": "úûüýþ",
    }  # fmt: skip
    table = {code: _compose(vowel, tone) for vowel in _VOWELS for code, tone in zip(rows[vowel], TONES, strict=True)}
    return table | dict(zip("¨©ª«¬\u00ad®¡¢£¤¥¦§", "ăâêôơưđĂÂÊÔƠƯĐ", strict=True))


def _make_vni() -> dict[str, str]:
    """VNI for Windows: most letters are a plain one and a mark after it. Capitals take capital marks, or small ones."""
    table: dict[str, str] = {}
    for vowels, marks in (("aeouyôö", "øûõùï"), ("aeo", "àåãáä"), ("a", "èúüéë")):
        for vowel in vowels:
            base = {"ô": "ơ", "ö": "ư"}.get(vowel, vowel)
            hat = {"à": {"a": "â", "e": "ê", "o": "ô"}, "è": {"a": "ă"}}.get(marks[0], {}).get(base, base)
            table |= {vowel + mark: _compose(hat, tone) for mark, tone in zip(marks, TONES, strict=True)}
    table |= {"aâ": "â", "eâ": "ê", "oâ": "ô", "aê": "ă"}
    table |= dict(zip("ìæóíòôöñî", ("ì", "ỉ", "ĩ", "í", "ị", "ơ", "ư", "đ", "ỵ"), strict=True))
    del table["yï"]  # ỵ is one character
    capitals = {}
    for code, letter in table.items():
        capitals[code.upper()] = letter.upper()
        capitals[code[0].upper() + code[1:]] = letter.upper()
    return table | capitals


LETTERS: Mapping[LegacyEncoding, Mapping[str, str]] = {
    LegacyEncoding.TCVN3: _make_tcvn3(),
    LegacyEncoding.VNI: _make_vni(),
}
"""What stands in the file -> the letter that is meant."""
_CODES = {
    encoding: re.compile("|".join(sorted(map(re.escape, letters), key=len, reverse=True)))
    for encoding, letters in LETTERS.items()
}

_ODD = re.compile("[\u00a1-\u00ff]")
_UNICODE = re.compile("[ĂăĐđĨĩŨũƠơƯư\u0300-\u0303\u0306\u0309\u031b\u0323\u1ea0-\u1ef9]")
"""What no old encoding writes: the text is Unicode, whatever else stands in it."""
_WORD = re.compile("[A-Za-z\u00a1-\uffff]+")

_SIGNS = re.compile(r"(?<=\d)[×÷](?=\d)|(?<=\d\s)[×÷](?=\s\d)")
"""Between numbers they mean what they are in every font, even in a sheet where × is the letter ì."""

_FRONT = "i ia ich im in inh ip it iu iêc iêm iên iêng iêp iêt iêu e ec em en eng eo ep et ê êch êm ên ênh êp êt êu"
_Y = "y ych ym yn ynh yp yt yu yêm yên yêng yêt yêu"
_BACK = (
    "a ac ach ai am an ang anh ao ap at au ay ăc ăm ăn ăng ăp ăt âc âm ân âng âp ât âu ây "
    "o oc oi om on ong ooc oong op ot oa oac oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn oăng oăt oe oen "
    "oeo oet ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt u uc ui um un ung up ut ua uân uâng uât uây uê uêch uên uênh uơ uy "
    "uya uych uyên uyêt uynh uyt uyu uôc uôi uôm uôn uông uôt ư ưa ưc ưi ưm ưn ưng ưt ưu ươc ươi ươm ươn ương ươp ươt ươu"
)
_SYLLABLE = re.compile(
    "(?:(?:b|ch|d|đ|g|gi|h|kh|l|m|n|nh|p|ph|r|s|t|th|tr|v|x)?(?:{all})|(?:c|ng)(?:{back})|(?:k|gh|ngh)(?:{front})"
    "|qu(?:[aăâeêiôơy](?:ch|c|i|m|nh|ng|n|o|p|t|u|y|ên|êt)?))".format(
        all="|".join(f"{_FRONT} {_Y} {_BACK}".split()),
        back="|".join(_BACK.split()),
        front="|".join(f"{_FRONT} {_Y}".split()),
    )
)
_STOPS = ("c", "p", "t", "ch")


def is_syllable(word: str) -> bool:
    """Whether a word is spelt like a Vietnamese syllable: onset, rhyme, at most one tone, and only sắc or nặng before a stop."""
    small = unicodedata.normalize("NFD", word.casefold().replace("ð", "đ"))
    bare = unicodedata.normalize("NFC", "".join(mark for mark in small if mark not in TONES))
    tones = len(small) - len("".join(mark for mark in small if mark not in TONES))
    if tones > 1 or _SYLLABLE.fullmatch(bare) is None:
        return False
    return not (tones and bare.endswith(_STOPS)) or "\u0301" in small or "\u0323" in small


class Weight(NamedTuple):
    """What a text says for and against the old encodings: counts of its words that hold other than plain letters."""

    is_unicode: bool
    before: int
    """Words that are syllables as they stand."""
    after: Mapping[LegacyEncoding, int]
    """Words that are syllables once converted."""
    odd: frozenset[str]
    """Words that are none as they stand."""


_NOTHING = Weight(False, 0, dict.fromkeys(LegacyEncoding, 0), frozenset())
_PROVEN = Weight(True, 0, dict.fromkeys(LegacyEncoding, 0), frozenset())


@lru_cache(maxsize=16384)
def weigh_text(text: str) -> Weight:
    """The evidence of one text. Signs that stand alone (a bullet, ×, µ) are no words."""
    if text.isascii() or _ODD.search(text) is None:
        return _PROVEN if _UNICODE.search(text) else _NOTHING
    if _UNICODE.search(text):
        return _PROVEN
    words = [word for word in _WORD.findall(text) if not word.isascii() and len(word) > 1]
    judged = [_judge_word(word) for word in words]
    odd = frozenset(word for word, (before, _) in zip(words, judged, strict=True) if not before)
    after = {encoding: sum(right[encoding] for _, right in judged) for encoding in LegacyEncoding}
    return Weight(False, sum(before for before, _ in judged), after, odd)


@lru_cache(maxsize=32768)
def _judge_word(word: str) -> tuple[bool, Mapping[LegacyEncoding, bool]]:
    """Whether a word is a syllable as it stands, and whether once converted."""
    return is_syllable(word), {encoding: is_syllable(decode(word, encoding)) for encoding in LegacyEncoding}


def detect_encoding(texts: Iterable[str]) -> LegacyEncoding | None:
    """The old encoding that the texts of one sheet (or file) are typed in, in whole or in part; None when in doubt."""
    odd = set(chain.from_iterable(weigh_text(text).odd for text in texts))
    if len(odd) < FEWEST_WORDS:
        return None
    looked_at = sorted(odd)[:_MOST_WORDS]
    counts = {encoding: sum(_judge_word(word)[1][encoding] for word in looked_at) for encoding in LegacyEncoding}
    best = max(counts, key=lambda encoding: counts[encoding])
    clear = counts[best] >= max(FEWEST_WORDS, _CLEAR_SHARE * len(looked_at))
    return best if clear and sum(count == counts[best] for count in counts.values()) == 1 else None


def is_pure(texts: Iterable[str], encoding: LegacyEncoding) -> bool:
    """Whether nothing in the texts speaks for Unicode: then words that could be either are the old encoding's too."""
    return all(not weight.is_unicode and weight.before <= weight.after[encoding] for weight in map(weigh_text, texts))


def is_typed_in(text: str, encoding: LegacyEncoding, *, pure: bool) -> bool:
    """Whether one text of a sheet that holds the encoding is typed in it. `pure`: see `is_pure`."""
    if text.isascii() or _ODD.search(text) is None:
        return False
    weight = weigh_text(text)
    if weight.is_unicode:
        return False
    return weight.after[encoding] > weight.before or (pure and weight.after[encoding] >= weight.before)


def decode(text: str, encoding: LegacyEncoding) -> str:
    """The text in Unicode (NFC). Letters that the encoding does not have, and signs between numbers, stay.

    TCVN3: capitals are restored from context.
    """
    letters = LETTERS[encoding]
    signs = {match.start() for match in _SIGNS.finditer(text)}
    plain = _CODES[encoding].sub(lambda match: match[0] if match.start() in signs else letters[match[0]], text)
    return _restore_capitals(text, plain) if encoding is LegacyEncoding.TCVN3 else plain


def _restore_capitals(coded: str, plain: str) -> str:
    """TCVN3 has no capitals with a tone. In "CéNG HßA" the other letters tell that the whole words are capitals; a single
    capital ("Tõ") counts only where every other word of the text is in capitals too."""
    words = list(_WORD.finditer(coded))
    states = [_count_case(match[0]) for match in words]
    all_capitals = any(upper > 1 for upper, _ in states) and not any(lower for _, lower in states)
    letters = list(plain)  # one character each: positions are those of the coded text
    for match, (upper, lower) in zip(words, states, strict=True):
        if not lower and (upper > 1 or all_capitals):
            letters[match.start() : match.end()] = plain[match.start() : match.end()].upper()
    return "".join(letters)


def _count_case(word: str) -> tuple[int, int]:
    """(capitals, small letters) of a coded word, without those that carry a tone: they cannot show their case."""
    upper = sum(letter in "¡¢£¤¥¦§" or (letter.isascii() and letter.isupper()) for letter in word)
    lower = sum(letter in "¨©ª«¬\u00ad®" or (letter.isascii() and letter.islower()) for letter in word)
    return upper, lower


def decode_bytes(data: bytes) -> str:
    """The text of a plain text file: by its byte order mark, as UTF-8, else as the 8-bit code page that makes Vietnamese.

    Windows-1258 comes out as Unicode. TCVN3 and VNI come out as the Latin letters that a workbook in those fonts would
    hold, for the same recognition as there.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    latin = _decode_latin(data)
    page = unicodedata.normalize("NFC", data.decode("cp1258", errors="replace"))
    right = sum(not word.isascii() and is_syllable(word) for word in _WORD.findall(page))
    weights = [weigh_text(line) for line in latin.splitlines()]
    others = [sum(weight.before for weight in weights)]
    others += [sum(weight.after[encoding] for weight in weights) for encoding in LegacyEncoding]
    return page if right > max(others) else latin


_UNDEFINED = {byte: chr(byte) for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
_WINDOWS_1252 = {byte: _UNDEFINED.get(byte) or bytes((byte,)).decode("cp1252") for byte in range(0x80, 0xA0)}


def _decode_latin(data: bytes) -> str:
    """Windows-1252; its five undefined bytes become control characters instead of stopping everything."""
    return data.decode("latin-1").translate(_WINDOWS_1252)
