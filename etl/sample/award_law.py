"""Who grants what to whom, what it is worth and where it is counted, as the sample's own oracle knows it. Pure.

Transcribed from the domain brief (§3.4, §3.7, §4.2), not read from the register's awards.csv: a slip in one of them shows as
a difference between `check` and the answer key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

TO_COLLECTIVE, TO_HOUSEHOLD, TO_INDIVIDUAL = "tap_the", "ho_gia_dinh", "ca_nhan"
Cell = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Law:
    """An award: its name, who grants it, and by kind of recipient the coefficient and the cell (form, row, column)."""

    name: str
    issuers: tuple[str, ...]
    kinds: Mapping[str, tuple[str | None, Cell | None]]

    @property
    def is_party(self) -> bool:
        return self.issuers == ("co_quan_dang",)


def _law(name: str, issuers: str, **kinds: str) -> Law:
    """An award from text: `kind="coefficient form.row.column"`, a dash for what there is none of."""
    read: dict[str, tuple[str | None, Cell | None]] = {}
    for kind, text in kinds.items():
        coefficient, place = text.split()
        form, row, column = place.split(".") if place != "-" else ("", "", "")
        read[kind] = (None if coefficient == "-" else coefficient, (form, row, column) if form else None)
    return Law(name, tuple(issuers.split("|")), read)


AWARDS: Mapping[str, Law] = {
    "HCLD1": _law("Huân chương Lao động hạng Nhất", "chu_tich_nuoc", tap_the="18 F04.06.2", ca_nhan="9 F04.09.3"),
    "HCLD2": _law("Huân chương Lao động hạng Nhì", "chu_tich_nuoc", tap_the="15 F04.06.2", ca_nhan="7.5 F04.09.3"),
    "HCLD3": _law("Huân chương Lao động hạng Ba", "chu_tich_nuoc", tap_the="9 F04.06.2", ca_nhan="4.5 F04.09.3"),
    "HHC": _law("Huân chương, huy chương khác", "chu_tich_nuoc", tap_the="- F04.06.2", ca_nhan="- F04.09.3"),
    "GT_HCM": _law("Giải thưởng Hồ Chí Minh", "chu_tich_nuoc", tap_the="- F04.01.4", ca_nhan="- F04.01.4"),
    "GT_NN": _law("Giải thưởng Nhà nước", "chu_tich_nuoc", tap_the="- F04.01.5", ca_nhan="- F04.01.5"),
    "DHVD": _law("Danh hiệu vinh dự Nhà nước", "chu_tich_nuoc", tap_the="- F04.01.6", ca_nhan="- F04.01.6"),
    "CO_CP": _law("Cờ thi đua của Chính phủ", "chinh_phu", tap_the="12 F04.06.7"),
    "BK_TTG": _law(
        "Bằng khen của Thủ tướng Chính phủ",
        "chinh_phu",
        tap_the="7 F04.06.8",
        ho_gia_dinh="5.25 -",
        ca_nhan="3.5 F04.09.9",
    ),
    "CSTD_TQ": _law("Chiến sĩ thi đua toàn quốc", "chinh_phu", ca_nhan="4.5 F04.09.10"),
    "KHEN_NN_KHAC": _law(
        "Khen thưởng cấp Nhà nước khác",
        "chu_tich_nuoc|chinh_phu",
        tap_the="- F04.01.11",
        ho_gia_dinh="- F04.01.11",
        ca_nhan="- F04.01.11",
    ),
    "BK_TINH": _law(
        "Bằng khen của Chủ tịch UBND tỉnh",
        "ubnd_tinh",
        tap_the="3 F05.02.2",
        ho_gia_dinh="2.25 F05.04.2",
        ca_nhan="1.5 F05.05.2",
    ),
    "BK_BO": _law(
        "Bằng khen của bộ, ban, ngành, đoàn thể Trung ương",
        "bo_nganh",
        tap_the="3 F05.02.2",
        ho_gia_dinh="2.25 F05.04.2",
        ca_nhan="1.5 F05.05.2",
    ),
    "CSTD_TINH": _law("Chiến sĩ thi đua cấp bộ, cấp tỉnh", "ubnd_tinh|bo_nganh", ca_nhan="3 F05.05.3"),
    "CO_TINH": _law("Cờ thi đua của UBND tỉnh, của bộ, ban, ngành", "ubnd_tinh|bo_nganh", tap_the="8 F05.02.4"),
    "KNC": _law("Huy hiệu, kỷ niệm chương", "ubnd_tinh|bo_nganh", ca_nhan="0.6 F05.05.5"),
    "TTLD_XS": _law("Tập thể Lao động xuất sắc, Đơn vị quyết thắng", "ubnd_tinh|bo_nganh", tap_the="1.5 F05.02.6"),
    "XA_TIEU_BIEU": _law("Xã, phường, đặc khu tiêu biểu", "ubnd_tinh", tap_the="2 -"),
    "GIAY_KHEN": _law(
        "Giấy khen",
        "so_nganh|ubnd_xa|doanh_nghiep",
        tap_the="0.6 F06.01.1",
        ho_gia_dinh="0.45 F06.02.1",
        ca_nhan="0.3 F06.03.1",
    ),
    "TTLD_TT": _law(
        "Tập thể Lao động tiên tiến, Đơn vị tiên tiến", "so_nganh|ubnd_xa|doanh_nghiep", tap_the="0.8 F06.04.1"
    ),
    "CSTD_CS": _law("Chiến sĩ thi đua cơ sở", "so_nganh|ubnd_xa|doanh_nghiep", ca_nhan="1 F06.05.1"),
    "LDTT": _law("Lao động tiên tiến, Chiến sĩ tiên tiến", "so_nganh|ubnd_xa|doanh_nghiep", ca_nhan="0.3 F06.06.1"),
    "THON_VH": _law("Thôn, tổ dân phố văn hóa", "ubnd_xa", tap_the="1.5 F06.08.1"),
    "GD_VH": _law("Gia đình văn hóa", "ubnd_xa", ho_gia_dinh="0.1 F06.09.1"),
    "CO_DANG": _law("Cờ thi đua của Tỉnh ủy", "co_quan_dang", tap_the="- -"),
    "BK_DANG": _law("Bằng khen của cấp ủy", "co_quan_dang", tap_the="- -", ca_nhan="- -"),
    "GK_DANG": _law("Giấy khen của cấp ủy", "co_quan_dang", tap_the="- -", ca_nhan="- -"),
    "HH_DANG": _law("Huy hiệu Đảng", "co_quan_dang", ca_nhan="- -"),
}
ISSUERS = {
    "chu_tich_nuoc": "Chủ tịch nước",
    "chinh_phu": "Chính phủ, Thủ tướng Chính phủ",
    "bo_nganh": "Bộ, ban, ngành, đoàn thể Trung ương",
    "ubnd_tinh": "UBND tỉnh, Chủ tịch UBND tỉnh",
    "so_nganh": "Thủ trưởng sở, ban, ngành và tương đương",
    "ubnd_xa": "Chủ tịch UBND xã, phường, đặc khu",
    "doanh_nghiep": "Giám đốc doanh nghiệp, hợp tác xã",
    "co_quan_dang": "Tỉnh ủy, cơ quan của Đảng",
}
KINDS = {TO_COLLECTIVE: "Tập thể", TO_HOUSEHOLD: "Hộ gia đình", TO_INDIVIDUAL: "Cá nhân"}
BASE_ISSUERS = ("so_nganh", "ubnd_xa", "doanh_nghiep")
CERTIFICATES = ("BK_TTG", "BK_TINH", "BK_BO")
LOCAL_TITLES = ("THON_VH", "GD_VH")
LOCAL_UNIT_TYPES = ("commune", "ward", "special_zone")
METHOD_NAMES = {
    "thuong_xuyen": "Thường xuyên", "chuyen_de": "Chuyên đề", "dot_xuat": "Đột xuất", "doi_ngoai": "Đối ngoại",
    "cong_hien": "Cống hiến", "nien_han": "Niên hạn", "khang_chien": "Kháng chiến",
}  # fmt: skip
ROUNDING = Decimal(10_000)
_MONEY_FROM, _MONEY_TO = date(2025, 7, 1), date(2027, 2, 28)
_SALARIES = ((date(2026, 7, 1), Decimal(2_530_000)), (date(2024, 7, 1), Decimal(2_340_000)))


def list_cells() -> dict[Cell, list[tuple[str, str]]]:
    """Cell of F04, F05, F06 → the awards and kinds counted in it."""
    found: dict[Cell, list[tuple[str, str]]] = {}
    for code, law in AWARDS.items():
        for kind, (_, cell) in law.kinds.items():
            if cell is not None:
                found.setdefault(cell, []).append((code, kind))
    return found


def tie_code(cell: Cell) -> str:
    """The code of the finding that a cell does not agree with the list of decisions."""
    form, row, column = cell
    return f"X-F14-{form}-{row}" + ("" if form == "F06" else f"-{column}")


def bonus_of(award: str, kind: str, day: date) -> Decimal | None:
    """The bonus of one recipient in đồng, unrounded; nought for an award of the Party, None where it is not known."""
    law = AWARDS[award]
    if law.is_party:
        return Decimal(0) if day >= _MONEY_FROM else None
    coefficient = law.kinds.get(kind, (None, None))[0]
    if coefficient is None or not _MONEY_FROM <= day <= _MONEY_TO:
        return None
    return Decimal(coefficient) * next(amount for since, amount in _SALARIES if day >= since)
