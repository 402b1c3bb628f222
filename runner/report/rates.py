"""Rate: how many of how many, with the interval in which the share would lie."""

from __future__ import annotations

import math

from pydantic import Field, model_validator

from classifier.trace import Frozen

_Z = 1.959963984540054  # the 97.5 % point of the normal distribution: intervals are of 95 %


class Rate(Frozen):
    """`hits` of `n` runs."""

    hits: int = Field(ge=0)
    n: int = Field(ge=0)

    @model_validator(mode="after")
    def _hits_are_of_n(self) -> Rate:
        if self.hits > self.n:
            raise ValueError(f"{self.hits} of {self.n}")
        return self

    @property
    def share(self) -> float | None:
        """The share, 0 to 1; None of nothing."""
        return self.hits / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's score interval at 95 % (Wilson 1927, JASA 22:209-212); None of nothing.

        It holds where runs are independent. Repeats of one task are not quite: then it is too narrow.
        """
        if not self.n:
            return None
        share, square = self.hits / self.n, _Z**2 / self.n
        middle = (share + square / 2) / (1 + square)
        half = _Z * math.sqrt(share * (1 - share) / self.n + square / (4 * self.n)) / (1 + square)
        # a bound that is 0 or 1 by the formula is so on paper, not to the last bit of a float
        return (0.0 if not self.hits else middle - half), (1.0 if self.hits == self.n else middle + half)

    def words(self) -> str:
        """Say it: `50 % (17 of 34; 34-66)`; a dash where there are no runs."""
        if self.interval is None or self.share is None:
            return "-"
        low, high = self.interval
        return f"{100 * self.share:.0f} % ({self.hits} of {self.n}; {100 * low:.0f}-{100 * high:.0f})"
