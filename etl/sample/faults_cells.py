"""Faults of single cells: texts, formulas and figures that a cell cannot hold. Pure."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from etl.forms.declaration import CellKey, ValueType
from etl.sample.answers import BLANK, Answer, Unreadable, write_plain
from etl.sample.draft import Draft, Planted
from etl.sample.faults_model import FaultKind, Planter, choose, open_cells, spoil, value_type
from etl.sample.oracle import is_required
from etl.templates.model import Scalar

NUMBERS = (ValueType.COUNT, ValueType.DECIMAL, ValueType.PERCENT)
ERRORS = (("=1/0", "#DIV/0!"), ("=NA()", "#N/A"), ('="12 người"+1', "#VALUE!"))
"""Formulas with the error that the sender's program stored beside them."""
_NOT_NUMBERS = ("chưa tổng hợp", "theo báo cáo riêng", "ba mươi hai", "12 người", "đạt", "1a5")
_APPROXIMATIONS = ("hơn 20", "gần 30", "khoảng 15", "> 10")
_NOT_DATES = ("31/02/2026", "hôm qua", "29/02/2025", "cuối tháng 6")
_NOT_CHOICES = ("Chưa rõ", "Đột xuất 2026", "Khác")
_UNCALCULATED = ("=12+3", "=SUM(10,20)", "=ROUND(12.4,0)")


def _plant_unreadable(code: str, types: tuple[ValueType, ...], writings: tuple[Scalar, ...]) -> Planter:
    def plant(draft: Draft, rng: Random) -> Planted:
        key = choose(rng, open_cells(draft, *types))
        return spoil(draft, key, Answer(Unreadable(code), rng.choice(writings)), code)

    return plant


def _plant_ambiguous(draft: Draft, rng: Random) -> Planted:
    """Marks of two countries mixed: `1,415` in a count, `1,234.5`, `38.248` in a percentage."""
    key, writing = choose(
        rng,
        [
            (key, writing)
            for kind, writing in (
                (ValueType.COUNT, "1,415"),
                (ValueType.DECIMAL, "1,234.5"),
                (ValueType.PERCENT, "38.248"),
            )
            for key in open_cells(draft, kind)
        ],
    )
    return spoil(draft, key, Answer(Unreadable("CELL-AMBIGUOUS"), writing), "CELL-AMBIGUOUS")


def _plant_error(draft: Draft, rng: Random) -> Planted:
    key = choose(rng, open_cells(draft, *NUMBERS))
    formula, shown = rng.choice(ERRORS)
    return spoil(draft, key, Answer(Unreadable("CELL-ERROR"), shown, formula=formula), "CELL-ERROR")


def _plant_uncalculated(draft: Draft, rng: Random) -> Planted:
    key = choose(rng, open_cells(draft, *NUMBERS))
    answer = Answer(Unreadable("CELL-UNCACHED"), None, formula=rng.choice(_UNCALCULATED))
    return spoil(draft, key, answer, "CELL-UNCACHED")


def _plant_blank(draft: Draft, rng: Random) -> Planted:
    """A cell that must be filled, left empty; in a number cell perhaps with the dots that say "not reported"."""
    keys = [
        key
        for key, answer in draft.answers.items()
        if key not in draft.touched and answer.meaning is not None and is_required(draft.layouts[key.form], key)
    ]
    key = choose(rng, keys)
    dots = value_type(draft.layouts[key.form], key) in NUMBERS and rng.random() < 0.15
    return spoil(draft, key, Answer(None, "…") if dots else BLANK, "CELL-REQUIRED")


def _plant_mark(draft: Draft, rng: Random) -> Planted:
    """The mark for "does not apply" in a cell that must be filled."""
    keys = [key for key in open_cells(draft, *NUMBERS) if is_required(draft.layouts[key.form], key)]
    mark = Answer(Unreadable("CELL-X-REQUIRED"), rng.choice(("x", "X")))
    return spoil(draft, choose(rng, keys), mark, "CELL-X-REQUIRED")


def _plant_not_applicable(draft: Draft, rng: Random) -> Planted:
    keys = [key for key in draft.answers if _is_structural_zero(draft, key) and key not in draft.touched]
    return spoil(draft, choose(rng, keys), write_plain(rng.randint(1, 6)), "CELL-NOT-APPLICABLE")


def _is_structural_zero(draft: Draft, key: CellKey) -> bool:
    return (key.row, key.column) in draft.layouts[key.form].not_applicable_cells


def _plant_too_large(draft: Draft, rng: Random) -> Planted:
    key = choose(rng, open_cells(draft, ValueType.COUNT, ValueType.DECIMAL))
    return spoil(draft, key, write_plain(Decimal(rng.randint(2, 9)) * 10**15), "CELL-TOO-LARGE")


CELL_FAULTS = (
    FaultKind("text for a number", "CELL-NOT-NUMBER", _plant_unreadable("CELL-NOT-NUMBER", NUMBERS, _NOT_NUMBERS)),
    FaultKind("approximation", "CELL-APPROXIMATE", _plant_unreadable("CELL-APPROXIMATE", NUMBERS, _APPROXIMATIONS)),
    FaultKind(
        "decimals in a count",
        "CELL-NOT-WHOLE",
        _plant_unreadable("CELL-NOT-WHOLE", (ValueType.COUNT,), ("12,5", 12.5, 3.25)),
    ),
    FaultKind(
        "negative count", "CELL-NEGATIVE", _plant_unreadable("CELL-NEGATIVE", (ValueType.COUNT,), ("-3", -3, -12))
    ),
    FaultKind("marks of two countries", "CELL-AMBIGUOUS", _plant_ambiguous),
    FaultKind("no date", "CELL-NOT-DATE", _plant_unreadable("CELL-NOT-DATE", (ValueType.DATE,), _NOT_DATES)),
    FaultKind(
        "no choice of the list",
        "CELL-NOT-CHOICE",
        _plant_unreadable("CELL-NOT-CHOICE", (ValueType.CHOICE, ValueType.YES_NO), _NOT_CHOICES),
    ),
    FaultKind("formula error", "CELL-ERROR", _plant_error),
    FaultKind("formula never calculated", "CELL-UNCACHED", _plant_uncalculated),
    FaultKind("required cell blank", "CELL-REQUIRED", _plant_blank),
    FaultKind("mark in a required cell", "CELL-X-REQUIRED", _plant_mark),
    FaultKind("figure in a structural zero", "CELL-NOT-APPLICABLE", _plant_not_applicable),
    FaultKind("impossible size", "CELL-TOO-LARGE", _plant_too_large),
)
