"""The marts: titles, notes, columns, order. Data only; reading them is `etl.usecases.marts`.

A column's code is that of the view in sql/views; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from etl.labels import SEVERITY_LABELS, STATUS_LABELS
from etl.register.entities import UNIT_TYPE_LABELS
from etl.usecases.mart_model import Kind, Mart, MartColumn

UNIT_TYPE_WORDS: Final[Mapping[str, str]] = {kind.value: label for kind, label in UNIT_TYPE_LABELS.items()}
SCOPE_WORDS: Final[Mapping[str, str]] = {"tinh": "Toàn tỉnh", **UNIT_TYPE_WORDS}
YES_NO: Final[Mapping[str, str]] = {"true": "có", "false": "không"}
ROLE_WORDS: Final[Mapping[str, str]] = {"leader": "trưởng", "deputy": "phó", "member": "thành viên"}
PROPOSAL_WORDS: Final[Mapping[str, str]] = {
    "co_tinh": "Cờ thi đua của UBND tỉnh", "bk_tinh": "Bằng khen của Chủ tịch UBND tỉnh", "khong": "Không đề nghị",
}  # fmt: skip
AGGREGATION_WORDS: Final[Mapping[str, str]] = {
    "sum": "cộng các đơn vị", "last": "cộng số có đến cuối kỳ", "none": "không tổng hợp",
}  # fmt: skip


def _text(code: str, label: str, width: int = 30, words: Mapping[str, str] | None = None) -> MartColumn:
    return MartColumn(code, label, "text", width, words=words)


def _number(
    code: str, label: str, figure: str | None = None, kind: Kind = "count", group: str = "", width: int = 12
) -> MartColumn:
    return MartColumn(code, label, kind, width, figure, group=group)


_UNIT = (
    _text("unit", "Mã đơn vị", 14),
    _text("unit_name", "Đơn vị", 40),
    _text("unit_type", "Loại đơn vị", 24, UNIT_TYPE_WORDS),
)
_UNITS = (_number("units", "Số đơn vị có số liệu"), _number("estimated_units", "Trong đó: số ước thực hiện"))
_BY_UNIT = ("unit_type", "unit_name", "unit")

_PEOPLE = (
    ("tong_ca_nhan", "Tổng số cá nhân được tặng bằng khen"),
    ("lanh_dao_quan_ly", "Lãnh đạo, quản lý"),
    ("nguoi_lao_dong_truc_tiep", "Người lao động trực tiếp"),
    ("nu", "Nữ"),
    ("dan_toc_thieu_so", "Người dân tộc thiểu số"),
    ("doanh_nghiep", "Doanh nghiệp được tặng bằng khen"),
)
_SHARES = (
    ("ty_le_lanh_dao", "Tỷ lệ lãnh đạo, quản lý (%)"),
    ("ty_le_truc_tiep", "Tỷ lệ người lao động trực tiếp (%)"),
    ("ty_le_nu", "Tỷ lệ nữ (%)"),
    ("ty_le_dan_toc", "Tỷ lệ người dân tộc thiểu số (%)"),
)
_STRUCTURE = tuple(_number(code, label) for code, label in _PEOPLE) + tuple(
    _number(code, label, kind="percent") for code, label in _SHARES
)
_FUND = tuple(
    _number(code, label, kind="money", width=18)
    for code, label in (
        ("du_dau_ky", "Số dư đầu kỳ"),
        ("thu_ngan_sach", "Thu từ ngân sách nhà nước"),
        ("thu_dong_gop", "Thu từ đóng góp"),
        ("thu_khac", "Thu khác"),
        ("tong_thu", "Tổng thu trong kỳ"),
        ("chi_khen_thuong", "Chi tiền thưởng"),
        ("chi_khac", "Chi khác"),
        ("tong_chi", "Tổng chi trong kỳ"),
        ("du_cuoi_ky", "Số dư cuối kỳ"),
        ("chenh_lech", "Chênh lệch của phương trình quỹ"),
    )
)
_STAGES = (
    ("phat_hien", "Phát hiện", 1),
    ("boi_duong", "Bồi dưỡng", 5),
    ("tong_ket", "Tổng kết", 9),
    ("nhan_rong", "Nhân rộng", 13),
)
_SUBJECTS = (("", "Tổng số"), ("_tt", "Tập thể"), ("_ho", "Hộ gia đình"), ("_cn", "Cá nhân"))


def _with_figures(columns: tuple[MartColumn, ...], mart: str) -> tuple[MartColumn, ...]:
    """The same columns as figures of a mart with a row a scope."""
    return tuple(replace(column, figure=f"{mart}/{{scope}}/{column.code}") for column in columns)


_MARTS = (
    Mart(
        "board", "Tình hình nộp báo cáo", "Tình trạng của từng đơn vị phải báo cáo. Muộn tính theo ngày làm việc.", "board",
        (
            *_UNIT,
            _text("status", "Tình trạng", 16, STATUS_LABELS),
            MartColumn("due_at", "Hạn nộp", "instant", 18),
            MartColumn("accepted_at", "Nhận lúc", "instant", 18),
            _number("days_late", "Muộn (ngày làm việc)"),
            _number("attempts", "Số lần nộp"),
            _text("exempt_reason", "Lý do được miễn", 30),
            _text("inherited_by", "Đơn vị kế thừa", 14),
        ),
        _BY_UNIT,
    ),
    Mart(
        "coverage", "Độ phủ số liệu theo biểu", "Số đơn vị đã có số liệu được chấp nhận trên số đơn vị phải báo cáo.",
        "coverage_by_type",
        (
            _text("form", "Biểu", 8),
            _text("unit_type", "Loại đơn vị", 30, UNIT_TYPE_WORDS),
            _number("units_accepted", "Đã có số liệu"),
            _number("units_expected", "Phải báo cáo"),
            _number("units_beyond", "Được miễn nhưng vẫn gửi"),
            _number("units_estimated", "Ghi số ước thực hiện"),
        ),
        ("form", "unit_type"),
    ),
    Mart(
        "movement_result", "Kết quả các phong trào thi đua",
        "Tỷ lệ tính lại từ tổng của các đơn vị ghi đủ kế hoạch và thực hiện. Chỉ tiêu không cộng được (tỷ lệ, bình quân) "
        "không có số toàn tỉnh.",
        "movement_total",
        (
            _text("movement_name", "Phong trào", 44),
            _text("lead_unit_name", "Đơn vị chủ trì", 30),
            _text("lead_has_reported", "Đơn vị chủ trì đã báo cáo", 12, YES_NO),
            _text("indicator_name", "Chỉ tiêu", 40),
            _text("unit_of_measure", "Đơn vị tính", 12),
            _number("plan", "Kế hoạch cả năm", "F03/{row_key}/F03.ke_hoach", "decimal", width=14),
            _number("result", "Thực hiện trong kỳ", "F03/{row_key}/F03.thuc_hien", "decimal", width=14),
            _number("cumulative", "Lũy kế từ đầu năm", "F03/{row_key}/F03.luy_ke", "decimal", width=14),
            _number("rate", "Tỷ lệ thực hiện (%)", "F03/{row_key}/F03.ty_le", "percent"),
            _number("units", "Đơn vị có kết quả"),
            _number("units_asked", "Đơn vị được giao"),
            _number("estimated_units", "Trong đó: số ước thực hiện"),
            _text("aggregation", "Cách tổng hợp", 20, AGGREGATION_WORDS),
        ),
        ("movement_name", "movement", "indicator"), ("F03",),
    ),
    Mart(
        "movement_units", "Kết quả các phong trào thi đua theo đơn vị",
        "Số của từng đơn vị; tỷ lệ tính lại từ thực hiện và kế hoạch.",
        "movement_result",
        (
            _text("movement_name", "Phong trào", 44),
            _text("indicator_name", "Chỉ tiêu", 40),
            _text("unit_of_measure", "Đơn vị tính", 12),
            *_UNIT,
            _number("plan", "Kế hoạch cả năm", kind="decimal", width=14),
            _number("result", "Thực hiện trong kỳ", kind="decimal", width=14),
            _number("cumulative", "Lũy kế từ đầu năm", kind="decimal", width=14),
            _number("rate", "Tỷ lệ thực hiện (%)", kind="percent"),
        ),
        ("movement_name", "movement", "indicator", *_BY_UNIT), ("F03",),
    ),
    Mart("0601", "Biểu 0601.N/BNV-TĐKT: Số phong trào thi đua", "", forms=("F02",), form="F02"),
    Mart("0602", "Biểu 0602.N/BNV-TĐKT: Khen thưởng cấp Nhà nước", "Không gồm khen thưởng của Đảng.", forms=("F04",), form="F04"),
    Mart(
        "0603", "Biểu 0603.N/BNV-TĐKT: Khen thưởng cấp bộ, ban, ngành, tỉnh",
        "Không gồm khen thưởng của Đảng. Cột 6 là cột của tỉnh, không thuộc biểu 0603 và không cộng vào cột 1.",
        forms=("F05",), form="F05",
    ),
    Mart(
        "0604", "Biểu 0604.N/BNV-TĐKT: Tổ chức làm công tác thi đua, khen thưởng", "", forms=("F09",), form="F09",
        first_row="01", last_row="05",
    ),
    Mart(
        "0605", "Biểu 0605.N/BNV-TĐKT: Người làm công tác thi đua, khen thưởng", "", forms=("F09",), form="F09",
        first_row="06", last_row="22",
    ),
    Mart("base_awards", "Khen thưởng theo thẩm quyền cơ sở", "", forms=("F06",), form="F06"),
    Mart(
        "structure", "Cơ cấu đối tượng được tặng bằng khen cấp tỉnh",
        "Tỷ lệ tính lại từ tổng số của các đơn vị ghi đủ hai số, không lấy trung bình các tỷ lệ.", "structure",
        (_text("scope", "Phạm vi", 30, SCOPE_WORDS), *_with_figures(_STRUCTURE, "structure"), *_UNITS), ("scope",), ("F07",),
    ),
    Mart(
        "structure_units", "Cơ cấu đối tượng được tặng bằng khen theo đơn vị", "", "structure_unit", (*_UNIT, *_STRUCTURE),
        _BY_UNIT, ("F07",),
    ),
    Mart(
        "awards", "Khen thưởng theo cấp quyết định, hình thức, đối tượng, phương thức",
        "Từ danh sách quyết định (F14). Quyết định nhiều đơn vị cùng báo cáo chỉ tính một lần. Khen thưởng của Đảng để riêng.",
        "awards",
        (
            _text("level_name", "Cấp khen thưởng", 24),
            _text("issuer_name", "Cấp quyết định", 36),
            _text("award_name", "Danh hiệu, hình thức", 40),
            _text("subject_name", "Đối tượng", 14),
            _text("method_name", "Phương thức", 16),
            _number("value", "Số lượng", "awards/{row_key}/so_luong"),
            _number("lines", "Số dòng quyết định"),
            _number("units", "Số đơn vị báo cáo"),
            _number("duplicates", "Không tính vì trùng quyết định"),
            _number("bloc_only", "Không tính vì chỉ khối, cụm báo cáo"),
            _number("estimated_units", "Số đơn vị ghi số ước thực hiện"),
        ),
        ("place", "award_name", "subject_name", "method_name"), ("F14",),
    ),
    Mart(
        "award_check", "Đối chiếu biểu khen thưởng với danh sách quyết định",
        "Chênh lệch là số của biểu F04, F05, F06 trừ số cộng từ quyết định (F14), mỗi quyết định tính một lần.", "award_check",
        (
            _text("form", "Biểu", 8),
            _text("form_row", "Dòng", 8),
            _text("column_code", "Cột", 8),
            _text("label", "Nội dung", 50),
            _number("told", "Số của biểu", "@told_figure"),
            _number("decided", "Cộng từ quyết định", "award_check/{row_key}/theo_quyet_dinh"),
            _number("difference", "Chênh lệch"),
            _number("duplicates", "Không tính vì trùng quyết định"),
            _number("bloc_only", "Không tính vì chỉ khối, cụm báo cáo"),
        ),
        ("form", "place", "row_key"), ("F14", "F04", "F05", "F06"),
    ),
    Mart(
        "proposed", "Khen thưởng đã trình và đã có quyết định",
        "Còn chờ = tồn từ kỳ trước + đã trình − đã có quyết định. Đã trình không phải là đã được khen.", "proposed",
        (
            _text("label", "Danh hiệu, hình thức khen thưởng", 40),
            *(
                _number(f"{name}_{kind}", label, figure, group=group)
                for name, group, columns in (
                    ("ton", "Tồn từ kỳ trước", ("1", "2")),
                    ("trinh", "Đã trình trong kỳ", ("3", "4")),
                    ("quyet_dinh", "Đã có quyết định trong kỳ", ("5", "6")),
                    ("cho", "Còn chờ quyết định", ()),
                    ("bieu", "Theo biểu F04, F05", ()),
                    ("lech", "Chênh lệch", ()),
                )
                for place, (kind, label) in enumerate((("tt", "Tập thể"), ("cn", "Cá nhân")))
                for figure in [
                    f"F08/{{row_key}}/F08.{{row_key}}.{columns[place]}" if columns
                    else f"proposed/{{row_key}}/cho_{kind}" if name == "cho"
                    else f"@bieu_{kind}_figure" if name == "bieu" else None
                ]
            ),
            *_UNITS,
        ),
        ("place", "row_key"), ("F08",),
    ),
    Mart(
        "blocs", "Bình xét thi đua của khối, cụm",
        "Đề nghị suy từ thứ hạng theo tham số của tỉnh, đặt cạnh đề nghị của khối, cụm.", "blocs",
        (
            _text("bloc_name", "Khối, cụm", 36),
            _text("unit", "Mã đơn vị", 14),
            _text("unit_name", "Đơn vị thành viên", 40),
            _text("role", "Vai trò", 12, ROLE_WORDS),
            _number("own_score", "Điểm tự chấm", "blocs/{bloc}+{unit}/diem_tu_cham", "decimal"),
            _number("score", "Điểm bình xét", "blocs/{bloc}+{unit}/diem_binh_xet", "decimal"),
            _number("rank", "Thứ hạng", "blocs/{bloc}+{unit}/thu_hang"),
            _number("rank_by_score", "Hạng theo điểm"),
            _text("proposal", "Đề nghị của khối, cụm", 34, PROPOSAL_WORDS),
            _text("derived", "Đề nghị suy từ thứ hạng", 34, PROPOSAL_WORDS),
            _text("remark", "Điểm cần xem xét", 50),
        ),
        ("bloc_name", "bloc", "rank", "unit_name"), ("F11",),
    ),
    Mart(
        "exemplars", "Điển hình tiên tiến theo lĩnh vực và giai đoạn", "", "exemplars",
        (
            _text("label", "Lĩnh vực", 30),
            *(
                _number(f"{stage}{kind}", label, f"F12/{{row_key}}/F12.{{row_key}}.{first + place}", group=group)
                for stage, group, first in _STAGES
                for place, (kind, label) in enumerate(_SUBJECTS)
            ),
            *_UNITS,
        ),
        ("place", "row_key"), ("F12",),
    ),
    Mart(
        "fund", "Quỹ thi đua, khen thưởng",
        "Chênh lệch = số dư đầu kỳ + tổng thu − tổng chi − số dư cuối kỳ; bằng 0 là khớp.", "fund",
        (_text("scope", "Phạm vi", 30, SCOPE_WORDS), *_with_figures(_FUND, "fund"), *_UNITS), ("scope",), ("F10",),
    ),
    Mart("fund_units", "Quỹ thi đua, khen thưởng theo đơn vị", "", "fund_unit", (*_UNIT, *_FUND), _BY_UNIT, ("F10",)),
    Mart(
        "quality", "Chất lượng số liệu của từng đơn vị", "",
        "quality",
        (
            *_UNIT,
            _text("status", "Tình trạng", 16, STATUS_LABELS),
            _number("completeness", "Đầy đủ", kind="decimal"),
            _number("timeliness", "Đúng hạn", kind="decimal"),
            _number("validity", "Hợp lệ", kind="decimal"),
            _number("consistency", "Nhất quán", kind="decimal"),
            _number("corrections", "Ít phải sửa", kind="decimal"),
            _number("score", "Điểm chung", kind="decimal"),
            _number("cells_required", "Ô bắt buộc"),
            _number("cells_filled", "Ô bắt buộc đã điền"),
            _number("days_late", "Muộn (ngày làm việc)"),
            _number("errors", "Lỗi"),
            _number("warnings", "Cảnh báo"),
            _number("history_warnings", "Cảnh báo qua các kỳ"),
            _number("period_warnings", "Cảnh báo giữa các đơn vị"),
            _number("attempts", "Số lần nộp"),
        ),
        _BY_UNIT,
    ),
    Mart(
        "findings", "Lỗi, cảnh báo của từng đơn vị", "Của lần nộp mới nhất và của lần nộp đang được tính.", "findings",
        (
            *_UNIT,
            _text("is_counted", "Lần nộp đang được tính", 12, YES_NO),
            _text("severity", "Mức", 10, SEVERITY_LABELS),
            _text("code", "Mã", 22),
            _text("form", "Biểu", 8),
            _text("sheet", "Trang tính", 24),
            _text("cell", "Ô", 8),
            _text("message", "Nội dung", 60),
            _text("fix", "Cách sửa", 60),
            _text("reason", "Giải trình của đơn vị", 40),
        ),
        (*_BY_UNIT, "-is_counted", "severity", "form", "code", "cell"),
    ),
    Mart(
        "period_findings", "Điểm cần xem xét của cả kỳ", "Kết quả đối chiếu giữa các đơn vị ở lần tổng hợp gần nhất.",
        "period_finding",
        (
            _text("severity", "Mức", 10, SEVERITY_LABELS),
            _text("code", "Mã", 22),
            _text("subject", "Đối tượng", 40),
            _text("unit", "Mã đơn vị", 14),
            _text("form", "Biểu", 8),
            _text("message", "Nội dung", 60),
            _text("fix", "Việc cần làm", 60),
        ),
        ("severity", "code", "subject", "form", "row_key", "column_code"),
    ),
)  # fmt: skip

MARTS: Final[Mapping[str, Mart]] = {mart.code: mart for mart in _MARTS}
"""Every mart by its code, in the order in which the standing office reads them."""
