"""Makes the template of the narrative report's draft, etl/export/templates/bao-cao.docx. Run after changing it here:

    .venv/bin/python -m tools.make_report_template

The outline is that of the domain brief §4.1 (a composite of five published reports and of TT 01/2024/TT-BNV Điều 3); its wording
is configuration: a province may edit the file itself in a word processor, keeping what stands in braces. The layout of the head
follows the form of administrative documents (NĐ 30/2020/NĐ-CP, Phụ lục I): issuing body left, national motto right.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any, Final

import docx
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

TARGET: Final = Path(__file__).resolve().parent.parent / "etl" / "export" / "templates" / "bao-cao.docx"
FONT: Final = "Times New Roman"
_MOTTO: Final = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM\nĐộc lập – Tự do – Hạnh phúc"
_CENTER, _LEFT = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.LEFT


def make_template() -> bytes:
    """The template as .docx, the same bytes every time."""
    document = docx.Document()
    _set_up(document)
    _write_head(document)
    _write_sections(document)
    _write_appendices(document)
    _write_page_number(document.sections[0])
    target = io.BytesIO()
    document.save(target)
    return _without_times(target.getvalue())


def _set_up(document: Any) -> None:
    style = document.styles["Normal"]
    style.font.name, style.font.size = FONT, Pt(13)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), FONT)
    style.paragraph_format.space_after = Pt(6)
    style.paragraph_format.line_spacing = 1.15
    section = document.sections[0]
    # NĐ 30/2020: margins 20–25, 20–25, 30–35, 15–20 mm.
    section.orientation = WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.top_margin = section.bottom_margin = Cm(2)
    section.left_margin, section.right_margin = Cm(3), Cm(1.8)


def _write_head(document: Any) -> None:
    table = document.add_table(rows=2, cols=2)
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    for column, width in zip(table.columns, (7.0, 9.4), strict=True):
        column.width = Cm(width)
        for cell in column.cells:
            cell.width = Cm(width)
    cells = (
        ("{{ don_vi_chu_quan }}\n{{ co_quan }}\n–––––––", f"{_MOTTO}\n–––––––––––––––"),
        ("Số:        /BC-", "{{ dia_danh }}, ngày … tháng … năm …"),
    )  # fmt: skip
    for row, texts in zip(table.rows, cells, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.paragraphs[0].alignment = _CENTER
            run = cell.paragraphs[0].add_run(text)
            run.font.size = Pt(12)
            run.bold = row is table.rows[0] or row._tr is table.rows[0]._tr
            run.italic = text.startswith("{{ dia_danh")
    document.add_paragraph()
    _line(document, "BÁO CÁO", bold=True, size=14, align=_CENTER)
    _line(document, "{{ tieu_de }}", bold=True, size=14, align=_CENTER)
    _line(document, "({{ ky }})", align=_CENTER, italic=True)
    _line(
        document,
        "DỰ THẢO do phần mềm lập từ số liệu các đơn vị đã gửi, {{ thoi_diem }}; {{ pham_vi }}. {{ trang_thai }} "
        "Cơ quan thường trực Hội đồng rà soát, sửa lời văn trước khi trình ký.",
        italic=True, size=11,
    )  # fmt: skip


def _write_sections(document: Any) -> None:
    _heading(document, "I. CÔNG TÁC LÃNH ĐẠO, CHỈ ĐẠO")
    _excerpts(document, "trich_i")
    _heading(document, "II. KẾT QUẢ THỰC HIỆN CÁC PHONG TRÀO THI ĐUA")
    _line(
        document,
        "Trong kỳ, các cơ quan, đơn vị, địa phương đã tổ chức {{r so.phong_trao }} phong trào thi đua; trong đó cấp trung ương "
        "phát động {{r so.phong_trao_tw }}, tỉnh phát động {{r so.phong_trao_tinh }}, cơ quan, tổ chức, đơn vị phát động "
        "{{r so.phong_trao_don_vi }} phong trào (biểu 0601).",
    )
    _line(
        document,
        "Kết quả một số chỉ tiêu của các phong trào (tỷ lệ tính từ tổng của những đơn vị ghi đủ cả kế hoạch và thực hiện, nên có "
        "thể khác với thương của hai cột bên cạnh):",
    )
    _table(
        document, "dong in chi_tieu",
        (("Phong trào – chỉ tiêu", "{{ dong.ten }}"), ("Đơn vị tính", "{{ dong.don_vi_tinh }}"),
         ("Kế hoạch năm", "{{r dong.ke_hoach }}"), ("Thực hiện", "{{r dong.thuc_hien }}"), ("Tỷ lệ (%)", "{{r dong.ty_le }}")),
        (6.6, 2.2, 2.6, 2.6, 2.0),
    )  # fmt: skip
    _heading(document, "1. Các phong trào thi đua do Thủ tướng Chính phủ phát động", level=2)
    _excerpts(document, "trich_ii_1")
    _heading(document, "2. Các phong trào thi đua do tỉnh phát động", level=2)
    _excerpts(document, "trich_ii_2")
    _heading(document, "3. Các phong trào thi đua do cơ quan, cụm, khối phát động", level=2)
    _excerpts(document, "trich_ii_3")
    _heading(document, "III. CÔNG TÁC PHÁT HIỆN, BỒI DƯỠNG, TỔNG KẾT, NHÂN RỘNG ĐIỂN HÌNH TIÊN TIẾN")
    _line(
        document,
        "Đã phát hiện {{r so.phat_hien }}, bồi dưỡng {{r so.boi_duong }}, tổng kết {{r so.tong_ket }}, nhân rộng "
        "{{r so.nhan_rong }} điển hình tiên tiến.",
    )
    _excerpts(document, "trich_iii")
    _heading(document, "IV. CÔNG TÁC KHEN THƯỞNG")
    _line(
        document,
        "1. Khen thưởng cấp Nhà nước: {{r so.nha_nuoc }} trường hợp; trong đó tập thể {{r so.nha_nuoc_tt }}, hộ gia đình "
        "{{r so.nha_nuoc_ho }}, cá nhân {{r so.nha_nuoc_cn }} (biểu 0602).",
    )
    _line(
        document,
        "2. Khen thưởng cấp tỉnh: {{r so.tinh }} trường hợp; trong đó tập thể {{r so.tinh_tt }}, hộ gia đình "
        "{{r so.tinh_ho }}, cá nhân {{r so.tinh_cn }}; gồm "
        "{{r so.bang_khen }} bằng khen, {{r so.cstd }} Chiến sĩ thi đua cấp tỉnh, "
        "{{r so.co }} cờ thi đua, {{r so.huy_hieu }} huy hiệu, kỷ niệm chương (biểu 0603). "
        "Ngoài ra có {{r so.ttldxs }} Tập thể Lao động xuất sắc.",
    )
    _line(
        document,
        "3. Cơ cấu cá nhân được tặng bằng khen cấp tỉnh: tổng số {{r so.ca_nhan_bk }} người; lãnh đạo, quản lý "
        "{{r so.lanh_dao }} người ({{r so.ty_le_lanh_dao }} %); "
        "người lao động trực tiếp {{r so.truc_tiep }} người ({{r so.ty_le_truc_tiep }} %); "
        "nữ {{r so.nu }} người; người dân tộc thiểu số {{r so.dan_toc }} người.",
    )
    _excerpts(document, "trich_iv")
    _heading(document, "V. TỔ CHỨC BỘ MÁY, KIỂM TRA, GIẢI QUYẾT KHIẾU NẠI, TỐ CÁO, QUỸ THI ĐUA, KHEN THƯỞNG")
    _line(
        document,
        "Quỹ thi đua, khen thưởng: số dư đầu kỳ {{r so.quy_dau }} đồng; thu trong kỳ {{r so.quy_thu }} đồng; chi trong kỳ "
        "{{r so.quy_chi }} đồng, trong đó chi tiền thưởng {{r so.quy_thuong }} đồng; số dư cuối kỳ {{r so.quy_cuoi }} đồng.",
    )
    _excerpts(document, "trich_v")
    _heading(document, "VI. TỒN TẠI, HẠN CHẾ, NGUYÊN NHÂN")
    _line(
        document,
        "Về chế độ báo cáo: {{ nop.du }} đơn vị nộp báo cáo đạt yêu cầu trên {{ nop.phai }} đơn vị phải nộp, đúng hạn "
        "{{ nop.dung_han }}, muộn {{ nop.muon }}; {{ nop.chua }} đơn vị chưa nộp, {{ nop.chua_dat }} đơn vị nộp chưa đạt.",
    )
    _excerpts(document, "trich_vi")
    _heading(document, "VII. PHƯƠNG HƯỚNG, NHIỆM VỤ")
    _excerpts(document, "trich_vii")
    _heading(document, "VIII. KIẾN NGHỊ, ĐỀ XUẤT")
    _excerpts(document, "trich_viii")
    document.add_paragraph()
    table = document.add_table(rows=1, cols=2)
    left, right = table.rows[0].cells
    left.paragraphs[0].add_run("Nơi nhận:\n- Như trên;\n- Lưu: VT.").font.size = Pt(11)
    right.paragraphs[0].alignment = _CENTER
    right.paragraphs[0].add_run("TM. HỘI ĐỒNG\n(Ký, đóng dấu, họ tên)").bold = True


def _write_appendices(document: Any) -> None:
    document.add_page_break()
    _heading(document, "PHỤ LỤC 1. BẢNG SỐ LIỆU KHEN THƯỞNG CẤP TỈNH")
    _table(
        document, "dong in khen_thuong",
        (("Đối tượng, phương thức", "{{ dong.ten }}"), ("Mã số", "{{ dong.ma }}"), ("Tổng số", "{{r dong.tong }}"),
         ("Bằng khen", "{{r dong.bang_khen }}"), ("CSTĐ cấp tỉnh", "{{r dong.cstd }}"),
         ("Cờ thi đua", "{{r dong.co }}"), ("Huy hiệu, KNC", "{{r dong.huy_hieu }}")),
        (5.6, 1.4, 1.9, 1.9, 1.9, 1.7, 1.8),
    )  # fmt: skip
    _heading(document, "PHỤ LỤC 2. NGUỒN SỐ LIỆU")
    _line(
        document,
        "Mỗi số trong dự thảo mang mã số liệu của nó (đặt con trỏ vào số để xem). Dùng mã để tra "
        "đến từng ô trong tệp của đơn vị. “n/m đơn vị”: số đơn vị đã có biểu đó trên số đơn vị phải báo cáo; "
        "(ước): có đơn vị báo số ước.",
        size=11,
    )
    _table(
        document, "dong in nguon",
        (("TT", "{{ dong.tt }}"), ("Số liệu", "{{ dong.nhan }}"), ("Trong dự thảo", "{{ dong.gia_tri }}"),
         ("Phạm vi", "{{ dong.pham_vi }}"), ("Mã số liệu", "{{ dong.ma }}")),
        (0.9, 4.4, 2.3, 2.4, 6.2), size=9,
    )  # fmt: skip


def _line(
    document: Any, text: str, *, bold: bool = False, italic: bool = False, size: float = 13, align: Any = _LEFT
) -> None:
    paragraph = document.add_paragraph()
    paragraph.alignment = align
    # A figure replaces its whole run: text and figures stand in runs of their own.
    for part in _cut(text):
        run = paragraph.add_run(part)
        run.bold, run.italic, run.font.size = bold, italic, Pt(size)


def _cut(text: str) -> list[str]:
    parts, rest = [], text
    while "{{r " in rest:
        before, _, after = rest.partition("{{r ")
        inner, _, rest = after.partition("}}")
        parts += [before, "{{r " + inner + "}}"]
    return [part for part in (*parts, rest) if part]


def _heading(document: Any, text: str, *, level: int = 1) -> None:
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.space_before = Pt(10)
    paragraph.paragraph_format.keep_with_next = True
    run = paragraph.add_run(text)
    run.bold, run.italic = True, level > 1


def _excerpts(document: Any, name: str) -> None:
    """What units wrote, offered for the officer to choose from."""
    _line(document, "{%p if " + name + ".muc %}")
    _line(document, "{{ " + name + ".loi_dan }}", italic=True, size=11)
    _line(document, "{%p for muc in " + name + ".muc %}")
    paragraph = document.add_paragraph(style="List Bullet")
    for text, bold in (("{{ muc.don_vi }}: ", True), ("{{ muc.loi }}", False)):
        run = paragraph.add_run(text)
        run.bold, run.font.size = bold, Pt(12)
    _line(document, "{%p endfor %}")
    _line(document, "{%p else %}")
    _line(document, "{{ " + name + ".loi_dan }}", italic=True, size=11)
    _line(document, "{%p endif %}")


def _table(
    document: Any, loop: str, columns: tuple[tuple[str, str], ...], widths: tuple[float, ...], *, size: float = 11
) -> None:
    table = document.add_table(rows=4, cols=len(columns))
    table.style = "Table Grid"
    table.autofit = False
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Cm(width)
    texts = ([label for label, _ in columns], None, [text for _, text in columns], None)
    for place, (row, cells) in enumerate(zip(table.rows, texts, strict=True)):
        whole = OxmlElement("w:cantSplit")
        row._tr.get_or_add_trPr().append(whole)
        if cells is None:
            row.cells[0].paragraphs[0].add_run("{%tr for " + loop + " %}" if place == 1 else "{%tr endfor %}")
            continue
        for column, text in enumerate(cells):
            cell = row.cells[column]
            cell.width = Cm(widths[column])
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_after = Pt(0)
            if place == 0 or "{{r" in text:
                paragraph.alignment = _CENTER if place == 0 else WD_ALIGN_PARAGRAPH.RIGHT
            run = paragraph.add_run(text)
            run.font.size, run.bold = Pt(size), place == 0
    header = table.rows[0]._tr.get_or_add_trPr()
    repeated = OxmlElement("w:tblHeader")
    repeated.set(qn("w:val"), "true")
    header.append(repeated)
    document.add_paragraph()


def _write_page_number(section: Any) -> None:
    """The only field of the document: the number of the page, top middle."""
    paragraph = section.header.paragraphs[0]
    paragraph.alignment = _CENTER
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    run, text = OxmlElement("w:r"), OxmlElement("w:t")
    text.text = "1"
    run.append(text)
    field.append(run)
    paragraph._p.append(field)


def _without_times(content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sorted(source.namelist()):
            made.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), source.read(name), zipfile.ZIP_DEFLATED)
    return target.getvalue()


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_bytes(make_template())
