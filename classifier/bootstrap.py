"""Bootstrap over tasks: how far a figure would move had other tasks been drawn.

Runs of one task resemble each other, so whole tasks are drawn, never single runs. A drawn sample is a vector of
weights over the runs; a statistic that takes weights is then computed for all samples at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from classifier.trace import Frozen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RESAMPLES = 1000
LEVEL = 0.95
_MIN_DEFINED = 0.5  # below this share of defined resamples, an interval would describe the lucky half only


class Estimate(Frozen):
    """A figure with its 95 % percentile interval over `n` runs. None: not defined on these data.

    The interval is None where fewer than two tasks are there to draw from, or where most draws leave it undefined.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0


def draws(groups: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Draw whole groups with replacement; give weights, shape (1 + resamples, len(groups)).

    Row 0 is the sample itself (all ones); every other row counts how often each item was drawn. The order of the
    items does not change what is drawn.
    """
    names, member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    itself = np.ones((1, len(member)))
    if len(names) == 0:
        return np.ones((1 + resamples, 0))
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    return np.concatenate([itself, drawn[:, member].astype(np.float64)])


_FROM_VALUES = float("nan")


def estimate(values: Floats, n: int, *, tasks: int, point: float | None = _FROM_VALUES) -> Estimate:
    """Turn a statistic over the rows of `draws` (NaN: undefined) into an Estimate over `n` runs of `tasks` tasks.

    The figure is that of the first row, or `point` where a library computed it.
    """
    figure = float(values[0]) if point is not None and math.isnan(point) else point
    if figure is None or not math.isfinite(figure):
        return Estimate(value=None, n=n)
    drawn = values[1:]
    defined = drawn[np.isfinite(drawn)]
    if tasks < 2 or len(defined) < max(2, _MIN_DEFINED * len(drawn)):
        return Estimate(value=figure, n=n)
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value=figure, low=float(low), high=float(high), n=n)


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide; NaN where the denominator is 0."""
    undefined: Floats = np.full(np.broadcast(numerator, denominator).shape, np.nan)
    np.divide(numerator, denominator, out=undefined, where=denominator != 0)
    return undefined


def mean(weights: Floats, values: Floats) -> Floats:
    """Weighted mean of `values` (n,) under each row of `weights` (r, n); NaN for a row that drew none."""
    return ratio(weights @ values, weights.sum(axis=1))
