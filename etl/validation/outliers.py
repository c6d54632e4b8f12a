"""Which of several like values stands apart from the others. Pure arithmetic; it must not know what the values mean.

Two measures must agree, each blind where the other sees: the leave-one-out z (the value against mean and deviation of the
others, so that it cannot hide in a deviation of its own making) and the modified z of Iglewicz and Hoaglin (1993), which a
second outlier cannot mask. Neither changes when all values are multiplied or shifted.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

FEWEST_PEERS: Final = 8
"""Others needed beside a value: with fewer, one odd neighbour decides what is normal."""
HIGHEST_Z: Final = 3.0
HIGHEST_MODIFIED_Z: Final = 3.5
"""Iglewicz and Hoaglin's own advice."""

_MAD_FACTOR: Final = 0.6745
_MEAN_DEVIATION_FACTOR: Final = 1.253314
"""For a normal distribution: deviation = MAD / 0,6745 = mean absolute deviation x 1,253314 (the square root of pi/2)."""
_DUST: Final = 1e-9
"""Differences under this share of the values' size are rounding of binary fractions, not differences."""


@dataclass(frozen=True, slots=True)
class Outlier:
    """A value that stands apart: its place in the sequence, the median of the others, both measures (may be infinite)."""

    place: int
    value: float
    median_of_others: float
    z: float
    modified_z: float


def find_outliers(values: Sequence[float], fewest_peers: int = FEWEST_PEERS) -> list[Outlier] | None:
    """The values that stand apart, in their order; None when there are too few to say.

    Of n equal values none ever does. Values must be finite.
    """
    if len(values) < fewest_peers + 1:
        return None
    modified = modified_z_scores(values)
    found = []
    for place, value in enumerate(values):
        if abs(modified[place]) <= HIGHEST_MODIFIED_Z:
            continue
        others = [*values[:place], *values[place + 1 :]]
        z = _z_against(value, others)
        if abs(z) > HIGHEST_Z:
            found.append(Outlier(place, value, statistics.median(others), z, modified[place]))
    return found


def modified_z_scores(values: Sequence[float]) -> list[float]:
    """0,6745 · (x - median) / MAD; where more than half are equal (MAD 0), by the mean absolute deviation; 0 where all are."""
    median = statistics.median(values)
    distances = [value - median for value in values]
    absolute = [abs(distance) for distance in distances]
    dust = _DUST * max(map(abs, values), default=0.0)
    mad = statistics.median(absolute)
    if mad > dust:
        return [_MAD_FACTOR * distance / mad for distance in distances]
    mean = math.fsum(absolute) / len(absolute)
    if mean > dust / len(absolute):
        return [distance / (_MEAN_DEVIATION_FACTOR * mean) for distance in distances]
    return [0.0] * len(values)


def _z_against(value: float, others: Sequence[float]) -> float:
    mean = math.fsum(others) / len(others)
    deviation = statistics.stdev(others, mean)
    distance = value - mean
    dust = _DUST * max(abs(value), *map(abs, others))
    if deviation > dust:
        return distance / deviation
    return math.copysign(math.inf, distance) if abs(distance) > dust else 0.0
