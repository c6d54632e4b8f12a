"""The "formed from" texts of the reorganisation: names, districts where named, hamlets as parts; nothing guessed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.register.entities import UnitType
from etl.register.predecessors import Predecessor, UnreadablePredecessors, parse_predecessors

WARD, COMMUNE, TOWNSHIP, HAMLET = UnitType.WARD, UnitType.COMMUNE, UnitType.TOWNSHIP, UnitType.HAMLET


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Phường Sông Hiến, Xã Hưng Đạo (thành phố Cao Bằng), Xã Hoàng Tung",
            [("Phường Sông Hiến", WARD, None), ("Xã Hưng Đạo", COMMUNE, "thành phố Cao Bằng"), ("Xã Hoàng Tung", COMMUNE, None)],
        ),
        ("Xóm Tổng Dùn, Xã Quảng Lâm", [("Xóm Tổng Dùn", HAMLET, None), ("Xã Quảng Lâm", COMMUNE, None)]),
        ("Thị trấn Tà Lùng, Xã Mỹ Hưng", [("Thị trấn Tà Lùng", TOWNSHIP, None), ("Xã Mỹ Hưng", COMMUNE, None)]),
        ("Xã Ngọc Động (huyện Quảng Hòa)", [("Xã Ngọc Động", COMMUNE, "huyện Quảng Hòa")]),
        ("Phường 16", [("Phường 16", WARD, None)]),
        ("  Xã A,Xã B ", [("Xã A", COMMUNE, None), ("Xã B", COMMUNE, None)]),
        (unicodedata.normalize("NFD", "Xã Đàm Thủy"), [("Xã Đàm Thủy", COMMUNE, None)]),
        ("giữ nguyên", []),
    ],
)  # fmt: skip
def test_what_a_text_says(text: str, expected: list[tuple[str, UnitType, str | None]]) -> None:
    found = parse_predecessors(text)
    assert [(part.name, part.type, part.district) for part in found] == expected
    assert [part.is_whole for part in found] == [kind is not HAMLET for _, kind, _ in expected]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Quảng Lâm",
        "Xã",
        "Xã Quảng Lâm,",
        "Xã Quảng Lâm và Xã Thạch Lâm (một phần)",
        "Phường Quán Thánh, một phần diện tích TN, quy mô dân số của các phường Cửa Nam, Điện Biên",
        "Phường Đội Cấn (phần còn lại sau khi sáp nhập vào phường Ba Đình)",
        "Xã phần còn lại của Thạch Lâm",
        "Xã Vĩnh Quang, Xã Vĩnh Quang",
        "Xã Vĩnh Quang (Bảo Lâm)",
    ],
)
def test_what_is_not_understood_to_the_last_word_is_refused(text: str) -> None:
    with pytest.raises(UnreadablePredecessors):
        parse_predecessors(text)


NAMES = st.lists(
    st.sampled_from(["Sông", "Hiến", "Đề", "Thám", "Ngọc", "Xuân", "Lý", "Bôn", "12"]), min_size=1, max_size=3
)
PARTS = st.builds(
    lambda kind, name, district: Predecessor(
        f"{kind} {' '.join(name)}", {"Phường": WARD, "Xã": COMMUNE, "Thị trấn": TOWNSHIP, "Xóm": HAMLET}[kind],
        f"huyện {' '.join(district)}" if district else None,
    ),
    st.sampled_from(["Phường", "Xã", "Thị trấn", "Xóm"]), NAMES, st.none() | NAMES,
)  # fmt: skip


@given(st.lists(PARTS, min_size=1, max_size=6, unique=True))
def test_what_is_written_is_read(parts: list[Predecessor]) -> None:
    text = ", ".join(f"{part.name} ({part.district})" if part.district else part.name for part in parts)
    assert parse_predecessors(text) == tuple(parts)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert all(part.name for part in parse_predecessors(text))
    except UnreadablePredecessors as error:
        assert str(error)
