"""Old fonts: what is typed in them is recognised and read, and nothing else is touched."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from etl.encodings import (
    LETTERS,
    LegacyEncoding,
    decode,
    decode_bytes,
    detect_encoding,
    is_pure,
    is_syllable,
    is_typed_in,
)
from etl.text import normalise
from tests.golden.old_ways import encode, in_compound, in_decomposed

TCVN3, VNI = LegacyEncoding.TCVN3, LegacyEncoding.VNI
TONES = "\u0300\u0309\u0303\u0301\u0323"
SMALL = "".join(unicodedata.normalize("NFC", letter + tone) for letter in "aăâeêioôơuưy" for tone in ("", *TONES)) + "đ"
PLAIN = "bcdghklmnpqrstvx .,;:-/()%0123456789"
VIETNAMESE = (
    "Sở Nội vụ", "Ủy ban nhân dân tỉnh Cao Bằng", "Kết quả thực hiện các phong trào thi đua", "Đơn vị báo cáo: xã Bảo Lâm",
    "Tập thể, hộ gia đình, cá nhân", "Toà án nhân dân", "Bảo hiểm xã hội", "Hoà An", "thuý", "khoẻ", "quyết định", "nghiêng",
    "công", "là", "Hà Quảng", "toàn tỉnh", "giếng", "gì", "quýt", "ngoằn ngoèo", "khuỷu", "nghề", "ước", "uống", "yêu", "oán",
    "Nông Thị Xuyến", "Lý Thường Kiệt", "Quách Đồng Thắng", "trong đó: doanh nghiệp", "x", "Pác Nặm", "Đắk Lắk", "Krông Búk",
)  # fmt: skip
FOREIGN = (
    "café", "résumé", "été", "thé", "né", "où", "à l'école", "réalisées", "activités", "garçon", "naïve", "Noël", "maïs", "laïc",
    "forêt", "château", "über", "für", "Größe", "Müller", "año", "São", "só", "Malmö", "smörgåsbord", "½", "5 µm", "·", "3 × 4",
    "25 °C", "m²", "© 2026", "Microsoft® Excel", "§ 5", "«", "»", "budget", "Việt Nam and résumé", "Bé", "Hà Nội",
)  # fmt: skip


def test_both_tables_mean_every_vietnamese_letter() -> None:
    capitals = SMALL.upper()
    assert set(LETTERS[VNI].values()) >= {letter for letter in SMALL + capitals if not letter.isascii()}
    assert set(LETTERS[TCVN3].values()) == {letter for letter in SMALL + "ĂÂÊÔƠƯĐ" if not letter.isascii()}
    assert len(set(LETTERS[TCVN3])) == 74


@pytest.mark.parametrize(
    ("coded", "encoding", "meant"),
    [
        ("Qu¸ch §ång Th¾ng", TCVN3, "Quách Đồng Thắng"),
        ("Céng hßa x· héi chñ nghÜa ViÖt Nam", TCVN3, "Cộng hòa xã hội chủ nghĩa Việt Nam"),
        ("§éc lËp - Tù do - H¹nh phóc", TCVN3, "Độc lập - Tự do - Hạnh phúc"),
        ("tr\u00ad\u00add", TCVN3, "trưưd"),
        ("Coäng hoøa xaõ hoäi chuû nghóa Vieät Nam", VNI, "Cộng hòa xã hội chủ nghĩa Việt Nam"),
        ("Ñoäc laäp - Töï do - Haïnh phuùc", VNI, "Độc lập - Tự do - Hạnh phúc"),
        ("UÛY BAN NHAÂN DAÂN TÆNH CAO BAÈNG", VNI, "ỦY BAN NHÂN DÂN TỈNH CAO BẰNG"),
        ("Ñöôøng Huøng Vöông, phöôøng Vónh Traïi, tyû leä kyõ thuaät", VNI, "Đường Hùng Vương, phường Vĩnh Trại, tỷ lệ kỹ thuật"),
    ],
)  # fmt: skip
def test_lines_typed_in_old_fonts(coded: str, encoding: LegacyEncoding, meant: str) -> None:
    assert decode(coded, encoding) == meant


@pytest.mark.parametrize(
    ("coded", "meant"),
    [
        ("CéNG HßA X· HéI CHñ NGHÜA VIÖT NAM", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"),
        ("ñY BAN NH¢N D¢N TØNH", "ỦY BAN NHÂN DÂN TỈNH"),
        ("GI¸M §èC", "GIÁM ĐỐC"),
        ("Tõ ngµy", "Từ ngày"),
        ("Së Néi vô", "Sở Nội vụ"),
        ("QuyÕt ®Þnh cña UBND tØnh", "Quyết định của UBND tỉnh"),
        ("Tõ", "Từ"),
        ("Bé GI¸O DôC", "BỘ GIÁO DỤC"),
    ],
)
def test_capitals_come_back_from_the_letters_around_them(coded: str, meant: str) -> None:
    """TCVN3 draws capitals with a tone in a second font; the file does not hold them."""
    assert decode(coded, TCVN3) == meant


@given(st.text(alphabet=SMALL + PLAIN + "bcdghk", max_size=60))
def test_small_letters_come_back_from_tcvn3(text: str) -> None:
    assume(re.search(r"\d\s?[ìữ]\s?\d", text) is None)  # × and ÷ in that font, and signs between numbers
    assert decode(encode(text, TCVN3), TCVN3) == text


@given(st.text(alphabet=SMALL + SMALL.upper() + PLAIN + PLAIN.upper(), max_size=60))
def test_every_letter_comes_back_from_vni(text: str) -> None:
    assert decode(encode(text, VNI), VNI) == text


SENTENCES = [text for text in VIETNAMESE if len(text.split()) > 2]


@pytest.mark.parametrize("encoding", list(LegacyEncoding))
@given(st.lists(st.sampled_from(SENTENCES), min_size=3, max_size=12, unique=True))
def test_a_sheet_of_old_text_is_recognised(encoding: LegacyEncoding, sentences: list[str]) -> None:
    texts = [encode(text.lower(), encoding) for text in sentences]
    assert detect_encoding(texts) is encoding
    for sentence, coded in zip(sentences, texts, strict=True):
        assert is_typed_in(coded, encoding, pure=True)
        assert decode(coded, encoding) == sentence.lower()


def untouched(texts: Sequence[str]) -> bool:
    return detect_encoding(texts) is None


@given(st.lists(st.sampled_from(VIETNAMESE + FOREIGN), max_size=40))
def test_unicode_and_foreign_words_are_never_touched(texts: list[str]) -> None:
    assert untouched(texts)
    assert untouched([in_decomposed(text) for text in texts])
    assert untouched([in_compound(text) for text in texts])
    assert untouched([text.upper() for text in texts])


@given(st.lists(st.text(alphabet=SMALL + SMALL.upper() + PLAIN, max_size=30), max_size=20))
def test_letters_of_unicode_in_any_order_are_never_touched(texts: list[str]) -> None:
    """Even what is no language: a text with a letter that only Unicode has is Unicode."""
    marked = [text + "ế" for text in texts]
    assert untouched(marked)
    assert not any(is_typed_in(text, encoding, pure=True) for text in marked for encoding in LegacyEncoding)


@given(st.lists(st.text(max_size=30), max_size=20))
def test_no_text_breaks_the_recognition(texts: list[str]) -> None:
    for encoding in LegacyEncoding:
        is_pure(texts, encoding)
        assert all(isinstance(decode(text, encoding), str) for text in texts)
    detect_encoding(texts)


def test_signs_between_numbers_are_no_letters() -> None:
    assert decode("Tû lÖ (05=04:01×100), 3 ÷ 4", TCVN3) == "Tỷ lệ (05=04:01×100), 3 ÷ 4"
    assert decode("× ¹ch", TCVN3) == "ì ạch"


def test_one_odd_word_proves_nothing() -> None:
    assert untouched(["Th¾ng"])
    assert untouched(["Th¾ng", "Th¾ng", "Th¾ng"])
    assert not untouched(["Qu¸ch §ång Th¾ng"])


def test_doubtful_words_follow_the_sheet() -> None:
    """ "mét" is một in TCVN3 and a word of its own in Unicode: what else stands in the sheet decides."""
    assert is_typed_in("mét", TCVN3, pure=True)
    assert not is_typed_in("mét", TCVN3, pure=False)
    assert is_pure(["mét", "Qu¸ch §ång Th¾ng"], TCVN3)
    assert not is_pure(["mét", "Qu¸ch §ång Th¾ng", "Đơn vị"], TCVN3)


@pytest.mark.parametrize(
    "word",
    ["nghiêng", "quốc", "gì", "giếng", "quýt", "ngoèo", "khuỷu", "yêu", "ước", "đ" + "ường", "oanh", "Thuý", "tuyết"],
)
def test_syllables(word: str) -> None:
    assert is_syllable(word)
    assert is_syllable(in_decomposed(word))


@pytest.mark.parametrize("word", ["viÖt", "Th¾ng", "phoøng", "résumé", "hàc", "kông", "cế", "ngế", "áá", "xyz", ""])
def test_what_is_no_syllable(word: str) -> None:
    assert not is_syllable(word)


TABLE = "Chỉ tiêu;Số lượng\r\nTập thể, hộ gia đình;12\r\nNgười trực tiếp công tác;289\r\n"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_bytes_of_unicode(codec: str) -> None:
    assert decode_bytes(TABLE.encode(codec)) == TABLE


def test_bytes_of_windows_1258() -> None:
    """The old Windows page of Vietnam: a letter with its hat, the tone after it."""
    assert normalise(decode_bytes(in_compound(TABLE).encode("cp1258"))) == normalise(TABLE)


@pytest.mark.parametrize("encoding", list(LegacyEncoding))
def test_bytes_of_old_fonts_come_as_a_workbook_would_hold_them(encoding: LegacyEncoding) -> None:
    coded = encode(TABLE, encoding)
    assert decode_bytes(coded.encode("latin-1")) == coded
    assert detect_encoding(coded.splitlines()) is encoding


def test_bytes_of_a_foreign_page() -> None:
    text = "Réalisé par l'équipe – “été” 2026\r\n" * 3
    assert decode_bytes(text.encode("cp1252")) == text


@given(st.binary(max_size=300))
def test_any_bytes_become_some_text(data: bytes) -> None:
    assert isinstance(decode_bytes(data), str)
