"""The draft of the narrative report: figures that can be read back, and nothing of a unit's text but its words."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import docx
import jinja2
import pytest
from docx.oxml import parse_xml
from hostile import ALL, FORMULAS, LONG, MARKUP
from lxml import etree

from etl.export.narrative import (
    TEMPLATE,
    Excerpts,
    NarrativeFigure,
    ReportDraft,
    StandIn,
    read_placed,
    read_places,
    render_draft,
    shorten,
)
from etl.forms.library import read_forms
from tools.make_report_template import make_template

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
HEADINGS = ("i", "ii_1", "ii_2", "ii_3", "iii", "iv", "v", "vi", "vii", "viii")


def make_figure(number: int, value: str | None = "1234.5", **changes: Any) -> NarrativeFigure:
    figure = NarrativeFigure(
        f"movements-year:2026-A1/F05/01/F05.01.{number}",
        f"Số {number}",
        None if value is None else Decimal(value),
        52,
        56,
    )
    return replace(figure, **changes)


def make_draft(**changes: Any) -> ReportDraft:
    figures = {
        place.name: make_figure(number, str(number * 1000)) for number, place in enumerate(read_places(), start=1)
    }
    row = {
        "ten": "Chỉ tiêu",
        "don_vi_tinh": "xã",
        "ke_hoach": make_figure(90),
        "thuc_hien": make_figure(91),
        "ty_le": make_figure(92),
    }
    award: dict[str, Any] = {"ten": "Tập thể", "ma": "02", "cstd": StandIn("x")} | {
        name: make_figure(80 + place) for place, name in enumerate(("tong", "bang_khen", "co", "huy_hieu"))
    }
    draft = ReportDraft(
        title="Báo cáo năm",
        author="Sở Nội vụ",
        as_of=datetime(2027, 1, 20, 1, tzinfo=UTC),
        words={
            "don_vi_chu_quan": "ỦY BAN NHÂN DÂN TỈNH", "co_quan": "HỘI ĐỒNG", "dia_danh": "Cao Bằng", "tieu_de": "Công tác năm",
            "ky": "từ 15/12/2025", "thoi_diem": "20/01/2027", "pham_vi": "52/56 đơn vị", "trang_thai": "Đang duyệt.",
            "nop": {"du": 52, "phai": 56, "dung_han": 50, "muon": 2, "chua": 3, "chua_dat": 1},
        },
        figures=figures,
        tables={"chi_tieu": [row], "khen_thuong": [award]},
        excerpts={f"trich_{name}": Excerpts((("Xã Bạch Đằng", "Đã làm tốt."),), 3) for name in HEADINGS},
    )  # fmt: skip
    return replace(draft, **changes)


def words_of(content: bytes) -> str:
    with zipfile.ZipFile(BytesIO(content)) as package:
        root: Any = parse_xml(package.read("word/document.xml"))
    return "\n".join(
        "".join((each.text or "") if each.tag == f"{W}t" else "\n" for each in line.iter(f"{W}t", f"{W}br"))
        for line in root.iter(f"{W}p")
    )


def test_the_template_is_what_the_tool_makes() -> None:
    assert make_template() == TEMPLATE.read_bytes(), "run `python -m tools.make_report_template`"


def test_the_places_of_the_template_are_cells_of_the_forms() -> None:
    forms = read_forms()
    for place in read_places():
        (version,) = [v for v in forms[place.form].versions if v.effective_to is None]
        assert version.measure_of(place.form, place.row, place.column).startswith(place.form)
        assert place.row in version.row_labels


def test_every_figure_can_be_read_back_with_its_id() -> None:
    draft = make_draft()
    placed = read_placed(render_draft(draft))
    given = [*draft.figures.values(), *(f for rows in draft.tables.values() for row in rows for f in row.values())]
    wanted = {(figure.id, figure.text) for figure in given if isinstance(figure, NarrativeFigure)}
    assert {(one.figure, one.text) for one in placed} == wanted
    assert len(placed) == len(wanted)


def test_every_text_of_the_document_is_in_a_run() -> None:
    """Text beside the runs of a paragraph is lost in one office program and breaks the file in another."""
    content = render_draft(make_draft())
    with zipfile.ZipFile(BytesIO(content)) as package:
        root = etree.fromstring(package.read("word/document.xml"))  # plain: docx gives paragraphs a text of their own
    stray = [
        text
        for element in root.iter()
        if element.tag not in {f"{W}t", f"{W}instrText"}
        for text in (element.text, *(child.tail for child in element))
        if text and text.strip()
    ]
    assert stray == []
    assert "x" in [cell.text for table in docx.Document(BytesIO(content)).tables for cell in table._cells]


def test_a_figure_that_is_not_there_says_so() -> None:
    draft = make_draft()
    figures = {**draft.figures, "tinh": make_figure(7, None)}
    content = render_draft(replace(draft, figures=figures))
    assert "Khen thưởng cấp tỉnh: chưa có số liệu (52/56 đơn vị) trường hợp" in words_of(content)
    assert "chưa có số liệu (52/56 đơn vị)" in {one.text for one in read_placed(content)}


def test_a_changed_figure_is_seen() -> None:
    content = render_draft(make_draft())
    before = {one.number: one.text for one in read_placed(content)}
    target = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as source, zipfile.ZipFile(target, "w") as made:
        for name in source.namelist():
            text = source.read(name)
            made.writestr(
                name, text.replace(b">1.000</w:t></w:r></w:sdtContent>", b">9.000</w:t></w:r></w:sdtContent>")
            )
    after = {one.number: one.text for one in read_placed(target.getvalue())}
    assert {number: text for number, text in after.items() if before[number] != text} == {1: "9.000"}


def test_a_figure_without_a_source_is_refused() -> None:
    content = render_draft(make_draft())
    target = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as source, zipfile.ZipFile(target, "w") as made:
        for name in source.namelist():
            made.writestr(name, source.read(name).replace(b'w:val="so-3"', b'w:val="so-999"'))
    with pytest.raises(ValueError, match="999 is not in the appendix"):
        read_placed(target.getvalue())


def test_equal_drafts_give_equal_bytes() -> None:
    assert render_draft(make_draft()) == render_draft(make_draft())


def test_texts_of_units_stay_text() -> None:
    quiet = render_draft(make_draft())
    hostile = Excerpts(tuple((text, text) for text in ALL))
    draft = make_draft(excerpts={f"trich_{name}": hostile for name in HEADINGS}, title=LONG[:200] + "\x01\ud800")
    content = render_draft(
        replace(draft, figures={**draft.figures, "tinh": make_figure(1, label="<w:p>'\"&\x02" + LONG)})
    )
    words = words_of(content)
    for text in (*FORMULAS, *MARKUP):
        if text not in {"{_{ so }_}"}:
            assert text.strip("\t\r ‮‎") in words, text
    assert "49" not in words.replace(" 149", "")
    with zipfile.ZipFile(BytesIO(content)) as package, zipfile.ZipFile(BytesIO(quiet)) as other:
        names = package.namelist()
        assert names == other.namelist()
        assert not any("vba" in name.lower() or "embeddings" in name for name in names)
        for name in names:
            if name.endswith((".xml", ".rels")):
                parse_xml(package.read(name))
        # The only field is the page number of the header; no relationship comes from a text.
        fields = re.compile(rb"<w:(?:fldSimple|instrText|fldChar|hyperlink|altChunk|object)")
        assert not fields.search(package.read("word/document.xml"))
        assert package.read("word/_rels/document.xml.rels") == other.read("word/_rels/document.xml.rels")
    docx.Document(BytesIO(content))
    assert read_placed(content)


def test_a_template_that_asks_for_more_is_refused() -> None:
    draft = make_draft()
    with pytest.raises(jinja2.UndefinedError, match="tinh"):
        render_draft(replace(draft, figures={k: v for k, v in draft.figures.items() if k != "tinh"}))


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [
        ("Một  hai\nba", 20, "Một hai ba"),
        ("Câu thứ nhất. Câu thứ hai dài hơn nhiều.", 20, "Câu thứ nhất. …"),
        ("một hai ba bốn năm sáu bảy", 12, "một hai ba …"),
        ("a" * 30, 10, "a" * 10 + " …"),
    ],
)
def test_long_texts_are_cut_between_words(text: str, longest: int, expected: str) -> None:
    assert shorten(text, longest) == expected
