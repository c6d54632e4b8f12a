"""The naive side, reading: one workbook to one tidy frame per form, as a team writes it that knows the template alone.

It shares no code with the product. Cells are cleaned by the template's own conventions (commas, "x", "không", "%").
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pandas as pd

ENVELOPE = {
    "01": "ma_don_vi", "02": "ten_don_vi", "03": "ma_bao_cao", "04": "che_do", "05": "ky_bao_cao", "06": "tu_ngay",
    "07": "den_ngay", "08": "la_uoc_tinh", "09": "so_ky_hieu", "10": "ngay_ky", "11": "nguoi_ky", "12": "chuc_vu",
    "13": "nguoi_lap_bieu", "14": "dien_thoai", "15": "email",
}  # fmt: skip
RESULTS = {
    "A": "ma_phong_trao", "B": "ten_phong_trao", "C": "ma_chi_so", "D": "ten_chi_so", "E": "don_vi_tinh",
    "1": "ke_hoach", "2": "thuc_hien", "3": "luy_ke", "4": "ty_le", "F": "ghi_chu",
}  # fmt: skip
STRUCTURE = {
    "01": "tong_ca_nhan", "02": "lanh_dao_quan_ly", "03": "ty_le_lanh_dao", "04": "nguoi_lao_dong_truc_tiep",
    "05": "ty_le_truc_tiep", "06": "nu", "07": "dan_toc_thieu_so", "08": "doanh_nghiep",
}  # fmt: skip
AWARD_ROWS = [f"{number:02}" for number in range(1, 18)]
AWARD_COLUMNS = ["1", "2", "3", "4", "5", "6"]
_REQUIRED = {
    **{("F00", code): True for code in ENVELOPE if code <= "11"},
    **{("F07", code): True for code in ("01", "02", "04")},
    **{("F03", code): True for code in ("A", "C", "2")},
    **{("F05", f"{row}|1"): True for row in ("01", "02", "05")},
}
_INDIVIDUALS_ONLY = {(row, column) for column in "35" for row in ("02", "03", "04")}
_COLLECTIVES_ONLY = {(row, column) for column in "46" for row in ("04", "05", "06", "07", "08", "09", "10")}
NOT_APPLICABLE = _INDIVIDUALS_ONLY | _COLLECTIVES_ONLY
DAYS = ["tu_ngay", "den_ngay", "ngay_ky"]
PERCENTS = ("ty_le", "ty_le_lanh_dao", "ty_le_truc_tiep")
_ZEROS = {"-", "–", "—", "không", "ko", "không có", "chưa có", "chưa"}
_NOTHING = {"", "x", "…", "..."}
_CODE_ROW = {
    "F00": ("A", "B", "C", "1"), "F03": ("A", "B", "C", "D"), "F05": ("A", "B", "1", "2"), "F07": ("A", "B", "C", "1"),
}  # fmt: skip


@dataclass
class TidyWorkbook:
    """The frames of one file; a form that is not in the file is not in `forms`."""

    forms: dict[str, pd.DataFrame] = field(default_factory=dict)
    cells: pd.DataFrame = field(default_factory=pd.DataFrame)


def tidy_workbook(path: Path) -> TidyWorkbook:
    """Reads and tidies a file. Raises what the readers raise for a file that cannot be opened."""
    tidy = TidyWorkbook()
    cells: list[dict[str, Any]] = []
    for name, rows in read_sheets(path):
        form = name[:3]
        if form not in _CODE_ROW or form in tidy.forms:
            continue
        start = next(
            (
                place
                for place, row in enumerate(rows)
                if tuple(str(value) for value, _ in row[: len(_CODE_ROW[form])]) == _CODE_ROW[form]
            ),
            None,
        )
        if start is None:
            continue
        codes = [str(value) for value, _ in rows[start]]
        body = [dict(zip(codes, row, strict=False)) for row in rows[start + 1 :]]
        if form == "F03":
            tidy.forms[form] = _tidy_results(body, cells)
        elif form == "F05":
            tidy.forms[form] = _tidy_awards(body, cells)
        else:
            tidy.forms[form] = _tidy_fields(form, ENVELOPE if form == "F00" else STRUCTURE, body, cells)
    tidy.cells = pd.DataFrame(cells, columns=["form", "place", "value", "number", "required", "not_applicable"])
    tidy.cells["number"] = tidy.cells["number"].astype(float)
    return tidy


Read = tuple[Any, str]
"""A value and its number format."""


def read_sheets(path: Path) -> list[tuple[str, list[list[Read]]]]:
    """Every sheet's rows. openpyxl, because percentages are told by their number format; old .xls by pandas."""
    with path.open("rb") as file:
        if file.read(4) == b"\xd0\xcf\x11\xe0":
            frames = pd.read_excel(path, sheet_name=None, header=None, engine="calamine", dtype=object)
            return [
                (str(name), [[(None if pd.isna(value) else value, "") for value in row] for row in frame.to_numpy()])
                for name, frame in frames.items()
            ]
        file.seek(0)
        workbook = openpyxl.load_workbook(file, data_only=True, read_only=True)
        return [
            (
                sheet.title,
                [[(cell.value, getattr(cell, "number_format", "")) for cell in row] for row in sheet.iter_rows()],
            )
            for sheet in workbook.worksheets
        ]


def _tidy_fields(
    form: str, names: dict[str, str], body: list[dict[str, Read]], cells: list[dict[str, Any]]
) -> pd.DataFrame:
    found = {code: row.get("1", (None, "")) for row in body if (code := _code(row.get("A"))) in names}
    record: dict[str, Any] = {}
    for code, name in names.items():
        read = found.get(code, (None, ""))
        if form == "F00":
            record[name] = _clean_envelope(name, read[0])
        else:
            record[name], decimals = clean_number(read, percent=name in PERCENTS)
            if name in PERCENTS:
                record[f"{name}@decimals"] = decimals
        if code in found:
            number = None if form == "F00" else record[name]
            cells.append(_cell(form, code, read[0], number, _REQUIRED.get((form, code), False)))
    frame = pd.DataFrame([record])
    for name in frame.columns.intersection(DAYS):
        frame[name] = pd.to_datetime(frame[name])  # an empty one would reach the database as text
    return frame


def _tidy_results(body: list[dict[str, Read]], cells: list[dict[str, Any]]) -> pd.DataFrame:
    records = []
    for row in body:
        if not all(_text(row.get(code)) for code in ("A", "C")):
            continue
        record: dict[str, Any] = {}
        for code, name in RESULTS.items():
            read = row.get(code, (None, ""))
            if code.isdigit():
                record[name], decimals = clean_number(read, percent=name in PERCENTS)
                if name in PERCENTS:
                    record[f"{name}@decimals"] = decimals
            else:
                record[name] = _text(read) or None
            place = f"{_text(row.get('A'))}.{_text(row.get('C'))}.{code}"
            number = record[name] if code.isdigit() else None
            cells.append(_cell("F03", place, read[0], number, _REQUIRED.get(("F03", code), False)))
        records.append(record)
    frame = pd.DataFrame(records, columns=[*RESULTS.values(), "ty_le@decimals"])
    numbers = ["ke_hoach", "thuc_hien", "luy_ke", "ty_le", "ty_le@decimals"]
    frame[numbers] = frame[numbers].astype(float)
    return frame


def _tidy_awards(body: list[dict[str, Read]], cells: list[dict[str, Any]]) -> pd.DataFrame:
    found = {code: row for row in body if (code := _code(row.get("B"))) in AWARD_ROWS}
    records = []
    for code in AWARD_ROWS:
        record: dict[str, Any] = {"row": code}
        for column in AWARD_COLUMNS:
            read = found.get(code, {}).get(column, (None, ""))
            record[column], _ = clean_number(read, percent=False)
            if code in found:
                required = _REQUIRED.get(("F05", f"{code}|{column}"), False)
                cell = _cell("F05", f"{code}.{column}", read[0], record[column], required)
                cells.append({**cell, "not_applicable": (code, column) in NOT_APPLICABLE})
        records.append(record)
    frame = pd.DataFrame(records)
    frame[AWARD_COLUMNS] = frame[AWARD_COLUMNS].astype(float)
    return frame


def _cell(form: str, place: str, value: Any, number: Any, required: bool) -> dict[str, Any]:
    text = None if value is None or not str(value).strip() else str(value)
    return {
        "form": form, "place": place, "value": text, "number": number, "required": required, "not_applicable": False,
    }  # fmt: skip


def _text(read: Read | None) -> str:
    return "" if read is None or read[0] is None else str(read[0]).strip()


def _code(read: Read | None) -> str:
    text = _text(read).removesuffix(".0")
    return text.zfill(2) if text.isdigit() else text


def clean_number(read: Read, *, percent: bool) -> tuple[float, float]:
    """(number, decimals shown); NaN where there is none or it cannot be read."""
    value, number_format = read
    nothing = float("nan"), float("nan")
    if isinstance(value, bool) or value is None:
        return nothing
    if isinstance(value, int | float):
        number = float(value)
        if percent and "%" in number_format:
            number = round(number * 100, 6)
        return number, float(_decimals(number, number_format))
    text = str(value).replace("\xa0", " ").strip().lower()
    if text in _ZEROS:
        return 0.0, 0.0
    if text in _NOTHING:
        return nothing
    text = text.removesuffix("%").strip()
    if re.fullmatch(r"\d{1,3}([. ]\d{3})+(,\d+)?", text) and not percent:
        text = text.replace(".", "").replace(" ", "")
    text = text.replace(",", ".")
    try:
        return float(text), float(len(text.partition(".")[2]))
    except ValueError:
        return nothing


def _decimals(number: float, number_format: str) -> int:
    """Decimals shown: what the format fixes, and of the optional ones as many as the number has."""
    typed = len(f"{number:.6f}".rstrip("0").partition(".")[2])
    places = re.search(r"[0#]\.([0#]+)", number_format)
    if places is None:
        return 0 if re.search("[0#]", number_format) and number_format != "General" else typed
    return max(places[1].count("0"), min(typed, len(places[1])))


def _clean_envelope(name: str, value: Any) -> Any:
    text = "" if value is None else str(value).strip()
    if name in DAYS:
        return _clean_day(value)
    if name == "la_uoc_tinh":
        return {"có": "yes", "không": "no"}.get(text.lower())
    if name == "che_do":
        if text.lower().startswith(("định kỳ", "dinh_ky")):
            return "admin"
        return "statistics" if text.lower().startswith(("thống kê", "thong_ke")) else None
    return text or None


def _clean_day(value: Any) -> pd.Timestamp | None:
    if isinstance(value, datetime):
        return pd.Timestamp(value).normalize()
    digits = re.findall(r"\d+", str(value or ""))
    if len(digits) < 3:
        return None
    day, month, year = reversed(digits[:3]) if len(digits[0]) == 4 else digits[:3]
    found = pd.to_datetime(f"{int(year) + (2000 if len(year) == 2 else 0)}-{month}-{day}", errors="coerce")
    return None if pd.isna(found) else found
