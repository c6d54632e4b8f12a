"""True figures and texts of F01, F02, F09 and F12 for one unit in one period. Pure.

Consistent by construction: movements, people and exemplars are drawn one by one and then counted, so that every way of
counting gives the same total. It must not know cells or workbooks: `etl.sample.fill_basics` writes these down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random

from etl.register.model import UnitType
from etl.sample.figures import SCALES, draw_number

Counts = Counter[tuple[str, str]]
"""(row code, column code) → number."""

MOVEMENT_BLOCKS: Mapping[str, Sequence[Sequence[str]]] = {
    "2018.1": (("02", "03"), ("04", "05", "06", "07"), ("08", "09")),
    "2023.1": (("02", "03", "04", "05"), ("06", "07", "08", "09", "10"), ("11", "12")),
}
"""Layout of F02 → the rows of scope, of term and of method."""
MOVEMENT_LEVELS: Mapping[str, Sequence[str]] = {"2018.1": ("2", "3"), "2023.1": ("2", "3", "4")}
STAFF_BLOCKS = (
    ("07", "08", "09", "10", "11"),
    ("12", "13", "14", "15", "16", "17"),
    ("18", "19", "20", "21", "22"),
)
ORGANISATIONS = ("02", "03", "04", "05")
EXEMPLAR_FIELDS = ("02", "03", "04", "05", "06", "07", "08", "09")
STAGES = (("1", ("2", "3", "4")), ("5", ("6", "7", "8")), ("9", ("10", "11", "12")), ("13", ("14", "15", "16")))
"""Column of the total of each stage of F12, and of its collectives, households and individuals; first stage first."""
SECTIONS = ("01", "02", "03", "04", "05", "06", "07", "08", "09", "10")

_SENTENCES: Mapping[str, Sequence[str]] = {
    "01": (
        "Ban hành {n} kế hoạch, {m} công văn chỉ đạo phong trào thi đua của {unit}.",
        "Kế hoạch số {n}/KH ngày {d}/{k}/{year} giao chỉ tiêu thi đua cho {m} bộ phận trực thuộc.",
        "Tổ chức ký giao ước thi đua giữa {m} đầu mối vào ngày {d}/{k}.",
        "Kiện toàn Hội đồng Thi đua - Khen thưởng gồm {k} thành viên, phân công phụ trách từng lĩnh vực.",
        "Cấp ủy họp {k} lần nghe báo cáo tiến độ thực hiện các phong trào.",
    ),
    "02": (
        "Phong trào chung sức xây dựng nông thôn mới huy động {n} ngày công và {m} hộ hiến đất.",
        "Đã vận động {n} triệu đồng giúp {m} hộ nghèo sửa nhà.",
        "Phong trào văn hóa công sở được {unit} đưa vào tiêu chí xếp loại hằng tháng của {m} người.",
        "Có {m} sáng kiến về chuyển đổi số được áp dụng, rút ngắn {n} giờ làm việc.",
    ),
    "03": (
        "Thực hiện phong trào do tỉnh phát động, {unit} đăng ký {m} công trình, hoàn thành {k} công trình.",
        "Đợt thi đua cao điểm {n} ngày đêm có {m} tập thể tham gia.",
        "Giải ngân vốn đạt {p} phần trăm kế hoạch, vượt tiến độ {k} tuần.",
    ),
    "04": (
        "Khối thi đua chấm điểm chéo {k} đợt, {unit} đạt {p} điểm.",
        "Cơ quan phát động {k} đợt thi đua ngắn ngày gắn với nhiệm vụ chuyên môn.",
        "Có {m} người được biểu dương trong phong trào người tốt, việc tốt.",
    ),
    "05": (
        "Phát hiện {m} nhân tố mới, bồi dưỡng {k} mô hình tiêu biểu của {unit}.",
        "Đã đăng {n} tin, bài giới thiệu gương điển hình trên trang thông tin điện tử.",
    ),
    "06": (
        "Khen thưởng theo thẩm quyền {n} lượt tập thể, cá nhân, trình cấp trên khen {m} trường hợp.",
        "Trong số người được khen có {n} người lao động trực tiếp, {k} người giữ chức vụ quản lý.",
        "Hồ sơ đề nghị khen thưởng của {unit} được xét công khai, {m} hồ sơ bị trả lại để bổ sung.",
        "Việc chi tiền thưởng kèm theo {n} quyết định bảo đảm đúng quy định.",
    ),
    "07": (
        "Bố trí {k} người làm công tác thi đua, khen thưởng theo chế độ kiêm nhiệm.",
        "Kiểm tra {m} đơn vị trực thuộc, nhắc nhở {k} đơn vị nộp báo cáo muộn.",
    ),
    "08": (
        "Việc phát hiện gương điển hình ở {unit} chưa thường xuyên, mới có {m} trường hợp.",
        "Nội dung thi đua của {k} bộ phận còn chung chung, chưa có chỉ tiêu đo đếm được.",
        "Nguyên nhân do cán bộ kiêm nhiệm {q} việc, ít thời gian theo dõi phong trào.",
        "Khen thưởng người lao động trực tiếp mới đạt {p} phần trăm, thấp hơn yêu cầu.",
    ),
    "09": (
        "Năm sau tập trung {m} nhiệm vụ trọng tâm, phấn đấu có {k} mô hình mới.",
        "Tiếp tục đổi mới cách tổ chức phong trào, gắn với {m} chỉ tiêu kinh tế - xã hội của {unit}.",
    ),
    "10": (
        "Đề nghị tập huấn nghiệp vụ cho {m} cán bộ kiêm nhiệm trong quý {q}.",
        "Đề nghị cấp trên sớm hướng dẫn {k} nội dung còn vướng mắc.",
    ),
}


def draw_text(section: str, unit: str, year: str, rng: Random) -> str:
    """A section of the narrative: two or three sentences with figures of their own, ten words or more."""
    pool = _SENTENCES[section]
    chosen = rng.sample(pool, min(len(pool), rng.randint(2, 3)))
    return " ".join(sentence.format(unit=unit, year=year, **_draw_slots(rng)) for sentence in chosen)


def _draw_slots(rng: Random) -> dict[str, int]:
    ranges = {"n": (20, 180), "m": (3, 60), "k": (1, 12), "d": (1, 28), "p": (35, 98), "q": (1, 4)}
    return {name: rng.randint(*between) for name, between in ranges.items()}


def draw_movement_counts(version: str, unit_type: UnitType, share_of_year: float, rng: Random) -> Counts:
    """F02 in that layout: every movement has a level, a scope, a term and a method."""
    counts: Counts = Counter()
    for level in MOVEMENT_LEVELS[version]:
        for _ in range(draw_number(rng, 2.5 * min(2.0, SCALES[unit_type]) * share_of_year)):
            for column in ("1", level):
                counts["01", column] += 1
            for block in MOVEMENT_BLOCKS[version]:
                row = rng.choice(block)
                for column in ("1", level):
                    counts[row, column] += 1
    return counts


def draw_staff(unit_type: UnitType, is_office: bool, rng: Random) -> Counts:
    """F09: organisations, and people each of one sex, age, education and seniority."""
    counts: Counts = Counter()
    kinds = ORGANISATIONS[2:] if is_office else ORGANISATIONS[1:2]
    for _ in range(1 + is_office if is_office or rng.random() < 0.5 else 0):
        row = rng.choice(kinds)
        counts[row, "1"] += 1
        counts["01", "1"] += 1
    for _ in range(1 + draw_number(rng, 1.5 * SCALES[unit_type])):
        columns = ("1", "2") if rng.random() < 0.5 else ("1",)
        for row in ("06", *(rng.choice(block) for block in STAFF_BLOCKS)):
            for column in columns:
                counts[row, column] += 1
    return counts


def draw_exemplars(unit_type: UnitType, share_of_year: float, rng: Random) -> Counts:
    """F12: what was found, less of it nurtured, still less reviewed, and spread."""
    counts: Counts = Counter()
    for field in EXEMPLAR_FIELDS:
        for subject in range(3):
            number = draw_number(rng, (0.8, 0.3, 1.2)[subject] * SCALES[unit_type] * share_of_year)
            for total, parts in STAGES:
                for row in ("01", field):
                    counts[row, total] += number
                    counts[row, parts[subject]] += number
                number = rng.randint(number // 2, number)
    return counts
