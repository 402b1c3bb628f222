"""Draw: random values for the tasks' files, the same ones on every platform and under every numpy.

Only `Generator.random` of PCG64 is used, a 53-bit fraction of the raw stream, and what follows from it by additions
and multiplications. numpy may change the streams of its distributions (NEP 19), and their tails go through the
platform's libm; neither reaches what is drawn here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_T = TypeVar("_T")


class Draw:
    """A stream of random values that the seed alone decides."""

    def __init__(self, seed: int) -> None:
        from numpy.random import PCG64, Generator  # noqa: PLC0415 - listing the tasks needs no numpy

        self._random = Generator(PCG64(seed)).random

    def uniform(self, low: float, high: float) -> float:
        """Draw from [low, high)."""
        return low + float(self._random()) * (high - low)

    def whole(self, low: int, high: int) -> int:
        """Draw a whole number, both ends included."""
        return low + int(float(self._random()) * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """Draw whether something happens."""
        return float(self._random()) < probability

    def normal(self, mean: float, deviation: float) -> float:
        """Draw from the sum of twelve uniforms, which is near enough to normal and has no tails beyond six."""
        total = 0.0
        for _ in range(12):
            total += float(self._random())
        return mean + deviation * (total - 6.0)

    def pick(self, items: Sequence[_T]) -> _T:
        """Draw one of the items."""
        return items[self.whole(0, len(items) - 1)]

    def shuffled(self, items: Sequence[_T]) -> list[_T]:
        """Return the items in a random order (Fisher and Yates)."""
        out = list(items)
        for last in range(len(out) - 1, 0, -1):
            other = self.whole(0, last)
            out[last], out[other] = out[other], out[last]
        return out
