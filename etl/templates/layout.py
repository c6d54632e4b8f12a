"""Sizes of cells: how many lines a text takes in a column, and how high its row must be so that nothing is cut off.

Pure estimates for Times New Roman 11; on the generous side, because a cut-off label is worse than white space.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Final

LINE_HEIGHT: Final = 15.5
"""Points a line of 11-point text takes."""
PADDING: Final = 5.0


def count_lines(text: str, width: float, *, bold: bool = False) -> int:
    """Lines a text takes in a column (or merged columns) of that width in characters; at least 1."""
    room = max(3, int(width * (0.95 if bold else 1.05)) - 1)
    # Capitals are wider: titles and signature lines are all capitals.
    if text.isupper():
        room = max(3, int(room * 0.78))
    return max(1, sum(len(textwrap.wrap(line, room)) or 1 for line in text.split("\n")))


def fit_height(texts: Iterable[tuple[str, float, bool]], *, line_height: float = LINE_HEIGHT) -> float:
    """Height in points of a row with these cells: (text, column width, bold)."""
    return max((count_lines(text, width, bold=bold) for text, width, bold in texts), default=1) * line_height + PADDING
