"""A workbook whose texts are typed in an old 8-bit encoding, as a workbook in Unicode; the name of a text file's sheet. Pure.

What stood in the file is kept beside what it means. Must not touch a workbook that shows no such encoding: it is given
back as it is.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath

from etl.encodings import LegacyEncoding, decode, detect_encoding, is_pure, is_typed_in, weigh_text
from etl.reading.grid import CellKind, Sheet, Workbook
from etl.text import show_name

MOST_CELLS = 100_000
"""More than any report has; a workbook of a million cells must not hold up all others."""
_CODED = re.compile("[¡-ÿ]")
_NEVER_VIETNAMESE = re.compile("[¡-¯´-¶¸-¿Ä-ÇËÎÏÑÖØÛÜÞßä-çëîïñöøûüþÿ]")
"""Latin letters and signs that Vietnamese in Unicode does without and no sheet in an old encoding does (², ×, ·, ° are left
out: they stand in many headers). A search for them costs next to nothing, and for almost every workbook it is all."""


def convert_workbook(workbook: Workbook) -> Workbook:
    """The workbook with its TCVN3 and VNI texts in Unicode. Each sheet is judged by itself; one with little text follows
    what the whole file shows."""
    if not any(
        _NEVER_VIETNAMESE.search("\n".join([cell.text for cell in sheet.cells.values()])) for sheet in workbook.sheets
    ):
        return workbook
    if sum(len(sheet.cells) for sheet in workbook.sheets) > MOST_CELLS:
        return workbook
    doubtful = {index: texts for index, sheet in enumerate(workbook.sheets) if (texts := _list_odd_texts(sheet))}
    if not doubtful:
        return workbook
    found = {index: detect_encoding(texts) for index, texts in doubtful.items()}
    everywhere = detect_encoding(text for texts in doubtful.values() for text in texts)
    sheets = list(workbook.sheets)
    for index in doubtful:
        encoding = found[index] or everywhere
        if encoding is not None:
            sheets[index] = _convert_sheet(sheets[index], encoding)
    return replace(workbook, sheets=tuple(sheets))


def name_text_sheet(workbook: Workbook, file_name: str) -> Workbook:
    """A text file's one sheet under the name that spreadsheet programs give it: the file's, without its extension."""
    if workbook.format != "csv":
        return workbook
    stem = PurePosixPath(file_name.replace("\\", "/")).stem
    return replace(workbook, sheets=tuple(replace(sheet, name=show_name(stem)) for sheet in workbook.sheets))


def _list_odd_texts(sheet: Sheet) -> list[str]:
    """Texts with words that are no Vietnamese as they stand, and nothing of Unicode's own letters; mostly none at all."""
    texts = [sheet.name, *(cell.text for cell in sheet.cells.values() if cell.kind is CellKind.TEXT)]
    return [text for text in texts if not text.isascii() and _CODED.search(text) and weigh_text(text).odd]


def _convert_sheet(sheet: Sheet, encoding: LegacyEncoding) -> Sheet:
    texts = [cell.text for cell in sheet.cells.values() if cell.kind is CellKind.TEXT]
    pure = is_pure(texts, encoding)
    cells, originals = dict(sheet.cells), {}
    for place, cell in sheet.cells.items():
        if cell.kind is CellKind.TEXT and is_typed_in(cell.text, encoding, pure=pure):
            meant = decode(cell.text, encoding)
            if meant != cell.text:
                cells[place], originals[place] = cell._replace(text=meant), cell.text
    name = decode(sheet.name, encoding) if is_typed_in(sheet.name, encoding, pure=pure) else sheet.name
    if not originals and name == sheet.name:
        return sheet
    return replace(
        sheet, cells=cells, encoding=encoding.value, originals=originals, read_name=name if name != sheet.name else None
    )
