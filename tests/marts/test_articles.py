"""What three provinces published for 2020 and 2021 comes out of the marts (domain brief §1.1 to §1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest
import sqlalchemy as sa

from etl.text import format_number
from etl.usecases.marts import MARTS, MartTable, read_mart
from tests.marts.old_province import REPORT
from tests.usecases.deliveries import Post


def table(post: Post, mart: str, period: str) -> MartTable:
    return read_mart(post.context, mart, REPORT, period)


def row(found: MartTable, **wanted: object) -> Mapping[str, object]:
    (one,) = [line for line in found.rows if all(line[name] == value for name, value in wanted.items())]
    return one


def shown(value: object, decimals: int) -> str:
    assert isinstance(value, Decimal)
    return format_number(value, decimals)


def test_bac_kan_2020_certificates_flags_titles(articles: Post) -> None:
    found = table(articles, "0603", "2020-A1")
    collectives, persons = row(found, code="02"), row(found, code="05")
    assert (collectives["c2"], persons["c2"]) == (245, 468)
    assert (collectives["c4"], collectives["c6"], persons["c3"]) == (36, 145, 64)
    assert persons["c5"] == 0


def test_bac_kan_2020_structure_is_made_of_the_sums(articles: Post) -> None:
    whole = row(table(articles, "structure", "2020-A1"), scope="Toàn tỉnh")
    assert (whole["tong_ca_nhan"], whole["lanh_dao_quan_ly"], whole["nguoi_lao_dong_truc_tiep"]) == (468, 179, 289)
    assert shown(whole["ty_le_lanh_dao"], 1) == "38,2"
    assert shown(whole["ty_le_truc_tiep"], 2) == "61,75"
    by_unit = table(articles, "structure_units", "2020-A1")
    assert [line["tong_ca_nhan"] for line in by_unit.rows] == [138, 180, 150]
    # Nội vụ, Nông nghiệp, Y tế, in Vietnamese order.
    assert [line["unit"] for line in by_unit.rows] == ["H99.SNV", "H99.SNN", "H99.SYT"]


def test_bac_kan_2020_badges_are_proposed_and_not_granted(articles: Post) -> None:
    found = table(articles, "proposed", "2020-A1")
    badges = row(found, label="Huy hiệu, kỷ niệm chương")
    assert (badges["trinh_cn"], badges["quyet_dinh_cn"], badges["cho_cn"]) == (425, 0, 425)
    flags = row(found, label="Cờ thi đua của Chính phủ")
    assert (flags["quyet_dinh_tt"], flags["bieu_tt"], flags["lech_tt"], flags["cho_tt"]) == (4, 4, 0, 0)
    state = table(articles, "0602", "2020-A1")
    assert (
        row(state, code="06")["c8"],
        row(state, code="09")["c9"],
        row(state, code="06")["c2"],
        row(state, code="09")["c3"],
    ) == (2, 6, 1, 3)


def test_bac_kan_2020_exemplars(articles: Post) -> None:
    total = table(articles, "exemplars", "2020-A1").rows[0]
    assert (total["nhan_rong_tt"], total["nhan_rong_ho"], total["nhan_rong_cn"], total["nhan_rong"]) == (31, 4, 83, 118)


def test_cao_bang_2021_election(articles: Post) -> None:
    found = table(articles, "movement_result", "2021-A1")
    voters = row(found, indicator_name="Số cử tri đi bầu")
    assert (voters["plan"], voters["result"]) == (370_409, 368_994)
    assert shown(voters["rate"], 1) == "99,6"
    assert (voters["units"], voters["units_asked"]) == (2, 2)
    elected = [
        row(found, indicator_name=f"Số đại biểu {name} trúng cử")
        for name in ("Quốc hội", "HĐND tỉnh", "HĐND huyện", "HĐND xã")
    ]
    assert [line["result"] for line in elected] == [6, 50, 315, 3048]
    # Only the standing office reported: one of the eight departments that were asked.
    assert [(line["units"], line["units_asked"]) for line in elected] == [(1, 8)] * 4
    assert elected[0]["lead_unit_name"] == "Sở Nội vụ" and elected[0]["lead_has_reported"] == "có"


def test_cao_bang_2021_awards_by_issuer_and_method(articles: Post) -> None:
    found = table(articles, "awards", "2021-A1")

    def number(award: str, subject: str, method: str) -> object:
        return row(found, award_name=award, subject_name=subject, method_name=method)["value"]

    certificate = "Bằng khen của Chủ tịch UBND tỉnh"
    assert (number(certificate, "Tập thể", "Chuyên đề"), number(certificate, "Cá nhân", "Chuyên đề")) == (36, 61)
    assert number(certificate, "Tập thể", "Thường xuyên") == 82
    pm = "Bằng khen của Thủ tướng Chính phủ"
    assert (number(pm, "Tập thể", "Chuyên đề"), number(pm, "Cá nhân", "Chuyên đề")) == (2, 2)
    orders = "Huân chương, huy chương khác"
    assert (number(orders, "Tập thể", "Thường xuyên"), number(orders, "Cá nhân", "Thường xuyên")) == (6, 6)
    assert number("Cờ thi đua của UBND tỉnh, của bộ, ban, ngành", "Tập thể", "Thường xuyên") == 19
    levels = [line["level_name"] for line in found.rows]
    assert levels == sorted(
        levels, key=["Cấp Nhà nước", "Cấp bộ, cấp tỉnh", "Khen thưởng của Đảng (không tính vào biểu 0602, 0603)"].index
    )


def test_cao_bang_2021_party_awards_stand_apart(articles: Post) -> None:
    found = table(articles, "awards", "2021-A1")
    party = {
        (line["award_name"], line["subject_name"]): line["value"]
        for line in found.rows
        if "Đảng" in str(line["level_name"])
    }
    assert party == {
        ("Cờ thi đua của Tỉnh ủy", "Tập thể"): 6, ("Bằng khen của cấp ủy", "Tập thể"): 9, ("Bằng khen của cấp ủy", "Cá nhân"): 29,
    }  # fmt: skip
    statutory = row(table(articles, "0603", "2021-A1"), code="01")
    assert (statutory["c1"], statutory["c2"], statutory["c4"]) == (198, 179, 19)
    checked = table(articles, "award_check", "2021-A1")
    assert {line["difference"] for line in checked.rows} == {0}
    assert row(checked, form="F05", form_row="02", column_code="2")["decided"] == 118
    assert row(checked, form="F05", form_row="12", column_code="1")["decided"] == 97
    assert row(checked, form="F04", form_row="01", column_code="1")["decided"] == 16


def test_lang_son_2021_ranks_and_proposals(articles: Post) -> None:
    found = table(articles, "blocs", "2021-A1")
    assert [(line["rank"], line["unit_name"], line["derived"], line["proposal"]) for line in found.rows[:4]] == [
        (1, "Sở Tài chính", "Cờ thi đua của UBND tỉnh", "Cờ thi đua của UBND tỉnh"),
        (2, "Văn phòng Đoàn ĐBQH và HĐND tỉnh", "Bằng khen của Chủ tịch UBND tỉnh", "Bằng khen của Chủ tịch UBND tỉnh"),
        (3, "Sở Ngoại vụ", "Bằng khen của Chủ tịch UBND tỉnh", "Bằng khen của Chủ tịch UBND tỉnh"),
        (4, "Sở Kế hoạch và Đầu tư", "Không đề nghị", "Không đề nghị"),
    ]
    assert len(found.rows) == 7
    assert {line["remark"] for line in found.rows} == {""}
    assert (found.rows[0]["role"], found.rows[3]["role"]) == ("trưởng", "phó")


@pytest.mark.parametrize("period", ["2020-A1", "2021-A1"])
def test_every_figure_named_in_a_mart_is_that_figure(articles: Post, period: str) -> None:
    """The id beside a value leads to a consolidated figure of that value, and its counted cells make it."""
    with articles.context.engine.connect() as connection:
        names = {"report": REPORT, "period": period}
        values = {
            line.figure: line
            for line in connection.execute(
                sa.text("SELECT * FROM mart.consolidated WHERE report = :report AND period = :period"), names
            )
        }
        cells: dict[str, list[sa.Row[tuple[object, ...]]]] = {}
        for cell in connection.execute(
            sa.text("SELECT * FROM mart.contribution WHERE report = :report AND period = :period AND counted"), names
        ):
            cells.setdefault(cell.figure, []).append(cell)
    seen = 0
    for code in MARTS:
        found = table(articles, code, period)
        for line, figures in zip(found.rows, found.figures, strict=True):
            for column, figure in figures.items():
                assert values[figure].value == line[column], figure
                seen += 1
    assert seen > 100
    for figure, made in values.items():
        of = cells[figure]
        if made.aggregation == "rate":
            part, whole = (sum(cell.number for cell in of if cell.role == role) for role in ("part", "whole"))
            assert made.value == pytest.approx(100 * part / whole if whole else None), figure
        else:
            assert made.value == sum(cell.number for cell in of if cell.role == "term"), figure
        assert made.units == len({cell.unit for cell in of}), figure
