"""The draft of the narrative report as .docx, from a template; and its figures read back out of the finished document.

A figure stands in a content control whose tag is its number in the appendix "Nguồn số liệu", so that an officer sees where it
comes from and a machine can compare it. Texts of units are values, never template: no mark-up, field or link comes out of them.
It must not compute figures or read the warehouse.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

import yaml

from etl.calendar.deadlines import TIMEZONE
from etl.export.safe_text import printable
from etl.text import format_number

TEMPLATE: Final = Path(__file__).with_name("templates") / "bao-cao.docx"
PLACES: Final = TEMPLATE.with_name("bao-cao.yaml")
SOURCES_HEADER: Final = ("TT", "Số liệu", "Trong dự thảo", "Phạm vi", "Mã số liệu")
NOT_ASKED: Final = "báo cáo này không có biểu đó"
_TAG: Final = "so-"
_LONGEST_ALIAS: Final = 60
_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@dataclass(frozen=True, slots=True)
class Place:
    """A figure that the template names: the cell of the form it is, and what it is called in the appendix."""

    name: str
    form: str
    row: str
    column: str
    label: str


@dataclass(frozen=True, slots=True)
class NarrativeFigure:
    """A consolidated figure to place. `decimals` None: those it has; `accepted` of `expected` units gave the form;
    `estimated`: some of them estimates."""

    id: str
    label: str
    value: Decimal | None
    accepted: int
    expected: int
    decimals: int | None = None
    estimated: bool = False

    @property
    def text(self) -> str:
        """As it is printed: "1.234,5", or that there is none and how many units could have given it."""
        if self.value is None:
            return f"chưa có số liệu ({self.coverage})"
        return format_number(self.value, self.decimals)

    @property
    def coverage(self) -> str:
        """ "52/56 đơn vị"; words where the report does not ask for it."""
        if not self.expected and not self.accepted:
            return NOT_ASKED
        return f"{self.accepted}/{self.expected} đơn vị"


@dataclass(frozen=True, slots=True)
class StandIn:
    """A word where a figure would stand, such as the x of a cell that the form closes."""

    text: str


@dataclass(frozen=True, slots=True)
class Excerpts:
    """What units wrote to one heading: (name of the unit, text), and how many more wrote to it."""

    items: tuple[tuple[str, str], ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class ReportDraft:
    """Everything that goes into the document. `figures` by the names of `bao-cao.yaml`; `tables` by name: rows of texts, figures
    and what stands in for one; `excerpts` by heading; `words`: single texts of the template."""

    title: str
    author: str
    as_of: datetime
    words: Mapping[str, Any]
    figures: Mapping[str, NarrativeFigure]
    tables: Mapping[str, Sequence[Mapping[str, str | NarrativeFigure | StandIn]]]
    excerpts: Mapping[str, Excerpts]


@dataclass(frozen=True, slots=True)
class PlacedFigure:
    """A figure as it stands in a finished document."""

    number: int
    figure: str
    text: str


@lru_cache(maxsize=4)
def read_places(path: Path = PLACES) -> tuple[Place, ...]:
    """The figures that the template names."""
    with path.open(encoding="utf-8") as source:
        declared = yaml.safe_load(source)["figures"]
    return tuple(
        Place(name, said["form"], str(said["row"]), str(said["column"]), said["label"])
        for name, said in declared.items()
    )


def render_draft(draft: ReportDraft, template: Path = TEMPLATE) -> bytes:
    """The document; the same draft gives the same bytes. Raises jinja2.UndefinedError for a name of the template that the draft
    has not."""
    # Slow to import, and only this command needs them.
    import jinja2
    from docxtpl import DocxTemplate

    numbers: dict[str, int] = {}
    placed: list[NarrativeFigure] = []
    count = iter(range(1, 1_000_000))

    def place(value: str | NarrativeFigure | StandIn, size: float) -> Any:
        if isinstance(value, str):
            return printable(value)
        if isinstance(value, StandIn):
            return _Run(value, size)
        if value.id not in numbers:
            numbers[value.id] = len(numbers) + 1
            placed.append(value)
        return _Control(value, numbers[value.id], size, count)

    context: dict[str, Any] = {name: _clean(word) for name, word in draft.words.items()}
    context["so"] = {name: place(figure, 13) for name, figure in draft.figures.items()}
    for name, rows in draft.tables.items():
        context[name] = [{key: place(value, 11) for key, value in row.items()} for row in rows]
    for name, excerpts in draft.excerpts.items():
        context[name] = _offer(excerpts)
    context["nguon"] = [
        {
            "tt": str(numbers[figure.id]), "nhan": printable(figure.label), "gia_tri": figure.text,
            "pham_vi": f"{figure.coverage} (ước)" if figure.estimated else figure.coverage, "ma": figure.id,
        }
        for figure in placed
    ]  # fmt: skip
    document = DocxTemplate(template)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    document.render(context, jinja_env=environment, autoescape=True)
    properties = document.docx.core_properties
    made = draft.as_of.astimezone(TIMEZONE).replace(tzinfo=None, microsecond=0)
    properties.title, properties.author = printable(draft.title), printable(draft.author)
    properties.created = properties.modified = made
    properties.last_modified_by, properties.revision = "", 1
    target = io.BytesIO()
    document.save(target)
    return _without_times(target.getvalue())


def read_placed(content: bytes) -> list[PlacedFigure]:
    """Every figure of a finished document with the id that the appendix gives for its number, in order of appearance.

    Raises ValueError for a figure whose number the appendix does not have, or has twice.
    """
    from docx.oxml import parse_xml

    with zipfile.ZipFile(io.BytesIO(content)) as package:
        root: Any = parse_xml(package.read("word/document.xml"))
    ids: dict[int, str] = {}
    for table in root.iter(f"{_W}tbl"):
        rows = [tuple(_text_of(cell) for cell in row.iter(f"{_W}tc")) for row in table.iter(f"{_W}tr")]
        if not rows or rows[0] != SOURCES_HEADER:
            continue
        for row in rows[1:]:
            if int(row[0]) in ids:
                raise ValueError(f"the appendix has number {row[0]} twice")
            ids[int(row[0])] = row[-1]
    found = []
    for control in root.iter(f"{_W}sdt"):
        tag = control.find(f"{_W}sdtPr/{_W}tag")
        if tag is None or not tag.get(f"{_W}val", "").startswith(_TAG):
            continue
        number = int(tag.get(f"{_W}val").removeprefix(_TAG))
        if number not in ids:
            raise ValueError(f"figure {number} is not in the appendix")
        found.append(PlacedFigure(number, ids[number], _text_of(control)))
    return found


class _Run:
    """A stand-in on its way into the document: docxtpl takes the template's run away where a figure is to come, and text
    without a run is no text to an office program."""

    def __init__(self, word: StandIn, size: float) -> None:
        self.word, self.size = word, size

    def __html__(self) -> str:
        text = escape(printable(self.word.text))
        return f'<w:r><w:rPr><w:sz w:val="{int(self.size * 2)}"/></w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'

    __str__ = __html__


class _Control:
    """A figure on its way into the document; docxtpl puts it where the run with its name stood."""

    def __init__(self, figure: NarrativeFigure, number: int, size: float, count: Any) -> None:
        self.figure, self.number, self.size, self.count = figure, number, size, count

    def __html__(self) -> str:
        alias = quoteattr(printable(f"{self.number}. {self.figure.label}")[:_LONGEST_ALIAS])
        missing = '<w:color w:val="C00000"/>' if self.figure.value is None else ""
        return (
            f'<w:sdt><w:sdtPr><w:alias w:val={alias}/><w:tag w:val="{_TAG}{self.number}"/>'
            f'<w:id w:val="{next(self.count)}"/><w:text/></w:sdtPr><w:sdtContent><w:r><w:rPr>{missing}'
            f'<w:sz w:val="{int(self.size * 2)}"/></w:rPr><w:t xml:space="preserve">{escape(self.figure.text)}</w:t></w:r>'
            "</w:sdtContent></w:sdt>"
        )

    __str__ = __html__


def _offer(excerpts: Excerpts) -> dict[str, Any]:
    if not excerpts.items:
        return {"muc": [], "loi_dan": "(Chưa có đơn vị nào viết nội dung mục này.)"}
    more = f" Còn {excerpts.more} đơn vị khác có viết mục này." if excerpts.more else ""
    return {
        "muc": [{"don_vi": printable(unit), "loi": printable(text)} for unit, text in excerpts.items],
        "loi_dan": f"(Trích báo cáo của đơn vị để chọn lọc, biên tập; xóa khi trình ký.{more})",
    }


def _clean(word: Any) -> Any:
    if isinstance(word, Mapping):
        return {name: _clean(each) for name, each in word.items()}
    return printable(word) if isinstance(word, str) else word


def _text_of(element: Any) -> str:
    return "".join(each.text or "" for each in element.iter(f"{_W}t"))


def shorten(text: str, longest: int = 400) -> str:
    """The text in one line, cut at the end of a sentence or else of a word where it is longer, with "…" for what is gone."""
    line = re.sub(r"\s+", " ", text).strip()
    if len(line) <= longest:
        return line
    head = line[:longest]
    sentence = max(head.rfind(mark) for mark in (". ", "; ", "! ", "? "))
    if sentence >= longest // 2:
        return f"{head[: sentence + 1]} …"
    return f"{head[: head.rfind(' ')] if ' ' in head[longest // 2 :] else head} …"


def _without_times(content: bytes) -> bytes:
    """The package with the same bytes whenever it is made: zip files carry the time of making."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name in source.namelist():
            made.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), source.read(name), zipfile.ZIP_DEFLATED)
    return target.getvalue()
